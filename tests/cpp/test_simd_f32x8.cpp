#include "fewbits/simd/f32x8.hpp"

#include <algorithm>
#include <cmath>
#include <thread>

#include "fewbits/core/random.hpp"
#include "lanes.hpp"

using namespace fewbits;
using namespace fewbits::simd;
using lanes::Equal;

namespace {

std::vector<float> inputs() {
    std::vector<float> x = lanes::float_edges<float>();
    const Philox random(3, 1);
    for (std::uint64_t i = 0; i < 150; ++i) {  // any bit pattern
        const std::uint32_t word = random.draw32(i);
        float value;
        std::memcpy(&value, &word, sizeof value);
        x.push_back(value);
    }
    return x;
}

float from_bits(std::uint32_t word) {
    float value;
    std::memcpy(&value, &word, sizeof value);
    return value;
}
std::uint32_t to_bits(float value) {
    std::uint32_t word;
    std::memcpy(&word, &value, sizeof word);
    return word;
}

// The value of a binary16 code, by its definition.
double half_value(unsigned code) {
    const int exponent = static_cast<int>((code >> 10) & 31U);
    const double mantissa = code & 0x3ffU;
    double value = exponent == 0 ? std::ldexp(mantissa, -24) : std::ldexp(1024 + mantissa, exponent - 25);
    if (exponent == 31) value = INFINITY;
    return (code & 0x8000U) != 0 ? -value : value;
}

std::uint16_t encode_one(float value) {
    std::uint16_t codes[8];
    store_float16(f32x8::broadcast(value), codes);
    for (const std::uint16_t code : codes) CHECK_EQUAL(code, codes[0]);
    return codes[0];
}

// The nearest binary16 code by search in the table of all values, ties to the even code.
std::uint16_t nearest_half(float value) {
    static const std::vector<double> table = [] {
        std::vector<double> values;
        for (unsigned code = 0; code < 0x7c00U; ++code) values.push_back(half_value(code));
        values.push_back(65536);  // where the next binade would begin: halfway to it rounds to infinity
        return values;
    }();
    const double magnitude = std::fabs(static_cast<double>(value));
    const auto above = std::lower_bound(table.begin(), table.end(), magnitude);
    auto code = static_cast<unsigned>(above - table.begin());
    if (above == table.end()) {
        code = 0x7c00U;
    } else if (code > 0) {
        const double down = magnitude - table[code - 1], up = table[code] - magnitude;
        if (down < up || (down == up && code % 2 == 1)) --code;
    }
    return static_cast<std::uint16_t>(code | (std::signbit(value) ? 0x8000U : 0U));
}

void check_all_float16() {
    for (unsigned code = 0; code < 65536; code += 8) {
        std::uint16_t codes[8], back[8];
        float values[8];
        for (unsigned i = 0; i < 8; ++i) codes[i] = static_cast<std::uint16_t>(code + i);
        const f32x8 decoded = load_float16(codes);
        store(decoded, values);
        store_float16(decoded, back);
        for (unsigned i = 0; i < 8; ++i) {
            const unsigned c = code + i;
            if ((c & 0x7fffU) <= 0x7c00U) {
                // Through the bits: a thread in flush-to-zero could not compare subnormals.
                CHECK_EQUAL(to_bits(values[i]), to_bits(static_cast<float>(half_value(c))));
                CHECK_EQUAL(back[i], static_cast<std::uint16_t>(c));
            } else {
                CHECK_EQUAL(to_bits(values[i]), (c & 0x8000U) << 16 | 0x7fc00000U | (c & 0x3ffU) << 13);
                CHECK_EQUAL(back[i], static_cast<std::uint16_t>(c | 0x200U));
            }
        }
    }
}

}  // namespace

TEST(f32x8_memory) { lanes::check_memory<f32x8>(); }
TEST(f32x8_select) { lanes::check_select<f32x8>(); }

