// SerialPort: a serial line (tty) as bytes in and bytes out. It knows nothing of frames, packets or lines of text, and
// opens its port once; whoever owns it tries again when the port is gone. On the loop's thread.
//
// The port is set to raw bytes, 8 data bits, no parity, 1 stop bit. Three settings deserve a reason:
//     CLOCAL     modem lines do not matter: many cables have none
//     no HUPCL   closing the port does not drop DTR, which would reset an Arduino at each restart of the broker
//     TIOCEXCL   and flock(2): no second program takes half of the bytes
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "ledge/base/bytes.hpp"
#include "ledge/base/error.hpp"
#include "ledge/base/time.hpp"
#include "ledge/net/poller.hpp"
#include "ledge/os/descriptor.hpp"

namespace ledge::link {

struct SerialLine {
    std::string path;             // of the tty; a symbolic link of /dev/serial/by-id names the device, not the plug
    std::uint32_t baud = 115200;  // os::is_baud()
    bool has_rtscts = false;      // flow control by the lines RTS and CTS
};

class SerialPort final : private net::Pollable {
public:
    /// The poller must outlive the object.
    SerialPort(net::Poller& poller, SerialLine line);
    ~SerialPort();
    SerialPort(const SerialPort&) = delete;
    SerialPort& operator=(const SerialPort&) = delete;

    /// Requires !is_open(). Bytes that came before are dropped. The error says why the port cannot be used now.
    std::optional<Error> open();
    bool is_open() const { return port_.is_open(); }
    void close();

    /// True: read() may bring bytes, or will find that the port is gone.
    bool may_read() const { return is_open() && is_readable_; }
    /// False: the poller does not report bytes until it is wanted again; otherwise it would report unread bytes in each
    /// turn. A port that is gone is reported all the same. Wanted after open().
    void set_reading(bool is_wanted);
    /// Reads what is there, at most the size of `buffer`. 0 = nothing is there now, or is_lost().
    std::size_t read(std::span<Byte> buffer);
    /// Writes as many bytes as the system takes now, and returns their number.
    std::size_t write(Bytes bytes);
    /// False: the last write() has filled the system's buffer, and the poller has not reported room since.
    bool may_write() const { return is_open() && !is_full_; }

    /// The device was unplugged, or the port fails. The owner calls close().
    bool is_lost() const { return !lost_reason_.empty(); }
    const std::string& lost_reason() const { return lost_reason_; }

    const SerialLine& line() const { return line_; }
    /// How long `count` bytes take on the line: 10 symbols each.
    Duration time_of(std::size_t count) const;
    /// Bytes that the system has not sent yet; more than this number must not wait there (serial_link.cpp).
    std::size_t unsent() const;

private:
    void on_ready(std::uint32_t events) override;
    void watch();
    void lose(std::string_view why);

    net::Poller& poller_;
    const SerialLine line_;
    os::Descriptor port_;
    std::string lost_reason_;
    bool is_readable_ = false;
    bool is_reading_ = true;
    bool is_full_ = false;  // the system takes no bytes; the poller tells when it does
};

}  // namespace ledge::link
