// Parametric models as integers: the cumulative function of a mixture of Gaussians, Laplacians or logistic
// distributions with parameters of its own for every symbol. Normative, cdf_version 1 (docs/format.md).
//
// With S = hi - lo + 1 symbols lo..hi, M = 2^24 and M' = M - S, a component (w, m, s) of one of K, and bins
// of 2^b symbols (b = 0 unless symbols have low bits stored apart):
//   weights      r = fl(M' / (w_0 + w_1 + ...)), W_k = trunc(fl(w_k r)), what is missing to M' is added to
//   the
//                W of the (first) largest w
//   edge of q    x = fl(q 2^b - 1/2), rs = fl(scale / max(s, 2^-30)), z = fl(fl(x - m) rs)
//                u = trunc(clamp(z, -2^23, 2^23 - 1)) + 2^23, i = u >> 12, f = u & 4095
//                t = T[i] + ((T[i + 1] - T[i]) f >> 12)
//   cumulative   C(lo) = 0, C(hi + 1) = M, else C(q) = (sum W_k t_k(q) >> 28) + q - lo
// T holds 4097 values of 2^28 F(z), over [-8, 8] for the Gaussian (scale 2^20), over [-16, 16] for the others
// (scale 2^19). Each step is monotone in q, and the last term (the leak) makes C strictly increasing: every
// symbol of the support has a frequency of at least 1, and a decoder's search cannot fail.
//
// Contract: equal parameters (as float32) give equal integers on every machine, compiler and flag, in threads
// that flush subnormals to zero, too: there are no subtractions of nearby values, no sums whose order is
// free; every rounded value passes a barrier, quotients are formed in float64, and tests on parameters look
// at their bits. Only the rounding mode must be to nearest (checked; else Error). Model bits are within 1e-6
// of those of the leaky real-valued model ((1 - S/M) p + 1/M for each symbol) on the test sets. Parameters:
// finite; s > 0; w >= 0; sum of w within 1e-3 of 1, or with `normalize` in 2^-20 and above; else
// ArgumentError naming the first offender.
//
// Kernels: eight symbols at a time, a symbol per lane, over parameters prepared in blocks of 256 (transposed
// where they come interleaved). A component's edge takes some 30 instructions, half of them the two loads of
// T per lane.
//
// Sources: the method is that of FlashGMM (arXiv:2509.18815), with the leak of constriction (R. Bamler,
// arXiv:2201.01741) and integers instead of floats. Tables: tools/coding_cdf_tables.py.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <locale>
#include <sstream>
#include <string>
#include <type_traits>

#include "fewbits/coding/detail/cdf_tables.hpp"
#include "fewbits/core/bits.hpp"
#include "fewbits/core/checksum.hpp"
#include "fewbits/core/error_free.hpp"
#include "fewbits/core/isa.hpp"
#include "fewbits/core/span.hpp"
#include "fewbits/simd/f32x8.hpp"
#include "fewbits/simd/i32x8.hpp"
#include "fewbits/simd/u64x8.hpp"

