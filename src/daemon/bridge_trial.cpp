#include "bridge_trial.hpp"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <utility>

#include "ledge/base/assert.hpp"
#include "ledge/base/quote.hpp"
#include "ledge/bridge/upstream_client.hpp"
#include "ledge/net/tls_session.hpp"
#include "ledge/os/program.hpp"
#include "ledge/runtime/clock.hpp"
#include "ledge/wire/packets.hpp"

namespace ledge::daemon {
namespace {

using runtime::read_clock;
using wire::QoS;
using wire::ReasonCode;

constexpr std::string_view test_payload = "LedgeMQ bridge test";

/// "0x87 not_authorized".
std::string text_of(ReasonCode code) {
    std::string text = "0x";
    append_hex(static_cast<std::uint32_t>(code), 2, text);
    return text + " " + std::string(name_of(code));
}

std::string text_of(QoS qos) { return "QoS " + std::to_string(static_cast<int>(qos)); }

std::string in_seconds(Duration duration) {
    return std::to_string(std::chrono::ceil<std::chrono::seconds>(duration).count()) + " s";
}

/// Some texts come from a server that nobody knows yet, and must not control the terminal.
std::string without_controls(std::string text) {
    const auto is_control = [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; };
    std::replace_if(text.begin(), text.end(), is_control, '?');
    return text;
}

}  // namespace

BridgeTrial::BridgeTrial(cli::ClientLoop& loop, const uplink::UplinkOptions& options, const uplink::Server& server,
                         const PrintLine& print)
    : connection_(loop, [this](const client::Event& event) { on_event(event); }),
      options_(options),
      server_(server),
      print_(print),
      relay_(options.relay),
      tls_files_(options.tls),
      upstream_(options.upstream) {
    LEDGE_ASSERT(!server.is_tls || options.tls.has_value());
    LEDGE_ASSERT(!options.relay.will && options.relay.session_expiry_s == 0);
    connection_.set_server_name("the upstream");
}

BridgeTrial::~BridgeTrial() = default;

/// Step by step, each with its line. Without a password, a connection and a CONNACK the later steps say nothing. A
/// refused SUBSCRIBE says nothing about PUBLISH, so both are tried.
bool BridgeTrial::run(const std::string& topic) {
    if (!make_password()) return false;
    std::vector<bridge::Upstream::Dialect> tried;
    for (;;) {
        tried.push_back(upstream_.dialect());
        if (!reach()) return false;
        if (greet()) break;
        connection_.end();
        // After its last dialect an upstream begins with the first one again. A test tries each dialect once.
        if (std::find(tried.begin(), tried.end(), upstream_.dialect()) != tried.end()) return false;
    }
    bool has_worked = subscribe_all();
    if (!topic.empty()) has_worked = publish(topic) && has_worked;
    connection_.end();
    return has_worked;
}

// ---------------------------------------------------------------------------------------------------------------------
// Lines

/// Each line begins with the step and ends with the reason, so that a script can look for ": failed".
void BridgeTrial::tell(const std::string& step, bool has_worked, const std::string& text) {
    const std::string verdict = has_worked ? ": ok" : ": failed";
    print_(without_controls("  " + step + verdict + (text.empty() ? "" : ", ") + text));
}

bool BridgeTrial::fail(const std::string& step, const std::string& text) {
    tell(step, false, text);
    return false;
}

/// The lines of the steps that the connector makes: the name, TCP and TLS.
void BridgeTrial::tell_way(const net::Connector::Outcome& outcome) {
    using Step = net::Connector::Step;
    // A failed step is the last one; the steps before it have worked.
    const auto tell_step = [&](Step step, const char* name, const std::string& text) {
        if (outcome.step < step) return;
        const bool has_worked = outcome.step > step || outcome.stream != nullptr;
        tell(name, has_worked, has_worked ? text : outcome.error);
    };
    tell_step(Step::name, "name", outcome.addresses);
    tell_step(Step::connection, "TCP", "connected to " + outcome.address);
    const net::TlsSession* const session = outcome.stream != nullptr ? outcome.stream->session() : nullptr;
    std::string facts;
    if (session != nullptr) {
        const std::string certificate = session->peer_certificate();
        facts = std::string(session->version()) + ", " + (certificate.empty() ? "no certificate" : certificate);
        if (!session->alpn().empty()) facts += ", ALPN " + session->alpn();
    }
    tell_step(Step::tls, "TLS", facts);
}

/// The limits of CONNACK that are stricter than the standard's defaults: "; Receive Maximum 20, no RETAIN".
std::string BridgeTrial::text_of_limits() const {
    const client::ServerLimits& limits = connection_.client().limits();
    const client::ServerLimits usual;
    std::string text;
    const auto add = [&](bool is_told, const std::string& limit) {
        if (is_told) text += (text.empty() ? "; " : ", ") + limit;
    };
    add(limits.receive_maximum < usual.receive_maximum, "Receive Maximum " + std::to_string(limits.receive_maximum));
    add(limits.maximum_qos < usual.maximum_qos, "Maximum " + text_of(limits.maximum_qos));
    add(limits.maximum_packet_size < usual.maximum_packet_size,
        "Maximum Packet Size " + std::to_string(limits.maximum_packet_size));
    add(!limits.retain_available, "no RETAIN");
    add(!limits.wildcard_subscriptions_available, "no wildcards");
    add(limits.keep_alive_s != connection_.client().options().keep_alive_s,
        "Server Keep Alive " + std::to_string(limits.keep_alive_s) + " s");
    return text;
}

void BridgeTrial::tell_accepted() {
    LEDGE_ASSERT(session_present_.has_value());
    std::string text(name_of(upstream_.dialect()));
    text += *session_present_ ? ", session present" : ", no session present";
    // The server has assigned another client id than the test asked for.
    if (connection_.client().client_id() != relay_.client_id)
        text += ", client id " + quoted(connection_.client().client_id());
    tell("CONNACK", true, text + text_of_limits());
}

/// Why an answer has not come: the connection has ended, or `waited` has passed.
std::string BridgeTrial::text_of_silence(Duration waited) const {
    return connection_.is_over() ? connection_.end_text() : "no answer within " + in_seconds(waited);
}

// ---------------------------------------------------------------------------------------------------------------------
// The steps

bool BridgeTrial::make_password() {
    if (!options_.password.make) return true;
    const auto password = options_.password.make(os::ProgramStop());
    const std::string& remark = password ? password->remark : password.error().remark;
    if (!remark.empty()) print_(without_controls("  note: the password command says: " + remark));
    if (!password) return fail("password", password.error().reason);
    relay_.password = as_text(password->text.bytes());
    tell("password", true, password->origin);
    if (!server_.is_tls) print_("  note: this url does not encrypt the password; mqtts:// and wss:// do");
    return true;
}

bool BridgeTrial::reach() {
    const Instant deadline = read_clock() + options_.connect_timeout;
    net::Destination to{server_.host, server_.port, nullptr, options_.server_name};
    if (server_.is_tls) {
        to.tls = tls_files_.context();
        if (to.tls == nullptr) return fail("TLS", "the TLS files have a mistake: " + tls_files_.problem());
    }
    net::Connector::Outcome outcome = connection_.open(to, options_.connect_timeout);
    tell_way(outcome);
    if (outcome.stream == nullptr) return false;
    if (!connection_.begin(std::move(outcome.stream), server_)) return fail("TCP", std::strerror(errno));
    if (server_.websocket_path.empty()) return true;
    if (const std::string problem = connection_.await_web(deadline); !problem.empty())
        return fail("WebSocket", problem);
    std::string chosen = "the server has chosen the subprotocol mqtt";
    if (server_.expanded_bytes_max > 0)
        chosen +=
            connection_.channel().is_compressed() ? ", and compresses messages" : ", and does not compress messages";
    tell("WebSocket", true, chosen);
    return true;
}

/// CONNECT. After a refusal, upstream_ may know another dialect for the next connection.
bool BridgeTrial::greet() {
    client::Options options = upstream_client_options(relay_, upstream_);
    options.flow = client::Flow::kept;  // nobody else keeps the state of the test's message
    const Instant begin = read_clock();
    connection_.greet(std::move(options), true);
    if (connection_.wait(begin + relay_.connack_timeout, [this] { return session_present_.has_value(); })) {
        upstream_.on_connack();
        tell_accepted();
        return true;
    }
    const std::string dialect(name_of(upstream_.dialect()));
    std::string why = text_of_silence(relay_.connack_timeout);
    if (const auto hint = bridge::hint_of_first_bytes(connection_.first_bytes()); !hint.empty())
        why += " (" + std::string(hint) + ")";
    const bool depends_on_id = connection_.end_cause() == client::Ended::Cause::refused &&
                               (connection_.end_code() == ReasonCode::not_authorized ||
                                connection_.end_code() == ReasonCode::client_identifier_not_valid);
    if (depends_on_id) why += "; an upstream that knows the client id of the bridge may refuse the one of the test";
    step_down(begin);
    if (const std::string next(name_of(upstream_.dialect())); next != dialect) why += "; next: " + next;
    return fail("CONNACK", dialect + ": " + why);
}

/// Lets the upstream's knowledge decide whether another dialect may do, as the relay does.
void BridgeTrial::step_down(Instant begin) {
    const auto& cause = connection_.end_cause();
    if (cause == client::Ended::Cause::refused && connection_.end_code() == ReasonCode::unsupported_protocol_version)
        upstream_.on_version_refused();
    const bool is_silent = !cause && connection_.is_over() && connection_.channel().is_ended_by_peer() &&
                           connection_.first_bytes().empty();
    if (is_silent) upstream_.on_silent_close(read_clock() - begin);
}

bool BridgeTrial::subscribe_all() {
    const bridge::UpstreamProfile& profile = upstream_.profile();
    const auto all = bridge::RouteSet(relay_.routes).remote_subscriptions(profile.copies);
    LEDGE_ASSERT(profile.filters_per_subscribe > 0);
    bool has_worked = true;
    for (auto begin = all.begin(); begin != all.end();) {
        const auto left = static_cast<std::size_t>(all.end() - begin);
        const auto end =
            begin + static_cast<std::ptrdiff_t>(std::min<std::size_t>(left, profile.filters_per_subscribe));
        has_worked = subscribe({begin, end}) && has_worked;
        begin = end;
    }
    return has_worked;
}

/// One SUBSCRIBE, and a second one for filters that the bridge would ask for again.
bool BridgeTrial::subscribe(const std::vector<bridge::Subscription>& filters) {
    std::vector<wire::SubscribeEntry> entries;
    for (const bridge::Subscription& one : filters) {
        wire::SubscribeOptions options{.qos = one.qos};
        if (connection_.client().options().version == wire::Version::v5) {
            options.no_local = options.retain_as_published = true;
            options.retain_handling = wire::RetainHandling::do_not_send;  // the test does not use messages
        }
        entries.push_back({one.filter, options});
    }
    granted_.reset();
    const auto sent = connection_.client().subscribe(entries);
    std::string why;
    if (!sent)
        why = connection_.is_over() ? connection_.end_text() : "CONNACK does not allow it: " + text_of(sent.error());
    else if (!connection_.wait(read_clock() + relay_.suback_timeout, [this] { return granted_.has_value(); }))
        why = text_of_silence(relay_.suback_timeout);
    std::vector<bridge::Subscription> again;
    bool has_worked = true;
    for (std::size_t i = 0; i < filters.size(); ++i) {
        const std::string step = "SUBACK " + quoted(filters[i].filter);
        const QoS asked = filters[i].qos;
        if (!why.empty()) {
            has_worked = fail(step, why);
            continue;
        }
        LEDGE_ASSERT(granted_->size() == filters.size());  // the client has checked it
        const ReasonCode code = (*granted_)[i];
        const auto granted = static_cast<QoS>(static_cast<std::uint8_t>(code) & 3U);
        if (!wire::is_error(code)) {
            tell(step, true, text_of(granted) + (granted < asked ? " instead of " + text_of(asked) : ""));
        } else if (relay_.falls_back_to_qos0 && asked != QoS::at_most_once) {
            tell(step, false, "refused with " + text_of(code) + "; asked again with QoS 0");
            again.push_back({filters[i].filter, QoS::at_most_once});
        } else {
            has_worked = fail(step, "refused with " + text_of(code));
        }
    }
    return again.empty() ? has_worked : subscribe(again) && has_worked;
}

bool BridgeTrial::publish(const std::string& topic) {
    const std::string step = "PUBACK " + quoted(topic);
    // The operator has named the topic, so '$' at its beginning is meant.
    const bridge::TopicProblem problem = bridge::problem_of(upstream_.profile(), topic, true);
    if (problem != bridge::TopicProblem::none) return fail(step, std::string(bridge::text_of(problem)));
    wire::Publish packet;
    packet.topic = topic;
    packet.payload = as_bytes(test_payload);
    packet.qos = QoS::at_least_once;
    if (const auto sent = connection_.client().publish(packet); !sent)
        return fail(step, "not sent: " + text_of(sent.error()));
    if (!connection_.wait(read_clock() + relay_.suback_timeout, [this] { return published_.has_value(); }))
        return fail(step, text_of_silence(relay_.suback_timeout));
    const ReasonCode code = published_->code;
    if (published_->how == client::PublishDone::How::not_sent)
        return fail(step, "CONNACK does not allow it: " + text_of(code));
    if (wire::is_error(code)) return fail(step, "refused with " + text_of(code));
    tell(step, true, code == ReasonCode::no_matching_subscribers ? "but nobody has subscribed to the topic" : "");
    return true;
}

void BridgeTrial::on_event(const client::Event& event) {
    if (const auto* connected = std::get_if<client::Connected>(&event)) {
        session_present_ = connected->session_present;
    } else if (const auto* done = std::get_if<client::RequestDone>(&event)) {
        granted_.emplace();
        for (const auto code : done->packet.codes) granted_->push_back(static_cast<ReasonCode>(code));
    } else if (const auto* published = std::get_if<client::PublishDone>(&event)) {
        published_ = *published;
    } else if (const auto* message = std::get_if<client::Message>(&event)) {
        const wire::PacketId id = message->packet.packet_id;  // 0 for QoS 0
        if (message->packet.qos != QoS::at_most_once) connection_.client().acknowledge(id);
    }
}

}  // namespace ledge::daemon
