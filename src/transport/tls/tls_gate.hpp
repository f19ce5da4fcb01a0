// TlsGate: where the peers of one listener come in until TLS is agreed on. It limits how many handshakes are under way
// and how long they take, sends the arithmetic to the workers, and brings changed files into service.
//
//     silent ──bytes──► queued ──its turn──► shaking ◄──input, result──► working
//                                               └──► secured: the owner has it
// From each of them: closed, when the time is up, the peer goes or does wrong. When all places are taken, or others
// queue while a handshake stands still, the network that has most peers here gives way. On the loop's thread.
#pragma once

#include <boost/intrusive/list.hpp>
#include <memory>
#include <string>
#include <vector>

#include "ledge/base/log.hpp"
#include "ledge/base/network.hpp"
#include "ledge/base/result.hpp"
#include "ledge/base/shares.hpp"
#include "ledge/base/time.hpp"
#include "ledge/net/tls_options.hpp"
#include "ledge/net/tls_session.hpp"
#include "ledge/os/address.hpp"
#include "ledge/os/file_watch.hpp"
#include "ledge/os/worker_pool.hpp"
#include "ledge/transport/driver.hpp"
#include "ledge/transport/tls_counters.hpp"

namespace ledge::net {
class TlsContext;
class TlsRest;
class TlsSecrets;
}  // namespace ledge::net

namespace ledge::transport {

class TlsGate {
public:
    static constexpr Duration complaint_interval = 10s;  // between two log lines about too many handshakes
    static constexpr Duration stall_time_max = 2s;       // of a handshake that waits for its peer, while others queue

    class Owner {
    public:
        /// TLS is agreed on. The descriptor is in no poller.
        virtual void on_secured(std::unique_ptr<net::TlsSession> session, const os::SocketAddress& address) = 0;

    protected:
        ~Owner() = default;
    };

    /// `name`: the listener's, for logs. All references outlive the gate.
    static Result<std::unique_ptr<TlsGate>, net::TlsProblem> create(const net::TlsOptions& options, std::string name,
                                                                    Driver& driver, os::WorkerPool& workers,
                                                                    const Log& log);
    ~TlsGate();
    TlsGate(const TlsGate&) = delete;
    TlsGate& operator=(const TlsGate&) = delete;

    /// Gets a connected non-blocking socket. `address`: the peer's. `owner` outlives the gate.
    void accept(os::Descriptor socket, const os::SocketAddress& address, Owner& owner);

    /// Reads the files now, changed or not.
    void reload();

    void on_time(Instant now);
    /// After a change of ca or crl: connections whose certificate is revoked end. `connections`: all that came through
    /// the gate.
    void end_revoked_connections(net::TlsRest& connections);
    Instant next_deadline() const;

    const TlsCounters& counters() const { return counters_; }
    std::size_t waiting() const { return peers_.size(); }

private:
    class Peer;
    class Handshake;
    class Load;
    struct ByAge;
    struct Queued;
    using AgeHook = boost::intrusive::list_base_hook<boost::intrusive::tag<ByAge>>;
    using QueueHook = boost::intrusive::list_base_hook<boost::intrusive::tag<Queued>>;
    using Peers = boost::intrusive::list<Peer, boost::intrusive::base_hook<AgeHook>>;
    using Queue = boost::intrusive::list<Peer, boost::intrusive::base_hook<QueueHook>>;

    TlsGate(const net::TlsOptions& options, std::string name, Driver& driver, os::WorkerPool& workers, const Log& log);

    void on_input(Peer& peer);
    void begin(Peer& peer);
    void go_on(Peer& peer);
    void handle_status(Peer& peer, net::TlsSession::Status status);
    void watch(Peer& peer, std::uint32_t events);
    void unwatch(Peer& peer);
    void compute(Peer& peer);
    void secure(Peer& peer);
    void refuse(Peer& peer, const std::string& reason);
    void remove(Peer& peer);
    void begin_queued();
    bool make_room(NetworkId newcomer);
    Peer* longest_silent();
    Peer* newest_queued();
    Peer* longest_stalled() const;
    void end_stalled(Instant now);
    Instant next_stall() const;
    void count_refusal(const os::SocketAddress& address, std::uint32_t peers);
    void destroy_gone();

    void load();
    void put_in_service(Load& load);

    net::TlsOptions options_;
    std::string name_;
    Driver& driver_;
    os::WorkerPool& workers_;
    const Log& log_;
    std::shared_ptr<net::TlsSecrets> secrets_;
    std::shared_ptr<const net::TlsContext> context_;
    os::FileWatch files_;
    os::FileWatch trust_files_;  // those of them whose change ends the worth of earlier sessions
    Load* loading_ = nullptr;
    bool has_new_trust_ = false;  // ca or crl have changed, and the connections are not judged by them yet
    Instant complain_after_{};
    Peers peers_;  // by age, so that the deadlines ascend
    Peers gone_;
    Queue queue_;
    Shares<NetworkId> networks_;  // of the peers
    std::uint32_t under_way_ = 0;
    TlsCounters counters_;
};

}  // namespace ledge::transport
