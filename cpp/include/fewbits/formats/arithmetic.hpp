// Arithmetic whose every operation rounds to a format: + - * / sqrt and fma, correctly rounded in every mode.
//
//   Context             a format and how to round
//   Arithmetic<T>       a context made ready for carrier T (float or double): scalars and arrays
//   Emulated<T>         a scalar that carries its arithmetic: operators, usable as a scalar type of Eigen
//
// Definition: op_F(a, b) = fl_F(a op b), rounded once; operands are values of F. Exact zero sums are +0, but
// -0 in toward_negative; nan results are positive; x / 0 is infinite. How the one rounding comes about:
//   native  in T, where F is T and rounding to nearest even.
//   direct  in T, then to F: harmless for nearest modes where T has 2 p + 2 bits and enough exponents (for
//           binary32 emin >= 3 p - 150, for binary64 emin >= 3 p - 1075). Never for fma.
//   odd     in binary64 with the rounding error (core/error_free.hpp): where that is not zero the last bit
//           becomes 1. This is rounding to odd, and a second rounding of any deterministic mode is right with
//           p <= 51; needs the exponents of F in -480..480, so that no error underflows.
//   exact   in integers, the result cut to 64 bits and the last of them set where a bit is lost.
// Stochastic modes: the fraction that decides is exact where the exact result has at most 60 bits; a longer
// one is cut, and the probability then wrong by less than 2^-(60 - p).
// Random bits: element i of an array operation reads draw first + i of the stream, as round_to does.
//
// Contract: exact, the same bits on every machine; nan policies that refuse throw ArgumentError.
// Sources: S. Figueroa, "When is double rounding innocuous?", SIGNUM 30 (1995); P. Roux, "Innocuous double
// rounding of basic arithmetic operations", J. Formalized Reasoning 7 (2014); S. Boldo, G. Melquiond,
// "Emulation of FMA and correctly rounded sums: proved algorithms using rounding to odd", IEEE Trans.
// Computers 57 (2008).
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "fewbits/core/bits.hpp"
#include "fewbits/core/error.hpp"
#include "fewbits/core/error_free.hpp"
#include "fewbits/core/isa.hpp"
#include "fewbits/core/span.hpp"
#include "fewbits/formats/float_format.hpp"
#include "fewbits/formats/rounding.hpp"
#include "fewbits/simd/f32x8.hpp"
#include "fewbits/simd/f64x4.hpp"
#include "fewbits/simd/u64x4.hpp"

