#include "fewbits/core/double_word.hpp"

#include <cmath>
#include <vector>

#include "check.hpp"
#include "fewbits/core/random.hpp"
#include "fewbits/simd/f64x4.hpp"

using namespace fewbits;

namespace {

using DoubleDouble = DoubleWord<double>;
using FloatFloat = DoubleWord<float>;

// Sums of two floats are exact in 48 bits of 24 + 24 with a gap; a long double of 64 bits or a DoubleDouble
// of 106 holds what is compared. Units: u^2.
template <class T>
DoubleWord<T> draw(std::uint64_t index, std::uint64_t stream) {
    const Philox random(77, stream);
    const int exponent = static_cast<int>(random.draw32(3 * index) % 20) - 10;
    const T hi = static_cast<T>(std::ldexp(random.uniform01(3 * index + 1) + 0.5, exponent));
    // 20 bits below the half unit of hi: a float-float of 45 bits is exact in float64.
    const double steps = std::floor((random.uniform01(3 * index + 2) - 0.5) * 0x1p20);
    const T lo = static_cast<T>(std::ldexp(steps, exponent - std::numeric_limits<T>::digits - 20));
    const T sign = random.draw32(3 * index + 1) % 2 == 0 ? T{1} : T{-1};
    return as_double_word(fast_two_sum(sign * hi, lo));
}
double wide(FloatFloat a) { return static_cast<double>(a.hi) + static_cast<double>(a.lo); }

// The relative distance of a float-float result to the float64 one, in u^2 = 2^-48. Float64 itself is off by
// 2^-53 at most: 1/32.
void check_float(FloatFloat got, double want, double bound) {
    CHECK_BITS(got.hi, static_cast<float>(wide(got)));
    const double error = std::fabs(wide(got) - want) / std::fabs(want) * 0x1p48;
    CHECK(error <= bound + 0.1);
}

}  // namespace

TEST(float_float_keeps_its_bounds) {
    for (std::uint64_t i = 0; i < 20000; ++i) {
        const FloatFloat a = draw<float>(i, 1), b = draw<float>(i, 2);
        const double x = wide(a), y = wide(b);
        if (x + y != 0) check_float(a + b, x + y, 3);
        if (x - y != 0) check_float(a - b, x - y, 3);
        check_float(a * b, x * y, 6);
        check_float(a / b, x / y, 15);
        if (x > 0) check_float(sqrt(a), std::sqrt(x), 3.125);
        check_float(multiply(a, b.hi), x * static_cast<double>(b.hi), 2);
        if (x + static_cast<double>(b.hi) != 0) check_float(add(a, b.hi), x + static_cast<double>(b.hi), 2);
        CHECK((a < b) == (x < y) && (a <= b) == (x <= y) && (a > b) == (x > y) && (a >= b) == (x >= y));
        CHECK((a == b) == (x == y) && (a != b) == (x != y));
    }
}

TEST(double_double_inverts_itself) {
    for (std::uint64_t i = 0; i < 5000; ++i) {
        const DoubleDouble a = draw<double>(i, 3), b = draw<double>(i, 4);
        const auto close = [](DoubleDouble got, DoubleDouble want, double units) {
            const DoubleDouble difference = got - want;
            CHECK(std::fabs(difference.hi) <= units * 0x1p-106 * std::fabs(want.hi));
        };
        close((a * b) / b, a, 25);
        close(a / b * b, a, 25);
        const DoubleDouble square = a * a;
        close(sqrt(square), a.hi < 0 ? -a : a, 10);
        const DoubleDouble difference = (a + b) - b;
        CHECK(std::fabs((difference - a).hi) <= 8 * 0x1p-106 * (std::fabs(a.hi) + std::fabs(b.hi)));
    }
    CHECK_EQUAL(sqrt(DoubleDouble{0, 0}).hi, 0.0);
    CHECK(std::isnan(sqrt(DoubleDouble{-1, 0}).hi));
}

TEST(vectors_are_the_scalars_lane_by_lane) {
    for (std::uint64_t i = 0; i < 400; i += 4) {
        DoubleDouble a[4], b[4];
        double lanes[4][4];
        for (std::size_t k = 0; k < 4; ++k) {
            a[k] = draw<double>(i + k, 5);
            b[k] = draw<double>(i + k, 6);
            lanes[0][k] = a[k].hi;
            lanes[1][k] = a[k].lo;
            lanes[2][k] = b[k].hi;
            lanes[3][k] = b[k].lo;
        }
        using simd::f64x4;
        const DoubleWord<f64x4> p{f64x4::load(lanes[0]), f64x4::load(lanes[1])};
        const DoubleWord<f64x4> q{f64x4::load(lanes[2]), f64x4::load(lanes[3])};
        const DoubleWord<f64x4> results[] = {add(p, q), multiply(p, q), divide(p, q), add(p, q.hi)};
        for (std::size_t r = 0; r < 4; ++r) {
            double hi[4], lo[4];
            store(results[r].hi, hi);
            store(results[r].lo, lo);
            for (std::size_t k = 0; k < 4; ++k) {
                const DoubleDouble want = r == 0   ? a[k] + b[k]
                                          : r == 1 ? a[k] * b[k]
                                          : r == 2 ? a[k] / b[k]
                                                   : add(a[k], b[k].hi);
                CHECK_BITS(hi[k], want.hi);
                CHECK_BITS(lo[k], want.lo);
            }
        }
    }
}
