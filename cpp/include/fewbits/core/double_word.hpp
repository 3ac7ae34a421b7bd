// Numbers of twice the precision of a type, as unevaluated sums of two of its values, the first the sum
// rounded.
//
//   DoubleWord<T>    DoubleDouble and FloatFloat are those of double and float; T may be a vector of these,
//   too add              |relative error| <= 3 u^2 + 13 u^3; with a T as second operand 2 u^2 multiply 6 u^2;
//   with a T 2 u^2 divide           15 u^2 + 56 u^3 sqrt             25/8 u^2
// with u = 2^-53 (2^-24). Needs: no overflow and no underflow of products, as core/error_free.hpp has it.
// Contract: the same bits on every machine; rounding to nearest even. Scalars have operators and comparisons.
// Sources: M. Joldes, J.-M. Muller, V. Popescu, "Tight and rigorous error bounds for basic building blocks of
// double-word arithmetic", ACM TOMS 44 (2017), algorithms 4, 6, 9, 11 and 17; V. Lefevre, N. Louvet, J.-M.
// Muller, J. Picot, L. Rideau, "Accurate calculation of Euclidean norms using double-word arithmetic", ACM
// TOMS 49 (2023), algorithm 8 (sqrt).
#pragma once

#include <cmath>
#include <type_traits>

#include "fewbits/core/error_free.hpp"
#include "fewbits/core/isa.hpp"

namespace fewbits {
inline namespace FEWBITS_ISA {

// Invariant, unless said otherwise: hi is the sum rounded.
template <class T>
struct DoubleWord {
    T hi, lo;
};

template <class T>
FEWBITS_INLINE DoubleWord<T> as_double_word(ErrorFree<T> x) {
    return {x.value, x.error};
}
template <class T>
FEWBITS_INLINE DoubleWord<T> negate(DoubleWord<T> a) {
    return {-a.hi, -a.lo};
}

template <class T>
FEWBITS_KERNEL DoubleWord<T> add(DoubleWord<T> a, DoubleWord<T> b) {
    const auto s = two_sum(a.hi, b.hi), t = two_sum(a.lo, b.lo);
    const auto u = fast_two_sum(s.value, s.error + t.value);
    return as_double_word(fast_two_sum(u.value, u.error + t.error));
}
template <class T>
FEWBITS_KERNEL DoubleWord<T> add(DoubleWord<T> a, T b) {
    const auto s = two_sum(a.hi, b);
    return as_double_word(fast_two_sum(s.value, s.error + a.lo));
}
template <class T>
FEWBITS_KERNEL DoubleWord<T> multiply(DoubleWord<T> a, DoubleWord<T> b) {
    using std::fma;  // vectors bring their own
    const auto p = two_prod(a.hi, b.hi);
    return as_double_word(fast_two_sum(p.value, p.error + fma(a.hi, b.lo, a.lo * b.hi)));
}
template <class T>
FEWBITS_KERNEL DoubleWord<T> multiply(DoubleWord<T> a, T b) {
    using std::fma;
    const auto p = two_prod(a.hi, b);
    return as_double_word(fast_two_sum(p.value, fma(a.lo, b, p.error)));
}
template <class T>
FEWBITS_KERNEL DoubleWord<T> divide(DoubleWord<T> a, DoubleWord<T> b) {
    const T quotient = a.hi / b.hi;
    const DoubleWord<T> product = multiply(b, quotient);
    const T rest = (a.hi - product.hi) + (a.lo - product.lo);
    return as_double_word(fast_two_sum(quotient, rest / b.hi));
}
// Of a positive number, or zero.
template <class T>
DoubleWord<T> sqrt(DoubleWord<T> a) {
    static_assert(std::is_floating_point_v<T>);
    if (!(a.hi > 0)) return {std::sqrt(a.hi), 0};
    const T root = std::sqrt(a.hi), rest = a.lo + std::fma(-root, root, a.hi);
    return as_double_word(fast_two_sum(root, rest / (2 * root)));
}

#define FEWBITS_DOUBLE_WORD_SCALAR template <class T, class = std::enable_if_t<std::is_floating_point_v<T>>>
FEWBITS_DOUBLE_WORD_SCALAR DoubleWord<T> operator-(DoubleWord<T> a) { return negate(a); }
FEWBITS_DOUBLE_WORD_SCALAR DoubleWord<T> operator+(DoubleWord<T> a, DoubleWord<T> b) { return add(a, b); }
FEWBITS_DOUBLE_WORD_SCALAR DoubleWord<T> operator-(DoubleWord<T> a, DoubleWord<T> b) { return add(a, -b); }
FEWBITS_DOUBLE_WORD_SCALAR DoubleWord<T> operator*(DoubleWord<T> a, DoubleWord<T> b) {
    return multiply(a, b);
}
FEWBITS_DOUBLE_WORD_SCALAR DoubleWord<T> operator/(DoubleWord<T> a, DoubleWord<T> b) { return divide(a, b); }
FEWBITS_DOUBLE_WORD_SCALAR bool operator==(DoubleWord<T> a, DoubleWord<T> b) {
    return a.hi == b.hi && a.lo == b.lo;
}
FEWBITS_DOUBLE_WORD_SCALAR bool operator!=(DoubleWord<T> a, DoubleWord<T> b) { return !(a == b); }
FEWBITS_DOUBLE_WORD_SCALAR bool operator<(DoubleWord<T> a, DoubleWord<T> b) {
    return a.hi < b.hi || (a.hi == b.hi && a.lo < b.lo);
}
FEWBITS_DOUBLE_WORD_SCALAR bool operator>(DoubleWord<T> a, DoubleWord<T> b) { return b < a; }
FEWBITS_DOUBLE_WORD_SCALAR bool operator<=(DoubleWord<T> a, DoubleWord<T> b) {
    return a.hi < b.hi || (a.hi == b.hi && a.lo <= b.lo);
}
FEWBITS_DOUBLE_WORD_SCALAR bool operator>=(DoubleWord<T> a, DoubleWord<T> b) { return b <= a; }
#undef FEWBITS_DOUBLE_WORD_SCALAR

}  // namespace FEWBITS_ISA
}  // namespace fewbits
