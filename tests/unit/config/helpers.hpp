// Short words for the tests of config.
#pragma once

#include <doctest/doctest.h>

#include <string>
#include <string_view>
#include <vector>

#include "ledge/config/load.hpp"

namespace ledge::config {

/// A file named test.toml with this text, and flags.
inline Loaded load_text(std::string_view toml, Sources sources = {}) {
    sources.file = "test.toml";
    return parse(toml, sources);
}

inline Loaded load_set(std::vector<std::string> set) {
    Sources sources;
    sources.set = std::move(set);
    return load(sources);
}

inline std::vector<std::string> lines_of(const Loaded& loaded) {
    std::vector<std::string> lines;
    for (const Complaint& complaint : loaded.complaints) lines.push_back(complaint.line());
    return lines;
}

/// The only complaint about a text.
inline std::string complaint_about(std::string_view toml, Sources sources = {}) {
    const Loaded loaded = load_text(toml, std::move(sources));
    REQUIRE(loaded.complaints.size() == 1);
    return loaded.complaints.front().line();
}

inline std::string complaint_about_set(std::string assignment) {
    const Loaded loaded = load_set({std::move(assignment)});
    REQUIRE(loaded.complaints.size() == 1);
    return loaded.complaints.front().line();
}

}  // namespace ledge::config
