#include "fewbits/coding/block.hpp"

#include <memory>
#include <random>

#include "check.hpp"

using namespace fewbits;
using namespace fewbits::coding;

namespace {

StaticTable example_table(unsigned precision = 12) {
    return StaticTable::from_counts(std::vector<std::uint64_t>{900, 70, 0, 20, 5, 1}, 3, precision);
}

Bytes example_ranks(std::size_t n) {
    std::mt19937 random(1);
    Bytes ranks(n);
    for (auto& rank : ranks) {
        const auto r = random() % 100;
        rank = r < 80 ? 0 : r < 95 ? 1 : static_cast<std::uint8_t>(3 + r % 3);
    }
    return ranks;
}

TableResolver resolver(const StaticTable& table, std::uint64_t number) {
    const auto decode = std::make_shared<const DecodeTable>(table);
    return [=](std::uint64_t id) { return id == number ? decode : nullptr; };
}

BlockView read_all(const Bytes& data, const TableResolver& tables = {},
                   std::uint64_t most = max_block_symbols) {
    ByteReader reader(data, "coded block");
    BlockView view = read_block(reader, tables, most);
    reader.expect_end();
    return view;
}

std::vector<std::int32_t> symbols_of(const BlockView& view) {
    std::vector<std::int32_t> symbols(static_cast<std::size_t>(view.n));
    decode_symbols(view, Span<std::int32_t>(symbols));
    return symbols;
}

Bytes bytes_of(const BlockView& view) {
    Bytes bytes(static_cast<std::size_t>(view.n));
    decode_bytes(view, Span<std::uint8_t>(bytes));
    return bytes;
}

}  // namespace

TEST(block_empty_and_const) {
    for (bool checksum : {false, true}) {
        Bytes out;
        append_empty_block(out, checksum);
        CHECK_EQUAL(out.size(), std::size_t{3} + (checksum ? 4 : 0));
        CHECK(symbols_of(read_all(out)).empty());
        CHECK(bytes_of(read_all(out)).empty());
        for (std::int64_t value : {std::int64_t{0}, std::int64_t{200}, std::int64_t{-1},
                                   std::int64_t{INT32_MIN}, std::int64_t{INT32_MAX} + 1, INT64_MIN}) {
            Bytes block;
            append_const_block(block, 300, value, checksum);
            const BlockView view = read_all(block);
            CHECK(view.kind == BlockKind::constant && view.n == 300 && view.value == value);
            if (value >= INT32_MIN && value <= INT32_MAX) {
                CHECK(symbols_of(view) == std::vector<std::int32_t>(300, static_cast<std::int32_t>(value)));
            } else {
                CHECK_THROWS(symbols_of(view), CorruptDataError);
            }
            if (value >= 0 && value < 256) {
                CHECK(bytes_of(view) == Bytes(300, static_cast<std::uint8_t>(value)));
            } else {
                CHECK_THROWS(bytes_of(view), CorruptDataError);
            }
        }
    }
    Bytes out;
    CHECK_THROWS(append_const_block(out, 0, 1), ArgumentError);
    CHECK_THROWS(append_const_block(out, max_block_symbols + 1, 1), ArgumentError);
}

