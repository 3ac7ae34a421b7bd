// The draws of core/random.hpp, eight blocks at a time.
//
// A block's four words stand in four vectors of 64-bit lanes, one block per lane: the 32 x 32 -> 64 bit
// product leaves the high half where a shift finds it, and what else is in the upper halves never reaches a
// result.
//
// Contract: fill_draws(stream, first, out) is stream.fill(first, out), bit for bit. Bound by the 40 products
// and 120 shifts and xors for 32 draws.
#pragma once

#include <cstddef>
#include <cstdint>

#include "fewbits/core/isa.hpp"
#include "fewbits/core/random.hpp"
#include "fewbits/core/span.hpp"
#include "fewbits/simd/u64x4.hpp"

namespace fewbits {
inline namespace FEWBITS_ISA {
namespace simd {

// out[k] = 32-bit draw first + k of the stream.
inline void fill_draws(const Philox& stream, std::uint64_t first, Span<std::uint32_t> out) {
    const std::size_t size = out.size();
    // Where indices wrap, and where the lanes would be float[..] anyway, one block at a time.
    if (!FEWBITS_HAVE_AVX2 && !FEWBITS_HAVE_NEON) return stream.fill(first, out);
    if (size < 36 || first + size < first) return stream.fill(first, out);

    std::size_t done = static_cast<std::size_t>((4 - first % 4) % 4);
    stream.fill(first, Span<std::uint32_t>(out.data(), done));

    const auto splat = [](std::uint64_t word) { return u64x4::broadcast(word & 0xffffffffU); };
    u64x4 key0[10], key1[10];
    std::uint32_t k0 = static_cast<std::uint32_t>(stream.seed());
    std::uint32_t k1 = static_cast<std::uint32_t>(stream.seed() >> 32);
    for (int round = 0; round < 10; ++round) {
        key0[round] = splat(k0);
        key1[round] = splat(k1);
        k0 += fewbits::detail::philox_weyl[0];
        k1 += fewbits::detail::philox_weyl[1];
    }
    const u64x4 multiplier0 = splat(fewbits::detail::philox_multiplier[0]);
    const u64x4 multiplier1 = splat(fewbits::detail::philox_multiplier[1]);
    const u64x4 stream_low = splat(stream.stream()), stream_high = splat(stream.stream() >> 32);
    const u64x4 low_half = u64x4::broadcast(0xffffffffU);
    constexpr std::uint64_t offsets[4] = {0, 1, 2, 3};
    const u64x4 lanes = u64x4::load(offsets), four = u64x4::broadcast(4);

    struct Blocks {
        u64x4 w0, w1, w2, w3;
    };
    const auto begin = [&](u64x4 counter) {
        return Blocks{counter, shift_right(counter, 32), stream_low, stream_high};
    };
    const auto advance = [&](Blocks& b, int round) {
        const u64x4 product0 = mul_low32(b.w0, multiplier0), product1 = mul_low32(b.w2, multiplier1);
        b.w0 = shift_right(product1, 32) ^ (b.w1 ^ key0[round]);
        b.w2 = shift_right(product0, 32) ^ (b.w3 ^ key1[round]);
        b.w1 = product1;
        b.w3 = product0;
    };
    const auto finish = [&](const Blocks& b, std::uint32_t* to) {
        store_interleaved32((b.w0 & low_half) | shift_left(b.w1, 32),
                            (b.w2 & low_half) | shift_left(b.w3, 32), to);
    };
    for (; size - done >= 32; done += 32) {
        const u64x4 counter = u64x4::broadcast((first + done) / 4) + lanes;
        Blocks a = begin(counter), b = begin(counter + four);
        for (int round = 0; round < 10; ++round) {
            advance(a, round);
            advance(b, round);
        }
        finish(a, out.data() + done);
        finish(b, out.data() + done + 16);
    }
    stream.fill(first + done, Span<std::uint32_t>(out.data() + done, size - done));
}

}  // namespace simd
}  // namespace FEWBITS_ISA
}  // namespace fewbits
