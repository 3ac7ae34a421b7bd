// Logarithms of the modified Bessel functions, log I_v(x) and log K_v(x).
//
//   float64  |error| <= eps max(1, |result|) for w = hypot(v, x) >= 20, <= 4 eps max(1, |result|) below,
//            eps = 2^-52; log I_0 to 4 eps |result|. float32: the float64 result, rounded once.
// Domain v >= 0, x >= 0; log_iv takes negative integers v as |v|, log_kv every v as |v|; else nan.
// log_iv(0, 0) = 0, log_iv(v, 0) = -inf, log_kv(v, 0) = +inf; x = +inf: +inf and -inf; v = +inf: -inf and
// +inf; both infinite or any nan: nan. Results beyond the range are infinite. Scaled: log I - x and log K +
// x, without a difference of rounded numbers. Regimes, w = hypot(v, x):
//   w >= 20             uniform expansion, log I = w - v asinh(v/x) - log(2 pi w)/2 + sum d_k((v/w)^2) / w^k,
//                       log K likewise; 4 to 24 terms by w; all but the sum in two parts
//   I, w < 20           power series, v log(x/2) - log Gamma(v+1) + log(1 + S)
//   K, x >= 1e-3        trapezoidal rule for int e^(v t - x cosh t) dt, counted from the peak, step 1/8
//   K, x < 1e-3         Temme's series (v < 7/2), or the leading terms
// Method "paper" is the published selection of expansions (detail/bessel_paper.hpp), for reproduction.
// Sources: A. Plesner, H. Sorensen, S. Hauberg, "Accurate Computation of the Logarithm of Modified Bessel
// Functions on GPUs", ICS 2024, arXiv:2409.08729; NIST DLMF 10.25, 10.32, 10.41; N. Temme, J. Comput. Phys.
// 19 (1975). Coefficients: tools/functions_bessel_tables.py.
#pragma once

#include <string>

#include "fewbits/core/error.hpp"
#include "fewbits/core/span.hpp"
#include "fewbits/functions/detail/bessel_kernels.hpp"
#include "fewbits/functions/detail/bessel_paper.hpp"

