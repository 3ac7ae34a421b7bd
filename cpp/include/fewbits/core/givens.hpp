// Givens rotations: c, s, r with [c s; -conj(s) c] [f; g] = [r; 0], c real and >= 0, c^2 + |s|^2 = 1, for any
// scalar type with + - * / sqrt abs and comparisons: float, double, or numbers that round to a format.
//
//   r = sgn(f) sqrt(|f|^2 + |g|^2),  c = |f| / |r|,  s = sgn(f) conj(g) / |r|
//   g = 0: (1, 0, f) exactly.  f = 0: c = 0, s = conj(g) / |g|, r = |g|
//
// Methods: the order of operations is part of the definition.
//   paper        one division an entry: c = |f| / d, s = g / r with d = sqrt(f^2 + g^2). LAPACK 3.9 (real)
//                and from 3.11 on
//   lapack_3_10  products by a rounded 1 / d
//   lapack_3_9   complex only: products by sqrt(1 + |g|^2 / |f|^2); for real numbers the same as paper
// Squares neither overflow nor underflow: outside (sqrt(safmin), sqrt(safmax / 2)) for real, sqrt(safmax / 4)
// for complex numbers, f and g are scaled by max(|f|, |g|) within [safmin, safmax] first; r alone may
// overflow.
//
// Contract: errors in units of 2^-p, mean and largest of normal deviates, in tests/data/formats_givens.json;
// nan where an operand is nan or infinite (but g = 0 returns f).
// Sources: W. Pereira, A. Lotfi, J. Langou, "Numerical analysis of Givens rotation", arXiv:2211.04010;
// E. Anderson, "Algorithm 978: Safe scaling in the level 1 BLAS", ACM TOMS 44 (2017).
#pragma once

#include <cmath>

#include "fewbits/core/isa.hpp"

