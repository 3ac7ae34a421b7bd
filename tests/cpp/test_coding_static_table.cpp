#include "fewbits/coding/static_table.hpp"

#include <cmath>
#include <random>

#include "check.hpp"

using namespace fewbits;
using namespace fewbits::coding;

namespace {

using Counts = std::vector<std::uint64_t>;

std::vector<std::uint32_t> frequencies(const StaticTable& table) {
    std::vector<std::uint32_t> f;
    for (std::uint32_t i = 0; i < table.span(); ++i)
        f.push_back(table.frequency(std::int64_t{table.lo()} + i));
    return f;
}

// The definition by plain scans, comparing in long double only where 128-bit products are not needed.
std::vector<std::uint32_t> slow_quantize(const Counts& counts, unsigned precision) {
    std::uint64_t total = 0, sum = 0;
    for (std::uint64_t n : counts) total += n;
    std::vector<std::uint32_t> f;
    for (std::uint64_t n : counts) {
        f.push_back(
            n == 0 ? 0 : std::max<std::uint32_t>(1, static_cast<std::uint32_t>((n << precision) / total)));
        sum += f.back();
    }
    const auto greater = [](std::uint64_t a, std::uint64_t b, std::uint64_t c, std::uint64_t d) {
        return a * d > c * b;  // counts below 2^30: exact
    };
    const auto receiver = [&] {
        std::size_t best = counts.size();
        for (std::size_t i = 0; i < counts.size(); ++i) {
            if (f[i] == 0) continue;
            if (best == counts.size() || greater(counts[i], 2 * f[i] + 1, counts[best], 2 * f[best] + 1))
                best = i;
        }
        return best;
    };
    const auto giver = [&] {
        std::size_t best = counts.size();
        for (std::size_t i = 0; i < counts.size(); ++i) {
            if (f[i] <= 1) continue;
            if (best == counts.size() || greater(counts[best], 2 * f[best] - 1, counts[i], 2 * f[i] - 1))
                best = i;
        }
        return best;
    };
    for (; sum < std::uint64_t{1} << precision; ++sum) ++f[receiver()];
    for (; sum > std::uint64_t{1} << precision; --sum) --f[giver()];
    for (std::size_t moves = 0; moves < 4 * counts.size(); ++moves) {
        const std::size_t a = receiver(), b = giver();
        if (b == counts.size() || !greater(counts[a], 2 * f[a] + 1, counts[b], 2 * f[b] - 1)) break;
        ++f[a];
        --f[b];
    }
    return f;
}

StaticTable reread(const StaticTable& table) {
    Bytes wire;
    table.append_to(wire);
    wire.push_back(0x55);  // what follows is not touched
    ByteReader reader(wire);
    StaticTable back = StaticTable::read(reader);
    CHECK_EQUAL(reader.remaining(), std::size_t{1});
    return back;
}

StaticTable read_bytes(const Bytes& wire) {
    ByteReader reader(wire);
    StaticTable table = StaticTable::read(reader);
    reader.expect_end();
    return table;
}

}  // namespace

TEST(static_table_published_examples) {
    const Counts counts{100000, 31000, 9000, 2500, 800, 150, 40, 7, 1};
    const double n = 143498;
    const auto check = [&](unsigned precision, std::vector<std::uint32_t> expected, double bits) {
        const StaticTable table = StaticTable::from_counts(counts, 0, precision);
        CHECK(frequencies(table) == expected);
        CHECK(std::fabs(table.cross_entropy_bits(counts, 0) / n - bits) < 1e-6);
    };
    check(8, {176, 55, 16, 4, 1, 1, 1, 1, 1}, 1.267047);
    check(10, {711, 221, 64, 18, 6, 1, 1, 1, 1}, 1.252224);
    check(12, {2853, 885, 257, 71, 23, 4, 1, 1, 1}, 1.249705);
}

// A well-known library loops for ever on these probabilities.
TEST(static_table_exchange_stops) {
    for (unsigned precision = 8; precision <= 24; ++precision) {
        const auto scaled = [](double p) { return static_cast<std::uint64_t>(p * 1099511627776.0 + 0.5); };
        const StaticTable table =
            StaticTable::from_counts(Counts{scaled(0.15), scaled(0.69), scaled(0.15)}, 0, precision);
        const auto f = frequencies(table);
        CHECK_EQUAL(f[0] + f[1] + f[2], 1U << precision);
        CHECK(f[0] >= f[2] && f[0] - f[2] <= 1 && f[1] > 4 * f[0]);
    }
}

