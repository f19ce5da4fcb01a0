// LineInput: the lines of standard input, or of another descriptor, read without blocking while the loop's poller runs.
// Owned by `pub --stdin-lines`, on the main thread.
#pragma once

#include <optional>
#include <string>

#include "ledge/net/poller.hpp"

namespace ledge::cli {

class LineInput final : private net::Pollable {
public:
    /// `poller` must outlive the object. `descriptor` stays open and stays the caller's.
    LineInput(net::Poller& poller, int descriptor, std::size_t line_bytes_max);
    ~LineInput();
    LineInput(const LineInput&) = delete;
    LineInput& operator=(const LineInput&) = delete;

    /// Reads what has come. True = next() has a line, or the input has ended. The poller reports the descriptor until
    /// then; call next() before the next wait.
    bool is_ready();
    /// The next line without its end; nullopt = no whole line has come, or the input has ended. A last line without a
    /// line end counts.
    std::optional<std::string> next();
    bool is_at_end() const { return is_at_end_ && text_.empty(); }
    /// Why the input has ended before its end; "" = it has not.
    const std::string& problem() const { return problem_; }

private:
    void on_ready(std::uint32_t events) override;
    void read();
    void watch(bool is_wanted);
    bool has_line() const { return text_.find('\n', searched_) != std::string::npos; }

    net::Poller& poller_;
    int descriptor_;
    std::size_t line_bytes_max_;
    bool is_watched_ = false;  // the poller knows the descriptor
    bool is_polled_ = true;    // false: a regular file, which is always readable, and which epoll refuses
    bool is_readable_ = false;
    bool is_at_end_ = false;
    std::string text_;          // read, and not returned yet
    std::size_t searched_ = 0;  // no line end stands before this place of text_
    std::string problem_;
};

}  // namespace ledge::cli
