#include "fewbits/formats/emulated_blas.hpp"

#include <vector>

#include "check.hpp"
#include "formats_operands.hpp"

using namespace fewbits;
using namespace fewbits::formats;

namespace {

constexpr const char* names[] = {
    "float16",       "bfloat16", "tf32",        "float32", "float64",
    "float8_e4m3fn", "fp4",      "binary8p3se", "int8",    "float(p=30,emin=-200,emax=200)"};

template <class T>
Context context_of(const char* name, Rounding rounding, Accumulate accumulate) {
    Context context;
    context.format = get(std::string(name));
    context.options.rounding = rounding;
    context.options.nan = NanPolicy::zero;
    context.options.seed = fewbits::formats::detail::rounds_randomly(rounding) ? 11 : 0;
    context.options.saturate = context.format.is_fixed ? Saturate::finite : Saturate::none;
    context.accumulate = accumulate;
    context.accumulator =
        get(std::is_same_v<T, double> && context.format.precision > 24 ? "float64" : "float32");
    context.block_size = 3;
    return context;
}

constexpr Accumulate accumulates[] = {Accumulate::per_op, Accumulate::fma, Accumulate::block,
                                      Accumulate::wide, Accumulate::exact};

// Small magnitudes leave the sums finite; `wild` ones overflow, and hold infinities and nan.
template <class T>
void gemm_equals_reference(const Context& context, std::size_t m, std::size_t n, std::size_t k, bool wild) {
    if (!fewbits::formats::detail::carries<T>(context.format)) return;
    const Arithmetic<T> arithmetic(context);
    const std::vector<T> a = wild ? operands<T>(context.format, m * k, 1) : tame<T>(context.format, m * k, 1);
    const std::vector<T> b = wild ? operands<T>(context.format, k * n, 2) : tame<T>(context.format, k * n, 2);
    std::vector<T> c(m * n), expected(m * n);
    gemm(arithmetic, m, n, k, Span<const T>(a), Span<const T>(b), Span<T>(c), false, 2);
    reference::gemm(arithmetic, m, n, k, a.data(), b.data(), expected.data());
    for (std::size_t i = 0; i < c.size(); ++i) CHECK_BITS(c[i], expected[i]);
    // On top of what is there, negative zeros included.
    std::vector<T> again = tame<T>(context.format, m * n, 3);
    if (context.format.has_neg_zero)
        for (std::size_t i = 0; i < again.size(); i += 3) again[i] = T(-0.0);
    expected = again;
    gemm(arithmetic, m, n, k, Span<const T>(a), Span<const T>(b), Span<T>(again), true, 1);
    reference::gemm(arithmetic, m, n, k, a.data(), b.data(), expected.data());
    for (std::size_t i = 0; i < c.size(); ++i) CHECK_BITS(again[i], expected[i]);
}

}  // namespace

TEST(gemm_is_the_triple_loop) {
    for (const char* name : names) {
        for (const Accumulate accumulate : accumulates) {
            for (const bool wild : {false, true}) {
                const Context context = context_of<float>(name, Rounding::nearest_even, accumulate);
                gemm_equals_reference<float>(context, 9, 37, 21, wild);
                gemm_equals_reference<double>(context_of<double>(name, Rounding::nearest_even, accumulate), 5,
                                              19, 11, wild);
            }
        }
    }
}

TEST(gemm_in_every_mode) {
    for (const char* name : {"float16", "bfloat16", "fp4", "float32"}) {
        for (int mode = 0; mode < static_cast<int>(std::size(rounding_names)); ++mode) {
            for (const Accumulate accumulate : accumulates) {
                const Context context = context_of<float>(name, static_cast<Rounding>(mode), accumulate);
                gemm_equals_reference<float>(context, 3, 9, 7, mode % 2 != 0);
            }
        }
    }
}

TEST(gemm_sizes) {
    const Context context = context_of<float>("float16", Rounding::nearest_even, Accumulate::per_op);
    for (const std::size_t n : {0U, 1U, 7U, 8U, 9U, 15U, 16U, 17U, 33U}) {
        gemm_equals_reference<float>(context, n, 5, 3, false);
        gemm_equals_reference<float>(context, 4, n, 2, false);
        gemm_equals_reference<float>(context, 2, 3, n, false);
    }
    gemm_equals_reference<float>(context, 5, 40, 600, false);  // more than one block of k
}

