// Ledger: what was published and acknowledged, who was owed it, what arrived. It knows nothing of sockets; it lives in
// the load program, which outlives every broker that is killed, so nothing in it is ever forgotten.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "ledge/base/bytes.hpp"
#include "ledge/wire/types.hpp"

namespace ledge::crash {

using StreamId = std::uint32_t;
using Sequence = std::uint32_t;  // 1, 2, ... within a stream
using wire::QoS;

enum class Count : std::uint8_t {
    // Figures
    issued,     // PUBLISH packets handed to a publisher's window, each once
    accepted,   // PUBACK or PUBREC that took the responsibility
    refused,    // PUBACK or PUBREC with an error code
    delivered,  // arrivals that were new to their subscriber
    repeated,   // QoS 1 arrivals that were not new: allowed
    wills,      // wills that were owed
    // Broken promises
    lost,               // acknowledged, owed, never arrived
    duplicated_qos2,    // arrived twice as new, by the receiver's packet ids
    out_of_order,       // first arrivals of one stream
    sessions_lost,      // session present 0 after state was acknowledged
    stale_retained,     // a retained message older than the last acknowledged update
    retained_missing,   // no retained message where one was acknowledged
    wills_lost,         // a will of a stored session that never came
    resurrected,        // from before a clean start
    packet_id_reused,   // another message under a QoS 2 packet id that is still in use
    damaged,            // wrong payload, topic or QoS, or a message nobody sent
    acks_out_of_order,  // PUBACK or PUBREC not in the order of the PUBLISH packets [MQTT-4.6.0-2] [MQTT-4.6.0-3]
    stuck,              // exchanges that never end although the broker is left alone
    count_,
};
inline constexpr std::size_t counts = static_cast<std::size_t>(Count::count_);
std::string_view name_of(Count count);

/// What an acknowledgement on a topic promises for the time after a crash (README.md of the broker).
enum class Level : std::uint8_t {
    durable,  // the message is there
    relaxed,  // it is there, unless the crash came before the commit that follows
    ram,      // nothing
};

/// One topic at one QoS of one publisher.
struct Stream {
    std::string topic;
    QoS qos = QoS::at_least_once;
    bool is_retained = false;  // every fifth update clears the topic
    Level level = Level::durable;
};

/// What one persistent session, or one shared group of them, is owed and got.
class Account {
public:
    Account(std::string name, bool is_ordered) : name_(std::move(name)), is_ordered_(is_ordered) {}

private:
    friend class Ledger;
    struct PerStream {
        bool has(Sequence sequence) const { return sequence < has_arrived.size() && has_arrived[sequence]; }
        bool is_subscribed = false;
        QoS granted = QoS::at_most_once;
        Sequence owed_from = 0;         // 0: not yet owed anything
        Sequence allowed_from = 1;      // older ones belong to a session that was cleared
        Sequence highest_first = 0;     // of the first arrivals
        std::vector<bool> has_arrived;  // by sequence, of all rounds: what no level promises may come in a later one
    };
    PerStream& at(StreamId stream) {
        if (streams_.size() <= stream) streams_.resize(stream + 1);
        return streams_[stream];
    }

    std::string name_;
    bool is_ordered_;
    std::vector<PerStream> streams_;
};

struct Arrival {
    StreamId stream = 0;
    Sequence sequence = 0;
    friend bool operator==(const Arrival&, const Arrival&) = default;
};

class Ledger {
public:
    StreamId add_stream(Stream stream);
    const Stream& stream(StreamId id) const { return streams_[id].facts; }
    std::size_t stream_count() const { return streams_.size(); }

    // Publishers
    Sequence issue(StreamId stream);
    void accept(StreamId stream, Sequence sequence);
    void refuse(StreamId stream, Sequence sequence, bool is_repeated);
    void finish(StreamId stream, Sequence sequence);
    /// All up to this one are finished.
    Sequence finished_prefix(StreamId stream) const { return streams_[stream].finished_prefix; }
    /// The newest of those that no crash may have taken back.
    Sequence certain_prefix(StreamId stream) const { return streams_[stream].certain_prefix; }
    Sequence last_issued(StreamId stream) const { return streams_[stream].next - 1; }

    // Subscribers
    void subscribing(Account& account, StreamId stream, QoS granted);  // first SUBSCRIBE of a fresh session goes out
    void subscribed(Account& account, StreamId stream);                // its SUBACK has arrived
    void arrived(Account& account, const Arrival& arrival, QoS qos, bool is_new);
    /// The broker is gone, killed or ended in order: what its levels do not promise to keep is not owed any more.
    void broker_ended(bool in_order);

    /// Every accepted message that is owed has arrived.
    bool is_complete(const Account& account) const;
    /// Counts what is missing for good.
    void close_books(const Account& account);
    /// Forgets what was published up to here: the books of all accounts must be closed.
    void next_round();

    void count(Count what, std::uint64_t by = 1) { totals_[static_cast<std::size_t>(what)] += by; }
    /// Counts a broken promise and keeps a sentence about it (the first 40 of a round).
    void broken(Count what, std::string sentence);
    std::uint64_t total(Count what) const { return totals_[static_cast<std::size_t>(what)]; }
    std::vector<std::string> take_findings();

    std::uint32_t cycle = 0;  // of the rig; says in findings when something was acknowledged

private:
    enum class State : std::uint8_t { issued, accepted, refused, finished };
    struct Entry {
        bool is_owed() const { return is_accepted && !is_excused; }
        State state = State::issued;
        bool is_accepted = false;
        bool is_excused = false;  // an end of the broker may have taken it away, or it was refused when it came again
        std::uint32_t cycle = 0;
        std::uint64_t issued_at = 0;    // in the order of all events of all streams
        std::uint64_t accepted_at = 0;  // the same
    };
    struct Book {
        Stream facts;
        Sequence base = 1;  // of entries[0]
        Sequence next = 1;
        Sequence finished_prefix = 0;
        Sequence certain_prefix = 0;
        std::vector<Entry> entries;
    };
    bool may_be_lost(const Stream& facts, const Entry& entry, bool in_order) const;
    Entry* entry(StreamId stream, Sequence sequence);
    void advance_prefix(Book& book);
    std::string where(const Account& account, const Arrival& arrival) const;

    std::vector<Book> streams_;
    std::array<std::uint64_t, counts> totals_{};
    std::vector<std::string> findings_;
    std::uint64_t events_ = 0;
    // What was accepted before this event is on stable storage: a durable QoS 2 message was issued then, and PUBREC for
    // it says that all that the broker had to write until then is written. (PUBACK does not: its message may have been
    // acknowledged by all subscribers instead.)
    std::uint64_t fence_ = 0;
};

/// Payload of a message: stream:u32 sequence:u32 and a pattern that follows from both; its length does too.
void fill_payload(const Arrival& arrival, std::vector<Byte>& payload);
/// {0, 0} when the bytes are not exactly what fill_payload makes.
Arrival read_payload(Bytes payload);

}  // namespace ledge::crash
