// Logarithm of the gamma function, for positive arguments.
//
//   float32  no misrounding among all 2^32 inputs (bounds.json counts what was checked)
//   float64  at most 0.54 ulp, near the zeros at 1 and 2 too
// log_gamma(+-0) = +inf, log_gamma(+inf) = +inf, x < 0 and nan -> nan; overflow (x > 2.55e305) to infinity.
// x = 1 + v. v <= 3/2: t = v or v - 1, exact, and log Gamma(2 + t) = a t + b t^2 + c t^3 + t^4 p(t) for
// |t| <= 1/2, a, b and c in two parts, less log(1 + t) for the former. Larger: Stirling's series at z = x, or
// at z = x + 14 less the logarithm of x (x + 1) ... (x + 13), all in two parts but the series.
// Source: NIST DLMF 5.7.3, 5.11.1. Coefficients: tools/functions_bessel_tables.py.
#pragma once

#include <limits>

#include "fewbits/functions/detail/elementwise.hpp"
#include "fewbits/functions/detail/gamma_tables.hpp"
#include "fewbits/functions/double_double.hpp"

namespace fewbits {
inline namespace FEWBITS_ISA {
namespace functions {

namespace detail {

// log Gamma(2 + t), |t| <= 1/2
FEWBITS_KERNEL DoubleDouble log_gamma_near_two(f64x4 t) {
    const DoubleDouble square = as_double_double(two_prod(t, t));
    const DoubleDouble low =
        add(multiply(constant(log_gamma_slope), t),
            multiply(add(constant(log_gamma_curve), multiply(constant(log_gamma_cubic), t)), square));
    return add(low, (t * t) * (t * t) * even_odd(t, log_gamma_rest));
}

// log Gamma(z) for z >= 15
FEWBITS_KERNEL DoubleDouble stirling_series(DoubleDouble z) {
    const f64x4 inverse = splat(1) / z.hi, square = inverse * inverse;
    const f64x4 series = inverse * horner(square, stirling);
    const DoubleDouble log_z = log_dd(z);
    const DoubleDouble head = multiply(add(log_z, splat(-1)), add(z, splat(-0.5)));
    return add(head, add(constant(half_log_two_pi_e), series));
}

constexpr int gamma_steps = 14;

// log Gamma(z) for z = 1 + v, v >= 0; from v = 15 on z alone counts.
FEWBITS_KERNEL DoubleDouble log_gamma_1p(f64x4 v, DoubleDouble z) {
    const auto low = v <= splat(1.5), high = v >= splat(15);
    DoubleDouble result = {f64x4::zero(), f64x4::zero()};
    if (any(low)) {
        const auto first = v < splat(0.5);
        const f64x4 t = select(low, select(first, v, v - splat(1)), f64x4::zero());
        result = log_gamma_near_two(t);
        const auto sum = two_sum(splat(1), select(first, t, f64x4::zero()));
        result = add(result, negate(log_dd({sum.value, sum.error})));
    }
    if (!all(low)) {
        const f64x4 middle = select(low | high, splat(2), v);
        DoubleDouble large =
            stirling_series(select(high, z, as_double_double(two_sum(middle, splat(gamma_steps + 1)))));
        if (!all(low | high)) {
            DoubleDouble product = as_double_double(two_sum(middle, splat(1)));
            for (int k = 2; k <= gamma_steps; ++k) {
                product = multiply(product, as_double_double(two_sum(middle, splat(k))));
            }
            large = select(high, large, add(large, negate(log_dd(product))));
        }
        result = select(low, result, large);
    }
    return result;
}
FEWBITS_KERNEL DoubleDouble log_gamma_1p(f64x4 v) {
    return log_gamma_1p(v, as_double_double(two_sum(v, splat(1))));
}

// The derivative of log_gamma_1p, error a few 2^-53 of max(1, |result|).
FEWBITS_KERNEL f64x4 digamma_1p(f64x4 v) {
    const auto high = v >= splat(15);
    const f64x4 z = v + select(high, splat(1), splat(gamma_steps + 1));
    const f64x4 inverse = splat(1) / z, square = inverse * inverse;
    const DoubleDouble log_z = log_dd({z, f64x4::zero()});
    f64x4 rest = fma(splat(-0.5), inverse, -(square * horner(square, digamma_tail)));
    f64x4 fractions = f64x4::zero();
    if (!all(high)) {
        for (int k = gamma_steps; k >= 1; --k) fractions = fractions + splat(1) / (v + splat(k));
        fractions = select(high, f64x4::zero(), fractions);
    }
    return log_z.hi + ((rest - fractions) + log_z.lo);
}

struct LogGammaKernel {
    static constexpr const char* name = "log_gamma";
    static FEWBITS_KERNEL DoubleDouble ordinary(f64x4 x) {
        const auto below = x < splat(1);
        // x - 1 is exact where it counts.
        DoubleDouble result = log_gamma_1p(
            select(below, x, x - splat(1)),
            select(below, as_double_double(two_sum(x, splat(1))), DoubleDouble{x, f64x4::zero()}));
        if (any(below)) {
            const DoubleDouble log_x = log_dd({select(below, x, splat(1)), f64x4::zero()});
            result = select(below, add(result, negate(log_x)), result);
        }
        return result;
    }
    static FEWBITS_KERNEL f64x4 edges(f64x4 x, f64x4 result) {
        const f64x4 infinity = splat(std::numeric_limits<double>::infinity());
        const f64x4 nan = splat(std::numeric_limits<double>::quiet_NaN());
        // Beyond 2.55e305 the product overflows and leaves no number.
        const f64x4 kept = select(x >= splat(2.56e305), infinity, result);
        return select(x >= f64x4::zero(), select(x == f64x4::zero(), infinity, kept), nan);
    }
    static FEWBITS_INLINE f64x4 inside(f64x4 x) {
        return select((x > f64x4::zero()) & (x < splat(2.56e305)), x, splat(1));
    }
    static FEWBITS_INLINE f64x4 float64(f64x4 x) {
        const DoubleDouble y = ordinary(inside(x));
        // In one part where the second is no number.
        return edges(x,
                     select(abs(y.hi) < splat(std::numeric_limits<double>::infinity()), y.hi + y.lo, y.hi));
    }
    static FEWBITS_INLINE f64x4 float32(f64x4 x) { return edges(x, to_odd(ordinary(inside(x)))); }
};

}  // namespace detail

// log Gamma(x), x > 0
inline constexpr detail::Unary<detail::LogGammaKernel> log_gamma{};

}  // namespace functions
}  // namespace FEWBITS_ISA
}  // namespace fewbits
