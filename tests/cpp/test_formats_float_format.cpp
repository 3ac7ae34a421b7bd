#include "fewbits/formats/float_format.hpp"

#include <cmath>
#include <string>

#include "check.hpp"

using namespace fewbits;
using namespace fewbits::formats;

// A name is a constant expression.
static_assert(get("float8_e4m3fn").max_finite == 448);
static_assert(get("fixed(8,4)").min_finite == -128);

TEST(the_table_of_the_standards) {
    struct Row {
        const char* name;
        int bits, precision, exponent_bits, bias, min_exponent, max_exponent;
        double max, min_normal, least;
        std::uint64_t inf_code, nan_code;
    };
    const Row rows[] = {
        {"float16", 16, 11, 5, 15, -14, 15, 65504, 0x1p-14, 0x1p-24, 0x7c00, 0x7e00},
        {"bfloat16", 16, 8, 8, 127, -126, 127, 3.3895313892515355e38, 0x1p-126, 0x1p-133, 0x7f80, 0x7fc0},
        {"tf32", 19, 11, 8, 127, -126, 127, (2 - 0x1p-10) * 0x1p127, 0x1p-126, 0x1p-136, 0x3fc00, 0x3fe00},
        {"float8_e5m2", 8, 3, 5, 15, -14, 15, 57344, 0x1p-14, 0x1p-16, 0x7c, 0x7e},
        {"float8_e4m3", 8, 4, 4, 7, -6, 7, 240, 0x1p-6, 0x1p-9, 0x78, 0x7c},
        {"float8_e3m4", 8, 5, 3, 3, -2, 3, 15.5, 0x1p-2, 0x1p-6, 0x70, 0x78},
        {"float8_e4m3fn", 8, 4, 4, 7, -6, 8, 448, 0x1p-6, 0x1p-9, 0, 0x7f},
        {"float8_e4m3fnuz", 8, 4, 4, 8, -7, 7, 240, 0x1p-7, 0x1p-10, 0, 0x80},
        {"float8_e4m3b11fnuz", 8, 4, 4, 11, -10, 4, 30, 0x1p-10, 0x1p-13, 0, 0x80},
        {"float8_e5m2fnuz", 8, 3, 5, 16, -15, 15, 57344, 0x1p-15, 0x1p-17, 0, 0x80},
        {"float8_e8m0fnu", 8, 1, 8, 127, -127, 127, 0x1p127, 0x1p-127, 0x1p-127, 0, 0xff},
        {"float8_ue5m3", 8, 4, 5, 15, -14, 15, 61440, 0x1p-14, 0x1p-17, 0xf8, 0xfc},
        {"float8_ue5m3fn", 8, 4, 5, 15, -14, 16, 114688, 0x1p-14, 0x1p-17, 0, 0xff},
        {"float6_e3m2fn", 6, 3, 3, 3, -2, 4, 28, 0x1p-2, 0x1p-4, 0, 0},
        {"float6_e2m3fn", 6, 4, 2, 1, 0, 2, 7.5, 1, 0x1p-3, 0, 0},
        {"float4_e2m1fn", 4, 2, 2, 1, 0, 2, 6, 1, 0.5, 0, 0},
    };
    for (const Row& row : rows) {
        const FloatFormat f = get(row.name);
        CHECK_EQUAL(f.bits, row.bits);
        CHECK_EQUAL(f.precision, row.precision);
        CHECK_EQUAL(f.exponent_bits, row.exponent_bits);
        CHECK_EQUAL(f.bias, row.bias);
        CHECK_EQUAL(f.min_exponent, row.min_exponent);
        CHECK_EQUAL(f.max_exponent, row.max_exponent);
        CHECK_BITS(f.max_finite, row.max);
        CHECK_BITS(std::ldexp(1.0, f.min_exponent), row.min_normal);
        CHECK_BITS(std::ldexp(1.0, f.quantum_exponent()), row.least);
        CHECK_EQUAL(f.has_inf, row.inf_code != 0);
        if (f.has_inf) CHECK_EQUAL(f.inf_code(), row.inf_code);
        CHECK_EQUAL(f.has_nan(), row.nan_code != 0);
        if (f.has_nan()) CHECK_EQUAL(f.nan_code(), row.nan_code);
    }
}

