// The life of a pair of connections: how it begins, what time does to it, and how it ends. The files relay_<part>.cpp
// handle messages.
#include "ledge/bridge/relay.hpp"

#include <algorithm>
#include <utility>

#include "ledge/base/assert.hpp"
#include "ledge/base/wipe.hpp"
#include "ledge/bridge/upstream_client.hpp"
#include "temporary.hpp"

namespace ledge::bridge {

using client::Ended;
using wire::PropertyId;
using wire::ReasonCode;
using wire::Version;

namespace {

constexpr std::size_t events_max = 256;   // events that the owner has not taken; later ones are counted only
constexpr Duration waiting_max = 60s;     // a message that cannot be passed on for so long ends the connections
constexpr Duration inner_patience = 10s;  // a message for the local broker may wait so long for unread answers
constexpr std::uint32_t packet_bytes_min = 64;
constexpr std::uint32_t will_delay_s = 30;  // a planned reconnect that succeeds is over long before

bool needs_operator(ReasonCode code) {
    return code == ReasonCode::bad_user_name_or_password || code == ReasonCode::not_authorized ||
           code == ReasonCode::banned || code == ReasonCode::client_identifier_not_valid ||
           code == ReasonCode::bad_authentication_method;
}

/// DISCONNECT codes that a message may have caused. The others speak about the connection or the server.
bool may_blame_message(ReasonCode code) {
    return code == ReasonCode::unspecified_error || code == ReasonCode::malformed_packet ||
           code == ReasonCode::protocol_error || code == ReasonCode::implementation_specific_error ||
           code == ReasonCode::not_authorized || code == ReasonCode::topic_name_invalid ||
           code == ReasonCode::packet_too_large || code == ReasonCode::payload_format_invalid ||
           code == ReasonCode::retain_not_supported || code == ReasonCode::qos_not_supported;
}

}  // namespace

Relay::Relay(RelayOptions options, Upstream& upstream)
    : options_(std::move(options)),
      routes_(options_.routes),
      upstream_(upstream),
      up_(upstream_client_options(options_, upstream_)),
      in_(client::Options{}),
      poison_(options_.poison_attempts) {
    LEDGE_ASSERT(!options_.client_id.empty() && !options_.inner_client_id.empty());
    LEDGE_ASSERT(options_.inflight_max > 0 && options_.packet_bytes_max >= packet_bytes_min);
}

Relay::~Relay() { wipe_password(); }

void Relay::wipe_password() {
    if (options_.password) wipe(options_.password->data(), options_.password->size());
}

client::Options Relay::inner_options() const {
    client::Options o;
    o.version = Version::v5;
    o.flow = client::Flow::passed_on;
    o.client_id = options_.inner_client_id;
    o.keep_alive_s = 0;  // the link is in the same process: it cannot be half open
    o.session_expiry_s = 0xFFFF'FFFF;
    // The local broker must send no more than the upstream accepts.
    o.receive_maximum = std::min(options_.inflight_max, up_.limits().receive_maximum);
    const std::uint16_t qos2_max = upstream_.profile().qos2_inflight_max;
    const bool sends_qos2 = std::min(maximum_qos_out(), routes_.outgoing_qos_max()) == wire::QoS::exactly_once;
    if (qos2_max != 0 && sends_qos2 && up_.options().version != Version::v5)
        o.receive_maximum = std::min(o.receive_maximum, qos2_max);
    if (is_careful_) o.receive_maximum = 1;
    // The local broker must not leave large messages out, as a smaller limit would ask it to [MQTT-3.1.2-25]: they are
    // set aside here, where the operator learns of them.
    o.maximum_packet_size = wire::packet_size_max;
    o.limits.outbox_bytes_fatal =
        outbox_bytes_fatal(std::max<std::size_t>(options_.packet_bytes_max, dead_letter_bytes_max));
    o.topic_alias_maximum_out = 0;  // bytes are cheap inside the process
    return o;
}

// ---------------------------------------------------------------------------------------------------------------------
// The beginning

void Relay::set_credentials(std::optional<std::string> user_name, std::string_view password, Instant end) {
    LEDGE_ASSERT(is_closed());
    password_end_ = end;
    options_.user_name = std::move(user_name);
    wipe_password();
    options_.password.emplace(password);
}

void Relay::upstream_opened(Instant now) {
    LEDGE_ASSERT(is_closed() && !is_upstream_open_ && !is_inner_open_);
    is_upstream_open_ = true;
    has_upstream_answered_ = is_proven_told_ = has_upstream_session_ = false;
    is_careful_ = poison_.wants_care();
    retry_class_ = RetryClass::network;
    client::Options options = upstream_client_options(options_, upstream_);
    if (has_delayed_will()) options.will->properties.number(PropertyId::will_delay_interval, will_delay_s);
    up_.set_options(std::move(options));
    up_.connect(wants_clean_upstream_, now);
    enter(Stage::greeting, now);
}

void Relay::on_upstream_connected(const client::Connected& event, Instant now) {
    upstream_.on_connack();
    connack_at_ = now;
    tell(RelayEvent::Kind::connected, {}, ReasonCode::success, name_of(upstream_.dialect()));
    const bool was_clean = std::exchange(wants_clean_upstream_, false);
    // ActiveMQ says 0 although it has the session.
    has_upstream_session_ = event.session_present || (!was_clean && !upstream_.profile().tells_session_present);
    if (!has_upstream_session_) {
        if (had_upstream_session_ && !was_clean) tell(RelayEvent::Kind::upstream_session_lost);
        open_out_.clear();
        is_wash_owed_ = true;
    }
    // In 3.1.1 the session of a clean connection ends with it, so such a connection is only for discarding.
    const bool is_short = was_clean && up_.options().version != Version::v5;
    had_upstream_session_ = !is_short;
    if (is_short)
        return end(RetryClass::at_once, "the upstream's session is discarded, and the next connection makes a new one",
                   now);
    enter(Stage::inner_wanted, now);
}

void Relay::inner_opened(Instant now) {
    LEDGE_ASSERT(wants_inner() && !is_inner_open_);
    is_inner_open_ = true;
    in_.set_options(inner_options());
    in_.connect(false, now);
    enter(Stage::inner_greeting, now);
}

void Relay::on_inner_connected(const client::Connected& event, Instant now) {
    const bool is_new = !event.session_present || is_inner_session_new_;
    // An upstream that has no session, or never gets QoS 2, has no ids that new messages could meet.
    if (!has_upstream_session_ || !may_use_qos2(true)) is_inner_session_new_ = false;
    if (is_new) {
        open_in_.clear();
        is_open_in_known_ = true;
        is_wash_owed_ = false;
        // The local broker counts its packet ids from the beginning. An upstream that remembers ids of the lost session
        // would take new messages for repetitions. [MQTT-3.2.2-4] asks for a new session on both sides.
        if (has_upstream_session_ && may_use_qos2(true)) {
            wants_clean_upstream_ = true;
            tell(RelayEvent::Kind::upstream_session_discarded);
            if (!is_inner_session_new_) {  // otherwise messages may wait in the local session already
                wire::PropertyBuilder properties;
                // Without this the next connect would find a session, and forget the reason for a clean start.
                properties.number(wire::PropertyId::session_expiry_interval, 0);
                in_.disconnect(ReasonCode::success, properties.view());
            }
            return end(RetryClass::at_once, "the local session was lost, so the upstream's session is discarded", now);
        }
    }
    if (is_wash_owed_ && event.session_present && may_use_qos2(false)) return begin_washing(now);
    is_wash_owed_ = false;
    queue_requests();
    enter(Stage::subscribing, now);
    next_request(now);
}

// ---------------------------------------------------------------------------------------------------------------------
// Bytes

/// The connect cannot go on before the local broker has answered.
bool Relay::awaits_local_answer() const {
    if (stage_ == Stage::inner_wanted || stage_ == Stage::inner_greeting || stage_ == Stage::washing) return true;
    const bool is_inner_next = !requests_.empty() && requests_.front().is_inner;
    return request_ ? request_->is_inner : is_inner_next;
}

bool Relay::reads_upstream() const {
    if (is_ending() || stage_ == Stage::greeting) return true;
    // A message of the upstream must not meet the packet id of a request to the local broker.
    return !waiting_in_ && !awaits_local_answer();
}

Instant Relay::inner_due() const {
    if (is_ending() || awaits_local_answer()) return Instant::min();
    // The local broker's acknowledgements make room for the message that waits.
    return waiting_in_ ? waiting_in_->since + inner_patience : never;
}

bool Relay::reads_inner() const { return is_ending() || !waiting_out_; }

void Relay::upstream_bytes(Bytes& input, Instant now) {
    if (!input.empty()) has_upstream_answered_ = true;
    retry_waiting(now);
    while (is_upstream_open_ && reads_upstream()) {
        const client::Event event = up_.on_bytes(input, now);
        if (client::is_nothing(event)) break;
        on_upstream_event(event, now);
        retry_waiting(now);
    }
    if (!is_upstream_open_) input = {};
    note_reading(now);
}

void Relay::inner_bytes(Bytes& input, Instant now) {
    retry_waiting(now);
    while (is_inner_open_ && reads_inner()) {
        const client::Event event = in_.on_bytes(input, now);
        if (client::is_nothing(event)) break;
        on_inner_event(event, now);
        retry_waiting(now);
    }
    if (!is_inner_open_) input = {};
    note_reading(now);
}

void Relay::upstream_sent(std::size_t count, Instant now) {
    up_.sent(count, now);
    retry_waiting(now);
    note_reading(now);
}

void Relay::inner_sent(std::size_t count, Instant now) {
    in_.sent(count, now);
    retry_waiting(now);
    note_reading(now);
}

void Relay::on_upstream_event(const client::Event& event, Instant now) {
    if (const auto* e = std::get_if<client::Connected>(&event)) return on_upstream_connected(*e, now);
    if (const auto* e = std::get_if<Ended>(&event)) return on_upstream_ended(*e, now);
    if (!is_up()) return;
    if (const auto* e = std::get_if<client::Message>(&event)) return on_upstream_message(e->packet, now);
    if (const auto* e = std::get_if<client::AckPassedOn>(&event)) return on_upstream_ack(e->packet, now);
    if (const auto* e = std::get_if<client::RequestDone>(&event)) return on_request_done(e->packet, false, now);
    if (const auto* e = std::get_if<client::Dropped>(&event)) {
        upstream_.on_strange_topic(e->topic);
        count_drop(&RelayCounters::dropped_incoming);
        return tell(RelayEvent::Kind::strange_topic, e->topic);
    }
    if (const auto* e = std::get_if<client::Pong>(&event)) {
        tell_proven();
        // Behind messages PINGREQ waits for their answers, too.
        if (out_.oldest_unanswered() == nullptr) round_trip_.on_answer_since(e->sent_at, now);
    }
}

void Relay::on_inner_event(const client::Event& event, Instant now) {
    if (const auto* e = std::get_if<client::Connected>(&event)) return on_inner_connected(*e, now);
    if (const auto* e = std::get_if<Ended>(&event))
        return end(RetryClass::network, "the local broker " + std::string(name_of(e->cause)) + std::string(e->text),
                   now, e->code);
    if (!is_up()) return;
    if (const auto* e = std::get_if<client::Message>(&event)) return on_inner_message(e->packet, now);
    if (const auto* e = std::get_if<client::AckPassedOn>(&event)) return on_inner_ack(e->packet, now);
    if (const auto* e = std::get_if<client::RequestDone>(&event)) return on_request_done(e->packet, true, now);
}

Relay::Waiting::Waiting() = default;

wire::Publish Relay::Waiting::view() const {
    wire::Publish out = packet;
    out.topic = topic;
    out.payload = as_bytes(payload);
    out.properties = properties.view();
    return out;
}

void Relay::keep_waiting(std::optional<Waiting>& place, const wire::Publish& packet, Instant now) {
    LEDGE_ASSERT(!place);
    Waiting& kept = place.emplace();
    kept.packet = packet;
    kept.topic = packet.topic;
    kept.payload = as_text(packet.payload);
    kept.properties.raw(packet.properties.raw(), packet.properties.seen());
    kept.since = now;
}

void Relay::retry_waiting(Instant now) {
    if (!is_up()) return;
    const auto seconds_since = [&](Instant since) {
        return static_cast<std::uint32_t>(std::chrono::duration_cast<std::chrono::seconds>(now - since).count());
    };
    if (waiting_out_) {
        waited_s_ = seconds_since(waiting_out_->since);
        if (pass_out(waiting_out_->view(), now) != Passed::waits) waiting_out_.reset();
    }
    if (waiting_in_) {
        waited_s_ = seconds_since(waiting_in_->since);
        if (pass_in(waiting_in_->view(), now) != Passed::waits) waiting_in_.reset();
    }
    waited_s_ = 0;
}

// ---------------------------------------------------------------------------------------------------------------------
// Time

void Relay::on_time(Instant now) {
    if (is_upstream_open_) {
        for (client::Event event = up_.on_time(now); !client::is_nothing(event); event = up_.on_time(now))
            on_upstream_event(event, now);
    }
    if (is_inner_open_) {
        for (client::Event event = in_.on_time(now); !client::is_nothing(event); event = in_.on_time(now))
            on_inner_event(event, now);
    }
    if (!is_up()) return;
    if (request_ && now >= request_deadline_)
        return end(
            RetryClass::network,
            std::string(request_->is_inner ? "the local broker" : "the upstream") + " does not answer a subscription",
            now);
    const auto is_stuck = [&](const std::optional<Waiting>& one) { return one && now >= one->since + waiting_max; };
    if (is_stuck(waiting_out_)) return end(RetryClass::network, "the upstream accepts no further message", now);
    if (is_stuck(waiting_in_)) return end(RetryClass::network, "the local broker accepts no further message", now);
    if (stage_ == Stage::washing && now >= washed_at_ + waiting_max)
        return end(RetryClass::network, "the local broker does not answer PUBREL", now);
    retry_waiting(now);
    note_reading(now);
}

Instant Relay::next_deadline() const {
    Instant next = never;
    if (is_upstream_open_) next = std::min(next, up_.next_deadline());
    if (is_inner_open_) next = std::min(next, in_.next_deadline());
    if (!is_up()) return next;  // while the connections end, only the clients' own timers matter
    if (request_) next = std::min(next, request_deadline_);
    if (waiting_out_) next = std::min(next, waiting_out_->since + waiting_max);
    if (waiting_in_) next = std::min(next, waiting_in_->since + waiting_max);
    if (stage_ == Stage::washing) next = std::min(next, washed_at_ + waiting_max);
    return next;
}

std::optional<Instant> Relay::oldest_unanswered() const {
    const Exchange* const oldest = out_.oldest_unanswered();
    return oldest == nullptr ? std::nullopt : std::optional(oldest->began);
}

// ---------------------------------------------------------------------------------------------------------------------
// The end

void Relay::on_upstream_ended(const Ended& event, Instant now) {
    std::string why = text_of(event);
    RetryClass kind = RetryClass::network;
    if (event.cause == Ended::Cause::refused) {
        if (event.code == ReasonCode::unsupported_protocol_version)
            kind = upstream_.on_version_refused() ? RetryClass::at_once : RetryClass::operator_needed;
        else if (needs_operator(event.code))
            kind = RetryClass::operator_needed;
    }
    if (event.cause == Ended::Cause::disconnected) {
        if (event.code == ReasonCode::session_taken_over) tell(RelayEvent::Kind::client_id_in_use);
        if (may_blame_message(event.code)) blame_message(now);
    }
    end(kind, std::move(why), now, event.code);
}

/// The upstream has closed the connection, and a message may be the reason.
void Relay::blame_message(Instant now) {
    const Exchange* const oldest = out_.oldest_unanswered();
    if (oldest == nullptr || now >= password_end_) return;
    const bool is_first_qos2 = oldest->target_qos == wire::QoS::exactly_once && !has_done_qos2_;
    if (is_first_qos2 && upstream_.on_close_after_qos2()) return tell(RelayEvent::Kind::qos_lowered);
    poison_.on_close(oldest->fingerprint, out_.unanswered());
}

void Relay::judge_close(Closed how, Instant now) {
    if (stage_ == Stage::greeting) {
        const bool is_silent = how == Closed::by_peer && !has_upstream_answered_;
        if (is_silent && upstream_.on_silent_close(now - stage_since_))
            return end(RetryClass::at_once,
                       "the upstream closes the connection without a byte; the next attempt uses " +
                           std::string(name_of(upstream_.dialect())),
                       now);
        return end(RetryClass::network, "the connection has ended before the upstream has answered", now);
    }
    const bool has_unanswered = out_.oldest_unanswered() != nullptr || request_.has_value();
    if (upstream_.on_end(now - connack_at_, has_unanswered)) tell(RelayEvent::Kind::client_id_in_use);
    if (how == Closed::by_peer) blame_message(now);
    end(RetryClass::network,
        how == Closed::by_peer ? "the upstream has closed the connection" : "the connection to the upstream is lost",
        now);
}

void Relay::upstream_closed(Closed how, Instant now) {
    LEDGE_ASSERT(is_upstream_open_);
    if (!is_ending()) judge_close(how, now);
    is_upstream_open_ = false;
    up_.closed();
    finish_if_closed();
}

void Relay::inner_closed(Instant now) {
    LEDGE_ASSERT(is_inner_open_);
    if (!is_ending()) end(RetryClass::network, "the local broker has closed the inner connection", now);
    is_inner_open_ = false;
    in_.closed();
    finish_if_closed();
}

void Relay::stop(Instant now, bool is_back_soon) {
    end(is_back_soon ? RetryClass::at_once : RetryClass::network, "the bridge is stopped", now);
}

/// A will of MQTT 5 that a reconnect within the delay cancels [MQTT-3.1.3-9].
bool Relay::has_delayed_will() const {
    return options_.will && password_end_ != never && upstream_.dialect().version == Version::v5;
}

/// An end in order: nobody must believe the state topic any more, and nobody knows whether the next CONNECT succeeds.
/// MQTT 5 has a code that makes the upstream publish the will; 3.1.1 has none, so the bridge publishes the will's
/// message itself. A delayed will is left to the upstream only when the bridge will probably be back before.
void Relay::tell_absence(bool is_back_soon) {
    if (!is_upstream_open_) return;
    const bool is_v5 = up_.options().version == Version::v5;
    const bool is_will_enough = is_v5 && (is_back_soon || !has_delayed_will());
    bool is_told = false;
    if (up_.is_connected() && options_.will && !is_will_enough) {
        wire::Publish packet;
        packet.topic = options_.will->topic;
        packet.payload = as_bytes(options_.will->payload);
        packet.retain = options_.will->retain;
        is_told = up_.publish(packet).ok();  // refused: the outbox is full, and the upstream does not read
    }
    up_.disconnect(options_.will && !is_told ? ReasonCode::disconnect_with_will : ReasonCode::success);
}

/// Both connections end: messages then wait in the queues of both brokers, as for any client that is away.
void Relay::end(RetryClass kind, std::string why, Instant now, ReasonCode code) {
    if (is_closed() || is_ending()) return;
    retry_class_ = kind;
    tell(RelayEvent::Kind::ended, {}, code, why);
    tell_absence(kind == RetryClass::at_once);
    if (is_inner_open_) in_.disconnect();
    enter(Stage::ending, now);
}

void Relay::finish_if_closed() {
    if (is_upstream_open_ || is_inner_open_) return;
    stage_ = Stage::closed;
    if (waiting_in_ && waiting_in_->packet.qos == wire::QoS::at_most_once) {  // nobody repeats it
        count_drop(&RelayCounters::dropped_incoming);
        tell(RelayEvent::Kind::dropped, waiting_in_->topic, ReasonCode::unspecified_error,
             "the connections have ended before the local broker had room");
    }
    round_trip_.on_end();
    out_.clear();
    incoming_.clear();
    released_out_.clear();
    released_in_.clear();
    washing_.clear();
    waiting_out_.reset();
    waiting_in_.reset();
    requests_.clear();
    request_.reset();
    own_messages_.clear();
}

/// After a message was found to be poison, or not: the next connection sends messages together again.
void Relay::return_to_speed(Instant now) {
    if (!is_careful_ || poison_.wants_care()) return;
    end(RetryClass::at_once, "the search for the message that ends connections is over", now);
}

// ---------------------------------------------------------------------------------------------------------------------
// News

void Relay::enter(Stage stage, Instant now) {
    stage_ = stage;
    stage_since_ = now;
}

void Relay::tell(RelayEvent::Kind kind, std::string_view topic, ReasonCode code, std::string_view text) {
    if (events_.size() >= events_max) {
        ++counters_.events_lost;
        return;
    }
    events_.push_back({kind, std::string(topic), code, std::string(text)});
}

void Relay::tell_proven() {
    if (!std::exchange(is_proven_told_, true)) tell(RelayEvent::Kind::proven);
}

std::optional<RelayEvent> Relay::take_event() {
    if (events_.empty()) return std::nullopt;
    RelayEvent event = std::move(events_.front());
    events_.pop_front();
    return event;
}

}  // namespace ledge::bridge
