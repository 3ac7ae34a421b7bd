#include "fewbits/coding/integer_cdf.hpp"

#include <cmath>
#include <memory>
#include <random>
#include <vector>

#include "check.hpp"
#include "fewbits/coding/self_test.hpp"

using namespace fewbits;
using namespace fewbits::coding;

namespace {

// Parameters of n symbols with k components, hostile ones included, in (k, n) order.
struct Parameters3 {
    std::vector<float> weights, means, scales;
    MixtureView view;

    Parameters3(std::mt19937_64& random, std::size_t n, int k, Family family) {
        const float scale_values[] = {0x1p-30F, 1e-9F, 0.11F, 1, 1e4F, 1e30F, 1e-40F, 3e38F};
        const float mean_values[] = {0, 0.5F, -0.5F, 1e6F, -1e6F, 1e30F, -1e30F, -0.0F, 1e-40F};
        std::uniform_real_distribution<float> unit(0, 1);
        std::normal_distribution<float> normal;
        const std::size_t count = n * static_cast<std::size_t>(k);
        weights.resize(count);
        means.resize(count);
        scales.resize(count);
        for (std::size_t i = 0; i < n; ++i) {
            float sum = 0;
            for (int j = 0; j < k; ++j) {
                const std::size_t at = static_cast<std::size_t>(j) * n + i;
                weights[at] = random() % 10 == 0 ? 0 : unit(random);
                sum += weights[at];
                scales[at] = random() % 3 == 0 ? scale_values[random() % 8] : std::exp2(normal(random) * 3);
                means[at] = random() % 3 == 0 ? mean_values[random() % 9] : normal(random) * 30;
            }
            for (int j = 0; j < k; ++j) {
                const std::size_t at = static_cast<std::size_t>(j) * n + i;
                weights[at] = sum > 0.1F ? weights[at] / sum : (j == 0 ? 1.0F : 0.0F);
            }
        }
        view.weights = weights.data();
        view.means = means.data();
        view.scales = scales.data();
        view.n = n;
        view.k = k;
        view.stride_k = static_cast<std::ptrdiff_t>(n);
        view.family = family;
    }
};

MixtureView example(Family family = Family::gaussian) {
    static const float weights[] = {0.6F, 0.3F, 0.1F}, means[] = {0.25F, -3.5F, 7.0F},
                       scales[] = {0.5F, 2.0F, 10.0F}, scale = 1.5F;
    MixtureView view;
    view.n = 8;
    view.stride_n = 0;
    view.means = means;
    view.scales = scales;
    view.family = family;
    if (family == Family::gaussian) {
        view.weights = weights;
        view.k = 3;
        view.stride_k = 1;
    } else {
        view.scales = &scale;
    }
    return view;
}

}  // namespace

TEST(integer_cdf_known_answers) {
    self_test();
    const auto& gaussian = coding::detail::cdf_table(Family::gaussian).value;
    const std::uint32_t known[][2] = {{1024, 8502},      {1536, 6106942},   {1792, 42588695},
                                      {1920, 82822415},  {2047, 133799408}, {2048, 134217728},
                                      {2304, 225846761}, {3072, 268426954}};
    for (const auto& [i, value] : known) CHECK_EQUAL(gaussian[i], value);
    for (const auto& table : coding::detail::cdf_tables) {
        CHECK_EQUAL(table.value[0], 0U);
        CHECK_EQUAL(table.value[4096], 1U << 28);
        for (int i = 0; i < 4096; ++i) CHECK(table.value[i] <= table.value[i + 1]);
        // The product of the interpolation fits 32 bits.
        for (int i = 0; i < 4096; ++i) CHECK((table.value[i + 1] - table.value[i]) < (1ULL << 32) / 4095);
    }
    std::uint32_t weights[3];
    const MixtureView view = example();
    reference::mixture_weights(view.weights, 3, 41, weights);
    CHECK_EQUAL(weights[0], 10066306U);
    CHECK_EQUAL(weights[1], 5033152U);
    CHECK_EQUAL(weights[2], 1677717U);
    const Support support{-20, 41, 0};
    const std::int64_t values[][2] = {{-20, 0},       {-19, 6753},   {-5, 975801},  {-1, 4568599},
                                      {0, 5749639},   {1, 12311734}, {2, 15494201}, {7, 15904890},
                                      {20, 16599964}, {21, 16777216}};
    for (const auto& [q, c] : values)
        CHECK_EQUAL(std::int64_t{reference::mixture_cdf(view, 0, support, q)}, c);
    const std::int64_t laplace[][2] = {{-19, 16},    {-5, 181523},  {0, 5087955},
                                       {1, 9676357}, {5, 16283808}, {20, 16777192}};
    for (const auto& [q, c] : laplace)
        CHECK_EQUAL(std::int64_t{reference::mixture_cdf(example(Family::laplace), 3, support, q)}, c);
    const std::int64_t logistic[][2] = {{-19, 33},    {-5, 355343},  {0, 6334085},
                                        {1, 9086038}, {5, 15845233}, {20, 16777170}};
    for (const auto& [q, c] : logistic)
        CHECK_EQUAL(std::int64_t{reference::mixture_cdf(example(Family::logistic), 3, support, q)}, c);
}

