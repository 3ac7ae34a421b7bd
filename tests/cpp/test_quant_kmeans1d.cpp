#include "fewbits/quant/kmeans1d.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

#include "check.hpp"
#include "fewbits/core/random.hpp"

using namespace fewbits;
using namespace fewbits::quant;

namespace {

struct Points {
    std::vector<double> x, w;
};

Points draw(std::size_t n, std::uint64_t stream, double offset = 0) {
    Points points;
    const Philox random(11, stream);
    for (std::size_t i = 0; i < n; ++i) {
        // Tails: some far out.
        const double u = random.uniform01(2 * i) - 0.5;
        points.x.push_back(offset + std::ldexp(u, static_cast<int>(random.draw32(8 * i) % 6)));
    }
    std::sort(points.x.begin(), points.x.end());
    points.x.erase(std::unique(points.x.begin(), points.x.end()), points.x.end());
    for (std::size_t i = 0; i < points.x.size(); ++i) points.w.push_back(0.25 + random.uniform01(2 * i + 1));
    return points;
}

long double cost_of(const Points& p, std::size_t begin, std::size_t end) {
    if (end - begin == 1) return 0;  // the mean itself would be rounded
    long double weight = 0, mean = 0, cost = 0;
    for (std::size_t i = begin; i < end; ++i) {
        weight += static_cast<long double>(p.w[i]);
        mean += static_cast<long double>(p.w[i]) * static_cast<long double>(p.x[i]);
    }
    mean /= weight;
    for (std::size_t i = begin; i < end; ++i) {
        const long double d = static_cast<long double>(p.x[i]) - mean;
        cost += static_cast<long double>(p.w[i]) * d * d;
    }
    return cost;
}

// The table in full, costs directly from the points.
long double optimum(const Points& p, std::size_t k) {
    const std::size_t n = p.x.size();
    std::vector<std::vector<long double>> best(k + 1, std::vector<long double>(n + 1, INFINITY));
    best[0][0] = 0;
    for (std::size_t j = 1; j <= k; ++j) {
        for (std::size_t i = j; i <= n; ++i) {
            for (std::size_t b = j - 1; b < i; ++b)
                best[j][i] = std::min(best[j][i], best[j - 1][b] + cost_of(p, b, i));
        }
    }
    return best[k][n];
}

void check_consistent(const Points& p, const Clustering& c, std::size_t k) {
    CHECK_EQUAL(c.levels.size(), k);
    CHECK_EQUAL(c.ends.size(), k);
    CHECK_EQUAL(c.ends.back(), p.x.size());
    long double cost = 0;
    std::size_t begin = 0;
    for (std::size_t j = 0; j < k; ++j) {
        CHECK(c.ends[j] > begin);
        CHECK(j == 0 || c.levels[j] > c.levels[j - 1]);
        cost += cost_of(p, begin, c.ends[j]);
        begin = c.ends[j];
    }
    const long double total = cost_of(p, 0, p.x.size());
    CHECK(std::fabs(static_cast<long double>(c.cost) - cost) <=
          static_cast<long double>(p.x.size() + 8) * 0x1p-53L * total);
}

}  // namespace

TEST(kmeans1d_is_the_optimum) {
    for (const std::size_t n : {1, 2, 3, 10, 40}) {
        for (std::uint64_t stream = 0; stream < 6; ++stream) {
            const Points p = draw(n, stream, stream == 5 ? 1e6 : 0);
            for (std::size_t k = 1; k <= std::min<std::size_t>(p.x.size(), 9); ++k) {
                const Clustering c = kmeans1d(p.x, p.w, k);
                check_consistent(p, c, k);
                const long double bound =
                    static_cast<long double>(n + 8) * 0x1p-53L * cost_of(p, 0, p.x.size());
                CHECK(static_cast<long double>(c.cost) <= optimum(p, k) + 2 * bound);
            }
        }
    }
}

TEST(kmeans1d_of_as_many_levels_as_points) {
    const Points p = draw(30, 9);
    const Clustering c = kmeans1d(p.x, p.w, p.x.size());
    for (std::size_t i = 0; i < p.x.size(); ++i) CHECK(std::fabs(c.levels[i] - p.x[i]) <= 1e-15 * 32);
    CHECK_BITS(c.cost, 0.0);
}

// Weights are multiplicities.
TEST(kmeans1d_weights_are_counts) {
    const Points single{{-2, -1, 0, 5, 6}, {3, 1, 2, 1, 4}};
    const Clustering c = kmeans1d(single.x, single.w, 2);
    CHECK_EQUAL(c.ends[0], std::size_t{3});
    CHECK(std::fabs(c.levels[0] + 7.0 / 6) < 1e-15 && std::fabs(c.levels[1] - 29.0 / 5) < 1e-15);
}

TEST(lloyd1d_is_a_fixed_point_and_no_better) {
    for (const std::size_t n : {5, 50, 3000}) {
        const Points p = draw(n, 20 + n);
        for (const std::size_t k : {1, 2, 4, 5, 16}) {
            if (k > p.x.size()) continue;
            const Clustering lloyd = lloyd1d(p.x, p.w, k);
            check_consistent(p, lloyd, k);
            CHECK(lloyd.converged);
            const Clustering best = kmeans1d(p.x, p.w, k);
            CHECK(best.cost <= lloyd.cost * (1 + 1e-12));
            // Every point is with its nearest level.
            for (std::size_t j = 0; j + 1 < k; ++j) {
                const double middle = (lloyd.levels[j] + lloyd.levels[j + 1]) / 2;
                CHECK(p.x[lloyd.ends[j] - 1] <= middle && p.x[lloyd.ends[j]] >= middle);
            }
        }
    }
    // A gap that swallows levels: clusters run empty on the way.
    Points far;
    for (int i = 0; i < 200; ++i) {
        far.x.push_back(i < 190 ? i * 1e-6 : 1000.0 + i);
        far.w.push_back(i < 190 ? 100 : 1);
    }
    const Clustering c = lloyd1d(far.x, far.w, 8);
    check_consistent(far, c, 8);
}

TEST(kmeans1d_refuses) {
    const std::vector<double> x{1, 2, 3}, w{1, 1, 1};
    CHECK_THROWS(kmeans1d(x, w, 0), ArgumentError);
    CHECK_THROWS(kmeans1d(x, w, 4), ArgumentError);
    CHECK_THROWS(kmeans1d(std::vector<double>{}, std::vector<double>{}, 1), ArgumentError);
    CHECK_THROWS(kmeans1d(std::vector<double>{1, 1, 2}, w, 2), ArgumentError);
    CHECK_THROWS(kmeans1d(std::vector<double>{1, NAN, 2}, w, 2), ArgumentError);
    CHECK_THROWS(kmeans1d(x, std::vector<double>{1, 0, 1}, 2), ArgumentError);
    CHECK_THROWS(kmeans1d(x, std::vector<double>{1, 1}, 2), ArgumentError);
    CHECK_THROWS(lloyd1d(x, w, 4), ArgumentError);
}
