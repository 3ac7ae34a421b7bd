// Losses and gradients at the values of the papers' formulas, computed with 60 digits.
#include "fewbits/functions/softmax_loss.hpp"

#include <cmath>

#include "check.hpp"

using namespace fewbits;
namespace fn = fewbits::functions;

namespace {

const std::vector<double> z = {0.5, -1, 2, -3.25, 0};

double loss_of(fn::Loss kind, fn::LossOptions options, std::vector<double>& grad) {
    const std::int64_t target = 0;
    double loss = 0;
    grad.resize(z.size());
    fn::cross_entropy(Span<const double>(z), Span<const std::int64_t>(&target, 1), z.size(), kind, options,
                      Span<double>(&loss, 1), Span<double>(grad));
    return loss;
}

}  // namespace

TEST(known_values) {
    std::vector<double> grad;
    CHECK_ULP(loss_of(fn::Loss::softmax, {}, grad), 1.8460689194830167, 2);
    CHECK_ULP(grad[0], 0.1578564947921662 - 1, 4);
    CHECK_ULP(loss_of(fn::Loss::stablemax, {}, grad), 1.4247606419476867, 2);
    const double stable[] = {-.50628930817610063, .040094339622641509, .16037735849056604,
                             .008879023307436182, .16037735849056604};
    for (std::size_t i = 0; i < 5; ++i) CHECK_ULP(grad[i], stable[i], 4);
    CHECK_ULP(loss_of(fn::Loss::taylor, {}, grad), 1.9264920631982117, 2);
    CHECK_ULP(loss_of(fn::Loss::spherical, {1e-6}, grad), 4.1470914438211132, 2);
    CHECK_ULP(loss_of(fn::Loss::z, {0, 1, 0}, grad), .4788114116795007, 4);
    const double standardised[] = {-.16420385560078836, .03571209537110042, .072321479570620449,
                                   .0082550572214603986, .047915223437607096};
    for (std::size_t i = 0; i < 5; ++i) CHECK_ULP(grad[i], standardised[i], 8);
    CHECK_ULP(loss_of(fn::Loss::z, {0, 2, 1}, grad), .66579347072057256, 4);
    CHECK_ULP(loss_of(fn::Loss::z, {0, 0.1, 3}, grad), 8.2664185836147283, 4);
    CHECK_ULP(loss_of(fn::Loss::mse, {}, grad), 0.25 + 1 + 4 + 3.25 * 3.25, 1);
    CHECK_EQUAL(grad[0], -1.0);
}

TEST(a_row_that_has_been_learnt_still_has_its_gradient) {
    for (const std::size_t classes : {2U, 10U, 1000U}) {
        for (float gap = 5; gap <= 100; gap += 5) {
            std::vector<float> row(classes), grad(classes);
            row[0] = gap;
            const std::int64_t target = 0;
            float loss = 0;
            fn::cross_entropy(Span<const float>(row), Span<const std::int64_t>(&target, 1), classes,
                              fn::Loss::softmax, {}, Span<float>(&loss, 1), Span<float>(grad));
            const double s = static_cast<double>(classes - 1) * std::exp(-double{gap});
            CHECK_ULP(loss, static_cast<float>(std::log1p(s)), 1);
            CHECK_ULP(grad[0], static_cast<float>(-s / (1 + s)), 1);
        }
    }
}

TEST(edges) {
    const double inf = INFINITY;
    const std::vector<double> rows = {1, -inf, 3, 2, 2, 2, 5, 6, 7};
    std::vector<double> grad(9), loss(3);
    const std::vector<std::int64_t> targets = {1, 0, -1};
    const auto run = [&](fn::Loss kind, fn::LossOptions options = {}) {
        fn::cross_entropy(Span<const double>(rows), Span<const std::int64_t>(targets), 3, kind, options,
                          Span<double>(loss), Span<double>(grad));
    };
    run(fn::Loss::softmax);
    CHECK_EQUAL(loss[0], inf);  // a masked target
    CHECK_EQUAL(grad[1], -1.0);
    CHECK_EQUAL(loss[2], 0.0);  // ignored
    CHECK_EQUAL(grad[8], 0.0);
    run(fn::Loss::stablemax);
    CHECK_EQUAL(loss[0], inf);
    CHECK_THROWS(run(fn::Loss::z), ArgumentError);  // three equal scores
    run(fn::Loss::z, {0.5});
    CHECK(std::isnan(loss[0]));  // masks make no sense there
    CHECK_ULP(loss[1], std::log(2), 1);
    CHECK_EQUAL(grad[3] + grad[4] + grad[5] < 1e-16, true);
    CHECK_THROWS(run(fn::Loss::spherical), ArgumentError);
    const std::vector<std::int64_t> wrong = {0, 3, 0};
    CHECK_THROWS(fn::cross_entropy(Span<const double>(rows), Span<const std::int64_t>(wrong), 3,
                                   fn::Loss::softmax, {}, Span<double>(loss), Span<double>()),
                 ArgumentError);
    double p[3];
    const double few[] = {-inf, 0, 1};
    fn::stablemax(Span<const double>(few), 3, Span<double>(p));
    CHECK_EQUAL(p[0], 0.0);
    CHECK_ULP(p[2], 2.0 / 3, 1);
}
