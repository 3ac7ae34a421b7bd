// The von Mises-Fisher distribution on the unit sphere of R^p, density exp(kappa mu.x + log C_p(kappa)).
//
//   log_normalizer(p, kappa)   log C_p: at most 2 eps times the largest of 1, p/2 log 2 pi and
//                              |log I_v(kappa) - v log kappa|, v = p/2 - 1, eps = 2^-52
//   kappa_from_resultant(p, R, method)
//                              the kappa with mean resultant I_(p/2) / I_(p/2-1) = R, or an estimate of it
//   sample(...)                rows that depend on (seed, index) alone
//   row_norms, row_dots, weighted_sums
//                              of the rows of a matrix, in a fixed order of additions
// p >= 2. kappa = 0 is the uniform distribution; log_normalizer has no log kappa anywhere: with w = hypot(v,
// kappa), log I_v(kappa) - v log kappa = w - v log(v + w) - log(2 pi w)/2 + ..., so nothing cancels for small
// kappa.
// Sources: A. Banerjee et al., JMLR 6 (2005); A. Tanabe et al., Computational Statistics 22 (2007); S. Sra,
// Computational Statistics 27 (2012); A. Wood, Commun. Statist. Simul. 23 (1994) (rejection); G. Ulrich,
// Applied Statistics 33 (1984) (symmetric beta variates).
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "fewbits/core/error.hpp"
#include "fewbits/core/parallel.hpp"
#include "fewbits/core/random.hpp"
#include "fewbits/core/span.hpp"
#include "fewbits/functions/bessel_ratio.hpp"
#include "fewbits/functions/exponential.hpp"
#include "fewbits/functions/normal.hpp"

