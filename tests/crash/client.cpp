#include "client.hpp"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>

namespace ledge::crash {
namespace {

constexpr auto retry_interval = 2ms;
constexpr int connect_wait_ms = 50;
constexpr std::uint32_t packet_max = 1024 * 1024;
constexpr std::uint32_t session_expiry_s = 3600;

}  // namespace

Client::~Client() {
    if (fd_ >= 0) ::close(fd_);
}

void Client::step() {
    if (fd_ < 0 && stage_.is_up() && wants_connection() && stage_.now >= next_try_) open();
    if (fd_ < 0) return;
    if (is_accepted_) on_tick();
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
    const bool is_begun =
        ::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0 || errno == EINPROGRESS;
    pollfd wait{fd, POLLOUT, 0};
    if (!is_begun || ::poll(&wait, 1, connect_wait_ms) != 1 || (wait.revents & (POLLERR | POLLHUP)) != 0) {
        ::close(fd);
        return;
    }
    const int yes = 1;
    ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    fd_ = fd;
    framer_ = std::make_unique<wire::Framer>();
    out_.clear();
    sent_ = 0;
    pongs_ = 0;
    is_ending_ = false;
    send_connect();
}

void Client::send_connect() {
    wire::PropertyBuilder properties;
    wire::Connect packet;
    packet.version = options_.version;
    packet.client_id = options_.client_id;
    packet.clean_start = is_clean_start();
    if (is_v5() && options_.is_persistent) {
        properties.number(wire::PropertyId::session_expiry_interval, session_expiry_s);
    }
    if (is_v5() && options_.receive_maximum != 0) {
        properties.number(wire::PropertyId::receive_maximum, options_.receive_maximum);
    }
    packet.properties = properties.view();
    add_to_connect(packet);
    append(wire::encoded_size(packet), [&](wire::Writer& out) { wire::encode(packet, out); });
}

void Client::flush() {
    while (fd_ >= 0 && sent_ < out_.size()) {
        const ssize_t size = ::send(fd_, out_.data() + sent_, out_.size() - sent_, MSG_NOSIGNAL);
        if (size < 0 && errno == EINTR) continue;
        if (size < 0) return;  // full, or broken: then reading says so, after what is still there to be read
        sent_ += static_cast<std::size_t>(size);
    }
    out_.clear();
    sent_ = 0;
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
        const wire::Framer::Next next = framer_->next(input, packet_max);
        if (next.status == wire::Framer::Status::need_more) return;
        if (next.status != wire::Framer::Status::frame) {
            ledger().broken(Count::damaged, name() + ": the broker sent no MQTT");
            return drop();
        }
        on_frame(next.frame);
    }
}

void Client::on_frame(Bytes frame) {
    switch (wire::type_of(frame)) {
        case wire::PacketType::connack: return on_connack(frame);
        case wire::PacketType::pingresp: ++pongs_; return;
        case wire::PacketType::disconnect: return drop();
        default: return on_packet(wire::type_of(frame), frame);
    }
}

void Client::on_connack(Bytes frame) {
    const auto packet = wire::decode_connack(frame, options_.version);
    if (!packet || is_accepted_) {
        ledger().broken(Count::damaged, name() + ": a CONNACK that is none");
        return drop();
    }
    if (packet->code != wire::ReasonCode::success) return drop();  // a broker that starts or refuses: again
    is_accepted_ = true;
    ++stage_.connacks;
    ++stage_.progress;
    server_receive_maximum_ =
        static_cast<std::uint16_t>(packet->properties.number(wire::PropertyId::receive_maximum).value_or(0xFFFF));
    if (has_kept_session_ && !packet->session_present && !is_clean_start()) {
        ledger().broken(Count::sessions_lost, name() + ", cycle " + std::to_string(ledger().cycle));
        has_kept_session_ = false;
    }
    if (packet->session_present) has_kept_session_ = true;
    on_connected(packet->session_present);
}

void Client::lose() {
    ::close(fd_);
    fd_ = -1;
    const bool was_accepted = is_accepted_;
    is_accepted_ = false;
    is_ending_ = false;
    next_try_ = stage_.now + retry_interval;
    if (was_accepted) on_lost();
}

void Client::send_ping() {
    append(wire::ping_size, [](wire::Writer& out) { wire::encode(wire::Pingreq{}, out); });
}

void Client::acknowledge(wire::PacketType type, wire::PacketId id) {
    wire::Ack packet;
    packet.type = type;
    packet.packet_id = id;
    send(packet);
}

void Client::subscribe(const std::vector<wire::SubscribeEntry>& entries) {
    std::vector<Byte> raw;
    for (const auto& entry : entries) wire::append_entry(raw, entry, true);
    wire::Subscribe packet;
    packet.packet_id = 1;
    packet.entries = wire::SubscribeEntries(raw, true);
    send(packet);
}

void Client::disconnect() {
    send(wire::Disconnect{});
    is_ending_ = true;
}

}  // namespace ledge::crash
