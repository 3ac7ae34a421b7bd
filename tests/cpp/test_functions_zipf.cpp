// Normalisers at known values, sums from both ends against direct ones, quantiles, samples, coding tables.
#include "fewbits/functions/zipf.hpp"

#include "check.hpp"

using namespace fewbits;
namespace fn = fewbits::functions;

namespace {

double eps_off(double got, double wanted) { return std::fabs(got - wanted) / (wanted * 0x1p-52); }

}  // namespace

TEST(normalisers) {
    const struct {
        double n, s, wanted;
    } rows[] = {{1e6, 1, 14.3927267228657236},         {1e6, 1.2, 5.27610380048551591},
                {1048576, 0.8, 75.5624692134979781},   {50257, 1.07, 8.17196537784960102},
                {1e12, 0.5, 1999998.53964599119},      {1e9, 2, 1.64493406584822644},
                {1e6, 1 + 1e-12, 14.3927267227703538}, {1000, 0, 1000},
                {1e4, 0.25, 1332.57005471973811},      {10, 3, 1.1975319856741932517}};
    for (const auto& row : rows) CHECK(eps_off(fn::Zipf(row.n, row.s).norm(), row.wanted) <= 2);
    CHECK(eps_off(fn::Zipf(HUGE_VAL, 2).norm(), 1.6449340668482264365) <= 2);
    CHECK(eps_off(fn::Zipf(HUGE_VAL, 1.5).norm(), 2.6123753486854883433) <= 2);
    CHECK_EQUAL(fn::Zipf(1, 0.7).norm(), 1.0);
    CHECK_EQUAL(fn::Zipf(0x1p53, 5000).norm(), 1.0);
}

TEST(sums_from_both_ends) {
    for (const double s : {0.0, 0.3, 1.0, 1.0000001, 1.7, 4.0, 19.0}) {
        const double n = 300;
        const fn::Zipf zipf(n, s);
        const auto term = [&](int j) {
            return std::pow(static_cast<long double>(j), -static_cast<long double>(s));
        };
        long double below = 0, rest = 0;
        for (int j = 300; j > 1; --j) rest += term(j);
        const long double total = rest + 1;
        for (int k = 1; k <= 300; ++k) {
            below += term(k);
            long double above = 0;
            for (int j = 300; j > k; --j) above += term(j);
            const double x = k;
            double cdf, sf, pmf, log_pmf;
            zipf.cdf(Span<const double>(&x, 1), Span<double>(&cdf, 1));
            zipf.sf(Span<const double>(&x, 1), Span<double>(&sf, 1));
            zipf.pmf(Span<const double>(&x, 1), Span<double>(&pmf, 1));
            zipf.logpmf(Span<const double>(&x, 1), Span<double>(&log_pmf, 1));
            CHECK(eps_off(cdf, static_cast<double>(below / total)) <= 3);
            if (k < 300) CHECK(eps_off(sf, static_cast<double>(above / total)) <= 4);
            CHECK(eps_off(pmf, static_cast<double>(term(k) / total)) <= 3);
            const long double log_k = std::log(static_cast<long double>(k));
            CHECK(eps_off(-log_pmf, static_cast<double>(s * log_k + std::log1p(rest))) <= 2);
        }
    }
}

TEST(quantiles) {
    for (const double s : {0.0, 0.5, 1.0, 2.0}) {
        const fn::Zipf zipf(100000, s);
        for (const double k : {1.0, 2.0, 31.0, 32.0, 100.0, 9999.0}) {
            double f;
            zipf.cdf(Span<const double>(&k, 1), Span<double>(&f, 1));
            if (f < 0.5) {
                CHECK_EQUAL(zipf.ppf(f), k);
                CHECK_EQUAL(zipf.ppf(std::nextafter(f, 1.0)), k + 1);
            }
        }
        CHECK_EQUAL(zipf.ppf(0), 1.0);
        CHECK_EQUAL(zipf.ppf(1), 100000.0);
        CHECK(std::isnan(zipf.ppf(1.5)));
    }
}

TEST(samples) {
    for (const double s : {0.0, 0.5, 1.0, 1.2, 3.0}) {
        const fn::Zipf zipf(1000, s);
        std::vector<std::int64_t> x(20000), y(x.size());
        zipf.sample(7, 0, Span<std::int64_t>(x));
        zipf.sample(7, 0, Span<std::int64_t>(y), 3);
        CHECK(x == y);
        std::vector<std::int64_t> part(5);
        zipf.sample(7, 1001, Span<std::int64_t>(part));
        for (std::size_t i = 0; i < 5; ++i) CHECK_EQUAL(part[i], x[1001 + i]);
        double ones = 0;
        for (const std::int64_t k : x) {
            CHECK(k >= 1 && k <= 1000);
            ones += k == 1 ? 1 : 0;
        }
        const double p = 1 / zipf.norm(), sigma = std::sqrt(p * (1 - p) / 20000);
        CHECK(std::fabs(ones / 20000 - p) < 6 * sigma);
    }
}

TEST(coding_tables) {
    for (const double s : {0.0, 1.0, 1.07, 5.0}) {
        const fn::ZipfCodingModel model(5000, s, 16);
        std::vector<double> k(5001);
        for (std::size_t i = 0; i <= 5000; ++i) k[i] = static_cast<double>(i);
        std::vector<std::uint64_t> c(5001);
        model.cumulative(Span<const double>(k), Span<std::uint64_t>(c));
        CHECK_EQUAL(c[0], std::uint64_t{0});
        CHECK_EQUAL(c[5000], std::uint64_t{65536});
        for (std::size_t i = 1; i <= 5000; ++i) CHECK(c[i] > c[i - 1]);
        for (std::uint64_t slot = 0; slot < 65536; slot += 97) {
            std::int64_t symbol;
            model.symbols(Span<const std::uint64_t>(&slot, 1), Span<std::int64_t>(&symbol, 1));
            const auto at = static_cast<std::size_t>(symbol);
            CHECK(c[at - 1] <= slot && slot < c[at]);
        }
    }
    CHECK_THROWS(fn::ZipfCodingModel(256, 1, 8), ArgumentError);
}

TEST(derivatives) {
    for (const double s : {0.2, 1.0, 2.5}) {
        for (const double n : {20.0, 1e6}) {
            const auto jet = fn::Zipf(n, s).norm_jet();
            const double h = 1e-4;
            const double up = fn::Zipf(n, s + h).norm(), down = fn::Zipf(n, s - h).norm();
            CHECK(std::fabs(jet.value / fn::Zipf(n, s).norm() - 1) < 1e-13);
            CHECK(std::fabs((up - down) / (2 * h) / jet.first - 1) < 1e-6);
            CHECK(std::fabs((up - 2 * jet.value + down) / (h * h) / jet.second - 1) < 1e-4);
        }
    }
}

TEST(arguments) {
    CHECK_THROWS(fn::Zipf(0, 1), ArgumentError);
    CHECK_THROWS(fn::Zipf(2.5, 1), ArgumentError);
    CHECK_THROWS(fn::Zipf(10, -1), ArgumentError);
    CHECK_THROWS(fn::Zipf(10, NAN), ArgumentError);
    CHECK_THROWS(fn::Zipf(HUGE_VAL, 1), ArgumentError);
}
