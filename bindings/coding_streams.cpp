// Streams of calls, the stack, and the streams of CompressAI.
#include "bindings.hpp"
#include "coding.hpp"
#include "fewbits/coding/ans_stack.hpp"
#include "fewbits/coding/compressai.hpp"
#include "fewbits/coding/sequence.hpp"

using namespace fewbits;

namespace {

using Symbols = Array1<const std::int32_t>;
using Out = Array1<std::int32_t>;

coding::CompressAiTables tables(const Symbols& cdfs, std::size_t width, const Symbols& sizes,
                                const Symbols& offsets) {
    return {span(cdfs), width, span(sizes), span(offsets)};
}

void register_sequence(nb::module_& m) {
    nb::class_<coding::SequenceEncoder>(m, "SequenceEncoder")
        .def(nb::init<>())
        .def(
            "put_table",
            [](coding::SequenceEncoder& self, Symbols symbols, const Model& model) {
                self.put(span(symbols), model.decode_table());
            },
            "symbols"_a.noconvert(), "model"_a)
        .def(
            "put_mixture",
            [](coding::SequenceEncoder& self, Symbols symbols, const Mixture& model) {
                self.put(span(symbols), model.view(symbols.size()));
            },
            "symbols"_a.noconvert(), "model"_a)
        .def(
            "put_rows",
            [](coding::SequenceEncoder& self, Symbols symbols, const Rows& model) {
                self.put(span(symbols), model.view());
            },
            "symbols"_a.noconvert(), "model"_a)
        .def(
            "finish",
            [](coding::SequenceEncoder& self, unsigned lanes, bool checksum) {
                return to_bytes(self.finish(lanes, checksum));
            },
            "lanes"_a, "checksum"_a);
    nb::class_<coding::SequenceDecoder>(m, "SequenceDecoder")
        .def(
            "__init__",
            [](coding::SequenceDecoder* self, ByteArray data) {
                new (self) coding::SequenceDecoder(span(data));
            },
            "data"_a.noconvert())
        .def(
            "get_table",
            [](coding::SequenceDecoder& self, const Model& model, Out out) {
                self.get(model.decode_table(), span(out));
            },
            "model"_a, "out"_a.noconvert())
        .def(
            "get_mixture",
            [](coding::SequenceDecoder& self, const Mixture& model, Out out) {
                self.get(model.view(out.size()), span(out));
            },
            "model"_a, "out"_a.noconvert())
        .def(
            "get_rows",
            [](coding::SequenceDecoder& self, const Rows& model, Out out) {
                self.get(model.view(), span(out));
            },
            "model"_a, "out"_a.noconvert())
        .def_prop_ro("next_size", &coding::SequenceDecoder::next_size)
        .def_prop_ro("calls_left", &coding::SequenceDecoder::calls_left)
        .def("finish", &coding::SequenceDecoder::finish);
}

void register_stack(nb::module_& m) {
    nb::class_<coding::AnsStack>(m, "AnsStack")
        .def(nb::init<>())
        .def(nb::init<const coding::AnsStack&>(), "other"_a)
        .def_static(
            "from_bytes",
            [](ByteArray data, bool seal) { return coding::AnsStack::from_bytes(span(data), seal); },
            "data"_a.noconvert(), "seal"_a)
        .def("to_bytes", [](const coding::AnsStack& self) { return to_bytes(self.to_bytes()); })
        .def("unseal", [](const coding::AnsStack& self) { return to_bytes(self.unseal()); })
        .def(
            "push_table",
            [](coding::AnsStack& self, Symbols symbols, const Model& model) {
                coding::TableSymbolModel table(model.decode_table());
                self.push(span(symbols), table);
            },
            "symbols"_a.noconvert(), "model"_a)
        .def(
            "pop_table",
            [](coding::AnsStack& self, const Model& model, Out out, bool allow_exhausted) {
                coding::TableSymbolModel table(model.decode_table());
                self.pop(table, span(out), allow_exhausted);
            },
            "model"_a, "out"_a.noconvert(), "allow_exhausted"_a)
        .def(
            "push_mixture",
            [](coding::AnsStack& self, Symbols symbols, const Mixture& model, std::int32_t lo,
               std::uint32_t size) {
                coding::MixtureSymbolModel mixture(model.view(symbols.size()), {lo, size, 0});
                self.push(span(symbols), mixture);
            },
            "symbols"_a.noconvert(), "model"_a, "lo"_a, "size"_a)
        .def(
            "pop_mixture",
            [](coding::AnsStack& self, const Mixture& model, std::int32_t lo, std::uint32_t size, Out out,
               bool allow_exhausted) {
                coding::MixtureSymbolModel mixture(model.view(out.size()), {lo, size, 0});
                self.pop(mixture, span(out), allow_exhausted);
            },
            "model"_a, "lo"_a, "size"_a, "out"_a.noconvert(), "allow_exhausted"_a)
        .def(
            "push_rows",
            [](coding::AnsStack& self, Symbols symbols, const Rows& model) {
                coding::RowsSymbolModel rows(model.view());
                self.push(span(symbols), rows);
            },
            "symbols"_a.noconvert(), "model"_a)
        .def(
            "pop_rows",
            [](coding::AnsStack& self, const Rows& model, Out out, bool allow_exhausted) {
                coding::RowsSymbolModel rows(model.view());
                self.pop(rows, span(out), allow_exhausted);
            },
            "model"_a, "out"_a.noconvert(), "allow_exhausted"_a)
        .def("push_bits", &coding::AnsStack::push_bits, "value"_a, "bits"_a)
        .def("pop_bits", &coding::AnsStack::pop_bits, "bits"_a, "allow_exhausted"_a)
        .def_prop_ro("num_bits", &coding::AnsStack::num_bits)
        .def_prop_ro("num_valid_bits", &coding::AnsStack::num_valid_bits)
        .def_prop_ro("is_empty", &coding::AnsStack::is_empty)
        .def_prop_ro("words", &coding::AnsStack::words)
        .def_prop_ro("state", &coding::AnsStack::state)
        .def("seek", &coding::AnsStack::seek, "words"_a, "state"_a);
}

void register_compressai(nb::module_& m) {
    nb::class_<coding::CompressAiEncoder>(m, "CompressAiEncoder")
        .def(nb::init<>())
        .def(
            "put",
            [](coding::CompressAiEncoder& self, Symbols symbols, Symbols indexes, Symbols cdfs,
               std::size_t width, Symbols sizes, Symbols offsets) {
                self.put(span(symbols), span(indexes), tables(cdfs, width, sizes, offsets));
            },
            "symbols"_a.noconvert(), "indexes"_a.noconvert(), "cdfs"_a.noconvert(), "width"_a,
            "sizes"_a.noconvert(), "offsets"_a.noconvert())
        .def("flush", [](coding::CompressAiEncoder& self) { return to_bytes(self.flush()); });
    nb::class_<coding::CompressAiDecoder>(m, "CompressAiDecoder")
        .def(
            "__init__",
            [](coding::CompressAiDecoder* self, ByteArray data) {
                new (self) coding::CompressAiDecoder(span(data));
            },
            "data"_a.noconvert())
        .def(
            "get",
            [](coding::CompressAiDecoder& self, Symbols indexes, Symbols cdfs, std::size_t width,
               Symbols sizes, Symbols offsets,
               Out out) { self.get(span(indexes), tables(cdfs, width, sizes, offsets), span(out)); },
            "indexes"_a.noconvert(), "cdfs"_a.noconvert(), "width"_a, "sizes"_a.noconvert(),
            "offsets"_a.noconvert(), "out"_a.noconvert())
        .def("expect_end", &coding::CompressAiDecoder::expect_end);
}

}  // namespace

void register_coding_streams(nb::module_& m) {
    register_sequence(m);
    register_stack(m);
    register_compressai(m);
}
