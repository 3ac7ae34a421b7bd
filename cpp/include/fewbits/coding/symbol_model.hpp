// Models behind one interface: what coders that mix models (coding/sequence.hpp, coding/ans_stack.hpp) need
// of a static table, of parametric models, and of rows of probabilities.
//
// A row model gives each symbol its own probabilities over lo..lo + n - 1. With M = 2^24, in float64:
//   cum_0 = 0, cum_(s+1) = cum_s + p_s;   r = (M - n) / cum_n;   C(s) = trunc(cum_s r) + s, C(n) = M
// one product and one truncation a symbol, no search, every frequency at least 1 (the leak costs at most
// n / 2^24 / ln 2 bits). Sums pass a barrier: the order of additions is part of the format.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <utility>

#include "fewbits/coding/integer_cdf.hpp"
#include "fewbits/coding/rans.hpp"
#include "fewbits/coding/static_table.hpp"
#include "fewbits/core/bits.hpp"
#include "fewbits/core/checksum.hpp"
#include "fewbits/core/error_free.hpp"
#include "fewbits/core/isa.hpp"
#include "fewbits/core/span.hpp"

namespace fewbits {
inline namespace FEWBITS_ISA {
namespace coding {

// What a model is in a stream's header.
enum class ModelKind : std::uint8_t { gaussian, laplace, logistic, rows, table };

class SymbolModel {
public:
    static constexpr std::size_t capacity = PreparedParameters::capacity;
    static constexpr std::size_t any_number = ~std::size_t{0};

    virtual ~SymbolModel() = default;
    virtual ModelKind kind() const = 0;
    // Symbols that the model has parameters for; any_number where they share one distribution.
    virtual std::size_t size() const = 0;
    virtual unsigned precision() const = 0;
    // Intervals of symbols [begin, begin + count), count <= capacity, given from symbols[0] on. A symbol the
    // model does not have is an ArgumentError.
    virtual void intervals(const std::int32_t* symbols, std::size_t begin, std::size_t count,
                           std::uint32_t* starts, std::uint32_t* frequencies) = 0;
    // The symbol of slot t < 2^precision at position i.
    virtual SymbolInterval find(std::size_t i, std::uint32_t t) = 0;
};

class TableSymbolModel final : public SymbolModel {
public:
    explicit TableSymbolModel(std::shared_ptr<const DecodeTable> table) : table_(std::move(table)) {}
    ModelKind kind() const override { return ModelKind::table; }
    std::size_t size() const override { return any_number; }
    unsigned precision() const override { return table_->precision(); }
    void intervals(const std::int32_t* symbols, std::size_t begin, std::size_t count, std::uint32_t* starts,
                   std::uint32_t* frequencies) override {
        const StaticTable& table = table_->table();
        for (std::size_t i = 0; i < count; ++i) {
            const std::uint32_t rank = table.rank_of_symbol(symbols[i]);
            if (rank == table.ranks() || table.frequency_of_rank(rank) == 0) {
                throw ArgumentError(
                    "encode: symbols must have a positive frequency in the model, got symbols[" +
                    std::to_string(begin + i) + "] = " + std::to_string(symbols[i]));
            }
            starts[i] = table.start_of_rank(rank);
            frequencies[i] = table.frequency_of_rank(rank);
        }
    }
    SymbolInterval find(std::size_t, std::uint32_t t) override {
        const StaticTable& table = table_->table();
        std::uint32_t low = 0, high = table.ranks();
        // Invariant: start(low) <= t < start(high). Ranks of frequency 0 share their start with the next one.
        while (high - low > 1) {
            const std::uint32_t middle = low + (high - low) / 2;
            (table.start_of_rank(middle) <= t ? low : high) = middle;
        }
        return {table.symbol_of_rank(low), table.start_of_rank(low), table.frequency_of_rank(low)};
    }

private:
    std::shared_ptr<const DecodeTable> table_;
};

// Symbols of the view must lie in the support, which is part of the model here.
class MixtureSymbolModel final : public SymbolModel {
public:
    MixtureSymbolModel(const MixtureView& view, const Support& support)
        : view_(view), support_(support), prepared_(new PreparedParameters) {
        detail::check_rounding_mode();
        detail::check_view("coding", view);
        detail::check_support("coding", support);
        FEWBITS_REQUIRE(support.low_bits == 0, "coding: a model of single symbols has no low bits");
    }
    ModelKind kind() const override { return static_cast<ModelKind>(view_.family); }
    std::size_t size() const override { return view_.stride_n == 0 ? any_number : view_.n; }
    unsigned precision() const override { return cdf_precision; }
    void intervals(const std::int32_t* symbols, std::size_t begin, std::size_t count, std::uint32_t* starts,
                   std::uint32_t* frequencies) override {
        for (std::size_t i = 0; i < count; ++i) {
            if (symbols[i] >= support_.lo && symbols[i] <= support_.hi()) continue;
            throw ArgumentError("encode: symbols must be in the model's support " +
                                std::to_string(support_.lo) + ".." + std::to_string(support_.hi()) +
                                ", got symbols[" + std::to_string(begin + i) +
                                "] = " + std::to_string(symbols[i]));
        }
        // prepare() may fill whole groups, mixture_intervals() stores them.
        prepare(begin, count);
        alignas(32) std::uint32_t s[capacity], f[capacity];
        mixture_intervals(*prepared_, view_.family, support_, symbols, count, s, f);
        std::memcpy(starts, s, count * sizeof *s);
        std::memcpy(frequencies, f, count * sizeof *f);
    }
    SymbolInterval find(std::size_t i, std::uint32_t t) override {
        if (size() == any_number) i = 0;
        const std::size_t begin = i / capacity * capacity;
        if (begin_ != begin || count_ < std::min(capacity, view_.n - begin))
            prepare(begin, std::min(capacity, view_.n - begin));
        return mixture_find_one(*prepared_, view_.family, support_, i - begin, t);
    }

private:
    void prepare(std::size_t begin, std::size_t count) {
        prepared_->prepare("coding", view_, begin, count, support_.size, true);
        begin_ = size() == any_number ? 0 : begin;
        count_ = size() == any_number ? capacity : count;
    }

    MixtureView view_;
    Support support_;
    std::unique_ptr<PreparedParameters> prepared_;
    std::size_t begin_ = any_number, count_ = 0;  // what is prepared
};

// Probabilities of n symbols over `alphabet` values, from `lo`, row by row.
struct RowsView {
    const double* probs = nullptr;
    std::size_t n = 0;
    std::uint32_t alphabet = 0;
    std::int32_t lo = 0;

    RowsView part(std::size_t begin, std::size_t count) const {
        return {probs + begin * alphabet, count, alphabet, lo};
    }
};

namespace detail {

inline void check_rows(const char* function, const RowsView& view) {
    FEWBITS_REQUIRE(view.alphabet >= 1 && view.alphabet <= max_support,
                    std::string(function) + ": rows must have 1 to 65536 probabilities, got " +
                        std::to_string(view.alphabet));
    FEWBITS_REQUIRE(std::int64_t{view.lo} + view.alphabet - 1 <= INT32_MAX,
                    std::string(function) + ": symbols must fit int32");
    FEWBITS_REQUIRE(view.n == 0 || view.probs != nullptr, std::string(function) + ": probs must be given");
}

}  // namespace detail

class RowsSymbolModel final : public SymbolModel {
public:
    explicit RowsSymbolModel(const RowsView& view, std::size_t first = 0) : view_(view), first_(first) {
        detail::check_rows("coding", view);
    }
    ModelKind kind() const override { return ModelKind::rows; }
    std::size_t size() const override { return view_.n; }
    unsigned precision() const override { return cdf_precision; }
    void intervals(const std::int32_t* symbols, std::size_t begin, std::size_t count, std::uint32_t* starts,
                   std::uint32_t* frequencies) override {
        for (std::size_t i = 0; i < count; ++i) {
            const std::int64_t s = std::int64_t{symbols[i]} - view_.lo;
            if (s < 0 || s >= std::int64_t{view_.alphabet}) {
                throw ArgumentError("encode: symbols must be in " + std::to_string(view_.lo) + ".." +
                                    std::to_string(std::int64_t{view_.lo} + view_.alphabet - 1) +
                                    ", got symbols[" + std::to_string(first_ + begin + i) +
                                    "] = " + std::to_string(symbols[i]));
            }
            const double* row = view_.probs + (begin + i) * view_.alphabet;
            const double r = factor(begin + i);
            double sum = 0.0;
            for (std::int64_t j = 0; j < s; ++j) sum = value_barrier(sum + row[j]);
            starts[i] = edge(sum, r, static_cast<std::uint32_t>(s));
            sum = value_barrier(sum + row[s]);
            frequencies[i] = edge(sum, r, static_cast<std::uint32_t>(s) + 1) - starts[i];
        }
    }
    SymbolInterval find(std::size_t i, std::uint32_t t) override {
        const double* row = view_.probs + i * view_.alphabet;
        const double r = factor(i);
        double sum = 0.0;
        std::uint32_t start = 0;
        for (std::uint32_t s = 0;; ++s) {
            sum = value_barrier(sum + row[s]);
            const std::uint32_t end = edge(sum, r, s + 1);
            // The last edge is M, above every slot.
            if (t < end) return {view_.lo + static_cast<std::int32_t>(s), start, end - start};
            start = end;
        }
    }
    // C(0), ..., C(n) of a row.
    void edges(std::size_t i, Span<std::uint32_t> out) const {
        const double* row = view_.probs + i * view_.alphabet;
        const double r = factor(i);
        double sum = 0.0;
        for (std::uint32_t s = 0; s <= view_.alphabet; ++s) {
            out[s] = edge(sum, r, s);
            if (s < view_.alphabet) sum = value_barrier(sum + row[s]);
        }
    }

private:
    std::uint32_t edge(double sum, double r, std::uint32_t s) const {
        return s == view_.alphabet ? cdf_total : static_cast<std::uint32_t>(value_barrier(sum * r)) + s;
    }
    // (M - n) / sum of the row, which is checked.
    double factor(std::size_t i) const {
        const double* row = view_.probs + i * view_.alphabet;
        double sum = 0.0;
        for (std::uint32_t s = 0; s < view_.alphabet; ++s) {
            std::uint64_t bits;
            std::memcpy(&bits, &row[s], sizeof bits);
            if (bits >= 0x7ff0000000000000U && bits != 0x8000000000000000U) {
                throw ArgumentError("coding: probs[row " + std::to_string(first_ + i) + ", column " +
                                    std::to_string(s) + "] must be finite and at least 0");
            }
            sum = value_barrier(sum + row[s]);
        }
        if (!(sum >= 1.0 / (1 << 20) && sum <= 1 << 20)) {
            throw ArgumentError("coding: probs[row " + std::to_string(first_ + i) +
                                "] must sum to 2^-20..2^20");
        }
        return value_barrier(static_cast<double>(cdf_total - view_.alphabet) / sum);
    }

    RowsView view_;
    std::size_t first_;
};

}  // namespace coding
}  // namespace FEWBITS_ISA
}  // namespace fewbits
