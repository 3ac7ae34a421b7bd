#include "fewbits/simd/mask.hpp"

#include <initializer_list>

#include "fewbits/core/random.hpp"
#include "fewbits/simd/i32x8.hpp"
#include "fewbits/simd/u64x4.hpp"
#include "fewbits/simd/u8x32.hpp"
#include "lanes.hpp"

using namespace fewbits;
using namespace fewbits::simd;

namespace {

// The mask whose lane i is bit i of the pattern.
template <class V>
auto mask_of(std::uint32_t pattern) {
    std::array<typename V::element, V::size> lanes;
    for (std::size_t i = 0; i < V::size; ++i) {
        lanes[i] = static_cast<typename V::element>((pattern >> i) & 1U);
    }
    return V::load(lanes.data()) > V::zero();
}

template <class V>
void check_masks() {
    const std::uint32_t full = V::size == 32 ? ~0U : (1U << V::size) - 1;
    const Philox random(9, V::size);
    std::vector<std::uint32_t> patterns = {0, full};
    for (unsigned i = 0; i < V::size; ++i) {
        patterns.push_back(1U << i);
        patterns.push_back(full ^ 1U << i);
    }
    for (std::uint64_t i = 0; i < 100; ++i) patterns.push_back(random.draw32(i) & full);
    for (const std::uint32_t a : patterns) {
        const auto left = mask_of<V>(a);
        static_assert(decltype(left)::size == V::size);
        CHECK_EQUAL(bits(left), a);
        CHECK_EQUAL(any(left), a != 0);
        CHECK_EQUAL(none(left), a == 0);
        CHECK_EQUAL(all(left), a == full);
        CHECK_EQUAL(bits(~left), a ^ full);
        for (const std::uint32_t b : patterns) {
            const auto right = mask_of<V>(b);
            CHECK_EQUAL(bits(left & right), a & b);
            CHECK_EQUAL(bits(left | right), a | b);
            CHECK_EQUAL(bits(left ^ right), a ^ b);
        }
    }
}

}  // namespace

TEST(mask_of_4_lanes) { check_masks<u64x4>(); }
TEST(mask_of_8_lanes) { check_masks<i32x8>(); }
TEST(mask_of_8_float_lanes) { check_masks<f32x8>(); }
TEST(mask_of_16_lanes) { check_masks<i16x16>(); }
TEST(mask_of_32_lanes) { check_masks<u8x32>(); }
