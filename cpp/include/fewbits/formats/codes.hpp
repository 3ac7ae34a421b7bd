// Values to codes and back.
//
// encode rounds (rounding.hpp) and packs the bits of each value. decode is exact: a shift for the upper parts
// of float32, the conversion of the hardware for float16, else a table where that pays. A code stands in the
// low bits of a uint8, uint16 or uint32.
//
// Contract: exact, the same bits on every machine. decode(encode(x)) is round_to(x), encode(decode(c)) is c
// but for NaN codes that are not the canonical one. -0 and the sign of NaN come back where the format has
// them.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <type_traits>
#include <vector>

#include "fewbits/core/bits.hpp"
#include "fewbits/core/error.hpp"
#include "fewbits/core/parallel.hpp"
#include "fewbits/core/span.hpp"
#include "fewbits/formats/float_format.hpp"
#include "fewbits/formats/rounding.hpp"
#include "fewbits/simd/f32x8.hpp"
#include "fewbits/simd/f64x4.hpp"
#include "fewbits/simd/i32x8.hpp"
#include "fewbits/simd/u64x4.hpp"

namespace fewbits {
inline namespace FEWBITS_ISA {
namespace formats {

namespace reference {

// The code of a value of the format.
template <class T>
std::uint32_t code_of(T value, const FloatFormat& f) {
    using detail::Exact;
    const Exact x = detail::exact(value);
    const std::uint64_t sign = x.negative ? f.sign_code() : 0;
    std::uint64_t code = 0;
    if (x.kind == Exact::nan) {
        code = f.nan_code();
    } else if (x.kind == Exact::infinite) {
        code = f.inf_code();
    } else if (x.significand != 0) {
        const int e = static_cast<int>(bit_length(x.significand)) - 1 + x.exponent;
        const int binade = std::max(e, f.min_exponent);
        const int drop = binade - f.trailing_bits() - x.exponent;
        const std::uint64_t n = drop >= 0 ? x.significand >> drop : x.significand << -drop;
        code = (static_cast<std::uint64_t>(binade - f.min_exponent) << f.trailing_bits()) + n -
               (f.has_zero ? 0U : 1U);
    }
    if (f.is_fixed) {
        const std::uint64_t all = (std::uint64_t{2} << (f.bits - 1)) - 1;
        return static_cast<std::uint32_t>((x.negative ? 0 - code : code) & all);
    }
    return static_cast<std::uint32_t>(code | sign);
}

// The value of a code.
template <class T>
T value_of(std::uint32_t code, const FloatFormat& f) {
    using Word = detail::WordOf<T>;
    std::uint64_t magnitude = code;
    bool negative = false;
    if (f.nan == NanKind::neg_zero_code && code == f.sign_code())
        return detail::from_word<T>(detail::nan_bits<T>);
    if (f.is_signed) {
        negative = (code & f.sign_code()) != 0;
        if (f.is_fixed)
            magnitude = negative ? 2 * f.sign_code() - code : code;
        else
            magnitude &= f.sign_code() - 1;
    }
    const Word sign = negative ? detail::sign_bit<T> : 0;
    const bool nan = (f.nan == NanKind::ieee && magnitude > f.inf_code()) ||
                     ((f.nan == NanKind::outer || f.nan == NanKind::top_code) && magnitude == f.top_code());
    if (nan) return detail::from_word<T>(detail::nan_bits<T> | sign);
    if (f.has_inf && magnitude == f.inf_code()) return detail::from_word<T>(detail::infinity_bits<T> | sign);
    const int t = f.trailing_bits();
    std::uint64_t field = f.is_fixed ? 0 : magnitude >> t;
    std::uint64_t n = f.is_fixed ? magnitude : magnitude & ((std::uint64_t{1} << t) - 1);
    if (!f.has_zero) {
        ++field;
        n = 1;
    } else if (field > 0) {
        n += std::uint64_t{1} << t;
    }
    const int exponent = f.min_exponent - t + static_cast<int>(std::max<std::uint64_t>(field, 1)) - 1;
    return detail::from_word<T>(detail::compose<T>(n, exponent) | sign);
}

}  // namespace reference

namespace detail {

inline void require_codes(const char* function, const FloatFormat& f, int container_bits) {
    FEWBITS_REQUIRE(f.bits > 0 && f.bits <= 32, std::string(function) +
                                                    ": format must have codes of 1..32 bits, got " +
                                                    (f.bits == 0 ? "values only" : std::to_string(f.bits)));
    FEWBITS_REQUIRE(f.bits <= container_bits, std::string(function) + ": codes must have at least " +
                                                  std::to_string(f.bits) + " bits, got " +
                                                  std::to_string(container_bits));
}

// The codes of values of the format; see reference::code_of for the formula.
template <class T>
void code_chunk(const FloatFormat& f, const T* values, std::uint32_t* codes, std::size_t count) {
    using Values = typename Carrier<T>::Values;
    using V = typename Carrier<T>::Lanes;
    constexpr int m = Carrier<T>::mantissa_bits;
    const int min_field = f.min_exponent + Carrier<T>::bias;
    // Below the carrier's own subnormal binades only the format without zero has a formula here.
    if (min_field < 1 && f.has_zero) {
        for (std::size_t k = 0; k < count; ++k) codes[k] = reference::code_of(values[k], f);
        return;
    }
    const V sign = splat<V>(sign_bit<T>), zero = V::zero(), one = splat<V>(1);
    const V infinity = splat<V>(infinity_bits<T>), inf_code = splat<V>(f.inf_code());
    const V nan_code = splat<V>(f.nan_code()), sign_code = splat<V>(f.sign_code());
    const V lowest = splat<V>(static_cast<std::uint64_t>(min_field));
    const V base = splat<V>(static_cast<std::uint64_t>(m + 1 - f.precision));
    const V most = splat<V>(word_bits<T> - 1), offset = splat<V>(f.has_zero ? 0 : 1);
    const V all = splat<V>((std::uint64_t{2} << (f.bits - 1)) - 1);
    for (std::size_t k = 0; k < count; k += V::size) {
        const std::size_t lanes = std::min(count - k, V::size);
        const V word = simd::bit_cast<V>(lanes == V::size ? Values::load(values + k)
                                                          : Values::load_partial(values + k, lanes));
        const V signs = word & sign, a = word ^ signs;
        const auto negative = signs == sign;
        const V field = logical_shift(a, splat<V>(m));
        const V exponent = select(field == zero, one, field);
        const V significand = a - simd::shift_left(exponent - one, m);
        const V binade = select(exponent > lowest, exponent - lowest, zero);
        V drop = base + select(lowest > exponent, lowest - exponent, zero);
        drop = select(drop > most, most, drop);
        V code = simd::shift_left(binade, static_cast<unsigned>(f.trailing_bits())) +
                 logical_shift(significand, drop) - offset;
        if (f.is_fixed) {
            code = select(negative, zero - code, code) & all;
        } else {
            if (any(a >= infinity))
                code = select(a > infinity, nan_code, select(a == infinity, inf_code, code));
            code = code | select(negative, sign_code, zero);
        }
        if constexpr (std::is_same_v<T, float>) {
            if (lanes == V::size) {
                store(code, reinterpret_cast<std::int32_t*>(codes + k));
                continue;
            }
        }
        typename V::element buffer[V::size];
        store(code, buffer);
        for (std::size_t lane = 0; lane < lanes; ++lane)
            codes[k + lane] = static_cast<std::uint32_t>(buffer[lane]);
    }
}

// Codes that are the upper part of a float32: bfloat16, tf32 and float32 itself.
inline bool heads_of_float32(const FloatFormat& f) {
    return f.nan == NanKind::ieee && f.is_signed && f.exponent_bits == 8 && f.bias == 127 && f.bits <= 32;
}

template <class C>
void decode_heads(const FloatFormat& f, const C* codes, float* out, std::size_t count) {
    const int shift = 32 - f.bits;
    for (std::size_t i = 0; i < count; ++i) {
        const std::uint32_t word = static_cast<std::uint32_t>(codes[i]) << shift;
        const std::uint32_t sign = word & sign_bit<float>;
        // Every NaN becomes the canonical one.
        const std::uint32_t value = (word ^ sign) > infinity_bits<float> ? nan_bits<float> | sign : word;
        out[i] = from_word<float>(value);
    }
}

inline void decode_float16(const std::uint16_t* codes, float* out, std::size_t count) {
    using simd::f32x8;
    using simd::i32x8;
    const i32x8 sign = splat<i32x8>(sign_bit<float>), nan = splat<i32x8>(nan_bits<float>);
    for (std::size_t k = 0; k < count; k += 8) {
        const std::size_t lanes = std::min<std::size_t>(count - k, 8);
        std::uint16_t padded[8] = {};
        if (lanes != 8) std::copy(codes + k, codes + count, padded);
        const f32x8 value = simd::load_float16(lanes == 8 ? codes + k : padded);
        const f32x8 canonical = simd::bit_cast<f32x8>((simd::bit_cast<i32x8>(value) & sign) | nan);
        const f32x8 result = select(value == value, value, canonical);
        if (lanes == 8)
            store(result, out + k);
        else
            store_partial(result, out + k, lanes);
    }
}

template <class In, class T, class C>
void encode_with(Span<const In> x, const FloatFormat& f, const RoundOptions& options, Span<C> codes) {
    constexpr const char* function = "formats.encode";
    const Plan<T> plan = make_plan<T>(function, f, options, x.size());
    const RoundChunk<T> kernel = round_chunk_of<T>(plan);
    parallel_for(x.size(), thread_block, options.threads, [&](std::size_t begin, std::size_t end) {
        T values[chunk];
        std::uint32_t wide[chunk];
        for (std::size_t i = begin; i < end; i += chunk) {
            const std::size_t count = std::min(chunk, end - i);
            round_any<In, T>(function, plan, kernel, x.data() + i, values, count, i);
            if constexpr (std::is_same_v<C, std::uint32_t>) {
                code_chunk(f, values, codes.data() + i, count);
            } else {
                code_chunk(f, values, wide, count);
                for (std::size_t k = 0; k < count; ++k) codes[i + k] = static_cast<C>(wide[k]);
            }
        }
    });
}

}  // namespace detail

// codes[i] = the code of x[i] rounded to the format. In: float, double, int64, uint64; C: uint8, uint16,
// uint32. Throws as round_to does, and where C is too narrow; nothing needs a wider x, rounding is done once.
template <class In, class C>
void encode(Span<const In> x, const FloatFormat& format, const RoundOptions& options, Span<C> codes) {
    FEWBITS_REQUIRE(x.size() == codes.size(), "formats.encode: codes must have the size of x, got " +
                                                  std::to_string(codes.size()) + " for " +
                                                  std::to_string(x.size()));
    detail::require_codes("formats.encode", format, 8 * static_cast<int>(sizeof(C)));
    FEWBITS_REQUIRE(options.exponent_limit, "formats.encode: exponent_limit must be true for codes");
    if constexpr (std::is_same_v<In, float>) {
        if (detail::carries<float>(format))
            return detail::encode_with<float, float>(x, format, options, codes);
    }
    detail::encode_with<In, double>(x, format, options, codes);
}

// out[i] = the value of codes[i]. Throws ArgumentError where T lacks values of the format, sizes differ, or a
// code has bits above those of the format.
template <class C, class T>
void decode(Span<const C> codes, const FloatFormat& format, Span<T> out) {
    constexpr const char* function = "formats.decode";
    FEWBITS_REQUIRE(codes.size() == out.size(), "formats.decode: out must have the size of codes, got " +
                                                    std::to_string(out.size()) + " for " +
                                                    std::to_string(codes.size()));
    const FloatFormat& f = format;
    detail::require_codes(function, f, 8 * static_cast<int>(sizeof(C)));
    FEWBITS_REQUIRE(detail::carries<T>(f),
                    std::string(function) + ": format does not fit " + detail::Carrier<T>::name);
    C seen = 0;
    for (const C code : codes) seen = static_cast<C>(seen | code);
    if (f.bits < 32 && std::uint64_t{seen} >> f.bits != 0) {
        for (std::size_t i = 0; i < codes.size(); ++i)
            FEWBITS_REQUIRE(std::uint64_t{codes[i]} >> f.bits == 0,
                            std::string(function) + ": codes must be below 2^" + std::to_string(f.bits) +
                                ", got " + std::to_string(codes[i]) + " at flat index " + std::to_string(i));
    }
    if constexpr (std::is_same_v<T, float>) {
        if (detail::heads_of_float32(f))
            return detail::decode_heads(f, codes.data(), out.data(), codes.size());
        if constexpr (std::is_same_v<C, std::uint16_t>) {
            if (f == get("float16")) return detail::decode_float16(codes.data(), out.data(), codes.size());
        }
    }
    const std::size_t values = f.bits <= 16 ? std::size_t{1} << f.bits : 0;
    if (values == 0 || (values > 256 && codes.size() < values)) {
        for (std::size_t i = 0; i < codes.size(); ++i) out[i] = reference::value_of<T>(codes[i], f);
        return;
    }
    std::vector<T> table(values);
    for (std::size_t code = 0; code < values; ++code)
        table[code] = reference::value_of<T>(static_cast<std::uint32_t>(code), f);
    for (std::size_t i = 0; i < codes.size(); ++i) out[i] = table[codes[i]];
}

}  // namespace formats
}  // namespace FEWBITS_ISA
}  // namespace fewbits
