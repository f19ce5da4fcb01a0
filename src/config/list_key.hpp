// The keys of lists of tables: store.levels.2.filter is the member `filter` of the second [[store.levels]]. Stateless.
#pragma once

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <optional>
#include <string_view>

namespace ledge::config {

/// True: the key is the list itself or below it.
inline bool is_of_list(std::string_view list, std::string_view key) {
    return key.starts_with(list) && (key.size() == list.size() || key[list.size()] == '.');
}

struct ListKey {
    std::size_t number = 0;   // from 1
    std::string_view member;  // "filter"
};

/// key := list "." number "." member. nullopt = the key has another form. Requires is_of_list().
inline std::optional<ListKey> parse_list_key(std::string_view list, std::string_view key) {
    const char* end = key.data() + key.size();
    const char* start = std::min(key.data() + list.size() + 1, end);
    ListKey result;
    // Without a number, from_chars leaves `ptr` at `start`.
    const auto parsed = std::from_chars(start, end, result.number);
    if (parsed.ptr == start || parsed.ptr == end || *parsed.ptr != '.') return std::nullopt;
    result.member = std::string_view(parsed.ptr + 1, static_cast<std::size_t>(end - parsed.ptr - 1));
    return result;
}

}  // namespace ledge::config
