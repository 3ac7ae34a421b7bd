#include "fewbits/coding/adaptive.hpp"

#include <cmath>
#include <random>
#include <vector>

#include "check.hpp"
#include "fewbits/coding/block.hpp"
#include "fewbits/core/checksum.hpp"

using namespace fewbits;
using namespace fewbits::coding;

namespace {

std::vector<std::int32_t> draw(std::mt19937_64& random, const AdaptiveModel& model, std::size_t n,
                               int shape) {
    std::vector<std::int32_t> symbols(n);
    for (std::size_t i = 0; i < n; ++i) {
        const std::uint64_t r = random();
        if (model.kind == AdaptiveKind::exp_golomb) {
            const std::int32_t ends[] = {0, -1, 1, INT32_MIN, INT32_MAX};
            symbols[i] = shape == 0   ? static_cast<std::int32_t>(static_cast<std::uint32_t>(r))
                         : shape == 1 ? ends[r % 5]
                                      : static_cast<std::int32_t>(r % 40) - 20;
        } else {
            const std::uint32_t a = model.alphabet;
            symbols[i] = static_cast<std::int32_t>(shape == 0   ? r % a
                                                   : shape == 1 ? a - 1
                                                                : (i % 2 == 0 ? 0 : a - 1));
        }
    }
    return symbols;
}

constexpr AdaptiveModel models[] = {{AdaptiveKind::bit, 2},
                                    {AdaptiveKind::nibble, 16},
                                    {AdaptiveKind::nibble, 5},
                                    {AdaptiveKind::byte, 256},
                                    {AdaptiveKind::byte, 100},
                                    {AdaptiveKind::byte_order1, 256},
                                    {AdaptiveKind::nibble_tree, 1},
                                    {AdaptiveKind::nibble_tree, 17},
                                    {AdaptiveKind::nibble_tree, 300},
                                    {AdaptiveKind::nibble_tree, 5000},
                                    {AdaptiveKind::nibble_tree, 65536},
                                    {AdaptiveKind::exp_golomb, 0}};

}  // namespace

TEST(adaptive_round_trips) {
    std::mt19937_64 random(1);
    for (const AdaptiveModel& model : models) {
        for (const std::size_t n : std::vector<std::size_t>{0, 1, 2, 33, 1000, 20000}) {
            for (int shape = 0; shape < 3; ++shape) {
                const auto symbols = draw(random, model, n, shape);
                for (const unsigned lanes : {1U, 4U, 8U, 32U}) {
                    Bytes payload;
                    const std::size_t words = adaptive_encode(symbols, model, lanes, payload);
                    CHECK_EQUAL(payload.size(), 4 * lanes + 2 * words);
                    CHECK(words <= n * model.max_steps());
                    std::vector<std::int32_t> back(n);
                    adaptive_decode(payload, model, lanes, Span<std::int32_t>(back));
                    CHECK(back == symbols);
                    if (n == 0) continue;
                    payload.pop_back();
                    CHECK_THROWS(adaptive_decode(payload, model, lanes, Span<std::int32_t>(back)),
                                 CorruptDataError);
                }
            }
        }
    }
}

// The gaps stay positive, whatever the updates: 10^7 of them, random, constant and adversarial.
TEST(adaptive_nibble_invariant) {
    std::mt19937_64 random(2);
    AdaptiveNibble nibble;
    for (int i = 0; i < 10000000; ++i) {
        unsigned symbol = static_cast<unsigned>(random() & 15U);
        if (i / 100000 % 3 == 1) symbol = static_cast<unsigned>(i / 300000) & 15U;
        if (i / 100000 % 3 == 2) {
            // The rarest one.
            for (unsigned s = 0; s < 16; ++s) {
                if (nibble.end(s) - nibble.start(s) < nibble.end(symbol) - nibble.start(symbol)) symbol = s;
            }
        }
        nibble.update(symbol);
        bool good = nibble.start(0) == 0 && nibble.end(15) == 32768;
        for (unsigned s = 0; s < 16; ++s) good = good && nibble.start(s) < nibble.end(s);
        if (!good) {
            CHECK(good);
            return;
        }
    }
    // Every slot has its symbol.
    for (std::uint32_t t = 0; t < 32768; ++t) {
        const unsigned s = nibble.find(t);
        CHECK(nibble.start(s) <= t && t < nibble.end(s));
    }
    AdaptiveBit bit;
    for (int i = 0; i < 100000; ++i) {
        bit.update(i / 1000 % 3 == 0 ? 0 : i / 1000 % 3 == 1 ? 1 : static_cast<unsigned>(random() & 1U));
        CHECK(bit.frequency() >= 32 && bit.frequency() <= 32736);
    }
}

