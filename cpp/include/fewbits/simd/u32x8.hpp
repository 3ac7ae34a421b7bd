// Eight uint32 lanes, arithmetic modulo 2^32.
//
//   shift_left, shift_right   by a constant, by one count below 32, or by a count below 32 per lane
//   multiply_high(a, b)       the high halves of the 64-bit products
//   keep(m, a)                a where the mask is true, else 0
//   value_barrier(a)          a, opaque to the optimiser (FEWBITS_VALUE_BARRIER)
//   lookup(table, index)      table[index[i]] from memory; the caller vouches for the indices
//   lookup_through(first, table, index, out)
//                             table[first[index[i]]], with first[index[i]] left in out[i]
//   lookup4(table, index)     the four fields of the 16-byte entries table[index[i]]
//   store_bytes, store_low_bytes      32 lanes as bytes: of lanes below 256, of any
//   expand_words, compress_words      what entropy coders move, see there
//
// Look-ups are scalar loads: AVX2's gather is no faster on CPUs where gathers are fast (decoding A32 on Zen 5
// ran at 0.7-0.95 of the speed with it) and several times slower where microcode guards them (gather data
// sampling). Define FEWBITS_USE_GATHER to have it.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "fewbits/core/bits.hpp"
#include "fewbits/core/error_free.hpp"
#include "fewbits/core/isa.hpp"
#include "fewbits/simd/mask.hpp"

