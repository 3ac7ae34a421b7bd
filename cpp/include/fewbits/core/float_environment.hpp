// The floating point state every kernel assumes, for the time of a call: rounding to nearest even, subnormal
// numbers kept, no traps. Other libraries of a process do change it for their threads (flush to zero above
// all). The caller's state comes back as it was, raised flags included. Costs about 10 ns.
#pragma once

#include <cstdint>

#include "fewbits/core/isa.hpp"

#if defined(__x86_64__) || defined(_M_X64)
#include <xmmintrin.h>
#endif

namespace fewbits {
inline namespace FEWBITS_ISA {

class FloatEnvironment {
public:
    FloatEnvironment() : saved_(read()) { write(standard); }
    ~FloatEnvironment() { write(saved_); }
    FloatEnvironment(const FloatEnvironment&) = delete;
    FloatEnvironment& operator=(const FloatEnvironment&) = delete;

#if defined(__x86_64__) || defined(_M_X64)
    using Word = unsigned;
    static constexpr Word standard = 0x1f80;  // MXCSR: all exceptions masked
    static Word read() { return _mm_getcsr(); }
    static void write(Word word) {
        fence();
        _mm_setcsr(word);
        fence();
    }
#elif defined(__aarch64__) && (defined(__GNUC__) || defined(__clang__))
    using Word = std::uint64_t;
    static constexpr Word standard = 0;  // FPCR; its flags live in FPSR, which nothing reads
    static Word read() {
        Word word;
        __asm__ volatile("mrs %0, fpcr" : "=r"(word));
        return word;
    }
    static void write(Word word) { __asm__ volatile("msr fpcr, %0" : : "r"(word) : "memory"); }
#else
    using Word = unsigned;
    static constexpr Word standard = 0;
    static Word read() { return 0; }
    static void write(Word) {}
#endif

private:
    // Keeps what is loaded and stored, and so what is computed between a load and a store, on its side.
    static void fence() {
#if defined(__GNUC__) || defined(__clang__)
        __asm__ volatile("" : : : "memory");
#endif
    }

    Word saved_;
};

}  // namespace FEWBITS_ISA
}  // namespace fewbits
