// Option: one row of the table of options. Parsing, --set, --print-config, complaints and config/ledgemq.toml all
// follow from this table.
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

/// A listener while the configuration is read. checks.cpp turns it into a ListenerSocket and a ListenerOptions.
struct ListenerDraft {
    std::string name;
    std::string url;
    std::optional<bool> allow_anonymous;  // nullopt = depends on the address, TLS and [auth]
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
    broker,    // exists once, as `key`
    limits,    // exists once as `limits.key`, and for each listener as `listeners.NAME.limits.key`
    listener,  // exists for each listener, as `listeners.NAME.key` or `listeners.NAME.section.key`
};

/// The objects that options are read from and written to. Only the member for the scope of the option must be set.
struct Place {
    Config* config = nullptr;
    session::SessionLimits* limits = nullptr;
    ListenerDraft* listener = nullptr;
};

enum class Type : std::uint8_t { boolean, integer, size, choice, text, list };

/// A value of one of the types above: true, 7 (a number, or the index of a choice), "text", ["text", "text"].
using PlainValue = std::variant<bool, std::int64_t, std::string, TextList>;

struct Option {
    Scope scope;
    std::string_view section;  // the TOML table: "limits", "log", "websocket"; "" for [listeners.NAME] itself
    std::string_view name;     // the key in the section
    Type type;
    std::string_view unit;  // "bytes", "s", "messages"; "" = no unit
    std::int64_t smallest;  // for integer and size
    std::int64_t largest;
    std::span<const std::string_view> choices;  // for choice; the index is the value of the enumeration
    std::string_view help;                      // sentences; a "Default:" in it replaces the printed default
    PlainValue (*get)(Place);
    void (*set)(Place, const PlainValue&);

    /// "limits.inflight_max". For options of listeners, without "listeners.NAME.".
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
