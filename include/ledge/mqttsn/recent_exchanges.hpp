// RecentExchanges: the last messages of QoS 2 of one device whose exchange has ended. On a link that duplicates packets
// a late copy of such a PUBLISH would be taken for a new message. Owned by Endpoint.
//
// A copy has the same message id and the same content, and comes within retry_interval after the end. A device that
// uses one id for all its messages is served nevertheless, as long as their content differs.
#pragma once

#include <array>
#include <cstdint>

#include "ledge/base/time.hpp"
#include "ledge/mqttsn/messages.hpp"

namespace ledge::mqttsn {

class RecentExchanges {
public:
    /// The fingerprint of a PUBLISH: topic and content, without DUP.
    static std::uint32_t fingerprint_of(const Publish& packet);

    void add(MessageId id, std::uint32_t fingerprint, Instant now) {
        entries_[next_] = {now, fingerprint, id};
        next_ = static_cast<std::uint8_t>((next_ + 1) % entries_.size());
    }
    bool has(MessageId id, std::uint32_t fingerprint, Instant since) const {
        for (const Entry& entry : entries_)
            if (entry.id == id && entry.fingerprint == fingerprint && entry.ended_at > since) return true;
        return false;
    }

private:
    struct Entry {
        Instant ended_at{};
        std::uint32_t fingerprint = 0;
        MessageId id = 0;  // 0 = empty
    };
    std::array<Entry, 4> entries_;
    std::uint8_t next_ = 0;
};

}  // namespace ledge::mqttsn
