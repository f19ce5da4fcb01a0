// The rows hold pointers to their texts. In a position-independent program the loader writes each pointer at the start,
// and a page that is written is memory of its own: 16 KB for this table, in a process that has 430 KB when idle. So the
// program keeps the texts of all rows in one array of characters, and each row by the places of its texts there. The
// compiler computes both from the rows, and leaves the rows themselves out of the program.
#include "ledge/broker/metric_table.hpp"

#include <iterator>

#include "ledge/base/assert.hpp"
#include "metric_rows.hpp"
#include "store_metric_rows.hpp"

namespace ledge::broker {
namespace {

using metric_rows::first_rows;
using metric_rows::store_rows;

constexpr std::size_t row_count = std::size(first_rows) + std::size(store_rows);

constexpr std::array<Metric, row_count> joined_rows() {
    std::array<Metric, row_count> joined{};
    std::size_t end = 0;
    for (const Metric& row : first_rows) joined[end++] = row;
    for (const Metric& row : store_rows) joined[end++] = row;
    return joined;
}
constexpr auto rows = joined_rows();
constexpr std::size_t texts_of_a_row = 9;
using Texts = std::array<std::string_view, texts_of_a_row>;

constexpr Texts texts_of(const Metric& row) {
    return {row.name, row.unit, row.label, row.label_value, row.topic, row.other_topic, row.load, row.help, row.sample};
}

// Computed first, because the array of the texts needs its size at compile time.
constexpr std::size_t characters() {
    std::size_t sum = 0;
    for (const Metric& row : rows) {
        for (const std::string_view text : texts_of(row)) sum += text.size();
    }
    return sum;
}

// 4 bytes for each text, where a string_view would need 16 bytes and a relocation.
struct Place {
    std::uint16_t begin;
    std::uint16_t size;
};
static_assert(characters() <= 0xFFFF, "a place has 16 bits");

struct PackedRow {
    std::array<Place, texts_of_a_row> texts;
    MetricGroup group;
    MetricType type;
    bool is_topic_with_unit;
    bool needs_store;
};

struct Packed {
    std::array<char, characters()> text;
    std::array<PackedRow, row_count> rows;
};

constexpr Packed pack() {
    Packed packed{};
    std::size_t end = 0;
    for (std::size_t i = 0; i < row_count; ++i) {
        const Texts texts = texts_of(rows[i]);
        for (std::size_t j = 0; j < texts_of_a_row; ++j) {
            packed.rows[i].texts[j] = {static_cast<std::uint16_t>(end), static_cast<std::uint16_t>(texts[j].size())};
            for (const char c : texts[j]) packed.text[end++] = c;
        }
        packed.rows[i].group = rows[i].group;
        packed.rows[i].type = rows[i].type;
        packed.rows[i].is_topic_with_unit = rows[i].is_topic_with_unit;
        packed.rows[i].needs_store = rows[i].needs_store;
    }
    return packed;
}

constexpr auto readers_of_rows() {
    std::array<decltype(Metric::read), row_count> readers{};
    for (std::size_t i = 0; i < row_count; ++i) readers[i] = rows[i].read;
    return readers;
}

constexpr Packed packed = pack();
constexpr auto readers = readers_of_rows();

}  // namespace

std::string text_of(const Reading& reading) { return text_of(reading.number, reading.decimals); }

std::string text_of(std::uint64_t number, unsigned decimals) {
    std::string digits = std::to_string(number);
    if (decimals == 0) return digits;
    if (digits.size() <= decimals) digits.insert(0, decimals + 1 - digits.size(), '0');
    return digits.insert(digits.size() - decimals, ".");
}

std::size_t metric_count() { return row_count; }

Metric metric(std::size_t index) {
    LEDGE_ASSERT(index < row_count);
    const PackedRow& row = packed.rows[index];
    const auto text = [&row](std::size_t i) {
        return std::string_view(packed.text.data() + row.texts[i].begin, row.texts[i].size);
    };
    return {.group = row.group,
            .name = text(0),
            .type = row.type,
            .unit = text(1),
            .label = text(2),
            .label_value = text(3),
            .topic = text(4),
            .other_topic = text(5),
            .is_topic_with_unit = row.is_topic_with_unit,
            .load = text(6),
            .needs_store = row.needs_store,
            .read = readers[index],
            .help = text(7),
            .sample = text(8)};
}

}  // namespace ledge::broker
