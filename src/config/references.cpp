// Looks references up and replaces them. The text that a reference gives is not searched for further references, so a
// secret may contain any characters, and no reference can lead to itself.
#include "references.hpp"

#include <algorithm>
#include <cstdlib>

#include "ledge/base/quote.hpp"
#include "ledge/os/file.hpp"

namespace ledge::config {
namespace {

constexpr std::string_view start = "${";
constexpr std::string_view escape = "$${";
constexpr std::string_view variable_word = "env:";
constexpr std::string_view file_word = "file:";
constexpr std::size_t replaced_bytes_min = 6;

std::optional<std::string> variable_of_process(const std::string& name) {
    const char* value = std::getenv(name.c_str());
    return value != nullptr ? std::optional<std::string>(value) : std::nullopt;
}

Result<std::string, Error> text_of_file(const std::string& path) {
    auto file = os::read_regular_file(path, reference_bytes_max);
    if (!file) return Failure{file.error()};
    // `echo secret > file` ends the line; no value of a key contains a line end.
    std::string& text = file->text;
    if (text.ends_with('\n')) text.pop_back();
    if (text.ends_with('\r')) text.pop_back();
    return std::move(text);
}

/// A name as POSIX allows it for the environment of a shell.
bool is_variable_name(std::string_view name) {
    return is_bare_key(name) && name.find('-') == std::string_view::npos && !(name[0] >= '0' && name[0] <= '9');
}

void replace_all(std::string& text, std::string_view from, std::string_view to) {
    for (std::size_t at = 0; (at = text.find(from, at)) != std::string::npos; at += to.size())
        text.replace(at, from.size(), to);
}

}  // namespace

Outside system_outside() { return {variable_of_process, text_of_file}; }

Outside empty_outside() {
    return {[](const std::string&) -> std::optional<std::string> { return std::nullopt; },
            [](const std::string& path) -> Result<std::string, Error> {
                return Failure{Error{{}, "{} is not read here", path}};
            }};
}

std::string without_references(std::string_view text) {
    std::string out(text);
    replace_all(out, start, escape);
    return out;
}

/// `reference` is the text between the braces. The error continues "key '...' ".
Result<std::string, std::string> References::look_up(std::string_view reference) {
    if (reference.starts_with(variable_word)) {
        const std::string name(reference.substr(variable_word.size()));
        if (!is_variable_name(name))
            return Failure{"has ${env:" + name.substr(0, 60) +
                           "}, which names no environment variable: use letters, digits and '_'"};
        auto value = outside_.variable(name);
        if (value) return std::move(*value);
        return Failure{"needs the environment variable " + name +
                       ", which is not set; set it for the broker, or write "
                       "the value here"};
    }
    if (reference.starts_with(file_word) && reference.size() > file_word.size()) {
        const std::string path(reference.substr(file_word.size()));
        auto text = outside_.file(path);
        if (!text) return Failure{"needs a file: " + text_of(text.error()) + "; create it, or write the value here"};
        if (text->size() > reference_bytes_max) return Failure{"needs the file " + path + ", which is too large"};
        return std::move(*text);
    }
    return Failure{"has ${" + std::string(reference.substr(0, 60)) +
                   "}, which is no reference; write ${env:NAME} or ${file:PATH}, and $${ for the characters ${"};
}

std::string References::expand_text(std::string& text, bool& has_reference) {
    std::string out;
    for (std::string_view rest = text; !rest.empty();) {
        if (rest.starts_with(escape)) {
            out += start;
            rest.remove_prefix(escape.size());
            continue;
        }
        if (!rest.starts_with(start)) {
            out += rest.front();
            rest.remove_prefix(1);
            continue;
        }
        const std::size_t end = rest.find('}');
        if (end == std::string_view::npos) return "has ${ without the brace } that ends it; $${ stands for ${";
        const std::string_view written = rest.substr(0, end + 1);
        auto value = look_up(rest.substr(start.size(), end - start.size()));
        if (!value) return value.error();
        has_reference = true;
        out += *value;
        if (out.size() > reference_bytes_max) return "is longer than 64 KiB with its references";
        values_.emplace_back(std::move(*value), written);
        rest.remove_prefix(written.size());
    }
    text = std::move(out);
    return {};
}

std::string References::expand(Assignment& assignment) {
    std::string written;
    bool has_reference = false;
    std::string problem;
    if (auto* text = std::get_if<std::string>(&assignment.value)) {
        written = quoted(*text);
        problem = expand_text(*text, has_reference);
    } else if (auto* texts = std::get_if<TextList>(&assignment.value)) {
        for (std::string& element : *texts) {
            written += (written.empty() ? "[" : ", ") + quoted(element);
            if (problem.empty()) problem = expand_text(element, has_reference);
        }
        written += "]";
    }
    // Also without a reference, because a later assignment of the key replaces an earlier one that had one.
    written_.erase(assignment.key);
    if (!has_reference) return problem;
    assignment.has_reference = true;
    written_[assignment.key] = std::move(written);
    return problem;
}

std::string without_values(std::string text, OutsideValues values) {
    // Longest first: a value may be a part of another one.
    std::ranges::sort(values, [](const auto& a, const auto& b) { return a.first.size() > b.first.size(); });
    for (const auto& [value, reference] : values) {
        // Complaints show at most the beginning of a long text, with escapes (describe()).
        replace_all(text, describe(Value(value)), "the value of " + reference);
        if (value.size() < replaced_bytes_min) continue;
        // Most complaints show a text in quotes, with a backslash before special characters.
        const std::string escaped = quoted(value);
        replace_all(text, std::string_view(escaped).substr(1, escaped.size() - 2), reference);
        replace_all(text, value, reference);
    }
    return text;
}

}  // namespace ledge::config
