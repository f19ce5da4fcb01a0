#include "line_input.hpp"

#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "ledge/base/assert.hpp"

namespace ledge::cli {

LineInput::LineInput(net::Poller& poller, int descriptor, std::size_t line_bytes_max)
    : poller_(poller), descriptor_(descriptor), line_bytes_max_(line_bytes_max) {
    // Nothing is reported before is_ready() asks for it.
    is_watched_ = poller_.add(descriptor_, *this, 0);
    is_polled_ = is_watched_;
}

LineInput::~LineInput() {
    if (is_watched_) poller_.remove(descriptor_);
}

void LineInput::on_ready(std::uint32_t) {
    is_readable_ = true;
    watch(false);
}

void LineInput::watch(bool is_wanted) {
    if (is_watched_) poller_.change(descriptor_, *this, is_wanted ? EPOLLIN : 0U);
}

bool LineInput::is_ready() {
    while (!has_line() && !is_at_end_ && (is_readable_ || !is_polled_)) read();
    const bool is_ready = has_line() || is_at_end_;
    if (!is_ready) watch(true);
    return is_ready;
}

void LineInput::read() {
    std::array<char, 16 * 1024> buffer;
    searched_ = text_.size();
    const ssize_t count = ::read(descriptor_, buffer.data(), buffer.size());
    is_readable_ = false;
    if (count < 0 && errno == EINTR) return;
    if (count < 0) problem_ = std::string("standard input: ") + std::strerror(errno);
    if (count <= 0) {
        is_at_end_ = true;
        // The poller would report the end of a pipe again and again (EPOLLHUP).
        if (is_watched_) poller_.remove(descriptor_);
        is_watched_ = false;
        return;
    }
    text_.append(buffer.data(), static_cast<std::size_t>(count));
    if (text_.size() <= line_bytes_max_ || has_line()) return;
    problem_ = "a line of standard input is longer than " + std::to_string(line_bytes_max_) + " bytes";
    text_.clear();
    searched_ = 0;
    is_at_end_ = true;
}

std::optional<std::string> LineInput::next() {
    const std::size_t end = text_.find('\n', searched_);
    if (end == std::string::npos && (!is_at_end_ || text_.empty())) return std::nullopt;
    std::string line = text_.substr(0, end);
    text_.erase(0, end == std::string::npos ? end : end + 1);
    searched_ = 0;
    return line;
}

}  // namespace ledge::cli
