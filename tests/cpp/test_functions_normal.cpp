// Normal draws: their definition, independence of how they are asked for, and their distribution.
#include "fewbits/functions/normal.hpp"

#include <vector>

#include "check.hpp"
#include "fewbits/functions/error_function.hpp"

namespace fn = fewbits::functions;
using namespace fewbits;

TEST(draws_are_box_and_mullers_of_philox) {
    const Philox stream(99, 3);
    std::vector<double> z(10);
    fn::sample_normal(stream, 0, Span<double>(z));
    for (std::size_t j = 0; j < 5; ++j) {
        const auto uniform = [&](std::uint64_t i) {
            return (static_cast<double>(stream.draw64(i) >> 11) + 0.5) * 0x1p-53;
        };
        const double radius = std::sqrt(-2 * fn::log(uniform(2 * j)));
        const double angle = 6.283185307179586477 * uniform(2 * j + 1);
        CHECK_BITS(z[2 * j], radius * fn::cos(angle));
        CHECK_BITS(z[2 * j + 1], radius * fn::sin(angle));
    }
}

TEST(draws_depend_on_their_index_alone) {
    const Philox stream(5, 1);
    std::vector<double> all(1000);
    fn::sample_normal(stream, 0, Span<double>(all));
    for (const std::size_t first : {0, 1, 2, 255, 256, 257, 600}) {
        for (const std::size_t n : {0, 1, 2, 3, 255, 256, 257, 399}) {
            std::vector<double> some(n + 1, 77.0);
            fn::sample_normal(stream, first, Span<double>(some.data(), n));
            for (std::size_t i = 0; i < n; ++i) CHECK_BITS(some[i], all[first + i]);
            CHECK_BITS(some[n], 77.0);
        }
    }
}

TEST(distribution) {
    constexpr std::size_t n = 40000;
    std::vector<double> z(n);
    fn::sample_normal(Philox(1), 0, Span<double>(z));
    double mean = 0, square = 0, product = 0;
    std::vector<int> count(16);
    for (std::size_t i = 0; i < n; ++i) {
        mean += z[i];
        square += z[i] * z[i];
        if (i % 2 == 1) product += z[i] * z[i - 1];
        ++count[static_cast<std::size_t>(16 * fn::ndtr(z[i]))];
    }
    // Six standard deviations each.
    CHECK(std::fabs(mean) < 6 * std::sqrt(double{n}));
    CHECK(std::fabs(square - n) < 6 * std::sqrt(2.0 * n));
    CHECK(std::fabs(product) < 6 * std::sqrt(n / 2.0));
    for (const int c : count) CHECK(std::fabs(c - n / 16.0) < 6 * std::sqrt(n * 15.0 / 256));
}
