// Messages of any length: frames split, counted, and decoded in pairs into several symbol types.
#include "fewbits/coding/frame.hpp"
#include "fuzz.hpp"

using namespace fewbits;
using namespace fewbits::coding;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static const std::uint64_t counts[] = {1000, 300, 50, 7, 1};
    static const std::shared_ptr<const DecodeTable> tables[] = {
        std::make_shared<const DecodeTable>(StaticTable::from_counts(counts, 3, 12)),
        std::make_shared<const DecodeTable>(StaticTable::from_counts(counts, -2, 14)),
        std::make_shared<const DecodeTable>(StaticTable::from_counts(counts, 0, 20)),
    };
    if (size == 0) return 0;
    const auto& table = tables[data[0] % 3];
    return fuzz(data + 1, size - 1, [&](Span<std::uint8_t> input) {
        const std::uint64_t n = count_symbols(input);
        if (n > 1 << 16) return;
        std::vector<std::int32_t> symbols(static_cast<std::size_t>(n));
        decode(ByteSpan(input), table, Span<std::int32_t>(symbols));
        // Another type either holds the same symbols or is refused.
        std::vector<std::int8_t> narrow(symbols.size());
        decode(ByteSpan(input), table, Span<std::int8_t>(narrow));
        for (std::size_t i = 0; i < narrow.size(); ++i) expect(narrow[i] == symbols[i]);
    });
}
