// Four numbers of twice the precision of float64, as unevaluated sums of two, and exp and log on them.
//
//   reciprocal         1 / (hi + lo), relative error at most 2^-102; add and multiply are those of
//                      core/double_word.hpp
//   log_dd(x)          natural logarithm of hi + lo, relative error at most 2^-67
//   exp_dd(x)          e^(hi + lo) as (hi + lo) 2^exponent, relative error at most 2^-67
//   expm1_dd(x)        the same less one, for |x| <= 40; error at most 2^-66 relative
//   to_odd(x)          hi + lo rounded to odd: rounding that to float32 gives what one rounding of hi + lo
//   gives round_scaled(x)    (hi + lo) 2^exponent as float64, rounded once, subnormal results included
// Domain: log_dd x > 0 finite, normal or not (lo counts only for hi >= 2^-900); exp_dd all numbers, with the
// exponent clamped so that round_scaled gives infinity and 0 where e^x does; nan stays nan.
// Measured against ball arithmetic by test_functions_double_double.
// exp: 2^(j/128) from a table times a polynomial on |r| <= ln2/256, reduced in two parts by fma.
// log: z = 2^-e x in [0.6875, 1.375), c near 1/z of 9 bits from a table of 256 (1 around 1), r = z c - 1
// exact and below 2^-8, log x = e ln2 - log c + r - r^2/2 + r^3 q(r), all but the last term in two parts.
// Source: P.-T. P. Tang, "Table-driven implementation of the exponential function", ACM TOMS 15 (1989), and
// "... of the logarithm function", ACM TOMS 16 (1990). Coefficients: tools/functions_tables.py.
#pragma once

#include <cstdint>
#include <cstring>

#include "fewbits/core/double_word.hpp"
#include "fewbits/core/error_free.hpp"
#include "fewbits/functions/detail/double_double_tables.hpp"
#include "fewbits/simd/f64x4.hpp"
#include "fewbits/simd/lookup_rows.hpp"
#include "fewbits/simd/u64x4.hpp"

