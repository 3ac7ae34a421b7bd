#include <cmath>
#include <vector>

#include "fewbits/functions.hpp"

int main() {
    const double y = fewbits::functions::erfc(26.5);
    std::vector<float> x(1000, 0.5F), z(1000);
    fewbits::functions::gelu(x, z);  // spans
    fewbits::functions::exp(x, z, fewbits::functions::Accuracy::fast);
    return y > 0 && std::fabs(z[0] - 1.6487213F) < 1e-6F ? 0 : 1;
}
