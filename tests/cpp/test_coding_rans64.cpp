#include "fewbits/coding/rans64.hpp"

#include <algorithm>
#include <memory>
#include <random>

#include "check.hpp"

using namespace fewbits;
using namespace fewbits::coding;

namespace {

std::string hex(const Bytes& bytes) {
    std::string text;
    for (std::uint8_t byte : bytes) {
        text += "0123456789abcdef"[byte >> 4];
        text += "0123456789abcdef"[byte & 15];
    }
    return text;
}

// A table over `used` of `span` symbols: geometric, flat, or one symbol that leaves the others a unit each.
StaticTable make_table(std::mt19937_64& random, std::size_t span, unsigned precision, int shape) {
    std::vector<std::uint64_t> counts(span);
    for (std::size_t i = 0; i < span; ++i) {
        counts[i] = shape == 0   ? 1 + (std::uint64_t{1} << 40 >> std::min<std::size_t>(40, i))
                    : shape == 1 ? 1 + random() % 1000
                                 : 1;
    }
    if (shape == 2) counts[random() % span] = std::uint64_t{1} << 50;
    // Ranks of frequency 0 between used ones.
    if (shape == 1) {
        for (std::size_t i = 1; i + 1 < span; i += 3) counts[i] = 0;
    }
    return StaticTable::from_counts(counts, -3, precision);
}

template <class Rank>
std::vector<Rank> draw(std::mt19937_64& random, const StaticTable& table, std::size_t n) {
    std::vector<Rank> ranks(n);
    for (Rank& rank : ranks) {
        const auto slot = static_cast<std::uint32_t>(random() & ((1U << table.precision()) - 1));
        std::uint32_t low = 0, high = table.ranks();
        while (high - low > 1)
            (table.start_of_rank((low + high) / 2) <= slot ? low : high) = (low + high) / 2;
        rank = static_cast<Rank>(low);
    }
    return ranks;
}

}  // namespace

// Streams of the mixture and of the Laplace and logistic models of the format's reference values, from their
// (start, frequency) pairs; tests/python/test_coding_reference.py derives the pairs.
TEST(rans64_published_vectors) {
    using Pairs = std::vector<std::pair<std::uint32_t, std::uint32_t>>;
    const Pairs mixture{{5749639, 6562095}, {1762768, 1000213}, {16229674, 59049},  {12311734, 3182467},
                        {5749639, 6562095}, {0, 6753},          {16599964, 177252}, {5749639, 6562095}};
    const Pairs laplace{{5087955, 4588402}, {353545, 335049}, {16772567, 2258}, {9676357, 3455145},
                        {5087955, 4588402}, {0, 16},          {16777192, 24},   {5087955, 4588402}};
    const Pairs logistic{{6334085, 2751953}, {678482, 594220}, {16767932, 4513}, {9086038, 2608655},
                         {6334085, 2751953}, {0, 33},          {16777170, 46},   {6334085, 2751953}};
    const auto check = [](auto lanes, const Pairs& pairs, const char* expected) {
        constexpr int n = decltype(lanes)::value;
        Rans64Encoder<n> encoder;
        for (std::size_t i = pairs.size(); i-- > 0;) encoder.push(i, pairs[i].first, pairs[i].second, 24);
        Bytes out;
        encoder.finish(out);
        CHECK(hex(out) == expected);
        Rans64Decoder<n> decoder(out);
        for (std::size_t i = 0; i < pairs.size(); ++i) {
            const std::uint32_t slot = decoder.peek(i, 24);
            CHECK(slot >= pairs[i].first && slot - pairs[i].first < pairs[i].second);
            decoder.advance(i, pairs[i].first, pairs[i].second, 24);
        }
        decoder.expect_end();
        for (std::size_t size = 0; size < out.size(); ++size) {
            const auto decode = [&] {
                Rans64Decoder<n> again(ByteSpan(out).first(size));
                for (std::size_t i = 0; i < pairs.size(); ++i) {
                    again.peek(i, 24);
                    again.advance(i, pairs[i].first, pairs[i].second, 24);
                }
                again.expect_end();
            };
            CHECK_THROWS(decode(), CorruptDataError);
        }
    };
    check(std::integral_constant<int, 1>(), mixture, "3099627f0b0000006776f85b");
    check(std::integral_constant<int, 2>(), mixture, "27d9960d5a570100045d26e8a4490400");
    check(std::integral_constant<int, 8>(), mixture,
          "7e58714701000000b14c1b63080000004363f80f8e000000d005e2a2020000007e587147010000004c0a0034da04000030"
          "73fe53"
          "2f0000007e58714701000000");
    check(std::integral_constant<int, 1>(), laplace, "7e296ec10100000011a7054bf3ffff44");
    check(std::integral_constant<int, 1>(), logistic, "2e0f83c40000000082830f1eedffff09");
}

