// Measures the functions against libm and libquadmath, which share no code with them.
//
//   functions_oracle exhaustive NAME [STRIDE [OFFSET]]
//       float32, every STRIDE-th bit pattern. A float64 reference by libmvec (at most 4 ulp a function)
//       decides the correctly rounded result wherever it is farther from a rounding boundary than `margin`,
//       at least four times the error of its formula; the other inputs are printed ("? input result"), for a
//       caller with more digits to decide. One line of JSON follows.
//   functions_oracle fast NAME [STRIDE [OFFSET]]
//       float32, the largest error of Accuracy::fast in ulp.
//   functions_oracle sampled NAME COUNT [SEED]
//       float64, COUNT stratified inputs against long double or __float128: largest error in ulp, and where.
//   functions_oracle evaluate NAME float32|float64 best|fast
//       Reads words of the type from standard input, writes the results: for tests in other languages.
//
// Needs GCC on x86-64 with AVX2 (80-bit long double, libmvec, libquadmath); built and run by
// tests/python/test_functions_bounds.py.
#include <immintrin.h>
#include <quadmath.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <string>
#include <vector>

#include "fewbits/functions/error_function.hpp"
#include "fewbits/functions/exponential.hpp"
#include "fewbits/functions/gamma.hpp"
#include "fewbits/functions/logarithm.hpp"
#include "fewbits/functions/logistic.hpp"
#include "fewbits/functions/power.hpp"
#include "fewbits/functions/trigonometric.hpp"

