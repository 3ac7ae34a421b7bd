// A stack of symbols: core A64 with one lane, last in first out. For bits-back coding and for composing
// models.
//
// The stack is a list of 32-bit words under a 64-bit state x. While there are words, 2^31 <= x < 2^63; an
// empty list may have any smaller x, from 0 on. With L = 2^31:
//   push   if x >= f << (63 - P): put the low word of x on the list, x >>= 32;  x = (x / f) 2^P + x mod f +
//   start pop    t = x mod 2^P, its symbol;  x = f (x >> P) + t - start;  if x < L and there are words: x = x
//   << 32 | word
// The two undo each other exactly on every content: after a pop, f << (31 - P) <= x where a word comes in, so
// that push puts it back, and x < f << (63 - P) where none does, so that push keeps it. Popping from what was
// never pushed decodes it, as good random bits do: that is what bits-back coding uses.
//
// A stack is exhausted when it is empty (no words, state 0) and as much was popped as pushed: a pop is then
// CorruptDataError unless allowed, and gives the symbols of slot 0. A stack read from bytes does not know
// what was pushed, and a symbol of slot 0 at the bottom leaves no trace: begin stacks that are to be sent
// with from_bytes({}, true), whose seal lies below everything.
//
// Bytes: the words, oldest first, then the state as one or two words, low first, the last of them not 0; an
// empty stack is no bytes. `seal` appends a byte 1 and zeros to a whole word, so that any bytes make a stack.
//
// Source: J. Townsend, T. Bird, D. Barber, arXiv:1901.04866 (bits-back with ANS); conventions of constriction
// (R. Bamler, arXiv:2201.01741).
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "fewbits/coding/rans64.hpp"
#include "fewbits/coding/symbol_model.hpp"
#include "fewbits/core/bits.hpp"
#include "fewbits/core/isa.hpp"
#include "fewbits/core/span.hpp"

