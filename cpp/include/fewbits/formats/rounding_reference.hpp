// The definitions of rounding and of codes, one element at a time, in integers: what the kernels of
// rounding.hpp and codes.hpp equal and what they hand rare cases to.
#pragma once

#include <algorithm>
#include <cstdint>

#include "fewbits/core/bits.hpp"
#include "fewbits/core/isa.hpp"
#include "fewbits/formats/detail/carrier.hpp"
#include "fewbits/formats/detail/plan.hpp"
#include "fewbits/formats/float_format.hpp"
#include "fewbits/formats/rounding_options.hpp"

namespace fewbits {
inline namespace FEWBITS_ISA {
namespace formats {

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

// The code of a value of the format.
template <class T>
std::uint32_t code_of(T value, const FloatFormat& f) {
    using detail::Exact;
    const Exact x = detail::exact(value);
    const std::uint64_t sign = x.negative ? f.sign_code() : 0;
    std::uint64_t code = 0;
    if (x.kind == Exact::nan) {
        code = f.nan_code();
    } else if (x.kind == Exact::infinite) {
        code = f.inf_code();
    } else if (x.significand != 0) {
        const int e = static_cast<int>(bit_length(x.significand)) - 1 + x.exponent;
        const int binade = std::max(e, f.min_exponent);
        const int drop = binade - f.trailing_bits() - x.exponent;
        const std::uint64_t n = drop >= 0 ? x.significand >> drop : x.significand << -drop;
        code = (static_cast<std::uint64_t>(binade - f.min_exponent) << f.trailing_bits()) + n -
               (f.has_zero ? 0U : 1U);
    }
    if (f.is_fixed) {
        const std::uint64_t all = (std::uint64_t{2} << (f.bits - 1)) - 1;
        return static_cast<std::uint32_t>((x.negative ? 0 - code : code) & all);
    }
    return static_cast<std::uint32_t>(code | sign);
}

// The value of a code.
template <class T>
T value_of(std::uint32_t code, const FloatFormat& f) {
    using Word = detail::WordOf<T>;
    std::uint64_t magnitude = code;
    bool negative = false;
    if (f.nan == NanKind::neg_zero_code && code == f.sign_code())
        return detail::from_word<T>(detail::nan_bits<T>);
    if (f.is_signed) {
        negative = (code & f.sign_code()) != 0;
        if (f.is_fixed)
            magnitude = negative ? 2 * f.sign_code() - code : code;
        else
            magnitude &= f.sign_code() - 1;
    }
    const Word sign = negative ? detail::sign_bit<T> : 0;
    const bool nan = (f.nan == NanKind::ieee && magnitude > f.inf_code()) ||
                     ((f.nan == NanKind::outer || f.nan == NanKind::top_code) && magnitude == f.top_code());
    if (nan) return detail::from_word<T>(detail::nan_bits<T> | sign);
    if (f.has_inf && magnitude == f.inf_code()) return detail::from_word<T>(detail::infinity_bits<T> | sign);
    const int t = f.trailing_bits();
    std::uint64_t field = f.is_fixed ? 0 : magnitude >> t;
    std::uint64_t n = f.is_fixed ? magnitude : magnitude & ((std::uint64_t{1} << t) - 1);
    if (!f.has_zero) {
        ++field;
        n = 1;
    } else if (field > 0) {
        n += std::uint64_t{1} << t;
    }
    const int exponent = f.min_exponent - t + static_cast<int>(std::max<std::uint64_t>(field, 1)) - 1;
    return detail::from_word<T>(detail::compose<T>(n, exponent) | sign);
}

}  // namespace reference

}  // namespace formats
}  // namespace FEWBITS_ISA
}  // namespace fewbits
