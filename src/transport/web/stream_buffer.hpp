// StreamBuffer: the bytes of a streaming answer that are not sent yet, with the framing of chunked transfer coding. A
// session with a streaming answer owns it. No I/O; any thread.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace ledge::transport {

class StreamBuffer {
public:
    /// `head` is sent first and does not count. `is_chunked` is false for HTTP/1.0, which has no chunks: the end of the
    /// connection is then the end of the answer.
    StreamBuffer(std::string head, bool is_chunked, std::size_t bytes_max);

    /// The size of the largest piece that write() takes now.
    std::size_t room() const;
    /// Adds a piece. False: there is no room for the piece, and nothing was added.
    bool write(std::string_view piece);
    /// Adds the mark of a complete answer. No piece may follow.
    void end();
    bool is_ended() const { return is_ended_; }

    /// The bytes to send next; empty = none. They stay valid until sent().
    std::string_view begin_send();
    /// The bytes of begin_send() are sent.
    void sent();
    bool is_sending() const { return !sending_.empty(); }
    bool empty() const { return sending_.empty() && waiting_.empty(); }

private:
    std::string sending_;
    std::string waiting_;
    std::size_t bytes_max_;
    bool is_chunked_;
    bool is_ended_ = false;
};

}  // namespace ledge::transport
