// exp, exp2, exp10 and expm1.
//
//   float32  no misrounding among all 2^32 inputs (bounds.json counts what was checked);
//            fast: at most 1 ulp for all 2^32 inputs (exp, exp2)
//   float64  at most 0.51 ulp, subnormal results included
// exp, exp2, exp10: -inf -> +0, +inf -> +inf, overflow to infinity, gradual underflow. expm1(-0) = -0,
// expm1(-inf) = -1. nan -> nan.
// float32 is evaluated in float64: k = rint(x / log 2), a polynomial of degree 11 for 2^-k e^x on |r| <=
// ln2/2, and one conversion, which also gives the subnormal numbers. float64: exp_dd's table
// (double_double.hpp). Coefficients: tools/functions_tables.py.
#pragma once

#include "fewbits/functions/detail/elementwise.hpp"
#include "fewbits/functions/detail/exponential_tables.hpp"
#include "fewbits/functions/double_double.hpp"
#include "fewbits/simd/i32x8.hpp"

namespace fewbits {
inline namespace FEWBITS_ISA {
namespace functions {

namespace detail {

// 2^k p(r) for float32: p a polynomial, k and r from an argument that is clamped.
template <std::size_t N>
FEWBITS_KERNEL f64x4 exp_scaled(f64x4 shifted, f64x4 r, const double (&c)[N]) {
    const u64x4 exponent = shift_left(to_bits(shifted), 52);
    return from_bits(to_bits(even_odd(r, c)) + exponent);
}

FEWBITS_INLINE f32x8 splat_f32(float x) { return f32x8::broadcast(x); }

constexpr float rounder_f32 = 0x1.8p23F;

// 2^n for integral n in -126..127.
FEWBITS_INLINE f32x8 power_of_two(f32x8 n) {
    const auto word = simd::bit_cast<simd::i32x8>(n + splat_f32(rounder_f32 + 127));
    return simd::bit_cast<f32x8>(shift_left(word, 23));
}
// y 2^k in two steps, of which the second rounds.
FEWBITS_INLINE f32x8 scale_f32(f32x8 y, f32x8 k) {
    const f32x8 first = floor(k * splat_f32(0.5F));
    return (y * power_of_two(first)) * power_of_two(k - first);
}
template <std::size_t N>
FEWBITS_INLINE f32x8 horner(f32x8 x, const float (&c)[N]) {
    f32x8 total = splat_f32(c[N - 1]);
    for (std::size_t i = N - 1; i-- > 0;) total = fma(total, x, splat_f32(c[i]));
    return total;
}

struct ExpKernel {
    static constexpr const char* name = "exp";
    static FEWBITS_KERNEL f32x8 fast(f32x8 x) {
        const f32x8 a = max(splat_f32(-105), min(splat_f32(89), x));  // nan stays
        const f32x8 k = fma(a, splat_f32(inv_ln2_f32), splat_f32(rounder_f32)) - splat_f32(rounder_f32);
        const f32x8 r = fma(-k, splat_f32(ln2_low_f32), fma(-k, splat_f32(ln2_high_f32), a));
        const auto sum = fast_two_sum(splat_f32(1), r);
        return scale_f32(sum.value + fma(r * r, horner(r, exp_tail_f32), sum.error), k);
    }
    static FEWBITS_INLINE f64x4 float64(f64x4 x) { return round_scaled(exp_quick(exp_clamp(x))); }
    static FEWBITS_INLINE f64x4 float32(f64x4 x) {
        const f64x4 a = max(splat(-110), min(splat(95), x));
        const f64x4 shifted = fma(a, splat(inv_ln2), splat(rounder)), k = shifted - splat(rounder);
        return exp_scaled(shifted, fma(-k, splat(ln2_second), fma(-k, splat(ln2_first), a)), exp_whole);
    }
};

struct Exp2Kernel {
    static constexpr const char* name = "exp2";
    static FEWBITS_KERNEL f32x8 fast(f32x8 x) {
        const f32x8 a = max(splat_f32(-151), min(splat_f32(129), x));
        const f32x8 k = (a + splat_f32(rounder_f32)) - splat_f32(rounder_f32), r = a - k;
        return scale_f32(fma(r, horner(r, exp2_rest_f32), splat_f32(1)), k);
    }
    static FEWBITS_KERNEL Scaled scaled(f64x4 x) {
        const f64x4 a = max(splat(-1090), min(splat(1030), x));
        const f64x4 k = fma(a, splat(128), splat(rounder)) - splat(rounder);
        // k = 128 exponent + j exactly; what is left is exact too, and multiplied by log 2 in two parts.
        const u64x4 j = to_bits(fma(a, splat(128), splat(rounder))) & splat_bits(127);
        f64x4 row[2];
        simd::lookup_rows(exp2_table, j, row);
        const f64x4 left = fma(k, splat(-1.0 / 128), a);
        const f64x4 r = left * splat(ln2[0]);
        const f64x4 r_low = fma(left, splat(ln2[0]), -r) + left * splat(ln2[1]);
        const f64x4 tail = r * r * horner(r, exp_tail);
        return {row[0], fma(row[0], r + (r_low + tail), row[1]), floor(k * splat(1.0 / 128))};
    }
    static FEWBITS_INLINE f64x4 float64(f64x4 x) { return round_scaled(scaled(x)); }
    static FEWBITS_INLINE f64x4 float32(f64x4 x) { return odd_scaled(scaled(x)); }
    // Alone it would misround two of all inputs, 0x3b429d37 and 0xb8d3d026.
    static FEWBITS_KERNEL f64x4 quick(f64x4 x) {
        const f64x4 a = max(splat(-160), min(splat(135), x));
        const f64x4 shifted = a + splat(rounder);
        return exp_scaled(shifted, a - (shifted - splat(rounder)), exp2_whole);
    }
};

struct Exp10Kernel {
    static constexpr const char* name = "exp10";
    static FEWBITS_INLINE f64x4 float64(f64x4 x) {
        const f64x4 a = max(splat(-330), min(splat(312), x));
        const f64x4 shifted = fma(a, splat(inv_log10_2_128), splat(rounder)), k = shifted - splat(rounder);
        f64x4 row[2];
        simd::lookup_rows(exp2_table, to_bits(shifted) & splat_bits(127), row);
        const f64x4 left = fma(-k, splat(log10_2_128_high), a);
        const f64x4 left_low = -k * splat(log10_2_128_low[0]);
        const DoubleDouble r = multiply(constant(ln10), as_double_double(fast_two_sum(left, left_low)));
        const f64x4 tail = r.hi * r.hi * horner(r.hi, exp_tail);
        return round_scaled({row[0], fma(row[0], r.hi + (r.lo + tail), row[1]), floor(k * splat(1.0 / 128))});
    }
    static FEWBITS_INLINE f64x4 float32(f64x4 x) {
        const f64x4 a = max(splat(-48), min(splat(41), x));
        const f64x4 shifted = fma(a, splat(inv_log10_2), splat(rounder)), k = shifted - splat(rounder);
        const f64x4 r = fma(-k, splat(log10_2_second), fma(-k, splat(log10_2_first), a));
        return exp_scaled(shifted, r, exp10_whole);
    }
};

struct Expm1Kernel {
    static constexpr const char* name = "expm1";
    static FEWBITS_INLINE f64x4 float64(f64x4 x) {
        const DoubleDouble near = expm1_dd({max(splat(-60), min(splat(60), x)), f64x4::zero()});
        f64x4 result = near.hi + near.lo;
        const auto large = x > splat(60);
        if (FEWBITS_UNLIKELY(any(large))) {
            result = select(large, round_scaled(exp_quick(exp_clamp(x))), result);
        }
        return select(x == f64x4::zero(), x, result);
    }
    static FEWBITS_INLINE f64x4 float32(f64x4 x) {
        const DoubleDouble near = expm1_dd({max(splat(-60), min(splat(100), x)), f64x4::zero()});
        return select(x == f64x4::zero(), x, to_odd(near));
    }
    // T (1 + p) - 1 with T = 2^(k / 128): T - 1 is 0 or at least 2^-8, so that what T is off hardly counts.
    static FEWBITS_KERNEL f64x4 quick(f64x4 x) {
        const Reduced a = exp_reduce({max(splat(-60), min(splat(100), x)), f64x4::zero()});
        const f64x4 power = power_of_two(a.exponent), high = a.high * power;
        const f64x4 rest = fma(high, a.r + (a.r_low + a.tail), a.low * power);
        return select(x == f64x4::zero(), x, (high - splat(1)) + rest);
    }
};

}  // namespace detail

// e^x
inline constexpr detail::Unary<detail::ExpKernel> exp{};
// 2^x
inline constexpr detail::Unary<detail::Exp2Kernel> exp2{};
// 10^x
inline constexpr detail::Unary<detail::Exp10Kernel> exp10{};
// e^x - 1
inline constexpr detail::Unary<detail::Expm1Kernel> expm1{};

}  // namespace functions
}  // namespace FEWBITS_ISA
}  // namespace fewbits
