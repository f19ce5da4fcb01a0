#include "sys_topics.hpp"

#include <cmath>
#include <map>

#include "ledge/broker/options.hpp"
#include "ledge/journal/image.hpp"
#include "ledge/session/limits.hpp"
#include "rig.hpp"

namespace ledge::broker {
namespace {

ShardOptions with_sys() {
    ShardOptions options = plain_options();
    options.sys_interval = 10s;
    options.server_version = "LedgeMQ 1.2";
    return options;
}

// Topic below $SYS/broker/ -> value, of what came since.
std::map<std::string, std::string> values(Client& client) {
    std::map<std::string, std::string> out;
    for (const std::string& packet : client.waiting()) {
        REQUIRE(packet.starts_with("PUBLISH $SYS/broker/"));
        std::string rest = packet.substr(20);
        if (rest.ends_with(" retain")) rest.resize(rest.size() - 7);
        // "uptime 10 seconds", "retained messages/count 3": the value starts behind the last '/' and its word.
        const std::size_t slash = rest.rfind('/');
        const std::size_t space = rest.find(' ', slash == std::string::npos ? 0 : slash);
        CHECK(out.emplace(rest.substr(0, space), rest.substr(space + 1)).second);
    }
    client.forgets();
    return out;
}

TEST_CASE("the names that users of Mosquitto know, retained from the start") {
    Rig rig(with_sys());
    auto got = values(rig["s"].connects().subscribes("$SYS/#"));
    for (const char* name : {"version",
                             "uptime",
                             "clients/connected",
                             "clients/disconnected",
                             "clients/active",
                             "clients/inactive",
                             "clients/total",
                             "clients/maximum",
                             "clients/expired",
                             "messages/received",
                             "messages/sent",
                             "publish/messages/received",
                             "publish/messages/sent",
                             "publish/messages/dropped",
                             "publish/bytes/received",
                             "publish/bytes/sent",
                             "bytes/received",
                             "bytes/sent",
                             "subscriptions/count",
                             "retained messages/count",
                             "store/messages/count",
                             "store/messages/bytes",
                             "load/messages/received/1min",
                             "load/messages/sent/5min",
                             "load/publish/received/15min",
                             "load/bytes/sent/1min",
                             "load/sockets/1min",
                             "load/connections/15min",
                             "load/publish/dropped/5min",
                             "messages/stored",
                             "shared_subscriptions/count",
                             "heap/current",
                             "heap/maximum"}) {
        CAPTURE(std::string(name));
        CHECK(got.contains(name));
    }
    CHECK(got["version"] == "LedgeMQ 1.2");
    CHECK(got["uptime"] == "0 seconds");
    CHECK(got["clients/connected"] == "0");
}

TEST_CASE("each interval sends what has changed and nothing else") {
    Rig rig(with_sys());
    Client& s = rig["s"].connects().subscribes("$SYS/broker/clients/#").subscribes("$SYS/broker/uptime");
    s.forgets();
    rig.passes(10s);
    auto got = values(s);
    CHECK(got["uptime"] == "10 seconds");
    CHECK(got["clients/connected"] == "1");
    CHECK(got["clients/total"] == "1");
    CHECK_FALSE(got.contains("clients/expired"));
    rig.passes(10s);
    got = values(s);
    CHECK(got.size() == 1);
    CHECK(got["uptime"] == "20 seconds");
    rig["other"].connects(lasting).loses_connection();
    rig.passes(10s);
    got = values(s);
    CHECK(got["clients/disconnected"] == "1");
    CHECK(got["clients/inactive"] == "1");
    CHECK(got["clients/maximum"] == "2");
    CHECK_FALSE(got.contains("clients/connected"));
}

TEST_CASE("what is counted is what happened") {
    Rig rig(with_sys());
    rig["s"].connects().subscribes("t", qos1);
    rig["p"].connects();
    for (int i = 0; i < 3; ++i) rig["p"].publishes("t", "12345", qos1);
    rig["p"].publishes("kept", "x", qos0, true);
    rig.passes(10s);
    auto got = values(rig["reader"].connects().subscribes("$SYS/#"));
    CHECK(got["publish/messages/received"] == "4");
    CHECK(got["publish/bytes/received"] == "16");
    CHECK(got["publish/messages/sent"] == "3");
    CHECK(got["publish/bytes/sent"] == "15");
    CHECK(got["subscriptions/count"] == "1");
    CHECK(std::stoul(got["bytes/sent"]) > 40);
    CHECK(std::stoul(got["bytes/received"]) > 80);
    CHECK(std::stoul(got["store/messages/count"]) == std::stoul(got["retained messages/count"]) + 3);
    CHECK(got["load/publish/received/1min"] != "0.00");
}

TEST_CASE("the state of the store is right from the first moment") {
    ShardOptions options = stored_options();
    options.sys_interval = 10s;
    Rig rig(options);
    CHECK(values(rig["s"].connects().subscribes("$SYS/broker/store/#"))["store/state"] == "ok");
}

TEST_CASE("the parts of what was dropped sum up to the whole; shared subscriptions are counted among the others") {
    ShardOptions options = with_sys();
    options.listeners[0].limits.queue_messages_max = 1;
    Rig rig(options);
    rig["s"].connects(lasting).subscribes("t", qos1).subscribes("$share/g/u").subscribes("$share/h/u");
    rig["s"].unsubscribes("$share/h/u");
    rig["s"].loses_connection();
    rig["p"].connects();
    for (int i = 0; i < 5; ++i) rig["p"].publishes("t", "x", qos1);
    rig.passes(10s);
    auto got = values(rig["reader"].connects().subscribes("$SYS/#"));
    CHECK(got["publish/messages/dropped"] == "4");
    std::uint64_t sum = 0;
    std::size_t parts = 0;
    for (const auto& [name, value] : got) {
        if (!name.starts_with("publish/messages/dropped/")) continue;
        sum += std::stoul(value);
        ++parts;
    }
    CHECK(sum == 4);
    CHECK(parts == session::drop_counters.size());
    CHECK(got["load/publish/dropped/1min"] != "0.00");
    CHECK(got["shared_subscriptions/count"] == "1");
    CHECK(got["subscriptions/count"] == "2");
}

TEST_CASE("loads fall when nothing happens, as load averages do") {
    Rig rig(with_sys());
    rig["p"].connects();
    for (int i = 0; i < 600; ++i) rig["p"].publishes("t", "x");
    rig.passes(10s);
    const auto load = [&] {
        auto got = values(rig["reader"].connects().subscribes("$SYS/broker/load/publish/received/+"));
        rig["reader"].loses_connection();
        return std::stod(got["load/publish/received/1min"]);
    };
    const double first = load();
    CHECK(first == doctest::Approx(3600 * (1 - std::exp(-10.0 / 60))).epsilon(0.01));
    rig.passes(60s);
    CHECK(load() == doctest::Approx(first / std::exp(1.0)).epsilon(0.01));
}

TEST_CASE("an interval of 0 switches them off; clients can neither publish there nor see them under '#'") {
    Rig rig;
    CHECK(values(rig["s"].connects().subscribes("$SYS/#")).empty());
    CHECK(rig.metrics().retained_messages == 0);
    Rig on(with_sys());
    CHECK(on["s"].connects().subscribes("#").subscribes("+/broker/#").takes().empty());
    CHECK(on["s"].publishes("$SYS/broker/version", "mine", qos1) == "not_authorized");
}

}  // namespace
}  // namespace ledge::broker
