// The trellises of trellis-coded quantisation: which codes a quantiser may use after those before.
//
// A code n is in subset n mod 4: z0 = n & 1 and z1 = (n >> 1) & 1. In state s only codes with z0 = s & 1 are
// allowed; z1 is free. The next state, with H0 and H1 from the parity check polynomials h0 and h1:
//   next = (s >> 1) ^ (z0 ? H0 : 0) ^ (z1 ? H1 : 0),   H = h >> 1
// Sequences start in state 0. Shared by the quantiser, which searches paths, and the coder, which follows
// one. Contract: exact. Source: G. Ungerboeck, IEEE Trans. Information Theory 28 (1982), tables of rate 1/2
// codes; M. Marcellin, T. Fischer, IEEE Trans. Communications 38 (1990).
#pragma once

#include <array>
#include <cstdint>
#include <string>

#include "fewbits/core/error.hpp"
#include "fewbits/core/isa.hpp"

namespace fewbits {
inline namespace FEWBITS_ISA {

class Trellis {
public:
    static constexpr unsigned min_states = 4, max_states = 256;
    static constexpr bool exists(unsigned states) {
        return states >= min_states && states <= max_states && (states & (states - 1)) == 0;
    }

    // States: 4, 8, ..., 256.
    explicit Trellis(unsigned states) : states_(states) {
        FEWBITS_REQUIRE(exists(states),
                        "Trellis: states must be a power of two in 4..256, got " + std::to_string(states));
        constexpr std::array<std::array<std::uint32_t, 2>, 7> polynomials = {
            {{05, 02}, {013, 04}, {023, 04}, {045, 010}, {0103, 024}, {0235, 0126}, {0515, 0362}}};
        unsigned row = 0;
        while (min_states << row < states) ++row;
        h0_ = polynomials[row][0] >> 1;
        h1_ = polynomials[row][1] >> 1;
    }

    unsigned states() const { return states_; }
    std::uint32_t h0() const { return h0_; }
    std::uint32_t h1() const { return h1_; }
    static FEWBITS_INLINE std::uint32_t parity(std::uint32_t state) { return state & 1U; }
    FEWBITS_INLINE std::uint32_t next(std::uint32_t state, std::uint32_t z1) const {
        return (state >> 1) ^ ((0U - (state & 1U)) & h0_) ^ ((0U - z1) & h1_);
    }

private:
    unsigned states_;
    std::uint32_t h0_, h1_;
};

}  // namespace FEWBITS_ISA
}  // namespace fewbits
