// The instruction set this translation unit is compiled for, and what fewbits demands of the compiler.
//
// FEWBITS_ISA names the inline namespace that holds everything but exceptions: two translation units
// built with different flags may then be linked into one program without mixing their kernels.
#pragma once

#include <cfloat>

#if defined(__FAST_MATH__) || defined(_M_FP_FAST)
#error "fewbits promises the same bits on every machine: compile without -ffast-math (/fp:fast)"
#endif
#if defined(FLT_EVAL_METHOD) && FLT_EVAL_METHOD != 0
#error "fewbits needs IEEE-754 evaluation of float and double (FLT_EVAL_METHOD == 0): use SSE2, not x87"
#endif

#if defined(FEWBITS_FORCE_SCALAR)
#define FEWBITS_ISA scalar
#define FEWBITS_HAVE_SCALAR 1
// MSVC's /arch:AVX2 implies FMA, F16C, BMI and LZCNT but defines only __AVX2__.
#elif defined(__AVX2__) && (defined(_MSC_VER) || (defined(__FMA__) && defined(__F16C__)))
#define FEWBITS_ISA avx2
#define FEWBITS_HAVE_AVX2 1
#elif defined(__aarch64__) || defined(_M_ARM64)
#define FEWBITS_ISA neon
#define FEWBITS_HAVE_NEON 1
#else
#define FEWBITS_ISA scalar
#define FEWBITS_HAVE_SCALAR 1
#endif

#ifndef FEWBITS_HAVE_SCALAR
#define FEWBITS_HAVE_SCALAR 0
#endif
#ifndef FEWBITS_HAVE_AVX2
#define FEWBITS_HAVE_AVX2 0
#endif
#ifndef FEWBITS_HAVE_NEON
#define FEWBITS_HAVE_NEON 0
#endif

#if defined(__GNUC__) || defined(__clang__)
#define FEWBITS_INLINE inline __attribute__((always_inline))
#define FEWBITS_INLINE_LAMBDA __attribute__((always_inline))
#define FEWBITS_NOINLINE __attribute__((noinline))
#define FEWBITS_RESTRICT __restrict__
#define FEWBITS_MAY_ALIAS __attribute__((may_alias))  // for stores into memory whose type is the caller's
#define FEWBITS_LIKELY(condition) __builtin_expect(!!(condition), 1)
#define FEWBITS_UNLIKELY(condition) __builtin_expect(!!(condition), 0)
#elif defined(_MSC_VER)
#define FEWBITS_INLINE __forceinline
#define FEWBITS_INLINE_LAMBDA
#define FEWBITS_NOINLINE __declspec(noinline)
#define FEWBITS_RESTRICT __restrict
#define FEWBITS_MAY_ALIAS
#define FEWBITS_LIKELY(condition) (condition)
#define FEWBITS_UNLIKELY(condition) (condition)
#else
#define FEWBITS_INLINE inline
#define FEWBITS_INLINE_LAMBDA
#define FEWBITS_NOINLINE
#define FEWBITS_RESTRICT
#define FEWBITS_MAY_ALIAS
#define FEWBITS_LIKELY(condition) (condition)
#define FEWBITS_UNLIKELY(condition) (condition)
#endif

// For the larger parts of vector kernels: inlined where a vector is a register, called where it is an array
// of lanes and inlining would only cost compile time.
#if FEWBITS_HAVE_SCALAR
#define FEWBITS_KERNEL inline FEWBITS_NOINLINE
#else
#define FEWBITS_KERNEL FEWBITS_INLINE
#endif

// Sends a float, double or vector register through an empty assembly statement: the optimiser can neither
// regroup, fuse nor narrow arithmetic across it, not even under -funsafe-math-optimizations or -mrecip, which
// set no macro that could be refused above. MSVC has no such statement and only /fp:fast, which is refused.
#if (defined(__GNUC__) || defined(__clang__)) && (defined(__x86_64__) || defined(__i386__))
#define FEWBITS_VALUE_BARRIER(value) __asm__("" : "+x"(value))
#elif (defined(__GNUC__) || defined(__clang__)) && defined(__aarch64__)
#define FEWBITS_VALUE_BARRIER(value) __asm__("" : "+w"(value))
#elif defined(__GNUC__) || defined(__clang__)
#define FEWBITS_VALUE_BARRIER(value) __asm__("" : "+m"(value))
#else
#define FEWBITS_VALUE_BARRIER(value) static_cast<void>(value)
#endif

namespace fewbits {
inline namespace FEWBITS_ISA {

// Name of the instruction set of this translation unit: "scalar", "avx2" or "neon".
constexpr const char* isa_name() {
#if FEWBITS_HAVE_AVX2
    return "avx2";
#elif FEWBITS_HAVE_NEON
    return "neon";
#else
    return "scalar";
#endif
}

}  // namespace FEWBITS_ISA
}  // namespace fewbits
