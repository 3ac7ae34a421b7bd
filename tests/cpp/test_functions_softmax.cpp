// Rows of softmax, against sums in long double and known values; the same bits whatever the row's place.
#include "fewbits/functions/softmax.hpp"

#include <cmath>

#include "check.hpp"
#include "fewbits/core/random.hpp"

using namespace fewbits;
namespace fn = fewbits::functions;

namespace {

template <class T>
std::vector<T> scores(std::size_t size, double spread, std::uint64_t stream) {
    const Philox random(5, stream);
    std::vector<T> z(size);
    for (std::size_t i = 0; i < size; ++i) {
        z[i] = static_cast<T>(spread * (random.uniform01(i) - 0.5));
    }
    return z;
}

template <class T>
void check_row(const std::vector<T>& z, double ulps) {
    const std::size_t n = z.size();
    std::size_t top = 0;
    for (std::size_t j = 1; j < n; ++j) top = z[j] > z[top] ? j : top;
    long double rest = 0;
    for (std::size_t j = 0; j < n; ++j) {
        if (j != top) rest += std::exp(static_cast<long double>(z[j]) - z[top]);
    }
    std::vector<T> p(n), log_p(n), lse(1), g(n);
    fn::softmax(Span<const T>(z), n, Span<T>(p));
    fn::log_softmax(Span<const T>(z), n, Span<T>(log_p));
    fn::logsumexp(Span<const T>(z), n, Span<T>(lse));
    for (std::size_t j = 0; j < n; ++j) {
        const long double d = static_cast<long double>(z[j]) - z[top];
        CHECK_ULP(p[j], static_cast<T>(std::exp(d) / (1 + rest)), ulps);
        CHECK_ULP(log_p[j], static_cast<T>(d - std::log1p(rest)), ulps);
    }
    const double exact = static_cast<double>(z[top] + std::log1p(rest));
    const double unit = std::max(std::fabs(double{z[top]}), static_cast<double>(std::log1p(rest)));
    CHECK(std::fabs(double{lse[0]} - exact) <= 2 * unit * double{std::numeric_limits<T>::epsilon()});
    // The gradient of one log-probability: [k = c] - p_k.
    std::vector<T> one(n);
    one[n / 2] = 1;
    fn::log_softmax_gradient(Span<const T>(z), Span<const T>(one), n, Span<T>(g));
    for (std::size_t j = 0; j < n; ++j) {
        const long double own = std::exp(static_cast<long double>(z[j]) - z[top]) / (1 + rest);
        const long double wanted = j != n / 2 ? -own : j == top ? rest / (1 + rest) : 1 - own;
        CHECK(std::fabs(double{g[j]} - static_cast<double>(wanted)) <=
              4 * static_cast<double>(std::fabs(wanted)) * double{std::numeric_limits<T>::epsilon()} +
                  2 * double{std::numeric_limits<T>::denorm_min()});
    }
    // sum p_k (g_j - g_k): a constant upstream gradient has gradient 0.
    std::vector<T> same(n, T(3));
    fn::softmax_gradient(Span<const T>(z), Span<const T>(same), n, Span<T>(g));
    for (std::size_t j = 0; j < n; ++j) CHECK_EQUAL(g[j], T(0));
}

}  // namespace

TEST(rows) {
    for (std::size_t n = 1; n < 34; ++n) {
        check_row(scores<float>(n, 40, n), 1);
        check_row(scores<double>(n, 40, n), 2);
        check_row(scores<double>(n, 1200, n + 100), 2);
    }
    for (const std::size_t n : {127U, 128U, 129U, 1000U, 4097U}) {
        check_row(scores<float>(n, 90, n), 1);
        check_row(scores<double>(n, 60, n), 2);
    }
}

TEST(the_dominant_entry_keeps_its_accuracy) {
    const float z[] = {0, -17, -18};
    float out[3];
    fn::log_softmax(Span<const float>(z), 3, Span<float>(out));
    CHECK_EQUAL(out[0], -5.6629355e-8F);
    const double pair[] = {0, -40};
    double lse[1];
    fn::logsumexp(Span<const double>(pair), 2, Span<double>(lse));
    CHECK_ULP(lse[0], 4.248354255291589e-18, 1);
    // Many terms that are nothing one by one.
    std::vector<float> many(1000000, -108);
    many[7] = 0;
    std::vector<float> log_p(many.size());
    fn::log_softmax(Span<const float>(many), many.size(), Span<float>(log_p));
    CHECK_EQUAL(log_p[7], static_cast<float>(-999999 * 1.24794646e-47));
}

TEST(edges) {
    const double inf = INFINITY, nan = NAN;
    const double z[] = {-inf, -inf, 1, inf, nan, 1, -inf, 3};
    double lse[4], p[8], log_p[8];
    fn::logsumexp(Span<const double>(z), 2, Span<double>(lse));
    fn::softmax(Span<const double>(z), 2, Span<double>(p));
    fn::log_softmax(Span<const double>(z), 2, Span<double>(log_p));
    CHECK_EQUAL(lse[0], -inf);
    CHECK_EQUAL(lse[1], inf);
    CHECK_BITS(lse[2], std::numeric_limits<double>::quiet_NaN());
    CHECK_EQUAL(lse[3], 3.0);
    for (int i = 0; i < 6; ++i) CHECK_BITS(p[i], std::numeric_limits<double>::quiet_NaN());
    CHECK_EQUAL(p[6], 0.0);
    CHECK_EQUAL(p[7], 1.0);
    CHECK_EQUAL(log_p[6], -inf);
    CHECK_BITS(log_p[7], 0.0);
    CHECK_THROWS(fn::softmax(Span<const double>(z), 3, Span<double>(p)), ArgumentError);
    CHECK_THROWS(fn::softmax(Span<const double>(z), 2, Span<double>(lse)), ArgumentError);
}

TEST(threads_and_aliasing) {
    const std::vector<double> z = scores<double>(300 * 700, 30, 9);
    std::vector<double> one(z.size()), three(z.size()), same = z;
    fn::softmax(Span<const double>(z), 700, Span<double>(one));
    fn::softmax(Span<const double>(z), 700, Span<double>(three), 3);
    fn::softmax(Span<const double>(same), 700, Span<double>(same));
    CHECK(one == three);
    CHECK(one == same);
}