TEST(block_stored) {
    std::mt19937_64 random(2);
    for (unsigned width = 1; width <= 32; ++width) {
        for (std::int64_t min : {std::int64_t{0}, std::int64_t{-5}, std::int64_t{100}}) {
            const std::size_t n = 1 + random() % 50;
            BitWriter packed;
            std::vector<std::int64_t> expected;
            bool fits_bytes = true, fits = true;
            for (std::size_t i = 0; i < n; ++i) {
                const std::uint64_t field = random() & ((std::uint64_t{1} << width) - 1);
                packed.put(field, width);
                expected.push_back(min + static_cast<std::int64_t>(field));
                fits_bytes = fits_bytes && expected.back() >= 0 && expected.back() < 256;
                fits = fits && expected.back() <= INT32_MAX;
            }
            Bytes out;
            append_stored_block(out, n, min, width, packed.finish(), true);
            const BlockView view = read_all(out);
            CHECK(view.kind == BlockKind::stored && view.width == width && view.min == min);
            if (fits) {
                const auto got = symbols_of(view);
                for (std::size_t i = 0; i < n; ++i) CHECK_EQUAL(std::int64_t{got[i]}, expected[i]);
            } else {
                CHECK_THROWS(symbols_of(view), CorruptDataError);
            }
            if (fits_bytes && min >= 0) {
                const auto got = bytes_of(view);
                for (std::size_t i = 0; i < n; ++i) CHECK_EQUAL(std::int64_t{got[i]}, expected[i]);
            } else {
                CHECK_THROWS(bytes_of(view), CorruptDataError);
            }
        }
    }
    Bytes out;
    CHECK_THROWS(append_stored_block(out, 8, 0, 0, Bytes{}), ArgumentError);
    CHECK_THROWS(append_stored_block(out, 8, 0, 33, Bytes(33)), ArgumentError);
    CHECK_THROWS(append_stored_block(out, 8, 0, 3, Bytes(4)), ArgumentError);
    // Padding bits, widths and lows out of range.
    append_stored_block(out, 3, 0, 3, Bytes{0xff, 0x01});
    Bytes padded = out;
    padded.back() = 0x03;
    CHECK_THROWS(read_all(padded), CorruptDataError);
    Bytes wide;
    append_stored_block(wide, 1, INT64_MAX, 8, Bytes{1});
    CHECK_THROWS(symbols_of(read_all(wide)), CorruptDataError);
    CHECK_THROWS(bytes_of(read_all(wide)), CorruptDataError);
}

TEST(block_static) {
    for (unsigned precision : {8U, 12U, 14U, 15U, 16U, 24U}) {
        const StaticTable table = example_table(precision);
        const EncodeTable encode(table);
        for (std::size_t n : std::vector<std::size_t>{1, 100, 5000, 70000}) {
            const Bytes ranks = example_ranks(n);
            std::vector<std::int32_t> expected;
            Bytes expected_bytes;
            for (auto rank : ranks) {
                expected.push_back(table.symbol_of_rank(rank));
                expected_bytes.push_back(static_cast<std::uint8_t>(expected.back()));
            }
            for (bool own : {false, true}) {
                for (bool extra : {false, true}) {
                    Bytes out;
                    const auto number = own ? std::nullopt : std::optional<std::uint32_t>(77);
                    append_static_block(out, ByteSpan(ranks), table, encode, number, 0, extra, extra);
                    const BlockView view = read_all(out, own ? TableResolver() : resolver(table, 77), n);
                    CHECK(view.kind == BlockKind::static_table && view.n == n);
                    CHECK(view.table->table() == table);
                    CHECK(symbols_of(view) == expected);
                    CHECK(bytes_of(view) == expected_bytes);
                    Bytes back(n);
                    decode_ranks(view, Span<std::uint8_t>(back));
                    CHECK(back == ranks);
                    CHECK_THROWS(read_all(out, own ? TableResolver() : resolver(table, 77), n - 1),
                                 LimitError);
                    Bytes short_out(n - 1);
                    CHECK_THROWS(decode_bytes(view, Span<std::uint8_t>(short_out)), ArgumentError);
                    const std::vector<std::uint16_t> wide(ranks.begin(), ranks.end());
                    Bytes same;
                    append_static_block(same, Span<const std::uint16_t>(wide), table, encode, number, 0,
                                        extra, extra);
                    CHECK(same == out);
                }
            }
        }
    }
}

