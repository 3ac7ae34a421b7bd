#include "fewbits/simd/u8x32.hpp"

#include "fewbits/core/random.hpp"
#include "lanes.hpp"

using namespace fewbits;
using namespace fewbits::simd;

namespace {

std::vector<std::uint8_t> all_values() {
    std::vector<std::uint8_t> x;
    for (int value = 0; value < 256; ++value) x.push_back(static_cast<std::uint8_t>(value));
    return x;
}

}  // namespace

TEST(u8x32_memory) { lanes::check_memory<u8x32>(); }
TEST(u8x32_select) { lanes::check_select<u8x32>(); }

TEST(u8x32_all_pairs) {
    const auto values = all_values();
    LANE_BINARY(u8x32, values, values, x + y, (x + y) % 256);
    LANE_BINARY(u8x32, values, values, x - y, (256 + x - y) % 256);
    LANE_BINARY(u8x32, values, values, add_saturate(x, y), std::min(x + y, 255));
    LANE_BINARY(u8x32, values, values, sub_saturate(x, y), std::max(x - y, 0));
    LANE_BINARY(u8x32, values, values, min(x, y), std::min(x, y));
    LANE_BINARY(u8x32, values, values, max(x, y), std::max(x, y));
    LANE_BINARY(u8x32, values, values, x & y, x & y);
    LANE_BINARY(u8x32, values, values, x | y, x | y);
    LANE_BINARY(u8x32, values, values, x ^ y, x ^ y);
    LANE_UNARY(u8x32, values, ~x, 255 - x);
    LANE_BINARY(u8x32, values, values, x == y, x == y);
    LANE_BINARY(u8x32, values, values, x != y, x != y);
    LANE_BINARY(u8x32, values, values, x < y, x < y);
    LANE_BINARY(u8x32, values, values, x <= y, x <= y);
    LANE_BINARY(u8x32, values, values, x > y, x > y);
    LANE_BINARY(u8x32, values, values, x >= y, x >= y);
}

TEST(u8x32_shifts) {
    const auto values = all_values();
    for (const unsigned count :
         {0U, 1U, 2U, 3U, 4U, 5U, 6U, 7U, 8U, 9U, 15U, 16U, 17U, 31U, 32U, 255U, 256U, 257U, 1U << 31, ~0U}) {
        const unsigned some = std::min(count, 20U);
        lanes::check_unary<u8x32>(
            values, [&](u8x32 x) { return shift_left(x, count); },
            [&](std::uint8_t x) { return (unsigned{x} << some) % 256; }, "shift_left");
        lanes::check_unary<u8x32>(
            values, [&](u8x32 x) { return shift_right(x, count); },
            [&](std::uint8_t x) { return unsigned{x} >> some; }, "shift_right");
    }
}

TEST(u8x32_lookup) {
    std::uint8_t table[32];
    for (unsigned i = 0; i < 32; ++i) table[i] = static_cast<std::uint8_t>(200 - 3 * i);
    const u8x32 both = u8x32::load(table), first = broadcast16(table);
    const Philox random(8, 1);
    for (unsigned round = 0; round < 256; ++round) {
        std::uint8_t index[32];  // every index in every lane
        for (unsigned i = 0; i < 32; ++i) index[i] = static_cast<std::uint8_t>(round + 37 * i);
        const u8x32 at = u8x32::load(index);
        const auto got = lanes::to_array(lookup16(both, at)), repeated = lanes::to_array(lookup16(first, at));
        for (unsigned i = 0; i < 32; ++i) {
            const bool zero = index[i] >= 128;
            CHECK_EQUAL(int{got[i]}, zero ? 0 : int{table[(i < 16 ? 0 : 16) + index[i] % 16]});
            CHECK_EQUAL(int{repeated[i]}, zero ? 0 : int{table[index[i] % 16]});
        }
    }
}

TEST(u8x32_widen_and_pack) {
    for (int start = 0; start < 256; ++start) {
        std::uint8_t bytes[32];
        for (int i = 0; i < 32; ++i) bytes[i] = static_cast<std::uint8_t>(start + 11 * i);
        const u8x32 x = u8x32::load(bytes);
        const auto low = lanes::to_array(widen_low(x)), high = lanes::to_array(widen_high(x));
        for (std::size_t i = 0; i < 16; ++i) {
            CHECK_EQUAL(int{low[i]}, int{bytes[i]});
            CHECK_EQUAL(int{high[i]}, int{bytes[i + 16]});
        }
        CHECK(lanes::to_array(pack_u8(widen_low(x), widen_high(x))) == lanes::to_array(x));
    }
    for (int start = -32768; start < 32768; start += 32) {  // every int16
        std::int16_t wide[32];
        for (int i = 0; i < 32; ++i) wide[i] = static_cast<std::int16_t>(start + i);
        const auto got = lanes::to_array(pack_u8(i16x16::load(wide), i16x16::load(wide + 16)));
        for (int i = 0; i < 32; ++i)
            CHECK_EQUAL(int{got[static_cast<std::size_t>(i)]}, std::min(std::max(start + i, 0), 255));
    }
}
