// Zipf's law on 1..N, P(k) = k^-s / H(N, s) with H(N, s) = sum_{k <= N} k^-s: normaliser, probabilities,
// cumulative sums from both ends, quantiles, samples, likelihood and a coding table without a table.
//
//   j < M        sums of j^-s, made once, in two parts; M = 32 + 2s
//   from a >= M  Euler-Maclaurin: J(a, b) + (a^-s + b^-s)/2 + sum_{k <= 8} B_2k/(2k)! (s)_{2k-1} (a^{1-2k-s}
//   -
//                b^{1-2k-s}), J(a, b) = a^{1-s} expm1((1-s) log(b/a))/(1-s), in two parts
// Contract: N integral in 1..2^53, or infinite for s > 1; s >= 0 (beyond 1100 all but k = 1 is below
// 2^-1074). H within 2 ulp, cumulative sums and tails within 4 ulp of themselves (above 2^-1000), whatever
// the size of N and |s - 1|. Measured by test_functions_zipf.py against mpmath. Sampling:
// rejection-inversion, 1.000 to 1.02 tries a sample, no table. Sample i draws from Philox stream i. The
// closed forms integral, average and trapezoid are those of the literature, good for s <= 1.1 only. Sources:
// M. Naldi, arXiv 1511.01480 (closed forms); NIST DLMF 25.11(iii) (Euler-Maclaurin); W. Hoermann, G.
// Derflinger, "Rejection-inversion to generate variates from monotone discrete distributions", ACM TOMACS 6
// (1996).
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <vector>

#include "fewbits/core/parallel.hpp"
#include "fewbits/core/random.hpp"
#include "fewbits/functions/exponential.hpp"
#include "fewbits/functions/logarithm.hpp"

