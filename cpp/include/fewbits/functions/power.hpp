// rsqrt, cbrt and pow.
//
//   float32  rsqrt, cbrt: no misrounding among all 2^32 inputs (bounds.json counts what was checked); pow at
//            most 0.501 ulp
//   float64  rsqrt, cbrt at most 0.53 ulp; pow at most 0.56 ulp, subnormal results included
// rsqrt(x) = 1 / sqrt(x): +-0 -> +-inf, +inf -> 0, x < 0 -> nan. cbrt(+-0) = +-0, cbrt(+-inf) = +-inf. nan ->
// nan. pow as in C, annex F: pow(x, +-0) = pow(1, y) = 1 even for nan, pow(-1, +-inf) = 1, pow(x < 0,
// non-integer) = nan, the sign of pow(+-0, y) and pow(+-inf, y) follows the oddness of y; every float64
// beyond 2^53 is even. rsqrt corrects 1 / sqrt(x) by the exact remainders of the root and of the quotient.
// cbrt: x = 2^(3k) m with m in [1, 8), a table of polynomials, 16 per octave. pow: exp_dd(y log_dd(|x|)).
// Coefficients: tools/functions_tables.py.
#pragma once

#include <limits>

#include "fewbits/functions/detail/elementwise.hpp"
#include "fewbits/functions/detail/power_tables.hpp"
#include "fewbits/functions/double_double.hpp"
#include "fewbits/functions/logarithm.hpp"

