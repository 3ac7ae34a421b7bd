#include "fewbits/coding/context_matrix.hpp"

#include <array>
#include <cmath>
#include <vector>

#include "check.hpp"
#include "fewbits/core/random.hpp"

using namespace fewbits;
using namespace fewbits::coding;

namespace {

// Triangular noise with a scale by row and by column, rounded.
std::vector<std::int32_t> weights(std::size_t rows, std::size_t columns, double spread,
                                  std::uint64_t stream) {
    const Philox random(7, stream);
    std::vector<std::int32_t> codes(rows * columns);
    for (std::size_t i = 0; i < rows; ++i) {
        for (std::size_t j = 0; j < columns; ++j) {
            const double u = random.uniform01(2 * (i * columns + j)),
                         v = random.uniform01(2 * (i * columns + j) + 1);
            const double scale = spread * (0.2 + static_cast<double>(i * 7 % 11) / 5.0) *
                                 (0.3 + static_cast<double>(j * 5 % 13) / 6.0);
            codes[i * columns + j] = static_cast<std::int32_t>(std::floor(scale * (u + v - 1.0) * 2.5 + 0.5));
        }
    }
    return codes;
}

std::int32_t lowest(const std::vector<std::int32_t>& codes) {
    return codes.empty() ? 0 : *std::min_element(codes.begin(), codes.end());
}

std::vector<std::int32_t> decoded(ByteSpan data, std::int32_t lo, std::size_t rows, std::size_t columns) {
    std::vector<std::int32_t> out(rows * columns);
    ByteReader reader(data, "test");
    context_decode(reader, lo, rows, columns, Span<std::int32_t>(out));
    return out;
}

// The classes as the header states them, in double: means by definition, quarter octaves of a linear log2.
std::int32_t class_by_definition(const std::vector<std::int32_t>& codes, std::size_t columns, std::size_t i,
                                 std::size_t j, double m) {
    double row = 8 * m, column = 8 * m;
    for (std::size_t k = 0; k < j; ++k) row += 16.0 * std::abs(codes[i * columns + k]);
    const std::size_t band = i / 32 * 32;
    for (std::size_t k = 0; k < band; ++k) column += 16.0 * std::abs(codes[k * columns + j]);
    const auto log2_linear = [](double v) {
        int exponent = 0;
        const double mantissa = std::frexp(v, &exponent);  // [1/2, 1)
        return std::floor((exponent - 1 + (2.0 * mantissa - 1.0)) * 32768.0);
    };
    const double sum = log2_linear(row) - log2_linear(static_cast<double>(8 + j)) + log2_linear(column) -
                       log2_linear(static_cast<double>(8 + band));
    return static_cast<std::int32_t>(std::floor(sum / 16384.0));
}

}  // namespace

TEST(context_matrix_log) {
    for (const std::int32_t v : {1, 2, 3, 4, 5, 7, 1000, 65535, 65536, (1 << 24) - 1}) {
        const double exponent = std::floor(std::log2(static_cast<double>(v)));
        const double linear = exponent + static_cast<double>(v) / std::exp2(exponent) - 1.0;
        CHECK_EQUAL(coding::detail::context_log(v), static_cast<std::int32_t>(std::floor(linear * 32768.0)));
    }
}

TEST(context_matrix_classes_are_as_defined) {
    const std::size_t rows = 70, columns = 19;
    const auto codes = weights(rows, columns, 3.0, 0);
    const std::uint32_t m = coding::detail::context_level(Span<const std::int32_t>(codes));
    coding::detail::MatrixContext context(columns, m);
    coding::detail::for_bands(rows, [&](std::size_t top, std::size_t count) {
        context.begin_band(top);
        for (std::size_t j = 0; j < columns; ++j) {
            for (std::size_t lane = 0; lane < count; ++lane) {
                CHECK_EQUAL(context.raw_class(lane, j),
                            class_by_definition(codes, columns, top + lane, j, m));
                context.update_row(lane, std::abs(codes[(top + lane) * columns + j]));
            }
        }
        for (std::size_t j = 0; j < columns; ++j) {
            std::int32_t sum = 0;
            for (std::size_t lane = 0; lane < count; ++lane)
                sum += std::abs(codes[(top + lane) * columns + j]);
            context.update_column(j, sum);
        }
    });
}

TEST(context_matrix_round_trips) {
    const std::size_t shapes[][2] = {{1, 1},   {1, 500}, {500, 1},  {31, 40},
                                     {32, 40}, {33, 41}, {96, 128}, {130, 77}};
    std::uint64_t stream = 1;
    for (const auto& shape : shapes) {
        for (const double spread : {0.0, 0.2, 2.0, 7.0}) {
            const auto codes = weights(shape[0], shape[1], spread, stream++);
            Bytes data;
            context_encode(Span<const std::int32_t>(codes), shape[0], shape[1], data);
            CHECK(decoded(data, lowest(codes), shape[0], shape[1]) == codes);
        }
    }
    Bytes none;
    context_encode({}, 0, 5, none);
    CHECK(none.empty());
    CHECK(decoded(none, 0, 5, 0).empty());
}

