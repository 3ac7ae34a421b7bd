// Sixteen int16 lanes, arithmetic modulo 2^16 unless the name says otherwise.
//
//   add_saturate, sub_saturate
//                      clamped to the range of int16
//   mul_high(a, b)     bits 16..31 of the products
//   madd_i16(a, b)     i32x8: a[2i] * b[2i] + a[2i+1] * b[2i+1]; wraps only where all four are -2^15
//   shift_left, shift_right (arithmetic), shift_right_logical
//                      counts of 16 and more shift every bit out
//   widen_low, widen_high
//                      lanes 0..7 and 8..15 as i32x8
//   pack_i16(a, b)     the lanes of a, then of b, clamped to the range of int16
//   widen_i8(source)   sixteen int8 from memory
#pragma once

#include <algorithm>
#include <cstdint>

#include "fewbits/simd/i32x8.hpp"
#include "fewbits/simd/mask.hpp"

namespace fewbits {
inline namespace FEWBITS_ISA {
namespace simd {

struct i16x16 {
    using element = std::int16_t;
    static constexpr std::size_t size = 16;

    static i16x16 load(const std::int16_t* source);
    static i16x16 load_partial(const std::int16_t* source, std::size_t count);
    static i16x16 zero() { return broadcast(0); }
    static i16x16 broadcast(std::int16_t value);

#if FEWBITS_HAVE_AVX2
    __m256i v;
#elif FEWBITS_HAVE_NEON
    int16x8_t lo, hi;
#else
    std::int16_t lane[16];
#endif
};

#if FEWBITS_HAVE_AVX2

FEWBITS_INLINE i16x16 i16x16::load(const std::int16_t* source) {
    return {_mm256_loadu_si256(reinterpret_cast<const __m256i*>(source))};
}
FEWBITS_INLINE i16x16 i16x16::broadcast(std::int16_t value) { return {_mm256_set1_epi16(value)}; }
FEWBITS_INLINE void store(i16x16 v, std::int16_t* target) {
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(target), v.v);
}
FEWBITS_INLINE i16x16 operator+(i16x16 a, i16x16 b) { return {_mm256_add_epi16(a.v, b.v)}; }
FEWBITS_INLINE i16x16 operator-(i16x16 a, i16x16 b) { return {_mm256_sub_epi16(a.v, b.v)}; }
FEWBITS_INLINE i16x16 operator*(i16x16 a, i16x16 b) { return {_mm256_mullo_epi16(a.v, b.v)}; }
FEWBITS_INLINE i16x16 operator-(i16x16 a) { return {_mm256_sub_epi16(_mm256_setzero_si256(), a.v)}; }
FEWBITS_INLINE i16x16 add_saturate(i16x16 a, i16x16 b) { return {_mm256_adds_epi16(a.v, b.v)}; }
FEWBITS_INLINE i16x16 sub_saturate(i16x16 a, i16x16 b) { return {_mm256_subs_epi16(a.v, b.v)}; }
FEWBITS_INLINE i16x16 mul_high(i16x16 a, i16x16 b) { return {_mm256_mulhi_epi16(a.v, b.v)}; }
FEWBITS_INLINE i16x16 abs(i16x16 a) { return {_mm256_abs_epi16(a.v)}; }
FEWBITS_INLINE i16x16 min(i16x16 a, i16x16 b) { return {_mm256_min_epi16(a.v, b.v)}; }
FEWBITS_INLINE i16x16 max(i16x16 a, i16x16 b) { return {_mm256_max_epi16(a.v, b.v)}; }
FEWBITS_INLINE i16x16 operator&(i16x16 a, i16x16 b) { return {_mm256_and_si256(a.v, b.v)}; }
FEWBITS_INLINE i16x16 operator|(i16x16 a, i16x16 b) { return {_mm256_or_si256(a.v, b.v)}; }
FEWBITS_INLINE i16x16 operator^(i16x16 a, i16x16 b) { return {_mm256_xor_si256(a.v, b.v)}; }
FEWBITS_INLINE i16x16 operator~(i16x16 a) { return {_mm256_xor_si256(a.v, _mm256_set1_epi32(-1))}; }
FEWBITS_INLINE i16x16 shift_left(i16x16 a, unsigned count) {
    return {_mm256_sll_epi16(a.v, _mm_cvtsi32_si128(static_cast<int>(count)))};
}
FEWBITS_INLINE i16x16 shift_right(i16x16 a, unsigned count) {
    return {_mm256_sra_epi16(a.v, _mm_cvtsi32_si128(static_cast<int>(count)))};
}
FEWBITS_INLINE i16x16 shift_right_logical(i16x16 a, unsigned count) {
    return {_mm256_srl_epi16(a.v, _mm_cvtsi32_si128(static_cast<int>(count)))};
}
FEWBITS_INLINE mask<16> operator==(i16x16 a, i16x16 b) { return {_mm256_cmpeq_epi16(a.v, b.v)}; }
FEWBITS_INLINE mask<16> operator>(i16x16 a, i16x16 b) { return {_mm256_cmpgt_epi16(a.v, b.v)}; }
FEWBITS_INLINE i16x16 select(mask<16> m, i16x16 a, i16x16 b) { return {_mm256_blendv_epi8(b.v, a.v, m.v)}; }
FEWBITS_INLINE i32x8 madd_i16(i16x16 a, i16x16 b) { return {_mm256_madd_epi16(a.v, b.v)}; }
FEWBITS_INLINE i32x8 widen_low(i16x16 a) { return {_mm256_cvtepi16_epi32(_mm256_castsi256_si128(a.v))}; }
FEWBITS_INLINE i32x8 widen_high(i16x16 a) {
    return {_mm256_cvtepi16_epi32(_mm256_extracti128_si256(a.v, 1))};
}
FEWBITS_INLINE i16x16 widen_i8(const std::int8_t* source) {
    return {_mm256_cvtepi8_epi16(_mm_loadu_si128(reinterpret_cast<const __m128i*>(source)))};
}
// The instruction packs within each half: the permutation restores the order of the lanes.
FEWBITS_INLINE i16x16 pack_i16(i32x8 a, i32x8 b) {
    return {_mm256_permute4x64_epi64(_mm256_packs_epi32(a.v, b.v), 0xd8)};
}

#elif FEWBITS_HAVE_NEON

FEWBITS_INLINE i16x16 i16x16::load(const std::int16_t* source) {
    return {vld1q_s16(source), vld1q_s16(source + 8)};
}
FEWBITS_INLINE i16x16 i16x16::broadcast(std::int16_t value) {
    return {vdupq_n_s16(value), vdupq_n_s16(value)};
}
FEWBITS_INLINE void store(i16x16 v, std::int16_t* target) {
    vst1q_s16(target, v.lo);
    vst1q_s16(target + 8, v.hi);
}
FEWBITS_INLINE i16x16 operator+(i16x16 a, i16x16 b) { return {vaddq_s16(a.lo, b.lo), vaddq_s16(a.hi, b.hi)}; }
FEWBITS_INLINE i16x16 operator-(i16x16 a, i16x16 b) { return {vsubq_s16(a.lo, b.lo), vsubq_s16(a.hi, b.hi)}; }
FEWBITS_INLINE i16x16 operator*(i16x16 a, i16x16 b) { return {vmulq_s16(a.lo, b.lo), vmulq_s16(a.hi, b.hi)}; }
FEWBITS_INLINE i16x16 operator-(i16x16 a) { return {vnegq_s16(a.lo), vnegq_s16(a.hi)}; }
FEWBITS_INLINE i16x16 add_saturate(i16x16 a, i16x16 b) {
    return {vqaddq_s16(a.lo, b.lo), vqaddq_s16(a.hi, b.hi)};
}
FEWBITS_INLINE i16x16 sub_saturate(i16x16 a, i16x16 b) {
    return {vqsubq_s16(a.lo, b.lo), vqsubq_s16(a.hi, b.hi)};
}
FEWBITS_INLINE i16x16 mul_high(i16x16 a, i16x16 b) {
    const auto high = [](int16x8_t x, int16x8_t y) {
        const int32x4_t low = vmull_s16(vget_low_s16(x), vget_low_s16(y));
        return vuzp2q_s16(vreinterpretq_s16_s32(low), vreinterpretq_s16_s32(vmull_high_s16(x, y)));
    };
    return {high(a.lo, b.lo), high(a.hi, b.hi)};
}
FEWBITS_INLINE i16x16 abs(i16x16 a) { return {vabsq_s16(a.lo), vabsq_s16(a.hi)}; }
FEWBITS_INLINE i16x16 min(i16x16 a, i16x16 b) { return {vminq_s16(a.lo, b.lo), vminq_s16(a.hi, b.hi)}; }
FEWBITS_INLINE i16x16 max(i16x16 a, i16x16 b) { return {vmaxq_s16(a.lo, b.lo), vmaxq_s16(a.hi, b.hi)}; }
FEWBITS_INLINE i16x16 operator&(i16x16 a, i16x16 b) { return {vandq_s16(a.lo, b.lo), vandq_s16(a.hi, b.hi)}; }
FEWBITS_INLINE i16x16 operator|(i16x16 a, i16x16 b) { return {vorrq_s16(a.lo, b.lo), vorrq_s16(a.hi, b.hi)}; }
FEWBITS_INLINE i16x16 operator^(i16x16 a, i16x16 b) { return {veorq_s16(a.lo, b.lo), veorq_s16(a.hi, b.hi)}; }
FEWBITS_INLINE i16x16 operator~(i16x16 a) { return {vmvnq_s16(a.lo), vmvnq_s16(a.hi)}; }
FEWBITS_INLINE i16x16 shift_left(i16x16 a, unsigned count) {
    const int16x8_t n = vdupq_n_s16(static_cast<std::int16_t>(std::min(count, 16U)));
    return {vshlq_s16(a.lo, n), vshlq_s16(a.hi, n)};
}
FEWBITS_INLINE i16x16 shift_right(i16x16 a, unsigned count) {
    const int16x8_t n = vdupq_n_s16(static_cast<std::int16_t>(-static_cast<int>(std::min(count, 16U))));
    return {vshlq_s16(a.lo, n), vshlq_s16(a.hi, n)};
}
FEWBITS_INLINE i16x16 shift_right_logical(i16x16 a, unsigned count) {
    const int16x8_t n = vdupq_n_s16(static_cast<std::int16_t>(-static_cast<int>(std::min(count, 16U))));
    return {vreinterpretq_s16_u16(vshlq_u16(vreinterpretq_u16_s16(a.lo), n)),
            vreinterpretq_s16_u16(vshlq_u16(vreinterpretq_u16_s16(a.hi), n))};
}
FEWBITS_INLINE mask<16> operator==(i16x16 a, i16x16 b) {
    return detail::make_mask(vceqq_s16(a.lo, b.lo), vceqq_s16(a.hi, b.hi));
}
FEWBITS_INLINE mask<16> operator>(i16x16 a, i16x16 b) {
    return detail::make_mask(vcgtq_s16(a.lo, b.lo), vcgtq_s16(a.hi, b.hi));
}
FEWBITS_INLINE i16x16 select(mask<16> m, i16x16 a, i16x16 b) {
    return {vbslq_s16(vreinterpretq_u16_u8(m.lo), a.lo, b.lo),
            vbslq_s16(vreinterpretq_u16_u8(m.hi), a.hi, b.hi)};
}
FEWBITS_INLINE i32x8 madd_i16(i16x16 a, i16x16 b) {
    const auto pairs = [](int16x8_t x, int16x8_t y) {
        return vpaddq_s32(vmull_s16(vget_low_s16(x), vget_low_s16(y)), vmull_high_s16(x, y));
    };
    return {pairs(a.lo, b.lo), pairs(a.hi, b.hi)};
}
FEWBITS_INLINE i32x8 widen_low(i16x16 a) { return {vmovl_s16(vget_low_s16(a.lo)), vmovl_high_s16(a.lo)}; }
FEWBITS_INLINE i32x8 widen_high(i16x16 a) { return {vmovl_s16(vget_low_s16(a.hi)), vmovl_high_s16(a.hi)}; }
FEWBITS_INLINE i16x16 widen_i8(const std::int8_t* source) {
    const int8x16_t bytes = vld1q_s8(source);
    return {vmovl_s8(vget_low_s8(bytes)), vmovl_high_s8(bytes)};
}
FEWBITS_INLINE i16x16 pack_i16(i32x8 a, i32x8 b) {
    return {vqmovn_high_s32(vqmovn_s32(a.lo), a.hi), vqmovn_high_s32(vqmovn_s32(b.lo), b.hi)};
}

#else

namespace detail {
FEWBITS_INLINE std::int16_t clamp_i16(std::int32_t value) {
    return static_cast<std::int16_t>(std::clamp(value, INT16_MIN, INT16_MAX));
}
}  // namespace detail

FEWBITS_INLINE i16x16 i16x16::load(const std::int16_t* source) {
    return detail::generate<i16x16>([&](std::size_t i) { return source[i]; });
}
FEWBITS_INLINE i16x16 i16x16::broadcast(std::int16_t value) {
    return detail::generate<i16x16>([&](std::size_t) { return value; });
}
FEWBITS_INLINE void store(i16x16 v, std::int16_t* target) {
    for (std::size_t i = 0; i < 16; ++i) target[i] = v.lane[i];
}
FEWBITS_INLINE i16x16 operator+(i16x16 a, i16x16 b) {
    return detail::generate<i16x16>(
        [&](std::size_t i) { return static_cast<std::int16_t>(a.lane[i] + b.lane[i]); });
}
FEWBITS_INLINE i16x16 operator-(i16x16 a, i16x16 b) {
    return detail::generate<i16x16>(
        [&](std::size_t i) { return static_cast<std::int16_t>(a.lane[i] - b.lane[i]); });
}
FEWBITS_INLINE i16x16 operator*(i16x16 a, i16x16 b) {
    return detail::generate<i16x16>(
        [&](std::size_t i) { return static_cast<std::int16_t>(a.lane[i] * b.lane[i]); });
}
FEWBITS_INLINE i16x16 operator-(i16x16 a) {
    return detail::generate<i16x16>([&](std::size_t i) { return static_cast<std::int16_t>(-a.lane[i]); });
}
FEWBITS_INLINE i16x16 add_saturate(i16x16 a, i16x16 b) {
    return detail::generate<i16x16>([&](std::size_t i) { return detail::clamp_i16(a.lane[i] + b.lane[i]); });
}
FEWBITS_INLINE i16x16 sub_saturate(i16x16 a, i16x16 b) {
    return detail::generate<i16x16>([&](std::size_t i) { return detail::clamp_i16(a.lane[i] - b.lane[i]); });
}
FEWBITS_INLINE i16x16 mul_high(i16x16 a, i16x16 b) {
    return detail::generate<i16x16>(
        [&](std::size_t i) { return static_cast<std::int16_t>((a.lane[i] * b.lane[i]) >> 16); });
}
FEWBITS_INLINE i16x16 abs(i16x16 a) {
    return detail::generate<i16x16>(
        [&](std::size_t i) { return static_cast<std::int16_t>(a.lane[i] < 0 ? -a.lane[i] : a.lane[i]); });
}
FEWBITS_INLINE i16x16 min(i16x16 a, i16x16 b) {
    return detail::generate<i16x16>(
        [&](std::size_t i) { return a.lane[i] < b.lane[i] ? a.lane[i] : b.lane[i]; });
}
FEWBITS_INLINE i16x16 max(i16x16 a, i16x16 b) {
    return detail::generate<i16x16>(
        [&](std::size_t i) { return a.lane[i] > b.lane[i] ? a.lane[i] : b.lane[i]; });
}
FEWBITS_INLINE i16x16 operator&(i16x16 a, i16x16 b) {
    return detail::generate<i16x16>(
        [&](std::size_t i) { return static_cast<i16x16::element>(a.lane[i] & b.lane[i]); });
}
FEWBITS_INLINE i16x16 operator|(i16x16 a, i16x16 b) {
    return detail::generate<i16x16>(
        [&](std::size_t i) { return static_cast<i16x16::element>(a.lane[i] | b.lane[i]); });
}
FEWBITS_INLINE i16x16 operator^(i16x16 a, i16x16 b) {
    return detail::generate<i16x16>(
        [&](std::size_t i) { return static_cast<i16x16::element>(a.lane[i] ^ b.lane[i]); });
}
FEWBITS_INLINE i16x16 operator~(i16x16 a) {
    return detail::generate<i16x16>([&](std::size_t i) { return static_cast<i16x16::element>(~a.lane[i]); });
}
FEWBITS_INLINE i16x16 shift_left(i16x16 a, unsigned count) {
    return detail::generate<i16x16>([&](std::size_t i) {
        return static_cast<std::int16_t>(static_cast<std::uint16_t>(a.lane[i]) << std::min(count, 16U));
    });
}
FEWBITS_INLINE i16x16 shift_right(i16x16 a, unsigned count) {
    return detail::generate<i16x16>(
        [&](std::size_t i) { return static_cast<std::int16_t>(a.lane[i] >> std::min(count, 15U)); });
}
FEWBITS_INLINE i16x16 shift_right_logical(i16x16 a, unsigned count) {
    return detail::generate<i16x16>([&](std::size_t i) {
        return static_cast<std::int16_t>(static_cast<std::uint16_t>(a.lane[i]) >> std::min(count, 16U));
    });
}
FEWBITS_INLINE mask<16> operator==(i16x16 a, i16x16 b) {
    return detail::generate<mask<16> >([&](std::size_t i) { return a.lane[i] == b.lane[i]; });
}
FEWBITS_INLINE mask<16> operator>(i16x16 a, i16x16 b) {
    return detail::generate<mask<16> >([&](std::size_t i) { return a.lane[i] > b.lane[i]; });
}
FEWBITS_INLINE i16x16 select(mask<16> m, i16x16 a, i16x16 b) {
    return detail::generate<i16x16>([&](std::size_t i) { return m.lane[i] ? a.lane[i] : b.lane[i]; });
}
FEWBITS_INLINE i32x8 madd_i16(i16x16 a, i16x16 b) {
    return detail::generate<i32x8>([&](std::size_t i) {
        return static_cast<std::int32_t>(static_cast<std::uint32_t>(a.lane[2 * i] * b.lane[2 * i]) +
                                         static_cast<std::uint32_t>(a.lane[2 * i + 1] * b.lane[2 * i + 1]));
    });
}
FEWBITS_INLINE i32x8 widen_low(i16x16 a) {
    return detail::generate<i32x8>([&](std::size_t i) { return std::int32_t{a.lane[i]}; });
}
FEWBITS_INLINE i32x8 widen_high(i16x16 a) {
    return detail::generate<i32x8>([&](std::size_t i) { return std::int32_t{a.lane[i + 8]}; });
}
FEWBITS_INLINE i16x16 widen_i8(const std::int8_t* source) {
    return detail::generate<i16x16>([&](std::size_t i) { return std::int16_t{source[i]}; });
}
FEWBITS_INLINE i16x16 pack_i16(i32x8 a, i32x8 b) {
    return detail::generate<i16x16>(
        [&](std::size_t i) { return detail::clamp_i16(i < 8 ? a.lane[i] : b.lane[i - 8]); });
}

#endif

FEWBITS_INLINE i16x16 i16x16::load_partial(const std::int16_t* source, std::size_t count) {
    return detail::load_partial<i16x16>(source, count);
}
FEWBITS_INLINE void store_partial(i16x16 v, std::int16_t* target, std::size_t count) {
    detail::store_partial(v, target, count);
}

}  // namespace simd
}  // namespace FEWBITS_ISA
}  // namespace fewbits
