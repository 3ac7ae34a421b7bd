// Messages under parametric models and rows of probabilities: any bytes give symbols or our exceptions.
#include <vector>

#include "fewbits/coding/categorical_rows.hpp"
#include "fewbits/coding/mixture.hpp"
#include "fuzz.hpp"

using namespace fewbits;
using namespace fewbits::coding;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static const float weights[] = {0.6F, 0.3F, 0.1F}, means[] = {0.25F, -3.5F, 700.0F},
                       scales[] = {0.5F, 2.0F, 1e5F};
    if (size == 0) return 0;
    const std::uint8_t choice = data[0];
    return fuzz(data + 1, size - 1, [&](Span<std::uint8_t> input) {
        const std::uint64_t n = count_symbols(input);
        if (n > 1 << 14) return;
        std::vector<std::int32_t> symbols(static_cast<std::size_t>(n));
        if (choice % 4 == 3) {
            const std::vector<double> probs(symbols.size() * 5, 0.2);
            decode(ByteSpan(input), RowsView{probs.data(), symbols.size(), 5, -2},
                   Span<std::int32_t>(symbols));
            return;
        }
        MixtureView view;
        view.weights = weights;
        view.means = means;
        view.scales = scales;
        view.n = symbols.size();
        view.k = choice >= 128 ? 1 : 3;
        view.stride_k = 1;
        view.stride_n = 0;
        view.family = static_cast<Family>(choice % 4);
        view.normalize = true;
        decode(ByteSpan(input), view, Span<std::int32_t>(symbols));
        // What decoded is a message: it codes and decodes again.
        for (const std::int32_t symbol : symbols) {
            if (symbol > max_parametric_symbol || symbol < -max_parametric_symbol) return;
        }
        std::vector<std::int32_t> back(symbols.size());
        decode(encode(symbols, view), view, Span<std::int32_t>(back));
        expect(back == symbols);
    });
}
