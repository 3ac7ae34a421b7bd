#include "fewbits/coding/byte_part.hpp"

#include <random>
#include <vector>

#include "check.hpp"

using namespace fewbits;
using namespace fewbits::coding;

namespace {

const TableResolver no_tables = [](std::uint64_t) { return std::shared_ptr<const DecodeTable>(); };

// Writes and reads a part; returns the kind of its block.
BlockKind round_trip(const Bytes& fields, unsigned width, std::size_t* size = nullptr) {
    Bytes out{0xaa};
    PartScratch scratch;
    append_byte_part(out, fields, width, scratch);
    ByteReader reader(out);
    reader.u8();
    StreamQueue streams;
    const ByteSpan back =
        read_byte_part(reader, fields.size(), width, no_tables, scratch.ranks.get(fields.size()), streams);
    streams.run();
    reader.expect_end();
    CHECK(std::equal(back.begin(), back.end(), fields.begin(), fields.end()));
    if (size != nullptr) *size = out.size() - 1;
    ByteReader again(ByteSpan(out).subspan(1, out.size() - 1));
    again.varint();
    return read_block_header(again).kind;
}

}  // namespace

TEST(byte_part_picks_the_cheapest_kind) {
    std::mt19937 random(31);
    for (unsigned width = 1; width <= 8; ++width) {
        for (std::size_t n : {1, 2, 100, 4096, 5000, 100000}) {
            Bytes noise(n), same(n, static_cast<std::uint8_t>((1U << width) - 1)), skewed(n);
            for (std::size_t i = 0; i < n; ++i) {
                noise[i] = static_cast<std::uint8_t>(random() & ((1U << width) - 1));
                skewed[i] = static_cast<std::uint8_t>(random() % 16 == 0);
            }
            std::size_t size = 0;
            CHECK(round_trip(same, width, &size) == BlockKind::constant);
            CHECK(size < 12);
            const BlockKind kind = round_trip(noise, width, &size);
            CHECK(n < 5000 || kind == BlockKind::stored);
            CHECK(size <= packed_size(n, width) + 16);
            if (n >= 4096) {
                CHECK(round_trip(skewed, width, &size) == BlockKind::static_table);
                CHECK(size * 8 < n / 2);
            }
        }
    }
    CHECK(round_trip({}, 8) == BlockKind::empty);
}

TEST(byte_part_with_a_shared_table) {
    std::mt19937 random(32);
    Bytes fields(10000);
    for (auto& field : fields) field = static_cast<std::uint8_t>(100 + random() % 3 * 50);
    std::vector<std::uint64_t> counts(256);
    histogram(ByteSpan(fields), Span<std::uint64_t>(counts));
    const SymbolCoder coder(StaticTable::from_counts(counts, 0, 12));
    Bytes out;
    PartScratch scratch;
    append_byte_part(out, fields, 8, scratch, &coder, 5);
    CHECK(out.size() < 2100);
    const auto table = std::make_shared<const DecodeTable>(coder.table());
    ByteReader reader(out);
    const TableResolver tables = [&](std::uint64_t id) { return id == 5 ? table : nullptr; };
    StreamQueue streams;
    const ByteSpan back =
        read_byte_part(reader, fields.size(), 8, tables, scratch.ranks.get(fields.size()), streams);
    streams.run();
    CHECK(std::equal(back.begin(), back.end(), fields.begin(), fields.end()));
    ByteReader without(out);
    CHECK_THROWS(
        read_byte_part(without, fields.size(), 8, no_tables, scratch.ranks.get(fields.size()), streams),
        CorruptDataError);
}

TEST(byte_part_checks_what_it_reads) {
    Bytes fields(100, 7), out;
    fields[3] = 5;
    PartScratch scratch;
    append_byte_part(out, fields, 3, scratch);
    const auto read = [&](const Bytes& data, std::size_t n, unsigned width) {
        ByteReader reader(data);
        StreamQueue streams;
        read_byte_part(reader, n, width, no_tables, scratch.ranks.get(n), streams);
    };
    read(out, 100, 3);
    CHECK_THROWS(read(out, 99, 3), CodecError);
    CHECK_THROWS(read(out, 101, 3), CorruptDataError);
    CHECK_THROWS(read(out, 100, 2), CorruptDataError);  // fields of three bits
    Bytes longer = out;
    longer[0] = 127;
    CHECK_THROWS(read(longer, 100, 3), CorruptDataError);
}
