// The projection is orthogonal, idempotent, and does not blow noise up.
#include "fewbits/functions/perp_grad.hpp"

#include <cmath>

#include "check.hpp"
#include "fewbits/core/random.hpp"

using namespace fewbits;
namespace fn = fewbits::functions;

namespace {

template <class T>
std::vector<T> noise(std::size_t size, std::uint64_t stream) {
    const Philox random(3, stream);
    std::vector<T> x(size);
    for (std::size_t i = 0; i < size; ++i) x[i] = static_cast<T>(random.uniform01(i) - 0.4);
    return x;
}

template <class T>
long double inner(const std::vector<T>& a, const std::vector<T>& b) {
    long double sum = 0;
    for (std::size_t i = 0; i < a.size(); ++i) sum += static_cast<long double>(a[i]) * b[i];
    return sum;
}

template <class T>
void check_projection() {
    const double eps = double{std::numeric_limits<T>::epsilon()};
    for (const std::size_t n : {2U, 7U, 8U, 129U, 4099U}) {
        const std::vector<T> w = noise<T>(n, n), g = noise<T>(n, n + 1000);
        std::vector<T> p(n), again(n), long_p(n);
        fn::perp_grad(Span<const T>(g), Span<const T>(w), Span<T>(p), false);
        const double bound = 4 * eps * static_cast<double>(std::sqrt(inner(w, w) * inner(g, g)));
        CHECK(std::fabs(static_cast<double>(inner(w, p))) <= bound);
        fn::perp_grad(Span<const T>(p), Span<const T>(w), Span<T>(again), false);
        for (std::size_t i = 0; i < n; ++i) CHECK(std::fabs(double{again[i]} - double{p[i]}) <= bound);
        fn::perp_grad(Span<const T>(g), Span<const T>(w), Span<T>(long_p), true);
        CHECK(std::fabs(static_cast<double>(std::sqrt(inner(long_p, long_p) / inner(g, g)) - 1)) < 4 * eps);
        // A multiple of the weights, and the weights' absence.
        std::vector<T> along(n), zero(n);
        for (std::size_t i = 0; i < n; ++i) along[i] = w[i] * static_cast<T>(0.3);
        fn::perp_grad(Span<const T>(along), Span<const T>(w), Span<T>(p));
        CHECK(p == zero);
        fn::perp_grad(Span<const T>(g), Span<const T>(zero), Span<T>(p));
        CHECK(p == g);
    }
}

}  // namespace

TEST(float32) { check_projection<float>(); }
TEST(float64) { check_projection<double>(); }
TEST(sizes) {
    double g[2] = {}, w[3] = {};
    CHECK_THROWS(fn::perp_grad(Span<const double>(g), Span<const double>(w), Span<double>(g)), ArgumentError);
}
