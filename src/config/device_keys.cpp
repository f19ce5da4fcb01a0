#include "device_keys.hpp"

#include <array>
#include <charconv>
#include <optional>

#include "ledge/auth/text_file.hpp"
#include "ledge/mqttsn/device_table.hpp"

namespace ledge::config {
namespace {

constexpr std::string_view key_rule = "64 hexadecimal digits (openssl rand -hex 32 makes a key)";

/// No complaint about a key contains a part of the key, since complaints come into the log.
std::optional<Secret> key_of(std::string_view digits) {
    std::array<Byte, mqttsn::device_key_bytes> bytes{};
    if (digits.size() != 2 * bytes.size()) return std::nullopt;
    for (std::size_t i = 0; i < bytes.size(); ++i) {
        const std::string_view pair = digits.substr(2 * i, 2);
        const auto [end, error] = std::from_chars(pair.data(), pair.data() + pair.size(), bytes[i], 16);
        if (error != std::errc() || end != pair.data() + pair.size()) return std::nullopt;
    }
    // From here on only the Secret holds the key, and wipes it at its end.
    Secret key(bytes);
    wipe(bytes.data(), bytes.size());
    return key;
}

/// "" = the line was added.
std::string add_key_line(std::string_view line, DeviceKeys& keys) {
    // The last colon: a client id may contain one, a key does not.
    const std::size_t colon = line.rfind(':');
    auto key = key_of(colon == std::string_view::npos ? line : line.substr(colon + 1));
    if (!key) return "has no key of " + std::string(key_rule);
    const bool has_shared = !keys.shared.bytes().empty();
    if (colon == std::string_view::npos) {
        if (has_shared || !keys.by_client_id.empty())
            return "is a key without a client id; such a key must be the only line, or write CLIENT_ID:KEY";
        keys.shared = std::move(*key);
        return {};
    }
    if (has_shared) return "follows a key for all devices; write CLIENT_ID:KEY in every line, or only one key";
    if (colon == 0) return "has no client id in front of ':'";
    // A rule with a trailing '*' is a pattern: the key of one device would be that of many.
    if (line.substr(0, colon).find('*') != std::string_view::npos)
        return "has a '*' in its client id; a line is for one device, so write its whole client id";
    const bool is_new = keys.by_client_id.try_emplace(std::string(line.substr(0, colon)), std::move(*key)).second;
    return is_new ? "" : "has a client id that an earlier line has as well";
}

}  // namespace

Result<DeviceKeys, KeyFileProblem> parse_device_keys(std::string_view text) {
    DeviceKeys keys;
    auth::Lines lines(text);
    for (std::string_view line; lines.next(line);) {
        if (line.empty() || line.front() == '#') continue;
        std::string problem = add_key_line(line, keys);
        // The first mistake is enough: the line after a damaged one seldom says more.
        if (!problem.empty()) return Failure{KeyFileProblem{lines.number(), std::move(problem)}};
    }
    if (keys.shared.bytes().empty() && keys.by_client_id.empty())
        return Failure{KeyFileProblem{0, "has no key; write " + std::string(key_rule)}};
    return keys;
}

}  // namespace ledge::config
