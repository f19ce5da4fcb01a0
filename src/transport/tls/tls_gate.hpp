// TlsGate: holds the peers of one listener until their TLS handshakes are complete. It limits the number of handshakes
// under way and their time, lets workers compute them, and puts changed files into service. A front owns the gate. On
// the loop's thread.
//
//     silent ──bytes──► queued ──a place is free──► handshake ◄──input, result──► on a worker
//                                                      └──► secured: the owner gets the session
//
// In each state a peer is closed when its time is up, when it ends the connection or makes a mistake. When all places
// are taken, a silent peer of the network with most peers is closed; if no peer is silent, a queued peer of that
// network gives way to a peer of a smaller network. While peers are queued, a handshake that waits too long for its
// peer is ended.
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
class IdleBuffers;
class TlsSecrets;
}  // namespace ledge::net

namespace ledge::transport {

class TlsGate {
public:
    static constexpr Duration complaint_interval = 10s;  // between two log lines about too many handshakes
    static constexpr Duration stall_time_max = 2s;       // a handshake's wait for its peer while others are queued

    class Owner {
    public:
        /// The handshake is complete. The session's descriptor is not in the poller.
        virtual void on_secured(std::unique_ptr<net::TlsSession> session, const os::SocketAddress& address) = 0;

    protected:
        ~Owner() = default;
    };

    /// Reads the files and makes a gate. `name` is the listener's name for logs. All references must outlive the gate.
    static Result<std::unique_ptr<TlsGate>, net::TlsProblem> create(const net::TlsOptions& options, std::string name,
                                                                    Driver& driver, os::WorkerPool& workers,
                                                                    const Log& log);
    ~TlsGate();
    TlsGate(const TlsGate&) = delete;
    TlsGate& operator=(const TlsGate&) = delete;

    /// Takes over a connected non-blocking socket. `address` is the peer's address. `owner` must outlive the gate.
    void accept(os::Descriptor socket, const os::SocketAddress& address, Owner& owner);

    /// Reads the files now, whether they have changed or not.
    void reload();

    /// Closes the peers whose time is up, begins queued handshakes, and reads changed files.
    void on_time(Instant now);
    /// After a reload of the files, ends the connections whose certificates are revoked now. `connections` has all
    /// connections that came through the gate.
    void end_revoked_connections(net::IdleBuffers& connections);
    Instant next_deadline() const;

    const TlsCounters& counters() const { return counters_; }
    /// The number of peers whose handshakes are not complete.
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
    os::FileWatch trust_files_;    // ca and crl: a change of them makes earlier session tickets invalid
    Load* loading_ = nullptr;      // the job that reads the files; nullptr = no job
    bool has_new_trust_ = false;   // files were reloaded, and the connections are not checked against them yet
    Instant complain_after_{};     // the earliest instant of the next log line about too many handshakes
    Peers peers_;                  // oldest first, so the deadlines ascend
    Peers gone_;                   // closed peers; destroyed in on_time()
    Queue queue_;                  // peers that have sent bytes and wait for a place
    Shares<NetworkId> networks_;   // how many peers each network has
    std::uint32_t under_way_ = 0;  // handshakes under way
    TlsCounters counters_;
};

}  // namespace ledge::transport
