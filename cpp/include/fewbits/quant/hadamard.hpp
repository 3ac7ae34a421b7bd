// Hadamard rotation: blocks of a row times an orthogonal matrix of +-1/sqrt(g), after random signs.
//
//   hadamard_rotate    y = (x o s) H / sqrt(g) for every block of g consecutive elements
//   inverse            x = (y H^T / sqrt(g)) o s
//
// The rotation spreads outliers over their block, which helps quantisers of fixed length; applied to both
// operands of a product along the contracted axis it leaves the product as it is, in exact arithmetic.
// H: for g = 2^k the Walsh-Hadamard matrix (-1)^popcount(i & j); for g = m 2^k, m = 12, 20, 28, the Kronecker
// product of a Paley matrix of order m with it. s_i = -1 where the top bit of 32-bit draw i of stream 1 of
// the seed is set, i the index in the row: every row has the same signs.
//
// Types float32, float64. Fixed order of additions, the same bits on every instruction set and any number of
// threads. A round trip changes an element by at most 4 (log2 g + 1) u times the norm of its block (with m
// in place of 2^ceil(log2 m) additions per output: counted as m stages), u = 2^-24 or 2^-53.
// Source: QuIP# (arXiv:2402.04396); R. Paley, "On orthogonal matrices", J. Math. Phys. 12 (1933):
// construction I for primes 11 and 19, II for 13.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "fewbits/core/error.hpp"
#include "fewbits/core/isa.hpp"
#include "fewbits/core/parallel.hpp"
#include "fewbits/core/random.hpp"
#include "fewbits/core/span.hpp"
#include "fewbits/simd/fwht.hpp"

