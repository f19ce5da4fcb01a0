#include "ledge/bridge/upstream_client.hpp"

#include <algorithm>

namespace ledge::bridge {

using client::Ended;

namespace {

constexpr std::uint32_t packet_bytes_read_max = 16 * 1024 * 1024;  // of an upstream that cannot be told a limit

}  // namespace

client::Options upstream_client_options(const RelayOptions& options, const Upstream& upstream) {
    const Upstream::Dialect dialect = upstream.dialect();
    const UpstreamProfile& profile = upstream.profile();
    client::Options o;
    o.version = dialect.version;
    o.is_bridge = dialect.is_bridge;
    o.flow = client::Flow::passed_on;
    o.client_id = options.client_id;
    o.user_name = options.user_name;
    o.password = options.password;
    o.will = options.will;
    o.keep_alive_s = options.keep_alive_s;
    if (profile.keep_alive_max_s != 0) o.keep_alive_s = std::min(o.keep_alive_s, profile.keep_alive_max_s);
    o.session_expiry_s = options.session_expiry_s;
    o.receive_maximum = options.inflight_max;
    o.maximum_packet_size = options.packet_bytes_max;
    // 3.1.1 cannot tell the upstream a limit. A message above it is read and dropped, or it would come again for ever.
    if (dialect.version != wire::Version::v5)
        o.maximum_packet_size = std::max(o.maximum_packet_size, packet_bytes_read_max);
    o.topic_alias_maximum = 16;
    o.topic_alias_maximum_out = options.topic_alias_maximum_out;
    o.limits.outbox_bytes_fatal = outbox_bytes_fatal(options.packet_bytes_max);
    o.drops_wildcard_topics = true;  // RabbitMQ and ActiveMQ deliver such names
    o.connack_timeout = options.connack_timeout;
    o.response_timeout = profile.ping_timeout;
    return o;
}

std::string_view name_of(const Upstream::Dialect& dialect) {
    if (dialect.version == wire::Version::v5) return "MQTT 5";
    return dialect.is_bridge ? "MQTT 3.1.1 with the bridge bit" : "MQTT 3.1.1";
}

std::string_view name_of(Ended::Cause cause) {
    switch (cause) {
        case Ended::Cause::refused: return "refuses the connection: ";
        case Ended::Cause::disconnected: return "ends the connection: ";
        case Ended::Cause::violation: return "breaks the protocol: ";
        case Ended::Cause::no_answer: return "does not answer: ";
        case Ended::Cause::overload: return "does not read: ";
    }
    return "";
}

std::string text_of(const Ended& event, std::string_view subject) {
    std::string text = std::string(subject) + " " + std::string(name_of(event.cause)) + std::string(event.text);
    const auto given = event.properties.text(wire::PropertyId::reason_string);
    if (given) text += " (" + std::string(*given) + ")";
    const auto other = event.properties.text(wire::PropertyId::server_reference);
    if (other) text += "; it names another server: " + std::string(*other);
    return text;
}

}  // namespace ledge::bridge
