// Number formats of few bits as plain descriptors, and the registry that finds them by name.
//
// A code is sign | exponent field E (exponent_bits) | trailing field T (t = precision - 1 bits). E = 0 is
// T 2^(emin - t), zero or subnormal; else the value is (1 + T 2^-t) 2^(E - bias), emin = 1 - bias. Magnitude
// codes grow with their values, so with n the integer significand, value n 2^(e - t),
//     code = ((e - emin) << t) + n      for subnormal and normal values alike.
// A format without zero (the scale float8_e8m0fnu) has no E = 0 binade of its own: emin = -bias, code one
// less. Fixed point and integers are the same thing with nothing but the subnormal binade and two's
// complement codes.
//
// Names: those of ml_dtypes, aliases (bf16, half, tf32, e5m2, ...), and a grammar:
//     float(e=5,m=10[,bias=15][,nan=ieee|outer|neg_zero_code|top_code|none][,inf=0][,signed=0][,subnormal=0]
//           [,neg_zero=0][,max=65504])           coded; sign, exponent and trailing field
//     float(p=11,emin=-14,emax=15[,subnormal=0][,max=...])   values only, as chop and CPFloat describe them
//     binary8p3se                                 IEEE P3109: bits, precision, s|u signed, e|f extended or
//     finite fixed(8,4) ufixed(8,4) int8 uint4           integer bits (with the sign), fraction bits
//
// Sources: IEEE 754-2019; OCP 8-bit Floating Point Specification 1.0; OCP Microscaling Formats 1.0; IEEE
// P3109 draft 3; ml_dtypes (names and values); N. Higham, S. Pranesh, "Simulating Low Precision
// Floating-Point Arithmetic", SIAM J. Sci. Comput. 41 (2019).
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "fewbits/core/error.hpp"
#include "fewbits/core/isa.hpp"

