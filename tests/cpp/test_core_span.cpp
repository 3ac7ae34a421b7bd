#include "fewbits/core/span.hpp"

#include <array>
#include <string>
#include <vector>

#include "check.hpp"

using namespace fewbits;

TEST(span_views_containers) {
    std::vector<int> vector{1, 2, 3};
    const std::array<int, 2> array{4, 5};
    int plain[3] = {6, 7, 8};
    CHECK_EQUAL(Span<int>(vector).size(), std::size_t{3});
    CHECK_EQUAL(Span<const int>(array)[1], 5);
    CHECK_EQUAL(Span<const int>(plain)[2], 8);
    const Span<int> mutable_view(vector);
    const Span<const int> const_view(mutable_view);
    CHECK(const_view.data() == vector.data());
    static_assert(!std::is_constructible_v<Span<int>, const std::vector<int>&>, "constness is kept");
    static_assert(!std::is_constructible_v<Span<float>, std::vector<int>&>,
                  "element types are not converted");
}

TEST(span_empty_may_be_null) {
    const Span<const float> empty;
    CHECK(empty.empty() && empty.data() == nullptr);
    for (float x : empty) CHECK(x != x);
    CHECK(empty.subspan(0, 0).empty());
}

TEST(span_subspan_is_checked) {
    std::vector<int> v{1, 2, 3, 4};
    const Span<int> s(v);
    CHECK_EQUAL(s.subspan(1, 2)[1], 3);
    CHECK(s.subspan(4, 0).empty());
    CHECK_THROWS(s.subspan(5, 0), ArgumentError);
    CHECK_THROWS(s.subspan(1, static_cast<std::size_t>(-1)), ArgumentError);
    CHECK_THROWS(s.first(5), ArgumentError);
}
