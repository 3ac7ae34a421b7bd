// Losses of rows of scores against a target class, with their gradients, none of which is a difference of
// nearly equal numbers.
//
//   softmax     log1p(s) - (z_c - m)                                  gradient p_k; -sum_{k != c} p_k for c
//   stablemax   weights s(x) = x + 1 for x >= 0, 1/(1 - x) for x < 0
//   taylor      weights 1 + x + x^2/2
//   spherical   weights x^2 + epsilon
//               loss log1p(r / w_c) with r = sum_{k != c} w_k; gradient w'_k / sum w, and
//               -(w'_c / w_c) (r / sum w) for c
//   z           softplus(a (b - z_c)) / a of the standardised scores z_k = (o_k - mean) / sigma
//   mse         sum (o_k - [k = c])^2
// All in float64, rounded once to the type of the scores. -inf is a masked entry of weight 0 (nan for z and
// mse); +inf and nan in a row give nan. A gradient is that of the loss of its own row.
// Sources: L. Prieto et al., arXiv 2501.04697 (StableMax, and the target's part of the softmax gradient);
// A. de Brebisson, P. Vincent, arXiv 1511.05042 (spherical, Taylor) and arXiv 1604.08859 (Z-loss).
#pragma once

#include <cmath>
#include <cstdint>

#include "fewbits/functions/logistic.hpp"
#include "fewbits/functions/softmax.hpp"

