// Client identifiers of the parts of this program that are clients of the broker: the bridges, and others such as the
// server of firmware images. Stateless.
#pragma once

#include <string>
#include <string_view>

namespace ledge::session {

inline constexpr std::string_view inner_client_id_prefix = "$bridge/";

/// The client identifier with which the bridge `name` connects to this broker. It stays the same, because the bridge's
/// queue belongs to it.
inline std::string client_id_of_bridge(std::string_view name) {
    return std::string(inner_client_id_prefix) + std::string(name);
}

inline constexpr std::string_view priority_lane_end = "/priority";

/// The name under which the bridge `name` has a second session, for messages that must not wait behind the others. No
/// bridge can be configured with this name, because it contains '/'.
inline std::string priority_lane_of(std::string_view name) { return std::string(name).append(priority_lane_end); }

inline constexpr std::string_view bridge_listener_prefix = "bridge:";

/// The name of the listener that stands for the bridge. Its limits are those of the bridge's queue.
inline std::string listener_of_bridge(std::string_view name) {
    return std::string(bridge_listener_prefix) + std::string(name);
}

/// The client identifier of the bridge that this listener stands for; "" = the listener stands for no bridge.
inline std::string client_id_of_listener(std::string_view name) {
    if (!name.starts_with(bridge_listener_prefix)) return {};
    return client_id_of_bridge(name.substr(bridge_listener_prefix.size()));
}

inline constexpr std::string_view part_client_id_prefix = "$part/";

/// The client identifier with which a part of this program that is no bridge connects to this broker.
inline std::string client_id_of_part(std::string_view name) {
    return std::string(part_client_id_prefix) + std::string(name);
}

/// The name of the listener that stands for such a part.
inline std::string listener_of_part(std::string_view name) { return "part:" + std::string(name); }

/// True for the name of such a listener. The name of a section [listeners.NAME] has no colon.
inline bool is_inner_listener(std::string_view name) { return name.find(':') != std::string_view::npos; }

/// True for client identifiers that only parts of this program may use.
inline bool belongs_to_program(std::string_view client_id) {
    return client_id.starts_with(inner_client_id_prefix) || client_id.starts_with(part_client_id_prefix);
}

/// The name of the listener that stands for the part with this client identifier. Requires belongs_to_program().
inline std::string listener_of_inner(std::string_view client_id) {
    if (client_id.starts_with(part_client_id_prefix))
        return listener_of_part(client_id.substr(part_client_id_prefix.size()));
    return listener_of_bridge(client_id.substr(inner_client_id_prefix.size()));
}

}  // namespace ledge::session
