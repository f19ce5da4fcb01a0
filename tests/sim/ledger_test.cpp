// The reference model against small examples of the standard.
#include "ledger.hpp"

#include <doctest/doctest.h>

using namespace ledge;
using namespace ledge::sim;

namespace {

struct Book {
    std::vector<Event> events;
    Ledger ledger{2, {60, 60}, [this](Event event) { events.push_back(std::move(event)); }};
    Instant now{};

    void connect(std::int32_t client, bool clean_start, std::uint32_t expiry_s, const wire::Will* will = nullptr) {
        wire::PropertyBuilder properties;
        if (expiry_s != 0) properties.number(wire::PropertyId::session_expiry_interval, expiry_s);
        wire::Connect packet;
        packet.version = wire::Version::v5;
        packet.clean_start = clean_start;
        packet.properties = properties.view();
        if (will != nullptr) packet.will = *will;
        ledger.on_connect(client, client + 10, packet, now);
    }
    void subscribe(std::int32_t client, std::string_view filter, wire::SubscribeOptions options) {
        std::vector<Byte> entries;
        wire::append_entry(entries, {filter, options}, true);
        wire::Subscribe packet;
        packet.packet_id = 1;
        packet.entries = wire::SubscribeEntries(entries, true);
        ledger.on_subscribe(client, packet, now);
    }
    void publish(std::int32_t client, const std::string& topic, wire::QoS qos, wire::PacketId id = 0) {
        wire::Publish packet;
        packet.qos = qos;
        packet.packet_id = id;
        ledger.on_publish(client, packet, topic, now);
    }
    std::size_t count(Kind kind) const {
        std::size_t found = 0;
        for (const Event& event : events) found += event.kind == kind ? 1U : 0U;
        return found;
    }
};

}  // namespace

TEST_CASE("filters match topics as section 4.7 shows") {
    CHECK(is_match("sport/tennis/+", "sport/tennis/player1"));
    CHECK_FALSE(is_match("sport/tennis/+", "sport/tennis/player1/ranking"));
    CHECK(is_match("sport/#", "sport"));
    CHECK(is_match("+/+", "/finance"));
    CHECK(is_match("/+", "/finance"));
    CHECK_FALSE(is_match("+", "/finance"));
    CHECK_FALSE(is_match("#", "$SYS/monitor"));
    CHECK(is_match("$SYS/#", "$SYS/monitor"));
    CHECK_FALSE(is_match("a/x", "a"));
}

TEST_CASE("a publication is routed once per session, at the lower QoS") {
    Book book;
    book.connect(0, true, 0);
    book.subscribe(0, "a/+", {wire::QoS::at_most_once});
    book.subscribe(0, "a/#", {wire::QoS::at_least_once});
    book.publish(1, "a/x", wire::QoS::exactly_once, 4);
    book.publish(1, "a/x", wire::QoS::exactly_once, 4);  // again, before PUBREL
    REQUIRE(book.count(Kind::routed) == 1);
    CHECK(book.events.back().qos == wire::QoS::at_least_once);
    book.ledger.on_pubrel(1, 4);
    book.publish(1, "a/x", wire::QoS::exactly_once, 4);
    CHECK(book.count(Kind::routed) == 2);
}

TEST_CASE("No Local keeps a client's own messages from it") {
    Book book;
    book.connect(0, true, 0);
    book.subscribe(0, "a/x", {wire::QoS::at_most_once, true});
    book.publish(0, "a/x", wire::QoS::at_most_once);
    CHECK(book.count(Kind::routed) == 0);
    book.publish(1, "a/x", wire::QoS::at_most_once);
    CHECK(book.count(Kind::routed) == 1);
}

TEST_CASE("a session is kept until it expires, and nobody knows in between") {
    Book book;
    book.connect(0, false, 10);
    book.ledger.on_gone(0, 10, book.now);
    book.now += 9s;
    book.ledger.on_time(book.now);
    CHECK(book.ledger.is_certain(0, book.now));
    CHECK(book.ledger.has_session(0));
    book.now += 1s;
    book.ledger.on_time(book.now);
    CHECK_FALSE(book.ledger.is_certain(0, book.now));
    book.now += 2s;
    CHECK(book.ledger.is_certain(0, book.now));
    book.connect(0, false, 10);
    CHECK_FALSE(book.ledger.session_present(0));
    book.connect(0, false, 10);  // takes over
    CHECK(book.ledger.session_present(0));
    book.connect(0, true, 10);
    CHECK_FALSE(book.ledger.session_present(0));
}

TEST_CASE("a will is due when the connection is lost, not after DISCONNECT, and later with a delay") {
    const std::vector<Byte> payload = make_payload(Label{1, 0, true, {}, 1, false}, 0);
    wire::Will will;
    will.topic = "a/x";
    will.payload = payload;
    Book book;
    book.connect(0, true, 10, &will);
    book.ledger.on_gone(0, 10, book.now);
    CHECK(book.count(Kind::will_due) == 1);
    book.connect(0, true, 10, &will);
    book.ledger.on_disconnect(0, wire::Version::v5, {}, book.now);
    CHECK(book.count(Kind::will_due) == 1);
    CHECK(book.count(Kind::will_cancelled) == 1);

    wire::PropertyBuilder delay;
    will.properties = delay.number(wire::PropertyId::will_delay_interval, 5).view();
    book.connect(0, false, 10, &will);
    book.ledger.on_gone(0, 10, book.now);
    CHECK(book.count(Kind::will_due) == 1);
    book.now += 5s;
    book.ledger.on_time(book.now);
    CHECK(book.count(Kind::will_due) == 2);
}
