#include "fewbits/coding/float_split.hpp"

#include <cstring>
#include <random>
#include <vector>

#include "check.hpp"

using namespace fewbits;
using namespace fewbits::coding;

namespace {

// Kernels against the definition, and the definition against the words, for one split.
template <class Word>
void check_split(unsigned mantissa_bits, unsigned j, const std::vector<Word>& words) {
    const FloatSplit<Word> split(mantissa_bits, j);
    CHECK_EQUAL(split.symbol_bits() + split.remainder_bits(), 8 * unsigned{sizeof(Word)});
    const std::size_t n = words.size();
    std::vector<std::uint16_t> symbols(n + 1);
    std::vector<std::uint8_t> expected(sizeof(Word) * (n + 1)), got(sizeof(Word) * (n + 1), 0xee);
    PlanePointers<Word> expected_planes{}, got_planes{};
    ConstPlanePointers<Word> planes{};
    for (unsigned p = 0; p < split.planes(); ++p) {
        expected_planes[p] = expected.data() + p * (n + 1);
        got_planes[p] = got.data() + p * (n + 1);
        planes[p] = got_planes[p];
    }
    const Span<const Word> in(words);
    reference::split_words(split, in, symbols.data(), expected_planes);
    split_remainders(split, in, got_planes);
    for (unsigned p = 0; p < split.planes(); ++p) {
        CHECK(n == 0 || std::memcmp(expected_planes[p], got_planes[p], n) == 0);
        CHECK_EQUAL(int(got_planes[p][n]), 0xee);  // nothing written past the end
        for (std::size_t i = 0; i < n; ++i) CHECK(got_planes[p][i] >> split.plane_width(p) == 0);
    }
    std::vector<Word> back(n);
    reference::merge_words(split, symbols.data(), planes, Span<Word>(back));
    CHECK(back == words);

    if (split.symbol_bits() <= 8) {
        std::vector<std::uint8_t> ranks(n + 1, 0xee);
        split_ranks(split, in, 0U, ranks.data());
        for (std::size_t i = 0; i < n; ++i) CHECK_EQUAL(unsigned{ranks[i]}, unsigned{symbols[i]});
        back.assign(n, 0);
        merge_ranks(split, ranks.data(), 0U, planes, Span<Word>(back));
        CHECK(back == words);
    }
    // A map that turns the low 8 bits of the symbol around: not an offset.
    std::vector<std::uint8_t> rank_of_symbol(std::size_t{1} << split.symbol_bits());
    std::vector<std::uint16_t> symbol_of_rank(256);
    std::vector<Word> few(words);
    const unsigned high = symbols.empty() || n == 0 ? 0 : symbols[0] & ~255U;
    for (unsigned r = 0; r < 256 && (high + r) < rank_of_symbol.size(); ++r) {
        rank_of_symbol[high + r] = static_cast<std::uint8_t>(255 - r);
        symbol_of_rank[255 - r] = static_cast<std::uint16_t>(high + r);
    }
    for (std::size_t i = 0; i < n; ++i)
        few[i] = split.merge((symbols[i] & 255U) | high, split.remainder(words[i]));
    std::vector<std::uint8_t> ranks(n + 1, 0xee);
    split_ranks(split, Span<const Word>(few), rank_of_symbol.data(), ranks.data());
    back.assign(n, 0);
    merge_ranks(split, ranks.data(), symbol_of_rank.data(), planes, Span<Word>(back));
    CHECK(back == few);
}

template <class Word>
void check_lengths(unsigned mantissa_bits) {
    std::mt19937_64 random(mantissa_bits);
    for (unsigned j = 0; j <= std::min(mantissa_bits, 15 + mantissa_bits + 1 - 8 * unsigned{sizeof(Word)});
         ++j) {
        for (std::size_t n : {0, 1, 2, 7, 8, 9, 31, 32, 33, 100, 4097}) {
            std::vector<Word> words(n);
            for (Word& word : words) word = static_cast<Word>(random());
            if (n > 8) {
                words[0] = 0;
                words[1] = static_cast<Word>(~Word{0});
                words[2] = static_cast<Word>(Word{1} << (8 * sizeof(Word) - 1));
            }
            check_split(mantissa_bits, j, words);
        }
    }
}

}  // namespace

TEST(float_split_all_16_bit_patterns) {
    std::vector<std::uint16_t> words(65536);
    for (std::size_t i = 0; i < words.size(); ++i) words[i] = static_cast<std::uint16_t>(i);
    for (unsigned j = 0; j <= 5; ++j) {
        check_split<std::uint16_t>(7, j, words);
        check_split<std::uint16_t>(10, j, words);
    }
}

TEST(float_split_lengths) {
    check_lengths<std::uint16_t>(7);
    check_lengths<std::uint16_t>(10);
    check_lengths<std::uint32_t>(23);
    check_lengths<std::uint64_t>(52);
}

TEST(float_split_knows_the_fields) {
    const FloatSplit<std::uint32_t> split(23, 2);
    CHECK_EQUAL(split.symbol(0xbf800000U), 127U * 4);      // -1
    CHECK_EQUAL(split.symbol(0x3fe00000U), 127U * 4 + 3);  // 1.75
    CHECK_EQUAL(split.remainder(0xbf800000U), 1U << 21);   // the sign alone
    CHECK_EQUAL(split.remainder(0x3fffffffU), (1U << 21) - 1);
    CHECK_EQUAL(split.planes(), 3U);
    CHECK_EQUAL(split.plane_width(2), 6U);
    CHECK_THROWS(FloatSplit<std::uint16_t>(7, 8), ArgumentError);
}
