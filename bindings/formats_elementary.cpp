// Functions that round to a format once: results of float64 kernels made ready, hypot, Givens rotations.
#include <string>

#include "bindings.hpp"
#include "fewbits/core/float_environment.hpp"
#include "fewbits/formats/elementary.hpp"
#include "fewbits/formats/emulated_givens.hpp"

namespace {

using namespace fewbits;
using namespace fewbits::formats;

template <std::size_t N>
nb::tuple names(const char* const (&list)[N]) {
    nb::list result;
    for (const char* name : list) result.append(name);
    return nb::tuple(result);
}

GivensMethod method_of(int method) {
    FEWBITS_REQUIRE(method >= 0 && static_cast<std::size_t>(method) < std::size(givens_method_names),
                    "formats.givens: no such method");
    return static_cast<GivensMethod>(method);
}

}  // namespace

void register_formats_elementary(nb::module_& m) {
    using In = Array1<const double>;
    using Out = Array1<double>;
    const auto release = nb::call_guard<nb::gil_scoped_release>();
    m.attr("elementary") = names(elementary_names);
    m.attr("givens_methods") = names(givens_method_names);
    m.def(
        "settle",
        [](int function, In x, In second, Out y) {
            FEWBITS_REQUIRE(function >= 0 && static_cast<std::size_t>(function) < std::size(elementary_names),
                            "formats.evaluate: no such function");
            FEWBITS_REQUIRE(x.size() == y.size() && (second.size() == 0 || second.size() == y.size()),
                            "formats.evaluate: x, second and y must have one size");
            const FloatEnvironment standard;
            const Span<const double> in = span(x), other = span(second);
            const Span<double> out = span(y);
            const auto f = static_cast<Elementary>(function);
            for (std::size_t i = 0; i < out.size(); ++i)
                out[i] = settle(f, in[i], out[i], other.empty() ? 1 : other[i]);
        },
        "function"_a, "x"_a.noconvert(), "second"_a.noconvert(), "y"_a.noconvert(), release,
        "Results of float64 kernels, made ones that round as the exact ones do.");
    m.def(
        "odd_hypot",
        [](In x, In y, Out out) {
            FEWBITS_REQUIRE(x.size() == out.size() && y.size() == out.size(),
                            "formats.evaluate: x, y and out must have one size");
            const FloatEnvironment standard;
            for (std::size_t i = 0; i < out.size(); ++i) span(out)[i] = odd_hypot(span(x)[i], span(y)[i]);
        },
        "x"_a.noconvert(), "y"_a.noconvert(), "out"_a.noconvert(), release, "Rounded to odd.");
    m.def(
        "givens",
        [](const Context& context, int method, bool is_complex, In f, In g, Out c, Out s, Out r) {
            const FloatEnvironment standard;
            const Arithmetic<double> arithmetic(context, "formats.givens");
            if (is_complex)
                givens_complex(arithmetic, span(f), span(g), span(c), span(s), span(r), method_of(method));
            else
                givens(arithmetic, span(f), span(g), span(c), span(s), span(r), method_of(method));
        },
        "context"_a, "method"_a, "is_complex"_a, "f"_a.noconvert(), "g"_a.noconvert(), "c"_a.noconvert(),
        "s"_a.noconvert(), "r"_a.noconvert(), release);
}
