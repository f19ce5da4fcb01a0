// Where keys stand in the configuration file, for complaints.
#pragma once

#include <map>
#include <string>

namespace ledge::config {

/// The place ("FILE:LINE") of `key`, or of its first key if it is a section; nullptr = the file has neither. "a.b_c" is
/// no key of the section "a.b".
inline const std::string* find_place(const std::map<std::string, std::string>& places, const std::string& key) {
    const auto own = places.find(key);
    if (own != places.end()) return &own->second;
    const std::string section = key + ".";
    const auto first = places.lower_bound(section);
    return first != places.end() && first->first.starts_with(section) ? &first->second : nullptr;
}

}  // namespace ledge::config
