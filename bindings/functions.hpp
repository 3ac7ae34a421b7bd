// What the binding files of functions share: how an elementwise function becomes a Python one.
#pragma once

#include "bindings.hpp"
#include "fewbits/core/float_environment.hpp"
#include "fewbits/functions/detail/elementwise.hpp"

// Of any number of dimensions: all elements in memory order.
template <class T>
using FlatArray = nb::ndarray<T, nb::c_contig, nb::device::cpu>;

template <class T>
fewbits::Span<T> flat(const FlatArray<T>& array) {
    return {array.data(), array.size()};
}

inline fewbits::functions::Accuracy accuracy_of(bool fast) {
    return fast ? fewbits::functions::Accuracy::fast : fewbits::functions::Accuracy::best;
}

template <class T, class Function>
void bind_unary(nb::module_& m, const char* name, Function function) {
    m.def(
        name,
        [function](FlatArray<const T> x, FlatArray<T> out, bool fast) {
            const fewbits::FloatEnvironment standard;
            function(flat(x), flat(out), accuracy_of(fast));
        },
        "x"_a.noconvert(), "out"_a.noconvert(), "fast"_a, nb::call_guard<nb::gil_scoped_release>());
}

// <name>_f32 and <name>_f64: a name of its own for each type saves the search among overloads.
template <class Function>
void bind_unary(nb::module_& m, const std::string& name, Function function) {
    bind_unary<float>(m, (name + "_f32").c_str(), function);
    bind_unary<double>(m, (name + "_f64").c_str(), function);
}

template <class T, class Function>
void bind_binary(nb::module_& m, const char* name, Function function) {
    m.def(
        name,
        [function](FlatArray<const T> x, FlatArray<const T> y, FlatArray<T> out, bool fast) {
            const fewbits::FloatEnvironment standard;
            function(flat(x), flat(y), flat(out), accuracy_of(fast));
        },
        "x"_a.noconvert(), "y"_a.noconvert(), "out"_a.noconvert(), "fast"_a,
        nb::call_guard<nb::gil_scoped_release>());
}

void register_functions_exponential(nb::module_& m);
void register_functions_hyperbolic_space(nb::module_& m);
void register_functions_library(nb::module_& m);
void register_functions_logarithm(nb::module_& m);
void register_functions_trigonometric(nb::module_& m);
void register_functions_logistic(nb::module_& m);
void register_functions_error_function(nb::module_& m);
void register_functions_power(nb::module_& m);
void register_functions_softmax(nb::module_& m);
void register_functions_zipf(nb::module_& m);
void register_functions_discover(nb::module_& m);
void register_functions_bspline(nb::module_& m);
void register_functions_gamma(nb::module_& m);
void register_functions_bessel(nb::module_& m);
void register_functions_bessel_ratio(nb::module_& m);
void register_functions_vmf(nb::module_& m);
