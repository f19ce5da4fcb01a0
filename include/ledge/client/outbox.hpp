// Outbox: the bytes that a client owes its server, in order. The client appends whole packets, the transport takes
// them from the front. Limits::outbox_bytes_fatal bounds it.
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

    /// Room for `size` bytes at the end; the caller fills it at once.
    std::span<Byte> append(std::size_t size);
    /// Drops `count` bytes that were sent from the front.
    void consume(std::size_t count);
    void clear();

private:
    std::vector<Byte> bytes_;
    std::size_t begin_ = 0;  // of what is unsent
};

}  // namespace ledge::client
