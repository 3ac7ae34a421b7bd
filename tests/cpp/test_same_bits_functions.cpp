// The functions give the same bits on every instruction set: XXH64 of 2^20 results of each, float64 and
// float32, best and fast, on fixed Philox input (every bit pattern, and numbers where the function is not
// trivial), compared with tests/data/functions_digests.json. A failure shows the line that belongs there.
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "check.hpp"
#include "fewbits/core/checksum.hpp"
#include "fewbits/core/random.hpp"
#include "fewbits/functions.hpp"

using namespace fewbits;
namespace fn = fewbits::functions;

namespace {

constexpr std::size_t count = 1 << 20;

// Half of them arbitrary bits, the others uniform in [low, high].
template <class T>
std::vector<T> inputs(std::uint64_t stream, double low, double high) {
    using Word = std::conditional_t<sizeof(T) == 8, std::uint64_t, std::uint32_t>;
    const Philox random(20240229, stream);
    std::vector<Word> words(count / 2);
    random.fill(0, Span<Word>(words));
    std::vector<T> x(count);
    std::memcpy(x.data(), words.data(), words.size() * sizeof(T));
    for (std::size_t i = count / 2; i < count; ++i) {
        x[i] = static_cast<T>(low + (high - low) * random.uniform01(count + i));
    }
    return x;
}

template <class T>
std::string digest(const std::vector<T>& y) {
    const auto* data = reinterpret_cast<const std::uint8_t*>(y.data());
    char text[17];
    std::snprintf(text, sizeof text, "%016llx",
                  static_cast<unsigned long long>(xxh64({data, y.size() * sizeof(T)})));
    return text;
}

const std::string& recorded() {
    static const std::string text = [] {
        std::ifstream file(FEWBITS_TEST_DATA "/functions_digests.json");
        return std::string(std::istreambuf_iterator<char>(file), {});
    }();
    return text;
}

void check_digest(const std::string& name, const std::string& got) {
    const std::string line = "\"" + name + "\": \"" + got + "\"";
    ++check::checks();
    if (recorded().find(line) == std::string::npos) {
        check::fail("tests/data/functions_digests.json", 0, "other bits than recorded, or none: " + line);
    }
}

template <class T, class F>
void check_type(const std::string& name, F f, double low, double high) {
    std::vector<T> x = inputs<T>(80, low, high), y(count);
    f(Span<const T>(x), Span<T>(y), fn::Accuracy::best);
    check_digest(name, digest(y));
    if (std::is_same_v<T, double>) return;
    f(Span<const T>(x), Span<T>(y), fn::Accuracy::fast);
    check_digest(name + " fast", digest(y));
}

template <class F>
void check_function(const char* name, F f, double low, double high) {
    check_type<double>(std::string(name) + " float64", f, low, high);
    check_type<float>(std::string(name) + " float32", f, low, high);
}

template <class T>
void check_pow(const std::string& name) {
    const std::vector<T> x = inputs<T>(81, 0, 10), y = inputs<T>(82, -30, 30);
    std::vector<T> out(count);
    fn::pow(Span<const T>(x), Span<const T>(y), Span<T>(out));
    check_digest(name, digest(out));
}

}  // namespace