namespace fewbits {
inline namespace FEWBITS_ISA {
namespace functions {

enum class BesselMethod { best, paper };

struct BesselOptions {
    bool scaled = false;  // log I - x, log K + x
    BesselMethod method = BesselMethod::best;
};

namespace detail {

// Where v or x is no ordinary positive number; v >= 0 or nan.
inline double log_iv_edge(double v, double x, bool scaled) {
    constexpr double infinity = std::numeric_limits<double>::infinity();
    const double nan = std::numeric_limits<double>::quiet_NaN();
    if (!(v >= 0) || !(x >= 0)) return nan;
    if (v == infinity) return x == infinity ? nan : -infinity;
    if (x == infinity) return scaled ? -infinity : infinity;
    return v == 0 ? 0 : -infinity;
}
inline double log_kv_edge(double v, double x) {
    constexpr double infinity = std::numeric_limits<double>::infinity();
    const double nan = std::numeric_limits<double>::quiet_NaN();
    if (!(v >= 0) || !(x >= 0)) return nan;
    if (v == infinity) return x == infinity ? nan : infinity;
    return x == infinity ? -infinity : infinity;
}

// |v| for negative integers, nan for other negative orders.
FEWBITS_KERNEL f64x4 order_of_i(f64x4 v) {
    const f64x4 nan = splat(std::numeric_limits<double>::quiet_NaN());
    return select(v >= f64x4::zero(), v, select(floor(v) == v, abs(v), nan));
}

struct LogIKernel {
    static constexpr int outputs = 1;
    bool scaled;

    f64x4 order(f64x4 v) const { return order_of_i(v); }
    void edge(double v, double x, double* y) const { *y = log_iv_edge(v, x, scaled); }
    template <int region>
    FEWBITS_INLINE void at(f64x4 v, f64x4 x, f64x4* y) const {
        DoubleDouble result;
        if constexpr (region >= region_small) {
            result = log_i_small(v, x, scaled);
        } else if constexpr (region == region_extreme) {
            result = log_extreme(v, x, scaled, 1);
        } else {
            result = log_i_uniform<terms_of(region)>(v, x, scaled);
        }
        *y = result.hi + result.lo;
    }
};

struct LogKKernel {
    static constexpr int outputs = 1;
    bool scaled;

    f64x4 order(f64x4 v) const { return abs(v); }
    void edge(double v, double x, double* y) const { *y = log_kv_edge(v, x); }
    template <int region>
    FEWBITS_INLINE void at(f64x4 v, f64x4 x, f64x4* y) const {
        DoubleDouble result;
        if constexpr (region == region_tiny) {
            result = log_k_tiny(v, x, scaled);
        } else if constexpr (region == region_small) {
            result = log_k_small(v, x, scaled);
        } else if constexpr (region == region_extreme) {
            result = log_extreme(v, x, scaled, -1);
        } else {
            result = log_k_uniform<terms_of(region)>(v, x, scaled);
        }
        *y = result.hi + result.lo;
    }
};

template <class T>
void require_pairs(const char* name, Span<const T> v, Span<const T> x, Span<T> out) {
    FEWBITS_REQUIRE(v.size() == x.size() && v.size() == out.size(),
                    std::string("functions::") + name + ": v, x and out must have one size, got " +
                        std::to_string(v.size()) + ", " + std::to_string(x.size()) + " and " +
                        std::to_string(out.size()));
}

// Element by element.
template <class T>
void map_paper(bool first_kind, bool scaled, Span<const T> v, Span<const T> x, Span<T> out) {
    constexpr double infinity = std::numeric_limits<double>::infinity();
    for (std::size_t i = 0; i < out.size(); ++i) {
        double order[4] = {static_cast<double>(v[i]), 0, 0, 0};
        const f64x4 given = f64x4::load(order);
        store(first_kind ? order_of_i(given) : abs(given), order);
        const double w = order[0], y = static_cast<double>(x[i]);
        const bool ordinary = w >= 0 && w < infinity && y > 0 && y < infinity;
        const double edge = first_kind ? log_iv_edge(w, y, scaled) : log_kv_edge(w, y);
        const double result = ordinary ? paper_log_bessel(w, y, first_kind, scaled) : edge;
        out[i] = static_cast<T>(std::isnan(result) ? std::numeric_limits<double>::quiet_NaN() : result);
    }
}

// T is float or double.
template <class T>
void log_iv(Span<const T> v, Span<const T> x, Span<T> out, const BesselOptions& options) {
    require_pairs("log_iv", v, x, out);
    if (options.method == BesselMethod::paper) return map_paper(true, options.scaled, v, x, out);
    map_regions(LogIKernel{options.scaled}, v.size(), v.data(), x.data(), out.data());
}
template <class T>
void log_kv(Span<const T> v, Span<const T> x, Span<T> out, const BesselOptions& options) {
    require_pairs("log_kv", v, x, out);
    if (options.method == BesselMethod::paper) return map_paper(false, options.scaled, v, x, out);
    map_regions(LogKKernel{options.scaled}, v.size(), v.data(), x.data(), out.data());
}

}  // namespace detail

// log I_v(x); `out` may be `v` or `x`, but not overlap them otherwise.
inline void log_iv(Span<const double> v, Span<const double> x, Span<double> out, BesselOptions options = {}) {
    detail::log_iv(v, x, out, options);
}
inline void log_iv(Span<const float> v, Span<const float> x, Span<float> out, BesselOptions options = {}) {
    detail::log_iv(v, x, out, options);
}
inline double log_iv(double v, double x, BesselOptions options = {}) {
    double out;
    log_iv(Span<const double>(&v, 1), Span<const double>(&x, 1), Span<double>(&out, 1), options);
    return out;
}

// log K_v(x); `out` may be `v` or `x`, but not overlap them otherwise.
inline void log_kv(Span<const double> v, Span<const double> x, Span<double> out, BesselOptions options = {}) {
    detail::log_kv(v, x, out, options);
}
inline void log_kv(Span<const float> v, Span<const float> x, Span<float> out, BesselOptions options = {}) {
    detail::log_kv(v, x, out, options);
}
inline double log_kv(double v, double x, BesselOptions options = {}) {
    double out;
    log_kv(Span<const double>(&v, 1), Span<const double>(&x, 1), Span<double>(&out, 1), options);
    return out;
}

}  // namespace functions
}  // namespace FEWBITS_ISA
}  // namespace fewbits
