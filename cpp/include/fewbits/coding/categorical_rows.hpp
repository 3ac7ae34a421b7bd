// Messages whose every symbol has probabilities of its own, given as a row (coding/symbol_model.hpp).
//
// A message is a parametric block of family 3 (components 1, lo, support = length of a row), or a frame of
// blocks of 2^17 symbols; the hash of a block is the XXH64 of the edges C(0), ..., C(n) of all rows as u32.
// Every block keeps to this form: no low bits, no exceptions, equal symbols are a constant block.
// Cost: reading the rows, about 1 ns an entry on both sides (additions in order), twice for the decoder.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "fewbits/coding/block.hpp"
#include "fewbits/coding/frame.hpp"
#include "fewbits/coding/mixture.hpp"
#include "fewbits/coding/rans64.hpp"
#include "fewbits/coding/symbol_model.hpp"
#include "fewbits/core/checksum.hpp"
#include "fewbits/core/isa.hpp"
#include "fewbits/core/parallel.hpp"
#include "fewbits/core/span.hpp"

namespace fewbits {
inline namespace FEWBITS_ISA {
namespace coding {

namespace detail {

inline constexpr unsigned rows_family = 3;

inline std::uint64_t rows_hash(const RowsView& view) {
    const RowsSymbolModel model(view);
    std::vector<std::uint32_t> edges(view.alphabet + 1);
    Xxh64 hash;
    Bytes words;
    for (std::size_t i = 0; i < view.n; ++i) {
        model.edges(i, Span<std::uint32_t>(edges));
        words.clear();
        for (const std::uint32_t edge : edges) append_le(words, edge);
        hash.update(words);
    }
    return hash.digest();
}

template <int Lanes>
void append_rows_payload(Bytes& out, const std::vector<std::uint32_t>& starts,
                         const std::vector<std::uint32_t>& frequencies) {
    Rans64BlockEncoder<Lanes, cdf_precision> encoder(starts.size());
    encoder.push(0, starts.size(), starts.data(), frequencies.data());
    append_varint(out, encoder.words());
    encoder.append_to(out);
}

inline void append_rows_block(Bytes& out, Span<const std::int32_t> symbols, const RowsView& view,
                              const EncodeOptions& options, std::size_t first) {
    const std::size_t n = symbols.size();
    RowsSymbolModel model(view, first);
    std::vector<std::uint32_t> starts(n), frequencies(n);
    std::uint64_t bits = 0;
    bool equal = true;
    for (std::size_t begin = 0; begin < n; begin += SymbolModel::capacity) {
        const std::size_t count = std::min(SymbolModel::capacity, n - begin);
        model.intervals(symbols.data() + begin, begin, count, &starts[begin], &frequencies[begin]);
        for (std::size_t i = begin; i < begin + count; ++i) {
            bits += (cdf_precision << log2_fraction_bits) - log2_fixed(frequencies[i]);
            equal = equal && symbols[i] == symbols[0];
        }
    }
    if (equal) return append_const_block(out, n, symbols[0], options.checksum);
    const std::uint64_t bytes = (bits >> log2_fraction_bits) / 8;
    const unsigned lanes = options.lanes != 0 ? options.lanes : bytes >= 8192 ? 8 : bytes >= 2048 ? 4 : 1;
    const unsigned flags = (options.checksum ? flag_checksum : 0U) | (options.hash ? flag_hash : 0U);
    BlockWriter block(out, BlockKind::parametric, lanes, static_cast<std::uint8_t>(flags), n);
    out.push_back(static_cast<std::uint8_t>(rows_family | cdf_version << 3));
    out.push_back(1);
    append_varint(out, zigzag_encode(view.lo));
    append_varint(out, view.alphabet);
    if (options.hash) append_le(out, rows_hash(view));
    switch (lanes) {
        case 1:
            append_rows_payload<1>(out, starts, frequencies);
            break;
        case 2:
            append_rows_payload<2>(out, starts, frequencies);
            break;
        case 4:
            append_rows_payload<4>(out, starts, frequencies);
            break;
        default:
            append_rows_payload<8>(out, starts, frequencies);
            break;
    }
    block.finish();
}

template <int Lanes>
void decode_rows_payload(ByteSpan payload, RowsSymbolModel& model, Span<std::int32_t> symbols) {
    Rans64BlockDecoder<Lanes, cdf_precision> decoder(payload);
    for (std::size_t i = 0; i < symbols.size(); ++i) {
        const SymbolInterval found = model.find(i, decoder.slot(i % Lanes));
        symbols[i] = found.symbol;
        decoder.advance(i % Lanes, found.start, found.frequency);
    }
    decoder.expect_end();
}

inline void decode_rows_block(const BlockView& block, const RowsView& view, std::size_t first,
                              Span<std::int32_t> symbols) {
    if (block.family != rows_family || block.lo != view.lo || block.support != view.alphabet) {
        throw ParameterMismatchError(
            "decode: the message was coded with another kind of model, lowest symbol or "
            "length of rows");
    }
    if (block.low_bits != 0 || block.exceptions != 0 || block.components != 1)
        throw CorruptDataError(
            "coded block: rows of probabilities have no low bits, exceptions or components");
    if (block.hashed() && rows_hash(view) != block.hash)
        throw ParameterMismatchError("decode: the probabilities differ from those used for encoding");
    RowsSymbolModel model(view, first);
    switch (block.lanes) {
        case 1:
            decode_rows_payload<1>(block.payload, model, symbols);
            break;
        case 2:
            decode_rows_payload<2>(block.payload, model, symbols);
            break;
        case 4:
            decode_rows_payload<4>(block.payload, model, symbols);
            break;
        default:
            decode_rows_payload<8>(block.payload, model, symbols);
            break;
    }
}

}  // namespace detail

// Codes symbols[i] under row i. Symbols outside lo..lo + alphabet - 1 are an ArgumentError.
inline Bytes encode(Span<const std::int32_t> symbols, const RowsView& view,
                    const EncodeOptions& options = {}) {
    const std::size_t n = symbols.size();
    detail::check_lanes64("encode", options.lanes);
    detail::check_rows("encode", view);
    FEWBITS_REQUIRE(view.n == n, "encode: probs must have a row for each of " + std::to_string(n) +
                                     " symbols, got " + std::to_string(view.n));
    std::vector<Bytes> blocks(
        std::max<std::size_t>(1, (n + parametric_block_symbols - 1) / parametric_block_symbols));
    if (n == 0) append_empty_block(blocks[0], options.checksum);
    parallel_for(n, parametric_block_symbols, options.threads, [&](std::size_t begin, std::size_t end) {
        detail::append_rows_block(blocks[begin / parametric_block_symbols],
                                  symbols.subspan(begin, end - begin), view.part(begin, end - begin), options,
                                  begin);
    });
    return detail::join_blocks(blocks);
}

inline void decode(ByteSpan data, const RowsView& view, Span<std::int32_t> symbols, int threads = 1) {
    detail::check_rows("decode", view);
    FEWBITS_REQUIRE(view.n == symbols.size(), "decode: probs must have a row for each symbol");
    const detail::MessageLayout message(data, symbols.size());
    parallel_for(message.blocks.size(), 1, threads, [&](std::size_t at, std::size_t) {
        const BlockView block = detail::read_whole_block(message.blocks[at], Parameters::present);
        const std::size_t begin = message.begins[at], count = message.begins[at + 1] - begin;
        const Span<std::int32_t> out = symbols.subspan(begin, count);
        if (block.kind == BlockKind::parametric) {
            detail::decode_rows_block(block, view.part(begin, count), begin, out);
        } else {
            decode_symbols(block, out);
        }
    });
}

// Model bits of each symbol.
inline void code_lengths(Span<const std::int32_t> symbols, const RowsView& view, Span<double> bits) {
    FEWBITS_REQUIRE(view.n == symbols.size() && bits.size() == symbols.size(),
                    "code_lengths: symbols, rows and bits must have the same size");
    RowsSymbolModel model(view);
    std::uint32_t starts[SymbolModel::capacity], frequencies[SymbolModel::capacity];
    for (std::size_t begin = 0; begin < view.n; begin += SymbolModel::capacity) {
        const std::size_t count = std::min(SymbolModel::capacity, view.n - begin);
        model.intervals(symbols.data() + begin, begin, count, starts, frequencies);
        for (std::size_t i = 0; i < count; ++i)
            bits[begin + i] = cdf_precision - detail::log2_integer(frequencies[i]);
    }
}

}  // namespace coding
}  // namespace FEWBITS_ISA
}  // namespace fewbits
