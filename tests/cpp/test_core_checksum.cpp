#include "fewbits/core/checksum.hpp"

#include <cstring>
#include <initializer_list>
#include <vector>

#include "check.hpp"

using namespace fewbits;

namespace {

ByteSpan text(const char* s) { return {reinterpret_cast<const std::uint8_t*>(s), std::strlen(s)}; }

std::vector<std::uint8_t> noise(std::size_t size) {
    std::vector<std::uint8_t> bytes(size);
    std::uint32_t state = 1;
    for (auto& b : bytes) {
        state = state * 1664525U + 1013904223U;
        b = static_cast<std::uint8_t>(state >> 24);
    }
    return bytes;
}

// The definition: one bit at a time.
std::uint32_t crc32c_bitwise(ByteSpan data, std::uint32_t crc = 0) {
    crc = ~crc;
    for (std::uint8_t byte : data) {
        crc ^= byte;
        for (int i = 0; i < 8; ++i) crc = (crc >> 1) ^ ((crc & 1U) != 0 ? 0x82f63b78U : 0U);
    }
    return ~crc;
}

}  // namespace

TEST(crc32c_published_values) {
    CHECK_EQUAL(crc32c(text("123456789")), 0xe3069283U);
    CHECK_EQUAL(crc32c(ByteSpan()), 0U);
    // RFC 3720, appendix B.4
    std::vector<std::uint8_t> bytes(32, 0);
    CHECK_EQUAL(crc32c(bytes), 0x8a9136aaU);
    bytes.assign(32, 0xff);
    CHECK_EQUAL(crc32c(bytes), 0x62a8ab43U);
    for (std::size_t i = 0; i < 32; ++i) bytes[i] = static_cast<std::uint8_t>(i);
    CHECK_EQUAL(crc32c(bytes), 0x46dd794eU);
    for (std::size_t i = 0; i < 32; ++i) bytes[i] = static_cast<std::uint8_t>(31 - i);
    CHECK_EQUAL(crc32c(bytes), 0x113fdb5cU);
}

TEST(crc32c_equals_bitwise_for_every_length_and_alignment) {
    const auto bytes = noise(40000);
    for (std::size_t size = 0; size <= 1700; ++size) {
        const ByteSpan data = Span<const std::uint8_t>(bytes).subspan(size % 9, size);
        CHECK_EQUAL(crc32c(data), crc32c_bitwise(data));
    }
    // Around the joins of the long streams.
    for (const std::size_t size :
         std::initializer_list<std::size_t>{12287, 12288, 12289, 13056, 24576, 25344, 25351, 39999}) {
        const ByteSpan data = Span<const std::uint8_t>(bytes).subspan(1, size);
        CHECK_EQUAL(crc32c(data), crc32c_bitwise(data));
        CHECK_EQUAL(crc32c(data, 0xdeadbeefU), crc32c_bitwise(data, 0xdeadbeefU));
    }
}

TEST(crc32c_portable_path_equals_the_compiled_one) {
    const auto bytes = noise(30000);
    for (std::size_t size = 0; size < bytes.size(); size += 1 + size / 7) {
        CHECK_EQUAL(~detail::crc32c_by_slices(bytes.data(), size, ~0U), crc32c({bytes.data(), size}));
    }
}

TEST(crc32c_chains) {
    const auto bytes = noise(30000);
    const std::uint32_t whole = crc32c(bytes);
    for (std::size_t cut = 0; cut <= bytes.size(); cut += 1 + cut / 5) {
        const std::uint32_t first = crc32c({bytes.data(), cut});
        CHECK_EQUAL(crc32c({bytes.data() + cut, bytes.size() - cut}, first), whole);
    }
    CHECK_EQUAL(crc32c(ByteSpan(), whole), whole);
}

TEST(xxh64_published_values) {
    CHECK_EQUAL(xxh64(ByteSpan()), std::uint64_t{0xef46db3751d8e999U});
    CHECK_EQUAL(xxh64(text("a")), std::uint64_t{0xd24ec4f1a98c6e5bU});
    CHECK_EQUAL(xxh64(text("abc")), std::uint64_t{0x44bc2cf5ad770999U});
    // The sanity buffer of the xxHash sources.
    std::vector<std::uint8_t> bytes(101);
    std::uint32_t generator = 2654435761U;
    for (auto& b : bytes) {
        b = static_cast<std::uint8_t>(generator >> 24);
        generator *= generator;
    }
    const std::uint64_t seed = 2654435761U;
    const auto hash = [&](std::size_t size, std::uint64_t s) { return xxh64({bytes.data(), size}, s); };
    CHECK_EQUAL(hash(0, seed), std::uint64_t{0xac75fda2929b17efU});
    CHECK_EQUAL(hash(1, 0), std::uint64_t{0x4fce394cc88952d8U});
    CHECK_EQUAL(hash(1, seed), std::uint64_t{0x739840cb819fa723U});
    CHECK_EQUAL(hash(14, 0), std::uint64_t{0xcffa8db881bc3a3dU});
    CHECK_EQUAL(hash(14, seed), std::uint64_t{0x5b9611585efcc9cbU});
    CHECK_EQUAL(hash(101, 0), std::uint64_t{0x0eab543384f878adU});
    CHECK_EQUAL(hash(101, seed), std::uint64_t{0xcaa65939306f1e21U});
}

TEST(xxh64_does_not_depend_on_the_pieces) {
    const auto bytes = noise(300);
    for (std::size_t size = 0; size <= bytes.size(); ++size) {
        const std::uint64_t whole = xxh64({bytes.data(), size}, 7);
        for (const std::size_t piece : std::initializer_list<std::size_t>{1, 3, 8, 31, 32, 33, 100}) {
            Xxh64 state(7);
            for (std::size_t at = 0; at < size; at += piece) {
                state.update({bytes.data() + at, std::min(piece, size - at)});
                state.update(ByteSpan());
            }
            CHECK_EQUAL(state.digest(), whole);
            CHECK_EQUAL(state.digest(), whole);  // digest() changes nothing
        }
    }
}
