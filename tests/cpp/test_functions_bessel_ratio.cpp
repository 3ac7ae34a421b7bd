// Ratios and derivatives against ball arithmetic, bounds and identities.
#include "fewbits/functions/bessel_ratio.hpp"

#include "bessel_check.hpp"

namespace fn = fewbits::functions;
using namespace bessel_check;

namespace {

struct Gradient {
    double dv, dx;
};
Gradient gradient(bool first_kind, double v, double x) {
    Gradient g{};
    const Span<const double> order(&v, 1), argument(&x, 1);
    if (first_kind) {
        fn::log_iv_grad(order, argument, Span<double>(&g.dv, 1), Span<double>(&g.dx, 1));
    } else {
        fn::log_kv_grad(order, argument, Span<double>(&g.dv, 1), Span<double>(&g.dx, 1));
    }
    return g;
}

}  // namespace

TEST(ratios_are_close_to_ball_arithmetic) {
    check_values("iv_ratio", [](double v, double x) { return fn::iv_ratio(v, x); }, 4, true);
    check_values("iv_ratio_c", [](double v, double x) { return fn::iv_ratio_c(v, x); }, 4, true);
    check_values("kv_ratio", [](double v, double x) { return fn::kv_ratio(v, x); }, 4, true);
}
TEST(derivatives_are_close_to_ball_arithmetic) {
    check_values("log_iv_dv", [](double v, double x) { return gradient(true, v, x).dv; }, 16);
    check_values("log_iv_dx", [](double v, double x) { return gradient(true, v, x).dx; }, 16);
    check_values("log_kv_dv", [](double v, double x) { return gradient(false, v, x).dv; }, 16);
    check_values("log_kv_dx", [](double v, double x) { return gradient(false, v, x).dx; }, 16);
}

TEST(bounds_of_amos_and_the_wronskian) {
    for (double v = 0; v < 3000; v = 1.7 * v + 0.3) {
        for (double x = 1e-3; x < 1e5; x *= 2.9) {
            const double r = fn::iv_ratio(v, x), slack = 1 + 8 * eps;
            CHECK(r * slack >= x / (v + 0.5 + std::sqrt(x * x + (v + 1.5) * (v + 1.5))));
            CHECK(r <= slack * x / (v + 0.5 + std::sqrt(x * x + (v + 0.5) * (v + 0.5))));
            CHECK(std::fabs(r + fn::iv_ratio_c(v, x) - 1) <= 2 * eps);
            // I_v K_(v+1) + I_(v+1) K_v = 1/x
            const double i = fn::log_iv(v, x), k = fn::log_kv(v, x);
            const double whole = fn::exp(i + k) * (fn::kv_ratio(v, x) + r) * x;
            CHECK(std::fabs(whole - 1) <= 16 * eps * (1 + std::fabs(i) + std::fabs(k)));
        }
    }
}

TEST(edges) {
    CHECK_BITS(fn::iv_ratio(2.0, 0.0), 0.0);
    CHECK_BITS(fn::iv_ratio_c(2.0, 0.0), 1.0);
    CHECK_BITS(fn::kv_ratio(0.0, 0.0), infinity);
    CHECK_BITS(fn::iv_ratio(2.0, infinity), 1.0);
    CHECK_BITS(fn::iv_ratio_c(2.0, infinity), 0.0);
    CHECK_BITS(fn::kv_ratio(2.0, infinity), 1.0);
    CHECK_BITS(fn::iv_ratio(infinity, 2.0), 0.0);
    CHECK_BITS(fn::kv_ratio(infinity, 2.0), infinity);
    for (const double bad : {-1.0, -0.5, not_a_number}) {
        CHECK_BITS(fn::iv_ratio(bad, 1.0), not_a_number);
        CHECK_BITS(fn::iv_ratio(1.0, bad), not_a_number);
        CHECK_BITS(fn::kv_ratio(bad, 1.0), not_a_number);
        CHECK_BITS(gradient(true, bad, 1.0).dv, not_a_number);
    }
    CHECK_BITS(fn::iv_ratio(infinity, infinity), not_a_number);
    CHECK_BITS(gradient(false, 0.0, 3.0).dv, 0.0);
    CHECK_BITS(gradient(false, -2.0, 3.0).dv, -gradient(false, 2.0, 3.0).dv);
    CHECK_BITS(gradient(false, -2.0, 3.0).dx, gradient(false, 2.0, 3.0).dx);
    CHECK_BITS(gradient(true, 0.0, 0.0).dv, -infinity);
    CHECK_BITS(gradient(true, 0.0, 0.0).dx, 0.0);
    CHECK_BITS(gradient(true, 1.0, 0.0).dx, infinity);
    CHECK_BITS(gradient(true, 1.0, infinity).dv, 0.0);
    CHECK_BITS(gradient(true, 1.0, infinity).dx, 1.0);
    CHECK_BITS(gradient(false, 1.0, infinity).dx, -1.0);
}

