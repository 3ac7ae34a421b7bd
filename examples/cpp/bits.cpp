// Small integers as Elias gamma codes, behind a varint count: written, then read back as hostile bytes.
#include "fewbits/core/bits.hpp"

#include <cstdint>
#include <cstdio>
#include <vector>

#include "fewbits/core/error.hpp"

std::vector<std::uint32_t> decode(fewbits::ByteSpan data) {
    fewbits::ByteReader reader(data, "gamma list");
    const std::uint64_t count = reader.varint(32);
    // A gamma code takes at least one bit: check the count against the bytes before allocating.
    if (count > 8 * reader.remaining()) reader.fail("more numbers than bits");
    fewbits::BitReader bits(reader.rest());
    std::vector<std::uint32_t> numbers(count);
    for (std::uint32_t& number : numbers) number = bits.get_gamma();
    return numbers;
}

int main() {
    const std::vector<std::uint32_t> numbers{1, 1, 2, 1, 5, 1, 1, 3, 1, 1, 1, 17};

    fewbits::BitWriter writer;
    for (std::uint32_t number : numbers) writer.put_gamma(number);
    fewbits::Bytes data;
    fewbits::append_varint(data, numbers.size());
    fewbits::append(data, writer.finish());

    if (decode(data) != numbers) return 1;
    std::printf("%zu numbers in %zu bytes\n", numbers.size(), data.size());

    data.pop_back();
    try {
        decode(data);
        return 1;
    } catch (const fewbits::CorruptDataError& error) {
        std::printf("damaged: %s\n", error.what());
    }
}
