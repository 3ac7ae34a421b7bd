#include "fewbits/formats/dynamic_fixed.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

#include "check.hpp"
#include "fewbits/core/random.hpp"
#include "fewbits/formats/dynamic_fixed_conv.hpp"
#include "fewbits/formats/dynamic_fixed_gemm.hpp"

using namespace fewbits;
using namespace fewbits::formats;

namespace {

// Integers of at most `bits`, from the top bits of draws.
template <class I>
std::vector<I> integers(std::size_t count, int bits, std::uint64_t stream) {
    const Philox random(16, stream);
    const auto limit = dfp_limit(bits);
    std::vector<I> x(count);
    for (std::size_t i = 0; i < count; ++i) {
        const std::int64_t draw = static_cast<std::int32_t>(random.draw32(i)) >> (32 - bits);
        x[i] = static_cast<I>(draw < -limit ? -limit : draw);
    }
    return x;
}
std::vector<float> floats(std::size_t count, int range, std::uint64_t stream) {
    const Philox random(16, stream);
    std::vector<float> x(count);
    for (std::size_t i = 0; i < count; ++i) {
        const int exponent =
            static_cast<int>(random.draw32(2 * i) % static_cast<unsigned>(2 * range + 1)) - range;
        x[i] = std::ldexp(random.uniform01_float(2 * i + 1) - 0.5F, std::min(exponent, 127));
    }
    return x;
}
RoundOptions rounding(Rounding mode) {
    RoundOptions options;
    options.rounding = mode;
    options.seed = mode == Rounding::stochastic ? 5 : 0;
    return options;
}
template <class I>
Span<const I> view(const std::vector<I>& x) {
    return Span<const I>(x);
}

}  // namespace

TEST(quantize_kernel_equals_reference) {
    for (const Rounding mode : {Rounding::nearest_even, Rounding::toward_zero, Rounding::stochastic}) {
        for (const int range : {3, 20, 140}) {
            for (std::size_t n = 1; n < 34; ++n) {
                const std::vector<float> x = floats(n + 1, range, n);
                std::vector<std::int16_t> got(n), want(n);
                const Span<const float> source(x.data() + 1, n);
                for (const int bits : {2, 8, 15, 16}) {
                    const int exponent = dfp_quantize(source, bits, rounding(mode), Span<std::int16_t>(got));
                    reference::dfp_quantize(source, bits, exponent, rounding(mode), Span<std::int16_t>(want));
                    CHECK(got == want);
                    CHECK(dfp_largest(view(got)) <= static_cast<std::uint64_t>(dfp_limit(bits)));
                }
                std::vector<std::int32_t> wide(n), wide_want(n);
                for (const int bits : {17, 24, 25, 32}) {
                    const int exponent = dfp_quantize(source, bits, rounding(mode), Span<std::int32_t>(wide));
                    reference::dfp_quantize(source, bits, exponent, rounding(mode),
                                            Span<std::int32_t>(wide_want));
                    CHECK(wide == wide_want);
                }
            }
        }
    }
}

TEST(the_example_of_the_header) {
    const std::vector<float> x = {3, -1.5F, 0.1F, 1e-5F};
    std::vector<std::int16_t> wide(4);
    CHECK_EQUAL(dfp_quantize(view(x), 16, RoundOptions(), Span<std::int16_t>(wide)), -13);
    CHECK((wide == std::vector<std::int16_t>{24576, -12288, 819, 0}));
    std::vector<std::int8_t> narrow(4);
    CHECK_EQUAL(dfp_quantize(view(x), 8, RoundOptions(), Span<std::int8_t>(narrow)), -5);
    CHECK((narrow == std::vector<std::int8_t>{96, -48, 3, 0}));
    const std::vector<float> edge = {1.99999F, -1.99999F};  // rounds to 32768
    std::vector<std::int16_t> clipped(2);
    CHECK_EQUAL(dfp_quantize(view(edge), 16, RoundOptions(), Span<std::int16_t>(clipped)), -14);
    CHECK((clipped == std::vector<std::int16_t>{32767, -32767}));
    const std::vector<float> zeros(3);
    std::vector<std::int16_t> none(3, 7);
    CHECK_EQUAL(dfp_quantize(view(zeros), 16, RoundOptions(), Span<std::int16_t>(none)), 0);
    CHECK((none == std::vector<std::int16_t>{0, 0, 0}));
}

