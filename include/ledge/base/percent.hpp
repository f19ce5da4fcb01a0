// Percent-encoding of text in the paths and queries of URLs (RFC 3986 section 2.1). Stateless.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace ledge {

/// Replaces every byte except letters, digits, '-', '.', '_' and '~' by %NN.
std::string percent_encoded(std::string_view text);
/// Replaces each %NN by its byte. nullopt = a '%' is not followed by two hexadecimal digits.
std::optional<std::string> percent_decoded(std::string_view text);

}  // namespace ledge
