// logsumexp, softmax and log_softmax of the rows of a matrix, and their gradients.
//
//   m = max z, j* its first index, s = sum over j != j* of e^(z_j - m)
//   logsumexp = m + log1p(s)       softmax_j = e^(z_j - m) / (1 + s)       log_softmax_j = (z_j - m) -
//   log1p(s)
// The maximum never enters the sum: what is left beside it is not absorbed by the 1, so log_softmax of the
// dominant entry, -log1p(s), keeps its relative accuracy down to e^-745 (e^-103 in float32).
//   softmax_gradient       p_j (g_j - sum p_k g_k), with g counted from g_j*
//   log_softmax_gradient   g_j - p_j sum g_k; for j* from s / (1 + s), never 1 - p
// Types: float32 (computed in float64, at most 0.501 ulp) and float64 (at most 2 ulp in softmax and 1.5 ulp
// in log_softmax for rows of up to 4096; logsumexp relative to max(|m|, log1p(s))). -inf is a masked entry; a
// row without a finite entry has logsumexp -inf and softmax nan; a row with +inf has logsumexp +inf and
// softmax nan; nan gives nan. Sums: eight lanes in blocks of 128, blocks in order, compensated between
// blocks. Source: P. Blanchard, D. Higham, N. Higham, "Accurately computing the log-sum-exp and softmax
// functions", IMA J. Numer. Anal. 41 (2021); the target's part of the gradient: L. Prieto et al., "Grokking
// at the edge of numerical stability", arXiv 2501.04697.
#pragma once

#include <algorithm>
#include <cstddef>
#include <limits>
#include <string>
#include <type_traits>
#include <vector>

#include "fewbits/core/parallel.hpp"
#include "fewbits/core/span.hpp"
#include "fewbits/functions/detail/elementwise.hpp"
#include "fewbits/functions/exponential.hpp"
#include "fewbits/functions/logarithm.hpp"

