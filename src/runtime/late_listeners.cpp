#include "late_listeners.hpp"

#include <algorithm>
#include <utility>

#include "ledge/base/assert.hpp"
#include "ledge/broker/options.hpp"
#include "ledge/os/look_up.hpp"
#include "ledge/session/listener_options.hpp"

namespace ledge::runtime {

using transport::Listener;

namespace {

/// The error of an attempt whose look-up has failed. It equals the error of Listener::create() for the same answer of
/// the system, so that the log does not repeat the reason. An error without a code comes from net::Resolver itself.
Error refusal(const transport::Endpoint& endpoint, const Error& look_up) {
    if (look_up.code) return {look_up.code, "cannot listen on {}", to_text(endpoint)};
    return in_context("cannot listen on {}: {}", to_text(endpoint), look_up);
}

}  // namespace

void LateListeners::add(const std::string& name, const transport::Endpoint& endpoint, transport::Front& front,
                        const transport::AcceptRate& rate, Error problem) {
    add_new(name, endpoint, front, rate);
    put_off(waiting_.back(), std::move(problem), driver_.now());
}

void LateListeners::add_new(const std::string& name, const transport::Endpoint& endpoint, transport::Front& front,
                            const transport::AcceptRate& rate) {
    const Instant now = driver_.now();
    waiting_.push_back({++last_number_, endpoint, &front, rate, name, true, {}, pause_min, now, now, {}});
}

std::vector<LateListeners::Up> LateListeners::try_due(Instant now) {
    std::vector<Up> up;
    std::erase_if(waiting_, [&](Waiting& waiting) {
        if (waiting.next > now) return false;
        auto listener = try_again(waiting, now);
        if (listener == nullptr) return false;
        up.push_back({waiting.name, std::move(listener)});
        return true;
    });
    return up;
}

/// Returns the open listener. nullptr: the host is looked up first, or the attempt has failed and the next one is
/// scheduled.
std::unique_ptr<Listener> LateListeners::try_again(Waiting& waiting, Instant now) {
    if (needs_look_up(waiting.endpoint) && !waiting.answer) return ask(waiting), nullptr;
    auto made = open(waiting);
    if (!made) return put_off(waiting, made.error(), now), nullptr;
    if (const std::error_code error = (*made)->start())
        return put_off(waiting, {error, "cannot accept on {}", to_text(waiting.endpoint)}, now), nullptr;
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
    if (!answer) return Failure{refusal(waiting.endpoint, answer.error())};
    return Listener::create(waiting.endpoint, answer.value(), *waiting.front, driver_, log_, waiting.rate);
}

void LateListeners::log_success(const Waiting& waiting, const Listener& listener, Instant now) const {
    const std::string address = listener.addresses().front();
    if (waiting.is_new) return log_.info("listener_added", {{"listener", waiting.name}, {"address", address}});
    log_.info("listener_up", {{"address", address}, {"waited_s", (now - waiting.since) / 1s}});
}

net::Resolver::Answer LateListeners::look_up_host(const std::string& name) {
    constexpr std::size_t addresses_max = 64;  // as for a listener that is opened at the start
    return os::look_up(name, os::NameKind::any, addresses_max);
}

/// Schedules the next attempt. The reason is logged once, and again when it differs from the last one.
void LateListeners::put_off(Waiting& waiting, Error reason, Instant now) {
    LEDGE_ASSERT(waiting.pause >= pause_min && waiting.pause <= pause_max);
    waiting.next = now + waiting.pause;
    waiting.pause = std::min(waiting.pause * 2, pause_max);
    waiting.is_new = false;  // from now on the listener is one that waits
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
