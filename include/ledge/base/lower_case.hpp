// Letters of ASCII in lower case, for names that are compared without case: hosts, headers. Independent of the locale;
// other bytes, also those of UTF-8, stay as they are.
#pragma once

#include <algorithm>
#include <string>

namespace ledge {

constexpr char lower_case(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

inline std::string lower_case(std::string text) {
    std::transform(text.begin(), text.end(), text.begin(), [](char c) { return lower_case(c); });
    return text;
}

}  // namespace ledge
