// Rounding a number to a format of few bits: every deterministic and stochastic mode, rounded once.
//
// Definition. For finite x != 0 with a = |x|: e = max(floor(log2 a), emin), quantum q = 2^(e - t), or q =
// 2^emin below 2^emin where there are no subnormals. n = floor(a / q), d = a / q - n. The magnitude is (n +
// up) q with the sign of x; `up` depends on the mode:
//   nearest_even   d > 1/2, or d = 1/2 and n odd       toward_zero      never
//   nearest_away   d >= 1/2                            away_from_zero   d > 0
//   nearest_zero   d > 1/2                             toward_positive  d > 0 and x > 0
//   nearest_up     as away for x > 0, zero for x < 0   toward_negative  d > 0 and x < 0
//   nearest_down   the mirror image                    to_odd           d > 0 and n even
//   nearest_odd    d > 1/2, or d = 1/2 and n even      jam              n even, exact values included
//   stochastic     with probability d                  stochastic_equal with probability 1/2 where d > 0
//   random_directed  one random bit picks the neighbour above or below on the signed line
// "odd" is the last bit of the code: with precision 1 that is the parity of the exponent code. Then overflow
// (of the value rounded without a largest exponent), signs and NaN follow `Saturate`, `NanPolicy` and the
// format.
//
// Random bits. Element i of stream s reads Philox draw i of stream s (core/random.hpp); the bits of a
// comparison that 32 do not decide come from draw i of streams s + 2^32, s + 2 2^32, ... With random_bits =
// k, R are the top k bits and up means A: floor(d 2^k) + R >= 2^k, B: d 2^k + R + 1/2 >= 2^k, C: rne(d 2^k) +
// R >= 2^k.
//
// Kernels. On the bits of the carrier, 2^drop carrier units being the quantum: add a value below 2^drop that
// depends on the mode alone and cut the low drop bits off; the carry into the exponent is what is wanted.
// detail/round_general.hpp does that for every format and option, detail/round_fast.hpp has two shorter
// recipes for the common ones. The flush-to-zero mode of the thread does not matter to either. Rare cases go
// through the definition, rounding_reference.hpp.
//
// Contract: exact, types float32, float64, int64, uint64; the same bits on every machine for any number of
// threads and any cutting into calls (with `first` set). x and out may be the same array.
// Sources: definition after M. Fasi, M. Mikaitis, "CPFloat", ACM TOMS 49 (2023), and the documentation of
// gfloat (variants A, B, C: IEEE P3109); to odd: S. Boldo, G. Melquiond, IEEE Trans. Computers 57 (2008).
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <type_traits>

#include "fewbits/core/error.hpp"
#include "fewbits/core/parallel.hpp"
#include "fewbits/core/random.hpp"
#include "fewbits/core/span.hpp"
#include "fewbits/formats/detail/carrier.hpp"
#include "fewbits/formats/detail/plan.hpp"
#include "fewbits/formats/detail/round_fast.hpp"
#include "fewbits/formats/detail/round_general.hpp"
#include "fewbits/formats/float_format.hpp"
#include "fewbits/formats/rounding_options.hpp"
#include "fewbits/formats/rounding_reference.hpp"
#include "fewbits/simd/philox.hpp"
#include "fewbits/simd/stream.hpp"

