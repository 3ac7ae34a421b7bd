// Eight uint64 sums of products of 32-bit lanes, and what else piecewise linear tables in fixed point need.
//
//   multiply_add(sum, a, b)  sum + a b with 64-bit products of lanes read as unsigned
//   narrow_right<Count>(sum) the low 32 bits of sum >> Count, Count in 1..32, as i32x8
//   lookup_pair(table, index)
//                            table[index[i]] and table[index[i] + 1]; the caller vouches for the indices
//   truncate_in_range(x)     towards zero; x must lie in (-2^31, 2^31): one instruction where truncate_i32 of
//                            simd/i32x8.hpp takes five
//   divide_exactly(a, b)     the float32 quotients, whatever the compiler's flags: the instruction itself, or
//   by
//                            way of float64, which flags do not turn into estimates (53 >= 2 * 24 + 2 bits,
//                            so the second rounding changes nothing). Quotients must be normal
//
// The order of the lanes inside the register pair is private: even and odd ones with AVX2, low and high ones
// with NEON.
#pragma once

#include <cstdint>

#include "fewbits/core/isa.hpp"
#include "fewbits/simd/f32x8.hpp"
#include "fewbits/simd/f64x4.hpp"
#include "fewbits/simd/i32x8.hpp"
#include "fewbits/simd/mask.hpp"

