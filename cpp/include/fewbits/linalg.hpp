// fewbits::linalg: solvers and factors that trade exactness for cost. Programs that use it must be built with
// one set of instruction set flags throughout: Eigen's templates carry the same names under all of them.
#pragma once

#include "fewbits/linalg/krylov.hpp"
#include "fewbits/linalg/operator.hpp"
#include "fewbits/linalg/policy.hpp"
#include "fewbits/linalg/relax.hpp"
