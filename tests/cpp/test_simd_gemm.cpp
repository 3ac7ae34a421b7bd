#include "fewbits/simd/gemm.hpp"

#include <cmath>
#include <vector>

#include "check.hpp"
#include "fewbits/core/random.hpp"
#include "fewbits/simd/f32x8.hpp"
#include "fewbits/simd/f64x4.hpp"

using namespace fewbits;

namespace {

template <class T>
std::vector<T> numbers(std::size_t count, std::uint64_t stream) {
    const Philox random(3, stream);
    std::vector<T> x(count);
    for (std::size_t i = 0; i < count; ++i) x[i] = static_cast<T>(2 * random.uniform01(i) - 1);
    return x;
}

// A step that finds large sums not good, so that `redo` gets work.
template <class V>
struct CautiousStep {
    FEWBITS_INLINE V operator()(V a, V b, V c) const { return fma(a, b, c); }
    FEWBITS_INLINE bool good(V c) const { return all(abs(c) < V::broadcast(1)); }
};

template <class V, std::size_t rows, std::size_t vectors, class Step>
void equals_the_loop(std::size_t m, std::size_t n, std::size_t k, bool transposed) {
    using T = typename V::element;
    const std::vector<T> a = numbers<T>(m * k, 1), b = numbers<T>(k * n, 2);
    // Rows of C lie apart; what is between them stays.
    const std::size_t c_row = n + 3;
    std::vector<T> c = numbers<T>(m * c_row, 3), expected = c;
    const std::size_t a_row = transposed ? 1 : k, a_step = transposed ? m : 1;
    const auto loop = [&](std::vector<T>& target, std::size_t i, std::size_t j, std::size_t l) {
        T& sum = target[i * c_row + j];
        sum = std::fma(a[i * a_row + l * a_step], b[l * n + j], sum);
    };
    for (std::size_t i = 0; i < m; ++i)
        for (std::size_t j = 0; j < n; ++j)
            for (std::size_t l = 0; l < k; ++l) loop(expected, i, j, l);
    simd::gemm<V, rows, vectors>(
        m, n, k, a.data(), a_row, a_step, b.data(), n, c.data(), c_row, [] { return Step(); },
        [&](std::size_t i, std::size_t i_end, std::size_t j, std::size_t j_end, std::size_t l,
            std::size_t l_end) {
            for (; i < i_end; ++i)
                for (std::size_t column = j; column < j_end; ++column)
                    for (std::size_t q = l; q < l_end; ++q) loop(c, i, column, q);
        });
    for (std::size_t i = 0; i < c.size(); ++i) CHECK_BITS(c[i], expected[i]);
}

template <class V>
void every_size() {
    for (const std::size_t n : {0, 1, 7, 8, 9, 16, 17, 33}) {
        for (const bool transposed : {false, true}) {
            equals_the_loop<V, 4, 2, simd::FmaStep<V>>(n, 5, 3, transposed);
            equals_the_loop<V, 4, 2, simd::FmaStep<V>>(5, n, 3, transposed);
            equals_the_loop<V, 2, 3, simd::FmaStep<V>>(3, 7, n, transposed);
            equals_the_loop<V, 4, 2, CautiousStep<V>>(9, n, 20, transposed);
        }
    }
    equals_the_loop<V, 4, 2, simd::FmaStep<V>>(5, 20, 600, false);  // more than one block of k
    equals_the_loop<V, 4, 2, CautiousStep<V>>(5, 20, 600, false);
}

}  // namespace

TEST(float32) { every_size<simd::f32x8>(); }
TEST(float64) { every_size<simd::f64x4>(); }
