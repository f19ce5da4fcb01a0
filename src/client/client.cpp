// The frame of the client: states of the connection, bytes in and out, time. The files on_<packet>.cpp handle packets.
#include "ledge/client/client.hpp"

#include <algorithm>
#include <utility>

#include "append.hpp"
#include "ledge/base/assert.hpp"
#include "ledge/base/wipe.hpp"

namespace ledge::client {

using wire::PacketType;

namespace {

void wipe_password(Options& options) {
    if (options.password) wipe(options.password->data(), options.password->size());
}

}  // namespace

Client::Client(Options options) { set_options(std::move(options)); }

Client::~Client() { wipe_password(options_); }

void Client::set_options(Options options) {
    LEDGE_ASSERT(state_ == State::closed);
    LEDGE_ASSERT(options.receive_maximum > 0 && options.maximum_packet_size > 0);  // 5.0 sections 3.1.2.11.3 and .4
    LEDGE_ASSERT(options.limits.inflight_max > 0);
    if (options.client_id != options_.client_id) {
        assigned_client_id_.reset();
        has_session_ = false;  // the session belongs to the old id
    }
    wipe_password(options_);
    options_ = std::move(options);
    if (is_kept() && !kept_) kept_ = std::make_unique<Kept>();
}

std::string_view Client::client_id() const { return assigned_client_id_ ? *assigned_client_id_ : options_.client_id; }

void Client::connect(bool clean_start, Instant now) {
    LEDGE_ASSERT(state_ == State::closed && outbox_.empty());
    framer_.emplace();
    limits_ = {};
    // 3.1.1 [MQTT-3.1.3-7]: without a client id no session can be resumed.
    if (!is_v5() && options_.client_id.empty()) clean_start = true;
    // If no CONNACK has come since a clean start, nobody knows whether the server has seen it. So it is repeated.
    is_clean_start_ = is_clean_start_owed_ = clean_start || (is_kept() && is_clean_start_owed_);
    is_auth_asked_ = is_reauthenticating_ = is_accepted_ = false;
    pings_ = 0;
    is_reading_ = true;
    last_sent_ = last_received_ = now;
    state_ = State::greeting;
    append_connect();
}

void Client::closed() {
    if (state_ == State::closed) return;
    state_ = State::closed;
    outbox_.clear();
    framer_.reset();
    for (const Request& request : requests_) ids_in_use_.erase(request.id);
    requests_.clear();
    if (kept_) kept_->received.end_connection();
    if (is_accepted_ && limits_.session_expiry_s == 0) has_session_ = false;  // the session ended with the connection
}

// ---------------------------------------------------------------------------------------------------------------------
// Bytes

Event Client::on_bytes(Bytes& input, Instant now) {
    if (!input.empty()) last_received_ = now;
    // One event per call, so that the event can borrow the input. Packets without an event are handled in the loop.
    for (;;) {
        if (Event outcome = take_outcome(); !is_nothing(outcome)) return outcome;
        if (Event overload = overload_if_full(); !is_nothing(overload)) return overload;
        if (state_ != State::greeting && state_ != State::connected) break;
        const wire::Framer::Next next = framer_->next(input, options_.maximum_packet_size);
        if (next.status == wire::Framer::Status::need_more) return Nothing{};
        if (next.status == wire::Framer::Status::too_large) return fail(Fault::packet_too_large);
        if (next.status == wire::Framer::Status::malformed) return fail(Fault::undecodable, wire::Rule::fixed_header);
        Event event = on_frame(next.frame);
        if (!is_nothing(event)) return event;
    }
    input = {};
    return Nothing{};
}

Event Client::on_frame(Bytes frame) {
    LEDGE_ASSERT(!frame.empty());
    const PacketType type = wire::type_of(frame);
    const bool may_come_first = type == PacketType::connack || type == PacketType::auth;
    if (state_ == State::greeting && !may_come_first) return fail(Fault::before_connack);
    switch (type) {
        case PacketType::connack: return on_connack(frame);
        case PacketType::publish: return on_publish(frame);
        case PacketType::puback:
        case PacketType::pubrec:
        case PacketType::pubrel:
        case PacketType::pubcomp: return on_ack(frame);
        case PacketType::suback:
        case PacketType::unsuback: return on_request_done(frame);
        case PacketType::pingresp: return on_pingresp(frame);
        case PacketType::disconnect: return on_disconnect(frame);
        case PacketType::auth: return on_auth(frame);
        case PacketType::connect:
        case PacketType::subscribe:
        case PacketType::unsubscribe:
        case PacketType::pingreq: return fail(Fault::packet_of_clients);
    }
    return fail(Fault::undecodable, wire::Rule::fixed_header);
}

Event Client::take_outcome() {
    if (!kept_ || kept_->outcomes.empty()) return Nothing{};
    return kept_->outcomes.pop_front();
}

void Client::sent(std::size_t count, Instant now) {
    outbox_.consume(count);
    if (count > 0) last_sent_ = now;
    pump();
}

void Client::append_ack(PacketType type, PacketId id, ReasonCode code) { append(wire::Ack{type, id, code, {}}); }

// ---------------------------------------------------------------------------------------------------------------------
// The end of a connection

Event Client::fail(Fault fault, wire::Rule rule) {
    const bool is_undecodable = rule != wire::Rule::none;
    const ReasonCode code = is_undecodable ? ReasonCode(wire::Violation{rule}) : code_of(fault);
    const std::string_view text = is_undecodable ? text_of(rule) : text_of(fault);
    Event event = end(Ended::Cause::violation, code, text);
    std::get<Ended>(event).fault = fault;
    std::get<Ended>(event).rule = rule;
    // 5.0 section 4.13.1. Before MQTT 5, DISCONNECT means a normal end and deletes the will, so none is sent.
    if (is_v5()) append(wire::Disconnect{code, {}});
    return event;
}

Event Client::end(Ended::Cause cause, ReasonCode code, std::string_view text, wire::Properties properties) {
    LEDGE_ASSERT(state_ == State::greeting || state_ == State::connected);
    state_ = State::ending;
    if (!is_v5()) outbox_.clear();
    return Ended{cause, code, Fault::none, wire::Rule::none, text, properties};
}

/// A server that sends packets but does not read the answers would let the outbox grow without end.
Event Client::overload_if_full() {
    const bool is_open = state_ == State::greeting || state_ == State::connected;
    if (!is_open || outbox_.size() <= options_.limits.outbox_bytes_fatal) return Nothing{};
    outbox_.clear();  // the server does not read, so none of these bytes would arrive
    Event event = end(Ended::Cause::overload, code_of(Fault::outbox_full), text_of(Fault::outbox_full));
    std::get<Ended>(event).fault = Fault::outbox_full;
    return event;
}

Event Client::on_disconnect(Bytes frame) {
    if (!is_v5()) return fail(Fault::disconnect_before_v5);
    const auto packet = wire::decode_disconnect(frame, options_.version);
    if (!packet) return fail(Fault::undecodable, packet.error().rule);
    if (packet->properties.has(wire::PropertyId::session_expiry_interval))
        return fail(Fault::session_expiry_in_disconnect);
    outbox_.clear();  // [MQTT-3.14.4-1] the server reads nothing after its DISCONNECT
    return end(Ended::Cause::disconnected, packet->code, wire::name_of(packet->code), packet->properties);
}

void Client::disconnect(ReasonCode code, const wire::Properties& properties) {
    if (state_ != State::greeting && state_ != State::connected) return;
    state_ = State::ending;
    if (!is_v5() && code != ReasonCode::success) return outbox_.clear();
    const auto expiry = properties.number(wire::PropertyId::session_expiry_interval);
    // 5.0 section 3.14.2.2.2: an expiry of 0 in CONNECT cannot be changed to another value.
    LEDGE_ASSERT(!expiry || *expiry == 0 || options_.session_expiry_s != 0);
    if (expiry) limits_.session_expiry_s = *expiry;
    append(wire::Disconnect{code, properties});
}

// ---------------------------------------------------------------------------------------------------------------------
// Time

void Client::set_reading(bool is_reading, Instant now) {
    // The server may have sent bytes all the time, so its silence begins now.
    if (is_reading && !is_reading_) last_received_ = now;
    is_reading_ = is_reading;
}

bool Client::ping(Instant now) {
    if (state_ != State::connected) return false;
    wire::Writer out(outbox_.append(wire::ping_size));
    wire::encode(wire::Pingreq{}, out);
    if (pings_++ == 0 || !is_reading_) last_ping_ = now;
    return true;
}

Event Client::on_pingresp(Bytes frame) {
    const auto packet = wire::decode_pingresp(frame);
    if (!packet) return fail(Fault::undecodable, packet.error().rule);
    if (pings_ == 0) return Nothing{};  // no PINGREQ is open; the standard names no consequence
    --pings_;
    return Pong{std::exchange(last_ping_, last_received_)};
}

Event Client::on_time(Instant now) {
    if (Event outcome = take_outcome(); !is_nothing(outcome)) return outcome;
    if (next_deadline() > now) return Nothing{};
    if (state_ == State::ending) {
        outbox_.clear();  // the server does not read the last packets
        return Nothing{};
    }
    if (state_ == State::connected && (pings_ == 0 || !is_reading_)) {
        ping(now);
        return Nothing{};
    }
    // A silent server would not read a DISCONNECT either. Without one, it publishes the will, as it should.
    const Fault fault = state_ == State::greeting ? Fault::no_connack : Fault::no_pingresp;
    outbox_.clear();
    Event event = end(Ended::Cause::no_answer, code_of(fault), text_of(fault));
    std::get<Ended>(event).fault = fault;
    return event;
}

// PINGREQ is due after half of the keep alive, because [MQTT-3.1.2-20] counts until the server has received the
// packet. A client that publishes all the time sends PINGREQ too: otherwise it would not notice that the server is
// gone.
Instant Client::next_deadline() const {
    if (kept_ && !kept_->outcomes.empty()) return last_received_;
    if (state_ == State::greeting) return last_received_ + options_.connack_timeout;
    if (state_ == State::ending && !outbox_.empty())
        return std::max(last_sent_, last_received_) + options_.response_timeout;
    if (state_ != State::connected) return never;
    const Duration interval = std::chrono::seconds(limits_.keep_alive_s) / 2;
    // Nothing is known about the server's silence, but the server still counts ours [MQTT-3.1.2-22].
    if (!is_reading_) return interval == Duration::zero() ? never : std::max(last_sent_, last_ping_) + interval;
    if (pings_ > 0) return std::max(last_ping_, last_received_) + options_.response_timeout;
    if (interval == Duration::zero()) return never;
    return std::min(last_sent_, last_received_) + interval;
}

bool Client::breaks_problem_information(const wire::Properties& properties) const {
    if (options_.request_problem_information) return false;
    return properties.has(wire::PropertyId::reason_string) || properties.has(wire::PropertyId::user_property);
}

}  // namespace ledge::client
