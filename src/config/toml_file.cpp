// Turns TOML into a flat list of assignments, after checks that keep the parser of toml++ away from texts that break
// it.
#include "toml_file.hpp"

#include <algorithm>

#include "admin_tokens.hpp"
#include "bridges.hpp"
#include "ledge/base/assert.hpp"
#include "ledge/base/code_point.hpp"
#include "ledge/base/quote.hpp"
#include "levels.hpp"

// toml++ relies on assumptions that it does not check in release builds: the file "[&" is undefined behaviour there
// (issue 294 of toml++). TOML_ASSERT below checks its assumptions in every build, and a broken assumption leaves the
// parser as an exception. check_lines() refuses the texts that are known to break an assumption.
namespace ledge::config {
struct BrokenAssumption {};
[[noreturn]] static void leave_parser() { throw BrokenAssumption{}; }
}  // namespace ledge::config
#undef NDEBUG
#define TOML_ASSERT(expression) (static_cast<bool>(expression) ? void() : ::ledge::config::leave_parser())
// A mistake in the text is a result and not an exception.
#define TOML_EXCEPTIONS 0
// Bounds the recursion of the parser and of Walk (README).
#define TOML_MAX_NESTED_VALUES 16
#include <toml++/toml.h>

namespace ledge::config {
namespace {

std::string place_of(std::string_view file_name, std::size_t line) {
    return std::string(file_name) + ":" + std::to_string(line);
}

/// A list of texts. No option accepts a list of other things, so such a list becomes an OtherValue.
Value list_of(const toml::array& array) {
    TextList texts;
    for (const toml::node& element : array) {
        if (!element.is_string()) return OtherValue{list_kind};
        texts.push_back(element.as_string()->get());
    }
    return texts;
}

Value value_of(const toml::node& node) {
    switch (node.type()) {
        case toml::node_type::boolean: return node.as_boolean()->get();
        case toml::node_type::integer: return node.as_integer()->get();
        case toml::node_type::floating_point: return node.as_floating_point()->get();
        case toml::node_type::string: return node.as_string()->get();
        case toml::node_type::array: return list_of(*node.as_array());
        case toml::node_type::table: return OtherValue{table_kind};
        // toml++ has three types for dates and times, which no option uses.
        default: return OtherValue{"a date or time"};
    }
}

/// Removes the last name of Walk::around when a table has been walked.
struct Leave {
    std::vector<std::string>& around;
    ~Leave() {
        LEDGE_ASSERT(!around.empty());
        around.pop_back();
    }
};

/// Walks a table and collects a flat list of its keys, each with the names of the tables around it.
struct Walk {
    std::string_view file_name;
    std::vector<std::pair<std::size_t, Assignment>> found;  // with the line, for sorting

    /// The key that is being looked at, after the names of the tables around it.
    std::vector<std::string> around{};
    /// Where the keys of the present list of tables have the number of the member; 0 = outside of such lists.
    std::size_t list_number_at = 0;

    /// Walks a list of tables. The key of a table is its position in the list, from 1.
    void list(const toml::array& list, const std::string& prefix) {
        list_number_at = prefix.size();
        for (std::size_t i = 0; i < list.size(); ++i) {
            // is_array_of_tables() has checked this for the whole list.
            LEDGE_ASSERT(list[i].is_table());
            const std::string path = prefix + std::to_string(i + 1);
            const toml::table& member = *list[i].as_table();
            // A member without keys counts too, because the numbers of the members after it depend on it.
            if (member.empty()) add(member, path, member.source().begin.line);
            this->table(member, path + ".");
        }
        list_number_at = 0;
    }

    void add(const toml::node& node, std::string key, std::size_t line) {
        Assignment assignment{std::move(key), value_of(node), place_of(file_name, line), false};
        assignment.path = around;
        assignment.line = static_cast<std::uint32_t>(line);
        assignment.list_number_at = list_number_at;
        // A list may go over many lines, and a complaint names the line of its text.
        if (std::holds_alternative<TextList>(assignment.value)) {
            for (const toml::node& element : *node.as_array())
                assignment.element_lines.push_back(element.source().begin.line);
        }
        found.push_back({line, std::move(assignment)});
    }

