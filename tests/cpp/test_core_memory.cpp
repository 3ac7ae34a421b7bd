#include "fewbits/core/memory.hpp"

#include <vector>

#include "check.hpp"
#include "fewbits/core/parallel.hpp"

using namespace fewbits;

TEST(memory_arena_keeps_copies) {
    Arena arena;
    std::vector<ByteSpan> copies;
    std::vector<Bytes> originals;
    for (std::size_t i = 0; i < 300; ++i) {
        // Some larger than a piece, many smaller, and empty ones.
        const std::size_t size = i % 100 == 99 ? (std::size_t{5} << 20) + i : i % 7 == 0 ? 0 : 97 * i;
        originals.emplace_back(size, static_cast<std::uint8_t>(i));
        copies.push_back(arena.copy(originals.back()));
    }
    Arena moved(std::move(arena));
    static_cast<void>(moved.copy(originals[1]));
    for (std::size_t i = 0; i < copies.size(); ++i)
        CHECK(std::equal(copies[i].begin(), copies[i].end(), originals[i].begin(), originals[i].end()));
}

TEST(memory_arena_from_many_threads) {
    Arena arena;
    std::vector<ByteSpan> copies(2000);
    parallel_for(copies.size(), 1, 5, [&](std::size_t first, std::size_t last) {
        for (std::size_t i = first; i < last; ++i)
            copies[i] = arena.copy(Bytes(1 + i * 13, static_cast<std::uint8_t>(i)));
    });
    for (std::size_t i = 0; i < copies.size(); ++i) {
        bool same = copies[i].size() == 1 + i * 13;
        for (const std::uint8_t byte : copies[i]) same = same && byte == static_cast<std::uint8_t>(i);
        CHECK(same);
    }
}

// Advice about any range leaves what is there alone, inside and beside.
TEST(memory_huge_pages_keep_contents) {
    Bytes data(3 * huge_page + 12345);
    for (std::size_t i = 0; i < data.size(); ++i) data[i] = static_cast<std::uint8_t>(i * 2654435761U >> 13);
    const Bytes before = data;
    for (const std::size_t offset : {std::size_t{0}, std::size_t{1}, std::size_t{4097}, huge_page}) {
        prefer_huge_pages({data.data() + offset, data.size() - offset - 7});
        prefer_huge_pages({data.data() + offset, 0});
        prefer_huge_pages({data.data() + offset, 100});
    }
    CHECK(data == before);
}
