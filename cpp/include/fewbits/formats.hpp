// Number formats of few bits, and rounding to them.
#pragma once

#include "fewbits/formats/arithmetic.hpp"
#include "fewbits/formats/block_float.hpp"
#include "fewbits/formats/codes.hpp"
#include "fewbits/formats/compensated.hpp"
#include "fewbits/formats/elementary.hpp"
#include "fewbits/formats/emulated_blas.hpp"
#include "fewbits/formats/emulated_factor.hpp"
#include "fewbits/formats/emulated_givens.hpp"
#include "fewbits/formats/emulated_solve.hpp"
#include "fewbits/formats/exact_sum.hpp"
#include "fewbits/formats/float_format.hpp"
#include "fewbits/formats/lmul.hpp"
#include "fewbits/formats/rounding.hpp"
#include "fewbits/formats/rounding_options.hpp"
#include "fewbits/formats/rounding_reference.hpp"
#include "fewbits/formats/soft_errors.hpp"
