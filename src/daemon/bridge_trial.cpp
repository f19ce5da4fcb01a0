#include "bridge_trial.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <utility>

#include "ledge/base/assert.hpp"
#include "ledge/base/quote.hpp"
#include "ledge/bridge/upstream_client.hpp"
#include "ledge/net/post.hpp"
#include "ledge/net/tls_session.hpp"
#include "ledge/os/program.hpp"
#include "ledge/runtime/clock.hpp"
#include "ledge/wire/packets.hpp"

namespace ledge::daemon {
namespace {

using runtime::read_clock;
using wire::QoS;
using wire::ReasonCode;

constexpr std::size_t read_bytes_max = 16 * 1024;
constexpr std::size_t first_bytes_max = 8;  // hint_of_first_bytes() needs no more
constexpr Duration ending_time_max = 2s;    // for DISCONNECT and the end of the server's direction
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

Result<std::unique_ptr<TrialLoop>, std::string> TrialLoop::create(bool needs_tls) {
    auto loop = std::make_unique<TrialLoop>();
    auto poller = net::Poller::create();
    if (!poller) return Failure{ledge::text_of(poller.error())};
    loop->poller = std::move(*poller);
    if (!needs_tls) return loop;
    auto workers = os::WorkerPool::create(net::post_to(loop->io), {.name = "tls"});
    if (!workers) return Failure{"cannot start worker threads: " + workers.error().message()};
    loop->workers = std::move(*workers);
    loop->connector.use_workers(*loop->workers);
    return loop;
}

BridgeTrial::BridgeTrial(TrialLoop& loop, const uplink::UplinkOptions& options, const uplink::Server& server,
                         const PrintLine& print)
    : loop_(loop),
      options_(options),
      server_(server),
      print_(print),
      relay_(options.relay),
      tls_files_(options.tls),
      upstream_(options.upstream) {
    LEDGE_ASSERT(!server.is_tls || (options.tls.has_value() && loop.workers != nullptr));
    LEDGE_ASSERT(!options.relay.will && options.relay.session_expiry_s == 0);
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
        end();
        // After its last dialect an upstream begins with the first one again. A test tries each dialect once.
        if (std::find(tried.begin(), tried.end(), upstream_.dialect()) != tried.end()) return false;
    }
    bool has_worked = subscribe_all();
    if (!topic.empty()) has_worked = publish(topic) && has_worked;
    end();
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
    const client::ServerLimits& limits = client_->limits();
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
    add(limits.keep_alive_s != client_->options().keep_alive_s,
        "Server Keep Alive " + std::to_string(limits.keep_alive_s) + " s");
    return text;
}

void BridgeTrial::tell_accepted() {
    LEDGE_ASSERT(session_present_.has_value());
    std::string text(name_of(upstream_.dialect()));
    text += *session_present_ ? ", session present" : ", no session present";
    // The server has assigned another client id than the test asked for.
    if (client_->client_id() != relay_.client_id) text += ", client id " + quoted(client_->client_id());
    tell("CONNACK", true, text + text_of_limits());
}

/// Why an answer has not come: the connection has ended, or `waited` has passed.
std::string BridgeTrial::text_of_silence(Duration waited) const {
    return is_over_ ? end_text_ : "no answer within " + in_seconds(waited);
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
    LEDGE_ASSERT(channel_ == nullptr);
    const Instant deadline = read_clock() + options_.connect_timeout;
    net::Destination to{server_.host, server_.port, nullptr, options_.server_name};
    if (server_.is_tls) {
        to.tls = tls_files_.context();
        if (to.tls == nullptr) return fail("TLS", "the TLS files have a mistake: " + tls_files_.problem());
    }
    std::optional<net::Connector::Outcome> outcome;
    loop_.connector.connect(to, options_.connect_timeout,
                            [&outcome](net::Connector::Outcome made) { outcome = std::move(made); });
    // The connector has a deadline of its own, so this ends. restart() lets the loop run again after it has run out of
    // work; a thread may still post an answer.
    while (!outcome) {
        loop_.io.restart();
        loop_.io.run_one_for(std::chrono::milliseconds(10));
    }
    tell_way(*outcome);
    if (outcome->stream == nullptr) return false;
    // The connector hands over a stream of TLS only after the server has proven its name. What follows may be secret.
    LEDGE_ASSERT(outcome->stream->is_secured() == server_.is_tls);
    const bool is_web = !server_.websocket_path.empty();
    auto web = is_web ? std::make_unique<uplink::WsClient>(server_, loop_.io) : nullptr;
    channel_ = std::make_unique<uplink::Channel>(*loop_.poller, std::move(outcome->stream), std::move(web));
    if (!channel_->start()) return fail("TCP", std::strerror(errno));
    return !is_web || open_web(deadline);
}

bool BridgeTrial::open_web(Instant deadline) {
    while (channel_->is_opening()) {
        const Instant now = read_clock();
        if (now >= deadline) return fail("WebSocket", "no answer to the request in time; check the path of the url");
        channel_->go_on();
        if (channel_->is_ended()) return fail("WebSocket", channel_->reason());
        channel_->watch(true, false);
        sleep(channel_->is_opening() && !channel_->may_read() ? deadline : now, now);
    }
    std::string chosen = "the server has chosen the subprotocol mqtt";
    if (server_.expanded_bytes_max > 0)
        chosen += channel_->is_compressed() ? ", and compresses messages" : ", and does not compress messages";
    tell("WebSocket", true, chosen);
    return true;
}

/// CONNECT. After a refusal, upstream_ may know another dialect for the next connection.
bool BridgeTrial::greet() {
    is_over_ = false;
    end_cause_.reset();
    end_text_.clear();
    first_bytes_.clear();
    client::Options options = upstream_client_options(relay_, upstream_);
    options.flow = client::Flow::kept;  // nobody else keeps the state of the test's message
    client_.emplace(std::move(options));
    const Instant begin = read_clock();
    client_->connect(true, begin);
    if (wait(begin + relay_.connack_timeout, [this] { return session_present_.has_value(); })) {
        upstream_.on_connack();
        tell_accepted();
        return true;
    }
    const std::string dialect(name_of(upstream_.dialect()));
    std::string why = text_of_silence(relay_.connack_timeout);
    if (const auto hint = bridge::hint_of_first_bytes(first_bytes_); !hint.empty())
        why += " (" + std::string(hint) + ")";
    const bool depends_on_id =
        end_cause_ == client::Ended::Cause::refused &&
        (end_code_ == ReasonCode::not_authorized || end_code_ == ReasonCode::client_identifier_not_valid);
    if (depends_on_id) why += "; an upstream that knows the client id of the bridge may refuse the one of the test";
    step_down(begin);
    if (const std::string next(name_of(upstream_.dialect())); next != dialect) why += "; next: " + next;
    return fail("CONNACK", dialect + ": " + why);
}

/// Lets the upstream's knowledge decide whether another dialect may do, as the relay does.
void BridgeTrial::step_down(Instant begin) {
    if (end_cause_ == client::Ended::Cause::refused && end_code_ == ReasonCode::unsupported_protocol_version)
        upstream_.on_version_refused();
    const bool is_silent = !end_cause_ && is_over_ && channel_->is_ended_by_peer() && first_bytes_.empty();
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
        if (client_->options().version == wire::Version::v5) {
            options.no_local = options.retain_as_published = true;
            options.retain_handling = wire::RetainHandling::do_not_send;  // the test does not use messages
        }
        entries.push_back({one.filter, options});
    }
    granted_.reset();
    const auto sent = client_->subscribe(entries);
    std::string why;
    if (!sent)
        why = is_over_ ? end_text_ : "CONNACK does not allow it: " + text_of(sent.error());
    else if (!wait(read_clock() + relay_.suback_timeout, [this] { return granted_.has_value(); }))
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
    if (const auto sent = client_->publish(packet); !sent) return fail(step, "not sent: " + text_of(sent.error()));
    if (!wait(read_clock() + relay_.suback_timeout, [this] { return published_.has_value(); }))
        return fail(step, text_of_silence(relay_.suback_timeout));
    const ReasonCode code = published_->code;
    if (published_->how == client::PublishDone::How::not_sent)
        return fail(step, "CONNACK does not allow it: " + text_of(code));
    if (wire::is_error(code)) return fail(step, "refused with " + text_of(code));
    tell(step, true, code == ReasonCode::no_matching_subscribers ? "but nobody has subscribed to the topic" : "");
    return true;
}

