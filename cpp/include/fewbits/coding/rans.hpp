// Interleaved rANS, core A32 (core A64 is in coding/rans64.hpp), and what static tables need for both.
//
// States of 32 bits in [2^16, 2^32), words of 16 bits, precision P in 8..15, N = 1, 4, 8 or 32 lanes. A
// symbol (start, f):
//   encode   if x >= f << (32 - P): emit the low 16 bits of x, x >>= 16
//            x = (x / f) 2^P + x mod f + start
//   decode   t = x mod 2^P, start <= t < start + f;   x = f (x >> P) + t - start
//            if x < 2^16: x = x << 16 | next word
// Symbol i belongs to lane i mod N; all lanes share one sequence of words. The encoder walks from the last
// symbol to the first and fills the words backwards, the decoder walks forward.
// Payload: N states in lane order, then the words.
//
// Contract: the decoder checks the initial states, every word it takes, and that all lanes end at 2^16
// with the last word taken: else CorruptDataError. That finds every wrong length and nearly all other damage,
// but not a slot turned into one of another symbol of the same frequency, which leaves the states alone: use
// a checksum where that matters.
// Payload <= sum (P - log2 f) + 64 N bits, and for states of 32 bits up to 0.06 % more; at most one word per
// symbol. The same bytes on every instruction set.
//
// Kernels: A32 with 32 lanes runs on vectors (detail/rans32_kernels.hpp). Division by f is a multiplication
// with a 32-bit reciprocal, exact on the states that can occur (proof at make_reciprocal).
//
// Sources: J. Duda, arXiv:1311.2540 (ANS); F. Giesen, "Interleaved entropy coders", arXiv:1402.3392;
// T. Granlund and P. Montgomery, "Division by Invariant Integers using Multiplication", PLDI 1994.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <vector>

#include "fewbits/coding/detail/rans32_kernels.hpp"
#include "fewbits/coding/static_table.hpp"
#include "fewbits/core/bits.hpp"
#include "fewbits/core/error_free.hpp"
#include "fewbits/core/isa.hpp"
#include "fewbits/core/span.hpp"

