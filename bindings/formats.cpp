// Formats, rounding, codes.
#include "fewbits/formats/float_format.hpp"

#include <nanobind/operators.h>

#include <optional>
#include <string>

#include "bindings.hpp"
#include "fewbits/formats/rounding.hpp"
#include "formats_kernels.hpp"

namespace {

using namespace fewbits;
using namespace fewbits::formats;

using RandomBits = Array1<const std::uint32_t>;

constexpr const char* saturate_names[] = {"none", "finite", "propagate", "wrap"};
constexpr const char* subnormal_names[] = {"gradual", "flush", "nearest_normal"};
constexpr const char* variant_names[] = {"a", "b", "c"};
constexpr const char* nan_policy_names[] = {"keep", "error", "zero", "max", "ml_dtypes"};

// The lists of enum values that Python checks names against; the position is the value.
template <std::size_t N>
nb::tuple names(const char* const (&list)[N]) {
    nb::list result;
    for (const char* name : list) result.append(name);
    return nb::tuple(result);
}

template <class Enum>
Enum enum_of(int value, std::size_t count, const char* name) {
    FEWBITS_REQUIRE(value >= 0 && static_cast<std::size_t>(value) < count,
                    std::string("RoundOptions: ") + name + " is out of range");
    return static_cast<Enum>(value);
}

// What Python hands down; `bits` stays with the call.
RoundOptions options(int rounding, int saturate, int subnormal, int nan, int variant, std::uint64_t seed,
                     std::uint64_t stream, std::uint64_t first, int random_bits, bool exponent_limit,
                     bool flush_inputs, int threads) {
    RoundOptions result;
    result.rounding = enum_of<Rounding>(rounding, std::size(rounding_names), "rounding");
    result.saturate = enum_of<Saturate>(saturate, std::size(saturate_names), "saturate");
    result.subnormal = enum_of<Subnormal>(subnormal, std::size(subnormal_names), "subnormal");
    result.nan = enum_of<NanPolicy>(nan, std::size(nan_policy_names), "nan");
    result.variant = enum_of<Variant>(variant, std::size(variant_names), "variant");
    result.seed = seed;
    result.stream = stream;
    result.first = first;
    result.random_bits = random_bits;
    result.exponent_limit = exponent_limit;
    result.flush_inputs = flush_inputs;
    result.threads = threads;
    return result;
}

template <class In, class T>
void bind_round_to(nb::module_& m) {
    m.def(
        "round_to",
        [](Array1<const In> x, const FloatFormat& format, RoundOptions how, RandomBits bits, Array1<T> out) {
            how.bits = span(bits);
            round_to(span(x), format, how, span(out));
        },
        "x"_a.noconvert(), "format"_a, "options"_a, "bits"_a.noconvert(), "out"_a.noconvert(),
        nb::call_guard<nb::gil_scoped_release>());
}

}  // namespace

void register_formats(nb::module_& m) {
    m.attr("roundings") = names(rounding_names);
    m.attr("saturates") = names(saturate_names);
    m.attr("subnormals") = names(subnormal_names);
    m.attr("variants") = names(variant_names);
    m.attr("nan_policies") = names(nan_policy_names);
    nb::list registered;
    for (const NamedFormat& known : registry) registered.append(std::string(known.name));
    m.attr("registered") = nb::tuple(registered);
    nb::dict other_names;
    for (const auto& alias : aliases)
        other_names[nb::str(std::string(alias.first).c_str())] = std::string(alias.second);
    m.attr("aliases") = other_names;

    nb::class_<FloatFormat>(m, "FloatFormat", "The constants of a number format.")
        .def_ro("bits", &FloatFormat::bits)
        .def_ro("precision", &FloatFormat::precision)
        .def_ro("exponent_bits", &FloatFormat::exponent_bits)
        .def_ro("bias", &FloatFormat::bias)
        .def_ro("min_exponent", &FloatFormat::min_exponent)
        .def_ro("max_exponent", &FloatFormat::max_exponent)
        .def_ro("is_signed", &FloatFormat::is_signed)
        .def_ro("has_zero", &FloatFormat::has_zero)
        .def_ro("has_subnormal", &FloatFormat::has_subnormal)
        .def_ro("has_neg_zero", &FloatFormat::has_neg_zero)
        .def_ro("has_inf", &FloatFormat::has_inf)
        .def_ro("is_fixed", &FloatFormat::is_fixed)
        .def_ro("max", &FloatFormat::max_finite)
        .def_ro("min", &FloatFormat::min_finite)
        .def_prop_ro("nan",
                     [](const FloatFormat& f) {
                         return std::string(fewbits::formats::detail::nan_names[static_cast<int>(f.nan)]);
                     })
        .def_prop_ro("quantum_exponent", &FloatFormat::quantum_exponent)
        .def_prop_ro("fits_float32", &fewbits::formats::detail::carries<float>)
        .def("equals", [](const FloatFormat& a, const FloatFormat& b) { return a == b; }, "other"_a);
    nb::class_<RoundOptions>(m, "RoundOptions", "How to round.");
    m.def(
        "get", [](const std::string& name) { return get(name); }, "name"_a,
        "The format of a name, alias or expression.");
    m.def("options", &options, "rounding"_a, "saturate"_a, "subnormal"_a, "nan"_a, "variant"_a, "seed"_a,
          "stream"_a, "first"_a, "random_bits"_a, "exponent_limit"_a, "flush_inputs"_a, "threads"_a,
          "Choices by their positions in the lists of names.");
    bind_round_to<float, float>(m);
    bind_round_to<double, double>(m);
    bind_round_to<std::int64_t, double>(m);
    bind_round_to<std::uint64_t, double>(m);
}
