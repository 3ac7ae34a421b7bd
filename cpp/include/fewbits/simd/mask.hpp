// The result of comparing vectors: one truth value per lane. mask<8> belongs to f32x8, i32x8 and u32x8,
// mask<4> to the 64-bit types, mask<16> and mask<32> to i16x16 and u8x32.
//
//   & | ^ ~       lane by lane
//   any all none  over the lanes
//   bits          lane i as bit i
#pragma once

#include <cstdint>

#include "fewbits/simd/detail/common.hpp"

namespace fewbits {
inline namespace FEWBITS_ISA {
namespace simd {

template <std::size_t Lanes>
struct mask {
    static_assert(Lanes == 4 || Lanes == 8 || Lanes == 16 || Lanes == 32);
    static constexpr std::size_t size = Lanes;
#if FEWBITS_HAVE_AVX2
    __m256i v;  // Invariant: every lane is all ones or all zeros
#elif FEWBITS_HAVE_NEON
    uint8x16_t lo, hi;  // Invariant: every lane is all ones or all zeros
#else
    bool lane[Lanes];
#endif
};

#if FEWBITS_HAVE_AVX2

template <std::size_t N>
FEWBITS_INLINE mask<N> operator&(mask<N> a, mask<N> b) {
    return {_mm256_and_si256(a.v, b.v)};
}
template <std::size_t N>
FEWBITS_INLINE mask<N> operator|(mask<N> a, mask<N> b) {
    return {_mm256_or_si256(a.v, b.v)};
}
template <std::size_t N>
FEWBITS_INLINE mask<N> operator^(mask<N> a, mask<N> b) {
    return {_mm256_xor_si256(a.v, b.v)};
}
template <std::size_t N>
FEWBITS_INLINE mask<N> operator~(mask<N> a) {
    return {_mm256_xor_si256(a.v, _mm256_set1_epi32(-1))};
}
template <std::size_t N>
FEWBITS_INLINE bool any(mask<N> a) {
    return _mm256_testz_si256(a.v, a.v) == 0;
}
template <std::size_t N>
FEWBITS_INLINE bool all(mask<N> a) {
    return _mm256_testc_si256(a.v, _mm256_set1_epi32(-1)) != 0;
}
template <std::size_t N>
FEWBITS_INLINE std::uint32_t bits(mask<N> a) {
    if constexpr (N == 4) {
        return static_cast<std::uint32_t>(_mm256_movemask_pd(_mm256_castsi256_pd(a.v)));
    } else if constexpr (N == 8) {
        return static_cast<std::uint32_t>(_mm256_movemask_ps(_mm256_castsi256_ps(a.v)));
    } else if constexpr (N == 16) {
        const __m128i bytes = _mm_packs_epi16(_mm256_castsi256_si128(a.v), _mm256_extracti128_si256(a.v, 1));
        return static_cast<std::uint32_t>(_mm_movemask_epi8(bytes));
    } else {
        return static_cast<std::uint32_t>(_mm256_movemask_epi8(a.v));
    }
}

#elif FEWBITS_HAVE_NEON

namespace detail {
FEWBITS_INLINE mask<4> make_mask(uint64x2_t lo, uint64x2_t hi) {
    return {vreinterpretq_u8_u64(lo), vreinterpretq_u8_u64(hi)};
}
FEWBITS_INLINE mask<8> make_mask(uint32x4_t lo, uint32x4_t hi) {
    return {vreinterpretq_u8_u32(lo), vreinterpretq_u8_u32(hi)};
}
FEWBITS_INLINE mask<16> make_mask(uint16x8_t lo, uint16x8_t hi) {
    return {vreinterpretq_u8_u16(lo), vreinterpretq_u8_u16(hi)};
}
FEWBITS_INLINE mask<32> make_mask(uint8x16_t lo, uint8x16_t hi) { return {lo, hi}; }
}  // namespace detail

template <std::size_t N>
FEWBITS_INLINE mask<N> operator&(mask<N> a, mask<N> b) {
    return {vandq_u8(a.lo, b.lo), vandq_u8(a.hi, b.hi)};
}
template <std::size_t N>
FEWBITS_INLINE mask<N> operator|(mask<N> a, mask<N> b) {
    return {vorrq_u8(a.lo, b.lo), vorrq_u8(a.hi, b.hi)};
}
template <std::size_t N>
FEWBITS_INLINE mask<N> operator^(mask<N> a, mask<N> b) {
    return {veorq_u8(a.lo, b.lo), veorq_u8(a.hi, b.hi)};
}
template <std::size_t N>
FEWBITS_INLINE mask<N> operator~(mask<N> a) {
    return {vmvnq_u8(a.lo), vmvnq_u8(a.hi)};
}
template <std::size_t N>
FEWBITS_INLINE bool any(mask<N> a) {
    return vmaxvq_u8(vorrq_u8(a.lo, a.hi)) != 0;
}
template <std::size_t N>
FEWBITS_INLINE bool all(mask<N> a) {
    return vminvq_u8(vandq_u8(a.lo, a.hi)) != 0;
}
template <std::size_t N>
FEWBITS_INLINE std::uint32_t bits(mask<N> a) {
    // Narrow to one byte per lane, then add the bytes weighted by powers of two.
    uint8x16_t bytes = a.lo;
    if constexpr (N <= 16) {
        const uint8x8_t zero = vdup_n_u8(0);
        const uint8x16_t halves =
            vcombine_u8(vmovn_u16(vreinterpretq_u16_u8(a.lo)), vmovn_u16(vreinterpretq_u16_u8(a.hi)));
        bytes = halves;
        if constexpr (N <= 8) bytes = vcombine_u8(vmovn_u16(vreinterpretq_u16_u8(bytes)), zero);
        if constexpr (N <= 4) bytes = vcombine_u8(vmovn_u16(vreinterpretq_u16_u8(bytes)), zero);
    }
    static constexpr std::uint8_t powers[16] = {1, 2, 4, 8, 16, 32, 64, 128, 1, 2, 4, 8, 16, 32, 64, 128};
    const uint8x16_t weights = vld1q_u8(powers);
    const auto sixteen = [&](uint8x16_t lanes) {
        const uint8x16_t weighted = vandq_u8(lanes, weights);
        return std::uint32_t{vaddv_u8(vget_low_u8(weighted))} |
               std::uint32_t{vaddv_u8(vget_high_u8(weighted))} << 8;
    };
    if constexpr (N == 32) return sixteen(a.lo) | sixteen(a.hi) << 16;
    return sixteen(bytes);
}

#else

template <std::size_t N>
FEWBITS_INLINE mask<N> operator&(mask<N> a, mask<N> b) {
    return detail::generate<mask<N> >([&](std::size_t i) { return a.lane[i] && b.lane[i]; });
}
template <std::size_t N>
FEWBITS_INLINE mask<N> operator|(mask<N> a, mask<N> b) {
    return detail::generate<mask<N> >([&](std::size_t i) { return a.lane[i] || b.lane[i]; });
}
template <std::size_t N>
FEWBITS_INLINE mask<N> operator^(mask<N> a, mask<N> b) {
    return detail::generate<mask<N> >([&](std::size_t i) { return a.lane[i] != b.lane[i]; });
}
template <std::size_t N>
FEWBITS_INLINE mask<N> operator~(mask<N> a) {
    return detail::generate<mask<N> >([&](std::size_t i) { return !a.lane[i]; });
}
template <std::size_t N>
FEWBITS_INLINE std::uint32_t bits(mask<N> a) {
    std::uint32_t result = 0;
    for (std::size_t i = 0; i < N; ++i) result |= std::uint32_t{a.lane[i]} << i;
    return result;
}
template <std::size_t N>
FEWBITS_INLINE bool any(mask<N> a) {
    return bits(a) != 0;
}
template <std::size_t N>
FEWBITS_INLINE bool all(mask<N> a) {
    return bits(~a) == 0;
}

#endif

template <std::size_t N>
FEWBITS_INLINE bool none(mask<N> a) {
    return !any(a);
}

}  // namespace simd
}  // namespace FEWBITS_ISA
}  // namespace fewbits
