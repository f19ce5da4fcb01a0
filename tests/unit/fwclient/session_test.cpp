// What the client sends, byte by byte, and what it answers: one case per promise of fwb.h.
#include "device.hpp"

using fwclient::become_ready;
using fwclient::by_number;
using fwclient::connect;
using fwclient::Device;
using fwclient::Events;

TEST_CASE("connect: registers and subscribes the whole table, each step after the answer to the one before") {
    Device device({FWB_PUB("t"), FWB_PUB_ID(7), FWB_SUB("c/#", 2), FWB_SUB_ID(9, 1), FWB_SUB_SHORT('a', 'b', 0),
                   FWB_UNSUB("old")});
    device.config.flags = FWB_CLEAN;
    device.open();
    CHECK(device.sent() == "0a 04 04 01 00 1e 64 65 76 31");
    device.input("03 05 00");
    CHECK(device.sent() == "07 0a 00 00 00 03 74");
    device.input("07 0b 00 05 00 03 00");
    CHECK(device.sent() == "08 12 40 00 05 63 2f 23");
    device.input("08 13 40 00 00 00 05 00");
    CHECK(device.sent() == "07 12 21 00 07 00 09");
    device.input("08 13 20 00 09 00 07 00");
    CHECK(device.sent() == "07 12 02 00 09 61 62");
    device.input("08 13 00 00 00 00 09 00");
    CHECK(device.sent() == "08 14 00 00 0b 6f 6c 64");
    CHECK(device.take_events().empty());
    device.input("04 15 00 0b");
    CHECK(device.take_events() == Events{{FWB_READY, 0}});
    CHECK(device.sent().empty());
    CHECK(device.publish(0, FWB_QOS0, "x") == FWB_OK);
    CHECK(device.publish(1, FWB_QOS0 | FWB_RETAIN, "y") == FWB_OK);
    CHECK(device.sent() == "08 0c 00 00 05 00 00 78 | 08 0c 11 00 07 00 00 79");
}

TEST_CASE("connect: the will is given when the gateway asks for it, also twice and in any order") {
    const std::uint8_t message[] = {'g', 'o', 'n', 'e'};
    const fwb_will will = {"w", message, 4, FWB_QOS1 | FWB_RETAIN};
    Device device({});
    device.config.will = &will;
    device.start(1);
    device.open();
    CHECK(device.sent() == "0a 04 08 01 00 1e 64 65 76 31");
    device.input("02 08");
    device.input("02 06");
    device.input("02 06");
    CHECK(device.sent() == "06 09 67 6f 6e 65 | 04 07 30 77 | 04 07 30 77");
    device.input("03 05 00");
    CHECK(device.take_events() == Events{{FWB_READY, 0}});
    device.input("02 06");
    CHECK(device.sent().empty());  // not asked for any more
}

TEST_CASE("will: a new one and none are told to the gateway in the connection") {
    const std::uint8_t message[] = {'x'};
    const fwb_will will = {"w", message, 1, FWB_QOS0};
    Device device({});
    connect(device);
    CHECK(fwb_set_will(&device.client, &will, device.now) == FWB_OK);
    device.pass(0);
    CHECK(device.sent() == "04 1a 00 77");
    device.input("03 1b 00");
    CHECK(device.sent() == "03 1c 78");
    device.pass(1300);
    CHECK(device.sent() == "03 1c 78");
    device.input("03 1d 00");
    CHECK(fwb_set_will(&device.client, nullptr, device.now) == FWB_OK);
    device.pass(0);
    CHECK(device.sent() == "02 1a");
    device.input("03 1b 03");
    CHECK(device.take_events() == Events{{FWB_REJECTED, 0}});  // 0 topics, so 0 is the will
    CHECK(device.publish(0, FWB_QOS1, "") == FWB_EINVALID);
}

