// Ratios of Bessel functions, derivatives of their logarithms.
#include "fewbits/functions/bessel_ratio.hpp"

#include "functions.hpp"

namespace fn = fewbits::functions;

template <class T, class Function>
static void bind_ratio(nb::module_& m, const char* name, Function function) {
    m.def(
        name,
        [function](FlatArray<const T> v, FlatArray<const T> x, FlatArray<T> out) {
            const fewbits::FloatEnvironment standard;
            function(flat(v), flat(x), flat(out));
        },
        "v"_a.noconvert(), "x"_a.noconvert(), "out"_a.noconvert(), nb::call_guard<nb::gil_scoped_release>());
}

template <class T>
static void bind_type(nb::module_& m, const std::string& type) {
    using In = fewbits::Span<const T>;
    using Out = fewbits::Span<T>;
    bind_ratio<T>(m, ("iv_ratio" + type).c_str(), fn::iv_ratio);
    bind_ratio<T>(m, ("iv_ratio_c" + type).c_str(), fn::iv_ratio_c);
    bind_ratio<T>(m, ("kv_ratio" + type).c_str(), fn::kv_ratio);
    bind_ratio<T>(m, ("iv_ratio_inv" + type).c_str(),
                  [](In v, In r, Out out) { fn::iv_ratio_inv(v, r, out); });
    for (const bool first_kind : {true, false}) {
        m.def(((first_kind ? "log_iv_grad" : "log_kv_grad") + type).c_str(),
              [first_kind](FlatArray<const T> v, FlatArray<const T> x, FlatArray<T> dv, FlatArray<T> dx) {
                  const fewbits::FloatEnvironment standard;
                  if (first_kind) {
                      fn::log_iv_grad(flat(v), flat(x), flat(dv), flat(dx));
                  } else {
                      fn::log_kv_grad(flat(v), flat(x), flat(dv), flat(dx));
                  }
              },
              "v"_a.noconvert(), "x"_a.noconvert(), "dv"_a.noconvert(), "dx"_a.noconvert(),
              nb::call_guard<nb::gil_scoped_release>());
    }
}

void register_functions_bessel_ratio(nb::module_& m) {
    bind_type<float>(m, "_f32");
    bind_type<double>(m, "_f64");
}
