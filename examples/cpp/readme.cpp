#include <algorithm>
#include <vector>

#include "fewbits/coding.hpp"

int main() {
    using namespace fewbits::coding;
    const std::vector<float> weights(256 * 256, 0.5F);
    const std::vector<std::uint64_t> shape{256, 256};
    const fewbits::ByteSpan bytes(reinterpret_cast<const std::uint8_t*>(weights.data()),
                                  weights.size() * sizeof(float));

    const fewbits::Bytes packed = compress_tensor(bytes, Dtype::float32, shape);
    const fewbits::Bytes restored = decompress_tensor(packed);
    return std::equal(restored.begin(), restored.end(), bytes.begin(), bytes.end()) ? 0 : 1;
}
