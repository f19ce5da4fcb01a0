// SyslogSocket: sends log lines to the system's syslog daemon, each as one datagram to a Unix socket (/dev/log). The
// daemon may be restarted or may start after the broker: the socket is connected again when that is needed.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "ledge/base/log.hpp"
#include "ledge/os/descriptor.hpp"

namespace ledge::daemon {

/// Owned by LogOutput. Never waits.
class SyslogSocket {
public:
    explicit SyslogSocket(std::string path = {}) : path_(std::move(path)) {}

    enum class Sent : std::uint8_t {
        yes,
        later,  // no daemon listens, or it does not read now: the line may be sent again
        never,  // the system refuses this line, whoever listens
    };
    /// Sends one message without its line end.
    Sent send(std::string_view message);

    /// The connected socket, for poll(); negative = no daemon listens.
    int descriptor() const { return socket_.get(); }

private:
    bool connect();

    std::string path_;
    os::Descriptor socket_;
};

/// The number of syslog(3) for the level of a line, from 0 (emergency) to 7 (debug). The journal of systemd has the
/// same numbers.
int severity_of(LogLevel level);

/// Appends "<PRI>Mmm dd hh:mm:ss ledgemq[PID]: ", the form of syslog(3) of libc, which every syslog daemon reads. It is
/// that of RFC 3164 without the name of the host. RFC 5424 is not used: neither the journal nor busybox reads it.
/// `facility`: 0 to 23, as in syslog(3).
void append_syslog_header(int facility, LogLevel level, std::string& out);

/// Longer lines are cut. RFC 3164 section 4.1 allows 1024 bytes, but the syslogd of busybox 1.35 reads 1023. It drops
/// the rest of a datagram without a mark.
inline constexpr std::size_t syslog_line_bytes_max = 1023;

}  // namespace ledge::daemon
