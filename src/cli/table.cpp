#include "table.hpp"

#include <algorithm>
#include <array>
#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>
#include <cmath>
#include <cstdio>

#include "ledge/base/code_point.hpp"
#include "ledge/cli/console.hpp"

namespace ledge::cli {
namespace {

using boost::json::array;
using boost::json::object;
using boost::json::value;

constexpr std::size_t narrowest = 6;  // columns of a cell that is shortened
constexpr std::string_view gap = "  ";

/// The beginning of the text that has at most `width` columns; a shortened text ends with "…".
std::string shortened(const std::string& text, std::size_t width) {
    if (columns_of(text) <= width) return text;
    std::string_view rest = text;
    std::size_t used = 1;  // the "…"
    while (!rest.empty()) {
        const std::size_t length = std::max<std::size_t>(decode_utf8(rest).length, 1);
        used += columns_of(rest.substr(0, length));
        if (used > width) break;
        rest.remove_prefix(length);
    }
    return text.substr(0, text.size() - rest.size()) + "…";
}

std::string decimal(double number, int digits) {
    std::array<char, 64> text{};
    const int size = std::snprintf(text.data(), text.size(), "%.*f", digits, number);
    return {text.data(), static_cast<std::size_t>(std::clamp(size, 0, static_cast<int>(text.size()) - 1))};
}

std::string bytes_text(double bytes) {
    constexpr std::array units = {"B", "KiB", "MiB", "GiB", "TiB"};
    std::size_t unit = 0;
    while (std::abs(bytes) >= 1024 && unit + 1 < units.size()) {
        bytes /= 1024;
        ++unit;
    }
    return decimal(bytes, unit == 0 ? 0 : 1) + " " + units[unit];
}

std::string seconds_text(double seconds) {
    if (seconds != 0 && std::abs(seconds) < 1) return decimal(seconds * 1000, 1) + " ms";
    if (std::abs(seconds) < 60) return decimal(seconds, seconds == std::floor(seconds) ? 0 : 1) + " s";
    const auto whole = static_cast<long long>(std::min(seconds, 1e15));
    if (whole < 3600) return std::to_string(whole / 60) + " min " + std::to_string(whole % 60) + " s";
    if (whole < 86400) return std::to_string(whole / 3600) + " h " + std::to_string(whole / 60 % 60) + " min";
    return std::to_string(whole / 86400) + " d " + std::to_string(whole / 3600 % 24) + " h";
}

using Facts = std::vector<std::pair<std::string, const value*>>;

/// Words instead of the spelling of JSON: "queue.age_s" becomes "queue age". The unit stays where another of the names
/// has none: "payload" and "payload_bytes", "connected" and "connected_s".
std::string heading_of(std::string_view member, const std::vector<std::string>& names) {
    std::string text(member);
    for (const std::string_view unit : {"_bytes", "_fraction", "_s"}) {
        if (!text.ends_with(unit) || text.size() == unit.size()) continue;
        const std::string without = text.substr(0, text.size() - unit.size());
        if (std::find(names.begin(), names.end(), without) == names.end())
            text = without;
        else if (unit == "_s")
            text = without + "_time";
        break;
    }
    std::replace_if(
        text.begin(), text.end(), [](char c) { return c == '_' || c == '.'; }, ' ');
    // The program that answers may be no broker, so the names of members are strangers' text too.
    return safe_for_terminal(text);
}

bool is_list_of_objects(const value& one) {
    return one.is_array() && std::any_of(one.as_array().begin(), one.as_array().end(),
                                         [](const value& element) { return element.is_object(); });
}

/// The members of an object and of the objects in it: "queue.bytes". The depth is bounded by the parser of Boost.JSON.
void flatten(const object& from, const std::string& prefix, Facts& into) {
    for (const auto& member : from) {
        const std::string name = prefix + std::string(member.key());
        if (member.value().is_object())
            flatten(member.value().as_object(), name + ".", into);
        else
            into.emplace_back(name, &member.value());
    }
}

const value* find_in(const Facts& facts, std::string_view name) {
    const auto found = std::find_if(facts.begin(), facts.end(), [&](const auto& one) { return one.first == name; });
    return found == facts.end() ? nullptr : found->second;
}

/// Every name that one of the objects has, in the order in which they come.
std::vector<std::string> names_in(const std::vector<Facts>& all) {
    std::vector<std::string> names;
    for (const Facts& facts : all) {
        for (const auto& [name, fact] : facts) {
            if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
        }
    }
    return names;
}

/// Takes columns away from the widest column until the row fits, or until nothing can be taken away any more.
void narrow(std::vector<std::size_t>& widths, std::size_t columns) {
    const std::size_t gaps = gap.size() * (widths.empty() ? 0 : widths.size() - 1);
    std::size_t total = gaps;
    for (const std::size_t width : widths) total += width;
    while (total > columns) {
        const auto widest = std::max_element(widths.begin(), widths.end());
        if (*widest <= narrowest) return;
        --*widest;
        --total;
    }
}

}  // namespace

std::string value_text(std::string_view name, const value& one) {
    if (one.is_null()) return "";
    if (one.is_bool()) return one.as_bool() ? "yes" : "no";
    if (one.is_string()) return std::string(one.as_string());
    if (one.is_number()) {
        const double number = one.to_number<double>();
        // A member "bytes" stands in an object that names its subject: "queue.bytes".
        if (name.ends_with("_bytes") || name == "bytes" || name.ends_with(".bytes")) return bytes_text(number);
        if (name.ends_with("_s")) return seconds_text(number);
        if (name.ends_with("_fraction")) return decimal(number * 100, 1) + " %";
        return one.is_double() ? decimal(number, 3) : boost::json::serialize(one);
    }
    if (!one.is_array()) return boost::json::serialize(one);
    std::string text;
    for (const value& element : one.as_array()) {
        text += text.empty() ? "" : ", ";
        text += element.is_object() || element.is_array() ? boost::json::serialize(element) : value_text({}, element);
    }
    return text;
}

std::string table_text(const std::vector<std::string>& headings, const std::vector<std::vector<std::string>>& rows,
                       std::size_t columns) {
    std::vector<std::vector<std::string>> lines = {headings};
    for (const auto& row : rows) lines.push_back(row);
    std::vector<std::size_t> widths(headings.size(), 1);
    for (auto& line : lines) {
        for (std::size_t i = 0; i < line.size() && i < widths.size(); ++i) {
            line[i] = safe_for_terminal(line[i]);
            widths[i] = std::max(widths[i], columns_of(line[i]));
        }
    }
    if (columns != 0) narrow(widths, columns);
    std::string text;
    for (const auto& line : lines) {
        std::string out;
        for (std::size_t i = 0; i < line.size() && i < widths.size(); ++i) {
            const std::string cell = shortened(line[i], widths[i]);
            if (i > 0) out += gap;
            out += cell + std::string(widths[i] - columns_of(cell), ' ');
        }
        out.erase(out.find_last_not_of(' ') + 1);
        text += out + "\n";
    }
    return text;
}

std::string rows_text(const array& list, std::span<const std::string_view> members, std::size_t columns) {
    std::vector<Facts> all;
    for (const value& element : list) {
        all.emplace_back();
        if (element.is_object()) flatten(element.as_object(), {}, all.back());
    }
    std::vector<std::string> names(members.begin(), members.end());
    if (names.empty()) names = names_in(all);
    std::erase_if(names, [&](const std::string& name) {
        return std::all_of(all.begin(), all.end(), [&](const Facts& facts) {
            const value* const fact = find_in(facts, name);
            return fact == nullptr || value_text(name, *fact).empty();
        });
    });
    std::vector<std::string> headings;
    for (const std::string& name : names) headings.push_back(heading_of(name, names));
    std::vector<std::vector<std::string>> rows;
    for (const Facts& facts : all) {
        rows.emplace_back();
        for (const std::string& name : names) {
            const value* const fact = find_in(facts, name);
            rows.back().push_back(fact == nullptr ? std::string() : value_text(name, *fact));
        }
    }
    return all.empty() ? std::string() : table_text(headings, rows, columns);
}

std::string facts_text(const object& facts, std::size_t columns) {
    Facts all;
    flatten(facts, {}, all);
    const std::vector<std::string> names = names_in({all});
    std::size_t width = 0;
    for (const std::string& name : names) width = std::max(width, columns_of(heading_of(name, names)));
    std::string text;
    std::string tables;
    for (const auto& [name, fact] : all) {
        if (is_list_of_objects(*fact)) {
            tables += "\n" + heading_of(name, names) + ":\n" + rows_text(fact->as_array(), {}, columns);
            continue;
        }
        const std::string shown_value = safe_for_terminal(value_text(name, *fact));
        if (shown_value.empty()) continue;
        const std::string heading = heading_of(name, names);
        text += heading + std::string(width - columns_of(heading), ' ') + "  " + shown_value + "\n";
    }
    return text + tables;
}

}  // namespace ledge::cli
