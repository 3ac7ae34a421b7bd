// Every column of every lane comes from the row its index names.
#include "fewbits/simd/lookup_rows.hpp"

#include <vector>

#include "check.hpp"

using namespace fewbits;
using namespace fewbits::simd;

namespace {

template <std::size_t Columns>
void check_columns() {
    constexpr std::size_t rows = 9;
    std::vector<double> table(rows * Columns);
    for (std::size_t i = 0; i < table.size(); ++i) table[i] = static_cast<double>(i) + 0.5;
    for (std::uint64_t seed = 0; seed < 200; ++seed) {
        const std::uint64_t index[4] = {seed % rows, seed * 7 % rows, seed * seed % rows,
                                        rows - 1 - seed % rows};
        f64x4 out[Columns];
        lookup_rows(table.data(), u64x4::load(index), out);
        for (std::size_t j = 0; j < Columns; ++j) {
            double lanes[4];
            store(out[j], lanes);
            for (std::size_t i = 0; i < 4; ++i) CHECK_BITS(lanes[i], table[index[i] * Columns + j]);
        }
    }
}

}  // namespace

TEST(columns) {
    check_columns<2>();
    check_columns<4>();
    check_columns<8>();
    check_columns<12>();
}