namespace fewbits {
inline namespace FEWBITS_ISA {
namespace formats {

namespace detail {

template <class T>
using RoundChunk = std::size_t (*)(const Plan<T>&, const T*, T*, std::size_t, std::uint64_t,
                                   const WordOf<T>*);

template <class T>
using EncodeChunk = std::size_t (*)(const Plan<T>&, const T*, std::uint32_t*, std::size_t, std::uint64_t,
                                    const WordOf<T>*);

// The kernels of a call; encode is null where codes come from values.
template <class T>
struct Kernels {
    RoundChunk<T> round;
    EncodeChunk<T> encode;
};

template <class T, Family family>
Kernels<T> kernels_of_family(const Plan<T>& plan) {
    const RoundOptions& options = plan.options;
    // With one bit there is nothing between zero and the smallest normal value.
    const bool gradual = options.subnormal == Subnormal::gradual ||
                         (options.subnormal == Subnormal::nearest_normal && plan.format.precision == 1);
    if (gradual && !options.flush_inputs && options.exponent_limit && options.saturate != Saturate::wrap) {
        using Sums = ByAddition<T, family>;
        using Bits = Linear<T, family>;
        if (Bits::covers(plan.format)) return {round_fast<T, Bits, false>, round_fast<T, Bits, true>};
        if (Sums::covers(plan.format) && adds_to_nearest_even<T>())
            return {round_fast<T, Sums, false>, round_fast<T, Sums, true>};
    }
    return {round_chunk<T>, nullptr};
}

template <class T>
Kernels<T> kernels_of(const Plan<T>& plan) {
    switch (plan.options.rounding) {
        case Rounding::nearest_even:
            return kernels_of_family<T, Family::nearest_even>(plan);
        case Rounding::nearest_odd:
            return kernels_of_family<T, Family::nearest_odd>(plan);
        case Rounding::nearest_away:
        case Rounding::nearest_zero:
        case Rounding::nearest_up:
        case Rounding::nearest_down:
            return kernels_of_family<T, Family::ties>(plan);
        case Rounding::toward_zero:
        case Rounding::away_from_zero:
        case Rounding::toward_positive:
        case Rounding::toward_negative:
            return kernels_of_family<T, Family::directed>(plan);
        case Rounding::to_odd:
            return kernels_of_family<T, Family::to_odd>(plan);
        case Rounding::stochastic:
            return kernels_of_family<T, Family::stochastic>(plan);
        case Rounding::stochastic_equal:
        case Rounding::random_directed:
            return kernels_of_family<T, Family::coin>(plan);
        default:
            return kernels_of_family<T, Family::jam>(plan);
    }
}

// The random bits of elements i, i + 1, ... as the kernels want them: zeros fill the last group of lanes.
template <class T>
void fill_draws(const RoundOptions& options, std::uint64_t i, std::size_t count, WordOf<T>* draws) {
    std::uint32_t words[chunk];
    const std::size_t padded = std::min(chunk, count + Carrier<T>::Lanes::size);
    const Philox stream(options.seed, options.stream);
    if (!options.bits.empty()) {
        for (std::size_t k = 0; k < count; ++k) words[k] = random_word(options, i + k, 0);
    } else {
        simd::fill_draws(stream, options.first + i, Span<std::uint32_t>(words, count));
    }
    if constexpr (std::is_same_v<T, float>) {
        std::copy(words, words + count, draws);
        std::fill(draws + count, draws + padded, 0U);
    } else {
        std::uint32_t more[chunk];
        const bool full = options.rounding == Rounding::stochastic && options.random_bits == 0;
        if (full && options.bits.empty())
            simd::fill_draws(Philox(options.seed, options.stream + (std::uint64_t{1} << 32)),
                             options.first + i, Span<std::uint32_t>(more, count));
        else
            std::fill(more, more + count, 0U);
        for (std::size_t k = 0; k < count; ++k) draws[k] = std::uint64_t{words[k]} << 32 | more[k];
        std::fill(draws + count, draws + padded, std::uint64_t{0});
    }
}

[[noreturn]] inline void refuse_value(const char* function, std::uint64_t i) {
    throw ArgumentError(
        std::string(function) +
        ": x must not hold nan (or what becomes nan) for this format and nan policy, got one at "
        "flat index " +
        std::to_string(i) + "; nan='zero' and nan='max' replace it");
}

// Rounds one chunk of any input type into the carrier T.
template <class In, class T>
void round_any(const char* function, const Plan<T>& plan, RoundChunk<T> kernel, const In* x, T* out,
               std::size_t count, std::uint64_t i) {
    WordOf<T> draws[chunk];
    if (rounds_randomly(plan.options.rounding)) fill_draws<T>(plan.options, i, count, draws);
    if constexpr (std::is_same_v<In, T>) {
        const std::size_t refused = kernel(plan, x, out, count, i, draws);
        if (refused != count) refuse_value(function, i + refused);
    } else {
        static_assert(std::is_same_v<T, double>);
        T wide[chunk];
        for (std::size_t k = 0; k < count; ++k) {
            if constexpr (std::is_same_v<In, float>) {
                wide[k] = widen(x[k]);
            } else {
                wide[k] = static_cast<T>(x[k]);
            }
        }
        T values[chunk];
        const std::size_t refused = kernel(plan, wide, values, count, i, draws);
        if (refused != count) refuse_value(function, i + refused);
        if constexpr (std::is_integral_v<In>) {
            // The conversion of integers beyond 2^53 has rounded already.
            for (std::size_t k = 0; k < count; ++k) {
                const Exact e = exact(x[k]);
                if (e.significand >> 53 != 0)
                    values[k] = from_word<T>(reference::round_bits<T>(e, plan, i + k));
            }
        }
        std::copy(values, values + count, out);
    }
}

// Elements per piece of work for the threads: enough to pay for starting one.
inline constexpr std::size_t thread_block = std::size_t{1} << 18;

}  // namespace detail

// out[i] = x[i] rounded to the format. In, T: float or double alike, or In integers and T double.
// Throws ArgumentError where T lacks values of the format, options contradict one another, sizes differ, or
// the NaN policy refuses a value (out is then partly written).
template <class In, class T>
void round_to(Span<const In> x, const FloatFormat& format, const RoundOptions& options, Span<T> out) {
    static_assert(std::is_same_v<In, T> || (std::is_integral_v<In> && std::is_same_v<T, double>));
    constexpr const char* function = "formats.round_to";
    FEWBITS_REQUIRE(x.size() == out.size(), "formats.round_to: out must have the size of x, got " +
                                                std::to_string(out.size()) + " for " +
                                                std::to_string(x.size()));
    const detail::Plan<T> plan = detail::make_plan<T>(function, format, options, x.size());
    const detail::RoundChunk<T> kernel = detail::kernels_of<T>(plan).round;
    const bool streams = simd::streams(x.size() * sizeof(T)) &&
                         static_cast<const void*>(x.data()) != static_cast<const void*>(out.data());
    parallel_for(x.size(), detail::thread_block, options.threads, [&](std::size_t begin, std::size_t end) {
        T buffer[detail::chunk];
        std::size_t count = streams ? std::min(simd::before_line(out.data() + begin), end - begin) : 0;
        for (std::size_t i = begin; i < end; i += count, count = 0) {
            if (count == 0) count = std::min(detail::chunk, end - i);
            T* const to = out.data() + i;
            detail::round_any<In, T>(function, plan, kernel, x.data() + i, streams ? buffer : to, count, i);
            if (streams) simd::stream_copy(buffer, to, count);
        }
        if (streams) simd::stream_fence();
    });
}

}  // namespace formats
}  // namespace FEWBITS_ISA
}  // namespace fewbits
