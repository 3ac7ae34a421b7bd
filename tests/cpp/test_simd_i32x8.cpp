#include "fewbits/simd/i32x8.hpp"

#include <cmath>
#include <cstring>

#include "fewbits/core/random.hpp"
#include "lanes.hpp"

using namespace fewbits;
using namespace fewbits::simd;
using lanes::Equal;

namespace {

std::vector<std::int32_t> inputs() {
    std::vector<std::int32_t> x = lanes::integer_edges<std::int32_t>();
    const Philox random(5, 1);
    for (std::uint64_t i = 0; i < 64; ++i) x.push_back(static_cast<std::int32_t>(random.draw32(i)));
    return x;
}

// Arithmetic in 64 bits, then modulo 2^32.
std::int32_t wrap(std::int64_t value) {
    return static_cast<std::int32_t>(static_cast<std::uint32_t>(static_cast<std::uint64_t>(value)));
}
std::int64_t wide(std::int32_t value) { return value; }
std::uint32_t word(std::int32_t value) { return static_cast<std::uint32_t>(value); }

// Shifts by their arithmetic meaning: multiplication by and floor division by 2^count.
std::int32_t left(std::int32_t x, std::uint32_t count) {
    return count > 31 ? 0 : wrap(static_cast<std::int64_t>(std::uint64_t{word(x)} << count));
}
std::int32_t right(std::int32_t x, std::uint32_t count) {
    return wrap(static_cast<std::int64_t>(
        std::floor(std::ldexp(double(x), -static_cast<int>(std::min(count, 40U))))));
}
std::int32_t right_logical(std::int32_t x, std::uint32_t count) {
    return count > 31 ? 0 : static_cast<std::int32_t>(std::uint64_t{word(x)} >> count);
}

std::int32_t clamped(double integral) {
    if (std::isnan(integral)) return 0;
    return static_cast<std::int32_t>(std::min(std::max(integral, -2147483648.0), 2147483647.0));
}

}  // namespace

TEST(i32x8_memory) { lanes::check_memory<i32x8>(); }
TEST(i32x8_select) { lanes::check_select<i32x8>(); }

TEST(i32x8_arithmetic) {
    const auto values = inputs();
    LANE_BINARY(i32x8, values, values, x + y, wrap(wide(x) + y));
    LANE_BINARY(i32x8, values, values, x - y, wrap(wide(x) - y));
    LANE_BINARY(i32x8, values, values, x * y, wrap(wide(x) * y));
    LANE_BINARY(i32x8, values, values, min(x, y), std::min(x, y));
    LANE_BINARY(i32x8, values, values, max(x, y), std::max(x, y));
    LANE_BINARY(i32x8, values, values, x & y, x & y);
    LANE_BINARY(i32x8, values, values, x | y, x | y);
    LANE_BINARY(i32x8, values, values, x ^ y, x ^ y);
    LANE_UNARY(i32x8, values, ~x, -1 - x);
    LANE_UNARY(i32x8, values, -x, wrap(-wide(x)));
    LANE_UNARY(i32x8, values, abs(x), wrap(x < 0 ? -wide(x) : x));
}

TEST(i32x8_comparisons) {
    const auto values = inputs();
    LANE_BINARY(i32x8, values, values, x == y, x == y);
    LANE_BINARY(i32x8, values, values, x != y, x != y);
    LANE_BINARY(i32x8, values, values, x < y, x < y);
    LANE_BINARY(i32x8, values, values, x <= y, x <= y);
    LANE_BINARY(i32x8, values, values, x > y, x > y);
    LANE_BINARY(i32x8, values, values, x >= y, x >= y);
    LANE_BINARY(i32x8, values, values, keep(x > y, x), x > y ? x : 0);
}

