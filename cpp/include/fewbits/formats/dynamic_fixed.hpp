// Dynamic fixed point (DFP-P): a tensor of signed P-bit integers that share one exponent, value i 2^E.
//
//   dfp_quantize      E = floor(log2 max|x|) - (P - 2), i = x 2^-E rounded and clipped to +-(2^(P-1) - 1);
//                     a tensor of zeros has E = 0. Infinity and nan are refused, -2^(P-1) never arises.
//   dfp_dequantize    i 2^E, to nearest even where float or double lacks the bits or the range
//   dfp_mul           exact, 2P - 1 bits; exponents add
//   dfp_add           at the larger E; where a sum has no room, the whole tensor at E + 1. The exact sum is
//                     rounded once.
//   dfp_maximum       at the larger E, the exact maximum rounded; dfp_compare is exact
//   dfp_relu          integers as they are
//   dfp_downconvert   to P bits by the shift that makes the largest fit; what rounds past the range is
//   clipped
// A tensor of zeros takes the exponent of the other operand.
//
// Rounding is one of nearest_even, toward_zero and stochastic. Stochastic: element i goes up where the first
// 32 bits of its fraction plus draw i of the stream pass one, so its probability is exact to 2^-32.
// Kernel for float: shifts of the significand on integer lanes, no float operation.
//
// Contract: exact as stated, the same bits on every machine.
// Source: D. Das et al., "Mixed Precision Training of Convolutional Neural Networks using Integer
// Operations", arXiv:1802.00930, section 3.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <type_traits>

#include "fewbits/core/bits.hpp"
#include "fewbits/core/error.hpp"
#include "fewbits/core/isa.hpp"
#include "fewbits/core/random.hpp"
#include "fewbits/core/span.hpp"
#include "fewbits/formats/detail/carrier.hpp"
#include "fewbits/formats/rounding_options.hpp"
#include "fewbits/simd/f32x8.hpp"
#include "fewbits/simd/i32x8.hpp"

