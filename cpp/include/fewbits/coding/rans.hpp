// FALLBACK
#pragma once
#include "fewbits/coding/static_table.hpp"
namespace fewbits {
inline namespace FEWBITS_ISA {
namespace coding {
inline void rans32_encode(ByteSpan ranks, const EncodeTable& t, unsigned lanes, Bytes& out) {
    std::vector<std::uint32_t> x(lanes, 1u << 16);
    std::vector<std::uint16_t> words;
    for (std::size_t i = ranks.size(); i-- > 0;) {
        auto& s = x[i % lanes];
        const std::uint32_t f = t.f[ranks[i]];
        if (s >= (std::uint64_t{f} << (32 - t.p))) {
            words.push_back(static_cast<std::uint16_t>(s));
            s >>= 16;
        }
        s = ((s / f) << t.p) + s % f + t.s[ranks[i]];
    }
    for (auto s : x) append_le(out, s);
    for (std::size_t i = words.size(); i-- > 0;) append_le(out, words[i]);
}
inline void rans32_decode(ByteSpan payload, const DecodeTable& t, unsigned lanes, Span<std::uint8_t> ranks) {
    ByteReader r(payload, "rans");
    std::vector<std::uint32_t> x;
    for (unsigned i = 0; i < lanes; ++i) {
        x.push_back(r.u32());
        if (x.back() < 65536) r.fail("state");
    }
    const unsigned p = t.e.p;
    for (std::size_t i = 0; i < ranks.size(); ++i) {
        auto& s = x[i % lanes];
        const std::uint32_t slot = s & ((1u << p) - 1);
        const auto k = t.slot[slot];
        ranks[i] = static_cast<std::uint8_t>(k);
        s = t.e.f[k] * (s >> p) + slot - t.e.s[k];
        if (s < 65536) s = (s << 16) | r.u16();
    }
    for (auto s : x)
        if (s != 65536) r.fail("end");
    r.expect_end();
}
}  // namespace coding
}  // namespace FEWBITS_ISA
}  // namespace fewbits
