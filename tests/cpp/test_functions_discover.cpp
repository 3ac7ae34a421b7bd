// Programs: values, derivatives in the fit, best approximations with known errors, float32 tuning.
#include "fewbits/functions/discover.hpp"

#include "check.hpp"
#include "fewbits/functions/exponential.hpp"

using namespace fewbits;
namespace fn = fewbits::functions;
using Op = fn::Operation;

namespace {

struct Grid {
    std::vector<double> x, weight, target;
    // 2^x on [0, 1], relative error, at Chebyshev nodes.
    explicit Grid(std::size_t n) : x(n), weight(n), target(n, 1.0) {
        for (std::size_t i = 0; i < n; ++i) {
            x[i] =
                0.5 - 0.5 * std::cos(3.14159265358979 * static_cast<double>(i) / static_cast<double>(n - 1));
            weight[i] = 1 / fn::exp2(x[i]);
        }
    }
};

double fitted(const fn::Program& program, const std::vector<double>& start, std::vector<double>& c) {
    const Grid nodes(96), check(301);
    c.resize(program.constants);
    return fn::fit_program(program, Span<const double>(start), Span<const double>(nodes.x),
                           Span<const double>(nodes.weight), Span<const double>(nodes.target),
                           Span<const double>(check.x), Span<const double>(check.weight),
                           Span<const double>(check.target), 60, Span<double>(c));
}

}  // namespace

TEST(values) {
    // sqrt(max(x c, x - c) / (x + c) fma ...): every operation once.
    const fn::Program p = {1,
                           {{Op::mul, 0, 1, 0},
                            {Op::sub, 0, 1, 0},
                            {Op::max, 2, 3, 0},
                            {Op::add, 0, 1, 0},
                            {Op::div, 4, 5, 0},
                            {Op::fma, 6, 0, 1},
                            {Op::min, 7, 5, 0},
                            {Op::sqrt, 8, 0, 0}}};
    const double c = 3;
    const std::vector<double> x = {0.5, 1, 2, 7, 100};
    std::vector<double> y(x.size());
    fn::evaluate(p, Span<const double>(&c, 1), Span<const double>(x), Span<double>(y));
    const float cf = 3;
    std::vector<float> xf(x.begin(), x.end()), yf(x.size());
    fn::evaluate(p, Span<const float>(&cf, 1), Span<const float>(xf), Span<float>(yf));
    for (std::size_t i = 0; i < x.size(); ++i) {
        const double q = std::max(x[i] * c, x[i] - c) / (x[i] + c);
        CHECK_BITS(y[i], std::sqrt(std::min(std::fma(q, x[i], c), x[i] + c)));
        const float qf = std::max(xf[i] * cf, xf[i] - cf) / (xf[i] + cf);
        CHECK_BITS(yf[i], std::sqrt(std::min(std::fma(qf, xf[i], cf), xf[i] + cf)));
    }
}

TEST(best_approximations) {
    std::vector<double> c;
    // (c + x) / (c - x)
    const fn::Program moebius = {1, {{Op::add, 1, 0, 0}, {Op::sub, 1, 0, 0}, {Op::div, 2, 3, 0}}};
    // The same with a redundant constant.
    const fn::Program twice = {
        2,
        {{Op::add, 1, 0, 0}, {Op::sub, 1, 0, 0}, {Op::mul, 3, 2, 0}, {Op::mul, 4, 2, 0}, {Op::div, 5, 6, 0}}};
    CHECK(std::fabs(fitted(moebius, {3}, c) - 6.928e-3) < 1e-6);
    // Degree 2: 1.725e-3
    const fn::Program square = {
        3, {{Op::mul, 1, 0, 0}, {Op::add, 4, 2, 0}, {Op::mul, 5, 0, 0}, {Op::add, 6, 3, 0}}};
    CHECK(std::fabs(fitted(square, {0, 0, 0}, c) / 1.725e-3 - 1) < 5e-3);
    // q = c + b / (y + a), (q + x) / (q - x): 1.192e-8, from the expansion of the hyperbolic cotangent.
    const fn::Program seven = {3,
                               {{Op::mul, 0, 0, 0},
                                {Op::add, 4, 1, 0},
                                {Op::div, 2, 5, 0},
                                {Op::add, 6, 3, 0},
                                {Op::add, 7, 0, 0},
                                {Op::sub, 7, 0, 0},
                                {Op::div, 8, 9, 0}}};
    const double k = 2 / 0.6931471805599453;
    CHECK(std::fabs(fitted(seven, {15 * k * k, -75 * k * k * k, 6 * k}, c) / 1.192e-8 - 1) < 0.002);
    CHECK(std::fabs(fitted(twice, {3, 1}, c) - 6.928e-3) < 1e-6);
}

