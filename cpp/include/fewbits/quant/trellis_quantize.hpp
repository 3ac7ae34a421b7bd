// Quantisers whose codes go to an entropy coder: uniform scalar ones that weigh rate against distortion, and
// trellis-coded ones.
//
//   scalar_quantize(y, ...)    n = argmin (y - n)^2 + lambda bits(n), n an integer
//   trellis_quantize(y, ...)   the sequence of integers, one row a path of core/trellis.hpp from state 0,
//   that
//                              minimises sum (y - n)^2 + lambda bits(n & 1, n >> 1)
// y is in units of the step: reconstruction is n times the step. The trellis lets a row choose between the
// even and the odd integers by its state, so that neighbours of a code are 2 steps apart, but paths 1: at
// equal distortion its step is 0.568 of the scalar one (8 states), and its codes take 0.18 bit less. Rates
// are tables over clamp(n or n >> 1, low, high): those of a first pass, or none with lambda = 0.
//
// Contract: exact: the Viterbi search in float32, operation by operation, the same codes on every instruction
// set and for any number of threads; of two equal costs the smaller state, then the nearer code. |y| <= 2^22.
// Sources: M. Marcellin, T. Fischer, "Trellis coded quantization of memoryless and Gauss-Markov sources",
// IEEE Trans. Communications 38 (1990); T. Fischer, M. Wang, "Entropy-constrained trellis-coded
// quantization", IEEE Trans. Information Theory 38 (1992).
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "fewbits/core/error.hpp"
#include "fewbits/core/isa.hpp"
#include "fewbits/core/parallel.hpp"
#include "fewbits/core/span.hpp"
#include "fewbits/core/trellis.hpp"
#include "fewbits/simd/f32x8.hpp"
#include "fewbits/simd/i32x8.hpp"

