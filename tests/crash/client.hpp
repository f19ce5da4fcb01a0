// Client: one MQTT client that comes back after every loss of its connection. Stage: what all of them share, the loop
// included. One thread, no blocking; what a client does with its session is in the classes derived from it.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "ledge/base/bytes.hpp"
#include "ledge/base/rng.hpp"
#include "ledge/wire/framer.hpp"
#include "ledge/wire/packets.hpp"
#include "ledger.hpp"

namespace ledge::crash {

using Clock = std::chrono::steady_clock;
using Time = Clock::time_point;
using namespace std::chrono_literals;

class Client;

enum class Phase : std::uint8_t {
    down,      // no broker: nobody connects
    serving,   // load
    draining,  // publishers finish what is in flight, everybody connects and takes what is owed
    reading,   // after that: retained messages are read once more
};

struct Stage {
    Stage(std::uint16_t port_, std::uint64_t seed) : port(port_), rng(seed) {}

    std::uint16_t port;
    Rng rng;
    Ledger ledger;
    Phase phase = Phase::down;
    std::uint32_t round = 1;        // rises with every accounting
    double publications_per_s = 0;  // of each publisher
    Time now = Clock::now();
    std::uint64_t progress = 0;  // packets that changed something: while it rises, draining goes on
    std::uint64_t connacks = 0;  // since the broker was started
    std::uint64_t pulses = 0;    // QoS 0 round trips
    std::vector<std::unique_ptr<Client>> clients;

    bool is_up() const { return phase != Phase::down; }
    bool is_draining() const { return phase == Phase::draining || phase == Phase::reading; }
};

struct ClientOptions {
    std::string client_id;
    wire::Version version = wire::Version::v5;
    bool is_persistent = true;
    std::uint16_t receive_maximum = 0;  // 0: not told
};

class Client {
public:
    Client(Stage& stage, ClientOptions options) : stage_(stage), options_(std::move(options)) {}
    Client(const Client&) = delete;
    Client& operator=(const Client&) = delete;
    virtual ~Client();

    const std::string& name() const { return options_.client_id; }
    bool is_connected() const { return is_accepted_; }
    bool has_socket() const { return fd_ >= 0; }
    int descriptor() const { return fd_; }

    /// Connects when it wants to, sends what waits.
    void step();
    /// Ends the connection without a word; a new one follows.
    void drop() { is_ending_ = true; }
    /// Reads until there is nothing more; at the end of the stream the connection is lost.
    void receive();

    /// Nothing is left to do for this client in the present phase.
    virtual bool is_settled() const { return true; }
    /// One sentence about what is not settled.
    virtual std::string unsettled() const { return {}; }
    /// The books are closed: a new round begins.
    virtual void begin_round() {}

protected:
    virtual bool wants_connection() const { return true; }
    virtual bool is_clean_start() const { return !options_.is_persistent; }
    virtual void add_to_connect(wire::Connect&) {}
    virtual void on_connected(bool session_present) = 0;
    virtual void on_packet(wire::PacketType type, Bytes frame) = 0;
    virtual void on_lost() {}
    virtual void on_tick() {}

    template <class Packet>
    void send(const Packet& packet) {
        append(wire::encoded_size(packet, options_.version),
               [&](wire::Writer& out) { wire::encode(packet, options_.version, out); });
    }
    void send_ping();
    std::uint32_t pongs() const { return pongs_; }  // PINGRESP packets on this connection
    void acknowledge(wire::PacketType type, wire::PacketId id);
    void subscribe(const std::vector<wire::SubscribeEntry>& entries);
    void disconnect();  // DISCONNECT, then the end

    /// The broker has confirmed state of this session; from now on it must be present.
    void session_is_kept() { has_kept_session_ = true; }
    void session_is_given_up() { has_kept_session_ = false; }

    wire::Version version() const { return options_.version; }
    bool is_v5() const { return options_.version == wire::Version::v5; }
    std::uint16_t server_receive_maximum() const { return server_receive_maximum_; }

    Stage& stage_;
    Ledger& ledger() { return stage_.ledger; }

private:
    template <class Encode>
    void append(std::size_t size, Encode&& encode) {
        const std::size_t before = out_.size();
        out_.resize(before + size);
        wire::Writer writer({out_.data() + before, size});
        encode(writer);
    }
    void open();
    void send_connect();
    void flush();
    void take(Bytes input);
    void on_frame(Bytes frame);
    void on_connack(Bytes frame);
    void lose();

    ClientOptions options_;
    int fd_ = -1;
    bool is_accepted_ = false;  // CONNACK is here
    bool is_ending_ = false;
    bool has_kept_session_ = false;
    std::uint16_t server_receive_maximum_ = 0xFFFF;
    std::uint32_t pongs_ = 0;
    Time next_try_{};
    std::unique_ptr<wire::Framer> framer_;
    std::vector<Byte> out_;
    std::size_t sent_ = 0;  // of out_
};

}  // namespace ledge::crash