namespace fewbits {
inline namespace FEWBITS_ISA {
namespace coding {

inline constexpr std::uint32_t rans32_lower = std::uint32_t{1} << 16;

constexpr bool is_lanes32(unsigned lanes) { return lanes == 1 || lanes == 4 || lanes == 8 || lanes == 32; }

// ---- tables ---------------------------------------------------------------------------------------------

namespace detail {

// What encoding one rank with A32 needs: the four fields of the kernels.
struct alignas(16) EncodeEntry {
    std::uint32_t reciprocal = 0;
    std::uint32_t frequency_start = 0xffff;  // (frequency - 1) & 0xffff | start << 16
    std::uint32_t shift = 0;
    std::uint32_t increment = 0;

    // 0xffff for a rank that does not exist or is not used.
    std::uint32_t frequency_less_one() const { return frequency_start & 0xffffU; }
    std::uint32_t start() const { return frequency_start >> 16; }
};
inline constexpr std::uint32_t no_frequency = 0xffff;

// x / f = ((x + increment) * reciprocal) >> (32 + shift) for x < f << (32 - P), 1 <= f <= 2^P, P in 8..15.
//
// With k = 32 + floor(log2 f) (one less for powers of two), r = 2^k / f < 2^32, and e the error below:
//   round up     m = ceil(r), e = m f - 2^k
//                x m / 2^k = x / f + x e / (f 2^k) has the right floor while x e < 2^k, since x / f is at
//                least 1 / f below the next integer
//   round down   m = floor(r), e = 2^k - m f
//                (x + 1) m / 2^k = (x + 1) / f - (x + 1) e / (f 2^k) has it while (x + 1) e <= 2^k
// The two errors add up to f. Where f <= 2^(P - 1), x < 2^31 and f < 2^(k - 31): rounding up works. Else
// k = P + 31, x < 2^32, and the smaller error is at most f / 2 < 2^(P - 1): it works.
inline EncodeEntry make_reciprocal(std::uint32_t frequency, std::uint32_t start, unsigned precision) {
    EncodeEntry entry;
    if (frequency == 0) return entry;
    entry.frequency_start = (frequency - 1) | start << 16;
    if (frequency == 1) {
        // (x + 1)(2^32 - 1) = 2^32 x + (2^32 - 1 - x)
        entry.reciprocal = ~std::uint32_t{0};
        entry.increment = 1;
        return entry;
    }
    const bool power = (frequency & (frequency - 1)) == 0;
    entry.shift = bit_length(frequency) - (power ? 2 : 1);
    const std::uint64_t numerator = std::uint64_t{1} << (32 + entry.shift);
    const std::uint64_t below = numerator / frequency, rest = numerator % frequency;
    const std::uint64_t limit = std::uint64_t{frequency} << (32 - precision);  // x < limit
    if (rest == 0) {
        entry.reciprocal = static_cast<std::uint32_t>(below);
    } else if ((limit - 1) * (frequency - rest) < numerator) {
        entry.reciprocal = static_cast<std::uint32_t>(below + 1);
    } else {
        entry.reciprocal = static_cast<std::uint32_t>(below);
        entry.increment = 1;
    }
    return entry;
}

}  // namespace detail

// A static table of precision 8..15 prepared for rans32_encode.
class EncodeTable {
public:
    explicit EncodeTable(const StaticTable& table)
        : precision_(table.precision()), ranks_(table.ranks()), entropy_fixed_(table.entropy_fixed()) {
        if (precision_ > max_precision32) return;  // such tables are coded with A64, which divides
        // At least 256 entries, so that every byte has one.
        entries_.resize(std::max<std::size_t>(256, ranks_));
        for (std::uint32_t rank = 0; rank < ranks_; ++rank) {
            entries_[rank] =
                detail::make_reciprocal(table.frequency_of_rank(rank), table.start_of_rank(rank), precision_);
        }
    }
    unsigned precision() const { return precision_; }
    std::uint32_t ranks() const { return ranks_; }
    const detail::EncodeEntry* entries() const { return entries_.data(); }
    // Bits a symbol in Q16 of a message that follows the table.
    std::uint64_t entropy_fixed() const { return entropy_fixed_; }

private:
    std::vector<detail::EncodeEntry> entries_;
    unsigned precision_;
    std::uint32_t ranks_;
    std::uint64_t entropy_fixed_;
};

// A static table prepared for decoding: what to do by slot.
//   packed   precision <= 12, at most 256 ranks: frequency << 20 | offset in symbol << 8 | rank
//   split    precision 13..15, or more ranks: a rank of 8 or 16 bits; by rank, frequency | start << 16. One
//            look-up more than with both by slot, but 2^14 slots then take 16 KiB instead of 80
//   search   precision > 15: slots are looked for among the starts, in buckets of 2^(precision - 12) slots
// A table with one used symbol, whose frequency 2^P no field holds, has no slots: nothing is coded with it.
class DecodeTable {
public:
    enum class Layout { single, packed, split8, split16, search };

    explicit DecodeTable(StaticTable table) : table_(std::move(table)) {
        const unsigned precision = table_.precision();
        const std::uint32_t ranks = table_.ranks();
        if (table_.used() == 1) {
            layout_ = Layout::single;
        } else if (precision > max_precision32) {
            layout_ = Layout::search;
            const unsigned shift = precision - bucket_bits;
            std::uint32_t rank = 0;
            for (std::uint32_t bucket = 0; bucket <= 1U << bucket_bits; ++bucket) {
                while (rank + 1 < ranks && table_.start_of_rank(rank + 1) <= bucket << shift) ++rank;
                ranks16_.push_back(static_cast<std::uint16_t>(rank));
            }
        } else {
            const std::size_t slots = std::size_t{1} << precision;
            layout_ = ranks > 256 ? Layout::split16 : precision > 12 ? Layout::split8 : Layout::packed;
            entries_.resize(layout_ == Layout::packed ? slots : ranks);
            ranks8_.resize(layout_ == Layout::split8 ? slots : 0);
            ranks16_.resize(layout_ == Layout::split16 ? slots : 0);
            for (std::uint32_t rank = 0; rank < ranks; ++rank) {
                const std::uint32_t start = table_.start_of_rank(rank), f = table_.frequency_of_rank(rank);
                if (f > slots / 2) half_ = false;
                if (layout_ == Layout::packed) {
                    for (std::uint32_t i = 0; i < f; ++i) entries_[start + i] = f << 20 | i << 8 | rank;
                    continue;
                }
                entries_[rank] = f | start << 16;
                if (layout_ == Layout::split8) {
                    std::fill_n(ranks8_.begin() + start, f, static_cast<std::uint8_t>(rank));
                } else {
                    std::fill_n(ranks16_.begin() + start, f, static_cast<std::uint16_t>(rank));
                }
            }
        }
    }
    const StaticTable& table() const { return table_; }
    unsigned precision() const { return table_.precision(); }
    std::uint32_t ranks() const { return table_.ranks(); }
    Layout layout() const { return layout_; }
    // No frequency exceeds half of all slots.
    bool half() const { return half_; }
    const std::uint32_t* entries() const { return entries_.data(); }
    const std::uint8_t* ranks8() const { return ranks8_.data(); }
    const std::uint16_t* ranks16() const { return ranks16_.data(); }

    // Only where layout() is `search`: the rank of slot t < 2^precision.
    std::uint32_t find(std::uint32_t t) const {
        const std::uint32_t bucket = t >> (table_.precision() - bucket_bits);
        std::uint32_t low = ranks16_[bucket], high = ranks16_[bucket + 1] + 1U;
        // Invariant: start(low) <= t < start(high). Ranks of frequency 0 share their start with the next one.
        while (high - low > 1) {
            const std::uint32_t middle = low + (high - low) / 2;
            (table_.start_of_rank(middle) <= t ? low : high) = middle;
        }
        return low;
    }

private:
    static constexpr unsigned bucket_bits = 12;

    StaticTable table_;
    Layout layout_;
    bool half_ = true;
    std::vector<std::uint32_t> entries_;  // by slot or by rank
    std::vector<std::uint8_t> ranks8_;    // by slot
    std::vector<std::uint16_t> ranks16_;  // by slot, or by bucket where layout_ is `search`
};

// ---- A32: what its kernels share ------------------------------------------------------------------------

namespace detail {

[[noreturn]] inline void rans32_fail(const char* message) {
    throw CorruptDataError(std::string("rans32_decode: ") + message);
}

template <class Rank>
[[noreturn]] FEWBITS_NOINLINE void fail_bad_rank(const char* function, Span<const Rank> ranks,
                                                 const StaticTable* table, const EncodeTable* encode) {
    for (std::size_t i = 0; i < ranks.size(); ++i) {
        const std::uint32_t rank = ranks[i];
        const bool good = table != nullptr ? rank < table->ranks() && table->frequency_of_rank(rank) > 0
                                           : rank < encode->ranks() &&
                                                 encode->entries()[rank].frequency_less_one() != no_frequency;
        if (good) continue;
        throw ArgumentError(std::string(function) + ": ranks must have a frequency in the table, got ranks[" +
                            std::to_string(i) + "] = " + std::to_string(rank));
    }
    throw Error(std::string(function) + ": inconsistent table");
}

inline void check_lanes32(const char* function, unsigned lanes) {
    FEWBITS_REQUIRE(is_lanes32(lanes),
                    std::string(function) + ": lanes must be 1, 4, 8 or 32, got " + std::to_string(lanes));
}

inline void check_precision32(const char* function, unsigned precision) {
    FEWBITS_REQUIRE(
        precision <= max_precision32,
        std::string(function) + ": precision must be at most 15, got " + std::to_string(precision));
}

// The states of a payload, checked, and its words.
struct Payload32 {
    std::array<std::uint32_t, 32> states{};
    const std::uint8_t* next = nullptr;
    const std::uint8_t* end = nullptr;

    Payload32(ByteSpan payload, unsigned lanes) : next(payload.data()), end(payload.end()) {
        if (payload.size() < lanes * 4 || payload.size() % 2 != 0)
            rans32_fail("the payload has the wrong size");
        for (unsigned lane = 0; lane < lanes; ++lane, next += 4) {
            states[lane] = load_le<std::uint32_t>(next);
            if (states[lane] < rans32_lower) rans32_fail("an initial state is out of range");
        }
    }
    void expect_end(unsigned lanes) const {
        bool ok = next == end;
        for (unsigned lane = 0; lane < lanes; ++lane) ok = ok && states[lane] == rans32_lower;
        if (!ok) rans32_fail("data damaged, or decoded with another table than they were encoded with");
    }
};

}  // namespace detail

// ---- reference: the definition in plain loops -----------------------------------------------------------

namespace reference {

template <class Rank>
void rans32_encode(Span<const Rank> ranks, const StaticTable& table, unsigned lanes, Bytes& out) {
    detail::check_lanes32("rans32_encode", lanes);
    detail::check_precision32("rans32_encode", table.precision());
    const unsigned precision = table.precision();
    std::vector<std::uint64_t> states(lanes, rans32_lower);
    std::vector<std::uint16_t> words;
    for (std::size_t i = ranks.size(); i-- > 0;) {
        if (ranks[i] >= table.ranks() || table.frequency_of_rank(ranks[i]) == 0) {
            detail::fail_bad_rank("rans32_encode", ranks, &table, nullptr);
        }
        const std::uint64_t f = table.frequency_of_rank(ranks[i]), start = table.start_of_rank(ranks[i]);
        std::uint64_t& x = states[i % lanes];
        if (x >= f << (32 - precision)) {
            words.push_back(static_cast<std::uint16_t>(x & 0xffff));
            x >>= 16;
        }
        x = (x / f << precision) + x % f + start;
    }
    for (const std::uint64_t state : states) append_le(out, static_cast<std::uint32_t>(state));
    for (auto word = words.rbegin(); word != words.rend(); ++word) append_le(out, *word);
}

template <class Rank>
void rans32_decode(ByteSpan payload, const StaticTable& table, unsigned lanes, Span<Rank> ranks) {
    detail::check_lanes32("rans32_decode", lanes);
    detail::check_precision32("rans32_decode", table.precision());
    const unsigned precision = table.precision();
    detail::Payload32 stream(payload, lanes);
    for (std::size_t i = 0; i < ranks.size(); ++i) {
        std::uint32_t& state = stream.states[i % lanes];
        const std::uint32_t slot = state & ((1U << precision) - 1);
        std::uint32_t rank = 0;
        while (table.start_of_rank(rank + 1) <= slot) ++rank;
        std::uint64_t x = std::uint64_t{table.frequency_of_rank(rank)} * (state >> precision) + slot -
                          table.start_of_rank(rank);
        if (x < rans32_lower) {
            if (stream.next == stream.end) detail::rans32_fail("truncated");
            x = x << 16 | load_le<std::uint16_t>(stream.next);
            stream.next += 2;
        }
        state = static_cast<std::uint32_t>(x);
        ranks[i] = static_cast<Rank>(rank);
    }
    stream.expect_end(lanes);
}

}  // namespace reference

// ---- A32 ------------------------------------------------------------------------------------------------

namespace detail {

// Uninitialised room for a payload, filled from its end.
class PayloadScratch {
public:
    // Vector kernels store up to 16 bytes below what they keep.
    static constexpr std::size_t slack = 64;

    PayloadScratch(std::size_t symbols, unsigned lanes)
        : size_(slack + std::size_t{lanes} * 4 + symbols * 2),
          data_(new std::uint8_t[size_]),
          begin_(end()) {}
    std::uint8_t* end() const { return data_.get() + size_; }
    std::uint8_t* begin() const { return begin_; }
    ByteSpan payload() const { return {begin_, static_cast<std::size_t>(end() - begin_)}; }
    void set_begin(std::uint8_t* begin) { begin_ = begin; }
    void put_states(const std::uint32_t* states, unsigned lanes) {
        for (unsigned lane = lanes; lane-- > 0;) store_le(begin_ -= 4, states[lane]);
    }

private:
    std::size_t size_;
    std::unique_ptr<std::uint8_t[]> data_;
    std::uint8_t* begin_;  // Invariant: at most one word per symbol and the states lie above it
};

// One symbol. Returns the new state; moves `to` down where a word is stored.
FEWBITS_INLINE std::uint32_t encode_step(std::uint32_t x, const EncodeEntry& entry, unsigned precision,
                                         std::uint8_t*& to) {
    const std::uint32_t less_one = entry.frequency_less_one();
    // 1 where x >> (32 - precision) > less_one. Arithmetic, since compilers would branch on what is random.
    const std::uint32_t full = (less_one - (x >> (32 - precision))) >> 31;
    store_le(to - 2, static_cast<std::uint16_t>(x & 0xffffU));
    to -= 2 * full;
    x >>= 16 * full;
    const std::uint64_t product = (std::uint64_t{x} + entry.increment) * entry.reciprocal;
    const std::uint32_t quotient = static_cast<std::uint32_t>(product >> 32) >> entry.shift;
    return x + entry.start() + quotient * ((1U << precision) - 1 - less_one);
}

// Symbols [begin, end) with `Lanes` lanes, from the last; returns where the words now begin. `largest`
// becomes the largest frequency less one met.
template <unsigned Lanes, class Rank>
std::uint8_t* encode_plain(const EncodeTable& table, const Rank* ranks, std::size_t begin, std::size_t end,
                           std::uint32_t* states, std::uint8_t* to, std::uint32_t& largest) {
    const EncodeEntry* entries = table.entries();
    const unsigned precision = table.precision();
    std::uint32_t most = largest;
    const auto step = [&](std::size_t i, std::uint32_t& state) {
        const EncodeEntry& entry = entries[ranks[i]];
        most = std::max(most, entry.frequency_less_one());
        state = encode_step(state, entry, precision, to);
    };
    std::size_t i = end;
    for (; i > begin && i % Lanes != 0; --i) step(i - 1, states[(i - 1) % Lanes]);
    // Whole rounds on a copy that stays in registers.
    std::array<std::uint32_t, Lanes> x;
    std::copy_n(states, Lanes, x.begin());
    for (; i >= begin + Lanes; i -= Lanes) {
        for (unsigned lane = Lanes; lane-- > 0;) step(i - Lanes + lane, x[lane]);
    }
    std::copy_n(x.begin(), Lanes, states);
    for (; i > begin; --i) step(i - 1, states[(i - 1) % Lanes]);
    largest = most;
    return to;
}

// One symbol of a table laid out by slots. Pointers are copied out of the table: stores of bytes could, for
// all a compiler knows, change it.
template <DecodeTable::Layout layout>
class PlainStep {
public:
    explicit PlainStep(const DecodeTable& table)
        : entries_(table.entries()),
          ranks8_(table.ranks8()),
          ranks16_(table.ranks16()),
          precision_(table.precision()) {}

    // The state after the symbol, before words are taken in.
    template <class Rank>
    FEWBITS_INLINE std::uint32_t operator()(std::uint32_t x, Rank& rank) const {
        const std::uint32_t slot = x & ((1U << precision_) - 1);
        if constexpr (layout == DecodeTable::Layout::packed) {
            const std::uint32_t entry = entries_[slot];
            rank = static_cast<Rank>(entry & 0xffU);
            return (entry >> 20) * (x >> precision_) + ((entry >> 8) & 0xfffU);
        } else {
            const Rank found =
                static_cast<Rank>(layout == DecodeTable::Layout::split8 ? ranks8_[slot] : ranks16_[slot]);
            rank = found;
            const std::uint32_t entry = entries_[found];
            return (entry & 0xffffU) * (x >> precision_) + slot - (entry >> 16);
        }
    }

private:
    const std::uint32_t* entries_;
    const std::uint8_t* ranks8_;
    const std::uint16_t* ranks16_;
    unsigned precision_;
};

// Symbols [begin, end), begin a multiple of `Lanes`.
template <unsigned Lanes, DecodeTable::Layout layout, class Rank>
void decode_plain(Payload32& stream, const DecodeTable& table, Rank* ranks, std::size_t begin,
                  std::size_t end) {
    const PlainStep<layout> step(table);
    const std::uint8_t* next = stream.next;
    const std::uint8_t* const last = stream.end;
    std::size_t i = begin;
    // Whole rounds while words for all lanes are there: no check and no branch on what the data need.
    std::array<std::uint32_t, Lanes> states;
    std::copy_n(stream.states.begin(), Lanes, states.begin());
    for (; i + Lanes <= end && last - next >= std::ptrdiff_t{2 * Lanes}; i += Lanes) {
        for (unsigned lane = 0; lane < Lanes; ++lane) {
            // Arithmetic, since compilers would branch on what is random; in general registers, since moving
            // four lanes in and out of a vector takes twice as long.
            const std::uint64_t x = value_barrier(std::uint64_t{step(states[lane], ranks[i + lane])});
            const std::uint32_t need = static_cast<std::uint32_t>((x - rans32_lower) >> 63);
            states[lane] =
                static_cast<std::uint32_t>(x) << (16 * need) | (load_le<std::uint16_t>(next) & (0U - need));
            next += 2 * need;
        }
    }
    std::copy_n(states.begin(), Lanes, stream.states.begin());
    for (; i < end; ++i) {
        std::uint32_t x = step(stream.states[i % Lanes], ranks[i]);
        if (x < rans32_lower) {
            if (next == stream.end) rans32_fail("truncated");
            x = x << 16 | load_le<std::uint16_t>(next);
            next += 2;
        }
        stream.states[i % Lanes] = x;
    }
    stream.next = next;
}

// The payload of `ranks`, left in the scratch.
template <class Rank>
PayloadScratch rans32_payload(Span<const Rank> ranks, const EncodeTable& table, unsigned lanes) {
    check_lanes32("rans32_encode", lanes);
    check_precision32("rans32_encode", table.precision());
    if (sizeof(Rank) > 1) {
        // Every byte has an entry, not so every 16-bit number.
        Rank largest = 0;
        for (const Rank rank : ranks) largest = std::max(largest, rank);
        if (!ranks.empty() && largest >= table.ranks())
            fail_bad_rank("rans32_encode", ranks, nullptr, &table);
    }
    PayloadScratch scratch(ranks.size(), lanes);
    std::array<std::uint32_t, 32> states;
    states.fill(rans32_lower);
    std::uint8_t* to = scratch.end();
    std::uint32_t largest = 0;
    const std::size_t n = ranks.size();
    switch (lanes) {
        case 1:
            to = encode_plain<1>(table, ranks.data(), 0, n, states.data(), to, largest);
            break;
        case 4:
            to = encode_plain<4>(table, ranks.data(), 0, n, states.data(), to, largest);
            break;
        case 8:
            to = encode_plain<8>(table, ranks.data(), 0, n, states.data(), to, largest);
            break;
        default:
            if constexpr (has_vector_kernels && sizeof(Rank) == 1) {
                const std::size_t whole = n / 32 * 32;
                to = encode_plain<32>(table, ranks.data(), whole, n, states.data(), to, largest);
                to = encode_rounds(table.entries(), table.precision(), ranks.data(), whole / 32,
                                   states.data(), to, largest);
            } else {
                to = encode_plain<32>(table, ranks.data(), 0, n, states.data(), to, largest);
            }
            break;
    }
    if (largest == no_frequency) fail_bad_rank("rans32_encode", ranks, nullptr, &table);
    scratch.set_begin(to);
    scratch.put_states(states.data(), lanes);
    return scratch;
}

template <DecodeTable::Layout layout, class Rank>
void rans32_decode_layout(Payload32& stream, const DecodeTable& table, unsigned lanes, Span<Rank> ranks) {
    const std::size_t n = ranks.size();
    switch (lanes) {
        case 1:
            decode_plain<1, layout>(stream, table, ranks.data(), 0, n);
            break;
        case 4:
            decode_plain<4, layout>(stream, table, ranks.data(), 0, n);
            break;
        case 8:
            decode_plain<8, layout>(stream, table, ranks.data(), 0, n);
            break;
        default:
            decode_plain<32, layout>(stream, table, ranks.data(), 0, n);
            break;
    }
}

template <class Rank>
void rans32_decode_any(ByteSpan payload, const DecodeTable& table, unsigned lanes, Span<Rank> ranks) {
    check_lanes32("rans32_decode", lanes);
    check_precision32("rans32_decode", table.precision());
    FEWBITS_REQUIRE(table.ranks() <= 256 || sizeof(Rank) > 1,
                    "rans32_decode: table must have at most 256 ranks for 8-bit output, got " +
                        std::to_string(table.ranks()));
    Payload32 stream(payload, lanes);
    switch (table.layout()) {
        case DecodeTable::Layout::single:
            // A symbol of frequency 2^P leaves the state as it is.
            std::fill(ranks.begin(), ranks.end(), Rank{0});
            break;
        case DecodeTable::Layout::packed:
            rans32_decode_layout<DecodeTable::Layout::packed>(stream, table, lanes, ranks);
            break;
        case DecodeTable::Layout::split8:
            rans32_decode_layout<DecodeTable::Layout::split8>(stream, table, lanes, ranks);
            break;
        default:
            rans32_decode_layout<DecodeTable::Layout::split16>(stream, table, lanes, ranks);
            break;
    }
    stream.expect_end(lanes);
}

}  // namespace detail

// Appends the payload of a message to `out`. Ranks without a frequency in the table are an ArgumentError,
// which leaves `out` as it was.
inline void rans32_encode(Span<const std::uint8_t> ranks, const EncodeTable& table, unsigned lanes,
                          Bytes& out) {
    append(out, detail::rans32_payload(ranks, table, lanes).payload());
}
inline void rans32_encode(Span<const std::uint16_t> ranks, const EncodeTable& table, unsigned lanes,
                          Bytes& out) {
    append(out, detail::rans32_payload(ranks, table, lanes).payload());
}

// A message to decode: ranks.size() symbols, which must be all of the payload.
struct Rans32Job {
    ByteSpan payload;
    const DecodeTable* table;
    unsigned lanes;
    Span<std::uint8_t> ranks;
};

namespace detail {

// A message of 32 lanes on its way through the vector kernels. They load whole vectors of words: the last
// words are therefore decoded from a copy with room behind.
class VectorDecoder {
public:
    explicit VectorDecoder(const Rans32Job& job)
        : job_(&job),
          payload_(job.payload, 32),
          table_{job.table->entries(), nullptr, job.table->precision()} {
        if (job.table->layout() == DecodeTable::Layout::split8) table_.ranks = job.table->ranks8();
        state_.states = payload_.states;
        state_.next = payload_.next;
        state_.limit = payload_.next;
        state_.out = job.ranks.data();
        state_.rounds = job.ranks.size() / 32;
        const std::size_t size = static_cast<std::size_t>(payload_.end - payload_.next);
        if (size >= round_bytes) {
            state_.limit = payload_.end - round_bytes;
        } else {
            use_copy();
        }
    }
    VectorDecoder(const VectorDecoder&) = delete;
    VectorDecoder& operator=(const VectorDecoder&) = delete;

    static bool takes(const Rans32Job& job) {
        const DecodeTable::Layout layout = job.table->layout();
        return has_vector_kernels && job.lanes == 32 && job.ranks.size() >= 32 && job.table->ranks() <= 256 &&
               (layout == DecodeTable::Layout::packed || layout == DecodeTable::Layout::split8);
    }

    // Goes on to the end, or to where the words of the payload run short.
    void run() {
        const bool half = job_->table->half();
        if (table_.ranks == nullptr) {
            half ? decode_rounds<true, PackedStep>(table_, state_)
                 : decode_rounds<false, PackedStep>(table_, state_);
        } else {
            half ? decode_rounds<true, SplitStep>(table_, state_)
                 : decode_rounds<false, SplitStep>(table_, state_);
        }
        settle();
    }
    // The same for two messages at once.
    static void run_pair(VectorDecoder& a, VectorDecoder& b) {
        if ((a.table_.ranks == nullptr) != (b.table_.ranks == nullptr)) {
            a.run();
            return;
        }
        const bool half = a.job_->table->half() && b.job_->table->half();
        if (a.table_.ranks == nullptr) {
            (half ? decode_rounds_pair<true, PackedStep>
                  : decode_rounds_pair<false, PackedStep>)(a.table_, a.state_, b.table_, b.state_);
        } else {
            (half ? decode_rounds_pair<true, SplitStep>
                  : decode_rounds_pair<false, SplitStep>)(a.table_, a.state_, b.table_, b.state_);
        }
        a.settle();
        b.settle();
    }
    bool done() const { return done_; }

private:
    void use_copy() {
        const std::size_t size = static_cast<std::size_t>(payload_.end - state_.next);
        if (size > 0) std::memcpy(copy_, state_.next, size);
        state_.next = copy_;
        state_.limit = copy_ + size;  // the end: a round may begin there, it then needs no words
        on_copy_ = true;
    }
    void settle() {
        if (state_.rounds > 0) {
            if (state_.next <= state_.limit) return;
            if (on_copy_) rans32_fail("truncated");
            return use_copy();
        }
        if (on_copy_) {
            if (state_.next > state_.limit) rans32_fail("truncated");
            payload_.next = payload_.end - (state_.limit - state_.next);
        } else {
            payload_.next = state_.next;
        }
        payload_.states = state_.states;
        const std::size_t n = job_->ranks.size();
        if (table_.ranks == nullptr) {
            decode_plain<32, DecodeTable::Layout::packed>(payload_, *job_->table, job_->ranks.data(),
                                                          n / 32 * 32, n);
        } else {
            decode_plain<32, DecodeTable::Layout::split8>(payload_, *job_->table, job_->ranks.data(),
                                                          n / 32 * 32, n);
        }
        payload_.expect_end(32);
        done_ = true;
    }

    const Rans32Job* job_;
    Payload32 payload_;
    SlotTable table_;
    StreamState state_;
    bool on_copy_ = false, done_ = false;
    // Invariant: on the copy, at most round_bytes of words are left and as many can be read behind them.
    std::uint8_t copy_[2 * round_bytes] = {};
};

}  // namespace detail

// Decodes messages. Long ones of 32 lanes are kept in flight in pairs, which takes 0.75 of the time of
// decoding one after the other: give independent messages in one call. Throws CorruptDataError for the first
// message found to be damaged, with all `ranks` in any state.
inline void rans32_decode(Span<const Rans32Job> jobs) {
    std::array<std::optional<detail::VectorDecoder>, 2> flying;
    std::size_t next = 0;
    for (;;) {
        for (std::optional<detail::VectorDecoder>& slot : flying) {
            while (!slot.has_value() && next < jobs.size()) {
                const Rans32Job& job = jobs[next++];
                if (detail::VectorDecoder::takes(job)) {
                    slot.emplace(job);
                } else {
                    detail::rans32_decode_any(job.payload, *job.table, job.lanes, job.ranks);
                }
            }
        }
        if (flying[0].has_value() && flying[1].has_value()) {
            detail::VectorDecoder::run_pair(*flying[0], *flying[1]);
        } else if (flying[0].has_value()) {
            flying[0]->run();
        } else if (flying[1].has_value()) {
            flying[1]->run();
        } else {
            return;
        }
        for (std::optional<detail::VectorDecoder>& slot : flying) {
            if (slot.has_value() && slot->done()) slot.reset();
        }
    }
}

// Decodes ranks.size() symbols, which must be all of the payload: else CorruptDataError, with `ranks` in any
// state.
inline void rans32_decode(ByteSpan payload, const DecodeTable& table, unsigned lanes,
                          Span<std::uint8_t> ranks) {
    const Rans32Job job{payload, &table, lanes, ranks};
    rans32_decode(Span<const Rans32Job>(&job, 1));
}
inline void rans32_decode(ByteSpan payload, const DecodeTable& table, unsigned lanes,
                          Span<std::uint16_t> ranks) {
    detail::rans32_decode_any(payload, table, lanes, ranks);
}

}  // namespace coding
}  // namespace FEWBITS_ISA
}  // namespace fewbits
