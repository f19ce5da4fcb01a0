// BrokerLoop: the broker of one thread. It owns the Asio loop, the shard, the shard's driver and the listeners, and it
// runs them turn by turn. The daemon (or a test) owns the BrokerLoop. Everything happens on the thread that calls
// run().
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "ledge/base/error.hpp"
#include "ledge/base/log.hpp"
#include "ledge/base/result.hpp"
#include "ledge/base/time.hpp"
#include "ledge/broker/options.hpp"
#include "ledge/net/tls_options.hpp"
#include "ledge/runtime/loop_part.hpp"
#include "ledge/runtime/reload_task.hpp"
#include "ledge/storage/store.hpp"
#include "ledge/transport/driver.hpp"
#include "ledge/transport/endpoint.hpp"
#include "ledge/transport/front.hpp"
#include "ledge/transport/listener.hpp"
#include "ledge/transport/proxy.hpp"
#include "ledge/transport/tls_counters.hpp"
#include "ledge/transport/web.hpp"

namespace ledge::broker {
class Shard;
}

namespace ledge::auth {
struct Policy;
}  // namespace ledge::auth

namespace ledge::os {
class GivenSockets;
struct GivenSocket;
}  // namespace ledge::os

namespace ledge::runtime {

/// The protocol layers between a listener's sockets and MQTT, from the socket upwards. An empty option = no such layer.
struct FrontOptions {
    std::optional<transport::ProxyOptions> proxy;          // each peer sends a PROXY header first
    std::optional<net::TlsOptions> tls;                    // each peer then makes a TLS handshake
    std::optional<transport::WebSocketOptions> websocket;  // MQTT in WebSocket messages; pages are served as well
    transport::WebLimits web_limits;                       // used together with `websocket`
    transport::AcceptRate accept_rate;                     // limits the new connections of this listener
    transport::PeerNames peer_names = transport::PeerNames::none;  // used for a Unix socket
};

/// The admin listener. It serves pages and no MQTT.
struct AdminOptions {
    transport::Endpoint endpoint;
    std::optional<net::TlsOptions> tls{};
    transport::WebLimits limits{};
};

struct BrokerLoopOptions {
    broker::ShardOptions shard;
    std::shared_ptr<const auth::Policy> policy;  // users and their rights; nullptr = a policy without rules
    // endpoints[i] serves shard.listeners[i]. Listeners beyond the last endpoint are for parts of the program, as are
    // those whose endpoint has the kind `none`.
    std::vector<transport::Endpoint> endpoints;
    std::vector<FrontOptions> fronts;  // fronts[i] belongs to endpoints[i]; a missing one = plain MQTT
    std::optional<AdminOptions> admin;
    std::optional<AdminOptions> admin_socket;  // the same pages on a Unix socket
    transport::DriverLimits driver;
    transport::HttpHandler pages;                // for the admin listener and WebSocket listeners; empty = no pages
    std::vector<MakeLoopPart> parts;             // further clients of the broker in this program, in their order
    bool needs_tls_workers = false;              // a part needs the threads for TLS handshakes
    std::uint64_t seed = 0;                      // the seed of the shard's random numbers; real entropy in the daemon
    std::uint64_t daily_write_budget_bytes = 0;  // bytes that the store should write per day at most; 0 = no budget
    Duration stop_time_max = 3s;                 // from stop() until the remaining connections are closed by force
    bool handles_signals = true;                 // SIGTERM and SIGINT call stop(); SIGHUP calls on_hang_up
    std::function<void()> on_stop_signal;        // called first, for each signal that asks for the stop
    std::function<void()> on_upgrade_signal;     // SIGUSR2; empty = the signal is ignored
    Duration heartbeat_interval{};               // a turn at this interval calls on_heartbeat; 0 = never
    std::function<void()> on_heartbeat;          // required with heartbeat_interval
    os::GivenSockets* given_sockets = nullptr;   // used by listeners instead of new sockets; outlives create()
    MakeReloadTask on_hang_up;                   // reads the configuration again; empty = SIGHUP is ignored
    std::vector<std::string> policy_files;       // files whose dates are watched
    MakeReloadTask on_policy_files;              // reads the policy files after a change
    std::function<bool()> has_unwritten_log;     // true while log lines or a count of dropped lines wait for the reader
    std::function<void()> write_log;  // writes the waiting lines; called once a second while has_unwritten_log()
};

class BrokerLoop {
public:
    /// Loads the store and binds every endpoint. No connection is accepted before run(). An endpoint whose address this
    /// machine does not have yet is no error: the endpoint is tried again while the others are served. The error is a
    /// sentence with the address and the system's reason: "cannot listen on 127.0.0.1:1883: Address already in use".
    /// `log` must outlive the loop. `store` is freshly opened; nullptr = sessions and messages end with the loop.
    static Result<std::unique_ptr<BrokerLoop>, Error> create(BrokerLoopOptions options, const Log& log,
                                                             std::unique_ptr<storage::Store> store = nullptr);
    ~BrokerLoop();
    BrokerLoop(const BrokerLoop&) = delete;
    BrokerLoop& operator=(const BrokerLoop&) = delete;

