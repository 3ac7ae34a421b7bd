#include "fewbits/formats/arithmetic.hpp"

#include <Eigen/Dense>
#include <vector>

#include "check.hpp"
#include "fewbits/formats/codes.hpp"
#include "formats_operands.hpp"

using namespace fewbits;
using namespace fewbits::formats;

namespace {

constexpr const char* names[] = {"float16",       "bfloat16",
                                 "tf32",          "float32",
                                 "float64",       "float8_e5m2",
                                 "float8_e4m3fn", "fp4",
                                 "binary8p3se",   "float(p=40,emin=-300,emax=300)",
                                 "int8",          "float(p=5,emin=-20,emax=20,subnormal=0)"};

template <class T>
void equals_reference(const char* name, int mode) {
    const FloatFormat f = get(std::string(name));
    if (!fewbits::formats::detail::carries<T>(f)) return;
    Context context;
    context.format = f;
    context.options.rounding = static_cast<Rounding>(mode);
    context.options.nan = NanPolicy::zero;
    context.options.seed = fewbits::formats::detail::rounds_randomly(context.options.rounding) ? 3 : 0;
    context.options.saturate = f.is_fixed ? Saturate::finite : Saturate::none;
    const Arithmetic<T> arithmetic(context);
    const std::size_t n = mode == 0 ? 4097 : 515;
    std::vector<T> out(n);
    const std::vector<T> a = operands<T>(f, n, 1), b = operands<T>(f, n, 2), c = operands<T>(f, n, 3);
    for (const std::size_t size : {std::size_t{0}, std::size_t{1}, std::size_t{7}, std::size_t{33}, n}) {
        const std::size_t at = size == 33 ? 1 : 0;  // unaligned
        const Span<const T> x(a.data() + at, size), y(b.data() + at, size), z(c.data() + at, size);
        const Span<T> result(out.data() + at, size);
        for (int op = 0; op < 4; ++op) {
            const auto operation = static_cast<Operation>(op);
            arithmetic.operation(operation, x, y, result, 5);
            for (std::size_t i = 0; i < size; ++i) {
                CHECK_BITS(result[i], reference::operation(context, operation, x[i], y[i], i + 5));
                CHECK_BITS(result[i], arithmetic.operation(operation, x[i], y[i], i + 5));
            }
        }
        arithmetic.sqrt(x, result);
        for (std::size_t i = 0; i < size; ++i) {
            CHECK_BITS(result[i], reference::sqrt(context, x[i], i));
            CHECK_BITS(result[i], arithmetic.sqrt(x[i], i));
        }
        arithmetic.fma(x, y, z, result);
        for (std::size_t i = 0; i < size; ++i) {
            CHECK_BITS(result[i], reference::fma(context, x[i], y[i], z[i], i));
            CHECK_BITS(result[i], arithmetic.fma(x[i], y[i], z[i], i));
        }
    }
}

float half_value(std::uint16_t code) {
    float value;
    decode(Span<const std::uint16_t>(&code, 1), get("float16"), Span<float>(&value, 1));
    return value;
}

}  // namespace

TEST(kernels_equal_reference) {
    for (const char* name : names) {
        for (int mode = 0; mode < static_cast<int>(std::size(rounding_names)); ++mode) {
            equals_reference<float>(name, mode);
            equals_reference<double>(name, mode);
        }
    }
}

TEST(native_formats_equal_the_hardware) {
    Context context;
    context.format = get("float32");
    const Arithmetic<float> carried(context);
    const Arithmetic<double> wide(context);
    const std::vector<float> a = operands<float>(context.format, 5000, 4),
                             b = operands<float>(context.format, 5000, 5),
                             c = operands<float>(context.format, 5000, 6);
    for (std::size_t i = 0; i < a.size(); ++i) {
        for (int op = 0; op < 4; ++op) {
            const auto operation = static_cast<Operation>(op);
            const float expected = fewbits::formats::detail::positive_nan(
                fewbits::formats::detail::native_operation(operation, a[i], b[i]));
            CHECK_BITS(carried.operation(operation, a[i], b[i], 0), expected);
            CHECK_BITS(static_cast<float>(wide.operation(operation, a[i], b[i], 0)), expected);
        }
        const float fused = fewbits::formats::detail::positive_nan(std::fma(a[i], b[i], c[i]));
        CHECK_BITS(carried.fma(a[i], b[i], c[i], 0), fused);
        CHECK_BITS(carried.sqrt(a[i], 0), fewbits::formats::detail::positive_nan(std::sqrt(a[i])));
    }
}

