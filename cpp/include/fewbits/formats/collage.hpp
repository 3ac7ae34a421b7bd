// AdamW in a low format, every operation rounded to it, and with two components where that matters.
//
//   m  = b1 m + c1 g                     c1 = F(1 - beta1), constants computed in float64 and rounded once
//   q  = c2 (g g)                        c2 = F(1 - beta2)
//   v  = F(beta2) v + q                  plus: (v, dv) = Grow(Mul(beta2 in two components, (v, dv)), q)
//   u  = F(-lr) (m / F(1 - beta1^t) / (sqrt(v / F(1 - beta2^t)) + F(eps)) + F(decay) theta)
//   light, plus   (theta, dtheta) = Grow((theta, dtheta), u)
//   kahan         w = u - dtheta, t = theta + w, dtheta = (t - theta) - w, theta = t    (dtheta is owed)
//   stochastic    theta = theta + u rounded stochastically
//   pure          theta = theta + u
// SGD with momentum the same way: m = b1 m + g, u = F(-lr) (m + F(decay) theta).
// Weight decay is inside u: a factor 1 - lr decay is 1 in bfloat16.
//
// Contract: the same bits on every machine; beta^t by squaring in double-double.
// Source: T. Yu et al., arXiv:2405.03637, algorithm 2 (the grouping of the update is ours and fixed); Kahan:
// P. Zamirai et al., "Revisiting BFloat16 Training", arXiv:2010.06192.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>

#include "fewbits/core/double_word.hpp"
#include "fewbits/core/error.hpp"
#include "fewbits/core/isa.hpp"
#include "fewbits/core/span.hpp"
#include "fewbits/formats/arithmetic.hpp"
#include "fewbits/formats/expansion.hpp"
#include "fewbits/formats/rounding_options.hpp"

