// Choosing a parameter for each of a sequence of systems from what the last ones cost: bandits over a grid.
//
//   TsallisInf     one choice for the whole sequence (regret against the best fixed one)
//   TsallisInfCB   the same in each of m bins of a context
//   ChebCB         costs modelled by Chebyshev polynomials of the context, inverse gap weighting
// suggest() names the arm to play, report(cost) what it cost (at least 1: an iteration count). A policy is a
// value: copies and state() go on as the original would. Draws are those of Philox (seed, stream 0, round).
//
// Source: M. Khodak, E. Chow, M.-F. Balcan, A. Talwalkar, "Learning to relax", ICLR 2024, arXiv:2310.02246,
// algorithms 1-3; J. Zimmert, Y. Seldin, "Tsallis-INF", JMLR 22 (2021).
#pragma once

#include <Eigen/Dense>
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "fewbits/core/error.hpp"
#include "fewbits/core/isa.hpp"
#include "fewbits/core/random.hpp"

namespace fewbits {
inline namespace FEWBITS_ISA {
namespace linalg {

namespace detail {

// What every policy keeps of its play.
struct Play {
    std::uint64_t seed = 0, round = 0;  // rounds suggested so far
    std::size_t arm = 0;
    bool waiting = false;  // for the report

    void begin(const char* name) const {
        FEWBITS_REQUIRE(!waiting, std::string(name) + ": report must be called before the next suggest");
    }
    void end(double cost, const char* name) const {
        FEWBITS_REQUIRE(waiting, std::string(name) + ": suggest must be called before report");
        FEWBITS_REQUIRE(
            std::isfinite(cost) && cost > 0,
            std::string(name) + ": cost must be positive and finite, got " + std::to_string(cost));
    }
    // An arm drawn by its probability.
    std::size_t draw(const std::vector<double>& p) {
        const double u = Philox(seed, 0).uniform01(round++);
        double total = 0;
        for (std::size_t i = 0; i + 1 < p.size(); ++i) {
            total += p[i];
            if (u < total) return i;
        }
        return p.size() - 1;
    }
};

inline void check_arms(std::size_t arms, const char* name) {
    FEWBITS_REQUIRE(arms >= 1, std::string(name) + ": arms must not be empty");
}

// p_i = 4 / (eta (k_i - x))^2 with sum 1. Newton from the left of the root, where the sum is at least 1:
// the function is convex and increasing, so x falls to the root monotonically.
inline std::vector<double> tsallis_probabilities(const std::vector<double>& losses, double eta) {
    double x = *std::min_element(losses.begin(), losses.end()) - 2 / eta;
    std::vector<double> p(losses.size());
    for (int i = 0; i < 100; ++i) {
        double sum = 0, slope = 0;
        for (std::size_t k = 0; k < p.size(); ++k) {
            const double root = 2 / (eta * (losses[k] - x));
            p[k] = root * root;
            sum += p[k];
            slope += p[k] * root;
        }
        const double step = (sum - 1) / (eta * slope);
        if (!(std::fabs(sum - 1) > 1e-14)) break;
        x -= step;
    }
    double sum = 0;
    for (const double v : p) sum += v;
    for (double& v : p) v /= sum;
    return p;
}

}  // namespace detail

class TsallisInf {
public:
    explicit TsallisInf(std::size_t arms, std::uint64_t seed = 0) : losses_(arms, 0.0), p_(arms, 0.0) {
        detail::check_arms(arms, "linalg::TsallisInf");
        play_.seed = seed;
    }
    std::size_t arms() const { return losses_.size(); }

    std::size_t suggest() {
        play_.begin("linalg::TsallisInf");
        const double scale = played_ == 0 ? 1 : std::max(total_ / static_cast<double>(played_) - 1, 1e-12);
        std::vector<double> scaled(losses_.size());
        for (std::size_t i = 0; i < scaled.size(); ++i) scaled[i] = losses_[i] / scale;
        p_ = detail::tsallis_probabilities(scaled, 2 / std::sqrt(static_cast<double>(played_ + 1)));
        play_.arm = play_.draw(p_);
        play_.waiting = true;
        return play_.arm;
    }
    void report(double cost) {
        play_.end(cost, "linalg::TsallisInf");
        losses_[play_.arm] += (cost - 1) / p_[play_.arm];
        total_ += cost;
        ++played_;
        play_.waiting = false;
    }
    const std::vector<double>& probabilities() const { return p_; }

    // Everything, as numbers; `restore` takes it back.
    std::vector<double> state() const {
        std::vector<double> s{static_cast<double>(played_), total_, static_cast<double>(play_.arm),
                              play_.waiting ? 1.0 : 0.0, static_cast<double>(play_.round)};
        s.insert(s.end(), losses_.begin(), losses_.end());
        s.insert(s.end(), p_.begin(), p_.end());
        return s;
    }
    void restore(const std::vector<double>& s) {
        FEWBITS_REQUIRE(s.size() == 5 + 2 * arms(), "linalg::TsallisInf: state must have " +
                                                        std::to_string(5 + 2 * arms()) + " numbers, got " +
                                                        std::to_string(s.size()));
        FEWBITS_REQUIRE(s[2] >= 0 && s[2] < static_cast<double>(arms()),
                        "linalg::TsallisInf: state names no arm");
        played_ = static_cast<std::uint64_t>(s[0]);
        total_ = s[1];
        play_.arm = static_cast<std::size_t>(s[2]);
        play_.waiting = s[3] != 0;
        play_.round = static_cast<std::uint64_t>(s[4]);
        const auto middle = s.begin() + 5 + static_cast<std::ptrdiff_t>(arms());
        losses_.assign(s.begin() + 5, middle);
        p_.assign(middle, s.end());
    }

private:
    detail::Play play_;
    std::vector<double> losses_, p_;  // estimated sums of cost - 1; probabilities of the last round
    std::uint64_t played_ = 0;
    double total_ = 0;
};

// The interval [low, high] of a context.
struct ContextRange {
    double low, high;

    void check(double context, const char* name) const {
        FEWBITS_REQUIRE(context >= low && context <= high,
                        std::string(name) + ": context must be in [" + std::to_string(low) + ", " +
                            std::to_string(high) + "], got " + std::to_string(context));
    }
    double unit(double context) const { return (context - low) / (high - low); }
};

class TsallisInfCB {
public:
    TsallisInfCB(std::size_t arms, ContextRange range, std::size_t bins = 5, std::uint64_t seed = 0)
        : range_(range) {
        FEWBITS_REQUIRE(bins >= 1, "linalg::TsallisInfCB: bins must be at least 1, got 0");
        FEWBITS_REQUIRE(range.low < range.high,
                        "linalg::TsallisInfCB: context must have a low below its high");
        for (std::size_t i = 0; i < bins; ++i) bins_.emplace_back(arms, seed + (std::uint64_t{i} << 32));
    }
    std::size_t arms() const { return bins_.front().arms(); }
    std::size_t suggest(double context) {
        range_.check(context, "linalg::TsallisInfCB");
        const auto count = static_cast<double>(bins_.size());
        current_ = static_cast<std::size_t>(std::min(range_.unit(context) * count, count - 1));
        return bins_[current_].suggest();
    }
    void report(double cost) { bins_[current_].report(cost); }

    std::vector<double> state() const {
        std::vector<double> s{static_cast<double>(current_)};
        for (const TsallisInf& bin : bins_) {
            const std::vector<double> part = bin.state();
            s.insert(s.end(), part.begin(), part.end());
        }
        return s;
    }
    void restore(const std::vector<double>& s) {
        const std::size_t each = 5 + 2 * arms();
        FEWBITS_REQUIRE(
            s.size() == 1 + each * bins_.size() && s[0] >= 0 && s[0] < static_cast<double>(bins_.size()),
            "linalg::TsallisInfCB: state is of another policy");
        current_ = static_cast<std::size_t>(s[0]);
        for (std::size_t i = 0; i < bins_.size(); ++i) {
            const auto begin = s.begin() + 1 + static_cast<std::ptrdiff_t>(i * each);
            bins_[i].restore(std::vector<double>(begin, begin + static_cast<std::ptrdiff_t>(each)));
        }
    }

private:
    ContextRange range_;
    std::vector<TsallisInf> bins_;
    std::size_t current_ = 0;
};

// Costs of every arm as a polynomial of the context, fitted by least squares with the bounds of Chebyshev
// coefficients of a Lipschitz function: |t_0| <= K_max, |t_j| <= 2 (K_max - K_min) / j.
class ChebCB {
public:
    ChebCB(std::size_t arms, ContextRange range, std::size_t degree = 5, std::uint64_t seed = 0)
        : range_(range), features_(degree + 1), models_(arms, Model(degree + 1)) {
        detail::check_arms(arms, "linalg::ChebCB");
        FEWBITS_REQUIRE(degree <= 30,
                        "linalg::ChebCB: degree must be in 0..30, got " + std::to_string(degree));
        FEWBITS_REQUIRE(range.low < range.high, "linalg::ChebCB: context must have a low below its high");
        play_.seed = seed;
    }
    std::size_t arms() const { return models_.size(); }

    std::size_t suggest(double context) {
        play_.begin("linalg::ChebCB");
        range_.check(context, "linalg::ChebCB");
        phi_ = chebyshev(2 * range_.unit(context) - 1);
        const auto d = static_cast<double>(arms()), t = static_cast<double>(play_.round + 1);
        const double scale = scale_of_costs();
        std::size_t best = 0;
        std::vector<double> predictions(arms());
        for (std::size_t i = 0; i < arms(); ++i) {
            predictions[i] = models_[i].theta.dot(phi_) / scale;
            if (predictions[i] < predictions[best]) best = i;
        }
        const auto m = static_cast<double>(features_);
        const double alpha =
            most_ > least_ ? (pi + 2 / pi * std::log(2 * m + 1)) * (most_ - least_) / (2 * scale * (m + 1))
                           : 0;
        const double regret = std::max(regret_ / (scale * scale), 0.0);
        const double below = regret + 2 * alpha * alpha * t;
        const double eta = below > 0 ? 2 * t * std::sqrt(d * t / below) : 0;
        std::vector<double> p(arms());
        double rest = 1;
        for (std::size_t i = 0; i < arms(); ++i) {
            if (i == best) continue;
            p[i] = 1 / (d + eta * (predictions[i] - predictions[best]));
            rest -= p[i];
        }
        p[best] = rest;
        play_.arm = play_.draw(p);
        prediction_ = predictions[play_.arm] * scale;
        play_.waiting = true;
        return play_.arm;
    }

    void report(double cost) {
        play_.end(cost, "linalg::ChebCB");
        play_.waiting = false;
        const bool first = play_.round == 1;
        const bool wider = first || cost - 1 > most_ || cost - 1 < least_;
        most_ = first ? cost - 1 : std::max(most_, cost - 1);
        least_ = first ? cost - 1 : std::min(least_, cost - 1);
        Model& model = models_[play_.arm];
        model.gram += phi_ * phi_.transpose();
        model.right += (cost - 1) * phi_;
        ++model.count;
        const double error = prediction_ - (cost - 1);
        regret_ += error * error;
        if (wider)
            for (Model& each : models_) fit(each);
        else
            fit(model);
        // Less what the new fit still misses of this round.
        const double left = model.theta.dot(phi_) - (cost - 1);
        regret_ -= std::min(left * left, error * error);
    }

    std::vector<double> state() const {
        std::vector<double> s{static_cast<double>(play_.round),
                              static_cast<double>(play_.arm),
                              play_.waiting ? 1.0 : 0.0,
                              most_,
                              least_,
                              regret_,
                              prediction_};
        const auto put = [&](const Eigen::MatrixXd& x) { s.insert(s.end(), x.data(), x.data() + x.size()); };
        put(phi_.size() == 0 ? Eigen::VectorXd::Zero(static_cast<Eigen::Index>(features_)) : phi_);
        for (const Model& model : models_) {
            s.push_back(static_cast<double>(model.count));
            put(model.gram);
            put(model.right);
            put(model.theta);
        }
        return s;
    }
    void restore(const std::vector<double>& s) {
        const std::size_t m = features_, each = 1 + m * m + 2 * m;
        FEWBITS_REQUIRE(s.size() == 7 + m + each * arms() && s[1] >= 0 && s[1] < static_cast<double>(arms()),
                        "linalg::ChebCB: state is of another policy");
        play_.round = static_cast<std::uint64_t>(s[0]);
        play_.arm = static_cast<std::size_t>(s[1]);
        play_.waiting = s[2] != 0;
        most_ = s[3];
        least_ = s[4];
        regret_ = s[5];
        prediction_ = s[6];
        const double* from = s.data() + 7;
        const auto rows = static_cast<Eigen::Index>(m);
        const auto vector = [&] {
            Eigen::VectorXd v = Eigen::Map<const Eigen::VectorXd>(from, rows);
            from += m;
            return v;
        };
        phi_ = vector();
        for (Model& model : models_) {
            model.count = static_cast<std::uint64_t>(*from++);
            model.gram = Eigen::Map<const Eigen::MatrixXd>(from, rows, rows);
            from += m * m;
            model.right = vector();
            model.theta = vector();
        }
    }

private:
    static constexpr double pi = 3.14159265358979323846;

    struct Model {
        explicit Model(std::size_t features)
            : gram(Eigen::MatrixXd::Zero(static_cast<Eigen::Index>(features),
                                         static_cast<Eigen::Index>(features))),
              right(Eigen::VectorXd::Zero(static_cast<Eigen::Index>(features))),
              theta(Eigen::VectorXd::Zero(static_cast<Eigen::Index>(features))) {}
        Eigen::MatrixXd gram;
        Eigen::VectorXd right, theta;
        std::uint64_t count = 0;
    };

    Eigen::VectorXd chebyshev(double x) const {
        Eigen::VectorXd phi(static_cast<Eigen::Index>(features_));
        for (Eigen::Index j = 0; j < phi.size(); ++j)
            phi[j] = j == 0 ? 1 : j == 1 ? x : 2 * x * phi[j - 1] - phi[j - 2];
        return phi;
    }
    // K_max N of the paper, for costs less one.
    double scale_of_costs() const {
        if (!(most_ > 0)) return 1;
        const auto m = static_cast<double>(features_);
        return most_ * (2 + 4 * (most_ - least_) / most_ * (1 + std::log(m)));
    }

    // Minimum-norm least squares; where that leaves the box, projected coordinate descent within it.
    void fit(Model& model) const {
        if (model.count == 0) return;
        const Eigen::Index m = model.right.size();
        Eigen::VectorXd bound(m);
        for (Eigen::Index j = 0; j < m; ++j)
            bound[j] = j == 0 ? most_ : 2 * (most_ - least_) / static_cast<double>(j);
        const Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd> eigen(model.gram);
        const double cut = 1e-12 * std::max(eigen.eigenvalues()[m - 1], 1e-300);
        Eigen::VectorXd part = eigen.eigenvectors().transpose() * model.right;
        for (Eigen::Index j = 0; j < m; ++j)
            part[j] = eigen.eigenvalues()[j] > cut ? part[j] / eigen.eigenvalues()[j] : 0;
        Eigen::VectorXd theta = eigen.eigenvectors() * part;
        if ((theta.cwiseAbs().array() > bound.array() * (1 + 1e-12)).any()) {
            theta = theta.cwiseMax(-bound).cwiseMin(bound);
            for (int sweep = 0; sweep < 100; ++sweep) {
                double moved = 0;
                for (Eigen::Index j = 0; j < m; ++j) {
                    if (!(model.gram(j, j) > 0)) continue;
                    const double rest = model.right[j] - model.gram.row(j).dot(theta);
                    const double next =
                        std::max(-bound[j], std::min(bound[j], theta[j] + rest / model.gram(j, j)));
                    moved = std::max(moved, std::fabs(next - theta[j]));
                    theta[j] = next;
                }
                if (moved <= 1e-10 * most_) break;
            }
        }
        model.theta = theta;
    }

    ContextRange range_;
    std::size_t features_;
    detail::Play play_;
    std::vector<Model> models_;
    Eigen::VectorXd phi_;
    double most_ = 0, least_ = 0, regret_ = 0, prediction_ = 0;
};

}  // namespace linalg
}  // namespace FEWBITS_ISA
}  // namespace fewbits
