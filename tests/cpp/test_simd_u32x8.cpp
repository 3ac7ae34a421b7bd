#include "fewbits/simd/u32x8.hpp"

#include <random>

#include "fewbits/core/random.hpp"
#include "lanes.hpp"

using namespace fewbits;
using namespace fewbits::simd;
using lanes::Equal;

namespace {

std::vector<std::uint32_t> inputs() {
    std::vector<std::uint32_t> x = {0,       1,          2,          0xffff,     0x10000,
                                    0x10001, 0x7fffffff, 0x80000000, 0xfffffffe, 0xffffffff};
    const Philox random(7, 1);
    for (std::uint64_t i = 0; i < 54; ++i) x.push_back(random.draw32(i));
    return x;
}

using Lanes = std::array<std::uint32_t, 8>;

// Every pair of inputs, eight at a time, through `operation` and lane by lane through `formula`.
template <class Operation, class Formula>
void check_pairs(const std::vector<std::uint32_t>& a, const std::vector<std::uint32_t>& b,
                 Operation operation, Formula formula) {
    for (std::size_t shift = 0; shift < b.size(); ++shift) {
        for (std::size_t at = 0; at + 8 <= a.size(); at += 8) {
            Lanes x, y, got;
            for (std::size_t i = 0; i < 8; ++i) {
                x[i] = a[at + i];
                y[i] = b[(at + i + shift) % b.size()];
            }
            store(operation(u32x8::load(x.data()), u32x8::load(y.data())), got.data());
            for (std::size_t i = 0; i < 8; ++i) CHECK_EQUAL(got[i], formula(x[i], y[i]));
        }
    }
}

std::uint32_t all_if(bool condition) { return condition ? ~0U : 0U; }

}  // namespace

TEST(u32x8_arithmetic) {
    const auto v = inputs();
    using W = std::uint32_t;
    check_pairs(v, v, [](u32x8 x, u32x8 y) { return x + y; }, [](W x, W y) { return x + y; });
    check_pairs(v, v, [](u32x8 x, u32x8 y) { return x - y; }, [](W x, W y) { return x - y; });
    check_pairs(v, v, [](u32x8 x, u32x8 y) { return x * y; }, [](W x, W y) { return x * y; });
    check_pairs(v, v, [](u32x8 x, u32x8 y) { return x & y; }, [](W x, W y) { return x & y; });
    check_pairs(v, v, [](u32x8 x, u32x8 y) { return x | y; }, [](W x, W y) { return x | y; });
    check_pairs(v, v, [](u32x8 x, u32x8 y) { return max(x, y); }, [](W x, W y) { return std::max(x, y); });
    check_pairs(
        v, v, [](u32x8 x, u32x8 y) { return multiply_high(x, y); },
        [](W x, W y) { return static_cast<W>((std::uint64_t{x} * y) >> 32); });
    check_pairs(
        v, v, [](u32x8 x, u32x8) { return u32x8::broadcast(0x12345678) + (x - x); },
        [](W, W) { return W{0x12345678}; });
}

TEST(u32x8_shifts) {
    const auto v = inputs();
    using W = std::uint32_t;
    std::vector<W> counts(32);
    for (W i = 0; i < 32; ++i) counts[i] = i;
    check_pairs(
        v, counts, [](u32x8 x, u32x8 n) { return shift_right(x, n); }, [](W x, W n) { return x >> n; });
    check_pairs(
        v, counts, [](u32x8 x, u32x8 n) { return shift_left(x, n); }, [](W x, W n) { return x << n; });
    for (W n = 0; n < 32; ++n) {
        check_pairs(
            v, {n}, [n](u32x8 x, u32x8) { return shift_right(x, n); }, [n](W x, W) { return x >> n; });
    }
    check_pairs(v, v, [](u32x8 x, u32x8) { return shift_right<8>(x); }, [](W x, W) { return x >> 8; });
    check_pairs(v, v, [](u32x8 x, u32x8) { return shift_right<20>(x); }, [](W x, W) { return x >> 20; });
}

