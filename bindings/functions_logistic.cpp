// tanh, sigmoid, log_sigmoid, softplus, silu, gelu_tanh.
#include "fewbits/functions/logistic.hpp"

#include "functions.hpp"

namespace fn = fewbits::functions;

void register_functions_logistic(nb::module_& m) {
    bind_unary(m, "tanh", fn::tanh);
    bind_unary(m, "sigmoid", fn::sigmoid);
    bind_unary(m, "log_sigmoid", fn::log_sigmoid);
    bind_unary(m, "softplus", fn::softplus);
    bind_unary(m, "silu", fn::silu);
    bind_unary(m, "gelu_tanh", fn::gelu_tanh);
}
