#include "fewbits/simd/gemm.hpp"

#include <cmath>
#include <type_traits>
#include <vector>

#include "check.hpp"
#include "fewbits/core/random.hpp"
#include "fewbits/simd/f32x8.hpp"
#include "fewbits/simd/f64x4.hpp"

using namespace fewbits;
using namespace fewbits::simd;

namespace {

template <class T>
std::vector<T> noise(std::size_t n, std::uint64_t stream) {
    std::vector<T> x(n);
    const Philox random(6, stream);
    for (std::size_t i = 0; i < n; ++i) x[i] = static_cast<T>(random.uniform01(i) - 0.5);
    return x;
}

struct Sizes {
    std::size_t m, n, k;
};
// Less than a tile, whole tiles, one more, and more than a panel is deep.
constexpr Sizes all_sizes[] = {{1, 1, 1},   {0, 5, 3},   {5, 0, 3},     {3, 4, 0},    {4, 16, 7},
                               {5, 17, 33}, {9, 31, 64}, {13, 40, 255}, {7, 50, 257}, {2, 3, 600}};

// c += a b in the order of the contract, one rounding per multiply-add.
template <class T>
void plain(const Sizes& s, const T* a, std::size_t a_row, std::size_t a_step, const std::vector<T>& b,
           std::vector<T>& c) {
    for (std::size_t i = 0; i < s.m; ++i) {
        for (std::size_t j = 0; j < s.n; ++j) {
            for (std::size_t l = 0; l < s.k; ++l)
                c[i * s.n + j] = std::fma(a[i * a_row + l * a_step], b[l * s.n + j], c[i * s.n + j]);
        }
    }
}

template <class V>
void check_products() {
    using T = typename V::element;
    for (const Sizes& s : all_sizes) {
        const std::vector<T> a = noise<T>(s.m * s.k, 1), b = noise<T>(s.k * s.n, 2);
        for (const bool transposed : {false, true}) {
            const std::size_t a_row = transposed ? 1 : s.k, a_step = transposed ? s.m : 1;
            std::vector<T> c = noise<T>(s.m * s.n, 3), expected = c;
            plain(s, a.data(), a_row, a_step, b, expected);
            bool redone = false;
            gemm<V, 4, 2>(
                s.m, s.n, s.k, a.data(), a_row, a_step, b.data(), s.n, c.data(), s.n,
                [] { return FmaStep<V>{}; }, [&](auto...) { redone = true; });
            CHECK(!redone);
            CHECK(c == expected);
        }
    }
}

// Covers nothing: every part of the sums comes to `redo`, once, with C as it was.
template <class V>
struct NeverGood {
    V operator()(V, V, V c) const { return c + V::broadcast(1000); }
    bool good(V) const { return false; }
};

}  // namespace

TEST(gemm_float) { check_products<f32x8>(); }
TEST(gemm_double) { check_products<f64x4>(); }

TEST(gemm_hands_over_what_a_step_does_not_cover) {
    for (const Sizes& s : all_sizes) {
        const std::vector<double> a = noise<double>(s.m * s.k, 4), b = noise<double>(s.k * s.n, 5);
        std::vector<double> c = noise<double>(s.m * s.n, 6), expected = c;
        plain(s, a.data(), s.k, 1, b, expected);
        std::vector<std::size_t> next(s.m * s.n, 0);
        gemm<f64x4, 4, 2>(
            s.m, s.n, s.k, a.data(), s.k, 1, b.data(), s.n, c.data(), s.n, [] { return NeverGood<f64x4>{}; },
            [&](std::size_t i0, std::size_t i1, std::size_t j0, std::size_t j1, std::size_t l0,
                std::size_t l1) {
                for (std::size_t i = i0; i < i1; ++i) {
                    for (std::size_t j = j0; j < j1; ++j) {
                        CHECK_EQUAL(next[i * s.n + j], l0);
                        next[i * s.n + j] = l1;
                        for (std::size_t l = l0; l < l1; ++l)
                            c[i * s.n + j] = std::fma(a[i * s.k + l], b[l * s.n + j], c[i * s.n + j]);
                    }
                }
            });
        CHECK(c == expected);
        for (const std::size_t done : next) CHECK_EQUAL(done, s.k);
    }
}
