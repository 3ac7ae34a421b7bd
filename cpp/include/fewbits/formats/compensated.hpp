// Sums and dot products that carry their rounding errors along: nearly exact at the price of a few
// operations.
//
//   kahan_sum      Kahan (1965); loses where a term is larger than the sum
//   neumaier_sum   Neumaier (1974): |error| <= u |sum| + 2 n^2 u^2 sum |x|
//   klein_sum      Klein (2006), second order: the corrections are corrected
//   pairwise_sum   halves down to blocks of 128: |error| <= u log2(n) sum |x| roughly
//   sum_k, dot_k   Ogita, Rump, Oishi: as if computed in k-fold precision, k >= 2:
//                  |error| <= (u + 3 gamma^2) |s| + gamma_2n^k sum |x|; with u|x . y| + gamma_n^2 |x| . |y|
//                  for dot_k(2)
//   horner         compensated: as if in doubled precision
// Dot products need no overflow and no underflow of products (core/error_free.hpp); a result that is not
// finite is what the plain sum gives.
//
// Kernels: sum_k and dot_k with k = 2 keep 16 independent sums, element i in number i mod 16, joined in order
// at the end with their errors; the bounds hold for any order.
// Contract: types float and double; the same bits on every machine. Orders are fixed by this file.
// Sources: W. Kahan, CACM 8 (1965); A. Neumaier, ZAMM 54 (1974); A. Klein, Computing 76 (2006); T. Ogita, S.
// Rump, S. Oishi, "Accurate sum and dot product", SIAM J. Sci. Comput. 26 (2005), algorithms 4.4, 4.8, 5.3,
// 5.10; S. Graillat, P. Langlois, N. Louvet, "Compensated Horner scheme" (2005).
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <string>
#include <vector>

#include "fewbits/core/error.hpp"
#include "fewbits/core/error_free.hpp"
#include "fewbits/core/isa.hpp"
#include "fewbits/core/span.hpp"
#include "fewbits/formats/rounding.hpp"
#include "fewbits/simd/f32x8.hpp"
#include "fewbits/simd/f64x4.hpp"

