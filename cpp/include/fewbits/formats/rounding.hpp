// Rounding a number to a format of few bits: every deterministic and stochastic mode, rounded once.
//
// Definition. For finite x != 0 with a = |x|: e = max(floor(log2 a), emin), quantum q = 2^(e - t), or q =
// 2^emin below 2^emin where there are no subnormals. n = floor(a / q), d = a / q - n. The magnitude is (n +
// up) q with the sign of x; `up` depends on the mode:
//   nearest_even   d > 1/2, or d = 1/2 and n odd       toward_zero      never
//   nearest_away   d >= 1/2                            away_from_zero   d > 0
//   nearest_zero   d > 1/2                             toward_positive  d > 0 and x > 0
//   nearest_up     as away for x > 0, zero for x < 0   toward_negative  d > 0 and x < 0
//   nearest_down   the mirror image                    to_odd           d > 0 and n even
//   nearest_odd    d > 1/2, or d = 1/2 and n even      jam              n even, exact values included
//   stochastic     with probability d                  stochastic_equal with probability 1/2 where d > 0
//   random_directed  one random bit picks the neighbour above or below on the signed line
// "odd" is the last bit of the code: with precision 1 that is the parity of the exponent code. Then overflow
// (of the value rounded without a largest exponent), signs and NaN follow `Saturate`, `NanPolicy` and the
// format.
//
// Random bits. Element i of stream s reads Philox draw i of stream s (core/random.hpp); the bits of a
// comparison that 32 do not decide come from draw i of streams s + 2^32, s + 2 2^32, ... With random_bits =
// k, R are the top k bits and up means A: floor(d 2^k) + R >= 2^k, B: d 2^k + R + 1/2 >= 2^k, C: rne(d 2^k) +
// R >= 2^k.
//
// Kernels. On the bits of the carrier, 2^drop carrier units being the quantum: add a value below 2^drop that
// depends on the mode alone and cut the low drop bits off; the carry into the exponent is what is wanted.
// Integer arithmetic only, so the flush-to-zero mode of the thread does not matter. Lanes the recipe does not
// cover (nan, infinity, and a few rare cases) send their group through the reference.
//
// Contract: exact, types float32, float64, int64, uint64; the same bits on every machine for any number of
// threads and any cutting into calls (with `first` set). x and out may be the same array.
// Sources: definition after M. Fasi, M. Mikaitis, "CPFloat", ACM TOMS 49 (2023), and the documentation of
// gfloat (variants A, B, C: IEEE P3109); to odd: S. Boldo, G. Melquiond, IEEE Trans. Computers 57 (2008).
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <type_traits>

#include "fewbits/core/bits.hpp"
#include "fewbits/core/error.hpp"
#include "fewbits/core/parallel.hpp"
#include "fewbits/core/random.hpp"
#include "fewbits/core/span.hpp"
#include "fewbits/formats/float_format.hpp"
#include "fewbits/simd/f32x8.hpp"
#include "fewbits/simd/f64x4.hpp"
#include "fewbits/simd/i32x8.hpp"
#include "fewbits/simd/u64x4.hpp"

