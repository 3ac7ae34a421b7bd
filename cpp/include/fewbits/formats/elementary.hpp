// Elementary functions of a format, correctly rounded in every mode: fl_F(f(x)) from a float64 kernel.
//
//   settle(f, x, y)     y, a float64 near f(x), made one that rounds as f(x) itself does
//   evaluate(...)       kernel, settle, round: the kernel is handed in, e.g. functions::exp
//   odd_hypot(x, y)     sqrt(x^2 + y^2) rounded to odd
//
// A second rounding of a float64 is right unless f(x) and the float64 lie on two sides of a number where the
// rounding of the format changes: a value or the middle of two, hence a number b of at most p + 1 bits. For
// p <= 24 chance brings an irrational f(x) that near to one in 2^28 arguments (2^41 for p = 11), but limits
// do so everywhere: exp(x) = 1 + x + ... is 1 in float64 for every |x| < 2^-53, yet not 1 when rounded up.
// Hence the rules of side_of: where y is within an ulp of a b of 26 bits that f approaches, y becomes the
// neighbour of b on the side of f(x). Overflow and underflow of float64 become the largest and the smallest
// finite number, so that the mode decides what the format makes of them. Exact values (log2 of powers of two,
// cube roots of cubes, ...) have to come exactly from the kernel.
//
// Contract: formats of at most 24 bits of precision with exponents within -960..960; a kernel below one ulp.
// Checked against mpmath for every float16 and bfloat16 argument, for all breakpoints of up to 26 bits
// (tests/data/formats_functions.json): no exception is left. Random bits: element i reads draw first + i.
// Source: rules from the series and limits of NIST DLMF 4 and 7; the test of nearness is Ziv's (ACM TOMS 17,
// 1991).
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "fewbits/core/error.hpp"
#include "fewbits/core/error_free.hpp"
#include "fewbits/core/isa.hpp"
#include "fewbits/core/span.hpp"
#include "fewbits/formats/arithmetic.hpp"
#include "fewbits/formats/rounding.hpp"