TEST(block_lanes_follow_the_size) {
    const StaticTable table = example_table();
    const EncodeTable encode(table);
    const double bits = double(encode.entropy_fixed()) / 65536;
    for (const auto& [bytes, lanes] :
         {std::pair<double, unsigned>{2000, 1}, {2100, 4}, {8100, 4}, {8300, 32}}) {
        const auto n = static_cast<std::size_t>(bytes * 8 / bits);
        Bytes out;
        append_static_block(out, ByteSpan(example_ranks(n)), table, encode, 0);
        CHECK_EQUAL(read_all(out, resolver(table, 0)).lanes, lanes);
    }
    for (unsigned lanes : {1U, 4U, 8U, 32U}) {
        Bytes out;
        append_static_block(out, ByteSpan(example_ranks(99)), table, encode, 0, lanes);
        CHECK_EQUAL(read_all(out, resolver(table, 0)).lanes, lanes);
    }
    Bytes out;
    CHECK_THROWS(append_static_block(out, ByteSpan(example_ranks(99)), table, encode, 0, 2), ArgumentError);
    CHECK(out.empty());
}

TEST(block_degenerate_messages) {
    const StaticTable one = StaticTable::from_frequencies(std::vector<std::uint32_t>{4096}, 9, 12);
    Bytes out;
    append_static_block(out, ByteSpan(Bytes(50)), one, EncodeTable(one), std::nullopt);
    CHECK(read_all(out).kind == BlockKind::constant);
    CHECK(symbols_of(read_all(out)) == std::vector<std::int32_t>(50, 9));
    Bytes empty;
    append_static_block(empty, ByteSpan(), one, EncodeTable(one), std::nullopt);
    CHECK(read_all(empty).kind == BlockKind::empty);
    CHECK_THROWS(append_static_block(out, ByteSpan(Bytes{1}), one, EncodeTable(one), std::nullopt),
                 ArgumentError);
    CHECK_THROWS(
        append_static_block(out, ByteSpan(Bytes{0}), one, EncodeTable(example_table()), std::nullopt),
        ArgumentError);
}

TEST(block_table_mismatch) {
    const StaticTable table = example_table();
    const EncodeTable encode(table);
    const Bytes ranks = example_ranks(1000);
    Bytes plain, hashed;
    append_static_block(plain, ByteSpan(ranks), table, encode, 5);
    append_static_block(hashed, ByteSpan(ranks), table, encode, 5, 0, true, true);
    const StaticTable other =
        StaticTable::from_counts(std::vector<std::uint64_t>{900, 71, 0, 20, 5, 1}, 3, 12);
    CHECK_THROWS(read_all(hashed, resolver(other, 5)), ParameterMismatchError);
    CHECK_THROWS(read_all(plain, resolver(example_table(11), 5)), ParameterMismatchError);
    CHECK_THROWS(symbols_of(read_all(plain, resolver(other, 5))), CorruptDataError);
    CHECK_THROWS(read_all(plain, resolver(table, 4)), CorruptDataError);
    CHECK_THROWS(read_all(plain, {}), CorruptDataError);
}

TEST(block_unknown_features) {
    Bytes block;
    append_const_block(block, 5, 1);
    const auto with = [&](std::size_t at, std::uint8_t value) {
        Bytes changed = block;
        changed[at] = value;
        return changed;
    };
    CHECK_THROWS(read_all(with(0, 0x12)), UnsupportedFeatureError);  // version 2
    CHECK_THROWS(read_all(with(0, 0x41)), UnsupportedFeatureError);  // parametric
    CHECK_THROWS(read_all(with(0, 0x51)), CodecError);               // adaptive fields that make no sense
    CHECK_THROWS(read_all(with(1, 32)), CorruptDataError);           // exceptions
    CHECK_THROWS(read_all(with(1, 64)), CorruptDataError);           // low bits
    CHECK_THROWS(read_all(with(0, 0x10)), CorruptDataError);         // version 0
    CHECK_THROWS(read_all(with(0, 0x61)), CorruptDataError);         // no such kind
    CHECK_THROWS(read_all(with(0, 0x01)), CorruptDataError);         // empty with n = 5
    CHECK_THROWS(read_all(with(2, 0)), CorruptDataError);            // const with n = 0
    CHECK_THROWS(read_all(with(1, 1)), CorruptDataError);            // lanes
    CHECK_THROWS(read_all(with(1, 16)), CorruptDataError);           // hash
    CHECK_THROWS(read_all(with(1, 128)), CorruptDataError);          // table
    Bytes huge{0x11, 0};
    append_varint(huge, max_block_symbols + 1);
    append_varint(huge, 0);
    CHECK_THROWS(read_all(huge), CorruptDataError);
}

