// Exact and compensated sums, error-free transformations.
#include "bindings.hpp"
#include "fewbits/core/error_free.hpp"
#include "fewbits/formats/arithmetic.hpp"
#include "fewbits/formats/binned_sum.hpp"
#include "fewbits/formats/code_dot.hpp"
#include "fewbits/formats/compensated.hpp"
#include "fewbits/formats/exact_sum.hpp"

namespace {

using namespace fewbits;
using namespace fewbits::formats;

template <class T>
double sum_by(Span<const T> x, int method, int k) {
    switch (method) {
        case 0:
            return static_cast<double>(kahan_sum(x));
        case 1:
            return static_cast<double>(neumaier_sum(x));
        case 2:
            return static_cast<double>(klein_sum(x));
        case 3:
            return static_cast<double>(pairwise_sum(x));
        default:
            return static_cast<double>(sum_k(x, k));
    }
}

template <class T, class Transform>
void transform(const char* function, Array1<const T> a, Array1<const T> b, Array1<T> value, Array1<T> error,
               const Transform& operation) {
    FEWBITS_REQUIRE(a.size() == b.size() && a.size() == value.size() && a.size() == error.size(),
                    std::string(function) + ": arrays must have one size");
    for (std::size_t i = 0; i < a.size(); ++i) {
        const ErrorFree<T> result = operation(a.data()[i], b.data()[i]);
        value.data()[i] = result.value;
        error.data()[i] = std::isfinite(result.value) ? result.error : T{0};
    }
}

template <class T>
void bind_sums(nb::module_& m) {
    using In = Array1<const T>;
    using Out = Array1<T>;
    const auto release = nb::call_guard<nb::gil_scoped_release>();
    m.def(
        "exact_sum",
        [](const Context& context, In x, int threads) {
            return static_cast<double>(
                exact_sum(span(x), Arithmetic<T>(context, "formats.exact_sum"), threads));
        },
        "context"_a, "x"_a.noconvert(), "threads"_a, release);
    m.def(
        "exact_dot",
        [](const Context& context, In x, In y, int threads) {
            return static_cast<double>(
                exact_dot(span(x), span(y), Arithmetic<T>(context, "formats.exact_dot"), threads));
        },
        "context"_a, "x"_a.noconvert(), "y"_a.noconvert(), "threads"_a, release);
    m.def(
        "binned_sum",
        [](const Context& context, In x, int fold, int threads) {
            return static_cast<double>(
                binned_sum(span(x), Arithmetic<T>(context, "formats.binned_sum"), fold, threads));
        },
        "context"_a, "x"_a.noconvert(), "fold"_a, "threads"_a, release);
    m.def(
        "compensated_sum", [](In x, int method, int k) { return sum_by(span(x), method, k); },
        "x"_a.noconvert(), "method"_a, "k"_a, release);
    m.def(
        "compensated_dot", [](In x, In y, int k) { return static_cast<double>(dot_k(span(x), span(y), k)); },
        "x"_a.noconvert(), "y"_a.noconvert(), "k"_a, release);
    m.def(
        "horner",
        [](In coefficients, double x) {
            return static_cast<double>(horner(span(coefficients), static_cast<T>(x)));
        },
        "coefficients"_a.noconvert(), "x"_a, release);
    m.def(
        "two_sum",
        [](In a, In b, Out value, Out error) {
            transform<T>("formats.two_sum", a, b, value, error,
                         [](T x, T y) { return robust_two_sum(x, y); });
        },
        "a"_a.noconvert(), "b"_a.noconvert(), "value"_a.noconvert(), "error"_a.noconvert(), release);
    m.def(
        "two_prod",
        [](In a, In b, Out value, Out error) {
            transform<T>("formats.two_prod", a, b, value, error, [](T x, T y) { return two_prod(x, y); });
        },
        "a"_a.noconvert(), "b"_a.noconvert(), "value"_a.noconvert(), "error"_a.noconvert(), release);
}

template <class T>
void bind_accumulator(nb::class_<ExactAccumulator>& c) {
    const auto release = nb::call_guard<nb::gil_scoped_release>();
    c.def(
        "add",
        [](ExactAccumulator& self, Array1<const T> x, int threads) {
            accumulate_sum(span(x), self, threads);
        },
        "x"_a.noconvert(), "threads"_a, release);
    c.def(
        "add_dot",
        [](ExactAccumulator& self, Array1<const T> x, Array1<const T> y, int threads) {
            accumulate_dot(span(x), span(y), self, threads);
        },
        "x"_a.noconvert(), "y"_a.noconvert(), "threads"_a, release);
}

}  // namespace

void register_formats_sums(nb::module_& m) {
    nb::class_<ExactAccumulator> accumulator(m, "ExactAccumulator", "A sum without error.");
    accumulator.def(nb::init<>());
    bind_accumulator<float>(accumulator);
    bind_accumulator<double>(accumulator);
    accumulator.def(
        "add_codes",
        [](ExactAccumulator& self, ByteArray x, ByteArray y, const FloatFormat& format) {
            accumulate_code_dot(span(x), span(y), format, self);
        },
        "x"_a.noconvert(), "y"_a.noconvert(), "format"_a, nb::call_guard<nb::gil_scoped_release>());
    accumulator.def("merge", &ExactAccumulator::merge, "other"_a);
    accumulator.def(
        "round",
        [](const ExactAccumulator& self, const Context& context, const std::string& function) {
            return self.round(Arithmetic<double>(context, function.c_str()));
        },
        "context"_a, "function"_a);
    accumulator.def("state", [](const ExactAccumulator& self) { return to_bytes(self.state()); });
    accumulator.def_static(
        "from_state", [](ByteArray state) { return ExactAccumulator::from_state(span(state)); },
        "state"_a.noconvert());
    bind_sums<float>(m);
    bind_sums<double>(m);
}
