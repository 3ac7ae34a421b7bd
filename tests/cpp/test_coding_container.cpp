#include "fewbits/coding/container.hpp"

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <new>
#include <random>
#include <string>
#include <vector>

#include "check.hpp"

using namespace fewbits;
using namespace fewbits::coding;

// The largest single allocation since it was last set to 0: damaged sizes must not reach the allocator.
static std::size_t largest_allocation = 0;

FEWBITS_NOINLINE void* operator new(std::size_t size) {
    if (size > largest_allocation) largest_allocation = size;
    if (void* memory = std::malloc(size == 0 ? 1 : size)) return memory;
    throw std::bad_alloc();
}
FEWBITS_NOINLINE void* operator new[](std::size_t size) { return operator new(size); }
FEWBITS_NOINLINE void operator delete(void* memory) noexcept { std::free(memory); }
FEWBITS_NOINLINE void operator delete[](void* memory) noexcept { std::free(memory); }
FEWBITS_NOINLINE void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
FEWBITS_NOINLINE void operator delete[](void* memory, std::size_t) noexcept { std::free(memory); }

namespace {

using Dims = std::vector<std::uint64_t>;

std::string temporary(const char* name) {
    const char* directory = std::getenv("TMPDIR");
    return std::string(directory != nullptr ? directory : "/tmp") + "/fewbits-" + std::to_string(::getpid()) +
           "-" + name;
}

struct Removed {
    std::string path;
    ~Removed() { std::remove(path.c_str()); }
};

Bytes contents(const std::string& path) {
    const InputFile file(path);
    return {file.bytes().begin(), file.bytes().end()};
}

struct Named {
    std::string name;
    Dtype dtype;
    Dims dims;
    Bytes data;
};

std::vector<Named> small_tensors() {
    std::mt19937_64 random(21);
    std::vector<Named> tensors;
    const auto add = [&](const char* name, Dtype dtype, Dims dims,
                         const std::function<std::uint8_t(std::size_t)>& byte) {
        std::size_t n = dtype_info(dtype).itemsize;
        for (std::uint64_t dim : dims) n *= static_cast<std::size_t>(dim);
        Bytes data(n);
        for (std::size_t i = 0; i < n; ++i) data[i] = byte(i);
        tensors.push_back({name, dtype, std::move(dims), std::move(data)});
    };
    const auto noise = [&](std::size_t) { return static_cast<std::uint8_t>(random()); };
    // The high byte of a float16 of moderate size, little-endian.
    const auto half = [&](std::size_t i) {
        return i % 2 == 0 ? static_cast<std::uint8_t>(random())
                          : static_cast<std::uint8_t>(0x3c + random() % 4 - (random() % 2 ? 0 : 0x80));
    };
    const auto single = [&](std::size_t i) {
        return i % 4 != 3 ? static_cast<std::uint8_t>(random())
                          : static_cast<std::uint8_t>(random() % 2 ? 0x3d : 0xbd);
    };
    add("weight.half", Dtype::float16, {30, 40}, half);
    add("weight.single", Dtype::float32, {20, 64}, single);
    add("weight.brain", Dtype::bfloat16, {600}, half);
    add("zeros", Dtype::float32, {50, 20}, [](std::size_t) { return std::uint8_t{0}; });
    add("noise", Dtype::uint8, {300}, noise);
    add("flags", Dtype::boolean, {500},
        [&](std::size_t) { return static_cast<std::uint8_t>(random() % 5 == 0); });
    add("empty", Dtype::float64, {0, 3}, noise);
    add("scalar", Dtype::int64, {}, noise);
    add("\xc3\xbc\xe2\x82\xac\xf0\x9f\x98\x80", Dtype::bytes, {9}, noise);
    return tensors;
}

Bytes make_file(const std::vector<Named>& tensors, Level level, int threads = 1) {
    const Removed path{temporary("container")};
    FileWriter writer(path.path);
    writer.add_metadata("format", "pt");
    writer.add_metadata("empty", "");
    TensorOptions options;
    options.level = level;
    options.threads = threads;
    for (const Named& tensor : tensors)
        writer.add_tensor(tensor.name, tensor.data, tensor.dtype, tensor.dims, options);
    writer.set_report("{}");
    const std::uint64_t size = writer.finish();
    Bytes bytes = contents(path.path);
    CHECK_EQUAL(std::uint64_t{bytes.size()}, size);
    return bytes;
}

// Decodes everything with the checks of `verify` and compares; whatever goes wrong must throw.
void check_contents(const Bytes& file, const std::vector<Named>& tensors, Verify verify) {
    const FileReader reader(file, 1 << 20);
    for (std::size_t i = 0; i < reader.tensors().size(); ++i) {
        const FileReader::Tensor tensor(reader, i);
        Bytes out(static_cast<std::size_t>(tensor.entry().shape.nbytes()));
        tensor.decode(out, verify);
        if (verify == Verify::none) continue;
        bool found = false;
        for (const Named& expected : tensors) {
            if (expected.name == tensor.entry().name)
                found = expected.data == out && expected.dims == tensor.entry().shape.dims;
        }
        CHECK(found);
    }
    if (verify != Verify::none) CHECK_EQUAL(reader.tensors().size(), tensors.size());
}

// Recomputes the checksums of header and index after a deliberate change.
void reseal(Bytes& file) {
    store_le(file.data() + 44, crc32c(ByteSpan(file).first(44)));
    std::uint8_t* footer = file.data() + file.size() - 32;
    const auto offset = static_cast<std::size_t>(load_le<std::uint64_t>(footer));
    const auto length = static_cast<std::size_t>(load_le<std::uint64_t>(footer + 8));
    std::size_t at = offset + 4;
    while (at < offset + length) {
        const std::size_t size = 8 + load_le<std::uint32_t>(file.data() + at);
        store_le(file.data() + at + size, crc32c(ByteSpan(file).subspan(at, size)));
        at += size + 4;
    }
    store_le(footer + 16, crc32c(ByteSpan(file).subspan(offset, length)));
}

}  // namespace