TEST(hexadecimal_cases) {
    Context context;
    context.format = get("float16");
    const Arithmetic<float> half(context);
    CHECK_BITS(half.fma(half_value(0x3de0), half_value(0x3e60), half_value(0x0001), 0), half_value(0x40af));
    CHECK_BITS(half.fma(half_value(0x3f60), half_value(0x3d60), half_value(0x0001), 0), half_value(0x40f5));
    context.format = get("bfloat16");
    context.options.rounding = Rounding::toward_positive;
    CHECK_BITS(Arithmetic<float>(context).add(1, 0x1p-133F, 0), 1.0078125F);
    context.format = get("tf32");
    context.options.rounding = Rounding::nearest_even;
    CHECK_BITS(Arithmetic<float>(context).multiply(1045 * 0x1p-80F, 2007 * 0x1p-78F, 0), 0x1p-136F);
}

TEST(signs_of_zero) {
    const double values[] = {0.0, -0.0, 1.0, -1.0, 0x1p-24, -0x1p-24, INFINITY, -INFINITY, NAN};
    Context context;
    context.format = get("float16");
    for (int mode = 0; mode < static_cast<int>(std::size(rounding_names)); ++mode) {
        context.options.rounding = static_cast<Rounding>(mode);
        const Arithmetic<double> arithmetic(context);
        for (const double a : values) {
            for (const double b : values) {
                for (const double c : values) {
                    double out;
                    arithmetic.fma(Span<const double>(&a, 1), Span<const double>(&b, 1),
                                   Span<const double>(&c, 1), Span<double>(&out, 1));
                    CHECK_BITS(out, reference::fma(context, a, b, c, 0));
                    CHECK_BITS(arithmetic.fma(a, b, c, 0), out);
                }
                for (int op = 0; op < 4; ++op) {
                    const auto operation = static_cast<Operation>(op);
                    CHECK_BITS(arithmetic.operation(operation, a, b, 0),
                               reference::operation(context, operation, a, b, 0));
                }
            }
        }
    }
}

TEST(emulated_scalar) {
    Context context;
    context.format = get("float8_e5m2");
    const Arithmetic<float> arithmetic(context), other(context);
    const Emulated<float> a(1.25F, arithmetic), b(0.1F, arithmetic);
    CHECK_EQUAL(b.value(), 0.09375F);
    CHECK_EQUAL((a + b).value(), 1.25F);
    CHECK_EQUAL((a * 2).value(), 2.5F);
    CHECK_EQUAL((a + 0.3F).value(), 1.5F);
    CHECK_EQUAL(sqrt(a * a).value(), 1.25F);
    CHECK_EQUAL(fma(a, a, b).value(), 1.75F);
    CHECK_EQUAL((-a).value(), -1.25F);
    CHECK(b < a && abs(-a) == a);
    CHECK_THROWS(a + Emulated<float>(1.0F, other), ArgumentError);
}

TEST(a_scalar_type_for_eigen) {
    Context context;
    context.format = get("float16");
    const Arithmetic<float> half(context);
    using Scalar = Emulated<float>;
    Eigen::Matrix<Scalar, 4, 4> h;
    for (int i = 0; i < 4; ++i)
        for (int j = 0; j < 4; ++j) h(i, j) = Scalar(1 / static_cast<float>(i + j + 1), half);
    const Eigen::Matrix<Scalar, 4, 4> u = h.partialPivLu().matrixLU();
    CHECK_EQUAL(u(0, 0).value(), 1.0F);
    for (int i = 0; i < 4; ++i)
        for (int j = 0; j < 4; ++j) CHECK_BITS(half.round(u(i, j).value(), 0), u(i, j).value());
}

TEST(reductions_go_in_index_order) {
    Context context;
    context.format = get("bfloat16");
    const Arithmetic<float> arithmetic(context);
    const std::vector<float> x = operands<float>(context.format, 3 * 20 * 5, 9);
    std::vector<float> out(15);
    for (const Reduction reduction : {Reduction::sum, Reduction::product}) {
        reduce(arithmetic, reduction, Span<const float>(x), 3, 20, 5, Span<float>(out));
        for (std::size_t o = 0; o < 3; ++o) {
            for (std::size_t i = 0; i < 5; ++i) {
                float expected = x[o * 100 + i];
                for (std::size_t k = 1; k < 20; ++k)
                    expected = reference::operation(
                        context, reduction == Reduction::sum ? Operation::add : Operation::multiply, expected,
                        x[o * 100 + k * 5 + i], 0);
                CHECK_BITS(out[o * 5 + i], expected);
            }
        }
    }
    reduce(arithmetic, Reduction::product, Span<const float>(), 2, 0, 3, Span<float>(out.data(), 6));
    CHECK_EQUAL(out[5], 1.0F);
}

TEST(arguments) {
    Context context;
    context.format = get("tf32");
    context.format = get("float64");
    CHECK_THROWS(Arithmetic<float>(context), ArgumentError);
    context.format = get("fp4");
    const Arithmetic<float> four(context);
    CHECK_THROWS(four.divide(0, 0, 0), ArgumentError);  // nan, which the format lacks
    float x[2] = {1, 2}, y[1] = {1};
    CHECK_THROWS(four.operation(Operation::add, Span<const float>(x), Span<const float>(y), Span<float>(x)),
                 ArgumentError);
}
