#include "ledge/transport/listener.hpp"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "listening_socket.hpp"

namespace ledge::transport {

namespace {

bool is_exhaustion(int error) { return error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM; }

int open_reserve() { return ::open("/dev/null", O_RDONLY | O_CLOEXEC); }

}  // namespace

/// One listening socket. When descriptors run out it keeps its promise to answer: a reserve descriptor is given up for
/// a moment, the peers that wait are accepted and closed at once, so that they know, and then it pauses.
class Listener::Door final : public Pollable {
public:
    Door(ListeningSocket socket, Front& front, Driver& driver, const Log& log, TokenBucket& rate)
        : socket_(std::move(socket)),
          front_(front),
          driver_(driver),
          log_(log),
          rate_(rate),
          reserve_(open_reserve()) {}
    Door(const Door&) = delete;
    Door& operator=(const Door&) = delete;
    ~Door() {
        if (reserve_ >= 0) ::close(reserve_);
    }

    const std::string& address() const { return socket_.address(); }
    Instant resume_at() const { return resume_at_; }

    int start();
    void resume_if_due(Instant now);

private:
    void on_ready(std::uint32_t events) override;
    int accept_one();
    void on_exhaustion(int error);
    void on_rate_reached();
    void pause_until(Instant instant);
    int turn_away();

    ListeningSocket socket_;
    Front& front_;
    Driver& driver_;
    const Log& log_;
    TokenBucket& rate_;
    int reserve_;
    Instant resume_at_ = never;          // paused until then
    Instant complain_after_{};           // the next log line about exhaustion
    Instant quiet_at_ = Instant::min();  // no pause for the rate before that: the next one is a new episode
    std::int64_t turned_away_ = 0;       // since the last one
};

int Listener::Door::start() { return driver_.poller().add(socket_.descriptor(), *this, EPOLLIN) ? 0 : errno; }

void Listener::Door::resume_if_due(Instant now) {
    if (resume_at_ > now) return;
    resume_at_ = never;
    driver_.poller().change(socket_.descriptor(), *this, EPOLLIN);
}

void Listener::Door::on_ready(std::uint32_t) {
    rate_.refill(driver_.now());
    for (int i = 0; i < accepts_per_turn_max; ++i) {
        if (!rate_.is_ready()) return i == 0 ? on_rate_reached() : void();  // who still waits is reported again
        const int error = accept_one();
        if (error == 0) rate_.take(1);
        if (error == EAGAIN || error == EWOULDBLOCK) return;
        if (is_exhaustion(error)) return on_exhaustion(error);
        // Anything else concerns the one peer that was to be accepted (ECONNABORTED, EPROTO, a network that is down).
    }
}

/// 0 or an errno.
int Listener::Door::accept_one() {
    sockaddr_storage address{};
    socklen_t size = sizeof address;
    const int descriptor =
        ::accept4(socket_.descriptor(), reinterpret_cast<sockaddr*>(&address), &size, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (descriptor < 0) return errno;
    front_.take(descriptor, address);
    return 0;
}

void Listener::Door::on_rate_reached() {
    const Instant now = driver_.now();
    pause_until(std::max(rate_.ready_at(), now + Duration(1)));
    driver_.note_accept_pause();
    if (now >= std::exchange(quiet_at_, now + complaint_interval))
        log_.info("accepting_slowed", {{"listener", address()}, {"reason", "connections_per_second"}});
}

void Listener::Door::pause_until(Instant instant) {
    resume_at_ = instant;
    driver_.poller().change(socket_.descriptor(), *this, 0);
}

void Listener::Door::on_exhaustion(int error) {
    turned_away_ += turn_away();
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

/// Accepts and closes those who wait, by means of the reserve descriptor. Returns how many.
int Listener::Door::turn_away() {
    int count = 0;
    if (reserve_ < 0) reserve_ = open_reserve();
    while (reserve_ >= 0 && count < accepts_per_turn_max) {
        ::close(reserve_);
        const int descriptor = ::accept4(socket_.descriptor(), nullptr, nullptr, SOCK_CLOEXEC);
        if (descriptor >= 0) ::close(descriptor);
        reserve_ = open_reserve();
        if (descriptor < 0) break;
        ++count;
    }
    return count;
}

// ---------------------------------------------------------------------------------------------------------------------

Result<std::unique_ptr<Listener>, ListenProblem> Listener::create(const Endpoint& endpoint, Front& front,
                                                                  Driver& driver, const Log& log,
                                                                  const AcceptRate& rate) {
    auto sockets = open_listening_sockets(endpoint, backlog);
    if (!sockets) return Failure{sockets.error()};
    auto bucket = std::make_unique<TokenBucket>(rate.per_second, rate.burst, driver.now());
    std::unique_ptr<Listener> listener(new Listener(std::move(bucket)));
    for (ListeningSocket& socket : *sockets) {
        listener->doors_.push_back(std::make_unique<Door>(std::move(socket), front, driver, log, *listener->rate_));
    }
    return listener;
}

Listener::Listener(std::unique_ptr<TokenBucket> rate) : rate_(std::move(rate)) {}
Listener::~Listener() = default;

std::vector<std::string> Listener::addresses() const {
    std::vector<std::string> result;
    for (const auto& door : doors_) result.push_back(door->address());
    return result;
}

int Listener::start() {
    for (const auto& door : doors_) {
        if (const int error = door->start(); error != 0) return error;
    }
    return 0;
}

void Listener::on_time(Instant now) {
    for (const auto& door : doors_) door->resume_if_due(now);
}

Instant Listener::next_deadline() const {
    Instant earliest = never;
    for (const auto& door : doors_) earliest = std::min(earliest, door->resume_at());
    return earliest;
}

}  // namespace ledge::transport