TEST(container_round_trip) {
    const auto tensors = small_tensors();
    for (Level level : {Level::fast, Level::default_, Level::max}) {
        const Bytes file = make_file(tensors, level);
        check_contents(file, tensors, Verify::full);
        CHECK(make_file(tensors, level, 2) == file);
        CHECK(make_file(tensors, level, 7) == file);
        const FileReader reader(file);
        CHECK_EQUAL(reader.metadata().size(), std::size_t{2});
        CHECK(reader.metadata()[0].first == "format" && reader.metadata()[0].second == "pt");
        CHECK(reader.report() == "{}");
        CHECK_EQUAL(reader.find("zeros"), std::size_t{3});
        CHECK_EQUAL(reader.find("none"), tensors.size());
        for (const TensorEntry& entry : reader.tensors()) {
            for (const BlockEntry& block : entry.blocks) CHECK(block.offset % 8 == 0);
        }
    }
}

TEST(container_blocks_are_read_alone) {
    std::mt19937_64 random(22);
    Named tensor{"big", Dtype::float16, {3000, 300}, Bytes(3000 * 300 * 2)};
    for (std::size_t i = 0; i < tensor.data.size(); ++i)
        tensor.data[i] = static_cast<std::uint8_t>(i % 2 ? 0x38 + random() % 3 : random());
    const Bytes file = make_file({tensor}, Level::default_, 2);
    const FileReader reader(file);
    const FileReader::Tensor big(reader, 0);
    CHECK_EQUAL(big.begins().size(), std::size_t{4});  // 873 rows of 300 in 2^18 elements
    CHECK_EQUAL(big.begins()[1], std::uint64_t{873 * 300});
    CHECK(big.blocks_of(0, 1) == std::make_pair(std::size_t{0}, std::size_t{1}));
    CHECK(big.blocks_of(873 * 300 - 1, 873 * 300 + 1) == std::make_pair(std::size_t{0}, std::size_t{2}));
    CHECK(big.blocks_of(5, 5) == std::make_pair(std::size_t{0}, std::size_t{0}));
    for (std::size_t first = 0; first <= 4; ++first) {
        for (std::size_t last = first; last <= 4; ++last) {
            Bytes out(static_cast<std::size_t>(big.bytes_of(first, last)));
            big.decode_blocks(first, last, out, Verify::crc, 2);
            if (first < last)
                CHECK(std::memcmp(out.data(), tensor.data.data() + big.begins()[first] * 2, out.size()) == 0);
        }
    }
    const Removed path{temporary("copied")};
    OutputFile output(path.path);
    big.copy_blocks(0, 4, output, 5, Verify::full, 3);
    output.write(0, ByteSpan(file).first(5));
    output.commit();
    const Bytes copied = contents(path.path);
    CHECK(std::equal(tensor.data.begin(), tensor.data.end(), copied.begin() + 5, copied.end()));
}

