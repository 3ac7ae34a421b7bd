// L-Mul: products of floats by one integer addition of their bit patterns.
//
// For x = (1 + x_m) 2^x_e the product (1 + x_m)(1 + y_m) 2^(x_e + y_e) is replaced by
//     z = a + b - offset,  offset = (bias << m) - 2^(m - l(m)),  l(m) = m for m <= 3, 3 for m = 4, else 4
// on the codes a, b without sign: Mitchell's logarithmic product with an offset. The carry of the mantissas
// goes into the exponent. Relative error of full mantissas: mean +0.41 %, mean magnitude 2.66 %, range -7.29
// % to +6.25 %. The paper's formula (1 + x_m + y_m + 2^-l) 2^(x_e + y_e) differs where the mantissas carry,
// and is worse (mean -6.4 %): lmul_formula, for analysis. Operands may be cut or rounded to fewer mantissa
// bits first; then m is that number.
//
// Special values (the paper has none): exponent field 0 (zero, subnormal) counts as a zero of its sign; z
// below the least normal is a zero, z at or beyond infinity an infinity; 0 * infinity and nan give nan. Codes
// of formats without infinity: beyond the largest code the nan code, or the largest where saturating.
//
// Contract: exact in the sense of this definition: the same bits on every machine.
// Sources: H. Luo, W. Sun, "Addition is All You Need for Energy-efficient Language Models", arXiv:2410.00907;
// J. Mitchell, "Computer multiplication and division using binary logarithms", IRE Trans. EC-11 (1962).
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "fewbits/core/error.hpp"
#include "fewbits/core/isa.hpp"
#include "fewbits/core/parallel.hpp"
#include "fewbits/core/span.hpp"
#include "fewbits/formats/arithmetic.hpp"
#include "fewbits/formats/exact_sum.hpp"
#include "fewbits/formats/float_format.hpp"
#include "fewbits/formats/rounding.hpp"
#include "fewbits/simd/f32x8.hpp"
#include "fewbits/simd/gemm.hpp"
#include "fewbits/simd/i32x8.hpp"

