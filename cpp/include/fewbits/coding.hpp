// Everything in fewbits/coding: entropy coders, coded blocks.
#pragma once

#include "fewbits/coding/bitpack.hpp"
#include "fewbits/coding/block.hpp"
#include "fewbits/coding/rans.hpp"
#include "fewbits/coding/static_table.hpp"
