// The von Mises-Fisher distribution: normalizer, concentration, samples, products.
#include "fewbits/functions/vmf.hpp"

#include "bessel_check.hpp"

namespace fn = fewbits::functions;
namespace vmf = fewbits::functions::vmf;
using namespace bessel_check;

TEST(log_normalizer_is_close_to_ball_arithmetic) {
    check_values(
        "log_normalizer", [](double v, double kappa) { return vmf::log_normalizer(2 * v + 2, kappa); }, 2);
}

TEST(log_normalizer_is_continuous_at_zero) {
    for (const double p : {2.0, 3.0, 41.0, 42.0, 128.0, 32768.0}) {
        constexpr double log_2 = 0.69314718055994530942, log_pi = 1.14472988584940017414;
        const double area = fn::log_gamma(p / 2) - log_2 - p / 2 * log_pi;
        const double at_zero = vmf::log_normalizer(p, 0.0);
        CHECK(std::fabs(at_zero - area) <= 4 * eps * std::max(1.0, p / 2 * log_pi));
        for (const double kappa : {5e-324, 1e-300, 1e-150, 1e-20, 1e-9}) {
            CHECK(std::fabs(vmf::log_normalizer(p, kappa) - at_zero) <=
                  2 * eps * std::max(1.0, std::fabs(at_zero)));
        }
        // log C falls by kappa^2 / (2 p) to second order.
        const double step = at_zero - vmf::log_normalizer(p, 0.01);
        CHECK(std::fabs(step - 5e-5 / p) <= 1e-8 / p + 8 * eps * std::max(1.0, std::fabs(at_zero)));
    }
    CHECK_BITS(vmf::log_normalizer(3.0, infinity), -infinity);
    CHECK_BITS(vmf::log_normalizer(3.0, -1.0), not_a_number);
    CHECK_BITS(vmf::log_normalizer(1.0, 1.0), not_a_number);
}

// kappa at these R by ball arithmetic, 18 digits.
TEST(kappa_from_resultant) {
    struct Case {
        double p, r, kappa;
    };
    const Case cases[] = {
        {2, 0.1, 0.201008413302720782},    {2, 0.9, 5.30468906295771861},
        {3, 0.01, 0.0300018001697318768},  {3, 0.5, 1.79675598472371304},
        {3, 0.99, 99.9999999999999112},    {16, 0.1, 1.61437547332714178},
        {16, 0.9, 71.5533585311505983},    {128, 0.5, 85.0678771917498457},
        {2048, 0.01, 20.4820462067707091}, {2048, 0.5, 1365.06674170768887},
        {2048, 0.99, 101836.178369162922}, {8192, 0.1, 827.472747739164788},
        {8192, 0.9, 38799.9709280819201},  {32768, 0.01, 327.712769277249701},
        {32768, 0.5, 21845.0666713543269}, {32768, 0.99, 1630117.58540203631},
    };
    for (const Case& c : cases) {
        const fn::RatioInverse found = vmf::kappa_from_resultant(c.p, c.r);
        CHECK(found.converged && found.iterations <= 6);
        CHECK(std::fabs(found.x - c.kappa) <= 8 * eps * c.kappa);
        const auto estimate = [&](vmf::KappaMethod method) {
            return std::fabs(vmf::kappa_from_resultant(c.p, c.r, method).x / c.kappa - 1);
        };
        CHECK(estimate(vmf::KappaMethod::banerjee) < 0.1);
        CHECK(estimate(vmf::KappaMethod::sra) < 3e-5);
        if (c.p > 2) CHECK(estimate(vmf::KappaMethod::tanabe) < 0.02);
        CHECK(std::fabs(vmf::mean_resultant(c.p, found.x) - c.r) <= 8 * eps);
    }
    CHECK_BITS(vmf::kappa_from_resultant(5, 0.0).x, 0.0);
    CHECK_BITS(vmf::kappa_from_resultant(5, 1.0).x, infinity);
    CHECK_BITS(vmf::kappa_from_resultant(5, 1.0, vmf::KappaMethod::banerjee).x, infinity);
    CHECK_THROWS(vmf::kappa_from_resultant(1, 0.5), fewbits::ArgumentError);
    CHECK_THROWS(vmf::kappa_from_resultant(5, 1.5), fewbits::ArgumentError);
}

