// The kernels of the common cases: gradual underflow, no flushing of inputs, an exponent range. One inner
// loop per family of modes and recipe, chosen once per call; all constants stand ready.
//
// 1. By addition, where the format lies well inside the carrier: C = 2^(max(e, emin) + m + 1 - p), m the
//    carrier's mantissa bits, puts a + C on the grid of the quantum, rounded to nearest even, and the bits of
//    a + C are those of C plus the integer significand n. The other modes add or subtract 1 there, told by
//    comparing a with a + C - C, which is exact; stochastic rounding computes n from the bits of a. Then
//    - C gives the value, and n + ((max(e, emin) - emin) << t) the code.
// 2. Linear, where the format has the binades of the carrier (bfloat16, tf32, float8_e8m0fnu): the quantum
// drops the same
//    number of low bits everywhere, so one integer addition and one mask round, the carry going where it
//    should.
//
// A thread that flushes subnormals gets the same bits: the formats of recipe 1 have none near those of the
// carrier, and what decides about smaller inputs are integer comparisons. Lanes that leave the range
// (overflow, nan, infinity, negative numbers for unsigned formats) are mended by selections; where random
// bits beyond the first word matter, by the reference.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <type_traits>

#include "fewbits/core/isa.hpp"
#include "fewbits/formats/detail/carrier.hpp"
#include "fewbits/formats/detail/plan.hpp"
#include "fewbits/formats/detail/round_general.hpp"
#include "fewbits/formats/rounding_reference.hpp"
#include "fewbits/simd/f32x8.hpp"
#include "fewbits/simd/f64x4.hpp"
#include "fewbits/simd/i32x8.hpp"
#include "fewbits/simd/u64x4.hpp"

