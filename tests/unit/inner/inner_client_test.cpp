// InnerClient with the real core: it connects, subscribes, and comes again after every kind of end.
#include "ledge/inner/inner_client.hpp"

#include "core.hpp"
#include "ledge/broker/session_facts.hpp"

namespace ledge::inner {
namespace {

using State = InnerClient::State;
using wire::QoS;

const std::vector<InnerFilter> all_of_a = {{"a/#", {.qos = QoS::at_least_once}}};

TEST_CASE("an inner client subscribes to its list, receives and publishes, and then lets the loop sleep") {
    Core core;
    std::vector<InnerFilter> filters = all_of_a;
    for (int i = 0; i < 120; ++i) filters.push_back({"b/" + std::to_string(i), {}});  // more than one SUBSCRIBE
    Guest panel(core, "$part/panel", filters);
    Guest meter(core, "$part/meter");
    settle(core, {&panel, &meter});
    CHECK(panel.client.is_running());
    CHECK(core.shard.subscriptions_of("$part/panel").size() == 121);
    meter.publishes("a/x", "1", QoS::at_least_once);
    meter.publishes("b/119", "2");
    CHECK(meter.client.wants_turn());
    settle(core, {&panel, &meter});
    CHECK(panel.got == std::vector<std::string>{"a/x 1", "b/119 2"});
    CHECK(meter.done == 1);
    CHECK(panel.client.next_deadline() == never);
    CHECK(panel.client.problem().empty());
}

TEST_CASE("the core ends the connection: the client comes again after the pause, and has its filters again") {
    Core core;
    Guest panel(core, "$part/panel", all_of_a);
    settle(core, {&panel});
    REQUIRE(core.shard.remove_session("$part/panel", core_now));
    settle(core, {&panel});
    CHECK(panel.client.state() == State::pausing);
    CHECK(panel.client.problem().starts_with("the local broker has ended the connection"));
    CHECK(panel.client.next_deadline() == core_now + 1s);
    core_now += 999ms;
    settle(core, {&panel});
    CHECK(panel.client.state() == State::pausing);
    core_now += 1ms;
    settle(core, {&panel});
    CHECK(panel.client.is_running());
    CHECK(panel.client.problem().empty());
    Guest meter(core, "$part/meter");
    settle(core, {&meter, &panel});
    meter.publishes("a/x", "1");
    settle(core, {&meter, &panel});
    CHECK(panel.got == std::vector<std::string>{"a/x 1"});
}

TEST_CASE("a refused filter ends the connection, and is tried again") {
    broker::ShardOptions options = core_options();
    options.listeners.front().limits.subscriptions_max = 1;
    Core core(options);
    Guest panel(core, "$part/panel", {{"a", {}}, {"b", {}}});
    settle(core, {&panel});
    CHECK(panel.client.state() == State::pausing);
    CHECK(panel.client.problem() == "the local broker refuses a subscription");
    core_now += 1s;
    settle(core, {&panel});
    CHECK(panel.client.state() == State::pausing);
}

TEST_CASE("stop() takes leave in every state") {
    Core core;
    Guest panel(core, "$part/panel", all_of_a);
    SUBCASE("while it connects") { CHECK(panel.client.state() == State::connecting); }
    SUBCASE("while it runs") {
        settle(core, {&panel});
        CHECK(panel.client.is_running());
    }
    SUBCASE("while it waits for the next attempt") {
        settle(core, {&panel});
        core.shard.remove_session("$part/panel", core_now);
        settle(core, {&panel});
        CHECK(panel.client.state() == State::pausing);
    }
    panel.client.stop(core_now);
    settle(core, {&panel});
    CHECK(panel.client.is_stopped());
    CHECK(panel.client.next_deadline() == never);
    CHECK(core.shard.metrics().clients_connected == 0);
    panel.client.start(core_now);
    settle(core, {&panel});
    CHECK(panel.client.is_running());
}

TEST_CASE("an owner that does not read keeps the messages in the link and the session, and the loop may sleep") {
    Core core;
    InnerClientOptions options = guest_options("$part/panel", all_of_a);
    options.link.to_client_bytes_max = 2048;
    Guest panel(core, options);
    Guest meter(core, "$part/meter");
    settle(core, {&panel, &meter});
    panel.reads = false;
    const std::string payload(500, 'x');
    for (int i = 0; i < 40; ++i) meter.publishes("a/x", payload, QoS::at_least_once);
    settle(core, {&panel, &meter});
    CHECK(panel.client.has_input());
    CHECK(panel.got.empty());
    panel.reads = true;
    settle(core, {&panel, &meter});
    CHECK(panel.got == std::vector<std::string>(40, "a/x " + payload));
    CHECK(meter.done == 40);
}

TEST_CASE("a session that lasts is resumed by a new object, as after a restart of the process") {
    Core core;
    InnerClientOptions options = guest_options("$part/panel", all_of_a);
    options.client.session_expiry_s = 3600;
    {
        Guest panel(core, options);
        settle(core, {&panel});
    }
    core.end();
    Guest meter(core, "$part/meter");
    settle(core, {&meter});
    meter.publishes("a/x", "1", QoS::at_least_once);
    settle(core, {&meter});
    Guest panel(core, options);
    settle(core, {&panel, &meter});
    CHECK(panel.got == std::vector<std::string>{"a/x 1"});
}

}  // namespace
}  // namespace ledge::inner
