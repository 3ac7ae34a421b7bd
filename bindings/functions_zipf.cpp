// Zipf's law: probabilities, quantiles, samples, derivatives of the normaliser, the coding model.
#include "fewbits/functions/zipf.hpp"

#include "functions.hpp"

namespace fn = fewbits::functions;
using Reals = Array1<const double>;

namespace {

fn::ZipfMethod method_of(int method) {
    FEWBITS_REQUIRE(method >= 0 && method <= 3, "zipf: unknown method");
    return static_cast<fn::ZipfMethod>(method);
}

template <class Method>
void bind_values(nb::class_<fn::Zipf>& type, const char* name, Method method) {
    type.def(
        name,
        [method](const fn::Zipf& self, Reals k, Array1<double> out, int how) {
            const fewbits::FloatEnvironment standard;
            (self.*method)(span(k), span(out), method_of(how));
        },
        "k"_a.noconvert(), "out"_a.noconvert(), "method"_a, nb::call_guard<nb::gil_scoped_release>());
}

}  // namespace

void register_functions_zipf(nb::module_& m) {
    nb::class_<fn::Zipf> zipf(m, "Zipf");
    zipf.def(nb::init<double, double>(), "n"_a, "s"_a);
    zipf.def("norm", [](const fn::Zipf& self, int how) { return self.norm(method_of(how)); }, "method"_a);
    zipf.def("norm_jet", [](const fn::Zipf& self) {
        const fn::detail::Jet jet = self.norm_jet();
        return nb::make_tuple(jet.value, jet.first, jet.second);
    });
    bind_values(zipf, "pmf", &fn::Zipf::pmf);
    bind_values(zipf, "logpmf", &fn::Zipf::logpmf);
    bind_values(zipf, "cdf", &fn::Zipf::cdf);
    bind_values(zipf, "sf", &fn::Zipf::sf);
    zipf.def(
        "ppf",
        [](const fn::Zipf& self, Reals q, Array1<double> out, int how) {
            const fewbits::FloatEnvironment standard;
            FEWBITS_REQUIRE(q.size() == out.size(), "zipf: out must have the size of q");
            for (std::size_t i = 0; i < q.size(); ++i) out.data()[i] = self.ppf(q.data()[i], method_of(how));
        },
        "q"_a.noconvert(), "out"_a.noconvert(), "method"_a, nb::call_guard<nb::gil_scoped_release>());
    zipf.def(
        "sample",
        [](const fn::Zipf& self, std::uint64_t seed, std::uint64_t first, Array1<std::int64_t> out,
           int threads) {
            const fewbits::FloatEnvironment standard;
            self.sample(seed, first, span(out), threads);
        },
        "seed"_a, "first"_a, "out"_a.noconvert(), "threads"_a, nb::call_guard<nb::gil_scoped_release>());
    nb::class_<fn::ZipfCodingModel> model(m, "ZipfCodingModel");
    model.def(nb::init<double, double, int>(), "n"_a, "s"_a, "bits"_a);
    model.def(
        "cumulative",
        [](const fn::ZipfCodingModel& self, Reals k, Array1<std::uint64_t> out) {
            const fewbits::FloatEnvironment standard;
            self.cumulative(span(k), span(out));
        },
        "k"_a.noconvert(), "out"_a.noconvert(), nb::call_guard<nb::gil_scoped_release>());
    model.def(
        "symbols",
        [](const fn::ZipfCodingModel& self, Array1<const std::uint64_t> slot, Array1<std::int64_t> out) {
            const fewbits::FloatEnvironment standard;
            self.symbols(span(slot), span(out));
        },
        "slot"_a.noconvert(), "out"_a.noconvert(), nb::call_guard<nb::gil_scoped_release>());
}