TEST(u32x8_comparisons) {
    const auto v = inputs();
    using W = std::uint32_t;
    const auto ones = u32x8::broadcast(~0U);
    check_pairs(
        v, v, [&](u32x8 x, u32x8 y) { return keep(x <= y, ones); }, [](W x, W y) { return all_if(x <= y); });
    check_pairs(
        v, v, [&](u32x8 x, u32x8 y) { return keep(x <= y, x); }, [](W x, W y) { return x <= y ? x : 0; });
    std::vector<W> small = v;
    for (W& x : small) x &= 0x7fffffff;
    check_pairs(
        small, small, [&](u32x8 x, u32x8 y) { return keep(greater_below_2_31(x, y), ones); },
        [](W x, W y) { return all_if(x > y); });
}

TEST(u32x8_lookups) {
    std::mt19937 random(3);
    std::vector<std::uint32_t> table(4096);
    for (auto& entry : table) entry = static_cast<std::uint32_t>(random());
    std::vector<std::uint8_t> first(4096);
    for (auto& entry : first) entry = static_cast<std::uint8_t>(random());
    struct alignas(16) Entry {
        std::uint32_t field[4];
    };
    std::vector<Entry> entries(256);
    for (auto& entry : entries) {
        for (auto& field : entry.field) field = static_cast<std::uint32_t>(random());
    }
    for (int round = 0; round < 200; ++round) {
        Lanes index, got;
        std::uint8_t bytes[8], out[8];
        for (std::size_t i = 0; i < 8; ++i) {
            index[i] = static_cast<std::uint32_t>(random() % 4096);
            bytes[i] = static_cast<std::uint8_t>(random());
        }
        store(lookup(table.data(), u32x8::load(index.data())), got.data());
        for (std::size_t i = 0; i < 8; ++i) CHECK_EQUAL(got[i], table[index[i]]);
        store(lookup_through(first.data(), table.data(), u32x8::load(index.data()), out), got.data());
        for (std::size_t i = 0; i < 8; ++i) {
            CHECK_EQUAL(out[i], first[index[i]]);
            CHECK_EQUAL(got[i], table[first[index[i]]]);
        }
        const Fields4 fields = lookup4(entries.data(), bytes);
        const u32x8 each[4] = {fields.field0, fields.field1, fields.field2, fields.field3};
        for (std::size_t f = 0; f < 4; ++f) {
            store(each[f], got.data());
            for (std::size_t i = 0; i < 8; ++i) CHECK_EQUAL(got[i], entries[bytes[i]].field[f]);
        }
    }
}

TEST(u32x8_words) {
    std::mt19937 random(4);
    for (unsigned lanes = 0; lanes < 256; ++lanes) {
        std::uint8_t words[16], buffer[40];
        for (auto& byte : words) byte = static_cast<std::uint8_t>(random());
        for (auto& byte : buffer) byte = 0xcc;
        Lanes got, x;
        for (auto& lane : x) lane = static_cast<std::uint32_t>(random());
        store(expand_words(words, lanes), got.data());
        compress_words(buffer + 24, u32x8::load(x.data()), lanes);
        std::size_t taken = 0;
        const std::uint8_t* packed = buffer + 24 - 2 * popcount(lanes);
        for (std::size_t i = 0; i < 8; ++i) {
            if (((lanes >> i) & 1U) == 0) {
                CHECK_EQUAL(got[i], 0U);
                continue;
            }
            CHECK_EQUAL(got[i], std::uint32_t{load_le<std::uint16_t>(words + 2 * taken)});
            CHECK_EQUAL(load_le<std::uint16_t>(packed + 2 * taken),
                        static_cast<std::uint16_t>(x[i] & 0xffff));
            ++taken;
        }
        // Only the sixteen bytes below the end are touched.
        for (std::size_t i = 0; i < 8; ++i) CHECK(buffer[i] == 0xcc && buffer[24 + i] == 0xcc);
    }
    Lanes x[4];
    for (std::size_t v = 0; v < 4; ++v) {
        for (std::size_t i = 0; i < 8; ++i) x[v][i] = static_cast<std::uint32_t>(0x5a5a00 + 32 * v + i);
    }
    std::uint8_t bytes[32];
    store_low_bytes(bytes, u32x8::load(x[0].data()), u32x8::load(x[1].data()), u32x8::load(x[2].data()),
                    u32x8::load(x[3].data()));
    for (std::size_t v = 0; v < 4; ++v) {
        for (std::size_t i = 0; i < 8; ++i)
            CHECK_EQUAL(bytes[8 * v + i], static_cast<std::uint8_t>(32 * v + i));
    }
}
