#include "fewbits/formats/rounding.hpp"

#include <cstring>
#include <vector>

#include "check.hpp"
#include "fewbits/core/checksum.hpp"

using namespace fewbits;
using namespace fewbits::formats;

namespace {

constexpr const char* names[] = {
    "float16",
    "bfloat16",
    "tf32",
    "float32",
    "float8_e5m2",
    "float8_e4m3fn",
    "fp4",
    "float8_e8m0fnu",
    "binary8p1se",
    "binary5p5uf",
    "int8",
    "fixed(4,12)",
    "float(e=5,m=2,subnormal=0)",
    "float(p=9,emin=-135,emax=90)",
};

// Bit patterns of every exponent, with significands of many shapes; both signs.
template <class T>
std::vector<T> patterns() {
    using Word = fewbits::formats::detail::WordOf<T>;
    constexpr int m = fewbits::formats::detail::Carrier<T>::mantissa_bits;
    constexpr int exponents = 2 * fewbits::formats::detail::Carrier<T>::bias + 2;
    std::vector<T> result;
    const Philox random(5);
    std::uint64_t index = 0;
    for (int field = 0; field < exponents; field += sizeof(T) == 8 && field > 400 && field < 800 ? 37 : 1) {
        for (int shape = 0; shape < 10; ++shape) {
            Word rest = static_cast<Word>(random.draw64(index++)) & ((Word{1} << m) - 1);
            if (shape == 0) rest = 0;
            if (shape == 1) rest = (Word{1} << m) - 1;
            if (shape > 4) rest &= static_cast<Word>(~Word{0}) << (m - 2 * (shape - 4));  // ties
            const Word word = static_cast<Word>(field) << m | rest;
            result.push_back(fewbits::formats::detail::from_word<T>(word));
            result.push_back(
                fewbits::formats::detail::from_word<T>(word | fewbits::formats::detail::sign_bit<T>));
        }
    }
    return result;
}

template <class T>
void kernel_equals_reference(const char* name, const RoundOptions& options) {
    static const std::vector<T> x = patterns<T>();
    const FloatFormat f = get(std::string(name));
    if (!fewbits::formats::detail::carries<T>(f)) return;
    if (!options.exponent_limit && f.is_fixed) return;
    if (options.saturate == Saturate::wrap && !f.is_fixed) return;
    std::vector<T> y(x.size());
    round_to(Span<const T>(x), f, options, Span<T>(y));
    const auto plan = fewbits::formats::detail::make_plan<T>("test", f, options, x.size());
    for (std::size_t i = 0; i < x.size(); ++i) {
        const T expected = fewbits::formats::detail::from_word<T>(
            reference::round_bits<T>(fewbits::formats::detail::exact(x[i]), plan, i));
        CHECK_BITS(y[i], expected);
    }
}

RoundOptions options_of(int mode) {
    RoundOptions options;
    options.rounding = static_cast<Rounding>(mode);
    options.nan = NanPolicy::zero;
    options.seed = fewbits::formats::detail::rounds_randomly(options.rounding) ? 42 : 0;
    return options;
}

}  // namespace

TEST(kernels_equal_the_reference) {
    for (const char* name : names) {
        for (int mode = 0; mode < 15; ++mode) {
            RoundOptions options = options_of(mode);
            kernel_equals_reference<float>(name, options);
            kernel_equals_reference<double>(name, options);
            options.subnormal = Subnormal::flush;
            options.saturate = Saturate::finite;
            kernel_equals_reference<float>(name, options);
            options.subnormal = Subnormal::nearest_normal;
            options.saturate = Saturate::propagate;
            kernel_equals_reference<float>(name, options);
            options.flush_inputs = true;
            options.saturate = Saturate::wrap;
            kernel_equals_reference<float>(name, options);
            options = options_of(mode);
            options.exponent_limit = false;
            kernel_equals_reference<float>(name, options);
        }
    }
}

TEST(limited_random_bits_equal_the_reference) {
    for (const char* name : names) {
        RoundOptions options = options_of(static_cast<int>(Rounding::stochastic));
        for (const int count : {1, 7, 8, 13, 31, 32}) {
            options.random_bits = count;
            for (const Variant variant : {Variant::a, Variant::b, Variant::c}) {
                options.variant = variant;
                kernel_equals_reference<float>(name, options);
                kernel_equals_reference<double>(name, options);
            }
        }
    }
}

TEST(draws_of_ones_reach_far_below_the_least_value) {
    const std::vector<std::uint32_t> bits(patterns<float>().size(), 0xffffffffU);
    RoundOptions options = options_of(static_cast<int>(Rounding::stochastic));
    options.bits = Span<const std::uint32_t>(bits);
    for (const char* name : {"float16", "float8_e4m3fn", "fp4"})
        kernel_equals_reference<float>(name, options);
}

TEST(integers) {
    const std::vector<std::int64_t> x = {0,
                                         1,
                                         -1,
                                         (std::int64_t{1} << 24) + (1 << 16) + 1,
                                         INT64_MAX,
                                         INT64_MIN,
                                         -((std::int64_t{1} << 62) + (std::int64_t{1} << 54) + 1)};
    std::vector<double> y(x.size());
    round_to(Span<const std::int64_t>(x), get("bfloat16"), {}, Span<double>(y));
    const double expected[] = {0, 1, -1, 16908288, 0x1p63, -0x1p63, -0x1.02p62};
    for (std::size_t i = 0; i < x.size(); ++i) CHECK_BITS(y[i], expected[i]);
}

