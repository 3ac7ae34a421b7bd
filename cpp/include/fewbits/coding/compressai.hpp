// CompressAI's streams, bit for bit: what its encode_with_indexes writes and decode_with_indexes reads.
//
// Core A64, one lane, precision 16, the state as two words (low first) before the words. Symbol i takes row
// indexes[i] of the tables: cdf[0] = 0 < ... < cdf[size - 1] = 65536, value = symbol - offset. The last bin,
// size
// - 2, is an escape: a value outside 0..size - 3 is coded as that bin, then, in uniform codes of 4 bits,
//   raw = -2 value - 1 for value < 0, else 2 (value - (size - 2))
// first the number of its nibbles in unary of base 15 (15 means more to come), then the nibbles, low first.
//
// Unlike the original: rows are checked before use, and so are indexes, lengths, the words taken and the
// stream's end (the original decodes an empty string).
//
// Source: J. Begaint et al., "CompressAI", arXiv:2011.03029, and its rans_interface (BSD 3-clause, not
// copied).
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "fewbits/coding/rans64.hpp"
#include "fewbits/core/bits.hpp"
#include "fewbits/core/isa.hpp"
#include "fewbits/core/span.hpp"

namespace fewbits {
inline namespace FEWBITS_ISA {
namespace coding {

// Rows of cumulative frequencies, `width` apart; row r has sizes[r] entries and symbols from offsets[r] on.
struct CompressAiTables {
    Span<const std::int32_t> cdfs;
    std::size_t width = 0;
    Span<const std::int32_t> sizes;
    Span<const std::int32_t> offsets;

    void check(const char* function) const {
        const std::string name = function;
        FEWBITS_REQUIRE(sizes.size() == offsets.size() && cdfs.size() == sizes.size() * width,
                        name + ": cdfs, cdfs_sizes and offsets must have the same number of rows");
        for (std::size_t r = 0; r < sizes.size(); ++r) {
            const std::string row = name + ": cdfs[" + std::to_string(r) + "] ";
            FEWBITS_REQUIRE(sizes[r] >= 3 && static_cast<std::size_t>(sizes[r]) <= width,
                            row + "must have a size of 3 to its length, got " + std::to_string(sizes[r]));
            const std::int32_t* cdf = cdfs.data() + r * width;
            const std::size_t last = static_cast<std::size_t>(sizes[r]) - 1;
            FEWBITS_REQUIRE(cdf[0] == 0 && cdf[last] == 65536, row + "must go from 0 to 65536");
            for (std::size_t i = 0; i < last; ++i) {
                FEWBITS_REQUIRE(cdf[i] < cdf[i + 1],
                                row + "must increase strictly, at entry " + std::to_string(i));
            }
        }
    }
};

namespace detail {

inline constexpr unsigned compressai_precision = 16, escape_bits = 4;
inline constexpr std::uint32_t escape_more = 15;

inline void check_index(const char* function, const CompressAiTables& tables,
                        Span<const std::int32_t> indexes) {
    for (std::size_t i = 0; i < indexes.size(); ++i) {
        FEWBITS_REQUIRE(indexes[i] >= 0 && static_cast<std::size_t>(indexes[i]) < tables.sizes.size(),
                        std::string(function) + ": indexes must be in 0.." +
                            std::to_string(static_cast<std::int64_t>(tables.sizes.size()) - 1) +
                            ", got indexes[" + std::to_string(i) + "] = " + std::to_string(indexes[i]));
    }
}

}  // namespace detail

// Gathers symbols over calls; flush() gives the stream.
class CompressAiEncoder {
public:
    void put(Span<const std::int32_t> symbols, Span<const std::int32_t> indexes,
             const CompressAiTables& tables) {
        const char* function = "encode_with_indexes";
        FEWBITS_REQUIRE(symbols.size() == indexes.size(),
                        "encode_with_indexes: symbols and indexes must have the same size");
        tables.check(function);
        detail::check_index(function, tables, indexes);
        for (std::size_t i = 0; i < symbols.size(); ++i) {
            const std::size_t r = static_cast<std::size_t>(indexes[i]);
            const std::int32_t* cdf = tables.cdfs.data() + r * tables.width;
            const std::int64_t escape = tables.sizes[r] - 2;
            std::int64_t value = std::int64_t{symbols[i]} - tables.offsets[r];
            std::uint64_t raw = 0;
            const bool escaped = value < 0 || value >= escape;
            if (escaped) {
                raw = static_cast<std::uint64_t>(value < 0 ? -2 * value - 1 : 2 * (value - escape));
                FEWBITS_REQUIRE(raw >> 32 == 0, "encode_with_indexes: symbols[" + std::to_string(i) +
                                                    "] lies too far from its table");
                value = escape;
            }
            const std::uint32_t start = static_cast<std::uint32_t>(cdf[value]);
            steps_.push_back(
                {start, static_cast<std::uint32_t>(cdf[value + 1]) - start, detail::compressai_precision});
            if (!escaped) continue;
            const std::uint32_t nibbles = (bit_length(raw) + 3) / 4;  // at most 8: one unary code
            uniform(nibbles);
            for (std::uint32_t j = 0; j < nibbles; ++j)
                uniform(static_cast<std::uint32_t>(raw >> (4 * j)) & 15U);
        }
    }
    Bytes flush() {
        std::uint64_t x = rans64_lower;
        std::vector<std::uint32_t> words;
        for (auto step = steps_.rbegin(); step != steps_.rend(); ++step) {
            if (x >> (63 - step->precision) >= step->frequency) {
                words.push_back(static_cast<std::uint32_t>(x & 0xffffffffU));
                x >>= 32;
            }
            x = ((x / step->frequency) << step->precision) + x % step->frequency + step->start;
        }
        Bytes out;
        out.reserve(8 + 4 * words.size());
        append_le(out, x);
        for (auto word = words.rbegin(); word != words.rend(); ++word) append_le(out, *word);
        steps_.clear();
        return out;
    }

private:
    struct Step {
        std::uint32_t start, frequency;
        unsigned precision;
    };
    void uniform(std::uint32_t value) { steps_.push_back({value, 1, detail::escape_bits}); }

    std::vector<Step> steps_;
};

class CompressAiDecoder {
public:
    explicit CompressAiDecoder(ByteSpan data) : data_(data.begin(), data.end()) {
        if (data_.size() < 8 || data_.size() % 4 != 0) fail("a stream has at least 8 bytes, in words of 4");
        state_ = load_le<std::uint64_t>(data_.data());
        if (state_ < rans64_lower || state_ >> 63 != 0) fail("the initial state is out of range");
        next_ = 8;
    }
    void get(Span<const std::int32_t> indexes, const CompressAiTables& tables, Span<std::int32_t> symbols) {
        const char* function = "decode_with_indexes";
        FEWBITS_REQUIRE(symbols.size() == indexes.size(),
                        "decode_with_indexes: symbols and indexes must have the same size");
        tables.check(function);
        detail::check_index(function, tables, indexes);
        for (std::size_t i = 0; i < symbols.size(); ++i) {
            const std::size_t r = static_cast<std::size_t>(indexes[i]);
            const std::int32_t* cdf = tables.cdfs.data() + r * tables.width;
            const std::int64_t escape = tables.sizes[r] - 2;
            const std::int32_t slot = static_cast<std::int32_t>(state_ & 0xffffU);
            const std::int32_t* above = std::upper_bound(cdf, cdf + tables.sizes[r], slot);
            std::int64_t value = above - cdf - 1;
            const std::uint32_t start = static_cast<std::uint32_t>(cdf[value]);
            take(start, static_cast<std::uint32_t>(cdf[value + 1]) - start, detail::compressai_precision);
            if (value == escape) {
                std::uint32_t nibbles = 0, more = 0;
                do {
                    more = uniform();
                    nibbles += more;
                    if (nibbles > 8) fail("an escaped value is too long");
                } while (more == detail::escape_more);
                std::uint64_t raw = 0;
                for (std::uint32_t j = 0; j < nibbles; ++j) raw |= std::uint64_t{uniform()} << (4 * j);
                const std::int64_t half = static_cast<std::int64_t>(raw >> 1);
                value = (raw & 1) != 0 ? -half - 1 : half + escape;
            }
            value += tables.offsets[r];
            if (value < INT32_MIN || value > INT32_MAX) fail("a symbol does not fit int32");
            symbols[i] = static_cast<std::int32_t>(value);
        }
    }
    // Whether all of the stream has been read.
    bool at_end() const { return next_ == data_.size() && state_ == rans64_lower; }
    void expect_end() const {
        if (!at_end()) fail("data damaged, or tables differ from those used for encoding");
    }

private:
    [[noreturn]] static void fail(const char* message) {
        throw CorruptDataError(std::string("decode_with_indexes: ") + message);
    }
    void take(std::uint32_t start, std::uint32_t frequency, unsigned precision) {
        const std::uint64_t t = state_ & ((std::uint64_t{1} << precision) - 1);
        state_ = frequency * (state_ >> precision) + t - start;
        if (state_ >= rans64_lower) return;
        if (next_ == data_.size()) fail("truncated");
        state_ = state_ << 32 | load_le<std::uint32_t>(data_.data() + next_);
        next_ += 4;
    }
    std::uint32_t uniform() {
        const std::uint32_t value = static_cast<std::uint32_t>(state_) & 15U;
        take(value, 1, detail::escape_bits);
        return value;
    }

    Bytes data_;
    std::uint64_t state_ = 0;
    std::size_t next_ = 0;
};

}  // namespace coding
}  // namespace FEWBITS_ISA
}  // namespace fewbits
