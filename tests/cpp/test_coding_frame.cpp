#include "fewbits/coding/frame.hpp"

#include <cmath>
#include <memory>
#include <random>

#include "check.hpp"

using namespace fewbits;
using namespace fewbits::coding;

namespace {

std::shared_ptr<const DecodeTable> prepared(const StaticTable& table) {
    return std::make_shared<const DecodeTable>(table);
}

// Symbols -2..9 (some unused), or with `spread` 0, 1000, ..., 11000.
StaticTable narrow_table(unsigned precision = 12) {
    return StaticTable::from_counts(std::vector<std::uint64_t>{5, 100, 4000, 100, 0, 0, 9, 3, 3, 3, 1, 1}, -2,
                                    precision);
}
StaticTable spread_table() {
    std::vector<std::uint64_t> counts(11001);
    for (std::size_t i = 0; i < counts.size(); i += 1000) counts[i] = 1 + i;
    return StaticTable::from_counts(counts, 0, 12);
}
StaticTable large_table(unsigned precision) {
    return StaticTable::from_counts(std::vector<std::uint64_t>(5000, 1), -2500, precision);
}

template <class Symbol>
std::vector<Symbol> draw(const StaticTable& table, std::size_t n) {
    std::mt19937_64 random(n);
    std::vector<Symbol> symbols(n);
    for (Symbol& symbol : symbols) {
        const auto slot = static_cast<std::uint32_t>(random() & ((1U << table.precision()) - 1));
        std::uint32_t low = 0, high = table.ranks();
        while (high - low > 1)
            (table.start_of_rank((low + high) / 2) <= slot ? low : high) = (low + high) / 2;
        symbol = static_cast<Symbol>(table.symbol_of_rank(low));
    }
    return symbols;
}

template <class Symbol>
Bytes check_round_trip(const StaticTable& table, const std::vector<Symbol>& symbols,
                       const EncodeOptions& options = {}) {
    const Bytes data = encode(Span<const Symbol>(symbols), table, options);
    CHECK_EQUAL(count_symbols(data), std::uint64_t{symbols.size()});
    for (int threads : {1, 3}) {
        std::vector<Symbol> back(symbols.size(), Symbol{77});
        decode(ByteSpan(data), prepared(table), Span<Symbol>(back), threads);
        CHECK(back == symbols);
    }
    return data;
}

}  // namespace

TEST(frame_lengths) {
    const StaticTable table = narrow_table();
    const std::size_t block = default_block_symbols;
    for (std::size_t n : {std::size_t{0}, std::size_t{1}, std::size_t{2}, std::size_t{100},
                          std::size_t{20000}, block, block + 1, 2 * block, 3 * block + 5}) {
        const auto symbols = draw<std::int32_t>(table, n);
        const Bytes data = check_round_trip(table, symbols);
        CHECK_EQUAL(data[0] == 0xf1, n > block);
        EncodeOptions options;
        options.threads = 3;
        CHECK(encode(Span<const std::int32_t>(symbols), table, options) == data);
    }
}

TEST(frame_symbol_types) {
    for (std::size_t n : {1000, 300000}) {
        check_round_trip(narrow_table(), draw<std::int8_t>(narrow_table(), n));
        check_round_trip(narrow_table(), draw<std::int16_t>(narrow_table(), n));
        check_round_trip(narrow_table(14), draw<std::int32_t>(narrow_table(14), n));
        check_round_trip(spread_table(), draw<std::int32_t>(spread_table(), n));
        check_round_trip(spread_table(), draw<std::uint16_t>(spread_table(), n));
        check_round_trip(large_table(15), draw<std::int32_t>(large_table(15), n));
        check_round_trip(large_table(20), draw<std::int16_t>(large_table(20), n));
        const StaticTable bytes = StaticTable::from_counts(std::vector<std::uint64_t>(256, 3), 0, 8);
        check_round_trip(bytes, draw<std::uint8_t>(bytes, n));
    }
    // The same message whatever type it comes in.
    const auto symbols = draw<std::int32_t>(narrow_table(), 5000);
    const std::vector<std::int8_t> small(symbols.begin(), symbols.end());
    CHECK(encode(Span<const std::int8_t>(small), narrow_table()) ==
          encode(Span<const std::int32_t>(symbols), narrow_table()));
    // A type that cannot hold the model's symbols.
    const Bytes data = encode(Span<const std::int32_t>(symbols), narrow_table());
    std::vector<std::uint8_t> out(symbols.size());
    CHECK_THROWS(decode(ByteSpan(data), prepared(narrow_table()), Span<std::uint8_t>(out)), CorruptDataError);
}

TEST(frame_options) {
    const StaticTable table = narrow_table();
    const auto symbols = draw<std::int32_t>(table, 300000);
    const std::size_t plain = check_round_trip(table, symbols).size();
    EncodeOptions options;
    options.checksum = true;
    CHECK_EQUAL(check_round_trip(table, symbols, options).size(), plain + 2 * 4);
    options.hash = true;
    CHECK_EQUAL(check_round_trip(table, symbols, options).size(), plain + 2 * (4 + 8));
    for (unsigned lanes : {1U, 4U, 8U, 32U}) {
        options.lanes = lanes;
        check_round_trip(table, symbols, options);
    }
    options.lanes = 2;
    CHECK_THROWS(encode(Span<const std::int32_t>(symbols), table, options), ArgumentError);
}