TEST_CASE("publish: QoS 1 is repeated with DUP until PUBACK, and one at a time is under way") {
    Device device({FWB_PUB_ID(1)});
    connect(device);
    CHECK(device.publish(0, FWB_QOS1, "a") == FWB_OK);
    CHECK(device.sent() == "08 0c 21 00 01 00 03 61");
    CHECK(device.publish(0, FWB_QOS1, "b") == FWB_EBUSY);
    device.pass(999);
    CHECK(device.sent().empty());
    device.pass(251);
    CHECK(device.sent() == "08 0c a1 00 01 00 03 61");
    device.input("07 0d 00 01 00 05 00");  // of another message
    device.input("04 0f 00 03");           // PUBREC is not the answer to QoS 1
    CHECK(device.take_events().empty());
    device.input("07 0d 00 01 00 03 00");
    CHECK(device.take_events() == Events{{FWB_DELIVERED, 0}});
    device.input("07 0d 00 01 00 03 00");
    CHECK(device.take_events().empty());
    CHECK(device.publish(0, FWB_QOS1, "b") == FWB_OK);
    CHECK(device.sent() == "08 0c 21 00 01 00 05 62");
}

TEST_CASE("publish: QoS 2 goes PUBLISH, PUBREL, PUBCOMP, and each is repeated") {
    Device device({FWB_PUB_ID(1)});
    connect(device);
    CHECK(device.publish(0, FWB_QOS2, "a") == FWB_OK);
    device.pass(1250);
    CHECK(device.sent() == "08 0c 41 00 01 00 03 61 | 08 0c c1 00 01 00 03 61");
    device.input("04 0e 00 03");           // PUBCOMP too early
    device.input("07 0d 00 01 00 03 00");  // PUBACK without an error is not the answer to QoS 2
    device.input("04 0f 00 03");
    device.input("04 0f 00 03");
    CHECK(device.sent() == "04 10 00 03");
    device.pass(1250);
    CHECK(device.sent() == "04 10 00 03");
    CHECK(device.take_events().empty());
    device.input("04 0e 00 03");
    CHECK(device.take_events() == Events{{FWB_DELIVERED, 0}});
}

TEST_CASE("publish: arguments that cannot work are refused and change nothing") {
    Device device({FWB_PUB_ID(1)});
    connect(device);
    CHECK(device.publish(1, FWB_QOS0, "a") == FWB_EINVALID);
    CHECK(device.publish(0, FWB_QOS_MINUS_1, "a") == FWB_EINVALID);
    CHECK(device.publish(0, FWB_QOS0, std::string(FWB_PAYLOAD_MAX + 1, 'a')) == FWB_ESIZE);
    CHECK(device.sent().empty());
    CHECK(device.publish(0, FWB_QOS0, std::string(FWB_PAYLOAD_MAX, 'a')) == FWB_OK);
    CHECK(device.sent_packets.at(0).size() == FWB_PACKET_MAX);
}

TEST_CASE("publish: a message given before the connection is sent when the connection is ready") {
    Device device({FWB_PUB_ID(1)});
    CHECK(device.publish(0, FWB_QOS0, "a") == FWB_OK);
    CHECK(device.publish(0, FWB_QOS0, "b") == FWB_EBUSY);
    device.open();
    device.sent();
    device.input("03 05 00");
    CHECK(device.sent() == "08 0c 01 00 01 00 00 61");
    CHECK(device.publish(0, FWB_QOS0, "b") == FWB_OK);
}

TEST_CASE(
    "publish: a topic that the gateway does not know any more is registered once more, then the message goes on") {
    Device device({FWB_PUB("t")});
    connect(device);
    device.input("07 0b 00 05 00 03 00");
    device.publish(0, FWB_QOS1, "a");
    CHECK(device.sent() == "08 0c 20 00 05 00 05 61");
    device.input("07 0d 00 05 00 05 02");
    CHECK(device.sent() == "07 0a 00 00 00 07 74");
    device.input("07 0b 00 06 00 07 00");
    CHECK(device.sent() == "08 0c a0 00 06 00 05 61");
    device.take_events();
    device.input("07 0d 00 06 00 05 02");  // again: the gateway means it
    CHECK(device.take_events() == Events{{FWB_REJECTED, 0}});
    device.publish(0, FWB_QOS0, "b");
    device.sent();
    device.input("07 0d 00 06 00 00 02");  // the same answer to QoS 0: the message is lost, the topic is not
    CHECK(device.sent() == "07 0a 00 00 00 09 74");
}

