// Parametric, per-symbol and adaptive models.
#include "bindings.hpp"
#include "coding.hpp"
#include "fewbits/coding/categorical_rows.hpp"
#include "fewbits/coding/frame.hpp"
#include "fewbits/coding/mixture.hpp"
#include "fewbits/coding/self_test.hpp"

using namespace fewbits;

namespace {

using Symbols = Array1<const std::int32_t>;

coding::AdaptiveModel adaptive_model(unsigned kind, std::uint32_t alphabet) {
    FEWBITS_REQUIRE(kind <= 5, "adaptive: kind must be in 0..5");
    return {static_cast<coding::AdaptiveKind>(kind), alphabet};
}

void register_mixture(nb::module_& m) {
    nb::class_<Mixture>(m, "Mixture")
        .def(nb::init<Array1<const float>, Array1<const float>, Array1<const float>, std::size_t, int,
                      std::ptrdiff_t, std::ptrdiff_t, unsigned, bool>(),
             "weights"_a.noconvert(), "means"_a.noconvert(), "scales"_a.noconvert(), "n"_a, "k"_a,
             "stride_k"_a, "stride_n"_a, "family"_a, "normalize"_a)
        .def(
            "check",
            [](const Mixture& self, std::size_t n, const std::string& function) {
                coding::check_parameters(function.c_str(), self.view(n));
            },
            "n"_a, "function"_a)
        .def(
            "encode",
            [](const Mixture& self, Symbols symbols, std::int32_t lo, std::uint32_t size, unsigned lanes,
               bool checksum, bool hash, int threads) {
                const coding::Support support{lo, size, 0};
                Bytes out;
                {
                    nb::gil_scoped_release release;
                    out = coding::encode(span(symbols), self.view(symbols.size()),
                                         {lanes, checksum, hash, threads}, support_or_null(support));
                }
                return to_bytes(out);
            },
            "symbols"_a.noconvert(), "lo"_a, "size"_a, "lanes"_a, "checksum"_a, "hash"_a, "threads"_a)
        .def(
            "decode",
            [](const Mixture& self, ByteArray data, Array1<std::int32_t> out, int threads) {
                coding::decode(span(data), self.view(out.size()), span(out), threads);
            },
            "data"_a.noconvert(), "out"_a.noconvert(), "threads"_a, nb::call_guard<nb::gil_scoped_release>())
        .def(
            "code_lengths",
            [](const Mixture& self, Symbols symbols, std::int32_t lo, std::uint32_t size,
               Array1<double> out) {
                const coding::Support support{lo, size, 0};
                coding::code_lengths(span(symbols), self.view(symbols.size()), span(out),
                                     support_or_null(support));
            },
            "symbols"_a.noconvert(), "lo"_a, "size"_a, "out"_a.noconvert(),
            nb::call_guard<nb::gil_scoped_release>())
        .def(
            "cdf",
            [](const Mixture& self, std::size_t n, std::int32_t lo, std::uint32_t size,
               Array1<const std::int64_t> q, Array1<std::uint32_t> out) {
                const coding::Support support{lo, size, 0};
                const coding::MixtureView view = self.view(n);
                coding::detail::check_rounding_mode();
                coding::detail::check_support("cdf_int", support);
                coding::check_parameters("cdf_int", view);
                FEWBITS_REQUIRE(q.size() == n && out.size() == n,
                                "cdf_int: q must have one entry for each symbol");
                for (std::size_t i = 0; i < n; ++i)
                    out.data()[i] = coding::reference::mixture_cdf(view, i, support, q.data()[i]);
            },
            "n"_a, "lo"_a, "size"_a, "q"_a.noconvert(), "out"_a.noconvert(),
            nb::call_guard<nb::gil_scoped_release>());
}

void register_rows(nb::module_& m) {
    nb::class_<Rows>(m, "Rows")
        .def(nb::init<Array1<const double>, std::size_t, std::uint32_t, std::int32_t>(),
             "probs"_a.noconvert(), "n"_a, "alphabet"_a, "lo"_a)
        .def(
            "encode",
            [](const Rows& self, Symbols symbols, unsigned lanes, bool checksum, bool hash, int threads) {
                Bytes out;
                {
                    nb::gil_scoped_release release;
                    out = coding::encode(span(symbols), self.view(), {lanes, checksum, hash, threads});
                }
                return to_bytes(out);
            },
            "symbols"_a.noconvert(), "lanes"_a, "checksum"_a, "hash"_a, "threads"_a)
        .def(
            "decode",
            [](const Rows& self, ByteArray data, Array1<std::int32_t> out, int threads) {
                coding::decode(span(data), self.view(), span(out), threads);
            },
            "data"_a.noconvert(), "out"_a.noconvert(), "threads"_a, nb::call_guard<nb::gil_scoped_release>())
        .def(
            "code_lengths",
            [](const Rows& self, Symbols symbols, Array1<double> out) {
                coding::code_lengths(span(symbols), self.view(), span(out));
            },
            "symbols"_a.noconvert(), "out"_a.noconvert(), nb::call_guard<nb::gil_scoped_release>())
        .def(
            "edges",
            [](const Rows& self, Array1<std::uint32_t> out) {
                const coding::RowsView& view = self.view();
                const std::size_t width = std::size_t{view.alphabet} + 1;
                FEWBITS_REQUIRE(out.size() == view.n * width,
                                "edges: out must have alphabet + 1 entries a row");
                const coding::RowsSymbolModel model(view);
                for (std::size_t i = 0; i < view.n; ++i)
                    model.edges(i, Span<std::uint32_t>(out.data() + i * width, width));
            },
            "out"_a.noconvert(), nb::call_guard<nb::gil_scoped_release>());
}

}  // namespace

void register_coding_models(nb::module_& m) {
    register_mixture(m);
    register_rows(m);
    m.def(
        "adaptive_encode",
        [](Symbols symbols, unsigned kind, std::uint32_t alphabet, unsigned lanes, bool checksum,
           int threads) {
            Bytes out;
            {
                nb::gil_scoped_release release;
                out = coding::encode(span(symbols), adaptive_model(kind, alphabet),
                                     {lanes, checksum, false, threads});
            }
            return to_bytes(out);
        },
        "symbols"_a.noconvert(), "kind"_a, "alphabet"_a, "lanes"_a, "checksum"_a, "threads"_a);
    m.def(
        "adaptive_decode",
        [](ByteArray data, unsigned kind, std::uint32_t alphabet, Array1<std::int32_t> out, int threads) {
            coding::decode(span(data), adaptive_model(kind, alphabet), span(out), threads);
        },
        "data"_a.noconvert(), "kind"_a, "alphabet"_a, "out"_a.noconvert(), "threads"_a,
        nb::call_guard<nb::gil_scoped_release>());
    m.def("self_test", &coding::self_test, "Raises unless tables and streams equal their known answers.");
}
