#include "fewbits/simd/philox.hpp"

#include <vector>

#include "check.hpp"

using namespace fewbits;

TEST(philox_vectors_equal_the_draws) {
    const std::uint64_t seeds[] = {0, 0x123456789abcdef0U, ~std::uint64_t{0}};
    const std::uint64_t firsts[] = {
        0, 1, 2, 3, 4, 0x3fffffff0U, ~std::uint64_t{0} - 200, ~std::uint64_t{0} - 20};
    for (const std::uint64_t seed : seeds) {
        for (const std::uint64_t first : firsts) {
            const Philox stream(seed, seed ^ 0x8000000100000002U);
            for (const std::size_t size : {0U, 1U, 31U, 35U, 36U, 40U, 100U, 131U}) {
                std::vector<std::uint32_t> out(size + 1, 7U);
                simd::fill_draws(stream, first, Span<std::uint32_t>(out.data(), size));
                for (std::size_t k = 0; k < size; ++k) CHECK_EQUAL(out[k], stream.draw32(first + k));
                CHECK_EQUAL(out[size], 7U);
            }
        }
    }
}
