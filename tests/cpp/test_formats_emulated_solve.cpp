#include "fewbits/formats/emulated_solve.hpp"

#include <vector>

#include "check.hpp"
#include "formats_operands.hpp"

using namespace fewbits;
using namespace fewbits::formats;

namespace {

Arithmetic<double> arithmetic_of(const char* name, Rounding rounding = Rounding::nearest_even) {
    Context context;
    context.format = get(std::string(name));
    context.options.rounding = rounding;
    context.options.seed = fewbits::formats::detail::rounds_randomly(rounding) ? 5 : 0;
    return Arithmetic<double>(context);
}

struct System {
    std::size_t n;
    std::vector<double> a, b;
};

// Symmetric, diagonally dominant; the solution is about 1.
System dominant(const Arithmetic<double>& f, std::size_t n) {
    System s{n, tame<double>(f.format(), n * n, 1), std::vector<double>(n)};
    for (std::size_t i = 0; i < n; ++i) {
        for (std::size_t j = 0; j < i; ++j) s.a[i * n + j] = s.a[j * n + i] = s.a[i * n + j] / 8;
        s.a[i * n + i] = 3;
    }
    for (std::size_t i = 0; i < n * n; ++i) s.a[i] = f.round(s.a[i], 0);
    for (std::size_t i = 0; i < n; ++i) {
        for (std::size_t j = 0; j < n; ++j) s.b[i] += s.a[i * n + j];
        s.b[i] = f.round(s.b[i], 0);
    }
    return s;
}

}  // namespace

TEST(solvers_reach_the_accuracy_of_the_format) {
    for (const char* name : {"bfloat16", "float16", "tf32", "float32", "float64"}) {
        const Arithmetic<double> f = arithmetic_of(name);
        const double unit = std::ldexp(1.0, -f.format().precision);
        const System s = dominant(f, 24);
        std::vector<double> x(s.n), y(s.n);
        const SolveReport first =
            cg(f, s.n, Span<const double>(s.a), Span<const double>(s.b), Span<double>(x), 4 * unit, 200);
        CHECK(first.converged && first.backward_error <= 30 * unit);
        CHECK_EQUAL(first.errors.size(), first.iterations);
        const SolveReport second = gmres(f, s.n, Span<const double>(s.a), Span<const double>(s.b),
                                         Span<double>(y), 4 * unit, 10, 200);
        CHECK(second.converged && second.backward_error <= 30 * unit);
        for (const double value : y) CHECK_BITS(f.round(value, 0), value);
    }
}

TEST(refinement_reaches_the_accuracy_of_the_residual) {
    const Arithmetic<double> twice = arithmetic_of("float64");
    const System s = dominant(twice, 24);
    for (const char* name : {"float8_e4m3fn", "bfloat16", "float16"}) {
        for (const bool use_gmres : {false, true}) {
            for (const bool scaling : {false, true}) {
                RefineOptions options;
                options.use_gmres = use_gmres;
                options.scaling = scaling;
                std::vector<double> x(s.n);
                const SolveReport report =
                    refine(arithmetic_of(name), twice, twice, s.n, Span<const double>(s.a),
                           Span<const double>(s.b), Span<double>(x), options);
                CHECK(report.converged && report.backward_error <= 5e-16);
                CHECK_EQUAL(report.errors.size(), report.iterations + 1);
                for (const double value : x) CHECK(std::fabs(value - 1) < 1e-13);
            }
        }
    }
}

TEST(random_rounding_repeats) {
    const Arithmetic<double> f = arithmetic_of("bfloat16", Rounding::stochastic);
    const System s = dominant(f, 8);
    std::vector<double> x(s.n), y(s.n);
    cg(f, s.n, Span<const double>(s.a), Span<const double>(s.b), Span<double>(x), 1e-2, 20);
    cg(f, s.n, Span<const double>(s.a), Span<const double>(s.b), Span<double>(y), 1e-2, 20);
    for (std::size_t i = 0; i < s.n; ++i) CHECK_BITS(x[i], y[i]);
}

TEST(hopeless_systems_end) {
    const Arithmetic<double> f = arithmetic_of("float16");
    const std::vector<double> a = {1, 0, 0, -1}, b = {1, 1};
    std::vector<double> x(2);
    CHECK(!cg(f, 2, Span<const double>(a), Span<const double>(b), Span<double>(x), 1e-3, 50).converged);
    const std::vector<double> zero(4, 0.0);
    std::vector<double> y(2);
    CHECK(!gmres(f, 2, Span<const double>(zero), Span<const double>(b), Span<double>(y), 1e-3, 2, 50)
               .converged);
    CHECK(
        !refine(f, f, f, 2, Span<const double>(zero), Span<const double>(b), Span<double>(x), {}).converged);
    std::vector<double> none;
    CHECK(
        cg(f, 0, Span<const double>(none), Span<const double>(none), Span<double>(none), 1e-3, 5).converged);
    CHECK_THROWS(cg(f, 2, Span<const double>(b), Span<const double>(b), Span<double>(x), 1e-3, 5),
                 ArgumentError);
}
