#include "fewbits/coding/mixture.hpp"

#include <cmath>
#include <cstdlib>
#include <random>
#include <vector>

#include "check.hpp"
#include "fewbits/core/checksum.hpp"

using namespace fewbits;
using namespace fewbits::coding;

namespace {

struct Message {
    std::vector<float> weights, means, scales;
    std::vector<std::int32_t> symbols;
    MixtureView view;

    // Scales about 2^log_scale, symbols drawn from the model. Integers and exact operations only: the same
    // message everywhere.
    Message(std::uint64_t seed, std::size_t n, int k, Family family = Family::gaussian, int log_scale = 0) {
        std::mt19937_64 random(seed);
        const auto unit = [&] { return static_cast<float>(random() >> 40) * 0x1p-24F; };
        const std::size_t count = n * static_cast<std::size_t>(k);
        weights.assign(count, 1.0F / static_cast<float>(k));
        means.resize(count);
        scales.resize(count);
        symbols.resize(n);
        for (std::size_t i = 0; i < n; ++i) {
            for (int j = 0; j < k; ++j) {
                const std::size_t at = static_cast<std::size_t>(j) * n + i;
                scales[at] = std::ldexp(0.25F + unit(), log_scale);
                means[at] = std::ldexp(4.0F * unit() - 2.0F, log_scale);
            }
            const std::size_t pick = static_cast<std::size_t>(random() % static_cast<unsigned>(k)) * n + i;
            float noise = -3.0F;
            for (int t = 0; t < 6; ++t) noise += unit();
            symbols[i] = static_cast<std::int32_t>(std::nearbyint(means[pick] + scales[pick] * noise));
        }
        view.weights = weights.data();
        view.means = means.data();
        view.scales = scales.data();
        view.n = n;
        view.k = k;
        view.stride_k = static_cast<std::ptrdiff_t>(n);
        view.family = family;
    }
};

Bytes check_round_trip(const std::vector<std::int32_t>& symbols, const MixtureView& view,
                       const EncodeOptions& options = {}, const Support* support = nullptr) {
    const Bytes data = encode(symbols, view, options, support);
    std::vector<std::int32_t> back(symbols.size(), 77);
    decode(data, view, Span<std::int32_t>(back));
    CHECK(back == symbols);
    CHECK_EQUAL(count_symbols(data), std::uint64_t{symbols.size()});
    return data;
}

}  // namespace

TEST(mixture_round_trips) {
    for (const Family family : {Family::gaussian, Family::laplace, Family::logistic}) {
        for (const int k : {1, 2, 3, 4, 5, 16}) {
            for (const std::size_t n : std::vector<std::size_t>{0, 1, 7, 8, 9, 255, 256, 257, 3000}) {
                const Message message(n + 1, n, k, family, static_cast<int>(n % 5));
                for (const unsigned lanes : {0U, 1U, 2U, 4U, 8U}) {
                    EncodeOptions options;
                    options.lanes = lanes;
                    options.checksum = lanes == 2;
                    options.hash = lanes == 4;
                    const Bytes data = check_round_trip(message.symbols, message.view, options);
                    std::vector<double> bits(n);
                    code_lengths(message.symbols, message.view, Span<double>(bits));
                    double total = 0;
                    for (const double b : bits) total += b;
                    CHECK(8.0 * static_cast<double>(data.size()) <=
                          total + 64.0 * std::max(1U, lanes == 0 ? 8 : lanes) + 128 + 64 + 32);
                }
            }
        }
    }
}

TEST(mixture_blocks_and_threads) {
    const Message message(5, 2 * parametric_block_symbols + 1000, 2);
    const Bytes data = check_round_trip(message.symbols, message.view);
    for (const int threads : {2, 5}) {
        EncodeOptions options;
        options.threads = threads;
        CHECK(encode(message.symbols, message.view, options) == data);
        std::vector<std::int32_t> back(message.symbols.size());
        decode(data, message.view, Span<std::int32_t>(back), threads);
        CHECK(back == message.symbols);
    }
}

