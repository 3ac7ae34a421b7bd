// The extension of one instruction set: exception mapping and the submodules.
#include <exception>

#include "bindings.hpp"
#include "fewbits/core/error.hpp"
#include "fewbits/core/version.hpp"

namespace {

// Raises the Python class `name` of fewbits.errors; both extensions so raise the same classes.
void raise(void* errors, const char* name, const char* message) {
    PyObject* type = PyObject_GetAttrString(static_cast<PyObject*>(errors), name);
    if (type == nullptr) return;  // the AttributeError is already set
    PyErr_SetString(type, message);
    Py_DECREF(type);
}

void translate(const std::exception_ptr& exception, void* errors) {
    try {
        std::rethrow_exception(exception);
    } catch (const fewbits::IoError& e) {
        // File names are bytes that need not be UTF-8.
        nb::object path = nb::steal(
            PyUnicode_DecodeFSDefaultAndSize(e.path().data(), static_cast<Py_ssize_t>(e.path().size())));
        nb::object value = nb::module_::import_("builtins").attr("OSError")(e.code(), e.what(), path);
        PyErr_SetObject(reinterpret_cast<PyObject*>(value.ptr()->ob_type), value.ptr());
    } catch (const fewbits::ConvergenceError& e) {
        nb::object value = nb::borrow(static_cast<PyObject*>(errors))
                               .attr("ConvergenceError")(e.what(), e.iterations(), e.residual());
        PyErr_SetObject(reinterpret_cast<PyObject*>(value.ptr()->ob_type), value.ptr());
    } catch (const fewbits::CorruptDataError& e) {
        raise(errors, "CorruptDataError", e.what());
    } catch (const fewbits::ParameterMismatchError& e) {
        raise(errors, "ParameterMismatchError", e.what());
    } catch (const fewbits::UnsupportedFeatureError& e) {
        raise(errors, "UnsupportedFeatureError", e.what());
    } catch (const fewbits::LimitError& e) {
        raise(errors, "LimitError", e.what());
    } catch (const fewbits::CodecError& e) {
        raise(errors, "CodecError", e.what());
    } catch (const fewbits::LinAlgError& e) {
        raise(errors, "LinAlgError", e.what());
    } catch (const fewbits::ArgumentError& e) {
        raise(errors, "ArgumentError", e.what());
    } catch (const fewbits::Error& e) {
        raise(errors, "Error", e.what());
    }
}

}  // namespace

NB_MODULE(FEWBITS_MODULE, m) {
    m.doc() = "The compiled kernels of fewbits for one instruction set.";
    m.attr("__version__") = FEWBITS_VERSION;
    m.attr("isa") = fewbits::isa_name();
    // The module object lives as long as the interpreter: its one reference is never given back.
    nb::register_exception_translator(&translate, nb::module_::import_("fewbits.errors").release().ptr());
    nb::module_ core = m.def_submodule("core", "Checksums, random numbers, files.");
    register_core(core);
    register_files(core);
    nb::module_ coding = m.def_submodule("coding", "Entropy coders and coded blocks.");
    register_coding(coding);
    nb::module_ container = m.def_submodule("container", "Tensors and the .fewbits container.");
    register_container(container);
    nb::module_ formats = m.def_submodule("formats", "Number formats, rounding, codes.");
    register_formats(formats);
    register_formats_arithmetic(formats);
    register_formats_blocks(formats);
    register_formats_codes(formats);
    register_formats_collage(formats);
    register_formats_dynamic_fixed(formats);
    register_formats_elementary(formats);
    register_formats_emulated(formats);
    register_formats_lmul(formats);
    register_formats_sums(formats);
    nb::module_ functions = m.def_submodule("functions", "Elementary and special functions.");
    register_functions(functions);
    nb::module_ linalg = m.def_submodule("linalg", "Linear algebra.");
    register_linalg(linalg);
    nb::module_ quant = m.def_submodule("quant", "Quantisers.");
    register_quant(quant);
}
