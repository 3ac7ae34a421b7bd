// Messages of integers whose every symbol has a distribution of its own: a Gaussian, Laplace or logistic one,
// or a mixture of up to 16 of them (coding/integer_cdf.hpp). No tables: the encoder evaluates the cumulative
// function at both edges of each symbol, the decoder searches.
//
// A message is a coded block of kind parametric, or a frame of blocks of 2^17 symbols (coding/block.hpp). The
// decoder needs the same parameters. What each block chooses for itself, and its reader obeys:
//   support      lo..hi are the block's smallest and largest symbol where they span at most 2^14
//   low bits     else b = max(0, floor(log2(median over symbols of the largest scale)) - 7) bits a symbol are
//                stored as they are, and q = symbol >> b is coded: within a bin of 1/128 of a scale all are
//                nearly alike
//   exceptions   where q still spans more than 2^16, the support is the shortest window that holds all but
//                n/1024 of the q (or, if none of 2^16 does, the one that holds most); q outside are coded as
//                the nearest end and listed
//   otherwise    a block that would not be smaller than plain bit packing is stored, one of equal symbols is
//                constant
//
// Contract: symbols in [-2^30, 2^30], the same bytes for any instruction set, compiler and number of threads.
// Size <= model bits + 64 lanes + 128 bits a block. Other parameters at the decoder are found at the end of a
// block (CorruptDataError), or, with `hash`, before decoding it (ParameterMismatchError); differences that
// leave all integers alone decode.
//
// Speed: encoding is bound by the table look-ups of 2 K edges a symbol and one division; decoding evaluates
// 2.5 to 4 edges for each group of eight symbols.
//
// Source: FlashGMM, arXiv:2509.18815 (coding mixtures without tables).
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "fewbits/coding/bitpack.hpp"
#include "fewbits/coding/block.hpp"
#include "fewbits/coding/frame.hpp"
#include "fewbits/coding/integer_cdf.hpp"
#include "fewbits/coding/rans64.hpp"
#include "fewbits/core/bits.hpp"
#include "fewbits/core/checksum.hpp"
#include "fewbits/core/isa.hpp"
#include "fewbits/core/parallel.hpp"
#include "fewbits/core/span.hpp"

