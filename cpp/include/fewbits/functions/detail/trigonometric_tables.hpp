// Constants and polynomials of sin and cos.
// Made by tools/functions_tables.py; do not edit.
#pragma once

#include <cstdint>

#include "fewbits/core/isa.hpp"

namespace fewbits {
inline namespace FEWBITS_ISA {
namespace functions {
namespace detail {

inline constexpr double two_over_pi = 0x1.45f306dc9c883p-1;
// pi/2 in three parts
inline constexpr double half_pi[3] = {
    0x1.921fb54442d18p+0,
    0x1.1a62633145c07p-54,
    -0x1.f1976b7ed8fbcp-110,
};
inline constexpr double minus_sixth[2] = {-0x1.5555555555555p-3, -0x1.5555555555555p-57};  // -1/6
// The first 1280 bits of 2/pi behind the binary point, highest first
inline constexpr std::uint64_t two_over_pi_bits[20] = {
    0xa2f9836e4e441529ULL, 0xfc2757d1f534ddc0ULL, 0xdb6295993c439041ULL, 0xfe5163abdebbc561ULL,
    0xb7246e3a424dd2e0ULL, 0x06492eea09d1921cULL, 0xfe1deb1cb129a73eULL, 0xe88235f52ebb4484ULL,
    0xe99c7026b45f7e41ULL, 0x3991d639835339f4ULL, 0x9c845f8bbdf9283bULL, 0x1ff897ffde05980fULL,
    0xef2f118b5a0a6d1fULL, 0x6d367ecf27cb09b7ULL, 0x4f463f669e5fea2dULL, 0x7527bac7ebe5f17bULL,
    0x3d0739f78a5292eaULL, 0x6bfb5fb11f8d5d08ULL, 0x56033046fc7b6babULL, 0xf0cfbc209af4361dULL,
};
// (sin r - r + r^3/6) / r^5 in r^2, |r| <= pi/4, from the constant term up; error 2^-64.3
inline constexpr double sin_tail[7] = {
    0x1.1111111111111p-7,  -0x1.a01a01a01a01ap-13, 0x1.71de3a556c5e8p-19, -0x1.ae64567eef89dp-26,
    0x1.61246051541c0p-33, -0x1.ae7d1443f1108p-41, 0x1.929f0ff1c7780p-49,
};
// (cos r - 1 + r^2/2) / r^4 in r^2, |r| <= pi/4, from the constant term up; error 2^-60.0
inline constexpr double cos_tail[7] = {
    0x1.5555555555555p-5,  -0x1.6c16c16c16c16p-10, 0x1.a01a01a019d06p-16, -0x1.27e4fb77125c5p-22,
    0x1.1eed8deac3dfep-29, -0x1.9394b8bd50ae1p-37, 0x1.ab779550c8d9bp-45,
};
// (sin r - r) / r^3 in r^2, |r| <= pi/4, from the constant term up; error 2^-57.3
inline constexpr double sin_whole[7] = {
    -0x1.5555555555555p-3,  0x1.1111111111110p-7,  -0x1.a01a01a01992fp-13, 0x1.71de3a545f836p-19,
    -0x1.ae645410e937bp-26, 0x1.61217d9252c03p-33, -0x1.ab16f5caa198ap-41,
};

}  // namespace detail
}  // namespace functions
}  // namespace FEWBITS_ISA
}  // namespace fewbits
