#include "fewbits/formats/code_dot.hpp"

#include <vector>

#include "check.hpp"
#include "fewbits/core/random.hpp"

using namespace fewbits;
using namespace fewbits::formats;

TEST(integers_equal_values) {
    for (const char* name : {"float8_e4m3fn", "float8_e5m2", "float8_e3m4", "float8_e4m3", "float8_e4m3fnuz",
                             "float8_e5m2fnuz", "float8_e4m3b11fnuz", "float6_e3m2fn", "float6_e2m3fn",
                             "float4_e2m1fn", "int4", "int8", "float8_ue5m3"}) {
        const FloatFormat f = get(name);
        const formats::detail::CodeIntegers table(f);
        for (const std::size_t n : {0, 1, 31, 32, 33, 1000, 70000}) {
            std::vector<std::uint8_t> x(n), y(n);
            const Philox random(2, n);
            for (std::size_t i = 0; i < n; ++i) {
                const std::uint32_t draw = random.draw32(i);
                x[i] = static_cast<std::uint8_t>(draw & (table.integers.size() - 1));
                y[i] = static_cast<std::uint8_t>(draw >> 8 & (table.integers.size() - 1));
                // Without infinity and nan, but for the last round.
                if (n != 1000 && table.integers[x[i]] == formats::detail::CodeIntegers::not_finite) x[i] = 0;
                if (n != 1000 && table.integers[y[i]] == formats::detail::CodeIntegers::not_finite) y[i] = 0;
            }
            ExactAccumulator got, want;
            accumulate_code_dot(Span<const std::uint8_t>(x), Span<const std::uint8_t>(y), f, got);
            reference::accumulate_code_dot(Span<const std::uint8_t>(x), Span<const std::uint8_t>(y), table,
                                           want);
            CHECK(got.state() == want.state());
        }
    }
}

TEST(all_max_codes_do_not_overflow) {
    for (const char* name : {"float8_e4m3fn", "float8_e5m2", "float4_e2m1fn"}) {
        const FloatFormat f = get(name);
        const auto code = static_cast<std::uint8_t>(f.bits == 4 ? 7 : f.has_inf ? 0x7b : 0x7e);
        const std::vector<std::uint8_t> x(1 << 20, code);
        ExactAccumulator sum, want;
        accumulate_code_dot(Span<const std::uint8_t>(x), Span<const std::uint8_t>(x), f, sum);
        want.add(f.max_finite * f.max_finite * (1 << 20));
        CHECK(sum.state() == want.state());
    }
}

TEST(bad_arguments) {
    const std::vector<std::uint8_t> x(2), y(3);
    ExactAccumulator sum;
    const auto dot = [&](const std::vector<std::uint8_t>& other, const char* name) {
        accumulate_code_dot(Span<const std::uint8_t>(x), Span<const std::uint8_t>(other), get(name), sum);
    };
    CHECK_THROWS(dot(y, "float8_e5m2"), ArgumentError);
    CHECK_THROWS(dot(x, "float16"), ArgumentError);
    CHECK_THROWS(dot(x, "float8_e8m0fnu"), ArgumentError);
}