namespace fewbits {
inline namespace FEWBITS_ISA {
namespace coding {

inline constexpr std::size_t parametric_block_symbols = std::size_t{1} << 17;
inline constexpr std::int32_t max_parametric_symbol = std::int32_t{1} << 30;

// Where the symbols of a block lie and how they are coded.
struct CodedBins {
    Support support;
    std::int32_t min = 0, max = 0;   // of the symbols
    std::vector<std::int32_t> bins;  // empty where every symbol is its own bin
    std::vector<std::pair<std::uint32_t, std::int32_t>> exceptions;  // index, q less the bin coded
};

namespace detail {

inline void symbol_range(const char* function, Span<const std::int32_t> symbols, std::size_t first,
                         std::int32_t& low, std::int32_t& high) {
    std::int32_t least = symbols[0], most = symbols[0];
    for (const std::int32_t symbol : symbols) {
        least = std::min(least, symbol);
        most = std::max(most, symbol);
    }
    low = least;
    high = most;
    if (least >= -max_parametric_symbol && most <= max_parametric_symbol) return;
    for (std::size_t i = 0; i < symbols.size(); ++i) {
        if (symbols[i] >= -max_parametric_symbol && symbols[i] <= max_parametric_symbol) continue;
        throw ArgumentError(std::string(function) + ": symbols must be in -2^30..2^30, got symbols[" +
                            std::to_string(first + i) + "] = " + std::to_string(symbols[i]));
    }
}

// floor(log2(median_i max_k s_ik)) - 7, at least 0; by the exponent bits.
inline unsigned choose_low_bits(const MixtureView& view) {
    std::vector<float> largest(view.stride_n == 0 ? std::min<std::size_t>(1, view.n) : view.n);
    for (std::size_t i = 0; i < largest.size(); ++i) {
        for (int j = 0; j < view.k; ++j) {
            const float s = view.scales[static_cast<std::ptrdiff_t>(i) * view.stride_n + j * view.stride_k];
            largest[i] = j == 0 || s > largest[i] ? s : largest[i];
        }
    }
    const auto middle = largest.begin() + static_cast<std::ptrdiff_t>(largest.size() / 2);
    std::nth_element(largest.begin(), middle, largest.end());
    const int exponent = static_cast<int>(bits_of(*middle) >> 23) - 127;
    return exponent <= 7 ? 0U : std::min(static_cast<unsigned>(exponent - 7), 24U);
}

// The window of at most 2^16 bins with all but n/1024 of the bins that is shortest; if there is none, the one
// with most of them. The lowest on ties.
inline std::pair<std::int32_t, std::int32_t> choose_window(std::vector<std::int32_t> bins) {
    std::sort(bins.begin(), bins.end());
    const std::size_t n = bins.size(), keep = n - n / 1024;
    std::size_t best = 0;
    for (std::size_t i = 1; i + keep <= n; ++i) {
        if (std::int64_t{bins[i + keep - 1]} - bins[i] < std::int64_t{bins[best + keep - 1]} - bins[best])
            best = i;
    }
    if (std::int64_t{bins[best + keep - 1]} - bins[best] < max_support)
        return {bins[best], bins[best + keep - 1]};
    std::size_t end = 0, count = 0;
    for (std::size_t i = 0; i < n; ++i) {
        while (end < n && std::int64_t{bins[end]} - bins[i] < max_support) ++end;
        if (end - i > count) {
            count = end - i;
            best = i;
        }
    }
    return {bins[best], bins[best + count - 1]};
}

// How `symbols` (not empty) are coded under the view; `fixed` is a support to keep to.
inline CodedBins choose_bins(const char* function, Span<const std::int32_t> symbols, const MixtureView& view,
                             std::size_t first, const Support* fixed) {
    CodedBins coded;
    symbol_range(function, symbols, first, coded.min, coded.max);
    if (fixed != nullptr) {
        coded.support = *fixed;
    } else {
        coded.support.lo = coded.min;
        const std::int64_t span = std::int64_t{coded.max} - coded.min + 1;
        if (span <= (1 << 14)) {
            coded.support.size = static_cast<std::uint32_t>(span);
            return coded;
        }
        coded.support.low_bits = choose_low_bits(view);
    }
    const unsigned b = coded.support.low_bits;
    std::int32_t lo = coded.min >> b, hi = coded.max >> b;
    if (b == 0) {
        coded.bins.assign(symbols.begin(), symbols.end());
    } else {
        coded.bins.resize(symbols.size());
        for (std::size_t i = 0; i < symbols.size(); ++i) coded.bins[i] = symbols[i] >> b;
    }
    if (fixed != nullptr) {
        lo = fixed->lo;
        hi = fixed->hi();
    } else {
        if (std::int64_t{hi} - lo >= max_support) std::tie(lo, hi) = choose_window(coded.bins);
        coded.support.lo = lo;
        coded.support.size = static_cast<std::uint32_t>(std::int64_t{hi} - lo + 1);
    }
    for (std::size_t i = 0; i < coded.bins.size(); ++i) {
        const std::int32_t q = coded.bins[i], inside = std::min(std::max(q, lo), hi);
        if (q == inside) continue;
        coded.exceptions.emplace_back(static_cast<std::uint32_t>(i), q - inside);
        coded.bins[i] = inside;
    }
    return coded;
}

inline Bytes exceptions_payload(const CodedBins& coded) {
    Bytes out;
    append_varint(out, coded.exceptions.size());
    std::uint32_t next = 0;
    for (const auto& [index, difference] : coded.exceptions) {
        append_varint(out, index - next);
        append_varint(out, zigzag_encode(difference));
        next = index + 1;
    }
    return out;
}

// The intervals of a message, 256 symbols at a time.
class MixtureIntervals {
public:
    static constexpr std::size_t capacity = PreparedParameters::capacity;

    MixtureIntervals(const char* function, const MixtureView& view, const Support& support,
                     const std::int32_t* bins, std::size_t first)
        : function_(function),
          view_(view),
          support_(support),
          bins_(bins),
          first_(first),
          prepared_(new PreparedParameters) {}

    // Symbols [begin, begin + count), count <= capacity.
    void compute(std::size_t begin, std::size_t count) {
        prepared_->prepare(function_, view_, begin, count, support_.size, false, first_);
        mixture_intervals(*prepared_, view_.family, support_, bins_ + begin, count, starts, frequencies);
    }
    const PreparedParameters& prepared() const { return *prepared_; }

    alignas(32) std::uint32_t starts[capacity];
    alignas(32) std::uint32_t frequencies[capacity];

private:
    const char* function_;
    MixtureView view_;
    Support support_;
    const std::int32_t* bins_;
    std::size_t first_;
    std::unique_ptr<PreparedParameters> prepared_;
};

// Lanes by the size that the last 2048 symbols foretell.
inline unsigned choose_mixture_lanes(MixtureIntervals& intervals, std::size_t n) {
    const std::size_t blocks = (n + MixtureIntervals::capacity - 1) / MixtureIntervals::capacity;
    std::uint64_t bits = 0;
    std::size_t seen = 0;
    for (std::size_t block = blocks; block-- > 0 && seen < 2048;) {
        const std::size_t begin = block * MixtureIntervals::capacity;
        const std::size_t count = std::min(n - begin, MixtureIntervals::capacity);
        intervals.compute(begin, count);
        for (std::size_t i = 0; i < count; ++i)
            bits += (cdf_precision << log2_fraction_bits) - log2_fixed(intervals.frequencies[i]);
        seen += count;
    }
    const std::uint64_t bytes = (bits >> log2_fraction_bits) * n / seen / 8;
    return bytes >= 8192 ? 8 : bytes >= 2048 ? 4 : 1;
}

template <int Lanes>
void append_mixture_payload(Bytes& out, MixtureIntervals& intervals, std::size_t n) {
    Rans64BlockEncoder<Lanes, cdf_precision> encoder(n);
    const std::size_t blocks = (n + MixtureIntervals::capacity - 1) / MixtureIntervals::capacity;
    for (std::size_t block = blocks; block-- > 0;) {
        const std::size_t begin = block * MixtureIntervals::capacity;
        const std::size_t count = std::min(n - begin, MixtureIntervals::capacity);
        intervals.compute(begin, count);
        encoder.push(begin, count, intervals.starts, intervals.frequencies);
    }
    append_varint(out, encoder.words());
    encoder.append_to(out);
}

inline std::uint64_t mixture_hash(const char* function, const MixtureView& view, std::uint32_t support,
                                  std::size_t first) {
    const std::unique_ptr<PreparedParameters> prepared(new PreparedParameters);
    Xxh64 hash;
    for (std::size_t begin = 0; begin < view.n; begin += PreparedParameters::capacity) {
        const std::size_t count = std::min(view.n - begin, PreparedParameters::capacity);
        prepared->prepare(function, view, begin, count, support, false, first);
        hash_parameters(*prepared, count, hash);
    }
    return hash.digest();
}

// One block; `first` is the index of its first symbol, for messages.
inline void append_mixture_block(Bytes& out, Span<const std::int32_t> symbols, const MixtureView& view,
                                 const EncodeOptions& options, const Support* fixed, std::size_t first) {
    const char* function = "encode";
    const std::size_t n = symbols.size();
    const CodedBins coded = choose_bins(function, symbols, view, first, fixed);
    if (coded.min == coded.max) {
        check_parameters(function, view, first);
        return append_const_block(out, n, coded.min, options.checksum);
    }
    const Support& support = coded.support;
    MixtureIntervals intervals(function, view, support,
                               coded.bins.empty() ? symbols.data() : coded.bins.data(), first);
    const unsigned lanes = options.lanes != 0 ? options.lanes : choose_mixture_lanes(intervals, n);
    const unsigned flags = (options.checksum ? flag_checksum : 0U) | (options.hash ? flag_hash : 0U) |
                           (coded.exceptions.empty() ? 0U : flag_exceptions) |
                           (support.low_bits == 0 ? 0U : flag_low_bits);
    const std::size_t at = out.size();
    BlockWriter block(out, BlockKind::parametric, lanes, static_cast<std::uint8_t>(flags), n);
    out.push_back(static_cast<std::uint8_t>(static_cast<unsigned>(view.family) | cdf_version << 3));
    out.push_back(static_cast<std::uint8_t>(view.k));
    append_varint(out, zigzag_encode(support.lo));
    append_varint(out, support.size);
    if (support.low_bits > 0) out.push_back(static_cast<std::uint8_t>(support.low_bits));
    if (options.hash) append_le(out, mixture_hash(function, view, support.size, first));
    switch (lanes) {
        case 1:
            append_mixture_payload<1>(out, intervals, n);
            break;
        case 2:
            append_mixture_payload<2>(out, intervals, n);
            break;
        case 4:
            append_mixture_payload<4>(out, intervals, n);
            break;
        default:
            append_mixture_payload<8>(out, intervals, n);
            break;
    }
    if (support.low_bits > 0) {
        BitWriter bits;
        const std::uint32_t mask = (std::uint32_t{1} << support.low_bits) - 1;
        for (const std::int32_t symbol : symbols)
            bits.put(static_cast<std::uint32_t>(symbol) & mask, support.low_bits);
        append(out, bits.finish());
    }
    if (!coded.exceptions.empty()) append(out, exceptions_payload(coded));
    block.finish();

    const unsigned width = bit_length(static_cast<std::uint64_t>(std::int64_t{coded.max} - coded.min));
    const std::size_t stored = stored_block_size(n, coded.min, width) + (options.checksum ? 4 : 0);
    if (out.size() - at < stored) return;
    out.resize(at);
    BitWriter bits;
    for (const std::int32_t symbol : symbols)
        bits.put(static_cast<std::uint32_t>(symbol) - static_cast<std::uint32_t>(coded.min), width);
    append_stored_block(out, n, coded.min, width, bits.finish(), options.checksum);
}

template <int K, int Lanes>
void decode_mixture_part(Rans64BlockDecoder<Lanes, cdf_precision>& decoder,
                         const PreparedParameters& prepared, Family family, const Support& support,
                         std::size_t count, std::int32_t* bins) {
    std::size_t i = 0;
    if constexpr (Lanes == 8) {
        const CdfTable& table = cdf_table(family);
        const SupportLanes lanes(support);
        for (; i + 8 <= count; i += 8) {
            std::int32_t slots[8];
            for (std::size_t lane = 0; lane < 8; ++lane)
                slots[lane] = static_cast<std::int32_t>(decoder.slot(lane));
            simd::i32x8 start, end;
            const simd::i32x8 q =
                mixture_find<K>(table, prepared, i, support, lanes, simd::i32x8::load(slots), start, end);
            store(q, bins + i);
            std::int32_t starts[8], frequencies[8];
            std::uint32_t s[8], f[8];
            store(start, starts);
            store(end - start, frequencies);
            std::memcpy(s, starts, sizeof s);
            std::memcpy(f, frequencies, sizeof f);
            decoder.advance_all(s, f);
        }
    }
    for (; i < count; ++i) {
        const std::size_t lane = i % Lanes;
        const SymbolInterval found = mixture_find_one(prepared, family, support, i, decoder.slot(lane));
        bins[i] = found.symbol;
        decoder.advance(lane, found.start, found.frequency);
    }
}

template <int Lanes>
void decode_mixture_payload(const BlockView& block, const MixtureView& view, const Support& support,
                            std::size_t first, Span<std::int32_t> bins) {
    Rans64BlockDecoder<Lanes, cdf_precision> decoder(block.payload);
    const std::unique_ptr<PreparedParameters> prepared(new PreparedParameters);
    for (std::size_t begin = 0; begin < bins.size(); begin += PreparedParameters::capacity) {
        const std::size_t count = std::min(bins.size() - begin, PreparedParameters::capacity);
        prepared->prepare("decode", view, begin, count, support.size, true, first);
        with_components(view.k, [&](auto constant) {
            decode_mixture_part<decltype(constant)::value, Lanes>(decoder, *prepared, view.family, support,
                                                                  count, bins.data() + begin);
            return 0;
        });
    }
    decoder.expect_end();
}

// Puts exceptions and low bits to decoded bins: symbols.
inline void finish_parametric(const BlockView& block, Span<std::int32_t> bins) {
    if (block.exceptions > 0) {
        ByteReader list(block.exceptions_payload, "exceptions");
        std::size_t next = 0;
        for (std::uint64_t i = 0; i < block.exceptions; ++i) {
            next += static_cast<std::size_t>(list.varint(32));
            const std::int64_t q = std::int64_t{bins[next]} + list.zigzag(33);
            const std::int64_t bound = std::int64_t{1} << (31 - block.low_bits);
            if (q < -bound || q >= bound) fail_symbol_range("int32");
            bins[next++] = static_cast<std::int32_t>(q);
        }
    }
    if (block.low_bits > 0) {
        BitReader bits(block.low_bits_payload, "low bits");
        for (std::int32_t& q : bins) {
            const std::uint32_t low = static_cast<std::uint32_t>(bits.get(block.low_bits));
            q = static_cast<std::int32_t>(static_cast<std::uint32_t>(q) << block.low_bits | low);
        }
    }
}

inline void check_lanes64(const char* function, unsigned lanes) {
    FEWBITS_REQUIRE(lanes == 0 || is_lanes64(lanes),
                    std::string(function) + ": lanes must be 1, 2, 4 or 8, got " + std::to_string(lanes));
}

}  // namespace detail

// The symbols of a parametric block whose parameters `view` are (of as many symbols). Throws
// ParameterMismatchError where the block names another family, number of components or hash.
inline void decode_mixture_block(const BlockView& block, const MixtureView& view, Span<std::int32_t> symbols,
                                 std::size_t first = 0) {
    detail::check_out_size(block, symbols.size());
    FEWBITS_REQUIRE(view.n == symbols.size(), "decode: parameters must have one entry for each symbol");
    detail::check_rounding_mode();
    detail::check_view("decode", view);
    if (block.family != static_cast<unsigned>(view.family) ||
        block.components != static_cast<unsigned>(view.k)) {
        throw ParameterMismatchError(
            std::string("decode: the message was coded with ") +
            (block.family > 2 ? "rows of probabilities"
                              : family_name(static_cast<Family>(block.family)) + std::string(" models of ") +
                                    std::to_string(block.components) + " components") +
            ", not with " + family_name(view.family) + " models of " + std::to_string(view.k));
    }
    const Support support{block.lo, block.support, block.low_bits};
    if (block.hashed() && detail::mixture_hash("decode", view, support.size, first) != block.hash) {
        throw ParameterMismatchError("decode: the parameters differ from those used for encoding");
    }
    switch (block.lanes) {
        case 1:
            detail::decode_mixture_payload<1>(block, view, support, first, symbols);
            break;
        case 2:
            detail::decode_mixture_payload<2>(block, view, support, first, symbols);
            break;
        case 4:
            detail::decode_mixture_payload<4>(block, view, support, first, symbols);
            break;
        default:
            detail::decode_mixture_payload<8>(block, view, support, first, symbols);
            break;
    }
    detail::finish_parametric(block, symbols);
}

// Codes symbols under parameters, one set for each. `support`, if given, is kept to in all blocks (symbols
// outside become exceptions); else each block chooses.
inline Bytes encode(Span<const std::int32_t> symbols, const MixtureView& view,
                    const EncodeOptions& options = {}, const Support* support = nullptr) {
    const std::size_t n = symbols.size();
    detail::check_lanes64("encode", options.lanes);
    detail::check_rounding_mode();
    detail::check_view("encode", view);
    if (support != nullptr) detail::check_support("encode", *support);
    FEWBITS_REQUIRE(view.n == n, "encode: parameters must have one entry for each of " + std::to_string(n) +
                                     " symbols, got " + std::to_string(view.n));
    std::vector<Bytes> blocks(
        std::max<std::size_t>(1, (n + parametric_block_symbols - 1) / parametric_block_symbols));
    if (n == 0) append_empty_block(blocks[0], options.checksum);
    parallel_for(n, parametric_block_symbols, options.threads, [&](std::size_t begin, std::size_t end) {
        detail::append_mixture_block(blocks[begin / parametric_block_symbols],
                                     symbols.subspan(begin, end - begin), view.part(begin, end - begin),
                                     options, support, begin);
    });
    return detail::join_blocks(blocks);
}

// Decodes a message of exactly symbols.size() symbols (else ArgumentError).
inline void decode(ByteSpan data, const MixtureView& view, Span<std::int32_t> symbols, int threads = 1) {
    FEWBITS_REQUIRE(view.n == symbols.size(), "decode: parameters must have one entry for each symbol");
    const detail::MessageLayout message(data, symbols.size());
    parallel_for(message.blocks.size(), 1, threads, [&](std::size_t at, std::size_t) {
        const BlockView block = detail::read_whole_block(message.blocks[at], Parameters::present);
        const std::size_t begin = message.begins[at], count = message.begins[at + 1] - begin;
        const Span<std::int32_t> out = symbols.subspan(begin, count);
        if (block.kind == BlockKind::parametric) {
            decode_mixture_block(block, view.part(begin, count), out, begin);
        } else {
            decode_symbols(block, out);
        }
    });
}

// Model bits of each symbol under the support that encode() chooses: 24 - log2 of the frequency, plus the low
// bits, plus what its entry takes in the list of exceptions. Same on every machine.
inline void code_lengths(Span<const std::int32_t> symbols, const MixtureView& view, Span<double> bits,
                         const Support* support = nullptr, int threads = 1) {
    FEWBITS_REQUIRE(view.n == symbols.size() && bits.size() == symbols.size(),
                    "code_lengths: symbols, parameters and bits must have the same size");
    detail::check_rounding_mode();
    detail::check_view("code_length", view);
    if (support != nullptr) detail::check_support("code_length", *support);
    parallel_for(symbols.size(), parametric_block_symbols, threads, [&](std::size_t begin, std::size_t end) {
        const Span<const std::int32_t> part = symbols.subspan(begin, end - begin);
        const MixtureView own = view.part(begin, end - begin);
        const CodedBins coded = detail::choose_bins("code_length", part, own, begin, support);
        detail::MixtureIntervals intervals("code_length", own, coded.support,
                                           coded.bins.empty() ? part.data() : coded.bins.data(), begin);
        for (std::size_t at = 0; at < part.size(); at += detail::MixtureIntervals::capacity) {
            const std::size_t count = std::min(part.size() - at, detail::MixtureIntervals::capacity);
            intervals.compute(at, count);
            for (std::size_t i = 0; i < count; ++i) {
                bits[begin + at + i] =
                    cdf_precision - detail::log2_integer(intervals.frequencies[i]) + coded.support.low_bits;
            }
        }
        std::uint32_t next = 0;
        for (const auto& [index, difference] : coded.exceptions) {
            bits[begin + index] +=
                8.0 * static_cast<double>(varint_size(index - next) + varint_size(zigzag_encode(difference)));
            next = index + 1;
        }
    });
}

}  // namespace coding
}  // namespace FEWBITS_ISA
}  // namespace fewbits