TEST(lengths_tails_and_threads) {
    std::vector<float> x = patterns<float>();
    x.resize(4097);
    const FloatFormat f = get("float8_e5m2");
    for (int mode = 0; mode < 15; ++mode) {
        RoundOptions options = options_of(mode);
        std::vector<float> whole(x.size());
        round_to(Span<const float>(x), f, options, Span<float>(whole));
        for (std::size_t size = 0; size <= 33; ++size) {
            std::vector<float> part(size + 1, 77);
            options.first = 1000;
            std::vector<float> moved(whole.begin() + 1000,
                                     whole.begin() + 1000 + static_cast<std::ptrdiff_t>(size));
            round_to(Span<const float>(x.data() + 1000, size), f, options, Span<float>(part.data(), size));
            for (std::size_t i = 0; i < size; ++i) CHECK_BITS(part[i], moved[i]);
            CHECK_BITS(part[size], 77.0F);
        }
    }
    std::vector<float> many(700'001);
    for (std::size_t i = 0; i < many.size(); ++i) many[i] = x[i % x.size()];
    RoundOptions options = options_of(static_cast<int>(Rounding::stochastic));
    std::vector<float> one(many.size()), five(many.size());
    round_to(Span<const float>(many), f, options, Span<float>(one));
    options.threads = 5;
    round_to(Span<const float>(many), f, options, Span<float>(five));
    CHECK(std::memcmp(one.data(), five.data(), 4 * one.size()) == 0);
    round_to(Span<const float>(many), f, options, Span<float>(many));  // in place
    CHECK(std::memcmp(one.data(), many.data(), 4 * one.size()) == 0);
}

TEST(the_same_bits_everywhere) {
    std::uint64_t hash = 0;
    for (const char* name : names) {
        for (int mode = 0; mode < 15; ++mode) {
            const std::vector<float> x = patterns<float>();
            if (!fewbits::formats::detail::carries<float>(get(std::string(name)))) continue;
            std::vector<float> y(x.size());
            round_to(Span<const float>(x), get(std::string(name)), options_of(mode), Span<float>(y));
            hash = xxh64(ByteSpan(reinterpret_cast<const std::uint8_t*>(y.data()), 4 * y.size()), hash);
        }
    }
    CHECK_EQUAL(hash, std::uint64_t{12480149389114664615U});  // one constant for every instruction set
}

#if defined(__SSE2__)
// Another library may have changed how the thread treats subnormals (0x8040: flushed in and out), or how it
// rounds (0x2000, 0x4000, 0x6000: down, up, to zero).
TEST(the_state_of_the_thread_does_not_matter) {
    unsigned saved = 0;
    __asm__ volatile("stmxcsr %0" : "=m"(saved));
    const std::vector<float> x = patterns<float>();
    const std::vector<double> wide = patterns<double>();
    for (const char* name :
         {"float16", "bfloat16", "float8_e4m3fn", "binary8p1se", "float8_e8m0fnu", "fixed(4,12)"}) {
        const FloatFormat f = get(std::string(name));
        for (int mode = 0; mode < 15; ++mode) {
            const RoundOptions options = options_of(mode);
            std::vector<float> expected(x.size()), got(x.size());
            std::vector<double> wide_expected(wide.size()), wide_got(wide.size());
            round_to(Span<const float>(x), f, options, Span<float>(expected));
            round_to(Span<const double>(wide), f, options, Span<double>(wide_expected));
            for (const unsigned state : {0x8040U, 0x2000U, 0x4000U, 0x6000U}) {
                const unsigned changed = saved | state;
                __asm__ volatile("ldmxcsr %0" : : "m"(changed) : "memory");
                round_to(Span<const float>(x), f, options, Span<float>(got));
                round_to(Span<const double>(wide), f, options, Span<double>(wide_got));
                __asm__ volatile("ldmxcsr %0" : : "m"(saved) : "memory");
                CHECK(std::memcmp(expected.data(), got.data(), 4 * x.size()) == 0);
                CHECK(std::memcmp(wide_expected.data(), wide_got.data(), 8 * wide.size()) == 0);
            }
        }
    }
}
#endif

TEST(refusals) {
    const std::vector<float> x = {1, NAN};
    std::vector<float> y(2), short_y(1);
    RoundOptions options;
    CHECK_THROWS(round_to(Span<const float>(x), get("fp4"), options, Span<float>(y)), ArgumentError);
    CHECK_THROWS(round_to(Span<const float>(x), get("half"), options, Span<float>(short_y)), ArgumentError);
    CHECK_THROWS(round_to(Span<const float>(x), get("float64"), options, Span<float>(y)), ArgumentError);
    options.random_bits = 3;
    CHECK_THROWS(round_to(Span<const float>(x), get("half"), options, Span<float>(y)), ArgumentError);
    options.rounding = Rounding::stochastic;
    options.random_bits = 33;
    CHECK_THROWS(round_to(Span<const float>(x), get("half"), options, Span<float>(y)), ArgumentError);
    options = RoundOptions();
    options.saturate = Saturate::wrap;
    CHECK_THROWS(round_to(Span<const float>(x), get("half"), options, Span<float>(y)), ArgumentError);
}
