// What the vector types share.
//
// The layer: a type has one width on every instruction set. f32x8 is one AVX2 register, two NEON registers or
// float[8]; a kernel written once against these types adds in the same order everywhere, and every operation
// has one meaning (stated beside it where x86 and Arm differ). Each type has
//   V::element, V::size, V::load(p), V::load_partial(p, n), V::zero(), V::broadcast(x)
//   store(v, p), store_partial(v, p, n)
// and its operations are free functions and operators. Loads and stores need no alignment. Partial ones touch
// the first n <= size elements only; a partial load fills the other lanes with 0.
// Floating point results that are nan have no promised sign or payload, unless said otherwise: a kernel that
// stores them applies canonical_nan.
#pragma once

#include <cstddef>
#include <cstring>
#include <type_traits>

#include "fewbits/core/bits.hpp"
#include "fewbits/core/isa.hpp"

#if FEWBITS_HAVE_AVX2
#include <immintrin.h>
#elif FEWBITS_HAVE_NEON
#include <arm_neon.h>
#endif

namespace fewbits {
inline namespace FEWBITS_ISA {
namespace simd {

namespace detail {

// Tails go through a buffer: one formula for every length.
template <class V>
FEWBITS_INLINE V load_partial(const typename V::element* source, std::size_t count) {
    typename V::element buffer[V::size] = {};
    for (std::size_t i = 0; i < count; ++i) buffer[i] = source[i];
    return V::load(buffer);
}

template <class V>
FEWBITS_INLINE void store_partial(V v, typename V::element* target, std::size_t count) {
    typename V::element buffer[V::size];
    store(v, buffer);
    for (std::size_t i = 0; i < count; ++i) target[i] = buffer[i];
}

// One formula lane by lane: the body of most operations of the scalar build.
template <class R, class F>
FEWBITS_INLINE R generate(F&& f) {
    R result;
    for (std::size_t i = 0; i < R::size; ++i) result.lane[i] = f(i);
    return result;
}

template <class V>
using if_integer = std::enable_if_t<std::is_integral_v<typename V::element>>;

}  // namespace detail

// Integer types define == and >; the other comparisons follow.
template <class V, class = detail::if_integer<V>>
FEWBITS_INLINE auto operator!=(V a, V b) {
    return ~(a == b);
}
template <class V, class = detail::if_integer<V>>
FEWBITS_INLINE auto operator<(V a, V b) {
    return b > a;
}
template <class V, class = detail::if_integer<V>>
FEWBITS_INLINE auto operator>=(V a, V b) {
    return ~(b > a);
}
template <class V, class = detail::if_integer<V>>
FEWBITS_INLINE auto operator<=(V a, V b) {
    return ~(a > b);
}

// The same 256 bits as another type, lane 0 first and low byte first.
template <class To, class From>
FEWBITS_INLINE To bit_cast(From from) {
    static_assert(sizeof(typename To::element) * To::size == sizeof(typename From::element) * From::size);
    static_assert(sizeof(To) == sizeof(From) && alignof(To) <= 32);
    static_assert(host_is_little_endian() || sizeof(typename To::element) == sizeof(typename From::element));
    To to;
    std::memcpy(&to, &from, sizeof(To));
    return to;
}

}  // namespace simd
}  // namespace FEWBITS_ISA
}  // namespace fewbits
