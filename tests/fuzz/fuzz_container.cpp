// Containers whose checksums are made right wherever the lengths can be followed.
#include "fewbits/coding/container.hpp"
#include "fuzz.hpp"

using namespace fewbits;
using namespace fewbits::coding;

namespace {

void reseal(Span<std::uint8_t> file) {
    const std::size_t least = container_header_size + container_footer_size;
    if (file.size() < least) return;
    std::memcpy(file.data(), container_magic, sizeof container_magic);
    std::uint8_t* footer = file.data() + file.size() - container_footer_size;
    for (std::size_t i = 0; i < 8; ++i) footer[24 + i] = container_magic[7 - i];
    // The index is what lies between its offset, which the input gives, and the footer.
    const std::uint64_t room = file.size() - least;
    const std::uint64_t offset = container_header_size + load_le<std::uint32_t>(footer) % (room + 1);
    const std::uint64_t length = file.size() - container_footer_size - offset;
    for (std::uint8_t* at : {footer, file.data() + 24}) {
        store_le(at, offset);
        store_le(at + 8, length);
    }
    std::size_t at = static_cast<std::size_t>(offset) + 4;
    const std::size_t end = static_cast<std::size_t>(offset + length);
    while (end - at >= 12 && at < end) {
        const std::uint64_t size = std::uint64_t{8} + load_le<std::uint32_t>(file.data() + at);
        if (size + 4 > end - at) break;
        store_le(file.data() + at + size, crc32c(file.subspan(at, static_cast<std::size_t>(size))));
        at += static_cast<std::size_t>(size) + 4;
    }
    store_le(file.data() + 44, crc32c(file.first(44)));
    store_le(footer + 16,
             crc32c(file.subspan(static_cast<std::size_t>(offset), static_cast<std::size_t>(length))));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    return fuzz(data, size, [](Span<std::uint8_t> input) {
        reseal(input);
        const FileReader reader(input, 1 << 20);
        for (std::size_t i = 0; i < reader.tensors().size(); ++i) {
            try {
                const FileReader::Tensor tensor(reader, i);
                Bytes out(static_cast<std::size_t>(tensor.entry().shape.nbytes()));
                tensor.decode(out, Verify::none);
            } catch (const Error&) {
            }
        }
    });
}
