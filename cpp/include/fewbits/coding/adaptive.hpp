// Adaptive models: probabilities that start flat and follow the message, so that nothing is sent ahead. For
// bytes, bits, small and large alphabets, and integers of any size. All integer; normative (docs/format.md).
//
//   bit          two 16-bit probabilities a, b of bit 0, starting at 2^15; p = clamp((a + b) / 4, 32, 32736)
//                of 2^15; after a bit x += ((bit == 0 ? 65535 : 0) - x) >> rate, rates 4 and 7
//   nibble       cumulative counts C[0..16], C[j] = 2048 j at first; after symbol s, for j = 1..15,
//                C[j] += (mix - C[j]) >> rate, mix = j for j <= s, else 2^15 - 16 + j,
//                rate = min(4 + updates / 16, 7)
//   byte         the high nibble, then the low one by a model that the high one selects; order 1: 256 such
//                sets, selected by the byte before (0 at the start)
//   nibble tree  alphabets to 2^16: nibbles from the top, each by a model that those above select
//   Exp-Golomb   int32: v = zigzag + 1 of L bits; L by a byte model, then the L - 1 low bits of v, low first,
//   in
//                groups of 8, the last of what is left
// Steps go through core A32 at precision 15: step i of the block belongs to lane i mod N.
//
// C stays strictly increasing: mix of j + 1 and j differ by at least 1, so with D = C[j + 1] - C[j] >= 1 the
// new gap is at least D + floor((1 - D) / 2^rate) >= 1 (the two shifts differ by at least the floor of the
// shift of the difference).
//
// Contract: the same bytes on every machine; damage that leads astray is found at the end of the payload.
// Speed: a decoder must know a symbol before it can update, some 5 ns a nibble; lanes help little.
//
// Sources: F. Giesen, "Models for adaptive arithmetic coding" (the mixing update); J. Duda, arXiv:1311.2540.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "fewbits/coding/rans.hpp"
#include "fewbits/core/bits.hpp"
#include "fewbits/core/isa.hpp"
#include "fewbits/core/span.hpp"

