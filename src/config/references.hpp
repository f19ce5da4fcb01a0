// References: values that stand outside of the configuration file, as containers give them. In each text of a file and
// of --set,
//   ${env:NAME}   becomes the value of the environment variable NAME
//   ${file:PATH}  becomes the content of the file, without one line end at its end
//   $${           becomes ${ and begins no reference
// A value that is a reference as a whole is read like the value of --set: a number, true, or a list with commas.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "assignment.hpp"
#include "ledge/base/error.hpp"
#include "ledge/base/result.hpp"

namespace ledge::config {

/// Where references are looked up.
struct Outside {
    std::function<std::optional<std::string>(const std::string& name)> variable;
    std::function<Result<std::string, Error>(const std::string& path)> file;
};
/// The environment and the files of this machine.
Outside system_outside();
/// Has no variable and no file.
Outside empty_outside();

inline constexpr std::size_t reference_bytes_max = 64 * 1024;  // of a file, or of one text with all its references

using OutsideValues = std::vector<std::pair<std::string, std::string>>;  // value, reference

/// Replaces values from outside in a complaint or a note by the reference that they came from. Values of less than six
/// bytes stay, because such a replacement would make other words unreadable.
std::string without_values(std::string text, OutsideValues values);

/// Used by one loading. Remembers which values came from outside, so that no answer shows them: they may be secrets.
class References {
public:
    explicit References(Outside outside) : outside_(std::move(outside)) {}

    /// Replaces the references in the value. Sets `assignment.written` if there was one. Returns the mistake, which
    /// continues "key '...' "; "" = no mistake.
    std::string expand(Assignment& assignment);

    /// The values from outside, each with its reference.
    OutsideValues take_values() { return std::move(values_); }
    /// The values with references as the operator wrote them, as TOML, by key.
    std::map<std::string, std::string> take_written() { return std::move(written_); }

private:
    std::string expand_text(std::string& text, bool& has_reference);
    Result<std::string, std::string> look_up(std::string_view reference);

    Outside outside_;
    OutsideValues values_;
    std::map<std::string, std::string> written_;
};

/// The text as a value of the file that gives it again: each ${ becomes $${.
std::string without_references(std::string_view text);

}  // namespace ledge::config
