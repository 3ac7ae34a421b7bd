// L-Mul: products by integer additions.
#include "fewbits/formats/lmul.hpp"

#include "bindings.hpp"

namespace {

using namespace fewbits;
using namespace fewbits::formats;

template <class C>
void bind_codes(nb::module_& m) {
    m.def(
        "lmul_codes",
        [](Array1<const C> x, Array1<const C> y, const FloatFormat& format, bool saturate, bool normalise,
           Array1<C> out) { lmul_codes(span(x), span(y), format, saturate, normalise, span(out)); },
        "x"_a.noconvert(), "y"_a.noconvert(), "format"_a, "saturate"_a, "normalise"_a, "out"_a.noconvert(),
        nb::call_guard<nb::gil_scoped_release>());
}

LmulOperand operand_of(int value) {
    FEWBITS_REQUIRE(value >= 0 && static_cast<std::size_t>(value) < std::size(lmul_operand_names),
                    "formats.lmul: no such operand");
    return static_cast<LmulOperand>(value);
}

}  // namespace

void register_formats_lmul(nb::module_& m) {
    using In = Array1<const float>;
    const auto release = nb::call_guard<nb::gil_scoped_release>();
    nb::list operands;
    for (const char* name : lmul_operand_names) operands.append(name);
    m.attr("lmul_operands") = nb::tuple(operands);
    m.def(
        "lmul",
        [](In x, In y, int mantissa_bits, int operand, Array1<float> out) {
            lmul(span(x), span(y), mantissa_bits, operand_of(operand), span(out));
        },
        "x"_a.noconvert(), "y"_a.noconvert(), "mantissa_bits"_a, "operand"_a, "out"_a.noconvert(), release);
    m.def(
        "lmul_formula",
        [](In x, In y, int mantissa_bits, int operand, Array1<double> out) {
            FEWBITS_REQUIRE(x.size() == y.size() && x.size() == out.size(),
                            "formats.lmul: x, y and out must have one size");
            const LmulOperand how = operand_of(operand);
            for (std::size_t i = 0; i < x.size(); ++i)
                out.data()[i] = lmul_formula(
                    fewbits::formats::detail::lmul_operand(x.data()[i], mantissa_bits, how),
                    fewbits::formats::detail::lmul_operand(y.data()[i], mantissa_bits, how), mantissa_bits);
        },
        "x"_a.noconvert(), "y"_a.noconvert(), "mantissa_bits"_a, "operand"_a, "out"_a.noconvert(), release);
    m.def(
        "lmul_gemm",
        [](std::size_t rows, std::size_t columns, std::size_t depth, In a, In b, int mantissa_bits,
           int operand, bool exact, Array1<float> c, int threads) {
            lmul_gemm(rows, columns, depth, span(a), span(b), mantissa_bits, operand_of(operand),
                      exact ? LmulAccumulate::exact : LmulAccumulate::float32, span(c), threads);
        },
        "rows"_a, "columns"_a, "depth"_a, "a"_a.noconvert(), "b"_a.noconvert(), "mantissa_bits"_a,
        "operand"_a, "exact"_a, "c"_a.noconvert(), "threads"_a, release);
    bind_codes<std::uint8_t>(m);
    bind_codes<std::uint16_t>(m);
}
