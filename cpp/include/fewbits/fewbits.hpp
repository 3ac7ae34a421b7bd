// Everything.
#pragma once

#include "fewbits/coding.hpp"
