// The front for the PROXY protocol. It waits for each peer's header, and then passes the socket to the next front. On
// the shard's thread.
#include <sys/socket.h>

#include <boost/intrusive/list.hpp>
#include <cerrno>
#include <string>
#include <utility>

#include "ledge/base/assert.hpp"
#include "ledge/base/first_bytes.hpp"
#include "ledge/os/address.hpp"
#include "ledge/transport/proxy.hpp"
#include "proxy_header.hpp"

namespace ledge::transport {
namespace {

class ProxyFront;

/// A peer whose header is not complete yet.
class PendingPeer final : public net::Pollable, public boost::intrusive::list_base_hook<> {
public:
    PendingPeer(os::Descriptor socket, const os::SocketAddress& address, Instant deadline, ProxyFront& front)
        : socket_(std::move(socket)), address_(address), deadline_(deadline), front_(front) {}
    ~PendingPeer() = default;
    PendingPeer(const PendingPeer&) = delete;
    PendingPeer& operator=(const PendingPeer&) = delete;

    int descriptor() const { return socket_.get(); }
    os::Descriptor hand_over() { return std::move(socket_); }
    const os::SocketAddress& address() const { return address_; }
    Instant deadline() const { return deadline_; }
    void close() { socket_.reset(); }

private:
    void on_ready(std::uint32_t events) override;

    os::Descriptor socket_;  // empty after close() or hand_over()
    os::SocketAddress address_;
    Instant deadline_;
    ProxyFront& front_;
    std::string received_;  // the bytes of the header that were read so far
};

class ProxyFront final : public Front {
public:
    ProxyFront(ProxyOptions options, std::unique_ptr<Front> next, Driver& driver, const Log& log)
        : options_(std::move(options)), next_(std::move(next)), driver_(driver), log_(log) {
        LEDGE_ASSERT(next_ != nullptr);
    }
    ~ProxyFront() override {
        pending_.clear_and_dispose([](PendingPeer* peer) { delete peer; });
        destroy_done();
    }

    void accept(os::Descriptor socket, const os::SocketAddress& address) override;
    void reload() override { next_->reload(); }
    void on_time(Instant now) override;
    Instant next_deadline() const override;
    std::size_t asio_peers() const override { return next_->asio_peers(); }
    TlsCounters tls_counters() const override { return next_->tls_counters(); }

    void on_header(PendingPeer& peer, const ProxyHeader& header);
    void refuse(PendingPeer& peer, std::string_view reason);

private:
    using List = boost::intrusive::list<PendingPeer>;

    void forget(PendingPeer& peer);
    void destroy_done() {
        done_.clear_and_dispose([](PendingPeer* peer) { delete peer; });
    }

    ProxyOptions options_;
    std::unique_ptr<Front> next_;
    Driver& driver_;
    const Log& log_;
    List pending_;  // oldest first
    List done_;     // destroyed in on_time(), because an event of the same poll may still refer to them
};

// ---------------------------------------------------------------------------------------------------------------------

/// Reads the header from the socket and not a byte more, because the bytes after the header belong to the next front.
/// The bytes are therefore only looked at first (MSG_PEEK). If the header is incomplete, all bytes belong to it and are
/// read: the poller would report unread bytes without end.
void PendingPeer::on_ready(std::uint32_t) {
    if (!socket_.is_open()) return;
    std::array<char, ProxyHeader::bytes_max> seen;
    const ssize_t count = ::recv(socket_.get(), seen.data(), seen.size(), MSG_PEEK | MSG_DONTWAIT);
    if (count < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR)) return;
    if (count <= 0) return front_.refuse(*this, "the connection ended before its PROXY header was complete");
    const std::size_t before = received_.size();
    received_.append(seen.data(), static_cast<std::size_t>(count));
    const ProxyHeader header = parse_proxy_header(as_bytes(received_));
    if (header.status == ProxyHeader::Status::wrong) {
        const std::string_view spoken = protocol_of(as_bytes(received_));
        return front_.refuse(*this, "the PROXY header is not valid" +
                                        (spoken.empty() ? "" : "; the first bytes are " + std::string(spoken)));
    }
    const bool is_complete = header.status == ProxyHeader::Status::complete;
    // The bytes before were an incomplete header, so the header ends behind them.
    const std::size_t end = is_complete ? header.size : received_.size();
    LEDGE_ASSERT(end > before && end <= received_.size());
    const std::size_t wanted = end - before;
    if (::recv(socket_.get(), seen.data(), wanted, MSG_DONTWAIT) != static_cast<ssize_t>(wanted))
        return front_.refuse(*this, "the bytes of its PROXY header could not be read");
    if (is_complete) front_.on_header(*this, header);
}

void ProxyFront::accept(os::Descriptor socket, const os::SocketAddress& address) {
    const auto ip = address.ip();
    auto peer =
        std::make_unique<PendingPeer>(std::move(socket), address, driver_.now() + options_.header_timeout, *this);
    // A header is trusted only from a known proxy; anybody else could claim any address in it.
    const bool is_known = ip && is_in(options_.from, *ip);
    if (!is_known || !driver_.poller().add(peer->descriptor(), *peer, EPOLLIN)) {
        log_.warning("proxy_refused", {{"address", to_text(address)},
                                       {"reason", is_known ? "the system cannot watch one more socket"
                                                           : "it is in none of the networks of proxy_from"}});
        return;
    }
    pending_.push_back(*peer.release());
    // The oldest peer is refused: a proxy sends its header at once, so the oldest one is the most suspicious.
    if (pending_.size() > options_.visitors_max)
        refuse(pending_.front(), "too many peers have not sent their PROXY header");
}

void ProxyFront::on_header(PendingPeer& peer, const ProxyHeader& header) {
    // Without a source (LOCAL, UNKNOWN) the proxy speaks for itself, and its own address counts.
    const os::SocketAddress address = header.has_source ? header.source : peer.address();
    // The next front adds the descriptor with another object.
    driver_.poller().remove(peer.descriptor());
    os::Descriptor socket = peer.hand_over();
    forget(peer);
    next_->accept(std::move(socket), address);
}

void ProxyFront::refuse(PendingPeer& peer, std::string_view reason) {
    log_.warning("proxy_refused", {{"address", to_text(peer.address())}, {"reason", reason}});
    peer.close();
    forget(peer);
}

void ProxyFront::forget(PendingPeer& peer) { done_.splice(done_.end(), pending_, pending_.iterator_to(peer)); }

void ProxyFront::on_time(Instant now) {
    destroy_done();
    while (!pending_.empty() && pending_.front().deadline() <= now)
        refuse(pending_.front(), "its PROXY header did not come in time");
    next_->on_time(now);
}

Instant ProxyFront::next_deadline() const {
    if (!done_.empty()) return Instant{};  // due at once: on_time() destroys them at the end of this turn
    const Instant awaited = pending_.empty() ? never : pending_.front().deadline();
    return std::min(awaited, next_->next_deadline());
}

}  // namespace

std::unique_ptr<Front> make_proxy_front(ProxyOptions options, std::unique_ptr<Front> next, Driver& driver,
                                        const Log& log) {
    return std::make_unique<ProxyFront>(std::move(options), std::move(next), driver, log);
}

}  // namespace ledge::transport