namespace fewbits {
inline namespace FEWBITS_ISA {
namespace functions {
namespace vmf {

namespace detail {

using namespace fewbits::functions::detail;

// log I_v(x) - v log x
template <int terms>
FEWBITS_KERNEL DoubleDouble reduced_uniform(f64x4 v, f64x4 x) {
    const Polar p = polar(v, x);
    const DoubleDouble log_sum = log_normal(add(p.w, v), f64x4::zero());
    return with_root(add(p.w, negate(multiply(log_sum, v))), p.w.hi, log_two_pi, -0.5,
                     triangle_sum<terms>(p.s, p.inverse, debye_log));
}
FEWBITS_KERNEL DoubleDouble reduced_small(f64x4 v, f64x4 x) {
    const DoubleDouble power = add(multiply(constant(ln2), v), log_gamma_1p(v));
    return add(log_one_plus(power_series<false>(v, x).sum), negate(power));
}

// The first argument is p.
struct NormalizerKernel {
    static constexpr int outputs = 1;

    f64x4 order(f64x4 p) const {
        const f64x4 v = p * splat(0.5) - splat(1);
        return select(v >= f64x4::zero(), v, splat(std::numeric_limits<double>::quiet_NaN()));
    }
    static FEWBITS_INLINE f64x4 finish(f64x4 v, DoubleDouble reduced) {
        const DoubleDouble area = multiply(constant(log_two_pi), v + splat(1));
        const DoubleDouble result = negate(add(area, reduced));
        return result.hi + result.lo;
    }
    void edge(double v, double x, double* y) const {
        if (v < std::numeric_limits<double>::infinity() && x == 0) {
            double lanes[4];
            // No logarithm of x is taken; large orders need Stirling's series alone.
            const DoubleDouble power = add(multiply(constant(ln2), splat(v)), log_gamma_1p(splat(v)));
            store(finish(splat(v), negate(power)), lanes);
            *y = lanes[0];
        } else {
            const bool far = v < std::numeric_limits<double>::infinity() && x > 0;
            *y = far ? -std::numeric_limits<double>::infinity() : std::numeric_limits<double>::quiet_NaN();
        }
    }
    template <int region>
    FEWBITS_INLINE void at(f64x4 v, f64x4 x, f64x4* y) const {
        if constexpr (region >= region_small) {
            *y = finish(v, reduced_small(v, x));
        } else if constexpr (region == region_extreme) {
            const DoubleDouble power = multiply(log_dd({x, f64x4::zero()}), v);
            *y = finish(v, add(log_extreme(v, x, false, 1), negate(power)));
        } else {
            *y = finish(v, reduced_uniform<terms_of(region)>(v, x));
        }
    }
};

// In eight lanes: element i goes to lane i mod 8, the lanes are added ((0+4)+(2+6)) + ((1+5)+(3+7)).
template <class A, class B>
double dot(const A* a, const B* b, std::size_t n) {
    f64x4 low = f64x4::zero(), high = f64x4::zero();
    const auto load = [](const auto* from, std::size_t count) {
        double four[4] = {0, 0, 0, 0};
        std::copy(from, from + count, four);
        return f64x4::load(four);
    };
    std::size_t i = 0;
    for (; i + 8 <= n; i += 8) {
        low = fma(load(a + i, 4), load(b + i, 4), low);
        high = fma(load(a + i + 4, 4), load(b + i + 4, 4), high);
    }
    if (i < n) {
        const std::size_t left = n - i, first = std::min<std::size_t>(left, 4), second = left - first;
        low = fma(load(a + i, first), load(b + i, first), low);
        high = fma(load(a + i + first, second), load(b + i + first, second), high);
    }
    return sum(low + high);
}

// cos of the angle to mu, as 1 - W and W; one stream of draws for each sample.
struct Height {
    double w, one_minus_w;
};
inline Height draw_height(const Philox& stream, double p, double kappa) {
    const double b = (p - 1) / (2 * kappa + std::sqrt(4 * kappa * kappa + (p - 1) * (p - 1)));
    const double one_minus_x0 = 2 * b / (1 + b), one_plus_x0 = 2 / (1 + b), x0 = (1 - b) / (1 + b);
    for (std::uint64_t attempt = 0;; ++attempt) {
        const double u = open_uniform(stream.draw64(3 * attempt));
        const double angle = two_pi * open_uniform(stream.draw64(3 * attempt + 1));
        // Beta((p-1)/2, (p-1)/2): (1 + sqrt(1 - u^(2/(p-2))) cos(angle)) / 2
        const double spread = p > 2 ? std::sqrt(-expm1(2 * log(u) / (p - 2))) : 1;
        const double z = 0.5 + 0.5 * spread * cos(angle);
        const double bottom = 1 - (1 - b) * z, one_minus_w = 2 * b * z / bottom;
        // kappa (W - x0) + (p - 1) log((1 - x0 W) / (1 - x0^2)), without differences of near numbers
        const double quotient = (one_minus_x0 + x0 * one_minus_w) / (one_minus_x0 * one_plus_x0);
        const double level = kappa * (one_minus_x0 - one_minus_w) + (p - 1) * log(quotient);
        if (level >= log(open_uniform(stream.draw64(3 * attempt + 2)))) return {1 - one_minus_w, one_minus_w};
    }
}

}  // namespace detail

// log C_p(kappa); p a number >= 2, else nan.
inline constexpr functions::detail::OfOrder<detail::NormalizerKernel> log_normalizer{"vmf::log_normalizer",
                                                                                     {}};

// Mean length of the mean of samples: I_(p/2)(kappa) / I_(p/2-1)(kappa).
inline double mean_resultant(double p, double kappa) { return iv_ratio(0.5 * p - 1, kappa); }
// One minus that.
inline double mean_resultant_c(double p, double kappa) { return iv_ratio_c(0.5 * p - 1, kappa); }

enum class KappaMethod { banerjee, tanabe, sra, mle };

// What has mean resultant R: exactly (mle), or by a published estimate. R = 0 gives 0, R = 1 infinity.
inline RatioInverse kappa_from_resultant(double p, double r, KappaMethod method = KappaMethod::mle) {
    FEWBITS_REQUIRE(p >= 2 && std::isfinite(p) && r >= 0 && r <= 1,
                    "vmf::kappa_from_resultant: p must be at least 2 and r in [0, 1]");
    if (method == KappaMethod::mle) return solve_iv_ratio(0.5 * p - 1, r, 1 - r);
    const double rest = (1 - r) * (1 + r);
    if (rest == 0) return {std::numeric_limits<double>::infinity(), 0, true};
    const double start = r * (p - r * r) / rest;
    if (method == KappaMethod::banerjee || r == 0) return {start, 0, true};
    if (method == KappaMethod::tanabe) {
        const auto phi = [&](double kappa) {
            return kappa == 0 ? p * r : kappa * r / mean_resultant(p, kappa);
        };
        const double low = r * (p - 2) / rest, high = r * p / rest;
        const double phi_low = phi(low), phi_high = phi(high);
        return {(low * phi_high - high * phi_low) / ((phi_high - phi_low) - (high - low)), 1, true};
    }
    double kappa = start;
    for (int step = 0; step < 2; ++step) {
        const double a = mean_resultant(p, kappa), a_rest = mean_resultant_c(p, kappa);
        const double miss = r > 0.5 ? (1 - r) - a_rest : a - r;
        kappa -= miss / (a_rest * (1 + a) - (p - 1) * a / kappa);
    }
    return {kappa, 2, true};
}

// Rows first, first + 1, ... of the samples under a seed into out, rows of p. Sample i draws its angle from
// stream 2 i and its direction from stream 2 i + 1: x = W mu + sqrt(1 - W^2) xi, xi uniform among the unit
// vectors orthogonal to mu (a normal vector less its part along mu). mu has unit length.
template <class T>
void sample(Span<const double> mu, double kappa, std::uint64_t seed, std::uint64_t first, Span<T> out,
            int threads = 1) {
    const std::size_t p = mu.size();
    FEWBITS_REQUIRE(p >= 2 && out.size() % p == 0,
                    "vmf::sample: out must hold rows of the size of mu, 2 or more");
    FEWBITS_REQUIRE(kappa >= 0 && std::isfinite(kappa), "vmf::sample: kappa must be finite and at least 0");
    parallel_for(out.size() / p, 16, threads, [&](std::size_t begin, std::size_t end) {
        std::vector<double> g(p);
        for (std::size_t i = begin; i < end; ++i) {
            const std::uint64_t index = first + i;
            const detail::Height height =
                detail::draw_height(Philox(seed, 2 * index), static_cast<double>(p), kappa);
            sample_normal(Philox(seed, 2 * index + 1), 0, Span<double>(g));
            // Twice: in few dimensions the first may leave little but rounding.
            for (int pass = 0; pass < 2; ++pass) {
                const double along = detail::dot(g.data(), mu.data(), p);
                for (std::size_t j = 0; j < p; ++j) g[j] = std::fma(-along, mu[j], g[j]);
            }
            const double length = std::sqrt(detail::dot(g.data(), g.data(), p));
            const double scale = std::sqrt(height.one_minus_w * (1 + height.w)) / length;
            for (std::size_t j = 0; j < p; ++j) {
                out[i * p + j] = static_cast<T>(std::fma(height.w, mu[j], scale * g[j]));
            }
        }
    });
}

// out[i] = |x_i| for rows x_i of p.
template <class T>
void row_norms(Span<const T> x, std::size_t p, Span<double> out) {
    FEWBITS_REQUIRE(p > 0 && x.size() == out.size() * p,
                    "vmf::row_norms: x must hold a row of p for each of out");
    for (std::size_t i = 0; i < out.size(); ++i) {
        out[i] = std::sqrt(detail::dot(x.data() + i * p, x.data() + i * p, p));
    }
}

// out[i, k] = x_i . m_k for rows x_i of x and m_k of m, rows of p.
template <class T>
void row_dots(Span<const T> x, Span<const double> m, std::size_t p, Span<double> out, int threads = 1) {
    FEWBITS_REQUIRE(
        p > 0 && x.size() % p == 0 && m.size() % p == 0 && out.size() == (x.size() / p) * (m.size() / p),
        "vmf::row_dots: x and m must hold rows of p, out one number for each pair");
    const std::size_t count = m.size() / p;
    parallel_for(x.size() / p, 64, threads, [&](std::size_t begin, std::size_t end) {
        for (std::size_t i = begin; i < end; ++i) {
            for (std::size_t k = 0; k < count; ++k) {
                out[i * count + k] = detail::dot(x.data() + i * p, m.data() + k * p, p);
            }
        }
    });
}

// out[k, :] = sum over i of weights[i, k] x_i, added row by row in float64.
template <class T>
void weighted_sums(Span<const T> x, Span<const double> weights, std::size_t p, Span<double> out,
                   int threads = 1) {
    FEWBITS_REQUIRE(p > 0 && x.size() % p == 0 && out.size() % p == 0 &&
                        weights.size() == (x.size() / p) * (out.size() / p),
                    "vmf::weighted_sums: x and out must hold rows of p, weights one number for each pair");
    const std::size_t n = x.size() / p, count = out.size() / p;
    parallel_for(p, 256, threads, [&](std::size_t begin, std::size_t end) {
        for (std::size_t k = 0; k < count; ++k) {
            double* total = out.data() + k * p;
            std::fill(total + begin, total + end, 0.0);
        }
        for (std::size_t i = 0; i < n; ++i) {
            const T* row = x.data() + i * p;
            for (std::size_t k = 0; k < count; ++k) {
                const double weight = weights[i * count + k];
                double* total = out.data() + k * p;
                for (std::size_t j = begin; j < end; ++j) total[j] += weight * static_cast<double>(row[j]);
            }
        }
    });
}

}  // namespace vmf
}  // namespace functions
}  // namespace FEWBITS_ISA
}  // namespace fewbits
