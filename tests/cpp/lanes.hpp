// Drives a vector operation over lists of inputs and compares every lane with a plain scalar formula.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <type_traits>
#include <vector>

#include "check.hpp"
#include "fewbits/simd/detail/common.hpp"
#include "fewbits/simd/mask.hpp"

namespace lanes {

// How results compare: bit for bit, or with any nan equal to any other.
enum class Equal { bits, any_nan };

template <class T>
bool equal(T a, T b, Equal how) {
    if (how == Equal::any_nan && a != a && b != b) return true;
    return check::same_bits(a, b);
}

template <class V>
auto to_array(V v) {
    std::array<typename V::element, V::size> out;
    store(v, out.data());
    return out;
}
// One or zero for each lane; not bool, for the sake of std::vector.
template <std::size_t N>
std::array<unsigned char, N> to_array(fewbits::simd::mask<N> m) {
    std::array<unsigned char, N> out;
    for (std::size_t i = 0; i < N; ++i) out[i] = static_cast<unsigned char>((bits(m) >> i) & 1U);
    return out;
}

template <class V, class T = typename V::element>
V load_some(const std::vector<T>& values, std::size_t at) {
    return V::load_partial(values.data() + at, std::min(V::size, values.size() - at));
}

// Not inlined, since every operation that is tested instantiates its callers.
template <class T, class R>
FEWBITS_NOINLINE void compare(const std::vector<T>* arguments, std::size_t count, const std::vector<R>& got,
                              const std::vector<R>& expected, const char* name, Equal how) {
    for (std::size_t i = 0; i < expected.size(); ++i) {
        ++check::checks();
        if (equal<R>(got[i], expected[i], how)) continue;
        std::string call = std::string(name) + " for x = " + check::show<T>(arguments[0][i]);
        if (count > 1) call += ", y = " + check::show<T>(arguments[1][i]);
        check::fail(__FILE__, __LINE__,
                    call + " is " + check::show<R>(got[i]) + ", expected " + check::show<R>(expected[i]));
    }
}

// All pairs of elements of `a` and `b`: the first and the second ones.
template <class T>
FEWBITS_NOINLINE std::array<std::vector<T>, 2> cross(const std::vector<T>& a, const std::vector<T>& b) {
    std::array<std::vector<T>, 2> pairs;
    for (auto& side : pairs) side.reserve(a.size() * b.size());
    for (const T x : a) {
        for (const T y : b) {
            pairs[0].push_back(x);
            pairs[1].push_back(y);
        }
    }
    return pairs;
}

template <class R, std::size_t N>
FEWBITS_NOINLINE void append(std::vector<R>& to, const std::array<R, N>& lanes) {
    to.insert(to.end(), lanes.begin(), lanes.end());
}

// operation(V) lane by lane against formula(element); the result type may differ but not the number of lanes.
template <class V, class Operation, class Formula>
void check_unary(const std::vector<typename V::element>& a, Operation operation, Formula formula,
                 const char* name, Equal how = Equal::any_nan) {
    using R = typename decltype(to_array(operation(V::zero())))::value_type;
    std::vector<R> got, expected;
    for (std::size_t at = 0; at < a.size(); at += V::size) {
        append(got, to_array(operation(load_some<V>(a, at))));
    }
    for (const auto x : a) expected.push_back(static_cast<R>(formula(x)));
    compare(&a, 1, got, expected, name, how);
}

// The same over all pairs of `a` and `b`.
template <class V, class Operation, class Formula>
void check_binary(const std::vector<typename V::element>& a, const std::vector<typename V::element>& b,
                  Operation operation, Formula formula, const char* name, Equal how = Equal::any_nan) {
    using R = typename decltype(to_array(operation(V::zero(), V::zero())))::value_type;
    const auto pairs = cross(a, b);
    std::vector<R> got, expected;
    for (std::size_t at = 0; at < pairs[0].size(); at += V::size) {
        append(got, to_array(operation(load_some<V>(pairs[0], at), load_some<V>(pairs[1], at))));
    }
    for (std::size_t i = 0; i < pairs[0].size(); ++i) {
        expected.push_back(static_cast<R>(formula(pairs[0][i], pairs[1][i])));
    }
    compare(pairs.data(), 2, got, expected, name, how);
}

// Loads, stores and their partial forms at every offset and length, with guard elements around.
template <class V>
void check_memory() {
    using T = typename V::element;
    std::vector<T> source(3 * V::size);
    for (std::size_t i = 0; i < source.size(); ++i) source[i] = static_cast<T>(i + 1);
    for (std::size_t offset = 0; offset < V::size; ++offset) {
        const auto whole = to_array(V::load(source.data() + offset));
        std::vector<T> target(3 * V::size, T(99));
        store(V::load(source.data() + offset), target.data() + offset);
        for (std::size_t i = 0; i < target.size(); ++i) {
            const bool inside = i >= offset && i < offset + V::size;
            CHECK_EQUAL(target[i], inside ? source[i] : T(99));
            if (i < V::size) CHECK_EQUAL(whole[i], source[offset + i]);
        }
    }
    for (std::size_t count = 0; count <= V::size; ++count) {
        // Exactly sized blocks: a sanitizer sees one element too many.
        const std::vector<T> some(source.begin(), source.begin() + static_cast<std::ptrdiff_t>(count));
        const V loaded = V::load_partial(some.data(), count);
        const auto values = to_array(loaded);
        for (std::size_t i = 0; i < V::size; ++i) CHECK_EQUAL(values[i], i < count ? source[i] : T(0));
        std::vector<T> exact(count);
        store_partial(V::load(source.data()), exact.data(), count);
        CHECK(exact == some);
        std::vector<T> guarded(V::size + 2, T(99));
        store_partial(V::load(source.data()), guarded.data() + 1, count);
        for (std::size_t i = 0; i < guarded.size(); ++i) {
            CHECK_EQUAL(guarded[i], i >= 1 && i <= count ? source[i - 1] : T(99));
        }
    }
    for (const T value : to_array(V::broadcast(T(7)))) CHECK_EQUAL(value, T(7));
    for (const T value : to_array(V::zero())) CHECK_EQUAL(value, T(0));
}

// select() for every pattern of the mask a > b makes.
template <class V>
void check_select() {
    using T = typename V::element;
    const V yes = V::broadcast(T(3)), no = V::broadcast(T(5));
    for (std::size_t pattern = 0; pattern < 1024; ++pattern) {
        std::array<T, V::size> order;
        for (std::size_t i = 0; i < V::size; ++i) {
            // A pattern of 10 bits walks over more lanes with another stride per round.
            order[i] = static_cast<T>((pattern * 0x9e3779b97f4a7c15U >> (i + 7)) & 1U);
        }
        const auto got = to_array(select(V::load(order.data()) > V::zero(), yes, no));
        for (std::size_t i = 0; i < V::size; ++i) CHECK_EQUAL(got[i], order[i] > T(0) ? T(3) : T(5));
    }
}

// Zeros, subnormals, limits, halfway points, integers around every limit of int32, infinities, nans.
template <class T>
std::vector<T> float_edges() {
    using limits = std::numeric_limits<T>;
    std::vector<T> edges = {0,
                            limits::denorm_min(),
                            3 * limits::denorm_min(),
                            limits::min(),
                            limits::min() - limits::denorm_min(),
                            limits::epsilon(),
                            T(0.25),
                            T(0.5),
                            std::nextafter(T(0.5), T(0)),
                            T(0.75),
                            1,
                            1 + limits::epsilon(),
                            T(1.5),
                            2,
                            T(2.5),
                            3,
                            T(3.5),
                            T(1e-3),
                            T(12345.678),
                            T(8388607.5),
                            T(8388609),
                            T(16777217),
                            T(2147483520),
                            T(2147483648.0),
                            T(2147483904.0),
                            T(4294967296.0),
                            T(4503599627370495.5),
                            T(9.2e18),
                            T(1e30),
                            limits::max() / 2,
                            limits::max(),
                            limits::infinity(),
                            limits::quiet_NaN()};
    const std::size_t positive = edges.size();
    for (std::size_t i = 0; i < positive; ++i) edges.push_back(-edges[i]);
    return edges;
}

template <class T>
std::vector<T> integer_edges() {
    using limits = std::numeric_limits<T>;
    std::vector<T> edges;
    for (int shift = 0; shift < limits::digits; ++shift) {
        for (int delta = -1; delta <= 1; ++delta) {
            const auto value =
                static_cast<T>((std::uint64_t{1} << shift) + static_cast<std::uint64_t>(delta));
            edges.push_back(value);
            edges.push_back(static_cast<T>(std::uint64_t{0} - static_cast<std::uint64_t>(value)));
        }
    }
    edges.insert(edges.end(), {limits::min(), limits::max(), static_cast<T>(limits::min() + 1),
                               static_cast<T>(limits::max() - 1), static_cast<T>(0x5555555555555555U),
                               static_cast<T>(0xaaaaaaaaaaaaaaaaU)});
    std::sort(edges.begin(), edges.end());
    edges.erase(std::unique(edges.begin(), edges.end()), edges.end());
    return edges;
}

}  // namespace lanes

// Operators and functions by the expression they stand for: LANE_UNARY(f32x8, edges, sqrt(x), std::sqrt(x)).
#define LANE_UNARY(V, inputs, operation, formula, ...)                                        \
    lanes::check_unary<V>(                                                                    \
        inputs, [](V x) { return operation; }, [](typename V::element x) { return formula; }, \
        #operation, ##__VA_ARGS__)
#define LANE_BINARY(V, left, right, operation, formula, ...) \
    lanes::check_binary<V>(                                  \
        left, right, [](V x, V y) { return operation; },     \
        [](typename V::element x, typename V::element y) { return formula; }, #operation, ##__VA_ARGS__)