// Kernels against the plain definition; C strictly increasing; the searches find what the definition says.
TEST(integer_cdf_kernels) {
    std::mt19937_64 random(1);
    const std::uint32_t sizes[] = {1, 2, 3, 41, 785, 65536};
    for (int k = 1; k <= max_components; ++k) {
        for (unsigned f = 0; f < 3; ++f) {
            const Family family = static_cast<Family>(f);
            const std::size_t n = 1 + random() % PreparedParameters::capacity;
            const Parameters3 parameters(random, n, k, family);
            const unsigned low_bits = random() % 4 == 0 ? static_cast<unsigned>(random() % 6) : 0;
            const std::uint32_t size = sizes[random() % 6];
            const Support support{
                static_cast<std::int32_t>(random() % 100) - 50 - static_cast<std::int32_t>(size / 2), size,
                low_bits};
            const auto prepared = std::make_unique<PreparedParameters>();
            prepared->prepare("test", parameters.view, 0, n, size, true);
            for (std::size_t i = 0; i < n; ++i) {
                float w[max_components] = {};
                std::uint32_t expected[max_components] = {};
                std::uint64_t sum = 0;
                for (int j = 0; j < k; ++j) w[j] = parameters.weights[static_cast<std::size_t>(j) * n + i];
                reference::mixture_weights(w, k, size, expected);
                for (int j = 0; j < k; ++j) {
                    CHECK_EQUAL(static_cast<std::uint32_t>(prepared->weights(j)[i]), expected[j]);
                    sum += expected[j];
                }
                CHECK_EQUAL(sum, std::uint64_t{cdf_total - size});
            }
            for (int round = 0; round < 3; ++round) {
                std::vector<std::int32_t> q(n);
                std::vector<std::uint32_t> starts(n + 8), frequencies(n + 8);
                for (std::int32_t& x : q) {
                    x = random() % 4 == 0   ? support.lo
                        : random() % 4 == 0 ? support.hi()
                                            : support.lo + static_cast<std::int32_t>(random() % size);
                }
                mixture_intervals(*prepared, family, support, q.data(), n, starts.data(), frequencies.data());
                for (std::size_t i = 0; i < n; ++i) {
                    const std::uint32_t c0 = reference::mixture_cdf(parameters.view, i, support, q[i]);
                    const std::uint32_t c1 =
                        reference::mixture_cdf(parameters.view, i, support, std::int64_t{q[i]} + 1);
                    CHECK_EQUAL(starts[i], c0);
                    CHECK_EQUAL(frequencies[i], c1 - c0);
                    CHECK(c1 > c0);
                    const std::uint32_t t = c0 + static_cast<std::uint32_t>(random() % (c1 - c0));
                    const SymbolInterval found = mixture_find_one(*prepared, family, support, i, t);
                    CHECK_EQUAL(found.symbol, q[i]);
                    CHECK_EQUAL(found.start, c0);
                    CHECK_EQUAL(found.frequency, c1 - c0);
                    // Any slot at all.
                    const std::uint32_t u = static_cast<std::uint32_t>(random() % cdf_total);
                    const SymbolInterval any = mixture_find_one(*prepared, family, support, i, u);
                    CHECK(any.start <= u && u - any.start < any.frequency);
                    CHECK_EQUAL(reference::mixture_cdf(parameters.view, i, support, any.symbol), any.start);
                }
                for (std::size_t at = 0; at < n; at += 8) {
                    std::int32_t t[8], symbols[8], first[8], last[8];
                    for (std::int32_t& slot : t) slot = static_cast<std::int32_t>(random() % cdf_total);
                    simd::i32x8 start, end;
                    const simd::i32x8 found = coding::detail::mixture_find<0>(
                        coding::detail::cdf_table(family), *prepared, at, support,
                        coding::detail::SupportLanes(support), simd::i32x8::load(t), start, end);
                    store(found, symbols);
                    store(start, first);
                    store(end, last);
                    for (std::size_t i = 0; i < std::min<std::size_t>(8, n - at); ++i) {
                        CHECK(first[i] <= t[i] && t[i] < last[i]);
                        CHECK_EQUAL(reference::mixture_cdf(parameters.view, at + i, support, symbols[i]),
                                    static_cast<std::uint32_t>(first[i]));
                        CHECK_EQUAL(reference::mixture_cdf(parameters.view, at + i, support,
                                                           std::int64_t{symbols[i]} + 1),
                                    static_cast<std::uint32_t>(last[i]));
                    }
                }
            }
        }
    }
}

