// Draws from the normal distribution, by index.
//
// Draws 2j and 2j + 1 of stream s under a seed come from the 64-bit draws 2j and 2j + 1 of Philox
// (core/random.hpp): with u = ((d >> 11) + 1/2) 2^-53, they are sqrt(-2 log u_2j) times cosine and sine of
// 2 pi u_(2j+1), that product rounded. |z| <= 8.6. A pure function of seed, stream and index: the same bits
// on every machine, for every number of draws at a time.
// Source: G. Box, M. Muller, "A note on the generation of random normal deviates", Ann. Math. Statist. 29
// (1958).
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>

#include "fewbits/core/random.hpp"
#include "fewbits/core/span.hpp"
#include "fewbits/functions/logarithm.hpp"
#include "fewbits/functions/trigonometric.hpp"
#include "fewbits/simd/philox.hpp"

namespace fewbits {
inline namespace FEWBITS_ISA {
namespace functions {

namespace detail {

// In (0, 1), never an end of it.
inline double open_uniform(std::uint64_t draw) { return (static_cast<double>(draw >> 11) + 0.5) * 0x1p-53; }

constexpr double two_pi = 6.283185307179586477;

// Pairs first .. first + n of normal draws, n <= 128.
inline void normal_pairs(const Philox& stream, std::uint64_t first, std::size_t n, double* cosines,
                         double* sines) {
    constexpr std::size_t most = 128;
    std::uint32_t words[4 * most];
    simd::fill_draws(stream, 4 * first, Span<std::uint32_t>(words, 4 * n));
    double radius[most], angle[most];
    const auto draw = [&](std::size_t j) { return words[2 * j] | std::uint64_t{words[2 * j + 1]} << 32; };
    for (std::size_t i = 0; i < n; ++i) {
        radius[i] = open_uniform(draw(2 * i));
        angle[i] = two_pi * open_uniform(draw(2 * i + 1));
    }
    log(Span<const double>(radius, n), Span<double>(radius, n));
    sincos(Span<const double>(angle, n), Span<double>(sines, n), Span<double>(cosines, n));
    for (std::size_t i = 0; i < n; ++i) {
        const double r = std::sqrt(-2 * radius[i]);
        cosines[i] *= r;
        sines[i] *= r;
    }
}

}  // namespace detail

// out[k] = normal draw first + k of the stream.
inline void sample_normal(const Philox& stream, std::uint64_t first, Span<double> out) {
    constexpr std::size_t most = 128;
    double cosines[most], sines[most];
    std::size_t done = 0;
    while (done < out.size()) {
        const std::uint64_t at = first + done;
        const std::size_t skip = static_cast<std::size_t>(at % 2);
        const std::size_t pairs = std::min(most, (out.size() - done + skip + 1) / 2);
        detail::normal_pairs(stream, at / 2, pairs, cosines, sines);
        for (std::size_t i = skip; i < 2 * pairs && done < out.size(); ++i) {
            out[done++] = i % 2 == 0 ? cosines[i / 2] : sines[i / 2];
        }
    }
}

}  // namespace functions
}  // namespace FEWBITS_ISA
}  // namespace fewbits
