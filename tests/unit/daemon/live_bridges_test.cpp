// Bridges of a running broker that a reload cannot change, or has no more room for. What becomes of changed bridges is
// in ../uplink/bridges_change_test.cpp.
#include "live_bridges.hpp"

#include <doctest/doctest.h>

#include <memory>
#include <string>

#include "ledge/base/log.hpp"
#include "ledge/config/config.hpp"
#include "ledge/config/load.hpp"
#include "ledge/runtime/broker_loop.hpp"
#include "ledge/uplink/bridges.hpp"

namespace ledge::daemon {
namespace {

const Log silent;

config::BridgeSettings bridge(const std::string& name, const std::string& url = "mqtt://127.0.0.1:1",
                              const std::string& more = "") {
    const std::string section = "[bridges." + name + "]\nurls = ['" + url + "']\n" + more;
    const config::Loaded loaded = config::parse(section + "[[bridges." + name + ".routes]]\nfilter = '#'\n", {});
    REQUIRE(loaded.ok());
    return loaded.config.bridges.at(0);
}

/// A broker with the bridge `a`, whose loop does not run: a change is only begun.
struct Site {
    Site() {
        config::Config config;
        config.shard.listeners.resize(1);
        config.bridges = {bridge("a")};
        runtime::BrokerLoopOptions options;
        options.handles_signals = false;
        options.shard.listeners.resize(1);
        options.endpoints.emplace_back().port = 0;
        bridges.add_to(options, config, silent, 1);
        auto made = runtime::BrokerLoop::create(std::move(options), silent);
        REQUIRE(made.ok());
        loop = std::move(*made);
    }
    /// Why the bridge is not put; "" = it is put.
    std::string put(const config::BridgeSettings& settings) {
        const auto done = bridges.put(settings, *loop);
        return done ? "" : text_of(done.error());
    }

    LiveBridges bridges;
    std::unique_ptr<runtime::BrokerLoop> loop;
};

TEST_CASE("a bridge whose TLS files cannot be read stays as it is, and is not ended first") {
    Site site;
    const auto stage = [&] { return site.bridges.bridges()->figures(site.loop->now()).at(0).stage; };
    const uplink::BridgeStage before = stage();
    const std::string reason = site.put(bridge("a", "mqtts://127.0.0.1:1", "[bridges.a.tls]\nca = '/no/ca.pem'\n"));
    CHECK(reason.starts_with("its TLS files have a mistake: "));
    CHECK(reason.find("/no/ca.pem") != std::string::npos);
    CHECK(stage() == before);
    CHECK(site.put(bridge("b", "mqtts://127.0.0.1:1", "[bridges.b.tls]\nca = '/no/ca.pem'\n")) == reason);
    CHECK(site.bridges.bridges()->figures(site.loop->now()).size() == 1);
    CHECK(site.put(bridge("a", "mqtt://127.0.0.1:2")).empty());
    CHECK(stage() != before);
}

TEST_CASE("when the names of bridges are used up, bridges with a known name can still change") {
    Site site;
    config::BridgeSettings settings = bridge("n");
    std::size_t names = 1;  // of `a`
    for (std::string problem; problem.empty(); ++names) {
        settings.name = "n" + std::to_string(names);
        problem = site.put(settings);
        site.bridges.remove(settings.name, *site.loop);
        REQUIRE(names <= LiveBridges::listeners_max);
        if (!problem.empty()) CHECK(problem == "the broker has seen too many names of bridges since its start");
    }
    CHECK(names - 1 == LiveBridges::listeners_max);
    CHECK(site.put(bridge("a", "mqtt://127.0.0.1:2")).empty());
    settings.name = "n1";  // was removed, and comes back
    CHECK(site.put(settings).empty());
    settings.queue.priority = {"alarms/#"};  // needs a listener for the second session
    CHECK_FALSE(site.put(settings).empty());
}

}  // namespace
}  // namespace ledge::daemon
