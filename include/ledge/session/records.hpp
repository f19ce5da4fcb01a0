// Record bodies of the store, to and from bytes. The grammar stands in include/ledge/broker/persist.hpp. The checksum
// of a row is no part of its body (src/storage/row_seal.hpp).
//
// A parser takes any bytes and gives a record that the core can rely on (topics and filters are valid, a packet id
// stands exactly with the states that have one, property blocks are well-formed), or nothing.
//
// How a record gets a new field: session, subscription and queued records grow at their end. The writer always writes
// the field, the parser reads it if bytes are left and takes a default otherwise: rows that were written before the
// field existed stay readable, and the schema version stays. A publication record ends with its payload: it cannot.
// A change of another kind is a new schema version with a step in src/storage/upgrade.cpp.
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "ledge/session/inflight.hpp"
#include "ledge/session/session.hpp"

namespace ledge::session {

void append_publication(const PublicationView& publication, std::vector<Byte>& out);
/// The view borrows `body`. Nothing when the bytes are not a publication record.
std::optional<PublicationView> parse_publication(Bytes body);

/// How one delivery stands in the store.
struct QueuedRecord {
    std::uint64_t message = 0;
    std::uint32_t bytes = 0;               // of its publication
    std::uint32_t share_subscription = 0;  // number of the subscription it was picked for; 0: not shared
    wire::PacketId packet_id = 0;          // QoS 2 in flight; else 0
    OutState state = OutState::done;       // done: waiting
    wire::QoS qos = wire::QoS::at_most_once;
    bool retain = false;
    Bytes ids;             // subscription identifiers as properties
    bool is_live = false;  // stored while its client was connected: it may have been sent at once
};
Blob encode(const QueuedRecord& record);
std::optional<QueuedRecord> parse_queued(Bytes body);

struct SubscriptionRecord {
    wire::SubscribeOptions options;
    std::uint32_t subscription_id = 0;
    std::string_view filter;
    FeedProgress feed{};
};
Blob encode(const SubscriptionRecord& record);
std::optional<SubscriptionRecord> parse_subscription(Bytes body);

struct SessionRecord {
    std::string_view client_id;
    std::uint32_t expiry_interval_s = 0;
    Instant expires_at = never;  // never: connected, or without end
    bool is_ended = false;       // its queue is being taken down
    std::optional<StoredWill> will;
    std::string_view owner{};             // the user it belongs to; "": whoever comes
    bool is_incomplete = false;           // damage has cost it a part: see Session::is_incomplete
    NetworkId network = NetworkId::none;  // of an anonymous client: the session is charged to it
    SendingProgress progress{};
    Instant will_due = never;   // never: its client was connected
    bool is_will_only = false;  // no session: the will of a client whose session ends with its connection
};
Blob encode(const SessionRecord& record);
std::optional<SessionRecord> parse_session(Bytes body);

}  // namespace ledge::session
