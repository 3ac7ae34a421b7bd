// log_gamma against mpmath, at the edges, and for every shape.
#include "fewbits/functions/gamma.hpp"

#include "fewbits/functions/logarithm.hpp"
#include "functions_check.hpp"

namespace fn = fewbits::functions;
using namespace functions_check;

TEST(log_gamma_is_close_to_mpmath) { check_values("log_gamma", fn::log_gamma, 0.54); }
TEST(log_gamma_shapes) { check_all_shapes(fn::log_gamma, -1, 0.4); }

template <class T>
void edges() {
    constexpr T inf = std::numeric_limits<T>::infinity(), nan = std::numeric_limits<T>::quiet_NaN();
    check_edges<T>(
        fn::log_gamma,
        {{0, inf}, {-T(0), inf}, {inf, inf}, {-inf, nan}, {-1, nan}, {T(-0.5), nan}, {1, 0}, {2, 0}});
}
TEST(edges_float64) {
    edges<double>();
    CHECK(std::isfinite(fn::log_gamma(2.55e305)));
    CHECK_BITS(fn::log_gamma(2.57e305), std::numeric_limits<double>::infinity());
}
TEST(edges_float32) { edges<float>(); }

TEST(recurrence) {
    // log Gamma(x + 1) = log Gamma(x) + log x; x + 1 is exact for these.
    for (double x = 0.25; x < 40; x += 0.25) {
        const double next = fn::log_gamma(x + 1), sum = fn::log_gamma(x) + fn::log(x);
        CHECK(std::fabs(next - sum) <= 4 * 0x1p-52 * std::max(1.0, std::fabs(next)));
    }
}

TEST(digamma_is_the_derivative) {
    double lanes[4];
    for (double v = 0; v < 60; v += 0.37) {
        store(fn::detail::digamma_1p(fn::detail::splat(v)), lanes);
        const double h = 1e-4;
        const double slope = (fn::log_gamma(v + 1 + h) - fn::log_gamma(v + 1 - h)) / (2 * h);
        CHECK(std::fabs(lanes[0] - slope) <= 1e-7 * std::max(1.0, std::fabs(slope)));
    }
    store(fn::detail::digamma_1p(fn::detail::splat(0)), lanes);
    CHECK(std::fabs(lanes[0] + 0.57721566490153286061) <= 4 * 0x1p-52);
}
