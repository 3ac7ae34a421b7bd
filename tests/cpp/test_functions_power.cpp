// rsqrt, cbrt, pow against mpmath, at the edges, and for every shape.
#include "fewbits/functions/power.hpp"

#include "functions_check.hpp"

namespace fn = fewbits::functions;
using namespace functions_check;

TEST(rsqrt_is_close_to_mpmath) { check_values("rsqrt", fn::rsqrt, 0.51); }
TEST(rsqrt_shapes) { check_all_shapes(fn::rsqrt, -1, 0.4); }
TEST(cbrt_is_close_to_mpmath) { check_values("cbrt", fn::cbrt, 0.54); }
TEST(cbrt_shapes) { check_all_shapes(fn::cbrt, -30, 0.9); }

template <class T>
void edges() {
    constexpr T inf = std::numeric_limits<T>::infinity(), nan = std::numeric_limits<T>::quiet_NaN();
    static_cast<void>(nan);
    check_edges<T>(fn::rsqrt, {{0, inf}, {-T(0), -inf}, {4, T(0.5)}, {inf, 0}, {-inf, nan}, {-1, nan}});
    check_edges<T>(fn::cbrt, {{0, 0}, {-T(0), -T(0)}, {27, 3}, {-8, -2}, {inf, inf}, {-inf, -inf}});
}
TEST(edges_float64) { edges<double>(); }
TEST(edges_float32) { edges<float>(); }

template <class T>
void pow_edges() {
    constexpr T inf = std::numeric_limits<T>::infinity(), nan = std::numeric_limits<T>::quiet_NaN(), zero = 0;
    const T odd = 3, even = 2, half = T(0.5),
            huge = static_cast<T>(std::ldexp(1.0, std::is_same_v<T, float> ? 24 : 53));
    struct Case {
        T x, y, result;
    };
    // C23, F.10.4.4
    const Case cases[] = {
        {nan, zero, 1},        {nan, -zero, 1},     {inf, zero, 1},         {zero, zero, 1},
        {1, nan, 1},           {1, inf, 1},         {1, -inf, 1},           {-1, inf, 1},
        {-1, -inf, 1},         {zero, -odd, inf},   {-zero, -odd, -inf},    {zero, -even, inf},
        {-zero, -even, inf},   {-zero, -half, inf}, {zero, -inf, inf},      {-zero, -inf, inf},
        {zero, odd, zero},     {-zero, odd, -zero}, {zero, half, zero},     {-zero, even, zero},
        {-zero, half, zero},   {-2, half, nan},     {-2, -half, nan},       {half, -inf, inf},
        {2, -inf, zero},       {half, inf, zero},   {2, inf, inf},          {-2, inf, inf},
        {-half, inf, zero},    {-inf, -odd, -zero}, {-inf, -even, zero},    {-inf, odd, -inf},
        {-inf, even, inf},     {-inf, half, inf},   {inf, -1, zero},        {inf, 1, inf},
        {nan, 1, nan},         {2, nan, nan},       {-nan, 1, nan},         {-2, odd, -8},
        {-2, even, 4},         {-1, huge, 1},       {-1, huge - 1, -1},     {2, -even, T(0.25)},
        {10, odd, 1000},       {2, 5000, inf},      {2, -5000, zero},       {-2, T(5001), -inf},
        {-2, T(-5001), -zero}, {-inf, huge, inf},   {-inf, huge - 1, -inf},
    };
    for (const Case& c : cases) CHECK_BITS(fn::pow(c.x, c.y), c.result);
    std::vector<T> x, y;
    for (const Case& c : cases) {
        x.push_back(c.x);
        y.push_back(c.y);
    }
    for (std::size_t n = 0; n <= x.size(); ++n) {
        std::vector<T> out(n);
        fn::pow(Span<const T>(x.data(), n), Span<const T>(y.data(), n), Span<T>(out));
        for (std::size_t i = 0; i < n; ++i) CHECK_BITS(out[i], cases[i].result);
    }
    T out[2];
    CHECK_THROWS(fn::pow(Span<const T>(x.data(), 2), Span<const T>(y.data(), 3), Span<T>(out, 2)),
                 fewbits::ArgumentError);
}
TEST(pow_follows_annex_f) {
    pow_edges<double>();
    pow_edges<float>();
}
TEST(pow_of_exact_powers_is_exact) {
    for (int base = 2; base <= 10; ++base) {
        double power = 1;
        for (int n = 1; power * base < 0x1p53; ++n) {
            power *= base;
            CHECK_BITS(fn::pow(double(base), double(n)), power);
            CHECK_BITS(fn::pow(double(-base), double(n)), n % 2 != 0 ? -power : power);
        }
    }
}
