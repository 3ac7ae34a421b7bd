// Givens rotations with every operation rounded to a format: the formulas of core/givens.hpp on Emulated
// numbers, safmin being 2^emin of the format.
//
// Random bits: element i draws from stream + i, its roundings numbered as they come; constants and the limits
// of scaling are rounded to nearest even.
//
// Contract: exact: the bits of the formulas in that format; in float32 and float64 those of native
// arithmetic. Source: W. Pereira, A. Lotfi, J. Langou, "Numerical analysis of Givens rotation",
// arXiv:2211.04010.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>

#include "fewbits/core/error.hpp"
#include "fewbits/core/givens.hpp"
#include "fewbits/core/isa.hpp"
#include "fewbits/core/span.hpp"
#include "fewbits/formats/arithmetic.hpp"

namespace fewbits {
inline namespace FEWBITS_ISA {
namespace formats {

namespace detail {

// Calls body(element, limits, make) for every element; make turns a value of the format into a number.
template <class T, class Body>
void for_each_rotation(const Arithmetic<T>& arithmetic, std::size_t n, const Body& body) {
    using Number = Emulated<T>;
    Context plain = arithmetic.context();
    plain.options.rounding = Rounding::nearest_even;
    plain.options.seed = 0;
    plain.options.random_bits = 0;
    const Arithmetic<T> nearest(plain, arithmetic.function());
    const auto smallest = static_cast<T>(std::ldexp(1.0, plain.format.min_exponent));
    const GivensLimits<Number> rounded(Number(smallest, nearest));
    const std::uint64_t stream = arithmetic.context().options.stream;
    const auto run = [&](const Arithmetic<T>& own, std::size_t first, std::size_t end) {
        const auto make = [&own](T x) { return Number(x, own); };
        GivensLimits<Number> limits = rounded;
        for (Number* limit :
             {&limits.safmin, &limits.safmax, &limits.root_min, &limits.root_max, &limits.root_max_complex})
            *limit = make(limit->value());
        for (std::size_t i = first; i < end; ++i) body(i, limits, make);
    };
    if (!arithmetic.is_random()) return run(arithmetic, 0, n);
    for (std::size_t i = 0; i < n; ++i) run(arithmetic.with_stream(stream + i), i, i + 1);
}

}  // namespace detail

// c[i], s[i], r[i] for f[i], g[i], which are values of the format.
template <class T>
void givens(const Arithmetic<T>& arithmetic, Span<const T> f, Span<const T> g, Span<T> c, Span<T> s,
            Span<T> r, GivensMethod method = GivensMethod::paper) {
    const std::size_t n = f.size();
    FEWBITS_REQUIRE(g.size() == n && c.size() == n && s.size() == n && r.size() == n,
                    "formats.givens: f, g, c, s and r must have one size");
    detail::for_each_rotation(arithmetic, n, [&](std::size_t i, const auto& limits, const auto& make) {
        const auto rotation = fewbits::givens(make(f[i]), make(g[i]), limits, method);
        c[i] = rotation.c.value();
        s[i] = rotation.s.value();
        r[i] = rotation.r.value();
    });
}

// Complex numbers as pairs (re, im): f, g, s and r hold 2 n elements, c holds n.
template <class T>
void givens_complex(const Arithmetic<T>& arithmetic, Span<const T> f, Span<const T> g, Span<T> c, Span<T> s,
                    Span<T> r, GivensMethod method = GivensMethod::paper) {
    const std::size_t n = c.size();
    FEWBITS_REQUIRE(f.size() == 2 * n && g.size() == 2 * n && s.size() == 2 * n && r.size() == 2 * n,
                    "formats.givens: f, g, s and r must hold twice as many elements as c");
    detail::for_each_rotation(arithmetic, n, [&](std::size_t i, const auto& limits, const auto& make) {
        using Pair = ComplexPair<Emulated<T>>;
        const auto rotation = fewbits::givens(Pair{make(f[2 * i]), make(f[2 * i + 1])},
                                              Pair{make(g[2 * i]), make(g[2 * i + 1])}, limits, method);
        c[i] = rotation.c.value();
        s[2 * i] = rotation.s.re.value();
        s[2 * i + 1] = rotation.s.im.value();
        r[2 * i] = rotation.r.re.value();
        r[2 * i + 1] = rotation.r.im.value();
    });
}

}  // namespace formats
}  // namespace FEWBITS_ISA
}  // namespace fewbits
