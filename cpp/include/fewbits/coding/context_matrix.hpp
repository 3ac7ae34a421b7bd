// Integer matrices (quantised weights) whose spread changes from row to row and from column to column: each
// symbol is coded by one of a few static tables, chosen by the magnitudes before it in its row and its
// column. Nothing about the spreads is sent.
//
// The context of element (i, j), in integers and normative. With a = |code|:
//   m     floor(16 mean(a)), at least 1; sent
//   r     8 m + 16 sum of a over columns 0..j - 1 of row i                   (8 m counts as eight codes)
//   c     8 m + 16 sum of a over column j of the bands before i's; a band is 32 rows
//   both  kept at most at 2^24 - 1: after each code, and after each band
//   L(v)  2^15 log2 v, linear between powers of two (the bits of v as a float, less those of 1.0, over 2^8)
//   class clamp(((L(r) - L(8 + j) + L(c) - L(8 + rows before)) >> 14) - first, 0, classes - 1): the quarter
//         octave of the geometric mean of the two means
// Rows of a band are the lanes of core A32 (coding/rans.hpp): in a band, symbols go column by column and
// within a column row by row, lane i mod 32. So a decoder has 32 independent contexts at a time.
//
// Codes of a trellis (core/trellis.hpp), whose rows start in state 0 each: the parity of a code is that of
// its state, so what is coded is the symbol code >> 1, by one of two tables of its class, that of the parity.
// Without a trellis the symbol is the code.
//
// Payload: log2 of the states u8 (0 without a trellis), m varint, first zigzag, classes u8, tables u8, then
// the table of each class, with a trellis of each class and parity (u8), the tables (precision 12), the 32
// states, the words. Where a table would have a single symbol it gets a neighbour of frequency 1.
//
// Contract: the same bytes on every machine; symbols span at most 256 values; damage to the words is found at
// the end, damage to what stands before them by the checksum of the message around it. Source: spec of ECSQ
// contexts after M. Weinberger, G. Seroussi, G. Sapiro, "LOCO-I" (IEEE TIP 9, 2000), where contexts are local
// gradients; here they are means, as weights have scales by row and column.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "fewbits/coding/detail/rans32_kernels.hpp"
#include "fewbits/coding/rans.hpp"
#include "fewbits/coding/static_table.hpp"
#include "fewbits/core/bits.hpp"
#include "fewbits/core/error.hpp"
#include "fewbits/core/fixed_log.hpp"
#include "fewbits/core/isa.hpp"
#include "fewbits/core/span.hpp"
#include "fewbits/core/trellis.hpp"
#include "fewbits/simd/i32x8.hpp"
#include "fewbits/simd/u32x8.hpp"

