#include "stream_buffer.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

#include "ledge/base/assert.hpp"

namespace ledge::transport {
namespace {

constexpr std::size_t chunk_frame_bytes_max = 16;  // the length in hexadecimal digits, and two line ends
constexpr std::size_t kept_bytes_max = 4096;       // an idle stream keeps no larger memory for its next piece

}  // namespace

StreamBuffer::StreamBuffer(std::string head, bool is_chunked, std::size_t bytes_max)
    : waiting_(std::move(head)), bytes_max_(bytes_max), is_chunked_(is_chunked) {}

std::size_t StreamBuffer::room() const {
    const std::size_t used = sending_.size() + waiting_.size() + chunk_frame_bytes_max;
    return is_ended_ || used >= bytes_max_ ? 0 : bytes_max_ - used;
}

// chunk := length:hex CR LF piece CR LF        (RFC 9112 section 7.1)
bool StreamBuffer::write(std::string_view piece) {
    if (piece.size() > room()) return false;
    // An empty chunk would be the end of the answer.
    if (piece.empty()) return true;
    if (!is_chunked_) {
        waiting_ += piece;
        return true;
    }
    std::array<char, chunk_frame_bytes_max> length;
    const auto end = std::to_chars(length.begin(), length.end(), piece.size(), 16).ptr;
    waiting_.append(length.begin(), end);
    waiting_ += "\r\n";
    waiting_ += piece;
    waiting_ += "\r\n";
    return true;
}

void StreamBuffer::end() {
    if (std::exchange(is_ended_, true) || !is_chunked_) return;
    waiting_ += "0\r\n\r\n";
}

std::string_view StreamBuffer::begin_send() {
    LEDGE_ASSERT(sending_.empty());
    std::swap(sending_, waiting_);
    return sending_;
}

void StreamBuffer::sent() {
    sending_.clear();
    if (sending_.capacity() > kept_bytes_max) sending_ = {};
}

}  // namespace ledge::transport
