// Matrices of codes under contexts: any bytes give codes or our exceptions.
#include <vector>

#include "fewbits/coding/context_matrix.hpp"
#include "fuzz.hpp"

using namespace fewbits;
using namespace fewbits::coding;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size < 3) return 0;
    const std::size_t rows = data[0] % 80, columns = data[1] % 80;
    const std::int32_t lo = static_cast<std::int8_t>(data[2]);
    return fuzz(data + 3, size - 3, [&](Span<std::uint8_t> input) {
        std::vector<std::int32_t> codes(rows * columns);
        ByteReader reader(ByteSpan(input), "codes");
        context_decode(reader, lo, rows, columns, Span<std::int32_t>(codes));
        // What decoded is a matrix: it codes and decodes again. Codes of a trellis span twice as much.
        if (codes.empty() || input[0] != 0) return;
        Bytes again;
        context_encode(Span<const std::int32_t>(codes), rows, columns, again);
        std::vector<std::int32_t> back(codes.size());
        ByteReader second(again, "codes");
        context_decode(second, *std::min_element(codes.begin(), codes.end()), rows, columns,
                       Span<std::int32_t>(back));
        expect(back == codes);
    });
}
