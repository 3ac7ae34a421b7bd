// Matrices of codes under the contexts of their rows and columns.
#include "bindings.hpp"
#include "coding.hpp"
#include "fewbits/coding/context_matrix.hpp"

using namespace fewbits;

void register_coding_codes(nb::module_& m) {
    m.def(
        "context_encode",
        [](Array1<const std::int32_t> codes, std::size_t rows, std::size_t columns, unsigned trellis) {
            Bytes out;
            {
                nb::gil_scoped_release release;
                coding::context_encode(span(codes), rows, columns, out, trellis);
            }
            return to_bytes(out);
        },
        "codes"_a.noconvert(), "rows"_a, "columns"_a, "trellis"_a);
    m.def(
        "context_decode",
        [](ByteArray data, std::int32_t lo, std::size_t rows, std::size_t columns, Array1<std::int32_t> out) {
            ByteReader reader(span(data), "codes");
            coding::context_decode(reader, lo, rows, columns, span(out));
        },
        "data"_a.noconvert(), "lo"_a, "rows"_a, "columns"_a, "out"_a.noconvert(),
        nb::call_guard<nb::gil_scoped_release>());
}
