// Tracer: what a trace wants to know, what it remembers to recognize a message, and what waits for its reader. All of
// it is bounded, and none of it exists while no trace runs.
#include "ledge/session/tracer.hpp"

#include <algorithm>
#include <utility>

#include "ledge/base/assert.hpp"
#include "ledge/journal/journal.hpp"
#include "ledge/session/delivery.hpp"
#include "ledge/topic/name.hpp"

namespace ledge::session {

namespace {

// In the order of TraceStage.
constexpr std::array<std::string_view, trace_stages> stage_names = {
    "received", "refused", "matched",  "queued",    "stored",       "sent",       "acknowledged",
    "dropped",  "expired", "retained", "connected", "disconnected", "subscribed", "unsubscribed"};

/// Every way to lose a message, as the event of a trace says it.
struct DropWords {
    std::uint64_t Counters::*counter;
    TraceStage stage;
    std::string_view detail;
};
constexpr DropWords drop_words[] = {
    {&Counters::dropped_cleared, TraceStage::dropped, "an operator has cleared the queue"},
    {&Counters::dropped_slow_reader, TraceStage::dropped, "the client reads too slowly (limits.outbox_bytes_max)"},
    {&Counters::dropped_memory, TraceStage::dropped, "memory is short (memory.budget_bytes)"},
    {&Counters::dropped_queue_full, TraceStage::dropped, "the queue of the client is full (limits.overflow)"},
    {&Counters::dropped_too_large, TraceStage::dropped, "larger than the Maximum Packet Size of the client"},
    {&Counters::dropped_expired, TraceStage::expired, "the message has waited for too long"},
    {&Counters::dropped_replaced, TraceStage::dropped, "a newer message of the topic has come (last_value)"},
    {&Counters::dropped_not_allowed, TraceStage::dropped, "the client may no longer read the topic"},
    {&Counters::dropped_session_ended, TraceStage::dropped, "the session has ended before the message was delivered"},
    {&Counters::dropped_unreadable, TraceStage::dropped, "the store cannot return the message, or has failed"},
};
static_assert(std::size(drop_words) == drop_counters.size(), "each counter of drops needs words for the traces");

// A cut in the middle of a character would make the text invalid.
std::string cut_text(std::string_view text) {
    if (text.size() <= Tracer::text_bytes_max) return std::string(text);
    std::size_t size = Tracer::text_bytes_max;
    while (size > 0 && (static_cast<unsigned char>(text[size]) & 0xC0U) == 0x80U) --size;
    return std::string(text.substr(0, size)) + "...";
}

std::size_t event_bytes(const TraceEvent& event) {
    return sizeof event + event.client_id.size() + event.topic.size() + event.detail.size();
}

bool is_of_session(TraceStage stage) { return stage >= TraceStage::connected; }

/// Adds to a list that keeps the newest `most` elements.
template <class T>
void push_bounded(std::deque<T>& list, T&& element, std::size_t most) {
    if (list.size() >= most) list.pop_front();
    list.push_back(std::move(element));
}

}  // namespace

std::string_view name_of(TraceStage stage) { return stage_names[static_cast<std::size_t>(stage)]; }

std::string_view name_of(TraceEnd end) { return end == TraceEnd::time ? "time" : "count"; }

struct Tracer::Trace {
    /// A message that this trace has told of: events that do not know their topic are recognized by its number.
    struct Followed {
        MessageNumber message;
        bool is_whole;  // the client of the trace has published the message: all stages are told
        std::string topic;
    };
    /// A packet id in use, for acknowledgements, which know nothing else.
    struct Exchange {
        std::string client_id;
        wire::PacketId packet_id;
        bool is_inbound;
        MessageNumber message;
    };

    TraceNumber number;
    TraceOptions options;
    Instant began;
    std::uint64_t events = 0;  // those that were lost included
    std::uint64_t lost = 0;    // since the last read
    std::size_t waiting_bytes = 0;
    std::deque<TraceEvent> waiting;
    std::deque<Followed> followed;
    std::deque<Exchange> exchanges;
    std::optional<TraceEnd> over;

