// Optimal codebooks in one dimension: k levels of least weighted squared error (Lloyd-Max, 1-D k-means).
//
//   kmeans1d    the optimum: clusters of sorted points are intervals, so dynamic programming finds it. Row j
//               of the table is the least cost of the first i points in j clusters; the best last boundary
//               does not decrease with i, hence divide and conquer: O(k n log n) costs of an interval.
//   lloyd1d     from quantiles, nearest levels and means in turn until nothing moves: a local optimum. An
//               empty cluster is put into the cluster of the largest error.
//
// The cost of an interval comes from prefix sums of w, w x and w x^2 about the mean, each kept as a float64
// and its error: the cost returned is right to (n + 8) u times the cost of a single cluster, u = 2^-53, and
// at most twice that above the optimum. Ties take the lowest boundary. The same bits everywhere.
//
// Sources: S. Lloyd, IEEE Trans. Information Theory 28 (1982); J. Max, IRE Trans. 6 (1960);
// H. Wang and M. Song, "Ckmeans.1d.dp", R Journal 3 (2011);
// A. Gronlund et al., "Fast exact k-means [...] clustering in 1D", arXiv:1701.07204.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "fewbits/core/error.hpp"
#include "fewbits/core/error_free.hpp"
#include "fewbits/core/isa.hpp"
#include "fewbits/core/span.hpp"

