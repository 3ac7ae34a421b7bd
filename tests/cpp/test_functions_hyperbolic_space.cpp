// Distances and maps of hyperbolic space against mpmath's values, one another, and at the ends of the range.
#include "fewbits/functions/hyperbolic_space.hpp"

#include <vector>

#include "check.hpp"
#include "fewbits/core/random.hpp"

using namespace fewbits;
namespace hs = fewbits::functions::hyperbolic_space;
using hs::Model;

namespace {

double polar(double r1, double r2, double theta) {
    double out;
    hs::polar_distance(Span<const double>(&r1, 1), Span<const double>(&r2, 1), Span<const double>(&theta, 1),
                       Span<double>(&out, 1));
    return out;
}
double distance(Model model, const std::vector<double>& x, const std::vector<double>& y) {
    double out;
    const std::size_t n = model == Model::lorentz ? x.size() - 1 : x.size();
    hs::distance(model, n, Span<const double>(x), Span<const double>(y), Span<double>(&out, 1));
    return out;
}
std::vector<double> convert(Model from, Model to, const std::vector<double>& x) {
    const std::size_t n = from == Model::lorentz ? x.size() - 1 : x.size();
    std::vector<double> out(to == Model::lorentz ? n + 1 : n);
    hs::convert(from, to, n, Span<const double>(x), Span<double>(out));
    return out;
}

constexpr double pi = 3.141592653589793, inf = std::numeric_limits<double>::infinity(),
                 not_a_number = std::numeric_limits<double>::quiet_NaN();

}  // namespace

TEST(distances_by_mpmath) {
    const double list[][4] = {
        {1, 2, pi / 3, 1.9754344018723015195},     {30, 30, 1e-8, 21.772344151675899289},
        {30, 29.5, 1e-8, 21.272344152277745421},   {500, 700, pi, 1200},
        {1000, 1000, 1e-3, 1984.7981949975825012}, {1e-8, 2e-8, pi / 2, 2.2360679774997898e-8},
        {20, 20, 1e-12, 2.4258259711009963e-4}};
    for (const auto& row : list) {
        CHECK_ULP(polar(row[0], row[1], row[2]), row[3], 2.0);
        CHECK_ULP(polar(row[1], row[0], -row[2]), row[3], 2.0);
    }
    CHECK_ULP(distance(Model::ball, {0.3, 0.4}, {-0.1, 0.2}), 1.0154342565303058352, 1.0);
}

TEST(distances_without_an_angle_are_differences) {
    for (const double r1 : {0.0, 1e-200, 1e-3, 1.0, 20.0, 300.0, 1e4}) {
        for (const double r2 : {0.0, 3e-200, 2e-3, 1.5, 20.125, 300.5, 2e4}) {
            CHECK_ULP(polar(r1, r2, 0), std::fabs(r1 - r2), 1.0);
            // Opposite: the sum, but pi is not quite pi.
            CHECK_ULP(polar(r1, r2, pi), r1 + r2, 2.0);
        }
    }
}

TEST(ends_of_polar_distance) {
    CHECK_BITS(polar(0, 0, 1), 0.0);
    CHECK_BITS(polar(inf, 1, 0), inf);
    CHECK_BITS(polar(0, inf, 2), inf);
    CHECK_BITS(polar(inf, inf, 1), not_a_number);
    CHECK_BITS(polar(not_a_number, 1, 1), not_a_number);
    CHECK_BITS(polar(1, 1, not_a_number), not_a_number);
    CHECK_BITS(polar(1, 1, inf), not_a_number);
    CHECK_BITS(polar(-1, 1, 1), not_a_number);
    CHECK(polar(1e-300, 1e-300, 1e-5) > 0);
    CHECK_ULP(polar(1e-300, 2e-300, pi / 2), std::sqrt(5.0) * 1e-300, 2.0);
}

TEST(models_agree) {
    const Philox random(3, 1);
    for (std::uint64_t i = 0; i < 300; ++i) {
        const double reach = i % 3 == 0 ? 1 : i % 3 == 1 ? 6 : 0.01;
        std::vector<double> v(3), w(3);
        for (std::uint64_t k = 0; k < 3; ++k) {
            v[k] = reach * (2 * random.uniform01(8 * i + k) - 1);
            w[k] = reach * (2 * random.uniform01(8 * i + k + 3) - 1);
        }
        const double d = distance(Model::tangent, v, w);
        const auto x = convert(Model::tangent, Model::lorentz, v),
                   y = convert(Model::tangent, Model::lorentz, w);
        CHECK(std::fabs(distance(Model::lorentz, x, y) - d) < 1e-14 * (1 + d));
        const auto p = convert(Model::tangent, Model::ball, v), q = convert(Model::tangent, Model::ball, w);
        CHECK(std::fabs(distance(Model::ball, p, q) - d) < 1e-12 * (1 + d));
        for (std::size_t k = 0; k < 3; ++k) {
            CHECK(std::fabs(convert(Model::lorentz, Model::tangent, x)[k] - v[k]) < 1e-15 * (1 + reach));
            CHECK(std::fabs(convert(Model::lorentz, Model::ball, x)[k] - p[k]) < 4e-16);
            CHECK_ULP(convert(Model::ball, Model::lorentz, convert(Model::lorentz, Model::ball, x))[k + 1] /
                          x[k + 1],
                      1.0, 1e10);
        }
    }
}

