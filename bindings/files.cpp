// Output files and the streaming hash: the parts of core/ that are objects.
#include "bindings.hpp"
#include "fewbits/core/checksum.hpp"
#include "fewbits/core/file.hpp"

using namespace fewbits;

void register_files(nb::module_& m) {
    nb::class_<OutputFile>(m, "OutputFile",
                           "A file that appears under its name at commit(), whole, or not at all.")
        .def(
            "__init__",
            [](OutputFile* self, nb::handle path) { new (self) OutputFile(file_system_path(path)); },
            "path"_a)
        .def(
            "write",
            [](OutputFile& self, std::uint64_t offset, ByteArray data) { self.write(offset, span(data)); },
            "offset"_a, "data"_a.noconvert(), nb::call_guard<nb::gil_scoped_release>())
        .def("commit", &OutputFile::commit, nb::call_guard<nb::gil_scoped_release>())
        .def("abort", &OutputFile::abort);
    nb::class_<Xxh64>(m, "Xxh64", "XXH64 of bytes that come in pieces.")
        .def(nb::init<std::uint64_t>(), "seed"_a = 0)
        .def(
            "update", [](Xxh64& self, ByteArray data) { self.update(span(data)); }, "data"_a.noconvert(),
            nb::call_guard<nb::gil_scoped_release>())
        .def("digest", &Xxh64::digest);
}
