#include "fewbits/formats/exact_sum.hpp"

#include <algorithm>
#include <vector>

#include "check.hpp"
#include "formats_operands.hpp"

using namespace fewbits;
using namespace fewbits::formats;

namespace {

Arithmetic<double> float64(Rounding rounding = Rounding::nearest_even) {
    Context context;
    context.format = get("float64");
    context.options.rounding = rounding;
    return Arithmetic<double>(context);
}
Arithmetic<float> float32() {
    Context context;
    context.format = get("float32");
    return Arithmetic<float>(context);
}

}  // namespace

TEST(cancellation) {
    const double x[] = {1, 1e100, 1, -1e100};
    CHECK_BITS(exact_sum(Span<const double>(x), float64()), 2.0);
    const double ends[] = {1.7976931348623157e308, 1.7976931348623157e308, -1.7976931348623157e308, 5e-324};
    CHECK_BITS(exact_sum(Span<const double>(ends), float64()), 1.7976931348623157e308);
    CHECK_BITS(exact_sum(Span<const double>(ends), float64(Rounding::toward_positive)), INFINITY);
    CHECK_BITS(exact_sum(Span<const double>(ends, 2), float64()), INFINITY);
    const double tie[] = {1, 0x1p-53, 0x1p-1074};
    CHECK_BITS(exact_sum(Span<const double>(tie), float64()), 1 + 0x1p-52);
    CHECK_BITS(exact_sum(Span<const double>(tie, 2), float64()), 1.0);
    CHECK_BITS(exact_sum(Span<const double>(), float64()), 0.0);
}

TEST(not_finite) {
    const double x[] = {1, INFINITY, -INFINITY, NAN};
    CHECK_BITS(exact_sum(Span<const double>(x, 2), float64()), INFINITY);
    CHECK(std::isnan(exact_sum(Span<const double>(x, 3), float64())));
    CHECK(std::isnan(exact_sum(Span<const double>(x, 4), float64())));
    const double zero[] = {0, 0};
    CHECK(std::isnan(exact_dot(Span<const double>(zero, 2), Span<const double>(x, 2), float64())));
}

TEST(dot_of_extremes) {
    // 2^-2148 is a product: it survives, and decides a tie.
    const double x[] = {0x1p-1074, 0x1p-1022, 1}, y[] = {0x1p-1074, 0x1p-1022 * (1 + 0x1p-52), 1};
    ExactAccumulator sum;
    accumulate_dot(Span<const double>(x), Span<const double>(y), sum);
    CHECK_BITS(sum.round(float64()), 1.0);
    CHECK_BITS(sum.round(float64(Rounding::toward_positive)), 1 + 0x1p-52);
    sum.add(-1.0);
    CHECK_BITS(sum.round(float64(Rounding::toward_positive)), 0x1p-1074);
    const double huge[] = {1e308, -1e308}, other[] = {1e308, 1e308};
    CHECK_BITS(exact_dot(Span<const double>(huge), Span<const double>(other), float64()), 0.0);
}

template <class T>
void sums_agree(const Arithmetic<T>& arithmetic) {
    for (const std::size_t n :
         {std::size_t{0}, std::size_t{1}, std::size_t{33}, std::size_t{4097}, std::size_t{1200000}}) {
        std::vector<T> x = operands<T>(arithmetic.format(), n, 1), y = operands<T>(arithmetic.format(), n, 2);
        for (T& value : x) value = std::isfinite(value) ? value : T{1};
        for (T& value : y) value = std::isfinite(value) ? value : T{1};
        ExactAccumulator plain, fast, parallel, products, fast_products;
        reference::accumulate_sum(Span<const T>(x), plain);
        accumulate_sum(Span<const T>(x), fast);
        CHECK_BITS(fast.round(arithmetic), plain.round(arithmetic));
        std::reverse(x.begin(), x.end());
        std::reverse(y.begin(), y.end());
        accumulate_sum(Span<const T>(x), parallel, 3);
        CHECK_BITS(parallel.round(arithmetic), plain.round(arithmetic));
        reference::accumulate_dot(Span<const T>(x), Span<const T>(y), products);
        accumulate_dot(Span<const T>(x), Span<const T>(y), fast_products, 2);
        CHECK_BITS(fast_products.round(arithmetic), products.round(arithmetic));
    }
}

TEST(any_order_and_threads) {
    sums_agree(float64());
    sums_agree(float32());
}

TEST(small_formats) {
    Context context;
    context.format = get("float8_e5m2");
    const Arithmetic<float> arithmetic(context);
    const std::vector<float> x = tame<float>(context.format, 1000, 3);
    double sum = 0;  // exact: multiples of 2^-16 below 2^10
    for (const float value : x) sum += static_cast<double>(value);
    CHECK_BITS(exact_sum(Span<const float>(x), arithmetic), arithmetic.round(static_cast<float>(sum), 0));
    CHECK_THROWS(exact_dot(Span<const float>(x), Span<const float>(x.data(), 3), arithmetic), ArgumentError);
}

TEST(state_is_the_sum) {
    ExactAccumulator sum, other;
    for (const double x : {1e308, -1e-308, 5e-324, -1e308, 3.0, -2.5}) sum.add(x);
    sum.add_product(-1e200, 1e200);
    for (const double x : {-2.5, 3.0, 5e-324, -1e-308}) other.add(x);
    other.add_product(1e200, -1e200);
    CHECK(sum.state() == other.state());  // whatever the order, and what cancelled
    CHECK_EQUAL(sum.state().size(), ExactAccumulator::state_size);
    ExactAccumulator again = ExactAccumulator::from_state(sum.state());
    CHECK(again.state() == sum.state());
    again.add_product(1e200, 1e200);
    const Arithmetic<double> arithmetic(Context{get("float64")});
    CHECK_BITS(again.round(arithmetic), 0.5 + (5e-324 - 1e-308));
    sum.add(std::numeric_limits<double>::infinity());
    CHECK_BITS(ExactAccumulator::from_state(sum.state()).round(arithmetic),
               std::numeric_limits<double>::infinity());
    // Most products of the largest number there can be in a test stay within what a state may hold.
    ExactAccumulator large;
    const double most = -std::numeric_limits<double>::max();
    for (int i = 0; i < 64; ++i) {
        large.add_product(most, -most);
        large.merge(large);
    }
    CHECK(ExactAccumulator::from_state(large.state()).state() == large.state());
    Bytes bytes = sum.state();
    bytes[ExactAccumulator::state_size - 2] = 0x40;
    CHECK_THROWS(ExactAccumulator::from_state(bytes), ArgumentError);
    bytes = sum.state();
    bytes.back() = 8;
    CHECK_THROWS(ExactAccumulator::from_state(bytes), ArgumentError);
    bytes.pop_back();
    CHECK_THROWS(ExactAccumulator::from_state(bytes), ArgumentError);
}
