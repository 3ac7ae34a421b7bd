// Entropy coding, compressed tensors and the .fewbits container.
#pragma once

#include "fewbits/coding/bitpack.hpp"
#include "fewbits/coding/block.hpp"
#include "fewbits/coding/byte_part.hpp"
#include "fewbits/coding/container.hpp"
#include "fewbits/coding/dtype.hpp"
#include "fewbits/coding/float_split.hpp"
#include "fewbits/coding/frame.hpp"
#include "fewbits/coding/rans.hpp"
#include "fewbits/coding/static_table.hpp"
#include "fewbits/coding/tensor.hpp"
#include "fewbits/coding/tensor_decoder.hpp"
#include "fewbits/coding/tensor_encoder.hpp"
#include "fewbits/coding/tensor_layout.hpp"
