#include "ledge/session/connection.hpp"

#include <algorithm>

#include "auth_exchange.hpp"
#include "ledge/base/first_bytes.hpp"
#include "ledge/session/login_queue.hpp"
#include "ledge/wire/utf8.hpp"
#include "pending_login.hpp"

namespace ledge::session {

namespace {

/// For peers that have come to the wrong port; "" when the bytes are nobody's.
std::string told_protocol(Bytes first_bytes) {
    const std::string_view spoken = protocol_of(first_bytes);
    if (spoken.empty() || spoken == "an MQTT CONNECT") return {};
    return "; the first bytes are " + std::string(spoken) + ", but this listener speaks plain MQTT";
}

}  // namespace

using wire::PacketType;
using wire::ReasonCode;
using wire::Version;

Connection::Connection(const ConnectionServices& services, const ListenerOptions& listener, std::string address,
                       void* driver_data, Instant now)
    : services_(services),
      listener_(listener),
      address_(std::move(address)),
      network_(network_of(address_)),
      driver_data_(driver_data),
      outbox_(services.buffers),
      timer_(CoreTimer::Wakes::connection, this),
      last_received_(now) {
    services_.memory.add(MemoryBudget::connection_bytes);
    if (ReadRate::is_wanted(limits())) rate_ = std::make_unique<ReadRate>(limits(), now);
    services_.timers.set(timer_, now + limits().connect_timeout);
}

Connection::~Connection() {
    forget_session();
    services_.logins.forget(*this);
    services_.memory.remove(MemoryBudget::connection_bytes + counted_input_);
    if (is_stranger_) services_.memory.remove_of_strangers(counted_input_);
    if (is_waiting_for_commit_) std::erase(services_.waiting, this);
}

std::uint32_t Connection::packet_size_max() const {
    const bool is_known = state_ == State::connected || state_ == State::closing;
    return is_known ? limits().max_packet_size_bytes : limits().connect_packet_max_bytes;
}

void Connection::on_frame(Bytes frame, Instant now, Effect& effect) {
    last_received_ = now;
    ++services_.counters.packets_received;
    const PacketType type = wire::type_of(frame);
    if (state_ == State::connected) return dispatch(frame, now, effect);
    if (state_ == State::authenticating && (type == PacketType::auth || type == PacketType::disconnect))
        return dispatch(frame, now, effect);
    if (state_ == State::awaiting_connect && type == PacketType::connect) {
        ++services_.counters.connects_received;
        const auto packet = wire::decode_connect(frame);
        if (packet.ok()) return on_connect(*packet, frame, now, effect);
        return refuse_undecodable_connect(frame, packet.error());
    }
    // [MQTT-3.1.0-1] The first packet must be CONNECT; during an AUTH exchange only AUTH and DISCONNECT may come.
    services_.log.info("connection_refused", {{"address", address_},
                                              {"listener", listener_.name},
                                              {"reason", "protocol_error"},
                                              {"detail", "first packet is not CONNECT" + told_protocol(frame)},
                                              {"packet", wire::name_of(type)}});
    ++services_.counters.connections_refused;
    start_closing();
}

void Connection::dispatch(Bytes frame, Instant now, Effect& effect) {
    switch (wire::type_of(frame)) {
        case PacketType::publish: return on_publish(frame, effect, now);
        case PacketType::puback:
        case PacketType::pubrec:
        case PacketType::pubrel:
        case PacketType::pubcomp: return on_ack(frame, now);
        case PacketType::subscribe: return on_subscribe(frame, effect);
        case PacketType::unsubscribe: return on_unsubscribe(frame, effect);
        case PacketType::pingreq: return on_pingreq(frame);
        case PacketType::disconnect: return on_disconnect(frame, effect);
        case PacketType::auth: return on_auth(frame, now, effect);
        case PacketType::connect:  // [MQTT-3.1.0-2]
            return close(ReasonCode::protocol_error, "second CONNECT");
        case PacketType::connack:
        case PacketType::suback:
        case PacketType::unsuback:
        case PacketType::pingresp: return close(ReasonCode::protocol_error, "a packet only a server sends");
    }
}

void Connection::on_pingreq(Bytes frame) {
    if (const auto packet = wire::decode_pingreq(frame); !packet.ok()) return close(packet.error(), "PINGREQ");
    wire::Writer writer(outbox_.append(wire::ping_size));
    wire::encode(wire::Pingresp{}, writer);  // [MQTT-3.12.4-1]
    ++services_.counters.packets_sent;
    mark_dirty();
}

void Connection::on_unframeable(const wire::Framer::Next& next) {
    const bool is_too_large = next.status == wire::Framer::Status::too_large;
    const ReasonCode code = is_too_large ? ReasonCode::packet_too_large : ReasonCode::malformed_packet;
    std::string detail = is_too_large ? told_size(next) : "the fixed header is malformed";
    if (state_ == State::connected) return close(code, detail);
    detail += told_protocol(next.frame);
    services_.log.info(
        "connection_refused",
        {{"address", address_}, {"listener", listener_.name}, {"reason", wire::name_of(code)}, {"detail", detail}});
    ++services_.counters.connections_refused;
    start_closing();
}

// "PUBLISH of 1200020 bytes to topic "a/b" exceeds limits.max_packet_size_bytes = 1048576".
std::string Connection::told_size(const wire::Framer::Next& next) const {
    std::string text(wire::name_of(wire::type_of(next.frame)));
    std::ranges::transform(text, text.begin(),
                           [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c; });
    text += " of " + std::to_string(next.size) + " bytes";
    if (const auto topic = wire::topic_of_beginning(next.frame)) text += " to topic \"" + std::string(*topic) + "\"";
    text += state_ == State::connected ? " exceeds limits.max_packet_size_bytes = "
                                       : " exceeds limits.connect_packet_max_bytes = ";
    return text + std::to_string(packet_size_max());
}

void Connection::on_timer(Instant now) {
    if (state_ == State::closing) return;
    if (state_ != State::connected) {
        services_.log.info(
            "connection_refused",
            {{"address", address_},
             {"listener", listener_.name},
             {"reason", "connect_timeout"},
             {"detail",
              "no complete CONNECT, or no answer to it, within limits.connect_timeout_s (" +
                  std::to_string(std::chrono::duration_cast<std::chrono::seconds>(limits().connect_timeout).count()) +
                  ")"}});
        ++services_.counters.connections_refused;
        return start_closing();
    }
    if (now >= ends_at_)  // 5.0 table 3-13: the connection time authorized for this connection has been exceeded
        return close(ReasonCode::maximum_connect_time, "the login is not valid any longer");
    if (keep_alive_ms_ == 0) return set_timer(never);
    if (is_held_back()) last_received_ = now;  // it is we who do not read
    const Instant deadline = last_received_ + std::chrono::milliseconds(keep_alive_ms_);
    if (now < deadline) {
        // A quiet moment: give queue memory back that the traffic of the last period does not need.
        if (session_->inflight().empty()) session_->shrink();
        return set_timer(deadline);
    }
    ++services_.counters.keep_alive_timeouts;
    close(ReasonCode::keep_alive_timeout, "no packet within one and a half times the keep alive");  // [MQTT-3.1.2-22]
}

void Connection::start_keep_alive(std::uint16_t seconds, Instant now) {
    keep_alive_ms_ = seconds * 1500U;
    set_timer(seconds == 0 ? never : now + std::chrono::milliseconds(keep_alive_ms_));
}

void Connection::set_timer(Instant keep_alive_deadline) {
    const Instant deadline = std::min(keep_alive_deadline, ends_at_);
    if (deadline == never) return timer_.cancel();
    services_.timers.set(timer_, deadline);
}

void Connection::close(ReasonCode code, std::string_view detail, std::string_view rule) {
    if (state_ == State::closing) return;
    if (state_ != State::connected) return refuse_connect(code, detail, rule);
    const bool is_peer_at_fault = code != ReasonCode::server_shutting_down && code != ReasonCode::session_taken_over &&
                                  code != ReasonCode::keep_alive_timeout && code != ReasonCode::administrative_action &&
                                  code != ReasonCode::quota_exceeded && code != ReasonCode::not_authorized &&
                                  code != ReasonCode::maximum_connect_time &&
                                  code != ReasonCode::implementation_specific_error;
    if (is_peer_at_fault) ++services_.counters.protocol_errors;
    services_.log.info("client_disconnected", {{"client_id", session_ == nullptr ? "" : session_->client_id()},
                                               {"address", address_},
                                               {"by", "server"},
                                               {"reason", wire::name_of(code)},
                                               {"detail", detail},
                                               {"rule", rule}});
    if (version_ == Version::v5)  // [MQTT-4.13.1-1] [MQTT-3.14.2-3]; a 3.x server has no DISCONNECT to send
        send_with_reason(wire::Disconnect{code, {}}, told(detail, rule));
    start_closing();
}

void Connection::close(wire::Violation violation, std::string_view packet) {
    close(wire::ReasonCode(violation), std::string(packet).append(": ").append(wire::text_of(violation.rule)));
}

/// For the client: the rule only where the policy says so.
std::string Connection::told(std::string_view detail, std::string_view rule) const {
    std::string text(detail);
    if (rule.empty()) return text;
    if (!text.empty()) text += ": ";
    return text.append(services_.policy.explains_to_clients ? rule : "not allowed by the rules of this server");
}

/// As much of it as may be sent: nothing where the client does not want it [MQTT-3.1.2-29].
std::string_view Connection::reason_for_peer(std::string_view reason) const {
    constexpr std::size_t reason_bytes_max = 512;
    if (version_ != Version::v5 || !wants_problem_information_ || !wire::is_valid_utf8(reason)) return {};
    std::size_t size = std::min(reason.size(), reason_bytes_max);
    while (size < reason.size() && (static_cast<unsigned char>(reason[size]) & 0xC0U) == 0x80U) --size;
    return reason.substr(0, size);
}

void Connection::close_silently() { start_closing(); }

void Connection::start_closing() {
    if (state_ == State::closing) return;
    // Unless the client took leave with DISCONNECT, its will is published [MQTT-3.1.2-8].
    state_ = State::closing;
    timer_.cancel();
    mark_dirty();
}

void Connection::mark_dirty() { services_.dirty.add(*this); }

void Connection::unlink_dirty() { services_.dirty.remove(*this); }

// A peer that sends requests but never reads the answers is cut off before its answers fill the memory.
void Connection::check_outbox_bound() {
    if (outbox_.size() <= limits().outbox_bytes_fatal + largest_publish_ || state_ == State::closing) return;
    services_.log.warning("client_disconnected", {{"client_id", session_ == nullptr ? "" : session_->client_id()},
                                                  {"address", address_},
                                                  {"by", "server"},
                                                  {"reason", "outbox_full"},
                                                  {"outbox_bytes", outbox_.size()}});
    outbox_.clear();
    start_closing();
}

void Connection::count_input() {
    std::size_t bytes = framer_.memory();
    if (login_ != nullptr) bytes += login_->connect_frame.bytes().size() + login_->held_input.capacity();
    const auto now = static_cast<std::uint32_t>(bytes);
    if (now == counted_input_) return;
    const std::uint32_t before = std::exchange(counted_input_, now);
    services_.memory.add(now);
    services_.memory.remove(before);
    if (is_stranger_) {
        services_.memory.add_of_strangers(now);
        services_.memory.remove_of_strangers(before);
    }
}

std::uint64_t Connection::memory() const {
    const std::uint64_t own = outbox_.memory() + counted_input_;
    return session_ == nullptr || session_->is_persistent() ? own : own + session_->held_bytes();
}

void Connection::refuse_unfinished() {
    ++services_.counters.strangers_gave_way;
    ++services_.counters.connections_refused;
    services_.logins.forget(*this);
    login_.reset();
    framer_.forget();
    count_input();
    start_closing();
}

void Connection::shed() {
    if (state_ == State::closing) return;
    ++services_.counters.disconnected_memory;
    services_.log.warning("client_disconnected", {{"client_id", session_ == nullptr ? "" : session_->client_id()},
                                                  {"address", address_},
                                                  {"by", "server"},
                                                  {"reason", "memory_budget"},
                                                  {"outbox_bytes", outbox_.size()},
                                                  {"held_bytes", memory()}});
    outbox_.clear();
    framer_.forget();
    count_input();
    start_closing();
}

}  // namespace ledge::session