namespace fewbits {
inline namespace FEWBITS_ISA {
namespace simd {

namespace detail {

// For each set of lanes (bit j: lane j), a byte shuffle that hands consecutive 16-bit words to these lanes in
// ascending order, as 32-bit numbers; 0 in the other lanes.
struct alignas(32) ExpandTable {
    std::uint8_t control[256][32];
};
constexpr ExpandTable make_expand_table() {
    ExpandTable table{};
    for (unsigned bits = 0; bits < 256; ++bits) {
        unsigned word = 0;
        for (unsigned lane = 0; lane < 8; ++lane) {
            const bool takes = ((bits >> lane) & 1U) != 0;
            for (unsigned byte = 0; byte < 4; ++byte) {
                table.control[bits][4 * lane + byte] =
                    static_cast<std::uint8_t>(takes && byte < 2 ? 2 * word + byte : 0x80);
            }
            word += takes ? 1U : 0U;
        }
    }
    return table;
}
inline constexpr ExpandTable expand_table = make_expand_table();

// The inverse: the words of the chosen lanes (of eight 16-bit words), moved together at the high end.
struct alignas(16) CompressTable {
    std::uint8_t control[256][16];
};
constexpr CompressTable make_compress_table() {
    CompressTable table{};
    for (unsigned bits = 0; bits < 256; ++bits) {
        unsigned at = 8;
        for (unsigned lane = 8; lane-- > 0;) {
            if (((bits >> lane) & 1U) == 0) continue;
            --at;
            table.control[bits][2 * at] = static_cast<std::uint8_t>(2 * lane);
            table.control[bits][2 * at + 1] = static_cast<std::uint8_t>(2 * lane + 1);
        }
        for (; at > 0; --at) table.control[bits][2 * at - 1] = table.control[bits][2 * at - 2] = 0x80;
    }
    return table;
}
inline constexpr CompressTable compress_table = make_compress_table();

}  // namespace detail

struct u32x8 {
    using element = std::uint32_t;
    static constexpr std::size_t size = 8;

    static u32x8 load(const std::uint32_t* source);
    static u32x8 broadcast(std::uint32_t value);

#if FEWBITS_HAVE_AVX2
    __m256i v;
#elif FEWBITS_HAVE_NEON
    uint32x4_t lo, hi;
#else
    std::uint32_t lane[8];
#endif
};

struct Fields4 {
    u32x8 field0, field1, field2, field3;
};

#if FEWBITS_HAVE_AVX2

FEWBITS_INLINE u32x8 u32x8::broadcast(std::uint32_t value) {
    return {_mm256_set1_epi32(static_cast<int>(value))};
}
FEWBITS_INLINE u32x8 u32x8::load(const std::uint32_t* from) {
    return {_mm256_loadu_si256(reinterpret_cast<const __m256i*>(from))};
}
FEWBITS_INLINE void store(u32x8 a, std::uint32_t* to) {
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(to), a.v);
}
FEWBITS_INLINE u32x8 operator+(u32x8 a, u32x8 b) { return {_mm256_add_epi32(a.v, b.v)}; }
FEWBITS_INLINE u32x8 operator-(u32x8 a, u32x8 b) { return {_mm256_sub_epi32(a.v, b.v)}; }
FEWBITS_INLINE u32x8 operator*(u32x8 a, u32x8 b) { return {_mm256_mullo_epi32(a.v, b.v)}; }
FEWBITS_INLINE u32x8 operator&(u32x8 a, u32x8 b) { return {_mm256_and_si256(a.v, b.v)}; }
FEWBITS_INLINE u32x8 operator|(u32x8 a, u32x8 b) { return {_mm256_or_si256(a.v, b.v)}; }
FEWBITS_INLINE u32x8 max(u32x8 a, u32x8 b) { return {_mm256_max_epu32(a.v, b.v)}; }
template <int Count>
FEWBITS_INLINE u32x8 shift_right(u32x8 a) {
    return {_mm256_srli_epi32(a.v, Count)};
}
// The same count, below 32, for all lanes.
FEWBITS_INLINE u32x8 shift_right(u32x8 a, unsigned count) {
    return {_mm256_srl_epi32(a.v, _mm_cvtsi32_si128(static_cast<int>(count)))};
}
// A count below 32 for each lane.
FEWBITS_INLINE u32x8 shift_right(u32x8 a, u32x8 counts) { return {_mm256_srlv_epi32(a.v, counts.v)}; }
FEWBITS_INLINE u32x8 shift_left(u32x8 a, u32x8 counts) { return {_mm256_sllv_epi32(a.v, counts.v)}; }
// The high halves of the 64-bit products.
FEWBITS_INLINE u32x8 multiply_high(u32x8 a, u32x8 b) {
    const __m256i even = _mm256_srli_epi64(_mm256_mul_epu32(a.v, b.v), 32);
    const __m256i odd = _mm256_mul_epu32(_mm256_srli_epi64(a.v, 32), _mm256_srli_epi64(b.v, 32));
    return {_mm256_blend_epi32(even, odd, 0xaa)};
}
FEWBITS_INLINE mask<8> operator<=(u32x8 a, u32x8 b) {
    return {_mm256_cmpeq_epi32(_mm256_min_epu32(a.v, b.v), a.v)};
}
// a > b for lanes below 2^31: x86 compares signed numbers only.
FEWBITS_INLINE mask<8> greater_below_2_31(u32x8 a, u32x8 b) { return {_mm256_cmpgt_epi32(a.v, b.v)}; }
FEWBITS_INLINE u32x8 keep(mask<8> m, u32x8 a) { return {_mm256_and_si256(m.v, a.v)}; }
FEWBITS_INLINE u32x8 value_barrier(u32x8 a) {
    FEWBITS_VALUE_BARRIER(a.v);
    return a;
}

// table[index] for each lane.
FEWBITS_INLINE u32x8 lookup(const std::uint32_t* table, u32x8 index) {
#if defined(FEWBITS_USE_GATHER)
    return {_mm256_i32gather_epi32(reinterpret_cast<const int*>(table), index.v, 4)};
#else
    const __m128i low = _mm256_castsi256_si128(index.v), high = _mm256_extracti128_si256(index.v, 1);
    // Pairs of entries by inserts, joined by an unpack: the shortest way from the loads to the vector. A
    // shift by a register leaves its operand whole, one by a constant costs a copy more.
    const std::uint64_t half = fewbits::value_barrier(std::uint64_t{32});
    const auto two = [table, half](std::uint64_t at) {
        const __m128i v = _mm_cvtsi32_si128(static_cast<int>(table[at & 0xffffffffU]));
        return _mm_insert_epi32(v, static_cast<int>(table[at >> half]), 1);
    };
    const auto four = [two](__m128i at) {
        return _mm_unpacklo_epi64(two(static_cast<std::uint64_t>(_mm_cvtsi128_si64(at))),
                                  two(static_cast<std::uint64_t>(_mm_extract_epi64(at, 1))));
    };
    return {_mm256_inserti128_si256(_mm256_castsi128_si256(four(low)), four(high), 1)};
#endif
}

FEWBITS_INLINE u32x8 lookup_through(const std::uint8_t* first, const std::uint32_t* table, u32x8 index,
                                    std::uint8_t* out) {
    const __m128i low = _mm256_castsi256_si128(index.v), high = _mm256_extracti128_si256(index.v, 1);
    const std::uint64_t half = fewbits::value_barrier(std::uint64_t{32});  // as in lookup
    const auto two = [=](std::uint64_t at, std::uint8_t* to) {
        to[0] = first[at & 0xffffffffU];
        to[1] = first[at >> half];
        const __m128i v = _mm_cvtsi32_si128(static_cast<int>(table[to[0]]));
        return _mm_insert_epi32(v, static_cast<int>(table[to[1]]), 1);
    };
    const auto four = [two](__m128i at, std::uint8_t* to) {
        return _mm_unpacklo_epi64(two(static_cast<std::uint64_t>(_mm_cvtsi128_si64(at)), to),
                                  two(static_cast<std::uint64_t>(_mm_extract_epi64(at, 1)), to + 2));
    };
    return {_mm256_inserti128_si256(_mm256_castsi128_si256(four(low, out)), four(high, out + 4), 1)};
}

// Sixteen bytes from `words` on are 16-bit words, low byte first; the lanes of `bits` get the first ones in
// turn, the others 0.
FEWBITS_INLINE u32x8 expand_words(const std::uint8_t* words, unsigned bits) {
    const __m256i all = _mm256_broadcastsi128_si256(_mm_loadu_si128(reinterpret_cast<const __m128i*>(words)));
    const __m256i control =
        _mm256_load_si256(reinterpret_cast<const __m256i*>(detail::expand_table.control[bits]));
    return {_mm256_shuffle_epi8(all, control)};
}
// The inverse: puts the low 16 bits of the lanes of `bits` right below `end`; writes sixteen bytes there.
FEWBITS_INLINE void compress_words(std::uint8_t* end, u32x8 a, unsigned bits) {
    const __m256i low = _mm256_and_si256(a.v, _mm256_set1_epi32(0xffff));
    const __m128i words = _mm_packus_epi32(_mm256_castsi256_si128(low), _mm256_extracti128_si256(low, 1));
    const __m128i control =
        _mm_load_si128(reinterpret_cast<const __m128i*>(detail::compress_table.control[bits]));
    _mm_storeu_si128(reinterpret_cast<__m128i*>(end - 16), _mm_shuffle_epi8(words, control));
}

// Entries are aligned to 16 bytes.
FEWBITS_INLINE Fields4 lookup4(const void* table, const std::uint8_t* index) {
    const auto pair = [&](int j) {
        const auto row = [&](int i) {
            return _mm_load_si128(reinterpret_cast<const __m128i*>(table) + index[i]);
        };
        return _mm256_inserti128_si256(_mm256_castsi128_si256(row(j)), row(j + 4), 1);
    };
    const __m256i r0 = pair(0), r1 = pair(1), r2 = pair(2), r3 = pair(3);
    const __m256i a = _mm256_unpacklo_epi32(r0, r1), b = _mm256_unpackhi_epi32(r0, r1);
    const __m256i c = _mm256_unpacklo_epi32(r2, r3), d = _mm256_unpackhi_epi32(r2, r3);
    return {{_mm256_unpacklo_epi64(a, c)},
            {_mm256_unpackhi_epi64(a, c)},
            {_mm256_unpacklo_epi64(b, d)},
            {_mm256_unpackhi_epi64(b, d)}};
}

// 32 lanes below 256 as bytes, in order.
FEWBITS_INLINE void store_bytes(std::uint8_t* to, u32x8 a, u32x8 b, u32x8 c, u32x8 d) {
    const __m256i ab = _mm256_packus_epi32(a.v, b.v), cd = _mm256_packus_epi32(c.v, d.v);
    // Packing works in halves: bytes 0-3 of each vector, then bytes 4-7.
    const __m256i order = _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7);
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(to),
                        _mm256_permutevar8x32_epi32(_mm256_packus_epi16(ab, cd), order));
}
// The low bytes of 32 lanes in order.
FEWBITS_INLINE void store_low_bytes(std::uint8_t* to, u32x8 a, u32x8 b, u32x8 c, u32x8 d) {
    const __m256i low = _mm256_set1_epi32(0xff);
    store_bytes(to, {_mm256_and_si256(a.v, low)}, {_mm256_and_si256(b.v, low)}, {_mm256_and_si256(c.v, low)},
                {_mm256_and_si256(d.v, low)});
}

