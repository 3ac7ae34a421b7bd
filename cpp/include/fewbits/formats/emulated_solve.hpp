// Linear systems with every operation rounded to a format: conjugate gradients, GMRES(m), and iterative
// refinement with three formats.
//
//   cg       Hestenes-Stiefel; stops where the recursive residual is small, or p^T A p is not positive
//   gmres    modified Gram-Schmidt, Givens rotations, restarts; an operator may stand before A
//   refine   x += d, A d = b - A x: factors in format f, the rest in format w, residuals in format r;
//            method ir: d by the factors; gmres: d by GMRES on U^-1 L^-1 P A in format w (GMRES-IR)
// Errors reported are true ones, taken in double: |b - A x| / (|A| |x| + |b|) in the infinity norm.
// With `scaling` A is scaled before factoring: rows, then columns, to largest magnitudes in [1/2, 1) by
// powers of two, and all by one more so that the largest is at most 0.1 max_finite of f: fp16 then does not
// overflow.
//
// Contract: exact: the bits of the plain loops in the given order.
// Sources: M. Hestenes, E. Stiefel, J. Res. NBS 49 (1952); Y. Saad, M. Schultz, SIAM J. Sci. Stat. Comput. 7
// (1986); E. Carson, N. Higham, SIAM J. Sci. Comput. 39 (2017) and 40 (2018); scaling: N. Higham, S. Pranesh,
// M. Zounon, "Squeezing a matrix into half precision", SIAM J. Sci. Comput. 41 (2019).
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "fewbits/core/error.hpp"
#include "fewbits/core/isa.hpp"
#include "fewbits/core/span.hpp"
#include "fewbits/formats/arithmetic.hpp"
#include "fewbits/formats/emulated_blas.hpp"
#include "fewbits/formats/emulated_factor.hpp"

