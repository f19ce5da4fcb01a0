#include "tls_gate.hpp"

#include <algorithm>
#include <optional>
#include <utility>

#include "ledge/net/tls_context.hpp"
#include "ledge/net/tls_rest.hpp"
#include "ledge/net/tls_secrets.hpp"
#include "ledge/os/address.hpp"

namespace ledge::transport {

namespace {

NetworkId network_of(const os::SocketAddress& address) {
    const auto ip = address.ip();
    return ip ? ledge::network_of(*ip) : NetworkId::none;
}

}  // namespace

/// Who stands at the gate.
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

    /// Closes what it still has; a worker's part stays with the worker.
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
    os::Descriptor socket;  // until the session gets it
    int descriptor;         // the number of the socket, whoever owns it now
    os::SocketAddress address;
    NetworkId network;
    Instant deadline;
    Instant heard_at{};                        // its handshake last moved on
    std::unique_ptr<net::TlsSession> session;  // nullptr: silent, queued, or working
    Handshake* job = nullptr;                  // working
    bool is_watched = false;
    bool is_under_way = false;
    bool is_gone = false;  // destroyed in on_time(): an event of the same poll may still name it
};

/// A step on a worker. It has the session meanwhile; a peer that is given up leaves it there.
class TlsGate::Handshake final : public os::WorkerPool::Job {
public:
    Handshake(std::unique_ptr<net::TlsSession> taken, Peer& whose) : session(std::move(taken)), peer(&whose) {}
    void run() override { status = session->handshake(net::TlsSession::Extent::all); }
    void done() override {
        if (peer == nullptr) return;
        TlsGate& gate = peer->gate;
        peer->job = nullptr;
        peer->session = std::move(session);
        gate.handle_status(*peer, status);
        gate.begin_queued();
    }

    std::unique_ptr<net::TlsSession> session;
    Peer* peer;
    net::TlsSession::Status status = net::TlsSession::Status::failed;
};

/// Files are read and checked on a worker too: parsing a key and trying it takes as long as a handshake.
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

    TlsGate* gate;
    net::TlsOptions options;
    std::shared_ptr<net::TlsSecrets> secrets;
    std::optional<Result<std::shared_ptr<const net::TlsContext>, net::TlsProblem>> result;
};

Result<std::shared_ptr<const net::TlsContext>, net::TlsProblem> TlsGate::Load::make(
    const net::TlsOptions& options, std::shared_ptr<net::TlsSecrets>& secrets) {
    if (secrets == nullptr) {
        secrets = net::TlsSecrets::create();
        const bool has_all = secrets != nullptr && (options.ticket_lifetime == Duration::zero() ||
                                                    secrets->use_tickets(options.ticket_lifetime));
        if (!has_all)
            return Failure{net::TlsProblem{net::TlsProblem::Option::other, 0, "the system gives no randomness"}};
    }
    return net::TlsContext::create(options, secrets);
}

// ---------------------------------------------------------------------------------------------------------------------
// Life

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
    destroy_gone();
    if (loading_ != nullptr) loading_->gate = nullptr;
}

// ---------------------------------------------------------------------------------------------------------------------
// From the listener to the workers

void TlsGate::accept(os::Descriptor socket, const os::SocketAddress& address, Owner& owner) {
    const NetworkId network = network_of(address);
    if (!make_room(network)) return count_refusal(address, networks_.of(network));  // the socket is closed
    const Instant deadline = driver_.now() + options_.handshake_time_max;
    auto peer = std::make_unique<Peer>(*this, std::move(socket), address, owner, deadline);
    networks_.add(network);
    peers_.push_back(*peer);
    watch(*peer.release(), EPOLLIN);
}

/// Peers that speak leave the gate soon, silent ones keep their places: they give way to a newcomer. When everybody
/// speaks, the network with most peers makes room for one that has fewer. False: there is no place.
bool TlsGate::make_room(NetworkId newcomer) {
    const std::size_t places = std::size_t{options_.handshakes_max} + options_.handshakes_queued_max;
    if (peers_.size() < places) return true;
    Peer* victim = longest_silent();
    if (victim == nullptr && networks_.of(newcomer) + 1 < networks_.largest()) victim = newest_queued();
    if (victim == nullptr) return false;
    count_refusal(victim->address, networks_.of(victim->network));
    remove(*victim);
    return true;
}

/// Of the network that has most peers here, the silent one that has waited longest; nullptr: there is none.
TlsGate::Peer* TlsGate::longest_silent() {
    for (Peer& peer : peers_) {
        if (peer.is_silent() && networks_.of(peer.network) == networks_.largest()) return &peer;
    }
    return nullptr;
}

/// Of the same network, the last one in the queue.
TlsGate::Peer* TlsGate::newest_queued() {
    for (auto peer = queue_.rbegin(); peer != queue_.rend(); ++peer) {
        if (networks_.of(peer->network) == networks_.largest()) return &*peer;
    }
    return nullptr;
}

