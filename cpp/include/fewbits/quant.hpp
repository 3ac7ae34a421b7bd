// fewbits::quant: quantisers, and what prepares tensors for them.
#pragma once

#include "fewbits/quant/hadamard.hpp"
