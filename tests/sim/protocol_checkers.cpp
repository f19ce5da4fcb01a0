#include "protocol_checkers.hpp"

#include <algorithm>

#include "crash_checkers.hpp"
#include "delivery_checkers.hpp"
#include "ledger.hpp"

namespace ledge::sim {

using wire::PacketType;

void ReceiveMaximumChecker::on(const Event& event) {
    if (is(event, Kind::in, PacketType::connect)) quotas_[event.link].maximum = event.receive_maximum;
    if (is_end_of_exchange(event)) quotas_[event.link].used.erase(event.packet_id);
    if (!is_publish(event, Kind::out) || event.qos == wire::QoS::at_most_once) return;
    Quota& quota = quotas_[event.link];
    quota.used.insert(event.packet_id);
    if (quota.used.size() > quota.maximum)
        object(event, "more than " + std::to_string(quota.maximum) + " unacknowledged");
}

void PacketSizeChecker::on(const Event& event) {
    if (is(event, Kind::in, PacketType::connect)) maximum_[event.link] = event.packet_size_max;
    const auto maximum = maximum_.find(event.link);
    if (event.kind != Kind::out || maximum == maximum_.end()) return;
    if (event.size > maximum->second) object(event, "larger than " + std::to_string(maximum->second));
}

void PacketIdChecker::on_out(const Event& event) {
    const auto key = std::make_pair(event.client, event.packet_id);
    const auto found = exchanges_.find(key);
    if (event.type == PacketType::pubrel && found != exchanges_.end() && !found->second.is_received) {
        object(event, "PUBREL without PUBREC");
    }
    if (event.type == PacketType::pubrel && found != exchanges_.end())
        found->second.is_released = found->second.is_release_told = true;
    if (event.type != PacketType::publish || event.qos == wire::QoS::at_most_once) return;
    if (found != exchanges_.end()) {
        const Exchange& before = found->second;
        if (before.uid != event.label.uid || before.topic != event.text)
            return object(event, "this packet id is in use");
        if (before.is_released) return object(event, "sent again after PUBREC");
        if (before.link == event.link) return object(event, "sent again on the same connection");
    }
    exchanges_[key] = Exchange{event.label.uid, event.text, event.link, event.qos, false, false, false};
}

void PacketIdChecker::on_in(const Event& event) {
    const auto key = std::make_pair(event.client, event.packet_id);
    if (is_end_of_exchange(event)) {
        exchanges_.erase(key);
    } else if (event.type == PacketType::pubrec) {
        if (const auto found = exchanges_.find(key); found != exchanges_.end())
            found->second.is_released = found->second.is_received = true;
    }
}

// A QoS 1 message that was not durable yet is gone, and its packet id may be used. That a message is released must be
// known once its PUBREL has left.
void PacketIdChecker::on_restarted() {
    std::erase_if(exchanges_, [](const auto& entry) { return entry.second.qos != wire::QoS::exactly_once; });
    for (auto& [key, exchange] : exchanges_) exchange.is_released = exchange.is_release_told;
}

void PacketIdChecker::on(const Event& event) {
    links_.on(event);
    if (event.kind == Kind::out && links_.is_stale(event)) return;
    if (event.kind == Kind::session_ended) {
        std::erase_if(exchanges_, [&](const auto& entry) { return entry.first.first == event.client; });
    }
    if (event.kind == Kind::restarted) on_restarted();
    if (event.kind == Kind::out) on_out(event);
    if (event.kind == Kind::in) on_in(event);
    if (event.kind == Kind::finished && !exchanges_.empty()) {
        const auto& [key, exchange] = *exchanges_.begin();
        object(event,
               "c" + std::to_string(key.first) + " packet id " + std::to_string(key.second) + " is still in flight");
    }
}

void DupChecker::on(const Event& event) {
    ++events_;
    links_.on(event);
    if (event.kind == Kind::out && links_.is_stale(event)) return;
    const auto key = std::make_pair(event.client, event.packet_id);
    const bool is_routed = event.kind == Kind::routed || event.kind == Kind::replayed ||
                           event.kind == Kind::routed_group || event.kind == Kind::will_due;
    // A subscription is sent its retained messages anew if they were not durable, and what strangers have published
    // nobody can tell apart.
    if (event.kind == Kind::restarted)
        std::erase_if(unfinished_, [](const auto& entry) { return entry.second.is_retained || entry.second.uid == 0; });
    if (event.kind == Kind::lost)
        std::erase_if(unfinished_, [&](const auto& entry) { return entry.second.uid == event.label.uid; });
    if (is_routed) routed_at_.try_emplace(event.label.uid, events_);
    if (event.kind == Kind::session_kept) connected_at_[event.client] = events_;
    if (event.kind == Kind::session_ended) {
        connected_at_.erase(event.client);
        std::erase_if(unfinished_, [&](const auto& entry) { return entry.first.first == event.client; });
    }
    if (is_end_of_exchange(event)) unfinished_.erase(key);
    if (!is_publish(event, Kind::out)) return;
    if (event.qos == wire::QoS::at_most_once) {
        if (event.dup) object(event, "DUP with QoS 0");
        return;
    }
    const auto before = unfinished_.find(key);
    const bool is_again = before != unfinished_.end() && before->second.uid == event.label.uid;
    if (is_again && !event.dup) object(event, "sent before, now without DUP");
    // It may have been sent into a connection that broke before we saw it, but never on its first connection.
    const auto connected = connected_at_.find(event.client);
    const bool is_first = connected == connected_at_.end() || connected->second < routed_at_[event.label.uid];
    if (event.dup && is_first && event.label.uid != 0) object(event, "DUP, but it was never sent before");
    unfinished_[key] = {event.label.uid, event.retain};
}

void SessionPresentChecker::on(const Event& event) {
    if (event.kind == Kind::session_began) expected_[event.link] = false;
    if (event.kind == Kind::session_kept) expected_[event.link] = true;
    if (!is(event, Kind::out, PacketType::connack)) return;
    const bool is_told = event.version != wire::Version::v3_1;  // whose CONNACK has no such flag
    const bool expected = is_told && !wire::is_error(event.code) && expected_[event.link];
    if (event.flag != expected) object(event, expected ? "the session was lost" : "there was no session");
}

void DialogueChecker::on(const Event& event) {
    if (event.kind != Kind::out) return;
    bool& is_answered = answered_[event.link];
    const bool is_connack = event.type == PacketType::connack;
    if (is_connack && is_answered) object(event, "a second CONNACK");
    if (!is_connack && !is_answered && event.type != PacketType::auth) object(event, "before CONNACK");
    is_answered = is_answered || is_connack;
    const bool is_new = event.type == PacketType::disconnect || event.type == PacketType::auth;
    if (is_new && event.version != wire::Version::v5) object(event, "3.x does not know it from a server");
}

void PingChecker::on(const Event& event) {
    std::int32_t& unanswered = unanswered_[event.link];
    if (is(event, Kind::in, PacketType::pingreq)) ++unanswered;
    if (is(event, Kind::out, PacketType::pingresp) && --unanswered < 0) object(event, "nobody asked");
    if (event.kind == Kind::drained && unanswered > 0)
        object(event, std::to_string(unanswered) + " PINGREQ without an answer");
}

void AnswerChecker::on(const Event& event) {
    if (event.kind == Kind::store_failed) is_store_failed_ = true;
    if (event.kind == Kind::restarted) is_store_failed_ = false;
    const auto expect = [&](PacketType answer) { expected_[Line(event.link, answer)].push_back(event.packet_id); };
    if (event.kind == Kind::in) {
        if (event.type == PacketType::publish && event.qos == wire::QoS::at_least_once) expect(PacketType::puback);
        if (event.type == PacketType::publish && event.qos == wire::QoS::exactly_once) expect(PacketType::pubrec);
        if (event.type == PacketType::pubrel) expect(PacketType::pubcomp);
        if (event.type == PacketType::subscribe) expect(PacketType::suback);
        if (event.type == PacketType::unsubscribe) expect(PacketType::unsuback);
    }
    if (event.kind == Kind::closing || event.kind == Kind::closed) {
        std::erase_if(expected_, [&](const auto& line) { return line.first.first == event.link; });
    }
    if (event.kind == Kind::finished) {
        for (const auto& [line, ids] : expected_) {
            if (!ids.empty())
                object(event,
                       "link" + std::to_string(line.first) + " waits for " + std::string(wire::name_of(line.second)));
        }
    }
    const bool is_answer = event.type == PacketType::puback || event.type == PacketType::pubrec ||
                           event.type == PacketType::pubcomp || event.type == PacketType::suback ||
                           event.type == PacketType::unsuback;
    if (event.kind != Kind::out || !is_answer || !expected_.contains(Line(event.link, event.type))) return;
    std::deque<wire::PacketId>& ids = expected_[Line(event.link, event.type)];
    if (is_store_failed_ && std::ranges::find(ids, event.packet_id) != ids.end())
        while (ids.front() != event.packet_id) ids.pop_front();  // never to be answered
    if (ids.empty() || ids.front() != event.packet_id) {
        return object(event,
                      ids.empty() ? "nothing to answer" : "expected the answer to " + std::to_string(ids.front()));
    }
    ids.pop_front();
}

void AliasChecker::on(const Event& event) {
    if (is(event, Kind::in, PacketType::connect)) maximum_[event.link] = event.alias_maximum;
    if (!is_publish(event, Kind::out)) return;
    if (event.number > maximum_[event.link]) object(event, "the client allows " + std::to_string(maximum_[event.link]));
    if (event.text.empty()) object(event, "no topic, and the alias was never introduced");
}

void ClosingChecker::on_connect(const Event& event) {
    for (auto& [link, talk] : talks_) {
        if (link != event.link && talk.client == event.client && event.client >= 0)
            talk.may_close = true;  // taken over
    }
    Talk& talk = talks_[event.link];
    talk.client = event.client;
    talk.patience = event.number == 0 ? Duration::max() / 2 : std::chrono::milliseconds(event.number * 1500);
}

void ClosingChecker::on(const Event& event) {
    if (event.kind == Kind::opened) talks_[event.link] = Talk{event.client, event.at, event.at, 10s, false};
    if (event.kind == Kind::closed) talks_.erase(event.link);
    const auto found = talks_.find(event.link);
    if (found == talks_.end()) return;
    Talk& talk = found->second;
    if (event.kind == Kind::in || event.kind == Kind::bytes) {
        if (event.at - talk.last_bytes > talk.patience + Ledger::slack)
            object(event, "should have been closed for silence");
        talk.last_bytes = event.at;
    }
    if (event.kind == Kind::in) {
        talk.last_in = event.at;
        if (event.type == PacketType::disconnect) talk.may_close = true;
        if (event.type == PacketType::connect) on_connect(event);
    }
    if (event.kind != Kind::closing) return;
    const bool is_silent = event.at - talk.last_in >= talk.patience;
    if (!talk.may_close && !is_silent && event.text.empty()) object(event, "no reason to close");
}

void MemoryChecker::on(const Event& event) {
    if (event.kind == Kind::memory && event.number > event.size) object(event, "more than the limits allow");
}

std::vector<std::unique_ptr<Checker>> all_checkers() {
    std::vector<std::unique_ptr<Checker>> all;
    const auto add = [&]<class... Kinds>(std::tuple<Kinds...>*) { (all.push_back(std::make_unique<Kinds>()), ...); };
    using Delivery =
        std::tuple<OrderChecker, AtLeastOnceChecker, ExactlyOnceChecker, QosChecker, SubscribedChecker, UnsubackChecker,
                   WillChecker, RetainChecker, SubscriptionIdChecker, SharedChecker, ExpiryChecker, PayloadChecker>;
    using Protocol =
        std::tuple<ReceiveMaximumChecker, PacketSizeChecker, PacketIdChecker, DupChecker, SessionPresentChecker,
                   DialogueChecker, PingChecker, AnswerChecker, AliasChecker, ClosingChecker, MemoryChecker>;
    using Crash = std::tuple<PromiseChecker, SurvivalChecker, RepetitionChecker>;
    add(static_cast<Delivery*>(nullptr));
    add(static_cast<Protocol*>(nullptr));
    add(static_cast<Crash*>(nullptr));
    return all;
}

}  // namespace ledge::sim
