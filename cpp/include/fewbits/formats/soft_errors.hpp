// Soft errors: single bits of codes flipped at random, as a memory or a processor does by accident.
//
// flip_bits decides for each element alone: 64-bit draw i of the stream is below probability 2^64 (rounded
// down), and 64-bit draw i of stream + 2^32 picks one of the bits with equal chances (to 2^-58). flip_count
// picks exactly `count` elements, every set of them equally likely: Floyd's algorithm, whose j-th choice
// reads the draws of `uniform_integer` number first + j under the seed mixed with the stream; the bits as
// above.
//
// Contract: exact, the same on every machine; depends on (seed, stream, first, index) alone.
// Sources: the feature after chop (N. Higham, S. Pranesh, 2019), which flips bits of the fraction only; the
// sampling: R. Floyd, J. Bentley, "A sample of brilliance", Comm. ACM 30 (1987).
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "fewbits/core/bits.hpp"
#include "fewbits/core/error.hpp"
#include "fewbits/core/isa.hpp"
#include "fewbits/core/random.hpp"
#include "fewbits/core/span.hpp"
#include "fewbits/formats/float_format.hpp"

namespace fewbits {
inline namespace FEWBITS_ISA {
namespace formats {

// The bits that may flip: `count` of them from bit `first` on.
struct BitRange {
    int first = 0;
    int count = 0;
};

namespace detail {

inline void require_bit_range(const char* function, const FloatFormat& f, BitRange where) {
    FEWBITS_REQUIRE(f.bits > 0 && f.bits <= 32,
                    std::string(function) + ": format must have codes of 1..32 bits");
    FEWBITS_REQUIRE(
        where.first >= 0 && where.count >= 1 && where.first + where.count <= f.bits,
        std::string(function) + ": the bits must be among the " + std::to_string(f.bits) + " of the format");
}

template <class C>
void flip_one(C& code, const Philox& picks, std::uint64_t i, BitRange where) {
    const std::uint64_t bit = mul_high(picks.draw64(i), static_cast<std::uint64_t>(where.count));
    code = static_cast<C>(code ^ (std::uint64_t{1} << (static_cast<unsigned>(where.first) + bit)));
}

}  // namespace detail

// Flips one bit of each code with the given probability.
template <class C>
void flip_bits(Span<C> codes, const FloatFormat& format, double probability, BitRange where,
               std::uint64_t seed, std::uint64_t stream, std::uint64_t first = 0) {
    detail::require_bit_range("formats.flip_bits", format, where);
    FEWBITS_REQUIRE(probability >= 0 && probability <= 1, "formats.flip_bits: probability must be in [0, 1]");
    const Philox decisions(seed, stream), picks(seed, stream + (std::uint64_t{1} << 32));
    // 2^64 does not fit: certainty is a case of its own.
    const bool always = probability >= 1;
    const std::uint64_t limit = always ? 0 : static_cast<std::uint64_t>(std::ldexp(probability, 64));
    for (std::size_t i = 0; i < codes.size(); ++i) {
        if (always || decisions.draw64(first + i) < limit)
            detail::flip_one(codes[i], picks, first + i, where);
    }
}

// Flips one bit each of exactly `count` codes.
template <class C>
void flip_count(Span<C> codes, const FloatFormat& format, std::size_t count, BitRange where,
                std::uint64_t seed, std::uint64_t stream) {
    detail::require_bit_range("formats.flip_exact_count", format, where);
    FEWBITS_REQUIRE(count <= codes.size(), "formats.flip_exact_count: count must be at most the size of x, " +
                                               std::to_string(codes.size()) + ", got " +
                                               std::to_string(count));
    const Philox picks(seed, stream + (std::uint64_t{1} << 32));
    // Samples have streams of their own under this seed; another stream of the call is another seed.
    const std::uint64_t sampling = Philox(seed, stream + (std::uint64_t{2} << 32)).draw64(0);
    std::vector<bool> chosen(codes.size());
    for (std::size_t j = codes.size() - count; j < codes.size(); ++j) {
        std::size_t i = static_cast<std::size_t>(uniform_integer(sampling, j, j + 1));
        if (chosen[i]) i = j;
        chosen[i] = true;
        detail::flip_one(codes[i], picks, i, where);
    }
}

}  // namespace formats
}  // namespace FEWBITS_ISA
}  // namespace fewbits
