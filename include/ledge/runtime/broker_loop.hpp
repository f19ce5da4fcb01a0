// BrokerLoop: one thread's broker: the Asio loop, the shard, its driver and its listeners, and the turn that moves
// them. Owned by the daemon (or a test); everything happens on the thread that calls run().
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "ledge/auth/authenticator.hpp"
#include "ledge/base/log.hpp"
#include "ledge/base/result.hpp"
#include "ledge/base/time.hpp"
#include "ledge/broker/options.hpp"
#include "ledge/net/tls_options.hpp"
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

namespace ledge::runtime {

/// What stands between a listener's sockets and MQTT.
struct FrontOptions {
    std::optional<transport::ProxyOptions> proxy;          // a PROXY header comes first
    std::optional<net::TlsOptions> tls;                    // then TLS is agreed on
    std::optional<transport::WebSocketOptions> websocket;  // MQTT comes in WebSocket messages; pages are served too
    transport::WebLimits web_limits;                       // with websocket
    transport::AcceptRate accept_rate;                     // of the listener
    transport::PeerNames peer_names = transport::PeerNames::none;  // of a Unix socket
};

/// A listener for pages only.
struct AdminOptions {
    transport::Endpoint endpoint;
    std::optional<net::TlsOptions> tls{};
    transport::WebLimits limits{};
};

/// What became of files with users and rights that were read again.
enum class Reloaded : std::uint8_t {
    in_force,  // set_policy() was called with their content
    refused,   // they have mistakes: the policy before stays in force, and the refusal is counted
};

struct BrokerLoopOptions {
    broker::ShardOptions shard;
    auth::Policy policy;                         // users and their rights
    std::vector<transport::Endpoint> endpoints;  // endpoints[i] serves shard.listeners[i]; same length
    std::vector<FrontOptions> fronts;            // fronts[i] of endpoints[i]; missing ones: MQTT on the socket itself
    std::optional<AdminOptions> admin;
    transport::DriverLimits driver;
    transport::HttpHandler pages;                // on the admin listener and on those for WebSocket; empty: none
    std::uint64_t seed = 0;                      // real entropy in the daemon
    std::uint64_t daily_write_budget_bytes = 0;  // of the store; 0: none
    Duration stop_time_max = 3s;                 // from stop() until the last connection is closed hard
    bool handles_signals = true;                 // SIGTERM, SIGINT: stop(); once more: stop at once. SIGHUP: on_hang_up
    std::function<Reloaded()> on_hang_up;        // reads the configuration again; on the loop's thread
    std::vector<std::string> policy_files;       // watched by their dates
    std::function<Reloaded()> on_policy_files;   // one of them has changed: reads them again; on the loop's thread
    std::function<bool()> log_owes;              // the log waits for its reader, or has a count to tell
    std::function<void()> settle_log;            // called once a second while log_owes
};

class BrokerLoop {
public:
    /// Loads the store, binds every endpoint; nothing is accepted before run(). An endpoint whose address is not there
    /// yet is no error: it is tried again while the others are served. The error is a sentence with the
    /// address and the system's reason: "cannot listen on 127.0.0.1:1883: Address already in use". `log` outlives the
    /// loop.
    /// `store`: freshly opened; nullptr: sessions and messages end with the loop.
    static Result<std::unique_ptr<BrokerLoop>, std::string> create(BrokerLoopOptions options, const Log& log,
                                                                   std::unique_ptr<storage::Store> store = nullptr);
    ~BrokerLoop();
    BrokerLoop(const BrokerLoop&) = delete;
    BrokerLoop& operator=(const BrokerLoop&) = delete;

    /// What is listened on, in the order of the endpoints, the admin listener last, then those whose addresses came
    /// later; ports chosen by the system filled in: "127.0.0.1:41873". An endpoint that stands for several addresses
    /// has several entries.
    std::vector<std::string> addresses() const;

    /// Serves until stop() has done its work. Needs no setting for SIGPIPE: nothing here raises it.
    void run();

    /// Begins the graceful stop: no new connections, v5 clients get DISCONNECT 0x8B, what is queued for the sockets is
    /// written, run() returns when all are closed, after stop_time_max at the latest, and the store has everything. A
    /// second call closes at once.
    /// On the loop's thread only; see request_stop().
    void stop();

    /// The same from any thread.
    void request_stop();

    /// One turn: waits for work at most `wait_max`, serves what is ready, writes what is owed. false: stopped.
    /// For tests and embedding; run() is this until false.
    bool turn(Duration wait_max);

    broker::Shard& shard();
    /// Shard::remove_session, and what its client is told leaves at the end of the turn.
    bool remove_session(std::string_view client_id);

    /// Puts other users and rights in force, and watches the files they come from. Called from on_hang_up and
    /// on_policy_files.
    void set_policy(auth::Policy policy, std::vector<std::string> files);
    /// Puts other limits of the listeners in force, as Shard::set_limits does. Called from on_hang_up.
    void set_limits(const broker::Listeners& listeners);
    /// Serves one more listener. Called from on_hang_up. An address that is not there yet is tried again until it is.
    /// The error says why the listener's TLS cannot be set up; nothing has changed then.
    Result<bool, std::string> add_listener(const broker::ListenerOptions& listener, const transport::Endpoint& endpoint,
                                           FrontOptions front, bool has_other_users);
    /// Turns so far: how often the loop woke up. Without connections and store, a broker that watches files adds one
    /// every os::FileWatch::look_interval, and otherwise none.
    std::uint64_t turns() const;

    /// Of all listeners, the admin listener among them.
    transport::TlsCounters tls_counters() const;

private:
    struct Parts;
    explicit BrokerLoop(std::unique_ptr<Parts> parts);
    std::unique_ptr<Parts> parts_;
};

}  // namespace ledge::runtime