#elif FEWBITS_HAVE_NEON

FEWBITS_INLINE u32x8 u32x8::broadcast(std::uint32_t value) {
    return {vdupq_n_u32(value), vdupq_n_u32(value)};
}
FEWBITS_INLINE u32x8 u32x8::load(const std::uint32_t* from) { return {vld1q_u32(from), vld1q_u32(from + 4)}; }
FEWBITS_INLINE void store(u32x8 a, std::uint32_t* to) {
    vst1q_u32(to, a.lo);
    vst1q_u32(to + 4, a.hi);
}
FEWBITS_INLINE u32x8 operator+(u32x8 a, u32x8 b) { return {vaddq_u32(a.lo, b.lo), vaddq_u32(a.hi, b.hi)}; }
FEWBITS_INLINE u32x8 operator-(u32x8 a, u32x8 b) { return {vsubq_u32(a.lo, b.lo), vsubq_u32(a.hi, b.hi)}; }
FEWBITS_INLINE u32x8 operator*(u32x8 a, u32x8 b) { return {vmulq_u32(a.lo, b.lo), vmulq_u32(a.hi, b.hi)}; }
FEWBITS_INLINE u32x8 operator&(u32x8 a, u32x8 b) { return {vandq_u32(a.lo, b.lo), vandq_u32(a.hi, b.hi)}; }
FEWBITS_INLINE u32x8 operator|(u32x8 a, u32x8 b) { return {vorrq_u32(a.lo, b.lo), vorrq_u32(a.hi, b.hi)}; }
FEWBITS_INLINE u32x8 max(u32x8 a, u32x8 b) { return {vmaxq_u32(a.lo, b.lo), vmaxq_u32(a.hi, b.hi)}; }
template <int Count>
FEWBITS_INLINE u32x8 shift_right(u32x8 a) {
    return {vshrq_n_u32(a.lo, Count), vshrq_n_u32(a.hi, Count)};
}
FEWBITS_INLINE u32x8 shift_right(u32x8 a, unsigned count) {
    const int32x4_t right = vdupq_n_s32(-static_cast<int>(count));
    return {vshlq_u32(a.lo, right), vshlq_u32(a.hi, right)};
}
FEWBITS_INLINE u32x8 shift_right(u32x8 a, u32x8 counts) {
    return {vshlq_u32(a.lo, vnegq_s32(vreinterpretq_s32_u32(counts.lo))),
            vshlq_u32(a.hi, vnegq_s32(vreinterpretq_s32_u32(counts.hi)))};
}
FEWBITS_INLINE u32x8 shift_left(u32x8 a, u32x8 counts) {
    return {vshlq_u32(a.lo, vreinterpretq_s32_u32(counts.lo)),
            vshlq_u32(a.hi, vreinterpretq_s32_u32(counts.hi))};
}
FEWBITS_INLINE u32x8 multiply_high(u32x8 a, u32x8 b) {
    const auto high = [](uint32x4_t x, uint32x4_t y) {
        const uint64x2_t even = vmull_u32(vget_low_u32(x), vget_low_u32(y));
        const uint64x2_t odd = vmull_high_u32(x, y);
        return vuzp2q_u32(vreinterpretq_u32_u64(even), vreinterpretq_u32_u64(odd));
    };
    return {high(a.lo, b.lo), high(a.hi, b.hi)};
}
FEWBITS_INLINE mask<8> operator<=(u32x8 a, u32x8 b) {
    return {vreinterpretq_u8_u32(vcleq_u32(a.lo, b.lo)), vreinterpretq_u8_u32(vcleq_u32(a.hi, b.hi))};
}
FEWBITS_INLINE mask<8> greater_below_2_31(u32x8 a, u32x8 b) {
    return {vreinterpretq_u8_u32(vcgtq_u32(a.lo, b.lo)), vreinterpretq_u8_u32(vcgtq_u32(a.hi, b.hi))};
}
FEWBITS_INLINE u32x8 keep(mask<8> m, u32x8 a) {
    return {vandq_u32(vreinterpretq_u32_u8(m.lo), a.lo), vandq_u32(vreinterpretq_u32_u8(m.hi), a.hi)};
}
FEWBITS_INLINE u32x8 value_barrier(u32x8 a) {
    FEWBITS_VALUE_BARRIER(a.lo);
    FEWBITS_VALUE_BARRIER(a.hi);
    return a;
}

