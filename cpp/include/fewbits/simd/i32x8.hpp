// Eight int32 lanes, arithmetic modulo 2^32 (so -INT_MIN = abs(INT_MIN) = INT_MIN).
//
//   shift_left, shift_right (arithmetic), shift_right_logical
//                      by one count, or by a count per lane read as unsigned; counts of 32 and more
//                      shift every bit out
//   convert_i32(x)     to the nearest integer, ties to even
//   truncate_i32(x)    towards zero; both clamp to the range of int32 and turn nan into 0 (x86 alone
//                      would give INT_MIN for all of these)
//   convert_f32(a)     to the nearest float, ties to even
//   keep(m, a)         a where the mask is true, else 0
//   lookup(table, index)
//                      table[index[i]] from memory; the caller vouches for the indices
//   sum(a)             modulo 2^32
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>

#include "fewbits/simd/f32x8.hpp"
#include "fewbits/simd/mask.hpp"

namespace fewbits {
inline namespace FEWBITS_ISA {
namespace simd {

struct i32x8 {
    using element = std::int32_t;
    static constexpr std::size_t size = 8;

    static i32x8 load(const std::int32_t* source);
    static i32x8 load_partial(const std::int32_t* source, std::size_t count);
    static i32x8 zero() { return broadcast(0); }
    static i32x8 broadcast(std::int32_t value);

#if FEWBITS_HAVE_AVX2
    __m256i v;
#elif FEWBITS_HAVE_NEON
    int32x4_t lo, hi;
#else
    std::int32_t lane[8];
#endif
};

#if FEWBITS_HAVE_AVX2

namespace detail {
// The instruction answers INT_MIN where it cannot convert.
FEWBITS_INLINE i32x8 clamp_i32(f32x8 a, __m256i converted) {
    const __m256 too_large = _mm256_cmp_ps(a.v, _mm256_set1_ps(2147483648.0F), _CMP_GE_OQ);
    const __m256 number = _mm256_cmp_ps(a.v, a.v, _CMP_ORD_Q);
    const __m256i clamped = _mm256_xor_si256(converted, _mm256_castps_si256(too_large));
    return {_mm256_and_si256(clamped, _mm256_castps_si256(number))};
}
}  // namespace detail

FEWBITS_INLINE i32x8 i32x8::load(const std::int32_t* source) {
    return {_mm256_loadu_si256(reinterpret_cast<const __m256i*>(source))};
}
FEWBITS_INLINE i32x8 i32x8::broadcast(std::int32_t value) { return {_mm256_set1_epi32(value)}; }
FEWBITS_INLINE void store(i32x8 v, std::int32_t* target) {
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(target), v.v);
}
FEWBITS_INLINE i32x8 operator+(i32x8 a, i32x8 b) { return {_mm256_add_epi32(a.v, b.v)}; }
FEWBITS_INLINE i32x8 operator-(i32x8 a, i32x8 b) { return {_mm256_sub_epi32(a.v, b.v)}; }
FEWBITS_INLINE i32x8 operator*(i32x8 a, i32x8 b) { return {_mm256_mullo_epi32(a.v, b.v)}; }
FEWBITS_INLINE i32x8 operator-(i32x8 a) { return {_mm256_sub_epi32(_mm256_setzero_si256(), a.v)}; }
FEWBITS_INLINE i32x8 abs(i32x8 a) { return {_mm256_abs_epi32(a.v)}; }
FEWBITS_INLINE i32x8 min(i32x8 a, i32x8 b) { return {_mm256_min_epi32(a.v, b.v)}; }
FEWBITS_INLINE i32x8 max(i32x8 a, i32x8 b) { return {_mm256_max_epi32(a.v, b.v)}; }
FEWBITS_INLINE i32x8 operator&(i32x8 a, i32x8 b) { return {_mm256_and_si256(a.v, b.v)}; }
FEWBITS_INLINE i32x8 operator|(i32x8 a, i32x8 b) { return {_mm256_or_si256(a.v, b.v)}; }
FEWBITS_INLINE i32x8 operator^(i32x8 a, i32x8 b) { return {_mm256_xor_si256(a.v, b.v)}; }
FEWBITS_INLINE i32x8 operator~(i32x8 a) { return {_mm256_xor_si256(a.v, _mm256_set1_epi32(-1))}; }
FEWBITS_INLINE i32x8 shift_left(i32x8 a, unsigned count) {
    return {_mm256_sll_epi32(a.v, _mm_cvtsi32_si128(static_cast<int>(count)))};
}
FEWBITS_INLINE i32x8 shift_right(i32x8 a, unsigned count) {
    return {_mm256_sra_epi32(a.v, _mm_cvtsi32_si128(static_cast<int>(count)))};
}
FEWBITS_INLINE i32x8 shift_right_logical(i32x8 a, unsigned count) {
    return {_mm256_srl_epi32(a.v, _mm_cvtsi32_si128(static_cast<int>(count)))};
}
FEWBITS_INLINE i32x8 shift_left(i32x8 a, i32x8 counts) { return {_mm256_sllv_epi32(a.v, counts.v)}; }
FEWBITS_INLINE i32x8 shift_right(i32x8 a, i32x8 counts) { return {_mm256_srav_epi32(a.v, counts.v)}; }
FEWBITS_INLINE i32x8 shift_right_logical(i32x8 a, i32x8 counts) { return {_mm256_srlv_epi32(a.v, counts.v)}; }
FEWBITS_INLINE mask<8> operator==(i32x8 a, i32x8 b) { return {_mm256_cmpeq_epi32(a.v, b.v)}; }
FEWBITS_INLINE mask<8> operator>(i32x8 a, i32x8 b) { return {_mm256_cmpgt_epi32(a.v, b.v)}; }
FEWBITS_INLINE i32x8 select(mask<8> m, i32x8 a, i32x8 b) { return {_mm256_blendv_epi8(b.v, a.v, m.v)}; }
FEWBITS_INLINE i32x8 keep(mask<8> m, i32x8 a) { return {_mm256_and_si256(m.v, a.v)}; }
FEWBITS_INLINE f32x8 convert_f32(i32x8 a) { return {_mm256_cvtepi32_ps(a.v)}; }
FEWBITS_INLINE i32x8 convert_i32(f32x8 a) { return detail::clamp_i32(a, _mm256_cvtps_epi32(a.v)); }
FEWBITS_INLINE i32x8 truncate_i32(f32x8 a) { return detail::clamp_i32(a, _mm256_cvttps_epi32(a.v)); }
FEWBITS_INLINE i32x8 lookup(const std::int32_t* table, i32x8 index) {
    return {_mm256_i32gather_epi32(table, index.v, 4)};
}
FEWBITS_INLINE f32x8 lookup(const float* table, i32x8 index) {
    return {_mm256_i32gather_ps(table, index.v, 4)};
}

#elif FEWBITS_HAVE_NEON

namespace detail {
// vshlq reads the low byte of a count, as signed.
FEWBITS_INLINE int32x4_t clamp_counts(int32x4_t counts) {
    return vreinterpretq_s32_u32(vminq_u32(vreinterpretq_u32_s32(counts), vdupq_n_u32(32)));
}
}  // namespace detail

FEWBITS_INLINE i32x8 i32x8::load(const std::int32_t* source) {
    return {vld1q_s32(source), vld1q_s32(source + 4)};
}
FEWBITS_INLINE i32x8 i32x8::broadcast(std::int32_t value) { return {vdupq_n_s32(value), vdupq_n_s32(value)}; }
FEWBITS_INLINE void store(i32x8 v, std::int32_t* target) {
    vst1q_s32(target, v.lo);
    vst1q_s32(target + 4, v.hi);
}
FEWBITS_INLINE i32x8 operator+(i32x8 a, i32x8 b) { return {vaddq_s32(a.lo, b.lo), vaddq_s32(a.hi, b.hi)}; }
FEWBITS_INLINE i32x8 operator-(i32x8 a, i32x8 b) { return {vsubq_s32(a.lo, b.lo), vsubq_s32(a.hi, b.hi)}; }
FEWBITS_INLINE i32x8 operator*(i32x8 a, i32x8 b) { return {vmulq_s32(a.lo, b.lo), vmulq_s32(a.hi, b.hi)}; }
FEWBITS_INLINE i32x8 operator-(i32x8 a) { return {vnegq_s32(a.lo), vnegq_s32(a.hi)}; }
FEWBITS_INLINE i32x8 abs(i32x8 a) { return {vabsq_s32(a.lo), vabsq_s32(a.hi)}; }
FEWBITS_INLINE i32x8 min(i32x8 a, i32x8 b) { return {vminq_s32(a.lo, b.lo), vminq_s32(a.hi, b.hi)}; }
FEWBITS_INLINE i32x8 max(i32x8 a, i32x8 b) { return {vmaxq_s32(a.lo, b.lo), vmaxq_s32(a.hi, b.hi)}; }
FEWBITS_INLINE i32x8 operator&(i32x8 a, i32x8 b) { return {vandq_s32(a.lo, b.lo), vandq_s32(a.hi, b.hi)}; }
FEWBITS_INLINE i32x8 operator|(i32x8 a, i32x8 b) { return {vorrq_s32(a.lo, b.lo), vorrq_s32(a.hi, b.hi)}; }
FEWBITS_INLINE i32x8 operator^(i32x8 a, i32x8 b) { return {veorq_s32(a.lo, b.lo), veorq_s32(a.hi, b.hi)}; }
FEWBITS_INLINE i32x8 operator~(i32x8 a) { return {vmvnq_s32(a.lo), vmvnq_s32(a.hi)}; }
FEWBITS_INLINE i32x8 shift_left(i32x8 a, unsigned count) {
    const int32x4_t n = vdupq_n_s32(static_cast<int>(std::min(count, 32U)));
    return {vshlq_s32(a.lo, n), vshlq_s32(a.hi, n)};
}
FEWBITS_INLINE i32x8 shift_right(i32x8 a, unsigned count) {
    const int32x4_t n = vdupq_n_s32(-static_cast<int>(std::min(count, 32U)));
    return {vshlq_s32(a.lo, n), vshlq_s32(a.hi, n)};
}
FEWBITS_INLINE i32x8 shift_right_logical(i32x8 a, unsigned count) {
    const int32x4_t n = vdupq_n_s32(-static_cast<int>(std::min(count, 32U)));
    return {vreinterpretq_s32_u32(vshlq_u32(vreinterpretq_u32_s32(a.lo), n)),
            vreinterpretq_s32_u32(vshlq_u32(vreinterpretq_u32_s32(a.hi), n))};
}
FEWBITS_INLINE i32x8 shift_left(i32x8 a, i32x8 counts) {
    return {vshlq_s32(a.lo, detail::clamp_counts(counts.lo)),
            vshlq_s32(a.hi, detail::clamp_counts(counts.hi))};
}
FEWBITS_INLINE i32x8 shift_right(i32x8 a, i32x8 counts) {
    return {vshlq_s32(a.lo, vnegq_s32(detail::clamp_counts(counts.lo))),
            vshlq_s32(a.hi, vnegq_s32(detail::clamp_counts(counts.hi)))};
}
FEWBITS_INLINE i32x8 shift_right_logical(i32x8 a, i32x8 counts) {
    const int32x4_t lo = vnegq_s32(detail::clamp_counts(counts.lo));
    const int32x4_t hi = vnegq_s32(detail::clamp_counts(counts.hi));
    return {vreinterpretq_s32_u32(vshlq_u32(vreinterpretq_u32_s32(a.lo), lo)),
            vreinterpretq_s32_u32(vshlq_u32(vreinterpretq_u32_s32(a.hi), hi))};
}
FEWBITS_INLINE mask<8> operator==(i32x8 a, i32x8 b) {
    return detail::make_mask(vceqq_s32(a.lo, b.lo), vceqq_s32(a.hi, b.hi));
}
FEWBITS_INLINE mask<8> operator>(i32x8 a, i32x8 b) {
    return detail::make_mask(vcgtq_s32(a.lo, b.lo), vcgtq_s32(a.hi, b.hi));
}
FEWBITS_INLINE i32x8 select(mask<8> m, i32x8 a, i32x8 b) {
    return {vbslq_s32(vreinterpretq_u32_u8(m.lo), a.lo, b.lo),
            vbslq_s32(vreinterpretq_u32_u8(m.hi), a.hi, b.hi)};
}
FEWBITS_INLINE i32x8 keep(mask<8> m, i32x8 a) {
    return {vandq_s32(vreinterpretq_s32_u8(m.lo), a.lo), vandq_s32(vreinterpretq_s32_u8(m.hi), a.hi)};
}
FEWBITS_INLINE f32x8 convert_f32(i32x8 a) { return {vcvtq_f32_s32(a.lo), vcvtq_f32_s32(a.hi)}; }
FEWBITS_INLINE i32x8 convert_i32(f32x8 a) { return {vcvtnq_s32_f32(a.lo), vcvtnq_s32_f32(a.hi)}; }
FEWBITS_INLINE i32x8 truncate_i32(f32x8 a) { return {vcvtq_s32_f32(a.lo), vcvtq_s32_f32(a.hi)}; }
FEWBITS_INLINE i32x8 lookup(const std::int32_t* table, i32x8 index) {
    std::int32_t at[8], found[8];
    store(index, at);
    for (std::size_t i = 0; i < 8; ++i) found[i] = table[at[i]];
    return i32x8::load(found);
}
FEWBITS_INLINE f32x8 lookup(const float* table, i32x8 index) {
    std::int32_t at[8];
    float found[8];
    store(index, at);
    for (std::size_t i = 0; i < 8; ++i) found[i] = table[at[i]];
    return f32x8::load(found);
}

#else

namespace detail {
FEWBITS_INLINE bool shifts_out(std::uint32_t count) { return count >= 32; }
FEWBITS_INLINE std::int32_t clamp_i32(float integral) {
    if (!(integral < 2147483648.0F)) return integral != integral ? 0 : INT32_MAX;
    return integral < -2147483648.0F ? INT32_MIN : static_cast<std::int32_t>(integral);
}
}  // namespace detail

FEWBITS_INLINE i32x8 i32x8::load(const std::int32_t* source) {
    return detail::generate<i32x8>([&](std::size_t i) { return source[i]; });
}
FEWBITS_INLINE i32x8 i32x8::broadcast(std::int32_t value) {
    return detail::generate<i32x8>([&](std::size_t) { return value; });
}
FEWBITS_INLINE void store(i32x8 v, std::int32_t* target) {
    for (std::size_t i = 0; i < 8; ++i) target[i] = v.lane[i];
}
FEWBITS_INLINE i32x8 operator+(i32x8 a, i32x8 b) {
    return detail::generate<i32x8>([&](std::size_t i) {
        return static_cast<std::int32_t>(static_cast<std::uint32_t>(a.lane[i]) +
                                         static_cast<std::uint32_t>(b.lane[i]));
    });
}
FEWBITS_INLINE i32x8 operator-(i32x8 a, i32x8 b) {
    return detail::generate<i32x8>([&](std::size_t i) {
        return static_cast<std::int32_t>(static_cast<std::uint32_t>(a.lane[i]) -
                                         static_cast<std::uint32_t>(b.lane[i]));
    });
}
FEWBITS_INLINE i32x8 operator*(i32x8 a, i32x8 b) {
    return detail::generate<i32x8>([&](std::size_t i) {
        return static_cast<std::int32_t>(static_cast<std::uint32_t>(a.lane[i]) *
                                         static_cast<std::uint32_t>(b.lane[i]));
    });
}
FEWBITS_INLINE i32x8 operator-(i32x8 a) {
    return detail::generate<i32x8>(
        [&](std::size_t i) { return static_cast<std::int32_t>(0U - static_cast<std::uint32_t>(a.lane[i])); });
}
FEWBITS_INLINE i32x8 abs(i32x8 a) {
    return detail::generate<i32x8>([&](std::size_t i) {
        return a.lane[i] < 0 ? static_cast<std::int32_t>(0U - static_cast<std::uint32_t>(a.lane[i]))
                             : a.lane[i];
    });
}
FEWBITS_INLINE i32x8 min(i32x8 a, i32x8 b) {
    return detail::generate<i32x8>(
        [&](std::size_t i) { return a.lane[i] < b.lane[i] ? a.lane[i] : b.lane[i]; });
}
FEWBITS_INLINE i32x8 max(i32x8 a, i32x8 b) {
    return detail::generate<i32x8>(
        [&](std::size_t i) { return a.lane[i] > b.lane[i] ? a.lane[i] : b.lane[i]; });
}
FEWBITS_INLINE i32x8 operator&(i32x8 a, i32x8 b) {
    return detail::generate<i32x8>(
        [&](std::size_t i) { return static_cast<i32x8::element>(a.lane[i] & b.lane[i]); });
}
FEWBITS_INLINE i32x8 operator|(i32x8 a, i32x8 b) {
    return detail::generate<i32x8>(
        [&](std::size_t i) { return static_cast<i32x8::element>(a.lane[i] | b.lane[i]); });
}
FEWBITS_INLINE i32x8 operator^(i32x8 a, i32x8 b) {
    return detail::generate<i32x8>(
        [&](std::size_t i) { return static_cast<i32x8::element>(a.lane[i] ^ b.lane[i]); });
}
FEWBITS_INLINE i32x8 operator~(i32x8 a) {
    return detail::generate<i32x8>([&](std::size_t i) { return static_cast<i32x8::element>(~a.lane[i]); });
}
FEWBITS_INLINE i32x8 shift_left(i32x8 a, unsigned count) {
    return detail::generate<i32x8>([&](std::size_t i) {
        return count < 32 ? static_cast<std::int32_t>(static_cast<std::uint32_t>(a.lane[i]) << count) : 0;
    });
}
FEWBITS_INLINE i32x8 shift_right(i32x8 a, unsigned count) {
    return detail::generate<i32x8>([&](std::size_t i) { return a.lane[i] >> std::min(count, 31U); });
}
FEWBITS_INLINE i32x8 shift_right_logical(i32x8 a, unsigned count) {
    return detail::generate<i32x8>([&](std::size_t i) {
        return count < 32 ? static_cast<std::int32_t>(static_cast<std::uint32_t>(a.lane[i]) >> count) : 0;
    });
}
FEWBITS_INLINE i32x8 shift_left(i32x8 a, i32x8 counts) {
    return detail::generate<i32x8>([&](std::size_t i) {
        return detail::shifts_out(static_cast<std::uint32_t>(counts.lane[i]))
                   ? 0
                   : static_cast<std::int32_t>(static_cast<std::uint32_t>(a.lane[i]) << counts.lane[i]);
    });
}
FEWBITS_INLINE i32x8 shift_right(i32x8 a, i32x8 counts) {
    return detail::generate<i32x8>([&](std::size_t i) {
        return a.lane[i] >> std::min(static_cast<std::uint32_t>(counts.lane[i]), 31U);
    });
}
FEWBITS_INLINE i32x8 shift_right_logical(i32x8 a, i32x8 counts) {
    return detail::generate<i32x8>([&](std::size_t i) {
        return detail::shifts_out(static_cast<std::uint32_t>(counts.lane[i]))
                   ? 0
                   : static_cast<std::int32_t>(static_cast<std::uint32_t>(a.lane[i]) >> counts.lane[i]);
    });
}
FEWBITS_INLINE mask<8> operator==(i32x8 a, i32x8 b) {
    return detail::generate<mask<8> >([&](std::size_t i) { return a.lane[i] == b.lane[i]; });
}
FEWBITS_INLINE mask<8> operator>(i32x8 a, i32x8 b) {
    return detail::generate<mask<8> >([&](std::size_t i) { return a.lane[i] > b.lane[i]; });
}
FEWBITS_INLINE i32x8 select(mask<8> m, i32x8 a, i32x8 b) {
    return detail::generate<i32x8>([&](std::size_t i) { return m.lane[i] ? a.lane[i] : b.lane[i]; });
}
FEWBITS_INLINE i32x8 keep(mask<8> m, i32x8 a) {
    return detail::generate<i32x8>([&](std::size_t i) { return m.lane[i] ? a.lane[i] : 0; });
}
FEWBITS_INLINE f32x8 convert_f32(i32x8 a) {
    return detail::generate<f32x8>([&](std::size_t i) { return static_cast<float>(a.lane[i]); });
}
FEWBITS_INLINE i32x8 convert_i32(f32x8 a) {
    return detail::generate<i32x8>(
        [&](std::size_t i) { return detail::clamp_i32(std::nearbyint(a.lane[i])); });
}
FEWBITS_INLINE i32x8 truncate_i32(f32x8 a) {
    return detail::generate<i32x8>([&](std::size_t i) { return detail::clamp_i32(a.lane[i]); });
}
FEWBITS_INLINE i32x8 lookup(const std::int32_t* table, i32x8 index) {
    return detail::generate<i32x8>([&](std::size_t i) { return table[index.lane[i]]; });
}
FEWBITS_INLINE f32x8 lookup(const float* table, i32x8 index) {
    return detail::generate<f32x8>([&](std::size_t i) { return table[index.lane[i]]; });
}

#endif

FEWBITS_INLINE i32x8 i32x8::load_partial(const std::int32_t* source, std::size_t count) {
    return detail::load_partial<i32x8>(source, count);
}
FEWBITS_INLINE void store_partial(i32x8 v, std::int32_t* target, std::size_t count) {
    detail::store_partial(v, target, count);
}
// Modulo 2^32, where the order does not matter.
FEWBITS_INLINE std::int32_t sum(i32x8 a) {
    std::int32_t lanes[8];
    store(a, lanes);
    std::uint32_t total = 0;
    for (const std::int32_t lane : lanes) total += static_cast<std::uint32_t>(lane);
    return static_cast<std::int32_t>(total);
}

}  // namespace simd
}  // namespace FEWBITS_ISA
}  // namespace fewbits
