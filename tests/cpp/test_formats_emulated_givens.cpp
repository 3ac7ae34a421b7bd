// Givens rotations in a format: float32 and float64 emulated in double are the native ones bit for bit.
#include "fewbits/formats/emulated_givens.hpp"

#include <string>
#include <vector>

#include "check.hpp"
#include "fewbits/core/error.hpp"
#include "formats_operands.hpp"

using namespace fewbits;
using namespace fewbits::formats;

namespace {

Arithmetic<double> arithmetic_of(const char* name, Rounding rounding = Rounding::nearest_even) {
    Context context;
    context.format = get(std::string(name));
    context.options.rounding = rounding;
    context.options.seed = fewbits::formats::detail::rounds_randomly(rounding) ? 5 : 0;
    return Arithmetic<double>(context);
}

constexpr GivensMethod methods[] = {GivensMethod::paper, GivensMethod::lapack_3_10, GivensMethod::lapack_3_9};

// Equal, and nan for nan: hardware has nan of both signs.
template <class T>
bool same(double emulated, T native) {
    return std::isnan(native) ? std::isnan(emulated)
                              : check::same_bits(emulated, static_cast<double>(native));
}

template <class T>
void native_bits(const char* name) {
    const Arithmetic<double> arithmetic = arithmetic_of(name);
    const GivensLimits<T> limits(std::numeric_limits<T>::min());
    const std::size_t n = 600;
    for (const bool near : {true, false}) {
        const auto f = near ? tame<double>(get(std::string(name)), 2 * n, 1)
                            : operands<double>(get(std::string(name)), 2 * n, 1);
        const auto g = near ? tame<double>(get(std::string(name)), 2 * n, 2)
                            : operands<double>(get(std::string(name)), 2 * n, 2);
        for (const GivensMethod method : methods) {
            std::vector<double> c(2 * n), s(2 * n), r(2 * n);
            const Span<const double> x(f), y(g);
            givens(arithmetic, x, y, Span<double>(c), Span<double>(s), Span<double>(r), method);
            for (std::size_t i = 0; i < 2 * n; ++i) {
                const auto q = fewbits::givens(static_cast<T>(f[i]), static_cast<T>(g[i]), limits, method);
                CHECK(same(c[i], q.c) && same(s[i], q.s) && same(r[i], q.r));
            }
            c.resize(n);
            givens_complex(arithmetic, x, y, Span<double>(c), Span<double>(s), Span<double>(r), method);
            for (std::size_t i = 0; i < n; ++i) {
                const auto pair = [i](const std::vector<double>& z) {
                    return ComplexPair<T>{static_cast<T>(z[2 * i]), static_cast<T>(z[2 * i + 1])};
                };
                const auto q = fewbits::givens(pair(f), pair(g), limits, method);
                CHECK(same(c[i], q.c) && same(s[2 * i], q.s.re) && same(s[2 * i + 1], q.s.im) &&
                      same(r[2 * i], q.r.re) && same(r[2 * i + 1], q.r.im));
            }
        }
    }
}

}  // namespace

TEST(float32_is_native) { native_bits<float>("float32"); }
TEST(float64_is_native) { native_bits<double>("float64"); }

TEST(results_are_values_of_the_format) {
    for (const char* name :
         {"float16", "bfloat16", "float8_e4m3fn", "float8_e5m2", "float(p=9,emin=-40,emax=40)"}) {
        for (const Rounding rounding :
             {Rounding::nearest_even, Rounding::toward_negative, Rounding::stochastic}) {
            const Arithmetic<double> arithmetic = arithmetic_of(name, rounding);
            const auto f = operands<double>(arithmetic.format(), 200, 3);
            const auto g = operands<double>(arithmetic.format(), 200, 4);
            std::vector<double> c(200), s(200), r(200);
            givens(arithmetic, Span<const double>(f), Span<const double>(g), Span<double>(c), Span<double>(s),
                   Span<double>(r));
            for (const auto* values : {&c, &s, &r})
                for (const double value : *values) CHECK(same(arithmetic.round(value, 0), value));
        }
    }
}

TEST(random_bits_belong_to_the_element) {
    const Arithmetic<double> arithmetic = arithmetic_of("bfloat16", Rounding::stochastic);
    const auto f = tame<double>(arithmetic.format(), 50, 5), g = tame<double>(arithmetic.format(), 50, 6);
    std::vector<double> c(50), s(50), r(50);
    givens(arithmetic, Span<const double>(f), Span<const double>(g), Span<double>(c), Span<double>(s),
           Span<double>(r));
    for (std::size_t i = 0; i < 50; ++i) {
        double own[3];
        givens(arithmetic.with_stream(i), Span<const double>(&f[i], 1), Span<const double>(&g[i], 1),
               Span<double>(own, 1), Span<double>(own + 1, 1), Span<double>(own + 2, 1));
        CHECK_BITS(own[0], c[i]);
        CHECK_BITS(own[1], s[i]);
        CHECK_BITS(own[2], r[i]);
    }
    CHECK_THROWS(givens(arithmetic, Span<const double>(f), Span<const double>(g).first(3), Span<double>(c),
                        Span<double>(s), Span<double>(r)),
                 ArgumentError);
}
