// Code integers under a mixture of three Gaussians with parameters of its own for each, as a learned codec
// does.
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <vector>

#include "fewbits/coding/mixture.hpp"
#include "fewbits/coding/self_test.hpp"

int main() {
    using namespace fewbits::coding;
    self_test();  // this compiler and its flags code what every other machine reads

    // (component, symbol) order, as networks give them; here made up.
    const std::size_t n = 50000;
    std::vector<float> weights(3 * n), means(3 * n), scales(3 * n);
    std::vector<std::int32_t> latents(n);
    std::uint32_t random = 1;
    const auto unit = [&random] {
        random = random * 1664525U + 1013904223U;
        return static_cast<float>(random >> 8) / 16777216.0F;
    };
    for (std::size_t i = 0; i < n; ++i) {
        for (std::size_t k = 0; k < 3; ++k) {
            weights[k * n + i] = 1.0F / 3;
            means[k * n + i] = 20.0F * unit() - 10.0F;
            scales[k * n + i] = 0.2F + unit();
        }
        const std::size_t k = static_cast<std::size_t>(3.0F * unit());
        latents[i] = static_cast<std::int32_t>(
            std::lround(means[k * n + i] + scales[k * n + i] * (2.0F * unit() - 1.0F)));
    }

    MixtureView model;
    model.weights = weights.data();
    model.means = means.data();
    model.scales = scales.data();
    model.n = n;
    model.k = 3;
    model.stride_k = static_cast<std::ptrdiff_t>(n);
    model.stride_n = 1;

    EncodeOptions options;
    options.checksum = true;
    options.threads = 0;  // all CPUs; the bytes do not depend on it
    const fewbits::Bytes data = encode(latents, model, options);
    std::vector<std::int32_t> back(n);
    decode(data, model, fewbits::Span<std::int32_t>(back));
    std::printf("%zu latents, %.3f bits each\n", n,
                8.0 * static_cast<double>(data.size()) / static_cast<double>(n));
    return back == latents ? 0 : 1;
}
