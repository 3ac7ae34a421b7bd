// Dot products of codes without error: the values of a format of few bits are whole multiples of its least
// one, so that products and their sums are plain integers.
//
//   formats of 4 bits and less (e2m1: values n / 2)      |product| <= 144 in units of 1/4; 16-bit products in
//                                                        pairs, sums in int32
//   values below 2^23 units (e4m3fn: n / 512, e3m2 ...)  products below 2^46, sums in int64
//   others (e5m2: n 2^-16, values below 2^33)            values in two parts of 16 and 17 bits, three sums in
//                                                        int64: 128 bits in effect
// Partial sums go into an ExactAccumulator long before they could overflow. Codes of infinity and nan are
// noticed on the way and the sum is done again by values.
//
// Contract: exact, so the same for any order; result as of exact_sum.hpp.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "fewbits/core/error.hpp"
#include "fewbits/core/isa.hpp"
#include "fewbits/core/span.hpp"
#include "fewbits/formats/codes.hpp"
#include "fewbits/formats/detail/carrier.hpp"
#include "fewbits/formats/exact_sum.hpp"
#include "fewbits/formats/float_format.hpp"
#include "fewbits/simd/i16x16.hpp"
#include "fewbits/simd/i32x8.hpp"
#include "fewbits/simd/u8x32.hpp"

