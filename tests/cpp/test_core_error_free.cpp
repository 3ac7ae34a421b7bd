#include "fewbits/core/error_free.hpp"

#include <cmath>
#include <limits>
#include <type_traits>

#include "check.hpp"
#include "fewbits/core/random.hpp"

using namespace fewbits;

namespace {

// A signed 24-bit integer times 2^e, |e| <= 12: sums and products of two fit 53 bits.
float sample(const Philox& random, std::uint64_t i) {
    const std::int32_t m = static_cast<std::int32_t>(random.draw32(2 * i)) >> 7;
    const auto e = static_cast<int>(random.draw32(2 * i + 1) % 25);
    return std::ldexp(static_cast<float>(m), e - 12);
}

// Sums of floats are exact in double when the exponents are close: an oracle that knows nothing of the
// method.
void check_float_pair(float a, float b) {
    const double exact = static_cast<double>(a) + static_cast<double>(b);
    const auto sum = two_sum(a, b);
    CHECK_BITS(sum.value, static_cast<float>(exact));
    CHECK_EQUAL(static_cast<double>(sum.error), exact - static_cast<double>(sum.value));
    const bool ordered = std::fabs(a) >= std::fabs(b);
    const auto fast = ordered ? fast_two_sum(a, b) : fast_two_sum(b, a);
    CHECK_BITS(fast.value, sum.value);
    CHECK_EQUAL(fast.error, sum.error);
    const double product = static_cast<double>(a) * static_cast<double>(b);
    const auto prod = two_prod(a, b);
    CHECK_BITS(prod.value, static_cast<float>(product));
    CHECK_EQUAL(static_cast<double>(prod.error), product - static_cast<double>(prod.value));
}

}  // namespace

TEST(error_free_float_is_exact) {
    const Philox random(1, 1);
    for (std::uint64_t i = 0; i < 100000; ++i) {
        check_float_pair(sample(random, 2 * i), sample(random, 2 * i + 1));
    }
    const float one = 1, tiny = std::numeric_limits<float>::epsilon() / 2;
    for (const float a : {0.0F, one, -one, 1 + 2 * tiny, tiny, 3 * tiny, -tiny, 0x1.fffffep+0F}) {
        for (const float b : {0.0F, one, -one, 1 + 2 * tiny, tiny, 3 * tiny, -tiny, 0x1.fffffep+0F}) {
            check_float_pair(a, b);
        }
    }
}

#if defined(__SIZEOF_INT128__)
namespace {
__extension__ using i128 = __int128;

// x * 2^60 as an integer; x must be a multiple of 2^-60 below 2^60.
i128 fixed(double x) {
    int exponent = 0;
    const double m = std::ldexp(std::frexp(x, &exponent), 53);
    const int shift = exponent - 53 + 60;
    i128 value = static_cast<std::int64_t>(m);
    for (int k = 0; k < shift; ++k) value *= 2;
    for (int k = 0; k > shift; --k) {
        if (value % 2 != 0) check::fail(__FILE__, __LINE__, "not a multiple of 2^-60");
        value /= 2;
    }
    return value;
}
}  // namespace

TEST(error_free_double_is_exact) {  // against 128-bit fixed point
    const Philox random(1, 2);
    for (std::uint64_t i = 0; i < 50000; ++i) {
        // Multiples of 2^-60 of at most 53 bits, of very different sizes.
        const auto draw = [&](std::uint64_t k) {
            const std::uint64_t bits = random.draw64(2 * k);
            const int up = static_cast<int>(random.draw64(2 * k + 1) % 50);
            const auto m = static_cast<double>(static_cast<std::int64_t>(bits) >> 12);
            return std::ldexp(m, up - 60);
        };
        const double a = draw(2 * i), b = draw(2 * i + 1);
        const i128 exact = fixed(a) + fixed(b);
        const auto sum = two_sum(a, b);
        CHECK_BITS(sum.value, a + b);
        CHECK(fixed(sum.value) + fixed(sum.error) == exact);
        const auto fast = std::fabs(a) >= std::fabs(b) ? fast_two_sum(a, b) : fast_two_sum(b, a);
        CHECK_BITS(fast.value, sum.value);
        CHECK_EQUAL(fast.error, sum.error);
        const std::int64_t p = static_cast<std::int64_t>(random.draw64(4 * i)) >> 11;
        const std::int64_t q = static_cast<std::int64_t>(random.draw64(4 * i + 3)) >> 11;
        const auto prod = two_prod(static_cast<double>(p), static_cast<double>(q));
        CHECK_BITS(prod.value, static_cast<double>(p) * static_cast<double>(q));
        CHECK(static_cast<i128>(prod.value) + static_cast<i128>(prod.error) == static_cast<i128>(p) * q);
    }
}
#endif

TEST(error_free_value_barrier_is_the_identity) {
    for (const float x : {0.0F, -0.0F, 1.5F, std::numeric_limits<float>::infinity(), 1e-45F}) {
        CHECK_BITS(value_barrier(x), x);
        CHECK_BITS(value_barrier(static_cast<double>(x)), static_cast<double>(x));
    }
    CHECK_EQUAL(value_barrier(~std::uint64_t{5}), ~std::uint64_t{5});
}

TEST(error_free_robust_two_sum) {
    const double most = std::numeric_limits<double>::max(),
                 infinity = std::numeric_limits<double>::infinity();
    CHECK_BITS(robust_two_sum(most, most).value, infinity);
    CHECK_BITS(robust_two_sum(most, most).error, 0.0);
    CHECK_BITS(robust_two_sum(infinity, 1.0).error, 0.0);
    // Every pair near the largest number: finite where the sum is, and exact.
    for (int i = 0; i < 40; ++i) {
        const double a = most - std::ldexp(i, 971), b = -std::ldexp(1.0 + i / 64.0, 969 + i % 5);
        for (const auto sum : {robust_two_sum(a, b), robust_two_sum(b, a)}) {
            CHECK_BITS(sum.value, a + b);
            CHECK(std::isfinite(sum.error));
            // Both differences are exact: the parts differ by few binades.
            CHECK_EQUAL((a - sum.value) + b, sum.error);
        }
    }
    const Philox random(3);
    for (std::uint64_t i = 0; i < 1000; ++i) {
        const double a = std::ldexp(random.uniform01(2 * i) - 0.5, static_cast<int>(i % 60));
        const double b = random.uniform01(2 * i + 1) - 0.5;
        CHECK_BITS(robust_two_sum(a, b).value, two_sum(a, b).value);
        CHECK_EQUAL(robust_two_sum(a, b).error, two_sum(a, b).error);
    }
}
