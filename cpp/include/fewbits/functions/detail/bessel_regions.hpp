// What the functions of an order v and an argument x share: regions, and batches sorted by region.
//
// A kernel is a struct with
//   outputs                       1 or 2
//   order(v)                      the order that counts: v, |v|, or nan
//   edge(v, x, y)                 results where v or x is 0, infinite, nan or out of the domain
//   at<region>(v, x, y)           results y[0], y[1] for four elements of a region
// A block of elements is classified, the elements of each region are collected into full vectors, and the
// results put back. An element's result depends on its own v and x alone.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>

#include "fewbits/functions/double_double.hpp"

namespace fewbits {
inline namespace FEWBITS_ISA {
namespace functions {
namespace detail {

// With w = hypot(v, x): the uniform expansion by number of terms, what does not fit its exponents, and w < 20
// by the size of x.
enum Region : std::uint8_t {
    region_edge,
    region_4,        // w >= 2000
    region_5,        // w >= 500
    region_9,        // w >= 100
    region_12,       // w >= 50
    region_17,       // w >= 30
    region_24,       // w >= 20
    region_extreme,  // v or x above 2^400, or w >= 20 and x below 2^-400
    region_small,    // w < 20
    region_tiny,     // w < 20, x < 1e-3
    region_count,
};

// Terms of the uniform expansion: what is left out is below 7e-17.
constexpr int terms_of(int region) {
    constexpr int terms[] = {0, 4, 5, 9, 12, 17, 24};
    return terms[region];
}

// The region of four pairs as integral numbers; v >= 0, edges excluded by the caller.
FEWBITS_KERNEL f64x4 classify(f64x4 v, f64x4 x) {
    const f64x4 one = splat(1), zero = f64x4::zero();
    const f64x4 square = fma(v, v, x * x);
    f64x4 region = one;
    for (const double w : {2000.0, 500.0, 100.0, 50.0, 30.0}) {
        region = region + select(square < splat(w * w), one, zero);
    }
    const auto small = square < splat(400);
    region = select(small, select(x < splat(1e-3), splat(region_tiny), splat(region_small)), region);
    const auto extreme = (max(v, x) > splat(0x1p400)) | (~small & (x < splat(0x1p-400)));
    region = select(extreme, splat(region_extreme), region);
    const f64x4 infinity = splat(std::numeric_limits<double>::infinity());
    const auto ordinary = (v >= zero) & (v < infinity) & (x > zero) & (x < infinity);
    return select(ordinary, region, splat(region_edge));
}

template <class Kernel, int region>
FEWBITS_NOINLINE void sweep(const Kernel& kernel, const double* v, const double* x, double* const* y,
                            std::size_t n) {
    for (std::size_t i = 0; i < n; i += 4) {
        f64x4 result[2] = {};
        kernel.template at<region>(f64x4::load(v + i), f64x4::load(x + i), result);
        for (int k = 0; k < Kernel::outputs; ++k) store(canonical_nan(result[k]), y[k] + i);
    }
}

// n is a multiple of 4.
template <class Kernel>
void sweep_region(int region, const Kernel& kernel, const double* v, const double* x, double* const* y,
                  std::size_t n) {
    switch (region) {
        case region_4:
            return sweep<Kernel, region_4>(kernel, v, x, y, n);
        case region_5:
            return sweep<Kernel, region_5>(kernel, v, x, y, n);
        case region_9:
            return sweep<Kernel, region_9>(kernel, v, x, y, n);
        case region_12:
            return sweep<Kernel, region_12>(kernel, v, x, y, n);
        case region_17:
            return sweep<Kernel, region_17>(kernel, v, x, y, n);
        case region_24:
            return sweep<Kernel, region_24>(kernel, v, x, y, n);
        case region_extreme:
            return sweep<Kernel, region_extreme>(kernel, v, x, y, n);
        case region_small:
            return sweep<Kernel, region_small>(kernel, v, x, y, n);
        default:
            return sweep<Kernel, region_tiny>(kernel, v, x, y, n);
    }
}

// One block of at most `size` elements and what sorting it needs.
struct RegionBlock {
    static constexpr std::size_t size = 512;
    double v[size + 4], x[size + 4], y[2][size + 4];
    double sorted_v[size + 4], sorted_x[size + 4], sorted_y[2][size + 4];
    std::uint64_t region[size + 4];
    std::uint16_t index[size];
};

// Results for v[0..n), x[0..n) of the block into y; n <= size. Buffers reach a whole vector further.
template <class Kernel>
void map_block(const Kernel& kernel, RegionBlock& b, std::size_t n) {
    const std::size_t whole = (n + 3) / 4 * 4;
    for (std::size_t i = n; i < whole; ++i) b.v[i] = b.x[i] = 1;
    for (std::size_t i = 0; i < whole; i += 4) {
        const f64x4 v = kernel.order(f64x4::load(b.v + i)), x = f64x4::load(b.x + i);
        store(v, b.v + i);
        // In the low bits: an integer is added to a number whose ulp is 1.
        store(to_bits(classify(v, x) + splat(0x1p52)), b.region + i);
    }
    const auto region_at = [&](std::size_t i) { return static_cast<int>(b.region[i] & 15); };
    std::size_t count[region_count + 1] = {};
    for (std::size_t i = 0; i < n; ++i) ++count[region_at(i) + 1];
    const int first = region_at(0);
    if (first != region_edge && count[first + 1] == n) {
        double* const y[2] = {b.y[0], b.y[1]};
        return sweep_region(first, kernel, b.v, b.x, y, whole);
    }
    std::size_t at[region_count];
    for (int r = 0; r < region_count; ++r) {
        count[r + 1] += count[r];
        at[r] = count[r];
    }
    for (std::size_t i = 0; i < n; ++i) b.index[at[region_at(i)]++] = static_cast<std::uint16_t>(i);
    for (std::size_t k = 0; k < count[region_edge + 1]; ++k) {
        const std::size_t i = b.index[k];
        double y[2] = {0, 0};
        kernel.edge(b.v[i], b.x[i], y);
        for (int o = 0; o < Kernel::outputs; ++o) b.y[o][i] = y[o];
    }
    for (int r = region_edge + 1; r < region_count; ++r) {
        const std::size_t begin = count[r], size = count[r + 1] - begin;
        if (size == 0) continue;
        for (std::size_t k = 0; k < size; ++k) {
            b.sorted_v[k] = b.v[b.index[begin + k]];
            b.sorted_x[k] = b.x[b.index[begin + k]];
        }
        const std::size_t padded = (size + 3) / 4 * 4;
        // With an element of the region itself, so that no kernel meets what it is not made for.
        for (std::size_t k = size; k < padded; ++k) {
            b.sorted_v[k] = b.sorted_v[size - 1];
            b.sorted_x[k] = b.sorted_x[size - 1];
        }
        double* const y[2] = {b.sorted_y[0], b.sorted_y[1]};
        sweep_region(r, kernel, b.sorted_v, b.sorted_x, y, padded);
        for (int o = 0; o < Kernel::outputs; ++o) {
            for (std::size_t k = 0; k < size; ++k) b.y[o][b.index[begin + k]] = b.sorted_y[o][k];
        }
    }
}

// Of float32 the exact values go in, and the float64 results are rounded once.
template <class Kernel, class T>
void map_regions(const Kernel& kernel, std::size_t n, const T* v, const T* x, T* y0, T* y1 = nullptr) {
    RegionBlock b;
    for (std::size_t start = 0; start < n; start += RegionBlock::size) {
        const std::size_t size = std::min(RegionBlock::size, n - start);
        std::copy(v + start, v + start + size, b.v);
        std::copy(x + start, x + start + size, b.x);
        map_block(kernel, b, size);
        const auto give = [&](const double* from, T* to) {
            for (std::size_t i = 0; i < size; ++i) to[start + i] = static_cast<T>(from[i]);
        };
        give(b.y[0], y0);
        if (Kernel::outputs == 2) give(b.y[1], y1);
    }
}

}  // namespace detail
}  // namespace functions
}  // namespace FEWBITS_ISA
}  // namespace fewbits
