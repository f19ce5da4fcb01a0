// LossyLine: a client and a connection of a real shard, with two byte queues between them that move pieces by chance
// and break. What is in the queues when they break is lost, in the middle of a packet as well.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "ledge/base/log.hpp"
#include "ledge/base/rng.hpp"
#include "ledge/broker/shard.hpp"
#include "ledge/client/client.hpp"
#include "ledge/session/connection.hpp"

namespace ledge::client {

/// A shard in memory with one listener that lets everybody in.
struct Core {
    explicit Core(std::uint16_t receive_maximum = 65'535);
    /// Time passes.
    void advance(Duration by);

    Instant now = Instant{} + 1h;
    Log log;
    broker::Shard shard;
};

class LossyLine {
public:
    using OnEvent = std::function<void(const Event&)>;

    LossyLine(Core& core, Options options, OnEvent on_event)
        : client(std::move(options)), core_(core), on_event_(std::move(on_event)) {}
    ~LossyLine() { breaks(); }
    LossyLine(const LossyLine&) = delete;
    LossyLine& operator=(const LossyLine&) = delete;

    void connects(bool clean_start);
    bool is_open() const { return connection_ != nullptr; }
    /// Moves some bytes each way.
    void moves(Rng& rng);
    /// The connection is lost.
    void breaks();

    Client client;

private:
    void take_from_client(Rng& rng);
    void take_from_shard(Rng& rng);
    void deliver(Bytes bytes);

    Core& core_;
    OnEvent on_event_;
    session::Connection* connection_ = nullptr;
};

}  // namespace ledge::client