namespace fewbits {
inline namespace FEWBITS_ISA {
namespace coding {

inline constexpr std::size_t context_band = 32;
inline constexpr unsigned context_precision = 12;
inline constexpr std::uint32_t max_context_classes = 32;
inline constexpr std::uint32_t max_context_tables = 16;

namespace detail {

inline constexpr std::int32_t context_cap = (1 << 24) - 1;

// L(v) for 1 <= v < 2^24.
FEWBITS_INLINE std::int32_t context_log(std::int32_t v) {
    const unsigned exponent = bit_length(static_cast<std::uint64_t>(v)) - 1;
    const std::uint32_t fraction = (static_cast<std::uint32_t>(v) << (31 - exponent)) & 0x7fffffffU;
    return static_cast<std::int32_t>(exponent << 15 | fraction >> 16);
}

// Symbols and codes; without a trellis they are the same, and every state is 0.
class SymbolMap {
public:
    explicit SymbolMap(unsigned states)
        : trellis_(states == 0 ? Trellis::min_states : states), used_(states != 0) {}
    bool used() const { return used_; }
    unsigned parities() const { return used_ ? 2 : 1; }
    const Trellis& trellis() const { return trellis_; }
    std::int32_t symbol(std::int32_t code) const { return used_ ? code >> 1 : code; }
    std::int32_t code(std::int32_t symbol, std::uint32_t state) const {
        return used_ ? 2 * symbol + static_cast<std::int32_t>(state & 1U) : symbol;
    }
    std::uint32_t next(std::uint32_t state, std::int32_t symbol) const {
        return used_ ? trellis_.next(state, static_cast<std::uint32_t>(symbol) & 1U) : 0;
    }

private:
    Trellis trellis_;
    bool used_;
};

// The running means of a matrix.
class MatrixContext {
public:
    MatrixContext(std::size_t columns, std::uint32_t m)
        : start_(static_cast<std::int32_t>(8 * m)), column_(columns, start_), term_(columns) {
        begin_band(0);
    }
    // What column j adds to L(r) in a band; `first` is taken off.
    void begin_band(std::size_t rows_before, std::int32_t first = 0) {
        row_.fill(start_);
        const std::int32_t count = context_log(static_cast<std::int32_t>(
            std::min<std::size_t>(8 + rows_before, static_cast<std::size_t>(context_cap))));
        for (std::size_t j = 0; j < column_.size(); ++j) {
            term_[j] = context_log(column_[j]) - count -
                       context_log(static_cast<std::int32_t>(
                           std::min<std::size_t>(8 + j, static_cast<std::size_t>(context_cap)))) -
                       first * (1 << 14);
        }
    }
    std::int32_t raw_class(std::size_t lane, std::size_t j) const {
        return (context_log(row_[lane]) + term_[j]) >> 14;
    }
    void update_row(std::size_t lane, std::int32_t magnitude) {
        row_[lane] = std::min(row_[lane] + 16 * magnitude, context_cap);
    }
    // After a band: the sum of its magnitudes in column j.
    void update_column(std::size_t j, std::int32_t sum) {
        column_[j] = std::min(column_[j] + 16 * sum, context_cap);
    }
    std::int32_t* rows() { return row_.data(); }
    std::int32_t term(std::size_t j) const { return term_[j]; }

private:
    std::int32_t start_;
    std::array<std::int32_t, context_band> row_{};
    std::vector<std::int32_t> column_, term_;
};

inline std::int32_t clamp_class(std::int32_t raw, std::uint32_t classes) {
    return std::min(std::max(raw, 0), static_cast<std::int32_t>(classes) - 1);
}

// Calls body(band, rows): rows of the bands from the top.
template <class Body>
void for_bands(std::size_t rows, Body body) {
    for (std::size_t first = 0; first < rows; first += context_band)
        body(first, std::min(context_band, rows - first));
}

inline void check_context_shape(std::size_t size, std::size_t rows, std::size_t columns) {
    FEWBITS_REQUIRE(columns == 0 ? size == 0 : size / columns == rows && size % columns == 0,
                    "context_matrix: codes must have rows * columns elements");
}

// How classes are coded: what is sent before the words.
struct ContextPlan {
    std::int32_t first = 0;
    std::vector<std::uint8_t> table_of_class;
    std::vector<StaticTable> tables;
};

// Neighbouring classes share a table where two would not pay for themselves. Appends at most `most` tables to
// `plan`, and the table of each class to `table_of_class`.
inline void plan_contexts(const std::vector<std::vector<std::uint64_t>>& counts, std::int32_t lo,
                          std::size_t most, ContextPlan& plan, std::vector<std::uint8_t>& table_of_class) {
    struct Group {
        std::size_t begin, end;
        std::vector<std::uint64_t> counts;
        std::uint64_t cost;
    };
    const auto cost_of = [](const std::vector<std::uint64_t>& c) {
        std::uint64_t used = 0;
        for (const std::uint64_t n : c) used += n > 0;
        // About 9 bits a used symbol and two bytes of a table's own.
        return entropy_bits_fixed(Span<const std::uint64_t>(c)) + ((used * 9 + 16) << log2_fraction_bits);
    };
    std::vector<Group> groups;
    for (std::size_t k = 0; k < counts.size(); ++k)
        groups.push_back({k, k + 1, counts[k], cost_of(counts[k])});
    const auto merged = [](const Group& a, const Group& b) {
        std::vector<std::uint64_t> sum = a.counts;
        for (std::size_t i = 0; i < sum.size(); ++i) sum[i] += b.counts[i];
        return sum;
    };
    while (groups.size() > 1) {
        std::size_t best = 0;
        std::int64_t least = std::numeric_limits<std::int64_t>::max();
        for (std::size_t g = 0; g + 1 < groups.size(); ++g) {
            const std::int64_t more = static_cast<std::int64_t>(cost_of(merged(groups[g], groups[g + 1]))) -
                                      static_cast<std::int64_t>(groups[g].cost + groups[g + 1].cost);
            if (more < least) {
                least = more;
                best = g;
            }
        }
        if (least >= 0 && groups.size() <= most) break;
        groups[best].counts = merged(groups[best], groups[best + 1]);
        groups[best].end = groups[best + 1].end;
        groups[best].cost = cost_of(groups[best].counts);
        groups.erase(groups.begin() + static_cast<std::ptrdiff_t>(best) + 1);
    }
    for (Group& group : groups) {
        for (std::size_t k = group.begin; k < group.end; ++k)
            table_of_class.push_back(static_cast<std::uint8_t>(plan.tables.size()));
        // No field of the decoder holds the frequency 2^12 of a lone symbol.
        const auto used =
            std::count_if(group.counts.begin(), group.counts.end(), [](std::uint64_t n) { return n > 0; });
        if (used <= 1) {
            const auto lone = std::max_element(group.counts.begin(), group.counts.end());
            *lone = std::max<std::uint64_t>(*lone, 1) << 16;
            *(lone == group.counts.begin() ? lone + 1 : lone - 1) = 1;
        }
        plan.tables.push_back(
            StaticTable::from_counts(Span<const std::uint64_t>(group.counts), lo, context_precision));
    }
}

// By class and slot: frequency << 20 | offset in symbol << 8 | symbol - lo, as DecodeTable packs them.
inline std::vector<std::uint32_t> context_slots(const ContextPlan& plan, std::int32_t lo) {
    constexpr std::size_t slots = std::size_t{1} << context_precision;
    std::vector<std::uint32_t> entries(plan.table_of_class.size() * slots);
    for (std::size_t k = 0; k < plan.table_of_class.size(); ++k) {
        const StaticTable& table = plan.tables[plan.table_of_class[k]];
        std::uint32_t* const to = entries.data() + k * slots;
        for (std::uint32_t rank = 0; rank < table.ranks(); ++rank) {
            const std::uint32_t start = table.start_of_rank(rank), f = table.frequency_of_rank(rank);
            const auto symbol =
                static_cast<std::uint32_t>(std::int64_t{table.symbol_of_rank(rank)} - std::int64_t{lo});
            for (std::uint32_t i = 0; i < f; ++i) to[start + i] = f << 20 | i << 8 | symbol;
        }
    }
    return entries;
}

// Decodes the codes of a band, column by column: symbol (j, lane) to band[32 j + lane].
class ContextDecoder {
public:
    ContextDecoder(ByteSpan payload, const ContextPlan& plan, std::int32_t lo, const SymbolMap& map)
        : stream_(payload, context_band),
          slots_(context_slots(plan, lo)),
          classes_(static_cast<std::uint32_t>(plan.table_of_class.size()) / map.parities()),
          lo_(lo),
          map_(map) {}

    void band(MatrixContext& context, std::size_t rows, std::size_t columns, std::uint8_t* band) {
        std::size_t j = 0;
        state_.fill(0);
        if (has_vector_kernels && rows == context_band) {
            j = map_.used() ? vector_columns<true>(context, columns, band)
                            : vector_columns<false>(context, columns, band);
        }
        for (; j < columns; ++j) {
            for (std::size_t lane = 0; lane < rows; ++lane) {
                const auto k = static_cast<std::size_t>(clamp_class(context.raw_class(lane, j), classes_));
                std::uint32_t& state = state_[lane];
                const std::uint32_t rank = step(k * map_.parities() + (state & 1U), lane);
                band[context_band * j + lane] = static_cast<std::uint8_t>(rank);
                const std::int32_t symbol = lo_ + static_cast<std::int32_t>(rank);
                context.update_row(lane, std::abs(map_.code(symbol, state)));
                state = map_.next(state, symbol);
            }
        }
    }
    void expect_end() const { stream_.expect_end(context_band); }

private:
    static constexpr std::uint32_t slot_mask = (1U << context_precision) - 1;

    std::uint32_t step(std::size_t k, std::size_t lane) {
        std::uint32_t& state = stream_.states[lane];
        const std::uint32_t entry = slots_[k << context_precision | (state & slot_mask)];
        state = (entry >> 20) * (state >> context_precision) + ((entry >> 8) & 0xfffU);
        if (state < rans32_lower) {
            if (stream_.next == stream_.end) rans32_fail("truncated");
            state = state << 16 | load_le<std::uint16_t>(stream_.next);
            stream_.next += 2;
        }
        return entry & 0xffU;
    }

    // As many columns as a vector loop may take; returns how many.
    template <bool WithTrellis>
    std::size_t vector_columns(MatrixContext& context, std::size_t columns, std::uint8_t* band) {
        using simd::i32x8;
        using simd::u32x8;
        const i32x8 zero = i32x8::broadcast(0), one = i32x8::broadcast(1);
        u32x8 x[4];
        i32x8 r[4], state[4];
        for (std::size_t group = 0; group < 4; ++group) {
            x[group] = u32x8::load(&stream_.states[8 * group]);
            r[group] = i32x8::load(context.rows() + 8 * group);
            state[group] = zero;
        }
        const i32x8 cap = i32x8::broadcast(context_cap), lo = i32x8::broadcast(lo_);
        const i32x8 float_one = i32x8::broadcast(0x3f800000);
        const i32x8 h0 = i32x8::broadcast(static_cast<std::int32_t>(map_.trellis().h0()));
        const i32x8 h1 = i32x8::broadcast(static_cast<std::int32_t>(map_.trellis().h1()));
        const i32x8 last = i32x8::broadcast(static_cast<std::int32_t>(classes_) - 1);
        const u32x8 mask = u32x8::broadcast(slot_mask);
        const std::uint8_t* next = stream_.next;
        std::size_t j = 0;
        for (; j < columns && stream_.end - next >= static_cast<std::ptrdiff_t>(round_bytes); ++j) {
            const i32x8 term = i32x8::broadcast(context.term(j));
            u32x8 entry[4];
            for (std::size_t group = 0; group < 4; ++group) {
                const i32x8 log =
                    simd::shift_right(simd::bit_cast<i32x8>(simd::convert_f32(r[group])) - float_one, 8);
                i32x8 k = min(max(simd::shift_right(log + term, 14), zero), last);
                const i32x8 parity = state[group] & one;
                if constexpr (WithTrellis) k = k + k + parity;
                const u32x8 slot = x[group] & mask;
                entry[group] =
                    lookup(slots_.data(), simd::bit_cast<u32x8>(shift_left(k, context_precision)) | slot);
                const u32x8 offset = simd::shift_right<8>(entry[group]) & u32x8::broadcast(0xfff);
                x[group] =
                    simd::shift_right<20>(entry[group]) * simd::shift_right<context_precision>(x[group]) +
                    offset;
                const simd::mask<8> need = x[group] <= u32x8::broadcast(0xffff);
                const std::uint32_t lanes = bits(need);
                x[group] =
                    shift_left(x[group], keep(need, u32x8::broadcast(16))) | simd::expand_words(next, lanes);
                next += 2 * popcount(lanes);
                i32x8 code = simd::bit_cast<i32x8>(entry[group] & u32x8::broadcast(0xff)) + lo;
                if constexpr (WithTrellis) {
                    state[group] = simd::shift_right(state[group], 1) ^ ((zero - parity) & h0) ^
                                   ((zero - (code & one)) & h1);
                    code = code + code + parity;
                }
                r[group] = min(r[group] + shift_left(abs(code), 4), cap);
            }
            store_low_bytes(band + context_band * j, entry[0], entry[1], entry[2], entry[3]);
        }
        for (std::size_t group = 0; group < 4; ++group) {
            store(x[group], &stream_.states[8 * group]);
            store(r[group], context.rows() + 8 * group);
            std::int32_t lanes[8];
            store(state[group], lanes);
            for (std::size_t lane = 0; lane < 8; ++lane)
                state_[8 * group + lane] = static_cast<std::uint32_t>(lanes[lane]);
        }
        stream_.next = next;
        return j;
    }

    Payload32 stream_;
    std::vector<std::uint32_t> slots_;
    std::uint32_t classes_;
    std::int32_t lo_;
    SymbolMap map_;
    std::array<std::uint32_t, context_band> state_{};
};

inline std::uint32_t context_level(Span<const std::int32_t> codes) {
    std::uint64_t sum = 0;
    for (const std::int32_t code : codes) sum += static_cast<std::uint64_t>(std::abs(std::int64_t{code}));
    const std::uint64_t mean = codes.empty() ? 0 : 16 * sum / codes.size();
    return static_cast<std::uint32_t>(
        std::min<std::uint64_t>(std::max<std::uint64_t>(mean, 1), context_cap / 8));
}

}  // namespace detail

// Whether a matrix of symbols lo..hi can be coded: 256 values at most, none beyond 2^18.
inline bool context_codable(std::int32_t lo, std::int32_t hi) {
    constexpr std::int32_t most = 1 << 18;
    return lo >= -most && hi <= most && hi - lo < 256;
}

// Appends the payload of a matrix in C order. Codes that context_codable refuses, or that leave the trellis,
// are an ArgumentError. `trellis` is 0, or the number of its states.
inline void context_encode(Span<const std::int32_t> codes, std::size_t rows, std::size_t columns, Bytes& out,
                           unsigned trellis = 0) {
    detail::check_context_shape(codes.size(), rows, columns);
    const detail::SymbolMap map(trellis);
    if (codes.empty()) return;
    const auto [low, high] = std::minmax_element(codes.begin(), codes.end());
    const std::int32_t lo = map.symbol(*low), hi = map.symbol(*high);
    FEWBITS_REQUIRE(context_codable(lo, hi),
                    "context_encode: symbols must span at most 256 values within 2^18");

    // First the classes of all elements, in the order of coding.
    const std::uint32_t m = detail::context_level(codes);
    detail::MatrixContext context(columns, m);
    std::vector<std::int16_t> raw(codes.size());
    std::vector<std::uint8_t> symbols(codes.size()), parity(map.used() ? codes.size() : 0);
    std::int32_t first = std::numeric_limits<std::int32_t>::max(),
                 last = std::numeric_limits<std::int32_t>::min();
    std::size_t at = 0;
    detail::for_bands(rows, [&](std::size_t top, std::size_t count) {
        context.begin_band(top);
        std::array<std::uint32_t, context_band> state{};
        for (std::size_t j = 0; j < columns; ++j) {
            for (std::size_t lane = 0; lane < count; ++lane, ++at) {
                const std::int32_t code = codes[(top + lane) * columns + j], symbol = map.symbol(code);
                if (map.used()) {
                    FEWBITS_REQUIRE(map.code(symbol, state[lane]) == code,
                                    "context_encode: codes must follow the trellis, got " +
                                        std::to_string(code) + " in row " + std::to_string(top + lane) +
                                        ", column " + std::to_string(j));
                    parity[at] = static_cast<std::uint8_t>(state[lane] & 1U);
                    state[lane] = map.next(state[lane], symbol);
                }
                const std::int32_t k = context.raw_class(lane, j);
                first = std::min(first, k);
                last = std::max(last, k);
                raw[at] = static_cast<std::int16_t>(k);
                symbols[at] = static_cast<std::uint8_t>(symbol - lo);
                context.update_row(lane, std::abs(code));
            }
        }
        for (std::size_t j = 0; j < columns; ++j) {
            std::int32_t sum = 0;
            for (std::size_t lane = 0; lane < count; ++lane)
                sum += std::abs(codes[(top + lane) * columns + j]);
            context.update_column(j, std::min(sum, detail::context_cap / 16));
        }
    });
    // At most `max_context_classes` around the bulk: the outermost ones take what lies beyond.
    std::vector<std::uint64_t> mass(static_cast<std::size_t>(last - first) + 1);
    for (const std::int16_t k : raw) ++mass[static_cast<std::size_t>(k - first)];
    while (mass.size() > max_context_classes) {
        if (mass.front() < mass.back()) {
            mass[1] += mass[0];
            mass.erase(mass.begin());
            ++first;
        } else {
            mass[mass.size() - 2] += mass.back();
            mass.pop_back();
        }
    }
    const auto classes = static_cast<std::uint32_t>(mass.size());
    const std::size_t span = std::max<std::size_t>(2, static_cast<std::size_t>(hi - lo) + 1);
    std::vector<std::vector<std::uint64_t>> counts[2];
    for (unsigned z = 0; z < map.parities(); ++z) counts[z].assign(classes, std::vector<std::uint64_t>(span));
    for (std::size_t i = 0; i < raw.size(); ++i) {
        const auto k = static_cast<std::size_t>(detail::clamp_class(raw[i] - first, classes));
        const std::size_t z = map.used() ? parity[i] : 0;
        ++counts[z][k][symbols[i]];
        raw[i] = static_cast<std::int16_t>(k * map.parities() + z);
    }
    detail::ContextPlan plan;
    plan.first = first;
    std::vector<std::uint8_t> table_of_class[2];
    for (unsigned z = 0; z < map.parities(); ++z)
        detail::plan_contexts(counts[z], lo, max_context_tables / map.parities(), plan, table_of_class[z]);
    for (std::uint32_t k = 0; k < classes; ++k) {
        for (unsigned z = 0; z < map.parities(); ++z) plan.table_of_class.push_back(table_of_class[z][k]);
    }

    out.push_back(static_cast<std::uint8_t>(map.used() ? bit_length(trellis) - 1 : 0));
    append_varint(out, m);
    append_varint(out, zigzag_encode(first));
    out.push_back(static_cast<std::uint8_t>(classes));
    out.push_back(static_cast<std::uint8_t>(plan.tables.size()));
    out.insert(out.end(), plan.table_of_class.begin(), plan.table_of_class.end());
    std::vector<detail::EncodeEntry> entries(plan.tables.size() << 8);
    for (std::size_t t = 0; t < plan.tables.size(); ++t) {
        const StaticTable& table = plan.tables[t];
        table.append_to(out);
        for (std::uint32_t rank = 0; rank < table.ranks(); ++rank) {
            entries[t << 8 | static_cast<std::size_t>(table.symbol_of_rank(rank) - lo)] =
                detail::make_reciprocal(table.frequency_of_rank(rank), table.start_of_rank(rank),
                                        context_precision);
        }
    }
    detail::PayloadScratch scratch(codes.size(), context_band);
    std::array<std::uint32_t, context_band> states;
    states.fill(rans32_lower);
    std::uint8_t* to = scratch.end();
    // Backwards; the last band may have fewer lanes.
    std::size_t index = codes.size();
    for (std::size_t top = (rows - 1) / context_band * context_band;; top -= context_band) {
        const std::size_t count = std::min(context_band, rows - top);
        for (std::size_t j = columns; j-- > 0;) {
            for (std::size_t lane = count; lane-- > 0;) {
                --index;
                const std::size_t table = plan.table_of_class[static_cast<std::size_t>(raw[index])];
                states[lane] = detail::encode_step(states[lane], entries[table << 8 | symbols[index]],
                                                   context_precision, to);
            }
        }
        if (top == 0) break;
    }
    scratch.set_begin(to);
    scratch.put_states(states.data(), context_band);
    const ByteSpan payload = scratch.payload();
    out.insert(out.end(), payload.begin(), payload.end());
}

// Decodes a matrix of symbols from lo on; the reader must end with the payload. Damage is a CorruptDataError.
inline void context_decode(ByteReader& reader, std::int32_t lo, std::size_t rows, std::size_t columns,
                           Span<std::int32_t> codes) {
    detail::check_context_shape(codes.size(), rows, columns);
    if (codes.empty()) return;
    if (!context_codable(lo, lo)) reader.fail("a symbol lies beyond 2^18");
    const unsigned log2_states = reader.u8();
    if (log2_states != 0 && (log2_states > 8 || !Trellis::exists(1U << log2_states)))
        reader.fail("there is no such trellis");
    const detail::SymbolMap map(log2_states == 0 ? 0 : 1U << log2_states);
    const std::uint64_t m = reader.varint(32);
    const std::int64_t first = reader.zigzag(16);
    const unsigned classes = reader.u8(), tables = reader.u8();
    if (m < 1 || m > detail::context_cap / 8) reader.fail("the mean magnitude is out of range");
    if (classes < 1 || classes > max_context_classes || tables < 1 || tables > max_context_tables)
        reader.fail("too many contexts or none");
    detail::ContextPlan plan;
    plan.first = static_cast<std::int32_t>(first);
    for (unsigned k = 0; k < classes * map.parities(); ++k) {
        plan.table_of_class.push_back(reader.u8());
        if (plan.table_of_class.back() >= tables) reader.fail("a context names no table");
    }
    for (unsigned t = 0; t < tables; ++t) {
        plan.tables.push_back(StaticTable::read(reader));
        const StaticTable& table = plan.tables.back();
        if (table.precision() != context_precision || table.used() < 2 || table.lo() < lo ||
            std::int64_t{table.lo()} + table.span() > std::int64_t{lo} + 256) {
            reader.fail("a table of a context does not fit");
        }
    }
    detail::ContextDecoder decoder(reader.rest(), plan, lo, map);
    detail::MatrixContext context(columns, static_cast<std::uint32_t>(m));
    std::vector<std::uint8_t> band(context_band * columns);
    detail::for_bands(rows, [&](std::size_t top, std::size_t count) {
        context.begin_band(top, plan.first);
        decoder.band(context, count, columns, band.data());
        std::array<std::uint32_t, context_band> state{};
        for (std::size_t j = 0; j < columns; ++j) {
            std::int32_t sum = 0;
            for (std::size_t lane = 0; lane < count; ++lane) {
                const std::int32_t symbol = lo + band[context_band * j + lane];
                const std::int32_t code = map.code(symbol, state[lane]);
                state[lane] = map.next(state[lane], symbol);
                codes[(top + lane) * columns + j] = code;
                sum += std::abs(code);
            }
            context.update_column(j, std::min(sum, detail::context_cap / 16));
        }
    });
    decoder.expect_end();
}

}  // namespace coding
}  // namespace FEWBITS_ISA
}  // namespace fewbits
