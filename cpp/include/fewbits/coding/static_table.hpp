// Static frequency tables: integer frequencies that sum to 2^precision, and histograms to make them from.
//
// from_counts minimises sum n_i log2(2^P / f_i) with f_i >= 1 for every symbol that occurs:
//   1. f_i = max(1, floor(n_i 2^P / sum n))
//   2. while the sum is too small, one more to the largest n_i / (2 f_i + 1);
//      while it is too large, one less from the smallest n_i / (2 f_i - 1) among f_i > 1
//   3. move units from that giver to that receiver while it pays, at most 4 moves a used symbol
// One unit more is worth n log2((f + 1) / f), very nearly 2 n / ((2 f + 1) ln 2): concave, so greedy is near
// the optimum. Ratios are compared by exact integer products and ties go to the lower symbol, so that every
// machine makes the same table. Cost: O(n log n) with two heaps.
//
// Wire form: zigzag varint lo, varint span, u8 precision, then bits, low first: 0 and gamma(f) for a used
// symbol, 1 and gamma(run) for a run of unused ones. Only the shortest form is accepted: no adjacent runs,
// used symbols at both ends.
//
// Source: J. Duda, "Asymmetric numeral systems", arXiv:1311.2540 (what frequencies cost).
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "fewbits/core/bits.hpp"
#include "fewbits/core/fixed_log.hpp"
#include "fewbits/core/isa.hpp"
#include "fewbits/core/span.hpp"

