// Assignment: one key, one value and where it was said. What files and flags have in common.
#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "ledge/config/load.hpp"

namespace ledge::config {

/// A list of texts.
using TextList = std::vector<std::string>;

/// A value that no option takes: a list of other things, a date. Holds its name for the complaint.
struct OtherValue {
    std::string_view kind;
};
inline constexpr std::string_view table_kind = "a table";
inline constexpr std::string_view list_kind = "a list";

using Value = std::variant<bool, std::int64_t, double, std::string, TextList, OtherValue>;

struct Assignment {
    std::string key;  // "limits.inflight_max"; parts that are not bare words are quoted
    Value value;
    std::string place;
    bool is_flag = false;  // from the command line: the value is a text without quotes
    // From a file also:
    std::vector<std::string> path{};             // the key's parts as they are
    std::uint32_t line = 0;                      // from 1
    std::vector<std::uint32_t> element_lines{};  // of a list's texts
};

/// A value as a person wrote it, short and without control characters, for complaints.
std::string describe(const Value& value);
/// True for [A-Za-z0-9_-]+, what TOML takes as a key without quotes.
bool is_bare_key(std::string_view text);

}  // namespace ledge::config
