// Quantisers: rotations, codebooks.
#include <vector>

#include "fewbits/quant/codebook.hpp"
#include "fewbits/quant/hadamard.hpp"
#include "fewbits/quant/kmeans1d.hpp"
#include "quant.hpp"

namespace {

using namespace fewbits;
using namespace fewbits::quant;

using Reals = Array1<const double>;

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

template <class T>
void bind_codebook(nb::module_& m) {
    m.def(
        "codebook_encode",
        [](Array1<const T> x, Reals levels, Array1<std::uint8_t> codes, int threads) {
            codebook_encode(span(x), Codebook<T>(span(levels)), span(codes), threads);
        },
        "x"_a.noconvert(), "levels"_a.noconvert(), "codes"_a.noconvert(), "threads"_a,
        nb::call_guard<nb::gil_scoped_release>());
    m.def(
        "codebook_decode",
        [](Array1<const std::uint8_t> codes, Reals levels, Array1<T> out, int threads) {
            codebook_decode(span(codes), Codebook<T>(span(levels)), span(out), threads);
        },
        "codes"_a.noconvert(), "levels"_a.noconvert(), "out"_a.noconvert(), "threads"_a,
        nb::call_guard<nb::gil_scoped_release>());
}

// (cost, iterations, converged); fills `levels` and `ends`.
template <class Search>
nb::tuple cluster(Array1<double>& levels, Array1<std::uint64_t>& ends, const Search& search) {
    Clustering found;
    {
        nb::gil_scoped_release release;
        found = search();
        std::copy(found.levels.begin(), found.levels.end(), levels.data());
        std::copy(found.ends.begin(), found.ends.end(), ends.data());
    }
    return nb::make_tuple(found.cost, found.iterations, found.converged);
}

void check_room(const Array1<double>& levels, const Array1<std::uint64_t>& ends) {
    FEWBITS_REQUIRE(levels.size() == ends.size(), "kmeans1d: levels and ends must have the same size");
}

}  // namespace

void register_quant(nb::module_& m) {
    register_quant_blocks(m);
    register_quant_trellis(m);
    bind_hadamard_rotate<float>(m);
    bind_hadamard_rotate<double>(m);
    m.def("is_hadamard_size", &is_hadamard_size, "size"_a);
    bind_codebook<float>(m);
    bind_codebook<double>(m);
    m.def(
        "kmeans1d",
        [](Reals x, Reals weights, Array1<double> levels, Array1<std::uint64_t> ends) {
            check_room(levels, ends);
            return cluster(levels, ends, [&] { return kmeans1d(span(x), span(weights), levels.size()); });
        },
        "x"_a.noconvert(), "weights"_a.noconvert(), "levels"_a.noconvert(), "ends"_a.noconvert());
    m.def(
        "lloyd1d",
        [](Reals x, Reals weights, Array1<double> levels, Array1<std::uint64_t> ends, int max_iter) {
            check_room(levels, ends);
            return cluster(levels, ends,
                           [&] { return lloyd1d(span(x), span(weights), levels.size(), max_iter); });
        },
        "x"_a.noconvert(), "weights"_a.noconvert(), "levels"_a.noconvert(), "ends"_a.noconvert(),
        "max_iter"_a);
}