namespace fewbits {
inline namespace FEWBITS_ISA {
namespace formats {

namespace detail {

// Comparison of words below the sign bit.
FEWBITS_INLINE simd::mask<8> greater(simd::i32x8 a, simd::i32x8 b) { return a > b; }
FEWBITS_INLINE simd::mask<4> greater(simd::u64x4 a, simd::u64x4 b) { return greater_below_2_63(a, b); }
FEWBITS_INLINE simd::i32x8 lesser(simd::i32x8 a, simd::i32x8 b) { return min(a, b); }
FEWBITS_INLINE simd::u64x4 lesser(simd::u64x4 a, simd::u64x4 b) { return select(greater(a, b), b, a); }
// The larger of two powers of two (or zero), as bits.
template <class T, class V>
FEWBITS_INLINE V larger_power(V a, V b) {
    using Values = typename Carrier<T>::Values;
    return simd::bit_cast<V>(max(simd::bit_cast<Values>(a), simd::bit_cast<Values>(b)));
}

FEWBITS_INLINE void store_codes(simd::i32x8 codes, std::uint32_t* out) {
    store(codes, reinterpret_cast<std::int32_t*>(out));
}
FEWBITS_INLINE void store_codes(simd::u64x4 codes, std::uint32_t* out) { store_low32(codes, out); }
// Modes that share an inner loop. directed and ties differ by sign in where they go, coin in the meaning of
// it.
enum class Family { nearest_even, nearest_odd, ties, directed, to_odd, jam, stochastic, coin };

inline constexpr bool is_random(Family family) {
    return family == Family::stochastic || family == Family::coin;
}

// Whether the magnitude of a number of that sign goes up: inexact ones where the mode is directed, ties among
// the other nearest ones.
inline bool sends_up(Rounding mode, bool negative) {
    switch (mode) {
        case Rounding::nearest_away:
        case Rounding::away_from_zero:
            return true;
        case Rounding::nearest_up:
        case Rounding::toward_positive:
            return !negative;
        case Rounding::nearest_down:
        case Rounding::toward_negative:
            return negative;
        default:
            return false;
    }
}

// The choice of a mode as masks, by sign.
template <class T>
struct Choice {
    using V = typename Carrier<T>::Lanes;
    V positive, negative;  // all ones: up
    V coin_sign;           // the sign bit where the coin speaks of the signed line

    explicit Choice(Rounding mode) {
        const WordOf<T> ones = static_cast<WordOf<T>>(~WordOf<T>{0});
        positive = splat<V>(sends_up(mode, false) ? ones : WordOf<T>{0});
        negative = splat<V>(sends_up(mode, true) ? ones : WordOf<T>{0});
        coin_sign = splat<V>(mode == Rounding::random_directed ? sign_bit<T> : WordOf<T>{0});
    }
    FEWBITS_INLINE V up(V signs) const { return select(signs == splat<V>(sign_bit<T>), negative, positive); }
    // 1 for up, else 0.
    FEWBITS_INLINE V coin(V draw, V signs) const {
        return logical_shift(draw ^ (signs & coin_sign), splat<V>(word_bits<T> - 1));
    }
};

// How limited random bits enter, see the general kernel.
template <class T>
struct LimitedBits {
    using Word = WordOf<T>;
    using V = typename Carrier<T>::Lanes;
    V kept, middle, count;
    bool rounds_fraction;

    explicit LimitedBits(const RoundOptions& options) {
        constexpr int width = word_bits<T>;
        const int n = options.random_bits;
        kept = splat<V>(n == 0 ? static_cast<Word>(~Word{0}) : static_cast<Word>(~Word{0} << (width - n)));
        const bool adds_half = n != 0 && n < width && options.variant == Variant::b;
        middle = splat<V>(adds_half ? Word{1} << (width - 1 - n) : 0);
        count = splat<V>(static_cast<unsigned>(n));
        rounds_fraction = n != 0 && options.variant == Variant::c;
    }
    FEWBITS_INLINE V addend(V draw, V drop) const {
        return logical_shift((draw & kept) | middle, splat<V>(word_bits<T>) - drop);
    }
    // The significand with the fraction below 2^drop rounded to `count` bits, to even.
    FEWBITS_INLINE V fraction(V significand, V drop) const {
        const V one = splat<V>(1);
        const V cut = select(greater(drop, count), drop - count, V::zero());
        const V cut_mask = simd::shift_left(one, cut) - one;
        const V last = logical_shift(significand, cut) & cut_mask & one;
        return (significand + logical_shift(cut_mask, one) + last) & ~cut_mask;
    }
};

// Recipe 1. value() gives the bits of the rounded magnitude, code() the code of it, both without regard to
// the largest value; a is the magnitude of the input.
template <class T, Family family_of_mode>
struct ByAddition {
    using Values = typename Carrier<T>::Values;
    using V = typename Carrier<T>::Lanes;
    static constexpr int m = Carrier<T>::mantissa_bits;
    static constexpr Family family = family_of_mode;

    V exponents = splat<V>(infinity_bits<T>), one = splat<V>(1);
    V lowest, lift, huge, base, code_base, half_offset = splat<V>(std::uint64_t{m + 1} << m);
    V hidden = splat<V>(hidden_bit<T>), fraction = splat<V>(hidden_bit<T> - 1);
    unsigned field_shift;
    bool one_bit, has_zero;
    LimitedBits<T> limited;
    Choice<T> choice;

    explicit ByAddition(const Plan<T>& plan) : limited(plan.options), choice(plan.options.rounding) {
        const FloatFormat& f = plan.format;
        const auto drop = static_cast<std::uint64_t>(m + 1 - f.precision);
        lowest = splat<V>(compose<T>(1, f.min_exponent));
        lift = splat<V>(drop << m);
        huge = splat<V>(compose<T>(1, limit_exponent + 2));
        base = splat<V>(drop);
        field_shift = static_cast<unsigned>(m - f.trailing_bits());
        one_bit = f.precision == 1;
        has_zero = f.has_zero;
        // n + (2^max(e, emin) - 2^emin >> ...) from the bits of C + n, all constants together.
        code_base =
            V::zero() - lift - logical_shift(lowest, splat<V>(field_shift)) - splat<V>(has_zero ? 0 : 1);
    }

    // Formats of at most this largest exponent: above it a + C could leave the carrier.
    static constexpr int limit_exponent = std::is_same_v<T, float> ? 100 : 900;
    static bool covers(const FloatFormat& f) {
        return f.precision <= m - 1 && f.quantum_exponent() >= -limit_exponent &&
               f.max_exponent <= limit_exponent;
    }

    struct Sum {
        V magic, bits;  // C; C + n
        V binade;       // 2^max(e, emin)
        V drop;         // of stochastic rounding: low bits of the significand below the quantum
    };

    FEWBITS_INLINE Sum round(V a, V signs, V draw) const {
        Sum s;
        a = lesser(a, huge);  // nan and infinity, too
        const V field = a & exponents;
        s.binade = larger_power<T>(field, lowest);
        s.magic = s.binade + lift;
        s.drop = V::zero();
        if constexpr (family == Family::stochastic) {
            s.drop = base + logical_shift(s.binade - field, splat<V>(m));
            V significand = (a & fraction) | hidden;
            if (FEWBITS_UNLIKELY(limited.rounds_fraction))
                significand = limited.fraction(significand, s.drop);
            s.bits = s.magic + logical_shift(significand + limited.addend(draw, s.drop), s.drop);
        } else {
            const Values value = simd::bit_cast<Values>(a), c = simd::bit_cast<Values>(s.magic);
            const Values sum = value_barrier(value + c);
            s.bits = simd::bit_cast<V>(sum);
            if (family != Family::nearest_even || one_bit) s.bits = adjust(s, value, a, sum - c, signs, draw);
        }
        return s;
    }

    FEWBITS_INLINE V value(const Sum& s) const {
        return simd::bit_cast<V>(simd::bit_cast<Values>(s.bits) - simd::bit_cast<Values>(s.magic));
    }
    // value(round(a)) to nearest even for magnitudes in range and more than one bit of precision.
    FEWBITS_INLINE V nearest_even(V a) const {
        const Values magic = simd::bit_cast<Values>(larger_power<T>(a & exponents, lowest) + lift);
        return simd::bit_cast<V>(value_barrier(simd::bit_cast<Values>(a) + magic) - magic);
    }
    FEWBITS_INLINE V code(const Sum& s) const {
        return (s.bits - s.binade) + logical_shift(s.binade, splat<V>(field_shift)) + code_base;
    }
    // Lanes for the reference: what would become zero where there is none, and random comparisons that the
    // first word may leave open, since all of the significand lies below it and it starts with ones.
    FEWBITS_INLINE bool any_open(const Sum& s, V a, V draw) const {
        if (FEWBITS_UNLIKELY(!has_zero) && any(greater(lowest, a))) return true;
        if constexpr (family != Family::stochastic) return false;
        const auto far = greater(s.drop, splat<V>(word_bits<T> - 1));
        if (FEWBITS_LIKELY(none(far))) return false;
        const V decisive = splat<V>(static_cast<WordOf<T>>(~WordOf<T>{0} << (m + 1)));
        return any(far & ((draw & limited.kept & decisive) == decisive));
    }

private:
    // Odd where the code is: with one bit of precision that is not the parity of n.
    FEWBITS_INLINE V parity(const Sum& s) const { return one_bit ? code(s) : s.bits; }
    // From nearest even to the mode: C + n, or its neighbour. `nearest` is the value of n.
    FEWBITS_INLINE V adjust(const Sum& s, Values value, V a, Values nearest, V signs, V draw) const {
        const V word = simd::bit_cast<V>(nearest);
        const auto too_high = greater(word, a), too_low = greater(a, word);
        if constexpr (family == Family::directed) {
            const V up = choice.up(signs);
            return s.bits + (keep(too_low, one) & up) - (keep(too_high, one) & ~up);
        } else if constexpr (family == Family::to_odd) {
            const V even = ~parity(s) & one;
            return s.bits + keep(too_low, even) - keep(too_high, even);
        } else if constexpr (family == Family::jam) {
            Sum truncated = s;
            truncated.bits = s.bits - keep(too_high, one);
            return truncated.bits + select(a == V::zero(), V::zero(), ~parity(truncated) & one);
        } else if constexpr (family == Family::coin) {
            return s.bits - keep(too_high, one) + keep(too_high | too_low, choice.coin(draw, signs));
        } else {
            // Nearest with another tie: the addition has gone to even n, below or above.
            const Values half = simd::bit_cast<Values>(s.magic - half_offset);
            const Values rest = value - nearest;
            const V low = keep(rest == half, one), high = keep(rest == -half, one);
            if constexpr (family == Family::ties) {
                const V up = choice.up(signs);
                return s.bits + (low & up) - (high & ~up);
            }
            const V odd = parity(s) & one;
            if constexpr (family == Family::nearest_even) return s.bits - (high & odd);  // with one bit alone
            return s.bits + (low & ~odd) - (high & ~odd);
        }
    }
};

// Whether this thread rounds to nearest even, as recipe 1 needs.
template <class T>
bool adds_to_nearest_even() {
    constexpr T unit = static_cast<T>(hidden_bit<T>) * 2;  // its neighbours above are 2 apart
    T even = unit, one = 1, three = 3;
    FEWBITS_VALUE_BARRIER(even);
    FEWBITS_VALUE_BARRIER(one);
    FEWBITS_VALUE_BARRIER(three);
    return even + one == unit && even + three == unit + 4 && -even - three == -unit - 4;
}

// Recipe 2, with the interface of recipe 1.
template <class T, Family family_of_mode>
struct Linear {
    using V = typename Carrier<T>::Lanes;
    static constexpr int m = Carrier<T>::mantissa_bits;
    static constexpr Family family = family_of_mode;

    V zero = V::zero(), one = splat<V>(1), infinity = splat<V>(infinity_bits<T>);
    V mask, half_down, tie, drop_lanes;
    V last;  // 1, or 0 where nothing is dropped
    unsigned drop;
    bool has_zero;
    LimitedBits<T> limited;
    Choice<T> choice;

    explicit Linear(const Plan<T>& plan) : limited(plan.options), choice(plan.options.rounding) {
        drop = static_cast<unsigned>(m + 1 - plan.format.precision);
        has_zero = plan.format.has_zero;
        const WordOf<T> below = (WordOf<T>{1} << drop) - 1;
        mask = splat<V>(below);
        half_down = splat<V>(below >> 1);
        tie = splat<V>(below - 2 * (below >> 1));  // what half a quantum is above half_down
        drop_lanes = splat<V>(drop);
        last = splat<V>(below & 1);
    }

    static bool covers(const FloatFormat& f) {
        if (!f.has_zero) return f.precision == 1 && f.min_exponent == -Carrier<T>::bias;
        return f.has_subnormal && !f.is_fixed && f.precision >= 2 && f.min_exponent == 1 - Carrier<T>::bias;
    }

    using Sum = V;  // the bits of the rounded magnitude

    FEWBITS_INLINE V round(V a, V signs, V draw) const {
        a = lesser(a, infinity);
        const V odd = logical_shift(a, drop_lanes) & one;
        V addend = zero;
        if constexpr (family == Family::nearest_even) {
            addend = half_down + (odd & last);
        } else if constexpr (family == Family::nearest_odd) {
            addend = half_down + (~odd & mask & one);
        } else if constexpr (family == Family::ties) {
            addend = half_down + (tie & choice.up(signs));
        } else if constexpr (family == Family::directed) {
            addend = mask & choice.up(signs);
        } else if constexpr (family == Family::to_odd) {
            addend = keep(odd == zero, mask);
        } else if constexpr (family == Family::jam) {
            addend = select(a == zero, zero, keep(odd == zero, mask + one));
        } else if constexpr (family == Family::stochastic) {
            if (FEWBITS_UNLIKELY(limited.rounds_fraction)) a = limited.fraction(a, drop_lanes);
            addend = limited.addend(draw, drop_lanes);
        } else {
            addend = mask & (zero - choice.coin(draw, signs));
        }
        return (a + addend) & ~mask;
    }
    FEWBITS_INLINE V value(V bits) const { return bits; }
    // Recipe 1 has the contract.
    FEWBITS_INLINE V nearest_even(V a) const {
        return (a + half_down + (logical_shift(a, drop_lanes) & last)) & ~mask;
    }
    FEWBITS_INLINE V code(V bits) const { return logical_shift(bits, drop_lanes); }
    // Without zero (float8_e8m0fnu) the lowest binade is one of the carrier's subnormals.
    FEWBITS_INLINE bool any_open(V, V a, V) const {
        return FEWBITS_UNLIKELY(!has_zero) && any(greater(splat<V>(hidden_bit<T>), a));
    }
};

// The result where magnitude r of input (a, signs) may be out of range; `good` elsewhere.
template <class T, class V = typename Carrier<T>::Lanes>
FEWBITS_NOINLINE V mend(const Extremes<T>& extremes, const FloatFormat& f, V good, V r, V a, V signs) {
    const auto below = signs == splat<V>(sign_bit<T>);
    const auto pick = [&](const WordOf<T>(&pair)[2]) {
        return select(below, splat<V>(pair[1]), splat<V>(pair[0]));
    };
    V result = select(greater(r, pick(extremes.largest)), pick(extremes.overflow), good);
    // Code 0 is a zero only where there is one.
    if (!f.has_zero) r = splat<V>(1);
    if (!f.is_signed) result = select(below & (r != V::zero()), splat<V>(extremes.negative), result);
    const V infinity = splat<V>(infinity_bits<T>);
    result = select(a == infinity, pick(extremes.infinite), result);
    return select(greater(a, infinity), pick(extremes.nan), result);
}

// Rounds count <= chunk elements from index i on, as round_chunk does. With Codes the results are codes.
template <class T, class Recipe, bool codes>
std::size_t round_fast(const Plan<T>& plan, const T* x, std::conditional_t<codes, std::uint32_t, T>* out,
                       std::size_t count, std::uint64_t i, const WordOf<T>* draws) {
    using Values = typename Carrier<T>::Values;
    using V = typename Carrier<T>::Lanes;
    using Word = WordOf<T>;
    const FloatFormat& f = plan.format;
    const Recipe recipe(plan);
    const Extremes<T>& extremes = codes ? plan.codes : plan;
    const V sign = splat<V>(sign_bit<T>);
    // Magnitudes up to this one are in range for both signs.
    const V quick = splat<V>(std::min(extremes.largest[0], extremes.largest[1]));
    const bool keeps_zero_sign = f.has_neg_zero, is_fixed = f.is_fixed;
    const V sign_shift = splat<V>(static_cast<unsigned>(word_bits<T> - (codes ? f.bits : 0)));
    const V all = splat<V>(codes ? (std::uint64_t{2} << (f.bits - 1)) - 1 : 0);
    const bool is_signed = f.is_signed;
    std::size_t refused = count;
    // One group of lanes, all of them inside the arrays.
    const auto round_group = [&](std::size_t k, const T* from,
                                 std::conditional_t<codes, std::uint32_t, T>* to, std::size_t lanes) {
        const V word = simd::bit_cast<V>(Values::load(from));
        const V signs = word & sign, a = word ^ signs;
        V draw = V::zero();
        if constexpr (is_random(Recipe::family)) {
            if constexpr (std::is_same_v<T, float>)
                draw = load_words(draws + k);
            else
                draw = V::load(draws + k);
        }
        const auto sum = recipe.round(a, signs, draw);
        V magnitude, result;
        if constexpr (codes) {
            magnitude = recipe.code(sum);
            if (FEWBITS_UNLIKELY(is_fixed)) {
                result = select(signs == sign, V::zero() - magnitude, magnitude) & all;
            } else {
                V sign_code = logical_shift(signs, sign_shift);
                if (!keeps_zero_sign) sign_code = select(magnitude == V::zero(), V::zero(), sign_code);
                result = magnitude | sign_code;
            }
        } else {
            magnitude = recipe.value(sum);
            result = magnitude | signs;
            if (!keeps_zero_sign) result = select(magnitude == V::zero(), V::zero(), result);
        }
        auto special = greater(magnitude, quick);
        if (FEWBITS_UNLIKELY(!is_signed)) special = special | (signs == sign);
        bool by_reference = recipe.any_open(sum, a, draw);
        if (FEWBITS_UNLIKELY(any(special))) {
            result = mend<T>(extremes, f, result, magnitude, a, signs);
            by_reference = by_reference || any(result == splat<V>(raises<T>));
        }
        if constexpr (codes)
            store_codes(result, to);
        else
            store(simd::bit_cast<Values>(result), to);
        if (FEWBITS_LIKELY(!by_reference)) return;
        T inputs[V::size];
        store(simd::bit_cast<Values>(word), inputs);
        for (std::size_t lane = 0; lane < lanes; ++lane) {
            const Word bits = reference::round_bits<T>(exact(inputs[lane]), plan, i + k + lane);
            if (bits == raises<T>) {
                refused = std::min(refused, k + lane);
            } else if constexpr (codes) {
                to[lane] = reference::code_of(from_word<T>(bits), f);
            } else {
                to[lane] = from_word<T>(bits);
            }
        }
    };
    std::size_t k = 0;
    if constexpr (Recipe::family == Family::nearest_even) {
        // Nothing but the mode to look at, unless a magnitude of the block may leave the range.
        constexpr std::size_t block = 4 * V::size;
        const bool plain =
            is_signed && keeps_zero_sign && f.has_zero && f.precision > 1 && !(codes && is_fixed);
        for (; plain && k + block <= count; k += block) {
            V results[4];
            auto special = V::zero() > V::zero();
            for (std::size_t j = 0; j < 4; ++j) {
                const V word = simd::bit_cast<V>(Values::load(x + k + j * V::size));
                const V signs = word & sign, a = word ^ signs;
                if constexpr (codes) {
                    const V magnitude = recipe.code(recipe.round(a, signs, V::zero()));
                    results[j] = magnitude | logical_shift(signs, sign_shift);
                    special = special | greater(magnitude, quick);
                } else {
                    results[j] = recipe.nearest_even(a) | signs;
                    special = special | greater(a, quick);
                }
            }
            if (FEWBITS_UNLIKELY(any(special))) {
                for (std::size_t j = k; j < k + block; j += V::size) round_group(j, x + j, out + j, V::size);
                continue;
            }
            for (std::size_t j = 0; j < 4; ++j) {
                if constexpr (codes)
                    store_codes(results[j], out + k + j * V::size);
                else
                    store(simd::bit_cast<Values>(results[j]), out + k + j * V::size);
            }
        }
    }
    for (; k + V::size <= count; k += V::size) round_group(k, x + k, out + k, V::size);
    if (k < count) {
        T padded[V::size] = {};
        std::conditional_t<codes, std::uint32_t, T> results[V::size];
        std::copy(x + k, x + count, padded);
        round_group(k, padded, results, count - k);
        std::copy(results, results + (count - k), out + k);
    }
    return refused;
}

}  // namespace detail

}  // namespace formats
}  // namespace FEWBITS_ISA
}  // namespace fewbits
