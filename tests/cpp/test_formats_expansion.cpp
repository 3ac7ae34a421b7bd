#include "fewbits/formats/expansion.hpp"

#include <cmath>
#include <vector>

#include "check.hpp"
#include "fewbits/core/random.hpp"

using namespace fewbits;
using namespace fewbits::formats;

namespace {

Context context_of(const char* name) { return Context{get(name)}; }

// `length` components each for n numbers near one, as splitting a double gives them.
std::vector<float> components(const Context& context, std::size_t length, const std::vector<double>& x) {
    const Arithmetic<float> arithmetic(context);
    std::vector<float> out(length * x.size());
    for (std::size_t k = 0; k < x.size(); ++k) {
        double rest = x[k];
        for (std::size_t i = 0; i < length; ++i) {
            out[i * x.size() + k] = arithmetic.finish(formats::detail::exact(rest), 0);
            rest -= static_cast<double>(out[i * x.size() + k]);
        }
    }
    return out;
}
std::vector<double> uniform(std::size_t n, std::uint64_t stream) {
    const Philox random(12, stream);
    std::vector<double> x(n);
    for (std::size_t i = 0; i < n; ++i) x[i] = 0.5 + 1.5 * random.uniform01(i);
    return x;
}
std::vector<double> values(const std::vector<float>& c, std::size_t n) {
    std::vector<double> out(n);
    for (std::size_t i = c.size(); i-- > 0;) out[i % n] += static_cast<double>(c[i]);
    return out;
}
std::vector<float> run(const Context& context, ExpansionOperation operation, std::size_t length,
                       std::size_t n, const std::vector<float>& x, const std::vector<float>& y) {
    std::vector<float> out(x.size());
    expansion_operation(context, operation, length, n, Span<const float>(x), Span<const float>(y),
                        Span<float>(out));
    return out;
}

}  // namespace

TEST(operations_have_the_precision_of_their_length) {
    const std::size_t n = 300;  // more than a piece
    for (const char* name : {"bfloat16", "float16", "float8_e5m2"}) {
        const Context context = context_of(name);
        for (const std::size_t length : {1, 2, 3, 4}) {
            const std::vector<float> a = components(context, length, uniform(n, 1));
            const std::vector<float> b = components(context, length, uniform(n, 2));
            const std::vector<double> x = values(a, n), y = values(b, n);
            const double unit = std::ldexp(1.0, -context.format.precision * static_cast<int>(length));
            const double least =
                std::ldexp(1.0, context.format.min_exponent - context.format.trailing_bits());
            const std::vector<float> one(b.begin(), b.begin() + static_cast<std::ptrdiff_t>(n));
            const auto check = [&](ExpansionOperation operation, const std::vector<float>& other,
                                   auto exact) {
                const std::vector<float> got = run(context, operation, length, n, a, other);
                const std::vector<double> value = values(got, n);
                for (std::size_t i = 0; i < n; ++i) {
                    CHECK(std::fabs(value[i] - exact(i)) <= 16 * unit * (x[i] + y[i]) * 2 + 8 * least);
                    for (std::size_t k = 1; k < length; ++k) {  // separated, though zeros may stand between
                        const float high = got[(k - 1) * n + i], low = got[k * n + i];
                        CHECK(high == 0 || Arithmetic<float>(context).add(high, low, 0) == high);
                    }
                }
            };
            const auto first = [&](std::size_t i) { return static_cast<double>(b[i]); };
            check(ExpansionOperation::add, b, [&](std::size_t i) { return x[i] + y[i]; });
            check(ExpansionOperation::multiply, b, [&](std::size_t i) { return x[i] * y[i]; });
            check(ExpansionOperation::divide, b, [&](std::size_t i) { return x[i] / y[i]; });
            check(ExpansionOperation::scale, one, [&](std::size_t i) { return x[i] * first(i); });
            check(ExpansionOperation::grow_safe, one, [&](std::size_t i) { return x[i] + first(i); });
            if (length > 2)
                check(ExpansionOperation::grow, one, [&](std::size_t i) { return x[i] + first(i); });
            CHECK(values(run(context, ExpansionOperation::renormalise, length, n, a, {}), n) == x);
        }
    }
}

// 100 + 100 times 0.01 in bfloat16, the check of the paper.
TEST(grow_keeps_what_bfloat16_loses) {
    const Context context = context_of("bfloat16");
    const Arithmetic<float> arithmetic(context);
    const float step = arithmetic.round(0.01F, 0);
    std::vector<float> x = {100, 0};
    for (int i = 0; i < 100; ++i) x = run(context, ExpansionOperation::grow, 2, 1, x, {step});
    CHECK_BITS(x[0], 101.0F);
    CHECK_BITS(x[1], -0.016357421875F);
    CHECK_BITS(arithmetic.add(100, step, 0), 100.0F);
}

// All significands of bfloat16 against all, of both signs, at the gaps of exponents from 0 to 63.
TEST(transformations_are_exact_in_bfloat16) {
    const Context context = context_of("bfloat16");
    const Arithmetic<float> arithmetic(context);
    const formats::detail::PieceArithmetic<float> f(arithmetic, 256);
    formats::detail::Piece<float> b;
    for (std::size_t k = 0; k < 256; ++k) {
        const float significand = 1 + static_cast<float>(k % 128) / 128;
        b[k] = k < 128 ? significand : -significand;
    }
    for (int gap = 0; gap < 64; ++gap) {
        for (int i = 128; i < 256; i += gap % 8 == 0 ? 1 : 5) {
            const float x = std::ldexp(static_cast<float>(i), gap - 7);
            const formats::detail::Piece<float> a = f.all(x);
            const auto sum = f.two_sum(a, b), fast = f.fast_two_sum(a, b), product = f.two_prod(a, b);
            bool good = true;
            for (std::size_t k = 0; k < 256; ++k) {
                // a + b needs up to 71 bits: a sum in two parts instead.
                const double rest =
                    (static_cast<double>(x) - static_cast<double>(sum.value[k])) + static_cast<double>(b[k]);
                good = good && rest == static_cast<double>(sum.error[k]) && sum.value[k] == fast.value[k] &&
                       sum.error[k] == fast.error[k];
                const double exact = static_cast<double>(x) * static_cast<double>(b[k]);
                good = good &&
                       static_cast<double>(product.value[k]) + static_cast<double>(product.error[k]) == exact;
            }
            CHECK(good);
        }
    }
}

TEST(bad_arguments) {
    std::vector<float> x(4);
    Context context = context_of("bfloat16");
    CHECK_THROWS(run(context, ExpansionOperation::add, 2, 2, x, {}), ArgumentError);
    CHECK_THROWS(run(context, ExpansionOperation::renormalise, 0, 2, x, {}), ArgumentError);
    CHECK_THROWS(run(context, ExpansionOperation::renormalise, 17, 2, x, {}), ArgumentError);
    CHECK_THROWS(run(context_of("int8"), ExpansionOperation::renormalise, 2, 2, x, {}), ArgumentError);
    context.options.rounding = Rounding::toward_zero;
    CHECK_THROWS(run(context, ExpansionOperation::renormalise, 2, 2, x, {}), ArgumentError);
}
