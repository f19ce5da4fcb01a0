// Chooses the way to write without waiting by the kind of the descriptor, and keeps the lines that the reader does not
// accept. README has the reason for each way.
#include "log_output.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "ledge/base/assert.hpp"
#include "ledge/runtime/clock.hpp"

namespace ledge::daemon {
namespace {

bool is_writable(int descriptor, int milliseconds_max) {
    pollfd asked{descriptor, POLLOUT, 0};
    // POLLERR counts as writable: the reader is gone, and the write that follows returns that error at once.
    return ::poll(&asked, 1, milliseconds_max) == 1 && (asked.revents & (POLLOUT | POLLERR)) != 0;
}

// A pipe that poll() reports as writable accepts at least this much without waiting.
constexpr std::size_t polled_bytes_max = 4096;

}  // namespace

LogOutput::LogOutput(int descriptor) : descriptor_(descriptor) {
    struct stat status {};
    if (::fstat(descriptor, &status) != 0)
        // Started with a closed standard error, the broker must not write to whatever gets this number later.
        mode_ = WriteMode::closed;
    else if (S_ISREG(status.st_mode))
        mode_ = WriteMode::blocking;
    else if (S_ISSOCK(status.st_mode))
        mode_ = WriteMode::send;
    else
        mode_ = reopen(descriptor) ? WriteMode::reopened : WriteMode::polled;
}

/// Opens the file behind the descriptor once more, with O_NONBLOCK. This flag belongs to the open file, which a shell
/// or another process may share, so it must not be set on the caller's descriptor.
bool LogOutput::reopen(int descriptor) {
    const std::string path = "/proc/self/fd/" + std::to_string(descriptor);
    // O_NOCTTY: a terminal that is opened must not become the controlling terminal, whose signals would end the broker.
    reopened_.reset(::open(path.c_str(), O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
    if (!reopened_.is_open()) return false;
    descriptor_ = reopened_.get();
    return true;
}

void LogOutput::write(std::string_view line) {
    if (mode_ == WriteMode::closed) return;
    LEDGE_ASSERT(line.ends_with('\n'));
    // Older lines first: a new line is written directly only if none waits, so the order stays.
    if (drain()) {
        const long written = try_write(line);
        if (written == refused) ++lost_;
        if (written == refused || static_cast<std::size_t>(written) == line.size()) return;
        line.remove_prefix(static_cast<std::size_t>(written));  // the rest of a line that has begun waits
    } else if (backlog_.size() + line.size() > backlog_bytes_max) {
        ++lost_;
        return;
    }
    backlog_ += line;
}

bool LogOutput::drain() {
    std::size_t done = 0;
    while (done < backlog_.size()) {
        const long written = try_write(std::string_view(backlog_).substr(done));
        // The descriptor accepts nothing now. The next call continues here.
        if (written == 0) break;
        if (written > 0) {
            done += static_cast<std::size_t>(written);
            continue;
        }
        // The descriptor refuses for good: all lines of the backlog are lost.
        lost_ +=
            static_cast<std::uint64_t>(std::count(backlog_.begin() + static_cast<long>(done), backlog_.end(), '\n'));
        done = backlog_.size();
    }
    backlog_.erase(0, done);
    // A reader that was slow once must not cost 256 KiB for ever.
    if (backlog_.empty()) backlog_.shrink_to_fit();
    return backlog_.empty();
}

void LogOutput::finish() {
    const Instant deadline = runtime::read_clock() + 1s;
    const auto descriptor = [this] { return mode_ == WriteMode::datagrams ? syslog_.descriptor() : descriptor_; };
    // The deadline bounds the end of the process even if the reader accepts one byte now and then. Without a syslog
    // daemon there is nobody to wait for.
    while (!drain() && runtime::read_clock() < deadline && descriptor() >= 0 && is_writable(descriptor(), 1000)) {
    }
}

void LogOutput::reopen_file() {
    if (mode_ == WriteMode::file) file_.reopen();
}

std::string LogOutput::loss_reason() const {
    if (mode_ == WriteMode::datagrams) return "no syslog daemon listened, or the daemon did not read";
    if (mode_ != WriteMode::file) return "the reader of the log did not read";
    return "the file could not be written: " + std::string(std::strerror(refusal_errno_));
}

/// Writes at least a part of `text`, and no more than its first line.
long LogOutput::try_write_line(std::string_view text) {
    const std::string_view line = text.substr(0, text.find('\n') + 1);
    LEDGE_ASSERT(line.ends_with('\n'));
    const auto size = static_cast<long>(line.size());
    if (mode_ == WriteMode::file) {
        if (file_.write(line)) return size;
        refusal_errno_ = errno;
        return refused;
    }
    switch (syslog_.send(line.substr(0, line.size() - 1))) {
        case SyslogSocket::Sent::yes: return size;
        case SyslogSocket::Sent::later: return 0;
        case SyslogSocket::Sent::never: break;
    }
    return refused;
}

long LogOutput::try_write(std::string_view text) {
    if (mode_ == WriteMode::file || mode_ == WriteMode::datagrams) return try_write_line(text);
    if (mode_ == WriteMode::polled) {
        if (!is_writable(descriptor_, 0)) return 0;
        // A longer write could wait although poll() has reported the pipe as writable.
        text = text.substr(0, polled_bytes_max);
    }
    for (;;) {
        // The flags of send() concern this call only. O_NONBLOCK on the socket would concern all processes that share
        // it.
        const ssize_t written = mode_ == WriteMode::send
                                    ? ::send(descriptor_, text.data(), text.size(), MSG_DONTWAIT | MSG_NOSIGNAL)
                                    : ::write(descriptor_, text.data(), text.size());
        if (written >= 0) return written;
        if (errno == EINTR) continue;
        return errno == EAGAIN ? 0 : refused;
    }
}

}  // namespace ledge::daemon
