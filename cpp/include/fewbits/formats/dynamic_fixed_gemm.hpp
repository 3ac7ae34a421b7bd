// Products of matrices in dynamic fixed point: int16 and int8 operands, sums in int32 over safe chains.
//
//   dfp_gemm   C = A B
//   dfp_gemv   y = A x
// Two products at a time go into an int32 (pmaddwd); before that can overflow, the partial sum goes on into
// float32 or int64. How long such a chain may be:
//   maxima   L products with L max|a| max|b| <= 2^31 - 1
//   norms    as long as max|a| sum|b| <= 2^31 - 1 over the chain, for the largest such sum of all columns
//            (lanes, in dfp_gemv): longer chains, for most data, and as safe. The default.
// So int32 never wraps: operands with -2^15, where a pair of products may not fit, are refused.
//
// Definition of C in float32: with p the sums of the chains of an element in order, each rounded to float32,
//   ((p0 + p1) + p2) + ..., then times 2^(Ea + Eb), rounded once more where that is subnormal or overflows.
// Chains also end after 4096 products. In dfp_gemv sixteen products make a step, lane j of eight takes
// numbers 2j and 2j + 1 of each; chains are runs of steps, and the eight float sums are added as simd::sum
// does. In int64 both are exact, with exponent Ea + Eb: chains do not show. headroom_bits: both operands are
// shifted right first, rounded to nearest even, for longer chains (their exponents grow by as much).
//
// Contract: the same bits on every machine, for any number of threads; int64 sums exact for k < 2^32.
// Source: D. Das et al., "Mixed Precision Training of Convolutional Neural Networks using Integer
// Operations", arXiv:1802.00930, section 4; loops: K. Goto, R. van de Geijn, ACM TOMS 34 (2008).
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <type_traits>
#include <vector>

#include "fewbits/core/error.hpp"
#include "fewbits/core/float_environment.hpp"
#include "fewbits/core/isa.hpp"
#include "fewbits/core/parallel.hpp"
#include "fewbits/core/span.hpp"
#include "fewbits/formats/dynamic_fixed.hpp"
#include "fewbits/simd/f32x8.hpp"
#include "fewbits/simd/i16x16.hpp"
#include "fewbits/simd/i32x8.hpp"

