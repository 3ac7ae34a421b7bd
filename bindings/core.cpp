// Checksums and random bits.
#include "bindings.hpp"
#include "fewbits/core/checksum.hpp"
#include "fewbits/core/random.hpp"

using namespace fewbits;

void register_core(nb::module_& m) {
    m.def(
        "crc32c", [](ByteArray data, std::uint32_t crc) { return crc32c(span(data), crc); },
        "data"_a.noconvert(), "crc"_a = 0, nb::call_guard<nb::gil_scoped_release>(),
        "CRC-32C of `data`, continuing from the CRC of what came before it.");
    m.def(
        "xxh64", [](ByteArray data, std::uint64_t seed) { return xxh64(span(data), seed); },
        "data"_a.noconvert(), "seed"_a = 0, nb::call_guard<nb::gil_scoped_release>(), "XXH64 of `data`.");
    m.def(
        "philox_fill",
        [](std::uint64_t seed, std::uint64_t stream, std::uint64_t first, Array1<std::uint32_t> out) {
            Philox(seed, stream).fill(first, span(out));
        },
        "seed"_a, "stream"_a, "first"_a, "out"_a.noconvert(), nb::call_guard<nb::gil_scoped_release>(),
        "Fills `out` with the 32-bit Philox4x32-10 draws `first`, `first` + 1, ... of a stream of a seed.");
}
