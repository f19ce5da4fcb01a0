// PoisonGuard finds the message that an upstream answers by closing the connection. Such a message is the first in the
// queue after every reconnect, so it would block the queue for ever. Owned by Relay; outlives connections.
//
// With several messages under way, a close does not tell which of them is the cause. So the guard asks for care: on the
// following connections one message is sent at a time, and a close blames exactly this message.
#pragma once

#include <cstdint>
#include <string_view>

#include "ledge/base/bytes.hpp"
#include "ledge/wire/packets.hpp"

namespace ledge::bridge {

/// A number that tells messages apart: a hash of the topic and the payload. Two different messages have the same number
/// with a probability of 2^-64.
std::uint64_t fingerprint_of(std::string_view topic, Bytes payload);

/// The same for a message that its broker repeats with the same packet id: the id, the topic, the size of the payload
/// and its beginning are enough, so that a large payload is not read for each message.
std::uint64_t fingerprint_of(const wire::Publish& packet);

class PoisonGuard {
public:
    /// `attempts`: closes in a row after which a message is poison; at least 1.
    explicit PoisonGuard(int attempts) : attempts_(attempts) {}

    /// The upstream has closed the connection. `oldest`: the fingerprint of the oldest unanswered message;
    /// `unanswered`: the number of unanswered messages, at least 1.
    void on_close(std::uint64_t oldest, std::size_t unanswered);
    /// The upstream has answered a message.
    void on_answer(std::uint64_t fingerprint);
    /// True: this message must not be sent again.
    bool is_poison(std::uint64_t fingerprint) const { return closes_ >= attempts_ && suspect_ == fingerprint; }
    /// The poison message was set aside.
    void on_set_aside();
    /// True: send one message at a time.
    bool wants_care() const { return careful_left_ > 0; }

private:
    int attempts_;
    std::uint64_t suspect_ = 0;
    int closes_ = 0;                // in a row, with the suspect as the only or oldest unanswered message
    std::size_t careful_left_ = 0;  // answers after which messages may be sent together again
};

}  // namespace ledge::bridge
