// erf, erfc, erfcx, ndtr, log_ndtr, ndtri and gelu: the error function and the normal distribution.
//
//   float32  no misrounding among all 2^32 inputs (bounds.json counts what was checked)
//   float64  at most 0.66 ulp, tails and subnormal results included
//   erfcx(x) = e^(x^2) erfc(x)      ndtr(x) = erfc(-x / sqrt 2) / 2     log_ndtr = log ndtr
//   ndtri    inverse of ndtr        gelu(x) = x ndtr(x)
// Limits: erf(+-inf) = +-1, erf(-0) = -0; erfc(-inf) = 2, erfc(+inf) = 0; erfcx(-inf) = +inf, erfcx(+inf) =
// 0; ndtri(0) = -inf, ndtri(1) = +inf, nan outside [0, 1]; gelu(-inf) = -0. nan -> nan.
//   |x| < 1/8           erf by its series, 2/sqrt(pi) in two parts
//   1/8 <= |x| < 6      erf from a table of polynomials, 16 per octave of |x|
//   x >= 1/2            erfc = e^(-x^2) erfcx(x): x^2 in two exact parts, erfcx from a table in x + 1, beyond
//   32 its
//                       asymptotic series; below erfc = 1 - erf
//   ndtr                the same at x / sqrt 2 in two parts, whose square is x^2 / 2 exactly
//   log_ndtr            x <= -1: -x^2/2 + log(erfcx / 2); else log(1 - ndtr(-x))
//   ndtri               |p - 1/2| <= 1/4: table in p - 1/2; else table in sqrt(-2 log p), both in two parts
// Sources: NIST DLMF 7.6, 7.12; the form of the tails after W. Cody, "Rational Chebyshev approximations for
// the error function", Math. Comp. 23 (1969). Coefficients: tools/functions_tables.py.
#pragma once

#include <limits>

#include "fewbits/functions/detail/elementwise.hpp"
#include "fewbits/functions/detail/error_function_tables.hpp"
#include "fewbits/functions/double_double.hpp"
#include "fewbits/functions/logarithm.hpp"

