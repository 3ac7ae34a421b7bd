#include "fewbits/coding/dtype.hpp"

#include <set>
#include <string>

#include "check.hpp"

using namespace fewbits::coding;

TEST(dtype_codes_and_names) {
    std::set<std::string> names;
    for (const DtypeInfo& info : dtype_table) {
        CHECK(find_dtype(static_cast<std::uint8_t>(info.dtype)) == &info);
        CHECK(find_dtype(std::string_view(info.name)) == &info);
        CHECK(&dtype_info(info.dtype) == &info);
        CHECK(info.mantissa_bits < 8 * info.itemsize - 1);
        CHECK(names.insert(info.name).second);
    }
    // The codes are part of the file format.
    CHECK_EQUAL(int(find_dtype("bool")->dtype), 0);
    CHECK_EQUAL(int(find_dtype("int64")->dtype), 4);
    CHECK_EQUAL(int(find_dtype("uint64")->dtype), 8);
    CHECK_EQUAL(int(find_dtype("bfloat16")->dtype), 10);
    CHECK_EQUAL(int(find_dtype("float8_e8m0fnu")->dtype), 15);
    CHECK_EQUAL(int(find_dtype("bytes")->dtype), 255);
    CHECK(find_dtype(16) == nullptr && find_dtype(254) == nullptr);
    CHECK(find_dtype("float") == nullptr && find_dtype("") == nullptr);
}
