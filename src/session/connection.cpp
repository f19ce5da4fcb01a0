#include "ledge/session/connection.hpp"

#include <algorithm>
#include <utility>

#include "connack.hpp"
#include "handshake.hpp"
#include "ledge/auth/identity.hpp"
#include "ledge/auth/login_check.hpp"
#include "ledge/base/assert.hpp"
#include "ledge/base/log.hpp"
#include "ledge/base/timer_wheel.hpp"
#include "ledge/journal/journal.hpp"
#include "ledge/session/counters.hpp"
#include "ledge/session/ending_log.hpp"
#include "ledge/session/limits.hpp"
#include "ledge/session/listener_counters.hpp"
#include "ledge/session/listener_options.hpp"
#include "ledge/session/memory_budget.hpp"
#include "ledge/session/tracer.hpp"
#include "login_failures.hpp"

namespace ledge::session {

using wire::ReasonCode;

namespace {

/// True when the broker ends the connection although the peer has not broken the protocol.
bool is_broker_decision(ReasonCode code) {
    return code == ReasonCode::server_shutting_down || code == ReasonCode::session_taken_over ||
           code == ReasonCode::keep_alive_timeout || code == ReasonCode::administrative_action ||
           code == ReasonCode::quota_exceeded || code == ReasonCode::not_authorized ||
           code == ReasonCode::maximum_connect_time || code == ReasonCode::implementation_specific_error;
}

std::string_view user_of(const Session& session) {
    const auth::Identity* identity = session.identity();
    return identity != nullptr && identity->user ? std::string_view(*identity->user) : std::string_view();
}

}  // namespace

Connection::Connection(const ConnectionServices& services, const ListenerOptions& listener, std::string address,
                       LinkHandle* link, Instant now)
    : services_(services),
      sender_(services, peer_, *this),
      peer_(listener, std::move(address)),
      acks_(services.journal, sender_),
      deliveries_(services, peer_, sender_, acks_),
      receiver_(services, peer_, acks_),
      link_(link),
      last_received_(now),
      handshake_(std::make_unique<Handshake>(services, peer_, sender_, *this)),
      timer_(*this) {
    services_.memory.add(MemoryKind::connections, MemoryBudget::connection_bytes);
    if (ReadRate::is_wanted(limits())) rate_ = std::make_unique<ReadRate>(limits(), now);
    services_.timers.set(timer_, now + limits().connect_timeout);
}

Connection::~Connection() {
    forget_session();
    services_.memory.remove(MemoryKind::connections, MemoryBudget::connection_bytes);
    services_.memory.remove(MemoryKind::input, counted_input_);
    if (is_unauthenticated_) services_.memory.remove_unauthenticated(counted_input_);
}

[[gnu::hot]] bool Connection::is_held_back() const {
    return (rate_ != nullptr && rate_->is_paused()) || is_postponed() || acks_.is_full();
}

std::string_view Connection::client_id() const {
    return session_ == nullptr ? std::string_view() : std::string_view(session_->client_id());
}

// ---------------------------------------------------------------------------------------------------------------------
// From the first byte to CONNACK

bool Connection::is_awaiting_connect() const {
    return state_ == State::handshake && handshake_->step() == Handshake::Step::awaiting_connect;
}

[[gnu::hot]] bool Connection::is_awaiting_answer() const {
    return state_ == State::handshake && handshake_->is_awaiting_answer();
}

bool Connection::is_postponed() const {
    return state_ == State::handshake && handshake_->step() == Handshake::Step::awaiting_turn;
}

void Connection::hold_input(Bytes bytes) {
    LEDGE_ASSERT(is_awaiting_answer());
    end(handshake_->hold_input(bytes));
}

void Connection::set_proven_user(std::string_view user, auth::Proof proof) {
    LEDGE_ASSERT(handshake_ != nullptr);
    handshake_->set_proven_user(user, proof);
}

const auth::Identity* Connection::identity() const { return handshake_ == nullptr ? nullptr : handshake_->identity(); }

std::unique_ptr<auth::Identity> Connection::take_identity() {
    LEDGE_ASSERT(handshake_ != nullptr);
    return handshake_->take_identity();
}

void Connection::on_login_checked(auth::LoginOutcome outcome, Instant now, Effect& effect) {
    if (state_ != State::handshake) return;  // the connect timeout came first
    end(handshake_->on_login_checked(std::move(outcome), now, effect));
}

void Connection::postpone(const OpenSession& open, Instant until) {
    LEDGE_ASSERT(state_ == State::handshake);
    handshake_->postpone(open);
    services_.timers.set(timer_, until);
}

void Connection::reopen_soon(Instant now) {
    if (is_postponed()) services_.timers.set(timer_, now);
}

void Connection::reopen(Effect& effect) {
    LEDGE_ASSERT(is_postponed());
    end(handshake_->reopen(effect));
}

std::vector<Byte> Connection::end_login() {
    if (handshake_ == nullptr) return {};
    std::vector<Byte> held = handshake_->end();
    if (state_ == State::connected) handshake_.reset();
    count_input();
    return held;
}

void Connection::refuse_blocked() { end(blocked_login()); }

void Connection::refuse_busy() { end(busy_with_logins()); }

void Connection::refuse(const OpenSession& open, ReasonCode code, std::string_view detail, std::string_view rule) {
    LEDGE_ASSERT(state_ == State::handshake);
    const wire::Connect& packet = open.connect;
    refuse_connect({code, std::string(detail), std::string(rule), std::string(packet.client_id),
                    std::string(packet.user_name.value_or(""))});
}

void Connection::accept(const OpenSession& open, Session& session, bool session_present, Instant now) {
    LEDGE_ASSERT(state_ == State::handshake && session_ == nullptr);
    const wire::Connect& packet = open.connect;
    state_ = State::connected;
    session_ = &session;
    is_unauthenticated_ = false;
    services_.memory.remove_unauthenticated(counted_input_);
    // apply_policy() gives a client without an identity its rights only when the session is online.
    session.attach(*this, limits());
    session.apply_policy();
    is_will_due_ = packet.will.has_value();  // until DISCONNECT with reason code 0
    services_.log.info("client_connected", {{"client_id", session.client_id()},
                                            {"user", user_of(session)},
                                            {"address", peer_.address},
                                            {"listener", peer_.listener.name},
                                            {"version", static_cast<int>(peer_.version)},
                                            {"keep_alive_s", packet.keep_alive_s},
                                            {"session_present", session_present ? "yes" : "no"}});
    if (services_.tracer.is_on())
        services_.tracer.note({.stage = TraceStage::connected,
                               .client_id = session.client_id(),
                               .detail = session_present ? "session present" : "new session"});
    authentication_ = handshake_->take_authentication();
    login_ends_at_ = handshake_->login_ends_at();
    send_connack(services_, peer_, sender_, open, session, session_present, authentication_.get());
    if (state_ != State::connected) return;  // not even CONNACK fits the client's Maximum Packet Size
    start_keep_alive(peer_.effective_keep_alive(packet), now);
    pump(now);  // [MQTT-4.4.0-1]
    // From here on the views of `open` are no longer valid, unless end_login() is still to come.
    if (authentication_ != nullptr) authentication_->forget_connect();
    if (!handshake_->has_pending_login()) handshake_.reset();
}

// ---------------------------------------------------------------------------------------------------------------------
// Messages

[[gnu::hot]] void Connection::on_routed(wire::QoS qos, wire::PacketId id, ReasonCode code, Ticket ticket, AckHold hold,
                                        std::string_view reason) {
    if (state_ != State::connected || qos == wire::QoS::at_most_once) return;
    end(receiver_.on_routed(*session_, qos, id, code, ticket, std::move(hold), reason));
}

[[gnu::hot]] bool Connection::keeps_up() const {
    return state_ == State::connected && session_->queue().pending().empty() &&
           !session_->queue().inflight().has_unsent() && sender_.has_room() && has_send_quota();
}

[[gnu::hot]] void Connection::pump(Instant now) {
    if (session_ != nullptr && state_ == State::connected) deliveries_.pump(*session_, now);
}

// ---------------------------------------------------------------------------------------------------------------------
// The store

void Connection::on_committed() {
    sender_.stop_waiting();
    acks_.flush();
    if (!sender_.is_held()) mark_dirty();
    if (!acks_.empty() || sender_.is_held()) sender_.wait_for_commit();
}

void Connection::on_store_failed() {
    sender_.stop_waiting();
    if (session_ != nullptr) receiver_.on_store_failed(*session_);
    if (!sender_.is_held()) return close(ReasonCode::implementation_specific_error, "the store has failed");
    // The output that the peer must not see may begin in the middle of a packet, so nothing can follow it.
    sender_.drop_all();
    close_silently();
}

// ---------------------------------------------------------------------------------------------------------------------
// Time

void Connection::on_timer(Instant now) {
    if (state_ == State::closing) return;
    if (state_ == State::handshake) {
        const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(limits().connect_timeout).count();
        const CloseReason why{.detail = "no complete CONNECT, or no answer to it, within limits.connect_timeout_s (" +
                                        std::to_string(seconds) + ")"};
        log_refused("connect_timeout", std::nullopt, why);
        return refuse_stream();
    }
    if (now >= login_ends_at_)  // 5.0 table 3-13: the connection time authorized for this connection has been exceeded
        return close(ReasonCode::maximum_connect_time, "the login has expired");
    if (keep_alive_ms_ == 0) return set_timer(never);
    if (is_held_back()) last_received_ = now;  // the client is silent because the broker does not read it
    const Instant deadline = last_received_ + std::chrono::milliseconds(keep_alive_ms_);
    if (now < deadline) {
        // A quiet moment: give back queue memory that the traffic of the last period does not need.
        if (SessionQueue& queue = session_->queue(); queue.inflight().empty()) queue.shrink();
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
    const Instant deadline = std::min(keep_alive_deadline, login_ends_at_);
    if (deadline == never) return timer_.cancel();
    services_.timers.set(timer_, deadline);
}

// ---------------------------------------------------------------------------------------------------------------------
// The end

[[gnu::hot]] void Connection::end(const Ending& ending) {
    if (ending == nullptr || state_ == State::closing) return;
    if (state_ == State::handshake) return refuse_connect(*ending);
    close(ending->code, ending->detail, ending->rule);
}

void Connection::close(ReasonCode code, std::string_view detail, std::string_view rule) {
    if (state_ == State::closing) return;
    if (state_ == State::handshake) return refuse_connect({code, std::string(detail), std::string(rule), {}, {}});
    if (!is_broker_decision(code)) ++services_.counters.protocol_errors;
    services_.log.info("client_disconnected", {{"client_id", client_id()},
                                               {"user", session_ != nullptr ? session_->owner() : ""},
                                               {"address", peer_.address},
                                               {"by", "server"},
                                               {"reason", wire::name_of(code)},
                                               {"detail", detail},
                                               {"rule", rule}});
    note_disconnected(wire::name_of(code), code, detail, rule);
    if (peer_.is_v5())  // [MQTT-4.13.1-1] [MQTT-3.14.2-3]; an MQTT 3 server has no DISCONNECT to send
        sender_.send_with_reason(wire::Disconnect{code, {}}, detail_for_client(detail, rule));
    close_silently();
}

// Some reasons are given where CONNECT is not at hand: while the login is checked, or between two packets AUTH.
CloseReason Connection::with_names(CloseReason reason) const {
    if (handshake_ != nullptr && reason.client_id.empty()) handshake_->add_names(reason);
    return reason;
}

void Connection::refuse_connect(const CloseReason& reason) {
    LEDGE_ASSERT(state_ == State::handshake);
    count_refusal(reason.code);
    log_refused(wire::name_of(reason.code), reason.code, reason);
    send_refusal(peer_, sender_, reason.code, detail_for_client(reason.detail, reason.rule));
    close_silently();
}

void Connection::log_refused(std::string_view reason, std::optional<ReasonCode> code,
                             const CloseReason& unnamed) const {
    const CloseReason why = with_names(unnamed);
    services_.log.info("connection_refused", {{"address", peer_.address},
                                              {"listener", peer_.listener.name},
                                              {"client_id", why.client_id},
                                              {"user", why.user},
                                              {"reason", reason},
                                              {"detail", why.detail},
                                              {"rule", why.rule}});
    services_.endings.add({.kind = EndedConnection::Kind::refused,
                           .code = code,
                           .reason = std::string(reason),
                           .client_id = why.client_id,
                           .user = why.user,
                           .address = peer_.address,
                           .listener = peer_.listener.name,
                           .detail = why.detail,
                           .rule = why.rule});
    if (services_.tracer.is_on())
        services_.tracer.note({.stage = TraceStage::refused,
                               .client_id = why.client_id,
                               .detail = "CONNECT: " + (why.rule.empty() ? why.detail : why.rule)});
}

// Called beside each log line that says the same.
void Connection::note_disconnected(std::string_view reason, std::optional<ReasonCode> code, std::string_view detail,
                                   std::string_view rule) const {
    services_.endings.add({.kind = EndedConnection::Kind::disconnected,
                           .code = code,
                           .reason = std::string(reason),
                           .client_id = std::string(client_id()),
                           .user = std::string(session_ == nullptr ? std::string_view() : user_of(*session_)),
                           .address = peer_.address,
                           .listener = peer_.listener.name,
                           .detail = std::string(detail),
                           .rule = std::string(rule)});
    if (!services_.tracer.is_on()) return;
    std::string text(reason);
    if (const std::string_view more = rule.empty() ? detail : rule; !more.empty()) text.append(": ").append(more);
    services_.tracer.note({.stage = TraceStage::disconnected, .client_id = client_id(), .detail = text});
}

void Connection::end_by_network() {
    LEDGE_ASSERT(state_ == State::connected);
    constexpr std::string_view reason = "connection lost";
    services_.log.info("client_disconnected",
                       {{"client_id", client_id()}, {"address", peer_.address}, {"by", "network"}, {"reason", reason}});
    note_disconnected(reason, std::nullopt);
    close_silently();
}

// The peer has sent something that is no CONNECT. MQTT has no answer to that, so nothing is sent.
void Connection::refuse_stream() {
    count_refusal(ReasonCode::malformed_packet);
    close_silently();
}

void Connection::count_refusal(ReasonCode code) {
    ++services_.counters.connections_refused;
    if (listener_counters != nullptr) listener_counters->count_refusal(code);
}

void Connection::close_silently() {
    if (state_ == State::closing) return;
    // Unless the client has sent DISCONNECT, its will is published [MQTT-3.1.2-8].
    state_ = State::closing;
    sender_.seal();
    timer_.cancel();
    mark_dirty();
}

void Connection::forget_session() {
    session_ = nullptr;
    acks_.clear();
}

// ---------------------------------------------------------------------------------------------------------------------
// Memory

void Connection::log_cut_off(std::string_view reason) const {
    services_.log.warning("client_disconnected", {{"client_id", client_id()},
                                                  {"address", peer_.address},
                                                  {"by", "server"},
                                                  {"reason", reason},
                                                  {"outbox_bytes", outbox().size()},
                                                  {"held_bytes", memory()}});
    note_disconnected(reason, std::nullopt);
}

// A peer that sends requests but never reads the answers is closed before the answers fill the memory.
[[gnu::hot]] void Connection::check_outbox_bound() {
    if (!sender_.is_beyond_fatal_limit() || state_ == State::closing) return;
    log_cut_off("outbox_full");
    outbox().clear();
    close_silently();
}

[[gnu::hot]] void Connection::count_input() {
    std::size_t bytes = framer_.memory();
    if (handshake_ != nullptr) bytes += handshake_->memory();
    const auto now = static_cast<std::uint32_t>(bytes);
    if (now == counted_input_) return;
    const std::uint32_t before = std::exchange(counted_input_, now);
    services_.memory.add(MemoryKind::input, now);
    services_.memory.remove(MemoryKind::input, before);
    if (is_unauthenticated_) {
        services_.memory.add_unauthenticated(now);
        services_.memory.remove_unauthenticated(before);
    }
}

std::uint64_t Connection::memory() const {
    const std::uint64_t own = outbox().memory() + counted_input_;
    return session_ == nullptr || session_->is_persistent() ? own : own + session_->held_bytes();
}

void Connection::refuse_unfinished() {
    LEDGE_ASSERT(is_unauthenticated_ && handshake_ != nullptr);
    ++services_.counters.unauthenticated_evicted;
    count_refusal(ReasonCode::server_busy);
    handshake_->drop();
    framer_.forget();
    count_input();
    close_silently();
}

void Connection::close_for_memory() {
    if (state_ == State::closing) return;
    ++services_.counters.disconnected_memory;
    log_cut_off("memory_budget");
    outbox().clear();
    framer_.forget();
    count_input();
    close_silently();
}

}  // namespace ledge::session
