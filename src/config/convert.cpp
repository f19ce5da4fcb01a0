// Conversion of one value: by the type of its option, then by its range or its choices. Every error continues the
// sentence "key 'NAME' ...".
#include "convert.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>
#include <optional>

#include "ledge/base/assert.hpp"
#include "ledge/base/code_point.hpp"
#include "ledge/base/quote.hpp"
#include "nearest.hpp"

namespace ledge::config {
namespace {

using Converted = Result<PlainValue, std::string>;

constexpr std::array<std::string_view, 5> size_units = {"B", "KiB", "MiB", "GiB", "TiB"};

/// A decimal number and nothing else. from_chars knows no locale and no blanks, unlike strtol.
std::optional<std::int64_t> parse_integer(std::string_view text) {
    std::int64_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
    return number;
}

/// Bytes of "4MiB", "4 MiB" or "4096"; nullopt if it is no size, or too large for 64 bits.
std::optional<std::int64_t> parse_size(std::string_view text) {
    const std::size_t digits = std::min(text.find_first_not_of("0123456789"), text.size());
    const auto number = parse_integer(text.substr(0, digits));
    std::string_view unit = text.substr(digits);
    // One blank may stand between number and unit, as in "4 MiB".
    if (unit.starts_with(' ')) unit.remove_prefix(1);
    // Only binary units: with MB a reader could not tell whether 1000 or 1024 is meant.
    const auto found = std::find(size_units.begin(), size_units.end(), unit.empty() ? "B" : unit);
    if (!number || found == size_units.end()) return std::nullopt;
    // Each unit is 1024 times the one before it. A size that does not fit into 63 bits is refused.
    const auto shift = static_cast<unsigned>(10 * (found - size_units.begin()));
    if (*number > (std::numeric_limits<std::int64_t>::max() >> shift)) return std::nullopt;
    return *number << shift;
}

struct TimeUnit {
    std::string_view name;
    std::int64_t milliseconds;
};
// Complaints propose "min"; "m" means minutes as well.
constexpr TimeUnit time_units[] = {{"ms", 1},     {"s", 1000},      {"min", 60'000},
                                   {"m", 60'000}, {"h", 3'600'000}, {"d", 86'400'000}};

/// Milliseconds of "500ms", "1 min" or "2h"; nullopt if it is no duration, or too large for 64 bits.
std::optional<std::int64_t> parse_duration(std::string_view text) {
    const std::size_t digits = std::min(text.find_first_not_of("0123456789"), text.size());
    const auto number = parse_integer(text.substr(0, digits));
    std::string_view name = text.substr(digits);
    if (name.starts_with(' ')) name.remove_prefix(1);
    const auto* const unit = std::ranges::find(time_units, name, &TimeUnit::name);
    if (!number || unit == std::end(time_units)) return std::nullopt;
    // The product must not overflow: that is undefined behaviour in C++.
    if (*number > std::numeric_limits<std::int64_t>::max() / unit->milliseconds) return std::nullopt;
    return *number * unit->milliseconds;
}

/// Options with these units also accept a duration with a unit of its own, such as "5 min".
bool is_duration(const Option& option) { return option.unit == "s" || option.unit == "ms"; }

std::string join(std::span<const std::string_view> words) {
    std::string out;
    for (const std::string_view word : words) {
        if (!out.empty()) out += ", ";
        out += word;
    }
    return out;
}

/// The complaint about a value of another type: it names what is wanted and what was found.
Failure<std::string> wrong_type(std::string wanted, const Value& value) {
    return Failure{"must be " + std::move(wanted) + ", not " + describe(value)};
}

/// Integers, sizes and durations. A number without a unit is in the unit of the option.
Converted convert_number(const Option& option, const Value& value) {
    LEDGE_ASSERT(option.smallest <= option.largest);
    // nullopt until one of the allowed forms has matched: a number, a size or a duration.
    std::optional<std::int64_t> number;
    if (const auto* integer = std::get_if<std::int64_t>(&value)) number = *integer;
    const auto* text = std::get_if<std::string>(&value);
    if (option.type == Type::size && text != nullptr) number = parse_size(*text);
    if (is_duration(option) && text != nullptr) {
        number = parse_duration(*text);
        // The text was read in milliseconds. An option in seconds takes whole seconds only, so nothing is rounded.
        const std::int64_t parts = option.unit == "s" ? 1000 : 1;
        if (number && *number % parts != 0)
            return Failure{"is " + quoted(*text) + ", but must be whole seconds; use " +
                           std::to_string(*number / parts + 1)};
        if (number) *number /= parts;
    }
    // The complaint lists every form that this option accepts.
    if (!number) {
        std::string wanted = "a whole number";
        if (!option.unit.empty()) wanted += " of " + std::string(option.unit == "s" ? "seconds" : option.unit);
        if (option.type == Type::size) wanted += " or a size such as \"4 MiB\" (B, KiB, MiB, GiB, TiB)";
        if (is_duration(option)) wanted += " or a duration such as \"5 min\" (ms, s, min, h, d)";
        // A frequent mistake gets its own advice: a number in quotes.
        const bool is_quoted_number = option.type == Type::integer && text != nullptr && parse_integer(*text);
        auto failure = wrong_type(wanted, value);
        if (is_quoted_number) failure.error += "; write it without quotes";
        return failure;
    }
    if (*number < option.smallest || *number > option.largest) {
        // The complaint proposes the allowed number that is nearest to the given one.
        const std::int64_t fix = std::clamp(*number, option.smallest, option.largest);
        return Failure{"is out of range: " + std::to_string(*number) + "; allowed are " + range_text(option) +
                       "; use " + std::to_string(fix)};
    }
    return PlainValue(*number);
}

/// One of a few words. The result is the index of the word, which the row of the option casts to its enum.
Converted convert_choice(const Option& option, const Value& value) {
    LEDGE_ASSERT(!option.choices.empty());
    const std::string wanted = "one of " + join(option.choices);
    const auto* text = std::get_if<std::string>(&value);
    // A number in the place of a word is not taken as its index, because the order of words is internal.
    if (text == nullptr) return wrong_type(wanted, value);
    const auto found = std::find(option.choices.begin(), option.choices.end(), *text);
    if (found != option.choices.end()) return PlainValue(std::int64_t{found - option.choices.begin()});
    auto failure = wrong_type(wanted, value);
    // Most wrong words are slips, so the complaint proposes the nearest choice.
    const std::vector<std::string> candidates(option.choices.begin(), option.choices.end());
    const std::string meant = nearest(*text, candidates);
    if (!meant.empty()) failure.error += "; did you mean " + quoted(meant) + "?";
    return failure;
}

/// The mistake in a text, "" if there is none.
std::string problem_of_text(const std::string& text) {
    if (text.size() > text_bytes_max) return "is longer than " + std::to_string(text_bytes_max) + " bytes";
    // By characters and not by bytes, because a C1 control character has two bytes in UTF-8.
    for (std::string_view rest = text; !rest.empty();) {
        const CodePoint c = decode_utf8(rest);
        if (c.length == 0) return "is not UTF-8";
        // Control characters (C0, DEL, C1) would let a value forge lines of the log.
        if (c.value < 0x20 || (c.value >= 0x7F && c.value < 0xA0)) {
            return "contains a control character: " + describe(text);
        }
        rest.remove_prefix(c.length);
    }
    return {};
}

/// A text of any content that can be printed in one line.
Converted convert_text(const Value& value) {
    const auto* text = std::get_if<std::string>(&value);
    if (text == nullptr) return wrong_type("a text in quotes", value);
    std::string problem = problem_of_text(*text);
    if (!problem.empty()) return Failure{std::move(problem)};
    return PlainValue(*text);
}

/// A list of texts. An empty text in a list is refused: it is more likely a slip than a wish.
Converted convert_list(const Value& value) {
    const auto* texts = std::get_if<TextList>(&value);
    const auto* other = std::get_if<OtherValue>(&value);
    // The value is a list, so "must be a list" would be misleading here.
    if (other != nullptr && other->kind == list_kind) return Failure{std::string("must be a list of texts only")};
    if (texts == nullptr) return wrong_type("a list of texts, for example [\"a\", \"b\"]", value);
    if (texts->size() > list_texts_max) return Failure{"has more than " + std::to_string(list_texts_max) + " texts"};
    for (const std::string& text : *texts) {
        const std::string problem = text.empty() ? "is empty" : problem_of_text(text);
        if (!problem.empty()) return Failure{"has a text that " + problem};
    }
    return PlainValue(*texts);
}

/// "a, b" -> ["a", "b"]; "" is the empty list.
TextList split(std::string_view text) {
    TextList result;
    while (!text.empty()) {
        // A text that contains a comma cannot be written after --set; the file can hold it.
        const std::size_t comma = std::min(text.find(','), text.size());
        std::string_view part = text.substr(0, comma);
        part.remove_prefix(std::min(part.find_first_not_of(' '), part.size()));
        part = part.substr(0, part.find_last_not_of(' ') + 1);
        result.emplace_back(part);
        text.remove_prefix(std::min(comma + 1, text.size()));
    }
    return result;
}

}  // namespace

Converted convert(const Option& option, const Value& value) {
    switch (option.type) {
        case Type::boolean:
            if (const auto* boolean = std::get_if<bool>(&value)) return PlainValue(*boolean);
            return wrong_type("true or false", value);
        case Type::integer:
        case Type::size: return convert_number(option, value);
        case Type::choice: return convert_choice(option, value);
        case Type::text: return convert_text(value);
        case Type::list: return convert_list(value);
    }
    // Not reached: the switch has every type. No default, so that the compiler names a type that is missing.
    return Failure{std::string("has no type")};
}

Converted convert_flag(const Option& option, const std::string& text) {
    // A flag has no quotes, so the type of the option decides how its text is read. Quotes around a text are removed.
    const bool is_number = option.type == Type::integer || option.type == Type::size;
    if (const auto number = parse_integer(text); is_number && number) return convert(option, *number);
    // Any other word becomes a text, which convert() refuses with the words that are allowed.
    if (option.type == Type::boolean && (text == "true" || text == "false")) return PlainValue(text == "true");
    if (option.type == Type::list) return convert(option, split(text));
    // After --set the shell may leave the quotes of TOML in place. They are no part of the text.
    const bool is_quoted = text.size() >= 2 && text.front() == '"' && text.back() == '"';
    return convert(option, is_quoted ? text.substr(1, text.size() - 2) : text);
}

Converted convert(const Option& option, const Assignment& assignment) {
    LEDGE_ASSERT(!assignment.is_flag || std::holds_alternative<std::string>(assignment.value));
    const auto* text = std::get_if<std::string>(&assignment.value);
    const bool is_from_outside = assignment.has_reference && text != nullptr && option.type != Type::text;
    return assignment.is_flag || is_from_outside ? convert_flag(option, *text) : convert(option, assignment.value);
}

std::string range_text(const Option& option) {
    std::string out = std::to_string(option.smallest) + " to " + std::to_string(option.largest);
    if (!option.unit.empty()) out += " " + std::string(option.unit);
    // "1099511627776 bytes" is hard to read, so a size is also shown with its unit.
    const std::string largest = option.type == Type::size ? size_text(option.largest) : "";
    if (!largest.empty()) out += " (" + largest + ")";
    return out;
}

std::string size_text(std::int64_t bytes) {
    LEDGE_ASSERT(bytes >= 0);
    std::size_t unit = 0;
    // Only exact multiples get a larger unit, so that the printed size parses back to the same number.
    while (bytes > 0 && bytes % 1024 == 0 && unit + 1 < size_units.size()) {
        bytes /= 1024;
        ++unit;
    }
    return unit == 0 ? "" : std::to_string(bytes) + " " + std::string(size_units[unit]);
}

}  // namespace ledge::config
