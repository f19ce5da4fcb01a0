#include "late_listeners.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

#include "ledge/base/assert.hpp"
#include "ledge/broker/options.hpp"
#include "ledge/os/look_up.hpp"
#include "ledge/session/listener_options.hpp"

namespace ledge::runtime {

using transport::Listener;

void LateListeners::add(const transport::Endpoint& endpoint, transport::Front& front, const transport::AcceptRate& rate,
                        const transport::ListenProblem& problem) {
    add_new("", endpoint, front, rate);
    put_off(waiting_.back(), problem.text, driver_.now());
}

void LateListeners::add_new(const std::string& name, const transport::Endpoint& endpoint, transport::Front& front,
                            const transport::AcceptRate& rate) {
    const Instant now = driver_.now();
    waiting_.push_back({++last_number_, endpoint, &front, rate, name, "", pause_min, now, now, {}});
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

/// Returns the open listener. nullptr: the host is looked up first, or the attempt has failed and the next one is
/// scheduled.
std::unique_ptr<Listener> LateListeners::try_again(Waiting& waiting, Instant now) {
    if (needs_look_up(waiting.endpoint) && !waiting.answer) return ask(waiting), nullptr;
    auto made = open(waiting);
    if (!made) return put_off(waiting, made.error().text, now), nullptr;
    if (const int error = (*made)->start(); error != 0) return put_off(waiting, std::strerror(error), now), nullptr;
    log_success(waiting, **made, now);
    return std::move(*made);
}

void LateListeners::ask(Waiting& waiting) {
    waiting.next = never;
    resolver_.resolve(waiting.endpoint.host, [this, number = waiting.number](const net::Resolver::Answer& answer) {
        const auto asked = std::ranges::find(waiting_, number, &Waiting::number);
        if (asked == waiting_.end()) return;  // the broker is stopping
        asked->answer = answer;
        asked->next = Instant::min();  // this turn still calls try_due()
    });
}

/// Opens the endpoint, with the addresses of the look-up if it needs one. An answer is good for one attempt.
LateListeners::Made LateListeners::open(Waiting& waiting) {
    if (!waiting.answer) return Listener::create(waiting.endpoint, *waiting.front, driver_, log_, waiting.rate);
    const net::Resolver::Answer answer = *std::exchange(waiting.answer, std::nullopt);
    if (!answer)
        return Failure{
            transport::ListenProblem{"cannot listen on " + to_text(waiting.endpoint) + ": " + answer.error(), true}};
    return Listener::create(waiting.endpoint, answer.value(), *waiting.front, driver_, log_, waiting.rate);
}

void LateListeners::log_success(const Waiting& waiting, const Listener& listener, Instant now) const {
    const std::string address = listener.addresses().front();
    if (!waiting.name.empty()) return log_.info("listener_added", {{"listener", waiting.name}, {"address", address}});
    log_.info("listener_up", {{"address", address}, {"waited_s", (now - waiting.since) / 1s}});
}

net::Resolver::Answer LateListeners::look_up_host(const std::string& name) {
    constexpr std::size_t addresses_max = 64;  // as for a listener that is opened at the start
    auto addresses = os::look_up(name, os::NameKind::any, addresses_max);
    if (!addresses) return Failure{addresses.error()};
    return std::move(*addresses);
}

/// Schedules the next attempt. The reason is logged once, and again when it differs from the last one.
void LateListeners::put_off(Waiting& waiting, const std::string& reason, Instant now) {
    LEDGE_ASSERT(waiting.pause >= pause_min && waiting.pause <= pause_max);
    waiting.next = now + waiting.pause;
    waiting.pause = std::min(waiting.pause * 2, pause_max);
    waiting.name.clear();  // from now on the listener is one that waits
    if (reason == waiting.reason) return;
    waiting.reason = reason;
    log_.warning("listener_waits", {{"address", to_text(waiting.endpoint)},
                                    {"reason", reason},
                                    {"outcome", "the other listeners are served; this listener is tried again"}});
}

Instant LateListeners::next_deadline() const {
    Instant earliest = never;
    for (const Waiting& waiting : waiting_) earliest = std::min(earliest, waiting.next);
    return earliest;
}

}  // namespace ledge::runtime
