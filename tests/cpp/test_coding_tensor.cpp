#include "fewbits/coding/tensor.hpp"

#include <cstring>
#include <random>
#include <string>
#include <vector>

#include "check.hpp"

using namespace fewbits;
using namespace fewbits::coding;

namespace {

using Dims = std::vector<std::uint64_t>;

constexpr Level levels[] = {Level::fast, Level::default_, Level::max};

TensorOptions at(Level level, int threads = 1, ByteSpan base = {}) {
    TensorOptions options;
    options.level = level;
    options.threads = threads;
    options.base = base;
    return options;
}

template <class T>
ByteSpan bytes_of(const std::vector<T>& values) {
    return {reinterpret_cast<const std::uint8_t*>(values.data()), values.size() * sizeof(T)};
}

// Round trip at every level; the promised bound on growth; the same bytes for any number of threads.
void check_tensor(ByteSpan data, Dtype dtype, const Dims& dims) {
    for (Level level : levels) {
        const Bytes coded = compress_tensor(data, dtype, dims, at(level));
        CHECK(static_cast<double>(coded.size()) <= static_cast<double>(data.size()) * 1.001 + 64);
        if (data.size() > 100000) CHECK(compress_tensor(data, dtype, dims, at(level, 3)) == coded);
        const TensorFrame frame(coded, data.size());
        CHECK(frame.entry().shape.dtype == dtype && frame.entry().shape.dims == dims);
        Bytes out(data.size());
        frame.decode(out, {}, Verify::full, 2);
        CHECK(data.empty() || std::memcmp(out.data(), data.data(), data.size()) == 0);
    }
}

// Words of floats with normally distributed values whose scale varies with the row.
template <class Word>
std::vector<Word> weights(std::size_t rows, std::size_t columns, unsigned mantissa_bits, unsigned seed) {
    std::mt19937_64 random(seed);
    std::vector<Word> words(rows * columns);
    const unsigned bits = 8 * sizeof(Word);
    const unsigned exponent_bits = bits - 1 - mantissa_bits;
    for (std::size_t r = 0; r < rows; ++r) {
        const unsigned center = (1U << (exponent_bits - 1)) - 4 - static_cast<unsigned>(random() % 4);
        for (std::size_t c = 0; c < columns; ++c) {
            // A geometric exponent and uniform rest: like weights, and the same on every machine.
            const unsigned exponent = center - std::min(8U, trailing_zeros(random() | (1U << 20)));
            const Word mantissa = static_cast<Word>(random() & ((std::uint64_t{1} << mantissa_bits) - 1));
            words[r * columns + c] = static_cast<Word>(Word(random() & 1) << (bits - 1) |
                                                       Word(exponent) << mantissa_bits | mantissa);
        }
    }
    return words;
}

}  // namespace

TEST(tensor_all_16_bit_patterns) {
    std::vector<std::uint16_t> words(65536);
    for (std::size_t i = 0; i < words.size(); ++i) words[i] = static_cast<std::uint16_t>(i);
    for (Dtype dtype : {Dtype::bfloat16, Dtype::float16, Dtype::int16, Dtype::uint16}) {
        check_tensor(bytes_of(words), dtype, {65536});
        check_tensor(bytes_of(words), dtype, {256, 256});
    }
}

TEST(tensor_every_65537th_float32) {
    std::vector<std::uint32_t> words;
    for (std::uint64_t w = 0; w < (std::uint64_t{1} << 32); w += 65537)
        words.push_back(static_cast<std::uint32_t>(w));
    check_tensor(bytes_of(words), Dtype::float32, {words.size()});
    check_tensor(bytes_of(words), Dtype::int32, {words.size()});
}

TEST(tensor_every_dtype_and_small_shape) {
    std::mt19937_64 random(7);
    for (const DtypeInfo& info : dtype_table) {
        for (const Dims& dims : {Dims{}, Dims{0}, Dims{1}, Dims{7}, Dims{0, 5}, Dims{3, 0, 2}, Dims{2, 3, 5},
                                 Dims{16, 64}, Dims{1000}, Dims{20, 300}}) {
            std::size_t n = info.itemsize;
            for (std::uint64_t dim : dims) n *= static_cast<std::size_t>(dim);
            Bytes noise(n), few(n), same(n, 0x80);
            for (std::size_t i = 0; i < n; ++i) {
                noise[i] = static_cast<std::uint8_t>(random());
                few[i] = static_cast<std::uint8_t>(random() % 3 == 0 ? 1 : 0);
            }
            check_tensor(noise, info.dtype, dims);
            check_tensor(few, info.dtype, dims);
            check_tensor(same, info.dtype, dims);
        }
    }
}

