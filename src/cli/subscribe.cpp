#include "ledge/cli/subscribe.hpp"

#include <utility>
#include <vector>

#include "ledge/base/quote.hpp"
#include "ledge/topic/name.hpp"
#include "ledge/wire/packets.hpp"
#include "message_text.hpp"
#include "session.hpp"

namespace ledge::cli {
namespace {

class Subscriber {
public:
    Subscriber(const SubscribeOptions& options, const Console& console)
        : options_(options), console_(console), session_(options.connection, console) {}

    int run() {
        for (const std::string& filter : options_.filters) {
            if (topic::is_valid_filter(filter, topic::levels_hard_max)) continue;
            console_.complain(quoted(filter) + " is not a topic filter");
            return exit_usage;
        }
        auto status = session_.connect({}, [this](const client::Event& event) { on_event(event); });
        if (!status) status = ask();
        if (!status) status = print_messages();
        session_.end();
        return flush_answer() ? status.value_or(exit_done) : exit_refused;
    }

private:
    std::optional<int> ask();
    std::optional<int> print_messages();
    void on_event(const client::Event& event);
    void print(const wire::Publish& message);

    const SubscribeOptions& options_;
    const Console& console_;
    Session session_;
    std::optional<std::vector<wire::ReasonCode>> granted_;  // of SUBACK; nullopt = it has not come
    std::uint64_t printed_ = 0;
    bool is_done_ = false;    // no further message is printed
    bool is_unread_ = false;  // nobody reads the answer any more
};

/// SUBSCRIBE, with the answer for each filter.
std::optional<int> Subscriber::ask() {
    std::vector<wire::SubscribeEntry> entries;
    for (const std::string& filter : options_.filters) {
        wire::SubscribeOptions how{.qos = static_cast<wire::QoS>(options_.qos)};
        // 3.1.1 has no such wish, so print() leaves the messages out too.
        if (options_.connection.is_v5 && options_.skips_retained)
            how.retain_handling = wire::RetainHandling::do_not_send;
        entries.push_back({filter, how});
    }
    if (const auto sent = session_.client().subscribe(entries); !sent) {
        console_.complain("the broker does not allow the subscription: " + text_of(sent.error()));
        return exit_refused;
    }
    if (const auto status = session_.wait([this] { return granted_.has_value(); }, "no SUBACK")) return status;
    bool is_refused = false;
    for (std::size_t i = 0; i < granted_->size() && i < options_.filters.size(); ++i) {
        if (!wire::is_error((*granted_)[i])) continue;
        console_.complain("the broker refuses the filter " + quoted(options_.filters[i]) + ": " +
                          text_of((*granted_)[i]));
        is_refused = true;
    }
    if (is_refused) return exit_refused;
    session_.tell("subscribed");
    return std::nullopt;
}

std::optional<int> Subscriber::print_messages() {
    const auto is_done = [this] {
        // Before each wait, so that a reader of a pipe sees each message at once.
        if (!is_done_ && !flush_answer()) is_done_ = is_unread_ = true;
        return is_done_;
    };
    // Ctrl-C is how a subscription without --count ends.
    const bool is_endless = options_.count == 0;
    const auto status = session_.wait(is_done, "not enough messages came", !is_endless);
    if (!status) return is_unread_ ? std::optional(exit_refused) : std::nullopt;
    return session_.is_interrupted() && is_endless ? exit_done : *status;
}

void Subscriber::on_event(const client::Event& event) {
    if (const auto* done = std::get_if<client::RequestDone>(&event)) {
        granted_.emplace();
        for (const auto code : done->packet.codes) granted_->push_back(static_cast<wire::ReasonCode>(code));
        return;
    }
    const auto* message = std::get_if<client::Message>(&event);
    // A message after the last one is not acknowledged: a kept session gets it again.
    if (message == nullptr || is_done_) return;
    const wire::PacketId id = message->packet.packet_id;  // 0 for QoS 0
    print(message->packet);
    if (id != 0) session_.client().acknowledge(id);
}

void Subscriber::print(const wire::Publish& message) {
    if (options_.skips_retained && message.retain) return;
    if (options_.is_retained_only && !message.retain) {
        // The broker sends the retained messages first, so the first new message ends them.
        is_done_ = options_.count == 0;
        return;
    }
    if (!console_.write(text_of(message, options_.format, console_.is_terminal))) is_done_ = is_unread_ = true;
    ++printed_;
    if (options_.count != 0 && printed_ >= options_.count) is_done_ = true;
}

}  // namespace

int subscribe(const SubscribeOptions& options, const Console& console) { return Subscriber(options, console).run(); }

}  // namespace ledge::cli
