// Delivery: a publication on its way to one session. All receivers share the publication; a Delivery holds what belongs
// to one receiver. Owned by the queues of a Session, on the shard's thread.
#pragma once

#include <cstdint>

#include "ledge/base/blob.hpp"
#include "ledge/base/ids.hpp"
#include "ledge/base/time.hpp"
#include "ledge/journal/out_state.hpp"
#include "ledge/journal/publication.hpp"
#include "ledge/session/ack_barrier.hpp"
#include "ledge/wire/packets.hpp"

namespace ledge::session {

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
    Blob rest_;  // all identifiers after the first, as encoded properties
};

/// Appends the properties that every MQTT 5 receiver gets: the publisher's properties, unaltered and in order, and the
/// remaining lifetime in seconds [MQTT-3.3.2-6].
void append_forwarded_properties(const journal::PublicationView& publication, Instant now,
                                 wire::PropertyBuilder& properties);

/// Whether the client may have seen a delivery on an earlier connection. It decides about DUP and about expiry.
enum class Sent : std::uint8_t {
    no,       // the next PUBLISH is the first: DUP 0 [MQTT-3.3.1-2]; it may expire
    perhaps,  // the broker was killed while the client was connected: DUP 1 [MQTT-3.3.1-1]; it may expire
    yes,      // the exchange has begun and must be finished: DUP 1; it never expires and is never dropped for a newer
              // message [MQTT-4.4.0-1]
};

struct Delivery {
    journal::Publication publication;  // empty = only the store has the publication, as record number `message`
    SubscriptionIds ids;
    ShareGroupId share_group = no_share_group;  // the shared subscription that the session was chosen for
    std::uint32_t queued_s = 0;     // AppliedRules::stamp() of the time at which it was queued; 0 = not known
    AckHold hold{};                 // delays the publisher's acknowledgement until this subscriber has acknowledged
    QueueRow row = no_row;          // position in the session's queue; the packet id follows from it; no_row = none yet
    Ticket ticket = no_ticket;      // of the queued record
    Ticket not_before = no_ticket;  // must be settled (Journal::is_settled) before the message is sent
    MessageNumber message = no_message;  // number of the publication's record, when stored
    bool is_live = false;                // the delivery was stored while its client was connected
    bool is_stored = false;              // the store has a record under `row`
    Sent sent = Sent::no;
    /// The state that the record had when it was read from the store. done = the message was only waiting.
    journal::OutState state = journal::OutState::done;
    wire::QoS qos = wire::QoS::at_most_once;
    bool retain = false;

    /// True when the client may hold the packet id. The exchange must then be finished, and is never dropped.
    bool is_begun() const { return sent == Sent::yes; }
};

}  // namespace ledge::session
