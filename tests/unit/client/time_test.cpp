#include "rig.hpp"

namespace ledge::client {
namespace {

TEST_CASE("[MQTT-3.1.2-20] PINGREQ after half the keep alive without a packet") {
    Rig rig;
    rig.connects();
    CHECK(rig.passes(29s) == "");
    CHECK(rig.sent() == "");
    CHECK(rig.passes(1s) == "");
    CHECK(rig.sent() == "PINGREQ");
    CHECK(rig.gets(wire::Disconnect{}).find("ended") == 0);
}

TEST_CASE("PINGRESP starts the next interval") {
    Rig rig;
    rig.connects();
    rig.passes(30s);
    CHECK(rig.sent() == "PINGREQ");
    rig.passes(2s);
    CHECK(rig.gets_bytes({0xD0, 0x00}) == "pong");
    CHECK(rig.passes(27s) == "");
    CHECK(rig.sent() == "");
    rig.passes(1s);  // 30 s since PINGREQ was sent
    CHECK(rig.sent() == "PINGREQ");
}

TEST_CASE("a client that sends all the time pings too, and so notices a server that is gone") {
    Rig rig;
    rig.connects();
    for (int second = 0; second < 30; ++second) {
        CHECK(rig.passes(1s) == "");
        CHECK(rig.client.publish(publish("a", "x")).ok());
        rig.client.sent(rig.client.output().size(), rig.now);
    }
    CHECK(rig.passes(9s) == "");
    CHECK(rig.passes(1s) == "ended no_answer: no PINGRESP in time (section 3.1.2.10)");
    CHECK(rig.client.wants_close());
    CHECK(rig.sent() == "");
}

TEST_CASE("every byte from the server puts off the end of a wait for PINGRESP") {
    Rig rig;
    rig.connects();
    rig.passes(30s);
    rig.sent();
    rig.passes(9s);
    rig.gets(publish("a", "x"));
    CHECK(rig.passes(9s) == "");
    CHECK(rig.passes(1s) == "ended no_answer: no PINGRESP in time (section 3.1.2.10)");
}

TEST_CASE("while the application does not read, PINGREQ goes on and no PINGRESP is missed") {
    Rig rig;
    rig.connects();
    rig.passes(30s);
    CHECK(rig.sent() == "PINGREQ");
    rig.client.set_reading(false, rig.now);
    CHECK(rig.passes(29s) == "");
    CHECK(rig.sent() == "");
    CHECK(rig.passes(1s) == "");
    CHECK(rig.sent() == "PINGREQ");
    CHECK(rig.passes(2min) == "");  // nothing is sent either, and yet the deadline moves on
    CHECK(rig.client.next_deadline() > rig.now);
    rig.sent();
    rig.client.set_reading(true, rig.now);
    SUBCASE("the answers are read") {
        CHECK(rig.gets_bytes({0xD0, 0x00}) == "pong");
        CHECK(rig.passes(9s) == "");
        CHECK(rig.gets_bytes({0xD0, 0x00, 0xD0, 0x00}).starts_with("pong"));
        CHECK(rig.passes(9s) == "");
    }
    SUBCASE("there are none") {
        CHECK(rig.passes(9s) == "");
        CHECK(rig.passes(1s) == "ended no_answer: no PINGRESP in time (section 3.1.2.10)");
    }
}

TEST_CASE("without keep alive an application that does not read waits for no time") {
    Options options = lasting();
    options.keep_alive_s = 0;
    Rig rig(options);
    rig.connects();
    rig.client.set_reading(false, rig.now);
    CHECK(rig.client.next_deadline() == never);
}

TEST_CASE("[MQTT-3.2.2-21] the server's keep alive counts, 0 among them") {
    PropertyBuilder properties;
    properties.number(PropertyId::server_keep_alive, 10);
    Rig rig;
    rig.connects(true, false, properties);
    CHECK(rig.client.next_deadline() == rig.now + 5s);
    properties.clear();
    properties.number(PropertyId::server_keep_alive, 0);
    rig.resumes(true, properties);
    CHECK(rig.client.next_deadline() == never);
}

TEST_CASE("no CONNACK in time ends the connection; AUTH is a sign of life") {
    Options options = lasting();
    options.authentication_method = "M";
    Rig rig(options);
    rig.client.connect(true, rig.now);
    rig.sent();
    CHECK(rig.passes(20s) == "");
    PropertyBuilder properties;
    properties.text(PropertyId::authentication_method, "M");
    rig.gets(wire::Auth{ReasonCode::continue_authentication, properties.view()});
    CHECK(rig.passes(29s) == "");
    CHECK(rig.passes(1s) == "ended no_answer: no CONNACK in time (section 3.2)");
    CHECK(rig.client.next_deadline() == never);
}

TEST_CASE("a ping of the application is answered by pong, each") {
    Rig rig;
    CHECK_FALSE(rig.client.ping(rig.now));
    rig.connects();
    CHECK(rig.client.ping(rig.now));
    CHECK(rig.client.ping(rig.now));
    CHECK(rig.sent() == "PINGREQ | PINGREQ");
    CHECK(rig.gets_bytes({0xD0, 0x00, 0xD0, 0x00, 0xD0, 0x00}) == "pong | pong");
}

TEST_CASE("a server that does not take the last packets does not keep the connection open") {
    Rig rig;
    rig.connects();
    rig.client.disconnect();
    CHECK_FALSE(rig.client.wants_close());
    CHECK(rig.passes(10s) == "");
    CHECK(rig.client.wants_close());
    CHECK(rig.client.next_deadline() == never);
}

TEST_CASE("an event that waits is due at once") {
    Rig rig;
    rig.publishes("a", "1", qos2);
    rig.client.connect(true, rig.now);
    PropertyBuilder properties;
    properties.number(PropertyId::maximum_qos, 0);
    wire::Connack connack;
    connack.properties = properties.view();
    const std::vector<Byte> bytes = encoded(connack, v5);
    Bytes input(bytes);
    CHECK(text_of_event(rig.client.on_bytes(input, rig.now)) == "connected");
    CHECK(rig.client.next_deadline() <= rig.now);
    CHECK(text_of_event(rig.client.on_time(rig.now)) == "done 1 qos_not_supported not_sent");
    CHECK(rig.client.next_deadline() == rig.now + 30s);
}

}  // namespace
}  // namespace ledge::client