TEST(container_without_a_seekable_sink) {
    const auto tensors = small_tensors();
    Bytes file = make_file(tensors, Level::default_);
    std::memset(file.data() + 24, 0, 16);  // a header that was written before the index was known
    reseal(file);
    check_contents(file, tensors, Verify::full);
}

TEST(container_versions_and_features) {
    const auto tensors = small_tensors();
    const Bytes file = make_file(tensors, Level::fast);
    const auto with = [&](std::size_t at, std::uint8_t value) {
        Bytes changed = file;
        changed[at] = value;
        reseal(changed);
        return changed;
    };
    check_contents(with(10, 9), tensors, Verify::full);  // a newer minor
    check_contents(with(16, 1), tensors, Verify::full);  // a compatible feature
    CHECK_THROWS(FileReader(with(8, 2)), UnsupportedFeatureError);
    CHECK_THROWS(FileReader(with(13, 1)), UnsupportedFeatureError);

    // Unknown records: skipped where optional, refused otherwise. The report is the last record.
    const std::size_t report = file.size() - 32 - 14;
    CHECK_EQUAL(load_le<std::uint16_t>(file.data() + report + 4), std::uint16_t{4});
    check_contents(with(report + 4, 77), tensors, Verify::full);
    Bytes required = with(report + 4, 77);
    required[report + 6] = 0;
    reseal(required);
    CHECK_THROWS(FileReader(required), UnsupportedFeatureError);
}

TEST(container_limits) {
    Named zeros{"zeros", Dtype::float32, {1 << 20}, Bytes(std::size_t{4} << 20)};
    const Bytes file = make_file({zeros}, Level::default_);
    CHECK(file.size() < 1000);
    CHECK_THROWS(FileReader(file, (4 << 20) - 1), LimitError);
    const FileReader reader(file, 4 << 20);
    CHECK_EQUAL(reader.tensors().size(), std::size_t{1});
    Named bomb = zeros;
    bomb.dims = {std::uint64_t{1} << 26};
    bomb.data.resize(std::size_t{4} << 26);
    CHECK_THROWS(FileReader(make_file({bomb}, Level::fast)), LimitError);  // the default limit
}

TEST(container_writer_arguments) {
    const Removed path{temporary("arguments")};
    {
        FileWriter writer(path.path);
        const Bytes data(4);
        writer.add_tensor("a", data, Dtype::uint8, Dims{4});
        CHECK_THROWS(writer.add_tensor("a", data, Dtype::uint8, Dims{4}), ArgumentError);
        CHECK_THROWS(writer.add_tensor("b", data, Dtype::uint8, Dims{5}), ArgumentError);
        CHECK_THROWS(writer.add_tensor(std::string("nul\0", 4), data, Dtype::uint8, Dims{4}), ArgumentError);
        CHECK_THROWS(writer.add_tensor("\xff", data, Dtype::uint8, Dims{4}), ArgumentError);
        CHECK_THROWS(writer.add_tensor(std::string(4097, 'x'), data, Dtype::uint8, Dims{4}), ArgumentError);
        CHECK_THROWS(writer.write_blocks(), ArgumentError);
        writer.add_metadata("k", "v");
        CHECK_THROWS(writer.add_metadata("k", "w"), ArgumentError);
        CHECK_THROWS(writer.add_metadata("bad", "\xff"), ArgumentError);
        writer.add_metadata("", std::string("nul\0", 4));
        writer.begin_tensor("c", data, Dtype::uint8, Dims{4});
        CHECK_THROWS(writer.finish(), ArgumentError);
        CHECK_THROWS(writer.begin_tensor("d", data, Dtype::uint8, Dims{4}), ArgumentError);
    }
    CHECK_THROWS(InputFile(path.path), IoError);  // the writer went away: nothing is left
    CHECK_THROWS(FileWriter("/nonexistent-directory/x"), IoError);
    CHECK_THROWS(InputFile("/"), IoError);
}

