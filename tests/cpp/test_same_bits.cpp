// The same input gives the same bits on every instruction set: a digest of the output of each kernel on fixed
// Philox input, compared with the one recorded in tests/data/digests.json.
//
// To add a kernel write one line: SAME_BITS(name, expression), where the expression is a vector or array of
// plain values (or several, through all(...)); inputs come from floats(), doubles() and integers(), which are
// finite. Run the test: the failure shows the line to put into digests.json. Change a recorded digest only
// together with a new version of whatever format or promise the bits belong to.
#include <cmath>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "check.hpp"
#include "fewbits/core/checksum.hpp"
#include "fewbits/core/error_free.hpp"
#include "fewbits/core/random.hpp"
#include "fewbits/functions/discover.hpp"
#include "fewbits/functions/perp_grad.hpp"
#include "fewbits/functions/softmax_loss.hpp"
#include "fewbits/functions/zipf.hpp"
#include "fewbits/quant/hadamard.hpp"
#include "fewbits/simd/f32x8.hpp"
#include "fewbits/simd/f64x4.hpp"
#include "fewbits/simd/i16x16.hpp"
#include "fewbits/simd/i32x8.hpp"
#include "fewbits/simd/u64x4.hpp"
#include "fewbits/simd/u8x32.hpp"

using namespace fewbits;
using namespace fewbits::simd;

namespace {

constexpr std::size_t count = 4096 + 32;  // a multiple of every width

// Uniform mantissas, exponents from -range to range, both signs.
template <class T>
std::vector<T> reals(std::uint64_t stream, int range) {
    const Philox random(20240229, stream);
    std::vector<T> values(count);
    for (std::size_t i = 0; i < count; ++i) {
        const auto span = static_cast<std::uint64_t>(2 * range + 1);
        const int exponent = static_cast<int>(random.draw64(2 * i) % span) - range;
        values[i] = std::ldexp(static_cast<T>(random.uniform01(2 * i + 1) - 0.5), exponent);
    }
    return values;
}
std::vector<float> floats(std::uint64_t stream, int range = 20) { return reals<float>(stream, range); }
std::vector<double> doubles(std::uint64_t stream, int range = 40) { return reals<double>(stream, range); }

template <class T>
std::vector<T> integers(std::uint64_t stream) {
    std::vector<std::uint64_t> draws(count * sizeof(T) / 8);
    Philox(20240229, stream).fill(0, Span<std::uint64_t>(draws));
    std::vector<T> values(count);
    std::memcpy(values.data(), draws.data(), count * sizeof(T));
    return values;
}

// The output of `kernel` on vectors from two inputs.
template <class V, class Kernel>
auto map(const std::vector<typename V::element>& a, const std::vector<typename V::element>& b,
         Kernel kernel) {
    using R = decltype(kernel(V::zero(), V::zero()));
    std::vector<typename R::element> out(count / V::size * R::size);
    for (std::size_t i = 0; i < count / V::size; ++i) {
        store(kernel(V::load(&a[i * V::size]), V::load(&b[i * V::size])), &out[i * R::size]);
    }
    return out;
}

template <class T>
void append_values(Bytes& bytes, const T& values) {
    static_assert(std::is_trivially_copyable_v<std::decay_t<decltype(values[0])>>);
    const auto* data = reinterpret_cast<const std::uint8_t*>(values.data());
    bytes.insert(bytes.end(), data, data + values.size() * sizeof(values[0]));
}
template <class... T>
Bytes all(const T&... values) {
    Bytes bytes;
    (append_values(bytes, values), ...);
    return bytes;
}

const std::string& recorded() {
    static const std::string text = [] {
        std::ifstream file(FEWBITS_TEST_DATA "/digests.json");
        return std::string(std::istreambuf_iterator<char>(file), {});
    }();
    return text;
}

void check_digest(const std::string& name, const Bytes& output) {
    char digest[17];
    std::snprintf(digest, sizeof digest, "%016llx", static_cast<unsigned long long>(xxh64(output)));
    const std::string key = "\"cpp/" + name + "\": ";
    const std::string line = key + "\"" + digest + "\"";
    ++check::checks();
    if (recorded().find(line) == std::string::npos) {
        const bool known = recorded().find(key) != std::string::npos;
        check::fail("tests/data/digests.json", 0,
                    (known ? "other bits than recorded, got " : "not recorded: ") + line);
    }
}

}  // namespace

