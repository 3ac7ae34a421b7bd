// Arrays of small fields packed low bits first, and back.
//
// Eight fields of `width` bits are `width` bytes; the kernels move eight fields at a time by three
// shift-and-mask steps on 64-bit words, which compilers turn into vector code. The layout is BitWriter's.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "fewbits/core/bits.hpp"
#include "fewbits/core/span.hpp"

namespace fewbits {
inline namespace FEWBITS_ISA {
// Bytes that `count` fields of `width` <= 64 bits take.
constexpr std::size_t packed_size(std::size_t count, unsigned width) {
    return (count / 8) * width + ((count % 8) * width + 7) / 8;
}

namespace detail {

// Fields that are to stay where they are, at each of the three steps: one field in each 16 bits, two in each
// 32, four in the low half. Masking before the shifted half is merged keeps wide fields apart.
struct PackMasks {
    std::uint64_t one, two, four;
    constexpr explicit PackMasks(unsigned width)
        : one(((std::uint64_t{1} << width) - 1) * 0x0001000100010001U),
          two(((std::uint64_t{1} << (2 * width)) - 1) * 0x0000000100000001U),
          four((std::uint64_t{1} << (4 * width)) - 1) {}
};

// Eight fields, one a byte, to 8 * width adjacent bits; width <= 7.
FEWBITS_INLINE std::uint64_t pack8(std::uint64_t x, unsigned width, const PackMasks& mask) {
    x = (x & mask.one) | ((x >> (8 - width)) & (mask.one << width));
    x = (x & mask.two) | ((x >> (16 - 2 * width)) & (mask.two << (2 * width)));
    return (x & mask.four) | ((x >> (32 - 4 * width)) & (mask.four << (4 * width)));
}

FEWBITS_INLINE std::uint64_t unpack8(std::uint64_t x, unsigned width, const PackMasks& mask) {
    x = (x & mask.four) | ((x << (32 - 4 * width)) & (mask.four << 32));
    x = (x & mask.two) | ((x << (16 - 2 * width)) & (mask.two << 16));
    return (x & mask.one) | ((x << (8 - width)) & (mask.one << 8));
}

}  // namespace detail

// Packs fields (bytes whose bits above `width` are 0), width 1..8, into packed_size(n, width) bytes.
inline void pack_bits(Span<const std::uint8_t> fields, unsigned width, Span<std::uint8_t> packed) {
    FEWBITS_REQUIRE(width >= 1 && width <= 8,
                    "pack_bits: width must be in 1..8, got " + std::to_string(width));
    FEWBITS_REQUIRE(packed.size() == packed_size(fields.size(), width),
                    "pack_bits: packed has the wrong size");
    if (fields.empty()) return;
    if (width == 8) {
        std::memcpy(packed.data(), fields.data(), fields.size());
        return;
    }
    const detail::PackMasks mask(width);
    const std::uint8_t* in = fields.data();
    std::uint8_t* out = packed.data();
    std::size_t groups = fields.size() / 8;
    // A whole word is stored while later bytes of the output cover its unused top.
    for (; groups > 0 && packed.data() + packed.size() - out >= 8; --groups, in += 8, out += width) {
        store_le(out, detail::pack8(load_le<std::uint64_t>(in), width, mask));
    }
    BitWriter tail;
    for (; in != fields.end(); ++in) tail.put(*in, width);
    const Bytes rest = tail.finish();
    if (!rest.empty()) std::memcpy(out, rest.data(), rest.size());
}

// The inverse; reads packed_size(n, width) bytes. Bits past the last field are not looked at.
inline void unpack_bits(ByteSpan packed, unsigned width, Span<std::uint8_t> fields) {
    FEWBITS_REQUIRE(width >= 1 && width <= 8,
                    "unpack_bits: width must be in 1..8, got " + std::to_string(width));
    FEWBITS_REQUIRE(packed.size() == packed_size(fields.size(), width),
                    "unpack_bits: packed has the wrong size");
    if (fields.empty()) return;
    if (width == 8) {
        std::memcpy(fields.data(), packed.data(), fields.size());
        return;
    }
    const detail::PackMasks mask(width);
    const std::uint8_t* in = packed.data();
    std::uint8_t* out = fields.data();
    std::size_t groups = fields.size() / 8;
    for (; groups > 0 && packed.end() - in >= 8; --groups, in += width, out += 8) {
        store_le(out, detail::unpack8(load_le<std::uint64_t>(in), width, mask));
    }
    BitReader tail(ByteSpan(in, static_cast<std::size_t>(packed.end() - in)), "packed bits");
    for (; out != fields.end(); ++out) *out = static_cast<std::uint8_t>(tail.get(width));
}

}  // namespace FEWBITS_ISA
}  // namespace fewbits