namespace fewbits {
inline namespace FEWBITS_ISA {
namespace coding {

inline constexpr unsigned min_precision = 8, max_precision = 24;
// Up to here 32-bit states serve (coding/rans.hpp), above 64-bit ones.
inline constexpr unsigned max_precision32 = 15;
inline constexpr std::size_t max_alphabet = 65536;

namespace detail {

// a / b > c / d for positive denominators below 2^26.
FEWBITS_INLINE bool ratio_greater(std::uint64_t a, std::uint32_t b, std::uint64_t c, std::uint32_t d) {
    const std::uint64_t left = mul_high(a, d), right = mul_high(c, b);
    return left != right ? left > right : a * d > c * b;
}

// floor(count * 2^precision / total) for count <= total < 2^63.
inline std::uint64_t scale_count(std::uint64_t count, std::uint64_t total, unsigned precision) {
    if (total >> (64 - max_precision) == 0) return (count << precision) / total;
    if (count == total) return std::uint64_t{1} << precision;
    std::uint64_t quotient = 0;
    for (unsigned bit = 0; bit < precision; ++bit) {
        count <<= 1;
        quotient <<= 1;
        if (count >= total) {
            count -= total;
            quotient |= 1;
        }
    }
    return quotient;
}

// log2 of a positive integer to within 1 ulp from additions, products and one division: libms differ.
inline double log2_integer(std::uint32_t value) {
    const unsigned exponent = bit_length(value) - 1;
    double m =
        static_cast<double>(value) / static_cast<double>(std::uint64_t{1} << exponent);  // exact, [1, 2)
    double whole = static_cast<double>(exponent);
    if (m > 1.4142135623730951) {
        m *= 0.5;
        whole += 1.0;
    }
    // log m = 2 atanh(s); |s| <= 0.1716, so 12 terms leave less than 2^-60.
    const double s = (m - 1.0) / (m + 1.0);
    const double square = s * s;
    double sum = 0.0;
    for (int k = 23; k >= 1; k -= 2) {
        sum *= square;
        sum += 1.0 / k;
    }
    sum *= s;
    sum *= 2.8853900817779268;  // 2 / ln 2
    return whole + sum;
}

// The symbols ordered by what one unit of frequency is worth to them; the best one on top.
template <class Better>
class FrequencyHeap {
public:
    FrequencyHeap(std::vector<std::uint32_t> items, Better better)
        : items_(std::move(items)), where_(items_.size()), better_(std::move(better)) {
        for (std::uint32_t i = 0; i < items_.size(); ++i) where_[items_[i]] = i;
        for (std::size_t i = items_.size() / 2; i-- > 0;) sink(i);
    }
    std::uint32_t top() const { return items_[0]; }
    // To be called after the frequency of `item` changed.
    void update(std::uint32_t item) {
        rise(where_[item]);
        sink(where_[item]);
    }

private:
    void put(std::size_t at, std::uint32_t item) {
        items_[at] = item;
        where_[item] = static_cast<std::uint32_t>(at);
    }
    void rise(std::size_t at) {
        const std::uint32_t item = items_[at];
        for (; at > 0 && better_(item, items_[(at - 1) / 2]); at = (at - 1) / 2)
            put(at, items_[(at - 1) / 2]);
        put(at, item);
    }
    void sink(std::size_t at) {
        const std::uint32_t item = items_[at];
        for (;;) {
            std::size_t child = 2 * at + 1;
            if (child >= items_.size()) break;
            if (child + 1 < items_.size() && better_(items_[child + 1], items_[child])) ++child;
            if (!better_(items_[child], item)) break;
            put(at, items_[child]);
            at = child;
        }
        put(at, item);
    }

    std::vector<std::uint32_t> items_;  // a heap of 0..size-1
    std::vector<std::uint32_t> where_;  // Invariant: items_[where_[i]] == i
    Better better_;
};

// Steps 1 to 3 of the head of this file for positive counts (0 is allowed and gets 1).
inline std::vector<std::uint32_t> quantize_counts(Span<const std::uint64_t> counts, std::uint64_t total,
                                                  unsigned precision) {
    const std::size_t n = counts.size();
    const std::uint64_t target = std::uint64_t{1} << precision;
    std::vector<std::uint32_t> f(n);
    std::uint64_t sum = 0;
    for (std::size_t i = 0; i < n; ++i) {
        f[i] =
            static_cast<std::uint32_t>(std::max<std::uint64_t>(1, scale_count(counts[i], total, precision)));
        sum += f[i];
    }
    std::vector<std::uint32_t> all(n);
    for (std::uint32_t i = 0; i < n; ++i) all[i] = i;
    FrequencyHeap receivers(all, [&](std::uint32_t a, std::uint32_t b) {
        if (ratio_greater(counts[a], 2 * f[a] + 1, counts[b], 2 * f[b] + 1)) return true;
        return a < b && !ratio_greater(counts[b], 2 * f[b] + 1, counts[a], 2 * f[a] + 1);
    });
    // Symbols of frequency 1 cannot give: they come last.
    FrequencyHeap givers(std::move(all), [&](std::uint32_t a, std::uint32_t b) {
        if ((f[a] > 1) != (f[b] > 1)) return f[a] > 1;
        if (ratio_greater(counts[b], 2 * f[b] - 1, counts[a], 2 * f[a] - 1)) return true;
        return a < b && !ratio_greater(counts[a], 2 * f[a] - 1, counts[b], 2 * f[b] - 1);
    });
    const auto change = [&](std::uint32_t symbol, bool more) {
        f[symbol] += more ? 1U : ~0U;
        receivers.update(symbol);
        givers.update(symbol);
    };
    for (; sum < target; ++sum) change(receivers.top(), true);
    for (; sum > target; --sum) change(givers.top(), false);
    for (std::size_t moves = 0; moves < 4 * n; ++moves) {
        const std::uint32_t to = receivers.top(), from = givers.top();
        if (f[from] == 1 || !ratio_greater(counts[to], 2 * f[to] + 1, counts[from], 2 * f[from] - 1)) break;
        change(to, true);
        change(from, false);
    }
    return f;
}

}  // namespace detail

// Integer frequencies of the symbols lo()..lo()+span()-1. The first and the last of them are used; lo() and
// span() are therefore those of the used symbols, not of the array a table was made from.
//
// Coders see *ranks*: where span() <= 256, rank = symbol - lo() and unused symbols in between have ranks of
// frequency 0; else the used symbols are numbered 0, 1, ... in ascending order. Memory is proportional to the
// number of ranks, never to the span.
class StaticTable {
public:
    // The table for symbols lo, lo + 1, ... that occur counts[0], counts[1], ... times. The precision must
    // leave at least one unit for each used symbol; the counts must sum to less than 2^62. With `all`,
    // symbols of count 0 get frequencies, too.
    static StaticTable from_counts(Span<const std::uint64_t> counts, std::int32_t lo, unsigned precision,
                                   bool all = false) {
        check_precision("StaticTable::from_counts", precision);
        std::vector<std::uint64_t> positive;
        std::vector<std::uint32_t> at;
        std::uint64_t total = 0;
        for (std::size_t i = 0; i < counts.size(); ++i) {
            if (counts[i] == 0 && !all) continue;
            FEWBITS_REQUIRE(counts[i] < (std::uint64_t{1} << 62) - total,
                            "StaticTable::from_counts: counts must sum to less than 2^62");
            FEWBITS_REQUIRE(at.empty() || i - at[0] < max_alphabet,
                            "StaticTable::from_counts: used symbols must span at most 65536");
            FEWBITS_REQUIRE(i <= static_cast<std::uint64_t>(std::int64_t{INT32_MAX} - lo),
                            "StaticTable::from_counts: symbols must fit int32");
            total += counts[i];
            positive.push_back(counts[i]);
            at.push_back(static_cast<std::uint32_t>(i));
        }
        FEWBITS_REQUIRE(total > 0, "StaticTable::from_counts: at least one count must be positive");
        FEWBITS_REQUIRE(positive.size() <= std::uint64_t{1} << precision,
                        "StaticTable::from_counts: precision " + std::to_string(precision) +
                            " is too small for " + std::to_string(positive.size()) + " used symbols");
        return StaticTable(at, detail::quantize_counts(positive, total, precision), lo, precision);
    }

    // The table with exactly these frequencies, which must sum to 2^precision.
    static StaticTable from_frequencies(Span<const std::uint32_t> frequencies, std::int32_t lo,
                                        unsigned precision) {
        check_precision("StaticTable::from_frequencies", precision);
        std::vector<std::uint32_t> used, at;
        std::uint64_t sum = 0;
        for (std::size_t i = 0; i < frequencies.size(); ++i) {
            if (frequencies[i] == 0) continue;
            FEWBITS_REQUIRE(at.empty() || i - at[0] < max_alphabet,
                            "StaticTable::from_frequencies: used symbols must span at most 65536");
            FEWBITS_REQUIRE(i <= static_cast<std::uint64_t>(std::int64_t{INT32_MAX} - lo),
                            "StaticTable::from_frequencies: symbols must fit int32");
            sum += frequencies[i];
            used.push_back(frequencies[i]);
            at.push_back(static_cast<std::uint32_t>(i));
        }
        FEWBITS_REQUIRE(sum == std::uint64_t{1} << precision,
                        "StaticTable::from_frequencies: frequencies must sum to 2^" +
                            std::to_string(precision) + ", got " + std::to_string(sum));
        return StaticTable(at, used, lo, precision);
    }

    unsigned precision() const { return precision_; }
    std::int32_t lo() const { return lo_; }
    std::uint32_t span() const { return span_; }
    // Number of symbols of positive frequency.
    std::uint32_t used() const { return used_; }
    // Number of ranks: span() or used(), see above.
    std::uint32_t ranks() const { return static_cast<std::uint32_t>(starts_.size() - 1); }
    bool ranks_are_offsets() const { return offset_of_rank_.empty(); }

    // rank < ranks()
    std::int32_t symbol_of_rank(std::uint32_t rank) const {
        return lo_ + static_cast<std::int32_t>(offset_of_rank_.empty() ? rank : offset_of_rank_[rank]);
    }
    std::uint32_t start_of_rank(std::uint32_t rank) const { return starts_[rank]; }
    std::uint32_t frequency_of_rank(std::uint32_t rank) const { return starts_[rank + 1] - starts_[rank]; }

    // P - log2 f, what a symbol of this rank costs; infinite where f is 0. Same bits on every machine.
    double bits_of_rank(std::uint32_t rank) const {
        const std::uint32_t f = frequency_of_rank(rank);
        return f == 0 ? std::numeric_limits<double>::infinity() : precision_ - detail::log2_integer(f);
    }

    // The rank of a symbol, or ranks() where it has none; a rank may have frequency 0.
    std::uint32_t rank_of_symbol(std::int64_t symbol) const {
        const std::int64_t offset = symbol - lo_;
        if (offset < 0 || offset >= std::int64_t{span_}) return ranks();
        if (offset_of_rank_.empty()) return static_cast<std::uint32_t>(offset);
        const auto found = std::lower_bound(offset_of_rank_.begin(), offset_of_rank_.end(), offset);
        return *found == offset ? static_cast<std::uint32_t>(found - offset_of_rank_.begin()) : ranks();
    }
    // 0 for symbols that are not used.
    std::uint32_t frequency(std::int64_t symbol) const {
        const std::uint32_t rank = rank_of_symbol(symbol);
        return rank < ranks() ? frequency_of_rank(rank) : 0;
    }
    // Sum of the frequencies of all smaller symbols.
    std::uint32_t start(std::int64_t symbol) const {
        const std::int64_t offset = symbol - lo_;
        if (offset <= 0) return 0;
        if (offset >= std::int64_t{span_}) return starts_.back();
        if (offset_of_rank_.empty()) return starts_[static_cast<std::size_t>(offset)];
        const auto found = std::lower_bound(offset_of_rank_.begin(), offset_of_rank_.end(), offset);
        return starts_[static_cast<std::size_t>(found - offset_of_rank_.begin())];
    }

    // Bits that a message with these counts (of the symbols counts_lo, counts_lo + 1, ...) takes under this
    // table: sum n_i (P - log2 f_i), infinite where a symbol of frequency 0 occurs. Same bits on every
    // machine.
    double cross_entropy_bits(Span<const std::uint64_t> counts, std::int32_t counts_lo) const {
        double bits = 0.0;
        for (std::size_t i = 0; i < counts.size(); ++i) {
            if (counts[i] == 0) continue;
            const std::uint32_t rank = rank_of_symbol(std::int64_t{counts_lo} + static_cast<std::int64_t>(i));
            if (rank == ranks()) return std::numeric_limits<double>::infinity();
            bits += static_cast<double>(counts[i]) * bits_of_rank(rank);
        }
        return bits;
    }
    // Entropy of the table's own distribution in Q16 bits a symbol: what a fitting message takes.
    std::uint64_t entropy_fixed() const {
        std::uint64_t bits = 0;
        for (std::uint32_t rank = 0; rank < ranks(); ++rank) {
            const std::uint64_t f = frequency_of_rank(rank);
            if (f != 0) bits += f * ((precision_ << log2_fraction_bits) - log2_fixed(f));
        }
        return bits >> precision_;
    }

    void append_to(Bytes& out) const {
        append_varint(out, zigzag_encode(lo_));
        append_varint(out, span_);
        out.push_back(static_cast<std::uint8_t>(precision_));
        BitWriter bits;
        std::uint32_t unused = 0, next = 0;  // next: offset after the last used symbol
        for (std::uint32_t rank = 0; rank < ranks(); ++rank) {
            const std::uint32_t f = frequency_of_rank(rank);
            if (f == 0) continue;
            const std::uint32_t offset = static_cast<std::uint32_t>(symbol_of_rank(rank) - lo_);
            unused = offset - next;
            if (unused > 0) {
                bits.put(1, 1);
                bits.put_gamma(unused);
            }
            bits.put(0, 1);
            bits.put_gamma(f);
            next = offset + 1;
        }
        append(out, bits.finish());
    }

    static StaticTable read(ByteReader& reader) {
        const std::int64_t lo = reader.zigzag(33);
        const std::uint64_t span = reader.varint(32);
        const unsigned precision = reader.u8();
        if (span < 1 || span > max_alphabet) reader.fail("a table's span must be in 1..65536");
        if (lo < INT32_MIN || lo + static_cast<std::int64_t>(span) - 1 > INT32_MAX) {
            reader.fail("a table's symbols must fit int32");
        }
        if (precision < min_precision || precision > max_precision) {
            reader.fail("a table's precision must be in 8..24");
        }
        ByteReader ahead = reader;
        BitReader bits(ahead.rest(), "static table");
        std::vector<std::uint32_t> used, at;
        std::uint64_t sum = 0;
        bool after_run = true;  // a run at the start would be an unused first symbol
        for (std::uint32_t offset = 0; offset < span;) {
            if (bits.get(1) != 0) {
                const std::uint32_t run = bits.get_gamma();
                if (after_run) reader.fail("a table's run of unused symbols is misplaced");
                if (run >= span - offset) reader.fail("a table's run of unused symbols leaves its span");
                offset += run;
                after_run = true;
            } else {
                const std::uint32_t f = bits.get_gamma();
                sum += f;
                if (sum > std::uint64_t{1} << precision)
                    reader.fail("a table's frequencies exceed 2^precision");
                used.push_back(f);
                at.push_back(offset++);
                after_run = false;
            }
        }
        if (sum != std::uint64_t{1} << precision)
            reader.fail("a table's frequencies do not sum to 2^precision");
        bits.expect_zero_padding();
        reader.bytes(bits.bytes_used());
        return StaticTable(at, used, static_cast<std::int32_t>(lo), precision);
    }

    friend bool operator==(const StaticTable& a, const StaticTable& b) {
        return a.precision_ == b.precision_ && a.lo_ == b.lo_ && a.span_ == b.span_ &&
               a.starts_ == b.starts_ && a.offset_of_rank_ == b.offset_of_rank_;
    }
    friend bool operator!=(const StaticTable& a, const StaticTable& b) { return !(a == b); }

private:
    static void check_precision(const char* function, unsigned precision) {
        FEWBITS_REQUIRE(
            precision >= min_precision && precision <= max_precision,
            std::string(function) + ": precision must be in 8..24, got " + std::to_string(precision));
    }

    // `offsets` from `base`, ascending, and the positive frequency of each; the caller has checked them.
    StaticTable(const std::vector<std::uint32_t>& offsets, const std::vector<std::uint32_t>& frequencies,
                std::int32_t base, unsigned precision)
        : lo_(static_cast<std::int32_t>(base + std::int64_t{offsets.front()})),
          span_(offsets.back() - offsets.front() + 1),
          used_(static_cast<std::uint32_t>(offsets.size())),
          precision_(precision) {
        const bool dense = span_ <= 256 || used_ == span_;
        starts_.reserve((dense ? span_ : used_) + 1);
        starts_.push_back(0);
        for (std::size_t i = 0; i < offsets.size(); ++i) {
            const std::uint32_t offset = offsets[i] - offsets.front();
            if (dense) {
                while (starts_.size() <= offset) starts_.push_back(starts_.back());
            } else {
                offset_of_rank_.push_back(static_cast<std::uint16_t>(offset));
            }
            starts_.push_back(starts_.back() + frequencies[i]);
        }
    }

    std::vector<std::uint32_t> starts_;          // by rank, then 2^precision_
    std::vector<std::uint16_t> offset_of_rank_;  // symbol - lo_ by rank; empty where that is the rank
    std::int32_t lo_;
    std::uint32_t span_;
    std::uint32_t used_;
    unsigned precision_;
};

// Adds to counts[v] how often v occurs in `values`. Four tables take turns: a count that is read back right
// after it was written would wait for the store.
template <class Count>
void histogram(ByteSpan values, Span<Count> counts) {
    static_assert(std::is_same_v<Count, std::uint32_t> || std::is_same_v<Count, std::uint64_t>);
    FEWBITS_REQUIRE(counts.size() == 256,
                    "histogram: counts must have 256 elements, got " + std::to_string(counts.size()));
    std::array<std::array<std::uint32_t, 256>, 4> part;
    // 32-bit partial counts: at most 2^31 values at a time.
    for (std::size_t begin = 0; begin < values.size(); begin += std::size_t{1} << 31) {
        const std::size_t size = std::min(values.size() - begin, std::size_t{1} << 31);
        const std::uint8_t* in = values.data() + begin;
        for (auto& table : part) table.fill(0);
        std::size_t i = 0;
        for (; i + 8 <= size; i += 8) {
            const std::uint64_t v = load_le<std::uint64_t>(in + i);
            ++part[0][v & 0xff];
            ++part[1][(v >> 8) & 0xff];
            ++part[2][(v >> 16) & 0xff];
            ++part[3][(v >> 24) & 0xff];
            ++part[0][(v >> 32) & 0xff];
            ++part[1][(v >> 40) & 0xff];
            ++part[2][(v >> 48) & 0xff];
            ++part[3][v >> 56];
        }
        for (; i < size; ++i) ++part[0][in[i]];
        for (std::size_t v = 0; v < 256; ++v) {
            counts[v] = static_cast<Count>(counts[v] + part[0][v] + part[1][v] + part[2][v] + part[3][v]);
        }
    }
}

// The same for 16-bit values and 65536 counts.
inline void histogram(Span<const std::uint16_t> values, Span<std::uint64_t> counts) {
    FEWBITS_REQUIRE(counts.size() == 65536,
                    "histogram: counts must have 65536 elements, got " + std::to_string(counts.size()));
    std::vector<std::uint64_t> other(65536);
    std::size_t i = 0;
    for (; i + 2 <= values.size(); i += 2) {
        ++counts[values[i]];
        ++other[values[i + 1]];
    }
    if (i < values.size()) ++counts[values[i]];
    for (std::size_t v = 0; v < 65536; ++v) counts[v] += other[v];
}

}  // namespace coding
}  // namespace FEWBITS_ISA
}  // namespace fewbits
