#include "fewbits/core/fixed_log.hpp"

#include <cmath>
#include <vector>

#include "check.hpp"

using namespace fewbits;

namespace {
double error_in_units(std::uint64_t x) {
    return std::fabs(static_cast<double>(log2_fixed(x)) - 65536 * std::log2(static_cast<double>(x)));
}
}  // namespace

TEST(fixed_log_is_within_one_unit) {
    for (std::uint64_t x = 1; x < (1U << 20); ++x) CHECK(error_in_units(x) <= 1.0);
    std::uint64_t state = 88172645463325252U;
    for (int i = 0; i < 1000000; ++i) {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        CHECK(error_in_units((state >> (i % 60)) | 1) <= 1.0);
    }
    for (unsigned e = 0; e < 64; ++e) CHECK_EQUAL(log2_fixed(std::uint64_t{1} << e), e << 16);
}

TEST(fixed_log_entropy) {
    const std::vector<std::uint32_t> counts{100000, 31000, 9000, 2500, 800, 150, 40, 7, 1, 0};
    double total = 0, bits = 0;
    for (auto c : counts) total += c;
    for (auto c : counts) bits += c > 0 ? c * std::log2(total / c) : 0.0;
    const double got = static_cast<double>(entropy_bits_fixed(Span<const std::uint32_t>(counts))) / 65536;
    CHECK(std::fabs(got / bits - 1) < 1e-4);
    CHECK_EQUAL(entropy_bits_fixed(Span<const std::uint32_t>(std::vector<std::uint32_t>{})),
                std::uint64_t{0});
    CHECK_EQUAL(entropy_bits_fixed(Span<const std::uint32_t>(std::vector<std::uint32_t>{0, 7})),
                std::uint64_t{0});
}