/// `peers`: of the address that gives way.
void TlsGate::count_refusal(const os::SocketAddress& address, std::uint32_t peers) {
    ++counters_.refused;
    const Instant now = driver_.now();
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

/// Of the handshakes that wait for their peers, the one that has done so longest; nullptr: there is none.
TlsGate::Peer* TlsGate::longest_stalled() const {
    const Peer* found = nullptr;
    for (const Peer& peer : peers_) {
        const bool waits = peer.is_under_way && peer.is_watched;
        if (waits && (found == nullptr || peer.heard_at < found->heard_at)) found = &peer;
    }
    return const_cast<Peer*>(found);
}

/// Others queue for the places of handshakes that stand still: those make room, the longest first.
void TlsGate::end_stalled(Instant now) {
    while (!queue_.empty() && next_stall() <= now)
        refuse(*longest_stalled(), "the handshake stood still while others waited for their turn");
}

Instant TlsGate::next_stall() const {
    if (queue_.empty()) return never;
    const Peer* peer = longest_stalled();
    return peer == nullptr ? never : peer->heard_at + stall_time_max;
}

/// Memory for TLS is taken when the peer has said something and it is its turn.
void TlsGate::on_input(Peer& peer) {
    if (peer.session != nullptr) {
        go_on(peer);
    } else if (under_way_ < options_.handshakes_max) {
        begin(peer);
    } else {
        unwatch(peer);
        queue_.push_back(peer);
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
    ++under_way_;
    peer.is_under_way = true;
    peer.session = net::TlsSession::create(context_, std::move(peer.socket));
    if (peer.session == nullptr) {
        peer.descriptor = os::no_descriptor;
        return refuse(peer, "no memory");
    }
    go_on(peer);
}

void TlsGate::go_on(Peer& peer) { handle_status(peer, peer.session->handshake(net::TlsSession::Extent::cheap)); }

void TlsGate::handle_status(Peer& peer, net::TlsSession::Status status) {
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
    unwatch(peer);  // the worker has the descriptor alone
    auto job = std::make_unique<Handshake>(std::move(peer.session), peer);
    peer.job = job.get();
    workers_.submit(std::move(job));
}

void TlsGate::watch(Peer& peer, std::uint32_t events) {
    if (peer.is_watched) return driver_.poller().change(peer.descriptor, peer, events);
    peer.is_watched = driver_.poller().add(peer.descriptor, peer, events);
    if (!peer.is_watched) refuse(peer, "the system watches no more sockets");
}

void TlsGate::unwatch(Peer& peer) {
    if (std::exchange(peer.is_watched, false)) driver_.poller().remove(peer.descriptor);
}

// ---------------------------------------------------------------------------------------------------------------------
// The end of a handshake

void TlsGate::secure(Peer& peer) {
    unwatch(peer);
    std::unique_ptr<net::TlsSession> session = std::move(peer.session);
    peer.descriptor = os::no_descriptor;
    const os::SocketAddress address = peer.address;
    Owner& owner = peer.owner;
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
    if (peer.job != nullptr) peer.job->peer = nullptr;
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
        refuse(peers_.front(), peers_.front().is_under_way ? "the handshake took too long" : "no handshake in time");
    }
    end_stalled(now);
    begin_queued();
    if (files_.on_time(now)) load();
}

void TlsGate::end_revoked_connections(net::TlsRest& connections) {
    if (!std::exchange(has_new_trust_, false)) return;
    for (net::TlsSession* session : connections.sessions()) {
        if (!session->is_revoked_by(*context_)) continue;
        log_.warning("tls_revoked", {{"listener", name_},
                                     {"user", session->user_name()},
                                     {"reason", "the client's certificate is on the list of key 'crl'"}});
        session->shut_down_socket();
    }
}

void TlsGate::destroy_gone() {
    gone_.clear_and_dispose([](Peer* peer) { delete peer; });
}

Instant TlsGate::next_deadline() const {
    if (!gone_.empty()) return Instant::min();  // to be destroyed at the end of this turn
    const Instant look_at = files_.next_deadline();
    if (peers_.empty()) return look_at;
    return std::min({look_at, peers_.front().deadline, next_stall()});
}

void TlsGate::reload() {
    files_.accept();
    load();
}

void TlsGate::load() {
    if (loading_ != nullptr) loading_->gate = nullptr;  // what it has read is out of date
    auto job = std::make_unique<Load>(*this, trust_files_.has_changed());
    loading_ = job.get();
    workers_.submit(std::move(job));
}

void TlsGate::put_in_service(Load& load) {
    loading_ = nullptr;
    auto& result = *load.result;
    if (!result) {
        log_.error("tls_reload_failed",
                   {{"listener", name_}, {"reason", result.error().text}, {"in_service", "what was there before"}});
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
