#include "bindings.hpp"

void register_container(nb::module_&) {}
