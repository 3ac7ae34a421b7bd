// Tables of the logarithm of the gamma function and its derivative.
// Made by tools/functions_bessel_tables.py; do not edit.
#pragma once

#include <cstdint>

#include "fewbits/core/isa.hpp"

namespace fewbits {
inline namespace FEWBITS_ISA {
namespace functions {
namespace detail {

inline constexpr double log_gamma_slope[2] = {0x1.b0ee6072093cep-2,
                                              0x1.6cb90701fbfabp-58};  // derivative of log Gamma at 2
inline constexpr double log_gamma_curve[2] = {0x1.4a34cc4a60fa6p-2,
                                              0x1.1873d8912200cp-56};  // half the second one
inline constexpr double log_gamma_cubic[2] = {-0x1.13e001a557607p-4,
                                              0x1.fb68be2f8821fp-58};  // a sixth of the third one
// what is left of log Gamma(2 + t), over t^4, |t| <= 1/2, from the constant term up; error 2^-62.1
inline constexpr double log_gamma_rest[24] = {
    0x1.51322ac7d8483p-6,  -0x1.e404fc218f5f2p-8,  0x1.7add6eadb6c30p-9,  -0x1.38ac5c2bf8e08p-10,
    0x1.0b36af86396e6p-11, -0x1.d3fd4c76d2fc2p-13, 0x1.a127b0f17dcbap-14, -0x1.78de5bd7c8818p-15,
    0x1.580dcee631676p-16, -0x1.3cbc963ca6ec2p-17, 0x1.2597a3b4e7819p-18, -0x1.11b2eb8b70e78p-19,
    0x1.0064c90e90bc7p-20, -0x1.e260042e9d3e1p-22, 0x1.c76d2971a2716p-23, -0x1.af5bce935f179p-24,
    0x1.99956f296dfb4p-25, -0x1.8609dbd217b40p-26, 0x1.76b5c83c677a1p-27, -0x1.666cb55eeecbfp-28,
    0x1.3dbebcce4c4d6p-29, -0x1.30e257c21681dp-30, 0x1.c201991f1f344p-31, -0x1.b1beaaf651cc5p-32,
};
// of 1/z, 1/z^3, ...
inline constexpr double stirling[9] = {
    0x1.5555555555555p-4,   -0x1.6c16c16c16c17p-9, 0x1.a01a01a01a01ap-11,
    -0x1.3813813813814p-11, 0x1.b951e2b18ff23p-11, -0x1.f6ab0d9993c7dp-10,
    0x1.a41a41a41a41ap-8,   -0x1.e4286cb0f5398p-6, 0x1.6fe96381e0680p-3,
};
// of 1/z^2, 1/z^4, ...
inline constexpr double digamma_tail[9] = {
    0x1.5555555555555p-4,  -0x1.1111111111111p-7, 0x1.0410410410410p-8,
    -0x1.1111111111111p-8, 0x1.f07c1f07c1f08p-8,  -0x1.5995995995996p-6,
    0x1.5555555555555p-4,  -0x1.c5e5e5e5e5e5ep-2, 0x1.86e7f9b9fe6e8p+1,
};
inline constexpr double half_log_two_pi_e[2] = {0x1.acfe390c97d69p-2,
                                                0x1.3494bc9001442p-56};  // (log 2 pi - 1) / 2

}  // namespace detail
}  // namespace functions
}  // namespace FEWBITS_ISA
}  // namespace fewbits