namespace fewbits {
inline namespace FEWBITS_ISA {
namespace functions {

using simd::f64x4;
using simd::u64x4;

using DoubleDouble = DoubleWord<f64x4>;

// (hi + lo) 2^exponent; the exponent is an integral number.
struct Scaled {
    f64x4 hi, lo, exponent;
};

namespace detail {

FEWBITS_INLINE f64x4 splat(double x) { return f64x4::broadcast(x); }
FEWBITS_INLINE u64x4 splat_bits(std::uint64_t x) { return u64x4::broadcast(x); }
FEWBITS_INLINE u64x4 to_bits(f64x4 x) { return simd::bit_cast<u64x4>(x); }
FEWBITS_INLINE f64x4 from_bits(u64x4 x) { return simd::bit_cast<f64x4>(x); }
FEWBITS_INLINE DoubleDouble as_double_double(ErrorFree<f64x4> x) { return as_double_word(x); }
FEWBITS_INLINE DoubleDouble constant(const double (&pair)[2]) { return {splat(pair[0]), splat(pair[1])}; }

FEWBITS_INLINE u64x4 sign_of(f64x4 x) { return to_bits(x) & splat_bits(0x8000000000000000ULL); }
FEWBITS_INLINE f64x4 with_sign(f64x4 magnitude, u64x4 sign) { return from_bits(to_bits(magnitude) | sign); }
// x within [low, high]; nan becomes high, or stays.
FEWBITS_INLINE f64x4 clamp(f64x4 x, double low, double high) { return max(min(x, splat(high)), splat(low)); }
FEWBITS_INLINE f64x4 clamp_or_nan(f64x4 x, double low, double high) {
    return max(splat(low), min(splat(high), x));
}

// Adding it leaves the nearest integer in the low bits of the sum; |x| <= 2^51.
constexpr double rounder = 0x1.8p52;

// 2^n for integral n in -1022..1023.
FEWBITS_INLINE f64x4 power_of_two(f64x4 n) {
    return from_bits(shift_left(to_bits(n + splat(rounder + 1023)), 52));
}

// c[0] + c[1] x + ...: Horner's scheme, one order everywhere.
template <std::size_t N>
FEWBITS_KERNEL f64x4 horner(f64x4 x, const double (&c)[N]) {
    f64x4 total = splat(c[N - 1]);
    for (std::size_t i = N - 1; i-- > 0;) total = fma(total, x, splat(c[i]));
    return total;
}

// The same in even and odd powers: half the latency.
template <std::size_t N>
FEWBITS_KERNEL f64x4 even_odd(f64x4 x, const double (&c)[N]) {
    constexpr std::size_t top_even = (N - 1) & ~std::size_t{1}, top_odd = N % 2 == 0 ? N - 1 : N - 2;
    const f64x4 square = x * x;
    f64x4 even = splat(c[top_even]), odd = splat(c[top_odd]);
    for (std::size_t i = top_even; i >= 2; i -= 2) even = fma(even, square, splat(c[i - 2]));
    for (std::size_t i = top_odd; i >= 3; i -= 2) odd = fma(odd, square, splat(c[i - 2]));
    return fma(odd, x, even);
}

}  // namespace detail

// 1 / a: a quotient, and its correction by the exact remainder.
FEWBITS_KERNEL DoubleDouble reciprocal(DoubleDouble a) {
    const f64x4 one = detail::splat(1), q = one / a.hi;
    return {q, q * fma(-q, a.lo, fma(-q, a.hi, one))};
}
FEWBITS_KERNEL DoubleDouble select(simd::mask<4> m, DoubleDouble a, DoubleDouble b) {
    return {select(m, a.hi, b.hi), select(m, a.lo, b.lo)};
}
FEWBITS_KERNEL Scaled select(simd::mask<4> m, Scaled a, Scaled b) {
    return {select(m, a.hi, b.hi), select(m, a.lo, b.lo), select(m, a.exponent, b.exponent)};
}
// Of a power of two, exact barring underflow.
FEWBITS_INLINE DoubleDouble scale(DoubleDouble a, f64x4 power) { return {a.hi * power, a.lo * power}; }

// Where lo decides, the last bit of hi becomes 1 by a step towards hi + lo.
FEWBITS_KERNEL f64x4 to_odd(DoubleDouble x) {
    const auto sum = fast_two_sum(x.hi, x.lo);
    const u64x4 word = detail::to_bits(sum.value), one = detail::splat_bits(1);
    const f64x4 zero = f64x4::zero();
    const auto inexact = (sum.error < zero) | (sum.error > zero);  // false for nan
    const u64x4 opposite = shift_right(word ^ detail::to_bits(sum.error), 63);
    const u64x4 step = select(inexact, one - (opposite + opposite), u64x4::zero());
    const u64x4 even = (word & one) ^ one;
    return detail::from_bits(word + (step & (u64x4::zero() - even)));
}

// (hi + lo) 2^exponent where that is below 2^-1022: rounded once, by adding a number whose ulp is 2^-1074.
FEWBITS_KERNEL f64x4 round_subnormal(Scaled x) {
    const u64x4 sign = detail::sign_of(x.hi);
    const f64x4 hi = abs(x.hi), lo = detail::from_bits(detail::to_bits(x.lo) ^ sign);
    // hi < up, so the sum stays in the octave of up.
    const f64x4 up = detail::power_of_two(detail::splat(-1022) - x.exponent);
    const auto sum = two_sum(up, hi);
    const f64x4 units =
        (sum.value + to_odd({sum.error, lo})) - up;  // to odd: a tie is decided by lo, however small
    const f64x4 first = floor(x.exponent * detail::splat(0.5)), second = x.exponent - first;
    // Exact: a multiple of 2^-1074.
    return detail::with_sign((units * detail::power_of_two(first)) * detail::power_of_two(second), sign);
}

FEWBITS_KERNEL f64x4 round_scaled(Scaled x) {
    const f64x4 normal = detail::splat(0x1p-1022), sum = x.hi + x.lo;
    if (FEWBITS_LIKELY(all(abs(x.exponent) < detail::splat(1000)))) {
        const f64x4 result = sum * detail::power_of_two(x.exponent);
        if (FEWBITS_LIKELY(all(abs(result) >= normal))) return result;
        return select(abs(result) < normal, round_subnormal(x), result);
    }
    const f64x4 first = floor(x.exponent * detail::splat(0.5)), second = x.exponent - first;
    const f64x4 result = (sum * detail::power_of_two(first)) * detail::power_of_two(second);
    return select(abs(result) < normal, round_subnormal(x), result);
}
// Rounded to odd, for a following rounding to float32; exponents beyond its range are clamped.
FEWBITS_KERNEL f64x4 odd_scaled(Scaled x) {
    const f64x4 n = max(min(x.exponent, detail::splat(300)), detail::splat(-300));
    return to_odd({x.hi, x.lo}) * detail::power_of_two(n);
}

namespace detail {

using functions::select;  // found beside the one of intervals

struct Reduced {
    f64x4 high, low;       // 2^(j/128)
    f64x4 r, r_low, tail;  // e^(r + r_low) - 1 = r + r_low + tail
    f64x4 exponent;
};

// x = (128 exponent + j) ln2/128 + r + r_low, |x.hi| <= 2^13. A nan stays in r.
FEWBITS_KERNEL Reduced exp_reduce(DoubleDouble x) {
    const f64x4 shifted = fma(x.hi, splat(inv_ln2_128), splat(rounder));
    const f64x4 k = shifted - splat(rounder);
    const u64x4 j = to_bits(shifted) & splat_bits(127);
    f64x4 row[2];
    simd::lookup_rows(exp2_table, j, row);
    const f64x4 r = fma(-k, splat(ln2_128_high), x.hi);  // exact
    const f64x4 r_low = fma(-k, splat(ln2_128_low), x.lo);
    const f64x4 both = r + r_low;
    const f64x4 tail = both * both * horner(both, exp_tail);
    return {row[0], row[1], r, r_low, tail, floor(k * splat(1.0 / 128))};
}

// e^x = (hi + lo) 2^exponent with hi + lo good to 2^-62; hi need not be the rounded sum.
FEWBITS_KERNEL Scaled exp_quick(f64x4 x) {
    const Reduced a = exp_reduce({x, f64x4::zero()});
    return {a.high, fma(a.high, a.r + (a.r_low + a.tail), a.low), a.exponent};
}

FEWBITS_KERNEL Scaled exp_full(DoubleDouble x) {
    const Reduced a = exp_reduce(x);
    const auto product = two_prod(a.high, a.r);
    const auto sum = fast_two_sum(a.high, product.value);
    const f64x4 rest = fma(a.high, a.r_low + a.tail, fma(a.low, a.r, a.low));
    const auto result = fast_two_sum(sum.value, sum.error + (product.error + rest));
    return {result.value, result.error, a.exponent};
}

// e^x to 2^-50 of itself for |x| <= 700.
FEWBITS_KERNEL f64x4 exp_plain(f64x4 x) {
    const Scaled e = exp_quick(x);
    return (e.hi + e.lo) * power_of_two(e.exponent);
}

// Beyond these round_scaled gives infinity, and 0.
FEWBITS_INLINE f64x4 exp_clamp(f64x4 x) { return max(splat(-760), min(splat(720), x)); }

// Row of a table of tools/functions_tables.py, and the argument its polynomial is counted from.
struct Interval {
    u64x4 row;
    f64x4 middle;
};
// One of 16 intervals of an octave of y, row 0 beginning at `first` <= y; the argument is y - shift.
FEWBITS_INLINE Interval interval(double first, f64x4 y, double shift = 0, std::uint64_t first_row = 0) {
    std::uint64_t first_word;
    std::memcpy(&first_word, &first, sizeof first);
    first_word -= first_row << 48;
    const u64x4 word = to_bits(y);
    const f64x4 middle =
        from_bits((word & splat_bits(0xffff000000000000ULL)) | splat_bits(0x0000800000000000ULL));
    return {shift_right(word - splat_bits(first_word), 48), middle - splat(shift)};
}
FEWBITS_INLINE Interval select(simd::mask<4> m, Interval a, Interval b) {
    return {simd::select(m, a.row, b.row), simd::select(m, a.middle, b.middle)};
}

// The function at x + x_low as hi + lo, hi the value in the middle of the interval.
FEWBITS_KERNEL DoubleDouble piece(const double* table, Interval at, f64x4 x, f64x4 x_low) {
    f64x4 row[12];
    simd::lookup_rows(table, at.row, row);
    const f64x4 h = (x - at.middle) + x_low, square = h * h, fourth = square * square;
    const auto two = [&](std::size_t i) FEWBITS_INLINE_LAMBDA { return fma(row[i + 1], h, row[i]); };
    const f64x4 low = fma(two(4), square, two(2)), high = fma(two(8), square, two(6));
    const f64x4 rest = fma(fma(two(10), fourth, high), fourth, low);
    return {row[0], fma(h, rest, row[1])};
}

// The same as one float64, to 2^-50 of itself.
FEWBITS_KERNEL f64x4 piece_plain(const double* table, Interval at, f64x4 x) {
    const DoubleDouble y = piece(table, at, x, f64x4::zero());
    return y.hi + y.lo;
}

struct LogParts {
    f64x4 exponent, log_c, log_c_low, r;
    f64x4 z_scale;  // 2^-exponent
};

// x = 2^exponent z, r = z c - 1; x normal and positive.
FEWBITS_KERNEL LogParts log_reduce(f64x4 x) {
    const u64x4 word = to_bits(x), offset = word - splat_bits(0x3fe6000000000000ULL);
    const u64x4 index = shift_right(offset, 44) & splat_bits(255);
    // The exponent is the top 12 bits as signed number: biased by 2048 they are the low bits of a float64.
    const u64x4 biased = shift_right(offset + splat_bits(std::uint64_t{2048} << 52), 52);
    const f64x4 exponent = from_bits(biased | splat_bits(0x4330000000000000ULL)) - splat(0x1p52 + 2048);
    const f64x4 z = from_bits(word - (offset & splat_bits(0xfff0000000000000ULL)));
    f64x4 row[4];
    simd::lookup_rows(log_table, index, row);
    return {exponent, row[1], row[2], fma(z, row[0], splat(-1)), row[0]};
}

// Sum of `whole` (0, or larger than r^2) and log(1 + r + r_low), and `rest`.
FEWBITS_KERNEL DoubleDouble log_sum(f64x4 whole, f64x4 r, f64x4 r_low, f64x4 rest) {
    const auto square = two_prod(r, r);
    const f64x4 half = splat(0.5);
    const auto first = fast_two_sum(whole, r);
    const auto second = fast_two_sum(first.value, -half * square.value);
    const f64x4 tail = fma(square.value * r, horner(r, log_tail), rest);
    const f64x4 low = fma(-half, square.error, fma(-r, r_low, r_low)) + (first.error + second.error);
    return as_double_double(fast_two_sum(second.value, low + tail));
}

// Logarithm of 2^-extra (hi + lo), hi normal and positive.
FEWBITS_KERNEL DoubleDouble log_normal(DoubleDouble x, f64x4 extra) {
    const LogParts a = log_reduce(x.hi);
    // Clamped: where it acts lo no longer counts.
    const f64x4 c_scale = power_of_two(max(-a.exponent, splat(-1000))) * a.z_scale;
    const auto r = fast_two_sum(a.r, x.lo * c_scale);
    const f64x4 e = a.exponent - extra;
    const f64x4 whole = fma(e, splat(ln2_high), a.log_c);  // exact
    return log_sum(whole, r.value, r.error, fma(e, splat(ln2_low), a.log_c_low));
}

constexpr double smallest_normal = 0x1p-1022;

}  // namespace detail

FEWBITS_KERNEL Scaled exp_dd(DoubleDouble x) {
    const f64x4 clamped = detail::exp_clamp(x.hi);
    return detail::exp_full({clamped, select(clamped == x.hi, x.lo, f64x4::zero())});
}

FEWBITS_KERNEL DoubleDouble expm1_dd(DoubleDouble x) {
    const detail::Reduced a = detail::exp_reduce(x);
    const f64x4 power = detail::power_of_two(a.exponent);
    const f64x4 high = a.high * power, low = a.low * power;
    // 2^k (1 + p) - 1 with p = r + r_low + tail: 2^k - 1 is exact in two parts, what follows is far smaller
    // or, where 2^k = 1, all there is.
    const auto whole = two_sum(high, detail::splat(-1));
    const auto product = two_prod(high, a.r);
    const auto sum = two_sum(whole.value, product.value);
    const f64x4 rest = fma(high, a.r_low + a.tail, fma(low, a.r, low));
    const auto result = fast_two_sum(sum.value, (sum.error + whole.error) + (product.error + rest));
    return {result.value, result.error};
}

FEWBITS_KERNEL DoubleDouble log_dd(DoubleDouble x) {
    const auto small = x.hi < detail::splat(detail::smallest_normal);
    if (FEWBITS_LIKELY(none(small))) return detail::log_normal(x, f64x4::zero());
    const f64x4 power = select(small, detail::splat(0x1p54), detail::splat(1));
    return detail::log_normal({x.hi * power, x.lo * power}, select(small, detail::splat(54), f64x4::zero()));
}

}  // namespace functions
}  // namespace FEWBITS_ISA
}  // namespace fewbits