    const Followed* find(MessageNumber message) const;
    MessageNumber message_of(const TraceFact& fact, bool is_inbound) const;
    bool wants(const TraceFact& fact) const;
    void remember(const TraceFact& fact);
    void keep(const TraceFact& fact, Instant now);
    void expire(Instant now) {
        if (!over && now - began >= options.lasts) over = TraceEnd::time;
    }
};

const Tracer::Trace::Followed* Tracer::Trace::find(MessageNumber message) const {
    if (message == no_message) return nullptr;
    const auto found = std::find_if(followed.rbegin(), followed.rend(),
                                    [message](const Followed& one) { return one.message == message; });
    return found == followed.rend() ? nullptr : &*found;
}

// The newest exchange counts, because a packet id is used again.
MessageNumber Tracer::Trace::message_of(const TraceFact& fact, bool is_inbound) const {
    const auto found = std::find_if(exchanges.rbegin(), exchanges.rend(), [&](const Exchange& one) {
        return one.packet_id == fact.packet_id && one.is_inbound == is_inbound && one.client_id == fact.client_id;
    });
    return found == exchanges.rend() ? no_message : found->message;
}

bool Tracer::Trace::wants(const TraceFact& fact) const {
    const bool is_client = fact.client_id == options.client_id;
    if (is_of_session(fact.stage)) return !options.client_id.empty() && is_client;
    const Followed* known = find(fact.message);
    if (!options.client_id.empty() && !is_client && (known == nullptr || !known->is_whole)) return false;
    if (options.filter.empty()) return true;
    return fact.topic.empty() ? known != nullptr : topic::matches(options.filter, fact.topic);
}

void Tracer::Trace::remember(const TraceFact& fact) {
    if (fact.message == no_message) return;
    const bool is_inbound = fact.stage == TraceStage::received;
    if (find(fact.message) == nullptr)
        push_bounded(followed, {fact.message, is_inbound && fact.client_id == options.client_id, cut_text(fact.topic)},
                     followed_max);
    if (fact.packet_id != 0 && (is_inbound || fact.stage == TraceStage::sent))
        push_bounded(exchanges, {std::string(fact.client_id), fact.packet_id, is_inbound, fact.message}, followed_max);
}

void Tracer::Trace::keep(const TraceFact& fact, Instant now) {
    TraceEvent event{now - began,          fact.stage,           fact.qos,
                     fact.packet_id,       fact.message,         cut_text(fact.client_id),
                     cut_text(fact.topic), cut_text(fact.detail)};
    if (const Followed* known = find(fact.message); known != nullptr && fact.topic.empty())
        event.topic = known->topic;  // is cut already
    const std::size_t bytes = event_bytes(event);
    ++events;
    if (events >= options.events_max) over = TraceEnd::count;
    if (waiting.size() >= waiting_events_max || waiting_bytes + bytes > waiting_bytes_max) {
        ++lost;
        return;
    }
    waiting_bytes += bytes;
    waiting.push_back(std::move(event));
}

Tracer::Tracer(Counters& counters) : counters_(counters) {}
Tracer::~Tracer() = default;

// ---------------------------------------------------------------------------------------------------------------------
// For operators

std::optional<TraceNumber> Tracer::begin(TraceOptions options, Instant now) {
    LEDGE_ASSERT(!options.client_id.empty() || !options.filter.empty());
    const auto free = std::ranges::find_if(traces_, [](const auto& trace) { return trace == nullptr; });
    if (free == traces_.end()) return std::nullopt;
    *free = std::make_unique<Trace>();
    (*free)->number = ++last_number_;
    (*free)->options = std::move(options);
    (*free)->began = now;
    count_running();
    return last_number_;
}

bool Tracer::read(TraceNumber number, Instant now, std::size_t events_max, TraceReport& report) {
    Trace* trace = find(number);
    if (trace == nullptr) return false;
    trace->expire(now);
    count_running();
    report = {};
    while (!trace->waiting.empty() && report.events.size() < events_max) {
        trace->waiting_bytes -= event_bytes(trace->waiting.front());
        report.events.push_back(std::move(trace->waiting.front()));
        trace->waiting.pop_front();
    }
    report.lost = std::exchange(trace->lost, 0);
    if (trace->waiting.empty()) report.end = trace->over;
    return true;
}

void Tracer::end(TraceNumber number) {
    for (std::unique_ptr<Trace>& trace : traces_)
        if (trace != nullptr && trace->number == number) trace.reset();
    count_running();
}

Tracer::Trace* Tracer::find(TraceNumber number) {
    for (const std::unique_ptr<Trace>& trace : traces_)
        if (trace != nullptr && trace->number == number) return trace.get();
    return nullptr;
}

void Tracer::count_running() {
    counters_.traces = static_cast<std::uint64_t>(
        std::ranges::count_if(traces_, [](const auto& trace) { return trace != nullptr && !trace->over; }));
    if (counters_.traces == 0) records_.clear();
}

// ---------------------------------------------------------------------------------------------------------------------
// Stages

void Tracer::note(const TraceFact& fact) {
    for (const std::unique_ptr<Trace>& trace : traces_) {
        if (trace == nullptr) continue;
        const Instant now = turn_ == nullptr ? trace->began : *turn_;
        trace->expire(now);
        if (trace->over || !trace->wants(fact)) continue;
        trace->remember(fact);
        trace->keep(fact, now);
    }
    count_running();
}

void Tracer::identify(const journal::Publication& publication, journal::Journal& journal) {
    routed_ = unused_ = MessageNumber(journal.new_number());
    publication.set_message(routed_, no_ticket);
}

// A number whose record was removed already must not come back: the removal may still wait for its commit.
MessageNumber Tracer::number_of_record(const journal::Publication& publication, journal::Journal& journal) {
    const bool is_unused = unused_ != no_message && publication.message() == unused_;
    return is_unused ? std::exchange(unused_, no_message) : MessageNumber(journal.new_number());
}

bool Tracer::is_from_packet(const journal::PublicationView& publication) const {
    const auto* route = effect_ == nullptr ? nullptr : std::get_if<RoutePublication>(effect_);
    return route != nullptr && &route->publication == &publication;
}

wire::PacketId Tracer::packet_id_of(const journal::PublicationView& publication) const {
    return is_from_packet(publication) ? std::get<RoutePublication>(*effect_).packet_id : wire::PacketId{0};
}

void Tracer::note_answer(std::string_view client_id, wire::PacketType type, wire::PacketId id, wire::ReasonCode code) {
    const bool is_to_publisher = type != wire::PacketType::pubrel;
    std::string detail(wire::name_of(type));
    detail += is_to_publisher ? " to the publisher" : " to the subscriber, which has sent pubrec";
    if (code != wire::ReasonCode::success) detail.append(": ").append(wire::name_of(code));
    TraceFact fact{.stage = TraceStage::acknowledged, .client_id = client_id, .packet_id = id, .detail = detail};
    // The packet does not say which message it belongs to. Each trace that has told of the exchange knows it.
    for (const std::unique_ptr<Trace>& trace : traces_)
        if (trace != nullptr && fact.message == no_message) fact.message = trace->message_of(fact, is_to_publisher);
    note(fact);
}

void Tracer::note_delivery(TraceStage stage, std::string_view client_id, const Delivery& delivery, wire::PacketId id,
                           std::string_view detail) {
    TraceFact fact{.stage = stage,
                   .client_id = client_id,
                   .message = delivery.message,
                   .qos = delivery.qos,
                   .packet_id = id,
                   .detail = detail};
    if (delivery.publication) {
        fact.topic = delivery.publication.view().topic;
        if (fact.message == no_message) fact.message = delivery.publication.message();
    }
    // A QoS 2 exchange frees its publication at PUBREC. Only the packet id is left.
    for (const std::unique_ptr<Trace>& trace : traces_)
        if (trace != nullptr && id != 0 && fact.message == no_message) fact.message = trace->message_of(fact, false);
    note(fact);
}

void Tracer::await_commit(std::string_view client_id, const Delivery& delivery) {
    const std::string_view topic = delivery.publication ? delivery.publication.view().topic : std::string_view();
    await_commit({TraceStage::stored, client_id, topic, delivery.message, delivery.qos}, delivery.ticket);
}

void Tracer::await_commit(const TraceFact& fact, Ticket ticket) {
    LEDGE_ASSERT(fact.stage == TraceStage::stored);
    if (ticket == no_ticket || ticket == never_durable) return;
    // The records of other messages must not fill the list.
    const auto is_wanted = [&](const auto& trace) { return trace != nullptr && !trace->over && trace->wants(fact); };
    if (std::ranges::none_of(traces_, is_wanted)) return;
    // A long topic is not kept: the traces that want the event know the message by its number.
    const bool is_short = fact.topic.size() <= text_bytes_max;
    push_bounded(records_,
                 {ticket, fact.message, fact.qos, std::string(fact.client_id),
                  std::string(is_short ? fact.topic : std::string_view()), std::string(fact.detail)},
                 records_max);
}

void Tracer::forget_record(Ticket ticket) {
    std::erase_if(records_, [ticket](const Record& record) { return record.ticket == ticket; });
}

void Tracer::note_committed(Ticket last) {
    for (std::size_t left = records_.size(); left > 0; --left) {
        // An event may end the last trace, which forgets all records.
        if (records_.empty()) return;
        Record record = std::move(records_.front());
        records_.pop_front();
        if (record.ticket > last)
            records_.push_back(std::move(record));
        else
            note({TraceStage::stored, record.client_id, record.topic, record.message, record.qos, 0, record.detail});
    }
}

// ---------------------------------------------------------------------------------------------------------------------
// Drops

void Tracer::drop(const Drop& drop) {
    counters_.*drop.reason += drop.count;
    if (!is_on()) return;
    const auto* words = std::ranges::find(drop_words, drop.reason, &DropWords::counter);
    LEDGE_ASSERT(words != std::end(drop_words));
    std::string detail(words->detail);
    if (drop.count > 1) detail += ": " + std::to_string(drop.count) + " messages";
    note({words->stage, drop.client_id, drop.topic, drop.message, drop.qos, drop.packet_id, detail});
}

void Tracer::drop(std::uint64_t Counters::*reason, std::string_view client_id, const Delivery& delivery,
                  wire::PacketId id) {
    const bool is_loaded = static_cast<bool>(delivery.publication);
    drop({.reason = reason,
          .client_id = client_id,
          .topic = is_loaded ? delivery.publication.view().topic : std::string_view(),
          .message = delivery.message == no_message && is_loaded ? delivery.publication.message() : delivery.message,
          .qos = delivery.qos,
          .packet_id = id});
}

}  // namespace ledge::session
