#include "fewbits/coding/categorical_rows.hpp"

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

TEST(categorical_rows_messages) {
    std::mt19937_64 random(2);
    for (const std::size_t n : std::vector<std::size_t>{0, 1, 2, 300, 5000}) {
        const std::uint32_t alphabet = 20;
        const auto probs = make_rows(random, n, alphabet);
        std::vector<std::int32_t> symbols(n);
        for (std::int32_t& symbol : symbols) symbol = static_cast<std::int32_t>(random() % alphabet) + 3;
        const RowsView view{probs.data(), n, alphabet, 3};
        for (const unsigned lanes : {0U, 1U, 2U, 4U, 8U}) {
            EncodeOptions options;
            options.lanes = lanes;
            options.checksum = lanes == 1;
            options.hash = lanes == 2;
            const Bytes data = encode(symbols, view, options);
            std::vector<std::int32_t> back(n);
            decode(data, view, Span<std::int32_t>(back));
            CHECK(back == symbols);
            if (n < 2) continue;
            RowsView other = view;
            other.lo = 4;
            CHECK_THROWS(decode(data, other, Span<std::int32_t>(back)), ParameterMismatchError);
            auto changed = probs;
            changed[7] += 0.25;
            other = view;
            other.probs = changed.data();
            if (lanes == 2)
                CHECK_THROWS(decode(data, other, Span<std::int32_t>(back)), ParameterMismatchError);
            for (std::size_t size = 0; size < data.size(); size += 1 + size / 20)
                CHECK_THROWS(decode(ByteSpan(data).first(size), view, Span<std::int32_t>(back)), CodecError);
        }
    }
}

TEST(categorical_rows_refusals) {
    std::vector<double> probs{0.5, 0.5, 0.25, 0.75};
    const std::vector<std::int32_t> symbols{0, 1}, outside{0, 2};
    const RowsView view{probs.data(), 2, 2, 0};
    CHECK_THROWS(encode(outside, view), ArgumentError);
    CHECK_THROWS(encode(Span<const std::int32_t>(symbols).first(1), view), ArgumentError);
    for (const double bad :
         {-0.1, std::numeric_limits<double>::quiet_NaN(), std::numeric_limits<double>::infinity(), 1e300}) {
        probs[3] = bad;
        CHECK_THROWS(encode(symbols, view), ArgumentError);
    }
    probs[2] = probs[3] = 0;
    CHECK_THROWS(encode(symbols, view), ArgumentError);
}
