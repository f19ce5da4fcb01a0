// The door: opening and closing, deadlines, what a turn does, and that the steady state stays off the heap.
#include "ledge/broker/shard.hpp"

#include "allocations.hpp"
#include "ledge/broker/listener_figures.hpp"
#include "ledge/broker/options.hpp"
#include "ledge/journal/records.hpp"
#include "ledge/session/limits.hpp"
#include "ledge/session/memory_budget.hpp"
#include "rig.hpp"

namespace ledge::broker {
namespace {

TEST_CASE("connections_max holds per listener, and a place is free again when a socket is closed") {
    ShardOptions options = plain_options();
    options.listeners[0].connections_max = 2;
    options.listeners.push_back({"other", true, 1, {}});
    Rig rig(options);
    rig["a"].connects();
    rig["b"].connects();
    CHECK(rig["full"].tries_to_connect().takes() == "CONNACK quota_exceeded");
    rig["c"].connects({.listener = 1});
    CHECK(rig["full"].tries_to_connect({.listener = 1}).takes() == "CONNACK quota_exceeded");
    CHECK(rig.metrics().connections == 3);
    CHECK(rig.metrics().clients_connected == 3);
    CHECK(rig.counters().connections_opened == 5);
    CHECK(rig.counters().connections_refused == 2);
    rig["b"].loses_connection();
    rig["d"].connects();
    CHECK(rig.metrics().connections == 3);
    const auto figures = rig.shard->listener_figures();
    REQUIRE(figures.size() == 2);
    CHECK(figures[1].name == "other");
    CHECK(figures[0].connections_max == 2);
    CHECK(figures[0].connected == 2);
    CHECK(figures[1].connected == 1);
    CHECK(figures[0].counters.accepted == 4);
    CHECK(figures[1].counters.accepted == 2);
    CHECK(figures[0].counters.refused_room == 1);
    CHECK(figures[1].counters.refused_room == 1);
    CHECK(figures[1].counters.refused() == 1);
}

TEST_CASE("a listener counts whom it has refused by reason, and the bytes of its clients") {
    ShardOptions options = plain_options();
    options.listeners.push_back({"strict", false, 10, {}});
    Rig rig(options);
    CHECK(rig["x"].tries_to_connect({.listener = 1}).takes().starts_with("CONNACK "));
    Client& client = rig["y"].connects();
    const auto before = rig.shard->listener_figures()[0].counters.bytes_received;
    client.sends(std::string("\xC0\x00", 2));  // PINGREQ
    session::Connection* stranger = rig.shard->open({0, "192.0.2.7:1"}, nullptr, rig.now);
    CHECK(rig.shard->listener_figures()[0].arriving == 1);
    rig.shard->on_bytes(*stranger, as_bytes("GET / HTTP/1.1"), rig.now);
    const auto figures = rig.shard->listener_figures();
    CHECK(figures[1].counters.refused_login == 1);
    CHECK(figures[1].counters.refused_protocol == 0);
    CHECK(figures[0].counters.refused_login == 0);
    CHECK(figures[0].counters.refused_protocol == 1);
    CHECK(figures[0].counters.bytes_received == before + 2 + 14);
    CHECK(figures[1].counters.bytes_received > 0);
}

TEST_CASE("memory is told by kind: each connection, session, subscription and message counts for its own") {
    using session::MemoryBudget;
    using session::MemoryKind;
    Rig rig;
    const auto bytes = [&rig](MemoryKind kind) { return rig.metrics().memory_by_kind[static_cast<std::size_t>(kind)]; };
    CHECK(bytes(MemoryKind::connections) + bytes(MemoryKind::sessions) + bytes(MemoryKind::subscriptions) == 0);
    rig["p"].connects();
    CHECK(bytes(MemoryKind::connections) == MemoryBudget::connection_bytes);
    CHECK(bytes(MemoryKind::sessions) == MemoryBudget::session_bytes + 1);  // with the client id
    rig["p"].subscribes("some/filter");
    CHECK(bytes(MemoryKind::subscriptions) == MemoryBudget::subscription_bytes + 11);
    const std::uint64_t before = bytes(MemoryKind::messages);
    rig["p"].publishes("b", std::string(1000, 'x'), qos1, true);
    CHECK(bytes(MemoryKind::messages) > before + 1000);
    CHECK(bytes(MemoryKind::messages) < before + 1200);
    CHECK(bytes(MemoryKind::outboxes) > 0);
    rig["p"].disconnects();
    CHECK(bytes(MemoryKind::connections) + bytes(MemoryKind::sessions) + bytes(MemoryKind::subscriptions) == 0);
}

TEST_CASE("bytes may come in any pieces, and several packets at once") {
    Rig rig;
    rig["s"].connects().subscribes("t");
    Client& p = rig["p"].connects();
    std::string stream;
    for (int i = 0; i < 5; ++i)
        stream += encoded(wire::Publish{"t", as_bytes(std::to_string(i)), qos1, false, false, 1, {}}, v5);
    for (const char byte : stream) p.sends(std::string(1, byte));
    p.sends(stream);
    CHECK(rig["s"].takes() ==
          "PUBLISH t 0 | PUBLISH t 1 | PUBLISH t 2 | PUBLISH t 3 | PUBLISH t 4 | "
          "PUBLISH t 0 | PUBLISH t 1 | PUBLISH t 2 | PUBLISH t 3 | PUBLISH t 4");
}

TEST_CASE("what follows the packet that ends a connection is not read") {
    Rig rig;
    rig["s"].connects().subscribes("t");
    const std::string publish = encoded(wire::Publish{"t", {}, qos0, false, false, 0, {}}, v5);
    rig["p"].connects().sends(publish + std::string("\xE0\x00", 2) + publish);
    CHECK(rig["s"].takes() == "PUBLISH t ");
    CHECK_FALSE(rig["p"].is_open());
}

TEST_CASE("memory before CONNECT is a few hundred bytes") {
    Rig rig;
    const std::size_t before = live_bytes();
    for (int i = 0; i < 1000; ++i) {
        session::Connection* connection = rig.shard->open({0, "192.0.2.1:12345"}, nullptr, rig.now);
        rig.shard->on_bytes(*connection, as_bytes("\x10"), rig.now);
    }
    CHECK((live_bytes() - before) / 1000 < 600);
}

TEST_CASE("[MQTT-4.13.1-1] subscription and client are gone with a malformed packet, and others go on") {
    Rig rig;
    rig["c"].connects().subscribes("t");
    rig["c"].sends(std::string("\x30\x01\x00", 3));
    CHECK(rig["c"].takes() == "DISCONNECT malformed_packet");
    CHECK(rig.metrics().subscriptions == 0);
    CHECK(rig.metrics().sessions == 0);
    CHECK(rig.counters().protocol_errors == 1);
}

TEST_CASE("subscriptions_max bounds a session, replacing one stays possible") {
    session::SessionLimits limits;
    limits.subscriptions_max = 2;
    Rig rig(limits);
    Client& c = rig["c"].connects().subscribes("a").subscribes("$share/g/b");
    const auto answer_to = [&](const char* filter) {
        std::vector<Byte> entries;
        wire::append_entry(entries, {filter, {qos1}}, true);
        c.sends(encoded(wire::Subscribe{9, {entries, true}, {}}, v5));
        return c.takes();
    };
    CHECK(answer_to("c") == "SUBACK 9 151");
    CHECK(answer_to("a") == "SUBACK 9 1");
    CHECK(answer_to("$share/g/b") == "SUBACK 9 1");
    CHECK(answer_to("b") == "SUBACK 9 151");
    c.unsubscribes("a");
    CHECK(answer_to("b") == "SUBACK 9 1");
    CHECK(rig.metrics().subscriptions == 2);
}

TEST_CASE("subscriptions the listener does not allow are refused one by one [MQTT-3.8.4-5]") {
    session::SessionLimits limits;
    limits.shared_subscriptions_available = false;
    limits.wildcard_subscriptions_available = false;
    limits.maximum_qos = qos1;
    limits.topic_levels_max = 3;
    Rig rig(limits);
    std::vector<Byte> entries;
    for (const char* filter : {"a", "$share/g/b", "+", "1/2/3/4"}) wire::append_entry(entries, {filter, {qos2}}, true);
    rig["c"].connects().sends(encoded(wire::Subscribe{1, {entries, true}, {}}, v5));
    CHECK(rig["c"].takes() == "SUBACK 1 1 158 162 143");
}

TEST_CASE("a shard that ends with everything open frees everything") {
    const std::size_t before = live_bytes();
    {
        ShardOptions options = plain_options();
        options.sys_interval = 10s;
        Rig rig(options);
        wire::Will will{"w", as_bytes("x"), qos1, true, {}};
        rig["a"]
            .connects({.clean = false, .expiry = 100, .will = will})
            .subscribes("#", qos1)
            .subscribes("$share/g/t", qos2);
        rig["b"].connects().stops_reading().subscribes("#", qos2);
        for (int i = 0; i < 50; ++i) rig["a"].publishes("t", std::string(3000, 'x'), qos2, true);
        rig["a"].loses_connection();
        rig["b"].sends(std::string("\x30\x7F", 2));
        rig.shard->open({0, "x"}, nullptr, rig.now);
    }
    CHECK(live_bytes() == before);
}

// Publisher and subscriber as the driver sees them: bytes in, one gathered write per turn. No strings, no text.
class Pair {
public:
    explicit Pair(QoS qos) : qos_(qos) {
        subscriber_ = open("s");
        std::vector<Byte> entries;
        wire::append_entry(entries, {"plant/7/temperature", {qos}}, true);
        send(subscriber_, encoded(wire::Subscribe{1, {entries, true}, {}}, v5));
        publisher_ = open("p");
        publish_ = encoded(wire::Publish{"plant/7/temperature", as_bytes("21.5"), qos, false, false, id(), {}}, v5);
        turn();
    }
    ~Pair() {
        shard_.on_closed(*subscriber_, start);
        shard_.on_closed(*publisher_, start);
    }

