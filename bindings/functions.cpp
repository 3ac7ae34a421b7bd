// Functions at a stated bound: one file per family.
#include "functions.hpp"

void register_functions(nb::module_& m) {
    register_functions_exponential(m);
    register_functions_hyperbolic_space(m);
    register_functions_library(m);
    register_functions_logarithm(m);
    register_functions_trigonometric(m);
    register_functions_logistic(m);
    register_functions_error_function(m);
    register_functions_power(m);
    register_functions_softmax(m);
    register_functions_zipf(m);
    register_functions_discover(m);
    register_functions_bspline(m);
    register_functions_gamma(m);
    register_functions_bessel(m);
    register_functions_bessel_ratio(m);
    register_functions_vmf(m);
}
