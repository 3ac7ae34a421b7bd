// Iterative solvers of A x = b that say "converged" of a recomputed residual only.
//
//   cg                   conjugate gradients, with a preconditioner; A and M symmetric positive definite
//   conjugate_direction  directions from any function of the residual, made A-orthogonal to the last ones
//   gmres                GMRES(m), right preconditioned, flexible if asked
//
// Stopping: |b - A x| <= max(tol |b|, atol) for the b - A x computed anew; the recursive residual only tells
// when to look. Where the two disagree the residual is replaced and the direction begins anew; after two
// replacements a true residual that has not halved in 50 iterations ends the run as `stagnated`, with the
// best x seen. p^T A p <= 0 (or z^T r <= 0) ends it as `indefinite`. b is scaled by a power of two so that
// its largest element lies in [1, 2): squares neither overflow nor vanish.
//
// Contract: float and double; sums in double. Sources: M. Hestenes, E. Stiefel, J. Res. NBS 49 (1952); H. van
// der Vorst, Q. Ye, "Residual replacement strategies", SIAM J. Sci. Comput. 22 (2000); A. Kaneda et al., "A
// deep conjugate direction method", ICML 2023; Y. Saad, M. Schultz, SIAM J. Sci. Stat. Comput. 7 (1986).
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <functional>
#include <limits>
#include <string>
#include <type_traits>
#include <vector>

#include "fewbits/core/error.hpp"
#include "fewbits/core/isa.hpp"
#include "fewbits/core/span.hpp"
#include "fewbits/linalg/detail/vectors.hpp"
#include "fewbits/linalg/operator.hpp"

