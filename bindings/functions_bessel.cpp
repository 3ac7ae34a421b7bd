// log_iv, log_kv.
#include "fewbits/functions/bessel.hpp"

#include "functions.hpp"

namespace fn = fewbits::functions;

template <class T>
static void bind_log_bessel(nb::module_& m, const char* name, bool first_kind) {
    m.def(
        name,
        [first_kind](FlatArray<const T> v, FlatArray<const T> x, FlatArray<T> out, bool scaled, bool paper) {
            const fewbits::FloatEnvironment standard;
            const fn::BesselOptions options = {scaled,
                                               paper ? fn::BesselMethod::paper : fn::BesselMethod::best};
            if (first_kind) {
                fn::log_iv(flat(v), flat(x), flat(out), options);
            } else {
                fn::log_kv(flat(v), flat(x), flat(out), options);
            }
        },
        "v"_a.noconvert(), "x"_a.noconvert(), "out"_a.noconvert(), "scaled"_a, "paper"_a,
        nb::call_guard<nb::gil_scoped_release>());
}

void register_functions_bessel(nb::module_& m) {
    bind_log_bessel<float>(m, "log_iv_f32", true);
    bind_log_bessel<double>(m, "log_iv_f64", true);
    bind_log_bessel<float>(m, "log_kv_f32", false);
    bind_log_bessel<double>(m, "log_kv_f64", false);
}
