#include "fewbits/core/random.hpp"

#include <cmath>
#include <vector>

#include "check.hpp"

using namespace fewbits;

namespace {
using Words = std::array<std::uint32_t, 4>;
}

TEST(philox_known_answers) {  // Random123, kat_vectors
    CHECK(philox4x32({0, 0, 0, 0}, {0, 0}) == Words({0x6627e8d5U, 0xe169c58dU, 0xbc57ac4cU, 0x9b00dbd8U}));
    const std::uint32_t ones = 0xffffffffU;
    CHECK(philox4x32({ones, ones, ones, ones}, {ones, ones}) ==
          Words({0x408f276dU, 0x41c83b0eU, 0xa20bc7c6U, 0x6d5451fdU}));
    CHECK(philox4x32({0x243f6a88U, 0x85a308d3U, 0x13198a2eU, 0x03707344U}, {0xa4093822U, 0x299f31d0U}) ==
          Words({0xd16cfe09U, 0x94fdccebU, 0x5001e420U, 0x24126ea1U}));
}

TEST(philox_layout_of_counter_and_key) {
    const std::uint64_t seed = 0x299f31d0a4093822U, stream = 0x0370734413198a2eU;
    const std::uint64_t block = 0x05a308d3243f6a88U;  // below 2^62
    const Words words =
        philox4x32({0x243f6a88U, 0x05a308d3U, 0x13198a2eU, 0x03707344U}, {0xa4093822U, 0x299f31d0U});
    const Philox random(seed, stream);
    CHECK_EQUAL(random.seed(), seed);
    CHECK_EQUAL(random.stream(), stream);
    for (std::uint64_t w = 0; w < 4; ++w) CHECK_EQUAL(random.draw32(4 * block + w), words[w]);
    for (std::uint64_t h = 0; h < 2; ++h) {
        const std::uint64_t expected = words[2 * h] + (std::uint64_t{words[2 * h + 1]} << 32);
        CHECK_EQUAL(random.draw64(2 * block + h), expected);
        // 64-bit indices wrap at 2^63
        CHECK_EQUAL(random.draw64(2 * block + h + (std::uint64_t{1} << 63)), expected);
    }
}

TEST(philox_fill_equals_draws) {
    const Philox random(12345, 6);
    const std::uint64_t top = ~std::uint64_t{0};
    for (const std::uint64_t first : {std::uint64_t{0}, std::uint64_t{1}, std::uint64_t{3}, std::uint64_t{30},
                                      (std::uint64_t{1} << 34) - 5, (std::uint64_t{1} << 63) - 7, top - 9}) {
        for (std::size_t size = 0; size <= 70; ++size) {
            std::vector<std::uint32_t> words(size + 1, 77);
            std::vector<std::uint64_t> doubles(size + 1, 77);
            std::vector<float> unit32(size);
            std::vector<double> unit64(size);
            random.fill(first, Span<std::uint32_t>(words.data(), size));
            random.fill(first, Span<std::uint64_t>(doubles.data(), size));
            random.fill(first, Span<float>(unit32));
            random.fill(first, Span<double>(unit64));
            for (std::size_t k = 0; k < size; ++k) {
                CHECK_EQUAL(words[k], random.draw32(first + k));
                CHECK_EQUAL(doubles[k], random.draw64(first + k));
                CHECK_BITS(unit32[k], random.uniform01_float(first + k));
                CHECK_BITS(unit64[k], random.uniform01(first + k));
            }
            CHECK_EQUAL(words[size], 77U);
            CHECK_EQUAL(doubles[size], std::uint64_t{77});
        }
    }
}

TEST(uniform01_is_exact_and_below_one) {
    CHECK_BITS(Philox::to_uniform01(~std::uint64_t{0}), 1 - std::ldexp(1.0, -53));
    CHECK_BITS(Philox::to_uniform01(~std::uint32_t{0}), 1 - std::ldexp(1.0F, -24));
    CHECK_BITS(Philox::to_uniform01(std::uint64_t{0x7ff}), 0.0);
    CHECK_BITS(Philox::to_uniform01(std::uint32_t{0xff}), 0.0F);
    CHECK_BITS(Philox::to_uniform01(std::uint64_t{1} << 63), 0.5);
    CHECK_BITS(Philox::to_uniform01(std::uint32_t{1} << 31), 0.5F);
}

TEST(draws_are_uniform) {  // fixed seed, 6 sigma
    const std::size_t n = 1 << 16;
    std::vector<double> x(n);
    for (std::uint64_t stream = 0; stream < 3; ++stream) {
        Philox(2024, stream).fill(0, Span<double>(x));
        double sum = 0;
        std::vector<double> counts(256, 0);
        for (const double v : x) {
            sum += v - 0.5;
            ++counts[static_cast<std::size_t>(v * 256)];
        }
        CHECK(std::fabs(sum) < 6 * std::sqrt(static_cast<double>(n) / 12));
        double chi2 = 0;
        for (const double c : counts) chi2 += (c - n / 256.0) * (c - n / 256.0) / (n / 256.0);
        CHECK(std::fabs(chi2 - 255) < 6 * std::sqrt(2 * 255.0));
    }
}

TEST(uniform_integer_follows_its_definition) {
    for (const std::uint64_t bound :
         {std::uint64_t{1}, std::uint64_t{2}, std::uint64_t{3}, std::uint64_t{1000},
          (std::uint64_t{1} << 63) + 1, (std::uint64_t{3} << 62) + 12345, ~std::uint64_t{0}}) {
        const std::uint64_t rest = (~std::uint64_t{0} % bound + 1) % bound;  // 2^64 mod bound
        std::uint64_t rejected = 0;
        for (std::uint64_t i = 0; i < 300; ++i) {
            const Philox stream(9, i);
            std::uint64_t j = 0;
            while (stream.draw64(j) * bound < rest) ++j;
            rejected += j;
            const std::uint64_t got = uniform_integer(9, i, bound);
            CHECK(got < bound);
            CHECK_EQUAL(got, mul_high(stream.draw64(j), bound));
        }
        // Just above 2^63 every second draw is rejected: the loop is really taken.
        if (bound == (std::uint64_t{1} << 63) + 1) CHECK(rejected > 200);
    }
    CHECK_THROWS(uniform_integer(0, 0, 0), ArgumentError);
}
