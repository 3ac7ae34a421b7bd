// Quantisers: rotations.
#include "bindings.hpp"
#include "fewbits/quant/hadamard.hpp"

namespace {

using namespace fewbits;
using namespace fewbits::quant;

template <class T>
void bind_hadamard_rotate(nb::module_& m) {
    m.def(
        "hadamard_rotate",
        [](Array1<T> x, std::size_t width, std::size_t block_size, std::uint64_t seed, bool signs,
           bool inverse, int threads) {
            hadamard_rotate(span(x), width, block_size, RotateOptions{seed, signs, inverse, threads});
        },
        "x"_a.noconvert(), "width"_a, "block_size"_a, "seed"_a, "signs"_a, "inverse"_a, "threads"_a,
        nb::call_guard<nb::gil_scoped_release>());
}

}  // namespace

void register_quant(nb::module_& m) {
    bind_hadamard_rotate<float>(m);
    bind_hadamard_rotate<double>(m);
    m.def("is_hadamard_size", &is_hadamard_size, "size"_a);
}