TEST(values) {
    for (const int exponent : {-1100, -1074, -1030, -149, -140, -13, 0, 96, 120, 1000}) {
        for (const std::int64_t i : {0LL, 1LL, -3LL, 32767LL, -2147483647LL, (1LL << 62) + 1}) {
            // 63 bits and the rounding at -1074 by the long way: halves are exact in both parts.
            if (std::llabs(i) < (1LL << 53))
                CHECK_BITS(dfp_value<double>(i, exponent), std::ldexp(static_cast<double>(i), exponent));
            if (std::llabs(i) < (1LL << 24))
                CHECK_BITS(dfp_value<float>(i, exponent),
                           static_cast<float>(std::ldexp(static_cast<double>(i), exponent)));
        }
    }
    CHECK_BITS(dfp_value<float>((1LL << 62) + (1LL << 38), 0), 0x1p62F);  // a tie
    CHECK_BITS(dfp_value<float>((1LL << 62) + (1LL << 38) + 1, 0), 0x1.000002p62F);
    CHECK_BITS(dfp_value<double>((1LL << 62) - 1, -1136), 0x1p-1074);
    std::vector<std::int16_t> x = integers<std::int16_t>(33, 16, 3);
    for (const int exponent : {-160, -126, -13, 100, 113}) {
        std::vector<float> out(33);
        dfp_dequantize(view(x), exponent, Span<float>(out));
        for (std::size_t i = 0; i < x.size(); ++i) CHECK_BITS(out[i], dfp_value<float>(x[i], exponent));
    }
}

// The exact sum in 128 bits, rounded once.
TEST(add_rounds_once) {
    for (const int distance : {0, 1, 2, 7, 15, 31, 32, 33, 40, 70, 500}) {
        const auto a = integers<std::int16_t>(50, 16, 1), b = integers<std::int16_t>(50, 16, 2);
        std::vector<std::int16_t> sum(50), turned(50);
        const int e = dfp_add(view(a), 3, view(b), 3 - distance, 16, RoundOptions(), Span<std::int16_t>(sum));
        CHECK_EQUAL(
            dfp_add(view(b), 3 - distance, view(a), 3, 16, RoundOptions(), Span<std::int16_t>(turned)), e);
        CHECK(sum == turned);
        CHECK(e == 3 || e == 4);
        for (std::size_t i = 0; i < sum.size(); ++i) {
            // Twice the distance to the exact sum is at most a unit of the result; far parts are below 2^-16.
            const double exact = std::ldexp(a[i], 3) + std::ldexp(b[i], 3 - distance);
            const double got = std::ldexp(sum[i], e);
            CHECK(std::fabs(got - exact) <= std::ldexp(0.5, e) || std::abs(sum[i]) == 32767);
        }
    }
    // All-max operands raise the exponent; zeros do not count.
    const std::vector<std::int16_t> top(5, 32767), none(5);
    std::vector<std::int16_t> out(5);
    CHECK_EQUAL(dfp_add(view(top), 0, view(top), 0, 16, RoundOptions(), Span<std::int16_t>(out)), 1);
    CHECK_EQUAL(out[4], 32767);
    CHECK_EQUAL(dfp_add(view(top), -90, view(none), 0, 16, RoundOptions(), Span<std::int16_t>(out)), -90);
    CHECK_EQUAL(out[0], 32767);
}

TEST(compare_and_maximum) {
    const std::vector<std::int16_t> a = {1, -1, 3, 0, -5, 32767, 0}, b = {2, -2, 6, 0, -10, 1, -1};
    std::vector<std::int8_t> order(7);
    dfp_compare(view(a), 1, view(b), 0, Span<std::int8_t>(order));
    CHECK((order == std::vector<std::int8_t>{0, 0, 0, 0, 0, 1, 1}));
    dfp_compare(view(a), -60, view(b), 0, Span<std::int8_t>(order));
    CHECK((order == std::vector<std::int8_t>{-1, 1, -1, 0, 1, -1, 1}));
    std::vector<std::int16_t> out(7);
    CHECK_EQUAL(dfp_maximum(view(a), 1, view(b), 0, RoundOptions(), Span<std::int16_t>(out)), 1);
    CHECK((out == std::vector<std::int16_t>{1, -1, 3, 0, -5, 32767, 0}));
    dfp_relu(view(a), Span<std::int16_t>(out));
    CHECK((out == std::vector<std::int16_t>{1, 0, 3, 0, 0, 32767, 0}));
}

TEST(downconvert) {
    const std::vector<std::int64_t> x = {(1LL << 40) - 1, -(1LL << 39), 12345678901LL, 0};
    std::vector<std::int16_t> out(4);
    CHECK_EQUAL(dfp_downconvert(view(x), -20, 16, RoundOptions(), Span<std::int16_t>(out)), 5);
    CHECK((out == std::vector<std::int16_t>{32767, -16384, 368, 0}));
    const std::vector<std::int64_t> small = {5, -6};
    std::vector<std::int8_t> same(2);
    CHECK_EQUAL(dfp_downconvert(view(small), 9, 8, RoundOptions(), Span<std::int8_t>(same)), 9);
    CHECK((same == std::vector<std::int8_t>{5, -6}));
}