namespace fewbits {
inline namespace FEWBITS_ISA {
namespace formats {

template <class T>
T plain_sum(Span<const T> x) {
    T sum = 0;
    for (const T value : x) sum += value;
    return sum;
}

template <class T>
T kahan_sum(Span<const T> x) {
    T sum = 0, correction = 0;
    for (const T value : x) {
        const T term = value_barrier(value - correction);
        const T next = value_barrier(sum + term);
        correction = value_barrier(value_barrier(next - sum) - term);
        sum = next;
    }
    return std::isfinite(sum) ? sum : plain_sum(x);
}

template <class T>
T neumaier_sum(Span<const T> x) {
    T sum = 0, errors = 0;
    for (const T value : x) {
        const ErrorFree<T> s = two_sum(sum, value);
        sum = s.value;
        errors += s.error;
    }
    const T result = sum + errors;
    return std::isfinite(result) ? result : plain_sum(x);
}

template <class T>
T klein_sum(Span<const T> x) {
    T sum = 0, first = 0, second = 0;
    for (const T value : x) {
        const ErrorFree<T> s = two_sum(sum, value);
        sum = s.value;
        const ErrorFree<T> c = two_sum(first, s.error);
        first = c.value;
        second += c.error;
    }
    const T result = sum + value_barrier(first + second);
    return std::isfinite(result) ? result : plain_sum(x);
}

template <class T>
T pairwise_sum(Span<const T> x) {
    if (x.size() <= 128) return plain_sum(x);
    // A power of two on the left: the cut depends on the length alone.
    std::size_t half = 128;
    while (2 * half < x.size()) half *= 2;
    return pairwise_sum(x.first(half)) + pairwise_sum(x.subspan(half, x.size() - half));
}

namespace detail {

// One pass of VecSum: x becomes its partial errors, the last element the rounded sum. The exact sum stays.
template <class T>
void distil(T* x, std::size_t n) {
    for (std::size_t i = 1; i < n; ++i) {
        const ErrorFree<T> s = two_sum(x[i], x[i - 1]);
        x[i] = s.value;
        x[i - 1] = s.error;
    }
}
template <class T>
T sum_of_errors(T* x, std::size_t n, int k) {
    if (n == 0) return 0;
    for (int pass = 1; pass < k; ++pass) distil(x, n);
    T errors = 0;
    for (std::size_t i = 0; i + 1 < n; ++i) errors += x[i];
    return x[n - 1] + errors;
}

template <class V>
FEWBITS_INLINE V multiply_and_subtract(V a, V b, V product) {
    return simd::fma(a, b, -product);
}

inline constexpr std::size_t compensated_lanes = 16;

// 16 sums and their errors, then one sum of the 32 numbers as in doubled precision.
template <class T, bool is_dot>
T lanes_in_doubled_precision(const T* x, const T* y, std::size_t n) {
    using V = typename Carrier<T>::Values;
    constexpr std::size_t lanes = compensated_lanes, vectors = lanes / V::size;
    V sums[vectors], errors[vectors];
    for (std::size_t v = 0; v < vectors; ++v) sums[v] = errors[v] = V::zero();
    for (std::size_t i = 0; i < n; i += lanes) {
        for (std::size_t v = 0; v < vectors; ++v) {
            const std::size_t at = i + v * V::size;
            const std::size_t count = at >= n ? 0 : std::min(V::size, n - at);
            if (count == 0) continue;
            const auto load = [&](const T* source) {
                return count == V::size ? V::load(source + at) : V::load_partial(source + at, count);
            };
            V term = load(x), error = V::zero();
            if constexpr (is_dot) {
                const V other = load(y);
                const V product = value_barrier(term * other);
                error = multiply_and_subtract(term, other, product);
                term = product;
            }
            const ErrorFree<V> s = two_sum(sums[v], term);
            sums[v] = s.value;
            errors[v] = errors[v] + (s.error + error);
        }
    }
    T all[2 * lanes];
    for (std::size_t v = 0; v < vectors; ++v) {
        store(errors[v], all + v * V::size);
        store(sums[v], all + lanes + v * V::size);
    }
    return sum_of_errors(all, 2 * lanes, 2);
}

inline void require_fold(const char* function, int k) {
    if (k < 2 || k > 64)
        throw ArgumentError(std::string(function) + ": k must be in 2..64, got " + std::to_string(k));
}

}  // namespace detail

template <class T>
T plain_dot(Span<const T> x, Span<const T> y) {
    T sum = 0;
    for (std::size_t i = 0; i < x.size(); ++i) sum += value_barrier(x[i] * y[i]);
    return sum;
}

template <class T>
T sum_k(Span<const T> x, int k = 2) {
    detail::require_fold("formats.sum_k", k);
    T result;
    if (k == 2) {
        result = detail::lanes_in_doubled_precision<T, false>(x.data(), nullptr, x.size());
    } else {
        std::vector<T> copy(x.begin(), x.end());
        result = detail::sum_of_errors(copy.data(), copy.size(), k);
    }
    return std::isfinite(result) ? result : plain_sum(x);
}

template <class T>
T dot_k(Span<const T> x, Span<const T> y, int k = 2) {
    detail::require_fold("formats.dot_k", k);
    FEWBITS_REQUIRE(x.size() == y.size(), "formats.dot_k: y must have the size of x, got " +
                                              std::to_string(y.size()) + " for " + std::to_string(x.size()));
    T result;
    if (k == 2) {
        result = detail::lanes_in_doubled_precision<T, true>(x.data(), y.data(), x.size());
    } else {
        // Errors of products and sums, then their sum in (k - 1)-fold precision.
        const std::size_t n = x.size();
        std::vector<T> terms(2 * n);
        T sum = 0;
        for (std::size_t i = 0; i < n; ++i) {
            const ErrorFree<T> product = two_prod(x[i], y[i]);
            const ErrorFree<T> s = two_sum(sum, product.value);
            terms[i] = product.error;
            terms[n + i] = s.error;
            sum = s.value;
        }
        terms.push_back(sum);
        result = detail::sum_of_errors(terms.data(), terms.size(), k - 1);
    }
    return std::isfinite(result) ? result : plain_dot(x, y);
}

// coefficients[0] + coefficients[1] x + ...
template <class T>
T horner(Span<const T> coefficients, T x) {
    if (coefficients.empty()) return 0;
    T sum = coefficients[coefficients.size() - 1], errors = 0, plain = sum;
    for (std::size_t i = coefficients.size() - 1; i-- > 0;) {
        const ErrorFree<T> product = two_prod(sum, x);
        const ErrorFree<T> s = two_sum(product.value, coefficients[i]);
        errors = value_barrier(errors * x) + value_barrier(product.error + s.error);
        sum = s.value;
        plain = value_barrier(plain * x) + coefficients[i];
    }
    const T result = sum + errors;
    return std::isfinite(result) ? result : plain;
}

}  // namespace formats
}  // namespace FEWBITS_ISA
}  // namespace fewbits
