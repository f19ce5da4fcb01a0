// Rig: the listeners for MQTT-SN devices and for lines with the real core, over real UDP sockets on the loopback
// interface and real pseudo terminals. Its time is virtual. Everything happens on one thread; nothing sleeps, every
// wait is bounded.
#pragma once

#include <doctest/doctest.h>

#include <boost/asio/io_context.hpp>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "ledge/base/log.hpp"
#include "ledge/broker/options.hpp"
#include "ledge/broker/shard.hpp"
#include "ledge/link/gateways.hpp"
#include "ledge/link/line_listeners.hpp"
#include "ledge/mqttsn/link_framer.hpp"
#include "ledge/mqttsn/messages.hpp"
#include "ledge/net/poller.hpp"
#include "ledge/os/descriptor.hpp"
#include "ledge/runtime/loop_part.hpp"
#include "ledge/transport/driver.hpp"

namespace ledge::link {

/// A packet of MQTT-SN as text of hexadecimal digits, so that a test shows the bytes.
std::string hex(Bytes bytes);
std::string hex_of(const mqttsn::Message& message);
std::vector<Byte> bytes_of(const mqttsn::Message& message);

/// CONNACK of a device that may connect.
inline const std::string accepted = hex_of(mqttsn::Connack{});

mqttsn::Connect connect_as(std::string_view client_id, bool is_clean = true);
mqttsn::Publish publish_short(std::string_view topic, std::string_view payload, mqttsn::QoS qos, std::uint16_t id);

class Rig {
public:
    Rig();
    ~Rig();
    Rig(const Rig&) = delete;
    Rig& operator=(const Rig&) = delete;

    /// Makes the listeners of `links` and of `line_ports`, and starts them.
    void starts();
    void turn();
    /// Turns until the condition holds; false = it does not within some seconds.
    bool until(const std::function<bool()>& holds);
    /// Turns until nobody has anything to do.
    void rests();
    /// Lets virtual time pass, deadline by deadline.
    void passes(Duration time);
    bool has_logged(std::string_view part) const;
    LinkFigures figures(std::size_t index = 0) const { return gateways->figures().at(index); }
    /// The port that the system has chosen for a UDP listener.
    std::uint16_t port(std::size_t index = 0) const;

    std::vector<std::string> lines;  // of the log
    broker::ShardOptions options;    // one listener that admits everybody, one that admits nobody without a user
    std::vector<LinkOptions> links;  // one UDP listener at 127.0.0.1
    std::vector<LineListenerOptions> line_ports;
    std::vector<runtime::LoopPart*> guests;  // of the test; they have turns like the listeners
    boost::asio::io_context io;
    Log log;
    std::unique_ptr<net::Poller> poller;
    transport::TurnClock clock;
    std::unique_ptr<broker::Shard> shard;
    std::unique_ptr<transport::Driver> driver;
    std::unique_ptr<Gateways> gateways;
    std::unique_ptr<LineListeners> line_listeners;

private:
    std::vector<runtime::LoopPart*> parts() const;
    bool wants_turn() const;
    Instant next_deadline() const;
};

/// A device with a UDP socket.
class UdpDevice {
public:
    /// `host`: where the device finds the gateway, an address of this machine.
    UdpDevice(Rig& rig, std::uint16_t port, const char* host = "127.0.0.1");

    void sends(const mqttsn::Message& message) { sends_bytes(bytes_of(message)); }
    void sends_bytes(Bytes bytes);
    /// The next packet in hexadecimal digits; "" = none comes, although the broker has nothing more to do.
    std::string gets();

private:
    Rig& rig_;
    os::Descriptor socket_;
};

/// A serial line: a pseudo terminal behind a symbolic link, as udev makes them in /dev/serial/by-id.
class Line {
public:
    explicit Line(Rig& rig);
    ~Line();

    const std::string& path() const { return path_; }
    /// The cable comes and goes. A new one has another terminal behind the same link.
    void plugs();
    void unplugs();
    /// The side of the device.
    void sends_bytes(std::string_view bytes);
    void sends(const mqttsn::Message& message);
    /// The next packet in hexadecimal digits; "" = none comes.
    std::string gets();
    int master() const { return master_.get(); }

private:
    Rig& rig_;
    std::string path_;
    os::Descriptor master_;
    mqttsn::LinkFramer framer_;
    std::vector<Byte> unread_;
};

LinkOptions udp_listener(std::string_view host = "127.0.0.1", std::uint16_t listener = 0);
LinkOptions serial_listener(std::string path);

}  // namespace ledge::link
