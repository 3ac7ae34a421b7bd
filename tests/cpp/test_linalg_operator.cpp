// Operators against dense products; vectors of every length; bad structures.
#include "fewbits/linalg/operator.hpp"

#include <cmath>
#include <cstdint>
#include <vector>

#include "check.hpp"
#include "fewbits/core/random.hpp"

using namespace fewbits;
using namespace fewbits::linalg;

namespace {

template <class T>
std::vector<T> draws(std::size_t n, std::uint64_t stream) {
    const Philox random(1, stream);
    std::vector<T> x(n);
    for (std::size_t i = 0; i < n; ++i) x[i] = static_cast<T>(random.uniform01(i) * 2 - 1);
    return x;
}

// A stencil by its definition.
template <class T>
std::vector<double> by_definition(const std::vector<std::size_t>& shape, const std::vector<double>& weights,
                                  const std::vector<T>& x) {
    std::vector<std::size_t> s(3 - shape.size(), 1);
    s.insert(s.end(), shape.begin(), shape.end());
    const std::size_t d = shape.size();
    std::vector<double> y(x.size(), 0.0);
    for (std::size_t p = 0; p < y.size(); ++p) {
        const long at[3] = {static_cast<long>(p / (s[1] * s[2])), static_cast<long>(p / s[2] % s[1]),
                            static_cast<long>(p % s[2])};
        for (std::size_t w = 0; w < weights.size(); ++w) {
            long to[3] = {at[0], at[1], at[2]};
            std::size_t rest = w;
            for (std::size_t axis = 3; axis-- > 3 - d; rest /= 3) to[axis] += static_cast<long>(rest % 3) - 1;
            bool inside = true;
            for (int axis = 0; axis < 3; ++axis)
                inside = inside && to[axis] >= 0 &&
                         to[axis] < static_cast<long>(s[static_cast<std::size_t>(axis)]);
            if (inside)
                y[p] +=
                    weights[w] *
                    static_cast<double>(
                        x[(static_cast<std::size_t>(to[0]) * s[1] + static_cast<std::size_t>(to[1])) * s[2] +
                          static_cast<std::size_t>(to[2])]);
        }
    }
    return y;
}

template <class T>
void check_stencil(const std::vector<std::size_t>& shape, const std::vector<double>& weights, double bound) {
    const StencilOperator<T> a(shape, weights);
    const std::vector<T> x = draws<T>(a.cols(), 3);
    std::vector<T> y(a.rows(), T(9)), z(a.rows());
    a.template apply<T>(Span<const T>(x), Span<T>(y));
    const double dot = a.template apply_dot<T>(Span<const T>(x), Span<T>(z));
    const std::vector<double> want = by_definition<T>(shape, weights, x);
    double sum = 0;
    for (std::size_t i = 0; i < y.size(); ++i) {
        CHECK(std::fabs(static_cast<double>(y[i]) - want[i]) <= bound);
        CHECK(y[i] == z[i]);
        sum += static_cast<double>(x[i]) * static_cast<double>(y[i]);
    }
    CHECK(std::fabs(dot - sum) <= bound * std::sqrt(static_cast<double>(y.size())) * 8);
}

}  // namespace

TEST(sums_of_every_length) {
    for (std::size_t n : {0, 1, 3, 7, 8, 9, 31, 32, 33, 511, 512, 513, 1025, 4099}) {
        const auto x = draws<double>(n, 1), y = draws<double>(n, 2);
        const auto a = draws<float>(n, 1), b = draws<float>(n, 2);
        long double want = 0, narrow = 0;
        for (std::size_t i = 0; i < n; ++i) {
            want += static_cast<long double>(x[i]) * y[i];
            narrow += static_cast<long double>(a[i]) * static_cast<long double>(b[i]);
        }
        const double got = linalg::detail::dot<double>(Span<const double>(x), Span<const double>(y));
        CHECK(std::fabs(got - static_cast<double>(want)) <= 1e-15 * static_cast<double>(n + 1));
        const double single = linalg::detail::dot<float>(Span<const float>(a), Span<const float>(b));
        CHECK(std::fabs(single - static_cast<double>(narrow)) <=
              6e-8 * 8 * std::sqrt(static_cast<double>(n + 1)));
    }
}

TEST(stencils_are_their_definition) {
    const std::vector<double> line = {-1, 2, -0.5};
    std::vector<double> plane = {0.25, -1, 0.125, -2, 4, -1, 0, -1, 0.5}, space(27);
    for (std::size_t i = 0; i < 27; ++i) space[i] = std::cos(static_cast<double>(i));
    for (std::size_t n : {1, 2, 5, 8, 9, 17, 40}) {
        check_stencil<double>({n}, line, 1e-14);
        check_stencil<float>({n}, line, 2e-6);
        for (std::size_t m : {1, 2, 11}) {
            check_stencil<double>({m, n}, plane, 1e-14);
            check_stencil<float>({n, m}, plane, 4e-6);
            check_stencil<double>({3, m, n}, space, 1e-14);
            check_stencil<float>({1, n, m}, space, 1e-5);
        }
    }
    CHECK_THROWS(StencilOperator<double>({3, 3}, {1, 2, 3}), ArgumentError);
    CHECK_THROWS(StencilOperator<double>({}, {1}), ArgumentError);
    CHECK_THROWS(StencilOperator<double>({0}, {1, 2, 3}), ArgumentError);
}

TEST(sparse_and_dense_rows) {
    const std::vector<int> offsets = {0, 2, 2, 5}, columns = {0, 3, 1, 2, 3};
    const std::vector<double> values = {2, -1, 3, 4, 5};
    const CsrView<double> a(3, 4, Span<const int>(offsets), Span<const int>(columns),
                            Span<const double>(values));
    a.check();
    const double x[4] = {1, 2, 3, 4};
    double y[3];
    a.apply<double>(Span<const double>(x), Span<double>(y));
    CHECK_BITS(y[0], -2.0);
    CHECK_BITS(y[1], 0.0);
    CHECK_BITS(y[2], 38.0);
    const double m[8] = {1, 2, 3, 4, 5, 6, 7, 8};
    const DenseView<double> dense(2, 4, Span<const double>(m));
    double z[2];
    dense.apply(Span<const double>(x), Span<double>(z));
    CHECK_BITS(z[0], 30.0);
    CHECK_BITS(z[1], 70.0);
    CHECK_THROWS(a.apply<double>(Span<const double>(x, 3), Span<double>(y, 3)), ArgumentError);
    const std::vector<int> far = {0, 4, 1, 2, 3}, back = {0, 3, 2, 5};
    CHECK_THROWS(
        (CsrView<double>(3, 4, Span<const int>(offsets), Span<const int>(far), Span<const double>(values)))
            .check(),
        ArgumentError);
    CHECK_THROWS(
        (CsrView<double>(3, 4, Span<const int>(back), Span<const int>(columns), Span<const double>(values)))
            .check(),
        ArgumentError);
}