FEWBITS_INLINE u32x8 lookup(const std::uint32_t* table, u32x8 index) {
    const auto four = [table](uint32x4_t at) {
        const std::uint64_t first = vgetq_lane_u64(vreinterpretq_u64_u32(at), 0);
        const std::uint64_t second = vgetq_lane_u64(vreinterpretq_u64_u32(at), 1);
        uint32x4_t v = vdupq_n_u32(table[first & 0xffffffffU]);
        v = vld1q_lane_u32(table + (first >> 32), v, 1);
        v = vld1q_lane_u32(table + (second & 0xffffffffU), v, 2);
        return vld1q_lane_u32(table + (second >> 32), v, 3);
    };
    return {four(index.lo), four(index.hi)};
}
FEWBITS_INLINE u32x8 lookup_through(const std::uint8_t* first, const std::uint32_t* table, u32x8 index,
                                    std::uint8_t* out) {
    const auto four = [=](uint32x4_t at, std::uint8_t* to) {
        const std::uint64_t i01 = vgetq_lane_u64(vreinterpretq_u64_u32(at), 0);
        const std::uint64_t i23 = vgetq_lane_u64(vreinterpretq_u64_u32(at), 1);
        const auto entry = [=](std::uint64_t i, int j) {
            const std::uint8_t middle = first[i];
            to[j] = middle;
            return table + middle;
        };
        uint32x4_t v = vld1q_dup_u32(entry(i01 & 0xffffffffU, 0));
        v = vld1q_lane_u32(entry(i01 >> 32, 1), v, 1);
        v = vld1q_lane_u32(entry(i23 & 0xffffffffU, 2), v, 2);
        return vld1q_lane_u32(entry(i23 >> 32, 3), v, 3);
    };
    return {four(index.lo, out), four(index.hi, out + 4)};
}
FEWBITS_INLINE u32x8 expand_words(const std::uint8_t* words, unsigned bits) {
    const uint8x16_t all = vld1q_u8(words);
    const std::uint8_t* control = detail::expand_table.control[bits];
    return {vreinterpretq_u32_u8(vqtbl1q_u8(all, vld1q_u8(control))),
            vreinterpretq_u32_u8(vqtbl1q_u8(all, vld1q_u8(control + 16)))};
}
FEWBITS_INLINE void compress_words(std::uint8_t* end, u32x8 a, unsigned bits) {
    const uint16x8_t words = vcombine_u16(vmovn_u32(a.lo), vmovn_u32(a.hi));
    vst1q_u8(end - 16,
             vqtbl1q_u8(vreinterpretq_u8_u16(words), vld1q_u8(detail::compress_table.control[bits])));
}

