// Random bits by index: Philox4x32-10, a keyed counter turned into noise by ten rounds of multiplications.
//
// Draw i of stream s under a seed is a pure function of (seed, s, i): no state, no order, any thread count.
//   32-bit draw i   word i mod 4 of the block with counter (b_lo, b_hi, s_lo, s_hi), b = i div 4,
//                   key (seed_lo, seed_hi)
//   64-bit draw j   32-bit draws 2j (low half) and 2j + 1 (high half)
// 2^64 streams of 2^64 32-bit draws each per seed. Passes BigCrush (paper, section 5); not for cryptography.
// Contract: exact, the same on every machine; draw indices wrap modulo 2^64 (2^63 for 64-bit draws).
// Source: J. Salmon, M. Moraes, R. Dror, D. Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC 2011,
// DOI 10.1145/2063384.2063405. Bounded integers: D. Lemire, "Fast random integer generation in an interval",
// ACM TOMACS 29 (2019), arXiv:1805.10941, algorithm 5.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "fewbits/core/bits.hpp"
#include "fewbits/core/error.hpp"
#include "fewbits/core/isa.hpp"
#include "fewbits/core/span.hpp"

namespace fewbits {
inline namespace FEWBITS_ISA {

namespace detail {

inline constexpr std::uint32_t philox_multiplier[2] = {0xd2511f53U, 0xcd9e8d57U};
inline constexpr std::uint32_t philox_weyl[2] = {0x9e3779b9U, 0xbb67ae85U};

}  // namespace detail

// One Philox4x32-10 block of a bare counter and key: what the published known answers speak of.
FEWBITS_INLINE std::array<std::uint32_t, 4> philox4x32(const std::array<std::uint32_t, 4>& counter,
                                                       const std::array<std::uint32_t, 2>& key) {
    std::uint32_t w0 = counter[0], w1 = counter[1], w2 = counter[2], w3 = counter[3];
    std::uint32_t key0 = key[0], key1 = key[1];
    for (int round = 0; round < 10; ++round) {
        const std::uint64_t product0 = std::uint64_t{detail::philox_multiplier[0]} * w0;
        const std::uint64_t product1 = std::uint64_t{detail::philox_multiplier[1]} * w2;
        w0 = static_cast<std::uint32_t>(product1 >> 32) ^ w1 ^ key0;
        w1 = static_cast<std::uint32_t>(product1);
        w2 = static_cast<std::uint32_t>(product0 >> 32) ^ w3 ^ key1;
        w3 = static_cast<std::uint32_t>(product0);
        key0 += detail::philox_weyl[0];
        key1 += detail::philox_weyl[1];
    }
    return {w0, w1, w2, w3};
}

// The numbers of one stream of one seed.
class Philox {
public:
    explicit Philox(std::uint64_t seed, std::uint64_t stream = 0) : seed_(seed), stream_(stream) {}

    std::uint64_t seed() const { return seed_; }
    std::uint64_t stream() const { return stream_; }

    // 32-bit draws 4 * index ... 4 * index + 3.
    std::array<std::uint32_t, 4> block(std::uint64_t index) const {
        return philox4x32({low(index), high(index), low(stream_), high(stream_)}, {low(seed_), high(seed_)});
    }

    std::uint32_t draw32(std::uint64_t index) const { return block(index / 4)[index % 4]; }
    std::uint64_t draw64(std::uint64_t index) const {
        const std::array<std::uint32_t, 4> words = block(index / 2 % (std::uint64_t{1} << 62));
        const std::size_t at = 2 * (index % 2);
        return words[at] | std::uint64_t{words[at + 1]} << 32;
    }

    // Uniform on the multiples of 2^-53 (2^-24) in [0, 1).
    double uniform01(std::uint64_t index) const { return to_uniform01(draw64(index)); }
    float uniform01_float(std::uint64_t index) const { return to_uniform01(draw32(index)); }

    static double to_uniform01(std::uint64_t draw) { return static_cast<double>(draw >> 11) * 0x1p-53; }
    static float to_uniform01(std::uint32_t draw) { return static_cast<float>(draw >> 8) * 0x1p-24F; }

    // out[k] = draw first + k
    void fill(std::uint64_t first, Span<std::uint32_t> out) const {
        fill_draws(first, out, [](std::uint32_t draw) { return draw; });
    }
    void fill(std::uint64_t first, Span<float> out) const {
        fill_draws(first, out, [](std::uint32_t draw) { return to_uniform01(draw); });
    }
    void fill(std::uint64_t first, Span<std::uint64_t> out) const {
        fill_draws(first, out, [](std::uint64_t draw) { return draw; });
    }
    void fill(std::uint64_t first, Span<double> out) const {
        fill_draws(first, out, [](std::uint64_t draw) { return to_uniform01(draw); });
    }

private:
    static std::uint32_t low(std::uint64_t value) { return static_cast<std::uint32_t>(value); }
    static std::uint32_t high(std::uint64_t value) { return static_cast<std::uint32_t>(value >> 32); }

    template <class T, class Convert>
    void fill_draws(std::uint64_t first, Span<T> out, Convert convert) const {
        constexpr std::size_t per_block = 16 / sizeof(T);
        const auto draws = [&](std::uint64_t index) {
            // 2^62 blocks in all: indices of 64-bit draws wrap at 2^63.
            const std::array<std::uint32_t, 4> words = block(index / per_block % (std::uint64_t{1} << 62));
            if constexpr (sizeof(T) == 4) {
                return std::array<T, 4>{convert(words[0]), convert(words[1]), convert(words[2]),
                                        convert(words[3])};
            } else {
                return std::array<T, 2>{convert(words[0] | std::uint64_t{words[1]} << 32),
                                        convert(words[2] | std::uint64_t{words[3]} << 32)};
            }
        };
        std::size_t done = 0;
        while (done < out.size()) {
            const std::array<T, per_block> values = draws(first + done);
            std::size_t k = static_cast<std::size_t>((first + done) % per_block);
            if (k == 0 && out.size() - done >= per_block) {
                for (; k < per_block; ++k) out[done + k] = values[k];
                done += per_block;
            } else {
                for (; k < per_block && done < out.size(); ++k) out[done++] = values[k];
            }
        }
    }

    std::uint64_t seed_;
    std::uint64_t stream_;
};

// Sample `index` of the uniform distribution on 0 .. bound - 1, exactly uniform for every bound.
//
// A rejection sampler needs an unknown number of draws, so sample i reads its own stream i: with 64-bit draws
// u_0, u_1, ... of stream i the result is floor(u_j * bound / 2^64) for the first j with
// u_j * bound mod 2^64 >= 2^64 mod bound. The chance that draw j is rejected is below bound / 2^64.
inline std::uint64_t uniform_integer(std::uint64_t seed, std::uint64_t index, std::uint64_t bound) {
    FEWBITS_REQUIRE(bound > 0, "uniform_integer: bound must be positive, got 0");
    const Philox stream(seed, index);
    std::uint64_t draw = stream.draw64(0);
    if (draw * bound < bound) {  // only then can it lie below 2^64 mod bound, which costs a division
        const std::uint64_t threshold = (0 - bound) % bound;
        for (std::uint64_t j = 1; draw * bound < threshold; ++j) draw = stream.draw64(j);
    }
    return mul_high(draw, bound);
}

}  // namespace FEWBITS_ISA
}  // namespace fewbits
