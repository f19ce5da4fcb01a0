// Listeners of serial lines as the running broker knows them.
#include "lines.hpp"

#include <doctest/doctest.h>

#include "ledge/base/log.hpp"
#include "ledge/config/load.hpp"
#include "wiring.hpp"

using namespace ledge;
using namespace ledge::daemon;

TEST_CASE("the limits that a reload changes reach the part that speaks for a serial line") {
    const std::string toml =
        "[listeners.a]\nurl = 'mqtt://127.0.0.1'\n[listeners.m]\nurl = 'serial:/dev/ttyM'\nmode = 'lines'\n"
        "lines.topic = 'a/b'\n[listeners.m.limits]\nsession_expiry_max_s = 5\nmaximum_qos = 0\n";
    const config::Loaded before = config::parse(toml, {});
    REQUIRE(before.ok());
    runtime::BrokerLoopOptions options = loop_options(before.config, "1", 1);
    const Log log;
    const link::LineListeners* lines = nullptr;
    add_lines(options, before.config, log, lines);
    REQUIRE(options.parts.size() == 1);
    const config::Loaded after = config::parse(toml + "queue_messages_max = 9\n", {});
    REQUIRE(after.ok());
    const broker::Listeners changed = with_line_parts(after.config.shard.listeners, before.config);
    REQUIRE(changed.size() == 2);
    // The shard finds its listeners by their names.
    for (std::size_t i = 0; i < changed.size(); ++i) CHECK(changed[i].name == options.shard.listeners[i].name);
    CHECK(changed[1].limits.queue_messages_max == 9);
    CHECK(changed[1].limits.session_expiry_max_s == 0xFFFF'FFFF);
    CHECK(changed[1].limits.maximum_qos == wire::QoS::exactly_once);
    CHECK(changed[1].connections_max == 4);
}
