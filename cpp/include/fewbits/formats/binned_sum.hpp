// A sum that depends on no order, faster than the exact one: every number is cut into slices at fixed places,
// and the slices of one place are added without error.
//
// Bin j counts units of 2^(40 j). With J the least bin such that |x| < 2^(40 (J + 1) - 1) for all x, bins J,
// J - 1, ..., J - fold + 1 are kept: slice j of x is what is left of x, rounded to nearest even in units of
// bin j. What a slice is depends on x alone, since bins above J have only zeros: so parts summed apart, with
// larger or smaller numbers, agree once the bins below the last kept one of the whole are dropped. The sum of
// the kept slices is exact and rounded once, in any mode and to any format.
//
// Error: before that rounding at most n 2^(40 (J - fold + 1) - 1) <= n 2^(-40 (fold - 1)) max|x|, which is
// n 2^-80 max|x| with fold = 3.
// Kernel: slices of blocks of 2048 by adding and subtracting 1.5 2^52 units, four lanes, sums as integers.
// Numbers of 2^940 and more, and slices below 2^-1040, are cut as integers.
//
// Contract: reproducible: the same bits for any order, split, number of threads and instruction set. nan,
// infinities of both signs give nan; infinity itself. A sum that is zero is +0.
// Sources: J. Demmel, H. D. Nguyen, "Fast reproducible floating-point summation", ARITH 2013; W. Ahrens, J.
// Demmel, H. D. Nguyen, "Algorithms for efficient reproducible floating point summation", ACM TOMS 46 (2020):
// the bins, here with fixed addends and integers in place of their accumulators.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <type_traits>
#include <vector>

#include "fewbits/core/bits.hpp"
#include "fewbits/core/error.hpp"
#include "fewbits/core/error_free.hpp"
#include "fewbits/core/float_environment.hpp"
#include "fewbits/core/isa.hpp"
#include "fewbits/core/parallel.hpp"
#include "fewbits/core/span.hpp"
#include "fewbits/formats/arithmetic.hpp"
#include "fewbits/formats/detail/carrier.hpp"
#include "fewbits/formats/exact_sum.hpp"
#include "fewbits/simd/f32x8.hpp"
#include "fewbits/simd/f64x4.hpp"

