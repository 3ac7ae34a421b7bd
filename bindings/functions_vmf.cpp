// The von Mises-Fisher distribution.
#include "fewbits/functions/vmf.hpp"

#include <nanobind/stl/tuple.h>

#include <tuple>

#include "functions.hpp"

namespace vmf = fewbits::functions::vmf;

template <class T>
static void bind_rows(nb::module_& m, const std::string& type) {
    m.def(("vmf_sample" + type).c_str(),
          [](Array1<const double> mu, double kappa, std::uint64_t seed, std::uint64_t first, FlatArray<T> out,
             int threads) {
              const fewbits::FloatEnvironment standard;
              vmf::sample(span(mu), kappa, seed, first, flat(out), threads);
          },
          "mu"_a.noconvert(), "kappa"_a, "seed"_a, "first"_a, "out"_a.noconvert(), "threads"_a,
          nb::call_guard<nb::gil_scoped_release>());
    m.def(("vmf_row_norms" + type).c_str(),
          [](FlatArray<const T> x, std::size_t p, Array1<double> out) {
              const fewbits::FloatEnvironment standard;
              vmf::row_norms(flat(x), p, span(out));
          },
          "x"_a.noconvert(), "p"_a, "out"_a.noconvert(), nb::call_guard<nb::gil_scoped_release>());
    m.def(("vmf_row_dots" + type).c_str(),
          [](FlatArray<const T> x, FlatArray<const double> m_rows, std::size_t p, FlatArray<double> out,
             int threads) {
              const fewbits::FloatEnvironment standard;
              vmf::row_dots(flat(x), flat(m_rows), p, flat(out), threads);
          },
          "x"_a.noconvert(), "m"_a.noconvert(), "p"_a, "out"_a.noconvert(), "threads"_a,
          nb::call_guard<nb::gil_scoped_release>());
    m.def(("vmf_weighted_sums" + type).c_str(),
          [](FlatArray<const T> x, FlatArray<const double> weights, std::size_t p, FlatArray<double> out,
             int threads) {
              const fewbits::FloatEnvironment standard;
              vmf::weighted_sums(flat(x), flat(weights), p, flat(out), threads);
          },
          "x"_a.noconvert(), "weights"_a.noconvert(), "p"_a, "out"_a.noconvert(), "threads"_a,
          nb::call_guard<nb::gil_scoped_release>());
}

void register_functions_vmf(nb::module_& m) {
    bind_rows<float>(m, "_f32");
    bind_rows<double>(m, "_f64");
    m.def(
        "vmf_log_normalizer_f64",
        [](FlatArray<const double> p, FlatArray<const double> kappa, FlatArray<double> out) {
            const fewbits::FloatEnvironment standard;
            vmf::log_normalizer(flat(p), flat(kappa), flat(out));
        },
        "p"_a.noconvert(), "kappa"_a.noconvert(), "out"_a.noconvert(),
        nb::call_guard<nb::gil_scoped_release>());
    m.def(
        "vmf_kappa_from_resultant",
        [](double p, double r, int method) {
            const fewbits::FloatEnvironment standard;
            const auto found = vmf::kappa_from_resultant(p, r, static_cast<vmf::KappaMethod>(method));
            return std::make_tuple(found.x, found.iterations, found.converged);
        },
        "p"_a, "r"_a, "method"_a, nb::call_guard<nb::gil_scoped_release>());
}
