// Multi-component floats: numbers held as unevaluated sums of a few values of a low format, with operations
// of that format alone, rounded to nearest even.
//
//   renormalise  passes of two_sum, bottom up: components separated (zeros may stand between), largest first
//   grow         plus a value of the format
//   add, scale, multiply, divide
// Length 2, with (x, y) and (a, b):
//   Grow(a):  (u, v) = Fast2Sum(x, a), Fast2Sum(u, v + y)      |x| >= |a|; safe: two_sum in place of the
//   first Scale(c): (p, e) = TwoProd(x, c),  Fast2Sum(p, e + y c) Mul:      (p, e) = TwoProd(x, a),
//   Fast2Sum(p, e + (x b + y a)) Add:      (s, e) = TwoSum(x, a),   Fast2Sum(s, e + (y + b))
// Other lengths: sums with errors through all components, then renormalise; products grow by each TwoProd of
// components whose indices add up to less than the length; quotients digit by digit (long division).
//
// The transformations are exact in the format but where the error of a product underflows; fma has one
// rounding. Arrays are taken in pieces of 256, with the vector kernels of arithmetic.hpp.
// Contract: the same bits on every machine.
// Sources: T. Yu et al., "Collage: Light-Weight Low-Precision Strategy for LLM Training", arXiv:2405.03637;
// T. Yu et al., "MCTensor", arXiv:2207.08867; D. Priest, "Algorithms for arbitrary precision floating point
// arithmetic", ARITH 10 (1991).
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <string>
#include <vector>

#include "fewbits/core/error.hpp"
#include "fewbits/core/isa.hpp"
#include "fewbits/core/span.hpp"
#include "fewbits/formats/arithmetic.hpp"
#include "fewbits/formats/rounding_options.hpp"

