#include "fewbits/core/trellis.hpp"

#include <set>
#include <vector>

#include "check.hpp"

using namespace fewbits;

TEST(trellis_published_tables) {
    const std::uint32_t four[4][2] = {{0, 1}, {2, 3}, {1, 0}, {3, 2}};
    const std::uint32_t eight[8][2] = {{0, 2}, {5, 7}, {1, 3}, {4, 6}, {2, 0}, {7, 5}, {3, 1}, {6, 4}};
    for (std::uint32_t s = 0; s < 4; ++s) {
        for (std::uint32_t z = 0; z < 2; ++z) CHECK_EQUAL(Trellis(4).next(s, z), four[s][z]);
    }
    for (std::uint32_t s = 0; s < 8; ++s) {
        for (std::uint32_t z = 0; z < 2; ++z) CHECK_EQUAL(Trellis(8).next(s, z), eight[s][z]);
    }
}

// Every state has two ways in and two ways out, and all are reached from 0.
TEST(trellis_is_regular) {
    for (unsigned states = 4; states <= 256; states *= 2) {
        const Trellis trellis(states);
        CHECK_EQUAL(trellis.states(), states);
        std::vector<int> entered(states);
        for (std::uint32_t s = 0; s < states; ++s) {
            for (std::uint32_t z = 0; z < 2; ++z) {
                CHECK(trellis.next(s, z) < states);
                ++entered[trellis.next(s, z)];
            }
            CHECK(trellis.next(s, 0) != trellis.next(s, 1));
        }
        for (const int ways : entered) CHECK_EQUAL(ways, 2);
        std::set<std::uint32_t> reached{0};
        for (unsigned step = 0; step < states; ++step) {
            for (const std::uint32_t s : std::set<std::uint32_t>(reached)) {
                reached.insert(trellis.next(s, 0));
                reached.insert(trellis.next(s, 1));
            }
        }
        CHECK_EQUAL(reached.size(), std::size_t{states});
    }
    for (const unsigned bad : {0U, 2U, 12U, 512U}) CHECK_THROWS(Trellis(bad), ArgumentError);
}
