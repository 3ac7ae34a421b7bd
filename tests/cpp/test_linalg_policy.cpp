// Policies: probabilities, learning, states, misuse.
#include "fewbits/linalg/policy.hpp"

#include <cmath>
#include <vector>

#include "check.hpp"

using namespace fewbits;
using namespace fewbits::linalg;

TEST(probabilities_are_those_of_the_potential) {
    for (const double eta : {2.0, 0.5, 0.01}) {
        const std::vector<double> losses = {0, 3, 1, 100, 1e6};
        const auto p = linalg::detail::tsallis_probabilities(losses, eta);
        double sum = 0;
        for (const double v : p) sum += v;
        CHECK(std::fabs(sum - 1) <= 1e-14);
        // 4 / (eta (k - x))^2 for one x: square roots of 1 / p are a line in k.
        const double x = losses[0] - 2 / (eta * std::sqrt(p[0]));
        for (std::size_t i = 0; i < p.size(); ++i)
            CHECK(std::fabs(2 / (eta * std::sqrt(p[i])) - (losses[i] - x)) <= 1e-9 * (1 + losses[i]));
    }
}

TEST(one_arm_is_found) {
    TsallisInf policy(4, 7);
    int late = 0;
    for (int t = 0; t < 2000; ++t) {
        const std::size_t arm = policy.suggest();
        policy.report(arm == 2 ? 20 : 40 + static_cast<double>(arm));
        late += t >= 1000 && arm == 2;
    }
    CHECK(late > 900);
}

TEST(the_context_is_used) {
    // Best arm: 0 below the middle, 1 above.
    TsallisInfCB bins(2, {0, 1}, 2, 1);
    ChebCB model(2, {0, 1}, 3, 1);
    int good_bins = 0, good_model = 0;
    for (int t = 0; t < 3000; ++t) {
        const double c = static_cast<double>(t % 20) / 19;
        const auto cost = [&](std::size_t arm) { return arm == 0 ? 20 + 60 * c : 80 - 60 * c; };
        const std::size_t first = bins.suggest(c), second = model.suggest(c);
        bins.report(cost(first));
        model.report(cost(second));
        if (t >= 2000 && std::fabs(c - 0.5) > 0.1) {
            const std::size_t best = c < 0.5 ? 0 : 1;
            good_bins += first == best;
            good_model += second == best;
        }
    }
    CHECK(good_bins > 650);
    CHECK(good_model > 700);
}

TEST(states_go_on_where_they_were) {
    ChebCB a(3, {-1, 1}, 4, 5), b(3, {-1, 1}, 4, 5);
    for (int t = 0; t < 50; ++t) a.report(10 + static_cast<double>(a.suggest(std::sin(t))));
    b.restore(a.state());
    for (int t = 0; t < 50; ++t) {
        const std::size_t x = a.suggest(std::cos(t)), y = b.suggest(std::cos(t));
        CHECK_EQUAL(x, y);
        a.report(5 + static_cast<double>(x));
        b.report(5 + static_cast<double>(y));
    }
    CHECK(a.state() == b.state());
    CHECK_THROWS(b.restore({1, 2, 3}), ArgumentError);
    TsallisInfCB c(3, {0, 1}, 4), d(3, {0, 1}, 4);
    c.report(3 + static_cast<double>(c.suggest(0.3)));
    d.restore(c.state());
    CHECK_EQUAL(c.suggest(0.3), d.suggest(0.3));
}

TEST(misuse) {
    TsallisInf policy(2);
    CHECK_THROWS(policy.report(3), ArgumentError);
    policy.suggest();
    CHECK_THROWS(policy.suggest(), ArgumentError);
    CHECK_THROWS(policy.report(0), ArgumentError);
    CHECK_THROWS(policy.report(std::nan("")), ArgumentError);
    policy.report(1);
    CHECK_THROWS(TsallisInf(0), ArgumentError);
    ChebCB context(2, {0, 1});
    CHECK_THROWS(context.suggest(1.5), ArgumentError);
    CHECK_THROWS(ChebCB(2, {1, 0}), ArgumentError);
}
