// Values to codes and back.
#include "bindings.hpp"
#include "fewbits/formats/codes.hpp"
#include "formats_kernels.hpp"

namespace {

using namespace fewbits;
using namespace fewbits::formats;

using RandomBits = Array1<const std::uint32_t>;

template <class In, class C>
void bind_encode(nb::module_& m) {
    m.def(
        "encode",
        [](Array1<const In> x, const FloatFormat& format, RoundOptions how, RandomBits bits,
           Array1<C> codes) {
            how.bits = span(bits);
            encode(span(x), format, how, span(codes));
        },
        "x"_a.noconvert(), "format"_a, "options"_a, "bits"_a.noconvert(), "codes"_a.noconvert(),
        nb::call_guard<nb::gil_scoped_release>());
}

template <class In>
void bind_encoders(nb::module_& m) {
    bind_encode<In, std::uint8_t>(m);
    bind_encode<In, std::uint16_t>(m);
    bind_encode<In, std::uint32_t>(m);
}

template <class C, class T>
void bind_decode(nb::module_& m) {
    m.def(
        "decode",
        [](Array1<const C> codes, const FloatFormat& format, Array1<T> out, int threads) {
            decode(span(codes), format, span(out), threads);
        },
        "codes"_a.noconvert(), "format"_a, "out"_a.noconvert(), "threads"_a,
        nb::call_guard<nb::gil_scoped_release>());
}

}  // namespace

void register_formats_codes(nb::module_& m) {
    m.def(
        "round_coded",
        [](Array1<const std::uint16_t> x, const FloatFormat& carrier, const FloatFormat& format,
           RoundOptions how, RandomBits bits, Array1<std::uint16_t> out) {
            how.bits = span(bits);
            round_coded(span(x), carrier, format, how, span(out));
        },
        "x"_a.noconvert(), "carrier"_a, "format"_a, "options"_a, "bits"_a.noconvert(), "out"_a.noconvert(),
        nb::call_guard<nb::gil_scoped_release>());
    m.def("holds", &holds, "carrier"_a, "format"_a, "Whether the carrier has every value of the format.");
    bind_encoders<float>(m);
    bind_encoders<double>(m);
    bind_encoders<std::int64_t>(m);
    bind_encoders<std::uint64_t>(m);
    bind_decode<std::uint8_t, float>(m);
    bind_decode<std::uint16_t, float>(m);
    bind_decode<std::uint32_t, float>(m);
    bind_decode<std::uint8_t, double>(m);
    bind_decode<std::uint16_t, double>(m);
    bind_decode<std::uint32_t, double>(m);
}
