// Iteration counts of the Poisson problem, honest statuses, identities between the methods.
#include "fewbits/linalg/krylov.hpp"

#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "check.hpp"

using namespace fewbits;
using namespace fewbits::linalg;

namespace {

template <class T>
StencilOperator<T> poisson(std::size_t n) {
    return StencilOperator<T>({n, n}, {0, -1, 0, -1, 4, -1, 0, -1, 0});
}

template <class T, class A>
double true_residual(const A& a, const std::vector<T>& b, const std::vector<T>& x) {
    std::vector<T> y(b.size());
    a.apply(Span<const T>(x), Span<T>(y));
    double sum = 0;
    for (std::size_t i = 0; i < b.size(); ++i) {
        const double r = static_cast<double>(b[i]) - static_cast<double>(y[i]);
        sum += r * r;
    }
    return std::sqrt(sum);
}

const auto same = [](Span<const double> r, Span<double> q) { std::copy(r.begin(), r.end(), q.begin()); };

}  // namespace

TEST(counts_of_the_poisson_problem) {
    for (const auto& [n, tol, count] :
         {std::tuple<std::size_t, double, std::size_t>{63, 1e-4, 84}, {63, 1e-8, 118}, {255, 1e-4, 350}}) {
        const auto a = poisson<double>(n);
        const std::vector<double> b(n * n, 1.0);
        std::vector<double> x(n * n, 0.0);
        SolveOptions options;
        options.tol = tol;
        const SolveReport report = cg<double>(a, Span<const double>(b), Span<double>(x), options);
        CHECK(report.converged());
        CHECK_EQUAL(report.iterations, count);
        CHECK_EQUAL(report.history.size(), count + 1);
        CHECK(std::fabs(report.residual - true_residual<double>(a, b, x)) <= 1e-12 * report.residual + 1e-15);
        CHECK(report.residual <= report.target);
    }
}

TEST(conjugate_direction_with_the_identity_is_cg) {
    const auto a = poisson<double>(63);
    const std::vector<double> b(63 * 63, 1.0);
    for (std::size_t window : {1, 2, 5}) {
        std::vector<double> x(b.size(), 0.0);
        DirectionOptions options;
        options.tol = 1e-4;
        options.window = window;
        const auto report =
            conjugate_direction<double>(a, Span<const double>(b), Span<double>(x), same, options);
        CHECK_EQUAL(report.iterations, std::size_t{84});
        CHECK_EQUAL(report.fallbacks, std::size_t{0});
    }
    std::vector<double> x(b.size(), 0.0);
    DirectionOptions descent;
    descent.tol = 1e-4;
    descent.window = 0;
    descent.max_iter = 2000;
    CHECK(conjugate_direction<double>(a, Span<const double>(b), Span<double>(x), same, descent).status ==
          Status::max_iterations);
    // A proposal that is useless half of the time.
    int turn = 0;
    std::fill(x.begin(), x.end(), 0.0);
    DirectionOptions options;
    options.tol = 1e-4;
    const auto report = conjugate_direction<double>(
        a, Span<const double>(b), Span<double>(x),
        [&](Span<const double> r, Span<double> q) {
            if (turn++ % 2 == 0)
                same(r, q);
            else
                std::fill(q.begin(), q.end(), 0.0);
        },
        options);
    CHECK(report.converged());
    CHECK(report.fallbacks > 10);
}

TEST(float32_says_what_it_reached) {
    const auto a = poisson<float>(255);
    const std::vector<float> b(255 * 255, 1.0F);
    std::vector<float> x(b.size(), 0.0F);
    SolveOptions options;
    options.tol = 1e-4;
    const SolveReport report = cg<float>(a, Span<const float>(b), Span<float>(x), options);
    CHECK(report.status == Status::stagnated);
    CHECK(report.replacements >= 3);
    CHECK(report.residual > report.target && report.residual < 1e-3 * 255);
    CHECK(std::fabs(report.residual - true_residual<float>(a, b, x)) <= 1e-3 * report.residual);
}