namespace fewbits {
inline namespace FEWBITS_ISA {
namespace linalg {

enum class Status { converged, max_iterations, stagnated, indefinite, nonfinite, user_stop };
inline constexpr const char* status_names[] = {"converged",  "max_iterations", "stagnated",
                                               "indefinite", "nonfinite",      "user_stop"};

struct IterationInfo {
    std::size_t iteration;
    double residual;  // the recursive one
};

struct SolveOptions {
    double tol = 1e-8, atol = 0;
    std::size_t max_iter = 0;                            // 0: 10 times the number of unknowns, at least 1000
    std::function<bool(const IterationInfo&)> callback;  // true ends the run
};

struct SolveReport {
    Status status = Status::converged;
    std::size_t iterations = 0;
    std::size_t replacements = 0;  // of the recursive residual by the true one
    std::size_t fallbacks = 0;     // of proposed directions to the residual
    double residual = 0, target = 0;
    double curvature = 0;         // the p^T A p or z^T r that was not positive
    std::vector<double> history;  // recursive residuals, from that of x0
    bool converged() const { return status == Status::converged; }
};

namespace detail {

// What the methods share: b scaled, true residuals, the rules of stopping. x is scaled as well in between.
template <class T, class A>
class Run {
public:
    Run(const A& a, Span<const T> b, Span<T> x, const SolveOptions& options, const char* name)
        : a_(a), x_(x), options_(options), b_(b.size()), r_(b.size()), best_() {
        const std::size_t n = b.size();
        FEWBITS_REQUIRE(a.rows() == a.cols(), std::string(name) + ": A must be square, got " +
                                                  std::to_string(a.rows()) + " by " +
                                                  std::to_string(a.cols()));
        FEWBITS_REQUIRE(a.rows() == n && x.size() == n,
                        std::string(name) + ": b and x must have " + std::to_string(a.rows()) +
                            " elements, got " + std::to_string(n) + " and " + std::to_string(x.size()));
        T largest = 0;
        for (const T v : b) {
            if (!std::isfinite(v)) nonfinite_ = true;
            largest = std::max(largest, static_cast<T>(std::fabs(v)));
        }
        for (const T v : x) nonfinite_ = nonfinite_ || !std::isfinite(v);
        if (largest > 0 && !nonfinite_) exponent_ = -std::ilogb(largest);
        for (std::size_t i = 0; i < n; ++i) b_[i] = std::ldexp(b[i], exponent_);
        for (T& v : x_) v = std::ldexp(v, exponent_);
        zero_ = largest == 0;
        report.target =
            std::max(options.tol * norm<T>(Span<const T>(b_)), std::ldexp(options.atol, exponent_));
        limit_ = options.max_iter != 0 ? options.max_iter : std::max<std::size_t>(1000, 10 * n);
    }
    Run(const Run&) = delete;
    Run& operator=(const Run&) = delete;

    Span<T> r() { return Span<T>(r_); }
    Span<const T> residual() const { return Span<const T>(r_); }
    std::size_t size() const { return b_.size(); }
    std::size_t limit() const { return limit_; }
    SolveReport report;

    // r = b - A x, and its norm; remembers the best x.
    double look() {
        a_.apply(Span<const T>(x_.data(), x_.size()), Span<T>(r_));
        for (std::size_t i = 0; i < r_.size(); ++i) r_[i] = b_[i] - r_[i];
        true_ = norm<T>(Span<const T>(r_));
        if (true_ < best_residual_) {
            best_residual_ = true_;
            best_.assign(x_.begin(), x_.end());
        }
        looked_at_ = report.iterations;
        return true_;
    }

    // Before the first iteration; false where there is nothing to do.
    bool begin() {
        if (nonfinite_) return end(Status::nonfinite);
        if (zero_) {
            std::fill(x_.begin(), x_.end(), T(0));
            best_residual_ = true_ = 0;
            report.history.push_back(0);
            best_.assign(x_.begin(), x_.end());
            return end(Status::converged);
        }
        const double norm = look();
        report.history.push_back(std::ldexp(norm, -exponent_));
        if (!std::isfinite(norm)) return end(Status::nonfinite);
        return norm <= report.target ? end(Status::converged) : true;
    }

    enum class Next { go_on, restart, ended };

    // After an iteration whose recursive residual is `norm`: go on, start a new direction from the replaced
    // residual, or stop.
    Next after(double norm) {
        ++report.iterations;
        report.history.push_back(std::ldexp(norm, -exponent_));
        if (!std::isfinite(norm)) return ended(Status::nonfinite);
        if (options_.callback && options_.callback({report.iterations, report.history.back()}))
            return ended(Status::user_stop, true);
        const bool small = norm <= report.target;
        const bool due = report.replacements >= 2 && report.iterations - looked_at_ >= 50;
        const bool last = report.iterations >= limit_;
        if (!small && !due && !last) return Next::go_on;
        const double before = reference_;
        const double now = look();
        if (now <= report.target) return ended(Status::converged);
        if (!std::isfinite(now)) return ended(Status::nonfinite);
        if (last) return ended(Status::max_iterations);
        ++report.replacements;
        if (now <= 0.5 * before) {
            reference_ = now;
            since_ = report.iterations;
        } else if (report.replacements > 2 && report.iterations - since_ >= 50) {
            return ended(Status::stagnated);
        }
        return Next::restart;
    }

    // After k iterations of GMRES at once, whose residual norms are norms[1] ... norms[k].
    Next after_cycle(std::size_t k, const double* norms) {
        for (std::size_t j = 1; j <= k; ++j) {
            ++report.iterations;
            report.history.push_back(std::ldexp(norms[j], -exponent_));
            if (options_.callback && options_.callback({report.iterations, report.history.back()}))
                return ended(Status::user_stop, true);
        }
        const double before = true_, now = look();
        if (now <= report.target) return ended(Status::converged);
        if (!std::isfinite(now)) return ended(Status::nonfinite);
        if (report.iterations >= limit_) return ended(Status::max_iterations);
        if (norms[k] <= report.target) ++report.replacements;
        if (now <= 0.5 * reference_) {
            reference_ = now;
            since_ = report.iterations;
        } else if (report.iterations - since_ >= 50 && now > 0.999 * before) {
            return ended(Status::stagnated);
        }
        return Next::restart;
    }

    bool end(Status status, bool look_again = false) {
        report.status = status;
        if (look_again) look();
        if (!best_.empty()) std::copy(best_.begin(), best_.end(), x_.begin());
        for (T& v : x_) v = std::ldexp(v, -exponent_);
        report.residual = std::ldexp(best_residual_, -exponent_);
        report.target = std::ldexp(report.target, -exponent_);
        if (nonfinite_) report.residual = std::numeric_limits<double>::quiet_NaN();
        return false;
    }
    Next ended(Status status, bool look_again = false) {
        end(status, look_again);
        return Next::ended;
    }
    // p^T A p or z^T r of the scaled problem was not positive.
    void not_positive(double curvature) {
        report.curvature = std::ldexp(curvature, -2 * exponent_);
        end(std::isfinite(curvature) ? Status::indefinite : Status::nonfinite, true);
    }

private:
    const A& a_;
    Span<T> x_;
    const SolveOptions& options_;
    std::vector<T> b_, r_, best_;
    int exponent_ = 0;
    bool zero_ = false, nonfinite_ = false;
    double true_ = 0, best_residual_ = std::numeric_limits<double>::infinity();
    double reference_ = std::numeric_limits<double>::infinity();
    std::size_t limit_ = 0, looked_at_ = 0, since_ = 0;
};

template <class T, class M>
void precondition(const M& m, Span<const T> r, Span<T> z) {
    if constexpr (std::is_same_v<M, Identity>)
        std::copy(r.begin(), r.end(), z.begin());
    else
        m.apply(r, z);
}

}  // namespace detail

// x holds the first guess and receives the solution. M applies an approximate inverse.
template <class T, class A, class M = Identity>
SolveReport cg(const A& a, Span<const T> b, Span<T> x, const SolveOptions& options = {}, const M& m = {}) {
    using detail::dot;
    detail::Run<T, A> run(a, b, x, options, "linalg::cg");
    if (!run.begin()) return run.report;
    constexpr bool plain = std::is_same_v<M, Identity>;
    const std::size_t n = run.size();
    std::vector<T> p(n), q(n), z(plain ? 0 : n);
    double rho = 0;
    bool fresh = true;
    for (;;) {
        double next = 0;
        if constexpr (plain) {
            next = dot<T>(run.residual(), run.residual());
        } else {
            m.apply(run.residual(), Span<T>(z));
            next = dot<T>(run.residual(), Span<const T>(z));
        }
        if (!(next > 0)) {
            run.not_positive(next);
            return run.report;
        }
        const Span<const T> source = plain ? run.residual() : Span<const T>(z);
        for (;;) {
            if (fresh)
                std::copy(source.begin(), source.end(), p.begin());
            else
                detail::direction<T>(source, static_cast<T>(next / rho), Span<T>(p));
            rho = next;
            const double curvature = apply_dot<A, T>(a, Span<const T>(p), Span<T>(q));
            if (!(curvature > 0)) {
                run.not_positive(curvature);
                return run.report;
            }
            const double square = detail::step<T>(static_cast<T>(rho / curvature), Span<const T>(p),
                                                  Span<const T>(q), x, run.r());
            const auto what = run.after(std::sqrt(square));
            if (what == detail::Run<T, A>::Next::ended) return run.report;
            fresh = what == detail::Run<T, A>::Next::restart;
            if (fresh || !plain) break;
            next = square;
        }
    }
}

struct DirectionOptions : SolveOptions {
    std::size_t window = 2;          // directions kept; no_limit: all
    std::size_t replace_every = 50;  // iterations between true residuals
    static constexpr std::size_t no_limit = static_cast<std::size_t>(-1);
};

// f(r / |r|, q): proposes a direction q, linearly or not.
template <class T, class A, class F>
SolveReport conjugate_direction(const A& a, Span<const T> b, Span<T> x, const F& f,
                                const DirectionOptions& options = {}) {
    using detail::dot;
    detail::Run<T, A> run(a, b, x, options, "linalg::conjugate_direction");
    if (!run.begin()) return run.report;
    const std::size_t n = run.size();
    struct Direction {
        std::vector<T> p, q;
        double curvature;
    };
    std::vector<Direction> kept;  // the newest last
    std::vector<T> unit(n), proposal(n), image(n);
    for (;;) {
        const double norm = detail::norm<T>(run.residual());
        if (!(norm > 0)) {
            run.not_positive(norm);
            return run.report;
        }
        const T inverse = static_cast<T>(1 / norm);
        for (std::size_t i = 0; i < n; ++i) unit[i] = run.residual()[i] * inverse;
        const auto orthogonalise = [&] {
            for (std::size_t k = kept.size(); k-- > 0;) {
                const double part = dot<T>(Span<const T>(proposal), Span<const T>(kept[k].q));
                detail::axpy<T>(static_cast<T>(-part / kept[k].curvature), Span<const T>(kept[k].p),
                                Span<T>(proposal));
            }
        };
        f(Span<const T>(unit), Span<T>(proposal));
        orthogonalise();
        double along = dot<T>(Span<const T>(proposal), run.residual());
        const double length = detail::norm<T>(Span<const T>(proposal));
        if (std::fabs(along) <= std::numeric_limits<T>::epsilon() * length * norm) {
            // Nothing of the residual in it: the residual itself is the direction of this step.
            proposal = unit;
            orthogonalise();
            along = dot<T>(Span<const T>(proposal), run.residual());
            ++run.report.fallbacks;
        }
        const double curvature = apply_dot<A, T>(a, Span<const T>(proposal), Span<T>(image));
        if (!(curvature > 0) || !std::isfinite(along)) {
            run.not_positive(std::isfinite(along) ? curvature : along);
            return run.report;
        }
        double square = detail::step<T>(static_cast<T>(along / curvature), Span<const T>(proposal),
                                        Span<const T>(image), x, run.r());
        if (options.replace_every != 0 && (run.report.iterations + 1) % options.replace_every == 0) {
            const double now = run.look();
            square = now * now;
        }
        const auto what = run.after(std::sqrt(square));
        if (what == detail::Run<T, A>::Next::ended) return run.report;
        if (what == detail::Run<T, A>::Next::restart) {
            kept.clear();
            continue;
        }
        if (options.window == 0) continue;
        if (kept.size() == options.window) kept.erase(kept.begin());
        kept.push_back({proposal, image, curvature});
    }
}

struct GmresOptions : SolveOptions {
    std::size_t restart = 50;
    bool flexible = false;  // keeps the preconditioned vectors, for an M that changes
};

// Modified Gram-Schmidt, Givens rotations; right preconditioned, so that the residual is the true one.
template <class T, class A, class M = Identity>
SolveReport gmres(const A& a, Span<const T> b, Span<T> x, const GmresOptions& options = {}, const M& m = {}) {
    using detail::dot;
    FEWBITS_REQUIRE(options.restart > 0, "linalg::gmres: restart must be at least 1, got 0");
    detail::Run<T, A> run(a, b, x, options, "linalg::gmres");
    if (!run.begin()) return run.report;
    constexpr bool plain = std::is_same_v<M, Identity>;
    const std::size_t n = run.size(), width = std::min(options.restart, n);
    std::vector<std::vector<T>> basis(width + 1, std::vector<T>(n)), images;
    if (options.flexible && !plain) images.assign(width, std::vector<T>(n));
    std::vector<T> z(n);
    std::vector<double> h((width + 1) * width), c(width), s(width), g(width + 1), norms(width + 1), y(width);
    for (;;) {
        const double norm = detail::norm<T>(run.residual());
        for (std::size_t i = 0; i < n; ++i)
            basis[0][i] = static_cast<T>(static_cast<double>(run.residual()[i]) / norm);
        std::fill(g.begin(), g.end(), 0.0);
        g[0] = norm;
        std::size_t k = 0;
        bool lucky = false, stop = false;
        // Iterations of a cycle are counted by hand: x changes at its end only.
        for (; k < width && !stop; ++k) {
            detail::precondition<T>(m, Span<const T>(basis[k]), Span<T>(z));
            if (!images.empty()) images[k] = z;
            std::vector<T>& w = basis[k + 1];
            a.apply(Span<const T>(z), Span<T>(w));
            const double before = detail::norm<T>(Span<const T>(w));
            double* column = h.data() + k * (width + 1);
            for (std::size_t j = 0; j <= k; ++j) {
                column[j] = dot<T>(Span<const T>(w), Span<const T>(basis[j]));
                detail::axpy<T>(static_cast<T>(-column[j]), Span<const T>(basis[j]), Span<T>(w));
            }
            const double length = detail::norm<T>(Span<const T>(w));
            column[k + 1] = length;
            lucky = !(length > std::numeric_limits<T>::epsilon() * before);
            if (!lucky)
                for (T& v : w) v = static_cast<T>(static_cast<double>(v) / length);
            for (std::size_t j = 0; j < k; ++j) {
                const double upper = column[j], lower = column[j + 1];
                column[j] = c[j] * upper + s[j] * lower;
                column[j + 1] = c[j] * lower - s[j] * upper;
            }
            const double root = std::sqrt(column[k] * column[k] + column[k + 1] * column[k + 1]);
            if (!(root > 0) || !std::isfinite(root)) {
                // A M v depends on the vectors before: the operator is singular on this space, or not finite.
                run.report.curvature = root;
                stop = true;
                break;
            }
            c[k] = column[k] / root;
            s[k] = column[k + 1] / root;
            column[k] = root;
            g[k + 1] = -s[k] * g[k];
            g[k] = c[k] * g[k];
            norms[k + 1] = std::fabs(g[k + 1]);
            const bool small = norms[k + 1] <= run.report.target;
            const bool full = run.report.iterations + k + 1 >= run.limit();
            stop = small || full || lucky;
        }
        if (k == 0) {
            run.end(std::isfinite(run.report.curvature) ? Status::stagnated : Status::nonfinite);
            return run.report;
        }
        for (std::size_t i = k; i-- > 0;) {
            double sum = g[i];
            for (std::size_t j = i + 1; j < k; ++j) sum -= h[j * (width + 1) + i] * y[j];
            y[i] = sum / h[i * (width + 1) + i];
        }
        if (images.empty()) {
            std::vector<T> update(n);
            for (std::size_t j = 0; j < k; ++j)
                detail::axpy<T>(static_cast<T>(y[j]), Span<const T>(basis[j]), Span<T>(update));
            detail::precondition<T>(m, Span<const T>(update), Span<T>(z));
            detail::axpy<T>(T(1), Span<const T>(z), x);
        } else {
            for (std::size_t j = 0; j < k; ++j)
                detail::axpy<T>(static_cast<T>(y[j]), Span<const T>(images[j]), x);
        }
        const auto what = run.after_cycle(k, norms.data());
        if (what == detail::Run<T, A>::Next::ended) return run.report;
    }
}

}  // namespace linalg
}  // namespace FEWBITS_ISA
}  // namespace fewbits
