// The .fewbits container: many tensors in a file, each in blocks that can be read alone.
//
// Header (48 bytes), blocks (each at a multiple of 8), index, footer (32 bytes); the normative text is
// docs/format.md. The index is a list of records with a CRC-32C each: file metadata, shared tables, tensors,
// a report. Readers skip records marked optional, and refuse what else they do not know. Writing is
// deterministic: no times, no addresses, records in the order of the calls.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "fewbits/coding/tensor.hpp"
#include "fewbits/core/bits.hpp"
#include "fewbits/core/checksum.hpp"
#include "fewbits/core/file.hpp"
#include "fewbits/core/isa.hpp"
#include "fewbits/core/parallel.hpp"
#include "fewbits/core/span.hpp"
#include "fewbits/core/version.hpp"

namespace fewbits {
inline namespace FEWBITS_ISA {
namespace coding {

inline constexpr std::uint8_t container_magic[8] = {0x89, 'F', 'W', 'B', 0x0d, 0x0a, 0x1a, 0x0a};
inline constexpr std::uint16_t container_major = 1;
inline constexpr std::uint16_t container_minor = 0;
inline constexpr std::size_t container_header_size = 48;
inline constexpr std::size_t container_footer_size = 32;

enum class RecordType : std::uint16_t { metadata = 1, tables = 2, tensor = 3, report = 4 };
inline constexpr std::uint16_t record_optional = 1;

// Ordered as given: the order is part of the file.
using Metadata = std::vector<std::pair<std::string, std::string>>;

namespace detail {

// Well-formed UTF-8: no overlong forms, no surrogates, nothing above U+10FFFF.
inline bool is_utf8(ByteSpan text) {
    std::size_t i = 0;
    while (i < text.size()) {
        const std::uint8_t lead = text[i++];
        if (lead < 0x80) continue;
        const unsigned more = lead >= 0xc2 && lead <= 0xdf   ? 1
                              : (lead & 0xf0) == 0xe0        ? 2
                              : lead >= 0xf0 && lead <= 0xf4 ? 3
                                                             : 0;
        if (more == 0 || text.size() - i < more) return false;
        const std::uint8_t second = text[i];
        const std::uint8_t low = lead == 0xe0 ? 0xa0 : lead == 0xf0 ? 0x90 : 0x80;
        const std::uint8_t high = lead == 0xed ? 0x9f : lead == 0xf4 ? 0x8f : 0xbf;
        if (second < low || second > high) return false;
        for (unsigned k = 1; k < more; ++k) {
            if ((text[i + k] & 0xc0) != 0x80) return false;
        }
        i += more;
    }
    return true;
}

inline bool is_name(ByteSpan text) {
    return text.size() <= 4096 && is_utf8(text) && std::find(text.begin(), text.end(), 0) == text.end();
}

inline ByteSpan as_bytes(const std::string& text) {
    return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

inline std::string read_text(ByteReader& reader, std::size_t size) {
    const ByteSpan text = reader.bytes(size);
    if (!is_utf8(text)) reader.fail("a text is not UTF-8");
    return {reinterpret_cast<const char*>(text.data()), text.size()};
}

inline void append_record(Bytes& index, RecordType type, std::uint16_t flags, ByteSpan body) {
    const std::size_t start = index.size();
    FEWBITS_REQUIRE(body.size() < (std::size_t{1} << 32), "FileWriter: a record has more than 4 GiB");
    append_le(index, static_cast<std::uint32_t>(body.size()));
    append_le(index, static_cast<std::uint16_t>(type));
    append_le(index, flags);
    append(index, body);
    append_le(index, crc32c(ByteSpan(index).subspan(start, index.size() - start)));
}

}  // namespace detail

// Writes a container. The file appears under its name when finish() returns, and not before.
class FileWriter {
public:
    explicit FileWriter(const std::string& path) : file_(path), offset_(container_header_size) {}

    // Text that belongs to the file; keys are unique.
    void add_metadata(const std::string& key, const std::string& value) {
        FEWBITS_REQUIRE(!finished_, "FileWriter::add_metadata: the file is finished");
        FEWBITS_REQUIRE(key.size() <= 4096 && detail::is_utf8(detail::as_bytes(key)),
                        "FileWriter::add_metadata: key must be at most 4096 bytes of UTF-8");
        FEWBITS_REQUIRE(value.size() < (std::size_t{1} << 30) && detail::is_utf8(detail::as_bytes(value)),
                        "FileWriter::add_metadata: value must be UTF-8, below 1 GiB");
        FEWBITS_REQUIRE(keys_.insert(key).second,
                        "FileWriter::add_metadata: key '" + key + "' is there already");
        metadata_.emplace_back(key, value);
    }

    // Begins a tensor; write_blocks() then stores it. `data` and options.base must stay until end_tensor().
    void begin_tensor(const std::string& name, ByteSpan data, Dtype dtype, Span<const std::uint64_t> dims,
                      const TensorOptions& options = {}) {
        FEWBITS_REQUIRE(!finished_ && encoder_ == nullptr,
                        "FileWriter::begin_tensor: another tensor is not ended");
        FEWBITS_REQUIRE(detail::is_name(detail::as_bytes(name)),
                        "FileWriter::begin_tensor: name must be at most 4096 bytes of UTF-8 without NUL");
        FEWBITS_REQUIRE(names_.count(name) == 0,
                        "FileWriter::begin_tensor: name '" + name + "' is there already");
        FEWBITS_REQUIRE(dims.size() <= 16, "FileWriter::begin_tensor: at most 16 dimensions, got " +
                                               std::to_string(dims.size()));
        encoder_ =
            std::make_unique<TensorEncoder>(data, TensorShape(dtype, {dims.begin(), dims.end()}), options);
        names_.insert(name);
        threads_ = resolve_threads(options.threads);
        TensorEntry entry;
        entry.name = name;
        entry.shape = encoder_->shape();
        entry.pipeline = encoder_->pipeline();
        entries_.push_back(std::move(entry));
        data_ = data;
        first_table_ = static_cast<std::uint32_t>(tables_.size());
        for (StaticTable& table : encoder_->tables()) tables_.push_back(std::move(table));
        hash_ = Xxh64();
    }

    // Codes and stores the next blocks, a few for each thread; returns the number of tensor bytes done by
    // this call, 0 when all are. A caller can stop between calls.
    std::uint64_t write_blocks() {
        FEWBITS_REQUIRE(encoder_ != nullptr, "FileWriter::write_blocks: no tensor is begun");
        TensorEntry& entry = entries_.back();
        const std::size_t first = entry.blocks.size();
        const std::size_t count = static_cast<std::size_t>(
            std::min<std::uint64_t>(encoder_->blocks() - first, 4 * static_cast<std::uint64_t>(threads_)));
        if (count == 0) return 0;
        coded_.resize(std::max(coded_.size(), count));

        std::vector<std::uint32_t> crcs(count);
        std::size_t bytes = 0;
        for (std::size_t i = 0; i < count; ++i)
            bytes += static_cast<std::size_t>(encoder_->block_elements(first + i)) * entry.shape.itemsize;
        // The hash runs through the tensor in order: one more piece of work beside the blocks.
        parallel_for(count + 1, 1, threads_, [&](std::size_t from, std::size_t to) {
            const auto work = pool_.borrow();
            for (std::size_t i = from; i < to; ++i) {
                if (i == 0) {
                    hash_.update(data_.subspan(hashed_, bytes));
                } else {
                    encoder_->encode_block(first + i - 1, first_table_, *work, coded_[i - 1]);
                    crcs[i - 1] = crc32c(coded_[i - 1]);
                }
            }
        });
        hashed_ += bytes;
        for (std::size_t i = 0; i < count; ++i) {
            FEWBITS_REQUIRE(coded_[i].size() < (std::size_t{1} << 32),
                            "FileWriter: a block has more than 4 GiB");
            entry.blocks.push_back({offset_, static_cast<std::uint32_t>(coded_[i].size()),
                                    static_cast<std::uint32_t>(encoder_->block_elements(first + i)),
                                    crcs[i]});
            coded_[i].resize((coded_[i].size() + 7) / 8 * 8);  // the next block begins at a multiple of 8
            file_.write(offset_, coded_[i]);
            offset_ += coded_[i].size();
        }
        return bytes;
    }

    const TensorEntry& end_tensor() {
        FEWBITS_REQUIRE(encoder_ != nullptr, "FileWriter::end_tensor: no tensor is begun");
        while (write_blocks() > 0) {
        }
        entries_.back().xxh64 = hash_.digest();
        encoder_.reset();
        hashed_ = 0;
        return entries_.back();
    }

    const TensorEntry& add_tensor(const std::string& name, ByteSpan data, Dtype dtype,
                                  Span<const std::uint64_t> dims, const TensorOptions& options = {}) {
        begin_tensor(name, data, dtype, dims, options);
        return end_tensor();
    }

    // JSON that readers may show; nothing depends on it.
    void set_report(std::string json) { report_ = std::move(json); }

    // Writes index, footer and header, makes the file durable and gives it its name. Returns its size.
    std::uint64_t finish() {
        FEWBITS_REQUIRE(!finished_ && encoder_ == nullptr, "FileWriter::finish: a tensor is not ended");
        const Bytes index = make_index();
        file_.write(offset_, index);
        Bytes footer;
        append_le(footer, offset_);
        append_le(footer, std::uint64_t{index.size()});
        append_le(footer, crc32c(index));
        append_le(footer, std::uint32_t{0});
        footer.insert(footer.end(), std::rbegin(container_magic), std::rend(container_magic));
        file_.write(offset_ + index.size(), footer);

        Bytes header(std::begin(container_magic), std::end(container_magic));
        append_le(header, container_major);
        append_le(header, container_minor);
        append_le(header, std::uint32_t{0});
        append_le(header, std::uint32_t{0});
        append_le(header, std::uint32_t{0});
        append_le(header, offset_);
        append_le(header, std::uint64_t{index.size()});
        append_le(header, std::uint32_t{0});
        append_le(header, crc32c(header));
        file_.write(0, header);
        file_.commit();
        finished_ = true;
        return offset_ + index.size() + footer.size();
    }

    // Forgets everything; no file appears.
    void abort() noexcept { file_.abort(); }

private:
    Bytes make_index() const {
        std::vector<Bytes> bodies;
        Bytes index;
        append_le(index, static_cast<std::uint32_t>(entries_.size() + (!metadata_.empty()) +
                                                    (!tables_.empty()) + (!report_.empty())));
        if (!metadata_.empty()) {
            Bytes body;
            append_le(body, static_cast<std::uint32_t>(metadata_.size()));
            for (const auto& [key, value] : metadata_) {
                for (const std::string* text : {&key, &value}) {
                    append_le(body, static_cast<std::uint32_t>(text->size()));
                    append(body, detail::as_bytes(*text));
                }
            }
            detail::append_record(index, RecordType::metadata, 0, body);
        }
        if (!tables_.empty()) {
            Bytes body;
            append_le(body, static_cast<std::uint32_t>(tables_.size()));
            for (const StaticTable& table : tables_) table.append_to(body);
            detail::append_record(index, RecordType::tables, 0, body);
        }
        for (const TensorEntry& entry : entries_) {
            Bytes body;
            append_le(body, static_cast<std::uint16_t>(entry.name.size()));
            append(body, detail::as_bytes(entry.name));
            body.push_back(static_cast<std::uint8_t>(entry.shape.dtype));
            body.push_back(static_cast<std::uint8_t>(entry.shape.dims.size()));
            for (const std::uint64_t dim : entry.shape.dims) append_le(body, dim);
            append_le(body, entry.shape.nbytes());
            body.push_back(static_cast<std::uint8_t>(entry.pipeline.size()));
            for (const Stage& stage : entry.pipeline) {
                body.push_back(static_cast<std::uint8_t>(stage.id));
                append_le(body, static_cast<std::uint16_t>(stage.parameters.size()));
                append(body, stage.parameters);
            }
            append_le(body, entry.xxh64);
            append_le(body, static_cast<std::uint32_t>(entry.blocks.size()));
            for (const BlockEntry& block : entry.blocks) {
                append_le(body, block.offset);
                append_le(body, block.length);
                append_le(body, block.elements);
                append_le(body, block.crc);
            }
            detail::append_record(index, RecordType::tensor, 0, body);
        }
        if (!report_.empty())
            detail::append_record(index, RecordType::report, record_optional, detail::as_bytes(report_));
        return index;
    }

    OutputFile file_;
    std::uint64_t offset_;
    Metadata metadata_;
    std::set<std::string> keys_, names_;
    std::vector<StaticTable> tables_;
    std::vector<TensorEntry> entries_;
    std::string report_;
    bool finished_ = false;
    // The tensor being written.
    std::unique_ptr<TensorEncoder> encoder_;
    ByteSpan data_;
    std::size_t hashed_ = 0;
    std::uint32_t first_table_ = 0;
    int threads_ = 1;
    Xxh64 hash_;
    std::vector<Bytes> coded_;  // the blocks of a call, before they are written
    Pool<TensorEncoder::Workspace> pool_;
};

// Reads a container from bytes that stay (a mapped file, a buffer). Opening validates the whole index.
class FileReader {
public:
    // `max_bytes` caps what all tensors together decode to; the default allows 256 times the file and 64 MiB.
    explicit FileReader(ByteSpan file, std::uint64_t max_bytes = TensorFrame::default_limit) : file_(file) {
        std::uint64_t index_offset = 0, index_length = 0;
        read_header(index_offset, index_length);
        read_footer(index_offset, index_length);
        const ByteSpan index =
            file.subspan(static_cast<std::size_t>(index_offset), static_cast<std::size_t>(index_length));
        read_index(index);
        check_overlaps(index_offset);
        const std::uint64_t limit =
            max_bytes == TensorFrame::default_limit ? TensorFrame::default_max_bytes(file.size()) : max_bytes;
        std::uint64_t total = 0;
        for (const TensorEntry& entry : entries_) {
            total += entry.shape.nbytes();  // each below 2^60; the sum is checked before it can wrap
            if (total > limit) {
                throw LimitError("file: the tensors decode to " + std::to_string(total) +
                                 " bytes or more, max_bytes allows " + std::to_string(limit));
            }
        }
    }

    FileReader(const FileReader&) = delete;  // Tensor points into its reader
    FileReader& operator=(const FileReader&) = delete;

    const Metadata& metadata() const { return metadata_; }
    const std::vector<TensorEntry>& tensors() const { return entries_; }
    const std::string& report() const { return report_; }
    std::uint64_t size() const { return file_.size(); }

    // Position of the tensor `name` in tensors(), or tensors().size().
    std::size_t find(const std::string& name) const {
        const auto found = positions_.find(name);
        return found == positions_.end() ? entries_.size() : found->second;
    }

    // A tensor ready for decoding. Neither the reader nor `base` may go away before it.
    class Tensor {
    public:
        Tensor(const FileReader& reader, std::size_t position, ByteSpan base = {})
            : reader_(&reader),
              entry_(&reader.entries_.at(position)),
              begins_(detail::block_begins(*entry_)),
              decoder_(entry_->shape, entry_->pipeline, reader.tables_, base) {}

        const TensorEntry& entry() const { return *entry_; }
        // First element of every block.
        const std::vector<std::uint64_t>& begins() const { return begins_; }
        // The blocks that hold elements [begin, end).
        std::pair<std::size_t, std::size_t> blocks_of(std::uint64_t begin, std::uint64_t end) const {
            if (begin >= end) return {0, 0};
            const auto first = std::upper_bound(begins_.begin(), begins_.end(), begin) - begins_.begin() - 1;
            const auto last = std::lower_bound(begins_.begin(), begins_.end(), end) - begins_.begin();
            return {static_cast<std::size_t>(first), static_cast<std::size_t>(last)};
        }
        // Bytes that blocks [first, last) decode to.
        std::uint64_t bytes_of(std::size_t first, std::size_t last) const {
            return detail::bytes_of_blocks(*entry_, begins_, first, last);
        }
        void decode_blocks(std::size_t first, std::size_t last, Span<std::uint8_t> out, Verify verify,
                           int threads) const {
            FEWBITS_REQUIRE(first <= last && last <= begins_.size(),
                            "FileReader::Tensor::decode_blocks: no such blocks");
            FEWBITS_REQUIRE(out.size() == bytes_of(first, last),
                            "FileReader::Tensor::decode_blocks: out has the wrong size");
            detail::decode_blocks(source(), first, last, out, verify, resolve_threads(threads));
        }
        // Decodes blocks [first, last) straight into a file, each thread with a small buffer.
        void copy_blocks(std::size_t first, std::size_t last, OutputFile& output, std::uint64_t offset,
                         Verify verify, int threads) const {
            FEWBITS_REQUIRE(first <= last && last <= begins_.size(),
                            "FileReader::Tensor::copy_blocks: no such blocks");
            parallel_for(last - first, detail::blocks_together, resolve_threads(threads),
                         [&](std::size_t from, std::size_t to) {
                             const auto buffer = buffers_->borrow();
                             const Span<std::uint8_t> out =
                                 buffer->get(static_cast<std::size_t>(bytes_of(first + from, first + to)));
                             detail::decode_some_blocks(source(), first + from, first + to, out, verify);
                             output.write(offset + begins_[first + from] * entry_->shape.itemsize, out);
                         });
        }
        // Decodes everything, with all checks.
        void decode(Span<std::uint8_t> out, Verify verify = Verify::crc, int threads = 1) const {
            decode_blocks(0, begins_.size(), out, verify, threads);
            if (verify == Verify::full) check_hash(fewbits::xxh64(out));
        }
        void check_hash(std::uint64_t hash) const {
            if (hash == entry_->xxh64) return;
            throw CorruptDataError("tensor '" + entry_->name +
                                   "': the decoded tensor differs from the one that was stored");
        }

    private:
        detail::BlockSource source() const {
            return {&decoder_, entry_, reader_->file_, &begins_, pool_.get()};
        }

        const FileReader* reader_;
        const TensorEntry* entry_;
        std::vector<std::uint64_t> begins_;
        TensorDecoder decoder_;
        std::unique_ptr<Pool<TensorDecoder::Workspace>> pool_ =
            std::make_unique<Pool<TensorDecoder::Workspace>>();
        std::unique_ptr<Pool<ByteBuffer>> buffers_ = std::make_unique<Pool<ByteBuffer>>();
    };

private:
    [[noreturn]] static void corrupt(const std::string& message) {
        throw CorruptDataError("file: " + message);
    }

    void read_header(std::uint64_t& index_offset, std::uint64_t& index_length) const {
        if (file_.size() < sizeof container_magic ||
            !std::equal(std::begin(container_magic), std::end(container_magic), file_.begin())) {
            corrupt("not a .fewbits file");
        }
        if (file_.size() < container_header_size + container_footer_size) corrupt("truncated");
        ByteReader reader(file_.first(container_header_size), "file header");
        reader.bytes(sizeof container_magic);
        const unsigned major = reader.u16(), minor = reader.u16();
        const std::uint32_t incompatible = reader.u32();
        reader.u32();  // compatible features: nothing to know
        reader.u32();
        index_offset = reader.u64();
        index_length = reader.u64();
        reader.u32();
        if (reader.u32() != crc32c(file_.first(container_header_size - 4)))
            corrupt("the header is damaged (its checksum differs)");
        if (major != container_major || incompatible != 0) {
            throw UnsupportedFeatureError("file: written in format " + std::to_string(major) + "." +
                                          std::to_string(minor) + " with feature bits " +
                                          std::to_string(incompatible) +
                                          "; this is fewbits " FEWBITS_VERSION ", which reads format " +
                                          std::to_string(container_major));
        }
    }

    void read_footer(std::uint64_t& index_offset, std::uint64_t& index_length) const {
        ByteReader reader(file_.subspan(file_.size() - container_footer_size, container_footer_size),
                          "file footer");
        const std::uint64_t offset = reader.u64(), length = reader.u64();
        const std::uint32_t crc = reader.u32();
        reader.u32();
        const ByteSpan magic = reader.bytes(sizeof container_magic);
        if (!std::equal(magic.begin(), magic.end(), std::rbegin(container_magic)))
            corrupt("truncated (no footer)");
        // A writer that could not seek leaves zeros in the header.
        if (index_offset == 0 && index_length == 0) {
            index_offset = offset;
            index_length = length;
        }
        if (index_offset != offset || index_length != length) corrupt("header and footer disagree");
        const std::uint64_t end = file_.size() - container_footer_size;
        if (offset < container_header_size || offset > end || length != end - offset)
            corrupt("the index is not where the footer says");
        if (crc32c(file_.subspan(static_cast<std::size_t>(offset), static_cast<std::size_t>(length))) !=
            crc) {
            corrupt("the index is damaged (its checksum differs)");
        }
    }

    void read_index(ByteSpan index) {
        ByteReader reader(index, "file index");
        const std::uint32_t count = reader.u32();
        std::vector<StaticTable> tables;
        bool seen[5] = {};
        for (std::uint32_t i = 0; i < count; ++i) {
            const std::size_t start = reader.position();
            const std::uint32_t length = reader.u32();
            const std::uint16_t type = reader.u16(), flags = reader.u16();
            ByteReader body(reader.bytes(length), "file index record");
            const std::size_t end = reader.position();
            if (reader.u32() != crc32c(index.subspan(start, end - start)))
                reader.fail("a record is damaged (its checksum differs)");
            const bool known = type >= 1 && type <= 4;
            if (!known) {
                if ((flags & record_optional) != 0) continue;
                throw UnsupportedFeatureError("file: index record type " + std::to_string(type) +
                                              " is not known to this version");
            }
            if (type != static_cast<std::uint16_t>(RecordType::tensor) && std::exchange(seen[type], true)) {
                body.fail("a record that may be there once is there twice");
            }
            switch (static_cast<RecordType>(type)) {
                case RecordType::metadata:
                    read_metadata(body);
                    break;
                case RecordType::tables: {
                    const std::uint32_t table_count = body.u32();
                    if (table_count > body.remaining()) body.fail("more tables than bytes");
                    for (std::uint32_t t = 0; t < table_count; ++t) tables.push_back(StaticTable::read(body));
                    break;
                }
                case RecordType::tensor:
                    read_tensor(body);
                    break;
                case RecordType::report:
                    report_ = detail::read_text(body, body.remaining());
                    break;
            }
            body.expect_end();
        }
        reader.expect_end();
        tables_ = TableStore(std::move(tables));
    }

    void read_metadata(ByteReader& body) {
        const std::uint32_t count = body.u32();
        std::set<std::string> keys;
        for (std::uint32_t i = 0; i < count; ++i) {
            const std::uint32_t key_size = body.u32();
            if (key_size > 4096) body.fail("a key is longer than 4096 bytes");
            std::string key = detail::read_text(body, key_size);
            std::string value = detail::read_text(body, body.u32());
            if (!keys.insert(key).second) body.fail("a key is there twice");
            metadata_.emplace_back(std::move(key), std::move(value));
        }
    }

    void read_tensor(ByteReader& body) {
        TensorEntry entry;
        entry.name = detail::read_text(body, body.u16());
        if (!detail::is_name(detail::as_bytes(entry.name)))
            body.fail("a name is longer than 4096 bytes or has a NUL");
        const std::uint8_t code = body.u8();
        const DtypeInfo* dtype = find_dtype(code);
        if (dtype == nullptr)
            throw UnsupportedFeatureError("tensor '" + entry.name + "': dtype code " + std::to_string(code) +
                                          " is not known to this version");
        const unsigned ndim = body.u8();
        if (ndim > 16) body.fail("a tensor has more than 16 dimensions");
        std::vector<std::uint64_t> dims;
        for (unsigned i = 0; i < ndim; ++i) dims.push_back(body.u64());
        entry.shape = TensorShape(dtype->dtype, std::move(dims));
        if (body.u64() != entry.shape.nbytes()) body.fail("a tensor's size is not that of its shape");
        const std::size_t stages = body.u8();
        entry.pipeline = detail::read_pipeline(body, stages, false);
        entry.xxh64 = body.u64();
        const std::uint32_t blocks = body.u32();
        if (blocks > body.remaining() / 20) body.fail("truncated");
        entry.blocks.reserve(blocks);
        for (std::uint32_t i = 0; i < blocks; ++i) {
            BlockEntry block{};
            block.offset = body.u64();
            block.length = body.u32();
            block.elements = body.u32();
            block.crc = body.u32();
            entry.blocks.push_back(block);
        }
        detail::block_begins(entry);  // throws where the blocks do not make up the shape
        if (!positions_.emplace(entry.name, entries_.size()).second)
            body.fail("two tensors have the same name");
        entries_.push_back(std::move(entry));
    }

    void check_overlaps(std::uint64_t index_offset) const {
        std::vector<std::pair<std::uint64_t, std::uint64_t>> ranges;
        for (const TensorEntry& entry : entries_) {
            for (const BlockEntry& block : entry.blocks) {
                if (block.offset < container_header_size || block.offset % 8 != 0 ||
                    block.offset > index_offset || block.length > index_offset - block.offset) {
                    corrupt("a block of tensor '" + entry.name + "' is outside the file");
                }
                ranges.emplace_back(block.offset, block.offset + block.length);
            }
        }
        std::sort(ranges.begin(), ranges.end());
        for (std::size_t i = 1; i < ranges.size(); ++i) {
            if (ranges[i].first < ranges[i - 1].second) corrupt("two blocks overlap");
        }
    }

    ByteSpan file_;
    Metadata metadata_;
    TableStore tables_;
    std::vector<TensorEntry> entries_;
    std::map<std::string, std::size_t> positions_;
    std::string report_;
};

}  // namespace coding
}  // namespace FEWBITS_ISA
}  // namespace fewbits
