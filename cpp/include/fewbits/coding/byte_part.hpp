// Parts: arrays of bytes inside a tensor block, each stored in the cheapest of the ways tried.
//
// part = varint length, coded block (coding/block.hpp) of kind EMPTY, CONST, STORED (packed to its width),
// STATIC, or, where the writer has time, ADAPTIVE. Noise, the usual case for mantissa planes, is recognised
// on a sample and copied.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <optional>

#include "fewbits/coding/bitpack.hpp"
#include "fewbits/coding/block.hpp"
#include "fewbits/coding/rans.hpp"
#include "fewbits/coding/static_table.hpp"
#include "fewbits/core/bits.hpp"
#include "fewbits/core/fixed_log.hpp"
#include "fewbits/core/isa.hpp"
#include "fewbits/core/span.hpp"

namespace fewbits {
inline namespace FEWBITS_ISA {
namespace coding {

// Uninitialised bytes that only ever grow: scratch that a thread reuses from block to block.
class ByteBuffer {
public:
    // `size` bytes whose contents are arbitrary; invalidates what an earlier call returned.
    Span<std::uint8_t> get(std::size_t size) {
        if (size > capacity_) {
            capacity_ = size + size / 4 + 64;
            data_.reset(new std::uint8_t[capacity_]);
        }
        return {data_.get(), size};
    }

private:
    std::unique_ptr<std::uint8_t[]> data_;
    std::size_t capacity_ = 0;
};

// What writing parts overwrites: the ranks of one, and its block before its length is known.
struct PartScratch {
    ByteBuffer ranks;
    Bytes block;
};

// A static table ready for encoding: ranks by symbol, reciprocals by rank.
class SymbolCoder {
public:
    explicit SymbolCoder(StaticTable symbols) : table_(std::move(symbols)), encode_(table_) {
        if (table_.ranks_are_offsets()) return;
        rank_of_symbol_.resize(static_cast<std::size_t>(table_.lo()) + table_.span());
        for (std::uint32_t rank = 0; rank < table_.ranks(); ++rank) {
            rank_of_symbol_[static_cast<std::size_t>(table_.symbol_of_rank(rank))] =
                static_cast<std::uint8_t>(rank);
        }
    }
    const StaticTable& table() const { return table_; }
    const EncodeTable& encode_table() const { return encode_; }
    bool offsets() const { return table_.ranks_are_offsets(); }
    unsigned lo() const { return static_cast<unsigned>(table_.lo()); }
    // Indexed by symbol; only where !offsets().
    const std::uint8_t* rank_of_symbol() const { return rank_of_symbol_.data(); }

private:
    StaticTable table_;
    EncodeTable encode_;
    std::vector<std::uint8_t> rank_of_symbol_;
};

// Ideal length in Q16 bits of a message with these counts under the table's frequencies.
template <class Count>
std::uint64_t table_cost_fixed(const StaticTable& table, Span<const Count> counts_from_lo) {
    std::uint64_t bits = 0;
    for (std::size_t i = 0; i < counts_from_lo.size(); ++i) {
        const Count count = counts_from_lo[i];
        if (count == 0) continue;
        const std::uint32_t frequency = table.frequency(table.lo() + static_cast<std::int32_t>(i));
        bits += count * std::uint64_t{(table.precision() << log2_fraction_bits) - log2_fixed(frequency)};
    }
    return bits;
}

namespace detail {

using ByteCounts = std::array<std::uint32_t, 256>;

// Counts of at most 4096 bytes: 16 runs of 256, evenly spread.
inline ByteCounts sample_counts(ByteSpan fields) {
    ByteCounts counts{};
    constexpr std::size_t run = 256, runs = 16;
    if (fields.size() <= run * runs) {
        histogram(fields, Span<std::uint32_t>(counts));
        return counts;
    }
    for (std::size_t i = 0; i < runs; ++i) {
        ByteCounts part{};
        histogram(fields.subspan(i * ((fields.size() - run) / (runs - 1)), run), Span<std::uint32_t>(part));
        for (std::size_t symbol = 0; symbol < 256; ++symbol) counts[symbol] += part[symbol];
    }
    return counts;
}

// Below 98 % of its width a field is worth coding; above that copying is faster and hardly larger.
inline bool worth_coding(std::uint64_t cost_fixed, std::size_t count, unsigned width) {
    return cost_fixed < (std::uint64_t{count} * width << log2_fraction_bits) / 100 * 98;
}

inline std::uint64_t total(const ByteCounts& counts) {
    std::uint64_t sum = 0;
    for (std::uint32_t count : counts) sum += count;
    return sum;
}

}  // namespace detail

// Tables of short messages need no fine frequencies: they would cost more than they gain.
constexpr unsigned inline_precision(std::size_t symbols) {
    return symbols >= 4096 ? 12 : symbols >= 512 ? 10 : 8;
}

namespace detail {

// Codes the symbols adaptively, too, and keeps that block if it is smaller. Adaptive models take some 40 ns a
// symbol: a long part is coded so only where a run from its middle, all of the learning included, takes less
// than its share of the block.
inline void try_adaptive(Bytes& block, Span<const std::int32_t> symbols, const AdaptiveModel& model) {
    constexpr std::size_t sample = 4096;
    Bytes other;
    if (symbols.size() > 2 * sample) {
        append_adaptive_block(other, symbols.subspan((symbols.size() - sample) / 2, sample), model);
        if (std::uint64_t{other.size()} * symbols.size() / sample >= block.size()) return;
        other.clear();
    }
    append_adaptive_block(other, symbols, model);
    if (other.size() < block.size()) block.swap(other);
}

inline void try_adaptive_bytes(Bytes& block, ByteSpan fields) {
    const std::vector<std::int32_t> symbols(fields.begin(), fields.end());
    try_adaptive(block, symbols, {AdaptiveKind::byte, 256});
    try_adaptive(block, symbols, {AdaptiveKind::byte_order1, 256});
}

}  // namespace detail

// Appends `fields` (bytes below 2^width) as a part. `shared` is a table of the whole tensor, stored under
// `shared_id`; it must cover every byte that occurs. With `adaptive`, models that
// learn are tried, some 40 ns a byte. `scratch` is overwritten.
inline void append_byte_part(Bytes& out, ByteSpan fields, unsigned width, PartScratch& scratch,
                             const SymbolCoder* shared = nullptr, std::uint32_t shared_id = 0,
                             bool adaptive = false) {
    Bytes& block = scratch.block;
    block.clear();
    const std::size_t n = fields.size();
    if (n == 0) {
        append_empty_block(block);
    } else if (std::memcmp(fields.data(), fields.data() + 1, n - 1) == 0) {
        append_const_block(block, n, fields[0]);
    } else if (shared != nullptr) {
        const Span<std::uint8_t> ranks = scratch.ranks.get(n);
        if (shared->offsets()) {
            for (std::size_t i = 0; i < n; ++i)
                ranks[i] = static_cast<std::uint8_t>(fields[i] - shared->lo());
        } else {
            for (std::size_t i = 0; i < n; ++i) ranks[i] = shared->rank_of_symbol()[fields[i]];
        }
        append_static_block(block, ranks, shared->table(), shared->encode_table(), shared_id);
        if (adaptive) detail::try_adaptive_bytes(block, fields);
    } else {
        const detail::ByteCounts sampled = detail::sample_counts(fields);
        const std::uint64_t sample_size = detail::total(sampled);
        bool coded = detail::worth_coding(entropy_bits_fixed(Span<const std::uint32_t>(sampled)),
                                          static_cast<std::size_t>(sample_size), width);
        if (coded) {
            detail::ByteCounts counts{};
            histogram(fields, Span<std::uint32_t>(counts));
            std::uint32_t lo = 0, hi = 255;
            while (counts[lo] == 0) ++lo;
            while (counts[hi] == 0) --hi;
            std::array<std::uint64_t, 256> wide{};
            for (std::uint32_t symbol = lo; symbol <= hi; ++symbol) wide[symbol - lo] = counts[symbol];
            const Span<const std::uint64_t> used(wide.data(), hi - lo + 1);
            const SymbolCoder coder(
                StaticTable::from_counts(used, static_cast<std::int32_t>(lo), inline_precision(n)));
            Bytes wire;
            coder.table().append_to(wire);
            const std::uint64_t side = std::uint64_t{wire.size() + 16} * 8 << log2_fraction_bits;
            coded = detail::worth_coding(table_cost_fixed(coder.table(), used) + side, n, width);
            if (coded) {
                const Span<std::uint8_t> ranks = scratch.ranks.get(n);
                for (std::size_t i = 0; i < n; ++i) ranks[i] = static_cast<std::uint8_t>(fields[i] - lo);
                append_static_block(block, ranks, coder.table(), coder.encode_table(), std::nullopt);
            }
        }
        if (adaptive) {
            if (!coded) append_packed_block(block, fields, width);
            detail::try_adaptive_bytes(block, fields);
        } else if (!coded) {
            append_varint(out, stored_block_size(n, 0, width));
            return append_packed_block(out, fields, width);
        }
    }
    append_varint(out, block.size());
    append(out, block);
}

// Streams whose decoding is put off until there are several: two of them interleaved decode half as fast
// again as one after the other (coding/rans.hpp).
class StreamQueue {
public:
    // Decodes `view` into `ranks`, which must stay, and adds `offset` to each: at run(), or now where the
    // stream is none of those that gain.
    void add(const BlockView& view, Span<std::uint8_t> ranks, std::uint8_t offset) {
        if (view.lanes != 32 || view.table->precision() > max_precision32) {
            decode_ranks(view, ranks);
            add_offset(ranks, offset);
            return;
        }
        jobs_.push_back({view.payload, view.table.get(), view.lanes, ranks});
        held_.push_back({view.table, offset});
    }
    void run() {
        rans32_decode(Span<const Rans32Job>(jobs_));
        for (std::size_t i = 0; i < jobs_.size(); ++i) add_offset(jobs_[i].ranks, held_[i].offset);
        jobs_.clear();
        held_.clear();
    }

private:
    struct Held {
        std::shared_ptr<const DecodeTable> table;
        std::uint8_t offset;
    };
    static void add_offset(Span<std::uint8_t> ranks, std::uint8_t offset) {
        if (offset == 0) return;
        for (std::uint8_t& rank : ranks) rank = static_cast<std::uint8_t>(rank + offset);
    }
    std::vector<Rans32Job> jobs_;
    std::vector<Held> held_;
};

// Reads a part: `count` bytes below 2^width. They are in `buffer` (of `count` bytes) once the queue has run,
// or, where they are stored plainly, in the block itself.
inline ByteSpan read_byte_part(ByteReader& reader, std::size_t count, unsigned width,
                               const TableResolver& tables, Span<std::uint8_t> buffer, StreamQueue& queue) {
    const std::uint64_t length = reader.varint();
    if (length > reader.remaining()) reader.fail("a part is longer than its block");
    ByteReader part(reader.bytes(static_cast<std::size_t>(length)), "coded part");
    const BlockView view = read_block(part, tables, count);
    part.expect_end();
    if (view.n != count) part.fail("the part has the wrong number of symbols");
    const auto check = [&](std::int64_t lowest, std::int64_t highest) {
        if (lowest < 0 || highest >= std::int64_t{1} << width) part.fail("a field is wider than its plane");
    };
    switch (view.kind) {
        case BlockKind::empty:
            return {};
        case BlockKind::stored:
            if (view.min == 0 && view.width == 8 && width == 8) return view.payload;
            check(view.min, view.min);
            if (view.min != 0 || view.width > width) {
                // Not how we write it, yet sound if the sums stay in range.
                decode_bytes(view, buffer);
                for (const std::uint8_t field : buffer) check(field, field);
                return buffer;
            }
            break;
        case BlockKind::constant:
            check(view.value, view.value);
            break;
        case BlockKind::static_table: {
            const StaticTable& table = view.table->table();
            check(table.lo(), std::int64_t{table.lo()} + table.span() - 1);
            queue.add(view, buffer, static_cast<std::uint8_t>(table.lo()));
            return buffer;
        }
        case BlockKind::adaptive:
            decode_bytes(view, buffer);
            for (const std::uint8_t field : buffer) check(field, field);
            return buffer;
        default:
            break;
    }
    decode_bytes(view, buffer);
    return buffer;
}

}  // namespace coding
}  // namespace FEWBITS_ISA
}  // namespace fewbits
