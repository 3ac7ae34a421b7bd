// The part of a gradient that is orthogonal to the weights: g - (<w, g> / <w, w>) w.
//
// Inner products and the projection in float64, the latter twice (the second removes what rounding left of
// the first), one rounding to the type of g: |<w, g_perp>| <= 4 eps |w| |g|, eps that of the type. Where
// |g_perp| <= 8 eps sqrt(n) |g| it is rounding noise and becomes 0, so that rescaling to |g| cannot turn
// noise into a step. w = 0 leaves g as it is. Sums: eight lanes in blocks of 128, compensated between blocks.
// Source: L. Prieto et al., "Grokking at the edge of numerical stability", arXiv 2501.04697, section 4.
#pragma once

#include <cmath>
#include <limits>

#include "fewbits/functions/softmax.hpp"

namespace fewbits {
inline namespace FEWBITS_ISA {
namespace functions {

// Inner products of weights and gradient; those of several tensors are added for a projection of all at once.
struct PerpSums {
    double ww = 0, wg = 0, gg = 0;
};

// What is left after the first projection: <w, r> and <r, r> of r = g - first w.
struct PerpRest {
    double wr = 0, rr = 0;
};

struct PerpFactors {
    double first = 0, second = 0, scale = 1;  // (g - first w - second w) scale
};

namespace detail {

template <class T, class Term>
double sum_pairs(Span<const T> w, Span<const T> g, Term term) {
    return sum_groups(w.data(), w.size(), T(0),
                      [&](std::size_t i, f64x4& low, f64x4& high) FEWBITS_INLINE_LAMBDA {
                          f64x4 g_low, g_high;
                          load_group(g.data(), i, g.size(), T(0), g_low, g_high);
                          low = term(low, g_low);
                          high = term(high, g_high);
                      })
        .total();
}

}  // namespace detail

template <class T>
PerpSums perp_sums(Span<const T> w, Span<const T> g) {
    FEWBITS_REQUIRE(w.size() == g.size(), "functions::perp_grad: weights must have the size of the gradient");
    return {detail::sum_pairs(w, g, [](f64x4 a, f64x4) { return a * a; }),
            detail::sum_pairs(w, g, [](f64x4 a, f64x4 b) { return a * b; }),
            detail::sum_pairs(w, g, [](f64x4, f64x4 b) { return b * b; })};
}

template <class T>
PerpRest perp_rest(Span<const T> w, Span<const T> g, double first) {
    const f64x4 c = detail::splat(-first);
    return {detail::sum_pairs(w, g, [&](f64x4 a, f64x4 b) { return a * fma(c, a, b); }),
            detail::sum_pairs(w, g, [&](f64x4 a, f64x4 b) {
                const f64x4 r = fma(c, a, b);
                return r * r;
            })};
}

// The factors of the projection of a vector of `size` elements, from sums over all of it.
template <class T>
PerpFactors perp_factors(const PerpSums& sums, const PerpRest& rest, std::size_t size, bool renormalize) {
    if (!(sums.ww > 0)) return {};
    const double second = rest.wr / sums.ww, first = sums.wg / sums.ww;
    const double perp = std::sqrt(std::max(0.0, rest.rr - second * rest.wr)), whole = std::sqrt(sums.gg);
    const double eps = double{std::numeric_limits<T>::epsilon()};
    if (perp <= 8 * eps * std::sqrt(static_cast<double>(size)) * whole) return {first, second, 0};
    return {first, second, renormalize ? whole / perp : 1};
}

// `out` may be `g`.
template <class T>
void perp_apply(Span<const T> w, Span<const T> g, const PerpFactors& factors, Span<T> out) {
    FEWBITS_REQUIRE(w.size() == g.size() && out.size() == g.size(),
                    "functions::perp_grad: weights and out must have the size of the gradient");
    if (factors.scale == 0) {
        std::fill(out.begin(), out.end(), T(0));
        return;
    }
    const f64x4 first = detail::splat(-factors.first), second = detail::splat(-factors.second),
                scale = detail::splat(factors.scale);
    for (std::size_t i = 0; i < g.size(); i += 8) {
        f64x4 w_low, w_high, low, high;
        detail::load_group(w.data(), i, w.size(), T(0), w_low, w_high);
        detail::load_group(g.data(), i, g.size(), T(0), low, high);
        low = fma(second, w_low, fma(first, w_low, low)) * scale;
        high = fma(second, w_high, fma(first, w_high, high)) * scale;
        detail::store_group(low, high, out.data(), i, g.size());
    }
}

// `out` may be `g`. With `renormalize` the result has the length of g.
template <class T>
void perp_grad(Span<const T> g, Span<const T> w, Span<T> out, bool renormalize = true) {
    const PerpSums sums = perp_sums(w, g);
    const PerpRest rest = sums.ww > 0 ? perp_rest(w, g, sums.wg / sums.ww) : PerpRest{};
    perp_apply(w, g, perp_factors<T>(sums, rest, g.size(), renormalize), out);
}

}  // namespace functions
}  // namespace FEWBITS_ISA
}  // namespace fewbits
