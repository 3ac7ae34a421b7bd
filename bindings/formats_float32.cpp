// The rounding kernels of float32.
#include "fewbits/formats/rounding.hpp"

namespace fewbits {
inline namespace FEWBITS_ISA {
namespace formats {
namespace detail {

template Kernels<float> kernels_of<float>(const Plan<float>&);

}  // namespace detail
}  // namespace formats
}  // namespace FEWBITS_ISA
}  // namespace fewbits
