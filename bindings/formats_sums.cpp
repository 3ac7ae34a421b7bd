// Exact and compensated sums, error-free transformations.
#include "bindings.hpp"
#include "fewbits/core/error_free.hpp"
#include "fewbits/formats/arithmetic.hpp"
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
            transform<T>("formats.two_sum", a, b, value, error, [](T x, T y) { return two_sum(x, y); });
        },
        "a"_a.noconvert(), "b"_a.noconvert(), "value"_a.noconvert(), "error"_a.noconvert(), release);
    m.def(
        "two_prod",
        [](In a, In b, Out value, Out error) {
            transform<T>("formats.two_prod", a, b, value, error, [](T x, T y) { return two_prod(x, y); });
        },
        "a"_a.noconvert(), "b"_a.noconvert(), "value"_a.noconvert(), "error"_a.noconvert(), release);
}

}  // namespace

void register_formats_sums(nb::module_& m) {
    bind_sums<float>(m);
    bind_sums<double>(m);
}
