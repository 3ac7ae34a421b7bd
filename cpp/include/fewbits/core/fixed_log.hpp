// log2 in fixed point, and the entropies built on it: the same integers on every machine.
//
// Encoders choose between representations by estimated cost. A choice that hung on a libm's last bit would
// make two machines write different files from the same input, so the estimates are integers.
// Q16: one bit is 65536. Error of log2_fixed: below 2^-16 bit (within 1 unit; all x < 2^20 and 10^6 random).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "fewbits/core/bits.hpp"
#include "fewbits/core/isa.hpp"
#include "fewbits/core/span.hpp"

namespace fewbits {
inline namespace FEWBITS_ISA {

inline constexpr unsigned log2_fraction_bits = 16;

namespace detail {

// round(2^20 * log2(1 + i / 1024)) by repeated squaring: each squaring of m in [1, 2) yields one bit.
constexpr std::array<std::uint32_t, 1025> make_log2_table() {
    std::array<std::uint32_t, 1025> table{};
    for (std::uint32_t i = 0; i < 1024; ++i) {
        std::uint64_t m = (std::uint64_t{1024} + i) << 21;  // Q31
        std::uint32_t fraction = 0;
        for (int bit = 0; bit < 21; ++bit) {
            m = (m * m) >> 31;
            fraction <<= 1;
            if (m >> 32) {
                fraction |= 1;
                m >>= 1;
            }
        }
        table[i] = (fraction + 1) / 2;
    }
    table[1024] = 1U << 20;
    return table;
}

inline constexpr std::array<std::uint32_t, 1025> log2_table = make_log2_table();

}  // namespace detail

// log2(x) in Q16 for x >= 1.
FEWBITS_INLINE std::uint32_t log2_fixed(std::uint64_t x) {
    const unsigned exponent = bit_length(x) - 1;
    const std::uint64_t mantissa =
        exponent >= 32 ? x >> (exponent - 32) : x << (32 - exponent);  // Q32, [1, 2)
    const std::uint32_t index = static_cast<std::uint32_t>(mantissa >> 22) & 1023U;
    const std::uint64_t within = mantissa & 0x3fffffU;  // 22 bits
    const std::uint64_t left = detail::log2_table[index], right = detail::log2_table[index + 1];
    const std::uint64_t fraction = (left << 22) + (right - left) * within;  // Q42
    return (exponent << log2_fraction_bits) +
           static_cast<std::uint32_t>((fraction + (std::uint64_t{1} << 25)) >> 26);
}

// Sum over i of counts[i] * log2(total / counts[i]) in Q16 bits: the ideal length of a message with these
// counts, at most 2^40 symbols.
template <class Count>
std::uint64_t entropy_bits_fixed(Span<const Count> counts) {
    std::uint64_t total = 0, weighted = 0;
    for (const Count count : counts) {
        if (count == 0) continue;
        total += count;
        weighted += count * std::uint64_t{log2_fixed(count)};
    }
    return total == 0 ? 0 : total * log2_fixed(total) - weighted;
}

}  // namespace FEWBITS_ISA
}  // namespace fewbits
