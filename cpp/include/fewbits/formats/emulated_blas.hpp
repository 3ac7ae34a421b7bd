// Vector and matrix operations with every operation rounded to a format: dot, axpy, norms, gemv, gemm,
// triangular solves.
//
// Definition: element by element, sums over k = 0, 1, ... in index order from +0 (or from what C held), each
// multiply-add as Context::accumulate has it; with Summation::pairwise the rounded products are added in
// pairs, and their sum to +0 or what C held. Where an operation is one multiply-add (axpy, the updates of
// factorisations and solves), block, wide and exact mean one rounding, as fma does.
// Random bits: output element e (its flat index) reads stream + e, its roundings are numbered from 0.
//
// Kernels: the loops of simd/gemm.hpp with a step that rounds in registers, for nearest_even:
//   adding and subtracting 1.5 2^(max(e, emin) + q - p), q = 24 or 53 bits of the carrier, leaves multiples
//   of the quantum (the sign of zero is lost, which no sum from +0 sees); for formats with the exponents of
//   float32, bfloat16 above all, an integer carry. The largest magnitude met is kept; where it is beyond the
//   format, the tile is done again by Arithmetic. fma takes the error of the sum along (rounding to odd).
//   Other modes round chunks of a row; stochastic ones every element.
//
// Contract: exact: the bits of the plain triple loop, on every machine, for any number of threads.
// Sources: N. Higham, S. Pranesh, "Simulating Low Precision Floating-Point Arithmetic", SIAM J. Sci. Comput.
// 41 (2019); matrix units (block): P. Blanchard et al., "Mixed precision block fused multiply-add", SIAM J.
// Sci. Comput. 42 (2020).
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <type_traits>
#include <vector>

#include "fewbits/core/error.hpp"
#include "fewbits/core/isa.hpp"
#include "fewbits/core/parallel.hpp"
#include "fewbits/core/span.hpp"
#include "fewbits/formats/arithmetic.hpp"
#include "fewbits/formats/exact_sum.hpp"
#include "fewbits/formats/float_format.hpp"
#include "fewbits/formats/rounding.hpp"
#include "fewbits/simd/f32x8.hpp"
#include "fewbits/simd/f64x4.hpp"
#include "fewbits/simd/gemm.hpp"
#include "fewbits/simd/i32x8.hpp"
#include "fewbits/simd/u64x4.hpp"

