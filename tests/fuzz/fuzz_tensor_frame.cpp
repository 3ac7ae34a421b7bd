// Frames with the checksum of the header, and those of the blocks, made right.
#include "fewbits/coding/tensor.hpp"
#include "fuzz.hpp"

using namespace fewbits;
using namespace fewbits::coding;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    return fuzz(data, size, [](Span<std::uint8_t> input) {
        // Wherever four bytes could be the header's checksum: the input says where in its last two bytes.
        if (input.size() < 8) return;
        const std::size_t at = load_le<std::uint16_t>(input.data() + input.size() - 2) % (input.size() - 6);
        store_le(input.data() + at, crc32c(input.first(at)));
        const TensorFrame frame(input.first(input.size() - 2), 1 << 20);
        Bytes out(static_cast<std::size_t>(frame.entry().shape.nbytes()));
        frame.decode(out, {}, Verify::none);
        // What was decoded is compressed and comes back.
        const auto& shape = frame.entry().shape;
        const Bytes again = compress_tensor(out, shape.dtype, shape.dims);
        expect(decompress_tensor(again) == out);
    });
}
