// log_gamma, and normal draws.
#include "fewbits/functions/gamma.hpp"

#include "fewbits/functions/normal.hpp"
#include "functions.hpp"

namespace fn = fewbits::functions;

void register_functions_gamma(nb::module_& m) {
    bind_unary(m, "log_gamma", fn::log_gamma);
    m.def(
        "sample_normal",
        [](std::uint64_t seed, std::uint64_t stream, std::uint64_t first, Array1<double> out) {
            const fewbits::FloatEnvironment standard;
            fn::sample_normal(fewbits::Philox(seed, stream), first, span(out));
        },
        "seed"_a, "stream"_a, "first"_a, "out"_a.noconvert(), nb::call_guard<nb::gil_scoped_release>());
}
