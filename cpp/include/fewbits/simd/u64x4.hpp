// Four uint64 lanes, arithmetic modulo 2^64.
//
//   shift_left, shift_right
//                      by one count or by a count per lane; counts of 64 and more give 0
//   mul_low32(a, b)    32 x 32 -> 64 bits: the products of the low halves
//   a * b              the low 64 bits of the products
//   keep(m, a)         a where the mask is true, else 0
//   greater_below_2_63(a, b)
//                      a > b for lanes below 2^63, where it is cheaper on x86
//   store_low32(a, to) the low halves, as four uint32
//   store_interleaved32(a, b, to)
//                      a[0] b[0] a[1] b[1] ... as sixteen uint32, low halves first
//   sum(a)             modulo 2^64
#pragma once

#include <algorithm>
#include <cstdint>

#include "fewbits/simd/mask.hpp"

namespace fewbits {
inline namespace FEWBITS_ISA {
namespace simd {

struct u64x4 {
    using element = std::uint64_t;
    static constexpr std::size_t size = 4;

    static u64x4 load(const std::uint64_t* source);
    static u64x4 load_partial(const std::uint64_t* source, std::size_t count);
    static u64x4 zero() { return broadcast(0); }
    static u64x4 broadcast(std::uint64_t value);

#if FEWBITS_HAVE_AVX2
    __m256i v;
#elif FEWBITS_HAVE_NEON
    uint64x2_t lo, hi;
#else
    std::uint64_t lane[4];
#endif
};

#if FEWBITS_HAVE_AVX2

FEWBITS_INLINE u64x4 u64x4::load(const std::uint64_t* source) {
    return {_mm256_loadu_si256(reinterpret_cast<const __m256i*>(source))};
}
FEWBITS_INLINE u64x4 u64x4::broadcast(std::uint64_t value) {
    return {_mm256_set1_epi64x(static_cast<long long>(value))};
}
FEWBITS_INLINE void store(u64x4 v, std::uint64_t* target) {
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(target), v.v);
}
FEWBITS_INLINE u64x4 operator+(u64x4 a, u64x4 b) { return {_mm256_add_epi64(a.v, b.v)}; }
FEWBITS_INLINE u64x4 operator-(u64x4 a, u64x4 b) { return {_mm256_sub_epi64(a.v, b.v)}; }
FEWBITS_INLINE u64x4 operator&(u64x4 a, u64x4 b) { return {_mm256_and_si256(a.v, b.v)}; }
FEWBITS_INLINE u64x4 operator|(u64x4 a, u64x4 b) { return {_mm256_or_si256(a.v, b.v)}; }
FEWBITS_INLINE u64x4 operator^(u64x4 a, u64x4 b) { return {_mm256_xor_si256(a.v, b.v)}; }
FEWBITS_INLINE u64x4 operator~(u64x4 a) { return {_mm256_xor_si256(a.v, _mm256_set1_epi32(-1))}; }
FEWBITS_INLINE u64x4 shift_left(u64x4 a, unsigned count) {
    return {_mm256_sll_epi64(a.v, _mm_cvtsi32_si128(static_cast<int>(count)))};
}
FEWBITS_INLINE u64x4 shift_right(u64x4 a, unsigned count) {
    return {_mm256_srl_epi64(a.v, _mm_cvtsi32_si128(static_cast<int>(count)))};
}
FEWBITS_INLINE u64x4 shift_left(u64x4 a, u64x4 counts) { return {_mm256_sllv_epi64(a.v, counts.v)}; }
FEWBITS_INLINE u64x4 shift_right(u64x4 a, u64x4 counts) { return {_mm256_srlv_epi64(a.v, counts.v)}; }
FEWBITS_INLINE mask<4> operator==(u64x4 a, u64x4 b) { return {_mm256_cmpeq_epi64(a.v, b.v)}; }
// The comparison is signed: flipped sign bits make it unsigned.
FEWBITS_INLINE mask<4> operator>(u64x4 a, u64x4 b) {
    const __m256i flip = _mm256_set1_epi64x(INT64_MIN);
    return {_mm256_cmpgt_epi64(_mm256_xor_si256(a.v, flip), _mm256_xor_si256(b.v, flip))};
}
FEWBITS_INLINE u64x4 select(mask<4> m, u64x4 a, u64x4 b) { return {_mm256_blendv_epi8(b.v, a.v, m.v)}; }
FEWBITS_INLINE u64x4 mul_low32(u64x4 a, u64x4 b) { return {_mm256_mul_epu32(a.v, b.v)}; }
FEWBITS_INLINE u64x4 keep(mask<4> m, u64x4 a) { return {_mm256_and_si256(m.v, a.v)}; }
FEWBITS_INLINE mask<4> greater_below_2_63(u64x4 a, u64x4 b) { return {_mm256_cmpgt_epi64(a.v, b.v)}; }
FEWBITS_INLINE void store_low32(u64x4 a, std::uint32_t* to) {
    const __m256i low = _mm256_permutevar8x32_epi32(a.v, _mm256_setr_epi32(0, 2, 4, 6, 0, 0, 0, 0));
    _mm_storeu_si128(reinterpret_cast<__m128i*>(to), _mm256_castsi256_si128(low));
}
FEWBITS_INLINE void store_interleaved32(u64x4 a, u64x4 b, std::uint32_t* to) {
    const __m256i even = _mm256_unpacklo_epi64(a.v, b.v), odd = _mm256_unpackhi_epi64(a.v, b.v);
    __m256i* const out = reinterpret_cast<__m256i*>(to);
    _mm256_storeu_si256(out, _mm256_permute2x128_si256(even, odd, 0x20));
    _mm256_storeu_si256(out + 1, _mm256_permute2x128_si256(even, odd, 0x31));
}

#elif FEWBITS_HAVE_NEON

namespace detail {
// vshlq reads the low byte of a count, as signed.
FEWBITS_INLINE int64x2_t clamp_counts(uint64x2_t counts) {
    const uint64x2_t most = vdupq_n_u64(64);
    return vreinterpretq_s64_u64(vbslq_u64(vcltq_u64(counts, most), counts, most));
}
}  // namespace detail

FEWBITS_INLINE u64x4 u64x4::load(const std::uint64_t* source) {
    return {vld1q_u64(source), vld1q_u64(source + 2)};
}
FEWBITS_INLINE u64x4 u64x4::broadcast(std::uint64_t value) {
    return {vdupq_n_u64(value), vdupq_n_u64(value)};
}
FEWBITS_INLINE void store(u64x4 v, std::uint64_t* target) {
    vst1q_u64(target, v.lo);
    vst1q_u64(target + 2, v.hi);
}
FEWBITS_INLINE u64x4 operator+(u64x4 a, u64x4 b) { return {vaddq_u64(a.lo, b.lo), vaddq_u64(a.hi, b.hi)}; }
FEWBITS_INLINE u64x4 operator-(u64x4 a, u64x4 b) { return {vsubq_u64(a.lo, b.lo), vsubq_u64(a.hi, b.hi)}; }
FEWBITS_INLINE u64x4 operator&(u64x4 a, u64x4 b) { return {vandq_u64(a.lo, b.lo), vandq_u64(a.hi, b.hi)}; }
FEWBITS_INLINE u64x4 operator|(u64x4 a, u64x4 b) { return {vorrq_u64(a.lo, b.lo), vorrq_u64(a.hi, b.hi)}; }
FEWBITS_INLINE u64x4 operator^(u64x4 a, u64x4 b) { return {veorq_u64(a.lo, b.lo), veorq_u64(a.hi, b.hi)}; }
FEWBITS_INLINE u64x4 operator~(u64x4 a) {
    return {vreinterpretq_u64_u8(vmvnq_u8(vreinterpretq_u8_u64(a.lo))),
            vreinterpretq_u64_u8(vmvnq_u8(vreinterpretq_u8_u64(a.hi)))};
}
FEWBITS_INLINE u64x4 shift_left(u64x4 a, unsigned count) {
    const int64x2_t n = vdupq_n_s64(std::min(count, 64U));
    return {vshlq_u64(a.lo, n), vshlq_u64(a.hi, n)};
}
FEWBITS_INLINE u64x4 shift_right(u64x4 a, unsigned count) {
    const int64x2_t n = vdupq_n_s64(-static_cast<std::int64_t>(std::min(count, 64U)));
    return {vshlq_u64(a.lo, n), vshlq_u64(a.hi, n)};
}
FEWBITS_INLINE u64x4 shift_left(u64x4 a, u64x4 counts) {
    return {vshlq_u64(a.lo, detail::clamp_counts(counts.lo)),
            vshlq_u64(a.hi, detail::clamp_counts(counts.hi))};
}
FEWBITS_INLINE u64x4 shift_right(u64x4 a, u64x4 counts) {
    return {vshlq_u64(a.lo, vnegq_s64(detail::clamp_counts(counts.lo))),
            vshlq_u64(a.hi, vnegq_s64(detail::clamp_counts(counts.hi)))};
}
FEWBITS_INLINE mask<4> operator==(u64x4 a, u64x4 b) {
    return detail::make_mask(vceqq_u64(a.lo, b.lo), vceqq_u64(a.hi, b.hi));
}
FEWBITS_INLINE mask<4> operator>(u64x4 a, u64x4 b) {
    return detail::make_mask(vcgtq_u64(a.lo, b.lo), vcgtq_u64(a.hi, b.hi));
}
FEWBITS_INLINE u64x4 select(mask<4> m, u64x4 a, u64x4 b) {
    return {vbslq_u64(vreinterpretq_u64_u8(m.lo), a.lo, b.lo),
            vbslq_u64(vreinterpretq_u64_u8(m.hi), a.hi, b.hi)};
}
FEWBITS_INLINE u64x4 mul_low32(u64x4 a, u64x4 b) {
    return {vmull_u32(vmovn_u64(a.lo), vmovn_u64(b.lo)), vmull_u32(vmovn_u64(a.hi), vmovn_u64(b.hi))};
}
FEWBITS_INLINE u64x4 keep(mask<4> m, u64x4 a) {
    return {vandq_u64(vreinterpretq_u64_u8(m.lo), a.lo), vandq_u64(vreinterpretq_u64_u8(m.hi), a.hi)};
}
FEWBITS_INLINE mask<4> greater_below_2_63(u64x4 a, u64x4 b) { return a > b; }
FEWBITS_INLINE void store_low32(u64x4 a, std::uint32_t* to) {
    vst1q_u32(to, vcombine_u32(vmovn_u64(a.lo), vmovn_u64(a.hi)));
}
FEWBITS_INLINE void store_interleaved32(u64x4 a, u64x4 b, std::uint32_t* to) {
    vst1q_u32(to, vreinterpretq_u32_u64(vzip1q_u64(a.lo, b.lo)));
    vst1q_u32(to + 4, vreinterpretq_u32_u64(vzip2q_u64(a.lo, b.lo)));
    vst1q_u32(to + 8, vreinterpretq_u32_u64(vzip1q_u64(a.hi, b.hi)));
    vst1q_u32(to + 12, vreinterpretq_u32_u64(vzip2q_u64(a.hi, b.hi)));
}

#else

FEWBITS_INLINE u64x4 u64x4::load(const std::uint64_t* source) {
    return detail::generate<u64x4>([&](std::size_t i) { return source[i]; });
}
FEWBITS_INLINE u64x4 u64x4::broadcast(std::uint64_t value) {
    return detail::generate<u64x4>([&](std::size_t) { return value; });
}
FEWBITS_INLINE void store(u64x4 v, std::uint64_t* target) {
    for (std::size_t i = 0; i < 4; ++i) target[i] = v.lane[i];
}
FEWBITS_INLINE u64x4 operator+(u64x4 a, u64x4 b) {
    return detail::generate<u64x4>([&](std::size_t i) { return a.lane[i] + b.lane[i]; });
}
FEWBITS_INLINE u64x4 operator-(u64x4 a, u64x4 b) {
    return detail::generate<u64x4>([&](std::size_t i) { return a.lane[i] - b.lane[i]; });
}
FEWBITS_INLINE u64x4 operator&(u64x4 a, u64x4 b) {
    return detail::generate<u64x4>(
        [&](std::size_t i) { return static_cast<u64x4::element>(a.lane[i] & b.lane[i]); });
}
FEWBITS_INLINE u64x4 operator|(u64x4 a, u64x4 b) {
    return detail::generate<u64x4>(
        [&](std::size_t i) { return static_cast<u64x4::element>(a.lane[i] | b.lane[i]); });
}
FEWBITS_INLINE u64x4 operator^(u64x4 a, u64x4 b) {
    return detail::generate<u64x4>(
        [&](std::size_t i) { return static_cast<u64x4::element>(a.lane[i] ^ b.lane[i]); });
}
FEWBITS_INLINE u64x4 operator~(u64x4 a) {
    return detail::generate<u64x4>([&](std::size_t i) { return static_cast<u64x4::element>(~a.lane[i]); });
}
FEWBITS_INLINE u64x4 shift_left(u64x4 a, unsigned count) {
    return detail::generate<u64x4>([&](std::size_t i) { return count < 64 ? a.lane[i] << count : 0; });
}
FEWBITS_INLINE u64x4 shift_right(u64x4 a, unsigned count) {
    return detail::generate<u64x4>([&](std::size_t i) { return count < 64 ? a.lane[i] >> count : 0; });
}
FEWBITS_INLINE u64x4 shift_left(u64x4 a, u64x4 counts) {
    return detail::generate<u64x4>(
        [&](std::size_t i) { return counts.lane[i] < 64 ? a.lane[i] << counts.lane[i] : 0; });
}
FEWBITS_INLINE u64x4 shift_right(u64x4 a, u64x4 counts) {
    return detail::generate<u64x4>(
        [&](std::size_t i) { return counts.lane[i] < 64 ? a.lane[i] >> counts.lane[i] : 0; });
}
FEWBITS_INLINE mask<4> operator==(u64x4 a, u64x4 b) {
    return detail::generate<mask<4> >([&](std::size_t i) { return a.lane[i] == b.lane[i]; });
}
FEWBITS_INLINE mask<4> operator>(u64x4 a, u64x4 b) {
    return detail::generate<mask<4> >([&](std::size_t i) { return a.lane[i] > b.lane[i]; });
}
FEWBITS_INLINE u64x4 select(mask<4> m, u64x4 a, u64x4 b) {
    return detail::generate<u64x4>([&](std::size_t i) { return m.lane[i] ? a.lane[i] : b.lane[i]; });
}
FEWBITS_INLINE u64x4 mul_low32(u64x4 a, u64x4 b) {
    return detail::generate<u64x4>(
        [&](std::size_t i) { return (a.lane[i] & 0xffffffffU) * (b.lane[i] & 0xffffffffU); });
}
FEWBITS_INLINE u64x4 keep(mask<4> m, u64x4 a) {
    return detail::generate<u64x4>([&](std::size_t i) { return m.lane[i] ? a.lane[i] : 0; });
}
FEWBITS_INLINE mask<4> greater_below_2_63(u64x4 a, u64x4 b) { return a > b; }
FEWBITS_INLINE void store_low32(u64x4 a, std::uint32_t* to) {
    for (std::size_t i = 0; i < 4; ++i) to[i] = static_cast<std::uint32_t>(a.lane[i]);
}
FEWBITS_INLINE void store_interleaved32(u64x4 a, u64x4 b, std::uint32_t* to) {
    for (std::size_t i = 0; i < 4; ++i) {
        to[4 * i] = static_cast<std::uint32_t>(a.lane[i]);
        to[4 * i + 1] = static_cast<std::uint32_t>(a.lane[i] >> 32);
        to[4 * i + 2] = static_cast<std::uint32_t>(b.lane[i]);
        to[4 * i + 3] = static_cast<std::uint32_t>(b.lane[i] >> 32);
    }
}

#endif

FEWBITS_INLINE u64x4 u64x4::load_partial(const std::uint64_t* source, std::size_t count) {
    return detail::load_partial<u64x4>(source, count);
}
FEWBITS_INLINE void store_partial(u64x4 v, std::uint64_t* target, std::size_t count) {
    detail::store_partial(v, target, count);
}
// No instruction set here has it for 64 bits: schoolbook in 32-bit halves, less the part above 2^64.
FEWBITS_INLINE u64x4 operator*(u64x4 a, u64x4 b) {
    const u64x4 crossed = mul_low32(shift_right(a, 32), b) + mul_low32(a, shift_right(b, 32));
    return mul_low32(a, b) + shift_left(crossed, 32);
}
// Modulo 2^64, where the order does not matter.
FEWBITS_INLINE std::uint64_t sum(u64x4 a) {
    std::uint64_t lanes[4];
    store(a, lanes);
    return lanes[0] + lanes[1] + lanes[2] + lanes[3];
}

}  // namespace simd
}  // namespace FEWBITS_ISA
}  // namespace fewbits
