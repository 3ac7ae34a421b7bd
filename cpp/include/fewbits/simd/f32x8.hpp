// Eight float32 lanes.
//
//   + - * / sqrt fma   correctly rounded; fma(a, b, c) = a * b + c with one rounding
//   -a, abs(a)         change the sign bit only
//   max(a, b)          a > b ? a : b, hence max(nan, b) = b, max(a, nan) = nan, max(+0, -0) = -0
//   min(a, b)          a < b ? a : b
//   floor, ceil, trunc, nearest_even
//                      to an integral value; zeros keep their sign
//   == < <= > >=       false where a lane is nan; != is true there
//   select(m, a, b)    m ? a : b
//   sum(a)             ((0+4)+(2+6)) + ((1+5)+(3+7)): the order of every reduction
//   load_float16, store_float16
//                      from and to IEEE binary16 codes, to nearest even, overflow to infinity; a nan
//                      becomes quiet and keeps its sign and the high bits of its payload
//   exchange<s>(a)     lane i gets lane i ^ s, s = 1, 2 or 4
//   value_barrier(a)   a, opaque to the optimiser (FEWBITS_VALUE_BARRIER)
//   canonical_nan(a)   a with every nan replaced by 7fc00000
#pragma once

#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>

#include "fewbits/core/error_free.hpp"
#include "fewbits/simd/mask.hpp"

