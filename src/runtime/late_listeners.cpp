#include "late_listeners.hpp"

#include <algorithm>
#include <utility>

#include "ledge/base/assert.hpp"

namespace ledge::runtime {

using transport::Listener;

void LateListeners::add(const transport::Endpoint& endpoint, transport::Front& front, const transport::AcceptRate& rate,
                        Error problem) {
    const Instant now = driver_.now();
    waiting_.push_back({endpoint, &front, rate, {}, pause_min, now, now});
    put_off(waiting_.back(), std::move(problem), now);
}

std::vector<std::unique_ptr<Listener>> LateListeners::try_due(Instant now) {
    std::vector<std::unique_ptr<Listener>> up;
    std::erase_if(waiting_, [&](Waiting& waiting) {
        if (waiting.next > now) return false;
        auto listener = try_again(waiting, now);
        if (listener == nullptr) return false;
        up.push_back(std::move(listener));
        return true;
    });
    return up;
}

/// Returns the open listener, or nullptr when the attempt has failed and the next one is scheduled.
std::unique_ptr<Listener> LateListeners::try_again(Waiting& waiting, Instant now) {
    auto made = Listener::create(waiting.endpoint, *waiting.front, driver_, log_, waiting.rate);
    if (!made) return put_off(waiting, made.error(), now), nullptr;
    if (const std::error_code error = (*made)->start())
        return put_off(waiting, {error, "cannot accept on {}", to_text(waiting.endpoint)}, now), nullptr;
    log_.info("listener_up", {{"address", (*made)->addresses().front()}, {"waited_s", (now - waiting.since) / 1s}});
    return std::move(*made);
}

/// Schedules the next attempt. The reason is logged once, and again when it differs from the last one.
void LateListeners::put_off(Waiting& waiting, Error reason, Instant now) {
    LEDGE_ASSERT(waiting.pause >= pause_min && waiting.pause <= pause_max);
    waiting.next = now + waiting.pause;
    waiting.pause = std::min(waiting.pause * 2, pause_max);
    if (reason == waiting.reason) return;
    waiting.reason = std::move(reason);
    log_.warning("listener_waits", {{"address", to_text(waiting.endpoint)},
                                    {"reason", text_of(waiting.reason)},
                                    {"outcome", "the other listeners are served; this listener is tried again"}});
}

Instant LateListeners::next_deadline() const {
    Instant earliest = never;
    for (const Waiting& waiting : waiting_) earliest = std::min(earliest, waiting.next);
    return earliest;
}

}  // namespace ledge::runtime
