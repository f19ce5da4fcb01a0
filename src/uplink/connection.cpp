// State::open of an uplink: what the relay tells, and what follows the end of its connections.
#include <algorithm>
#include <chrono>
#include <utility>

#include "ledge/base/assert.hpp"
#include "ledge/bridge/upstream_profile.hpp"
#include "ledge/uplink/uplink.hpp"

namespace ledge::uplink {

using bridge::RelayEvent;
using bridge::RetryClass;
using Stage = bridge::Relay::Stage;

namespace {

constexpr Duration lasting = 1min;  // a connection that has worked for this long ends the growth of the pauses

}  // namespace

void Uplink::serve_open(Instant now) {
    LEDGE_ASSERT(state_ == State::open);
    pump_.turn(now);
    take_events(now);
    note_traffic(now);
    if (!relay_.is_closed()) return;
    if (!is_accepted_) {  // perhaps the server speaks no MQTT at all
        const std::string_view hint = bridge::hint_of_first_bytes(pump_.first_bytes());
        if (!hint.empty()) end_text_ += " (" + std::string(hint) + ")";
    }
    on_connection_ended(now);
}

void Uplink::take_events(Instant now) {
    while (const std::optional<RelayEvent> event = relay_.take_event()) {
        if (event->kind == RelayEvent::Kind::connected) {
            is_accepted_ = true;
            log_.info("bridge_connected",
                      {{"bridge", options_.name}, {"server", to_text(server())}, {"protocol", event->text}});
        } else if (event->kind == RelayEvent::Kind::relaying) {
            log_.info("bridge_running", {{"bridge", options_.name}});
        } else if (event->kind == RelayEvent::Kind::proven) {
            is_proven_ = true;
            order_.on_proven(now, rng_);
        } else if (event->kind == RelayEvent::Kind::ended) {
            end_text_ = event->text;
            end_code_ = static_cast<int>(event->code);
        } else {
            relay_log_.tell(*event, now);
        }
    }
}

/// Notes the time of the last message, for idle_time.
void Uplink::note_traffic(Instant now) {
    const bridge::RelayCounters& counters = relay_.counters();
    const std::uint64_t messages = counters.out + counters.in + counters.out_done + counters.in_done;
    if (messages != messages_) last_message_ = now;
    messages_ = messages;
}

/// Ends the connections in order. The relay sends DISCONNECT to both sides; the pump closes what is sent.
void Uplink::end_connection(Ending why, Instant now) {
    LEDGE_ASSERT(state_ == State::open && why != Ending::none);
    ending_ = why;
    cancel(probe_);
    relay_.stop(now, why == Ending::renewal);
}

void Uplink::on_connection_ended(Instant now) {
    LEDGE_ASSERT(state_ == State::open && relay_.is_closed());
    cancel(probe_);
    passwords_.give_up();
    last_problem_ = text_of_end();
    // A connection that ends soon with an error code (a quota, a full store, the same client id in use elsewhere) ends
    // so again: without longer pauses the bridge would connect each second. A lost network is another matter.
    const bool is_refused = ending_ == Ending::none && end_code_ >= 0x80 && now - state_since_ < lasting;
    if (is_proven_ && !is_refused) backoff_.on_success();
    const RetryClass kind = ending_ == Ending::none ? relay_.retry_class() : RetryClass::at_once;
    log_ended(kind, now);
    switch (std::exchange(ending_, Ending::none)) {
        case Ending::none: return pause(kind, now);
        case Ending::stop: order_.on_rest(); return enter(State::stopped, now);
        case Ending::idle:
            order_.on_rest();
            if (std::exchange(is_wanted_, false)) return connect(now);
            return enter(State::idle, now);
        case Ending::preferred: order_.on_return(); return connect(now);
        case Ending::renewal: return connect(now);
    }
}

void Uplink::log_ended(RetryClass kind, Instant now) {
    const bool is_usual = kind == RetryClass::at_once;
    const auto lasted = std::chrono::duration_cast<std::chrono::seconds>(now - state_since_);
    log_.write(is_usual ? LogLevel::info : LogLevel::warning, "bridge_ended",
               {{"bridge", options_.name},
                {"server", to_text(server())},
                {"reason", last_problem_},
                {"code", end_code_},
                {"lasted_s", lasted.count()}});
}

std::string Uplink::text_of_end() const {
    switch (ending_) {
        case Ending::none: break;
        case Ending::stop: return "the bridge is stopped";
        case Ending::idle: return "no message has passed for a while";
        case Ending::preferred: return "the preferred server can be reached again";
        case Ending::renewal: return "the password ends soon, and the bridge connects again with a new one";
    }
    const std::string& reason = pump_.channel_reason();
    return reason.empty() ? end_text_ : end_text_ + ": " + reason;
}

/// When both transports are closed by force; `never` = the connection is not ending.
Instant Uplink::ending_deadline() const {
    return relay_.stage() == Stage::ending ? relay_.stage_since() + options_.ending_time_max : never;
}

/// When the connection ends because nothing passes; `never` = it stays.
Instant Uplink::idle_deadline() const {
    const bool may_end = options_.is_on_demand && ending_ == Ending::none && relay_.stage() == Stage::relaying &&
                         !relay_.oldest_unanswered() && !pump_.is_holding();
    return may_end ? std::max(last_message_, relay_.stage_since()) + options_.idle_time : never;
}

/// When the preferred server is probed; `never` = it is in use, or the connection is ending.
Instant Uplink::probe_deadline() const {
    return ending_ == Ending::none && relay_.stage() != Stage::ending ? order_.probe_at() : never;
}

/// When the next password is made; `never` = the present one has no end, or the connection does not work.
Instant Uplink::renewal_deadline() const {
    return ending_ == Ending::none && relay_.stage() == Stage::relaying ? renew_at_ : never;
}

}  // namespace ledge::uplink
