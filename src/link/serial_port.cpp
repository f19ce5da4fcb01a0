// The tty of a serial listener: opening and setting it, reading, writing, and noticing that it is gone.
#include "ledge/link/serial_port.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "ledge/base/assert.hpp"
#include "ledge/os/baud.hpp"

namespace ledge::link {

namespace {

/// Raw bytes, 8N1. False: the system refuses; errno says why.
bool set_raw(int port, const SerialLine& line) {
    termios settings{};
    if (::tcgetattr(port, &settings) != 0) return false;
    ::cfmakeraw(&settings);
    // cfmakeraw() leaves these as another program has set them.
    settings.c_cflag |= CLOCAL | CREAD | CS8;
    settings.c_cflag &= ~static_cast<tcflag_t>(HUPCL | CSTOPB | PARENB | CRTSCTS);
    if (line.has_rtscts) settings.c_cflag |= CRTSCTS;
    // With VMIN = 0 a read without bytes would return 0, as if the port were unplugged.
    settings.c_cc[VMIN] = 1;
    settings.c_cc[VTIME] = 0;
    if (::cfsetspeed(&settings, os::speed_of_baud(line.baud)) != 0) return false;
    return ::tcsetattr(port, TCSANOW, &settings) == 0;
}

/// The flag of TIOCEXCL outlives the descriptor while another program has the port open, and would keep everybody out.
void unlock(int port) { ::ioctl(port, TIOCNXCL); }

}  // namespace

SerialPort::SerialPort(net::Poller& poller, SerialLine line) : poller_(poller), line_(std::move(line)) {
    LEDGE_ASSERT(os::is_baud(line_.baud));
}

SerialPort::~SerialPort() { close(); }

std::optional<Error> SerialPort::open() {
    LEDGE_ASSERT(!is_open());
    const auto refused = [&](int error) { return Error{system_code(error), "cannot open {}", line_.path}; };
    // O_NONBLOCK: without it, open(2) waits for the modem line DCD. O_NOCTTY: Ctrl-C of the line must not end us.
    os::Descriptor port(::open(line_.path.c_str(), O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC));
    if (!port.is_open()) return refused(errno);
    // A regular file would be always readable, and the loop would read it without end.
    if (::isatty(port.get()) == 0)
        return Error{
            {}, "{} is not a serial line (a tty); ls -l /dev/serial/by-id shows those of this machine", line_.path};
    // Before any setting is changed: the other program may be in the middle of its work.
    if (::flock(port.get(), LOCK_EX | LOCK_NB) != 0) return refused(errno == EWOULDBLOCK ? EBUSY : errno);
    if (::ioctl(port.get(), TIOCEXCL) != 0) return refused(errno);
    if (!set_raw(port.get(), line_) || !poller_.add(port.get(), *this, EPOLLIN)) {
        const int error = errno;
        unlock(port.get());
        return refused(error);
    }
    // Bytes of before were received with other settings.
    ::tcflush(port.get(), TCIFLUSH);
    port_ = std::move(port);
    // A port that comes back has nothing in common with the one that was lost.
    lost_reason_.clear();
    is_readable_ = is_full_ = false;
    is_reading_ = true;
    return std::nullopt;
}

void SerialPort::close() {
    if (!is_open()) return;
    poller_.remove(port_.get());
    unlock(port_.get());
    port_.reset();
    // What was noted about the closed descriptor does not hold for the next one.
    is_readable_ = is_full_ = false;
}

void SerialPort::set_reading(bool is_wanted) {
    if (std::exchange(is_reading_, is_wanted) != is_wanted && is_open()) watch();
}

std::size_t SerialPort::read(std::span<Byte> buffer) {
    LEDGE_ASSERT(is_open());
    if (is_lost()) return 0;
    // Less than the size of the buffer does not mean that nothing more is there: a tty hands over what it has.
    const ssize_t count = ::read(port_.get(), buffer.data(), buffer.size());
    if (count > 0) return static_cast<std::size_t>(count);
    is_readable_ = false;
    if (count == 0) {
        lose("the device was unplugged");
    } else if (errno != EAGAIN && errno != EINTR) {
        lose(text_of(Error{system_code(errno), "cannot read"}));
    }
    return 0;
}

std::size_t SerialPort::write(Bytes bytes) {
    LEDGE_ASSERT(is_open());
    if (is_lost() || bytes.empty()) return 0;
    const ssize_t count = ::write(port_.get(), bytes.data(), bytes.size());
    if (count < 0 && errno != EAGAIN && errno != EINTR) {
        lose(text_of(Error{system_code(errno), "cannot write"}));
        return 0;
    }
    const std::size_t written = count > 0 ? static_cast<std::size_t>(count) : 0;
    // Also after EINTR: the poller then reports room at once.
    if (written < bytes.size()) {
        is_full_ = true;
        watch();
    }
    return written;
}

Duration SerialPort::time_of(std::size_t count) const {
    constexpr std::uint64_t symbols_per_byte = 10;  // start bit, 8 data bits, stop bit
    return std::chrono::microseconds(count * symbols_per_byte * 1'000'000 / line_.baud);
}

std::size_t SerialPort::unsent() const {
    int count = 0;
    // A driver that does not know the number counts as one that has sent everything.
    return is_open() && ::ioctl(port_.get(), TIOCOUTQ, &count) == 0 && count > 0 ? static_cast<std::size_t>(count) : 0;
}

/// Only notes what is ready: the owner reads in its turn.
void SerialPort::on_ready(std::uint32_t events) {
    if ((events & EPOLLOUT) != 0 && is_full_) {
        is_full_ = false;
        watch();
    }
    if ((events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0) is_readable_ = true;
}

void SerialPort::watch() {
    const std::uint32_t in = is_reading_ ? std::uint32_t{EPOLLIN} : 0U;
    const std::uint32_t out = is_full_ ? std::uint32_t{EPOLLOUT} : 0U;
    poller_.change(port_.get(), *this, in | out);
}

void SerialPort::lose(std::string_view why) {
    lost_reason_ = why;
    // A report of the end would be repeated in every turn until the port is closed.
    is_readable_ = false;
}

}  // namespace ledge::link
