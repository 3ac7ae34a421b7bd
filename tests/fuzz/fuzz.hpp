// What every fuzz target shares: the input in a heap block of exactly its size, fewbits' own exceptions
// expected.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>

#include "fewbits/core/error.hpp"
#include "fewbits/core/span.hpp"

template <class Body>
int fuzz(const std::uint8_t* data, std::size_t size, Body body) {
    const std::unique_ptr<std::uint8_t[]> input(new std::uint8_t[size]);
    if (size != 0) std::memcpy(input.get(), data, size);
    try {
        body(fewbits::Span<std::uint8_t>(input.get(), size));
    } catch (const fewbits::Error&) {
    }
    return 0;
}

// A property that holds whatever the input was.
inline void expect(bool condition) {
    if (!condition) std::abort();
}
