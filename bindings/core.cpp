#include "bindings.hpp"

void register_core(nb::module_&) {}
