// Rig: poller, driver and a scripted shard on virtual time; and clients, which are plain non-blocking sockets on the
// loopback interface. Everything happens on one thread, step by step: nothing sleeps, every wait is bounded.
#pragma once

#include <sys/socket.h>

#include <cstring>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "../os/posted_calls.hpp"
#include "fake_shard.hpp"
#include "ledge/transport/driver.hpp"
#include "ledge/transport/listener.hpp"

namespace ledge::transport {

class Rig {
public:
    explicit Rig(const DriverLimits& limits = {});
    ~Rig();

    /// Listens and accepts; fails the test when that is refused. Returns the address.
    std::string listen(const Endpoint& endpoint);
    std::string listen(const Endpoint& endpoint, std::unique_ptr<Front> front);
    /// The same on a port of its own of 127.0.0.1. Returns the port.
    std::uint16_t listen_tcp();
    /// The same in front of something else than plain links.
    std::uint16_t listen_tcp(std::unique_ptr<Front> front);

    /// One turn: poll, then flush. Returns the number of events.
    int turn(int wait_max_ms = 0);
    /// Turns until `is_done`; false: not within some seconds.
    bool until(const std::function<bool()>& is_done);
    void advance(Duration by);

    broker::FakeShard& core;
    std::vector<std::string> log_lines;
    Log log;
    std::unique_ptr<net::Poller> poller;
    os::PostedCalls posted;
    TurnClock clock;
    broker::Shard shard;
    Driver driver;
    std::vector<std::unique_ptr<Front>> fronts;
    std::vector<std::unique_ptr<Listener>> listeners;

private:
    /// Makes the poller's turn run what workers have posted.
    struct PostedReady final : net::Pollable {
        explicit PostedReady(os::PostedCalls& of) : calls(of) {}
        void on_ready(std::uint32_t) override { calls.run(); }
        os::PostedCalls& calls;
    };
    PostedReady posted_ready_{posted};
};

class Client {
public:
    /// A socket that is connected later.
    explicit Client(int family = AF_INET);
    Client(Client&& other) noexcept : descriptor(other.descriptor) { other.descriptor = -1; }
    Client& operator=(Client&&) = delete;
    ~Client();

    static Client to_port(std::uint16_t port);
    /// The same from 127.0.0.`host`, an address of its own.
    static Client to_port_from(std::uint8_t host, std::uint16_t port);
    static Client to_path(const std::string& path);
    /// Connects; true when the connection is made or under way.
    bool connect_port(std::uint16_t port);

    /// Sends as much as the kernel takes; returns how much.
    std::size_t send(std::string_view text);
    /// Reads at most `size` bytes; what has come is in `received`, how it ended in is_ended and is_reset.
    std::size_t read(std::size_t size = 1U << 20U);
    /// Sends FIN.
    void finish();
    /// Closes so that the peer gets a reset.
    void reset();

    int descriptor;
    std::string received;
    bool is_ended = false;  // FIN has come
    bool is_reset = false;
};

/// Open descriptors of this process.
std::size_t open_descriptors();

}  // namespace ledge::transport
