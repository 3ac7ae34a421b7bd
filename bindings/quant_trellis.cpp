// Quantisers for entropy coders: scalar with rates, trellis-coded.
#include "bindings.hpp"
#include "fewbits/core/float_environment.hpp"
#include "fewbits/quant/trellis_quantize.hpp"

using namespace fewbits;
using namespace fewbits::quant;

void register_quant_trellis(nb::module_& m) {
    using Values = Array1<const float>;
    using Codes = Array1<std::int32_t>;
    m.def(
        "scalar_quantize",
        [](Values y, Codes codes, float lambda, std::int32_t low, Values bits, int threads) {
            const FloatEnvironment standard;
            scalar_quantize(span(y), span(codes), lambda, RateTable{low, span(bits)}, threads);
        },
        "y"_a.noconvert(), "codes"_a.noconvert(), "rate_weight"_a, "low"_a, "bits"_a.noconvert(), "threads"_a,
        nb::call_guard<nb::gil_scoped_release>());
    m.def(
        "trellis_quantize",
        [](Values y, std::size_t width, unsigned states, Codes codes, float lambda, std::int32_t low,
           Values even, Values odd, int threads) {
            const FloatEnvironment standard;
            const RateTable rates[2] = {{low, span(even)}, {low, span(odd)}};
            trellis_quantize(span(y), width, states, span(codes), lambda, rates, threads);
        },
        "y"_a.noconvert(), "width"_a, "states"_a, "codes"_a.noconvert(), "rate_weight"_a, "low"_a,
        "even"_a.noconvert(), "odd"_a.noconvert(), "threads"_a, nb::call_guard<nb::gil_scoped_release>());
}