namespace fewbits {
inline namespace FEWBITS_ISA {
namespace quant {

// Bits of the integers low, low + 1, ... ; those beyond count as the ends.
struct RateTable {
    std::int32_t low = 0;
    Span<const float> bits;
};

inline constexpr float largest_in_steps = 0x1p22F;

namespace detail {

using simd::f32x8;
using simd::i32x8;

inline void check_steps(Span<const float> y, Span<const std::int32_t> codes, const char* function) {
    FEWBITS_REQUIRE(y.size() == codes.size(),
                    std::string(function) + ": codes must have the size of y, got " +
                        std::to_string(codes.size()) + " for " + std::to_string(y.size()));
    for (std::size_t i = 0; i < y.size(); ++i)
        FEWBITS_REQUIRE(std::fabs(y[i]) <= largest_in_steps,
                        std::string(function) + ": y must be finite and at most 2^22 steps, got " +
                            std::to_string(y[i]) + " at " + std::to_string(i));
}

FEWBITS_INLINE float bits_of(const RateTable& table, std::int32_t symbol) {
    const auto last = static_cast<std::int32_t>(table.bits.size()) - 1;
    return table.bits[static_cast<std::size_t>(std::max(0, std::min(symbol - table.low, last)))];
}

// The integer congruent to `residue` modulo 4 that is nearest to y; ties to the even multiple.
FEWBITS_INLINE f32x8 nearest_of_class(f32x8 y, float residue) {
    const f32x8 offset = f32x8::broadcast(residue), four = f32x8::broadcast(4);
    return fma(nearest_even((y - offset) * f32x8::broadcast(0.25F)), four, offset);
}

// Eight rows side by side.
class TrellisSearch {
public:
    static constexpr std::size_t rows = 8;

    TrellisSearch(unsigned states, std::size_t width) : trellis_(states), states_(states), width_(width) {
        // For every state its two predecessors, in ascending order, and the class (n mod 4) that leads there.
        std::vector<unsigned> found(states, 0);
        predecessors_.resize(2 * std::size_t{states});
        for (unsigned s = 0; s < states; ++s) {
            for (unsigned z1 = 0; z1 < 2; ++z1) {
                const unsigned next = trellis_.next(s, z1);
                predecessors_[2 * next + found[next]++] = {static_cast<std::uint16_t>(s),
                                                           static_cast<std::uint16_t>((s & 1) + 2 * z1)};
            }
        }
        metrics_.resize(2 * std::size_t{states} * rows);
        choices_.resize(width * states);
        candidates_.resize(width * 4 * rows);
    }

    // y and codes hold `count` <= 8 rows, one after the other.
    void run(const float* y, std::int32_t* codes, std::size_t count, float lambda, const RateTable* rates) {
        float* now = metrics_.data();
        float* next = now + states_ * rows;
        // Only state 0 is open at the start; sums with the others stay out of reach.
        std::fill(now, now + rows, 0.0F);
        std::fill(now + rows, now + states_ * rows, 1e30F);
        for (std::size_t j = 0; j < width_; ++j) {
            float column[rows] = {};
            for (std::size_t r = 0; r < count; ++r) column[r] = y[r * width_ + j];
            f32x8 costs[4];
            classify(f32x8::load(column), lambda, rates, costs, candidates_.data() + j * 4 * rows);
            std::uint8_t* choices = choices_.data() + j * states_;
            f32x8 least = f32x8::broadcast(1e30F);
            for (std::size_t s = 0; s < states_; ++s) {
                const Predecessor& a = predecessors_[2 * s];
                const Predecessor& b = predecessors_[2 * s + 1];
                const f32x8 first = f32x8::load(now + a.state * rows) + costs[a.residue];
                const f32x8 second = f32x8::load(now + b.state * rows) + costs[b.residue];
                const auto later = second < first;
                const f32x8 best = select(later, second, first);
                choices[s] = static_cast<std::uint8_t>(bits(later));
                least = min(least, best);
                store(best, next + s * rows);
            }
            // Differences count only: sums stay small.
            if (j % 32 == 31)
                for (std::size_t s = 0; s < states_; ++s)
                    store(f32x8::load(next + s * rows) - least, next + s * rows);
            std::swap(now, next);
        }
        for (std::size_t r = 0; r < count; ++r) {
            std::size_t state = 0;
            for (std::size_t s = 1; s < states_; ++s)
                if (now[s * rows + r] < now[state * rows + r]) state = s;
            for (std::size_t j = width_; j-- > 0;) {
                const unsigned later = choices_[j * states_ + state] >> r & 1U;
                const Predecessor& from = predecessors_[2 * state + later];
                codes[r * width_ + j] = candidates_[(j * 4 + from.residue) * rows + r];
                state = from.state;
            }
        }
    }

private:
    struct Predecessor {
        std::uint16_t state, residue;
    };

    // The best code of each class and what it costs.
    static void classify(f32x8 y, float lambda, const RateTable* rates, f32x8 (&costs)[4],
                         std::int32_t* out) {
        for (int residue = 0; residue < 4; ++residue) {
            const f32x8 nearest = nearest_of_class(y, static_cast<float>(residue));
            const f32x8 error = y - nearest;
            std::int32_t* codes = out + residue * static_cast<int>(rows);
            store(truncate_i32(nearest), codes);
            costs[residue] = error * error;
            if (lambda == 0) continue;
            // The nearest and its two neighbours in the class, by distortion and rate.
            const RateTable& table = rates[residue & 1];
            const i32x8 low = i32x8::broadcast(table.low), zero = i32x8::broadcast(0);
            const i32x8 last = i32x8::broadcast(static_cast<std::int32_t>(table.bits.size()) - 1);
            const f32x8 weight = f32x8::broadcast(lambda);
            const auto total = [&](f32x8 n) {
                const i32x8 symbol = shift_right(truncate_i32(n), 1) - low;
                const f32x8 e = y - n;
                return e * e + weight * lookup(table.bits.data(), max(zero, min(symbol, last)));
            };
            f32x8 best = nearest, least = total(nearest);
            for (const float shift : {-4.0F, 4.0F}) {
                const f32x8 n = nearest + f32x8::broadcast(shift), cost = total(n);
                const auto cheaper = cost < least;
                best = select(cheaper, n, best);
                least = select(cheaper, cost, least);
            }
            store(truncate_i32(best), codes);
            costs[residue] = least;
        }
    }

    Trellis trellis_;
    std::size_t states_, width_;
    std::vector<Predecessor> predecessors_;
    std::vector<float> metrics_;
    std::vector<std::uint8_t> choices_;     // bit r: row r came from the second predecessor
    std::vector<std::int32_t> candidates_;  // of every column: four classes of eight rows
};

}  // namespace detail

// codes[i] for y[i]. lambda >= 0; a table of rates over n is needed where it is positive.
inline void scalar_quantize(Span<const float> y, Span<std::int32_t> codes, float lambda = 0,
                            const RateTable& rates = {}, int threads = 1) {
    constexpr const char* function = "quant.scalar_quantize";
    detail::check_steps(y, Span<const std::int32_t>(codes.data(), codes.size()), function);
    FEWBITS_REQUIRE(lambda >= 0 && std::isfinite(lambda),
                    std::string(function) + ": lambda must be at least 0 and finite");
    FEWBITS_REQUIRE(lambda == 0 || !rates.bits.empty(), std::string(function) + ": rates must not be empty");
    parallel_for(y.size(), std::size_t{1} << 16, threads, [&](std::size_t begin, std::size_t end) {
        for (std::size_t i = begin; i < end; ++i) {
            const float nearest = std::nearbyint(y[i]);
            auto best = static_cast<std::int32_t>(nearest);
            if (lambda > 0) {
                float least = (y[i] - nearest) * (y[i] - nearest) + lambda * detail::bits_of(rates, best);
                // Towards zero the rate falls; one step beyond is never better by distortion.
                for (const std::int32_t n : {best - 1, best + 1, 0}) {
                    const float e = y[i] - static_cast<float>(n);
                    const float total = e * e + lambda * detail::bits_of(rates, n);
                    if (total < least) {
                        least = total;
                        best = n;
                    }
                }
            }
            codes[i] = best;
        }
    });
}

// Rows of `width` elements. rates[z0] is a table over n >> 1 of the codes of parity z0.
inline void trellis_quantize(Span<const float> y, std::size_t width, unsigned states,
                             Span<std::int32_t> codes, float lambda = 0, const RateTable* rates = nullptr,
                             int threads = 1) {
    constexpr const char* function = "quant.trellis_quantize";
    const Trellis trellis(states);
    detail::check_steps(y, Span<const std::int32_t>(codes.data(), codes.size()), function);
    FEWBITS_REQUIRE(width > 0 ? y.size() % width == 0 : y.empty(),
                    std::string(function) + ": width must divide the size of y, got " +
                        std::to_string(width) + " for " + std::to_string(y.size()));
    FEWBITS_REQUIRE(lambda >= 0 && std::isfinite(lambda),
                    std::string(function) + ": lambda must be at least 0 and finite");
    FEWBITS_REQUIRE(lambda == 0 || (rates != nullptr && !rates[0].bits.empty() && !rates[1].bits.empty()),
                    std::string(function) + ": rates must not be empty");
    if (y.empty()) return;
    constexpr std::size_t group = detail::TrellisSearch::rows;
    const std::size_t rows = y.size() / width, groups = (rows + group - 1) / group;
    parallel_for(groups, std::max<std::size_t>(1, 16384 / (width * group)), threads,
                 [&](std::size_t begin, std::size_t end) {
                     detail::TrellisSearch search(states, width);
                     for (std::size_t g = begin; g < end; ++g) {
                         const std::size_t row = g * group, count = std::min(group, rows - row);
                         search.run(y.data() + row * width, codes.data() + row * width, count, lambda, rates);
                     }
                 });
}

}  // namespace quant
}  // namespace FEWBITS_ISA
}  // namespace fewbits