namespace fewbits {
inline namespace FEWBITS_ISA {
namespace functions {

namespace detail {

struct RsqrtKernel {
    static constexpr const char* name = "rsqrt";
    static FEWBITS_KERNEL DoubleDouble parts(f64x4 x) {
        const f64x4 root = sqrt(x), one = splat(1), y = one / root;
        // 1 / sqrt(root^2 + e) = (1 / root) (1 - e / (2 root^2) ...)
        const f64x4 e = fma(-root, root, x);
        const f64x4 quotient = fma(-y, root, one);
        return {y, y * fma(e * splat(-0.5) * y, y, quotient)};
    }
    static FEWBITS_KERNEL f64x4 edges(f64x4 x, f64x4 result) {
        const f64x4 zero = f64x4::zero(), infinity = splat(std::numeric_limits<double>::infinity());
        const auto ordinary = (x > zero) & (x < infinity);
        if (FEWBITS_LIKELY(all(ordinary))) return result;
        const f64x4 nan = splat(std::numeric_limits<double>::quiet_NaN());
        const f64x4 edge =
            select(x == zero, with_sign(infinity, sign_of(x)), select(x == infinity, zero, nan));
        return select(ordinary, result, edge);
    }
    static FEWBITS_INLINE f64x4 float64(f64x4 x) {
        // Below 2^-900 the remainder would underflow.
        const auto small = x < splat(0x1p-900);
        const f64x4 up = select(small, splat(0x1p200), splat(1)),
                    back = select(small, splat(0x1p100), splat(1));
        const DoubleDouble y = parts(x * up);
        return edges(x, (y.hi + y.lo) * back);
    }
    static FEWBITS_INLINE f64x4 float32(f64x4 x) { return edges(x, to_odd(parts(x))); }
};

struct CbrtKernel {
    static constexpr const char* name = "cbrt";
    struct Parts {
        DoubleDouble root;
        f64x4 power;
    };
    static FEWBITS_KERNEL Parts of_magnitude(f64x4 a) {
        const auto small = a < splat(smallest_normal);
        f64x4 extra = f64x4::zero();
        if (FEWBITS_UNLIKELY(any(small))) {
            extra = select(small, splat(18), extra);
            a = select(small, a * splat(0x1p54), a);
        }
        // The exponent as a float64, then k = floor(exponent / 3): a third more than 0, 1/3 or 2/3 is never
        // near 1.
        const u64x4 word = to_bits(a);
        const f64x4 biased =
            from_bits(shift_right(word, 52) | splat_bits(0x4330000000000000ULL)) - splat(0x1p52);
        const f64x4 k = floor((biased - splat(1023) + splat(0.5)) * splat(1.0 / 3));
        const u64x4 remainder = to_bits(fma(k, splat(-3), biased) + splat(rounder)) & splat_bits(0x7ff);
        const f64x4 m = from_bits((word & splat_bits(0x000fffffffffffffULL)) | shift_left(remainder, 52));
        const f64x4 inside = clamp(m, 1, 7.99999999999);
        return {piece(cbrt_table, interval(1, inside), m, f64x4::zero()), power_of_two(k - extra)};
    }
    static FEWBITS_KERNEL f64x4 edges(f64x4 x, f64x4 result) {
        const auto ordinary =
            (abs(x) < splat(std::numeric_limits<double>::infinity())) & (x != f64x4::zero());
        return select(ordinary, with_sign(result, sign_of(x)), x);
    }
    static FEWBITS_INLINE f64x4 float64(f64x4 x) {
        const Parts y = of_magnitude(abs(x));
        return edges(x, (y.root.hi + y.root.lo) * y.power);
    }
    static FEWBITS_INLINE f64x4 float32(f64x4 x) {
        const Parts y = of_magnitude(abs(x));
        return edges(x, to_odd(y.root) * y.power);
    }
    static FEWBITS_KERNEL f64x4 quick(f64x4 x) { return float64(x); }
};

struct PowKernel {
    static constexpr const char* name = "pow";
    static FEWBITS_KERNEL Scaled scaled(f64x4 x, f64x4 y) {
        const DoubleDouble log_x = log_dd({abs(x), f64x4::zero()});
        const auto product = two_prod(log_x.hi, y);
        return exp_dd({product.value, fma(log_x.lo, y, product.error)});
    }
    static FEWBITS_KERNEL f64x4 edges(f64x4 x, f64x4 y, f64x4 result) {
        const f64x4 zero = f64x4::zero(), one = splat(1), half_y = y * splat(0.5);
        const f64x4 infinity = splat(std::numeric_limits<double>::infinity());
        const f64x4 a = abs(x);
        const auto ordinary = (x > zero) & (x < infinity) & (abs(y) < infinity);
        if (FEWBITS_LIKELY(all(ordinary))) return select((y == zero) | (x == one), one, result);
        const f64x4 nan = splat(std::numeric_limits<double>::quiet_NaN());
        const auto integral = floor(y) == y, odd = integral & (floor(half_y) != half_y);
        // At 0 and infinity in x or y: infinity where a > 1 goes up, or a < 1 down; 1 for a = 1.
        const auto grows = ((a > one) & (y > zero)) | ((a < one) & (y < zero));
        const f64x4 limit = select(a == one, one, select(grows, infinity, zero));
        const auto inner = (a > zero) & (a < infinity) & (abs(y) < infinity);
        f64x4 all_x = select(inner, result, limit);
        all_x = from_bits(to_bits(all_x) ^ select(odd, sign_of(x), u64x4::zero()));
        const auto invalid = (x < zero) & (a < infinity) & (abs(y) < infinity) & ~integral;
        all_x = select(invalid | (x != x) | (y != y), nan, all_x);
        return select((y == zero) | (x == one), one, all_x);
    }
    static FEWBITS_INLINE f64x4 float64(f64x4 x, f64x4 y) { return edges(x, y, round_scaled(scaled(x, y))); }
    static FEWBITS_INLINE f64x4 float32(f64x4 x, f64x4 y) { return edges(x, y, odd_scaled(scaled(x, y))); }
    // The exponent is below 130 where the result is finite and not 0: off by 2^-43 at most.
    static FEWBITS_KERNEL f64x4 quick(f64x4 x, f64x4 y) {
        const f64x4 zero = f64x4::zero(), infinity = splat(std::numeric_limits<double>::infinity());
        const auto ordinary = (x > zero) & (x < infinity) & (abs(y) < infinity);
        const f64x4 result = exp_plain(max(splat(-700), min(splat(700), y * log_plain(x))));
        return select(ordinary, result, splat(std::numeric_limits<double>::quiet_NaN()));
    }
};

}  // namespace detail

// 1 / sqrt(x)
inline constexpr detail::Unary<detail::RsqrtKernel> rsqrt{};
inline constexpr detail::Unary<detail::CbrtKernel> cbrt{};
// x^y
inline constexpr detail::Binary<detail::PowKernel> pow{};

}  // namespace functions
}  // namespace FEWBITS_ISA
}  // namespace fewbits
