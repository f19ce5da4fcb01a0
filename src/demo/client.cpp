// The socket calls of one device.
#include "client.hpp"

#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <utility>

#include "ledge/base/assert.hpp"
namespace ledge::demo {

namespace {

client::Options options_of(std::string client_id, const std::optional<Message>& will) {
    client::Options options;
    options.client_id = std::move(client_id);
    options.keep_alive_s = Client::keep_alive_s;
    options.maximum_packet_size = Client::packet_bytes_max;
    // At this limit publish() refuses a message, and Client::publish() drops an older one.
    options.limits.held_messages_max = Client::unacknowledged_max;
    if (will) options.will = client::WillOptions{will->topic, will->payload, will->qos, will->retain, {}};
    return options;
}

}  // namespace

std::optional<Address> resolve(const std::string& host, const std::string& port) {
    addrinfo hints{};
    // The broker may listen on IPv4 only or on IPv6 only, so both kinds of addresses are accepted.
    hints.ai_family = AF_UNSPEC;
    hints.ai_socktype = SOCK_STREAM;
    addrinfo* found = nullptr;
    if (getaddrinfo(host.c_str(), port.c_str(), &hints, &found) != 0 || found == nullptr) return std::nullopt;
    Address address;
    // Only the first address is used; the resolver puts the preferred one first (RFC 6724). sockaddr_storage has room
    // for every kind of address, and the copy stays valid after freeaddrinfo().
    std::memcpy(&address.storage, found->ai_addr, found->ai_addrlen);
    address.size = found->ai_addrlen;
    address.family = found->ai_family;
    freeaddrinfo(found);
    return address;
}

Client::Client(std::string client_id, const std::optional<Message>& will)
    : mqtt_(options_of(std::move(client_id), will)) {}

void Client::close() {
    if (fd_ >= 0) ::close(fd_);
    fd_ = -1;
    is_connecting_ = false;
    // client::Client keeps the unacknowledged messages and sends them again on the next connection.
    mqtt_.closed();
}

void Client::connect(const Address& address) {
    close();
    LEDGE_ASSERT(fd_ < 0 && !is_connecting_);
    // One thread serves all devices, so no call on one socket may wait.
    fd_ = ::socket(address.family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    // Without a free descriptor the device stays closed, and the main loop tries again after reconnect_delay.
    if (fd_ < 0) return;
    const int on = 1;  // small messages leave at once
    setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    is_connecting_ = true;
    const auto* target = reinterpret_cast<const sockaddr*>(&address.storage);
    // EINPROGRESS: on_ready() learns later whether the connection stands.
    if (::connect(fd_, target, address.size) != 0 && errno != EINPROGRESS) close();
}

short Client::events() const {
    // poll() reports the end of connect() as writable. Otherwise POLLOUT is asked for only while output waits.
    const bool wants_write = is_connecting_ || !mqtt_.output().empty();
    return static_cast<short>(POLLIN | (wants_write ? POLLOUT : 0));
}

void Client::on_ready(short revents, Instant now) {
    // The end of a non-blocking connect() shows as POLLOUT, an error or a hang-up; SO_ERROR tells which.
    if (is_connecting_ && (revents & (POLLOUT | POLLERR | POLLHUP)) != 0) {
        int error = 0;
        socklen_t size = sizeof error;
        if (getsockopt(fd_, SOL_SOCKET, SO_ERROR, &error, &size) != 0 || error != 0) return close();
        is_connecting_ = false;
        // Clean start: a device has no subscriptions, so the broker need not keep a session for it.
        mqtt_.connect(true, now);
    }
    // An error or a hang-up is also read: recv() then returns -1 or 0, and read() closes the socket.
    if (fd_ >= 0 && (revents & (POLLIN | POLLERR | POLLHUP)) != 0) read(now);
    flush(now);
}

void Client::publish(const Message& message, Instant now) {
    wire::Publish packet;
    packet.topic = message.topic;
    packet.payload = as_bytes(message.payload);
    packet.qos = message.qos;
    packet.retain = message.retain;
    auto result = mqtt_.publish(packet);
    // Without room for the message, the oldest unsent measurement is dropped: it is worth less than the new one.
    if (!result && message.qos != wire::QoS::at_most_once && mqtt_.withdraw_oldest() != 0)
        result = mqtt_.publish(packet);
    flush(now);
}

void Client::leave(Instant now) {
    // flush() calls send() once. Bytes that the socket does not accept now are lost, because nothing polls it
    // afterwards.
    mqtt_.disconnect(wire::ReasonCode::disconnect_with_will);
    flush(now);
    close();
}

void Client::on_time(Instant now) {
    on_event(mqtt_.on_time(now));
    flush(now);
}

void Client::flush(Instant now) {
    if (fd_ < 0 || is_connecting_) return;
    const Bytes output = mqtt_.output();
    if (!output.empty()) {
        // MSG_NOSIGNAL: a write to a closed connection returns EPIPE. Without this flag the signal SIGPIPE would end
        // all devices.
        const ssize_t sent = ::send(fd_, output.data(), output.size(), MSG_NOSIGNAL);
        if (sent < 0 && errno != EAGAIN && errno != EINTR) return close();
        // A short write is normal: the rest waits for POLLOUT.
        if (sent > 0) mqtt_.sent(static_cast<std::size_t>(sent), now);
    }
    // A broker that does not read would let the output grow without end.
    if (mqtt_.wants_close() || mqtt_.output().size() > unsent_bytes_max) close();
}

void Client::read(Instant now) {
    // One recv() per call: poll() reports the remaining bytes at once, and no device makes the others wait.
    std::array<Byte, 4096> buffer{};
    const ssize_t size = ::recv(fd_, buffer.data(), buffer.size(), 0);
    if (size < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (size <= 0) return close();  // 0 = the broker has closed the connection
    Bytes input(buffer.data(), static_cast<std::size_t>(size));
    // on_bytes() reads at most one packet and shrinks `input`. Nothing means that no whole packet is left.
    for (client::Event event = mqtt_.on_bytes(input, now); !client::is_nothing(event);
         event = mqtt_.on_bytes(input, now)) {
        on_event(event);
    }
}

/// A device has no subscriptions, so it reports only one event: the end of a connection with its reason.
void Client::on_event(const client::Event& event) {
    const auto* const ended = std::get_if<client::Ended>(&event);
    if (ended == nullptr) return;
    std::printf("%s: the broker's connection has ended: %.*s\n", mqtt_.options().client_id.c_str(),
                static_cast<int>(ended->text.size()), ended->text.data());
}

}  // namespace ledge::demo
