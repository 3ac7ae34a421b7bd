// log I and log K against ball arithmetic, closed forms, at the edges and in batches.
#include "fewbits/functions/bessel.hpp"

#include "bessel_check.hpp"

namespace fn = fewbits::functions;
using namespace bessel_check;

namespace {

constexpr fn::BesselOptions scaled = {true, fn::BesselMethod::best};
constexpr fn::BesselOptions paper = {false, fn::BesselMethod::paper};

}  // namespace

TEST(log_iv_is_close_to_ball_arithmetic) {
    check_values("log_iv", [](double v, double x) { return fn::log_iv(v, x); }, 4);
    check_values("log_ive", [](double v, double x) { return fn::log_iv(v, x, scaled); }, 4);
}
TEST(log_kv_is_close_to_ball_arithmetic) {
    check_values("log_kv", [](double v, double x) { return fn::log_kv(v, x); }, 4);
    check_values("log_kve", [](double v, double x) { return fn::log_kv(v, x, scaled); }, 4);
}
TEST(log_i0_is_close_relative_to_itself) {
    for (const auto& value : values("log_iv")) {
        if (value.v != 0) continue;
        const double error = std::fabs(fn::log_iv(0.0, value.x) - value.high - value.low);
        CHECK(error <= 4 * eps * std::fabs(value.high));
    }
}

TEST(half_integer_orders) {
    constexpr double log_half_pi = 0.45158270528945486473;
    for (double x = 0.01; x < 900; x *= 1.37) {
        // K_(1/2) = sqrt(pi / 2x) e^-x, and 1 + 1/x, 1 + 3/x + 3/x^2 times it
        const double half = 0.5 * (log_half_pi - fn::log(x)) - x;
        const double scale = 8 * eps * std::max(1.0, std::fabs(half));
        CHECK(std::fabs(fn::log_kv(0.5, x) - half) <= scale);
        CHECK(std::fabs(fn::log_kv(1.5, x) - (half + fn::log(1 + 1 / x))) <= 2 * scale);
        CHECK(std::fabs(fn::log_kv(2.5, x) - (half + fn::log(1 + 3 / x + 3 / (x * x)))) <= 3 * scale);
        // I_(1/2) = sqrt(2 / (pi x)) sinh x
        const double sinh = x + fn::log1p(-fn::exp(-2 * x)) - 0.69314718055994530942;
        CHECK(std::fabs(fn::log_iv(0.5, x) - (sinh - 0.5 * (log_half_pi + fn::log(x)))) <= 2 * scale);
    }
}

TEST(edges) {
    struct Case {
        double v, x, i, k;
    };
    const Case cases[] = {
        {0, 0, 0, infinity},
        {2.5, 0, -infinity, infinity},
        {1, infinity, infinity, -infinity},
        {infinity, 1, -infinity, infinity},
        {infinity, 0, -infinity, infinity},
        {infinity, infinity, not_a_number, not_a_number},
        {1, -1, not_a_number, not_a_number},
        {not_a_number, 1, not_a_number, not_a_number},
        {1, not_a_number, not_a_number, not_a_number},
        {not_a_number, 0, not_a_number, not_a_number},
        {0, -0.0, 0, infinity},
        {1e307, 1, -infinity, infinity},
        {1e308, 1e-300, -infinity, infinity},
    };
    for (const Case& c : cases) {
        CHECK_BITS(fn::log_iv(c.v, c.x), c.i);
        CHECK_BITS(fn::log_kv(c.v, c.x), c.k);
        CHECK_BITS(fn::log_iv(c.v, c.x, paper), c.i);
        CHECK_BITS(fn::log_kv(c.v, c.x, paper), c.k);
    }
    CHECK_BITS(fn::log_iv(-3.0, 2.0), fn::log_iv(3.0, 2.0));
    CHECK_BITS(fn::log_iv(-0.5, 2.0), not_a_number);
    CHECK_BITS(fn::log_kv(-0.5, 2.0), fn::log_kv(0.5, 2.0));
    CHECK_BITS(fn::log_iv(1.0, infinity, scaled), -infinity);
    CHECK_BITS(fn::log_kv(1.0, infinity, scaled), -infinity);
    // Finite at the ends of the range.
    for (const double v : {0.0, 5e-324, 1e-300, 1.0, 19.9, 20.1, 1e100, 1e305}) {
        for (const double x : {5e-324, 1e-300, 1e-100, 1e-3, 20.0, 1e100, 1e305}) {
            if (v > 1e304 && x < 1) continue;  // beyond the range
            CHECK(std::isfinite(fn::log_iv(v, x)));
            CHECK(std::isfinite(fn::log_kv(v, x)));
            CHECK(std::isfinite(fn::log_iv(v, x, scaled)));
            CHECK(std::isfinite(fn::log_kv(v, x, scaled)));
        }
    }
}

TEST(batches) {
    check_batches([](auto v, auto x, auto out) { fn::log_iv(v, x, out); });
    check_batches([](auto v, auto x, auto out) { fn::log_kv(v, x, out); });
    check_batches([](auto v, auto x, auto out) { fn::log_iv(v, x, out, scaled); });
}

// Errors of the published selection: what was measured for it, neither better nor much worse.
TEST(paper_method) {
    const auto worst = [](const char* name, bool first_kind, bool fallback) {
        double error = 0;
        for (const auto& value : values(name)) {
            if (value.x > 1e6 || value.x < 1e-3 || value.v > 1e4) continue;
            const bool is_fallback =
                fn::detail::paper_expression(value.v, value.x) == fn::detail::paper_fallback;
            if (is_fallback != fallback) continue;
            const double got =
                first_kind ? fn::log_iv(value.v, value.x, paper) : fn::log_kv(value.v, value.x, paper);
            error = std::max(error, std::fabs(got - value.high) / std::max(1.0, std::fabs(value.high)));
        }
        return error;
    };
    CHECK(worst("log_iv", true, false) < 1.1e-12);
    CHECK(worst("log_kv", false, false) < 3e-13);
    CHECK(worst("log_iv", true, true) < 2e-14);
    CHECK(worst("log_kv", false, true) < 1.4e-9);
    CHECK(worst("log_kv", false, true) > 2e-10);
    // No log1p: all of log I_0 is lost for small x.
    CHECK_EQUAL(fn::log_iv(0.0, 1e-9, paper), 0.0);
    using namespace fn::detail;
    CHECK_EQUAL(paper_expression(3.0, 1500), paper_mu_3);
    CHECK_EQUAL(paper_expression(21.4, 24547), paper_mu_3);
    CHECK_EQUAL(paper_expression(3.1, 1400.5), paper_mu_20);
    CHECK_EQUAL(paper_expression(133.6, 3051), paper_mu_20);
    CHECK_EQUAL(paper_expression(15.39, 30.01), paper_mu_20);
    CHECK_EQUAL(paper_expression(164, 1), paper_u_4);
    CHECK_EQUAL(paper_expression(57, 1), paper_u_6);
    CHECK_EQUAL(paper_expression(20.16, 1), paper_u_9);
    CHECK_EQUAL(paper_expression(12.7, 0.5), paper_u_13);
    CHECK_EQUAL(paper_expression(12.69, 0.5), paper_fallback);
    CHECK_EQUAL(paper_expression(0.7, 19.69), paper_fallback);
    CHECK_EQUAL(paper_expression(0.71, 19.7), paper_u_13);
}