namespace fewbits {
inline namespace FEWBITS_ISA {
namespace coding {

enum class AdaptiveKind : std::uint8_t { bit, nibble, byte, byte_order1, nibble_tree, exp_golomb };

// Symbols 0..alphabet - 1; alphabet is 0 for Exp-Golomb, which takes every int32.
struct AdaptiveModel {
    AdaptiveKind kind = AdaptiveKind::byte;
    std::uint32_t alphabet = 256;

    // Whether such a model exists.
    bool valid() const {
        switch (kind) {
            case AdaptiveKind::bit:
                return alphabet == 2;
            case AdaptiveKind::nibble:
                return alphabet >= 1 && alphabet <= 16;
            case AdaptiveKind::byte:
            case AdaptiveKind::byte_order1:
                return alphabet >= 1 && alphabet <= 256;
            case AdaptiveKind::nibble_tree:
                return alphabet >= 1 && alphabet <= 65536;
            case AdaptiveKind::exp_golomb:
                return alphabet == 0;
        }
        return false;
    }
    // Nibbles of a symbol of the tree.
    unsigned levels() const { return std::max(1U, (bit_length(alphabet - 1) + 3) / 4); }
    // Most steps that a symbol takes.
    std::uint64_t max_steps() const {
        switch (kind) {
            case AdaptiveKind::byte:
            case AdaptiveKind::byte_order1:
                return 2;
            case AdaptiveKind::nibble_tree:
                return levels();
            case AdaptiveKind::exp_golomb:
                return 6;
            default:
                return 1;
        }
    }
};

inline constexpr unsigned adaptive_precision = 15;

class AdaptiveBit {
public:
    // Frequency of 0.
    std::uint32_t frequency() const { return std::min(std::max((std::uint32_t{a_} + b_) >> 2, 32U), 32736U); }
    void update(unsigned bit) {
        const int target = bit == 0 ? 65535 : 0;
        a_ = static_cast<std::uint16_t>(a_ + ((target - a_) >> 4));
        b_ = static_cast<std::uint16_t>(b_ + ((target - b_) >> 7));
    }

private:
    std::uint16_t a_ = 32768, b_ = 32768;
};

class AdaptiveNibble {
public:
    AdaptiveNibble() {
        for (int j = 0; j < 16; ++j) c_[j] = static_cast<std::int16_t>(2048 * j);
    }
    std::uint32_t start(unsigned symbol) const { return static_cast<std::uint32_t>(c_[symbol]); }
    std::uint32_t end(unsigned symbol) const {
        return symbol == 15 ? 1U << adaptive_precision : static_cast<std::uint32_t>(c_[symbol + 1]);
    }
    // The symbol of slot t < 2^15.
    unsigned find(std::uint32_t t) const {
        const std::int16_t slot = static_cast<std::int16_t>(t);
        int below = 0;
        for (int j = 0; j < 16; ++j) below += c_[j] <= slot ? 1 : 0;
        return static_cast<unsigned>(below - 1);
    }
    void update(unsigned symbol) {
        const int rate = rate_;
        for (int j = 1; j < 16; ++j) {
            const int mix = j <= static_cast<int>(symbol) ? j : (1 << adaptive_precision) - 16 + j;
            c_[j] = static_cast<std::int16_t>(c_[j] + ((mix - c_[j]) >> rate));
        }
        if (++updates_ == 16) {
            updates_ = 0;
            rate_ = static_cast<std::uint8_t>(std::min(rate_ + 1, 7));
        }
    }

private:
    std::int16_t c_[16];  // Invariant: strictly increasing from 0, below 2^15 - 15 + j
    std::uint8_t updates_ = 0, rate_ = 4;
};

namespace detail {

// Collects the steps of a message: start | (frequency - 1) << 16.
class AdaptiveEncoder {
public:
    unsigned bit(AdaptiveBit& model, unsigned symbol) {
        const std::uint32_t f = model.frequency();
        symbol == 0 ? put(0, f) : put(f, (1U << adaptive_precision) - f);
        model.update(symbol);
        return symbol;
    }
    unsigned nibble(AdaptiveNibble& model, unsigned symbol) {
        put(model.start(symbol), model.end(symbol) - model.start(symbol));
        model.update(symbol);
        return symbol;
    }
    // The low `count` <= 8 bits, all alike.
    unsigned raw(unsigned count, unsigned value) {
        put(value << (adaptive_precision - count), 1U << (adaptive_precision - count));
        return value;
    }
    // The payload of the steps.
    void append_to(Bytes& out, unsigned lanes, std::size_t& words) const {
        std::array<std::uint32_t, 32> states;
        states.fill(rans32_lower);
        std::vector<std::uint16_t> reversed;
        for (std::size_t i = steps_.size(); i-- > 0;) {
            const std::uint32_t f = (steps_[i] >> 16) + 1, start = steps_[i] & 0xffffU;
            std::uint32_t& x = states[i & (lanes - 1)];
            if (x >> (32 - adaptive_precision) >= f) {
                reversed.push_back(static_cast<std::uint16_t>(x & 0xffffU));
                x >>= 16;
            }
            x = ((x / f) << adaptive_precision) + x % f + start;
        }
        words = reversed.size();
        for (unsigned lane = 0; lane < lanes; ++lane) append_le(out, states[lane]);
        for (auto word = reversed.rbegin(); word != reversed.rend(); ++word) append_le(out, *word);
    }
    void reserve(std::size_t steps) { steps_.reserve(steps); }

private:
    void put(std::uint32_t start, std::uint32_t frequency) {
        steps_.push_back(start | (frequency - 1) << 16);
    }

    std::vector<std::uint32_t> steps_;
};

// The inverse; the symbols given are not looked at.
class AdaptiveDecoder {
public:
    AdaptiveDecoder(ByteSpan payload, unsigned lanes) : stream_(payload, lanes), lanes_(lanes) {}
    unsigned bit(AdaptiveBit& model, unsigned) {
        const std::uint32_t f = model.frequency();
        const unsigned symbol = slot() < f ? 0 : 1;
        symbol == 0 ? take(0, f) : take(f, (1U << adaptive_precision) - f);
        model.update(symbol);
        return symbol;
    }
    unsigned nibble(AdaptiveNibble& model, unsigned) {
        const unsigned symbol = model.find(slot());
        take(model.start(symbol), model.end(symbol) - model.start(symbol));
        model.update(symbol);
        return symbol;
    }
    unsigned raw(unsigned count, unsigned) {
        const unsigned value = slot() >> (adaptive_precision - count);
        take(value << (adaptive_precision - count), 1U << (adaptive_precision - count));
        return value;
    }
    void expect_end() const { stream_.expect_end(lanes_); }

private:
    std::uint32_t slot() const {
        return stream_.states[index_ & (lanes_ - 1)] & ((1U << adaptive_precision) - 1);
    }
    void take(std::uint32_t start, std::uint32_t frequency) {
        std::uint32_t& state = stream_.states[index_++ & (lanes_ - 1)];
        std::uint32_t x =
            frequency * (state >> adaptive_precision) + (state & ((1U << adaptive_precision) - 1)) - start;
        if (x < rans32_lower) {
            if (stream_.next == stream_.end) rans32_fail("truncated");
            x = x << 16 | load_le<std::uint16_t>(stream_.next);
            stream_.next += 2;
        }
        state = x;
    }

    Payload32 stream_;
    std::size_t index_ = 0;
    unsigned lanes_;
};

// High nibble, then the low one under it.
struct AdaptiveByte {
    AdaptiveNibble high, low[16];

    template <class Coder>
    unsigned code(Coder& coder, unsigned symbol) {
        const unsigned top = coder.nibble(high, symbol >> 4);
        return top << 4 | coder.nibble(low[top], symbol & 15U);
    }
};

// Codes all symbols, in either direction: what differs is in the coder. A symbol outside the alphabet calls
// fail(index).
template <class Coder, class Symbol, class Fail>
void adaptive_code(Coder& coder, const AdaptiveModel& model, Span<Symbol> symbols, const Fail& fail) {
    constexpr bool encoding = std::is_const_v<Symbol>;
    const auto each = [&](auto&& code) {
        for (std::size_t i = 0; i < symbols.size(); ++i) {
            const std::uint32_t in = encoding ? static_cast<std::uint32_t>(symbols[i]) : 0;
            if (encoding && model.alphabet != 0 && in >= model.alphabet) fail(i);
            const std::uint32_t out = code(in);
            if constexpr (!encoding) {
                if (model.alphabet != 0 && out >= model.alphabet) fail(i);
                symbols[i] = static_cast<Symbol>(out);
            }
        }
    };
    switch (model.kind) {
        case AdaptiveKind::bit: {
            AdaptiveBit state;
            each([&](std::uint32_t s) { return coder.bit(state, s); });
            break;
        }
        case AdaptiveKind::nibble: {
            AdaptiveNibble state;
            each([&](std::uint32_t s) { return coder.nibble(state, s); });
            break;
        }
        case AdaptiveKind::byte: {
            AdaptiveByte state;
            each([&](std::uint32_t s) { return state.code(coder, s); });
            break;
        }
        case AdaptiveKind::byte_order1: {
            std::vector<AdaptiveByte> states(256);
            unsigned before = 0;
            each([&](std::uint32_t s) { return before = states[before].code(coder, s); });
            break;
        }
        case AdaptiveKind::nibble_tree: {
            const unsigned levels = model.levels();
            std::size_t count = 0;
            for (unsigned level = 0; level < levels; ++level) count += std::size_t{1} << (4 * level);
            std::vector<AdaptiveNibble> states(count);
            each([&](std::uint32_t s) {
                std::uint32_t prefix = 0, base = 0;
                for (unsigned level = 0; level < levels; ++level) {
                    const unsigned symbol = (s >> (4 * (levels - 1 - level))) & 15U;
                    const unsigned coded = coder.nibble(states[base + prefix], symbol);
                    base += std::uint32_t{1} << (4 * level);
                    prefix = prefix << 4 | coded;
                }
                return prefix;
            });
            break;
        }
        case AdaptiveKind::exp_golomb: {
            AdaptiveByte lengths;
            each([&](std::uint32_t s) {
                const std::uint64_t v =
                    encoding ? zigzag_encode(static_cast<std::int32_t>(s)) + 1 : std::uint64_t{0};
                const unsigned length = lengths.code(coder, bit_length(v));
                if (length < 1 || length > 33) fail(0);
                std::uint64_t value = std::uint64_t{1} << (length - 1);
                for (unsigned at = 0; at + 1 < length; at += 8) {
                    const unsigned count = std::min(8U, length - 1 - at);
                    const unsigned bits = static_cast<unsigned>((v >> at) & ((1U << count) - 1));
                    value |= std::uint64_t{coder.raw(count, bits)} << at;
                }
                if (value > std::uint64_t{1} << 32) fail(0);
                return static_cast<std::uint32_t>(zigzag_decode(value - 1));
            });
            break;
        }
    }
}

inline void check_adaptive(const char* function, const AdaptiveModel& model) {
    FEWBITS_REQUIRE(model.valid(), std::string(function) + ": the model has no alphabet of " +
                                       std::to_string(model.alphabet) + " symbols");
}

}  // namespace detail

// Appends the payload of `symbols` and returns its number of words; lanes is 1, 4, 8 or 32. A symbol outside
// the alphabet is an ArgumentError.
inline std::size_t adaptive_encode(Span<const std::int32_t> symbols, const AdaptiveModel& model,
                                   unsigned lanes, Bytes& out) {
    detail::check_lanes32("adaptive_encode", lanes);
    detail::check_adaptive("adaptive_encode", model);
    detail::AdaptiveEncoder coder;
    coder.reserve(symbols.size());
    detail::adaptive_code(coder, model, symbols, [&](std::size_t i) {
        throw ArgumentError("encode: symbols must be in 0.." + std::to_string(model.alphabet - 1) +
                            ", got symbols[" + std::to_string(i) + "] = " + std::to_string(symbols[i]));
    });
    std::size_t words = 0;
    coder.append_to(out, lanes, words);
    return words;
}

// Decodes symbols.size() symbols, which must be all of the payload: else CorruptDataError.
inline void adaptive_decode(ByteSpan payload, const AdaptiveModel& model, unsigned lanes,
                            Span<std::int32_t> symbols) {
    detail::check_lanes32("adaptive_decode", lanes);
    detail::check_adaptive("adaptive_decode", model);
    detail::AdaptiveDecoder coder(payload, lanes);
    detail::adaptive_code(coder, model, symbols, [](std::size_t) {
        throw CorruptDataError("adaptive_decode: a symbol lies outside the alphabet");
    });
    coder.expect_end();
}

}  // namespace coding
}  // namespace FEWBITS_ISA
}  // namespace fewbits
