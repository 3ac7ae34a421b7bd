// Quantisation to a codebook: every number becomes the code of its nearest level.
//
//   Codebook          levels 0 .. n - 1, ascending, n <= 256
//   codebook_encode   code j where (l[j-1] + l[j]) / 2 < x <= (l[j] + l[j+1]) / 2: a tie goes to the lower
//   level codebook_decode   l[code]
//
// Types float32, float64 in and out, codes uint8. Exact: each midpoint is taken from float64 sums and rounded
// down to the type of x, which leaves every comparison as it was with the real midpoint (levels are given as
// float64; their sum is exact to 1 ulp, levels of float32 give exact midpoints). Infinities take the end
// levels; nan takes code 0, so check for it first. Codes above n - 1 are refused by decode.
//
// Kernels: up to 16 levels, comparisons with all thresholds, 15 for 8 elements; above, a search by look-ups.
// Source: the nearest-neighbour condition of S. Lloyd, IEEE Trans. Information Theory 28 (1982).
#pragma once

#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <string>
#include <type_traits>

#include "fewbits/core/bits.hpp"
#include "fewbits/core/error.hpp"
#include "fewbits/core/error_free.hpp"
#include "fewbits/core/isa.hpp"
#include "fewbits/core/parallel.hpp"
#include "fewbits/core/span.hpp"
#include "fewbits/simd/f32x8.hpp"
#include "fewbits/simd/i32x8.hpp"
#include "fewbits/simd/u32x8.hpp"

