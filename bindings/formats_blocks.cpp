// Packed codes, flipped bits, block floating point.
#include "bindings.hpp"
#include "fewbits/core/bitpack.hpp"
#include "fewbits/formats/block_float.hpp"
#include "fewbits/formats/soft_errors.hpp"
#include "formats_kernels.hpp"

namespace {

using namespace fewbits;
using namespace fewbits::formats;

template <class C>
void bind_flips(nb::module_& m) {
    m.def(
        "flip_bits",
        [](Array1<C> codes, const FloatFormat& format, double probability, int first_bit, int bits,
           std::uint64_t seed, std::uint64_t stream, std::uint64_t first) {
            flip_bits(span(codes), format, probability, {first_bit, bits}, seed, stream, first);
        },
        "codes"_a.noconvert(), "format"_a, "probability"_a, "first_bit"_a, "bits"_a, "seed"_a, "stream"_a,
        "first"_a, nb::call_guard<nb::gil_scoped_release>());
    m.def(
        "flip_count",
        [](Array1<C> codes, const FloatFormat& format, std::size_t count, int first_bit, int bits,
           std::uint64_t seed,
           std::uint64_t stream) { flip_count(span(codes), format, count, {first_bit, bits}, seed, stream); },
        "codes"_a.noconvert(), "format"_a, "count"_a, "first_bit"_a, "bits"_a, "seed"_a, "stream"_a,
        nb::call_guard<nb::gil_scoped_release>());
}

template <class T>
void bind_blocks(nb::module_& m) {
    m.def(
        "encode_blocks",
        [](Array1<const T> x, std::size_t row, std::size_t block_size, int mantissa_bits, bool bump,
           bool nan_blocks, const RoundOptions& how, Array1<const std::uint32_t> bits,
           Array1<std::int32_t> mantissas, Array1<std::int32_t> exponents) {
            RoundOptions options = how;
            options.bits = span(bits);
            encode_blocks(span(x), row, block_size, {mantissa_bits, bump, nan_blocks}, options,
                          span(mantissas), span(exponents));
        },
        "x"_a.noconvert(), "row"_a, "block_size"_a, "mantissa_bits"_a, "bump"_a, "nan_blocks"_a, "options"_a,
        "bits"_a.noconvert(), "mantissas"_a.noconvert(), "exponents"_a.noconvert(),
        nb::call_guard<nb::gil_scoped_release>());
    m.def(
        "decode_blocks",
        [](Array1<const std::int32_t> mantissas, Array1<const std::int32_t> exponents, std::size_t row,
           std::size_t block_size, int mantissa_bits, Array1<T> out) {
            decode_blocks(span(mantissas), span(exponents), row, block_size, mantissa_bits, span(out));
        },
        "mantissas"_a.noconvert(), "exponents"_a.noconvert(), "row"_a, "block_size"_a, "mantissa_bits"_a,
        "out"_a.noconvert(), nb::call_guard<nb::gil_scoped_release>());
}

}  // namespace

void register_formats_blocks(nb::module_& m) {
    m.attr("min_block_exponent") = min_block_exponent;
    m.attr("nan_block_exponent") = nan_block_exponent;
    m.def("packed_size", &packed_size, "count"_a, "width"_a, "Bytes that fields of `width` bits take.");
    m.def(
        "pack",
        [](ByteArray fields, unsigned width, Array1<std::uint8_t> packed) {
            pack_bits(span(fields), width, span(packed));
        },
        "fields"_a.noconvert(), "width"_a, "packed"_a.noconvert(), nb::call_guard<nb::gil_scoped_release>());
    m.def(
        "unpack",
        [](ByteArray packed, unsigned width, Array1<std::uint8_t> fields) {
            unpack_bits(span(packed), width, span(fields));
        },
        "packed"_a.noconvert(), "width"_a, "fields"_a.noconvert(), nb::call_guard<nb::gil_scoped_release>());
    bind_flips<std::uint8_t>(m);
    bind_flips<std::uint16_t>(m);
    bind_flips<std::uint32_t>(m);
    bind_blocks<float>(m);
    bind_blocks<double>(m);
}