namespace fewbits {
inline namespace FEWBITS_ISA {
namespace formats {

struct SolveReport {
    bool converged = false;
    std::size_t iterations = 0;        // of refine: outer ones
    std::size_t inner_iterations = 0;  // of GMRES within refine
    std::vector<double> errors;  // one per iteration: residual norm (cg, gmres), backward error (refine)
    double backward_error = 0;   // of the result
};

// |b - A x| / (|A| |x| + |b|) in double, infinity norm; nan where x is not finite.
inline double backward_error(std::size_t n, Span<const double> a, Span<const double> x,
                             Span<const double> b) {
    double residual = 0, matrix = 0, solution = 0, right = 0;
    for (std::size_t i = 0; i < n; ++i) {
        if (!std::isfinite(x[i])) return std::numeric_limits<double>::quiet_NaN();
        double row = 0, sum = b[i];
        for (std::size_t j = 0; j < n; ++j) {
            sum = std::fma(-a[i * n + j], x[j], sum);
            row += std::fabs(a[i * n + j]);
        }
        residual = std::max(residual, std::fabs(sum));
        matrix = std::max(matrix, row);
        solution = std::max(solution, std::fabs(x[i]));
        right = std::max(right, std::fabs(b[i]));
    }
    const double scale = matrix * solution + right;
    return scale == 0 ? 0 : residual / scale;
}

namespace detail {

inline std::vector<double> rounded(const Arithmetic<double>& arithmetic, Span<const double> x) {
    std::vector<double> y(x.begin(), x.end());
    for (std::size_t i = 0; i < y.size(); ++i) y[i] = arithmetic.round(y[i], i);
    return y;
}

// An arithmetic whose every use draws from streams of its own.
class Streams {
public:
    explicit Streams(const Arithmetic<double>& arithmetic)
        : arithmetic_(arithmetic), next_(arithmetic.context().options.stream) {}
    // The arithmetic for an operation with `outputs` elements.
    const Arithmetic<double>& take(std::size_t outputs = 1) {
        if (arithmetic_.is_random()) {
            arithmetic_.set_stream(next_);
            next_ += outputs;
        }
        return arithmetic_;
    }

private:
    Arithmetic<double> arithmetic_;
    std::uint64_t next_;
};

}  // namespace detail

// A x = b for symmetric positive definite A; x holds the start and the result. Stops at |r| <= tol |b| (norms
// by the arithmetic).
inline SolveReport cg(const Arithmetic<double>& arithmetic, std::size_t n, Span<const double> a,
                      Span<const double> b, Span<double> x, double tol, std::size_t max_iter) {
    FEWBITS_REQUIRE(a.size() == n * n && b.size() == n && x.size() == n,
                    "formats.cg: a, b and x must be n x n, n and n");
    detail::Streams streams(arithmetic);
    SolveReport report;
    std::vector<double> r(n), p(n), product(n);
    const auto matrix = [&](Span<const double> v) {
        gemv(streams.take(n), n, n, a, v, Span<double>(product));
    };
    const auto inner = [&](Span<const double> u, Span<const double> v) { return dot(streams.take(), u, v); };
    const auto add = [&](double alpha, Span<const double> u, Span<double> v) {
        axpy(streams.take(n), alpha, u, v);
    };
    matrix(x);
    streams.take().operation(Operation::subtract, b, Span<const double>(product), Span<double>(r));
    p = r;
    double rho = inner(r, r);
    const double target = tol * std::sqrt(inner(b, b));
    while (report.iterations < max_iter) {
        if (std::sqrt(rho) <= target) {
            report.converged = true;
            break;
        }
        matrix(Span<const double>(p));
        const double curvature = inner(p, product);
        if (!(curvature > 0) || !std::isfinite(rho)) break;
        const double alpha = streams.take().divide(rho, curvature, 0);
        add(alpha, Span<const double>(p), x);
        add(-alpha, Span<const double>(product), Span<double>(r));
        const double next = inner(r, r);
        const double beta = streams.take().divide(next, rho, 0);
        // p = r + beta p
        std::vector<double> direction = r;
        add(beta, Span<const double>(p), Span<double>(direction));
        p.swap(direction);
        rho = next;
        ++report.iterations;
        report.errors.push_back(std::sqrt(rho));
    }
    report.converged = report.converged || std::sqrt(rho) <= target;
    report.backward_error = backward_error(n, a, x, b);
    return report;
}

// Solves op(x) = b: `apply(v, out)` is the operator. x holds the start and the result. Stops where the
// residual norm of the recurrence is at most tol |r0|, r0 that of the start of each cycle's first.
template <class Apply>
SolveReport gmres_operator(const Arithmetic<double>& arithmetic, std::size_t n, const Apply& apply,
                           Span<const double> b, Span<double> x, double tol, std::size_t restart,
                           std::size_t max_iter) {
    detail::Streams streams(arithmetic);
    SolveReport report;
    restart = std::max<std::size_t>(1, std::min(restart, n));
    double target = -1;
    while (true) {
        std::vector<double> r(n);
        apply(Span<const double>(x), Span<double>(r), streams);
        streams.take().operation(Operation::subtract, b, Span<const double>(r), Span<double>(r));
        double beta = nrm2(streams.take(), Span<const double>(r));
        if (target < 0) target = tol * beta;
        if (!std::isfinite(beta)) return report;
        if (beta <= target || beta == 0) {
            report.converged = true;
            return report;
        }
        if (report.iterations >= max_iter) return report;
        std::vector<std::vector<double>> basis(1, std::vector<double>(n));
        for (std::size_t i = 0; i < n; ++i) basis[0][i] = streams.take().divide(r[i], beta, 0);
        std::vector<std::vector<double>> columns;  // of R
        std::vector<double> cosines, sines, g(1, beta);
        double error = beta;
        bool broken = false;
        for (std::size_t j = 0; j < restart && report.iterations < max_iter && error > target && !broken;
             ++j) {
            std::vector<double> w(n), h(j + 2);
            apply(Span<const double>(basis[j]), Span<double>(w), streams);
            for (std::size_t i = 0; i <= j; ++i) {
                h[i] = dot(streams.take(), Span<const double>(w), Span<const double>(basis[i]));
                axpy(streams.take(n), -h[i], Span<const double>(basis[i]), Span<double>(w));
            }
            h[j + 1] = nrm2(streams.take(), Span<const double>(w));
            broken = !(h[j + 1] > 0) || !std::isfinite(h[j + 1]);
            if (!broken) {
                for (std::size_t i = 0; i < n; ++i) w[i] = streams.take().divide(w[i], h[j + 1], 0);
                basis.push_back(w);
            }
            const auto rotate = [&](double c, double s, double& u, double& v) {
                const Arithmetic<double>& f = streams.take();
                const double upper = f.add(f.multiply(c, u, 0), f.multiply(s, v, 1), 2);
                v = f.subtract(f.multiply(c, v, 3), f.multiply(s, u, 4), 5);
                u = upper;
            };
            for (std::size_t i = 0; i < j; ++i) rotate(cosines[i], sines[i], h[i], h[i + 1]);
            const Arithmetic<double>& f = streams.take();
            const double d =
                f.sqrt(f.add(f.multiply(h[j], h[j], 0), f.multiply(h[j + 1], h[j + 1], 1), 2), 3);
            if (!(d > 0) || !std::isfinite(d)) break;
            cosines.push_back(f.divide(h[j], d, 4));
            sines.push_back(f.divide(h[j + 1], d, 5));
            h[j] = d;
            g.push_back(0);
            rotate(cosines[j], sines[j], g[j], g[j + 1]);
            h.resize(j + 1);
            columns.push_back(h);
            error = std::fabs(g[j + 1]);
            ++report.iterations;
            report.errors.push_back(error);
        }
        // y = R^-1 g, x += V y.
        const std::size_t size = columns.size();
        if (size == 0) return report;
        std::vector<double> y(g.begin(), g.begin() + static_cast<std::ptrdiff_t>(size));
        for (std::size_t k = size; k-- > 0;) {
            y[k] = streams.take().divide(y[k], columns[k][k], 0);
            for (std::size_t i = 0; i < k; ++i) {
                const Arithmetic<double>& f = streams.take();
                y[i] = f.subtract(y[i], f.multiply(columns[k][i], y[k], 0), 1);
            }
        }
        for (std::size_t k = 0; k < size; ++k) axpy(streams.take(n), y[k], Span<const double>(basis[k]), x);
        if (error <= target) {
            report.converged = true;
            return report;
        }
        if (broken) return report;
    }
}

// A x = b. Stops at |r| <= tol |r0|.
inline SolveReport gmres(const Arithmetic<double>& arithmetic, std::size_t n, Span<const double> a,
                         Span<const double> b, Span<double> x, double tol, std::size_t restart,
                         std::size_t max_iter) {
    FEWBITS_REQUIRE(a.size() == n * n && b.size() == n && x.size() == n,
                    "formats.gmres: a, b and x must be n x n, n and n");
    const auto apply = [&](Span<const double> v, Span<double> out, detail::Streams& streams) {
        gemv(streams.take(n), n, n, a, v, out);
    };
    SolveReport report = gmres_operator(arithmetic, n, apply, b, x, tol, restart, max_iter);
    report.backward_error = backward_error(n, a, x, b);
    return report;
}

struct RefineOptions {
    bool use_gmres = false;
    bool scaling = false;
    double tol = 0;           // 0: 5e-16 or 2 u of the working format, whichever is larger
    double inner_tol = 1e-4;  // of GMRES
    std::size_t max_iter = 60;
    std::size_t inner_max_iter = 0;  // 0: n
};

// A x = b to the backward error of the working format; x receives the result.
inline SolveReport refine(const Arithmetic<double>& factor, const Arithmetic<double>& working,
                          const Arithmetic<double>& residual, std::size_t n, Span<const double> a,
                          Span<const double> b, Span<double> x, const RefineOptions& options) {
    FEWBITS_REQUIRE(a.size() == n * n && b.size() == n && x.size() == n,
                    "formats.refine: a, b and x must be n x n, n and n");
    SolveReport report;
    const double unit = std::ldexp(1.0, -working.format().precision);
    const double tol = options.tol > 0 ? options.tol : std::max(5e-16, 2 * unit);

    // 1. Scale, round, factor. Powers of two: row_scale A column_scale is exact but for underflow.
    std::vector<double> rows(n, 1.0), columns(n, 1.0), factors(a.begin(), a.end());
    if (options.scaling) {
        const auto power_below = [](double magnitude) {  // 2^-e, magnitude in [2^(e - 1), 2^e)
            if (!(magnitude > 0) || !std::isfinite(magnitude)) return 1.0;
            int exponent;
            std::frexp(magnitude, &exponent);
            return std::ldexp(1.0, -exponent);
        };
        for (std::size_t i = 0; i < n; ++i) {
            double largest = 0;
            for (std::size_t j = 0; j < n; ++j) largest = std::max(largest, std::fabs(factors[i * n + j]));
            rows[i] = power_below(largest);
            for (std::size_t j = 0; j < n; ++j) factors[i * n + j] *= rows[i];
        }
        double all = 0;
        for (std::size_t j = 0; j < n; ++j) {
            double largest = 0;
            for (std::size_t i = 0; i < n; ++i) largest = std::max(largest, std::fabs(factors[i * n + j]));
            columns[j] = power_below(largest);
            for (std::size_t i = 0; i < n; ++i) {
                factors[i * n + j] *= columns[j];
                all = std::max(all, std::fabs(factors[i * n + j]));
            }
        }
        if (all > 0) {
            int exponent;
            std::frexp(0.1 * factor.format().max_finite / all, &exponent);
            const double scale = std::ldexp(1.0, std::min(exponent - 1, 1000));
            for (double& row : rows) row *= scale;
            for (double& entry : factors) entry *= scale;
        }
    }
    factors = detail::rounded(factor, Span<const double>(factors));
    std::vector<std::int64_t> permutation(n);
    if (lu(factor, n, Span<double>(factors), Span<std::int64_t>(permutation)) != n) {
        report.backward_error = std::numeric_limits<double>::quiet_NaN();
        return report;
    }

    // 2. x0 = U^-1 L^-1 P b in the working format.
    const std::vector<double> matrix = detail::rounded(working, a), right = detail::rounded(working, b);
    detail::Streams streams(working), residual_streams(residual);
    const auto solve = [&](Span<const double> from, Span<double> to) {
        for (std::size_t i = 0; i < n; ++i) {
            const auto row = static_cast<std::size_t>(permutation[i]);
            to[i] = working.round(from[row] * rows[row], i);
        }
        trsv(streams.take(n), Triangle::lower, true, n, Span<const double>(factors), to);
        trsv(streams.take(n), Triangle::upper, false, n, Span<const double>(factors), to);
        for (std::size_t i = 0; i < n; ++i) to[i] = working.round(to[i] * columns[i], i);
    };
    solve(Span<const double>(right), x);

    // 3. Corrections.
    std::vector<double> r(n), d(n), image(n);
    for (;; ++report.iterations) {
        report.backward_error = backward_error(n, Span<const double>(matrix), x, Span<const double>(right));
        report.errors.push_back(report.backward_error);
        report.converged = report.backward_error <= tol;
        if (report.converged || report.iterations == options.max_iter || std::isnan(report.backward_error))
            return report;
        gemv(residual_streams.take(n), n, n, Span<const double>(matrix), Span<const double>(x),
             Span<double>(image));
        residual_streams.take().operation(Operation::subtract, Span<const double>(right),
                                          Span<const double>(image), Span<double>(r));
        for (std::size_t i = 0; i < n; ++i) r[i] = working.round(r[i], i);
        if (options.use_gmres) {
            std::vector<double> start(n);
            solve(Span<const double>(r), Span<double>(start));
            std::fill(d.begin(), d.end(), 0.0);
            const auto apply = [&](Span<const double> v, Span<double> out, detail::Streams&) {
                gemv(streams.take(n), n, n, Span<const double>(matrix), v, Span<double>(image));
                solve(Span<const double>(image), out);
            };
            const std::size_t most = options.inner_max_iter == 0 ? n : options.inner_max_iter;
            const SolveReport inner = gmres_operator(streams.take(n * n), n, apply, Span<const double>(start),
                                                     Span<double>(d), options.inner_tol, most, most);
            report.inner_iterations += inner.iterations;
        } else {
            solve(Span<const double>(r), Span<double>(d));
        }
        streams.take().operation(Operation::add, Span<const double>(x), Span<const double>(d), x);
    }
}

}  // namespace formats
}  // namespace FEWBITS_ISA
}  // namespace fewbits