namespace fewbits {
inline namespace FEWBITS_ISA {
namespace formats {

// How a sum of products is taken, in index order:
//   per_op  every product and every sum is rounded
//   fma     one rounding per multiply-add
//   block   block_size exact products and the accumulator are added exactly, then rounded to `accumulator`;
//           at the end once to the format
//   wide    multiply-adds with one rounding in `accumulator` (float32 or float64), at the end once to the
//           format
//   exact   the sum is exact, rounded once
enum class Accumulate { per_op, fma, block, wide, exact };
inline constexpr const char* accumulate_names[] = {"per_op", "fma", "block", "wide", "exact"};

// In which order the terms of a sum are added:
//   index      ((t0 + t1) + t2) + ...
//   pairwise   the first 2^k terms, 2^k the largest power of two below their number, and the others each by
//              the same rule, then the two sums. For Accumulate::per_op; an exact sum has no order.
enum class Summation { index, pairwise };
inline constexpr const char* summation_names[] = {"index", "pairwise"};

struct Context {
    FloatFormat format;
    RoundOptions options = {};
    Accumulate accumulate = Accumulate::per_op;
    std::size_t block_size = 4;
    FloatFormat accumulator = get("float32");
    Summation summation = Summation::index;
};

enum class Operation { add, subtract, multiply, divide };
inline constexpr const char* operation_names[] = {"add", "subtract", "multiply", "divide"};

namespace detail {

// 128 bits, for significands of products.
struct Wide {
    std::uint64_t high = 0, low = 0;
};
FEWBITS_INLINE Wide shift_left(Wide a, int count) {
    if (count >= 64) return {a.low << (count - 64), 0};
    if (count == 0) return a;
    return {a.high << count | a.low >> (64 - count), a.low << count};
}
// Cut bits that are not zero leave a one in the last place.
FEWBITS_INLINE Wide shift_right_sticky(Wide a, int count) {
    if (count == 0) return a;
    if (count >= 128) return {0, (a.high | a.low) != 0 ? 1U : 0U};
    if (count >= 64) {
        const int rest = count - 64;
        const std::uint64_t lost = a.low | (rest == 0 ? 0 : a.high << (64 - rest));
        return {0, a.high >> rest | (lost != 0 ? 1U : 0U)};
    }
    const bool lost = a.low << (64 - count) != 0;
    return {a.high >> count, (a.low >> count | a.high << (64 - count)) | (lost ? 1U : 0U)};
}
FEWBITS_INLINE Wide operator+(Wide a, Wide b) {
    const std::uint64_t low = a.low + b.low;
    return {a.high + b.high + (low < a.low ? 1U : 0U), low};
}
FEWBITS_INLINE Wide operator-(Wide a, Wide b) {
    return {a.high - b.high - (a.low < b.low ? 1U : 0U), a.low - b.low};
}
FEWBITS_INLINE bool operator<(Wide a, Wide b) { return a.high != b.high ? a.high < b.high : a.low < b.low; }
FEWBITS_INLINE int length(Wide a) {
    return a.high != 0 ? 64 + static_cast<int>(bit_length(a.high)) : static_cast<int>(bit_length(a.low));
}
// The first 64 bits of a 2^exponent, the last one sticky.
inline Exact cut(bool negative, Wide a, int exponent) {
    const int excess = std::max(length(a) - 64, 0);
    return {Exact::finite, negative, shift_right_sticky(a, excess).low, exponent + excess};
}

inline Exact exact_nan() { return {Exact::nan, false, 0, 0}; }
inline bool is_zero(const Exact& a) { return a.kind == Exact::finite && a.significand == 0; }

// a b + c. Products of 53 x 53 bits.
inline Exact exact_fma(const Exact& a, const Exact& b, const Exact& c, bool zero_is_negative) {
    const bool negative = a.negative != b.negative;
    if (a.kind == Exact::nan || b.kind == Exact::nan || c.kind == Exact::nan) return exact_nan();
    if (a.kind == Exact::infinite || b.kind == Exact::infinite) {
        if (is_zero(a) || is_zero(b)) return exact_nan();
        if (c.kind == Exact::infinite && c.negative != negative) return exact_nan();
        return {Exact::infinite, negative, 0, 0};
    }
    if (c.kind == Exact::infinite) return c;
    const bool no_product = is_zero(a) || is_zero(b);
    if (no_product && c.significand == 0)
        return {Exact::finite, negative == c.negative ? negative : zero_is_negative, 0, 0};
    if (no_product) return c;
    Wide product{mul_high(a.significand, b.significand), a.significand * b.significand};
    int exponent = a.exponent + b.exponent;
    if (c.significand == 0) return cut(negative, product, exponent);
    // Both with their highest bit at 125; the lower one is then shifted to the place of the higher.
    Wide addend{0, c.significand};
    int shift = 126 - length(product);
    product = shift_left(product, shift);
    exponent -= shift;
    shift = 126 - length(addend);
    addend = shift_left(addend, shift);
    const int addend_exponent = c.exponent - shift;
    if (exponent >= addend_exponent) {
        addend = shift_right_sticky(addend, exponent - addend_exponent);
    } else {
        product = shift_right_sticky(product, addend_exponent - exponent);
        exponent = addend_exponent;
    }
    if (negative == c.negative) return cut(negative, product + addend, exponent);
    if (product < addend) return cut(c.negative, addend - product, exponent);
    const Wide difference = product - addend;
    if (length(difference) == 0) return {Exact::finite, zero_is_negative, 0, 0};
    return cut(negative, difference, exponent);
}

inline Exact exact_divide(const Exact& a, const Exact& b) {
    const bool negative = a.negative != b.negative;
    if (a.kind == Exact::nan || b.kind == Exact::nan) return exact_nan();
    if (a.kind == Exact::infinite)
        return b.kind == Exact::infinite ? exact_nan() : Exact{Exact::infinite, negative, 0, 0};
    if (b.kind == Exact::infinite) return {Exact::finite, negative, 0, 0};
    if (b.significand == 0) return a.significand == 0 ? exact_nan() : Exact{Exact::infinite, negative, 0, 0};
    if (a.significand == 0) return {Exact::finite, negative, 0, 0};
    // Both with their highest bit at 52; then eleven bits of the quotient at a time, 62 or 63 in all.
    const int shift_a = 53 - static_cast<int>(bit_length(a.significand));
    const int shift_b = 53 - static_cast<int>(bit_length(b.significand));
    const std::uint64_t divisor = b.significand << shift_b;
    std::uint64_t rest = a.significand << shift_a, quotient = rest / divisor;
    rest %= divisor;
    int exponent = a.exponent - shift_a - b.exponent + shift_b;
    for (const int bits : {11, 11, 11, 11, 11, 7}) {
        quotient = quotient << bits | (rest << bits) / divisor;
        rest = (rest << bits) % divisor;
        exponent -= bits;
    }
    return {Exact::finite, negative, quotient << 1 | (rest != 0 ? 1U : 0U), exponent - 1};
}

inline Exact exact_sqrt(const Exact& a) {
    if (a.kind == Exact::nan) return exact_nan();
    if (is_zero(a)) return a;
    if (a.negative) return exact_nan();
    if (a.kind == Exact::infinite) return a;
    // An even exponent, the significand in bits 52, 53 or less; digits of the root two bits at a time.
    const int shift = 53 - static_cast<int>(bit_length(a.significand));
    std::uint64_t significand = a.significand << shift;
    int exponent = a.exponent - shift;
    if (exponent % 2 != 0) {
        significand <<= 1;
        --exponent;
    }
    std::uint64_t root = 0, rest = 0;
    for (int pair = 29; pair >= -34; --pair) {
        const std::uint64_t digits = pair >= 0 ? significand >> (2 * pair) & 3 : 0;
        rest = rest << 2 | digits;
        root <<= 1;
        if (rest >= 2 * root + 1) {
            rest -= 2 * root + 1;
            ++root;
        }
    }
    return {Exact::finite, false, root << 1 | (rest != 0 ? 1U : 0U), exponent / 2 - 35};
}

inline Exact exact_operation(Operation operation, Exact a, Exact b, bool zero_is_negative) {
    constexpr Exact one{Exact::finite, false, 1, 0};
    switch (operation) {
        case Operation::subtract:
            b.negative = !b.negative;
            return exact_fma(a, one, b, zero_is_negative);
        case Operation::multiply: {
            // A zero to add of the sign of the product, so that it changes nothing.
            return exact_fma(a, b, {Exact::finite, a.negative != b.negative, 0, 0}, zero_is_negative);
        }
        case Operation::divide:
            return exact_divide(a, b);
        default:
            return exact_fma(a, one, b, zero_is_negative);
    }
}

// ---- rounding to odd by errors, for double and for f64x4 -------------------------------------------------

// value + error rounded to odd, |error| <= ulp(value) / 2; value as it is where it is not finite.
FEWBITS_INLINE double make_odd(double value, double error) {
    const std::uint64_t word = to_word(value);
    const bool inexact = (error < 0 || error > 0) && (word & infinity_bits<double>) != infinity_bits<double>;
    if (!inexact || word % 2 != 0) return value;
    const bool grows = std::signbit(value) == std::signbit(error);
    return from_word<double>(grows ? word + 1 : word - 1);
}
FEWBITS_INLINE simd::f64x4 make_odd(simd::f64x4 value, simd::f64x4 error) {
    using simd::f64x4;
    using simd::u64x4;
    const u64x4 word = simd::bit_cast<u64x4>(value), one = u64x4::broadcast(1), zero = u64x4::zero();
    const u64x4 infinity = u64x4::broadcast(infinity_bits<double>);
    const u64x4 error_word = simd::bit_cast<u64x4>(error);
    const auto even = (word & one) == zero;
    const auto inexact =
        ((error < f64x4::zero()) | (error > f64x4::zero())) & ((word & infinity) != infinity);
    const auto grows = ((word ^ error_word) & u64x4::broadcast(sign_bit<double>)) == zero;
    const u64x4 moved = select(grows, word + one, word - one);
    return simd::bit_cast<f64x4>(select(even & inexact, moved, word));
}

FEWBITS_INLINE double fused(double a, double b, double c) { return std::fma(a, b, c); }
FEWBITS_INLINE simd::f64x4 fused(simd::f64x4 a, simd::f64x4 b, simd::f64x4 c) { return simd::fma(a, b, c); }
FEWBITS_INLINE double root(double a) { return std::sqrt(a); }
FEWBITS_INLINE float root(float a) { return std::sqrt(a); }
FEWBITS_INLINE simd::f64x4 root(simd::f64x4 a) { return simd::sqrt(a); }
FEWBITS_INLINE simd::f32x8 root(simd::f32x8 a) { return simd::sqrt(a); }

template <class V>
FEWBITS_INLINE V odd_add(V a, V b) {
    const ErrorFree<V> sum = two_sum(a, b);
    return make_odd(sum.value, sum.error);
}
template <class V>
FEWBITS_INLINE V odd_multiply(V a, V b) {
    const V product = value_barrier(a * b);
    return make_odd(product, fused(a, b, -product));
}
FEWBITS_INLINE double with_sign_of(double a, double b) { return std::signbit(b) ? -a : a; }
FEWBITS_INLINE simd::f64x4 with_sign_of(simd::f64x4 a, simd::f64x4 b) {
    using simd::u64x4;
    const u64x4 sign = simd::bit_cast<u64x4>(b) & u64x4::broadcast(sign_bit<double>);
    return simd::bit_cast<simd::f64x4>(simd::bit_cast<u64x4>(a) ^ sign);
}
template <class V>
FEWBITS_INLINE V odd_divide(V a, V b) {
    const V quotient = value_barrier(a / b);
    return make_odd(quotient, with_sign_of(fused(-quotient, b, a), b));
}
template <class V>
FEWBITS_INLINE V odd_sqrt(V a) {
    const V s = value_barrier(root(a));
    return make_odd(s, fused(-s, s, a));
}
// value + rest rounded to odd; value itself where it is not finite or there is no rest (it may be -0).
FEWBITS_INLINE double add_rest(double value, double rest) {
    return std::isfinite(value) && rest != 0 ? odd_add(value, rest) : value;
}
FEWBITS_INLINE simd::f64x4 add_rest(simd::f64x4 value, simd::f64x4 rest) {
    using simd::f64x4;
    const auto finite = abs(value) < f64x4::broadcast(std::numeric_limits<double>::infinity());
    return select(finite & (rest != f64x4::zero()), odd_add(value, rest), value);
}
template <class V>
FEWBITS_INLINE V odd_fma(V a, V b, V c) {
    const V product = value_barrier(a * b);
    const V product_error = fused(a, b, -product);
    const ErrorFree<V> sum = two_sum(product, c);
    // Where the operands are not finite, neither are the errors; the sum alone is then the result.
    return add_rest(sum.value, odd_add(sum.error, product_error));
}

// Whether this thread rounds to nearest even and keeps subnormals: what native arithmetic needs.
inline bool native_arithmetic_is_ieee() {
    float even = 0x1p24F, one = 1, three = 3, small = 0x1p-130F, half = 0.5F;
    FEWBITS_VALUE_BARRIER(even);
    FEWBITS_VALUE_BARRIER(one);
    FEWBITS_VALUE_BARRIER(three);
    FEWBITS_VALUE_BARRIER(small);
    FEWBITS_VALUE_BARRIER(half);
    float halved = small * half;
    FEWBITS_VALUE_BARRIER(halved);
    return even + one == 0x1p24F && even + three == 0x1p24F + 4 && -even - three == -0x1p24F - 4 &&
           to_word(halved) == to_word(0x1p-131F);
}

inline bool rounds_to_nearest(Rounding mode) { return mode <= Rounding::nearest_odd; }

// One operation on every lane, by the path; native ones are for V = f32x8 and f64x4 as well as scalars.
template <class V>
FEWBITS_INLINE V native_operation(Operation operation, V a, V b) {
    switch (operation) {
        case Operation::subtract:
            return a - b;
        case Operation::multiply:
            return a * b;
        case Operation::divide:
            return a / b;
        default:
            return a + b;
    }
}
template <class V>
FEWBITS_INLINE V odd_operation(Operation operation, V a, V b) {
    switch (operation) {
        case Operation::subtract:
            return odd_add(a, -b);
        case Operation::multiply:
            return odd_multiply(a, b);
        case Operation::divide:
            return odd_divide(a, b);
        default:
            return odd_add(a, b);
    }
}

FEWBITS_INLINE float positive_nan(float a) { return a == a ? a : std::numeric_limits<float>::quiet_NaN(); }
FEWBITS_INLINE double positive_nan(double a) { return a == a ? a : std::numeric_limits<double>::quiet_NaN(); }
FEWBITS_INLINE simd::f32x8 positive_nan(simd::f32x8 a) { return simd::canonical_nan(a); }
FEWBITS_INLINE simd::f64x4 positive_nan(simd::f64x4 a) { return simd::canonical_nan(a); }

}  // namespace detail

// A context made ready. Cheap to copy; one object may serve several threads, but for the scalar operations
// without an index, which count the roundings of stochastic modes.
template <class T>
class Arithmetic {
public:
    enum class Path { native, direct, odd, exact };

    explicit Arithmetic(const Context& context, const char* function = "formats.Arithmetic")
        : context_(context), function_(function) {
        const FloatFormat& f = context.format;
        RoundOptions options = context.options;
        FEWBITS_REQUIRE(options.bits.empty(),
                        std::string(function) + ": bits cannot be given for arithmetic");
        FEWBITS_REQUIRE(options.saturate != Saturate::wrap || f.is_fixed,
                        std::string(function) + ": saturate must not be wrap for a floating point format");
        FEWBITS_REQUIRE(
            context.summation == Summation::index || context.accumulate == Accumulate::per_op ||
                context.accumulate == Accumulate::exact,
            std::string(function) + ": summation must be index unless accumulate is per_op or exact");
        flushes_ = options.flush_inputs;
        options.flush_inputs = false;  // of operands, not of results
        options.threads = 1;
        plan_ = detail::make_plan<T>(function, f, options, 0);
        wide_ = detail::make_plan<double>(function, f, options, 0);
        random_ = detail::rounds_randomly(options.rounding);
        kernel_ = detail::kernels_of<T>(plan_).round;
        wide_kernel_ = detail::kernels_of<double>(wide_).round;
        zero_is_negative_ = options.rounding == Rounding::toward_negative;
        const bool plain = !f.is_fixed && options.exponent_limit && !flushes_ && f.has_zero;
        if (!plain || !detail::native_arithmetic_is_ieee()) return;
        if (is_native(f, options)) {
            path_ = Path::native;
            return;
        }
        const int p = f.precision;
        constexpr int q = std::is_same_v<T, float> ? 24 : 53;
        constexpr int margin = std::is_same_v<T, float> ? 150 : 1075;
        if (detail::rounds_to_nearest(options.rounding) && options.rounding != Rounding::nearest_up &&
            options.rounding != Rounding::nearest_down && q >= 2 * p + 2 && f.min_exponent >= 3 * p - margin)
            path_ = Path::direct;
        if (p <= 51 && f.min_exponent - f.trailing_bits() >= -480 && f.max_exponent <= 480) {
            has_odd_ = true;
            if (path_ != Path::direct) path_ = Path::odd;
        }
    }

    const Context& context() const { return context_; }
    const FloatFormat& format() const { return context_.format; }
    const detail::Plan<T>& plan() const { return plan_; }
    const char* function() const { return function_; }
    Path path() const { return path_; }
    bool is_random() const { return random_; }
    bool zero_is_negative() const { return zero_is_negative_; }
    // Chunks of at most detail::chunk values rounded as they are; returns count, or the first refused value.
    std::size_t round_chunk(const T* x, T* out, std::size_t count) const {
        return kernel_(plan_, x, out, count, 0, nullptr);
    }
    // The same arithmetic with another stream of random bits.
    Arithmetic with_stream(std::uint64_t stream) const {
        Arithmetic other = *this;
        other.set_stream(stream);
        return other;
    }
    void set_stream(std::uint64_t stream) {
        context_.options.stream = plan_.options.stream = wide_.options.stream = stream;
    }

    // ---- scalars; i is the index of the random draw ----
    T round(T x, std::uint64_t i) const { return finish(detail::exact(x), i); }
    T operation(Operation operation, T a, T b, std::uint64_t i) const {
        if (path_ == Path::native) return detail::positive_nan(detail::native_operation(operation, a, b));
        if (path_ != Path::exact && !random_) {
            if (path_ == Path::direct) {
                const T value = zero_is_negative_
                                    ? -detail::native_operation(operation, -a, minus(operation, b))
                                    : detail::native_operation(operation, a, b);
                return finish(detail::exact(detail::positive_nan(value)), i);
            }
            return finish_wide(odd(operation, static_cast<double>(a), static_cast<double>(b)), i);
        }
        return finish(detail::exact_operation(operation, operand(a), operand(b), zero_is_negative_), i);
    }
    T add(T a, T b, std::uint64_t i) const { return operation(Operation::add, a, b, i); }
    T subtract(T a, T b, std::uint64_t i) const { return operation(Operation::subtract, a, b, i); }
    T multiply(T a, T b, std::uint64_t i) const { return operation(Operation::multiply, a, b, i); }
    T divide(T a, T b, std::uint64_t i) const { return operation(Operation::divide, a, b, i); }
    T sqrt(T a, std::uint64_t i) const {
        if (path_ == Path::native) return detail::positive_nan(std::sqrt(a));
        if (path_ == Path::direct) {
            if (!random_) return finish(detail::exact(detail::positive_nan(std::sqrt(a))), i);
        } else if (path_ == Path::odd && !random_) {
            return finish_wide(detail::odd_sqrt(static_cast<double>(a)), i);
        }
        return finish(detail::exact_sqrt(operand(a)), i);
    }
    T fma(T a, T b, T c, std::uint64_t i) const {
        if (path_ == Path::native) return detail::positive_nan(std::fma(a, b, c));
        if (has_odd_ && !random_) return finish_wide(odd_fma(static_cast<double>(a), b, c), i);
        return finish(detail::exact_fma(operand(a), operand(b), operand(c), zero_is_negative_), i);
    }
    // c + a b as `accumulate` has it: per_op draws i and i + 1, fma draws i.
    T multiply_add(T a, T b, T c, std::uint64_t i) const {
        if (context_.accumulate == Accumulate::fma) return fma(a, b, c, i);
        return add(c, multiply(a, b, i), i + 1);
    }
    // Rounds an exact value that was computed elsewhere.
    T finish(const detail::Exact& value, std::uint64_t i) const {
        const detail::WordOf<T> bits = reference::round_bits<T>(value, plan_, i);
        if (bits == detail::raises<T>) detail::refuse_value(function_, i);
        return detail::from_word<T>(bits);
    }

    // The number of the next rounding, for callers that do not count.
    std::uint64_t next() const { return random_ ? counter_++ : 0; }

    // ---- arrays: out may be an operand ----
    void operation(Operation operation, Span<const T> a, Span<const T> b, Span<T> out,
                   std::uint64_t first = 0) const {
        require(a.size() == out.size() && b.size() == out.size());
        const bool mirrored =
            zero_is_negative_ && operation != Operation::multiply && operation != Operation::divide;
        run(
            out, first,
            [&](auto index, auto load) {
                const auto x = load(a.data() + index), y = load(b.data() + index);
                if (!mirrored) return detail::native_operation(operation, x, y);
                return -detail::native_operation(operation, -x, -y);
            },
            [&](auto index, auto load) {
                const auto x = load(a.data() + index), y = load(b.data() + index);
                if (!mirrored) return detail::odd_operation(operation, x, y);
                return -detail::odd_operation(operation, -x, -y);
            },
            [&](std::size_t k) {
                return detail::exact_operation(operation, operand(a[k]), operand(b[k]), zero_is_negative_);
            },
            path_);
    }
    void sqrt(Span<const T> a, Span<T> out, std::uint64_t first = 0) const {
        require(a.size() == out.size());
        run(
            out, first, [&](auto index, auto load) { return detail::root(load(a.data() + index)); },
            [&](auto index, auto load) { return detail::odd_sqrt(load(a.data() + index)); },
            [&](std::size_t k) { return detail::exact_sqrt(operand(a[k])); }, path_);
    }
    void fma(Span<const T> a, Span<const T> b, Span<const T> c, Span<T> out, std::uint64_t first = 0) const {
        require(a.size() == out.size() && b.size() == out.size() && c.size() == out.size());
        const auto odd = [&](auto index, auto load) {
            const auto x = load(a.data() + index), y = load(b.data() + index), z = load(c.data() + index);
            if (!zero_is_negative_) return detail::odd_fma(x, y, z);
            return -detail::odd_fma(-x, y, -z);
        };
        // The direct path serves native formats alone: a double rounding would not be harmless here.
        const auto native = [&](auto index, auto load) {
            return simd::fma(load(a.data() + index), load(b.data() + index), load(c.data() + index));
        };
        run(
            out, first, native, odd,
            [&](std::size_t k) {
                return detail::exact_fma(operand(a[k]), operand(b[k]), operand(c[k]), zero_is_negative_);
            },
            path_ == Path::native ? Path::native
            : has_odd_            ? Path::odd
                                  : Path::exact);
    }

private:
    using Values = typename detail::Carrier<T>::Values;

    void require(bool good) const {
        FEWBITS_REQUIRE(good, std::string(function_) + ": operands and out must have one size");
    }
    detail::Exact operand(T x) const {
        detail::Exact e = detail::exact(x);
        if (flushes_ && e.kind == detail::Exact::finite &&
            static_cast<int>(bit_length(e.significand)) - 1 + e.exponent < context_.format.min_exponent)
            e.significand = 0;
        return e;
    }
    static bool is_native(const FloatFormat& f, const RoundOptions& options) {
        return options.rounding == Rounding::nearest_even && options.saturate == Saturate::none &&
               options.subnormal == Subnormal::gradual && options.nan != NanPolicy::error &&
               f == get(std::is_same_v<T, float> ? "float32" : "float64");
    }
    static T minus(Operation operation, T b) {
        return operation == Operation::multiply || operation == Operation::divide ? b : -b;
    }
    double odd(Operation operation, double a, double b) const {
        if (!zero_is_negative_) return detail::odd_operation(operation, a, b);
        const bool sum = operation == Operation::add || operation == Operation::subtract;
        return -detail::odd_operation(operation, -a, sum ? -b : b);
    }
    double odd_fma(double a, double b, double c) const {
        return zero_is_negative_ ? -detail::odd_fma(-a, b, -c) : detail::odd_fma(a, b, c);
    }
    T finish_wide(double value, std::uint64_t i) const {
        return finish(detail::exact(detail::positive_nan(value)), i);
    }

    // Chunks of results: values of the path, then the rounding kernel. native and odd are called with an
    // index and a way to load, exact with an index.
    template <class Native, class Odd, class Exactly>
    void run(Span<T> out, std::uint64_t first, const Native& native, const Odd& odd, const Exactly& exactly,
             Path path) const {
        for (std::size_t begin = 0; begin < out.size(); begin += detail::chunk) {
            const std::size_t count = std::min(detail::chunk, out.size() - begin);
            const std::uint64_t i = first + begin;
            T* target = out.data() + begin;
            if (random_ || path == Path::exact) {
                for (std::size_t k = 0; k < count; ++k) target[k] = finish(exactly(begin + k), i + k);
                continue;
            }
            std::size_t refused = count;
            if (path == Path::direct || path == Path::native) {
                T values[detail::chunk];
                for (std::size_t k = 0; k < count; k += Values::size) {
                    const std::size_t lanes = std::min(count - k, Values::size);
                    const auto load = [lanes](const T* source) {
                        return lanes == Values::size ? Values::load(source)
                                                     : Values::load_partial(source, lanes);
                    };
                    store(detail::positive_nan(native(begin + k, load)), values + k);
                }
                if (path == Path::native)
                    std::copy(values, values + count, target);
                else
                    refused = kernel_(plan_, values, target, count, i, nullptr);
            } else {
                double values[detail::chunk], rounded[detail::chunk];
                for (std::size_t k = 0; k < count; k += 4) {
                    const std::size_t lanes = std::min<std::size_t>(count - k, 4);
                    const auto load = [lanes](const T* source) {
                        double buffer[4] = {};
                        for (std::size_t lane = 0; lane < lanes; ++lane)
                            buffer[lane] = static_cast<double>(source[lane]);
                        return simd::f64x4::load(buffer);
                    };
                    store(detail::positive_nan(odd(begin + k, load)), values + k);
                }
                refused = wide_kernel_(wide_, values, rounded, count, i, nullptr);
                for (std::size_t k = 0; k < count; ++k) target[k] = static_cast<T>(rounded[k]);
            }
            if (refused != count) detail::refuse_value(function_, i + refused);
        }
    }

    Context context_;
    const char* function_;
    detail::Plan<T> plan_;
    detail::Plan<double> wide_;
    detail::RoundChunk<T> kernel_ = nullptr;
    detail::RoundChunk<double> wide_kernel_ = nullptr;
    Path path_ = Path::exact;
    bool has_odd_ = false;
    bool random_ = false;
    bool flushes_ = false;
    bool zero_is_negative_ = false;
    mutable std::uint64_t counter_ = 0;
};

namespace reference {

// The definition, element by element.
template <class T>
T operation(const Context& context, Operation operation, T a, T b, std::uint64_t i) {
    const Arithmetic<T> arithmetic(context, "formats.reference");
    const bool down = context.options.rounding == Rounding::toward_negative;
    return arithmetic.finish(detail::exact_operation(operation, detail::exact(a), detail::exact(b), down), i);
}
template <class T>
T sqrt(const Context& context, T a, std::uint64_t i) {
    return Arithmetic<T>(context, "formats.reference").finish(detail::exact_sqrt(detail::exact(a)), i);
}
template <class T>
T fma(const Context& context, T a, T b, T c, std::uint64_t i) {
    const bool down = context.options.rounding == Rounding::toward_negative;
    return Arithmetic<T>(context, "formats.reference")
        .finish(detail::exact_fma(detail::exact(a), detail::exact(b), detail::exact(c), down), i);
}

}  // namespace reference

// A number of a format: its operators round. A number made from a plain one without an arithmetic is a
// constant, computed with in T; it is rounded to the format when it meets a number of one.
// The arithmetic must outlive its numbers. Two arithmetics do not mix: ArgumentError.
template <class T>
class Emulated {
public:
    Emulated() = default;
    template <class Number, class = std::enable_if_t<std::is_arithmetic_v<Number>>>
    Emulated(Number constant) : value_(static_cast<T>(constant)) {}  // NOLINT: a scalar type for Eigen
    Emulated(T x, const Arithmetic<T>& arithmetic)
        : value_(arithmetic.round(x, arithmetic.next())), arithmetic_(&arithmetic) {}

    T value() const { return value_; }
    const Arithmetic<T>* arithmetic() const { return arithmetic_; }
    explicit operator T() const { return value_; }

    friend Emulated operator+(const Emulated& a, const Emulated& b) { return apply(Operation::add, a, b); }
    friend Emulated operator-(const Emulated& a, const Emulated& b) {
        return apply(Operation::subtract, a, b);
    }
    friend Emulated operator*(const Emulated& a, const Emulated& b) {
        return apply(Operation::multiply, a, b);
    }
    friend Emulated operator/(const Emulated& a, const Emulated& b) { return apply(Operation::divide, a, b); }
    Emulated& operator+=(const Emulated& b) { return *this = *this + b; }
    Emulated& operator-=(const Emulated& b) { return *this = *this - b; }
    Emulated& operator*=(const Emulated& b) { return *this = *this * b; }
    Emulated& operator/=(const Emulated& b) { return *this = *this / b; }
    friend Emulated operator+(const Emulated& a) { return a; }
    friend Emulated operator-(const Emulated& a) { return changed(a, -a.value_); }
    friend Emulated abs(const Emulated& a) { return changed(a, std::fabs(a.value_)); }
    friend Emulated sqrt(const Emulated& a) {
        const Arithmetic<T>* arithmetic = a.arithmetic_;
        if (arithmetic == nullptr) return Emulated(std::sqrt(a.value_));
        return made(arithmetic->sqrt(a.value_, arithmetic->next()), arithmetic);
    }
    friend Emulated fma(const Emulated& a, const Emulated& b, const Emulated& c) {
        const Arithmetic<T>* arithmetic = common(common(a.arithmetic_, b.arithmetic_), c.arithmetic_);
        if (arithmetic == nullptr) return Emulated(std::fma(a.value_, b.value_, c.value_));
        const T x = a.in(arithmetic), y = b.in(arithmetic), z = c.in(arithmetic);
        return made(arithmetic->fma(x, y, z, arithmetic->next()), arithmetic);
    }
    friend bool isfinite(const Emulated& a) { return std::isfinite(a.value_); }
    friend bool isnan(const Emulated& a) { return std::isnan(a.value_); }
    friend bool isinf(const Emulated& a) { return std::isinf(a.value_); }
    friend bool operator==(const Emulated& a, const Emulated& b) { return a.value_ == b.value_; }
    friend bool operator!=(const Emulated& a, const Emulated& b) { return a.value_ != b.value_; }
    friend bool operator<(const Emulated& a, const Emulated& b) { return a.value_ < b.value_; }
    friend bool operator<=(const Emulated& a, const Emulated& b) { return a.value_ <= b.value_; }
    friend bool operator>(const Emulated& a, const Emulated& b) { return a.value_ > b.value_; }
    friend bool operator>=(const Emulated& a, const Emulated& b) { return a.value_ >= b.value_; }

private:
    static Emulated made(T value, const Arithmetic<T>* arithmetic) {
        Emulated result;
        result.value_ = value;
        result.arithmetic_ = arithmetic;
        return result;
    }
    // A change of sign is exact where the format has the other sign.
    static Emulated changed(const Emulated& a, T value) {
        if (a.arithmetic_ == nullptr) return Emulated(value);
        return made(a.arithmetic_->round(value, a.arithmetic_->next()), a.arithmetic_);
    }
    static const Arithmetic<T>* common(const Arithmetic<T>* a, const Arithmetic<T>* b) {
        if (a == nullptr) return b;
        if (b != nullptr && b != a)
            throw ArgumentError("formats.Emulated: operands must have one arithmetic; convert one of them");
        return a;
    }
    T in(const Arithmetic<T>* arithmetic) const {
        return arithmetic_ == nullptr ? arithmetic->round(value_, arithmetic->next()) : value_;
    }
    static Emulated apply(Operation operation, const Emulated& a, const Emulated& b) {
        const Arithmetic<T>* arithmetic = common(a.arithmetic_, b.arithmetic_);
        if (arithmetic == nullptr) return Emulated(detail::native_operation(operation, a.value_, b.value_));
        const T x = a.in(arithmetic), y = b.in(arithmetic);
        return made(arithmetic->operation(operation, x, y, arithmetic->next()), arithmetic);
    }

    T value_ = 0;
    const Arithmetic<T>* arithmetic_ = nullptr;
};

// Terms combined pairwise as they come, see Summation: a stack of results of 2^k terms each, the large ones
// below. `Value` is a number or a row of them, `combine(a, b)` puts a op b into a.
template <class Value>
class PairwiseStack {
public:
    template <class Combine>
    void push(Value term, const Combine& combine) {
        for (std::size_t count = ++count_; count % 2 == 0; count /= 2) {
            combine(stack_.back(), term);
            term = std::move(stack_.back());
            stack_.pop_back();
        }
        stack_.push_back(std::move(term));
    }
    // At least one term has come.
    template <class Combine>
    Value finish(const Combine& combine) {
        Value total = std::move(stack_.back());
        for (stack_.pop_back(); !stack_.empty(); stack_.pop_back()) {
            combine(stack_.back(), total);
            total = std::move(stack_.back());
        }
        count_ = 0;
        return total;
    }

private:
    std::vector<Value> stack_;
    std::size_t count_ = 0;
};

enum class Reduction { sum, product };

// out[o, i] = x[o, 0, i] op x[o, 1, i] op ... in the order of the context for x of shape (outer, length,
// inner); the empty sum is 0, the empty product 1. Output e draws from stream + e; its roundings are numbered
// as they come.
template <class T>
void reduce(const Arithmetic<T>& arithmetic, Reduction reduction, Span<const T> x, std::size_t outer,
            std::size_t length, std::size_t inner, Span<T> out) {
    FEWBITS_REQUIRE(x.size() == outer * length * inner && out.size() == outer * inner,
                    "formats.reduce: x must have the shape (outer, length, inner), out (outer, inner)");
    const Operation operation = reduction == Reduction::sum ? Operation::add : Operation::multiply;
    if (length == 0) {
        std::fill(out.begin(), out.end(), arithmetic.round(reduction == Reduction::sum ? T{0} : T{1}, 0));
        return;
    }
    const std::uint64_t stream = arithmetic.context().options.stream;
    for (std::size_t o = 0; o < outer; ++o) {
        const T* source = x.data() + o * length * inner;
        T* target = out.data() + o * inner;
        if (arithmetic.context().summation == Summation::pairwise) {
            for (std::size_t e = 0; e < inner; ++e) {
                const Arithmetic<T> own =
                    arithmetic.is_random() ? arithmetic.with_stream(stream + o * inner + e) : arithmetic;
                std::uint64_t count = 0;
                const auto combine = [&](T& a, T b) { a = own.operation(operation, a, b, count++); };
                PairwiseStack<T> terms;
                for (std::size_t k = 0; k < length; ++k) terms.push(source[k * inner + e], combine);
                target[e] = terms.finish(combine);
            }
            continue;
        }
        std::copy(source, source + inner, target);
        if (arithmetic.is_random() || inner == 1) {
            for (std::size_t e = 0; e < inner; ++e) {
                const Arithmetic<T> own =
                    arithmetic.is_random() ? arithmetic.with_stream(stream + o * inner + e) : arithmetic;
                for (std::size_t k = 1; k < length; ++k)
                    target[e] = own.operation(operation, target[e], source[k * inner + e], k - 1);
            }
            continue;
        }
        for (std::size_t k = 1; k < length; ++k)
            arithmetic.operation(operation, Span<const T>(target, inner),
                                 Span<const T>(source + k * inner, inner), Span<T>(target, inner));
    }
}

}  // namespace formats
}  // namespace FEWBITS_ISA
}  // namespace fewbits

// What Eigen asks of a scalar type; no header of Eigen is needed for it.
namespace Eigen {
template <class T>
struct NumTraits;
template <class T>
struct NumTraits<fewbits::formats::Emulated<T>> {
    using Real = fewbits::formats::Emulated<T>;
    using NonInteger = Real;
    using Nested = Real;
    using Literal = Real;
    enum {
        IsComplex = 0,
        IsInteger = 0,
        IsSigned = 1,
        RequireInitialization = 1,
        ReadCost = 2,
        AddCost = 32,
        MulCost = 32
    };
    // Those of the carrier: a type does not know the format.
    static Real epsilon() { return std::numeric_limits<T>::epsilon(); }
    static Real dummy_precision() { return T{1e-5F}; }
    static Real highest() { return std::numeric_limits<T>::max(); }
    static Real lowest() { return std::numeric_limits<T>::lowest(); }
    static Real infinity() { return std::numeric_limits<T>::infinity(); }
    static Real quiet_NaN() { return std::numeric_limits<T>::quiet_NaN(); }
    static int digits10() { return std::numeric_limits<T>::digits10; }
};
}  // namespace Eigen
