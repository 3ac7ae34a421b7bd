// B-splines: the recursion written out, partition of unity, derivatives, the ends.
#include "fewbits/functions/bspline.hpp"

#include <cmath>
#include <vector>

#include "check.hpp"

using namespace fewbits;
namespace fn = fewbits::functions;

namespace {

// The definition, one function at a time.
double defined(const std::vector<double>& t, std::size_t j, std::size_t d, double x) {
    if (d == 0) return t[j] <= x && x < t[j + 1] ? 1 : 0;
    double sum = 0;
    if (t[j + d] > t[j]) sum += (x - t[j]) / (t[j + d] - t[j]) * defined(t, j, d - 1, x);
    if (t[j + d + 1] > t[j + 1]) {
        sum += (t[j + d + 1] - x) / (t[j + d + 1] - t[j + 1]) * defined(t, j + 1, d - 1, x);
    }
    return sum;
}

}  // namespace

TEST(definition_and_derivative) {
    const std::vector<std::vector<double>> all = {{-1, -0.6, -0.2, 0.2, 0.6, 1, 1.4, 1.8, 2.2, 2.6},
                                                  {0, 0, 0, 0, 1, 1, 3, 4, 4, 4, 4},
                                                  {0, 1, 1, 2.5, 7, 9}};
    for (const std::vector<double>& t : all) {
        for (std::size_t d = 0; d <= 3; ++d) {
            const std::size_t count = t.size() - d - 1;
            for (double x = t.front() - 0.35; x < t.back() + 0.5; x += 0.0831) {
                std::vector<double> b(count), slope(count), up(count), down(count);
                const auto basis = [&](double at, bool derivative, std::vector<double>& out) {
                    fn::bspline_basis(Span<const double>(&at, 1), Span<const double>(t), d, derivative,
                                      Span<double>(out));
                };
                basis(x, false, b);
                basis(x, true, slope);
                basis(x + 1e-6, false, up);
                basis(x - 1e-6, false, down);
                double sum = 0;
                for (std::size_t j = 0; j < count; ++j) {
                    CHECK(std::fabs(b[j] - defined(t, j, d, x)) < 1e-14);
                    if (d > 1) CHECK(std::fabs((up[j] - down[j]) / 2e-6 - slope[j]) < 1e-4);
                    sum += b[j];
                }
                if (x > t[d] && x < t[t.size() - 1 - d]) CHECK(std::fabs(sum - 1) < 1e-15);
            }
        }
    }
}

TEST(ends) {
    const std::vector<double> t = {0, 0, 0, 1, 1, 1};
    const float x[] = {0, 1, -0.5F, 1.5F, NAN};
    std::vector<float> b(15);
    fn::bspline_basis(Span<const float>(x), Span<const double>(t), 2, false, Span<float>(b));
    CHECK_EQUAL(b[0], 1.0F);
    CHECK_EQUAL(b[5], 1.0F);  // the right end belongs to the last interval
    for (int i = 6; i < 12; ++i) CHECK_EQUAL(b[static_cast<std::size_t>(i)], 0.0F);
    CHECK(std::isnan(b[12]));
    const double falling[] = {0, 2, 1, 3};
    CHECK_THROWS(
        fn::bspline_basis(Span<const float>(x), Span<const double>(falling), 0, false, Span<float>(b)),
        ArgumentError);
}
