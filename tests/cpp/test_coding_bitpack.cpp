#include "fewbits/coding/bitpack.hpp"

#include "fewbits/core/bitpack.hpp"

#include <vector>

#include "check.hpp"

using namespace fewbits;
using namespace fewbits::coding;

TEST(bitpack_layout_is_the_bit_writers) {
    std::uint32_t state = 1;
    for (unsigned width = 1; width <= 8; ++width) {
        for (std::size_t n = 0; n < 200; ++n) {
            Bytes fields(n);
            BitWriter writer;
            for (auto& field : fields) {
                state = state * 1664525U + 1013904223U;
                // Extremes of the width are the fields that would spill into a neighbour.
                field = static_cast<std::uint8_t>((state >> 30 ? state >> 24 : 0xffU) & ((1U << width) - 1));
                writer.put(field, width);
            }
            const Bytes expected = writer.finish();
            Bytes packed(packed_size(n, width)), back(n);
            pack_bits(fields, width, packed);
            CHECK(packed == expected);
            unpack_bits(packed, width, back);
            CHECK(back == fields);
        }
    }
}

TEST(bitpack_sizes_are_checked) {
    Bytes fields(9), packed(7);
    CHECK_EQUAL(packed_size(9, 6), std::size_t{7});
    CHECK_EQUAL(packed_size(0, 6), std::size_t{0});
    CHECK_EQUAL(packed_size(std::size_t{1} << 61, 8), std::size_t{1} << 61);
    CHECK_THROWS(pack_bits(fields, 0, packed), ArgumentError);
    CHECK_THROWS(pack_bits(fields, 9, packed), ArgumentError);
    CHECK_THROWS(pack_bits(fields, 5, packed), ArgumentError);
    CHECK_THROWS(unpack_bits(packed, 5, fields), ArgumentError);
    unpack_bits(packed, 6, fields);
}