namespace fewbits {
inline namespace FEWBITS_ISA {

enum class GivensMethod { paper, lapack_3_10, lapack_3_9 };
inline constexpr const char* givens_method_names[] = {"paper", "lapack_3_10", "lapack_3_9"};

// A complex number whose products are written out, so that their order is known.
template <class S>
struct ComplexPair {
    S re, im;
};

template <class S>
struct GivensReal {
    S c, s, r;
};
template <class S>
struct GivensComplex {
    S c;
    ComplexPair<S> s, r;
};

// What scaling needs; made once for many rotations.
template <class S>
struct GivensLimits {
    S safmin, safmax;
    S root_min;                    // sqrt(safmin)
    S root_max, root_max_complex;  // sqrt(safmax / 2), sqrt(safmax / 4)

    // `smallest_normal` is 2^emin.
    explicit GivensLimits(const S& smallest_normal) : safmin(smallest_normal) {
        using std::sqrt;
        safmax = S(1) / safmin;
        root_min = sqrt(safmin);
        root_max = sqrt(safmax / S(2));
        root_max_complex = sqrt(safmax / S(4));
    }
};

namespace detail {

template <class S>
FEWBITS_INLINE S givens_abs(const S& x) {
    using std::abs;
    return abs(x);
}
template <class S>
FEWBITS_INLINE S givens_sqrt(const S& x) {
    using std::sqrt;
    return sqrt(x);
}
// a > b ? a : b, as everywhere.
template <class S>
FEWBITS_INLINE S givens_max(const S& a, const S& b) {
    return a > b ? a : b;
}
template <class S>
FEWBITS_INLINE S clamp_scale(const GivensLimits<S>& limits, const S& x) {
    const S low = givens_max(x, limits.safmin);
    return low > limits.safmax ? limits.safmax : low;
}
template <class S>
FEWBITS_INLINE bool between(const S& x, const S& low, const S& high) {
    return x > low && x < high;
}

template <class S>
FEWBITS_INLINE ComplexPair<S> divide(const ComplexPair<S>& a, const S& b) {
    return {a.re / b, a.im / b};
}
template <class S>
FEWBITS_INLINE ComplexPair<S> multiply(const ComplexPair<S>& a, const S& b) {
    return {a.re * b, a.im * b};
}
// conj(a) b
template <class S>
FEWBITS_INLINE ComplexPair<S> multiply_conjugate(const ComplexPair<S>& a, const ComplexPair<S>& b) {
    return {a.re * b.re + a.im * b.im, a.re * b.im - a.im * b.re};
}
template <class S>
FEWBITS_INLINE S square(const ComplexPair<S>& a) {
    return a.re * a.re + a.im * a.im;
}
template <class S>
FEWBITS_INLINE S largest_part(const ComplexPair<S>& a) {
    return givens_max(givens_abs(a.re), givens_abs(a.im));
}

// f and g scaled, or in range as they are; scaled, a small f may have become zero and lost its sign.
template <class S>
FEWBITS_INLINE GivensReal<S> givens_scaled(const S& f, const S& g, bool negative, GivensMethod method) {
    const S d = givens_sqrt(f * f + g * g), signed_d = negative ? -d : d;
    if (method != GivensMethod::lapack_3_10) return {givens_abs(f) / d, g / signed_d, signed_d};
    const S p = S(1) / d;
    return {givens_abs(f) * p, g * (negative ? -p : p), signed_d};
}

// f2 = |f|^2 and h2 = |f|^2 w^2 + |g|^2 for a scale w between f and g.
template <class S>
GivensComplex<S> givens_scaled(const ComplexPair<S>& f, const ComplexPair<S>& g, const S& f2, const S& g2,
                               const S& h2, const GivensLimits<S>& limits, GivensMethod method) {
    const bool product_is_safe = f2 > limits.root_min && h2 < S(2) * limits.root_max_complex;
    if (method == GivensMethod::lapack_3_10) {
        const S d = product_is_safe ? givens_sqrt(f2 * h2) : givens_sqrt(f2) * givens_sqrt(h2);
        const S p = S(1) / d;
        return {f2 * p, multiply_conjugate(g, multiply(f, p)), multiply(f, h2 * p)};
    }
    if (method == GivensMethod::lapack_3_9) {
        const S root = givens_sqrt(S(1) + g2 / f2);
        const ComplexPair<S> r = multiply(f, root);
        return {S(1) / root, multiply_conjugate(g, divide(r, f2 + g2)), r};
    }
    if (f2 >= h2 * limits.safmin) {
        const S c = givens_sqrt(f2 / h2);
        const ComplexPair<S> r = divide(f, c);
        const ComplexPair<S> s = product_is_safe ? multiply_conjugate(g, divide(f, givens_sqrt(f2 * h2)))
                                                 : multiply_conjugate(g, divide(r, h2));
        return {c, s, r};
    }
    const S d = givens_sqrt(f2 * h2), c = f2 / d;
    const ComplexPair<S> r = c >= limits.safmin ? divide(f, c) : multiply(f, h2 / d);
    return {c, multiply_conjugate(g, divide(f, d)), r};
}

}  // namespace detail

template <class S>
GivensReal<S> givens(const S& f, const S& g, const GivensLimits<S>& limits,
                     GivensMethod method = GivensMethod::paper) {
    using namespace detail;
    const S zero(0), one(1);
    if (g == zero) return {one, zero, f};
    const S f1 = givens_abs(f), g1 = givens_abs(g);
    if (f == zero) return {zero, g < zero ? -one : one, g1};
    if (between(f1, limits.root_min, limits.root_max) && between(g1, limits.root_min, limits.root_max))
        return givens_scaled(f, g, f < zero, method);
    const S u = clamp_scale(limits, givens_max(f1, g1));
    GivensReal<S> scaled = givens_scaled<S>(f / u, g / u, f < zero, method);
    scaled.r = scaled.r * u;
    return scaled;
}

template <class S>
GivensComplex<S> givens(const ComplexPair<S>& f, const ComplexPair<S>& g, const GivensLimits<S>& limits,
                        GivensMethod method = GivensMethod::paper) {
    using namespace detail;
    const S zero(0), one(1);
    if (g.re == zero && g.im == zero) return {one, {zero, zero}, f};
    const S g1 = largest_part(g);
    if (f.re == zero && f.im == zero) {
        const ComplexPair<S> conjugate{g.re, -g.im};
        S d = g1;
        if (g.re == zero || g.im == zero) return {zero, divide(conjugate, d), {d, zero}};
        if (between(g1, limits.root_min, limits.root_max)) {
            d = givens_sqrt(square(g));
            return {zero, divide(conjugate, d), {d, zero}};
        }
        const S u = clamp_scale(limits, g1);
        const ComplexPair<S> scaled = divide(conjugate, u);
        d = givens_sqrt(square(scaled));
        return {zero, divide(scaled, d), {d * u, zero}};
    }
    const S f1 = largest_part(f);
    const S high = limits.root_max_complex;
    if (between(f1, limits.root_min, high) && between(g1, limits.root_min, high)) {
        const S f2 = square(f), g2 = square(g);
        return givens_scaled(f, g, f2, g2, f2 + g2, limits, method);
    }
    const S u = clamp_scale(limits, givens_max(f1, g1));
    const ComplexPair<S> gs = divide(g, u);
    const S g2 = square(gs);
    GivensComplex<S> scaled;
    if (f1 / u < limits.root_min) {
        // f is so small beside g that it needs a scale of its own.
        const S v = clamp_scale(limits, f1), w = v / u;
        const ComplexPair<S> fs = divide(f, v);
        const S f2 = square(fs);
        // The formula of LAPACK 3.9 knows no second scale; |g|^2 is then in units of v^2.
        if (method == GivensMethod::lapack_3_9) method = GivensMethod::paper;
        scaled = givens_scaled(fs, gs, f2, g2, f2 * (w * w) + g2, limits, method);
        scaled.c = scaled.c * w;
    } else {
        const ComplexPair<S> fs = divide(f, u);
        const S f2 = square(fs);
        scaled = givens_scaled(fs, gs, f2, g2, f2 + g2, limits, method);
    }
    scaled.r = multiply(scaled.r, u);
    return scaled;
}

}  // namespace FEWBITS_ISA
}  // namespace fewbits