TEST(adaptive_rate_is_near_the_entropy) {
    std::mt19937_64 random(3);
    std::geometric_distribution<int> geometric(0.05);
    std::vector<std::int32_t> symbols(1 << 17);
    std::vector<std::uint64_t> counts(256);
    for (std::size_t i = 0; i < symbols.size(); ++i) {
        symbols[i] = std::min(255, geometric(random));
        if (i >= 1 << 16) ++counts[static_cast<std::size_t>(symbols[i])];
    }
    double entropy = 0;
    for (const std::uint64_t count : counts) {
        if (count > 0)
            entropy -= static_cast<double>(count) * std::log2(static_cast<double>(count) / (1 << 16));
    }
    const AdaptiveModel model{AdaptiveKind::byte, 256};
    Bytes half, whole;
    adaptive_encode(Span<const std::int32_t>(symbols).first(1 << 16), model, 1, half);
    adaptive_encode(symbols, model, 1, whole);
    const double bits = 8.0 * static_cast<double>(whole.size() - half.size());
    CHECK(bits > 0.99 * entropy && bits < 1.02 * entropy);
}

TEST(adaptive_bad_symbols_and_damage) {
    Bytes payload;
    const std::vector<std::int32_t> bad{0, 1, 5}, negative{0, -1};
    CHECK_THROWS(adaptive_encode(bad, {AdaptiveKind::nibble, 5}, 1, payload), ArgumentError);
    CHECK_THROWS(adaptive_encode(negative, {AdaptiveKind::nibble_tree, 65536}, 1, payload), ArgumentError);
    CHECK_THROWS(adaptive_encode(bad, {AdaptiveKind::nibble, 17}, 1, payload), ArgumentError);
    CHECK_THROWS(adaptive_encode(bad, {AdaptiveKind::byte, 256}, 3, payload), ArgumentError);
    std::mt19937_64 random(4);
    for (const AdaptiveModel& model : models) {
        const auto symbols = draw(random, model, 300, 0);
        if (model.alphabet == 1) continue;
        Bytes block;
        append_adaptive_block(block, symbols, model, 0, true);
        for (int round = 0; round < 300; ++round) {
            Bytes damaged = block;
            damaged[random() % damaged.size()] ^= static_cast<std::uint8_t>(1 + random() % 255);
            for (int pass = 0; pass < 2; ++pass) {
                try {
                    ByteReader reader(damaged, "block");
                    const BlockView view = read_block(reader, nullptr, 1000);
                    std::vector<std::int32_t> back(static_cast<std::size_t>(view.n));
                    decode_symbols(view, Span<std::int32_t>(back));
                    if (pass == 0) CHECK(back == symbols);
                } catch (const CodecError&) {
                }
                // Again, with a checksum that fits.
                damaged.resize(damaged.size() - 4);
                append_le(damaged, crc32c(damaged));
            }
        }
    }
}

TEST(adaptive_headers) {
    const std::vector<std::int32_t> symbols{1, 2, 3, 4, 5, 6, 7, 8};
    Bytes block;
    append_adaptive_block(block, symbols, {AdaptiveKind::nibble, 9});
    // version and kind, lanes, n, model, alphabet, context, trellis
    const auto read = [&](std::size_t at, std::uint8_t value) {
        Bytes changed = block;
        changed[at] = value;
        ByteReader reader(changed, "block");
        return read_block(reader, nullptr);
    };
    CHECK(read(0, block[0]).kind == BlockKind::adaptive);
    CHECK_THROWS(read(3, 6), UnsupportedFeatureError);
    CHECK_THROWS(read(5, 1), UnsupportedFeatureError);
    CHECK_THROWS(read(6, 4), UnsupportedFeatureError);
    CHECK_THROWS(read(4, 17), CorruptDataError);
    CHECK_THROWS(read(4, 0), CorruptDataError);
    CHECK_THROWS(read(1, 1), CorruptDataError);    // two lanes
    CHECK_THROWS(read(1, 16), CorruptDataError);   // a hash
    CHECK_THROWS(read(1, 128), CorruptDataError);  // a table
    CHECK_THROWS(read(7, 100), CorruptDataError);  // more words than steps
}

TEST(adaptive_same_bytes_everywhere) {
    std::mt19937_64 random(5);
    Xxh64 hash;
    for (const AdaptiveModel& model : models) {
        Bytes block;
        append_adaptive_block(block, draw(random, model, 1000, 0), model, 4);
        hash.update(block);
    }
    CHECK_EQUAL(hash.digest(), std::uint64_t{10297467223219303523U});
}