TEST(exponential) {
    check_function("exp", fn::exp, -110, 90);
    check_function("exp2", fn::exp2, -150, 130);
    check_function("exp10", fn::exp10, -46, 39);
    check_function("expm1", fn::expm1, -20, 90);
}
TEST(logarithm) {
    check_function("log", fn::log, 0, 4);
    check_function("log2", fn::log2, 0, 4);
    check_function("log10", fn::log10, 0, 4);
    check_function("log1p", fn::log1p, -1, 3);
}
TEST(trigonometric) {
    check_function("sin", fn::sin, -100, 100);
    check_function("cos", fn::cos, -100, 100);
}
TEST(logistic) {
    check_function("tanh", fn::tanh, -10, 10);
    check_function("sigmoid", fn::sigmoid, -110, 40);
    check_function("log_sigmoid", fn::log_sigmoid, -40, 110);
    check_function("softplus", fn::softplus, -110, 40);
    check_function("silu", fn::silu, -110, 40);
    check_function("gelu_tanh", fn::gelu_tanh, -15, 10);
}
TEST(error_function) {
    check_function("erf", fn::erf, -6, 6);
    check_function("erfc", fn::erfc, -6, 28);
    check_function("erfcx", fn::erfcx, -10, 60);
}
TEST(normal_distribution) {
    check_function("ndtr", fn::ndtr, -40, 9);
    check_function("log_ndtr", fn::log_ndtr, -40, 20);
    check_function("ndtri", fn::ndtri, 0, 1);
    check_function("gelu", fn::gelu, -40, 9);
}
TEST(power) {
    check_function("rsqrt", fn::rsqrt, 0, 100);
    check_function("cbrt", fn::cbrt, -100, 100);
    check_pow<double>("pow float64");
    check_pow<float>("pow float32");
}
TEST(gamma) { check_function("log_gamma", fn::log_gamma, 0, 30); }
TEST(bessel) {
    // Orders and arguments of every region, and arbitrary bits.
    constexpr std::size_t n = count / 8, first = count / 2 - n / 8;
    std::vector<double> v = inputs<double>(83, 0, 300), x = inputs<double>(84, 0, 300), out(n), second(n);
    for (std::size_t i = count / 2; i < count; ++i) {
        if (i % 3 == 0) v[i] *= 0.07;
        if (i % 3 == 0 || i % 5 == 0) x[i] *= i % 7 == 0 ? 1e-6 : 0.07;
        if (i % 11 == 0) v[i] *= 50;
        if (i % 13 == 0) x[i] *= 50;
    }
    const Span<const double> order(v.data() + first, n), argument(x.data() + first, n);
    for (const bool scaled : {false, true}) {
        const char* tail = scaled ? " scaled" : "";
        fn::log_iv(order, argument, Span<double>(out), {scaled, fn::BesselMethod::best});
        check_digest(std::string("log_iv") + tail, digest(out));
        fn::log_kv(order, argument, Span<double>(out), {scaled, fn::BesselMethod::best});
        check_digest(std::string("log_kv") + tail, digest(out));
    }
    fn::iv_ratio(order, argument, Span<double>(out));
    check_digest("iv_ratio", digest(out));
    fn::iv_ratio_c(order, argument, Span<double>(out));
    check_digest("iv_ratio_c", digest(out));
    fn::kv_ratio(order, argument, Span<double>(out));
    check_digest("kv_ratio", digest(out));
    fn::log_iv_grad(order, argument, Span<double>(out), Span<double>(second));
    check_digest("log_iv_grad v", digest(out));
    check_digest("log_iv_grad x", digest(second));
    fn::log_kv_grad(order, argument, Span<double>(out), Span<double>(second));
    check_digest("log_kv_grad v", digest(out));
    check_digest("log_kv_grad x", digest(second));
    fn::vmf::log_normalizer(order, argument, Span<double>(out));
    check_digest("vmf log_normalizer", digest(out));
}
TEST(bessel_inverse_and_paper) {
    constexpr std::size_t n = 2000;
    std::vector<double> v(n), x(n), r(n), out(n);
    const Philox random(20240229, 85);
    for (std::size_t i = 0; i < n; ++i) {
        v[i] = 200 * random.uniform01(3 * i) * (i % 2 == 0 ? 1 : 0.1);
        x[i] = 0.01 + 400 * random.uniform01(3 * i + 1) * (i % 3 == 0 ? 1 : 0.05);
        r[i] = random.uniform01(3 * i + 2);
    }
    const Span<const double> order(v), argument(x);
    fn::iv_ratio_inv(order, Span<const double>(r), Span<double>(out));
    check_digest("iv_ratio_inv", digest(out));
    fn::log_iv(order, argument, Span<double>(out), {false, fn::BesselMethod::paper});
    check_digest("log_iv paper", digest(out));
    fn::log_kv(order, argument, Span<double>(out), {false, fn::BesselMethod::paper});
    check_digest("log_kv paper", digest(out));
}
TEST(samples) {
    std::vector<double> z(5000), mu(50), out(100 * mu.size());
    fn::sample_normal(Philox(17, 4), 1, Span<double>(z));
    check_digest("sample_normal", digest(z));
    for (std::size_t i = 0; i < mu.size(); ++i) mu[i] = i < 25 ? 0.16 : 0.12;  // of length 1
    fn::vmf::sample<double>(Span<const double>(mu), 75.5, 3, 0, Span<double>(out));
    check_digest("vmf sample", digest(out));
}
