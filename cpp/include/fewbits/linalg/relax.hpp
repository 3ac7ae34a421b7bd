// Relaxation, and the preconditioners made of a matrix's own triangles. Matrices are square CSR with sorted
// rows.
//
//   sor(A, b, omega, x)        x += (D / omega + L)^-1 (b - A x) until the residual has fallen by tol
//   Ssor<T>                    z = (D + omega L^T)^-1 D (D + omega L)^-1 r: symmetric SOR but for a factor
//   IncompleteCholesky<T>      L L^T with the pattern of A, natural order; modified: `modified` times the
//                              fill that is dropped goes to the diagonal
//
// Contract: float and double, one chain of multiply-adds for a row. A pivot that is not positive is a
// LinAlgError that names its row. Sources: D. Young (1954); J. Meijerink, H. van der Vorst, Math. Comp. 31
// (1977); I. Gustafsson, BIT 18 (1978).
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
#include "fewbits/linalg/detail/vectors.hpp"
#include "fewbits/linalg/krylov.hpp"
#include "fewbits/linalg/operator.hpp"

namespace fewbits {
inline namespace FEWBITS_ISA {
namespace linalg {

namespace detail {

// Rows of a strictly triangular matrix.
template <class T>
struct Triangle {
    std::vector<std::size_t> offsets{0};
    std::vector<std::uint32_t> columns;
    std::vector<T> values;

    FEWBITS_INLINE T row(std::size_t i, const T* x) const {
        T sum = 0;
        for (std::size_t k = offsets[i]; k < offsets[i + 1]; ++k)
            sum = std::fma(values[k], x[columns[k]], sum);
        return sum;
    }
};

// A = lower + diagonal + upper
template <class T>
struct Split {
    Triangle<T> lower, upper;
    std::vector<T> diagonal;

    template <class Index>
    Split(const CsrView<T, Index>& a, const char* name) {
        const std::string what(name);
        FEWBITS_REQUIRE(a.rows() == a.cols(), what + ": A must be square, got " + std::to_string(a.rows()) +
                                                  " by " + std::to_string(a.cols()));
        FEWBITS_REQUIRE(a.rows() < (std::size_t{1} << 32), what + ": A must have fewer than 2^32 rows");
        a.check();
        diagonal.assign(a.rows(), T(0));
        for (std::size_t i = 0; i < a.rows(); ++i) {
            const auto begin = static_cast<std::size_t>(a.offsets()[i]);
            const auto end = static_cast<std::size_t>(a.offsets()[i + 1]);
            for (std::size_t k = begin; k < end; ++k) {
                const auto j = static_cast<std::size_t>(a.columns()[k]);
                FEWBITS_REQUIRE(k == begin || j > static_cast<std::size_t>(a.columns()[k - 1]),
                                what + ": A must have sorted rows without duplicates, row " +
                                    std::to_string(i) + " has not");
                if (j == i) {
                    diagonal[i] = a.values()[k];
                    continue;
                }
                Triangle<T>& triangle = j < i ? lower : upper;
                triangle.columns.push_back(static_cast<std::uint32_t>(j));
                triangle.values.push_back(a.values()[k]);
            }
            lower.offsets.push_back(lower.columns.size());
            upper.offsets.push_back(upper.columns.size());
            if (!(diagonal[i] > 0) || !std::isfinite(diagonal[i]))
                throw LinAlgError(what + ": the diagonal of A must be positive, row " + std::to_string(i) +
                                  " has " + std::to_string(diagonal[i]));
        }
    }
};

inline void check_omega(double omega, const char* name) {
    FEWBITS_REQUIRE(omega > 0 && omega < 2,
                    std::string(name) + ": omega must be in (0, 2), got " + std::to_string(omega));
}

}  // namespace detail

template <class T>
class Ssor {
public:
    using value_type = T;
    template <class Index>
    Ssor(const CsrView<T, Index>& a, double omega)
        : split_(a, "linalg::Ssor"), omega_(static_cast<T>(omega)) {
        detail::check_omega(omega, "linalg::Ssor");
    }
    std::size_t rows() const { return split_.diagonal.size(); }
    std::size_t cols() const { return rows(); }
    void apply(Span<const T> r, Span<T> z) const {
        detail::check_shapes(*this, r.size(), z.size(), "linalg::Ssor");
        const std::size_t n = rows();
        const std::vector<T>& d = split_.diagonal;
        for (std::size_t i = 0; i < n; ++i)
            z[i] = std::fma(-omega_, split_.lower.row(i, z.data()), r[i]) / d[i];
        // (D + omega L^T) z = D y, y in place: z_i = y_i - omega (row of upper) / d_i
        for (std::size_t i = n; i-- > 0;)
            z[i] = std::fma(-omega_ / d[i], split_.upper.row(i, z.data()), z[i]);
    }

private:
    detail::Split<T> split_;
    T omega_;
};

template <class T>
class IncompleteCholesky {
public:
    using value_type = T;
    // `shift` times its diagonal is added to A first.
    template <class Index>
    explicit IncompleteCholesky(const CsrView<T, Index>& a, double modified = 0, double shift = 0) {
        constexpr const char* name = "linalg::IncompleteCholesky";
        FEWBITS_REQUIRE(modified >= 0 && modified <= 1,
                        std::string(name) + ": modified must be in [0, 1], got " + std::to_string(modified));
        FEWBITS_REQUIRE(shift >= 0,
                        std::string(name) + ": shift must be at least 0, got " + std::to_string(shift));
        detail::Split<T> split(a, name);
        upper_ = std::move(split.upper);  // row k holds column k of L
        inverse_.resize(a.rows());
        std::vector<double> diagonal(split.diagonal.begin(), split.diagonal.end());
        for (double& d : diagonal) d *= 1 + shift;
        for (std::size_t k = 0; k < a.rows(); ++k) {
            if (!(diagonal[k] > 0))
                throw LinAlgError(std::string(name) + ": the pivot of row " + std::to_string(k) + " is " +
                                  std::to_string(diagonal[k]) +
                                  ", not positive: pass a larger shift, or a smaller `modified`");
            const double root = std::sqrt(diagonal[k]);
            inverse_[k] = static_cast<T>(1 / root);
            const std::size_t begin = upper_.offsets[k], end = upper_.offsets[k + 1];
            for (std::size_t i = begin; i < end; ++i)
                upper_.values[i] = static_cast<T>(static_cast<double>(upper_.values[i]) / root);
            for (std::size_t i = begin; i < end; ++i) {
                const std::size_t row = upper_.columns[i];
                const auto left = static_cast<double>(upper_.values[i]);
                diagonal[row] -= left * left;
                // Pairs of row and a later one: an entry of the pattern, or fill.
                std::size_t at = upper_.offsets[row];
                const std::size_t last = upper_.offsets[row + 1];
                for (std::size_t j = i + 1; j < end; ++j) {
                    const std::size_t column = upper_.columns[j];
                    const double product = left * static_cast<double>(upper_.values[j]);
                    while (at < last && upper_.columns[at] < column) ++at;
                    if (at < last && upper_.columns[at] == column) {
                        upper_.values[at] = static_cast<T>(static_cast<double>(upper_.values[at]) - product);
                    } else {
                        diagonal[row] -= modified * product;
                        diagonal[column] -= modified * product;
                    }
                }
            }
        }
        transpose();
    }
    std::size_t rows() const { return inverse_.size(); }
    std::size_t cols() const { return rows(); }
    // z = L^-T L^-1 r
    void apply(Span<const T> r, Span<T> z) const {
        detail::check_shapes(*this, r.size(), z.size(), "linalg::IncompleteCholesky");
        const std::size_t n = rows();
        for (std::size_t i = 0; i < n; ++i) z[i] = (r[i] - lower_.row(i, z.data())) * inverse_[i];
        for (std::size_t i = n; i-- > 0;) z[i] = (z[i] - upper_.row(i, z.data())) * inverse_[i];
    }

private:
    void transpose() {
        const std::size_t n = inverse_.size();
        lower_.offsets.assign(n + 1, 0);
        for (const std::uint32_t column : upper_.columns) ++lower_.offsets[column + 1];
        for (std::size_t i = 0; i < n; ++i) lower_.offsets[i + 1] += lower_.offsets[i];
        lower_.columns.resize(upper_.columns.size());
        lower_.values.resize(upper_.values.size());
        std::vector<std::size_t> next(lower_.offsets.begin(), lower_.offsets.end() - 1);
        for (std::size_t k = 0; k < n; ++k)
            for (std::size_t i = upper_.offsets[k]; i < upper_.offsets[k + 1]; ++i) {
                const std::size_t to = next[upper_.columns[i]]++;
                lower_.columns[to] = static_cast<std::uint32_t>(k);
                lower_.values[to] = upper_.values[i];
            }
    }
    detail::Triangle<T> lower_, upper_;  // L without its diagonal, and L^T
    std::vector<T> inverse_;             // 1 / diagonal
};

// Successive over-relaxation from x; stops at the first k >= 1 with |b - A x_k| < tol |b - A x_0|.
template <class T, class Index>
SolveReport sor(const CsrView<T, Index>& a, Span<const T> b, double omega, Span<T> x,
                const SolveOptions& options = {}) {
    detail::check_omega(omega, "linalg::sor");
    detail::check_shapes(a, x.size(), b.size(), "linalg::sor");
    const detail::Split<T> split(a, "linalg::sor");
    const std::size_t n = a.rows(), limit = options.max_iter != 0 ? options.max_iter : 10000;
    SolveReport report;
    std::vector<T> r(n);
    const auto residual = [&] {
        a.apply(Span<const T>(x.data(), n), Span<T>(r));
        for (std::size_t i = 0; i < n; ++i) r[i] = b[i] - r[i];
        report.history.push_back(detail::norm<T>(Span<const T>(r)));
        return report.residual = report.history.back();
    };
    report.target = std::max(options.tol * residual(), options.atol);
    if (report.residual == 0) return report;
    const T w = static_cast<T>(omega);
    while (report.iterations < limit) {
        for (std::size_t i = 0; i < n; ++i) {
            const T rest = b[i] - split.lower.row(i, x.data()) - split.upper.row(i, x.data());
            x[i] += w * (rest / split.diagonal[i] - x[i]);
        }
        ++report.iterations;
        residual();
        if (!std::isfinite(report.residual)) {
            report.status = Status::nonfinite;
            return report;
        }
        if (report.residual < report.target) return report;
        if (options.callback && options.callback({report.iterations, report.residual})) {
            report.status = Status::user_stop;
            return report;
        }
    }
    report.status = Status::max_iterations;
    return report;
}

}  // namespace linalg
}  // namespace FEWBITS_ISA
}  // namespace fewbits
