// Operands of a format for tests of arithmetic.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "fewbits/core/random.hpp"
#include "fewbits/formats/rounding.hpp"

template <class T>
void to_format(std::vector<T>& x, const fewbits::formats::FloatFormat& f) {
    fewbits::formats::RoundOptions options;
    options.saturate = f.is_fixed ? fewbits::formats::Saturate::finite : fewbits::formats::Saturate::none;
    options.nan = fewbits::formats::NanPolicy::zero;
    fewbits::formats::round_to(fewbits::Span<const T>(x), f, options, fewbits::Span<T>(x));
}

// Random values with near and far exponents, zeros, the ends, infinities and nan.
template <class T>
std::vector<T> operands(const fewbits::formats::FloatFormat& f, std::size_t count, std::uint64_t stream) {
    const fewbits::Philox random(7, stream);
    std::vector<T> x(count);
    const double least = std::ldexp(1.0, f.quantum_exponent());
    const double ends[] = {0.0, -0.0, f.max_finite, f.min_finite, least, -least, INFINITY, -INFINITY, NAN};
    for (std::size_t i = 0; i < count; ++i) {
        const std::uint64_t draw = random.draw64(i);
        const int span = draw % 3 == 0 ? 4 : draw % 3 == 1 ? f.precision : f.max_exponent - f.min_exponent;
        const int exponent = static_cast<int>((draw >> 8) % static_cast<unsigned>(span + 1)) +
                             (draw % 3 == 2 ? f.min_exponent : 0);
        double value = std::ldexp(1 + random.uniform01(i + (1U << 20)), exponent);
        if (draw >> 63 != 0) value = -value;
        if (draw % 61 == 0) value = ends[(draw >> 32) % 9];
        x[i] = static_cast<T>(value);
        if (std::isinf(x[i]) && std::isfinite(value)) x[i] = 1;
    }
    to_format(x, f);
    return x;
}

// Random values in (-1, 1).
template <class T>
std::vector<T> tame(const fewbits::formats::FloatFormat& f, std::size_t count, std::uint64_t stream) {
    const fewbits::Philox random(8, stream);
    std::vector<T> x(count);
    for (std::size_t i = 0; i < count; ++i) x[i] = static_cast<T>(2 * random.uniform01(i) - 1);
    to_format(x, f);
    return x;
}
