// The bit packer of core/bitpack.hpp under the name of this module.
#pragma once

#include "fewbits/core/bitpack.hpp"

namespace fewbits {
inline namespace FEWBITS_ISA {
namespace coding {

using fewbits::pack_bits;
using fewbits::packed_size;
using fewbits::unpack_bits;

}  // namespace coding
}  // namespace FEWBITS_ISA
}  // namespace fewbits
