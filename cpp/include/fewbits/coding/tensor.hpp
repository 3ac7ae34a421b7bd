// One tensor as one byte string: compress_tensor and its inverse. The files of many tensors are in
// container.hpp.
//
// Frame, little-endian (normative text: docs/format.md):
//   4 bytes 89 'F' 'W' 'T', u8 version = 1, u8 dtype, u8 ndim, varint dims...
//   u8 stages: u8 id, varint length, parameters   varint tables: wire forms   u64 XXH64 of the tensor
//   varint blocks: varint elements, varint bytes, u32 CRC-32C      u32 CRC-32C of all before
//   the blocks, one after the other
// A frame is at most 0.1 % + 64 bytes longer than the tensor.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "fewbits/coding/static_table.hpp"
#include "fewbits/coding/tensor_decoder.hpp"
#include "fewbits/coding/tensor_encoder.hpp"
#include "fewbits/coding/tensor_layout.hpp"
#include "fewbits/core/bits.hpp"
#include "fewbits/core/checksum.hpp"
#include "fewbits/core/isa.hpp"
#include "fewbits/core/memory.hpp"
#include "fewbits/core/parallel.hpp"
#include "fewbits/core/span.hpp"

namespace fewbits {
inline namespace FEWBITS_ISA {
namespace coding {

// How much of a stored tensor is checked while it is read. Bounds and the coders' own end states always are.
enum class Verify {
    none,
    crc,   // CRC-32C of the compressed bytes, before they are decoded
    full,  // and XXH64 of the decoded tensor
};

struct BlockEntry {
    std::uint64_t offset;  // of its first byte in the file or frame
    std::uint32_t length;
    std::uint32_t elements;
    std::uint32_t crc;
};

// A stored tensor without its bytes.
struct TensorEntry {
    std::string name;
    TensorShape shape;
    std::vector<Stage> pipeline;
    std::uint64_t xxh64 = 0;
    std::vector<BlockEntry> blocks;

    // How messages call it: frames hold one tensor without a name.
    std::string label() const { return name.empty() ? "tensor" : "tensor '" + name + "'"; }
    std::uint64_t stored_bytes() const {
        std::uint64_t sum = 0;
        for (const BlockEntry& block : blocks) sum += block.length;
        return sum;
    }
};

namespace detail {

inline constexpr std::uint8_t frame_magic[4] = {0x89, 'F', 'W', 'T'};
inline constexpr std::uint8_t frame_version = 1;

// What decoding blocks of a tensor needs beside the bytes; its workspaces go from call to call.
struct BlockSource {
    const TensorDecoder* decoder;
    const TensorEntry* entry;
    ByteSpan file;
    const std::vector<std::uint64_t>* begins;
    Pool<TensorDecoder::Workspace>* pool;
};

// Blocks decoded together by one thread (coding/byte_part.hpp, StreamQueue).
inline constexpr std::size_t blocks_together = 2;

// Decodes the blocks [first, last), at most blocks_together, into `out`.
inline void decode_some_blocks(const BlockSource& source, std::size_t first, std::size_t last,
                               Span<std::uint8_t> out, Verify verify) {
    std::array<TensorDecoder::Block, blocks_together> blocks{};
    std::size_t at = 0;
    for (std::size_t i = first; i < last; ++i) {
        const BlockEntry& block = source.entry->blocks[i];
        const ByteSpan bytes = source.file.subspan(static_cast<std::size_t>(block.offset), block.length);
        if (verify != Verify::none && crc32c(bytes) != block.crc) {
            throw CorruptDataError(source.entry->label() + ": block " + std::to_string(i) +
                                   " is damaged (its checksum differs)");
        }
        const std::size_t size = std::size_t{block.elements} * source.entry->shape.itemsize;
        blocks[i - first] = {bytes, (*source.begins)[i], block.elements, out.subspan(at, size)};
        at += size;
    }
    const auto work = source.pool->borrow();
    source.decoder->decode(Span<const TensorDecoder::Block>(blocks.data(), last - first), *work);
}

// Bytes that blocks [first, last) decode to.
inline std::size_t bytes_of_blocks(const TensorEntry& entry, const std::vector<std::uint64_t>& begins,
                                   std::size_t first, std::size_t last) {
    if (first >= last) return 0;
    const std::uint64_t end = last < begins.size() ? begins[last] : entry.shape.elements;
    return static_cast<std::size_t>((end - begins[first]) * entry.shape.itemsize);
}

// Blocks [first, last) decoded into `out` by several threads.
inline void decode_blocks(const BlockSource& source, std::size_t first, std::size_t last,
                          Span<std::uint8_t> out, Verify verify, int threads) {
    parallel_for(last - first, blocks_together, threads, [&](std::size_t from, std::size_t to) {
        const std::size_t at = bytes_of_blocks(*source.entry, *source.begins, first, first + from);
        const std::size_t size = bytes_of_blocks(*source.entry, *source.begins, first + from, first + to);
        decode_some_blocks(source, first + from, first + to, out.subspan(at, size), verify);
    });
}

// Checks that the blocks make up the tensor; returns the first element of each.
inline std::vector<std::uint64_t> block_begins(const TensorEntry& entry) {
    std::vector<std::uint64_t> begins;
    begins.reserve(entry.blocks.size());
    std::uint64_t at = 0;
    for (const BlockEntry& block : entry.blocks) {
        begins.push_back(at);
        if (block.elements == 0 || block.elements > max_block_elements ||
            block.elements > entry.shape.elements - at) {
            throw CorruptDataError(entry.label() + ": the blocks do not make up its shape");
        }
        at += block.elements;
    }
    if (at != entry.shape.elements) {
        throw CorruptDataError(entry.label() + ": the blocks do not make up its shape");
    }
    return begins;
}

inline std::vector<Stage> read_pipeline(ByteReader& reader, std::size_t count, bool short_lengths) {
    std::vector<Stage> pipeline;
    for (std::size_t i = 0; i < count; ++i) {
        const auto id = static_cast<StageId>(reader.u8());
        const std::uint64_t length = short_lengths ? reader.varint(16) : reader.u16();
        const ByteSpan parameters = reader.bytes(static_cast<std::size_t>(length));
        pipeline.push_back({id, Bytes(parameters.begin(), parameters.end())});
    }
    return pipeline;
}

}  // namespace detail

// A frame in pieces, to be laid one after the other.
struct TensorFrameParts {
    Bytes header;
    std::vector<ByteSpan> blocks;
    std::unique_ptr<Arena> storage;  // of the blocks

    std::size_t size() const {
        std::size_t sum = header.size();
        for (const ByteSpan block : blocks) sum += block.size();
        return sum;
    }
    // Copies the frame to `out`, which has size() bytes.
    void copy_to(Span<std::uint8_t> out) const {
        FEWBITS_REQUIRE(out.size() == size(), "TensorFrameParts::copy_to: out has the wrong size");
        std::uint8_t* to = std::copy(header.begin(), header.end(), out.data());
        for (const ByteSpan block : blocks) to = std::copy(block.begin(), block.end(), to);
    }
};

// Compresses a C-ordered tensor into the pieces of a frame of its own.
inline TensorFrameParts compress_tensor_parts(ByteSpan data, Dtype dtype, Span<const std::uint64_t> dims,
                                              const TensorOptions& options = {}) {
    FEWBITS_REQUIRE(dims.size() <= 16,
                    "compress_tensor: at most 16 dimensions, got " + std::to_string(dims.size()));
    const TensorEncoder encoder(data, TensorShape(dtype, {dims.begin(), dims.end()}), options);
    std::vector<ByteSpan> blocks(static_cast<std::size_t>(encoder.blocks()));
    auto storage = std::make_unique<Arena>();
    struct Room {
        TensorEncoder::Workspace work;
        Bytes block;
    };
    Pool<Room> pool;
    parallel_for(blocks.size(), 1, resolve_threads(options.threads),
                 [&](std::size_t first, std::size_t last) {
                     const auto room = pool.borrow();
                     for (std::size_t i = first; i < last; ++i) {
                         encoder.encode_block(i, 0, room->work, room->block);
                         blocks[i] = storage->copy(room->block);
                     }
                 });

    Bytes out(std::begin(detail::frame_magic), std::end(detail::frame_magic));
    out.push_back(detail::frame_version);
    out.push_back(static_cast<std::uint8_t>(dtype));
    out.push_back(static_cast<std::uint8_t>(dims.size()));
    for (const std::uint64_t dim : dims) append_varint(out, dim);
    out.push_back(static_cast<std::uint8_t>(encoder.pipeline().size()));
    for (const Stage& stage : encoder.pipeline()) {
        out.push_back(static_cast<std::uint8_t>(stage.id));
        append_varint(out, stage.parameters.size());
        append(out, stage.parameters);
    }
    const std::vector<StaticTable> tables = encoder.tables();
    append_varint(out, tables.size());
    for (const StaticTable& table : tables) table.append_to(out);
    append_le(out, xxh64(data));
    append_varint(out, blocks.size());
    for (std::size_t i = 0; i < blocks.size(); ++i) {
        append_varint(out, encoder.block_elements(i));
        append_varint(out, blocks[i].size());
        append_le(out, crc32c(blocks[i]));
    }
    append_le(out, crc32c(out));
    return {std::move(out), std::move(blocks), std::move(storage)};
}

// Compresses a C-ordered tensor into a frame of its own.
inline Bytes compress_tensor(ByteSpan data, Dtype dtype, Span<const std::uint64_t> dims,
                             const TensorOptions& options = {}) {
    const TensorFrameParts parts = compress_tensor_parts(data, dtype, dims, options);
    Bytes out = parts.header;
    out.reserve(parts.size());
    prefer_huge_pages({out.data(), out.capacity()});
    for (const ByteSpan block : parts.blocks) append(out, block);
    return out;
}

// A frame opened: what is in it, and its decoding. The bytes must outlive the reader.
class TensorFrame {
public:
    // Throws LimitError where the tensor has more than `max_bytes`; the default allows 256 times the frame
    // and 64 MiB.
    explicit TensorFrame(ByteSpan data, std::uint64_t max_bytes = default_limit) : data_(data) {
        ByteReader reader(data, "tensor frame");
        const ByteSpan magic = reader.bytes(sizeof detail::frame_magic);
        if (!std::equal(magic.begin(), magic.end(), detail::frame_magic)) reader.fail("not a fewbits tensor");
        const unsigned version = reader.u8();
        if (version != detail::frame_version) {
            throw UnsupportedFeatureError("tensor frame: version " + std::to_string(version) +
                                          " is not known to this version");
        }
        const std::uint8_t code = reader.u8();
        const DtypeInfo* dtype = find_dtype(code);
        if (dtype == nullptr)
            throw UnsupportedFeatureError("tensor frame: dtype code " + std::to_string(code) +
                                          " is not known to this version");
        const unsigned ndim = reader.u8();
        if (ndim > 16) reader.fail("more than 16 dimensions");
        std::vector<std::uint64_t> dims;
        for (unsigned i = 0; i < ndim; ++i) dims.push_back(reader.varint());
        entry_.shape = TensorShape(dtype->dtype, std::move(dims));
        const std::size_t stages = reader.u8();
        entry_.pipeline = detail::read_pipeline(reader, stages, true);
        const std::uint64_t table_count = reader.varint(32);
        if (table_count > reader.remaining()) reader.fail("more tables than bytes");
        std::vector<StaticTable> tables;
        for (std::uint64_t i = 0; i < table_count; ++i) tables.push_back(StaticTable::read(reader));
        entry_.xxh64 = reader.u64();
        const std::uint64_t block_count = reader.varint(32);
        if (block_count > reader.remaining() / 6) reader.fail("more blocks than bytes");
        std::uint64_t offset = 0;
        for (std::uint64_t i = 0; i < block_count; ++i) {
            const auto elements = static_cast<std::uint32_t>(reader.varint(32));
            const auto length = static_cast<std::uint32_t>(reader.varint(32));
            entry_.blocks.push_back({offset, length, elements, reader.u32()});
            offset += length;
        }
        const std::size_t header = reader.position();
        if (reader.u32() != crc32c(data.first(header)))
            reader.fail("the header is damaged (its checksum differs)");
        if (reader.remaining() != offset) reader.fail("the blocks do not fill the frame");
        for (BlockEntry& block : entry_.blocks) block.offset += reader.position();
        begins_ = detail::block_begins(entry_);
        const std::uint64_t limit = max_bytes == default_limit ? default_max_bytes(data.size()) : max_bytes;
        if (entry_.shape.nbytes() > limit) {
            throw LimitError("tensor frame: decodes to " + std::to_string(entry_.shape.nbytes()) +
                             " bytes, max_bytes allows " + std::to_string(limit));
        }
        tables_ = TableStore(std::move(tables));
    }

    static constexpr std::uint64_t default_limit = std::numeric_limits<std::uint64_t>::max();
    static constexpr std::uint64_t default_max_bytes(std::uint64_t size) {
        return 256 * size + (std::uint64_t{64} << 20);
    }

    const TensorEntry& entry() const { return entry_; }

    // Decodes the tensor into `out` (shape.nbytes() bytes).
    void decode(Span<std::uint8_t> out, ByteSpan base = {}, Verify verify = Verify::crc,
                int threads = 1) const {
        FEWBITS_REQUIRE(out.size() == entry_.shape.nbytes(), "TensorFrame::decode: out has the wrong size");
        const TensorDecoder decoder(entry_.shape, entry_.pipeline, tables_, base);
        Pool<TensorDecoder::Workspace> pool;
        const detail::BlockSource source{&decoder, &entry_, data_, &begins_, &pool};
        detail::decode_blocks(source, 0, entry_.blocks.size(), out, verify, resolve_threads(threads));
        if (verify == Verify::full && fewbits::xxh64(out) != entry_.xxh64) {
            throw CorruptDataError("tensor frame: the decoded tensor differs from the one that was stored");
        }
    }

private:
    ByteSpan data_;
    TensorEntry entry_;
    std::vector<std::uint64_t> begins_;
    TableStore tables_;
};

// The bytes of the tensor in a frame. Look at TensorFrame for its shape.
inline Bytes decompress_tensor(ByteSpan data, std::uint64_t max_bytes = TensorFrame::default_limit,
                               int threads = 1) {
    const TensorFrame frame(data, max_bytes);
    Bytes out;
    out.reserve(static_cast<std::size_t>(frame.entry().shape.nbytes()));
    prefer_huge_pages({out.data(), out.capacity()});
    out.resize(static_cast<std::size_t>(frame.entry().shape.nbytes()));
    frame.decode(out, {}, Verify::crc, threads);
    return out;
}

}  // namespace coding
}  // namespace FEWBITS_ISA
}  // namespace fewbits
