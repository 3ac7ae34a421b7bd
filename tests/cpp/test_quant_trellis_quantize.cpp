// The trellis quantiser against exhaustive search and the reference sequence; rates; threads; bad input.
#include "fewbits/quant/trellis_quantize.hpp"

#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

#include "check.hpp"
#include "fewbits/core/checksum.hpp"
#include "fewbits/core/random.hpp"

using namespace fewbits;
using namespace fewbits::quant;

namespace {

std::vector<float> draws(std::size_t n, float spread, std::uint64_t stream) {
    const Philox random(3, stream);
    std::vector<float> y(n);
    for (std::size_t i = 0; i < n; ++i) {
        float sum = 0;
        for (std::uint64_t k = 0; k < 4; ++k) sum += random.uniform01_float(4 * i + k) - 0.5F;
        y[i] = sum * spread;
    }
    return y;
}

// Whether every row is a path from state 0, and its cost.
double cost_of(const std::vector<float>& y, const std::vector<std::int32_t>& codes, std::size_t width,
               unsigned states, double lambda = 0, const RateTable* rates = nullptr) {
    const Trellis trellis(states);
    double cost = 0;
    std::uint32_t state = 0;
    for (std::size_t i = 0; i < y.size(); ++i) {
        if (i % width == 0) state = 0;
        const std::int32_t n = codes[i];
        CHECK((static_cast<std::uint32_t>(n) & 1U) == (state & 1U));
        const double e = static_cast<double>(y[i]) - n;
        cost += e * e;
        if (rates != nullptr)
            cost += lambda * static_cast<double>(quant::detail::bits_of(rates[n & 1], n >> 1));
        state = trellis.next(state, static_cast<std::uint32_t>(n >> 1) & 1U);
    }
    return cost;
}

// Least cost of a row by trying every path of codes near the values.
double exhaustive(const float* y, std::size_t width, const Trellis& trellis, std::uint32_t state,
                  double lambda, const RateTable* rates) {
    if (width == 0) return 0;
    double least = std::numeric_limits<double>::infinity();
    const auto centre = static_cast<std::int32_t>(std::floor(*y));
    for (std::int32_t n = centre - 5; n <= centre + 6; ++n) {
        if ((static_cast<std::uint32_t>(n) & 1U) != (state & 1U)) continue;
        const double e = static_cast<double>(*y) - n;
        double cost = e * e;
        if (rates != nullptr)
            cost += lambda * static_cast<double>(quant::detail::bits_of(rates[n & 1], n >> 1));
        if (cost >= least) continue;
        const std::uint32_t next = trellis.next(state, static_cast<std::uint32_t>(n >> 1) & 1U);
        least = std::min(least, cost + exhaustive(y + 1, width - 1, trellis, next, lambda, rates));
    }
    return least;
}

}  // namespace

TEST(reference_sequence) {
    const std::vector<float> y = {.3F, -1.7F, 2.4F, .9F, -.2F, 3.6F, -2.5F, 1.1F, 0, -4.2F, 1.6F, .7F};
    const std::vector<std::int32_t> want = {0, -2, 2, 1, 0, 4, -3, 1, -1, -4, 2, 1};
    std::vector<std::int32_t> codes(12);
    trellis_quantize(Span<const float>(y), 12, 8, Span<std::int32_t>(codes));
    CHECK(codes == want);
    CHECK(std::fabs(cost_of(y, codes, 12, 8) - 2.10) < 1e-5);
}

TEST(no_path_is_cheaper) {
    std::vector<float> even(9), odd(9);
    for (std::size_t i = 0; i < 9; ++i) {
        even[i] = 1 + std::fabs(static_cast<float>(i) - 4);
        odd[i] = 1.5F + 0.7F * std::fabs(static_cast<float>(i) - 3.5F);
    }
    const RateTable rates[2] = {{-4, Span<const float>(even)}, {-4, Span<const float>(odd)}};
    for (unsigned states : {4U, 8U, 32U, 256U}) {
        const Trellis trellis(states);
        for (const float spread : {1.0F, 3.0F, 8.0F}) {
            const std::vector<float> y = draws(11 * 7, spread, states);
            for (const float lambda : {0.0F, 0.3F}) {
                std::vector<std::int32_t> codes(y.size());
                trellis_quantize(Span<const float>(y), 7, states, Span<std::int32_t>(codes), lambda, rates);
                double least = 0;
                const RateTable* table = lambda > 0 ? rates : nullptr;
                for (std::size_t r = 0; r < 11; ++r)
                    least += exhaustive(y.data() + 7 * r, 7, trellis, 0, static_cast<double>(lambda), table);
                CHECK(std::fabs(cost_of(y, codes, 7, states, static_cast<double>(lambda), table) - least) <=
                      1e-4);
            }
        }
    }
}