namespace fewbits {
inline namespace FEWBITS_ISA {
namespace formats {

enum class DfpChain { norms, maxima };
inline constexpr const char* dfp_chain_names[] = {"norms", "maxima"};

struct DfpProductOptions {
    DfpChain chain = DfpChain::norms;
    int headroom_bits = 0;  // 0..14
    int threads = 1;
    // What the caller knows: max|a|, for many products with one A. 0: it is looked up.
    std::uint64_t largest_a = 0;
};

namespace detail {

inline constexpr std::size_t dfp_rows = 6, dfp_columns = 16;  // of a tile: twelve int32 vectors
inline constexpr std::size_t dfp_depth = 2048;                // pairs of products that a panel of B holds

// Both operands shifted right; what a product needs to know of them.
template <class I>
struct DfpOperands {
    std::vector<I> shifted_a, shifted_b;
    Span<const I> a, b;
    std::uint64_t largest_a, largest_b;
    int exponent;

    DfpOperands(const char* function, Span<const I> a_, int exponent_a, Span<const I> b_, int exponent_b,
                const DfpProductOptions& options)
        : a(a_), b(b_), largest_a(options.largest_a), exponent(exponent_a + exponent_b) {
        const std::string name(function);
        require_exponent(function, exponent_a);
        require_exponent(function, exponent_b);
        FEWBITS_REQUIRE(
            options.headroom_bits >= 0 && options.headroom_bits <= 14,
            name + ": headroom_bits must be in 0..14, got " + std::to_string(options.headroom_bits));
        if (options.headroom_bits != 0) {
            const auto shift = [&](Span<const I> from, std::vector<I>& to) {
                to.reserve(from.size());
                for (const I i : from)
                    to.push_back(with_sign<I>(shift_right_rounded(magnitude_of(i), options.headroom_bits,
                                                                  Rounding::nearest_even, 0),
                                              i < 0));
                return Span<const I>(to);
            };
            a = shift(a, shifted_a);
            b = shift(b, shifted_b);
            exponent += 2 * options.headroom_bits;
            largest_a = 0;
        }
        if (largest_a == 0) largest_a = dfp_largest(a);
        largest_b = dfp_largest(b);
        FEWBITS_REQUIRE(safe_chain(largest_a, largest_b) >= 2,
                        name + ": two products must fit int32, got magnitudes of " +
                            std::to_string(largest_a) + " and " + std::to_string(largest_b));
    }
    // The sum of |b| that max|a| allows, with room for one more pair.
    std::int32_t norm_cap() const {
        const std::uint64_t cap = 0x7fffffff / std::max<std::uint64_t>(largest_a, 1);
        return static_cast<std::int32_t>(std::min<std::uint64_t>(cap, 0x7fffffff - (1U << 16)));
    }
};

// Ends of the chains, in pairs of products.
template <class I>
std::vector<std::size_t> gemm_chains(std::size_t n, std::size_t k, const DfpOperands<I>& x, DfpChain chain) {
    const std::size_t pairs = (k + 1) / 2;
    const auto most = static_cast<std::size_t>(safe_chain(x.largest_a, x.largest_b) / 2);
    std::vector<std::size_t> ends;
    std::vector<std::int32_t> norms(chain == DfpChain::norms && most < dfp_depth ? n : 0);
    const std::int32_t cap = x.norm_cap();
    for (std::size_t depth = 0; depth < pairs; depth += dfp_depth) {
        const std::size_t stop = std::min(pairs, depth + dfp_depth);
        if (norms.empty()) {
            for (std::size_t p = depth + most; p < stop; p += most) ends.push_back(p);
        } else {
            std::fill(norms.begin(), norms.end(), 0);
            for (std::size_t p = depth; p < stop; ++p) {
                const I* const row = x.b.data() + 2 * p * n;
                const I* const next = 2 * p + 1 < k ? row + n : nullptr;
                const auto pair = [&](std::size_t j) {
                    const std::int32_t first = row[j], second = next == nullptr ? 0 : next[j];
                    return (first < 0 ? -first : first) + (second < 0 ? -second : second);
                };
                std::int32_t largest = 0;
                for (std::size_t j = 0; j < n; ++j) {
                    norms[j] += pair(j);
                    largest = norms[j] > largest ? norms[j] : largest;
                }
                if (largest <= cap) continue;
                ends.push_back(p);
                for (std::size_t j = 0; j < n; ++j) norms[j] = pair(j);
            }
        }
        ends.push_back(stop);
    }
    return ends;
}

// A in blocks of six rows: [block][pair][row], two int16 in an int32, zeros beyond the matrix.
template <class I>
std::vector<std::int16_t> pack_left(std::size_t m, std::size_t k, const I* a) {
    const std::size_t pairs = (k + 1) / 2, blocks = (m + dfp_rows - 1) / dfp_rows;
    std::vector<std::int16_t> packed(blocks * pairs * dfp_rows * 2);
    for (std::size_t i = 0; i < m; ++i) {
        std::int16_t* const target = packed.data() + 2 * (i / dfp_rows * pairs * dfp_rows + i % dfp_rows);
        for (std::size_t l = 0; l < k; ++l) target[l / 2 * dfp_rows * 2 + l % 2] = a[i * k + l];
    }
    return packed;
}
// Pairs first..stop of up to sixteen columns of B: [pair][column], two int16 side by side.
template <class I>
void pack_right(std::size_t n, std::size_t k, const I* b, std::size_t column, std::size_t columns,
                std::size_t first, std::size_t stop, std::int16_t* panel) {
    for (std::size_t p = first; p < stop; ++p, panel += 2 * dfp_columns) {
        const I* const row = b + 2 * p * n + column;
        const bool both = 2 * p + 1 < k;
        for (std::size_t j = 0; j < columns; ++j) {
            panel[2 * j] = row[j];
            panel[2 * j + 1] = both ? static_cast<std::int16_t>(row[n + j]) : std::int16_t{0};
        }
        std::fill(panel + 2 * columns, panel + 2 * dfp_columns, std::int16_t{0});
    }
}

FEWBITS_INLINE void add_chain(simd::i32x8 sum, float* total) {
    store(simd::f32x8::load(total) + convert_f32(sum), total);
}
FEWBITS_INLINE void add_chain(simd::i32x8 sum, std::int64_t* total) {
    std::int32_t lanes[8];
    store(sum, lanes);
    for (std::size_t i = 0; i < 8; ++i) total[i] += lanes[i];
}

// tile += the products of pairs first..stop. a: [pair][row] from the first pair on, b: the panel likewise.
template <class C>
FEWBITS_KERNEL void dfp_tile(const std::int16_t* a, const std::int16_t* b, std::size_t first,
                             const std::size_t* end, std::size_t stop, C (&tile)[dfp_rows][dfp_columns]) {
    using simd::i16x16;
    using simd::i32x8;
    for (std::size_t p = first; p < stop; ++end) {
        i32x8 sums[dfp_rows][2];
        for (auto& row : sums) row[0] = row[1] = i32x8::zero();
        for (; p < *end; ++p, a += 2 * dfp_rows, b += 2 * dfp_columns) {
            const i16x16 low = i16x16::load(b), high = i16x16::load(b + dfp_columns);
            for (std::size_t r = 0; r < dfp_rows; ++r) {
                std::int32_t pair;
                std::memcpy(&pair, a + 2 * r, sizeof pair);
                const i16x16 left = simd::bit_cast<i16x16>(i32x8::broadcast(pair));
                sums[r][0] = sums[r][0] + madd_i16(left, low);
                sums[r][1] = sums[r][1] + madd_i16(left, high);
            }
        }
        for (std::size_t r = 0; r < dfp_rows; ++r) {
            add_chain(sums[r][0], tile[r]);
            add_chain(sums[r][1], tile[r] + 8);
        }
    }
}

// Sums of chains to values: whole numbers as floats, times a power of two.
inline void scale_sums(float* sums, std::size_t count, int exponent) {
    // All normal: exact. Sums are below 2^63.
    if (exponent >= -126 && exponent <= 60) {
        const float scale = dfp_value<float>(1, exponent);
        for (std::size_t i = 0; i < count; ++i) sums[i] *= scale;
        return;
    }
    for (std::size_t i = 0; i < count; ++i) {
        const Exact sum = exact(sums[i]);
        const auto n = static_cast<std::int64_t>(sum.significand);
        sums[i] = dfp_value<float>(sum.negative ? -n : n, sum.exponent + exponent);
    }
}
inline void scale_sums(std::int64_t*, std::size_t, int) {}

template <class C>
void require_sums(const char* function, std::size_t k) {
    static_assert(std::is_same_v<C, float> || std::is_same_v<C, std::int64_t>);
    FEWBITS_REQUIRE(k >> 32 == 0, std::string(function) + ": sums must have fewer than 2^32 products");
}

}  // namespace detail

namespace reference {

// The definition, given the ends of the chains in pairs.
template <class I, class C>
void dfp_gemm(std::size_t m, std::size_t n, std::size_t k, const detail::DfpOperands<I>& x, DfpChain chain,
              Span<C> c) {
    const std::vector<std::size_t> ends = detail::gemm_chains(n, k, x, chain);
    for (std::size_t i = 0; i < m; ++i) {
        for (std::size_t j = 0; j < n; ++j) {
            C total = 0;
            std::size_t l = 0;
            for (const std::size_t end : ends) {
                std::int64_t sum = 0;
                for (; l < std::min(2 * end, k); ++l)
                    sum += std::int64_t{x.a[i * k + l]} * std::int64_t{x.b[l * n + j]};
                total += static_cast<C>(sum);
            }
            c[i * n + j] = total;
        }
    }
    detail::scale_sums(c.data(), c.size(), x.exponent);
}

}  // namespace reference

// The exponent of the int64 results of a product.
inline int dfp_product_exponent(int exponent_a, int exponent_b, const DfpProductOptions& options) {
    return exponent_a + exponent_b + 2 * options.headroom_bits;
}

// C (m x n) = A (m x k) B (k x n), all row by row. I is int8 or int16; C is float (values) or int64
// (integers, see dfp_product_exponent).
template <class I, class C>
void dfp_gemm(std::size_t m, std::size_t n, std::size_t k, Span<const I> a, int exponent_a, Span<const I> b,
              int exponent_b, const DfpProductOptions& options, Span<C> c) {
    static_assert(sizeof(I) <= 2);
    constexpr const char* function = "formats.dfp_gemm";
    detail::require_sums<C>(function, k);
    FEWBITS_REQUIRE(a.size() == m * k && b.size() == k * n && c.size() == m * n,
                    std::string(function) + ": a, b and c must have m k, k n and m n elements");
    const detail::DfpOperands<I> x(function, a, exponent_a, b, exponent_b, options);
    std::fill(c.begin(), c.end(), C{0});
    if (c.empty() || k == 0) return;
    const std::size_t pairs = (k + 1) / 2;
    const std::vector<std::size_t> ends = detail::gemm_chains(n, k, x, options.chain);
    const std::vector<std::int16_t> left = detail::pack_left(m, k, x.a.data());
    parallel_for(n, detail::dfp_columns, options.threads, [&](std::size_t column, std::size_t stop_column) {
        const FloatEnvironment environment;
        const std::size_t columns = stop_column - column;
        std::vector<std::int16_t> panel(std::min(pairs, detail::dfp_depth) * 2 * detail::dfp_columns);
        const std::size_t* end = ends.data();
        for (std::size_t first = 0; first < pairs; first += detail::dfp_depth) {
            const std::size_t stop = std::min(pairs, first + detail::dfp_depth);
            detail::pack_right(n, k, x.b.data(), column, columns, first, stop, panel.data());
            for (std::size_t i = 0; i < m; i += detail::dfp_rows) {
                const std::size_t rows = std::min(detail::dfp_rows, m - i);
                C tile[detail::dfp_rows][detail::dfp_columns] = {};
                for (std::size_t r = 0; r < rows; ++r)
                    std::copy_n(c.data() + (i + r) * n + column, columns, tile[r]);
                detail::dfp_tile(left.data() + 2 * (i * pairs + first * detail::dfp_rows), panel.data(),
                                 first, end, stop, tile);
                for (std::size_t r = 0; r < rows; ++r)
                    std::copy_n(tile[r], columns, c.data() + (i + r) * n + column);
            }
            while (end != ends.data() + ends.size() && *end <= stop) ++end;
        }
        for (std::size_t i = 0; i < m; ++i)
            detail::scale_sums(c.data() + i * n + column, columns, x.exponent);
    });
}

namespace detail {

inline constexpr std::size_t gemv_step = 16;

// Ends of the chains, in steps of sixteen products.
template <class I>
std::vector<std::size_t> gemv_chains(std::size_t k, const DfpOperands<I>& x, DfpChain chain) {
    const std::size_t steps = (k + gemv_step - 1) / gemv_step;
    const auto most = static_cast<std::size_t>(safe_chain(x.largest_a, x.largest_b) / 2);
    std::vector<std::size_t> ends;
    if (chain == DfpChain::maxima || most >= steps) {
        for (std::size_t s = most; s < steps; s += most) ends.push_back(s);
    } else {
        const std::int32_t cap = x.norm_cap();
        std::int32_t norms[8] = {};
        for (std::size_t s = 0; s < steps; ++s) {
            std::int32_t pairs[8] = {}, largest = 0;
            for (std::size_t i = 0; i < std::min(gemv_step, k - s * gemv_step); ++i) {
                const std::int32_t value = x.b[s * gemv_step + i];
                pairs[i / 2] += value < 0 ? -value : value;
            }
            for (std::size_t j = 0; j < 8; ++j) largest = std::max(largest, norms[j] + pairs[j]);
            const bool fits = largest <= cap;
            if (!fits) ends.push_back(s);
            for (std::size_t j = 0; j < 8; ++j) norms[j] = fits ? norms[j] + pairs[j] : pairs[j];
        }
    }
    if (steps != 0) ends.push_back(steps);
    return ends;
}

FEWBITS_INLINE simd::i16x16 load_step(const std::int16_t* source) { return simd::i16x16::load(source); }
FEWBITS_INLINE simd::i16x16 load_step(const std::int8_t* source) { return simd::widen_i8(source); }
template <class I>
FEWBITS_INLINE simd::i16x16 load_rest(const I* source, std::size_t count) {
    std::int16_t padded[gemv_step] = {};
    for (std::size_t i = 0; i < count; ++i) padded[i] = source[i];
    return simd::i16x16::load(padded);
}

// Eight sums of chains: floats stay in a register, int64 in memory.
template <class C>
struct LaneTotals;
template <>
struct LaneTotals<float> {
    simd::f32x8 lanes = simd::f32x8::zero();
    FEWBITS_INLINE void add(simd::i32x8 sum) { lanes = lanes + convert_f32(sum); }
    FEWBITS_INLINE float sum() const { return simd::sum(lanes); }
};
template <>
struct LaneTotals<std::int64_t> {
    std::int64_t lanes[8] = {};
    FEWBITS_INLINE void add(simd::i32x8 sum) { add_chain(sum, lanes); }
    FEWBITS_INLINE std::int64_t sum() const {
        std::int64_t total = 0;
        for (const std::int64_t lane : lanes) total += lane;
        return total;
    }
};

// One row. Two or four at a time, to share the loads of x, take 1.9 to 2.5 times as long on 6000 x 6000: one
// stream from memory is what prefetchers follow best.
template <class C, class I>
FEWBITS_KERNEL C gemv_row(std::size_t k, const I* a, const I* x, const std::vector<std::size_t>& ends) {
    using simd::i32x8;
    LaneTotals<C> totals;
    const std::size_t full = k / gemv_step;
    std::size_t s = 0;
    for (const std::size_t end : ends) {
        i32x8 sum = i32x8::zero();
        for (; s < std::min(end, full); ++s)
            sum = sum + madd_i16(load_step(a + s * gemv_step), load_step(x + s * gemv_step));
        if (s < end) {  // the last step, of fewer products
            const std::size_t at = s * gemv_step;
            sum = sum + madd_i16(load_rest(a + at, k - at), load_rest(x + at, k - at));
            ++s;
        }
        totals.add(sum);
    }
    return totals.sum();
}

}  // namespace detail

namespace reference {

template <class I, class C>
void dfp_gemv(std::size_t m, std::size_t k, const detail::DfpOperands<I>& x, DfpChain chain, Span<C> y) {
    const std::vector<std::size_t> ends = detail::gemv_chains(k, x, chain);
    for (std::size_t i = 0; i < m; ++i) {
        C totals[8] = {};
        std::size_t begin = 0;
        for (const std::size_t end : ends) {
            for (std::size_t lane = 0; lane < 8; ++lane) {
                std::int64_t sum = 0;
                for (std::size_t l = 16 * begin; l < std::min(16 * end, k); ++l)
                    if (l % 16 / 2 == lane) sum += std::int64_t{x.a[i * k + l]} * std::int64_t{x.b[l]};
                totals[lane] += static_cast<C>(sum);
            }
            begin = end;
        }
        y[i] = ((totals[0] + totals[4]) + (totals[2] + totals[6])) +
               ((totals[1] + totals[5]) + (totals[3] + totals[7]));
    }
    detail::scale_sums(y.data(), y.size(), x.exponent);
}

}  // namespace reference

// y (m) = A (m x k) x (k), as dfp_gemm but for the order of sums.
template <class I, class C>
void dfp_gemv(std::size_t m, std::size_t k, Span<const I> a, int exponent_a, Span<const I> x, int exponent_x,
              const DfpProductOptions& options, Span<C> y) {
    static_assert(sizeof(I) <= 2);
    constexpr const char* function = "formats.dfp_gemv";
    detail::require_sums<C>(function, k);
    FEWBITS_REQUIRE(a.size() == m * k && x.size() == k && y.size() == m,
                    std::string(function) + ": a, x and y must have m k, k and m elements");
    const detail::DfpOperands<I> operands(function, a, exponent_a, x, exponent_x, options);
    const std::vector<std::size_t> ends = detail::gemv_chains(k, operands, options.chain);
    const I* const left = operands.a.data();
    const I* const right = operands.b.data();
    parallel_for(m, 64, options.threads, [&](std::size_t begin, std::size_t end) {
        const FloatEnvironment environment;
        for (std::size_t i = begin; i < end; ++i) y[i] = detail::gemv_row<C>(k, left + i * k, right, ends);
        detail::scale_sums(y.data() + begin, end - begin, operands.exponent);
    });
}

}  // namespace formats
}  // namespace FEWBITS_ISA
}  // namespace fewbits
