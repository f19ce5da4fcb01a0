// A broker whose messages survive as a level says, with a publisher "p" and a stored session "s" that is away.
#pragma once

#include "ledge/broker/options.hpp"
#include "rig.hpp"

namespace ledge::broker {

using journal::Durability;

inline ShardOptions with_levels(Durability level, std::vector<DurabilityOptions::Override> overrides = {}) {
    ShardOptions options = stored_options();
    options.durability.level = level;
    options.durability.overrides = std::move(overrides);
    return options;
}

struct LevelRig : Rig {
    explicit LevelRig(const ShardOptions& options) : Rig(options) {
        (*this)["s"].connects(lasting).subscribes("#", qos2);
        (*this)["s"].loses_connection();
        (*this)["p"].connects(lasting);
        passes(2s);
        writes = false;
    }
    explicit LevelRig(Durability level) : LevelRig(with_levels(level)) {}

    std::string publishes(const char* topic, QoS qos, bool retain = false) {
        const wire::Publish packet{topic, as_bytes("x"), qos, retain, false, ++id, {}};
        return (*this)["p"].sends(encoded(packet, v5)).takes();
    }
    /// How many messages wait for the offline session after a crash now.
    std::uint64_t survivors() {
        restarts();
        return counters().queued_messages;
    }
    void fails() {
        store->fail_from(1, {storage::Fault::io, "test"});
        commits();
    }
    wire::PacketId id = 0;
};

}  // namespace ledge::broker
