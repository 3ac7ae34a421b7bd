// Constants and polynomials of exp, exp2 and exp10.
// Made by tools/functions_tables.py; do not edit.
#pragma once

#include <cstdint>

#include "fewbits/core/isa.hpp"

namespace fewbits {
inline namespace FEWBITS_ISA {
namespace functions {
namespace detail {

inline constexpr double inv_log10_2_128 = 0x1.a934f0979a371p+8;
inline constexpr double log10_2_128_high = 0x1.34413509f79ffp-9;
inline constexpr double log10_2_128_low[2] = {-0x1.9dc1da994fd21p-66,
                                              0x1.22f04d5a618a8p-121};  // log10(2)/128 beyond the high part
inline constexpr double inv_ln2 = 0x1.71547652b82fep+0;
inline constexpr double ln2_first = 0x1.62e42fefa39efp-1;
inline constexpr double ln2_second = 0x1.abc9e3b39803fp-56;
inline constexpr double inv_log10_2 = 0x1.a934f0979a371p+1;
inline constexpr double log10_2_first = 0x1.34413509f79ffp-2;
inline constexpr double log10_2_second = -0x1.9dc1da994fd21p-59;
inline constexpr float ln2_high_f32 = 0x1.62e4000000000p-1F;  // times k exact
inline constexpr float ln2_low_f32 = 0x1.7f7d1c0000000p-20F;
inline constexpr float inv_ln2_f32 = 0x1.7154760000000p+0F;
// (e^r - 1 - r) / r^2, |r| <= ln2/2, for float32 arithmetic; error 2^-23.9
inline constexpr float exp_tail_f32[5] = {
    0x1.0000000000000p-1F, 0x1.5554dc0000000p-3F,  0x1.5555180000000p-5F,
    0x1.120cba0000000p-7F, 0x1.6d12540000000p-10F,
};
// (2^r - 1) / r, |r| <= 1/2, for float32 arithmetic; error 2^-26.1
inline constexpr float exp2_rest_f32[6] = {
    0x1.62e4300000000p-1F, 0x1.ebfbe00000000p-3F,  0x1.c6af6c0000000p-5F,
    0x1.3b2a540000000p-7F, 0x1.5f08900000000p-10F, 0x1.44138a0000000p-13F,
};
// e^r, |r| <= ln2/2, from the constant term up; error 2^-55.8
inline constexpr double exp_whole[12] = {
    0x1.0000000000000p+0,  0x1.0000000000000p+0,  0x1.0000000000011p-1,  0x1.555555555555ap-3,
    0x1.555555554f0bap-5,  0x1.111111110f21ep-7,  0x1.6c16c1880029fp-10, 0x1.a01a01b1461c5p-13,
    0x1.a01991a10d9aep-16, 0x1.71ddf56d8deb5p-19, 0x1.28b4101c77212p-22, 0x1.af632a0f7e2cep-26,
};
// 2^r, |r| <= 1/2, from the constant term up; error 2^-55.5
inline constexpr double exp2_whole[12] = {
    0x1.0000000000000p+0,  0x1.62e42fefa39efp-1,  0x1.ebfbdff82c5aep-3,  0x1.c6b08d704a0c6p-5,
    0x1.3b2ab6fb9f1a5p-7,  0x1.5d87fe78a3f9cp-10, 0x1.430913112c61bp-13, 0x1.ffcbfc6da6ed1p-17,
    0x1.62bfc2c86d700p-20, 0x1.b524ebd13a55fp-24, 0x1.e6228acd1c6e5p-28, 0x1.e9ec1fcb69a7fp-32,
};
// 10^r, |r| <= log10(2)/2, from the constant term up; error 2^-54.5
inline constexpr double exp10_whole[12] = {
    0x1.0000000000000p+0, 0x1.26bb1bbb55516p+1, 0x1.53524c73cea7fp+1,  0x1.0470591de2ca8p+1,
    0x1.2bd7609fd4064p+0, 0x1.1429ffd1d2e2ap-1, 0x1.a7ed70a4fc4ffp-3,  0x1.16e4dfceb62aep-4,
    0x1.411659f393362p-6, 0x1.489787263866ap-8, 0x1.2f78f949037f2p-10, 0x1.fbfbe89083ff2p-13,
};

}  // namespace detail
}  // namespace functions
}  // namespace FEWBITS_ISA
}  // namespace fewbits