namespace fewbits {
inline namespace FEWBITS_ISA {
namespace formats {

// Where the NaN codes are: above infinity; all ones of both signs; the code of -0; the highest code; nowhere.
enum class NanKind { ieee, outer, neg_zero_code, top_code, none };

namespace detail {

constexpr double power_of_two(int exponent) {
    double value = 1;
    for (; exponent > 0; --exponent) value *= 2;
    for (; exponent < 0; ++exponent) value /= 2;
    return value;
}

[[noreturn]] inline void refuse(const std::string& message) { throw ArgumentError(message); }

}  // namespace detail

struct FloatFormat {
    int bits = 0;       // of a code; 0: values only
    int precision = 1;  // significand bits with the hidden one
    int exponent_bits = 0;
    int bias = 0;
    int min_exponent = 0;  // of the smallest normal value
    int max_exponent = 0;  // of the largest
    bool is_signed = true;
    bool has_zero = true;
    bool has_subnormal = true;
    bool has_neg_zero = true;
    bool has_inf = true;
    bool is_fixed = false;  // two's complement codes of one binade: fixed point and integers
    NanKind nan = NanKind::ieee;
    double max_finite = 0;  // not always (2 - 2^-t) 2^max_exponent
    double min_finite = 0;  // the lowest: -max_finite but for unsigned and fixed point formats

    constexpr int trailing_bits() const { return precision - 1; }
    // Exponent of the distance between the values next to zero.
    constexpr int quantum_exponent() const {
        return min_exponent - (has_subnormal && has_zero ? trailing_bits() : 0);
    }
    constexpr bool has_nan() const { return nan != NanKind::none; }
    // Whether NaN keeps its sign.
    constexpr bool has_signed_nan() const {
        return is_signed && (nan == NanKind::ieee || nan == NanKind::outer);
    }
    constexpr std::uint64_t sign_code() const {
        return is_signed && bits > 0 ? std::uint64_t{1} << (bits - 1) : 0;
    }
    // All ones below the sign bit.
    constexpr std::uint64_t top_code() const {
        return (std::uint64_t{1} << (exponent_bits + trailing_bits())) - 1;
    }
    // Magnitude code of infinity, where there is one.
    constexpr std::uint64_t inf_code() const {
        if (nan == NanKind::ieee) return ((std::uint64_t{1} << exponent_bits) - 1) << trailing_bits();
        return top_code() - (nan == NanKind::outer || nan == NanKind::top_code ? 1 : 0);
    }
    // The code emitted for NaN, its sign not counted.
    constexpr std::uint64_t nan_code() const {
        if (nan == NanKind::neg_zero_code) return sign_code();
        if (nan == NanKind::ieee) return inf_code() | std::uint64_t{1} << (trailing_bits() - 1);
        return top_code();
    }
    // The value of a finite magnitude code.
    constexpr double magnitude(std::uint64_t code) const {
        const int t = trailing_bits();
        if (!has_zero) return detail::power_of_two(static_cast<int>(code) - bias);
        const std::uint64_t field = code >> t, rest = code & ((std::uint64_t{1} << t) - 1);
        if (field == 0) return static_cast<double>(rest) * detail::power_of_two(min_exponent - t);
        return static_cast<double>((std::uint64_t{1} << t) + rest) *
               detail::power_of_two(static_cast<int>(field) - bias - t);
    }

    static constexpr int default_bias = -(1 << 20);  // stands for 2^(exponent_bits - 1) - 1

    // What a coded float of the grammar may choose.
    struct Choices {
        int bias = default_bias;

        NanKind nan = NanKind::ieee;
        bool has_inf = true;
        bool is_signed = true;
        bool has_subnormal = true;
        bool has_neg_zero = true;
        bool has_zero = true;
        double max_finite = 0;  // 0: as large as the codes allow
    };

    static constexpr FloatFormat custom(int exponent_bits, int mantissa_bits, const Choices& choices) {
        if (exponent_bits < 1 || exponent_bits > 11)
            detail::refuse("FloatFormat::custom: exponent_bits must be in 1..11, got " +
                           std::to_string(exponent_bits));
        if (mantissa_bits < 0 || mantissa_bits > 52)
            detail::refuse("FloatFormat::custom: mantissa_bits must be in 0..52, got " +
                           std::to_string(mantissa_bits));
        const NanKind nan = choices.nan;
        if (nan == NanKind::ieee && (!choices.has_inf || mantissa_bits < 1 || exponent_bits < 2))
            detail::refuse("FloatFormat::custom: nan=ieee needs inf, 2 exponent bits and a mantissa bit");
        if ((nan == NanKind::neg_zero_code || nan == NanKind::outer) && !choices.is_signed)
            detail::refuse("FloatFormat::custom: nan=outer and nan=neg_zero_code need a sign bit");
        if (nan == NanKind::top_code && choices.is_signed)
            detail::refuse("FloatFormat::custom: nan=top_code needs an unsigned format; take nan=outer");
        FloatFormat f;
        f.bits = exponent_bits + mantissa_bits + (choices.is_signed ? 1 : 0);
        f.precision = mantissa_bits + 1;
        f.exponent_bits = exponent_bits;
        f.bias = choices.bias != default_bias ? choices.bias : (1 << (exponent_bits - 1)) - 1;
        f.is_signed = choices.is_signed;
        f.has_zero = choices.has_zero;
        f.has_subnormal = choices.has_subnormal && choices.has_zero && mantissa_bits > 0;
        f.has_neg_zero = choices.is_signed && choices.has_neg_zero && nan != NanKind::neg_zero_code;
        f.has_inf = choices.has_inf;
        f.nan = nan;
        f.min_exponent = f.has_zero ? 1 - f.bias : -f.bias;
        if (f.min_exponent < -1022 || f.bias < -960)
            detail::refuse("FloatFormat::custom: bias must be in -960..1023, got " + std::to_string(f.bias));
        const bool top_taken = nan == NanKind::outer || nan == NanKind::top_code;
        const std::uint64_t taken = (top_taken ? 1U : 0U) + (f.has_inf && nan != NanKind::ieee ? 1U : 0U);
        if (f.top_code() <= taken) detail::refuse("FloatFormat::custom: the format has no finite values");
        const std::uint64_t top = nan == NanKind::ieee ? f.inf_code() - 1 : f.top_code() - taken;
        f.max_exponent =
            std::max(static_cast<int>(top >> mantissa_bits) - f.bias, f.has_zero ? f.min_exponent : -f.bias);
        if (f.max_exponent > 1023)
            detail::refuse("FloatFormat::custom: the largest exponent must be at most 1023, got " +
                           std::to_string(f.max_exponent));
        f.max_finite = f.magnitude(top);
        f.limit(choices.max_finite);
        return f;
    }

    // Precision and exponent range, chosen independently; values only, with infinity and NaN.
    static constexpr FloatFormat range(int precision, int min_exponent, int max_exponent,
                                       bool has_subnormal = true, double max_finite = 0) {
        if (precision < 1 || precision > 53)
            detail::refuse("FloatFormat::range: precision must be in 1..53, got " +
                           std::to_string(precision));
        if (min_exponent > max_exponent)
            detail::refuse("FloatFormat::range: min_exponent must be at most max_exponent, got " +
                           std::to_string(min_exponent) + " and " + std::to_string(max_exponent));
        if (min_exponent < -1022 || max_exponent > 1023)
            detail::refuse("FloatFormat::range: exponents must be in -1022..1023, got " +
                           std::to_string(min_exponent) + " and " + std::to_string(max_exponent));
        FloatFormat f;
        f.precision = precision;
        f.min_exponent = min_exponent;
        f.max_exponent = max_exponent;
        f.has_subnormal = has_subnormal && precision > 1;
        f.max_finite = (2 - detail::power_of_two(1 - precision)) * detail::power_of_two(max_exponent);
        f.limit(max_finite);
        return f;
    }

    // Multiples of 2^-fraction_bits; integer_bits counts the sign bit.
    static constexpr FloatFormat fixed(int integer_bits, int fraction_bits, bool is_signed = true) {
        if (integer_bits < 0 || fraction_bits < 0 || integer_bits + fraction_bits < 1 ||
            integer_bits + fraction_bits > 32 || (is_signed && integer_bits < 1))
            detail::refuse("FloatFormat::fixed: bits must be 1..32 in all, a sign bit included, got " +
                           std::to_string(integer_bits) + " and " + std::to_string(fraction_bits));
        FloatFormat f;
        f.bits = integer_bits + fraction_bits;
        f.precision = f.bits + 1;
        f.min_exponent = f.max_exponent = integer_bits;
        f.is_signed = is_signed;
        f.has_neg_zero = f.has_inf = false;
        f.is_fixed = true;
        f.nan = NanKind::none;
        const double top = detail::power_of_two(integer_bits - (is_signed ? 1 : 0));
        f.max_finite = top - detail::power_of_two(-fraction_bits);
        f.min_finite = is_signed ? -top : 0;
        return f;
    }

    friend constexpr bool operator==(const FloatFormat& a, const FloatFormat& b) {
        return a.bits == b.bits && a.precision == b.precision && a.exponent_bits == b.exponent_bits &&
               a.bias == b.bias && a.min_exponent == b.min_exponent && a.max_exponent == b.max_exponent &&
               a.is_signed == b.is_signed && a.has_zero == b.has_zero && a.has_subnormal == b.has_subnormal &&
               a.has_neg_zero == b.has_neg_zero && a.has_inf == b.has_inf && a.is_fixed == b.is_fixed &&
               a.nan == b.nan && a.max_finite == b.max_finite && a.min_finite == b.min_finite;
    }
    friend constexpr bool operator!=(const FloatFormat& a, const FloatFormat& b) { return !(a == b); }

private:
    // Lowers max_finite to `limit`, which must be a value of the format; 0 keeps it.
    constexpr void limit(double largest) {
        if (largest != 0) {
            double significand = largest;
            int exponent = 0;
            const auto outside = [&] {
                detail::refuse("FloatFormat: max must be a positive normal value of the format, got " +
                               std::to_string(largest));
            };
            if (!(largest > 0 && largest <= max_finite)) outside();
            for (; significand >= 2; significand /= 2) ++exponent;
            for (; significand < 1; significand *= 2) --exponent;
            const double scaled = significand * detail::power_of_two(trailing_bits());
            if (exponent < min_exponent || scaled != static_cast<double>(static_cast<std::uint64_t>(scaled)))
                outside();
            max_finite = largest;
            max_exponent = exponent;
        }
        min_finite = is_signed ? -max_finite : 0;
    }
};

// A format of the IEEE P3109 family: `bits` 2..16, NaN at the code of -0 (signed) or on top (unsigned),
// infinities in the extended domain only.
constexpr FloatFormat p3109(int bits, int precision, bool is_signed, bool extended) {
    if (bits < 3 || bits > 16)
        detail::refuse("formats::p3109: bits must be in 3..16, got " + std::to_string(bits));
    if (precision < 1 || precision > bits - (is_signed ? 1 : 0))
        detail::refuse("formats::p3109: precision must be in 1.." +
                       std::to_string(bits - (is_signed ? 1 : 0)) + ", got " + std::to_string(precision));
    const int exponent_bits = bits - precision + (is_signed ? 0 : 1);
    if (exponent_bits < 1 || exponent_bits > 10)
        detail::refuse("formats::p3109: exponents of more than 10 bits leave float64, got bits=" +
                       std::to_string(bits) + ", precision=" + std::to_string(precision));
    FloatFormat::Choices choices;
    choices.bias = 1 << (exponent_bits - 1);
    choices.nan = is_signed ? NanKind::neg_zero_code : NanKind::top_code;
    choices.has_inf = extended;
    choices.is_signed = is_signed;
    return FloatFormat::custom(exponent_bits, precision - 1, choices);
}

struct NamedFormat {
    std::string_view name;
    FloatFormat format;
};

namespace detail {

constexpr FloatFormat with_nan(int exponent_bits, int mantissa_bits, int bias, NanKind nan,
                               bool is_signed = true, bool has_zero = true) {
    FloatFormat::Choices choices;
    choices.bias = bias;
    choices.nan = nan;
    choices.has_inf = nan == NanKind::ieee;
    choices.is_signed = is_signed;
    choices.has_zero = has_zero;
    return FloatFormat::custom(exponent_bits, mantissa_bits, choices);
}

}  // namespace detail

// Every format with a name of its own.
inline constexpr std::array<NamedFormat, 19> registry = {{
    {"float64", detail::with_nan(11, 52, 1023, NanKind::ieee)},
    {"float32", detail::with_nan(8, 23, 127, NanKind::ieee)},
    {"tf32", detail::with_nan(8, 10, 127, NanKind::ieee)},
    {"float16", detail::with_nan(5, 10, 15, NanKind::ieee)},
    {"bfloat16", detail::with_nan(8, 7, 127, NanKind::ieee)},
    {"float8_e5m2", detail::with_nan(5, 2, 15, NanKind::ieee)},
    {"float8_e4m3", detail::with_nan(4, 3, 7, NanKind::ieee)},
    {"float8_e3m4", detail::with_nan(3, 4, 3, NanKind::ieee)},
    {"float8_e4m3fn", detail::with_nan(4, 3, 7, NanKind::outer)},
    {"float8_e4m3fnuz", detail::with_nan(4, 3, 8, NanKind::neg_zero_code)},
    {"float8_e4m3b11fnuz", detail::with_nan(4, 3, 11, NanKind::neg_zero_code)},
    {"float8_e5m2fnuz", detail::with_nan(5, 2, 16, NanKind::neg_zero_code)},
    {"float8_e8m0fnu", detail::with_nan(8, 0, 127, NanKind::top_code, false, false)},
    {"float8_ue5m3", detail::with_nan(5, 3, 15, NanKind::ieee, false)},
    {"float8_ue5m3fn", detail::with_nan(5, 3, 15, NanKind::top_code, false)},
    {"float6_e3m2fn", detail::with_nan(3, 2, 3, NanKind::none)},
    {"float6_e2m3fn", detail::with_nan(2, 3, 1, NanKind::none)},
    {"float4_e2m1fn", detail::with_nan(2, 1, 1, NanKind::none)},
    {"mxint8", FloatFormat::fixed(2, 6)},
}};

inline constexpr std::array<std::pair<std::string_view, std::string_view>, 30> aliases = {{
    {"double", "float64"},
    {"fp64", "float64"},
    {"single", "float32"},
    {"fp32", "float32"},
    {"fp16", "float16"},
    {"half", "float16"},
    {"h", "float16"},
    {"binary16", "float16"},
    {"bf16", "bfloat16"},
    {"b", "bfloat16"},
    {"tfloat32", "tf32"},
    {"e5m2", "float8_e5m2"},
    {"q52", "float8_e5m2"},
    {"ocp_e5m2", "float8_e5m2"},
    {"fp8_e5m2", "float8_e5m2"},
    {"e4m3fn", "float8_e4m3fn"},
    {"ocp_e4m3", "float8_e4m3fn"},
    {"fp8_e4m3fn", "float8_e4m3fn"},
    {"e3m4", "float8_e3m4"},
    {"e4m3fnuz", "float8_e4m3fnuz"},
    {"e5m2fnuz", "float8_e5m2fnuz"},
    {"e8m0", "float8_e8m0fnu"},
    {"e8m0fnu", "float8_e8m0fnu"},
    {"ue5m3", "float8_ue5m3"},
    {"e3m2", "float6_e3m2fn"},
    {"e2m3", "float6_e2m3fn"},
    {"e2m1", "float4_e2m1fn"},
    {"e2m1fn", "float4_e2m1fn"},
    {"fp4", "float4_e2m1fn"},
    {"binary64", "float64"},
}};

namespace detail {

// Reads a name from left to right. (No std:: parser is constexpr in C++17.)
struct NameReader {
    std::string_view text;
    std::size_t at = 0;

    constexpr bool done() const { return at == text.size(); }
    constexpr bool take(std::string_view word) {
        if (text.substr(at, word.size()) != word) return false;
        at += word.size();
        return true;
    }
    constexpr bool digit() const { return at < text.size() && text[at] >= '0' && text[at] <= '9'; }
    constexpr bool integer(int& value) {
        const bool negative = take("-");
        if (!digit()) return false;
        value = 0;
        for (; digit(); ++at) {
            if (value > 99999) return false;
            value = 10 * value + (text[at] - '0');
        }
        if (negative) value = -value;
        return true;
    }
    // A decimal integer or fraction of at most 15 digits, exact where the fraction is dyadic.
    constexpr bool number(double& value) {
        std::uint64_t digits = 0, scale = 1;
        bool point = false, any = false;
        for (; digit() || (!point && at < text.size() && text[at] == '.'); ++at) {
            if (text[at] == '.') {
                point = true;
                continue;
            }
            if (digits > 99999999999999U) return false;
            digits = 10 * digits + static_cast<std::uint64_t>(text[at] - '0');
            if (point) scale *= 10;
            any = true;
        }
        value = static_cast<double>(digits) / static_cast<double>(scale);
        return any;
    }
    constexpr bool flag(bool& value) {
        int number = 0;
        if (!integer(number) || number < 0 || number > 1) return false;
        value = number == 1;
        return true;
    }
};

inline constexpr std::string_view nan_names[] = {"ieee", "outer", "neg_zero_code", "top_code", "none"};

// The arguments of float(...); false where the text is not of the grammar.
constexpr bool parse_float(NameReader& in, FloatFormat& format) {
    FloatFormat::Choices choices;
    int e = -1, m = -1, p = -1, emin = 1 << 20, emax = 1 << 20;
    bool coded_only = false;
    do {
        if (in.take("emin=")) {
            if (!in.integer(emin)) return false;
        } else if (in.take("emax=")) {
            if (!in.integer(emax)) return false;
        } else if (in.take("e=")) {
            if (!in.integer(e)) return false;
        } else if (in.take("max=")) {
            if (!in.number(choices.max_finite)) return false;
        } else if (in.take("m=")) {
            if (!in.integer(m)) return false;
        } else if (in.take("p=")) {
            if (!in.integer(p)) return false;
        } else if (in.take("subnormal=")) {
            if (!in.flag(choices.has_subnormal)) return false;
        } else {
            coded_only = true;
            if (in.take("bias=")) {
                if (!in.integer(choices.bias)) return false;
            } else if (in.take("inf=")) {
                if (!in.flag(choices.has_inf)) return false;
            } else if (in.take("signed=")) {
                if (!in.flag(choices.is_signed)) return false;
            } else if (in.take("neg_zero=")) {
                if (!in.flag(choices.has_neg_zero)) return false;
            } else if (in.take("nan=")) {
                int kind = 0;
                while (kind < 5 && !in.take(nan_names[kind])) ++kind;
                if (kind == 5) return false;
                choices.nan = static_cast<NanKind>(kind);
            } else {
                return false;
            }
        }
    } while (in.take(","));
    if (!in.take(")") || !in.done()) return false;
    if (e >= 0 && m >= 0 && p < 0 && emin == 1 << 20 && emax == 1 << 20) {
        format = FloatFormat::custom(e, m, choices);
        return true;
    }
    if (e >= 0 || m >= 0 || p < 0 || emin == 1 << 20 || emax == 1 << 20 || coded_only) return false;
    format = FloatFormat::range(p, emin, emax, choices.has_subnormal, choices.max_finite);
    return true;
}

constexpr bool parse(std::string_view name, FloatFormat& format) {
    for (const NamedFormat& known : registry) {
        if (known.name == name) {
            format = known.format;
            return true;
        }
    }
    for (const auto& alias : aliases) {
        if (alias.first == name) return parse(alias.second, format);
    }
    NameReader in{name};
    int first = 0, second = 0;
    if (in.take("float(")) return parse_float(in, format);
    if (in.take("binary")) {
        if (!in.integer(first) || !in.take("p") || !in.integer(second)) return false;
        const bool is_signed = in.take("s");
        if (!is_signed && !in.take("u")) return false;
        const bool extended = in.take("e");
        if ((!extended && !in.take("f")) || !in.done()) return false;
        format = p3109(first, second, is_signed, extended);
        return true;
    }
    const bool is_unsigned = in.take("u");
    if (in.take("int")) {
        if (!in.digit() || !in.integer(first) || !in.done()) return false;
        if (first < 1 || first > 16) return false;
        format = FloatFormat::fixed(first, 0, !is_unsigned);
        return true;
    }
    if (in.take("fixed(")) {
        if (!in.integer(first) || !in.take(",") || !in.integer(second) || !in.take(")") || !in.done())
            return false;
        format = FloatFormat::fixed(first, second, !is_unsigned);
        return true;
    }
    return false;
}

// Levenshtein distance: how far a name is from one that exists.
inline std::size_t edit_distance(std::string_view a, std::string_view b) {
    std::vector<std::size_t> row(b.size() + 1);
    for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
    for (std::size_t i = 1; i <= a.size(); ++i) {
        std::size_t diagonal = row[0];
        row[0] = i;
        for (std::size_t j = 1; j <= b.size(); ++j) {
            const std::size_t substituted = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
            diagonal = row[j];
            row[j] = std::min({row[j] + 1, row[j - 1] + 1, substituted});
        }
    }
    return row[b.size()];
}

[[noreturn]] inline void refuse_name(std::string_view name) {
    const std::string quoted = "'" + std::string(name) + "'";
    if (name == "q43" || name == "e4m3" || name == "fp8")
        throw ArgumentError("formats.get: name " + quoted +
                            " is ambiguous: choose float8_e4m3fn (OCP, largest 448), float8_e4m3 (IEEE-like, "
                            "largest 240) or float(e=4,m=3,nan=none,inf=0) (largest 480)");
    std::vector<std::pair<std::size_t, std::string_view>> near;
    for (const NamedFormat& known : registry) near.emplace_back(edit_distance(name, known.name), known.name);
    for (const auto& alias : aliases) near.emplace_back(edit_distance(name, alias.first), alias.first);
    std::sort(near.begin(), near.end());
    std::string message = "formats.get: name must be a known format or of the grammar, got " + quoted;
    message += "; nearest:";
    for (std::size_t i = 0; i < 3; ++i) message += (i ? ", " : " ") + std::string(near[i].second);
    throw ArgumentError(message);
}

}  // namespace detail

// The format of a name, alias or expression of the grammar above; spaces are not allowed. Throws
// ArgumentError with the nearest names. In a constant expression an unknown name does not compile.
constexpr FloatFormat get(std::string_view name) {
    FloatFormat format;
    if (!detail::parse(name, format)) detail::refuse_name(name);
    return format;
}

}  // namespace formats
}  // namespace FEWBITS_ISA
}  // namespace fewbits
