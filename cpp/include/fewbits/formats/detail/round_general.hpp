// The kernel that knows every format and option. detail/round_fast.hpp has the common cases.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <type_traits>

#include "fewbits/core/isa.hpp"
#include "fewbits/formats/detail/carrier.hpp"
#include "fewbits/formats/detail/plan.hpp"
#include "fewbits/formats/rounding_reference.hpp"

namespace fewbits {
inline namespace FEWBITS_ISA {
namespace formats {

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

// Elements that are rounded between two looks at the options: they and their random bits fit the first cache.
inline constexpr std::size_t chunk = 1024;

// Rounds count <= chunk elements from index i on. `draws` holds the random bits of each, top first, in whole
// words. Returns the position of the first value that the policy refuses, else count.
template <class T>
std::size_t round_chunk(const Plan<T>& plan, const T* x, T* out, std::size_t count, std::uint64_t i,
                        const WordOf<T>* draws) {
    using Word = WordOf<T>;
    using Values = typename Carrier<T>::Values;
    using V = typename Carrier<T>::Lanes;
    constexpr int m = Carrier<T>::mantissa_bits, width = word_bits<T>;
    const FloatFormat& f = plan.format;
    const RoundOptions& options = plan.options;
    const Rounding mode = options.rounding;
    const bool random = rounds_randomly(mode);
    const bool uses_parity = mode == Rounding::nearest_even || mode == Rounding::nearest_odd ||
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
        if (random) far = select(drop > most, one, zero);
        drop = select(drop > most, most, drop);
        const V mask = simd::shift_left(one, drop) - one;

        // 2. Up or not, as an addend below 2^drop.
        V odd = zero;
        if (uses_parity) {
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
        if (mode == Rounding::nearest_even) {
            addend = half_down + (odd & mask & one);
        } else if (mode == Rounding::nearest_odd) {
            addend = half_down + (~odd & mask & one);
        } else if (mode == Rounding::nearest_away) {
            addend = half;
        } else if (mode == Rounding::nearest_zero) {
            addend = half_down;
        } else if (mode == Rounding::nearest_up) {
            addend = select(negative, half_down, half);
        } else if (mode == Rounding::nearest_down) {
            addend = select(negative, half, half_down);
        } else if (mode == Rounding::away_from_zero) {
            addend = mask;
        } else if (mode == Rounding::toward_positive) {
            addend = select(negative, zero, mask);
        } else if (mode == Rounding::toward_negative) {
            addend = select(negative, mask, zero);
        } else if (mode == Rounding::to_odd) {
            addend = select((odd & one) == one, zero, mask);
        } else if (mode == Rounding::jam) {
            // Exact values go up too, but zero stays.
            addend = select(((odd & one) == one) | (significand == zero), zero, mask + one);
        } else if (random) {
            const V draw = [&] {
                if constexpr (std::is_same_v<T, float>)
                    return load_words(draws + k);
                else
                    return V::load(draws + k);
            }();
            if (mode == Rounding::stochastic) {
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
            } else if (mode == Rounding::stochastic_equal) {
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

}  // namespace detail

}  // namespace formats
}  // namespace FEWBITS_ISA
}  // namespace fewbits
