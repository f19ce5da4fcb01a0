// A publication on its way to one session: what it has there beside the publication that all its receivers share.
#pragma once

#include <cstdint>

#include "ledge/base/blob.hpp"
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
    Blob rest_;  // further ones as encoded properties
};

/// What every v5 receiver gets of its properties: the forwarded ones, unaltered and in order, and the remaining
/// lifetime in seconds [MQTT-3.3.2-6].
void append_forwarded_properties(const journal::PublicationView& publication, Instant now,
                                 wire::PropertyBuilder& properties);

/// Whether the client may have seen a delivery on an earlier connection. It decides about DUP and about expiry.
enum class Sent : std::uint8_t {
    no,       // the next PUBLISH is the first: DUP 0 [MQTT-3.3.1-2]; it may expire
    perhaps,  // the broker was killed while the client was connected: DUP 1 [MQTT-3.3.1-1]; it may expire
    yes,      // its exchange has begun and is finished: DUP 1, no expiry, no making room [MQTT-4.4.0-1]
};

/// A publication on its way to one session.
struct Delivery {
    journal::Publication publication;  // empty: still in the store, see `message`
    SubscriptionIds ids;
    std::uint32_t share_group = 0;   // 0, or the id of the shared subscription it was picked for
    AckHold hold{};                  // delays the acknowledgement of the publisher until the subscriber has given his
    std::uint64_t row = 0;           // position in the session's queue, which its packet id follows from; 0: none yet
    journal::Ticket ticket = 0;      // of its queued record
    journal::Ticket not_before = 0;  // must be settled (Journal::is_settled) before it is sent
    std::uint64_t message = 0;       // number of the publication's record, when stored
    bool is_live = false;            // it was stored while its client was connected
    bool is_stored = false;          // the store has a record under `row`
    Sent sent = Sent::no;
    journal::OutState state =
        journal::OutState::done;  // as its record in the store had it when it was read; done: it only waited
    wire::QoS qos = wire::QoS::at_most_once;
    bool retain = false;

    /// The client may hold state for it: it is finished, never dropped.
    bool is_begun() const { return sent == Sent::yes; }
};

}  // namespace ledge::session