TEST(tensor_weights_of_several_blocks) {
    check_tensor(bytes_of(weights<std::uint16_t>(1100, 384, 7, 1)), Dtype::bfloat16, {1100, 384});
    check_tensor(bytes_of(weights<std::uint16_t>(700, 500, 10, 2)), Dtype::float16, {700, 50, 10});
    check_tensor(bytes_of(weights<std::uint32_t>(1100, 384, 23, 3)), Dtype::float32, {1100, 384});
    check_tensor(bytes_of(weights<std::uint64_t>(300, 1000, 52, 4)), Dtype::float64, {300, 1000});
    // A row longer than a block, and one that does not divide it.
    check_tensor(bytes_of(weights<std::uint16_t>(2, 300000, 7, 5)), Dtype::bfloat16, {2, 300000});
    check_tensor(bytes_of(weights<std::uint32_t>(3, 131073, 23, 6)), Dtype::float32, {3, 131073});
}

// Ranges of symbols that begin and end anywhere, at sizes that are counted whole and on a sample.
TEST(tensor_of_every_range_of_exponents) {
    std::mt19937_64 random(16);
    for (int i = 0; i < 60; ++i) {
        const std::size_t rows = i < 50 ? 16 + random() % 200 : 1500,
                          columns = i < 50 ? 64 + random() % 300 : 900;
        std::vector<std::uint16_t> half(rows * columns);
        std::vector<std::uint32_t> single(rows * columns);
        const unsigned center = 8 + static_cast<unsigned>(random() % 20),
                       spread = 1 + static_cast<unsigned>(random() % 8);
        for (std::size_t at = 0; at < half.size(); ++at) {
            const unsigned down = std::min(spread, trailing_zeros(random() | (1U << 20)));
            const unsigned exponent = center > down ? center - down : 0;
            // The largest exponent comes with few mantissas: the range ends within it.
            const std::uint64_t mantissa = random() & (exponent == center ? 0x0fffff : 0x7fffff);
            const std::uint64_t sign = random() & 1;
            half[at] =
                static_cast<std::uint16_t>(sign << 15 | std::uint64_t{exponent} << 10 | mantissa >> 13);
            single[at] =
                static_cast<std::uint32_t>(sign << 31 | std::uint64_t{exponent + 90} << 23 | mantissa);
        }
        check_tensor(bytes_of(half), Dtype::float16, {rows, columns});
        check_tensor(bytes_of(single), Dtype::float32, {rows, columns});
        check_tensor(bytes_of(half), Dtype::bfloat16, {rows * columns});
    }
}

TEST(tensor_zeros_exact_rows_and_their_mixture) {
    auto words = weights<std::uint32_t>(900, 320, 23, 8);
    std::mt19937_64 random(9);
    for (std::size_t r = 0; r < 900; ++r) {
        for (std::size_t c = 0; c < 320; ++c) {
            std::uint32_t& word = words[r * 320 + c];
            if (r % 5 == 0) word &= ~((1U << exact_row_bits) - 1);
            if (r % 3 == 0 && random() % 4 == 0) word = random() % 8 == 0 ? 0x80000000U : 0;
        }
    }
    check_tensor(bytes_of(words), Dtype::float32, {900, 320});
    const auto pipeline = [](const Bytes& coded) { return TensorFrame(coded).entry().pipeline.back(); };
    const Bytes coded = compress_tensor(bytes_of(words), Dtype::float32, Dims{900, 320});
    CHECK(pipeline(coded).id == StageId::float_split);
    CHECK_EQUAL(int(pipeline(coded).parameters[1]), int(float_split_zero_symbols | float_split_row_classes));

    // Every row exact: float16 values held in float32.
    for (std::uint32_t& word : words) word &= ~((1U << exact_row_bits) - 1);
    check_tensor(bytes_of(words), Dtype::float32, {900, 320});
    // Upcast bfloat16: 16 constant bits.
    for (std::uint32_t& word : words) word &= 0xffff0000U;
    check_tensor(bytes_of(words), Dtype::float32, {900, 320});
    CHECK(compress_tensor(bytes_of(words), Dtype::float32, Dims{900, 320}, at(Level::fast)).size() <
          words.size() * 2);
    // All zero, and all but one.
    std::fill(words.begin(), words.end(), 0U);
    check_tensor(bytes_of(words), Dtype::float32, {900, 320});
    words[123456] = 0x80000001U;
    check_tensor(bytes_of(words), Dtype::float32, {900, 320});
    CHECK(compress_tensor(bytes_of(words), Dtype::float32, Dims{900, 320}).size() < 4000);
}

TEST(tensor_alphabets_above_256_fall_back) {
    // 2^15 different symbols at the finest split of float64: no split has few enough at j > 0.
    std::mt19937_64 random(10);
    std::vector<std::uint64_t> words(50000);
    for (auto& word : words) word = random();
    check_tensor(bytes_of(words), Dtype::float64, {words.size()});
    check_tensor(bytes_of(words), Dtype::float64, {250, 200});
}