TEST(frame_equal_symbols_take_no_room) {
    const std::vector<std::int32_t> same(600000, -2);
    CHECK(check_round_trip(narrow_table(), same).size() < 30);
    CHECK(check_round_trip(narrow_table(), std::vector<std::int32_t>{9}).size() < 6);
}

TEST(frame_bad_symbols) {
    const auto message = [](const StaticTable& table, std::vector<std::int32_t> symbols) {
        try {
            encode(Span<const std::int32_t>(symbols), table);
        } catch (const ArgumentError& error) {
            return std::string(error.what());
        }
        return std::string("no error");
    };
    const std::string start = "encode: symbols must have a positive frequency in the model, got symbols[";
    for (std::int32_t bad : {-3, 10, 2, INT32_MIN, INT32_MAX}) {
        for (std::size_t n : {std::size_t{1}, std::size_t{40}, std::size_t{300000}}) {
            std::vector<std::int32_t> symbols(n, 0);
            symbols[n - 1] = bad;
            const std::string expected = start + std::to_string(n - 1) + "] = " + std::to_string(bad);
            CHECK(message(narrow_table(), symbols) == expected);
            CHECK(message(narrow_table(17), symbols) == expected);
        }
    }
    CHECK(message(spread_table(), {0, 1000, 1001}) == start + "2] = 1001");
    CHECK(message(spread_table(), {12000}) == start + "0] = 12000");
    CHECK(message(large_table(15), {0, 2500}) == start + "1] = 2500");
    const std::vector<std::int32_t> bad{0, 2};
    CHECK_THROWS(code_length(Span<const std::int32_t>(bad), narrow_table()), ArgumentError);
}

TEST(frame_code_length) {
    for (const StaticTable& table : {narrow_table(), spread_table(), large_table(24)}) {
        const auto symbols = draw<std::int32_t>(table, 10000);
        double expected = 0;
        for (const auto symbol : symbols)
            expected += table.precision() - std::log2(double(table.frequency(symbol)));
        const double got = code_length(Span<const std::int32_t>(symbols), table);
        CHECK(std::fabs(got - expected) < 1e-9 * expected);
        const double size = double(encode(Span<const std::int32_t>(symbols), table).size()) * 8;
        CHECK(size >= got && size < got * 1.0006 + 64 * 32 + 160);
    }
}

TEST(frame_damage_is_found) {
    std::mt19937_64 random(5);
    const StaticTable table = narrow_table();
    const auto decode_table = prepared(table);
    EncodeOptions options;
    options.checksum = true;
    // Two blocks, the second one short: a small frame by hand.
    const auto first = draw<std::int32_t>(table, 300), second = draw<std::int32_t>(table, 40);
    const Bytes a = encode(Span<const std::int32_t>(first), table, options);
    const Bytes b = encode(Span<const std::int32_t>(second), table, options);
    const auto frame = [](const std::vector<Bytes>& blocks, std::uint64_t count) {
        Bytes out{0xf1};
        append_varint(out, count);
        for (const Bytes& block : blocks) append_varint(out, block.size());
        for (const Bytes& block : blocks) append(out, block);
        return out;
    };
    const auto symbols_of = [&](const Bytes& data) {
        const std::uint64_t n = count_symbols(data);
        std::vector<std::int32_t> out(static_cast<std::size_t>(n > 100000 ? 0 : n));
        decode(ByteSpan(data), decode_table, Span<std::int32_t>(out));
        return out;
    };
    std::vector<std::int32_t> both = first;
    both.insert(both.end(), second.begin(), second.end());
    const Bytes good = frame({a, b}, 2);
    CHECK(symbols_of(good) == both);
    for (const Bytes& bad :
         {frame({a}, 1), frame({}, 0), frame({a, b}, 3), frame({a, b}, std::uint64_t{1} << 60),
          frame({a, good}, 2), frame({a, b}, 1), Bytes{}, Bytes{0xf1}}) {
        CHECK_THROWS(symbols_of(bad), CorruptDataError);
    }
    std::vector<std::int32_t> out(both.size() + 1);
    CHECK_THROWS(decode(ByteSpan(good), decode_table, Span<std::int32_t>(out)), ArgumentError);
    out.resize(both.size() - 1);
    CHECK_THROWS(decode(ByteSpan(good), decode_table, Span<std::int32_t>(out)), ArgumentError);
    for (int round = 0; round < 5000; ++round) {
        Bytes changed = good;
        if (round % 3 == 0) {
            changed.resize(random() % good.size());
        } else {
            changed[random() % changed.size()] ^= static_cast<std::uint8_t>(1 + random() % 255);
        }
        changed.shrink_to_fit();
        try {
            CHECK(symbols_of(changed) == both);
        } catch (const Error&) {
            ++check::checks();
        }
    }
}