namespace fewbits {
inline namespace FEWBITS_ISA {
namespace coding {

enum class Family : std::uint8_t { gaussian, laplace, logistic };

inline constexpr unsigned cdf_version = 1;
inline constexpr unsigned cdf_precision = 24;
inline constexpr std::uint32_t cdf_total = std::uint32_t{1} << cdf_precision;
inline constexpr int max_components = 16;
// Symbols that one model distinguishes.
inline constexpr std::uint32_t max_support = 65536;

inline const char* family_name(Family family) {
    return family == Family::gaussian ? "gaussian" : family == Family::laplace ? "laplace" : "logistic";
}

// Parameters of n symbols with k components each; parameter (component j, symbol i) stands at
// j * stride_k + i * stride_n of its array. weights may be null where k is 1.
struct MixtureView {
    const float* weights = nullptr;
    const float* means = nullptr;
    const float* scales = nullptr;
    std::size_t n = 0;
    int k = 1;
    std::ptrdiff_t stride_k = 0;
    std::ptrdiff_t stride_n = 1;
    Family family = Family::gaussian;
    bool normalize = false;

    MixtureView part(std::size_t begin, std::size_t count) const {
        MixtureView view = *this;
        const std::ptrdiff_t offset = static_cast<std::ptrdiff_t>(begin) * stride_n;
        if (weights != nullptr) view.weights += offset;
        view.means += offset;
        view.scales += offset;
        view.n = count;
        return view;
    }
};

// The symbols a model distinguishes: bins lo, lo + 1, ..., lo + size - 1 of 2^low_bits symbols each.
struct Support {
    std::int32_t lo = 0;
    std::uint32_t size = 1;
    unsigned low_bits = 0;

    std::int32_t hi() const {
        return static_cast<std::int32_t>(static_cast<std::int64_t>(lo) + std::int64_t{size} - 1);
    }
};

namespace detail {

struct CdfTable {
    std::uint32_t value[4097];
    float quantile[1026];  // of (i / 1024): for hints only
};

constexpr CdfTable make_cdf_table(const std::uint32_t (&half)[2049], float low) {
    CdfTable table{};
    for (int i = 0; i <= 2048; ++i) {
        table.value[i] = half[i];
        table.value[4096 - i] = (std::uint32_t{1} << 28) - half[i];
    }
    int at = 0;
    for (int i = 0; i <= 1024; ++i) {
        const std::uint32_t u = static_cast<std::uint32_t>(i) << 18;
        while (at < 4095 && table.value[at + 1] <= u) ++at;
        const std::uint32_t step = table.value[at + 1] - table.value[at];
        const float part =
            step == 0 ? 0.0F : static_cast<float>(u - table.value[at]) / static_cast<float>(step);
        table.quantile[i] = low + (static_cast<float>(at) + part) * (-low / 2048.0F);
    }
    // The end cells reach to infinity: what makes the middle of a cell right serves most slots of it.
    table.quantile[0] = table.quantile[1] * 1.25F;
    table.quantile[1024] = -table.quantile[0];
    table.quantile[1025] = table.quantile[1024];
    return table;
}

inline constexpr CdfTable cdf_tables[3] = {
    make_cdf_table(gaussian_half, -8.0F),
    make_cdf_table(laplace_half, -16.0F),
    make_cdf_table(logistic_half, -16.0F),
};
inline const CdfTable& cdf_table(Family family) { return cdf_tables[static_cast<unsigned>(family)]; }
constexpr float cdf_scale(Family family) { return family == Family::gaussian ? 1048576.0F : 524288.0F; }

inline constexpr float least_scale = 1.0F / 1073741824.0F;  // 2^-30

inline std::uint32_t bits_of(float value) {
    std::uint32_t bits;
    std::memcpy(&bits, &value, sizeof bits);
    return bits;
}

inline std::string float_text(float value) {
    std::ostringstream text;
    text.imbue(std::locale::classic());
    text.precision(9);
    text << value;
    return text.str();
}

// fl(1 + 2^-24) is 1 and fl(-1 - 2^-24) is -1 to nearest even, and in no other mode are both.
inline void check_rounding_mode() {
    const float tiny = value_barrier(1.0F / 16777216.0F), one = value_barrier(1.0F);
    const float up = value_barrier(one + tiny), down = value_barrier(-one - tiny);
    if (bits_of(up) != 0x3f800000U || bits_of(down) != 0xbf800000U) {
        throw Error("coding: the floating point rounding mode must be to nearest");
    }
}

inline void check_view(const char* function, const MixtureView& view) {
    FEWBITS_REQUIRE(
        view.k >= 1 && view.k <= max_components,
        std::string(function) + ": models must have 1 to 16 components, got " + std::to_string(view.k));
    FEWBITS_REQUIRE(static_cast<unsigned>(view.family) <= 2, std::string(function) + ": unknown family");
    FEWBITS_REQUIRE(view.n == 0 || (view.means != nullptr && view.scales != nullptr),
                    std::string(function) + ": means and scales must be given");
    FEWBITS_REQUIRE(view.n == 0 || view.k == 1 || view.weights != nullptr,
                    std::string(function) + ": weights must be given for more than one component");
}

inline void check_support(const char* function, const Support& support) {
    FEWBITS_REQUIRE(support.size >= 1 && support.size <= max_support,
                    std::string(function) + ": the support must have 1 to 65536 symbols, got " +
                        std::to_string(support.size));
    const std::int64_t scale = std::int64_t{1} << std::min(support.low_bits, 31U);
    const std::int64_t first = support.lo * scale;
    const std::int64_t last = (std::int64_t{support.lo} + support.size) * scale - 1;
    FEWBITS_REQUIRE(
        support.low_bits <= 30 && first >= -(std::int64_t{1} << 31) && last <= (std::int64_t{1} << 31) - 1,
        std::string(function) + ": the support must lie in int32");
}

}  // namespace detail

// Checks parameters; `first` is the index of the view's first symbol, for the message.
inline void check_parameters(const char* function, const MixtureView& view, std::size_t first = 0) {
    detail::check_view(function, view);
    const auto fail = [&](const char* name, int j, std::size_t i, float value, const char* rule) {
        const std::string component = view.k > 1 ? "component " + std::to_string(j) + ", " : "";
        throw ArgumentError(std::string(function) + ": " + name + "[" + component + "index " +
                            std::to_string(first + i) + "] = " + detail::float_text(value) + ": must be " +
                            rule);
    };
    for (std::size_t i = 0; i < view.n; ++i) {
        float sum = 0.0F;
        for (int j = 0; j < view.k; ++j) {
            const std::ptrdiff_t at = static_cast<std::ptrdiff_t>(i) * view.stride_n + j * view.stride_k;
            const float m = view.means[at], s = view.scales[at];
            if ((detail::bits_of(m) & 0x7fffffffU) >= 0x7f800000U) fail("means", j, i, m, "finite");
            if (detail::bits_of(s) - 1 >= 0x7f7fffffU) fail("scales", j, i, s, "> 0 and finite");
            if (view.weights == nullptr) continue;
            const float w = view.weights[at];
            const std::uint32_t bits = detail::bits_of(w);
            if (bits >= 0x7f800000U && bits != 0x80000000U) fail("weights", j, i, w, ">= 0 and finite");
            sum = j == 0 ? w : value_barrier(sum + w);
        }
        if (view.weights == nullptr) continue;
        const bool good = detail::bits_of(sum) < 0x7f800000U &&
                          (view.normalize ? sum >= 1.0F / 1048576.0F : sum >= 0.999F && sum <= 1.001F);
        if (!good) {
            throw ArgumentError(
                std::string(function) + ": weights[index " + std::to_string(first + i) + "] sum to " +
                detail::float_text(sum) + ": must be " +
                (view.normalize ? "at least 2^-20 and finite" : "1 within 0.001 (or pass normalize)"));
        }
    }
}

// ---- reference: the definition in plain loops -----------------------------------------------------------

namespace reference {

// Integer weights of one symbol's components.
inline void mixture_weights(const float* w, int k, std::uint32_t support, std::uint32_t* out) {
    float sum = w[0];
    for (int j = 1; j < k; ++j) sum = value_barrier(sum + w[j]);
    const std::uint32_t target = cdf_total - support;
    const float r = value_barrier(
        static_cast<float>(value_barrier(static_cast<double>(static_cast<float>(target)) / double(sum))));
    std::uint32_t total = 0;
    int largest = 0;
    for (int j = 0; j < k; ++j) {
        out[j] = static_cast<std::uint32_t>(value_barrier(w[j] * r));
        total += out[j];
        if (w[j] > w[largest]) largest = j;
    }
    out[largest] += target - total;
}

// t of one component at the left edge of bin q.
inline std::uint32_t component_cdf(Family family, float m, float s, std::int32_t q, unsigned low_bits) {
    const float bin = static_cast<float>(std::uint32_t{1} << low_bits);
    const float x = value_barrier(value_barrier(static_cast<float>(q) * bin) - 0.5F);
    const float scale = s > detail::least_scale ? s : detail::least_scale;
    const float rs = value_barrier(
        static_cast<float>(value_barrier(double(detail::cdf_scale(family)) / static_cast<double>(scale))));
    float z = value_barrier(value_barrier(x - m) * rs);
    z = z > -8388608.0F ? z : -8388608.0F;
    z = z < 8388607.0F ? z : 8388607.0F;
    const std::uint32_t u = static_cast<std::uint32_t>(static_cast<std::int32_t>(z) + 8388608);
    const std::uint32_t* table = detail::cdf_table(family).value + (u >> 12);
    return table[0] + (((table[1] - table[0]) * (u & 4095U)) >> 12);
}

// C(q) of symbol i of the view, lo <= q <= hi + 1.
inline std::uint32_t mixture_cdf(const MixtureView& view, std::size_t i, const Support& support,
                                 std::int64_t q) {
    if (q <= support.lo) return 0;
    if (q > support.hi()) return cdf_total;
    float w[max_components] = {}, m[max_components] = {}, s[max_components] = {};
    for (int j = 0; j < view.k; ++j) {
        const std::ptrdiff_t at = static_cast<std::ptrdiff_t>(i) * view.stride_n + j * view.stride_k;
        w[j] = view.weights == nullptr ? 1.0F : view.weights[at];
        m[j] = view.means[at];
        s[j] = view.scales[at];
    }
    std::uint32_t integer[max_components] = {};
    mixture_weights(w, view.k, support.size, integer);
    std::uint64_t sum = 0;
    for (int j = 0; j < view.k; ++j) {
        sum += std::uint64_t{integer[j]} *
               component_cdf(view.family, m[j], s[j], static_cast<std::int32_t>(q), support.low_bits);
    }
    return static_cast<std::uint32_t>(sum >> 28) + static_cast<std::uint32_t>(q - support.lo);
}

}  // namespace reference

// ---- kernels --------------------------------------------------------------------------------------------

namespace detail {

// Calls body(std::integral_constant<int, K>) with K = k for 1..4, else 0: loops of a known length unroll.
// Scalar builds take the one general form.
template <class Body>
auto with_components(int k, Body&& body) {
    if constexpr (FEWBITS_HAVE_SCALAR == 0) {
        switch (k) {
            case 1:
                return body(std::integral_constant<int, 1>());
            case 2:
                return body(std::integral_constant<int, 2>());
            case 3:
                return body(std::integral_constant<int, 3>());
            case 4:
                return body(std::integral_constant<int, 4>());
            default:
                break;
        }
    }
    return body(std::integral_constant<int, 0>());
}

}  // namespace detail

// The parameters of up to 256 symbols in the form the kernels read: integer weights, means, reciprocal
// scales, component by component; and for decoders what guesses are made of.
class PreparedParameters {
public:
    static constexpr std::size_t capacity = 256;

    // Prepares symbols [begin, begin + count) of the view. Throws ArgumentError where parameters are bad;
    // `first` is the index of the view's first symbol in what the caller knows.
    void prepare(const char* function, const MixtureView& view, std::size_t begin, std::size_t count,
                 std::uint32_t support, bool hints, std::size_t first = 0) {
        // Shared parameters: once for all blocks.
        if (view.stride_n == 0 && filled_ == capacity) return;
        const std::size_t wanted = view.stride_n == 0 ? capacity : count;
        count_ = wanted;
        k_ = view.k;
        const MixtureView part = view.part(begin, wanted);
        const bool good = detail::with_components(
            k_, [&](auto constant) { return fill<decltype(constant)::value>(part, support, hints); });
        if (!good) {
            check_parameters(function, view, first);
            throw Error(std::string(function) + ": inconsistent check of parameters");
        }
        filled_ = wanted;
    }
    int components() const { return k_; }
    const float* means(int j) const { return means_[j]; }
    const float* inverse_scales(int j) const { return inverse_[j]; }
    const std::int32_t* weights(int j) const { return weights_[j]; }
    const float* hint_means() const { return hint_mean_; }
    const float* hint_scales() const { return hint_scale_; }

private:
    // Rows of one array: in place where they are contiguous and whole groups, else copied.
    const float* rows(const float* source, const MixtureView& view, int j, float padding, float* buffer) {
        const float* from = source + j * view.stride_k;
        const std::size_t padded = (view.n + 7) / 8 * 8;
        if (view.stride_n == 1 && padded == view.n) return from;
        for (std::size_t i = 0; i < view.n; ++i)
            buffer[i] = from[static_cast<std::ptrdiff_t>(i) * view.stride_n];
        for (std::size_t i = view.n; i < padded; ++i) buffer[i] = padding;
        return buffer;
    }

    template <int K>
    bool fill(const MixtureView& view, std::uint32_t support, bool hints) {
        using simd::f32x8, simd::i32x8;
        const int k = K == 0 ? view.k : K;
        const std::size_t groups = (view.n + 7) / 8;
        const float* m[max_components];
        const float* s[max_components];
        const float* w[max_components];
        for (int j = 0; j < k; ++j) {
            m[j] = rows(view.means, view, j, 0.0F, raw_[3 * j]);
            s[j] = rows(view.scales, view, j, 1.0F, raw_[3 * j + 1]);
            w[j] = view.weights == nullptr
                       ? nullptr
                       : rows(view.weights, view, j, j == 0 ? 1.0F : 0.0F, raw_[3 * j + 2]);
        }
        const std::int32_t target = static_cast<std::int32_t>(cdf_total - support);
        const f32x8 numerator = f32x8::broadcast(detail::cdf_scale(view.family));
        const i32x8 magnitude = i32x8::broadcast(0x7fffffff), infinite = i32x8::broadcast(0x7f800000);
        const i32x8 zero = i32x8::zero(), negative_zero = i32x8::broadcast(INT32_MIN);
        const f32x8 least = f32x8::broadcast(detail::least_scale);
        const f32x8 low = f32x8::broadcast(view.normalize ? 1.0F / 1048576.0F : 0.999F);
        const f32x8 high = f32x8::broadcast(view.normalize ? 3.4e38F : 1.001F);
        for (std::size_t group = 0; group < groups; ++group) {
            const std::size_t at = 8 * group;
            simd::mask<8> good = zero == zero;
            for (int j = 0; j < k; ++j) {
                const f32x8 mean = f32x8::load(m[j] + at), scale = f32x8::load(s[j] + at);
                const i32x8 scale_bits = simd::bit_cast<i32x8>(scale);
                good = good & (infinite > (simd::bit_cast<i32x8>(mean) & magnitude)) & (scale_bits > zero) &
                       (infinite > scale_bits);
                store(mean, means_[j] + at);
                store(simd::divide_exactly(numerator, max(scale, least)), inverse_[j] + at);
            }
            if (w[0] == nullptr) {
                store(i32x8::broadcast(target), weights_[0] + at);
            } else {
                f32x8 sum = f32x8::load(w[0] + at), largest = sum;
                i32x8 bits = simd::bit_cast<i32x8>(sum), best = zero;
                simd::mask<8> fine =
                    (infinite > bits) & ((bits > zero) | (bits == zero) | (bits == negative_zero));
                for (int j = 1; j < k; ++j) {
                    const f32x8 weight = f32x8::load(w[j] + at);
                    bits = simd::bit_cast<i32x8>(weight);
                    fine =
                        fine & (infinite > bits) & ((bits > zero) | (bits == zero) | (bits == negative_zero));
                    sum = value_barrier(sum + weight);
                    const simd::mask<8> more = weight > largest;
                    largest = select(more, weight, largest);
                    best = select(more, i32x8::broadcast(j), best);
                }
                good = good & fine & (sum >= low) & (sum <= high);
                // The conversions below are for sound parameters only.
                if (!all(good)) return false;
                if (k == 1) {
                    store(i32x8::broadcast(target), weights_[0] + at);
                } else {
                    const f32x8 r = simd::divide_exactly(f32x8::broadcast(static_cast<float>(target)), sum);
                    i32x8 missing = i32x8::broadcast(target);
                    i32x8 integer[K == 0 ? max_components : K];
                    for (int j = 0; j < k; ++j) {
                        integer[j] = simd::truncate_in_range(value_barrier(f32x8::load(w[j] + at) * r));
                        missing = missing - integer[j];
                    }
                    for (int j = 0; j < k; ++j) {
                        const simd::mask<8> here = best == i32x8::broadcast(j);
                        store(integer[j] + select(here, missing, zero), weights_[j] + at);
                    }
                }
            }
            if (!all(good)) return false;
            if (!hints) continue;
            f32x8 mean = f32x8::load(m[0] + at), scale = f32x8::load(s[0] + at);
            if (k > 1) {
                f32x8 weight = f32x8::load(w[0] + at);
                mean = mean * weight;
                scale = scale * weight;
                for (int j = 1; j < k; ++j) {
                    weight = f32x8::load(w[j] + at);
                    mean = mean + f32x8::load(m[j] + at) * weight;
                    scale = scale + f32x8::load(s[j] + at) * weight;
                }
            }
            store(mean, hint_mean_ + at);
            store(scale, hint_scale_ + at);
        }
        return true;
    }

    int k_ = 0;
    std::size_t count_ = 0, filled_ = 0;
    float means_[max_components][capacity];
    float inverse_[max_components][capacity];
    std::int32_t weights_[max_components][capacity];
    float hint_mean_[capacity], hint_scale_[capacity];
    float raw_[3 * max_components][capacity];
};

namespace detail {

// sum W_k t_k >> 28 at the edges x of eight symbols, from prepared position `at` on.
template <int K>
FEWBITS_INLINE simd::i32x8 mixture_sum(const std::uint32_t* table, const PreparedParameters& p,
                                       std::size_t at, simd::f32x8 x) {
    using simd::f32x8, simd::i32x8;
    const int k = K == 0 ? p.components() : K;
    const f32x8 low = f32x8::broadcast(-8388608.0F), high = f32x8::broadcast(8388607.0F);
    simd::u64x8 sum = simd::u64x8::zero();
    for (int j = 0; j < k; ++j) {
        const f32x8 distance = value_barrier(x - f32x8::load(p.means(j) + at));
        f32x8 z = value_barrier(distance * f32x8::load(p.inverse_scales(j) + at));
        z = min(max(z, low), high);
        const i32x8 u = simd::truncate_in_range(z) + i32x8::broadcast(8388608);
        const simd::Pair8 pair = simd::lookup_pair(table, shift_right_logical(u, 12));
        const i32x8 rise = (pair.second - pair.first) * (u & i32x8::broadcast(4095));
        sum = multiply_add(sum, i32x8::load(p.weights(j) + at), pair.first + shift_right_logical(rise, 12));
    }
    return simd::narrow_right<28>(sum);
}

// What the evaluation needs to know of a support, in lanes.
struct SupportLanes {
    explicit SupportLanes(const Support& support)
        : lo(simd::i32x8::broadcast(support.lo)),
          hi(simd::i32x8::broadcast(support.hi())),
          bin(simd::f32x8::broadcast(static_cast<float>(std::uint32_t{1} << support.low_bits))) {}
    // Left edge of bin q.
    FEWBITS_INLINE simd::f32x8 edge(simd::i32x8 q) const {
        return value_barrier(value_barrier(convert_f32(q) * bin) - simd::f32x8::broadcast(0.5F));
    }
    simd::i32x8 lo, hi;
    simd::f32x8 bin;
};

// C(q) and C(q + 1) of bins lo <= q <= hi.
template <int K>
FEWBITS_INLINE void mixture_interval(const std::uint32_t* table, const PreparedParameters& p, std::size_t at,
                                     const SupportLanes& support, simd::i32x8 q, simd::i32x8& start,
                                     simd::i32x8& end) {
    using simd::i32x8;
    const i32x8 next = q + i32x8::broadcast(1), leak = q - support.lo;
    start = mixture_sum<K>(table, p, at, support.edge(q)) + leak;
    end = mixture_sum<K>(table, p, at, support.edge(next)) + leak + i32x8::broadcast(1);
    start = select(q == support.lo, i32x8::zero(), start);
    end = select(q == support.hi, i32x8::broadcast(static_cast<std::int32_t>(cdf_total)), end);
}

}  // namespace detail

// starts[i] = C(q[i]), frequencies[i] = C(q[i] + 1) - C(q[i]) for the first `count` prepared symbols, which
// must lie in the support. The arrays have room for whole groups of eight.
inline void mixture_intervals(const PreparedParameters& p, Family family, const Support& support,
                              const std::int32_t* q, std::size_t count, std::uint32_t* starts,
                              std::uint32_t* frequencies) {
    const std::uint32_t* table = detail::cdf_table(family).value;
    const detail::SupportLanes lanes(support);
    detail::with_components(p.components(), [&](auto constant) {
        constexpr int K = decltype(constant)::value;
        for (std::size_t at = 0; at < count; at += 8) {
            simd::i32x8 bins = simd::i32x8::load_partial(q + at, std::min<std::size_t>(8, count - at));
            if (count - at >= 8) {
                bins = simd::i32x8::load(q + at);
            } else {
                bins = min(max(bins, lanes.lo), lanes.hi);
            }
            simd::i32x8 start, end;
            detail::mixture_interval<K>(table, p, at, lanes, bins, start, end);
            std::int32_t values[8];
            store(start, values);
            std::memcpy(starts + at, values, sizeof values);
            store(end - start, values);
            std::memcpy(frequencies + at, values, sizeof values);
        }
        return 0;
    });
}

namespace detail {

// The bins q with C(q) <= t < C(q + 1) for eight slots t; start and end become C(q) and C(q + 1).
//   1. a guess from the quantile of one normal distribution of the mixture's mean and scale
//   2. both of its edges; lanes that missed now know one side and a density
//   3. Newton steps, no longer than 4, 8, 16, ... bins, until both sides are known; then interpolation and
//      bisection in turn
// The guess is any float arithmetic: the answer is the only one there is, and every step narrows the bracket.
template <int K>
FEWBITS_INLINE simd::i32x8 mixture_find(const CdfTable& table, const PreparedParameters& p, std::size_t at,
                                        const Support& support, const SupportLanes& lanes, simd::i32x8 t,
                                        simd::i32x8& start, simd::i32x8& end) {
    using simd::f32x8, simd::i32x8;
    const i32x8 one = i32x8::broadcast(1);
    const i32x8 cell = shift_right_logical(t, cdf_precision - 10);
    const f32x8 part = convert_f32(t & i32x8::broadcast((1 << (cdf_precision - 10)) - 1)) *
                       f32x8::broadcast(1.0F / (1 << (cdf_precision - 10)));
    float quantiles[8], slopes[8];
    std::int32_t cells[8];
    store(cell, cells);
    for (int i = 0; i < 8; ++i) {
        quantiles[i] = table.quantile[cells[i]];
        slopes[i] = table.quantile[cells[i] + 1] - quantiles[i];
    }
    const f32x8 zeta = f32x8::load(quantiles) + f32x8::load(slopes) * part;
    f32x8 guess = f32x8::load(p.hint_means() + at) + f32x8::load(p.hint_scales() + at) * zeta;
    guess = guess * (f32x8::broadcast(1.0F) / lanes.bin);
    // truncate_i32 and the clamp take whatever comes, nan included.
    const i32x8 g = min(max(convert_i32(guess), lanes.lo), lanes.hi);

    i32x8 c0, c1;
    mixture_interval<K>(table.value, p, at, lanes, g, c0, c1);
    const i32x8 top = i32x8::broadcast(static_cast<std::int32_t>(cdf_total));
    const simd::mask<8> below = c0 > t, above = ~(c1 > t);
    // Invariant: C(a) = ca <= t < C(b) = cb.
    i32x8 a = select(below, lanes.lo, select(above, g + one, g));
    i32x8 ca = select(below, i32x8::zero(), select(above, c1, c0));
    i32x8 b = select(above, lanes.hi + one, select(below, g, g + one));
    i32x8 cb = select(above, top, select(below, c0, c1));
    if (!any(below | above)) {
        start = ca;
        end = cb;
        return a;
    }
    const f32x8 density = f32x8::broadcast(1.0F) / convert_f32(c1 - c0);
    simd::mask<8> up = above, down = below;  // one side only is known
    i32x8 cap = i32x8::broadcast(4);
    for (std::uint32_t round = 0;; ++round) {
        const simd::mask<8> open = (b - a) > one;
        if (!any(open)) break;
        const f32x8 distance = convert_f32(select(up, t - ca, cb - t)) * density;
        const i32x8 step = max(min(truncate_i32(distance), cap), one);
        // Interpolation gets near, bisection bounds the rounds.
        const i32x8 width = b - a;
        const f32x8 share = convert_f32(t - ca) / convert_f32(cb - ca);
        const i32x8 middle =
            a + ((round & 1) == 0 ? truncate_i32(share * convert_f32(width)) : shift_right_logical(width, 1));
        i32x8 probe = select(up, a + step, select(down, b - step, middle));
        probe = select(open, min(max(probe, a + one), b - one), a);
        i32x8 c = mixture_sum<K>(table.value, p, at, lanes.edge(probe)) + (probe - lanes.lo);
        const simd::mask<8> left = open & ~(c > t), right = open & (c > t);
        a = select(left, probe, a);
        ca = select(left, c, ca);
        b = select(right, probe, b);
        cb = select(right, c, cb);
        up = up & ~right;
        down = down & ~left;
        if (round < 16) cap = cap + cap;
    }
    static_cast<void>(support);
    start = ca;
    end = cb;
    return a;
}

// The same for one prepared symbol.
inline std::uint32_t mixture_sum_one(const std::uint32_t* table, const PreparedParameters& p, std::size_t at,
                                     std::int64_t q, float bin) {
    const float x = value_barrier(value_barrier(static_cast<float>(q) * bin) - 0.5F);
    std::uint64_t sum = 0;
    for (int j = 0; j < p.components(); ++j) {
        float z = value_barrier(value_barrier(x - p.means(j)[at]) * p.inverse_scales(j)[at]);
        z = z > -8388608.0F ? z : -8388608.0F;
        z = z < 8388607.0F ? z : 8388607.0F;
        const std::uint32_t u = static_cast<std::uint32_t>(static_cast<std::int32_t>(z) + 8388608);
        const std::uint32_t* value = table + (u >> 12);
        const std::uint32_t t = value[0] + (((value[1] - value[0]) * (u & 4095U)) >> 12);
        sum += std::uint64_t{static_cast<std::uint32_t>(p.weights(j)[at])} * t;
    }
    return static_cast<std::uint32_t>(sum >> 28);
}

}  // namespace detail

struct SymbolInterval {
    std::int32_t symbol;
    std::uint32_t start, frequency;
};

// The bin of slot t < 2^24 of one prepared symbol (prepared with hints): guess, gallop, bisect.
inline SymbolInterval mixture_find_one(const PreparedParameters& p, Family family, const Support& support,
                                       std::size_t at, std::uint32_t t) {
    const detail::CdfTable& table = detail::cdf_table(family);
    const float bin = static_cast<float>(std::uint32_t{1} << support.low_bits);
    const auto cumulative = [&](std::int64_t q) {
        return detail::mixture_sum_one(table.value, p, at, q, bin) +
               static_cast<std::uint32_t>(q - support.lo);
    };
    const std::uint32_t cell = t >> (cdf_precision - 10);
    const float part =
        static_cast<float>(t & ((1U << (cdf_precision - 10)) - 1)) / (1 << (cdf_precision - 10));
    const float zeta = table.quantile[cell] + (table.quantile[cell + 1] - table.quantile[cell]) * part;
    const float guess = (p.hint_means()[at] + p.hint_scales()[at] * zeta) / bin;
    const std::int64_t lo = support.lo, hi = support.hi();
    std::int64_t probe = lo;
    if (guess >= static_cast<float>(hi)) {
        probe = hi;
    } else if (guess > static_cast<float>(lo)) {
        probe = static_cast<std::int64_t>(guess + (guess < 0 ? -0.5F : 0.5F));
    }
    // Invariant: C(a) = ca <= t < C(b) = cb.
    std::int64_t a = lo, b = hi + 1, step = 1;
    std::uint32_t ca = 0, cb = cdf_total;
    bool known_left = false, known_right = false;
    probe = std::min(std::max(probe, lo + 1), hi);
    while (b - a > 1) {
        const std::uint32_t c = cumulative(probe);
        if (c <= t) {
            a = probe;
            ca = c;
            known_left = true;
        } else {
            b = probe;
            cb = c;
            known_right = true;
        }
        if (known_left && known_right) {
            probe = a + (b - a) / 2;
        } else {
            probe = known_left ? std::min(a + step, b - 1) : std::max(b - step, a + 1);
            step += step;
        }
    }
    return {static_cast<std::int32_t>(a), ca, cb - ca};
}

// Adds the integers of prepared symbols to a hash: for each symbol, for each component, the words W, m, rs.
inline void hash_parameters(const PreparedParameters& p, std::size_t count, Xxh64& hash) {
    Bytes words;
    words.reserve(count * static_cast<std::size_t>(p.components()) * 12);
    for (std::size_t i = 0; i < count; ++i) {
        for (int j = 0; j < p.components(); ++j) {
            const std::uint32_t mean = detail::bits_of(p.means(j)[i]);
            append_le(words, static_cast<std::uint32_t>(p.weights(j)[i]));
            append_le(words, mean == 0x80000000U ? 0U : mean);
            append_le(words, detail::bits_of(p.inverse_scales(j)[i]));
        }
    }
    hash.update(words);
}

}  // namespace coding
}  // namespace FEWBITS_ISA
}  // namespace fewbits
