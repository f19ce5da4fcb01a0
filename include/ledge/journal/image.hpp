// What a shard wants back from a store: the image it starts from, and what it reads later. No LMDB in sight.
//
// Record bodies (grammar; integers big endian; written by src/journal/records.cpp, kept by the store as they are):
//   session      := client_id:text16 expiry_interval_s:u32 expires_at:i64 flags:u8 [owner:text16] [will_size:u32 will]
//                   [deadline] [network:u64] [progress]
//                   flags: 1 ended, 2 will, 4 owner (the user it belongs to), 8 incomplete (damage has cost it a part),
//                   16 no session but the will of a client whose session ends with its connection, 32 deadline
//                   network: NetworkId (base/network.hpp) of an anonymous client, who is charged with it; 0: none
//   deadline     := keep_alive_s:u16 will_due:i64, of the will; will_due is the greatest i64 as long as its client is
//                   connected
//   progress     := sent_until:u64 doubted_until:u64 known_until:u64 id_shift:u16    (SendingProgress)
//   will         := delay_s:u32 has_expiry:u8 expiry_interval_s:u32 publication
//   subscription := options:u8 subscription_id:u32 filter:text16 [as_of:u64 position:u64 rounds:u16]
//                   the last three while retained messages are owed to it (FeedProgress)
//   publication  := expires_at:i64 qos_retain:u8 topic:text16 properties_size:u32 properties [source:text16]
//                   payload(rest); qos_retain: 1 and 2 the QoS, 4 retain, 8 source (journal/publication_source.hpp)
//   queued       := message:u64 bytes:u32 share_subscription:u32 packet_id:u16 state:u8 qos_retain:u8
//                   ids_size:variable ids(as properties)
//                   qos_retain: 1 and 2 the QoS, 4 retain, 8 stored while its client was connected
// Instants are microseconds of logical time: running time plus plausible wall-clock progress, never the wall clock.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "ledge/base/bytes.hpp"
#include "ledge/base/time.hpp"
#include "ledge/journal/store_reader.hpp"

namespace ledge::journal {

/// One session with all that is small. Its queue stays in the store; only the rows that carry a packet id come along.
struct StoredSession {
    std::uint64_t number = 0;
    std::vector<Byte> record;
    std::vector<StoredRow> subscriptions;  // in order of number
    std::vector<std::uint16_t> received;   // packet ids of inbound QoS 2 messages
    std::vector<StoredRow> inflight;       // queued records with a packet id, in order of number
    std::uint64_t queued = 0;              // rows, in flight included
    std::uint64_t queued_bytes = 0;        // sum of queued.bytes
    std::uint64_t first_queued = 0;        // lowest number; 0 when there is none
    std::uint64_t last_queued = 0;         // highest number; 0 when there is none
    std::uint64_t last_live = 0;           // highest number of those stored while the client was connected; 0: none
};

struct StoredRetained {
    std::uint64_t number = 0;
    std::string topic;
    Instant expires_at = never;
    std::uint32_t bytes = 0;  // topic, properties and payload
};

/// How many queue rows refer to one message.
struct StoredReferences {
    std::uint64_t message = 0;
    std::uint32_t rows = 0;
};

/// Everything a shard starts from. Loads no payload.
struct StoreImage {
    std::vector<StoredSession> sessions;
    std::vector<StoredRetained> retained;
    std::vector<StoredReferences> references;  // messages with one row or more, in order of number
    std::uint64_t next_number = 1;
    std::uint64_t bad_rows = 0;  // could not be read, and are left out
    Instant now{};               // logical time at start
};

}  // namespace ledge::journal
