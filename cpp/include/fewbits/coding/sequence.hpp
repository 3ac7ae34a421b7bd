// Streams of calls: symbols coded under one model after the other, where the parameters of later calls may
// depend on what was decoded before (autoregressive models, checkerboards, channel groups).
//
//   u8 0x61 (version 1, kind 6), u8 log2(lanes) | checksum 8, varint number of calls, per call
//     varint n, u8 model (0 gaussian, 1 laplace, 2 logistic, 3 rows, 4 table), of 0..2: u8 components,
//     zigzag varint lo, varint size of the support, varint count of exceptions and these as in
//     coding/block.hpp
//   varint word count, states and words of A64; [u32 CRC-32C of everything before]
// Symbol i, counted over all calls, belongs to lane i mod N. Models are coded at their own precision: tables
// at theirs, the others at 24.
//
// Contract: the decoder repeats the calls with the same models and numbers of symbols; anything else is
// ParameterMismatchError where the header tells, else CorruptDataError at finish(). Output is bounded by what
// the caller asks for.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "fewbits/coding/block.hpp"
#include "fewbits/coding/mixture.hpp"
#include "fewbits/coding/rans64.hpp"
#include "fewbits/coding/symbol_model.hpp"
#include "fewbits/core/bits.hpp"
#include "fewbits/core/checksum.hpp"
#include "fewbits/core/isa.hpp"
#include "fewbits/core/span.hpp"

