// Streams of calls: any bytes under the calls of a caller who believes the header.
#include <vector>

#include "fewbits/coding/sequence.hpp"
#include "fuzz.hpp"

using namespace fewbits;
using namespace fewbits::coding;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static const std::uint64_t counts[] = {1000, 300, 50, 7, 1};
    static const auto table = std::make_shared<const DecodeTable>(StaticTable::from_counts(counts, 3, 12));
    static const float mean = 0.5F, scale = 3.0F;
    if (size == 0) return 0;
    const std::uint8_t choice = data[0];
    return fuzz(data + 1, size - 1, [&](Span<std::uint8_t> input) {
        SequenceDecoder decoder{ByteSpan(input)};
        while (decoder.calls_left() > 0) {
            const std::uint64_t n = decoder.next_size();
            if (n > 1 << 12) return;
            std::vector<std::int32_t> symbols(static_cast<std::size_t>(n));
            if (choice % 3 == 0) {
                decoder.get(table, Span<std::int32_t>(symbols));
            } else if (choice % 3 == 1) {
                const std::vector<double> probs(symbols.size() * 3, 0.5);
                decoder.get(RowsView{probs.data(), symbols.size(), 3, 0}, Span<std::int32_t>(symbols));
            } else {
                MixtureView view;
                view.means = &mean;
                view.scales = &scale;
                view.n = symbols.size();
                view.stride_n = 0;
                decoder.get(view, Span<std::int32_t>(symbols));
            }
        }
        decoder.finish();
    });
}
