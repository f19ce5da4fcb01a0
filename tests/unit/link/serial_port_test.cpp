// A serial port as bytes: its settings, and what cannot be opened.
#include "ledge/link/serial_port.hpp"

#include <fcntl.h>
#include <termios.h>
#include <unistd.h>

#include <array>

#include "rig.hpp"

namespace ledge::link {
namespace {

TEST_CASE("the line is raw, 8N1, without HUPCL, at the speed of the configuration") {
    Rig rig;
    Line line(rig);
    SerialPort port(*rig.poller, {line.path(), 57600, false});
    REQUIRE(!port.open());
    termios settings{};
    REQUIRE(::tcgetattr(line.master(), &settings) == 0);
    CHECK(::cfgetispeed(&settings) == B57600);
    CHECK((settings.c_cflag & CSIZE) == CS8);
    CHECK((settings.c_cflag & (HUPCL | PARENB | CSTOPB | CRTSCTS)) == 0);
    CHECK((settings.c_cflag & CLOCAL) != 0);
    CHECK((settings.c_lflag & (ICANON | ECHO | ISIG)) == 0);
    CHECK((settings.c_iflag & (IXON | ICRNL)) == 0);
    CHECK((settings.c_oflag & OPOST) == 0);
}

TEST_CASE("bytes pass unchanged in both directions") {
    Rig rig;
    Line line(rig);
    SerialPort port(*rig.poller, {line.path(), 115200, false});
    REQUIRE(!port.open());
    std::string all;
    for (int i = 0; i < 256; ++i) all += static_cast<char>(i);
    CHECK(port.write(as_bytes(all)) == 256);
    std::string there;
    for (int i = 0; i < 1000 && there.size() < all.size(); ++i) {
        char buffer[512];
        const ssize_t count = ::read(line.master(), buffer, sizeof buffer);
        if (count > 0) there.append(buffer, static_cast<std::size_t>(count));
        rig.poller->poll(1);
    }
    CHECK(there == all);
    line.sends_bytes(all);
    std::string here;
    for (int i = 0; i < 1000 && here.size() < all.size(); ++i) {
        rig.poller->poll(1);
        std::array<Byte, 512> buffer{};
        if (port.may_read()) here += as_text(Bytes(buffer).first(port.read(buffer)));
    }
    CHECK(here == all);
}

TEST_CASE("bytes that nobody wants to read now wake nobody") {
    Rig rig;
    Line line(rig);
    SerialPort port(*rig.poller, {line.path(), 115200, false});
    REQUIRE(!port.open());
    port.set_reading(false);
    line.sends_bytes("later");
    CHECK(rig.poller->poll(0) == 0);
    CHECK(!port.may_read());
    port.set_reading(true);
    CHECK(rig.poller->poll(100) == 1);
    CHECK(port.may_read());
    // A port that is gone is noticed all the same.
    port.set_reading(false);
    line.unplugs();
    CHECK(rig.poller->poll(100) == 1);
}

TEST_CASE("a second program is kept out") {
    Rig rig;
    Line line(rig);
    SerialPort port(*rig.poller, {line.path(), 115200, false});
    SerialPort other(*rig.poller, {line.path(), 115200, false});
    REQUIRE(!port.open());
    const auto problem = other.open();
    REQUIRE(problem);
    CHECK(problem->code == std::errc::device_or_resource_busy);
    port.close();
    CHECK(!other.open());
}

TEST_CASE("what is no serial line is refused in words") {
    Rig rig;
    SerialPort file(*rig.poller, {"/dev/null", 115200, false});
    const auto problem = file.open();
    REQUIRE(problem);
    CHECK(text_of(*problem).find("/dev/null is not a serial line (a tty)") == 0);
    SerialPort missing(*rig.poller, {"/dev/no-such-line", 115200, false});
    CHECK(missing.open()->code == std::errc::no_such_file_or_directory);
}

TEST_CASE("an unplugged device is noticed by reading and by writing") {
    Rig rig;
    Line line(rig);
    SerialPort port(*rig.poller, {line.path(), 115200, false});
    REQUIRE(!port.open());
    line.unplugs();
    rig.poller->poll(1000);
    REQUIRE(port.may_read());
    std::array<Byte, 16> buffer{};
    CHECK(port.read(buffer) == 0);
    CHECK(port.is_lost());
    port.close();
    line.plugs();
    REQUIRE(!port.open());
    CHECK(!port.is_lost());
    line.unplugs();
    CHECK(port.write(as_bytes("x")) == 0);
    CHECK(port.is_lost());
}

}  // namespace
}  // namespace ledge::link
