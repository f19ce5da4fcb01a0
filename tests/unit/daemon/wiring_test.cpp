#include "wiring.hpp"

#include <doctest/doctest.h>

#include "ledge/config/load.hpp"

using namespace ledge;
using namespace ledge::daemon;
using Kind = transport::Endpoint::Kind;

TEST_CASE("every part of the configuration reaches whom it concerns") {
    const config::Loaded loaded = config::parse(
        "[listeners.a]\nurl = 'mqtt://[::1]:1884'\nconnections_max = 5\n"
        "[listeners.b]\nurl = 'unix:/run/b.sock'\n[listeners.b.limits]\ninflight_max = 7\n"
        "[broker]\nstop_time_max_s = 9\nsessions_max = 8\n[sys]\ninterval_s = 0\n",
        {});
    REQUIRE(loaded.ok());
    const runtime::BrokerLoopOptions options = loop_options(loaded.config, "1.2.3", 42);
    REQUIRE(options.endpoints.size() == 2);
    REQUIRE(options.shard.listeners.size() == 2);
    CHECK(options.endpoints[0].kind == Kind::tcp);
    CHECK(options.endpoints[0].host == "::1");
    CHECK(options.endpoints[0].port == 1884);
    CHECK(options.shard.listeners[0].name == "a");
    CHECK(options.shard.listeners[0].connections_max == 5);
    CHECK(options.endpoints[1].kind == Kind::unix_socket);
    CHECK(options.endpoints[1].path == "/run/b.sock");
    CHECK(options.shard.listeners[1].limits.inflight_max == 7);
    CHECK(options.shard.sessions_max == 8);
    CHECK(options.shard.sys_interval == 0s);
    CHECK(options.shard.server_version == "LedgeMQ 1.2.3");
    CHECK(options.stop_time_max == 9s);
    CHECK(options.seed == 42);
    CHECK(options.handles_signals);
    CHECK(!options.shard.durability.journal.is_enabled);
}

TEST_CASE("a configured store turns the journal on and gets its path and ceiling") {
    const config::Loaded loaded =
        config::parse("[store]\npath = '/s'\nsize_max_bytes = '2 MiB'\ndaily_write_budget_bytes = 9\n", {});
    REQUIRE(loaded.ok());
    CHECK(loop_options(loaded.config, "1", 1).shard.durability.journal.is_enabled);
    CHECK(loop_options(loaded.config, "1", 1).daily_write_budget_bytes == 9);
    const storage::LmdbStoreOptions store = store_options(loaded.config);
    CHECK(store.path == "/s");
    CHECK(store.size_max_bytes == 2 * 1024 * 1024);
    REQUIRE((store.wall_clock != nullptr));
    CHECK(store.wall_clock().count() > 0);
}
