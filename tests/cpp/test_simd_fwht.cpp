#include "fewbits/simd/fwht.hpp"

#include <cmath>
#include <vector>

#include "check.hpp"
#include "fewbits/core/random.hpp"

using namespace fewbits;

namespace {

template <class T>
std::vector<T> noise(std::size_t n, std::uint64_t stream) {
    std::vector<T> x(n);
    const Philox random(8, stream);
    for (std::size_t i = 0; i < n; ++i) {
        x[i] = static_cast<T>(std::ldexp(random.uniform01(i) - 0.5, static_cast<int>(i % 7) * 3));
    }
    return x;
}

unsigned parity(std::size_t x) {
    unsigned odd = 0;
    for (; x != 0; x &= x - 1) odd ^= 1;
    return odd;
}

template <class T>
void check_all_lengths() {
    // An odd offset: no alignment is assumed.
    for (std::size_t n = 1; n <= std::size_t{1} << 14; n *= 2) {
        std::vector<T> buffer = noise<T>(n + 2, n);
        const T first = buffer.front(), last = buffer.back();
        std::vector<T> expected(buffer.begin() + 1, buffer.end() - 1);
        const std::vector<T> x = expected;
        simd::reference::fwht(Span<T>(expected));
        const Span<T> got(buffer.data() + 1, n);
        simd::fwht(got);
        for (std::size_t i = 0; i < n; ++i) CHECK_BITS(got[i], expected[i]);
        CHECK_BITS(buffer.front(), first);
        CHECK_BITS(buffer.back(), last);
        // The definition, in long double: the bound of the header.
        if (n > 1024) continue;
        long double total = 0;
        for (const T v : x) total += std::fabs(static_cast<long double>(v));
        const long double u = sizeof(T) == 4 ? 0x1p-24L : 0x1p-53L;
        const long double bound = static_cast<long double>(std::log2(n)) * u * total;
        for (std::size_t i = 0; i < n; ++i) {
            long double exact = 0;
            for (std::size_t j = 0; j < n; ++j)
                exact += parity(i & j) ? -static_cast<long double>(x[j]) : static_cast<long double>(x[j]);
            CHECK(std::fabs(static_cast<long double>(got[i]) - exact) <= bound * (1 + 0x1p-40L));
        }
    }
}

}  // namespace

TEST(fwht_float) { check_all_lengths<float>(); }
TEST(fwht_double) { check_all_lengths<double>(); }

TEST(fwht_of_integers_is_exact) {
    for (std::size_t n : {8, 64, 512}) {
        std::vector<float> x(n);
        for (std::size_t i = 0; i < n; ++i) x[i] = static_cast<float>((i * i) % 37) - 18;
        std::vector<float> twice = x;
        simd::fwht(Span<float>(twice));
        simd::fwht(Span<float>(twice));
        for (std::size_t i = 0; i < n; ++i) CHECK_BITS(twice[i], static_cast<float>(n) * x[i]);
    }
}

TEST(fwht_refuses_other_lengths) {
    std::vector<double> x(12);
    CHECK_THROWS(simd::fwht(Span<double>(x)), ArgumentError);
    CHECK_THROWS(simd::fwht(Span<double>(x.data(), 0)), ArgumentError);
}

TEST(fwht_of_blocks) {
    for (const std::size_t block : {1, 2, 4, 8, 16, 32, 64, 128, 256}) {
        std::vector<float> x = noise<float>(5 * block, block), expected = x;
        for (std::size_t at = 0; at < x.size(); at += block)
            simd::fwht(Span<float>(expected.data() + at, block));
        simd::fwht(Span<float>(x), block);
        CHECK(x == expected);
    }
    std::vector<float> x(12);
    CHECK_THROWS(simd::fwht(Span<float>(x), 8), ArgumentError);
    CHECK_THROWS(simd::fwht(Span<float>(x), 3), ArgumentError);
}
