// Lossless tensors, encoder: looks at a tensor once or twice, decides, then codes its blocks in any order.
//
// Floats of 16 bits and more are split (coding/float_split.hpp); everything else is coded by bytes. Three
// levels: fast decides block by block; default builds tables for the whole tensor, gives the top two mantissa
// bits to the symbol where that pays, sorts the rows of matrices into classes of equal mean exponent with a
// table each, and keeps float32 rows that were float16 apart; max tries more of all. Every decision is made
// in integers: the bytes depend on the input and the level alone. Source: ZipNN (arXiv:2411.05239), DFloat11
// (arXiv:2504.11651) for exponents; the rest is ours.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <mutex>
#include <numeric>
#include <optional>
#include <tuple>
#include <utility>
#include <vector>

#include "fewbits/coding/byte_part.hpp"
#include "fewbits/coding/float_split.hpp"
#include "fewbits/coding/tensor_layout.hpp"
#include "fewbits/core/checksum.hpp"
#include "fewbits/core/fixed_log.hpp"
#include "fewbits/core/isa.hpp"
#include "fewbits/core/memory.hpp"
#include "fewbits/core/parallel.hpp"
#include "fewbits/core/span.hpp"

namespace fewbits {
inline namespace FEWBITS_ISA {
namespace coding {

enum class Level { fast, default_, max };

struct TensorOptions {
    Level level = Level::default_;
    ByteSpan base;    // bytes of a tensor of the same shape and dtype, or empty: code the difference
    int threads = 1;  // 0: all
};

class TensorEncoder {
public:
    // `data` (and options.base) must outlive the encoder.
    TensorEncoder(ByteSpan data, TensorShape shape, const TensorOptions& options)
        : data_(data), shape_(std::move(shape)), options_(options) {
        FEWBITS_REQUIRE(data.size() == shape_.nbytes(),
                        "TensorEncoder: data has the wrong size for its shape");
        FEWBITS_REQUIRE(options.base.empty() || options.base.size() == data.size(),
                        "TensorEncoder: base has the wrong size");
        options_.threads = resolve_threads(options.threads);
        if (!options_.base.empty()) {
            Bytes hash;
            append_le(hash, xxh64(options_.base));
            pipeline_.push_back({StageId::xor_base, std::move(hash)});
        }
        bool split = false;
        switch (shape_.elements == 0                          ? 0
                : dtype_info(shape_.dtype).mantissa_bits == 0 ? 0
                                                              : shape_.itemsize) {
            case 2:
                split = plan_float<std::uint16_t>();
                break;
            case 4:
                split = plan_float<std::uint32_t>();
                break;
            case 8:
                split = plan_float<std::uint64_t>();
                break;
            default:
                break;
        }
        if (!split) {
            pipeline_.push_back({shape_.itemsize == 1 ? StageId::plain : StageId::byte_planes, {}});
            if (options_.level != Level::fast) plan_planes();
        }
        if (data.size() <= small_tensor && shape_.elements > 0) keep_if_smaller_than_plain();
    }

    const TensorShape& shape() const { return shape_; }
    const std::vector<Stage>& pipeline() const { return pipeline_; }
    // Tables that every block refers to, to be stored once; their numbers are given to encode_block.
    std::vector<StaticTable> tables() const {
        std::vector<StaticTable> all;
        for (const SymbolCoder& coder : coders_) all.push_back(coder.table());
        return all;
    }
    std::uint64_t blocks() const { return shape_.blocks(); }
    std::uint64_t block_elements(std::uint64_t block) const {
        return std::min(shape_.block_elements(), shape_.elements - block * shape_.block_elements());
    }

    struct Workspace {
        ByteBuffer ranks, planes, bytes;
        PartScratch scratch;
    };

    // Codes one block into `out`, whose room is used again; `first_table` is the number that the first of
    // tables() got. Thread-safe.
    void encode_block(std::uint64_t block, std::uint32_t first_table, Workspace& work, Bytes& out) const {
        out.clear();
        const std::uint64_t begin = block * shape_.block_elements();
        const std::size_t n = static_cast<std::size_t>(block_elements(block));
        out.reserve(n * shape_.itemsize + n / 64 + 256);
        if (pipeline_.back().id == StageId::plain) {
            const std::uint8_t coder = coder_of_class_.empty() ? no_coder : coder_of_class_[0];
            append_byte_part(out, block_bytes(begin, n, work.bytes), 8, work.scratch,
                             coder == no_coder ? nullptr : &coders_[coder], first_table + coder, adaptive());
        } else if (pipeline_.back().id == StageId::byte_planes) {
            encode_planes(out, begin, n, first_table, work);
        } else if (shape_.itemsize == 2) {
            encode_float<std::uint16_t>(out, begin, n, first_table, work);
        } else if (shape_.itemsize == 4) {
            encode_float<std::uint32_t>(out, begin, n, first_table, work);
        } else {
            encode_float<std::uint64_t>(out, begin, n, first_table, work);
        }
    }

private:
    // Whether models that learn are tried: they take ten times as long.
    bool adaptive() const { return options_.level == Level::max; }

    static constexpr std::size_t chunk = 4096;  // words at a time: the copy stays in the first-level cache
    static constexpr std::uint8_t no_coder = 255;
    // Parts of this many symbols are given 32 lanes, which vectors decode, whatever they shrink to.
    static constexpr std::size_t vector_part = std::size_t{1} << 14;
    static constexpr std::size_t small_tensor = std::size_t{1} << 16;  // bytes
    static constexpr std::uint64_t sample_elements = std::uint64_t{1} << 19;

    // Noise grows by what the parts and tables of a pipeline take: it is stored as one part instead.
    void use_plain() {
        pipeline_.back() = {StageId::plain, {}};
        coders_.clear();
        coder_of_class_.clear();
        class_of_row_.clear();
        zeros_ = false;
    }
    // Small tensors are coded both ways.
    void keep_if_smaller_than_plain() {
        Workspace work;
        std::size_t size = 0;
        Bytes coded;
        for (std::uint64_t block = 0; block < blocks(); ++block) {
            encode_block(block, 0, work, coded);
            size += coded.size();
        }
        Bytes wire;
        for (const SymbolCoder& coder : coders_) coder.table().append_to(wire);
        Bytes plain;
        append_byte_part(plain, block_bytes(0, static_cast<std::size_t>(shape_.elements), work.bytes), 8,
                         work.scratch);
        if (plain.size() <= size + wire.size()) use_plain();
    }
    // Whether a pipeline of this cost saves less than 0.2 % of the tensor.
    bool saves_nothing(std::uint64_t cost_fixed) const {
        return cost_fixed >= (shape_.nbytes() * 8 << log2_fraction_bits) / 1000 * 998;
    }

    // Words of elements [begin, begin + n), n <= chunk, aligned and with the base taken off.
    template <class Word>
    void fetch(std::uint64_t begin, std::size_t n, Word* words) const {
        const std::uint8_t* bytes = data_.data() + begin * sizeof(Word);
        if constexpr (host_is_little_endian()) {
            std::memcpy(words, bytes, n * sizeof(Word));
        } else {
            for (std::size_t i = 0; i < n; ++i) words[i] = load_le<Word>(bytes + i * sizeof(Word));
        }
        if (!options_.base.empty()) {
            const std::uint8_t* base = options_.base.data() + begin * sizeof(Word);
            for (std::size_t i = 0; i < n; ++i) {
                words[i] = static_cast<Word>(words[i] ^ load_le<Word>(base + i * sizeof(Word)));
            }
        }
    }
    template <class Word, class Body>
    void for_chunks(std::uint64_t begin, std::uint64_t n, Body body) const {
        alignas(64) Word words[chunk];
        for (std::uint64_t done = 0; done < n; done += chunk) {
            const std::size_t count = static_cast<std::size_t>(std::min<std::uint64_t>(chunk, n - done));
            fetch(begin + done, count, words);
            const std::uint64_t next = std::min<std::uint64_t>(chunk, n - done - count) * sizeof(Word);
            for (std::uint64_t line = 0; line < next; line += 64)
                prefetch(data_.data() + (begin + done + count) * sizeof(Word) + line);
            body(Span<const Word>(words, count), done);
        }
    }
    template <class Word>
    static bool is_zero(Word word) {
        return static_cast<Word>(word << 1) == 0;
    }

    // ---- planning ---------------------------------------------------------------------------------------

    // Where one group of rows, or the whole tensor, has its counts: symbols at the finest split, then the
    // zeros.
    struct Histograms {
        std::size_t groups;
        unsigned base;     // symbol of the first count; a multiple of 2^j at the finest j
        std::size_t size;  // counts of a group, the two zeros behind the symbols
        std::vector<std::uint64_t> counts;
        Histograms(std::size_t group_count, unsigned first, std::size_t symbols)
            : groups(group_count), base(first), size(symbols + 2), counts(groups * size) {}
        Span<const std::uint64_t> group(std::size_t g) const { return {counts.data() + g * size, size}; }
    };

    // Counts of symbols with j mantissa bits from counts with `finest`; the two zero symbols stay behind
    // them.
    template <class Count>
    static std::vector<Count> fold(Span<const Count> counts, unsigned drop) {
        const std::size_t symbols = counts.size() - 2;
        std::vector<Count> folded((symbols >> drop) + 2);
        for (std::size_t i = 0; i < symbols; ++i) folded[i >> drop] += counts[i];
        folded[symbols >> drop] = counts[symbols];
        folded[(symbols >> drop) + 1] = counts[symbols + 1];
        return folded;
    }

    // What one pass over everything tells of the tensor's rows, or of the whole where rows are no matter.
    struct Scan {
        std::vector<std::uint64_t> exponents;        // sum over the row; the top bit marks an exact row
        std::vector<std::uint32_t> lowest, highest;  // words without sign, the smallest and the largest
        static constexpr std::uint64_t exact = std::uint64_t{1} << 63;
    };

    // Runs of the scan: rows, or pieces of a tensor whose rows are not classed.
    std::uint64_t run_length(bool rows) const { return rows ? shape_.row_length : shape_.block_elements(); }

    template <class Word>
    Scan scan_rows(unsigned mantissa_bits, bool rows) const {
        const std::uint64_t length = run_length(rows);
        const std::size_t count = static_cast<std::size_t>((shape_.elements + length - 1) / length);
        Scan scan{std::vector<std::uint64_t>(count), std::vector<std::uint32_t>(count),
                  std::vector<std::uint32_t>(count)};
        const std::size_t step = static_cast<std::size_t>(std::max<std::uint64_t>(1, (1U << 16) / length));
        parallel_for(count, step, options_.threads, [&](std::size_t first, std::size_t last) {
            for (std::size_t row = first; row < last; ++row) {
                std::uint64_t sum = 0;
                Word all = 0, lowest = static_cast<Word>(~Word{0}), highest = 0;
                const std::uint64_t begin = row * length;
                for_chunks<Word>(begin, std::min(length, shape_.elements - begin),
                                 [&](Span<const Word> words, std::uint64_t) {
                                     std::uint32_t part = 0;
                                     Word any = 0, low = static_cast<Word>(~Word{0}), high = 0;
                                     for (const Word word : words) {
                                         const Word magnitude =
                                             static_cast<Word>(static_cast<Word>(word << 1) >> 1);
                                         part += static_cast<std::uint32_t>(magnitude >> mantissa_bits);
                                         any = static_cast<Word>(any | word);
                                         low = magnitude < low ? magnitude : low;
                                         high = magnitude > high ? magnitude : high;
                                     }
                                     sum += part;
                                     all = static_cast<Word>(all | any);
                                     lowest = std::min(lowest, low);
                                     highest = std::max(highest, high);
                                 });
                const bool is_exact = sizeof(Word) == 4 && (all & ((1U << exact_row_bits) - 1)) == 0;
                scan.exponents[row] = sum | (is_exact ? Scan::exact : 0);
                // The top 32 bits hold every symbol.
                constexpr unsigned down = sizeof(Word) == 8 ? 32 : 0;
                scan.lowest[row] = static_cast<std::uint32_t>(lowest >> down);
                scan.highest[row] = static_cast<std::uint32_t>(highest >> down);
            }
        });
        return scan;
    }

    // Groups of about as many rows each, in the order of their mean exponents; exact rows come apart.
    struct RowGroups {
        std::size_t ordinary = 1, exact = 0;
        std::vector<std::uint8_t> of_row;  // empty: one group
        std::size_t size() const { return ordinary + exact; }
    };

    RowGroups group_rows(const Scan& scan) const {
        const std::uint64_t row_length = shape_.row_length;
        const std::vector<std::uint64_t>& key = scan.exponents;
        const std::size_t rows = key.size();
        std::vector<std::uint32_t> order(rows);
        std::iota(order.begin(), order.end(), 0U);
        std::sort(order.begin(), order.end(), [&](std::uint32_t x, std::uint32_t y) {
            return key[x] != key[y] ? key[x] < key[y] : x < y;
        });
        const auto split = std::partition_point(order.begin(), order.end(),
                                                [&](std::uint32_t row) { return key[row] < Scan::exact; });
        const std::size_t ordinary = static_cast<std::size_t>(split - order.begin());
        // A group of fewer elements could not pay for its table.
        const auto groups_for = [&](std::size_t count, std::size_t most) {
            return std::min({most, count, static_cast<std::size_t>(count * row_length >> 13) + (count > 0)});
        };
        RowGroups groups{groups_for(ordinary, 16), groups_for(rows - ordinary, 4),
                         std::vector<std::uint8_t>(rows)};
        for (std::size_t i = 0; i < rows; ++i) {
            groups.of_row[order[i]] = static_cast<std::uint8_t>(
                i < ordinary ? i * groups.ordinary / ordinary
                             : groups.ordinary + (i - ordinary) * groups.exact / (rows - ordinary));
        }
        return groups;
    }

    // One of `step` numbers, by a multiplicative hash: a regular choice would fall in with the regular order
    // of rows (queries, keys, values in turn).
    static bool is_sampled(std::uint64_t number, std::uint64_t step) {
        return step == 1 || (number * 0x9e3779b97f4a7c15U >> 32) % step == 0;
    }

    // One of `step` pieces of at most `chunk` words of the runs of a block: body(words, run number).
    template <class Word, class Body>
    void for_sample(std::uint64_t block, std::uint64_t length, std::uint64_t step, Body body) const {
        const std::uint64_t begin = block * shape_.block_elements(), n = block_elements(block);
        const std::uint64_t pieces = (length + chunk - 1) / chunk;
        alignas(64) Word words[chunk];
        for (std::uint64_t at = 0; at < n; at += length) {
            const std::uint64_t run = (begin + at) / length, size = std::min(length, n - at);
            for (std::uint64_t piece = 0; piece * chunk < size; ++piece) {
                if (!is_sampled(run * pieces + piece, step)) continue;
                const std::size_t count =
                    static_cast<std::size_t>(std::min<std::uint64_t>(chunk, size - piece * chunk));
                fetch(begin + at + piece * chunk, count, words);
                body(Span<const Word>(words, count), static_cast<std::size_t>(run));
            }
        }
    }

    // Counts symbols with `finest` mantissa bits by group, in one of `step` pieces and times `step`; adds to
    // block_cost[j] the ideal cost of block j-splits coded with tables of their own. `result` has room for
    // the symbols that occur: where these are at most 256, bytes are counted, which is four times as fast.
    template <class Word>
    void count_symbols(const FloatSplit<Word>& finest, const RowGroups& groups, std::uint64_t step,
                       bool narrow, Histograms& result, Span<std::uint64_t> block_cost) const {
        const std::uint64_t length = run_length(!groups.of_row.empty());
        const auto group_of = [&](std::size_t run) {
            return groups.of_row.empty() ? std::size_t{0} : groups.of_row[run];
        };
        std::mutex mutex;
        parallel_for(
            static_cast<std::size_t>(shape_.blocks()), 1, options_.threads,
            [&](std::size_t block, std::size_t) {
                Histograms part(result.groups, result.base, result.size - 2);
                if (narrow) {
                    // Bytes gathered by group, then counted at once.
                    std::vector<std::size_t> fill(groups.size() + 1);
                    for_sample<Word>(block, length, step, [&](Span<const Word> words, std::size_t run) {
                        fill[group_of(run) + 1] += words.size();
                    });
                    std::partial_sum(fill.begin(), fill.end(), fill.begin());
                    const std::vector<std::size_t> begin = fill;
                    Bytes ranks(fill.back());
                    for_sample<Word>(block, length, step, [&](Span<const Word> words, std::size_t run) {
                        std::size_t& at = fill[group_of(run)];
                        split_ranks(finest, words, part.base, ranks.data() + at);
                        at += words.size();
                    });
                    for (std::size_t g = 0; g < groups.size(); ++g) {
                        detail::ByteCounts counts{};
                        histogram(ByteSpan(ranks).subspan(begin[g], begin[g + 1] - begin[g]),
                                  Span<std::uint32_t>(counts));
                        std::copy_n(counts.begin(), part.size - 2,
                                    part.counts.begin() + static_cast<std::ptrdiff_t>(g * part.size));
                    }
                } else {
                    for_sample<Word>(block, length, step, [&](Span<const Word> words, std::size_t run) {
                        std::uint64_t* counts = part.counts.data() + group_of(run) * part.size;
                        for (const Word word : words) ++counts[symbol_with_zeros(finest, word)];
                    });
                }
                std::vector<std::uint64_t> whole(part.size);
                for (std::size_t g = 0; g < part.groups; ++g) {
                    for (std::size_t i = 0; i < part.size; ++i)
                        whole[i] += part.counts[g * part.size + i] *= step;
                }
                std::vector<std::uint64_t> costs(block_cost.size());
                for (std::size_t j = 0; j < costs.size(); ++j) {
                    const auto folded =
                        fold(Span<const std::uint64_t>(whole), static_cast<unsigned>(costs.size() - 1 - j));
                    // A small sample looks more regular than it is: (used - 1) / (2 ln 2) bits by Miller and
                    // Madow.
                    const std::uint64_t bias = step == 1 ? 0 : used_symbols(folded) * step * 47274;
                    costs[j] = entropy_bits_fixed(Span<const std::uint64_t>(folded)) + bias +
                               table_side_cost(folded);
                }
                const std::lock_guard<std::mutex> lock(mutex);
                for (std::size_t i = 0; i < part.counts.size(); ++i) result.counts[i] += part.counts[i];
                for (std::size_t j = 0; j < costs.size(); ++j) block_cost[j] += costs[j];
            });
    }

    // What a table and the states of its stream take: about 9 bits a used symbol, 80 bytes.
    template <class Count>
    static std::uint64_t table_side_cost(const std::vector<Count>& counts) {
        std::uint64_t used = 0;
        for (Count count : counts) used += count > 0;
        return (used * 9 + 640) << log2_fraction_bits;
    }
    template <class Count>
    static std::size_t used_symbols(const std::vector<Count>& counts) {
        std::size_t used = 0;
        for (Count count : counts) used += count > 0;
        return used;
    }

    template <class Word>
    unsigned symbol_with_zeros(const FloatSplit<Word>& split, Word word) const {
        if (zeros_ && is_zero(word)) return (1U << split.symbol_bits()) + (word != 0);
        return split.symbol(word);
    }

    // Decides the split. False where no split has at most 256 symbols: the tensor is then coded by bytes.
    template <class Word>
    bool plan_float() {
        const unsigned mantissa_bits = dtype_info(shape_.dtype).mantissa_bits;
        zeros_ = many_zeros<Word>();
        const bool byte_symbols = FloatSplit<Word>(mantissa_bits, 0).symbol_bits() <= 8;
        if (options_.level == Level::fast && byte_symbols && !zeros_) {
            // The finest split whose symbols are bytes; blocks bring their own tables.
            const unsigned j = shape_.dtype == Dtype::float16 ? 3 : 0;
            set_split(j, 0);
            return true;
        }
        // Symbols have at most 15 bits: the decoder keeps them, and the two zeros, in 16.
        const unsigned max_j = std::min(5U, 15U - FloatSplit<Word>(mantissa_bits, 0).symbol_bits());
        const unsigned finest_j = options_.level == Level::max     ? max_j
                                  : shape_.dtype == Dtype::float16 ? 3
                                                                   : 2;
        const FloatSplit<Word> finest(mantissa_bits, finest_j);
        const bool rows = options_.level != Level::fast && shape_.row_length >= 64 &&
                          shape_.row_length <= default_block_elements && shape_.dims[0] >= 16 &&
                          sizeof(Word) <= 4;
        const Scan scan = scan_rows<Word>(mantissa_bits, rows);
        const RowGroups row_groups = rows ? group_rows(scan) : RowGroups{};
        const std::size_t ordinary = row_groups.ordinary, exact = row_groups.exact,
                          groups = row_groups.size();
        // Large tensors are counted on a sample, level max apart; what the sample misses gets a count of one.
        constexpr unsigned down = sizeof(Word) == 8 ? 32 : 0;
        const auto symbol = [&](std::uint32_t magnitude) {
            return static_cast<unsigned>((std::uint64_t{magnitude} << down) >> finest.shift);
        };
        const unsigned lowest = symbol(*std::min_element(scan.lowest.begin(), scan.lowest.end()));
        const unsigned highest = symbol(*std::max_element(scan.highest.begin(), scan.highest.end()));
        const bool narrow = !zeros_ && highest - (lowest >> finest_j << finest_j) < 256;
        const std::uint64_t step = narrow && options_.level != Level::max
                                       ? std::max<std::uint64_t>(1, shape_.elements / sample_elements)
                                       : 1;
        std::vector<std::uint64_t> block_cost(finest_j + 1);
        const unsigned base = narrow ? lowest >> finest_j << finest_j : 0;
        // Whole multiples of what one symbol of the coarsest split covers: fold() needs them.
        const unsigned covered = ((highest - base) >> finest_j << finest_j) + (1U << finest_j);
        Histograms counts(groups, base, narrow ? covered : std::size_t{1} << finest.symbol_bits());
        count_symbols(finest, row_groups, step, narrow, counts, Span<std::uint64_t>(block_cost));
        std::array<std::uint64_t, 32> exact_elements{};  // by group, of which there are at most 20
        for (std::size_t row = 0; row < scan.lowest.size(); ++row) {
            const std::size_t g = row_groups.of_row.empty() ? 0 : row_groups.of_row[row];
            if (g >= ordinary) exact_elements[g] += shape_.row_length;
            for (unsigned s = symbol(scan.lowest[row]); step > 1 && s <= symbol(scan.highest[row]); ++s) {
                std::uint64_t& count = counts.counts[g * counts.size + s - base];
                count = std::max<std::uint64_t>(count, 1);
            }
        }

        struct Choice {
            std::uint64_t cost = ~std::uint64_t{0};
            unsigned j = 0;
            std::size_t ordinary = 0, exact = 0;  // classes; both 0: tables in the blocks
        } best;
        const auto consider = [&best](const Choice& choice, std::uint64_t margin_fixed) {
            if (choice.cost < best.cost - (best.cost == ~std::uint64_t{0} ? 0 : margin_fixed)) best = choice;
        };
        std::uint64_t zeros = 0;
        for (std::size_t g = 0; g < groups; ++g)
            zeros += counts.group(g)[counts.size - 2] + counts.group(g)[counts.size - 1];
        for (unsigned j = 0; j <= finest_j; ++j) {
            const std::uint64_t remainder = ((shape_.elements - zeros) * (mantissa_bits - j + 1))
                                            << log2_fraction_bits;
            const std::uint64_t margin = remainder / 2000;  // 0.05 %: not worth slower decoding
            for (std::size_t classes : {1, 2, 4, 8, 16}) {
                // Streams of fewer than 2^15 symbols are decoded less quickly.
                if (classes > 1 && (classes > ordinary ||
                                    (options_.level != Level::max && classes << 15 > block_elements(0))))
                    continue;
                Choice choice{remainder, j, ordinary > 0 ? classes : 0, std::min(classes, exact)};
                bool valid = true;
                for (const auto& merged :
                     merge_groups(counts, ordinary, exact, choice.ordinary, choice.exact)) {
                    const auto folded = fold(Span<const std::uint64_t>(merged), finest_j - j);
                    valid = valid && used_symbols(folded) <= 256;
                    choice.cost +=
                        entropy_bits_fixed(Span<const std::uint64_t>(folded)) + table_side_cost(folded);
                }
                for (std::size_t g = ordinary; g < groups; ++g) {
                    choice.cost -= (exact_elements[g] * std::min(exact_row_bits, mantissa_bits - j))
                                   << log2_fraction_bits;
                }
                if (classes > 1)
                    choice.cost += (shape_.dims[0] * std::uint64_t{bit_length(classes - 1)})
                                   << log2_fraction_bits;
                // Every class more makes the streams shorter and their decoding slower.
                if (valid) consider(choice, classes > 1 ? margin : 0);
            }
            if (exact == 0) {
                const auto all = merge_groups(counts, ordinary, 0, 1, 0);
                // Blocks of their own tables: worth it above 0.2 % of the whole.
                const Choice choice{remainder + block_cost[j], j, 0, 0};
                if (used_symbols(fold(Span<const std::uint64_t>(all[0]), finest_j - j)) <= 256)
                    consider(choice, best.cost / 500);
            }
        }
        if (best.cost == ~std::uint64_t{0}) return false;
        if (saves_nothing(best.cost)) {
            pipeline_.push_back({StageId::plain, {}});
            zeros_ = false;
            return true;
        }

        const bool classed = best.ordinary + best.exact > 1 || best.exact > 0;
        if (classed) {
            class_of_row_.resize(row_groups.of_row.size());
            for (std::size_t row = 0; row < row_groups.of_row.size(); ++row) {
                const std::size_t group = row_groups.of_row[row];
                class_of_row_[row] = static_cast<std::uint8_t>(
                    group < ordinary ? group * best.ordinary / ordinary
                                     : exact_row + (group - ordinary) * best.exact / exact);
            }
        }
        coder_of_class_.assign(256, no_coder);
        if (best.ordinary + best.exact > 0) {
            const auto merged = merge_groups(counts, ordinary, exact, best.ordinary, best.exact);
            for (std::size_t c = 0; c < merged.size(); ++c) {
                const auto folded = fold(Span<const std::uint64_t>(merged[c]), finest_j - best.j);
                if (used_symbols(folded) < 2) continue;  // such a part is CONST
                const std::size_t label = c < best.ordinary ? c : exact_row + (c - best.ordinary);
                coder_of_class_[label] = static_cast<std::uint8_t>(coders_.size());
                coders_.push_back(make_coder(Span<const std::uint64_t>(folded),
                                             counts.base >> (finest_j - best.j), best.cost / merged.size(),
                                             options_.level == Level::max ? 5000 : 700));
            }
        }
        set_split(best.j, static_cast<std::uint8_t>((zeros_ ? float_split_zero_symbols : 0) |
                                                    (classed ? float_split_row_classes : 0)));
        return true;
    }

    void set_split(unsigned j, std::uint8_t flags) {
        pipeline_.push_back({StageId::float_split, {static_cast<std::uint8_t>(j), flags}});
        j_ = j;
        if (coder_of_class_.empty()) coder_of_class_.assign(256, no_coder);
    }

    // Sums neighbouring groups into the given numbers of classes.
    static std::vector<std::vector<std::uint64_t>> merge_groups(const Histograms& counts,
                                                                std::size_t ordinary, std::size_t exact,
                                                                std::size_t ordinary_classes,
                                                                std::size_t exact_classes) {
        std::vector<std::vector<std::uint64_t>> merged(ordinary_classes + exact_classes,
                                                       std::vector<std::uint64_t>(counts.size));
        for (std::size_t g = 0; g < ordinary + exact; ++g) {
            const std::size_t c = g < ordinary ? g * ordinary_classes / ordinary
                                               : ordinary_classes + (g - ordinary) * exact_classes / exact;
            for (std::size_t s = 0; s < counts.size; ++s) merged[c][s] += counts.group(g)[s];
        }
        return merged;
    }

    // A table at the lowest precision that loses less than 1/share of the given cost, of which it codes a
    // part; above 12 bits decoding is slower.
    static SymbolCoder make_coder(Span<const std::uint64_t> counts, unsigned first, std::uint64_t cost_fixed,
                                  unsigned share) {
        const std::uint64_t ideal = entropy_bits_fixed(counts);
        for (unsigned precision = 12;; ++precision) {
            StaticTable table = StaticTable::from_counts(counts, static_cast<std::int32_t>(first), precision);
            const auto used = counts.subspan(static_cast<std::size_t>(table.lo()) - first, table.span());
            if (precision == 14 || table_cost_fixed(table, used) - ideal < cost_fixed / share)
                return SymbolCoder(std::move(table));
        }
    }

    // More than 3 % zeros in a sample of the tensor.
    template <class Word>
    bool many_zeros() const {
        constexpr std::uint64_t run = 1024, runs = 64;
        std::uint64_t zeros = 0, seen = 0;
        Word words[run];
        const std::uint64_t step = std::max(run, shape_.elements / runs);
        for (std::uint64_t at = 0; at < shape_.elements; at += step) {
            const std::size_t n = static_cast<std::size_t>(std::min(run, shape_.elements - at));
            fetch(at, n, words);
            for (std::size_t i = 0; i < n; ++i) zeros += is_zero(words[i]);
            seen += n;
        }
        return zeros * 100 > seen * 3;
    }

    // A table for each byte plane that is worth one.
    void plan_planes() {
        const std::size_t planes = shape_.itemsize;
        coder_of_class_.assign(planes, no_coder);
        if (shape_.elements < 4096) return;  // tables in the one block
        std::vector<std::array<std::uint64_t, 256>> counts(planes);
        std::mutex mutex;
        parallel_for(static_cast<std::size_t>(shape_.blocks()), 1, options_.threads,
                     [&](std::size_t first, std::size_t last) {
                         ByteBuffer bytes, plane;
                         for (std::size_t block = first; block < last; ++block) {
                             const std::size_t n = static_cast<std::size_t>(block_elements(block));
                             const ByteSpan data = block_bytes(block * shape_.block_elements(), n, bytes);
                             for (std::size_t p = 0; p < planes; ++p) {
                                 detail::ByteCounts part{};
                                 histogram(plane_bytes(data, p, n, plane), Span<std::uint32_t>(part));
                                 const std::lock_guard<std::mutex> lock(mutex);
                                 for (std::size_t s = 0; s < 256; ++s) counts[p][s] += part[s];
                             }
                         }
                     });
        std::uint64_t cost = 0;
        for (std::size_t p = 0; p < planes; ++p) {
            const Span<const std::uint64_t> plane(counts[p]);
            const std::uint64_t ideal = entropy_bits_fixed(plane);
            cost += ideal;
            const std::vector<std::uint64_t> used(plane.begin(), plane.end());
            if (used_symbols(used) < 2 ||
                !detail::worth_coding(ideal + table_side_cost(used),
                                      static_cast<std::size_t>(shape_.elements), 8)) {
                continue;
            }
            coder_of_class_[p] = static_cast<std::uint8_t>(coders_.size());
            coders_.push_back(make_coder(plane, 0, ideal, 2000));
        }
        if (saves_nothing(cost)) use_plain();
    }

    // ---- coding -----------------------------------------------------------------------------------------

    ByteSpan block_bytes(std::uint64_t begin, std::size_t n, ByteBuffer& buffer) const {
        const std::size_t at = static_cast<std::size_t>(begin * shape_.itemsize), size = n * shape_.itemsize;
        const ByteSpan raw = data_.subspan(at, size);
        if (options_.base.empty()) return raw;
        const Span<std::uint8_t> bytes = buffer.get(size);
        for (std::size_t i = 0; i < size; ++i)
            bytes[i] = static_cast<std::uint8_t>(raw[i] ^ options_.base[at + i]);
        return bytes;
    }
    ByteSpan plane_bytes(ByteSpan data, std::size_t plane, std::size_t n, ByteBuffer& buffer) const {
        const std::size_t stride = shape_.itemsize;
        if (stride == 1) return data;
        const Span<std::uint8_t> bytes = buffer.get(n);
        for (std::size_t i = 0; i < n; ++i) bytes[i] = data[i * stride + plane];
        return bytes;
    }

    void encode_planes(Bytes& out, std::uint64_t begin, std::size_t n, std::uint32_t first_table,
                       Workspace& work) const {
        const ByteSpan data = block_bytes(begin, n, work.bytes);
        for (std::size_t p = 0; p < shape_.itemsize; ++p) {
            const std::uint8_t coder = coder_of_class_.empty() ? no_coder : coder_of_class_[p];
            const ByteSpan plane = plane_bytes(data, p, n, work.planes);
            append_byte_part(out, plane, 8, work.scratch, coder == no_coder ? nullptr : &coders_[coder],
                             first_table + coder, adaptive());
        }
    }

    // One row class of a block: where its ranks are and what they mean.
    struct ClassPart {
        std::size_t count = 0;
        std::uint8_t* ranks = nullptr;
        std::size_t filled = 0;
        std::optional<SymbolCoder> own;  // table of this block
        const SymbolCoder* coder = nullptr;
        unsigned symbol = 0;               // the only one, where coder == nullptr
        bool stored = false;               // packing the ranks takes no more than coding them
        bool late = false;                 // ranks are symbols until the table is made of them, on a sample
        std::uint64_t expected_bytes = 0;  // with `own`
    };

    template <class Word>
    void encode_float(Bytes& out, std::uint64_t begin, std::size_t n, std::uint32_t first_table,
                      Workspace& work) const {
        const FloatSplit<Word> split(dtype_info(shape_.dtype).mantissa_bits, j_);
        const bool classed = !class_of_row_.empty();
        const std::size_t run = classed ? static_cast<std::size_t>(shape_.row_length) : n;
        const std::uint8_t* row_class = classed ? class_of_row_.data() + begin / run : nullptr;
        const std::size_t rows = n / run;

        std::array<ClassPart, 256> parts;
        std::size_t exact = 0;  // elements of exact rows
        for (std::size_t row = 0; row < rows; ++row) {
            const std::uint8_t label = classed ? row_class[row] : std::uint8_t{0};
            parts[label].count += run;
            if (label >= exact_row) exact += run;
        }
        if (classed) append_byte_part(out, ByteSpan(row_class, rows), 8, work.scratch);

        const Span<std::uint8_t> ranks = work.ranks.get(n);
        std::size_t at = 0;
        for (std::size_t label = 0; label < 256; ++label) {
            ClassPart& part = parts[label];
            if (part.count == 0) continue;
            part.ranks = ranks.data() + at;
            at += part.count;
            if (coder_of_class_[label] != no_coder) {
                part.coder = &coders_[coder_of_class_[label]];
            } else if (split.symbol_bits() <= 8 && !zeros_ && !classed) {
                part.late = true;
            } else {
                prepare_own_table(split, begin, n, part, static_cast<std::uint8_t>(label), row_class, run);
            }
        }

        // Planes of ordinary rows, then those of exact rows (whose low bits are not stored).
        const std::size_t ordinary = n - exact;
        const unsigned planes = split.planes();
        const unsigned dropped = std::min(exact_row_bits, split.shift);
        const unsigned exact_bits = split.remainder_bits() - dropped;
        const unsigned exact_planes = (exact_bits + 7) / 8;
        const Span<std::uint8_t> buffer = work.planes.get(planes * ordinary + exact_planes * exact);
        PlanePointers<Word> plane{}, exact_plane{};
        for (unsigned p = 0; p < planes; ++p) plane[p] = buffer.data() + p * ordinary;
        for (unsigned p = 0; p < exact_planes; ++p)
            exact_plane[p] = buffer.data() + planes * ordinary + p * exact;
        std::size_t plane_at = 0, exact_at = 0;
        for (std::size_t row = 0; row < rows; ++row) {
            const std::uint8_t label = classed ? row_class[row] : std::uint8_t{0};
            ClassPart& part = parts[label];
            for_chunks<Word>(begin + row * run, run, [&](Span<const Word> words, std::uint64_t) {
                std::uint8_t* to = part.ranks + part.filled;
                part.filled += words.size();
                if (zeros_) {
                    for (std::size_t i = 0; i < words.size(); ++i)
                        to[i] = rank_of(part, symbol_with_zeros(split, words[i]));
                } else if (part.late) {
                    split_ranks(split, words, 0U, to);
                } else if (part.coder == nullptr) {
                    // All symbols of the class are equal: the ranks are not used.
                } else if (part.coder->offsets()) {
                    split_ranks(split, words, part.coder->lo(), to);
                } else {
                    split_ranks(split, words, part.coder->rank_of_symbol(), to);
                }
                if (label >= exact_row) {
                    for (const Word word : words) {
                        if (zeros_ && is_zero(word)) continue;
                        const Word r = static_cast<Word>(split.remainder(word) >> dropped);
                        for (unsigned p = 0; p < exact_planes; ++p)
                            exact_plane[p][exact_at] = static_cast<std::uint8_t>(r >> 8 * p);
                        ++exact_at;
                    }
                } else if (zeros_) {
                    for (const Word word : words) {
                        if (is_zero(word)) continue;
                        const Word r = split.remainder(word);
                        for (unsigned p = 0; p < planes; ++p)
                            plane[p][plane_at] = static_cast<std::uint8_t>(r >> 8 * p);
                        ++plane_at;
                    }
                } else {
                    PlanePointers<Word> here{};
                    for (unsigned p = 0; p < planes; ++p) here[p] = plane[p] + plane_at;
                    split_remainders(split, words, here);
                    plane_at += words.size();
                }
            });
        }

        for (std::size_t label = 0; label < 256; ++label) {
            ClassPart& part = parts[label];
            if (part.count == 0) continue;
            if (part.late) make_late_table(part);
            append_symbol_part(out, part, coder_of_class_[label], first_table, work.scratch.block);
        }
        for (unsigned p = 0; p < planes && ordinary > 0; ++p) {
            append_byte_part(out, ByteSpan(plane[p], plane_at), split.plane_width(p), work.scratch, nullptr,
                             0, adaptive());
        }
        for (unsigned p = 0; p < exact_planes && exact > 0; ++p) {
            const unsigned width = p + 1 < exact_planes ? 8 : exact_bits - 8 * (exact_planes - 1);
            append_byte_part(out, ByteSpan(exact_plane[p], exact_at), width, work.scratch, nullptr, 0,
                             adaptive());
        }
    }

    static std::uint8_t rank_of(const ClassPart& part, unsigned symbol) {
        if (part.coder == nullptr) return 0;
        return part.coder->offsets() ? static_cast<std::uint8_t>(symbol - part.coder->lo())
                                     : part.coder->rank_of_symbol()[symbol];
    }

    // The table of symbols that are still in the place of their ranks.
    static void make_late_table(ClassPart& part) {
        const Span<std::uint8_t> ranks(part.ranks, part.count);
        detail::ByteCounts counts{};
        count_block_symbols(ranks, Span<std::uint32_t>(counts));
        const std::vector<std::uint64_t> wide(counts.begin(), counts.end());
        make_own_table(Span<const std::uint64_t>(wide), part);
        if (part.coder == nullptr) return;
        const unsigned lo = part.coder->lo();
        for (std::uint8_t& rank : ranks) rank = static_cast<std::uint8_t>(rank - lo);
    }

    // Counts of a quarter of a large block; every symbol between the extremes of all of it counts at least
    // once.
    static void count_block_symbols(ByteSpan symbols, Span<std::uint32_t> counts) {
        if (symbols.size() < (std::size_t{1} << 16)) return histogram(symbols, counts);
        std::uint8_t lo = 255, hi = 0;
        for (const std::uint8_t symbol : symbols) {
            lo = symbol < lo ? symbol : lo;
            hi = symbol > hi ? symbol : hi;
        }
        for (std::size_t at = 0; at < symbols.size(); at += chunk) {
            if (!is_sampled(at / chunk, 4)) continue;
            detail::ByteCounts piece{};
            histogram(symbols.subspan(at, std::min(chunk, symbols.size() - at)), Span<std::uint32_t>(piece));
            for (std::size_t s = 0; s < 256; ++s) counts[s] += piece[s];
        }
        for (std::size_t s = lo; s <= hi; ++s) counts[s] = std::max(4 * counts[s], 1U);
    }

    // Counts one class of one block and builds its table; leaves `coder` empty where one symbol is all there
    // is.
    template <class Word>
    void prepare_own_table(const FloatSplit<Word>& split, std::uint64_t begin, std::size_t n, ClassPart& part,
                           std::uint8_t label, const std::uint8_t* row_class, std::size_t run) const {
        std::vector<std::uint64_t> counts((std::size_t{1} << split.symbol_bits()) + 2);
        for (std::size_t at = 0; at < n; at += run) {
            if (row_class != nullptr && row_class[at / run] != label) continue;
            for_chunks<Word>(begin + at, run, [&](Span<const Word> words, std::uint64_t) {
                for (const Word word : words) ++counts[symbol_with_zeros(split, word)];
            });
        }
        make_own_table(Span<const std::uint64_t>(counts), part);
    }

    // The table of one part from the counts of symbols 0, 1, ...
    static void make_own_table(Span<const std::uint64_t> counts, ClassPart& part) {
        std::size_t lo = 0, hi = counts.size() - 1;
        while (counts[lo] == 0) ++lo;
        while (counts[hi] == 0) --hi;
        part.symbol = static_cast<unsigned>(lo);
        if (lo == hi) return;
        const Span<const std::uint64_t> used(counts.data() + lo, hi - lo + 1);
        part.own.emplace(
            StaticTable::from_counts(used, static_cast<std::int32_t>(lo), inline_precision(part.count)));
        part.coder = &*part.own;
        Bytes wire;
        part.own->table().append_to(wire);
        const std::uint64_t coded =
            (table_cost_fixed(part.own->table(), used) >> log2_fraction_bits) + 8 * (wire.size() + 16);
        part.expected_bytes = coded / 8;
        part.stored = part.expected_bytes >= packed_size(part.count, bit_length(used.size() - 1));
    }

    void append_symbol_part(Bytes& out, ClassPart& part, std::uint8_t shared, std::uint32_t first_table,
                            Bytes& block) const {
        block.clear();
        const ByteSpan ranks(part.ranks, part.count);
        if (part.coder == nullptr) {
            append_const_block(block, part.count, part.symbol);
        } else if (std::memcmp(part.ranks, part.ranks + 1, part.count - 1) == 0) {
            append_const_block(block, part.count, part.coder->table().symbol_of_rank(part.ranks[0]));
        } else if (part.stored) {
            const StaticTable& table = part.coder->table();
            BitWriter packed;
            const unsigned width = bit_length(table.span() - 1);
            for (const std::uint8_t rank : ranks)
                packed.put(static_cast<std::uint32_t>(table.symbol_of_rank(rank) - table.lo()), width);
            append_stored_block(block, part.count, table.lo(), width, packed.finish());
        } else {
            append_static_block(block, ranks, part.coder->table(), part.coder->encode_table(),
                                part.own ? std::nullopt : std::optional<std::uint32_t>(first_table + shared),
                                part.count >= vector_part ? 32U : 0U);
            if (part.late && block.size() > part.expected_bytes + part.expected_bytes / 64 + 64) {
                // The sample was not like the rest.
                const std::int32_t lo = part.coder->table().lo();
                detail::ByteCounts counts{};
                histogram(ranks, Span<std::uint32_t>(counts));
                std::vector<std::uint64_t> all(static_cast<std::size_t>(lo));
                all.insert(all.end(), counts.begin(), counts.end());
                part.late = false;
                make_own_table(Span<const std::uint64_t>(all), part);
                return append_symbol_part(out, part, shared, first_table, block);
            }
            if (adaptive()) {
                const StaticTable& table = part.coder->table();
                std::vector<std::int32_t> symbols(part.count);
                for (std::size_t i = 0; i < part.count; ++i) symbols[i] = table.symbol_of_rank(ranks[i]);
                detail::try_adaptive(block, symbols,
                                     {AdaptiveKind::nibble_tree, std::uint32_t(table.lo()) + table.span()});
            }
        }
        append_varint(out, block.size());
        append(out, block);
    }

    ByteSpan data_;
    TensorShape shape_;
    TensorOptions options_;
    std::vector<Stage> pipeline_;
    std::vector<SymbolCoder> coders_;           // the tables of the tensor
    std::vector<std::uint8_t> coder_of_class_;  // index into coders_ by row class or plane, or no_coder
    std::vector<std::uint8_t> class_of_row_;    // empty: no classes
    unsigned j_ = 0;
    bool zeros_ = false;
};

}  // namespace coding
}  // namespace FEWBITS_ISA
}  // namespace fewbits