TEST(mixture_kinds_of_blocks) {
    const auto kind = [](const Bytes& data) {
        return coding::detail::read_whole_block(data, Parameters::present);
    };
    Message message(6, 4000, 1);
    // Equal symbols.
    CHECK(kind(check_round_trip(std::vector<std::int32_t>(4000, -7), message.view)).kind ==
          BlockKind::constant);
    // Parameters that are no help.
    std::vector<std::int32_t> far(4000);
    for (std::size_t i = 0; i < far.size(); ++i)
        far[i] = 1000000 + static_cast<std::int32_t>(i * 2654435761U % 1000);
    CHECK(kind(check_round_trip(far, message.view)).kind == BlockKind::stored);
    // A few symbols far away: exceptions.
    std::vector<std::int32_t> symbols = message.symbols;
    symbols[0] = max_parametric_symbol;
    symbols[1] = -max_parametric_symbol;
    symbols[3999] = 1 << 20;
    const Bytes with_exceptions = check_round_trip(symbols, message.view);
    CHECK_EQUAL(kind(with_exceptions).exceptions, std::uint64_t{3});
    CHECK(with_exceptions.size() < encode(message.symbols, message.view).size() + 3 * 16);
    // Large scales: low bits.
    for (const int log_scale : {12, 14, 18, 22}) {
        const Message large(7, 3000, 2, Family::laplace, log_scale);
        const Bytes data = check_round_trip(large.symbols, large.view);
        const BlockView block = kind(data);
        CHECK(block.kind == BlockKind::parametric);
        if (log_scale >= 14) CHECK(block.low_bits >= static_cast<unsigned>(log_scale) - 9);
        CHECK(block.support <= max_support);
        std::vector<double> bits(large.symbols.size());
        code_lengths(large.symbols, large.view, Span<double>(bits));
        double total = 0;
        for (const double b : bits) total += b;
        CHECK(std::fabs(8.0 * static_cast<double>(data.size()) - total) < 8 * 64 + 400);
    }
    // Exceptions on top of low bits, and more of them than a thousandth.
    Message large(8, 3000, 1, Family::gaussian, 13);
    for (std::size_t i = 0; i < 100; ++i)
        large.symbols[i * 30] = static_cast<std::int32_t>(i * 9999999) - 500000000;
    const BlockView block = kind(check_round_trip(large.symbols, large.view));
    CHECK(block.kind == BlockKind::parametric);
    CHECK(block.exceptions > 50 && block.low_bits > 0);
    // A support from outside.
    const Support support{-3, 7, 0};
    const BlockView fixed = kind(check_round_trip(message.symbols, message.view, {}, &support));
    CHECK_EQUAL(fixed.lo, -3);
    CHECK_EQUAL(fixed.support, 7U);
    CHECK_EQUAL(kind(check_round_trip({5, 5, 6}, Message(1, 3, 2).view)).n, std::uint64_t{3});
}

// Shared parameters take strides of 0; the bytes are those of parameters written out.
TEST(mixture_shared_parameters) {
    Message message(9, 1000, 3);
    for (std::size_t j = 0; j < 3; ++j) {
        for (std::size_t i = 0; i < 1000; ++i) {
            message.means[j * 1000 + i] = message.means[j * 1000];
            message.scales[j * 1000 + i] = message.scales[j * 1000];
        }
    }
    MixtureView shared = message.view;
    shared.stride_n = 0;
    for (std::int32_t& symbol : message.symbols) symbol &= 7;
    CHECK(encode(message.symbols, shared) == encode(message.symbols, message.view));
    check_round_trip(message.symbols, shared);
}

TEST(mixture_mismatches) {
    Message message(10, 5000, 2);
    EncodeOptions options;
    options.hash = true;
    const Bytes plain = encode(message.symbols, message.view),
                tagged = encode(message.symbols, message.view, options);
    std::vector<std::int32_t> back(message.symbols.size());
    int mattered = 0;
    for (std::size_t i = 0; i < 60; ++i) {
        const float before = message.means[i * 80];
        message.means[i * 80] = std::nextafter(before, 100.0F);
        try {
            decode(plain, message.view, Span<std::int32_t>(back));
            CHECK(back == message.symbols);
        } catch (const CorruptDataError&) {
            ++mattered;
        }
        CHECK_THROWS(decode(tagged, message.view, Span<std::int32_t>(back)), ParameterMismatchError);
        message.means[i * 80] = before;
    }
    CHECK(mattered > 0);
    MixtureView other = message.view;
    other.family = Family::laplace;
    CHECK_THROWS(decode(plain, other, Span<std::int32_t>(back)), ParameterMismatchError);
    other = message.view;
    other.k = 1;
    CHECK_THROWS(decode(plain, other, Span<std::int32_t>(back)), ParameterMismatchError);
    back.pop_back();
    CHECK_THROWS(decode(plain, message.view.part(0, 4999), Span<std::int32_t>(back)), ArgumentError);
}

