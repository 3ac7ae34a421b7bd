// The passes over vectors that iterative methods are made of, sums in double, in a fixed order of lanes.
//
//   dot(x, y)                      sum x_i y_i
//   axpy(alpha, x, y)              y += alpha x
//   direction(z, beta, p)          p = z + beta p
//   step(alpha, p, q, x, r)        x += alpha p, r -= alpha q; returns r^T r
// float32: products of a block of 512 are added in float32, blocks in double: errors of 64 additions.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <type_traits>

#include "fewbits/core/span.hpp"
#include "fewbits/simd/f32x8.hpp"
#include "fewbits/simd/f64x4.hpp"

namespace fewbits {
inline namespace FEWBITS_ISA {
namespace linalg {

namespace detail {

template <class T>
using Lanes = std::conditional_t<std::is_same_v<T, double>, simd::f64x4, simd::f32x8>;

inline constexpr std::size_t sum_block = 512;

// Sum of term(i, j) over elements, as a sum of lanes: body(i) adds the vector at i to four accumulators in
// turn, rest(i) gives one product.
template <class T, class Body, class Rest>
double sum_of(std::size_t n, const Body& body, const Rest& rest) {
    using V = Lanes<T>;
    constexpr std::size_t group = 4 * V::size;
    double total = 0;
    std::size_t i = 0;
    while (i + group <= n) {
        const std::size_t end = std::min(n - n % group, i + sum_block);
        V a = V::broadcast(0), b = a, c = a, d = a;
        for (; i + group <= end; i += group) {
            a = body(i, a);
            b = body(i + V::size, b);
            c = body(i + 2 * V::size, c);
            d = body(i + 3 * V::size, d);
        }
        total += static_cast<double>(sum((a + b) + (c + d)));
    }
    for (; i < n; ++i) total += rest(i);
    return total;
}

template <class T>
double dot(Span<const T> x, Span<const T> y) {
    using V = Lanes<T>;
    return sum_of<T>(
        x.size(),
        [&](std::size_t i, V total) { return fma(V::load(x.data() + i), V::load(y.data() + i), total); },
        [&](std::size_t i) { return static_cast<double>(x[i]) * static_cast<double>(y[i]); });
}
template <class T>
double norm(Span<const T> x) {
    return std::sqrt(dot<T>(x, x));
}

template <class T>
void axpy(T alpha, Span<const T> x, Span<T> y) {
    using V = Lanes<T>;
    const V factor = V::broadcast(alpha);
    std::size_t i = 0;
    for (; i + V::size <= y.size(); i += V::size)
        store(fma(factor, V::load(x.data() + i), V::load(y.data() + i)), y.data() + i);
    for (; i < y.size(); ++i) y[i] = std::fma(alpha, x[i], y[i]);
}

template <class T>
void direction(Span<const T> z, T beta, Span<T> p) {
    using V = Lanes<T>;
    const V factor = V::broadcast(beta);
    std::size_t i = 0;
    for (; i + V::size <= p.size(); i += V::size)
        store(fma(factor, V::load(p.data() + i), V::load(z.data() + i)), p.data() + i);
    for (; i < p.size(); ++i) p[i] = std::fma(beta, p[i], z[i]);
}

template <class T>
double step(T alpha, Span<const T> p, Span<const T> q, Span<T> x, Span<T> r) {
    using V = Lanes<T>;
    const V factor = V::broadcast(alpha), minus = V::broadcast(-alpha);
    return sum_of<T>(
        x.size(),
        [&](std::size_t i, V total) {
            store(fma(factor, V::load(p.data() + i), V::load(x.data() + i)), x.data() + i);
            const V rest = fma(minus, V::load(q.data() + i), V::load(r.data() + i));
            store(rest, r.data() + i);
            return fma(rest, rest, total);
        },
        [&](std::size_t i) {
            x[i] = std::fma(alpha, p[i], x[i]);
            r[i] = std::fma(-alpha, q[i], r[i]);
            return static_cast<double>(r[i]) * static_cast<double>(r[i]);
        });
}

}  // namespace detail

}  // namespace linalg
}  // namespace FEWBITS_ISA
}  // namespace fewbits
