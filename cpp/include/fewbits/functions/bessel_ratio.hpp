// Ratios of modified Bessel functions of neighbouring orders, and the derivatives of their logarithms.
//
//   iv_ratio(v, x)             I_(v+1)(x) / I_v(x): at most 4 eps relative, eps = 2^-52
//   iv_ratio_c(v, x)           1 - iv_ratio: at most 4 eps relative
//   kv_ratio(v, x)             K_(v+1)(x) / K_v(x): at most 4 eps relative
//   iv_ratio_inv(v, r)         the x with iv_ratio(v, x) = r: 8 eps times the condition, r / (x R'(x)) or,
//                              for r > 1/2, (1 - r) / (x R'(x))
//   log_iv_grad, log_kv_grad   d/dv and d/dx of log I and log K: at most 16 eps max(1, |result|)
// Domain v >= 0 (log_kv_grad any v), x >= 0, 0 <= r <= 1; else nan. float32: the float64 result rounded once.
// x = 0: 0, 1, +inf; x = +inf: 1, 0, 1; v = +inf: 0, 1, +inf; both infinite nan.
// None is a difference of logarithms. Regimes, w = hypot(v, x):
//   w >= 20 (I: 30)     the derivative of the uniform expansion in closed form: with q_k = 2 s d_k' + k d_k
//                       R = x/(v + w) - x/(2 w^2) - x sum q_k(s) / w^(k+2), 1 - R likewise from w - x
//   I, w < 30           Gauss' continued fraction from order v + 34 (48) down, the last orders in two parts
//   K, w < 20           the trapezoidal rule of bessel.hpp with a weight; x < 1e-3: Temme's series
// Sources: NIST DLMF 10.29, 10.33, 10.41; D. Amos, Math. Comp. 28 (1974), bounds that the tests use;
// A. Banerjee et al., JMLR 6 (2005), the start of iv_ratio_inv.
// Coefficients: tools/functions_bessel_tables.py.
#pragma once

#include <string>

#include "fewbits/core/error.hpp"
#include "fewbits/core/span.hpp"
#include "fewbits/functions/bessel.hpp"