TEST(derivatives_match_differences) {
    const fn::Program p = {2,
                           {{Op::fma, 0, 1, 2},
                            {Op::mul, 3, 3, 0},
                            {Op::div, 4, 1, 0},
                            {Op::sqrt, 5, 0, 0},
                            {Op::sub, 6, 2, 0},
                            {Op::max, 7, 0, 0},
                            {Op::min, 8, 4, 0}}};
    const std::vector<double> x = {0.3, 0.7, 1.1, 1.9, 2.5}, w(5, 1.0), t(5, 0.0);
    fn::detail::Fit fit(p, Span<const double>(x), Span<const double>(w), Span<const double>(t));
    const std::vector<double> c = {1.3, 0.4};
    for (std::size_t k = 0; k < 2; ++k) {
        std::vector<double> up = c, down = c, high(5);
        up[k] += 1e-6;
        down[k] -= 1e-6;
        fit.evaluate(up.data(), false);
        for (std::size_t i = 0; i < 5; ++i) high[i] = fit.residual(i);
        fit.evaluate(down.data(), false);
        for (std::size_t i = 0; i < 5; ++i) high[i] = (high[i] - fit.residual(i)) / 2e-6;
        fit.evaluate(c.data(), true);
        for (std::size_t i = 0; i < 5; ++i) CHECK(std::fabs(fit.derivative(i, k) - high[i]) < 1e-7);
    }
}

TEST(float32) {
    // Horner's scheme of degree 3 with fma; tuning must not make it worse, and the error must be that of
    // values.
    const fn::Program p = {4, {{Op::fma, 1, 0, 2}, {Op::fma, 5, 0, 3}, {Op::fma, 6, 0, 4}}};
    std::vector<float> c = {0.0779F, 0.2260F, 0.6957F, 0.99990F}, x(4000);
    std::vector<double> reference(x.size());
    for (std::size_t i = 0; i < x.size(); ++i) {
        x[i] = static_cast<float>(i) / 4000;
        reference[i] = fn::exp2(double{x[i]});
    }
    std::size_t where = 0;
    const double before =
        fn::worst_ulps(p, Span<const float>(c), Span<const float>(x), Span<const double>(reference), where);
    std::vector<float> tuned = c;
    const double after = fn::tune_float32(p, Span<float>(tuned), Span<const float>(x),
                                          Span<const double>(reference), 4, 200, 1);
    CHECK(after < before);
    std::vector<float> y(x.size());
    fn::evaluate(p, Span<const float>(tuned), Span<const float>(x), Span<float>(y));
    double worst = 0;
    for (std::size_t i = 0; i < x.size(); ++i) {
        worst = std::max(worst, std::fabs(double{y[i]} - reference[i]) / 0x1p-23);
    }
    CHECK(std::fabs(worst - after) <= 1e-9 * worst);  // 2^x is in [1, 2)
}

TEST(arguments) {
    const fn::Program forward = {0, {{Op::add, 1, 0, 0}}};
    double y;
    const double x = 1;
    CHECK_THROWS(fn::evaluate(forward, Span<const double>(), Span<const double>(&x, 1), Span<double>(&y, 1)),
                 ArgumentError);
}
