// Linear algebra that rounds to a format: products, factorisations, solvers.
#include <nanobind/stl/vector.h>

#include "bindings.hpp"
#include "fewbits/formats/emulated_blas.hpp"
#include "fewbits/formats/emulated_factor.hpp"
#include "fewbits/formats/emulated_solve.hpp"

namespace {

using namespace fewbits;
using namespace fewbits::formats;

template <class T>
void bind_gemm(nb::module_& m) {
    using In = Array1<const T>;
    using Out = Array1<T>;
    const auto release = nb::call_guard<nb::gil_scoped_release>();
    m.def(
        "gemm",
        [](const Context& context, std::size_t rows, std::size_t columns, std::size_t depth, In a, In b,
           Out c, bool accumulate_into, int threads) {
            gemm(Arithmetic<T>(context, "formats.matmul"), rows, columns, depth, span(a), span(b), span(c),
                 accumulate_into, threads);
        },
        "context"_a, "rows"_a, "columns"_a, "depth"_a, "a"_a.noconvert(), "b"_a.noconvert(),
        "c"_a.noconvert(), "accumulate_into"_a, "threads"_a, release);
}

}  // namespace

void register_formats_emulated(nb::module_& m) {
    using In = Array1<const double>;
    using Out = Array1<double>;
    const auto release = nb::call_guard<nb::gil_scoped_release>();
    bind_gemm<float>(m);
    bind_gemm<double>(m);
    m.def(
        "gemv",
        [](const Context& context, std::size_t rows, std::size_t columns, In a, In x, Out y) {
            gemv(Arithmetic<double>(context, "formats.matmul"), rows, columns, span(a), span(x), span(y));
        },
        "context"_a, "rows"_a, "columns"_a, "a"_a.noconvert(), "x"_a.noconvert(), "y"_a.noconvert(), release);
    m.def(
        "axpy",
        [](const Context& context, double alpha, In x, Out y) {
            axpy(Arithmetic<double>(context, "formats.axpy"), alpha, span(x), span(y));
        },
        "context"_a, "alpha"_a, "x"_a.noconvert(), "y"_a.noconvert(), release);
    m.def(
        "norm",
        [](const Context& context, In x, bool absolute) {
            const Arithmetic<double> arithmetic(context, "formats.norm");
            return absolute ? asum(arithmetic, span(x)) : nrm2(arithmetic, span(x));
        },
        "context"_a, "x"_a.noconvert(), "absolute"_a, release);
    m.def(
        "trsm",
        [](const Context& context, bool upper, bool unit_diagonal, std::size_t n, std::size_t columns, In a,
           Out b) {
            trsm(Arithmetic<double>(context, "formats.solve_triangular"),
                 upper ? Triangle::upper : Triangle::lower, unit_diagonal, n, columns, span(a), span(b));
        },
        "context"_a, "upper"_a, "unit_diagonal"_a, "n"_a, "columns"_a, "a"_a.noconvert(), "b"_a.noconvert(),
        release);
    m.def(
        "lu",
        [](const Context& context, std::size_t n, Out a, Array1<std::int64_t> permutation) {
            return lu(Arithmetic<double>(context, "formats.lu"), n, span(a), span(permutation));
        },
        "context"_a, "n"_a, "a"_a.noconvert(), "permutation"_a.noconvert(), release);
    m.def(
        "cholesky",
        [](const Context& context, std::size_t n, Out a) {
            return cholesky(Arithmetic<double>(context, "formats.cholesky"), n, span(a));
        },
        "context"_a, "n"_a, "a"_a.noconvert(), release);
    m.def(
        "qr",
        [](const Context& context, bool givens, std::size_t rows, std::size_t columns, In a, Out q, Out r) {
            qr(Arithmetic<double>(context, "formats.qr"), givens ? QrMethod::givens : QrMethod::householder,
               rows, columns, span(a), span(q), span(r));
        },
        "context"_a, "givens"_a, "rows"_a, "columns"_a, "a"_a.noconvert(), "q"_a.noconvert(),
        "r"_a.noconvert(), release);

    nb::class_<SolveReport>(m, "SolveReport", "How a solver went.")
        .def_ro("converged", &SolveReport::converged)
        .def_ro("iterations", &SolveReport::iterations)
        .def_ro("inner_iterations", &SolveReport::inner_iterations)
        .def_ro("errors", &SolveReport::errors)
        .def_ro("backward_error", &SolveReport::backward_error);
    m.def(
        "cg",
        [](const Context& context, std::size_t n, In a, In b, Out x, double tol, std::size_t max_iter) {
            return cg(Arithmetic<double>(context, "formats.cg"), n, span(a), span(b), span(x), tol, max_iter);
        },
        "context"_a, "n"_a, "a"_a.noconvert(), "b"_a.noconvert(), "x"_a.noconvert(), "tol"_a, "max_iter"_a,
        release);
    m.def(
        "gmres",
        [](const Context& context, std::size_t n, In a, In b, Out x, double tol, std::size_t restart,
           std::size_t max_iter) {
            return gmres(Arithmetic<double>(context, "formats.gmres"), n, span(a), span(b), span(x), tol,
                         restart, max_iter);
        },
        "context"_a, "n"_a, "a"_a.noconvert(), "b"_a.noconvert(), "x"_a.noconvert(), "tol"_a, "restart"_a,
        "max_iter"_a, release);
    m.def(
        "refine",
        [](const Context& factor, const Context& working, const Context& residual, std::size_t n, In a, In b,
           Out x, bool use_gmres, bool scaling, double tol, double inner_tol, std::size_t max_iter,
           std::size_t inner_max_iter) {
            RefineOptions options;
            options.use_gmres = use_gmres;
            options.scaling = scaling;
            options.tol = tol;
            options.inner_tol = inner_tol;
            options.max_iter = max_iter;
            options.inner_max_iter = inner_max_iter;
            return refine(
                Arithmetic<double>(factor, "formats.refine"), Arithmetic<double>(working, "formats.refine"),
                Arithmetic<double>(residual, "formats.refine"), n, span(a), span(b), span(x), options);
        },
        "factor"_a, "working"_a, "residual"_a, "n"_a, "a"_a.noconvert(), "b"_a.noconvert(), "x"_a.noconvert(),
        "use_gmres"_a, "scaling"_a, "tol"_a, "inner_tol"_a, "max_iter"_a, "inner_max_iter"_a, release);
}
