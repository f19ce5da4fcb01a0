#include "session.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "ledge/base/assert.hpp"
#include "ledge/base/quote.hpp"
#include "ledge/bridge/upstream.hpp"
#include "ledge/cli/tls.hpp"
#include "ledge/runtime/clock.hpp"

namespace ledge::cli {

using runtime::read_clock;

namespace {

constexpr Duration connect_time_max = 30s;
constexpr std::uint32_t packet_bytes_max = 16 * 1024 * 1024;  // of a packet from the broker

uplink::Server server_of(const ServerAddress& address) {
    uplink::Server server;
    server.host = address.host;
    server.port = address.port;
    server.is_tls = address.is_tls;
    server.websocket_path = address.path;
    return server;
}

std::string in_seconds(Duration duration) {
    std::string text = std::to_string(std::chrono::duration<double>(duration).count());
    text.erase(text.find_last_not_of('0') + 1);
    if (text.ends_with('.')) text.pop_back();
    return text + " s";
}

client::WillOptions will_of(const WillChoice& choice, bool is_v5) {
    client::WillOptions will;
    will.topic = choice.topic;
    will.payload = choice.payload;
    will.qos = static_cast<wire::QoS>(choice.qos);
    will.retain = choice.is_retained;
    if (is_v5 && choice.delay_s != 0) will.properties.number(wire::PropertyId::will_delay_interval, choice.delay_s);
    return will;
}

}  // namespace

std::string text_of(wire::ReasonCode code) {
    std::string text = "0x";
    append_hex(static_cast<std::uint32_t>(code), 2, text);
    return text + " " + std::string(name_of(code));
}

Session::Session(const ConnectionOptions& options, const Console& console)
    : options_(options),
      console_(console),
      deadline_(options.timeout > Duration::zero() ? read_clock() + options.timeout : never) {}

Session::~Session() = default;

std::optional<int> Session::connect(const client::Limits& limits, ClientConnection::OnEvent on_event) {
    auto options = client_options(limits);
    if (!options) return fail(options.error(), exit_usage);
    if (const auto status = begin_loop()) return status;
    connection_ =
        std::make_unique<ClientConnection>(*loop_, [this, on_event = std::move(on_event)](const client::Event& event) {
            if (std::holds_alternative<client::Connected>(event)) is_connected_ = true;
            on_event(event);
        });
    if (const auto status = reach()) return status;
    connection_->greet(std::move(*options), options_.is_clean);
    const auto status = wait([this] { return is_connected_; }, "no answer to CONNECT");
    if (!status) {
        tell("connected to " + server_text() + " as " + quoted(client().client_id()));
        return std::nullopt;
    }
    // Another program listens on the port: its first bytes often say which.
    if (const auto hint = bridge::hint_of_first_bytes(connection_->first_bytes()); !hint.empty())
        console_.complain("hint: " + std::string(hint));
    return status;
}

std::optional<int> Session::begin_loop() {
    // The signals come first, before the threads of TLS are started.
    auto loop = ClientLoop::create(false);
    if (!loop) return fail(loop.error());
    loop_ = std::move(*loop);
    signals_ = std::make_unique<StopSignals>(*loop_->poller, loop_->is_stopped);
    if (!options_.server.is_tls) return std::nullopt;
    if (const std::string problem = loop_->start_workers(); !problem.empty()) return fail(problem);
    return std::nullopt;
}

/// The name, TCP, TLS and WebSocket.
std::optional<int> Session::reach() {
    const Instant deadline = std::min(deadline_, read_clock() + connect_time_max);
    const uplink::Server server = server_of(options_.server);
    net::Destination to{server.host, server.port, nullptr, {}, options_.server.unix_path};
    if (server.is_tls) {
        auto context = tls_context(options_.tls);
        if (!context) return fail(context.error(), exit_usage);
        to.tls = std::move(*context);
    }
    const auto not_connected = [&](const std::string& why) {
        const bool is_timeout = deadline_ != never && read_clock() >= deadline_;
        return fail("cannot connect to " + server_text() + ": " + why, is_timeout ? exit_timeout : exit_refused);
    };
    net::Connector::Outcome outcome = connection_->open(to, deadline - read_clock());
    if (outcome.stream == nullptr) return not_connected(outcome.error);
    if (!connection_->begin(std::move(outcome.stream), server)) return not_connected(std::strerror(errno));
    const std::string problem = connection_->await_web(deadline);
    return problem.empty() ? std::nullopt : std::optional(not_connected("WebSocket: " + problem));
}

Result<client::Options, std::string> Session::client_options(const client::Limits& limits) const {
    client::Options options;
    options.version = options_.is_v5 ? wire::Version::v5 : wire::Version::v3_1_1;
    options.client_id = options_.client_id;
    options.keep_alive_s = options_.keep_alive_s;
    if (!options_.user.empty()) options.user_name = options_.user;
    if (!options_.password.empty()) options.password = options_.password;
    if (!options_.password_file.empty()) {
        auto password = read_secret_line(options_.password_file);
        if (!password) return Failure{password.error()};
        options.password = std::move(*password);
    }
    if (options_.will) options.will = will_of(*options_.will, options_.is_v5);
    options.session_expiry_s = options_.session_expiry_s;
    // The session of an earlier run of the command is not known here.
    options.accepts_unknown_session = !options_.is_clean;
    options.maximum_packet_size = packet_bytes_max;
    options.topic_alias_maximum = 16;
    options.limits = limits;
    return options;
}

std::optional<int> Session::wait(const std::function<bool()>& is_done, const std::string& what,
                                 bool tells_interruption) {
    LEDGE_ASSERT(connection_ != nullptr);
    if (connection_->wait(deadline_, is_done)) return std::nullopt;
    if (loop_->is_stopped && !tells_interruption) return exit_refused;
    return fail_wait(what);
}

std::optional<int> Session::pause(Duration pause) {
    const Instant until = read_clock() + pause;
    if (connection_->wait(std::min(until, deadline_), [] { return false; })) return std::nullopt;
    const bool is_quiet = !connection_->is_over() && !loop_->is_stopped && until <= deadline_;
    return is_quiet ? std::nullopt : std::optional(fail_wait("the interval is not over"));
}

int Session::fail_wait(const std::string& what) {
    if (loop_->is_stopped) return fail("interrupted: " + what);
    if (connection_->is_over()) return fail(connection_->end_text());
    return fail("timeout: " + what + " within " + in_seconds(options_.timeout), exit_timeout);
}

void Session::end() {
    if (connection_ != nullptr) connection_->end();
}

int Session::fail(const std::string& sentence, int status) {
    console_.complain(sentence);
    return status;
}

void Session::tell(const std::string& step) const {
    if (options_.is_verbose) console_.complain(step);
}

std::string Session::server_text() const {
    return options_.server.unix_path.empty() ? to_text(server_of(options_.server))
                                             : "unix:" + options_.server.unix_path;
}

}  // namespace ledge::cli
