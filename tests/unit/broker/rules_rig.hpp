// RulesRig: a shard with a bridge whose queue has rules (session/queue_rules.hpp).
#pragma once

#include <string>

#include "ledge/broker/options.hpp"
#include "ledge/session/limits.hpp"
#include "ledge/session/queue_rules.hpp"
#include "rig.hpp"

namespace ledge::broker {

/// The listener 1 stands for the bridge `cloud`. Its queue has a window of two messages in memory.
inline ShardOptions with_rules(const session::QueueRules& rules, bool has_store = true) {
    ShardOptions options = has_store ? stored_options() : plain_options();
    options.listeners.push_back({"bridge:cloud", false, 10'000, {}});
    options.listeners[1].limits.queue_window_messages = 2;
    options.listeners[1].queue_rules = rules;
    return options;
}

struct RulesRig : Rig {
    explicit RulesRig(const session::QueueRules& rules, bool has_store = true)
        : RulesRig(with_rules(rules, has_store)) {}
    explicit RulesRig(const ShardOptions& options) : Rig(options) {
        (*this)["bridge"].connects(bridge()).subscribes("#", qos2).loses_connection();
        sender();
    }
    static Wish bridge() {
        return {.clean = false,
                .expiry = 0xFFFF'FFFF,
                .listener = 1,
                .proven = "$bridge/cloud",
                .is_inner = true,
                .client_id = "$bridge/cloud"};
    }
    Client& sender() { return (*this)["p"].connects(); }
    void publishes(std::string_view topic, std::string_view payload, QoS qos = qos1,
                   const wire::PropertyBuilder& properties = {}) {
        (*this)["p"].publishes(topic, payload, qos, false, properties);
    }
    std::uint64_t queued() const { return shard->find_session("$bridge/cloud")->messages; }
    /// What the bridge gets when it comes, in order: "t 1, t 2". Everything is acknowledged.
    std::string gets() {
        (*this)["bridge"].acknowledges().connects(bridge());
        passes(1s);
        std::string out;
        for (const std::string& packet : (*this)["bridge"].waiting()) {
            if (!packet.starts_with("PUBLISH ")) continue;
            const std::string text = packet.substr(8, packet.find(' ', packet.find(' ', 8) + 1) - 8);
            out += (out.empty() ? "" : ", ") + text;
        }
        (*this)["bridge"].forgets();
        return out;
    }
    /// Nothing is left of the messages, neither in the counts nor in the store.
    void is_empty() {
        passes(5s);
        CHECK(queued() == 0);
        CHECK(counters().queued_messages == 0);
        CHECK(counters().queued_bytes == 0);
        if (store == nullptr) return;
        restarts();
        CHECK(counters().queued_messages == 0);
        CHECK(gets().empty());
    }
};

}  // namespace ledge::broker
