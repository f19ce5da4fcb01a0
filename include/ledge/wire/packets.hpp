// The 15 control packets as plain structs of views, and their codec. Decode and encode are inverse; the protocol
// version is a parameter. Each packet has its own .cpp with decode beside encode. Decoding is complete validation:
// lengths, UTF-8, flags, packet ids, reason codes, properties. Nothing is allocated; views live as long as the frame.
//
// decode: `frame` is one whole packet (fixed header included) as the Framer delivers it; anything else is malformed,
//         never undefined. The error is the rule that was broken; it converts to the reason code that a v5 peer is
//         told: malformed_packet or protocol_error, for CONNECT also unsupported_protocol_version and
//         client_identifier_not_valid (3.x, [MQTT-3.1.3-8]), for PUBLISH also topic_alias_invalid.
//         src/wire/README.md lists which input gets which answer.
// encode: appends exactly encoded_size() bytes to the writer. Values are ours and trusted: strings of at most 65,535
//         bytes and a whole packet of at most packet_size_max bytes are asserted, nothing else is checked.
// encoded_size: bytes of the whole packet; never asserts. More than packet_size_max cannot be encoded.
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
    bool clean_start = true;     // 3.x: clean session
    std::uint16_t keep_alive_s = 0;
    std::optional<Will> will;
    std::optional<std::string_view> user_name;
    std::optional<Bytes> password;
    Properties properties;
    bool is_bridge = false;  // 3.x: high bit of the protocol level, as bridges of other brokers send it
};

struct Connack {
    bool session_present = false;
    ReasonCode code = ReasonCode::success;
    std::uint8_t return_code_v3 = 0;  // what stands on the wire for 3.x: 0 to 5; decode fills `code` to match it
    Properties properties;
};

struct Publish {
    std::string_view topic;  // empty when a topic alias stands for it (v5)
    Bytes payload;
    QoS qos = QoS::at_most_once;
    bool retain = false;
    bool dup = false;
    PacketId packet_id = 0;  // 0 exactly when qos is 0
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

/// SUBSCRIBE and UNSUBSCRIBE keep their list as validated bytes; for (auto e : subscribe.entries()) walks them.
/// At least one entry [MQTT-3.8.3-2]. Filter syntax ("a/#/b") is not judged here but by topic::is_valid_filter.
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
        Bytes rest_;
        const Byte* at_ = nullptr;
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
    SubscribeEntries entries;  // options are not on the wire
    Properties properties;
};

/// SUBACK and UNSUBACK. For 3.x an error code becomes 0x80 in SUBACK; UNSUBACK carries no codes.
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

/// The topic of a PUBLISH of which only the beginning has come; nullopt: another packet, or not so far yet.
std::optional<std::string_view> topic_of_beginning(Bytes beginning);

/// The version a CONNECT claims, whatever is wrong with the rest of it: it decides the form of the CONNACK that
/// refuses. A level above 5 counts as v5. nullopt: not told, or none we know.
std::optional<Version> claimed_version(Bytes frame);

// CONNECT decides the version itself.
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
/// Everything of a PUBLISH but its payload, for payloads that are sent by reference.
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

/// Appends one entry, `filter:prefixed options:u8` or only the filter; collects the entries of a SUBSCRIBE or
/// UNSUBSCRIBE to be sent.
void append_entry(std::vector<Byte>& raw, const SubscribeEntry& entry, bool with_options);

}  // namespace ledge::wire