namespace fewbits {
inline namespace FEWBITS_ISA {
namespace formats {

inline constexpr std::size_t most_components = 16;
enum class ExpansionOperation { grow, grow_safe, scale, add, multiply, divide, renormalise };
inline constexpr const char* expansion_operation_names[] = {"grow",     "grow_safe", "scale",      "add",
                                                            "multiply", "divide",    "renormalise"};

namespace detail {

inline constexpr std::size_t expansion_piece = 256;

template <class T>
using Piece = std::array<T, expansion_piece>;
template <class T>
using Pieces = std::vector<Piece<T>>;

// Operations of the format on the first `count` elements of pieces.
template <class T>
class PieceArithmetic {
public:
    PieceArithmetic(const Arithmetic<T>& arithmetic, std::size_t count)
        : arithmetic_(arithmetic), count_(count) {}

    Piece<T> load(const T* x) const {
        Piece<T> result = {};
        std::copy_n(x, count_, result.data());
        return result;
    }
    void store(const Piece<T>& x, T* out) const { std::copy_n(x.data(), count_, out); }
    // A value of the format for all.
    Piece<T> all(T value) const {
        Piece<T> result;
        result.fill(value);
        return result;
    }
    Piece<T> add(const Piece<T>& a, const Piece<T>& b) const { return by(Operation::add, a, b); }
    Piece<T> subtract(const Piece<T>& a, const Piece<T>& b) const { return by(Operation::subtract, a, b); }
    Piece<T> multiply(const Piece<T>& a, const Piece<T>& b) const { return by(Operation::multiply, a, b); }
    Piece<T> divide(const Piece<T>& a, const Piece<T>& b) const { return by(Operation::divide, a, b); }
    Piece<T> sqrt(const Piece<T>& a) const {
        Piece<T> out = {};
        arithmetic_.sqrt(view(a), Span<T>(out.data(), count_));
        return out;
    }
    Piece<T> negate(Piece<T> a) const {
        for (T& x : a) x = -x;
        return a;
    }

    struct Two {
        Piece<T> value, error;
    };
    Two two_sum(const Piece<T>& a, const Piece<T>& b) const {
        const Piece<T> total = add(a, b), part = subtract(total, a);
        return {total, add(subtract(a, subtract(total, part)), subtract(b, part))};
    }
    Two fast_two_sum(const Piece<T>& a, const Piece<T>& b) const {
        const Piece<T> total = add(a, b);
        return {total, subtract(b, subtract(total, a))};
    }
    Two two_prod(const Piece<T>& a, const Piece<T>& b) const {
        Two result{multiply(a, b), {}};
        const Piece<T> minus = negate(result.value);
        arithmetic_.fma(view(a), view(b), view(minus), Span<T>(result.error.data(), count_));
        return result;
    }

    // ---- expansions; the length is that of x ----
    Pieces<T> join(Pieces<T> terms, std::size_t length) const {
        // Two passes do up to three components; four in e5m2 were seen to need as many as there are.
        const std::size_t passes = length <= 3 ? 2 : length;
        for (std::size_t pass = 0; pass < passes; ++pass) {
            for (std::size_t i = terms.size() - 1; i-- > 0;) {
                const Two sum = two_sum(terms[i], terms[i + 1]);
                terms[i] = sum.value;
                terms[i + 1] = sum.error;
            }
        }
        terms.resize(length);
        return terms;
    }
    Pieces<T> grow(const Pieces<T>& x, const Piece<T>& a, bool safe) const {
        if (x.size() == 2) {
            const Two first = safe ? two_sum(x[0], a) : fast_two_sum(x[0], a);
            return pair(fast_two_sum(first.value, add(first.error, x[1])));
        }
        Pieces<T> parts;
        Piece<T> carried = a;
        for (const Piece<T>& part : x) {
            const Two sum = two_sum(part, carried);
            parts.push_back(sum.value);
            carried = sum.error;
        }
        parts.push_back(carried);
        return join(std::move(parts), x.size());
    }
    Pieces<T> scale(const Pieces<T>& x, const Piece<T>& c) const {
        if (x.size() == 2) {
            const Two product = two_prod(x[0], c);
            return pair(fast_two_sum(product.value, add(product.error, multiply(x[1], c))));
        }
        Pieces<T> result(x.size(), Piece<T>{});
        for (const Piece<T>& part : x) result = grow_by(result, two_prod(part, c));
        return result;
    }
    Pieces<T> add(const Pieces<T>& x, const Pieces<T>& y) const {
        if (x.size() == 2) {
            const Two sum = two_sum(x[0], y[0]);
            return pair(fast_two_sum(sum.value, add(sum.error, add(x[1], y[1]))));
        }
        Pieces<T> result = x;
        for (const Piece<T>& part : y) result = grow(result, part, true);
        return result;
    }
    Pieces<T> multiply(const Pieces<T>& x, const Pieces<T>& y) const {
        if (x.size() == 2) {
            const Two product = two_prod(x[0], y[0]);
            const Piece<T> cross = add(multiply(x[0], y[1]), multiply(x[1], y[0]));
            return pair(fast_two_sum(product.value, add(product.error, cross)));
        }
        Pieces<T> result(x.size(), Piece<T>{});
        for (std::size_t i = 0; i < x.size(); ++i)
            for (std::size_t j = 0; i + j < x.size(); ++j) result = grow_by(result, two_prod(x[i], y[j]));
        return result;
    }
    Pieces<T> divide(const Pieces<T>& x, const Pieces<T>& y) const {
        Pieces<T> rest = x, digits;
        for (std::size_t i = 0; i < x.size(); ++i) {
            digits.push_back(divide(rest[0], y[0]));
            Pieces<T> product = scale(y, digits.back());
            for (Piece<T>& part : product) part = negate(part);
            rest = add(rest, product);
        }
        return join(std::move(digits), x.size());
    }

private:
    Span<const T> view(const Piece<T>& a) const { return {a.data(), count_}; }
    Piece<T> by(Operation operation, const Piece<T>& a, const Piece<T>& b) const {
        Piece<T> out = {};
        arithmetic_.operation(operation, view(a), view(b), Span<T>(out.data(), count_));
        return out;
    }
    static Pieces<T> pair(const Two& x) { return {x.value, x.error}; }
    Pieces<T> grow_by(const Pieces<T>& x, const Two& term) const {
        return grow(grow(x, term.value, true), term.error, true);
    }

    const Arithmetic<T>& arithmetic_;
    std::size_t count_;
};

}  // namespace detail

// Whether a context will do for expansions.
inline void require_expansion(const Context& context, std::size_t length) {
    const FloatFormat& f = context.format;
    FEWBITS_REQUIRE(
        context.options.rounding == Rounding::nearest_even && f.is_signed && !f.is_fixed && f.precision >= 3,
        "formats.Expansion: format must be a signed float of at least 3 bits of precision, "
        "rounded to nearest even");
    FEWBITS_REQUIRE(length >= 1 && length <= most_components,
                    "formats.Expansion: length must be in 1..16, got " + std::to_string(length));
}

// One operation on arrays of expansions, held component by component: x and out have `length` rows of n
// values of the format. y has as many (add, multiply, divide), one (grow, scale) or none (renormalise).
template <class T>
void expansion_operation(const Context& context, ExpansionOperation operation, std::size_t length,
                         std::size_t n, Span<const T> x, Span<const T> y, Span<T> out) {
    require_expansion(context, length);
    const bool single = operation == ExpansionOperation::grow || operation == ExpansionOperation::grow_safe ||
                        operation == ExpansionOperation::scale;
    const std::size_t rows = operation == ExpansionOperation::renormalise ? 0 : single ? 1 : length;
    FEWBITS_REQUIRE(x.size() == length * n && y.size() == rows * n && out.size() == length * n,
                    "formats.Expansion: operands and out must have their numbers of components");
    const Arithmetic<T> arithmetic(context, "formats.Expansion");
    for (std::size_t begin = 0; begin < n; begin += detail::expansion_piece) {
        const std::size_t count = std::min(detail::expansion_piece, n - begin);
        const detail::PieceArithmetic<T> f(arithmetic, count);
        detail::Pieces<T> a, b;
        for (std::size_t i = 0; i < length; ++i) a.push_back(f.load(x.data() + i * n + begin));
        for (std::size_t i = 0; i < rows; ++i) b.push_back(f.load(y.data() + i * n + begin));
        switch (operation) {
            case ExpansionOperation::grow:
            case ExpansionOperation::grow_safe:
                a = f.grow(a, b[0], operation == ExpansionOperation::grow_safe);
                break;
            case ExpansionOperation::scale:
                a = f.scale(a, b[0]);
                break;
            case ExpansionOperation::add:
                a = f.add(a, b);
                break;
            case ExpansionOperation::multiply:
                a = f.multiply(a, b);
                break;
            case ExpansionOperation::divide:
                a = f.divide(a, b);
                break;
            default:
                a = f.join(std::move(a), length);
        }
        for (std::size_t i = 0; i < length; ++i) f.store(a[i], out.data() + i * n + begin);
    }
}

}  // namespace formats
}  // namespace FEWBITS_ISA
}  // namespace fewbits