// The digests are of little-endian memory, which every supported machine has.
#define SAME_BITS(name, ...) \
    TEST(same_bits_##name) { check_digest(#name, all(__VA_ARGS__)); }

namespace {

std::vector<std::uint64_t> checksums() {
    const auto bytes = integers<std::uint8_t>(1);
    std::vector<std::uint64_t> sums;
    for (std::size_t size = 0; size <= bytes.size(); size += 1 + size / 3) {
        sums.push_back(crc32c({bytes.data(), size}));
        sums.push_back(xxh64({bytes.data(), size}, size));
    }
    return sums;
}

template <class T>
std::vector<T> philox() {
    std::vector<T> out(1001);
    Philox(0x0123456789abcdefU, 77).fill((std::uint64_t{1} << 33) + 1, Span<T>(out));
    return out;
}

std::vector<std::uint64_t> bounded() {
    std::vector<std::uint64_t> out;
    for (std::uint64_t i = 0; i < 500; ++i)
        out.push_back(uniform_integer(5, i, (std::uint64_t{3} << 61) + i));
    return out;
}

template <class T>
std::vector<T> error_free(const std::vector<T>& a, const std::vector<T>& b) {
    std::vector<T> out;
    for (std::size_t i = 0; i < a.size(); ++i) {
        for (const ErrorFree<T> r : {two_sum(a[i], b[i]), two_prod(a[i], b[i])}) {
            out.insert(out.end(), {r.value, r.error});
        }
    }
    return out;
}

template <class V>
std::vector<typename V::element> sums(const std::vector<typename V::element>& a) {
    std::vector<typename V::element> out;
    for (std::size_t i = 0; i < a.size(); i += V::size) out.push_back(sum(V::load(&a[i])));
    return out;
}

// Rounding, min, max, comparisons and the exactly rounded operations in one chain.
template <class V>
V float_chain(V a, V b) {
    const V c = fma(a, b, a / b) - sqrt(abs(a)) * b;
    const V d = select(a < b, floor(c) + ceil(b), trunc(a) - nearest_even(b));
    return max(min(c, d), a + b * c);
}

std::vector<std::uint16_t> float16_codes(const std::vector<float>& x) {
    std::vector<std::uint16_t> codes(x.size());
    for (std::size_t i = 0; i < x.size(); i += 8) store_float16(f32x8::load(&x[i]), &codes[i]);
    return codes;
}

}  // namespace

SAME_BITS(checksums, checksums())
SAME_BITS(philox, philox<std::uint32_t>(), philox<std::uint64_t>(), philox<float>(), philox<double>())
SAME_BITS(uniform_integer, bounded())
SAME_BITS(error_free, error_free(floats(2), floats(3)), error_free(doubles(2), doubles(3)))
SAME_BITS(f32x8, map<f32x8>(floats(4), floats(5), float_chain<f32x8>), sums<f32x8>(floats(6)))
SAME_BITS(f64x4, map<f64x4>(doubles(7), doubles(8), float_chain<f64x4>), sums<f64x4>(doubles(9)))
SAME_BITS(f64x4_f32x8, map<f32x8>(floats(10), floats(10), [](f32x8 a, f32x8) {
              return narrow(widen_high(a) * widen_low(a), sqrt(abs(widen_low(a))));
          }))
SAME_BITS(float16, float16_codes(floats(11, 30)))
SAME_BITS(i32x8_convert, map<f32x8>(floats(12, 40), floats(13, 40), [](f32x8 a, f32x8 b) {
              return convert_i32(a) ^ shift_right(truncate_i32(b), bit_cast<i32x8>(a) & i32x8::broadcast(31));
          }))
SAME_BITS(i32x8, map<i32x8>(integers<std::int32_t>(14), integers<std::int32_t>(15), [](i32x8 a, i32x8 b) {
              return max(a * b, shift_left(a - b, b)) + bit_cast<i32x8>(convert_f32(min(a, b)));
          }))
SAME_BITS(u64x4, map<u64x4>(integers<std::uint64_t>(16), integers<std::uint64_t>(17), [](u64x4 a, u64x4 b) {
              return select(a > b, a * b, mul_low32(a, b) - shift_right(a, b & u64x4::broadcast(63)));
          }))
SAME_BITS(i16x16, map<i16x16>(integers<std::int16_t>(18), integers<std::int16_t>(19), [](i16x16 a, i16x16 b) {
              return pack_i16(shift_right(madd_i16(a, b), 9), widen_high(add_saturate(a, mul_high(a, b))));
          }))
SAME_BITS(u8x32, map<u8x32>(integers<std::uint8_t>(20), integers<std::uint8_t>(21), [](u8x32 a, u8x32 b) {
              return pack_u8(widen_low(a) - widen_high(b), widen_low(lookup16(a, b)));
          }))

namespace {

template <class T>
std::vector<T> rotated(std::vector<T> x) {
    for (const std::size_t size : {32, 96}) quant::hadamard_rotate(Span<T>(x.data(), 3840), 960, size, {7});
    return x;
}

}  // namespace

SAME_BITS(hadamard_rotate, rotated(floats(22)), rotated(doubles(23)))

namespace {

template <class T>
std::vector<T> softmax_rows() {
    std::vector<T> z(4095), out;
    for (std::size_t i = 0; i < z.size(); ++i) {
        z[i] = static_cast<T>(60 * Philox(20240229, 24).uniform01(i) - 30);
    }
    const auto add = [&](auto function) {
        std::vector<T> y(z.size());
        function(Span<const T>(z), 315, Span<T>(y), 2);
        out.insert(out.end(), y.begin(), y.end());
    };
    add(functions::softmax<T>);
    add(functions::log_softmax<T>);
    add(functions::stablemax<T>);
    std::vector<T> few(13), g(z.size());
    functions::logsumexp(Span<const T>(z), 315, Span<T>(few));
    out.insert(out.end(), few.begin(), few.end());
    const std::vector<std::int64_t> targets = {0, 5, 9, -1, 7, 300, 314, 1, 2, 3, 4, 5, 6};
    for (const auto kind : {functions::Loss::softmax, functions::Loss::stablemax, functions::Loss::taylor,
                            functions::Loss::spherical, functions::Loss::z, functions::Loss::mse}) {
        functions::cross_entropy(Span<const T>(z), Span<const std::int64_t>(targets), 315, kind,
                                 {0.25, 0.5, 1}, Span<T>(few), Span<T>(g));
        out.insert(out.end(), few.begin(), few.end());
        out.insert(out.end(), g.begin(), g.end());
    }
    functions::perp_grad(Span<const T>(z), Span<const T>(g), Span<T>(g));
    out.insert(out.end(), g.begin(), g.end());
    return out;
}

std::vector<double> zipf_values() {
    std::vector<double> out;
    for (const double s : {0.0, 0.9, 1.0, 1.07, 2.5}) {
        const functions::Zipf zipf(1048576, s);
        std::vector<double> k(400), y(k.size());
        for (std::size_t i = 0; i < k.size(); ++i) k[i] = static_cast<double>(i * i * 6 + 1);
        zipf.cdf(Span<const double>(k), Span<double>(y));
        out.insert(out.end(), y.begin(), y.end());
        zipf.sf(Span<const double>(k), Span<double>(y));
        out.insert(out.end(), y.begin(), y.end());
        zipf.logpmf(Span<const double>(k), Span<double>(y));
        out.insert(out.end(), y.begin(), y.end());
    }
    return out;
}

std::vector<std::int64_t> zipf_integers() {
    std::vector<std::int64_t> out(2000);
    functions::Zipf(1048576, 1.07).sample(5, 0, Span<std::int64_t>(out));
    // Every symbol of a table of 2^20: the encoder and the decoder of another machine must agree.
    const functions::ZipfCodingModel model(1048576, 1.07, 24);
    std::vector<double> k(1048577);
    for (std::size_t i = 0; i < k.size(); ++i) k[i] = static_cast<double>(i);
    std::vector<std::uint64_t> c(k.size());
    model.cumulative(Span<const double>(k), Span<std::uint64_t>(c));
    for (const std::uint64_t slot : c) out.push_back(static_cast<std::int64_t>(slot));
    return out;
}

std::vector<double> fitted_program() {
    using Op = functions::Operation;
    const functions::Program p = {3,
                                  {{Op::mul, 0, 0, 0},
                                   {Op::add, 4, 1, 0},
                                   {Op::div, 2, 5, 0},
                                   {Op::add, 6, 3, 0},
                                   {Op::add, 7, 0, 0},
                                   {Op::sub, 7, 0, 0},
                                   {Op::div, 8, 9, 0}}};
    std::vector<double> x(65), w(65), t(65, 1.0);
    for (std::size_t i = 0; i < 65; ++i) {
        x[i] = static_cast<double>(i) / 64;
        w[i] = 1 / functions::exp2(x[i]);
    }
    const std::vector<double> start = {125, -1800, 17};
    std::vector<double> c(3);
    const Span<const double> sx(x), sw(w), st(t);
    c.push_back(functions::fit_program(p, Span<const double>(start), sx, sw, st, sx, sw, st, 30,
                                       Span<double>(c.data(), 3)));
    return c;
}

}  // namespace

SAME_BITS(softmax, softmax_rows<float>(), softmax_rows<double>())
SAME_BITS(zipf, zipf_values(), zipf_integers())
SAME_BITS(discover, fitted_program())
