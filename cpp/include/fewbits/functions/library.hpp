// C's mathematical functions beyond the rest of functions, in float64, for formats that round them once more
// (formats::evaluate), in functions::library:
//   tan  asin  acos  atan  sinh  cosh  asinh  acosh  atanh  gamma      y[i] = f(x[i])
//   atan2                                                              z[i] = atan2(y[i], x[i])
// Each works in double-double arithmetic and adds the parts at the end: within 0.7 ulp for arguments of at
// most 26 bits with exponents in -960..960, nan outside the domain, infinite at poles, the same bits on every
// instruction set. Where a result would leave float64 it is 0 or infinite, with the sign of the exact one.
//
// Inverse circular functions are angles of a point (c, s), 0 <= s <= c after reflections: a polynomial
// (Abramowitz and Stegun 4.4.47, error 1e-5) gives the angle y0, the point turned by -y0 the rest.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <string>

#include "fewbits/core/error.hpp"
#include "fewbits/core/span.hpp"
#include "fewbits/functions/detail/elementwise.hpp"
#include "fewbits/functions/double_double.hpp"
#include "fewbits/functions/gamma.hpp"
#include "fewbits/functions/trigonometric.hpp"

namespace fewbits {
inline namespace FEWBITS_ISA {
namespace functions {
namespace library {

namespace detail {

using functions::select;
using functions::detail::Angle;
using functions::detail::as_double_double;
using functions::detail::sign_of;
using functions::detail::splat;
using functions::detail::splat_bits;
using simd::f64x4;
using simd::u64x4;

inline constexpr double infinity = std::numeric_limits<double>::infinity();
inline constexpr double nan = std::numeric_limits<double>::quiet_NaN();
inline constexpr double pi[2] = {0x1.921fb54442d18p+1, 0x1.1a62633145c07p-53};
inline constexpr double log_pi[2] = {0x1.250d048e7a1bdp+0, 0x1.7abf2ad8d5088p-57};
inline constexpr double arc[5] = {0.9998660, -0.3302995, 0.1801410, -0.0851330, 0.0208351};
// Below, x and the first term of its series are all that counts; above, exp(-x) does not.
inline constexpr double small = 0x1p-26, large = 40;

FEWBITS_INLINE DoubleDouble single(f64x4 x) { return {x, f64x4::zero()}; }
FEWBITS_INLINE f64x4 joined(DoubleDouble a) { return a.hi + a.lo; }
FEWBITS_INLINE DoubleDouble halved(DoubleDouble a) { return scale(a, splat(0.5)); }
FEWBITS_INLINE f64x4 signed_like(f64x4 magnitude, f64x4 x) {
    return functions::detail::with_sign(magnitude, sign_of(x));
}
FEWBITS_KERNEL DoubleDouble root(DoubleDouble a) {
    const f64x4 zero = f64x4::zero(), r = sqrt(a.hi);
    const f64x4 rest = (a.lo + fma(-r, r, a.hi)) / (r + r);
    return as_double_double(fast_two_sum(r, select(r > zero, rest, zero)));
}
// 1 - x^2 = (1 - x) (1 + x)
FEWBITS_KERNEL DoubleDouble one_minus_square(f64x4 x) {
    const f64x4 one = splat(1);
    return multiply(as_double_double(two_sum(one, -x)), as_double_double(two_sum(one, x)));
}
FEWBITS_KERNEL DoubleDouble exp_unscaled(f64x4 x) {
    const Scaled e = exp_dd(single(x));
    return scale({e.hi, e.lo}, functions::detail::power_of_two(e.exponent));
}

struct SinCos {
    DoubleDouble sin, cos;
};
FEWBITS_KERNEL SinCos sin_cos(const Angle& a) {
    const auto parts = functions::detail::sin_cos_parts(a);
    return {as_double_double(fast_two_sum(parts.sin, parts.sin_rest)),
            as_double_double(fast_two_sum(parts.cos, parts.cos_rest))};
}

// Angle of (c, s) for c > 0 and s >= 0, in [0, pi/2].
FEWBITS_KERNEL DoubleDouble first_quadrant(DoubleDouble s, DoubleDouble c) {
    const auto steep = s.hi > c.hi;
    const DoubleDouble low = select(steep, c, s), high = select(steep, s, c);
    const f64x4 t = low.hi / high.hi;
    const f64x4 y = t * functions::detail::horner(t * t, arc);
    const SinCos turn = sin_cos({y, f64x4::zero(), u64x4::zero()});
    const DoubleDouble across = add(multiply(low, turn.cos), negate(multiply(high, turn.sin)));
    const DoubleDouble along = add(multiply(high, turn.cos), multiply(low, turn.sin));
    const DoubleDouble r = divide(across, along);
    const DoubleDouble angle = add(add(r, splat(-1.0 / 3) * (r.hi * r.hi * r.hi)), y);
    const DoubleDouble half_turn = {splat(pi[0] / 2), splat(pi[1] / 2)};
    return select(steep, add(half_turn, negate(angle)), angle);
}

struct Tan {
    static FEWBITS_KERNEL f64x4 float64(f64x4 x) {
        const Angle angle = functions::detail::reduce_float64(x);
        const SinCos y = sin_cos(angle);
        const auto odd = (angle.quadrant & splat_bits(1)) == splat_bits(1);
        const f64x4 result = joined(divide(select(odd, negate(y.cos), y.sin), select(odd, y.sin, y.cos)));
        return select(x == f64x4::zero(), x, result);
    }
};
struct Asin {
    static FEWBITS_KERNEL f64x4 float64(f64x4 x) {
        const f64x4 a = abs(x);
        const f64x4 y = joined(first_quadrant(single(a), root(one_minus_square(a))));
        return select(a <= splat(1), signed_like(y, x), splat(nan));
    }
};
struct Acos {
    static FEWBITS_KERNEL f64x4 float64(f64x4 x) {
        const f64x4 a = abs(x);
        const DoubleDouble y = first_quadrant(root(one_minus_square(a)), single(a));
        const DoubleDouble reflected = add(DoubleDouble{splat(pi[0]), splat(pi[1])}, negate(y));
        return select(a <= splat(1), joined(select(x < f64x4::zero(), reflected, y)), splat(nan));
    }
};
struct Atan {
    static FEWBITS_KERNEL f64x4 float64(f64x4 x) {
        const f64x4 a = abs(x);
        const f64x4 y = joined(first_quadrant(single(a), single(splat(1))));
        return signed_like(select(a == splat(infinity), splat(pi[0] / 2), y), x);
    }
};

// Of finite numbers but zeros.
FEWBITS_KERNEL f64x4 atan2_ordinary(f64x4 y, f64x4 x) {
    const f64x4 a = abs(x), b = abs(y);
    const DoubleDouble angle = first_quadrant(single(b), single(a));
    const DoubleDouble reflected = add(DoubleDouble{splat(pi[0]), splat(pi[1])}, negate(angle));
    return signed_like(joined(select(x < f64x4::zero(), reflected, angle)), y);
}

struct Sinh {
    static FEWBITS_KERNEL f64x4 float64(f64x4 x) {
        const f64x4 a = abs(x);
        const DoubleDouble e = expm1_dd(single(min(a, splat(large))));
        const f64x4 y = joined(halved(add(e, divide(e, add(e, splat(1))))));
        Scaled far = exp_dd(single(a));
        far.exponent = far.exponent - splat(1);
        const f64x4 beyond = select(a > splat(720), splat(infinity), round_scaled(far));
        return select(x == x,
                      signed_like(select(a < splat(small), a, select(a > splat(large), beyond, y)), x), x);
    }
};
struct Cosh {
    static FEWBITS_KERNEL f64x4 float64(f64x4 x) {
        const f64x4 a = abs(x);
        const DoubleDouble e = exp_unscaled(min(a, splat(large)));
        const f64x4 y = joined(halved(add(e, reciprocal(e))));
        Scaled far = exp_dd(single(a));
        far.exponent = far.exponent - splat(1);
        const f64x4 beyond = select(a > splat(720), splat(infinity), round_scaled(far));
        return select(a > splat(large), beyond, select(x == x, y, x));
    }
};
struct Asinh {
    static FEWBITS_KERNEL f64x4 float64(f64x4 x) {
        const f64x4 a = abs(x), b = min(a, splat(0x1p30));
        const DoubleDouble square = as_double_double(two_prod(b, b));
        const DoubleDouble near = log_dd(add(root(add(square, splat(1))), b));
        const DoubleDouble far = log_dd(single(max(splat(1), min(a, splat(0x1p1000)) * splat(2))));
        const f64x4 y = joined(select(a > splat(0x1p30), far, near));
        return select(abs(x) < splat(infinity), signed_like(select(a < splat(small), a, y), x), x);
    }
};
struct Acosh {
    static FEWBITS_KERNEL f64x4 float64(f64x4 x) {
        const f64x4 b = max(splat(1), min(x, splat(0x1p30)));
        const DoubleDouble square = as_double_double(two_prod(b, b));
        const DoubleDouble near = log_dd(add(root(add(square, splat(-1))), b));
        const DoubleDouble far = log_dd(single(max(splat(1), min(x, splat(0x1p1000)) * splat(2))));
        const f64x4 y = joined(select(x > splat(0x1p30), far, near));
        return select(x >= splat(1), select(x < splat(infinity), y, x), splat(nan));
    }
};
struct Atanh {
    static FEWBITS_KERNEL f64x4 float64(f64x4 x) {
        const f64x4 one = splat(1), a = abs(x), b = select(a < one, a, f64x4::zero());
        const DoubleDouble quotient =
            divide(as_double_double(two_sum(one, b)), as_double_double(two_sum(one, -b)));
        const f64x4 y = joined(halved(log_dd(quotient)));
        const f64x4 inside = signed_like(select(a < splat(small), a, y), x);
        return select(a < one, inside, select(a == one, signed_like(splat(infinity), x), splat(nan)));
    }
};

// Gamma(x) = exp(log Gamma(x)), and pi / (sin(pi x) Gamma(1 - x)) for negative x.
struct Gamma {
    static FEWBITS_KERNEL f64x4 float64(f64x4 x) {
        const f64x4 zero = f64x4::zero(), one = splat(1), half = splat(0.5), a = abs(x);
        const auto negative = x < zero;
        const f64x4 positive = select(negative | ~(x > zero), one, min(x, splat(1e6)));
        DoubleDouble log_value = functions::detail::LogGammaKernel::ordinary(positive);
        f64x4 sign = one;
        if (any(negative)) {
            const f64x4 b = select(negative, min(a, splat(1e6)), half), whole = floor(b);
            const f64x4 fraction = b - whole,
                        from_half = abs(fraction - half);  // sin pi x = cos pi from_half
            const auto middle = from_half < splat(0.25);
            const f64x4 r = select(middle, from_half, min(fraction, one - fraction));
            const DoubleDouble turn = multiply(DoubleDouble{splat(pi[0]), splat(pi[1])}, r);
            const SinCos y = sin_cos({turn.hi, turn.lo, u64x4::zero()});
            const DoubleDouble sine = select(middle, y.cos, y.sin);
            const DoubleDouble log_sine = log_dd(select(fraction > zero, sine, single(one)));
            const DoubleDouble reflected =
                add(add(DoubleDouble{splat(log_pi[0]), splat(log_pi[1])}, negate(log_sine)),
                    negate(functions::detail::log_gamma_1p(b)));
            log_value = select(negative, reflected, log_value);
            const f64x4 half_whole = whole * half;
            sign = select(negative & (floor(half_whole) == half_whole), splat(-1), one);
            sign = select(negative & ~(fraction > zero), splat(nan), sign);
        }
        const Scaled e = exp_dd({max(splat(-800), min(log_value.hi, splat(800))), log_value.lo});
        const f64x4 value = select(log_value.hi > splat(715), splat(infinity), round_scaled(e));
        const f64x4 y = value * sign;
        const f64x4 pole = signed_like(splat(infinity), x);
        // An integer beyond the clipping, or minus infinity.
        const f64x4 known = select(a >= splat(1e6), select(negative, splat(nan), splat(infinity)), y);
        return select(x == zero, pole, select(x == x, select(a > splat(1e6), known, y), x));
    }
};

// Spans of any length, the last group padded with halves (inside every domain but that of acosh).
template <class Kernel>
struct Unary {
    // `out` has the size of `x`, and may be it.
    void operator()(Span<const double> x, Span<double> out, Accuracy = Accuracy::best) const {
        FEWBITS_REQUIRE(x.size() == out.size(), "functions::library: out must have the size of x, " +
                                                    std::to_string(x.size()) + ", got " +
                                                    std::to_string(out.size()));
        for (std::size_t i = 0; i < x.size(); i += 4) {
            const std::size_t count = std::min<std::size_t>(4, x.size() - i);
            double in[4] = {0.5, 0.5, 0.5, 0.5}, values[4];
            std::copy(x.data() + i, x.data() + i + count, in);
            store(canonical_nan(Kernel::float64(f64x4::load(in))), values);
            std::copy(values, values + count, out.data() + i);
        }
    }
    double operator()(double x) const {
        double y;
        (*this)(Span<const double>(&x, 1), Span<double>(&y, 1));
        return y;
    }
};

struct Atan2 {
    // Zeros and infinities as IEEE 754 says.
    double operator()(double y, double x) const {
        if (std::isnan(x) || std::isnan(y)) return nan;
        const bool left = std::signbit(x);
        double angle = left ? pi[0] : 0;
        if (std::isinf(y)) {
            angle = !std::isinf(x) ? pi[0] / 2 : left ? 0x1.2d97c7f3321d2p+1 : pi[0] / 4;
        } else if (y != 0 && x == 0) {
            angle = pi[0] / 2;
        } else if (y != 0 && !std::isinf(x)) {
            const int shift = -std::ilogb(std::max(std::fabs(x), std::fabs(y)));
            double out[4];
            store(atan2_ordinary(f64x4::broadcast(std::ldexp(y, shift)),
                                 f64x4::broadcast(std::ldexp(x, shift))),
                  out);
            return out[0];
        }
        return std::copysign(angle, y);
    }
    void operator()(Span<const double> y, Span<const double> x, Span<double> out,
                    Accuracy = Accuracy::best) const {
        FEWBITS_REQUIRE(x.size() == out.size() && y.size() == out.size(),
                        "functions::library::atan2: y, x and out must have one size");
        for (std::size_t i = 0; i < out.size(); ++i) out[i] = (*this)(y[i], x[i]);
    }
};

}  // namespace detail

inline constexpr detail::Unary<detail::Tan> tan{};
inline constexpr detail::Unary<detail::Asin> asin{};
inline constexpr detail::Unary<detail::Acos> acos{};
inline constexpr detail::Unary<detail::Atan> atan{};
inline constexpr detail::Unary<detail::Sinh> sinh{};
inline constexpr detail::Unary<detail::Cosh> cosh{};
inline constexpr detail::Unary<detail::Asinh> asinh{};
inline constexpr detail::Unary<detail::Acosh> acosh{};
inline constexpr detail::Unary<detail::Atanh> atanh{};
inline constexpr detail::Unary<detail::Gamma> gamma{};
inline constexpr detail::Atan2 atan2{};

}  // namespace library
}  // namespace functions
}  // namespace FEWBITS_ISA
}  // namespace fewbits
