// fewbits::quant: quantisers, and what prepares tensors for them.
#pragma once

#include "fewbits/quant/block_scaled.hpp"
#include "fewbits/quant/codebook.hpp"
#include "fewbits/quant/hadamard.hpp"
#include "fewbits/quant/kmeans1d.hpp"
#include "fewbits/quant/trellis_quantize.hpp"
