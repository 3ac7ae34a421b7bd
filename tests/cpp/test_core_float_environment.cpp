// The floating point state is the standard one inside, and the caller's afterwards.
#include "fewbits/core/float_environment.hpp"

#include "check.hpp"

using namespace fewbits;

TEST(flush_to_zero_is_off_inside_and_back_after) {
    const FloatEnvironment::Word before = FloatEnvironment::read();
#if defined(__x86_64__)
    const FloatEnvironment::Word flushing = before | 0x8040;  // FTZ and DAZ
#elif defined(__aarch64__)
    const FloatEnvironment::Word flushing = before | (1U << 24);  // FZ
#else
    const FloatEnvironment::Word flushing = before;
#endif
    // From memory to memory: the product is then formed between the changes of state that surround it.
    volatile double least = 0x1p-1022, inside_result = 0, outside_result = 0;
    FloatEnvironment::write(flushing);
    {
        const FloatEnvironment standard;
        inside_result = least * 0.5;
    }
    outside_result = least * 0.5;
    const FloatEnvironment::Word after = FloatEnvironment::read();
    FloatEnvironment::write(before);
    const double inside = inside_result, outside = outside_result;
    CHECK_BITS(inside, 0x1p-1023);
    if (flushing != before) CHECK_BITS(outside, 0.0);
#if defined(__x86_64__)
    CHECK_EQUAL(after & 0xffc0U,
                flushing & 0xffc0U);  // without the flags that the multiplication outside raised
#else
    CHECK_EQUAL(after, flushing);
#endif
}
