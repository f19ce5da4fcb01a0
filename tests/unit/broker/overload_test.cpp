// The memory budget: what gives way, in which order, and what does not.
#include "rig.hpp"

#include "ledge/broker/options.hpp"
#include "ledge/journal/records.hpp"

namespace ledge::broker {
namespace {

using session::MemoryBudget;
using session::Pressure;

std::uint64_t held(Rig& rig) { return rig.metrics().memory_used; }

// Publishes to `topic` until the pressure is `wanted`; how many it took.
int publish_until(Rig& rig, const char* topic, Pressure wanted, std::size_t size = 1000) {
    const std::string payload(size, 'x');
    for (int count = 0; count < 100'000; ++count) {
        if (rig.metrics().memory_pressure == wanted) return count;
        rig["p"].publishes(topic, payload);
    }
    FAIL("the pressure never came");
    return 0;
}

TEST_CASE("what is held is summed: all of it is there while it is held, and nothing remains") {
    Rig rig(with_budget(1024 * mib));
    const std::uint64_t empty = held(rig);
    rig["p"].connects();
    rig["s"].connects(lasting).subscribes("t/#", qos1).stops_reading();
    const std::uint64_t connected = held(rig);
    CHECK(connected > empty);
    rig["p"].publishes("t/1", std::string(50'000, 'x'), qos1);
    CHECK(held(rig) >= connected + 50'000);
    CHECK(held(rig) < connected + 90'000);  // half as much again, until it is measured
    for (int i = 0; i < 400; ++i) rig["p"].publishes("t/2", std::string(1000, 'x'), qos1);
    CHECK(held(rig) >= connected + 450'000);
    rig["p"].publishes("kept", std::string(30'000, 'x'), qos1, true);
    CHECK(held(rig) >= connected + 480'000);
    rig["p"].publishes("kept", "", qos1, true);
    rig["s"].loses_connection();
    rig["s"].connects();  // clean: the session is gone
    rig["s"].disconnects();
    rig["p"].disconnects();
    CHECK(held(rig) <= empty + session::BufferPool::retained_bytes_max);
}

TEST_CASE("the memory of unfinished packets counts, and goes with their sender") {
    Rig rig(with_budget(16 * mib));
    const std::uint64_t before = held(rig);
    std::string unfinished = encoded(wire::Publish{"t", {}, qos0, false, false, 0, {}}, v5);
    unfinished = "\x30\x80\x80\x3c" + unfinished.substr(2);  // 983,040 bytes, it says
    for (int i = 0; i < 24; ++i) {
        Client& client = rig["c" + std::to_string(i)];
        client.tries_to_connect();
        if (!client.is_open()) break;
        for (int piece = 0; piece < 14 && client.is_open(); ++piece)
            client.sends(piece == 0 ? unfinished : std::string(65'536, 'x'));
    }
    CHECK(held(rig) > before + mib);
    CHECK(held(rig) < 16 * mib);
    CHECK(rig.counters().disconnected_memory + rig.counters().refused_memory > 0);
}

// Forty that subscribe to a flood and read nothing of it, one that reads, and a pair that exchanges QoS 1 messages.
struct Crowd {
    static constexpr int size = 40;

    Crowd() {
        rig["p"].connects();
        rig["meter"].connects();
        rig["lamp"].connects(lasting).acknowledges().subscribes("pair", qos1);
        for (int i = 0; i < size; ++i) slow(i).connects().subscribes("flood/#").stops_reading();
        rig["healthy"].connects().subscribes("healthy/#");
    }
    Client& slow(int number) { return rig["s" + std::to_string(number)]; }
    void pair_works() {
        const std::string payload = std::to_string(++exchanged);
        CHECK(rig["meter"].publishes("pair", payload, qos1) == "success");
        CHECK(rig["lamp"].takes().starts_with("PUBLISH pair " + payload + " q1#"));
    }

    Rig rig{with_budget(16 * mib)};
    int exchanged = 0;
};

// What each of the slow readers holds, and which of them are there.
struct Holdings {
    explicit Holdings(Crowd& crowd) {
        for (int i = 0; i < Crowd::size; ++i) bytes.push_back(crowd.slow(i).connection->memory());
    }
    void look_again(Crowd& crowd) {
        for (int i = 0; i < Crowd::size; ++i) {
            const std::uint64_t one = bytes[static_cast<std::size_t>(i)];
            if (crowd.slow(i).is_open()) {
                largest_left = std::max(largest_left, one);
                continue;
            }
            ++shed;
            shed_bytes += one;
            smallest_shed = std::min(smallest_shed, one);
        }
    }

    std::vector<std::uint64_t> bytes;
    std::uint64_t shed = 0;
    std::uint64_t shed_bytes = 0;
    std::uint64_t smallest_shed = ~std::uint64_t{0};
    std::uint64_t largest_left = 0;
};

// Over what is left when the slowest have gone.
std::uint64_t excess_of(std::uint64_t resident) {
    return resident - 16 * mib / 100 * MemoryBudget::slowest_end_percent;
}

TEST_CASE("first QoS 0 to slow readers is dropped: a healthy pair notices nothing, and clients still get in") {
    Crowd crowd;
    Rig& rig = crowd.rig;
    publish_until(rig, "flood/a", Pressure::slow_readers);
    const std::uint64_t dropped = rig.counters().dropped_memory;  // of the one that took it so far
    rig["p"].publishes("flood/a", "one more");
    CHECK(rig.counters().dropped_memory == dropped + Crowd::size);
    CHECK(rig.counters().dropped_slow_reader == 0);
    rig["p"].publishes("healthy/a", "for who reads");
    CHECK(rig["healthy"].takes() == "PUBLISH healthy/a for who reads");
    CHECK(rig["new"].connects().subscribes("flood/#").is_open());
    crowd.pair_works();

    rig.shard->note_anonymous_memory(12 * mib);  // something else has grown: 75 %
    CHECK(rig.metrics().memory_pressure == Pressure::new_clients);
    CHECK(rig.log.count("memory_pressure") == 1);
    CHECK(rig["late"].connects().answer_to_subscribe("another") == "SUBACK 1 0");
    CHECK(rig.counters().disconnected_memory == 0);
    crowd.pair_works();

    rig.shard->note_anonymous_memory(mib);
    for (int i = 0; i < Crowd::size; ++i) crowd.slow(i).loses_connection();
    rig.shard->note_anonymous_memory(mib);
    CHECK(rig.metrics().memory_pressure == Pressure::none);
    CHECK(rig.log.count("memory_pressure_ended") == 1);
    rig["later"].connects();
    crowd.pair_works();
}

TEST_CASE("then those who hold most are disconnected: as many as the excess takes, and none more") {
    Crowd crowd;
    Rig& rig = crowd.rig;
    publish_until(rig, "flood/a", Pressure::slow_readers);
    Holdings holdings(crowd);
    rig.shard->note_anonymous_memory(15 * mib);
    rig.settle();
    holdings.look_again(crowd);
    CHECK(holdings.shed == rig.counters().disconnected_memory);
    CHECK(holdings.shed_bytes >= excess_of(15 * mib));
    CHECK(holdings.shed_bytes < excess_of(15 * mib) + holdings.smallest_shed);
    CHECK(held(rig) <= 15 * mib - excess_of(15 * mib));
    CHECK(rig["healthy"].is_open());
    CHECK(rig["lamp"].is_open());
    crowd.pair_works();
}

TEST_CASE("who holds least stays, whoever came first, and looking again takes nobody more") {
    Crowd crowd;
    Rig& rig = crowd.rig;
    for (int i = 0; i < Crowd::size; ++i) {  // in no order: 17 and 40 have no common divisor
        const int parts = 1 + i * 17 % Crowd::size;
        rig["p"].publishes("flood/a", "");
        crowd.slow(i).subscribes("own/" + std::to_string(i));
        for (int k = 0; k < parts; ++k) rig["p"].publishes("own/" + std::to_string(i), std::string(8000, 'x'));
    }
    Holdings holdings(crowd);
    rig.shard->note_anonymous_memory(13 * mib);
    rig.settle();
    holdings.look_again(crowd);
    CHECK(holdings.smallest_shed >= holdings.largest_left);  // buffers grow in steps: some hold the same
    CHECK(std::ranges::min(holdings.bytes) * 8 < holdings.smallest_shed);
    CHECK(holdings.shed_bytes >= excess_of(13 * mib));
    CHECK(holdings.shed_bytes < excess_of(13 * mib) + holdings.smallest_shed);
    CHECK(holdings.shed == rig.counters().disconnected_memory);
    rig.shard->note_anonymous_memory(held(rig));
    rig.settle();
    CHECK(holdings.shed == rig.counters().disconnected_memory);
    crowd.pair_works();
}

TEST_CASE("the largest goes first") {
    Rig rig(with_budget(16 * mib));
    rig["p"].connects();
    rig["small"].connects().subscribes("all").stops_reading();
    rig["large"].connects().subscribes("all").subscribes("more").stops_reading();
    rig["p"].publishes("all", std::string(100'000, 'x'));
    rig["p"].publishes("more", std::string(900'000, 'x'));
    rig.shard->note_anonymous_memory(16 * mib * 86 / 100);
    rig.settle();
    CHECK_FALSE(rig["large"].is_open());
    rig.shard->note_anonymous_memory(0);
    rig["again"].connects();
}

TEST_CASE("a queue that the store keeps grows on, one that only memory would keep does not") {
    Rig rig(with_budget(16 * mib, stored_options()));
    rig["s"].connects(lasting).subscribes("t", qos1).loses_connection();
    rig["p"].connects();
    rig.shard->note_anonymous_memory(15 * mib);
    REQUIRE(rig.metrics().memory_pressure == Pressure::slowest);
    for (int i = 0; i < 50; ++i) CHECK(rig["p"].publishes("t", std::to_string(i), qos1) == "success");
    CHECK(rig.counters().dropped() == 0);
    rig.shard->note_anonymous_memory(0);
    rig["s"].connects(lasting);
    rig.passes(20ms);
    CHECK(rig["s"].waiting().size() == 50);

    Rig plain(with_budget(16 * mib));
    plain["s"].connects(lasting).subscribes("t", qos1).loses_connection();
    plain["p"].connects();
    plain["p"].publishes("t", "before", qos1);
    plain.shard->note_anonymous_memory(15 * mib);
    plain["p"].publishes("t", "meanwhile", qos1);
    CHECK(plain["p"].publishes("kept", "x", qos1, true) == "quota_exceeded");
    plain.shard->note_anonymous_memory(0);
    plain["p"].publishes("t", "after", qos1);
    CHECK(plain.counters().dropped_memory == 1);
    CHECK(plain["s"].connects(lasting).takes() == "PUBLISH t before q1#1 | PUBLISH t after q1#2");
}

TEST_CASE(
    "what the store has of a queue leaves memory, and is delivered all the same; a queue in memory only is dropped") {
    Rig rig(with_budget(16 * mib, stored_options()));
    rig["s"].connects(lasting).subscribes("t", qos1).loses_connection();
    rig["p"].connects();
    const std::string payload(500, 'x');
    for (int i = 0; i < 100; ++i) CHECK(rig["p"].publishes("t", payload + std::to_string(i), qos1) == "success");
    const std::uint64_t before = held(rig);
    rig.shard->note_anonymous_memory(15 * mib);
    rig.shard->note_anonymous_memory(0);
    CHECK(held(rig) < before - 50'000);
    CHECK(rig.counters().dropped() == 0);
    CHECK(rig.counters().queued_messages == 100);
    rig["p"].publishes("t", "last", qos1);
    rig["s"].acknowledges().connects(lasting);
    rig.passes(20ms);
    REQUIRE(rig["s"].waiting().size() == 101);
    CHECK(rig["s"].waiting().front() == "PUBLISH t 501B q1#1");
    CHECK(rig["s"].waiting().back() == "PUBLISH t last q1#101");
    CHECK(rig.counters().queued_messages == 0);

    Rig plain(with_budget(16 * mib));
    plain["s"].connects(lasting).subscribes("t", qos1).loses_connection();
    plain["p"].connects();
    for (int i = 0; i < 100; ++i) plain["p"].publishes("t", payload, qos1);
    plain.shard->note_anonymous_memory(15 * mib);
    CHECK(plain.counters().dropped_memory == 100);
    CHECK(plain.log.count("queue_dropped") == 1);
    CHECK(plain.counters().queued_messages == 0);
}

TEST_CASE("slow readers whose sessions last cannot hold the memory either, with and without a store") {
    for (const bool has_store : {false, true}) {
        Rig rig(with_budget(16 * mib, has_store ? stored_options() : plain_options()));
        rig["p"].connects();
        for (int i = 0; i < 60; ++i)
            rig["s" + std::to_string(i)].connects(lasting).subscribes("t", qos1).stops_reading();
        const std::string payload(1500, 'x');
        for (int i = 0; i < 600; ++i) {
            rig["p"].publishes("t", payload, qos1);
            rig.passes(10ms);  // and a commit
            CHECK(held(rig) < 16 * mib);
        }
        INFO(has_store);
        CHECK(rig.metrics().memory_pressure != Pressure::none);
        if (has_store) CHECK(rig.counters().dropped() == 0);
    }
}

TEST_CASE("a session that outlives the connection it is shed from keeps what it is owed") {
    Rig rig(with_budget(16 * mib, stored_options()));
    rig["s"].connects(lasting).subscribes("t", qos1).stops_reading();
    rig["p"].connects();
    const std::string payload(10'000, 'x');
    for (int i = 0; i < 30; ++i) rig["p"].publishes("t", payload, qos1);
    rig.passes(10ms);
    rig.shard->note_anonymous_memory(15 * mib);
    rig.settle();
    REQUIRE_FALSE(rig["s"].is_open());
    rig.shard->note_anonymous_memory(0);
    rig["s"].reads_again().connects(lasting);
    CHECK(rig["s"].waiting().size() == 30);
}

// ---------------------------------------------------------------------------------------------------------------------
// Clients that do not acknowledge

// Each has a topic of its own, reads what it is sent, and never acknowledges.
struct Silent {
    explicit Silent(const ShardOptions& options, const Wish& wish, int count = 30) : rig(options), clients(count) {
        rig["p"].connects({.address = "192.0.2.9:1"});
        for (int i = 0; i < clients; ++i) client(i).connects(wish).subscribes("own/" + std::to_string(i), qos1);
    }
    Client& client(int number) { return rig["silent" + std::to_string(number)]; }
    // `rounds` messages of `size` bytes to each; all are acknowledged to the publisher.
    void flood(int rounds, std::size_t size) {
        const std::string payload(size, 'x');
        for (int round = 0; round < rounds; ++round) {
            for (int i = 0; i < clients; ++i) {
                REQUIRE(rig["p"].is_open());
                rig["p"].publishes("own/" + std::to_string(i), payload, qos1);
                highest = std::max(highest, held(rig));
                client(i).forgets();
            }
            rig.passes(10ms);
        }
    }

    Rig rig;
    int clients;
    std::uint64_t highest = 0;
};

TEST_CASE("messages in flight count: clients that never acknowledge are disconnected, their publisher is not") {
    Silent silent(with_budget(16 * mib), {});
    silent.flood(60, 20'000);  // 36 MB
    CHECK(silent.highest < 16 * mib);
    CHECK(silent.rig.counters().disconnected_memory > 0);
    CHECK(silent.rig["p"].is_open());
}

TEST_CASE("large messages in flight count too, and the publisher of one is not taken for their holder") {
    Silent silent(with_budget(16 * mib), {});
    silent.flood(4, 200'000);  // 24 MB
    CHECK(silent.highest < 16 * mib);
    CHECK(silent.rig.counters().disconnected_memory > 0);
    CHECK(silent.rig["p"].is_open());
}

TEST_CASE("what the store has of messages in flight leaves memory first: nobody is disconnected, nothing is lost") {
    Silent silent(with_budget(16 * mib, stored_options()), lasting);
    silent.flood(60, 20'000);
    Rig& rig = silent.rig;
    CHECK(silent.highest < 16 * mib);
    CHECK(rig.counters().disconnected_memory == 0);
    CHECK(rig.counters().dropped() == 0);
    CHECK(rig.counters().queued_messages == 60U * 30);
    for (int i = 0; i < silent.clients; ++i) {
        silent.client(i).loses_connection().acknowledges().connects(lasting);
        REQUIRE(silent.client(i).waiting().size() == 60);
        CHECK(silent.client(i).waiting().front() == "PUBLISH own/" + std::to_string(i) + " 20000B q1#1 dup");
    }
    CHECK(rig.counters().queued_messages == 0);
}

TEST_CASE("[MQTT-4.3.3-7] a QoS 2 exchange goes on when its message has left memory, also after a restart") {
    for (const bool has_restarted : {false, true}) {
        Rig rig(with_budget(16 * mib, stored_options()));
        rig["s"].connects(lasting).subscribes("t", qos2);
        rig["p"].connects().publishes("t", std::string(20'000, 'x'), qos2);
        CHECK(rig["s"].takes() == "PUBLISH t 20000B q2#1");
        const std::uint64_t before = held(rig);
        rig.shard->note_anonymous_memory(15 * mib);
        rig.shard->note_anonymous_memory(0);
        CHECK(held(rig) + 20'000 < before + 1000);
        REQUIRE(rig["s"].is_open());
        if (has_restarted) rig.restarts();
        if (!has_restarted) rig["s"].loses_connection();
        CHECK(rig["s"].connects(lasting).takes() == "PUBLISH t 20000B q2#1 dup");
        CHECK(rig["s"].recs(1).takes() == "PUBREL 1");
        rig["s"].comps(1);
        CHECK(rig.counters().queued_messages == 0);
    }
}

TEST_CASE("without a store messages in flight are dropped last, and a QoS 2 exchange is ended by PUBREL") {
    Rig rig(with_budget(16 * mib));
    rig["s"].connects(lasting).subscribes("one", qos1).subscribes("two", qos2);
    rig["p"].connects().publishes("one", std::string(20'000, 'x'), qos1);
    rig["p"].publishes("two", std::string(20'000, 'x'), qos2);
    rig["s"].forgets();
    rig.shard->note_anonymous_memory(15 * mib);
    rig.settle();
    CHECK_FALSE(rig["s"].is_open());
    CHECK(rig.counters().dropped_memory == 2);
    CHECK(rig.log.count("queue_dropped") == 1);
    rig.shard->note_anonymous_memory(0);
    CHECK(rig["s"].connects(lasting).takes() == "PUBREL 2");
    rig["s"].comps(2);
    CHECK(rig.counters().queued_messages == 0);
}

// ---------------------------------------------------------------------------------------------------------------------
// Strangers

// A CONNECT packet that says it has 250,000 bytes, and the first `size` of them.
std::string unfinished_connect(std::size_t size) {
    return std::string("\x10\x90\xA1\x0F", 4) + std::string(size - 4, 'x');
}

TEST_CASE("unfinished CONNECT packets have a share of the budget: nobody else gives way for them") {
    Rig rig(with_budget(16 * mib));
    rig["away"].connects(lasting).subscribes("kept", qos1).loses_connection();
    rig["dashboard"].connects({.address = "192.0.2.2:1"}).subscribes("show/#").stops_reading();
    rig["p"].connects({.address = "192.0.2.3:1"});
    for (int i = 0; i < 100; ++i) CHECK(rig["p"].publishes("kept", std::string(500, 'x'), qos1) == "success");
    for (int i = 0; i < 300; ++i) rig["p"].publishes("show/it", std::string(1000, 'x'));
    const std::string whole = [] {  // a client whose CONNECT is large, and comes in two parts
        const std::string payload(60'000, 'w');
        wire::Connect connect;
        connect.version = v5;
        connect.client_id = "honest";
        connect.will = wire::Will{"w", as_bytes(payload), qos0, false, {}};
        std::vector<Byte> bytes(wire::encoded_size(connect));
        wire::Writer writer(bytes);
        wire::encode(connect, writer);
        return std::string(as_text(bytes));
    }();
    rig["honest"].connection = rig.shard->open({0, "192.0.2.4:1"}, &rig["honest"], rig.now);
    rig["honest"].sends(whole.substr(0, 50'000));
    std::uint64_t highest = 0;
    for (int i = 0; i < 272; ++i) {
        Client& stranger = rig["stranger" + std::to_string(i)];
        const std::string address = "198.51.100." + std::to_string(i % 3) + ":" + std::to_string(i + 1);
        stranger.connection = rig.shard->open({0, address}, &stranger, rig.now);
        stranger.sends(unfinished_connect(240'000));
        highest = std::max(highest, held(rig));
    }
    CHECK(highest < 16 * mib * MemoryBudget::slow_readers_percent / 100);
    CHECK(rig.metrics().memory_pressure == Pressure::none);
    CHECK(rig.counters().unauthenticated_evicted > 250);
    CHECK(rig.log.count("strangers_refused") == 1);  // not a line each
    CHECK(rig.counters().dropped() == 0);
    CHECK(rig["dashboard"].is_open());
    CHECK(rig["honest"].sends(whole.substr(50'000)).takes() == "CONNACK success");
    CHECK(rig["away"].acknowledges().connects(lasting).waiting().size() == 100);
}

TEST_CASE("when memory is short strangers give way before anybody who has logged in") {
    Rig rig(with_budget(16 * mib));
    rig["slow"].connects({.address = "192.0.2.2:1"}).subscribes("t").stops_reading();
    rig["p"].connects({.address = "192.0.2.3:1"}).publishes("t", std::string(900'000, 'x'));
    for (int i = 0; i < 7; ++i) {
        Client& stranger = rig["stranger" + std::to_string(i)];
        stranger.connection = rig.shard->open({0, "198.51.100.1:1"}, &stranger, rig.now);
        stranger.sends(unfinished_connect(240'000));
    }
    CHECK(rig.counters().unauthenticated_evicted == 0);
    rig.shard->note_anonymous_memory(16 * mib / 100 * 80 + 1000);  // 1.7 MB too many
    rig.settle();
    CHECK(rig.counters().unauthenticated_evicted == 7);
    CHECK(rig["slow"].is_open());
}

}  // namespace
}  // namespace ledge::broker