TEST(pairwise_sums) {
    for (const char* name : names) {
        for (const Rounding rounding :
             {Rounding::nearest_even, Rounding::toward_negative, Rounding::stochastic}) {
            Context context = context_of<double>(name, rounding, Accumulate::per_op);
            context.summation = Summation::pairwise;
            for (const std::size_t k : {0U, 1U, 2U, 7U, 12U}) {
                gemm_equals_reference<float>(context, 3, 5, k, false);
                gemm_equals_reference<double>(context, 2, 3, k, true);
            }
        }
    }
    // The definition: the first 2^k terms, the rest, their sum;
    Context context = context_of<double>("float16", Rounding::nearest_even, Accumulate::per_op);
    context.summation = Summation::pairwise;
    const Arithmetic<double> arithmetic(context);
    const std::vector<double> x = tame<double>(context.format, 100, 4);
    const auto recurse = [&](const auto& self, std::size_t begin, std::size_t end) -> double {
        if (end - begin == 1) return x[begin];
        std::size_t half = 1;
        while (2 * half < end - begin) half *= 2;
        return arithmetic.add(self(self, begin, begin + half), self(self, begin + half, end), 0);
    };
    for (std::size_t n = 1; n <= x.size(); ++n) {
        double sum;
        reduce(arithmetic, Reduction::sum, Span<const double>(x).first(n), 1, n, 1, Span<double>(&sum, 1));
        CHECK_BITS(sum, recurse(recurse, 0, n));
    }
    context.accumulate = Accumulate::fma;
    CHECK_THROWS(Arithmetic<double>{context}, ArgumentError);
}

TEST(gemv_and_dot) {
    for (const char* name : names) {
        for (const Accumulate accumulate : accumulates) {
            const Context context = context_of<double>(name, Rounding::nearest_even, accumulate);
            const Arithmetic<double> arithmetic(context);
            const std::size_t m = 13, n = 29;
            const std::vector<double> a = tame<double>(context.format, m * n, 1),
                                      x = tame<double>(context.format, n, 2);
            std::vector<double> y(m), expected(m);
            gemv(arithmetic, m, n, Span<const double>(a), Span<const double>(x), Span<double>(y));
            reference::gemm(arithmetic, m, 1, n, a.data(), x.data(), expected.data());
            for (std::size_t i = 0; i < m; ++i) {
                CHECK_BITS(y[i], expected[i]);
                CHECK_BITS(y[i],
                           dot(arithmetic, Span<const double>(a.data() + i * n, n), Span<const double>(x)));
            }
        }
    }
}

TEST(triangular_solves) {
    const Context context = context_of<double>("bfloat16", Rounding::nearest_even, Accumulate::per_op);
    const Arithmetic<double> arithmetic(context);
    const std::size_t n = 11, columns = 5;
    std::vector<double> a = tame<double>(context.format, n * n, 4);
    for (std::size_t i = 0; i < n; ++i) a[i * n + i] = 4;
    for (const Triangle triangle : {Triangle::lower, Triangle::upper}) {
        for (const bool unit : {false, true}) {
            const std::vector<double> b = tame<double>(context.format, n * columns, 5);
            std::vector<double> x = b;
            trsm(arithmetic, triangle, unit, n, columns, Span<const double>(a), Span<double>(x));
            for (std::size_t j = 0; j < columns; ++j) {
                std::vector<double> column(n), expected(n);
                for (std::size_t i = 0; i < n; ++i) expected[i] = column[i] = b[i * columns + j];
                trsv(arithmetic, triangle, unit, n, Span<const double>(a), Span<double>(column));
                for (std::size_t step = 0; step < n; ++step) {
                    const std::size_t k = triangle == Triangle::lower ? step : n - 1 - step;
                    if (!unit) expected[k] = arithmetic.divide(expected[k], a[k * n + k], 0);
                    for (std::size_t i = 0; i < n; ++i) {
                        if (triangle == Triangle::lower ? i <= k : i >= k) continue;
                        expected[i] = arithmetic.subtract(
                            expected[i], arithmetic.multiply(a[i * n + k], expected[k], 0), 0);
                    }
                }
                for (std::size_t i = 0; i < n; ++i) {
                    CHECK_BITS(x[i * columns + j], expected[i]);
                    CHECK_BITS(column[i], expected[i]);
                }
            }
        }
    }
}

TEST(axpy_and_norms) {
    const Context context = context_of<float>("float16", Rounding::nearest_even, Accumulate::per_op);
    const Arithmetic<float> arithmetic(context);
    const std::vector<float> x = tame<float>(context.format, 33, 6);
    std::vector<float> y = tame<float>(context.format, 33, 7), expected = y;
    axpy(arithmetic, 1.5F, Span<const float>(x), Span<float>(y));
    float sum = 0, squares = 0;
    for (std::size_t i = 0; i < 33; ++i) {
        CHECK_BITS(y[i], arithmetic.add(expected[i], arithmetic.multiply(1.5F, x[i], 0), 0));
        sum = arithmetic.add(sum, std::fabs(x[i]), 0);
        squares = arithmetic.add(squares, arithmetic.multiply(x[i], x[i], 0), 0);
    }
    CHECK_BITS(asum(arithmetic, Span<const float>(x)), sum);
    CHECK_BITS(nrm2(arithmetic, Span<const float>(x)), arithmetic.sqrt(squares, 0));
}

TEST(arguments) {
    const Arithmetic<float> arithmetic(
        context_of<float>("float16", Rounding::nearest_even, Accumulate::per_op));
    std::vector<float> a(6), b(6), c(3);
    CHECK_THROWS(gemm(arithmetic, 2, 2, 3, Span<const float>(a), Span<const float>(b), Span<float>(c)),
                 ArgumentError);
    CHECK_THROWS(dot(arithmetic, Span<const float>(a), Span<const float>(c)), ArgumentError);
}
