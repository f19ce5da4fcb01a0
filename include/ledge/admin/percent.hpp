// Percent-encoding of text in paths and queries (RFC 3986, 2.1).
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace ledge::admin {

/// Everything but letters, digits, '-', '.', '_' and '~' as %NN.
std::string percent_encoded(std::string_view text);
/// Nothing when a '%' is not followed by two hexadecimal digits.
std::optional<std::string> percent_decoded(std::string_view text);

}  // namespace ledge::admin
