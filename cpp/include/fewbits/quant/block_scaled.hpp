// Blocks of elements that share a scale: the passes of MX and NVFP4 formats. Rules that choose scales work on
// the maxima, outside.
//
//   block_maxima(x, ...)               largest magnitude of every block, as bits: infinity and nan show
//   block_encode(x, divisors, ...)     codes of x / divisor, rounded once to the element format; 0 where it
//   is 0 block_decode(codes, factors, ...)  value times factor block_errors(x, codes, ...)        sum of (x -
//   value factor)^2 of every block
// Rows of `width` elements are cut into blocks of `block_size`; the last block of a row may be shorter.
//
// Contract: exact: one division and one rounding for each element, one product to decode, sums of errors in
// double in a fixed order: the same bits on every instruction set and for any number of threads. Quotients
// below the smallest normal float32 keep their sign and are not zero where x is not, so that directed modes
// round them as they would the exact one. Sources: OCP Microscaling Formats (MX) v1.0; "Pretraining large
// language models with NVFP4", arXiv:2509.25149.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

#include "fewbits/core/error.hpp"
#include "fewbits/core/isa.hpp"
#include "fewbits/core/parallel.hpp"
#include "fewbits/core/span.hpp"
#include "fewbits/formats/codes.hpp"
#include "fewbits/formats/float_format.hpp"
#include "fewbits/formats/rounding_options.hpp"
#include "fewbits/simd/f32x8.hpp"
#include "fewbits/simd/i32x8.hpp"

