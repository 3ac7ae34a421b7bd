// Functions of a format: the sides of limits, overflow and underflow, exact results, sizes.
#include "fewbits/formats/elementary.hpp"

#include <string>
#include <vector>

#include "check.hpp"
#include "fewbits/core/error.hpp"
#include "fewbits/functions/error_function.hpp"
#include "fewbits/functions/exponential.hpp"
#include "fewbits/functions/logarithm.hpp"
#include "fewbits/functions/logistic.hpp"
#include "fewbits/functions/power.hpp"
#include "fewbits/functions/trigonometric.hpp"

using namespace fewbits;
using namespace fewbits::formats;
namespace fn = fewbits::functions;

namespace {

template <class T>
Arithmetic<T> arithmetic_of(const char* name, Rounding rounding) {
    Context context;
    context.format = get(std::string(name));
    context.options.rounding = rounding;
    return Arithmetic<T>(context);
}

template <class Kernel>
double one(const char* name, Rounding rounding, Elementary f, const Kernel& kernel, double x) {
    double out;
    evaluate(arithmetic_of<double>(name, rounding), f, kernel, Span<const double>(&x, 1),
             Span<double>(&out, 1));
    return out;
}

constexpr Rounding up = Rounding::toward_positive, down = Rounding::toward_negative,
                   nearest = Rounding::nearest_even, zero = Rounding::toward_zero;

}  // namespace

TEST(limits_have_their_side) {
    const double tiny = 0x1p-100, ulp = 0x1p-7;  // of bfloat16
    CHECK_BITS(one("bfloat16", up, Elementary::exp, fn::exp, tiny), 1 + ulp);
    CHECK_BITS(one("bfloat16", down, Elementary::exp, fn::exp, tiny), 1.0);
    CHECK_BITS(one("bfloat16", down, Elementary::exp, fn::exp, -tiny), 1 - ulp / 2);
    CHECK_BITS(one("bfloat16", down, Elementary::cos, fn::cos, tiny), 1 - ulp / 2);
    CHECK_BITS(one("bfloat16", zero, Elementary::sin, fn::sin, tiny), tiny * (1 - ulp / 2));
    CHECK_BITS(one("bfloat16", zero, Elementary::sin, fn::sin, -tiny), -tiny * (1 - ulp / 2));
    CHECK_BITS(one("bfloat16", up, Elementary::expm1, fn::expm1, tiny), tiny * (1 + ulp));
    CHECK_BITS(one("bfloat16", up, Elementary::expm1, fn::expm1, -tiny), -tiny * (1 - ulp / 2));
    CHECK_BITS(one("bfloat16", down, Elementary::log1p, fn::log1p, tiny), tiny * (1 - ulp / 2));
    CHECK_BITS(one("bfloat16", zero, Elementary::tanh, fn::tanh, 50), 1 - ulp / 2);
    CHECK_BITS(one("bfloat16", up, Elementary::softplus, fn::softplus, 100), 100.5);
    CHECK_BITS(one("bfloat16", down, Elementary::gelu, fn::gelu, 100), 99.5);
    CHECK_BITS(one("bfloat16", up, Elementary::silu, fn::silu, tiny), tiny / 2 * (1 + ulp));
    CHECK_BITS(one("bfloat16", zero, Elementary::erf, fn::erf, -10), -(1 - ulp / 2));
    CHECK_BITS(one("bfloat16", up, Elementary::erfc, fn::erfc, -10), 2.0);
    CHECK_BITS(one("bfloat16", down, Elementary::erfc, fn::erfc, -10), 2 - ulp);
}

TEST(range_is_left_by_the_format_only) {
    CHECK_BITS(one("float16", nearest, Elementary::exp, fn::exp, 1000),
               std::numeric_limits<double>::infinity());
    CHECK_BITS(one("float16", zero, Elementary::exp, fn::exp, 1000), 65504.0);
    CHECK_BITS(one("float16", up, Elementary::exp, fn::exp, -1000), 0x1p-24);
    CHECK_BITS(one("float16", nearest, Elementary::exp, fn::exp, -1000), 0.0);
    CHECK_BITS(one("float16", down, Elementary::silu, fn::silu, -1000), -0x1p-24);
    CHECK_BITS(one("float16", down, Elementary::log_ndtr, fn::log_ndtr, 100), -0x1p-24);
    CHECK_BITS(one("float16", zero, Elementary::log, fn::log, 0), -std::numeric_limits<double>::infinity());
    CHECK_BITS(one("float16", up, Elementary::exp, fn::exp, -INFINITY), 0.0);
    CHECK_BITS(one("float8_e4m3fn", nearest, Elementary::exp, fn::exp, 5), 144.0);
    CHECK(std::isnan(one("float8_e4m3fn", nearest, Elementary::exp, fn::exp, 7)));
}