TEST(mixture_damage) {
    Message message(11, 700, 2, Family::logistic, 3);
    message.symbols[5] = 1 << 29;
    Message large(12, 300, 1, Family::gaussian, 16);
    large.symbols[7] = -(1 << 30);
    for (const Message* m : {&message, &large}) {
        EncodeOptions options;
        options.checksum = true;
        const Bytes data = encode(m->symbols, m->view, options);
        std::vector<std::int32_t> back(m->symbols.size());
        const auto attempt = [&](const Bytes& damaged) {
            try {
                decode(damaged, m->view, Span<std::int32_t>(back));
                CHECK(back == m->symbols);
            } catch (const CodecError&) {
            } catch (const ArgumentError&) {
                // another number of symbols
            }
        };
        for (std::size_t size = 0; size < data.size(); ++size)
            attempt(Bytes(data.begin(), data.begin() + static_cast<std::ptrdiff_t>(size)));
        std::mt19937_64 random(13);
        for (int round = 0; round < 3000; ++round) {
            Bytes damaged = data;
            damaged[random() % damaged.size()] ^= static_cast<std::uint8_t>(1 + random() % 255);
            attempt(damaged);
            // With a checksum that fits: whatever is read is ours or an exception, never a crash.
            damaged.resize(damaged.size() - 4);
            append_le(damaged, crc32c(damaged));
            try {
                decode(damaged, m->view, Span<std::int32_t>(back));
            } catch (const Error&) {
            }
        }
    }
}

TEST(mixture_bad_arguments) {
    Message message(14, 10, 2);
    EncodeOptions options;
    options.lanes = 3;
    CHECK_THROWS(encode(message.symbols, message.view, options), ArgumentError);
    CHECK_THROWS(encode(Span<const std::int32_t>(message.symbols).first(9), message.view), ArgumentError);
    message.symbols[4] = max_parametric_symbol + 1;
    try {
        encode(message.symbols, message.view);
        CHECK(false);
    } catch (const ArgumentError& error) {
        CHECK(std::string(error.what()) ==
              "encode: symbols must be in -2^30..2^30, got symbols[4] = 1073741825");
    }
    message.symbols.assign(10, 0);
    message.scales[13] = -1;
    CHECK_THROWS(encode(message.symbols, message.view), ArgumentError);
    const Support bad{0, 0, 0}, wide{0, 65537, 0}, out{INT32_MAX, 2, 0};
    message.scales[13] = 1;
    for (const Support* support : {&bad, &wide, &out})
        CHECK_THROWS(encode(message.symbols, message.view, {}, support), ArgumentError);
    message.view.n = 10;
    Bytes tensor_part = encode(std::vector<std::int32_t>{1, 2, 1, 2, 1, 1, 2, 1, 1, 1}, message.view);
    ByteReader reader(tensor_part, "part");
    if (tensor_part[0] >> 4 == 4) CHECK_THROWS(read_block(reader, nullptr), UnsupportedFeatureError);
}

#if defined(__x86_64__) || defined(__aarch64__)
namespace {

// Sets and restores flush-to-zero (and on x86 denormals-are-zero) of this thread.
class FlushToZero {
public:
    FlushToZero() : saved_(get()) {
#if defined(__x86_64__)
        set(saved_ | 0x8040U);
#else
        set(saved_ | (std::uint64_t{1} << 24));
#endif
    }
    ~FlushToZero() { set(saved_); }
    static std::uint64_t get() {
#if defined(__x86_64__)
        return __builtin_ia32_stmxcsr();
#else
        std::uint64_t value;
        __asm__ volatile("mrs %0, fpcr" : "=r"(value));
        return value;
#endif
    }

private:
    static void set(std::uint64_t value) {
#if defined(__x86_64__)
        __builtin_ia32_ldmxcsr(static_cast<unsigned>(value));
#else
        __asm__ volatile("msr fpcr, %0" : : "r"(value));
#endif
    }
    std::uint64_t saved_;
};

}  // namespace

TEST(mixture_flush_to_zero_changes_nothing) {
    Message message(15, 3000, 3);
    for (std::size_t i = 0; i < 3000; i += 7) {
        message.means[i] = i % 2 == 0 ? 1e-40F : -1e-44F;
        message.scales[i + 3000] = 1e-41F;
        message.weights[i] = 1e-42F;
        message.weights[i + 3000] = 0.5F;
        message.weights[i + 6000] = 0.5F;
    }
    EncodeOptions options;
    options.hash = true;
    const Bytes expected = check_round_trip(message.symbols, message.view, options);
    const std::uint64_t before = FlushToZero::get();
    {
        const FlushToZero flush;
        CHECK(check_round_trip(message.symbols, message.view, options) == expected);
    }
    CHECK_EQUAL(FlushToZero::get(), before);
}
#endif

// One digest for scalar, AVX2 and NEON.
TEST(mixture_same_bytes_everywhere) {
    Xxh64 hash;
    for (const Family family : {Family::gaussian, Family::laplace, Family::logistic}) {
        for (const int k : {1, 2, 3, 4, 5}) {
            for (const int log_scale : {-3, 0, 4, 15}) {
                const Message message(20, 3001, k, family, log_scale);
                EncodeOptions options;
                options.hash = true;
                hash.update(encode(message.symbols, message.view, options));
            }
        }
    }
    CHECK_EQUAL(hash.digest(), std::uint64_t{17285395269168903418U});
}
