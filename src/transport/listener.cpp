// Listener: accepts peers and passes their sockets to the front. Each of its sockets has an Acceptor; all share one
// rate.
#include "ledge/transport/listener.hpp"

#include <fcntl.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "ledge/base/assert.hpp"
#include "ledge/os/given_sockets.hpp"
#include "listening_socket.hpp"

namespace ledge::transport {

namespace {

/// The process or the system has no descriptor or no memory left. The peer still waits in the kernel's queue.
bool is_exhaustion(int error) { return error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM; }

os::Descriptor open_reserve() { return os::Descriptor(::open("/dev/null", O_RDONLY | O_CLOEXEC)); }

}  // namespace

/// Accepts the peers of one listening socket. When the process has no descriptors left, the acceptor closes a reserve
/// descriptor for a moment and uses its number: it accepts each waiting peer and closes it at once, so that the peers
/// notice the refusal. Then the acceptor pauses.
class Listener::Acceptor final : public net::Pollable {
public:
    Acceptor(ListeningSocket socket, Front& front, Driver& driver, const Log& log, TokenBucket& rate)
        : socket_(std::move(socket)),
          front_(front),
          driver_(driver),
          log_(log),
          rate_(rate),
          reserve_(open_reserve()) {}
    Acceptor(const Acceptor&) = delete;
    Acceptor& operator=(const Acceptor&) = delete;
    // Closing the descriptor would not be enough: while another process has a duplicate, the system goes on to report
    // the socket to the poller.
    ~Acceptor() {
        if (is_started_) driver_.poller().remove(socket_.descriptor());
    }

    ListeningSocket& socket() { return socket_; }
    const std::string& address() const { return socket_.address(); }
    Instant resume_at() const { return resume_at_; }

    std::error_code start();
    void resume_if_due(Instant now);

private:
    void on_ready(std::uint32_t events) override;
    int accept_one();
    void on_exhaustion(int error);
    void on_rate_reached();
    void pause_until(Instant instant);
    int refuse_waiting_peers();

