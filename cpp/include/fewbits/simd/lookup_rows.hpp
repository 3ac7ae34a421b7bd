// Rows of a table, one per lane, as columns: out[j] lane i = table[Columns * index[i] + j].
//
// Columns is 2 or a multiple of 4. A row is loaded as a whole and the rows are transposed: on the machines at
// hand 12 columns cost less than two gathers. The caller vouches for the indices.
#pragma once

#include "fewbits/simd/f64x4.hpp"
#include "fewbits/simd/u64x4.hpp"

namespace fewbits {
inline namespace FEWBITS_ISA {
namespace simd {

#if FEWBITS_HAVE_AVX2

template <std::size_t Columns>
FEWBITS_INLINE void lookup_rows(const double* table, u64x4 index, f64x4 (&out)[Columns]) {
    static_assert(Columns == 2 || Columns % 4 == 0);
    const __m128i low = _mm256_castsi256_si128(index.v), high = _mm256_extracti128_si256(index.v, 1);
    const double* rows[4] = {table + static_cast<std::size_t>(_mm_cvtsi128_si64(low)) * Columns,
                             table + static_cast<std::size_t>(_mm_extract_epi64(low, 1)) * Columns,
                             table + static_cast<std::size_t>(_mm_cvtsi128_si64(high)) * Columns,
                             table + static_cast<std::size_t>(_mm_extract_epi64(high, 1)) * Columns};
    if constexpr (Columns == 2) {
        const __m256d even =
            _mm256_insertf128_pd(_mm256_castpd128_pd256(_mm_loadu_pd(rows[0])), _mm_loadu_pd(rows[2]), 1);
        const __m256d odd =
            _mm256_insertf128_pd(_mm256_castpd128_pd256(_mm_loadu_pd(rows[1])), _mm_loadu_pd(rows[3]), 1);
        out[0] = {_mm256_unpacklo_pd(even, odd)};
        out[1] = {_mm256_unpackhi_pd(even, odd)};
    } else {
        for (std::size_t j = 0; j < Columns; j += 4) {
            // Halves of rows 0 and 2, 1 and 3 in one register: only loads and unpacks remain.
            const auto pair = [&](std::size_t a, std::size_t b, std::size_t at) FEWBITS_INLINE_LAMBDA {
                return _mm256_insertf128_pd(_mm256_castpd128_pd256(_mm_loadu_pd(rows[a] + j + at)),
                                            _mm_loadu_pd(rows[b] + j + at), 1);
            };
            const __m256d a = pair(0, 2, 0), b = pair(1, 3, 0), c = pair(0, 2, 2), d = pair(1, 3, 2);
            out[j] = {_mm256_unpacklo_pd(a, b)};
            out[j + 1] = {_mm256_unpackhi_pd(a, b)};
            out[j + 2] = {_mm256_unpacklo_pd(c, d)};
            out[j + 3] = {_mm256_unpackhi_pd(c, d)};
        }
    }
}

#elif FEWBITS_HAVE_NEON

template <std::size_t Columns>
FEWBITS_INLINE void lookup_rows(const double* table, u64x4 index, f64x4 (&out)[Columns]) {
    static_assert(Columns == 2 || Columns % 4 == 0);
    const double* a = table + vgetq_lane_u64(index.lo, 0) * Columns;
    const double* b = table + vgetq_lane_u64(index.lo, 1) * Columns;
    const double* c = table + vgetq_lane_u64(index.hi, 0) * Columns;
    const double* d = table + vgetq_lane_u64(index.hi, 1) * Columns;
    for (std::size_t j = 0; j < Columns; j += 2) {
        const float64x2_t ra = vld1q_f64(a + j), rb = vld1q_f64(b + j);
        const float64x2_t rc = vld1q_f64(c + j), rd = vld1q_f64(d + j);
        out[j] = {vtrn1q_f64(ra, rb), vtrn1q_f64(rc, rd)};
        out[j + 1] = {vtrn2q_f64(ra, rb), vtrn2q_f64(rc, rd)};
    }
}

#else

template <std::size_t Columns>
FEWBITS_INLINE void lookup_rows(const double* table, u64x4 index, f64x4 (&out)[Columns]) {
    static_assert(Columns == 2 || Columns % 4 == 0);
    for (std::size_t i = 0; i < 4; ++i) {
        const double* row = table + static_cast<std::size_t>(index.lane[i]) * Columns;
        for (std::size_t j = 0; j < Columns; ++j) out[j].lane[i] = row[j];
    }
}

#endif

}  // namespace simd
}  // namespace FEWBITS_ISA
}  // namespace fewbits
