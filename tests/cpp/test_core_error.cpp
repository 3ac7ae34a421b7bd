#include "fewbits/core/error.hpp"

#include <cstring>
#include <type_traits>

#include "check.hpp"

using namespace fewbits;

namespace {

void require_even(int value) {
    FEWBITS_REQUIRE(value % 2 == 0, "require_even: value must be even, got " + std::to_string(value));
}

template <class Derived, class Base>
constexpr bool is_a = std::is_base_of_v<Base, Derived>;

}  // namespace

TEST(error_classes_nest) {
    static_assert(is_a<CorruptDataError, CodecError> && is_a<ParameterMismatchError, CodecError> &&
                  is_a<UnsupportedFeatureError, CodecError> && is_a<LimitError, CodecError>);
    static_assert(is_a<CodecError, Error> && is_a<ArgumentError, Error> && is_a<ConvergenceError, Error> &&
                  is_a<IoError, Error> && is_a<Error, std::runtime_error>);
    static_assert(!is_a<ArgumentError, CodecError> && !is_a<LimitError, CorruptDataError>);
}

TEST(error_require_throws_the_message) {
    require_even(4);
    CHECK_THROWS(require_even(5), ArgumentError);
    try {
        require_even(7);
    } catch (const Error& error) {
        CHECK(std::strcmp(error.what(), "require_even: value must be even, got 7") == 0);
    }
}

TEST(error_carries_its_facts) {
    const IoError io(28, "a/b", "a/b: no space");
    CHECK_EQUAL(io.code(), 28);
    CHECK(io.path() == "a/b" && std::strcmp(io.what(), "a/b: no space") == 0);
    const ConvergenceError convergence("solve: not converged", 12, 0.5);
    CHECK_EQUAL(convergence.iterations(), std::size_t{12});
    CHECK_BITS(convergence.residual(), 0.5);
}
