// Coded blocks: self-describing messages of at most 2^26 symbols.
//
//   u8      version 1 (low 4 bits) | kind << 4:
//           0 empty, 1 const, 2 stored, 3 static, 4 parametric, 5 adaptive (15: coding/frame.hpp)
//   u8      log2(lanes) (3 bits) | checksum 8 | hash 16 | exceptions 32 | low bits 64 | table inline 128
//   varint  n
//   of const:   zigzag varint value
//   of stored:  zigzag varint min, u8 width 1..32, then symbol - min in packed bits (coding/bitpack.hpp)
//   of static:  u8 precision,
//               the table (static_table.hpp), or the varint number of one [and u64 XXH64 of its wire form],
//               varint word count, states and words of A32 (precision up to 15) or A64 (coding/rans.hpp)
//   of parametric: u8 family (3 bits) | cdf version << 3, u8 components, zigzag varint lo, varint size of the
//               support, [u8 low bits], [u64 XXH64 of the integer parameters], varint word count, states and
//               words of A64, [low bits, packed], [varint count of exceptions, for each a varint index less
//               the one before less 1 and a zigzag varint difference from the bin coded] (coding/mixture.hpp)
//   of adaptive: u8 model (coding/adaptive.hpp), varint alphabet, u8 context 0, u8 trellis 0, varint word
//   count,
//               states and words of A32
//   [u32    CRC-32C of everything before]
//
// Only one form of a message is accepted where the format leaves a choice without a use: padding bits are 0,
// empty blocks have n = 0 and only they, static tables have at least two symbols. Everything is checked
// before anything is allocated. Parametric blocks are decoded by those who have the parameters
// (coding/mixture.hpp, coding/categorical_rows.hpp).
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "fewbits/coding/adaptive.hpp"
#include "fewbits/coding/bitpack.hpp"
#include "fewbits/coding/rans.hpp"
#include "fewbits/coding/rans64.hpp"
#include "fewbits/coding/static_table.hpp"
#include "fewbits/core/bits.hpp"
#include "fewbits/core/checksum.hpp"
#include "fewbits/core/isa.hpp"
#include "fewbits/core/span.hpp"