TEST(rans64_static_tables) {
    std::mt19937_64 random(11);
    for (unsigned precision = 16; precision <= 24; ++precision) {
        for (std::size_t span : std::vector<std::size_t>{2, 100, 5000, 65536}) {
            const StaticTable table = make_table(random, span, precision, static_cast<int>(random() % 3));
            const DecodeTable decode(table);
            for (unsigned lanes : {1U, 2U, 4U, 8U}) {
                const auto ranks = draw<std::uint16_t>(random, table, random() % 300);
                Bytes out;
                rans64_encode(Span<const std::uint16_t>(ranks), table, lanes, out);
                std::vector<std::uint16_t> back(ranks.size());
                rans64_decode(out, decode, lanes, Span<std::uint16_t>(back));
                CHECK(back == ranks);
                if (ranks.empty()) continue;
                out.pop_back();
                CHECK_THROWS(rans64_decode(out, decode, lanes, Span<std::uint16_t>(back)), CorruptDataError);
            }
        }
    }
    Bytes out;
    const StaticTable table = StaticTable::from_counts(std::vector<std::uint64_t>{1, 1}, 0, 16);
    const std::vector<std::uint16_t> bad{2};
    CHECK_THROWS(rans64_encode(Span<const std::uint16_t>(bad), table, 1, out), ArgumentError);
    CHECK_THROWS(rans64_encode(Span<const std::uint16_t>(), table, 32, out), ArgumentError);
}

// The coder of blocks makes the bytes of the coder of symbols, wherever the blocks are cut.
TEST(rans64_blocks) {
    std::mt19937_64 random(12);
    const auto check = [&](auto constant) {
        constexpr int lanes = decltype(constant)::value;
        for (std::size_t n = 0; n < 200; n += 1 + n / 20) {
            std::vector<std::uint32_t> starts(n), frequencies(n);
            for (std::size_t i = 0; i < n; ++i) {
                const unsigned bits = static_cast<unsigned>(random() % 24);
                frequencies[i] = 1 + static_cast<std::uint32_t>(random() & ((1U << bits) - 1));
                if (random() % 50 == 0) frequencies[i] = (1U << 24) - 1;
                starts[i] = static_cast<std::uint32_t>(random() % ((1U << 24) - frequencies[i] + 1));
            }
            Rans64Encoder<lanes> encoder;
            for (std::size_t i = n; i-- > 0;) encoder.push(i, starts[i], frequencies[i], 24);
            Bytes expected;
            encoder.finish(expected);
            Rans64BlockEncoder<lanes, 24> blocks(n);
            for (std::size_t end = n; end > 0;) {
                const std::size_t count = 1 + random() % end;
                blocks.push(end - count, count, starts.data() + end - count,
                            frequencies.data() + end - count);
                end -= count;
            }
            Bytes out;
            blocks.append_to(out);
            CHECK(out == expected);
            Rans64BlockDecoder<lanes, 24> decoder(out);
            std::size_t i = 0;
            while (i < n) {
                const std::size_t count = i % lanes == 0 && i + lanes <= n ? lanes : 1;
                for (std::size_t j = i; j < i + count; ++j)
                    CHECK(decoder.slot(j % lanes) - starts[j] < frequencies[j]);
                if (count == lanes) {
                    decoder.advance_all(&starts[i], &frequencies[i]);
                } else {
                    decoder.advance(i % lanes, starts[i], frequencies[i]);
                }
                i += count;
            }
            decoder.expect_end();
            for (std::size_t size = 0; size < out.size(); ++size) {
                const auto decode = [&] {
                    Rans64BlockDecoder<lanes, 24> again(ByteSpan(out).first(size));
                    for (std::size_t j = 0; j < n; ++j) again.advance(j % lanes, starts[j], frequencies[j]);
                    again.expect_end();
                };
                CHECK_THROWS(decode(), CorruptDataError);
            }
        }
    };
    check(std::integral_constant<int, 1>());
    check(std::integral_constant<int, 2>());
    check(std::integral_constant<int, 4>());
    check(std::integral_constant<int, 8>());
}
