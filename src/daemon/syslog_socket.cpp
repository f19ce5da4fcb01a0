// Datagrams to the syslog daemon. send() with MSG_DONTWAIT never waits; a datagram is taken whole or not at all.
#include "syslog_socket.hpp"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <ctime>

#include "ledge/base/assert.hpp"
#include "ledge/runtime/clock.hpp"

namespace ledge::daemon {

bool SyslogSocket::connect() {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    // The check of log.syslog_socket has refused longer paths.
    LEDGE_ASSERT(path_.size() < sizeof address.sun_path);
    std::memcpy(address.sun_path, path_.data(), path_.size());
    socket_.reset(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!socket_.is_open()) return false;
    if (::connect(socket_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) return true;
    socket_.reset();
    return false;
}

SyslogSocket::Sent SyslogSocket::send(std::string_view message) {
    // Twice: the first failure may only tell that the daemon has been restarted since the last line.
    for (int attempt = 0; attempt < 2; ++attempt) {
        if (!socket_.is_open() && !connect()) return Sent::later;
        if (::send(socket_.get(), message.data(), message.size(), MSG_DONTWAIT | MSG_NOSIGNAL) >= 0) return Sent::yes;
        if (errno == EMSGSIZE) return Sent::never;
        if (errno == EAGAIN || errno == ENOBUFS || errno == EINTR) return Sent::later;
        // ECONNREFUSED, ENOTCONN, ECONNRESET: the daemon that this socket was connected to is gone.
        socket_.reset();
    }
    return Sent::later;
}

int severity_of(LogLevel level) {
    switch (level) {
        case LogLevel::debug: return 7;
        case LogLevel::info: return 6;
        case LogLevel::warning: return 4;
        case LogLevel::error: return 3;
    }
    return 3;
}

void append_syslog_header(int facility, LogLevel level, std::string& out) {
    out += '<';
    out += std::to_string(facility * 8 + severity_of(level));
    out += '>';
    const std::time_t now = std::chrono::system_clock::to_time_t(runtime::read_wall_clock());
    std::tm parts{};
    // The form has no time zone: its readers expect the local time, as syslog(3) writes it.
    localtime_r(&now, &parts);
    // Not strftime(): its names of months would follow the locale.
    constexpr std::string_view months = "JanFebMarAprMayJunJulAugSepOctNovDec";
    char text[16];
    const std::size_t length = std::strftime(text, sizeof text, " %e %H:%M:%S", &parts);
    out += months.substr(static_cast<std::size_t>(parts.tm_mon) * 3, 3);
    out.append(text, length);
    out += " ledgemq[";
    out += std::to_string(::getpid());
    out += "]: ";
}

}  // namespace ledge::daemon
