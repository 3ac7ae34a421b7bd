// From a kernel on vectors to the public function: spans of any length and alignment, and scalars.
//
// A kernel is a struct with
//   name                     for messages
//   float64(f64x4)           the float64 result
//   float32(f64x4)           a float64 that narrows to the float32 result
//   quick(f64x4)             optional: the value of a float32 argument, off by at most 2^-42 of itself, or
//   nan
//                            where it would be off by more. Rounding is tested: where the two ends of the
//                            error round to different float32, one vector in some 2^14, float32() decides
//   fast(f32x8)              optional: the float32 result of Accuracy::fast, from float32 arithmetic
// and with two parameters instead of one where the function has two arguments. Nans may be any; they become
// canonical here. Every length goes through one instance of the kernel: the last, partial vector is padded
// with ones, so an element never depends on its neighbours, its position or the length.
#pragma once

#include <algorithm>
#include <cstddef>
#include <string>
#include <type_traits>

#include "fewbits/core/span.hpp"
#include "fewbits/simd/f32x8.hpp"
#include "fewbits/simd/f64x4.hpp"

namespace fewbits {
inline namespace FEWBITS_ISA {
namespace functions {

// best: the bound of the header. fast: float32 arithmetic for float32 where the function has it, else best.
enum class Accuracy { best, fast };

namespace detail {

using simd::f32x8;
using simd::f64x4;

template <class Kernel, class = void>
struct HasFast : std::false_type {};
template <class Kernel>
struct HasFast<Kernel, std::void_t<decltype(&Kernel::fast)>> : std::true_type {};

template <class Kernel, class = void>
struct HasQuick : std::false_type {};
template <class Kernel>
struct HasQuick<Kernel, std::void_t<decltype(&Kernel::quick)>> : std::true_type {};

template <class Kernel, Accuracy accuracy, class... X>
FEWBITS_INLINE f64x4 evaluate(f64x4 x, X... more) {
    return canonical_nan(Kernel::float64(x, more...));
}
FEWBITS_INLINE f64x4 widen_half(f32x8 x, int half) { return half == 0 ? widen_low(x) : widen_high(x); }

template <class Kernel, class... X>
FEWBITS_INLINE f32x8 float32_whole(f32x8 x, X... more) {
    // A loop, and not two copies of the kernel, unless the compiler finds them small.
    f64x4 halves[2] = {};
    for (int i = 0; i < 2; ++i) {
        halves[i] = Kernel::float32(widen_half(x, i), widen_half(more, i)...);
    }
    return canonical_nan(narrow(halves[0], halves[1]));
}
template <class Kernel, class... X>
FEWBITS_NOINLINE f32x8 float32_rarely(f32x8 x, X... more) {
    return float32_whole<Kernel>(x, more...);
}

template <class Kernel, Accuracy accuracy, class... X>
FEWBITS_INLINE f32x8 evaluate(f32x8 x, X... more) {
    if constexpr (accuracy == Accuracy::fast && HasFast<Kernel>::value) {
        return canonical_nan(Kernel::fast(x, more...));
    } else if constexpr (HasQuick<Kernel>::value) {
        const f64x4 below = f64x4::broadcast(1 - 0x1p-42), above = f64x4::broadcast(1 + 0x1p-42);
        const f64x4 low = Kernel::quick(widen_low(x), widen_low(more)...);
        const f64x4 high = Kernel::quick(widen_high(x), widen_high(more)...);
        const f32x8 first = narrow(low * below, high * below), last = narrow(low * above, high * above);
        if (FEWBITS_LIKELY(all(first == last))) return first;  // false for nan
        return float32_rarely<Kernel>(x, more...);
    } else {
        return float32_whole<Kernel>(x, more...);
    }
}

template <class T>
using Vector = std::conditional_t<std::is_same_v<T, double>, f64x4, f32x8>;

template <class T, class>
using Same = T;

// Whole vectors. Not inlined: every length and the scalar form share this instance.
template <class Kernel, Accuracy accuracy, class T, class... X>
FEWBITS_NOINLINE void map_vectors(std::size_t n, T* out, const T* x, const X*... more) {
    using V = Vector<T>;
    for (std::size_t i = 0; i < n; i += V::size) {
        store(evaluate<Kernel, accuracy>(V::load(x + i), V::load(more + i)...), out + i);
    }
}

template <class Kernel, Accuracy accuracy, class T, class... X>
void map(std::size_t n, T* out, const T* x, const X*... more) {
    constexpr std::size_t width = Vector<T>::size;
    const std::size_t whole = n - n % width;
    map_vectors<Kernel, accuracy, T, X...>(whole, out, x, more...);
    if (whole == n) return;
    const auto pad = [&](const T* from, T* to) {
        std::fill(std::copy(from + whole, from + n, to), to + width, T(1));
        return to;
    };
    T result[width];
    struct Buffer {
        T values[width];
    };
    Buffer buffers[1 + sizeof...(X)];
    std::size_t used = 0;
    const auto next = [&](const T* from) { return const_cast<const T*>(pad(from, buffers[used++].values)); };
    const T* first = next(x);
    map_vectors<Kernel, accuracy, T, X...>(width, result, first, next(more)...);
    std::copy(result, result + (n - whole), out + whole);
}

template <class Kernel, class T, class... X>
void apply(Accuracy accuracy, Span<T> out, Span<const T> x, Span<const X>... more) {
    FEWBITS_REQUIRE(((x.size() == out.size()) && ... && (more.size() == out.size())),
                    std::string("functions::") + Kernel::name + ": out must have the size of x, " +
                        std::to_string(x.size()) + ", got " + std::to_string(out.size()));
    if (HasFast<Kernel>::value && std::is_same_v<T, float> && accuracy == Accuracy::fast) {
        if constexpr (HasFast<Kernel>::value && std::is_same_v<T, float>) {
            map<Kernel, Accuracy::fast>(out.size(), out.data(), x.data(), more.data()...);
        }
    } else {
        map<Kernel, Accuracy::best>(out.size(), out.data(), x.data(), more.data()...);
    }
}

// A function of one argument: an object, so that one line declares all forms.
template <class Kernel>
struct Unary {
    float operator()(float x, Accuracy accuracy = Accuracy::best) const { return scalar(x, accuracy); }
    double operator()(double x, Accuracy accuracy = Accuracy::best) const { return scalar(x, accuracy); }
    // `out` may be `x`, but not overlap it otherwise.
    void operator()(Span<const float> x, Span<float> out, Accuracy accuracy = Accuracy::best) const {
        apply<Kernel, float>(accuracy, out, x);
    }
    void operator()(Span<const double> x, Span<double> out, Accuracy accuracy = Accuracy::best) const {
        apply<Kernel, double>(accuracy, out, x);
    }

private:
    template <class T>
    static T scalar(T x, Accuracy accuracy) {
        T out;
        apply<Kernel, T>(accuracy, Span<T>(&out, 1), Span<const T>(&x, 1));
        return out;
    }
};

// A function of two arguments.
template <class Kernel>
struct Binary {
    float operator()(float x, float y, Accuracy accuracy = Accuracy::best) const {
        return scalar(x, y, accuracy);
    }
    double operator()(double x, double y, Accuracy accuracy = Accuracy::best) const {
        return scalar(x, y, accuracy);
    }
    // `out` may be `x` or `y`, but not overlap them otherwise.
    void operator()(Span<const float> x, Span<const float> y, Span<float> out,
                    Accuracy accuracy = Accuracy::best) const {
        apply<Kernel, float, float>(accuracy, out, x, y);
    }
    void operator()(Span<const double> x, Span<const double> y, Span<double> out,
                    Accuracy accuracy = Accuracy::best) const {
        apply<Kernel, double, double>(accuracy, out, x, y);
    }

private:
    template <class T>
    static T scalar(T x, T y, Accuracy accuracy) {
        T out;
        apply<Kernel, T, T>(accuracy, Span<T>(&out, 1), Span<const T>(&x, 1), Span<const T>(&y, 1));
        return out;
    }
};

}  // namespace detail
}  // namespace functions
}  // namespace FEWBITS_ISA
}  // namespace fewbits
