// Values to codes and back.
//
// encode rounds (rounding.hpp) and packs the bits of each value. decode is exact: a shift for the upper parts
// of float32, the conversion of the hardware for float16, shifts and a product for floats of at most 8 bits
// (1.7 times as fast as a table on Zen), else a table where that pays. A code stands in the low bits of a
// uint8, uint16 or uint32.
//
// Contract: exact, the same bits on every machine. decode(encode(x)) is round_to(x), encode(decode(c)) is c
// but for NaN codes that are not the canonical one. -0 and the sign of NaN come back where the format has
// them.
#pragma once

#include <algorithm>
#include <cmath>
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
#include "fewbits/formats/rounding_reference.hpp"
#include "fewbits/simd/f32x8.hpp"
#include "fewbits/simd/f64x4.hpp"
#include "fewbits/simd/i16x16.hpp"
#include "fewbits/simd/i32x8.hpp"
#include "fewbits/simd/u32x8.hpp"
#include "fewbits/simd/u64x4.hpp"
#include "fewbits/simd/u8x32.hpp"

namespace fewbits {
inline namespace FEWBITS_ISA {
namespace formats {

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

// Codes of at most 8 bits whose values a shift and a product give: see decode_small.
inline bool decodes_by_shifts(const FloatFormat& f) {
    return f.bits <= 8 && !f.is_fixed && f.has_zero && f.min_exponent - f.trailing_bits() >= -100 &&
           f.max_exponent <= 100;
}

// 32 codes at a time: the bits of normal values are those of the code, shifted and with the other bias;
// subnormal ones are integers times the quantum, and no number below 2^-100 takes part. Groups of eight in
// which there is a code of infinity or nan come from the table.
inline void decode_small(const FloatFormat& f, const float* table, const std::uint8_t* codes, float* out,
                         std::size_t count) {
    using simd::f32x8;
    using simd::i32x8;
    const std::uint32_t signs = f.is_signed ? 1U << (f.bits - 1) : 0, size = 1U << f.bits;
    std::uint32_t finite = f.is_signed ? signs : size;  // magnitudes below are finite
    while (finite > 1 && !std::isfinite(table[finite - 1])) --finite;
    const bool zero_is_nan = f.is_signed && !std::isfinite(table[signs]);
    const auto t = static_cast<unsigned>(f.trailing_bits());
    const i32x8 magnitudes = splat<i32x8>(f.is_signed ? signs - 1 : size - 1),
                last = splat<i32x8>(finite - 1);
    const i32x8 other_zero = splat<i32x8>(zero_is_nan ? signs : size);
    const i32x8 subnormal = splat<i32x8>((1U << t) - 1),
                sign = splat<i32x8>(f.is_signed ? sign_bit<float> : 0);
    const i32x8 bias = splat<i32x8>(static_cast<std::uint32_t>(127 - f.bias) << 23);
    const f32x8 quantum =
        f32x8::broadcast(from_word<float>(compose<float>(1, f.min_exponent - f.trailing_bits())));
    const auto eight = [&](i32x8 code, std::size_t k) {
        const i32x8 magnitude = code & magnitudes;
        const i32x8 normal = simd::shift_left(magnitude, 23 - t) + bias;
        const i32x8 small = simd::bit_cast<i32x8>(convert_f32(magnitude) * quantum);
        const i32x8 value = select(magnitude > subnormal, normal, small);
        const i32x8 minus = simd::shift_left(code, static_cast<unsigned>(32 - f.bits)) & sign;
        store(simd::bit_cast<f32x8>(value | minus), out + k);
        if (FEWBITS_UNLIKELY(any((magnitude > last) | (code == other_zero))))
            for (std::size_t lane = k; lane < k + 8; ++lane) out[lane] = table[codes[lane]];
    };
    std::size_t k = 0;
    for (; k + 32 <= count; k += 32) {
        const simd::u8x32 bytes = simd::u8x32::load(codes + k);
        const simd::i16x16 low = widen_low(bytes), high = widen_high(bytes);
        eight(widen_low(low), k);
        eight(widen_high(low), k + 8);
        eight(widen_low(high), k + 16);
        eight(widen_high(high), k + 24);
    }
    for (; k < count; ++k) out[k] = table[codes[k]];
}

template <class T>
WordOf<T> code_of_word(WordOf<T> word, const FloatFormat& f) {
    return word == raises<T> ? word : WordOf<T>{reference::code_of(from_word<T>(word), f)};
}

template <class C>
void narrow_codes(const std::uint32_t* wide, C* codes, std::size_t count) {
    std::size_t k = 0;
    if constexpr (std::is_same_v<C, std::uint8_t>) {
        using simd::u32x8;
        for (; k + 32 <= count; k += 32)
            store_bytes(codes + k, u32x8::load(wide + k), u32x8::load(wide + k + 8),
                        u32x8::load(wide + k + 16), u32x8::load(wide + k + 24));
    }
    for (; k < count; ++k) codes[k] = static_cast<C>(wide[k]);
}

template <class In, class T, class C>
void encode_with(Span<const In> x, const FloatFormat& f, const RoundOptions& options, Span<C> codes) {
    constexpr const char* function = "formats.encode";
    Plan<T> plan = make_plan<T>(function, f, options, x.size());
    for (int s = 0; s < 2; ++s) {
        plan.codes.largest[s] = code_of_word<T>(plan.largest[s], f);
        plan.codes.overflow[s] = code_of_word<T>(plan.overflow[s], f);
        plan.codes.infinite[s] = code_of_word<T>(plan.infinite[s], f);
        plan.codes.nan[s] = code_of_word<T>(plan.nan[s], f);
    }
    plan.codes.negative = code_of_word<T>(plan.negative, f);
    const Kernels<T> kernels = kernels_of<T>(plan);
    parallel_for(x.size(), thread_block, options.threads, [&](std::size_t begin, std::size_t end) {
        std::uint32_t wide[chunk];
        for (std::size_t i = begin; i < end; i += chunk) {
            const std::size_t count = std::min(chunk, end - i);
            std::uint32_t* target = wide;
            if constexpr (std::is_same_v<C, std::uint32_t>) target = codes.data() + i;
            if (std::is_same_v<In, T> && kernels.encode != nullptr) {
                WordOf<T> draws[chunk];
                if (rounds_randomly(options.rounding)) fill_draws<T>(plan.options, i, count, draws);
                const std::size_t refused =
                    kernels.encode(plan, reinterpret_cast<const T*>(x.data() + i), target, count, i, draws);
                if (refused != count) refuse_value(function, i + refused);
            } else {
                T values[chunk];
                round_any<In, T>(function, plan, kernels.round, x.data() + i, values, count, i);
                code_chunk(f, values, target, count);
            }
            if constexpr (!std::is_same_v<C, std::uint32_t>) narrow_codes(wide, codes.data() + i, count);
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
void decode(Span<const C> codes, const FloatFormat& format, Span<T> out, int threads = 1) {
    constexpr const char* function = "formats.decode";
    FEWBITS_REQUIRE(codes.size() == out.size(), "formats.decode: out must have the size of codes, got " +
                                                    std::to_string(out.size()) + " for " +
                                                    std::to_string(codes.size()));
    const FloatFormat& f = format;
    detail::require_codes(function, f, 8 * static_cast<int>(sizeof(C)));
    FEWBITS_REQUIRE(detail::carries<T>(f),
                    std::string(function) + ": format does not fit " + detail::Carrier<T>::name);
    C seen = 0;
    if (f.bits < 8 * static_cast<int>(sizeof(C)))
        for (const C code : codes) seen = static_cast<C>(seen | code);
    if (f.bits < 32 && std::uint64_t{seen} >> f.bits != 0) {
        for (std::size_t i = 0; i < codes.size(); ++i)
            FEWBITS_REQUIRE(std::uint64_t{codes[i]} >> f.bits == 0,
                            std::string(function) + ": codes must be below 2^" + std::to_string(f.bits) +
                                ", got " + std::to_string(codes[i]) + " at flat index " + std::to_string(i));
    }
    if constexpr (std::is_same_v<T, float>) {
        const auto pieces = [&](auto kernel) {
            parallel_for(codes.size(), detail::thread_block, threads,
                         [&](std::size_t begin, std::size_t end) {
                             kernel(codes.data() + begin, out.data() + begin, end - begin);
                         });
        };
        if (detail::heads_of_float32(f))
            return pieces([&](const C* c, float* x, std::size_t n) { detail::decode_heads(f, c, x, n); });
        if constexpr (std::is_same_v<C, std::uint16_t>) {
            if (f == get("float16")) return pieces(detail::decode_float16);
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
    if constexpr (std::is_same_v<T, float> && std::is_same_v<C, std::uint8_t>) {
        if (detail::decodes_by_shifts(f)) {
            return parallel_for(codes.size(), detail::thread_block, threads,
                                [&](std::size_t begin, std::size_t end) {
                                    detail::decode_small(f, table.data(), codes.data() + begin,
                                                         out.data() + begin, end - begin);
                                });
        }
    }
    parallel_for(codes.size(), detail::thread_block, threads, [&](std::size_t begin, std::size_t end) {
        for (std::size_t i = begin; i < end; ++i) out[i] = table[codes[i]];
    });
}

// Whether `carrier` has every value of the format, infinities and NaN included.
inline bool holds(const FloatFormat& carrier, const FloatFormat& f) {
    const int precision = f.is_fixed ? f.bits - (f.is_signed ? 1 : 0) : f.precision;
    return precision <= carrier.precision && f.quantum_exponent() >= carrier.quantum_exponent() &&
           f.max_finite <= carrier.max_finite && f.min_finite >= carrier.min_finite &&
           (carrier.has_inf || !f.has_inf) && (carrier.has_nan() || !f.has_nan());
}

// out[i] = the code in `carrier` of the value of code x[i] rounded to the format: round_to for arrays of
// float16 and bfloat16. x and out may be the same array. Throws as round_to does, and where the carrier is
// another format or lacks values of the format.
inline void round_coded(Span<const std::uint16_t> x, const FloatFormat& carrier, const FloatFormat& format,
                        const RoundOptions& options, Span<std::uint16_t> out) {
    constexpr const char* function = "formats.round_to";
    const bool is_float16 = carrier == get("float16");
    FEWBITS_REQUIRE(is_float16 || carrier == get("bfloat16"),
                    "formats.round_to: the carrier must be float16 or bfloat16");
    FEWBITS_REQUIRE(holds(carrier, format) && options.exponent_limit,
                    "formats.round_to: format does not fit the 16-bit carrier: pass float32");
    FEWBITS_REQUIRE(x.size() == out.size(), "formats.round_to: out must have the size of x, got " +
                                                std::to_string(out.size()) + " for " +
                                                std::to_string(x.size()));
    using detail::chunk;
    const detail::Plan<float> plan = detail::make_plan<float>(function, format, options, x.size());
    const detail::RoundChunk<float> kernel = detail::kernels_of<float>(plan).round;
    parallel_for(x.size(), detail::thread_block, options.threads, [&](std::size_t begin, std::size_t end) {
        float values[chunk];
        for (std::size_t i = begin; i < end; i += chunk) {
            const std::size_t count = std::min(chunk, end - i);
            if (is_float16)
                detail::decode_float16(x.data() + i, values, count);
            else
                detail::decode_heads(carrier, x.data() + i, values, count);
            detail::round_any<float, float>(function, plan, kernel, values, values, count, i);
            std::size_t k = 0;
            if (is_float16) {
                // Exact, hence right in every rounding mode of the thread.
                for (; k + 8 <= count; k += 8)
                    store_float16(simd::f32x8::load(values + k), out.data() + i + k);
                for (; k < count; ++k)
                    out[i + k] = static_cast<std::uint16_t>(reference::code_of(values[k], carrier));
            } else {
                for (; k < count; ++k)
                    out[i + k] = static_cast<std::uint16_t>(detail::to_word(values[k]) >> 16);
            }
        }
    });
}

}  // namespace formats
}  // namespace FEWBITS_ISA
}  // namespace fewbits
