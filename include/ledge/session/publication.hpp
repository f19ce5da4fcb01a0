// A publication: one application message on its way, independent of the protocol version of either side.
// PublicationView borrows (the path of a QoS 0 message needs no more); Publication owns, counted, on one Blob.
#pragma once

#include <cstdint>
#include <string_view>

#include "ledge/base/blob.hpp"
#include "ledge/base/time.hpp"
#include "ledge/session/ack_barrier.hpp"
#include "ledge/session/out_state.hpp"
#include "ledge/wire/packets.hpp"

namespace ledge::session {

/// Position of a record in the journal; 0: nothing to wait for.
using Ticket = std::uint64_t;

/// What a publication survives (README: durability levels).
enum class Durability : std::uint8_t {
    ram,      // nothing
    relaxed,  // a crash after at most the commit interval; acknowledged at once
    durable,  // a crash at any time after its acknowledgement
};

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

/// The subscription identifiers that go with one delivery [MQTT-3.3.4-3]: none, one, or several.
class SubscriptionIds {
public:
    bool empty() const { return first_ == 0; }
    std::uint32_t first() const { return first_; }
    /// Adds an identifier; 0 (none) is ignored.
    void add(std::uint32_t id);
    void append_to(wire::PropertyBuilder& properties) const;
    /// Adds all the identifiers of a valid property sequence.
    void add_all(Bytes properties);

private:
    std::uint32_t first_ = 0;
    Blob rest_;  // further ones as encoded properties
};

/// What every v5 receiver gets of its properties: the forwarded ones, unaltered and in order, and the remaining
/// lifetime in seconds [MQTT-3.3.2-6].
void append_forwarded_properties(const PublicationView& publication, Instant now, wire::PropertyBuilder& properties);

/// Whether the client may have seen a delivery on an earlier connection. It decides about DUP and about expiry.
enum class Sent : std::uint8_t {
    no,       // the next PUBLISH is the first: DUP 0 [MQTT-3.3.1-2]; it may expire
    perhaps,  // the broker was killed while the client was connected: DUP 1 [MQTT-3.3.1-1]; it may expire
    yes,      // its exchange has begun and is finished: DUP 1, no expiry, no making room [MQTT-4.4.0-1]
};

/// A publication on its way to one session.
struct Delivery {
    Publication publication;  // empty: still in the store, see `message`
    SubscriptionIds ids;
    std::uint32_t share_group = 0;  // 0, or the id of the shared subscription it was picked for
    BarrierId barrier = 0;          // the acknowledgement that may be given when the subscriber has given his
    std::uint64_t row = 0;          // position in the session's queue, which its packet id follows from; 0: none yet
    Ticket ticket = 0;              // of its queued record
    Ticket not_before = 0;          // must be settled (Journal::is_settled) before it is sent
    std::uint64_t message = 0;      // number of the publication's record, when stored
    bool is_live = false;           // it was stored while its client was connected
    bool is_stored = false;         // the store has a record under `row`
    Sent sent = Sent::no;
    OutState state = OutState::done;  // as its record in the store had it when it was read; done: it only waited
    wire::QoS qos = wire::QoS::at_most_once;
    bool retain = false;

    /// The client may hold state for it: it is finished, never dropped.
    bool is_begun() const { return sent == Sent::yes; }
};

}  // namespace ledge::session