TEST(exact_results_stay) {
    for (int k = -20; k <= 15; ++k) {
        const double power = std::ldexp(1.0, k);
        for (const Rounding rounding : {up, down, zero, nearest, Rounding::to_odd}) {
            CHECK_BITS(one("bfloat16", rounding, Elementary::log2, fn::log2, power), double(k));
            CHECK_BITS(one("bfloat16", rounding, Elementary::exp2, fn::exp2, double(k)), power);
            CHECK_BITS(one("bfloat16", rounding, Elementary::cbrt, fn::cbrt, power * power * power), power);
            CHECK_BITS(one("bfloat16", rounding, Elementary::rsqrt, fn::rsqrt, power * power), 1 / power);
        }
    }
}

TEST(pow_and_hypot) {
    const double x = 1.5, tiny = 0x1p-90;
    CHECK(settle(Elementary::pow, x, fn::pow(x, tiny), tiny) > 1);
    CHECK(settle(Elementary::pow, x, fn::pow(x, -tiny), -tiny) < 1);
    CHECK(settle(Elementary::pow, 1 / x, fn::pow(1 / x, tiny), tiny) < 1);
    CHECK_BITS(settle(Elementary::pow, 3, fn::pow(3.0, 4.0), 4), 81.0);
    CHECK_BITS(settle(Elementary::pow, -2, fn::pow(-2.0, 5001.0), 5001), -std::numeric_limits<double>::max());
    CHECK_BITS(settle(Elementary::pow, -2, fn::pow(-2.0, -5001.0), -5001),
               -std::numeric_limits<double>::denorm_min());
    CHECK_BITS(odd_hypot(3, 4), 5.0);
    CHECK(odd_hypot(1, 0x1p-60) > 1 && odd_hypot(1, 0x1p-60) < 1 + 0x1p-51);
    CHECK_BITS(odd_hypot(-0.0, 0), 0.0);
    CHECK_BITS(odd_hypot(INFINITY, NAN), std::numeric_limits<double>::infinity());
    CHECK(std::isnan(odd_hypot(1, NAN)));
}

TEST(arrays_are_elements) {
    std::vector<float> x, out;
    for (int i = 0; i < 700; ++i) x.push_back(static_cast<float>(i - 350) / 16);
    const auto arithmetic = arithmetic_of<float>("float16", Rounding::nearest_even);
    for (const std::size_t n : {0U, 1U, 7U, 256U, 257U, 700U}) {
        out.assign(n, -1);
        evaluate(arithmetic, Elementary::exp, fn::exp, Span<const float>(x).first(n), Span<float>(out));
        for (std::size_t i = 0; i < n; ++i)
            CHECK_BITS(double(out[i]), one("float16", nearest, Elementary::exp, fn::exp, double(x[i])));
    }
    CHECK_THROWS(
        evaluate(arithmetic, Elementary::exp, fn::exp, Span<const float>(x), Span<float>(out).first(3)),
        ArgumentError);
    double y = 1;
    CHECK_THROWS(evaluate(arithmetic_of<double>("float64", up), Elementary::exp, fn::exp,
                          Span<const double>(&y, 1), Span<double>(&y, 1)),
                 ArgumentError);
    evaluate(arithmetic_of<double>("float64", nearest), Elementary::exp, fn::exp, Span<const double>(&y, 1),
             Span<double>(&y, 1));
    CHECK_BITS(y, fn::exp(1.0));
}

TEST(flushed_inputs_count_as_zero) {
    Context context;
    context.format = get(std::string("float16"));
    context.options.flush_inputs = true;
    double x = -0x1p-20, out;
    evaluate(Arithmetic<double>(context), Elementary::sin, fn::sin, Span<const double>(&x, 1),
             Span<double>(&out, 1));
    CHECK_BITS(out, -0.0);
}
