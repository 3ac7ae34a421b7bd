// What the tests of the Bessel functions share: values by ball arithmetic, and every length of a batch.
#pragma once

#include <cstdlib>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "check.hpp"
#include "fewbits/core/error.hpp"
#include "fewbits/core/span.hpp"

namespace bessel_check {

using fewbits::Span;

constexpr double infinity = std::numeric_limits<double>::infinity();
constexpr double not_a_number = std::numeric_limits<double>::quiet_NaN();
constexpr double eps = 0x1p-52;

// One line of tests/data/functions_bessel_values.txt: the exact value is high + low.
struct Value {
    double v, x, high, low;
};
inline std::vector<Value> values(const std::string& name) {
    std::ifstream file(FEWBITS_TEST_DATA "/functions_bessel_values.txt");
    std::vector<Value> found;
    std::string line;
    while (std::getline(file, line)) {
        std::istringstream words(line);
        std::string quantity, word[4];
        words >> quantity >> word[0] >> word[1] >> word[2] >> word[3];
        if (quantity != name) continue;
        const auto number = [&](int i) { return std::strtod(word[i].c_str(), nullptr); };
        found.push_back({number(0), number(1), number(2), number(3)});
    }
    return found;
}

// Errors in eps max(1, |exact|), or relative ones.
template <class F>
void check_values(const char* name, F f, double bound, bool relative = false) {
    const auto table = values(name);
    CHECK(table.size() > 50);
    for (const Value& value : table) {
        ++check::checks();
        const double got = f(value.v, value.x), size = std::fabs(value.high);
        const double scale = relative ? size : std::max(1.0, size);
        const double error = std::fabs((got - value.high) / scale - value.low / scale) / eps;
        if (!(error <= bound)) {
            check::fail(name, 0,
                        check::show(value.v) + ", " + check::show(value.x) + ": " + check::show(got) +
                            " is " + std::to_string(error) + " eps off");
        }
    }
}

// Every region, edges and nan in one batch: the results of single calls for every length and place, in place
// too, and for float32 those of the float64 function rounded.
template <class F>
void check_batches(F f, bool negative_orders = true) {
    std::vector<double> v, x;
    for (const double order :
         {0.0, 0.3, 2.0, 7.5, 19.0, 40.0, 163.7, 700.0, 1e4, 1e130, -3.0, -0.5, not_a_number, infinity}) {
        for (const double argument :
             {0.0, 1e-300, 1e-4, 0.7, 12.0, 25.0, 90.0, 600.0, 1e6, 1e200, -1.0, infinity}) {
            if (order < 0 && !negative_orders) continue;
            v.push_back(order);
            x.push_back(argument);
        }
    }
    const std::size_t n = v.size();
    std::vector<double> one(n), out(n + 8);
    for (std::size_t i = 0; i < n; ++i) {
        f(Span<const double>(&v[i], 1), Span<const double>(&x[i], 1), Span<double>(&one[i], 1));
        if (std::isnan(one[i])) CHECK_BITS(one[i], not_a_number);
    }
    for (const std::size_t length : {std::size_t{0}, std::size_t{1}, std::size_t{2}, std::size_t{3},
                                     std::size_t{5}, std::size_t{8}, std::size_t{33}, n - 1}) {
        for (std::size_t from = 0; from + length <= n; from += length + 7) {
            std::fill(out.begin(), out.end(), 77.0);
            f(Span<const double>(v.data() + from, length), Span<const double>(x.data() + from, length),
              Span<double>(out.data(), length));
            for (std::size_t i = 0; i < length; ++i) CHECK_BITS(out[i], one[from + i]);
            CHECK_BITS(out[length], 77.0);
        }
    }
    // More than a block, all of one region and mixed.
    std::vector<double> many_v(1300), many_x(1300), many(1300);
    for (std::size_t i = 0; i < many.size(); ++i) {
        many_v[i] = v[i < 600 ? 40 : i % n];
        many_x[i] = x[i < 600 ? 40 : i % n];
    }
    f(Span<const double>(many_v), Span<const double>(many_x), Span<double>(many));
    for (std::size_t i = 0; i < many.size(); ++i) CHECK_BITS(many[i], one[i < 600 ? 40 : i % n]);
    std::vector<double> in_place = x;
    f(Span<const double>(v), Span<const double>(in_place), Span<double>(in_place));
    for (std::size_t i = 0; i < n; ++i) CHECK_BITS(in_place[i], one[i]);

    std::vector<float> v32(n), x32(n), out32(n);
    std::vector<double> wide_v(n), wide_x(n), wide(n);
    for (std::size_t i = 0; i < n; ++i) {
        wide_v[i] = v32[i] = static_cast<float>(v[i]);
        wide_x[i] = x32[i] = static_cast<float>(x[i]);
    }
    f(Span<const float>(v32), Span<const float>(x32), Span<float>(out32));
    f(Span<const double>(wide_v), Span<const double>(wide_x), Span<double>(wide));
    for (std::size_t i = 0; i < n; ++i) CHECK_BITS(out32[i], static_cast<float>(wide[i]));
    CHECK_THROWS(
        f(Span<const double>(v.data(), 3), Span<const double>(x.data(), 2), Span<double>(out.data(), 3)),
        fewbits::ArgumentError);
    CHECK_THROWS(
        f(Span<const double>(v.data(), 3), Span<const double>(x.data(), 3), Span<double>(out.data(), 2)),
        fewbits::ArgumentError);
}

}  // namespace bessel_check
