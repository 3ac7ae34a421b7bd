// The tensor decoder below the checksums: two blocks decoded together, under any pipeline. The first bytes
// choose dtype, shape and stages, the rest is cut into the blocks.
#include "fewbits/coding/tensor_decoder.hpp"
#include "fuzz.hpp"

using namespace fewbits;
using namespace fewbits::coding;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static const std::uint64_t counts[] = {5, 30, 500, 1000, 300, 50, 7, 1};
    static const TableStore tables(std::vector<StaticTable>{StaticTable::from_counts(counts, 100, 12),
                                                            StaticTable::from_counts(counts, 480, 13)});
    return fuzz(data, size, [](Span<std::uint8_t> input) {
        ByteReader reader(input, "fuzz");
        const DtypeInfo& dtype = dtype_table[reader.u8() % (sizeof dtype_table / sizeof dtype_table[0])];
        const std::uint64_t rows = reader.u8() % 32, columns = reader.u8() + std::uint64_t{1};
        const std::uint8_t stage = reader.u8(), j = reader.u8(), flags = reader.u8();
        const std::uint16_t cut = reader.u16();
        std::vector<Stage> pipeline{{static_cast<StageId>(stage % 6), {}}};
        if (pipeline[0].id == StageId::float_split) pipeline[0].parameters = {j, flags};
        const TensorDecoder decoder(TensorShape(dtype.dtype, {2 * rows, columns}), pipeline, tables);
        const ByteSpan rest = reader.rest();
        const std::size_t first = rest.empty() ? 0 : cut % rest.size();
        const auto n = static_cast<std::size_t>(rows * columns);
        Bytes out(2 * n * dtype.itemsize);
        const Span<std::uint8_t> target(out);
        const TensorDecoder::Block blocks[] = {
            {rest.first(first), 0, n, target.first(n * dtype.itemsize)},
            {rest.subspan(first, rest.size() - first), n, n,
             target.subspan(n * dtype.itemsize, n * dtype.itemsize)},
        };
        TensorDecoder::Workspace work;
        decoder.decode(Span<const TensorDecoder::Block>(blocks), work);
    });
}
