// Client: one device's connection to a broker: a socket around client::Client. Non-blocking; the main loop polls fd()
// and calls the on_... members. Measurements with QoS 1 are kept until the broker has acknowledged them and are sent
// again after a reconnect.
#pragma once

#include <sys/socket.h>

#include <cstdint>
#include <optional>
#include <string>

#include "ledge/base/time.hpp"
#include "ledge/client/client.hpp"
#include "ledge/wire/types.hpp"

namespace ledge::demo {

/// Where the broker is, resolved once.
struct Address {
    sockaddr_storage storage{};
    socklen_t size = 0;
    int family = 0;
};

/// nullopt: `host` has no address.
std::optional<Address> resolve(const std::string& host, const std::string& port);

struct Message {
    std::string topic;
    std::string payload;
    wire::QoS qos = wire::QoS::at_most_once;
    bool retain = false;
};

class Client {
public:
    static constexpr std::size_t unacknowledged_max = 100;      // above it the oldest one that was not sent is dropped
    static constexpr std::size_t unsent_bytes_max = 64 * 1024;  // a broker that does not read is left
    static constexpr std::uint16_t keep_alive_s = 60;
    static constexpr std::uint32_t packet_bytes_max = 64 * 1024;  // told to the broker

    /// `will`: what the broker publishes when the device vanishes.
    Client(std::string client_id, const std::optional<Message>& will);
    Client(const Client&) = delete;
    Client& operator=(const Client&) = delete;
    ~Client() { close(); }

    bool is_closed() const { return fd_ < 0; }
    bool is_connected() const { return mqtt_.is_connected(); }

    void connect(const Address& address);
    /// QoS 0 needs a connection; QoS 1 waits for one.
    void publish(const Message& message, Instant now);
    /// DISCONNECT with "disconnect with will": watchers learn that the device is gone. Closes.
    void leave(Instant now);

    /// For poll(): what to wait for, and what came.
    int fd() const { return fd_; }
    short events() const;
    void on_ready(short revents, Instant now);
    /// Keep alive: to be called when next_deadline() has come.
    void on_time(Instant now);
    Instant next_deadline() const { return mqtt_.next_deadline(); }

private:
    void close();
    void on_event(const client::Event& event);
    void read(Instant now);
    void flush(Instant now);

    client::Client mqtt_;
    int fd_ = -1;
    bool is_connecting_ = false;  // the TCP handshake is under way
};

}  // namespace ledge::demo
