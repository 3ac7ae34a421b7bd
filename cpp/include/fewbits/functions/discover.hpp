// Straight-line programs on vectors: their values, the fit of their constants to a function, and their error.
//
// Registers: 0 is x, 1 ... constants are the constants, then one for the result of each instruction; the last
// is the value of the program. fma(a, b, c) = a b + c.
//   evaluate        float64 or float32, one rounding an operation
//   fit_program     constants that minimise max |w P(x) - t| over nodes: Levenberg-Marquardt for the sum of
//                   squares, then exchange steps (Newton on the alternating extrema) as long as they help
//   worst_ulps      largest error in float32 units in the last place, against float64 references
//   tune_float32    float32 constants, moved by units in the last place as long as the worst error falls
// A constant that the others make redundant stays where it is (rank from a QR with pivots). Not to be trusted
// below 1e-14 in float64: the Python side polishes with more digits. Deterministic, whatever the threads.
// Source: E. Real et al., "AutoNumerics-Zero", arXiv 2312.08472; exchange: E. Remez (1934), E. Cheney,
// "Introduction to Approximation Theory" (1966); D. Marquardt, SIAM J. 11 (1963).
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <vector>

#include "fewbits/core/error.hpp"
#include "fewbits/core/parallel.hpp"
#include "fewbits/core/random.hpp"
#include "fewbits/core/span.hpp"
#include "fewbits/simd/f32x8.hpp"
#include "fewbits/simd/f64x4.hpp"

