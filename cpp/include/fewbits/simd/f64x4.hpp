// Four float64 lanes. The operations mean what they mean for f32x8, and
//
//   sum(a)             (0+2)+(1+3)
//   exchange<s>(a)     s = 1 or 2
//   widen_low, widen_high
//                      lanes 0..3 and 4..7 of f32x8 as float64, exact; a nan becomes quiet
//   narrow(low, high)  f32x8, rounded to nearest even, overflow to infinity
#pragma once

#include <cmath>
#include <limits>

#include "fewbits/core/error_free.hpp"
#include "fewbits/simd/f32x8.hpp"
#include "fewbits/simd/mask.hpp"

namespace fewbits {
inline namespace FEWBITS_ISA {
namespace simd {

struct f64x4 {
    using element = double;
    static constexpr std::size_t size = 4;

    static f64x4 load(const double* source);
    static f64x4 load_partial(const double* source, std::size_t count);
    static f64x4 zero() { return broadcast(0); }
    static f64x4 broadcast(double value);

#if FEWBITS_HAVE_AVX2
    __m256d v;
#elif FEWBITS_HAVE_NEON
    float64x2_t lo, hi;
#else
    double lane[4];
#endif
};

#if FEWBITS_HAVE_AVX2

FEWBITS_INLINE f64x4 f64x4::load(const double* source) { return {_mm256_loadu_pd(source)}; }
FEWBITS_INLINE f64x4 f64x4::broadcast(double value) { return {_mm256_set1_pd(value)}; }
FEWBITS_INLINE void store(f64x4 v, double* target) { _mm256_storeu_pd(target, v.v); }
FEWBITS_INLINE f64x4 operator+(f64x4 a, f64x4 b) { return {_mm256_add_pd(a.v, b.v)}; }
FEWBITS_INLINE f64x4 operator-(f64x4 a, f64x4 b) { return {_mm256_sub_pd(a.v, b.v)}; }
FEWBITS_INLINE f64x4 operator*(f64x4 a, f64x4 b) { return {_mm256_mul_pd(a.v, b.v)}; }
FEWBITS_INLINE f64x4 operator/(f64x4 a, f64x4 b) { return {_mm256_div_pd(a.v, b.v)}; }
FEWBITS_INLINE f64x4 operator-(f64x4 a) { return {_mm256_xor_pd(a.v, _mm256_set1_pd(-0.0))}; }
FEWBITS_INLINE f64x4 fma(f64x4 a, f64x4 b, f64x4 c) { return {_mm256_fmadd_pd(a.v, b.v, c.v)}; }
FEWBITS_INLINE f64x4 sqrt(f64x4 a) { return {_mm256_sqrt_pd(a.v)}; }
FEWBITS_INLINE f64x4 min(f64x4 a, f64x4 b) { return {_mm256_min_pd(a.v, b.v)}; }
FEWBITS_INLINE f64x4 max(f64x4 a, f64x4 b) { return {_mm256_max_pd(a.v, b.v)}; }
FEWBITS_INLINE f64x4 abs(f64x4 a) { return {_mm256_andnot_pd(_mm256_set1_pd(-0.0), a.v)}; }
FEWBITS_INLINE f64x4 floor(f64x4 a) {
    return {_mm256_round_pd(a.v, _MM_FROUND_TO_NEG_INF | _MM_FROUND_NO_EXC)};
}
FEWBITS_INLINE f64x4 ceil(f64x4 a) {
    return {_mm256_round_pd(a.v, _MM_FROUND_TO_POS_INF | _MM_FROUND_NO_EXC)};
}
FEWBITS_INLINE f64x4 trunc(f64x4 a) { return {_mm256_round_pd(a.v, _MM_FROUND_TO_ZERO | _MM_FROUND_NO_EXC)}; }
FEWBITS_INLINE f64x4 nearest_even(f64x4 a) {
    return {_mm256_round_pd(a.v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC)};
}
FEWBITS_INLINE mask<4> operator==(f64x4 a, f64x4 b) {
    return {_mm256_castpd_si256(_mm256_cmp_pd(a.v, b.v, _CMP_EQ_OQ))};
}
FEWBITS_INLINE mask<4> operator!=(f64x4 a, f64x4 b) {
    return {_mm256_castpd_si256(_mm256_cmp_pd(a.v, b.v, _CMP_NEQ_UQ))};
}
FEWBITS_INLINE mask<4> operator<(f64x4 a, f64x4 b) {
    return {_mm256_castpd_si256(_mm256_cmp_pd(a.v, b.v, _CMP_LT_OQ))};
}
FEWBITS_INLINE mask<4> operator<=(f64x4 a, f64x4 b) {
    return {_mm256_castpd_si256(_mm256_cmp_pd(a.v, b.v, _CMP_LE_OQ))};
}
FEWBITS_INLINE mask<4> operator>(f64x4 a, f64x4 b) {
    return {_mm256_castpd_si256(_mm256_cmp_pd(a.v, b.v, _CMP_GT_OQ))};
}
FEWBITS_INLINE mask<4> operator>=(f64x4 a, f64x4 b) {
    return {_mm256_castpd_si256(_mm256_cmp_pd(a.v, b.v, _CMP_GE_OQ))};
}
FEWBITS_INLINE f64x4 select(mask<4> m, f64x4 a, f64x4 b) {
    return {_mm256_blendv_pd(b.v, a.v, _mm256_castsi256_pd(m.v))};
}
template <unsigned Stride>
FEWBITS_INLINE f64x4 exchange(f64x4 a) {
    static_assert(Stride == 1 || Stride == 2);
    if constexpr (Stride == 2) return {_mm256_permute2f128_pd(a.v, a.v, 1)};
    return {_mm256_permute_pd(a.v, 5)};
}
FEWBITS_INLINE f64x4 value_barrier(f64x4 a) {
    FEWBITS_VALUE_BARRIER(a.v);
    return a;
}
FEWBITS_INLINE double sum(f64x4 a) {
    const __m128d two = _mm_add_pd(_mm256_castpd256_pd128(a.v), _mm256_extractf128_pd(a.v, 1));
    return _mm_cvtsd_f64(_mm_add_sd(two, _mm_unpackhi_pd(two, two)));
}
FEWBITS_INLINE f64x4 widen_low(f32x8 a) { return {_mm256_cvtps_pd(_mm256_castps256_ps128(a.v))}; }
FEWBITS_INLINE f64x4 widen_high(f32x8 a) { return {_mm256_cvtps_pd(_mm256_extractf128_ps(a.v, 1))}; }
FEWBITS_INLINE f32x8 narrow(f64x4 low, f64x4 high) {
    return {_mm256_set_m128(_mm256_cvtpd_ps(high.v), _mm256_cvtpd_ps(low.v))};
}

#elif FEWBITS_HAVE_NEON

FEWBITS_INLINE f64x4 f64x4::load(const double* source) { return {vld1q_f64(source), vld1q_f64(source + 2)}; }
FEWBITS_INLINE f64x4 f64x4::broadcast(double value) { return {vdupq_n_f64(value), vdupq_n_f64(value)}; }
FEWBITS_INLINE void store(f64x4 v, double* target) {
    vst1q_f64(target, v.lo);
    vst1q_f64(target + 2, v.hi);
}
FEWBITS_INLINE f64x4 operator+(f64x4 a, f64x4 b) { return {vaddq_f64(a.lo, b.lo), vaddq_f64(a.hi, b.hi)}; }
FEWBITS_INLINE f64x4 operator-(f64x4 a, f64x4 b) { return {vsubq_f64(a.lo, b.lo), vsubq_f64(a.hi, b.hi)}; }
FEWBITS_INLINE f64x4 operator*(f64x4 a, f64x4 b) { return {vmulq_f64(a.lo, b.lo), vmulq_f64(a.hi, b.hi)}; }
FEWBITS_INLINE f64x4 operator/(f64x4 a, f64x4 b) { return {vdivq_f64(a.lo, b.lo), vdivq_f64(a.hi, b.hi)}; }
FEWBITS_INLINE f64x4 operator-(f64x4 a) { return {vnegq_f64(a.lo), vnegq_f64(a.hi)}; }
FEWBITS_INLINE f64x4 fma(f64x4 a, f64x4 b, f64x4 c) {
    return {vfmaq_f64(c.lo, a.lo, b.lo), vfmaq_f64(c.hi, a.hi, b.hi)};
}
FEWBITS_INLINE f64x4 sqrt(f64x4 a) { return {vsqrtq_f64(a.lo), vsqrtq_f64(a.hi)}; }
// Not vminq and vmaxq, which treat nan and signed zeros otherwise.
FEWBITS_INLINE f64x4 min(f64x4 a, f64x4 b) {
    return {vbslq_f64(vcltq_f64(a.lo, b.lo), a.lo, b.lo), vbslq_f64(vcltq_f64(a.hi, b.hi), a.hi, b.hi)};
}
FEWBITS_INLINE f64x4 max(f64x4 a, f64x4 b) {
    return {vbslq_f64(vcgtq_f64(a.lo, b.lo), a.lo, b.lo), vbslq_f64(vcgtq_f64(a.hi, b.hi), a.hi, b.hi)};
}
FEWBITS_INLINE f64x4 abs(f64x4 a) { return {vabsq_f64(a.lo), vabsq_f64(a.hi)}; }
FEWBITS_INLINE f64x4 floor(f64x4 a) { return {vrndmq_f64(a.lo), vrndmq_f64(a.hi)}; }
FEWBITS_INLINE f64x4 ceil(f64x4 a) { return {vrndpq_f64(a.lo), vrndpq_f64(a.hi)}; }
FEWBITS_INLINE f64x4 trunc(f64x4 a) { return {vrndq_f64(a.lo), vrndq_f64(a.hi)}; }
FEWBITS_INLINE f64x4 nearest_even(f64x4 a) { return {vrndnq_f64(a.lo), vrndnq_f64(a.hi)}; }
FEWBITS_INLINE mask<4> operator==(f64x4 a, f64x4 b) {
    return detail::make_mask(vceqq_f64(a.lo, b.lo), vceqq_f64(a.hi, b.hi));
}
FEWBITS_INLINE mask<4> operator<(f64x4 a, f64x4 b) {
    return detail::make_mask(vcltq_f64(a.lo, b.lo), vcltq_f64(a.hi, b.hi));
}
FEWBITS_INLINE mask<4> operator<=(f64x4 a, f64x4 b) {
    return detail::make_mask(vcleq_f64(a.lo, b.lo), vcleq_f64(a.hi, b.hi));
}
FEWBITS_INLINE mask<4> operator>(f64x4 a, f64x4 b) {
    return detail::make_mask(vcgtq_f64(a.lo, b.lo), vcgtq_f64(a.hi, b.hi));
}
FEWBITS_INLINE mask<4> operator>=(f64x4 a, f64x4 b) {
    return detail::make_mask(vcgeq_f64(a.lo, b.lo), vcgeq_f64(a.hi, b.hi));
}
FEWBITS_INLINE mask<4> operator!=(f64x4 a, f64x4 b) { return ~(a == b); }
FEWBITS_INLINE f64x4 select(mask<4> m, f64x4 a, f64x4 b) {
    return {vbslq_f64(vreinterpretq_u64_u8(m.lo), a.lo, b.lo),
            vbslq_f64(vreinterpretq_u64_u8(m.hi), a.hi, b.hi)};
}
template <unsigned Stride>
FEWBITS_INLINE f64x4 exchange(f64x4 a) {
    static_assert(Stride == 1 || Stride == 2);
    if constexpr (Stride == 2) return {a.hi, a.lo};
    return {vextq_f64(a.lo, a.lo, 1), vextq_f64(a.hi, a.hi, 1)};
}
FEWBITS_INLINE f64x4 value_barrier(f64x4 a) {
    FEWBITS_VALUE_BARRIER(a.lo);
    FEWBITS_VALUE_BARRIER(a.hi);
    return a;
}
FEWBITS_INLINE double sum(f64x4 a) {
    const float64x2_t two = vaddq_f64(a.lo, a.hi);
    return vgetq_lane_f64(two, 0) + vgetq_lane_f64(two, 1);
}
FEWBITS_INLINE f64x4 widen_low(f32x8 a) {
    return {vcvt_f64_f32(vget_low_f32(a.lo)), vcvt_high_f64_f32(a.lo)};
}
FEWBITS_INLINE f64x4 widen_high(f32x8 a) {
    return {vcvt_f64_f32(vget_low_f32(a.hi)), vcvt_high_f64_f32(a.hi)};
}
FEWBITS_INLINE f32x8 narrow(f64x4 low, f64x4 high) {
    return {vcvt_high_f32_f64(vcvt_f32_f64(low.lo), low.hi),
            vcvt_high_f32_f64(vcvt_f32_f64(high.lo), high.hi)};
}

#else

FEWBITS_INLINE f64x4 f64x4::load(const double* source) {
    return detail::generate<f64x4>([&](std::size_t i) { return source[i]; });
}
FEWBITS_INLINE f64x4 f64x4::broadcast(double value) {
    return detail::generate<f64x4>([&](std::size_t) { return value; });
}
FEWBITS_INLINE void store(f64x4 v, double* target) {
    for (std::size_t i = 0; i < 4; ++i) target[i] = v.lane[i];
}
FEWBITS_INLINE f64x4 operator+(f64x4 a, f64x4 b) {
    return detail::generate<f64x4>([&](std::size_t i) { return a.lane[i] + b.lane[i]; });
}
FEWBITS_INLINE f64x4 operator-(f64x4 a, f64x4 b) {
    return detail::generate<f64x4>([&](std::size_t i) { return a.lane[i] - b.lane[i]; });
}
FEWBITS_INLINE f64x4 operator*(f64x4 a, f64x4 b) {
    return detail::generate<f64x4>([&](std::size_t i) { return a.lane[i] * b.lane[i]; });
}
FEWBITS_INLINE f64x4 operator/(f64x4 a, f64x4 b) {
    return detail::generate<f64x4>([&](std::size_t i) { return a.lane[i] / b.lane[i]; });
}
FEWBITS_INLINE f64x4 operator-(f64x4 a) {
    return detail::generate<f64x4>([&](std::size_t i) { return -a.lane[i]; });
}
FEWBITS_INLINE f64x4 fma(f64x4 a, f64x4 b, f64x4 c) {
    return detail::generate<f64x4>([&](std::size_t i) { return std::fma(a.lane[i], b.lane[i], c.lane[i]); });
}
FEWBITS_INLINE f64x4 sqrt(f64x4 a) {
    return detail::generate<f64x4>([&](std::size_t i) { return std::sqrt(a.lane[i]); });
}
FEWBITS_INLINE f64x4 min(f64x4 a, f64x4 b) {
    return detail::generate<f64x4>(
        [&](std::size_t i) { return a.lane[i] < b.lane[i] ? a.lane[i] : b.lane[i]; });
}
FEWBITS_INLINE f64x4 max(f64x4 a, f64x4 b) {
    return detail::generate<f64x4>(
        [&](std::size_t i) { return a.lane[i] > b.lane[i] ? a.lane[i] : b.lane[i]; });
}
FEWBITS_INLINE f64x4 abs(f64x4 a) {
    return detail::generate<f64x4>([&](std::size_t i) { return std::fabs(a.lane[i]); });
}
FEWBITS_INLINE f64x4 floor(f64x4 a) {
    return detail::generate<f64x4>([&](std::size_t i) { return std::floor(a.lane[i]); });
}
FEWBITS_INLINE f64x4 ceil(f64x4 a) {
    return detail::generate<f64x4>([&](std::size_t i) { return std::ceil(a.lane[i]); });
}
FEWBITS_INLINE f64x4 trunc(f64x4 a) {
    return detail::generate<f64x4>([&](std::size_t i) { return std::trunc(a.lane[i]); });
}
FEWBITS_INLINE f64x4 nearest_even(f64x4 a) {
    return detail::generate<f64x4>([&](std::size_t i) { return std::nearbyint(a.lane[i]); });
}
FEWBITS_INLINE mask<4> operator==(f64x4 a, f64x4 b) {
    return detail::generate<mask<4> >([&](std::size_t i) { return a.lane[i] == b.lane[i]; });
}
FEWBITS_INLINE mask<4> operator!=(f64x4 a, f64x4 b) {
    return detail::generate<mask<4> >([&](std::size_t i) { return a.lane[i] != b.lane[i]; });
}
FEWBITS_INLINE mask<4> operator<(f64x4 a, f64x4 b) {
    return detail::generate<mask<4> >([&](std::size_t i) { return a.lane[i] < b.lane[i]; });
}
FEWBITS_INLINE mask<4> operator<=(f64x4 a, f64x4 b) {
    return detail::generate<mask<4> >([&](std::size_t i) { return a.lane[i] <= b.lane[i]; });
}
FEWBITS_INLINE mask<4> operator>(f64x4 a, f64x4 b) {
    return detail::generate<mask<4> >([&](std::size_t i) { return a.lane[i] > b.lane[i]; });
}
FEWBITS_INLINE mask<4> operator>=(f64x4 a, f64x4 b) {
    return detail::generate<mask<4> >([&](std::size_t i) { return a.lane[i] >= b.lane[i]; });
}
FEWBITS_INLINE f64x4 select(mask<4> m, f64x4 a, f64x4 b) {
    return detail::generate<f64x4>([&](std::size_t i) { return m.lane[i] ? a.lane[i] : b.lane[i]; });
}
template <unsigned Stride>
FEWBITS_INLINE f64x4 exchange(f64x4 a) {
    static_assert(Stride == 1 || Stride == 2);
    return detail::generate<f64x4>([&](std::size_t i) { return a.lane[i ^ Stride]; });
}
FEWBITS_INLINE f64x4 value_barrier(f64x4 a) {
    return detail::generate<f64x4>([&](std::size_t i) { return fewbits::value_barrier(a.lane[i]); });
}
FEWBITS_INLINE double sum(f64x4 a) { return (a.lane[0] + a.lane[2]) + (a.lane[1] + a.lane[3]); }
FEWBITS_INLINE f64x4 widen_low(f32x8 a) {
    return detail::generate<f64x4>([&](std::size_t i) { return double{a.lane[i]}; });
}
FEWBITS_INLINE f64x4 widen_high(f32x8 a) {
    return detail::generate<f64x4>([&](std::size_t i) { return double{a.lane[i + 4]}; });
}
FEWBITS_INLINE f32x8 narrow(f64x4 low, f64x4 high) {
    return detail::generate<f32x8>(
        [&](std::size_t i) { return static_cast<float>(i < 4 ? low.lane[i] : high.lane[i - 4]); });
}

#endif

FEWBITS_INLINE f64x4 f64x4::load_partial(const double* source, std::size_t count) {
    return detail::load_partial<f64x4>(source, count);
}
FEWBITS_INLINE void store_partial(f64x4 v, double* target, std::size_t count) {
    detail::store_partial(v, target, count);
}
// Every nan becomes the positive quiet one without payload, 7ff8000000000000.
FEWBITS_INLINE f64x4 canonical_nan(f64x4 a) {
    return select(a == a, a, f64x4::broadcast(std::numeric_limits<double>::quiet_NaN()));
}

}  // namespace simd
}  // namespace FEWBITS_ISA
}  // namespace fewbits