namespace fewbits {
inline namespace FEWBITS_ISA {
namespace functions {

namespace detail {

FEWBITS_INLINE DoubleDouble abs(DoubleDouble x) {
    const u64x4 sign = sign_of(x.hi);
    return {from_bits(to_bits(x.hi) ^ sign), from_bits(to_bits(x.lo) ^ sign)};
}
FEWBITS_INLINE DoubleDouble with_sign_of(f64x4 x, DoubleDouble magnitude) {
    const u64x4 sign = sign_of(x);
    return {from_bits(to_bits(magnitude.hi) ^ sign), from_bits(to_bits(magnitude.lo) ^ sign)};
}

FEWBITS_INLINE DoubleDouble exact_square(f64x4 x) { return as_double_double(two_prod(x, x)); }

FEWBITS_INLINE Interval erf_interval(f64x4 a) { return interval(0.125, clamp(a, 0.125, 5.999)); }
FEWBITS_INLINE Interval erfcx_interval(f64x4 a) {
    return interval(1, clamp(a, 0, 34) + splat(1), 1, erf_table_second);
}

// erf of a >= 0 where it is below 1/8, else y.
FEWBITS_KERNEL DoubleDouble erf_small_or(DoubleDouble a, DoubleDouble y) {
    const auto small = a.hi < splat(0.125);
    if (FEWBITS_LIKELY(none(small))) return y;
    DoubleDouble near = multiply(a, constant(two_over_root_pi));
    const f64x4 z = a.hi * a.hi;
    near.lo = fma(z * a.hi, even_odd(z, erf_small), near.lo);
    return functions::select(small, near, y);
}
// erfcx of a where it is above 32, else y; a.hi below 2^900.
FEWBITS_KERNEL DoubleDouble erfcx_far_or(DoubleDouble a, DoubleDouble y) {
    const auto far = a.hi > splat(32);
    if (FEWBITS_LIKELY(none(far))) return y;
    const f64x4 hi = max(a.hi, splat(1));
    DoubleDouble q = multiply(reciprocal({hi, a.lo}), constant(one_over_root_pi));
    const f64x4 w = splat(1) / hi, t = w * w;
    q.lo = fma(q.hi, t * horner(t, erfcx_far), q.lo);
    return functions::select(far, q, y);
}

FEWBITS_KERNEL DoubleDouble erf_magnitude(DoubleDouble a) {
    return erf_small_or(a, piece(erf_table, erf_interval(a.hi), clamp_or_nan(a.hi, 0.125, 5.999), a.lo));
}
FEWBITS_KERNEL DoubleDouble erfcx_magnitude(DoubleDouble a) {
    return erfcx_far_or(a, piece(erf_table, erfcx_interval(a.hi), clamp_or_nan(a.hi, 0, 34), a.lo));
}

// Where `as_erfcx` erfcx|x|, elsewhere erf|x|: one look-up for both.
FEWBITS_KERNEL DoubleDouble erfcx_or_erf(simd::mask<4> as_erfcx, DoubleDouble x) {
    const DoubleDouble a = abs(x);
    const Interval at = select(as_erfcx, erfcx_interval(a.hi), erf_interval(a.hi));
    const f64x4 inside = simd::select(as_erfcx, clamp_or_nan(a.hi, 0, 34), clamp_or_nan(a.hi, 0.125, 5.999));
    const DoubleDouble y = piece(erf_table, at, inside, a.lo);
    return functions::select(as_erfcx, erfcx_far_or(a, y), erf_small_or(a, y));
}

// 1 - erf(x) from erf|x|
FEWBITS_INLINE DoubleDouble erfc_near(f64x4 x, DoubleDouble erf_of_magnitude) {
    const DoubleDouble erf = with_sign_of(x, erf_of_magnitude);
    const auto sum = two_sum(splat(1), -erf.hi);
    return as_double_double(fast_two_sum(sum.value, sum.error - erf.lo));
}

// erfc(x), given x^2 as well
FEWBITS_KERNEL Scaled erfc_scaled(DoubleDouble x, DoubleDouble square) {
    const auto far = x.hi >= splat(0.5);
    const DoubleDouble y = erfcx_or_erf(far, x), near = erfc_near(x.hi, y);
    Scaled result{near.hi, near.lo, f64x4::zero()};
    if (any(far)) {
        const Scaled e = exp_dd(negate(square));
        const DoubleDouble tail = multiply(DoubleDouble{e.hi, e.lo}, y);
        result = functions::select(far, Scaled{tail.hi, tail.lo, e.exponent}, result);
    }
    return result;
}

// For the rounding test of float32: one float64 each, to 2^-46 of itself, for arguments that are off by
// 2^-52. erf of |x|, or erfcx of it where `as_erfcx`.
FEWBITS_KERNEL f64x4 erfcx_or_erf_plain(simd::mask<4> as_erfcx, f64x4 a) {
    const Interval at = select(as_erfcx, erfcx_interval(a), erf_interval(a));
    const f64x4 inside = simd::select(as_erfcx, clamp_or_nan(a, 0, 34), clamp_or_nan(a, 0.125, 5.999));
    const f64x4 y = piece_plain(erf_table, at, inside), z = a * a;
    const f64x4 near = a * fma(z, even_odd(z, erf_small), splat(two_over_root_pi[0]));
    const f64x4 result = simd::select(~as_erfcx & (a < splat(0.125)), near, y);
    const auto far = a > splat(32);
    if (FEWBITS_LIKELY(none(far & as_erfcx))) return result;
    const f64x4 w = splat(1) / max(a, splat(1)), t = w * w;
    const f64x4 series = splat(one_over_root_pi[0]) * fma(w, t * horner(t, erfcx_far), w);
    return simd::select(far & as_erfcx, series, result);
}
// erfc(x) from x and x^2.
FEWBITS_KERNEL f64x4 erfc_plain(f64x4 x, f64x4 square) {
    const auto far = x >= splat(0.5);
    const f64x4 y = erfcx_or_erf_plain(far, simd::abs(x));
    const f64x4 near = splat(1) - with_sign(y, sign_of(x));
    if (FEWBITS_LIKELY(none(far))) return near;
    return simd::select(far, exp_plain(max(splat(-700), -square)) * y, near);
}
FEWBITS_KERNEL f64x4 ndtr_plain(f64x4 x) {
    const f64x4 a = clamp_or_nan(x, -42, 42);
    return splat(0.5) * erfc_plain(a * splat(-root_half[0]), splat(0.5) * a * a);
}

FEWBITS_KERNEL Scaled ndtr_scaled(f64x4 x) {
    const f64x4 a = clamp_or_nan(x, -42, 42);
    const DoubleDouble z = multiply(constant(root_half), -a);
    Scaled y = erfc_scaled(z, scale(exact_square(a), splat(0.5)));
    y.exponent = y.exponent - splat(1);
    return y;
}

struct ErfKernel {
    static constexpr const char* name = "erf";
    static FEWBITS_KERNEL DoubleDouble parts(f64x4 x) { return erf_magnitude({simd::abs(x), f64x4::zero()}); }
    static FEWBITS_INLINE f64x4 float64(f64x4 x) {
        const DoubleDouble y = parts(x);
        f64x4 result = y.hi + y.lo;
        // A tiny x times 2/sqrt(pi) would lose its second part: scaled up, and back with one rounding.
        const auto tiny = simd::abs(x) < splat(0x1p-960);
        if (FEWBITS_UNLIKELY(any(tiny))) {
            const DoubleDouble up = multiply(constant(two_over_root_pi), simd::abs(x) * splat(0x1p200));
            result = select(tiny, round_scaled({up.hi, up.lo, splat(-200)}), result);
        }
        return with_sign(result, sign_of(x));
    }
    static FEWBITS_INLINE f64x4 float32(f64x4 x) { return with_sign(to_odd(parts(x)), sign_of(x)); }
    static FEWBITS_KERNEL f64x4 quick(f64x4 x) {
        const f64x4 a = simd::abs(x);
        return with_sign(erfcx_or_erf_plain(a < f64x4::zero(), a), sign_of(x));
    }
};

struct ErfcKernel {
    static constexpr const char* name = "erfc";
    static FEWBITS_KERNEL Scaled scaled(f64x4 x) {
        const f64x4 a = clamp_or_nan(x, -30, 30);
        return erfc_scaled({a, f64x4::zero()}, exact_square(a));
    }
    static FEWBITS_INLINE f64x4 float64(f64x4 x) { return round_scaled(scaled(x)); }
    static FEWBITS_INLINE f64x4 float32(f64x4 x) { return odd_scaled(scaled(x)); }
    static FEWBITS_KERNEL f64x4 quick(f64x4 x) {
        const f64x4 a = clamp_or_nan(x, -30, 30);
        return erfc_plain(a, a * a);  // the square is exact
    }
};

struct ErfcxKernel {
    static constexpr const char* name = "erfcx";
    static FEWBITS_KERNEL Scaled scaled(f64x4 x) {
        // erfcx is homogeneous of degree -1 for large x.
        const auto huge = x > splat(0x1p900);
        const f64x4 a = select(huge, x * splat(0x1p-600), x);
        const DoubleDouble y = erfcx_magnitude({simd::abs(a), f64x4::zero()});
        Scaled result{y.hi, y.lo, select(huge, splat(-600), f64x4::zero())};
        const auto negative = x < f64x4::zero();
        if (any(negative)) {
            // 2 e^(x^2) - erfcx(-x)
            const f64x4 b = clamp_or_nan(x, -28, 28);
            const Scaled e = exp_dd(exact_square(b));
            const f64x4 power = power_of_two(max(-e.exponent, splat(-1000)));
            const DoubleDouble inner = erfcx_magnitude({simd::abs(b), f64x4::zero()});
            const DoubleDouble sum = add(scale({e.hi, e.lo}, splat(2)), negate(scale(inner, power)));
            result = functions::select(negative, {sum.hi, sum.lo, e.exponent}, result);
        }
        return result;
    }
    static FEWBITS_KERNEL f64x4 edges(f64x4 x, f64x4 result) {
        return select(x == splat(std::numeric_limits<double>::infinity()), f64x4::zero(), result);
    }
    static FEWBITS_INLINE f64x4 float64(f64x4 x) { return edges(x, round_scaled(scaled(x))); }
    static FEWBITS_INLINE f64x4 float32(f64x4 x) { return edges(x, odd_scaled(scaled(x))); }
    static FEWBITS_KERNEL f64x4 quick(f64x4 x) {
        const f64x4 y = erfcx_or_erf_plain(x == x, simd::abs(x));
        const auto negative = x < f64x4::zero();
        if (FEWBITS_LIKELY(none(negative))) return edges(x, y);
        const f64x4 b = max(splat(-26), x);  // beyond it is infinite
        return edges(x, simd::select(negative, fma(splat(2), exp_plain(b * b), -y), y));
    }
};

struct NdtrKernel {
    static constexpr const char* name = "ndtr";
    static FEWBITS_INLINE f64x4 float64(f64x4 x) { return round_scaled(ndtr_scaled(x)); }
    static FEWBITS_INLINE f64x4 float32(f64x4 x) { return odd_scaled(ndtr_scaled(x)); }
    static FEWBITS_KERNEL f64x4 quick(f64x4 x) { return ndtr_plain(x); }
};

struct LogNdtrKernel {
    static constexpr const char* name = "log_ndtr";
    // x <= -1: log(erfcx(z) / 2) - x^2/2 with z = -x / sqrt 2. Else log(1 - q) with q = ndtr(-x) = erfc(-z) /
    // 2: one look-up and one logarithm for both.
    static FEWBITS_KERNEL Scaled scaled(f64x4 x) {
        const f64x4 a = clamp_or_nan(x, -0x1p300, 42), half = splat(0.5);
        const auto left = x <= splat(-1), far = left | (x >= splat(0.71));
        const DoubleDouble z = multiply(constant(root_half), a);
        const DoubleDouble y = erfcx_or_erf(far, z), square = scale(exact_square(a), half);
        const DoubleDouble near = erfc_near(z.hi, y);
        Scaled q{near.hi, near.lo, f64x4::zero()};
        const auto right = far & ~left;
        if (any(right)) {
            const Scaled e = exp_dd(negate(square));
            const DoubleDouble tail = multiply(DoubleDouble{e.hi, e.lo}, y);
            q = functions::select(right, Scaled{tail.hi, tail.lo, e.exponent}, q);
        }
        q.exponent = q.exponent - splat(1);
        const f64x4 power = power_of_two(max(q.exponent, splat(-1000)));
        const auto sum = two_sum(splat(1), -q.hi * power), r = fast_two_sum(y.hi, y.lo);
        const DoubleDouble argument = functions::select(left, DoubleDouble{r.value * half, r.error * half},
                                                        DoubleDouble{sum.value, sum.error - q.lo * power});
        const DoubleDouble log = log_normal(argument, f64x4::zero());
        const DoubleDouble whole = functions::select(left, add(log, negate(square)), log);
        // log(1 - q) = -q - q^2/2 ... for tiny q
        const Scaled small = {-q.hi, fma(q.hi * -half, q.hi * power, -q.lo), q.exponent};
        return functions::select(x > splat(6.5), small, Scaled{whole.hi, whole.lo, f64x4::zero()});
    }
    static FEWBITS_KERNEL f64x4 edges(f64x4 x, f64x4 result) {
        result = select(x < splat(-0x1p300), splat(-0.5) * x * x, result);
        return select(x > splat(42), with_sign(f64x4::zero(), sign_of(splat(-1))), select(x == x, result, x));
    }
    static FEWBITS_INLINE f64x4 float64(f64x4 x) { return edges(x, round_scaled(scaled(x))); }
    static FEWBITS_INLINE f64x4 float32(f64x4 x) { return edges(x, odd_scaled(scaled(x))); }
    static FEWBITS_KERNEL f64x4 quick(f64x4 x) {
        const f64x4 a = clamp_or_nan(x, -0x1p100, 42), half = splat(0.5);
        const auto left = x <= splat(-1), right = x >= splat(0.71);
        const f64x4 z = a * splat(-root_half[0]), square = half * a * a;
        const auto as_erfcx = left | right;
        const f64x4 y = erfcx_or_erf_plain(as_erfcx, simd::abs(z));
        // Left the scaled tail, right one less the other tail, between them the middle.
        const f64x4 middle = splat(1) - with_sign(y, sign_of(z));
        f64x4 value = half * simd::select(left, y, middle), low = f64x4::zero();
        if (any(right)) {
            const auto sum = two_sum(splat(1), -half * exp_plain(max(splat(-700), -square)) * y);
            value = simd::select(right, sum.value, value);
            low = simd::select(right, sum.error, low);
        }
        const f64x4 log = log_plain(value, low);
        return edges(x, simd::select(left, log - square, log));
    }
};

struct NdtriKernel {
    static constexpr const char* name = "ndtri";
    static FEWBITS_KERNEL DoubleDouble parts(f64x4 p) {
        const f64x4 half = splat(0.5), q = p - half, a = simd::abs(q);
        const auto tail = (p < splat(0.25)) | (p > splat(0.75));  // q is exact between
        Interval at = interval(0.0625, clamp(a, 0.0625, 0.25));
        DoubleDouble x{clamp_or_nan(a, 0.0625, 0.25), f64x4::zero()};
        if (any(tail)) {
            // Of the smaller of p and 1 - p (exact there).
            const f64x4 s = simd::select(p > half, splat(1) - p, p);
            const DoubleDouble t2 = scale(log_dd({max(s, splat(0x1p-1074)), f64x4::zero()}), splat(-2));
            const f64x4 t = sqrt(t2.hi);
            const f64x4 t_low = (fma(-t, t, t2.hi) + t2.lo) * half / t;
            at = select(tail, interval(1.625, clamp(t, 1.625, 39.9), 0, ndtri_table_second), at);
            x = functions::select(tail, DoubleDouble{clamp_or_nan(t, 1.625, 39.9), t_low}, x);
        }
        DoubleDouble result = piece(ndtri_table, at, x.hi, x.lo);
        const auto small = a < splat(0.0625);
        if (FEWBITS_UNLIKELY(any(small))) {
            DoubleDouble near = multiply(constant(root_two_pi), a);
            near.lo = fma(a * a * a, even_odd(a * a, ndtri_small), near.lo);
            result = functions::select(small, near, result);
        }
        return with_sign_of(q, result);
    }
    static FEWBITS_KERNEL f64x4 edges(f64x4 p, f64x4 result) {
        const f64x4 zero = f64x4::zero(), one = splat(1);
        const f64x4 infinity = splat(std::numeric_limits<double>::infinity());
        const auto inside = (p > zero) & (p < one);
        if (FEWBITS_LIKELY(all(inside))) return result;
        const f64x4 nan = splat(std::numeric_limits<double>::quiet_NaN());
        return select(inside, result, select(p == zero, -infinity, select(p == one, infinity, nan)));
    }
    static FEWBITS_INLINE f64x4 float64(f64x4 p) {
        const DoubleDouble y = parts(p);
        return edges(p, y.hi + y.lo);
    }
    static FEWBITS_INLINE f64x4 float32(f64x4 p) { return edges(p, to_odd(parts(p))); }
    static FEWBITS_KERNEL f64x4 quick(f64x4 p) {
        const f64x4 half = splat(0.5), q = p - half, a = simd::abs(q);
        const auto tail = (p < splat(0.25)) | (p > splat(0.75));
        Interval at = interval(0.0625, clamp(a, 0.0625, 0.25));
        f64x4 x = clamp_or_nan(a, 0.0625, 0.25);
        if (any(tail)) {
            const f64x4 s = simd::select(p > half, splat(1) - p, p);
            const f64x4 t = sqrt(splat(-2) * log_plain(max(s, splat(0x1p-1000))));
            at = select(tail, interval(1.625, clamp(t, 1.625, 39.9), 0, ndtri_table_second), at);
            x = simd::select(tail, clamp_or_nan(t, 1.625, 39.9), x);
        }
        const f64x4 y = piece_plain(ndtri_table, at, x);
        const f64x4 near = a * fma(a * a, even_odd(a * a, ndtri_small), splat(root_two_pi[0]));
        return edges(p, with_sign(simd::select(a < splat(0.0625), near, y), sign_of(q)));
    }
};

struct GeluKernel {
    static constexpr const char* name = "gelu";
    static FEWBITS_KERNEL Scaled scaled(f64x4 x) {
        const f64x4 a = clamp_or_nan(x, -42, 42);
        const Scaled gate = ndtr_scaled(a);
        const DoubleDouble y = multiply(DoubleDouble{gate.hi, gate.lo}, a);
        return {y.hi, y.lo, gate.exponent};
    }
    static FEWBITS_KERNEL f64x4 edges(f64x4 x, f64x4 result) {
        const f64x4 zero = f64x4::zero();
        const f64x4 sides = select(x > zero, x, with_sign(zero, sign_of(x)));
        return select((simd::abs(x) > splat(41)) | (x == zero), sides, result);
    }
    static FEWBITS_KERNEL f64x4 quick(f64x4 x) { return edges(x, x * ndtr_plain(x)); }
    static FEWBITS_INLINE f64x4 float64(f64x4 x) { return edges(x, round_scaled(scaled(x))); }
    static FEWBITS_INLINE f64x4 float32(f64x4 x) { return edges(x, odd_scaled(scaled(x))); }
};

}  // namespace detail

inline constexpr detail::Unary<detail::ErfKernel> erf{};
// 1 - erf(x)
inline constexpr detail::Unary<detail::ErfcKernel> erfc{};
// e^(x^2) erfc(x)
inline constexpr detail::Unary<detail::ErfcxKernel> erfcx{};
// Distribution function of the standard normal distribution.
inline constexpr detail::Unary<detail::NdtrKernel> ndtr{};
inline constexpr detail::Unary<detail::LogNdtrKernel> log_ndtr{};
inline constexpr detail::Unary<detail::NdtriKernel> ndtri{};
inline constexpr detail::Unary<detail::GeluKernel> gelu{};

}  // namespace functions
}  // namespace FEWBITS_ISA
}  // namespace fewbits