TEST(safe_chains) {
    CHECK_EQUAL(safe_chain(32767, 32767), 2);
    CHECK_EQUAL(safe_chain(16383, 16383), 8);
    CHECK_EQUAL(safe_chain(8191, 8191), 32);
    CHECK_EQUAL(safe_chain(4095, 4095), 128);
    CHECK_EQUAL(safe_chain(2047, 2047), 512);
    CHECK_EQUAL(safe_chain(32768, 32768), 1);
    CHECK_EQUAL(safe_chain(0, 5), 0x7fffffff);
    CHECK_EQUAL(safe_chain(~std::uint64_t{0}, 2), 0);
}

namespace {

template <class I, class C>
void check_products(std::size_t m, std::size_t n, std::size_t k, int bits, DfpChain chain) {
    const std::vector<I> a = integers<I>(m * k, bits, m + k), b = integers<I>(k * n, bits, n + k + 99);
    for (const int headroom : {0, 2}) {
        DfpProductOptions options;
        options.chain = chain;
        options.headroom_bits = headroom;
        const formats::detail::DfpOperands<I> x("test", view(a), -3, view(b), -4, options);
        std::vector<C> got(m * n), want(m * n), again(m * n);
        dfp_gemm(m, n, k, view(a), -3, view(b), -4, options, Span<C>(got));
        reference::dfp_gemm(m, n, k, x, chain, Span<C>(want));
        CHECK(got == want);
        options.threads = 3;
        dfp_gemm(m, n, k, view(a), -3, view(b), -4, options, Span<C>(again));
        CHECK(got == again);
        const std::vector<I> v(b.begin(), b.begin() + static_cast<std::ptrdiff_t>(n == 0 ? 0 : k));
        if (n == 0) continue;
        const formats::detail::DfpOperands<I> y("test", view(a), -3, view(v), -4, options);
        std::vector<C> product(m), product_want(m);
        dfp_gemv(m, k, view(a), -3, view(v), -4, options, Span<C>(product));
        reference::dfp_gemv(m, k, y, chain, Span<C>(product_want));
        CHECK(product == product_want);
    }
}

}  // namespace

TEST(products_equal_reference) {
    const std::size_t shapes[][3] = {{1, 1, 1},   {7, 17, 5},   {6, 16, 64},
                                     {13, 9, 37}, {3, 40, 130}, {2, 3, 4200}};
    for (const auto& s : shapes) {
        for (const DfpChain chain : {DfpChain::norms, DfpChain::maxima}) {
            for (const int bits : {8, 13, 16}) {
                check_products<std::int16_t, float>(s[0], s[1], s[2], bits, chain);
                check_products<std::int16_t, std::int64_t>(s[0], s[1], s[2], bits, chain);
            }
            check_products<std::int8_t, float>(s[0], s[1], s[2], 8, chain);
            check_products<std::int8_t, std::int64_t>(s[0], s[1], s[2], 8, chain);
        }
    }
}

// What a chain too long would wrap: every product the largest there is.
TEST(all_max_operands_do_not_wrap) {
    for (const int bits : {11, 13, 14, 15, 16}) {
        const auto top = static_cast<std::int16_t>(dfp_limit(bits));
        for (const std::size_t k : {1, 2, 3, 31, 32, 33, 511, 512, 513, 1024}) {
            const std::vector<std::int16_t> a(k, top), b(k, static_cast<std::int16_t>(-top));
            for (const DfpChain chain : {DfpChain::norms, DfpChain::maxima}) {
                DfpProductOptions options;
                options.chain = chain;
                std::vector<std::int64_t> sum(1), dot(1);
                dfp_gemm(1, 1, k, view(a), 0, view(b), 0, options, Span<std::int64_t>(sum));
                dfp_gemv(1, k, view(a), 0, view(b), 0, options, Span<std::int64_t>(dot));
                const std::int64_t want = -std::int64_t{top} * top * static_cast<std::int64_t>(k);
                CHECK_EQUAL(sum[0], want);
                CHECK_EQUAL(dot[0], want);
            }
        }
    }
    const std::vector<std::int16_t> lowest(2, INT16_MIN);
    std::vector<float> c(1);
    CHECK_THROWS(dfp_gemm(1, 1, 2, view(lowest), 0, view(lowest), 0, DfpProductOptions(), Span<float>(c)),
                 ArgumentError);
}