namespace fewbits {
inline namespace FEWBITS_ISA {
namespace coding {

inline constexpr std::uint64_t max_block_symbols = std::uint64_t{1} << 26;
inline constexpr std::size_t default_block_symbols = std::size_t{1} << 18;

enum class BlockKind : std::uint8_t { empty, constant, stored, static_table, parametric, adaptive };

namespace detail {

inline constexpr std::uint8_t block_version = 1;
inline constexpr std::uint8_t frame_byte = block_version | 15U << 4;  // coding/frame.hpp
inline constexpr std::uint8_t flag_checksum = 8, flag_hash = 16, flag_exceptions = 32, flag_low_bits = 64,
                              flag_table_inline = 128;

inline std::uint64_t table_hash(const StaticTable& table) {
    Bytes wire;
    table.append_to(wire);
    return xxh64(wire);
}

// Puts the two bytes and n of a block into `out` when made, the checksum when finished.
class BlockWriter {
public:
    BlockWriter(Bytes& out, BlockKind kind, unsigned lanes, std::uint8_t flags, std::uint64_t n)
        : out_(out), begin_(out.size()), checksum_((flags & flag_checksum) != 0) {
        FEWBITS_REQUIRE(n <= max_block_symbols,
                        "append_block: a block holds at most 2^26 symbols, got " + std::to_string(n));
        out.push_back(static_cast<std::uint8_t>(block_version | static_cast<unsigned>(kind) << 4));
        out.push_back(static_cast<std::uint8_t>(flags | (bit_length(lanes) - 1)));
        append_varint(out, n);
    }
    void finish() {
        if (checksum_) append_le(out_, crc32c(ByteSpan(out_).subspan(begin_, out_.size() - begin_)));
    }

private:
    Bytes& out_;
    std::size_t begin_;
    bool checksum_;
};

// Lanes for a message of n symbols that follows its table: few where the states would weigh. 32 lanes are
// five times as fast as 4 and cost 112 bytes more, at most 1.4 % here.
inline unsigned choose_lanes(std::uint64_t n, std::uint64_t entropy_fixed, unsigned precision) {
    const std::uint64_t bytes = (n * entropy_fixed >> log2_fraction_bits) / 8;
    if (bytes >= 8192) return precision <= max_precision32 ? 32 : 8;
    return bytes >= 2048 ? 4 : 1;
}

}  // namespace detail

// ---- writing --------------------------------------------------------------------------------------------

inline void append_empty_block(Bytes& out, bool checksum = false) {
    detail::BlockWriter(out, BlockKind::empty, 1, checksum ? detail::flag_checksum : std::uint8_t{0}, 0)
        .finish();
}

// n >= 1 times `value`.
inline void append_const_block(Bytes& out, std::uint64_t n, std::int64_t value, bool checksum = false) {
    FEWBITS_REQUIRE(n >= 1, "append_const_block: n must be at least 1, got 0");
    detail::BlockWriter block(out, BlockKind::constant, 1, checksum ? detail::flag_checksum : std::uint8_t{0},
                              n);
    append_varint(out, zigzag_encode(value));
    block.finish();
}

// n >= 1 symbols, of which `packed` holds symbol - min in `width` bits each.
inline void append_stored_block(Bytes& out, std::uint64_t n, std::int64_t min, unsigned width,
                                ByteSpan packed, bool checksum = false) {
    FEWBITS_REQUIRE(n >= 1, "append_stored_block: n must be at least 1, got 0");
    FEWBITS_REQUIRE(width >= 1 && width <= 32,
                    "append_stored_block: width must be in 1..32, got " + std::to_string(width));
    FEWBITS_REQUIRE(
        n <= max_block_symbols && packed.size() == packed_size(static_cast<std::size_t>(n), width),
        "append_stored_block: packed has the wrong size");
    detail::BlockWriter block(out, BlockKind::stored, 1, checksum ? detail::flag_checksum : std::uint8_t{0},
                              n);
    append_varint(out, zigzag_encode(min));
    out.push_back(static_cast<std::uint8_t>(width));
    append(out, packed);
    block.finish();
}

// Bytes of a stored block without a checksum.
constexpr std::size_t stored_block_size(std::size_t n, std::int64_t min, unsigned width) {
    return 2 + varint_size(n) + varint_size(zigzag_encode(min)) + 1 + packed_size(n, width);
}

// The block of `fields` below 2^width, packed in place.
inline void append_packed_block(Bytes& out, ByteSpan fields, unsigned width) {
    FEWBITS_REQUIRE(!fields.empty() && fields.size() <= max_block_symbols,
                    "append_packed_block: fields must have 1 to 2^26 elements");
    detail::BlockWriter block(out, BlockKind::stored, 1, 0, fields.size());
    append_varint(out, zigzag_encode(0));
    out.push_back(static_cast<std::uint8_t>(width));
    if (width == 8) {
        append(out, fields);
    } else {
        const std::size_t at = out.size(), size = packed_size(fields.size(), width);
        out.resize(at + size);
        pack_bits(fields, width, Span<std::uint8_t>(out.data() + at, size));
    }
    block.finish();
}

// The message `ranks` under `table`, of which `encode` was made; Rank is uint8_t or uint16_t. With a table_id
// the reader finds the table by that number (and, with `hash`, refuses another one), else it is written
// inline. lanes = 0 chooses by the expected size. An empty message gives an empty block, one rank a constant
// one.
template <class Rank>
void append_static_block(Bytes& out, Span<Rank> ranks, const StaticTable& table, const EncodeTable& encode,
                         std::optional<std::uint32_t> table_id, unsigned lanes = 0, bool checksum = false,
                         bool hash = false) {
    const std::size_t n = ranks.size();
    const unsigned precision = table.precision();
    FEWBITS_REQUIRE(encode.precision() == precision && encode.ranks() == table.ranks(),
                    "append_static_block: encode was not made of table");
    if (n == 0) return append_empty_block(out, checksum);
    if (table.used() == 1) {
        for (const Rank& rank : ranks) {
            FEWBITS_REQUIRE(rank == 0, "append_static_block: ranks must have a frequency in the table");
        }
        return append_const_block(out, n, table.lo(), checksum);
    }
    if (lanes == 0) lanes = detail::choose_lanes(n, encode.entropy_fixed(), precision);

    // The payload first: its word count stands before it, and an invalid rank must leave `out` alone.
    const bool narrow = precision <= max_precision32;
    std::optional<detail::PayloadScratch> scratch;
    Bytes wide;
    ByteSpan payload;
    if (narrow) {
        scratch.emplace(detail::rans32_payload(Span<const std::remove_const_t<Rank>>(ranks), encode, lanes));
        payload = scratch->payload();
    } else {
        rans64_encode(std::vector<std::uint16_t>(ranks.begin(), ranks.end()), table, lanes, wide);
        payload = wide;
    }
    const bool hashed = hash && table_id.has_value();
    const unsigned flags = (checksum ? detail::flag_checksum : 0U) | (hashed ? detail::flag_hash : 0U) |
                           (table_id.has_value() ? 0U : detail::flag_table_inline);
    detail::BlockWriter block(out, BlockKind::static_table, lanes, static_cast<std::uint8_t>(flags), n);
    out.push_back(static_cast<std::uint8_t>(precision));
    if (table_id.has_value()) {
        append_varint(out, *table_id);
        if (hashed) append_le(out, detail::table_hash(table));
    } else {
        table.append_to(out);
    }
    const std::size_t word = narrow ? 2 : 4;
    append_varint(out, payload.size() / word - 2 * std::size_t{lanes});  // a state is two words
    append(out, payload);
    block.finish();
}

// n >= 1 symbols under an adaptive model. lanes = 0 takes one.
inline void append_adaptive_block(Bytes& out, Span<const std::int32_t> symbols, const AdaptiveModel& model,
                                  unsigned lanes = 0, bool checksum = false) {
    FEWBITS_REQUIRE(!symbols.empty(), "append_adaptive_block: symbols must not be empty");
    // The decoder waits for its models, not for its states: more lanes cost bytes and bring nothing.
    if (lanes == 0) lanes = 1;
    Bytes payload;
    const std::size_t words = adaptive_encode(symbols, model, lanes, payload);
    detail::BlockWriter block(out, BlockKind::adaptive, lanes,
                              checksum ? detail::flag_checksum : std::uint8_t{0}, symbols.size());
    out.push_back(static_cast<std::uint8_t>(model.kind));
    append_varint(out, model.alphabet);
    out.push_back(0);  // no context
    out.push_back(0);  // no trellis
    append_varint(out, words);
    append(out, payload);
    block.finish();
}

// ---- reading --------------------------------------------------------------------------------------------

// The table of a number that a block names; throws CorruptDataError where there is none.
using TableResolver = std::function<std::shared_ptr<const DecodeTable>(std::uint64_t id)>;

// The fields that every block begins with.
struct BlockHeader {
    BlockKind kind = BlockKind::empty;
    std::uint8_t flags = 0;
    unsigned lanes = 1;
    std::uint64_t n = 0;
};

// A block read and checked, but for the coded symbols themselves. `payload` points into the data it was read
// from.
struct BlockView : BlockHeader {
    std::int64_t value = 0;                    // constant
    std::int64_t min = 0;                      // stored
    unsigned width = 0;                        // stored
    std::shared_ptr<const DecodeTable> table;  // static_table
    ByteSpan payload;                          // stored: packed bits; others: states and words

    // parametric
    unsigned family = 0;
    unsigned components = 0;
    std::int32_t lo = 0;
    std::uint32_t support = 0;
    unsigned low_bits = 0;
    std::uint64_t hash = 0;  // where the block is hashed()
    ByteSpan low_bits_payload;
    std::uint64_t exceptions = 0;  // how many
    ByteSpan exceptions_payload;

    AdaptiveModel model;  // adaptive

    bool hashed() const { return (flags & detail::flag_hash) != 0; }
};

// Reads the header of a block and moves past it.
inline BlockHeader read_block_header(ByteReader& reader) {
    BlockHeader block;
    const std::uint8_t first = reader.u8(), second = reader.u8();
    const unsigned version = first & 15U, kind = first >> 4;
    if (version == 0 || kind > static_cast<unsigned>(BlockKind::adaptive)) {
        reader.fail("this is no coded block");
    }
    if (version > detail::block_version) {
        throw UnsupportedFeatureError("coded block: version " + std::to_string(version) +
                                      " is newer than this build of fewbits");
    }
    block.kind = static_cast<BlockKind>(kind);
    block.lanes = 1U << (second & 7U);
    block.flags = second & 0xf8U;
    block.n = reader.varint(32);
    if (block.n > max_block_symbols) reader.fail("a block has more than 2^26 symbols");
    if ((block.n == 0) != (block.kind == BlockKind::empty)) reader.fail("a block's kind and size disagree");
    return block;
}

// Whether the reader's caller has what parametric blocks leave out.
enum class Parameters { absent, present };

namespace detail {

inline void read_adaptive(ByteReader& reader, BlockView& block) {
    const std::uint8_t kind = reader.u8();
    const std::uint64_t alphabet = reader.varint(32);
    const std::uint8_t context = reader.u8(), trellis = reader.u8();
    if (kind > 5 || context > 0 || trellis > 0) {
        throw UnsupportedFeatureError(
            "coded block: an adaptive model or context is not known to this build of fewbits");
    }
    block.model = {static_cast<AdaptiveKind>(kind), static_cast<std::uint32_t>(alphabet)};
    if (!block.model.valid()) reader.fail("an adaptive model has no such alphabet");
    if (!is_lanes32(block.lanes)) reader.fail("a block's number of lanes is not one of its coder");
    const std::uint64_t words = reader.varint(32);
    if (words > block.n * block.model.max_steps()) reader.fail("a block has more words than steps");
    block.payload = reader.bytes((static_cast<std::size_t>(words) + 2 * block.lanes) * 2);
}

// The fields of a parametric block, without the hash's value being checked.
inline void read_parametric(ByteReader& reader, BlockView& block) {
    const std::uint8_t model = reader.u8();
    block.family = model & 7U;
    if (model >> 3 == 0) reader.fail("a block's CDF version must be at least 1");
    if (model >> 3 != 1) {
        throw UnsupportedFeatureError("coded block: CDF version " + std::to_string(model >> 3) +
                                      " is newer than this build of fewbits");
    }
    if (block.family > 3) {
        throw UnsupportedFeatureError("coded block: family " + std::to_string(block.family) +
                                      " is not known to this build of fewbits");
    }
    block.components = reader.u8();
    if (block.components < 1 || block.components > 16) reader.fail("a block's components must be in 1..16");
    const std::int64_t lo = reader.zigzag(33);
    const std::uint64_t support = reader.varint(32);
    if (support < 1 || support > 65536) reader.fail("a block's support must have 1 to 65536 symbols");
    if ((block.flags & flag_low_bits) != 0) {
        block.low_bits = reader.u8();
        if (block.low_bits < 1 || block.low_bits > 24) reader.fail("a block's low bits must be in 1..24");
    }
    const std::int64_t scale = std::int64_t{1} << block.low_bits;
    if (lo < INT32_MIN / scale || (lo + static_cast<std::int64_t>(support)) * scale - 1 > INT32_MAX)
        reader.fail("a block's support leaves int32");
    block.lo = static_cast<std::int32_t>(lo);
    block.support = static_cast<std::uint32_t>(support);
    if (!is_lanes64(block.lanes)) reader.fail("a block's number of lanes is not one of its coder");
    if (block.hashed()) block.hash = reader.u64();
    const std::uint64_t words = reader.varint(32);
    if (words > block.n) reader.fail("a block has more words than symbols");
    block.payload = reader.bytes((static_cast<std::size_t>(words) + 2 * block.lanes) * 4);
    if (block.low_bits > 0) {
        const std::size_t n = static_cast<std::size_t>(block.n);
        block.low_bits_payload = reader.bytes(packed_size(n, block.low_bits));
        const unsigned last = static_cast<unsigned>(n % 8 * block.low_bits % 8);
        if (last != 0 && block.low_bits_payload[block.low_bits_payload.size() - 1] >> last != 0)
            reader.fail("a block's padding bits are set");
    }
    if ((block.flags & flag_exceptions) != 0) {
        block.exceptions = reader.varint(32);
        if (block.exceptions == 0 || block.exceptions > block.n)
            reader.fail("a block's exceptions must number from 1 to its symbols");
        ByteReader list = reader;
        std::uint64_t next = 0;
        for (std::uint64_t i = 0; i < block.exceptions; ++i) {
            next += list.varint(32) + 1;
            if (next > block.n) list.fail("an exception lies behind its block");
            if (list.varint(33) == 0) list.fail("an exception is none");
        }
        block.exceptions_payload = reader.bytes(list.position() - reader.position());
    }
}

}  // namespace detail

// Reads a block and moves past it. Throws CorruptDataError on damage (a wrong checksum included), LimitError
// where the block has more than max_symbols symbols, ParameterMismatchError where the table of the given
// number is another than the block was coded with (as far as the block tells), UnsupportedFeatureError.
inline BlockView read_block(ByteReader& reader, const TableResolver& tables,
                            std::uint64_t max_symbols = max_block_symbols,
                            Parameters parameters = Parameters::absent) {
    ByteReader begin = reader;
    BlockView block;
    static_cast<BlockHeader&>(block) = read_block_header(reader);
    const bool is_parametric = block.kind == BlockKind::parametric;
    const bool is_adaptive = block.kind == BlockKind::adaptive;
    if (is_parametric && parameters == Parameters::absent) {
        throw UnsupportedFeatureError("coded block: a parametric block needs parameters from elsewhere");
    }
    if (!is_parametric && (block.flags & (detail::flag_exceptions | detail::flag_low_bits)) != 0) {
        reader.fail("a block has exceptions or low bits, but no parametric model");
    }
    const bool is_static = block.kind == BlockKind::static_table;
    const bool table_inline = (block.flags & detail::flag_table_inline) != 0;
    const bool hashed = (block.flags & detail::flag_hash) != 0;
    if ((!is_static && !is_parametric && hashed) || (!is_static && table_inline) ||
        (block.kind < BlockKind::static_table && block.lanes != 1)) {
        reader.fail("a block has flags without use");
    }
    if (table_inline && hashed) reader.fail("a block has a table and a hash");
    if (block.n > max_symbols) {
        throw LimitError("coded block: has " + std::to_string(block.n) + " symbols, at most " +
                         std::to_string(max_symbols) + " are allowed");
    }

    std::optional<StaticTable> own_table;
    std::uint64_t table_id = 0, hash = 0;
    unsigned precision = 0;
    if (block.kind == BlockKind::constant) {
        block.value = reader.zigzag();
    } else if (block.kind == BlockKind::stored) {
        block.min = reader.zigzag();
        block.width = reader.u8();
        if (block.width < 1 || block.width > 32) reader.fail("a stored block's width must be in 1..32");
        const std::size_t n = static_cast<std::size_t>(block.n);
        block.payload = reader.bytes(packed_size(n, block.width));
        const unsigned last_bits = static_cast<unsigned>(n % 8 * block.width % 8);
        if (last_bits != 0 && block.payload[block.payload.size() - 1] >> last_bits != 0) {
            reader.fail("a stored block's padding bits are set");
        }
    } else if (is_static) {
        precision = reader.u8();
        if (precision < min_precision || precision > max_precision) {
            reader.fail("a block's precision must be in 8..24");
        }
        const bool narrow = precision <= max_precision32;
        if (!(narrow ? is_lanes32(block.lanes) : is_lanes64(block.lanes))) {
            reader.fail("a block's number of lanes is not one of its coder");
        }
        if (table_inline) {
            own_table = StaticTable::read(reader);
            if (own_table->precision() != precision)
                reader.fail("a block's precision is not that of its table");
            if (own_table->used() == 1) reader.fail("a block's table has one symbol only");
        } else {
            table_id = reader.varint(32);
            if (hashed) hash = reader.u64();
        }
        const std::uint64_t words = reader.varint(32);
        if (words > block.n) reader.fail("a block has more words than symbols");
        block.payload = reader.bytes((static_cast<std::size_t>(words) + 2 * block.lanes) * (narrow ? 2 : 4));
    }
    if (is_parametric) detail::read_parametric(reader, block);
    if (is_adaptive) detail::read_adaptive(reader, block);
    if ((block.flags & detail::flag_checksum) != 0) {
        const std::uint32_t computed = crc32c(begin.bytes(reader.position() - begin.position()));
        if (reader.u32() != computed) reader.fail("a block's checksum is wrong");
    }
    if (own_table) {
        block.table = std::make_shared<const DecodeTable>(*std::move(own_table));
    } else if (is_static) {
        if (!tables) reader.fail("a block names a table, but no tables are given");
        block.table = tables(table_id);
        if (block.table == nullptr) reader.fail("a block names a table that is not there");
        if (hashed && detail::table_hash(block.table->table()) != hash) {
            throw ParameterMismatchError(
                "coded block: the table differs from the one the block was coded with");
        }
        if (block.table->precision() != precision) {
            throw ParameterMismatchError("coded block: the table has precision " +
                                         std::to_string(block.table->precision()) +
                                         ", the block was coded with " + std::to_string(precision));
        }
    }
    return block;
}

namespace detail {

inline void check_out_size(const BlockView& block, std::size_t size) {
    FEWBITS_REQUIRE(block.n == size, "decode_block: out must have " + std::to_string(block.n) +
                                         " elements, got " + std::to_string(size));
}

[[noreturn]] inline void fail_symbol_range(const char* type) {
    throw CorruptDataError(std::string("coded block: a symbol does not fit ") + type);
}

// Calls store(i, symbol) for the symbols of a stored block.
template <class Store>
void unpack_stored(const BlockView& block, const Store& store) {
    BitReader bits(block.payload, "stored block");
    for (std::size_t i = 0; i < block.n; ++i)
        store(i, block.min + static_cast<std::int64_t>(bits.get(block.width)));
}

}  // namespace detail

// The ranks of a static_table block whose table has at most 256.
inline void decode_ranks(const BlockView& block, Span<std::uint8_t> ranks) {
    detail::check_out_size(block, ranks.size());
    FEWBITS_REQUIRE(block.kind == BlockKind::static_table && block.table->ranks() <= 256,
                    "decode_ranks: the block must have a static table of at most 256 ranks");
    if (block.table->precision() <= max_precision32) {
        rans32_decode(block.payload, *block.table, block.lanes, ranks);
    } else {
        std::vector<std::uint16_t> wide(ranks.size());
        rans64_decode(block.payload, *block.table, block.lanes, Span<std::uint16_t>(wide));
        for (std::size_t i = 0; i < wide.size(); ++i) ranks[i] = static_cast<std::uint8_t>(wide[i]);
    }
}

// The symbols of any block; one outside int32 is a CorruptDataError.
inline void decode_symbols(const BlockView& block, Span<std::int32_t> symbols) {
    detail::check_out_size(block, symbols.size());
    const auto narrow = [](std::int64_t value) {
        if (value < INT32_MIN || value > INT32_MAX) detail::fail_symbol_range("int32");
        return static_cast<std::int32_t>(value);
    };
    FEWBITS_REQUIRE(block.kind != BlockKind::parametric,
                    "decode_symbols: a parametric block needs its parameters");
    switch (block.kind) {
        case BlockKind::constant:
            std::fill(symbols.begin(), symbols.end(), narrow(block.value));
            break;
        case BlockKind::stored:
            // The sum of the ends is checked: no sum in between then leaves int64.
            if (block.min < INT32_MIN || block.min > INT32_MAX) detail::fail_symbol_range("int32");
            detail::unpack_stored(block,
                                  [&](std::size_t i, std::int64_t value) { symbols[i] = narrow(value); });
            break;
        case BlockKind::static_table: {
            const StaticTable& table = block.table->table();
            if (table.ranks() <= 256) {
                std::vector<std::uint8_t> ranks(symbols.size());
                decode_ranks(block, Span<std::uint8_t>(ranks));
                std::array<std::int32_t, 256> symbol{};
                for (std::uint32_t rank = 0; rank < table.ranks(); ++rank)
                    symbol[rank] = table.symbol_of_rank(rank);
                for (std::size_t i = 0; i < ranks.size(); ++i) symbols[i] = symbol[ranks[i]];
            } else {
                std::vector<std::uint16_t> ranks(symbols.size());
                if (table.precision() <= max_precision32) {
                    rans32_decode(block.payload, *block.table, block.lanes, Span<std::uint16_t>(ranks));
                } else {
                    rans64_decode(block.payload, *block.table, block.lanes, Span<std::uint16_t>(ranks));
                }
                for (std::size_t i = 0; i < ranks.size(); ++i) symbols[i] = table.symbol_of_rank(ranks[i]);
            }
            break;
        }
        case BlockKind::adaptive:
            adaptive_decode(block.payload, block.model, block.lanes, symbols);
            break;
        default:
            break;
    }
}

// The symbols of a block of bytes; one outside 0..255 is a CorruptDataError.
inline void decode_bytes(const BlockView& block, Span<std::uint8_t> bytes) {
    detail::check_out_size(block, bytes.size());
    const auto narrow = [](std::int64_t value) {
        if (value < 0 || value > 255) detail::fail_symbol_range("a byte");
        return static_cast<std::uint8_t>(value);
    };
    FEWBITS_REQUIRE(block.kind != BlockKind::parametric,
                    "decode_bytes: a parametric block needs its parameters");
    switch (block.kind) {
        case BlockKind::constant:
            std::fill(bytes.begin(), bytes.end(), narrow(block.value));
            break;
        case BlockKind::stored:
            narrow(block.min);
            if (block.min == 0 && block.width <= 8) {
                unpack_bits(block.payload, block.width, bytes);
            } else {
                detail::unpack_stored(block,
                                      [&](std::size_t i, std::int64_t value) { bytes[i] = narrow(value); });
            }
            break;
        case BlockKind::static_table: {
            const StaticTable& table = block.table->table();
            const std::uint8_t lo = narrow(table.lo());
            narrow(std::int64_t{table.lo()} + table.span() - 1);
            decode_ranks(block, bytes);
            if (lo != 0) {
                for (std::uint8_t& byte : bytes) byte = static_cast<std::uint8_t>(byte + lo);
            }
            break;
        }
        case BlockKind::adaptive: {
            std::vector<std::int32_t> wide(bytes.size());
            adaptive_decode(block.payload, block.model, block.lanes, Span<std::int32_t>(wide));
            for (std::size_t i = 0; i < wide.size(); ++i) bytes[i] = narrow(wide[i]);
            break;
        }
        default:
            break;
    }
}

}  // namespace coding
}  // namespace FEWBITS_ISA
}  // namespace fewbits
