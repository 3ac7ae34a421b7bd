// sin, cos, sincos.
#include "fewbits/functions/trigonometric.hpp"

#include "functions.hpp"

namespace fn = fewbits::functions;

template <class T>
static void bind_sincos(nb::module_& m, const char* name) {
    m.def(
        name,
        [](FlatArray<const T> x, FlatArray<T> sin, FlatArray<T> cos, bool fast) {
            const fewbits::FloatEnvironment standard;
            fn::sincos(flat(x), flat(sin), flat(cos), accuracy_of(fast));
        },
        "x"_a.noconvert(), "sin"_a.noconvert(), "cos"_a.noconvert(), "fast"_a,
        nb::call_guard<nb::gil_scoped_release>());
}

void register_functions_trigonometric(nb::module_& m) {
    bind_unary(m, "sin", fn::sin);
    bind_unary(m, "cos", fn::cos);
    bind_sincos<float>(m, "sincos_f32");
    bind_sincos<double>(m, "sincos_f64");
}
