// erf, erfc, erfcx, ndtr, log_ndtr, ndtri, gelu against mpmath, at the edges, and for every shape.
#include "fewbits/functions/error_function.hpp"

#include "functions_check.hpp"

namespace fn = fewbits::functions;
using namespace functions_check;

TEST(erf_is_close_to_mpmath) { check_values("erf", fn::erf, 0.58); }
TEST(erf_shapes) { check_all_shapes(fn::erf, -4, 0.13); }
TEST(erfc_is_close_to_mpmath) { check_values("erfc", fn::erfc, 0.65); }
TEST(erfc_shapes) { check_all_shapes(fn::erfc, -4, 0.3); }
TEST(erfcx_is_close_to_mpmath) { check_values("erfcx", fn::erfcx, 0.65); }
TEST(erfcx_shapes) { check_all_shapes(fn::erfcx, -9, 0.7); }
TEST(ndtr_is_close_to_mpmath) { check_values("ndtr", fn::ndtr, 0.65); }
TEST(ndtr_shapes) { check_all_shapes(fn::ndtr, -14, 0.5); }
TEST(log_ndtr_is_close_to_mpmath) { check_values("log_ndtr", fn::log_ndtr, 0.65); }
TEST(log_ndtr_shapes) { check_all_shapes(fn::log_ndtr, -40, 1.1); }
TEST(ndtri_is_close_to_mpmath) { check_values("ndtri", fn::ndtri, 0.65); }
TEST(ndtri_shapes) { check_all_shapes(fn::ndtri, -0.1, 0.019); }
TEST(gelu_is_close_to_mpmath) { check_values("gelu", fn::gelu, 0.65); }
TEST(gelu_shapes) { check_all_shapes(fn::gelu, -14, 0.5); }

template <class T>
void edges() {
    constexpr T inf = std::numeric_limits<T>::infinity(), nan = std::numeric_limits<T>::quiet_NaN();
    static_cast<void>(nan);
    check_edges<T>(fn::erf, {{0, 0}, {-T(0), -T(0)}, {inf, 1}, {-inf, -1}});
    check_edges<T>(fn::erfc, {{0, 1}, {inf, 0}, {-inf, 2}});
    check_edges<T>(fn::erfcx, {{0, 1}, {inf, 0}, {-inf, inf}});
    check_edges<T>(fn::ndtr, {{0, T(0.5)}, {inf, 1}, {-inf, 0}});
    check_edges<T>(fn::log_ndtr, {{inf, -T(0)}, {-inf, -inf}});
    check_edges<T>(fn::ndtri,
                   {{0, -inf}, {1, inf}, {T(0.5), 0}, {-1, nan}, {2, nan}, {inf, nan}, {-inf, nan}});
    check_edges<T>(fn::gelu, {{0, 0}, {-T(0), -T(0)}, {inf, inf}, {-inf, -T(0)}, {2000, 2000}});
}
TEST(edges_float64) { edges<double>(); }
TEST(edges_float32) { edges<float>(); }
