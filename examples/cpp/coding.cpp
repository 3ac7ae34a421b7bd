// Fit a model to symbols, code them in about as many bits as they are surprising, and give them back.
#include <cstdint>
#include <cstdio>
#include <memory>
#include <vector>

#include "fewbits/coding/frame.hpp"

int main() {
    using namespace fewbits::coding;
    std::vector<std::int32_t> symbols(100000);
    for (std::size_t i = 0; i < symbols.size(); ++i) symbols[i] = i % 10 == 0 ? static_cast<int>(i % 7) : -1;

    const std::int32_t lo = -1;
    std::vector<std::uint64_t> counts(8);
    count(fewbits::Span<const std::int32_t>(symbols), lo, fewbits::Span<std::uint64_t>(counts));
    const StaticTable model = StaticTable::from_counts(counts, lo, 12);

    EncodeOptions options;
    options.checksum = true;
    const fewbits::Bytes data = encode(fewbits::Span<const std::int32_t>(symbols), model, options);
    const double bits = code_length(fewbits::Span<const std::int32_t>(symbols), model);
    std::printf("%zu symbols, %.0f bits, %zu bytes\n", symbols.size(), bits, data.size());

    std::vector<std::int32_t> back(count_symbols(data));
    decode(data, std::make_shared<const DecodeTable>(model), fewbits::Span<std::int32_t>(back));
    return back == symbols ? 0 : 1;
}