TEST(tensor_unaligned_data) {
    const auto words = weights<std::uint32_t>(100, 100, 23, 11);
    Bytes shifted(words.size() * 4 + 1);
    std::memcpy(shifted.data() + 1, words.data(), words.size() * 4);
    const ByteSpan view(shifted.data() + 1, words.size() * 4);
    CHECK(compress_tensor(view, Dtype::float32, Dims{100, 100}) ==
          compress_tensor(bytes_of(words), Dtype::float32, Dims{100, 100}));
}

TEST(tensor_difference_from_a_base) {
    auto words = weights<std::uint32_t>(500, 200, 23, 12);
    const auto base = words;
    for (std::size_t i = 0; i < words.size(); i += 50) words[i] ^= 0x3ff;
    for (Level level : levels) {
        const Bytes coded =
            compress_tensor(bytes_of(words), Dtype::float32, Dims{500, 200}, at(level, 1, bytes_of(base)));
        CHECK(coded.size() < words.size() / 2);
        const TensorFrame frame(coded);
        Bytes out(words.size() * 4);
        frame.decode(out, bytes_of(base), Verify::full);
        CHECK(std::memcmp(out.data(), words.data(), out.size()) == 0);
        CHECK_THROWS(frame.decode(out), ParameterMismatchError);
        CHECK_THROWS(frame.decode(out, bytes_of(words)), ParameterMismatchError);
    }
    CHECK_THROWS(compress_tensor(bytes_of(words), Dtype::float32, Dims{500, 200},
                                 at(Level::fast, 1, bytes_of(base).first(8))),
                 ArgumentError);
}

TEST(tensor_limits_and_arguments) {
    const Bytes zeros(std::size_t{1} << 20);
    const Bytes coded = compress_tensor(zeros, Dtype::uint8, Dims{zeros.size()});
    CHECK(coded.size() < 400);
    CHECK_THROWS(TensorFrame(coded, zeros.size() - 1), LimitError);
    CHECK_EQUAL(decompress_tensor(coded, zeros.size()).size(), zeros.size());
    CHECK_THROWS(compress_tensor(zeros, Dtype::uint8, Dims{5}), ArgumentError);
    CHECK_THROWS(compress_tensor(zeros, Dtype::uint8, Dims(17, 1)), ArgumentError);
    CHECK_THROWS(compress_tensor(zeros, Dtype::uint8, Dims{zeros.size()}, at(Level::fast, -1)),
                 ArgumentError);
    CHECK_THROWS(compress_tensor(zeros, Dtype::uint8, Dims{std::uint64_t{1} << 40, std::uint64_t{1} << 40}),
                 CorruptDataError);
    Bytes small(3);
    CHECK_THROWS(TensorFrame(coded).decode(small), ArgumentError);
}

TEST(tensor_damage_is_noticed) {
    std::vector<Bytes> streams;
    const auto half = weights<std::uint16_t>(40, 100, 7, 13);
    const auto single = weights<std::uint32_t>(40, 100, 23, 14);
    Bytes bytes(3000);
    std::mt19937_64 random(15);
    for (auto& byte : bytes) byte = static_cast<std::uint8_t>(random() % 5);
    for (Level level : levels) {
        streams.push_back(compress_tensor(bytes_of(half), Dtype::bfloat16, Dims{40, 100}, at(level)));
        streams.push_back(compress_tensor(bytes_of(single), Dtype::float32, Dims{40, 100}, at(level)));
        streams.push_back(compress_tensor(bytes, Dtype::int8, Dims{3000}, at(level)));
    }
    // Without the checksums: every exception must be ours, and no access out of bounds (run under ASan).
    for (const Bytes& stream : streams) {
        const Bytes original = decompress_tensor(stream);
        for (int i = 0; i < 3000; ++i) {
            Bytes damaged = stream;
            if (i % 3 == 0) {
                damaged.resize(static_cast<std::size_t>(random() % damaged.size()));
            } else {
                damaged[static_cast<std::size_t>(random() % damaged.size())] ^=
                    static_cast<std::uint8_t>(1U << (random() % 8));
            }
            try {
                CHECK(decompress_tensor(damaged, 1 << 20) == original);
            } catch (const CodecError&) {
                CHECK(true);
            }
            try {
                const TensorFrame frame(damaged, 1 << 20);
                Bytes out(static_cast<std::size_t>(frame.entry().shape.nbytes()));
                frame.decode(out, {}, Verify::none);
            } catch (const CodecError&) {
                CHECK(true);
            }
        }
    }
}
