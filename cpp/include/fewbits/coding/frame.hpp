// Whole messages of integers under a static table or an adaptive model: one coded block, or for more than
// 2^18 symbols a frame.
//
// Frame: u8 0xf1 (version 1, kind 15 of coding/block.hpp), varint block count >= 2, varint size in bytes of
// each block, the blocks: 2^18 symbols each, the last one fewer. Blocks are coded in parallel and decoded in
// pairs (rans32_decode keeps two messages in flight). The bytes do not depend on `threads`.
//
// Both sides hold the table; the message may carry its hash (8 bytes a block), which tells damage and another
// table apart. A block whose symbols are all equal takes a few bytes.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <memory>
#include <string>
#include <type_traits>
#include <vector>

#include "fewbits/coding/adaptive.hpp"
#include "fewbits/coding/block.hpp"
#include "fewbits/coding/rans.hpp"
#include "fewbits/coding/static_table.hpp"
#include "fewbits/core/bits.hpp"
#include "fewbits/core/isa.hpp"
#include "fewbits/core/parallel.hpp"
#include "fewbits/core/span.hpp"

namespace fewbits {
inline namespace FEWBITS_ISA {
namespace coding {

struct EncodeOptions {
    unsigned lanes = 0;     // 0: by the expected size
    bool checksum = false;  // CRC-32C for each block
    bool hash = false;      // hash of the table for each block
    int threads = 1;        // 0: all CPUs
};

namespace detail {

// Symbol types of messages: whatever fits int32.
template <class Symbol>
inline constexpr bool is_symbol =
    std::is_integral_v<Symbol> && (sizeof(Symbol) < 4 || std::is_same_v<Symbol, std::int32_t>);

// Turns symbols into ranks. Built once for a message.
template <class Rank>
class RankMap {
public:
    explicit RankMap(const StaticTable& table) : table_(table) {
        if (table.ranks_are_offsets()) return;
        by_offset_.assign(table.span(), none);
        for (std::uint32_t rank = 0; rank < table.ranks(); ++rank) {
            by_offset_[static_cast<std::size_t>(table.symbol_of_rank(rank) - table.lo())] =
                static_cast<std::uint16_t>(rank);
        }
    }

    // ranks.size() == symbols.size(); `first` is the index of symbols[0], for the error message. Symbols of
    // frequency 0 inside the span may get ranks: the coder refuses those.
    template <class Symbol>
    void map(Span<const Symbol> symbols, Span<Rank> ranks, std::size_t first) const {
        const std::uint32_t lo = static_cast<std::uint32_t>(table_.lo());
        const std::size_t n = symbols.size();
        const Symbol* in = symbols.data();
        Rank* out = ranks.data();
        std::uint32_t largest = 0;
        for (std::size_t i = 0; i < n; ++i) {
            const std::uint32_t offset = static_cast<std::uint32_t>(static_cast<std::int32_t>(in[i])) - lo;
            largest = std::max(largest, offset);
            out[i] = static_cast<Rank>(offset);
        }
        if (n > 0 && largest >= table_.span()) fail(symbols, first);
        if (table_.ranks_are_offsets()) return;
        // No offset is `none`: 65536 used symbols would be a table without a map.
        std::uint16_t worst = 0;
        for (std::size_t i = 0; i < n; ++i) {
            const std::uint32_t offset = static_cast<std::uint32_t>(static_cast<std::int32_t>(in[i])) - lo;
            const std::uint16_t rank = by_offset_[offset];
            worst = std::max(worst, rank);
            out[i] = static_cast<Rank>(rank);
        }
        if (worst == none) fail(symbols, first);
    }
    template <class Symbol>
    [[noreturn]] FEWBITS_NOINLINE void fail(Span<const Symbol> symbols, std::size_t first) const {
        for (std::size_t i = 0; i < symbols.size(); ++i) {
            if (table_.frequency(symbols[i]) > 0) continue;
            throw ArgumentError("encode: symbols must have a positive frequency in the model, got symbols[" +
                                std::to_string(first + i) + "] = " + std::to_string(symbols[i]));
        }
        throw Error("encode: inconsistent model");
    }

private:
    static constexpr std::uint16_t none = 0xffff;

    const StaticTable& table_;
    std::vector<std::uint16_t> by_offset_;
};

template <class Rank, class Symbol>
std::vector<Bytes> encode_blocks(Span<const Symbol> symbols, const StaticTable& table,
                                 const EncodeOptions& options) {
    const EncodeTable encode(table);
    const RankMap<Rank> map(table);
    const std::size_t n = symbols.size();
    std::vector<Bytes> blocks(
        std::max<std::size_t>(1, (n + default_block_symbols - 1) / default_block_symbols));
    parallel_for(n, default_block_symbols, options.threads, [&](std::size_t begin, std::size_t end) {
        const Span<const Symbol> part(symbols.data() + begin, end - begin);
        const std::unique_ptr<Rank[]> buffer(new Rank[part.size()]);
        const Span<Rank> ranks(buffer.get(), part.size());
        map.map(part, ranks, begin);
        Bytes& block = blocks[begin / default_block_symbols];
        const std::size_t tail = (ranks.size() - 1) * sizeof(Rank);
        const bool all_equal = std::memcmp(ranks.data(), ranks.data() + 1, tail) == 0;
        if (all_equal && table.frequency_of_rank(ranks[0]) > 0) {
            append_const_block(block, ranks.size(), part[0], options.checksum);
            return;
        }
        // The coder names ranks; the caller knows symbols.
        try {
            append_static_block(block, Span<const Rank>(ranks), table, encode, std::uint32_t{0},
                                options.lanes, options.checksum, options.hash);
        } catch (const ArgumentError&) {
            for (const Symbol symbol : part) {
                if (table.frequency(symbol) == 0) map.fail(part, begin);
            }
            throw;
        }
    });
    if (n == 0) append_empty_block(blocks[0], options.checksum);
    return blocks;
}

// The blocks of a message: itself, or those of a frame. Every block found costs at least three bytes of it.
inline std::vector<ByteSpan> split_frame(ByteSpan data) {
    if (data.empty() || data[0] != frame_byte) return {data};
    ByteReader reader(data, "frame");
    reader.u8();
    const std::uint64_t count = reader.varint();
    if (count < 2) reader.fail("a frame must have at least two blocks");
    if (count > reader.remaining() / 4) reader.fail("a frame has more blocks than bytes for them");
    std::vector<std::uint64_t> sizes(static_cast<std::size_t>(count));
    for (std::uint64_t& size : sizes) size = reader.varint();
    std::vector<ByteSpan> blocks;
    blocks.reserve(sizes.size());
    for (const std::uint64_t size : sizes) {
        if (size > reader.remaining()) reader.fail("a block leaves its frame");
        blocks.push_back(reader.bytes(static_cast<std::size_t>(size)));
    }
    reader.expect_end();
    return blocks;
}

// A message of blocks: one as it is, more as a frame.
inline Bytes join_blocks(std::vector<Bytes>& blocks) {
    if (blocks.size() == 1) return std::move(blocks[0]);
    Bytes out;
    std::size_t size = 16;
    for (const Bytes& block : blocks) size += block.size() + varint_size(block.size());
    out.reserve(size);
    out.push_back(frame_byte);
    append_varint(out, blocks.size());
    for (const Bytes& block : blocks) append_varint(out, block.size());
    for (const Bytes& block : blocks) append(out, block);
    return out;
}

// The blocks of a message and where their symbols begin; the last entry is the message's number of symbols.
struct MessageLayout {
    std::vector<ByteSpan> blocks;
    std::vector<std::size_t> begins;

    MessageLayout(ByteSpan data, std::size_t expected) : blocks(split_frame(data)) {
        std::uint64_t total = 0;
        for (const ByteSpan block : blocks) {
            ByteReader reader(block, "coded block");
            begins.push_back(static_cast<std::size_t>(total));
            total += read_block_header(reader).n;
        }
        FEWBITS_REQUIRE(total == expected, "decode: the message has " + std::to_string(total) +
                                               " symbols, the output " + std::to_string(expected));
        begins.push_back(static_cast<std::size_t>(total));
    }
};

inline BlockView read_whole_block(ByteSpan data, Parameters parameters) {
    ByteReader reader(data, "coded block");
    BlockView block = read_block(reader, nullptr, max_block_symbols, parameters);
    reader.expect_end();
    return block;
}

// Symbols of a table of at most 256 ranks, widened from ranks that may lie inside `symbols`, at its end.
template <class Symbol>
void widen_ranks(const std::uint8_t* ranks, const StaticTable& table, Span<Symbol> symbols) {
    std::array<Symbol, 256> by_rank{};
    for (std::uint32_t rank = 0; rank < table.ranks(); ++rank) {
        by_rank[rank] = static_cast<Symbol>(table.symbol_of_rank(rank));
    }
    constexpr std::size_t chunk = 512;
    std::uint8_t buffer[chunk];
    for (std::size_t begin = 0; begin < symbols.size(); begin += chunk) {
        const std::size_t count = std::min(chunk, symbols.size() - begin);
        std::memcpy(buffer, ranks + begin, count);
        Symbol* out = symbols.data() + begin;
        if (table.ranks_are_offsets()) {
            const Symbol lo = by_rank[0];
            for (std::size_t i = 0; i < count; ++i) out[i] = static_cast<Symbol>(lo + buffer[i]);
        } else {
            for (std::size_t i = 0; i < count; ++i) out[i] = by_rank[buffer[i]];
        }
    }
}

template <class Symbol>
Symbol narrow_symbol(std::int64_t value) {
    if (value < std::numeric_limits<Symbol>::min() || value > std::numeric_limits<Symbol>::max()) {
        fail_symbol_range("the type of the output");
    }
    return static_cast<Symbol>(value);
}

// Any block but the fast case of decode_blocks.
template <class Symbol>
void decode_block_any(const BlockView& block, Span<Symbol> symbols) {
    if constexpr (std::is_same_v<Symbol, std::int32_t>) {
        decode_symbols(block, symbols);
    } else {
        std::vector<std::int32_t> wide(symbols.size());
        decode_symbols(block, Span<std::int32_t>(wide));
        for (std::size_t i = 0; i < wide.size(); ++i) symbols[i] = narrow_symbol<Symbol>(wide[i]);
    }
}

// At most two blocks at once.
template <class Symbol>
void decode_blocks(Span<const ByteSpan> blocks, const TableResolver& tables, Span<Symbol>* outputs) {
    std::array<BlockView, 2> views;
    std::vector<Rans32Job> jobs;
    std::array<bool, 2> fast{};
    for (std::size_t i = 0; i < blocks.size(); ++i) {
        ByteReader reader(blocks[i], "coded block");
        views[i] = read_block(reader, tables);
        reader.expect_end();
        if (views[i].n != outputs[i].size()) reader.fail("the block's size changed");
        if (views[i].kind != BlockKind::static_table) continue;
        const StaticTable& table = views[i].table->table();
        if (table.ranks() > 256 || table.precision() > max_precision32) continue;
        narrow_symbol<Symbol>(table.lo());
        narrow_symbol<Symbol>(std::int64_t{table.lo()} + table.span() - 1);
        fast[i] = true;
        // Ranks go to the end of the output and are widened from its start on: no second buffer.
        const std::size_t n = outputs[i].size();
        std::uint8_t* bytes = reinterpret_cast<std::uint8_t*>(outputs[i].data());
        const Span<std::uint8_t> ranks(bytes + n * (sizeof(Symbol) - 1), n);
        jobs.push_back({views[i].payload, views[i].table.get(), views[i].lanes, ranks});
    }
    rans32_decode(Span<const Rans32Job>(jobs));
    std::size_t job = 0;
    for (std::size_t i = 0; i < blocks.size(); ++i) {
        if (fast[i]) {
            widen_ranks(jobs[job++].ranks.data(), views[i].table->table(), outputs[i]);
        } else {
            decode_block_any(views[i], outputs[i]);
        }
    }
}

}  // namespace detail

// Codes integers of at most 32 bits. A symbol without frequency in the table is an ArgumentError.
template <class Symbol>
Bytes encode(Span<const Symbol> symbols, const StaticTable& table, const EncodeOptions& options = {}) {
    static_assert(detail::is_symbol<Symbol>);
    const unsigned lanes = options.lanes;
    const bool narrow = table.precision() <= max_precision32;
    FEWBITS_REQUIRE(lanes == 0 || (narrow ? is_lanes32(lanes) : is_lanes64(lanes)),
                    std::string("encode: lanes must be ") + (narrow ? "1, 4, 8 or 32" : "1, 2, 4 or 8") +
                        ", got " + std::to_string(lanes));
    std::vector<Bytes> blocks = table.ranks() <= 256 && narrow
                                    ? detail::encode_blocks<std::uint8_t>(symbols, table, options)
                                    : detail::encode_blocks<std::uint16_t>(symbols, table, options);
    return detail::join_blocks(blocks);
}

// Number of symbols in a message, from its headers.
inline std::uint64_t count_symbols(ByteSpan data) {
    std::uint64_t n = 0;
    for (const ByteSpan block : detail::split_frame(data)) {
        ByteReader reader(block, "coded block");
        n += read_block_header(reader).n;
    }
    return n;
}

// Decodes a message of exactly symbols.size() symbols (else ArgumentError). Throws CorruptDataError, or
// ParameterMismatchError where the message carries the hash of another table; `symbols` is then in any state.
template <class Symbol>
void decode(ByteSpan data, std::shared_ptr<const DecodeTable> table, Span<Symbol> symbols, int threads = 1) {
    static_assert(detail::is_symbol<Symbol>);
    const std::vector<ByteSpan> blocks = detail::split_frame(data);
    std::vector<Span<Symbol>> outputs;
    outputs.reserve(blocks.size());
    std::uint64_t total = 0;
    for (const ByteSpan block : blocks) {
        ByteReader reader(block, "coded block");
        const std::uint64_t n = read_block_header(reader).n;
        if (n <= symbols.size() - std::min<std::uint64_t>(total, symbols.size())) {
            outputs.push_back(symbols.subspan(static_cast<std::size_t>(total), static_cast<std::size_t>(n)));
        }
        total += n;
    }
    FEWBITS_REQUIRE(total == symbols.size(), "decode: the message has " + std::to_string(total) +
                                                 " symbols, the output " + std::to_string(symbols.size()));
    const TableResolver tables = [&](std::uint64_t id) { return id == 0 ? table : nullptr; };
    parallel_for(blocks.size(), 2, threads, [&](std::size_t begin, std::size_t end) {
        detail::decode_blocks(Span<const ByteSpan>(blocks).subspan(begin, end - begin), tables,
                              &outputs[begin]);
    });
}

// Codes symbols under an adaptive model, which starts afresh in every block of 2^18.
inline Bytes encode(Span<const std::int32_t> symbols, const AdaptiveModel& model,
                    const EncodeOptions& options = {}) {
    const std::size_t n = symbols.size();
    detail::check_adaptive("encode", model);
    FEWBITS_REQUIRE(options.lanes == 0 || is_lanes32(options.lanes),
                    "encode: lanes must be 1, 4, 8 or 32, got " + std::to_string(options.lanes));
    std::vector<Bytes> blocks(
        std::max<std::size_t>(1, (n + default_block_symbols - 1) / default_block_symbols));
    if (n == 0) append_empty_block(blocks[0], options.checksum);
    parallel_for(n, default_block_symbols, options.threads, [&](std::size_t begin, std::size_t end) {
        append_adaptive_block(blocks[begin / default_block_symbols], symbols.subspan(begin, end - begin),
                              model, options.lanes, options.checksum);
    });
    return detail::join_blocks(blocks);
}

// Decodes a message of exactly symbols.size() symbols (else ArgumentError), coded with this model.
inline void decode(ByteSpan data, const AdaptiveModel& model, Span<std::int32_t> symbols, int threads = 1) {
    detail::check_adaptive("decode", model);
    const detail::MessageLayout message(data, symbols.size());
    parallel_for(message.blocks.size(), 1, threads, [&](std::size_t at, std::size_t) {
        const BlockView block = detail::read_whole_block(message.blocks[at], Parameters::absent);
        if (block.kind == BlockKind::adaptive &&
            (block.model.kind != model.kind || block.model.alphabet != model.alphabet)) {
            throw ParameterMismatchError("decode: the message was coded with another adaptive model");
        }
        decode_symbols(block,
                       symbols.subspan(message.begins[at], message.begins[at + 1] - message.begins[at]));
    });
}

// Adds to counts[s - lo] how often each symbol s occurs; symbols must lie in lo..lo + counts.size() - 1.
template <class Symbol>
void count(Span<const Symbol> symbols, std::int32_t lo, Span<std::uint64_t> counts) {
    static_assert(detail::is_symbol<Symbol>);
    // Long chunks: a histogram of bytes clears and adds four tables.
    constexpr std::size_t chunk = std::size_t{1} << 15;
    const bool narrow = counts.size() <= 256;
    std::vector<std::uint8_t> bytes(narrow ? std::min(chunk, symbols.size()) : 0);
    std::array<std::uint64_t, 256> part{};
    for (std::size_t begin = 0; begin < symbols.size(); begin += chunk) {
        const std::size_t n = std::min(chunk, symbols.size() - begin);
        const Symbol* in = symbols.data() + begin;
        const std::uint32_t first = static_cast<std::uint32_t>(lo);
        std::uint32_t largest = 0;
        for (std::size_t i = 0; i < n; ++i) {
            const std::uint32_t offset = static_cast<std::uint32_t>(static_cast<std::int32_t>(in[i])) - first;
            largest = std::max(largest, offset);
            if (narrow) bytes[i] = static_cast<std::uint8_t>(offset & 0xffU);
        }
        FEWBITS_REQUIRE(largest < counts.size(), "count: symbols must lie in the range of counts");
        if (narrow) {
            histogram(ByteSpan(bytes).first(n), Span<std::uint64_t>(part));
        } else {
            for (std::size_t i = 0; i < n; ++i) {
                ++counts[static_cast<std::uint32_t>(static_cast<std::int32_t>(in[i])) - first];
            }
        }
    }
    for (std::size_t i = 0; i < counts.size() && narrow; ++i) counts[i] += part[i];
}

// Model bits of a message: sum of P - log2 f over its symbols, by way of their counts. Same on every machine.
template <class Symbol>
double code_length(Span<const Symbol> symbols, const StaticTable& table) {
    static_assert(detail::is_symbol<Symbol>);
    const detail::RankMap<std::uint16_t> map(table);
    std::vector<std::uint64_t> counts(table.ranks());
    std::vector<std::uint16_t> ranks(std::min<std::size_t>(symbols.size(), 4096));
    for (std::size_t begin = 0; begin < symbols.size(); begin += ranks.size()) {
        const std::size_t n = std::min(ranks.size(), symbols.size() - begin);
        map.map(symbols.subspan(begin, n), Span<std::uint16_t>(ranks).first(n), begin);
        for (std::size_t i = 0; i < n; ++i) {
            if (table.frequency_of_rank(ranks[i]) == 0) map.fail(symbols.subspan(begin, n), begin);
            ++counts[ranks[i]];
        }
    }
    double bits = 0.0;
    for (std::uint32_t rank = 0; rank < table.ranks(); ++rank) {
        if (counts[rank] != 0) bits += static_cast<double>(counts[rank]) * table.bits_of_rank(rank);
    }
    return bits;
}

}  // namespace coding
}  // namespace FEWBITS_ISA
}  // namespace fewbits
