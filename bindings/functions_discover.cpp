// Straight-line programs: values, fits of many programs at once, float32 errors and tuning; B-splines.
#include "fewbits/functions/discover.hpp"

#include "fewbits/functions/bspline.hpp"
#include "functions.hpp"

namespace fn = fewbits::functions;
using fewbits::Span;
using Reals = Array1<const double>;
using Codes = Array1<const std::int32_t>;

namespace {

// Instructions as rows (operation, a, b, c).
fn::Program program_of(const std::int32_t* code, std::size_t rows, std::size_t constants) {
    fn::Program program;
    program.constants = constants;
    for (std::size_t i = 0; i < rows; ++i, code += 4) {
        FEWBITS_REQUIRE(code[0] >= 0 && code[0] <= static_cast<std::int32_t>(fn::Operation::max),
                        "discover: unknown operation");
        program.code.push_back({static_cast<fn::Operation>(code[0]), code[1], code[2], code[3]});
    }
    program.check();
    return program;
}
fn::Program program_of(const Codes& code, std::size_t constants) {
    FEWBITS_REQUIRE(code.size() % 4 == 0 && code.size() > 0, "discover: code must have rows of four numbers");
    return program_of(code.data(), code.size() / 4, constants);
}

template <class T>
void bind_evaluate(nb::module_& m) {
    m.def(
        "program_evaluate",
        [](Codes code, Array1<const T> constants, Array1<const T> x, Array1<T> out) {
            const fewbits::FloatEnvironment standard;
            fn::evaluate(program_of(code, constants.size()), span(constants), span(x), span(out));
        },
        "code"_a.noconvert(), "constants"_a.noconvert(), "x"_a.noconvert(), "out"_a.noconvert(),
        nb::call_guard<nb::gil_scoped_release>());
}

template <class T>
void bind_bspline(nb::module_& m) {
    m.def(
        "bspline_basis",
        [](Array1<const T> x, Reals knots, std::size_t degree, bool derivative, Array1<T> out) {
            const fewbits::FloatEnvironment standard;
            fn::bspline_basis(span(x), span(knots), degree, derivative, span(out));
        },
        "x"_a.noconvert(), "knots"_a.noconvert(), "degree"_a, "derivative"_a, "out"_a.noconvert(),
        nb::call_guard<nb::gil_scoped_release>());
}

// Program p has the instructions code_ends[p - 1] .. code_ends[p] of `code`, and likewise constants and
// starts.
void fit_programs(Codes code, Codes code_ends, Codes constant_ends, Reals starts, Codes start_ends, Reals x,
                  Reals weight, Reals target, Reals check_x, Reals check_weight, Reals check_target,
                  int iterations, int threads, Array1<double> constants, Array1<double> errors) {
    const fewbits::FloatEnvironment standard;
    const std::size_t count = code_ends.size();
    FEWBITS_REQUIRE(constant_ends.size() == count && start_ends.size() == count && errors.size() == count,
                    "discover: one end for each program");
    const auto range = [](const Codes& ends, std::size_t p, std::size_t size) {
        const std::int32_t begin = p == 0 ? 0 : ends.data()[p - 1], end = ends.data()[p];
        FEWBITS_REQUIRE(begin >= 0 && begin <= end && static_cast<std::size_t>(end) <= size,
                        "discover: ends must not decrease, nor leave their array");
        return std::pair<std::size_t, std::size_t>(static_cast<std::size_t>(begin),
                                                   static_cast<std::size_t>(end - begin));
    };
    fewbits::parallel_for(count, 1, threads, [&](std::size_t p, std::size_t) {
        const auto rows = range(code_ends, p, code.size() / 4);
        const auto own = range(constant_ends, p, constants.size());
        const auto given = range(start_ends, p, starts.size());
        const fn::Program program = program_of(code.data() + 4 * rows.first, rows.second, own.second);
        errors.data()[p] =
            fn::fit_program(program, span(starts).subspan(given.first, given.second), span(x), span(weight),
                            span(target), span(check_x), span(check_weight), span(check_target), iterations,
                            span(constants).subspan(own.first, own.second));
    });
}

}  // namespace

void register_functions_discover(nb::module_& m) {
    bind_evaluate<float>(m);
    bind_evaluate<double>(m);
    m.def("fit_programs", &fit_programs, "code"_a.noconvert(), "code_ends"_a.noconvert(),
          "constant_ends"_a.noconvert(), "starts"_a.noconvert(), "start_ends"_a.noconvert(),
          "x"_a.noconvert(), "weight"_a.noconvert(), "target"_a.noconvert(), "check_x"_a.noconvert(),
          "check_weight"_a.noconvert(), "check_target"_a.noconvert(), "iterations"_a, "threads"_a,
          "constants"_a.noconvert(), "errors"_a.noconvert(), nb::call_guard<nb::gil_scoped_release>());
    m.def(
        "worst_ulps",
        [](Codes code, Array1<const float> constants, Array1<const float> x, Reals reference) {
            const fewbits::FloatEnvironment standard;
            std::size_t where = 0;
            const double worst = fn::worst_ulps(program_of(code, constants.size()), span(constants), span(x),
                                                span(reference), where);
            return nb::make_tuple(worst, where);
        },
        "code"_a.noconvert(), "constants"_a.noconvert(), "x"_a.noconvert(), "reference"_a.noconvert());
    m.def(
        "tune_float32",
        [](Codes code, Array1<float> constants, Array1<const float> x, Reals reference, int radius,
           std::size_t tries, std::uint64_t seed) {
            const fewbits::FloatEnvironment standard;
            return fn::tune_float32(program_of(code, constants.size()), span(constants), span(x),
                                    span(reference), radius, tries, seed);
        },
        "code"_a.noconvert(), "constants"_a.noconvert(), "x"_a.noconvert(), "reference"_a.noconvert(),
        "radius"_a, "tries"_a, "seed"_a, nb::call_guard<nb::gil_scoped_release>());
}

void register_functions_bspline(nb::module_& m) {
    bind_bspline<float>(m);
    bind_bspline<double>(m);
}
