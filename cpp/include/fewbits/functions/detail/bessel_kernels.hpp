// The parts that log I, log K, their ratios and derivatives are made of. See bessel.hpp for the regimes.
#pragma once

#include "fewbits/functions/detail/bessel_regions.hpp"
#include "fewbits/functions/detail/bessel_tables.hpp"
#include "fewbits/functions/gamma.hpp"
#include "fewbits/functions/logarithm.hpp"

namespace fewbits {
inline namespace FEWBITS_ISA {
namespace functions {
namespace detail {

// sum over k = 1..terms of row_k(s) y^k for a triangle of rows with k + 1 coefficients.
template <int terms, std::size_t N>
FEWBITS_KERNEL f64x4 triangle_sum(f64x4 s, f64x4 y, const double (&table)[N]) {
    static_assert(N >= terms * (terms + 3) / 2);
    f64x4 total = f64x4::zero();
    const double* row = table + (terms * (terms + 3) / 2 - 1);
    for (int k = terms; k >= 1; --k) {
        f64x4 inner = splat(*row--);
        for (int j = 0; j < k; ++j) inner = fma(inner, s, splat(*row--));
        total = k == terms ? inner : fma(total, y, inner);
    }
    return total * y;
}

// w = hypot(v, x) in two parts, neither v^2 nor x^2 overflowing; what underflows does not count.
struct Polar {
    DoubleDouble w, v2;
    f64x4 inverse, inverse_x;  // 1 / w, 1 / x
    f64x4 s;                   // (v / w)^2
};
FEWBITS_KERNEL Polar polar(f64x4 v, f64x4 x) {
    const auto v2 = two_prod(v, v), x2 = two_prod(x, x), sum = two_sum(v2.value, x2.value);
    const f64x4 w = sqrt(sum.value), both = splat(1) / (w * x);  // one division for two
    const f64x4 inverse = both * x;
    const f64x4 rest = fma(-w, w, sum.value) + (sum.error + (v2.error + x2.error));
    const auto corrected = fast_two_sum(w, splat(0.5) * inverse * rest);
    return {as_double_double(corrected), as_double_double(v2), inverse, both * w,
            (v2.value * inverse) * inverse};
}

// a / b, `inverse` about 1 / b.hi; hi not the rounded sum.
FEWBITS_KERNEL DoubleDouble quotient(DoubleDouble a, DoubleDouble b, f64x4 inverse) {
    const f64x4 q = a.hi * inverse;
    const f64x4 rest = fma(-q, b.lo, fma(-q, b.hi, a.hi) + a.lo);
    return {q, rest * inverse};
}
// a + b, hi not the rounded sum.
FEWBITS_INLINE DoubleDouble add_loosely(DoubleDouble a, f64x4 b) {
    const auto sum = two_sum(a.hi, b);
    return {sum.value, sum.error + a.lo};
}

// log((v + w) / x) = asinh(v / x)
FEWBITS_KERNEL DoubleDouble log_quotient(const Polar& p, f64x4 v, f64x4 x) {
    return log_normal(quotient(add_loosely(p.w, v), {x, f64x4::zero()}, p.inverse_x), f64x4::zero());
}

// w - v asinh(v/x), what is left of log I where v or x is large, and of -log K; scaled: with w - x for w,
// which is v^2 / (w + x). The error is 2^-105 of what is subtracted; hi is not the rounded sum.
FEWBITS_KERNEL DoubleDouble bracket_of(const Polar& p, DoubleDouble asinh, f64x4 v, f64x4 x, bool scaled) {
    DoubleDouble head = p.w;
    if (scaled) {
        const DoubleDouble sum = add(p.w, x);
        head = quotient(p.v2, sum, splat(1) / sum.hi);
    }
    const auto product = two_prod(asinh.hi, v), sum = two_sum(head.hi, -product.value);
    return {sum.value, sum.error + (head.lo - fma(asinh.lo, v, product.error))};
}

// log(w), error below 2^-60 times max(1, log w): half an ulp of what it is added to hides it.
FEWBITS_KERNEL DoubleDouble log_short_dd(f64x4 w) {
    const LogQuick y = log_quick(w);
    return {fma(y.exponent, splat(ln2_high), y.whole), fma(y.exponent, splat(ln2_low), y.rest)};
}

// whole + sign twice - log(w)/2 + series, `twice` a constant of two parts; hi not the rounded sum.
FEWBITS_KERNEL DoubleDouble with_root(DoubleDouble whole, f64x4 w, const double (&twice)[2], double sign,
                                      f64x4 series) {
    const DoubleDouble log_w = log_short_dd(w);
    // A multiple of 2^-43, as half of log_w.hi is: their sum is exact.
    const double constant_high = std::floor(sign * twice[0] * 0x1p43) * 0x1p-43;
    const double constant_low = (sign * twice[0] - constant_high) + sign * twice[1];
    const auto sum = two_sum(whole.hi, fma(splat(-0.5), log_w.hi, splat(constant_high)));
    const f64x4 low = fma(splat(-0.5), log_w.lo, whole.lo + splat(constant_low)) + series;
    return {sum.value, sum.error + low};
}

// log I_v(x) where the uniform expansion holds; scaled: less x.
template <int terms>
FEWBITS_KERNEL DoubleDouble log_i_uniform(f64x4 v, f64x4 x, bool scaled) {
    const Polar p = polar(v, x);
    const DoubleDouble bracket = bracket_of(p, log_quotient(p, v, x), v, x, scaled);
    return with_root(bracket, p.w.hi, log_two_pi, -0.5, triangle_sum<terms>(p.s, p.inverse, debye_log));
}
// log K_v(x); scaled: plus x.
template <int terms>
FEWBITS_KERNEL DoubleDouble log_k_uniform(f64x4 v, f64x4 x, bool scaled) {
    const Polar p = polar(v, x);
    const DoubleDouble bracket = negate(bracket_of(p, log_quotient(p, v, x), v, x, scaled));
    return with_root(bracket, p.w.hi, log_half_pi, 0.5, triangle_sum<terms>(p.s, -p.inverse, debye_log));
}

// x negligible beside v, or a power of two taken out of both.
struct Extreme {
    simd::mask<4> far;  // x < 2^-60 v
    f64x4 v, x;         // scaled, where not far
    f64x4 power;        // by this
    Polar polar;        // of the scaled pair; where far, w = v and s = 1
    DoubleDouble asinh;
};
FEWBITS_KERNEL Extreme extreme(f64x4 v, f64x4 x) {
    Extreme e;
    e.far = x < v * splat(0x1p-60);
    e.power = select(~e.far & (max(v, x) > splat(0x1p400)), splat(0x1p-600), splat(1));
    e.v = select(e.far, splat(1), v * e.power);
    e.x = select(e.far, splat(1), x * e.power);
    e.polar = polar(e.v, e.x);
    const DoubleDouble far =
        add(add(log_dd({v, f64x4::zero()}), negate(log_dd({x, f64x4::zero()}))), constant(ln2));
    e.asinh = select(e.far, far, log_quotient(e.polar, e.v, e.x));
    e.polar.w = select(e.far, DoubleDouble{v, f64x4::zero()}, e.polar.w);
    e.polar.inverse = select(e.far, splat(1) / v, e.polar.inverse * e.power);
    e.polar.s = select(e.far, splat(1), e.polar.s);
    return e;
}
// Products that overflow have no second part.
FEWBITS_KERNEL DoubleDouble finite_or_one_part(DoubleDouble a) {
    const auto finite = abs(a.hi) < splat(std::numeric_limits<double>::infinity());
    return select(finite, a, {a.hi, f64x4::zero()});
}
// sign (w - v asinh(v/x)); scaled: with w - x for w.
FEWBITS_KERNEL DoubleDouble extreme_bracket(const Extreme& e, f64x4 v, f64x4 x, bool scaled, double sign) {
    const f64x4 s = splat(sign);
    const f64x4 infinity = splat(std::numeric_limits<double>::infinity());
    const DoubleDouble factor = add(negate(e.asinh), splat(1));
    // The product may overflow, and has no second part then.
    const f64x4 rough = factor.hi * (v * s);
    DoubleDouble far = multiply(factor, v * s);
    if (scaled) far = add(far, -(x * s));
    far = select(abs(rough) < infinity, far, DoubleDouble{rough, f64x4::zero()});
    const DoubleDouble near = bracket_of(e.polar, e.asinh, e.v, e.x, scaled);
    const f64x4 back = s / e.power;
    return finite_or_one_part(select(e.far, far, {near.hi * back, near.lo * back}));
}
// log I (sign 1) or log K (sign -1).
FEWBITS_KERNEL DoubleDouble log_extreme(f64x4 v, f64x4 x, bool scaled, double sign) {
    const Extreme e = extreme(v, x);
    const DoubleDouble bracket = extreme_bracket(e, v, x, scaled, sign);
    const f64x4 series = triangle_sum<24>(e.polar.s, splat(sign) * e.polar.inverse, debye_log);
    // The power of two that the logarithm of the scaled w lacks, halved.
    const f64x4 lost = select(e.power == splat(1), f64x4::zero(), splat(-300));
    const DoubleDouble correction = multiply(constant(ln2), lost);
    const auto& twice = sign > 0 ? log_two_pi : log_half_pi;
    const DoubleDouble result = with_root(add(bracket, correction), e.polar.w.hi, twice, -0.5 * sign, series);
    return finite_or_one_part(
        select(abs(bracket.hi) < splat(std::numeric_limits<double>::infinity()), result, bracket));
}

// total + x, the errors gathered in the second part, which the caller adds at the end.
FEWBITS_INLINE DoubleDouble accumulate(DoubleDouble total, f64x4 x) {
    const auto sum = two_sum(total.hi, x);
    return {sum.value, total.lo + sum.error};
}

// Sum over k >= 1 of (x^2/4)^k / (k! (v+1)_k), and of its derivative with respect to v; w < 20.
struct PowerSeries {
    DoubleDouble sum;
    f64x4 slope;
};
template <bool with_slope>
FEWBITS_KERNEL PowerSeries power_series(f64x4 v, f64x4 x) {
    const f64x4 half = x * splat(0.5), q = half * half, zero = f64x4::zero();
    f64x4 term = splat(1);
    DoubleDouble sum = {zero, zero}, fractions = sum, slope = sum;
    for (int k = 1; k < 100; ++k) {
        const f64x4 factor = splat(k), order = v + factor;
        term = term * (q / (factor * order));
        // Once small a term stays 0, also where other lanes go on. Terms grow before they fall.
        term = select(term > sum.hi * splat(0x1p-62), term, zero);
        if (none(term > zero)) break;
        sum = accumulate(sum, term);
        if (with_slope) {
            fractions = accumulate(fractions, splat(1) / order);
            slope = accumulate(slope, -term * (fractions.hi + fractions.lo));
        }
    }
    return {as_double_double(fast_two_sum(sum.hi, sum.lo)), slope.hi + slope.lo};
}

FEWBITS_KERNEL DoubleDouble log_half(f64x4 x) {
    return add(log_dd({x, f64x4::zero()}), negate(constant(ln2)));
}

// log(1 + sum), the sum positive
FEWBITS_KERNEL DoubleDouble log_one_plus(DoubleDouble sum) {
    const auto whole = two_sum(splat(1), sum.hi);
    return log_normal({whole.value, whole.error + sum.lo}, f64x4::zero());
}

FEWBITS_KERNEL DoubleDouble log_i_small(f64x4 v, f64x4 x, bool scaled) {
    const PowerSeries series = power_series<false>(v, x);
    const DoubleDouble power = add(multiply(log_half(x), v), negate(log_gamma_1p(v)));
    const DoubleDouble result = add(power, log_one_plus(series.sum));
    return scaled ? add(result, -x) : result;
}

// K_v(x) = 1/2 int e^(v t - x cosh t) dt over the line by the trapezoidal rule, counted from the peak at
// asinh(v/x). There the exponent falls by (w - v)(cosh t - 1) + v (e^(+-t) - 1 -+ t): no difference is left.
struct Trapezoid {
    DoubleDouble sum;    // of e^-fall; K = e^-bracket / 16 times it
    f64x4 weighted;      // the same with weight e^t
    f64x4 first_moment;  // with weight t
};
FEWBITS_KERNEL f64x4 exp_node(f64x4 y) {
    const Reduced a = exp_reduce({y, f64x4::zero()});
    const f64x4 result = a.high + fma(a.high, a.r + (a.r_low + a.tail), a.low);
    return result * power_of_two(a.exponent);
}
template <bool with_weights>
FEWBITS_KERNEL Trapezoid trapezoid_sum(f64x4 v, f64x4 x, f64x4 w) {
    // Below 2^-65 of the largest node; with e^t as weight 2^-86.
    const f64x4 least = splat(with_weights ? -60 : -45), zero = f64x4::zero();
    const f64x4 excess = (x * x) / (w + v);
    DoubleDouble sum = {splat(1), zero}, weighted = sum, moment = {zero, zero};
    constexpr std::size_t nodes = sizeof(trapezoid) / sizeof(trapezoid[0]);
    for (std::size_t at = 0; at < nodes; at += 4) {
        const f64x4 common = excess * splat(trapezoid[at]);
        const f64x4 above = -fma(v, splat(trapezoid[at + 1]), common);
        const f64x4 below = -fma(v, splat(trapezoid[at + 2]), common);  // >= above
        const auto low = below > least, high = above > least;
        if (none(low)) break;
        const f64x4 down = select(low, exp_node(max(below, splat(-64))), zero);
        f64x4 up = zero;
        if (any(high)) up = select(high, exp_node(max(above, splat(-64))), zero);
        sum = accumulate(accumulate(sum, down), up);
        if (with_weights) {
            const f64x4 weight = splat(trapezoid[at + 3]);
            weighted = accumulate(weighted, fma(up, weight, down / weight));
            moment = accumulate(moment, (up - down) * splat(static_cast<double>(at / 4 + 1) * 0.125));
        }
    }
    return {as_double_double(fast_two_sum(sum.hi, sum.lo)), weighted.hi + weighted.lo, moment.hi + moment.lo};
}

FEWBITS_KERNEL DoubleDouble log_k_small(f64x4 v, f64x4 x, bool scaled) {
    const Polar p = polar(v, x);
    const DoubleDouble bracket = bracket_of(p, log_quotient(p, v, x), v, x, scaled);
    const Trapezoid total = trapezoid_sum<false>(v, x, p.w.hi);
    const DoubleDouble log_sum = add(log_normal(total.sum, f64x4::zero()), negate(constant(log_16)));
    return add(log_sum, negate(bracket));
}

// A value and its derivative with respect to the order.
struct Dual {
    f64x4 value, slope;
};
FEWBITS_INLINE Dual operator+(Dual a, Dual b) { return {a.value + b.value, a.slope + b.slope}; }
FEWBITS_INLINE Dual operator-(Dual a, Dual b) { return {a.value - b.value, a.slope - b.slope}; }
FEWBITS_INLINE Dual operator*(Dual a, Dual b) {
    return {a.value * b.value, fma(a.value, b.slope, a.slope * b.value)};
}
FEWBITS_INLINE Dual operator/(Dual a, Dual b) {
    const f64x4 quotient = a.value / b.value;
    return {quotient, fma(-quotient, b.slope, a.slope) / b.value};
}
FEWBITS_INLINE Dual operator*(Dual a, f64x4 b) { return {a.value * b, a.slope * b}; }
template <class Number>
FEWBITS_INLINE Number fixed(f64x4 x);
template <>
FEWBITS_INLINE f64x4 fixed<f64x4>(f64x4 x) {
    return x;
}
template <>
FEWBITS_INLINE Dual fixed<Dual>(f64x4 x) {
    return {x, f64x4::zero()};
}
template <class Number, std::size_t N>
FEWBITS_KERNEL Number polynomial(Number x, const double (&c)[N]) {
    Number total = fixed<Number>(splat(c[N - 1]));
    for (std::size_t i = N - 1; i-- > 0;) total = total * x + fixed<Number>(splat(c[i]));
    return total;
}

// e^y, cosh y and sinh(y)/y for y = mu l
template <class Number>
struct Hyperbolic {
    Number exp, cosh, sinhc;
};
FEWBITS_KERNEL Hyperbolic<f64x4> hyperbolic(f64x4 mu, f64x4 l) {
    const f64x4 y = mu * l, up = round_scaled(exp_full({y, f64x4::zero()})), down = splat(1) / up;
    const auto near = abs(y) < splat(1);
    const f64x4 safe = select(near, splat(1), y), half = splat(0.5);
    const f64x4 sinhc_y = select(near, horner(y * y, sinhc), half * (up - down) / safe);
    return {up, half * (up + down), sinhc_y};
}
FEWBITS_KERNEL Hyperbolic<Dual> hyperbolic(Dual mu, f64x4 l) {
    const Hyperbolic<f64x4> h = hyperbolic(mu.value, l);
    const f64x4 y = mu.value * l, sinh = y * h.sinhc;
    const auto near = abs(y) < splat(1);
    const f64x4 far_slope = (h.cosh - h.sinhc) / select(near, splat(1), y);
    const f64x4 slope = select(near, y * horner(y * y, sinhc_slope), far_slope);
    return {{h.exp, h.exp * l}, {h.cosh, sinh * l}, {h.sinhc, slope * l}};
}

// Temme's series for v < 7/2 and x < 1e-3, three terms. With mu = v - n, |mu| <= 1/2:
// K_v = K_mu product x^-n, and ratio = x K_(v+1) / K_v.
template <class Number>
struct Temme {
    Number k_product;
    Number ratio;
    f64x4 n;
};
template <class Number>
FEWBITS_KERNEL Temme<Number> temme(Number v, f64x4 order, f64x4 x, f64x4 log_two_over_x) {
    const auto constant_of = [](double c) FEWBITS_INLINE_LAMBDA { return fixed<Number>(splat(c)); };
    const f64x4 n = nearest_even(order);
    const Number mu = v - fixed<Number>(n), mu2 = mu * mu;
    const f64x4 half = x * splat(0.5), q = half * half;
    const Number gamma1 = polynomial(mu2, temme_gamma1), gamma2 = polynomial(mu2, temme_gamma2);
    const Number one = constant_of(1), two = constant_of(2);
    const Number gamma_plus = one / (gamma2 - mu * gamma1), gamma_minus = one / (gamma2 + mu * gamma1);
    const auto h = hyperbolic(mu, log_two_over_x);
    const Number f0 = gamma_plus * gamma_minus * (h.cosh * gamma1 + h.sinhc * gamma2 * log_two_over_x);
    const Number p0 = h.exp * gamma_plus * splat(0.5), q0 = gamma_minus / h.exp * splat(0.5);
    const Number p1 = p0 / (one - mu), q1 = q0 / (one + mu), f1 = (f0 + p0 + q0) / (one - mu2);
    const Number p2 = p1 / (two - mu), f2 = (f1 * splat(2) + p1 + q1) / (constant_of(4) - mu2);
    const f64x4 half_q = q * splat(0.5);
    const Number k = f0 + (f1 + f2 * half_q) * q;
    const Number following = p0 + ((p1 - f1) + (p2 - f2 * splat(2)) * half_q) * q;
    Number ratio = following * splat(2) / k, product = k;
    for (int i = 1; i <= 3; ++i) {
        const auto more = n >= splat(i);
        const Number next = (mu + constant_of(i)) * splat(2) + fixed<Number>(x * x) / ratio;
        if constexpr (std::is_same_v<Number, Dual>) {
            const Number grown = product * ratio;
            product = {select(more, grown.value, product.value), select(more, grown.slope, product.slope)};
            ratio = {select(more, next.value, ratio.value), select(more, next.slope, ratio.slope)};
        } else {
            product = select(more, product * ratio, product);
            ratio = select(more, next, ratio);
        }
    }
    return {product, ratio, n};
}
constexpr double temme_orders = 3.5;

// K_v(x) = Gamma(v)/2 (2/x)^v (1 + rest), rest = q/(1-v) + q^2/(2 (1-v)(2-v)), q = x^2/4, for v >= 7/2 and
// x < 1e-3: the following term is below 2^-66.
FEWBITS_KERNEL f64x4 leading_rest(f64x4 v, f64x4 x) {
    const f64x4 half = x * splat(0.5), q = half * half, first = q / (splat(1) - v);
    return fma(first, splat(0.5) * q / (splat(2) - v), first);
}

FEWBITS_KERNEL DoubleDouble log_k_tiny(f64x4 v, f64x4 x, bool scaled) {
    const auto low = v < splat(temme_orders);
    const DoubleDouble minus_log_x = negate(log_dd({x, f64x4::zero()}));
    const DoubleDouble two_over_x = add(minus_log_x, constant(ln2));
    DoubleDouble result = {f64x4::zero(), f64x4::zero()};
    if (any(low)) {
        const f64x4 order = select(low, v, f64x4::zero());
        const Temme<f64x4> t = temme<f64x4>(order, order, x, two_over_x.hi + two_over_x.lo);
        result = add(log_dd({t.k_product, f64x4::zero()}), multiply(minus_log_x, t.n));
    }
    if (!all(low)) {
        const f64x4 order = select(low, splat(4), v), rest = leading_rest(order, x);
        const DoubleDouble log_gamma = add(log_gamma_1p(order), negate(log_dd({order, f64x4::zero()})));
        const DoubleDouble power = add(multiply(two_over_x, order), negate(constant(ln2)));
        const f64x4 log_rest = fma(splat(-0.5) * rest, rest, rest);
        result = select(low, result, add(add(log_gamma, power), log_rest));
    }
    return scaled ? add(result, x) : result;
}

}  // namespace detail
}  // namespace functions
}  // namespace FEWBITS_ISA
}  // namespace fewbits
