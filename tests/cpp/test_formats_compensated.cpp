#include "fewbits/formats/compensated.hpp"

#include <vector>

#include "check.hpp"
#include "fewbits/core/random.hpp"
#include "fewbits/formats/exact_sum.hpp"

using namespace fewbits;
using namespace fewbits::formats;

namespace {

template <class T>
Arithmetic<T> native() {
    Context context;
    context.format = get(sizeof(T) == 8 ? "float64" : "float32");
    return Arithmetic<T>(context);
}

// |error| <= u |s| + (2 n u)^2 sum |x|, with room for the joining of lanes.
template <class T>
void stays_in_bounds(std::size_t n, int k) {
    const Philox random(3, n);
    std::vector<T> x(n), y(n);
    for (std::size_t i = 0; i < n; ++i) {
        const int exponent = static_cast<int>(random.draw32(i) % 24) - 12;
        x[i] = static_cast<T>(std::ldexp(2 * random.uniform01(i + n) - 1, exponent));
        y[i] = static_cast<T>(2 * random.uniform01(i + 3 * n) - 1);
    }
    T magnitude = 0;
    for (std::size_t i = 0; i < n; ++i) magnitude += std::fabs(x[i]);
    const T u = std::numeric_limits<T>::epsilon() / 2;
    const T small = static_cast<T>(2 * n + 64) * u;
    const Arithmetic<T> arithmetic = native<T>();
    const T sum = exact_sum(Span<const T>(x), arithmetic),
            dot = exact_dot(Span<const T>(x), Span<const T>(y), arithmetic);
    const T bound = 2 * small * small * magnitude;
    CHECK(std::fabs(sum_k(Span<const T>(x), k) - sum) <= 2 * u * std::fabs(sum) + bound);
    CHECK(std::fabs(dot_k(Span<const T>(x), Span<const T>(y), k) - dot) <= 2 * u * std::fabs(dot) + bound);
    CHECK(std::fabs(neumaier_sum(Span<const T>(x)) - sum) <= 2 * u * std::fabs(sum) + bound);
    CHECK(std::fabs(klein_sum(Span<const T>(x)) - sum) <= 2 * u * std::fabs(sum) + bound);
    CHECK(std::fabs(kahan_sum(Span<const T>(x)) - sum) <= (2 * u + small * small) * magnitude);
    CHECK(std::fabs(pairwise_sum(Span<const T>(x)) - sum) <= 160 * u * magnitude);
}

}  // namespace

TEST(cancellation) {
    const double x[] = {1, 1e100, 1, -1e100};
    CHECK_BITS(neumaier_sum(Span<const double>(x)), 2.0);
    CHECK_BITS(kahan_sum(Span<const double>(x)), 0.0);
    CHECK_BITS(klein_sum(Span<const double>(x)), 2.0);
    CHECK_BITS(sum_k(Span<const double>(x)), 2.0);
}

TEST(bounds) {
    for (const std::size_t n : {0U, 1U, 2U, 7U, 15U, 16U, 17U, 33U, 257U, 4097U}) {
        for (const int k : {2, 3, 4}) {
            stays_in_bounds<double>(n, k);
            stays_in_bounds<float>(n, k);
        }
    }
}

TEST(not_finite) {
    const double x[] = {1e308, 1e308, -1e308}, y[] = {INFINITY, 1, 1};
    CHECK_BITS(sum_k(Span<const double>(x)), INFINITY);
    CHECK_BITS(neumaier_sum(Span<const double>(x, 2)), INFINITY);
    CHECK_BITS(dot_k(Span<const double>(y), Span<const double>(y)), INFINITY);
    CHECK_BITS(kahan_sum(Span<const double>(y)), INFINITY);
}

TEST(horner_near_a_multiple_root) {
    // (x - 1)^5 near 1: the plain scheme has no digit right.
    const double c[] = {-1, 5, -10, 10, -5, 1};
    const double x = 1.00390625;  // 1 + 2^-8, so that the value is 2^-40
    CHECK(std::fabs(horner(Span<const double>(c), x) - 0x1p-40) <= 1e-14 * 0x1p-40);
    CHECK_BITS(horner(Span<const double>(), 2.0), 0.0);
    CHECK_BITS(horner(Span<const double>(c, 1), 2.0), -1.0);
}

TEST(arguments) {
    const double x[] = {1, 2};
    CHECK_THROWS(sum_k(Span<const double>(x), 1), ArgumentError);
    CHECK_THROWS(dot_k(Span<const double>(x), Span<const double>(x, 1)), ArgumentError);
}
