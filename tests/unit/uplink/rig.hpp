// Rig: an uplink between the real core and scripted upstreams on the loopback interface. Its time is virtual; only the
// sockets are real. Everything happens on one thread, step by step: nothing sleeps, every wait is bounded.
#pragma once

#include <doctest/doctest.h>

#include <boost/asio/io_context.hpp>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "../client/rig.hpp"
#include "../net/tls/pki.hpp"
#include "ledge/broker/metrics.hpp"
#include "ledge/broker/shard.hpp"
#include "ledge/client/client.hpp"
#include "ledge/net/client_stream.hpp"
#include "ledge/net/connector.hpp"
#include "ledge/net/tls_context.hpp"
#include "ledge/net/tls_session.hpp"
#include "ledge/os/descriptor.hpp"
#include "ledge/os/worker_pool.hpp"
#include "ledge/storage/memory_store.hpp"
#include "ledge/transport/driver.hpp"
#include "ledge/transport/inner_link.hpp"
#include "ledge/uplink/bridges.hpp"
#include "ledge/uplink/uplink.hpp"

namespace ledge::uplink {

/// A broker of MQTT 5 with one client at a time. By itself it accepts connections, grants subscriptions, and answers
/// PINGREQ and messages of QoS 1.
class FakeUpstream {
public:
    FakeUpstream();
    FakeUpstream(const FakeUpstream&) = delete;
    FakeUpstream& operator=(const FakeUpstream&) = delete;

    /// From the next connection on, the server speaks TLS with these certificates.
    void speaks_tls(const net::TlsOptions& options);
    Server server() const { return {"127.0.0.1", port_, tls_ != nullptr, web_path}; }
    /// Returns true when the peer has sent something, or has ended the connection.
    bool turn();

    /// True when one of the received packets begins so, for example "PUBLISH site/plant/a".
    bool has(std::string_view text) const;
    std::size_t count(std::string_view text) const;
    void forget() { received.clear(); }

    template <class Packet>
    void sends(const Packet& packet) {
        const std::vector<Byte> bytes = client::encoded(packet, wire::Version::v5);
        sends_bytes(as_text(Bytes(bytes)));
    }
    void sends_bytes(std::string_view bytes);
    /// Sends a close frame of WebSocket.
    void closes_web(std::uint16_t code, std::string_view reason);
    /// Closes the connection with FIN (with TLS after close_notify), or with RST.
    void hangs_up();
    void resets();
    void stops_listening() { listener_.reset(); }
    /// On the same port as before.
    void listens();

    std::vector<std::string> received;   // packets as text
    std::vector<std::string> passwords;  // of each CONNECT
    bool was_reset = false;              // the uplink has answered by RST
    int accepted = 0;                    // connections, with those that had no CONNECT
    bool is_deaf = false;                // reads, but never answers
    bool is_reading = true;              // false: what comes stays in the kernel
    bool acknowledges = true;            // answers messages of QoS 1
    bool refuses_filters = false;        // answers SUBSCRIBE by 0x87
    std::string greeting;                // sent instead of the answer to CONNECT; "" = CONNACK
    std::string web_path;                // of MQTT over WebSocket; "" = no WebSocket
    std::string web_answer;              // sent instead of the answer to the WebSocket request; "" = 101
    std::size_t web_frame_bytes = 1;     // of MQTT in one sent frame
    int web_closes = 0;                  // received close frames

private:
    void accepts();
    void shakes_hands();
    void answer(Bytes frame);
    void on_mqtt(Bytes input);
    void on_web();
    void sends_plain(std::string_view bytes);

    std::uint16_t port_ = 0;
    os::Descriptor listener_;
    std::shared_ptr<const net::TlsContext> tls_;  // nullptr = no TLS
    std::unique_ptr<net::TlsSession> handshake_;  // until the handshake has ended
    std::unique_ptr<net::ClientStream> peer_;     // nullptr = nobody is connected
    std::optional<wire::Framer> framer_;
    std::string web_input_;  // bytes of WebSocket that are not yet parsed
    bool is_web_open_ = false;
};

/// A client of the local broker, in the same thread.
class Local {
public:
    Local(transport::Driver& driver, const char* client_id);

    void publishes(std::string_view topic, std::string_view payload, bool retain = false,
                   wire::QoS qos = wire::QoS::at_least_once);
    void subscribes(std::string_view filter);
    void turn();
    bool wants_turn() const;

    std::vector<std::string> got;  // "topic payload"

private:
    void handle(const client::Event& event);

    transport::InnerEnd end_;
    client::Client mqtt_;
};

class Rig {
public:
    /// `store`: the local broker continues from the store, and its records become durable at once. A rig that is
    /// destroyed is a broker that is killed. nullptr = a broker without a store.
    explicit Rig(std::size_t servers = 1, storage::MemoryStore* store = nullptr);
    ~Rig();
    Rig(const Rig&) = delete;
    Rig& operator=(const Rig&) = delete;

    /// From now on, this server and the uplink speak TLS with each other.
    void secures(std::size_t index = 0, const net::TlsOptions& served = net::server_options());
    /// Makes the uplink from `options`, starts it, and waits until its relay relays.
    void runs();
    /// The same without the wait.
    void starts();
    /// The bridge gets a priority lane for plant/alarms/#. Its upstream is the second one, so that a test sees what
    /// leaves by which connection.
    void adds_lane();
    /// Makes the bridges from `options` and `lane` alone, and starts them. Use either these or the uplink.
    void starts_bridges();

    void turn();
    /// Turns until `is_done`; false = not within some seconds.
    bool until(const std::function<bool()>& is_done);
    bool until_state(Uplink::State state);
    bool until_relaying();
    bool until_stage(BridgeStage stage);  // of the bridges
    bool wants_turn() const;              // of the uplink or the bridges
    Instant next_deadline() const;
    /// Turns until nothing moves any more.
    void settles();
    /// Time passes, in steps that end at each deadline.
    void passes(Duration duration);
    bool has_logged(std::string_view text) const;

    storage::MemoryStore* store;
    std::deque<FakeUpstream> upstreams;
    bool has_upstream_read = false;  // in the last turn
    UplinkOptions options;
    std::optional<UplinkOptions> lane;
    std::vector<std::string> log_lines;
    Log log;
    std::unique_ptr<net::Poller> poller;
    transport::TurnClock clock;
    broker::Shard shard;
    transport::Driver driver;
    boost::asio::io_context io{1};
    std::unique_ptr<os::WorkerPool> workers;  // computes the handshakes, as in the broker
    net::Connector connector{io};
    std::optional<Local> local;
    std::optional<Uplink> uplink;
    std::optional<Bridges> bridges;
};

}  // namespace ledge::uplink
