// log, log2, log10, log1p against mpmath, at the edges, and for every shape.
#include "fewbits/functions/logarithm.hpp"

#include "functions_check.hpp"

namespace fn = fewbits::functions;
using namespace functions_check;

TEST(log_is_close_to_mpmath) { check_values("log", fn::log, 0.51); }
TEST(log_shapes) { check_all_shapes(fn::log, -1, 0.4); }
TEST(log2_is_close_to_mpmath) { check_values("log2", fn::log2, 0.51); }
TEST(log2_shapes) { check_all_shapes(fn::log2, -1, 0.4); }
TEST(log10_is_close_to_mpmath) { check_values("log10", fn::log10, 0.51); }
TEST(log10_shapes) { check_all_shapes(fn::log10, -1, 0.4); }
TEST(log1p_is_close_to_mpmath) { check_values("log1p", fn::log1p, 0.51); }
TEST(log1p_shapes) { check_all_shapes(fn::log1p, -2, 0.3); }

template <class T>
void edges() {
    constexpr T inf = std::numeric_limits<T>::infinity(), nan = std::numeric_limits<T>::quiet_NaN();
    static_cast<void>(nan);
    check_edges<T>(fn::log, {{1, 0}, {0, -inf}, {-T(0), -inf}, {inf, inf}, {-inf, nan}, {-1, nan}});
    check_edges<T>(fn::log2, {{1, 0}, {1024, 10}, {T(0.125), -3}, {0, -inf}, {inf, inf}, {-1, nan}});
    check_edges<T>(fn::log10, {{1, 0}, {1000, 3}, {T(1e10), 10}, {0, -inf}, {inf, inf}, {-1, nan}});
    check_edges<T>(fn::log1p, {{0, 0}, {-T(0), -T(0)}, {-1, -inf}, {inf, inf}, {-inf, nan}, {-2, nan}});
}
TEST(edges_float64) { edges<double>(); }
TEST(edges_float32) { edges<float>(); }