TEST(f32x8_arithmetic) {
    const auto values = inputs();
    LANE_BINARY(f32x8, values, values, x + y, x + y);
    LANE_BINARY(f32x8, values, values, x - y, x - y);
    LANE_BINARY(f32x8, values, values, x * y, x * y);
    LANE_BINARY(f32x8, values, values, x / y, x / y);
    LANE_BINARY(f32x8, values, values, min(x, y), x < y ? x : y, Equal::bits);
    LANE_BINARY(f32x8, values, values, max(x, y), x > y ? x : y, Equal::bits);
    LANE_BINARY(f32x8, values, values, fma(x, y, x), std::fma(x, y, x));
    LANE_BINARY(f32x8, values, values, fma(x, x, -y), std::fma(x, x, -y));
    LANE_UNARY(f32x8, values, sqrt(x), std::sqrt(x));
    LANE_UNARY(f32x8, values, value_barrier(x), x, Equal::bits);
}

TEST(f32x8_fma_rounds_once) {
    // 1 + 2^-23 squared is 1 + 2^-22 + 2^-46: two roundings would lose the last term.
    const f32x8 a = f32x8::broadcast(1 + 0x1p-23F);
    for (const float x : lanes::to_array(fma(a, a, -f32x8::broadcast(1 + 0x1p-22F)))) CHECK_BITS(x, 0x1p-46F);
    // and without fma the product must be rounded first, whatever the compiler would like to contract
    const f32x8 sum = a * a - f32x8::broadcast(1 + 0x1p-22F);
    for (const float x : lanes::to_array(sum)) CHECK_BITS(x, 0.0F);
}

TEST(f32x8_max_and_min_have_one_meaning) {
    const f32x8 nan = f32x8::broadcast(NAN), one = f32x8::broadcast(1), zero = f32x8::zero();
    CHECK_BITS(lanes::to_array(max(nan, one))[3], 1.0F);
    CHECK(std::isnan(lanes::to_array(max(one, nan))[3]));
    CHECK_BITS(lanes::to_array(max(zero, -zero))[3], -0.0F);
    CHECK_BITS(lanes::to_array(max(-zero, zero))[3], 0.0F);
    CHECK_BITS(lanes::to_array(min(zero, -zero))[3], -0.0F);
    CHECK_BITS(lanes::to_array(min(nan, one))[3], 1.0F);
}

TEST(f32x8_signs_are_bits) {
    std::vector<float> x = inputs();
    x.push_back(from_bits(0x7f812345U));  // a signalling nan
    lanes::check_unary<f32x8>(
        x, [](f32x8 v) { return -v; }, [](float v) { return from_bits(to_bits(v) ^ 0x80000000U); }, "-x",
        Equal::bits);
    lanes::check_unary<f32x8>(
        x, [](f32x8 v) { return abs(v); }, [](float v) { return from_bits(to_bits(v) & 0x7fffffffU); }, "abs",
        Equal::bits);
    lanes::check_unary<f32x8>(
        x, [](f32x8 v) { return canonical_nan(v); },
        [](float v) { return v != v ? from_bits(0x7fc00000U) : v; }, "canonical_nan", Equal::bits);
}

TEST(f32x8_rounding) {
    const auto values = inputs();
    LANE_UNARY(f32x8, values, floor(x), std::floor(x));
    LANE_UNARY(f32x8, values, ceil(x), std::ceil(x));
    LANE_UNARY(f32x8, values, trunc(x), std::trunc(x));
    LANE_UNARY(f32x8, values, nearest_even(x), std::nearbyint(x));
}

TEST(f32x8_comparisons) {
    const auto values = inputs();
    LANE_BINARY(f32x8, values, values, x == y, x == y);
    LANE_BINARY(f32x8, values, values, x != y, x != y);
    LANE_BINARY(f32x8, values, values, x < y, x < y);
    LANE_BINARY(f32x8, values, values, x <= y, x <= y);
    LANE_BINARY(f32x8, values, values, x > y, x > y);
    LANE_BINARY(f32x8, values, values, x >= y, x >= y);
}

TEST(f32x8_sum_has_one_order) {
    const Philox random(3, 2);
    for (std::uint64_t i = 0; i < 2000; ++i) {
        float x[8];
        for (std::uint64_t k = 0; k < 8; ++k) {
            x[k] = std::ldexp(random.uniform01_float(16 * i + k) - 0.5F,
                              static_cast<int>(random.draw32(16 * i + 8 + k) % 30));
        }
        volatile float a = x[0] + x[4], b = x[2] + x[6], c = x[1] + x[5], d = x[3] + x[7];
        volatile float left = a + b, right = c + d;
        CHECK_BITS(sum(f32x8::load(x)), left + right);
    }
    CHECK_BITS(sum(f32x8::broadcast(-0.0F)), -0.0F);
}

