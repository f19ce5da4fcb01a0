// RelayWorld: a relay between two model brokers in virtual time, over links that move pieces of any size and break at
// any byte, with a process that can die. Everything follows from the seed.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "ledge/bridge/relay.hpp"
#include "model_broker.hpp"

namespace ledge::bridge {

struct WorldPlan {
    wire::Version version = wire::Version::v5;
    wire::QoS qos = wire::QoS::exactly_once;
    Quirks quirks = {};  // of the upstream
    bool process_dies = true;
    UpstreamKind kind = UpstreamKind::ledgemq;
};

class RelayWorld {
public:
    RelayWorld(std::uint64_t seed, const WorldPlan& plan);

    /// Time passes by `by`; then the owner of the relay does its duties, and some bytes move.
    void step(Duration by);
    /// The process dies, or one of the connections is lost, by chance.
    void breaks();
    /// The connection to the upstream is lost.
    void cuts();
    /// The process dies and starts again: nothing is left of the relay, and everything of the brokers.
    void restarts();
    /// No bytes are on the way, and both brokers have nothing to send.
    bool is_quiet() const;

    Rng rng;
    ModelBroker inner;
    ModelBroker remote;
    std::unique_ptr<Upstream> upstream;
    std::unique_ptr<Relay> relay;
    Instant now = Instant{} + 1h;
    bool is_eager = false;   // the owner connects again at once, not by chance
    bool is_away = false;    // the upstream accepts no connection
    bool is_silent = false;  // the bytes of an open connection to the upstream vanish, in both directions
    /// Bytes that the relay holds on the heap, and the most that it has held.
    std::int64_t relay_bytes() const;
    std::int64_t relay_bytes_most = 0;

private:
    void starts_process();
    void connects();
    void moves_up();
    void moves_in();
    std::string piece(std::string& from);
    std::string piece_of(Bytes output);
    void closes_upstream(Relay::Closed how);
    void closes_inner();

    WorldPlan plan_;
    std::int64_t bytes_before_;  // that other worlds hold
    std::string up_;             // bytes on the way to the relay, from the upstream
    std::string in_;             // the same from the local broker
};

}  // namespace ledge::bridge
