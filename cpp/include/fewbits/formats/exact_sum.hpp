// Sums and dot products without any error, rounded once at the end, in any mode and to any format.
//
// ExactAccumulator is a fixed point number of 136 limbs of 32 bits in 64-bit words: it holds every sum of
// float64 values and of products of two of them (2^-2148 to 2^2048, and 2^63 terms of that). Carries wait in
// the upper halves of the words: 2^29 additions go between two clean-ups.
// Long sums first collect significands in one integer per exponent field: a load, an addition and a store per
// value (the "small superaccumulator" of Neal, with every exponent for itself).
//
// Contract: exact, so independent of order, threads and instruction set: a reproducible sum. nan, or
// infinities of both signs, or 0 * infinity give nan; one infinity gives itself. A sum that is zero is +0.
// Sources: U. Kulisch, "Computer Arithmetic and Validity" (2013), chapter 8; R. Neal, "Fast exact summation
// using small and large superaccumulators", arXiv:1505.05571.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "fewbits/core/bits.hpp"
#include "fewbits/core/error.hpp"
#include "fewbits/core/isa.hpp"
#include "fewbits/core/parallel.hpp"
#include "fewbits/core/span.hpp"
#include "fewbits/formats/arithmetic.hpp"
#include "fewbits/formats/rounding.hpp"

