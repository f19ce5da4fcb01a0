// The records of one session in the store. SessionRecordWriter writes the record of a session that outlives its
// connection. WillRecordWriter writes the record of a will whose session ends with its connection. Parts of a Session,
// on the shard's thread.
#pragma once

#include <cstdint>
#include <string>
#include <utility>

#include "ledge/base/bytes.hpp"
#include "ledge/base/ids.hpp"
#include "ledge/base/time.hpp"

namespace ledge::journal {
class Journal;
enum class Urgency : std::uint8_t;
struct SessionRecord;
}  // namespace ledge::journal

namespace ledge::session {

class SessionRecordWriter {
public:
    SessionRecordWriter(journal::Journal& journal, std::string client_id)
        : journal_(journal), client_id_(std::move(client_id)) {}

    const std::string& client_id() const { return client_id_; }

    /// The session's number in the store; no_session = the session has no record.
    SessionNumber number() const { return number_; }

    /// Creates the record, or brings it up to date. Nothing is written when the record has this content already, or
    /// when there is no store.
    void put(const journal::SessionRecord& record, journal::Urgency urgency);
    /// Removes the record. The store removes all other records of the session in the same commit.
    void drop(journal::Urgency urgency);
    /// The session has ended, and its queue stays in the store until the broker removes the rows.
    void mark_ended(journal::Urgency urgency);

    /// The ticket of the record's last change.
    Ticket ticket() const { return ticket_; }
    /// The record in its last form is on stable storage, or there is none.
    bool is_durable() const;
    /// The record in some form is on stable storage, or there is no record. A crash then does not lose the session.
    bool survives_crash() const;
    /// When the session ends, as the record says; `never` also for a session whose client is connected.
    Instant expiry() const { return expiry_; }
    /// True when the record has this expiry interval, and has a will or not as given. The record may still be pending.
    bool agrees_with(std::uint32_t expiry_interval_s, bool has_will) const {
        return expiry_interval_s_ == expiry_interval_s && has_will_ == has_will;
    }

    /// The store has a record already. `body` = the record as put() has encoded it. `expiry` = the end that it
    /// contains.
    void restore(SessionNumber number, Bytes body, Instant expiry);

private:
    journal::Journal& journal_;
    std::string client_id_;
    SessionNumber number_ = no_session;
    Ticket ticket_ = no_ticket;
    Ticket creation_ticket_ = no_ticket;  // of the record's first form; no_ticket also when an older process wrote it
    std::uint64_t body_hash_ = 0;
    Instant expiry_ = never;
    std::uint32_t expiry_interval_s_ = 0;
    bool has_will_ = false;
};

class WillRecordWriter {
public:
    explicit WillRecordWriter(journal::Journal& journal) : journal_(journal) {}

    void put(const journal::SessionRecord& record, journal::Urgency urgency);
    void drop(journal::Urgency urgency);
    /// The store has record `number` already.
    void restore(SessionNumber number) {
        number_ = number;
        is_written_ = true;
    }
    /// Leaves the record behind for the next start of the broker.
    void leave_behind() {
        number_ = no_session;
        is_written_ = false;
    }

private:
    bool is_pending() const;

    journal::Journal& journal_;
    SessionNumber number_ = no_session;  // no_session = there is no record
    Ticket ticket_ = no_ticket;          // of the record's last change
    bool is_written_ = false;            // a batch has taken the record in some form
};

}  // namespace ledge::session