/// DISCONNECT, then the end of both directions. A socket that is closed while bytes come in would answer by RST, and
/// the server might log an error.
void BridgeTrial::end() {
    LEDGE_ASSERT(channel_ != nullptr && client_.has_value());
    client_->disconnect();
    const Instant deadline = read_clock() + ending_time_max;
    bool is_finished = false;
    std::array<Byte, read_bytes_max> dropped;
    for (Instant now = read_clock(); now < deadline && !channel_->is_broken(); now = read_clock()) {
        if (!is_finished && client_->output().empty()) {
            channel_->finish();
            is_finished = true;
        }
        const bool has_written = !is_finished && write(now);
        if (channel_->read(dropped) == 0 && !has_written) sleep(deadline, now);
    }
    channel_.reset();
    client_->closed();
}

// ---------------------------------------------------------------------------------------------------------------------
// Bytes and time

/// Moves bytes until `is_done`. Returns false when the connection is over before, or at the deadline.
bool BridgeTrial::wait(Instant deadline, const std::function<bool()>& is_done) {
    while (!is_done()) {
        const Instant now = read_clock();
        if (is_over_ || now >= deadline) return false;
        if (!turn(now)) sleep(std::min(deadline, client_->next_deadline()), now);
    }
    return true;
}

/// Returns true when something has moved.
bool BridgeTrial::turn(Instant now) {
    bool has_moved = false;
    for (auto event = client_->on_time(now); !client::is_nothing(event); event = client_->on_time(now)) {
        on_event(event);
        has_moved = true;
    }
    has_moved |= write(now);
    return (!is_over_ && read(now)) || has_moved;
}

