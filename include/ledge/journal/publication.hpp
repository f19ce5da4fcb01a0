// A publication: one application message on its way, independent of the protocol version of either side.
// PublicationView borrows (the path of a QoS 0 message needs no more); Publication owns, counted, on one Blob.
#pragma once

#include <cstdint>
#include <string_view>

#include "ledge/base/blob.hpp"
#include "ledge/base/time.hpp"
#include "ledge/journal/ticket.hpp"
#include "ledge/wire/packets.hpp"

namespace ledge::journal {

struct PublicationView {
    std::string_view topic;
    Bytes payload;
    Bytes properties;  // v5, as received, without topic alias, expiry and subscription identifiers
    Instant expires_at = never;
    wire::QoS qos = wire::QoS::at_most_once;
    bool retain = false;
    Bytes source{};  // a PublicationSource, of a retained message where there are rules; never sent

    /// What it counts for in queue limits.
    std::size_t bytes() const { return topic.size() + properties.size() + payload.size(); }
};

/// Layout of the blob: Head topic properties payload source.
class Publication {
public:
    Publication() = default;
    /// `account`: see Blob::make.
    explicit Publication(const PublicationView& view, std::uint64_t* account = nullptr);

    explicit operator bool() const { return static_cast<bool>(blob_); }
    PublicationView view() const;
    std::size_t bytes() const { return blob_.size() - sizeof(Head) - head().source_size; }
    Instant expires_at() const { return head().expires_at; }
    const Blob& blob() const { return blob_; }

    /// The number of its record in the store, 0 when it has none, and the ticket of that record. Shared by all copies.
    std::uint64_t message() const { return head().message; }
    Ticket message_ticket() const { return head().message_ticket; }
    void set_message(std::uint64_t message, Ticket ticket) const {
        head().message = message;
        head().message_ticket = ticket;
    }

private:
    struct Head {
        Instant expires_at;
        mutable std::uint64_t message;
        mutable Ticket message_ticket;
        std::uint32_t properties_size : 29;
        std::uint32_t qos : 2;
        std::uint32_t retain : 1;
        std::uint16_t topic_size;
        std::uint16_t source_size;
    };
    const Head& head() const { return *reinterpret_cast<const Head*>(blob_.data()); }

    Blob blob_;
};

}  // namespace ledge::journal
