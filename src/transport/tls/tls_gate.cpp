// TlsGate: the way of a peer from the listener to its secured session. Two limits protect the broker: how many
// handshakes run at once, and how many peers wait.
#include "tls_gate.hpp"

#include <algorithm>
#include <optional>
#include <utility>

#include "ledge/base/assert.hpp"
#include "ledge/net/idle_buffers.hpp"
#include "ledge/net/tls_context.hpp"
#include "ledge/net/tls_secrets.hpp"
#include "ledge/os/address.hpp"

namespace ledge::transport {

namespace {

NetworkId network_of(const os::SocketAddress& address) {
    // Peers of a Unix socket have no address, so they count as one network.
    const auto ip = address.ip();
    return ip ? ledge::network_of(*ip) : NetworkId::none;
}

}  // namespace

/// A peer whose handshake is not complete.
class TlsGate::Peer final : public net::Pollable, public AgeHook, public QueueHook {
public:
    Peer(TlsGate& at, os::Descriptor accepted, const os::SocketAddress& whose, Owner& for_whom, Instant until)
        : gate(at),
          owner(for_whom),
          socket(std::move(accepted)),
          descriptor(socket.get()),
          address(whose),
          network(network_of(whose)),
          deadline(until) {}
    Peer(const Peer&) = delete;
    Peer& operator=(const Peer&) = delete;
    ~Peer() { end(); }

    void on_ready(std::uint32_t) override {
        if (!is_gone) gate.on_input(*this);
    }

    /// Closes the socket or the session. A session that a worker has stays with the worker.
    void end() {
        socket.reset();
        session.reset();
        descriptor = os::no_descriptor;
        is_gone = true;
    }
    bool is_queued() const { return static_cast<const QueueHook&>(*this).is_linked(); }
    bool is_silent() const { return !is_under_way && !is_queued(); }

    TlsGate& gate;
    Owner& owner;
    os::Descriptor socket;  // empty when the session owns the socket
    int descriptor;         // the number of the socket, for the poller; the socket may have another owner
    os::SocketAddress address;
    NetworkId network;
    Instant deadline;
    Instant heard_at{};                        // the last progress of the handshake
    std::unique_ptr<net::TlsSession> session;  // nullptr while the peer is silent, queued, or on a worker
    Handshake* job = nullptr;                  // the job on a worker; nullptr = no job
    bool is_watched = false;                   // the descriptor is in the poller
    bool is_under_way = false;                 // the handshake has begun
    bool is_gone = false;  // closed; destroyed in on_time(), because an event of the same poll may still refer to it
};

/// A step of a handshake on a worker. The job owns the session meanwhile; if the peer is given up, the session ends
/// with the job.
class TlsGate::Handshake final : public os::WorkerPool::Job {
public:
    Handshake(std::unique_ptr<net::TlsSession> taken, Peer& whose) : session(std::move(taken)), peer(&whose) {}
    void run() override { status = session->handshake(net::TlsSession::Extent::all); }
    void done() override {
        if (peer == nullptr) return;  // the peer was given up meanwhile
        LEDGE_ASSERT(peer->job == this);
        TlsGate& gate = peer->gate;
        peer->job = nullptr;
        peer->session = std::move(session);
        gate.handle_status(*peer, status);
        gate.begin_queued();
    }

    std::unique_ptr<net::TlsSession> session;
    Peer* peer;  // nullptr when the peer was given up
    net::TlsSession::Status status = net::TlsSession::Status::failed;
};

/// Reads and checks the files on a worker, because parsing and checking a key takes as long as a handshake.
class TlsGate::Load final : public os::WorkerPool::Job {
public:
    Load(TlsGate& for_gate, bool wants_new_secrets)
        : gate(&for_gate), options(for_gate.options_), secrets(wants_new_secrets ? nullptr : for_gate.secrets_) {}
    void run() override { result.emplace(make(options, secrets)); }
    void done() override {
        if (gate != nullptr) gate->put_in_service(*this);
    }

    static Result<std::shared_ptr<const net::TlsContext>, net::TlsProblem> make(
        const net::TlsOptions& options, std::shared_ptr<net::TlsSecrets>& secrets);

