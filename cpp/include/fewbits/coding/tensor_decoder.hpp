// Lossless tensors, decoder: any block by itself, from hostile bytes.
//
// Every length is checked against the bytes that are there and against the shape before memory is taken.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "fewbits/coding/byte_part.hpp"
#include "fewbits/coding/float_split.hpp"
#include "fewbits/coding/tensor_layout.hpp"
#include "fewbits/core/checksum.hpp"
#include "fewbits/core/isa.hpp"
#include "fewbits/core/span.hpp"

namespace fewbits {
inline namespace FEWBITS_ISA {
namespace coding {

class TensorDecoder {
public:
    // Checks the pipeline. `base` is needed where it has xor_base and must outlive the decoder, as `tables`
    // must.
    TensorDecoder(TensorShape shape, const std::vector<Stage>& pipeline, const TableStore& tables,
                  ByteSpan base = {})
        : shape_(std::move(shape)), tables_(&tables) {
        for (const Stage& stage : pipeline) {
            switch (stage.id) {
                case StageId::xor_base:
                    require(&stage == pipeline.data() && stage.parameters.size() == 8,
                            "xor_base is malformed");
                    check_base(base, load_le<std::uint64_t>(stage.parameters.data()));
                    base_ = base;
                    break;
                case StageId::plain:
                    require(stage.parameters.empty(), "plain is malformed");
                    break;
                case StageId::byte_planes:
                    require(stage.parameters.empty(), "byte_planes is malformed");
                    break;
                case StageId::float_split: {
                    const unsigned mantissa_bits = dtype_info(shape_.dtype).mantissa_bits;
                    require(stage.parameters.size() == 2 && mantissa_bits != 0 &&
                                stage.parameters[0] <= mantissa_bits,
                            "float_split is malformed");
                    j_ = stage.parameters[0];
                    flags_ = stage.parameters[1];
                    // Symbols are at most 16 bits wide, the two zeros included.
                    require(8 * shape_.itemsize - 1 - (mantissa_bits - j_) <= 15,
                            "float_split has too many symbols");
                    if ((flags_ & ~(float_split_zero_symbols | float_split_row_classes)) != 0) {
                        throw UnsupportedFeatureError("tensor: float_split has flags of a newer version");
                    }
                    require((flags_ & float_split_row_classes) == 0 ||
                                (shape_.row_length > 0 && shape_.row_length <= default_block_elements),
                            "row classes without rows");
                    break;
                }
                default:
                    throw UnsupportedFeatureError("tensor: stage " +
                                                  std::to_string(static_cast<unsigned>(stage.id)) +
                                                  " is not known to this version");
            }
            last_ = stage.id;
        }
        require(!pipeline.empty() && last_ != StageId::xor_base,
                "the pipeline does not end in a coding stage");
        const std::size_t expected = base_.empty() && pipeline.front().id != StageId::xor_base ? 1 : 2;
        require(pipeline.size() == expected, "the pipeline has stages that do not belong together");
    }

    const TensorShape& shape() const { return shape_; }

    // Buffers for the blocks that are decoded together.
    struct Workspace {
        struct Block {
            ByteBuffer ranks, planes, exact_planes;
        };
        std::vector<Block> blocks;
        StreamQueue streams;
    };

    // Where the bytes of a block are, which elements they hold, and where those go.
    struct Block {
        ByteSpan bytes;
        std::uint64_t begin;
        std::size_t n;
        Span<std::uint8_t> out;
    };

    // Decodes some blocks together; two at a time are faster than each alone.
    void decode(Span<const Block> blocks, Workspace& work) const {
        work.blocks.resize(std::max(work.blocks.size(), blocks.size()));
        std::vector<std::function<void()>> rest;
        for (std::size_t i = 0; i < blocks.size(); ++i)
            rest.push_back(start(blocks[i], work.blocks[i], work.streams));
        work.streams.run();
        for (const auto& finish : rest) finish();
        if (base_.empty()) return;
        for (const Block& block : blocks) {
            const std::uint8_t* base = base_.data() + block.begin * shape_.itemsize;
            for (std::size_t i = 0; i < block.out.size(); ++i)
                block.out[i] = static_cast<std::uint8_t>(block.out[i] ^ base[i]);
        }
    }

private:
    static constexpr std::size_t chunk = 4096;

    static void require(bool condition, const char* message) {
        if (!condition) throw CorruptDataError(std::string("tensor: ") + message);
    }
    void check_base(ByteSpan base, std::uint64_t hash) const {
        if (base.empty() && shape_.nbytes() != 0) {
            throw ParameterMismatchError(
                "tensor: coded as the difference from a base tensor, which was not given");
        }
        if (base.size() != shape_.nbytes() || xxh64(base) != hash) {
            throw ParameterMismatchError("tensor: the base tensor is not the one it was coded against");
        }
    }
    TableResolver resolver() const {
        return [tables = tables_](std::uint64_t id) { return tables->decode_table(id); };
    }

    // Reads a block and queues its streams; what is returned makes the elements of them once they have run.
    std::function<void()> start(const Block& block, Workspace::Block& work, StreamQueue& streams) const {
        FEWBITS_REQUIRE(block.out.size() == block.n * shape_.itemsize,
                        "TensorDecoder::decode: out has the wrong size");
        ByteReader reader(block.bytes, "tensor block");
        std::function<void()> rest;
        if (last_ == StageId::plain) {
            rest = start_plain(reader, block.out, streams);
        } else if (last_ == StageId::byte_planes) {
            rest = start_planes(reader, block.n, block.out, work, streams);
        } else if (shape_.itemsize == 2) {
            rest = start_float<std::uint16_t>(reader, block.n, block.out, work, streams);
        } else if (shape_.itemsize == 4) {
            rest = start_float<std::uint32_t>(reader, block.n, block.out, work, streams);
        } else {
            rest = start_float<std::uint64_t>(reader, block.n, block.out, work, streams);
        }
        reader.expect_end();
        return rest;
    }

    std::function<void()> start_plain(ByteReader& reader, Span<std::uint8_t> out,
                                      StreamQueue& streams) const {
        const ByteSpan bytes = read_byte_part(reader, out.size(), 8, resolver(), out, streams);
        return [bytes, out] {
            if (!out.empty() && bytes.data() != out.data()) std::memcpy(out.data(), bytes.data(), out.size());
        };
    }

    std::function<void()> start_planes(ByteReader& reader, std::size_t n, Span<std::uint8_t> out,
                                       Workspace::Block& work, StreamQueue& streams) const {
        const std::size_t stride = shape_.itemsize;
        const Span<std::uint8_t> buffer = work.planes.get(stride * n);
        std::array<ByteSpan, 8> planes;
        for (std::size_t p = 0; p < stride; ++p) {
            planes[p] = read_byte_part(reader, n, 8, resolver(), buffer.subspan(p * n, n), streams);
        }
        return [planes, n, out, stride] {
            for (std::size_t p = 0; p < stride; ++p) {
                for (std::size_t i = 0; i < n; ++i) out[i * stride + p] = planes[p][i];
            }
        };
    }

    // The symbols of one row class: bytes with an offset or a map, or plain 16-bit symbols.
    struct ClassPart {
        std::size_t count = 0;
        const std::uint8_t* ranks = nullptr;
        unsigned lo = 0;
        std::vector<std::uint16_t> map;      // symbol by rank, where it is no offset
        std::vector<std::uint16_t> symbols;  // instead of ranks, for alphabets above 256
        unsigned symbol(std::size_t i) const {
            if (!symbols.empty()) return symbols[i];
            return map.empty() ? lo + ranks[i] : map[ranks[i]];
        }
    };

    void read_symbols(ByteReader& reader, ClassPart& part, Span<std::uint8_t> ranks, std::uint32_t alphabet,
                      StreamQueue& streams) const {
        const std::uint64_t length = reader.varint();
        if (length > reader.remaining()) reader.fail("a part is longer than its block");
        ByteReader bytes(reader.bytes(static_cast<std::size_t>(length)), "symbol part");
        const BlockView view = read_block(bytes, resolver(), part.count);
        bytes.expect_end();
        if (view.n != part.count) bytes.fail("the part has the wrong number of symbols");
        const auto check = [&](std::int64_t lowest, std::int64_t highest) {
            if (lowest < 0 || highest >= std::int64_t{alphabet})
                bytes.fail("a symbol is outside the alphabet");
        };
        part.ranks = ranks.data();
        if (view.kind == BlockKind::constant) {
            check(view.value, view.value);
            part.lo = static_cast<unsigned>(view.value);
            std::memset(ranks.data(), 0, ranks.size());
        } else if (view.kind == BlockKind::static_table && view.table->ranks() <= 256) {
            const StaticTable& table = view.table->table();
            check(table.lo(), std::int64_t{table.lo()} + table.span() - 1);
            part.lo = static_cast<unsigned>(table.lo());
            if (!table.ranks_are_offsets()) {
                for (std::uint32_t r = 0; r < table.ranks(); ++r)
                    part.map.push_back(static_cast<std::uint16_t>(table.symbol_of_rank(r)));
            }
            streams.add(view, ranks, 0);
        } else {
            std::vector<std::int32_t> symbols(part.count);
            decode_symbols(view, Span<std::int32_t>(symbols));
            part.symbols.reserve(part.count);
            for (std::int32_t symbol : symbols) {
                check(symbol, symbol);
                part.symbols.push_back(static_cast<std::uint16_t>(symbol));
            }
        }
    }

    template <class Word>
    static void store_words(const Word* words, std::size_t n, std::uint8_t* out) {
        if constexpr (host_is_little_endian()) {
            std::memcpy(out, words, n * sizeof(Word));
        } else {
            for (std::size_t i = 0; i < n; ++i) store_le(out + i * sizeof(Word), words[i]);
        }
    }

    // A block of split floats between the reading of its streams and the merging of its words.
    template <class Word>
    struct SplitBlock {
        SplitBlock(FloatSplit<Word> fields, std::size_t row_length, std::size_t row_count, bool with_zeros,
                   Span<std::uint8_t> target)
            : split(fields),
              run(row_length),
              rows(row_count),
              zeros(with_zeros),
              alphabet((1U << split.symbol_bits()) + (zeros ? 2 : 0)),
              out(target) {}

        FloatSplit<Word> split;
        std::size_t run, rows;             // elements of a row, or all; number of rows
        Bytes labels;                      // class of every row; empty: one class
        std::array<ClassPart, 256> parts;  // by class
        bool zeros;
        std::uint32_t alphabet;
        ConstPlanePointers<Word> planes{}, exact_planes{};
        unsigned exact_plane_count = 0, dropped = 0;
        Span<std::uint8_t> out;

        std::uint8_t label(std::size_t row) const { return labels.empty() ? std::uint8_t{0} : labels[row]; }

        // One word at a time: exact rows, tensors with zero symbols, alphabets above 256.
        FEWBITS_INLINE Word word(unsigned symbol, const ConstPlanePointers<Word>& plane, unsigned count,
                                 unsigned shift, std::size_t& at) const {
            if (zeros && symbol >= alphabet - 2) return zero_word<Word>(symbol == alphabet - 1);
            Word remainder = 0;
            for (unsigned p = 0; p < count; ++p)
                remainder = static_cast<Word>(remainder | Word(plane[p][at]) << 8 * p);
            ++at;
            return split.merge(symbol, static_cast<Word>(remainder << shift));
        }

        // Words of an ordinary row, of byte symbols, in one vector loop.
        void merge_simple(const ClassPart& part, std::size_t at, std::size_t plane_at,
                          Span<Word> words) const {
            ConstPlanePointers<Word> here{};
            for (unsigned p = 0; p < split.planes(); ++p) here[p] = planes[p] + plane_at;
            if (part.map.empty()) {
                merge_ranks(split, part.ranks + at, part.lo, here, words);
            } else {
                merge_ranks(split, part.ranks + at, part.map.data(), here, words);
            }
        }

        void merge() const {
            std::array<std::size_t, 256> used{};  // elements of each class so far
            std::size_t plane_at = 0, exact_at = 0;
            alignas(64) Word words[chunk];
            for (std::size_t row = 0; row < rows; ++row) {
                const std::uint8_t of_row = label(row);
                const ClassPart& part = parts[of_row];
                std::size_t& at = used[of_row];
                std::uint8_t* target = out.data() + row * run * sizeof(Word);
                const bool simple = of_row < exact_row && !zeros && part.symbols.empty();
                if (simple && host_is_little_endian() &&
                    reinterpret_cast<std::uintptr_t>(target) % alignof(Word) == 0) {
                    merge_simple(part, at, plane_at, Span<Word>(reinterpret_cast<Word*>(target), run));
                    at += run;
                    plane_at += run;
                    continue;
                }
                for (std::size_t done = 0; done < run; done += chunk) {
                    const std::size_t count = std::min(chunk, run - done);
                    if (of_row >= exact_row) {
                        for (std::size_t i = 0; i < count; ++i) {
                            words[i] =
                                word(part.symbol(at + i), exact_planes, exact_plane_count, dropped, exact_at);
                        }
                    } else if (!simple) {
                        for (std::size_t i = 0; i < count; ++i) {
                            words[i] = word(part.symbol(at + i), planes, split.planes(), 0, plane_at);
                        }
                    } else {
                        merge_simple(part, at, plane_at, Span<Word>(words, count));
                        plane_at += count;
                    }
                    store_words(words, count, target + done * sizeof(Word));
                    at += count;
                }
            }
        }
    };

    template <class Word>
    std::function<void()> start_float(ByteReader& reader, std::size_t n, Span<std::uint8_t> out,
                                      Workspace::Block& work, StreamQueue& streams) const {
        const FloatSplit<Word> split(dtype_info(shape_.dtype).mantissa_bits, j_);
        const bool classed = (flags_ & float_split_row_classes) != 0;
        const std::size_t run =
            classed ? static_cast<std::size_t>(shape_.row_length) : std::max<std::size_t>(n, 1);
        if (n % run != 0) reader.fail("the block does not end with a row");
        const bool zeros = (flags_ & float_split_zero_symbols) != 0;
        const auto block = std::make_shared<SplitBlock<Word>>(split, run, n / run, zeros, out);
        const TableResolver tables = resolver();

        std::size_t exact = 0;
        if (classed) {
            block->labels.resize(block->rows);
            StreamQueue now;
            const ByteSpan labels =
                read_byte_part(reader, block->rows, 8, tables, Span<std::uint8_t>(block->labels), now);
            now.run();
            if (labels.data() != block->labels.data()) block->labels.assign(labels.begin(), labels.end());
            for (const std::uint8_t label : block->labels) {
                block->parts[label].count += run;
                if (label >= exact_row) exact += run;
            }
            if (exact > 0 && shape_.dtype != Dtype::float32)
                reader.fail("exact rows in a tensor that is not float32");
        } else {
            block->parts[0].count = n;
        }
        const Span<std::uint8_t> ranks = work.ranks.get(n);
        std::size_t at = 0;
        for (ClassPart& part : block->parts) {
            if (part.count == 0) continue;
            read_symbols(reader, part, ranks.subspan(at, part.count), block->alphabet, streams);
            at += part.count;
        }
        std::size_t zero_ordinary = 0, zero_exact = 0;
        if (zeros) {
            streams.run();  // how long the planes are depends on the symbols
            for (std::size_t label = 0; label < 256; ++label) {
                const ClassPart& part = block->parts[label];
                std::size_t count = 0;
                for (std::size_t i = 0; i < part.count; ++i) count += part.symbol(i) >= block->alphabet - 2;
                (label >= exact_row ? zero_exact : zero_ordinary) += count;
            }
        }

        const std::size_t stored = n - exact - zero_ordinary, exact_stored = exact - zero_exact;
        const Span<std::uint8_t> buffer = work.planes.get(split.planes() * stored);
        for (unsigned p = 0; p < split.planes() && n > exact; ++p) {
            block->planes[p] = read_byte_part(reader, stored, split.plane_width(p), tables,
                                              buffer.subspan(p * stored, stored), streams)
                                   .data();
        }
        block->dropped = std::min(exact_row_bits, split.shift);
        const unsigned exact_bits = split.remainder_bits() - block->dropped;
        block->exact_plane_count = (exact_bits + 7) / 8;
        const Span<std::uint8_t> exact_buffer =
            work.exact_planes.get(block->exact_plane_count * exact_stored);
        for (unsigned p = 0; p < block->exact_plane_count && exact > 0; ++p) {
            const unsigned width =
                p + 1 < block->exact_plane_count ? 8 : exact_bits - 8 * (block->exact_plane_count - 1);
            block->exact_planes[p] =
                read_byte_part(reader, exact_stored, width, tables,
                               exact_buffer.subspan(p * exact_stored, exact_stored), streams)
                    .data();
        }
        return [block] { block->merge(); };
    }

    template <class Word>
    static Word zero_word(bool negative) {
        return static_cast<Word>(Word{negative} << (8 * sizeof(Word) - 1));
    }

    TensorShape shape_;
    const TableStore* tables_;
    ByteSpan base_;
    StageId last_ = StageId::plain;
    unsigned j_ = 0;
    std::uint8_t flags_ = 0;
};

}  // namespace coding
}  // namespace FEWBITS_ISA
}  // namespace fewbits