namespace fewbits {
inline namespace FEWBITS_ISA {
namespace quant {

struct Clustering {
    std::vector<double> levels;     // ascending
    std::vector<std::size_t> ends;  // cluster j is the points ends[j - 1] .. ends[j] - 1
    double cost = 0;                // sum of w (x - level)^2
    int iterations = 0;
    bool converged = true;
};

namespace detail {

// A running sum with its error.
struct DoubleSum {
    double value = 0, error = 0;
    void add(double x) {
        const ErrorFree<double> sum = two_sum(value, x);
        value = sum.value;
        error += sum.error;
    }
    friend double operator-(const DoubleSum& a, const DoubleSum& b) {
        return (a.value - b.value) + (a.error - b.error);
    }
};

class IntervalCosts {
public:
    IntervalCosts(Span<const double> x, Span<const double> w) {
        DoubleSum total, moment;
        for (std::size_t i = 0; i < x.size(); ++i) {
            total.add(w[i]);
            moment.add(w[i] * x[i]);
        }
        // Any shift near the middle will do: sums of squares about it lose least to cancellation.
        shift_ = (moment.value + moment.error) / (total.value + total.error);
        sums_.resize(x.size() + 1);
        for (std::size_t i = 0; i < x.size(); ++i) {
            const double y = x[i] - shift_;
            sums_[i + 1] = sums_[i];
            sums_[i + 1].weight.add(w[i]);
            const ErrorFree<double> first = two_prod(w[i], y);
            sums_[i + 1].first.add(first.value);
            sums_[i + 1].first.error += first.error;
            const ErrorFree<double> second = two_prod(first.value, y);
            sums_[i + 1].second.add(second.value);
            sums_[i + 1].second.error += second.error + first.error * y;
        }
    }

    // Of points [begin, end) about their mean; 0 where there are none.
    double operator()(std::size_t begin, std::size_t end) const {
        if (end <= begin + 1) return 0;
        const double weight = sums_[end].weight - sums_[begin].weight;
        const double first = sums_[end].first - sums_[begin].first;
        const double second = sums_[end].second - sums_[begin].second;
        return std::max(0.0, second - first * (first / weight));
    }
    double mean(std::size_t begin, std::size_t end) const {
        return shift_ + (sums_[end].first - sums_[begin].first) / (sums_[end].weight - sums_[begin].weight);
    }
    std::size_t size() const { return sums_.size() - 1; }

private:
    struct Sums {
        DoubleSum weight, first, second;
    };
    std::vector<Sums> sums_;
    double shift_ = 0;
};

inline void check_points(const char* function, Span<const double> x, Span<const double> w, std::size_t k) {
    const std::string name = function;
    FEWBITS_REQUIRE(!x.empty(), name + ": there must be at least one point");
    FEWBITS_REQUIRE(x.size() == w.size(), name + ": weights must have the size of the points");
    FEWBITS_REQUIRE(k >= 1 && k <= x.size(),
                    name + ": k must be in 1.." + std::to_string(x.size()) + ", got " + std::to_string(k));
    for (std::size_t i = 0; i < x.size(); ++i) {
        FEWBITS_REQUIRE(std::isfinite(x[i]) && (i == 0 || x[i - 1] < x[i]),
                        name + ": points must be finite and ascending");
        FEWBITS_REQUIRE(w[i] > 0 && std::isfinite(w[i]), name + ": weights must be positive and finite");
    }
}

inline void finish(Clustering& result, const IntervalCosts& costs) {
    std::size_t begin = 0;
    DoubleSum cost;
    for (const std::size_t end : result.ends) {
        result.levels.push_back(costs.mean(begin, end));
        cost.add(costs(begin, end));
        begin = end;
    }
    result.cost = cost.value + cost.error;
}

}  // namespace detail

// x strictly ascending, weights positive, 1 <= k <= x.size(): exactly k clusters, none empty.
inline Clustering kmeans1d(Span<const double> x, Span<const double> w, std::size_t k) {
    detail::check_points("kmeans1d", x, w, k);
    const detail::IntervalCosts costs(x, w);
    const std::size_t n = x.size();
    // best[i]: least cost of the first i points in as many clusters as rows are done; last[j][i]: where the
    // last of them begins.
    std::vector<double> best(n + 1), next(n + 1);
    std::vector<std::vector<std::uint32_t>> last(k, std::vector<std::uint32_t>(n + 1));
    for (std::size_t i = 1; i <= n; ++i) best[i] = costs(0, i);
    struct Task {
        std::size_t low, high, first, most;
    };
    std::vector<Task> tasks;
    for (std::size_t j = 1; j < k; ++j) {
        // i points need j + 1 <= i; the last cluster begins at some point of [j, i).
        tasks.push_back({j + 1, n, j, n - 1});
        while (!tasks.empty()) {
            const Task task = tasks.back();
            tasks.pop_back();
            const std::size_t i = task.low + (task.high - task.low) / 2;
            double least = std::numeric_limits<double>::infinity();
            std::size_t begin = std::max(task.first, j);
            for (std::size_t b = begin; b <= std::min(task.most, i - 1); ++b) {
                const double cost = best[b] + costs(b, i);
                if (cost < least) {
                    least = cost;
                    begin = b;
                }
            }
            next[i] = least;
            last[j][i] = static_cast<std::uint32_t>(begin);
            if (i > task.low) tasks.push_back({task.low, i - 1, task.first, begin});
            if (i < task.high) tasks.push_back({i + 1, task.high, begin, task.most});
        }
        std::swap(best, next);
    }
    Clustering result;
    result.ends.resize(k);
    std::size_t end = n;
    for (std::size_t j = k; j-- > 0;) {
        result.ends[j] = end;
        end = last[j][end];
    }
    detail::finish(result, costs);
    return result;
}

// The same by Lloyd's iteration, at most `max_iter` times.
inline Clustering lloyd1d(Span<const double> x, Span<const double> w, std::size_t k, int max_iter = 1000) {
    detail::check_points("lloyd1d", x, w, k);
    const detail::IntervalCosts costs(x, w);
    const std::size_t n = x.size();
    Clustering result;
    std::vector<std::size_t>& ends = result.ends;
    // Quantiles of the weights, kept apart so that no cluster is empty.
    double total = 0;
    for (const double weight : w) total += weight;
    double sum = 0;
    for (std::size_t i = 0; i < n && ends.size() + 1 < k; ++i) {
        sum += w[i];
        const double share = static_cast<double>(ends.size() + 1) / static_cast<double>(k);
        const std::size_t left = n - (i + 1), missing = k - ends.size() - 1;
        if (sum >= share * total || left == missing) ends.push_back(i + 1);
    }
    ends.push_back(n);
    result.converged = false;
    std::vector<double> levels(k);
    for (result.iterations = 1; result.iterations <= max_iter; ++result.iterations) {
        for (std::size_t j = 0; j < k; ++j) levels[j] = costs.mean(j == 0 ? 0 : ends[j - 1], ends[j]);
        std::vector<std::size_t> moved(k, n);
        for (std::size_t j = 0; j + 1 < k; ++j) {
            // A point halfway goes to the lower level.
            const double middle = levels[j] + (levels[j + 1] - levels[j]) / 2;
            moved[j] = static_cast<std::size_t>(std::upper_bound(x.begin(), x.end(), middle) - x.begin());
        }
        for (std::size_t j = 0; j < k; ++j) {
            if (moved[j] > (j == 0 ? 0 : moved[j - 1])) continue;
            // Empty: take its place away and split the cluster of the largest error at its mean.
            moved.erase(moved.begin() + static_cast<std::ptrdiff_t>(j));
            std::size_t worst = 0, split = 0;
            double most = -1;
            for (std::size_t c = 0, begin = 0; c < moved.size(); begin = moved[c++]) {
                if (moved[c] < begin + 2 || costs(begin, moved[c]) <= most) continue;
                most = costs(begin, moved[c]);
                worst = c;
                const double mean = costs.mean(begin, moved[c]);
                split = static_cast<std::size_t>(std::upper_bound(x.begin(), x.end(), mean) - x.begin());
                split = std::min(std::max(split, begin + 1), moved[c] - 1);
            }
            moved.insert(moved.begin() + static_cast<std::ptrdiff_t>(worst), split);
            j = static_cast<std::size_t>(-1);  // look at all of them again
        }
        if (moved == ends) {
            result.converged = true;
            break;
        }
        ends = std::move(moved);
    }
    result.iterations = std::min(result.iterations, max_iter);
    detail::finish(result, costs);
    return result;
}

}  // namespace quant
}  // namespace FEWBITS_ISA
}  // namespace fewbits