TEST(context_matrix_extremes) {
    // Constant, far from zero, all 256 values, saturating sums.
    std::vector<std::vector<std::int32_t>> cases;
    cases.push_back(std::vector<std::int32_t>(40 * 30, -7));
    cases.push_back(std::vector<std::int32_t>(40 * 30, 1 << 18));
    std::vector<std::int32_t> all(40 * 30);
    for (std::size_t i = 0; i < all.size(); ++i) all[i] = static_cast<std::int32_t>(i * 37 % 256) - 128;
    cases.push_back(all);
    for (std::int32_t& code : all) code += (1 << 18) - 127;
    cases.push_back(all);
    for (const auto& codes : cases) {
        Bytes data;
        context_encode(Span<const std::int32_t>(codes), 40, 30, data);
        CHECK(decoded(data, lowest(codes), 40, 30) == codes);
    }
    all[0] = all[1] + 300;
    Bytes data;
    CHECK_THROWS(context_encode(Span<const std::int32_t>(all), 40, 30, data), ArgumentError);
    CHECK_THROWS(context_encode(Span<const std::int32_t>(all), 40, 31, data), ArgumentError);
}

TEST(context_matrix_gains_where_spreads_vary) {
    const std::size_t rows = 256, columns = 256;
    const auto codes = weights(rows, columns, 2.0, 99);
    const std::int32_t lo = lowest(codes);
    std::vector<std::uint64_t> counts(256);
    for (const std::int32_t code : codes) ++counts[static_cast<std::size_t>(code - lo)];
    const double order0 =
        static_cast<double>(entropy_bits_fixed(Span<const std::uint64_t>(counts))) / 65536.0;
    Bytes data;
    context_encode(Span<const std::int32_t>(codes), rows, columns, data);
    CHECK(8.0 * static_cast<double>(data.size()) < 0.9 * order0);
}

TEST(context_matrix_follows_a_trellis) {
    for (const unsigned states : {4U, 8U, 256U}) {
        const Trellis trellis(states);
        for (const auto& shape : {std::array<std::size_t, 2>{64, 50}, std::array<std::size_t, 2>{45, 33}}) {
            const auto symbols = weights(shape[0], shape[1], 2.0, states);
            std::vector<std::int32_t> codes(symbols.size());
            std::vector<std::uint64_t> counts(512);
            for (std::size_t i = 0; i < shape[0]; ++i) {
                std::uint32_t state = 0;
                for (std::size_t j = 0; j < shape[1]; ++j) {
                    const std::int32_t u = symbols[i * shape[1] + j];
                    codes[i * shape[1] + j] = 2 * u + static_cast<std::int32_t>(Trellis::parity(state));
                    state = trellis.next(state, static_cast<std::uint32_t>(u) & 1U);
                    ++counts[static_cast<std::size_t>(codes[i * shape[1] + j] + 256)];
                }
            }
            Bytes data, plain;
            context_encode(Span<const std::int32_t>(codes), shape[0], shape[1], data, states);
            CHECK(decoded(data, lowest(codes) >> 1, shape[0], shape[1]) == codes);
            // What the trellis says, one bit a code, need not be coded.
            context_encode(Span<const std::int32_t>(codes), shape[0], shape[1], plain);
            CHECK(8 * (plain.size() - data.size()) > codes.size() * 8 / 10);
            codes.back() ^= 1;
            CHECK_THROWS(context_encode(Span<const std::int32_t>(codes), shape[0], shape[1], data, states),
                         ArgumentError);
        }
    }
    Bytes data;
    CHECK_THROWS(context_encode({}, 0, 0, data, 6), ArgumentError);
}

TEST(context_matrix_damage_is_found) {
    const auto codes = weights(64, 50, 2.0, 3);
    const std::int32_t lo = lowest(codes);
    Bytes data;
    context_encode(Span<const std::int32_t>(codes), 64, 50, data);
    const auto survives = [&](const Bytes& bytes) {
        try {
            return decoded(bytes, lo, 64, 50) == codes;
        } catch (const CodecError&) {
            return true;
        }
    };
    for (std::size_t i = 0; i < data.size(); ++i) {
        Bytes bad = data;
        bad[i] = static_cast<std::uint8_t>(bad[i] ^ (1U << i % 8));
        // A table may say other symbols; the words say when they were damaged.
        const bool sound = survives(bad);
        if (i >= data.size() / 2) CHECK(sound);
    }
    for (std::size_t n = 0; n < data.size(); n += 7)
        CHECK_THROWS(decoded(ByteSpan(data).first(n), lo, 64, 50), CodecError);
    Bytes longer = data;
    longer.push_back(0);
    longer.push_back(0);
    CHECK_THROWS(decoded(longer, lo, 64, 50), CodecError);
}
