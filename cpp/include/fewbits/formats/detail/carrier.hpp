// The types that hold values of a format: their bits, numbers taken apart and put together.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <type_traits>

#include "fewbits/core/bits.hpp"
#include "fewbits/core/isa.hpp"
#include "fewbits/formats/float_format.hpp"
#include "fewbits/simd/f32x8.hpp"
#include "fewbits/simd/f64x4.hpp"
#include "fewbits/simd/i32x8.hpp"
#include "fewbits/simd/u64x4.hpp"

namespace fewbits {
inline namespace FEWBITS_ISA {
namespace formats {

namespace detail {

template <class T>
struct Carrier;
template <>
struct Carrier<float> {
    using Word = std::uint32_t;
    using Values = simd::f32x8;
    using Lanes = simd::i32x8;
    static constexpr int mantissa_bits = 23, bias = 127;
    static constexpr const char* name = "float32";
};
template <>
struct Carrier<double> {
    using Word = std::uint64_t;
    using Values = simd::f64x4;
    using Lanes = simd::u64x4;
    static constexpr int mantissa_bits = 52, bias = 1023;
    static constexpr const char* name = "float64";
};
template <class T>
using WordOf = typename Carrier<T>::Word;

template <class T>
inline constexpr int word_bits = 8 * static_cast<int>(sizeof(T));
template <class T>
inline constexpr WordOf<T> sign_bit = WordOf<T>{1} << (word_bits<T> - 1);
template <class T>
inline constexpr WordOf<T> hidden_bit = WordOf<T>{1} << Carrier<T>::mantissa_bits;
template <class T>
inline constexpr WordOf<T> infinity_bits = (2 * WordOf<T>{Carrier<T>::bias} + 1) << Carrier<T>::mantissa_bits;
template <class T>
inline constexpr WordOf<T> nan_bits = infinity_bits<T> | hidden_bit<T> >> 1;
// Not a result: the policy asks for an error. (NaN results are canonical, hence never all ones.)
template <class T>
inline constexpr WordOf<T> raises = static_cast<WordOf<T>>(~WordOf<T>{0});

template <class T>
FEWBITS_INLINE WordOf<T> to_word(T value) {
    WordOf<T> word;
    std::memcpy(&word, &value, sizeof word);
    return word;
}
template <class T>
FEWBITS_INLINE T from_word(WordOf<T> word) {
    T value;
    std::memcpy(&value, &word, sizeof value);
    return value;
}

// A number taken apart: (-1)^negative significand 2^exponent.
struct Exact {
    enum Kind { finite, infinite, nan } kind;
    bool negative;
    std::uint64_t significand;
    int exponent;
};

inline Exact exact(std::int64_t x) {
    const auto magnitude = static_cast<std::uint64_t>(x);
    return {Exact::finite, x < 0, x < 0 ? 0 - magnitude : magnitude, 0};
}
inline Exact exact(std::uint64_t x) { return {Exact::finite, false, x, 0}; }
template <class T, class = std::enable_if_t<std::is_floating_point_v<T>>>
Exact exact(T x) {
    const WordOf<T> word = to_word(x), magnitude = word & (sign_bit<T> - 1);
    const bool negative = (word & sign_bit<T>) != 0;
    if (magnitude > infinity_bits<T>) return {Exact::nan, negative, 0, 0};
    if (magnitude == infinity_bits<T>) return {Exact::infinite, negative, 0, 0};
    const int field = static_cast<int>(magnitude >> Carrier<T>::mantissa_bits);
    const WordOf<T> rest = magnitude & (hidden_bit<T> - 1);
    return {Exact::finite, negative, field == 0 ? rest : rest | hidden_bit<T>,
            std::max(field, 1) - Carrier<T>::bias - Carrier<T>::mantissa_bits};
}

// The bits of n 2^exponent, infinity where that is too large. Low bits of n that do not fit must be zero.
template <class T>
WordOf<T> compose(std::uint64_t n, int exponent) {
    using Word = WordOf<T>;
    constexpr int m = Carrier<T>::mantissa_bits, bias = Carrier<T>::bias;
    if (n == 0) return 0;
    const int top = static_cast<int>(bit_length(n)) - 1 + exponent;
    if (top > bias) return infinity_bits<T>;
    // The unit of the result: that of the binade, or of the subnormals.
    const int unit = std::max(top, 1 - bias) - m;
    const int shift = exponent - unit;
    const auto significand = static_cast<Word>(shift >= 0 ? n << shift : n >> -shift);
    return static_cast<Word>(significand + (static_cast<Word>(unit + m + bias - 1) << m));
}

// The same number as double. On the bits: a conversion instruction would flush subnormals where the thread
// does.
inline double widen(float x) {
    const Exact e = exact(x);
    return from_word<double>((e.kind == Exact::finite     ? compose<double>(e.significand, e.exponent)
                              : e.kind == Exact::infinite ? infinity_bits<double>
                                                          : nan_bits<double>) |
                             (e.negative ? sign_bit<double> : 0));
}
inline double widen(double x) { return x; }

// Whether type T has every value of the format.
template <class T>
bool carries(const FloatFormat& f) {
    constexpr int m = Carrier<T>::mantissa_bits, bias = Carrier<T>::bias;
    return f.precision <= m + 1 && f.max_exponent <= bias && f.quantum_exponent() >= 1 - bias - m;
}

}  // namespace detail

}  // namespace formats
}  // namespace FEWBITS_ISA
}  // namespace fewbits
