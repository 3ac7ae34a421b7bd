#include "fewbits/formats/emulated_factor.hpp"

#include <vector>

#include "check.hpp"
#include "fewbits/formats/codes.hpp"
#include "formats_operands.hpp"

using namespace fewbits;
using namespace fewbits::formats;

namespace {

Arithmetic<double> arithmetic_of(const char* name, Rounding rounding = Rounding::nearest_even,
                                 Accumulate accumulate = Accumulate::per_op) {
    Context context;
    context.format = get(std::string(name));
    context.options.rounding = rounding;
    context.options.seed = fewbits::formats::detail::rounds_randomly(rounding) ? 5 : 0;
    context.accumulate = accumulate;
    return Arithmetic<double>(context);
}

std::vector<double> hilbert(const Arithmetic<double>& arithmetic, double shift = 0) {
    std::vector<double> a(16);
    for (std::size_t i = 0; i < 4; ++i) {
        for (std::size_t j = 0; j < 4; ++j) {
            a[4 * i + j] = arithmetic.round(1.0 / static_cast<double>(i + j + 1), 0);
            if (i == j) a[4 * i + j] = arithmetic.add(a[4 * i + j], shift, 0);
        }
    }
    return a;
}

void check_codes(const std::vector<double>& values, const char* name, const std::uint16_t (&expected)[16]) {
    std::vector<std::uint16_t> codes(values.size());
    encode(Span<const double>(values), get(std::string(name)), RoundOptions{}, Span<std::uint16_t>(codes));
    for (std::size_t i = 0; i < 16; ++i) CHECK_EQUAL(codes[i], expected[i]);
}

}  // namespace

TEST(lu_of_the_hilbert_matrix) {
    std::int64_t permutation[4];
    std::vector<double> a = hilbert(arithmetic_of("float16"));
    CHECK_EQUAL(lu(arithmetic_of("float16"), 4, Span<double>(a), Span<std::int64_t>(permutation)), 4U);
    CHECK(permutation[0] == 0 && permutation[1] == 2 && permutation[2] == 1 && permutation[3] == 3);
    check_codes(a, "float16",
                {0x3c00, 0x3800, 0x3555, 0x3400, 0x3555, 0x2d56, 0x2db0, 0x2d55, 0x3800, 0x3bfd, 0x9d80,
                 0xa038, 0x3400, 0x3b31, 0xb917, 0x0a40});
    a = hilbert(arithmetic_of("bfloat16"));
    CHECK_EQUAL(lu(arithmetic_of("bfloat16"), 4, Span<double>(a), Span<std::int64_t>(permutation)), 4U);
    CHECK(permutation[0] == 0 && permutation[1] == 1 && permutation[2] == 3 && permutation[3] == 2);
    check_codes(a, "bfloat16",
                {0x3f80, 0x3f00, 0x3eab, 0x3e80, 0x3f00, 0x3dac, 0x3daa, 0x3d9a, 0x3e80, 0x3f65, 0x3c18,
                 0x3c50, 0x3eab, 0x3f7d, 0x3f3d, 0xb900});
}

TEST(cholesky_of_the_hilbert_matrix) {
    std::vector<double> a = hilbert(arithmetic_of("float16"), 0.125);
    CHECK_EQUAL(cholesky(arithmetic_of("float16"), 4, Span<double>(a)), 4U);
    check_codes(
        a, "float16",
        {0x3c3e, 0, 0, 0, 0x378b, 0x37c6, 0, 0, 0x3507, 0x32b7, 0x36d4, 0, 0x338b, 0x31d9, 0x3011, 0x3675});
}

// Against the plain loops, in every way of rounding.
TEST(lu_is_its_loops) {
    const std::size_t n = 19;
    for (const Rounding rounding :
         {Rounding::nearest_even, Rounding::toward_negative, Rounding::to_odd, Rounding::stochastic}) {
        for (const Accumulate accumulate : {Accumulate::per_op, Accumulate::fma, Accumulate::exact}) {
            const Arithmetic<double> f = arithmetic_of("bfloat16", rounding, accumulate);
            std::vector<double> a = tame<double>(f.format(), n * n, 1), b = a;
            std::vector<std::int64_t> permutation(n);
            lu(f, n, Span<double>(a), Span<std::int64_t>(permutation));
            const std::uint64_t draws = accumulate == Accumulate::per_op ? 2 : 1;
            for (std::size_t k = 0; k < n; ++k) {
                std::size_t pivot = k;
                for (std::size_t i = k; i < n; ++i)
                    if (std::fabs(b[i * n + k]) > std::fabs(b[pivot * n + k])) pivot = i;
                for (std::size_t j = 0; j < n; ++j) std::swap(b[k * n + j], b[pivot * n + j]);
                for (std::size_t i = k + 1; i < n; ++i) {
                    b[i * n + k] = f.with_stream(i * n + k).divide(b[i * n + k], b[k * n + k], k * draws);
                    for (std::size_t j = k + 1; j < n; ++j) {
                        const Arithmetic<double> own = f.with_stream(i * n + j);
                        double& x = b[i * n + j];
                        if (accumulate == Accumulate::per_op)
                            x = own.subtract(x, own.multiply(b[i * n + k], b[k * n + j], 2 * k), 2 * k + 1);
                        else
                            x = own.fma(-b[i * n + k], b[k * n + j], x, k);
                    }
                }
            }
            for (std::size_t i = 0; i < n * n; ++i) CHECK_BITS(a[i], b[i]);
        }
    }
}

TEST(failures_are_told) {
    std::vector<double> ones(9, 1.0);
    std::vector<std::int64_t> permutation(3);
    CHECK_EQUAL(lu(arithmetic_of("float16"), 3, Span<double>(ones), Span<std::int64_t>(permutation)), 1U);
    std::vector<double> indefinite = {1, 2, 2, 1};
    CHECK_EQUAL(cholesky(arithmetic_of("float16"), 2, Span<double>(indefinite)), 1U);
    CHECK_THROWS(cholesky(arithmetic_of("float16"), 3, Span<double>(indefinite)), ArgumentError);
}

TEST(qr_reproduces_the_matrix) {
    const std::size_t m = 9, n = 6;
    for (const QrMethod method : {QrMethod::householder, QrMethod::givens}) {
        for (const Rounding rounding : {Rounding::nearest_even, Rounding::stochastic}) {
            const Arithmetic<double> f = arithmetic_of("float16", rounding);
            const std::vector<double> a = tame<double>(f.format(), m * n, 2);
            std::vector<double> q(m * m), r(m * n);
            qr(f, method, m, n, Span<const double>(a), Span<double>(q), Span<double>(r));
            for (std::size_t i = 0; i < m; ++i) {
                for (std::size_t j = 0; j < n; ++j) {
                    double sum = 0;
                    for (std::size_t k = 0; k < m; ++k) sum += q[i * m + k] * r[k * n + j];
                    CHECK(std::fabs(sum - a[i * n + j]) < 0.05);
                    if (i > j) CHECK_EQUAL(r[i * n + j], 0.0);
                }
            }
        }
    }
}