namespace fewbits {
inline namespace FEWBITS_ISA {
namespace formats {

enum class Rounding {
    nearest_even,
    nearest_away,
    nearest_zero,
    nearest_up,
    nearest_down,
    nearest_odd,
    toward_zero,
    away_from_zero,
    toward_positive,
    toward_negative,
    to_odd,
    stochastic,
    stochastic_equal,
    random_directed,
    jam,
};
inline constexpr const char* rounding_names[] = {
    "nearest_even", "nearest_away", "nearest_zero",     "nearest_up",      "nearest_down",
    "nearest_odd",  "toward_zero",  "away_from_zero",   "toward_positive", "toward_negative",
    "to_odd",       "stochastic",   "stochastic_equal", "random_directed", "jam",
};

// What becomes of values beyond the largest finite one:
//   none       infinity, else nan, else the largest; directed modes stop at the largest where they point
//   inwards finite     the largest, also for infinity propagate  the largest for finite values; infinity as
//   under none wrap       fixed point and integers only: modulo 2^bits (infinity as under finite)
enum class Saturate { none, finite, propagate, wrap };
// Below the smallest normal value: the format's own values; zero, after rounding as if the exponent range
// went on; or the nearer of zero and the smallest normal value, as the mode decides.
enum class Subnormal { gradual, flush, nearest_normal };
// How limited random bits meet the fraction, see above.
enum class Variant { a, b, c };
// NaN for a format without NaN: keep and error throw (error throws for every format); zero; the largest
// value; or -0 for NaN and +0 for -NaN, as ml_dtypes does.
enum class NanPolicy { keep, error, zero, max, ml_dtypes };

struct RoundOptions {
    Rounding rounding = Rounding::nearest_even;
    std::uint64_t seed = 0;
    std::uint64_t stream = 0;
    std::uint64_t first = 0;  // index of the first element: for calls that continue one another
    Saturate saturate = Saturate::none;
    Subnormal subnormal = Subnormal::gradual;
    NanPolicy nan = NanPolicy::keep;
    bool exponent_limit = true;  // false: only the precision acts
    bool flush_inputs = false;   // inputs below the smallest normal value count as zero
    int random_bits = 0;         // 0: as many as the comparison needs
    Variant variant = Variant::c;
    Span<const std::uint32_t> bits = {};  // random bits of the caller, one element each
    int threads = 1;
};

namespace detail {

template <class T>
struct Carrier;
template <>
struct Carrier<float> {
    using Word = std::uint32_t;
    using Values = simd::f32x8;
    using Lanes = simd::i32x8;
    static constexpr int mantissa_bits = 23, bias = 127;
    static constexpr const char* name = "float32";
};
template <>
struct Carrier<double> {
    using Word = std::uint64_t;
    using Values = simd::f64x4;
    using Lanes = simd::u64x4;
    static constexpr int mantissa_bits = 52, bias = 1023;
    static constexpr const char* name = "float64";
};
template <class T>
using WordOf = typename Carrier<T>::Word;

template <class T>
inline constexpr int word_bits = 8 * static_cast<int>(sizeof(T));
template <class T>
inline constexpr WordOf<T> sign_bit = WordOf<T>{1} << (word_bits<T> - 1);
template <class T>
inline constexpr WordOf<T> hidden_bit = WordOf<T>{1} << Carrier<T>::mantissa_bits;
template <class T>
inline constexpr WordOf<T> infinity_bits = (2 * WordOf<T>{Carrier<T>::bias} + 1) << Carrier<T>::mantissa_bits;
template <class T>
inline constexpr WordOf<T> nan_bits = infinity_bits<T> | hidden_bit<T> >> 1;
// Not a result: the policy asks for an error. (NaN results are canonical, hence never all ones.)
template <class T>
inline constexpr WordOf<T> raises = static_cast<WordOf<T>>(~WordOf<T>{0});

template <class T>
FEWBITS_INLINE WordOf<T> to_word(T value) {
    WordOf<T> word;
    std::memcpy(&word, &value, sizeof word);
    return word;
}
template <class T>
FEWBITS_INLINE T from_word(WordOf<T> word) {
    T value;
    std::memcpy(&value, &word, sizeof value);
    return value;
}

// A number taken apart: (-1)^negative significand 2^exponent.
struct Exact {
    enum Kind { finite, infinite, nan } kind;
    bool negative;
    std::uint64_t significand;
    int exponent;
};

inline Exact exact(std::int64_t x) {
    const auto magnitude = static_cast<std::uint64_t>(x);
    return {Exact::finite, x < 0, x < 0 ? 0 - magnitude : magnitude, 0};
}
inline Exact exact(std::uint64_t x) { return {Exact::finite, false, x, 0}; }
template <class T, class = std::enable_if_t<std::is_floating_point_v<T>>>
Exact exact(T x) {
    const WordOf<T> word = to_word(x), magnitude = word & (sign_bit<T> - 1);
    const bool negative = (word & sign_bit<T>) != 0;
    if (magnitude > infinity_bits<T>) return {Exact::nan, negative, 0, 0};
    if (magnitude == infinity_bits<T>) return {Exact::infinite, negative, 0, 0};
    const int field = static_cast<int>(magnitude >> Carrier<T>::mantissa_bits);
    const WordOf<T> rest = magnitude & (hidden_bit<T> - 1);
    return {Exact::finite, negative, field == 0 ? rest : rest | hidden_bit<T>,
            std::max(field, 1) - Carrier<T>::bias - Carrier<T>::mantissa_bits};
}

// The bits of n 2^exponent, infinity where that is too large. Low bits of n that do not fit must be zero.
template <class T>
WordOf<T> compose(std::uint64_t n, int exponent) {
    using Word = WordOf<T>;
    constexpr int m = Carrier<T>::mantissa_bits, bias = Carrier<T>::bias;
    if (n == 0) return 0;
    const int top = static_cast<int>(bit_length(n)) - 1 + exponent;
    if (top > bias) return infinity_bits<T>;
    // The unit of the result: that of the binade, or of the subnormals.
    const int unit = std::max(top, 1 - bias) - m;
    const int shift = exponent - unit;
    const auto significand = static_cast<Word>(shift >= 0 ? n << shift : n >> -shift);
    return static_cast<Word>(significand + (static_cast<Word>(unit + m + bias - 1) << m));
}

// A format, the options and a carrier as the constants of the kernels. Results are whole words, by sign of x.
template <class T>
struct Plan {
    using Word = WordOf<T>;
    FloatFormat format;
    RoundOptions options;
    Word largest[2];   // magnitudes
    Word overflow[2];  // of finite x
    Word infinite[2];  // of infinite x
    Word nan[2];
    Word zero[2];
    Word negative;    // of finite x < 0 in an unsigned format, unless it rounds to zero
    Word min_normal;  // magnitude
    Word quantum;     // magnitude: the least positive value
};

inline bool rounds_randomly(Rounding mode) {
    return mode == Rounding::stochastic || mode == Rounding::stochastic_equal ||
           mode == Rounding::random_directed;
}

// Whether type T has every value of the format.
template <class T>
bool carries(const FloatFormat& f) {
    constexpr int m = Carrier<T>::mantissa_bits, bias = Carrier<T>::bias;
    return f.precision <= m + 1 && f.max_exponent <= bias && f.quantum_exponent() >= 1 - bias - m;
}

template <class T>
Plan<T> make_plan(const char* function, const FloatFormat& f, const RoundOptions& options, std::size_t size) {
    using Word = WordOf<T>;
    const auto require = [&](bool good, const std::string& message) {
        if (!good) throw ArgumentError(std::string(function) + ": " + message);
    };
    require(carries<T>(f), std::string("format does not fit ") + Carrier<T>::name +
                               (std::is_same_v<T, float> && carries<double>(f)
                                    ? ": pass float64"
                                    : ": precision or exponent range is too large"));
    const bool random = rounds_randomly(options.rounding);
    require(random || (options.random_bits == 0 && options.bits.empty()),
            "random bits need a stochastic rounding");
    require(options.random_bits >= 0 && options.random_bits <= 32,
            "random_bits must be in 1..32, got " + std::to_string(options.random_bits));
    require(options.random_bits == 0 || options.rounding == Rounding::stochastic,
            "random_bits is for stochastic rounding alone");
    require(options.bits.empty() || options.bits.size() == size,
            "bits must have one element for each of x, got " + std::to_string(options.bits.size()) + " for " +
                std::to_string(size));
    require(options.saturate != Saturate::wrap || f.is_fixed,
            "saturate must not be wrap for a floating point format");

    Plan<T> plan{};
    plan.format = f;
    plan.options = options;
    if (!f.has_subnormal && options.subnormal == Subnormal::gradual)
        plan.options.subnormal = Subnormal::nearest_normal;
    if (f.is_fixed || !options.exponent_limit) plan.options.subnormal = Subnormal::gradual;
    if (!options.exponent_limit) require(!f.is_fixed, "exponent_limit must be true for fixed point");
    const auto magnitude = [](double value) {
        const Exact e = exact(value);
        return compose<T>(e.significand, e.exponent);
    };
    plan.min_normal = compose<T>(1, f.min_exponent);
    plan.quantum = plan.options.subnormal == Subnormal::gradual
                       ? compose<T>(1, f.min_exponent - f.trailing_bits())
                       : plan.min_normal;
    const Saturate saturate = options.saturate;
    const bool clamps = saturate == Saturate::finite || saturate == Saturate::wrap;
    for (int s = 0; s < 2; ++s) {
        const Word sign = s ? sign_bit<T> : 0;
        const Word nan_sign = f.has_signed_nan() ? sign : 0;
        const Word minus_zero = f.has_neg_zero ? sign : 0;
        plan.largest[s] = magnitude(s && f.is_signed ? -f.min_finite : f.max_finite);
        if (!options.exponent_limit) plan.largest[s] = infinity_bits<T> - 1;
        const Word clamped = f.is_signed ? plan.largest[s] | sign : s ? Word{0} : plan.largest[0];

        if (f.has_nan() && options.nan != NanPolicy::error) {
            plan.nan[s] = nan_bits<T> | nan_sign;
        } else if (options.nan == NanPolicy::zero) {
            plan.nan[s] = minus_zero;
        } else if (options.nan == NanPolicy::max) {
            plan.nan[s] = f.is_signed ? clamped : plan.largest[0];
        } else if (options.nan == NanPolicy::ml_dtypes) {
            plan.nan[s] = !s && f.has_neg_zero ? sign_bit<T> : 0;
        } else {
            plan.nan[s] = raises<T>;
        }

        const Word invalid = f.has_nan() ? nan_bits<T> | nan_sign : plan.nan[s];
        if (!f.is_signed && s) {
            plan.infinite[s] = clamps || f.is_fixed ? 0 : invalid;
        } else if (clamps) {
            plan.infinite[s] = clamped;
        } else {
            plan.infinite[s] = f.has_inf || !options.exponent_limit ? infinity_bits<T> | sign
                               : f.has_nan()                        ? nan_bits<T> | nan_sign
                                                                    : clamped;
        }
        const Rounding mode = options.rounding;
        const bool inwards = mode == Rounding::toward_zero || mode == Rounding::to_odd ||
                             mode == Rounding::jam || (mode == Rounding::toward_positive && s) ||
                             (mode == Rounding::toward_negative && !s);
        plan.overflow[s] =
            saturate != Saturate::none || (inwards && options.exponent_limit) ? clamped : plan.infinite[s];
        plan.zero[s] = minus_zero;
        if (!f.has_zero)
            plan.zero[s] = saturate == Saturate::finite || saturate == Saturate::propagate ? plan.min_normal
                           : f.has_nan()                                                   ? nan_bits<T>
                                                                                           : raises<T>;
    }
    plan.negative = saturate != Saturate::none || f.is_fixed || options.rounding == Rounding::toward_zero ||
                            options.rounding == Rounding::toward_positive
                        ? plan.zero[0]
                    : f.has_nan() ? nan_bits<T>
                                  : plan.nan[1];
    return plan;
}

// Draw number `word` of element i: 32 bits of a comparison, the most significant first.
inline std::uint32_t random_word(const RoundOptions& options, std::uint64_t i, std::uint64_t word) {
    if (!options.bits.empty()) {
        const int count = options.random_bits == 0 ? 32 : options.random_bits;
        return word == 0 ? options.bits[i] << (32 - count) : 0;
    }
    return Philox(options.seed, options.stream + (word << 32)).draw32(options.first + i);
}

}  // namespace detail

namespace reference {

// Whether the magnitude goes up: the fraction is d = rest / 2^drop, 0 <= d < 1.
inline bool goes_up(std::uint64_t rest, int drop, bool odd, bool negative, const RoundOptions& options,
                    std::uint64_t i) {
    if (options.rounding == Rounding::jam) return !odd;
    if (rest == 0) return false;
    const std::uint64_t half = drop <= 64 ? std::uint64_t{1} << (drop - 1) : 0;
    const bool above_half = drop <= 64 && rest > half, tie = drop <= 64 && rest == half;
    switch (options.rounding) {
        case Rounding::nearest_even:
            return above_half || (tie && odd);
        case Rounding::nearest_odd:
            return above_half || (tie && !odd);
        case Rounding::nearest_away:
            return above_half || tie;
        case Rounding::nearest_zero:
            return above_half;
        case Rounding::nearest_up:
            return above_half || (tie && !negative);
        case Rounding::nearest_down:
            return above_half || (tie && negative);
        case Rounding::toward_zero:
            return false;
        case Rounding::away_from_zero:
            return true;
        case Rounding::toward_positive:
            return !negative;
        case Rounding::toward_negative:
            return negative;
        case Rounding::to_odd:
            return !odd;
        case Rounding::stochastic_equal:
            return detail::random_word(options, i, 0) >> 31 != 0;
        case Rounding::random_directed:
            return (detail::random_word(options, i, 0) >> 31 != 0) != negative;
        default:
            break;
    }
    if (options.random_bits == 0) {
        // R >= 2^drop - rest, that is R > ~rest in drop bits, compared 32 bits at a time.
        const std::uint64_t complement = ~rest;
        for (int left = drop, word = 0; left > 0; left -= 32, ++word) {
            const int count = std::min(left, 32), low = left - count;
            const std::uint64_t bits = low >= 64  ? 0xffffffffU
                                       : low > 32 ? complement >> low | ~(~std::uint64_t{0} >> low)
                                                  : complement >> low;
            const std::uint32_t limit = static_cast<std::uint32_t>(bits) << (32 - count) >> (32 - count);
            const std::uint32_t draw =
                detail::random_word(options, i, static_cast<std::uint64_t>(word)) >> (32 - count);
            if (draw != limit) return draw > limit;
        }
        return false;
    }
    const int count = options.random_bits, cut = drop - count;
    const std::uint64_t random = detail::random_word(options, i, 0) >> (32 - count);
    std::uint64_t fraction = cut <= 0 ? rest << -cut : cut < 64 ? rest >> cut : 0;  // floor(d 2^count)
    if (cut > 0 && cut <= 64 && options.variant != Variant::a) {
        const std::uint64_t middle = std::uint64_t{1} << (cut - 1);
        const std::uint64_t tail = cut < 64 ? rest & ((std::uint64_t{1} << cut) - 1) : rest;
        if (tail > middle || (tail == middle && (options.variant == Variant::b || fraction % 2 != 0)))
            ++fraction;
    }
    return fraction + random >= std::uint64_t{1} << count;
}

// The definition, in integers: the bits of the rounded value of element i.
template <class T>
detail::WordOf<T> round_bits(const detail::Exact& x, const detail::Plan<T>& plan, std::uint64_t i) {
    using detail::Exact;
    const FloatFormat& f = plan.format;
    const RoundOptions& options = plan.options;
    const bool negative = x.negative;
    if (x.kind == Exact::nan) return plan.nan[negative];
    if (x.kind == Exact::infinite) return plan.infinite[negative];
    if (x.significand == 0) return plan.zero[negative];

    // 1. The quantum.
    const int e = static_cast<int>(bit_length(x.significand)) - 1 + x.exponent;
    if (options.flush_inputs && e < f.min_exponent) return plan.zero[negative];
    const bool small = options.exponent_limit && e < f.min_exponent;
    int quantum = e - f.trailing_bits();
    if (f.is_fixed || (small && options.subnormal == Subnormal::gradual))
        quantum = f.min_exponent - f.trailing_bits();
    else if (small && options.subnormal == Subnormal::nearest_normal)
        quantum = f.min_exponent;

    // 2. n and the fraction.
    const int drop = quantum - x.exponent;
    const int length = static_cast<int>(bit_length(x.significand));
    if (drop < 0 && length - drop > 63 && options.saturate != Saturate::wrap)
        return plan.overflow[negative];  // fixed point alone
    std::uint64_t n = 0, rest = x.significand;
    if (drop <= 0) {
        n = drop > -64 ? x.significand << -drop : 0;
        rest = 0;
    } else if (drop < 64) {
        n = x.significand >> drop;
        rest = x.significand & ((std::uint64_t{1} << drop) - 1);
    }

    // 3. Up or not. With one bit of precision the code counts binades.
    std::uint64_t code = n;
    if (f.precision == 1)
        code += static_cast<std::uint64_t>(quantum - f.min_exponent) + (f.has_zero ? 0U : 1U);
    if (goes_up(rest, drop, code % 2 != 0, negative, options, i)) ++n;

    // 4. What the format makes of it.
    const detail::WordOf<T> sign = negative ? detail::sign_bit<T> : 0;
    if (options.saturate == Saturate::wrap) {
        const std::uint64_t all = (std::uint64_t{2} << (f.bits - 1)) - 1;
        std::uint64_t wrapped = (negative ? 0 - n : n) & all;
        const bool below = f.is_signed && wrapped > all / 2;
        if (below) wrapped = all + 1 - wrapped;
        return detail::compose<T>(wrapped, quantum) | (below ? detail::sign_bit<T> : 0);
    }
    const detail::WordOf<T> magnitude = detail::compose<T>(n, quantum);
    if (!f.has_zero) {
        if (negative) return plan.negative;
        if (magnitude < plan.min_normal) return plan.min_normal;
    }
    if (magnitude == 0 ||
        (options.exponent_limit && options.subnormal == Subnormal::flush && magnitude < plan.min_normal))
        return plan.zero[negative];
    if (!f.is_signed && negative) return plan.negative;
    if (magnitude > plan.largest[negative]) return plan.overflow[negative];
    return magnitude | sign;
}

}  // namespace reference

namespace detail {

FEWBITS_INLINE simd::i32x8 logical_shift(simd::i32x8 a, simd::i32x8 counts) {
    return simd::shift_right_logical(a, counts);
}
FEWBITS_INLINE simd::u64x4 logical_shift(simd::u64x4 a, simd::u64x4 counts) {
    return simd::shift_right(a, counts);
}
template <class V>
FEWBITS_INLINE V splat(std::uint64_t word) {
    return V::broadcast(static_cast<typename V::element>(word));
}
FEWBITS_INLINE simd::i32x8 load_words(const std::uint32_t* words) {
    return simd::i32x8::load(reinterpret_cast<const std::int32_t*>(words));
}

// Elements that are rounded between two looks at the options: their random bits fit the first cache.
inline constexpr std::size_t chunk = 256;

// Rounds count <= chunk elements from index i on. `draws` holds the random bits of each, top first, in whole
// words. Returns the position of the first value that the policy refuses, else count.
template <class T, Rounding mode>
std::size_t round_chunk(const Plan<T>& plan, const T* x, T* out, std::size_t count, std::uint64_t i,
                        const WordOf<T>* draws) {
    using Word = WordOf<T>;
    using Values = typename Carrier<T>::Values;
    using V = typename Carrier<T>::Lanes;
    constexpr int m = Carrier<T>::mantissa_bits, width = word_bits<T>;
    const FloatFormat& f = plan.format;
    const RoundOptions& options = plan.options;
    constexpr bool random = mode == Rounding::stochastic || mode == Rounding::stochastic_equal ||
                            mode == Rounding::random_directed;
    constexpr bool uses_parity = mode == Rounding::nearest_even || mode == Rounding::nearest_odd ||
                                 mode == Rounding::to_odd || mode == Rounding::jam;

    const V sign = splat<V>(sign_bit<T>), one = splat<V>(1), zero = V::zero();
    const V largest = splat<V>(plan.largest[0]), infinity = splat<V>(infinity_bits<T>);
    const V min_normal = splat<V>(plan.min_normal), quantum = splat<V>(plan.quantum);
    // Exponents are biased; the least one this kernel meets is 1, that of the carrier's subnormals.
    const int min_field = f.min_exponent + Carrier<T>::bias;
    const V lowest = splat<V>(static_cast<std::uint64_t>(std::int64_t{min_field}));
    const int base_drop = m + 1 - f.precision;
    const V base = splat<V>(static_cast<std::uint64_t>(base_drop));
    const V most = splat<V>(width - 1);
    const bool gradual = options.subnormal == Subnormal::gradual;
    const bool flush = options.subnormal == Subnormal::flush;
    // Below min_normal the unit of nearest_normal is larger by the trailing bits.
    const V extra = splat<V>(gradual ? 0U : static_cast<unsigned>(f.trailing_bits()));
    const bool asymmetric = plan.largest[0] != plan.largest[1];
    const bool one_bit = f.precision == 1;
    const V code_offset = splat<V>(f.has_zero ? 0 : 1);
    // The reference takes the carrier's subnormals where their own binades count, and what becomes zero where
    // there is no zero.
    const bool sees_binades = min_field < 1 || !options.exponent_limit;
    const Word covered_from =
        std::max(sees_binades ? hidden_bit<T> : Word{0}, f.has_zero ? Word{0} : plan.min_normal);
    const V covered = splat<V>(covered_from);
    const Word kept = options.random_bits == 0 ? static_cast<Word>(~Word{0})
                                               : static_cast<Word>(~Word{0} << (width - options.random_bits));
    const V kept_bits = splat<V>(kept);
    const bool variant_b = options.random_bits != 0 && options.variant == Variant::b;
    const bool variant_c = options.random_bits != 0 && options.variant == Variant::c;
    const V middle =
        splat<V>(variant_b && options.random_bits < width ? Word{1} << (width - 1 - options.random_bits) : 0);
    const V random_count = splat<V>(static_cast<unsigned>(options.random_bits));
    // A significand that lies whole below the compared bits: only a draw that starts with ones can reach it.
    const V decisive = splat<V>(static_cast<Word>(~Word{0} << (m + 1)));

    std::size_t refused = count;
    for (std::size_t k = 0; k < count; k += V::size) {
        const std::size_t lanes = std::min(count - k, V::size);
        const V word =
            simd::bit_cast<V>(lanes == V::size ? Values::load(x + k) : Values::load_partial(x + k, lanes));
        const V signs = word & sign;
        const V a = word ^ signs;
        auto by_reference = a >= infinity;
        if (covered_from != 0) by_reference = by_reference | (a < covered);
        if (!f.is_signed) by_reference = by_reference | (signs == sign);

        // 1. Significand and exponent; how many low bits the quantum drops.
        const V field = logical_shift(a, splat<V>(m));
        const V exponent = select(field == zero, one, field);
        const V binade = simd::shift_left(exponent - one, m);
        V significand = a - binade;
        const auto below = a < min_normal;
        if (options.flush_inputs) significand = select(below, zero, significand);
        V drop = base;
        if (flush) {
            // The carrier's subnormals are one binade lower than their field says, as far as it matters.
            if (base_drop > 0) drop = drop - select(field == zero, one, zero);
        } else if (options.exponent_limit) {
            drop = drop + select(below, lowest - exponent + extra, zero);
        }
        V far = zero;
        if constexpr (random) far = select(drop > most, one, zero);
        drop = select(drop > most, most, drop);
        const V mask = simd::shift_left(one, drop) - one;

        // 2. Up or not, as an addend below 2^drop.
        V odd = zero;
        if constexpr (uses_parity) {
            odd = logical_shift(significand, drop);
            if (one_bit) {
                V binades = exponent - lowest;
                if (flush) binades = binades - select(field == zero, one, zero);
                if (!flush && options.exponent_limit) binades = select(exponent > lowest, binades, zero);
                odd = odd + code_offset + binades;
            }
        }
        V addend = zero;
        const V half_down = logical_shift(mask, splat<V>(1));  // below half a quantum
        const V half = mask - half_down;  // half a quantum, or 0 where nothing is dropped
        const auto negative = signs == sign;
        if constexpr (mode == Rounding::nearest_even) {
            addend = half_down + (odd & mask & one);
        } else if constexpr (mode == Rounding::nearest_odd) {
            addend = half_down + (~odd & mask & one);
        } else if constexpr (mode == Rounding::nearest_away) {
            addend = half;
        } else if constexpr (mode == Rounding::nearest_zero) {
            addend = half_down;
        } else if constexpr (mode == Rounding::nearest_up) {
            addend = select(negative, half_down, half);
        } else if constexpr (mode == Rounding::nearest_down) {
            addend = select(negative, half, half_down);
        } else if constexpr (mode == Rounding::away_from_zero) {
            addend = mask;
        } else if constexpr (mode == Rounding::toward_positive) {
            addend = select(negative, zero, mask);
        } else if constexpr (mode == Rounding::toward_negative) {
            addend = select(negative, mask, zero);
        } else if constexpr (mode == Rounding::to_odd) {
            addend = select((odd & one) == one, zero, mask);
        } else if constexpr (mode == Rounding::jam) {
            // Exact values go up too, but zero stays.
            addend = select(((odd & one) == one) | (significand == zero), zero, mask + one);
        } else if constexpr (random) {
            const V draw = [&] {
                if constexpr (std::is_same_v<T, float>)
                    return load_words(draws + k);
                else
                    return V::load(draws + k);
            }();
            if constexpr (mode == Rounding::stochastic) {
                const V bits = draw & kept_bits;
                by_reference =
                    by_reference | ((far == one) & ((bits & decisive) == decisive) & (significand > zero));
                if (variant_c) {
                    const V cut = select(drop > random_count, drop - random_count, zero);
                    const V cut_mask = simd::shift_left(one, cut) - one;
                    const V last = logical_shift(significand, cut) & cut_mask & one;
                    significand = (significand + logical_shift(cut_mask, splat<V>(1)) + last) & ~cut_mask;
                }
                addend = select(far == one, zero, logical_shift(bits | middle, splat<V>(width) - drop));
            } else if constexpr (mode == Rounding::stochastic_equal) {
                addend = select((draw & sign) == sign, mask, zero);
            } else {
                addend = select((draw & sign) == (signs ^ sign), mask, zero);
            }
        }

        // 3. Round. Where the whole significand is dropped, the result is 0 or the least value.
        const V rounded = (significand + addend) & ~mask;
        V result = rounded + binade;
        result = select(drop > splat<V>(m), select(rounded == zero, zero, quantum), result);
        if (options.flush_inputs) result = select(below, zero, result);
        if (flush) result = select(result < min_normal, zero, result);

        // 4. What the format makes of it.
        const V limit = asymmetric ? select(negative, splat<V>(plan.largest[1]), largest) : largest;
        const auto too_large = result > limit;
        const V result_sign = f.has_neg_zero ? signs : select(result == zero, zero, signs);
        result = result | result_sign;
        if (options.saturate == Saturate::wrap) by_reference = by_reference | too_large;
        if (any(too_large))
            result = select(too_large,
                            select(negative, splat<V>(plan.overflow[1]), splat<V>(plan.overflow[0])), result);
        if (FEWBITS_LIKELY(none(by_reference))) {
            const Values values = simd::bit_cast<Values>(result);
            if (lanes == V::size)
                store(values, out + k);
            else
                store_partial(values, out + k, lanes);
            continue;
        }
        for (std::size_t lane = k; lane < k + lanes; ++lane) {
            const Word bits = reference::round_bits<T>(exact(x[lane]), plan, i + lane);
            if (bits == raises<T>) refused = std::min(refused, lane);
            out[lane] = from_word<T>(bits);
        }
    }
    return refused;
}

// The same for nearest_even where float additions will do: adding and subtracting 2^(max(e, emin) + 24 - p)
// leaves multiples of the quantum. About twice as fast as the carry; a group it does not cover goes there.
inline std::size_t round_chunk_by_addition(const Plan<float>& plan, const float* x, float* out,
                                           std::size_t count, std::uint64_t i, const std::uint32_t* draws) {
    using simd::f32x8;
    using simd::i32x8;
    const FloatFormat& f = plan.format;
    const i32x8 sign = splat<i32x8>(sign_bit<float>), exponent_bits = splat<i32x8>(infinity_bits<float>);
    const i32x8 lowest = splat<i32x8>(plan.min_normal),
                lift = splat<i32x8>((24U - static_cast<unsigned>(f.precision)) << 23);
    const f32x8 largest = f32x8::broadcast(from_word<float>(plan.largest[0]));
    std::size_t refused = count;
    for (std::size_t k = 0; k < count; k += 8) {
        const std::size_t lanes = std::min<std::size_t>(count - k, 8);
        const f32x8 value = lanes == 8 ? f32x8::load(x + k) : f32x8::load_partial(x + k, lanes);
        const i32x8 word = simd::bit_cast<i32x8>(value);
        const f32x8 a = abs(value);
        const f32x8 magic = simd::bit_cast<f32x8>(max(word & exponent_bits, lowest) + lift);
        const f32x8 rounded = value_barrier(a + magic) - magic;
        // Nan, infinity, and values whose magic number has left the carrier too.
        if (FEWBITS_UNLIKELY(!all(rounded <= largest))) {
            const std::size_t at =
                round_chunk<float, Rounding::nearest_even>(plan, x + k, out + k, lanes, i + k, draws);
            if (at != lanes) refused = std::min(refused, k + at);
            continue;
        }
        i32x8 result_sign = word & sign;
        if (!f.has_neg_zero) result_sign = select(rounded == f32x8::zero(), i32x8::zero(), result_sign);
        const f32x8 result = simd::bit_cast<f32x8>(simd::bit_cast<i32x8>(rounded) | result_sign);
        if (lanes == 8)
            store(result, out + k);
        else
            store_partial(result, out + k, lanes);
    }
    return refused;
}

// Far from the carrier's subnormals, so that a thread that flushes them gets the same bits, and far enough
// below its overflow; and only where this thread rounds to nearest even.
inline bool rounds_by_addition(const Plan<float>& plan) {
    const FloatFormat& f = plan.format;
    const RoundOptions& options = plan.options;
    if (options.rounding != Rounding::nearest_even || options.subnormal != Subnormal::gradual ||
        options.flush_inputs || !options.exponent_limit || f.is_fixed || !f.is_signed || !f.has_zero)
        return false;
    if (f.precision < 2 || f.precision > 22 || f.quantum_exponent() < -100 || f.max_exponent > 100)
        return false;
    float even = 0x1p24F, one = 1, three = 3;
    FEWBITS_VALUE_BARRIER(even);
    FEWBITS_VALUE_BARRIER(one);
    FEWBITS_VALUE_BARRIER(three);
    return even + one == 0x1p24F && even + three == 0x1p24F + 4 && -even - three == -0x1p24F - 4;
}

template <class T>
using RoundChunk = std::size_t (*)(const Plan<T>&, const T*, T*, std::size_t, std::uint64_t,
                                   const WordOf<T>*);

template <class T>
RoundChunk<T> round_chunk_of(const Plan<T>& plan) {
    if constexpr (std::is_same_v<T, float>) {
        if (rounds_by_addition(plan)) return round_chunk_by_addition;
    }
    switch (plan.options.rounding) {
        case Rounding::nearest_even:
            return round_chunk<T, Rounding::nearest_even>;
        case Rounding::nearest_away:
            return round_chunk<T, Rounding::nearest_away>;
        case Rounding::nearest_zero:
            return round_chunk<T, Rounding::nearest_zero>;
        case Rounding::nearest_up:
            return round_chunk<T, Rounding::nearest_up>;
        case Rounding::nearest_down:
            return round_chunk<T, Rounding::nearest_down>;
        case Rounding::nearest_odd:
            return round_chunk<T, Rounding::nearest_odd>;
        case Rounding::toward_zero:
            return round_chunk<T, Rounding::toward_zero>;
        case Rounding::away_from_zero:
            return round_chunk<T, Rounding::away_from_zero>;
        case Rounding::toward_positive:
            return round_chunk<T, Rounding::toward_positive>;
        case Rounding::toward_negative:
            return round_chunk<T, Rounding::toward_negative>;
        case Rounding::to_odd:
            return round_chunk<T, Rounding::to_odd>;
        case Rounding::stochastic:
            return round_chunk<T, Rounding::stochastic>;
        case Rounding::stochastic_equal:
            return round_chunk<T, Rounding::stochastic_equal>;
        case Rounding::random_directed:
            return round_chunk<T, Rounding::random_directed>;
        default:
            return round_chunk<T, Rounding::jam>;
    }
}

// The random bits of elements i, i + 1, ... as the kernels want them.
template <class T>
void fill_draws(const RoundOptions& options, std::uint64_t i, std::size_t count, WordOf<T>* draws) {
    std::uint32_t words[chunk];
    const Philox stream(options.seed, options.stream);
    if (!options.bits.empty()) {
        for (std::size_t k = 0; k < count; ++k) words[k] = random_word(options, i + k, 0);
    } else {
        stream.fill(options.first + i, Span<std::uint32_t>(words, count));
    }
    if constexpr (std::is_same_v<T, float>) {
        std::copy(words, words + count, draws);
        std::fill(draws + count, draws + chunk, 0U);
    } else {
        std::uint32_t more[chunk] = {};
        const bool full = options.rounding == Rounding::stochastic && options.random_bits == 0;
        if (full && options.bits.empty())
            Philox(options.seed, options.stream + (std::uint64_t{1} << 32))
                .fill(options.first + i, Span<std::uint32_t>(more, count));
        for (std::size_t k = 0; k < count; ++k) draws[k] = std::uint64_t{words[k]} << 32 | more[k];
        std::fill(draws + count, draws + chunk, std::uint64_t{0});
    }
}

[[noreturn]] inline void refuse_value(const char* function, std::uint64_t i) {
    throw ArgumentError(
        std::string(function) +
        ": x must not hold nan (or what becomes nan) for this format and nan policy, got one at "
        "flat index " +
        std::to_string(i) + "; nan='zero' and nan='max' replace it");
}

// Rounds one chunk of any input type into the carrier T.
template <class In, class T>
void round_any(const char* function, const Plan<T>& plan, RoundChunk<T> kernel, const In* x, T* out,
               std::size_t count, std::uint64_t i) {
    WordOf<T> draws[chunk];
    if (rounds_randomly(plan.options.rounding)) fill_draws<T>(plan.options, i, count, draws);
    if constexpr (std::is_same_v<In, T>) {
        const std::size_t refused = kernel(plan, x, out, count, i, draws);
        if (refused != count) refuse_value(function, i + refused);
    } else {
        static_assert(std::is_same_v<T, double>);
        T wide[chunk];
        for (std::size_t k = 0; k < count; ++k) {
            if constexpr (std::is_same_v<In, float>) {
                // On the bits: a conversion instruction would flush subnormals where the thread does.
                const Exact e = exact(x[k]);
                wide[k] = from_word<T>((e.kind == Exact::finite     ? compose<T>(e.significand, e.exponent)
                                        : e.kind == Exact::infinite ? infinity_bits<T>
                                                                    : nan_bits<T>) |
                                       (e.negative ? sign_bit<T> : 0));
            } else {
                wide[k] = static_cast<T>(x[k]);
            }
        }
        T values[chunk];
        const std::size_t refused = kernel(plan, wide, values, count, i, draws);
        if (refused != count) refuse_value(function, i + refused);
        if constexpr (std::is_integral_v<In>) {
            // The conversion of integers beyond 2^53 has rounded already.
            for (std::size_t k = 0; k < count; ++k) {
                const Exact e = exact(x[k]);
                if (e.significand >> 53 != 0)
                    values[k] = from_word<T>(reference::round_bits<T>(e, plan, i + k));
            }
        }
        std::copy(values, values + count, out);
    }
}

// Elements per piece of work for the threads: enough to pay for starting one.
inline constexpr std::size_t thread_block = std::size_t{1} << 18;

}  // namespace detail

// out[i] = x[i] rounded to the format. In, T: float or double alike, or In integers and T double.
// Throws ArgumentError where T lacks values of the format, options contradict one another, sizes differ, or
// the NaN policy refuses a value (out is then partly written).
template <class In, class T>
void round_to(Span<const In> x, const FloatFormat& format, const RoundOptions& options, Span<T> out) {
    static_assert(std::is_same_v<In, T> || (std::is_integral_v<In> && std::is_same_v<T, double>));
    constexpr const char* function = "formats.round_to";
    FEWBITS_REQUIRE(x.size() == out.size(), "formats.round_to: out must have the size of x, got " +
                                                std::to_string(out.size()) + " for " +
                                                std::to_string(x.size()));
    const detail::Plan<T> plan = detail::make_plan<T>(function, format, options, x.size());
    const detail::RoundChunk<T> kernel = detail::round_chunk_of<T>(plan);
    parallel_for(x.size(), detail::thread_block, options.threads, [&](std::size_t begin, std::size_t end) {
        for (std::size_t i = begin; i < end; i += detail::chunk)
            detail::round_any<In, T>(function, plan, kernel, x.data() + i, out.data() + i,
                                     std::min(detail::chunk, end - i), i);
    });
}

}  // namespace formats
}  // namespace FEWBITS_ISA
}  // namespace fewbits
