// Record bodies of the store, to and from bytes. The grammar stands in include/ledge/journal/image.hpp. The checksum
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

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "ledge/base/blob.hpp"
#include "ledge/base/network.hpp"
#include "ledge/base/time.hpp"
#include "ledge/journal/out_state.hpp"
#include "ledge/journal/publication.hpp"
#include "ledge/wire/packets.hpp"

namespace ledge::journal {

/// The will of the present connection, or of the last one while its delay runs.
struct StoredWill {
    Publication publication;  // expires_at unset: its interval starts when it is published
    std::uint32_t delay_s = 0;
    std::uint32_t expiry_interval_s = 0;
    bool has_expiry = false;
    std::uint16_t keep_alive_s = 0;  // of its connection: how long the silence of a client that lives can last
    bool is_deferred = false;        // the broker was away, not the client: whoever comes back in time takes it along
};

/// How far the messages of a session have been sent, in rows of its queue, as its record in the store says it.
struct SendingProgress {
    /// Of a session that has sent from an older backlog since, and of an older release: any row may have been sent.
    static constexpr std::uint64_t unknown = ~std::uint64_t{0};

    std::uint64_t sent_until = 0;           // what is unfinished up to this row was sent
    std::uint64_t doubted_until = unknown;  // what is unfinished up to this row may have been sent
    std::uint64_t known_until = 0;  // of later rows it knows nothing: those stored while the client was connected may
                                    // have been sent, the others were not
    std::uint16_t id_shift = 0;     // packet id - row, modulo 65,535; not 0 after exchanges of an older release
};

/// How far one subscription has been sent the retained messages. It survives a restart in the subscription's record.
struct FeedProgress {
    std::uint64_t as_of = 0;     // what was retained later went out live; 0: nothing is owed
    std::uint64_t position = 0;  // topics that came before it have been looked at (broker/retained.hpp)
    std::uint16_t rounds = 0;    // more SUBSCRIBEs that came meanwhile, each of which wants all of it again

    bool operator==(const FeedProgress&) const = default;
};

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

}  // namespace ledge::journal