    void table(const toml::table& table, const std::string& prefix) {
        for (const auto& [key, node] : table) {
            const std::string_view name = key.str();
            // Other keys are quoted, so that a dot inside a name cannot be taken for a separator.
            const std::string path = prefix + (is_bare_key(name) ? std::string(name) : quoted(name));
            around.emplace_back(name);
            // Removes the name at the end of each turn, also after `continue`.
            const Leave leave{around};
            // The only lists of tables that have a meaning. Any other one becomes an OtherValue, which its option
            // refuses.
            const bool is_list =
                path == levels_key || path == admin_tokens_key || path == devices_key || Bridges::is_routes_key(around);
            if (is_list && node.is_array_of_tables()) {
                list(*node.as_array(), path + ".");
                continue;
            }
            const toml::table* inner = node.as_table();
            // An empty table has no key that could be reported, so it is an assignment itself.
            if (inner != nullptr && !inner->empty()) {
                this->table(*inner, path + ".");
            } else {
                add(node, path, key.source().begin.line);
            }
        }
    }
};

/// False: the line begins like the header of a section ("[" or "[[") but no name follows.
bool is_header_or_other(std::string_view line) {
    const auto skip_blanks = [&line] { line.remove_prefix(std::min(line.find_first_not_of(" \t"), line.size())); };
    skip_blanks();
    if (!line.starts_with('[')) return true;
    line.remove_prefix(line.starts_with("[[") ? 2 : 1);
    skip_blanks();
    return !line.empty() && (is_bare_key(line.substr(0, 1)) || line.front() == '"' || line.front() == '\'');
}

/// The mistake in the characters of a line, "" if there is none. Each line can be judged alone, because texts over
/// several lines are refused: no option needs them.
std::string_view check_characters(std::string_view line) {
    char quote = '\0';  // the quote that the current text began with; 0 = outside of texts
    for (std::size_t i = 0; i < line.size(); ++i) {
        const char c = line[i];
        // In a text in double quotes, a backslash makes the next character a part of the text; in single quotes it does
        // not (TOML 1.0).
        if (quote != '\0') {
            if (c == quote) quote = '\0';
            if (c == '\\' && quote == '"') ++i;
        } else if (c == '#') {
            return {};
        } else if (c == '"' || c == '\'') {
            const std::string_view next_two = line.substr(i + 1, 2);
            if (next_two.size() == 2 && next_two[0] == c && next_two[1] == c)
                return "texts over several lines are not supported";
            quote = c;
        } else if (const auto byte = static_cast<unsigned char>(c); (byte < 0x20 && c != '\t') || byte >= 0x7F) {
            return "control characters and characters beyond ASCII may stand only in quotes and comments";
        }
    }
    return quote == '\0' ? "" : "a quote is not closed";
}

/// The mistake in a line that the parser must not see, "" if there is none. The parser recurses, and relies on
/// assumptions that it does not check.
std::string check_line(std::string_view line) {
    if (line.size() > line_bytes_max) return "the line is longer than " + std::to_string(line_bytes_max) + " bytes";
    // The line end of Windows is \r\n; toml++ accepts it.
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (!is_utf8(line)) return "not TOML: the line is not UTF-8";
    if (const std::string_view problem = check_characters(line); !problem.empty()) {
        return "not TOML: " + std::string(problem);
    }
    return is_header_or_other(line) ? "" : "not TOML: a section is written [NAME]";
}

/// The first mistake that the parser must not see.
std::vector<Complaint> check_lines(std::string_view text, std::string_view file_name) {
    if (text.size() > file_bytes_max) {
        return {{std::string(file_name), "the file is larger than " + std::to_string(file_bytes_max) + " bytes"}};
    }
    for (std::size_t number = 1; !text.empty(); ++number) {
        const std::string_view line = text.substr(0, text.find('\n'));
        std::string problem = check_line(line);
        if (!problem.empty()) return {{place_of(file_name, number), std::move(problem)}};
        text.remove_prefix(std::min(line.size() + 1, text.size()));
    }
    return {};
}

/// The line with this number, from 1, without blanks around it.
/// toml++ gives the number of the line only, and the hint needs its text.
std::string_view line_of(std::string_view text, std::size_t number) {
    for (; number > 1 && !text.empty(); --number) text.remove_prefix(std::min(text.find('\n') + 1, text.size()));
    std::string_view line = text.substr(0, text.find('\n'));
    line.remove_prefix(std::min(line.find_first_not_of(" \t"), line.size()));
    return line.substr(0, line.find_last_not_of(" \t\r") + 1);
}

/// True: the line looks like one of a mosquitto.conf, a word and a value without "=".
bool is_mosquitto_line(std::string_view line) {
    // The most frequent keys of mosquitto.conf(5).
    constexpr std::string_view words[] = {"listener",      "port",
                                          "bind_address",  "allow_anonymous",
                                          "persistence",   "persistence_location",
                                          "log_dest",      "log_type",
                                          "include_dir",   "pid_file",
                                          "password_file", "acl_file",
                                          "cafile",        "certfile",
                                          "keyfile",       "connection",
                                          "address",       "topic",
                                          "protocol",      "socket_domain",
                                          "user",          "per_listener_settings",
                                          "max_keepalive", "plugin",
                                          "sys_interval"};
    const std::size_t blank = line.find(' ');
    return blank != std::string_view::npos && line.find('=') == std::string_view::npos &&
           std::ranges::find(words, line.substr(0, blank)) != std::end(words);
}

/// What is probably wrong with the line, for readers who do not know TOML; "" = no guess.
std::string hint_for(std::string_view line) {
    if (is_mosquitto_line(line))
        return "the line is from a mosquitto.conf, which has another format; here a listener is [listeners.NAME] with "
               "url = \"mqtt://HOST:PORT\" below it, and `ledgemq --print-config` shows all keys";
    const std::size_t equals = line.find('=');
    if (equals == std::string_view::npos) return {};
    std::string_view value = line.substr(equals + 1);
    value.remove_prefix(std::min(value.find_first_not_of(' '), value.size()));
    const bool is_text = !value.empty() && (is_bare_key(value.substr(0, 1)) || value.front() == '/') &&
                         !(value.front() >= '0' && value.front() <= '9');
    if (!is_text) return {};
    // A comment behind the value is not part of the proposal.
    value = value.substr(0, value.find(" #"));
    return "a text is written in quotes: " + std::string(line.substr(0, equals + 1)) + " " + quoted(value);
}

void parse_into(TomlText& result, std::string_view text, std::string_view file_name) {
    const toml::parse_result parsed = toml::parse(text);
    if (!parsed) {
        const toml::parse_error& error = parsed.error();
        const std::size_t line = error.source().begin.line;
        // The parser names the broken rule of the grammar. An operator who does not know TOML needs the likely cause.
        const std::string hint = hint_for(line_of(text, line));
        result.complaints.push_back(
            {place_of(file_name, line), "not TOML: " + (hint.empty() ? std::string(error.description()) : hint)});
        return;
    }
    Walk walk{file_name, {}, {}, 0};
    walk.table(parsed.table(), "");
    // toml++ returns the keys of a table sorted by name. Complaints are in the order of the lines.
    std::stable_sort(walk.found.begin(), walk.found.end(),
                     [](const auto& a, const auto& b) { return a.first < b.first; });
    for (auto& [line, assignment] : walk.found) result.assignments.push_back(std::move(assignment));
}

}  // namespace

TomlText read_toml(std::string_view text, std::string_view file_name) {
    TomlText result;
    constexpr std::string_view byte_order_mark = "\xEF\xBB\xBF";
    // Some editors of Windows write this mark, which means nothing in UTF-8.
    if (text.starts_with(byte_order_mark)) text.remove_prefix(byte_order_mark.size());
    result.complaints = check_lines(text, file_name);
    if (!result.complaints.empty()) return result;
    try {
        parse_into(result, text, file_name);
    } catch (const BrokenAssumption&) {
        // The exception may have left a part of the assignments.
        result.assignments.clear();
        result.complaints = {{std::string(file_name), "not TOML"}};
    }
    return result;
}

}  // namespace ledge::config
