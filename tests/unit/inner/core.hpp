// Core: the real shard and its driver in virtual time, without sockets, for parts of the program that are clients of
// the core in the same thread. Guest: such a client as a test needs it. Everything is deterministic.
#pragma once

#include <doctest/doctest.h>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "ledge/base/log.hpp"
#include "ledge/broker/metrics.hpp"
#include "ledge/broker/options.hpp"
#include "ledge/inner/inner_client.hpp"
#include "ledge/net/poller.hpp"
#include "ledge/session/inner_clients.hpp"
#include "ledge/session/limits.hpp"
#include "ledge/session/listener_options.hpp"
#include "ledge/transport/driver.hpp"

namespace ledge::inner {

/// Virtual time. One for all objects of the program, because the driver's clock is a plain function.
inline Instant core_now{};

inline broker::ShardOptions core_options() {
    broker::ShardOptions options;
    session::ListenerOptions listener;
    listener.name = "inner";
    listener.allow_anonymous = true;
    options.listeners = {listener};
    options.sys_interval = {};
    return options;
}

struct Core {
    explicit Core(const broker::ShardOptions& options = core_options())
        : poller(std::move(*net::Poller::create())),
          clock([] { return core_now; }),
          shard(options, log, 1, core_now),
          driver(shard, *poller, clock) {}
    ~Core() { driver.close_all(); }
    Core(const Core&) = delete;
    Core& operator=(const Core&) = delete;

    /// One turn of the loop is begin(), then the turns of the clients, then end().
    void begin() {
        clock.begin_turn();
        if (shard.next_deadline() <= core_now) shard.on_time(core_now);
    }
    void end() { driver.flush(); }

    Log log;
    std::unique_ptr<net::Poller> poller;
    transport::TurnClock clock;
    broker::Shard shard;
    transport::Driver driver;
};

inline InnerClientOptions guest_options(std::string_view client_id, std::vector<InnerFilter> filters = {}) {
    InnerClientOptions options;
    options.user = options.client.client_id = client_id;
    options.address = "test";
    options.filters = std::move(filters);
    return options;
}

class Guest {
public:
    Guest(Core& core, std::string_view client_id, std::vector<InnerFilter> filters = {})
        : Guest(core, guest_options(client_id, std::move(filters))) {}
    Guest(Core& core, InnerClientOptions options) : client(core.driver, std::move(options)) { client.start(core_now); }

    /// A turn as a LoopPart takes it.
    void turn() {
        if (client.next_deadline() <= core_now) client.on_time(core_now);
        while (reads) {
            const client::Event event = client.next_event(core_now);
            if (client::is_nothing(event)) break;
            handle(event);
        }
        client.turn(core_now);
    }
    void publishes(std::string_view topic, std::string_view payload, wire::QoS qos = wire::QoS::at_most_once,
                   bool retain = false) {
        wire::Publish packet;
        packet.topic = topic;
        packet.payload = as_bytes(payload);
        packet.qos = qos;
        packet.retain = retain;
        REQUIRE(client.client().publish(packet).ok());
    }

    InnerClient client;
    bool reads = true;
    int done = 0;                  // acknowledged publications
    std::vector<std::string> got;  // "topic payload"

private:
    void handle(const client::Event& event) {
        if (std::holds_alternative<client::PublishDone>(event)) ++done;
        const auto* const message = std::get_if<client::Message>(&event);
        if (message == nullptr) return;
        got.push_back(std::string(message->packet.topic).append(" ").append(as_text(message->packet.payload)));
        if (message->packet.qos != wire::QoS::at_most_once) client.client().acknowledge(message->packet.packet_id);
    }
};

/// Turns until nothing moves any more.
inline void settle(Core& core, std::initializer_list<Guest*> guests) {
    constexpr int turns_max = 1000;
    bool is_moving = true;
    for (int turn = 0; is_moving && turn < turns_max; ++turn) {
        core.begin();
        for (Guest* const guest : guests) guest->turn();
        core.end();
        is_moving = false;
        for (const Guest* const guest : guests)
            is_moving |= guest->client.wants_turn() || (guest->reads && guest->client.has_input());
    }
    CHECK_FALSE(is_moving);  // otherwise the loop would never sleep
}

}  // namespace ledge::inner
