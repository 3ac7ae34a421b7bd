// The binding files of quant.
#pragma once

#include "bindings.hpp"

void register_quant_blocks(nb::module_& m);
void register_quant_trellis(nb::module_& m);
