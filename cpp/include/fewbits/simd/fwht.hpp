// Fast Walsh-Hadamard transform: x H with H the n x n matrix of (-1)^popcount(i & j), n a power of two.
//
//   fwht(x)         in place, n log2 n additions, not normalised: twice is n times the identity
//   fwht(x, block)  every block of that many elements
//
// Stages run from stride 1 to stride n / 2; stage s turns (a, b) at distance s into (a + b, a - b). The order
// of the additions is therefore the same for every n and instruction set, and so are the bits.
// Types float32, float64. Error at most log2(n) u in each output relative to the sum of |x| (standard model,
// one rounding per stage), u = 2^-24 or 2^-53. Infinities and nan spread over the block.
//
// Several stages are done on values in registers, three at a time: a block of 4096 floats takes four passes
// over the first-level cache.
#pragma once

#include <cstddef>
#include <string>
#include <type_traits>

#include "fewbits/core/error.hpp"
#include "fewbits/core/isa.hpp"
#include "fewbits/core/span.hpp"
#include "fewbits/simd/f32x8.hpp"
#include "fewbits/simd/f64x4.hpp"

namespace fewbits {
inline namespace FEWBITS_ISA {
namespace simd {

namespace reference {

template <class T>
void fwht(Span<T> x) {
    for (std::size_t stride = 1; stride < x.size(); stride *= 2) {
        for (std::size_t i = 0; i < x.size(); ++i) {
            if ((i & stride) != 0) continue;
            const T a = x[i], b = x[i + stride];
            x[i] = a + b;
            x[i + stride] = a - b;
        }
    }
}

}  // namespace reference

namespace detail {

template <class T>
using fwht_vector = std::conditional_t<sizeof(T) == 4, f32x8, f64x4>;

// The stage of `Stride` < V::size within a vector: lower lanes a + b, upper lanes a - b, where b and a are
// what the upper lane and its partner hold.
template <unsigned Stride, class V>
FEWBITS_INLINE V fwht_within(V x) {
    using T = typename V::element;
    T sign[V::size];
    for (std::size_t i = 0; i < V::size; ++i) sign[i] = (i & Stride) != 0 ? T(-1) : T(1);
    // Multiplying by -1 is exact; b + a is a + b.
    return exchange<Stride>(x) + x * V::load(sign);
}
template <class V>
FEWBITS_INLINE V fwht_within(V x) {
    x = fwht_within<1>(x);
    x = fwht_within<2>(x);
    if constexpr (V::size == 8) x = fwht_within<4>(x);
    return x;
}

// The stages between `Count` vectors in registers.
template <std::size_t Count, class V>
FEWBITS_INLINE void fwht_between(V (&x)[Count]) {
    for (std::size_t stride = 1; stride < Count; stride *= 2) {
        for (std::size_t i = 0; i < Count; ++i) {
            if ((i & stride) != 0) continue;
            const V a = x[i], b = x[i + stride];
            x[i] = a + b;
            x[i + stride] = a - b;
        }
    }
}

// All stages of blocks of Count vectors, one block after the other.
template <std::size_t Count, class T>
FEWBITS_INLINE void fwht_first(T* data, std::size_t n) {
    using V = fwht_vector<T>;
    for (std::size_t at = 0; at < n; at += Count * V::size) {
        V x[Count];
        for (std::size_t i = 0; i < Count; ++i) x[i] = fwht_within(V::load(data + at + i * V::size));
        fwht_between(x);
        for (std::size_t i = 0; i < Count; ++i) store(x[i], data + at + i * V::size);
    }
}

// The stages stride, 2 stride, ... below Count * stride; stride a multiple of the vector's size.
template <std::size_t Count, class T>
FEWBITS_INLINE void fwht_pass(T* data, std::size_t n, std::size_t stride) {
    using V = fwht_vector<T>;
    for (std::size_t block = 0; block < n; block += Count * stride) {
        for (std::size_t at = block; at < block + stride; at += V::size) {
            V x[Count];
            for (std::size_t i = 0; i < Count; ++i) x[i] = V::load(data + at + i * stride);
            fwht_between(x);
            for (std::size_t i = 0; i < Count; ++i) store(x[i], data + at + i * stride);
        }
    }
}

}  // namespace detail

// Every block of `block` elements, a power of two that divides x.size().
template <class T>
void fwht(Span<T> x, std::size_t block) {
    static_assert(std::is_same_v<T, float> || std::is_same_v<T, double>);
    FEWBITS_REQUIRE(block > 0 && (block & (block - 1)) == 0,
                    "fwht: the length must be a power of two, got " + std::to_string(block));
    FEWBITS_REQUIRE(x.size() % block == 0, "fwht: the length of x must be a multiple of that of a block");
    constexpr std::size_t width = detail::fwht_vector<T>::size;
    T* data = x.data();
    switch (block / width) {
        case 0:
            for (std::size_t at = 0; at < x.size(); at += block) reference::fwht(x.subspan(at, block));
            return;
        case 1:
            return detail::fwht_first<1>(data, x.size());
        case 2:
            return detail::fwht_first<2>(data, x.size());
        case 4:
            return detail::fwht_first<4>(data, x.size());
        default:
            break;
    }
    for (T* at = data; at < data + x.size(); at += block) {
        detail::fwht_first<8>(at, block);
        std::size_t stride = 8 * width;
        for (; block / stride >= 8; stride *= 8) detail::fwht_pass<8>(at, block, stride);
        if (block / stride == 4) {
            detail::fwht_pass<4>(at, block, stride);
        } else if (block / stride == 2) {
            detail::fwht_pass<2>(at, block, stride);
        }
    }
}

// x.size() is a power of two.
template <class T>
void fwht(Span<T> x) {
    fwht(x, x.size());
}

}  // namespace simd
}  // namespace FEWBITS_ISA
}  // namespace fewbits