namespace {

namespace fn = fewbits::functions;
using fewbits::Span;
using fn::Accuracy;
using quad = __float128;

const double infinity = std::numeric_limits<double>::infinity();

// ---- references -----------------------------------------------------------------------------------------

// Four at a time. libmvec's functions differ from ours in every way.
typedef double v4 __attribute__((vector_size(32)));
typedef std::int64_t m4 __attribute__((vector_size(32)));
extern "C" {
v4 _ZGVdN4v_exp(v4);
v4 _ZGVdN4v_exp2(v4);
v4 _ZGVdN4v_exp10(v4);
v4 _ZGVdN4v_expm1(v4);
v4 _ZGVdN4v_log(v4);
v4 _ZGVdN4v_log2(v4);
v4 _ZGVdN4v_log10(v4);
v4 _ZGVdN4v_log1p(v4);
v4 _ZGVdN4v_sin(v4);
v4 _ZGVdN4v_cos(v4);
v4 _ZGVdN4v_tanh(v4);
v4 _ZGVdN4v_erf(v4);
v4 _ZGVdN4v_erfc(v4);
v4 _ZGVdN4v_cbrt(v4);
}

v4 vabs(v4 x) { return (v4)((m4)x & 0x7fffffffffffffff); }
v4 vsqrt(v4 x) { return (v4)_mm256_sqrt_pd((__m256d)x); }
bool any4(m4 m) { return _mm256_movemask_pd((__m256d)m) != 0; }
v4 clamp4(v4 x, double low, double high) {
    x = x < low ? (v4){low, low, low, low} : x;
    return x > high ? (v4){high, high, high, high} : x;
}

v4 sigmoid4(v4 x) {
    const v4 e = _ZGVdN4v_exp(-vabs(clamp4(x, -300, 300))), q = 1 / (1 + e);
    return x < 0 ? e * q : q;
}
v4 softplus4(v4 x) { return (x > 0 ? x : v4{}) + _ZGVdN4v_log1p(_ZGVdN4v_exp(-vabs(clamp4(x, -300, 300)))); }
// x times a gate in [0, 1]; 0 times infinity is avoided.
v4 gated4(v4 x, v4 gate) {
    const v4 far = x > 0 ? x : -0.0 * vabs(clamp4(x, -1, 1));
    return vabs(x) > 1e3 ? far : x * gate;
}
v4 gelu_tanh4(v4 x) {
    const v4 u = clamp4(x, -40, 40);
    return gated4(x, sigmoid4(1.5957691216057307117597842397375274738 * (u + 0.044715 * u * u * u)));
}
v4 erfcx_positive4(v4 x) {
    const v4 a = x > 10 ? 1 + 0 * x : x;
    v4 y = _ZGVdN4v_exp(a * a) * _ZGVdN4v_erfc(a);  // a * a is exact for float32
    if (any4(x > 10)) {
        const v4 t = -0.5 / (x * x);
        v4 total = 1 + 0 * t;
        for (int k = 23; k >= 1; --k) total = 1 + total * ((2 * k - 1) * t);
        y = x > 10 ? total / (x * 1.7724538509055160273) : y;
    }
    return y;
}
v4 erfcx4(v4 x) {
    const v4 y = erfcx_positive4(vabs(x));
    if (!any4(x < 0)) return y;
    const v4 c = clamp4(x, -20, 20);
    return x < 0 ? 2 * _ZGVdN4v_exp(c * c) - erfcx_positive4(vabs(c)) : y;
}
const double root_half = 0.70710678118654752440;
v4 ndtr4(v4 x) { return _ZGVdN4v_erfc(-clamp4(x, -30, 30) * root_half) / 2; }
v4 log_ndtr4(v4 x) {
    const v4 right = _ZGVdN4v_log1p(-ndtr4(-(x < -2 ? -2 + 0 * x : x)));
    const v4 a = x > -1 ? -1 + 0 * x : x;
    const v4 left = -a * a / 2 + _ZGVdN4v_log(erfcx_positive4(clamp4(-a * root_half, 0, 1e150)) / 2);
    return x > -1 ? right : left;
}

// One at a time: libmvec has none.
v4 log_gamma4(v4 x) {
    v4 y = x;
    for (int i = 0; i < 4; ++i) {
        y[i] = x[i] < 0 ? std::numeric_limits<double>::quiet_NaN() : static_cast<double>(lgammal(x[i]));
    }
    return y;
}

quad quad_erfcx(quad x) {
    if (x < 0) return 2 * expq(x * x) - quad_erfcx(-x);
    if (x < 60) return expq(x * x) * erfcq(x);
    quad term = 1, total = 1;
    for (int k = 1; k < 24; ++k) total += term *= -(2 * k - 1) / (2 * x * x);
    return total / (x * sqrtq(M_PIq));
}
quad quad_ndtr(quad x) { return erfcq(-x * M_SQRT1_2q) / 2; }
quad quad_log_ndtr(quad x) {
    if (x > -1) return log1pq(-quad_ndtr(-x));
    return -x * x / 2 + logq(quad_erfcx(-x * M_SQRT1_2q) / 2);
}
quad quad_gelu_tanh(quad x) {
    const quad u = 2 * sqrtq(2 / M_PIq) * (x + 0.044715Q * x * x * x);
    return x >= 0 ? x / (1 + expq(-u)) : x * expq(u) / (1 + expq(u));
}
// The exact inverse near y, by a Newton step (quadratic: y is good to 2^-50) on the smaller tail.
quad quad_ndtri(double p, double y) {
    const quad g = y, density = expq(-g * g / 2) / sqrtq(2 * M_PIq);
    const quad q = static_cast<quad>(p) - 0.5Q;
    quad miss;
    if (fabsq(q) <= 0.25Q) {
        miss = q - erfq(g * M_SQRT1_2q) / 2;
    } else {
        miss = p < 0.5 ? p - quad_ndtr(g) : quad_ndtr(-g) - (1 - static_cast<quad>(p));
    }
    const quad step = miss / density;
    return g + step * (1 + g * step / 2);
}

// ---- functions ------------------------------------------------------------------------------------------

struct Function {
    const char* name;
    void (*float32)(Span<const float>, Span<float>, Accuracy);
    void (*float64)(Span<const double>, Span<double>, Accuracy);
    v4 (*reference)(v4);    // for float32 arguments; null: ndtri
    double margin;          // relative
    quad (*exact)(double);  // for float64 arguments; null: ndtri
    double low, high;       // where float64 results are not trivial
    std::vector<double> critical;
};

template <class F>
Function make(const char* name, F, v4 (*reference)(v4), double margin, quad (*exact)(double), double low,
              double high, std::vector<double> critical) {
    return {name,
            [](Span<const float> x, Span<float> y, Accuracy a) { F{}(x, y, a); },
            [](Span<const double> x, Span<double> y, Accuracy a) { F{}(x, y, a); },
            reference,
            margin,
            exact,
            low,
            high,
            std::move(critical)};
}

#define EXTENDED(expression)       \
    [](double arg) -> quad {       \
        const long double x = arg; \
        return expression;         \
    }
#define QUAD(expression)     \
    [](double arg) -> quad { \
        const quad x = arg;  \
        return expression;   \
    }
#define VECTOR(expression) [](v4 x) -> v4 { return expression; }
#define MAKE(name, ...) make(#name, fn::name, __VA_ARGS__)

constexpr double tight = 0x1p-47, loose = 0x1p-42;

const std::vector<Function>& functions() {
    static const std::vector<Function> all = {
        MAKE(exp, _ZGVdN4v_exp, tight, EXTENDED(expl(x)), -745.2, 709.8, {1, 709.78, -708.4, -745.1, 0.0027}),
        MAKE(exp2, _ZGVdN4v_exp2, tight, EXTENDED(exp2l(x)), -1075, 1024,
             {1, 0.5, 1023, -1022, -1074, 0.0039}),
        MAKE(exp10, _ZGVdN4v_exp10, tight, EXTENDED(exp10l(x)), -323.7, 308.3,
             {1, 308.25, -307.6, -323.3, 22}),
        MAKE(expm1, _ZGVdN4v_expm1, tight, EXTENDED(expm1l(x)), -45, 709.8,
             {1, 0.0027, 60, -37, 0.69, 709.78}),
        MAKE(log, _ZGVdN4v_log, tight, EXTENDED(logl(x)), 5e-324, 1.79e308, {1, 0.6875, 1.375, 2, 2.7182818}),
        MAKE(log2, _ZGVdN4v_log2, tight, EXTENDED(log2l(x)), 5e-324, 1.79e308, {1, 0.6875, 1.375, 2, 0.5}),
        MAKE(log10, _ZGVdN4v_log10, tight, EXTENDED(log10l(x)), 5e-324, 1.79e308,
             {1, 0.6875, 1.375, 10, 100}),
        MAKE(log1p, _ZGVdN4v_log1p, tight, EXTENDED(log1pl(x)), -1, 1.79e308,
             {-1, 1, 0.0039, 0.375, -0.3125, 1e-16}),
        MAKE(sin, _ZGVdN4v_sin, tight, EXTENDED(sinl(x)), -1.79e308, 1.79e308,
             {0.7853981633974483, 1048576, 3.14}),
        MAKE(cos, _ZGVdN4v_cos, tight, EXTENDED(cosl(x)), -1.79e308, 1.79e308,
             {0.7853981633974483, 1048576, 3.14}),
        MAKE(tanh, _ZGVdN4v_tanh, tight, EXTENDED(tanhl(x)), -22, 22, {0.125, 1, 19.06, 20}),
        MAKE(sigmoid, sigmoid4, tight, EXTENDED(x >= 0 ? 1 / (1 + expl(-x)) : expl(x) / (1 + expl(x))),
             -745.2, 40, {1, -708.4, -745.1, -36.7, 37}),
        MAKE(log_sigmoid, VECTOR(-softplus4(-x)), tight, EXTENDED(-(fmaxl(-x, 0) + log1pl(expl(-fabsl(x))))),
             -1e3, 745.2, {1, 708.4, 745.1, 30, -37}),
        MAKE(softplus, softplus4, tight, EXTENDED(fmaxl(x, 0) + log1pl(expl(-fabsl(x)))), -745.2, 1e3,
             {1, -708.4, -745.1, -30, 37}),
        MAKE(silu, VECTOR(gated4(x, sigmoid4(x))), tight,
             EXTENDED(x >= 0 ? x / (1 + expl(-x)) : x * expl(x) / (1 + expl(x))), -752, 100,
             {1, -708.4, -745.1, -1.28}),
        MAKE(gelu_tanh, gelu_tanh4, loose, QUAD(quad_gelu_tanh(x)), -22, 30, {1, -21.5, -0.75}),
        MAKE(erf, _ZGVdN4v_erf, tight, EXTENDED(erfl(x)), -6, 6, {0.125, 0.5, 1, 5.92}),
        MAKE(erfc, _ZGVdN4v_erfc, tight, QUAD(erfcq(x)), -6, 27.3, {0.125, 0.5, 1, 26.54, 27.2}),
        MAKE(erfcx, erfcx4, loose, QUAD(quad_erfcx(x)), -26.7, 1.79e308, {0.5, 1, 32, -26.6, 7}),
        MAKE(ndtr, ndtr4, loose, QUAD(quad_ndtr(x)), -38.6, 8.4, {-0.7071, 1, -37.5, -38.4, 5}),
        MAKE(log_ndtr, log_ndtr4, loose, QUAD(quad_log_ndtr(x)), -1e154, 38.6, {-1, 6.5, 37.5, 38.4, -45}),
        MAKE(ndtri, nullptr, loose, nullptr, 5e-324, 1, {0.25, 0.75, 0.5, 0.4375, 0.5625, 1}),
        MAKE(gelu, VECTOR(gated4(x, ndtr4(x))), loose, QUAD(x * quad_ndtr(x)), -38.7, 10,
             {-0.7071, 1, -37.5, -38.4, -0.7517}),
        MAKE(rsqrt, VECTOR(1 / vsqrt(x)), tight, EXTENDED(1 / sqrtl(x)), 5e-324, 1.79e308, {1, 4, 2}),
        MAKE(cbrt, _ZGVdN4v_cbrt, tight, EXTENDED(cbrtl(x)), -1.79e308, 1.79e308, {1, 8, 2, 64}),
        MAKE(log_gamma, log_gamma4, tight, QUAD(lgammaq(x)), 5e-324, 2.55e305, {1, 2, 1.5, 0.5, 2.5, 16, 15}),
    };
    return all;
}
// silu, gelu and gelu_tanh are x/2 + c x^2 (1 + O(x)) around 0 with c > 0.
bool is_half_at_zero(const std::string& name) {
    return name == "silu" || name == "gelu" || name == "gelu_tanh";
}

std::uint32_t word_of(float x) {
    std::uint32_t word;
    std::memcpy(&word, &x, sizeof word);
    return word;
}
float float_of(std::uint32_t word) {
    float x;
    std::memcpy(&x, &word, sizeof x);
    return x;
}

// ---- float32, all of it ---------------------------------------------------------------------------------

enum class Verdict { right, wrong, open };

Verdict judge(double reference, double margin, float got) {
    if (std::isnan(reference)) return word_of(got) == 0x7fc00000U ? Verdict::right : Verdict::wrong;
    if (reference == 0 || std::isinf(reference)) {
        return word_of(got) == word_of(static_cast<float>(reference)) ? Verdict::right : Verdict::wrong;
    }
    const double width = std::fabs(reference) * margin;
    const float low = static_cast<float>(reference - width), high = static_cast<float>(reference + width);
    const bool same = word_of(got) == word_of(static_cast<float>(reference));
    if (word_of(low) == word_of(high)) return same ? Verdict::right : Verdict::wrong;
    return word_of(got) == word_of(low) || word_of(got) == word_of(high) ? Verdict::open : Verdict::wrong;
}

// got is the float32 nearest to the inverse of p iff p lies between ndtr of its two rounding boundaries.
Verdict judge_ndtri(float p, float got) {
    if (!(p > 0 && p < 1)) {
        const double edge = p == 0 ? -infinity : p == 1 ? infinity : std::nan("");
        return judge(edge, 0, got);
    }
    if (!std::isfinite(got)) return Verdict::wrong;
    const double q = double{p} - 0.5;
    if (q == 0) return word_of(got) == 0 ? Verdict::right : Verdict::wrong;
    Verdict verdict = Verdict::right;
    for (const float beyond : {-INFINITY, INFINITY}) {
        const double m = (double{got} + double{std::nextafterf(got, beyond)}) / 2;
        // Sign of inverse(p) - m, from the smaller tail or from around the middle.
        double at, want;
        if (std::fabs(q) <= 0.25) {
            at = std::erf(m * root_half) / 2;
            want = q;
        } else {
            at = std::erfc(std::fabs(m) * root_half) / (p < 0.5F ? 2 : -2);
            want = p < 0.5F ? double{p} : -(1 - double{p});
        }
        const double distance = (want - at) * (beyond > 0 ? -1 : 1);  // positive: inside
        const double width = std::fabs(at) * loose;
        if (distance < -width) return Verdict::wrong;
        if (distance <= width) verdict = Verdict::open;
    }
    return verdict;
}

// Of a float32 result against a float64 reference, in ulp of the reference.
double ulp_error32(float got, double reference) {
    if (std::isnan(reference) || std::isnan(got))
        return std::isnan(reference) && std::isnan(got) ? 0 : infinity;
    const float rounded = static_cast<float>(reference);
    if (word_of(rounded) == word_of(got)) return 0.5;
    if (reference == 0 || std::isinf(reference) || std::isinf(got)) {
        // Overflow counts from the largest number's ulp.
        if (std::isinf(rounded) != std::isinf(got) && std::fabs(reference) < 3.5e38 &&
            !std::isinf(reference)) {
            const double value = std::isinf(got) ? std::copysign(0x1p128, got) : double{got};
            return std::fabs(value - reference) / 0x1p104;
        }
        return infinity;
    }
    const int e = std::max(std::ilogb(reference), -126);
    return std::fabs(got - reference) / std::ldexp(1.0, e - 23);
}

// Calls body(x, n) for blocks of every stride-th float32.
template <class Body>
std::uint64_t for_all_floats(std::uint64_t stride, std::uint64_t offset, Body body) {
    constexpr std::size_t block = 1 << 14;
    std::vector<float> x(block);
    std::uint64_t inputs = 0;
    for (std::uint64_t word = offset; word < std::uint64_t{1} << 32;) {
        std::size_t n = 0;
        for (; n < block && word < std::uint64_t{1} << 32; word += stride) {
            x[n++] = float_of(static_cast<std::uint32_t>(word));
        }
        body(x.data(), n);
        inputs += n;
    }
    return inputs;
}

// Whether all n <= 64 results are right beyond doubt; the loop is one the compiler vectorises.
bool all_right(const double* reference, double margin, const float* got, std::size_t n) {
    std::uint32_t doubt = 0;
    for (std::size_t i = 0; i < n; ++i) {
        const double width = std::fabs(reference[i]) * margin;
        const float low = static_cast<float>(reference[i] - width),
                    high = static_cast<float>(reference[i] + width);
        std::uint32_t a, b, c;
        std::memcpy(&a, &low, 4);
        std::memcpy(&b, &high, 4);
        std::memcpy(&c, &got[i], 4);
        doubt |= (a ^ b) | (a ^ c);
    }
    return doubt == 0;
}

void evaluate_reference(const Function& f, const float* x, double* y, std::size_t n) {
    for (std::size_t i = 0; i < n; i += 4) {
        const std::size_t count = std::min<std::size_t>(4, n - i);
        v4 in = {1, 1, 1, 1};
        for (std::size_t k = 0; k < count; ++k) in[k] = x[i + k];
        const v4 out = f.reference(in);
        for (std::size_t k = 0; k < count; ++k) y[i + k] = out[k];
    }
}

int exhaustive(const Function& f, std::uint64_t stride, std::uint64_t offset) {
    std::vector<float> y(1 << 14);
    std::vector<double> reference(1 << 14);
    std::uint64_t wrong = 0, open = 0;
    const bool halves = is_half_at_zero(f.name), inverse = f.reference == nullptr;
    const std::uint64_t inputs = for_all_floats(stride, offset, [&](const float* x, std::size_t n) {
        f.float32({x, n}, {y.data(), n}, Accuracy::best);
        if (!inverse) evaluate_reference(f, x, reference.data(), n);
        for (std::size_t i = 0; i < n; ++i) {
            if (i % 64 == 0 && !inverse) {
                const std::size_t some = std::min<std::size_t>(64, n - i);
                const bool halved =
                    halves && (std::fabs(x[i]) < 1e-9F || !(std::fabs(x[i + some - 1]) > 1e-9F));
                if (!halved && all_right(&reference[i], f.margin, &y[i], some)) {
                    i += some - 1;
                    continue;
                }
            }
            const bool near_zero = halves && x[i] != 0 && std::fabs(x[i]) < 0x1p-60F;
            // Just above x/2: rounds as the function does, ties of x/2 included.
            const Verdict verdict = inverse     ? judge_ndtri(x[i], y[i])
                                    : near_zero ? judge(std::nextafter(double{x[i]} / 2, infinity), 0, y[i])
                                                : judge(reference[i], f.margin, y[i]);
            if (verdict == Verdict::right) continue;
            std::uint64_t& count = verdict == Verdict::wrong ? wrong : open;
            if (++count < 1000000)
                std::printf("%c %08x %08x\n", verdict == Verdict::wrong ? '!' : '?', word_of(x[i]),
                            word_of(y[i]));
        }
    });
    std::printf("{\"function\": \"%s\", \"inputs\": %llu, \"misrounded\": %llu, \"open\": %llu}\n", f.name,
                static_cast<unsigned long long>(inputs), static_cast<unsigned long long>(wrong),
                static_cast<unsigned long long>(open));
    return 0;
}

int fast(const Function& f, std::uint64_t stride, std::uint64_t offset) {
    std::vector<float> best(1 << 14), y(1 << 14);
    double worst = 0.5;
    std::uint32_t worst_input = 0;
    std::uint64_t differs = 0;
    const std::uint64_t inputs = for_all_floats(stride, offset, [&](const float* x, std::size_t n) {
        f.float32({x, n}, {best.data(), n}, Accuracy::best);
        f.float32({x, n}, {y.data(), n}, Accuracy::fast);
        for (std::size_t i = 0; i < n; ++i) {
            if (word_of(best[i]) == word_of(y[i])) continue;
            ++differs;
            const double x64 = x[i];
            const double error =
                ulp_error32(y[i], f.reference != nullptr ? f.reference(v4{x64, x64, x64, x64})[0] : best[i]);
            if (error > worst) {
                worst = error;
                worst_input = word_of(x[i]);
            }
        }
    });
    std::printf(
        "{\"function\": \"%s\", \"inputs\": %llu, \"not_nearest\": %llu, \"ulp\": %.6g, \"worst_input\": "
        "\"%a\"}\n",
        f.name, static_cast<unsigned long long>(inputs), static_cast<unsigned long long>(differs),
        std::isinf(worst) ? 1e300 : worst, static_cast<double>(float_of(worst_input)));
    return 0;
}

// ---- float64, sampled -----------------------------------------------------------------------------------

struct Random {
    std::uint64_t state;
    std::uint64_t next() {  // SplitMix64
        std::uint64_t z = state += 0x9e3779b97f4a7c15ULL;
        z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
        z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
        return z ^ (z >> 31);
    }
    double uniform() { return static_cast<double>(next() >> 11) * 0x1p-53; }
};

// Six strata: bit patterns of the domain, uniform, uniform around 0, near critical points, near 1 and
// multiples of pi/2, small magnitudes.
double draw(const Function& f, Random& random, std::uint64_t index) {
    for (;;) {
        double x = 0;
        switch (index % 6) {
            case 0: {
                const std::uint64_t word = random.next();
                std::memcpy(&x, &word, sizeof x);
                break;
            }
            case 1:
                x = f.low + (f.high - f.low) * random.uniform();
                break;
            case 2:
                x = std::ldexp(2 * random.uniform() - 1, static_cast<int>(random.next() % 7));
                break;
            case 3: {
                const double c = f.critical[random.next() % f.critical.size()];
                x = c * (1 + std::ldexp(2 * random.uniform() - 1, -static_cast<int>(random.next() % 53)));
                if ((random.next() & 1) != 0) x = -x;
                break;
            }
            case 4: {
                const auto k = static_cast<double>(random.next() >> (32 + random.next() % 31));
                x = (random.next() & 1) != 0
                        ? k * M_PI_2
                        : 1 + std::ldexp(random.uniform() - 0.5, -static_cast<int>(random.next() % 52));
                for (auto steps = random.next() % 3; steps > 0; --steps) x = std::nextafter(x, 0);
                break;
            }
            default:
                x = std::ldexp(2 * random.uniform() - 1, -static_cast<int>(random.next() % 80));
                break;
        }
        if (x >= f.low && x <= f.high) return x;
        if (index % 6 != 0) index = random.next();
    }
}

double ulp_error64(double got, quad exact) {
    if (isnanq(exact) || std::isnan(got)) return isnanq(exact) && std::isnan(got) ? 0 : infinity;
    const quad magnitude = fabsq(exact);
    // The boundary of rounding to infinity.
    if (magnitude >= 0x1.fffffffffffff8p1023Q) return std::isinf(got) ? 0 : infinity;
    if (std::isinf(got)) return infinity;
    if (exact == 0) return got == 0 ? 0 : infinity;
    int e;
    frexpq(magnitude, &e);
    const quad unit = ldexpq(1, std::max(e - 1, -1022) - 52);
    return static_cast<double>(fabsq(got - exact) / unit);
}

int sampled(const Function& f, std::uint64_t count, std::uint64_t seed) {
    constexpr std::size_t block = 1 << 12;
    std::vector<double> x(block), y(block);
    Random random{seed};
    double worst = 0, worst_input = 0, worst_result = 0;
    for (std::uint64_t done = 0; done < count;) {
        const std::size_t n = static_cast<std::size_t>(std::min<std::uint64_t>(block, count - done));
        for (std::size_t i = 0; i < n; ++i) x[i] = draw(f, random, done + i);
        f.float64({x.data(), n}, {y.data(), n}, Accuracy::best);
        for (std::size_t i = 0; i < n; ++i) {
            const bool inverse = f.exact == nullptr;
            if (inverse && !(x[i] > 0 && x[i] < 1)) continue;
            const double error = ulp_error64(y[i], inverse ? quad_ndtri(x[i], y[i]) : f.exact(x[i]));
            if (error > worst) {
                worst = error;
                worst_input = x[i];
                worst_result = y[i];
            }
        }
        done += n;
    }
    std::printf(
        "{\"function\": \"%s\", \"n\": %llu, \"seed\": %llu, \"ulp\": %.6g, \"worst_input\": \"%a\", "
        "\"worst_result\": \"%a\"}\n",
        f.name, static_cast<unsigned long long>(count), static_cast<unsigned long long>(seed),
        std::isinf(worst) ? 1e300 : worst, worst_input, worst_result);
    return 0;
}

// ---- pow ------------------------------------------------------------------------------------------------

int sampled_pow(std::uint64_t count, std::uint64_t seed, bool single) {
    Random random{seed};
    double worst = 0, wx = 0, wy = 0;
    constexpr std::size_t block = 1 << 12;
    std::vector<double> x(block), y(block), r(block);
    std::vector<float> xf(block), yf(block), rf(block);
    for (std::uint64_t done = 0; done < count; done += block) {
        for (std::size_t i = 0; i < block; ++i) {
            // The result spread over the whole range: y from log2 of the result.
            const std::uint64_t kind = random.next() % 4;
            const double range = single ? 126 : 1022;
            x[i] = kind == 0   ? std::exp2((2 * random.uniform() - 1) * range)
                   : kind == 1 ? 1 + std::ldexp(random.uniform() - 0.5,
                                                -static_cast<int>(random.next() % (single ? 23 : 50)))
                               : std::ldexp(1 + random.uniform(), static_cast<int>(random.next() % 9) - 4);
            const double target = (2 * random.uniform() - 1) * (single ? 152 : 1080);
            y[i] = kind == 3 ? std::nearbyint(target / 8) / 4 : target / std::log2(x[i]);
            if (kind == 3 && (random.next() & 1) != 0 && y[i] == std::floor(y[i])) x[i] = -x[i];
            if (!std::isfinite(y[i])) y[i] = 0.5;
            xf[i] = static_cast<float>(x[i]);
            yf[i] = static_cast<float>(y[i]);
        }
        if (single) {
            fn::pow(Span<const float>(xf), Span<const float>(yf), Span<float>(rf));
        } else {
            fn::pow(Span<const double>(x), Span<const double>(y), Span<double>(r));
        }
        for (std::size_t i = 0; i < block; ++i) {
            double error;
            if (single) {
                const long double exact = powl(xf[i], yf[i]);
                if (fabsl(exact) >= 0x1.ffffffp127L) {
                    error = std::isinf(rf[i]) ? 0 : infinity;
                } else if (std::isnan(exact) || exact == 0) {
                    error = std::isnan(exact) == std::isnan(rf[i]) ? 0 : infinity;
                } else {
                    const int e = std::max(std::ilogb(exact), -126);
                    error = static_cast<double>(fabsl(rf[i] - exact) / ldexpl(1, e - 23));
                }
            } else {
                error = ulp_error64(r[i], powl(x[i], y[i]));
            }
            if (error > worst) {
                worst = error;
                wx = single ? xf[i] : x[i];
                wy = single ? yf[i] : y[i];
            }
        }
    }
    std::printf(
        "{\"function\": \"pow\", \"dtype\": \"%s\", \"n\": %llu, \"seed\": %llu, \"ulp\": %.6g, "
        "\"worst_input\": [\"%a\", \"%a\"]}\n",
        single ? "float32" : "float64", static_cast<unsigned long long>(count),
        static_cast<unsigned long long>(seed), std::isinf(worst) ? 1e300 : worst, wx, wy);
    return 0;
}

template <class T>
int evaluate(void (*function)(Span<const T>, Span<T>, Accuracy), Accuracy accuracy) {
    std::vector<T> x;
    T value;
    while (std::fread(&value, sizeof value, 1, stdin) == 1) x.push_back(value);
    std::vector<T> y(x.size());
    function(x, y, accuracy);
    return std::fwrite(y.data(), sizeof(T), y.size(), stdout) == y.size() ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
    const std::string mode = argc > 1 ? argv[1] : "", name = argc > 2 ? argv[2] : "";
    const auto number = [&](int at, std::uint64_t otherwise) {
        return argc > at ? std::strtoull(argv[at], nullptr, 0) : otherwise;
    };
    if (mode == "sampled" && name.rfind("pow", 0) == 0) {
        return sampled_pow(number(3, 1000000), number(4, 1), name == "pow32");
    }
    for (const Function& f : functions()) {
        if (f.name != name) continue;
        if (mode == "exhaustive") return exhaustive(f, number(3, 1), number(4, 0));
        if (mode == "fast") return fast(f, number(3, 1), number(4, 0));
        if (mode == "sampled") return sampled(f, number(3, 1000000), number(4, 1));
        if (mode == "evaluate") {
            const Accuracy accuracy =
                argc > 4 && std::string(argv[4]) == "fast" ? Accuracy::fast : Accuracy::best;
            return std::string(argv[3]) == "float32" ? evaluate(f.float32, accuracy)
                                                     : evaluate(f.float64, accuracy);
        }
    }
    std::fprintf(stderr, "usage: functions_oracle exhaustive|fast|sampled|evaluate NAME ...\n");
    return 2;
}
