// Static tables and messages coded with them.
#include <limits>

#include "bindings.hpp"
#include "coding.hpp"
#include "fewbits/coding/frame.hpp"
#include "fewbits/coding/static_table.hpp"

using namespace fewbits;

namespace {

// What takes symbols, for one type of them.
template <class Symbol>
void register_symbols(nb::module_& m, nb::class_<Model>& model) {
    model.def(
        "encode",
        [](const Model& self, Array1<const Symbol> symbols, unsigned lanes, bool checksum, bool hash,
           int threads) {
            Bytes out;
            {
                nb::gil_scoped_release release;
                out = coding::encode(span(symbols), self.table(), {lanes, checksum, hash, threads});
            }
            return to_bytes(out);
        },
        "symbols"_a.noconvert(), "lanes"_a, "checksum"_a, "hash"_a, "threads"_a);
    model.def(
        "decode",
        [](const Model& self, ByteArray data, Array1<Symbol> out, int threads) {
            coding::decode(span(data), self.decode_table(), span(out), threads);
        },
        "data"_a.noconvert(), "out"_a.noconvert(), "threads"_a, nb::call_guard<nb::gil_scoped_release>());
    model.def(
        "code_length",
        [](const Model& self, Array1<const Symbol> symbols) {
            return coding::code_length(span(symbols), self.table());
        },
        "symbols"_a.noconvert(), nb::call_guard<nb::gil_scoped_release>());
    m.def(
        "count",
        [](Array1<const Symbol> symbols, std::int32_t lo, Array1<std::uint64_t> counts) {
            coding::count(span(symbols), lo, span(counts));
        },
        "symbols"_a.noconvert(), "lo"_a, "counts"_a.noconvert(), nb::call_guard<nb::gil_scoped_release>());
}

}  // namespace

void register_coding(nb::module_& m) {
    nb::class_<Model> model(m, "Model");
    model
        .def_static(
            "from_counts",
            [](Array1<const std::uint64_t> counts, std::int32_t lo, unsigned precision, bool all) {
                return Model(coding::StaticTable::from_counts(span(counts), lo, precision, all));
            },
            "counts"_a.noconvert(), "lo"_a, "precision"_a, "all"_a)
        .def_static(
            "from_frequencies",
            [](Array1<const std::uint32_t> frequencies, std::int32_t lo, unsigned precision) {
                return Model(coding::StaticTable::from_frequencies(span(frequencies), lo, precision));
            },
            "frequencies"_a.noconvert(), "lo"_a, "precision"_a)
        .def_static(
            "from_bytes",
            [](ByteArray data) {
                ByteReader reader(span(data), "model");
                Model read(coding::StaticTable::read(reader));
                reader.expect_end();
                return read;
            },
            "data"_a.noconvert())
        .def("to_bytes",
             [](const Model& self) {
                 Bytes out;
                 self.table().append_to(out);
                 return to_bytes(out);
             })
        .def_prop_ro("lo", [](const Model& self) { return self.table().lo(); })
        .def_prop_ro("span", [](const Model& self) { return self.table().span(); })
        .def_prop_ro("used", [](const Model& self) { return self.table().used(); })
        .def_prop_ro("precision", [](const Model& self) { return self.table().precision(); })
        .def(
            "frequencies",
            [](const Model& self, Array1<std::uint32_t> out) {
                const coding::StaticTable& table = self.table();
                FEWBITS_REQUIRE(out.size() == table.span(),
                                "frequencies: out must have one element per symbol");
                for (std::size_t i = 0; i < out.size(); ++i) out.data()[i] = 0;
                for (std::uint32_t rank = 0; rank < table.ranks(); ++rank) {
                    out.data()[table.symbol_of_rank(rank) - table.lo()] = table.frequency_of_rank(rank);
                }
            },
            "out"_a.noconvert(), "Frequencies of the symbols lo, lo + 1, ..., lo + span - 1.")
        .def(
            "bits",
            [](const Model& self, Array1<double> out) {
                const coding::StaticTable& table = self.table();
                FEWBITS_REQUIRE(out.size() == table.span(), "bits: out must have one element per symbol");
                for (std::size_t i = 0; i < out.size(); ++i) {
                    out.data()[i] = std::numeric_limits<double>::infinity();
                }
                for (std::uint32_t rank = 0; rank < table.ranks(); ++rank) {
                    out.data()[table.symbol_of_rank(rank) - table.lo()] = table.bits_of_rank(rank);
                }
            },
            "out"_a.noconvert(), "Cost in bits of the symbols lo, lo + 1, ..., lo + span - 1.")
        .def(
            "cross_entropy_bits",
            [](const Model& self, Array1<const std::uint64_t> counts, std::int32_t lo) {
                return self.table().cross_entropy_bits(span(counts), lo);
            },
            "counts"_a.noconvert(), "lo"_a, "Bits of a message with these counts of lo, lo + 1, ...")
        .def(
            "__eq__", [](const Model& a, const Model& b) { return a.table() == b.table(); },
            nb::is_operator(), nb::sig("def __eq__(self, other: object, /) -> bool"));

    register_symbols<std::int8_t>(m, model);
    register_symbols<std::uint8_t>(m, model);
    register_symbols<std::int16_t>(m, model);
    register_symbols<std::uint16_t>(m, model);
    register_symbols<std::int32_t>(m, model);
    m.def(
        "count_symbols", [](ByteArray data) { return coding::count_symbols(span(data)); },
        "data"_a.noconvert(), nb::call_guard<nb::gil_scoped_release>(),
        "Number of symbols in a message, from its headers.");
    register_coding_codes(m);
    register_coding_models(m);
    register_coding_streams(m);
}
