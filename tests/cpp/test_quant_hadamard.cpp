#include "fewbits/quant/hadamard.hpp"

#include <cmath>
#include <vector>

#include "check.hpp"

using namespace fewbits;
using namespace fewbits::quant;

namespace {

template <class T>
std::vector<T> noise(std::size_t n) {
    std::vector<T> x(n);
    const Philox random(3, 5);
    for (std::size_t i = 0; i < n; ++i)
        x[i] = static_cast<T>(std::ldexp(random.uniform01(i) - 0.5, static_cast<int>(random.draw32(i) % 9)));
    return x;
}

// Additions on the way to an output: the stages, or the terms of a Paley matrix.
double stages(std::size_t g) {
    const std::size_t base = quant::detail::hadamard_base(g);
    return std::log2(static_cast<double>(g / base)) + (base > 1 ? static_cast<double>(base) : 0);
}

template <class T>
void check_sizes() {
    const double u = sizeof(T) == 4 ? 0x1p-24 : 0x1p-53;
    for (const std::size_t g :
         {1, 2, 4, 8, 16, 32, 64, 128, 256, 12, 24, 48, 96, 384, 20, 40, 160, 28, 56, 224}) {
        for (const std::size_t width : {g, 3 * g}) {
            const std::vector<T> x = noise<T>(2 * width);
            RotateOptions options;
            options.seed = 77;
            std::vector<T> y = x, expected = x;
            hadamard_rotate(Span<T>(y), width, g, options);
            quant::reference::hadamard_rotate(Span<T>(expected), width, g, options);
            std::vector<T> back = y;
            options.inverse = true;
            hadamard_rotate(Span<T>(back), width, g, options);
            for (std::size_t begin = 0; begin < x.size(); begin += g) {
                double norm = 0, rotated = 0;
                for (std::size_t i = begin; i < begin + g; ++i) {
                    norm += static_cast<double>(x[i]) * static_cast<double>(x[i]);
                    rotated += static_cast<double>(y[i]) * static_cast<double>(y[i]);
                }
                norm = std::sqrt(norm);
                CHECK(std::fabs(std::sqrt(rotated) - norm) <= 4 * (stages(g) + 1) * u * norm);
                for (std::size_t i = begin; i < begin + g; ++i) {
                    // Plain summation has g additions.
                    CHECK(std::fabs(static_cast<double>(y[i] - expected[i])) <=
                          4 * (static_cast<double>(g) + 1) * u * norm);
                    CHECK(std::fabs(static_cast<double>(back[i] - x[i])) <= 4 * (stages(g) + 1) * u * norm);
                }
            }
        }
    }
}

}  // namespace

TEST(hadamard_float) { check_sizes<float>(); }
TEST(hadamard_double) { check_sizes<double>(); }

TEST(hadamard_of_a_unit_vector_is_a_row) {
    for (const std::size_t g : {16, 48, 80, 112}) {
        for (std::size_t i = 0; i < g; ++i) {
            std::vector<double> x(g, 0.0);
            x[i] = 1;
            RotateOptions options;
            options.signs = false;
            std::vector<double> expected = x;
            hadamard_rotate(Span<double>(x), g, g, options);
            quant::reference::hadamard_rotate(Span<double>(expected), g, g, options);
            for (std::size_t j = 0; j < g; ++j) CHECK_BITS(x[j], expected[j]);
        }
    }
}

TEST(hadamard_signs_come_from_the_seed) {
    const std::size_t width = 64;
    std::vector<double> x(2 * width, 0.0);
    RotateOptions options;
    options.seed = 9;
    const Philox random(9, 1);
    for (std::size_t i = 0; i < width; ++i) {
        std::fill(x.begin(), x.end(), 0.0);
        x[i] = x[width + i] = 8;
        hadamard_rotate(Span<double>(x), width, width, options);
        const double expected = random.draw32(i) >> 31 != 0 ? -1.0 : 1.0;
        CHECK_BITS(x[0], expected);
        CHECK_BITS(x[width], expected);  // the same in every row
    }
}

TEST(hadamard_threads_and_bad_arguments) {
    const std::vector<float> x = noise<float>(384 * 300);
    std::vector<float> one = x;
    hadamard_rotate(Span<float>(one), 384, 128);
    for (const int threads : {2, 5}) {
        std::vector<float> many = x;
        RotateOptions options;
        options.threads = threads;
        hadamard_rotate(Span<float>(many), 384, 128, options);
        CHECK(many == one);
    }
    CHECK_THROWS(hadamard_rotate(Span<float>(one), 384, 36), ArgumentError);
    CHECK_THROWS(hadamard_rotate(Span<float>(one), 384, 0), ArgumentError);
    CHECK_THROWS(hadamard_rotate(Span<float>(one), 384, 256), ArgumentError);
    CHECK_THROWS(hadamard_rotate(Span<float>(one), 0, 16), ArgumentError);
    CHECK_THROWS(hadamard_rotate(Span<float>(one.data(), 100), 64, 16), ArgumentError);
    hadamard_rotate(Span<float>(one.data(), 0), 64, 16);
    for (const std::size_t g : {3, 6, 10, 14, 36, 44, 60}) CHECK(!is_hadamard_size(g));
    for (const std::size_t g : {1, 2, 12, 20, 28, 768, 1536}) CHECK(is_hadamard_size(g));
}
