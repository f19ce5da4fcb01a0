// Percent-encoding of text in the paths and queries of URLs (RFC 3986 section 2.1).
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace ledge {

/// Writes every byte except letters, digits, '-', '.', '_' and '~' as %NN.
std::string percent_encoded(std::string_view text);
/// nullopt: a '%' is not followed by two hexadecimal digits.
std::optional<std::string> percent_decoded(std::string_view text);

}  // namespace ledge
