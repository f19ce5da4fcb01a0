// How an uplink connects: the states without a connection, the pauses, and the probe of the preferred server. The file
// connection.cpp handles State::open.
#include "ledge/uplink/uplink.hpp"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <utility>

#include "ledge/base/assert.hpp"
#include "ledge/base/bytes.hpp"
#include "ledge/transport/driver.hpp"

namespace ledge::uplink {

using bridge::RetryClass;

namespace {

constexpr Duration failover_pause_max = 1s;  // before the next server of a round
constexpr Duration renewal_pause_min = 1s;   // between two attempts to make the next password
constexpr int renewal_part = 10;             // the next password is made in the last tenth of the present one's life

}  // namespace

std::string to_text(const Server& server) {
    const bool is_ipv6 = server.host.find(':') != std::string::npos;
    const bool is_web = !server.websocket_path.empty();
    std::string text = is_web ? "ws" : "mqtt";
    text += server.is_tls ? "s://" : "://";
    text += is_ipv6 ? "[" + server.host + "]" : server.host;
    return text + ":" + std::to_string(server.port) + server.websocket_path;
}

Uplink::Uplink(const UplinkOptions& options, net::Connector& connector, transport::Driver& driver, const Log& log,
               std::uint64_t seed)
    : options_(options),
      connector_(connector),
      poller_(driver.poller()),
      log_(log),
      relay_log_(log, options.name, options.message_log_pause),
      rng_(seed),
      tls_files_(options.tls),
      passwords_(options.password, connector.io()),
      order_(options.servers.size(), options.return_first, options.return_largest),
      backoff_(options.backoff),
      upstream_(options.upstream),
      relay_(options.relay, upstream_),
      pump_(relay_, driver, {options.inner_listener, "bridge:" + options.name, options.inner_user},
            options.rate_bytes_per_second) {
    const bool needs_tls =
        std::any_of(options.servers.begin(), options.servers.end(), [](const Server& server) { return server.is_tls; });
    LEDGE_ASSERT(!needs_tls || options.tls.has_value());
    // Now, since the process may give up the right to read private keys before the first connection.
    if (needs_tls) tls_files_.context();
    LEDGE_ASSERT(options.ending_time_max > Duration::zero() && options.idle_time > Duration::zero());
}

Uplink::~Uplink() {
    cancel(attempt_);
    cancel(probe_);
}

void Uplink::enter(State state, Instant now) {
    state_ = state;
    state_since_ = now;
    if (state != State::pausing) retry_at_ = never;
}

// ---------------------------------------------------------------------------------------------------------------------
// For the loop

void Uplink::start(Instant now) {
    LEDGE_ASSERT(state_ == State::stopped && relay_.is_closed());
    ending_ = Ending::none;
    is_wanted_ = false;
    if (options_.is_on_demand) return enter(State::idle, now);
    connect(now);
}

void Uplink::wake(Instant now) {
    if (!options_.is_on_demand) return;
    if (state_ == State::idle) return connect(now);
    if (state_ != State::open) return;
    if (ending_ == Ending::none)
        last_message_ = now;  // the message needs some turns to come to the relay
    else
        is_wanted_ = true;
}

void Uplink::turn(Instant now) {
    if (state_ == State::connecting && passwords_.is_done()) take_password(now);
    if (attempt_.outcome) take_outcome(now);
    if (opening_ != nullptr) go_on_opening(now);
    if (probe_.outcome) take_probe(now);
    if (state_ == State::open && passwords_.is_done()) take_renewal(now);
    if (state_ == State::open) serve_open(now);
}

bool Uplink::wants_turn() const {
    const bool can_open = opening_ != nullptr && opening_->may_read();
    return attempt_.outcome || probe_.outcome || passwords_.is_done() || can_open || pump_.wants_turn();
}

void Uplink::on_time(Instant now) {
    if (state_ == State::pausing && now >= retry_at_) return connect(now);
    if (opening_ != nullptr && now >= opening_deadline_) {
        opening_.reset();
        return on_unreachable(RetryClass::network,
                              "the server has not answered the WebSocket request in time; check the path of the url",
                              now);
    }
    if (state_ != State::open) return;
    relay_.on_time(now);
    if (now >= ending_deadline())
        pump_.abort(now);
    else if (now >= idle_deadline())
        end_connection(Ending::idle, now);
    else if (now >= probe_deadline())
        begin_probe(now);
    else if (now >= renewal_deadline())
        begin_renewal();
    serve_open(now);
}

Instant Uplink::next_deadline() const {
    if (state_ == State::pausing) return retry_at_;
    if (opening_ != nullptr) return opening_deadline_;
    if (state_ != State::open) return never;
    return std::min({relay_.next_deadline(), pump_.next_deadline(), ending_deadline(), idle_deadline(),
                     probe_deadline(), renewal_deadline()});
}

void Uplink::stop(Instant now) {
    cancel(attempt_);
    cancel(probe_);
    passwords_.give_up();
    renewed_.reset();
    opening_.reset();
    if (state_ != State::open) return enter(State::stopped, now);
    end_connection(Ending::stop, now);
    serve_open(now);
}

// ---------------------------------------------------------------------------------------------------------------------
// An attempt to connect

void Uplink::connect(Instant now) {
    LEDGE_ASSERT(relay_.is_closed() && !attempt_.ticket && !attempt_.outcome && opening_ == nullptr);
    enter(State::connecting, now);
    if (!passwords_.is_used()) return reach(now);
    if (const std::optional<Password> renewed = std::exchange(renewed_, std::nullopt)) {
        use_password(*renewed, renewed_at_);
        return reach(now);
    }
    passwords_.begin();
    if (passwords_.is_done()) take_password(now);
}

void Uplink::take_password(Instant now) {
    LEDGE_ASSERT(state_ == State::connecting);
    const PasswordResult made = passwords_.take();
    log_remark(made ? made->remark : made.error().remark);
    if (!made) return on_unreachable(made.error().kind, made.error().reason, now);
    use_password(*made, now);
    reach(now);
}

/// What a program says may have a secret, so it is only logged: reasons are published.
void Uplink::log_remark(const std::string& remark) const {
    if (!remark.empty()) log_.warning("bridge_password_remark", {{"bridge", options_.name}, {"text", remark}});
}

/// Requires that the relay is closed.
void Uplink::use_password(const Password& password, Instant made_at) {
    password_end_ = renew_at_ = never;
    // The clock of the server may be ahead, so an end by the server is no surprise from the renewal on.
    Instant blameless_from = never;
    if (password.valid_for > Duration::zero()) {
        password_end_ = made_at + password.valid_for;
        blameless_from = password_end_ - password.valid_for / renewal_part;
        // Many gateways may have begun at the same moment.
        const auto jitter_max = static_cast<std::uint64_t>((password.valid_for / renewal_part / 2).count());
        renew_at_ = blameless_from + Duration(static_cast<Duration::rep>(rng_.below(jitter_max + 1)));
    }
    relay_.set_credentials(options_.relay.user_name, as_text(password.text.bytes()), blameless_from);
}

void Uplink::reach(Instant now) {
    opening_deadline_ = now + options_.connect_timeout;
    // Files that only the operator can correct: minutes may pass between two attempts, as after a wrong password.
    if (!begin(attempt_, server()))
        on_unreachable(RetryClass::operator_needed, "the TLS files have a mistake: " + tls_files_.problem(), now);
}

/// Returns false when the server needs TLS and the TLS files have a mistake.
bool Uplink::begin(Attempt& attempt, const Server& server) {
    net::Destination to{server.host, server.port, nullptr, options_.server_name};
    if (server.is_tls) {
        to.tls = tls_files_.context();
        // A mistake matters also while the former context is in use: its certificate expires some day.
        const std::string& problem = tls_files_.problem();
        if (!problem.empty() && problem != logged_tls_problem_)
            log_.error("bridge_tls_problem", {{"bridge", options_.name}, {"reason", problem}});
        logged_tls_problem_ = problem;
        if (to.tls == nullptr) return false;
    }
    // The result waits for the next turn, because a handler of the loop has no time of the turn.
    attempt.ticket = connector_.connect(to, options_.connect_timeout, [&attempt](net::Connector::Outcome outcome) {
        attempt.ticket.reset();
        attempt.outcome = std::move(outcome);
    });
    return true;
}

void Uplink::cancel(Attempt& attempt) {
    if (attempt.ticket) connector_.give_up(*attempt.ticket);
    attempt.ticket.reset();
    attempt.outcome.reset();
}

void Uplink::take_outcome(Instant now) {
    LEDGE_ASSERT(state_ == State::connecting && attempt_.outcome);
    net::Connector::Outcome outcome = std::move(*attempt_.outcome);
    attempt_.outcome.reset();
    if (outcome.stream == nullptr) return on_unreachable(RetryClass::network, std::move(outcome.error), now);
    const bool is_web = !server().websocket_path.empty();
    auto web = is_web ? std::make_unique<WsClient>(server(), connector_.io()) : nullptr;
    auto channel = std::make_unique<Channel>(poller_, std::move(outcome.stream), std::move(web));
    if (!channel->start()) return on_unreachable(RetryClass::network, std::strerror(errno), now);
    opening_ = std::move(channel);  // turn() goes on at once
}

/// Waits for WebSocket if it is used, then gives the channel to the pump.
void Uplink::go_on_opening(Instant now) {
    LEDGE_ASSERT(state_ == State::connecting && opening_ != nullptr);
    if (opening_->is_opening()) {
        opening_->go_on();
        if (opening_->is_ended()) {
            const std::unique_ptr<Channel> ended = std::exchange(opening_, nullptr);
            return on_unreachable(ended->retry_class(), ended->reason(), now);
        }
        if (opening_->is_opening()) return opening_->watch(true, false);
    }
    if (server().expanded_bytes_max > 0 && !opening_->is_compressed())
        log_.info("bridge_not_compressed", {{"bridge", options_.name}, {"server", to_text(server())}});
    pump_.open(std::exchange(opening_, nullptr), now);
    ending_ = Ending::none;
    is_wanted_ = false;
    end_text_.clear();
    end_code_ = 0;
    is_accepted_ = is_proven_ = false;
    last_message_ = now;
    enter(State::open, now);
}

void Uplink::on_unreachable(RetryClass kind, std::string reason, Instant now) {
    const std::string url = to_text(server());  // pause() moves on to the next server
    last_problem_ = std::move(reason);
    pause(kind, now);
    log_.warning("bridge_unreachable",
                 {{"bridge", options_.name},
                  {"server", url},
                  {"reason", last_problem_},
                  {"retry_ms", std::chrono::duration_cast<std::chrono::milliseconds>(retry_at_ - now).count()}});
}

/// Chooses the server of the next attempt and the pause before it.
void Uplink::pause(RetryClass kind, Instant now) {
    Duration wait{};
    if (kind == RetryClass::at_once) {
        wait = backoff_.next(kind, rng_);  // the same server again, in another dialect
    } else if (order_.on_failure()) {
        // Other gateways lose the same server at the same moment, so the pause is by chance here too.
        const auto largest = static_cast<std::uint64_t>(failover_pause_max.count());
        wait = Duration(1 + static_cast<Duration::rep>(rng_.below(largest)));
    } else {
        wait = backoff_.next(kind, rng_);
    }
    enter(State::pausing, now);
    retry_at_ = now + wait;
}

// ---------------------------------------------------------------------------------------------------------------------
// The return to the preferred server

/// The probe is a connection without MQTT: a CONNECT with the bridge's client id could end the connection in use, if
/// both servers belong to one cluster.
void Uplink::begin_probe(Instant now) {
    LEDGE_ASSERT(state_ == State::open);
    order_.on_probe_begun();
    if (probe_.ticket || probe_.outcome) return;  // one is under way; its outcome sets the time of the next
    if (!begin(probe_, options_.servers.front())) order_.on_probe_failed(now, rng_);
}

void Uplink::take_probe(Instant now) {
    LEDGE_ASSERT(state_ == State::open && probe_.outcome);
    const bool is_reached = probe_.outcome->stream != nullptr;
    probe_.outcome.reset();  // closes the probe's connection
    if (!is_reached) return order_.on_probe_failed(now, rng_);
    if (ending_ != Ending::none || relay_.stage() == bridge::Relay::Stage::ending) return;
    log_.info("bridge_returns", {{"bridge", options_.name}, {"server", to_text(options_.servers.front())}});
    end_connection(Ending::preferred, now);
}

// ---------------------------------------------------------------------------------------------------------------------
// The next password, while the connection with the present one is open

/// A server ends the connection when the password of its CONNECT ends, at a moment that it chooses. So the bridge makes
/// the next password before, and connects again with it. If that fails, the connection stays as long as it can.
void Uplink::begin_renewal() {
    LEDGE_ASSERT(state_ == State::open && !passwords_.is_busy());
    renew_at_ = never;
    passwords_.begin();
}

void Uplink::take_renewal(Instant now) {
    LEDGE_ASSERT(state_ == State::open);
    PasswordResult made = passwords_.take();
    log_remark(made ? made->remark : made.error().remark);
    if (ending_ != Ending::none || relay_.stage() == bridge::Relay::Stage::ending) return;
    if (made) {
        renewed_ = std::move(*made);
        renewed_at_ = now;
        return end_connection(Ending::renewal, now);
    }
    log_.warning("bridge_password_problem", {{"bridge", options_.name}, {"reason", made.error().reason}});
    // Afterwards the server decides, and the next attempt to connect makes a password again.
    if (now < password_end_) renew_at_ = now + std::max<Duration>(renewal_pause_min, (password_end_ - now) / 2);
}

}  // namespace ledge::uplink