namespace fewbits {
inline namespace FEWBITS_ISA {
namespace functions {

enum class Operation : std::int32_t { add, sub, mul, div, fma, sqrt, min, max };

struct Instruction {
    Operation operation;
    std::int32_t a, b, c;  // registers; b counts for all but sqrt, c for fma
};

struct Program {
    std::size_t constants = 0;
    std::vector<Instruction> code;

    std::size_t registers() const { return 1 + constants + code.size(); }
    // Every operand stands before its instruction.
    void check() const {
        for (std::size_t i = 0; i < code.size(); ++i) {
            const auto limit = static_cast<std::int32_t>(1 + constants + i);
            for (const std::int32_t r : {code[i].a, code[i].b, code[i].c}) {
                FEWBITS_REQUIRE(r >= 0 && r < limit, "functions::discover: an operand is out of range");
            }
        }
        FEWBITS_REQUIRE(constants <= 64 && code.size() <= 256,
                        "functions::discover: the program is too large");
    }
};

namespace detail {

template <class V>
FEWBITS_INLINE V operate(Operation operation, V a, V b, V c) {
    switch (operation) {
        case Operation::add:
            return a + b;
        case Operation::sub:
            return a - b;
        case Operation::mul:
            return a * b;
        case Operation::div:
            return a / b;
        case Operation::fma:
            return fma(a, b, c);
        case Operation::sqrt:
            return sqrt(a);
        case Operation::min:
            return min(a, b);
        case Operation::max:
            return max(a, b);
    }
    return a;
}

// Values of all registers at `groups` vectors of points; column r is the register r.
template <class V, class T>
void run_program(const Program& program, const T* constants, const V* x, std::size_t groups,
                 std::vector<V>& registers) {
    registers.resize(program.registers() * groups, V::zero());
    std::copy(x, x + groups, registers.begin());
    for (std::size_t k = 0; k < program.constants; ++k) {
        std::fill_n(registers.begin() + static_cast<std::ptrdiff_t>((1 + k) * groups), groups,
                    V::broadcast(constants[k]));
    }
    V* out = registers.data() + (1 + program.constants) * groups;
    for (const Instruction& step : program.code) {
        const auto column = [&](std::int32_t r) {
            return registers.data() + static_cast<std::size_t>(r) * groups;
        };
        const V *a = column(step.a), *b = column(step.b), *c = column(step.c);
        for (std::size_t i = 0; i < groups; ++i) out[i] = operate(step.operation, a[i], b[i], c[i]);
        out += groups;
    }
}

// What a fit needs, shared by its steps. The points are padded to whole vectors with weight 0.
class Fit {
public:
    Fit(const Program& program, Span<const double> x, Span<const double> weight, Span<const double> target)
        : program_(program), points_(x.size()), n_(program.constants), groups_((x.size() + 3) / 4) {
        const auto padded = [&](Span<const double> from, double pad) {
            std::vector<double> values(groups_ * 4, pad);
            std::copy(from.begin(), from.end(), values.begin());
            std::vector<simd::f64x4> vectors(groups_, simd::f64x4::zero());
            for (std::size_t i = 0; i < groups_; ++i) vectors[i] = simd::f64x4::load(&values[4 * i]);
            return vectors;
        };
        x_ = padded(x, x.empty() ? 0 : x[0]);
        weight_ = padded(weight, 0);
        target_ = padded(target, 0);
        residual_.resize(groups_ * 4);
        jacobian_.resize(groups_ * 4 * n_);
    }

    // Residuals w P - t at the constants, and where wanted their derivatives; the largest magnitude.
    double evaluate(const double* constants, bool derivatives) {
        using simd::f64x4;
        run_program(program_, constants, x_.data(), groups_, registers_);
        const f64x4* value = registers_.data() + (program_.registers() - 1) * groups_;
        double worst = 0;
        for (std::size_t i = 0; i < groups_; ++i) {
            store(weight_[i] * value[i] - target_[i], &residual_[4 * i]);
        }
        for (std::size_t i = 0; i < points_; ++i) {
            const double size = std::fabs(residual_[i]);
            worst = size <= worst ? worst : size;  // nan and infinity stay
        }
        if (!(worst < 1e300)) return HUGE_VAL;
        if (!derivatives) return worst;
        // Backwards: the derivative of the value by every register.
        adjoint_.assign(program_.registers() * groups_, f64x4::zero());
        std::copy(weight_.begin(), weight_.end(),
                  adjoint_.begin() + static_cast<std::ptrdiff_t>((program_.registers() - 1) * groups_));
        for (std::size_t k = program_.code.size(); k-- > 0;) {
            const Instruction& step = program_.code[k];
            const std::size_t at = (1 + program_.constants + k) * groups_;
            const std::size_t a = static_cast<std::size_t>(step.a) * groups_,
                              b = static_cast<std::size_t>(step.b) * groups_,
                              c = static_cast<std::size_t>(step.c) * groups_;
            for (std::size_t i = 0; i < groups_; ++i) {
                const f64x4 g = adjoint_[at + i], u = registers_[a + i], v = registers_[b + i];
                const auto give = [&](std::size_t to, f64x4 d) { adjoint_[to + i] = adjoint_[to + i] + d; };
                switch (step.operation) {
                    case Operation::add:
                        give(a, g), give(b, g);
                        break;
                    case Operation::sub:
                        give(a, g), give(b, -g);
                        break;
                    case Operation::mul:
                        give(a, g * v), give(b, g * u);
                        break;
                    case Operation::div: {
                        const f64x4 q = g / v;
                        give(a, q), give(b, -(q * registers_[at + i]));
                        break;
                    }
                    case Operation::fma:
                        give(a, g * v), give(b, g * u), give(c, g);
                        break;
                    case Operation::sqrt:
                        give(a, g / (registers_[at + i] + registers_[at + i]));
                        break;
                    case Operation::min:
                    case Operation::max: {
                        const auto first = step.operation == Operation::min ? u < v : u > v;
                        give(a, select(first, g, f64x4::zero())), give(b, select(first, f64x4::zero(), g));
                        break;
                    }
                }
            }
        }
        for (std::size_t k = 0; k < n_; ++k) {
            for (std::size_t i = 0; i < groups_; ++i) {
                store(adjoint_[(1 + k) * groups_ + i], &jacobian_[(k * groups_ + i) * 4]);
            }
        }
        return worst;
    }

    std::size_t points() const { return points_; }
    double residual(std::size_t i) const { return residual_[i]; }
    double derivative(std::size_t i, std::size_t k) const { return jacobian_[k * groups_ * 4 + i]; }

private:
    const Program& program_;
    std::size_t points_, n_, groups_;
    std::vector<simd::f64x4> x_, weight_, target_, registers_, adjoint_;
    std::vector<double> residual_, jacobian_;
};

// Least squares by Householder QR with column pivoting: `a` has `rows` x `columns` in columns, `b` the right
// side; both are overwritten. Columns below `tolerance` of the first pivot get 0. Returns the rank.
inline std::size_t least_squares(std::vector<double>& a, std::vector<double>& b, std::size_t rows,
                                 std::size_t columns, double tolerance, std::vector<double>& x) {
    std::vector<std::size_t> order(columns);
    for (std::size_t k = 0; k < columns; ++k) order[k] = k;
    x.assign(columns, 0);
    std::size_t rank = 0;
    double first = 0;
    const auto column = [&](std::size_t k) { return a.data() + order[k] * rows; };
    std::vector<double> diagonal(columns);
    for (; rank < std::min(rows, columns); ++rank) {
        double best = -1;
        std::size_t pivot = rank;
        for (std::size_t k = rank; k < columns; ++k) {
            double norm = 0;
            for (std::size_t i = rank; i < rows; ++i) norm += column(k)[i] * column(k)[i];
            if (norm > best) best = norm, pivot = k;
        }
        const double length = std::sqrt(best);
        if (rank == 0) first = length;
        if (!(length > tolerance * first) || !(length < 1e200)) break;
        std::swap(order[rank], order[pivot]);
        double* v = column(rank);
        const double alpha = v[rank] > 0 ? -length : length;
        v[rank] -= alpha;
        diagonal[rank] = alpha;
        const double scale = 1 / (alpha * v[rank]);  // -2 / |v|^2
        const auto reflect = [&](double* y) {
            double dot = 0;
            for (std::size_t i = rank; i < rows; ++i) dot += v[i] * y[i];
            dot *= scale;
            for (std::size_t i = rank; i < rows; ++i) y[i] += dot * v[i];
        };
        for (std::size_t k = rank + 1; k < columns; ++k) reflect(column(k));
        reflect(b.data());
    }
    for (std::size_t k = rank; k-- > 0;) {
        double value = b[k];
        for (std::size_t j = k + 1; j < rank; ++j) value -= column(j)[k] * x[order[j]];
        x[order[k]] = value / diagonal[k];
    }
    return rank;
}

// Sum of squares at its minimum near `c`, by damped Gauss-Newton steps; returns the largest residual.
inline double minimise_squares(Fit& fit, std::vector<double>& c, int iterations) {
    const std::size_t n = c.size(), m = fit.points();
    const auto squares = [&] {
        double sum = 0;
        for (std::size_t i = 0; i < m; ++i) sum += fit.residual(i) * fit.residual(i);
        return sum;
    };
    double worst = fit.evaluate(c.data(), true);
    if (n == 0 || !(worst < HUGE_VAL)) return worst;
    double current = squares(), damping = 1e-3;
    std::vector<double> matrix((m + n) * n), right(m + n), residual(m), a, b, step, bend, trial(n);
    const auto solve = [&](std::vector<double>& result) {
        a = matrix;
        b = right;
        least_squares(a, b, m + n, n, 1e-15, result);
    };
    for (int iteration = 0; iteration < iterations; ++iteration) {
        for (std::size_t k = 0; k < n; ++k) {
            double norm = 0;
            for (std::size_t i = 0; i < m; ++i) {
                matrix[k * (m + n) + i] = fit.derivative(i, k);
                norm += fit.derivative(i, k) * fit.derivative(i, k);
            }
            for (std::size_t j = 0; j < n; ++j) matrix[k * (m + n) + m + j] = 0;
            matrix[k * (m + n) + m + k] = std::sqrt(damping * norm);
        }
        std::fill(right.begin(), right.end(), 0.0);
        for (std::size_t i = 0; i < m; ++i) {
            residual[i] = fit.residual(i);
            right[i] = -residual[i];
        }
        solve(step);
        // The valleys of rational functions bend: the second derivative along the step, by a difference,
        // turns it (M. Transtrum, J. Sethna, arXiv 1201.5885).
        constexpr double part = 0.1;
        for (std::size_t k = 0; k < n; ++k) trial[k] = c[k] + part * step[k];
        bend.assign(n, 0);
        if (fit.evaluate(trial.data(), false) < HUGE_VAL) {
            for (std::size_t i = 0; i < m; ++i) {
                double slope = 0;
                for (std::size_t k = 0; k < n; ++k) slope += matrix[k * (m + n) + i] * step[k];
                right[i] = -((fit.residual(i) - residual[i]) / part - slope) / part;
            }
            solve(bend);
            double turned = 0, straight = 0;
            for (std::size_t k = 0; k < n; ++k) {
                turned += bend[k] * bend[k];
                straight += step[k] * step[k];
            }
            if (!(turned < straight)) bend.assign(n, 0);
        }
        for (std::size_t k = 0; k < n; ++k) trial[k] = c[k] + step[k] + bend[k];
        double next = HUGE_VAL;
        if (fit.evaluate(trial.data(), false) < HUGE_VAL) next = squares();
        const bool settled = std::fabs(next - current) <= 1e-9 * current;
        if (next < current) {
            c = trial;
            current = next;
            damping = std::max(damping * 0.02, 1e-20);
        } else {
            damping *= 10;
        }
        // Along a narrow valley the first steps gain little, until the damping is below its curvature.
        if (damping > 1e8 || (settled && damping < 1e-12)) break;
        fit.evaluate(c.data(), true);
    }
    return fit.evaluate(c.data(), true);
}

// Points of the alternating extrema of the residual, one for each stretch of one sign.
inline std::vector<std::size_t> alternation(const Fit& fit) {
    std::vector<std::size_t> found;
    for (std::size_t i = 0; i < fit.points(); ++i) {
        const double r = fit.residual(i);
        if (r == 0) continue;
        if (!found.empty() && (fit.residual(found.back()) > 0) == (r > 0)) {
            if (std::fabs(r) > std::fabs(fit.residual(found.back()))) found.back() = i;
        } else {
            found.push_back(i);
        }
    }
    return found;
}

// Levels the residual: Newton steps on the largest alternating extrema, as long as the worst one falls.
inline double minimise_maximum(Fit& fit, std::vector<double>& c, int iterations) {
    const std::size_t n = c.size();
    double worst = fit.evaluate(c.data(), true);
    std::vector<double> a, b, step, trial(n);
    for (int iteration = 0; iteration < iterations && n > 0; ++iteration) {
        std::vector<std::size_t> at = alternation(fit);
        while (at.size() > n + 1) {  // drop the smaller end
            const bool front = std::fabs(fit.residual(at.front())) < std::fabs(fit.residual(at.back()));
            at.erase(front ? at.begin() : at.end() - 1);
        }
        const std::size_t rows = at.size();
        if (rows < 2) break;
        double least = worst;
        for (const std::size_t i : at) least = std::min(least, std::fabs(fit.residual(i)));
        if (least > worst * (1 - 1e-4)) break;
        // Newton's method for equal magnitudes at these points. Its first step may leave the curved valley of
        // good constants, from where the next ones come back; the best constants on the way are kept.
        std::vector<double> signs(rows), current = c;
        for (std::size_t j = 0; j < rows; ++j) signs[j] = fit.residual(at[j]) > 0 ? -1 : 1;
        bool better = false;
        const double before = worst;
        for (int inner = 0; inner < 6; ++inner) {
            // Unknowns: the steps of the constants, and the level.
            a.assign(rows * (n + 1), 0);
            b.assign(rows, 0);
            for (std::size_t j = 0; j < rows; ++j) {
                for (std::size_t k = 0; k < n; ++k) {
                    // Relative to the constant, so that pivots compare like with like.
                    a[k * rows + j] = fit.derivative(at[j], k) * (current[k] != 0 ? current[k] : 1);
                }
                a[n * rows + j] = signs[j];
                b[j] = -fit.residual(at[j]);
            }
            least_squares(a, b, rows, n + 1, 1e-14, step);
            bool accepted = false;
            for (double length = 1; length > 0.05 && !accepted; length *= inner == 0 ? 0.3 : 0) {
                for (std::size_t k = 0; k < n; ++k) {
                    trial[k] = current[k] + length * step[k] * (current[k] != 0 ? current[k] : 1);
                }
                const double next = fit.evaluate(trial.data(), true);
                accepted = next < 1e4 * before;
                if (next < worst) {
                    better = true;
                    worst = next;
                    c = trial;
                }
            }
            if (!accepted) break;
            current = trial;
        }
        fit.evaluate(c.data(), true);
        if (!better) break;
    }
    return worst;
}

}  // namespace detail

// Values of a program at points.
inline void evaluate(const Program& program, Span<const double> constants, Span<const double> x,
                     Span<double> out) {
    program.check();
    FEWBITS_REQUIRE(constants.size() == program.constants && x.size() == out.size(),
                    "functions::discover: constants or out have the wrong size");
    std::vector<simd::f64x4> registers;
    for (std::size_t i = 0; i < x.size(); i += 4) {
        const std::size_t count = std::min<std::size_t>(4, x.size() - i);
        double padded[4] = {x[i], x[i], x[i], x[i]};
        std::copy(x.begin() + i, x.begin() + i + count, padded);
        const simd::f64x4 point = simd::f64x4::load(padded);
        detail::run_program(program, constants.data(), &point, 1, registers);
        store_partial(canonical_nan(registers.back()), out.data() + i, count);
    }
}
inline void evaluate(const Program& program, Span<const float> constants, Span<const float> x,
                     Span<float> out) {
    program.check();
    FEWBITS_REQUIRE(constants.size() == program.constants && x.size() == out.size(),
                    "functions::discover: constants or out have the wrong size");
    constexpr std::size_t groups = 32;
    std::vector<simd::f32x8> registers, points(groups, simd::f32x8::zero());
    for (std::size_t begin = 0; begin < x.size(); begin += 8 * groups) {
        const std::size_t count = std::min(8 * groups, x.size() - begin);
        float values[8 * groups] = {};
        std::copy(x.begin() + begin, x.begin() + begin + count, values);
        for (std::size_t i = 0; i < groups; ++i) points[i] = simd::f32x8::load(values + 8 * i);
        detail::run_program(program, constants.data(), points.data(), groups, registers);
        for (std::size_t i = 0; i < groups; ++i) {
            store(canonical_nan(registers[(program.registers() - 1) * groups + i]), values + 8 * i);
        }
        std::copy(values, values + count, out.begin() + begin);
    }
}

// Fits the constants from several starts and keeps the best: `starts` holds rows of program.constants values.
// The largest |w P - t| over the points `check` of the result, HUGE_VAL where no start is finite.
inline double fit_program(const Program& program, Span<const double> starts, Span<const double> x,
                          Span<const double> weight, Span<const double> target, Span<const double> check_x,
                          Span<const double> check_weight, Span<const double> check_target, int iterations,
                          Span<double> constants) {
    program.check();
    const std::size_t n = program.constants;
    FEWBITS_REQUIRE(constants.size() == n && (n == 0 || starts.size() % n == 0),
                    "functions::discover: starts must hold rows of constants");
    FEWBITS_REQUIRE(!program.code.empty(), "functions::discover: the program is empty");
    detail::Fit fit(program, x, weight, target);
    std::vector<double> best(n), c(n);
    double lowest = HUGE_VAL;
    const std::size_t rows = n == 0 ? 1 : starts.size() / n;
    for (std::size_t row = 0; row < rows; ++row) {
        if (n != 0) std::copy_n(starts.begin() + row * n, n, c.begin());
        const double worst = detail::minimise_squares(fit, c, iterations);
        if (worst < lowest) {
            lowest = worst;
            best = c;
        }
    }
    if (!(lowest < HUGE_VAL)) return HUGE_VAL;
    detail::minimise_maximum(fit, best, 12);
    detail::Fit checked(program, check_x, check_weight, check_target);
    std::copy(best.begin(), best.end(), constants.begin());
    return checked.evaluate(best.data(), false);
}

// Largest error of the float32 program in units in the last place of the reference, and where it is.
inline double worst_ulps(const Program& program, Span<const float> constants, Span<const float> x,
                         Span<const double> reference, std::size_t& where) {
    FEWBITS_REQUIRE(x.size() == reference.size(), "functions::discover: reference must have the size of x");
    std::vector<float> y(x.size());
    evaluate(program, constants, x, Span<float>(y));
    double worst = 0;
    for (std::size_t i = 0; i < x.size(); ++i) {
        // 2^(max(e, -126) - 23) of the reference.
        std::uint64_t word;
        std::memcpy(&word, &reference[i], sizeof word);
        const std::uint64_t biased = std::max<std::uint64_t>(word >> 52 & 0x7ff, 1023 - 126) - 23;
        const std::uint64_t unit_word = biased << 52;
        double unit;
        std::memcpy(&unit, &unit_word, sizeof unit);
        const double error = std::fabs(double{y[i]} - reference[i]) / unit;
        if (!(error <= worst)) {
            worst = error;
            where = i;
        }
    }
    return worst;
}

// Moves float32 constants by up to `radius` units in the last place, one at a time and then several at once,
// as long as the worst error over the points falls; `tries` random moves at the end. Returns that error.
inline double tune_float32(const Program& program, Span<float> constants, Span<const float> x,
                           Span<const double> reference, int radius, std::size_t tries, std::uint64_t seed) {
    std::size_t where = 0;
    std::vector<float> best(constants.begin(), constants.end());
    double lowest = worst_ulps(program, Span<const float>(best), x, reference, where);
    const auto moved = [](float value, int steps) {
        for (; steps > 0; --steps) value = std::nextafter(value, HUGE_VALF);
        for (; steps < 0; ++steps) value = std::nextafter(value, -HUGE_VALF);
        return value;
    };
    // The point of the worst error so far refutes most moves at once.
    const auto attempt = [&](const std::vector<float>& trial) {
        std::size_t at = where, unused = 0;
        const double here = worst_ulps(program, Span<const float>(trial), Span<const float>(&x[at], 1),
                                       Span<const double>(&reference[at], 1), unused);
        if (!(here < lowest)) return false;
        const double worst = worst_ulps(program, Span<const float>(trial), x, reference, at);
        if (!(worst < lowest)) return false;
        lowest = worst;
        where = at;
        best = trial;
        return true;
    };
    for (bool better = true; better;) {
        better = false;
        for (std::size_t k = 0; k < best.size(); ++k) {
            for (int steps = -radius; steps <= radius; ++steps) {
                std::vector<float> trial = best;
                trial[k] = moved(trial[k], steps);
                better = (steps != 0 && attempt(trial)) || better;
            }
        }
    }
    const Philox random(seed);
    std::uint64_t draw = 0;
    for (std::size_t t = 0; t < tries && !best.empty(); ++t) {
        std::vector<float> trial = best;
        for (float& value : trial) {
            const auto width = static_cast<std::uint32_t>(2 * radius + 1);
            value = moved(value, static_cast<int>(random.draw32(draw++) % width) - radius);
        }
        attempt(trial);
    }
    std::copy(best.begin(), best.end(), constants.begin());
    return lowest;
}

}  // namespace functions
}  // namespace FEWBITS_ISA
}  // namespace fewbits
