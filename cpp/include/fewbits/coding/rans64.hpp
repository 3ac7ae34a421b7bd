// Interleaved rANS, core A64: 64-bit states in [2^31, 2^63), 32-bit words, precision 1..24, 1, 2, 4 or 8
// lanes. For models with more symbols or finer probabilities than A32 (coding/rans.hpp) has room for, and for
// those that change from symbol to symbol.
//
//   encode   if x >= f << (63 - P): emit the low 32 bits of x, x >>= 32
//            x = (x / f) 2^P + x mod f + start
//   decode   t = x mod 2^P, start <= t < start + f;   x = f (x >> P) + t - start
//            if x < 2^31: x = x << 32 | next word
// Symbol i belongs to lane i mod N; all lanes share one sequence of words, which the encoder, going from the
// last symbol to the first, fills backwards. Payload: N states in lane order, then the words.
//
// Contract: as A32's. Payload <= sum (P - log2 f) + 64 N bits (the core's own overhead is below 2e-5), at
// most one word a symbol; every way to end elsewhere than at x = 2^31 with all words taken is
// CorruptDataError. Encoding divides: a 64-bit division takes about ten cycles, which the lanes overlap.
//
// Sources: J. Duda, arXiv:1311.2540 (ANS); F. Giesen, "Interleaved entropy coders", arXiv:1402.3392.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "fewbits/coding/rans.hpp"
#include "fewbits/coding/static_table.hpp"
#include "fewbits/core/bits.hpp"
#include "fewbits/core/error_free.hpp"
#include "fewbits/core/isa.hpp"
#include "fewbits/core/span.hpp"

