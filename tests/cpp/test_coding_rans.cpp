#include "fewbits/coding/rans.hpp"

#include <algorithm>
#include <memory>
#include <numeric>
#include <random>

#include "check.hpp"
#include "fewbits/core/checksum.hpp"

using namespace fewbits;
using namespace fewbits::coding;

namespace {

constexpr unsigned all_lanes32[] = {1, 4, 8, 32};

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

// Decodes from a heap block of exactly the payload's size: sanitizers see a read past it.
template <class Rank>
void decode_exact(ByteSpan payload, const DecodeTable& table, unsigned lanes, std::vector<Rank>& ranks) {
    const std::unique_ptr<std::uint8_t[]> copy(new std::uint8_t[payload.size()]);
    std::copy(payload.begin(), payload.end(), copy.get());
    rans32_decode(ByteSpan(copy.get(), payload.size()), table, lanes, Span<Rank>(ranks));
}

template <class Rank>
void check_round_trip(const StaticTable& table, const EncodeTable& encode, const DecodeTable& decode,
                      unsigned lanes, const std::vector<Rank>& ranks) {
    Bytes got, expected{7};
    got.push_back(7);
    rans32_encode(Span<const Rank>(ranks), encode, lanes, got);
    reference::rans32_encode(Span<const Rank>(ranks), table, lanes, expected);
    CHECK(got == expected);
    const ByteSpan payload = ByteSpan(got).subspan(1, got.size() - 1);
    std::vector<Rank> back(ranks.size(), Rank{0xee});
    decode_exact(payload, decode, lanes, back);
    CHECK(back == ranks);
    std::vector<Rank> slow(ranks.size(), Rank{0xee});
    reference::rans32_decode(payload, table, lanes, Span<Rank>(slow));
    CHECK(slow == ranks);
}

}  // namespace

TEST(rans32_published_vectors) {
    const std::vector<std::uint32_t> f{3000, 700, 300, 95, 1};
    const StaticTable table = StaticTable::from_frequencies(f, 0, 12);
    const EncodeTable encode(table);
    const Bytes ranks{0, 0, 1, 0, 2, 0, 0, 4, 3, 1, 0, 0, 0, 2, 1, 0};
    for (const auto& [lanes, expected] :
         {std::pair<unsigned, const char*>{1, "18f41900df392cde"}, {4, "480a3f041054950048de3f005fc11c28"}}) {
        Bytes out;
        rans32_encode(ranks, encode, lanes, out);
        CHECK(hex(out) == expected);
        check_round_trip(table, encode, DecodeTable(table), lanes, ranks);
    }
}

// x / f by the reciprocals, for every frequency of every precision: at the ends of the states' range and on
// both sides of multiples of f.
TEST(rans32_reciprocals) {
    std::mt19937_64 random(5);
    std::uint64_t wrong = 0;
    for (unsigned precision = min_precision; precision <= max_precision32; ++precision) {
        for (std::uint32_t f = 1; f <= 1U << precision; ++f) {
            const auto entry = coding::detail::make_reciprocal(f, 0, precision);
            const std::uint64_t limit = std::uint64_t{f} << (32 - precision);
            const auto check = [&](std::uint64_t x) {
                if (x >= limit) return;
                const std::uint64_t sum = (x + entry.increment) & 0xffffffffU;  // the kernels add in 32 bits
                const std::uint64_t quotient = (sum * entry.reciprocal) >> 32 >> entry.shift;
                wrong += quotient != x / f;
            };
            for (std::uint64_t x :
                 {std::uint64_t{0}, std::uint64_t{f} - 1, std::uint64_t{f}, limit / f * f - 1, limit / f * f,
                  limit - f - 1, limit - f, limit - 2, limit - 1}) {
                check(x);
            }
            for (int i = 0; i < 8; ++i) {
                const std::uint64_t multiple = random() % (limit / f) * f;
                check(multiple);
                check(multiple + f - 1);
                check(multiple + random() % f);
            }
        }
    }
    CHECK_EQUAL(wrong, std::uint64_t{0});
}

TEST(rans32_every_length) {
    std::mt19937_64 random(6);
    for (unsigned lanes : all_lanes32) {
        for (unsigned precision : {8U, 12U, 13U}) {
            const StaticTable table = make_table(random, 40, precision, 1);
            const EncodeTable encode(table);
            const DecodeTable decode(table);
            for (std::size_t n = 0; n < 4 * lanes + 4; ++n) {
                check_round_trip(table, encode, decode, lanes, draw<std::uint8_t>(random, table, n));
                check_round_trip(table, encode, decode, lanes, draw<std::uint16_t>(random, table, n));
            }
        }
    }
}

