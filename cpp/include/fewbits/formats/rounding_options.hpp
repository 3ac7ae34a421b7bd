// How to round: modes, what happens at both ends of the range, random bits. The definition of each mode is in
// rounding.hpp.
#pragma once

#include <cstdint>

#include "fewbits/core/isa.hpp"
#include "fewbits/core/span.hpp"

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
//
//   none       infinity, else nan, else the largest; directed modes that point inwards stop at the largest
//   finite     the largest, also for infinity
//   propagate  the largest for finite values; infinity as under none
//   wrap       fixed point and integers only: modulo 2^bits (infinity as under finite)
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

inline bool rounds_randomly(Rounding mode) {
    return mode == Rounding::stochastic || mode == Rounding::stochastic_equal ||
           mode == Rounding::random_directed;
}

}  // namespace detail

}  // namespace formats
}  // namespace FEWBITS_ISA
}  // namespace fewbits
