#include "ledge/lines/line_port.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <string>
#include <utility>

#include "../client/rig.hpp"

namespace ledge::lines {
namespace {

using client::ack;
using wire::PacketType;
using wire::ReasonCode;

Options port_options() {
    Options options;
    options.topic = "m";
    options.command_topic = "cmd";
    return options;
}

/// A port, its client, and the broker and the device that the test plays.
struct PortRig {
    explicit PortRig(Options options = port_options())
        : port(std::move(options), now), client(port.client_options("lines")) {}

    template <class Packet>
    void gets(const Packet& packet) {
        const std::vector<Byte> bytes = client::encoded(packet, wire::Version::v5);
        Bytes input(bytes);
        for (;;) {
            const client::Event event = client.on_bytes(input, now);
            port.on_event(event, client, now);
            if (client::is_nothing(event)) break;
        }
        port.pump(client);
    }
    void connects(bool session_present = false) {
        client.connect(false, now);
        sent();
        wire::Connack connack;
        connack.session_present = session_present;
        gets(connack);
    }
    /// The port is open and silent for a while, and the state is told.
    void opens() {
        port.opened(now);
        now += silence_before_line;
        port.pump(client);
    }
    void device(std::string_view bytes) {
        port.on_bytes(as_bytes(bytes), now);
        port.pump(client);
    }
    void commands(std::string_view payload, wire::PacketId id, std::optional<std::uint32_t> expiry_s = {},
                  std::string_view topic = "cmd") {
        wire::PropertyBuilder properties;
        if (expiry_s) properties.number(wire::PropertyId::message_expiry_interval, *expiry_s);
        wire::Publish packet;
        packet.topic = topic;
        packet.payload = as_bytes(payload);
        packet.qos = id == 0 ? wire::QoS::at_most_once : wire::QoS::at_least_once;
        packet.packet_id = id;
        packet.properties = properties.view();
        gets(packet);
    }
    /// What the tty takes, `most` bytes at once.
    std::string writes(std::size_t most = 1000) {
        std::string all;
        for (;;) {
            const Bytes output = port.output(client, now);
            if (output.empty()) return all;
            const Bytes part = output.first(std::min(most, output.size()));
            all += as_text(part);
            port.sent(part.size());
            if (port.has_sent()) port.drained(client);
        }
    }
    /// What the client has sent since the last call.
    std::string sent() {
        std::string all;
        while (!client.output().empty()) {
            const std::string output(as_text(client.output()));
            client.sent(output.size(), now);
            wire::Framer framer;
            Bytes rest = as_bytes(output);
            for (;;) {
                const auto next = framer.next(rest, wire::packet_size_max);
                if (next.status != wire::Framer::Status::frame) break;
                if (!all.empty()) all += " | ";
                all += client::text_of_frame(next.frame, wire::Version::v5);
            }
        }
        return all;
    }
    std::uint64_t lost(Loss loss) const { return port.counters().of(loss); }

