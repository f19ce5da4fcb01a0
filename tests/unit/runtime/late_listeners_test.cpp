#include "late_listeners.hpp"

#include <doctest/doctest.h>
#include <netdb.h>

#include <algorithm>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <cerrno>

#include "ledge/base/log.hpp"
#include "ledge/broker/options.hpp"
#include "ledge/broker/shard.hpp"
#include "ledge/os/look_up.hpp"
#include "ledge/session/listener_options.hpp"
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
    boost::asio::io_context io;
    // Without work of its own a loop returns at once, and a wait for another thread would not wait.
    boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work = boost::asio::make_work_guard(io);
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
    LateListeners late(rig.io, rig.driver, rig.log);
    CHECK(late.next_deadline() == never);
    late.add("lamp", at("127.0.0.1"), *rig.front, {}, {{}, "cannot listen on it"});
    CHECK(late.try_due(rig.driver.now()).empty());
    rig.passes(1s);
    REQUIRE(late.next_deadline() <= rig.driver.now());
    const auto up = late.try_due(rig.driver.now());
    REQUIRE(up.size() == 1);
    CHECK(up[0].listener->addresses()[0].starts_with("127.0.0.1:"));
    CHECK(late.next_deadline() == never);
    CHECK(rig.events == std::vector<std::string>{"listener_waits", "listener_up"});
}

TEST_CASE("attempts become rarer, never rarer than twice a minute, and the same reason is not said again") {
    Rig rig;
    LateListeners late(rig.io, rig.driver, rig.log);
    late.add("lamp", at("192.0.2.1"), *rig.front, {},
             {system_code(EADDRNOTAVAIL), "cannot listen on {}", "192.0.2.1:0"});
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

/// What the look-up of the test answers, on the resolver's thread.
net::Resolver::Answer look_up_in_test(const std::string& name) {
    if (name == "unknown.test")
        return Failure{Error{{EAI_NONAME, os::resolver_category()}, "the name {} cannot be resolved", name}};
    return std::vector{os::SocketAddress::loopback_ipv4(1)};
}

/// Runs the loop until an answer has made an attempt due.
bool is_answered(Rig& rig, const LateListeners& late) {
    for (int i = 0; i < 1000 && late.next_deadline() > rig.driver.now(); ++i) {
        rig.io.restart();
        rig.io.run_one_for(10ms);
    }
    return late.next_deadline() <= rig.driver.now();
}

TEST_CASE("a host name is looked up beside the loop, and the addresses that come are listened on") {
    Rig rig;
    LateListeners late(rig.io, rig.driver, rig.log, look_up_in_test);
    std::string event;
    SUBCASE("for an endpoint that has waited") {
        late.add("lamp", at("known.test"), *rig.front, {}, {{}, "cannot listen on it"});
        rig.passes(1s);
        rig.events.clear();
        event = "listener_up";
    }
    SUBCASE("for one that is new") {
        late.add_new("lamp", at("known.test"), *rig.front, {});
        event = "listener_added";
    }
    REQUIRE(late.next_deadline() <= rig.driver.now());
    CHECK(late.try_due(rig.driver.now()).empty());
    CHECK(late.next_deadline() == never);  // the answer wakes the loop
    REQUIRE(is_answered(rig, late));
    const auto up = late.try_due(rig.driver.now());
    REQUIRE(up.size() == 1);
    CHECK(up[0].listener->addresses()[0].starts_with("127.0.0.1:"));
    CHECK(up[0].listener->addresses()[0] != "127.0.0.1:1");  // the port of the endpoint counts
    CHECK(rig.events == std::vector<std::string>{event});
}

TEST_CASE("a name that is not known is looked up again after growing pauses, and the log says so once") {
    Rig rig;
    LateListeners late(rig.io, rig.driver, rig.log, look_up_in_test);
    late.add_new("lamp", at("unknown.test"), *rig.front, {});
    std::vector<std::int64_t> pauses;
    for (int i = 0; i < 3; ++i) {
        CHECK(late.try_due(rig.driver.now()).empty());
        REQUIRE(is_answered(rig, late));
        CHECK(late.try_due(rig.driver.now()).empty());
        const Duration pause = late.next_deadline() - rig.driver.now();
        pauses.push_back(pause / 1s);
        rig.passes(pause);
    }
    CHECK(pauses == std::vector<std::int64_t>{1, 2, 4});
    CHECK(rig.events == std::vector<std::string>{"listener_waits"});
}

TEST_CASE("an answer that comes after the stop is dropped") {
    Rig rig;
    LateListeners late(rig.io, rig.driver, rig.log, look_up_in_test);
    late.add_new("lamp", at("known.test"), *rig.front, {});
    CHECK(late.try_due(rig.driver.now()).empty());
    late.clear();
    rig.io.run_one_for(1s);
    CHECK(late.next_deadline() == never);
    CHECK(late.try_due(rig.driver.now()).empty());
    CHECK(rig.events.empty());
}

}  // namespace
}  // namespace ledge::runtime