namespace fewbits {
inline namespace FEWBITS_ISA {
namespace functions {

namespace detail {

// w >= 20: both ratios and their complement.
template <int terms>
FEWBITS_KERNEL f64x4 uniform_ratio_i(f64x4 v, f64x4 x) {
    const Polar p = polar(v, x);
    const f64x4 w = p.w.hi, sum = v + w;
    const f64x4 rest = fma(triangle_sum<terms>(p.s, p.inverse, debye_dx), p.inverse, splat(0.5) * p.inverse);
    // x/(v+w) (1 - (v+w)/w rest)
    return (x / sum) * fma(-(sum * p.inverse), rest, splat(1));
}
template <int terms>
FEWBITS_KERNEL f64x4 uniform_ratio_ic(f64x4 v, f64x4 x) {
    const Polar p = polar(v, x);
    const f64x4 w = p.w.hi;
    const f64x4 rest = fma(triangle_sum<terms>(p.s, p.inverse, debye_dx), p.inverse, splat(0.5) * p.inverse);
    // (v + w - x)/(v + w), w - x = v^2/(w + x)
    const f64x4 head = v * (splat(1) + v / (w + x)) / (v + w);
    return fma(x * p.inverse, rest, head);
}
template <int terms>
FEWBITS_KERNEL f64x4 uniform_ratio_k(f64x4 v, f64x4 x) {
    const Polar p = polar(v, x);
    const f64x4 w = p.w.hi, sum = v + w;
    const f64x4 rest = fma(triangle_sum<terms>(p.s, -p.inverse, debye_dx), p.inverse, splat(0.5) * p.inverse);
    // (v+w)/x + x/w rest; x/w = (x^2/w)/x
    return fma(x * p.inverse * x, rest, sum) / x;
}

// w < 30. With r_o = I_o(x) / I_(o-1)(x): r_o = x / (2 o + x r_(o+1)). The error of the start, below 1e-2,
// shrinks by r^2 at each order, at least 2^-70 in all for x <= 20 (34 orders) and x <= 30 (48).
template <int orders>
FEWBITS_KERNEL DoubleDouble small_ratio_i(f64x4 v, f64x4 x) {
    constexpr int exact_orders = 12;
    const f64x4 top = v + splat(orders + 1), half = top - splat(0.5);
    f64x4 r = x / (half + sqrt(fma(x, x, half * half)));
    for (int k = orders; k > exact_orders; --k) {
        const f64x4 order = v + splat(k);
        r = x / fma(x, r, order + order);
    }
    DoubleDouble ratio = {r, f64x4::zero()};
    for (int k = exact_orders; k >= 1; --k) {
        const auto order = two_sum(v, splat(k));
        const DoubleDouble twice = {order.value + order.value, order.error + order.error};
        const DoubleDouble bottom = add(twice, multiply(ratio, x));
        ratio = quotient({x, f64x4::zero()}, bottom, splat(1) / bottom.hi);
    }
    return ratio;
}

FEWBITS_KERNEL f64x4 small_ratio_k(f64x4 v, f64x4 x) {
    const Polar p = polar(v, x);
    const Trapezoid total = trapezoid_sum<true>(v, x, p.w.hi);
    // The weight e^t, counted from the peak at log((v + w)/x).
    return (total.weighted / total.sum.hi) * ((v + p.w.hi) / x);
}
FEWBITS_KERNEL f64x4 tiny_ratio_k(f64x4 v, f64x4 x) {
    const auto low = v < splat(temme_orders);
    f64x4 scaled = f64x4::zero();  // x times the ratio
    if (any(low)) {
        const f64x4 order = select(low, v, f64x4::zero());
        const DoubleDouble two_over_x = negate(log_half(x));
        scaled = temme<f64x4>(order, order, x, two_over_x.hi + two_over_x.lo).ratio;
    }
    if (!all(low)) {
        const f64x4 order = select(low, splat(4), v), one = splat(1);
        const f64x4 quotient_of_sums = (one + leading_rest(order + one, x)) / (one + leading_rest(order, x));
        scaled = select(low, scaled, (order + order) * quotient_of_sums);
    }
    return scaled / x;
}

// d/dv of the uniform expansion of log I (sign 1) and log K (sign -1).
template <int terms>
FEWBITS_KERNEL f64x4 uniform_dv(const Polar& p, DoubleDouble asinh, f64x4 v, double sign) {
    const f64x4 s = splat(sign) * p.inverse;
    const f64x4 rest = fma(triangle_sum<terms>(p.s, s, debye_dv), p.inverse, splat(-0.5) * p.inverse);
    return fma(v * p.inverse, rest, splat(-sign) * asinh.hi) - splat(sign) * asinh.lo;
}
// d/dx
template <int terms>
FEWBITS_KERNEL f64x4 uniform_dx(const Polar& p, f64x4 x, double sign) {
    const f64x4 s = splat(sign) * p.inverse;
    const f64x4 rest = fma(triangle_sum<terms>(p.s, s, debye_dx), p.inverse, splat(0.5) * p.inverse);
    return splat(sign) * (p.w.hi / x) - (x * p.inverse) * rest;
}

template <int terms>
FEWBITS_KERNEL void uniform_gradient(f64x4 v, f64x4 x, double sign, f64x4* y) {
    const Polar p = polar(v, x);
    y[0] = uniform_dv<terms>(p, log_quotient(p, v, x), v, sign);
    y[1] = uniform_dx<terms>(p, x, sign);
}
FEWBITS_KERNEL void extreme_gradient(f64x4 v, f64x4 x, double sign, f64x4* y) {
    const Extreme e = extreme(v, x);
    const f64x4 inverse = e.polar.inverse, order = select(e.far, v, e.v / e.power);
    const f64x4 s = splat(sign) * inverse;
    const f64x4 rest = fma(triangle_sum<24>(e.polar.s, s, debye_dv), inverse, splat(-0.5) * inverse);
    y[0] = fma(order * inverse, rest, splat(-sign) * e.asinh.hi) - splat(sign) * e.asinh.lo;
    y[1] = splat(sign) * select(e.far, v / x, e.polar.w.hi / e.x);
}

FEWBITS_KERNEL void small_gradient_i(f64x4 v, f64x4 x, f64x4* y) {
    const PowerSeries series = power_series<true>(v, x);
    const DoubleDouble log_x = log_half(x);
    const f64x4 slope = series.slope / (splat(1) + series.sum.hi);
    const auto sum = two_sum(log_x.hi, -digamma_1p(v));
    y[0] = sum.value + ((sum.error + log_x.lo) + slope);
    const DoubleDouble ratio = small_ratio_i<34>(v, x);
    y[1] = v / x + (ratio.hi + ratio.lo);
}
FEWBITS_KERNEL void small_gradient_k(f64x4 v, f64x4 x, f64x4* y) {
    const Polar p = polar(v, x);
    const DoubleDouble peak = log_quotient(p, v, x);
    const Trapezoid total = trapezoid_sum<true>(v, x, p.w.hi);
    y[0] = peak.hi + total.first_moment / total.sum.hi;
    // v/x - (v + w)/x weighted/sum
    y[1] = (v - (v + p.w.hi) * (total.weighted / total.sum.hi)) / x;
}
FEWBITS_KERNEL void tiny_gradient_k(f64x4 v, f64x4 x, f64x4* y) {
    const auto low = v < splat(temme_orders);
    const DoubleDouble two_over_x = negate(log_half(x));
    f64x4 slope = f64x4::zero();
    if (any(low)) {
        const f64x4 order = select(low, v, f64x4::zero()), l = two_over_x.hi + two_over_x.lo;
        const Temme<Dual> t = temme<Dual>({order, splat(1)}, order, x, l);
        slope = t.k_product.slope / t.k_product.value;
    }
    if (!all(low)) {
        // digamma(v) + log(2/x) + d/dv log(1 + q/(1-v)), of which x^4 does not count
        const f64x4 order = select(low, splat(4), v), half = x * splat(0.5);
        const f64x4 below = splat(1) - order, rest = half * half / (below * below);
        const f64x4 digamma = digamma_1p(order) - splat(1) / order;
        slope = select(low, slope, (digamma + two_over_x.hi) + (two_over_x.lo + rest));
    }
    y[0] = slope;
    y[1] = v / x - tiny_ratio_k(v, x);
}

inline bool both_in_domain(double v, double x) {
    return v >= 0 && x >= 0 &&
           (v < std::numeric_limits<double>::infinity() || x < std::numeric_limits<double>::infinity());
}
FEWBITS_KERNEL f64x4 nan_below_zero(f64x4 v) {
    return select(v >= f64x4::zero(), v, splat(std::numeric_limits<double>::quiet_NaN()));
}

struct IvRatioKernel {
    static constexpr int outputs = 1;
    bool complement;

    f64x4 order(f64x4 v) const { return nan_below_zero(v); }
    void edge(double v, double x, double* y) const {
        const bool one = x == std::numeric_limits<double>::infinity();
        *y =
            both_in_domain(v, x) ? (one != complement ? 1.0 : 0.0) : std::numeric_limits<double>::quiet_NaN();
    }
    template <int region>
    FEWBITS_INLINE void at(f64x4 v, f64x4 x, f64x4* y) const {
        if constexpr (region >= region_small || region == region_24) {
            // Below w = 30 too few terms of the expansion count to tell 1 - R, which is small, to 4 eps.
            DoubleDouble r = small_ratio_i<region == region_24 ? 48 : 34>(v, x);
            if (complement) r = add(negate(r), splat(1));
            *y = r.hi + r.lo;
        } else if constexpr (region == region_extreme) {
            const Extreme e = extreme(v, x);
            // Where far, x/(2v + 2) to x^2/v^2.
            const f64x4 near = e.x / (e.v + e.polar.w.hi), far = splat(0.5) * x / (v + splat(1));
            const f64x4 w = e.polar.w.hi;
            // x/(2 w^2) and (v + w - x)/(v + w), in an order that does not underflow
            const f64x4 near_c = fma(splat(0.5) * e.x * (e.polar.inverse / e.power), e.polar.inverse,
                                     e.v * (splat(1) + e.v / (w + e.x)) / (e.v + w));
            *y = complement ? select(e.far, splat(1), near_c) : select(e.far, far, near);
        } else if (complement) {
            *y = uniform_ratio_ic<terms_of(region)>(v, x);
        } else {
            *y = uniform_ratio_i<terms_of(region)>(v, x);
        }
    }
};

struct KvRatioKernel {
    static constexpr int outputs = 1;

    f64x4 order(f64x4 v) const { return nan_below_zero(v); }
    void edge(double v, double x, double* y) const {
        constexpr double infinity = std::numeric_limits<double>::infinity();
        *y = both_in_domain(v, x) ? (x == infinity ? 1 : infinity) : std::numeric_limits<double>::quiet_NaN();
    }
    template <int region>
    FEWBITS_INLINE void at(f64x4 v, f64x4 x, f64x4* y) const {
        if constexpr (region == region_tiny) {
            *y = tiny_ratio_k(v, x);
        } else if constexpr (region == region_small) {
            *y = small_ratio_k(v, x);
        } else if constexpr (region == region_extreme) {
            const Extreme e = extreme(v, x);
            *y = select(e.far, splat(2) * (v / x), (e.v + e.polar.w.hi) / e.x);
        } else {
            *y = uniform_ratio_k<terms_of(region)>(v, x);
        }
    }
};

struct LogIGradientKernel {
    static constexpr int outputs = 2;

    f64x4 order(f64x4 v) const { return nan_below_zero(v); }
    void edge(double v, double x, double* y) const {
        constexpr double infinity = std::numeric_limits<double>::infinity();
        const double nan = std::numeric_limits<double>::quiet_NaN();
        const bool good = both_in_domain(v, x);
        y[0] = good ? (x == infinity ? 0 : -infinity) : nan;
        y[1] = good ? (x == infinity ? 1 : v == 0 ? 0 : infinity) : nan;
    }
    template <int region>
    FEWBITS_INLINE void at(f64x4 v, f64x4 x, f64x4* y) const {
        if constexpr (region >= region_small) {
            small_gradient_i(v, x, y);
        } else if constexpr (region == region_extreme) {
            extreme_gradient(v, x, 1, y);
        } else {
            uniform_gradient<terms_of(region)>(v, x, 1, y);
        }
    }
};

// For v >= 0; the derivative with respect to v is odd, that with respect to x even.
struct LogKGradientKernel {
    static constexpr int outputs = 2;

    f64x4 order(f64x4 v) const { return abs(v); }
    void edge(double v, double x, double* y) const {
        constexpr double infinity = std::numeric_limits<double>::infinity();
        const double nan = std::numeric_limits<double>::quiet_NaN();
        const bool good = both_in_domain(v, x);
        y[0] = good ? (x == infinity || v == 0 ? 0 : infinity) : nan;
        y[1] = good ? (x == infinity ? -1 : -infinity) : nan;
    }
    template <int region>
    FEWBITS_INLINE void at(f64x4 v, f64x4 x, f64x4* y) const {
        if constexpr (region == region_tiny) {
            tiny_gradient_k(v, x, y);
        } else if constexpr (region == region_small) {
            small_gradient_k(v, x, y);
        } else if constexpr (region == region_extreme) {
            extreme_gradient(v, x, -1, y);
        } else {
            uniform_gradient<terms_of(region)>(v, x, -1, y);
        }
        // Exactly, whatever the sums give.
        y[0] = select(v == f64x4::zero(), f64x4::zero(), y[0]);
    }
};

// A function of v and x with one result: an object, so that one line declares all forms.
template <class Kernel>
struct OfOrder {
    const char* name;
    Kernel kernel;

    double operator()(double v, double x) const {
        double y;
        map_regions(kernel, 1, &v, &x, &y);
        return y;
    }
    // `out` may be `v` or `x`, but not overlap them otherwise.
    void operator()(Span<const double> v, Span<const double> x, Span<double> out) const { all(v, x, out); }
    void operator()(Span<const float> v, Span<const float> x, Span<float> out) const { all(v, x, out); }

private:
    template <class T>
    void all(Span<const T> v, Span<const T> x, Span<T> out) const {
        require_pairs(name, v, x, out);
        map_regions(kernel, v.size(), v.data(), x.data(), out.data());
    }
};

template <class T>
void gradient(const char* name, bool first_kind, Span<const T> v, Span<const T> x, Span<T> dv, Span<T> dx) {
    require_pairs(name, v, x, dv);
    require_pairs(name, v, x, dx);
    if (first_kind) {
        map_regions(LogIGradientKernel{}, v.size(), v.data(), x.data(), dv.data(), dx.data());
    } else {
        map_regions(LogKGradientKernel{}, v.size(), v.data(), x.data(), dv.data(), dx.data());
        for (std::size_t i = 0; i < v.size(); ++i) {
            if (v[i] < 0) dv[i] = -dv[i];
        }
    }
}

}  // namespace detail

// I_(v+1)(x) / I_v(x)
inline constexpr detail::OfOrder<detail::IvRatioKernel> iv_ratio{"iv_ratio", {false}};
// 1 - I_(v+1)(x) / I_v(x), small where x is large
inline constexpr detail::OfOrder<detail::IvRatioKernel> iv_ratio_c{"iv_ratio_c", {true}};
// K_(v+1)(x) / K_v(x)
inline constexpr detail::OfOrder<detail::KvRatioKernel> kv_ratio{"kv_ratio", {}};

// d/dv and d/dx of log I_v(x); the outputs must not overlap the inputs.
inline void log_iv_grad(Span<const double> v, Span<const double> x, Span<double> dv, Span<double> dx) {
    detail::gradient("log_iv_grad", true, v, x, dv, dx);
}
inline void log_iv_grad(Span<const float> v, Span<const float> x, Span<float> dv, Span<float> dx) {
    detail::gradient("log_iv_grad", true, v, x, dv, dx);
}
// The same of log K_v(x).
inline void log_kv_grad(Span<const double> v, Span<const double> x, Span<double> dv, Span<double> dx) {
    detail::gradient("log_kv_grad", false, v, x, dv, dx);
}
inline void log_kv_grad(Span<const float> v, Span<const float> x, Span<float> dv, Span<float> dx) {
    detail::gradient("log_kv_grad", false, v, x, dv, dx);
}

// What solving for x took.
struct RatioInverse {
    double x;
    int iterations;
    bool converged;
};

// The x with I_(v+1)(x) / I_v(x) = 1 - rc, given both r and rc = 1 - r, of which the smaller counts. Newton's
// method in log x on the smaller of the two, from Banerjee's start, within the bracket
// 2 v r / (1 - r^2) < x < (2 v + 2) r / (1 - r^2); a step that leaves it is replaced by its middle.
inline RatioInverse solve_iv_ratio(double v, double r, double rc, int max_iter = 64) {
    constexpr double eps = 0x1p-52, infinity = std::numeric_limits<double>::infinity();
    if (!(v >= 0 && v < infinity) || !(r >= 0 && rc >= 0)) {
        return {std::numeric_limits<double>::quiet_NaN(), 0, false};
    }
    if (r == 0) return {0, 0, true};
    if (rc == 0) return {infinity, 0, true};
    const bool upper = r > 0.5;
    const double spread = rc * (1 + r);  // 1 - r^2
    double low = r * (2 * v) / spread * (1 - 4 * eps), high = r * (2 * v + 2) / spread * (1 + 4 * eps);
    double x = r * ((2 * v + 2) - r * r) / spread;
    if (!(x > low && x < high)) x = 0.5 * low + 0.5 * high;
    int iterations = 0;
    while (iterations < max_iter) {
        ++iterations;
        const double ratio = iv_ratio(v, x), rest = iv_ratio_c(v, x);
        // Positive where x is too small.
        const double miss = upper ? rest - rc : r - ratio;
        if (miss == 0) return {x, iterations, true};
        (miss > 0 ? low : high) = x;
        // R' = 1 - R^2 - (2v+1) R/x; where that cancels, 1 - R is inverse to x to first order.
        double slope = rest * (1 + ratio) - (2 * v + 1) * ratio / x;
        if (!(slope > 0) || rest * (1 + ratio) > 1e10 * slope) slope = rest / x;
        double next = x + miss / slope;
        if (!(next > low && next < high)) next = low > 0 ? std::sqrt(low) * std::sqrt(high) : 0.5 * high;
        if (!(next > low && next < high)) return {x, iterations, true};  // neighbours
        const double step = std::fabs(next - x);
        x = next;
        if (step <= 2 * eps * x) return {x, iterations, true};
    }
    return {x, iterations, false};
}

// The x with I_(v+1)(x) / I_v(x) = r; r = 0 gives 0, r = 1 infinity.
inline double iv_ratio_inv(double v, double r) {
    return r <= 1 ? solve_iv_ratio(v, r, 1 - r).x : std::numeric_limits<double>::quiet_NaN();
}
inline void iv_ratio_inv(Span<const double> v, Span<const double> r, Span<double> out) {
    detail::require_pairs("iv_ratio_inv", v, r, out);
    for (std::size_t i = 0; i < out.size(); ++i) out[i] = iv_ratio_inv(v[i], r[i]);
}
inline void iv_ratio_inv(Span<const float> v, Span<const float> r, Span<float> out) {
    detail::require_pairs("iv_ratio_inv", v, r, out);
    for (std::size_t i = 0; i < out.size(); ++i) {
        out[i] = static_cast<float>(iv_ratio_inv(double{v[i]}, double{r[i]}));
    }
}

}  // namespace functions
}  // namespace FEWBITS_ISA
}  // namespace fewbits
