// Coded blocks of every kind, with tables inline or by number.
#include "fewbits/coding/block.hpp"
#include "fuzz.hpp"

using namespace fewbits;
using namespace fewbits::coding;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static const std::uint64_t counts[] = {1000, 300, 50, 7, 1};
    static const auto narrow = std::make_shared<const DecodeTable>(StaticTable::from_counts(counts, 3, 12));
    static const auto wide = std::make_shared<const DecodeTable>(StaticTable::from_counts(counts, -2, 14));
    static const auto precise = std::make_shared<const DecodeTable>(StaticTable::from_counts(counts, 0, 20));
    return fuzz(data, size, [](Span<std::uint8_t> input) {
        const TableResolver tables = [](std::uint64_t id) {
            return id == 0 ? narrow : id == 1 ? wide : id == 2 ? precise : nullptr;
        };
        ByteReader reader(input, "fuzz");
        const BlockView block = read_block(reader, tables, 1 << 16);
        std::vector<std::int32_t> symbols(static_cast<std::size_t>(block.n));
        decode_symbols(block, Span<std::int32_t>(symbols));
        // Bytes, where all symbols are bytes, are the same symbols.
        Bytes bytes(symbols.size());
        decode_bytes(block, Span<std::uint8_t>(bytes));
        for (std::size_t i = 0; i < bytes.size(); ++i) expect(bytes[i] == symbols[i]);
    });
}