namespace fewbits {
inline namespace FEWBITS_ISA {
namespace quant {

namespace detail {

template <std::size_t N>
using SignMatrix = std::array<std::array<std::int8_t, N>, N>;

// 0, 1 or -1: whether a is a square modulo the prime p.
constexpr std::int8_t legendre(int a, int p) {
    a = ((a % p) + p) % p;
    if (a == 0) return 0;
    for (int i = 1; i < p; ++i) {
        if (i * i % p == a) return 1;
    }
    return -1;
}

// Construction I, p = 3 mod 4: I + [[0, 1], [-1, Q]].
template <std::size_t N>
constexpr SignMatrix<N> paley_one() {
    constexpr int p = static_cast<int>(N) - 1;
    SignMatrix<N> h{};
    for (int i = 0; i <= p; ++i) {
        for (int j = 0; j <= p; ++j) {
            int value = i == j ? 1 : 0;
            if (i == 0 && j > 0) value += 1;
            if (i > 0 && j == 0) value -= 1;
            if (i > 0 && j > 0) value += legendre(i - j, p);
            h[static_cast<std::size_t>(i)][static_cast<std::size_t>(j)] = static_cast<std::int8_t>(value);
        }
    }
    return h;
}

// Construction II, p = 1 mod 4: with the symmetric conference matrix C = [[0, 1], [1, Q]],
// C (x) [[1, 1], [1, -1]] + I (x) [[1, -1], [-1, -1]].
template <std::size_t N>
constexpr SignMatrix<N> paley_two() {
    constexpr int order = static_cast<int>(N) / 2;
    SignMatrix<N> h{};
    for (int i = 0; i < order; ++i) {
        for (int j = 0; j < order; ++j) {
            const int c = i == 0 || j == 0 ? (i == j ? 0 : 1) : legendre(i - j, order - 1);
            const int one = i == j ? 1 : 0;
            const auto at = [&](int di, int dj) -> std::int8_t& {
                return h[static_cast<std::size_t>(2 * i + di)][static_cast<std::size_t>(2 * j + dj)];
            };
            at(0, 0) = static_cast<std::int8_t>(c + one);
            at(0, 1) = at(1, 0) = static_cast<std::int8_t>(c - one);
            at(1, 1) = static_cast<std::int8_t>(-c - one);
        }
    }
    return h;
}

template <std::size_t N>
constexpr bool is_hadamard(const SignMatrix<N>& h) {
    for (std::size_t i = 0; i < N; ++i) {
        for (std::size_t j = 0; j < N; ++j) {
            int dot = 0;
            for (std::size_t k = 0; k < N; ++k) dot += h[i][k] * h[j][k];
            if (dot != (i == j ? static_cast<int>(N) : 0)) return false;
        }
    }
    return true;
}

inline constexpr SignMatrix<12> hadamard12 = paley_one<12>();
inline constexpr SignMatrix<20> hadamard20 = paley_one<20>();
inline constexpr SignMatrix<28> hadamard28 = paley_two<28>();
static_assert(is_hadamard(hadamard12) && is_hadamard(hadamard20) && is_hadamard(hadamard28));

// g = base * 2^k; base 1, 12, 20 or 28; 0 where there is no such matrix.
constexpr std::size_t hadamard_base(std::size_t g) {
    if (g == 0) return 0;
    std::size_t odd = g, power = 1;
    for (; odd % 2 == 0; odd /= 2) power *= 2;
    if (odd == 1) return 1;
    return power >= 4 && (odd == 3 || odd == 5 || odd == 7) ? 4 * odd : 0;
}

inline std::int8_t base_sign(std::size_t base, std::size_t i, std::size_t j) {
    if (base == 12) return hadamard12[i][j];
    if (base == 20) return hadamard20[i][j];
    if (base == 28) return hadamard28[i][j];
    return 1;
}

// Element j of each of the sums over i of sign(i, j) x[i], x and the result in `Base` pieces of `length`
// elements: one vector, or one element, of every piece at a time.
template <std::size_t Base, class V, class T>
FEWBITS_INLINE void mix_at(T* data, std::size_t length, std::size_t at, const SignMatrix<Base>& h,
                           bool transposed) {
    V x[Base];
    for (std::size_t i = 0; i < Base; ++i) x[i] = V::load(data + i * length + at);
    for (std::size_t j = 0; j < Base; ++j) {
        V sum = x[0] * V::broadcast(static_cast<T>(transposed ? h[j][0] : h[0][j]));
        for (std::size_t i = 1; i < Base; ++i) {
            // The product with +-1 is exact.
            sum = sum + x[i] * V::broadcast(static_cast<T>(transposed ? h[j][i] : h[i][j]));
        }
        store(sum, data + j * length + at);
    }
}

// One element, with the operations of a vector.
template <class T>
struct Single {
    T value;
    static Single load(const T* from) { return {*from}; }
    static Single broadcast(T x) { return {x}; }
    friend Single operator*(Single a, Single b) { return {a.value * b.value}; }
    friend Single operator+(Single a, Single b) { return {a.value + b.value}; }
    friend void store(Single a, T* to) { *to = a.value; }
};

template <std::size_t Base, class T>
void mix(T* data, std::size_t length, const SignMatrix<Base>& h, bool transposed) {
    using V = simd::detail::fwht_vector<T>;
    std::size_t at = 0;
    for (; at + V::size <= length; at += V::size) mix_at<Base, V>(data, length, at, h, transposed);
    for (; at < length; ++at) mix_at<Base, Single<T>>(data, length, at, h, transposed);
}

// Every block H, or H^T.
template <class T>
void hadamard_blocks(Span<T> x, std::size_t block_size, bool transposed) {
    const std::size_t base = hadamard_base(block_size), length = block_size / base;
    simd::fwht(x, length);
    if (base == 1) return;
    for (T* block = x.data(); block < x.data() + x.size(); block += block_size) {
        if (base == 12) mix(block, length, hadamard12, transposed);
        if (base == 20) mix(block, length, hadamard20, transposed);
        if (base == 28) mix(block, length, hadamard28, transposed);
    }
}

// x[i] times factors[(first + i) mod width].
template <class T>
void multiply_rows(Span<T> x, std::size_t first, const std::vector<T>& factors) {
    using V = simd::detail::fwht_vector<T>;
    std::size_t at = first % factors.size();
    for (std::size_t done = 0; done < x.size(); at = 0) {
        const std::size_t n = std::min(factors.size() - at, x.size() - done);
        T* to = x.data() + done;
        const T* factor = factors.data() + at;
        std::size_t i = 0;
        for (; i + V::size <= n; i += V::size) store(V::load(to + i) * V::load(factor + i), to + i);
        for (; i < n; ++i) to[i] = to[i] * factor[i];
        done += n;
    }
}

// s_i / sqrt(g) for a row.
template <class T>
std::vector<T> rotation_factors(std::size_t width, std::size_t block_size, std::uint64_t seed, bool signs) {
    const T scale = static_cast<T>(1 / std::sqrt(static_cast<double>(block_size)));
    std::vector<T> factors(width, scale);
    if (!signs) return factors;
    std::vector<std::uint32_t> draws(width);
    Philox(seed, 1).fill(0, Span<std::uint32_t>(draws));
    for (std::size_t i = 0; i < width; ++i) {
        if (draws[i] >> 31 != 0) factors[i] = -scale;
    }
    return factors;
}

}  // namespace detail

// Whether there is a rotation of blocks of g elements: g = 2^k, 12 2^k, 20 2^k or 28 2^k.
constexpr bool is_hadamard_size(std::size_t g) { return detail::hadamard_base(g) != 0; }

struct RotateOptions {
    std::uint64_t seed = 0;
    bool signs = true;     // false: no random signs
    bool inverse = false;  // back
    int threads = 1;       // 0: all
};

namespace reference {

// The definition, in g^2 additions a block.
template <class T>
void hadamard_rotate(Span<T> x, std::size_t width, std::size_t block_size, const RotateOptions& options) {
    const std::size_t base = quant::detail::hadamard_base(block_size), length = block_size / base;
    const auto factors = quant::detail::rotation_factors<T>(width, block_size, options.seed, options.signs);
    const auto sign = [&](std::size_t i, std::size_t j) {
        unsigned odd = 0;
        for (std::size_t common = (i % length) & (j % length); common != 0; common &= common - 1) odd ^= 1;
        const T value = static_cast<T>(quant::detail::base_sign(base, i / length, j / length));
        return odd != 0 ? -value : value;
    };
    for (std::size_t begin = 0; begin < x.size(); begin += block_size) {
        std::vector<T> y(block_size);
        for (std::size_t j = 0; j < block_size; ++j) {
            T sum = 0;
            for (std::size_t i = 0; i < block_size; ++i) {
                const T factor = options.inverse ? T(1) : factors[(begin + i) % width];
                sum += (options.inverse ? sign(j, i) : sign(i, j)) * (x[begin + i] * factor);
            }
            y[j] = options.inverse ? sum * factors[(begin + j) % width] : sum;
        }
        for (std::size_t j = 0; j < block_size; ++j) x[begin + j] = y[j];
    }
}

}  // namespace reference

// Rotates rows of `width` elements in place; block_size divides width, and width x.size().
template <class T>
void hadamard_rotate(Span<T> x, std::size_t width, std::size_t block_size,
                     const RotateOptions& options = {}) {
    FEWBITS_REQUIRE(is_hadamard_size(block_size),
                    "hadamard_rotate: block_size must be 2^k, 12 2^k, 20 2^k or 28 2^k, got " +
                        std::to_string(block_size));
    FEWBITS_REQUIRE(width > 0 && width % block_size == 0,
                    "hadamard_rotate: block_size must divide the width " + std::to_string(width) + ", got " +
                        std::to_string(block_size));
    FEWBITS_REQUIRE(x.size() % width == 0, "hadamard_rotate: x must be whole rows");
    const auto factors = detail::rotation_factors<T>(width, block_size, options.seed, options.signs);
    // Pieces that stay in the first-level cache between the passes.
    const std::size_t piece = std::max<std::size_t>(1, (std::size_t{1} << 14) / sizeof(T) / block_size);
    // A thread is worth its start from some hundred microseconds on.
    const std::size_t together = std::max(piece, (std::size_t{1} << 18) / sizeof(T) / block_size);
    parallel_for(x.size() / block_size, together, resolve_threads(options.threads),
                 [&](std::size_t begin, std::size_t end) {
                     for (std::size_t first = begin; first < end; first += piece) {
                         const std::size_t count = std::min(piece, end - first);
                         const Span<T> part = x.subspan(first * block_size, count * block_size);
                         if (!options.inverse) detail::multiply_rows(part, first * block_size, factors);
                         detail::hadamard_blocks(part, block_size, options.inverse);
                         if (options.inverse) detail::multiply_rows(part, first * block_size, factors);
                     }
                 });
}

}  // namespace quant
}  // namespace FEWBITS_ISA
}  // namespace fewbits
