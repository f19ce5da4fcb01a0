// The UDP socket of a gateway: opening it, reading and sending packets, and what the log and the metrics show of it.
#include "udp_link.hpp"

#include <arpa/inet.h>
#include <net/if.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "ledge/base/assert.hpp"
#include "ledge/base/ip_text.hpp"
#include "ledge/base/log.hpp"
#include "ledge/mqttsn/gateway.hpp"
#include "ledge/os/given_sockets.hpp"
#include "udp_address.hpp"

namespace ledge::link {

namespace {

/// Room for one IP_PKTINFO or IPV6_PKTINFO.
constexpr std::size_t control_bytes_max = CMSG_SPACE(sizeof(in6_pktinfo));

// A packet that finds no room in the kernel is lost, and its device repeats it only after T_retry (10 s on UDP).
constexpr int receive_bytes = 1024 * 1024;

bool is_any(const std::string& host) { return host == "::" || host == "0.0.0.0"; }

/// The address with its zone ("fe80::1%eth0"). The configuration has checked the host, so a zone that does not exist is
/// the only mistake; the interface may come later.
std::optional<os::SocketAddress> bound_address(const std::string& host, std::uint16_t port) {
    const std::size_t percent = host.find('%');
    const auto ip = parse_ip(host.substr(0, percent));
    if (!ip) return std::nullopt;
    if (percent == std::string::npos) {
        if (host == "::") return os::SocketAddress::any_ipv6(port);
        return os::SocketAddress(*ip, port);
    }
    UdpPeer peer;
    peer.port = port;
    std::memcpy(&peer.ip, ip->data(), sizeof(peer.ip));
    peer.scope = ::if_nametoindex(host.c_str() + percent + 1);
    if (peer.scope == 0) return std::nullopt;
    return system_address(peer, AF_INET6);
}

/// The peer of a received packet, and the address of this machine that it was sent to.
UdpPeer peer_of(const sockaddr_storage& from, msghdr& message) {
    UdpPeer peer;
    if (from.ss_family == AF_INET) {
        const auto& address = reinterpret_cast<const sockaddr_in&>(from);
        peer.port = ntohs(address.sin_port);
        peer.ip = mapped(address.sin_addr);
    } else {
        const auto& address = reinterpret_cast<const sockaddr_in6&>(from);
        peer.port = ntohs(address.sin6_port);
        peer.ip = address.sin6_addr;
        if (IN6_IS_ADDR_LINKLOCAL(&peer.ip)) peer.scope = address.sin6_scope_id;
    }
    for (cmsghdr* one = CMSG_FIRSTHDR(&message); one != nullptr; one = CMSG_NXTHDR(&message, one)) {
        if (one->cmsg_level == IPPROTO_IP && one->cmsg_type == IP_PKTINFO) {
            in_pktinfo info{};
            std::memcpy(&info, CMSG_DATA(one), sizeof(info));
            peer.own = mapped(info.ipi_spec_dst);  // of a packet to a group: the address of the interface
        }
        if (one->cmsg_level == IPPROTO_IPV6 && one->cmsg_type == IPV6_PKTINFO) {
            in6_pktinfo info{};
            std::memcpy(&info, CMSG_DATA(one), sizeof(info));
            const bool is_group = IN6_IS_ADDR_MULTICAST(&info.ipi6_addr) ||
                                  (is_mapped(info.ipi6_addr) && IN_MULTICAST(ntohl(unmapped(info.ipi6_addr).s_addr)));
            if (!is_group) peer.own = info.ipi6_addr;
        }
    }
    return peer;
}

/// Tells the kernel from which address the packet shall leave. `control` has control_bytes_max bytes.
void set_own(const in6_addr& own, int family, Byte* control, msghdr& message) {
    if (IN6_IS_ADDR_UNSPECIFIED(&own)) return;
    message.msg_control = control;
    message.msg_controllen = control_bytes_max;
    cmsghdr* const header = CMSG_FIRSTHDR(&message);
    if (family == AF_INET) {
        in_pktinfo info{};
        info.ipi_spec_dst = unmapped(own);
        header->cmsg_level = IPPROTO_IP;
        header->cmsg_type = IP_PKTINFO;
        header->cmsg_len = CMSG_LEN(sizeof(info));
        std::memcpy(CMSG_DATA(header), &info, sizeof(info));
        message.msg_controllen = CMSG_SPACE(sizeof(info));
        return;
    }
    in6_pktinfo info{};
    info.ipi6_addr = own;
    header->cmsg_level = IPPROTO_IPV6;
    header->cmsg_type = IPV6_PKTINFO;
    header->cmsg_len = CMSG_LEN(sizeof(info));
    std::memcpy(CMSG_DATA(header), &info, sizeof(info));
    message.msg_controllen = CMSG_SPACE(sizeof(info));
}

bool set_on(int socket, int level, int name, int value = 1) {
    return ::setsockopt(socket, level, name, &value, sizeof(value)) == 0;
}

/// The address family or the address may come later: a network that is not up yet.
bool may_come(const Error& error) {
    return error.code == std::errc::address_not_available || error.code == std::errc::no_such_device;
}

}  // namespace

UdpLink::UdpLink(UdpAddress address, std::size_t packet_bytes_max, mqttsn::Gateway& gateway, net::Poller& poller,
                 std::span<Byte> buffer, const Log& log, std::string name)
    : address_(std::move(address)),
      packet_bytes_max_(packet_bytes_max),
      gateway_(gateway),
      poller_(poller),
      buffer_(buffer),
      log_(log),
      name_(std::move(name)) {}

UdpLink::~UdpLink() { close(); }

// ---------------------------------------------------------------------------------------------------------------------
// Opening

/// An interface without an address is no mistake: after a power cut the broker often starts before the network does.
std::optional<Error> UdpLink::start(Instant now) {
    auto problem = open();
    given_ = nullptr;
    if (!problem) {
        gateway_.link_opened(now);
        return std::nullopt;
    }
    close();
    // The socket may be open although its group could not be joined. Then nothing of it must stay.
    if (!may_come(*problem)) return problem;
    problem_ = ledge::text_of(*problem);
    // Tried each second for hours perhaps, so only a new problem is logged.
    if (std::exchange(reported_, problem_) != problem_)
        log_.warning("mqttsn_link_closed", {{"listener", name_}, {"place", place()}, {"reason", problem_}});
    retry_at_ = now + retry_pause;
    return std::nullopt;
}

std::optional<Error> UdpLink::open() {
    auto bound = bound_address(address_.host, address_.port);
    const auto refused = [&](int error) { return Error{system_code(error), "cannot listen on {}", place()}; };
    if (!bound) return refused(ENODEV);
    os::Descriptor socket = take_given(*bound);
    const bool is_given = socket.is_open();
    if (!is_given) socket.reset(::socket(bound->family(), SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    // A machine without IPv6: "::" then stands for all addresses that there are.
    if (!socket.is_open() && errno == EAFNOSUPPORT && address_.host == "::" && !address_.is_ipv6_only) {
        bound = os::SocketAddress::any_ipv4(address_.port);
        socket = os::Descriptor(::socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    }
    if (!socket.is_open()) return refused(errno);
    family_ = bound->family();
    const bool is_dual = family_ == AF_INET6 && address_.host == "::" && !address_.is_ipv6_only;
    // A bound socket keeps what it was bound with.
    if (!is_given && family_ == AF_INET6 && !set_on(socket.get(), IPPROTO_IPV6, IPV6_V6ONLY, is_dual ? 0 : 1))
        return refused(errno);
    // A socket that is bound to one address answers from there anyway, and needs no control data.
    knows_own_ = is_any(address_.host) && (family_ == AF_INET ? set_on(socket.get(), IPPROTO_IP, IP_PKTINFO)
                                                              : set_on(socket.get(), IPPROTO_IPV6, IPV6_RECVPKTINFO));
    // After a power cut all devices speak at once. The kernel grants what its limit (net.core.rmem_max) allows.
    set_on(socket.get(), SOL_SOCKET, SO_RCVBUF, receive_bytes);
    if (!is_given && ::bind(socket.get(), bound->get(), bound->size()) != 0) return refused(errno);
    if (!poller_.add(socket.get(), *this, EPOLLIN)) return refused(errno);
    socket_ = std::move(socket);
    // A listener without its group would serve nobody who searches, and the operator would not notice.
    if (auto problem = join()) return problem;
    // The counter tells an operator of addresses that come and go.
    ++counters_.opened;
    problem_.clear();
    reported_.clear();
    log_.info("mqttsn_link_opened", {{"listener", name_}, {"place", place()}});
    return std::nullopt;
}

/// The socket that another process has opened for this listener; empty if there is none.
os::Descriptor UdpLink::take_given(const os::SocketAddress& bound) {
    if (given_ == nullptr) return {};
    if (auto given = given_->take(SOCK_DGRAM, bound)) return std::move(given->socket);
    // By its name: any socket of the service manager, and that of a port which the system chose for the former broker.
    if (given_->from() != os::GivenSockets::From::service_manager && address_.port != 0) return {};
    auto named = given_->take_named(SOCK_DGRAM, name_);
    return named.empty() ? os::Descriptor() : std::move(named.front().socket);
}

void UdpLink::add_duplicate(std::vector<os::GivenSocket>& to) const {
    if (socket_.is_open()) to.push_back({name_, os::duplicate(socket_.get()), false});
}

/// Joins the group, on the interface of the socket's address. A socket that is bound to one address of the machine gets
/// no packets of a group, so that the group then has a socket of its own.
std::optional<Error> UdpLink::join() {
    if (address_.multicast.empty()) return std::nullopt;
    const std::uint16_t port = os::own_address(socket_.get()).port();
    const auto group = bound_address(address_.multicast, port);
    const auto refused = [&](int error) {
        return Error{system_code(error), "cannot join the group {}", address_.multicast};
    };
    if (!group || (group->family() == AF_INET6 && family_ == AF_INET)) return refused(EAFNOSUPPORT);
    group_ = *group;
    int target = socket_.get();
    if (!is_any(address_.host)) {
        group_socket_ = os::Descriptor(::socket(group->family(), SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
        target = group_socket_.get();
        // Other programs of this machine may listen to the group, too.
        const bool is_bound =
            target >= 0 && set_on(target, SOL_SOCKET, SO_REUSEADDR) && ::bind(target, group->get(), group->size()) == 0;
        if (!is_bound || !poller_.add(target, *this, EPOLLIN)) return refused(errno);
    }
    // The group is joined at one interface: that of the listener's address, or the one that the routes choose.
    const auto own = parse_ip(address_.host.substr(0, address_.host.find('%')));
    if (group->family() == AF_INET) {
        ip_mreqn request{};
        request.imr_multiaddr = reinterpret_cast<const sockaddr_in*>(group->get())->sin_addr;
        if (own && !is_any(address_.host)) std::memcpy(&request.imr_address, own->data() + 12, 4);
        // EADDRINUSE: a socket of another process is a member already.
        if (::setsockopt(target, IPPROTO_IP, IP_ADD_MEMBERSHIP, &request, sizeof(request)) != 0 && errno != EADDRINUSE)
            return refused(errno);
        // Announcements leave by the interface where the group was joined. If the system refuses, it chooses one.
        ::setsockopt(socket_.get(), IPPROTO_IP, IP_MULTICAST_IF, &request, sizeof(request));
        return std::nullopt;
    }
    // IPv6 names the interface by the zone of the group ("ff02::1%eth0").
    const std::size_t percent = address_.multicast.find('%');
    ipv6_mreq request{};
    request.ipv6mr_multiaddr = reinterpret_cast<const sockaddr_in6*>(group->get())->sin6_addr;
    if (percent != std::string::npos)
        request.ipv6mr_interface = ::if_nametoindex(address_.multicast.c_str() + percent + 1);
    if (::setsockopt(target, IPPROTO_IPV6, IPV6_ADD_MEMBERSHIP, &request, sizeof(request)) != 0 && errno != EADDRINUSE)
        return refused(errno);
    set_on(socket_.get(), IPPROTO_IPV6, IPV6_MULTICAST_IF, static_cast<int>(request.ipv6mr_interface));
    return std::nullopt;
}

void UdpLink::close() {
    for (os::Descriptor* socket : {&socket_, &group_socket_}) {
        if (socket->is_open()) poller_.remove(socket->get());
        socket->reset();
    }
    // Nothing that was noted about the closed sockets holds for the next ones.
    is_readable_ = is_full_ = false;
    retry_at_ = busy_until_ = never;
}

// ---------------------------------------------------------------------------------------------------------------------
// Packets

/// Only notes. Reading here would give a flood of packets the whole loop.
void UdpLink::on_ready(std::uint32_t events) {
    if ((events & EPOLLOUT) != 0 && is_full_) {
        is_full_ = false;
        watch();
    }
    // An error of the socket is used up by a read, too.
    if ((events & ~std::uint32_t{EPOLLOUT}) != 0) is_readable_ = true;
}

void UdpLink::watch() { poller_.change(socket_.get(), *this, is_full_ ? EPOLLIN | EPOLLOUT : EPOLLIN); }

/// Both sockets share the note of the poller, so that a round reads one packet of each.
void UdpLink::read(Instant now) {
    if (!is_readable_ || !socket_.is_open()) return;
    for (int i = 0; i < packets_per_turn_max && is_readable_; ++i) {
        // Not `||`, which would leave the group's socket out while the other one has packets.
        bool has_read = read_one(socket_.get(), now);
        if (group_socket_.is_open()) has_read |= read_one(group_socket_.get(), now);
        is_readable_ = has_read;
    }
}

/// False: no packet waits. An error such as ECONNREFUSED is that of an earlier packet, and is used up by the call.
bool UdpLink::read_one(int socket, Instant now) {
    sockaddr_storage from{};
    alignas(cmsghdr) std::array<Byte, control_bytes_max> control{};
    iovec part{buffer_.data(), buffer_.size()};
    msghdr message{};
    message.msg_name = &from;
    message.msg_namelen = sizeof(from);
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    message.msg_control = control.data();
    message.msg_controllen = control.size();
    const ssize_t count = ::recvmsg(socket, &message, MSG_DONTWAIT);
    if (count < 0) return errno != EAGAIN && errno != EWOULDBLOCK;
    // peer_of() reads only these two.
    if (from.ss_family != AF_INET && from.ss_family != AF_INET6) return true;
    const auto size = static_cast<std::size_t>(count);
    // The buffer holds the largest datagram, so a packet that was cut cannot pass for a shorter one.
    if (size > packet_bytes_max_) {
        ++counters_.too_long;
        return true;
    }
    ++counters_.frames;
    UdpPeerBytes bytes;
    const std::size_t bytes_count = encode_peer(peer_of(from, message), bytes);
    gateway_.on_packet(Bytes(bytes).first(bytes_count), Bytes(buffer_).first(size), now);
    return true;
}

/// Sends what the gateway has. A packet stays in the queue while the system is short of memory for it, and is lost in
/// every other case: the device repeats its request, or the gateway its packet.
void UdpLink::write(Instant now) {
    if (is_full_ || (busy_until_ != never && now < busy_until_)) return;
    busy_until_ = never;
    for (int i = 0; i < packets_per_turn_max && gateway_.has_output(); ++i) {
        const auto& packet = gateway_.output();
        const Sent sent = socket_.is_open() ? send(as_bytes(packet.address), packet.bytes) : Sent::lost;
        if (sent == Sent::later) {
            if (!is_full_) busy_until_ = now + busy_pause;
            return;
        }
        // A packet that was lost here is gone for the gateway as well, as if a radio had dropped it.
        ++(sent == Sent::yes ? counters_.sent : counters_.send_failed);
        gateway_.output_sent();
    }
}

UdpLink::Sent UdpLink::send(Bytes address, Bytes packet) {
    const bool is_broadcast = address.empty();
    // Without a group nobody is announced to; UDP broadcasts would reach machines that have not asked.
    if (is_broadcast && address_.multicast.empty()) return Sent::lost;
    const UdpPeer peer = is_broadcast ? UdpPeer{} : decode_peer(address);
    os::SocketAddress to = is_broadcast ? group_ : system_address(peer, family_);
    // A dual socket reaches a group of IPv4 by its mapped address.
    if (to.family() != family_ && to.ip()) {
        UdpPeer group;
        group.port = to.port();
        std::memcpy(&group.ip, to.ip()->data(), sizeof(group.ip));
        to = system_address(group, family_);
    }
    alignas(cmsghdr) std::array<Byte, control_bytes_max> control{};
    // sendmsg() only reads the bytes, although its structure cannot say so.
    iovec part{const_cast<Byte*>(packet.data()), packet.size()};
    msghdr message{};
    message.msg_name = const_cast<sockaddr*>(to.get());
    message.msg_namelen = to.size();
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    if (knows_own_) set_own(peer.own, family_, control.data(), message);
    if (::sendmsg(socket_.get(), &message, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0) return Sent::yes;
    // The queue of the interface is full. No event tells when it has room, so write() waits for a moment.
    if (errno == ENOBUFS || errno == ENOMEM) return Sent::later;
    if (errno != EAGAIN && errno != EWOULDBLOCK) return Sent::lost;
    is_full_ = true;
    watch();
    return Sent::later;
}

bool UdpLink::wants_turn() const {
    // While the system takes nothing, a turn would change nothing: the poller or the deadline wakes the loop.
    return is_readable_ || (gateway_.has_output() && !is_full_ && busy_until_ == never);
}

void UdpLink::on_time(Instant now) {
    if (now >= retry_at_) {
        retry_at_ = never;
        if (const auto problem = start(now)) {
            // The address exists now, but it cannot be used. The operator may free it.
            problem_ = ledge::text_of(*problem);
            if (std::exchange(reported_, problem_) != problem_)
                log_.error("mqttsn_link_closed", {{"listener", name_}, {"place", place()}, {"reason", problem_}});
            retry_at_ = now + retry_pause;
        }
    }
    if (now >= busy_until_) write(now);
}

Instant UdpLink::next_deadline() const { return std::min(retry_at_, busy_until_); }

// ---------------------------------------------------------------------------------------------------------------------
// For people

std::string UdpLink::text_of(Bytes address) const {
    // Always as IPv6, which shows mapped addresses in the form of IPv4.
    return address.empty() ? std::string() : os::to_text(system_address(decode_peer(address), AF_INET6));
}

std::string UdpLink::place() const {
    // Port 0 lets the system choose; an operator wants the chosen one.
    std::uint16_t port = address_.port;
    if (socket_.is_open()) port = os::own_address(socket_.get()).port();
    const bool is_ipv6 = address_.host.find(':') != std::string::npos;
    return "udp://" + (is_ipv6 ? "[" + address_.host + "]" : address_.host) + ":" + std::to_string(port);
}

void UdpLink::add_to(LinkFigures& figures) const {
    figures.is_up = socket_.is_open();
    figures.last_problem = problem_;
    figures.link = counters_;
}

}  // namespace ledge::link
