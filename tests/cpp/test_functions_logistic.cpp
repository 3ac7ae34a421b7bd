// tanh, sigmoid, log_sigmoid, softplus, silu, gelu_tanh against mpmath, at the edges, and for every shape.
#include "fewbits/functions/logistic.hpp"

#include "functions_check.hpp"

namespace fn = fewbits::functions;
using namespace functions_check;

TEST(tanh_is_close_to_mpmath) { check_values("tanh", fn::tanh, 0.57); }
TEST(tanh_shapes) { check_all_shapes(fn::tanh, -4, 0.13); }
TEST(sigmoid_is_close_to_mpmath) { check_values("sigmoid", fn::sigmoid, 0.51); }
TEST(sigmoid_shapes) { check_all_shapes(fn::sigmoid, -90, 3.3); }
TEST(log_sigmoid_is_close_to_mpmath) { check_values("log_sigmoid", fn::log_sigmoid, 0.51); }
TEST(log_sigmoid_shapes) { check_all_shapes(fn::log_sigmoid, -90, 3.3); }
TEST(softplus_is_close_to_mpmath) { check_values("softplus", fn::softplus, 0.51); }
TEST(softplus_shapes) { check_all_shapes(fn::softplus, -90, 3.3); }
TEST(silu_is_close_to_mpmath) { check_values("silu", fn::silu, 0.51); }
TEST(silu_shapes) { check_all_shapes(fn::silu, -90, 3.3); }
TEST(gelu_tanh_is_close_to_mpmath) { check_values("gelu_tanh", fn::gelu_tanh, 0.52); }
TEST(gelu_tanh_shapes) { check_all_shapes(fn::gelu_tanh, -20, 0.7); }

template <class T>
void edges() {
    constexpr T inf = std::numeric_limits<T>::infinity(), nan = std::numeric_limits<T>::quiet_NaN();
    static_cast<void>(nan);
    check_edges<T>(fn::tanh, {{0, 0}, {-T(0), -T(0)}, {inf, 1}, {-inf, -1}});
    check_edges<T>(fn::sigmoid, {{0, T(0.5)}, {inf, 1}, {-inf, 0}});
    check_edges<T>(fn::log_sigmoid, {{inf, -T(0)}, {-inf, -inf}, {T(-2000), -2000}});
    check_edges<T>(fn::softplus, {{inf, inf}, {-inf, 0}, {2000, 2000}});
    check_edges<T>(fn::silu, {{0, 0}, {-T(0), -T(0)}, {inf, inf}, {-inf, -T(0)}, {2000, 2000}});
    check_edges<T>(fn::gelu_tanh, {{0, 0}, {-T(0), -T(0)}, {inf, inf}, {-inf, -T(0)}, {2000, 2000}});
}
TEST(edges_float64) { edges<double>(); }
TEST(edges_float32) { edges<float>(); }