TEST(scales_beyond_float32) {
    const std::vector<std::int16_t> a = {32767, 3}, b = {32767, 5};
    for (const int exponent : {-90, -80, -70, 30, 50, 60}) {
        std::vector<float> c(1), y(1);
        dfp_gemm(1, 1, 2, view(a), exponent, view(b), exponent, DfpProductOptions(), Span<float>(c));
        dfp_gemv(1, 2, view(a), exponent, view(b), exponent, DfpProductOptions(), Span<float>(y));
        const float sum = 32767.0F * 32767.0F + 15;
        CHECK_BITS(c[0], static_cast<float>(std::ldexp(static_cast<double>(sum), 2 * exponent)));
        CHECK_BITS(y[0], c[0]);
    }
}

// Each direction against its sum, term by term.
TEST(convolutions) {
    for (const std::size_t stride : {1, 2, 3}) {
        for (const std::size_t padding : {0, 1, 2}) {
            const Conv2dShape s{2, 3, 7, 6, 4, 3, 2, stride, padding};
            const std::size_t rows = s.out_height(), width = s.out_width();
            const auto data = integers<std::int16_t>(s.batch * s.image(), 16, 1);
            const auto weights = integers<std::int16_t>(s.outputs * s.taps(), 16, 2);
            const auto gradient = integers<std::int16_t>(s.batch * s.outputs * s.out_area(), 16, 3);
            std::vector<std::int64_t> out(gradient.size()), to_data(data.size()), to_weights(weights.size());
            std::vector<std::int64_t> out_want(out.size()), data_want(data.size()),
                weights_want(weights.size());
            for (std::size_t b = 0; b < s.batch; ++b)
                for (std::size_t o = 0; o < s.outputs; ++o)
                    for (std::size_t y = 0; y < rows; ++y)
                        for (std::size_t x = 0; x < width; ++x)
                            for (std::size_t c = 0; c < s.channels; ++c)
                                for (std::size_t i = 0; i < s.kernel_height; ++i)
                                    for (std::size_t j = 0; j < s.kernel_width; ++j) {
                                        const std::size_t h = y * stride + i - padding,
                                                          v = x * stride + j - padding;
                                        if (h >= s.height || v >= s.width) continue;  // wrapped if negative
                                        const std::size_t r = ((b * s.outputs + o) * rows + y) * width + x;
                                        const std::size_t d =
                                            ((b * s.channels + c) * s.height + h) * s.width + v;
                                        const std::size_t w =
                                            ((o * s.channels + c) * s.kernel_height + i) * s.kernel_width + j;
                                        out_want[r] += std::int64_t{weights[w]} * data[d];
                                        data_want[d] += std::int64_t{weights[w]} * gradient[r];
                                        weights_want[w] += std::int64_t{gradient[r]} * data[d];
                                    }
            DfpProductOptions options;
            options.threads = 2;
            dfp_conv2d(s, view(data), 0, view(weights), 0, options, Span<std::int64_t>(out));
            dfp_conv2d_backward_data(s, view(gradient), 0, view(weights), 0, options,
                                     Span<std::int64_t>(to_data));
            dfp_conv2d_backward_weights(s, view(data), 0, view(gradient), 0, options,
                                        Span<std::int64_t>(to_weights));
            CHECK(out == out_want);
            CHECK(to_data == data_want);
            CHECK(to_weights == weights_want);
        }
    }
}

TEST(bad_arguments) {
    std::vector<float> x = {1, INFINITY};
    std::vector<std::int16_t> q(2), one(1);
    CHECK_THROWS(dfp_quantize(view(x), 16, RoundOptions(), Span<std::int16_t>(q)), ArgumentError);
    x[1] = 1;
    CHECK_THROWS(dfp_quantize(view(x), 17, RoundOptions(), Span<std::int16_t>(q)), ArgumentError);
    CHECK_THROWS(dfp_quantize(view(x), 1, RoundOptions(), Span<std::int16_t>(q)), ArgumentError);
    CHECK_THROWS(dfp_quantize(view(x), 16, rounding(Rounding::jam), Span<std::int16_t>(q)), ArgumentError);
    CHECK_THROWS(dfp_quantize(view(x), 16, RoundOptions(), Span<std::int16_t>(one)), ArgumentError);
    CHECK_THROWS(dfp_dequantize(view(q), 1 << 21, Span<float>(x)), ArgumentError);
    const std::vector<std::int16_t> large = {300, 0};
    CHECK_THROWS(dfp_add(view(large), 0, view(large), 0, 8, RoundOptions(), Span<std::int16_t>(q)),
                 ArgumentError);
    const Conv2dShape s{1, 1, 2, 2, 1, 3, 3, 1, 0};
    CHECK_THROWS(dfp_conv2d(s, view(large), 0, view(large), 0, DfpProductOptions(), Span<float>(x)),
                 ArgumentError);
}
