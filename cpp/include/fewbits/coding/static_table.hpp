// FALLBACK static tables
#pragma once
#include <algorithm>
#include <cstdint>
#include <vector>
#include "fewbits/core/bits.hpp"
#include "fewbits/core/span.hpp"
namespace fewbits {
inline namespace FEWBITS_ISA {
namespace coding {
class StaticTable {
public:
    StaticTable() = default;
    static StaticTable from_counts(Span<const std::uint64_t> counts, std::int32_t lo, unsigned precision) {
        std::uint64_t total = 0;
        for (auto c : counts) total += c;
        const std::uint64_t M = std::uint64_t{1} << precision;
        std::vector<std::uint32_t> f(counts.size());
        std::int64_t sum = 0;
        for (std::size_t i = 0; i < f.size(); ++i) {
            if (counts[i])
                f[i] = static_cast<std::uint32_t>(std::max<std::uint64_t>(1, counts[i] * M / total));
            sum += f[i];
        }
        while (sum != static_cast<std::int64_t>(M)) {
            std::size_t best = f.size();
            for (std::size_t i = 0; i < f.size(); ++i) {
                if (!f[i]) continue;
                if (sum > static_cast<std::int64_t>(M) && f[i] == 1) continue;
                if (best == f.size()) {
                    best = i;
                    continue;
                }
                const double a = double(counts[i]) /
                                 (sum < static_cast<std::int64_t>(M) ? 2.0 * f[i] + 1 : 2.0 * f[i] - 1),
                             b = double(counts[best]) /
                                 (sum < static_cast<std::int64_t>(M) ? 2.0 * f[best] + 1 : 2.0 * f[best] - 1);
                if (sum < static_cast<std::int64_t>(M) ? a > b : a < b) best = i;
            }
            if (sum < static_cast<std::int64_t>(M)) {
                ++f[best];
                ++sum;
            } else {
                --f[best];
                --sum;
            }
        }
        return from_frequencies(f, lo, precision);
    }
    static StaticTable from_frequencies(Span<const std::uint32_t> f, std::int32_t lo, unsigned precision) {
        StaticTable t;
        t.lo_ = lo;
        t.precision_ = precision;
        t.f_.assign(f.begin(), f.end());
        std::uint64_t s = 0;
        for (auto x : f) {
            t.start_.push_back(static_cast<std::uint32_t>(s));
            s += x;
            t.used_ += x > 0;
        }
        if (s != std::uint64_t{1} << precision) throw CorruptDataError("table: frequencies do not sum up");
        t.offsets_ = f.size() <= 256;
        for (std::size_t i = 0; i < f.size(); ++i)
            if (t.offsets_ || f[i]) t.symbols_.push_back(lo + static_cast<std::int32_t>(i));
        return t;
    }
    std::int32_t lo() const { return lo_; }
    std::uint32_t span() const { return static_cast<std::uint32_t>(f_.size()); }
    unsigned precision() const { return precision_; }
    std::uint32_t used() const { return used_; }
    bool ranks_are_offsets() const { return offsets_; }
    std::uint32_t ranks() const { return static_cast<std::uint32_t>(symbols_.size()); }
    std::int32_t symbol_of_rank(std::uint32_t r) const { return symbols_[r]; }
    std::uint32_t frequency(std::int32_t s) const { return f_[static_cast<std::size_t>(s - lo_)]; }
    std::uint32_t start(std::int32_t s) const { return start_[static_cast<std::size_t>(s - lo_)]; }
    void append_to(Bytes& out) const {
        append_varint(out, zigzag_encode(lo_));
        append_varint(out, span());
        out.push_back(static_cast<std::uint8_t>(precision_));
        BitWriter w;
        for (std::size_t i = 0; i < f_.size();) {
            if (f_[i]) {
                w.put(1, 1);
                w.put_gamma(f_[i++]);
            } else {
                std::uint32_t n = 0;
                while (i < f_.size() && !f_[i]) ++n, ++i;
                w.put(0, 1);
                w.put_gamma(n);
            }
        }
        append(out, w.finish());
    }
    static StaticTable read(ByteReader& r) {
        const auto lo = static_cast<std::int32_t>(r.zigzag(32));
        const auto span = r.varint(17);
        const unsigned p = r.u8();
        if (span > 65536 || p > 15 || p < 8 || lo < -(1 << 30) || lo > (1 << 30)) r.fail("bad table");
        const ByteSpan rest = r.bytes(0);
        std::vector<std::uint32_t> f;
        ByteSpan all(rest.data(), r.remaining());
        BitReader b(all, "table");
        while (f.size() < span) {
            if (b.get(1))
                f.push_back(b.get_gamma());
            else {
                auto n = b.get_gamma();
                if (n > span - f.size()) r.fail("bad run");
                f.resize(f.size() + n);
            }
        }
        b.expect_zero_padding();
        r.bytes(b.bytes_used());
        return from_frequencies(f, lo, p);
    }

private:
    std::int32_t lo_ = 0;
    unsigned precision_ = 0;
    std::uint32_t used_ = 0;
    bool offsets_ = false;
    std::vector<std::uint32_t> f_, start_;
    std::vector<std::int32_t> symbols_;
};
class EncodeTable {
public:
    EncodeTable() = default;
    explicit EncodeTable(const StaticTable& t) : p(t.precision()) {
        for (std::uint32_t r = 0; r < t.ranks(); ++r) {
            f.push_back(t.frequency(t.symbol_of_rank(r)));
            s.push_back(t.start(t.symbol_of_rank(r)));
        }
    }
    unsigned p = 0;
    std::vector<std::uint32_t> f, s;
};
class DecodeTable {
public:
    explicit DecodeTable(const StaticTable& t) : t_(t), e(t) {
        for (std::uint32_t r = 0; r < t.ranks(); ++r)
            for (std::uint32_t i = 0; i < e.f[r]; ++i) slot.push_back(static_cast<std::uint16_t>(r));
    }
    const StaticTable& table() const { return t_; }
    std::uint32_t ranks() const { return t_.ranks(); }
    StaticTable t_;
    EncodeTable e;
    std::vector<std::uint16_t> slot;
};
template <class C>
void histogram(ByteSpan d, Span<C> counts) {
    for (auto b : d) ++counts[b];
}
}  // namespace coding
}  // namespace FEWBITS_ISA
}  // namespace fewbits
