// Splitting floats into what compresses and what does not.
//
//   word       =  sign | exponent | top j mantissa bits | other mantissa bits
//   symbol     =         exponent | top j mantissa bits                          entropy coded
//   remainder  =  sign |                                  other mantissa bits    noise: stored in planes
//
// With k = mantissa_bits - j the remainder has k + 1 bits, the sign on top. It is cut into planes of 8 bits,
// low plane first; the last plane has the k + 1 - 8 * (planes - 1) bits that are left.
// NaN payloads, infinities, subnormals and -0 are ordinary words: every bit comes back.
//
// The loops are plain so that the compiler vectorises them for every instruction set; they are integer
// arithmetic only. Bound by memory: 0.2 to 0.5 cycles an element from the second-level cache.
// Source: the split of exponents and mantissas follows ZipNN, arXiv:2411.05239, section 3; the extra mantissa
// bits in the symbol and the row classes of tensor.hpp are ours.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>

#include "fewbits/core/isa.hpp"
#include "fewbits/core/span.hpp"

namespace fewbits {
inline namespace FEWBITS_ISA {
namespace coding {

// Where the fields of a word are. Word is the unsigned integer of the float's size.
template <class Word>
struct FloatSplit {
    static constexpr unsigned word_bits = 8 * sizeof(Word);
    static constexpr unsigned max_planes = sizeof(Word);

    unsigned shift;  // k: bits of the mantissa that go to the remainder, mantissa_bits - j

    struct Shift {
        unsigned bits;
    };
    explicit constexpr FloatSplit(Shift fixed) : shift(fixed.bits) {}
    FloatSplit(unsigned mantissa_bits, unsigned j) : shift(mantissa_bits - j) {
        FEWBITS_REQUIRE(mantissa_bits < word_bits - 1 && j <= mantissa_bits,
                        "FloatSplit: j must be in 0..mantissa_bits, got " + std::to_string(j));
    }
    unsigned symbol_bits() const { return word_bits - 1 - shift; }
    unsigned remainder_bits() const { return shift + 1; }
    unsigned planes() const { return (remainder_bits() + 7) / 8; }
    unsigned plane_width(unsigned plane) const {
        return plane + 1 < planes() ? 8 : remainder_bits() - 8 * (planes() - 1);
    }

    FEWBITS_INLINE unsigned symbol(Word word) const {
        return static_cast<unsigned>(static_cast<Word>(word << 1) >> 1 >> shift);
    }
    FEWBITS_INLINE Word remainder(Word word) const {
        const Word low = static_cast<Word>((Word{1} << shift) - 1);
        return static_cast<Word>((word & low) | static_cast<Word>((word >> (word_bits - 1)) << shift));
    }
    FEWBITS_INLINE Word merge(unsigned symbol, Word remainder) const {
        const Word low = static_cast<Word>((Word{1} << shift) - 1);
        return static_cast<Word>((remainder & low) | static_cast<Word>(Word(symbol) << shift) |
                                 static_cast<Word>((remainder >> shift) << (word_bits - 1)));
    }
};

// Pointers to the plane buffers of one tensor part, low plane first.
template <class Word>
using PlanePointers = std::array<std::uint8_t*, sizeof(Word)>;
template <class Word>
using ConstPlanePointers = std::array<const std::uint8_t*, sizeof(Word)>;

namespace detail {

// Calls body with the same split, its shift a constant where it is a usual one: only then do compilers keep
// 16-bit words in 16-bit lanes (half the time of the loops below).
template <class Word, class Body>
FEWBITS_INLINE void with_constant_shift(const FloatSplit<Word>& split, Body body) {
    using Fixed = FloatSplit<Word>;
    using Shift = typename Fixed::Shift;
    if constexpr (sizeof(Word) == 2) {
        switch (split.shift) {
            case 5:
                return body(Fixed(Shift{5}));  // bfloat16, j = 2
            case 7:
                return body(Fixed(Shift{7}));  // bfloat16, j = 0; float16, j = 3
            case 8:
                return body(Fixed(Shift{8}));  // float16, j = 2
            default:
                break;
        }
    }
    if constexpr (sizeof(Word) == 4) {
        switch (split.shift) {
            case 21:
                return body(Fixed(Shift{21}));  // float32, j = 2
            case 23:
                return body(Fixed(Shift{23}));  // float32, j = 0
            default:
                break;
        }
    }
    body(split);
}

// One plane a pass: with several output streams in one loop compilers give up on vectors.
template <class Word>
void split_plane(const FloatSplit<Word>& split, const Word* FEWBITS_RESTRICT words, std::size_t n,
                 unsigned plane, std::uint8_t* FEWBITS_RESTRICT out) {
    const unsigned down = 8 * plane;
    with_constant_shift(split, [&](const FloatSplit<Word>& fixed) FEWBITS_INLINE_LAMBDA {
        for (std::size_t i = 0; i < n; ++i)
            out[i] = static_cast<std::uint8_t>(fixed.remainder(words[i]) >> down);
    });
}

}  // namespace detail

namespace reference {

// The definition: one word a line.
template <class Word>
void split_words(const FloatSplit<Word>& split, Span<const Word> words, std::uint16_t* symbols,
                 const PlanePointers<Word>& planes) {
    for (std::size_t i = 0; i < words.size(); ++i) {
        symbols[i] = static_cast<std::uint16_t>(split.symbol(words[i]));
        const Word remainder = split.remainder(words[i]);
        for (unsigned p = 0; p < split.planes(); ++p)
            planes[p][i] = static_cast<std::uint8_t>(remainder >> 8 * p);
    }
}

template <class Word>
void merge_words(const FloatSplit<Word>& split, const std::uint16_t* symbols,
                 const ConstPlanePointers<Word>& planes, Span<Word> words) {
    for (std::size_t i = 0; i < words.size(); ++i) {
        Word remainder = 0;
        for (unsigned p = 0; p < split.planes(); ++p)
            remainder = static_cast<Word>(remainder | Word(planes[p][i]) << 8 * p);
        words[i] = split.merge(symbols[i], remainder);
    }
}

}  // namespace reference

// Remainders of `words` into the planes, one byte an element.
template <class Word>
void split_remainders(const FloatSplit<Word>& split, Span<const Word> words,
                      const PlanePointers<Word>& planes) {
    for (unsigned p = 0; p < split.planes(); ++p) {
        detail::split_plane(split, words.data(), words.size(), p, planes[p]);
    }
}

// Ranks symbol - lo of words whose symbols all lie in lo..lo+255.
template <class Word>
void split_ranks(const FloatSplit<Word>& split, Span<const Word> words, unsigned lo,
                 std::uint8_t* FEWBITS_RESTRICT ranks) {
    const Word* FEWBITS_RESTRICT in = words.data();
    for (std::size_t i = 0; i < words.size(); ++i)
        ranks[i] = static_cast<std::uint8_t>(split.symbol(in[i]) - lo);
}

// The same through a table of rank by symbol, for alphabets with holes.
template <class Word>
void split_ranks(const FloatSplit<Word>& split, Span<const Word> words, const std::uint8_t* rank_of_symbol,
                 std::uint8_t* FEWBITS_RESTRICT ranks) {
    const Word* FEWBITS_RESTRICT in = words.data();
    for (std::size_t i = 0; i < words.size(); ++i) ranks[i] = rank_of_symbol[split.symbol(in[i])];
}

namespace detail {

// symbol_of(i) gives the symbol of element i: lo + rank, or a table look-up.
template <unsigned Planes, class Word, class SymbolOf>
FEWBITS_INLINE void merge_planes(const FloatSplit<Word>& split, SymbolOf symbol_of,
                                 const ConstPlanePointers<Word>& planes, Word* target, std::size_t n) {
    // The target may be somebody's floats, seen as words.
    typedef Word FEWBITS_MAY_ALIAS AliasedWord;
    AliasedWord* FEWBITS_RESTRICT words = target;
    const std::uint8_t* FEWBITS_RESTRICT p0 = planes[0];
    const std::uint8_t* FEWBITS_RESTRICT p1 = Planes > 1 ? planes[1 % sizeof(Word)] : nullptr;
    const std::uint8_t* FEWBITS_RESTRICT p2 = Planes > 2 ? planes[2 % sizeof(Word)] : nullptr;
    for (std::size_t i = 0; i < n; ++i) {
        Word r = p0[i];
        if constexpr (Planes > 1) r = static_cast<Word>(r | Word(p1[i]) << 8);
        if constexpr (Planes > 2) r = static_cast<Word>(r | Word(p2[i]) << 16 % (8 * sizeof(Word)));
        if constexpr (Planes > 3) {
            for (unsigned p = 3; p < Planes; ++p) r = static_cast<Word>(r | Word(planes[p][i]) << 8 * p);
        }
        words[i] = split.merge(symbol_of(i), r);
    }
}

template <class Word, class SymbolOf>
FEWBITS_INLINE void merge_any(const FloatSplit<Word>& split, SymbolOf symbol_of,
                              const ConstPlanePointers<Word>& planes, Span<Word> words) {
    switch (split.planes()) {
        case 1:
            return merge_planes<1>(split, symbol_of, planes, words.data(), words.size());
        case 2:
            return merge_planes<2>(split, symbol_of, planes, words.data(), words.size());
        default:
            break;
    }
    if constexpr (sizeof(Word) > 2) {
        switch (split.planes()) {
            case 3:
                return merge_planes<3>(split, symbol_of, planes, words.data(), words.size());
            case 4:
                return merge_planes<4>(split, symbol_of, planes, words.data(), words.size());
            default:
                break;
        }
    }
    if constexpr (sizeof(Word) > 4) {
        switch (split.planes()) {
            case 5:
                return merge_planes<5>(split, symbol_of, planes, words.data(), words.size());
            case 6:
                return merge_planes<6>(split, symbol_of, planes, words.data(), words.size());
            default:
                return merge_planes<7>(split, symbol_of, planes, words.data(), words.size());
        }
    }
}

}  // namespace detail

template <class Word>
void merge_ranks(const FloatSplit<Word>& split, const std::uint8_t* FEWBITS_RESTRICT ranks, unsigned lo,
                 const ConstPlanePointers<Word>& planes, Span<Word> words) {
    detail::with_constant_shift(split, [&](const FloatSplit<Word>& fixed) FEWBITS_INLINE_LAMBDA {
        const auto symbol_of = [=](std::size_t i) { return lo + ranks[i]; };
        detail::merge_any(fixed, symbol_of, planes, words);
    });
}

template <class Word>
void merge_ranks(const FloatSplit<Word>& split, const std::uint8_t* FEWBITS_RESTRICT ranks,
                 const std::uint16_t* symbol_of_rank, const ConstPlanePointers<Word>& planes,
                 Span<Word> words) {
    detail::merge_any(
        split, [=](std::size_t i) { return unsigned{symbol_of_rank[ranks[i]]}; }, planes, words);
}

}  // namespace coding
}  // namespace FEWBITS_ISA
}  // namespace fewbits
