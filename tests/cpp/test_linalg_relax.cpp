// SOR and preconditioned counts of the Poisson problem; the factor against its definition; breakdown.
#include "fewbits/linalg/relax.hpp"

#include <cmath>
#include <cstdint>
#include <vector>

#include "check.hpp"

using namespace fewbits;
using namespace fewbits::linalg;

namespace {

struct Matrix {
    std::vector<std::int32_t> offsets{0}, columns;
    std::vector<double> values;
    CsrView<double> view() const {
        return {offsets.size() - 1, offsets.size() - 1, Span<const std::int32_t>(offsets),
                Span<const std::int32_t>(columns), Span<const double>(values)};
    }
    void add(std::size_t column, double value) {
        columns.push_back(static_cast<std::int32_t>(column));
        values.push_back(value);
    }
};

Matrix poisson(std::size_t n, double shift = 0) {
    Matrix m;
    for (std::size_t i = 0; i < n * n; ++i) {
        if (i >= n) m.add(i - n, -1);
        if (i % n != 0) m.add(i - 1, -1);
        m.add(i, 4 + shift);
        if (i % n + 1 < n) m.add(i + 1, -1);
        if (i + n < n * n) m.add(i + n, -1);
        m.offsets.push_back(static_cast<std::int32_t>(m.columns.size()));
    }
    return m;
}

template <class M>
std::size_t count(const Matrix& a, double tol, const M& m) {
    const std::vector<double> b(a.offsets.size() - 1, 1.0);
    std::vector<double> x(b.size(), 0.0);
    SolveOptions options;
    options.tol = tol;
    const auto report = cg<double>(a.view(), Span<const double>(b), Span<double>(x), options, m);
    CHECK(report.converged());
    return report.iterations;
}

}  // namespace

TEST(relaxation_counts) {
    const double weights[] = {1, 1.2, 1.4, 1.5, 1.6, 1.7, 1.8, 1.9, 1.95};
    const struct {
        double shift;
        std::size_t counts[9];
    } rows[] = {{-0.15, {2927, 1950, 1252, 971, 724, 503, 293, 189, 392}},
                {0, {223, 145, 88, 62, 43, 58, 89, 187, 383}},
                {0.2, {103, 66, 34, 32, 44, 57, 91, 185, 382}},
                {0.45, {64, 39, 25, 30, 42, 55, 89, 185, 379}}};
    for (const auto& row : rows) {
        const Matrix a = poisson(10, row.shift);
        const std::vector<double> b(100, 1.0);
        for (std::size_t i = 0; i < 9; ++i) {
            std::vector<double> x(100, 0.0);
            const auto report = sor<double>(a.view(), Span<const double>(b), weights[i], Span<double>(x));
            CHECK(report.converged());
            CHECK_EQUAL(report.iterations, row.counts[i]);
        }
    }
}

TEST(preconditioned_counts) {
    const double pi = 3.14159265358979323846;
    const struct {
        std::size_t n;
        double tol;
        std::size_t plain, ic, mic, ssor;
    } rows[] = {{63, 1e-4, 84, 30, 17, 20}, {63, 1e-8, 118, 51, 30, 34}, {255, 1e-4, 350, 118, 53, 42}};
    for (const auto& row : rows) {
        const Matrix a = poisson(row.n);
        CHECK_EQUAL(count(a, row.tol, Identity{}), row.plain);
        CHECK_EQUAL(count(a, row.tol, IncompleteCholesky<double>(a.view())), row.ic);
        CHECK_EQUAL(count(a, row.tol, IncompleteCholesky<double>(a.view(), 0.97)), row.mic);
        const double omega = 2 / (1 + 2 * std::sin(pi / (2 * static_cast<double>(row.n + 1))));
        CHECK_EQUAL(count(a, row.tol, Ssor<double>(a.view(), omega)), row.ssor);
    }
    const std::size_t small[] = {13, 12, 13, 13, 13, 14, 15, 16}, shifted[] = {10, 9, 9, 10, 11, 12, 13, 14};
    const double weights[] = {1, 1.2, 1.4, 1.5, 1.6, 1.7, 1.8, 1.9};
    const Matrix a = poisson(10), b = poisson(10, 0.5);
    for (std::size_t i = 0; i < 8; ++i) {
        CHECK_EQUAL(count(a, 1e-8, Ssor<double>(a.view(), weights[i])), small[i]);
        CHECK_EQUAL(count(b, 1e-8, Ssor<double>(b.view(), weights[i])), shifted[i]);
    }
}

TEST(a_full_pattern_is_cholesky) {
    // Dense, so that nothing is dropped: the preconditioner is the inverse.
    Matrix a;
    for (std::size_t i = 0; i < 12; ++i) {
        for (std::size_t j = 0; j < 12; ++j)
            a.add(j, (i == j ? 3.0 : 0.0) + 1 / (1 + static_cast<double>(i + j)));
        a.offsets.push_back(static_cast<std::int32_t>(a.columns.size()));
    }
    const IncompleteCholesky<double> factor(a.view(), 1.0);
    std::vector<double> x(12), b(12), z(12);
    for (std::size_t i = 0; i < 12; ++i) x[i] = std::cos(static_cast<double>(i));
    a.view().apply<double>(Span<const double>(x), Span<double>(b));
    factor.apply(Span<const double>(b), Span<double>(z));
    for (std::size_t i = 0; i < 12; ++i) CHECK(std::fabs(z[i] - x[i]) <= 1e-14);
}

TEST(what_is_refused) {
    Matrix a = poisson(4);
    a.values[0] = -4;
    CHECK_THROWS(IncompleteCholesky<double>(a.view()), LinAlgError);
    a.values[0] = 0.1;  // the second pivot is 4 - 1 / 0.1
    CHECK_THROWS(IncompleteCholesky<double>(a.view()), LinAlgError);
    const Matrix good = poisson(4);
    CHECK_THROWS(Ssor<double>(good.view(), 2.0), ArgumentError);
    CHECK_THROWS(IncompleteCholesky<double>(good.view(), 1.5), ArgumentError);
    Matrix unsorted = poisson(4);
    std::swap(unsorted.columns[0], unsorted.columns[1]);
    CHECK_THROWS(Ssor<double>(unsorted.view(), 1.0), ArgumentError);
}
