// CONNECT that is wrong, unwelcome, late or not the first packet.
#include "spec.hpp"

#include "ledge/broker/options.hpp"
#include "ledge/journal/records.hpp"
#include "ledge/session/limits.hpp"

namespace ledge::spec {

namespace {

/// CONNECT with these flags and payload; keep alive 0, no properties.
std::string connect_with(Version version, int flags, std::string_view payload, const PropertyValues& properties = {}) {
    std::string body = text(version == v31 ? "MQIsdp" : "MQTT") + bytes({static_cast<int>(version), flags, 0, 0});
    if (version == v5) body += encode(properties);
    return frame(0x10, body + std::string(payload));
}

/// v5: CONNACK with the code; 3.x: closed without a word [MQTT-3.1.4-1] [MQTT-3.2.2-6].
void is_turned_away(Version version, std::string_view packet, ReasonCode code = ReasonCode::malformed_packet) {
    CAPTURE(code);
    Script s(version);
    s.client("meter").opens(version).sends_raw(packet);
    if (version == v5) {
        s.client("meter").is_refused(code);
    } else {
        s.client("meter").is_closed();
    }
    s.nothing_else();
}

void is_turned_away(std::string_view properties, ReasonCode code) {
    const std::string body =
        text("MQTT") + bytes({5, 2, 0, 0}) + variable(static_cast<std::uint32_t>(properties.size()));
    is_turned_away(v5, frame(0x10, body + std::string(properties) + text("x")), code);
}

}  // namespace

SPEC("v3 [MQTT-3.1.2-1] v5 [MQTT-3.1.2-1] [MQTT-3.2.2-7] a protocol that is not MQTT is not served") {
    for (const char* name : {"MQTX", "mqtt", "MQIsdq", "HTTP", "", "MQTTT"}) {
        for (const int level : {3, 4, 5}) {
            CAPTURE(name);
            Script s;
            const std::string packet = frame(0x10, text(name) + bytes({level, 2, 0, 0, 0}) + text("x"));
            s.client("meter").opens(v311).reads_raw().sends_raw(packet).is_closed();
            const std::string& answer = s.client("meter").raw();  // of 3.x or 5.0, who knows what the client speaks
            CHECK((answer.empty() || (answer.at(0) == 0x20 && answer.at(3) != 0)));
        }
    }
}

SPEC("v3 [MQTT-3.1.2-2] a level below 3.1 gets return code 1") {
    for (const int level : {0, 1, 2}) {
        Script s(v311);
        s.client("meter").opens(v311).sends_raw(frame(0x10, text("MQTT") + bytes({level, 2, 0, 0}) + text("x")));
        s.client("meter").is_refused(ReasonCode::unsupported_protocol_version, 1);
        s.nothing_else();
    }
}

SPEC("v5 [MQTT-3.1.2-2] [MQTT-3.2.2-6] [MQTT-4.13.2-1] a version above 5 is told 0x84") {
    for (const int level : {6, 7, 100}) {
        Script s;
        s.client("meter").opens(v5).sends_raw(frame(0x10, text("MQTT") + bytes({level, 2, 0, 0, 0}) + text("x")));
        s.client("meter").is_refused(ReasonCode::unsupported_protocol_version);
        s.nothing_else();
    }
}

SPEC("v3 [MQTT-3.1.2-3] v5 [MQTT-3.1.2-3] the reserved flag of CONNECT must be 0") {
    for (const auto version : standard_versions) is_turned_away(version, connect_with(version, 0x03, text("x")));
}

SPEC("v3 [MQTT-3.1.2-14] v5 [MQTT-3.1.2-12] a will has no QoS 3") {
    for (const auto version : every_version) {
        const std::string none = version == v5 ? bytes({0}) : std::string();
        is_turned_away(version, connect_with(version, 0x1E, text("x") + none + text("t") + text("p")));
    }
}

SPEC(
    "v3 [MQTT-3.1.2-11] [MQTT-3.1.2-13] [MQTT-3.1.2-15] v5 [MQTT-3.1.2-11] [MQTT-3.1.2-13] no will, no QoS and retain "
    "of it") {
    for (const auto version : standard_versions)
        for (const int flags : {0x0A, 0x12, 0x22, 0x1A})
            is_turned_away(version, connect_with(version, flags, text("x")));
}

SPEC("v3 [MQTT-3.1.2-9] v5 [MQTT-3.1.2-9] a will that is announced must be there") {
    for (const auto version : every_version) {
        const std::string none = version == v5 ? bytes({0}) : std::string();
        is_turned_away(version, connect_with(version, 0x06, text("x")));
        is_turned_away(version, connect_with(version, 0x06, text("x") + none + text("t")));
    }
}

SPEC(
    "v3 [MQTT-3.1.2-19] [MQTT-3.1.2-21] v5 [MQTT-3.1.2-17] [MQTT-3.1.2-19] user name and password must be there if "
    "announced") {
    for (const auto version : standard_versions) {
        is_turned_away(version, connect_with(version, 0x82, text("x")));
        is_turned_away(version, connect_with(version, 0xC2, text("x") + text("user")));
    }
}

SPEC("v3 [MQTT-3.1.2-18] [MQTT-3.1.2-20] v5 [MQTT-3.1.2-16] [MQTT-3.1.2-18] and must not be there if not announced") {
    for (const auto version : every_version) {
        is_turned_away(version, connect_with(version, 0x02, text("x") + text("user")));
        is_turned_away(version, connect_with(version, 0x82, text("x") + text("user") + text("password")));
    }
}

SPEC("v3 [MQTT-3.1.2-22] no password without a user name") {
    for (const auto version : versions_3)
        is_turned_away(version, connect_with(version, 0x42, text("x") + text("password")));
}

SPEC("v5 a password without a user name is allowed") {
    Script s;
    s.client("meter").connects({.password = "secret"}).gets(connack());
    s.nothing_else();
}

SPEC(
    "v3 [MQTT-3.1.3-4] [MQTT-3.1.3-10] [MQTT-3.1.3-11] [MQTT-1.5.3-1] [MQTT-1.5.3-2] [MQTT-3.1.4-1] [MQTT-3.2.2-6] "
    "v5 [MQTT-3.1.3-4] [MQTT-3.1.3-11] [MQTT-3.1.3-12] [MQTT-1.5.4-1] [MQTT-1.5.4-2] [MQTT-3.1.4-1] "
    "client id, will topic and user name are UTF-8") {
    const std::string wrong[] = {"\xff", "\xc3", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xc0\xaf", bytes({'a', 0, 'b'})};
    for (const auto version : every_version) {
        const std::string none = version == v5 ? bytes({0}) : std::string();
        for (const auto& name : wrong) {
            is_turned_away(version, connect_with(version, 0x02, text(name)));
            is_turned_away(version, connect_with(version, 0x06, text("x") + none + text(name) + text("p")));
            is_turned_away(version, connect_with(version, 0x82, text("x") + text(name)));
        }
    }
}

SPEC("v3 [MQTT-3.1.3-3] v5 [MQTT-3.1.3-3] [MQTT-3.2.2-8] [MQTT-4.13.1-1] a CONNECT that ends early is turned away") {
    for (const auto version : every_version) {
        const std::string whole = connect_with(version, 0x02, text("meter")).substr(2);
        const std::size_t flags = version == v31 ? 10 : 8;
        for (std::size_t size = flags; size < whole.size(); ++size)
            is_turned_away(version, frame(0x10, whole.substr(0, size)));
    }
}

SPEC("v3 [MQTT-2.2.2-1] [MQTT-2.2.2-2] v5 [MQTT-2.1.3-1] flags in the fixed header of CONNECT close the connection") {
    for (const auto version : every_version) {
        std::string packet = connect_with(version, 0x02, text("x"));
        for (int flags = 1; flags < 16; ++flags) {
            packet[0] = static_cast<char>(0x10 | flags);
            Script s(version);
            s.client("meter").opens(version).sends_raw(packet).is_closed();
        }
    }
}

SPEC("v5 properties of CONNECT that appear twice or hold a forbidden value are protocol errors") {
    const auto error = ReasonCode::protocol_error;
    is_turned_away(bytes({0x11, 0, 0, 0, 1, 0x11, 0, 0, 0, 1}), error);  // Session Expiry Interval twice
    is_turned_away(bytes({0x21, 0, 0}), error);                          // Receive Maximum 0
    is_turned_away(bytes({0x27, 0, 0, 0, 0}), error);                    // Maximum Packet Size 0
    is_turned_away(bytes({0x17, 2}), error);                             // Request Problem Information 2
    is_turned_away(bytes({0x19, 2}), error);                             // Request Response Information 2
    is_turned_away(bytes({0x16}) + text("data"), error);                 // Authentication Data without a method
    is_turned_away(bytes({0x22, 0, 1, 0x22, 0, 1}), error);              // Topic Alias Maximum twice
}

SPEC("v5 [MQTT-1.5.7-1] properties of CONNECT that are unknown, misplaced or cut are malformed") {
    const auto error = ReasonCode::malformed_packet;
    is_turned_away(bytes({0x7F, 1}), error);           // no such property
    is_turned_away(bytes({0x02, 0, 0, 0, 1}), error);  // Message Expiry Interval does not belong here
    is_turned_away(bytes({0x23, 0, 1}), error);        // nor Topic Alias
    is_turned_away(bytes({0x11, 0, 0}), error);        // cut
    is_turned_away(bytes({0x26}) + text("\xff") + text("value"), error);  // User Property, name not UTF-8
    is_turned_away(bytes({0x26}) + text("name") + text("\xff"), error);   // value not UTF-8
    is_turned_away(bytes({0x26}) + text("name"), error);                  // no value
}

SPEC("MQTT 3.1 leaves the reserved flag and the will flags without a will to the client") {
    for (const int flags : {0x03, 0x0A, 0x22}) {
        Script s(v31);
        s.client("meter").opens(v31).sends_raw(connect_with(v31, flags, text("x"))).gets(connack());
        s.nothing_else();
    }
}

SPEC("v5 a will topic with wildcards is malformed") {
    for (const char* topic : {"a/#", "+/b", "a+"}) {
        Script s;
        s.client("meter").connects({.will = WillMessage{.topic = topic, .payload = "p"}});
        s.client("meter").is_refused(ReasonCode::malformed_packet);
    }
}

SPEC("v3 [MQTT-3.1.0-2] [MQTT-4.8.0-1] v5 [MQTT-3.1.0-2] a second CONNECT closes the connection") {
    for (const auto version : every_version) {
        Script s(version);
        s.client("meter").connects().gets(connack()).sends_raw(encode_connect(version, "meter", {}));
        s.client("meter").is_disconnected(ReasonCode::protocol_error);
        s.nothing_else();
    }
}

SPEC("v3 [MQTT-3.1.0-1] v5 [MQTT-3.1.0-1] [MQTT-3.14.0-1] whatever comes before CONNECT closes without an answer") {
    for (const auto version : standard_versions) {
        const Packet packets[] = {
            publish("a", "1"),   publish("a", "1").qos1(1), puback(1), pubrec(1),  pubrel(1),   pubcomp(1),
            subscribe(1, {"a"}), unsubscribe(1, {"a"}),     pingreq(), pingresp(), disconnect()};
        for (const auto& packet : packets) {
            Script s(version);
            s.client("meter").opens(version).sends(packet).is_closed();
            s.nothing_else();
        }
    }
    Script s;
    s.client("meter").opens(v5).sends(auth(ReasonCode::continue_authentication, "ANONYMOUS", "x")).is_closed();
}

SPEC("v3 [MQTT-3.1.4-5] v5 [MQTT-3.1.4-6] what follows a rejected CONNECT is not processed") {
    for (const auto version : standard_versions) {
        Script s(version);
        s.client("watch").connects().subscribes("a");
        const std::string rejected = encode_connect(version, repeat('x', 1025), {});
        s.client("meter").opens(version).sends_raw(rejected + encode(publish("a", "1"), version));
        s.client("meter").is_refused(ReasonCode::client_identifier_not_valid, 2);
        s.client("watch").gets_nothing();
        s.nothing_else();
    }
}

SPEC("v5 [MQTT-3.1.4-2] v3 [MQTT-3.2.2-5] anonymous clients are refused where the listener does not allow them") {
    for (const auto version : every_version) {
        Script s(version, [](broker::ShardOptions& options) { options.listeners[0].allow_anonymous = false; });
        s.client("meter").connects().is_refused(ReasonCode::not_authorized, 5);
        s.nothing_else();
    }
}

SPEC("an unknown user name or password is refused: 0x86, return code 4") {
    for (const auto version : every_version) {
        Script s(version, [](broker::ShardOptions& options) { options.listeners[0].allow_anonymous = false; });
        s.client("meter").connects({.user_name = "someone", .password = "secret"});
        s.client("meter").is_refused(ReasonCode::bad_user_name_or_password, 4);
        s.nothing_else();
    }
}

SPEC("no more sessions than allowed: 0x97, return code 3") {
    for (const auto version : every_version) {
        Script s(version, [](broker::ShardOptions& options) { options.sessions_max = 2; });
        s.client("one").connects();
        s.client("two").connects();
        s.client("three").connects().is_refused(ReasonCode::quota_exceeded, 3);
        s.client("two").disconnects();
        s.client("three").connects();
        s.nothing_else();
    }
}

SPEC("a client that does not send CONNECT in time is closed without a word") {
    for (const auto version : standard_versions) {
        Script s(version);
        s.client("silent").opens(version);
        s.client("slow").opens(version).sends_raw(encode_connect(version, "slow", {}).substr(0, 5));
        s.passes(9s);
        s.nothing_else();
        s.passes(2s);
        s.client("silent").is_closed();
        s.client("slow").is_closed();
        s.nothing_else();
    }
}

SPEC("a first packet that announces more than the limit is refused before it has come") {
    Script s(v311, [](broker::ShardOptions& options) { options.listeners[0].limits.connect_packet_max_bytes = 1000; });
    s.client("meter").opens(v311).sends_raw(bytes({0x10}) + variable(1200)).is_closed();
    s.nothing_else();
}

SPEC("v3 [MQTT-3.2.2-4] v5 [MQTT-3.2.2-6] session present is 0 in a refusal, even if there is a session") {
    for (const auto version : standard_versions) {
        Script s(version);
        s.client("meter").connects(resume).gets(connack()).disconnects();
        ConnectOptions again = resume;
        again.will = WillMessage{.topic = "$SYS/broker/version", .payload = "mine"};
        s.client("meter").connects(again);
        if (version == v5) {
            s.client("meter").is_refused(ReasonCode::not_authorized);
        } else {
            s.client("meter").is_refused(ReasonCode::not_authorized, 5);
        }
        s.nothing_else();
    }
}

}  // namespace ledge::spec
