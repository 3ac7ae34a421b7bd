// Iterative solvers: operators from arrays, stencils and Python functions; policies.
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <nanobind/stl/pair.h>
#include <nanobind/stl/vector.h>

#include "bindings.hpp"
#include "fewbits/core/float_environment.hpp"
#include "fewbits/linalg/krylov.hpp"
#include "fewbits/linalg/policy.hpp"
#include "fewbits/linalg/relax.hpp"

namespace {

using namespace fewbits;
using namespace fewbits::linalg;

// An operator and what it borrows from.
template <class T>
struct Bound {
    AnyOperator<T> op;
    bool needs_python = false;  // calls back
};

template <class T, class Index>
Bound<T> csr(std::size_t rows, std::size_t cols, Array1<const Index> offsets, Array1<const Index> columns,
             Array1<const T> values) {
    const CsrView<T, Index> view(rows, cols, span(offsets), span(columns), span(values));
    view.check();
    return {
        AnyOperator<T>(
            rows, cols,
            [view, offsets, columns, values](Span<const T> x, Span<T> y) { view.template apply<T>(x, y); },
            [view](Span<const T> x, Span<T> y) { return view.template apply_dot<T>(x, y); }),
        false};
}

// A Python function x -> A x; its results are arrays that the Python layer has checked.
template <class T>
Bound<T> function(std::size_t rows, std::size_t cols, nb::object f) {
    const auto call = [f](Span<const T> x, Span<T> y) {
        const nb::gil_scoped_acquire gil;
        T* copy = new T[x.size()];
        std::copy(x.begin(), x.end(), copy);
        const nb::capsule owner(copy, [](void* p) noexcept { delete[] static_cast<T*>(p); });
        const nb::object result = f(nb::ndarray<nb::numpy, T, nb::ndim<1>>(copy, {x.size()}, owner));
        const auto array = nb::cast<Array1<const T>>(result, false);
        FEWBITS_REQUIRE(array.size() == y.size(), "linalg: an operator returned the wrong size");
        std::copy(array.data(), array.data() + y.size(), y.begin());
    };
    return {AnyOperator<T>(rows, cols, call), true};
}

template <class T>
struct Guarded {
    // Python's lock is given up for the run; functions take it back.
    template <class Solve>
    static SolveReport run(const Solve& solve) {
        const nb::gil_scoped_release release;
        const FloatEnvironment standard;
        return solve();
    }
};

SolveOptions options_of(double tol, double atol, std::size_t max_iter, const nb::object& callback) {
    SolveOptions options;
    options.tol = tol;
    options.atol = atol;
    options.max_iter = max_iter;
    if (!callback.is_none()) {
        options.callback = [callback](const IterationInfo& info) {
            const nb::gil_scoped_acquire gil;
            return nb::cast<bool>(callback(info.iteration, info.residual));
        };
    }
    return options;
}

nb::tuple as_tuple(const SolveReport& r) {
    nb::list history;
    for (const double v : r.history) history.append(v);
    return nb::make_tuple(status_names[static_cast<int>(r.status)], r.iterations, r.residual, r.target,
                          r.curvature, r.replacements, r.fallbacks, history);
}

template <class T>
void bind_type(nb::module_& m, const std::string& suffix) {
    using Operator = Bound<T>;
    nb::class_<Operator>(m, ("Operator" + suffix).c_str())
        .def(
            "apply",
            [](const Operator& a, Array1<const T> x, Array1<T> y) {
                const nb::gil_scoped_release release;
                const FloatEnvironment standard;
                a.op.apply(span(x), span(y));
            },
            "x"_a.noconvert(), "y"_a.noconvert());
    m.def(("csr" + suffix).c_str(), &csr<T, std::int32_t>, "rows"_a, "cols"_a, "offsets"_a.noconvert(),
          "columns"_a.noconvert(), "values"_a.noconvert());
    m.def(("csr" + suffix).c_str(), &csr<T, std::int64_t>, "rows"_a, "cols"_a, "offsets"_a.noconvert(),
          "columns"_a.noconvert(), "values"_a.noconvert());
    m.def(("dense" + suffix).c_str(),
          [](std::size_t rows, std::size_t cols, Array1<const T> values) {
              const DenseView<T> view(rows, cols, span(values));
              return Operator{AnyOperator<T>(
                  rows, cols, [view, values](Span<const T> x, Span<T> y) { view.apply(x, y); })};
          },
          "rows"_a, "cols"_a, "values"_a.noconvert());
    m.def(("stencil" + suffix).c_str(),
          [](std::vector<std::size_t> shape, std::vector<double> weights) {
              const StencilOperator<T> stencil(std::move(shape), std::move(weights));
              return Operator{AnyOperator<T>(
                  stencil.rows(), stencil.cols(),
                  [stencil](Span<const T> x, Span<T> y) { stencil.template apply<T>(x, y); },
                  [stencil](Span<const T> x, Span<T> y) { return stencil.template apply_dot<T>(x, y); })};
          },
          "shape"_a, "weights"_a);
    m.def(("function" + suffix).c_str(), &function<T>, "rows"_a, "cols"_a, "f"_a);
    const auto triangular = [&m, &suffix](const char* name, auto make) {
        const auto bind = [&m, &suffix, name, make](auto index) {
            using Index = decltype(index);
            m.def((name + suffix).c_str(),
                  [make](std::size_t n, Array1<const Index> offsets, Array1<const Index> columns,
                         Array1<const T> values, double first, double second) {
                      const CsrView<T, Index> view(n, n, span(offsets), span(columns), span(values));
                      const auto factor = [&] {
                          const nb::gil_scoped_release release;
                          const FloatEnvironment standard;
                          return make(view, first, second);
                      }();
                      return Operator{AnyOperator<T>(
                          n, n, [factor](Span<const T> r, Span<T> z) { factor->apply(r, z); })};
                  },
                  "n"_a, "offsets"_a.noconvert(), "columns"_a.noconvert(), "values"_a.noconvert(), "first"_a,
                  "second"_a);
        };
        bind(std::int32_t{});
        bind(std::int64_t{});
    };
    triangular("ssor", [](const auto& view, double omega, double) {
        return std::make_shared<const Ssor<T>>(view, omega);
    });
    triangular("incomplete_cholesky", [](const auto& view, double modified, double shift) {
        return std::make_shared<const IncompleteCholesky<T>>(view, modified, shift);
    });
    const auto bind_sor = [&m, &suffix](auto index) {
        using Index = decltype(index);
        m.def(("sor" + suffix).c_str(),
              [](Array1<const Index> offsets, Array1<const Index> columns, Array1<const T> values,
                 Array1<const T> b, Array1<T> x, double omega, double tol, double atol, std::size_t max_iter,
                 nb::object callback) {
                  const SolveOptions options = options_of(tol, atol, max_iter, callback);
                  return as_tuple(Guarded<T>::run([&] {
                      const CsrView<T, Index> view(b.size(), b.size(), span(offsets), span(columns),
                                                   span(values));
                      return sor<T>(view, span(b), omega, span(x), options);
                  }));
              },
              "offsets"_a.noconvert(), "columns"_a.noconvert(), "values"_a.noconvert(), "b"_a.noconvert(),
              "x"_a.noconvert(), "omega"_a, "tol"_a, "atol"_a, "max_iter"_a, "callback"_a.none());
    };
    bind_sor(std::int32_t{});
    bind_sor(std::int64_t{});
    m.def(("cg" + suffix).c_str(),
          [](const Operator& a, Array1<const T> b, Array1<T> x, const Operator* preconditioner, double tol,
             double atol, std::size_t max_iter, nb::object callback) {
              const SolveOptions options = options_of(tol, atol, max_iter, callback);
              return as_tuple(Guarded<T>::run([&] {
                  return preconditioner == nullptr
                             ? cg<T>(a.op, span(b), span(x), options)
                             : cg<T>(a.op, span(b), span(x), options, preconditioner->op);
              }));
          },
          "a"_a, "b"_a.noconvert(), "x"_a.noconvert(), "preconditioner"_a.none(), "tol"_a, "atol"_a,
          "max_iter"_a, "callback"_a.none());
    m.def(("conjugate_direction" + suffix).c_str(),
          [](const Operator& a, Array1<const T> b, Array1<T> x, const Operator& f, std::int64_t window,
             std::size_t replace_every, double tol, double atol, std::size_t max_iter, nb::object callback) {
              DirectionOptions options;
              static_cast<SolveOptions&>(options) = options_of(tol, atol, max_iter, callback);
              options.window = window < 0 ? DirectionOptions::no_limit : static_cast<std::size_t>(window);
              options.replace_every = replace_every;
              return as_tuple(Guarded<T>::run([&] {
                  return conjugate_direction<T>(
                      a.op, span(b), span(x), [&](Span<const T> r, Span<T> q) { f.op.apply(r, q); }, options);
              }));
          },
          "a"_a, "b"_a.noconvert(), "x"_a.noconvert(), "f"_a, "window"_a, "replace_every"_a, "tol"_a,
          "atol"_a, "max_iter"_a, "callback"_a.none());
    m.def(("gmres" + suffix).c_str(),
          [](const Operator& a, Array1<const T> b, Array1<T> x, const Operator* preconditioner,
             std::size_t restart, bool flexible, double tol, double atol, std::size_t max_iter,
             nb::object callback) {
              GmresOptions options;
              static_cast<SolveOptions&>(options) = options_of(tol, atol, max_iter, callback);
              options.restart = restart;
              options.flexible = flexible;
              return as_tuple(Guarded<T>::run([&] {
                  return preconditioner == nullptr
                             ? gmres<T>(a.op, span(b), span(x), options)
                             : gmres<T>(a.op, span(b), span(x), options, preconditioner->op);
              }));
          },
          "a"_a, "b"_a.noconvert(), "x"_a.noconvert(), "preconditioner"_a.none(), "restart"_a, "flexible"_a,
          "tol"_a, "atol"_a, "max_iter"_a, "callback"_a.none());
}

template <class Policy, class... Arguments>
nb::class_<Policy> bind_policy(nb::module_& m, const char* name) {
    return nb::class_<Policy>(m, name)
        .def("report", &Policy::report, "cost"_a)
        .def("state", &Policy::state)
        .def("restore", &Policy::restore, "state"_a);
}

}  // namespace

void register_linalg(nb::module_& m) {
    bind_type<float>(m, "_f32");
    bind_type<double>(m, "_f64");
    bind_policy<TsallisInf>(m, "TsallisInf")
        .def(nb::init<std::size_t, std::uint64_t>(), "arms"_a, "seed"_a)
        .def("suggest", &TsallisInf::suggest);
    bind_policy<TsallisInfCB>(m, "TsallisInfCB")
        .def(
            "__init__",
            [](TsallisInfCB* self, std::size_t arms, double low, double high, std::size_t bins,
               std::uint64_t seed) { new (self) TsallisInfCB(arms, {low, high}, bins, seed); },
            "arms"_a, "low"_a, "high"_a, "bins"_a, "seed"_a)
        .def("suggest", &TsallisInfCB::suggest, "context"_a);
    bind_policy<ChebCB>(m, "ChebCB")
        .def(
            "__init__",
            [](ChebCB* self, std::size_t arms, double low, double high, std::size_t degree,
               std::uint64_t seed) { new (self) ChebCB(arms, {low, high}, degree, seed); },
            "arms"_a, "low"_a, "high"_a, "degree"_a, "seed"_a)
        .def("suggest", &ChebCB::suggest, "context"_a);
}
