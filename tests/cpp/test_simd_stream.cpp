#include "fewbits/simd/stream.hpp"

#include <vector>

#include "check.hpp"

using namespace fewbits;

TEST(streamed_copies_are_copies) {
    std::vector<float> from(300), to(400);
    for (std::size_t i = 0; i < from.size(); ++i) from[i] = static_cast<float>(i);
    for (std::size_t offset = 0; offset < 20; ++offset) {
        for (const std::size_t count : {0U, 1U, 15U, 16U, 17U, 64U, 200U}) {
            std::fill(to.begin(), to.end(), -1.0F);
            simd::stream_copy(from.data() + offset / 2, to.data() + offset, count);
            simd::stream_fence();
            for (std::size_t i = 0; i < to.size(); ++i) {
                const bool copied = i >= offset && i < offset + count;
                CHECK_EQUAL(to[i], copied ? from[i - offset + offset / 2] : -1.0F);
            }
        }
        CHECK_EQUAL(
            reinterpret_cast<std::uintptr_t>(to.data() + offset + simd::before_line(to.data() + offset)) % 64,
            std::uintptr_t{0});
    }
}
