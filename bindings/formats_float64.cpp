// The rounding kernels of float64.
#include "fewbits/formats/rounding.hpp"

namespace fewbits {
inline namespace FEWBITS_ISA {
namespace formats {
namespace detail {

template Kernels<double> kernels_of<double>(const Plan<double>&);

}  // namespace detail
}  // namespace formats
}  // namespace FEWBITS_ISA
}  // namespace fewbits
