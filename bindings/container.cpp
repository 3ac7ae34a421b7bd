#include <nanobind/stl/optional.h>
#include <nanobind/stl/pair.h>
#include <nanobind/stl/vector.h>

#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "bindings.hpp"
#include "fewbits/coding/container.hpp"

namespace {

using namespace fewbits;
using namespace fewbits::coding;
using Dims = std::vector<std::uint64_t>;
using Base = std::optional<ByteArray>;

ByteSpan base_span(const Base& base) { return base ? span(*base) : ByteSpan(); }

// The lists of enum values that Python checks names against; the position is the value.
constexpr const char* level_names[] = {"fast", "default", "max"};
constexpr const char* verify_names[] = {"none", "crc", "full"};

template <std::size_t N>
nb::tuple names(const char* const (&list)[N]) {
    nb::list result;
    for (const char* name : list) result.append(name);
    return nb::tuple(result);
}

Dtype dtype_of(const std::string& name) {
    const DtypeInfo* info = find_dtype(std::string_view(name));
    FEWBITS_REQUIRE(info != nullptr, "dtype '" + name + "' is not one of the format");
    return info->dtype;
}

TensorOptions options(int level, int threads, const Base& base) {
    FEWBITS_REQUIRE(level >= 0 && level < 3, "level must be in 0..2");
    TensorOptions result;
    result.level = static_cast<Level>(level);
    result.threads = threads;
    result.base = base_span(base);
    return result;
}

Verify verify_of(int level) {
    FEWBITS_REQUIRE(level >= 0 && level < 3, "verify must be in 0..2");
    return static_cast<Verify>(level);
}

// (name, dtype, dims, stored bytes, stages, blocks, xxh64)
nb::tuple describe(const TensorEntry& entry) {
    nb::list stages, dims;
    for (const Stage& stage : entry.pipeline) {
        std::string text = stage_name(stage.id);
        if (stage.id == StageId::float_split && stage.parameters.size() == 2) {
            text += " j=" + std::to_string(stage.parameters[0]);
            if (stage.parameters[1] & float_split_zero_symbols) text += " zeros";
            if (stage.parameters[1] & float_split_row_classes) text += " rows";
        }
        stages.append(text);
    }
    for (const std::uint64_t dim : entry.shape.dims) dims.append(dim);
    return nb::make_tuple(entry.name, dtype_info(entry.shape.dtype).name, nb::tuple(dims),
                          entry.stored_bytes(), nb::tuple(stages), entry.blocks.size(), entry.xxh64);
}

// A reader and what it reads from: a mapped file, or a buffer that Python holds.
struct PyFileReader {
    std::optional<InputFile> file;
    std::optional<ByteArray> buffer;
    std::optional<FileReader> reader;

    PyFileReader(const nb::bytes& path, std::uint64_t max_bytes) : file(file_system_path(path)) {
        nb::gil_scoped_release release;
        reader.emplace(file->bytes(), max_bytes);
    }
    PyFileReader(ByteArray bytes, std::uint64_t max_bytes) : buffer(std::move(bytes)) {
        const ByteSpan data = span(*buffer);
        nb::gil_scoped_release release;
        reader.emplace(data, max_bytes);
    }
};

struct PyTensor {
    Base base;
    FileReader::Tensor tensor;
    PyTensor(const PyFileReader& reader, std::size_t position, Base base_bytes)
        : base(std::move(base_bytes)), tensor(*reader.reader, position, base_span(base)) {}
};

struct PyTensorFrame {
    ByteArray data;
    TensorFrame frame;
    PyTensorFrame(ByteArray bytes, std::uint64_t max_bytes)
        : data(std::move(bytes)), frame(span(data), max_bytes) {}
};

}  // namespace