TEST(samples_have_their_moments_and_depend_on_their_index_alone) {
    for (const std::size_t p : {std::size_t{2}, std::size_t{3}, std::size_t{10}, std::size_t{65}}) {
        for (const double kappa : {0.0, 0.7, 30.0, 5000.0}) {
            const std::size_t n = 1500;
            std::vector<double> mu(p, 1 / std::sqrt(static_cast<double>(p))), x(n * p), again(7 * p);
            vmf::sample<double>(Span<const double>(mu), kappa, 11, 0, Span<double>(x), 2);
            vmf::sample<double>(Span<const double>(mu), kappa, 11, 100, Span<double>(again), 1);
            for (std::size_t i = 0; i < again.size(); ++i) CHECK_BITS(again[i], x[100 * p + i]);
            double mean = 0;
            for (std::size_t i = 0; i < n; ++i) {
                const double length = std::sqrt(vmf::detail::dot(&x[i * p], &x[i * p], p));
                CHECK(std::fabs(length - 1) <= 4 * eps);
                mean += vmf::detail::dot(&x[i * p], mu.data(), p) / n;
            }
            const double dimensions = static_cast<double>(p);
            const double a = vmf::mean_resultant(dimensions, kappa);
            const double variance = kappa == 0 ? 1 / dimensions : 1 - a * a - (dimensions - 1) * a / kappa;
            CHECK(std::fabs(mean - a) < 6 * std::sqrt(variance / n));
        }
    }
    std::vector<double> mu = {1, 0}, x(5);
    CHECK_THROWS(vmf::sample<double>(Span<const double>(mu), 1, 0, 0, Span<double>(x)),
                 fewbits::ArgumentError);
    CHECK_THROWS(vmf::sample<double>(Span<const double>(mu), -1, 0, 0, Span<double>(x.data(), 4)),
                 fewbits::ArgumentError);
}

TEST(products_of_rows) {
    constexpr std::size_t n = 70, p = 29, k = 3;
    std::vector<float> x(n * p);
    std::vector<double> wide(n * p), m(k * p), w(n * k), dots(n * k), sums(k * p), norms(n);
    for (std::size_t i = 0; i < x.size(); ++i) wide[i] = x[i] = static_cast<float>(i * 37 % 101) - 50;
    for (std::size_t i = 0; i < m.size(); ++i) m[i] = static_cast<double>(i * 17 % 23) - 11;
    for (std::size_t i = 0; i < w.size(); ++i) w[i] = static_cast<double>(i % 5);
    const auto check_all = [&](auto rows) {
        for (const int threads : {1, 2, 5}) {
            vmf::row_dots(rows, Span<const double>(m), p, Span<double>(dots), threads);
            vmf::weighted_sums(rows, Span<const double>(w), p, Span<double>(sums), threads);
            vmf::row_norms(rows, p, Span<double>(norms));
            // Integers: exact in any order.
            for (std::size_t i = 0; i < n; ++i) {
                double square = 0;
                for (std::size_t j = 0; j < p; ++j) square += wide[i * p + j] * wide[i * p + j];
                CHECK_BITS(norms[i], std::sqrt(square));
                for (std::size_t c = 0; c < k; ++c) {
                    double total = 0;
                    for (std::size_t j = 0; j < p; ++j) total += wide[i * p + j] * m[c * p + j];
                    CHECK_BITS(dots[i * k + c], total);
                }
            }
            for (std::size_t c = 0; c < k; ++c) {
                for (std::size_t j = 0; j < p; ++j) {
                    double total = 0;
                    for (std::size_t i = 0; i < n; ++i) total += w[i * k + c] * wide[i * p + j];
                    CHECK_BITS(sums[c * p + j], total);
                }
            }
        }
    };
    check_all(Span<const float>(x));
    check_all(Span<const double>(wide));
    CHECK_THROWS(
        vmf::row_dots(Span<const double>(wide), Span<const double>(m), p, Span<double>(dots.data(), 5)),
        fewbits::ArgumentError);
    CHECK_THROWS(vmf::weighted_sums(Span<const double>(wide), Span<const double>(m), p, Span<double>(sums)),
                 fewbits::ArgumentError);
}
