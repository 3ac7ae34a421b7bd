// Functions of C's library in float64: against libm within a few ulps, known values, ends of the domains,
// every length, the same bits everywhere.
#include "fewbits/functions/library.hpp"

#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

#include "check.hpp"
#include "fewbits/core/checksum.hpp"
#include "fewbits/core/random.hpp"

using namespace fewbits;
namespace fl = fewbits::functions::library;

namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

// Numbers of 24 bits, over the exponents [low, high).
std::vector<double> numbers(int low, int high, std::size_t count) {
    const Philox random(7, 2);
    std::vector<double> x(count);
    for (std::size_t i = 0; i < count; ++i) {
        const std::uint64_t draw = random.draw64(i);
        const double fraction = 1 + static_cast<double>(draw & 0x7fffff) * 0x1p-23;
        const int exponent = low + static_cast<int>((draw >> 24) % static_cast<std::uint64_t>(high - low));
        x[i] = std::ldexp((draw >> 63) != 0 ? -fraction : fraction, exponent);
    }
    return x;
}

double ulps(double a, double b) {
    if (a == b || (std::isnan(a) && std::isnan(b))) return 0;
    return std::fabs(a - b) / std::ldexp(1.0, std::max(std::ilogb(b), -1022) - 52);
}

std::uint64_t hash = 0;

template <class Function, class Reference>
void compare(const Function& f, const Reference& reference, const std::vector<double>& x) {
    std::vector<double> y(x.size());
    f(Span<const double>(x), Span<double>(y));
    hash = xxh64(ByteSpan(reinterpret_cast<const std::uint8_t*>(y.data()), 8 * y.size()), hash);
    for (std::size_t i = 0; i < x.size(); ++i) {
        CHECK(ulps(y[i], reference(x[i])) <= 8);  // libm has errors of its own, gamma most
        if (i < 64) CHECK_BITS(f(x[i]), y[i]);
    }
}

}  // namespace

TEST(near_libm_and_the_same_bits_everywhere) {
    hash = 0;
    const auto wide = numbers(-60, 60, 4001), narrow = numbers(-60, 0, 4001), middle = numbers(-40, 7, 4001);
    compare(fl::tan, [](double x) { return std::tan(x); }, wide);
    compare(fl::asin, [](double x) { return std::asin(x); }, narrow);
    compare(fl::acos, [](double x) { return std::acos(x); }, narrow);
    compare(fl::atan, [](double x) { return std::atan(x); }, wide);
    compare(fl::sinh, [](double x) { return std::sinh(x); }, numbers(-60, 11, 4001));
    compare(fl::cosh, [](double x) { return std::cosh(x); }, numbers(-60, 11, 4001));
    compare(fl::asinh, [](double x) { return std::asinh(x); }, numbers(-300, 300, 4001));
    compare(fl::acosh, [](double x) { return std::acosh(x); }, numbers(0, 300, 4001));
    compare(fl::atanh, [](double x) { return std::atanh(x); }, narrow);
    compare(fl::gamma, [](double x) { return std::tgamma(x); }, middle);
    std::vector<double> angles(wide.size());
    fl::atan2(Span<const double>(wide), Span<const double>(middle), Span<double>(angles));
    hash = xxh64(ByteSpan(reinterpret_cast<const std::uint8_t*>(angles.data()), 8 * angles.size()), hash);
    for (std::size_t i = 0; i < angles.size(); ++i)
        CHECK(ulps(angles[i], std::atan2(wide[i], middle[i])) <= 2);
    CHECK_EQUAL(hash, std::uint64_t{17425859515958975663U});  // one constant for every instruction set
}

TEST(known_values) {
    CHECK_BITS(fl::gamma(1), 1.0);
    CHECK_BITS(fl::gamma(5), 24.0);
    CHECK_BITS(fl::gamma(19), 6402373705728000.0);
    CHECK_BITS(fl::gamma(0.5), 0x1.c5bf891b4ef6bp+0);    // sqrt(pi)
    CHECK_BITS(fl::gamma(-0.5), -0x1.c5bf891b4ef6bp+1);  // -2 sqrt(pi)
    CHECK_BITS(fl::atan(1), 0x1.921fb54442d18p-1);
    CHECK_BITS(fl::asin(1), 0x1.921fb54442d18p+0);
    CHECK_BITS(fl::acos(-1), 0x1.921fb54442d18p+1);
    CHECK_BITS(fl::acos(1), 0.0);
    CHECK_BITS(fl::acos(0.5), 0x1.0c152382d7366p+0);  // pi / 3
    CHECK_BITS(fl::cosh(0), 1.0);
    CHECK_BITS(fl::acosh(1), 0.0);
    CHECK_BITS(fl::tan(1), 0x1.8eb245cbee3a6p+0);
    CHECK_BITS(fl::atan2(-1, -1), -0x1.2d97c7f3321d2p+1);
}

TEST(ends_of_the_domains) {
    for (const double zero : {0.0, -0.0}) {
        CHECK_BITS(fl::tan(zero), zero);
        CHECK_BITS(fl::asin(zero), zero);
        CHECK_BITS(fl::atan(zero), zero);
        CHECK_BITS(fl::sinh(zero), zero);
        CHECK_BITS(fl::asinh(zero), zero);
        CHECK_BITS(fl::atanh(zero), zero);
        CHECK_BITS(fl::gamma(zero), std::copysign(infinity, zero));
    }
    for (const double x : {infinity, -infinity}) {
        CHECK(std::isnan(fl::tan(x)) && std::isnan(fl::asin(x)) && std::isnan(fl::acos(x)));
        CHECK_BITS(fl::atan(x), std::copysign(0x1.921fb54442d18p+0, x));
        CHECK_BITS(fl::sinh(x), x);
        CHECK_BITS(fl::cosh(x), infinity);
        CHECK_BITS(fl::asinh(x), x);
        CHECK(std::isnan(fl::atanh(x)));
        CHECK_BITS(fl::atanh(std::copysign(1, x)), x);
    }
    CHECK_BITS(fl::gamma(infinity), infinity);
    CHECK_BITS(fl::acosh(infinity), infinity);
    for (const double x : {-1.0, -2.0, -1e6, -1e7, -infinity}) CHECK(std::isnan(fl::gamma(x)));
    for (const double x : {0.99, -1.0, -infinity}) CHECK(std::isnan(fl::acosh(x)));
    const double nan = std::numeric_limits<double>::quiet_NaN();
    CHECK(std::isnan(fl::tan(nan)) && std::isnan(fl::asin(nan)) && std::isnan(fl::acos(nan)));
    CHECK(std::isnan(fl::atan(nan)) && std::isnan(fl::sinh(nan)) && std::isnan(fl::cosh(nan)));
    CHECK(std::isnan(fl::asinh(nan)) && std::isnan(fl::acosh(nan)) && std::isnan(fl::atanh(nan)));
    CHECK(std::isnan(fl::gamma(nan)) && std::isnan(fl::atan2(nan, 1)) && std::isnan(fl::atan2(1, nan)));
    // Out of range: the sign stays.
    CHECK_BITS(fl::sinh(-800), -infinity);
    CHECK_BITS(fl::gamma(200), infinity);
    CHECK_BITS(fl::gamma(-200.5), -0.0);
    CHECK_BITS(fl::gamma(-201.5), 0.0);
    CHECK_BITS(fl::atan2(-0x1p-600, 0x1p600), -0.0);
    const double x[2] = {1, 2};
    double y[1];
    CHECK_THROWS(fl::tan(Span<const double>(x, 2), Span<double>(y, 1)), ArgumentError);
}