TEST(float16_all_codes) { check_all_float16(); }

TEST(float16_halfway_points_go_to_even) {
    for (unsigned code = 0; code < 0x7c00U; ++code) {
        const double next = code == 0x7bffU ? 65536 : half_value(code + 1);
        const auto middle = static_cast<float>((half_value(code) + next) / 2);
        const auto low = static_cast<std::uint16_t>(code), high = static_cast<std::uint16_t>(code + 1);
        const std::uint16_t even = code % 2 == 0 ? low : high;
        const float x[8] = {middle,
                            std::nextafter(middle, 0.0F),
                            std::nextafter(middle, 1e30F),
                            -middle,
                            -std::nextafter(middle, 0.0F),
                            -std::nextafter(middle, 1e30F),
                            static_cast<float>(half_value(code)),
                            std::nextafter(static_cast<float>(half_value(code)), 1e30F)};
        const unsigned expected[8] = {even,           low, high, 0x8000U | even, 0x8000U | low,
                                      0x8000U | high, low, low};
        std::uint16_t got[8];
        store_float16(f32x8::load(x), got);
        for (int i = 0; i < 8; ++i) CHECK_EQUAL(unsigned{got[i]}, expected[i]);
    }
}

TEST(float16_encodes_any_float) {
    const Philox random(3, 3);
    for (std::uint64_t i = 0; i < 50000; ++i) {
        // Any pattern, and patterns whose exponent float16 has.
        const std::uint32_t word = random.draw32(2 * i);
        const std::uint32_t near = (word & 0x807fffffU) | (100 + random.draw32(2 * i + 1) % 46) << 23;
        for (const float value : {from_bits(word), from_bits(near)}) {
            if (std::isnan(value)) continue;
            CHECK_EQUAL(encode_one(value), nearest_half(value));
        }
    }
    for (const float value : lanes::float_edges<float>()) {
        if (!std::isnan(value)) CHECK_EQUAL(encode_one(value), nearest_half(value));
    }
    for (std::uint32_t bit = 0; bit < 23; ++bit) {  // nans, quiet and signalling
        for (const std::uint32_t sign : {0U, 0x80000000U}) {
            const std::uint32_t payload = 1U << bit;
            const std::uint32_t expected = sign >> 16 | 0x7e00U | payload >> 13;
            CHECK_EQUAL(std::uint32_t{encode_one(from_bits(sign | 0x7f800000U | payload))}, expected);
        }
    }
}

#if defined(__x86_64__) || defined(__aarch64__)
// Another library may have put the thread into flush-to-zero.
TEST(float16_is_right_in_flush_to_zero) {
    std::thread([] {
#if defined(__x86_64__)
        unsigned mode = 0;
        __asm__ volatile("stmxcsr %0" : "=m"(mode));
        mode |= 0x8040U;
        __asm__ volatile("ldmxcsr %0" : : "m"(mode));
#else
        std::uint64_t mode = 0;
        __asm__ volatile("mrs %0, fpcr" : "=r"(mode));
        mode |= std::uint64_t{1} << 24;
        __asm__ volatile("msr fpcr, %0" : : "r"(mode));
#endif
        volatile float tiny = 1e-40F;
        const volatile float flushed = tiny * 1.5F;
        CHECK_EQUAL(flushed, 0.0F);  // the mode is on
        check_all_float16();
    }).join();
}
#endif

TEST(f32x8_exchange) {
    const float x[8] = {0, 1, 2, 3, 4, 5, 6, 7};
    const f32x8 v = f32x8::load(x);
    const auto one = lanes::to_array(exchange<1>(v)), two = lanes::to_array(exchange<2>(v)),
               four = lanes::to_array(exchange<4>(v));
    for (std::size_t i = 0; i < 8; ++i) {
        CHECK_BITS(one[i], x[i ^ 1]);
        CHECK_BITS(two[i], x[i ^ 2]);
        CHECK_BITS(four[i], x[i ^ 4]);
    }
}
