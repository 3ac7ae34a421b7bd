// Memory for large results.
//
//   prefer_huge_pages   asks the system to back memory that was not touched yet by huge pages: a fresh page
//                       of 4 KiB costs a fault, about as long as coding the weights in it takes
//   prefetch            asks for one line of the cache ahead of its use
//   Arena               keeps copies of byte strings in a few large pieces; any thread may add one
//
// Neither changes a result; where the system knows no such advice the first does nothing.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <mutex>
#include <new>
#include <utility>
#include <vector>

#if defined(__linux__)
#include <sys/mman.h>
#endif

#include "fewbits/core/isa.hpp"
#include "fewbits/core/span.hpp"

namespace fewbits {
inline namespace FEWBITS_ISA {

inline constexpr std::size_t huge_page = std::size_t{1} << 21;

inline void prefer_huge_pages(Span<std::uint8_t> memory) {
#if defined(__linux__) && defined(MADV_HUGEPAGE)
    // Whole huge pages only, so that what lies beside keeps its own.
    constexpr std::uintptr_t huge = huge_page;
    const auto begin = reinterpret_cast<std::uintptr_t>(memory.data());
    const std::uintptr_t first = (begin + huge - 1) / huge * huge;
    const std::uintptr_t last = (begin + memory.size()) / huge * huge;
    // Advice may be refused; there is nothing to do about it.
    if (first < last)
        static_cast<void>(::madvise(reinterpret_cast<void*>(first), last - first, MADV_HUGEPAGE));
#else
    static_cast<void>(memory);
#endif
}

FEWBITS_INLINE void prefetch(const std::uint8_t* bytes) {
#if defined(__GNUC__) || defined(__clang__)
    __builtin_prefetch(bytes);
#else
    static_cast<void>(bytes);
#endif
}

class Arena {
public:
    Arena() = default;
    Arena(Arena&& other) noexcept
        : pieces_(std::move(other.pieces_)), next_(other.next_), room_(std::exchange(other.room_, 0)) {}
    Arena& operator=(Arena&&) = delete;

    // A copy of `data` that lives as long as the arena. Thread-safe.
    ByteSpan copy(ByteSpan data) {
        if (data.empty()) return {};
        const Span<std::uint8_t> place = allocate(data.size());
        std::memcpy(place.data(), data.data(), data.size());
        return place;
    }

private:
    static constexpr std::size_t piece_size = 2 * huge_page;
    struct Delete {
        void operator()(std::uint8_t* memory) const {
            ::operator delete(memory, std::align_val_t{huge_page});
        }
    };

    Span<std::uint8_t> allocate(std::size_t size) {
        const std::lock_guard<std::mutex> lock(mutex_);
        if (size > room_) {
            // What is left of the last piece is given up: at most one string of every piece.
            room_ = std::max(size, piece_size);
            pieces_.emplace_back(
                static_cast<std::uint8_t*>(::operator new(room_, std::align_val_t{huge_page})));
            next_ = pieces_.back().get();
            prefer_huge_pages({next_, room_});
        }
        const Span<std::uint8_t> place(next_, size);
        next_ += size;
        room_ -= size;
        return place;
    }

    std::vector<std::unique_ptr<std::uint8_t[], Delete>> pieces_;
    std::uint8_t* next_ = nullptr;  // Invariant: room_ bytes from here on are free
    std::size_t room_ = 0;
    std::mutex mutex_;
};

}  // namespace FEWBITS_ISA
}  // namespace fewbits
