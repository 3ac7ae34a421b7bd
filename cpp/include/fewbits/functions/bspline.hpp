// B-splines on any nondecreasing knots: values and derivatives of the basis at points.
//
//   B_{j,0}(x) = 1 for t_j <= x < t_{j+1};
//   B_{j,d}(x) = (x - t_j)/(t_{j+d} - t_j) B_{j,d-1}(x) + (t_{j+d+1} - x)/(t_{j+d+1} - t_{j+1})
//   B_{j+1,d-1}(x),
// a term of a zero denominator being 0. Only the degree + 1 functions that are not 0 at x are computed, in
// float64, rounded once to the type of x. The last interval that is not empty takes its right end. Outside
// the knots everything is 0; between the first and last `degree` knots the values add up to 1 (4 degree ulp).
// nan gives a row of nan. Source: C. de Boor, "A Practical Guide to Splines" (2001), chapter IX.
#pragma once

#include <algorithm>
#include <cstddef>
#include <limits>
#include <string>

#include "fewbits/core/error.hpp"
#include "fewbits/core/span.hpp"

namespace fewbits {
inline namespace FEWBITS_ISA {
namespace functions {

inline constexpr std::size_t max_bspline_degree = 15;

// Row i of `out` (x.size() rows of knots.size() - degree - 1) gets the basis at x[i], or its derivative.
template <class T>
void bspline_basis(Span<const T> x, Span<const double> knots, std::size_t degree, bool derivative,
                   Span<T> out) {
    const std::string prefix = "functions::bspline_basis: ";
    FEWBITS_REQUIRE(degree <= max_bspline_degree,
                    prefix + "degree must be in 0..15, got " + std::to_string(degree));
    FEWBITS_REQUIRE(knots.size() >= degree + 2, prefix + "knots must have at least degree + 2 elements");
    const std::size_t count = knots.size() - degree - 1, last = knots.size() - 1;
    FEWBITS_REQUIRE(out.size() == x.size() * count,
                    prefix + "out must have a row of " + std::to_string(count) + " elements for each x");
    for (std::size_t i = 0; i < last; ++i) {
        FEWBITS_REQUIRE(knots[i] <= knots[i + 1], prefix + "knots must not decrease");
    }
    FEWBITS_REQUIRE(knots[0] < knots[last], prefix + "knots must not all be equal");
    const std::size_t final_interval =
        static_cast<std::size_t>(std::lower_bound(knots.begin(), knots.end(), knots[last]) - knots.begin()) -
        1;
    std::fill(out.begin(), out.end(), T(0));
    for (std::size_t row = 0; row < x.size(); ++row) {
        const double at = double{x[row]};
        T* to = out.data() + row * count;
        if (at != at) {
            std::fill(to, to + count, std::numeric_limits<T>::quiet_NaN());
            continue;
        }
        if (at < knots[0] || at > knots[last]) continue;
        const std::size_t interval = std::min(
            final_interval,
            static_cast<std::size_t>(std::upper_bound(knots.begin(), knots.end(), at) - knots.begin()) - 1);
        // value[r] is B_{interval - d + r, d}; those that would need knots beyond the ends are never used.
        double value[max_bspline_degree + 2] = {1}, next[max_bspline_degree + 2];
        const auto exists = [&](std::size_t d, std::size_t r) {
            return interval + r >= d && interval + r + 1 <= last;
        };
        const auto width = [&](std::size_t j, std::size_t d) { return knots[j + d] - knots[j]; };
        const std::size_t passes = derivative && degree > 0 ? degree - 1 : degree;
        for (std::size_t d = 1; d <= passes; ++d) {
            for (std::size_t r = 0; r <= d; ++r) {
                next[r] = 0;
                if (!exists(d, r)) continue;
                const std::size_t j = interval + r - d;
                if (r > 0 && width(j, d) > 0) next[r] += (at - knots[j]) / width(j, d) * value[r - 1];
                if (r < d && width(j + 1, d) > 0) {
                    next[r] += (knots[j + d + 1] - at) / width(j + 1, d) * value[r];
                }
            }
            std::copy(next, next + d + 1, value);
        }
        if (derivative) {
            // d (B_{j,d-1} / (t_{j+d} - t_j) - B_{j+1,d-1} / (t_{j+d+1} - t_{j+1}))
            const std::size_t d = degree;
            for (std::size_t r = 0; r <= d; ++r) {
                next[r] = 0;
                if (!exists(d, r) || d == 0) continue;
                const std::size_t j = interval + r - d;
                if (r > 0 && width(j, d) > 0) next[r] += value[r - 1] / width(j, d);
                if (r < d && width(j + 1, d) > 0) next[r] -= value[r] / width(j + 1, d);
                next[r] *= static_cast<double>(d);
            }
            std::copy(next, next + d + 1, value);
        }
        for (std::size_t r = 0; r <= degree; ++r) {
            if (exists(degree, r)) to[interval + r - degree] = static_cast<T>(value[r]);
        }
    }
}

}  // namespace functions
}  // namespace FEWBITS_ISA
}  // namespace fewbits
