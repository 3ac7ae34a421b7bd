// sin, cos, sincos against mpmath, at the edges, and for every shape.
#include "fewbits/functions/trigonometric.hpp"

#include "functions_check.hpp"

namespace fn = fewbits::functions;
using namespace functions_check;

TEST(sin_is_close_to_mpmath) { check_values("sin", fn::sin, 0.6); }
TEST(sin_shapes) { check_all_shapes(fn::sin, -30, 0.9); }
TEST(cos_is_close_to_mpmath) { check_values("cos", fn::cos, 0.6); }
TEST(cos_shapes) { check_all_shapes(fn::cos, -30, 0.9); }

template <class T>
void edges() {
    constexpr T inf = std::numeric_limits<T>::infinity(), nan = std::numeric_limits<T>::quiet_NaN();
    static_cast<void>(nan);
    check_edges<T>(fn::sin, {{0, 0}, {-T(0), -T(0)}, {inf, nan}, {-inf, nan}});
    check_edges<T>(fn::cos, {{0, 1}, {-T(0), 1}, {inf, nan}, {-inf, nan}});
}
TEST(edges_float64) { edges<double>(); }
TEST(edges_float32) { edges<float>(); }

template <class T>
void check_sincos() {
    std::vector<T> x(67), s(67), c(67);
    for (std::size_t i = 0; i < x.size(); ++i)
        x[i] = std::ldexp(static_cast<T>(i) - 33, static_cast<int>(i % 60));
    for (std::size_t n = 0; n <= x.size(); ++n) {
        fn::sincos(Span<const T>(x.data(), n), Span<T>(s.data(), n), Span<T>(c.data(), n));
        for (std::size_t i = 0; i < n; ++i) {
            CHECK_BITS(s[i], fn::sin(x[i]));
            CHECK_BITS(c[i], fn::cos(x[i]));
            CHECK_BITS(fn::sincos(x[i]).first, s[i]);
        }
    }
    CHECK_THROWS(fn::sincos(Span<const T>(x), Span<T>(s), Span<T>(c.data(), 3)), fewbits::ArgumentError);
}
TEST(sincos_is_sin_and_cos) {
    check_sincos<double>();
    check_sincos<float>();
}
// A float64 next to a multiple of pi/2: 61 bits cancel.
TEST(hardest_reduction) {
    const double x = std::ldexp(6381956970095103.0, 797);
    CHECK_BITS(fn::cos(x), -4.6871659242546276e-19);
    CHECK_BITS(fn::sin(-x), -fn::sin(x));
}
