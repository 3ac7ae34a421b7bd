// C's functions beyond the rest of functions: float64 kernels of formats.evaluate.
#include "fewbits/functions/library.hpp"

#include "functions.hpp"

namespace fn = fewbits::functions::library;

void register_functions_library(nb::module_& m) {
    bind_unary<double>(m, "tan_f64", fn::tan);
    bind_unary<double>(m, "asin_f64", fn::asin);
    bind_unary<double>(m, "acos_f64", fn::acos);
    bind_unary<double>(m, "atan_f64", fn::atan);
    bind_unary<double>(m, "sinh_f64", fn::sinh);
    bind_unary<double>(m, "cosh_f64", fn::cosh);
    bind_unary<double>(m, "asinh_f64", fn::asinh);
    bind_unary<double>(m, "acosh_f64", fn::acosh);
    bind_unary<double>(m, "atanh_f64", fn::atanh);
    bind_unary<double>(m, "gamma_f64", fn::gamma);
    bind_binary<double>(m, "atan2_f64", fn::atan2);
}
