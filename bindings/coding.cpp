#include "bindings.hpp"

void register_coding(nb::module_&) {}
