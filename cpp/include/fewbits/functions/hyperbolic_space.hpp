// Hyperbolic space of curvature -1: distances, maps between its models, sums, hyperplanes.
//
//   ball      |x| < 1, n coordinates                        d(0, x) = r = 2 artanh |x|
//   lorentz   (x0, x), x0 = sqrt(1 + |x|^2), n + 1          r = asinh |x|; x0 is written, and read by nobody
//   tangent   any v in R^n, the point exp_0(v)              r = |v|: the exponent range is the capacity
//
//   polar_distance   of (r1, direction) and (r2, direction) at an angle
//   distance, convert, mobius_add, hyperplane_distance      on rows
//
// Distance: with h half the chord of the directions, S = sinh^2((r1 - r2) / 2) + sinh r1 sinh r2 h^2 and
// d = 2 asinh(sqrt S): no arccosh near 1, no difference of large numbers. S is (hi + lo) 2^exponent, so that
// it neither overflows (r = 1000) nor underflows (r = 1e-200):
//   S < 2^-60        2 sqrt S
//   S < 2^60         2 log(1 + t), t = sqrt S + S / (1 + sqrt(1 + S))
//   beyond           log S + 2 log 2
//   ball             S = |x - y|^2 / ((1 - |x|^2) (1 - |y|^2))
//   lorentz          sinh(r1 - r2) = (|x|^2 - |y|^2) / (|x| y0 + |y| x0)
// Hyperplane of normal z and offset a: sinh d = sinh(r - a) k^2 - sinh(r + a) h^2, h and k half the chords of
// v with z and -z.
//
// Contract: float64; distances at most 2 ulp from those of the given numbers (polar: 1.5 ulp, for r <= 1000
// and angles from 1e-12 to pi), coordinates of maps at most 2 ulp. nan where a number is nan, a radius
// negative, a point outside the ball; points on the sphere are infinitely far.
// Sources: G. Mishne, Z. Wan, Y. Wang, S. Yang, "The Numerical Stability of Hyperbolic Representation
// Learning", arXiv:2211.00181; A. Ungar, "A Gyrovector Space Approach to Hyperbolic Geometry" (2009).
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <string>

#include "fewbits/core/error.hpp"
#include "fewbits/core/error_free.hpp"
#include "fewbits/core/span.hpp"
#include "fewbits/functions/double_double.hpp"
#include "fewbits/functions/trigonometric.hpp"

