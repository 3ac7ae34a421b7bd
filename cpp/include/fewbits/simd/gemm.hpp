// The register-blocked loop of every matrix product: C += A B, summed over k in index order for each element.
//
//   gemm_tile   a tile of C in registers: rows x vectors of V, all of k
//   gemm        the whole product by tiles, columns of B packed into panels
//
// What one multiply-add is, the caller says with a Step: c = step(a, b, c) on vectors, step.good(c) after a
// tile, for steps that cover ordinary values only. A tile that is not good is left as it was and handed to
// `redo`. Every element of C is one chain over k = 0, 1, ...: vectors lie across columns, never along k, so
// the result is that of the plain triple loop with the same step, on every instruction set. Source: K. Goto,
// R. van de Geijn, "Anatomy of high-performance matrix multiplication", ACM TOMS 34 (2008).
#pragma once

#include <algorithm>
#include <cstddef>
#include <vector>

#include "fewbits/core/isa.hpp"

namespace fewbits {
inline namespace FEWBITS_ISA {
namespace simd {

// c[r][v] = step(a[r * a_row + i * a_step], b[i * b_row + v * V::size ...], c[r][v]) for i = 0 .. k - 1
template <class V, std::size_t rows, std::size_t vectors, class Step>
FEWBITS_INLINE void gemm_tile(std::size_t k, const typename V::element* a, std::size_t a_row,
                              std::size_t a_step, const typename V::element* b, std::size_t b_row,
                              V (&c)[rows][vectors], Step& step) {
    for (std::size_t i = 0; i < k; ++i) {
        V right[vectors];
        for (std::size_t v = 0; v < vectors; ++v) right[v] = V::load(b + i * b_row + v * V::size);
        for (std::size_t r = 0; r < rows; ++r) {
            const V left = V::broadcast(a[r * a_row + i * a_step]);
            for (std::size_t v = 0; v < vectors; ++v) c[r][v] = step(left, right[v], c[r][v]);
        }
    }
}

// One multiply-add with one rounding.
template <class V>
struct FmaStep {
    FEWBITS_INLINE V operator()(V a, V b, V c) const { return fma(a, b, c); }
    FEWBITS_INLINE bool good(V) const { return true; }
};

namespace detail {

template <class V, std::size_t rows, std::size_t vectors, class MakeStep>
FEWBITS_INLINE bool gemm_block(std::size_t k, const typename V::element* a, std::size_t a_row,
                               std::size_t a_step, const typename V::element* panel, typename V::element* c,
                               std::size_t c_row, std::size_t columns, const MakeStep& make_step) {
    auto step = make_step();
    V tile[rows][vectors];
    const auto lanes = [columns](std::size_t v) {
        return columns <= v * V::size ? std::size_t{0} : std::min(V::size, columns - v * V::size);
    };
    for (std::size_t r = 0; r < rows; ++r) {
        for (std::size_t v = 0; v < vectors; ++v) {
            typename V::element* source = c + r * c_row + v * V::size;
            tile[r][v] = lanes(v) == V::size ? V::load(source)
                         : lanes(v) == 0     ? V::zero()
                                             : V::load_partial(source, lanes(v));
        }
    }
    gemm_tile(k, a, a_row, a_step, panel, vectors * V::size, tile, step);
    for (std::size_t r = 0; r < rows; ++r)
        for (std::size_t v = 0; v < vectors; ++v)
            if (!step.good(tile[r][v])) return false;
    for (std::size_t r = 0; r < rows; ++r) {
        for (std::size_t v = 0; v < vectors; ++v) {
            typename V::element* target = c + r * c_row + v * V::size;
            if (lanes(v) == V::size)
                store(tile[r][v], target);
            else if (lanes(v) != 0)
                store_partial(tile[r][v], target, lanes(v));
        }
    }
    return true;
}

}  // namespace detail

// C (m x n, rows c_row apart) += A (m x k, element (i, l) at i * a_row + l * a_step) B (k x n, rows b_row
// apart). redo(i, i_end, j, j_end, l, l_end) does that part of the sums where a step was not good.
template <class V, std::size_t rows, std::size_t vectors, class MakeStep, class Redo>
void gemm(std::size_t m, std::size_t n, std::size_t k, const typename V::element* a, std::size_t a_row,
          std::size_t a_step, const typename V::element* b, std::size_t b_row, typename V::element* c,
          std::size_t c_row, const MakeStep& make_step, const Redo& redo) {
    using Element = typename V::element;
    constexpr std::size_t width = vectors * V::size, depth = 256;
    std::vector<Element> panel(std::min(k, depth) * width);
    for (std::size_t j = 0; j < n; j += width) {
        const std::size_t columns = std::min(width, n - j);
        for (std::size_t l = 0; l < k; l += depth) {
            const std::size_t count = std::min(depth, k - l);
            for (std::size_t q = 0; q < count; ++q) {
                const Element* source = b + (l + q) * b_row + j;
                std::copy(source, source + columns, panel.data() + q * width);
                std::fill(panel.data() + q * width + columns, panel.data() + (q + 1) * width, Element{0});
            }
            std::size_t i = 0;
            for (; i + rows <= m; i += rows) {
                if (!detail::gemm_block<V, rows, vectors>(count, a + i * a_row + l * a_step, a_row, a_step,
                                                          panel.data(), c + i * c_row + j, c_row, columns,
                                                          make_step))
                    redo(i, i + rows, j, j + columns, l, l + count);
            }
            for (; i < m; ++i) {
                if (!detail::gemm_block<V, 1, vectors>(count, a + i * a_row + l * a_step, a_row, a_step,
                                                       panel.data(), c + i * c_row + j, c_row, columns,
                                                       make_step))
                    redo(i, i + 1, j, j + columns, l, l + count);
            }
        }
    }
}

}  // namespace simd
}  // namespace FEWBITS_ISA
}  // namespace fewbits
