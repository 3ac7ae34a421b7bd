#include "fewbits/simd/u64x4.hpp"

#include "fewbits/core/random.hpp"
#include "lanes.hpp"

using namespace fewbits;
using namespace fewbits::simd;

namespace {

std::vector<std::uint64_t> inputs() {
    std::vector<std::uint64_t> x = lanes::integer_edges<std::uint64_t>();
    const Philox random(6, 1);
    for (std::uint64_t i = 0; i < 64; ++i) x.push_back(random.draw64(i));
    return x;
}

// Bit by bit.
std::uint64_t left(std::uint64_t x, std::uint64_t count) {
    for (std::uint64_t i = 0; i < std::min<std::uint64_t>(count, 64); ++i) x += x;
    return x;
}
std::uint64_t right(std::uint64_t x, std::uint64_t count) {
    for (std::uint64_t i = 0; i < std::min<std::uint64_t>(count, 64); ++i) x /= 2;
    return x;
}

}  // namespace

TEST(u64x4_memory) { lanes::check_memory<u64x4>(); }
TEST(u64x4_select) { lanes::check_select<u64x4>(); }

TEST(u64x4_arithmetic) {
    const auto values = inputs();
    LANE_BINARY(u64x4, values, values, x + y, x + y);
    LANE_BINARY(u64x4, values, values, x - y, x - y);
    LANE_BINARY(u64x4, values, values, x * y, x * y);
    LANE_BINARY(u64x4, values, values, mul_low32(x, y),
                std::uint64_t{static_cast<std::uint32_t>(x)} * static_cast<std::uint32_t>(y));
    LANE_BINARY(u64x4, values, values, x & y, x & y);
    LANE_BINARY(u64x4, values, values, x | y, x | y);
    LANE_BINARY(u64x4, values, values, x ^ y, x ^ y);
    LANE_UNARY(u64x4, values, ~x, ~std::uint64_t{0} - x);
}

TEST(u64x4_comparisons_are_unsigned) {
    const auto values = inputs();
    LANE_BINARY(u64x4, values, values, x == y, x == y);
    LANE_BINARY(u64x4, values, values, x != y, x != y);
    LANE_BINARY(u64x4, values, values, x < y, x < y);
    LANE_BINARY(u64x4, values, values, x <= y, x <= y);
    LANE_BINARY(u64x4, values, values, x > y, x > y);
    LANE_BINARY(u64x4, values, values, x >= y, x >= y);
}

TEST(u64x4_keep_and_store_halves) {
    const auto values = inputs();
    LANE_BINARY(u64x4, values, values, keep(x == y, x), x == y ? x : 0);
    std::vector<std::uint64_t> small;
    for (const std::uint64_t value : values) small.push_back(value >> 1);
    LANE_BINARY(u64x4, small, small, greater_below_2_63(x, y), x > y);
    const std::uint64_t a[] = {0x100000002U, 0x300000004U, 0x500000006U, 0x700000008U};
    const std::uint64_t b[] = {0x900000010U, 0x1100000012U, 0x1300000014U, 0x1500000016U};
    std::uint32_t low[4], both[16];
    store_low32(u64x4::load(a), low);
    store_interleaved32(u64x4::load(a), u64x4::load(b), both);
    for (std::size_t i = 0; i < 4; ++i) {
        CHECK_EQUAL(std::uint64_t{low[i]}, a[i] & 0xffffffffU);
        CHECK_EQUAL(std::uint64_t{both[4 * i]}, a[i] & 0xffffffffU);
        CHECK_EQUAL(std::uint64_t{both[4 * i + 1]}, a[i] >> 32);
        CHECK_EQUAL(std::uint64_t{both[4 * i + 2]}, b[i] & 0xffffffffU);
        CHECK_EQUAL(std::uint64_t{both[4 * i + 3]}, b[i] >> 32);
    }
}

TEST(u64x4_shifts) {
    const auto values = inputs();
    std::vector<std::uint64_t> counts;
    for (std::uint64_t count = 0; count <= 70; ++count) counts.push_back(count);
    counts.insert(counts.end(), {127, 128, 129, 255, 256, 257, 320, std::uint64_t{1} << 32,
                                 (std::uint64_t{1} << 32) + 1, std::uint64_t{1} << 63, ~std::uint64_t{0}});
    LANE_BINARY(u64x4, values, counts, shift_left(x, y), left(x, y));
    LANE_BINARY(u64x4, values, counts, shift_right(x, y), right(x, y));
    for (const std::uint64_t wide_count : counts) {
        const auto count = static_cast<unsigned>(wide_count);
        lanes::check_unary<u64x4>(
            values, [&](u64x4 x) { return shift_left(x, count); },
            [&](std::uint64_t x) { return left(x, count); }, "shift_left");
        lanes::check_unary<u64x4>(
            values, [&](u64x4 x) { return shift_right(x, count); },
            [&](std::uint64_t x) { return right(x, count); }, "shift_right");
    }
}

TEST(u64x4_sum_wraps) {
    const std::uint64_t x[4] = {~std::uint64_t{0}, 5, std::uint64_t{1} << 63, (std::uint64_t{1} << 63) + 10};
    CHECK_EQUAL(sum(u64x4::load(x)), std::uint64_t{14});
}
