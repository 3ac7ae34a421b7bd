// Bits and bytes: little-endian loads and stores, bit counts, varints, and the one bit writer and reader.
//
// Everything here is integer arithmetic with one meaning on every host. Bits are packed low first: the first
// bit written is bit 0 of the first byte.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <type_traits>
#include <utility>

#include "fewbits/core/error.hpp"
#include "fewbits/core/isa.hpp"
#include "fewbits/core/span.hpp"

#if defined(_MSC_VER) && !defined(__clang__)
#include <intrin.h>
#endif

namespace fewbits {
inline namespace FEWBITS_ISA {

// ---- little-endian words --------------------------------------------------------------------------------

constexpr bool host_is_little_endian() {
#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    return false;
#else
    return true;
#endif
}

// Reads an unsigned integer stored low byte first; no alignment needed.
template <class T>
FEWBITS_INLINE T load_le(const std::uint8_t* bytes) {
    static_assert(std::is_unsigned_v<T>);
    T value = 0;
    if constexpr (host_is_little_endian()) {
        std::memcpy(&value, bytes, sizeof(T));
    } else {
        for (std::size_t i = 0; i < sizeof(T); ++i) value = static_cast<T>(value | T(bytes[i]) << (8 * i));
    }
    return value;
}

template <class T>
FEWBITS_INLINE void store_le(std::uint8_t* bytes, T value) {
    static_assert(std::is_unsigned_v<T>);
    if constexpr (host_is_little_endian()) {
        std::memcpy(bytes, &value, sizeof(T));
    } else {
        for (std::size_t i = 0; i < sizeof(T); ++i) bytes[i] = static_cast<std::uint8_t>(value >> (8 * i));
    }
}

template <class T>
void append_le(Bytes& out, T value) {
    std::uint8_t bytes[sizeof(T)];
    store_le(bytes, value);
    out.insert(out.end(), bytes, bytes + sizeof(T));
}

inline void append(Bytes& out, ByteSpan data) { out.insert(out.end(), data.begin(), data.end()); }

// ---- bit counts -----------------------------------------------------------------------------------------

// Number of bits needed to write `value`: 0 for 0, else floor(log2(value)) + 1.
FEWBITS_INLINE unsigned bit_length(std::uint64_t value) {
    if (value == 0) return 0;
#if defined(_MSC_VER) && !defined(__clang__)
    unsigned long index;
    _BitScanReverse64(&index, value);
    return static_cast<unsigned>(index) + 1;
#else
    return 64U - static_cast<unsigned>(__builtin_clzll(value));
#endif
}

// Index of the lowest set bit; `value` must not be 0.
FEWBITS_INLINE unsigned trailing_zeros(std::uint64_t value) {
#if defined(_MSC_VER) && !defined(__clang__)
    unsigned long index;
    _BitScanForward64(&index, value);
    return static_cast<unsigned>(index);
#else
    return static_cast<unsigned>(__builtin_ctzll(value));
#endif
}

FEWBITS_INLINE unsigned popcount(std::uint64_t value) {
#if defined(_MSC_VER) && !defined(__clang__)
    return static_cast<unsigned>(__popcnt64(value));
#else
    return static_cast<unsigned>(__builtin_popcountll(value));
#endif
}

// High 64 bits of the 128-bit product.
FEWBITS_INLINE std::uint64_t mul_high(std::uint64_t a, std::uint64_t b) {
#if defined(__SIZEOF_INT128__)
    __extension__ using u128 = unsigned __int128;
    return static_cast<std::uint64_t>((static_cast<u128>(a) * b) >> 64);
#elif defined(_MSC_VER)
    return __umulh(a, b);
#else
    const std::uint64_t a0 = a & 0xffffffffU, a1 = a >> 32, b0 = b & 0xffffffffU, b1 = b >> 32;
    const std::uint64_t mid = a1 * b0 + ((a0 * b0) >> 32);
    const std::uint64_t low = a0 * b1 + (mid & 0xffffffffU);
    return a1 * b1 + (mid >> 32) + (low >> 32);
#endif
}

// 0, -1, 1, -2, 2, ... -> 0, 1, 2, 3, 4, ...
constexpr std::uint64_t zigzag_encode(std::int64_t value) {
    return (static_cast<std::uint64_t>(value) << 1) ^ (value < 0 ? ~std::uint64_t{0} : 0);
}
constexpr std::int64_t zigzag_decode(std::uint64_t code) {
    return static_cast<std::int64_t>((code >> 1) ^ (~(code & 1) + 1));
}

// ---- bytes ----------------------------------------------------------------------------------------------

// LEB128 in its shortest form.
inline void append_varint(Bytes& out, std::uint64_t value) {
    while (value >= 0x80) {
        out.push_back(static_cast<std::uint8_t>(value | 0x80));
        value >>= 7;
    }
    out.push_back(static_cast<std::uint8_t>(value));
}

constexpr std::size_t varint_size(std::uint64_t value) {
    std::size_t size = 1;
    while (value >= 0x80) {
        value >>= 7;
        ++size;
    }
    return size;
}

// A bounds-checked cursor over hostile bytes. Every read either succeeds or throws CorruptDataError naming
// `what` is being read.
class ByteReader {
public:
    explicit ByteReader(ByteSpan data, const char* what = "data") : data_(data), what_(what) {}

    std::size_t position() const { return position_; }
    std::size_t remaining() const { return data_.size() - position_; }
    bool at_end() const { return remaining() == 0; }

    template <class T>
    T read() {
        need(sizeof(T));
        const T value = load_le<T>(data_.data() + position_);
        position_ += sizeof(T);
        return value;
    }
    std::uint8_t u8() { return read<std::uint8_t>(); }
    std::uint16_t u16() { return read<std::uint16_t>(); }
    std::uint32_t u32() { return read<std::uint32_t>(); }
    std::uint64_t u64() { return read<std::uint64_t>(); }

    // LEB128 of at most `bits` bits; longer values and non-minimal forms are damage.
    std::uint64_t varint(unsigned bits = 64) {
        std::uint64_t value = 0;
        for (unsigned shift = 0;; shift += 7) {
            const std::uint8_t byte = u8();
            if (shift + bit_length(byte & 0x7fU) > bits) fail("a varint is too large");
            value |= std::uint64_t(byte & 0x7fU) << shift;
            if (byte < 0x80) {
                if (byte == 0 && shift != 0) fail("a varint is not in its shortest form");
                return value;
            }
            if (shift + 7 >= bits) fail("a varint is too long");
        }
    }
    std::int64_t zigzag(unsigned bits = 64) { return zigzag_decode(varint(bits)); }

    // The next `count` bytes, not copied.
    ByteSpan bytes(std::size_t count) {
        need(count);
        const ByteSpan view = data_.subspan(position_, count);
        position_ += count;
        return view;
    }
    ByteSpan rest() { return bytes(remaining()); }

    void expect_end() const {
        if (!at_end()) fail("unexpected bytes at the end");
    }
    [[noreturn]] void fail(const char* message) const {
        throw CorruptDataError(std::string(what_) + ": " + message + " (at byte " +
                               std::to_string(position_) + ")");
    }

private:
    void need(std::size_t count) const {
        if (count > remaining()) fail("truncated");
    }

    ByteSpan data_;
    std::size_t position_ = 0;  // Invariant: position_ <= data_.size()
    const char* what_;
};

// ---- bits -----------------------------------------------------------------------------------------------

class BitWriter {
public:
    // Appends the low `count` bits of `value`, count <= 57; higher bits must be 0.
    void put(std::uint64_t value, unsigned count) {
        buffer_ |= value << filled_;
        filled_ += count;
        while (filled_ >= 8) {
            bytes_.push_back(static_cast<std::uint8_t>(buffer_));
            buffer_ >>= 8;
            filled_ -= 8;
        }
    }
    // Elias gamma code of value >= 1: the zeros, then the one and the bits below it, low first.
    void put_gamma(std::uint32_t value) {
        const unsigned length = bit_length(value);
        put(std::uint64_t{1} << (length - 1), length);
        put(value & ((std::uint64_t{1} << (length - 1)) - 1), length - 1);
    }
    // Pads the last byte with zeros and hands the bytes over.
    Bytes finish() {
        if (filled_ > 0) bytes_.push_back(static_cast<std::uint8_t>(buffer_));
        buffer_ = 0;
        filled_ = 0;
        return std::move(bytes_);
    }

private:
    Bytes bytes_;
    std::uint64_t buffer_ = 0;
    unsigned filled_ = 0;  // Invariant: filled_ < 8 between calls
};

// Reads what BitWriter wrote; a read past the end throws CorruptDataError.
class BitReader {
public:
    explicit BitReader(ByteSpan data, const char* what = "bits") : data_(data), what_(what) {}

    // count <= 57
    std::uint64_t get(unsigned count) {
        while (filled_ < count) {
            if (next_ == data_.size()) throw CorruptDataError(std::string(what_) + ": truncated");
            buffer_ |= std::uint64_t{data_[next_++]} << filled_;
            filled_ += 8;
        }
        const std::uint64_t value = buffer_ & ((std::uint64_t{1} << count) - 1);
        buffer_ >>= count;
        filled_ -= count;
        return value;
    }
    // Elias gamma code of a value below 2^31.
    std::uint32_t get_gamma() {
        unsigned zeros = 0;
        while (get(1) == 0) {
            if (++zeros > 30) throw CorruptDataError(std::string(what_) + ": a gamma code is too long");
        }
        return static_cast<std::uint32_t>((std::uint64_t{1} << zeros) | get(zeros));
    }
    // Bytes touched so far.
    std::size_t bytes_used() const { return next_; }
    // The bits left in the last byte touched must be the writer's zero padding.
    void expect_zero_padding() const {
        if (buffer_ != 0) throw CorruptDataError(std::string(what_) + ": padding bits are set");
    }

private:
    ByteSpan data_;
    std::size_t next_ = 0;
    std::uint64_t buffer_ = 0;
    unsigned filled_ = 0;
    const char* what_;
};

}  // namespace FEWBITS_ISA
}  // namespace fewbits
