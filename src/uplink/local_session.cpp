#include "local_session.hpp"

#include <algorithm>
#include <utility>

#include "ledge/base/assert.hpp"
#include "ledge/transport/driver.hpp"

namespace ledge::uplink {

using wire::ReasonCode;

namespace {

constexpr std::size_t filters_per_request = 50;

client::Options options_of(const std::string& client_id) {
    client::Options options;
    options.client_id = client_id;
    options.flow = client::Flow::passed_on;  // the relay will continue the session
    options.keep_alive_s = 0;
    options.session_expiry_s = 0xFFFF'FFFF;
    // Messages that wait already may be sent to this client. It reads none of them, so few are under way.
    options.receive_maximum = 1;
    // A smaller limit would let the broker leave larger messages out for good [MQTT-3.1.2-25].
    options.maximum_packet_size = wire::packet_size_max;
    return options;
}

}  // namespace

LocalSession::LocalSession(transport::Driver& driver, InnerPeer peer, const std::string& client_id,
                           std::vector<bridge::Subscription> filters)
    : peer_(std::move(peer)),
      client_(options_of(client_id)),
      end_(driver, transport::InnerLinkLimits{}),
      filters_(std::move(filters)) {}

void LocalSession::begin(std::vector<std::string> retired, Instant now) {
    LEDGE_ASSERT(!is_done_ && !end_.is_open());
    retired_ = std::move(retired);
    deadline_ = now + time_max;
    if (!end_.open({peer_.listener, peer_.address, peer_.user, true})) return end("the local broker accepts no client");
    client_.connect(false, now);
}

void LocalSession::turn(Instant now) {
    if (!is_begun()) return;
    if (!is_done_) read(now);
    if (!is_done_ && !end_.is_open()) end("the local broker has closed the connection");
    if (!end_.is_open()) return;
    client_.sent(end_.write(client_.output()), now);
    // DISCONNECT is written now. The session stays, even if the broker should not read it.
    if (is_done_ && client_.output().empty()) end_.finish();
    end_.turn();
}

void LocalSession::read(Instant now) {
    Bytes input = end_.readable();
    const std::size_t given = input.size();
    while (!is_done_) {
        const client::Event event = client_.on_bytes(input, now);
        if (client::is_nothing(event)) break;
        on_event(event);
    }
    end_.consume(given - input.size());
}

bool LocalSession::wants_turn() const {
    if (!is_begun()) return false;
    if (!end_.is_open()) return !is_done_;
    return end_.wants_turn() || !client_.output().empty() || (!is_done_ && !end_.readable().empty());
}

void LocalSession::on_time(Instant now) {
    if (!is_done_ && now >= deadline_) end("the local broker does not answer");
}

void LocalSession::on_event(const client::Event& event) {
    if (const auto* connected = std::get_if<client::Connected>(&event)) {
        is_new_ = !connected->session_present;
        send_next_request();
    } else if (const auto* done = std::get_if<client::RequestDone>(&event)) {
        const auto is_refused = [](std::uint8_t code) { return wire::is_error(static_cast<ReasonCode>(code)); };
        // UNSUBACK says that a filter is gone in any case, so only a refused subscription is a problem.
        if (std::any_of(done->packet.codes.begin(), done->packet.codes.end(), is_refused) && problem_.empty())
            problem_ = "the local broker refuses a subscription";
        send_next_request();
    } else if (const auto* ended = std::get_if<client::Ended>(&event)) {
        end("the local broker has ended the connection: " + std::string(ended->text));
    }
    // A message that has come stays unanswered: the broker sends it again to the relay.
}

/// One request at a time: first what is to go, then what is to come.
void LocalSession::send_next_request() {
    if (!retired_.empty()) {
        const std::size_t count = std::min(filters_per_request, retired_.size());
        const std::vector<std::string_view> filters(retired_.end() - static_cast<std::ptrdiff_t>(count),
                                                    retired_.end());
        const auto sent = client_.unsubscribe(filters);
        retired_.resize(retired_.size() - count);
        if (!sent.ok()) end("the local broker allows no request");
        return;
    }
    if (next_filter_ == filters_.size()) return end(std::move(problem_));
    std::vector<wire::SubscribeEntry> entries;
    for (; next_filter_ < filters_.size() && entries.size() < filters_per_request; ++next_filter_) {
        const bridge::Subscription& one = filters_[next_filter_];
        wire::SubscribeOptions options{.qos = one.qos};
        // As the relay subscribes later. It asks for the retained messages itself.
        options.no_local = options.retain_as_published = true;
        options.retain_handling = wire::RetainHandling::do_not_send;
        entries.push_back({one.filter, options});
    }
    if (!client_.subscribe(entries).ok()) end("the local broker allows no subscription");
}

bool LocalSession::has(std::string_view filter) const {
    return std::any_of(filters_.begin(), filters_.end(), [&](const auto& one) { return one.filter == filter; });
}

void LocalSession::end(std::string problem) {
    problem_ = std::move(problem);
    is_done_ = true;
    if (client_.is_connected()) client_.disconnect();
}

}  // namespace ledge::uplink
