// Dynamic fixed point: integers that share an exponent.
#include "fewbits/formats/dynamic_fixed.hpp"

#include <iterator>

#include "bindings.hpp"
#include "fewbits/formats/dynamic_fixed_conv.hpp"
#include "fewbits/formats/dynamic_fixed_gemm.hpp"

namespace {

using namespace fewbits;
using namespace fewbits::formats;

const auto release = nb::call_guard<nb::gil_scoped_release>();

template <class T, class I>
void bind_quantize(nb::module_& m) {
    m.def(
        "dfp_quantize",
        [](Array1<const T> x, int bits, const RoundOptions& options, Array1<I> integers) {
            return dfp_quantize(span(x), bits, options, span(integers));
        },
        "x"_a.noconvert(), "bits"_a, "options"_a, "integers"_a.noconvert(), release);
}

template <class I, class T>
void bind_dequantize(nb::module_& m) {
    m.def(
        "dfp_dequantize",
        [](Array1<const I> integers, int exponent, Array1<T> out) {
            dfp_dequantize(span(integers), exponent, span(out));
        },
        "integers"_a.noconvert(), "exponent"_a, "out"_a.noconvert(), release);
}

template <class I, class O>
void bind_downconvert(nb::module_& m) {
    m.def(
        "dfp_downconvert",
        [](Array1<const I> integers, int exponent, int bits, const RoundOptions& options, Array1<O> out) {
            return dfp_downconvert(span(integers), exponent, bits, options, span(out));
        },
        "integers"_a.noconvert(), "exponent"_a, "bits"_a, "options"_a, "out"_a.noconvert(), release);
}

// What every type of integers has.
template <class I>
void bind_integers(nb::module_& m) {
    m.def(
        "dfp_largest", [](Array1<const I> integers) { return dfp_largest(span(integers)); },
        "integers"_a.noconvert(), release);
    bind_dequantize<I, float>(m);
    bind_dequantize<I, double>(m);
    bind_downconvert<I, std::int8_t>(m);
    bind_downconvert<I, std::int16_t>(m);
    bind_downconvert<I, std::int32_t>(m);
    m.def(
        "dfp_compare",
        [](Array1<const I> a, int exponent_a, Array1<const I> b, int exponent_b, Array1<std::int8_t> out) {
            dfp_compare(span(a), exponent_a, span(b), exponent_b, span(out));
        },
        "a"_a.noconvert(), "exponent_a"_a, "b"_a.noconvert(), "exponent_b"_a, "out"_a.noconvert(), release);
    m.def(
        "dfp_relu", [](Array1<const I> integers, Array1<I> out) { dfp_relu(span(integers), span(out)); },
        "integers"_a.noconvert(), "out"_a.noconvert(), release);
}

template <class I>
void bind_arithmetic(nb::module_& m) {
    bind_quantize<float, I>(m);
    bind_quantize<double, I>(m);
    m.def(
        "dfp_mul",
        [](Array1<const I> a, Array1<const I> b,
           Array1<typename fewbits::formats::detail::Wider<I>::type> out) {
            dfp_mul(span(a), span(b), span(out));
        },
        "a"_a.noconvert(), "b"_a.noconvert(), "out"_a.noconvert(), release);
    m.def(
        "dfp_add",
        [](Array1<const I> a, int exponent_a, Array1<const I> b, int exponent_b, int bits,
           const RoundOptions& options, Array1<I> out) {
            return dfp_add(span(a), exponent_a, span(b), exponent_b, bits, options, span(out));
        },
        "a"_a.noconvert(), "exponent_a"_a, "b"_a.noconvert(), "exponent_b"_a, "bits"_a, "options"_a,
        "out"_a.noconvert(), release);
    m.def(
        "dfp_maximum",
        [](Array1<const I> a, int exponent_a, Array1<const I> b, int exponent_b, const RoundOptions& options,
           Array1<I> out) {
            return dfp_maximum(span(a), exponent_a, span(b), exponent_b, options, span(out));
        },
        "a"_a.noconvert(), "exponent_a"_a, "b"_a.noconvert(), "exponent_b"_a, "options"_a,
        "out"_a.noconvert(), release);
}

template <class I, class C>
void bind_products(nb::module_& m) {
    using In = Array1<const I>;
    using Options = DfpProductOptions;
    m.def(
        "dfp_gemm",
        [](std::size_t rows, std::size_t columns, std::size_t depth, In a, int exponent_a, In b,
           int exponent_b, const Options& options, Array1<C> c) {
            dfp_gemm(rows, columns, depth, span(a), exponent_a, span(b), exponent_b, options, span(c));
        },
        "rows"_a, "columns"_a, "depth"_a, "a"_a.noconvert(), "exponent_a"_a, "b"_a.noconvert(),
        "exponent_b"_a, "options"_a, "c"_a.noconvert(), release);
    m.def(
        "dfp_gemv",
        [](std::size_t rows, std::size_t depth, In a, int exponent_a, In x, int exponent_x,
           const Options& options, Array1<C> y) {
            dfp_gemv(rows, depth, span(a), exponent_a, span(x), exponent_x, options, span(y));
        },
        "rows"_a, "depth"_a, "a"_a.noconvert(), "exponent_a"_a, "x"_a.noconvert(), "exponent_x"_a,
        "options"_a, "y"_a.noconvert(), release);
    const auto conv = [&m](const char* name, auto kernel) {
        m.def(
            name,
            [kernel](const Conv2dShape& shape, In a, int exponent_a, In b, int exponent_b,
                     const Options& options, Array1<C> out) {
                kernel(shape, span(a), exponent_a, span(b), exponent_b, options, span(out));
            },
            "shape"_a, "a"_a.noconvert(), "exponent_a"_a, "b"_a.noconvert(), "exponent_b"_a, "options"_a,
            "out"_a.noconvert(), release);
    };
    conv("dfp_conv2d", &dfp_conv2d<I, C>);
    conv("dfp_conv2d_backward_data", &dfp_conv2d_backward_data<I, C>);
    conv("dfp_conv2d_backward_weights", &dfp_conv2d_backward_weights<I, C>);
}

}  // namespace