    // One message all the way, acknowledgements of both sides included.
    void message() {
        send(publisher_, publish_);
        turn();
        if (qos_ == qos1) {
            next_id_ = next_id_ == 65'535 ? wire::PacketId{1} : static_cast<wire::PacketId>(next_id_ + 1);
            const Byte puback[] = {0x40, 2, static_cast<Byte>(next_id_ >> 8U), static_cast<Byte>(next_id_)};
            shard_.on_bytes(*subscriber_, puback, start);
            turn();
        }
    }
    const session::Counters& counters() { return shard_.metrics().counters; }

private:
    wire::PacketId id() const { return qos_ == qos0 ? wire::PacketId{0} : wire::PacketId{1}; }
    session::Connection* open(std::string_view name) {
        session::Connection* connection = shard_.open({0, "192.0.2.1:1"}, nullptr, start);
        wire::Connect connect;
        connect.version = v5;
        connect.client_id = name;
        std::vector<Byte> bytes(wire::encoded_size(connect));
        wire::Writer writer(bytes);
        wire::encode(connect, writer);
        shard_.on_bytes(*connection, bytes, start);
        return connection;
    }
    void send(session::Connection* connection, std::string_view bytes) {
        shard_.on_bytes(*connection, as_bytes(bytes), start);
    }
    void turn() {
        while (session::Connection* connection = shard_.next_dirty()) {
            Bytes parts[8];
            while (!connection->outbox().empty()) {
                const std::size_t count = connection->outbox().gather(parts);
                std::size_t bytes = 0;
                for (std::size_t i = 0; i < count; ++i) bytes += parts[i].size();
                connection->outbox().consume(bytes);
            }
            shard_.on_drained(*connection, start);
        }
    }

    Log log_;
    Shard shard_{plain_options(), log_, 1, start};
    QoS qos_;
    session::Connection* subscriber_;
    session::Connection* publisher_;
    std::string publish_;
    wire::PacketId next_id_ = 0;
};

TEST_CASE("in the steady state a QoS 0 message takes nothing from the heap, a QoS 1 message one block") {
    for (const QoS qos : {qos0, qos1}) {
        Pair pair(qos);
        for (int i = 0; i < 100; ++i) pair.message();
        const std::uint64_t before = allocations();
        const std::size_t bytes_before = live_bytes();
        for (int i = 0; i < 1000; ++i) pair.message();
        CHECK(allocations() - before == (qos == qos0 ? 0U : 1000U));
        CHECK(live_bytes() == bytes_before);
        CHECK(pair.counters().publish_sent == 1100);
        CHECK(pair.counters().queued_messages == 0);
    }
}

}  // namespace
}  // namespace ledge::broker