TEST_CASE("publish: a refused topic is told, and its messages do not block the others") {
    Device device({FWB_PUB("t"), FWB_PUB_ID(1)});
    connect(device);
    device.input("07 0b 00 00 00 03 03");
    CHECK(device.take_events() == Events{{FWB_READY, 0}, {FWB_REJECTED, 0}});
    CHECK(device.publish(0, FWB_QOS1, "a") == FWB_ESTATE);
    CHECK(device.take_events().empty());
    CHECK(device.publish(1, FWB_QOS1, "b") == FWB_OK);
    CHECK(device.sent() == "08 0c 21 00 01 00 05 62");
}

TEST_CASE("congestion: the request is repeated later, and the connection stays") {
    Device device({FWB_PUB("t")});
    device.open();
    device.sent();
    device.input("03 05 01");
    device.pass(7999);
    CHECK(device.sent().empty());
    device.pass_until_sent(2001);
    CHECK(device.sent() == "0a 04 00 01 00 1e 64 65 76 31");
    device.input("03 05 00");
    for (int round = 0; round < 3; ++round) {
        CHECK(device.sent() == "07 0a 00 00 00 03 74");
        device.input("07 0b 00 00 00 03 01");
        device.pass(7999);
        CHECK(device.sent().empty());
        device.pass_until_sent(2001);
    }
    CHECK(device.sent() == "07 0a 00 00 00 03 74");
    device.input("07 0b 00 05 00 03 00");
    CHECK(device.take_events() == Events{{FWB_READY, 0}});
}

