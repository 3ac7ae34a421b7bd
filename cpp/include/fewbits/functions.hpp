// All of functions.
#pragma once

#include "fewbits/functions/bspline.hpp"
#include "fewbits/functions/discover.hpp"
#include "fewbits/functions/double_double.hpp"
#include "fewbits/functions/error_function.hpp"
#include "fewbits/functions/exponential.hpp"
#include "fewbits/functions/hyperbolic_space.hpp"
#include "fewbits/functions/logarithm.hpp"
#include "fewbits/functions/logistic.hpp"
#include "fewbits/functions/perp_grad.hpp"
#include "fewbits/functions/power.hpp"
#include "fewbits/functions/softmax.hpp"
#include "fewbits/functions/softmax_loss.hpp"
#include "fewbits/functions/trigonometric.hpp"
#include "fewbits/functions/zipf.hpp"
