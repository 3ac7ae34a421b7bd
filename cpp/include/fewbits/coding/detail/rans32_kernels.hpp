// The vector loops of A32 (coding/rans.hpp) with 32 lanes: rounds of 32 symbols, four vectors of states.
//
// Decoding one stream waits for the way from a state through its slot to the next state (about 50 cycles on
// Zen 5), hence decode_rounds_pair: two independent streams in one loop. Two are bounded by the number of
// instructions (some 53 for eight symbols, 5 a cycle), encoding by the two ports for shuffles and shifts.
// Measured on Zen 5 at 2.55 bits a symbol: one stream 2.3, two 2.9 symbols/ns; refilling by a byte shuffle
// within halves of the vector instead of permuting across it is worth 10 % of that. Tried and dropped:
// entries by broadcast loads and blends instead of inserts (equal), indices of two vectors packed to 16 bits
// before they leave the vector (equal), indices through memory (0.85).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "fewbits/core/bits.hpp"
#include "fewbits/core/isa.hpp"
#include "fewbits/simd/u32x8.hpp"

namespace fewbits {
inline namespace FEWBITS_ISA {
namespace coding {
namespace detail {

// Without vector registers the plain loops are faster.
inline constexpr bool has_vector_kernels = FEWBITS_HAVE_SCALAR == 0;

// Bytes of words that a round may load.
inline constexpr std::size_t round_bytes = 64;

// A table as the kernels see it, see DecodeTable.
struct SlotTable {
    const std::uint32_t* entries = nullptr;  // by slot, or by rank where there are ranks
    const std::uint8_t* ranks = nullptr;     // by slot, or null
    unsigned precision = 0;
};

// Where a stream stands between rounds.
struct StreamState {
    std::array<std::uint32_t, 32> states;
    const std::uint8_t* next;  // the next word
    const std::uint8_t*
        limit;  // a round may start while next <= limit: round_bytes from there on can be read
    std::uint8_t* out;
    std::size_t rounds;  // still to do
};

// The state after a slot was decoded, before words are taken in.
//   packed   entries: frequency << 20 | offset in symbol << 8 | rank
//   split    entries: frequency | start << 16, found through the rank of the slot; ranks are stored to `out`
struct PackedStep {
    simd::u32x8 mask;
    const std::uint32_t* entries;
    unsigned precision;

    FEWBITS_INLINE explicit PackedStep(const SlotTable& table)
        : mask(simd::u32x8::broadcast((1U << table.precision) - 1)),
          entries(table.entries),
          precision(table.precision) {}
    FEWBITS_INLINE simd::u32x8 operator()(simd::u32x8& x, std::uint8_t*) const {
        const simd::u32x8 entry = lookup(entries, x & mask);
        const simd::u32x8 offset = simd::shift_right<8>(entry) & simd::u32x8::broadcast(0xfff);
        x = simd::shift_right<20>(entry) * shift_right(x, precision) + offset;
        return entry;
    }
    FEWBITS_INLINE void store_ranks(const simd::u32x8* entry, std::uint8_t* out) const {
        store_low_bytes(out, entry[0], entry[1], entry[2], entry[3]);
    }
};

struct SplitStep {
    simd::u32x8 mask;
    const std::uint32_t* entries;
    const std::uint8_t* ranks;
    unsigned precision;

    FEWBITS_INLINE explicit SplitStep(const SlotTable& table)
        : mask(simd::u32x8::broadcast((1U << table.precision) - 1)),
          entries(table.entries),
          ranks(table.ranks),
          precision(table.precision) {}
    FEWBITS_INLINE simd::u32x8 operator()(simd::u32x8& x, std::uint8_t* out) const {
        const simd::u32x8 slot = x & mask;
        const simd::u32x8 entry = lookup_through(ranks, entries, slot, out);
        const simd::u32x8 frequency = entry & simd::u32x8::broadcast(0xffff);
        x = frequency * shift_right(x, precision) + (slot - simd::shift_right<16>(entry));
        return entry;
    }
    FEWBITS_INLINE void store_ranks(const simd::u32x8*, std::uint8_t*) const {}
};

// 32 symbols. Half: no frequency exceeds 2^(P - 1), so that states stay below 2^31 until words are taken in.
template <bool Half, class Step>
FEWBITS_INLINE void decode_round(const Step& step, simd::u32x8 (&x)[4], const std::uint8_t*& next,
                                 std::uint8_t* out) {
    using simd::u32x8;
    u32x8 entry[4];
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC unroll 4
#endif
    for (std::size_t group = 0; group < 4; ++group) {
        entry[group] = step(x[group], out + 8 * group);
        // The barrier keeps GCC from comparing in two instructions, as min(x, 0xffff) == x.
        const simd::mask<8> need =
            Half ? greater_below_2_31(value_barrier(u32x8::broadcast(1U << 16)), x[group])
                 : x[group] <= u32x8::broadcast(0xffff);
        const std::uint32_t lanes = bits(need);
        const u32x8 words = simd::expand_words(next, lanes);
        x[group] = shift_left(x[group], keep(need, u32x8::broadcast(16))) | words;
        next += 2 * popcount(lanes);
    }
    step.store_ranks(entry, out);
}

// As many rounds as the limit allows.
template <bool Half, class Step>
FEWBITS_NOINLINE void decode_rounds(const SlotTable& table, StreamState& stream) {
    const Step step(table);
    simd::u32x8 x[4];
    for (std::size_t group = 0; group < 4; ++group) x[group] = simd::u32x8::load(&stream.states[8 * group]);
    const std::uint8_t* next = stream.next;
    std::uint8_t* out = stream.out;
    std::size_t rounds = stream.rounds;
    for (; rounds > 0 && next <= stream.limit; --rounds, out += 32) decode_round<Half>(step, x, next, out);
    for (std::size_t group = 0; group < 4; ++group) store(x[group], &stream.states[8 * group]);
    stream.next = next;
    stream.out = out;
    stream.rounds = rounds;
}

// The same for two streams at once, until one of them cannot go on.
template <bool Half, class Step>
FEWBITS_NOINLINE void decode_rounds_pair(const SlotTable& table_a, StreamState& a, const SlotTable& table_b,
                                         StreamState& b) {
    const Step step_a(table_a), step_b(table_b);
    simd::u32x8 x[4], y[4];
    for (std::size_t group = 0; group < 4; ++group) {
        x[group] = simd::u32x8::load(&a.states[8 * group]);
        y[group] = simd::u32x8::load(&b.states[8 * group]);
    }
    const std::uint8_t *next_a = a.next, *next_b = b.next;
    std::uint8_t *out_a = a.out, *out_b = b.out;
    const std::size_t most = a.rounds < b.rounds ? a.rounds : b.rounds;
    std::size_t done = 0;
    for (; done < most && next_a <= a.limit && next_b <= b.limit; ++done, out_a += 32, out_b += 32) {
        decode_round<Half>(step_a, x, next_a, out_a);
        decode_round<Half>(step_b, y, next_b, out_b);
    }
    for (std::size_t group = 0; group < 4; ++group) {
        store(x[group], &a.states[8 * group]);
        store(y[group], &b.states[8 * group]);
    }
    a.next = next_a;
    b.next = next_b;
    a.out = out_a;
    b.out = out_b;
    a.rounds -= done;
    b.rounds -= done;
}

// Encodes `rounds` times 32 ranks from the last to the first, words downwards from `end`; returns where they
// now begin. 16 bytes below are overwritten. `entries` are four fields: reciprocal, (frequency - 1) & 0xffff
// | start << 16, shift, increment (EncodeEntry). `largest` becomes the largest second field's low half met.
inline std::uint8_t* encode_rounds(const void* entries, unsigned precision, const std::uint8_t* ranks,
                                   std::size_t rounds, std::uint32_t* states, std::uint8_t* end,
                                   std::uint32_t& largest) {
    using simd::u32x8;
    u32x8 x[4];
    for (std::size_t group = 0; group < 4; ++group) x[group] = u32x8::load(states + 8 * group);
    u32x8 most = u32x8::broadcast(largest);
    const u32x8 low = u32x8::broadcast(0xffff), all_but_one = u32x8::broadcast((1U << precision) - 1);
    for (std::size_t round = rounds; round-- > 0;) {
        const auto encode_group = [&](std::size_t group) FEWBITS_INLINE_LAMBDA {
            const simd::Fields4 entry = simd::lookup4(entries, ranks + 32 * round + 8 * group);
            const u32x8 frequency = entry.field1 & low;  // less one
            most = max(most, frequency);
            const simd::mask<8> full = greater_below_2_31(shift_right(x[group], 32 - precision), frequency);
            const std::uint32_t lanes = bits(full);
            compress_words(end, x[group], lanes);
            end -= 2 * popcount(lanes);
            const u32x8 y = shift_right(x[group], keep(full, u32x8::broadcast(16)));
            const u32x8 quotient = shift_right(multiply_high(y + entry.field3, entry.field0), entry.field2);
            x[group] = y + simd::shift_right<16>(entry.field1) + quotient * (all_but_one - frequency);
        };
        // GCC leaves a loop over the groups a loop, with the states in memory.
        encode_group(3);
        encode_group(2);
        encode_group(1);
        encode_group(0);
    }
    for (std::size_t group = 0; group < 4; ++group) store(x[group], states + 8 * group);
    std::uint32_t lanes[8];
    store(most, lanes);
    for (const std::uint32_t lane : lanes) largest = lane > largest ? lane : largest;
    return end;
}

}  // namespace detail
}  // namespace coding
}  // namespace FEWBITS_ISA
}  // namespace fewbits
