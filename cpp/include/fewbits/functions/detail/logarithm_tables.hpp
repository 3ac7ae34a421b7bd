// Constants of log in float32 arithmetic.
// Made by tools/functions_tables.py; do not edit.
#pragma once

#include <cstdint>

#include "fewbits/core/isa.hpp"

namespace fewbits {
inline namespace FEWBITS_ISA {
namespace functions {
namespace detail {

inline constexpr float log_2_high_f32 = 0x1.62e4000000000p-1F;  // times exponents exact
inline constexpr float log_2_low_f32 = 0x1.7f7d1c0000000p-20F;
// (log(1 + f) - f + f^2/2) / f^3, for float32 arithmetic; error 2^-24.9
inline constexpr float log_tail_f32[9] = {
    0x1.5555540000000p-2F,  -0x1.ffffcc0000000p-3F, 0x1.999c2e0000000p-3F,
    -0x1.556f120000000p-3F, 0x1.241a320000000p-3F,  -0x1.f91c1c0000000p-4F,
    0x1.d31d080000000p-4F,  -0x1.f0e5620000000p-4F, 0x1.681bf00000000p-4F,
};

}  // namespace detail
}  // namespace functions
}  // namespace FEWBITS_ISA
}  // namespace fewbits
