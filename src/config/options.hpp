// Option: one row of the table that drives parsing, --set, --print-config, complaints and the documented file.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "assignment.hpp"
#include "ledge/config/config.hpp"

namespace ledge::config {

/// A listener while it is being configured.
struct ListenerDraft {
    std::string name;
    std::string url;
    std::optional<bool> allow_anonymous;  // not given: follows from the address and [auth]
    std::uint32_t connections_max = broker::ListenerOptions{}.connections_max;
    std::uint32_t connections_per_second = 0;
    std::uint32_t connections_burst = 0;
    bool proxy_protocol = false;
    std::vector<std::string> proxy_from;
    bool peer_credentials = false;
    session::SessionLimits limits;
    WebSocketSettings websocket;
    TlsSettings tls;
};

enum class Scope : std::uint8_t {
    broker,    // once: `key`
    limits,    // once as `limits.key`, and for each listener as `listeners.NAME.limits.key`
    listener,  // for each listener: `listeners.NAME.key`, `listeners.NAME.section.key`
};

/// What an option of any scope is read from and written to. Only the part of its scope has to be there.
struct Place {
    Config* config = nullptr;
    session::SessionLimits* limits = nullptr;
    ListenerDraft* listener = nullptr;
};

enum class Type : std::uint8_t { boolean, integer, size, choice, text, list };

/// true, 7 (also the index of a choice), "text", ["text", "text"].
using PlainValue = std::variant<bool, std::int64_t, std::string, TextList>;

struct Option {
    Scope scope;
    std::string_view section;  // the TOML table: "limits", "log", "websocket"; empty for the listener itself
    std::string_view name;     // the key in it
    Type type;
    std::string_view unit;  // "bytes", "s", "messages"; empty where there is none
    std::int64_t smallest;  // of integer and size
    std::int64_t largest;
    std::span<const std::string_view> choices;  // of choice; the index is the value of the enumeration
    std::string_view help;                      // sentences; one that begins with "Default:" replaces the usual one
    PlainValue (*get)(Place);
    void (*set)(Place, const PlainValue&);

    /// "limits.inflight_max"; for the listener scope without "listeners.NAME.".
    std::string key() const;
    bool has_key(std::string_view key) const;
};

/// All rows: those of listeners, of [limits] and of the broker, in this order.
std::span<const Option> options();
/// The three parts of options(), one file each.
std::span<const Option> listener_options();
std::span<const Option> limit_options();

/// The help of a section, shown above it in the documented file.
std::string_view section_help(std::string_view section);

}  // namespace ledge::config
