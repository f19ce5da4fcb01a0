#include "client.hpp"

#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

namespace ledge::demo {

using wire::Version;

std::optional<Address> resolve(const std::string& host, const std::string& port) {
    addrinfo hints{};
    hints.ai_family = AF_UNSPEC;
    hints.ai_socktype = SOCK_STREAM;
    addrinfo* found = nullptr;
    if (getaddrinfo(host.c_str(), port.c_str(), &hints, &found) != 0 || found == nullptr) return std::nullopt;
    Address address;
    std::memcpy(&address.storage, found->ai_addr, found->ai_addrlen);
    address.size = found->ai_addrlen;
    address.family = found->ai_family;
    freeaddrinfo(found);
    return address;
}

Client::Client(std::string client_id, std::optional<Message> will)
    : client_id_(std::move(client_id)), will_(std::move(will)) {}

void Client::close() {
    if (fd_ >= 0) ::close(fd_);
    fd_ = -1;
    state_ = State::closed;
    unsent_.clear();
}

void Client::connect(const Address& address) {
    close();
    fd_ = ::socket(address.family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd_ < 0) return;
    const int on = 1;
    setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    framer_.emplace();
    state_ = State::connecting;
    const auto* target = reinterpret_cast<const sockaddr*>(&address.storage);
    if (::connect(fd_, target, address.size) != 0 && errno != EINPROGRESS) close();
}

short Client::events() const {
    const bool wants_write = state_ == State::connecting || !unsent_.empty();
    return static_cast<short>(POLLIN | (wants_write ? POLLOUT : 0));
}

void Client::on_ready(short revents) {
    if (state_ == State::connecting && (revents & (POLLOUT | POLLERR | POLLHUP)) != 0) {
        int error = 0;
        socklen_t size = sizeof error;
        if (getsockopt(fd_, SOL_SOCKET, SO_ERROR, &error, &size) != 0 || error != 0) return close();
        state_ = State::greeting;
        send_connect();
    }
    if (fd_ >= 0 && (revents & (POLLIN | POLLERR | POLLHUP)) != 0) read();
    if (fd_ >= 0) flush();
}

void Client::send_connect() {
    wire::PropertyBuilder properties;
    properties.number(wire::PropertyId::maximum_packet_size, packet_bytes_max);
    wire::Connect packet;
    packet.version = Version::v5;
    packet.client_id = client_id_;
    packet.keep_alive_s = keep_alive_s;
    packet.properties = properties.view();
    if (will_) {
        packet.will = wire::Will{will_->topic, as_bytes(will_->payload), will_->qos, will_->retain, {}};
    }
    wire::Writer out(append(wire::encoded_size(packet)));
    wire::encode(packet, out);
}

void Client::publish(const Message& message) {
    if (message.qos == wire::QoS::at_most_once) {
        if (is_connected()) send_publish(message, 0);
    } else {
        if (unacknowledged_.size() == unacknowledged_max) unacknowledged_.pop_front();
        last_packet_id_ = static_cast<wire::PacketId>(last_packet_id_ % 0xFFFF + 1);
        unacknowledged_.push_back({last_packet_id_, message});
        if (is_connected()) send_publish(message, last_packet_id_);
    }
    if (fd_ >= 0) flush();
}

void Client::send_publish(const Message& message, wire::PacketId packet_id) {
    wire::Publish packet;
    packet.topic = message.topic;
    packet.payload = as_bytes(message.payload);
    packet.qos = message.qos;
    packet.retain = message.retain;
    packet.packet_id = packet_id;
    wire::Writer out(append(wire::encoded_size(packet, Version::v5)));
    wire::encode(packet, Version::v5, out);
}

void Client::ping() {
    if (!is_connected()) return;
    wire::Writer out(append(wire::ping_size));
    wire::encode(wire::Pingreq{}, out);
    flush();
}

void Client::leave() {
    if (is_connected()) {
        wire::Disconnect packet;
        packet.code = wire::ReasonCode::disconnect_with_will;
        wire::Writer out(append(wire::encoded_size(packet, Version::v5)));
        wire::encode(packet, Version::v5, out);
        flush();
    }
    close();
}

std::span<Byte> Client::append(std::size_t size) {
    const std::size_t before = unsent_.size();
    unsent_.resize(before + size);
    return std::span<Byte>(unsent_).subspan(before);
}

void Client::flush() {
    if (state_ == State::connecting || unsent_.empty()) return;
    const ssize_t sent = ::send(fd_, unsent_.data(), unsent_.size(), MSG_NOSIGNAL);
    if (sent < 0) {
        if (errno != EAGAIN && errno != EINTR) close();
    } else {
        unsent_.erase(unsent_.begin(), unsent_.begin() + sent);
    }
    if (unsent_.size() > unsent_bytes_max) close();
}

void Client::read() {
    std::array<Byte, 4096> buffer{};
    const ssize_t size = ::recv(fd_, buffer.data(), buffer.size(), 0);
    if (size < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (size <= 0) return close();
    Bytes input(buffer.data(), static_cast<std::size_t>(size));
    while (fd_ >= 0) {
        const auto next = framer_->next(input, packet_bytes_max);
        if (next.status == wire::Framer::Status::need_more) return;
        if (next.status != wire::Framer::Status::frame) return close();
        on_frame(next.frame);
    }
}

void Client::on_frame(Bytes frame) {
    switch (wire::type_of(frame)) {
        case wire::PacketType::connack: return on_connack(frame);
        case wire::PacketType::puback: return on_puback(frame);
        case wire::PacketType::pingresp: return;
        default: return close();  // DISCONNECT, or nothing that a device without subscriptions can get
    }
}

void Client::on_connack(Bytes frame) {
    const auto packet = wire::decode_connack(frame, Version::v5);
    if (!packet || packet->code != wire::ReasonCode::success || state_ != State::greeting) return close();
    state_ = State::connected;
    // A new session knows nothing of the old packet ids: these are new publications, without DUP [MQTT-3.3.1-1].
    for (const auto& waiting : unacknowledged_) send_publish(waiting.message, waiting.packet_id);
}

void Client::on_puback(Bytes frame) {
    const auto packet = wire::decode_ack(frame, Version::v5);
    if (!packet) return close();
    const auto found = std::find_if(unacknowledged_.begin(), unacknowledged_.end(),
                                    [&](const Unacknowledged& one) { return one.packet_id == packet->packet_id; });
    if (found != unacknowledged_.end()) unacknowledged_.erase(found);
}

}  // namespace ledge::demo
