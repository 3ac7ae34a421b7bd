#include "fewbits/formats/binned_sum.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "check.hpp"
#include "fewbits/core/random.hpp"

using namespace fewbits;
using namespace fewbits::formats;

namespace {

template <class T>
std::vector<T> numbers(std::size_t count, int range, std::uint64_t stream) {
    const Philox random(31, stream);
    std::vector<T> x(count);
    for (std::size_t i = 0; i < count; ++i) {
        const int exponent =
            static_cast<int>(random.draw64(2 * i) % static_cast<unsigned>(2 * range + 1)) - range;
        x[i] = static_cast<T>(std::ldexp(random.uniform01(2 * i + 1) - 0.5, exponent));
    }
    return x;
}
template <class T>
Arithmetic<T> plain() {
    return Arithmetic<T>(Context{get(std::is_same_v<T, double> ? "float64" : "float32")}, "test");
}
template <class T>
T one_by_one(const std::vector<T>& x, int fold) {
    BinnedAccumulator sum(fold);
    for (const T value : x) sum.add_reference(static_cast<double>(value));
    return sum.round(plain<T>());
}
template <class T>
Span<const T> view(const std::vector<T>& x) {
    return Span<const T>(x);
}

}  // namespace

TEST(blocks_equal_the_definition) {
    for (const int range : {2, 60, 500, 1000, 1070}) {
        for (const std::size_t n : {0, 1, 3, 4, 7, 8, 9, 33, 2047, 2048, 2049, 5000}) {
            std::vector<double> x =
                numbers<double>(n, std::min(range, 1020), n + static_cast<std::size_t>(range));
            if (range == 1070)
                for (double& value : x) value = std::ldexp(value, -1060);
            for (int fold = 1; fold <= 4; ++fold)
                CHECK_BITS(binned_sum(view(x), plain<double>(), fold), one_by_one(x, fold));
        }
    }
    for (const std::size_t n : {1, 100, 3000}) {
        const std::vector<float> x = numbers<float>(n, 100, n);
        for (int fold = 1; fold <= 4; ++fold)
            CHECK_BITS(binned_sum(view(x), plain<float>(), fold), one_by_one(x, fold));
    }
}

TEST(order_and_split_do_not_matter) {
    std::vector<double> x = numbers<double>(6000, 300, 1);
    for (std::size_t i = 0; i < 1500; ++i) x[4 * i + 1] = -x[4 * i];  // cancellation
    const double want = binned_sum(view(x), plain<double>());
    const Philox random(8);
    for (std::uint64_t round = 0; round < 5; ++round) {
        for (std::size_t i = x.size(); i-- > 1;)
            std::swap(x[i], x[random.draw64(round * 10000 + i) % (i + 1)]);
        CHECK_BITS(binned_sum(view(x), plain<double>()), want);
        BinnedAccumulator whole, part;
        const std::size_t cut = random.draw64(round) % x.size();
        part.add(view(x).first(cut));
        whole.add(view(x).subspan(cut, x.size() - cut));
        whole.merge(part);
        CHECK_BITS(whole.round(plain<double>()), want);
    }
    const std::vector<double> large = numbers<double>(600000, 20, 2);
    CHECK_BITS(binned_sum(view(large), plain<double>(), 3, 3), binned_sum(view(large), plain<double>()));
}

TEST(error_bound) {
    for (const int range : {0, 30, 90}) {
        const std::vector<double> x = numbers<double>(4000, range, 5);
        double largest = 0;
        for (const double value : x) largest = std::max(largest, std::fabs(value));
        const double exact = exact_sum(view(x), plain<double>());
        for (int fold = 1; fold <= 4; ++fold) {
            const double bound = 4000 * std::ldexp(largest, -40 * (fold - 1)) + 0x1p-53 * std::fabs(exact);
            CHECK(std::fabs(binned_sum(view(x), plain<double>(), fold) - exact) <= 2 * bound);
        }
    }
}

TEST(special_numbers) {
    const double infinity = std::numeric_limits<double>::infinity(), nan = std::nan("");
    const double most = std::numeric_limits<double>::max(), least = 0x1p-1074;
    const auto sum = [](std::vector<double> x) { return binned_sum(view(x), plain<double>()); };
    CHECK_BITS(sum({}), 0.0);
    CHECK_BITS(sum({-0.0, -0.0}), 0.0);
    CHECK_BITS(sum({1, infinity, 2}), infinity);
    CHECK_BITS(sum({1, -infinity, most}), -infinity);
    CHECK(std::isnan(sum({infinity, -infinity})));
    CHECK(std::isnan(sum({1, nan, 1, 1, 1, 1, 1, 1, 1})));
    CHECK_BITS(sum({most, most}), infinity);
    CHECK_BITS(sum({most, most, -most}), most);
    CHECK_BITS(sum({least, least, least}), 3 * least);
    CHECK_BITS(sum({0x1p-1040, least, -0x1p-1040}), least);
    CHECK_THROWS(BinnedAccumulator(5), ArgumentError);
    BinnedAccumulator two(2);
    CHECK_THROWS(two.merge(BinnedAccumulator(3)), ArgumentError);
}