TEST(static_table_matches_plain_scans) {
    std::mt19937_64 random(1);
    for (int round = 0; round < 400; ++round) {
        const unsigned precision = 8 + static_cast<unsigned>(random() % 6);
        Counts counts(2 + random() % 60);
        const std::uint64_t scale = std::uint64_t{1} << (random() % 28);
        for (auto& n : counts) n = random() % 3 == 0 ? 0 : random() % (1 + random() % scale);
        counts.front() += 1;
        counts.back() += 1;
        CHECK(frequencies(StaticTable::from_counts(counts, -5, precision)) ==
              slow_quantize(counts, precision));
    }
}

TEST(static_table_large_counts) {
    // Sums near 2^62, where floor(n 2^P / total) no longer fits 64 bits.
    const std::uint64_t big = std::uint64_t{1} << 60;
    const StaticTable table = StaticTable::from_counts(Counts{3 * big, big - 1}, 0, 10);
    CHECK(frequencies(table) == (std::vector<std::uint32_t>{768, 256}));
    CHECK_THROWS(StaticTable::from_counts(Counts{3 * big, big}, 0, 10), ArgumentError);
    CHECK_THROWS(StaticTable::from_counts(Counts{~std::uint64_t{0}, 1}, 0, 10), ArgumentError);
    CHECK(frequencies(StaticTable::from_counts(Counts{1, big}, 0, 24)) ==
          (std::vector<std::uint32_t>{1, (1U << 24) - 1}));
}

TEST(static_table_near_the_optimum) {
    // No exchange of one unit between any two symbols lowers the cost by more than rounding.
    std::mt19937_64 random(2);
    for (int round = 0; round < 100; ++round) {
        Counts counts(2 + random() % 30);
        for (auto& n : counts) n = 1 + random() % 10000;
        const auto f = frequencies(StaticTable::from_counts(counts, 0, 10));
        double worst = 0, total = 0;
        for (std::size_t a = 0; a < f.size(); ++a) {
            total += double(counts[a]) * (10 - std::log2(f[a]));
            for (std::size_t b = 0; b < f.size(); ++b) {
                if (a == b || f[b] == 1) continue;
                const double gain = double(counts[a]) * std::log2((f[a] + 1.0) / f[a]) -
                                    double(counts[b]) * std::log2(f[b] / (f[b] - 1.0));
                worst = std::max(worst, gain);
            }
        }
        CHECK(worst < 1e-4 * total);
    }
}

TEST(static_table_ranks) {
    Counts counts(1000);
    counts[3] = 5;
    counts[500] = 7;
    counts[900] = 1;
    const StaticTable sparse = StaticTable::from_counts(counts, -100, 8);
    CHECK_EQUAL(sparse.lo(), -97);
    CHECK_EQUAL(sparse.span(), 898U);
    CHECK_EQUAL(sparse.used(), 3U);
    CHECK_EQUAL(sparse.ranks(), 3U);
    CHECK(!sparse.ranks_are_offsets());
    CHECK_EQUAL(sparse.symbol_of_rank(1), 400);
    CHECK_EQUAL(sparse.rank_of_symbol(800), 2U);
    for (std::int64_t missing : {-98, -96, 399, 801, 1 << 30}) {
        CHECK_EQUAL(sparse.rank_of_symbol(missing), 3U);
        CHECK_EQUAL(sparse.frequency(missing), 0U);
    }
    CHECK_EQUAL(sparse.start(-98), 0U);
    CHECK_EQUAL(sparse.start(-96), sparse.frequency(-97));
    CHECK_EQUAL(sparse.start(10000), 256U);

    counts.resize(256);
    counts[255] = 1;
    const StaticTable dense = StaticTable::from_counts(counts, 0, 8);
    CHECK_EQUAL(dense.span(), 253U);
    CHECK_EQUAL(dense.ranks(), 253U);
    CHECK(dense.ranks_are_offsets());
    CHECK_EQUAL(dense.rank_of_symbol(4), 1U);
    CHECK_EQUAL(dense.frequency_of_rank(1), 0U);
    CHECK(std::isinf(dense.bits_of_rank(1)));

    for (const StaticTable& table : {sparse, dense}) {
        std::uint32_t start = 0;
        for (std::uint32_t rank = 0; rank < table.ranks(); ++rank) {
            const std::int32_t symbol = table.symbol_of_rank(rank);
            CHECK_EQUAL(table.start_of_rank(rank), start);
            CHECK_EQUAL(table.start(symbol), start);
            CHECK_EQUAL(table.frequency(symbol), table.frequency_of_rank(rank));
            start += table.frequency_of_rank(rank);
        }
        CHECK_EQUAL(start, 1U << table.precision());
    }
    CHECK_EQUAL(StaticTable::from_counts(Counts(65536, 1), 0, 16).ranks(), 65536U);
    CHECK_EQUAL(StaticTable::from_counts(Counts{0, 0, 9}, INT32_MAX - 2, 8).lo(), INT32_MAX);
    CHECK_EQUAL(StaticTable::from_counts(Counts{0, 4, 0}, 0, 8, true).used(), 3U);
}

