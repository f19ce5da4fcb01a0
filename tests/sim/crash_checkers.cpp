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

}  // namespace ledge::sim