namespace fewbits {
inline namespace FEWBITS_ISA {
namespace quant {

// How an array is cut.
struct Blocks {
    std::size_t width, size;

    std::size_t per_row() const { return (width + size - 1) / size; }
    std::size_t rows(std::size_t elements) const { return width == 0 ? 0 : elements / width; }
    std::size_t count(std::size_t elements) const { return rows(elements) * per_row(); }

    void check(std::size_t elements, std::size_t blocks, const char* function) const {
        FEWBITS_REQUIRE(size > 0, std::string(function) + ": block_size must be at least 1, got 0");
        FEWBITS_REQUIRE(width > 0 ? elements % width == 0 : elements == 0,
                        std::string(function) + ": width must divide the size of x, got " +
                            std::to_string(width) + " for " + std::to_string(elements));
        FEWBITS_REQUIRE(blocks == count(elements), std::string(function) + ": there must be " +
                                                       std::to_string(count(elements)) + " blocks, got " +
                                                       std::to_string(blocks));
    }
};

namespace detail {

// body(block, first, count) for every block, in order within a piece of work of whole rows.
template <class Body>
void for_blocks(const Blocks& blocks, std::size_t elements, int threads, const Body& body) {
    const std::size_t rows = blocks.rows(elements), per_row = blocks.per_row();
    const std::size_t piece =
        std::max<std::size_t>(1, (std::size_t{1} << 18) / std::max<std::size_t>(1, blocks.width));
    parallel_for(rows, piece, threads, [&](std::size_t begin, std::size_t end) {
        for (std::size_t row = begin; row < end; ++row) {
            for (std::size_t b = 0; b < per_row; ++b) {
                const std::size_t at = b * blocks.size;
                body(row * per_row + b, row * blocks.width + at, std::min(blocks.size, blocks.width - at));
            }
        }
    });
}

}  // namespace detail

inline void block_maxima(Span<const float> x, const Blocks& blocks, Span<std::uint32_t> maxima,
                         int threads = 1) {
    blocks.check(x.size(), maxima.size(), "quant.block_maxima");
    detail::for_blocks(blocks, x.size(), threads, [&](std::size_t b, std::size_t first, std::size_t count) {
        using simd::i32x8;
        const float* const from = x.data() + first;
        const i32x8 magnitude = i32x8::broadcast(0x7fffffff);
        i32x8 largest = i32x8::broadcast(0);
        std::size_t i = 0;
        for (; i + 8 <= count; i += 8)
            largest = max(largest, simd::bit_cast<i32x8>(simd::f32x8::load(from + i)) & magnitude);
        std::int32_t lanes[8];
        store(largest, lanes);
        std::uint32_t result = 0;
        for (const std::int32_t lane : lanes) result = std::max(result, static_cast<std::uint32_t>(lane));
        for (; i < count; ++i) {
            std::uint32_t word;
            std::memcpy(&word, from + i, sizeof word);
            result = std::max(result, word & 0x7fffffffU);
        }
        maxima[b] = result;
    });
}

// `options` says how elements round; its stream counts elements in C order.
inline void block_encode(Span<const float> x, const Blocks& blocks, Span<const float> divisors,
                         const formats::FloatFormat& element, const formats::RoundOptions& options,
                         Span<std::uint8_t> codes) {
    constexpr const char* function = "quant.block_encode";
    blocks.check(x.size(), divisors.size(), function);
    FEWBITS_REQUIRE(codes.size() == x.size(), std::string(function) + ": codes must have the size of x");
    std::vector<float> scaled(std::min<std::size_t>(x.size(), std::size_t{1} << 14));
    const auto quotients = [&](std::size_t first, std::size_t count, float divisor, float* out) {
        using simd::f32x8;
        const float* const from = x.data() + first;
        if (divisor == 0) {
            std::fill(out, out + count, 0.0F);
            return;
        }
        const f32x8 d = f32x8::broadcast(divisor);
        std::size_t i = 0;
        for (; i + 8 <= count; i += 8) store(f32x8::load(from + i) / d, out + i);
        for (; i < count; ++i) out[i] = from[i] / divisor;
        if (options.rounding <= formats::Rounding::nearest_odd) return;  // the nearest ones come first
        for (i = 0; i < count; ++i)
            if (std::fabs(out[i]) < 0x1p-126F && from[i] != 0) out[i] = std::copysign(0x1p-126F, from[i]);
    };
    // Pieces of whole blocks: divided here, rounded there.
    const std::size_t per_row = blocks.per_row(), total = blocks.count(x.size());
    std::size_t begin = 0, filled = 0;
    const auto flush = [&] {
        formats::RoundOptions own = options;
        own.first = options.first + begin;
        if (!options.bits.empty()) own.bits = options.bits.subspan(begin, filled);
        formats::encode(Span<const float>(scaled.data(), filled), element, own,
                        Span<std::uint8_t>(codes.data() + begin, filled));
        begin += filled;
        filled = 0;
    };
    for (std::size_t b = 0; b < total; ++b) {
        std::size_t first = (b / per_row) * blocks.width + (b % per_row) * blocks.size;
        std::size_t left = std::min(blocks.size, blocks.width - (b % per_row) * blocks.size);
        while (left > 0) {
            const std::size_t count = std::min(left, scaled.size() - filled);
            quotients(first, count, divisors[b], scaled.data() + filled);
            filled += count;
            first += count;
            left -= count;
            if (filled == scaled.size()) flush();
        }
    }
    if (filled > 0) flush();
}

inline void block_decode(Span<const std::uint8_t> codes, const Blocks& blocks, Span<const float> factors,
                         const formats::FloatFormat& element, Span<float> out, int threads = 1) {
    constexpr const char* function = "quant.block_decode";
    blocks.check(codes.size(), factors.size(), function);
    formats::decode(codes, element, out, threads);
    detail::for_blocks(blocks, codes.size(), threads,
                       [&](std::size_t b, std::size_t first, std::size_t count) {
                           using simd::f32x8;
                           float* const to = out.data() + first;
                           const f32x8 factor = f32x8::broadcast(factors[b]);
                           std::size_t i = 0;
                           for (; i + 8 <= count; i += 8) store(f32x8::load(to + i) * factor, to + i);
                           for (; i < count; ++i) to[i] *= factors[b];
                       });
}

inline void block_errors(Span<const float> x, Span<const std::uint8_t> codes, const Blocks& blocks,
                         Span<const float> factors, const formats::FloatFormat& element, Span<double> errors,
                         int threads = 1) {
    constexpr const char* function = "quant.block_errors";
    blocks.check(x.size(), factors.size(), function);
    FEWBITS_REQUIRE(codes.size() == x.size() && errors.size() == factors.size(),
                    std::string(function) + ": codes must have the size of x, errors that of factors");
    std::vector<float> values(x.size());
    block_decode(codes, blocks, factors, element, Span<float>(values), threads);
    detail::for_blocks(blocks, x.size(), threads, [&](std::size_t b, std::size_t first, std::size_t count) {
        double total = 0;
        for (std::size_t i = first; i < first + count; ++i) {
            const double e = static_cast<double>(x[i]) - static_cast<double>(values[i]);
            total += e * e;
        }
        errors[b] = total;
    });
}

}  // namespace quant
}  // namespace FEWBITS_ISA
}  // namespace fewbits