    ListeningSocket socket_;
    Front& front_;
    Driver& driver_;
    const Log& log_;
    TokenBucket& rate_;
    bool is_started_ = false;
    os::Descriptor reserve_;             // any open file; when closed, its number is free for a waiting peer
    Instant resume_at_ = never;          // the end of the pause
    Instant complain_after_{};           // the earliest instant of the next log line about exhaustion
    Instant quiet_at_ = Instant::min();  // a pause for the rate that begins after this instant is logged
    std::int64_t turned_away_ = 0;       // peers that were closed since the last log line
};

std::error_code Listener::Acceptor::start() {
    is_started_ = driver_.poller().add(socket_.descriptor(), *this, EPOLLIN);
    return is_started_ ? std::error_code() : system_code(errno);
}

void Listener::Acceptor::resume_if_due(Instant now) {
    if (resume_at_ > now) return;
    resume_at_ = never;
    driver_.poller().change(socket_.descriptor(), *this, EPOLLIN);
}

void Listener::Acceptor::on_ready(std::uint32_t) {
    rate_.refill(driver_.now());
    for (int i = 0; i < accepts_per_turn_max; ++i) {
        // The poller reports the waiting peers again, so the pause begins only when a turn can accept no peer at all.
        if (!rate_.is_ready()) return i == 0 ? on_rate_reached() : void();
        const int error = accept_one();
        if (error == 0) rate_.take(1);
        if (error == EAGAIN || error == EWOULDBLOCK) return;
        if (is_exhaustion(error)) return on_exhaustion(error);
        // Every other error (ECONNABORTED, EPROTO, a network that is down) concerns only the peer that was to be
        // accepted, so the loop goes on with the next peer.
    }
}

/// Accepts one peer and passes it to the front. Returns 0 or an errno.
int Listener::Acceptor::accept_one() {
    os::SocketAddress address;
    os::Descriptor socket = os::accept_from(socket_.descriptor(), address);
    if (!socket.is_open()) return errno;
    front_.accept(std::move(socket), address);
    return 0;
}

void Listener::Acceptor::on_rate_reached() {
    const Instant now = driver_.now();
    // At least one microsecond later; otherwise the loop would spin within the same instant.
    pause_until(std::max(rate_.ready_at(), now + Duration(1)));
    driver_.note_accept_pause();
    if (now >= std::exchange(quiet_at_, now + complaint_interval))
        log_.info("accepting_slowed", {{"listener", address()}, {"reason", "connections_per_second"}});
}

void Listener::Acceptor::pause_until(Instant instant) {
    resume_at_ = instant;
    // The waiting peers stay in the kernel's queue of the socket.
    driver_.poller().change(socket_.descriptor(), *this, 0);
}

void Listener::Acceptor::on_exhaustion(int error) {
    turned_away_ += refuse_waiting_peers();
    const Instant now = driver_.now();
    pause_until(now + pause);
    if (now < complain_after_) return;
    complain_after_ = now + complaint_interval;
    log_.warning("accepting_paused", {{"listener", address()},
                                      {"reason", std::strerror(error)},
                                      {"turned_away", turned_away_},
                                      {"pause_ms", pause / 1ms}});
    turned_away_ = 0;
}

/// Accepts and closes waiting peers by means of the reserve descriptor. Returns the number of these peers.
int Listener::Acceptor::refuse_waiting_peers() {
    int count = 0;
    if (!reserve_.is_open()) reserve_ = open_reserve();
    while (reserve_.is_open() && count < accepts_per_turn_max) {
        reserve_.reset();
        os::SocketAddress unused;
        os::Descriptor socket = os::accept_from(socket_.descriptor(), unused);
        const bool is_accepted = socket.is_open();
        socket.reset();
        reserve_ = open_reserve();
        if (!is_accepted) break;
        ++count;
    }
    return count;
}

// ---------------------------------------------------------------------------------------------------------------------

Result<std::unique_ptr<Listener>, Error> Listener::create(const Endpoint& endpoint, Front& front, Driver& driver,
                                                          const Log& log, const AcceptRate& rate,
                                                          const OfferedSockets& offered) {
    auto sockets = open_listening_sockets(endpoint, backlog, offered);
    if (!sockets) return Failure{sockets.error()};
    return make(std::move(*sockets), front, driver, log, rate);
}

Result<std::unique_ptr<Listener>, Error> Listener::create(const Endpoint& endpoint,
                                                          std::vector<os::SocketAddress> addresses, Front& front,
                                                          Driver& driver, const Log& log, const AcceptRate& rate) {
    auto sockets = open_listening_sockets(endpoint, std::move(addresses), backlog);
    if (!sockets) return Failure{sockets.error()};
    return make(std::move(*sockets), front, driver, log, rate);
}

std::unique_ptr<Listener> Listener::make(std::vector<ListeningSocket> sockets, Front& front, Driver& driver,
                                         const Log& log, const AcceptRate& rate) {
    LEDGE_ASSERT(!sockets.empty());
    auto bucket = std::make_unique<TokenBucket>(rate.per_second, rate.burst, driver.now());
    std::unique_ptr<Listener> listener(new Listener(std::move(bucket)));
    for (ListeningSocket& socket : sockets) {
        listener->acceptors_.push_back(
            std::make_unique<Acceptor>(std::move(socket), front, driver, log, *listener->rate_));
    }
    return listener;
}

Listener::Listener(std::unique_ptr<TokenBucket> rate) : rate_(std::move(rate)) {}
Listener::~Listener() = default;

std::vector<std::string> Listener::addresses() const {
    std::vector<std::string> result;
    for (const auto& acceptor : acceptors_) result.push_back(acceptor->address());
    return result;
}

void Listener::add_duplicates(std::string_view name, std::vector<os::GivenSocket>& to) const {
    for (const auto& acceptor : acceptors_) {
        const ListeningSocket& socket = acceptor->socket();
        to.push_back({std::string(name), os::duplicate(socket.descriptor()), socket.owns_file()});
    }
}

void Listener::keep_files() {
    for (const auto& acceptor : acceptors_) acceptor->socket().disown_file();
}

std::error_code Listener::start() {
    for (const auto& acceptor : acceptors_) {
        if (const std::error_code error = acceptor->start()) return error;
    }
    return {};
}

void Listener::on_time(Instant now) {
    for (const auto& acceptor : acceptors_) acceptor->resume_if_due(now);
}

Instant Listener::next_deadline() const {
    Instant earliest = never;
    for (const auto& acceptor : acceptors_) earliest = std::min(earliest, acceptor->resume_at());
    return earliest;
}

}  // namespace ledge::transport