namespace fewbits {
inline namespace FEWBITS_ISA {
namespace coding {

class AnsStack {
public:
    AnsStack() = default;

    static AnsStack from_bytes(ByteSpan data, bool seal = false) {
        Bytes sealed;
        if (seal) {
            append(sealed, data);
            sealed.push_back(1);
            while (sealed.size() % 4 != 0) sealed.push_back(0);
            data = sealed;
        }
        if (data.size() % 4 != 0)
            throw CorruptDataError("AnsStack.from_bytes: data must be whole words of 4 bytes");
        AnsStack stack;
        for (std::size_t at = 0; at < data.size(); at += 4)
            stack.words_.push_back(load_le<std::uint32_t>(data.data() + at));
        if (!stack.words_.empty() && stack.words_.back() == 0)
            throw CorruptDataError(
                "AnsStack.from_bytes: the last word must not be 0 (pass seal for arbitrary data)");
        stack.refill();
        return stack;
    }
    Bytes to_bytes() const {
        Bytes out;
        for (const std::uint32_t word : words_) append_le(out, word);
        if (state_ != 0) append_le(out, static_cast<std::uint32_t>(state_ & 0xffffffffU));
        if (state_ >> 32 != 0) append_le(out, static_cast<std::uint32_t>(state_ >> 32));
        return out;
    }
    // The bytes given to from_bytes with `seal`, of a stack that is back where it was.
    Bytes unseal() const {
        Bytes out = to_bytes();
        std::size_t zeros = 0;
        while (!out.empty() && out.back() == 0 && zeros < 3) {
            out.pop_back();
            ++zeros;
        }
        if (out.empty() || out.back() != 1)
            throw CorruptDataError(
                "AnsStack.unseal: there is no seal at the end: the stack is not back at its start");
        out.pop_back();
        return out;
    }

    // Pushes so that pop returns them in this order. A refused symbol leaves the stack as it was.
    void push(Span<const std::int32_t> symbols, SymbolModel& model) {
        check_size("push", model, symbols.size());
        std::vector<std::uint32_t> starts(symbols.size()), frequencies(symbols.size());
        for (std::size_t begin = 0; begin < symbols.size(); begin += SymbolModel::capacity) {
            const std::size_t count = std::min(SymbolModel::capacity, symbols.size() - begin);
            model.intervals(symbols.data() + begin, begin, count, &starts[begin], &frequencies[begin]);
        }
        for (std::size_t i = symbols.size(); i-- > 0;)
            push_interval(starts[i], frequencies[i], model.precision());
    }
    void pop(SymbolModel& model, Span<std::int32_t> symbols, bool allow_exhausted = false) {
        check_size("pop", model, symbols.size());
        const unsigned precision = model.precision();
        const std::uint32_t mask = (1U << precision) - 1;
        for (std::size_t i = 0; i < symbols.size(); ++i) {
            check_content("pop", allow_exhausted);
            const SymbolInterval found = model.find(i, static_cast<std::uint32_t>(state_) & mask);
            pop_interval(found.start, found.frequency, precision);
            symbols[i] = found.symbol;
        }
    }
    // bits <= 24
    void push_bits(std::uint32_t value, unsigned bits) {
        check_bits("push_bits", bits);
        FEWBITS_REQUIRE(value >> bits == 0, "AnsStack.push_bits: value must be below 2^" +
                                                std::to_string(bits) + ", got " + std::to_string(value));
        if (bits > 0) push_interval(value, 1, bits);
    }
    std::uint32_t pop_bits(unsigned bits, bool allow_exhausted = false) {
        check_bits("pop_bits", bits);
        if (bits == 0) return 0;
        check_content("pop_bits", allow_exhausted);
        const std::uint32_t value = static_cast<std::uint32_t>(state_) & ((1U << bits) - 1);
        pop_interval(value, 1, bits);
        return value;
    }

    // Bits of to_bytes().
    std::uint64_t num_bits() const {
        return 32 * (std::uint64_t{words_.size()} + (state_ != 0 ? 1 : 0) + (state_ >> 32 != 0 ? 1 : 0));
    }
    // Bits that the content is worth: those of the words and of the state.
    std::uint64_t num_valid_bits() const { return 32 * std::uint64_t{words_.size()} + bit_length(state_); }
    bool is_empty() const { return words_.empty() && state_ == 0; }
    std::size_t words() const { return words_.size(); }
    std::uint64_t state() const { return state_; }
    // Back to where the stack was when it had that many words and that state; what was pushed since is
    // dropped.
    void seek(std::size_t words, std::uint64_t state) {
        FEWBITS_REQUIRE(words <= words_.size(), "AnsStack.seek: the stack has " +
                                                    std::to_string(words_.size()) + " words, cannot go to " +
                                                    std::to_string(words));
        FEWBITS_REQUIRE(state >> 63 == 0 && (words == 0 || state >= rans64_lower),
                        "AnsStack.seek: no stack of that many words has such a state");
        words_.resize(words);
        state_ = state;
        depth_ = std::int64_t{1} << 62;  // not known
    }

private:
    void push_interval(std::uint32_t start, std::uint32_t frequency, unsigned precision) {
        if (state_ >> (63 - precision) >= frequency) {
            words_.push_back(static_cast<std::uint32_t>(state_ & 0xffffffffU));
            state_ >>= 32;
        }
        state_ = ((state_ / frequency) << precision) + state_ % frequency + start;
        ++depth_;
    }
    void pop_interval(std::uint32_t start, std::uint32_t frequency, unsigned precision) {
        const std::uint64_t t = state_ & ((std::uint64_t{1} << precision) - 1);
        state_ = frequency * (state_ >> precision) + t - start;
        --depth_;
        refill();
    }
    void refill() {
        while (state_ < rans64_lower && !words_.empty()) {
            state_ = state_ << 32 | words_.back();
            words_.pop_back();
        }
    }
    void check_content(const char* name, bool allow_exhausted) const {
        if (allow_exhausted || !is_empty() || depth_ > 0) return;
        throw CorruptDataError(std::string("AnsStack.") + name + ": the stack is exhausted");
    }
    static void check_bits(const char* name, unsigned bits) {
        FEWBITS_REQUIRE(bits <= 24, std::string("AnsStack.") + name + ": bits must be in 0..24, got " +
                                        std::to_string(bits));
    }
    static void check_size(const char* name, const SymbolModel& model, std::size_t n) {
        FEWBITS_REQUIRE(model.size() == SymbolModel::any_number || model.size() == n,
                        std::string("AnsStack.") + name + ": the model has parameters of " +
                            std::to_string(model.size()) + " symbols, asked for " + std::to_string(n));
    }

    std::vector<std::uint32_t> words_;  // the newest last
    std::uint64_t state_ = 0;           // Invariant: below 2^63; at least 2^31 where there are words
    std::int64_t depth_ = 0;            // symbols pushed less symbols popped
};

}  // namespace coding
}  // namespace FEWBITS_ISA
}  // namespace fewbits
