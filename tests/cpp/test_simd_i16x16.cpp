#include "fewbits/simd/i16x16.hpp"

#include <cmath>

#include "fewbits/core/random.hpp"
#include "lanes.hpp"

using namespace fewbits;
using namespace fewbits::simd;

namespace {

std::vector<std::int16_t> all_values() {
    std::vector<std::int16_t> x;
    for (int value = INT16_MIN; value <= INT16_MAX; ++value) x.push_back(static_cast<std::int16_t>(value));
    return x;
}
std::vector<std::int16_t> edges() { return lanes::integer_edges<std::int16_t>(); }

int clamped(int value) { return std::min(std::max(value, -32768), 32767); }
std::int16_t wrap(int value) { return static_cast<std::int16_t>(static_cast<std::uint16_t>(value)); }
unsigned word(std::int16_t value) { return static_cast<std::uint16_t>(value); }

}  // namespace

TEST(i16x16_memory) { lanes::check_memory<i16x16>(); }
TEST(i16x16_select) { lanes::check_select<i16x16>(); }

TEST(i16x16_arithmetic) {
    const auto values = all_values();
    const std::vector<std::int16_t> others = {-32768, -32767, -12345, -256, -2,    -1,
                                              0,      1,      3,      255,  16384, 32767};
    LANE_BINARY(i16x16, values, others, x + y, wrap(x + y));
    LANE_BINARY(i16x16, values, others, x - y, wrap(x - y));
    LANE_BINARY(i16x16, values, others, x * y, wrap(x * y));
    LANE_BINARY(i16x16, values, others, mul_high(x, y), std::floor(double(x) * double(y) / 65536));
    LANE_BINARY(i16x16, values, others, add_saturate(x, y), clamped(x + y));
    LANE_BINARY(i16x16, values, others, sub_saturate(x, y), clamped(x - y));
    LANE_BINARY(i16x16, values, others, min(x, y), std::min(x, y));
    LANE_BINARY(i16x16, values, others, max(x, y), std::max(x, y));
    LANE_UNARY(i16x16, values, -x, wrap(-x));
    LANE_UNARY(i16x16, values, abs(x), wrap(std::abs(int{x})));
}

TEST(i16x16_logic_and_comparisons) {
    const auto values = edges();
    LANE_BINARY(i16x16, values, values, x & y, x & y);
    LANE_BINARY(i16x16, values, values, x | y, x | y);
    LANE_BINARY(i16x16, values, values, x ^ y, x ^ y);
    LANE_UNARY(i16x16, values, ~x, -1 - x);
    LANE_BINARY(i16x16, values, values, x == y, x == y);
    LANE_BINARY(i16x16, values, values, x != y, x != y);
    LANE_BINARY(i16x16, values, values, x < y, x < y);
    LANE_BINARY(i16x16, values, values, x <= y, x <= y);
    LANE_BINARY(i16x16, values, values, x > y, x > y);
    LANE_BINARY(i16x16, values, values, x >= y, x >= y);
}

TEST(i16x16_shifts) {
    const auto values = all_values();
    for (const unsigned count :
         {0U,  1U,  2U,  3U,  4U,  5U,  6U,  7U,   8U,   9U,   10U,    11U,      12U, 13U,
          14U, 15U, 16U, 17U, 31U, 32U, 33U, 255U, 256U, 257U, 65536U, 1U << 31, ~0U}) {
        const int some = static_cast<int>(std::min(count, 20U));
        lanes::check_unary<i16x16>(
            values, [&](i16x16 x) { return shift_left(x, count); },
            [&](std::int16_t x) { return wrap(static_cast<int>(word(x) << some)); }, "shift_left");
        lanes::check_unary<i16x16>(
            values, [&](i16x16 x) { return shift_right(x, count); },
            [&](std::int16_t x) { return std::floor(std::ldexp(double(x), -some)); }, "shift_right");
        lanes::check_unary<i16x16>(
            values, [&](i16x16 x) { return shift_right_logical(x, count); },
            [&](std::int16_t x) { return wrap(static_cast<int>(word(x) >> some)); }, "shift_right_logical");
    }
}

TEST(i16x16_madd) {
    const auto values = edges();
    std::vector<std::int16_t> left, right;
    for (const std::int16_t a : values) {
        for (const std::int16_t b : values) {
            for (const std::int16_t c : {std::int16_t{-32768}, std::int16_t{-3}, std::int16_t{32767}}) {
                left.insert(left.end(), {a, c});
                right.insert(right.end(), {b, static_cast<std::int16_t>(~c)});
                left.insert(left.end(), {a, b});
                right.insert(right.end(), {b, b});
            }
        }
    }
    left.insert(left.end(), {-32768, -32768});  // the one case that wraps
    right.insert(right.end(), {-32768, -32768});
    while (left.size() % 16 != 0) {
        left.push_back(1);
        right.push_back(1);
    }
    for (std::size_t at = 0; at < left.size(); at += 16) {
        const auto got = lanes::to_array(madd_i16(i16x16::load(&left[at]), i16x16::load(&right[at])));
        for (std::size_t i = 0; i < 8; ++i) {
            std::int64_t total = 0;
            for (std::size_t k = at + 2 * i; k < at + 2 * i + 2; ++k) total += left[k] * right[k];
            const auto expected =
                static_cast<std::int32_t>(static_cast<std::uint32_t>(static_cast<std::uint64_t>(total)));
            CHECK_EQUAL(got[i], expected);
        }
    }
}

TEST(i16x16_widen_and_pack) {
    const auto values = all_values();
    for (std::size_t at = 0; at < values.size(); at += 16) {
        const i16x16 x = i16x16::load(&values[at]);
        const auto low = lanes::to_array(widen_low(x)), high = lanes::to_array(widen_high(x));
        for (std::size_t i = 0; i < 8; ++i) {
            CHECK_EQUAL(low[i], std::int32_t{values[at + i]});
            CHECK_EQUAL(high[i], std::int32_t{values[at + 8 + i]});
        }
        CHECK(lanes::to_array(pack_i16(widen_low(x), widen_high(x))) == lanes::to_array(x));
    }
    std::vector<std::int32_t> wide = lanes::integer_edges<std::int32_t>();
    for (std::int32_t value = -70000; value <= 70000; ++value) wide.push_back(value);
    while (wide.size() % 16 != 0) wide.push_back(0);
    for (std::size_t at = 0; at < wide.size(); at += 16) {
        const auto got = lanes::to_array(pack_i16(i32x8::load(&wide[at]), i32x8::load(&wide[at + 8])));
        for (std::size_t i = 0; i < 16; ++i) CHECK_EQUAL(int{got[i]}, clamped(wide[at + i]));
    }
}

TEST(i16x16_widen_i8) {
    std::vector<std::int8_t> bytes;
    for (int value = -128; value < 128; ++value) bytes.push_back(static_cast<std::int8_t>(value));
    for (std::size_t at = 0; at + 16 <= bytes.size(); ++at) {
        const auto got = lanes::to_array(widen_i8(&bytes[at]));
        for (std::size_t i = 0; i < 16; ++i) CHECK_EQUAL(got[i], std::int16_t{bytes[at + i]});
    }
}