namespace fewbits {
inline namespace FEWBITS_ISA {
namespace formats {

enum class Elementary {
    exp,
    exp2,
    exp10,
    expm1,
    log,
    log2,
    log10,
    log1p,
    sin,
    cos,
    tanh,
    sigmoid,
    log_sigmoid,
    softplus,
    silu,
    gelu,
    gelu_tanh,
    erf,
    erfc,
    erfcx,
    ndtr,
    log_ndtr,
    ndtri,
    rsqrt,
    cbrt,
    pow,
    log_gamma,
    tan,
    asin,
    acos,
    atan,
    sinh,
    cosh,
    asinh,
    acosh,
    atanh,
    gamma,
    atan2,
};
inline constexpr const char* elementary_names[] = {
    "exp",  "exp2",     "exp10",       "expm1",    "log",   "log2",  "log10",     "log1p", "sin",  "cos",
    "tanh", "sigmoid",  "log_sigmoid", "softplus", "silu",  "gelu",  "gelu_tanh", "erf",   "erfc", "erfcx",
    "ndtr", "log_ndtr", "ndtri",       "rsqrt",    "cbrt",  "pow",   "log_gamma", "tan",   "asin", "acos",
    "atan", "sinh",     "cosh",        "asinh",    "acosh", "atanh", "gamma",     "atan2",
};

namespace detail {

// The sign of f(x) - b for a b within an ulp of f(x); 0 where they are equal, or near by chance only.
inline int side_of(Elementary f, double x, double second, double b) {
    const int of_x = (x > 0) - (x < 0), inwards = b > 0 ? -1 : 1;
    switch (f) {
        case Elementary::exp:
        case Elementary::exp2:
        case Elementary::exp10:
            return b == 1 ? of_x : 0;
        case Elementary::expm1:  // x + x^2 / 2, and above -1
            return b == x || b == -1 ? of_x * of_x : 0;
        case Elementary::log1p:  // x - x^2 / 2
            return b == x ? -of_x * of_x : 0;
        case Elementary::sin:
        case Elementary::tanh:
            return b == x || std::fabs(b) == 1 ? inwards * of_x * of_x : 0;
        case Elementary::cos:
            return std::fabs(b) == 1 ? inwards * of_x * of_x : 0;
        case Elementary::asinh:
        case Elementary::atan:  // x - x^3 / 3
            return b == x ? inwards * of_x * of_x : 0;
        case Elementary::tan:
        case Elementary::asin:
        case Elementary::sinh:
        case Elementary::atanh:  // x + x^3 / 3
            return b == x ? of_x : 0;
        case Elementary::cosh:
            return b == 1 ? of_x * of_x : 0;
        case Elementary::gamma:  // 1 / x - 0.577...
            return std::fabs(x) < 0x1p-26 && std::fma(b, x, -1.0) == 0 ? -1 : 0;
        case Elementary::atan2:  // q - q^3 / 3 for a quotient q of positive x
            return second > 0 && std::fma(b, second, -x) == 0 ? inwards * of_x * of_x : 0;
        case Elementary::erf:
            return std::fabs(b) == 1 ? inwards : 0;
        case Elementary::erfc:
            return b == 1 ? -of_x : b == 2 ? -1 : 0;
        case Elementary::erfcx:
            return b == 1 ? -of_x : 0;
        case Elementary::sigmoid:  // 1 / 2 + x / 4 - x^3 / 48
            if (b != 0.5 && b == 0.5 + x / 4) return -of_x;
            return b == 0.5 ? of_x : b == 1 ? -1 : 0;
        case Elementary::ndtr:
            return b == 0.5 ? of_x : b == 1 ? -1 : 0;
        case Elementary::log_ndtr:  // -x^2 / 2 - log(-x) - ...
            return x < -1 && b == -0.5 * (x * x) ? -1 : 0;
        case Elementary::log_sigmoid:  // x - e^x
            return b == x ? -1 : 0;
        case Elementary::softplus:  // x + e^-x
            return b == x ? 1 : 0;
        case Elementary::silu:  // x / 2 + x^2 / 4 - x^4 / 48
            if (b != x / 2 && b == x / 2 + x * x / 4) return -1;
            return x != 0 && b == x / 2 ? 1 : x > 0 && b == x ? -1 : 0;
        case Elementary::gelu:  // x / 2 + c x^2, and below x
        case Elementary::gelu_tanh:
            return x != 0 && b == x / 2 ? 1 : x > 0 && b == x ? -1 : 0;
        case Elementary::pow: {
            const double a = std::fabs(x);
            if (std::fabs(b) != 1 || a == 1 || second == 0) return 0;
            return (a > 1) == (second > 0) ? -inwards : inwards;
        }
        default:
            return 0;
    }
}

// Whether an infinite or zero float64 is what is left of a finite value that is not zero.
inline bool leaves_range(Elementary f, double x, double second, bool infinite) {
    if (!std::isfinite(x) || !std::isfinite(second)) return false;
    switch (f) {
        case Elementary::exp:
        case Elementary::exp2:
        case Elementary::exp10:
        case Elementary::log_ndtr:
            return true;
        case Elementary::expm1:
        case Elementary::erfcx:
            return infinite;
        case Elementary::erfc:
        case Elementary::sigmoid:
        case Elementary::ndtr:
        case Elementary::log_sigmoid:
        case Elementary::softplus:
            return !infinite;
        case Elementary::silu:
        case Elementary::gelu:
        case Elementary::gelu_tanh:
            return !infinite && x != 0;
        case Elementary::pow:
            return x != 0;
        case Elementary::sinh:
        case Elementary::cosh:
            return infinite;
        case Elementary::gamma:
        case Elementary::atan2:
            return x != 0;
        default:
            return false;
    }
}

}  // namespace detail

// `second` is the other argument of pow and atan2.
inline double settle(Elementary f, double x, double y, double second = 1) {
    using detail::from_word;
    using detail::to_word;
    constexpr std::uint64_t sign = detail::sign_bit<double>;
    const std::uint64_t word = to_word(y) & ~sign;
    if (word == 0 || word == detail::infinity_bits<double>) {
        const bool infinite = word != 0;
        if (!detail::leaves_range(f, x, second, infinite)) return y;
        const double end =
            infinite ? std::numeric_limits<double>::max() : std::numeric_limits<double>::denorm_min();
        // What has both signs there keeps the kernel's; the sign of the others is that of f.
        const bool below = f == Elementary::log_sigmoid || f == Elementary::log_ndtr ||
                           f == Elementary::silu || f == Elementary::gelu || f == Elementary::gelu_tanh;
        const bool either =
            f == Elementary::pow || f == Elementary::sinh || f == Elementary::gamma || f == Elementary::atan2;
        return below || (either && std::signbit(y)) ? -end : end;
    }
    if (word > detail::infinity_bits<double> || !std::isfinite(x) || !std::isfinite(second)) return y;
    constexpr std::uint64_t dropped = (1U << 27) - 1;
    const std::uint64_t near = (word + (dropped + 1) / 2) & ~dropped;
    if (word + 1 < near || word > near + 1) return y;
    const double b = from_word<double>(near | (to_word(y) & sign));
    const int side = detail::side_of(f, x, second, b);
    if (side == 0) return y;
    return from_word<double>((side > 0) == (b > 0) ? to_word(b) + 1 : to_word(b) - 1);
}

// For squares that are exact in float64, hence operands of at most 26 bits, and sums that do not leave it.
inline double odd_hypot(double x, double y) {
    if (std::isinf(x) || std::isinf(y)) return std::numeric_limits<double>::infinity();
    const ErrorFree<double> sum = two_sum(x * x, y * y);
    const double root = std::sqrt(sum.value);
    if (!(root > 0)) return root;
    return detail::make_odd(root, std::fma(-root, root, sum.value) + sum.error);
}

namespace detail {

// Where one rounding from float64 is one rounding from the exact value.
inline void require_elementary(const FloatFormat& f, const RoundOptions& options, const char* function) {
    const bool rounds_once =
        f.precision <= 24 && f.min_exponent - f.trailing_bits() >= -960 && f.max_exponent <= 960;
    FEWBITS_REQUIRE(rounds_once || (rounds_to_nearest(options.rounding) && !f.is_fixed),
                    std::string(function) +
                        ": rounding must be to nearest for functions of a format of more than 24 bits");
}

}  // namespace detail

// out[i] = fl_F(f(x[i])). `kernel` takes Span<const double> and Span<double>; x holds values of the format.
// Beyond 24 bits of precision, to nearest, the result is that of the kernel, rounded.
template <class T, class Kernel>
void evaluate(const Arithmetic<T>& arithmetic, Elementary f, const Kernel& kernel, Span<const T> x,
              Span<T> out, std::uint64_t first = 0) {
    FEWBITS_REQUIRE(x.size() == out.size(), "formats.evaluate: out must have the size of x, got " +
                                                std::to_string(out.size()) + " for " +
                                                std::to_string(x.size()));
    const Context& context = arithmetic.context();
    RoundOptions options = context.options;
    detail::require_elementary(context.format, options, "formats.evaluate");
    const double flushed = options.flush_inputs ? std::ldexp(1.0, context.format.min_exponent) : 0;
    options.flush_inputs = false;  // of operands, not of results
    double in[detail::chunk], values[detail::chunk];
    for (std::size_t begin = 0; begin < x.size(); begin += detail::chunk) {
        const std::size_t count = std::min(detail::chunk, x.size() - begin);
        for (std::size_t k = 0; k < count; ++k) {
            in[k] = static_cast<double>(x[begin + k]);
            if (std::fabs(in[k]) < flushed) in[k] = std::copysign(0.0, in[k]);
        }
        kernel(Span<const double>(in, count), Span<double>(values, count));
        for (std::size_t k = 0; k < count; ++k) values[k] = settle(f, in[k], values[k]);
        options.first = first + begin;
        round_to(Span<const double>(values, count), context.format, options, Span<double>(values, count));
        for (std::size_t k = 0; k < count; ++k) out[begin + k] = static_cast<T>(values[k]);
    }
}

}  // namespace formats
}  // namespace FEWBITS_ISA
}  // namespace fewbits