    TlsGate* gate;  // nullptr when a newer job replaces this one, or the gate has ended
    net::TlsOptions options;
    std::shared_ptr<net::TlsSecrets> secrets;  // nullptr = run() makes new ones, so that earlier tickets become invalid
    std::optional<Result<std::shared_ptr<const net::TlsContext>, net::TlsProblem>> result;
};

Result<std::shared_ptr<const net::TlsContext>, net::TlsProblem> TlsGate::Load::make(
    const net::TlsOptions& options, std::shared_ptr<net::TlsSecrets>& secrets) {
    if (secrets == nullptr) {
        secrets = net::TlsSecrets::create();
        const bool has_all = secrets != nullptr && (options.ticket_lifetime == Duration::zero() ||
                                                    secrets->use_tickets(options.ticket_lifetime));
        // Without random bytes no key is safe, so the listener does not start.
        if (!has_all)
            return Failure{
                net::TlsProblem{net::TlsProblem::Option::other, 0, Error{{}, "the system provides no random bytes"}}};
    }
    return net::TlsContext::create(options, secrets);
}

// ---------------------------------------------------------------------------------------------------------------------
// Creation and end

namespace {

std::vector<std::string> trust_files_of(const net::TlsOptions& options) { return {options.ca_file, options.crl_file}; }

}  // namespace

TlsGate::TlsGate(const net::TlsOptions& options, std::string name, Driver& driver, os::WorkerPool& workers,
                 const Log& log)
    : options_(options),
      name_(std::move(name)),
      driver_(driver),
      workers_(workers),
      log_(log),
      files_(net::files_of(options), driver.now()),
      trust_files_(trust_files_of(options), driver.now()) {}

Result<std::unique_ptr<TlsGate>, net::TlsProblem> TlsGate::create(const net::TlsOptions& options, std::string name,
                                                                  Driver& driver, os::WorkerPool& workers,
                                                                  const Log& log) {
    std::unique_ptr<TlsGate> gate(new TlsGate(options, std::move(name), driver, workers, log));
    auto context = Load::make(options, gate->secrets_);
    if (!context) return Failure{context.error()};
    gate->context_ = std::move(*context);
    return gate;
}

TlsGate::~TlsGate() {
    while (!peers_.empty()) remove(peers_.front());
    LEDGE_ASSERT(under_way_ == 0 && queue_.empty());
    destroy_gone();
    if (loading_ != nullptr) loading_->gate = nullptr;
}

// ---------------------------------------------------------------------------------------------------------------------
// From the listener to the workers

void TlsGate::accept(os::Descriptor socket, const os::SocketAddress& address, Owner& owner) {
    const NetworkId network = network_of(address);
    if (!make_room(network)) return count_refusal(address, networks_.of(network));  // closes the socket on return
    const Instant deadline = driver_.now() + options_.handshake_time_max;
    auto peer = std::make_unique<Peer>(*this, std::move(socket), address, owner, deadline);
    networks_.add(network);
    peers_.push_back(*peer);
    // The list owns the peer from here on. If the poller refuses, watch() refuses the peer and so removes it.
    watch(*peer.release(), EPOLLIN);
}

/// Frees a place for a new peer if all are taken. Active peers leave the gate soon, but silent peers keep their places,
/// so a silent peer is closed first. If every peer is active, a network with fewer peers gets a place of the network
/// with most peers. Returns false when there is no place.
bool TlsGate::make_room(NetworkId newcomer) {
    const std::size_t places = std::size_t{options_.handshakes_max} + options_.handshakes_queued_max;
    if (peers_.size() < places) return true;
    Peer* victim = longest_silent();
    // `+ 1`: the newcomer is not counted yet. Without this, two networks could push each other out without end.
    if (victim == nullptr && networks_.of(newcomer) + 1 < networks_.largest()) victim = newest_queued();
    if (victim == nullptr) return false;
    count_refusal(victim->address, networks_.of(victim->network));
    remove(*victim);
    return true;
}

/// The silent peer that has waited longest, among those of the network with most peers; nullptr when there is none.
TlsGate::Peer* TlsGate::longest_silent() {
    for (Peer& peer : peers_) {
        if (peer.is_silent() && networks_.of(peer.network) == networks_.largest()) return &peer;
    }
    return nullptr;
}

/// The last queued peer of the network with most peers; nullptr when there is none.
TlsGate::Peer* TlsGate::newest_queued() {
    for (auto peer = queue_.rbegin(); peer != queue_.rend(); ++peer) {
        if (networks_.of(peer->network) == networks_.largest()) return &*peer;
    }
    return nullptr;
}

/// Counts and logs a peer that is refused for lack of places. `peers` is the number of peers of its network.
void TlsGate::count_refusal(const os::SocketAddress& address, std::uint32_t peers) {
    ++counters_.refused;
    const Instant now = driver_.now();
    // A flood of peers must not become a flood of log lines; the line contains the number of all refusals.
    if (now < complain_after_) return;
    complain_after_ = now + complaint_interval;
    log_.warning("tls_refused", {{"listener", name_},
                                 {"address", to_text(address)},
                                 {"reason", "too many handshakes wait"},
                                 {"of_this_address", peers},
                                 {"key", "tls.handshakes_queued_max"},
                                 {"limit", options_.handshakes_queued_max},
                                 {"refused", counters_.refused}});
}

/// The handshake that has waited longest for its peer's next bytes; nullptr when there is none.
TlsGate::Peer* TlsGate::longest_stalled() const {
    const Peer* found = nullptr;
    for (const Peer& peer : peers_) {
        const bool waits = peer.is_under_way && peer.is_watched;
        if (waits && (found == nullptr || peer.heard_at < found->heard_at)) found = &peer;
    }
    return const_cast<Peer*>(found);
}

/// Ends handshakes that wait too long for their peers while other peers are queued, the longest wait first.
void TlsGate::end_stalled(Instant now) {
    while (!queue_.empty() && next_stall() <= now)
        refuse(*longest_stalled(), "the peer did not continue its handshake while others waited for a place");
}

Instant TlsGate::next_stall() const {
    if (queue_.empty()) return never;
    const Peer* peer = longest_stalled();
    return peer == nullptr ? never : peer->heard_at + stall_time_max;
}

/// The memory for TLS is allocated only when the peer has sent bytes and a place is free.
void TlsGate::on_input(Peer& peer) {
    if (peer.session != nullptr) {
        go_on(peer);
    } else if (under_way_ < options_.handshakes_max) {
        begin(peer);
    } else {
        unwatch(peer);  // its bytes stay in the kernel, and the poller must not report them again and again
        queue_.push_back(peer);
        // A place may be free at once, if a peer has not answered for too long.
        end_stalled(driver_.now());
    }
    begin_queued();
}

void TlsGate::begin_queued() {
    while (under_way_ < options_.handshakes_max && !queue_.empty()) {
        Peer& peer = queue_.front();
        queue_.pop_front();
        begin(peer);
    }
}

void TlsGate::begin(Peer& peer) {
    LEDGE_ASSERT(!peer.is_under_way && peer.session == nullptr && under_way_ < options_.handshakes_max);
    // Counted before anything can fail: remove() counts down for every peer whose handshake has begun.
    ++under_way_;
    peer.is_under_way = true;
    peer.session = net::TlsSession::create(context_, std::move(peer.socket));
    if (peer.session == nullptr) {
        peer.descriptor = os::no_descriptor;
        return refuse(peer, "there is no memory for TLS");
    }
    go_on(peer);
}

void TlsGate::go_on(Peer& peer) { handle_status(peer, peer.session->handshake(net::TlsSession::Extent::cheap)); }

void TlsGate::handle_status(Peer& peer, net::TlsSession::Status status) {
    // Also after a worker has finished, so that the time of the computation does not count as a stall of the peer.
    peer.heard_at = driver_.now();
    switch (status) {
        case net::TlsSession::Status::done: return peer.session->is_secured() ? secure(peer) : compute(peer);
        case net::TlsSession::Status::want_read: return watch(peer, EPOLLIN);
        case net::TlsSession::Status::want_write: return watch(peer, EPOLLOUT);
        case net::TlsSession::Status::ended:
        case net::TlsSession::Status::failed: break;
    }
    refuse(peer, peer.session->failure_reason());
}

void TlsGate::compute(Peer& peer) {
    LEDGE_ASSERT(peer.session != nullptr && peer.job == nullptr);
    unwatch(peer);  // meanwhile only the worker uses the descriptor
    auto job = std::make_unique<Handshake>(std::move(peer.session), peer);
    peer.job = job.get();
    workers_.submit(std::move(job));
}

void TlsGate::watch(Peer& peer, std::uint32_t events) {
    if (peer.is_watched) return driver_.poller().change(peer.descriptor, peer, events);
    peer.is_watched = driver_.poller().add(peer.descriptor, peer, events);
    if (!peer.is_watched) refuse(peer, "the system cannot watch one more socket");
}

void TlsGate::unwatch(Peer& peer) {
    if (std::exchange(peer.is_watched, false)) driver_.poller().remove(peer.descriptor);
}

// ---------------------------------------------------------------------------------------------------------------------
// The end of a handshake

void TlsGate::secure(Peer& peer) {
    // The new owner adds the descriptor to the poller again, or to Asio's own.
    unwatch(peer);
    std::unique_ptr<net::TlsSession> session = std::move(peer.session);
    peer.descriptor = os::no_descriptor;
    const os::SocketAddress address = peer.address;
    Owner& owner = peer.owner;
    // Before the owner is called: the place is free, whatever the owner does with the session.
    remove(peer);
    ++(session->is_resumed() ? counters_.resumed : counters_.full);
    const std::string user = session->user_name();
    log_.write(user.empty() ? LogLevel::debug : LogLevel::info, "tls_agreed",
               {{"listener", name_},
                {"address", to_text(address)},
                {"user", user},
                {"version", session->version()},
                {"cipher", session->cipher()},
                {"alpn", session->alpn()},
                {"resumed", session->is_resumed() ? "yes" : "no"}});
    owner.on_secured(std::move(session), address);
}

void TlsGate::refuse(Peer& peer, const std::string& reason) {
    ++counters_.failed;
    log_.info("tls_refused", {{"listener", name_}, {"address", to_text(peer.address)}, {"reason", reason}});
    remove(peer);
}

void TlsGate::remove(Peer& peer) {
    unwatch(peer);
    // The worker may still compute. Its job must not find a destroyed peer.
    if (peer.job != nullptr) peer.job->peer = nullptr;
    LEDGE_ASSERT(!peer.is_gone && (!peer.is_under_way || under_way_ > 0));
    if (peer.is_under_way) --under_way_;
    if (static_cast<QueueHook&>(peer).is_linked()) queue_.erase(queue_.iterator_to(peer));
    networks_.remove(peer.network);
    peer.end();
    gone_.splice(gone_.end(), peers_, peers_.iterator_to(peer));
}

// ---------------------------------------------------------------------------------------------------------------------
// Time and files

void TlsGate::on_time(Instant now) {
    destroy_gone();
    while (!peers_.empty() && peers_.front().deadline <= now) {
        refuse(peers_.front(),
               peers_.front().is_under_way ? "the handshake took too long" : "the peer began no handshake in time");
    }
    end_stalled(now);
    begin_queued();
    if (files_.on_time(now)) load();
}

void TlsGate::end_revoked_connections(net::IdleBuffers& connections) {
    if (!std::exchange(has_new_trust_, false)) return;
    for (net::TlsSession* session : connections.sessions()) {
        if (!session->is_revoked_by(*context_)) continue;
        log_.warning("tls_revoked", {{"listener", name_},
                                     {"user", session->user_name()},
                                     {"reason", "the client's certificate is in the list of the key 'crl'"}});
        session->shut_down_socket();
    }
}

void TlsGate::destroy_gone() {
    gone_.clear_and_dispose([](Peer* peer) { delete peer; });
}

Instant TlsGate::next_deadline() const {
    if (!gone_.empty()) return Instant::min();  // due at once: on_time() destroys them at the end of this turn
    const Instant look_at = files_.next_deadline();
    if (peers_.empty()) return look_at;
    return std::min({look_at, peers_.front().deadline, next_stall()});
}

void TlsGate::reload() {
    files_.accept();
    load();
}

void TlsGate::load() {
    if (loading_ != nullptr) loading_->gate = nullptr;  // the running job has read old files; its result is dropped
    auto job = std::make_unique<Load>(*this, trust_files_.has_changed());
    loading_ = job.get();
    workers_.submit(std::move(job));
}

void TlsGate::put_in_service(Load& load) {
    LEDGE_ASSERT(loading_ == &load && load.result);
    loading_ = nullptr;
    auto& result = *load.result;
    if (!result) {
        log_.error(
            "tls_reload_failed",
            {{"listener", name_}, {"reason", text_of(result.error().reason)}, {"in_service", "the former files"}});
        return;
    }
    context_ = std::move(*result);
    secrets_ = std::move(load.secrets);
    has_new_trust_ = true;
    trust_files_.accept();
    log_.info("tls_reloaded", {{"listener", name_}});
    for (const std::string& note : context_->notes()) log_.warning("tls_note", {{"listener", name_}, {"note", note}});
}

}  // namespace ledge::transport
