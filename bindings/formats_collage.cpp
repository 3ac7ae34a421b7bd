// Multi-component floats, and optimisers whose state is a few of them.
#include "fewbits/formats/collage.hpp"

#include <iterator>

#include "bindings.hpp"
#include "fewbits/formats/expansion.hpp"

namespace {

using namespace fewbits;
using namespace fewbits::formats;

template <class T>
void bind_collage(nb::module_& m) {
    using In = Array1<const T>;
    using Out = Array1<T>;
    const auto release = nb::call_guard<nb::gil_scoped_release>();
    m.def(
        "expansion",
        [](const Context& context, int operation, std::size_t length, std::size_t n, In x, In y, Out out) {
            FEWBITS_REQUIRE(
                operation >= 0 && static_cast<std::size_t>(operation) < std::size(expansion_operation_names),
                "formats.Expansion: no such operation");
            expansion_operation(context, static_cast<ExpansionOperation>(operation), length, n, span(x),
                                span(y), span(out));
        },
        "context"_a, "operation"_a, "length"_a, "n"_a, "x"_a.noconvert(), "y"_a.noconvert(),
        "out"_a.noconvert(), release);
    m.def(
        "collage_adamw",
        [](const Context& context, const CollageOptions& options, std::uint64_t t, In gradient, Out theta,
           Out dtheta, Out first, Out second, Out dsecond, Out update) {
            const CollageState<T> state{span(theta), span(dtheta), span(first), span(second), span(dsecond)};
            collage_adamw(context, options, t, span(gradient), state, span(update));
        },
        "context"_a, "options"_a, "t"_a, "gradient"_a.noconvert(), "theta"_a.noconvert(),
        "dtheta"_a.noconvert(), "m"_a.noconvert(), "v"_a.noconvert(), "dv"_a.noconvert(),
        "update"_a.noconvert(), release);
    m.def(
        "collage_sgd",
        [](const Context& context, const CollageOptions& options, In gradient, Out theta, Out dtheta,
           Out first, Out update) {
            const CollageState<T> state{span(theta), span(dtheta), span(first), {}, {}};
            collage_sgd(context, options, span(gradient), state, span(update));
        },
        "context"_a, "options"_a, "gradient"_a.noconvert(), "theta"_a.noconvert(), "dtheta"_a.noconvert(),
        "m"_a.noconvert(), "update"_a.noconvert(), release);
}

}  // namespace

void register_formats_collage(nb::module_& m) {
    nb::list operations, variants;
    for (const char* name : expansion_operation_names) operations.append(name);
    for (const char* name : collage_variant_names) variants.append(name);
    m.attr("expansion_operations") = nb::tuple(operations);
    m.attr("collage_variants") = nb::tuple(variants);
    nb::class_<CollageOptions>(m, "CollageOptions", "What an optimiser is set to.")
        .def(
            "__init__",
            [](CollageOptions* self, int variant, double lr, double beta1, double beta2, double eps,
               double weight_decay) {
                FEWBITS_REQUIRE(
                    variant >= 0 && static_cast<std::size_t>(variant) < std::size(collage_variant_names),
                    "formats.CollageAdamW: no such variant");
                new (self)
                    CollageOptions{static_cast<CollageVariant>(variant), lr, beta1, beta2, eps, weight_decay};
            },
            "variant"_a, "lr"_a, "beta1"_a, "beta2"_a, "eps"_a, "weight_decay"_a);
    bind_collage<float>(m);
    bind_collage<double>(m);
}