namespace fewbits {
inline namespace FEWBITS_ISA {
namespace formats {

// What becomes of mantissa bits beyond mantissa_bits.
enum class LmulOperand { truncate, round, none };
inline constexpr const char* lmul_operand_names[] = {"truncate", "round", "none"};

constexpr int lmul_shift(int mantissa_bits) {
    return mantissa_bits <= 3 ? mantissa_bits : mantissa_bits == 4 ? 3 : 4;
}

namespace detail {

inline constexpr std::uint32_t float_magnitude = 0x7fffffffU, float_infinity = 0x7f800000U;

// The offset on float32 patterns for mantissas of m bits.
constexpr std::uint32_t lmul_offset(int mantissa_bits) {
    return (127U << 23) - (1U << (23 - lmul_shift(mantissa_bits)));
}

inline void require_mantissa(const char* function, int mantissa_bits) {
    if (mantissa_bits < 1 || mantissa_bits > 23)
        throw ArgumentError(std::string(function) + ": mantissa_bits must be in 1..23, got " +
                            std::to_string(mantissa_bits));
}

inline float lmul_operand(float x, int mantissa_bits, LmulOperand operand) {
    const std::uint32_t word = to_word(x);
    if (operand == LmulOperand::none || mantissa_bits == 23 || (word & float_infinity) == float_infinity)
        return x;
    const int drop = 23 - mantissa_bits;
    const std::uint32_t half_down = (1U << (drop - 1)) - 1;
    const std::uint32_t add = operand == LmulOperand::round ? half_down + ((word >> drop) & 1U) : 0;
    return from_word<float>((word + add) & ~((1U << drop) - 1));
}

}  // namespace detail

namespace reference {

// One product of float32, `offset` from detail::lmul_offset.
inline float lmul(float x, float y, std::uint32_t offset) {
    using namespace detail;
    const std::uint32_t a = to_word(x) & float_magnitude, b = to_word(y) & float_magnitude;
    const std::uint32_t sign = (to_word(x) ^ to_word(y)) & sign_bit<float>;
    const bool zero = a < hidden_bit<float> || b < hidden_bit<float>;
    if (a > float_infinity || b > float_infinity) return from_word<float>(nan_bits<float>);
    if (a == float_infinity || b == float_infinity)
        return from_word<float>(zero ? nan_bits<float> : sign | float_infinity);
    const std::int64_t z = std::int64_t{a} + b - offset;
    if (zero || z < std::int64_t{hidden_bit<float>}) return from_word<float>(sign);
    if (z >= std::int64_t{float_infinity}) return from_word<float>(sign | float_infinity);
    return from_word<float>(sign | static_cast<std::uint32_t>(z));
}

}  // namespace reference

// The formula of the paper, for analysis: (1 + x_m + y_m + 2^-l) 2^(x_e + y_e) in double; special values as
// those of lmul.
inline double lmul_formula(float x, float y, int mantissa_bits) {
    detail::require_mantissa("formats.lmul", mantissa_bits);
    const float product = reference::lmul(x, y, detail::lmul_offset(mantissa_bits));
    const std::uint32_t a = detail::to_word(x), b = detail::to_word(y);
    const bool ordinary = detail::exact(x).kind == detail::Exact::finite &&
                          detail::exact(y).kind == detail::Exact::finite && (a << 1) >> 24 != 0 &&
                          (b << 1) >> 24 != 0;
    if (!ordinary) return static_cast<double>(product);
    int ex, ey;
    const double mx = 2 * std::frexp(std::fabs(static_cast<double>(x)), &ex) - 1;
    const double my = 2 * std::frexp(std::fabs(static_cast<double>(y)), &ey) - 1;
    const double magnitude =
        std::ldexp(1 + mx + my + std::ldexp(1.0, -lmul_shift(mantissa_bits)), ex + ey - 2);
    return std::signbit(x) != std::signbit(y) ? -magnitude : magnitude;
}

namespace detail {

// Eight products, and whether a lane needs the reference: an infinity, nan or overflow.
struct LmulVector {
    simd::i32x8 offset;
    explicit LmulVector(std::uint32_t value) : offset(splat<simd::i32x8>(value)) {}

    FEWBITS_INLINE simd::f32x8 operator()(simd::f32x8 x, simd::f32x8 y, simd::mask<8>& special) const {
        using simd::i32x8;
        const i32x8 magnitude = splat<i32x8>(float_magnitude), infinity = splat<i32x8>(float_infinity);
        const i32x8 normal = splat<i32x8>(hidden_bit<float>);
        const i32x8 p = simd::bit_cast<i32x8>(x), q = simd::bit_cast<i32x8>(y);
        const i32x8 a = p & magnitude, b = q & magnitude;
        const i32x8 sign = (p ^ q) & ~magnitude;
        // a - offset cannot leave int32, nor can its sum with b while that is below infinity.
        const i32x8 moved = a - offset;
        const i32x8 z = moved + b;
        special = special | (a >= infinity) | (b >= infinity) | (moved >= infinity - b);
        const auto zero = (a < normal) | (b < normal) | (z < normal);
        return simd::bit_cast<simd::f32x8>(select(zero, i32x8::zero(), z) | sign);
    }
};

inline simd::mask<8> no_lanes() { return simd::i32x8::zero() > simd::i32x8::zero(); }

// c + L(a, b) in float32.
struct LmulStep {
    LmulVector product;
    simd::mask<8> special = no_lanes();
    FEWBITS_INLINE simd::f32x8 operator()(simd::f32x8 a, simd::f32x8 b, simd::f32x8 c) {
        return c + product(a, b, special);
    }
    FEWBITS_INLINE bool good(simd::f32x8 c) const { return none(special) && all(c == c); }
};

}  // namespace detail

// out[i] = L(x[i], y[i]); out may be an operand.
inline void lmul(Span<const float> x, Span<const float> y, int mantissa_bits, LmulOperand operand,
                 Span<float> out) {
    detail::require_mantissa("formats.lmul", mantissa_bits);
    FEWBITS_REQUIRE(x.size() == y.size() && x.size() == out.size(),
                    "formats.lmul: x, y and out must have one size");
    const std::uint32_t offset = detail::lmul_offset(mantissa_bits);
    const detail::LmulVector vector(offset);
    for (std::size_t i = 0; i < x.size(); i += 8) {
        const std::size_t lanes = std::min<std::size_t>(8, x.size() - i);
        float a[8] = {}, b[8] = {};
        for (std::size_t k = 0; k < lanes; ++k) {
            a[k] = detail::lmul_operand(x[i + k], mantissa_bits, operand);
            b[k] = detail::lmul_operand(y[i + k], mantissa_bits, operand);
        }
        simd::mask<8> special = detail::no_lanes();
        const simd::f32x8 product = vector(simd::f32x8::load(a), simd::f32x8::load(b), special);
        if (none(special)) {
            store_partial(product, out.data() + i, lanes);
        } else {
            for (std::size_t k = 0; k < lanes; ++k) out[i + k] = reference::lmul(a[k], b[k], offset);
        }
    }
}

enum class LmulAccumulate { float32, exact };

// C = A B (m x k, k x n, row-major) with products by L-Mul: sums in float32 in index order, or exact and
// rounded once to float32.
inline void lmul_gemm(std::size_t m, std::size_t n, std::size_t k, Span<const float> a, Span<const float> b,
                      int mantissa_bits, LmulOperand operand, LmulAccumulate accumulate, Span<float> c,
                      int threads = 1) {
    detail::require_mantissa("formats.lmul_matmul", mantissa_bits);
    FEWBITS_REQUIRE(a.size() == m * k && b.size() == k * n && c.size() == m * n,
                    "formats.lmul_matmul: a, b and c must be m x k, k x n and m x n");
    if (m == 0 || n == 0) return;
    std::vector<float> left(a.begin(), a.end()), right(b.begin(), b.end());
    for (float& x : left) x = detail::lmul_operand(x, mantissa_bits, operand);
    for (float& x : right) x = detail::lmul_operand(x, mantissa_bits, operand);
    const std::uint32_t offset = detail::lmul_offset(mantissa_bits);
    const std::size_t rows = std::max<std::size_t>(4, ((std::size_t{1} << 18) / (n * k + 1) + 3) / 4 * 4);
    Context context;
    context.format = get("float32");
    const Arithmetic<float> float32(context);
    parallel_for(m, rows, threads, [&](std::size_t begin, std::size_t end) {
        if (accumulate == LmulAccumulate::exact) {
            for (std::size_t i = begin; i < end; ++i) {
                for (std::size_t j = 0; j < n; ++j) {
                    ExactAccumulator sum;
                    for (std::size_t l = 0; l < k; ++l)
                        sum.add(reference::lmul(left[i * k + l], right[l * n + j], offset));
                    c[i * n + j] = sum.round(float32);
                }
            }
            return;
        }
        float* rows_of_c = c.data() + begin * n;
        std::fill(rows_of_c, rows_of_c + (end - begin) * n, 0.0F);
        const float* rows_of_a = left.data() + begin * k;
        simd::gemm<simd::f32x8, 4, 2>(
            end - begin, n, k, rows_of_a, k, 1, right.data(), n, rows_of_c, n,
            [&] { return detail::LmulStep{detail::LmulVector(offset)}; },
            [&](std::size_t i, std::size_t i_end, std::size_t j, std::size_t j_end, std::size_t l,
                std::size_t l_end) {
                for (; i < i_end; ++i)
                    for (std::size_t column = j; column < j_end; ++column)
                        for (std::size_t q = l; q < l_end; ++q) {
                            float& sum = rows_of_c[i * n + column];
                            sum = float32.add(
                                sum, reference::lmul(rows_of_a[i * k + q], right[q * n + column], offset), 0);
                        }
            });
    });
}

// One product of codes of a format with a sign bit, subnormals and at most 16 bits. With `normalise`
// subnormal operands count with their value (their own exponent and mantissa) instead of as zeros.
inline std::uint32_t lmul_code(std::uint32_t x, std::uint32_t y, const FloatFormat& f, bool saturate,
                               bool normalise) {
    const int m = f.trailing_bits();
    const auto sign_mask = static_cast<std::uint32_t>(f.sign_code());
    const std::uint32_t sign = (x ^ y) & sign_mask;
    const std::uint32_t a = x & ~sign_mask, b = y & ~sign_mask;
    const auto top_finite = static_cast<std::uint32_t>(
        f.nan == NanKind::ieee ? f.inf_code() - 1 : f.top_code() - (f.nan == NanKind::outer ? 1 : 0));
    const auto is_nan = [&](std::uint32_t whole, std::uint32_t magnitude) {
        if (f.nan == NanKind::neg_zero_code) return whole == sign_mask;
        return f.has_nan() && magnitude > top_finite + (f.has_inf ? 1U : 0U);
    };
    const auto nan = static_cast<std::uint32_t>(f.nan_code());
    if (is_nan(x, a) || is_nan(y, b)) return nan;
    const bool infinite = f.has_inf && (a == top_finite + 1 || b == top_finite + 1);
    // The magnitude as exponent and mantissa in one number: of a subnormal with an exponent below 1.
    const auto logarithm = [&](std::uint32_t magnitude) -> std::int64_t {
        if (magnitude >> m != 0 || !normalise) return magnitude;
        const int lift = m + 1 - static_cast<int>(bit_length(magnitude));
        return std::int64_t{static_cast<std::int32_t>(magnitude << lift)} - (std::int64_t{lift} << m);
    };
    const auto counts_as_zero = [&](std::uint32_t magnitude) {
        return normalise ? magnitude == 0 : magnitude >> m == 0;
    };
    const bool zero = counts_as_zero(a) || counts_as_zero(b);
    if (infinite) return zero ? nan : sign | (top_finite + 1);
    const std::uint32_t signed_zero = f.has_neg_zero ? sign : 0;
    if (zero) return signed_zero;
    const std::int64_t offset = (std::int64_t{f.bias} << m) - (std::int64_t{1} << (m - lmul_shift(m)));
    std::int64_t z = logarithm(a) + logarithm(b) - offset;
    if (z < std::int64_t{1} << m) {
        if (!normalise) return signed_zero;
        // Cut into the subnormals.
        const std::int64_t below = (std::int64_t{1} << m) - z;
        const std::int64_t lift = (below + (std::int64_t{1} << m) - 1) >> m;
        if (lift > m + 1) return signed_zero;
        const std::int64_t mantissa = z + (lift << m);  // with the hidden bit
        z = mantissa >> lift;
        if (z == 0) return signed_zero;
    }
    if (z > std::int64_t{top_finite}) {
        if (saturate || !(f.has_inf || f.has_nan())) return sign | top_finite;
        return f.has_inf ? sign | (top_finite + 1) : f.nan == NanKind::neg_zero_code ? nan : sign | nan;
    }
    return sign | static_cast<std::uint32_t>(z);
}

template <class C>
void lmul_codes(Span<const C> x, Span<const C> y, const FloatFormat& f, bool saturate, bool normalise,
                Span<C> out) {
    FEWBITS_REQUIRE(x.size() == y.size() && x.size() == out.size(),
                    "formats.lmul_codes: x, y and out must have one size");
    FEWBITS_REQUIRE(f.bits > 0 && f.bits <= 16 && f.is_signed && f.has_zero && !f.is_fixed &&
                        f.precision > 1 && f.exponent_bits > 0,
                    "formats.lmul_codes: format must be a signed float of at most 16 bits with a mantissa");
    for (std::size_t i = 0; i < x.size(); ++i)
        out[i] = static_cast<C>(lmul_code(x[i], y[i], f, saturate, normalise));
}

}  // namespace formats
}  // namespace FEWBITS_ISA
}  // namespace fewbits
