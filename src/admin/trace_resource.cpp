// GET /trace: what becomes of the messages of a client or a topic, as server-sent events:
//
//     event: trace   {"t_us","stage","client_id","topic","qos","packet_id","message","detail"}
//     event: lost    {"events"}            this many events were not kept, because the reader was too slow
//     event: end     {"reason","events"}   the reason is "time" or "count"
//
// A trace ends when its reader goes. Then the broker does the work of a trace for nobody.
#include "ledge/broker/shard.hpp"
#include "ledge/session/tracer.hpp"
#include "ledge/topic/name.hpp"
#include "resources.hpp"
#include "site.hpp"

namespace ledge::admin {
namespace {

constexpr NumberRange trace_seconds{1, 600};
constexpr std::uint64_t trace_seconds_default = 60;
constexpr NumberRange trace_events{1, 100'000};
constexpr std::uint64_t trace_events_default = 1000;

/// The events of the last moment go out together. An operator does not notice the delay.
constexpr Duration trace_interval = 100ms;
/// After such a silence a comment is sent, so that proxies and the reader know that the trace runs.
constexpr Duration trace_heartbeat = 15s;
/// Room for one event: three texts of which each byte may be escaped in JSON, and the rest.
constexpr std::size_t trace_event_bytes_max = 3 * 6 * session::Tracer::text_bytes_max + 512;

std::string event_text(const session::TraceEvent& event) {
    JsonWriter body;
    body.number("t_us", static_cast<std::int64_t>(event.at.count()));
    body.text("stage", name_of(event.stage));
    body.text("client_id", event.client_id);
    body.text("topic", event.topic);
    body.number("qos", static_cast<std::uint64_t>(event.qos));
    body.number("packet_id", std::uint64_t{event.packet_id});
    if (event.message == no_message)
        body.null("message");
    else
        body.number("message", event.message.value());
    body.text("detail", event.detail);
    return server_sent_event("trace", body.finish());
}

/// Carries the events of one trace to its reader.
class TraceStream final : public Ongoing {
public:
    TraceStream(session::Tracer& tracer, session::TraceNumber number, transport::HttpStream stream)
        : tracer_(tracer), number_(number), stream_(std::move(stream)) {}
    ~TraceStream() override { tracer_.end(number_); }

    std::optional<Instant> go_on(Instant now) override {
        if (!stream_.is_open()) return std::nullopt;
        // What the reader has no room for stays with the tracer, which has a bound.
        const std::size_t events_max = stream_.room() / trace_event_bytes_max;
        session::TraceReport report;
        if (events_max > 0 && tracer_.read(number_, now, events_max, report)) write(report, now);
        if (report.end) return std::nullopt;
        return now + trace_interval;
    }

private:
    void write(const session::TraceReport& report, Instant now) {
        std::string text;
        for (const session::TraceEvent& event : report.events) text += event_text(event);
        told_ += report.events.size();
        if (report.lost > 0) text += event_with_count("lost", report.lost, {});
        if (report.end) text += event_with_count("end", told_, name_of(*report.end));
        if (text.empty() && now >= heartbeat_at_) text = ": the trace runs\n\n";
        if (text.empty()) return;
        heartbeat_at_ = now + trace_heartbeat;
        stream_.write(text);
    }

    static std::string event_with_count(std::string_view name, std::uint64_t events, std::string_view reason) {
        JsonWriter body;
        if (!reason.empty()) body.text("reason", reason);
        body.number("events", events);
        return server_sent_event(name, body.finish());
    }

    session::Tracer& tracer_;
    session::TraceNumber number_;
    transport::HttpStream stream_;
    std::uint64_t told_ = 0;                 // events
    Instant heartbeat_at_ = Instant::min();  // the first one comes at once: the reader knows that the trace runs
};

}  // namespace

void get_trace(Site& site, ApiRequest request) {
    session::TraceOptions options;
    options.client_id = request.query("client_id").value_or("");
    options.filter = request.query("filter").value_or("");
    options.lasts = std::chrono::seconds(request.query_number("seconds", trace_seconds, trace_seconds_default));
    options.events_max =
        static_cast<std::uint32_t>(request.query_number("events_max", trace_events, trace_events_default));
    if (options.client_id.empty() && options.filter.empty())
        request.complain("client_id", "name a client by client_id, topics by filter, or both");
    const bool is_filter = options.filter.empty() || (topic::is_valid_filter(options.filter, topic::levels_hard_max) &&
                                                      !topic::is_shared(options.filter));
    if (!is_filter) request.complain("filter", "a topic filter such as plant/+/state, not of a shared subscription");
    if (request.refuse_if_wrong()) return;
    session::Tracer& tracer = site.shard().tracer();
    const auto number = tracer.begin(std::move(options), request.now());
    if (!number) {
        return request.refuse(
            429, "there are " + std::to_string(session::Tracer::traces_max) + " traces already: end one of them");
    }
    site.ongoing.add(std::make_unique<TraceStream>(tracer, *number, request.stream(event_stream_head())));
}

}  // namespace ledge::admin