TEST(rans32_every_precision_and_shape) {
    std::mt19937_64 random(7);
    for (unsigned precision = min_precision; precision <= max_precision32; ++precision) {
        for (std::size_t span : std::vector<std::size_t>{2, 3, 40, 255, 256}) {
            for (int shape = 0; shape < 3; ++shape) {
                const StaticTable table = make_table(random, span, precision, shape);
                const EncodeTable encode(table);
                const DecodeTable decode(table);
                for (unsigned lanes : all_lanes32) {
                    // Drawn from the table, and drawn flat: rare symbols come often, every state is reached.
                    auto ranks = draw<std::uint8_t>(random, table, 1000 + random() % 1000);
                    check_round_trip(table, encode, decode, lanes, ranks);
                    for (auto& rank : ranks) {
                        do {
                            rank = static_cast<std::uint8_t>(random() % table.ranks());
                        } while (table.frequency_of_rank(rank) == 0);
                    }
                    check_round_trip(table, encode, decode, lanes, ranks);
                    check_round_trip(table, encode, decode, lanes,
                                     std::vector<std::uint16_t>(ranks.begin(), ranks.end()));
                }
            }
        }
        // One symbol of 2^P - 1: thousands of symbols without a word, then a burst.
        std::vector<std::uint32_t> f(2, 1);
        f[0] = (1U << precision) - 1;
        const StaticTable table = StaticTable::from_frequencies(f, 0, precision);
        Bytes ranks(5000, 0);
        for (std::size_t i = 4500; i < 4700; ++i) ranks[i] = 1;
        for (unsigned lanes : all_lanes32) {
            check_round_trip(table, EncodeTable(table), DecodeTable(table), lanes, ranks);
        }
    }
}

TEST(rans32_large_alphabets) {
    std::mt19937_64 random(8);
    for (std::size_t span : std::vector<std::size_t>{257, 1000, 20000}) {
        const StaticTable table = make_table(random, span, 15, 1);
        for (unsigned lanes : all_lanes32) {
            check_round_trip(table, EncodeTable(table), DecodeTable(table), lanes,
                             draw<std::uint16_t>(random, table, 3001));
        }
    }
}

TEST(rans32_one_symbol) {
    const std::vector<std::uint32_t> f{1U << 15};
    const StaticTable table = StaticTable::from_frequencies(f, 4, 15);
    for (unsigned lanes : all_lanes32) {
        check_round_trip(table, EncodeTable(table), DecodeTable(table), lanes, Bytes(100, 0));
        Bytes out;
        rans32_encode(Bytes(100, 0), EncodeTable(table), lanes, out);
        CHECK_EQUAL(out.size(), std::size_t{4} * lanes);
    }
}

TEST(rans32_many_messages_at_once) {
    std::mt19937_64 random(9);
    std::vector<StaticTable> tables;
    for (unsigned precision : {8U, 12U, 14U}) {
        for (int shape = 0; shape < 3; ++shape) tables.push_back(make_table(random, 60, precision, shape));
    }
    tables.push_back(StaticTable::from_frequencies(std::vector<std::uint32_t>{256}, 0, 8));
    for (int round = 0; round < 60; ++round) {
        struct Message {
            std::unique_ptr<DecodeTable> table;
            unsigned lanes;
            Bytes ranks, payload, out;
        };
        std::vector<Message> messages(random() % 8);
        std::vector<Rans32Job> jobs;
        for (Message& message : messages) {
            const StaticTable& table = tables[random() % tables.size()];
            message.table = std::make_unique<DecodeTable>(table);
            message.lanes = random() % 3 == 0 ? all_lanes32[random() % 4] : 32;
            message.ranks =
                draw<std::uint8_t>(random, table, random() % 3 == 0 ? random() % 40 : random() % 5000);
            rans32_encode(message.ranks, EncodeTable(table), message.lanes, message.payload);
            message.out.resize(message.ranks.size());
            jobs.push_back(
                {message.payload, message.table.get(), message.lanes, Span<std::uint8_t>(message.out)});
        }
        rans32_decode(Span<const Rans32Job>(jobs));
        for (const Message& message : messages) CHECK(message.out == message.ranks);
        if (messages.empty()) continue;
        // Damage in any one of them is found.
        Message& victim = messages[random() % messages.size()];
        victim.payload.pop_back();
        for (std::size_t i = 0; i < jobs.size(); ++i) jobs[i].payload = messages[i].payload;
        CHECK_THROWS(rans32_decode(Span<const Rans32Job>(jobs)), CorruptDataError);
    }
}

