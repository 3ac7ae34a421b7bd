// Lossless tensors, decoder: any block by itself, from hostile bytes.
//
// Every length is checked against the bytes that are there and against the shape before memory is taken.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
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

    struct Workspace {
        ByteBuffer ranks, planes, scratch;
        std::array<ByteBuffer, 8> plane;
        std::vector<std::uint16_t> symbols;
    };

    // Decodes `n` elements that begin at element `begin` from the bytes of their block into `out`.
    void decode_block(ByteSpan block, std::uint64_t begin, std::size_t n, Span<std::uint8_t> out,
                      Workspace& work) const {
        FEWBITS_REQUIRE(out.size() == n * shape_.itemsize,
                        "TensorDecoder::decode_block: out has the wrong size");
        ByteReader reader(block, "tensor block");
        if (last_ != StageId::float_split) {
            decode_planes(reader, n, out, work);
        } else if (shape_.itemsize == 2) {
            decode_float<std::uint16_t>(reader, n, out, work);
        } else if (shape_.itemsize == 4) {
            decode_float<std::uint32_t>(reader, n, out, work);
        } else {
            decode_float<std::uint64_t>(reader, n, out, work);
        }
        reader.expect_end();
        if (!base_.empty()) {
            const std::uint8_t* base = base_.data() + begin * shape_.itemsize;
            for (std::size_t i = 0; i < out.size(); ++i) out[i] = static_cast<std::uint8_t>(out[i] ^ base[i]);
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

    void decode_planes(ByteReader& reader, std::size_t n, Span<std::uint8_t> out, Workspace& work) const {
        const TableResolver tables = resolver();
        const std::size_t stride = last_ == StageId::plain ? 1 : shape_.itemsize;
        if (last_ == StageId::plain) n *= shape_.itemsize;
        for (std::size_t p = 0; p < stride; ++p) {
            const ByteSpan plane = read_byte_part(reader, n, 8, tables, work.scratch);
            if (n == 0) continue;
            if (stride == 1) {
                std::memcpy(out.data(), plane.data(), n);
            } else {
                for (std::size_t i = 0; i < n; ++i) out[i * stride + p] = plane[i];
            }
        }
    }

    // The symbols of one row class: bytes with an offset or a map, or plain 16-bit symbols.
    struct ClassPart {
        std::size_t count = 0, used = 0;
        const std::uint8_t* ranks = nullptr;
        unsigned lo = 0;
        std::vector<std::uint16_t> map;      // symbol by rank, where it is no offset
        std::vector<std::uint16_t> symbols;  // instead of ranks, for alphabets above 256
        unsigned symbol(std::size_t i) const {
            if (!symbols.empty()) return symbols[i];
            return map.empty() ? lo + ranks[i] : map[ranks[i]];
        }
    };

    void read_symbols(ByteReader& reader, ClassPart& part, Span<std::uint8_t> ranks,
                      std::uint32_t alphabet) const {
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
            decode_ranks(view, ranks);
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

    template <class Word>
    void decode_float(ByteReader& reader, std::size_t n, Span<std::uint8_t> out, Workspace& work) const {
        const FloatSplit<Word> split(dtype_info(shape_.dtype).mantissa_bits, j_);
        const bool classed = (flags_ & float_split_row_classes) != 0;
        const bool zeros = (flags_ & float_split_zero_symbols) != 0;
        const TableResolver tables = resolver();
        const std::size_t run =
            classed ? static_cast<std::size_t>(shape_.row_length) : std::max<std::size_t>(n, 1);
        if (n % run != 0) reader.fail("the block does not end with a row");
        const std::size_t rows = n / run;

        std::array<ClassPart, 256> parts;
        Bytes labels;
        std::size_t exact = 0;
        if (classed) {
            const ByteSpan read = read_byte_part(reader, rows, 8, tables, work.scratch);
            labels.assign(read.begin(), read.end());
            for (const std::uint8_t label : labels) {
                parts[label].count += run;
                if (label >= exact_row) exact += run;
            }
            if (exact > 0 && shape_.dtype != Dtype::float32)
                reader.fail("exact rows in a tensor that is not float32");
        } else {
            parts[0].count = n;
        }
        const std::uint32_t alphabet = (1U << split.symbol_bits()) + (zeros ? 2 : 0);
        const Span<std::uint8_t> ranks = work.ranks.get(n);
        std::size_t at = 0, zero_ordinary = 0, zero_exact = 0;
        for (std::size_t label = 0; label < 256; ++label) {
            ClassPart& part = parts[label];
            if (part.count == 0) continue;
            read_symbols(reader, part, ranks.subspan(at, part.count), alphabet);
            at += part.count;
            if (!zeros) continue;
            std::size_t count = 0;
            for (std::size_t i = 0; i < part.count; ++i) count += part.symbol(i) >= alphabet - 2;
            (label >= exact_row ? zero_exact : zero_ordinary) += count;
        }

        const std::size_t stored = n - exact - zero_ordinary, exact_stored = exact - zero_exact;
        const unsigned dropped = std::min(exact_row_bits, split.shift);
        const unsigned exact_bits = split.remainder_bits() - dropped;
        const unsigned exact_planes = (exact_bits + 7) / 8;
        ConstPlanePointers<Word> plane{}, exact_plane{};
        for (unsigned p = 0; p < split.planes() && n > exact; ++p) {
            plane[p] = read_byte_part(reader, stored, split.plane_width(p), tables, work.plane[p]).data();
        }
        // Exact rows are float32: at most two planes beside the three or four of the others.
        Bytes exact_bytes(exact_planes * exact_stored);
        for (unsigned p = 0; p < exact_planes && exact > 0; ++p) {
            const unsigned width = p + 1 < exact_planes ? 8 : exact_bits - 8 * (exact_planes - 1);
            const ByteSpan read = read_byte_part(reader, exact_stored, width, tables, work.scratch);
            std::copy(read.begin(), read.end(),
                      exact_bytes.begin() + static_cast<std::ptrdiff_t>(p * exact_stored));
            exact_plane[p] = exact_bytes.data() + p * exact_stored;
        }

        std::size_t plane_at = 0, exact_at = 0;
        alignas(64) Word words[chunk];
        for (std::size_t row = 0; row < rows; ++row) {
            const std::uint8_t label = classed ? labels[row] : std::uint8_t{0};
            ClassPart& part = parts[label];
            for (std::size_t done = 0; done < run; done += chunk) {
                const std::size_t count = std::min(chunk, run - done);
                if (label >= exact_row) {
                    for (std::size_t i = 0; i < count; ++i) {
                        const unsigned symbol = part.symbol(part.used + i);
                        if (zeros && symbol >= alphabet - 2) {
                            words[i] = zero_word<Word>(symbol == alphabet - 1);
                            continue;
                        }
                        Word r = 0;
                        for (unsigned p = 0; p < exact_planes; ++p)
                            r = static_cast<Word>(r | Word(exact_plane[p][exact_at]) << 8 * p);
                        ++exact_at;
                        words[i] = split.merge(symbol, static_cast<Word>(r << dropped));
                    }
                } else if (zeros || !part.symbols.empty()) {
                    for (std::size_t i = 0; i < count; ++i) {
                        const unsigned symbol = part.symbol(part.used + i);
                        if (zeros && symbol >= alphabet - 2) {
                            words[i] = zero_word<Word>(symbol == alphabet - 1);
                            continue;
                        }
                        Word r = 0;
                        for (unsigned p = 0; p < split.planes(); ++p)
                            r = static_cast<Word>(r | Word(plane[p][plane_at]) << 8 * p);
                        ++plane_at;
                        words[i] = split.merge(symbol, r);
                    }
                } else {
                    ConstPlanePointers<Word> here{};
                    for (unsigned p = 0; p < split.planes(); ++p) here[p] = plane[p] + plane_at;
                    const Span<Word> merged(words, count);
                    if (part.map.empty()) {
                        merge_ranks(split, part.ranks + part.used, part.lo, here, merged);
                    } else {
                        merge_ranks(split, part.ranks + part.used, part.map.data(), here, merged);
                    }
                    plane_at += count;
                }
                store_words(words, count, out.data() + (row * run + done) * sizeof(Word));
                part.used += count;
            }
        }
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
