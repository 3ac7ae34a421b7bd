// Hyperbolic space: distances, maps between models, sums, hyperplanes.
#include "fewbits/functions/hyperbolic_space.hpp"

#include "functions.hpp"

namespace hs = fewbits::functions::hyperbolic_space;

static hs::Model model_of(int model) {
    FEWBITS_REQUIRE(model >= 0 && model < 3, "functions.hyperbolic_space: no such model");
    return static_cast<hs::Model>(model);
}

void register_functions_hyperbolic_space(nb::module_& m) {
    using In = FlatArray<const double>;
    using Out = FlatArray<double>;
    const auto release = nb::call_guard<nb::gil_scoped_release>();
    nb::list models;
    for (const char* name : hs::model_names) models.append(name);
    m.attr("hyperbolic_models") = nb::tuple(models);
    m.def(
        "hyperbolic_polar_distance",
        [](In r1, In r2, In theta, Out out) {
            const fewbits::FloatEnvironment standard;
            hs::polar_distance(flat(r1), flat(r2), flat(theta), flat(out));
        },
        "r1"_a.noconvert(), "r2"_a.noconvert(), "theta"_a.noconvert(), "out"_a.noconvert(), release);
    m.def(
        "hyperbolic_distance",
        [](int model, std::size_t n, In x, In y, Out out) {
            const fewbits::FloatEnvironment standard;
            hs::distance(model_of(model), n, flat(x), flat(y), flat(out));
        },
        "model"_a, "n"_a, "x"_a.noconvert(), "y"_a.noconvert(), "out"_a.noconvert(), release);
    m.def(
        "hyperbolic_convert",
        [](int source, int target, std::size_t n, In x, Out out) {
            const fewbits::FloatEnvironment standard;
            hs::convert(model_of(source), model_of(target), n, flat(x), flat(out));
        },
        "source"_a, "target"_a, "n"_a, "x"_a.noconvert(), "out"_a.noconvert(), release);
    m.def(
        "hyperbolic_mobius_add",
        [](std::size_t n, In x, In y, Out out) {
            const fewbits::FloatEnvironment standard;
            hs::mobius_add(n, flat(x), flat(y), flat(out));
        },
        "n"_a, "x"_a.noconvert(), "y"_a.noconvert(), "out"_a.noconvert(), release);
    m.def(
        "hyperbolic_hyperplane_distance",
        [](std::size_t n, In v, In z, In a, Out out) {
            const fewbits::FloatEnvironment standard;
            hs::hyperplane_distance(n, flat(v), flat(z), flat(a), flat(out));
        },
        "n"_a, "v"_a.noconvert(), "z"_a.noconvert(), "a"_a.noconvert(), "out"_a.noconvert(), release);
}
