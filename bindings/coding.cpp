// Static tables and messages coded with them.
#include <limits>
#include <memory>

#include "bindings.hpp"
#include "fewbits/coding/frame.hpp"
#include "fewbits/coding/static_table.hpp"

using namespace fewbits;

namespace {

// A table with both of its prepared forms: one Python object serves encoder and decoder.
class Model {
public:
    explicit Model(coding::StaticTable table)
        : table_(std::make_shared<const coding::DecodeTable>(std::move(table))) {}
    const coding::StaticTable& table() const { return table_->table(); }
    const std::shared_ptr<const coding::DecodeTable>& decode_table() const { return table_; }

private:
    std::shared_ptr<const coding::DecodeTable> table_;
};

template <class Symbol>
void register_symbols(nb::module_& m) {
    m.def(
        "encode",
        [](Array1<const Symbol> symbols, const Model& model, unsigned lanes, bool checksum, bool hash,
           int threads) {
            Bytes out;
            {
                nb::gil_scoped_release release;
                out = coding::encode(span(symbols), model.table(), {lanes, checksum, hash, threads});
            }
            return to_bytes(out);
        },
        "symbols"_a.noconvert(), "model"_a, "lanes"_a, "checksum"_a, "hash"_a, "threads"_a);
    m.def(
        "decode",
        [](ByteArray data, const Model& model, Array1<Symbol> out, int threads) {
            coding::decode(span(data), model.decode_table(), span(out), threads);
        },
        "data"_a.noconvert(), "model"_a, "out"_a.noconvert(), "threads"_a,
        nb::call_guard<nb::gil_scoped_release>());
    m.def(
        "code_length",
        [](Array1<const Symbol> symbols, const Model& model) {
            return coding::code_length(span(symbols), model.table());
        },
        "symbols"_a.noconvert(), "model"_a, nb::call_guard<nb::gil_scoped_release>());
}

}  // namespace

void register_coding(nb::module_& m) {
    nb::class_<Model>(m, "Model")
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
                Model model(coding::StaticTable::read(reader));
                reader.expect_end();
                return model;
            },
            "data"_a.noconvert())
        .def("to_bytes",
             [](const Model& model) {
                 Bytes out;
                 model.table().append_to(out);
                 return to_bytes(out);
             })
        .def_prop_ro("lo", [](const Model& model) { return model.table().lo(); })
        .def_prop_ro("span", [](const Model& model) { return model.table().span(); })
        .def_prop_ro("used", [](const Model& model) { return model.table().used(); })
        .def_prop_ro("precision", [](const Model& model) { return model.table().precision(); })
        .def(
            "frequencies",
            [](const Model& model, Array1<std::uint32_t> out) {
                const coding::StaticTable& table = model.table();
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
            [](const Model& model, Array1<double> out) {
                const coding::StaticTable& table = model.table();
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
            [](const Model& model, Array1<const std::uint64_t> counts, std::int32_t lo) {
                return model.table().cross_entropy_bits(span(counts), lo);
            },
            "counts"_a.noconvert(), "lo"_a, "Bits of a message with these counts of lo, lo + 1, ...")
        .def(
            "__eq__", [](const Model& a, const Model& b) { return a.table() == b.table(); },
            nb::is_operator(), nb::sig("def __eq__(self, other: object, /) -> bool"));

    register_symbols<std::int8_t>(m);
    register_symbols<std::uint8_t>(m);
    register_symbols<std::int16_t>(m);
    register_symbols<std::uint16_t>(m);
    register_symbols<std::int32_t>(m);
    m.def(
        "count_symbols", [](ByteArray data) { return coding::count_symbols(span(data)); },
        "data"_a.noconvert(), nb::call_guard<nb::gil_scoped_release>(),
        "Number of symbols in a message, from its headers.");
}
