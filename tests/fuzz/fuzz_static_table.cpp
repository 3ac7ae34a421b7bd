// The table parser: what it accepts is written back byte for byte, and its decode table is within bounds.
#include "fewbits/coding/rans.hpp"
#include "fewbits/coding/static_table.hpp"
#include "fuzz.hpp"

using namespace fewbits;
using namespace fewbits::coding;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    return fuzz(data, size, [](Span<std::uint8_t> input) {
        ByteReader reader(input);
        const StaticTable table = StaticTable::read(reader);
        Bytes wire;
        table.append_to(wire);
        expect(wire.size() == reader.position() && std::memcmp(wire.data(), input.data(), wire.size()) == 0);
        const DecodeTable decode(table);
        expect(decode.ranks() == table.ranks());
    });
}
