// The file of pre-shared keys: lines IDENTITY:HEX, comments with '#', empty lines.
#include "psk_file.hpp"

#include <algorithm>
#include <optional>

namespace ledge::net {
namespace {

std::optional<Byte> nibble(char c) {
    if (c >= '0' && c <= '9') return static_cast<Byte>(c - '0');
    if (c >= 'a' && c <= 'f') return static_cast<Byte>(c - 'a' + 10);
    if (c >= 'A' && c <= 'F') return static_cast<Byte>(c - 'A' + 10);
    return std::nullopt;
}

std::optional<std::vector<Byte>> bytes_of(std::string_view hex) {
    if (hex.size() % 2 != 0) return std::nullopt;
    std::vector<Byte> bytes;
    for (std::size_t i = 0; i < hex.size(); i += 2) {
        const auto high = nibble(hex[i]);
        const auto low = nibble(hex[i + 1]);
        if (!high || !low) return std::nullopt;
        bytes.push_back(static_cast<Byte>(*high << 4U | *low));
    }
    return bytes;
}

/// Adds the key of one line to the table. Returns the line's mistake, or "".
std::string add_line(std::string_view line, PskTable& table) {
    // The first colon ends the identity, so an identity cannot contain one.
    const std::size_t colon = line.find(':');
    if (colon == std::string_view::npos) return "has no ':'; write IDENTITY:HEX";
    const std::string_view identity = line.substr(0, colon);
    if (identity.empty() || identity.size() > psk_identity_bytes_max) {
        return "has an identity that is not 1 to " + std::to_string(psk_identity_bytes_max) + " bytes long";
    }
    auto key = bytes_of(line.substr(colon + 1));
    if (!key) return "has a key that is not pairs of hexadecimal digits";
    // A short key could be guessed offline by anybody who has recorded one handshake.
    if (key->size() < psk_bytes_min || key->size() > psk_bytes_max) {
        return "has a key of " + std::to_string(key->size()) + " bytes; use " + std::to_string(psk_bytes_min) + " to " +
               std::to_string(psk_bytes_max) + " (openssl rand -hex 32)";
    }
    // A second line for an identity is refused, because the operator could not tell which of the two keys counts.
    const bool is_new = table.emplace(identity, std::move(*key)).second;
    return is_new ? "" : "has an identity that an earlier line has as well";
}

}  // namespace

Result<PskTable, std::string> parse_psk_file(std::string_view text) {
    PskTable table;
    for (std::size_t number = 1; !text.empty(); ++number) {
        std::string_view line = text.substr(0, text.find('\n'));
        text.remove_prefix(std::min(line.size() + 1, text.size()));
        // Files that were written on Windows end their lines with CR LF.
        if (line.ends_with('\r')) line.remove_suffix(1);
        if (line.empty() || line.front() == '#') continue;
        std::string problem = add_line(line, table);
        // The message names the line and never quotes it: the line contains a key.
        if (!problem.empty()) return Failure{"line " + std::to_string(number) + " " + problem};
    }
    if (table.empty()) return Failure{std::string("has no line IDENTITY:HEX")};
    return table;
}

}  // namespace ledge::net
