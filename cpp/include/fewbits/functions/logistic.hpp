// tanh, sigmoid, log_sigmoid, softplus, silu and gelu_tanh: what is made of 1 / (1 + e^-x).
//
//   float32  no misrounding among all 2^32 inputs (bounds.json counts what was checked)
//   float64  at most 0.57 ulp, tails and subnormal results included
//   sigmoid(x) = 1 / (1 + e^-x)             softplus(x) = log(1 + e^x)       log_sigmoid(x) = -softplus(-x)
//   silu(x) = x sigmoid(x)                  gelu_tanh(x) = x/2 (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3)))
// Limits: tanh(+-inf) = +-1, sigmoid(-inf) = 0, softplus(-inf) = 0, silu(-inf) = gelu_tanh(-inf) = -0,
// silu(+inf) = +inf; odd functions keep the sign of zero; silu(+-0) = gelu_tanh(+-0) = +-0. nan -> nan.
// e = e^-|x| in two parts (double_double.hpp) keeps the relative accuracy of the tails; tanh comes from a
// table of polynomials, 16 per octave of |x|, with a series below 1/8. gelu_tanh's argument is formed in two
// parts. Source of gelu_tanh: D. Hendrycks, K. Gimpel, arXiv 1606.08415; of silu: S. Elfwing et al., arXiv
// 1702.03118. Coefficients: tools/functions_tables.py.
#pragma once

#include <limits>

#include "fewbits/functions/detail/elementwise.hpp"
#include "fewbits/functions/detail/logistic_tables.hpp"
#include "fewbits/functions/double_double.hpp"
#include "fewbits/functions/logarithm.hpp"

