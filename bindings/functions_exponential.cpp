// exp, exp2, exp10, expm1.
#include "fewbits/functions/exponential.hpp"

#include "functions.hpp"

namespace fn = fewbits::functions;

void register_functions_exponential(nb::module_& m) {
    bind_unary(m, "exp", fn::exp);
    bind_unary(m, "exp2", fn::exp2);
    bind_unary(m, "exp10", fn::exp10);
    bind_unary(m, "expm1", fn::expm1);
}
