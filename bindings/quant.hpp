// The binding files of quant.
#pragma once

#include "bindings.hpp"

void register_quant_trellis(nb::module_& m);