namespace fewbits {
inline namespace FEWBITS_ISA {
namespace formats {

namespace detail {

// Rounding to nearest even in registers, by addition: see rounds_by_addition in rounding.hpp.
template <class V>
struct AdditionRounding {
    using Element = typename V::element;
    using Lanes = typename Carrier<Element>::Lanes;
    Lanes exponent_bits, lift;
    V lowest;

    explicit AdditionRounding(const Plan<Element>& plan) {
        constexpr int m = Carrier<Element>::mantissa_bits;
        exponent_bits = splat<Lanes>(infinity_bits<Element>);
        const auto shift = static_cast<WordOf<Element>>(m + 1 - plan.format.precision);
        lift = splat<Lanes>(shift << m | hidden_bit<Element> >> 1);
        lowest = V::broadcast(from_word<Element>(plan.min_normal));
    }
    FEWBITS_INLINE V operator()(V x) const {
        const V binade = max(simd::bit_cast<V>(simd::bit_cast<Lanes>(x) & exponent_bits), lowest);
        const V magic = simd::bit_cast<V>(simd::bit_cast<Lanes>(binade) + lift);
        return value_barrier(x + magic) - magic;
    }
    static bool serves(const Plan<Element>& plan) {
        const FloatFormat& f = plan.format;
        const int p = f.precision;
        if constexpr (std::is_same_v<Element, float>)
            return p >= 2 && p <= 11 && f.quantum_exponent() >= -100 && f.max_exponent <= 100;
        else
            return p >= 2 && p <= 25 && f.quantum_exponent() >= -480 && f.max_exponent <= 450;
    }
};

// The same on the bits, for formats whose exponents are those of float32: subnormals need nothing special.
struct CarryRounding {
    simd::i32x8 half_down, one, keep;
    unsigned drop;

    explicit CarryRounding(const Plan<float>& plan) {
        drop = static_cast<unsigned>(24 - plan.format.precision);
        half_down = splat<simd::i32x8>((1U << (drop - 1)) - 1);
        one = splat<simd::i32x8>(1);
        keep = splat<simd::i32x8>(~((1U << drop) - 1));
    }
    FEWBITS_INLINE simd::f32x8 operator()(simd::f32x8 x) const {
        const simd::i32x8 word = simd::bit_cast<simd::i32x8>(x);
        const simd::i32x8 odd = shift_right_logical(word, drop) & one;
        return simd::bit_cast<simd::f32x8>((word + half_down + odd) & keep);
    }
    static bool serves(const Plan<float>& plan) {
        const FloatFormat& f = plan.format;
        return f.min_exponent == -126 && f.precision >= 2 && f.precision <= 11;
    }
};

template <class V>
struct NoRounding {
    FEWBITS_INLINE V operator()(V x) const { return x; }
};

// c + a b, product and sum rounded. The largest product is kept, to see infinities and nan later.
template <class V, class Round>
struct PerOpStep {
    Round round;
    V limit, largest = V::zero();
    FEWBITS_INLINE V operator()(V a, V b, V c) {
        const V product = round(a * b);
        largest = max(largest, abs(product));
        const V sum = round(c + product);
        largest = max(largest, abs(sum));
        return sum;
    }
    // A nan reaches the sum and stays there.
    FEWBITS_INLINE bool good(V c) const { return all(abs(c) <= limit) && all(largest <= limit); }
};

// c + a b rounded once, in double. `short_product`: a b is exact.
template <class Round, bool short_product>
struct FusedStep {
    using V = simd::f64x4;
    Round round;
    V limit;
    simd::u64x4 zero_signs;  // the sign bit where the format has -0: sums may underflow here
    V largest = V::zero();
    FEWBITS_INLINE V operator()(V a, V b, V c) {
        const V exact = short_product ? odd_add(a * b, c) : odd_fma(a, b, c);
        const simd::u64x4 sign = simd::bit_cast<simd::u64x4>(exact) & zero_signs;
        const V sum = simd::bit_cast<V>(simd::bit_cast<simd::u64x4>(round(exact)) | sign);
        largest = max(largest, abs(sum));
        return sum;
    }
    FEWBITS_INLINE bool good(V c) const { return all(abs(c) <= limit) && all(largest <= limit); }
};

// Native formats.
template <class V>
struct NativeStep {
    FEWBITS_INLINE V operator()(V a, V b, V c) const { return c + value_barrier(a * b); }
    // Only nan is not good: it has to become the positive one.
    FEWBITS_INLINE bool good(V c) const { return all(c == c); }
};
template <class V>
struct NativeFusedStep {
    FEWBITS_INLINE V operator()(V a, V b, V c) const { return fma(a, b, c); }
    FEWBITS_INLINE bool good(V c) const { return all(c == c); }
};

}  // namespace detail

// What the loops of one context need: its arithmetic and which step serves it.
template <class T>
class EmulatedLoops {
public:
    explicit EmulatedLoops(const Arithmetic<T>& arithmetic) : arithmetic_(arithmetic) {
        const RoundOptions& options = arithmetic.context().options;
        const detail::Plan<T>& plan = arithmetic.plan();
        fused_ = arithmetic.context().accumulate != Accumulate::per_op;
        using Path = typename Arithmetic<T>::Path;
        if (arithmetic.path() == Path::native) {
            kind_ = Kind::native;
            return;
        }
        const bool plain = options.rounding == Rounding::nearest_even &&
                           plan.options.subnormal == Subnormal::gradual && plan.format.is_signed &&
                           (arithmetic.path() == Path::direct || (fused_ && arithmetic.path() == Path::odd));
        if (!plain || (fused_ && std::is_same_v<T, float>)) return;
        if (detail::AdditionRounding<Values>::serves(plan)) {
            kind_ = Kind::addition;
        } else if constexpr (std::is_same_v<T, float>) {
            if (detail::CarryRounding::serves(plan)) kind_ = Kind::carry;
        }
    }

    const Arithmetic<T>& arithmetic() const { return arithmetic_; }
    bool is_fused() const { return fused_; }
    // Roundings of one multiply-add.
    std::uint64_t draws() const { return fused_ ? 1 : 2; }

    // y[j] += alpha x[j], or -= ; element j has the stream stream + element + j and has been rounded `count`
    // times.
    void multiply_add(T alpha, const T* x, T* y, std::size_t n, bool subtract = false,
                      std::uint64_t element = 0, std::uint64_t count = 0) const {
        const T factor = subtract ? -alpha : alpha;  // exact, and symmetric in the modes of the steps
        const bool done = with_step([&](auto make_step) {
            using V = Values;
            for (std::size_t j = 0; j < n; j += V::size) {
                const std::size_t lanes = std::min(V::size, n - j);
                auto step = make_step();
                const V left = V::broadcast(factor);
                const V right = lanes == V::size ? V::load(x + j) : V::load_partial(x + j, lanes);
                const V old = lanes == V::size ? V::load(y + j) : V::load_partial(y + j, lanes);
                const V sum = keep_negative_zero(step(left, right, old), left, right, old);
                if (!step.good(sum)) {
                    general(alpha, x + j, y + j, lanes, subtract, element + j, count);
                } else if (lanes == V::size) {
                    store(sum, y + j);
                } else {
                    store_partial(sum, y + j, lanes);
                }
            }
        });
        if (!done) general(alpha, x, y, n, subtract, element, count);
    }

    // C += A B by rows and columns; C may hold anything but -0 where `from_zero` says so.
    void product(std::size_t m, std::size_t n, std::size_t k, const T* a, std::size_t a_row,
                 std::size_t a_step, const T* b, std::size_t b_row, T* c, std::size_t c_row,
                 std::uint64_t element, bool from_zero) const {
        const auto redo = [&](std::size_t i, std::size_t i_end, std::size_t j, std::size_t j_end,
                              std::size_t l, std::size_t l_end) {
            for (; i < i_end; ++i)
                for (std::size_t q = l; q < l_end; ++q)
                    general(a[i * a_row + q * a_step], b + q * b_row + j, c + i * c_row + j, j_end - j, false,
                            element + i * n + j, q * draws());
        };
        const bool done = from_zero && with_step([&](auto make_step) {
                              constexpr std::size_t rows = 4, vectors = 2;
                              simd::gemm<Values, rows, vectors>(m, n, k, a, a_row, a_step, b, b_row, c, c_row,
                                                                make_step, redo);
                          });
        if (!done)
            for (std::size_t i = 0; i < m; ++i)
                for (std::size_t q = 0; q < k; ++q)
                    multiply_add(a[i * a_row + q * a_step], b + q * b_row, c + i * c_row, n, false,
                                 element + i * n, q * draws());
    }

private:
    using Values = typename detail::Carrier<T>::Values;
    enum class Kind { general, native, addition, carry };

    // Calls use(make_step) with the step of the context; false where there is none.
    template <class Use>
    bool with_step(const Use& use) const {
        const Values limit = Values::broadcast(detail::from_word<T>(arithmetic_.plan().largest[0]));
        switch (kind_) {
            case Kind::native:
                if (fused_)
                    use([] { return detail::NativeFusedStep<Values>(); });
                else
                    use([] { return detail::NativeStep<Values>(); });
                return true;
            case Kind::addition: {
                using Round = detail::AdditionRounding<Values>;
                const Round round(arithmetic_.plan());
                if constexpr (std::is_same_v<T, double>) {
                    const auto zero_signs = detail::splat<simd::u64x4>(
                        arithmetic_.format().has_neg_zero ? detail::sign_bit<double> : 0);
                    if (fused_ && 2 * arithmetic_.format().precision <= 53)
                        use([&] { return detail::FusedStep<Round, true>{round, limit, zero_signs}; });
                    else if (fused_)
                        use([&] { return detail::FusedStep<Round, false>{round, limit, zero_signs}; });
                    if (fused_) return true;
                }
                use([&] { return detail::PerOpStep<Values, Round>{round, limit}; });
                return true;
            }
            case Kind::carry:
                if constexpr (std::is_same_v<T, float>) {
                    const detail::CarryRounding round(arithmetic_.plan());
                    use([&] { return detail::PerOpStep<Values, detail::CarryRounding>{round, limit}; });
                    return true;
                }
                return false;
            default:
                return false;
        }
    }

    // -0 + -0 alone is -0 (a product that rounds to -0 counts as -0).
    static FEWBITS_INLINE Values keep_negative_zero(Values sum, Values a, Values b, Values old) {
        using Lanes = typename detail::Carrier<T>::Lanes;
        const Lanes sign = detail::splat<Lanes>(detail::sign_bit<T>);
        const Lanes product = simd::bit_cast<Lanes>(a) ^ simd::bit_cast<Lanes>(b);
        const Lanes both = product & simd::bit_cast<Lanes>(old) & sign;
        const auto zeros = (sum == Values::zero()) & (old == Values::zero());
        return select(zeros, simd::bit_cast<Values>(simd::bit_cast<Lanes>(sum) | both), sum);
    }

    void general(T alpha, const T* x, T* y, std::size_t n, bool subtract, std::uint64_t element,
                 std::uint64_t count) const {
        if (arithmetic_.is_random()) {
            Arithmetic<T> own = arithmetic_;
            const std::uint64_t stream = arithmetic_.context().options.stream + element;
            for (std::size_t j = 0; j < n; ++j) {
                own.set_stream(stream + j);
                if (fused_) {
                    y[j] = own.fma(subtract ? -alpha : alpha, x[j], y[j], count);
                } else {
                    const T product = own.multiply(alpha, x[j], count);
                    y[j] = own.operation(subtract ? Operation::subtract : Operation::add, y[j], product,
                                         count + 1);
                }
            }
            return;
        }
        T left[detail::chunk], product[detail::chunk];
        std::fill(left, left + std::min(n, detail::chunk), fused_ && subtract ? -alpha : alpha);
        for (std::size_t j = 0; j < n; j += detail::chunk) {
            const std::size_t size = std::min(n - j, detail::chunk);
            const Span<const T> a(left, size), b(x + j, size), c(y + j, size);
            if (fused_) {
                arithmetic_.fma(a, b, c, Span<T>(y + j, size));
            } else {
                arithmetic_.operation(Operation::multiply, a, b, Span<T>(product, size));
                arithmetic_.operation(subtract ? Operation::subtract : Operation::add, c,
                                      Span<const T>(product, size), Span<T>(y + j, size));
            }
        }
    }

    Arithmetic<T> arithmetic_;
    Kind kind_ = Kind::general;
    bool fused_ = false;
};

namespace detail {

// One sum of products by the scalar operations: x and y `step` elements apart. Also the definition.
template <class T>
T scalar_dot(const Arithmetic<T>& arithmetic, std::size_t n, const T* x, std::size_t x_step, const T* y,
             std::size_t y_step, T start) {
    const Context& context = arithmetic.context();
    switch (context.accumulate) {
        case Accumulate::exact: {
            ExactAccumulator sum;
            sum.add(start);
            for (std::size_t k = 0; k < n; ++k) sum.add_product(x[k * x_step], y[k * y_step]);
            return sum.round(arithmetic);
        }
        case Accumulate::block: {
            Context inner = context;
            inner.format = context.accumulator;
            const Arithmetic<double> accumulator(inner, arithmetic.function());
            const std::size_t size = std::max<std::size_t>(context.block_size, 1);
            double total = static_cast<double>(start);
            std::uint64_t count = 0;
            for (std::size_t k = 0; k < n; k += size) {
                ExactAccumulator sum;
                sum.add(total);
                for (std::size_t q = k; q < std::min(n, k + size); ++q)
                    sum.add_product(x[q * x_step], y[q * y_step]);
                total = sum.round(accumulator, count++);
            }
            return arithmetic.finish(exact(total), count);
        }
        case Accumulate::wide: {
            Context inner = context;
            inner.format = context.accumulator;
            const Arithmetic<double> accumulator(inner, arithmetic.function());
            double total = static_cast<double>(start);
            for (std::size_t k = 0; k < n; ++k)
                total = accumulator.fma(static_cast<double>(x[k * x_step]),
                                        static_cast<double>(y[k * y_step]), total, k);
            return arithmetic.finish(exact(total), n);
        }
        default: {
            if (context.summation == Summation::pairwise) {
                std::uint64_t count = 0;
                const auto combine = [&](T& a, T b) { a = arithmetic.add(a, b, count++); };
                PairwiseStack<T> terms;
                for (std::size_t k = 0; k < n; ++k) {
                    const T product = arithmetic.multiply(x[k * x_step], y[k * y_step], count++);
                    terms.push(product, combine);
                }
                return n == 0 ? start : arithmetic.add(start, terms.finish(combine), count);
            }
            T total = start;
            const bool fused = context.accumulate == Accumulate::fma;
            for (std::size_t k = 0; k < n; ++k)
                total = arithmetic.multiply_add(x[k * x_step], y[k * y_step], total, (fused ? 1 : 2) * k);
            return total;
        }
    }
}

}  // namespace detail

// x . y in index order. Draws from the stream of the context.
template <class T>
T dot(const Arithmetic<T>& arithmetic, Span<const T> x, Span<const T> y) {
    FEWBITS_REQUIRE(x.size() == y.size(), "formats.dot: y must have the size of x, got " +
                                              std::to_string(y.size()) + " for " + std::to_string(x.size()));
    return detail::scalar_dot(arithmetic, x.size(), x.data(), 1, y.data(), 1, T{0});
}

// sqrt(x . x), without scaling: squares overflow where the format says so.
template <class T>
T nrm2(const Arithmetic<T>& arithmetic, Span<const T> x) {
    return arithmetic.sqrt(dot(arithmetic, x, x), 2 * x.size() + 2);
}

// |x[0]| + |x[1]| + ...
template <class T>
T asum(const Arithmetic<T>& arithmetic, Span<const T> x) {
    T total = 0;
    if (arithmetic.context().summation == Summation::pairwise && !x.empty()) {
        std::uint64_t count = 0;
        const auto combine = [&](T& a, T b) { a = arithmetic.add(a, b, count++); };
        PairwiseStack<T> terms;
        for (const T element : x) terms.push(std::fabs(element), combine);
        return terms.finish(combine);
    }
    for (std::size_t k = 0; k < x.size(); ++k) total = arithmetic.add(total, std::fabs(x[k]), k);
    return total;
}

// y += alpha x
template <class T>
void axpy(const Arithmetic<T>& arithmetic, T alpha, Span<const T> x, Span<T> y) {
    FEWBITS_REQUIRE(x.size() == y.size(), "formats.axpy: y must have the size of x, got " +
                                              std::to_string(y.size()) + " for " + std::to_string(x.size()));
    EmulatedLoops<T>(arithmetic).multiply_add(alpha, x.data(), y.data(), x.size());
}

namespace reference {

// The plain triple loop.
template <class T>
void gemm(const Arithmetic<T>& arithmetic, std::size_t m, std::size_t n, std::size_t k, const T* a,
          const T* b, T* c) {
    const std::uint64_t stream = arithmetic.context().options.stream;
    for (std::size_t i = 0; i < m; ++i)
        for (std::size_t j = 0; j < n; ++j)
            c[i * n + j] = detail::scalar_dot(arithmetic.with_stream(stream + i * n + j), k, a + i * k, 1,
                                              b + j, n, c[i * n + j]);
}

}  // namespace reference

// C = A B for row-major A (m x k), B (k x n); with `accumulate_into` C += A B.
template <class T>
void gemm(const Arithmetic<T>& arithmetic, std::size_t m, std::size_t n, std::size_t k, Span<const T> a,
          Span<const T> b, Span<T> c, bool accumulate_into = false, int threads = 1) {
    FEWBITS_REQUIRE(a.size() == m * k && b.size() == k * n && c.size() == m * n,
                    "formats.gemm: a, b and c must be m x k, k x n and m x n");
    if (!accumulate_into) std::fill(c.begin(), c.end(), T{0});
    if (m == 0 || n == 0) return;
    const Context& context = arithmetic.context();
    const std::uint64_t stream = context.options.stream;
    // A thread takes rows: some 2^18 multiply-adds at least.
    const std::size_t rows = std::max<std::size_t>(4, ((std::size_t{1} << 18) / (n * k + 1) + 3) / 4 * 4);
    if (context.summation == Summation::pairwise && context.accumulate == Accumulate::per_op &&
        !arithmetic.is_random()) {
        // Rows of products instead of single ones: the operations on arrays serve them.
        parallel_for(m, rows, threads, [&](std::size_t i, std::size_t end) {
            const auto combine = [&](std::vector<T>& left, const std::vector<T>& right) {
                arithmetic.operation(Operation::add, Span<const T>(left), Span<const T>(right),
                                     Span<T>(left));
            };
            std::vector<T> factor(n), product(n);
            for (; i < end && k > 0; ++i) {
                PairwiseStack<std::vector<T>> terms;
                for (std::size_t q = 0; q < k; ++q) {
                    std::fill(factor.begin(), factor.end(), a[i * k + q]);
                    arithmetic.operation(Operation::multiply, Span<const T>(factor),
                                         Span<const T>(b.data() + q * n, n), Span<T>(product));
                    terms.push(product, combine);
                }
                const Span<T> row(c.data() + i * n, n);
                arithmetic.operation(Operation::add, Span<const T>(row.data(), n),
                                     Span<const T>(terms.finish(combine)), row);
            }
        });
        return;
    }
    const bool chain = (context.accumulate == Accumulate::per_op && context.summation == Summation::index) ||
                       context.accumulate == Accumulate::fma;
    const bool plain_wide = context.accumulate == Accumulate::wide && !arithmetic.is_random();
    if (chain && !(context.accumulate == Accumulate::fma && std::is_same_v<T, float> &&
                   arithmetic.path() != Arithmetic<T>::Path::native)) {
        const EmulatedLoops<T> loops(arithmetic);
        parallel_for(m, rows, threads, [&](std::size_t i, std::size_t end) {
            loops.product(end - i, n, k, a.data() + i * k, k, 1, b.data(), n, c.data() + i * n, n, i * n,
                          !accumulate_into);
        });
        return;
    }
    if (chain || plain_wide) {
        // In double: errors of sums are taken there.
        Context inner = context;
        inner.accumulate = Accumulate::fma;
        if (plain_wide) inner.format = context.accumulator;
        const Arithmetic<double> wide(inner, arithmetic.function());
        const EmulatedLoops<double> loops(wide);
        const std::vector<double> right(b.begin(), b.end());
        parallel_for(m, rows, threads, [&](std::size_t i, std::size_t end) {
            const std::vector<double> left(a.begin() + i * k, a.begin() + end * k);
            std::vector<double> sums(c.begin() + i * n, c.begin() + end * n);
            loops.product(end - i, n, k, left.data(), k, 1, right.data(), n, sums.data(), n, i * n,
                          !accumulate_into);
            for (std::size_t e = 0; e < sums.size(); ++e) {
                T& target = c[i * n + e];
                if (plain_wide)
                    target = arithmetic.finish(detail::exact(sums[e]), 0);
                else
                    target = static_cast<T>(sums[e]);
            }
        });
        return;
    }
    parallel_for(m, rows, threads, [&](std::size_t i, std::size_t end) {
        Arithmetic<T> own = arithmetic;
        for (; i < end; ++i) {
            for (std::size_t j = 0; j < n; ++j) {
                own.set_stream(stream + i * n + j);
                c[i * n + j] = detail::scalar_dot(own, k, a.data() + i * k, 1, b.data() + j, n, c[i * n + j]);
            }
        }
    });
}

// y = A x for row-major A (m x n). Vectors run over the elements of y.
template <class T>
void gemv(const Arithmetic<T>& arithmetic, std::size_t m, std::size_t n, Span<const T> a, Span<const T> x,
          Span<T> y) {
    FEWBITS_REQUIRE(a.size() == m * n && x.size() == n && y.size() == m,
                    "formats.gemv: a, x and y must be m x n, n and m");
    const Context& context = arithmetic.context();
    const bool chain = context.accumulate == Accumulate::per_op || context.accumulate == Accumulate::fma;
    if (!chain || context.summation != Summation::index) return gemm(arithmetic, m, 1, n, a, x, y);
    std::vector<T> columns(m * n);
    for (std::size_t i = 0; i < m; ++i)
        for (std::size_t j = 0; j < n; ++j) columns[j * m + i] = a[i * n + j];
    std::fill(y.begin(), y.end(), T{0});
    const EmulatedLoops<T> loops(arithmetic);
    for (std::size_t j = 0; j < n; ++j)
        loops.multiply_add(x[j], columns.data() + j * m, y.data(), m, false, 0, j * loops.draws());
}

enum class Triangle { lower, upper };

// Solves L X = B or U X = B in place of B (n x columns), A row-major n x n, of which only the triangle is
// read; with unit_diagonal its diagonal is 1. Column-oriented: x_k = b_k / a_kk, then b_i -= a_ik x_k.
// Element (i, j) of X draws from stream + i columns + j.
template <class T>
void trsm(const Arithmetic<T>& arithmetic, Triangle triangle, bool unit_diagonal, std::size_t n,
          std::size_t columns, Span<const T> a, Span<T> b) {
    FEWBITS_REQUIRE(a.size() == n * n && b.size() == n * columns,
                    "formats.trsm: a and b must be n x n and n x columns");
    const EmulatedLoops<T> loops(arithmetic);
    Arithmetic<T> own = arithmetic;
    const std::uint64_t stream = arithmetic.context().options.stream;
    std::vector<T> column(n);
    for (std::size_t step = 0; step < n; ++step) {
        const std::size_t k = triangle == Triangle::lower ? step : n - 1 - step;
        T* row = b.data() + k * columns;
        if (!unit_diagonal) {
            for (std::size_t j = 0; j < columns; ++j) {
                if (arithmetic.is_random()) own.set_stream(stream + k * columns + j);
                row[j] = own.divide(row[j], a[k * n + k], step * loops.draws());
            }
        }
        const std::size_t begin = triangle == Triangle::lower ? k + 1 : 0;
        const std::size_t end = triangle == Triangle::lower ? n : k;
        if (columns == 1) {
            // One vector over the remaining elements.
            for (std::size_t i = begin; i < end; ++i) column[i] = a[i * n + k];
            if (begin < end)
                loops.multiply_add(row[0], column.data() + begin, b.data() + begin, end - begin, true, begin,
                                   step * loops.draws());
            continue;
        }
        for (std::size_t i = begin; i < end; ++i)
            loops.multiply_add(a[i * n + k], row, b.data() + i * columns, columns, true, i * columns,
                               step * loops.draws());
    }
}

// One right-hand side.
template <class T>
void trsv(const Arithmetic<T>& arithmetic, Triangle triangle, bool unit_diagonal, std::size_t n,
          Span<const T> a, Span<T> x) {
    trsm(arithmetic, triangle, unit_diagonal, n, 1, a, x);
}

}  // namespace formats
}  // namespace FEWBITS_ISA
}  // namespace fewbits