namespace fewbits {
inline namespace FEWBITS_ISA {
namespace formats {

inline constexpr int most_bins_kept = 4;

namespace detail {

inline constexpr int bin_width = 40, lowest_bin = -27, highest_bin = 25;  // 2^-1080 and 2^1000

// The bin J of a magnitude: the least with x < 2^(40 (J + 1) - 1).
inline int bin_of(double magnitude) {
    const Exact x = exact(magnitude);
    const int length = static_cast<int>(bit_length(x.significand)) + x.exponent;  // x < 2^length
    // 40 (J + 1) - 1 >= length
    const int above = length + 1 - bin_width - lowest_bin * bin_width;
    return std::max(lowest_bin, lowest_bin + (above + bin_width - 1) / bin_width);
}

}  // namespace detail

// Sums of slices by bin.
class BinnedAccumulator {
public:
    explicit BinnedAccumulator(int fold = 3) : fold_(fold) {
        FEWBITS_REQUIRE(fold >= 1 && fold <= most_bins_kept,
                        "formats.binned_sum: fold must be in 1..4, got " + std::to_string(fold));
    }

    // Adds all of x.
    template <class T>
    void add(Span<const T> x) {
        const FloatEnvironment environment;
        double values[block];
        for (std::size_t i = 0; i < x.size(); i += block) {
            const std::size_t count = std::min(block, x.size() - i);
            if constexpr (std::is_same_v<T, double>) {
                add_block(x.data() + i, values, count);
            } else {
                for (std::size_t k = 0; k < count; ++k) values[k] = static_cast<double>(x[i + k]);
                add_block(values, values, count);
            }
        }
    }
    void merge(const BinnedAccumulator& other) {
        FEWBITS_REQUIRE(fold_ == other.fold_, "formats.BinnedAccumulator: fold must be the same to merge");
        top_ = std::max(top_, other.top_);
        for (std::size_t b = 0; b < bins; ++b)
            for (std::size_t part = 0; part < 2; ++part) sums_[b][part] += other.sums_[b][part];
        special_.merge(other.special_);
        has_special_ = has_special_ || other.has_special_;
    }
    // The sum of what is kept.
    detail::Exact value() const {
        if (has_special_) return special_.value();
        ExactAccumulator total;
        for (int k = 0; k < fold_ && top_ - k >= detail::lowest_bin; ++k) {
            const auto& parts = sums_[index(top_ - k)];
            const int exponent = detail::bin_width * (top_ - k);
            total.add_integer(parts[0], std::max(exponent, lowest_exponent));
            if (parts[1] != 0) total.add_integer(parts[1], std::max(exponent, lowest_exponent) + 32);
        }
        return total.value();
    }
    template <class T>
    T round(const Arithmetic<T>& arithmetic, std::uint64_t i = 0) const {
        return arithmetic.finish(value(), i);
    }

    // The definition, one number at a time.
    void add_reference(double x) {
        if (!note(x)) return;
        const int top = detail::bin_of(std::fabs(x));
        top_ = std::max(top_, top);
        slice(x, top);
    }

private:
    static constexpr std::size_t block = 2048;  // 2^11 slices below 2^39 units: exact in 53 bits
    static constexpr std::size_t bins = detail::highest_bin - detail::lowest_bin + 1;
    // The last bin holds what is left: whole multiples of the least float64.
    static constexpr int lowest_exponent = -1074;

    static std::size_t index(int bin) { return static_cast<std::size_t>(bin - detail::lowest_bin); }

    // n units of a bin: the low 32 bits and the rest, each with room for 2^31 blocks.
    void deposit(int bin, std::int64_t n) {
        sums_[index(bin)][0] += n & 0xffffffff;
        sums_[index(bin)][1] += n >> 32;
    }
    bool note(double x) {
        if (FEWBITS_LIKELY(std::fabs(x) <= std::numeric_limits<double>::max())) return true;
        special_.add(x);
        has_special_ = true;
        return false;
    }
    // By integers: rounds the rest to units of each bin, half to even.
    void slice(double x, int top) {
        const detail::Exact taken = detail::exact(x);
        auto rest = static_cast<std::int64_t>(taken.significand);
        if (taken.negative) rest = -rest;
        for (int k = 0; k < fold_ && top - k >= detail::lowest_bin && rest != 0; ++k) {
            const int shift = detail::bin_width * (top - k) - taken.exponent;
            if (top - k == detail::lowest_bin || shift <= 0) {
                // All that is left is a multiple of the unit, or of the last bin's 2^-1074.
                const int unit = std::max(detail::bin_width * (top - k), lowest_exponent);
                deposit(top - k, rest * (std::int64_t{1} << (taken.exponent - unit)));
                return;
            }
            if (shift > 54) continue;  // less than half a unit
            const std::int64_t unit = std::int64_t{1} << shift;
            std::int64_t n = rest >> shift;  // floor
            const std::int64_t above = rest - n * unit;
            if (above > unit / 2 || (above == unit / 2 && n % 2 != 0)) ++n;
            deposit(top - k, n);
            rest -= n * unit;
        }
    }
    // `rest` may be x itself.
    void add_block(const double* x, double* rest, std::size_t count) {
        using simd::f64x4;
        f64x4 largest = f64x4::zero();
        std::size_t i = 0;
        bool finite = true;
        for (; i + 4 <= count; i += 4) largest = max(abs(f64x4::load(x + i)), largest);
        double lanes[4];
        store(largest, lanes);
        double top_value = 0;
        for (const double lane : lanes) top_value = std::max(top_value, lane);
        for (; i < count; ++i) top_value = std::max(top_value, std::fabs(x[i]));
        // max() may pass over nan: the sum of x - x shows it.
        f64x4 check = f64x4::zero();
        for (i = 0; i + 4 <= count; i += 4) {
            const f64x4 v = f64x4::load(x + i);
            check = check + (v - v);
        }
        store(check, lanes);
        for (const double lane : lanes) finite = finite && lane == 0;
        for (; i < count; ++i) finite = finite && x[i] - x[i] == 0;
        if (!finite || top_value >= 0x1p939) {
            for (i = 0; i < count; ++i) add_reference(x[i]);
            return;
        }
        const int top = detail::bin_of(top_value);
        top_ = std::max(top_, top);
        if (top_value == 0) return;
        for (int k = 0; k < fold_ && top - k >= detail::lowest_bin; ++k) {
            const int bin = top - k;
            const double* const source = k == 0 ? x : rest;
            if (bin == detail::lowest_bin) {
                for (i = 0; i < count; ++i) slice(source[i], bin);
                return;
            }
            const int exponent = detail::bin_width * bin;
            const double shifter = std::ldexp(1.5, exponent + 52);
            // Each of two chains keeps four sums, of at most 256 slices.
            const f64x4 magic = f64x4::broadcast(shifter);
            f64x4 sums[2] = {f64x4::zero(), f64x4::zero()};
            for (i = 0; i + 8 <= count; i += 8) {
                for (std::size_t v = 0; v < 2; ++v) {
                    const f64x4 value = f64x4::load(source + i + 4 * v);
                    const f64x4 part = value_barrier(value + magic) - magic;
                    sums[v] = sums[v] + part;
                    store(value - part, rest + i + 4 * v);
                }
            }
            store(sums[0] + sums[1], lanes);
            double sum = (lanes[0] + lanes[1]) + (lanes[2] + lanes[3]);  // exact, so in any order
            for (; i < count; ++i) {
                const double part = value_barrier(source[i] + shifter) - shifter;
                sum += part;
                rest[i] = source[i] - part;
            }
            if (sum == 0) continue;
            // A whole number of units below 2^51, cut out of the bits.
            const detail::Exact units = detail::exact(sum);
            const int up = units.exponent - exponent;
            const auto n =
                static_cast<std::int64_t>(up >= 0 ? units.significand << up : units.significand >> -up);
            deposit(bin, units.negative ? -n : n);
        }
    }

    std::array<std::array<std::int64_t, 2>, bins> sums_ = {};
    int fold_;
    int top_ = detail::lowest_bin;
    ExactAccumulator special_;  // of infinities and nan alone
    bool has_special_ = false;
};

// The sum of x, rounded once by the arithmetic.
template <class T>
T binned_sum(Span<const T> x, const Arithmetic<T>& arithmetic, int fold = 3, int threads = 1) {
    BinnedAccumulator total(fold);
    constexpr std::size_t piece = std::size_t{1} << 18;
    if (x.size() <= piece) {
        total.add(x);
        return total.round(arithmetic);
    }
    std::vector<BinnedAccumulator> parts((x.size() - 1) / piece + 1, BinnedAccumulator(fold));
    parallel_for(x.size(), piece, threads, [&](std::size_t begin, std::size_t end) {
        parts[begin / piece].add(x.subspan(begin, end - begin));
    });
    for (const BinnedAccumulator& part : parts) total.merge(part);
    return total.round(arithmetic);
}

}  // namespace formats
}  // namespace FEWBITS_ISA
}  // namespace fewbits
