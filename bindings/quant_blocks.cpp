// Blocks that share a scale: the passes of MX and NVFP4.
#include "fewbits/core/float_environment.hpp"
#include "fewbits/quant/block_scaled.hpp"
#include "quant.hpp"

using namespace fewbits;
using namespace fewbits::quant;

void register_quant_blocks(nb::module_& m) {
    using Values = Array1<const float>;
    using Codes = Array1<const std::uint8_t>;
    const auto release = nb::call_guard<nb::gil_scoped_release>();
    m.def(
        "block_maxima",
        [](Values x, std::size_t width, std::size_t size, Array1<std::uint32_t> maxima, int threads) {
            block_maxima(span(x), {width, size}, span(maxima), threads);
        },
        "x"_a.noconvert(), "width"_a, "block_size"_a, "maxima"_a.noconvert(), "threads"_a, release);
    m.def(
        "block_encode",
        [](Values x, std::size_t width, std::size_t size, Values divisors,
           const formats::FloatFormat& element, const formats::RoundOptions& options,
           Array1<std::uint8_t> codes) {
            const FloatEnvironment standard;
            block_encode(span(x), {width, size}, span(divisors), element, options, span(codes));
        },
        "x"_a.noconvert(), "width"_a, "block_size"_a, "divisors"_a.noconvert(), "element"_a, "options"_a,
        "codes"_a.noconvert(), release);
    m.def(
        "block_decode",
        [](Codes codes, std::size_t width, std::size_t size, Values factors,
           const formats::FloatFormat& element, Array1<float> out, int threads) {
            const FloatEnvironment standard;
            block_decode(span(codes), {width, size}, span(factors), element, span(out), threads);
        },
        "codes"_a.noconvert(), "width"_a, "block_size"_a, "factors"_a.noconvert(), "element"_a,
        "out"_a.noconvert(), "threads"_a, release);
    m.def(
        "block_errors",
        [](Values x, Codes codes, std::size_t width, std::size_t size, Values factors,
           const formats::FloatFormat& element, Array1<double> errors, int threads) {
            const FloatEnvironment standard;
            block_errors(span(x), span(codes), {width, size}, span(factors), element, span(errors), threads);
        },
        "x"_a.noconvert(), "codes"_a.noconvert(), "width"_a, "block_size"_a, "factors"_a.noconvert(),
        "element"_a, "errors"_a.noconvert(), "threads"_a, release);
}