TEST(maps_at_their_ends) {
    const auto far = convert(Model::tangent, Model::lorentz, {700.0, 0.0});
    CHECK(std::isfinite(far[0]) && far[2] == 0);
    CHECK_ULP(convert(Model::lorentz, Model::tangent, far)[0], 700.0, 1.0);
    CHECK_BITS(convert(Model::tangent, Model::ball, {100.0})[0], 1.0);
    CHECK_BITS(convert(Model::tangent, Model::ball, {0.0, -0.0})[1], -0.0);
    CHECK_ULP(convert(Model::tangent, Model::ball, {1e-300})[0], 5e-301, 1.0);
    CHECK_BITS(convert(Model::ball, Model::tangent, {1.0, 0.0})[0], inf);
    CHECK_BITS(convert(Model::ball, Model::tangent, {1.0, 0.0})[1], 0.0);
    CHECK_BITS(convert(Model::ball, Model::tangent, {0.8, 0.7})[0], not_a_number);
    CHECK_BITS(convert(Model::ball, Model::tangent, {not_a_number, 0.7})[1], not_a_number);
    CHECK_ULP(convert(Model::ball, Model::tangent, {1 - 0x1p-53})[0], 54 * 0.693147180559945309, 1.0);
    CHECK_BITS(distance(Model::ball, {1.0, 0.0}, {0.5, 0.0}), inf);
    CHECK_BITS(distance(Model::ball, {1.5, 0.0}, {0.5, 0.0}), not_a_number);
    CHECK_BITS(distance(Model::tangent, {inf, 0.0}, {0.5, 0.0}), not_a_number);
    CHECK_ULP(distance(Model::ball, {1e-200, 0.0}, {0.0, 1e-200}), 2 * std::sqrt(2.0) * 1e-200, 2.0);
}

TEST(hyperplanes_and_sums) {
    // v along z at radius r: the plane of offset a is r - a away.
    for (const double r : {0.5, 25.0, 600.0}) {
        for (const double a : {-3.0, 0.25, 25.0, 599.0}) {
            const double v[2] = {0, r}, z[2] = {0, 2.5};
            double d;
            hs::hyperplane_distance(2, Span<const double>(v), Span<const double>(z),
                                    Span<const double>(&a, 1), Span<double>(&d, 1));
            CHECK_ULP(d, r - a, 1.0);
        }
    }
    const double zero[2] = {}, z[2] = {3, 4}, a = 0.75;
    double d;
    hs::hyperplane_distance(2, Span<const double>(zero), Span<const double>(z), Span<const double>(&a, 1),
                            Span<double>(&d, 1));
    CHECK_ULP(d, -0.75, 1.0);
    // On a line Moebius addition is the sum of velocities.
    const double x[1] = {0.5}, y[1] = {0.25};
    hs::mobius_add(1, Span<const double>(x), Span<const double>(y), Span<double>(&d, 1));
    CHECK_ULP(d, 0.75 / 1.125, 0.5);
}

TEST(rows_do_not_depend_on_one_another) {
    const Philox random(3, 2);
    std::vector<double> r(27), s(27), theta(27), all(27);
    for (std::size_t i = 0; i < r.size(); ++i) {
        r[i] = 40 * random.uniform01(3 * i);
        s[i] = 40 * random.uniform01(3 * i + 1);
        theta[i] = random.uniform01(3 * i + 2);
    }
    r[7] = not_a_number;
    for (std::size_t n = 0; n <= r.size(); ++n) {
        std::fill(all.begin(), all.end(), -1.0);
        hs::polar_distance(Span<const double>(r).first(n), Span<const double>(s).first(n),
                           Span<const double>(theta).first(n), Span<double>(all).first(n));
        for (std::size_t i = 0; i < all.size(); ++i)
            CHECK_BITS(all[i], i < n ? polar(r[i], s[i], theta[i]) : -1.0);
    }
    CHECK_THROWS(hs::polar_distance(Span<const double>(r), Span<const double>(s).first(3),
                                    Span<const double>(theta), Span<double>(all)),
                 ArgumentError);
    CHECK_THROWS(hs::convert(Model::ball, Model::ball, 1, Span<const double>(r), Span<double>(all)),
                 ArgumentError);
}
