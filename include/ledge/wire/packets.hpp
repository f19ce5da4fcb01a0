// The 15 control packets as plain structs, and the functions that decode and encode them. The structs hold views, which
// are valid as long as the frame. Decode and encode are inverse; the protocol version is a parameter. Each packet has
// its own .cpp with both. Decode validates everything: lengths, UTF-8, flags, packet ids, reason codes, properties.
// Neither allocates memory. All functions are stateless.
//
// decode: `frame` is one whole packet (fixed header included), as the Framer returns it. Any other bytes give an error,
//         never undefined behaviour. The error is the rule that the packet breaks. It converts to the reason code for a
//         v5 peer: malformed_packet or protocol_error; for CONNECT also unsupported_protocol_version and
//         client_identifier_not_valid (3.x, [MQTT-3.1.3-8]); for PUBLISH also topic_alias_invalid.
//         src/wire/README.md lists the answer to each kind of wrong input.
// encode: appends exactly encoded_size() bytes to the writer. The values come from the broker itself, so they are not
//         validated. Only two limits are asserted: a string has at most 65,535 bytes, and a whole packet has at most
//         packet_size_max bytes.
// encoded_size: returns the bytes of the whole packet, and never asserts. A packet with more than packet_size_max bytes
//         cannot be encoded.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "ledge/base/assert.hpp"
#include "ledge/base/bytes.hpp"
#include "ledge/base/result.hpp"
#include "ledge/wire/properties.hpp"
#include "ledge/wire/types.hpp"
#include "ledge/wire/violation.hpp"
#include "ledge/wire/writer.hpp"

namespace ledge::wire {

template <class T>
using Decoded = Result<T, Violation>;

using PacketId = std::uint16_t;  // 1..65535; 0 is never valid on the wire [MQTT-2.2.1-3]

struct Will {
    std::string_view topic;
    Bytes payload;
    QoS qos = QoS::at_most_once;
    bool retain = false;
    Properties properties;
};

struct Connect {
    Version version = Version::v3_1_1;
    std::string_view client_id;  // may be empty
    bool clean_start = true;     // called clean session in 3.x
    std::uint16_t keep_alive_s = 0;
    std::optional<Will> will;
    std::optional<std::string_view> user_name;
    std::optional<Bytes> password;
    Properties properties;
    bool is_bridge = false;  // 3.x only: the high bit of the protocol level, which bridges of other brokers set
};

struct Connack {
    bool session_present = false;
    ReasonCode code = ReasonCode::success;
    std::uint8_t return_code_v3 = 0;  // the return code on the wire in 3.x, 0 to 5; decode also sets `code` to match
    Properties properties;
};

struct Publish {
    std::string_view topic;  // empty when a topic alias replaces the topic (v5)
    Bytes payload;
    QoS qos = QoS::at_most_once;
    bool retain = false;
    bool dup = false;
    PacketId packet_id = 0;  // 0 if and only if `qos` is at_most_once
    Properties properties;
};

/// PUBACK, PUBREC, PUBREL, PUBCOMP.
struct Ack {
    PacketType type = PacketType::puback;
    PacketId packet_id = 0;
    ReasonCode code = ReasonCode::success;
    Properties properties;
};

enum class RetainHandling : std::uint8_t { send = 0, send_if_new = 1, do_not_send = 2 };

struct SubscribeOptions {
    QoS qos = QoS::at_most_once;
    bool no_local = false;
    bool retain_as_published = false;
    RetainHandling retain_handling = RetainHandling::send;
    friend bool operator==(const SubscribeOptions&, const SubscribeOptions&) = default;
};

struct SubscribeEntry {
    std::string_view filter;
    SubscribeOptions options;
};

/// The list of a SUBSCRIBE or UNSUBSCRIBE, kept as validated bytes. `for (auto e : packet.entries)` visits each entry.
/// A decoded list has at least one entry [MQTT-3.8.3-2]. The syntax of the filters ("a/#/b") is not checked here;
/// topic::is_valid_filter checks it.
class SubscribeEntries {
public:
    SubscribeEntries() = default;
    SubscribeEntries(Bytes raw, bool has_options) : raw_(raw), has_options_(has_options) {}
    class Iterator {
    public:
        Iterator(Bytes rest, bool has_options) : rest_(rest), has_options_(has_options) { read(); }
        const SubscribeEntry& operator*() const { return current_; }
        const SubscribeEntry* operator->() const { return &current_; }
        Iterator& operator++() {
            read();
            return *this;
        }
        bool operator!=(const Iterator& end) const { return at_ != end.at_; }

