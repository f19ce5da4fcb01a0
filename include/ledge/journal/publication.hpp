// A publication is one application message on its way, independent of the protocol version of publisher and subscriber.
// PublicationView borrows its bytes, which is enough for a QoS 0 message. Publication owns its bytes in one Blob with a
// reference count; all copies live on the thread of one shard.
#pragma once

#include <cstdint>
#include <string_view>

#include "ledge/base/blob.hpp"
#include "ledge/base/ids.hpp"
#include "ledge/base/time.hpp"
#include "ledge/wire/packets.hpp"

namespace ledge::journal {

struct PublicationView {
    std::string_view topic;
    Bytes payload;
    Bytes properties;  // of MQTT 5, as received, without topic alias, expiry and subscription identifiers
    Instant expires_at = never;
    wire::QoS qos = wire::QoS::at_most_once;
    bool retain = false;
    Bytes source{};  // an encoded PublicationSource if an ACL applies to a retained message; never sent

    /// The size of the message in queue limits.
    std::size_t bytes() const { return topic.size() + properties.size() + payload.size(); }
};

/// A publication that owns its bytes. Layout of the blob: Head topic properties payload source.
class Publication {
public:
    Publication() = default;
    /// Copies all bytes of `view`. `account`: a sum for the memory of the copy, see Blob::make; nullptr = no sum.
    explicit Publication(const PublicationView& view, std::uint64_t* account = nullptr);

    explicit operator bool() const { return static_cast<bool>(blob_); }
    PublicationView view() const;
    std::size_t bytes() const { return blob_.size() - sizeof(Head) - head().source_size; }
    Instant expires_at() const { return head().expires_at; }
    const Blob& blob() const { return blob_; }

    /// The number of the message's record in the store; no_message = it has no record. All copies share this number and
    /// the ticket of the record.
    MessageNumber message() const { return head().message; }
    Ticket message_ticket() const { return head().message_ticket; }
    /// The same number, of the blob of a publication.
    static MessageNumber message_of(const Blob& blob) { return reinterpret_cast<const Head*>(blob.data())->message; }
    void set_message(MessageNumber message, Ticket ticket) const {
        head().message = message;
        head().message_ticket = ticket;
    }

private:
    struct Head {
        Instant expires_at;
        mutable MessageNumber message;
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
