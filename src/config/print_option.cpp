// One option with its documentation: the value as TOML, and the comment above it.
#include "print_option.hpp"

#include <algorithm>

#include "convert.hpp"
#include "ledge/base/assert.hpp"
#include "ledge/base/quote.hpp"
#include "ledge/config/load.hpp"
#include "listener_draft.hpp"
#include "references.hpp"

namespace ledge::config {
namespace {

constexpr std::size_t comment_columns = 100;

/// ["a", "b"]
std::string literal_list(const TextList& texts) {
    std::string out = "[";
    for (const std::string& text : texts) out += (out.size() > 1 ? ", " : "") + text_literal(text);
    return out + "]";
}

/// "Default: 4194304 bytes (4 MiB). Allowed: 0 to 1099511627776 bytes (1 TiB)." Without the first sentence if the
/// help of the option describes the default itself.
std::string facts(const Option& option) {
    std::string out;
    if (option.help.find("Default:") == std::string_view::npos) {
        // The default is the value in a default-constructed struct; the table has no copy of it.
        Config config;
        ListenerDraft draft;
        BridgeSettings bridge;
        bridge::Route route;
        const PlainValue value = option.get({&config, &config.limits, &draft, &bridge, &route});
        out += "Default: " + literal(option, value);
        if (!option.unit.empty()) out += " " + std::string(option.unit);
        const auto* number = std::get_if<std::int64_t>(&value);
        const std::string size = option.type == Type::size ? size_text(*number) : "";
        out += size.empty() ? "." : " (" + size + ").";
    }
    if (option.type == Type::choice) {
        std::string_view separator = " One of: ";
        for (const std::string_view choice : option.choices) {
            out += std::string(separator) + quoted(choice);
            separator = ", ";
        }
        out += ".";
    } else if (option.type == Type::integer || option.type == Type::size) {
        out += " Allowed: " + range_text(option) + ".";
    }
    return out;
}

}  // namespace

std::string Origin::value_of(std::string_view key, std::string usual) const {
    if (loaded == nullptr) return usual;
    const std::string full = prefix + std::string(key);
    const auto written = loaded->written.find(full);
    if (written != loaded->written.end()) usual = written->second;
    const auto place = loaded->places.find(full);
    if (place == loaded->places.end()) return usual;
    usual += "  # ";
    // A path may have any characters, and a line end in it would end the comment.
    for (const char c : place->second) usual += static_cast<unsigned char>(c) < 0x20 || c == 0x7F ? '?' : c;
    return usual;
}

/// In a file, ${ would begin a reference.
std::string text_literal(std::string_view text) { return quoted(without_references(text)); }

std::string literal(const Option& option, const PlainValue& value) {
    if (const auto* boolean = std::get_if<bool>(&value)) return *boolean ? "true" : "false";
    if (const auto* text = std::get_if<std::string>(&value)) return text_literal(*text);
    if (const auto* texts = std::get_if<TextList>(&value)) return literal_list(*texts);
    const std::int64_t number = std::get<std::int64_t>(value);
    // The number of a choice comes from an enumeration, so it has a word.
    LEDGE_ASSERT(option.type != Type::choice || static_cast<std::size_t>(number) < option.choices.size());
    if (option.type == Type::choice) return quoted(option.choices[static_cast<std::size_t>(number)]);
    return std::to_string(number);
}

void append_comment(std::string_view text, std::string& out) {
    std::string line = "#";
    // A word is never split, so a word longer than a line makes a longer line.
    while (!text.empty()) {
        const std::size_t end = std::min(text.find(' '), text.size());
        if (line.size() + 1 + end > comment_columns) {
            out += line + "\n";
            line = "#";
        }
        line += " ";
        line += text.substr(0, end);
        text.remove_prefix(std::min(end + 1, text.size()));
    }
    out += line + "\n";
}

void append_option(const Option& option, Place place, bool is_documented, const Origin& origin, std::string& out) {
    if (is_documented) {
        const std::string facts_of_option = facts(option);
        append_comment(option.help, out);
        if (!facts_of_option.empty()) append_comment(facts_of_option, out);
    }
    out += std::string(option.name) + " = " + origin.value_of(option.key(), literal(option, option.get(place))) + "\n";
    // An empty line between options, because the comment of the next one follows.
    if (is_documented) out += "\n";
}

}  // namespace ledge::config