TEST(static_table_bad_arguments) {
    CHECK_THROWS(StaticTable::from_counts(Counts{}, 0, 12), ArgumentError);
    CHECK_THROWS(StaticTable::from_counts(Counts{0, 0}, 0, 12), ArgumentError);
    CHECK_THROWS(StaticTable::from_counts(Counts{1}, 0, 7), ArgumentError);
    CHECK_THROWS(StaticTable::from_counts(Counts{1}, 0, 25), ArgumentError);
    CHECK_THROWS(StaticTable::from_counts(Counts(257, 1), 0, 8), ArgumentError);
    CHECK_THROWS(StaticTable::from_counts(Counts{0, 1}, INT32_MAX, 8), ArgumentError);
    Counts wide(65537);
    wide.front() = wide.back() = 1;
    CHECK_THROWS(StaticTable::from_counts(wide, 0, 8), ArgumentError);
    const std::vector<std::uint32_t> f{100, 155};
    CHECK_THROWS(StaticTable::from_frequencies(f, 0, 8), ArgumentError);
    CHECK_THROWS(StaticTable::from_frequencies(Span<const std::uint32_t>(), 0, 8), ArgumentError);
}

TEST(static_table_wire_form) {
    // lo -1, span 4, P 8; 0 gamma(252), 0 gamma(2), 1 gamma(1), 0 gamma(2)
    const std::vector<std::uint32_t> f{252, 2, 0, 2};
    const StaticTable table = StaticTable::from_frequencies(f, -1, 8);
    Bytes wire;
    table.append_to(wire);
    CHECK_EQUAL(wire.size(), std::size_t{3 + 4});  // 16 + 4 + 2 + 4 bits
    CHECK(wire[0] == 1 && wire[1] == 4 && wire[2] == 8);
    CHECK(reread(table) == table);

    std::mt19937_64 random(3);
    for (int round = 0; round < 300; ++round) {
        const unsigned precision = 8 + static_cast<unsigned>(random() % 17);
        Counts counts(1 + random() % (round % 10 == 0 ? 40000 : 300));
        for (auto& n : counts) n = random() % 4 == 0 ? random() % 1000 : 0;
        counts[random() % counts.size()] = 1;
        std::size_t used = 0;
        for (auto& n : counts) {
            if (n != 0 && ++used > std::size_t{1} << precision) n = 0;
        }
        const auto lo = static_cast<std::int32_t>(random() % 2000) - 1000;
        const StaticTable made = StaticTable::from_counts(counts, lo, precision);
        CHECK(reread(made) == made);
    }
}

