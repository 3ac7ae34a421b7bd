// What the tests of elementwise functions share: values by mpmath, edges, every length and alignment.
#pragma once

#include <cstdlib>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "check.hpp"
#include "fewbits/core/error.hpp"
#include "fewbits/core/span.hpp"
#include "fewbits/functions/detail/elementwise.hpp"

namespace functions_check {

using fewbits::Span;
using fewbits::functions::Accuracy;

// One line of tests/data/functions_values.txt: the exact value as float64 and what it lacks, the float32
// result.
struct Value {
    double x, high, low;
    float x32, y32;
};

inline std::vector<Value> values(const std::string& name) {
    std::ifstream file(FEWBITS_TEST_DATA "/functions_values.txt");
    std::vector<Value> found;
    std::string line;
    while (std::getline(file, line)) {
        std::istringstream words(line);
        std::string function, word[5];
        words >> function >> word[0] >> word[1] >> word[2] >> word[3] >> word[4];
        if (function != name) continue;
        const auto number = [&](int i) { return std::strtod(word[i].c_str(), nullptr); };
        found.push_back(
            {number(0), number(1), number(2), static_cast<float>(number(3)), static_cast<float>(number(4))});
    }
    return found;
}

// In ulp of high + low, which is far more precise than float64.
inline double ulp_error(double got, double high, double low) {
    if (got == high && low == 0) return 0;
    if (std::isinf(high) || std::isinf(got)) return got == high ? 0 : INFINITY;
    int exponent;
    std::frexp(high, &exponent);
    const double unit = std::ldexp(1.0, std::max(exponent - 1, -1022) - 52);
    return std::fabs((got - high) / unit - low / unit);
}

template <class F>
void check_values(const char* name, F f, double bound) {
    const auto table = values(name);
    CHECK(table.size() > 20);
    for (const Value& v : table) {
        ++check::checks();
        const double got = f(v.x), error = ulp_error(got, v.high, v.low);
        if (!(error <= bound)) {
            check::fail(
                name, 0,
                check::show(v.x) + ": " + check::show(got) + " is " + std::to_string(error) + " ulp off");
        }
        CHECK_BITS(f(v.x32), v.y32);
    }
}

template <class T>
struct Edge {
    T x, y;
};

template <class T, class F>
void check_edges(F f, const std::vector<Edge<T>>& edges) {
    for (const auto& edge : edges) {
        CHECK_BITS(f(edge.x), edge.y);
        CHECK_BITS(f(edge.x, Accuracy::fast), edge.y);
    }
}

// Elements do not depend on their position, the length, the alignment or their neighbours; in place works;
// nan is canonical; sizes are checked.
template <class T, class F>
void check_shapes(F f, T from, T step) {
    constexpr std::size_t most = 70;
    std::vector<T> x(most + 8), one(x.size());
    for (std::size_t i = 0; i < x.size(); ++i) {
        x[i] = from + step * static_cast<T>(i);
        if (i % 23 == 7) x[i] = std::numeric_limits<T>::infinity();
        if (i % 29 == 9) x[i] = -std::numeric_limits<T>::quiet_NaN();
    }
    for (const Accuracy accuracy : {Accuracy::best, Accuracy::fast}) {
        for (std::size_t i = 0; i < x.size(); ++i) one[i] = f(x[i], accuracy);
        for (std::size_t n = 0; n <= 67; ++n) {
            for (std::size_t offset = 0; offset < 8; ++offset) {
                if (offset > 0 && n % 9 != 0) continue;
                std::vector<T> out(most + 8, T(77));
                f(Span<const T>(x.data() + offset, n), Span<T>(out.data() + offset, n), accuracy);
                for (std::size_t i = 0; i < out.size(); ++i) {
                    const bool inside = i >= offset && i < offset + n;
                    CHECK_BITS(out[i], inside ? one[i] : T(77));
                }
            }
        }
        std::vector<T> in_place = x;
        f(Span<const T>(in_place), Span<T>(in_place), accuracy);
        for (std::size_t i = 0; i < x.size(); ++i) CHECK_BITS(in_place[i], one[i]);
    }
    CHECK_BITS(f(-std::numeric_limits<T>::quiet_NaN()), std::numeric_limits<T>::quiet_NaN());
    T out[2];
    CHECK_THROWS(f(Span<const T>(x.data(), 3), Span<T>(out, 2)), fewbits::ArgumentError);
}

template <class F>
void check_all_shapes(F f, double from, double step) {
    check_shapes<double>(f, from, step);
    check_shapes<float>(f, static_cast<float>(from), static_cast<float>(step));
}

}  // namespace functions_check
