// A view of contiguous elements: what every kernel takes and fills. (std::span is C++20.)
#pragma once

#include <cstddef>
#include <cstdint>
#include <type_traits>
#include <utility>
#include <vector>

#include "fewbits/core/error.hpp"
#include "fewbits/core/isa.hpp"

namespace fewbits {
inline namespace FEWBITS_ISA {

// Invariant: data() points at size() elements, or size() == 0 (data() may then be null).
template <class T>
class Span {
public:
    using element_type = T;
    using value_type = std::remove_cv_t<T>;

    constexpr Span() noexcept = default;
    constexpr Span(T* data, std::size_t size) noexcept : data_(data), size_(size) {}
    template <std::size_t N>
    constexpr Span(T (&array)[N]) noexcept : data_(array), size_(N) {}
    // Any contiguous container with data() and size(): vector, array, string, another Span.
    template <class Container,
              class = std::enable_if_t<
                  !std::is_array_v<std::remove_reference_t<Container>> &&
                  std::is_convertible_v<
                      std::remove_pointer_t<decltype(std::declval<Container&>().data())> (*)[], T (*)[]>>>
    constexpr Span(Container&& container) noexcept : data_(container.data()), size_(container.size()) {}

    constexpr T* data() const noexcept { return data_; }
    constexpr std::size_t size() const noexcept { return size_; }
    constexpr bool empty() const noexcept { return size_ == 0; }
    constexpr T* begin() const noexcept { return data_; }
    constexpr T* end() const noexcept { return data_ + size_; }
    constexpr T& operator[](std::size_t i) const noexcept { return data_[i]; }

    // Elements [offset, offset + count); throws where that leaves the span.
    constexpr Span subspan(std::size_t offset, std::size_t count) const {
        FEWBITS_REQUIRE(offset <= size_ && count <= size_ - offset, "Span::subspan: range leaves the span");
        return Span(data_ + offset, count);
    }
    constexpr Span first(std::size_t count) const { return subspan(0, count); }

private:
    T* data_ = nullptr;
    std::size_t size_ = 0;
};

using Bytes = std::vector<std::uint8_t>;
using ByteSpan = Span<const std::uint8_t>;

}  // namespace FEWBITS_ISA
}  // namespace fewbits
