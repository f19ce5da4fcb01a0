// Client: one device's connection to a broker. Non-blocking; the main loop polls fd() and calls the on_... members.
// Measurements with QoS 1 are kept until the broker has acknowledged them and are sent again after a reconnect.
#pragma once

#include <sys/socket.h>

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ledge/base/bytes.hpp"
#include "ledge/wire/framer.hpp"
#include "ledge/wire/packets.hpp"

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
    static constexpr std::size_t unacknowledged_max = 100;      // the oldest measurement goes first
    static constexpr std::size_t unsent_bytes_max = 64 * 1024;  // a broker that does not read is left
    static constexpr std::uint16_t keep_alive_s = 60;
    static constexpr std::uint32_t packet_bytes_max = 64 * 1024;  // told to the broker

    /// `will`: what the broker publishes when the device vanishes.
    Client(std::string client_id, std::optional<Message> will);
    Client(const Client&) = delete;
    Client& operator=(const Client&) = delete;
    ~Client() { close(); }

    const std::string& client_id() const { return client_id_; }
    bool is_closed() const { return fd_ < 0; }
    bool is_connected() const { return state_ == State::connected; }

    void connect(const Address& address);
    /// QoS 0 needs a connection; QoS 1 waits for one.
    void publish(const Message& message);
    void ping();
    /// DISCONNECT with "disconnect with will": watchers learn that the device is gone. Closes.
    void leave();

    /// For poll(): what to wait for, and what came.
    int fd() const { return fd_; }
    short events() const;
    void on_ready(short revents);

private:
    enum class State : std::uint8_t {
        closed,      // no socket
        connecting,  // TCP handshake
        greeting,    // CONNECT sent, CONNACK awaited
        connected,
    };
    struct Unacknowledged {
        wire::PacketId packet_id;
        Message message;
    };

    void close();
    void send_connect();
    void send_publish(const Message& message, wire::PacketId packet_id);
    void on_frame(Bytes frame);
    void on_connack(Bytes frame);
    void on_puback(Bytes frame);
    void read();
    void flush();
    std::span<Byte> append(std::size_t size);

    std::string client_id_;
    std::optional<Message> will_;
    State state_ = State::closed;
    int fd_ = -1;
    std::optional<wire::Framer> framer_;
    std::vector<Byte> unsent_;
    std::deque<Unacknowledged> unacknowledged_;
    wire::PacketId last_packet_id_ = 0;
};

}  // namespace ledge::demo
