// /overview and /stream: the overview once, and again and again as server-sent events.
#include <memory>
#include <utility>

#include "ledge/broker/session_facts.hpp"
#include "overview.hpp"
#include "question_answer.hpp"
#include "resources.hpp"

namespace ledge::admin {
namespace {

constexpr std::size_t streams_max = 16;
constexpr NumberRange stream_intervals{1, 60};  // seconds
constexpr std::uint64_t stream_interval_default = 2;
constexpr std::size_t slow_clients_shown = 10;

broker::ClientsQuestion slow_clients() {
    broker::ClientsQuestion question;
    question.order = broker::ClientOrder::queue;
    question.count_max = slow_clients_shown;
    return question;
}

struct OverviewQuestion : broker::ClientsQuestion {
    Site* site = nullptr;
};

/// Sends an overview every `interval`. While the question about slow clients needs further turns, a turn does a part of
/// it. A peer that does not read misses events, and is closed by the front after a while.
class OverviewStream final : public Ongoing {
public:
    OverviewStream(Site& site, transport::HttpStream stream, Duration interval)
        : site_(site), stream_(std::move(stream)), interval_(interval) {
        ++site_.streams;
    }
    ~OverviewStream() override { --site_.streams; }

    /// Call once, when the object has its place.
    void watch_peer() {
        stream_.on_gone([this] { site_.ongoing.wake(this); });
    }

    std::optional<Instant> go_on(Instant now) override {
        if (!stream_.is_open()) return std::nullopt;
        if (!question_) {
            // The end of the peer has woken this work, or an event is due.
            if (now < next_) return next_;
            question_.emplace(slow_clients());
            next_ = now + interval_;
        }
        if (!site_.shard().inspector().step(*question_)) return now;
        // Without room the peer gets a later overview instead of this one. The comment is a heartbeat.
        const std::string event = server_sent_event("overview", overview_of(site_, question_->clients).finish());
        if (!stream_.write(event)) stream_.write(":\n\n");
        question_.reset();
        return next_;
    }

private:
    Site& site_;
    transport::HttpStream stream_;
    Duration interval_;
    Instant next_ = Instant::min();
    std::optional<broker::ClientsQuestion> question_;
};

}  // namespace

void get_overview(Site& site, ApiRequest request) {
    if (request.refuse_if_wrong()) return;
    const WriteAnswer<OverviewQuestion> write = [](ApiRequest& asked, OverviewQuestion& question) {
        JsonWriter body = overview_of(*question.site, question.clients);
        asked.answer(body);
    };
    answer_question(site, std::move(request), OverviewQuestion{slow_clients(), &site}, write);
}

void get_stream(Site& site, ApiRequest request) {
    const std::uint64_t interval = request.query_number("interval_s", stream_intervals, stream_interval_default);
    if (request.refuse_if_wrong()) return;
    if (site.streams >= streams_max)
        return request.refuse(503, "there are 16 streams already; close one of the open pages");
    auto stream =
        std::make_unique<OverviewStream>(site, request.stream(event_stream_head()), std::chrono::seconds(interval));
    OverviewStream& begun = *stream;
    site.ongoing.add(std::move(stream));
    begun.watch_peer();
}

}  // namespace ledge::admin
