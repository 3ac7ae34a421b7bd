// Known answers of the parametric coder, to be asked for before files are written: a compiler that breaks the
// tables or the arithmetic must not go unnoticed.
//
// self_test() checks the three tables and codes eight symbols of a mixture, a Laplace and a logistic model;
// the answers are those of the format's reference values (docs/format.md). About 20 us. Throws Error.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "fewbits/coding/integer_cdf.hpp"
#include "fewbits/coding/mixture.hpp"
#include "fewbits/coding/rans64.hpp"
#include "fewbits/core/isa.hpp"
#include "fewbits/core/span.hpp"

namespace fewbits {
inline namespace FEWBITS_ISA {
namespace coding {

inline void self_test() {
    const auto require = [](bool good, const char* what) {
        if (!good) {
            throw Error(std::string("coding.self_test: ") + what +
                        " differs from its known answer: this build must not code data");
        }
    };
    constexpr std::uint64_t hashes[3] = {0x043aa9d1052f5a87U, 0x1b8ac06580633987U, 0x666251e710051375U};
    for (std::size_t family = 0; family < 3; ++family) {
        std::uint64_t hash = 0xcbf29ce484222325U;  // FNV-1a over words
        for (const std::uint32_t value : detail::cdf_tables[family].value)
            hash = (hash ^ value) * 0x100000001b3U;
        require(hash == hashes[family], "a table");
    }
    static constexpr float weights[] = {0.6F, 0.3F, 0.1F}, means[] = {0.25F, -3.5F, 7.0F},
                           scales[] = {0.5F, 2.0F, 10.0F}, scale = 1.5F;
    static constexpr std::int32_t symbols[] = {0, -4, 12, 1, 0, -20, 20, 0};
    static constexpr std::uint8_t mixture[] = {0x30, 0x99, 0x62, 0x7f, 0x0b, 0, 0, 0, 0x67, 0x76, 0xf8, 0x5b};
    static constexpr std::uint8_t laplace[] = {0x7e, 0x29, 0x6e, 0xc1, 0x01, 0,    0,    0,
                                               0x11, 0xa7, 0x05, 0x4b, 0xf3, 0xff, 0xff, 0x44};
    static constexpr std::uint8_t logistic[] = {0x2e, 0x0f, 0x83, 0xc4, 0,    0,    0,    0,
                                                0x82, 0x83, 0x0f, 0x1e, 0xed, 0xff, 0xff, 0x09};
    const Support support{-20, 41, 0};
    const auto check = [&](MixtureView view, ByteSpan expected, const char* what) {
        view.n = 8;
        view.stride_n = 0;
        view.stride_k = 1;
        detail::MixtureIntervals intervals("self_test", view, support, symbols, 0);
        intervals.compute(0, 8);
        Rans64BlockEncoder<1, cdf_precision> encoder(8);
        encoder.push(0, 8, intervals.starts, intervals.frequencies);
        Bytes data;
        encoder.append_to(data);
        require(data == Bytes(expected.begin(), expected.end()), what);
        BlockView block;
        block.payload = data;
        std::int32_t back[8];
        detail::decode_mixture_payload<1>(block, view, support, 0, Span<std::int32_t>(back));
        for (std::size_t i = 0; i < 8; ++i) require(back[i] == symbols[i], what);
    };
    MixtureView view;
    view.weights = weights;
    view.means = means;
    view.scales = scales;
    view.k = 3;
    check(view, mixture, "a stream of a mixture");
    view.weights = nullptr;
    view.scales = &scale;
    view.k = 1;
    view.family = Family::laplace;
    check(view, laplace, "a stream of a Laplace model");
    view.family = Family::logistic;
    check(view, logistic, "a stream of a logistic model");
}

}  // namespace coding
}  // namespace FEWBITS_ISA
}  // namespace fewbits
