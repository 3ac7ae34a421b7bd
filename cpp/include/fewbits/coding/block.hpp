// FALLBACK
#pragma once
#include <functional>
#include <memory>
#include <optional>
#include "fewbits/coding/bitpack.hpp"
#include "fewbits/coding/rans.hpp"
namespace fewbits {
inline namespace FEWBITS_ISA {
namespace coding {
enum class BlockKind : std::uint8_t { empty, constant, stored, static_table };
using TableResolver = std::function<std::shared_ptr<const DecodeTable>(std::uint64_t)>;
struct BlockView {
    BlockKind kind;
    std::size_t n = 0;
    std::int64_t value = 0, min = 0;
    unsigned width = 0, lanes = 1;
    std::shared_ptr<const DecodeTable> table;
    ByteSpan payload;
};
namespace detail {
inline void head(Bytes& o, BlockKind k, std::uint8_t b2, std::size_t n) {
    o.push_back(static_cast<std::uint8_t>(1 | (unsigned(k) << 4)));
    o.push_back(b2);
    append_varint(o, n);
}
}  // namespace detail
inline void append_empty_block(Bytes& o) { detail::head(o, BlockKind::empty, 0, 0); }
inline void append_const_block(Bytes& o, std::size_t n, std::int64_t v) {
    detail::head(o, BlockKind::constant, 0, n);
    append_varint(o, zigzag_encode(v));
}
inline void append_stored_block(Bytes& o, std::size_t n, std::int64_t min, unsigned w, ByteSpan p) {
    detail::head(o, BlockKind::stored, 0, n);
    append_varint(o, zigzag_encode(min));
    o.push_back(static_cast<std::uint8_t>(w));
    append(o, p);
}
inline void append_static_block(Bytes& o, ByteSpan ranks, const StaticTable& t, const EncodeTable& e,
                                std::optional<std::uint32_t> id) {
    const unsigned log_lanes = ranks.size() >= 32768 ? 5 : ranks.size() >= 4096 ? 2 : 0;
    detail::head(o, BlockKind::static_table, static_cast<std::uint8_t>(log_lanes | (id ? 0 : 128)),
                 ranks.size());
    o.push_back(static_cast<std::uint8_t>(t.precision()));
    if (id)
        append_varint(o, *id);
    else
        t.append_to(o);
    Bytes p;
    rans32_encode(ranks, e, 1u << log_lanes, p);
    append_varint(o, (p.size() - (4u << log_lanes)) / 2);
    append(o, p);
}
inline BlockView read_block(ByteReader& r, const TableResolver& tables, std::size_t max) {
    BlockView v;
    const unsigned a = r.u8(), b = r.u8();
    if ((a & 15) != 1 || (a >> 4) > 3) r.fail("kind");
    v.kind = static_cast<BlockKind>(a >> 4);
    v.n = r.varint(26);
    if (v.n > max) r.fail("too many");
    if (v.kind == BlockKind::constant) v.value = r.zigzag(33);
    if (v.kind == BlockKind::stored) {
        v.min = r.zigzag(33);
        v.width = r.u8();
        if (v.width > 32) r.fail("width");
        v.payload = r.bytes(packed_size(v.n, v.width));
    }
    if (v.kind == BlockKind::static_table) {
        v.lanes = 1u << (b & 7);
        const unsigned p = r.u8();
        if (b & 128)
            v.table = std::make_shared<const DecodeTable>(StaticTable::read(r));
        else
            v.table = tables(r.varint(32));
        if (v.table->table().precision() != p) r.fail("precision");
        const auto words = r.varint(32);
        if (words > (1u << 27)) r.fail("words");
        v.payload = r.bytes(4 * v.lanes + 2 * words);
    }
    return v;
}
inline void decode_ranks(const BlockView& v, Span<std::uint8_t> out) {
    rans32_decode(v.payload, *v.table, v.lanes, out);
}
inline void decode_symbols(const BlockView& v, Span<std::int32_t> out) {
    if (v.kind == BlockKind::constant) {
        for (auto& o : out) o = static_cast<std::int32_t>(v.value);
        return;
    }
    if (v.kind == BlockKind::stored) {
        BitReader b(v.payload);
        for (auto& o : out) o = static_cast<std::int32_t>(v.min + static_cast<std::int64_t>(b.get(v.width)));
        return;
    }
    Bytes t(v.n);
    if (v.table->ranks() > 256) throw CorruptDataError("x");
    decode_ranks(v, t);
    for (std::size_t i = 0; i < v.n; ++i) out[i] = v.table->table().symbol_of_rank(t[i]);
}
inline void decode_bytes(const BlockView& v, Span<std::uint8_t> out) {
    std::vector<std::int32_t> s(v.n);
    decode_symbols(v, s);
    for (std::size_t i = 0; i < v.n; ++i) {
        if (s[i] < 0 || s[i] > 255) throw CorruptDataError("byte");
        out[i] = static_cast<std::uint8_t>(s[i]);
    }
}
}  // namespace coding
}  // namespace FEWBITS_ISA
}  // namespace fewbits
