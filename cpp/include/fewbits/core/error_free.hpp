// Error-free transformations: the sum or product of two floats as a rounded value plus its exact error.
//
//   two_sum(a, b)        any a, b           6 additions
//   fast_two_sum(a, b)   |a| >= |b| or a = 0    3 additions
//   two_prod(a, b)       any a, b           1 product, 1 fma
//   robust_two_sum(a, b) as two_sum, scalars only; error 0 where the sum is not finite
// Contract: types float and double, and their vectors lane by lane; rounding to nearest even. value + error
// == a op b exactly, value is the rounded result and |error| <= ulp(value) / 2. Needs: the result does not
// overflow (then value is infinite and error nan); for two_prod also that the exact error does not underflow
// (|a * b| >= 2^-102 for float, 2^-969 for double, or a * b == 0).
// Sources: D. Knuth, TAOCP vol. 2, section 4.2.2 theorem B (two_sum); T. Dekker, Numer. Math. 18 (1971)
// (fast_two_sum); T. Ogita, S. Rump, S. Oishi, SIAM J. Sci. Comput. 26 (2005), algorithm 3.5 (two_prod).
#pragma once

#include <cmath>
#include <cstdint>

#include "fewbits/core/isa.hpp"

namespace fewbits {
inline namespace FEWBITS_ISA {

// `value` itself, as a rounded value that the optimiser cannot look through (FEWBITS_VALUE_BARRIER).
FEWBITS_INLINE float value_barrier(float value) {
    FEWBITS_VALUE_BARRIER(value);
    return value;
}
FEWBITS_INLINE double value_barrier(double value) {
    FEWBITS_VALUE_BARRIER(value);
    return value;
}
// Keeps an integer in a general register: stops a compiler from vectorising where that is slower.
FEWBITS_INLINE std::uint64_t value_barrier(std::uint64_t value) {
#if defined(__GNUC__) || defined(__clang__)
    __asm__("" : "+r"(value));
#endif
    return value;
}

template <class T>
struct ErrorFree {
    T value;  // the rounded result
    T error;  // exact result - value
};

template <class T>
FEWBITS_INLINE ErrorFree<T> two_sum(T a, T b) {
    const T sum = value_barrier(a + b);
    const T b_part = value_barrier(sum - a);
    const T a_part = value_barrier(sum - b_part);
    return {sum, value_barrier(a - a_part) + value_barrier(b - b_part)};
}

template <class T>
FEWBITS_INLINE ErrorFree<T> fast_two_sum(T a, T b) {
    const T sum = value_barrier(a + b);
    return {sum, b - value_barrier(sum - a)};
}

// two_sum can overflow on its way though the sum does not, where a is the largest finite number: the sum
// ordered by magnitude never does (S. Boldo, S. Graillat, J.-M. Muller, "On the robustness of the 2Sum and
// Fast2Sum algorithms", ACM TOMS 44 (2017)).
template <class T>
FEWBITS_INLINE ErrorFree<T> robust_two_sum(T a, T b) {
    const bool ordered = std::fabs(a) >= std::fabs(b);
    const ErrorFree<T> sum = fast_two_sum(ordered ? a : b, ordered ? b : a);
    return {sum.value, std::isfinite(sum.value) ? sum.error : T{0}};
}

template <class T>
FEWBITS_INLINE ErrorFree<T> two_prod(T a, T b) {
    using std::fma;  // vectors bring their own
    const T product = value_barrier(a * b);
    return {product, fma(a, b, -product)};
}

}  // namespace FEWBITS_ISA
}  // namespace fewbits