namespace fewbits {
inline namespace FEWBITS_ISA {
namespace formats {

class ExactAccumulator {
public:
    void clear() { *this = ExactAccumulator(); }

    template <class T>
    void add(T x) {
        add(detail::exact(x));
    }
    // (-1)^negative significand 2^exponent with exponent >= -2148 and the whole below 2^2112.
    void add(const detail::Exact& x) {
        if (!note(x)) return;
        add_bits(x.significand, x.exponent, x.negative);
    }
    template <class T>
    void add_product(T a, T b) {
        const detail::Exact x = detail::exact(a), y = detail::exact(b);
        if (x.kind != detail::Exact::finite || y.kind != detail::Exact::finite) {
            note(detail::exact_operation(Operation::multiply, x, y, false));
            return;
        }
        const bool negative = x.negative != y.negative;
        const int exponent = x.exponent + y.exponent;
        add_bits(x.significand * y.significand, exponent, negative);
        const std::uint64_t high = mul_high(x.significand, y.significand);
        if (high != 0) add_bits(high, exponent + 64, negative);
    }
    // n 2^exponent, |n| < 2^63
    void add_integer(std::int64_t n, int exponent) {
        const auto magnitude = static_cast<std::uint64_t>(n);
        add_bits(n < 0 ? 0 - magnitude : magnitude, exponent, n < 0);
    }
    void merge(const ExactAccumulator& other) {
        normalise();
        for (std::size_t i = 0; i < limbs; ++i) limb_[i] += other.limb_[i];
        pending_ = other.pending_ + 1;
        seen_nan_ = seen_nan_ || other.seen_nan_;
        seen_positive_ = seen_positive_ || other.seen_positive_;
        seen_negative_ = seen_negative_ || other.seen_negative_;
        if (pending_ >= most_pending) normalise();
    }

    // The sum, cut to 64 bits of which the last is set where a bit is lost.
    detail::Exact value() const {
        using detail::Exact;
        if (seen_nan_ || (seen_positive_ && seen_negative_)) return detail::exact_nan();
        if (seen_positive_ || seen_negative_) return {Exact::infinite, seen_negative_, 0, 0};
        ExactAccumulator sum = *this;
        sum.normalise();
        const bool negative = sum.limb_[limbs - 1] < 0;
        if (negative) {
            for (std::int64_t& limb : sum.limb_) limb = -limb;
            sum.normalise();
        }
        std::size_t top = limbs;
        while (top > 0 && sum.limb_[top - 1] == 0) --top;
        if (top == 0) return {Exact::finite, false, 0, 0};
        // The top three limbs have 65 to 96 bits; those below are sticky.
        const auto at = [&](std::size_t i) {
            return top >= i ? static_cast<std::uint64_t>(sum.limb_[top - i]) : std::uint64_t{0};
        };
        bool rest = false;
        for (std::size_t i = 0; i + 3 < top; ++i) rest = rest || sum.limb_[i] != 0;
        const detail::Wide all{at(1), at(2) << 32 | at(3)};
        detail::Exact result = detail::cut(negative, all, 32 * (static_cast<int>(top) - 3) + lowest);
        if (rest) result.significand |= 1;
        // Less than 64 bits only where the rest is zero.
        return result;
    }
    // The whole state in bytes, the same for the same sum: limbs low first, then what was seen.
    static constexpr std::size_t state_size = 4 * 135 + 8 + 1;
    Bytes state() const {
        ExactAccumulator sum = *this;
        sum.normalise();
        Bytes bytes;
        for (std::size_t i = 0; i + 1 < limbs; ++i)
            append_le(bytes, static_cast<std::uint32_t>(sum.limb_[i]));
        append_le(bytes, static_cast<std::uint64_t>(sum.limb_[limbs - 1]));
        bytes.push_back(static_cast<std::uint8_t>(seen_nan_ | seen_positive_ << 1 | seen_negative_ << 2));
        return bytes;
    }
    static ExactAccumulator from_state(ByteSpan bytes) {
        FEWBITS_REQUIRE(bytes.size() == state_size && bytes[state_size - 1] < 8,
                        "formats.ExactAccumulator: the state must be one that state() gave");
        ExactAccumulator sum;
        for (std::size_t i = 0; i + 1 < limbs; ++i)
            sum.limb_[i] = load_le<std::uint32_t>(bytes.data() + 4 * i);
        // Sums of 2^63 terms end two limbs below: what stands there is their sign.
        sum.limb_[limbs - 1] =
            static_cast<std::int64_t>(load_le<std::uint64_t>(bytes.data() + 4 * (limbs - 1)));
        FEWBITS_REQUIRE(sum.limb_[limbs - 1] == 0 || sum.limb_[limbs - 1] == -1,
                        "formats.ExactAccumulator: the state must be one that state() gave");
        const unsigned seen = bytes[state_size - 1];
        sum.seen_nan_ = (seen & 1) != 0;
        sum.seen_positive_ = (seen & 2) != 0;
        sum.seen_negative_ = (seen & 4) != 0;
        return sum;
    }
    // The sum rounded once; i is the index of the random draw.
    template <class T>
    T round(const Arithmetic<T>& arithmetic, std::uint64_t i = 0) const {
        return arithmetic.finish(value(), i);
    }

private:
    static constexpr std::size_t limbs = 136;
    static constexpr int lowest = -2148;
    static constexpr std::uint32_t most_pending = std::uint32_t{1} << 29;

    bool note(const detail::Exact& x) {
        if (FEWBITS_LIKELY(x.kind == detail::Exact::finite)) return true;
        if (x.kind == detail::Exact::nan)
            seen_nan_ = true;
        else
            (x.negative ? seen_negative_ : seen_positive_) = true;
        return false;
    }
    FEWBITS_INLINE void add_bits(std::uint64_t n, int exponent, bool negative) {
        const auto position = static_cast<unsigned>(exponent - lowest);
        const unsigned shift = position % 32;
        std::int64_t* limb = limb_.data() + position / 32;
        const auto low = static_cast<std::int64_t>(n << shift & 0xffffffffU);
        const auto middle = static_cast<std::int64_t>(n >> (32 - shift) & 0xffffffffU);
        const auto high = static_cast<std::int64_t>(shift == 0 ? 0 : n >> (64 - shift));
        const std::int64_t sign = negative ? -1 : 0;
        limb[0] += (low ^ sign) - sign;
        limb[1] += (middle ^ sign) - sign;
        limb[2] += (high ^ sign) - sign;
        if (FEWBITS_UNLIKELY(++pending_ >= most_pending)) normalise();
    }
    // Every limb but the last in 0 .. 2^32 - 1; the last has the sign.
    void normalise() {
        std::int64_t carry = 0;
        for (std::size_t i = 0; i + 1 < limbs; ++i) {
            const std::int64_t sum = limb_[i] + carry;
            carry = sum >> 32;
            limb_[i] = sum & 0xffffffff;
        }
        limb_[limbs - 1] += carry;
        pending_ = 0;
    }

    std::array<std::int64_t, limbs> limb_ = {};
    std::uint32_t pending_ = 0;
    bool seen_nan_ = false, seen_positive_ = false, seen_negative_ = false;
};

namespace detail {

// Significands by exponent field: signed sums of their low 32 bits and of the rest, each below 2^63 for 2^31
// values. Two sets in turn, so that neighbours of one exponent do not wait for one another.
template <class T>
class ExponentBuckets {
public:
    ExponentBuckets() : sums_(2 * words) {}

    // Finite values only are counted; `other` receives the rest.
    void add(const T* x, std::size_t count, ExactAccumulator& other) {
        for (std::size_t i = 0; i < count; ++i) {
            const WordOf<T> word = to_word(x[i]), magnitude = word & (sign_bit<T> - 1);
            const std::size_t field = static_cast<std::size_t>(magnitude >> Carrier<T>::mantissa_bits);
            if (FEWBITS_UNLIKELY(magnitude >= infinity_bits<T>)) {
                other.add(x[i]);
                continue;
            }
            const WordOf<T> hidden = field == 0 ? 0 : hidden_bit<T>;
            const auto significand = static_cast<std::int64_t>((magnitude & (hidden_bit<T> - 1)) | hidden);
            const std::int64_t sign = word == magnitude ? 0 : -1;
            std::int64_t* sum = sums_.data() + (i % 2 != 0 ? words : 0) + parts * field;
            if constexpr (parts == 1) {
                sum[0] += (significand ^ sign) - sign;
            } else {
                sum[0] += ((significand & 0xffffffff) ^ sign) - sign;
                sum[1] += ((significand >> 32) ^ sign) - sign;
            }
        }
    }
    void pour(ExactAccumulator& sum) {
        for (std::size_t i = 0; i < sums_.size(); ++i) {
            if (sums_[i] == 0) continue;
            const std::size_t field = i % words / parts;
            const int exponent = std::max(static_cast<int>(field), 1) - Carrier<T>::bias -
                                 Carrier<T>::mantissa_bits + (i % parts == 1 ? 32 : 0);
            sum.add_integer(sums_[i], exponent);
            sums_[i] = 0;
        }
    }

private:
    static constexpr std::size_t parts = sizeof(T) == 8 ? 2 : 1;
    static constexpr std::size_t words = parts * (2 * Carrier<T>::bias + 2);
    std::vector<std::int64_t> sums_;
};

inline constexpr std::size_t sum_piece = std::size_t{1} << 20;  // values between two pourings, far below 2^31
inline constexpr std::size_t few_values = 256;                  // not worth the buckets

}  // namespace detail

namespace reference {

template <class T>
void accumulate_sum(Span<const T> x, ExactAccumulator& sum) {
    for (const T value : x) sum.add(value);
}
template <class T>
void accumulate_dot(Span<const T> x, Span<const T> y, ExactAccumulator& sum) {
    for (std::size_t i = 0; i < x.size(); ++i) sum.add_product(x[i], y[i]);
}

}  // namespace reference

// Adds all of x to `sum`. Any number of threads gives the same sum.
template <class T>
void accumulate_sum(Span<const T> x, ExactAccumulator& sum, int threads = 1) {
    if (x.size() < detail::few_values) return reference::accumulate_sum(x, sum);
    std::vector<ExactAccumulator> parts((x.size() - 1) / detail::sum_piece + 1);
    parallel_for(x.size(), detail::sum_piece, threads, [&](std::size_t begin, std::size_t end) {
        detail::ExponentBuckets<T> buckets;
        ExactAccumulator& part = parts[begin / detail::sum_piece];
        buckets.add(x.data() + begin, end - begin, part);
        buckets.pour(part);
    });
    for (const ExactAccumulator& part : parts) sum.merge(part);
}

// Adds x[i] y[i] for all i.
template <class T>
void accumulate_dot(Span<const T> x, Span<const T> y, ExactAccumulator& sum, int threads = 1) {
    FEWBITS_REQUIRE(x.size() == y.size(), "formats.exact_dot: y must have the size of x, got " +
                                              std::to_string(y.size()) + " for " + std::to_string(x.size()));
    if (x.size() < detail::few_values || sizeof(T) == 8) {
        // Products of doubles have 106 bits, and may underflow: no float holds them.
        if (x.size() <= detail::sum_piece) return reference::accumulate_dot(x, y, sum);
    }
    if (x.empty()) return;
    std::vector<ExactAccumulator> parts((x.size() - 1) / detail::sum_piece + 1);
    parallel_for(x.size(), detail::sum_piece, threads, [&](std::size_t begin, std::size_t end) {
        ExactAccumulator& part = parts[begin / detail::sum_piece];
        if constexpr (sizeof(T) == 8) {
            reference::accumulate_dot(x.subspan(begin, end - begin), y.subspan(begin, end - begin), part);
        } else {
            // Products of floats are doubles, and normal ones; 0 * infinity and nan show themselves.
            detail::ExponentBuckets<double> buckets;
            double products[detail::chunk];
            for (std::size_t i = begin; i < end; i += detail::chunk) {
                const std::size_t count = std::min(detail::chunk, end - i);
                for (std::size_t k = 0; k < count; ++k)
                    products[k] = static_cast<double>(x[i + k]) * static_cast<double>(y[i + k]);
                buckets.add(products, count, part);
            }
            buckets.pour(part);
        }
    });
    for (const ExactAccumulator& part : parts) sum.merge(part);
}

// The sum of x, correctly rounded by the arithmetic.
template <class T>
T exact_sum(Span<const T> x, const Arithmetic<T>& arithmetic, int threads = 1) {
    ExactAccumulator sum;
    accumulate_sum(x, sum, threads);
    return sum.round(arithmetic);
}
template <class T>
T exact_dot(Span<const T> x, Span<const T> y, const Arithmetic<T>& arithmetic, int threads = 1) {
    ExactAccumulator sum;
    accumulate_dot(x, y, sum, threads);
    return sum.round(arithmetic);
}

}  // namespace formats
}  // namespace FEWBITS_ISA
}  // namespace fewbits
