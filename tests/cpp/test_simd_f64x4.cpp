#include "fewbits/simd/f64x4.hpp"

#include <cmath>
#include <cstring>

#include "fewbits/core/random.hpp"
#include "lanes.hpp"

using namespace fewbits;
using namespace fewbits::simd;
using lanes::Equal;

namespace {

double from_bits(std::uint64_t word) {
    double value;
    std::memcpy(&value, &word, sizeof value);
    return value;
}
std::uint64_t to_bits(double value) {
    std::uint64_t word;
    std::memcpy(&word, &value, sizeof word);
    return word;
}

std::vector<double> inputs() {
    std::vector<double> x = lanes::float_edges<double>();
    const Philox random(4, 1);
    for (std::uint64_t i = 0; i < 150; ++i) x.push_back(from_bits(random.draw64(i)));
    return x;
}

}  // namespace

TEST(f64x4_memory) { lanes::check_memory<f64x4>(); }
TEST(f64x4_select) { lanes::check_select<f64x4>(); }

TEST(f64x4_arithmetic) {
    const auto values = inputs();
    LANE_BINARY(f64x4, values, values, x + y, x + y);
    LANE_BINARY(f64x4, values, values, x - y, x - y);
    LANE_BINARY(f64x4, values, values, x * y, x * y);
    LANE_BINARY(f64x4, values, values, x / y, x / y);
    LANE_BINARY(f64x4, values, values, min(x, y), x < y ? x : y, Equal::bits);
    LANE_BINARY(f64x4, values, values, max(x, y), x > y ? x : y, Equal::bits);
    LANE_BINARY(f64x4, values, values, fma(x, y, x), std::fma(x, y, x));
    LANE_BINARY(f64x4, values, values, fma(x, x, -y), std::fma(x, x, -y));
    LANE_UNARY(f64x4, values, sqrt(x), std::sqrt(x));
    LANE_UNARY(f64x4, values, value_barrier(x), x, Equal::bits);
    LANE_UNARY(f64x4, values, floor(x), std::floor(x));
    LANE_UNARY(f64x4, values, ceil(x), std::ceil(x));
    LANE_UNARY(f64x4, values, trunc(x), std::trunc(x));
    LANE_UNARY(f64x4, values, nearest_even(x), std::nearbyint(x));
}

TEST(f64x4_fma_rounds_once) {
    const f64x4 a = f64x4::broadcast(1 + 0x1p-52);
    for (const double x : lanes::to_array(fma(a, a, -f64x4::broadcast(1 + 0x1p-51)))) CHECK_BITS(x, 0x1p-104);
    for (const double x : lanes::to_array(a * a - f64x4::broadcast(1 + 0x1p-51))) CHECK_BITS(x, 0.0);
}

TEST(f64x4_signs_are_bits) {
    std::vector<double> values = inputs();
    values.push_back(from_bits(0x7ff0000012345678U));  // a signalling nan
    LANE_UNARY(f64x4, values, -x, from_bits(to_bits(x) ^ std::uint64_t{1} << 63), Equal::bits);
    LANE_UNARY(f64x4, values, abs(x), from_bits(to_bits(x) & ~(std::uint64_t{1} << 63)), Equal::bits);
    LANE_UNARY(f64x4, values, canonical_nan(x), x != x ? from_bits(0x7ff8000000000000U) : x, Equal::bits);
}

TEST(f64x4_comparisons) {
    const auto values = inputs();
    LANE_BINARY(f64x4, values, values, x == y, x == y);
    LANE_BINARY(f64x4, values, values, x != y, x != y);
    LANE_BINARY(f64x4, values, values, x < y, x < y);
    LANE_BINARY(f64x4, values, values, x <= y, x <= y);
    LANE_BINARY(f64x4, values, values, x > y, x > y);
    LANE_BINARY(f64x4, values, values, x >= y, x >= y);
}

TEST(f64x4_sum_has_one_order) {
    const Philox random(4, 2);
    for (std::uint64_t i = 0; i < 2000; ++i) {
        double x[4];
        for (std::uint64_t k = 0; k < 4; ++k) {
            x[k] = std::ldexp(random.uniform01(8 * i + k) - 0.5,
                              static_cast<int>(random.draw64(8 * i + 4 + k) % 60));
        }
        volatile double even = x[0] + x[2], odd = x[1] + x[3];
        CHECK_BITS(sum(f64x4::load(x)), even + odd);
    }
    CHECK_BITS(sum(f64x4::broadcast(-0.0)), -0.0);
}

TEST(f64x4_to_and_from_float) {
    const auto floats = lanes::float_edges<float>();
    for (std::size_t at = 0; at < floats.size(); at += 8) {
        const f32x8 eight = lanes::load_some<f32x8>(floats, at);
        const auto low = lanes::to_array(widen_low(eight)), high = lanes::to_array(widen_high(eight));
        for (std::size_t i = 0; i < std::min<std::size_t>(8, floats.size() - at); ++i) {
            const double got = i < 4 ? low[i] : high[i - 4];
            CHECK(lanes::equal(got, static_cast<double>(floats[at + i]), Equal::any_nan));
        }
        const auto back = lanes::to_array(narrow(widen_low(eight), widen_high(eight)));
        const auto original = lanes::to_array(eight);
        for (std::size_t i = 0; i < 8; ++i) CHECK(lanes::equal(back[i], original[i], Equal::any_nan));
    }
    auto doubles = inputs();
    for (const float x : floats) {  // halfway between neighbours, and just beside it
        const double middle = (double{x} + double{std::nextafter(x, INFINITY)}) / 2;
        doubles.insert(doubles.end(),
                       {middle, std::nextafter(middle, -INFINITY), std::nextafter(middle, INFINITY)});
    }
    doubles.push_back(0x1.ffffffp127);  // halfway between the largest float and 2^128: rounds to infinity
    doubles.push_back(std::nextafter(0x1.ffffffp127, 0.0));
    while (doubles.size() % 8 != 0) doubles.push_back(1);
    for (std::size_t at = 0; at < doubles.size(); at += 8) {
        const auto got = lanes::to_array(narrow(f64x4::load(&doubles[at]), f64x4::load(&doubles[at + 4])));
        for (std::size_t i = 0; i < 8; ++i) {
            CHECK(lanes::equal(got[i], static_cast<float>(doubles[at + i]), Equal::any_nan));
        }
    }
}

TEST(f64x4_exchange) {
    const double x[4] = {0, 1, 2, 3};
    const f64x4 v = f64x4::load(x);
    const auto one = lanes::to_array(exchange<1>(v)), two = lanes::to_array(exchange<2>(v));
    for (std::size_t i = 0; i < 4; ++i) {
        CHECK_BITS(one[i], x[i ^ 1]);
        CHECK_BITS(two[i], x[i ^ 2]);
    }
}
