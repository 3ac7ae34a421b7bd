#include "fewbits/core/bits.hpp"

#include <limits>
#include <vector>

#include "check.hpp"

using namespace fewbits;

TEST(bits_words_are_little_endian) {
    Bytes out;
    append_le<std::uint32_t>(out, 0x04030201U);
    append_le<std::uint64_t>(out, 0x0c0b0a0908070605U);
    for (std::size_t i = 0; i < out.size(); ++i) CHECK_EQUAL(int(out[i]), int(i + 1));
    CHECK_EQUAL(load_le<std::uint16_t>(out.data() + 1), std::uint16_t{0x0302});
}

TEST(bits_counts) {
    CHECK_EQUAL(bit_length(0), 0U);
    for (unsigned i = 0; i < 64; ++i) {
        const std::uint64_t power = std::uint64_t{1} << i;
        CHECK_EQUAL(bit_length(power), i + 1);
        CHECK_EQUAL(bit_length(power - 1), i);
        CHECK_EQUAL(trailing_zeros(power | (std::uint64_t{1} << 63)), i);
        CHECK_EQUAL(popcount(power - 1), i);
    }
    CHECK_EQUAL(mul_high(~std::uint64_t{0}, ~std::uint64_t{0}), ~std::uint64_t{0} - 1);
    CHECK_EQUAL(mul_high(std::uint64_t{1} << 63, 6), std::uint64_t{3});
}

TEST(bits_zigzag) {
    const std::int64_t extremes[] = {
        0, -1, 1, -2, std::numeric_limits<std::int64_t>::min(), std::numeric_limits<std::int64_t>::max()};
    for (std::int64_t v : extremes) CHECK_EQUAL(zigzag_decode(zigzag_encode(v)), v);
    CHECK_EQUAL(zigzag_encode(-1), std::uint64_t{1});
    CHECK_EQUAL(zigzag_encode(2), std::uint64_t{4});
}

TEST(bits_varint_round_trip) {
    for (unsigned shift = 0; shift < 64; ++shift) {
        for (std::uint64_t delta : {std::uint64_t{0}, std::uint64_t{1}}) {
            const std::uint64_t value = (std::uint64_t{1} << shift) - delta;
            Bytes out;
            append_varint(out, value);
            CHECK_EQUAL(out.size(), varint_size(value));
            ByteReader reader(out);
            CHECK_EQUAL(reader.varint(), value);
            reader.expect_end();
            if (shift >= 32 && delta == 0) CHECK_THROWS(ByteReader(out).varint(32), CorruptDataError);
            if (shift < 32) CHECK_EQUAL(ByteReader(out).varint(32), value);
        }
    }
}

TEST(bits_varint_rejects_damage) {
    const auto read = [](std::vector<std::uint8_t> bytes, unsigned bits) {
        return ByteReader(bytes).varint(bits);
    };
    CHECK_THROWS(read({}, 64), CorruptDataError);
    CHECK_THROWS(read({0x80}, 64), CorruptDataError);
    CHECK_THROWS(read({0x80, 0x00}, 64), CorruptDataError);  // not the shortest form of 0
    CHECK_THROWS(read({0xff, 0xff, 0xff, 0xff, 0x1f}, 32), CorruptDataError);
    CHECK_THROWS(read(std::vector<std::uint8_t>(10, 0xff), 64), CorruptDataError);
    CHECK_THROWS(read({0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x02}, 64), CorruptDataError);
}

TEST(bits_reader_is_bounded) {
    const Bytes data{1, 2, 3};
    ByteReader reader(data, "test");
    CHECK_EQUAL(reader.u16(), std::uint16_t{0x0201});
    CHECK_THROWS(reader.u16(), CorruptDataError);
    CHECK_THROWS(reader.bytes(2), CorruptDataError);
    CHECK_THROWS(reader.expect_end(), CorruptDataError);
    CHECK_EQUAL(int(reader.rest()[0]), 3);
    CHECK(reader.at_end());
}

TEST(bits_writer_reader_round_trip) {
    std::uint64_t state = 88172645463325252U;
    const auto next = [&state] {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        return state;
    };
    std::vector<std::pair<std::uint64_t, unsigned>> fields;
    BitWriter writer;
    for (int i = 0; i < 5000; ++i) {
        const unsigned count = static_cast<unsigned>(next() % 58);
        const std::uint64_t value = next() & ((std::uint64_t{1} << count) - 1);
        fields.emplace_back(value, count);
        writer.put(value, count);
        const auto gamma = static_cast<std::uint32_t>((next() >> 33) >> (next() % 31)) | 1U;
        fields.emplace_back(gamma, 99);
        writer.put_gamma(gamma);
    }
    const Bytes bytes = writer.finish();
    BitReader reader(bytes);
    for (const auto& [value, count] : fields) {
        CHECK_EQUAL(count == 99 ? std::uint64_t{reader.get_gamma()} : reader.get(count), value);
    }
    reader.expect_zero_padding();
    CHECK_EQUAL(reader.bytes_used(), bytes.size());
    CHECK_THROWS(reader.get(8), CorruptDataError);
}

TEST(bits_gamma_rejects_overlong) {
    const Bytes zeros(8, 0);
    CHECK_THROWS(BitReader(zeros).get_gamma(), CorruptDataError);
}