TEST(integer_cdf_is_strictly_increasing) {
    std::mt19937_64 random(2);
    for (int round = 0; round < 2000; ++round) {
        const Parameters3 parameters(random, 1, 1 + static_cast<int>(random() % 5),
                                     static_cast<Family>(random() % 3));
        const std::uint32_t sizes[] = {1, 2, 3, 785, 65536};
        const Support support{static_cast<std::int32_t>(random() % 2000) - 1500, sizes[random() % 4], 0};
        std::uint32_t before = 0;
        for (std::int64_t q = support.lo + 1; q <= std::int64_t{support.hi()} + 1; ++q) {
            const std::uint32_t c = reference::mixture_cdf(parameters.view, 0, support, q);
            CHECK(c > before);
            before = c;
        }
        CHECK_EQUAL(before, cdf_total);
    }
}

TEST(integer_cdf_layouts) {
    std::mt19937_64 random(3);
    const std::size_t n = 100;
    const Parameters3 parameters(random, n, 3, Family::gaussian);
    std::vector<float> interleaved[3];
    const std::vector<float>* planes[] = {&parameters.weights, &parameters.means, &parameters.scales};
    for (int a = 0; a < 3; ++a) {
        for (std::size_t i = 0; i < n; ++i) {
            for (std::size_t j = 0; j < 3; ++j) interleaved[a].push_back((*planes[a])[j * n + i]);
        }
    }
    MixtureView other = parameters.view;
    other.weights = interleaved[0].data();
    other.means = interleaved[1].data();
    other.scales = interleaved[2].data();
    other.stride_k = 1;
    other.stride_n = 3;
    const auto a = std::make_unique<PreparedParameters>(), b = std::make_unique<PreparedParameters>();
    for (std::size_t begin : {std::size_t{0}, std::size_t{8}, std::size_t{13}}) {
        a->prepare("test", parameters.view, begin, n - begin, 100, true);
        b->prepare("test", other, begin, n - begin, 100, true);
        for (int j = 0; j < 3; ++j) {
            for (std::size_t i = 0; i < n - begin; ++i) {
                CHECK_EQUAL(a->weights(j)[i], b->weights(j)[i]);
                CHECK_BITS(a->means(j)[i], b->means(j)[i]);
                CHECK_BITS(a->inverse_scales(j)[i], b->inverse_scales(j)[i]);
            }
        }
    }
}

TEST(integer_cdf_bad_parameters) {
    const float nan = std::numeric_limits<float>::quiet_NaN(), inf = std::numeric_limits<float>::infinity();
    std::mt19937_64 random(4);
    const auto message = [](const MixtureView& view) {
        const auto prepared = std::make_unique<PreparedParameters>();
        try {
            prepared->prepare("f", view, 0, view.n, 10, false);
        } catch (const ArgumentError& error) {
            return std::string(error.what());
        }
        return std::string();
    };
    Parameters3 parameters(random, 20, 2, Family::gaussian);
    CHECK_EQUAL(message(parameters.view), std::string());
    const auto with = [&](std::vector<float> Parameters3::* array, std::size_t at, float value) {
        Parameters3 copy = parameters;
        copy.view.weights = copy.weights.data();
        copy.view.means = copy.means.data();
        copy.view.scales = copy.scales.data();
        (copy.*array)[at] = value;
        return message(copy.view);
    };
    CHECK(with(&Parameters3::scales, 20 + 11, -0.3F) ==
          "f: scales[component 1, index 11] = -0.300000012: must be > 0 and finite");
    for (const float bad : {0.0F, -0.0F, -1e-40F, nan, inf, -inf, -nan})
        CHECK(with(&Parameters3::scales, 3, bad).find("scales[component 0, index 3]") != std::string::npos);
    for (const float bad : {nan, inf, -inf, -nan})
        CHECK(with(&Parameters3::means, 23, bad).find("means[component 1, index 3]") != std::string::npos);
    for (const float bad : {nan, inf, -inf, -0.1F, -1e-40F})
        CHECK(with(&Parameters3::weights, 39, bad).find("weights[component 1, index 19]") !=
              std::string::npos);
    CHECK(with(&Parameters3::weights, 39, 1.01F).find("weights[index 19] sum to") != std::string::npos);
    // Sound, if odd.
    CHECK_EQUAL(with(&Parameters3::scales, 3, 1e-45F), std::string());
    CHECK_EQUAL(with(&Parameters3::means, 3, -3e38F), std::string());

    const float one = 1, weights[] = {3.0F, 1.0F}, tiny[] = {1e-7F, 1e-7F}, ones[] = {1, 1};
    MixtureView view;
    view.weights = weights;
    view.means = ones;
    view.scales = ones;
    view.n = 1;
    view.k = 2;
    view.stride_k = 1;
    CHECK(message(view) == "f: weights[index 0] sum to 4: must be 1 within 0.001 (or pass normalize)");
    view.normalize = true;
    CHECK_EQUAL(message(view), std::string());
    view.weights = tiny;
    CHECK(message(view).find("at least 2^-20") != std::string::npos);
    view.k = 17;
    CHECK_THROWS(check_parameters("f", view), ArgumentError);
    view.k = 1;
    view.weights = nullptr;
    view.means = &one;
    check_parameters("f", view);
    view.k = 2;
    CHECK_THROWS(check_parameters("f", view), ArgumentError);
}