TEST(i32x8_shifts) {
    const auto values = inputs();
    std::vector<std::int32_t> counts;
    for (std::int32_t count = 0; count <= 40; ++count) counts.push_back(count);
    // What a careless implementation would take modulo 32 or modulo 256.
    counts.insert(counts.end(), {63, 64, 127, 128, 129, 255, 256, 257, 65536, INT32_MAX, INT32_MIN, -1, -31});
    LANE_BINARY(i32x8, values, counts, shift_left(x, y), left(x, word(y)));
    LANE_BINARY(i32x8, values, counts, shift_right(x, y), right(x, word(y)));
    LANE_BINARY(i32x8, values, counts, shift_right_logical(x, y), right_logical(x, word(y)));
    for (const std::int32_t signed_count : counts) {
        const std::uint32_t count = word(signed_count);
        lanes::check_unary<i32x8>(
            values, [&](i32x8 x) { return shift_left(x, count); },
            [&](std::int32_t x) { return left(x, count); }, "shift_left");
        lanes::check_unary<i32x8>(
            values, [&](i32x8 x) { return shift_right(x, count); },
            [&](std::int32_t x) { return right(x, count); }, "shift_right");
        lanes::check_unary<i32x8>(
            values, [&](i32x8 x) { return shift_right_logical(x, count); },
            [&](std::int32_t x) { return right_logical(x, count); }, "shift_right_logical");
    }
}

TEST(i32x8_conversions_are_clamped) {
    auto values = lanes::float_edges<float>();
    for (const float limit : {2147483648.0F, -2147483648.0F, 4294967296.0F}) {
        values.push_back(std::nextafter(limit, INFINITY));
        values.push_back(std::nextafter(limit, -INFINITY));
    }
    for (int i = -300; i <= 300; ++i) values.push_back(static_cast<float>(i) / 4);
    const Philox random(5, 2);
    for (std::uint64_t i = 0; i < 20000; ++i) {
        const std::uint32_t bits = random.draw32(i);
        float value;
        std::memcpy(&value, &bits, sizeof value);
        values.push_back(value);
    }
    LANE_UNARY(f32x8, values, convert_i32(x), clamped(std::nearbyint(double{x})));
    LANE_UNARY(f32x8, values, truncate_i32(x), clamped(std::trunc(double{x})));
    CHECK_EQUAL(lanes::to_array(convert_i32(f32x8::broadcast(3e9F)))[0], INT32_MAX);
    CHECK_EQUAL(lanes::to_array(convert_i32(f32x8::broadcast(-3e9F)))[0], INT32_MIN);
    CHECK_EQUAL(lanes::to_array(truncate_i32(f32x8::broadcast(NAN)))[0], 0);

    auto integers = inputs();
    for (std::int32_t i = -300; i < 300; ++i) integers.push_back((1 << 24) + i);
    for (std::int32_t i = -300; i < 300; ++i) integers.push_back(-(1 << 25) + i);
    LANE_UNARY(i32x8, integers, convert_f32(x), static_cast<float>(double(x)));
}

TEST(i32x8_bit_casts) {
    const auto floats = lanes::float_edges<float>();
    for (std::size_t at = 0; at + 8 <= floats.size(); at += 8) {
        std::int32_t words[8];
        store(bit_cast<i32x8>(f32x8::load(&floats[at])), words);
        CHECK(std::memcmp(words, &floats[at], 32) == 0);
        float back[8];
        store(bit_cast<f32x8>(i32x8::load(words)), back);
        CHECK(std::memcmp(back, &floats[at], 32) == 0);
    }
}

TEST(i32x8_lookup) {
    std::vector<std::int32_t> integers(1000);
    std::vector<float> floats(1000);
    for (std::size_t i = 0; i < 1000; ++i) {
        integers[i] = static_cast<std::int32_t>(i * 2654435761U);
        floats[i] = static_cast<float>(i) * 0.37F;
    }
    const Philox random(5, 3);
    for (std::uint64_t round = 0; round < 300; ++round) {
        std::int32_t index[8];
        for (std::uint64_t i = 0; i < 8; ++i) {
            index[i] = static_cast<std::int32_t>(random.draw32(8 * round + i) % 1000) - 500;
        }
        const i32x8 at = i32x8::load(index);  // negative indices reach back from the pointer
        const auto got_integers = lanes::to_array(lookup(integers.data() + 500, at));
        const auto got_floats = lanes::to_array(lookup(floats.data() + 500, at));
        for (std::size_t i = 0; i < 8; ++i) {
            CHECK_EQUAL(got_integers[i], integers[static_cast<std::size_t>(index[i] + 500)]);
            CHECK_BITS(got_floats[i], floats[static_cast<std::size_t>(index[i] + 500)]);
        }
    }
}

TEST(i32x8_sum_wraps) {
    const std::int32_t x[8] = {INT32_MAX, 1, INT32_MAX, 5, -7, INT32_MIN, 12, 40};
    std::int64_t total = 0;
    for (const std::int32_t value : x) total += value;
    CHECK_EQUAL(sum(i32x8::load(x)), wrap(total));
}
