// Convolutions in dynamic fixed point: forward, backward to the data, backward to the weights.
//
//   out[b, o, y, x]  = sum over c, i, j of w[o, c, i, j] data[b, c, y s + i - p, x s + j - p]
//   data'[b, c, h, v] = sum over o, i, j of w[o, c, i, j] out'[b, o, (h + p - i) / s, (v + p - j) / s]
//   w'[o, c, i, j]   = sum over b, y, x of out'[b, o, y, x] data[b, c, y s + i - p, x s + j - p]
// with stride s and zero padding p, where positions that do not exist count as zero. Each is dfp_gemm on
// patches laid out as columns (im2col), in the order of the indices above: the first two image by image, the
// third one product for the whole batch, whose patches are all in memory. Both directions gather: no result
// is added to twice, so float32 sums are rounded only as dfp_gemm has it.
//
// Contract: as dfp_gemm. Arrays are images (batch, channels, height, width) and weights (outputs, channels,
// kernel height, kernel width), row by row.
// Sources: arXiv:1802.00930, section 4.3; K. Chellapilla, S. Puri, P. Simard, "High performance convolutional
// neural networks for document processing" (2006).
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "fewbits/core/error.hpp"
#include "fewbits/core/isa.hpp"
#include "fewbits/core/parallel.hpp"
#include "fewbits/core/span.hpp"
#include "fewbits/formats/dynamic_fixed.hpp"
#include "fewbits/formats/dynamic_fixed_gemm.hpp"

