// Results on their way to memory past the caches.
//
// A store to a line that is not in the cache first reads the line; for results larger than the caches that is
// half as much traffic again. Streaming stores do without. Kernels fill a buffer in the first cache and hand
// it over in whole lines; an array starts with the elements before its first line.
//
//   streams(bytes)             whether a result of that size is worth it on this machine type
//   before_line(to)            elements before the first whole line of 64 bytes
//   stream_copy(from, to, n)   copies; streams the whole lines
//   stream_fence()             orders what was streamed before what follows; once for each thread, at the end
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "fewbits/core/isa.hpp"
#include "fewbits/simd/detail/common.hpp"

namespace fewbits {
inline namespace FEWBITS_ISA {
namespace simd {

// About the size of a last-level cache: below it later readers find the results there.
inline bool streams(std::size_t bytes) { return FEWBITS_HAVE_AVX2 && bytes >= (std::size_t{1} << 25); }

template <class T>
std::size_t before_line(const T* to) {
    return (64 - reinterpret_cast<std::uintptr_t>(to) % 64) % 64 / sizeof(T);
}

template <class T>
FEWBITS_INLINE void stream_copy(const T* from, T* to, std::size_t count) {
#if FEWBITS_HAVE_AVX2
    constexpr std::size_t line = 64 / sizeof(T);
    if (reinterpret_cast<std::uintptr_t>(to) % 64 == 0) {
        for (; count >= line; from += line, to += line, count -= line) {
            const __m256i* const source = reinterpret_cast<const __m256i*>(from);
            __m256i* const target = reinterpret_cast<__m256i*>(to);
            _mm256_stream_si256(target, _mm256_loadu_si256(source));
            _mm256_stream_si256(target + 1, _mm256_loadu_si256(source + 1));
        }
    }
#endif
    if (count > 0) std::memcpy(to, from, count * sizeof(T));
}

FEWBITS_INLINE void stream_fence() {
#if FEWBITS_HAVE_AVX2
    _mm_sfence();
#endif
}

}  // namespace simd
}  // namespace FEWBITS_ISA
}  // namespace fewbits
