// Serial lines: frames, damage, cables that come and go.
#include <filesystem>

#include "rig.hpp"

namespace ledge::link {
namespace {

using mqttsn::QoS;

const std::string advertise = hex_of(mqttsn::Advertise{1, 0xFFFF});

/// Starts the broker with one line, on which it advertises itself.
void starts_with(Rig& rig, Line& line) {
    rig.links = {serial_listener(line.path())};
    rig.starts();
    REQUIRE(line.gets() == advertise);
}

void connects(Line& line, std::string_view client_id) {
    line.sends(connect_as(client_id, false));
    REQUIRE(line.gets() == accepted);
}

TEST_CASE("a device at a line connects and publishes; the line is its address") {
    Rig rig;
    Line line(rig);
    starts_with(rig, line);
    connects(line, "meter");
    line.sends(publish_short("ab", "21.5", QoS::at_least_once, 3));
    CHECK(line.gets() == hex_of(mqttsn::Puback{mqttsn::short_id_of("ab"), 3, mqttsn::ReturnCode::accepted}));
    CHECK(rig.has_logged("client_connected client_id=meter user=\"\" address=" + line.path()));
    CHECK(rig.figures().link.frames == 2);
}

TEST_CASE("bytes before the first end of a frame are what remains of an earlier one") {
    Rig rig;
    Line line(rig);
    starts_with(rig, line);
    line.sends_bytes("half of a frame");
    line.sends_bytes(std::string_view("\0", 1));
    connects(line, "meter");
    CHECK(rig.figures().link.bad_crc == 0);
    CHECK(rig.figures().link.frames == 1);
}

TEST_CASE("damaged and too long frames are counted and dropped, and the next one is read") {
    Rig rig;
    Line line(rig);
    starts_with(rig, line);
    line.sends_bytes(std::string_view("\0\x05xxxx\0", 7));
    line.sends_bytes(std::string(300, 'x'));
    line.sends_bytes(std::string_view("\0", 1));
    connects(line, "meter");
    CHECK(rig.figures().link.bad_crc == 1);
    CHECK(rig.figures().link.too_long == 1);
}

TEST_CASE("an unplugged line comes back under its name, and the session of its device has stayed") {
    Rig rig;
    Line line(rig);
    starts_with(rig, line);
    connects(line, "meter");
    line.unplugs();
    REQUIRE(rig.until([&] { return !rig.figures().is_up; }));
    CHECK(rig.has_logged("warning mqttsn_link_closed listener=line"));
    CHECK(rig.figures().connected == 1);
    CHECK(!rig.gateways->wants_turn());
    line.plugs();
    rig.passes(10s);
    CHECK(rig.figures().is_up);
    CHECK(rig.figures().link.opened == 2);
    CHECK(line.gets() == advertise);
    line.sends(publish_short("ab", "x", QoS::at_least_once, 9));
    CHECK(line.gets() == hex_of(mqttsn::Puback{mqttsn::short_id_of("ab"), 9, mqttsn::ReturnCode::accepted}));
}

TEST_CASE("a line that is not there is no error of the start, is told once and tried for ever") {
    Rig rig;
    Line line(rig);
    line.unplugs();
    rig.links = {serial_listener(line.path())};
    rig.starts();
    CHECK(!rig.gateways->start_problem());
    CHECK(!rig.figures().is_up);
    // 1, 2, 4, 8 and then 10 s lie between two attempts.
    rig.passes(10min);
    CHECK(rig.lines.size() == 1);
    line.plugs();
    rig.passes(10s);
    CHECK(rig.figures().is_up);
}

TEST_CASE("packets for a line that is away are dropped and keep nobody awake") {
    Rig rig;
    Line line(rig);
    starts_with(rig, line);
    connects(line, "meter");
    line.unplugs();
    REQUIRE(rig.until([&] { return !rig.figures().is_up; }));
    rig.passes(5min);  // the device is lost, the gateway has told it so
    CHECK(rig.figures().connected == 0);
    CHECK(!rig.gateways->wants_turn());
}

TEST_CASE("a stop tells the device, and is complete when the line has taken that") {
    Rig rig;
    Line line(rig);
    starts_with(rig, line);
    connects(line, "meter");
    rig.gateways->stop(rig.clock.now());
    CHECK(rig.until([&] { return rig.gateways->is_stopped(); }));
    CHECK(line.gets() == hex_of(mqttsn::Disconnect{}));
}

}  // namespace
}  // namespace ledge::link
