// log, log2, log10 and log1p.
//
//   float32  no misrounding among all 2^32 inputs (bounds.json counts what was checked);
//            fast: at most 1 ulp for the same (log)
//   float64  at most 0.51 ulp
// log2 of powers of two and log10 of powers of ten are exact. log(+-0) = -inf, log(x < 0) = nan, log(+inf) =
// +inf; log1p(-1) = -inf, log1p(-0) = -0. nan -> nan. Subnormal arguments are ordinary ones. Both types use
// the table of log_dd (double_double.hpp); float32 with one part and a polynomial of degree 7. Coefficients:
// tools/functions_tables.py.
#pragma once

#include <limits>

#include "fewbits/functions/detail/elementwise.hpp"
#include "fewbits/functions/detail/logarithm_tables.hpp"
#include "fewbits/functions/double_double.hpp"
#include "fewbits/simd/i32x8.hpp"

namespace fewbits {
inline namespace FEWBITS_ISA {
namespace functions {

namespace detail {

// The values at x = 0, x < 0, +inf and nan.
FEWBITS_KERNEL f64x4 log_edges(f64x4 x, f64x4 result) {
    const f64x4 zero = f64x4::zero(), infinity = splat(std::numeric_limits<double>::infinity());
    const auto ordinary = (x > zero) & (x < infinity);
    if (FEWBITS_LIKELY(all(ordinary))) return result;
    const f64x4 nan = splat(std::numeric_limits<double>::quiet_NaN());
    const f64x4 edge = select(x == zero, -infinity, select(x == infinity, infinity, nan));
    return select(ordinary, result, edge);
}

// log x in another base: the exponent and the rest apart, so that powers of two are exact in base 2.
FEWBITS_KERNEL DoubleDouble log2_dd(f64x4 x) {
    const auto small = x < splat(smallest_normal);
    f64x4 extra = f64x4::zero();
    if (FEWBITS_UNLIKELY(any(small))) {
        extra = select(small, splat(54), extra);
        x = select(small, x * splat(0x1p54), x);
    }
    const LogParts a = log_reduce(x);
    const DoubleDouble part = log_sum(a.log_c, a.r, f64x4::zero(), a.log_c_low);
    const DoubleDouble scaled = multiply(part, constant(log2_e));
    const auto sum = two_sum(a.exponent - extra, scaled.hi);
    return as_double_double(fast_two_sum(sum.value, sum.error + scaled.lo));
}

// For float32 arguments: log x = whole + rest, whole exact.
struct LogQuick {
    f64x4 whole, rest, exponent;
};
FEWBITS_KERNEL LogQuick log_quick(f64x4 x) {
    const LogParts a = log_reduce(x);
    return {a.log_c, fma(a.r * a.r, even_odd(a.r, log_short), a.log_c_low) + a.r, a.exponent};
}

// log(x + low) for normal x > 0 and |low| < 2^-40 x, to 2^-46 of itself.
FEWBITS_KERNEL f64x4 log_plain(f64x4 x, f64x4 low) {
    const LogQuick y = log_quick(x);
    return fma(y.exponent, splat(ln2_high), y.whole) + (fma(y.exponent, splat(ln2_low), y.rest) + low / x);
}
FEWBITS_KERNEL f64x4 log_plain(f64x4 x) {
    const LogQuick y = log_quick(x);
    return fma(y.exponent, splat(ln2_high), y.whole) + fma(y.exponent, splat(ln2_low), y.rest);
}
// log(1 + x) for x > -1, likewise.
FEWBITS_KERNEL f64x4 log1p_plain(f64x4 x) {
    const auto sum = two_sum(splat(1), x);
    return log_plain(sum.value, sum.error);
}

struct LogKernel {
    static constexpr const char* name = "log";
    static FEWBITS_KERNEL f32x8 fast(f32x8 x) {
        const auto splat_f32 = [](float value) { return f32x8::broadcast(value); };
        const f32x8 zero = f32x8::zero(), infinity = splat_f32(std::numeric_limits<float>::infinity());
        const auto small = x < splat_f32(0x1p-126F);
        const f32x8 normal = select(small, x * splat_f32(0x1p23F), x);
        // z in [0.6875, 1.375)
        const auto offset = simd::bit_cast<simd::i32x8>(normal) - simd::i32x8::broadcast(0x3f300000);
        const auto exponent = shift_right(offset, 23);
        const f32x8 f =
            simd::bit_cast<f32x8>(simd::bit_cast<simd::i32x8>(normal) - shift_left(exponent, 23)) -
            splat_f32(1);
        const f32x8 e = convert_f32(exponent) - select(small, splat_f32(23), zero);
        f32x8 tail = splat_f32(log_tail_f32[8]);
        for (int i = 7; i >= 0; --i) tail = fma(tail, f, splat_f32(log_tail_f32[i]));
        const f32x8 square = f * f;
        const f32x8 rest = fma(square * f, tail, fma(splat_f32(-0.5F), square, e * splat_f32(log_2_low_f32)));
        const auto whole = fast_two_sum(e * splat_f32(log_2_high_f32), f);
        const f32x8 result = whole.value + (whole.error + rest);
        const auto ordinary = (x > zero) & (x < infinity);
        if (FEWBITS_LIKELY(all(ordinary))) return result;
        const f32x8 nan = splat_f32(std::numeric_limits<float>::quiet_NaN());
        return select(ordinary, result, select(x == zero, -infinity, select(x == infinity, x, nan)));
    }
    static FEWBITS_INLINE f64x4 float64(f64x4 x) {
        const DoubleDouble y = log_dd({x, f64x4::zero()});
        return log_edges(x, y.hi + y.lo);
    }
    static FEWBITS_INLINE f64x4 float32(f64x4 x) { return log_edges(x, to_odd(log_dd({x, f64x4::zero()}))); }
    // Alone it would misround five of all inputs.
    static FEWBITS_KERNEL f64x4 quick(f64x4 x) {
        const LogQuick y = log_quick(x);
        const f64x4 whole = fma(y.exponent, splat(ln2_high), y.whole);
        return log_edges(x, whole + fma(y.exponent, splat(ln2_low), y.rest));
    }
};

struct Log2Kernel {
    static constexpr const char* name = "log2";
    static FEWBITS_INLINE f64x4 float64(f64x4 x) {
        const DoubleDouble y = log2_dd(x);
        return log_edges(x, y.hi + y.lo);
    }
    static FEWBITS_INLINE f64x4 float32(f64x4 x) {
        const LogQuick y = log_quick(x);
        const auto sum = fast_two_sum(y.whole, y.rest);
        const f64x4 high = sum.value * splat(log2_e[0]);
        const f64x4 low = fma(sum.value, splat(log2_e[0]), -high) +
                          fma(sum.value, splat(log2_e[1]), sum.error * splat(log2_e[0]));
        return log_edges(x, (y.exponent + high) + low);
    }
};

struct Log10Kernel {
    static constexpr const char* name = "log10";
    static FEWBITS_INLINE f64x4 float64(f64x4 x) {
        const DoubleDouble y = multiply(log_dd({x, f64x4::zero()}), constant(log10_e));
        return log_edges(x, y.hi + y.lo);
    }
    static FEWBITS_INLINE f64x4 float32(f64x4 x) {
        const DoubleDouble y = multiply(log_dd({x, f64x4::zero()}), constant(log10_e));
        return log_edges(x, to_odd(y));
    }
    static FEWBITS_KERNEL f64x4 quick(f64x4 x) {
        const LogQuick y = log_quick(x);
        const f64x4 whole = fma(y.exponent, splat(ln2_high), y.whole);
        const auto sum = fast_two_sum(whole, fma(y.exponent, splat(ln2_low), y.rest));
        const f64x4 high = sum.value * splat(log10_e[0]);
        const f64x4 low = fma(sum.value, splat(log10_e[0]), -high) +
                          fma(sum.value, splat(log10_e[1]), sum.error * splat(log10_e[0]));
        return log_edges(x, high + low);
    }
};

// log(1 + x)
FEWBITS_KERNEL DoubleDouble log1p_dd(f64x4 x) {
    const auto sum = two_sum(splat(1), x);
    return log_normal({sum.value, sum.error}, f64x4::zero());
}

struct Log1pKernel {
    static constexpr const char* name = "log1p";
    static FEWBITS_KERNEL f64x4 edges(f64x4 x, f64x4 result) {
        return select(x == f64x4::zero(), x, log_edges(splat(1) + x, result));
    }
    static FEWBITS_INLINE f64x4 float64(f64x4 x) {
        const DoubleDouble y = log1p_dd(x);
        return edges(x, y.hi + y.lo);
    }
    static FEWBITS_INLINE f64x4 float32(f64x4 x) { return edges(x, to_odd(log1p_dd(x))); }
    static FEWBITS_KERNEL f64x4 quick(f64x4 x) { return edges(x, log1p_plain(x)); }
};

}  // namespace detail

// Natural logarithm.
inline constexpr detail::Unary<detail::LogKernel> log{};
// Logarithm to base 2.
inline constexpr detail::Unary<detail::Log2Kernel> log2{};
// Logarithm to base 10.
inline constexpr detail::Unary<detail::Log10Kernel> log10{};
// log(1 + x)
inline constexpr detail::Unary<detail::Log1pKernel> log1p{};

}  // namespace functions
}  // namespace FEWBITS_ISA
}  // namespace fewbits
