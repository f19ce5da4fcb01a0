// ShardScript: turns the fuzzer's bytes into what clients do. Values come from short lists, so that they meet: few
// topics, few packet ids, few client ids.
#pragma once

#include "input.hpp"
#include "ledge/wire/packets.hpp"
#include "shard_stage.hpp"

namespace ledge::fuzz {

class ShardScript {
public:
    ShardScript(ShardStage& stage, Input input) : stage_(stage), input_(input) {}

    /// False at the end of the input.
    bool perform_next();

private:
    void connect(unsigned seat);
    void publish(unsigned seat);
    void subscribe(unsigned seat);
    void unsubscribe(unsigned seat);
    void acknowledge(unsigned seat);
    void disconnect(unsigned seat);
    void authenticate(unsigned seat);
    void add_will(wire::Connect& packet, wire::PropertyBuilder& properties);
    template <class Packet>
    void send(unsigned seat, const Packet& packet);

    ShardStage& stage_;
    Input input_;
};

}  // namespace ledge::fuzz
