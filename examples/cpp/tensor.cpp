// Compress a float32 matrix without loss, give it back, and see what damage does.
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <vector>

#include "fewbits/coding.hpp"

int main() {
    // 512 x 256 weights: a triangular distribution of small numbers.
    const std::vector<std::uint64_t> shape{512, 256};
    std::vector<float> weights(512 * 256);
    std::uint32_t state = 1;
    for (float& weight : weights) {
        int sum = -510;
        for (int i = 0; i < 4; ++i) sum += static_cast<int>((state = state * 1664525 + 1013904223) >> 24);
        weight = static_cast<float>(sum) * 1e-4F;
    }
    const fewbits::ByteSpan bytes(reinterpret_cast<const std::uint8_t*>(weights.data()),
                                  weights.size() * sizeof(float));

    using namespace fewbits::coding;
    const fewbits::Bytes packed = compress_tensor(bytes, Dtype::float32, shape);
    fewbits::Bytes restored = decompress_tensor(packed);
    std::printf("%zu bytes -> %zu bytes\n", bytes.size(), packed.size());
    if (restored.size() != bytes.size() || std::memcmp(restored.data(), bytes.data(), bytes.size()) != 0) {
        return 1;
    }

    fewbits::Bytes damaged = packed;
    damaged[damaged.size() / 2] ^= 1;
    try {
        decompress_tensor(damaged);
        return 1;
    } catch (const fewbits::CorruptDataError& error) {
        std::printf("%s\n", error.what());
    }
}