FEWBITS_INLINE Fields4 lookup4(const void* table, const std::uint8_t* index) {
    const std::uint32_t* entries = static_cast<const std::uint32_t*>(table);
    const auto transpose = [&](int j, uint32x4_t* out) {
        const uint32x4_t r0 = vld1q_u32(entries + 4 * index[j]), r1 = vld1q_u32(entries + 4 * index[j + 1]);
        const uint32x4_t r2 = vld1q_u32(entries + 4 * index[j + 2]),
                         r3 = vld1q_u32(entries + 4 * index[j + 3]);
        const uint64x2_t a = vreinterpretq_u64_u32(vtrn1q_u32(r0, r1)),
                         b = vreinterpretq_u64_u32(vtrn2q_u32(r0, r1));
        const uint64x2_t c = vreinterpretq_u64_u32(vtrn1q_u32(r2, r3)),
                         d = vreinterpretq_u64_u32(vtrn2q_u32(r2, r3));
        out[0] = vreinterpretq_u32_u64(vtrn1q_u64(a, c));
        out[1] = vreinterpretq_u32_u64(vtrn1q_u64(b, d));
        out[2] = vreinterpretq_u32_u64(vtrn2q_u64(a, c));
        out[3] = vreinterpretq_u32_u64(vtrn2q_u64(b, d));
    };
    uint32x4_t low[4], high[4];
    transpose(0, low);
    transpose(4, high);
    return {{low[0], high[0]}, {low[1], high[1]}, {low[2], high[2]}, {low[3], high[3]}};
}
FEWBITS_INLINE void store_low_bytes(std::uint8_t* to, u32x8 a, u32x8 b, u32x8 c, u32x8 d) {
    const auto narrow = [](u32x8 x, u32x8 y) {
        const uint16x8_t x16 = vcombine_u16(vmovn_u32(x.lo), vmovn_u32(x.hi));
        const uint16x8_t y16 = vcombine_u16(vmovn_u32(y.lo), vmovn_u32(y.hi));
        return vcombine_u8(vmovn_u16(x16), vmovn_u16(y16));
    };
    vst1q_u8(to, narrow(a, b));
    vst1q_u8(to + 16, narrow(c, d));
}

