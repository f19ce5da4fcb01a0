#include "client.hpp"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "ledge/base/assert.hpp"

namespace ledge::crash {
namespace {

constexpr auto retry_interval = 2ms;
constexpr int connect_wait_ms = 50;
constexpr std::uint32_t session_expiry_s = 3600;

client::Options options_of(const ClientOptions& wish) {
    client::Options options;
    options.version = wish.version;
    options.client_id = wish.client_id;
    options.flow = client::Flow::passed_on;
    options.keep_alive_s = 0;  // who waits for a broker that hangs is settled by the rig
    if (wish.is_persistent) options.session_expiry_s = session_expiry_s;
    if (wish.receive_maximum != 0) options.receive_maximum = wish.receive_maximum;
    return options;
}

}  // namespace

Client::Client(Stage& stage, ClientOptions options)
    : stage_(stage), options_(std::move(options)), mqtt_(options_of(options_)) {}

Client::~Client() {
    if (fd_ >= 0) ::close(fd_);
}

void Client::step() {
    if (fd_ < 0 && stage_.is_up() && wants_connection() && stage_.now >= next_try_) open();
    if (fd_ < 0) return;
    if (is_connected()) on_tick();
    flush();
    if (is_ending_) lose();
}

void Client::open() {
    next_try_ = stage_.now + retry_interval;
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) return;
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(stage_.port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int error = 0;
    const bool is_begun =
        ::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0 || errno == EINPROGRESS;
    if (!is_begun) error = errno;
    pollfd wait{fd, POLLOUT, 0};
    if (!is_begun || ::poll(&wait, 1, connect_wait_ms) != 1 || (wait.revents & (POLLERR | POLLHUP)) != 0) {
        socklen_t size = sizeof error;
        if (error == 0) ::getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size);
        if (error == ECONNREFUSED) ++stage_.connects_refused;
        ::close(fd);
        return;
    }
    const int yes = 1;
    ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    fd_ = fd;
    pongs_ = 0;
    is_ending_ = false;
    send_connect();
}

void Client::send_connect() {
    client::Options options = mqtt_.options();
    add_to_connect(options);
    mqtt_.set_options(std::move(options));
    mqtt_.connect(is_clean_start(), instant());
}

void Client::flush() {
    while (fd_ >= 0 && !mqtt_.output().empty()) {
        const Bytes output = mqtt_.output();
        const ssize_t size = ::send(fd_, output.data(), output.size(), MSG_NOSIGNAL);
        if (size < 0 && errno == EINTR) continue;
        if (size < 0) return;  // full, or broken: then reading says so, after what is still there to be read
        mqtt_.sent(static_cast<std::size_t>(size), instant());
    }
}

void Client::receive() {
    static std::array<Byte, 65536> buffer;
    while (fd_ >= 0) {
        const ssize_t size = ::recv(fd_, buffer.data(), buffer.size(), 0);
        if (size < 0 && errno == EINTR) continue;
        if (size < 0 && errno == EAGAIN) break;
        if (size <= 0) return lose();
        take({buffer.data(), static_cast<std::size_t>(size)});
        if (is_ending_) break;
    }
    flush();
    if (is_ending_) lose();
}

void Client::take(Bytes input) {
    while (!is_ending_) {
        const client::Event event = mqtt_.on_bytes(input, instant());
        if (client::is_nothing(event)) return;
        on_event(event);
    }
}

void Client::on_event(const client::Event& event) {
    if (const auto* e = std::get_if<client::Connected>(&event)) on_connack(e->session_present);
    if (const auto* e = std::get_if<client::Message>(&event)) on_message(e->packet);
    if (const auto* e = std::get_if<client::AckPassedOn>(&event)) on_ack(e->packet);
    if (const auto* e = std::get_if<client::RequestDone>(&event)) on_suback(e->packet);
    if (std::holds_alternative<client::Pong>(event)) ++pongs_;
    const auto* const ended = std::get_if<client::Ended>(&event);
    if (ended == nullptr) return;
    // A broker that starts, refuses or stops is asked again. One that breaks the standard is not right.
    if (ended->cause == client::Ended::Cause::violation)
        ledger().broken(Count::damaged, name() + ": the broker sent " + std::string(ended->text));
    drop();
}

void Client::on_connack(bool session_present) {
    is_accepted_ = true;
    ++stage_.connacks;
    ++stage_.progress;
    if (has_kept_session_ && !session_present && !is_clean_start()) {
        ledger().broken(Count::sessions_lost, name() + ", cycle " + std::to_string(ledger().cycle));
        has_kept_session_ = false;
    }
    if (session_present) has_kept_session_ = true;
    on_connected(session_present);
}

void Client::lose() {
    ::close(fd_);
    fd_ = -1;
    const bool was_accepted = is_accepted_;
    is_accepted_ = is_ending_ = false;
    mqtt_.closed();
    next_try_ = stage_.now + retry_interval;
    if (was_accepted) on_lost();
}

/// A window that is full would be our mistake. QoS 0 may meet a broker that does not read: it is lost.
void Client::publish(const wire::Publish& packet) {
    const auto result = mqtt_.publish(packet);
    LEDGE_ASSERT(result.ok() || packet.qos == wire::QoS::at_most_once);
}

void Client::subscribe(const std::vector<wire::SubscribeEntry>& entries) {
    const auto result = mqtt_.subscribe(entries);
    LEDGE_ASSERT(result.ok());
}

void Client::disconnect() {
    mqtt_.disconnect();
    is_ending_ = true;
}

void Client::unexpected(std::string_view what) {
    ledger().broken(Count::damaged, name() + ": an unexpected " + std::string(what));
}

}  // namespace ledge::crash