namespace fewbits {
inline namespace FEWBITS_ISA {
namespace coding {

class SequenceEncoder {
public:
    // Symbols under a table, or under rows of probabilities.
    void put(Span<const std::int32_t> symbols, const std::shared_ptr<const DecodeTable>& table) {
        TableSymbolModel model(table);
        put(symbols, model);
    }
    void put(Span<const std::int32_t> symbols, const RowsView& view) {
        FEWBITS_REQUIRE(view.n == symbols.size(), "Encoder.put: probs must have a row for each symbol");
        RowsSymbolModel model(view);
        put(symbols, model);
    }
    // Symbols under parameters of their own; the support is chosen as in coding/mixture.hpp, without low
    // bits.
    void put(Span<const std::int32_t> symbols, const MixtureView& view) {
        FEWBITS_REQUIRE(view.n == symbols.size(),
                        "Encoder.put: parameters must have one entry for each symbol");
        check_parameters("Encoder.put", view);
        Bytes header;
        append_varint(header, symbols.size());
        header.push_back(static_cast<std::uint8_t>(view.family));
        if (!symbols.empty()) {
            CodedBins coded;
            std::int32_t low = 0, high = 0;
            detail::symbol_range("Encoder.put", symbols, 0, low, high);
            coded.bins.assign(symbols.begin(), symbols.end());
            if (std::int64_t{high} - low >= max_support)
                std::tie(low, high) = detail::choose_window(coded.bins);
            for (std::size_t i = 0; i < symbols.size(); ++i) {
                coded.bins[i] = std::min(std::max(symbols[i], low), high);
                if (symbols[i] != coded.bins[i])
                    coded.exceptions.emplace_back(static_cast<std::uint32_t>(i), symbols[i] - coded.bins[i]);
            }
            const Support support{low, static_cast<std::uint32_t>(std::int64_t{high} - low + 1), 0};
            header.push_back(static_cast<std::uint8_t>(view.k));
            append_varint(header, zigzag_encode(support.lo));
            append_varint(header, support.size);
            append(header, detail::exceptions_payload(coded));
            MixtureSymbolModel model(view, support);
            add(coded.bins, model);
        }
        append(headers_, header);
        ++calls_;
    }

    // The stream; the encoder is then as new. lanes = 0 chooses by the expected size.
    Bytes finish(unsigned lanes = 0, bool checksum = false) {
        detail::check_lanes64("Encoder.finish", lanes);
        if (lanes == 0) {
            const std::uint64_t bytes = (bits_ >> log2_fraction_bits) / 8;
            lanes = bytes >= 8192 ? 8 : bytes >= 2048 ? 4 : 1;
        }
        std::array<std::uint64_t, 8> states;
        states.fill(rans64_lower);
        std::vector<std::uint32_t> words;
        for (std::size_t i = steps_.size(); i-- > 0;) {
            const Step& step = steps_[i];
            std::uint64_t& x = states[i & (lanes - 1)];
            if (x >> (63 - step.precision) >= step.frequency) {
                words.push_back(static_cast<std::uint32_t>(x & 0xffffffffU));
                x >>= 32;
            }
            x = ((x / step.frequency) << step.precision) + x % step.frequency + step.start;
        }
        Bytes out{0x61, static_cast<std::uint8_t>((bit_length(lanes) - 1) |
                                                  (checksum ? detail::flag_checksum : 0U))};
        append_varint(out, calls_);
        append(out, headers_);
        append_varint(out, words.size());
        for (unsigned lane = 0; lane < lanes; ++lane) append_le(out, states[lane]);
        for (auto word = words.rbegin(); word != words.rend(); ++word) append_le(out, *word);
        if (checksum) append_le(out, crc32c(out));
        *this = SequenceEncoder();
        return out;
    }

private:
    struct Step {
        std::uint32_t start, frequency;
        unsigned precision;
    };

    void put(Span<const std::int32_t> symbols, SymbolModel& model) {
        add(symbols, model);
        append_varint(headers_, symbols.size());
        headers_.push_back(static_cast<std::uint8_t>(model.kind()));
        ++calls_;
    }
    void add(Span<const std::int32_t> symbols, SymbolModel& model) {
        FEWBITS_REQUIRE(steps_.size() + symbols.size() <= max_block_symbols,
                        "Encoder.put: a stream holds at most 2^26 symbols");
        const std::size_t before = steps_.size();
        std::uint32_t starts[SymbolModel::capacity], frequencies[SymbolModel::capacity];
        try {
            for (std::size_t begin = 0; begin < symbols.size(); begin += SymbolModel::capacity) {
                const std::size_t count = std::min(SymbolModel::capacity, symbols.size() - begin);
                model.intervals(symbols.data() + begin, begin, count, starts, frequencies);
                for (std::size_t i = 0; i < count; ++i) {
                    steps_.push_back({starts[i], frequencies[i], model.precision()});
                    bits_ +=
                        (std::uint64_t{model.precision()} << log2_fraction_bits) - log2_fixed(frequencies[i]);
                }
            }
        } catch (...) {
            // A refused call leaves no trace.
            steps_.resize(before);
            throw;
        }
    }

    std::vector<Step> steps_;
    Bytes headers_;
    std::size_t calls_ = 0;
    std::uint64_t bits_ = 0;
};

// Reads the stream; the data are copied. After the last call, finish().
class SequenceDecoder {
public:
    explicit SequenceDecoder(ByteSpan data) : data_(data.begin(), data.end()) {
        ByteReader reader(data_, "stream");
        if (reader.u8() != 0x61) reader.fail("this is no stream of an Encoder");
        const std::uint8_t flags = reader.u8();
        lanes_ = 1U << (flags & 7U);
        if ((flags & 0xf0U) != 0 || !is_lanes64(lanes_)) reader.fail("the stream has unknown flags");
        const std::uint64_t calls = reader.varint(32);
        if (calls > reader.remaining() / 2) reader.fail("the stream has more calls than bytes for them");
        std::uint64_t total = 0;
        for (std::uint64_t i = 0; i < calls; ++i) {
            Call call;
            call.n = reader.varint(32);
            total += call.n;
            call.kind = reader.u8();
            if (call.kind > 4) reader.fail("the stream has an unknown model");
            if (call.kind < 3 && call.n > 0) {
                call.components = reader.u8();
                const std::int64_t lo = reader.zigzag(33);
                const std::uint64_t size = reader.varint(32);
                if (size < 1 || size > max_support || lo < INT32_MIN ||
                    lo + static_cast<std::int64_t>(size) - 1 > INT32_MAX)
                    reader.fail("a support leaves int32");
                call.support = {static_cast<std::int32_t>(lo), static_cast<std::uint32_t>(size), 0};
                call.exceptions = reader.varint(32);
                if (call.exceptions > call.n) reader.fail("a call has more exceptions than symbols");
                call.exceptions_at = reader.position();
                std::uint64_t next = 0;
                for (std::uint64_t j = 0; j < call.exceptions; ++j) {
                    next += reader.varint(32) + 1;
                    if (next > call.n) reader.fail("an exception lies behind its call");
                    if (reader.varint(33) == 0) reader.fail("an exception is none");
                }
            }
            calls_.push_back(call);
        }
        if (total > max_block_symbols) reader.fail("a stream has more than 2^26 symbols");
        const std::uint64_t words = reader.varint(32);
        if (words > total) reader.fail("a stream has more words than symbols");
        const std::size_t at = reader.position();
        reader.bytes((static_cast<std::size_t>(words) + 2 * lanes_) * 4);
        const std::size_t end = reader.position();
        if ((flags & detail::flag_checksum) != 0) {
            const std::uint32_t computed = crc32c(ByteSpan(data_).first(end));
            if (reader.u32() != computed) reader.fail("the stream's checksum is wrong");
        }
        reader.expect_end();
        for (unsigned lane = 0; lane < lanes_; ++lane) {
            states_[lane] = load_le<std::uint64_t>(data_.data() + at + 8 * lane);
            if (states_[lane] < rans64_lower || states_[lane] >> 63 != 0)
                reader.fail("an initial state is out of range");
        }
        next_ = at + 8 * lanes_;
        end_ = end;
    }

    void get(const std::shared_ptr<const DecodeTable>& table, Span<std::int32_t> symbols) {
        TableSymbolModel model(table);
        next_call(symbols.size(), ModelKind::table);
        take(model, symbols);
    }
    void get(const RowsView& view, Span<std::int32_t> symbols) {
        FEWBITS_REQUIRE(view.n == symbols.size(), "Decoder.get: probs must have a row for each symbol");
        RowsSymbolModel model(view);
        next_call(symbols.size(), ModelKind::rows);
        take(model, symbols);
    }
    void get(const MixtureView& view, Span<std::int32_t> symbols) {
        FEWBITS_REQUIRE(view.n == symbols.size(),
                        "Decoder.get: parameters must have one entry for each symbol");
        check_parameters("Decoder.get", view);
        const Call call = next_call(symbols.size(), static_cast<ModelKind>(view.family));
        if (call.n == 0) return;
        if (call.components != static_cast<unsigned>(view.k)) {
            throw ParameterMismatchError("Decoder.get: the call was coded with models of " +
                                         std::to_string(call.components) + " components, not of " +
                                         std::to_string(view.k));
        }
        MixtureSymbolModel model(view, call.support);
        take(model, symbols);
        ByteReader list(ByteSpan(data_).subspan(call.exceptions_at, data_.size() - call.exceptions_at),
                        "exceptions");
        std::size_t next = 0;
        for (std::uint64_t i = 0; i < call.exceptions; ++i) {
            next += static_cast<std::size_t>(list.varint(32));
            const std::int64_t symbol = std::int64_t{symbols[next]} + list.zigzag(33);
            if (symbol < INT32_MIN || symbol > INT32_MAX) detail::fail_symbol_range("int32");
            symbols[next++] = static_cast<std::int32_t>(symbol);
        }
    }
    // Symbols of the next call; 0 after the last one.
    std::uint64_t next_size() const { return call_ < calls_.size() ? calls_[call_].n : 0; }
    std::size_t calls_left() const { return calls_.size() - call_; }

    // To be called after the last get.
    void finish() const {
        bool good = next_ == end_ && call_ == calls_.size();
        for (unsigned lane = 0; lane < lanes_; ++lane) good = good && states_[lane] == rans64_lower;
        if (!good) {
            throw CorruptDataError(
                "Decoder.finish: calls are missing, data damaged, or parameters differ from those used for "
                "encoding");
        }
    }

private:
    struct Call {
        std::uint64_t n = 0;
        unsigned kind = 0, components = 0;
        Support support;
        std::uint64_t exceptions = 0;
        std::size_t exceptions_at = 0;
    };

    Call next_call(std::size_t n, ModelKind kind) {
        FEWBITS_REQUIRE(call_ < calls_.size(), "Decoder.get: the stream has no further call");
        const Call& call = calls_[call_];
        FEWBITS_REQUIRE(call.n == n, "Decoder.get: the next call has " + std::to_string(call.n) +
                                         " symbols, asked for " + std::to_string(n));
        if (call.kind != static_cast<unsigned>(kind))
            throw ParameterMismatchError("Decoder.get: the call was coded with another kind of model");
        ++call_;
        return call;
    }
    void take(SymbolModel& model, Span<std::int32_t> symbols) {
        const unsigned precision = model.precision();
        for (std::size_t i = 0; i < symbols.size(); ++i, ++index_) {
            std::uint64_t& state = states_[index_ & (lanes_ - 1)];
            const std::uint32_t t = static_cast<std::uint32_t>(state) & ((1U << precision) - 1);
            const SymbolInterval found = model.find(i, t);
            std::uint64_t x = found.frequency * (state >> precision) + t - found.start;
            if (x < rans64_lower) {
                if (next_ == end_) throw CorruptDataError("Decoder.get: the stream is truncated");
                x = x << 32 | load_le<std::uint32_t>(data_.data() + next_);
                next_ += 4;
            }
            state = x;
            symbols[i] = found.symbol;
        }
    }

    Bytes data_;
    std::vector<Call> calls_;
    std::size_t call_ = 0, index_ = 0;
    unsigned lanes_ = 1;
    std::array<std::uint64_t, 8> states_{};
    std::size_t next_ = 0, end_ = 0;
};

}  // namespace coding
}  // namespace FEWBITS_ISA
}  // namespace fewbits
