// Block floating point: blocks of numbers with one exponent and signed integers of m bits.
//
// E = floor(log2 max|x|), step 2^(E - (m - 2)), integers clipped to +-(2^(m-1) - 1). Where rounding carries
// past that, `bump` rounds the block once more with E + 1 instead of clipping. A block of zeros has the least
// exponent, min_block_exponent, and zeros.
//
// Kernel: x / step by a power of two in float64, then the rounding kernels for an integer format. Scaling is
// exact but where |x| < 2^-1000 of the step: that becomes +-2^-1000, which every mode but stochastic (with
// probability below 2^-999) rounds alike.
//
// Contract: exact, rounded once from float32 and float64, the same bits on every machine.
// Sources: J. Wilkinson, "Rounding Errors in Algebraic Processes", 1963, section 1; pychop
// (arXiv:2504.07835), class Bfp.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <type_traits>
#include <vector>

#include "fewbits/core/bits.hpp"
#include "fewbits/core/error.hpp"
#include "fewbits/core/isa.hpp"
#include "fewbits/core/span.hpp"
#include "fewbits/formats/detail/carrier.hpp"
#include "fewbits/formats/float_format.hpp"
#include "fewbits/formats/rounding.hpp"
#include "fewbits/formats/rounding_options.hpp"

namespace fewbits {
inline namespace FEWBITS_ISA {
namespace formats {

inline constexpr std::int32_t min_block_exponent = -(1 << 15);
inline constexpr std::int32_t nan_block_exponent = 1 << 15;  // a block that is NaN throughout

struct BlockOptions {
    int mantissa_bits = 8;  // with the sign, 2..24
    bool bump = false;
    bool nan_blocks = false;  // a block with infinity or NaN becomes NaN; else it is refused
};

namespace detail {

// floor(log2 a) of a finite positive number.
inline int floor_log2(double a) {
    const Exact x = exact(a);
    return static_cast<int>(bit_length(x.significand)) - 1 + x.exponent;
}

// x 2^-exponent, |x| at most 2^24 times 2^exponent; sticky far below.
inline double scaled(double x, int exponent) {
    if (x == 0) return x;
    if (floor_log2(std::fabs(x)) - exponent < -1000) return std::copysign(0x1p-1000, x);
    return std::ldexp(x, -exponent);
}

}  // namespace detail

// Rounds rows of `row` elements, each cut into blocks of `block_size` (the last may be shorter). mantissas
// (the size of x) and exponents (one per block, row by row) receive the result.
template <class T>
void encode_blocks(Span<const T> x, std::size_t row, std::size_t block_size, const BlockOptions& block,
                   const RoundOptions& options, Span<std::int32_t> mantissas, Span<std::int32_t> exponents) {
    static_assert(std::is_floating_point_v<T>);
    constexpr const char* function = "formats.Bfp.encode";
    const int m = block.mantissa_bits;
    FEWBITS_REQUIRE(m >= 2 && m <= 24,
                    "formats.Bfp: mantissa_bits must be in 2..24, got " + std::to_string(m));
    FEWBITS_REQUIRE(block_size >= 1, "formats.Bfp: block_size must be at least 1, got 0");
    FEWBITS_REQUIRE(row >= 1 ? x.size() % row == 0 : x.empty(), "formats.Bfp: x must be whole rows");
    const std::size_t per_row = row == 0 ? 0 : (row + block_size - 1) / block_size;
    FEWBITS_REQUIRE(
        mantissas.size() == x.size() && (row == 0 || exponents.size() == x.size() / row * per_row),
        "formats.Bfp: the results have the wrong size");
    const auto limit = static_cast<double>((1 << (m - 1)) - 1);
    const FloatFormat integers = FloatFormat::fixed(m + 1, 0);  // room for the carry
    std::vector<double> values(std::min(row, block_size));
    for (std::size_t begin = 0, index = 0; begin < x.size(); ++index) {
        const std::size_t at = begin % row, count = std::min(block_size, row - at);
        const T* const in = x.data() + begin;
        std::int32_t* const out = mantissas.data() + begin;
        double largest = 0;
        bool finite = true;
        for (std::size_t k = 0; k < count; ++k) {
            const auto magnitude = std::fabs(detail::widen(in[k]));
            finite = finite && magnitude <= std::numeric_limits<double>::max();
            largest = magnitude > largest ? magnitude : largest;
        }
        if (!finite && !block.nan_blocks) {
            std::size_t k = 0;
            while (std::fabs(detail::widen(in[k])) <= std::numeric_limits<double>::max()) ++k;
            throw ArgumentError(std::string(function) +
                                ": x must be finite (or nan='block'), got infinity or nan at flat index " +
                                std::to_string(begin + k));
        }
        if (!finite || largest == 0) {
            std::fill(out, out + count, 0);
            exponents[index] = finite ? min_block_exponent : nan_block_exponent;
            begin += count;
            continue;
        }
        RoundOptions how = options;
        how.first = options.first + begin;
        how.saturate = Saturate::finite;
        if (!options.bits.empty()) how.bits = options.bits.subspan(begin, count);
        const Span<double> rounded(values.data(), count);
        int exponent = detail::floor_log2(largest);
        for (int attempt = 0; attempt < 2; ++attempt) {
            for (std::size_t k = 0; k < count; ++k)
                values[k] = detail::scaled(detail::widen(in[k]), exponent - (m - 2));
            round_to(Span<const double>(values.data(), count), integers, how, rounded);
            double top = 0;
            for (std::size_t k = 0; k < count; ++k) top = std::max(top, std::fabs(values[k]));
            if (!(block.bump && top > limit && attempt == 0)) break;
            ++exponent;
        }
        for (std::size_t k = 0; k < count; ++k)
            out[k] = static_cast<std::int32_t>(std::max(-limit, std::min(limit, values[k])));
        exponents[index] = exponent;
        begin += count;
    }
}

// The values: mantissa 2^(E - (m - 2)), correctly rounded to T where that lacks bits or range.
template <class T>
void decode_blocks(Span<const std::int32_t> mantissas, Span<const std::int32_t> exponents, std::size_t row,
                   std::size_t block_size, int mantissa_bits, Span<T> out) {
    FEWBITS_REQUIRE(block_size >= 1 && (row >= 1 ? mantissas.size() % row == 0 : mantissas.empty()),
                    "formats.Bfp.decode: mantissas must be whole rows");
    const std::size_t per_row = row == 0 ? 0 : (row + block_size - 1) / block_size;
    FEWBITS_REQUIRE(
        out.size() == mantissas.size() && (row == 0 || exponents.size() == out.size() / row * per_row),
        "formats.Bfp.decode: exponents must have one element for each block");
    for (std::size_t i = 0; i < out.size(); ++i) {
        const std::int32_t exponent = exponents[i / row * per_row + i % row / block_size];
        if (exponent == nan_block_exponent) {
            out[i] = std::numeric_limits<T>::quiet_NaN();
        } else {
            const std::int32_t clamped = std::max(-4000, std::min(4000, exponent));
            out[i] =
                static_cast<T>(std::ldexp(static_cast<double>(mantissas[i]), clamped - (mantissa_bits - 2)));
        }
    }
}

}  // namespace formats
}  // namespace FEWBITS_ISA
}  // namespace fewbits
