// Joins several words into one value of a log line.
#pragma once

#include <string>
#include <vector>

namespace ledge::daemon {

/// "a b c"
inline std::string join(const std::vector<std::string>& words) {
    std::string out;
    for (const std::string& word : words) {
        if (!out.empty()) out += ' ';
        out += word;
    }
    return out;
}

}  // namespace ledge::daemon
