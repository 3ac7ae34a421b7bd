#include "fewbits/coding/compressai.hpp"

#include <random>
#include <vector>

#include "check.hpp"

using namespace fewbits;
using namespace fewbits::coding;

namespace {

const std::vector<std::int32_t> one_cdf{0, 1000, 30000, 60000, 65000, 65536}, one_size{6}, one_offset{-2};
const CompressAiTables one{one_cdf, 6, one_size, one_offset};

}  // namespace

TEST(compressai_published_stream) {
    const std::vector<std::int32_t> symbols{-2, -1, 0, 1, 5, -40, 100000, 0, 0, -1}, indexes(10, 0);
    const Bytes expected{0x91, 0x03, 0x69, 0xef, 0xb4, 0x9b, 0x00, 0x00,
                         0x61, 0x7a, 0xff, 0xcc, 0xc5, 0xd3, 0x30, 0x40};
    CompressAiEncoder encoder;
    encoder.put(symbols, indexes, one);
    CHECK(encoder.flush() == expected);
    CompressAiDecoder decoder(expected);
    std::vector<std::int32_t> back(10);
    decoder.get(indexes, one, Span<std::int32_t>(back));
    CHECK(back == symbols);
    decoder.expect_end();
    for (std::size_t size = 0; size < expected.size(); ++size) {
        const auto decode = [&] {
            CompressAiDecoder cut(ByteSpan(expected).first(size));
            cut.get(indexes, one, Span<std::int32_t>(back));
            cut.expect_end();
        };
        CHECK_THROWS(decode(), CorruptDataError);
    }
}

TEST(compressai_round_trips) {
    std::mt19937_64 random(1);
    for (int round = 0; round < 200; ++round) {
        const std::size_t rows = 1 + random() % 5, width = 3 + random() % 30;
        std::vector<std::int32_t> cdfs(rows * width, -1), sizes(rows), offsets(rows);
        for (std::size_t r = 0; r < rows; ++r) {
            const std::size_t size = 3 + random() % (width - 2);
            sizes[r] = static_cast<std::int32_t>(size);
            offsets[r] = static_cast<std::int32_t>(random() % 100) - 50;
            std::int32_t* cdf = &cdfs[r * width];
            for (std::size_t i = 0; i < size; ++i)
                cdf[i] =
                    static_cast<std::int32_t>(i * (65536 / size) + (i == 0 ? 0 : random() % (65536 / size)));
            cdf[size - 1] = 65536;
        }
        const CompressAiTables tables{cdfs, width, sizes, offsets};
        const std::size_t n = random() % 300;
        std::vector<std::int32_t> symbols(n), indexes(n), back(n);
        for (std::size_t i = 0; i < n; ++i) {
            indexes[i] = static_cast<std::int32_t>(random() % rows);
            symbols[i] = random() % 10 == 0 ? static_cast<std::int32_t>(random() % (1U << 31)) - (1 << 30)
                                            : static_cast<std::int32_t>(random() % 60) - 40;
        }
        CompressAiEncoder encoder;
        const std::size_t half = n / 2;
        encoder.put(Span<const std::int32_t>(symbols).first(half),
                    Span<const std::int32_t>(indexes).first(half), tables);
        encoder.put(Span<const std::int32_t>(symbols).subspan(half, n - half),
                    Span<const std::int32_t>(indexes).subspan(half, n - half), tables);
        const Bytes data = encoder.flush();
        CompressAiDecoder decoder(data);
        decoder.get(indexes, tables, Span<std::int32_t>(back));
        CHECK(back == symbols && decoder.at_end());
        Bytes damaged = data;
        damaged[random() % damaged.size()] ^= static_cast<std::uint8_t>(1 + random() % 255);
        try {
            CompressAiDecoder other(damaged);
            other.get(indexes, tables, Span<std::int32_t>(back));
        } catch (const CorruptDataError&) {
        }
    }
}

TEST(compressai_refusals) {
    CompressAiEncoder encoder;
    const std::vector<std::int32_t> symbols{0}, indexes{0}, wrong{1};
    CHECK_THROWS(encoder.put(symbols, wrong, one), ArgumentError);
    CHECK_THROWS(encoder.put(symbols, Span<const std::int32_t>(), one), ArgumentError);
    for (const auto& cdf : {std::vector<std::int32_t>{0, 1000, 1000, 60000, 65000, 65536},
                            std::vector<std::int32_t>{1, 1000, 30000, 60000, 65000, 65536},
                            std::vector<std::int32_t>{0, 1000, 30000, 60000, 65000, 65535}}) {
        CHECK_THROWS(encoder.put(symbols, indexes, {cdf, 6, one_size, one_offset}), ArgumentError);
    }
    for (const std::int32_t size : {2, 7, -1}) {
        const std::vector<std::int32_t> sizes{size};
        CHECK_THROWS(encoder.put(symbols, indexes, {one_cdf, 6, sizes, one_offset}), ArgumentError);
    }
    CHECK_THROWS(CompressAiDecoder(Bytes{}), CorruptDataError);
    CHECK_THROWS(CompressAiDecoder(Bytes{1, 2, 3, 4, 5, 6, 7, 255}), CorruptDataError);
}