bool BridgeTrial::write(Instant now) {
    const Bytes output = client_->output();
    if (output.empty() || !channel_->may_write()) return false;
    const std::size_t count = channel_->write(output);
    client_->sent(count, now);
    return count > 0;
}

bool BridgeTrial::read(Instant now) {
    std::array<Byte, read_bytes_max> buffer;
    const std::size_t count = channel_->read(buffer);
    if (count == 0) {
        const bool has_ended = channel_->is_ended() || channel_->is_broken();
        if (has_ended) {
            is_over_ = true;
            end_text_ = "the connection has ended: " + channel_->reason();
        }
        return has_ended;
    }
    Bytes input = Bytes(buffer).first(count);
    first_bytes_ += as_text(input.first(std::min(count, first_bytes_max - first_bytes_.size())));
    for (auto event = client_->on_bytes(input, now); !client::is_nothing(event); event = client_->on_bytes(input, now))
        on_event(event);
    return true;
}

/// Waits until the socket is ready for what is wanted, at most until `until`.
void BridgeTrial::sleep(Instant until, Instant now) {
    constexpr Duration longest = 1s;
    const Duration wait = std::clamp<Duration>(until - now, Duration::zero(), longest);
    if (!channel_->is_opening()) channel_->watch(true, client_.has_value() && !client_->output().empty());
    loop_.poller->poll(static_cast<int>(std::chrono::ceil<std::chrono::milliseconds>(wait).count()));
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
        if (message->packet.qos != QoS::at_most_once) client_->acknowledge(id);
    } else if (const auto* ended = std::get_if<client::Ended>(&event)) {
        is_over_ = true;
        end_cause_ = ended->cause;
        end_code_ = ended->code;
        end_text_ = bridge::text_of(*ended);
    }
}

}  // namespace ledge::daemon