namespace fewbits {
inline namespace FEWBITS_ISA {
namespace functions {

namespace detail {

struct TanhKernel {
    static constexpr const char* name = "tanh";
    // tanh |x|
    static FEWBITS_KERNEL DoubleDouble of_magnitude(f64x4 a) {
        const f64x4 one_eighth = splat(0.125);
        const DoubleDouble y = piece(tanh_table, interval(0.125, clamp(a, 0.125, 19.99)),
                                     clamp_or_nan(a, 0.125, 19.99), f64x4::zero());
        const auto small = a < one_eighth;
        if (FEWBITS_LIKELY(none(small))) return y;
        const f64x4 z = a * a;
        return functions::select(small, {a, z * a * even_odd(z, tanh_small)}, y);
    }
    static FEWBITS_INLINE f64x4 float64(f64x4 x) {
        const DoubleDouble y = of_magnitude(abs(x));
        return with_sign(y.hi + y.lo, sign_of(x));
    }
    static FEWBITS_INLINE f64x4 float32(f64x4 x) {
        return with_sign(to_odd(of_magnitude(abs(x))), sign_of(x));
    }
    static FEWBITS_KERNEL f64x4 quick(f64x4 x) { return float64(x); }
};

// sigmoid(x) = (hi + lo) 2^exponent for an argument in two parts.
FEWBITS_KERNEL Scaled sigmoid_scaled(DoubleDouble x) {
    const auto negative = x.hi < f64x4::zero();
    const u64x4 flip = sign_of(x.hi) ^ sign_of(splat(-1));
    // -|x|
    const DoubleDouble a = {max(splat(-800), from_bits(to_bits(x.hi) ^ flip)),
                            from_bits(to_bits(x.lo) ^ flip)};
    const Reduced parts = exp_reduce(a);
    const f64x4 e_low = fma(parts.high, parts.r + (parts.r_low + parts.tail), parts.low);
    // 1 + e; below 2^-800 it does not matter what e is.
    const f64x4 power = power_of_two(max(parts.exponent, splat(-800)));
    const auto sum = fast_two_sum(splat(1), parts.high * power);
    const auto whole = fast_two_sum(sum.value, fma(e_low, power, sum.error));
    const DoubleDouble q = reciprocal({whole.value, whole.error});
    const auto e = fast_two_sum(parts.high, e_low);
    const DoubleDouble tail = multiply(DoubleDouble{e.value, e.error}, q);
    return functions::select(negative, {tail.hi, tail.lo, parts.exponent}, {q.hi, q.lo, f64x4::zero()});
}

// sigmoid of a float64 that is off by at most 2^-50, to 2^-48 of itself for |x| <= 700.
FEWBITS_KERNEL f64x4 sigmoid_plain(f64x4 x) {
    const f64x4 a = max(splat(-700), -abs(x)), e = exp_plain(a);  // nan stays
    return select(x < f64x4::zero(), e, splat(1)) / (splat(1) + e);
}

struct SigmoidKernel {
    static constexpr const char* name = "sigmoid";
    static FEWBITS_INLINE f64x4 float64(f64x4 x) { return round_scaled(sigmoid_scaled({x, f64x4::zero()})); }
    static FEWBITS_INLINE f64x4 float32(f64x4 x) { return odd_scaled(sigmoid_scaled({x, f64x4::zero()})); }
    static FEWBITS_KERNEL f64x4 quick(f64x4 x) { return sigmoid_plain(x); }
};

// log(1 + e^x) where x > -30, as two parts.
FEWBITS_KERNEL DoubleDouble softplus_near(f64x4 x) {
    const f64x4 a = -abs(x);
    const Scaled e = exp_full({max(a, splat(-120)), f64x4::zero()});
    const f64x4 power = power_of_two(e.exponent);
    const auto sum = fast_two_sum(splat(1), e.hi * power);
    const DoubleDouble y = log_normal({sum.value, fma(e.lo, power, sum.error)}, f64x4::zero());
    const auto total = two_sum(max(x, f64x4::zero()), y.hi);
    return as_double_double(fast_two_sum(total.value, total.error + y.lo));
}

struct SoftplusKernel {
    static constexpr const char* name = "softplus";
    // Below -far the two parts of 1 + e^x would no longer hold e^x well enough.
    static constexpr double far = 30;
    static FEWBITS_KERNEL Scaled tail(f64x4 x) {
        Scaled e = exp_full({exp_clamp(x), f64x4::zero()});
        const f64x4 power = power_of_two(max(e.exponent, splat(-1000)));
        e.lo = fma(e.hi * splat(-0.5), e.hi * power, e.lo);  // log(1 + e) = e - e^2/2 + ...
        return e;
    }
    static FEWBITS_KERNEL f64x4 edges(f64x4 x, f64x4 result) {
        return select(x > splat(100), x, select(x == x, result, x));
    }
    static FEWBITS_INLINE f64x4 float64(f64x4 x) {
        const DoubleDouble y = softplus_near(x);
        f64x4 result = y.hi + y.lo;
        const auto small = x < splat(-far);
        if (FEWBITS_UNLIKELY(any(small))) result = select(small, round_scaled(tail(x)), result);
        return edges(x, result);
    }
    static FEWBITS_INLINE f64x4 float32(f64x4 x) {
        f64x4 result = to_odd(softplus_near(x));
        const auto small = x < splat(-far);
        if (FEWBITS_UNLIKELY(any(small))) result = select(small, odd_scaled(tail(x)), result);
        return edges(x, result);
    }
    static FEWBITS_KERNEL f64x4 quick(f64x4 x) {
        const f64x4 e = exp_plain(max(splat(-700), -abs(x)));
        return edges(x, max(x, f64x4::zero()) + log1p_plain(e));
    }
};

struct LogSigmoidKernel {
    static constexpr const char* name = "log_sigmoid";
    static FEWBITS_INLINE f64x4 float64(f64x4 x) { return -SoftplusKernel::float64(-x); }
    static FEWBITS_INLINE f64x4 float32(f64x4 x) { return -SoftplusKernel::float32(-x); }
    static FEWBITS_KERNEL f64x4 quick(f64x4 x) { return -SoftplusKernel::quick(-x); }
};

// x times a function in (0, 1): infinities, and products that vanish, get their sign from x.
FEWBITS_KERNEL Scaled gated(f64x4 x, Scaled gate) {
    const DoubleDouble y = multiply(DoubleDouble{gate.hi, gate.lo}, x);
    return {y.hi, y.lo, gate.exponent};
}
FEWBITS_KERNEL f64x4 gated_edges(f64x4 x, double far, f64x4 result) {
    const f64x4 zero = f64x4::zero();
    const f64x4 sides = select(x > zero, x, with_sign(zero, sign_of(x)));
    return select((abs(x) > splat(far)) | (x == zero), sides, result);
}

struct SiluKernel {
    static constexpr const char* name = "silu";
    static FEWBITS_KERNEL Scaled scaled(f64x4 x) {
        const f64x4 a = max(splat(-790), min(splat(790), x));
        return gated(a, sigmoid_scaled({a, f64x4::zero()}));
    }
    static FEWBITS_INLINE f64x4 float64(f64x4 x) { return gated_edges(x, 780, round_scaled(scaled(x))); }
    static FEWBITS_INLINE f64x4 float32(f64x4 x) { return gated_edges(x, 780, odd_scaled(scaled(x))); }
    static FEWBITS_KERNEL f64x4 quick(f64x4 x) { return gated_edges(x, 700, x * sigmoid_plain(x)); }
};

struct GeluTanhKernel {
    static constexpr const char* name = "gelu_tanh";
    // x sigmoid(x (a + b x^2)), the argument in two parts
    static FEWBITS_KERNEL Scaled scaled(f64x4 x) {
        const f64x4 a = max(splat(-30), min(splat(30), x));
        const DoubleDouble square = as_double_double(two_prod(a, a));
        const DoubleDouble argument =
            multiply(add(multiply(square, constant(gelu_third)), constant(gelu_first)), a);
        return gated(a, sigmoid_scaled(argument));
    }
    static FEWBITS_INLINE f64x4 float64(f64x4 x) { return gated_edges(x, 25, round_scaled(scaled(x))); }
    static FEWBITS_INLINE f64x4 float32(f64x4 x) { return gated_edges(x, 25, odd_scaled(scaled(x))); }
    static FEWBITS_KERNEL f64x4 quick(f64x4 x) {
        const f64x4 a = max(splat(-30), min(splat(30), x));
        // The argument is below 1000 where the result is not 0 or x: off by 2^-43 at most.
        const f64x4 argument = a * fma(a * a, splat(gelu_third[0]), splat(gelu_first[0]));
        return gated_edges(x, 25, a * sigmoid_plain(argument));
    }
};

}  // namespace detail

inline constexpr detail::Unary<detail::TanhKernel> tanh{};
inline constexpr detail::Unary<detail::SigmoidKernel> sigmoid{};
inline constexpr detail::Unary<detail::LogSigmoidKernel> log_sigmoid{};
inline constexpr detail::Unary<detail::SoftplusKernel> softplus{};
inline constexpr detail::Unary<detail::SiluKernel> silu{};
inline constexpr detail::Unary<detail::GeluTanhKernel> gelu_tanh{};

}  // namespace functions
}  // namespace FEWBITS_ISA
}  // namespace fewbits
