#include "fewbits/formats/lmul.hpp"

#include <vector>

#include "check.hpp"
#include "fewbits/core/random.hpp"
#include "fewbits/formats/codes.hpp"

using namespace fewbits;
using namespace fewbits::formats;

namespace {

// Bit patterns of every kind, specials among them.
std::vector<float> patterns(std::size_t count, std::uint64_t stream) {
    const Philox random(9, stream);
    const std::uint32_t special[] = {0,           0x80000000U, 1,           0x007fffffU, 0x00800000U,
                                     0x7f7fffffU, 0x7f800000U, 0xff800000U, 0x7fc00000U};
    std::vector<float> x(count);
    for (std::size_t i = 0; i < count; ++i) {
        const std::uint32_t draw = random.draw32(i);
        x[i] = fewbits::formats::detail::from_word<float>(draw % 23 == 0 ? special[draw / 23 % 9] : draw);
    }
    return x;
}

}  // namespace

TEST(kernel_equals_reference) {
    for (const int m : {1, 3, 4, 10, 23}) {
        for (const LmulOperand operand : {LmulOperand::truncate, LmulOperand::round, LmulOperand::none}) {
            for (std::size_t n = 0; n < 34; ++n) {
                const std::vector<float> a = patterns(n + 1, 1), b = patterns(n + 1, 2);
                std::vector<float> out(n + 1);
                lmul(Span<const float>(a.data() + 1, n), Span<const float>(b.data() + 1, n), m, operand,
                     Span<float>(out.data() + 1, n));
                for (std::size_t i = 1; i <= n; ++i)
                    CHECK_BITS(out[i],
                               reference::lmul(fewbits::formats::detail::lmul_operand(a[i], m, operand),
                                               fewbits::formats::detail::lmul_operand(b[i], m, operand),
                                               fewbits::formats::detail::lmul_offset(m)));
            }
        }
    }
}

// All bfloat16 codes with 256 others: the operation on codes is that on their float32 patterns.
TEST(all_bfloat16_with_some) {
    const FloatFormat f = get("bfloat16");
    std::vector<std::uint16_t> every(65536), other(65536), out(65536);
    std::vector<float> x(65536), y(65536), z(65536);
    for (std::size_t i = 0; i < every.size(); ++i) {
        every[i] = static_cast<std::uint16_t>(i);
        x[i] = fewbits::formats::detail::from_word<float>(static_cast<std::uint32_t>(i) << 16);
    }
    const Philox random(4);
    for (std::uint64_t k = 0; k < 256; ++k) {
        const auto code = static_cast<std::uint16_t>(k < 8 ? k * 0x1ff0 : random.draw32(k));
        std::fill(other.begin(), other.end(), code);
        std::fill(y.begin(), y.end(), fewbits::formats::detail::from_word<float>(std::uint32_t{code} << 16));
        lmul_codes(Span<const std::uint16_t>(every), Span<const std::uint16_t>(other), f, false, false,
                   Span<std::uint16_t>(out));
        lmul(Span<const float>(x), Span<const float>(y), 7, LmulOperand::none, Span<float>(z));
        for (std::size_t i = 0; i < every.size(); ++i) {
            const std::uint32_t wanted = fewbits::formats::detail::to_word(z[i]) >> 16;
            CHECK_EQUAL(std::uint32_t{out[i]}, wanted);
        }
    }
}

TEST(gemm_is_the_loop) {
    const std::size_t m = 7, n = 19, k = 33;
    std::vector<float> a = patterns(m * k, 3), b = patterns(k * n, 4);
    for (float& x : a) x = std::isfinite(x) ? x / (1 + std::fabs(x)) : 0.75F;
    for (const bool wild : {false, true}) {
        if (!wild)
            for (float& x : b) x = std::isfinite(x) ? x / (1 + std::fabs(x)) : 0.5F;
        else
            b = patterns(k * n, 5);
        std::vector<float> c(m * n);
        lmul_gemm(m, n, k, Span<const float>(a), Span<const float>(b), 23, LmulOperand::none,
                  LmulAccumulate::float32, Span<float>(c), 2);
        for (std::size_t i = 0; i < m; ++i) {
            for (std::size_t j = 0; j < n; ++j) {
                float sum = 0;
                for (std::size_t l = 0; l < k; ++l)
                    sum += reference::lmul(a[i * k + l], b[l * n + j],
                                           fewbits::formats::detail::lmul_offset(23));
                CHECK_BITS(c[i * n + j], fewbits::formats::detail::positive_nan(sum));
            }
        }
    }
}

TEST(checks) {
    const std::uint32_t offset = fewbits::formats::detail::lmul_offset(23);
    CHECK_BITS(reference::lmul(1, 1, offset), 1.0625F);
    CHECK_BITS(reference::lmul(1.5F, 1.5F, offset), 2.125F);
    CHECK_BITS(reference::lmul(3, 5, offset), 14.5F);
    CHECK_BITS(reference::lmul(-2, 3, offset), -6.25F);
    CHECK_EQUAL(lmul_formula(1, 1, 23), 1.0625);
    CHECK_EQUAL(lmul_formula(1.5F, 1.5F, 2), 2.25);
    std::vector<float> x(2), y(3);
    CHECK_THROWS(lmul(Span<const float>(x), Span<const float>(y), 23, LmulOperand::none, Span<float>(x)),
                 ArgumentError);
    CHECK_THROWS(lmul(Span<const float>(x), Span<const float>(x), 24, LmulOperand::none, Span<float>(x)),
                 ArgumentError);
}