namespace fewbits {
inline namespace FEWBITS_ISA {
namespace functions {

namespace detail {

constexpr double plus_infinity = std::numeric_limits<double>::infinity();
constexpr double quiet_nan = std::numeric_limits<double>::quiet_NaN();
constexpr std::size_t sum_block = 128;

// A sum of block totals: two_sum keeps what the additions lose.
struct RunningSum {
    double value = 0, rest = 0;

    void add(double term) {
        const auto sum = two_sum(value, term);
        value = sum.value;
        rest += sum.error;
    }
    double total() const { return value + rest; }
};

// Elements i ... i + 7 of a row of `size` as float64; `pad` stands for those beyond its end.
template <class T>
FEWBITS_INLINE void load_group(const T* row, std::size_t i, std::size_t size, T pad, f64x4& low,
                               f64x4& high) {
    T padded[8];
    const T* from = row + i;
    if (size - i < 8) {
        std::fill(std::copy(row + i, row + size, padded), padded + 8, pad);
        from = padded;
    }
    if constexpr (std::is_same_v<T, float>) {
        const f32x8 both = f32x8::load(from);
        low = widen_low(both);
        high = widen_high(both);
    } else {
        low = f64x4::load(from);
        high = f64x4::load(from + 4);
    }
}

// Calls body(i, low, high) for the groups of eight elements of a row in order; what it leaves in low and high
// are the terms of the sum.
template <class T, class Body>
FEWBITS_INLINE RunningSum sum_groups(const T* row, std::size_t size, T pad, Body body) {
    RunningSum sum;
    for (std::size_t begin = 0; begin < size; begin += sum_block) {
        const std::size_t end = std::min(size, begin + sum_block);
        f64x4 low_sum = f64x4::zero(), high_sum = f64x4::zero();
        for (std::size_t i = begin; i < end; i += 8) {
            f64x4 low, high;
            load_group(row, i, size, pad, low, high);
            body(i, low, high);
            low_sum = low_sum + low;
            high_sum = high_sum + high;
        }
        sum.add(simd::sum(low_sum + high_sum));
    }
    return sum;
}

// Stores eight float64 as the elements i ... of a row of `size`, rounded to T; nans become canonical.
template <class T>
FEWBITS_INLINE void store_group(f64x4 low, f64x4 high, T* row, std::size_t i, std::size_t size) {
    T values[8];
    const bool whole = size - i >= 8;
    T* to = whole ? row + i : values;
    if constexpr (std::is_same_v<T, float>) {
        store(canonical_nan(narrow(low, high)), to);
    } else {
        store(canonical_nan(low), to);
        store(canonical_nan(high), to + 4);
    }
    if (!whole) std::copy(values, values + (size - i), row + i);
}

struct Peak {
    double value;
    std::size_t index;
    bool nan;
};

// The maximum of a row and its first index; nothing of a row with nan.
template <class T>
Peak peak_of(const T* row, std::size_t size) {
    using V = Vector<T>;
    const std::size_t whole = size - size % V::size;
    T best = -std::numeric_limits<T>::infinity();
    bool nan = false;
    if (whole != 0) {
        V most = V::load(row);
        auto wrong = most != most;
        for (std::size_t i = V::size; i < whole; i += V::size) {
            const V x = V::load(row + i);
            most = max(most, x);
            wrong = wrong | (x != x);
        }
        nan = any(wrong);
        T lanes[V::size];
        store(most, lanes);
        for (const T x : lanes) best = x > best ? x : best;
    }
    for (std::size_t i = whole; i < size; ++i) {
        nan = nan || row[i] != row[i];
        best = row[i] > best ? row[i] : best;
    }
    if (nan) return {quiet_nan, 0, true};
    const V wanted = V::broadcast(best);
    std::size_t at = 0;
    while (at < whole && !any(V::load(row + at) == wanted)) at += V::size;
    while (at < size && row[at] != best) ++at;
    return {at < size ? double{row[at]} : double{best}, at, false};
}

// e^(z - m) for z <= m.
template <class T>
FEWBITS_KERNEL f64x4 exp_below(f64x4 z, f64x4 m) {
    if constexpr (std::is_same_v<T, float>) {
        // The range of float64: sums of many terms that float32 does not have may be in its range.
        const f64x4 d = max(z - m, splat(-700));
        const f64x4 shifted = fma(d, splat(inv_ln2), splat(rounder)), k = shifted - splat(rounder);
        const f64x4 r = fma(-k, splat(ln2_second), fma(-k, splat(ln2_first), d));
        return select(z == splat(-plus_infinity), f64x4::zero(), exp_scaled(shifted, r, exp_whole));
    } else {
        const auto d = two_sum(z, -m);
        const f64x4 hi = max(d.value, splat(-760));
        const Reduced a = exp_reduce({hi, select(hi == d.value, d.error, f64x4::zero())});
        return round_scaled({a.high, fma(a.high, a.r + (a.r_low + a.tail), a.low), a.exponent});
    }
}

inline double first_lane(f64x4 x) {
    double lanes[4];
    store(x, lanes);
    return lanes[0];
}

// What the functions need to know of a row.
struct RowSums {
    Peak peak;
    RunningSum others;  // sum of e^(z_j - m) over j != j*
    bool ordinary;      // the maximum is finite, and nothing is nan

    double total() const { return others.total() + 1; }
    // log1p(s) in two parts
    void log_total(double& hi, double& lo) const {
        const auto sum = two_sum(1.0, others.value);
        const DoubleDouble y = log_normal({splat(sum.value), splat(sum.error + others.rest)}, f64x4::zero());
        hi = first_lane(y.hi);
        lo = first_lane(y.lo);
    }
};

// With `e`, room for `size` rounded up to eight: e^(z_j - m), and 0 for j*.
template <class T>
RowSums row_sums(const T* row, std::size_t size, double* e) {
    RowSums sums{peak_of(row, size), {}, false};
    sums.ordinary = !sums.peak.nan && sums.peak.value > -plus_infinity && sums.peak.value < plus_infinity;
    if (!sums.ordinary) return sums;
    const f64x4 m = splat(sums.peak.value);
    const std::size_t j = sums.peak.index;
    sums.others = sum_groups(row, size, -std::numeric_limits<T>::infinity(),
                             [&](std::size_t i, f64x4& low, f64x4& high) FEWBITS_INLINE_LAMBDA {
                                 low = exp_below<T>(low, m);
                                 high = exp_below<T>(high, m);
                                 if (FEWBITS_UNLIKELY(j - i < 8)) {
                                     double values[8];
                                     store(low, values);
                                     store(high, values + 4);
                                     values[j - i] = 0;
                                     low = f64x4::load(values);
                                     high = f64x4::load(values + 4);
                                 }
                                 if (e != nullptr) {
                                     store(low, e + i);
                                     store(high, e + i + 4);
                                 }
                             });
    return sums;
}

// Checks the sizes and runs body(row, workspace) for every row; a workspace holds `width` rounded up to
// eight.
template <class Body>
void for_rows(const char* name, std::size_t size, std::size_t out_size, std::size_t width, int threads,
              const Body& body) {
    const std::string prefix = std::string("functions::") + name + ": ";
    FEWBITS_REQUIRE(width > 0 && size % width == 0, prefix + "width must divide the size of z, " +
                                                        std::to_string(size) + ", got " +
                                                        std::to_string(width));
    FEWBITS_REQUIRE(out_size == size, prefix + "out must have the size of z, " + std::to_string(size) +
                                          ", got " + std::to_string(out_size));
    const std::size_t rows = size / width, block = std::max<std::size_t>(1, 65536 / width);
    parallel_for(rows, block, threads, [&](std::size_t begin, std::size_t end) {
        std::vector<double> workspace(width + 8);
        for (std::size_t row = begin; row < end; ++row) body(row, workspace.data());
    });
}

template <class T>
void fill_nan(T* row, std::size_t size) {
    std::fill(row, row + size, std::numeric_limits<T>::quiet_NaN());
}

template <class T>
void softmax_row(const T* z, std::size_t size, T* out, double* e) {
    const RowSums sums = row_sums(z, size, e);
    if (!sums.ordinary) return fill_nan(out, size);
    const double total = sums.total();
    const f64x4 divisor = splat(total);
    for (std::size_t i = 0; i < size; i += 8) {
        store_group(f64x4::load(e + i) / divisor, f64x4::load(e + i + 4) / divisor, out, i, size);
    }
    out[sums.peak.index] = static_cast<T>(1 / total);
}

template <class T>
void log_softmax_row(const T* z, std::size_t size, T* out) {
    const RowSums sums = row_sums(z, size, nullptr);
    if (!sums.ordinary) return fill_nan(out, size);
    double hi, lo;
    sums.log_total(hi, lo);
    const f64x4 m = splat(sums.peak.value), high_log = splat(hi), low_log = splat(lo);
    const auto entry = [&](f64x4 x) FEWBITS_INLINE_LAMBDA {
        if constexpr (std::is_same_v<T, float>) return (x - m) - high_log;
        const auto d = two_sum(x, -m);
        const auto y = two_sum(d.value, -high_log);
        const f64x4 result = y.value + ((d.error - low_log) + y.error);
        return select(y.value == splat(-plus_infinity), y.value, result);  // there the errors are nan
    };
    const std::size_t j = sums.peak.index;
    // `out` may be `z`: the sums of the terms are not needed, the walk is.
    sum_groups(z, size, T(0), [&](std::size_t i, f64x4& low, f64x4& high) FEWBITS_INLINE_LAMBDA {
        store_group(entry(low), entry(high), out, i, size);
    });
    out[j] = static_cast<T>(0 - hi);
}

}  // namespace detail

// Of `z` in rows of `width` elements.
template <class T>
void logsumexp(Span<const T> z, std::size_t width, Span<T> out, int threads = 1) {
    FEWBITS_REQUIRE(width > 0 && z.size() == out.size() * width,
                    "functions::logsumexp: out must have one element for each row");
    detail::for_rows("logsumexp", z.size(), z.size(), width, threads, [&](std::size_t row, double*) {
        const detail::RowSums sums = detail::row_sums(z.data() + row * width, width, nullptr);
        double result = sums.peak.value;
        if (sums.ordinary) {
            double hi, lo;
            sums.log_total(hi, lo);
            const auto sum = two_sum(result, hi);
            result = sum.value + (sum.error + lo);
        }
        out[row] = sums.peak.nan ? std::numeric_limits<T>::quiet_NaN() : static_cast<T>(result);
    });
}

// `out` may be `z`.
template <class T>
void softmax(Span<const T> z, std::size_t width, Span<T> out, int threads = 1) {
    detail::for_rows("softmax", z.size(), out.size(), width, threads, [&](std::size_t row, double* e) {
        detail::softmax_row(z.data() + row * width, width, out.data() + row * width, e);
    });
}

// `out` may be `z`.
template <class T>
void log_softmax(Span<const T> z, std::size_t width, Span<T> out, int threads = 1) {
    detail::for_rows("log_softmax", z.size(), out.size(), width, threads, [&](std::size_t row, double*) {
        detail::log_softmax_row(z.data() + row * width, width, out.data() + row * width);
    });
}

// Gradient with respect to z of sum_j g_j softmax_j(z).
template <class T>
void softmax_gradient(Span<const T> z, Span<const T> g, std::size_t width, Span<T> out, int threads = 1) {
    FEWBITS_REQUIRE(g.size() == z.size(), "functions::softmax_gradient: g must have the size of z");
    detail::for_rows(
        "softmax_gradient", z.size(), out.size(), width, threads, [&](std::size_t row, double* e) {
            T* to = out.data() + row * width;
            const T* upstream = g.data() + row * width;
            const detail::RowSums sums = detail::row_sums(z.data() + row * width, width, e);
            if (!sums.ordinary) return detail::fill_nan(to, width);
            const double total = sums.total();
            const f64x4 divisor = detail::splat(total), origin = detail::splat(upstream[sums.peak.index]);
            // Counted from g_j*, the dominant entry has no part in the mean.
            const double mean =
                detail::sum_groups(upstream, width, T(0),
                                   [&](std::size_t i, f64x4& low, f64x4& high) FEWBITS_INLINE_LAMBDA {
                                       low = (low - origin) * f64x4::load(e + i);
                                       high = (high - origin) * f64x4::load(e + i + 4);
                                   })
                    .total() /
                total;
            const f64x4 m = detail::splat(mean);
            detail::sum_groups(upstream, width, T(0),
                               [&](std::size_t i, f64x4 low, f64x4 high) FEWBITS_INLINE_LAMBDA {
                                   low = f64x4::load(e + i) / divisor * ((low - origin) - m);
                                   high = f64x4::load(e + i + 4) / divisor * ((high - origin) - m);
                                   detail::store_group(low, high, to, i, width);
                               });
            to[sums.peak.index] = static_cast<T>(1 / total * (0 - mean));
        });
}

// Gradient with respect to z of sum_j g_j log_softmax_j(z).
template <class T>
void log_softmax_gradient(Span<const T> z, Span<const T> g, std::size_t width, Span<T> out, int threads = 1) {
    FEWBITS_REQUIRE(g.size() == z.size(), "functions::log_softmax_gradient: g must have the size of z");
    detail::for_rows(
        "log_softmax_gradient", z.size(), out.size(), width, threads, [&](std::size_t row, double* e) {
            T* to = out.data() + row * width;
            const T* upstream = g.data() + row * width;
            const detail::RowSums sums = detail::row_sums(z.data() + row * width, width, e);
            if (!sums.ordinary) return detail::fill_nan(to, width);
            const std::size_t j = sums.peak.index;
            const double total = sums.total(), at_peak = upstream[j];
            detail::RunningSum others =
                detail::sum_groups(upstream, width, T(0), [&](std::size_t i, f64x4& low, f64x4& high) {
                    if (j - i >= 8) return;
                    double values[8];
                    store(low, values);
                    store(high, values + 4);
                    values[j - i] = 0;
                    low = f64x4::load(values);
                    high = f64x4::load(values + 4);
                });
            const double rest = others.total();
            const f64x4 divisor = detail::splat(total), all = detail::splat(rest + at_peak);
            detail::sum_groups(upstream, width, T(0),
                               [&](std::size_t i, f64x4 low, f64x4 high) FEWBITS_INLINE_LAMBDA {
                                   low = low - f64x4::load(e + i) / divisor * all;
                                   high = high - f64x4::load(e + i + 4) / divisor * all;
                                   detail::store_group(low, high, to, i, width);
                               });
            to[j] = static_cast<T>(at_peak * (sums.others.total() / total) - rest / total);
        });
}

}  // namespace functions
}  // namespace FEWBITS_ISA
}  // namespace fewbits
