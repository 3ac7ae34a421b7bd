#include "fewbits/formats/soft_errors.hpp"

#include <set>
#include <vector>

#include "check.hpp"

using namespace fewbits;
using namespace fewbits::formats;

TEST(flips_follow_the_draws) {
    const FloatFormat f = get("float16");
    std::vector<std::uint16_t> codes(5000, 0x1234);
    flip_bits(Span<std::uint16_t>(codes), f, 0.25, {2, 7}, 11, 3, 100);
    const Philox decisions(11, 3), picks(11, 3 + (std::uint64_t{1} << 32));
    for (std::size_t i = 0; i < codes.size(); ++i) {
        std::uint16_t expected = 0x1234;
        if (decisions.draw64(100 + i) < std::uint64_t{1} << 62)
            expected = static_cast<std::uint16_t>(
                expected ^
                (1U << (2 + static_cast<unsigned>(mul_high(picks.draw64(100 + i), std::uint64_t{7})))));
        CHECK_EQUAL(codes[i], expected);
    }
}

TEST(never_and_always) {
    const FloatFormat f = get("fp4");
    std::vector<std::uint8_t> codes(100, 5);
    flip_bits(Span<std::uint8_t>(codes), f, 0, {0, 4}, 1, 0);
    for (const std::uint8_t code : codes) CHECK_EQUAL(code, 5);
    flip_bits(Span<std::uint8_t>(codes), f, 1, {3, 1}, 1, 0);
    for (const std::uint8_t code : codes) CHECK_EQUAL(code, 13);
}

TEST(exact_counts) {
    const FloatFormat f = get("bfloat16");
    for (const std::size_t count : {0U, 1U, 37U, 199U, 200U}) {
        std::vector<std::uint16_t> codes(200, 0);
        flip_count(Span<std::uint16_t>(codes), f, count, {15, 1}, 5, 6);
        std::size_t flipped = 0;
        for (const std::uint16_t code : codes) {
            CHECK(code == 0 || code == 0x8000);
            flipped += code != 0;
        }
        CHECK_EQUAL(flipped, count);
    }
}

TEST(every_pair_is_as_likely) {
    const FloatFormat f = get("fp4");
    std::vector<int> counts(25);
    constexpr int tries = 20000;
    for (int seed = 0; seed < tries; ++seed) {
        std::uint8_t codes[5] = {};
        flip_count(Span<std::uint8_t>(codes), f, 2, {0, 1}, static_cast<std::uint64_t>(seed), 0);
        std::size_t pair[2] = {}, found = 0;
        for (std::size_t i = 0; i < 5; ++i)
            if (codes[i] != 0) pair[found++] = i;
        ++counts[5 * pair[0] + pair[1]];
    }
    for (std::size_t i = 0; i < 5; ++i)
        for (std::size_t j = i + 1; j < 5; ++j)
            CHECK(std::abs(counts[5 * i + j] - tries / 10) < 6 * 43);  // sigma of a binomial count
}

TEST(refuses_bits_of_others) {
    std::uint8_t codes[3] = {};
    const FloatFormat f = get("fp4");
    const BitRange beyond{3, 2}, all{0, 4};
    CHECK_THROWS(flip_bits(Span<std::uint8_t>(codes), f, 0.5, beyond, 0, 0), ArgumentError);
    CHECK_THROWS(flip_bits(Span<std::uint8_t>(codes), f, 1.5, all, 0, 0), ArgumentError);
    CHECK_THROWS(flip_count(Span<std::uint8_t>(codes), f, 4, all, 0, 0), ArgumentError);
}
