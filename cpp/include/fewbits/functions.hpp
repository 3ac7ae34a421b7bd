// All of functions.
#pragma once

#include "fewbits/functions/bessel.hpp"
#include "fewbits/functions/bessel_ratio.hpp"
#include "fewbits/functions/double_double.hpp"
#include "fewbits/functions/error_function.hpp"
#include "fewbits/functions/exponential.hpp"
#include "fewbits/functions/gamma.hpp"
#include "fewbits/functions/logarithm.hpp"
#include "fewbits/functions/logistic.hpp"
#include "fewbits/functions/normal.hpp"
#include "fewbits/functions/power.hpp"
#include "fewbits/functions/trigonometric.hpp"
#include "fewbits/functions/vmf.hpp"
