// What a stored tensor is made of: stages, blocks, rows. Shared by encoder, decoder and container.
//
// Elements are taken in C order. A row is the elements of one index of the first axis (tensors of two and
// more axes). Blocks hold 2^18 elements, or as many whole rows as fit into that where a row is not longer.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "fewbits/coding/dtype.hpp"
#include "fewbits/coding/rans.hpp"
#include "fewbits/coding/static_table.hpp"
#include "fewbits/core/error.hpp"
#include "fewbits/core/isa.hpp"
#include "fewbits/core/span.hpp"

namespace fewbits {
inline namespace FEWBITS_ISA {
namespace coding {

// One step of a tensor's pipeline. A pipeline is listed in the order of encoding and undone from the right.
enum class StageId : std::uint8_t {
    plain = 1,        // bytes as they are; one part
    byte_planes = 2,  // byte i of every element in part i
    float_split = 3,  // parameters j, flags (FloatSplitFlags)
    xor_base = 4,     // words XOR those of a base tensor; parameter: XXH64 of the base
};

struct Stage {
    StageId id;
    Bytes parameters;
};

constexpr const char* stage_name(StageId id) {
    switch (id) {
        case StageId::plain:
            return "plain";
        case StageId::byte_planes:
            return "byte_planes";
        case StageId::float_split:
            return "float_split";
        case StageId::xor_base:
            return "xor_base";
    }
    return "unknown";
}

inline constexpr std::uint8_t float_split_zero_symbols = 1;  // +0 and -0 are symbols without a remainder
inline constexpr std::uint8_t float_split_row_classes = 2;   // a table for each class of rows
inline constexpr std::uint8_t exact_row = 128;  // added to the class of a row whose low bits are 0
inline constexpr unsigned exact_row_bits = 13;  // float32 that was float16: these bits are not sent

inline constexpr std::size_t default_block_elements = std::size_t{1} << 18;
inline constexpr std::size_t max_block_elements = std::size_t{1} << 26;

// Elements, bytes, rows and blocks of a tensor; throws CorruptDataError where the product of the dimensions
// leaves 2^60 bytes.
struct TensorShape {
    Dtype dtype = Dtype::bytes;
    std::vector<std::uint64_t> dims;
    std::uint64_t elements = 0;
    unsigned itemsize = 1;
    std::uint64_t row_length = 0;  // 0: no rows (scalars, vectors, empty tensors)

    TensorShape() = default;
    TensorShape(Dtype type, std::vector<std::uint64_t> sizes)
        : dtype(type), dims(std::move(sizes)), itemsize(dtype_info(type).itemsize) {
        // A zero anywhere makes the tensor empty, whatever the others are.
        elements = 1;
        for (std::uint64_t dim : dims) elements = dim == 0 ? 0 : elements;
        for (std::uint64_t dim : dims) {
            if (elements == 0) break;
            if (dim > (std::uint64_t{1} << 60) / itemsize / elements) {
                throw CorruptDataError("tensor: the shape has more than 2^60 bytes");
            }
            elements *= dim;
        }
        if (dims.size() >= 2 && elements > 0) row_length = elements / dims[0];
    }
    std::uint64_t nbytes() const { return elements * itemsize; }
    std::uint64_t block_elements() const {
        if (row_length == 0 || row_length > default_block_elements) return default_block_elements;
        return default_block_elements / row_length * row_length;
    }
    std::uint64_t blocks() const { return (elements + block_elements() - 1) / block_elements(); }
};

// The static tables that blocks name by number, and the decode tables built from them when first needed.
// Thread-safe once filled. Built tables are dropped when they pass 32 MiB: a file can name many.
class TableStore {
public:
    TableStore() = default;
    explicit TableStore(std::vector<StaticTable> tables)
        : tables_(std::move(tables)), built_(tables_.size()) {}

    std::size_t size() const { return tables_.size(); }
    const StaticTable& table(std::size_t id) const { return tables_[id]; }

    std::shared_ptr<const DecodeTable> decode_table(std::uint64_t id) const {
        if (id >= tables_.size()) throw CorruptDataError("coded block: names a table that is not there");
        const std::size_t index = static_cast<std::size_t>(id);
        const std::lock_guard<std::mutex> lock(*mutex_);
        if (built_[index] == nullptr) {
            const std::size_t size = std::size_t{8} << tables_[index].precision();
            if (built_bytes_ + size > std::size_t{32} << 20) {
                for (auto& entry : built_) entry.reset();
                built_bytes_ = 0;
            }
            built_[index] = std::make_shared<const DecodeTable>(tables_[index]);
            built_bytes_ += size;
        }
        return built_[index];
    }

private:
    std::vector<StaticTable> tables_;
    std::unique_ptr<std::mutex> mutex_ = std::make_unique<std::mutex>();  // movable
    mutable std::vector<std::shared_ptr<const DecodeTable>> built_;
    mutable std::size_t built_bytes_ = 0;
};

}  // namespace coding
}  // namespace FEWBITS_ISA
}  // namespace fewbits
