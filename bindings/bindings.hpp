// What every binding file shares: array argument types and the spans they become.
#pragma once

#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/string.h>

#include <cstdint>

#include "fewbits/core/span.hpp"

namespace nb = nanobind;
using namespace nb::literals;

// Arguments of these types are always bound with .noconvert(): nanobind would otherwise copy a strided or
// float64 output into a temporary, fill that, and drop it.
template <class T>
using Array1 = nb::ndarray<T, nb::ndim<1>, nb::c_contig, nb::device::cpu>;

using ByteArray = Array1<const std::uint8_t>;

template <class T>
fewbits::Span<T> span(const Array1<T>& array) {
    return {array.data(), array.size()};
}

// The bytes of a path (str, bytes or os.PathLike) as the file system knows it.
inline std::string file_system_path(nb::handle path) {
    PyObject* encoded = nullptr;
    if (PyUnicode_FSConverter(path.ptr(), &encoded) == 0) nb::raise_python_error();
    const nb::bytes bytes = nb::steal<nb::bytes>(encoded);
    return {bytes.c_str(), bytes.size()};
}

inline nb::bytes to_bytes(fewbits::ByteSpan data) {
    return nb::bytes(reinterpret_cast<const char*>(data.data()), data.size());
}

void register_core(nb::module_& m);
void register_files(nb::module_& m);
void register_coding(nb::module_& m);
void register_container(nb::module_& m);
void register_formats(nb::module_& m);
void register_formats_arithmetic(nb::module_& m);
void register_formats_blocks(nb::module_& m);
void register_formats_codes(nb::module_& m);
void register_formats_collage(nb::module_& m);
void register_formats_dynamic_fixed(nb::module_& m);
void register_formats_elementary(nb::module_& m);
void register_formats_emulated(nb::module_& m);
void register_formats_lmul(nb::module_& m);
void register_formats_sums(nb::module_& m);
void register_functions(nb::module_& m);
void register_linalg(nb::module_& m);
void register_quant(nb::module_& m);