#else

FEWBITS_INLINE u32x8 u32x8::broadcast(std::uint32_t value) {
    return detail::generate<u32x8>([&](std::size_t) { return value; });
}
FEWBITS_INLINE u32x8 u32x8::load(const std::uint32_t* from) {
    return detail::generate<u32x8>([&](std::size_t j) { return from[j]; });
}
FEWBITS_INLINE void store(u32x8 a, std::uint32_t* to) { std::memcpy(to, a.lane, sizeof a.lane); }
FEWBITS_INLINE u32x8 operator+(u32x8 a, u32x8 b) {
    return detail::generate<u32x8>([&](std::size_t j) { return a.lane[j] + b.lane[j]; });
}
FEWBITS_INLINE u32x8 operator-(u32x8 a, u32x8 b) {
    return detail::generate<u32x8>([&](std::size_t j) { return a.lane[j] - b.lane[j]; });
}
FEWBITS_INLINE u32x8 operator*(u32x8 a, u32x8 b) {
    return detail::generate<u32x8>([&](std::size_t j) { return a.lane[j] * b.lane[j]; });
}
FEWBITS_INLINE u32x8 operator&(u32x8 a, u32x8 b) {
    return detail::generate<u32x8>([&](std::size_t j) { return a.lane[j] & b.lane[j]; });
}
FEWBITS_INLINE u32x8 operator|(u32x8 a, u32x8 b) {
    return detail::generate<u32x8>([&](std::size_t j) { return a.lane[j] | b.lane[j]; });
}
FEWBITS_INLINE u32x8 max(u32x8 a, u32x8 b) {
    return detail::generate<u32x8>(
        [&](std::size_t j) { return a.lane[j] > b.lane[j] ? a.lane[j] : b.lane[j]; });
}
template <int Count>
FEWBITS_INLINE u32x8 shift_right(u32x8 a) {
    return detail::generate<u32x8>([&](std::size_t j) { return a.lane[j] >> Count; });
}
FEWBITS_INLINE u32x8 shift_right(u32x8 a, unsigned count) {
    return detail::generate<u32x8>([&](std::size_t j) { return a.lane[j] >> count; });
}
FEWBITS_INLINE u32x8 shift_right(u32x8 a, u32x8 counts) {
    return detail::generate<u32x8>([&](std::size_t j) { return a.lane[j] >> counts.lane[j]; });
}
FEWBITS_INLINE u32x8 shift_left(u32x8 a, u32x8 counts) {
    return detail::generate<u32x8>([&](std::size_t j) { return a.lane[j] << counts.lane[j]; });
}
FEWBITS_INLINE u32x8 multiply_high(u32x8 a, u32x8 b) {
    return detail::generate<u32x8>([&](std::size_t j) {
        return static_cast<std::uint32_t>((std::uint64_t{a.lane[j]} * b.lane[j]) >> 32);
    });
}
FEWBITS_INLINE mask<8> operator<=(u32x8 a, u32x8 b) {
    mask<8> m{};
    for (unsigned j = 0; j < 8; ++j) m.lane[j] = a.lane[j] <= b.lane[j];
    return m;
}
FEWBITS_INLINE mask<8> greater_below_2_31(u32x8 a, u32x8 b) {
    mask<8> m{};
    for (unsigned j = 0; j < 8; ++j) m.lane[j] = a.lane[j] > b.lane[j];
    return m;
}
FEWBITS_INLINE u32x8 keep(mask<8> m, u32x8 a) {
    return detail::generate<u32x8>([&](std::size_t j) { return m.lane[j] ? a.lane[j] : 0U; });
}
FEWBITS_INLINE u32x8 value_barrier(u32x8 a) { return a; }
FEWBITS_INLINE u32x8 lookup(const std::uint32_t* table, u32x8 index) {
    return detail::generate<u32x8>([&](std::size_t j) { return table[index.lane[j]]; });
}
FEWBITS_INLINE u32x8 lookup_through(const std::uint8_t* first, const std::uint32_t* table, u32x8 index,
                                    std::uint8_t* out) {
    return detail::generate<u32x8>([&](std::size_t j) {
        out[j] = first[index.lane[j]];
        return table[out[j]];
    });
}
FEWBITS_INLINE u32x8 expand_words(const std::uint8_t* words, unsigned bits) {
    return detail::generate<u32x8>([&](std::size_t j) {
        const bool takes = ((bits >> j) & 1U) != 0;
        const std::uint16_t word = load_le<std::uint16_t>(words);
        words += takes ? 2 : 0;
        return std::uint32_t{takes ? word : std::uint16_t{0}};
    });
}
FEWBITS_INLINE void compress_words(std::uint8_t* end, u32x8 a, unsigned bits) {
    std::memset(end - 16, 0, 16);
    for (unsigned j = 8; j-- > 0;) {
        if (((bits >> j) & 1U) != 0) store_le(end -= 2, static_cast<std::uint16_t>(a.lane[j] & 0xffffU));
    }
}
FEWBITS_INLINE Fields4 lookup4(const void* table, const std::uint8_t* index) {
    const std::uint32_t* entries = static_cast<const std::uint32_t*>(table);
    const auto field = [&](unsigned which) {
        return detail::generate<u32x8>([&](std::size_t j) { return entries[4 * index[j] + which]; });
    };
    return {field(0), field(1), field(2), field(3)};
}
FEWBITS_INLINE void store_low_bytes(std::uint8_t* to, u32x8 a, u32x8 b, u32x8 c, u32x8 d) {
    for (unsigned j = 0; j < 8; ++j) {
        to[j] = static_cast<std::uint8_t>(a.lane[j] & 0xffU);
        to[8 + j] = static_cast<std::uint8_t>(b.lane[j] & 0xffU);
        to[16 + j] = static_cast<std::uint8_t>(c.lane[j] & 0xffU);
        to[24 + j] = static_cast<std::uint8_t>(d.lane[j] & 0xffU);
    }
}

#endif

#if !FEWBITS_HAVE_AVX2
// 32 lanes below 256 as bytes, in order.
FEWBITS_INLINE void store_bytes(std::uint8_t* to, u32x8 a, u32x8 b, u32x8 c, u32x8 d) {
    store_low_bytes(to, a, b, c, d);
}
#endif

}  // namespace simd
}  // namespace FEWBITS_ISA
}  // namespace fewbits
