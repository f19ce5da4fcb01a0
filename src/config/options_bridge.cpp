// The options of one bridge: [bridges.NAME], its sections [.token], [.tls] and [.queue], and [[bridges.NAME.routes]].
// Defaults are not here: they are the values of a default-constructed BridgeSettings or Route.
#include <vector>

#include "ledge/bridge/upstream_profile.hpp"
#include "option_rows.hpp"
#include "options.hpp"

namespace ledge::config {
namespace {

constexpr Option bridge_rows[] = {
    bridge_row<&BridgeSettings::urls>(
        "urls", "", {},
        "The addresses of the upstream in the order of preference: mqtts://HOST:PORT (TLS), mqtt://HOST:PORT, "
        "wss://HOST:PORT/PATH or ws://HOST:PORT/PATH (WebSocket). HOST is a name or an address. If an address cannot "
        "be reached, the bridge tries the next one, and later the first one again. A ws:// or wss:// without PATH "
        "means /mqtt. Default: none; every bridge needs at least one."),
    // [MQTT-3.1.4-3] of 5.0: the server disconnects the client that had the same client id before.
    bridge_row<&BridgeSettings::client_id>(
        "client_id", "", {},
        "The client id at the upstream. Each gateway needs its own: two clients with the same id disconnect each "
        "other. Default: \"\", which means the host name, 8 digits that follow from /etc/machine-id, and the name of "
        "the "
        "bridge, joined by '-'. `ledgemq check` prints it. A server of MQTT 3.1.1 may demand at most 23 letters and "
        "digits."),
    bridge_row<&BridgeSettings::protocol>(
        "protocol", "", {},
        "The version of MQTT. auto: 5, then 3.1.1 if the upstream does not understand 5. With 3.1.1 the properties of "
        "a message, its expiry and reason codes are not carried."),
    bridge_row<&BridgeSettings::user>("user", "", {}, "The user name at the upstream. \"\" = none."),
    bridge_row<&BridgeSettings::password_file>(
        "password_file", "", {},
        "The file whose first line is the password. Nobody but its owner and group may read it. The file is read "
        "again before each connection. \"\" = no password."),
    // No shell, so that no character in an argument has a meaning.
    bridge_row<&BridgeSettings::password_command>(
        "password_command", "", {},
        "A program that prints the password, for passwords that change: its whole path, then its arguments, for "
        "example [\"/usr/bin/gateway-token\", \"--site\", \"17\"]. There is no shell. The program is run before each "
        "connection, as the user of the broker, without input; the first line of its output is the password. After "
        "10 s it is ended. [] = none."),
    bridge_row<&BridgeSettings::bridge_bit>(
        "bridge_bit", "", {},
        "Whether a CONNECT of MQTT 3.1.1 says that this client is a bridge. Mosquitto and aedes then do not send the "
        "bridge its own messages; some other brokers refuse such a CONNECT."),
    // RFC 7692
    bridge_row<&BridgeSettings::compression>(
        "compression", "", {},
        "Whether the bridge asks a server of ws:// or wss:// for compressed messages (permessage-deflate), in both "
        "directions. Without the server's agreement messages pass as they are; otherwise a connection takes 50 to 75 "
        "KiB more memory."),
    // Below 5 s the answers of a slow radio network would come too late.
    bridge_row<&BridgeSettings::keep_alive>(
        "keep_alive_s", "s", {5, u16_max},
        "Seconds of silence after which the bridge asks the upstream for a sign of life. Without an answer, the "
        "connection is closed and made anew."),
    bridge_row<&BridgeSettings::session_expiry>(
        "session_expiry_s", "s", {1, u32_max},
        "Seconds for which the upstream keeps the session, with its messages, while the bridge is away (MQTT 5)."),
    bridge_row<&BridgeSettings::connect_timeout>(
        "connect_timeout_s", "s", {1, 600},
        "Seconds until the name is resolved, the connection is open, and the handshakes of TLS and WebSocket are done. "
        "After this time the bridge tries the next url."),
    bridge_row<&BridgeSettings::connack_timeout>(
        "connack_timeout_s", "s", {1, 600},
        "Seconds from the CONNECT of the bridge to the answer. A broker that accepts connections and does not answer "
        "counts as away after this time."),
    // A limit of its own: the connection is good, only the answer is slow.
    bridge_row<&BridgeSettings::suback_timeout>(
        "suback_timeout_s", "s", {1, 3'600},
        "Seconds until the upstream has answered a SUBSCRIBE. Some brokers need seconds for 50 filters."),
    // At random, so that a thousand gateways do not come back in the same second after a failure of the upstream.
    bridge_row<&BridgeSettings::retry_first>(
        "retry_first_s", "s", {1, 3'600},
        "Seconds between the first failure and the next attempt. The pause doubles with each failure, and is "
        "shortened at random by up to a half."),
    bridge_row<&BridgeSettings::retry_max>("retry_max_s", "s", {1, 86'400},
                                           "The longest pause between two attempts in seconds."),
    bridge_row<&BridgeSettings::lazy>(
        "lazy", "", {},
        "Whether the bridge connects only when a message waits for the upstream, for links that are paid by time or "
        "volume. Messages of the upstream come only while the bridge is connected."),
    bridge_row<&BridgeSettings::lazy_idle>(
        "lazy_idle_s", "s", {1, 86'400},
        "Seconds without a message after which a lazy bridge disconnects. Without lazy = true this has no effect."),
    // UTC, because local time has an hour twice a year that does not exist or exists twice.
    bridge_row<&BridgeSettings::windows>(
        "windows", "", {},
        "The parts of the day in which the bridge may be connected, in UTC, written HH:MM-HH:MM: "
        "[\"22:00-06:00\", \"12:00-12:30\"]. At the end of a window the bridge disconnects. [] = the whole day."),
    // Receive Maximum (5.0 section 3.1.2.11.3).
    bridge_row<&BridgeSettings::inflight_max>(
        "inflight_max", "messages", {1, u16_max},
        "Unacknowledged messages in each direction. A smaller Receive Maximum of the upstream counts instead."),
    // Maximum Packet Size (5.0 section 3.1.2.11.4) in one direction; the upstream tells its own in CONNACK.
    bridge_row<&BridgeSettings::packet_bytes_max>(
        "packet_bytes_max", "bytes", {1024, mqtt_packet_max},
        "The largest packet in bytes, in both directions. A larger message is set aside (queue.dead_letter_topic)."),
    // The will (section 3.1.2.5) is published by the upstream, so it also tells that the whole gateway is gone.
    bridge_row<&BridgeSettings::state_topic>(
        "state_topic", "", {},
        "A topic of the upstream that tells there whether the bridge is connected: a retained 1, or 0 as the will. "
        "\"\" = none."),
    bridge_row<&BridgeSettings::republish_retained>(
        "republish_retained", "", {},
        "Whether the bridge sends the retained messages of the outgoing routes after each connect, for brokers that "
        "lose theirs. false: only if the upstream has no session of the bridge, and those of a new route."),
    bridge_row<&BridgeSettings::fall_back_to_qos0>(
        "fall_back_to_qos0", "", {},
        "Whether the bridge asks for QoS 0 when the upstream refuses a filter. NATS refuses the 64th filter of QoS "
        "1."),
    // Properties cost bytes on each message, so most messages of one-way routes go without them.
    bridge_row<&BridgeSettings::marks>(
        "marks", "", {},
        "Which messages get two user properties (MQTT 5) by which a ring of bridges is noticed: the client id of the "
        "first bridge, and the number of bridges so far. auto: all messages of routes with direction = \"both\", and "
        "every 16th of other routes. never: only messages that have them already. always: all messages."),
    bridge_row<&BridgeSettings::character_map>(
        "character_map", "", {},
        "Characters of outgoing topics that are replaced, each with its replacement: [\"._\"] makes a_b of a.b. NATS "
        "closes the connection for a topic with '.' or a space."),

    bridge_token<&BridgeTokenSettings::kind>(
        "kind", "", {},
        "jwt: a JSON Web Token. sas: a shared access signature of Azure IoT Hub or its Device Provisioning Service. "
        "none: the bridge makes no token."),
    bridge_token<&BridgeTokenSettings::key_file>(
        "key_file", "", {},
        "The file with the key that signs. ES256, RS256: a private key in PEM. HS256: a shared secret of at least 32 "
        "bytes. sas: the key in base64. Nobody but its owner and group may read it. It is read for each token."),
    bridge_token<&BridgeTokenSettings::lifetime>(
        "lifetime_s", "s", {10, 31'536'000},
        "Seconds for which a token is valid. In the last tenth of this time the bridge makes the next token and "
        "connects again with it."),
    bridge_token<&BridgeTokenSettings::algorithm>(
        "algorithm", "", {},
        "How a JSON Web Token is signed. ES256: ECDSA on the curve P-256. RS256: RSA. HS256: a shared secret."),
    bridge_token<&BridgeTokenSettings::key_id>(
        "key_id", "", {}, "jwt: kid in the header, which tells the upstream the key. \"\" = none."),
    bridge_token<&BridgeTokenSettings::issuer>("issuer", "", {}, "jwt: the claim iss. \"\" = none."),
    bridge_token<&BridgeTokenSettings::subject>(
        "subject", "", {}, "jwt: the claim sub, by which many upstreams know the user. \"\" = none."),
    bridge_token<&BridgeTokenSettings::audience>("audience", "", {}, "jwt: the claim aud. \"\" = none."),
    bridge_token<&BridgeTokenSettings::resource>(
        "resource", "", {},
        "sas: the resource that the token is for: HUB/devices/DEVICE, or IDSCOPE/registrations/DEVICE for the Device "
        "Provisioning Service."),
    bridge_token<&BridgeTokenSettings::policy>(
        "policy", "", {},
        "sas: the name of the policy whose key signs; \"registration\" for the Device Provisioning Service. \"\" = "
        "none, for the key of a device."),

    bridge_tls<&BridgeTlsSettings::ca>(
        "ca",
        "PEM file with the certificates of the authorities that sign the upstream's certificate. The authorities that "
        "the system trusts are in \"/etc/ssl/certs/ca-certificates.crt\". All files of this section are watched."),
    bridge_tls<&BridgeTlsSettings::certificate>(
        "certificate", "PEM file with the certificate of the bridge, for an upstream that asks for one. \"\" = none."),
    bridge_tls<&BridgeTlsSettings::key>("key", "PEM file with the private key of certificate, without a password."),
    bridge_tls<&BridgeTlsSettings::server_name>(
        "server_name",
        "The name that the bridge asks for (SNI) and that the upstream's certificate must have. Default: \"\", which "
        "means the host of the url."),
    bridge_tls<&BridgeTlsSettings::psk_file>(
        "psk_file",
        "File with a pre-shared key instead of certificates: one line, written IDENTITY:HEX, with 16 to 32 bytes. "
        "Nobody but its owner and group may read it. \"\" = none."),
    bridge_tls<&BridgeTlsSettings::alpn>(
        "alpn",
        "The protocols that the bridge offers (ALPN), for example [\"x-amzn-mqtt-ca\"] for port 443 of AWS IoT. [] = "
        "none."),

    bridge_queue<&BridgeQueueSettings::bytes_max>("bytes_max", "bytes", {1024, tib},
                                                  "Bytes of messages that wait for the upstream."),
    bridge_queue<&BridgeQueueSettings::messages_max>("messages_max", "messages", {1, u32_max},
                                                     "Messages that wait for the upstream."),
    bridge_queue<&BridgeQueueSettings::overflow>(
        "overflow", "", {},
        "What happens to a message for which the queue has no room. drop_oldest: the oldest messages make room. "
        "drop_newest: the message is dropped. refuse: the publisher is told quota exceeded."),
    bridge_queue<&BridgeQueueSettings::rate_bytes_per_second>(
        "rate_bytes_per_second", "bytes", {0, u32_max},
        "Bytes of MQTT that the bridge sends to the upstream per second. Above this rate messages wait in the queue; "
        "QoS 0 messages are dropped when more than about a second's worth waits. A single message may be larger. TLS, "
        "WebSocket and TCP come on top. 0 = unlimited."),
    bridge_queue<&BridgeQueueSettings::poison_attempts>(
        "poison_attempts", "attempts", {1, 100},
        "Connections that the upstream may close because of the same message. Then the message is set aside and the "
        "queue goes on."),
    bridge_queue<&BridgeQueueSettings::dead_letter_topic>(
        "dead_letter_topic", "", {},
        "Messages that are set aside are published here, at the local broker, as TOPIC/their own topic. \"\" = they "
        "are dropped and counted."),
    bridge_queue<&BridgeQueueSettings::warn_time_to_full>(
        "warn_time_to_full_s", "s", {0, 31'536'000},
        "A warning is logged, and /healthz says degraded, when the queue will be full within this time if messages go "
        "on coming and leaving as in the last minute. 0 = never."),
    bridge_queue<&BridgeQueueSettings::age_max>(
        "age_max_s", "s", {0, u32_max},
        "Seconds after which a waiting message is not sent any more; it is dropped and counted as expired. 0 = no "
        "limit. The Message Expiry Interval that the upstream gets stays that of the publisher."),
    bridge_queue<&BridgeQueueSettings::last_value>(
        "last_value", "", {},
        "Filters of local topics, for example [\"plant/+/status\"]. Of the messages of each such topic that were not "
        "sent yet, only the newest one waits. The others are dropped and counted as replaced. [] = none."),
    bridge_queue<&BridgeQueueSettings::priority>(
        "priority", "", {},
        "Filters of local topics, for example [\"alarms/#\"], whose messages do not wait behind the others. They have "
        "a queue and a connection of their own, with the client id of the bridge and '-priority' behind it, and the "
        "limits of this section once more. [] = none."),
    bridge_queue<&BridgeQueueSettings::order>(
        "order", "", {},
        "What leaves first after an absence. backlog_first: what waits for longest, as MQTT requires for each topic. "
        "live_first is not possible; use priority."),
};

constexpr Option route_rows[] = {
    route<&bridge::Route::direction>(
        "direction", {},
        "The direction of the messages. out: from here to the upstream. in: from the upstream to here. both: both, "
        "with the same topics; no message returns to where it came from."),
    route<&bridge::Route::filter>(
        "filter", {},
        "The topics that are carried, without the prefixes. If several routes match, the first one carries the "
        "message. Default: none; it may be left out only if both prefixes are whole topics."),
    route<&bridge::Route::local_prefix>(
        "local_prefix", {}, "The beginning of the local topics, which stands before filter. It usually ends in '/'."),
    route<&bridge::Route::remote_prefix>("remote_prefix", {},
                                         "The beginning of the topics of the upstream, which replaces local_prefix."),
    route<&bridge::Route::qos>("qos", {0, 2}, "The largest QoS of a carried message; a larger one is lowered."),
    route<&bridge::Route::retain>(
        "retain", {}, "What happens to the RETAIN flag. keep: it is carried along. clear: messages have none."),
};

/// "auto", and the name of each kind of upstream in the order of UpstreamKind.
std::span<const std::string_view> upstream_names() {
    static const std::vector<std::string_view> names = [] {
        std::vector<std::string_view> all = {"auto"};
        for (const bridge::UpstreamProfile& profile : bridge::all_profiles()) all.push_back(profile.name);
        return all;
    }();
    return names;
}

/// The row of BridgeSettings::upstream. The number of a choice is 0 for "auto", and one more than the kind otherwise.
Option upstream_row() {
    return {Scope::bridge,
            "",
            "upstream",
            Type::choice,
            "",
            0,
            0,
            upstream_names(),
            "The kind of broker that the upstream is. Brokers differ in what they do with QoS 2, retained messages, "
            "overlapping filters and certain topics, and the bridge adapts to it. auto: the host names of some cloud "
            "services tell the kind (`ledgemq check` says so); otherwise the bridge is careful, and learns from what "
            "the upstream does.",
            [](Place place) -> PlainValue {
                const auto& kind = place.bridge->upstream;
                return kind ? static_cast<std::int64_t>(*kind) + 1 : std::int64_t{0};
            },
            [](Place place, const PlainValue& value) {
                const std::int64_t choice = std::get<std::int64_t>(value);
                place.bridge->upstream.reset();
                if (choice > 0) place.bridge->upstream = static_cast<bridge::UpstreamKind>(choice - 1);
            }};
}

}  // namespace

std::span<const Option> bridge_options() {
    static const std::vector<Option> all = [] {
        std::vector<Option> rows(std::begin(bridge_rows), std::end(bridge_rows));
        // The kind follows the protocol, with which it decides how the bridge connects.
        for (std::size_t i = 0; i < rows.size(); ++i) {
            if (rows[i].name != "protocol") continue;
            rows.insert(rows.begin() + static_cast<std::ptrdiff_t>(i) + 1, upstream_row());
            break;
        }
        rows.insert(rows.end(), std::begin(route_rows), std::end(route_rows));
        return rows;
    }();
    return all;
}

}  // namespace ledge::config
