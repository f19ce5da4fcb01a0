#include "late_listeners.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cerrno>

#include "ledge/broker/shard.hpp"
#include "ledge/transport/front.hpp"

namespace ledge::runtime {
namespace {

Instant virtual_now{};

struct Rig {
    Rig() : shard(options(), log, 1, virtual_now), driver(shard, *poller, clock) {
        front = transport::make_plain_front(0, driver, log);
    }
    static broker::ShardOptions options() {
        broker::ShardOptions result;
        result.listeners.push_back({"late", true, 10, {}});
        return result;
    }
    void passes(Duration time) {
        virtual_now += time;
        clock.begin_turn();
    }

    std::vector<std::string> events;
    Log log{LogLevel::debug,
            [](void* self, const LogRecord& record) { static_cast<Rig*>(self)->events.emplace_back(record.event); },
            this};
    std::unique_ptr<net::Poller> poller = std::move(*net::Poller::create());
    transport::TurnClock clock{[] { return virtual_now; }, Duration::zero()};
    broker::Shard shard;
    transport::Driver driver;
    std::unique_ptr<transport::Front> front;
};

transport::Endpoint at(const std::string& host) {
    transport::Endpoint endpoint;
    endpoint.host = host;
    endpoint.port = 0;
    return endpoint;
}

TEST_CASE("an address that comes later is listened on at the next attempt, which the log says once") {
    Rig rig;
    LateListeners late(rig.driver, rig.log);
    CHECK(late.next_deadline() == never);
    late.add(at("127.0.0.1"), *rig.front, {}, {{}, "cannot listen on it"});
    CHECK(late.try_due(rig.driver.now()).empty());
    rig.passes(1s);
    REQUIRE(late.next_deadline() <= rig.driver.now());
    const auto up = late.try_due(rig.driver.now());
    REQUIRE(up.size() == 1);
    CHECK(up[0]->addresses()[0].starts_with("127.0.0.1:"));
    CHECK(late.next_deadline() == never);
    CHECK(rig.events == std::vector<std::string>{"listener_waits", "listener_up"});
}

TEST_CASE("attempts become rarer, never rarer than twice a minute, and the same reason is not said again") {
    Rig rig;
    LateListeners late(rig.driver, rig.log);
    late.add(at("192.0.2.1"), *rig.front, {}, {system_code(EADDRNOTAVAIL), "cannot listen on {}", "192.0.2.1:0"});
    std::vector<std::int64_t> pauses;
    for (int i = 0; i < 7; ++i) {
        const Duration pause = late.next_deadline() - rig.driver.now();
        pauses.push_back(pause / 1s);
        rig.passes(pause);
        CHECK(late.try_due(rig.driver.now()).empty());
    }
    CHECK(pauses == std::vector<std::int64_t>{1, 2, 4, 8, 16, 30, 30});
    CHECK(rig.events == std::vector<std::string>{"listener_waits"});
}

}  // namespace
}  // namespace ledge::runtime