namespace fewbits {
inline namespace FEWBITS_ISA {
namespace formats {

// Exponents beyond this are refused: sums of a few of them stay far inside int.
inline constexpr int dfp_exponent_limit = 1 << 20;

// The largest integer of so many bits.
constexpr std::int64_t dfp_limit(int bits) { return (std::int64_t{1} << (bits - 1)) - 1; }

namespace detail {

// The type of exact products.
template <class I>
struct Wider;
template <>
struct Wider<std::int8_t> {
    using type = std::int16_t;
};
template <>
struct Wider<std::int16_t> {
    using type = std::int32_t;
};
template <>
struct Wider<std::int32_t> {
    using type = std::int64_t;
};

template <class I>
FEWBITS_INLINE std::uint64_t magnitude_of(I x) {
    const auto wide = static_cast<std::uint64_t>(static_cast<std::int64_t>(x));
    return x < 0 ? 0 - wide : wide;
}
template <class I>
FEWBITS_INLINE I with_sign(std::uint64_t magnitude, bool negative) {
    return static_cast<I>(static_cast<std::int64_t>(negative ? 0 - magnitude : magnitude));
}

// n 2^-shift, rounded. Left shifts must have room.
FEWBITS_INLINE std::uint64_t shift_right_rounded(std::uint64_t n, int shift, Rounding mode,
                                                 std::uint32_t draw) {
    if (shift <= 0) return n << -shift;
    const std::uint64_t kept = shift < 64 ? n >> shift : 0;
    if (mode == Rounding::toward_zero) return kept;
    if (mode == Rounding::nearest_even) {
        if (shift > 64) return 0;
        const std::uint64_t half = std::uint64_t{1} << (shift - 1), rest = n & (2 * half - 1);
        return kept + (rest > half || (rest == half && kept % 2 != 0) ? 1U : 0U);
    }
    const std::uint64_t bits = shift <= 32 ? n << (32 - shift) : shift < 96 ? n >> (shift - 32) : 0;
    return kept + (((bits & 0xffffffffU) + draw) >> 32);
}

// Draws first, first + 1, ... of a stream, four at a time; zeros where the mode needs none.
class Draws {
public:
    explicit Draws(const RoundOptions& options)
        : random_(options.seed, options.stream),
          first_(options.first),
          needed_(options.rounding == Rounding::stochastic) {}
    std::uint32_t at(std::uint64_t i) {
        if (!needed_) return 0;
        const std::uint64_t index = first_ + i;
        if (!filled_ || index / 4 != block_) {
            words_ = random_.block(block_ = index / 4);
            filled_ = true;
        }
        return words_[index % 4];
    }

private:
    Philox random_;
    std::uint64_t first_, block_ = 0;
    std::array<std::uint32_t, 4> words_ = {};
    bool needed_, filled_ = false;
};

template <class I>
void require_dfp(const char* function, int bits, const RoundOptions& options) {
    constexpr int most = 8 * static_cast<int>(sizeof(I));
    FEWBITS_REQUIRE(bits >= 2 && bits <= most, std::string(function) + ": bits must be in 2.." +
                                                   std::to_string(most) + ", got " + std::to_string(bits));
    const Rounding mode = options.rounding;
    FEWBITS_REQUIRE(
        mode == Rounding::nearest_even || mode == Rounding::toward_zero || mode == Rounding::stochastic,
        std::string(function) + ": rounding must be nearest_even, toward_zero or stochastic");
}
inline void require_exponent(const char* function, int exponent) {
    FEWBITS_REQUIRE(
        exponent >= -dfp_exponent_limit && exponent <= dfp_exponent_limit,
        std::string(function) + ": exponent must be within +-2^20, got " + std::to_string(exponent));
}

// floor(log2 max|x|) of a tensor; false where all are zero.
template <class T>
bool largest_exponent(Span<const T> x, int& exponent) {
    WordOf<T> largest = 0;
    for (const T value : x) {
        const WordOf<T> magnitude = to_word(value) & (sign_bit<T> - 1);
        largest = magnitude > largest ? magnitude : largest;
    }
    if (largest >= infinity_bits<T>) {
        std::size_t i = 0;
        while ((to_word(x[i]) & (sign_bit<T> - 1)) < infinity_bits<T>) ++i;
        throw ArgumentError("formats.dfp_quantize: x must be finite, got infinity or nan at flat index " +
                            std::to_string(i));
    }
    if (largest == 0) return false;
    const Exact top = exact(from_word<T>(largest));
    exponent = static_cast<int>(bit_length(top.significand)) - 1 + top.exponent;
    return true;
}

// Eight floats to integers; every shift is at least one, see dfp_quantize.
FEWBITS_INLINE simd::i32x8 quantize_lanes(simd::f32x8 x, int exponent, std::int32_t limit, bool nearest) {
    using simd::i32x8;
    const auto all = [](std::int32_t value) { return i32x8::broadcast(value); };
    const i32x8 word = simd::bit_cast<i32x8>(x), magnitude = word & all(0x7fffffff);
    const i32x8 field = max(shift_right_logical(magnitude, 23), all(1));
    const i32x8 hidden = keep(magnitude > all(0x007fffff), all(0x00800000));
    const i32x8 significand = (magnitude & all(0x007fffff)) | hidden;
    // From 25 on nothing is left of 24 bits.
    const i32x8 shift = min(all(exponent + 150) - field, all(31));
    i32x8 rounded = significand;
    if (nearest) {
        const i32x8 odd = shift_right_logical(significand, shift) & all(1);
        rounded = significand + (shift_left(all(1), shift - all(1)) - all(1)) + odd;
    }
    rounded = min(shift_right_logical(rounded, shift), all(limit));
    const i32x8 sign = shift_right(word, 31);
    return (rounded ^ sign) - sign;
}

}  // namespace detail

// The largest magnitude.
template <class I>
std::uint64_t dfp_largest(Span<const I> integers) {
    I low = 0, high = 0;
    for (const I i : integers) {
        low = i < low ? i : low;
        high = i > high ? i : high;
    }
    return std::max(detail::magnitude_of(low), detail::magnitude_of(high));
}

namespace reference {

// With the exponent already known.
template <class T, class I>
void dfp_quantize(Span<const T> x, int bits, int exponent, const RoundOptions& options, Span<I> integers) {
    const auto limit = static_cast<std::uint64_t>(dfp_limit(bits));
    detail::Draws draws(options);
    for (std::size_t i = 0; i < x.size(); ++i) {
        const detail::Exact value = detail::exact(x[i]);
        const std::uint64_t rounded = detail::shift_right_rounded(
            value.significand, exponent - value.exponent, options.rounding, draws.at(i));
        integers[i] = detail::with_sign<I>(std::min(rounded, limit), value.negative);
    }
}

}  // namespace reference

// Fills `integers` and returns their exponent. T is float or double, I is int8, int16 or int32.
template <class T, class I>
int dfp_quantize(Span<const T> x, int bits, const RoundOptions& options, Span<I> integers) {
    constexpr const char* function = "formats.dfp_quantize";
    detail::require_dfp<I>(function, bits, options);
    FEWBITS_REQUIRE(x.size() == integers.size(),
                    std::string(function) + ": integers must have the size of x");
    int top = 0;
    if (!detail::largest_exponent(x, top)) {
        std::fill(integers.begin(), integers.end(), I{0});
        return 0;
    }
    const int exponent = top - (bits - 2);
    if constexpr (std::is_same_v<T, float>) {
        // Up to 24 bits the largest value, if normal, is shifted right by 25 - bits, and all others by more.
        if (options.rounding != Rounding::stochastic && bits <= 24 && top >= -126) {
            const auto limit = static_cast<std::int32_t>(dfp_limit(bits));
            const bool nearest = options.rounding == Rounding::nearest_even;
            constexpr std::size_t block = 512;
            std::int32_t rounded[block];
            for (std::size_t i = 0; i < x.size(); i += block) {
                const std::size_t count = std::min(block, x.size() - i);
                for (std::size_t j = 0; j < count; j += 8) {
                    const float* source = x.data() + i + j;
                    const auto lanes = count - j >= 8 ? simd::f32x8::load(source)
                                                      : simd::f32x8::load_partial(source, count - j);
                    store(detail::quantize_lanes(lanes, exponent, limit, nearest), rounded + j);
                }
                for (std::size_t j = 0; j < count; ++j) integers[i + j] = static_cast<I>(rounded[j]);
            }
            return exponent;
        }
    }
    reference::dfp_quantize(x, bits, exponent, options, integers);
    return exponent;
}

// i 2^exponent to nearest even.
template <class T>
T dfp_value(std::int64_t i, int exponent) {
    constexpr int m = detail::Carrier<T>::mantissa_bits, bias = detail::Carrier<T>::bias;
    std::uint64_t n = detail::magnitude_of(i);
    if (n == 0) return 0;
    const int top = static_cast<int>(bit_length(n)) - 1 + exponent;
    const int unit = std::max(top, 1 - bias) - m;
    if (unit > exponent) {
        n = detail::shift_right_rounded(n, unit - exponent, Rounding::nearest_even, 0);
        exponent = unit;
    }
    return detail::from_word<T>(detail::compose<T>(n, exponent) | (i < 0 ? detail::sign_bit<T> : 0));
}

template <class I, class T>
void dfp_dequantize(Span<const I> integers, int exponent, Span<T> out) {
    constexpr const char* function = "formats.dfp_dequantize";
    detail::require_exponent(function, exponent);
    FEWBITS_REQUIRE(integers.size() == out.size(),
                    std::string(function) + ": out must have the size of integers");
    if constexpr (sizeof(I) <= 2) {
        // Products with a power of two that are all normal are exact.
        if (exponent >= -126 && exponent <= 100) {
            const T scale = dfp_value<T>(1, exponent);
            for (std::size_t i = 0; i < out.size(); ++i) out[i] = static_cast<T>(integers[i]) * scale;
            return;
        }
    }
    for (std::size_t i = 0; i < out.size(); ++i) out[i] = dfp_value<T>(integers[i], exponent);
}

// The integers shifted right together until the largest has at most `bits`. Returns the new exponent.
template <class I, class O>
int dfp_downconvert(Span<const I> integers, int exponent, int bits, const RoundOptions& options,
                    Span<O> out) {
    constexpr const char* function = "formats.dfp_downconvert";
    detail::require_dfp<O>(function, bits, options);
    detail::require_exponent(function, exponent);
    FEWBITS_REQUIRE(integers.size() == out.size(),
                    std::string(function) + ": out must have the size of integers");
    const int shift = std::max(0, static_cast<int>(bit_length(dfp_largest(integers))) - (bits - 1));
    const auto limit = static_cast<std::uint64_t>(dfp_limit(bits));
    detail::Draws draws(options);
    for (std::size_t i = 0; i < out.size(); ++i) {
        const std::uint64_t rounded = detail::shift_right_rounded(detail::magnitude_of(integers[i]), shift,
                                                                  options.rounding, draws.at(i));
        out[i] = detail::with_sign<O>(std::min(rounded, limit), integers[i] < 0);
    }
    return exponent + shift;
}

// out = a b, exact.
template <class I>
void dfp_mul(Span<const I> a, Span<const I> b, Span<typename detail::Wider<I>::type> out) {
    using Wide = typename detail::Wider<I>::type;
    FEWBITS_REQUIRE(a.size() == b.size() && a.size() == out.size(),
                    "formats.dfp_mul: a, b and out must have one size");
    for (std::size_t i = 0; i < out.size(); ++i)
        out[i] = static_cast<Wide>(static_cast<Wide>(a[i]) * static_cast<Wide>(b[i]));
}

namespace detail {

// Both exponents, where a tensor of zeros takes that of the other.
template <class I>
void align_zeros(Span<const I> a, int& exponent_a, Span<const I> b, int& exponent_b) {
    const bool no_a = dfp_largest(a) == 0, no_b = dfp_largest(b) == 0;
    if (no_a && no_b)
        exponent_a = exponent_b = 0;
    else if (no_a)
        exponent_a = exponent_b;
    else if (no_b)
        exponent_b = exponent_a;
}

// high + low 2^-distance as n 2^-shift. 32 bits below the point are kept, the last of them sticky: no
// rounding to nearest sees the difference, and no more do 32 random bits.
struct Aligned {
    std::int64_t n;
    int shift;
};
FEWBITS_INLINE Aligned align(std::int64_t high, std::int64_t low, int distance) {
    if (distance > 32) {
        const int drop = distance - 32;
        const std::uint64_t kept = drop < 64 ? magnitude_of(low) >> drop : 0;
        if (low != 0) low = with_sign<std::int64_t>(kept | 1, low < 0);
        distance = 32;
    }
    return {high * (std::int64_t{1} << distance) + low, distance};
}

}  // namespace detail

// The sum in `bits` bits, which hold both operands. Returns its exponent.
template <class I>
int dfp_add(Span<const I> a, int exponent_a, Span<const I> b, int exponent_b, int bits,
            const RoundOptions& options, Span<I> out) {
    constexpr const char* function = "formats.dfp_add";
    detail::require_dfp<I>(function, bits, options);
    detail::require_exponent(function, exponent_a);
    detail::require_exponent(function, exponent_b);
    FEWBITS_REQUIRE(a.size() == b.size() && a.size() == out.size(),
                    std::string(function) + ": a, b and out must have one size");
    const auto limit = static_cast<std::uint64_t>(dfp_limit(bits));
    FEWBITS_REQUIRE(dfp_largest(a) <= limit && dfp_largest(b) <= limit,
                    std::string(function) + ": a and b must have at most bits = " + std::to_string(bits));
    detail::align_zeros(a, exponent_a, b, exponent_b);
    const bool swapped = exponent_a < exponent_b;
    const Span<const I> high = swapped ? b : a, low = swapped ? a : b;
    const int exponent = std::max(exponent_a, exponent_b);
    const int distance = exponent - std::min(exponent_a, exponent_b);
    for (int raised = 0;; ++raised) {
        detail::Draws draws(options);
        bool fits = true;
        for (std::size_t i = 0; i < out.size(); ++i) {
            const detail::Aligned sum = detail::align(high[i], low[i], distance);
            const std::uint64_t rounded = detail::shift_right_rounded(
                detail::magnitude_of(sum.n), sum.shift + raised, options.rounding, draws.at(i));
            // After one shift only what rounds up past the range is left: 2^(bits-1), clipped.
            fits = fits && rounded <= limit;
            out[i] = detail::with_sign<I>(std::min(rounded, limit), sum.n < 0);
        }
        if (fits || raised == 1) return exponent + raised;
    }
}

namespace detail {

// The sign of a 2^exponent_a - b 2^exponent_b.
inline int compare_scaled(std::int64_t a, int exponent_a, std::int64_t b, int exponent_b) {
    const int sign_a = (a > 0 ? 1 : 0) - (a < 0 ? 1 : 0), sign_b = (b > 0 ? 1 : 0) - (b < 0 ? 1 : 0);
    if (sign_a != sign_b) return sign_a < sign_b ? -1 : 1;
    if (sign_a == 0) return 0;
    std::uint64_t p = magnitude_of(a), q = magnitude_of(b);
    const int top_a = static_cast<int>(bit_length(p)) + exponent_a;
    const int top_b = static_cast<int>(bit_length(q)) + exponent_b;
    if (top_a != top_b) return (top_a < top_b) == (sign_a > 0) ? -1 : 1;
    p <<= 64 - bit_length(p);
    q <<= 64 - bit_length(q);
    return p == q ? 0 : (p < q) == (sign_a > 0) ? -1 : 1;
}

}  // namespace detail

// -1, 0 or 1 as a is below, at or above b: exact, whatever the exponents.
template <class I>
void dfp_compare(Span<const I> a, int exponent_a, Span<const I> b, int exponent_b, Span<std::int8_t> out) {
    FEWBITS_REQUIRE(a.size() == b.size() && a.size() == out.size(),
                    "formats.dfp_compare: a, b and out must have one size");
    for (std::size_t i = 0; i < out.size(); ++i)
        out[i] = static_cast<std::int8_t>(detail::compare_scaled(a[i], exponent_a, b[i], exponent_b));
}

// The larger of both, at the larger exponent. Returns that.
template <class I>
int dfp_maximum(Span<const I> a, int exponent_a, Span<const I> b, int exponent_b, const RoundOptions& options,
                Span<I> out) {
    constexpr const char* function = "formats.dfp_maximum";
    detail::require_dfp<I>(function, 8 * static_cast<int>(sizeof(I)), options);
    detail::require_exponent(function, exponent_a);
    detail::require_exponent(function, exponent_b);
    FEWBITS_REQUIRE(a.size() == b.size() && a.size() == out.size(),
                    std::string(function) + ": a, b and out must have one size");
    detail::align_zeros(a, exponent_a, b, exponent_b);
    const int exponent = std::max(exponent_a, exponent_b);
    detail::Draws draws(options);
    for (std::size_t i = 0; i < out.size(); ++i) {
        const bool second = detail::compare_scaled(a[i], exponent_a, b[i], exponent_b) < 0;
        const I larger = second ? b[i] : a[i];
        const int shift = exponent - (second ? exponent_b : exponent_a);
        out[i] = detail::with_sign<I>(
            detail::shift_right_rounded(detail::magnitude_of(larger), shift, options.rounding, draws.at(i)),
            larger < 0);
    }
    return exponent;
}

template <class I>
void dfp_relu(Span<const I> integers, Span<I> out) {
    FEWBITS_REQUIRE(integers.size() == out.size(), "formats.dfp_relu: out must have the size of integers");
    for (std::size_t i = 0; i < out.size(); ++i) out[i] = integers[i] > 0 ? integers[i] : I{0};
}

// How many products one int32 takes without overflow: the largest L with L max_a max_b <= 2^31 - 1.
inline std::int64_t safe_chain(std::uint64_t largest_a, std::uint64_t largest_b) {
    constexpr std::uint64_t most = 0x7fffffff;
    if (largest_a == 0 || largest_b == 0) return static_cast<std::int64_t>(most);
    return largest_a > most / largest_b ? 0 : static_cast<std::int64_t>(most / (largest_a * largest_b));
}

}  // namespace formats
}  // namespace FEWBITS_ISA
}  // namespace fewbits