namespace fewbits {
inline namespace FEWBITS_ISA {
namespace functions {

enum class ZipfMethod { exact, integral, average, trapezoid };

namespace detail {

// B_2k / (2k)!
inline constexpr double euler_maclaurin[8] = {
    0x1.5555555555555p-4,  -0x1.6c16c16c16c17p-10, 0x1.1566abc011567p-15, -0x1.bbd779334ef0bp-21,
    0x1.66a8f2bf70ebep-26, -0x1.22805d644267fp-31, 0x1.d6db2c4e09162p-37, -0x1.7da4e1f79955cp-42};

inline std::array<double, 4> lanes_of(f64x4 x) {
    std::array<double, 4> values;
    store(x, values.data());
    return values;
}

// A value with its first two derivatives with respect to s.
struct Jet {
    double value = 0, first = 0, second = 0;
};
inline Jet operator+(Jet a, Jet b) { return {a.value + b.value, a.first + b.first, a.second + b.second}; }
inline Jet operator*(Jet a, Jet b) {
    return {a.value * b.value, a.first * b.value + a.value * b.first,
            a.second * b.value + 2 * a.first * b.first + a.value * b.second};
}
inline Jet operator*(double c, Jet a) { return {c * a.value, c * a.first, c * a.second}; }

// base^-s
inline Jet power_jet(double log_base, double s) {
    const double p = functions::exp(-s * log_base);
    return {p, -log_base * p, log_base * log_base * p};
}

// (e^x - 1) / x and its first two derivatives.
inline Jet divided_exponential(double x) {
    if (std::fabs(x) < 1) {
        Jet sum;
        double term = 1;  // x^n / n!
        for (int n = 0; n < 22; ++n) {
            const double next = 1.0 / (n + 1), after = 1.0 / (n + 2), last = 1.0 / (n + 3);
            sum = sum + Jet{term * next, term * after, term * last};
            term *= x * next;
        }
        return sum;
    }
    const double e = functions::exp(x);
    return {functions::expm1(x) / x, (e * (x - 1) + 1) / (x * x),
            (e * (x * x - 2 * x + 2) - 2) / (x * x * x)};
}

}  // namespace detail

class Zipf {
public:
    // n: integral, 1 to 2^53, or infinity.
    Zipf(double n, double s) : n_(n), s_(std::min(s, 1100.0)), given_s_(s) {
        FEWBITS_REQUIRE(n >= 1 && (std::floor(n) == n) && (n <= 0x1p53 || n > 1e308),
                        "functions::zipf: N must be an integer in 1..2^53, or infinite");
        FEWBITS_REQUIRE(s >= 0, "functions::zipf: s must be at least 0, got " + std::to_string(s));
        infinite_ = n > 0x1p53;
        FEWBITS_REQUIRE(!infinite_ || s > 1,
                        "functions::zipf: s must be above 1 where N is infinite, got " + std::to_string(s));
        double rising = 1;  // (s)_{2k-1}
        for (int k = 0; k < 8; ++k) {
            rising *= k == 0 ? s_ : (s_ + 2 * k - 1) * (s_ + 2 * k);
            corrections_[k] = detail::euler_maclaurin[k] * rising;
        }
        const auto q = two_sum(1.0, -s_);
        q_ = {detail::splat(q.value), detail::splat(q.error)};
        q_sampling_ = q.value;
        first_ = 32 + std::ceil(2 * s_);  // M
        const std::size_t count = static_cast<std::size_t>(std::min(first_ - 1, n_));
        std::vector<double> hi(count + 4), lo(count + 4);
        for (std::size_t j = 0; j < count; j += 4) {
            double k[4];
            for (std::size_t i = 0; i < 4; ++i) k[i] = static_cast<double>(j + i + 1);
            const DoubleDouble p = power(f64x4::load(k));
            store(p.hi, &hi[j]);
            store(p.lo, &lo[j]);
        }
        prefix_.resize(count + 1);
        suffix_.resize(count + 2);
        Parts sum;
        for (std::size_t j = 1; j <= count; ++j) {
            sum = plus(sum, {hi[j - 1], lo[j - 1]});
            prefix_[j] = sum;
        }
        sum = {};
        for (std::size_t j = count; j >= 1; --j) {
            sum = plus(sum, {hi[j - 1], lo[j - 1]});
            suffix_[j] = sum;
        }
        Parts total = prefix_[count];
        if (n_ >= first_) {
            const DoubleDouble rest = range(detail::splat(first_), detail::splat(n_));
            rest_ = {detail::lanes_of(rest.hi)[0], detail::lanes_of(rest.lo)[0]};
            total = plus(total, rest_);
        }
        norm_ = total;
        const DoubleDouble log_norm = log_dd({detail::splat(total.hi), detail::splat(total.lo)});
        log_norm_ = {detail::lanes_of(log_norm.hi)[0], detail::lanes_of(log_norm.lo)[0]};
        low_ = integral(1.5) - 1;
        high_ = integral(n_ + 0.5);
        accept_ = 2 - inverse(integral(2.5) - detail::lanes_of(power_rounded(detail::splat(2)))[0]);
    }

    double n() const { return n_; }
    double s() const { return given_s_; }

    // H(N, s), or what a closed form takes for it.
    double norm(ZipfMethod method = ZipfMethod::exact) const {
        if (method == ZipfMethod::exact) return norm_.hi + norm_.lo;
        return detail::lanes_of(closed(detail::splat(n_), method))[0];
    }

    // H, H' and H'' with respect to s; relative error about 1e-14.
    detail::Jet norm_jet() const {
        detail::Jet sum;
        const std::size_t count = prefix_.size() - 1;
        for (std::size_t j = count; j >= 1; --j) {
            sum = sum + detail::power_jet(functions::log(static_cast<double>(j)), s_);
        }
        if (n_ < first_) return sum;
        const double a = first_, log_a = functions::log(a);
        detail::Jet at_b, inverse_b;
        const double q = 1 - s_, y = infinite_ ? 0 : functions::log(n_ / a);
        const detail::Jet at_a = detail::power_jet(log_a, s_);
        detail::Jet lead;
        if (infinite_) {  // 1 / (s - 1)
            const double r = 1 / (s_ - 1);
            lead = {r, -r * r, 2 * r * r * r};
        } else {
            at_b = detail::power_jet(functions::log(n_), s_);
            const detail::Jet d = detail::divided_exponential(q * y);
            lead = {y * d.value, -y * y * d.first, y * y * y * d.second};  // d/ds = -d/dq
        }
        sum = sum + a * (at_a * lead) + 0.5 * (at_a + at_b);
        detail::Jet rising = {s_, 1, 0};
        double power_a = 1 / a, power_b = infinite_ ? 0 : 1 / n_;
        for (int k = 0; k < 8; ++k) {
            if (k > 0) {
                rising = rising * detail::Jet{s_ + 2 * k - 1, 1, 0} * detail::Jet{s_ + 2 * k, 1, 0};
                power_a /= a * a;
                power_b = infinite_ ? 0 : power_b / (n_ * n_);
            }
            const detail::Jet edge = power_a * at_a + (-power_b) * at_b;
            sum = sum + detail::euler_maclaurin[k] * (rising * edge);
        }
        return sum;
    }

    void pmf(Span<const double> k, Span<double> out, ZipfMethod method = ZipfMethod::exact) const {
        const f64x4 norm = detail::splat(this->norm(method));
        map(k, out, [&](f64x4 x) {
            return select(member(x), power_rounded(clamped(x)) / norm, edge(x, f64x4::zero()));
        });
    }
    void logpmf(Span<const double> k, Span<double> out, ZipfMethod method = ZipfMethod::exact) const {
        DoubleDouble log_norm = {detail::splat(log_norm_.hi), detail::splat(log_norm_.lo)};
        if (method != ZipfMethod::exact)
            log_norm = log_dd({detail::splat(this->norm(method)), f64x4::zero()});
        const f64x4 minus_infinity = detail::splat(-HUGE_VAL);
        map(k, out, [&](f64x4 x) {
            const DoubleDouble scaled =
                multiply(log_dd({clamped(x), f64x4::zero()}), detail::splat(given_s_));
            const DoubleDouble sum = negate(add(scaled, log_norm));
            return select(member(x), sum.hi + sum.lo, edge(x, minus_infinity));
        });
    }
    // Sum of the probabilities up to k, and beyond k.
    void cdf(Span<const double> k, Span<double> out, ZipfMethod method = ZipfMethod::exact) const {
        map(k, out, [&](f64x4 x) { return cumulative(x, method); });
    }
    void sf(Span<const double> k, Span<double> out, ZipfMethod method = ZipfMethod::exact) const {
        map(k, out, [&](f64x4 x) { return tail(x, method); });
    }

    // The smallest k whose cdf is at least q (whose sf is at most 1 - q, above one half); nan beyond [0, 1].
    double ppf(double q, ZipfMethod method = ZipfMethod::exact) const {
        if (!(q >= 0 && q <= 1)) return std::numeric_limits<double>::quiet_NaN();
        if (q == 1) return n_;
        const double last = infinite_ ? 0x1p53 : n_;
        return search(1, last, [&](f64x4 x) {
            return q <= 0.5 ? cumulative(x, method) >= detail::splat(q)
                            : tail(x, method) <= detail::splat(1 - q);
        });
    }

    // Samples first, first + 1, ... of the seed.
    void sample(std::uint64_t seed, std::uint64_t first, Span<std::int64_t> out, int threads = 1) const {
        FEWBITS_REQUIRE(!infinite_, "functions::zipf: sampling needs a finite N");
        parallel_for(out.size(), 16384, threads, [&](std::size_t begin, std::size_t end) {
            for (std::size_t i = begin; i < end; i += 4) draw_four(seed, first, i, end, out);
        });
    }

    // Smallest k in [low, high] that `reached` holds for, given that it holds for `high`.
    template <class Reached>
    static double search(double low, double high, Reached reached) {
        while (low < high) {
            // Four points of [low, high) cut it in five: true from one of them on.
            const double width = high - low;
            double at[4];
            for (int i = 0; i < 4; ++i) at[i] = low + std::floor(width * (i + 1) / 5);
            for (double& x : at) x = std::min(x, high - 1);
            const std::uint32_t bits = simd::bits(reached(f64x4::load(at)));
            for (int i = 3; i >= 0; --i) {
                if (((bits >> i) & 1U) != 0) {
                    high = at[i];
                } else {
                    low = std::max(low, at[i] + 1);
                    break;
                }
            }
        }
        return high;
    }

    // cdf and sf of integral k.
    f64x4 cumulative(f64x4 x, ZipfMethod method = ZipfMethod::exact) const {
        const f64x4 k = floor(clamped(x)), one = detail::splat(1), zero = f64x4::zero();
        f64x4 sum;
        if (method == ZipfMethod::exact) {
            const auto beyond = k >= detail::splat(first_);
            DoubleDouble head = lookup(prefix_, min(k, detail::splat(first_ - 1)));
            if (any(beyond)) {
                const DoubleDouble more = range(detail::splat(first_), max(k, detail::splat(first_)));
                head = functions::select(beyond, add(head, more), head);
            }
            sum = head.hi + head.lo;
        } else {
            sum = closed(k, method);
        }
        const f64x4 result = sum / detail::splat(norm(method));
        const f64x4 inside = select(x >= detail::splat(n_), one, min(result, one));
        return select(x < one, zero, select(x == x, inside, x));
    }
    f64x4 tail(f64x4 x, ZipfMethod method = ZipfMethod::exact) const {
        const f64x4 one = detail::splat(1), zero = f64x4::zero();
        if (method != ZipfMethod::exact) return one - cumulative(x, method);
        const f64x4 next = floor(clamped(x)) + one, first = detail::splat(first_);
        const auto beyond = next >= first;
        DoubleDouble sum = lookup(suffix_, min(next, detail::splat(static_cast<double>(suffix_.size() - 1))));
        if (n_ >= first_) {
            sum = add(sum, {detail::splat(rest_.hi), detail::splat(rest_.lo)});
            if (any(beyond)) {
                const DoubleDouble far = range(max(next, first), detail::splat(n_));
                sum = functions::select(beyond, far, sum);
            }
        }
        const f64x4 inside = (sum.hi + sum.lo) / detail::splat(norm());
        return select(x < one, one, select(x >= detail::splat(n_), zero, select(x == x, inside, x)));
    }

private:
    struct Parts {
        double hi = 0, lo = 0;
    };
    static Parts plus(Parts a, Parts b) {
        const auto sum = two_sum(a.hi, b.hi);
        const auto both = fast_two_sum(sum.value, sum.error + (a.lo + b.lo));
        return {both.value, both.error};
    }

    template <class Function>
    static void map(Span<const double> k, Span<double> out, Function function) {
        FEWBITS_REQUIRE(k.size() == out.size(), "functions::zipf: out must have the size of k");
        for (std::size_t i = 0; i < k.size(); i += 4) {
            const std::size_t count = std::min<std::size_t>(4, k.size() - i);
            double padded[4] = {1, 1, 1, 1};
            std::copy(k.begin() + i, k.begin() + i + count, padded);
            store_partial(canonical_nan(function(f64x4::load(padded))), out.data() + i, count);
        }
    }

    f64x4 clamped(f64x4 x) const {
        return max(min(x, detail::splat(std::min(n_, 0x1p53))), detail::splat(1));
    }
    simd::mask<4> member(f64x4 x) const {
        return (x >= detail::splat(1)) & (x <= detail::splat(n_)) & (floor(x) == x);
    }
    static f64x4 edge(f64x4 x, f64x4 value) { return select(x == x, value, x); }

    static DoubleDouble lookup(const std::vector<Parts>& table, f64x4 index) {
        const std::array<double, 4> at = detail::lanes_of(index);
        double hi[4], lo[4];
        for (std::size_t i = 0; i < 4; ++i) {
            const auto j = std::min(static_cast<std::size_t>(at[i]), table.size() - 1);
            hi[i] = table[j].hi;
            lo[i] = table[j].lo;
        }
        return {f64x4::load(hi), f64x4::load(lo)};
    }

    // x in two parts times 2^exponent, in two steps; parts below 2^-1022 lose digits.
    static DoubleDouble apply(DoubleDouble x, f64x4 exponent) {
        const f64x4 n = max(exponent, detail::splat(-2000));
        const f64x4 first = floor(n * detail::splat(0.5)), second = n - first;
        return scale(scale(x, detail::power_of_two(first)), detail::power_of_two(second));
    }
    Scaled power_scaled(f64x4 k) const {
        return exp_dd(negate(multiply(log_dd({k, f64x4::zero()}), detail::splat(s_))));
    }
    // k^-s
    DoubleDouble power(f64x4 k) const {
        const Scaled p = power_scaled(k);
        return apply({p.hi, p.lo}, p.exponent);
    }
    f64x4 power_rounded(f64x4 k) const { return round_scaled(power_scaled(k)); }

    // a^s J(a, b) and (b/a)^-s
    DoubleDouble integral_over_power(f64x4 a, f64x4 b, f64x4& ratio) const {
        if (infinite_ && detail::lanes_of(b)[0] > 0x1p53) {
            ratio = f64x4::zero();
            return multiply(reciprocal(negate(q_)), a);
        }
        const f64x4 difference = b - a, t = difference / a, t_low = fma(-t, a, difference) / a;
        const auto sum = two_sum(detail::splat(1), t);
        const DoubleDouble y = detail::log_normal({sum.value, sum.error + t_low}, f64x4::zero());
        const Scaled p = exp_dd(negate(multiply(y, detail::splat(s_))));
        ratio = round_scaled(p);
        if (q_sampling_ == 0) return multiply(y, a);
        DoubleDouble x = multiply(y, q_);
        const auto far = x.hi < detail::splat(-80);
        x = functions::select(far, {detail::splat(-80), f64x4::zero()}, x);
        return multiply(multiply(expm1_dd(x), reciprocal(q_)), a);
    }

    // Sum of j^-s for j = a..b, M <= a <= b.
    FEWBITS_NOINLINE DoubleDouble range(f64x4 a, f64x4 b) const {
        f64x4 ratio;
        const f64x4 one = detail::splat(1), half = detail::splat(0.5);
        const DoubleDouble lead = integral_over_power(a, b, ratio);
        const f64x4 ia = one / a, ib = one / b;
        const f64x4 at_a = detail::horner(ia * ia, corrections_) * ia,
                    at_b = detail::horner(ib * ib, corrections_) * ib;
        const f64x4 rest = fma(-ratio, at_b, at_a);
        const DoubleDouble bracket = add(add(lead, fma(half, ratio, half)), rest);
        const Scaled p = power_scaled(a);
        const DoubleDouble product = multiply(DoubleDouble{p.hi, p.lo}, bracket);
        return apply(product, p.exponent);
    }

    // The closed forms of H(k, s).
    f64x4 closed(f64x4 k, ZipfMethod method) const {
        const f64x4 one = detail::splat(1), half = detail::splat(0.5);
        f64x4 ratio;
        const DoubleDouble j = integral_over_power(one, k, ratio);
        const f64x4 area = j.hi + j.lo;
        if (method == ZipfMethod::integral) return area;
        if (method == ZipfMethod::trapezoid) return area + half * (one + ratio);
        f64x4 unused;
        const DoubleDouble next = integral_over_power(one, k + one, unused);
        return half * (((next.hi + next.lo) + one) + area);
    }

    // J(1, x), and the x for which it is u: float64 does for sampling.
    static f64x4 integral4(f64x4 x, double q) {
        const f64x4 y = detail::LogKernel::float64(x);
        if (q == 0) return y;
        const f64x4 t = max(y * detail::splat(q), detail::splat(-700));
        return detail::Expm1Kernel::float64(t) / detail::splat(q);
    }
    static f64x4 inverse4(f64x4 u, double q) {
        if (q == 0) return detail::ExpKernel::float64(u);
        const f64x4 t = max(u * detail::splat(q), detail::splat(-1));
        return detail::ExpKernel::float64(detail::Log1pKernel::float64(t) / detail::splat(q));
    }
    double integral(double x) const { return detail::lanes_of(integral4(detail::splat(x), q_sampling_))[0]; }
    double inverse(double u) const { return detail::lanes_of(inverse4(detail::splat(u), q_sampling_))[0]; }

    // The k that u belongs to, and whether it is accepted.
    FEWBITS_NOINLINE simd::mask<4> propose(f64x4 uniform, f64x4& k) const {
        const f64x4 half = detail::splat(0.5), one = detail::splat(1);
        const f64x4 u = fma(uniform, detail::splat(high_ - low_), detail::splat(low_));
        const f64x4 x = inverse4(u, q_sampling_);
        k = max(min(floor(x + half), detail::splat(n_)), one);
        const auto near = k - x <= detail::splat(accept_);
        if (FEWBITS_LIKELY(all(near))) return near;
        return near | (u >= integral4(k + half, q_sampling_) - power_rounded(k));
    }
    void draw_four(std::uint64_t seed, std::uint64_t first, std::size_t begin, std::size_t end,
                   Span<std::int64_t> out) const {
        const std::size_t count = std::min<std::size_t>(4, end - begin);
        double uniform[4] = {};
        for (std::size_t i = 0; i < count; ++i) uniform[i] = Philox(seed, first + begin + i).uniform01(0);
        f64x4 k;
        const std::uint32_t good = simd::bits(propose(f64x4::load(uniform), k));
        const std::array<double, 4> values = detail::lanes_of(k);
        for (std::size_t i = 0; i < count; ++i) {
            double value = values[i];
            const Philox stream(seed, first + begin + i);
            bool accepted = ((good >> i) & 1U) != 0;
            for (std::uint64_t j = 1; !accepted; ++j) {
                accepted = (simd::bits(propose(detail::splat(stream.uniform01(j)), k)) & 1U) != 0;
                value = detail::lanes_of(k)[0];
            }
            out[begin + i] = static_cast<std::int64_t>(value);
        }
    }

    double n_, s_, given_s_;
    bool infinite_ = false;
    double first_ = 0;  // M
    double corrections_[8];
    DoubleDouble q_;  // 1 - s
    // Invariant: prefix_[j] = sum of i^-s for i = 1..j, suffix_[j] the same for i = j..min(N, M - 1).
    std::vector<Parts> prefix_, suffix_;
    Parts rest_, norm_, log_norm_;  // from M on; all; its logarithm
    double q_sampling_ = 0, low_ = 0, high_ = 0, accept_ = 0;
};

// A cumulative table of 2^bits slots over 1..N that is computed where it is read: the same on every machine.
// C(k) = k + floor(R F(k)) where F(k) <= 1/2, else 2^bits - (N - k) - floor(R G(k)), with R = 2^bits - N, F
// the cumulative sum and G = 1 - F from the other end: every symbol has at least one slot.
class ZipfCodingModel {
public:
    ZipfCodingModel(double n, double s, int bits) : zipf_(n, s), total_(0) {
        FEWBITS_REQUIRE(bits >= 1 && bits <= 32,
                        "functions::zipf: bits must be in 1..32, got " + std::to_string(bits));
        total_ = static_cast<double>(std::uint64_t{1} << bits);
        FEWBITS_REQUIRE(n < total_, "functions::zipf: 2^bits must be above N");
    }

    const Zipf& distribution() const { return zipf_; }
    double total() const { return total_; }

    // C(k) for k in 0..N.
    void cumulative(Span<const double> k, Span<std::uint64_t> out) const {
        FEWBITS_REQUIRE(k.size() == out.size(), "functions::zipf: out must have the size of k");
        for (std::size_t i = 0; i < k.size(); i += 4) {
            double at[4] = {};
            const std::size_t count = std::min<std::size_t>(4, k.size() - i);
            std::copy(k.begin() + i, k.begin() + i + count, at);
            const std::array<double, 4> c = detail::lanes_of(slots(f64x4::load(at)));
            for (std::size_t j = 0; j < count; ++j) out[i + j] = static_cast<std::uint64_t>(c[j]);
        }
    }
    // The k with C(k - 1) <= slot < C(k).
    void symbols(Span<const std::uint64_t> slot, Span<std::int64_t> out) const {
        FEWBITS_REQUIRE(slot.size() == out.size(), "functions::zipf: out must have the size of slot");
        for (std::size_t i = 0; i < slot.size(); ++i) {
            const double wanted = static_cast<double>(slot[i]);
            FEWBITS_REQUIRE(wanted < total_, "functions::zipf: slot must be below 2^bits");
            out[i] = static_cast<std::int64_t>(
                Zipf::search(1, zipf_.n(), [&](f64x4 k) { return slots(k) > detail::splat(wanted); }));
        }
    }

private:
    FEWBITS_NOINLINE f64x4 slots(f64x4 k) const {
        const double n = zipf_.n();
        const f64x4 room = detail::splat(total_ - n), all = detail::splat(total_), size = detail::splat(n);
        const f64x4 below = zipf_.cumulative(k), above = zipf_.tail(k);
        const f64x4 low = k + floor(room * below), high = (all - (size - k)) - floor(room * above);
        return select(below <= detail::splat(0.5), low, high);
    }

    Zipf zipf_;
    double total_;
};

}  // namespace functions
}  // namespace FEWBITS_ISA
}  // namespace fewbits
