// What a call of round_to or encode prepares once.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <type_traits>

#include "fewbits/core/error.hpp"
#include "fewbits/core/isa.hpp"
#include "fewbits/core/random.hpp"
#include "fewbits/formats/detail/carrier.hpp"
#include "fewbits/formats/float_format.hpp"
#include "fewbits/formats/rounding_options.hpp"

namespace fewbits {
inline namespace FEWBITS_ISA {
namespace formats {

namespace detail {

// What becomes of numbers out of range, as whole words, by sign of x.
template <class T>
struct Extremes {
    using Word = WordOf<T>;
    Word largest[2];   // magnitudes
    Word overflow[2];  // of finite x
    Word infinite[2];  // of infinite x
    Word nan[2];
    Word negative;  // of finite x < 0 in an unsigned format, unless it rounds to zero
};

// A format, the options and a carrier as the constants of the kernels.
template <class T>
struct Plan : Extremes<T> {
    using Word = WordOf<T>;
    FloatFormat format;
    RoundOptions options;
    Extremes<T> codes;  // the same as codes; for encode only
    Word zero[2];
    Word min_normal;  // magnitude
    Word quantum;     // magnitude: the least positive value
};

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

}  // namespace formats
}  // namespace FEWBITS_ISA
}  // namespace fewbits
