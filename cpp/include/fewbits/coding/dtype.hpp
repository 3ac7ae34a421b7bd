// Element types of stored tensors and their codes in the .fewbits format (coding/container.hpp).
#pragma once

#include <cstdint>
#include <string_view>

#include "fewbits/core/error.hpp"
#include "fewbits/core/isa.hpp"

namespace fewbits {
inline namespace FEWBITS_ISA {
namespace coding {

enum class Dtype : std::uint8_t {
    boolean = 0,
    int8 = 1,
    int16 = 2,
    int32 = 3,
    int64 = 4,
    uint8 = 5,
    uint16 = 6,
    uint32 = 7,
    uint64 = 8,
    float16 = 9,
    bfloat16 = 10,
    float32 = 11,
    float64 = 12,
    float8_e4m3fn = 13,
    float8_e5m2 = 14,
    float8_e8m0fnu = 15,
    bytes = 255,  // anything else: one element is one byte
};

struct DtypeInfo {
    Dtype dtype;
    const char* name;
    unsigned itemsize;
    unsigned mantissa_bits;  // 0: not a float that is split
};

inline constexpr DtypeInfo dtype_table[] = {
    {Dtype::boolean, "bool", 1, 0},
    {Dtype::int8, "int8", 1, 0},
    {Dtype::int16, "int16", 2, 0},
    {Dtype::int32, "int32", 4, 0},
    {Dtype::int64, "int64", 8, 0},
    {Dtype::uint8, "uint8", 1, 0},
    {Dtype::uint16, "uint16", 2, 0},
    {Dtype::uint32, "uint32", 4, 0},
    {Dtype::uint64, "uint64", 8, 0},
    {Dtype::float16, "float16", 2, 10},
    {Dtype::bfloat16, "bfloat16", 2, 7},
    {Dtype::float32, "float32", 4, 23},
    {Dtype::float64, "float64", 8, 52},
    {Dtype::float8_e4m3fn, "float8_e4m3fn", 1, 0},
    {Dtype::float8_e5m2, "float8_e5m2", 1, 0},
    {Dtype::float8_e8m0fnu, "float8_e8m0fnu", 1, 0},
    {Dtype::bytes, "bytes", 1, 0},
};

// nullptr where `code` is no dtype of this version.
constexpr const DtypeInfo* find_dtype(std::uint8_t code) {
    for (const DtypeInfo& info : dtype_table) {
        if (static_cast<std::uint8_t>(info.dtype) == code) return &info;
    }
    return nullptr;
}

constexpr const DtypeInfo* find_dtype(std::string_view name) {
    for (const DtypeInfo& info : dtype_table) {
        if (name == info.name) return &info;
    }
    return nullptr;
}

constexpr const DtypeInfo& dtype_info(Dtype dtype) { return *find_dtype(static_cast<std::uint8_t>(dtype)); }

}  // namespace coding
}  // namespace FEWBITS_ISA
}  // namespace fewbits
