// Outbox: the bytes that wait to be sent to the server, in order. The client appends whole packets; the transport sends
// bytes from the front. Limits::outbox_bytes_fatal bounds the size. Owned by Client.
#pragma once

#include <span>
#include <vector>

#include "ledge/base/bytes.hpp"

namespace ledge::client {

class Outbox {
public:
    std::size_t size() const { return bytes_.size() - begin_; }
    bool empty() const { return size() == 0; }
    /// Valid until the next call of another member.
    Bytes unsent() const { return Bytes(bytes_).subspan(begin_); }

    /// Adds `size` bytes at the end and returns them; the caller fills them at once.
    std::span<Byte> append(std::size_t size);
    /// Removes the first `count` bytes, which were sent. Requires count <= size().
    void consume(std::size_t count);
    void clear();
    /// Gives the memory of an empty outbox back. With unsent bytes nothing happens.
    void release_memory();

private:
    std::vector<Byte> bytes_;
    std::size_t begin_ = 0;  // the first unsent byte
};

}  // namespace ledge::client
