// Arithmetic that rounds to a format: contexts, operations on arrays, reductions.
#include <string>

#include "bindings.hpp"
#include "fewbits/formats/arithmetic.hpp"

namespace {

using namespace fewbits;
using namespace fewbits::formats;

template <std::size_t N>
nb::tuple names(const char* const (&list)[N]) {
    nb::list result;
    for (const char* name : list) result.append(name);
    return nb::tuple(result);
}

template <class T>
void bind_arithmetic(nb::module_& m) {
    using In = Array1<const T>;
    using Out = Array1<T>;
    const auto release = nb::call_guard<nb::gil_scoped_release>();
    m.def(
        "operation",
        [](const Context& context, int operation, In a, In b, Out out) {
            FEWBITS_REQUIRE(operation >= 0 && operation < 4, "formats.operation: no such operation");
            Arithmetic<T>(context, "formats.EmulatedArray")
                .operation(static_cast<Operation>(operation), span(a), span(b), span(out));
        },
        "context"_a, "operation"_a, "a"_a.noconvert(), "b"_a.noconvert(), "out"_a.noconvert(), release);
    m.def(
        "square_root",
        [](const Context& context, In a, Out out) {
            Arithmetic<T>(context, "formats.EmulatedArray").sqrt(span(a), span(out));
        },
        "context"_a, "a"_a.noconvert(), "out"_a.noconvert(), release);
    m.def(
        "fused_multiply_add",
        [](const Context& context, In a, In b, In c, Out out) {
            Arithmetic<T>(context, "formats.fma").fma(span(a), span(b), span(c), span(out));
        },
        "context"_a, "a"_a.noconvert(), "b"_a.noconvert(), "c"_a.noconvert(), "out"_a.noconvert(), release);
    m.def(
        "reduce",
        [](const Context& context, bool product, In x, std::size_t outer, std::size_t length,
           std::size_t inner, Out out) {
            reduce(Arithmetic<T>(context, "formats.EmulatedArray"),
                   product ? Reduction::product : Reduction::sum, span(x), outer, length, inner, span(out));
        },
        "context"_a, "product"_a, "x"_a.noconvert(), "outer"_a, "length"_a, "inner"_a, "out"_a.noconvert(),
        release);
}

}  // namespace

void register_formats_arithmetic(nb::module_& m) {
    m.attr("accumulates") = names(accumulate_names);
    m.attr("operations") = names(operation_names);
    m.attr("summations") = names(summation_names);
    nb::class_<Context>(m, "Context", "A format and how to compute in it.")
        .def(
            "__init__",
            [](Context* self, const FloatFormat& format, const RoundOptions& options, int accumulate,
               std::size_t block_size, const FloatFormat& accumulator, bool pairwise) {
                FEWBITS_REQUIRE(
                    accumulate >= 0 && static_cast<std::size_t>(accumulate) < std::size(accumulate_names),
                    "formats.Context: no such accumulate");
                new (self)
                    Context{format,     options,     static_cast<Accumulate>(accumulate),
                            block_size, accumulator, pairwise ? Summation::pairwise : Summation::index};
            },
            "format"_a, "options"_a, "accumulate"_a, "block_size"_a, "accumulator"_a, "pairwise"_a);
    m.def(
        "at_stream",
        [](Context context, std::uint64_t stream) {
            context.options.stream = stream;
            return context;
        },
        "context"_a, "stream"_a, "The context with another stream of random bits.");
    m.def(
        "options_at_stream",
        [](RoundOptions options, std::uint64_t stream) {
            options.stream = stream;
            return options;
        },
        "options"_a, "stream"_a, "The options with another stream of random bits.");
    bind_arithmetic<float>(m);
    bind_arithmetic<double>(m);
}
