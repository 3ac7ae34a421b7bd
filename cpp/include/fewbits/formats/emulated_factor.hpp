// Factorisations with every operation rounded to a format: LU, Cholesky, Householder and Givens QR.
//
//   lu          right-looking, partial pivoting: the first of the largest magnitudes of the column;
//               l_ik = fl(a_ik / a_kk), a_ij = fl(a_ij - fl(l_ik a_kj))
//   cholesky    right-looking: l_kk = fl(sqrt(a_kk)), l_ik = fl(a_ik / l_kk), a_ij = fl(a_ij - fl(l_ik l_jk))
//   qr          A = Q R, Q m x m, R m x n; method householder: v = x + sign(x_0) |x| e_0, scaled to v_0 = 1,
//               A -= (tau v) (v^T A); or givens: rows k and i, d = sqrt(f^2 + g^2), c = |f| / d, s = g / r,
//               r = sign(f) d
// Matrices are row-major. With accumulate = fma an update rounds once; sums in index order
// (emulated_blas.hpp). Random bits: element (i, j) reads stream + i n + j; LU and Cholesky number the
// roundings of an element, QR those of an element of each array.
//
// Contract: exact: the bits of the plain loops. Normwise backward error of LU and Cholesky about n u growth.
// Sources: N. Higham, "Accuracy and Stability of Numerical Algorithms", 2nd ed. (2002), algorithms 9.2, 10.2,
// 19.1 and section 19.6.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "fewbits/core/error.hpp"
#include "fewbits/core/isa.hpp"
#include "fewbits/core/span.hpp"
#include "fewbits/formats/arithmetic.hpp"
#include "fewbits/formats/emulated_blas.hpp"