namespace fewbits {
inline namespace FEWBITS_ISA {
namespace formats {

namespace detail {

// What each code is in units of 2^exponent.
struct CodeIntegers {
    std::vector<double> values;
    std::vector<std::int64_t> integers;  // not_finite where the code is infinity or nan
    std::uint64_t largest = 0;
    int exponent;
    static constexpr std::int64_t not_finite = INT64_MIN;

    explicit CodeIntegers(const FloatFormat& f) : exponent(f.quantum_exponent()) {
        FEWBITS_REQUIRE(f.bits >= 1 && f.bits <= 8,
                        "formats.exact_dot_codes: format must have codes of at most 8 bits, got " +
                            std::to_string(f.bits));
        const std::size_t count = std::size_t{1} << f.bits;
        std::vector<std::uint8_t> codes(count);
        for (std::size_t i = 0; i < count; ++i) codes[i] = static_cast<std::uint8_t>(i);
        values.resize(count);
        decode(Span<const std::uint8_t>(codes), f, Span<double>(values));
        integers.resize(count, not_finite);
        for (std::size_t i = 0; i < count; ++i) {
            const Exact x = exact(values[i]);
            if (x.kind != Exact::finite) continue;
            if (x.significand == 0) {
                integers[i] = 0;
                continue;
            }
            const int shift = x.exponent - exponent;
            FEWBITS_REQUIRE(static_cast<int>(bit_length(x.significand)) + shift <= 33,
                            "formats.exact_dot_codes: format must span at most 33 bits");
            const std::uint64_t n = shift >= 0 ? x.significand << shift : x.significand >> -shift;
            integers[i] = x.negative ? -static_cast<std::int64_t>(n) : static_cast<std::int64_t>(n);
            largest = std::max(largest, n);
        }
    }
};

inline constexpr std::size_t code_dot_chunk = std::size_t{1} << 16;  // products between two pourings

// Sixteen codes of at most four bits by a table of bytes, products in pairs.
inline void nibble_dot(const std::uint8_t* x, const std::uint8_t* y, std::size_t count,
                       const CodeIntegers& table, ExactAccumulator& sum) {
    using simd::i32x8;
    using simd::u8x32;
    std::uint8_t bytes[16] = {};
    const std::size_t codes = table.integers.size();
    for (std::size_t i = 0; i < codes; ++i) bytes[i] = static_cast<std::uint8_t>(table.integers[i]);
    const u8x32 integers = simd::broadcast16(bytes),
                mask = u8x32::broadcast(static_cast<std::uint8_t>(codes - 1));
    i32x8 total = i32x8::zero();
    // The sign of a byte: bytes - 2 (bytes & 128) as 16-bit numbers.
    const auto signed_low = [](u8x32 b)
                                FEWBITS_INLINE_LAMBDA { return shift_right(shift_left(widen_low(b), 8), 8); };
    const auto signed_high = [](u8x32 b) FEWBITS_INLINE_LAMBDA {
        return shift_right(shift_left(widen_high(b), 8), 8);
    };
    std::size_t i = 0;
    for (; i + 32 <= count; i += 32) {
        const u8x32 a = lookup16(integers, u8x32::load(x + i) & mask);
        const u8x32 b = lookup16(integers, u8x32::load(y + i) & mask);
        total = total + madd_i16(signed_low(a), signed_low(b)) + madd_i16(signed_high(a), signed_high(b));
    }
    std::int64_t rest = simd::sum(total);
    for (; i < count; ++i) rest += table.integers[x[i] % codes] * table.integers[y[i] % codes];
    sum.add_integer(rest, 2 * table.exponent);
}

// False where a code was not finite.
inline bool short_dot(const std::uint8_t* x, const std::uint8_t* y, std::size_t count,
                      const CodeIntegers& table, ExactAccumulator& sum) {
    const std::int64_t* const integers = table.integers.data();
    const std::size_t mask = table.integers.size() - 1;
    std::int64_t total[4] = {};
    bool finite = true;
    std::size_t i = 0;
    const auto product = [&](std::size_t k) FEWBITS_INLINE_LAMBDA {
        const std::int64_t a = integers[x[k] & mask], b = integers[y[k] & mask];
        finite = finite & (a != CodeIntegers::not_finite) & (b != CodeIntegers::not_finite);
        return static_cast<std::int64_t>(static_cast<std::uint64_t>(a) * static_cast<std::uint64_t>(b));
    };
    for (; i + 4 <= count; i += 4)
        for (std::size_t lane = 0; lane < 4; ++lane)
            total[lane] = static_cast<std::int64_t>(static_cast<std::uint64_t>(total[lane]) +
                                                    static_cast<std::uint64_t>(product(i + lane)));
    for (; i < count; ++i)
        total[0] = static_cast<std::int64_t>(static_cast<std::uint64_t>(total[0]) +
                                             static_cast<std::uint64_t>(product(i)));
    if (!finite) return false;
    for (const std::int64_t lane : total) sum.add_integer(lane, 2 * table.exponent);
    return true;
}

inline bool long_dot(const std::uint8_t* x, const std::uint8_t* y, std::size_t count,
                     const CodeIntegers& table, ExactAccumulator& sum) {
    const std::size_t mask = table.integers.size() - 1;
    std::int64_t high = 0, middle = 0, low = 0;
    for (std::size_t i = 0; i < count; ++i) {
        const std::int64_t a = table.integers[x[i] & mask], b = table.integers[y[i] & mask];
        if (a == CodeIntegers::not_finite || b == CodeIntegers::not_finite) return false;
        // Floor and rest: a = 2^16 a1 + a0 with 0 <= a0 < 2^16 and |a1| <= 2^17.
        const std::int64_t a0 = a & 0xffff, a1 = a >> 16, b0 = b & 0xffff, b1 = b >> 16;
        high += a1 * b1;
        middle += a1 * b0 + a0 * b1;
        low += a0 * b0;
    }
    sum.add_integer(high, 2 * table.exponent + 32);
    sum.add_integer(middle, 2 * table.exponent + 16);
    sum.add_integer(low, 2 * table.exponent);
    return true;
}

}  // namespace detail

namespace reference {

inline void accumulate_code_dot(Span<const std::uint8_t> x, Span<const std::uint8_t> y,
                                const detail::CodeIntegers& table, ExactAccumulator& sum) {
    const std::size_t mask = table.values.size() - 1;
    for (std::size_t i = 0; i < x.size(); ++i)
        sum.add_product(table.values[x[i] & mask], table.values[y[i] & mask]);
}

}  // namespace reference

// Adds the products of the values of all pairs of codes. Bits of a code above those of the format do not
// count.
inline void accumulate_code_dot(Span<const std::uint8_t> x, Span<const std::uint8_t> y, const FloatFormat& f,
                                ExactAccumulator& sum) {
    FEWBITS_REQUIRE(x.size() == y.size(), "formats.exact_dot_codes: y must have the size of x, got " +
                                              std::to_string(y.size()) + " for " + std::to_string(x.size()));
    const detail::CodeIntegers table(f);
    const bool all_finite = std::find(table.integers.begin(), table.integers.end(),
                                      detail::CodeIntegers::not_finite) == table.integers.end();
    for (std::size_t i = 0; i < x.size(); i += detail::code_dot_chunk) {
        const std::size_t count = std::min(detail::code_dot_chunk, x.size() - i);
        const std::uint8_t *const a = x.data() + i, *const b = y.data() + i;
        bool done = true;
        if (all_finite && f.bits <= 4 && table.largest <= 64)
            detail::nibble_dot(a, b, count, table, sum);
        else if (table.largest < (std::uint64_t{1} << 23))
            done = detail::short_dot(a, b, count, table, sum);
        else
            done = detail::long_dot(a, b, count, table, sum);
        if (!done) reference::accumulate_code_dot(x.subspan(i, count), y.subspan(i, count), table, sum);
    }
}

}  // namespace formats
}  // namespace FEWBITS_ISA
}  // namespace fewbits
