// Blocks: maxima, tails, division and rounding once, the same bits everywhere, bad shapes.
#include "fewbits/quant/block_scaled.hpp"

#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <string>
#include <vector>

#include "check.hpp"
#include "fewbits/core/checksum.hpp"
#include "fewbits/core/random.hpp"

using namespace fewbits;
using namespace fewbits::quant;

namespace {

std::vector<float> draws(std::size_t n) {
    const Philox random(5, 1);
    std::vector<float> x(n);
    for (std::size_t i = 0; i < n; ++i)
        x[i] = std::ldexp(random.uniform01_float(2 * i) * 2 - 1,
                          static_cast<int>(random.draw32(2 * i + 1) % 40) - 20);
    return x;
}

formats::RoundOptions saturating(formats::Rounding rounding = formats::Rounding::nearest_even) {
    formats::RoundOptions options;
    options.rounding = rounding;
    options.saturate = formats::Saturate::finite;
    return options;
}

float magnitude(std::uint32_t word) {
    float value;
    std::memcpy(&value, &word, sizeof value);
    return value;
}

}  // namespace

TEST(every_block_is_its_elements) {
    std::uint64_t hash = 0;
    for (const char* name : {"float4_e2m1fn", "float6_e3m2fn", "float8_e4m3fn", "mxint8"}) {
        const formats::FloatFormat element = formats::get(std::string(name));
        for (const auto& [rows, width, size] : {std::tuple<std::size_t, std::size_t, std::size_t>{3, 32, 32},
                                                {5, 45, 16},
                                                {7, 1, 32},
                                                {2, 5000, 7},
                                                {1, 40000, 32}}) {
            const Blocks blocks{width, size};
            const std::vector<float> x = draws(rows * width);
            std::vector<std::uint32_t> maxima(blocks.count(x.size()));
            block_maxima(Span<const float>(x), blocks, Span<std::uint32_t>(maxima));
            std::vector<float> factors(maxima.size());
            for (std::size_t b = 0; b < factors.size(); ++b) {
                float largest = 0;
                const std::size_t first = b / blocks.per_row() * width + b % blocks.per_row() * size;
                const std::size_t count = std::min(size, width - b % blocks.per_row() * size);
                for (std::size_t i = first; i < first + count; ++i)
                    largest = std::max(largest, std::fabs(x[i]));
                CHECK_BITS(magnitude(maxima[b]), largest);
                factors[b] =
                    b % 5 == 4 ? 0 : std::ldexp(1.0F, std::ilogb(largest) - 2) * (b % 2 == 0 ? 1 : 1.37F);
            }
            std::vector<std::uint8_t> codes(x.size()), again(x.size());
            block_encode(Span<const float>(x), blocks, Span<const float>(factors), element, saturating(),
                         Span<std::uint8_t>(codes));
            std::vector<float> y(x.size()), z(x.size());
            block_decode(Span<const std::uint8_t>(codes), blocks, Span<const float>(factors), element,
                         Span<float>(y));
            std::vector<double> errors(factors.size());
            block_errors(Span<const float>(x), Span<const std::uint8_t>(codes), blocks,
                         Span<const float>(factors), element, Span<double>(errors));
            for (std::size_t i = 0; i < x.size(); ++i) {
                const std::size_t b = i / width * blocks.per_row() + i % width / size;
                float quotient = factors[b] == 0 ? 0 : x[i] / factors[b], value;
                std::uint8_t code;
                formats::encode(Span<const float>(&quotient, 1), element, saturating(),
                                Span<std::uint8_t>(&code, 1));
                formats::decode(Span<const std::uint8_t>(&code, 1), element, Span<float>(&value, 1));
                CHECK(codes[i] == code);
                CHECK_BITS(y[i], value * factors[b]);
                const double e = static_cast<double>(x[i]) - static_cast<double>(y[i]);
                errors[b] -= e * e;
            }
            for (const double rest : errors) CHECK(std::fabs(rest) <= 1e-3);
            hash = xxh64(ByteSpan(codes.data(), codes.size()), hash);
            hash = xxh64(ByteSpan(reinterpret_cast<const std::uint8_t*>(y.data()), 4 * y.size()), hash);
            formats::RoundOptions threads = saturating();
            threads.threads = 3;
            block_encode(Span<const float>(x), blocks, Span<const float>(factors), element, threads,
                         Span<std::uint8_t>(again));
            block_decode(Span<const std::uint8_t>(again), blocks, Span<const float>(factors), element,
                         Span<float>(z), 4);
            CHECK(codes == again);
            CHECK(std::memcmp(y.data(), z.data(), 4 * y.size()) == 0);
        }
    }
    CHECK_EQUAL(hash, std::uint64_t{5520036203640342458U});  // one constant for every instruction set
}

TEST(what_is_not_finite_shows_in_the_maxima) {
    std::vector<float> x(64, 1.0F);
    x[40] = -std::numeric_limits<float>::infinity();
    x[3] = std::numeric_limits<float>::quiet_NaN();
    std::uint32_t maxima[2];
    block_maxima(Span<const float>(x), {64, 32}, Span<std::uint32_t>(maxima));
    CHECK(maxima[0] > 0x7f800000U);
    CHECK(maxima[1] == 0x7f800000U);
}

TEST(random_bits_are_those_of_the_element) {
    const std::vector<float> x = draws(70000);
    const std::vector<float> factors(70000 / 32 + 1, 0.25F);
    const formats::FloatFormat element = formats::get(std::string("float4_e2m1fn"));
    std::vector<std::uint8_t> whole(x.size()), single(x.size());
    formats::RoundOptions options = saturating(formats::Rounding::stochastic);
    options.seed = 9;
    block_encode(Span<const float>(x), {70000, 32}, Span<const float>(factors.data(), 2188), element, options,
                 Span<std::uint8_t>(whole));
    std::vector<float> scaled(x);
    for (float& v : scaled) v /= 0.25F;
    formats::encode(Span<const float>(scaled), element, options, Span<std::uint8_t>(single));
    CHECK(whole == single);
}

TEST(refusals) {
    const std::vector<float> x(12, 1.0F), factors(2, 1.0F);
    std::vector<std::uint32_t> maxima(2);
    CHECK_THROWS(block_maxima(Span<const float>(x), {5, 4}, Span<std::uint32_t>(maxima)), ArgumentError);
    CHECK_THROWS(block_maxima(Span<const float>(x), {12, 0}, Span<std::uint32_t>(maxima)), ArgumentError);
    CHECK_THROWS(block_maxima(Span<const float>(x), {12, 4}, Span<std::uint32_t>(maxima)), ArgumentError);
    std::vector<std::uint8_t> codes(11);
    CHECK_THROWS(
        block_encode(Span<const float>(x), {12, 6}, Span<const float>(factors),
                     formats::get(std::string("float4_e2m1fn")), saturating(), Span<std::uint8_t>(codes)),
        ArgumentError);
}
