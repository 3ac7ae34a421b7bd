#include "fewbits/formats/collage.hpp"

#include <cmath>
#include <vector>

#include "check.hpp"
#include "fewbits/core/random.hpp"
#include "fewbits/formats/codes.hpp"

using namespace fewbits;
using namespace fewbits::formats;

namespace {

struct Optimiser {
    Context context{get("bfloat16")};
    CollageOptions options;
    std::vector<float> theta, dtheta, m, v, dv, update;
    std::uint64_t t = 0;

    Optimiser(std::vector<float> start, CollageVariant variant)
        : theta(start), dtheta(start.size()), m(dtheta), v(dtheta), dv(dtheta), update(dtheta) {
        options.variant = variant;
    }
    CollageState<float> state() { return {theta, dtheta, m, v, dv}; }
    void adamw(const std::vector<float>& g) {
        context.options.stream = ++t;
        collage_adamw(context, options, t, Span<const float>(g), state(), Span<float>(update));
    }
    void sgd(const std::vector<float>& g) {
        context.options.stream = ++t;
        collage_sgd(context, options, Span<const float>(g), state(), Span<float>(update));
    }
};

unsigned code(float x) { return formats::detail::to_word(x) >> 16; }

}  // namespace

// The trace of the specification: bfloat16 codes after each of three steps.
TEST(trace_of_plus) {
    Optimiser adam({1, -0.5F}, CollageVariant::plus);
    adam.options.weight_decay = 0.1;
    const std::vector<float> gradients[] = {{0.5F, -2}, {0.25F, 1}, {-0.125F, 0.75F}};
    const unsigned want[3][12] = {
        {0x3d4d, 0xbe4d, 0x3983, 0x3b83, 0, 0, 0xba90, 0x3a89, 0x3f80, 0xbeff, 0xba90, 0xba6e},
        {0x3d8f, 0xbda3, 0x39a4, 0x3ba4, 0xb543, 0xb743, 0xba87, 0x39a6, 0x3f7f, 0xbeff, 0x3ae8, 0xba1b},
        {0x3d4d, 0x3b80, 0x39ac, 0x3bb6, 0xb538, 0xb6b0, 0xba2c, 0x3825, 0x3f7f, 0xbeff, 0x3a92, 0xba11}};
    for (std::size_t step = 0; step < 3; ++step) {
        adam.adamw(gradients[step]);
        const std::vector<float>* arrays[] = {&adam.m,      &adam.v,     &adam.dv,
                                              &adam.update, &adam.theta, &adam.dtheta};
        for (std::size_t k = 0; k < 12; ++k) CHECK_EQUAL(code((*arrays[k / 2])[k % 2]), want[step][k]);
    }
}

// Every variant on a line: constant gradient one, so that the updates are -lr, far below half a unit.
TEST(variants_move_as_far_as_float64) {
    const std::size_t n = 300;
    for (const CollageVariant variant : {CollageVariant::plus, CollageVariant::light, CollageVariant::kahan,
                                         CollageVariant::stochastic, CollageVariant::pure}) {
        Optimiser adam(std::vector<float>(n, 4.0F), variant), sgd(std::vector<float>(n, 4.0F), variant);
        sgd.options.beta1 = 0;
        for (int step = 0; step < 100; ++step) {
            adam.adamw(std::vector<float>(n, 1.0F));
            sgd.sgd(std::vector<float>(n, 1.0F));
        }
        for (const Optimiser* optimiser : {&adam, &sgd}) {
            double mean = 0;
            const double sign = variant == CollageVariant::kahan ? -1 : 1;
            for (std::size_t i = 0; i < n; ++i)
                mean += static_cast<double>(optimiser->theta[i]) / n +
                        sign * static_cast<double>(optimiser->dtheta[i]) / n;
            if (variant == CollageVariant::pure)
                CHECK(std::fabs(mean - 4.0) < 1e-12);
            else  // constants and moments of bfloat16 are good to 2^-8
                CHECK(std::fabs(mean - 3.9) < (variant == CollageVariant::stochastic ? 0.01 : 0.003));
        }
    }
}

TEST(powers) {
    for (const double x : {0.9, 0.999, 0.5, 0.0, 1e-200}) {
        double product = 1;
        for (std::uint64_t t = 1; t < 200; ++t) {
            product *= x;
            CHECK(std::fabs(formats::detail::power(x, t) - product) <= 1e-13 * product);
        }
    }
    CHECK_BITS(formats::detail::power(0.5, 60), 0x1p-60);
    CHECK_EQUAL(formats::detail::power(0.9, 1000000), 0.0);
}

TEST(bad_arguments) {
    Optimiser adam({1, 2}, CollageVariant::plus);
    CHECK_THROWS(adam.adamw({1}), ArgumentError);
    CHECK_THROWS(adam.sgd({1}), ArgumentError);
    adam.context.format = get("int8");
    CHECK_THROWS(adam.adamw({1, 2}), ArgumentError);
}