namespace fewbits {
inline namespace FEWBITS_ISA {
namespace formats {

enum class CollageVariant { plus, light, kahan, stochastic, pure };
inline constexpr const char* collage_variant_names[] = {"plus", "light", "kahan", "stochastic", "pure"};

struct CollageOptions {
    CollageVariant variant = CollageVariant::plus;
    double lr = 1e-3, beta1 = 0.9, beta2 = 0.999, eps = 1e-8, weight_decay = 0;
};

// The state of n parameters: values of the format. dtheta is unused by stochastic and pure, dv by all but
// plus; v and dv by SGD.
template <class T>
struct CollageState {
    Span<T> theta, dtheta, m, v, dv;
};

namespace detail {

// x^n, 0 <= x < 1.
inline double power(double x, std::uint64_t n) {
    DoubleWord<double> result{1, 0}, square{x, 0};
    for (; n != 0; n >>= 1) {
        if (n % 2 != 0) result = result * square;
        if (square.hi < 0x1p-480) square = {0, 0};  // its square would underflow; so small a factor is zero
        square = square * square;
    }
    return result.hi;
}

// The two roundings of an optimiser: to nearest even, and that of stochastic updates.
template <class T>
struct CollageArithmetic {
    Arithmetic<T> nearest, random;

    CollageArithmetic(const Context& context, const char* function)
        : nearest(to_nearest(context), function), random(at_random(context), function) {}
    T constant(double x) const { return nearest.finish(exact(x), 0); }
    Piece<T> times(const PieceArithmetic<T>& f, const Piece<T>& x, double c) const {
        return f.multiply(x, f.all(constant(c)));
    }

private:
    static Context to_nearest(Context context) {
        context.options.rounding = Rounding::nearest_even;
        context.options.seed = context.options.stream = 0;
        require_expansion(context, 2);
        return context;
    }
    static Context at_random(Context context) {
        context.options.rounding = Rounding::stochastic;
        return context;
    }
};

template <class T>
void collage_update(const CollageArithmetic<T>& arithmetic, CollageVariant variant, std::size_t begin,
                    std::size_t count, const Piece<T>& u, const CollageState<T>& state) {
    const PieceArithmetic<T> f(arithmetic.nearest, count);
    T* const theta = state.theta.data() + begin;
    const Piece<T> x = f.load(theta);
    if (variant == CollageVariant::stochastic) {
        arithmetic.random.operation(Operation::add, Span<const T>(x.data(), count),
                                    Span<const T>(u.data(), count), Span<T>(theta, count), begin);
        return;
    }
    if (variant == CollageVariant::pure) return f.store(f.add(x, u), theta);
    T* const other = state.dtheta.data() + begin;
    if (variant == CollageVariant::kahan) {
        const Piece<T> wanted = f.subtract(u, f.load(other)), total = f.add(x, wanted);
        f.store(f.subtract(f.subtract(total, x), wanted), other);
        return f.store(total, theta);
    }
    const Pieces<T> grown = f.grow({x, f.load(other)}, u, false);
    f.store(grown[0], theta);
    f.store(grown[1], other);
}

template <class T>
void require_collage(const char* function, std::size_t n, const CollageState<T>& s, CollageVariant variant,
                     bool adam, std::size_t gradient, std::size_t update) {
    const bool two = variant != CollageVariant::stochastic && variant != CollageVariant::pure;
    const bool good = gradient == n && update == n && s.m.size() == n && (!two || s.dtheta.size() == n) &&
                      (!adam || s.v.size() == n) &&
                      (!adam || variant != CollageVariant::plus || s.dv.size() == n);
    FEWBITS_REQUIRE(good, std::string(function) + ": state, gradient and update must have one size");
}

}  // namespace detail

// Step t = 1, 2, ... of AdamW. gradient: values of the format; update: where u goes. Stochastic rounding
// reads the stream of the context, element i its draw i.
template <class T>
void collage_adamw(const Context& context, const CollageOptions& options, std::uint64_t t,
                   Span<const T> gradient, const CollageState<T>& state, Span<T> update) {
    const std::size_t n = state.theta.size();
    const CollageVariant variant = options.variant;
    detail::require_collage("formats.collage_adamw", n, state, variant, true, gradient.size(), update.size());
    FEWBITS_REQUIRE(t >= 1, "formats.collage_adamw: t must be at least 1, got 0");
    const detail::CollageArithmetic<T> arithmetic(context, "formats.collage_adamw");
    const auto constant = [&](double x) { return arithmetic.constant(x); };
    const T beta2_high = constant(options.beta2);
    const T beta2_low = constant(options.beta2 - static_cast<double>(beta2_high));
    const T first = constant(1 - detail::power(options.beta1, t));
    const T second = constant(1 - detail::power(options.beta2, t));
    for (std::size_t begin = 0; begin < n; begin += detail::expansion_piece) {
        const std::size_t count = std::min(detail::expansion_piece, n - begin);
        const detail::PieceArithmetic<T> f(arithmetic.nearest, count);
        const auto times = [&](const detail::Piece<T>& x, double c) { return arithmetic.times(f, x, c); };
        const detail::Piece<T> g = f.load(gradient.data() + begin);
        const detail::Piece<T> m =
            f.add(times(f.load(state.m.data() + begin), options.beta1), times(g, 1 - options.beta1));
        f.store(m, state.m.data() + begin);
        const detail::Piece<T> squares = times(f.multiply(g, g), 1 - options.beta2);
        detail::Piece<T> v = f.load(state.v.data() + begin);
        if (variant == CollageVariant::plus) {
            const detail::Pieces<T> decayed =
                f.multiply(detail::Pieces<T>{f.all(beta2_high), f.all(beta2_low)},
                           detail::Pieces<T>{v, f.load(state.dv.data() + begin)});
            const detail::Pieces<T> grown = f.grow(decayed, squares, false);
            v = grown[0];
            f.store(grown[1], state.dv.data() + begin);
        } else {
            v = f.add(f.multiply(v, f.all(beta2_high)), squares);
        }
        f.store(v, state.v.data() + begin);
        const detail::Piece<T> mean = f.divide(m, f.all(first));
        const detail::Piece<T> root = f.add(f.sqrt(f.divide(v, f.all(second))), f.all(constant(options.eps)));
        const detail::Piece<T> decay = times(f.load(state.theta.data() + begin), options.weight_decay);
        const detail::Piece<T> u = times(f.add(f.divide(mean, root), decay), -options.lr);
        f.store(u, update.data() + begin);
        detail::collage_update(arithmetic, variant, begin, count, u, state);
    }
}

// A step of SGD with momentum beta1; of the options beta2 and eps do not count, and plus is light.
template <class T>
void collage_sgd(const Context& context, const CollageOptions& options, Span<const T> gradient,
                 const CollageState<T>& state, Span<T> update) {
    const std::size_t n = state.theta.size();
    detail::require_collage("formats.collage_sgd", n, state, options.variant, false, gradient.size(),
                            update.size());
    const detail::CollageArithmetic<T> arithmetic(context, "formats.collage_sgd");
    for (std::size_t begin = 0; begin < n; begin += detail::expansion_piece) {
        const std::size_t count = std::min(detail::expansion_piece, n - begin);
        const detail::PieceArithmetic<T> f(arithmetic.nearest, count);
        const auto times = [&](const detail::Piece<T>& x, double c) { return arithmetic.times(f, x, c); };
        const detail::Piece<T> m =
            f.add(times(f.load(state.m.data() + begin), options.beta1), f.load(gradient.data() + begin));
        f.store(m, state.m.data() + begin);
        const detail::Piece<T> decay = times(f.load(state.theta.data() + begin), options.weight_decay);
        const detail::Piece<T> u = times(f.add(m, decay), -options.lr);
        f.store(u, update.data() + begin);
        detail::collage_update(arithmetic, options.variant, begin, count, u, state);
    }
}

}  // namespace formats
}  // namespace FEWBITS_ISA
}  // namespace fewbits
