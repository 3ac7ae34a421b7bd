// The rounding kernels are compiled once per extension, in formats_float32.cpp and formats_float64.cpp.
#pragma once

#include "fewbits/formats/rounding.hpp"

namespace fewbits {
inline namespace FEWBITS_ISA {
namespace formats {
namespace detail {

extern template Kernels<float> kernels_of<float>(const Plan<float>&);
extern template Kernels<double> kernels_of<double>(const Plan<double>&);

}  // namespace detail
}  // namespace formats
}  // namespace FEWBITS_ISA
}  // namespace fewbits
