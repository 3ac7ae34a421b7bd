// Thirty-two uint8 lanes, arithmetic modulo 2^8 unless the name says otherwise.
//
//   add_saturate, sub_saturate
//                      clamped to 0..255
//   shift_left, shift_right
//                      counts of 8 and more give 0
//   broadcast16(p)     16 bytes into both halves: the table of lookup16
//   lookup16(table, index)
//                      each half of index looks up the same half of table: 0 where an index is 128 or
//                      more, else byte index mod 16
//   widen_low, widen_high
//                      lanes 0..15 and 16..31 as i16x16
//   pack_u8(a, b)      the lanes of a, then of b, clamped to 0..255
#pragma once

#include <algorithm>
#include <cstdint>

#include "fewbits/simd/i16x16.hpp"
#include "fewbits/simd/mask.hpp"

namespace fewbits {
inline namespace FEWBITS_ISA {
namespace simd {

struct u8x32 {
    using element = std::uint8_t;
    static constexpr std::size_t size = 32;

    static u8x32 load(const std::uint8_t* source);
    static u8x32 load_partial(const std::uint8_t* source, std::size_t count);
    static u8x32 zero() { return broadcast(0); }
    static u8x32 broadcast(std::uint8_t value);

#if FEWBITS_HAVE_AVX2
    __m256i v;
#elif FEWBITS_HAVE_NEON
    uint8x16_t lo, hi;
#else
    std::uint8_t lane[32];
#endif
};

#if FEWBITS_HAVE_AVX2

FEWBITS_INLINE u8x32 u8x32::load(const std::uint8_t* source) {
    return {_mm256_loadu_si256(reinterpret_cast<const __m256i*>(source))};
}
FEWBITS_INLINE u8x32 u8x32::broadcast(std::uint8_t value) {
    return {_mm256_set1_epi8(static_cast<char>(value))};
}
FEWBITS_INLINE void store(u8x32 v, std::uint8_t* target) {
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(target), v.v);
}
FEWBITS_INLINE u8x32 operator+(u8x32 a, u8x32 b) { return {_mm256_add_epi8(a.v, b.v)}; }
FEWBITS_INLINE u8x32 operator-(u8x32 a, u8x32 b) { return {_mm256_sub_epi8(a.v, b.v)}; }
FEWBITS_INLINE u8x32 add_saturate(u8x32 a, u8x32 b) { return {_mm256_adds_epu8(a.v, b.v)}; }
FEWBITS_INLINE u8x32 sub_saturate(u8x32 a, u8x32 b) { return {_mm256_subs_epu8(a.v, b.v)}; }
FEWBITS_INLINE u8x32 min(u8x32 a, u8x32 b) { return {_mm256_min_epu8(a.v, b.v)}; }
FEWBITS_INLINE u8x32 max(u8x32 a, u8x32 b) { return {_mm256_max_epu8(a.v, b.v)}; }
FEWBITS_INLINE u8x32 operator&(u8x32 a, u8x32 b) { return {_mm256_and_si256(a.v, b.v)}; }
FEWBITS_INLINE u8x32 operator|(u8x32 a, u8x32 b) { return {_mm256_or_si256(a.v, b.v)}; }
FEWBITS_INLINE u8x32 operator^(u8x32 a, u8x32 b) { return {_mm256_xor_si256(a.v, b.v)}; }
FEWBITS_INLINE u8x32 operator~(u8x32 a) { return {_mm256_xor_si256(a.v, _mm256_set1_epi32(-1))}; }
// Shifts 16-bit lanes, then drops what came from the neighbour.
FEWBITS_INLINE u8x32 shift_left(u8x32 a, unsigned count) {
    const __m256i kept = _mm256_set1_epi8(static_cast<char>(0xffU << std::min(count, 8U)));
    return {_mm256_and_si256(_mm256_sll_epi16(a.v, _mm_cvtsi32_si128(static_cast<int>(count))), kept)};
}
FEWBITS_INLINE u8x32 shift_right(u8x32 a, unsigned count) {
    const __m256i kept = _mm256_set1_epi8(static_cast<char>(0xffU >> std::min(count, 8U)));
    return {_mm256_and_si256(_mm256_srl_epi16(a.v, _mm_cvtsi32_si128(static_cast<int>(count))), kept)};
}
FEWBITS_INLINE mask<32> operator==(u8x32 a, u8x32 b) { return {_mm256_cmpeq_epi8(a.v, b.v)}; }
// The comparison is signed: flipped sign bits make it unsigned.
FEWBITS_INLINE mask<32> operator>(u8x32 a, u8x32 b) {
    const __m256i flip = _mm256_set1_epi8(INT8_MIN);
    return {_mm256_cmpgt_epi8(_mm256_xor_si256(a.v, flip), _mm256_xor_si256(b.v, flip))};
}
FEWBITS_INLINE u8x32 select(mask<32> m, u8x32 a, u8x32 b) { return {_mm256_blendv_epi8(b.v, a.v, m.v)}; }
FEWBITS_INLINE u8x32 broadcast16(const std::uint8_t* source) {
    return {_mm256_broadcastsi128_si256(_mm_loadu_si128(reinterpret_cast<const __m128i*>(source)))};
}
FEWBITS_INLINE u8x32 lookup16(u8x32 table, u8x32 index) { return {_mm256_shuffle_epi8(table.v, index.v)}; }
FEWBITS_INLINE i16x16 widen_low(u8x32 a) { return {_mm256_cvtepu8_epi16(_mm256_castsi256_si128(a.v))}; }
FEWBITS_INLINE i16x16 widen_high(u8x32 a) { return {_mm256_cvtepu8_epi16(_mm256_extracti128_si256(a.v, 1))}; }
// The instruction packs within each half: the permutation restores the order of the lanes.
FEWBITS_INLINE u8x32 pack_u8(i16x16 a, i16x16 b) {
    return {_mm256_permute4x64_epi64(_mm256_packus_epi16(a.v, b.v), 0xd8)};
}

#elif FEWBITS_HAVE_NEON

FEWBITS_INLINE u8x32 u8x32::load(const std::uint8_t* source) {
    return {vld1q_u8(source), vld1q_u8(source + 16)};
}
FEWBITS_INLINE u8x32 u8x32::broadcast(std::uint8_t value) { return {vdupq_n_u8(value), vdupq_n_u8(value)}; }
FEWBITS_INLINE void store(u8x32 v, std::uint8_t* target) {
    vst1q_u8(target, v.lo);
    vst1q_u8(target + 16, v.hi);
}
FEWBITS_INLINE u8x32 operator+(u8x32 a, u8x32 b) { return {vaddq_u8(a.lo, b.lo), vaddq_u8(a.hi, b.hi)}; }
FEWBITS_INLINE u8x32 operator-(u8x32 a, u8x32 b) { return {vsubq_u8(a.lo, b.lo), vsubq_u8(a.hi, b.hi)}; }
FEWBITS_INLINE u8x32 add_saturate(u8x32 a, u8x32 b) { return {vqaddq_u8(a.lo, b.lo), vqaddq_u8(a.hi, b.hi)}; }
FEWBITS_INLINE u8x32 sub_saturate(u8x32 a, u8x32 b) { return {vqsubq_u8(a.lo, b.lo), vqsubq_u8(a.hi, b.hi)}; }
FEWBITS_INLINE u8x32 min(u8x32 a, u8x32 b) { return {vminq_u8(a.lo, b.lo), vminq_u8(a.hi, b.hi)}; }
FEWBITS_INLINE u8x32 max(u8x32 a, u8x32 b) { return {vmaxq_u8(a.lo, b.lo), vmaxq_u8(a.hi, b.hi)}; }
FEWBITS_INLINE u8x32 operator&(u8x32 a, u8x32 b) { return {vandq_u8(a.lo, b.lo), vandq_u8(a.hi, b.hi)}; }
FEWBITS_INLINE u8x32 operator|(u8x32 a, u8x32 b) { return {vorrq_u8(a.lo, b.lo), vorrq_u8(a.hi, b.hi)}; }
FEWBITS_INLINE u8x32 operator^(u8x32 a, u8x32 b) { return {veorq_u8(a.lo, b.lo), veorq_u8(a.hi, b.hi)}; }
FEWBITS_INLINE u8x32 operator~(u8x32 a) { return {vmvnq_u8(a.lo), vmvnq_u8(a.hi)}; }
FEWBITS_INLINE u8x32 shift_left(u8x32 a, unsigned count) {
    const int8x16_t n = vdupq_n_s8(static_cast<std::int8_t>(std::min(count, 8U)));
    return {vshlq_u8(a.lo, n), vshlq_u8(a.hi, n)};
}
FEWBITS_INLINE u8x32 shift_right(u8x32 a, unsigned count) {
    const int8x16_t n = vdupq_n_s8(static_cast<std::int8_t>(-static_cast<int>(std::min(count, 8U))));
    return {vshlq_u8(a.lo, n), vshlq_u8(a.hi, n)};
}
FEWBITS_INLINE mask<32> operator==(u8x32 a, u8x32 b) {
    return detail::make_mask(vceqq_u8(a.lo, b.lo), vceqq_u8(a.hi, b.hi));
}
FEWBITS_INLINE mask<32> operator>(u8x32 a, u8x32 b) {
    return detail::make_mask(vcgtq_u8(a.lo, b.lo), vcgtq_u8(a.hi, b.hi));
}
FEWBITS_INLINE u8x32 select(mask<32> m, u8x32 a, u8x32 b) {
    return {vbslq_u8(m.lo, a.lo, b.lo), vbslq_u8(m.hi, a.hi, b.hi)};
}
FEWBITS_INLINE u8x32 broadcast16(const std::uint8_t* source) { return {vld1q_u8(source), vld1q_u8(source)}; }
FEWBITS_INLINE u8x32 lookup16(u8x32 table, u8x32 index) {
    const uint8x16_t used = vdupq_n_u8(0x8f);
    return {vqtbl1q_u8(table.lo, vandq_u8(index.lo, used)), vqtbl1q_u8(table.hi, vandq_u8(index.hi, used))};
}
FEWBITS_INLINE i16x16 widen_low(u8x32 a) {
    return {vreinterpretq_s16_u16(vmovl_u8(vget_low_u8(a.lo))), vreinterpretq_s16_u16(vmovl_high_u8(a.lo))};
}
FEWBITS_INLINE i16x16 widen_high(u8x32 a) {
    return {vreinterpretq_s16_u16(vmovl_u8(vget_low_u8(a.hi))), vreinterpretq_s16_u16(vmovl_high_u8(a.hi))};
}
FEWBITS_INLINE u8x32 pack_u8(i16x16 a, i16x16 b) {
    return {vqmovun_high_s16(vqmovun_s16(a.lo), a.hi), vqmovun_high_s16(vqmovun_s16(b.lo), b.hi)};
}

#else

FEWBITS_INLINE u8x32 u8x32::load(const std::uint8_t* source) {
    return detail::generate<u8x32>([&](std::size_t i) { return source[i]; });
}
FEWBITS_INLINE u8x32 u8x32::broadcast(std::uint8_t value) {
    return detail::generate<u8x32>([&](std::size_t) { return value; });
}
FEWBITS_INLINE void store(u8x32 v, std::uint8_t* target) {
    for (std::size_t i = 0; i < 32; ++i) target[i] = v.lane[i];
}
FEWBITS_INLINE u8x32 operator+(u8x32 a, u8x32 b) {
    return detail::generate<u8x32>(
        [&](std::size_t i) { return static_cast<std::uint8_t>(a.lane[i] + b.lane[i]); });
}
FEWBITS_INLINE u8x32 operator-(u8x32 a, u8x32 b) {
    return detail::generate<u8x32>(
        [&](std::size_t i) { return static_cast<std::uint8_t>(a.lane[i] - b.lane[i]); });
}
FEWBITS_INLINE u8x32 add_saturate(u8x32 a, u8x32 b) {
    return detail::generate<u8x32>(
        [&](std::size_t i) { return static_cast<std::uint8_t>(std::min(a.lane[i] + b.lane[i], 255)); });
}
FEWBITS_INLINE u8x32 sub_saturate(u8x32 a, u8x32 b) {
    return detail::generate<u8x32>(
        [&](std::size_t i) { return static_cast<std::uint8_t>(std::max(a.lane[i] - b.lane[i], 0)); });
}
FEWBITS_INLINE u8x32 min(u8x32 a, u8x32 b) {
    return detail::generate<u8x32>([&](std::size_t i) { return std::min(a.lane[i], b.lane[i]); });
}
FEWBITS_INLINE u8x32 max(u8x32 a, u8x32 b) {
    return detail::generate<u8x32>([&](std::size_t i) { return std::max(a.lane[i], b.lane[i]); });
}
FEWBITS_INLINE u8x32 operator&(u8x32 a, u8x32 b) {
    return detail::generate<u8x32>(
        [&](std::size_t i) { return static_cast<u8x32::element>(a.lane[i] & b.lane[i]); });
}
FEWBITS_INLINE u8x32 operator|(u8x32 a, u8x32 b) {
    return detail::generate<u8x32>(
        [&](std::size_t i) { return static_cast<u8x32::element>(a.lane[i] | b.lane[i]); });
}
FEWBITS_INLINE u8x32 operator^(u8x32 a, u8x32 b) {
    return detail::generate<u8x32>(
        [&](std::size_t i) { return static_cast<u8x32::element>(a.lane[i] ^ b.lane[i]); });
}
FEWBITS_INLINE u8x32 operator~(u8x32 a) {
    return detail::generate<u8x32>([&](std::size_t i) { return static_cast<u8x32::element>(~a.lane[i]); });
}
FEWBITS_INLINE u8x32 shift_left(u8x32 a, unsigned count) {
    return detail::generate<u8x32>(
        [&](std::size_t i) { return static_cast<std::uint8_t>(a.lane[i] << std::min(count, 8U)); });
}
FEWBITS_INLINE u8x32 shift_right(u8x32 a, unsigned count) {
    return detail::generate<u8x32>(
        [&](std::size_t i) { return static_cast<std::uint8_t>(a.lane[i] >> std::min(count, 8U)); });
}
FEWBITS_INLINE mask<32> operator==(u8x32 a, u8x32 b) {
    return detail::generate<mask<32> >([&](std::size_t i) { return a.lane[i] == b.lane[i]; });
}
FEWBITS_INLINE mask<32> operator>(u8x32 a, u8x32 b) {
    return detail::generate<mask<32> >([&](std::size_t i) { return a.lane[i] > b.lane[i]; });
}
FEWBITS_INLINE u8x32 select(mask<32> m, u8x32 a, u8x32 b) {
    return detail::generate<u8x32>([&](std::size_t i) { return m.lane[i] ? a.lane[i] : b.lane[i]; });
}
FEWBITS_INLINE u8x32 broadcast16(const std::uint8_t* source) {
    return detail::generate<u8x32>([&](std::size_t i) { return source[i % 16]; });
}
FEWBITS_INLINE u8x32 lookup16(u8x32 table, u8x32 index) {
    return detail::generate<u8x32>([&](std::size_t i) {
        return static_cast<std::uint8_t>(index.lane[i] < 128 ? table.lane[i / 16 * 16 + index.lane[i] % 16]
                                                             : 0);
    });
}
FEWBITS_INLINE i16x16 widen_low(u8x32 a) {
    return detail::generate<i16x16>([&](std::size_t i) { return std::int16_t{a.lane[i]}; });
}
FEWBITS_INLINE i16x16 widen_high(u8x32 a) {
    return detail::generate<i16x16>([&](std::size_t i) { return std::int16_t{a.lane[i + 16]}; });
}
FEWBITS_INLINE u8x32 pack_u8(i16x16 a, i16x16 b) {
    return detail::generate<u8x32>([&](std::size_t i) {
        return static_cast<std::uint8_t>(std::clamp<int>(i < 16 ? a.lane[i] : b.lane[i - 16], 0, 255));
    });
}

#endif

FEWBITS_INLINE u8x32 u8x32::load_partial(const std::uint8_t* source, std::size_t count) {
    return detail::load_partial<u8x32>(source, count);
}
FEWBITS_INLINE void store_partial(u8x32 v, std::uint8_t* target, std::size_t count) {
    detail::store_partial(v, target, count);
}

}  // namespace simd
}  // namespace FEWBITS_ISA
}  // namespace fewbits
