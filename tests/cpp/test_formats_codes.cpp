#include "fewbits/formats/codes.hpp"

#include <cmath>
#include <limits>
#include <vector>

#include "check.hpp"

using namespace fewbits;
using namespace fewbits::formats;

namespace {

// Every code back and forth, for T in float and double.
template <class T, class C>
void round_trip(const FloatFormat& f) {
    std::vector<C> codes(std::size_t{1} << f.bits), again(codes.size());
    for (std::size_t i = 0; i < codes.size(); ++i) codes[i] = static_cast<C>(i);
    std::vector<T> values(codes.size());
    decode(Span<const C>(codes), f, Span<T>(values));
    RoundOptions options;
    options.rounding = Rounding::toward_zero;
    encode(Span<const T>(values), f, options, Span<C>(again));
    for (std::size_t i = 0; i < codes.size(); ++i) {
        CHECK_BITS(values[i], reference::value_of<T>(static_cast<std::uint32_t>(i), f));
        CHECK_EQUAL(reference::code_of(values[i], f), static_cast<std::uint32_t>(again[i]));
        if (std::isnan(values[i]))
            CHECK_EQUAL(again[i] & ~f.sign_code(), f.nan_code() & ~f.sign_code());
        else
            CHECK_EQUAL(again[i], codes[i]);
    }
}

// Encoding in one step against the definitions, value by value.
template <class T>
void encode_equals_reference(const FloatFormat& f, const RoundOptions& options) {
    std::vector<T> x;
    const Philox random(9);
    for (std::uint64_t i = 0; i < 3000; ++i) {
        // Exponents around the format, and all others now and then.
        const int around = f.min_exponent - f.precision - 3;
        const int span = i % 8 == 0 ? 2000 : f.max_exponent - around + 4;
        const int exponent = (i % 8 == 0 ? -1000 : around) +
                             static_cast<int>(random.draw64(2 * i) % static_cast<unsigned>(span));
        std::uint64_t significand = random.draw64(2 * i + 1) >> 11;
        if (i % 3 == 0) significand &= ~std::uint64_t{0} << (53 - f.precision > 1 ? 52 - f.precision : 0);
        const double value =
            std::ldexp(static_cast<double>(significand | std::uint64_t{1} << 52), exponent - 52);
        x.push_back(static_cast<T>(i % 2 ? value : -value));
    }
    for (const T special :
         {T{0}, -T{0}, std::numeric_limits<T>::infinity(), -std::numeric_limits<T>::infinity(),
          std::numeric_limits<T>::quiet_NaN(), -std::numeric_limits<T>::quiet_NaN(),
          std::numeric_limits<T>::denorm_min(), static_cast<T>(f.max_finite)})
        x.push_back(special);
    std::vector<std::uint32_t> codes(x.size());
    encode(Span<const T>(x), f, options, Span<std::uint32_t>(codes));
    const auto plan = fewbits::formats::detail::make_plan<T>("test", f, options, x.size());
    for (std::size_t i = 0; i < x.size(); ++i) {
        const T value = fewbits::formats::detail::from_word<T>(
            reference::round_bits<T>(fewbits::formats::detail::exact(x[i]), plan, i));
        CHECK_EQUAL(codes[i], reference::code_of(value, f));
    }
    if (f.bits > 8) return;
    std::vector<std::uint8_t> narrow(x.size());
    encode(Span<const T>(x), f, options, Span<std::uint8_t>(narrow));
    for (std::size_t i = 0; i < x.size(); ++i) CHECK_EQUAL(codes[i], static_cast<std::uint32_t>(narrow[i]));
}

}  // namespace

TEST(encode_equals_the_reference) {
    std::vector<FloatFormat> formats;
    for (const NamedFormat& known : registry) formats.push_back(known.format);
    for (const char* name : {"int8", "uint4", "fixed(3,5)", "fixed(4,12)", "binary8p1se", "binary8p1uf",
                             "binary8p3ue", "float(e=5,m=2,subnormal=0)", "float(e=4,m=3,neg_zero=0)"})
        formats.push_back(get(std::string(name)));
    for (const FloatFormat& f : formats) {
        if (f.bits > 32) continue;
        for (int mode = 0; mode < 15; ++mode) {
            for (const Saturate saturate : {Saturate::none, Saturate::finite, Saturate::propagate}) {
                RoundOptions options;
                options.rounding = static_cast<Rounding>(mode);
                options.saturate = saturate;
                options.nan = NanPolicy::zero;
                if (fewbits::formats::detail::carries<float>(f)) encode_equals_reference<float>(f, options);
                encode_equals_reference<double>(f, options);
            }
        }
    }
}

