// logsumexp, softmax, log_softmax and gradients, cross_entropy, stablemax, perp_grad.
#include "fewbits/functions/softmax.hpp"

#include <nanobind/stl/array.h>

#include <array>

#include "fewbits/functions/perp_grad.hpp"
#include "fewbits/functions/softmax_loss.hpp"
#include "functions.hpp"

namespace fn = fewbits::functions;
using fewbits::Span;

namespace {

template <class T>
void bind_rows(nb::module_& m, const char* name, void (*function)(Span<const T>, std::size_t, Span<T>, int)) {
    m.def(
        name,
        [function](Array1<const T> z, std::size_t width, Array1<T> out, int threads) {
            const fewbits::FloatEnvironment standard;
            function(span(z), width, span(out), threads);
        },
        "z"_a.noconvert(), "width"_a, "out"_a.noconvert(), "threads"_a,
        nb::call_guard<nb::gil_scoped_release>());
}

template <class T>
void bind_gradient(nb::module_& m, const char* name,
                   void (*function)(Span<const T>, Span<const T>, std::size_t, Span<T>, int)) {
    m.def(
        name,
        [function](Array1<const T> z, Array1<const T> g, std::size_t width, Array1<T> out, int threads) {
            const fewbits::FloatEnvironment standard;
            function(span(z), span(g), width, span(out), threads);
        },
        "z"_a.noconvert(), "g"_a.noconvert(), "width"_a, "out"_a.noconvert(), "threads"_a,
        nb::call_guard<nb::gil_scoped_release>());
}

template <class T>
void bind_losses(nb::module_& m) {
    m.def(
        "cross_entropy",
        [](Array1<const T> z, Array1<const std::int64_t> targets, std::size_t width, int kind, double epsilon,
           double sharpness, double location, Array1<T> loss, Array1<T> grad, int threads) {
            const fewbits::FloatEnvironment standard;
            FEWBITS_REQUIRE(kind >= 0 && kind <= static_cast<int>(fn::Loss::mse),
                            "cross_entropy: unknown kind");
            fn::cross_entropy(span(z), span(targets), width, static_cast<fn::Loss>(kind),
                              {epsilon, sharpness, location}, span(loss), span(grad), threads);
        },
        "z"_a.noconvert(), "targets"_a.noconvert(), "width"_a, "kind"_a, "epsilon"_a, "sharpness"_a,
        "location"_a, "loss"_a.noconvert(), "grad"_a.noconvert(), "threads"_a,
        nb::call_guard<nb::gil_scoped_release>());
    m.def(
        "perp_sums",
        [](Array1<const T> w, Array1<const T> g) {
            const fewbits::FloatEnvironment standard;
            const fn::PerpSums sums = fn::perp_sums(span(w), span(g));
            return nb::make_tuple(sums.ww, sums.wg, sums.gg);
        },
        "w"_a.noconvert(), "g"_a.noconvert());
    m.def(
        "perp_rest",
        [](Array1<const T> w, Array1<const T> g, double first) {
            const fewbits::FloatEnvironment standard;
            const fn::PerpRest rest = fn::perp_rest(span(w), span(g), first);
            return nb::make_tuple(rest.wr, rest.rr);
        },
        "w"_a.noconvert(), "g"_a.noconvert(), "first"_a);
    m.def(
        "perp_apply",
        [](Array1<const T> w, Array1<const T> g, const std::array<double, 3>& sums,
           const std::array<double, 2>& rest, std::size_t size, bool renormalize, Array1<T> out) {
            const fewbits::FloatEnvironment standard;
            const fn::PerpFactors factors =
                fn::perp_factors<T>({sums[0], sums[1], sums[2]}, {rest[0], rest[1]}, size, renormalize);
            fn::perp_apply(span(w), span(g), factors, span(out));
        },
        "w"_a.noconvert(), "g"_a.noconvert(), "sums"_a, "rest"_a, "size"_a, "renormalize"_a,
        "out"_a.noconvert());
}

template <class T>
void bind_all(nb::module_& m) {
    bind_rows<T>(m, "logsumexp", fn::logsumexp<T>);
    bind_rows<T>(m, "softmax", fn::softmax<T>);
    bind_rows<T>(m, "log_softmax", fn::log_softmax<T>);
    bind_rows<T>(m, "stablemax", fn::stablemax<T>);
    bind_gradient<T>(m, "softmax_gradient", fn::softmax_gradient<T>);
    bind_gradient<T>(m, "log_softmax_gradient", fn::log_softmax_gradient<T>);
    bind_losses<T>(m);
}

}  // namespace

void register_functions_softmax(nb::module_& m) {
    bind_all<float>(m);
    bind_all<double>(m);
}