TEST_CASE("congestion: a topic for which there is never room is told, and the others work") {
    Device device({FWB_PUB("t"), FWB_PUB("u")});
    connect(device);
    for (int round = 0; round < 3; ++round) {
        device.input("07 0b 00 00 00 03 01");
        device.pass_until_sent(10'001);
        CHECK(device.sent() == "07 0a 00 00 00 03 74");
    }
    CHECK(device.take_events().empty());
    device.input("07 0b 00 00 00 03 01");  // after the last repetition
    CHECK(device.take_events() == Events{{FWB_REJECTED, 0}});
    CHECK(device.sent() == "07 0a 00 00 00 05 75");
    device.input("07 0b 00 05 00 05 00");
    CHECK(device.take_events() == Events{{FWB_READY, 0}});
    CHECK(device.publish(1, FWB_QOS0, "x") == FWB_OK);
}

TEST_CASE("messages: QoS 0, 1 and 2 are answered, and a repeated QoS 2 message is delivered once") {
    Device device(by_number);
    become_ready(device);
    device.input("08 0c 01 00 02 00 00 61");
    CHECK(device.sent().empty());
    device.input("08 0c 21 00 02 00 09 62");
    CHECK(device.sent() == "07 0d 00 02 00 09 00");
    device.input("08 0c 41 00 02 00 0a 63");
    device.input("08 0c c1 00 02 00 0a 63");
    CHECK(device.sent() == "04 0f 00 0a | 04 0f 00 0a");
    device.input("04 10 00 0a");
    device.input("04 10 00 0a");
    CHECK(device.sent() == "04 0e 00 0a | 04 0e 00 0a");
    device.input("08 0c 41 00 02 00 0a 64");
    REQUIRE(device.messages.size() == 4);
    CHECK(device.messages[0] == fwclient::Received{"a", 1, 0x01, 2});
    CHECK(device.messages[1] == fwclient::Received{"b", 1, 0x21, 2});
    CHECK(device.messages[2] == fwclient::Received{"c", 1, 0x41, 2});
    CHECK(device.messages[3] == fwclient::Received{"d", 1, 0x41, 2});
}

TEST_CASE(
    "messages: what the firmware does not know is answered with 'invalid topic', so that it is registered again") {
    Device device({FWB_SUB("c/#", 1)});
    connect(device);
    device.input("08 13 20 00 00 00 03 00");
    device.sent();
    device.code = FWB_INVALID_TOPIC;
    device.input("08 0c 20 00 05 00 01 61");
    CHECK(device.sent() == "07 0d 00 05 00 01 02");
    device.code = FWB_ACCEPTED;
    device.input("09 0a 00 05 00 02 'c/x'");
    CHECK(device.sent() == "07 0b 00 05 00 02 00");
    CHECK(device.names.at(0) == std::pair<std::uint16_t, std::string>{5, "c/x"});
    device.input("08 0c a0 00 05 00 01 61");
    CHECK(device.sent() == "07 0d 00 05 00 01 00");
    CHECK(device.messages.back() == fwclient::Received{"a", FWB_NO_TOPIC, 0xa0, 5});
    device.config.message = nullptr;
    device.input("08 0c 20 00 05 00 03 61");
    CHECK(device.sent() == "07 0d 00 05 00 03 02");
    device.input("09 0a 00 00 00 04 'c/y'");  // 0 is no number
    CHECK(device.sent() == "07 0b 00 00 00 04 02");
}

TEST_CASE("messages: a REGISTER for a topic of the table gives its number, and takes it from a topic that had it") {
    Device device({FWB_SUB("a", 1), FWB_SUB("b", 1)});
    device.open();
    device.input("03 05 00");
    device.sent();
    device.input("07 0a 00 05 00 01 'a'");  // a message waits, and its REGISTER comes before SUBACK
    CHECK(device.sent() == "07 0b 00 05 00 01 00");
    device.input("08 0c 20 00 05 00 02 78");
    CHECK(device.messages.back().topic == 0);
    device.input("08 13 20 00 05 00 03 00");
    device.input("08 13 20 00 06 00 05 00");
    device.input("07 0a 00 05 00 03 'b'");
    device.input("08 0c 20 00 05 00 04 78");
    CHECK(device.messages.back().topic == 1);
    CHECK(device.names.empty());
}

TEST_CASE("messages: the firmware may publish from the callback") {
    Device device(by_number);
    become_ready(device);
    device.when_received = [&](const fwclient::Received& m) { device.publish(0, FWB_QOS1, "re:" + m.data); };
    device.input("08 0c 21 00 02 00 09 61");
    CHECK(device.sent() == "0b 0c 21 00 01 00 05 72 65 3a 61 | 07 0d 00 02 00 09 00");
}

TEST_CASE("keep alive: a ping after 7/8 of the time, repeated, then the connection is lost and made again") {
    Device device({});
    connect(device);
    device.pass(26'249);
    CHECK(device.sent().empty());
    device.pass(1);
    CHECK(device.sent() == "02 16");
    device.input("02 17");
    device.pass(26'250);
    device.pass(3 * 1250);
    CHECK(device.sent() == "02 16 | 02 16 | 02 16 | 02 16");
    CHECK(device.take_events().empty());
    device.pass(1250);
    CHECK(device.take_events() == Events{{FWB_LOST, 0}});
    CHECK(device.sent() == "0a 04 00 01 00 1e 64 65 76 31");
}

TEST_CASE("keep alive: messages of QoS 0 do not hide that the gateway is gone") {
    Device device({FWB_PUB_ID(1)});
    connect(device);
    for (int second = 0; second < 40; ++second) {
        device.publish(0, FWB_QOS0, "a");
        device.pass(1000);
    }
    CHECK(device.take_events() == Events{{FWB_LOST, 0}});
}

TEST_CASE("lost: a gateway that has restarted is connected again at once, and the message in flight is sent again") {
    Device device({FWB_PUB("t")});
    connect(device);
    device.input("07 0b 00 05 00 03 00");
    device.pass(20'000);
    device.take_events();
    device.publish(0, FWB_QOS1, "a");
    device.sent();
    device.input("02 18");
    CHECK(device.take_events() == Events{{FWB_LOST, 0}});
    CHECK(device.sent() == "0a 04 00 01 00 1e 64 65 76 31");
    device.input("02 18");  // the answer to an earlier packet
    CHECK(device.sent().empty());
    device.input("03 05 00");
    CHECK(device.sent() == "07 0a 00 00 00 07 74");
    device.input("07 0b 00 09 00 07 00");
    CHECK(device.sent() == "08 0c a0 00 09 00 05 61");
    CHECK(device.take_events() == Events{{FWB_READY, 0}});
}

TEST_CASE("lost: a QoS 2 message goes on with PUBREL after the reconnect") {
    Device device({FWB_PUB_ID(1)});
    connect(device);
    device.publish(0, FWB_QOS2, "a");
    device.input("04 0f 00 03");
    device.pass(20'000);
    device.sent();
    device.input("03 05 00");
    CHECK(device.sent() == "04 10 00 03");
}

TEST_CASE("lost: two devices with one client id do not throw each other out without a pause") {
    Device device({});
    connect(device);
    std::size_t connects = 0;
    for (int ms = 0; ms < 60'000; ++ms) {
        device.pass(1);
        if (device.sent_packets.empty()) continue;
        connects += device.sent_packets.size();
        device.sent_packets.clear();
        device.input("03 05 00");
        device.input("02 18");
    }
    CHECK(connects < 15);
}

TEST_CASE("connect: CONNECT is repeated for ever, with growing pauses and with jitter") {
    Device device({});
    device.open();
    std::vector<std::uint32_t> pauses;
    while (pauses.size() < 40) {
        const std::uint32_t pause = fwb_poll(&device.client, device.now);
        device.pass(pause);
        pauses.push_back(pause);
    }
    CHECK(pauses[0] >= 1000);
    CHECK(pauses[0] < 1250);
    CHECK(pauses[1] >= 2000);
    for (std::size_t i = 3; i < pauses.size(); ++i) {
        CHECK(pauses[i] >= 8000);
        CHECK(pauses[i] < 10'000);
    }
    CHECK(pauses[10] != pauses[11]);
    Device other({}, 2);
    other.open();
    CHECK(fwb_poll(&other.client, other.now) != pauses[0]);
}

TEST_CASE("advertise: a device that waits to connect again, or thinks it is connected, finds out soon") {
    Device device({});
    device.open();
    device.pass(60'000);
    device.sent();
    device.input("05 00 01 00 3c");
    device.pass(250);
    CHECK(device.sent() == "0a 04 00 01 00 1e 64 65 76 31");
    device.input("03 05 00");
    device.input("05 00 01 00 3c");
    device.pass(250);
    CHECK(device.sent() == "02 16");
}

TEST_CASE("search: SEARCHGW until a gateway answers, and again when that one does not") {
    Device device({});
    device.config.flags = FWB_SEARCH;
    device.open();
    CHECK(device.sent().empty());  // a random pause of up to 5 s comes first
    device.pass_until_sent(5000);
    CHECK(device.sent() == "03 01 00");
    device.input("02 18");
    device.input("03 05 00");
    CHECK(device.sent().empty());
    device.input("03 02 07");
    CHECK(device.take_events() == Events{{FWB_GATEWAY, 7}});
    CHECK(device.sent() == "0a 04 00 01 00 1e 64 65 76 31");
    device.pass(120'000);
    const std::string sent = device.sent();
    CHECK(sent.find("03 01 00") != std::string::npos);
    device.input("05 00 09 00 3c");
    CHECK(device.take_events() == Events{{FWB_GATEWAY, 9}});
    CHECK(device.sent() == "0a 04 00 01 00 1e 64 65 76 31");
}

TEST_CASE("close: DISCONNECT is repeated, and the end is told even when nobody answers") {
    Device device({FWB_PUB_ID(1)});
    connect(device);
    fwb_close(&device.client, device.now);
    device.pass(0);
    CHECK(device.sent() == "02 18");
    device.input("02 18");
    CHECK(device.take_events() == Events{{FWB_CLOSED, 0}});
    device.pass(1'000'000);
    device.input("08 0c 01 00 02 00 00 61");
    CHECK(device.sent().empty());
    connect(device);
    fwb_close(&device.client, device.now);
    device.pass(5 * 1250);
    CHECK(device.take_events() == Events{{FWB_CLOSED, 0}});
    CHECK(device.sent() == "02 18 | 02 18 | 02 18 | 02 18");
    device.open();
    fwb_close(&device.client, device.now);
    CHECK(device.take_events() == Events{{FWB_CLOSED, 0}});
}

TEST_CASE("ping: a PINGREQ of the gateway is answered") {
    Device device({});
    connect(device);
    device.input("02 16");
    CHECK(device.sent() == "02 17");
}

TEST_CASE("publish: a refused topic is told for QoS 0 too, and nothing is sent under the number 0") {
    Device device({FWB_PUB("t")});
    CHECK(device.publish(0, FWB_QOS0, "a") == FWB_OK);
    connect(device);
    device.input("07 0b 00 00 00 03 03");
    CHECK(device.take_events() == Events{{FWB_READY, 0}, {FWB_REJECTED, 0}, {FWB_REJECTED, 0}});
    CHECK(device.publish(0, FWB_QOS0, "a") == FWB_ESTATE);
    CHECK(device.take_events().empty());
    CHECK(device.sent().empty());
}

TEST_CASE("publish: firmware that publishes again whenever a message is refused comes to an end") {
    Device device({FWB_PUB("t")});
    int calls = 0;
    int result = FWB_OK;
    device.when_told = [&](fwclient::Event event) {
        if (event.first == FWB_REJECTED && ++calls < 100) result = device.publish(0, FWB_QOS1, "a");
    };
    CHECK(device.publish(0, FWB_QOS1, "a") == FWB_OK);
    connect(device);
    device.input("07 0b 00 00 00 03 03");
    CHECK(calls == 2);
    CHECK(result == FWB_ESTATE);
}

TEST_CASE("publish: a topic of FWB_UNSUB is none to publish to") {
    Device device({FWB_UNSUB("old")});
    connect(device);
    CHECK(device.publish(0, FWB_QOS0, "a") == FWB_EINVALID);
    device.input("04 15 00 03");
    CHECK(device.publish(0, FWB_QOS0, "a") == FWB_EINVALID);
    CHECK(device.sent().empty());
}

TEST_CASE("publish: a device that only sends QoS 0 registers again whenever the gateway has forgotten, ping by ping") {
    Device device({FWB_PUB("t")});
    connect(device);
    device.input("07 0b 00 05 00 03 00");
    for (int round = 0; round < 3; ++round) {
        device.sent();
        device.publish(0, FWB_QOS0, "a");
        device.input("07 0d 00 05 00 00 02");
        const fwclient::Packet last = device.sent_packets.back();
        REQUIRE(last.at(1) == 0x0a);
        device.input(fwclient::Packet{7, 0x0b, 0, 5, last.at(4), last.at(5), 0});
        device.sent();
        device.input("07 0d 00 05 00 00 02");  // again at once: not before the gateway has answered a ping
        CHECK(device.sent().empty());
        device.pass(26'250);
        CHECK(device.sent() == "02 16");
        device.input("02 17");
    }
}

TEST_CASE("messages: after a connect with CleanSession, an old message id means a new QoS 2 message") {
    for (const bool is_clean : {false, true}) {
        Device device({FWB_SUB_ID(2, 2)});
        device.config.flags = is_clean ? FWB_CLEAN : 0;
        connect(device);
        device.input("08 13 40 00 02 00 03 00");
        device.input("08 0c 41 00 02 00 09 61");
        device.pass(20'000);
        device.input("02 18");
        device.input("03 05 00");
        device.input("08 0c 41 00 02 00 09 62");
        CHECK(device.messages.size() == (is_clean ? 2 : 1));
    }
}
