// Prints one option as TOML, with its documentation. Used by print.cpp and by the files that print lists of sections.
#pragma once

#include <string>
#include <string_view>

#include "options.hpp"

namespace ledge::config {

struct Loaded;

/// Where the values came from, for the options below one prefix. Without a Loaded, nothing is known about them.
struct Origin {
    const Loaded* loaded = nullptr;
    std::string prefix{};  // "listeners.lan."

    /// As this, with a longer prefix.
    Origin below(std::string_view part) const { return {loaded, prefix + std::string(part)}; }
    /// "VALUE", or "VALUE  # FILE:LINE". `usual` is used unless the value of the key was written with references.
    std::string value_of(std::string_view key, std::string usual) const;
};

/// The text as TOML.
std::string text_literal(std::string_view text);

/// The value as TOML: true, 7, "text", ["a", "b"].
std::string literal(const Option& option, const PlainValue& value);

/// Appends the text as comment lines of at most 100 columns. A longer word makes a longer line.
void append_comment(std::string_view text, std::string& out);

/// Appends the line `NAME = VALUE` with the value at `place`. `is_documented`: the help of the option stands above the
/// line, and an empty line follows.
void append_option(const Option& option, Place place, bool is_documented, const Origin& origin, std::string& out);

}  // namespace ledge::config
