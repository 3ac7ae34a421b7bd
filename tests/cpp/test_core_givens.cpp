// Givens rotations in float and double: published values, the defining equations, the ends of the range.
#include "fewbits/core/givens.hpp"

#include <vector>

#include "check.hpp"
#include "fewbits/core/random.hpp"

using namespace fewbits;

namespace {

template <class T>
GivensLimits<T> limits_of() {
    return GivensLimits<T>(std::numeric_limits<T>::min());
}

template <class T>
T deviate(const Philox& random, std::uint64_t i, int range) {
    const auto span = static_cast<std::uint64_t>(2 * range + 1);
    const double value = std::ldexp(2 * random.uniform01(2 * i) - 1,
                                    static_cast<int>(random.draw64(2 * i + 1) % span) - range);
    return static_cast<T>(value);
}

// |c^2 + |s|^2 - 1| and |[c s; -conj(s) c] [f; g] - [r; 0]| / |r| in units of the type.
template <class T>
void check_rotation(const ComplexPair<T>& f, const ComplexPair<T>& g, const GivensComplex<T>& q,
                    double bound) {
    using Wide = long double;
    const Wide u = std::numeric_limits<T>::epsilon() / 2, c = q.c, sr = q.s.re, si = q.s.im;
    CHECK(q.c >= 0);
    CHECK(std::fabs(static_cast<double>((c * c + sr * sr + si * si - 1) / u)) < bound);
    if (std::isinf(q.r.re) || std::isinf(q.r.im)) return;
    const Wide scale = std::sqrt(static_cast<Wide>(q.r.re) * q.r.re + static_cast<Wide>(q.r.im) * q.r.im);
    const Wide fr = f.re / scale, fi = f.im / scale, gr = g.re / scale, gi = g.im / scale;
    const Wide errors[] = {c * fr + sr * gr - si * gi - q.r.re / scale,
                           c * fi + sr * gi + si * gr - q.r.im / scale, c * gr - sr * fr - si * fi,
                           c * gi - sr * fi + si * fr};
    for (const Wide error : errors) CHECK(std::fabs(static_cast<double>(error / u)) < bound);
}

template <class T>
void random_rotations(GivensMethod method, int range, double bound) {
    const Philox random(3, static_cast<std::uint64_t>(range));
    const GivensLimits<T> limits = limits_of<T>();
    for (std::uint64_t i = 0; i < 2000; ++i) {
        const T f = deviate<T>(random, 4 * i, range), fi = deviate<T>(random, 4 * i + 1, range);
        const T g = deviate<T>(random, 4 * i + 2, range), gi = deviate<T>(random, 4 * i + 3, range);
        const auto real = givens(f, g, limits, method);
        check_rotation<T>({f, 0}, {g, 0}, {real.c, {real.s, 0}, {real.r, 0}}, bound);
        CHECK(std::signbit(real.r) == std::signbit(f) || f == 0);
        check_rotation<T>({f, fi}, {g, gi},
                          givens(ComplexPair<T>{f, fi}, ComplexPair<T>{g, gi}, limits, method), bound);
    }
}

}  // namespace

TEST(published_values) {
    const auto limits = limits_of<double>();
    auto q = givens(1e-310, 1e-300, limits);
    CHECK_ULP(q.c, 9.9999999999999692e-11, 2.0);  // 1e-310 has 34 bits less
    CHECK_BITS(q.s, 1.0);
    CHECK_BITS(q.r, 1e-300);
    q = givens(1e300, 1e-10, limits);
    CHECK_BITS(q.c, 1.0);
    CHECK(std::fabs(q.s / 1e-310 - 1) < 1e-13);
    CHECK_BITS(q.r, 1e300);
    q = givens(1.5e308, 1.5e308, limits);
    CHECK_ULP(q.c, 0.70710678118654752, 1.0);
    CHECK_ULP(q.s, 0.70710678118654752, 1.0);
    CHECK_BITS(q.r, std::numeric_limits<double>::infinity());
    const auto z = givens(ComplexPair<double>{1, 2}, ComplexPair<double>{3, -1}, limits);
    CHECK_ULP(z.c, 0.57735026918962576, 1.0);
    CHECK_ULP(z.s.re, 0.11547005383792515, 2.0);
    CHECK_ULP(z.s.im, 0.80829037686547607, 2.0);
    CHECK_ULP(z.r.re, 1.7320508075688773, 1.0);
    CHECK_ULP(z.r.im, 3.4641016151377546, 1.0);
}

TEST(zeros) {
    const auto limits = limits_of<float>();
    for (const GivensMethod method : {GivensMethod::paper, GivensMethod::lapack_3_10}) {
        auto q = givens(-3.0F, 0.0F, limits, method);
        CHECK(q.c == 1 && q.s == 0 && q.r == -3);
        q = givens(0.0F, -2.0F, limits, method);
        CHECK(q.c == 0 && q.s == -1 && q.r == 2);
        q = givens(0.0F, 0.0F, limits, method);
        CHECK(q.c == 1 && q.s == 0 && q.r == 0);
        auto z = givens(ComplexPair<float>{0, 0}, ComplexPair<float>{3, 4}, limits, method);
        CHECK(z.c == 0 && z.r.re == 5 && z.r.im == 0);
        check_rotation<float>({0, 0}, {3, 4}, z, 4);
        z = givens(ComplexPair<float>{0, 0}, ComplexPair<float>{0, -0x1p100F}, limits, method);
        CHECK(z.c == 0 && z.s.re == 0 && z.s.im == 1 && z.r.re == 0x1p100F);
        z = givens(ComplexPair<float>{0, 0}, ComplexPair<float>{0x1p100F, -0x1p100F}, limits, method);
        check_rotation<float>({0, 0}, {0x1p100F, -0x1p100F}, z, 4);
        z = givens(ComplexPair<float>{1, -1}, ComplexPair<float>{0, 0}, limits, method);
        CHECK(z.c == 1 && z.s.re == 0 && z.s.im == 0 && z.r.re == 1 && z.r.im == -1);
    }
}

TEST(equations_near_one) {
    for (const GivensMethod method :
         {GivensMethod::paper, GivensMethod::lapack_3_10, GivensMethod::lapack_3_9}) {
        random_rotations<float>(method, 2, 14);
        random_rotations<double>(method, 2, 14);
    }
}

TEST(equations_in_the_whole_range) {
    // Where s or c underflow, what is lost is below safmin and does not count beside 1.
    for (const GivensMethod method : {GivensMethod::paper, GivensMethod::lapack_3_10}) {
        random_rotations<float>(method, 120, 14);
        random_rotations<double>(method, 1000, 14);
    }
}

TEST(nan_and_infinity) {
    const auto limits = limits_of<double>();
    constexpr double nan = std::numeric_limits<double>::quiet_NaN();
    CHECK(std::isnan(givens(nan, 1.0, limits).c));
    CHECK(std::isnan(givens(1.0, nan, limits).s));
    CHECK(std::isnan(givens(std::numeric_limits<double>::infinity(), 1.0, limits).c));
}
