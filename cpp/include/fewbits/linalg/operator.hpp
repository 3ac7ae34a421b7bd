// Linear operators: anything with rows(), cols() and apply(x, y), which sets y = A x.
//
//   CsrView<T, Index>     compressed sparse rows, borrowed
//   DenseView<T>          a row-major matrix, borrowed
//   StencilOperator<T>    a constant stencil of 3, 3x3 or 3x3x3 points on a grid, zero outside
//   AnyOperator<T>        any of them, or functions, behind one type
//   Identity              the preconditioner that does nothing
// apply_dot(A, x, y) also returns x^T y, in the same pass where the operator can. apply takes float or double
// vectors whatever the type of the coefficients: products are made in the type of the vectors.
//
// Contract: every row is one chain of multiply-adds in the order of storage; error at most (k + 1) u |A| |x|
// for k entries in a row.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "fewbits/core/error.hpp"
#include "fewbits/core/isa.hpp"
#include "fewbits/core/span.hpp"
#include "fewbits/linalg/detail/vectors.hpp"

namespace fewbits {
inline namespace FEWBITS_ISA {
namespace linalg {

namespace detail {

template <class A>
void check_shapes(const A& a, std::size_t x, std::size_t y, const char* what) {
    FEWBITS_REQUIRE(x == a.cols() && y == a.rows(), std::string(what) + ": x and y must have " +
                                                        std::to_string(a.cols()) + " and " +
                                                        std::to_string(a.rows()) + " elements, got " +
                                                        std::to_string(x) + " and " + std::to_string(y));
}

template <class A, class T, class = void>
struct HasApplyDot : std::false_type {};
template <class A, class T>
struct HasApplyDot<A, T,
                   std::void_t<decltype(std::declval<const A&>().apply_dot(
                       std::declval<Span<const T>>(), std::declval<Span<T>>()))>> : std::true_type {};

}  // namespace detail

// y = A x, and x^T y of a square operator.
template <class A, class T>
double apply_dot(const A& a, Span<const T> x, Span<T> y) {
    if constexpr (detail::HasApplyDot<A, T>::value) {
        return a.apply_dot(x, y);
    } else {
        a.apply(x, y);
        return detail::dot<T>(x, Span<const T>(y.data(), y.size()));
    }
}

// Invariant: offsets has rows + 1 entries, ascending from 0; columns and values as many as the last says;
// every column is below cols. check() tells, once.
template <class T, class Index = std::int32_t>
class CsrView {
public:
    using value_type = T;
    CsrView(std::size_t rows, std::size_t cols, Span<const Index> offsets, Span<const Index> columns,
            Span<const T> values)
        : rows_(rows), cols_(cols), offsets_(offsets), columns_(columns), values_(values) {
        FEWBITS_REQUIRE(offsets.size() == rows + 1, "CsrView: offsets must have " + std::to_string(rows + 1) +
                                                        " entries, got " + std::to_string(offsets.size()));
        FEWBITS_REQUIRE(columns.size() == values.size(),
                        "CsrView: columns and values must have one size, got " +
                            std::to_string(columns.size()) + " and " + std::to_string(values.size()));
    }
    std::size_t rows() const { return rows_; }
    std::size_t cols() const { return cols_; }
    Span<const Index> offsets() const { return offsets_; }
    Span<const Index> columns() const { return columns_; }
    Span<const T> values() const { return values_; }

    // What memory safety rests on, O(entries).
    void check() const {
        bool good = rows_ == 0 || offsets_[0] == 0;
        for (std::size_t i = 0; i < rows_; ++i) good = good && offsets_[i] <= offsets_[i + 1];
        FEWBITS_REQUIRE(good && static_cast<std::size_t>(offsets_[rows_]) == values_.size(),
                        "CsrView: offsets must ascend from 0 to the number of entries");
        std::size_t wrong = 0;
        for (const Index column : columns_)
            wrong += column < 0 || static_cast<std::size_t>(column) >= cols_ ? 1 : 0;
        FEWBITS_REQUIRE(wrong == 0, "CsrView: columns must be in 0.." + std::to_string(cols_ - 1) + ", got " +
                                        std::to_string(wrong) + " others");
    }

    template <class X>
    void apply(Span<const X> x, Span<X> y) const {
        detail::check_shapes(*this, x.size(), y.size(), "CsrView::apply");
        for (std::size_t i = 0; i < rows_; ++i) y[i] = row(i, x.data());
    }
    template <class X>
    double apply_dot(Span<const X> x, Span<X> y) const {
        detail::check_shapes(*this, x.size(), y.size(), "CsrView::apply_dot");
        // Four sums, so that they do not wait for one another.
        double total[4] = {};
        const std::size_t whole = rows_ - rows_ % 4;
        for (std::size_t i = 0; i < whole; i += 4) {
            for (std::size_t k = 0; k < 4; ++k) {
                const X value = row(i + k, x.data());
                y[i + k] = value;
                total[k] = std::fma(static_cast<double>(x[i + k]), static_cast<double>(value), total[k]);
            }
        }
        for (std::size_t i = whole; i < rows_; ++i) {
            y[i] = row(i, x.data());
            total[0] = std::fma(static_cast<double>(x[i]), static_cast<double>(y[i]), total[0]);
        }
        return (total[0] + total[2]) + (total[1] + total[3]);
    }

private:
    template <class X>
    FEWBITS_INLINE X row(std::size_t i, const X* x) const {
        const T* const values = values_.data();
        const Index* const columns = columns_.data();
        const auto end = static_cast<std::size_t>(offsets_[i + 1]);
        X sum = 0;
        for (auto k = static_cast<std::size_t>(offsets_[i]); k < end; ++k)
            sum = std::fma(static_cast<X>(values[k]), x[static_cast<std::size_t>(columns[k])], sum);
        return sum;
    }
    std::size_t rows_, cols_;
    Span<const Index> offsets_, columns_;
    Span<const T> values_;
};

template <class T>
class DenseView {
public:
    using value_type = T;
    DenseView(std::size_t rows, std::size_t cols, Span<const T> values)
        : rows_(rows), cols_(cols), values_(values) {
        FEWBITS_REQUIRE(values.size() == rows * cols, "DenseView: values must have rows * cols elements");
    }
    std::size_t rows() const { return rows_; }
    std::size_t cols() const { return cols_; }
    void apply(Span<const T> x, Span<T> y) const {
        detail::check_shapes(*this, x.size(), y.size(), "DenseView::apply");
        for (std::size_t i = 0; i < rows_; ++i)
            y[i] = static_cast<T>(detail::dot<T>(Span<const T>(values_.data() + i * cols_, cols_), x));
    }

private:
    std::size_t rows_, cols_;
    Span<const T> values_;
};

// A stencil on a grid of `shape` (1 to 3 dimensions, C order): y[g] = sum over offsets o in {-1, 0, 1}^d of
// weights[o] x[g + o], zero outside the grid. `weights` has 3^d entries in C order.
template <class T>
class StencilOperator {
public:
    using value_type = T;
    StencilOperator(std::vector<std::size_t> shape, std::vector<double> weights) {
        FEWBITS_REQUIRE(
            !shape.empty() && shape.size() <= 3,
            "StencilOperator: shape must have 1 to 3 dimensions, got " + std::to_string(shape.size()));
        std::size_t points = 1;
        for (std::size_t i = 0; i < shape.size(); ++i) points *= 3;
        FEWBITS_REQUIRE(weights.size() == points, "StencilOperator: weights must have " +
                                                      std::to_string(points) + " entries, got " +
                                                      std::to_string(weights.size()));
        size_ = 1;
        for (const std::size_t extent : shape) {
            FEWBITS_REQUIRE(extent > 0 && size_ <= (std::size_t{1} << 40) / extent,
                            "StencilOperator: shape must have extents of at least 1 and at most 2^40 points");
            size_ *= extent;
        }
        // Missing dimensions stand in front, with one point.
        for (std::size_t i = 0; i < 3; ++i)
            extents_[i] = i + shape.size() < 3 ? 1 : shape[i + shape.size() - 3];
        // Rows of three weights that are not all zero, by the offset of their row.
        const std::size_t skip = 27 - points;
        for (std::size_t row = 0; row < 9; ++row) {
            if (3 * row + 3 <= skip / 2 || 3 * row >= skip / 2 + points) continue;
            const double* w = weights.data() + (3 * row - skip / 2);
            if (w[0] == 0 && w[1] == 0 && w[2] == 0) continue;
            rows_of_weights_.push_back({static_cast<int>(row / 3) - 1, static_cast<int>(row % 3) - 1,
                                        static_cast<T>(w[0]), static_cast<T>(w[1]), static_cast<T>(w[2])});
        }
        centre_ = weights[points / 2];
    }
    std::size_t rows() const { return size_; }
    std::size_t cols() const { return size_; }
    double centre() const { return centre_; }

    template <class X>
    void apply(Span<const X> x, Span<X> y) const {
        sweep<false>(x, y);
    }
    template <class X>
    double apply_dot(Span<const X> x, Span<X> y) const {
        return sweep<true>(x, y);
    }

private:
    struct RowOfWeights {
        int plane, line;
        T left, middle, right;
    };

    template <bool with_dot, class X>
    double sweep(Span<const X> x, Span<X> y) const {
        detail::check_shapes(*this, x.size(), y.size(), "StencilOperator::apply");
        const std::size_t n = extents_[2];
        double total = 0;
        for (std::size_t plane = 0; plane < extents_[0]; ++plane) {
            for (std::size_t line = 0; line < extents_[1]; ++line) {
                const std::size_t begin = (plane * extents_[1] + line) * n;
                const X* sources[9];
                const RowOfWeights* weights[9];
                std::size_t count = 0;
                for (const RowOfWeights& w : rows_of_weights_) {
                    if ((plane == 0 && w.plane < 0) || (plane + 1 == extents_[0] && w.plane > 0)) continue;
                    if ((line == 0 && w.line < 0) || (line + 1 == extents_[1] && w.line > 0)) continue;
                    const auto shift = (w.plane * static_cast<std::ptrdiff_t>(extents_[1]) + w.line) *
                                       static_cast<std::ptrdiff_t>(n);
                    sources[count] = x.data() + begin + shift;
                    weights[count++] = &w;
                }
                total += one_line<with_dot>(n, count, sources, weights, x.data() + begin, y.data() + begin);
            }
        }
        return total;
    }

    template <class X>
    FEWBITS_INLINE static X point(std::size_t i, std::size_t n, std::size_t count, const X* const* sources,
                                  const RowOfWeights* const* weights) {
        X sum = 0;
        for (std::size_t k = 0; k < count; ++k) {
            const X* s = sources[k];
            if (i > 0) sum = std::fma(static_cast<X>(weights[k]->left), s[i - 1], sum);
            sum = std::fma(static_cast<X>(weights[k]->middle), s[i], sum);
            if (i + 1 < n) sum = std::fma(static_cast<X>(weights[k]->right), s[i + 1], sum);
        }
        return sum;
    }

    template <bool with_dot, class X>
    static double one_line(std::size_t n, std::size_t count, const X* const* sources,
                           const RowOfWeights* const* weights, const X* x, X* y) {
        using V = detail::Lanes<X>;
        double total = 0;
        const auto single = [&](std::size_t i) {
            y[i] = point(i, n, count, sources, weights);
            if (with_dot) total += static_cast<double>(x[i]) * static_cast<double>(y[i]);
        };
        single(0);
        std::size_t i = 1;
        V dots = V::broadcast(0);
        for (; i + V::size < n; i += V::size) {
            V sum = V::broadcast(0);
            for (std::size_t k = 0; k < count; ++k) {
                const RowOfWeights& w = *weights[k];
                const X* s = sources[k] + i;
                if (w.left != 0) sum = fma(V::broadcast(static_cast<X>(w.left)), V::load(s - 1), sum);
                sum = fma(V::broadcast(static_cast<X>(w.middle)), V::load(s), sum);
                if (w.right != 0) sum = fma(V::broadcast(static_cast<X>(w.right)), V::load(s + 1), sum);
            }
            store(sum, y + i);
            if (with_dot) dots = fma(V::load(x + i), sum, dots);
        }
        for (; i < n; ++i) single(i);
        return total + static_cast<double>(sum(dots));
    }

    std::size_t extents_[3] = {1, 1, 1}, size_ = 1;
    std::vector<RowOfWeights> rows_of_weights_;
    double centre_ = 0;
};

// An operator known at run time; holds what the functions hold.
template <class T>
class AnyOperator {
public:
    using value_type = T;
    using Apply = std::function<void(Span<const T>, Span<T>)>;
    using ApplyDot = std::function<double(Span<const T>, Span<T>)>;

    AnyOperator() = default;
    AnyOperator(std::size_t rows, std::size_t cols, Apply apply, ApplyDot apply_dot = {})
        : rows_(rows), cols_(cols), apply_(std::move(apply)), apply_dot_(std::move(apply_dot)) {}
    // Any operator, copied (views stay views).
    template <class A, class = std::enable_if_t<!std::is_same_v<std::decay_t<A>, AnyOperator>>>
    explicit AnyOperator(A a) : rows_(a.rows()), cols_(a.cols()) {
        apply_ = [a](Span<const T> x, Span<T> y) { a.apply(x, y); };
        if constexpr (detail::HasApplyDot<A, T>::value)
            apply_dot_ = [a](Span<const T> x, Span<T> y) { return a.apply_dot(x, y); };
    }
    std::size_t rows() const { return rows_; }
    std::size_t cols() const { return cols_; }
    void apply(Span<const T> x, Span<T> y) const { apply_(x, y); }
    double apply_dot(Span<const T> x, Span<T> y) const {
        if (apply_dot_) return apply_dot_(x, y);
        apply_(x, y);
        return detail::dot<T>(x, Span<const T>(y.data(), y.size()));
    }

private:
    std::size_t rows_ = 0, cols_ = 0;
    Apply apply_;
    ApplyDot apply_dot_;
};

struct Identity {};

}  // namespace linalg
}  // namespace FEWBITS_ISA
}  // namespace fewbits
