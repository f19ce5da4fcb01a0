// The table of upstreams, and the checks that follow from it.
#include "ledge/bridge/upstream_profile.hpp"

#include <algorithm>
#include <array>

#include "ledge/base/assert.hpp"
#include "ledge/base/lower_case.hpp"
#include "ledge/base/quote.hpp"
#include "ledge/topic/name.hpp"

namespace ledge::bridge {
namespace {

using wire::QoS;

// One function per row, so that a row can have comments. The order is that of UpstreamKind.

/// Careful: QoS 1 until the upstream is known to do QoS 2, as RabbitMQ, NATS, AWS and Azure do not.
UpstreamProfile generic_profile() {
    UpstreamProfile p{.kind = UpstreamKind::generic, .name = "generic", .version = "any", .source = "all rows below"};
    p.maximum_qos = QoS::at_least_once;
    return p;
}

UpstreamProfile ledgemq_profile() {
    UpstreamProfile p{.kind = UpstreamKind::ledgemq, .name = "ledgemq", .version = "0.1.0", .source = "this project"};
    p.topic_levels_max = 128;  // deeper topics close the connection
    p.copies = OverlapCopies::one;
    return p;
}

UpstreamProfile mosquitto_profile() {
    UpstreamProfile p{.kind = UpstreamKind::mosquitto, .name = "mosquitto", .version = "2.0.11", .source = "run"};
    p.accepts_bridge_bit = true;
    p.suppresses_echo_by_bit = true;
    p.topic_levels_max = 200;  // 201 pass, more close the connection
    // max_inflight_messages: with MQTT 5 it is the Receive Maximum. In 3.1.1, message 21 that comes before the PUBREL
    // of an earlier one is answered by PUBREC and PUBCOMP, and is not delivered.
    p.qos2_inflight_max = 20;
    p.copies = OverlapCopies::one;
    p.keeps_retained = false;  // SIGKILL loses what the last autosave (1,800 s) did not have
    return p;
}

UpstreamProfile rabbitmq_profile() {
    UpstreamProfile p{.kind = UpstreamKind::rabbitmq, .name = "rabbitmq", .version = "3.10.8", .source = "run"};
    p.speaks_v5 = false;                 // a CONNECT of level 5 is closed without a byte; 3.13 and later speak MQTT 5
    p.maximum_qos = QoS::at_least_once;  // QoS 2 is answered by PUBACK
    p.changed_characters = ".*";         // they arrive as '/' and '+'
    p.sends_retained_for_wildcards = false;
    p.keeps_retained = false;  // SIGKILL loses the newest ones
    p.ping_timeout = 30s;      // an alarm of memory or disk makes the broker deaf; reconnecting makes duplicates
    return p;
}

UpstreamProfile nats_profile() {
    UpstreamProfile p{.kind = UpstreamKind::nats, .name = "nats", .version = "2.9.10", .source = "run"};
    p.speaks_v5 = false;                 // answers code 1
    p.maximum_qos = QoS::at_least_once;  // QoS 2 closes the connection
    p.fatal_characters = ". ";           // NATS subjects use both as separators
    p.filters_max = 63;                  // the 64th and later ones get SUBACK 0x80
    p.hash_counts_double = true;         // "x/#" is kept as two NATS consumers
    return p;
}

UpstreamProfile activemq_profile() {
    UpstreamProfile p{.kind = UpstreamKind::activemq, .name = "activemq", .version = "5.17.2", .source = "run"};
    p.speaks_v5 = false;  // code 1, or closed without a byte when CONNECT has properties
    p.noise_filter = "ActiveMQ/Advisory/#";
    p.tells_session_present = false;     // always 0
    p.keeps_retained = false;            // in memory only
    p.maximum_qos = QoS::at_least_once;  // QoS 2 is taken, but a repetition is delivered twice
    return p;
}

UpstreamProfile aedes_profile() {
    UpstreamProfile p{.kind = UpstreamKind::aedes, .name = "aedes", .version = "1.2.0", .source = "run"};
    p.speaks_v5 = false;  // answers code 1
    p.accepts_bridge_bit = true;
    p.suppresses_echo_by_bit = true;
    p.topic_levels_max = 100;  // more close the connection
    p.copies = OverlapCopies::one;
    p.keeps_retained = false;  // in memory only
    p.ping_timeout = 70s;      // one slow subscriber holds up every answer for as long as 60 s
    return p;
}

UpstreamProfile hivemq_profile() {
    UpstreamProfile p{
        .kind = UpstreamKind::hivemq, .name = "hivemq", .version = "4, Community Edition", .source = "docs.hivemq.com"};
    return p;  // follows MQTT 5 and tells its limits in CONNACK
}

UpstreamProfile emqx_profile() {
    UpstreamProfile p{.kind = UpstreamKind::emqx, .name = "emqx", .version = "5", .source = "docs.emqx.com"};
    p.topic_levels_max = 128;          // max_topic_levels
    p.packet_bytes_max = 1024 * 1024;  // max_packet_size; told in CONNACK of MQTT 5 only
    return p;
}

UpstreamProfile aws_iot_profile() {
    UpstreamProfile p{.kind = UpstreamKind::aws_iot,
                      .name = "aws_iot",
                      .version = "cloud service",
                      .source = "docs.aws.amazon.com, AWS IoT Core quotas"};
    p.maximum_qos = QoS::at_least_once;
    p.keep_alive_max_s = 1200;
    p.takes_dollar_topics = true;  // "$aws/..." are its services
    p.topic_levels_max = 8;        // 7 slashes
    p.topic_bytes_max = 256;
    p.packet_bytes_max = 128 * 1024;
    p.filters_per_subscribe = 8;
    p.filters_max = 50;  // subscriptions per connection
    return p;
}

UpstreamProfile azure_iot_profile() {
    UpstreamProfile p{.kind = UpstreamKind::azure_iot,
                      .name = "azure_iot",
                      .version = "IoT Hub, cloud service",
                      .source = "learn.microsoft.com, IoT Hub MQTT support"};
    p.speaks_v5 = false;                 // 3.1.1 only; MQTT 5 is a preview
    p.maximum_qos = QoS::at_least_once;  // QoS 2 closes the connection
    p.keep_alive_max_s = 1140;           // 19 minutes
    p.takes_retain = false;              // RETAIN becomes an application property of the message
    p.takes_dollar_topics = true;        // "$iothub/..." are its services
    p.packet_bytes_max = 256 * 1024;
    p.filters_per_subscribe = 8;
    return p;
}

const std::array<UpstreamProfile, 11>& table() {
    static const std::array<UpstreamProfile, 11> rows = {generic_profile(),  ledgemq_profile(),  mosquitto_profile(),
                                                         rabbitmq_profile(), nats_profile(),     activemq_profile(),
                                                         aedes_profile(),    hivemq_profile(),   emqx_profile(),
                                                         aws_iot_profile(),  azure_iot_profile()};
    return rows;
}

bool is_control(char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; }

/// The number of QoS 1 filters as the upstream counts them.
std::size_t count_filters(const UpstreamProfile& profile, const std::vector<Subscription>& all) {
    std::size_t count = 0;
    for (const Subscription& one : all)
        if (one.qos != QoS::at_most_once) count += profile.hash_counts_double && one.filter.ends_with("/#") ? 2U : 1U;
    return count;
}

void advise_on_subscriptions(const UpstreamProfile& profile, std::span<const Route> routes,
                             std::vector<std::string>& out) {
    const RouteSet set(std::vector<Route>(routes.begin(), routes.end()));
    const auto merged = set.remote_subscriptions(profile.copies);
    const auto separate = set.remote_subscriptions(OverlapCopies::one);
    const std::size_t count = count_filters(profile, merged);
    if (profile.filters_max != 0 && count > profile.filters_max)
        out.push_back("The incoming routes need " + std::to_string(count) + " filters of QoS 1 or 2, and " +
                      std::string(profile.name) + " accepts " + std::to_string(profile.filters_max) +
                      (profile.hash_counts_double ? " (a filter that ends in \"/#\" counts twice)." : ".") +
                      " Use fewer, wider filters.");
    for (const Subscription& one : merged) {
        if (std::find(separate.begin(), separate.end(), one) == separate.end())
            out.push_back("Some incoming routes overlap, and " + std::string(profile.name) +
                          " may send a copy for each of them. The bridge subscribes to " + quoted(one.filter) +
                          " instead and drops what no route carries.");
        if (!profile.sends_retained_for_wildcards && topic::has_wildcards(one.filter))
            out.push_back(std::string(profile.name) + " sends no retained messages for the filter " +
                          quoted(one.filter) + ", because it has a wildcard. Add routes with exact topics for them.");
    }
}

void advise_on_topics(const UpstreamProfile& profile, const Route& route, std::vector<std::string>& out) {
    const std::string filter = route.remote_filter();
    const std::string name(profile.name);
    if (filter.find_first_of(profile.changed_characters) != std::string::npos)
        out.push_back(name + " changes '.' to '/' and '*' to '+' in topics; " + quoted(filter) +
                      " has such a character.");
    if (filter.find_first_of(profile.fatal_characters) != std::string::npos)
        out.push_back(name + " closes the connection for a topic with '.' or a space; " + quoted(filter) +
                      " has one. Use a character map.");
    if (route.goes_out() && filter.starts_with('$') && !profile.takes_dollar_topics)
        out.push_back(name + " drops messages on topics that start with '$', or closes the connection; " +
                      quoted(filter) + " starts with it.");
    if (topic::count_levels(filter) > profile.topic_levels_max)
        out.push_back(quoted(filter) + " has more levels than " + name + " accepts (" +
                      std::to_string(profile.topic_levels_max) + ").");
    if (route.goes_out() && route.qos > profile.maximum_qos)
        out.push_back("The route for " + quoted(filter) + " asks for QoS " +
                      std::to_string(static_cast<int>(route.qos)) + ", and " + name + " does QoS " +
                      std::to_string(static_cast<int>(profile.maximum_qos)) + " at most: duplicates are possible.");
    if (route.goes_out() && route.retain == RetainRule::keep && !profile.takes_retain)
        out.push_back(name + " keeps no retained messages; set retain = \"clear\" for " + quoted(filter) + ".");
}

}  // namespace

const UpstreamProfile& profile_of(UpstreamKind kind) {
    const UpstreamProfile& row = table()[static_cast<std::size_t>(kind)];
    LEDGE_ASSERT(row.kind == kind);
    return row;
}

std::span<const UpstreamProfile> all_profiles() { return table(); }

UpstreamKind kind_of_host(std::string_view host) {
    struct Known {
        std::string_view ending;
        std::string_view part;  // that the host has somewhere before the ending; "" = any host with this ending
        UpstreamKind kind;
    };
    // Other services of Amazon have the same ending: a broker on a rented machine is no AWS IoT.
    static constexpr Known known[] = {{".amazonaws.com", ".iot.", UpstreamKind::aws_iot},
                                      {".amazonaws.com.cn", ".iot.", UpstreamKind::aws_iot},
                                      {".azure-devices.net", "", UpstreamKind::azure_iot},
                                      {".azure-devices.cn", "", UpstreamKind::azure_iot},
                                      {".hivemq.cloud", "", UpstreamKind::hivemq},
                                      {".emqx.cloud", "", UpstreamKind::emqx},
                                      {".emqxsl.com", "", UpstreamKind::emqx},
                                      {".emqxsl.cn", "", UpstreamKind::emqx}};
    std::string name = lower_case(std::string(host));
    if (name.ends_with('.')) name.pop_back();  // the root of all names may be written
    for (const Known& one : known)
        if (name.ends_with(one.ending) && name.find(one.part) != std::string::npos) return one.kind;
    return UpstreamKind::generic;
}

TopicProblem problem_of(const UpstreamProfile& profile, std::string_view topic, bool asks_for_dollar) {
    if (topic.starts_with('$') && !asks_for_dollar) return TopicProblem::dollar;
    if (topic.size() > profile.topic_bytes_max) return TopicProblem::too_long;
    if (topic::count_levels(topic) > profile.topic_levels_max) return TopicProblem::too_many_levels;
    if (std::any_of(topic.begin(), topic.end(), is_control)) return TopicProblem::control_character;
    if (topic.find_first_of(profile.fatal_characters) != std::string_view::npos) return TopicProblem::fatal_character;
    return TopicProblem::none;
}

std::string_view text_of(TopicProblem problem) {
    switch (problem) {
        case TopicProblem::none: return "";
        case TopicProblem::dollar: return "the topic starts with '$', and the route does not name such topics";
        case TopicProblem::too_many_levels: return "the topic has more levels than the upstream accepts";
        case TopicProblem::too_long: return "the topic is longer than the upstream accepts";
        case TopicProblem::control_character: return "the topic has a control character";
        case TopicProblem::fatal_character:
            return "the topic has a character for which the upstream closes the connection";
    }
    return "";
}

std::vector<std::string> advice_for(const UpstreamProfile& profile, std::span<const Route> routes) {
    std::vector<std::string> out;
    for (const Route& route : routes) advise_on_topics(profile, route, out);
    advise_on_subscriptions(profile, routes, out);
    return out;
}

std::string_view hint_of_first_bytes(std::string_view first) {
    if (first.starts_with("INFO ") || first.starts_with("-ERR"))
        return "the server speaks the NATS protocol: use its MQTT port, or the WebSocket path /mqtt";
    if (first.starts_with("\x15\x03"))
        return "the server answers with a TLS alert: this is a TLS port, use mqtts:// or wss://";
    if (first.starts_with("HTTP/")) return "the server speaks HTTP: use ws:// or wss://, or the MQTT port";
    if (first.starts_with("AMQP")) return "the server speaks AMQP: use its MQTT port";
    if (first.starts_with("SSH-")) return "the server speaks SSH: use the MQTT port";
    return "";
}

}  // namespace ledge::bridge
