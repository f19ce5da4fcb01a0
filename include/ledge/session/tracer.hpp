// Tracer: answers "where is my message". It tells up to four traces each stage in the life of the messages that an
// operator asks about, and it counts the messages that are dropped. Owned by the shard (CoreServices), on its thread.
//
// While no trace runs, Counters::traces is 0, and each stage costs one comparison with this number. Everything else is
// out of line. A message is known by its number: the number of its record in the store, or, while a trace runs and the
// message has no record, a number of the same series. So one number links the stages of a message, also after a restart
// of the broker.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ledge/base/ids.hpp"
#include "ledge/base/time.hpp"
#include "ledge/session/counters.hpp"
#include "ledge/session/effects.hpp"
#include "ledge/wire/packets.hpp"

namespace ledge::journal {
class Journal;
class Publication;
}  // namespace ledge::journal

namespace ledge::session {

struct Delivery;

enum class TraceStage : std::uint8_t {
    received,      // PUBLISH has come from a client, or the broker publishes a will
    refused,       // the broker does not accept a PUBLISH, SUBSCRIBE or CONNECT; the detail names the rule or limit
    matched,       // a subscription of the client matches
    queued,        // the message waits in the queue of the client; the detail says for what
    stored,        // the record of the message in the queue of the client is durable
    sent,          // PUBLISH was put into the output of the client's connection
    acknowledged,  // the client has acknowledged the message, or the broker has, to its publisher
    dropped,       // the client does not get the message; the detail says why
    expired,       // the same, because the message has waited for too long
    retained,      // the message was kept as retained message of its topic, or has removed it
    // Told only to traces of one client:
    connected,
    disconnected,
    subscribed,
    unsubscribed,
};
inline constexpr std::size_t trace_stages = 14;
/// "received".
std::string_view name_of(TraceStage stage);

/// One stage of one message, as the part of the core that notes it sees it. Borrows its texts for the call.
struct TraceFact {
    TraceStage stage{};
    std::string_view client_id;               // of the client that this stage concerns; "" = the broker itself
    std::string_view topic = {};              // "" = not known here, or of no topic
    MessageNumber message = no_message;       // no_message = not known here
    wire::QoS qos = wire::QoS::at_most_once;  // as received, queued or sent
    wire::PacketId packet_id = 0;             // 0 = none
    std::string_view detail = {};
};

/// One stage of one message, for the reader of a trace. Long texts are cut.
struct TraceEvent {
    Duration at{};  // since the trace began
    TraceStage stage{};
    wire::QoS qos{};
    wire::PacketId packet_id = 0;
    MessageNumber message = no_message;
    std::string client_id;
    std::string topic;
    std::string detail;
};

enum class TraceEnd : std::uint8_t {
    time,   // TraceOptions::lasts is over
    count,  // TraceOptions::events_max events have happened
};
std::string_view name_of(TraceEnd end);

/// What a trace tells. Requires a client id, a filter, or both: then both must match.
struct TraceOptions {
    std::string client_id;  // events of this client, and every stage of the messages that it publishes; "" = all
    std::string filter;     // a valid topic filter; "" = all topics
    Duration lasts{};
    std::uint32_t events_max = 1000;
};

/// What has happened since the last call of Tracer::read().
struct TraceReport {
    std::vector<TraceEvent> events;
    std::uint64_t lost = 0;  // events that were not kept, because the reader was too slow
    std::optional<TraceEnd> end{};
};

/// A message that does not reach a session, see Tracer::drop().
struct Drop {
    std::uint64_t Counters::*reason;
    std::string_view client_id;
    std::string_view topic = {};
    MessageNumber message = no_message;
    wire::QoS qos = wire::QoS::at_most_once;
    wire::PacketId packet_id = 0;
    std::uint64_t count = 1;  // messages
};

using TraceNumber = StrongId<struct TraceNumberTag, std::uint32_t>;

class Tracer {
public:
    static constexpr std::size_t traces_max = 4;
    // For each trace, what waits for its reader. An event beyond these limits is lost, and counted.
    static constexpr std::size_t waiting_events_max = 1000;
    static constexpr std::size_t waiting_bytes_max = 256 * 1024;
    /// The longest text of an event in bytes.
    static constexpr std::size_t text_bytes_max = 512;
    /// Messages that a trace recognizes by their number, and records whose commit it waits for.
    static constexpr std::size_t followed_max = 256;
    static constexpr std::size_t records_max = 512;