namespace fewbits {
inline namespace FEWBITS_ISA {
namespace simd {

struct f32x8 {
    using element = float;
    static constexpr std::size_t size = 8;

    static f32x8 load(const float* source);
    static f32x8 load_partial(const float* source, std::size_t count);
    static f32x8 zero() { return broadcast(0); }
    static f32x8 broadcast(float value);

#if FEWBITS_HAVE_AVX2
    __m256 v;
#elif FEWBITS_HAVE_NEON
    float32x4_t lo, hi;
#else
    float lane[8];
#endif
};

#if FEWBITS_HAVE_AVX2

FEWBITS_INLINE f32x8 f32x8::load(const float* source) { return {_mm256_loadu_ps(source)}; }
FEWBITS_INLINE f32x8 f32x8::broadcast(float value) { return {_mm256_set1_ps(value)}; }
FEWBITS_INLINE void store(f32x8 v, float* target) { _mm256_storeu_ps(target, v.v); }
FEWBITS_INLINE f32x8 operator+(f32x8 a, f32x8 b) { return {_mm256_add_ps(a.v, b.v)}; }
FEWBITS_INLINE f32x8 operator-(f32x8 a, f32x8 b) { return {_mm256_sub_ps(a.v, b.v)}; }
FEWBITS_INLINE f32x8 operator*(f32x8 a, f32x8 b) { return {_mm256_mul_ps(a.v, b.v)}; }
FEWBITS_INLINE f32x8 operator/(f32x8 a, f32x8 b) { return {_mm256_div_ps(a.v, b.v)}; }
FEWBITS_INLINE f32x8 operator-(f32x8 a) { return {_mm256_xor_ps(a.v, _mm256_set1_ps(-0.0F))}; }
FEWBITS_INLINE f32x8 fma(f32x8 a, f32x8 b, f32x8 c) { return {_mm256_fmadd_ps(a.v, b.v, c.v)}; }
FEWBITS_INLINE f32x8 sqrt(f32x8 a) { return {_mm256_sqrt_ps(a.v)}; }
FEWBITS_INLINE f32x8 min(f32x8 a, f32x8 b) { return {_mm256_min_ps(a.v, b.v)}; }
FEWBITS_INLINE f32x8 max(f32x8 a, f32x8 b) { return {_mm256_max_ps(a.v, b.v)}; }
FEWBITS_INLINE f32x8 abs(f32x8 a) { return {_mm256_andnot_ps(_mm256_set1_ps(-0.0F), a.v)}; }
FEWBITS_INLINE f32x8 floor(f32x8 a) {
    return {_mm256_round_ps(a.v, _MM_FROUND_TO_NEG_INF | _MM_FROUND_NO_EXC)};
}
FEWBITS_INLINE f32x8 ceil(f32x8 a) {
    return {_mm256_round_ps(a.v, _MM_FROUND_TO_POS_INF | _MM_FROUND_NO_EXC)};
}
FEWBITS_INLINE f32x8 trunc(f32x8 a) { return {_mm256_round_ps(a.v, _MM_FROUND_TO_ZERO | _MM_FROUND_NO_EXC)}; }
FEWBITS_INLINE f32x8 nearest_even(f32x8 a) {
    return {_mm256_round_ps(a.v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC)};
}
FEWBITS_INLINE mask<8> operator==(f32x8 a, f32x8 b) {
    return {_mm256_castps_si256(_mm256_cmp_ps(a.v, b.v, _CMP_EQ_OQ))};
}
FEWBITS_INLINE mask<8> operator!=(f32x8 a, f32x8 b) {
    return {_mm256_castps_si256(_mm256_cmp_ps(a.v, b.v, _CMP_NEQ_UQ))};
}
FEWBITS_INLINE mask<8> operator<(f32x8 a, f32x8 b) {
    return {_mm256_castps_si256(_mm256_cmp_ps(a.v, b.v, _CMP_LT_OQ))};
}
FEWBITS_INLINE mask<8> operator<=(f32x8 a, f32x8 b) {
    return {_mm256_castps_si256(_mm256_cmp_ps(a.v, b.v, _CMP_LE_OQ))};
}
FEWBITS_INLINE mask<8> operator>(f32x8 a, f32x8 b) {
    return {_mm256_castps_si256(_mm256_cmp_ps(a.v, b.v, _CMP_GT_OQ))};
}
FEWBITS_INLINE mask<8> operator>=(f32x8 a, f32x8 b) {
    return {_mm256_castps_si256(_mm256_cmp_ps(a.v, b.v, _CMP_GE_OQ))};
}
FEWBITS_INLINE f32x8 select(mask<8> m, f32x8 a, f32x8 b) {
    return {_mm256_blendv_ps(b.v, a.v, _mm256_castsi256_ps(m.v))};
}
FEWBITS_INLINE f32x8 value_barrier(f32x8 a) {
    FEWBITS_VALUE_BARRIER(a.v);
    return a;
}
template <unsigned Stride>
FEWBITS_INLINE f32x8 exchange(f32x8 a) {
    static_assert(Stride == 1 || Stride == 2 || Stride == 4);
    if constexpr (Stride == 4) return {_mm256_permute2f128_ps(a.v, a.v, 1)};
    return {_mm256_permute_ps(a.v, Stride == 1 ? 0xb1 : 0x4e)};
}
// The conversion instructions handle subnormals whatever the flush modes of the thread are.
FEWBITS_INLINE f32x8 load_float16(const std::uint16_t* codes) {
    return {_mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i*>(codes)))};
}
FEWBITS_INLINE void store_float16(f32x8 a, std::uint16_t* codes) {
    _mm_storeu_si128(reinterpret_cast<__m128i*>(codes), _mm256_cvtps_ph(a.v, _MM_FROUND_TO_NEAREST_INT));
}
FEWBITS_INLINE float sum(f32x8 a) {
    const __m128 four = _mm_add_ps(_mm256_castps256_ps128(a.v), _mm256_extractf128_ps(a.v, 1));
    const __m128 two = _mm_add_ps(four, _mm_movehl_ps(four, four));
    return _mm_cvtss_f32(_mm_add_ss(two, _mm_movehdup_ps(two)));
}

#elif FEWBITS_HAVE_NEON

FEWBITS_INLINE f32x8 f32x8::load(const float* source) { return {vld1q_f32(source), vld1q_f32(source + 4)}; }
FEWBITS_INLINE f32x8 f32x8::broadcast(float value) { return {vdupq_n_f32(value), vdupq_n_f32(value)}; }
FEWBITS_INLINE void store(f32x8 v, float* target) {
    vst1q_f32(target, v.lo);
    vst1q_f32(target + 4, v.hi);
}
FEWBITS_INLINE f32x8 operator+(f32x8 a, f32x8 b) { return {vaddq_f32(a.lo, b.lo), vaddq_f32(a.hi, b.hi)}; }
FEWBITS_INLINE f32x8 operator-(f32x8 a, f32x8 b) { return {vsubq_f32(a.lo, b.lo), vsubq_f32(a.hi, b.hi)}; }
FEWBITS_INLINE f32x8 operator*(f32x8 a, f32x8 b) { return {vmulq_f32(a.lo, b.lo), vmulq_f32(a.hi, b.hi)}; }
FEWBITS_INLINE f32x8 operator/(f32x8 a, f32x8 b) { return {vdivq_f32(a.lo, b.lo), vdivq_f32(a.hi, b.hi)}; }
FEWBITS_INLINE f32x8 operator-(f32x8 a) { return {vnegq_f32(a.lo), vnegq_f32(a.hi)}; }
FEWBITS_INLINE f32x8 fma(f32x8 a, f32x8 b, f32x8 c) {
    return {vfmaq_f32(c.lo, a.lo, b.lo), vfmaq_f32(c.hi, a.hi, b.hi)};
}
FEWBITS_INLINE f32x8 sqrt(f32x8 a) { return {vsqrtq_f32(a.lo), vsqrtq_f32(a.hi)}; }
// Not vminq and vmaxq, which treat nan and signed zeros otherwise.
FEWBITS_INLINE f32x8 min(f32x8 a, f32x8 b) {
    return {vbslq_f32(vcltq_f32(a.lo, b.lo), a.lo, b.lo), vbslq_f32(vcltq_f32(a.hi, b.hi), a.hi, b.hi)};
}
FEWBITS_INLINE f32x8 max(f32x8 a, f32x8 b) {
    return {vbslq_f32(vcgtq_f32(a.lo, b.lo), a.lo, b.lo), vbslq_f32(vcgtq_f32(a.hi, b.hi), a.hi, b.hi)};
}
FEWBITS_INLINE f32x8 abs(f32x8 a) { return {vabsq_f32(a.lo), vabsq_f32(a.hi)}; }
FEWBITS_INLINE f32x8 floor(f32x8 a) { return {vrndmq_f32(a.lo), vrndmq_f32(a.hi)}; }
FEWBITS_INLINE f32x8 ceil(f32x8 a) { return {vrndpq_f32(a.lo), vrndpq_f32(a.hi)}; }
FEWBITS_INLINE f32x8 trunc(f32x8 a) { return {vrndq_f32(a.lo), vrndq_f32(a.hi)}; }
FEWBITS_INLINE f32x8 nearest_even(f32x8 a) { return {vrndnq_f32(a.lo), vrndnq_f32(a.hi)}; }
FEWBITS_INLINE mask<8> operator==(f32x8 a, f32x8 b) {
    return detail::make_mask(vceqq_f32(a.lo, b.lo), vceqq_f32(a.hi, b.hi));
}
FEWBITS_INLINE mask<8> operator<(f32x8 a, f32x8 b) {
    return detail::make_mask(vcltq_f32(a.lo, b.lo), vcltq_f32(a.hi, b.hi));
}
FEWBITS_INLINE mask<8> operator<=(f32x8 a, f32x8 b) {
    return detail::make_mask(vcleq_f32(a.lo, b.lo), vcleq_f32(a.hi, b.hi));
}
FEWBITS_INLINE mask<8> operator>(f32x8 a, f32x8 b) {
    return detail::make_mask(vcgtq_f32(a.lo, b.lo), vcgtq_f32(a.hi, b.hi));
}
FEWBITS_INLINE mask<8> operator>=(f32x8 a, f32x8 b) {
    return detail::make_mask(vcgeq_f32(a.lo, b.lo), vcgeq_f32(a.hi, b.hi));
}
FEWBITS_INLINE mask<8> operator!=(f32x8 a, f32x8 b) { return ~(a == b); }
FEWBITS_INLINE f32x8 select(mask<8> m, f32x8 a, f32x8 b) {
    return {vbslq_f32(vreinterpretq_u32_u8(m.lo), a.lo, b.lo),
            vbslq_f32(vreinterpretq_u32_u8(m.hi), a.hi, b.hi)};
}
FEWBITS_INLINE f32x8 value_barrier(f32x8 a) {
    FEWBITS_VALUE_BARRIER(a.lo);
    FEWBITS_VALUE_BARRIER(a.hi);
    return a;
}
template <unsigned Stride>
FEWBITS_INLINE f32x8 exchange(f32x8 a) {
    static_assert(Stride == 1 || Stride == 2 || Stride == 4);
    if constexpr (Stride == 4) return {a.hi, a.lo};
    if constexpr (Stride == 2) return {vextq_f32(a.lo, a.lo, 2), vextq_f32(a.hi, a.hi, 2)};
    return {vrev64q_f32(a.lo), vrev64q_f32(a.hi)};
}
FEWBITS_INLINE f32x8 load_float16(const std::uint16_t* codes) {
    return {vcvt_f32_f16(vreinterpret_f16_u16(vld1_u16(codes))),
            vcvt_f32_f16(vreinterpret_f16_u16(vld1_u16(codes + 4)))};
}
FEWBITS_INLINE void store_float16(f32x8 a, std::uint16_t* codes) {
    vst1_u16(codes, vreinterpret_u16_f16(vcvt_f16_f32(a.lo)));
    vst1_u16(codes + 4, vreinterpret_u16_f16(vcvt_f16_f32(a.hi)));
}
FEWBITS_INLINE float sum(f32x8 a) {
    const float32x4_t four = vaddq_f32(a.lo, a.hi);
    const float32x2_t two = vadd_f32(vget_low_f32(four), vget_high_f32(four));
    return vget_lane_f32(two, 0) + vget_lane_f32(two, 1);
}

#else

FEWBITS_INLINE f32x8 f32x8::load(const float* source) {
    return detail::generate<f32x8>([&](std::size_t i) { return source[i]; });
}
FEWBITS_INLINE f32x8 f32x8::broadcast(float value) {
    return detail::generate<f32x8>([&](std::size_t) { return value; });
}
FEWBITS_INLINE void store(f32x8 v, float* target) {
    for (std::size_t i = 0; i < 8; ++i) target[i] = v.lane[i];
}
FEWBITS_INLINE f32x8 operator+(f32x8 a, f32x8 b) {
    return detail::generate<f32x8>([&](std::size_t i) { return a.lane[i] + b.lane[i]; });
}
FEWBITS_INLINE f32x8 operator-(f32x8 a, f32x8 b) {
    return detail::generate<f32x8>([&](std::size_t i) { return a.lane[i] - b.lane[i]; });
}
FEWBITS_INLINE f32x8 operator*(f32x8 a, f32x8 b) {
    return detail::generate<f32x8>([&](std::size_t i) { return a.lane[i] * b.lane[i]; });
}
FEWBITS_INLINE f32x8 operator/(f32x8 a, f32x8 b) {
    return detail::generate<f32x8>([&](std::size_t i) { return a.lane[i] / b.lane[i]; });
}
FEWBITS_INLINE f32x8 operator-(f32x8 a) {
    return detail::generate<f32x8>([&](std::size_t i) { return -a.lane[i]; });
}
FEWBITS_INLINE f32x8 fma(f32x8 a, f32x8 b, f32x8 c) {
    return detail::generate<f32x8>([&](std::size_t i) { return std::fma(a.lane[i], b.lane[i], c.lane[i]); });
}
FEWBITS_INLINE f32x8 sqrt(f32x8 a) {
    return detail::generate<f32x8>([&](std::size_t i) { return std::sqrt(a.lane[i]); });
}
FEWBITS_INLINE f32x8 min(f32x8 a, f32x8 b) {
    return detail::generate<f32x8>(
        [&](std::size_t i) { return a.lane[i] < b.lane[i] ? a.lane[i] : b.lane[i]; });
}
FEWBITS_INLINE f32x8 max(f32x8 a, f32x8 b) {
    return detail::generate<f32x8>(
        [&](std::size_t i) { return a.lane[i] > b.lane[i] ? a.lane[i] : b.lane[i]; });
}
FEWBITS_INLINE f32x8 abs(f32x8 a) {
    return detail::generate<f32x8>([&](std::size_t i) { return std::fabs(a.lane[i]); });
}
FEWBITS_INLINE f32x8 floor(f32x8 a) {
    return detail::generate<f32x8>([&](std::size_t i) { return std::floor(a.lane[i]); });
}
FEWBITS_INLINE f32x8 ceil(f32x8 a) {
    return detail::generate<f32x8>([&](std::size_t i) { return std::ceil(a.lane[i]); });
}
FEWBITS_INLINE f32x8 trunc(f32x8 a) {
    return detail::generate<f32x8>([&](std::size_t i) { return std::trunc(a.lane[i]); });
}
FEWBITS_INLINE f32x8 nearest_even(f32x8 a) {
    return detail::generate<f32x8>([&](std::size_t i) { return std::nearbyint(a.lane[i]); });
}
FEWBITS_INLINE mask<8> operator==(f32x8 a, f32x8 b) {
    return detail::generate<mask<8> >([&](std::size_t i) { return a.lane[i] == b.lane[i]; });
}
FEWBITS_INLINE mask<8> operator!=(f32x8 a, f32x8 b) {
    return detail::generate<mask<8> >([&](std::size_t i) { return a.lane[i] != b.lane[i]; });
}
FEWBITS_INLINE mask<8> operator<(f32x8 a, f32x8 b) {
    return detail::generate<mask<8> >([&](std::size_t i) { return a.lane[i] < b.lane[i]; });
}
FEWBITS_INLINE mask<8> operator<=(f32x8 a, f32x8 b) {
    return detail::generate<mask<8> >([&](std::size_t i) { return a.lane[i] <= b.lane[i]; });
}
FEWBITS_INLINE mask<8> operator>(f32x8 a, f32x8 b) {
    return detail::generate<mask<8> >([&](std::size_t i) { return a.lane[i] > b.lane[i]; });
}
FEWBITS_INLINE mask<8> operator>=(f32x8 a, f32x8 b) {
    return detail::generate<mask<8> >([&](std::size_t i) { return a.lane[i] >= b.lane[i]; });
}
FEWBITS_INLINE f32x8 select(mask<8> m, f32x8 a, f32x8 b) {
    return detail::generate<f32x8>([&](std::size_t i) { return m.lane[i] ? a.lane[i] : b.lane[i]; });
}
FEWBITS_INLINE f32x8 value_barrier(f32x8 a) {
    return detail::generate<f32x8>([&](std::size_t i) { return fewbits::value_barrier(a.lane[i]); });
}
template <unsigned Stride>
FEWBITS_INLINE f32x8 exchange(f32x8 a) {
    static_assert(Stride == 1 || Stride == 2 || Stride == 4);
    return detail::generate<f32x8>([&](std::size_t i) { return a.lane[i ^ Stride]; });
}

namespace detail {

// Integer arithmetic on the bits: right also in a thread that another library has put into flush-to-zero.
inline float float16_decode(std::uint16_t code) {
    const std::uint32_t sign = std::uint32_t{code & 0x8000U} << 16;
    const std::uint32_t exponent = (code >> 10) & 0x1fU;
    const std::uint32_t mantissa = code & 0x3ffU;
    std::uint32_t word = sign | (exponent + 112) << 23 | mantissa << 13;
    if (exponent == 0x1f) {
        word = sign | 0x7f800000U | mantissa << 13 | (mantissa != 0 ? 0x00400000U : 0U);
    } else if (exponent == 0) {
        // Subnormal: mantissa * 2^-24, whose highest bit becomes the implicit one.
        const unsigned length = bit_length(mantissa);
        word = length == 0 ? sign : sign | (102 + length) << 23 | ((mantissa << (24 - length)) & 0x7fffffU);
    }
    float value;
    std::memcpy(&value, &word, sizeof value);
    return value;
}

inline std::uint16_t float16_encode(float value) {
    std::uint32_t word;
    std::memcpy(&word, &value, sizeof word);
    const std::uint32_t sign = (word >> 16) & 0x8000U;
    const std::uint32_t magnitude = word & 0x7fffffffU;
    // value / 2^shift, to nearest, ties to even
    const auto round = [](std::uint32_t x, std::uint32_t shift) {
        return (x + ((1U << (shift - 1)) - 1) + ((x >> shift) & 1U)) >> shift;
    };
    std::uint32_t code = 0;  // below 2^-25, or its tie
    if (magnitude > 0x7f800000U) {
        code = 0x7e00U | ((magnitude >> 13) & 0x3ffU);
    } else if (magnitude >= 0x477ff000U) {  // 65520, half an ulp above the largest finite value
        code = 0x7c00U;
    } else if (magnitude >= 0x38800000U) {  // 2^-14, the smallest normal
        code = round(magnitude - 0x38000000U, 13);
    } else if (magnitude >= 0x33000000U) {  // 2^-25: the significand in units of 2^-24
        code = round((magnitude & 0x7fffffU) | 0x800000U, 126 - (magnitude >> 23));
    }
    return static_cast<std::uint16_t>(sign | code);
}

}  // namespace detail

FEWBITS_INLINE f32x8 load_float16(const std::uint16_t* codes) {
    return detail::generate<f32x8>([&](std::size_t i) { return detail::float16_decode(codes[i]); });
}
FEWBITS_INLINE void store_float16(f32x8 a, std::uint16_t* codes) {
    for (std::size_t i = 0; i < 8; ++i) codes[i] = detail::float16_encode(a.lane[i]);
}
FEWBITS_INLINE float sum(f32x8 a) {
    const float* x = a.lane;
    return ((x[0] + x[4]) + (x[2] + x[6])) + ((x[1] + x[5]) + (x[3] + x[7]));
}

#endif

FEWBITS_INLINE f32x8 f32x8::load_partial(const float* source, std::size_t count) {
    return detail::load_partial<f32x8>(source, count);
}
FEWBITS_INLINE void store_partial(f32x8 v, float* target, std::size_t count) {
    detail::store_partial(v, target, count);
}
// Every nan becomes the positive quiet one without payload, 7fc00000.
FEWBITS_INLINE f32x8 canonical_nan(f32x8 a) {
    return select(a == a, a, f32x8::broadcast(std::numeric_limits<float>::quiet_NaN()));
}

}  // namespace simd
}  // namespace FEWBITS_ISA
}  // namespace fewbits