namespace fewbits {
inline namespace FEWBITS_ISA {
namespace formats {

struct Conv2dShape {
    std::size_t batch, channels, height, width;
    std::size_t outputs, kernel_height, kernel_width;
    std::size_t stride = 1, padding = 0;

    std::size_t out_height() const { return (height + 2 * padding - kernel_height) / stride + 1; }
    std::size_t out_width() const { return (width + 2 * padding - kernel_width) / stride + 1; }
    std::size_t image() const { return channels * height * width; }
    std::size_t out_area() const { return out_height() * out_width(); }
    std::size_t taps() const { return channels * kernel_height * kernel_width; }
};

namespace detail {

inline void require_conv(const char* function, const Conv2dShape& s, std::size_t data, std::size_t weights,
                         std::size_t out) {
    const std::string name(function);
    FEWBITS_REQUIRE(s.stride >= 1, name + ": stride must be at least 1, got 0");
    FEWBITS_REQUIRE(
        s.kernel_height >= 1 && s.kernel_width >= 1 && s.kernel_height <= s.height + 2 * s.padding &&
            s.kernel_width <= s.width + 2 * s.padding,
        name + ": the kernel must be within the padded image, got " + std::to_string(s.kernel_height) +
            " x " + std::to_string(s.kernel_width) + " for " + std::to_string(s.height + 2 * s.padding) +
            " x " + std::to_string(s.width + 2 * s.padding));
    FEWBITS_REQUIRE(data == s.batch * s.image() && weights == s.outputs * s.taps() &&
                        out == s.batch * s.outputs * s.out_area(),
                    name + ": arrays must have the sizes of their shapes");
}

// Patches of one image as columns: (channel, i, j) by (y, x).
template <class I>
void patch_columns(const Conv2dShape& s, const I* image, I* columns) {
    const std::size_t rows = s.out_height(), width = s.out_width();
    for (std::size_t c = 0; c < s.channels; ++c) {
        for (std::size_t i = 0; i < s.kernel_height; ++i) {
            for (std::size_t j = 0; j < s.kernel_width; ++j, columns += rows * width) {
                for (std::size_t y = 0; y < rows; ++y) {
                    const std::size_t h = y * s.stride + i;  // from the edge of the padding
                    const bool inside = h >= s.padding && h - s.padding < s.height;
                    const I* const line = image + (c * s.height + (inside ? h - s.padding : 0)) * s.width;
                    for (std::size_t x = 0; x < width; ++x) {
                        const std::size_t v = x * s.stride + j;
                        columns[y * width + x] =
                            inside && v >= s.padding && v - s.padding < s.width ? line[v - s.padding] : I{0};
                    }
                }
            }
        }
    }
}

// What of the results each pixel went into, as columns: (output, i, j) by (h, v).
template <class I>
void gradient_columns(const Conv2dShape& s, const I* gradient, I* columns) {
    const std::size_t rows = s.out_height(), width = s.out_width();
    // (h + p - i) / s where that is an index below `count`.
    const auto source = [&s](std::size_t h, std::size_t i, std::size_t count, std::size_t& y) {
        const std::size_t from = h + s.padding;
        y = from < i ? count : (from - i) / s.stride;
        return from >= i && (from - i) % s.stride == 0 && y < count;
    };
    for (std::size_t o = 0; o < s.outputs; ++o) {
        for (std::size_t i = 0; i < s.kernel_height; ++i) {
            for (std::size_t j = 0; j < s.kernel_width; ++j) {
                for (std::size_t h = 0; h < s.height; ++h) {
                    std::size_t y = 0, x = 0;
                    const bool inside = source(h, i, rows, y);
                    for (std::size_t v = 0; v < s.width; ++v)
                        *columns++ =
                            inside && source(v, j, width, x) ? gradient[(o * rows + y) * width + x] : I{0};
                }
            }
        }
    }
}

}  // namespace detail

// out (batch, outputs, out height, out width); C as in dfp_gemm.
template <class I, class C>
void dfp_conv2d(const Conv2dShape& s, Span<const I> data, int exponent_data, Span<const I> weights,
                int exponent_weights, const DfpProductOptions& options, Span<C> out) {
    detail::require_conv("formats.dfp_conv2d", s, data.size(), weights.size(), out.size());
    const std::size_t area = s.out_area(), taps = s.taps(), result = s.outputs * area;
    DfpProductOptions each = options;
    each.threads = 1;
    each.largest_a = dfp_largest(weights);
    parallel_for(s.batch, 1, options.threads, [&](std::size_t b, std::size_t) {
        std::vector<I> columns(taps * area);
        detail::patch_columns(s, data.data() + b * s.image(), columns.data());
        dfp_gemm(s.outputs, area, taps, weights, exponent_weights, Span<const I>(columns), exponent_data,
                 each, Span<C>(out.data() + b * result, result));
    });
}

// The gradient of the data from that of the results: (batch, channels, height, width).
template <class I, class C>
void dfp_conv2d_backward_data(const Conv2dShape& s, Span<const I> gradient, int exponent_gradient,
                              Span<const I> weights, int exponent_weights, const DfpProductOptions& options,
                              Span<C> out) {
    detail::require_conv("formats.dfp_conv2d_backward_data", s, out.size(), weights.size(), gradient.size());
    const std::size_t kernel = s.kernel_height * s.kernel_width, depth = s.outputs * kernel;
    const std::size_t pixels = s.height * s.width, result = s.outputs * s.out_area();
    std::vector<I> left(weights.size());  // (channels, outputs, i, j)
    for (std::size_t o = 0; o < s.outputs; ++o)
        for (std::size_t c = 0; c < s.channels; ++c)
            std::copy_n(weights.data() + (o * s.channels + c) * kernel, kernel,
                        left.data() + (c * s.outputs + o) * kernel);
    DfpProductOptions each = options;
    each.threads = 1;
    each.largest_a = dfp_largest(weights);
    parallel_for(s.batch, 1, options.threads, [&](std::size_t b, std::size_t) {
        std::vector<I> columns(depth * pixels);
        detail::gradient_columns(s, gradient.data() + b * result, columns.data());
        dfp_gemm(s.channels, pixels, depth, Span<const I>(left), exponent_weights, Span<const I>(columns),
                 exponent_gradient, each, Span<C>(out.data() + b * s.image(), s.image()));
    });
}

// The gradient of the weights: (outputs, channels, kernel height, kernel width).
template <class I, class C>
void dfp_conv2d_backward_weights(const Conv2dShape& s, Span<const I> data, int exponent_data,
                                 Span<const I> gradient, int exponent_gradient,
                                 const DfpProductOptions& options, Span<C> out) {
    detail::require_conv("formats.dfp_conv2d_backward_weights", s, data.size(), out.size(), gradient.size());
    const std::size_t area = s.out_area(), taps = s.taps(), depth = s.batch * area;
    std::vector<I> left(gradient.size());  // (outputs, batch, y, x)
    std::vector<I> right(depth * taps);    // (batch, y, x) by (channel, i, j)
    std::vector<I> columns(taps * area);
    for (std::size_t b = 0; b < s.batch; ++b) {
        for (std::size_t o = 0; o < s.outputs; ++o)
            std::copy_n(gradient.data() + (b * s.outputs + o) * area, area,
                        left.data() + o * depth + b * area);
        detail::patch_columns(s, data.data() + b * s.image(), columns.data());
        for (std::size_t q = 0; q < area; ++q)
            for (std::size_t t = 0; t < taps; ++t) right[(b * area + q) * taps + t] = columns[t * area + q];
    }
    DfpProductOptions whole = options;
    whole.largest_a = 0;
    dfp_gemm(s.outputs, taps, depth, Span<const I>(left), exponent_gradient, Span<const I>(right),
             exponent_data, whole, out);
}

}  // namespace formats
}  // namespace FEWBITS_ISA
}  // namespace fewbits