namespace fewbits {
inline namespace FEWBITS_ISA {
namespace functions {
namespace hyperbolic_space {

enum class Model { ball, lorentz, tangent };
inline constexpr const char* model_names[] = {"ball", "lorentz", "tangent"};

namespace detail {

using namespace functions::detail;

constexpr double infinity = std::numeric_limits<double>::infinity();
constexpr double nan = std::numeric_limits<double>::quiet_NaN();

// ---- two parts, and two parts with an exponent ----------------------------------------------------------

FEWBITS_INLINE DoubleDouble exact(f64x4 x) { return {x, f64x4::zero()}; }
FEWBITS_INLINE DoubleDouble difference(f64x4 a, f64x4 b) { return as_double_double(two_sum(a, -b)); }
FEWBITS_INLINE DoubleDouble square(DoubleDouble a) { return multiply(a, a); }
FEWBITS_KERNEL DoubleDouble divide(DoubleDouble a, DoubleDouble b) { return multiply(a, reciprocal(b)); }
FEWBITS_KERNEL DoubleDouble square_root(DoubleDouble a) {
    const f64x4 root = sqrt(a.hi), zero = f64x4::zero();
    const f64x4 low = (fma(-root, root, a.hi) + a.lo) / (root + root);
    const auto sum = fast_two_sum(root, select(root > zero, low, zero));
    return as_double_double(sum);
}
FEWBITS_INLINE DoubleDouble magnitude(DoubleDouble a) { return select(a.hi < f64x4::zero(), negate(a), a); }

// floor(log2 |x|) within -1000..1000, that is -1000 for zero and subnormal numbers.
FEWBITS_INLINE f64x4 exponent_of(f64x4 x) {
    const u64x4 biased = shift_right(to_bits(abs(x)), 52);
    const f64x4 e = from_bits(biased | splat_bits(0x4330000000000000ULL)) - splat(0x1p52 + 1023);
    return clamp(e, -1000, 1000);
}
FEWBITS_KERNEL Scaled normalize(DoubleDouble a, f64x4 exponent = f64x4::zero()) {
    const f64x4 e = exponent_of(a.hi), factor = power_of_two(-e);
    return {a.hi * factor, a.lo * factor, exponent + e};
}
FEWBITS_INLINE DoubleDouble parts(Scaled a) { return {a.hi, a.lo}; }
FEWBITS_KERNEL Scaled multiply(Scaled a, Scaled b) {
    return normalize(fewbits::multiply(parts(a), parts(b)), a.exponent + b.exponent);
}
// What is below the larger one by 2^-1000 does not count.
FEWBITS_KERNEL Scaled add(Scaled a, Scaled b) {
    const f64x4 zero = f64x4::zero(), least = splat(-1000);
    const f64x4 none = splat(-1e15);  // the exponent of zero
    const f64x4 ea = select(a.hi == zero, none, a.exponent), eb = select(b.hi == zero, none, b.exponent);
    const f64x4 e = max(ea, eb);
    const DoubleDouble x = scale(parts(a), power_of_two(max(ea - e, least)));
    const DoubleDouble y = scale(parts(b), power_of_two(max(eb - e, least)));
    return normalize(fewbits::add(x, y), select(e == none, zero, e));
}
FEWBITS_INLINE Scaled negate(Scaled a) { return {-a.hi, -a.lo, a.exponent}; }
FEWBITS_INLINE Scaled magnitude(Scaled a) { return select(a.hi < f64x4::zero(), negate(a), a); }

// sinh of x >= 0.
FEWBITS_NOINLINE inline Scaled sinh_positive(DoubleDouble x) {
    const f64x4 turn = splat(20);
    const auto small = x.hi < turn;
    const DoubleDouble m = expm1_dd(select(small, x, exact(turn)));
    const DoubleDouble s = fewbits::add(m, divide(m, fewbits::add(m, splat(1))));
    // Beyond, e^x / 2 is enough; a multiple of 512 log 2 goes into the exponent.
    const f64x4 n = floor(x.hi * splat(1 / (512 * 0.6931471805599453))) * splat(512);
    const DoubleDouble rest = fewbits::add(x, fewbits::multiply(constant(ln2), -n));
    const Scaled e = exp_dd(rest);
    return select(small, normalize(s, splat(-1)), Scaled{e.hi, e.lo, e.exponent + (n - splat(1))});
}
FEWBITS_KERNEL Scaled sinh(DoubleDouble x) {
    const Scaled s = sinh_positive(detail::magnitude(x));
    return select(x.hi < f64x4::zero(), negate(s), s);
}

// 2 asinh(sqrt S); S >= 0.
FEWBITS_NOINLINE inline DoubleDouble distance_of(Scaled s) {
    const f64x4 zero = f64x4::zero(), one = splat(1), e = s.exponent;
    const auto none = s.hi == zero;
    // A nan stays in hi and comes out of every branch.
    const DoubleDouble value = {select(none, one, s.hi), select(none, zero, s.lo)};
    const DoubleDouble far = fewbits::add(fewbits::multiply(constant(ln2), e + splat(2)), log_dd(value));
    const f64x4 half = floor(e * splat(0.5)), odd = e - (half + half);
    const DoubleDouble root = square_root(scale(value, one + odd));
    const f64x4 up = clamp(half + one, -1022, 1023);
    const DoubleDouble near = scale(root, power_of_two(up));
    const DoubleDouble plain = scale(value, power_of_two(clamp(e, -61, 61)));
    const DoubleDouble z = square_root(plain), w = square_root(fewbits::add(plain, one));
    const DoubleDouble t = fewbits::add(z, divide(plain, fewbits::add(w, one)));
    const DoubleDouble middle = scale(log_dd(fewbits::add(t, one)), splat(2));
    DoubleDouble d = select(e < splat(-60), near, select(e > splat(60), far, middle));
    return select(none, exact(zero), d);
}

// ---- rows -----------------------------------------------------------------------------------------------

// Four rows, the last one repeated where there are fewer.
struct Rows {
    const double* data;
    std::size_t stride, count;
    FEWBITS_INLINE f64x4 operator[](std::size_t k) const {
        double lanes[4];
        for (std::size_t i = 0; i < 4; ++i) lanes[i] = data[std::min(i, count - 1) * stride + k];
        return f64x4::load(lanes);
    }
};
struct Target {
    double* data;
    std::size_t stride, count;
    FEWBITS_INLINE void put(std::size_t k, f64x4 x) const {
        double lanes[4];
        store(canonical_nan(x), lanes);
        for (std::size_t i = 0; i < count; ++i) data[i * stride + k] = lanes[i];
    }
};

// |x| = value 2^exponent; directions are x_k factor / value. A zero row has the value 1, and is marked.
struct Length {
    DoubleDouble value, inverse;
    f64x4 exponent, factor, poison;  // poison: zero, or nan where a coordinate is no number
    simd::mask<4> zero;

    DoubleDouble plain() const {
        const DoubleDouble length = scale(value, power_of_two(exponent));
        return select(zero, exact(f64x4::zero()), length);
    }
    Scaled scaled() const {
        const Scaled length = normalize(value, exponent);
        return select(zero, Scaled{f64x4::zero(), f64x4::zero(), f64x4::zero()}, length);
    }
    DoubleDouble direction(f64x4 coordinate) const { return fewbits::multiply(inverse, coordinate * factor); }
};
FEWBITS_NOINLINE inline Length length_of(const Rows& x, std::size_t n) {
    const f64x4 nought = f64x4::zero();
    f64x4 most = nought, poison = nought;
    for (std::size_t k = 0; k < n; ++k) {
        most = max(most, abs(x[k]));
        poison = poison + nought * x[k];
    }
    Length length;
    length.zero = most == nought;
    length.poison = poison;
    length.exponent = select(length.zero, nought, exponent_of(most));
    length.factor = power_of_two(-length.exponent);
    DoubleDouble sum = exact(nought);
    for (std::size_t k = 0; k < n; ++k) sum = fewbits::add(sum, square(exact(x[k] * length.factor)));
    length.value = select(length.zero, exact(splat(1)), square_root(sum));
    length.inverse = reciprocal(length.value);
    return length;
}

// Squares of half the chords between the directions of x and y, and of x and -y.
struct Chords {
    Scaled with, against;
};
// c_k = x_p y_k - x_k y_p, p the largest coordinate of x, is zero for every k where the rows are parallel;
// its part across x gives the sine without a difference of directions. Angles below 2^-480 count as zero; so
// does the angle to a zero row.
FEWBITS_NOINLINE inline Chords chords_of(const Rows& x, const Length& a, const Rows& y, const Length& b,
                                         std::size_t n) {
    const f64x4 zero = f64x4::zero(), one = splat(1);
    f64x4 x_pivot = zero, y_pivot = zero;
    for (std::size_t k = 0; k < n; ++k) {
        const auto larger = abs(x[k]) > abs(x_pivot);
        x_pivot = select(larger, x[k], x_pivot);
        y_pivot = select(larger, y[k], y_pivot);
    }
    x_pivot = x_pivot * a.factor;
    y_pivot = y_pivot * b.factor;
    DoubleDouble squares = exact(zero), along = squares, cosine = squares;
    for (std::size_t k = 0; k < n; ++k) {
        const f64x4 p = x[k] * a.factor, q = y[k] * b.factor;
        const DoubleDouble left = as_double_double(two_prod(x_pivot, q));
        const DoubleDouble c = fewbits::add(left, fewbits::negate(as_double_double(two_prod(p, y_pivot))));
        const DoubleDouble u = fewbits::multiply(a.inverse, p);
        squares = fewbits::add(squares, square(c));
        along = fewbits::add(along, fewbits::multiply(c, u));
        cosine = fewbits::add(cosine, fewbits::multiply(u, fewbits::multiply(b.inverse, q)));
    }
    const DoubleDouble across = fewbits::add(squares, fewbits::negate(square(along)));
    const DoubleDouble scale_of_c = fewbits::multiply(b.value, select(x_pivot == zero, one, x_pivot));
    const DoubleDouble sine_squared = divide(across, square(scale_of_c));
    const DoubleDouble wide = fewbits::add(magnitude(cosine), one);
    const Scaled narrow_chord = normalize(divide(sine_squared, scale(wide, splat(2))));
    const Scaled wide_chord = normalize(scale(wide, splat(0.5)));
    const auto acute = cosine.hi >= zero, none = a.zero | b.zero;
    const Scaled nought = {zero, zero, zero}, whole = {one, zero, zero};
    return {select(none, nought, select(acute, narrow_chord, wide_chord)),
            select(none, whole, select(acute, wide_chord, narrow_chord))};
}

// S of radii and half chord.
FEWBITS_NOINLINE inline Scaled separation(DoubleDouble r1, DoubleDouble r2, Scaled chord) {
    const DoubleDouble gap = scale(detail::magnitude(fewbits::add(r1, fewbits::negate(r2))), splat(0.5));
    const Scaled radial = sinh_positive(gap);
    return add(multiply(radial, radial), multiply(multiply(sinh_positive(r1), sinh_positive(r2)), chord));
}

FEWBITS_NOINLINE inline f64x4 polar(f64x4 r1, f64x4 r2, f64x4 theta) {
    const f64x4 zero = f64x4::zero(), most = splat(infinity);
    const Scaled h = normalize(exact(abs(sincos_float64(theta * splat(0.5)).sin)));
    const auto one_far = (r1 == most) ^ (r2 == most);
    const auto finite = (r1 < most) & (r2 < most);
    const f64x4 a = select(finite, r1, zero), b = select(finite, r2, zero);
    f64x4 d = distance_of(separation(exact(a), exact(b), multiply(h, h))).hi;
    d = select(one_far & (theta == theta), most, select(finite, d, splat(nan)));
    return select((r1 >= zero) & (r2 >= zero), d, splat(nan));
}

FEWBITS_NOINLINE inline f64x4 tangent_distance(const Rows& x, const Rows& y, std::size_t n) {
    const Length a = length_of(x, n), b = length_of(y, n);
    const Scaled s = separation(a.plain(), b.plain(), chords_of(x, a, y, b, n).with);
    return distance_of(s).hi + (a.poison + b.poison);
}

// Rows of n spatial coordinates.
FEWBITS_NOINLINE inline f64x4 lorentz_distance(const Rows& x, const Rows& y, std::size_t n) {
    const Length a = length_of(x, n), b = length_of(y, n);
    const f64x4 zero = f64x4::zero();
    // Everything in units of 2^unit, so that squares stay within range.
    const f64x4 unit = max(max(a.exponent, b.exponent), zero), down = power_of_two(-unit);
    const DoubleDouble one = exact(down);
    const DoubleDouble u = scale(a.plain(), down), w = scale(b.plain(), down);
    const DoubleDouble u0 = square_root(fewbits::add(square(one), square(u)));
    const DoubleDouble w0 = square_root(fewbits::add(square(one), square(w)));
    DoubleDouble squares = exact(zero);
    for (std::size_t k = 0; k < n; ++k) {
        const f64x4 p = x[k] * down, q = y[k] * down;
        const DoubleDouble sum = as_double_double(two_sum(p, q));
        squares = fewbits::add(squares, fewbits::multiply(difference(p, q), sum));
    }
    const DoubleDouble across = fewbits::add(fewbits::multiply(u, w0), fewbits::multiply(w, u0));
    const auto apart = across.hi > zero;
    const DoubleDouble ratio = divide(squares, select(apart, across, exact(splat(1))));
    const Scaled sinh_gap = magnitude(normalize(select(apart, ratio, exact(zero))));
    // sinh^2(g / 2) = sinh^2 g / (2 (1 + cosh g)), for large g = (sinh g - 1) / 2.
    const f64x4 e = sinh_gap.exponent;
    const DoubleDouble g = scale(parts(sinh_gap), power_of_two(clamp(e, -400, 400)));
    const DoubleDouble cosh = square_root(fewbits::add(square(g), splat(1)));
    const DoubleDouble denominator = scale(fewbits::add(cosh, splat(1)), splat(2));
    const Scaled tiny = multiply(sinh_gap, sinh_gap);
    const Scaled near = normalize(divide(parts(tiny), denominator), tiny.exponent);
    const Scaled far = {sinh_gap.hi, sinh_gap.lo, e - splat(1)};
    const Scaled radial = select(e > splat(120), far, near);
    const Scaled chord = multiply(multiply(a.scaled(), b.scaled()), chords_of(x, a, y, b, n).with);
    return distance_of(add(radial, chord)).hi + (a.poison + b.poison);
}

// 1 - |x|^2, good where coordinates underflow as well.
FEWBITS_NOINLINE inline DoubleDouble room(const Rows& x, std::size_t n) {
    DoubleDouble sum = exact(splat(1));
    for (std::size_t k = 0; k < n; ++k) sum = fewbits::add(sum, fewbits::negate(square(exact(x[k]))));
    return sum;
}

FEWBITS_NOINLINE inline f64x4 ball_distance(const Rows& x, const Rows& y, std::size_t n) {
    const f64x4 zero = f64x4::zero();
    f64x4 most = zero, poison = zero;
    for (std::size_t k = 0; k < n; ++k) {
        most = max(most, max(abs(x[k]), abs(y[k])));
        poison = poison + zero * (x[k] * zero + y[k] * zero);
    }
    const f64x4 e = min(exponent_of(most), zero), up = power_of_two(-e);
    DoubleDouble sum = exact(zero);
    for (std::size_t k = 0; k < n; ++k) sum = fewbits::add(sum, square(difference(x[k] * up, y[k] * up)));
    const DoubleDouble a = room(x, n), b = room(y, n);
    const DoubleDouble product = fewbits::multiply(a, b);
    const auto inside = (a.hi > zero) & (b.hi > zero);
    const DoubleDouble quotient = divide(sum, select(inside, product, exact(splat(1))));
    const f64x4 d = distance_of(normalize(quotient, e + e)).hi;
    const auto touches = (a.hi >= zero) & (b.hi >= zero) & (sum.hi > zero);
    return select(inside, d, select(touches, splat(infinity), splat(nan))) + poison;
}

// ---- maps -----------------------------------------------------------------------------------------------

FEWBITS_NOINLINE inline void tangent_to_ball(const Rows& x, const Target& out, std::size_t n) {
    const Length a = length_of(x, n);
    const DoubleDouble r = a.plain();
    const auto far = r.hi > splat(39);
    const DoubleDouble m = expm1_dd(select(far, exact(splat(39)), r));
    // tanh(r / 2)
    const DoubleDouble radius = select(far, exact(splat(1)), divide(m, fewbits::add(m, splat(2))));
    for (std::size_t k = 0; k < n; ++k)
        out.put(k, select(a.zero, x[k], fewbits::multiply(a.direction(x[k]), radius).hi + a.poison));
}

FEWBITS_NOINLINE inline void ball_to_tangent(const Rows& x, const Target& out, std::size_t n) {
    const Length a = length_of(x, n);
    const f64x4 zero = f64x4::zero(), one = splat(1);
    const DoubleDouble b = a.plain(), left = fewbits::add(fewbits::negate(b), one);
    const auto inside = left.hi > zero;
    const DoubleDouble safe = select(inside, left, exact(one));
    const DoubleDouble logs = fewbits::add(log_dd(fewbits::add(b, one)), fewbits::negate(log_dd(safe)));
    // 2 artanh b = 2 b (1 + b^2 / 3 + ...)
    const DoubleDouble series =
        fewbits::multiply(b, fewbits::add(fewbits::multiply(square(b), splat(2.0 / 3)), splat(2)));
    const DoubleDouble r = select(b.hi < splat(0x1p-27), series, logs);
    // The sphere is infinitely far; a coordinate that is zero stays so.
    const f64x4 poison = a.poison + select(left.hi < zero, splat(nan), zero);
    for (std::size_t k = 0; k < n; ++k) {
        const DoubleDouble u = a.direction(x[k]);
        const f64x4 far = select(u.hi == zero, zero, u.hi * splat(infinity));
        const f64x4 y = select(inside, fewbits::multiply(u, r).hi, far);
        out.put(k, select(a.zero, x[k], y + poison));
    }
}

FEWBITS_NOINLINE inline void tangent_to_lorentz(const Rows& x, const Target& out, std::size_t n) {
    const Length a = length_of(x, n);
    const DoubleDouble r = a.plain();
    const Scaled s = sinh_positive(r);
    // cosh r = sqrt(1 + sinh^2 r); beyond 2^60 the 1 is lost.
    const DoubleDouble plain = scale(parts(s), power_of_two(clamp(s.exponent, -600, 61)));
    const DoubleDouble root = square_root(fewbits::add(square(plain), splat(1)));
    const Scaled cosh = select(s.exponent > splat(60), s, Scaled{root.hi, root.lo, f64x4::zero()});
    out.put(0, round_scaled(cosh) + a.poison);
    for (std::size_t k = 0; k < n; ++k) {
        const DoubleDouble y = fewbits::multiply(a.direction(x[k]), parts(s));
        out.put(k + 1, select(a.zero, x[k], round_scaled({y.hi, y.lo, s.exponent}) + a.poison));
    }
}

FEWBITS_NOINLINE inline void lorentz_to_tangent(const Rows& x, const Target& out, std::size_t n) {
    const Length a = length_of(x, n);
    const Scaled s = a.scaled();
    const DoubleDouble r = scale(distance_of(multiply(s, s)), splat(0.5));
    for (std::size_t k = 0; k < n; ++k)
        out.put(k, select(a.zero, x[k], fewbits::multiply(a.direction(x[k]), r).hi + a.poison));
}

FEWBITS_NOINLINE inline void ball_to_lorentz(const Rows& x, const Target& out, std::size_t n) {
    const f64x4 zero = f64x4::zero();
    const DoubleDouble q = room(x, n);
    const DoubleDouble inverse = reciprocal(q), whole = fewbits::add(fewbits::negate(q), splat(2));
    const auto inside = q.hi > zero;
    out.put(0, select(inside, fewbits::multiply(whole, inverse).hi, splat(nan)));
    for (std::size_t k = 0; k < n; ++k) {
        const f64x4 y = fewbits::multiply(inverse, x[k] + x[k]).hi;
        out.put(k + 1, select(inside, y, splat(nan)));
    }
}

FEWBITS_NOINLINE inline void lorentz_to_ball(const Rows& x, const Target& out, std::size_t n) {
    const Length a = length_of(x, n);
    const f64x4 unit = max(a.exponent, f64x4::zero()), down = power_of_two(-unit);
    const DoubleDouble one = exact(down), u = scale(a.plain(), down);
    const DoubleDouble x0 = square_root(fewbits::add(square(one), square(u)));
    const DoubleDouble inverse = reciprocal(fewbits::add(x0, one));
    for (std::size_t k = 0; k < n; ++k)
        out.put(k, select(a.zero, x[k], fewbits::multiply(inverse, x[k] * down).hi + a.poison));
}

FEWBITS_NOINLINE inline void mobius_sum(const Rows& x, const Rows& y, const Target& out, std::size_t n) {
    DoubleDouble xx = exact(f64x4::zero()), xy = xx, yy = xx;
    for (std::size_t k = 0; k < n; ++k) {
        const f64x4 a = x[k], b = y[k];
        xx = fewbits::add(xx, square(exact(a)));
        xy = fewbits::add(xy, as_double_double(two_prod(a, b)));
        yy = fewbits::add(yy, square(exact(b)));
    }
    const DoubleDouble base = fewbits::add(scale(xy, splat(2)), splat(1));
    const DoubleDouble of_x = fewbits::add(base, yy), of_y = fewbits::add(fewbits::negate(xx), splat(1));
    const DoubleDouble inverse = reciprocal(fewbits::add(base, fewbits::multiply(xx, yy)));
    for (std::size_t k = 0; k < n; ++k) {
        const DoubleDouble sum = fewbits::add(fewbits::multiply(of_x, x[k]), fewbits::multiply(of_y, y[k]));
        out.put(k, fewbits::multiply(sum, inverse).hi);
    }
}

FEWBITS_NOINLINE inline f64x4 plane_distance(const Rows& v, const Rows& z, f64x4 a, std::size_t n) {
    const Length r = length_of(v, n), normal = length_of(z, n);
    const Chords chords = chords_of(v, r, z, normal, n);
    const DoubleDouble radius = r.plain();
    const Scaled toward = multiply(sinh(fewbits::add(radius, -a)), chords.against);
    const Scaled away = multiply(sinh(fewbits::add(radius, a)), chords.with);
    const Scaled s = add(toward, negate(away));
    const f64x4 d = distance_of(multiply(s, s)).hi * splat(0.5);
    const f64x4 result = select(s.hi < f64x4::zero(), -d, d) + (r.poison + normal.poison);
    return select(normal.zero, splat(nan), result + f64x4::zero() * a);
}

// Calls body(first row, number of rows) for blocks of four.
template <class Body>
FEWBITS_INLINE void for_rows(std::size_t rows, const Body& body) {
    for (std::size_t i = 0; i < rows; i += 4) body(i, std::min<std::size_t>(4, rows - i));
}

inline std::size_t columns(Model model, std::size_t n) { return model == Model::lorentz ? n + 1 : n; }

}  // namespace detail

// out[i]: distance of the points at radii r1[i] and r2[i] whose directions are theta[i] apart.
inline void polar_distance(Span<const double> r1, Span<const double> r2, Span<const double> theta,
                           Span<double> out) {
    const std::size_t n = out.size();
    FEWBITS_REQUIRE(r1.size() == n && r2.size() == n && theta.size() == n,
                    "functions.hyperbolic_space.polar_distance: r1, r2, theta and out must have one size");
    detail::for_rows(n, [&](std::size_t i, std::size_t count) {
        const detail::Rows a{r1.data() + i, 1, count}, b{r2.data() + i, 1, count},
            angle{theta.data() + i, 1, count};
        detail::Target{out.data() + i, 1, count}.put(0, detail::polar(a[0], b[0], angle[0]));
    });
}

// out[i]: distance of row i of x and row i of y, points of n dimensions in a model.
inline void distance(Model model, std::size_t n, Span<const double> x, Span<const double> y,
                     Span<double> out) {
    const std::size_t width = detail::columns(model, n);
    FEWBITS_REQUIRE(n > 0 && x.size() == out.size() * width && y.size() == x.size(),
                    "functions.hyperbolic_space.distance: x and y must have a row for each element of out");
    const std::size_t skip = width - n;  // x0
    detail::for_rows(out.size(), [&](std::size_t i, std::size_t count) {
        const detail::Rows a{x.data() + i * width + skip, width, count},
            b{y.data() + i * width + skip, width, count};
        const f64x4 d = model == Model::ball      ? detail::ball_distance(a, b, n)
                        : model == Model::lorentz ? detail::lorentz_distance(a, b, n)
                                                  : detail::tangent_distance(a, b, n);
        detail::Target{out.data() + i, 1, count}.put(0, d);
    });
}

// Rows of one model to another; out must not be x.
inline void convert(Model from, Model to, std::size_t n, Span<const double> x, Span<double> out) {
    const std::size_t width = detail::columns(from, n), out_width = detail::columns(to, n);
    const std::size_t rows = n == 0 ? 0 : x.size() / width;
    FEWBITS_REQUIRE(
        n > 0 && x.size() == rows * width && out.size() == rows * out_width && from != to,
        "functions.hyperbolic_space.convert: x and out must have one number of rows, in two models");
    const std::size_t skip = width - n;
    detail::for_rows(rows, [&](std::size_t i, std::size_t count) {
        const detail::Rows a{x.data() + i * width + skip, width, count};
        const detail::Target b{out.data() + i * out_width, out_width, count};
        if (from == Model::tangent && to == Model::ball)
            detail::tangent_to_ball(a, b, n);
        else if (from == Model::tangent)
            detail::tangent_to_lorentz(a, b, n);
        else if (from == Model::ball && to == Model::tangent)
            detail::ball_to_tangent(a, b, n);
        else if (from == Model::ball)
            detail::ball_to_lorentz(a, b, n);
        else if (to == Model::tangent)
            detail::lorentz_to_tangent(a, b, n);
        else
            detail::lorentz_to_ball(a, b, n);
    });
}

// Moebius addition of rows of the ball: the point y seen from 0 moved to x.
inline void mobius_add(std::size_t n, Span<const double> x, Span<const double> y, Span<double> out) {
    FEWBITS_REQUIRE(n > 0 && x.size() % n == 0 && y.size() == x.size() && out.size() == x.size(),
                    "functions.hyperbolic_space.mobius_add: x, y and out must have rows of n elements");
    detail::for_rows(x.size() / n, [&](std::size_t i, std::size_t count) {
        const detail::Rows a{x.data() + i * n, n, count}, b{y.data() + i * n, n, count};
        detail::mobius_sum(a, b, detail::Target{out.data() + i * n, n, count}, n);
    });
}

// out[i]: signed distance of the point with the tangent vector v[i] from the hyperplane with the normal
// z[i] and the offset a[i]: positive on the side z points to.
inline void hyperplane_distance(std::size_t n, Span<const double> v, Span<const double> z,
                                Span<const double> a, Span<double> out) {
    const std::size_t rows = out.size();
    FEWBITS_REQUIRE(n > 0 && v.size() == rows * n && z.size() == rows * n && a.size() == rows,
                    "functions.hyperbolic_space.hyperplane_distance: v, z and a must have a row for each "
                    "element of out");
    detail::for_rows(rows, [&](std::size_t i, std::size_t count) {
        const detail::Rows p{v.data() + i * n, n, count}, q{z.data() + i * n, n, count},
            offset{a.data() + i, 1, count};
        detail::Target{out.data() + i, 1, count}.put(0, detail::plane_distance(p, q, offset[0], n));
    });
}

}  // namespace hyperbolic_space
}  // namespace functions
}  // namespace FEWBITS_ISA
}  // namespace fewbits
