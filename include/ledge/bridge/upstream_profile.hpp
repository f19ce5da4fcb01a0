// UpstreamProfile: how a kind of broker behaves towards a client that bridges, where it differs from the standard or
// sets limits that it does not tell. One row per kind; each row names the version that was tried and the source of its
// facts. What a broker tells in CONNACK (MQTT 5) counts in addition. Stateless.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "ledge/base/time.hpp"
#include "ledge/bridge/route_set.hpp"
#include "ledge/wire/types.hpp"

namespace ledge::bridge {

enum class UpstreamKind : std::uint8_t {
    generic,  // unknown: what every broker can be expected to do
    ledgemq,
    mosquitto,
    rabbitmq,
    nats,
    activemq,
    aedes,
    hivemq,
    emqx,
    aws_iot,
    azure_iot,
};

struct UpstreamProfile {
    UpstreamKind kind = UpstreamKind::generic;
    std::string_view name = "";     // the value in the configuration
    std::string_view version = "";  // the version that the facts are about
    std::string_view source =
        "";  // "run" = seen by running the broker and speaking raw MQTT to it; else the vendor's text

    // Connecting
    bool speaks_v5 = true;               // false: "auto" starts with 3.1.1
    bool accepts_bridge_bit = false;     // the high bit of the protocol level (3.1.1)
    std::uint16_t keep_alive_max_s = 0;  // 0 = no limit known
    Duration ping_timeout = 10s;         // from PINGREQ until the link counts as dead

    // Messages to the upstream
    wire::QoS maximum_qos = wire::QoS::exactly_once;  // a larger one closes the connection, or is not honoured
    std::uint16_t qos2_inflight_max = 0;              // in 3.1.1: further ones are acknowledged and lost; 0 = no limit
    bool takes_retain = true;                         // false: a message with RETAIN is refused or changed
    bool takes_dollar_topics = false;                 // false: topics that start with '$' are dropped, or they close
    std::uint16_t topic_levels_max = 100;             // more close the connection of some brokers, or do worse
    std::uint16_t topic_bytes_max = 0xFFFF;
    std::uint32_t packet_bytes_max = 0;        // 0 = no limit known
    std::string_view fatal_characters = "";    // in a topic they close the connection
    std::string_view changed_characters = "";  // in a topic they arrive as others

    // Subscriptions at the upstream
    OverlapCopies copies = OverlapCopies::per_filter;  // the safe assumption
    std::uint16_t filters_per_subscribe = 50;          // the size of a batch
    std::uint16_t filters_max = 0;                     // filters of QoS 1; 0 = no limit known
    bool hash_counts_double = false;                   // a filter that ends in "/#" needs two of them
    bool sends_retained_for_wildcards = true;          // false: only exact filters get retained messages
    std::string_view noise_filter = "";                // messages of the broker itself, which '#' would bring

    // Sessions
    bool tells_session_present = true;    // false: CONNACK says 0 although the session is there
    bool keeps_retained = true;           // false: retained messages are lost with a restart of the broker
    bool suppresses_echo_by_bit = false;  // with the bridge bit, own messages do not come back (3.1.1)
};

const UpstreamProfile& profile_of(UpstreamKind kind);
std::span<const UpstreamProfile> all_profiles();
/// The kind of a cloud service, by the host name that such services give ("….iot.….amazonaws.com"); generic = the name
/// tells nothing.
UpstreamKind kind_of_host(std::string_view host);

/// Why a topic must not be sent to an upstream.
enum class TopicProblem : std::uint8_t {
    none,
    dollar,             // it starts with '$', and the route does not name '$' topics
    too_many_levels,    // more than topic_levels_max
    too_long,           // more than topic_bytes_max bytes
    control_character,  // U+0001 to U+001F, U+007F
    fatal_character,    // one of fatal_characters
};

/// Checks a topic of the upstream before a message is sent. `asks_for_dollar`: the remote_prefix of the route starts
/// with '$', so its author wants such topics.
TopicProblem problem_of(const UpstreamProfile& profile, std::string_view topic, bool asks_for_dollar);
/// A sentence part for logs and dead letters, for example "the topic has more levels than the upstream accepts".
std::string_view text_of(TopicProblem problem);

/// Returns sentences for an operator about what this kind of upstream does with these routes. Empty = nothing to tell.
std::vector<std::string> advice_for(const UpstreamProfile& profile, std::span<const Route> routes);

/// Returns what an answer says that is no MQTT, for example "this is a TLS port"; "" = nothing known. `first` is the
/// beginning of the bytes that the upstream has sent; 8 bytes are enough.
std::string_view hint_of_first_bytes(std::string_view first);

}  // namespace ledge::bridge