    explicit Tracer(Counters& counters);
    ~Tracer();
    Tracer(const Tracer&) = delete;
    Tracer& operator=(const Tracer&) = delete;
    /// The time of the shard's turn, and the effect of the packet that is processed. Both outlive the tracer. Without
    /// them, each event has the time at which the trace began.
    void watch(const Instant& turn, const Effect& effect) {
        turn_ = &turn;
        effect_ = &effect;
    }

    // ---- For operators

    /// Empty when traces_max traces have not been ended.
    std::optional<TraceNumber> begin(TraceOptions options, Instant now);
    /// Moves at most `events_max` events, the oldest first, to the report. The report has an end when the trace is over
    /// and its last event was read. False when there is no such trace.
    bool read(TraceNumber number, Instant now, std::size_t events_max, TraceReport& report);
    /// Frees the trace, whether it is over or not.
    void end(TraceNumber number);

    // ---- For the core: stages. To be called only while is_on().

    bool is_on() const { return counters_.traces != 0; }
    [[gnu::cold, gnu::noinline]] void note(const TraceFact& fact);
    /// Gives a number to a publication that is routed from now on, until the next call.
    void identify(const journal::Publication& publication, journal::Journal& journal);
    /// The number that identify() gave last.
    MessageNumber routed() const { return routed_; }
    /// The number of the record that a publication gets: the one that identify() has given, at most once; otherwise a
    /// new one.
    MessageNumber number_of_record(const journal::Publication& publication, journal::Journal& journal);
    /// False for a will, and for what the broker or a part of the program publishes.
    bool is_from_packet(const journal::PublicationView& publication) const;
    /// The packet id with which a publication that is routed now has come; 0 = it comes from no packet, or is of QoS 0.
    wire::PacketId packet_id_of(const journal::PublicationView& publication) const;
    /// PUBACK, PUBREC or PUBCOMP to a publisher, or PUBREL to a subscriber.
    [[gnu::cold, gnu::noinline]] void note_answer(std::string_view client_id, wire::PacketType type, wire::PacketId id,
                                                  wire::ReasonCode code);
    [[gnu::cold, gnu::noinline]] void note_delivery(TraceStage stage, std::string_view client_id,
                                                    const Delivery& delivery, wire::PacketId id,
                                                    std::string_view detail);
    /// A record of the message waits for its commit, or need not be written any more. `fact` has the stage `stored`.
    [[gnu::cold, gnu::noinline]] void await_commit(const TraceFact& fact, Ticket ticket);
    [[gnu::cold, gnu::noinline]] void await_commit(std::string_view client_id, const Delivery& delivery);
    [[gnu::cold, gnu::noinline]] void forget_record(Ticket ticket);
    [[gnu::cold, gnu::noinline]] void note_committed(Ticket last);

    // ---- Drops, also while no trace runs

    /// Counts messages that do not reach a session, and tells the traces. No other function raises these counters.
    void drop(const Drop& drop);
    /// The same for a delivery that has been in the queue of the session.
    void drop(std::uint64_t Counters::*reason, std::string_view client_id, const Delivery& delivery,
              wire::PacketId id = 0);

private:
    struct Trace;
    /// A record that waits for its commit.
    struct Record {
        Ticket ticket;
        MessageNumber message;
        wire::QoS qos{};
        std::string client_id;
        std::string topic;
        std::string detail;
    };

    Trace* find(TraceNumber number);
    void count_running();
    Instant now() const;

    Counters& counters_;
    const Instant* turn_ = nullptr;
    const Effect* effect_ = nullptr;
    std::array<std::unique_ptr<Trace>, traces_max> traces_;
    std::deque<Record> records_;
    MessageNumber routed_ = no_message;
    MessageNumber unused_ = no_message;  // as routed_, until a record has the number
    TraceNumber last_number_{};
};

}  // namespace ledge::session