void register_formats_dynamic_fixed(nb::module_& m) {
    nb::list chains;
    for (const char* name : dfp_chain_names) chains.append(name);
    m.attr("dfp_chains") = nb::tuple(chains);
    m.attr("dfp_exponent_limit") = dfp_exponent_limit;
    nb::class_<DfpProductOptions>(m, "DfpProductOptions", "How to sum products.")
        .def(
            "__init__",
            [](DfpProductOptions* self, int chain, int headroom_bits, int threads, std::uint64_t largest_a) {
                FEWBITS_REQUIRE(chain >= 0 && static_cast<std::size_t>(chain) < std::size(dfp_chain_names),
                                "formats.dfp_gemm: no such chain");
                new (self) DfpProductOptions{static_cast<DfpChain>(chain), headroom_bits, threads, largest_a};
            },
            "chain"_a, "headroom_bits"_a, "threads"_a, "largest_a"_a);
    nb::class_<Conv2dShape>(m, "Conv2dShape", "Sizes of a convolution.")
        .def(
            "__init__",
            [](Conv2dShape* self, std::size_t batch, std::size_t channels, std::size_t height,
               std::size_t width, std::size_t outputs, std::size_t kernel_height, std::size_t kernel_width,
               std::size_t stride, std::size_t padding) {
                new (self) Conv2dShape{batch,         channels,     height, width,  outputs,
                                       kernel_height, kernel_width, stride, padding};
            },
            "batch"_a, "channels"_a, "height"_a, "width"_a, "outputs"_a, "kernel_height"_a, "kernel_width"_a,
            "stride"_a, "padding"_a);
    m.def("safe_chain", &safe_chain, "largest_a"_a, "largest_b"_a);
    bind_integers<std::int8_t>(m);
    bind_integers<std::int16_t>(m);
    bind_integers<std::int32_t>(m);
    bind_integers<std::int64_t>(m);
    bind_arithmetic<std::int8_t>(m);
    bind_arithmetic<std::int16_t>(m);
    bind_arithmetic<std::int32_t>(m);
    bind_products<std::int8_t, float>(m);
    bind_products<std::int8_t, std::int64_t>(m);
    bind_products<std::int16_t, float>(m);
    bind_products<std::int16_t, std::int64_t>(m);
}