    Instant now = Instant{} + 1h;
    LinePort port;
    client::Client client;
};

/// A rig that is connected, open, and has told its state.
PortRig& ready(PortRig& rig) {
    rig.connects();
    rig.opens();
    rig.sent();
    rig.gets(ack(PacketType::puback, 1));
    rig.gets(ack(PacketType::puback, 2));
    return rig;
}

TEST_CASE("lines become publications, in order, with the QoS of the options") {
    PortRig rig;
    ready(rig);
    rig.device("a\nb\r\nc");
    CHECK(rig.sent() == "PUBLISH m a q1#3 | PUBLISH m b q1#4");
    rig.device("d\n");
    CHECK(rig.sent() == "PUBLISH m cd q1#5");
    CHECK(rig.port.counters().lines_in == 3);
    CHECK(rig.port.counters().publications == 3);
}

TEST_CASE("QoS and RETAIN are those of the options") {
    Options options = port_options();
    options.qos = wire::QoS::at_most_once;
    options.retain = true;
    PortRig rig(options);
    ready(rig);
    rig.device("a\n");
    CHECK(rig.sent() == "PUBLISH m a retain");
}

TEST_CASE("the state is told when the broker connects, when the port opens, and when it is gone") {
    PortRig rig;
    const client::Options options = rig.port.client_options("lines");
    REQUIRE(options.will);
    CHECK(options.will->topic == "m/$state");
    CHECK(options.will->payload == "offline");
    CHECK(options.will->retain);
    rig.connects();
    CHECK(rig.sent() == "PUBLISH m/$state offline q1#1 retain");
    rig.opens();
    CHECK(rig.sent() == "PUBLISH m/$state online q1#2 retain");
    rig.port.closed();
    rig.port.pump(rig.client);
    CHECK(rig.sent() == "PUBLISH m/$state offline q1#3 retain");
    CHECK_FALSE(rig.port.wants_pump(rig.client));
}

TEST_CASE("a broker without retained messages gets no state, and is not asked again and again") {
    PortRig rig;
    rig.client.connect(false, rig.now);
    rig.sent();
    wire::PropertyBuilder properties;
    properties.number(wire::PropertyId::retain_available, 0);
    wire::Connack connack;
    connack.properties = properties.view();
    rig.gets(connack);
    CHECK(rig.sent().empty());
    CHECK(rig.lost(Loss::refused) == 1);
    CHECK_FALSE(rig.port.wants_pump(rig.client));
}

TEST_CASE("without a state topic nothing is told, and there is no will") {
    Options options = port_options();
    options.state_topic = no_state_topic;
    PortRig rig(options);
    CHECK_FALSE(rig.port.client_options("x").will);
    rig.connects();
    rig.opens();
    CHECK(rig.sent().empty());
    CHECK_FALSE(rig.port.wants_pump(rig.client));
}

TEST_CASE("bytes soon after the opening may begin in the middle of a line") {
    PortRig rig;
    rig.connects();
    rig.port.opened(rig.now);
    rig.now += silence_before_line - 1us;
    rig.device("1.5\n231.5\n");
    CHECK(rig.sent() ==
          "PUBLISH m/$state offline q1#1 retain | PUBLISH m/$state online q1#2 retain | "
          "PUBLISH m 231.5 q1#3");
    CHECK(rig.lost(Loss::stale) == 1);
    rig.port.closed();
    rig.opens();
    rig.device("232\n");
    // The port was back before anybody could be told that it had gone.
    CHECK(rig.sent() == "PUBLISH m/$state online q1#4 retain | PUBLISH m 232 q1#5");
}

TEST_CASE("lines wait for the broker; above lines_waiting_max the oldest gives way") {
    Options options = port_options();
    options.lines_waiting_max = 5;
    PortRig rig(options);
    rig.opens();
    for (std::size_t i = 0; i < inflight_max + 8; ++i) rig.device(std::to_string(i) + "\n");
    CHECK(rig.client.held_messages() == inflight_max);
    CHECK(rig.port.waiting() == 5);
    CHECK(rig.lost(Loss::waiting_full) == 3);
    rig.connects();
    const std::string first = rig.sent();
    CHECK(first.find("PUBLISH m 31 q1#32") != std::string::npos);
    CHECK(first.find("PUBLISH m 32 ") == std::string::npos);
    for (wire::PacketId id = 1; id <= 9; ++id) rig.gets(ack(PacketType::puback, id));
    // 32, 33 and 34 were dropped. One id more is the state's.
    CHECK(rig.sent() ==
          "PUBLISH m 35 q1#34 | PUBLISH m 36 q1#35 | PUBLISH m 37 q1#36 | PUBLISH m 38 q1#37 | "
          "PUBLISH m 39 q1#38");
    CHECK(rig.port.waiting() == 0);
}

TEST_CASE("the bytes of waiting lines are limited too") {
    Options options = port_options();
    options.lines_waiting_max = 1'000'000;
    options.line_bytes_max = 16'384;
    PortRig rig(options);
    rig.opens();
    const std::string line(16'000, 'x');
    for (int i = 0; i < 200; ++i) rig.device(line + "\n");
    CHECK(rig.port.waiting() < waiting_bytes_max / line.size() + 1);
    CHECK(rig.lost(Loss::waiting_full) > 50);
}

TEST_CASE("QoS 0 waits only for the connection") {
    Options options = port_options();
    options.qos = wire::QoS::at_most_once;
    options.state_topic = no_state_topic;
    PortRig rig(options);
    rig.opens();
    rig.device("a\n");
    CHECK_FALSE(rig.port.wants_pump(rig.client));
    CHECK(rig.port.waiting() == 1);
    rig.connects();
    CHECK(rig.sent() == "PUBLISH m a");
}

TEST_CASE("a publication that the broker refuses is counted") {
    PortRig rig;
    ready(rig);
    rig.device("a\n");
    rig.gets(ack(PacketType::puback, 3, ReasonCode::not_authorized));
    CHECK(rig.lost(Loss::refused) == 1);
}

TEST_CASE("lines above the rate are dropped, and the rate returns") {
    Options options = port_options();
    options.lines_per_second = 2;
    PortRig rig(options);
    ready(rig);
    rig.device("a\nb\nc\nd\n");
    CHECK(rig.sent() == "PUBLISH m a q1#3 | PUBLISH m b q1#4");
    CHECK(rig.lost(Loss::rate) == 2);
    rig.now += 500ms;
    rig.device("e\nf\n");
    CHECK(rig.sent() == "PUBLISH m e q1#5");
}

TEST_CASE("what becomes of lines is counted") {
    Options options = port_options();
    options.ignore_prefix = "#";
    options.json_members = Members::topics;
    options.line_bytes_max = 20;
    PortRig rig(options);
    ready(rig);
    rig.device("# boot\nhello\n{\"a\":1,\"+\":2}\n" + std::string(21, 'x') + "\n");
    CHECK(rig.sent() == "PUBLISH m/unparsed hello q1#3 | PUBLISH m/a 1 q1#4");
    CHECK(rig.port.counters().lines_in == 4);
    CHECK(rig.port.counters().lines_ignored == 1);
    CHECK(rig.port.counters().unparsed == 1);
    CHECK(rig.lost(Loss::bad_level) == 1);
    CHECK(rig.lost(Loss::too_long) == 1);
    options.unparsed = Unparsed::drop;
    PortRig other(options);
    ready(other).device("hello\n");
    CHECK(other.lost(Loss::unparsed) == 1);
    CHECK(other.sent().empty());
}

// ---------------------------------------------------------------------------------------------------------------------
// Commands

TEST_CASE("a command is written with the line end of the options, and acknowledged when the system has sent it") {
    for (const auto& [end, text] : {std::pair{LineEnd::lf, "on\n"}, {LineEnd::crlf, "on\r\n"}, {LineEnd::cr, "on\r"}}) {
        Options options = port_options();
        options.line_end = end;
        PortRig rig(options);
        ready(rig);
        rig.commands("on", 7);
        const Bytes output = rig.port.output(rig.client, rig.now);
        CHECK(as_text(output) == text);
        rig.port.sent(output.size() - 1);
        CHECK_FALSE(rig.port.has_sent());
        rig.port.sent(1);
        CHECK(rig.port.has_sent());
        CHECK(rig.port.output(rig.client, rig.now).empty());
        CHECK(rig.sent().empty());
        rig.port.drained(rig.client);
        CHECK(rig.sent() == "PUBACK 7");
        CHECK(rig.port.counters().commands == 1);
    }
}

TEST_CASE("commands keep their order, also byte by byte") {
    PortRig rig;
    ready(rig);
    rig.commands("on", 7);
    rig.commands("", 8);
    rig.commands("\xff", 9);
    CHECK(rig.writes(1) == "on\n\n\xff\n");
    CHECK(rig.sent() == "PUBACK 7 | PUBACK 8 | PUBACK 9");
}

TEST_CASE("nobody injects a second command: a payload with a line end is refused") {
    PortRig rig;
    ready(rig);
    wire::PacketId id = 0;
    for (const char* payload : {"on\nreset", "on\rreset", "on\n", "\r\n", "\non"}) rig.commands(payload, ++id);
    rig.commands("on\noff", 0);
    CHECK(rig.writes().empty());
    CHECK(rig.lost(Loss::line_end) == 6);
    CHECK(rig.sent().starts_with("PUBACK 1 payload_format_invalid | PUBACK 2 payload_format_invalid"));
}

TEST_CASE("a command longer than line_bytes_max is refused") {
    Options options = port_options();
    options.line_bytes_max = 16;
    PortRig rig(options);
    ready(rig);
    rig.commands(std::string(16, 'x'), 1);
    rig.commands(std::string(17, 'x'), 2);
    CHECK(rig.writes() == std::string(16, 'x') + "\n");
    CHECK(rig.lost(Loss::command_too_long) == 1);
}

TEST_CASE("commands wait for the port, and those of QoS 0 do not") {
    PortRig rig;
    rig.connects();
    rig.sent();
    rig.commands("on", 7);
    rig.commands("now", 0);
    CHECK(rig.writes().empty());
    CHECK(rig.sent().empty());
    CHECK(rig.lost(Loss::command_unsent) == 1);
    rig.opens();
    rig.sent();
    CHECK(rig.writes() == "on\n");
    CHECK(rig.sent() == "PUBACK 7");
    rig.commands("now", 0);
    CHECK(rig.writes() == "now\n");
}

TEST_CASE("commands of QoS 0 that the device does not read are limited") {
    PortRig rig;
    ready(rig);
    for (int i = 0; i < commands_max + 3; ++i) rig.commands("x", 0);
    CHECK(rig.port.waiting_commands() == commands_max);
    CHECK(rig.lost(Loss::command_unsent) == 3);
}

TEST_CASE("a command expires while it waits here; what was begun is written to its end") {
    PortRig rig;
    rig.connects();
    rig.sent();
    rig.commands("open", 7, 10);
    rig.commands("close", 8, 20);
    rig.now += 10s;
    rig.opens();
    rig.sent();
    const Bytes output = rig.port.output(rig.client, rig.now);
    CHECK(as_text(output) == "close\n");
    CHECK(rig.lost(Loss::command_expired) == 1);
    CHECK(rig.sent() == "PUBACK 7");
    rig.port.sent(2);
    rig.now += 1h;
    CHECK(rig.writes() == "ose\n");
    CHECK(rig.sent() == "PUBACK 8");
}

TEST_CASE("a command that was cut by the unplugging is written again as a whole") {
    PortRig rig;
    ready(rig);
    rig.commands("close", 7);
    rig.port.output(rig.client, rig.now);
    rig.port.sent(3);
    rig.port.closed();
    CHECK(rig.writes().empty());
    rig.opens();
    rig.sent();
    CHECK(rig.writes() == "close\n");
    CHECK(rig.sent() == "PUBACK 7");
}

TEST_CASE("a command that the system has, but has not sent, is written again after the unplugging") {
    PortRig rig;
    ready(rig);
    rig.commands("close", 7);
    rig.port.sent(rig.port.output(rig.client, rig.now).size());
    rig.port.closed();
    CHECK_FALSE(rig.port.has_sent());
    rig.opens();
    CHECK(rig.writes() == "close\n");
    CHECK(rig.port.counters().commands == 1);
}

TEST_CASE("after a lost connection the broker repeats commands, so those that wait here are forgotten") {
    PortRig rig;
    ready(rig);
    rig.commands("first", 7);
    rig.commands("second", 8);
    rig.port.output(rig.client, rig.now);
    rig.port.sent(2);
    rig.client.closed();
    rig.connects(true);
    CHECK(rig.port.waiting_commands() == 1);
    rig.sent();
    rig.commands("first", 7);
    rig.commands("second", 8);
    // The first one was begun: it is ended, and comes twice, as QoS 1 allows.
    CHECK(rig.writes() == "rst\nfirst\nsecond\n");
    CHECK(rig.sent() == "PUBACK 7 | PUBACK 8");
}

TEST_CASE("a message on another topic is of an earlier configuration, and is no command") {
    PortRig rig;
    ready(rig);
    rig.commands("on", 7, {}, "old");
    CHECK(rig.writes().empty());
    CHECK(rig.sent() == "PUBACK 7");
}

TEST_CASE("every loss has a word") {
    for (std::size_t i = 0; i < loss_count; ++i) {
        const auto loss = static_cast<Loss>(i);
        CHECK_FALSE(name_of(loss).empty());
        for (std::size_t k = 0; k < i; ++k) CHECK(name_of(static_cast<Loss>(k)) != name_of(loss));
    }
    CHECK_FALSE(is_of_command(Loss::refused));
    CHECK(is_of_command(Loss::line_end));
}

}  // namespace
}  // namespace ledge::lines
