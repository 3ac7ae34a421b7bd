#include "fewbits/coding/ans_stack.hpp"

#include <random>
#include <vector>

#include "check.hpp"

using namespace fewbits;
using namespace fewbits::coding;

namespace {

Bytes random_bytes(std::mt19937_64& random, std::size_t n) {
    Bytes bytes(n);
    for (std::uint8_t& byte : bytes) byte = static_cast<std::uint8_t>(random());
    return bytes;
}

}  // namespace

// On any content and under any model: pop then push, and push then pop, restore words and state.
TEST(ans_stack_push_and_pop_undo_each_other) {
    std::mt19937_64 random(1);
    for (int round = 0; round < 2000; ++round) {
        const Bytes seed = random_bytes(random, random() % 40);
        AnsStack stack = AnsStack::from_bytes(seed, true);
        CHECK(stack.unseal() == seed);
        const std::size_t n = 1 + random() % 20;
        std::vector<float> means(n), scales(n);
        for (std::size_t i = 0; i < n; ++i) {
            means[i] = static_cast<float>(random() % 200) / 10 - 10;
            scales[i] = 0.1F + static_cast<float>(random() % 100) / 20;
        }
        MixtureView view;
        view.means = means.data();
        view.scales = scales.data();
        view.n = n;
        MixtureSymbolModel mixture(view, {-20, 41, 0});
        std::vector<std::uint64_t> counts(2 + random() % 50);
        for (std::uint64_t& count : counts) count = 1 + random() % 100;
        TableSymbolModel table(std::make_shared<const DecodeTable>(
            StaticTable::from_counts(counts, 0, 8 + static_cast<unsigned>(random() % 17))));
        SymbolModel* both[] = {&mixture, &table};
        for (SymbolModel* model : both) {
            const std::size_t words = stack.words();
            const std::uint64_t state = stack.state();
            std::vector<std::int32_t> symbols(n), again(n);
            stack.pop(*model, Span<std::int32_t>(symbols), true);
            stack.push(symbols, *model);
            CHECK_EQUAL(stack.words(), words);
            CHECK_EQUAL(stack.state(), state);
            for (std::int32_t& symbol : symbols) symbol = static_cast<std::int32_t>(random() % counts.size());
            if (model == &mixture) {
                for (std::int32_t& symbol : symbols) symbol = symbol % 41 - 20;
            }
            stack.push(symbols, *model);
            stack.pop(*model, Span<std::int32_t>(again));
            CHECK(again == symbols);
            CHECK_EQUAL(stack.words(), words);
            CHECK_EQUAL(stack.state(), state);
        }
        const unsigned bits = static_cast<unsigned>(random() % 25);
        const std::uint64_t state = stack.state();
        const std::uint32_t value = stack.pop_bits(bits, true);
        stack.push_bits(value, bits);
        CHECK_EQUAL(stack.state(), state);
        CHECK(stack.unseal() == seed);
        const AnsStack copy = AnsStack::from_bytes(stack.to_bytes());
        CHECK(copy.words() == stack.words() && copy.state() == stack.state());
    }
}

TEST(ans_stack_messages) {
    TableSymbolModel table(std::make_shared<const DecodeTable>(
        StaticTable::from_counts(std::vector<std::uint64_t>{7, 2, 1}, 0, 12)));
    std::mt19937_64 random(2);
    for (const std::size_t n : std::vector<std::size_t>{1, 2, 10, 1000}) {
        std::vector<std::int32_t> symbols(n), back(n);
        for (std::int32_t& symbol : symbols) symbol = static_cast<std::int32_t>(random() % 3);
        symbols.back() = 0;  // slot 0 at the bottom
        AnsStack stack;
        CHECK(stack.is_empty() && stack.to_bytes().empty());
        stack.push(symbols, table);
        CHECK(stack.num_bits() == 8 * stack.to_bytes().size() && stack.num_valid_bits() <= stack.num_bits());
        stack.pop(table, Span<std::int32_t>(back));
        CHECK(back == symbols && stack.is_empty());
        CHECK_THROWS(stack.pop(table, Span<std::int32_t>(back)), CorruptDataError);
        CHECK_THROWS(stack.pop_bits(3), CorruptDataError);
        CHECK_EQUAL(stack.pop_bits(3, true), 0U);
        AnsStack sealed = AnsStack::from_bytes({}, true);
        sealed.push(symbols, table);
        AnsStack read = AnsStack::from_bytes(sealed.to_bytes());
        read.pop(table, Span<std::int32_t>(back));
        CHECK(back == symbols);
        CHECK(read.unseal().empty());
    }
}

TEST(ans_stack_positions_and_refusals) {
    AnsStack stack;
    stack.push_bits(0xabcdef, 24);
    const std::size_t words = stack.words();
    const std::uint64_t state = stack.state();
    for (int i = 0; i < 10; ++i) stack.push_bits(0xffffff, 24);
    CHECK(stack.words() > words);
    AnsStack other = stack;
    other.seek(words, state);
    CHECK_EQUAL(other.pop_bits(24), 0xabcdefU);
    CHECK_THROWS(stack.seek(stack.words() + 1, rans64_lower), ArgumentError);
    CHECK_THROWS(stack.seek(1, 5), ArgumentError);
    CHECK_THROWS(stack.push_bits(8, 3), ArgumentError);
    CHECK_THROWS(stack.push_bits(0, 25), ArgumentError);
    CHECK_THROWS(AnsStack::from_bytes(Bytes{1, 2, 3}), CorruptDataError);
    CHECK_THROWS(AnsStack::from_bytes(Bytes{1, 2, 3, 4, 0, 0, 0, 0}), CorruptDataError);
    CHECK_THROWS(stack.unseal(), CorruptDataError);
    TableSymbolModel table(std::make_shared<const DecodeTable>(
        StaticTable::from_counts(std::vector<std::uint64_t>{7, 2, 1}, 0, 12)));
    const Bytes before = stack.to_bytes();
    const std::vector<std::int32_t> bad{0, 1, 3};
    CHECK_THROWS(stack.push(bad, table), ArgumentError);
    CHECK(stack.to_bytes() == before);
}