void register_container(nb::module_& m) {
    m.attr("levels") = names(level_names);
    m.attr("verify_levels") = names(verify_names);
    nb::list dtypes;
    for (const DtypeInfo& info : dtype_table) dtypes.append(nb::make_tuple(info.name, info.itemsize));
    m.attr("dtypes") = nb::tuple(dtypes);
    m.attr("default_max_bytes") = TensorFrame::default_limit;

    m.def(
        "compress_tensor",
        [](ByteArray data, const std::string& dtype, const Dims& dims, int level, int threads, Base base) {
            TensorFrameParts parts;
            {
                nb::gil_scoped_release release;
                parts =
                    compress_tensor_parts(span(data), dtype_of(dtype), dims, options(level, threads, base));
            }
            // One copy, from the pieces into the object itself.
            nb::bytes out = nb::steal<nb::bytes>(
                PyBytes_FromStringAndSize(nullptr, static_cast<Py_ssize_t>(parts.size())));
            if (!out.is_valid()) nb::raise_python_error();
            const Span<std::uint8_t> to(reinterpret_cast<std::uint8_t*>(PyBytes_AsString(out.ptr())),
                                        parts.size());
            prefer_huge_pages(to);
            parts.copy_to(to);
            return out;
        },
        "data"_a.noconvert(), "dtype"_a, "dims"_a, "level"_a, "threads"_a, "base"_a.noconvert() = nb::none());

    nb::class_<PyTensorFrame>(m, "TensorFrame")
        .def(nb::init<ByteArray, std::uint64_t>(), "data"_a.noconvert(), "max_bytes"_a)
        .def_prop_ro("entry", [](const PyTensorFrame& self) { return describe(self.frame.entry()); })
        .def(
            "decode",
            [](const PyTensorFrame& self, Array1<std::uint8_t> out, int verify, int threads, Base base) {
                nb::gil_scoped_release release;
                self.frame.decode(span(out), base_span(base), verify_of(verify), threads);
            },
            "out"_a.noconvert(), "verify"_a, "threads"_a, "base"_a.noconvert() = nb::none());

    nb::class_<FileWriter>(m, "FileWriter")
        .def(
            "__init__",
            [](FileWriter* self, nb::handle path) { new (self) FileWriter(file_system_path(path)); },
            "path"_a)
        .def("add_metadata", &FileWriter::add_metadata, "key"_a, "value"_a)
        .def(
            "begin_tensor",
            [](FileWriter& self, const std::string& name, ByteArray data, const std::string& dtype,
               const Dims& dims, int level, int threads, Base base) {
                nb::gil_scoped_release release;
                self.begin_tensor(name, span(data), dtype_of(dtype), dims, options(level, threads, base));
            },
            "name"_a, "data"_a.noconvert(), "dtype"_a, "dims"_a, "level"_a, "threads"_a,
            "base"_a.noconvert() = nb::none(), "`data` and `base` must stay alive until end_tensor().")
        .def("write_blocks", &FileWriter::write_blocks, nb::call_guard<nb::gil_scoped_release>())
        .def("end_tensor", [](FileWriter& self) { return describe(self.end_tensor()); })
        .def("set_report", &FileWriter::set_report, "json"_a)
        .def("finish", &FileWriter::finish, nb::call_guard<nb::gil_scoped_release>())
        .def("abort", &FileWriter::abort);

    nb::class_<PyFileReader>(m, "FileReader")
        .def(nb::init<const nb::bytes&, std::uint64_t>(), "path"_a, "max_bytes"_a)
        .def(nb::init<ByteArray, std::uint64_t>(), "data"_a.noconvert(), "max_bytes"_a)
        .def_prop_ro("metadata",
                     [](const PyFileReader& self) {
                         nb::list result;
                         for (const auto& [key, value] : self.reader->metadata())
                             result.append(nb::make_tuple(key, value));
                         return result;
                     })
        .def_prop_ro("tensors",
                     [](const PyFileReader& self) {
                         nb::list result;
                         for (const TensorEntry& entry : self.reader->tensors())
                             result.append(describe(entry));
                         return result;
                     })
        .def_prop_ro("report", [](const PyFileReader& self) { return self.reader->report(); })
        .def_prop_ro("size", [](const PyFileReader& self) { return self.reader->size(); });

    nb::class_<PyTensor>(m, "Tensor")
        .def(nb::init<const PyFileReader&, std::size_t, Base>(), "reader"_a, "position"_a,
             "base"_a.noconvert() = nb::none(), nb::keep_alive<1, 2>())
        .def_prop_ro("blocks", [](const PyTensor& self) { return self.tensor.begins().size(); })
        .def(
            "begin_of",
            [](const PyTensor& self, std::size_t block) { return self.tensor.begins().at(block); }, "block"_a,
            "First element of a block.")
        .def(
            "blocks_of",
            [](const PyTensor& self, std::uint64_t begin, std::uint64_t end) {
                return self.tensor.blocks_of(begin, end);
            },
            "begin"_a, "end"_a, "The blocks [first, last) that hold elements [begin, end).")
        .def(
            "bytes_of",
            [](const PyTensor& self, std::size_t first, std::size_t last) {
                return self.tensor.bytes_of(first, last);
            },
            "first"_a, "last"_a)
        .def(
            "decode_blocks",
            [](const PyTensor& self, std::size_t first, std::size_t last, Array1<std::uint8_t> out,
               int verify, int threads) {
                nb::gil_scoped_release release;
                self.tensor.decode_blocks(first, last, span(out), verify_of(verify), threads);
            },
            "first"_a, "last"_a, "out"_a.noconvert(), "verify"_a, "threads"_a)
        .def(
            "copy_blocks",
            [](const PyTensor& self, std::size_t first, std::size_t last, OutputFile& output,
               std::uint64_t offset, int verify, int threads) {
                nb::gil_scoped_release release;
                self.tensor.copy_blocks(first, last, output, offset, verify_of(verify), threads);
            },
            "first"_a, "last"_a, "output"_a, "offset"_a, "verify"_a, "threads"_a)
        .def(
            "check_hash", [](const PyTensor& self, std::uint64_t hash) { self.tensor.check_hash(hash); },
            "hash"_a);
}
