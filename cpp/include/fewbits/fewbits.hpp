// Everything.
#pragma once

#include "fewbits/coding.hpp"
#include "fewbits/formats.hpp"
#include "fewbits/functions.hpp"
#include "fewbits/linalg.hpp"
#include "fewbits/quant.hpp"
