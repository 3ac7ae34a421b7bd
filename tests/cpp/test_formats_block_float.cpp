#include "fewbits/formats/block_float.hpp"

#include <cmath>
#include <limits>
#include <vector>

#include "check.hpp"

using namespace fewbits;
using namespace fewbits::formats;

namespace {

// By the definition, in double, for blocks whose values are far from the ends of its range.
template <class T>
void check_block(const std::vector<T>& x, int m, bool bump) {
    std::vector<std::int32_t> mantissas(x.size()), exponents(1);
    encode_blocks(Span<const T>(x), x.size(), x.size(), {m, bump, false}, {}, Span<std::int32_t>(mantissas),
                  Span<std::int32_t>(exponents));
    double largest = 0;
    for (const T value : x) largest = std::max(largest, std::fabs(static_cast<double>(value)));
    int e = std::ilogb(largest);
    const double limit = std::ldexp(1.0, m - 1) - 1;
    const auto nearest = [&](T value) {
        return std::nearbyint(std::ldexp(static_cast<double>(value), m - 2 - e));
    };
    bool past = false;
    for (const T value : x) past = past || std::fabs(nearest(value)) > limit;
    if (past && bump) ++e;
    CHECK_EQUAL(exponents[0], e);
    for (std::size_t i = 0; i < x.size(); ++i)
        CHECK_EQUAL(static_cast<double>(mantissas[i]), std::max(-limit, std::min(limit, nearest(x[i]))));
    std::vector<T> back(x.size());
    decode_blocks(Span<const std::int32_t>(mantissas), Span<const std::int32_t>(exponents), x.size(),
                  x.size(), m, Span<T>(back));
    for (std::size_t i = 0; i < x.size(); ++i)
        CHECK_EQUAL(static_cast<double>(back[i]), std::ldexp(mantissas[i], e - (m - 2)));
}

}  // namespace

TEST(blocks_follow_the_definition) {
    const Philox random(3);
    for (std::uint64_t trial = 0; trial < 400; ++trial) {
        std::vector<float> x;
        for (std::uint64_t i = 0; i < 1 + trial % 40; ++i)
            x.push_back(
                std::ldexp(random.uniform01_float(50 * trial + i) - 0.5F, static_cast<int>(trial % 90) - 45));
        if (trial % 5 == 0) x[0] = std::ldexp(1.9999F, static_cast<int>(trial % 90) - 45);  // carries
        for (const int m : {2, 3, 8, 24}) {
            check_block(x, m, false);
            check_block(x, m, true);
            check_block(std::vector<double>(x.begin(), x.end()), m, trial % 2 == 0);
        }
    }
}

TEST(ends_of_the_range) {
    const double tiny = std::numeric_limits<double>::denorm_min(), huge = std::numeric_limits<double>::max();
    const double x[] = {huge, tiny, -tiny, 0};
    std::int32_t mantissas[4], exponents[1];
    RoundOptions options;
    options.rounding = Rounding::toward_positive;
    encode_blocks(Span<const double>(x), 4, 4, {8, false, false}, options, Span<std::int32_t>(mantissas),
                  Span<std::int32_t>(exponents));
    CHECK_EQUAL(exponents[0], 1023);
    const std::int32_t expected[] = {127, 1, 0, 0};
    for (int i = 0; i < 4; ++i) CHECK_EQUAL(mantissas[i], expected[i]);
    const float small[] = {std::numeric_limits<float>::denorm_min(), 0};
    encode_blocks(Span<const float>(small), 2, 2, {8, false, false}, {}, Span<std::int32_t>(mantissas, 2),
                  Span<std::int32_t>(exponents));
    CHECK_EQUAL(exponents[0], -149);
    CHECK_EQUAL(mantissas[0], 64);
}

TEST(zeros_nan_and_refusals) {
    const float nan = std::numeric_limits<float>::quiet_NaN();
    const float x[] = {0, -0.0F, 1, nan};
    std::int32_t mantissas[4], exponents[2];
    encode_blocks(Span<const float>(x), 4, 2, {8, false, true}, {}, Span<std::int32_t>(mantissas),
                  Span<std::int32_t>(exponents));
    CHECK_EQUAL(exponents[0], min_block_exponent);
    CHECK_EQUAL(exponents[1], nan_block_exponent);
    float back[4];
    decode_blocks(Span<const std::int32_t>(mantissas), Span<const std::int32_t>(exponents), 4, 2, 8,
                  Span<float>(back));
    CHECK_BITS(back[0], 0.0F);
    CHECK(back[2] != back[2] && back[3] != back[3]);
    const auto encodes = [&](int m, std::size_t block_size, bool nan_blocks) {
        encode_blocks(Span<const float>(x), 4, block_size, {m, false, nan_blocks}, {},
                      Span<std::int32_t>(mantissas), Span<std::int32_t>(exponents));
    };
    CHECK_THROWS(encodes(8, 2, false), ArgumentError);
    CHECK_THROWS(encodes(1, 2, true), ArgumentError);
    CHECK_THROWS(encodes(25, 2, true), ArgumentError);
    CHECK_THROWS(encodes(8, 0, true), ArgumentError);
}