// Payloads cut, grown or replaced never pass the checks at the end. A flipped bit may: where it turns a slot
// into one of another symbol of the same frequency, the states go on as if nothing had happened. (Checksums
// are for that; here it must only be safe.)
TEST(rans32_damage) {
    std::mt19937_64 random(10);
    std::size_t undetected = 0, flips = 0;
    for (int round = 0; round < 4000; ++round) {
        const unsigned lanes = all_lanes32[random() % 4];
        const unsigned precision = 8 + static_cast<unsigned>(random() % 8);
        const StaticTable table = make_table(random, 30, precision, static_cast<int>(random() % 3));
        const DecodeTable decode(table);
        const auto ranks = draw<std::uint8_t>(random, table, 1 + random() % 600);
        Bytes payload;
        rans32_encode(ranks, EncodeTable(table), lanes, payload);
        const auto at = static_cast<std::ptrdiff_t>(random() % payload.size());
        const bool flip = round % 4 == 0;
        if (flip) {
            ++flips;
            payload[static_cast<std::size_t>(at)] ^= static_cast<std::uint8_t>(1U << (random() % 8));
        } else if (round % 4 == 1) {
            payload.resize(static_cast<std::size_t>(at));
        } else if (round % 4 == 2) {
            payload.insert(payload.begin() + at, 2, 0x5a);
        } else {
            for (auto& byte : payload) byte = static_cast<std::uint8_t>(random());
        }
        std::vector<std::uint8_t> out(ranks.size());
        bool thrown = false;
        try {
            decode_exact(payload, decode, lanes, out);
        } catch (const CorruptDataError&) {
            thrown = true;
        }
        CHECK(thrown || flip);
        undetected += !thrown;
    }
    CHECK(undetected < flips / 8);
}

TEST(rans32_bad_arguments) {
    const std::vector<std::uint32_t> f{100, 0, 156};
    const StaticTable table = StaticTable::from_frequencies(f, 0, 8);
    const EncodeTable encode(table);
    const DecodeTable decode(table);
    Bytes out{1, 2, 3};
    for (unsigned lanes : {0U, 2U, 3U, 16U, 33U, 64U}) {
        CHECK_THROWS(rans32_encode(Bytes{0}, encode, lanes, out), ArgumentError);
        Bytes ranks(1);
        CHECK_THROWS(rans32_decode(Bytes(64), decode, lanes, Span<std::uint8_t>(ranks)), ArgumentError);
    }
    for (std::size_t n : std::vector<std::size_t>{1, 31, 32, 200}) {
        for (std::uint8_t bad : Bytes{1, 3, 255}) {
            for (unsigned lanes : all_lanes32) {
                Bytes ranks(n, 2);
                ranks[n / 2] = bad;
                CHECK_THROWS(rans32_encode(ranks, encode, lanes, out), ArgumentError);
                CHECK_THROWS(
                    rans32_encode(std::vector<std::uint16_t>(ranks.begin(), ranks.end()), encode, lanes, out),
                    ArgumentError);
                CHECK_THROWS(reference::rans32_encode(ByteSpan(ranks), table, lanes, out), ArgumentError);
            }
        }
    }
    CHECK_THROWS(rans32_encode(std::vector<std::uint16_t>{65535}, encode, 1, out), ArgumentError);
    CHECK(out == (Bytes{1, 2, 3}));
    const StaticTable fine = StaticTable::from_counts(std::vector<std::uint64_t>{1, 1}, 0, 16);
    CHECK_THROWS(rans32_encode(Bytes{0}, EncodeTable(fine), 1, out), ArgumentError);
    Bytes ranks(1);
    CHECK_THROWS(rans32_decode(Bytes(8), DecodeTable(fine), 1, Span<std::uint8_t>(ranks)), ArgumentError);
    const StaticTable wide = StaticTable::from_counts(std::vector<std::uint64_t>(300, 1), 0, 10);
    CHECK_THROWS(rans32_decode(Bytes(8), DecodeTable(wide), 1, Span<std::uint8_t>(ranks)), ArgumentError);
    try {
        rans32_encode(Bytes{0, 2, 1}, encode, 1, out);
    } catch (const ArgumentError& error) {
        CHECK(std::string(error.what()) ==
              "rans32_encode: ranks must have a frequency in the table, got ranks[2] = 1");
    }
}

TEST(rans32_size_is_near_the_model_bits) {
    std::mt19937_64 random(12);
    for (unsigned precision : {8U, 10U, 12U, 14U, 15U}) {
        const StaticTable table = make_table(random, 30, precision, 1);
        const auto ranks = draw<std::uint8_t>(random, table, 200000);
        double bits = 0;
        for (auto rank : ranks) bits += table.bits_of_rank(rank);
        for (unsigned lanes : all_lanes32) {
            Bytes out;
            rans32_encode(ranks, EncodeTable(table), lanes, out);
            const double excess = double(out.size()) * 8 - bits;
            CHECK(excess > 0 && excess < 0.0006 * bits + 32 * lanes + 16);
        }
    }
}

// The same bytes from every build and compiler.
TEST(rans_same_bytes_everywhere) {
    std::mt19937_64 random(13);
    Bytes all;
    for (unsigned precision = min_precision; precision <= max_precision32; ++precision) {
        for (unsigned lanes : all_lanes32) {
            const StaticTable table = make_table(random, 100, precision, 1);
            table.append_to(all);
            rans32_encode(draw<std::uint8_t>(random, table, 5003), EncodeTable(table), lanes, all);
        }
    }
    CHECK_EQUAL(xxh64(all), std::uint64_t{14802569050985154606U});
}