namespace fewbits {
inline namespace FEWBITS_ISA {
namespace functions {

enum class Loss { softmax, stablemax, taylor, spherical, z, mse };

struct LossOptions {
    double epsilon = 0;    // spherical: added to every weight, must be positive; z: added to sigma
    double sharpness = 1;  // z: a
    double location = 0;   // z: b
};

namespace detail {

// The weights of a class and their derivatives.
struct StablemaxWeight {
    static FEWBITS_KERNEL f64x4 weight(f64x4 x, f64x4) {
        const f64x4 one = splat(1), grown = one + abs(x);
        return select(x >= f64x4::zero(), grown, one / grown);
    }
    static FEWBITS_KERNEL f64x4 derivative(f64x4 x, f64x4) {
        const f64x4 one = splat(1), inverse = one / (one + abs(x));
        return select(x >= f64x4::zero(), one, inverse * inverse);
    }
    static FEWBITS_KERNEL f64x4 log_derivative(f64x4 x, f64x4) { return splat(1) / (splat(1) + abs(x)); }
};
struct TaylorWeight {
    static FEWBITS_KERNEL f64x4 weight(f64x4 x, f64x4) {
        const f64x4 u = splat(1) + x;
        return splat(0.5) * fma(u, u, splat(1));
    }
    static FEWBITS_KERNEL f64x4 derivative(f64x4 x, f64x4) { return splat(1) + x; }
    static FEWBITS_KERNEL f64x4 log_derivative(f64x4 x, f64x4 e) { return derivative(x, e) / weight(x, e); }
};
struct SphericalWeight {
    static FEWBITS_KERNEL f64x4 weight(f64x4 x, f64x4 e) { return fma(x, x, e); }
    static FEWBITS_KERNEL f64x4 derivative(f64x4 x, f64x4) { return x + x; }
    static FEWBITS_KERNEL f64x4 log_derivative(f64x4 x, f64x4 e) { return derivative(x, e) / weight(x, e); }
};

template <class Function>
FEWBITS_KERNEL f64x4 masked(f64x4 x, f64x4 e, Function function) {
    return select(x == splat(-plus_infinity), f64x4::zero(), function(x, e));
}

template <class Weight, class T>
void weighted_loss(const T* o, std::size_t size, std::size_t target, double epsilon, T* loss, T* grad,
                   double* w) {
    const f64x4 e = splat(epsilon);
    const f64x4 at_target = splat(double{o[target]});
    const RunningSum others = sum_groups(o, size, -std::numeric_limits<T>::infinity(),
                                         [&](std::size_t i, f64x4& low, f64x4& high) FEWBITS_INLINE_LAMBDA {
                                             low = masked(low, e, Weight::weight);
                                             high = masked(high, e, Weight::weight);
                                             if (FEWBITS_UNLIKELY(target - i < 8)) {
                                                 store(low, w);
                                                 store(high, w + 4);
                                                 w[target - i] = 0;
                                                 low = f64x4::load(w);
                                                 high = f64x4::load(w + 4);
                                             }
                                         });
    const double r = others.total(), own = first_lane(masked(at_target, e, Weight::weight)), total = r + own;
    const double ratio = r / own;
    if (ratio < plus_infinity) {
        *loss = static_cast<T>(log1p(ratio));
    } else {
        *loss = static_cast<T>(own > 0 ? log(r) - log(own) : ratio);
    }
    if (grad == nullptr) return;
    const f64x4 divisor = splat(total);
    sum_groups(o, size, T(0), [&](std::size_t i, f64x4 low, f64x4 high) FEWBITS_INLINE_LAMBDA {
        store_group(masked(low, e, Weight::derivative) / divisor,
                    masked(high, e, Weight::derivative) / divisor, grad, i, size);
    });
    const double slope = first_lane(masked(at_target, e, Weight::log_derivative));
    grad[target] = static_cast<T>(-(slope * (r / total)));
}

template <class T>
void softmax_loss(const T* z, std::size_t size, std::size_t target, T* loss, T* grad, double* e) {
    const RowSums sums = row_sums(z, size, e);
    double hi, lo;
    sums.log_total(hi, lo);
    const auto below = two_sum(sums.peak.value, -double{z[target]});
    const auto sum = two_sum(below.value, hi);
    const double result = sum.value + ((below.error + lo) + sum.error);
    *loss = static_cast<T>(sum.value < plus_infinity ? result : sum.value);
    if (grad == nullptr) return;
    const double total = sums.total(), rest = sums.others.total();
    const f64x4 divisor = splat(total);
    const double own = e[target];  // 0 where the target is the maximum
    for (std::size_t i = 0; i < size; i += 8) {
        store_group(f64x4::load(e + i) / divisor, f64x4::load(e + i + 4) / divisor, grad, i, size);
    }
    grad[sums.peak.index] = static_cast<T>(1 / total);
    const double wrong = target == sums.peak.index ? rest : (rest - own) + 1;
    grad[target] = static_cast<T>(-(wrong / total));
}

// False where the scores do not vary and epsilon is 0.
template <class T>
bool z_loss(const T* o, std::size_t size, std::size_t target, const LossOptions& options, T* loss, T* grad,
            double* d) {
    const double n = static_cast<double>(size);
    const double mean = sum_groups(o, size, T(0), [](std::size_t, f64x4, f64x4) {}).total() / n;
    const f64x4 centre = splat(mean);
    const double drift = sum_groups(o, size, static_cast<T>(0),
                                    [&](std::size_t i, f64x4& low, f64x4& high) FEWBITS_INLINE_LAMBDA {
                                        low = low - centre;
                                        high = high - centre;
                                        store(low, d + i);
                                        store(high, d + i + 4);
                                        for (std::size_t j = size; j < i + 8; ++j) d[j] = 0;
                                        low = f64x4::load(d + i);
                                        high = f64x4::load(d + i + 4);
                                    })
                             .total() /
                         n;
    const std::size_t padded = (size + 7) / 8 * 8;
    // Two passes: mean square of the centred scores, less what rounding left in their mean.
    const double square = sum_groups(d, padded, 0.0,
                                     [](std::size_t, f64x4& low, f64x4& high) FEWBITS_INLINE_LAMBDA {
                                         low = low * low;
                                         high = high * high;
                                     })
                              .total() /
                          n;
    const double sigma = std::sqrt(std::max(0.0, square - drift * drift));
    const double scale = sigma + options.epsilon;
    if (scale == 0) return false;
    const double own = (d[target] - drift) / scale;
    const double t = options.sharpness * (options.location - own);
    *loss = static_cast<T>(softplus(t) / options.sharpness);
    if (grad == nullptr) return true;
    const double slope = sigmoid(t) / scale;
    const f64x4 offset = splat(drift), s = splat(slope / n);
    const f64x4 factor = splat(sigma > 0 ? own / sigma : 0);
    for (std::size_t i = 0; i < size; i += 8) {
        const f64x4 low = fma(f64x4::load(d + i) - offset, factor, splat(1)),
                    high = fma(f64x4::load(d + i + 4) - offset, factor, splat(1));
        store_group(low * s, high * s, grad, i, size);
    }
    const double spread = sigma > 0 ? (d[target] - drift) * (own / sigma) : 0;
    grad[target] = static_cast<T>(-slope * ((1 - 1 / n) - spread / n));
    return true;
}

template <class T>
void square_loss(const T* o, std::size_t size, std::size_t target, T* loss, T* grad) {
    const double others = sum_groups(o, size, T(0), [&](std::size_t i, f64x4& low, f64x4& high) {
                              double values[8];
                              store(low, values);
                              store(high, values + 4);
                              if (target - i < 8) values[target - i] -= 1;
                              low = f64x4::load(values) * f64x4::load(values);
                              high = f64x4::load(values + 4) * f64x4::load(values + 4);
                          }).total();
    const T own = o[target];
    *loss = static_cast<T>(others);
    if (grad == nullptr) return;
    for (std::size_t i = 0; i < size; ++i) grad[i] = o[i] + o[i];
    grad[target] = static_cast<T>(2 * (double{own} - 1));
}

}  // namespace detail

// Loss and gradient of every row of `width` scores; a target of -1 has loss and gradient 0. `grad` may be
// empty, then losses only.
template <class T>
void cross_entropy(Span<const T> z, Span<const std::int64_t> targets, std::size_t width, Loss kind,
                   const LossOptions& options, Span<T> loss, Span<T> grad, int threads = 1) {
    const std::string prefix = "functions::cross_entropy: ";
    FEWBITS_REQUIRE(width > 0 && targets.size() * width == z.size() && loss.size() == targets.size(),
                    prefix + "targets and loss must have one element for each row of z");
    FEWBITS_REQUIRE(kind != Loss::spherical || options.epsilon > 0, prefix + "epsilon must be positive");
    FEWBITS_REQUIRE(kind != Loss::z || options.sharpness > 0, prefix + "sharpness must be positive");
    const std::size_t out_size = grad.empty() ? z.size() : grad.size();
    detail::for_rows(
        "cross_entropy", z.size(), out_size, width, threads, [&](std::size_t row, double* workspace) {
            const T* o = z.data() + row * width;
            T* to = grad.empty() ? nullptr : grad.data() + row * width;
            const std::int64_t target = targets[row];
            FEWBITS_REQUIRE(target >= -1 && target < static_cast<std::int64_t>(width),
                            prefix + "targets must be in 0.." + std::to_string(width - 1) + ", got " +
                                std::to_string(target) + " in row " + std::to_string(row));
            if (target == -1) {
                loss[row] = 0;
                if (to != nullptr) std::fill(to, to + width, T(0));
                return;
            }
            const auto c = static_cast<std::size_t>(target);
            const detail::Peak peak = detail::peak_of(o, width);
            const bool masks = kind != Loss::z && kind != Loss::mse;
            bool finite =
                !peak.nan && peak.value < detail::plus_infinity && peak.value > -detail::plus_infinity;
            for (std::size_t i = 0; finite && !masks && i < width; ++i) finite = o[i] - o[i] == T(0);
            if (!finite) {
                loss[row] = std::numeric_limits<T>::quiet_NaN();
                if (to != nullptr) detail::fill_nan(to, width);
                return;
            }
            T* at = &loss[row];
            switch (kind) {
                case Loss::softmax:
                    return detail::softmax_loss(o, width, c, at, to, workspace);
                case Loss::stablemax:
                    return detail::weighted_loss<detail::StablemaxWeight>(o, width, c, 0, at, to, workspace);
                case Loss::taylor:
                    return detail::weighted_loss<detail::TaylorWeight>(o, width, c, 0, at, to, workspace);
                case Loss::spherical:
                    return detail::weighted_loss<detail::SphericalWeight>(o, width, c, options.epsilon, at,
                                                                          to, workspace);
                case Loss::mse:
                    return detail::square_loss(o, width, c, at, to);
                case Loss::z:
                    break;
            }
            FEWBITS_REQUIRE(detail::z_loss(o, width, c, options, at, to, workspace),
                            prefix + "the scores of row " + std::to_string(row) +
                                " are all equal: the z loss needs epsilon > 0 there");
        });
}

// The probabilities s(z_j) / sum s(z_k) of StableMax.
template <class T>
void stablemax(Span<const T> z, std::size_t width, Span<T> out, int threads = 1) {
    detail::for_rows("stablemax", z.size(), out.size(), width, threads, [&](std::size_t row, double* w) {
        const T* x = z.data() + row * width;
        T* to = out.data() + row * width;
        const detail::Peak peak = detail::peak_of(x, width);
        if (peak.nan || peak.value == detail::plus_infinity || peak.value == -detail::plus_infinity) {
            return detail::fill_nan(to, width);
        }
        const f64x4 zero = f64x4::zero();
        const auto weight = [&](f64x4 v) FEWBITS_INLINE_LAMBDA {
            return detail::masked(v, zero, detail::StablemaxWeight::weight);
        };
        const f64x4 total = detail::splat(detail::sum_groups(x, width, -std::numeric_limits<T>::infinity(),
                                                             [&](std::size_t i, f64x4& low, f64x4& high)
                                                                 FEWBITS_INLINE_LAMBDA {
                                                                     low = weight(low);
                                                                     high = weight(high);
                                                                     store(low, w + i);
                                                                     store(high, w + i + 4);
                                                                 })
                                              .total());
        for (std::size_t i = 0; i < width; i += 8) {
            detail::store_group(f64x4::load(w + i) / total, f64x4::load(w + i + 4) / total, to, i, width);
        }
    });
}

}  // namespace functions
}  // namespace FEWBITS_ISA
}  // namespace fewbits