TEST(static_table_rejects_other_forms) {
    const auto table = [](std::int64_t lo, std::uint64_t span, unsigned precision, auto write) {
        Bytes wire;
        append_varint(wire, zigzag_encode(lo));
        append_varint(wire, span);
        wire.push_back(static_cast<std::uint8_t>(precision));
        BitWriter bits;
        write(bits);
        append(wire, bits.finish());
        return wire;
    };
    const auto symbol = [](BitWriter& bits, std::uint32_t f) {
        bits.put(0, 1);
        bits.put_gamma(f);
    };
    const auto run = [](BitWriter& bits, std::uint32_t length) {
        bits.put(1, 1);
        bits.put_gamma(length);
    };
    const auto two = [&](BitWriter& bits) { symbol(bits, 200), symbol(bits, 56); };
    CHECK_EQUAL(read_bytes(table(0, 2, 8, two)).used(), 2U);
    CHECK_THROWS(read_bytes(table(0, 2, 9, two)), CorruptDataError);
    CHECK_THROWS(read_bytes(table(0, 2, 7, two)), CorruptDataError);
    CHECK_THROWS(read_bytes(table(0, 2, 25, two)), CorruptDataError);
    CHECK_THROWS(read_bytes(table(0, 0, 8, two)), CorruptDataError);
    CHECK_THROWS(read_bytes(table(0, 1, 8, two)), CorruptDataError);
    CHECK_THROWS(read_bytes(table(0, 3, 8, two)), CorruptDataError);
    CHECK_THROWS(read_bytes(table(0, 65537, 8, two)), CorruptDataError);
    CHECK_THROWS(read_bytes(table(INT32_MAX, 2, 8, two)), CorruptDataError);
    CHECK_THROWS(read_bytes(table(std::int64_t{INT32_MIN} - 1, 2, 8, two)), CorruptDataError);
    // Sum too large, even where it wraps 2^32; runs at the ends, adjacent runs, runs that leave the span.
    CHECK_THROWS(read_bytes(table(0, 2, 8, [&](BitWriter& b) { symbol(b, 200), symbol(b, 57); })),
                 CorruptDataError);
    CHECK_THROWS(
        read_bytes(table(
            0, 3, 8, [&](BitWriter& b) { symbol(b, 0x7fffffff), symbol(b, 0x7fffffff), symbol(b, 258); })),
        CorruptDataError);
    CHECK_THROWS(read_bytes(table(0, 3, 8, [&](BitWriter& b) { run(b, 1), two(b); })), CorruptDataError);
    CHECK_THROWS(read_bytes(table(0, 3, 8, [&](BitWriter& b) { two(b), run(b, 1); })), CorruptDataError);
    CHECK_THROWS(read_bytes(table(
                     0, 4, 8, [&](BitWriter& b) { symbol(b, 200), run(b, 1), run(b, 1), symbol(b, 56); })),
                 CorruptDataError);
    CHECK_THROWS(read_bytes(table(0, 4, 8, [&](BitWriter& b) { symbol(b, 200), run(b, 9), symbol(b, 56); })),
                 CorruptDataError);
    // Padding bits, truncation.
    CHECK_THROWS(read_bytes(table(0, 2, 8, [&](BitWriter& b) { two(b), b.put(1, 1); })), CorruptDataError);
    const Bytes good = table(0, 2, 8, two);
    for (std::size_t size = 0; size < good.size(); ++size) {
        CHECK_THROWS(read_bytes(Bytes(good.begin(), good.begin() + static_cast<std::ptrdiff_t>(size))),
                     CorruptDataError);
    }
}

TEST(static_table_costs) {
    for (std::uint32_t f = 1; f <= 1U << 16; ++f) {
        const double got = coding::detail::log2_integer(f), expected = std::log2(double(f));
        CHECK(std::fabs(got - expected) <= 2e-15 * std::max(1.0, expected));
    }
    for (unsigned k = 0; k < 32; ++k) CHECK_EQUAL(coding::detail::log2_integer(1U << k), double(k));
    const std::vector<std::uint32_t> f{128, 64, 32, 32};
    const StaticTable table = StaticTable::from_frequencies(f, 10, 8);
    CHECK_EQUAL(table.entropy_fixed(), std::uint64_t{7} << 14);  // 1.75 bits
    CHECK_EQUAL(table.cross_entropy_bits(Counts{1, 1, 1, 1}, 10), 1.0 + 2 + 3 + 3);
    CHECK(std::isinf(table.cross_entropy_bits(Counts{1, 1}, 9)));
    CHECK_EQUAL(table.cross_entropy_bits(Counts{0, 1}, 9), 1.0);
}

TEST(histogram_counts_and_adds) {
    std::mt19937 random(9);
    for (std::size_t n : {0, 1, 7, 8, 9, 4097}) {
        Bytes values(n);
        for (auto& v : values) v = static_cast<std::uint8_t>(random() % 7 == 0 ? random() : 3);
        std::vector<std::uint32_t> counts(256, 5), expected(256, 5);
        for (auto v : values) ++expected[v];
        histogram(values, Span<std::uint32_t>(counts));
        CHECK(counts == expected);
        std::vector<std::uint64_t> wide(256);
        histogram(values, Span<std::uint64_t>(wide));
        for (std::size_t v = 0; v < 256; ++v) CHECK_EQUAL(wide[v] + 5, std::uint64_t{expected[v]});
        std::vector<std::uint16_t> words(n);
        for (auto& v : words) v = static_cast<std::uint16_t>(random());
        std::vector<std::uint64_t> got(65536), want(65536);
        for (auto v : words) ++want[v];
        histogram(Span<const std::uint16_t>(words), Span<std::uint64_t>(got));
        CHECK(got == want);
    }
    std::vector<std::uint32_t> few(255);
    CHECK_THROWS(histogram(ByteSpan(), Span<std::uint32_t>(few)), ArgumentError);
}
