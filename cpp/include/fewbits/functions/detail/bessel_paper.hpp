// log I_v(x) and log K_v(x) by the published selection of expansions, in plain float64: for reproduction.
//
// First match wins (natural logarithms):
//   mu_3      (x > 1400 and v < 3.05) or (0.6229 log x - 3.2318 > log v and v > 3.1)
//   mu_20     (x > 30 and v < 15.3919) or (0.5113 log x + 0.7939 > log v and x > 59.6925)
//   U_4       (x > 274.2377 and v > 0.3) or v > 163.6993
//   U_6       (x > 84.4153 and v > 0.46) or v > 56.9971
//   U_9       (x > 35.9074 and v > 0.6) or v > 20.1534
//   U_13      (x > 19.6931 and v > 0.7) or v > 12.6964
//   fallback  power series of 41 terms for I; Rothwell's integral, Simpson's rule with 600 intervals, for K
// mu_k: Hankel's expansion to x^-k; U_k: the uniform expansion to v^-k. What it delivers:
// docs/functions_bessel.md. Source: A. Plesner, H. Sorensen, S. Hauberg, arXiv:2409.08729, section 3; E.
// Rothwell, Commun. Numer. Meth. Engng 2005. Number of intervals and exponent of the integral are those of
// public ports.
#pragma once

#include "fewbits/functions/detail/bessel_kernels.hpp"
#include "fewbits/functions/exponential.hpp"

