// rsqrt, cbrt, pow.
#include "fewbits/functions/power.hpp"

#include "functions.hpp"

namespace fn = fewbits::functions;

void register_functions_power(nb::module_& m) {
    bind_unary(m, "rsqrt", fn::rsqrt);
    bind_unary(m, "cbrt", fn::cbrt);
    bind_binary<float>(m, "pow_f32", fn::pow);
    bind_binary<double>(m, "pow_f64", fn::pow);
}
