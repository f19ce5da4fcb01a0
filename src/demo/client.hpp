// Client: the connection of one device to a broker, a non-blocking socket around client::Client. The main loop polls
// fd() and calls the on_... members. Measurements with QoS 1 are kept until the broker has acknowledged them, and are
// sent again after a reconnect. Single-threaded.
#pragma once

#include <sys/socket.h>

#include <cstdint>
#include <optional>
#include <string>

#include "ledge/base/time.hpp"
#include "ledge/client/client.hpp"
#include "ledge/wire/types.hpp"

namespace ledge::demo {

/// The address of the broker, resolved once at the start.
struct Address {
    sockaddr_storage storage{};
    socklen_t size = 0;
    int family = 0;
};

/// Asks the resolver, which may block. nullopt: `host` has no address.
std::optional<Address> resolve(const std::string& host, const std::string& port);

struct Message {
    std::string topic;
    std::string payload;
    wire::QoS qos = wire::QoS::at_most_once;
    bool retain = false;
};

class Client {
public:
    static constexpr std::size_t unacknowledged_max = 100;  // messages; above it the oldest unsent one is dropped
    static constexpr std::size_t unsent_bytes_max =
        64 * 1024;  // above it the connection is closed: the broker does not read
    static constexpr std::uint16_t keep_alive_s = 60;
    static constexpr std::uint32_t packet_bytes_max = 64 * 1024;  // Maximum Packet Size in CONNECT

    /// `will`: the message that the broker publishes when the device vanishes.
    Client(std::string client_id, const std::optional<Message>& will);
    Client(const Client&) = delete;
    Client& operator=(const Client&) = delete;
    ~Client() { close(); }

    bool is_closed() const { return fd_ < 0; }
    bool is_connected() const { return mqtt_.is_connected(); }

    /// Closes an old connection and begins a new one.
    void connect(const Address& address);
    /// A message of QoS 0 is dropped without a connection; a message of QoS 1 waits for one.
    void publish(const Message& message, Instant now);
    /// Sends DISCONNECT with "disconnect with will", so that subscribers learn that the device is gone. Closes the
    /// socket.
    void leave(Instant now);

    /// For poll(): the descriptor (-1 = closed), the events to wait for, and the events that came.
    int fd() const { return fd_; }
    short events() const;
    void on_ready(short revents, Instant now);
    /// Keep alive and timeouts. Call when next_deadline() has come.
    void on_time(Instant now);
    Instant next_deadline() const { return mqtt_.next_deadline(); }

private:
    void close();
    void on_event(const client::Event& event);
    void read(Instant now);
    void flush(Instant now);

    client::Client mqtt_;
    int fd_ = -1;
    bool is_connecting_ = false;  // the TCP handshake is in progress
};

}  // namespace ledge::demo
