// Record: one change of one row of the store. Batch: the records of one commit.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "ledge/base/bytes.hpp"
#include "ledge/base/time.hpp"
#include "ledge/journal/ticket.hpp"

namespace ledge::journal {

/// What a row of the store holds. How the rows are laid out is the store's affair: the table of traits in
/// src/storage/table_traits.hpp gives each kind its key, its class of writes, its parser and its dump.
enum class RecordKind : std::uint8_t {
    session,       // a session record; its key is Record::session
    subscription,  // a subscription record of a session; Record::number counts the session's subscriptions
    received,      // nothing; Record::number is the packet id of an inbound QoS 2 message that is not released yet
    retained,      // a publication record; its key is Record::number
    queued,        // a queued record; Record::number is its position in the session's queue
    message,       // a publication record, once for all queues that refer to it; its key is Record::number
};
inline constexpr std::size_t record_kinds = 6;

enum class Change : std::uint8_t {
    put,   // the row has this body from now on, whether it existed or not
    drop,  // the row is gone; with a session, all its subscriptions, received ids and queued rows
};

/// What a write to the store is for: the account of flash wear is kept per class.
enum class WriteClass : std::uint8_t { sessions, queues, messages, retained };
inline constexpr std::size_t write_classes = 4;

/// One change. `session` and `number` are the key; `session` is 0 for kinds that have none.
struct Record {
    RecordKind kind = RecordKind::message;
    Change change = Change::drop;
    std::uint32_t body_offset = 0;  // in Batch::bodies
    std::uint32_t body_size = 0;    // bytes; 0 for drop
    std::uint64_t session = 0;
    std::uint64_t number = 0;
};

/// All records up to a ticket, self-contained: a batch may cross threads. One transaction writes them, in order.
struct Batch {
    std::vector<Record> records;
    std::vector<Byte> bodies;
    Ticket last = 0;                // this ticket and all before it are durable when the batch is
    std::uint64_t next_number = 1;  // all numbers of sessions, messages and retained messages in use are below
    Instant now{};                  // logical time, for the record of the clock

    Bytes body(const Record& record) const { return Bytes(bodies).subspan(record.body_offset, record.body_size); }
};

}  // namespace ledge::journal