namespace fewbits {
inline namespace FEWBITS_ISA {
namespace functions {
namespace detail {

enum PaperExpression { paper_mu_3, paper_mu_20, paper_u_4, paper_u_6, paper_u_9, paper_u_13, paper_fallback };

FEWBITS_INLINE double log_of(double x) { return log(x); }
FEWBITS_INLINE f64x4 log_of(f64x4 x) { return LogKernel::float64(x); }
FEWBITS_INLINE f64x4 exp_of(f64x4 x) { return ExpKernel::float64(x); }

inline PaperExpression paper_expression(double v, double x) {
    const double log_x = log_of(x), log_v = log_of(v);  // log 0 = -inf
    if ((x > 1400 && v < 3.05) || (0.6229 * log_x - 3.2318 > log_v && v > 3.1)) return paper_mu_3;
    if ((x > 30 && v < 15.3919) || (0.5113 * log_x + 0.7939 > log_v && x > 59.6925)) return paper_mu_20;
    if ((x > 274.2377 && v > 0.3) || v > 163.6993) return paper_u_4;
    if ((x > 84.4153 && v > 0.46) || v > 56.9971) return paper_u_6;
    if ((x > 35.9074 && v > 0.6) || v > 20.1534) return paper_u_9;
    if ((x > 19.6931 && v > 0.7) || v > 12.6964) return paper_u_13;
    return paper_fallback;
}

// The scaled forms leave x out of the sum.
inline double paper_hankel(double v, double x, bool first_kind, bool scaled, int terms) {
    const double mu = 4 * v * v, sign = first_kind ? -1 : 1;
    double term = 1, sum = 1;
    for (int k = 1; k <= terms; ++k) {
        const double odd = 2 * k - 1;
        term *= sign * (mu - odd * odd) / (8 * k * x);
        sum += term;
    }
    const double whole = scaled ? 0 : x, log_sum = log_of(std::fabs(sum));
    constexpr double pi = 3.14159265358979323846;
    if (first_kind) return whole - 0.5 * log_of(2 * pi * x) + log_sum;
    return 0.5 * log_of(pi / (2 * x)) - whole + log_sum;
}

inline double paper_uniform(double v, double x, bool first_kind, bool scaled, int terms) {
    constexpr double pi = 3.14159265358979323846;
    const double z = x / v, root = std::sqrt(1 + z * z), t = 1 / root;
    const double eta = root + log_of(z / (1 + root)), sign = first_kind ? 1 : -1;
    double sum = 1, power = 1;
    const double* row = debye_u;
    for (int k = 1; k <= terms; ++k) {
        double inner = row[k];
        for (int j = k - 1; j >= 0; --j) inner = inner * (t * t) + row[j];
        row += k + 1;
        power *= sign * t / v;
        sum += power * inner;
    }
    const double whole = scaled ? -x : 0;
    const double common = -0.25 * log_of(1 + z * z) + log_of(std::fabs(sum));
    // log(2 pi v) and log(pi / 2v), with no overflow
    const double log_v = log_of(v);
    if (first_kind) return -0.5 * (log_of(2 * pi) + log_v) + (v * eta + whole) + common;
    return 0.5 * (log_of(pi / 2) - log_v) - (v * eta + whole) + common;
}

// log sum exp(a_k), the terms counted from where they peak.
inline double paper_series(double v, double x, bool scaled) {
    constexpr int terms = 41;
    const double log_half = log_of(x) - 0.69314718055994530942, log_x2 = 2 * log_half;
    double a[44], result[44];
    a[0] = -log_gamma(v + 1);
    for (int k = 1; k < terms; ++k) a[k] = a[k - 1] - (log_of(k * (k + v)) - log_x2);
    const int peak = std::min(terms - 1, static_cast<int>(std::floor((std::sqrt(x * x + v * v) - v) * 0.5)));
    for (int k = 0; k < 44; ++k) result[k] = k < terms ? a[k] - a[peak] : -1000;
    double sum = 0;
    for (int k = 0; k < 44; k += 4) {
        double four[4];
        store(exp_of(f64x4::load(result + k)), four);
        for (const double value : four) sum += value;
    }
    const double power = v == 0 ? 0 : v * log_half;
    return power + a[peak] + log_of(sum) - (scaled ? x : 0);
}

// log of the integral over [0, 1] of
//   beta e^-(u^beta) (2x + u^beta)^(v-1/2) u^(n-1) + e^(-1/u) u^(-2v-1) (2xu + 1)^(v-1/2)
inline double paper_integral(double v, double x, bool scaled) {
    constexpr int intervals = 600, nodes = intervals + 1, exponent = 8;
    const double beta = 2.0 * exponent / (2 * v + 1), log_beta = log_of(beta);
    constexpr std::size_t padded = 604;
    double first[padded], second[padded];
    double most = -std::numeric_limits<double>::infinity();
    for (std::size_t i = 0; i < padded; i += 4) {
        double u4[4];
        for (std::size_t j = 0; j < 4; ++j) {
            u4[j] = static_cast<double>(std::min<std::size_t>(i + j, intervals)) / intervals;
        }
        const f64x4 u = f64x4::load(u4), log_u = log_of(u), power = exp_of(splat(beta) * log_u);
        const f64x4 a = splat(log_beta) - power + splat(v - 0.5) * log_of(splat(2 * x) + power) +
                        splat(exponent - 1) * log_u;
        const f64x4 b = -(splat(1) / u) - splat(2 * v + 1) * log_u +
                        splat(v - 0.5) * log_of(fma(splat(2 * x), u, splat(1)));
        // At u = 0 both are 0.
        const auto inside = u > f64x4::zero();
        const f64x4 none = splat(-std::numeric_limits<double>::infinity());
        store(select(inside, a, none), first + i);
        store(select(inside, b, none), second + i);
    }
    for (int i = 0; i < nodes; ++i) most = std::max({most, first[i], second[i]});
    double sum = 0;
    for (std::size_t i = 0; i < padded; i += 4) {
        double a[4], b[4];
        store(exp_of(f64x4::load(first + i) - splat(most)), a);
        store(exp_of(f64x4::load(second + i) - splat(most)), b);
        for (std::size_t j = 0; j < 4 && i + j < nodes; ++j) {
            const std::size_t node = i + j;
            const double weight = node == 0 || node == intervals ? 1 : node % 2 == 1 ? 4 : 2;
            sum += weight * (a[j] + b[j]);
        }
    }
    const double log_integral = most + log_of(sum / (3 * intervals));
    constexpr double half_log_pi = 0.57236494292470008707;
    return half_log_pi - log_gamma(v + 0.5) - v * log_of(2 * x) - (scaled ? 0 : x) + log_integral;
}

inline double paper_log_bessel(double v, double x, bool first_kind, bool scaled) {
    switch (paper_expression(v, x)) {
        case paper_mu_3:
            return paper_hankel(v, x, first_kind, scaled, 3);
        case paper_mu_20:
            return paper_hankel(v, x, first_kind, scaled, 20);
        case paper_u_4:
            return paper_uniform(v, x, first_kind, scaled, 4);
        case paper_u_6:
            return paper_uniform(v, x, first_kind, scaled, 6);
        case paper_u_9:
            return paper_uniform(v, x, first_kind, scaled, 9);
        case paper_u_13:
            return paper_uniform(v, x, first_kind, scaled, 13);
        default:
            return first_kind ? paper_series(v, x, scaled) : paper_integral(v, x, scaled);
    }
}

}  // namespace detail
}  // namespace functions
}  // namespace FEWBITS_ISA
}  // namespace fewbits