TEST(p3109) {
    CHECK_BITS(get("binary8p3se").max_finite, 49152.0);
    CHECK_EQUAL(get("binary8p3se").quantum_exponent(), -17);
    CHECK_BITS(get("binary8p4se").max_finite, 224.0);
    CHECK_EQUAL(get("binary8p4se").quantum_exponent(), -10);
    CHECK_BITS(get("binary8p4uf").max_finite, 57344.0);
    CHECK_EQUAL(get("binary8p4uf").quantum_exponent(), -18);
    CHECK_BITS(get("binary8p1se").max_finite, 0x1p62);
    CHECK_EQUAL(get("binary8p1se").quantum_exponent(), -63);
    CHECK_BITS(get("binary6p3sf").max_finite, 14.0);
    CHECK_BITS(get("binary4p2sf").max_finite, 3.0);
    CHECK_EQUAL(get("binary8p3se").inf_code(), std::uint64_t{0x7f});
    CHECK_EQUAL(get("binary8p3ue").inf_code(), std::uint64_t{0xfe});
    CHECK_THROWS(p3109(8, 8, true, true), ArgumentError);
    CHECK_THROWS(p3109(16, 1, true, true), ArgumentError);
    CHECK_THROWS(p3109(2, 1, true, true), ArgumentError);
}

TEST(grammar) {
    CHECK(get("float(e=5,m=10)") == get("float16"));
    CHECK(get("float(e=5,m=10,bias=15)") == get("half"));
    CHECK(get("float(e=4,m=3,nan=outer,inf=0)") == get("float8_e4m3fn"));
    CHECK(get("float(e=4,m=3,bias=8,nan=neg_zero_code,inf=0)") == get("float8_e4m3fnuz"));
    CHECK(get("float(e=2,m=1,nan=none,inf=0)") == get("fp4"));
    CHECK_BITS(get("float(e=4,m=3,nan=none,inf=0)").max_finite, 480.0);
    CHECK_BITS(get("float(e=4,m=3,nan=none,inf=0,max=416)").max_finite, 416.0);
    const FloatFormat range = get("float(p=11,emin=-14,emax=15)");
    CHECK_EQUAL(range.bits, 0);
    CHECK_BITS(range.max_finite, 65504.0);
    CHECK_EQUAL(range.quantum_exponent(), -24);
    CHECK(get("int8") == FloatFormat::fixed(8, 0));
    CHECK_BITS(get("mxint8").max_finite, 127.0 / 64);
    CHECK_BITS(get("ufixed(0,4)").max_finite, 15.0 / 16);
    for (const auto& alias : aliases) CHECK(get(alias.first) == get(alias.second));
}

TEST(bad_names) {
    for (const char* name : {"",
                             "flaot16",
                             "float(",
                             "float()",
                             "float(e=5)",
                             "float(e=5,m=10",
                             "float(e=5,m=10)x",
                             "float(m=10,e=)",
                             "float(e=5,m=10,nan=maybe)",
                             "float(p=11,emin=-14)",
                             "float(p=11,emin=-14,emax=15,bias=3)",
                             "float(e=5,m=10,subnormal=2)",
                             "float(e=12,m=3)",
                             "float(e=3,m=60)",
                             "float(p=54,emin=0,emax=1)",
                             "float(p=5,emin=3,emax=1)",
                             "float(p=5,emin=-2000,emax=1)",
                             "float(e=4,m=3,max=417)",
                             "float(e=4,m=3,max=1000)",
                             "float(e=4,m=0)",
                             "float(e=4,m=3,inf=0)",
                             "float(e=4,m=3,signed=0,nan=outer)",
                             "float(e=4,m=3,nan=top_code)",
                             "float(e=999999999999,m=3)",
                             "binary8p3",
                             "binary8p3se2",
                             "binary8p3xe",
                             "int0",
                             "int17",
                             "int",
                             "int-3",
                             "fixed(8)",
                             "fixed(30,4)",
                             "fixed(0,4)",
                             "e4m3",
                             "q43",
                             "float(e=5,m=2,bias=5000)"}) {
        CHECK_THROWS(get(std::string(name)), ArgumentError);
    }
    try {
        static_cast<void>(get(std::string("flaot16")));
    } catch (const ArgumentError& error) {
        CHECK(std::string(error.what()).find("got 'flaot16'; nearest: float16") != std::string::npos);
    }
}
