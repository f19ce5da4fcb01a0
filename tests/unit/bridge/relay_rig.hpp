// RelayRig: a relay in virtual time, and the two brokers that the test plays. What the relay sends is text, as in the
// tests of client: "PUBLISH site/a on q1#3 dup", "PUBREL 3"; several are separated by " | ".
#pragma once

#include <doctest/doctest.h>

#include <string>
#include <string_view>
#include <vector>

#include "../client/rig.hpp"
#include "ledge/bridge/relay.hpp"
#include "routes.hpp"

namespace ledge::bridge {

using client::ack;
using client::publish;
using client::qos0;
using client::qos1;
using client::qos2;
using client::v311;
using client::v5;
using wire::PacketType;
using wire::PropertyBuilder;
using wire::PropertyId;
using wire::QoS;
using wire::ReasonCode;

/// A bridge "gw" with routes out and in of QoS 2: "plant/#" leaves as "site/plant/#", "site/cmd/#" comes as "cmd/#".
RelayOptions relay_options();
/// An upstream of MQTT 5 that does everything that the standard says.
UpstreamOptions honest_upstream();
/// An upstream of this kind that is spoken to in 3.1.1.
UpstreamOptions old_upstream(UpstreamKind kind);

struct Connacks {
    bool upstream_present = false;
    bool inner_present = false;
    PropertyBuilder upstream_properties = {};
    PropertyBuilder inner_properties = {};
};

class RelayRig {
public:
    explicit RelayRig(RelayOptions options = relay_options(),
                      const UpstreamOptions& upstream_options = honest_upstream())
        : upstream(upstream_options), relay(std::move(options), upstream) {}

    /// Both brokers accept the connections and grant every subscription. Ends with Stage::relaying.
    void connects(const Connacks& connacks = {});
    /// The same up to CONNACK of the upstream.
    void opens(const Connacks& connacks = {});
    /// The same from there up to CONNACK of the local broker.
    void opens_inner(const Connacks& connacks = {});
    /// Answers the requests that the relay has sent, until there are no more. Returns them as text. `code`: the answer
    /// of the upstream to each filter; success = as asked.
    std::string answers_requests(ReasonCode code = ReasonCode::success);

    /// What the relay has sent since the last call, to the upstream and to the local broker.
    std::string up();
    std::string in();
    template <class Packet>
    void up_gets(const Packet& packet) {
        up_gets_bytes(client::encoded(packet, upstream.dialect().version));
    }
    template <class Packet>
    void in_gets(const Packet& packet) {
        in_gets_bytes(client::encoded(packet, v5));
    }
    void up_gets_bytes(const std::vector<Byte>& bytes);
    void in_gets_bytes(const std::vector<Byte>& bytes);
    /// The last PUBLISH to the upstream or to the local broker, whole.
    wire::Publish last_publish(bool is_up);
    /// The CONNECT that was sent last.
    wire::Connect last_connect(bool is_up);

    /// The connection to the upstream ends; then the inner one does, in order.
    void loses_upstream(Relay::Closed how = Relay::Closed::by_peer);
    void loses_inner();
    /// Closes what the relay wants to be closed.
    void finishes();
    void passes(Duration duration);
    /// The events since the last call: "set_aside plant/a | ended".
    std::string events();
    /// The text of the last event of events().
    std::string last_text;
    ReasonCode last_code = ReasonCode::success;

    Upstream upstream;
    Relay relay;
    Instant now = Instant{} + 1h;

private:
    std::vector<std::vector<Byte>> take_frames(bool is_up);
    std::string text_of_frames(bool is_up);
    std::string answer(const std::vector<Byte>& frame, bool is_up, ReasonCode code);
    void deliver(std::string& unread, bool is_up);

    std::string unread_up_;  // bytes that the relay has not read yet
    std::string unread_in_;
    std::vector<Byte> last_publish_[2];
    std::vector<Byte> last_connect_[2];
    std::vector<std::vector<Byte>> frames_[2];  // taken, but not returned as text yet
};

}  // namespace ledge::bridge