namespace fewbits {
inline namespace FEWBITS_ISA {
namespace formats {

// L (unit lower) and U in place of A (n x n); permutation[i] is the row of A that became row i. A column
// whose pivot is zero or nan is left as it is: the index of the first such column is returned, n where there
// is none.
template <class T>
std::size_t lu(const Arithmetic<T>& arithmetic, std::size_t n, Span<T> a, Span<std::int64_t> permutation) {
    FEWBITS_REQUIRE(a.size() == n * n && permutation.size() == n,
                    "formats.lu: a and permutation must be n x n and n");
    for (std::size_t i = 0; i < n; ++i) permutation[i] = static_cast<std::int64_t>(i);
    const EmulatedLoops<T> loops(arithmetic);
    Arithmetic<T> own = arithmetic;
    const std::uint64_t stream = arithmetic.context().options.stream;
    std::size_t singular = n;
    for (std::size_t k = 0; k < n; ++k) {
        std::size_t pivot = k;
        for (std::size_t i = k + 1; i < n; ++i)
            if (std::fabs(a[i * n + k]) > std::fabs(a[pivot * n + k])) pivot = i;
        if (pivot != k) {
            std::swap_ranges(a.begin() + k * n, a.begin() + (k + 1) * n, a.begin() + pivot * n);
            std::swap(permutation[k], permutation[pivot]);
        }
        const T diagonal = a[k * n + k];
        if (!(diagonal != 0) || std::isnan(diagonal)) {
            singular = std::min(singular, k);
            continue;
        }
        for (std::size_t i = k + 1; i < n; ++i) {
            const std::size_t at = i * n + k;
            if (arithmetic.is_random()) own.set_stream(stream + at);
            a[at] = own.divide(a[at], diagonal, k * loops.draws());
            loops.multiply_add(a[at], a.data() + k * n + k + 1, a.data() + at + 1, n - k - 1, true, at + 1,
                               k * loops.draws());
        }
    }
    return singular;
}

// L in the lower triangle of A (n x n, symmetric; the lower triangle is read), zeros above. Returns n, or the
// index of the first pivot that is not positive, where the work stops.
template <class T>
std::size_t cholesky(const Arithmetic<T>& arithmetic, std::size_t n, Span<T> a) {
    FEWBITS_REQUIRE(a.size() == n * n, "formats.cholesky: a must be n x n");
    const EmulatedLoops<T> loops(arithmetic);
    Arithmetic<T> own = arithmetic;
    const std::uint64_t stream = arithmetic.context().options.stream;
    std::vector<T> column(n);
    for (std::size_t k = 0; k < n; ++k) {
        const std::uint64_t done = k * loops.draws();
        if (!(a[k * n + k] > 0)) return k;
        if (arithmetic.is_random()) own.set_stream(stream + k * n + k);
        const T diagonal = a[k * n + k] = own.sqrt(a[k * n + k], done);
        for (std::size_t i = k + 1; i < n; ++i) {
            if (arithmetic.is_random()) own.set_stream(stream + i * n + k);
            column[i] = a[i * n + k] = own.divide(a[i * n + k], diagonal, done);
        }
        for (std::size_t i = k + 1; i < n; ++i)
            loops.multiply_add(column[i], column.data() + k + 1, a.data() + i * n + k + 1, i - k, true,
                               i * n + k + 1, done);
        std::fill(a.begin() + k * n + k + 1, a.begin() + (k + 1) * n, T{0});
    }
    return n;
}

enum class QrMethod { householder, givens };

// Q (m x m) and R (m x n, zeros below the diagonal) of A (m x n). R starts as a copy of A.
template <class T>
void qr(const Arithmetic<T>& arithmetic, QrMethod method, std::size_t m, std::size_t n, Span<const T> a,
        Span<T> q, Span<T> r) {
    FEWBITS_REQUIRE(a.size() == m * n && q.size() == m * m && r.size() == m * n,
                    "formats.qr: a, q and r must be m x n, m x m and m x n");
    std::copy(a.begin(), a.end(), r.begin());
    // Q^T is formed from the identity by the same row operations, and transposed at the end.
    std::vector<T> qt(m * m, T{0});
    const T one = arithmetic.round(T{1}, 0);
    for (std::size_t i = 0; i < m; ++i) qt[i * m + i] = one;
    const EmulatedLoops<T> loops(arithmetic);
    const std::size_t steps = m == 0 ? 0 : std::min(n, m - 1);
    const std::uint64_t stream = arithmetic.context().options.stream;
    Arithmetic<T> scalars = arithmetic;  // their own streams, above those of the arrays
    scalars.set_stream(stream + 2 * m * std::max(m, n));
    std::uint64_t count = 0;
    std::vector<T> v(m), w(std::max(m, n)), scratch(std::max(m, n));

    if (method == QrMethod::householder) {
        for (std::size_t k = 0; k < steps; ++k) {
            for (std::size_t i = k; i < m; ++i) v[i] = r[i * n + k];
            const std::size_t length = m - k;
            T squares = 0;
            for (std::size_t i = k; i < m; ++i) {
                squares = scalars.multiply_add(v[i], v[i], squares, count);
                count += 2;
            }
            const T norm = scalars.sqrt(squares, count++);
            bool below = false;
            for (std::size_t i = k + 1; i < m; ++i) below = below || v[i] != 0;
            if (!below || !(norm > 0)) continue;
            const T beta = std::signbit(v[k]) ? norm : -norm;
            const T head = scalars.subtract(v[k], beta, count++);
            const T tau = scalars.divide(-head, beta, count++);
            for (std::size_t i = k + 1; i < m; ++i) v[i] = scalars.divide(v[i], head, count++);
            v[k] = one;
            const auto reflect = [&](T* rows, std::size_t width, std::size_t first, std::uint64_t base) {
                // w = v^T rows, then rows -= (tau v) w.
                std::fill(w.begin(), w.end(), T{0});
                for (std::size_t i = k; i < m; ++i)
                    loops.multiply_add(v[i], rows + i * width + first, w.data(), width - first, false,
                                       base + first, (k * m + i) * loops.draws());
                for (std::size_t i = 0; i < length; ++i) {
                    const T factor = scalars.multiply(tau, v[k + i], count++);
                    loops.multiply_add(factor, w.data(), rows + (k + i) * width + first, width - first, true,
                                       base + m * width + (k + i) * width + first, k * loops.draws());
                }
            };
            reflect(r.data(), n, k, 0);
            reflect(qt.data(), m, 0, m * n);
            r[k * n + k] = beta;
            for (std::size_t i = k + 1; i < m; ++i) r[i * n + k] = 0;
        }
    } else {
        // x' = c x + s y, y' = c y - s x for two rows.
        const auto rotate = [&](T c, T s, T* x, T* y, std::size_t width) {
            std::copy(x, x + width, scratch.begin());
            std::fill(w.begin(), w.end(), T{0});
            loops.multiply_add(c, x, w.data(), width, false, 0, count);
            loops.multiply_add(s, y, w.data(), width, false, 0, count + 2);
            std::copy(w.begin(), w.begin() + static_cast<std::ptrdiff_t>(width), x);
            std::fill(w.begin(), w.end(), T{0});
            loops.multiply_add(c, y, w.data(), width, false, 0, count + 4);
            loops.multiply_add(s, scratch.data(), w.data(), width, true, 0, count + 6);
            std::copy(w.begin(), w.begin() + static_cast<std::ptrdiff_t>(width), y);
            count += 8;
        };
        for (std::size_t k = 0; k < steps; ++k) {
            for (std::size_t i = k + 1; i < m; ++i) {
                const T f = r[k * n + k], g = r[i * n + k];
                if (g == 0) continue;
                T c = 0, s = one, d;
                if (f != 0) {
                    const T squares = scalars.multiply_add(g, g, scalars.multiply(f, f, count), count + 1);
                    d = scalars.sqrt(squares, count + 3);
                    c = scalars.divide(std::fabs(f), d, count + 4);
                    d = std::signbit(f) ? -d : d;
                    s = scalars.divide(g, d, count + 5);
                    count += 6;
                } else {
                    d = g;
                }
                rotate(c, s, r.data() + k * n + k, r.data() + i * n + k, n - k);
                rotate(c, s, qt.data() + k * m, qt.data() + i * m, m);
                r[k * n + k] = d;
                r[i * n + k] = 0;
            }
        }
    }
    for (std::size_t i = 0; i < m; ++i)
        for (std::size_t j = 0; j < m; ++j) q[i * m + j] = qt[j * m + i];
}

}  // namespace formats
}  // namespace FEWBITS_ISA
}  // namespace fewbits
