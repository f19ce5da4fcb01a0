// Encoders and parsers of the record bodies in the store. include/ledge/journal/image.hpp has the grammar. The checksum
// of a row is not part of its body (src/storage/row_seal.hpp). The functions have no state and run on any thread.
//
// A parser accepts any bytes. It returns a record that the core can rely on, or nothing. In such a record, topics and
// filters are valid, property blocks are well-formed, and a packet id is set in exactly the states that need one.
//
// How a record gets a new field: session, subscription and queued records grow at their end. The parser reads the new
// field if bytes are left, and uses a default otherwise. The writer may leave out the last field while it has its
// default. So old rows stay readable without a new schema version. A publication record cannot grow in this way,
// because it ends with its payload. Every other change of the format needs a new schema version with a step in
// src/storage/upgrade.cpp.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "ledge/base/blob.hpp"
#include "ledge/base/ids.hpp"
#include "ledge/base/network.hpp"
#include "ledge/base/time.hpp"
#include "ledge/journal/progress.hpp"
#include "ledge/journal/publication.hpp"
#include "ledge/wire/packets.hpp"

namespace ledge::journal {

enum class OutState : std::uint8_t;

/// The will of the present connection, or the will of the last connection while its delay runs.
struct StoredWill {
    Publication publication;  // expires_at is not set: the expiry interval starts when the will is published
    std::uint32_t delay_s = 0;
    std::uint32_t expiry_interval_s = 0;
    bool has_expiry = false;
    std::uint16_t keep_alive_s = 0;  // Keep Alive of the connection: the longest silence of a client that is alive
    bool is_deferred = false;        // the broker was away, not the client: a client that returns in time cancels it
};

/// Appends the publication record to `out`.
void append_publication(const PublicationView& publication, std::vector<Byte>& out);
/// The view borrows from `body`. Returns nothing when the bytes are not a publication record.
std::optional<PublicationView> parse_publication(Bytes body);

/// One message in the queue of one session.
struct QueuedRecord {
    MessageNumber message = no_message;
    std::uint32_t bytes = 0;               // size of the publication
    std::uint32_t share_subscription = 0;  // number of the shared subscription that received the message; 0 = none
    wire::PacketId packet_id = 0;          // of a QoS 2 exchange in flight; otherwise 0
    OutState state{};                      // OutState::done, the default = the message waits
    wire::QoS qos = wire::QoS::at_most_once;
    bool retain = false;
    Bytes ids;             // subscription identifiers, encoded as properties
    bool is_live = false;  // stored while its client was connected, so the message may have been sent at once
    /// When the message was queued, in seconds of logical time; 0 = not recorded. Only queues with rules record it.
    std::uint32_t queued_s = 0;
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
    Instant expires_at = never;  // never = the client is connected, or the session does not expire
    bool is_ended = false;       // the session has ended; its queue is being removed
    std::optional<StoredWill> will;
    std::string_view owner{};             // the user that the session belongs to; "" = any client may resume it
    bool is_incomplete = false;           // damage has destroyed a part of the session: see Session::is_incomplete
    NetworkId network = NetworkId::none;  // of an anonymous client; the session is charged to this network
    SendingProgress progress{};
    Instant will_due = never;   // never = the client was connected
    bool is_will_only = false;  // not a session, only the will of a client whose session ends with its connection
};
Blob encode(const SessionRecord& record);
std::optional<SessionRecord> parse_session(Bytes body);

}  // namespace ledge::journal
