// sin, cos, and both at once.
//
//   float32  no misrounding among all 2^32 inputs (bounds.json counts what was checked)
//   float64  at most 0.6 ulp
// sin(-0) = -0; +-inf and nan -> nan. Arguments of every size are reduced exactly enough: no accuracy is
// lost. k = rint(2x/pi), r = x - k pi/2. |x| < 2^20 (float64), 2^28 (float32): pi/2 in three (two) parts by
// fma. Beyond: x = M 2^q with M an integer, 192 bits of 2/pi times M modulo 4 in integer arithmetic, lane by
// lane. Then r + r^3 p(r^2) and 1 - r^2/2 + r^4 p(r^2), for float64 with the first two terms in two parts.
// Source: M. Payne, R. Hanek, "Radian reduction for trigonometric functions", SIGNUM Newsletter 18 (1983).
// Coefficients: tools/functions_tables.py.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <string>
#include <utility>

#include "fewbits/core/bits.hpp"
#include "fewbits/functions/detail/elementwise.hpp"
#include "fewbits/functions/detail/trigonometric_tables.hpp"
#include "fewbits/functions/double_double.hpp"

namespace fewbits {
inline namespace FEWBITS_ISA {
namespace functions {

namespace detail {

struct Angle {
    f64x4 r, r_low;  // |r| <= pi/4 and a little
    u64x4 quadrant;  // modulo 4, in the low bits
};

struct LargeAngle {
    double r, r_low;
    std::uint64_t quadrant;
};

// 64 bits of 2/pi from bit `at` behind the binary point; bits before the point are 0.
inline std::uint64_t two_over_pi_word(int at) {
    if (at <= -64) return 0;
    if (at < 0) return two_over_pi_bits[0] >> -at;
    const auto word = static_cast<unsigned>(at) / 64, shift = static_cast<unsigned>(at) % 64;
    const std::uint64_t high = two_over_pi_bits[word] << shift;
    return shift == 0 ? high : high | two_over_pi_bits[word + 1] >> (64 - shift);
}

// Any finite |x| >= 2. x = M 2^q: the bits of 2/pi that 2^q M lifts to multiples of 4 are left out, and of
// the following 192 every product with M counts: 53 bits of them reach above the point, 2 of these matter.
inline LargeAngle reduce_large(double x) {
    std::uint64_t word;
    std::memcpy(&word, &x, sizeof word);
    const int q = static_cast<int>((word >> 52) & 0x7ff) - 1075;
    const std::uint64_t m = (word & 0xfffffffffffffULL) | 0x10000000000000ULL;
    // The first bit that counts has weight 2^-(q-1) in 2/pi, hence 2 in the product with 2^q.
    const int first = q - 2;
    const std::uint64_t w0 = two_over_pi_word(first), w1 = two_over_pi_word(first + 64),
                        w2 = two_over_pi_word(first + 128);
    // The low 192 bits of m w, highest word first; a unit of p0's top bit is 2.
    const std::uint64_t p2 = m * w2, c1 = mul_high(m, w2);
    const std::uint64_t low1 = m * w1, p1 = low1 + c1;
    const std::uint64_t p0 = m * w0 + mul_high(m, w1) + (p1 < low1 ? 1 : 0);
    // To the nearest multiple of pi/2: the fraction is the 190 bits below the top two, as signed number.
    std::uint64_t f0 = p0 << 2 | p1 >> 62, f1 = p1 << 2 | p2 >> 62, f2 = p2 << 2;
    const bool negative = (f0 >> 63) != 0;
    std::uint64_t quadrant = (p0 >> 62) + (negative ? 1 : 0);
    if (negative) {
        f2 = ~f2 + 1;
        f1 = ~f1 + (f2 == 0 ? 1 : 0);
        f0 = ~f0 + (f2 == 0 && f1 == 0 ? 1 : 0);
    }
    // The leading 106 bits as two exact float64.
    int exponent = 0;
    while (f0 == 0 && exponent < 128) {
        f0 = f1;
        f1 = f2;
        f2 = 0;
        exponent += 64;
    }
    const unsigned zeros = 64 - bit_length(f0);
    if (zeros != 0 && zeros < 64) {
        f0 = f0 << zeros | f1 >> (64 - zeros);
        f1 = f1 << zeros | f2 >> (64 - zeros);
    }
    exponent += static_cast<int>(zeros);
    const double high = std::ldexp(static_cast<double>(f0 >> 11), -53 - exponent);
    const double low = std::ldexp(static_cast<double>((f0 & 0x7ff) << 42 | f1 >> 22), -106 - exponent);
    const auto product = two_prod(high, half_pi[0]);
    const double rest = product.error + std::fma(high, half_pi[1], low * half_pi[0]);
    auto r = fast_two_sum(product.value, rest);
    if (negative != std::signbit(x)) r = {-r.value, -r.error};
    if (std::signbit(x)) quadrant = ~quadrant + 1;
    return {r.value, r.error, quadrant};
}

// Lanes with |x| >= limit get their reduction one by one; infinities and nan become nan.
FEWBITS_KERNEL void reduce_large_lanes(f64x4 x, double limit, Angle& angle) {
    if (FEWBITS_LIKELY(all(abs(x) < splat(limit)))) return;
    double in[4], r[4], r_low[4];
    std::uint64_t quadrant[4];
    store(x, in);
    store(angle.r, r);
    store(angle.r_low, r_low);
    store(angle.quadrant, quadrant);
    for (int i = 0; i < 4; ++i) {
        if (std::fabs(in[i]) < limit) continue;
        LargeAngle one{std::numeric_limits<double>::quiet_NaN(), 0, 0};
        if (std::isfinite(in[i])) one = reduce_large(in[i]);
        r[i] = one.r;
        r_low[i] = one.r_low;
        quadrant[i] = one.quadrant;
    }
    angle = {f64x4::load(r), f64x4::load(r_low), u64x4::load(quadrant)};
}

FEWBITS_KERNEL Angle reduce_float64(f64x4 x) {
    const f64x4 shifted = fma(x, splat(two_over_pi), splat(rounder)), k = shifted - splat(rounder);
    const f64x4 first = fma(-k, splat(half_pi[0]), x);  // exact
    const auto second = two_prod(k, splat(half_pi[1]));
    const auto sum = two_sum(first, -second.value);
    const f64x4 low = sum.error - fma(k, splat(half_pi[2]), second.error);
    const auto r = fast_two_sum(sum.value, low);
    Angle angle{r.value, r.error, to_bits(shifted)};
    reduce_large_lanes(x, 0x1p20, angle);
    return angle;
}

FEWBITS_KERNEL Angle reduce_float32(f64x4 x) {
    const f64x4 shifted = fma(x, splat(two_over_pi), splat(rounder)), k = shifted - splat(rounder);
    const f64x4 r = fma(-k, splat(half_pi[1]), fma(-k, splat(half_pi[0]), x));
    Angle angle{r, f64x4::zero(), to_bits(shifted)};
    reduce_large_lanes(x, 0x1p28, angle);
    return angle;
}

struct SinCos {
    f64x4 sin, cos;
};

// Of r alone: larger parts and the small rests, together good to 2^-60 of the result.
struct SinCosParts {
    f64x4 sin, sin_rest, cos, cos_rest;
};
FEWBITS_KERNEL SinCosParts sin_cos_parts(const Angle& a) {
    const auto square = two_prod(a.r, a.r);
    const f64x4 z = square.value;
    const auto cube = two_prod(z, a.r);
    const f64x4 cube_low = fma(square.error, a.r, cube.error);
    const auto third = two_prod(cube.value, splat(minus_sixth[0]));
    const f64x4 third_low =
        fma(cube.value, splat(minus_sixth[1]), fma(cube_low, splat(minus_sixth[0]), third.error));
    const auto s = fast_two_sum(a.r, third.value);
    const f64x4 fifth = cube.value * z * even_odd(z, sin_tail);
    const f64x4 half = splat(0.5);
    const f64x4 slope = fma(-half, z, splat(1));  // cos r, good enough for r_low
    const auto c = fast_two_sum(splat(1), -half * z);
    const f64x4 fourth = z * z * even_odd(z, cos_tail);
    return {s.value, fma(a.r_low, slope, s.error + third_low) + fifth, c.value,
            fma(-half, square.error, fma(-a.r, a.r_low, c.error)) + fourth};
}
// In float64.
FEWBITS_KERNEL SinCos sin_cos_float64(const Angle& a) {
    const SinCosParts parts = sin_cos_parts(a);
    return {parts.sin + parts.sin_rest, parts.cos + parts.cos_rest};
}
FEWBITS_KERNEL SinCos sin_cos_float32(const Angle& a) {
    const f64x4 z = a.r * a.r;
    const f64x4 sin = fma(z * a.r, even_odd(z, sin_whole), a.r) + a.r_low;
    const f64x4 cos = fma(z * z, even_odd(z, cos_tail), fma(splat(-0.5), z, splat(1)));
    return {sin, cos};
}

// The quadrant swaps sin and cos and sets the signs; sin of +-0 is the argument.
FEWBITS_KERNEL SinCos rotate(f64x4 x, const Angle& a, SinCos y) {
    const u64x4 one = splat_bits(1);
    const auto odd = (a.quadrant & one) == one;
    const u64x4 sin_sign = shift_left(shift_right(a.quadrant, 1), 63);
    const u64x4 cos_sign = shift_left(shift_right(a.quadrant + one, 1), 63);
    const f64x4 sin = from_bits(to_bits(select(odd, y.cos, y.sin)) ^ sin_sign);
    const f64x4 cos = from_bits(to_bits(select(odd, y.sin, y.cos)) ^ cos_sign);
    return {select(x == f64x4::zero(), x, sin), cos};
}

FEWBITS_KERNEL SinCos sincos_float64(f64x4 x) {
    const Angle a = reduce_float64(x);
    return rotate(x, a, sin_cos_float64(a));
}
FEWBITS_KERNEL SinCos sincos_float32(f64x4 x) {
    const Angle a = reduce_float32(x);
    SinCos y = rotate(x, a, sin_cos_float32(a));
    // The arguments, of all, that would be misrounded: the exact value lies within 1e-8 ulp of a midpoint.
    const u64x4 sign = sign_of(x);
    y.sin = select(abs(x) == splat(0x1.3333300000000p+13),
                   from_bits(to_bits(splat(-0x1.63f4ba0000000p-2)) ^ sign), y.sin);
    const f64x4 magnitude = abs(x);
    y.cos = select(magnitude == splat(0x1.3170f00000000p+63), splat(0x1.fe29760000000p-1), y.cos);
    y.cos = select(magnitude == splat(0x1.2b96220000000p+67), splat(0x1.f0285e0000000p-1), y.cos);
    return y;
}

struct SinKernel {
    static constexpr const char* name = "sin";
    static FEWBITS_INLINE f64x4 float64(f64x4 x) { return sincos_float64(x).sin; }
    static FEWBITS_INLINE f64x4 float32(f64x4 x) { return sincos_float32(x).sin; }
};
struct CosKernel {
    static constexpr const char* name = "cos";
    static FEWBITS_INLINE f64x4 float64(f64x4 x) { return sincos_float64(x).cos; }
    static FEWBITS_INLINE f64x4 float32(f64x4 x) { return sincos_float32(x).cos; }
};

FEWBITS_NOINLINE inline void sincos_vectors(std::size_t n, const double* x, double* sin, double* cos) {
    for (std::size_t i = 0; i < n; i += 4) {
        const SinCos y = sincos_float64(f64x4::load(x + i));
        store(canonical_nan(y.sin), sin + i);
        store(canonical_nan(y.cos), cos + i);
    }
}
FEWBITS_NOINLINE inline void sincos_vectors(std::size_t n, const float* x, float* sin, float* cos) {
    for (std::size_t i = 0; i < n; i += 8) {
        const f32x8 both = f32x8::load(x + i);
        const SinCos low = sincos_float32(widen_low(both)), high = sincos_float32(widen_high(both));
        store(canonical_nan(narrow(low.sin, high.sin)), sin + i);
        store(canonical_nan(narrow(low.cos, high.cos)), cos + i);
    }
}

struct SinCosFunction {
    std::pair<float, float> operator()(float x, Accuracy = Accuracy::best) const { return scalar(x); }
    std::pair<double, double> operator()(double x, Accuracy = Accuracy::best) const { return scalar(x); }
    // One of the outputs may be `x`.
    void operator()(Span<const float> x, Span<float> sin, Span<float> cos, Accuracy = Accuracy::best) const {
        apply(x, sin, cos);
    }
    void operator()(Span<const double> x, Span<double> sin, Span<double> cos,
                    Accuracy = Accuracy::best) const {
        apply(x, sin, cos);
    }

private:
    template <class T>
    static std::pair<T, T> scalar(T x) {
        std::pair<T, T> y;
        apply(Span<const T>(&x, 1), Span<T>(&y.first, 1), Span<T>(&y.second, 1));
        return y;
    }
    template <class T>
    static void apply(Span<const T> x, Span<T> sin, Span<T> cos) {
        FEWBITS_REQUIRE(x.size() == sin.size() && x.size() == cos.size(),
                        "functions::sincos: sin and cos must have the size of x, " +
                            std::to_string(x.size()) + ", got " + std::to_string(sin.size()) + " and " +
                            std::to_string(cos.size()));
        constexpr std::size_t width = Vector<T>::size;
        const std::size_t n = x.size(), whole = n - n % width;
        sincos_vectors(whole, x.data(), sin.data(), cos.data());
        if (whole == n) return;
        T in[width], s[width], c[width];
        std::fill(std::copy(x.begin() + whole, x.end(), in), in + width, T(1));
        sincos_vectors(width, in, s, c);
        std::copy(s, s + (n - whole), sin.begin() + whole);
        std::copy(c, c + (n - whole), cos.begin() + whole);
    }
};

}  // namespace detail

inline constexpr detail::Unary<detail::SinKernel> sin{};
inline constexpr detail::Unary<detail::CosKernel> cos{};
// Both, for the price of one and a little: (sin x, cos x).
inline constexpr detail::SinCosFunction sincos{};

}  // namespace functions
}  // namespace FEWBITS_ISA
}  // namespace fewbits
