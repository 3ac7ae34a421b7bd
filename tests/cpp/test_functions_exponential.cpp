// exp, exp2, exp10, expm1 against mpmath, at the edges, and for every shape.
#include "fewbits/functions/exponential.hpp"

#include "functions_check.hpp"

namespace fn = fewbits::functions;
using namespace functions_check;

TEST(exp_is_close_to_mpmath) { check_values("exp", fn::exp, 0.51); }
TEST(exp_shapes) { check_all_shapes(fn::exp, -80, 2.3); }
TEST(exp2_is_close_to_mpmath) { check_values("exp2", fn::exp2, 0.51); }
TEST(exp2_shapes) { check_all_shapes(fn::exp2, -100, 3.1); }
TEST(exp10_is_close_to_mpmath) { check_values("exp10", fn::exp10, 0.51); }
TEST(exp10_shapes) { check_all_shapes(fn::exp10, -30, 1.1); }
TEST(expm1_is_close_to_mpmath) { check_values("expm1", fn::expm1, 0.51); }
TEST(expm1_shapes) { check_all_shapes(fn::expm1, -40, 1.9); }

template <class T>
void edges() {
    constexpr T inf = std::numeric_limits<T>::infinity(), nan = std::numeric_limits<T>::quiet_NaN();
    static_cast<void>(nan);
    check_edges<T>(fn::exp, {{0, 1}, {-T(0), 1}, {inf, inf}, {-inf, 0}, {T(-2000), 0}, {T(2000), inf}});
    check_edges<T>(fn::exp2, {{0, 1}, {10, 1024}, {-10, 0x1p-10}, {inf, inf}, {-inf, 0}});
    check_edges<T>(fn::exp10, {{0, 1}, {2, 100}, {10, T(1e10)}, {inf, inf}, {-inf, 0}});
    check_edges<T>(fn::expm1, {{0, 0}, {-T(0), -T(0)}, {inf, inf}, {-inf, -1}});
}
TEST(edges_float64) { edges<double>(); }
TEST(edges_float32) { edges<float>(); }
