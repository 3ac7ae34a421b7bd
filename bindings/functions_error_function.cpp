// erf, erfc, erfcx, ndtr, log_ndtr, ndtri, gelu.
#include "fewbits/functions/error_function.hpp"

#include "functions.hpp"

namespace fn = fewbits::functions;

void register_functions_error_function(nb::module_& m) {
    bind_unary(m, "erf", fn::erf);
    bind_unary(m, "erfc", fn::erfc);
    bind_unary(m, "erfcx", fn::erfcx);
    bind_unary(m, "ndtr", fn::ndtr);
    bind_unary(m, "log_ndtr", fn::log_ndtr);
    bind_unary(m, "ndtri", fn::ndtri);
    bind_unary(m, "gelu", fn::gelu);
}