namespace fewbits {
inline namespace FEWBITS_ISA {
namespace simd {

struct u64x8 {
    static u64x8 zero();

#if FEWBITS_HAVE_AVX2
    __m256i even, odd;
#elif FEWBITS_HAVE_NEON
    uint64x2_t part[4];
#else
    std::uint64_t lane[8];
#endif
};

struct Pair8 {
    i32x8 first, second;
};

#if FEWBITS_HAVE_AVX2

FEWBITS_INLINE u64x8 u64x8::zero() { return {_mm256_setzero_si256(), _mm256_setzero_si256()}; }
FEWBITS_INLINE u64x8 multiply_add(u64x8 sum, i32x8 a, i32x8 b) {
    const __m256i even = _mm256_mul_epu32(a.v, b.v);
    const __m256i odd = _mm256_mul_epu32(_mm256_srli_epi64(a.v, 32), _mm256_srli_epi64(b.v, 32));
    return {_mm256_add_epi64(sum.even, even), _mm256_add_epi64(sum.odd, odd)};
}
template <int Count>
FEWBITS_INLINE i32x8 narrow_right(u64x8 sum) {
    return {
        _mm256_blend_epi32(_mm256_srli_epi64(sum.even, Count), _mm256_slli_epi64(sum.odd, 32 - Count), 0xaa)};
}
FEWBITS_INLINE Pair8 lookup_pair(const std::uint32_t* table, i32x8 index) {
#if defined(FEWBITS_USE_GATHER)
    const auto base = reinterpret_cast<const long long*>(table);
    const __m128i low4 = _mm256_castsi256_si128(index.v), high4 = _mm256_extracti128_si256(index.v, 1);
    const __m256 x = _mm256_castsi256_ps(_mm256_i32gather_epi64(base, low4, 4));
    const __m256 y = _mm256_castsi256_ps(_mm256_i32gather_epi64(base, high4, 4));
    const __m256 xy = _mm256_permute2f128_ps(x, y, 0x20), zw = _mm256_permute2f128_ps(x, y, 0x31);
    return {{_mm256_castps_si256(_mm256_shuffle_ps(xy, zw, 0x88))},
            {_mm256_castps_si256(_mm256_shuffle_ps(xy, zw, 0xdd))}};
#else
    // Scalar loads of 64 bits, for the reasons given in simd/u32x8.hpp.
    const __m128i low = _mm256_castsi256_si128(index.v), high = _mm256_extracti128_si256(index.v, 1);
    const auto two = [table](std::uint64_t at) {
        const __m128i first = _mm_loadl_epi64(reinterpret_cast<const __m128i*>(table + (at & 0xffffffffU)));
        return _mm_castps_si128(
            _mm_loadh_pi(_mm_castsi128_ps(first), reinterpret_cast<const __m64*>(table + (at >> 32))));
    };
    const __m128i a = two(static_cast<std::uint64_t>(_mm_cvtsi128_si64(low)));
    const __m128i b = two(static_cast<std::uint64_t>(_mm_extract_epi64(low, 1)));
    const __m128i c = two(static_cast<std::uint64_t>(_mm_cvtsi128_si64(high)));
    const __m128i d = two(static_cast<std::uint64_t>(_mm_extract_epi64(high, 1)));
    const __m256 ac = _mm256_castsi256_ps(_mm256_inserti128_si256(_mm256_castsi128_si256(a), c, 1));
    const __m256 bd = _mm256_castsi256_ps(_mm256_inserti128_si256(_mm256_castsi128_si256(b), d, 1));
    return {{_mm256_castps_si256(_mm256_shuffle_ps(ac, bd, 0x88))},
            {_mm256_castps_si256(_mm256_shuffle_ps(ac, bd, 0xdd))}};
#endif
}
FEWBITS_INLINE i32x8 truncate_in_range(f32x8 x) { return {_mm256_cvttps_epi32(x.v)}; }

#elif FEWBITS_HAVE_NEON

FEWBITS_INLINE u64x8 u64x8::zero() {
    const uint64x2_t zero = vdupq_n_u64(0);
    return {{zero, zero, zero, zero}};
}
FEWBITS_INLINE u64x8 multiply_add(u64x8 sum, i32x8 a, i32x8 b) {
    const uint32x4_t al = vreinterpretq_u32_s32(a.lo), ah = vreinterpretq_u32_s32(a.hi);
    const uint32x4_t bl = vreinterpretq_u32_s32(b.lo), bh = vreinterpretq_u32_s32(b.hi);
    return {{vmlal_u32(sum.part[0], vget_low_u32(al), vget_low_u32(bl)), vmlal_high_u32(sum.part[1], al, bl),
             vmlal_u32(sum.part[2], vget_low_u32(ah), vget_low_u32(bh)),
             vmlal_high_u32(sum.part[3], ah, bh)}};
}
template <int Count>
FEWBITS_INLINE i32x8 narrow_right(u64x8 sum) {
    return {
        vreinterpretq_s32_u32(vcombine_u32(vshrn_n_u64(sum.part[0], Count), vshrn_n_u64(sum.part[1], Count))),
        vreinterpretq_s32_u32(
            vcombine_u32(vshrn_n_u64(sum.part[2], Count), vshrn_n_u64(sum.part[3], Count)))};
}
FEWBITS_INLINE Pair8 lookup_pair(const std::uint32_t* table, i32x8 index) {
    const auto two = [table](std::uint64_t at) {
        return vcombine_u32(vld1_u32(table + (at & 0xffffffffU)), vld1_u32(table + (at >> 32)));
    };
    const auto four = [two](int32x4_t at, int32x4_t& first, int32x4_t& second) {
        const uint32x4_t a = two(vgetq_lane_u64(vreinterpretq_u64_s32(at), 0));
        const uint32x4_t b = two(vgetq_lane_u64(vreinterpretq_u64_s32(at), 1));
        first = vreinterpretq_s32_u32(vuzp1q_u32(a, b));
        second = vreinterpretq_s32_u32(vuzp2q_u32(a, b));
    };
    Pair8 pair;
    four(index.lo, pair.first.lo, pair.second.lo);
    four(index.hi, pair.first.hi, pair.second.hi);
    return pair;
}
FEWBITS_INLINE i32x8 truncate_in_range(f32x8 x) { return {vcvtq_s32_f32(x.lo), vcvtq_s32_f32(x.hi)}; }

#else

FEWBITS_INLINE u64x8 u64x8::zero() {
    u64x8 sum;
    for (std::uint64_t& lane : sum.lane) lane = 0;
    return sum;
}
FEWBITS_INLINE u64x8 multiply_add(u64x8 sum, i32x8 a, i32x8 b) {
    for (std::size_t i = 0; i < 8; ++i) {
        sum.lane[i] +=
            std::uint64_t{static_cast<std::uint32_t>(a.lane[i])} * static_cast<std::uint32_t>(b.lane[i]);
    }
    return sum;
}
template <int Count>
FEWBITS_INLINE i32x8 narrow_right(u64x8 sum) {
    return detail::generate<i32x8>([&](std::size_t i) {
        return static_cast<std::int32_t>(static_cast<std::uint32_t>(sum.lane[i] >> Count));
    });
}
FEWBITS_INLINE Pair8 lookup_pair(const std::uint32_t* table, i32x8 index) {
    return {detail::generate<i32x8>(
                [&](std::size_t i) { return static_cast<std::int32_t>(table[index.lane[i]]); }),
            detail::generate<i32x8>(
                [&](std::size_t i) { return static_cast<std::int32_t>(table[index.lane[i] + 1]); })};
}
FEWBITS_INLINE i32x8 truncate_in_range(f32x8 x) {
    return detail::generate<i32x8>([&](std::size_t i) { return static_cast<std::int32_t>(x.lane[i]); });
}

#endif

FEWBITS_INLINE f32x8 divide_exactly(f32x8 a, f32x8 b) {
#if FEWBITS_HAVE_AVX2 && (defined(__GNUC__) || defined(__clang__))
    __m256 quotient;
    __asm__("vdivps %2, %1, %0" : "=x"(quotient) : "x"(a.v), "x"(b.v));
    return {quotient};
#elif FEWBITS_HAVE_NEON && (defined(__GNUC__) || defined(__clang__))
    f32x8 quotient;
    __asm__("fdiv %0.4s, %1.4s, %2.4s" : "=w"(quotient.lo) : "w"(a.lo), "w"(b.lo));
    __asm__("fdiv %0.4s, %1.4s, %2.4s" : "=w"(quotient.hi) : "w"(a.hi), "w"(b.hi));
    return quotient;
#else
    return value_barrier(
        narrow(value_barrier(widen_low(a) / widen_low(b)), value_barrier(widen_high(a) / widen_high(b))));
#endif
}

}  // namespace simd
}  // namespace FEWBITS_ISA
}  // namespace fewbits
