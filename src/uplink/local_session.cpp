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
    : peer_(std::move(peer)), client_(options_of(client_id)), end_(driver, transport::InnerLinkLimits{}) {
    for (bridge::Subscription& one : filters) wanted_.push_back({std::move(one)});
}

void LocalSession::begin(std::vector<broker::SubscriptionFacts> present, Instant now) {
    LEDGE_ASSERT(!is_done_ && !end_.is_open());
    present_ = std::move(present);
    if (is_as_wanted()) return end({});
    deadline_ = now + time_max;
    if (!end_.open({peer_.listener, peer_.address, peer_.user, true})) return end("the local broker accepts no client");
    client_.connect(false, now);
}

bool LocalSession::is_as_wanted() const {
    const auto is_present = [this](const Wanted& wanted) {
        const auto known = std::ranges::find(present_, wanted.subscription.filter, &broker::SubscriptionFacts::filter);
        return known != present_.end() && known->id == 0 && known->qos == wanted.subscription.qos;
    };
    return !present_.empty() && present_.size() == wanted_.size() && std::ranges::all_of(wanted_, is_present);
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
        plan(connected->session_present);
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

void LocalSession::plan(bool session_present) {
    if (!session_present) present_.clear();  // the session has gone, or has lost a part, since begin()
    // The relay pays the debts one after the other. As soon as one is paid, the upstream's session is known to belong
    // to this local session.
    const auto is_of_new_session = [](const auto& one) { return one.id == static_cast<std::uint32_t>(Debt::session); };
    is_new_ = !session_present || (!present_.empty() && std::ranges::all_of(present_, is_of_new_session));
    for (Wanted& one : wanted_) one.debt = debt_of(one.subscription);
    std::ranges::stable_sort(wanted_, {}, &Wanted::debt);
    for (const broker::SubscriptionFacts& one : present_) {
        const auto is_same = [&](const Wanted& wanted) { return wanted.subscription.filter == one.filter; };
        if (std::ranges::none_of(wanted_, is_same)) retired_.push_back(one.filter);
    }
}

Debt LocalSession::debt_of(const bridge::Subscription& wanted) const {
    if (is_new_) return Debt::session;
    const auto known = std::ranges::find(present_, wanted.filter, &broker::SubscriptionFacts::filter);
    return known == present_.end() || known->id != 0 ? Debt::retained : Debt::none;
}

std::vector<std::string> LocalSession::retained_owed() const {
    std::vector<std::string> filters;
    for (const Wanted& one : wanted_)
        if (one.debt != Debt::none) filters.push_back(one.subscription.filter);
    return filters;
}

/// One request at a time. The new filters come first: a session without any filter would not tell that it is new.
void LocalSession::send_next_request() {
    if (next_wanted_ < wanted_.size()) return send_next_subscribe();
    if (!retired_.empty()) return send_next_unsubscribe();
    end(std::move(problem_));
}

/// One SUBSCRIBE has one Subscription Identifier, so it has filters with the same debt.
void LocalSession::send_next_subscribe() {
    const Debt debt = wanted_[next_wanted_].debt;
    std::vector<wire::SubscribeEntry> entries;
    for (; next_wanted_ < wanted_.size() && entries.size() < filters_per_request; ++next_wanted_) {
        const Wanted& one = wanted_[next_wanted_];
        if (one.debt != debt) break;
        wire::SubscribeOptions options{.qos = one.subscription.qos};
        // As the relay subscribes later. It asks for the retained messages itself.
        options.no_local = options.retain_as_published = true;
        options.retain_handling = wire::RetainHandling::do_not_send;
        entries.push_back({one.subscription.filter, options});
    }
    wire::PropertyBuilder properties;
    if (debt != Debt::none)
        properties.number(wire::PropertyId::subscription_identifier, static_cast<std::uint32_t>(debt));
    if (!client_.subscribe(entries, properties.view()).ok()) end("the local broker allows no subscription");
}

void LocalSession::send_next_unsubscribe() {
    const std::size_t count = std::min(filters_per_request, retired_.size());
    const std::vector<std::string_view> filters(retired_.end() - static_cast<std::ptrdiff_t>(count), retired_.end());
    const auto sent = client_.unsubscribe(filters);
    retired_.resize(retired_.size() - count);
    if (!sent.ok()) end("the local broker allows no request");
}

void LocalSession::end(std::string problem) {
    problem_ = std::move(problem);
    is_done_ = true;
    if (client_.is_connected()) client_.disconnect();
}

}  // namespace ledge::uplink
