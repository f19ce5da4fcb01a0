// StoreImage: everything that a shard starts from. The store loads it before the shard runs. The types here do not
// depend on LMDB.
//
// Grammar of the record bodies. Integers are big endian. src/journal/records.cpp writes and parses the bodies; the
// store keeps them unchanged.
//   session      := client_id:text16 expiry_interval_s:u32 expires_at:i64 flags:u8 [owner:text16] [will_size:u32 will]
//                   [deadline] [network:u64] [progress]
//                   flags: 1 the session has ended, 2 a will follows, 4 an owner follows (the user that the session
//                   belongs to), 8 the session is incomplete (damage has destroyed a part of it), 16 this record is
//                   not a session: it keeps only the will of a client whose session ends with its connection,
//                   32 a deadline follows
//                   network: NetworkId (base/network.hpp) of the anonymous client that is charged with the session;
//                   0 = none
//   deadline     := keep_alive_s:u16 will_due:i64    both of the will; will_due is the largest i64 while the client is
//                   connected
//   progress     := sent_until:u64 doubted_until:u64 known_until:u64 id_shift:u16    (SendingProgress)
//   will         := delay_s:u32 has_expiry:u8 expiry_interval_s:u32 publication
//   subscription := options:u8 subscription_id:u32 filter:text16 [as_of:u64 position:u64 rounds:u16]
//                   the last three only while retained messages remain to be sent (FeedProgress)
//   publication  := expires_at:i64 qos_retain:u8 topic:text16 properties_size:u32 properties [source:text16]
//                   payload(rest)
//                   qos_retain: bits 1 and 2 the QoS, 4 retain, 8 a source follows (journal/publication_source.hpp)
//   queued       := message:u64 bytes:u32 share_subscription:u32 packet_id:u16 state:u8 qos_retain:u8
//                   ids_size:variable ids(as properties) [queued_s:u32]
//                   qos_retain: bits 1 and 2 the QoS, 4 retain, 8 the row was stored while its client was connected
//                   queued_s: when the message was queued, in seconds of logical time; only in queues with rules
// Instants are microseconds of logical time: the broker's running time plus plausible wall-clock progress between two
// runs. An instant is never a reading of the wall clock.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "ledge/base/bytes.hpp"
#include "ledge/base/ids.hpp"
#include "ledge/base/time.hpp"
#include "ledge/journal/store_reader.hpp"

namespace ledge::journal {

/// One session with its small parts. The queue stays in the store; only queue rows that carry a packet id are loaded.
struct StoredSession {
    SessionNumber number = no_session;
    std::vector<Byte> record;
    std::vector<StoredRow> subscriptions;  // sorted by number
    std::vector<std::uint16_t> received;   // packet ids of inbound QoS 2 messages that are not released
    std::vector<StoredRow> inflight;       // queued records with a packet id, sorted by number
    std::uint64_t queued = 0;              // queue rows, rows in flight included
    std::uint64_t queued_bytes = 0;        // sum of the field `bytes` of all queue rows
    QueueRow first_queued = no_row;        // lowest number of a queue row; no_row = the queue is empty
    QueueRow last_queued = no_row;         // highest number of a queue row; no_row = the queue is empty
    QueueRow last_live = no_row;           // highest number of a row stored while the client was connected
};

/// One retained message without its payload.
struct StoredRetained {
    std::uint64_t number = 0;
    std::string topic;
    Instant expires_at = never;
    std::uint32_t bytes = 0;  // of topic, properties and payload together
};

/// How many queue rows refer to one message.
struct StoredReferences {
    MessageNumber message = no_message;
    std::uint32_t rows = 0;
};

/// Everything that a shard starts from. The image contains no payload of a queued or retained message.
struct StoreImage {
    std::vector<StoredSession> sessions;
    std::vector<StoredRetained> retained;
    std::vector<StoredReferences> references;  // messages with at least one row, sorted by number
    std::uint64_t next_number = 1;             // the numbers of sessions and messages continue here
    std::uint64_t bad_rows = 0;                // rows that could not be read; the image does not contain them
    Instant now{};                             // logical time at the start
};

}  // namespace ledge::journal
