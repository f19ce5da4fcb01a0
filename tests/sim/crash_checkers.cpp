#include "crash_checkers.hpp"

namespace ledge::sim {

void PromiseChecker::on(const Event& event) {
    if (event.kind == Kind::changed) now_[event.text] = event.number;
    if (event.kind == Kind::taken) taken_ = now_;
    if (event.kind == Kind::stored) stored_ = taken_;
    if (event.kind == Kind::promised) {
        std::uint32_t& promised = promised_[event.text];
        promised = std::max(promised, event.number);
    }
    if (event.kind == Kind::session_ended) {
        const std::string mine = "c" + std::to_string(event.client) + " ";
        std::erase_if(promised_, [&](const auto& entry) { return entry.first.starts_with(mine); });
    }
    if (event.kind == Kind::restarted) compare(event);
}

void PromiseChecker::compare(const Event& event) {
    for (const auto& [key, number] : promised_) {
        if (stored_[key] < number)
            object(event, "'" + key + "': the client was told of change " + std::to_string(number) +
                              ", the store knows " + std::to_string(stored_[key]));
    }
    now_ = taken_ = stored_;
}

void SurvivalChecker::on(const Event& event) {
    if (event.kind == Kind::session_began) pending_[event.link] = {event.number, false};
    if (event.kind == Kind::session_kept) pending_[event.link] = {event.number, true};
    const bool is_success = is(event, Kind::out, wire::PacketType::connack) && !wire::is_error(event.code);
    if (is_success && pending_.contains(event.link)) told_[event.client] = pending_[event.link];
    const auto found = told_.find(event.client);
    if (found == told_.end()) return;
    Told& told = found->second;
    if (event.kind == Kind::session_ended && told.generation == event.number) {
        if (event.text == "crash" && event.flag && told.is_present) object(event, "its client was told it is present");
        told.is_present = false;
    }
    if (event.kind == Kind::restored && event.number < told.generation)
        object(event, "its client knows that it is gone");
}

void RepetitionChecker::on(const Event& event) {
    current_.on(event);
    if (event.kind == Kind::session_began || event.kind == Kind::session_kept) {
        ++connections_[event.client];
        links_[event.client].insert(event.link);
    }
    if (event.kind == Kind::closed) links_[event.client].erase(event.link);
    if (event.kind == Kind::routed || event.kind == Kind::replayed) on_routed(event);
    const bool is_for_others = event.kind == Kind::routed_group || event.kind == Kind::will_due;
    if (is_for_others || event.kind == Kind::lost) doubt(event.label.uid);
    if (event.kind == Kind::lost)
        std::erase_if(unfinished_, [&](const auto& entry) { return entry.second.uid == event.label.uid; });
    if (event.kind == Kind::session_ended)
        std::erase_if(unfinished_, [&](const auto& entry) { return entry.first.first == event.client; });
    // Messages sent for a subscription's sake are sent anew when their rows were not durable.
    if (event.kind == Kind::restarted)
        std::erase_if(unfinished_, [](const auto& entry) { return entry.second.is_retained; });
    if (is_end_of_exchange(event)) unfinished_.erase({event.client, event.packet_id});
    if (is_publish(event, Kind::out) && event.qos != wire::QoS::at_most_once && !current_.is_stale(event))
        on_sent(event);
}

void RepetitionChecker::on_routed(const Event& event) {
    const bool is_first = ++times_routed_[copy_of(event)] == 1;  // a publisher may repeat it
    if (is_first && !event.label.is_will && links_[event.client].empty())
        routed_away_[copy_of(event)] = connections_[event.client];
    else
        routed_away_.erase(copy_of(event));
}

// Who gets it is found out later, or it may be routed again.
void RepetitionChecker::doubt(std::uint32_t uid) {
    std::erase_if(routed_away_, [&](const auto& entry) { return entry.first.second == uid; });
    for (auto& [copy, times] : times_routed_)
        if (copy.second == uid) times = 2;
}

void RepetitionChecker::on_sent(const Event& event) {
    if (event.label.uid == 0) return;
    if (event.dup) return on_repeated(event);
    unfinished_[{event.client, event.packet_id}] = {event.label.uid, ++places_, event.retain};
}

void RepetitionChecker::on_repeated(const Event& event) {
    const auto away = routed_away_.find(copy_of(event));
    if (away != routed_away_.end() && connections_[event.client] <= away->second + 1)
        object(event, "DUP on the first connection since it was routed");
    const auto before = unfinished_.find({event.client, event.packet_id});
    if (before != unfinished_.end() && before->second.uid == event.label.uid) {
        std::uint64_t& last = last_repeated_[event.link];
        if (before->second.place < last) object(event, "first sent before the one that was repeated last");
        last = before->second.place;
        return;
    }
    if (times_routed_[copy_of(event)] != 1 || event.label.is_will) return;
    for (const auto& [key, sent] : unfinished_)
        if (key.first == event.client && sent.uid == event.label.uid)
            object(event, "it had packet id " + std::to_string(key.second));
}

}  // namespace ledge::sim
