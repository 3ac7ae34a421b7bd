#include "fewbits/simd/u64x8.hpp"

#include <cmath>

#include "fewbits/core/random.hpp"
#include "lanes.hpp"

using namespace fewbits;
using namespace fewbits::simd;

TEST(u64x8_sums_of_products) {
    const Philox random(8, 1);
    for (std::uint64_t round = 0; round < 1000; ++round) {
        u64x8 sum = u64x8::zero();
        std::uint64_t expected[8] = {};
        for (std::uint64_t k = 0; k < 5; ++k) {
            std::int32_t a[8], b[8];
            for (std::uint64_t i = 0; i < 8; ++i) {
                const std::uint64_t bits = random.draw64((round * 5 + k) * 8 + i);
                a[i] = static_cast<std::int32_t>(static_cast<std::uint32_t>(bits));
                b[i] = static_cast<std::int32_t>(static_cast<std::uint32_t>(bits >> 32));
                expected[i] += (bits & 0xffffffffU) * (bits >> 32);
            }
            sum = multiply_add(sum, i32x8::load(a), i32x8::load(b));
        }
        const auto one = lanes::to_array(narrow_right<1>(sum));
        const auto some = lanes::to_array(narrow_right<28>(sum));
        const auto most = lanes::to_array(narrow_right<32>(sum));
        for (std::size_t i = 0; i < 8; ++i) {
            CHECK_EQUAL(static_cast<std::uint32_t>(one[i]), static_cast<std::uint32_t>(expected[i] >> 1));
            CHECK_EQUAL(static_cast<std::uint32_t>(some[i]), static_cast<std::uint32_t>(expected[i] >> 28));
            CHECK_EQUAL(static_cast<std::uint32_t>(most[i]), static_cast<std::uint32_t>(expected[i] >> 32));
        }
    }
}

TEST(u64x8_pairs_from_tables) {
    std::vector<std::uint32_t> table(1001);
    for (std::size_t i = 0; i < table.size(); ++i) table[i] = static_cast<std::uint32_t>(i * 2654435761U);
    const Philox random(8, 2);
    for (std::uint64_t round = 0; round < 500; ++round) {
        std::int32_t index[8];
        for (std::uint64_t i = 0; i < 8; ++i)
            index[i] = static_cast<std::int32_t>(random.draw64(round * 8 + i) % 1000);
        if (round == 0) index[3] = 0;
        if (round == 1) index[7] = 999;
        const Pair8 pair = lookup_pair(table.data(), i32x8::load(index));
        const auto first = lanes::to_array(pair.first), second = lanes::to_array(pair.second);
        for (std::size_t i = 0; i < 8; ++i) {
            const auto at = static_cast<std::size_t>(index[i]);
            CHECK_EQUAL(static_cast<std::uint32_t>(first[i]), table[at]);
            CHECK_EQUAL(static_cast<std::uint32_t>(second[i]), table[at + 1]);
        }
    }
}

TEST(u64x8_truncation) {
    const std::vector<float> x = {0.0F,    -0.0F,         0.5F,          -0.5F,      1.0F,
                                  -1.99F,  8388607.0F,    -8388608.0F,   8388606.5F, 1e-40F,
                                  -1e-40F, 2147483520.0F, -2147483520.0F};
    for (std::size_t at = 0; at < x.size(); at += 8) {
        const f32x8 v = lanes::load_some<f32x8>(x, at);
        const auto got = lanes::to_array(truncate_in_range(v));
        for (std::size_t i = 0; i < 8 && at + i < x.size(); ++i)
            CHECK_EQUAL(got[i], static_cast<std::int32_t>(x[at + i]));
        const auto words = lanes::to_array(simd::bit_cast<i32x8>(v));
        for (std::size_t i = 0; i < 8 && at + i < x.size(); ++i) {
            CHECK(std::memcmp(&words[i], &x[at + i], 4) == 0);
        }
    }
}

TEST(u64x8_division_equals_float32_division) {
    const Philox random(8, 3);
    const auto draw = [&](std::uint64_t i) {
        for (;; i += 1U << 20) {
            const std::uint32_t bits = static_cast<std::uint32_t>(random.draw64(i));
            float value;
            std::memcpy(&value, &bits, 4);
            if (std::isfinite(value) && value != 0) return value;
        }
    };
    for (std::uint64_t round = 0; round < 20000; ++round) {
        float a[8], b[8];
        for (std::uint64_t i = 0; i < 8; ++i) {
            a[i] = draw(round * 16 + i);
            b[i] = draw(round * 16 + 8 + i);
        }
        const auto got = lanes::to_array(divide_exactly(f32x8::load(a), f32x8::load(b)));
        for (std::size_t i = 0; i < 8; ++i) {
            // Subnormal quotients are rounded twice; the callers' quotients are normal.
            const float expected = a[i] / b[i];
            if (std::fabs(expected) >= 1.2e-38F) CHECK_BITS(got[i], expected);
        }
    }
}
