#include "fewbits/quant/codebook.hpp"

#include <cmath>
#include <vector>

#include "check.hpp"
#include "fewbits/core/random.hpp"

using namespace fewbits;
using namespace fewbits::quant;

namespace {

std::vector<double> levels(std::size_t n, bool single) {
    std::vector<double> x;
    const Philox random(4, n);
    double at = -3;
    for (std::size_t j = 0; j < n; ++j) {
        at += std::ldexp(random.uniform01(j) + 0.01, static_cast<int>(j % 4) - 3);
        x.push_back(single ? static_cast<double>(static_cast<float>(at)) : at);
    }
    return x;
}

template <class T>
void check_sizes() {
    for (const std::size_t n : {1, 2, 3, 4, 7, 8, 15, 16, 17, 31, 64, 100, 255, 256}) {
        const std::vector<double> l = levels(n, sizeof(T) == 4);
        const Codebook<T> codebook{Span<const double>(l)};
        // Everything around levels and midpoints, and the specials.
        std::vector<T> x{0, T(-0.0), INFINITY, -INFINITY, std::numeric_limits<T>::max()};
        for (std::size_t j = 0; j < n; ++j) {
            for (const double v : {l[j], j > 0 ? (l[j - 1] + l[j]) / 2 : l[j] - 1}) {
                const T t = static_cast<T>(v);
                x.insert(x.end(), {t, std::nextafter(t, T(-INFINITY)), std::nextafter(t, T(INFINITY))});
            }
        }
        const Philox random(5, n);
        for (std::size_t i = 0; i < 200; ++i) x.push_back(static_cast<T>(10 * random.uniform01(i) - 4));
        std::vector<std::uint8_t> codes(x.size()), expected(x.size());
        codebook_encode(Span<const T>(x), codebook, Span<std::uint8_t>(codes));
        quant::reference::codebook_encode(Span<const T>(x), codebook, Span<std::uint8_t>(expected));
        CHECK(codes == expected);
        // The definition: no level is nearer, and a lower one not as near.
        for (std::size_t i = 0; i < x.size(); ++i) {
            CHECK(codes[i] < n);
            if (std::fabs(x[i]) > T(1e6)) continue;  // differences of these are rounded
            const long double v = static_cast<long double>(x[i]);
            const long double own = std::fabs(v - static_cast<long double>(l[codes[i]]));
            for (std::size_t j = 0; j < n; ++j) {
                const long double other = std::fabs(v - static_cast<long double>(l[j]));
                CHECK(j < codes[i] ? own < other : own <= other);
            }
        }
        std::vector<T> back(x.size());
        codebook_decode(Span<const std::uint8_t>(codes), codebook, Span<T>(back));
        std::vector<std::uint8_t> again(x.size());
        codebook_encode(Span<const T>(back), codebook, Span<std::uint8_t>(again));
        CHECK(again == codes);
        // Every length, at an odd offset.
        for (std::size_t length = 0; length < 70 && length + 1 < x.size(); ++length) {
            std::vector<std::uint8_t> part(length + 2, 99);
            codebook_encode(Span<const T>(x.data() + 1, length), codebook,
                            Span<std::uint8_t>(part.data() + 1, length));
            bool same = part.front() == 99 && part.back() == 99;
            for (std::size_t i = 0; i < length; ++i) same = same && part[i + 1] == codes[i + 1];
            CHECK(same);
        }
    }
}

}  // namespace

TEST(codebook_float) { check_sizes<float>(); }
TEST(codebook_double) { check_sizes<double>(); }

TEST(codebook_threads) {
    std::vector<float> x(1000003);
    Philox(1).fill(0, Span<float>(x));
    const std::vector<double> l = levels(40, true);
    const Codebook<float> codebook{Span<const double>(l)};
    std::vector<std::uint8_t> one(x.size()), many(x.size());
    codebook_encode(Span<const float>(x), codebook, Span<std::uint8_t>(one));
    for (const int threads : {2, 5}) {
        codebook_encode(Span<const float>(x), codebook, Span<std::uint8_t>(many), threads);
        CHECK(many == one);
    }
}

TEST(codebook_refuses) {
    CHECK_THROWS(Codebook<float>(Span<const double>()), ArgumentError);
    CHECK_THROWS(Codebook<float>(std::vector<double>{1, 1}), ArgumentError);
    CHECK_THROWS(Codebook<float>(std::vector<double>{2, 1}), ArgumentError);
    CHECK_THROWS(Codebook<float>(std::vector<double>{0, NAN}), ArgumentError);
    CHECK_THROWS(Codebook<float>(std::vector<double>(257)), ArgumentError);
    const Codebook<float> codebook(std::vector<double>{0, 1, 2});
    std::vector<float> x(2);
    std::vector<std::uint8_t> codes{1, 3};
    CHECK_THROWS(codebook_decode(Span<const std::uint8_t>(codes), codebook, Span<float>(x)), ArgumentError);
    CHECK_THROWS(codebook_encode(Span<const float>(x), codebook, Span<std::uint8_t>(codes.data(), 1)),
                 ArgumentError);
}
