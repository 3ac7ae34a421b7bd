// log, log2, log10, log1p.
#include "fewbits/functions/logarithm.hpp"

#include "functions.hpp"

namespace fn = fewbits::functions;

void register_functions_logarithm(nb::module_& m) {
    bind_unary(m, "log", fn::log);
    bind_unary(m, "log2", fn::log2);
    bind_unary(m, "log10", fn::log10);
    bind_unary(m, "log1p", fn::log1p);
}