TEST(batches) {
    check_batches([](auto v, auto x, auto out) { fn::iv_ratio(v, x, out); });
    check_batches([](auto v, auto x, auto out) { fn::iv_ratio_c(v, x, out); });
    check_batches([](auto v, auto x, auto out) { fn::kv_ratio(v, x, out); });
    // The gradients write two arrays, so nothing of them is in place.
    std::vector<double> v, x;
    for (int i = 0; i < 700; ++i) {
        v.push_back(i % 13 * 7.3 * (i % 3));
        x.push_back(1e-5 + (i % 17) * (i % 11) * 3.1);
    }
    std::vector<double> dv(v.size()), dx(v.size());
    for (const bool first_kind : {true, false}) {
        const Span<const double> order(v), argument(x);
        if (first_kind) {
            fn::log_iv_grad(order, argument, Span<double>(dv), Span<double>(dx));
        } else {
            fn::log_kv_grad(order, argument, Span<double>(dv), Span<double>(dx));
        }
        for (std::size_t i = 0; i < v.size(); ++i) {
            const Gradient one = gradient(first_kind, v[i], x[i]);
            CHECK_BITS(dv[i], one.dv);
            CHECK_BITS(dx[i], one.dx);
        }
    }
    CHECK_THROWS(
        fn::log_iv_grad(Span<const double>(v), Span<const double>(x), Span<double>(dv), Span<double>()),
        fewbits::ArgumentError);
}

TEST(iv_ratio_inv_inverts) {
    for (const double v : {0.0, 0.5, 3.0, 63.0, 1023.0, 16383.0, 1e6}) {
        for (const double r : {1e-300, 1e-9, 0.01, 0.3, 0.5, 0.7, 0.99, 1 - 1e-9, 1 - eps / 2}) {
            const fn::RatioInverse found = fn::solve_iv_ratio(v, r, 1 - r);
            CHECK(found.converged && found.iterations <= 6);
            const double x = found.x, ratio = fn::iv_ratio(v, x), rest = fn::iv_ratio_c(v, x);
            // To the error of the ratio and that of x, of which a relative one moves it by at most itself.
            if (r <= 0.5) CHECK(std::fabs(ratio - r) <= 16 * eps * r);
            if (r > 0.5) CHECK(std::fabs(rest - (1 - r)) <= 16 * eps * (1 - r));
        }
        CHECK_BITS(fn::iv_ratio_inv(v, 0.0), 0.0);
        CHECK_BITS(fn::iv_ratio_inv(v, 1.0), infinity);
        CHECK_BITS(fn::iv_ratio_inv(v, 1.5), not_a_number);
        CHECK_BITS(fn::iv_ratio_inv(v, -0.1), not_a_number);
        CHECK_BITS(fn::iv_ratio_inv(v, not_a_number), not_a_number);
    }
    CHECK_BITS(fn::iv_ratio_inv(-1.0, 0.5), not_a_number);
    const double v[3] = {0, 1, 2}, r[3] = {0.1, 0.5, 0.9};
    double out[3];
    fn::iv_ratio_inv(Span<const double>(v, 3), Span<const double>(r, 3), Span<double>(out, 3));
    for (int i = 0; i < 3; ++i) CHECK_BITS(out[i], fn::iv_ratio_inv(v[i], r[i]));
    const float v32[1] = {2}, r32[1] = {0.25F};
    float out32[1];
    fn::iv_ratio_inv(Span<const float>(v32, 1), Span<const float>(r32, 1), Span<float>(out32, 1));
    CHECK_BITS(out32[0], static_cast<float>(fn::iv_ratio_inv(2.0, 0.25)));
}