TEST(container_utf8) {
    const auto ok = [](const char* text) {
        return coding::detail::is_utf8(coding::detail::as_bytes(std::string(text)));
    };
    CHECK(ok("") && ok("abc") && ok("\xc3\xbc") && ok("\xe2\x82\xac") && ok("\xf0\x9f\x98\x80") &&
          ok("\xf4\x8f\xbf\xbf"));
    for (const char* bad :
         {"\x80", "\xc0\x80", "\xc1\xbf", "\xe0\x80\x80", "\xed\xa0\x80", "\xf0\x80\x80\x80",
          "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xe2\x82", "\xc3", "a\xff"}) {
        CHECK(!ok(bad));
    }
}

// Damage: one of our exceptions or the exact data, no memory beyond what the validated index implies. The
// checksums are defeated in half of the cases by computing them anew, so that the parsers behind them are
// met.
TEST(container_damage) {
    const auto tensors = small_tensors();
    std::mt19937_64 random(23);
    for (Level level : {Level::fast, Level::default_}) {
        const Bytes file = make_file(tensors, level);
        const auto attempt = [&](const Bytes& damaged, Verify verify) {
            largest_allocation = 0;
            try {
                check_contents(damaged, tensors, verify);
            } catch (const CodecError&) {
                CHECK(true);
            }
            CHECK(largest_allocation <= (std::size_t{2} << 20));
        };
        for (int i = 0; i < 10000; ++i) {
            Bytes damaged = file;
            const std::size_t at = static_cast<std::size_t>(random() % damaged.size());
            damaged[at] ^= static_cast<std::uint8_t>(1 + random() % 255);
            attempt(damaged, Verify::crc);
            // A sealed change of block data or index: nothing may be out of bounds, though data may differ.
            if (at >= container_header_size && at < damaged.size() - container_footer_size) {
                try {
                    reseal(damaged);
                } catch (const Error&) {
                    continue;  // the change made the record lengths themselves impossible to follow
                }
                attempt(damaged, Verify::none);
            }
        }
        for (int i = 0; i < 2500; ++i) {
            Bytes damaged = file;
            damaged.resize(static_cast<std::size_t>(random() % damaged.size()));
            attempt(damaged, Verify::crc);
        }
        for (int i = 0; i < 2500; ++i) {
            // A piece of the file over another place, or inserted there.
            Bytes damaged = file;
            const std::size_t from = static_cast<std::size_t>(random() % file.size());
            const std::size_t size =
                static_cast<std::size_t>(random() % std::min<std::size_t>(64, file.size() - from)) + 1;
            const std::size_t to = static_cast<std::size_t>(random() % (file.size() - size));
            const auto piece = file.begin() + static_cast<std::ptrdiff_t>(from);
            if (i % 2 == 0) {
                std::copy(piece, piece + static_cast<std::ptrdiff_t>(size),
                          damaged.begin() + static_cast<std::ptrdiff_t>(to));
            } else {
                damaged.insert(damaged.begin() + static_cast<std::ptrdiff_t>(to), piece,
                               piece + static_cast<std::ptrdiff_t>(size));
            }
            attempt(damaged, Verify::crc);
        }
    }
}
