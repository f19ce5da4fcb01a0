// Client: one MQTT client that comes back after every loss of its connection: a socket around client::Client, which
// passes every exchange on, because what is owed to whom is known to the ledger alone. Stage: what all of them share,
// the loop included. One thread, no blocking; what a client does with its session is in the classes derived from it.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "ledge/base/bytes.hpp"
#include "ledge/base/rng.hpp"
#include "ledge/base/time.hpp"
#include "ledge/client/client.hpp"
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
    std::uint64_t progress = 0;          // packets that changed something: while it rises, draining goes on
    std::uint64_t connacks = 0;          // since the broker was started
    std::uint64_t pulses = 0;            // QoS 0 round trips
    std::uint64_t connects_refused = 0;  // nobody listened
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
    Client(Stage& stage, ClientOptions options);
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
    virtual void add_to_connect(client::Options&) {}
    virtual void on_connected(bool session_present) = 0;
    virtual void on_message(const wire::Publish& packet) { unexpected(packet.topic); }
    /// PUBACK, PUBREC, PUBREL or PUBCOMP.
    virtual void on_ack(const wire::Ack& ack) { unexpected(wire::name_of(ack.type)); }
    virtual void on_suback(const wire::Suback&) {}
    virtual void on_lost() {}
    virtual void on_tick() {}

    void publish(const wire::Publish& packet);
    void send_ping() { mqtt_.ping(instant()); }
    std::uint32_t pongs() const { return pongs_; }  // PINGRESP packets on this connection
    void acknowledge(wire::PacketType type, wire::PacketId id) { mqtt_.send_ack({type, id, {}, {}}); }
    void subscribe(const std::vector<wire::SubscribeEntry>& entries);
    void disconnect();  // DISCONNECT, then the end
    void unexpected(std::string_view what);

    /// The broker has confirmed state of this session; from now on it must be present.
    void session_is_kept() { has_kept_session_ = true; }
    void session_is_given_up() { has_kept_session_ = false; }

    std::uint16_t server_receive_maximum() const { return mqtt_.limits().receive_maximum; }

    Stage& stage_;
    Ledger& ledger() { return stage_.ledger; }

private:
    Instant instant() const { return Instant(std::chrono::duration_cast<Duration>(stage_.now.time_since_epoch())); }
    void open();
    void send_connect();
    void flush();
    void take(Bytes input);
    void on_event(const client::Event& event);
    void on_connack(bool session_present);
    void lose();

    ClientOptions options_;
    client::Client mqtt_;
    int fd_ = -1;
    bool is_accepted_ = false;  // CONNACK is here
    bool is_ending_ = false;
    bool has_kept_session_ = false;
    std::uint32_t pongs_ = 0;
    Time next_try_{};
};

}  // namespace ledge::crash
