// Checksums: CRC-32C of byte strings (what the formats store) and XXH64 (a fast 64-bit fingerprint).
//
// CRC-32C: polynomial 0x1EDC6F41, reflected 0x82F63B78, initial value and final xor all ones. Detects every
// burst of up to 32 bits and every 1, 2 or 3 flipped bits in blocks below 2^28 bytes.
//   CRC instructions (x86, ARMv8 with CRC)   three interleaved streams hide the latency of the instruction;
//                                            their values are joined by multiplying with x^(8n) by table
//   elsewhere                                slice by 8: eight tables, eight bytes per step
// XXH64: not cryptographic; four independent multiply-rotate lanes over 32-byte stripes.
// Contract: exact on every machine; any alignment, any length, empty spans included.
// Sources: RFC 3720 section 12.1 and appendix B.4 (CRC-32C); M. Adler, crc32c.c (the joining of streams);
// M. Kounavis and F. Berry, "A systematic approach to building high performance software-based CRC
// generators", ISCC 2005 (slicing); Y. Collet, xxHash specification 0.2.0 (XXH64).
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "fewbits/core/bits.hpp"
#include "fewbits/core/error_free.hpp"
#include "fewbits/core/isa.hpp"
#include "fewbits/core/memory.hpp"
#include "fewbits/core/span.hpp"

// Not plain __SSE4_2__: the namespace of this build must tell its instructions (core/isa.hpp).
#if FEWBITS_HAVE_AVX2
#include <nmmintrin.h>
#elif FEWBITS_HAVE_NEON && defined(__ARM_FEATURE_CRC32)
#include <arm_acle.h>
#endif

