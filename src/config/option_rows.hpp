// Helpers that write rows of the table of options, for options*.cpp. A row names its value by pointers to members. The
// words for values of enumerations are here too.
#pragma once

#include <chrono>
#include <cstdint>
#include <limits>
#include <span>
#include <string_view>
#include <type_traits>

#include "ledge/config/config.hpp"
#include "listener_draft.hpp"
#include "options.hpp"

namespace ledge::config {

inline constexpr std::int64_t u16_max = std::numeric_limits<std::uint16_t>::max();
inline constexpr std::int64_t u32_max = std::numeric_limits<std::uint32_t>::max();
inline constexpr std::int64_t mib = 1024 * 1024;
// 2^40: a MiB of MiB.
inline constexpr std::int64_t tib = mib * mib;
inline constexpr std::int64_t mqtt_packet_max = 5 + 268'435'455;  // fixed header and the longest Remaining Length

// A word stands at the index of its enumerator. A new enumerator needs a word here, at the same place.
inline constexpr std::string_view level_names[] = {"debug", "info", "warning", "error"};
inline constexpr std::string_view format_names[] = {"text", "json"};
inline constexpr std::string_view target_names[] = {"stderr", "file", "syslog"};
inline constexpr std::string_view facility_names[] = {"user",   "daemon", "local0", "local1", "local2",
                                                      "local3", "local4", "local5", "local6", "local7"};
inline constexpr std::string_view durability_names[] = {"ram", "relaxed", "durable"};
inline constexpr std::string_view overflow_names[] = {"drop_oldest", "drop_newest", "refuse", "spill"};
inline constexpr std::string_view revocation_names[] = {"disconnect", "unsubscribe"};
inline constexpr std::string_view strategy_names[] = {"round_robin", "random", "sticky_publisher", "least_inflight"};

inline constexpr std::string_view client_certificate_names[] = {"none", "optional", "required"};
inline constexpr std::string_view user_name_names[] = {"none", "cn", "san", "fingerprint"};
inline constexpr std::string_view tls_version_names[] = {"1.2", "1.3"};
inline constexpr std::string_view mode_names[] = {"mqttsn", "lines"};
inline constexpr std::string_view line_end_names[] = {"lf", "crlf", "cr"};
inline constexpr std::string_view members_names[] = {"payload", "topics"};
inline constexpr std::string_view unparsed_names[] = {"publish", "drop"};
inline constexpr std::string_view unusable_names[] = {"stop", "start_without"};

inline constexpr std::string_view protocol_names[] = {"auto", "5", "3.1.1"};
inline constexpr std::string_view mark_names[] = {"auto", "never", "always"};
inline constexpr std::string_view direction_names[] = {"out", "in", "both"};
inline constexpr std::string_view retain_names[] = {"keep", "clear"};
inline constexpr std::string_view token_kind_names[] = {"none", "jwt", "sas"};
inline constexpr std::string_view token_algorithm_names[] = {"HS256", "RS256", "ES256"};
inline constexpr std::string_view queue_overflow_names[] = {"drop_oldest", "drop_newest", "refuse"};
inline constexpr std::string_view queue_order_names[] = {"backlog_first", "live_first"};

/// The words for the values of T, in the order of the values. Empty for an enumeration that is configured by its number
/// (QoS), and for every other type.
template <class T>
constexpr std::span<const std::string_view> names_of() {
    if constexpr (std::is_same_v<T, LogLevel>) return level_names;
    if constexpr (std::is_same_v<T, LogFormat>) return format_names;
    if constexpr (std::is_same_v<T, LogTarget>) return target_names;
    if constexpr (std::is_same_v<T, LogFacility>) return facility_names;
    if constexpr (std::is_same_v<T, journal::Durability>) return durability_names;
    if constexpr (std::is_same_v<T, session::OverflowPolicy>) return overflow_names;
    if constexpr (std::is_same_v<T, broker::ShareStrategy>) return strategy_names;
    if constexpr (std::is_same_v<T, auth::Revocation>) return revocation_names;
    if constexpr (std::is_same_v<T, ClientCertificate>) return client_certificate_names;
    if constexpr (std::is_same_v<T, TlsUserName>) return user_name_names;
    if constexpr (std::is_same_v<T, TlsVersion>) return tls_version_names;
    if constexpr (std::is_same_v<T, ListenerMode>) return mode_names;
    if constexpr (std::is_same_v<T, lines::LineEnd>) return line_end_names;
    if constexpr (std::is_same_v<T, lines::Members>) return members_names;
    if constexpr (std::is_same_v<T, lines::Unparsed>) return unparsed_names;
    if constexpr (std::is_same_v<T, StoreSettings::Unusable>) return unusable_names;
    if constexpr (std::is_same_v<T, bridge::ProtocolChoice>) return protocol_names;
    if constexpr (std::is_same_v<T, bridge::MarkRule>) return mark_names;
    if constexpr (std::is_same_v<T, bridge::Direction>) return direction_names;
    if constexpr (std::is_same_v<T, bridge::RetainRule>) return retain_names;
    if constexpr (std::is_same_v<T, BridgeQueueSettings::Overflow>) return queue_overflow_names;
    if constexpr (std::is_same_v<T, BridgeQueueSettings::Order>) return queue_order_names;
    if constexpr (std::is_same_v<T, BridgeTokenSettings::Kind>) return token_kind_names;
    if constexpr (std::is_same_v<T, auth::TokenAlgorithm>) return token_algorithm_names;
    return {};
}

/// The type follows from the field and its unit, so a row cannot state a wrong one. Only an option in bytes is a size.
template <class T>
constexpr Type type_of(std::string_view unit) {
    if constexpr (std::is_same_v<T, bool> || std::is_same_v<T, std::optional<bool>>) return Type::boolean;
    if constexpr (std::is_same_v<T, std::string>) return Type::text;
    if constexpr (std::is_same_v<T, TextList>) return Type::list;
    if (!names_of<T>().empty()) return Type::choice;
    return unit == "bytes" ? Type::size : Type::integer;
}

/// True for types that a PlainValue holds as they are. All other fields are numbers in a PlainValue.
template <class T>
constexpr bool is_plain = std::is_same_v<T, bool> || std::is_same_v<T, std::string> || std::is_same_v<T, TextList>;

/// The value of a field. A duration becomes whole seconds, an enumerator its number.
template <class T>
PlainValue read(const T& field) {
    if constexpr (is_plain<T>) {
        return field;
    } else if constexpr (std::is_same_v<T, std::optional<bool>>) {
        // nullopt is never printed: draft_of() in print.cpp sets the value that is in force.
        return field.value_or(false);
    } else if constexpr (std::is_same_v<T, Duration>) {
        // Options in milliseconds use read_ms() and write_ms() instead.
        return std::chrono::duration_cast<std::chrono::seconds>(field).count();
    } else {
        return static_cast<std::int64_t>(field);
    }
}

/// The reverse of read(). convert.cpp has checked type and range of the value, so no cast loses a part of it.
template <class T>
void write(T& field, const PlainValue& value) {
    if constexpr (is_plain<T>) {
        field = std::get<T>(value);
    } else if constexpr (std::is_same_v<T, std::optional<bool>>) {
        field = std::get<bool>(value);
    } else if constexpr (std::is_same_v<T, Duration>) {
        field = std::chrono::seconds(std::get<std::int64_t>(value));
    } else {
        field = static_cast<T>(std::get<std::int64_t>(value));
    }
}

// The file has whole milliseconds, but a Duration is in microseconds.
inline PlainValue read_ms(const Duration& field) {
    return std::chrono::duration_cast<std::chrono::milliseconds>(field).count();
}

inline void write_ms(Duration& field, const PlainValue& value) {
    field = std::chrono::milliseconds(std::get<std::int64_t>(value));
}

/// The field that a chain of member pointers leads to, beginning at the object of the scope.
template <Scope scope, auto... Members>
auto& field_of(Place place) {
    if constexpr (scope == Scope::broker) {
        return (*place.config.*....*Members);
    } else if constexpr (scope == Scope::limits) {
        return (*place.limits.*....*Members);
    } else if constexpr (scope == Scope::listener) {
        return (*place.listener.*....*Members);
    } else if constexpr (scope == Scope::bridge) {
        return (*place.bridge.*....*Members);
    } else {
        return (*place.route.*....*Members);
    }
}

/// The smallest and the largest number of an option, both allowed. {} for options that are no numbers.
struct Range {
    std::int64_t smallest = 0;
    std::int64_t largest = 0;
};

/// A row in its general form. `Members` leads from the object of the scope to the field, one pointer to member per
/// step.
template <Scope scope, auto... Members>
constexpr Option row(std::string_view section, std::string_view name, std::string_view unit, Range range,
                     std::string_view help) {
    // Only the type is wanted: decltype does not evaluate the call, so the empty Place is never read.
    using Field = std::remove_cvref_t<decltype(field_of<scope, Members...>(Place{}))>;
    return {scope, section, name, type_of<Field>(unit), unit, range.smallest, range.largest, names_of<Field>(), help,
            // Lambdas without captures are plain functions, so a row is a constant expression.
            [](Place place) { return read(field_of<scope, Members...>(place)); },
            [](Place place, const PlainValue& value) { write(field_of<scope, Members...>(place), value); }};
}

/// A row of [limits]. It exists for each listener too, as [listeners.NAME.limits].
template <auto Member>
constexpr Option limit(std::string_view name, std::string_view unit, Range range, std::string_view help) {
    return row<Scope::limits, Member>("limits", name, unit, range, help);
}

/// A row of [listeners.NAME]. Its section is "", because the name of the listener is not known here.
template <auto Member>
constexpr Option listener(std::string_view name, std::string_view unit, Range range, std::string_view help) {
    return row<Scope::listener, Member>("", name, unit, range, help);
}

/// A row of [listeners.NAME.websocket].
template <auto Member>
constexpr Option web(std::string_view name, std::string_view unit, Range range, std::string_view help) {
    return row<Scope::listener, &ListenerDraft::websocket, Member>("websocket", name, unit, range, help);
}

/// A row of [listeners.NAME.tls].
template <auto Member>
constexpr Option tls(std::string_view name, std::string_view unit, Range range, std::string_view help) {
    return row<Scope::listener, &ListenerDraft::tls, Member>("tls", name, unit, range, help);
}

/// A row of [admin.tls]. None of these options is a number, so unit and range are empty.
template <auto Member>
constexpr Option admin_tls(std::string_view name, std::string_view help) {
    return row<Scope::broker, &Config::admin, &AdminSettings::tls, Member>("admin.tls", name, "", {}, help);
}

/// A row that exists once for the whole broker.
template <auto... Members>
constexpr Option setting(std::string_view section, std::string_view name, std::string_view unit, Range range,
                         std::string_view help) {
    return row<Scope::broker, Members...>(section, name, unit, range, help);
}

/// A row of [auth.jwt].
template <auto Member>
constexpr Option jwt(std::string_view name, std::string_view unit, Range range, std::string_view help) {
    return row<Scope::broker, &Config::auth, &AuthSettings::jwt, Member>("auth.jwt", name, unit, range, help);
}

/// A row of [auth.http], the authentication hook.
template <auto Member>
constexpr Option hook(std::string_view name, std::string_view unit, Range range, std::string_view help) {
    return row<Scope::broker, &Config::auth, &AuthSettings::http, Member>("auth.http", name, unit, range, help);
}

template <auto Member>
constexpr Option bridge_row(std::string_view name, std::string_view unit, Range range, std::string_view help) {
    return row<Scope::bridge, Member>("", name, unit, range, help);
}

template <auto Member>
constexpr Option bridge_token(std::string_view name, std::string_view unit, Range range, std::string_view help) {
    return row<Scope::bridge, &BridgeSettings::token, Member>("token", name, unit, range, help);
}

template <auto Member>
constexpr Option bridge_tls(std::string_view name, std::string_view help) {
    return row<Scope::bridge, &BridgeSettings::tls, Member>("tls", name, "", {}, help);
}

template <auto Member>
constexpr Option bridge_queue(std::string_view name, std::string_view unit, Range range, std::string_view help) {
    return row<Scope::bridge, &BridgeSettings::queue, Member>("queue", name, unit, range, help);
}

template <auto Member>
constexpr Option route(std::string_view name, Range range, std::string_view help) {
    return row<Scope::route, Member>("", name, "", range, help);
}

/// A row for a duration in milliseconds; the other helpers read and write durations in seconds.
template <auto... Members>
constexpr Option setting_ms(std::string_view section, std::string_view name, Range range, std::string_view help) {
    Option option = setting<Members...>(section, name, "ms", range, help);
    option.get = [](Place place) { return read_ms(field_of<Scope::broker, Members...>(place)); };
    option.set = [](Place place, const PlainValue& value) {
        write_ms(field_of<Scope::broker, Members...>(place), value);
    };
    return option;
}

}  // namespace ledge::config
