// CompressAI's streams: any bytes under sound tables, and any tables.
#include <cstring>
#include <vector>

#include "fewbits/coding/compressai.hpp"
#include "fuzz.hpp"

using namespace fewbits;
using namespace fewbits::coding;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static const std::int32_t cdf[] = {0, 1000, 30000, 60000, 65000, 65536};
    static const std::int32_t sizes[] = {6}, offsets[] = {-2};
    static const std::vector<std::int32_t> indexes(50, 0);
    fuzz(data, size, [&](Span<std::uint8_t> input) {
        CompressAiDecoder decoder{ByteSpan(input)};
        std::vector<std::int32_t> symbols(indexes.size());
        decoder.get(indexes, {cdf, 6, sizes, offsets}, Span<std::int32_t>(symbols));
        // What decoded codes to a stream that decodes to the same.
        CompressAiEncoder encoder;
        encoder.put(symbols, indexes, {cdf, 6, sizes, offsets});
        const Bytes stream = encoder.flush();
        CompressAiDecoder again{ByteSpan(stream)};
        std::vector<std::int32_t> back(symbols.size());
        again.get(indexes, {cdf, 6, sizes, offsets}, Span<std::int32_t>(back));
        expect(back == symbols && again.at_end());
    });
    return fuzz(data, size, [&](Span<std::uint8_t> input) {
        std::int32_t fields[16] = {};
        if (input.size() < sizeof fields) return;
        std::memcpy(fields, input.data(), sizeof fields);
        const std::vector<std::int32_t> table(fields, fields + 10), lengths{fields[10], fields[11]},
            starts{fields[12], fields[13]}, rows{0, 1, fields[14] & 1};
        CompressAiDecoder decoder{ByteSpan(input).subspan(sizeof fields, input.size() - sizeof fields)};
        std::vector<std::int32_t> symbols(rows.size());
        decoder.get(rows, {table, 5, lengths, starts}, Span<std::int32_t>(symbols));
    });
}
