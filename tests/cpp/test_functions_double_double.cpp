// exp and log on two parts against values of three parts, the arithmetic, and the roundings at the end.
#include "fewbits/functions/double_double.hpp"

#include "fewbits/core/random.hpp"
#include "functions_check.hpp"

namespace fn = fewbits::functions;
using namespace fewbits;
using fn::DoubleDouble;
using simd::f64x4;

namespace {

f64x4 splat(double x) { return f64x4::broadcast(x); }
double first(f64x4 x) {
    double lanes[4];
    store(x, lanes);
    return lanes[0];
}

// |(hi + lo) - (a + b)| / |a|, the differences exact in float64.
double relative(double hi, double lo, double a, double b) {
    return a == 0 ? std::fabs(hi + lo) : std::fabs((hi - a) + (lo - b)) / std::fabs(a);
}

}  // namespace

TEST(exp_dd_and_log_dd_have_67_bits) {
    double worst_exp = 0, worst_log = 0;
    for (const auto& v : functions_check::values("exp")) {
        if (std::fabs(v.x) > 600) continue;  // below, the table's second part is exact to 2^-105
        const fn::Scaled y = fn::exp_dd({splat(v.x), f64x4::zero()});
        const double power = std::ldexp(1.0, static_cast<int>(first(y.exponent)));
        worst_exp = std::max(worst_exp, relative(first(y.hi) * power, first(y.lo) * power, v.high, v.low));
    }
    for (const auto& v : functions_check::values("log")) {
        if (!(v.x > 0) || std::isinf(v.x)) continue;
        const DoubleDouble y = fn::log_dd({splat(v.x), f64x4::zero()});
        worst_log = std::max(worst_log, relative(first(y.hi), first(y.lo), v.high, v.low));
    }
    CHECK(worst_exp < 0x1p-67);
    CHECK(worst_log < 0x1p-67);
    CHECK(worst_exp > 0 && worst_log > 0);
}

TEST(second_part_of_the_argument_counts) {
    // exp(a + b) = exp(a) (1 + b), log(a + b) = log(a) + b / a for tiny b.
    for (const double a : {0.3, -7.5, 100.25}) {
        const double b = a * 0x1p-60;
        const fn::Scaled y = fn::exp_dd({splat(a), splat(b)}), plain = fn::exp_dd({splat(a), f64x4::zero()});
        const double change = (first(y.hi) - first(plain.hi)) + (first(y.lo) - first(plain.lo));
        CHECK(std::fabs(change / first(plain.hi) - b) < 0x1p-66);
    }
    for (const double a : {0.3, 7.5, 1e100, 1.0, 1.001}) {
        const double b = a * 0x1p-60;
        const DoubleDouble y = fn::log_dd({splat(a), splat(b)}),
                           plain = fn::log_dd({splat(a), f64x4::zero()});
        const double change = (first(y.hi) - first(plain.hi)) + (first(y.lo) - first(plain.lo));
        CHECK(std::fabs(change - 0x1p-60) < 0x1p-66 * std::max(1.0, std::fabs(first(plain.hi))));
    }
}

TEST(expm1_dd_is_relative) {
    for (const auto& v : functions_check::values("expm1")) {
        if (std::fabs(v.x) > 40 || std::fabs(v.high) < 0x1p-900) continue;
        const DoubleDouble y = fn::expm1_dd({splat(v.x), f64x4::zero()});
        CHECK(relative(first(y.hi), first(y.lo), v.high, v.low) < 0x1p-60);
    }
}

TEST(arithmetic_against_exact_products) {
    const Philox random(20240229, 70);
    for (std::uint64_t i = 0; i < 20000; ++i) {
        const double a = random.uniform01(4 * i) + 0.5, b = (random.uniform01(4 * i + 1) - 0.5) * 0x1p-53;
        const double c = random.uniform01(4 * i + 2) + 0.5, d = (random.uniform01(4 * i + 3) - 0.5) * 0x1p-53;
        const DoubleDouble x{splat(a), splat(b)}, y{splat(c), splat(d)};
        // Reciprocal: x (1/x) = 1.
        const DoubleDouble one = multiply(x, functions::reciprocal(x));
        CHECK(std::fabs((first(one.hi) - 1) + first(one.lo)) < 0x1p-100);
        // (x + y) - y = x
        const DoubleDouble sum = add(add(x, y), negate(y));
        CHECK(std::fabs((first(sum.hi) - a) + (first(sum.lo) - b)) < 0x1p-102);
        // x y - a c - (a d + b c) = b d, below 2^-106
        const DoubleDouble product = multiply(x, y);
        const auto ac = two_prod(a, c);
        CHECK(std::fabs((first(product.hi) - ac.value) + (first(product.lo) - ac.error - (a * d + b * c))) <
              0x1p-102);
    }
}

TEST(to_odd_then_narrow_rounds_once) {
    // Just above, at and just below the middle of two float32 numbers.
    for (const double sign : {1.0, -1.0}) {
        for (const double base : {1.0, 0x1.000002p0, 0x1.8p100}) {
            const double unit = std::ldexp(0x1p-24, std::ilogb(base));
            const double middle = base + unit;
            for (const double low : {-1.0, 0.0, 1.0}) {
                const DoubleDouble x{splat(sign * middle), splat(sign * low * unit * 0x1p-40)};
                const float got = static_cast<float>(first(fn::to_odd(x)));
                const bool even_below = base == 1.0 || base == 0x1.8p100;
                const double expected = low > 0 || (low == 0 && !even_below) ? base + 2 * unit : base;
                CHECK_BITS(got, static_cast<float>(sign * expected));
            }
        }
    }
    CHECK_BITS(first(fn::to_odd({splat(INFINITY), f64x4::zero()})), double(INFINITY));
}

TEST(round_scaled_rounds_once) {
    const auto rounded = [](double hi, double lo, int n) {
        return first(fn::round_scaled({splat(hi), splat(lo), splat(n)}));
    };
    CHECK_BITS(rounded(1.5, 0, 10), 1536.0);
    CHECK_BITS(rounded(1.5, 0, 1023), 1.5 * 0x1p1023);
    CHECK_BITS(rounded(1.5, 0, 1024), double(INFINITY));
    CHECK_BITS(rounded(-1.5, 0, 1090), -double(INFINITY));
    // Ties of the last subnormal bit are decided by lo, however many bits go.
    for (int lost = 1; lost <= 52; ++lost) {
        const double unit = std::ldexp(1.0, lost - 52), even = 1, odd = 1 + unit;
        const int n = -1022 - lost;
        const double smallest = 0x1p-1074, count = std::ldexp(1.0, 52 - lost);
        CHECK_BITS(rounded(even + unit / 2, 0, n), (lost == 52 ? 2 : count) * smallest);
        CHECK_BITS(rounded(even + unit / 2, 0x1p-70, n), (count + 1) * smallest);
        CHECK_BITS(rounded(even + unit / 2, -0x1p-70, n), count * smallest);
        if (lost < 52) CHECK_BITS(rounded(-(odd + unit / 2), 0, n), -(count + 2) * smallest);
        if (lost < 52) CHECK_BITS(rounded(-(odd + unit / 2), 0x1p-70, n), -(count + 1) * smallest);
    }
    CHECK_BITS(rounded(1, 0, -1090), 0.0);
    CHECK_BITS(rounded(-1, 0, -1090), -0.0);
}
