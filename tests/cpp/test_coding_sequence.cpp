#include "fewbits/coding/sequence.hpp"

#include <random>
#include <vector>

#include "check.hpp"

using namespace fewbits;
using namespace fewbits::coding;

namespace {

struct Setup {
    std::shared_ptr<const DecodeTable> table = std::make_shared<const DecodeTable>(
        StaticTable::from_counts(std::vector<std::uint64_t>{100, 50, 0, 20, 1}, -1, 13));
    std::vector<float> means, scales;
    std::vector<double> probs;
    std::vector<std::int32_t> a, b, c;
    MixtureView mixture;
    RowsView rows;

    explicit Setup(std::size_t n = 700) {
        std::mt19937_64 random(n);
        for (std::size_t i = 0; i < n; ++i) {
            const std::int32_t values[] = {-1, -1, -1, 0, 0, 2, 3};
            a.push_back(values[random() % 7]);
            means.push_back(static_cast<float>(random() % 1000) / 10);
            scales.push_back(0.3F + static_cast<float>(random() % 100) / 50);
            b.push_back(static_cast<std::int32_t>(means.back()) + static_cast<std::int32_t>(random() % 3) -
                        1);
            for (int j = 0; j < 6; ++j) probs.push_back(static_cast<double>(random() % 1000) / 1000);
            c.push_back(static_cast<std::int32_t>(random() % 6) + 10);
        }
        if (n > 5) b[3] = 1 << 29;
        mixture.means = means.data();
        mixture.scales = scales.data();
        mixture.n = n;
        rows = {probs.data(), n, 6, 10};
    }
    Bytes encode(unsigned lanes, bool checksum) const {
        SequenceEncoder encoder;
        encoder.put(a, table);
        encoder.put(b, mixture);
        encoder.put(c, rows);
        encoder.put(a, table);
        return encoder.finish(lanes, checksum);
    }
    void decode(ByteSpan data, bool exact) const {
        SequenceDecoder decoder(data);
        std::vector<std::int32_t> x(a.size()), y(b.size()), z(c.size()), w(a.size());
        decoder.get(table, Span<std::int32_t>(x));
        decoder.get(mixture, Span<std::int32_t>(y));
        decoder.get(rows, Span<std::int32_t>(z));
        decoder.get(table, Span<std::int32_t>(w));
        decoder.finish();
        if (exact) CHECK(x == a && y == b && z == c && w == a);
    }
};

}  // namespace

TEST(sequence_round_trips) {
    for (const std::size_t n : std::vector<std::size_t>{0, 1, 2, 9, 300, 3000}) {
        const Setup setup(n);
        for (const unsigned lanes : {0U, 1U, 2U, 4U, 8U}) {
            for (const bool checksum : {false, true}) setup.decode(setup.encode(lanes, checksum), true);
        }
    }
    SequenceEncoder encoder;
    SequenceDecoder decoder(encoder.finish());
    CHECK_EQUAL(decoder.calls_left(), std::size_t{0});
    decoder.finish();
}

TEST(sequence_misuse) {
    const Setup setup;
    const Bytes data = setup.encode(0, true);
    std::vector<std::int32_t> out(setup.a.size()), fewer(10);
    SequenceDecoder decoder(data);
    CHECK_THROWS(decoder.get(setup.table, Span<std::int32_t>(fewer)), ArgumentError);
    CHECK_THROWS(decoder.get(setup.mixture, Span<std::int32_t>(out)), ParameterMismatchError);
    CHECK_EQUAL(decoder.next_size(), std::uint64_t{setup.a.size()});
    decoder.get(setup.table, Span<std::int32_t>(out));
    CHECK_THROWS(decoder.finish(), CorruptDataError);
    // A refused call leaves no trace.
    SequenceEncoder encoder;
    encoder.put(setup.a, setup.table);
    const std::vector<std::int32_t> bad{0, 1, 7};
    CHECK_THROWS(encoder.put(bad, setup.table), ArgumentError);
    Bytes one = encoder.finish();
    SequenceEncoder again;
    again.put(setup.a, setup.table);
    CHECK(again.finish() == one);
    CHECK_THROWS(again.finish(3), ArgumentError);
}

TEST(sequence_damage) {
    const Setup setup(200);
    const Bytes data = setup.encode(4, true);
    std::mt19937_64 random(3);
    for (std::size_t size = 0; size < data.size(); ++size)
        CHECK_THROWS(setup.decode(ByteSpan(data).first(size), true), CodecError);
    for (int round = 0; round < 3000; ++round) {
        Bytes damaged = data;
        damaged[random() % damaged.size()] ^= static_cast<std::uint8_t>(1 + random() % 255);
        CHECK_THROWS(setup.decode(damaged, true), CodecError);
        damaged.resize(damaged.size() - 4);
        append_le(damaged, crc32c(damaged));
        try {
            setup.decode(damaged, false);
        } catch (const Error&) {
        }
    }
}
