// Models as the binding files of coding share them.
#pragma once

#include <memory>
#include <utility>

#include "bindings.hpp"
#include "fewbits/coding/integer_cdf.hpp"
#include "fewbits/coding/rans.hpp"
#include "fewbits/coding/symbol_model.hpp"

// A table with both of its prepared forms: one Python object serves encoder and decoder.
class Model {
public:
    explicit Model(fewbits::coding::StaticTable table)
        : table_(std::make_shared<const fewbits::coding::DecodeTable>(std::move(table))) {}
    const fewbits::coding::StaticTable& table() const { return table_->table(); }
    const std::shared_ptr<const fewbits::coding::DecodeTable>& decode_table() const { return table_; }

private:
    std::shared_ptr<const fewbits::coding::DecodeTable> table_;
};

// Parameters of mixtures with the arrays they point into, which live as long as the object. n is 0 for
// parameters that any number of symbols share.
class Mixture {
public:
    Mixture(Array1<const float> weights, Array1<const float> means, Array1<const float> scales, std::size_t n,
            int k, std::ptrdiff_t stride_k, std::ptrdiff_t stride_n, unsigned family, bool normalize)
        : weights_(std::move(weights)), means_(std::move(means)), scales_(std::move(scales)) {
        FEWBITS_REQUIRE(k >= 1 && k <= fewbits::coding::max_components, "Mixture: k must be in 1..16");
        FEWBITS_REQUIRE(family <= 2, "Mixture: family must be in 0..2");
        FEWBITS_REQUIRE(stride_k >= 0 && stride_n >= 0, "Mixture: strides must not be negative");
        // Python checked the shapes; this only keeps reads inside.
        const std::size_t last = static_cast<std::size_t>(k - 1) * static_cast<std::size_t>(stride_k) +
                                 (n == 0 ? 0 : (n - 1) * static_cast<std::size_t>(stride_n));
        const bool weighted = weights_.size() > 0;
        FEWBITS_REQUIRE(
            (n == 0 && stride_n != 0) || (last < means_.size() && last < scales_.size() &&
                                          (!weighted || last < weights_.size()) && (weighted || k == 1)),
            "Mixture: the arrays are too short");
        view_.weights = weighted ? weights_.data() : nullptr;
        view_.means = means_.data();
        view_.scales = scales_.data();
        view_.n = n;
        view_.k = k;
        view_.stride_k = stride_k;
        view_.stride_n = stride_n;
        view_.family = static_cast<fewbits::coding::Family>(family);
        view_.normalize = normalize;
    }
    // For `n` symbols.
    fewbits::coding::MixtureView view(std::size_t n) const {
        fewbits::coding::MixtureView view = view_;
        if (view.stride_n == 0) view.n = n;
        FEWBITS_REQUIRE(view.n == n, "Mixture: the model has parameters of another number of symbols");
        return view;
    }

private:
    Array1<const float> weights_, means_, scales_;
    fewbits::coding::MixtureView view_;
};

// Rows of probabilities, likewise.
class Rows {
public:
    Rows(Array1<const double> probs, std::size_t n, std::uint32_t alphabet, std::int32_t lo)
        : probs_(std::move(probs)) {
        FEWBITS_REQUIRE(probs_.size() == n * alphabet, "Rows: probs must have n rows");
        view_ = {probs_.data(), n, alphabet, lo};
    }
    const fewbits::coding::RowsView& view() const { return view_; }

private:
    Array1<const double> probs_;
    fewbits::coding::RowsView view_;
};

// A support of size 0 stands for none.
inline const fewbits::coding::Support* support_or_null(const fewbits::coding::Support& support) {
    return support.size == 0 ? nullptr : &support;
}

void register_coding_codes(nb::module_& m);
void register_coding_models(nb::module_& m);
void register_coding_streams(nb::module_& m);
