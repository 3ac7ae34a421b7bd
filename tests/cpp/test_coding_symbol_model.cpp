#include "fewbits/coding/symbol_model.hpp"

#include <cmath>
#include <random>
#include <vector>

#include "check.hpp"

using namespace fewbits;
using namespace fewbits::coding;

namespace {

std::vector<double> make_rows(std::mt19937_64& random, std::size_t n, std::uint32_t alphabet) {
    std::vector<double> probs(n * alphabet);
    for (double& p : probs)
        p = random() % 5 == 0 ? 0.0 : std::ldexp(static_cast<double>(random() % 1000), -10);
    for (std::size_t i = 0; i < n; ++i) probs[i * alphabet + random() % alphabet] += 1;
    return probs;
}

}  // namespace

// Rows against their definition, in the words of the format.
TEST(symbol_model_rows) {
    std::mt19937_64 random(1);
    for (const std::uint32_t alphabet : {1U, 2U, 3U, 17U, 1000U}) {
        const std::size_t n = 50;
        const auto probs = make_rows(random, n, alphabet);
        RowsSymbolModel model({probs.data(), n, alphabet, -5});
        std::vector<std::uint32_t> edges(alphabet + 1);
        for (std::size_t i = 0; i < n; ++i) {
            double total = 0;
            for (std::uint32_t s = 0; s < alphabet; ++s) total += probs[i * alphabet + s];
            const double r = static_cast<double>(cdf_total - alphabet) / total;
            model.edges(i, Span<std::uint32_t>(edges));
            double sum = 0;
            for (std::uint32_t s = 0; s < alphabet; ++s) {
                CHECK_EQUAL(edges[s], static_cast<std::uint32_t>(sum * r) + s);
                CHECK(edges[s] < edges[s + 1]);
                sum += probs[i * alphabet + s];
            }
            CHECK_EQUAL(edges[alphabet], cdf_total);
            for (int round = 0; round < 20; ++round) {
                const std::uint32_t t = static_cast<std::uint32_t>(random() % cdf_total);
                const SymbolInterval found = model.find(i, t);
                CHECK(found.start <= t && t - found.start < found.frequency);
                CHECK_EQUAL(found.start, edges[static_cast<std::size_t>(found.symbol + 5)]);
            }
        }
    }
}