    /// The addresses of all open listeners: first those of the endpoints in order, then the admin listener's, then
    /// those that were opened later. A port that the system has chosen is shown: "127.0.0.1:41873". An endpoint that
    /// stands for several addresses has several entries.
    std::vector<std::string> addresses() const;

    /// Serves until a stop is complete. The caller need not ignore SIGPIPE, because no call here raises that signal.
    void run();

    /// Begins the graceful stop. No new connection is accepted, MQTT 5 clients get DISCONNECT 0x8B, and the bytes that
    /// are queued for the sockets are written. run() returns when all connections are closed, at the latest after
    /// stop_time_max, and when the store has written everything. A second call closes the connections at once.
    /// Call this on the loop's thread only; see request_stop().
    void stop();

    /// Calls stop() on the loop's thread. Any thread may call this.
    void request_stop();

    /// As request_stop(), but for a process that has duplicates of the sockets and goes on with them: the files of Unix
    /// sockets stay. After run(), the caller may open the store again, unless is_store_abandoned().
    void request_hand_over();
    /// Duplicates of all sockets that peers connect or send to, with the names of their listeners.
    std::vector<os::GivenSocket> duplicate_sockets() const;
    /// After run(): the disk did not finish a commit, so a thread of this process may still use the store.
    bool is_store_abandoned() const;

    /// Runs one turn: waits at most `wait_max` for work, serves the sockets that are ready, and writes the outboxes.
    /// Returns false when the stop is complete. For tests and embedding; run() calls this until the result is false.
    bool turn(Duration wait_max);

    broker::Shard& shard();
    /// The time of the present turn, as the shard and the parts of the program have it. It differs from read_clock().
    Instant now();

    /// Does what SIGHUP does: reads the configuration and the files of the fronts again.
    void reload();
    /// Puts other users and rights in force, and watches `files`, from which they were read. Called from
    /// ReloadTask::put_in_force.
    void set_policy(std::shared_ptr<const auth::Policy> policy, std::vector<std::string> files);
    /// Puts other limits of the listeners in force, as Shard::set_limits does. Called from ReloadTask::put_in_force.
    void set_limits(const broker::Listeners& listeners);
    /// Serves one more listener. Called from ReloadTask::put_in_force. If the listener cannot be opened now, for
    /// example because its address does not exist yet, the loop tries again until the listener is open. The error says
    /// why the listener's TLS cannot be set up, or that the broker is stopping; in this case nothing has changed.
    Result<bool, Error> add_listener(const broker::ListenerOptions& listener, const transport::Endpoint& endpoint,
                                     FrontOptions wanted, bool has_other_users);
    /// Adds a listener without an address, for a part of the program, and returns its index. Called from
    /// ReloadTask::put_in_force.
    std::uint16_t add_inner_listener(const broker::ListenerOptions& listener);
    /// The threads for TLS handshakes, for a part that needs them later than at the start. They are started if they do
    /// not run. The error is the system's reason.
    Result<os::WorkerPool*, Error> tls_workers();
    /// The number of turns so far, which is the number of times that the loop has woken up. A broker without
    /// connections and without a store wakes up every os::FileWatch::look_interval if it watches files, and otherwise
    /// never.
    std::uint64_t turns() const;

    /// The sums over all listeners, including the admin listener.
    transport::TlsCounters tls_counters() const;
    /// Of one listener, by its index in the shard.
    transport::TlsCounters tls_counters(std::uint16_t listener) const;

private:
    struct Parts;
    explicit BrokerLoop(std::unique_ptr<Parts> parts);
    std::unique_ptr<Parts> parts_;
};

}  // namespace ledge::runtime