namespace fewbits {
inline namespace FEWBITS_ISA {
namespace quant {

inline constexpr std::size_t max_levels = 256;

template <class T>
class Codebook {
    static_assert(std::is_same_v<T, float> || std::is_same_v<T, double>);

public:
    explicit Codebook(Span<const double> levels) : size_(levels.size()) {
        FEWBITS_REQUIRE(size_ >= 1 && size_ <= max_levels,
                        "Codebook: there must be 1 to 256 levels, got " + std::to_string(size_));
        thresholds_.fill(std::numeric_limits<T>::infinity());
        for (std::size_t j = 0; j < size_; ++j) {
            FEWBITS_REQUIRE(std::isfinite(levels[j]) && (j == 0 || levels[j - 1] < levels[j]),
                            "Codebook: levels must be finite and ascending");
            levels_[j] = static_cast<T>(levels[j]);
            if (j > 0) thresholds_[j - 1] = midpoint(levels[j - 1], levels[j]);
        }
    }
    std::size_t size() const { return size_; }
    // Steps of a search.
    unsigned depth() const { return bit_length(size_ - 1); }
    const T* levels() const { return levels_.data(); }
    // size() - 1 of them, then infinities: x > thresholds()[j] where x belongs to a level above j.
    const T* thresholds() const { return thresholds_.data(); }

private:
    // The largest T that is at most (a + b) / 2.
    static T midpoint(double a, double b) {
        // Halves first: the sum of two levels may overflow.
        const ErrorFree<double> sum = two_sum(a / 2, b / 2);
        double middle = sum.value;
        if (sum.error < 0) middle = std::nextafter(middle, -std::numeric_limits<double>::infinity());
        T result = static_cast<T>(middle);
        if (static_cast<double>(result) > middle)
            result = std::nextafter(result, -std::numeric_limits<T>::infinity());
        return result;
    }

    std::size_t size_;
    std::array<T, max_levels> levels_{};
    std::array<T, max_levels> thresholds_;
};

namespace reference {

template <class T>
void codebook_encode(Span<const T> x, const Codebook<T>& codebook, Span<std::uint8_t> codes) {
    for (std::size_t i = 0; i < x.size(); ++i) {
        std::size_t code = 0;
        for (std::size_t j = 0; j + 1 < codebook.size(); ++j) code += x[i] > codebook.thresholds()[j] ? 1 : 0;
        codes[i] = static_cast<std::uint8_t>(code);
    }
}

}  // namespace reference

namespace detail {

inline constexpr std::size_t compared_levels = 16;

FEWBITS_INLINE simd::u32x8 codes_by_comparison(simd::f32x8 x, const float* thresholds, std::size_t count) {
    simd::u32x8 code = simd::u32x8::broadcast(0);
    const simd::u32x8 one = simd::u32x8::broadcast(1);
    for (std::size_t j = 0; j < count; ++j)
        code = code + keep(x > simd::f32x8::broadcast(thresholds[j]), one);
    return code;
}

// Invariant: thresholds below `code` are below x; the search goes over 2^depth - 1 of them.
FEWBITS_INLINE simd::i32x8 codes_by_search(simd::f32x8 x, const float* thresholds, unsigned depth) {
    simd::i32x8 code = simd::i32x8::zero();
    for (unsigned bit = depth; bit-- > 0;) {
        const simd::i32x8 next = code + simd::i32x8::broadcast(static_cast<std::int32_t>(1U << bit));
        const simd::f32x8 threshold = lookup(thresholds, next - simd::i32x8::broadcast(1));
        code = select(x > threshold, next, code);
    }
    return code;
}

// Codes of 32 elements.
FEWBITS_INLINE void encode_group(const float* x, const Codebook<float>& codebook, std::uint8_t* codes) {
    simd::u32x8 part[4];
    for (std::size_t k = 0; k < 4; ++k) {
        const simd::f32x8 v = simd::f32x8::load(x + 8 * k);
        if (codebook.size() <= compared_levels) {
            part[k] = codes_by_comparison(v, codebook.thresholds(), codebook.size() - 1);
        } else {
            std::int32_t found[8];
            store(codes_by_search(v, codebook.thresholds(), codebook.depth()), found);
            std::uint32_t words[8];
            std::memcpy(words, found, sizeof words);
            part[k] = simd::u32x8::load(words);
        }
    }
    store_low_bytes(codes, part[0], part[1], part[2], part[3]);
}

// Elements per piece of work for the threads.
inline constexpr std::size_t codebook_block = std::size_t{1} << 18;

}  // namespace detail

template <class T>
void codebook_encode(Span<const T> x, const Codebook<T>& codebook, Span<std::uint8_t> codes,
                     int threads = 1) {
    FEWBITS_REQUIRE(x.size() == codes.size(), "codebook_encode: codes must have the size of x");
    parallel_for(x.size(), detail::codebook_block, resolve_threads(threads),
                 [&](std::size_t begin, std::size_t end) {
                     std::size_t i = begin;
                     if constexpr (std::is_same_v<T, float>) {
                         for (; i + 32 <= end; i += 32)
                             detail::encode_group(x.data() + i, codebook, codes.data() + i);
                     }
                     const T* thresholds = codebook.thresholds();
                     for (; i < end; ++i) {
                         std::size_t code = 0;
                         for (unsigned bit = codebook.depth(); bit-- > 0;) {
                             const std::size_t next = code + (std::size_t{1} << bit);
                             if (x[i] > thresholds[next - 1]) code = next;
                         }
                         codes[i] = static_cast<std::uint8_t>(code);
                     }
                 });
}

template <class T>
void codebook_decode(Span<const std::uint8_t> codes, const Codebook<T>& codebook, Span<T> out,
                     int threads = 1) {
    FEWBITS_REQUIRE(codes.size() == out.size(), "codebook_decode: out must have the size of codes");
    parallel_for(codes.size(), detail::codebook_block, resolve_threads(threads),
                 [&](std::size_t begin, std::size_t end) {
                     std::uint8_t largest = 0;
                     for (std::size_t i = begin; i < end; ++i) {
                         largest = codes[i] > largest ? codes[i] : largest;
                         out[i] = codebook.levels()[codes[i]];
                     }
                     FEWBITS_REQUIRE(largest < codebook.size(),
                                     "quant.codebook_decode: codes must be in 0.." +
                                         std::to_string(codebook.size() - 1) + ", got " +
                                         std::to_string(largest));
                 });
}

}  // namespace quant
}  // namespace FEWBITS_ISA
}  // namespace fewbits