TEST(block_static_header_is_checked) {
    const StaticTable table = example_table();
    const TableResolver tables = resolver(table, 0);
    // u8 version|kind, u8 lanes|flags, varint n, u8 precision, varint id, varint words, payload
    const auto block = [&](std::uint8_t flags, std::uint8_t precision, std::uint64_t words,
                           std::size_t payload) {
        Bytes out{0x31, flags, 10, precision, 0};
        append_varint(out, words);
        out.resize(out.size() + payload, 0x77);
        return out;
    };
    CHECK_EQUAL(read_all(block(2, 12, 3, 22), tables).payload.size(), std::size_t{22});
    CHECK_THROWS(read_all(block(2, 12, 3, 21), tables), CorruptDataError);
    CHECK_THROWS(read_all(block(2, 12, 11, 38), tables), CorruptDataError);  // more words than symbols
    CHECK_THROWS(read_all(block(2, 12, 1U << 31, 22), tables), CorruptDataError);
    for (std::uint8_t lanes : Bytes{1, 4, 6, 7}) {
        CHECK_THROWS(read_all(block(lanes, 12, 3, 6 + (std::size_t{4} << lanes)), tables), CorruptDataError);
    }
    CHECK_THROWS(read_all(block(5, 16, 3, 12 + 256), tables), CorruptDataError);  // 32 lanes of 64 bits
    CHECK_THROWS(read_all(block(2, 7, 3, 22), tables), CorruptDataError);
    CHECK_THROWS(read_all(block(2, 25, 3, 44), tables), CorruptDataError);
    // Inline tables: another precision than the block, a single symbol, a hash beside it.
    Bytes inline_table{0x31, 128 | 2, 10, 13};
    table.append_to(inline_table);
    append_varint(inline_table, 3);
    inline_table.resize(inline_table.size() + 22);
    CHECK_THROWS(read_all(inline_table), CorruptDataError);
    Bytes one{0x31, 128 | 2, 10, 12};
    StaticTable::from_frequencies(std::vector<std::uint32_t>{4096}, 0, 12).append_to(one);
    append_varint(one, 0);
    one.resize(one.size() + 16);
    CHECK_THROWS(read_all(one), CorruptDataError);
    inline_table[1] |= 16;
    inline_table[3] = 12;
    CHECK_THROWS(read_all(inline_table), CorruptDataError);
}

TEST(block_damage_is_found) {
    std::mt19937_64 random(4);
    const StaticTable table = example_table();
    std::vector<Bytes> golden(5);
    append_empty_block(golden[0], true);
    append_const_block(golden[1], 1000, 7, true);
    append_stored_block(golden[2], 20, -3, 6, Bytes(15, 0x1b), true);
    append_static_block(golden[3], ByteSpan(example_ranks(700)), table, EncodeTable(table), std::nullopt, 0,
                        true);
    append_static_block(golden[4], ByteSpan(example_ranks(700)), table, EncodeTable(table), 0, 32, true,
                        true);
    const TableResolver tables = resolver(table, 0);
    for (const Bytes& data : golden) {
        const auto original = symbols_of(read_all(data, tables));
        for (int round = 0; round < 3000; ++round) {
            // A copy on the heap of exactly its size, for sanitizers.
            Bytes changed = data;
            if (round < 8 * static_cast<int>(data.size())) {
                changed[static_cast<std::size_t>(round / 8)] ^= static_cast<std::uint8_t>(1U << (round % 8));
            } else if (round % 2 == 0) {
                changed.resize(random() % data.size());
            } else {
                changed[random() % changed.size()] = static_cast<std::uint8_t>(random());
                changed[random() % changed.size()] = static_cast<std::uint8_t>(random());
            }
            changed.shrink_to_fit();
            try {
                const auto got = symbols_of(read_all(changed, tables, 10000));
                CHECK(got == original);
            } catch (const CodecError&) {
                ++check::checks();
            }
        }
    }
}
