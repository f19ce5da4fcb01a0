// Assignment: one key, its value and the place where it was set. Files and flags are both read into assignments.
#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "ledge/config/sources.hpp"

namespace ledge::config {

/// A list whose members are all texts.
using TextList = std::vector<std::string>;

/// A value that no option accepts: a list of other things, a date. `kind` names it in complaints.
struct OtherValue {
    std::string_view kind;
};
inline constexpr std::string_view table_kind = "a table";
inline constexpr std::string_view list_kind = "a list";

using Value = std::variant<bool, std::int64_t, double, std::string, TextList, OtherValue>;

struct Assignment {
    std::string key;  // "limits.inflight_max"; parts that are not bare keys are quoted
    Value value;
    std::string place;           // "FILE:LINE" or the flag
    bool is_flag = false;        // true: from the command line; the value is a text without quotes
    bool has_reference = false;  // the value came, at least in part, from outside (references.hpp)
    // Only for assignments from a file:
    std::vector<std::string> path{};             // the parts of the key without quotes
    std::uint32_t line = 0;                      // from 1
    std::vector<std::uint32_t> element_lines{};  // one for each text of a list
    std::size_t list_number_at = 0;              // where `key` has the number of a member of a list of tables; 0 = none
};

/// The value in words for complaints: short and without control characters.
std::string describe(const Value& value);
/// True for [A-Za-z0-9_-]+, the keys that TOML allows without quotes.
bool is_bare_key(std::string_view text);

}  // namespace ledge::config