TEST(granular_gain_of_a_gaussian) {
    const std::vector<float> y = draws(1 << 17, 12, 9);
    double last = 4.0 / 12;  // scalar codes of step 2
    for (const auto& [states, gain] : {std::pair<unsigned, double>{4, 0.95}, {8, 1.03}, {256, 1.28}}) {
        std::vector<std::int32_t> codes(y.size());
        trellis_quantize(Span<const float>(y), 1024, states, Span<std::int32_t>(codes));
        const double mean = cost_of(y, codes, 1024, states) / static_cast<double>(y.size());
        CHECK(10 * std::log10(4.0 / 12 / mean) >= gain);
        CHECK(mean < last);
        last = mean;
    }
}

TEST(the_same_codes_everywhere) {
    std::uint64_t hash = 0;
    for (const std::size_t width : {1, 5, 64, 333}) {
        const std::vector<float> y = draws(width * 37, 20, width);
        std::vector<std::int32_t> codes(y.size()), again(y.size());
        std::vector<float> bits(200);
        for (std::size_t i = 0; i < bits.size(); ++i)
            bits[i] = 1 + 0.05F * std::fabs(static_cast<float>(i) - 100);
        const RateTable rates[2] = {{-100, Span<const float>(bits)}, {-100, Span<const float>(bits)}};
        for (unsigned states : {4U, 8U, 16U, 64U, 128U}) {
            for (const float lambda : {0.0F, 0.2F}) {
                trellis_quantize(Span<const float>(y), width, states, Span<std::int32_t>(codes), lambda,
                                 rates);
                hash = xxh64(ByteSpan(reinterpret_cast<const std::uint8_t*>(codes.data()), 4 * codes.size()),
                             hash);
                trellis_quantize(Span<const float>(y), width, states, Span<std::int32_t>(again), lambda,
                                 rates, 5);
                CHECK(codes == again);
            }
        }
        for (const float lambda : {0.0F, 0.2F}) {
            scalar_quantize(Span<const float>(y), Span<std::int32_t>(codes), lambda, rates[0]);
            hash =
                xxh64(ByteSpan(reinterpret_cast<const std::uint8_t*>(codes.data()), 4 * codes.size()), hash);
            scalar_quantize(Span<const float>(y), Span<std::int32_t>(again), lambda, rates[0], 3);
            CHECK(codes == again);
            for (std::size_t i = 0; i < y.size(); ++i)
                if (lambda == 0) CHECK(std::fabs(y[i] - static_cast<float>(codes[i])) <= 0.5F);
        }
    }
    CHECK_EQUAL(hash, std::uint64_t{13406021809637339742U});  // one constant for every instruction set
}

TEST(refusals) {
    std::vector<float> y(12, 0.5F);
    std::vector<std::int32_t> codes(12);
    const auto run = [&](std::size_t width, unsigned states, float lambda) {
        trellis_quantize(Span<const float>(y), width, states, Span<std::int32_t>(codes), lambda);
    };
    CHECK_THROWS(run(5, 8, 0), ArgumentError);
    CHECK_THROWS(run(0, 8, 0), ArgumentError);
    CHECK_THROWS(run(4, 7, 0), ArgumentError);
    CHECK_THROWS(run(4, 512, 0), ArgumentError);
    CHECK_THROWS(run(4, 8, 0.1F), ArgumentError);  // no rates
    CHECK_THROWS(run(4, 8, -1), ArgumentError);
    for (const float bad :
         {std::numeric_limits<float>::quiet_NaN(), 0x1p23F, -std::numeric_limits<float>::infinity()}) {
        y[7] = bad;
        CHECK_THROWS(run(4, 8, 0), ArgumentError);
        CHECK_THROWS(scalar_quantize(Span<const float>(y), Span<std::int32_t>(codes)), ArgumentError);
    }
    CHECK_THROWS(scalar_quantize(Span<const float>(y), Span<std::int32_t>(codes.data(), 11)), ArgumentError);
}