    private:
        void read();
        Bytes rest_;                // the bytes behind the current entry
        const Byte* at_ = nullptr;  // where the current entry begins; tells two iterators apart
        bool has_options_;
        SubscribeEntry current_;
    };
    Iterator begin() const { return {raw_, has_options_}; }
    Iterator end() const { return {Bytes(raw_.data() + raw_.size(), std::size_t{0}), has_options_}; }
    std::size_t count() const;
    Bytes raw() const { return raw_; }

private:
    Bytes raw_;
    bool has_options_ = true;
};

struct Subscribe {
    PacketId packet_id = 0;
    SubscribeEntries entries;
    Properties properties;
};

struct Unsubscribe {
    PacketId packet_id = 0;
    SubscribeEntries entries;  // without options, which an UNSUBSCRIBE does not have
    Properties properties;
};

/// SUBACK and UNSUBACK. In 3.x, encode writes every error code of a SUBACK as 0x80, and an UNSUBACK has no codes.
struct Suback {
    PacketType type = PacketType::suback;
    PacketId packet_id = 0;
    Bytes codes;  // one ReasonCode byte per entry
    Properties properties;
};

struct Pingreq {};
struct Pingresp {};

struct Disconnect {
    ReasonCode code = ReasonCode::success;
    Properties properties;
};

struct Auth {
    ReasonCode code = ReasonCode::success;
    Properties properties;
};

inline PacketType type_of(Bytes frame) {
    LEDGE_ASSERT(!frame.empty());
    return static_cast<PacketType>(frame.front() >> 4U);
}

/// Returns the topic of a PUBLISH of which only the beginning has arrived. nullopt = the packet is not a PUBLISH, the
/// topic has not arrived completely, or the topic is not valid.
std::optional<std::string_view> topic_of_beginning(Bytes beginning);

/// Returns the version that a CONNECT names, even if the rest of the packet is wrong. This version decides the form of
/// the CONNACK that refuses the client. A level above 5 counts as v5. nullopt = the version is unreadable or unknown.
std::optional<Version> claimed_version(Bytes frame);

// decode_connect needs no version, because the CONNECT names the version.
Decoded<Connect> decode_connect(Bytes frame);
Decoded<Connack> decode_connack(Bytes frame, Version version);
Decoded<Publish> decode_publish(Bytes frame, Version version);
Decoded<Ack> decode_ack(Bytes frame, Version version);
Decoded<Subscribe> decode_subscribe(Bytes frame, Version version);
Decoded<Suback> decode_suback(Bytes frame, Version version);
Decoded<Unsubscribe> decode_unsubscribe(Bytes frame, Version version);
Decoded<Suback> decode_unsuback(Bytes frame, Version version);
Decoded<Pingreq> decode_pingreq(Bytes frame);
Decoded<Pingresp> decode_pingresp(Bytes frame);
Decoded<Disconnect> decode_disconnect(Bytes frame, Version version);
Decoded<Auth> decode_auth(Bytes frame, Version version);

std::size_t encoded_size(const Connect& packet);
std::size_t encoded_size(const Connack& packet, Version version);
std::size_t encoded_size(const Publish& packet, Version version);
std::size_t encoded_size(const Ack& packet, Version version);
std::size_t encoded_size(const Subscribe& packet, Version version);
std::size_t encoded_size(const Suback& packet, Version version);
std::size_t encoded_size(const Unsubscribe& packet, Version version);
std::size_t encoded_size(const Disconnect& packet, Version version);
std::size_t encoded_size(const Auth& packet, Version version);

void encode(const Connect& packet, Writer& out);
void encode(const Connack& packet, Version version, Writer& out);
void encode(const Publish& packet, Version version, Writer& out);
/// Appends a PUBLISH without its payload, for a payload that is sent by reference.
void encode_publish_head(const Publish& packet, Version version, Writer& out);
void encode(const Ack& packet, Version version, Writer& out);
void encode(const Subscribe& packet, Version version, Writer& out);
void encode(const Suback& packet, Version version, Writer& out);
void encode(const Unsubscribe& packet, Version version, Writer& out);
void encode(const Disconnect& packet, Version version, Writer& out);  // 3.x: no code, no properties
void encode(const Auth& packet, Version version, Writer& out);
void encode(Pingreq, Writer& out);
void encode(Pingresp, Writer& out);
inline constexpr std::size_t ping_size = 2;

/// Appends one entry to the list of a SUBSCRIBE or UNSUBSCRIBE that will be sent: `filter:prefixed options:u8`, or only
/// the filter.
void append_entry(std::vector<Byte>& raw, const SubscribeEntry& entry, bool with_options);

}  // namespace ledge::wire