TEST(every_code_comes_back) {
    for (const NamedFormat& known : registry) {
        if (known.format.bits <= 8) {
            round_trip<float, std::uint8_t>(known.format);
            round_trip<double, std::uint8_t>(known.format);
        } else if (known.format.bits <= 16) {
            round_trip<float, std::uint16_t>(known.format);
            round_trip<double, std::uint16_t>(known.format);
        }
    }
    for (const char* name :
         {"int8", "uint4", "int1", "fixed(3,5)", "binary8p1se", "binary8p3ue", "binary5p5uf",
          "float(e=8,m=1,bias=140)", "float(e=4,m=3,neg_zero=1,nan=none,inf=0)"}) {
        round_trip<double, std::uint8_t>(get(std::string(name)).bits <= 8 ? get(std::string(name))
                                                                          : get("int8"));
        if (get(std::string(name)).bits > 8) round_trip<double, std::uint16_t>(get(std::string(name)));
    }
    round_trip<double, std::uint16_t>(get("int16"));
    round_trip<double, std::uint32_t>(get("fixed(8,8)"));
}

TEST(codes_of_8_bits_in_any_order_and_number) {
    std::vector<FloatFormat> formats;
    for (const char* name :
         {"float8_e4m3fn", "float8_e5m2", "float8_e3m4", "float8_e4m3fnuz", "float8_e4m3b11fnuz",
          "float8_ue5m3", "float8_ue5m3fn", "float8_e8m0fnu", "float6_e2m3fn", "float6_e3m2fn", "fp4", "int8",
          "uint4", "float(e=5,m=2,subnormal=0)", "float(e=4,m=3,neg_zero=0)", "float(e=7,m=0,nan=none,inf=0)",
          "float(e=1,m=6,nan=none,inf=0)"})
        formats.push_back(get(std::string(name)));
    for (int bits = 3; bits <= 8; ++bits)
        for (int p = 1; p < bits; ++p)
            for (const bool is_signed : {true, false})
                for (const bool extended : {true, false})
                    if (bits > 3 || p == 1) formats.push_back(p3109(bits, p, is_signed, extended));
    const Philox random(10);
    for (const FloatFormat& f : formats) {
        if (!fewbits::formats::detail::carries<float>(f)) continue;
        for (const std::size_t n : {0U, 1U, 31U, 32U, 33U, 64U, 75U, 300U}) {
            std::vector<std::uint8_t> codes(n);
            // Some runs without the codes of infinity and nan, which take another way.
            for (std::size_t i = 0; i < n; ++i)
                codes[i] = static_cast<std::uint8_t>((random.draw64(i) >> (n % 7)) & ((1U << f.bits) - 1) &
                                                     (n % 2 == 0 ? 0xffU : 0x9eU));
            std::vector<float> out(n + 1, 7);
            decode(Span<const std::uint8_t>(codes), f, Span<float>(out.data(), n));
            for (std::size_t i = 0; i < n; ++i) CHECK_BITS(out[i], reference::value_of<float>(codes[i], f));
            CHECK_BITS(out[n], 7.0F);
        }
    }
}

TEST(known_codes) {
    const float x[] = {0.5F, -6, 2.5F, 1e9F, -0.0F};
    std::uint8_t codes[5];
    encode(Span<const float>(x), get("fp4"), {}, Span<std::uint8_t>(codes));
    const std::uint8_t expected[] = {1, 15, 4, 7, 8};
    for (int i = 0; i < 5; ++i) CHECK_EQUAL(codes[i], expected[i]);
}

TEST(wide_formats_take_narrow_inputs) {
    const float x[] = {1.5F, -2.25F, 0x1p-149F};
    std::uint32_t codes[3];
    encode(Span<const float>(x), get("fixed(16,16)"), {}, Span<std::uint32_t>(codes));
    CHECK_EQUAL(codes[0], 0x18000U);
    CHECK_EQUAL(codes[1], 0xfffdc000U);
    CHECK_EQUAL(codes[2], 0U);
    double back[3];
    decode(Span<const std::uint32_t>(codes), get("fixed(16,16)"), Span<double>(back));
    CHECK_BITS(back[1], -2.25);
}

TEST(refusals) {
    std::uint8_t codes[2] = {1, 16};
    float x[2] = {1, 2};
    std::uint16_t wide[2];
    CHECK_THROWS(decode(Span<const std::uint8_t>(codes, 2), get("fp4"), Span<float>(x)), ArgumentError);
    CHECK_THROWS(decode(Span<const std::uint8_t>(codes, 2), get("half"), Span<float>(x)), ArgumentError);
    CHECK_THROWS(decode(Span<const std::uint8_t>(codes, 1), get("fp4"), Span<float>(x)), ArgumentError);
    CHECK_THROWS(encode(Span<const float>(x, 2), get("half"), {}, Span<std::uint8_t>(codes)), ArgumentError);
    CHECK_THROWS(encode(Span<const float>(x, 1), get("half"), {}, Span<std::uint16_t>(wide)), ArgumentError);
    CHECK_THROWS(encode(Span<const float>(x, 2), get("float64"), {}, Span<std::uint16_t>(wide)),
                 ArgumentError);
    CHECK_THROWS(
        encode(Span<const float>(x, 2), get("float(p=3,emin=-3,emax=3)"), {}, Span<std::uint16_t>(wide)),
        ArgumentError);
}