namespace fewbits {
inline namespace FEWBITS_ISA {
namespace coding {

inline constexpr std::uint64_t rans64_lower = std::uint64_t{1} << 31;

constexpr bool is_lanes64(unsigned lanes) { return lanes == 1 || lanes == 2 || lanes == 4 || lanes == 8; }

// ---- a symbol at a time ---------------------------------------------------------------------------------

// Encodes symbols given as (start, frequency, precision); push them from the last to the first.
template <int Lanes>
class Rans64Encoder {
    static_assert(is_lanes64(Lanes));

public:
    Rans64Encoder() { states_.fill(rans64_lower); }
    void reserve(std::size_t symbols) { words_.reserve(symbols); }

    // Symbol number `index` of the message; 1 <= frequency, start + frequency <= 2^precision, precision
    // <= 24.
    FEWBITS_INLINE void push(std::size_t index, std::uint32_t start, std::uint32_t frequency,
                             unsigned precision) {
        std::uint64_t x = states_[index % Lanes];
        if (x >> (63 - precision) >= frequency) {
            words_.push_back(static_cast<std::uint32_t>(x));
            x >>= 32;
        }
        states_[index % Lanes] = ((x / frequency) << precision) + x % frequency + start;
    }

    // Appends the states and the words; the encoder is then as new.
    void finish(Bytes& out) {
        const std::size_t at = out.size();
        out.resize(at + Lanes * 8 + words_.size() * 4);
        std::uint8_t* to = out.data() + at;
        for (std::uint64_t& state : states_) {
            store_le(to, state);
            state = rans64_lower;
            to += 8;
        }
        for (auto word = words_.rbegin(); word != words_.rend(); ++word, to += 4) store_le(to, *word);
        words_.clear();
    }

private:
    std::array<std::uint64_t, Lanes> states_;  // Invariant: each in [2^31, 2^63)
    std::vector<std::uint32_t> words_;         // last word of the stream first
};

// The inverse: for each symbol in order, peek() gives the slot, advance() takes the symbol found for it.
template <int Lanes>
class Rans64Decoder {
    static_assert(is_lanes64(Lanes));

public:
    explicit Rans64Decoder(ByteSpan payload) : next_(payload.data()), end_(payload.end()) {
        if (payload.size() < Lanes * 8 || payload.size() % 4 != 0) fail("the payload has the wrong size");
        for (std::uint64_t& state : states_) {
            state = load_le<std::uint64_t>(next_);
            next_ += 8;
            if (state < rans64_lower || state >> 63 != 0) fail("an initial state is out of range");
        }
    }
    FEWBITS_INLINE std::uint32_t peek(std::size_t index, unsigned precision) const {
        return static_cast<std::uint32_t>(states_[index % Lanes]) & ((1U << precision) - 1);
    }
    // start <= peek(index, precision) < start + frequency
    FEWBITS_INLINE void advance(std::size_t index, std::uint32_t start, std::uint32_t frequency,
                                unsigned precision) {
        std::uint64_t x = states_[index % Lanes];
        x = frequency * (x >> precision) + peek(index, precision) - start;
        if (x < rans64_lower) {
            if (next_ == end_) fail("truncated");
            x = x << 32 | load_le<std::uint32_t>(next_);
            next_ += 4;
        }
        states_[index % Lanes] = x;
    }
    // To be called after the last symbol.
    void expect_end() const {
        bool ok = next_ == end_;
        for (const std::uint64_t state : states_) ok = ok && state == rans64_lower;
        if (!ok) fail("data damaged, or decoded with another model than they were encoded with");
    }

private:
    [[noreturn]] static void fail(const char* message) {
        throw CorruptDataError(std::string("rans64_decode: ") + message);
    }

    std::array<std::uint64_t, Lanes> states_;
    const std::uint8_t* next_;
    const std::uint8_t* end_;
};

// ---- A64 in blocks --------------------------------------------------------------------------------------

// Encodes many symbols of one precision: give their intervals from the last block to the first. The words go
// into room for one a symbol, from its end.
template <int Lanes, unsigned Precision>
class Rans64BlockEncoder {
    static_assert(is_lanes64(Lanes) && Precision >= 1 && Precision <= 24);

public:
    // For a message of `symbols` symbols.
    explicit Rans64BlockEncoder(std::size_t symbols)
        : size_(symbols + 1), words_(new std::uint8_t[size_ * 4]), to_(words_.get() + size_ * 4) {
        states_.fill(rans64_lower);
    }
    // Symbols [first, first + count) of the message: those right before what was pushed last.
    void push(std::size_t first, std::size_t count, const std::uint32_t* starts,
              const std::uint32_t* frequencies) {
        std::uint8_t* to = to_;
        const auto step = [&](std::size_t i, std::uint64_t& state) {
            const std::uint32_t f = frequencies[i];
            std::uint64_t x = state;
            // 1 where x >= f << (63 - Precision). Arithmetic, since a branch would follow random bits.
            const std::uint64_t full = ((std::uint64_t{f} - 1) - (x >> (63 - Precision))) >> 63;
            store_le(to - 4, static_cast<std::uint32_t>(x & 0xffffffffU));
            to -= 4 * full;
            x >>= 32 * full;
            const std::uint64_t quotient = x / f;
            state = (quotient << Precision) + (x - quotient * f) + starts[i];
        };
        std::size_t i = count;
        for (; i > 0 && (first + i) % Lanes != 0; --i) step(i - 1, states_[(first + i - 1) % Lanes]);
        std::array<std::uint64_t, Lanes> x = states_;
        for (; i >= Lanes; i -= Lanes) {
            for (int lane = Lanes; lane-- > 0;)
                step(i - Lanes + static_cast<std::size_t>(lane), x[static_cast<std::size_t>(lane)]);
        }
        states_ = x;
        for (; i > 0; --i) step(i - 1, states_[(first + i - 1) % Lanes]);
        to_ = to;
    }
    std::size_t words() const { return static_cast<std::size_t>(words_.get() + size_ * 4 - to_) / 4; }
    // States and words.
    void append_to(Bytes& out) const {
        for (const std::uint64_t state : states_) append_le(out, state);
        append(out, ByteSpan(to_, words() * 4));
    }

private:
    std::size_t size_;
    std::unique_ptr<std::uint8_t[]> words_;
    std::uint8_t* to_;  // Invariant: at least 4 bytes lie below it in the room
    std::array<std::uint64_t, Lanes> states_;
};

// The inverse, a symbol or a round of all lanes at a time.
template <int Lanes, unsigned Precision>
class Rans64BlockDecoder {
    static_assert(is_lanes64(Lanes) && Precision >= 1 && Precision <= 24);

public:
    explicit Rans64BlockDecoder(ByteSpan payload) : next_(payload.data()), end_(payload.end()) {
        if (payload.size() < Lanes * 8 || payload.size() % 4 != 0) fail("the payload has the wrong size");
        for (std::uint64_t& state : states_) {
            state = load_le<std::uint64_t>(next_);
            next_ += 8;
            if (state < rans64_lower || state >> 63 != 0) fail("an initial state is out of range");
        }
    }
    FEWBITS_INLINE std::uint32_t slot(std::size_t lane) const {
        return static_cast<std::uint32_t>(states_[lane]) & ((1U << Precision) - 1);
    }
    // Symbol of one lane.
    FEWBITS_INLINE void advance(std::size_t lane, std::uint32_t start, std::uint32_t frequency) {
        std::uint64_t x = states_[lane];
        x = frequency * (x >> Precision) + slot(lane) - start;
        if (x < rans64_lower) {
            if (next_ == end_) fail("truncated");
            x = x << 32 | load_le<std::uint32_t>(next_);
            next_ += 4;
        }
        states_[lane] = x;
    }
    // A symbol of every lane, in lane order.
    FEWBITS_INLINE void advance_all(const std::uint32_t* starts, const std::uint32_t* frequencies) {
        if (end_ - next_ < std::ptrdiff_t{4 * Lanes}) {
            for (std::size_t lane = 0; lane < Lanes; ++lane) advance(lane, starts[lane], frequencies[lane]);
            return;
        }
        const std::uint8_t* next = next_;
        for (std::size_t lane = 0; lane < Lanes; ++lane) {
            std::uint64_t x = states_[lane];
            x = frequencies[lane] * (x >> Precision) + slot(lane) - starts[lane];
            const std::uint64_t need = value_barrier((x - rans64_lower) >> 63);
            states_[lane] =
                x << (32 * need) | (load_le<std::uint32_t>(next) & (0U - static_cast<std::uint32_t>(need)));
            next += 4 * need;
        }
        next_ = next;
    }
    void expect_end() const {
        bool ok = next_ == end_;
        for (const std::uint64_t state : states_) ok = ok && state == rans64_lower;
        if (!ok) fail("data damaged, or parameters differ from those used for encoding");
    }

private:
    [[noreturn]] FEWBITS_NOINLINE static void fail(const char* message) {
        throw CorruptDataError(std::string("rans64_decode: ") + message);
    }

    std::array<std::uint64_t, Lanes> states_;
    const std::uint8_t* next_;
    const std::uint8_t* end_;
};

// ---- A64 with static tables -----------------------------------------------------------------------------

namespace detail {

template <int Lanes>
void rans64_encode_lanes(Span<const std::uint16_t> ranks, const StaticTable& table, Bytes& out) {
    Rans64Encoder<Lanes> encoder;
    for (std::size_t i = ranks.size(); i-- > 0;) {
        const std::uint32_t rank = ranks[i];
        if (rank >= table.ranks() || table.frequency_of_rank(rank) == 0) {
            fail_bad_rank("rans64_encode", ranks, &table, nullptr);
        }
        encoder.push(i, table.start_of_rank(rank), table.frequency_of_rank(rank), table.precision());
    }
    encoder.finish(out);
}

template <int Lanes>
void rans64_decode_lanes(ByteSpan payload, const DecodeTable& table, Span<std::uint16_t> ranks) {
    Rans64Decoder<Lanes> decoder(payload);
    const StaticTable& symbols = table.table();
    const unsigned precision = table.precision();
    for (std::size_t i = 0; i < ranks.size(); ++i) {
        const std::uint32_t rank =
            table.layout() == DecodeTable::Layout::search ? table.find(decoder.peek(i, precision)) : 0;
        decoder.advance(i, symbols.start_of_rank(rank), symbols.frequency_of_rank(rank), precision);
        ranks[i] = static_cast<std::uint16_t>(rank);
    }
    decoder.expect_end();
}

}  // namespace detail

// Static tables of precision 16..24, which A32 cannot hold.
inline void rans64_encode(Span<const std::uint16_t> ranks, const StaticTable& table, unsigned lanes,
                          Bytes& out) {
    switch (lanes) {
        case 1:
            return detail::rans64_encode_lanes<1>(ranks, table, out);
        case 2:
            return detail::rans64_encode_lanes<2>(ranks, table, out);
        case 4:
            return detail::rans64_encode_lanes<4>(ranks, table, out);
        case 8:
            return detail::rans64_encode_lanes<8>(ranks, table, out);
        default:
            throw ArgumentError("rans64_encode: lanes must be 1, 2, 4 or 8, got " + std::to_string(lanes));
    }
}

inline void rans64_decode(ByteSpan payload, const DecodeTable& table, unsigned lanes,
                          Span<std::uint16_t> ranks) {
    FEWBITS_REQUIRE(
        table.precision() > max_precision32,
        "rans64_decode: table must have a precision above 15, got " + std::to_string(table.precision()));
    switch (lanes) {
        case 1:
            return detail::rans64_decode_lanes<1>(payload, table, ranks);
        case 2:
            return detail::rans64_decode_lanes<2>(payload, table, ranks);
        case 4:
            return detail::rans64_decode_lanes<4>(payload, table, ranks);
        case 8:
            return detail::rans64_decode_lanes<8>(payload, table, ranks);
        default:
            throw ArgumentError("rans64_decode: lanes must be 1, 2, 4 or 8, got " + std::to_string(lanes));
    }
}

}  // namespace coding
}  // namespace FEWBITS_ISA
}  // namespace fewbits