TEST(statuses) {
    const double m[4] = {1, 0, 0, -1};
    const DenseView<double> indefinite(2, 2, Span<const double>(m));
    const std::vector<double> b = {1, 1};
    std::vector<double> x(2, 0.0);
    CHECK(cg<double>(indefinite, Span<const double>(b), Span<double>(x)).status == Status::indefinite);
    const std::vector<double> zero(2, 0.0), first = {5, 5};
    x = first;
    const SolveReport none = cg<double>(indefinite, Span<const double>(zero), Span<double>(x));
    CHECK(none.converged() && none.iterations == 0 && x[0] == 0);
    const std::vector<double> bad = {1, std::numeric_limits<double>::quiet_NaN()};
    CHECK(cg<double>(indefinite, Span<const double>(bad), Span<double>(x)).status == Status::nonfinite);
    const auto a = poisson<double>(9);
    const std::vector<double> ones(81, 1.0);
    std::vector<double> y(81, 0.0);
    SolveOptions options;
    options.callback = [](const IterationInfo& info) { return info.iteration == 3; };
    const SolveReport stopped = cg<double>(a, Span<const double>(ones), Span<double>(y), options);
    CHECK(stopped.status == Status::user_stop);
    CHECK_EQUAL(stopped.iterations, std::size_t{3});
    CHECK(std::fabs(stopped.residual - true_residual<double>(a, ones, y)) <= 1e-12);
    options.callback = nullptr;
    options.max_iter = 5;
    std::fill(y.begin(), y.end(), 0.0);
    CHECK(cg<double>(a, Span<const double>(ones), Span<double>(y), options).status == Status::max_iterations);
    CHECK_THROWS(cg<double>(a, Span<const double>(b), Span<double>(x)), ArgumentError);
}

TEST(scale_of_b_does_not_matter) {
    const auto a = poisson<float>(31);
    std::vector<float> b(31 * 31), x(b.size()), y(b.size());
    for (std::size_t i = 0; i < b.size(); ++i) b[i] = static_cast<float>(i % 7) - 3;
    SolveOptions options;
    options.tol = 1e-4;
    const auto first = cg<float>(a, Span<const float>(b), Span<float>(x), options);
    for (const int e : {-90, 60}) {
        std::vector<float> c(b.size());
        for (std::size_t i = 0; i < b.size(); ++i) c[i] = std::ldexp(b[i], e);
        std::fill(y.begin(), y.end(), 0.0F);
        const auto second = cg<float>(a, Span<const float>(c), Span<float>(y), options);
        CHECK_EQUAL(second.iterations, first.iterations);
        CHECK(second.converged());
        for (std::size_t i = 0; i < b.size(); ++i) CHECK(std::ldexp(y[i], -e) == x[i]);
    }
}

TEST(gmres_solves_what_is_not_symmetric) {
    // Upwind convection and diffusion.
    const StencilOperator<double> a({40, 40}, {0, -1.4, 0, -1.8, 5, -1, 0, -0.8, 0});
    const std::vector<double> b(1600, 1.0);
    for (std::size_t restart : {10, 30, 2000}) {
        std::vector<double> x(1600, 0.0);
        GmresOptions options;
        options.restart = restart;
        options.tol = 1e-10;
        const auto report = gmres<double>(a, Span<const double>(b), Span<double>(x), options);
        CHECK(report.converged());
        CHECK(true_residual<double>(a, b, x) <= report.target * (1 + 1e-9));
        for (std::size_t i = 1; i < report.history.size(); ++i)
            CHECK(report.history[i] <= report.history[i - 1] * (1 + 1e-9));
        // Flexible with a constant preconditioner is the same method.
        const AnyOperator<double> half(1600, 1600, [](Span<const double> r, Span<double> z) {
            for (std::size_t i = 0; i < r.size(); ++i) z[i] = 0.5 * r[i];
        });
        for (const bool flexible : {false, true}) {
            std::fill(x.begin(), x.end(), 0.0);
            options.flexible = flexible;
            const auto other = gmres<double>(a, Span<const double>(b), Span<double>(x), options, half);
            CHECK(other.converged());
            CHECK(other.iterations == report.iterations);
        }
    }
    // Singular: [0 1; 0 0] x = (0, 1) has no solution.
    const double m[4] = {0, 1, 0, 0};
    const DenseView<double> singular(2, 2, Span<const double>(m));
    const std::vector<double> right = {0, 1};
    std::vector<double> x(2, 0.0);
    CHECK(!gmres<double>(singular, Span<const double>(right), Span<double>(x)).converged());
}
