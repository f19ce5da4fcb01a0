// Message and byte rates of a user: all connections of a name together, in turns, and nothing to be gained by more of
// them or by coming anew.
#include "user_rates.hpp"

#include "ledge/broker/options.hpp"
#include "ledge/journal/records.hpp"
#include "ledge/session/limits.hpp"
#include "rig.hpp"

namespace ledge::broker {
namespace {

session::SessionLimits user_messages(std::uint32_t per_second, std::uint32_t burst = 0) {
    session::SessionLimits limits;
    limits.user_messages_per_second = per_second;
    limits.user_messages_burst = burst;
    return limits;
}

session::SessionLimits user_bytes(std::uint64_t per_second, std::uint64_t burst = 0) {
    session::SessionLimits limits;
    limits.user_bytes_per_second = per_second;
    limits.user_bytes_burst = burst;
    return limits;
}

std::string publishes(std::string_view topic, int count, std::size_t payload = 1) {
    const std::string body(payload, 'x');
    const std::string one = encoded(wire::Publish{topic, as_bytes(body), qos0, false, false, 0, {}}, v5);
    std::string all;
    for (int i = 0; i < count; ++i) all += one;
    return all;
}

bool waits(Client& client) { return !client.connection->wants_input(); }

std::size_t received(Rig& rig) { return rig.counters().publish_received; }

const Wish alice{.proven = "alice"};
const Wish bob{.proven = "bob"};

TEST_CASE("two connections of a user share a rate in turns; another user and who has no name have their own, or none") {
    Rig rig(user_messages(100, 10));
    rig["a1"].connects(alice).sends(publishes("a1", 100));
    CHECK(received(rig) == 10);
    rig["a2"].connects(alice).sends(publishes("a2", 100));
    CHECK(received(rig) == 10);
    CHECK(waits(rig["a1"]));
    CHECK(waits(rig["a2"]));
    rig["b"].connects(bob).sends(publishes("b", 10));
    CHECK(received(rig) == 20);
    rig["nobody"].connects().sends(publishes("n", 500));
    CHECK(received(rig) == 520);
    CHECK_FALSE(waits(rig["nobody"]));
    rig["s"].connects().subscribes("+");
    rig.passes(500ms);
    CHECK(received(rig) == 570);
    const auto& got = rig["s"].waiting();
    CHECK(std::ranges::count(got, "PUBLISH a1 x") == 25);
    CHECK(std::ranges::count(got, "PUBLISH a2 x") == 25);
    rig.passes(2s);
    CHECK(received(rig) == 710);  // none is lost
    CHECK_FALSE(waits(rig["a1"]));
}

TEST_CASE("an episode of a user is told once, whoever of his connections it meets") {
    Rig rig(user_messages(100, 10));
    for (int i = 0; i < 5; ++i) rig["a" + std::to_string(i)].connects(alice).sends(publishes("t", 50));
    rig.passes(3s);
    CHECK(rig.log.count("user_throttled") == 1);
    CHECK(rig.log.count("client_throttled") == 0);
    CHECK(rig.counters().users_throttled == 1);
    CHECK(rig.counters().clients_throttled == 0);
    rig.passes(30s);
    rig["a3"].sends(publishes("t", 50));
    CHECK(rig.counters().users_throttled == 2);
}

TEST_CASE("however many connections a user has, and however often they come anew, the rate holds, and each gets on") {
    constexpr int count = 50;
    constexpr std::size_t rate = 1000;
    constexpr std::size_t burst = 100;
    Rig rig(user_messages(rate, burst));
    rig["s"].connects().subscribes("steady/+");
    for (int i = 0; i < count; ++i) {
        const std::string number = std::to_string(i);
        rig[number].connects(alice).sends(publishes("steady/" + number, 1000));
    }
    for (std::size_t ms = 10; ms <= 5000; ms += 10) {
        // Beside them some that reconnect all the time, with as much as one read takes, before the next one's turn.
        rig.passes(5ms);
        Client& jumper = rig["jumper" + std::to_string(ms % 50)];
        if (jumper.is_open()) jumper.loses_connection();
        jumper.connects(alice).sends(publishes("jump", 500));
        rig.passes(5ms);
        CHECK(received(rig) <= burst + rate * ms / 1000);
    }
    CHECK(received(rig) >= rate * 5 - 20);
    std::map<std::string, int> by_topic;
    for (const std::string& got : rig["s"].waiting()) ++by_topic[got];
    CHECK(by_topic.size() == count);
    int least = 1'000'000;
    int most = 0;
    for (const auto& [topic, messages_of_one] : by_topic) {
        least = std::min(least, messages_of_one);
        most = std::max(most, messages_of_one);
    }
    CHECK(least >= 90);  // of 100
    CHECK(most <= 110 + static_cast<int>(burst));
    CHECK(rig.counters().users_throttled == 1);
}

TEST_CASE("who comes anew finds what he left: no fresh burst, until the old one has come back") {
    Rig rig(user_messages(10, 20));
    rig["a"].connects(alice).sends(publishes("t", 20));
    CHECK(received(rig) == 20);
    for (int i = 0; i < 10; ++i) {
        rig["a"].loses_connection();
        rig["a"].connects(alice).sends(publishes("t", 20));
    }
    CHECK(received(rig) == 20);
    rig["a"].loses_connection();
    rig.passes(1s);
    rig["a"].connects(alice).sends(publishes("t", 20));
    CHECK(received(rig) == 30);
    rig["a"].loses_connection();
    rig.passes(10s);
    rig["a"].connects(alice).sends(publishes("t", 20));
    CHECK(received(rig) == 50);
}

TEST_CASE("one that its own rate holds up does not hold up the others of its user") {
    session::SessionLimits limits = user_messages(100, 100);
    limits.messages_per_second = 50;
    limits.messages_burst = 5;
    Rig rig(limits);
    rig["s"].connects().subscribes("+");
    rig["wild"].connects(alice).sends(publishes("wild", 100));
    CHECK(rig["s"].waiting().size() == 5);
    CHECK(rig.counters().clients_throttled == 1);
    CHECK(rig.counters().users_throttled == 0);
    rig["calm"].connects(alice).sends(publishes("calm", 5));
    CHECK(rig["s"].waiting().size() == 10);
    rig.passes(200ms);
    rig["calm"].sends(publishes("calm", 5));
    CHECK(rig["s"].waiting().size() == 25);
}

TEST_CASE("a byte rate is shared too; what waits of one is not owed by the others") {
    constexpr std::size_t packet = 1000;
    Rig rig(user_bytes(10'000, 2000));
    const std::string text = publishes("t", 1, packet - 7);
    REQUIRE(text.size() == packet);
    std::string twenty;
    for (int i = 0; i < 20; ++i) twenty += text;
    rig["s"].connects().subscribes("t");
    rig["a1"].connects(alice).sends(twenty);
    CHECK(received(rig) == 2);
    for (int i = 2; i < 10; ++i) rig["a" + std::to_string(i)].connects(alice).sends(twenty);
    CHECK(received(rig) == 2);
    for (std::size_t ms = 10; ms <= 3000; ms += 10) {
        rig.passes(10ms);
        CHECK(received(rig) * packet <= 2000 + 10 * ms + packet);
    }
    CHECK(received(rig) >= 30);
    CHECK(waits(rig["a1"]));
}

TEST_CASE("what comes in one read with CONNECT waits too") {
    Rig rig(user_messages(10));
    for (int i = 0; i < 5; ++i) {
        const std::string name = "a" + std::to_string(i);
        Client& client = rig[name];
        client.connection = rig.shard->open({0, "192.0.2.1:1", "alice"}, &client, rig.now);
        wire::Connect connect;
        connect.version = v5;
        connect.client_id = name;
        std::vector<Byte> packet(wire::encoded_size(connect));
        wire::Writer writer(packet);
        wire::encode(connect, writer);
        client.sends(std::string(as_text(packet)) + publishes("t", 10));
        CHECK(client.connection->is_connected());
    }
    CHECK(received(rig) == 10);
}

TEST_CASE("of several listeners the smallest value holds for a user who is on all of them, and only as long as he is") {
    ShardOptions options = plain_options();
    options.listeners[0].limits = user_messages(100);
    options.listeners.push_back({"slow", true, 10'000, user_messages(10)});
    options.listeners.push_back({"any", true, 10'000, {}});
    Rig rig(options);
    rig["fast"].connects(alice).sends(publishes("t", 1000));
    CHECK(received(rig) == 100);
    rig.passes(1s);
    CHECK(received(rig) == 200);
    rig["slow"].connects({.listener = 1, .proven = "alice"});
    rig.passes(1s);
    CHECK(received(rig) == 210);
    rig["slow"].loses_connection();
    rig.passes(1s);
    CHECK(received(rig) == 310);
    rig["free"].connects({.listener = 2, .proven = "alice"}).sends(publishes("t", 1000));
    CHECK(received(rig) == 1310);
}

TEST_CASE("who waits and goes leaves no gap in the line, and a takeover none either") {
    Rig rig(user_messages(100, 10));
    for (int i = 0; i < 4; ++i) rig["a" + std::to_string(i)].connects(alice).sends(publishes("t", 40));
    rig["a1"].loses_connection();
    rig["again"].connects({.proven = "alice", .client_id = "a2"});
    CHECK_FALSE(rig["a2"].is_open());
    rig.passes(2s);
    CHECK(received(rig) <= 10 + 40 + 40 + 40);
    CHECK(received(rig) >= 40 + 40);
    rig["again"].sends(publishes("t", 5));
    CHECK_FALSE(waits(rig["again"]));
    CHECK(rig.metrics().connections_paused == 0);
}

TEST_CASE("users that are gone are remembered until they have made up for what they sent, and so many at most") {
    const session::SessionLimits limits = user_messages(1, 100'000);
    UserRates rates;
    for (int i = 0; i < 1000; ++i) rates.of("quick" + std::to_string(i), limits, start).take(2, 0);
    CHECK(rates.size() == 1000);
    Instant now = start + 10s;
    for (int i = 0; i < 1100; ++i) rates.of("later" + std::to_string(i), limits, now).take(1000, 0);
    CHECK(rates.size() < 2 * 1100);
    for (int i = 0; i < 30'000; ++i) {
        session::UserRate& rate = rates.of("u" + std::to_string(i), limits, now);
        rate.take(i == 0 ? 90'000 : 100, 0);
        REQUIRE(rates.size() <= 2 * UserRates::absent_max);
    }
    CHECK(rates.size() >= UserRates::absent_max);
    CHECK(rates.of("u0", limits, now).full_at() == now + 90'000s);  // who owes most is forgotten last
}

}  // namespace
}  // namespace ledge::broker
