// Record: one change of one row of the store. Batch: the records of one commit, made by the journal on the shard's
// thread and written by the store on the committer's thread.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "ledge/base/bytes.hpp"
#include "ledge/base/ids.hpp"
#include "ledge/base/time.hpp"

namespace ledge::journal {

/// What a row of the store contains. The store decides on the layout of the rows: src/storage/table_traits.hpp gives
/// each kind its key, its class of writes, its parser and its dump.
enum class RecordKind : std::uint8_t {
    session,       // a session record; the key is Record::session
    subscription,  // a subscription record of a session; Record::number counts the session's subscriptions
    received,  // an empty body; Record::number is the packet id of an inbound QoS 2 message that is not released yet
    retained,  // a publication record; the key is Record::number
    queued,    // a queued record; Record::number is the position in the session's queue
    message,   // a publication record, stored once for all queues that refer to it; the key is Record::number
};
inline constexpr std::size_t record_kinds = 6;

enum class Change : std::uint8_t {
    put,   // writes the row, whether it existed or not
    drop,  // removes the row; for a session, also its subscriptions, received ids and queue rows
};

/// One change. `session` and `number` form the key; `session` is no_session for kinds whose key has
/// no session.
struct Record {
    RecordKind kind = RecordKind::message;
    Change change = Change::drop;
    std::uint32_t body_offset = 0;  // in Batch::bodies, in bytes
    std::uint32_t body_size = 0;    // in bytes; 0 for Change::drop
    SessionNumber session = no_session;
    std::uint64_t number = 0;
};

/// All records up to one ticket. One transaction writes them, in order. The batch refers to nothing outside, so it may
/// move to another thread.
struct Batch {
    std::vector<Record> records;
    std::vector<Byte> bodies;
    Ticket last = no_ticket;        // when the batch is durable, this ticket and all earlier tickets are durable
    std::uint64_t next_number = 1;  // higher than all numbers of sessions, messages and retained messages in use
    Instant now{};                  // logical time; the store keeps it for the next start

    Bytes body(const Record& record) const { return Bytes(bodies).subspan(record.body_offset, record.body_size); }
};

}  // namespace ledge::journal
