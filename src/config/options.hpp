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

namespace ledge::session {
struct SessionLimits;
}  // namespace ledge::session
namespace ledge::bridge {
struct Route;
}  // namespace ledge::bridge

namespace ledge::config {

struct Config;
struct ListenerDraft;
struct BridgeSettings;

enum class Scope : std::uint8_t {
    broker,    // exists once, as `key`
    limits,    // exists once as `limits.key`, and for each listener as `listeners.NAME.limits.key`
    listener,  // exists for each listener, as `listeners.NAME.key` or `listeners.NAME.section.key`
    bridge,    // exists for each bridge, as `bridges.NAME.key` or `bridges.NAME.section.key`
    route,     // exists for each route of a bridge, as `bridges.NAME.routes.NUMBER.key`
};

/// The objects that options are read from and written to. Only the member for the scope of the option must be set.
struct Place {
    Config* config = nullptr;
    session::SessionLimits* limits = nullptr;
    ListenerDraft* listener = nullptr;
    BridgeSettings* bridge = nullptr;
    bridge::Route* route = nullptr;
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
/// The parts of options(), one file each.
std::span<const Option> listener_options();
std::span<const Option> mqttsn_options();
std::span<const Option> limit_options();

/// The rows of bridges and of their routes, which are not among options(): bridges.cpp reads them.
std::span<const Option> bridge_options();

/// The help of a section, shown above it in the documented file.
std::string_view section_help(std::string_view section);

}  // namespace ledge::config
