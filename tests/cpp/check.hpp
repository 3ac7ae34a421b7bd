// The test frame: TEST registers, CHECK* report and count, main() runs those whose name contains argv[1].
#pragma once

#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <exception>
#include <limits>
#include <string>
#include <type_traits>
#include <vector>

#include "fewbits/core/isa.hpp"

namespace check {

struct Test {
    const char* name;
    void (*run)();
};
inline std::vector<Test>& tests() {
    static std::vector<Test> all;
    return all;
}
inline int& failures() {
    static int count = 0;
    return count;
}
inline std::uint64_t& checks() {
    static std::uint64_t count = 0;
    return count;
}
struct Registration {
    Registration(const char* name, void (*run)()) { tests().push_back({name, run}); }
};

inline void fail(const char* file, int line, const std::string& what) {
    // An exhaustive loop that goes wrong everywhere must not print a million lines.
    if (++failures() <= 20) std::printf("%s:%d: %s\n", file, line, what.c_str());
}

template <class T>
std::string show(const T& value) {
    if constexpr (std::is_floating_point_v<T>) {
        char text[64];
        std::snprintf(text, sizeof text, "%.17g (%a)", static_cast<double>(value),
                      static_cast<double>(value));
        return text;
    } else if constexpr (std::is_enum_v<T>) {
        return std::to_string(static_cast<long long>(value));
    } else if constexpr (std::is_arithmetic_v<T>) {
        return std::to_string(value);
    } else {
        return "(value)";
    }
}

// Equal as stored bits: -0 differs from +0, and a nan equals the same nan.
template <class T>
bool same_bits(const T& a, const T& b) {
    static_assert(std::is_trivially_copyable_v<T>);
    return std::memcmp(&a, &b, sizeof(T)) == 0;
}

// Distance in units in the last place of `expected`; nan against nan and equal values are 0.
template <class T>
double ulp_distance(T got, T expected) {
    if (std::isnan(got) || std::isnan(expected))
        return std::isnan(got) && std::isnan(expected) ? 0 : INFINITY;
    if (got == expected) return 0;
    if (std::isinf(got) || std::isinf(expected)) return INFINITY;
    const T magnitude = std::fabs(expected);
    const T above = std::nextafter(magnitude, std::numeric_limits<T>::infinity());
    const double unit = std::isinf(above) ? static_cast<double>(magnitude - std::nextafter(magnitude, T(0)))
                                          : static_cast<double>(above - magnitude);
    return std::fabs(static_cast<double>(got) - static_cast<double>(expected)) / unit;
}

// A function, so that temporaries behind references live until the comparison is done.
template <class Got, class Expected>
void check_equal(const Got& got, const Expected& expected, const char* text, const char* file, int line) {
    ++checks();
    if (!(got == expected)) fail(file, line, text + (" is " + show(got)) + ", expected " + show(expected));
}

inline int run_all(int argc, char** argv) {
    const std::string filter = argc > 1 ? argv[1] : "";
    int ran = 0;
    for (const Test& test : tests()) {
        if (std::string(test.name).find(filter) == std::string::npos) continue;
        ++ran;
        const int before = failures();
        try {
            test.run();
        } catch (const std::exception& error) {
            fail(test.name, 0, std::string("unexpected exception: ") + error.what());
        }
        if (failures() != before) std::printf("FAILED %s\n", test.name);
    }
    std::printf("[%s] %d tests, %llu checks, %d failures\n", fewbits::isa_name(), ran,
                static_cast<unsigned long long>(checks()), failures());
    return failures() != 0 || ran == 0 ? 1 : 0;
}

}  // namespace check

#define TEST(name)                                                          \
    static void test_##name();                                              \
    static const check::Registration registered_##name(#name, test_##name); \
    static void test_##name()

#define CHECK(condition)                                                            \
    do {                                                                            \
        ++check::checks();                                                          \
        if (!(condition)) check::fail(__FILE__, __LINE__, "CHECK(" #condition ")"); \
    } while (false)

#define CHECK_EQUAL(got, expected) check::check_equal((got), (expected), #got, __FILE__, __LINE__)

#define CHECK_BITS(got, expected)                                                                      \
    do {                                                                                               \
        ++check::checks();                                                                             \
        const auto got_ = (got);                                                                       \
        const decltype(got_) expected_ = (expected);                                                   \
        if (!check::same_bits(got_, expected_))                                                        \
            check::fail(                                                                               \
                __FILE__, __LINE__,                                                                    \
                #got " is " + check::show(got_) + ", expected the bits of " + check::show(expected_)); \
    } while (false)

#define CHECK_ULP(got, expected, bound)                                                                     \
    do {                                                                                                    \
        ++check::checks();                                                                                  \
        const auto got_ = (got);                                                                            \
        const decltype(got_) expected_ = (expected);                                                        \
        const double distance_ = check::ulp_distance(got_, expected_);                                      \
        if (!(distance_ <= (bound)))                                                                        \
            check::fail(__FILE__, __LINE__,                                                                 \
                        #got " is " + check::show(got_) + ", " + std::to_string(distance_) + " ulp from " + \
                            check::show(expected_));                                                        \
    } while (false)

#define CHECK_THROWS(expression, type)                                                                 \
    do {                                                                                               \
        ++check::checks();                                                                             \
        bool thrown_ = false;                                                                          \
        try {                                                                                          \
            static_cast<void>(expression);                                                             \
        } catch (const type&) {                                                                        \
            thrown_ = true;                                                                            \
        } catch (const std::exception& other_) {                                                       \
            thrown_ = true;                                                                            \
            check::fail(__FILE__, __LINE__, std::string("threw another exception: ") + other_.what()); \
        }                                                                                              \
        if (!thrown_) check::fail(__FILE__, __LINE__, #expression " did not throw " #type);            \
    } while (false)

int main(int argc, char** argv) { return check::run_all(argc, argv); }
