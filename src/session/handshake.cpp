#include "handshake.hpp"

#include <algorithm>
#include <utility>

#include "ledge/auth/authenticator.hpp"
#include "ledge/base/assert.hpp"
#include "ledge/base/log.hpp"
#include "ledge/base/rng.hpp"
#include "ledge/base/wipe.hpp"
#include "ledge/session/connection.hpp"
#include "ledge/session/counters.hpp"
#include "ledge/session/inner_clients.hpp"
#include "ledge/session/limits.hpp"
#include "ledge/session/listener_options.hpp"
#include "ledge/session/login_queue.hpp"
#include "ledge/session/packet_sender.hpp"
#include "ledge/session/system_topics.hpp"
#include "ledge/topic/name.hpp"
#include "login_failures.hpp"

namespace ledge::session {

using wire::PropertyId;
using wire::ReasonCode;

namespace {

void add_names_of(const wire::Connect& packet, CloseReason& reason) {
    reason.client_id = packet.client_id;
    if (reason.user.empty()) reason.user = packet.user_name.value_or("");
}

/// Adds the client id and the user name of CONNECT to the reason, for the log.
Ending named(Ending ending, const wire::Connect& packet) {
    if (ending == nullptr) return nullptr;
    add_names_of(packet, *ending);
    return ending;
}

/// True when the login uses a name that no user has. The guard counts such names separately, so that guesses of them do
/// not delay the login of a real user.
bool is_of_nobody(const auth::LoginCheck& check) {
    const auto* password = std::get_if<auth::PasswordCheck>(&check);
    return password != nullptr && !password->is_user_known;
}

std::string random_client_id(Rng& rng) {
    static constexpr char digits[] = "0123456789abcdefghijklmnopqrstuv";
    std::string id = "auto-";
    for (std::uint64_t value = rng.next(), i = 0; i < 12; ++i, value >>= 5U) id += digits[value & 31U];
    return id;
}

}  // namespace

Ending busy_with_logins() { return end_with(ReasonCode::server_busy, "too many clients are logging in"); }

Handshake::Handshake(const ConnectionServices& services, PeerFacts& peer, PacketSender& sender, Connection& connection)
    : services_(services), peer_(peer), sender_(sender), connection_(connection) {}

Handshake::~Handshake() { services_.logins.forget(connection_); }

void Handshake::set_proven_user(std::string_view user, auth::Proof proof) {
    LEDGE_ASSERT(proof == auth::Proof::tls || proof == auth::Proof::program);
    identity_ = std::make_unique<auth::Identity>();
    identity_->user = std::string(user);
    identity_->proof = proof;
}

Ending Handshake::on_connect(Bytes frame, Instant now, Effect& effect) {
    LEDGE_ASSERT(step_ == Step::awaiting_connect);
    const auto packet = wire::decode_connect(frame);
    if (!packet.ok()) {  // the answer is encoded in the version that the packet claims to have
        peer_.version = wire::claimed_version(frame).value_or(wire::Version::v3_1_1);
        return end_with(packet.error(), "CONNECT");
    }
    peer_.version = packet->version;
    return named(judge(*packet, frame, now, effect), *packet);
}

Ending Handshake::judge(const wire::Connect& packet, Bytes frame, Instant now, Effect& effect) {
    read_limits(packet);
    if (Ending ending = check(packet)) return ending;
    if (packet.properties.has(PropertyId::authentication_method))
        return start_authentication(packet, frame, now, effect);
    if (identity_ != nullptr) return admit(packet, std::move(*identity_), effect);  // proven by TLS
    const ListenerOptions& listener = peer_.listener;
    auth::LoginAnswer answer = auth::answer(
        *services_.policy,
        {packet.user_name, packet.password, listener.allow_anonymous, packet.client_id, peer_.address, listener.name});
    if (answer.check) return await_login(packet, frame, std::move(*answer.check), now);
    if (answer.code != ReasonCode::success) return end_with(answer.code, auth::reason_of(answer, *services_.policy));
    return admit(packet, {}, effect);
}

void Handshake::read_limits(const wire::Connect& packet) {
    peer_.is_clean_start = packet.clean_start;
    if (!peer_.is_v5()) return;
    const wire::Properties& properties = packet.properties;
    peer_.packet_size_max = properties.number(PropertyId::maximum_packet_size).value_or(peer_.packet_size_max);
    peer_.receive_maximum =
        static_cast<std::uint16_t>(properties.number(PropertyId::receive_maximum).value_or(peer_.receive_maximum));
    peer_.wants_reasons = properties.number(PropertyId::request_problem_information).value_or(1) == 1;
    sender_.use_topic_aliases(static_cast<std::uint16_t>(std::min<std::uint32_t>(
        properties.number(PropertyId::topic_alias_maximum).value_or(0), peer_.limits().topic_alias_max_out)));
}

Ending Handshake::check(const wire::Connect& packet) const {
    const std::size_t size_max = peer_.limits().client_id_bytes_max;
    if (packet.client_id.size() > size_max)
        return end_with(ReasonCode::client_identifier_not_valid,
                        "the client identifier has " + std::to_string(packet.client_id.size()) +
                            " bytes (limits.client_id_bytes_max is " + std::to_string(size_max) + ")");
    // Otherwise a client could take the session of a bridge over, with the messages that wait in it.
    const bool is_inner = identity_ != nullptr && identity_->proof == auth::Proof::program;
    if (!is_inner && belongs_to_program(packet.client_id))  // [MQTT-3.1.3-8]
        return end_with(ReasonCode::client_identifier_not_valid,
                        "client identifiers that begin with $bridge/ or $part/ belong to parts of this broker");
    return packet.will ? check_will(*packet.will) : nullptr;
}

Ending Handshake::check_will(const wire::Will& will) const {
    const SessionLimits& limits = peer_.limits();
    if (!topic::is_valid_topic(will.topic, limits.topic_levels_max) || will.topic.size() > limits.topic_bytes_max)
        return end_with(
            ReasonCode::topic_name_invalid,
            "the will topic is invalid, too long (limits.topic_bytes_max) or too deep (limits.topic_levels_max)");
    if (belongs_to_broker(will.topic))
        return end_with(ReasonCode::not_authorized,
                        "the will topic begins with $SYS/, and such topics belong to the broker");
    if (will.qos > limits.maximum_qos)  // [MQTT-3.2.2-12]
        return end_with(ReasonCode::qos_not_supported, "the QoS of the will is above limits.maximum_qos");
    if (will.retain && !limits.retain_available)  // [MQTT-3.2.2-13]
        return end_with(ReasonCode::retain_not_supported, "the will has RETAIN, and limits.retain_available is false");
    return nullptr;
}

// The identity is settled: asks the broker for the session.
Ending Handshake::admit(const wire::Connect& packet, auth::Identity identity, Effect& effect) {
    std::string client_id(packet.client_id);
    if (client_id.empty()) client_id = random_client_id(services_.rng);  // [MQTT-3.1.3-6]
    const bool has_identity = identity.proof != auth::Proof::none || identity.user || services_.policy->acl;
    identity_ = has_identity ? std::make_unique<auth::Identity>(std::move(identity)) : nullptr;
    OpenSession open{packet, std::move(client_id)};
    if (Ending ending = check_right_to_will(open.connect, open.client_id)) return ending;
    effect = std::move(open);
    return nullptr;
}

// The client learns at once that its will could never be published. A bridge's state is an exception: Mosquitto's
// bridges leave their state as a will unless they are configured not to, and few people write a rule for it. The broker
// leaves such a will out, and the bridge works.
Ending Handshake::check_right_to_will(wire::Connect& packet, std::string_view client_id) {
    if (!packet.will || identity_ == nullptr) return nullptr;
    const auto rights = auth::rights_of(services_.policy, *identity_, client_id);
    if (!rights) return nullptr;
    const auth::Verdict verdict = rights->judge(packet.will->topic, auth::Access::write);
    if (verdict.is_allowed) return nullptr;
    if (!is_bridge_state(packet.will->topic))
        return end_with(ReasonCode::not_authorized,
                        "the client may not publish its will to " + std::string(packet.will->topic),
                        rights->explain(verdict));
    services_.log.warning("will_ignored", {{"client_id", client_id},
                                           {"address", peer_.address},
                                           {"topic", packet.will->topic},
                                           {"rule", rights->explain(verdict)}});
    packet.will.reset();
    return nullptr;
}

// ---------------------------------------------------------------------------------------------------------------------
// Enhanced authentication

Ending Handshake::start_authentication(const wire::Connect& packet, Bytes frame, Instant now, Effect& effect) {
    const std::string_view method = *packet.properties.text(PropertyId::authentication_method);
    authentication_ = Authentication::start(services_, peer_, sender_, method, frame);
    if (authentication_ == nullptr)
        return end_with(ReasonCode::bad_authentication_method, "the authentication method is not known");
    step_ = Step::authenticating;
    if (const auto data = packet.properties.text(PropertyId::authentication_data))
        return continue_authentication(*data, now, effect);
    authentication_->ask();
    return nullptr;
}

Ending Handshake::on_auth(Bytes frame, Instant now, Effect& effect) {
    LEDGE_ASSERT(step_ == Step::authenticating);
    const auto packet = wire::decode_auth(frame, peer_.version);
    if (!packet.ok()) return end_with(packet.error(), "AUTH");
    if (!authentication_->continues(*packet))
        return end_with(ReasonCode::protocol_error, "AUTH does not use the authentication method of CONNECT");
    if (packet->code != ReasonCode::continue_authentication)  // [MQTT-4.12.0-3]
        return end_with(ReasonCode::protocol_error, "before CONNACK the reason code of AUTH must be 0x18");
    const auto data = packet->properties.text(PropertyId::authentication_data);
    return continue_authentication(data.value_or(""), now, effect);
}

Ending Handshake::continue_authentication(std::string_view data, Instant now, Effect& effect) {
    const auto connect = wire::decode_connect(authentication_->connect_frame());
    LEDGE_ASSERT(connect.ok());
    Authentication::Step step = authentication_->on_message(data, connect->client_id, now);
    if (step.ending != nullptr) return named(std::move(step.ending), *connect);
    if (!step.identity) return nullptr;
    step_ = Step::awaiting_connect;
    return named(admit(*connect, std::move(*step.identity), effect), *connect);
}

// ---------------------------------------------------------------------------------------------------------------------
// A login that is checked elsewhere

Ending Handshake::await_login(const wire::Connect& packet, Bytes frame, auth::LoginCheck login, Instant now) {
    const auth::LoginSource source =
        services_.guard.source_of(peer_.network, packet.user_name.value_or(""), is_of_nobody(login));
    if (services_.guard.is_blocked(source, now)) return blocked_login();
    const LoginQueue::Added added =
        services_.logins.add(connection_, std::move(login), source, frame.size(), services_.guard, now);
    if (added.evicted != nullptr) added.evicted->refuse_busy();
    if (!added.is_in) return busy_with_logins();
    login_ = std::make_unique<PendingLogin>(PendingLogin{Secret(frame), {}, source});
    step_ = Step::awaiting_login;
    return nullptr;
}

Ending Handshake::hold_input(Bytes bytes) {
    LEDGE_ASSERT(is_awaiting_answer() && login_ != nullptr);
    // A postponed connection is not read: these bytes are the rest of one read, or of two after a login.
    const bool is_too_much = step_ == Step::awaiting_turn
                                 ? login_->held_input.size() + bytes.size() > 3 * LoginQueue::held_bytes_max
                                 : !services_.logins.hold(connection_, bytes.size());
    if (is_too_much) return end_with(ReasonCode::quota_exceeded, "too many bytes before the answer to CONNECT");
    login_->held_input.insert(login_->held_input.end(), bytes.begin(), bytes.end());
    return nullptr;
}

Ending Handshake::on_login_checked(auth::LoginOutcome outcome, Instant now, Effect& effect) {
    if (step_ != Step::awaiting_login) return nullptr;  // the connect timeout came first
    step_ = Step::awaiting_connect;
    const auto connect = wire::decode_connect(login_->connect_frame.bytes());
    LEDGE_ASSERT(connect.ok());
    if (outcome.code == ReasonCode::success && !auth::is_still_proven(*services_.policy, outcome.identity)) {
        outcome.code = ReasonCode::bad_user_name_or_password;
        outcome.reason = "the configured users or keys were changed during the login";
    }
    if (outcome.code != ReasonCode::success) return named(refuse_login(*connect, outcome, now), *connect);
    services_.guard.on_success(login_->source);
    if (outcome.valid_for) login_ends_at_ = now + *outcome.valid_for;
    return named(admit(*connect, std::move(outcome.identity), effect), *connect);
}

Ending Handshake::refuse_login(const wire::Connect& packet, const auth::LoginOutcome& outcome, Instant now) {
    note_failed_login(services_, peer_, packet.user_name.value_or(""), packet.client_id, outcome.reason);
    // Only a wrong secret counts as a guess. An expired token, for instance, does not.
    if (outcome.code == ReasonCode::bad_user_name_or_password) note_guess(services_, peer_, login_->source, now);
    if (outcome.is_unanswered) services_.guard.on_unanswered(login_->source, now);
    return end_with(outcome.code, outcome.reason);
}

// ---------------------------------------------------------------------------------------------------------------------
// A session that several connections compete for

void Handshake::postpone(const OpenSession& open) {
    // A login without a check has kept no copy of CONNECT, and the frame's buffer is used again after this call.
    if (login_ == nullptr) {
        std::vector<Byte> frame(wire::encoded_size(open.connect));
        wire::Writer writer(frame);
        wire::encode(open.connect, writer);
        login_ = std::make_unique<PendingLogin>(PendingLogin{Secret(Bytes(frame)), {}});
        wipe(frame.data(), frame.size());
    }
    login_->client_id = open.client_id;
    step_ = Step::awaiting_turn;
}

Ending Handshake::reopen(Effect& effect) {
    LEDGE_ASSERT(step_ == Step::awaiting_turn);
    step_ = Step::awaiting_connect;
    const auto connect = wire::decode_connect(login_->connect_frame.bytes());
    if (!connect.ok()) return end_with(connect.error(), "CONNECT");
    if (identity_ != nullptr && !auth::is_still_proven(*services_.policy, *identity_))
        return end_with(ReasonCode::not_authorized, "the configured users or keys were changed during the login");
    effect = OpenSession{*connect, login_->client_id};
    return nullptr;
}

void Handshake::add_names(CloseReason& reason) const {
    // A certificate or a pre-shared key names the user although CONNECT does not.
    if (identity_ != nullptr && reason.user.empty()) reason.user = identity_->user.value_or("");
    const Bytes frame = login_ != nullptr            ? login_->connect_frame.bytes()
                        : authentication_ != nullptr ? authentication_->connect_frame()
                                                     : Bytes();
    if (frame.empty()) return;
    if (const auto connect = wire::decode_connect(frame); connect.ok()) add_names_of(*connect, reason);
}

std::vector<Byte> Handshake::end() {
    const std::unique_ptr<PendingLogin> login = std::move(login_);
    return login == nullptr ? std::vector<Byte>{} : std::move(login->held_input);
}

void Handshake::drop() {
    services_.logins.forget(connection_);
    login_.reset();
}

std::size_t Handshake::memory() const {
    return login_ == nullptr ? 0 : login_->connect_frame.bytes().size() + login_->held_input.capacity();
}

}  // namespace ledge::session
