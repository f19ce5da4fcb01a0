#include "ledge/cli/client_loop.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <utility>

#include "ledge/base/assert.hpp"
#include "ledge/bridge/upstream_client.hpp"
#include "ledge/net/post.hpp"
#include "ledge/runtime/clock.hpp"

namespace ledge::cli {

using runtime::read_clock;

namespace {

constexpr std::size_t read_bytes_max = 16 * 1024;
constexpr std::size_t first_bytes_max = 8;  // bridge::hint_of_first_bytes() needs no more
constexpr Duration ending_time_max = 2s;    // for DISCONNECT and the end of the server's direction
constexpr Duration sleep_max = 60s;         // epoll_wait takes milliseconds as an int

int in_milliseconds(Duration wait) {
    return static_cast<int>(std::chrono::ceil<std::chrono::milliseconds>(wait).count());
}

}  // namespace

Result<std::unique_ptr<ClientLoop>, std::string> ClientLoop::create(bool needs_tls) {
    auto loop = std::make_unique<ClientLoop>();
    auto poller = net::Poller::create();
    if (!poller) return Failure{text_of(poller.error())};
    loop->poller = std::move(*poller);
    if (!needs_tls) return loop;
    if (std::string problem = loop->start_workers(); !problem.empty()) return Failure{std::move(problem)};
    return loop;
}

std::string ClientLoop::start_workers() {
    LEDGE_ASSERT(workers == nullptr);
    auto made = os::WorkerPool::create(net::post_to(io), {.name = "tls"});
    if (!made) return "cannot start worker threads: " + made.error().message();
    workers = std::move(*made);
    connector.use_workers(*workers);
    return {};
}

ClientConnection::ClientConnection(ClientLoop& loop, OnEvent on_event) : loop_(loop), on_event_(std::move(on_event)) {
    LEDGE_ASSERT(on_event_);
}

ClientConnection::~ClientConnection() = default;

// ---------------------------------------------------------------------------------------------------------------------
// The steps

net::Connector::Outcome ClientConnection::open(const net::Destination& to, Duration timeout) {
    LEDGE_ASSERT(channel_ == nullptr && (to.tls == nullptr || loop_.workers != nullptr));
    std::optional<net::Connector::Outcome> outcome;
    const auto ticket =
        loop_.connector.connect(to, timeout, [&outcome](net::Connector::Outcome made) { outcome = std::move(made); });
    // The connector has a deadline of its own, so this ends. restart() lets the loop run again after it has run out of
    // work; a thread may still post an answer.
    while (!outcome && !loop_.is_stopped) {
        loop_.io.restart();
        loop_.io.run_one_for(std::chrono::milliseconds(10));
        loop_.poller->poll(0);  // notices a signal of the user
    }
    if (outcome) return std::move(*outcome);
    loop_.connector.give_up(ticket);
    return {nullptr, "the command was interrupted"};
}

bool ClientConnection::begin(std::unique_ptr<net::ClientStream> stream, const uplink::Server& server) {
    LEDGE_ASSERT(channel_ == nullptr && stream != nullptr);
    // The connector hands over a stream of TLS only after the server has proven its name. What follows may be secret.
    LEDGE_ASSERT(stream->is_secured() == server.is_tls);
    auto web = server.websocket_path.empty() ? nullptr : std::make_unique<uplink::WsClient>(server, loop_.io);
    channel_ = std::make_unique<uplink::Channel>(*loop_.poller, std::move(stream), std::move(web));
    return channel_->start();
}

std::string ClientConnection::await_web(Instant deadline) {
    LEDGE_ASSERT(channel_ != nullptr);
    while (channel_->is_opening()) {
        const Instant now = read_clock();
        if (loop_.is_stopped) return "the command was interrupted";
        if (now >= deadline) return "no answer to the request in time; check the path of the url";
        channel_->go_on();
        if (channel_->is_ended()) return channel_->reason();
        channel_->watch(true, false);
        sleep(channel_->is_opening() && !channel_->may_read() ? deadline : now, now);
    }
    return {};
}

void ClientConnection::greet(client::Options options, bool is_clean_start) {
    is_over_ = false;
    end_cause_.reset();
    end_text_.clear();
    first_bytes_.clear();
    client_.emplace(std::move(options));
    client_->connect(is_clean_start, read_clock());
}

bool ClientConnection::wait(Instant deadline, const std::function<bool()>& is_done) {
    LEDGE_ASSERT(channel_ != nullptr && client_.has_value());
    while (!is_done()) {
        const Instant now = read_clock();
        if (is_over_ || loop_.is_stopped || now >= deadline) return false;
        if (!turn(now)) sleep(std::min(deadline, client_->next_deadline()), now);
    }
    return true;
}

/// DISCONNECT, then the end of both directions. A socket that is closed while bytes come in would answer by RST, and
/// the server might log an error.
void ClientConnection::end() {
    // Without an answer to the WebSocket request there is nothing to end.
    if (channel_ == nullptr || channel_->is_opening() || !client_) return channel_.reset();
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

/// Returns true when something has moved.
bool ClientConnection::turn(Instant now) {
    bool has_moved = false;
    for (auto event = client_->on_time(now); !client::is_nothing(event); event = client_->on_time(now)) {
        on_event(event);
        has_moved = true;
    }
    has_moved |= write(now);
    return (!is_over_ && read(now)) || has_moved;
}

bool ClientConnection::write(Instant now) {
    const Bytes output = client_->output();
    if (output.empty() || !channel_->may_write()) return false;
    const std::size_t count = channel_->write(output);
    client_->sent(count, now);
    return count > 0;
}

bool ClientConnection::read(Instant now) {
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
void ClientConnection::sleep(Instant until, Instant now) {
    const Duration wait = until == never ? sleep_max : std::clamp<Duration>(until - now, Duration::zero(), sleep_max);
    if (!channel_->is_opening()) channel_->watch(true, client_.has_value() && !client_->output().empty());
    loop_.poller->poll(in_milliseconds(wait));
}

void ClientConnection::on_event(const client::Event& event) {
    if (const auto* ended = std::get_if<client::Ended>(&event)) {
        is_over_ = true;
        end_cause_ = ended->cause;
        end_code_ = ended->code;
        end_text_ = bridge::text_of(*ended, server_name_);
    }
    on_event_(event);
}

}  // namespace ledge::cli