namespace fewbits {
inline namespace FEWBITS_ISA {

namespace detail {

// Bit 31 - i of a value is the coefficient of x^i.
inline constexpr std::uint32_t crc32c_polynomial = 0x82f63b78U;

// value * x modulo the polynomial.
constexpr std::uint32_t crc32c_times_x(std::uint32_t value) {
    return (value >> 1) ^ ((value & 1U) != 0 ? crc32c_polynomial : 0U);
}

constexpr std::uint32_t crc32c_multiply(std::uint32_t a, std::uint32_t b) {
    std::uint32_t product = 0;
    for (int i = 31; i >= 0; --i) {
        if (((a >> i) & 1U) != 0) product ^= b;
        b = crc32c_times_x(b);
    }
    return product;
}

// x^(8 * bytes): what `bytes` zero bytes multiply the register by.
constexpr std::uint32_t crc32c_power(std::uint64_t bytes) {
    std::uint32_t result = 0x80000000U;  // x^0
    std::uint32_t square = 0x00800000U;  // x^8
    for (; bytes != 0; bytes >>= 1) {
        if ((bytes & 1U) != 0) result = crc32c_multiply(result, square);
        square = crc32c_multiply(square, square);
    }
    return result;
}

template <std::size_t Rows>
using Crc32cTable = std::array<std::array<std::uint32_t, 256>, Rows>;

// Row k maps byte k of the register to its share of register * x^(8 * bytes).
constexpr Crc32cTable<4> crc32c_shift_table(std::uint64_t bytes) {
    Crc32cTable<4> table{};
    const std::uint32_t power = crc32c_power(bytes);
    for (unsigned row = 0; row < 4; ++row) {
        for (unsigned byte = 1; byte < 256; ++byte) {
            // Linear: an entry is that of its lowest bit plus that of the others.
            const unsigned others = byte & (byte - 1);
            table[row][byte] = others != 0 ? table[row][others] ^ table[row][byte ^ others]
                                           : crc32c_multiply(std::uint32_t{byte} << (8 * row), power);
        }
    }
    return table;
}

inline std::uint32_t crc32c_shift(std::uint32_t crc, const Crc32cTable<4>& table) {
    return table[0][crc & 255U] ^ table[1][(crc >> 8) & 255U] ^ table[2][(crc >> 16) & 255U] ^
           table[3][crc >> 24];
}

// Row k maps a byte to the register after that byte and k zero bytes.
constexpr Crc32cTable<8> crc32c_slice_table() {
    Crc32cTable<8> table{};
    for (unsigned byte = 0; byte < 256; ++byte) {
        std::uint32_t value = byte;
        for (int i = 0; i < 8; ++i) value = crc32c_times_x(value);
        table[0][byte] = value;
    }
    for (unsigned row = 1; row < 8; ++row) {
        for (unsigned byte = 0; byte < 256; ++byte) {
            const std::uint32_t previous = table[row - 1][byte];
            table[row][byte] = (previous >> 8) ^ table[0][previous & 255U];
        }
    }
    return table;
}
inline constexpr Crc32cTable<8> crc32c_slices = crc32c_slice_table();

// Works on the bare register, without the two inversions.
inline std::uint32_t crc32c_by_slices(const std::uint8_t* bytes, std::size_t size, std::uint32_t crc) {
    const Crc32cTable<8>& t = crc32c_slices;
    for (; size >= 8; bytes += 8, size -= 8) {
        const std::uint64_t word = load_le<std::uint64_t>(bytes) ^ crc;
        crc = t[7][word & 255U] ^ t[6][(word >> 8) & 255U] ^ t[5][(word >> 16) & 255U] ^
              t[4][(word >> 24) & 255U] ^ t[3][(word >> 32) & 255U] ^ t[2][(word >> 40) & 255U] ^
              t[1][(word >> 48) & 255U] ^ t[0][word >> 56];
    }
    for (; size > 0; ++bytes, --size) crc = (crc >> 8) ^ t[0][(crc ^ *bytes) & 255U];
    return crc;
}

#if FEWBITS_HAVE_AVX2 || (FEWBITS_HAVE_NEON && defined(__ARM_FEATURE_CRC32))
#if FEWBITS_HAVE_AVX2
// 64-bit registers: the instruction's own type, so that no widening lands on the latency chain.
using Crc32cRegister = std::uint64_t;
FEWBITS_INLINE Crc32cRegister crc32c_word(Crc32cRegister crc, std::uint64_t word) {
    return _mm_crc32_u64(crc, word);
}
FEWBITS_INLINE Crc32cRegister crc32c_byte(Crc32cRegister crc, std::uint8_t byte) {
    return _mm_crc32_u8(static_cast<std::uint32_t>(crc), byte);
}
#else
using Crc32cRegister = std::uint32_t;
FEWBITS_INLINE Crc32cRegister crc32c_word(Crc32cRegister crc, std::uint64_t word) {
    return __crc32cd(crc, word);
}
FEWBITS_INLINE Crc32cRegister crc32c_byte(Crc32cRegister crc, std::uint8_t byte) {
    return __crc32cb(crc, byte);
}
#endif

template <std::size_t Stream>
inline constexpr Crc32cTable<4> crc32c_shifts = crc32c_shift_table(Stream);

// Consumes groups of three streams of `Stream` bytes each while they last.
template <std::size_t Stream>
void crc32c_three_streams(const std::uint8_t*& bytes, std::size_t& size, std::uint32_t& crc) {
    static_assert(Stream % 64 == 0);
    for (; size >= 3 * Stream; bytes += 3 * Stream, size -= 3 * Stream) {
        Crc32cRegister a = crc, b = 0, c = 0;
        const bool more = size >= 6 * Stream;
        for (std::size_t line = 0; line < Stream; line += 64) {
            for (std::size_t i = line; i < line + 64; i += 8) {
                a = crc32c_word(a, load_le<std::uint64_t>(bytes + i));
                b = crc32c_word(b, load_le<std::uint64_t>(bytes + Stream + i));
                c = crc32c_word(c, load_le<std::uint64_t>(bytes + 2 * Stream + i));
            }
            // Hardware prefetchers stop at page ends, which the streams reach every few hundred cycles:
            // without this, buffers larger than the cache run at half the speed.
            if (more) {
                for (std::size_t stream = 3; stream < 6; ++stream) prefetch(bytes + stream * Stream + line);
            }
        }
        crc = crc32c_shift(static_cast<std::uint32_t>(a), crc32c_shifts<Stream>) ^
              static_cast<std::uint32_t>(b);
        crc = crc32c_shift(crc, crc32c_shifts<Stream>) ^ static_cast<std::uint32_t>(c);
    }
}

inline std::uint32_t crc32c_register(const std::uint8_t* bytes, std::size_t size, std::uint32_t crc) {
    // The long streams make the joins rare, the short ones serve what the long ones leave.
    crc32c_three_streams<4096>(bytes, size, crc);
    crc32c_three_streams<256>(bytes, size, crc);
    Crc32cRegister tail = crc;
    for (; size >= 8; bytes += 8, size -= 8) tail = crc32c_word(tail, load_le<std::uint64_t>(bytes));
    for (; size > 0; ++bytes, --size) tail = crc32c_byte(tail, *bytes);
    return static_cast<std::uint32_t>(tail);
}
#else
inline std::uint32_t crc32c_register(const std::uint8_t* bytes, std::size_t size, std::uint32_t crc) {
    return crc32c_by_slices(bytes, size, crc);
}
#endif

}  // namespace detail

// CRC-32C of `data`. Chainable: the CRC of a followed by b is crc32c(b, crc32c(a)).
inline std::uint32_t crc32c(ByteSpan data, std::uint32_t crc = 0) {
    return ~detail::crc32c_register(data.data(), data.size(), ~crc);
}

// XXH64 of bytes that arrive in pieces; the digest depends on their concatenation alone.
class Xxh64 {
public:
    explicit Xxh64(std::uint64_t seed = 0)
        : lanes_{seed + prime1 + prime2, seed + prime2, seed, seed - prime1}, seed_(seed) {}

    void update(ByteSpan data) {
        const std::uint8_t* bytes = data.data();
        std::size_t size = data.size();
        total_ += size;
        if (buffered_ > 0) {
            const std::size_t taken = std::min(size, stripe - buffered_);
            if (taken > 0) std::memcpy(buffer_ + buffered_, bytes, taken);
            buffered_ += taken;
            bytes += taken;
            size -= taken;
            if (buffered_ < stripe) return;
            consume(buffer_, 1);
            buffered_ = 0;
        }
        consume(bytes, size / stripe);
        buffered_ = size % stripe;
        if (buffered_ > 0) std::memcpy(buffer_, bytes + (size - buffered_), buffered_);
    }

    // Of all bytes so far; more may follow.
    std::uint64_t digest() const {
        std::uint64_t hash = seed_ + prime5;
        if (total_ >= stripe) {
            hash =
                rotate(lanes_[0], 1) + rotate(lanes_[1], 7) + rotate(lanes_[2], 12) + rotate(lanes_[3], 18);
            for (std::uint64_t lane : lanes_) hash = (hash ^ round(0, lane)) * prime1 + prime4;
        }
        hash += total_;
        const std::uint8_t* bytes = buffer_;
        std::size_t size = buffered_;
        for (; size >= 8; bytes += 8, size -= 8) {
            hash = rotate(hash ^ round(0, load_le<std::uint64_t>(bytes)), 27) * prime1 + prime4;
        }
        if (size >= 4) {
            hash = rotate(hash ^ (load_le<std::uint32_t>(bytes) * prime1), 23) * prime2 + prime3;
            bytes += 4;
            size -= 4;
        }
        for (; size > 0; ++bytes, --size) hash = rotate(hash ^ (*bytes * prime5), 11) * prime1;
        hash = (hash ^ (hash >> 33)) * prime2;
        hash = (hash ^ (hash >> 29)) * prime3;
        return hash ^ (hash >> 32);
    }

private:
    static constexpr std::size_t stripe = 32;
    static constexpr std::uint64_t prime1 = 0x9e3779b185ebca87U;
    static constexpr std::uint64_t prime2 = 0xc2b2ae3d27d4eb4fU;
    static constexpr std::uint64_t prime3 = 0x165667b19e3779f9U;
    static constexpr std::uint64_t prime4 = 0x85ebca77c2b2ae63U;
    static constexpr std::uint64_t prime5 = 0x27d4eb2f165667c5U;

    static FEWBITS_INLINE std::uint64_t rotate(std::uint64_t value, int bits) {
        return (value << bits) | (value >> (64 - bits));
    }
    static FEWBITS_INLINE std::uint64_t round(std::uint64_t lane, std::uint64_t word) {
        return rotate(lane + word * prime2, 31) * prime1;
    }
    void consume(const std::uint8_t* bytes, std::size_t stripes) {
        // Local copies: the compiler may not assume that the bytes do not alias the members.
        std::uint64_t a = lanes_[0], b = lanes_[1], c = lanes_[2], d = lanes_[3];
        for (; stripes > 0; --stripes, bytes += stripe) {
            // Clang would put the lanes into a vector, whose 64-bit product is three times slower.
            a = value_barrier(round(a, load_le<std::uint64_t>(bytes)));
            b = value_barrier(round(b, load_le<std::uint64_t>(bytes + 8)));
            c = value_barrier(round(c, load_le<std::uint64_t>(bytes + 16)));
            d = value_barrier(round(d, load_le<std::uint64_t>(bytes + 24)));
        }
        lanes_[0] = a;
        lanes_[1] = b;
        lanes_[2] = c;
        lanes_[3] = d;
    }

    std::uint64_t lanes_[4];
    std::uint64_t seed_;
    std::uint64_t total_ = 0;
    std::uint8_t buffer_[stripe] = {};
    std::size_t buffered_ = 0;  // Invariant: buffered_ == total_ % stripe
};

inline std::uint64_t xxh64(ByteSpan data, std::uint64_t seed = 0) {
    Xxh64 state(seed);
    state.update(data);
    return state.digest();
}

}  // namespace FEWBITS_ISA
}  // namespace fewbits
