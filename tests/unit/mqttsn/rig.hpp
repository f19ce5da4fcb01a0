// Rig: a gateway between scripted devices and the real broker::Shard, in virtual time. The rig is the owner that
// gateway.hpp describes. A device is a link address of a few letters: "a"; with a forwarder in between: "a/n1".
//
// What the gateway sends is text (packet_text.hpp). Packets to other peers than the one that a call is about have their
// address in front: "b: DISCONNECT", "*: ADVERTISE 1 900s".
#pragma once

#include <doctest/doctest.h>

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "../client/lossy_line.hpp"
#include "ledge/client/client.hpp"
#include "ledge/mqttsn/gateway.hpp"
#include "packet_text.hpp"

namespace ledge::mqttsn {

/// A connection of the shard. All bytes arrive at once.
class BrokerLine {
public:
    explicit BrokerLine(client::Core& core) : core_(core) {}
    ~BrokerLine() { close(); }
    BrokerLine(const BrokerLine&) = delete;
    BrokerLine& operator=(const BrokerLine&) = delete;

    void open();
    bool is_open() const { return connection_ != nullptr; }
    void write(Bytes bytes);
    /// What the shard has sent. Closes the line if the shard wants to, and has no more bytes.
    std::vector<Byte> read();
    void close();

private:
    client::Core& core_;
    session::Connection* connection_ = nullptr;
};

/// An MQTT client at the same broker, who publishes and hears.
class Watcher {
public:
    Watcher(client::Core& core, const std::string& client_id);

    void subscribes(std::string_view filter);
    void publishes(std::string_view topic, std::string_view payload, wire::QoS qos, bool retain = false);
    /// What came since the last call: "a/b on q1 | ...".
    std::string heard() { return std::exchange(heard_, {}); }
    /// True = something happened.
    bool turn();

private:
    void on_event(const client::Event& event);

    client::Core& core_;
    client::Client client_;
    BrokerLine line_;
    std::string heard_;
};

class Rig {
public:
    explicit Rig(GatewayOptions options = {}, PredefinedTopics predefined = {});

    /// A peer sends a packet. Returns what the gateway sends.
    std::string says(std::string_view peer, const Message& message);
    std::string says_bytes(std::string_view peer, Bytes packet);
    /// The same in an envelope of the device with this client id. What comes in envelopes is in brackets: "[CONNACK]".
    std::string says_sealed(std::string_view peer, std::string_view client_id, const Secret& key, std::uint32_t counter,
                            const Message& message);
    /// The same without the broker: nothing of it has been read yet.
    std::string says_at_once(std::string_view peer, const Message& message);
    /// All bytes between the gateway, the broker and the watcher arrive. The gateway's packets wait.
    void settle();
    /// The same, and returns the gateway's packets.
    std::string turn(std::string_view peer = "");
    std::string passes(Duration duration, std::string_view peer = "");
    /// CONNECT, demanded to be accepted.
    void connects(std::string_view peer, std::string_view client_id, bool clean_session = false,
                  std::uint16_t keep_alive_s = 60);
    /// SUBSCRIBE by name, demanded to be accepted. Returns the topic id of SUBACK.
    TopicId subscribes(std::string_view peer, std::string_view filter, QoS qos = QoS::at_least_once);
    /// REGISTER, demanded to be accepted.
    TopicId registers(std::string_view peer, std::string_view topic);
    /// A seed with which the first device has the topic ids 1, 2, 3, and the second one 1010, 1011, 1012.
    static constexpr std::uint64_t ids_from_1 = 0;
    /// The devices file of now and after a restart.
    void set_devices(const DeviceTable& table);
    /// Writes the file of counters, if the gateway wants it.
    bool write_counters();
    /// The process of the gateway dies and starts again. The file of counters stays.
    void crashes(std::uint64_t seed = ids_from_1);

    bool has_session(std::string_view client_id) const;
    /// Messages of the session that the device has not answered.
    std::size_t queued(std::string_view client_id) const;
    std::size_t in(Endpoint::State state) const { return gateway->count_in(state); }
    const Counters& counters() const { return gateway->counters(); }
    Instant now() const { return core.now; }

    client::Core core;
    std::unique_ptr<Gateway> gateway;
    Watcher watcher{core, "watcher"};
    bool accepts_inner = true;    // false: the broker accepts no inner link
    bool writes_counters = true;  // false: the disk of the file of counters is slow
    std::string counters_file;
    std::vector<Byte> last_sent;               // the last packet that take_output() has seen
    std::map<std::string, std::string> users;  // client id -> user when its last inner link was opened

private:
    std::string take_output(std::string_view peer);
    bool serve_inner();
    bool read_inner();
    void close_inner(DeviceId id);

    GatewayOptions options_;
    PredefinedTopics predefined_;
    DeviceTable devices_;
    std::map<DeviceId, BrokerLine> lines_;
    MessageId next_id_ = 1000;
};

/// A rig with the predefined topics 9 (site/meter) and 10 (site/+/alarm).
Rig with_predefined(GatewayOptions options = {});

/// A PUBLISH of a device to a normal topic id.
Publish publish(TopicId topic, std::string_view data, QoS qos = QoS::at_most_once, MessageId id = 0);
inline Connect connect_of(std::string_view client_id, bool clean = false, bool will = false,
                          std::uint16_t keep_alive_s = 60) {
    return {will, clean, keep_alive_s, client_id};
}
inline constexpr Disconnect sleeps{300};
inline constexpr QoS qos0 = QoS::at_most_once;
inline constexpr QoS qos1 = QoS::at_least_once;
inline constexpr QoS qos2 = QoS::exactly_once;

}  // namespace ledge::mqttsn
