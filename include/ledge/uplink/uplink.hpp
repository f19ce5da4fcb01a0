// Uplink: one bridge with its I/O. It connects to the servers of the upstream in their order of preference, lets a
// relay carry the messages between the upstream and the local broker, and connects again after a pause when the
// connections end. No call blocks. The loop of the shard's thread drives it; there are no threads and no clock here.
//
//     state        event                                             next state
//     stopped      start(): on demand                                idle
//     stopped      start(): otherwise                                connecting
//     idle         wake()                                            connecting
//     connecting   the server is reached (with WebSocket: 101)       open
//     connecting   the password or the connection cannot be made     pausing
//     pausing      the pause is over                                 connecting
//     open         both connections have ended: by idle_time         idle, or connecting if wake() was called
//     open         ... because the preferred server can be reached   connecting
//     open         ... because the password ends soon                connecting
//     open         ... for any other reason                          pausing
//     open         stop(), then both connections have ended          stopped
//     others       stop()                                            stopped
//
// Every other call leaves the state as it is. The loop, in each of its turns, after the poller has run:
//     if uplink.next_deadline() has passed: uplink.on_time(now)
//     uplink.turn(now), then Driver::flush()
// and it does not sleep while wants_turn() is true.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "ledge/base/log.hpp"
#include "ledge/base/rng.hpp"
#include "ledge/base/time.hpp"
#include "ledge/bridge/backoff.hpp"
#include "ledge/bridge/relay.hpp"
#include "ledge/bridge/upstream.hpp"
#include "ledge/net/connector.hpp"
#include "ledge/uplink/options.hpp"
#include "ledge/uplink/password_maker.hpp"
#include "ledge/uplink/pump.hpp"
#include "ledge/uplink/relay_log.hpp"
#include "ledge/uplink/server_order.hpp"
#include "ledge/uplink/tls_files.hpp"

namespace ledge::uplink {

class Uplink {
public:
    enum class State : std::uint8_t {
        stopped,     // start() was not called, or the stop is complete
        idle,        // on demand: nothing has to be sent
        pausing,     // the next attempt waits for retry_at()
        connecting,  // the password is made, or the name look-up, TCP, TLS or WebSocket is under way
        open,        // the relay has a connection; relay().stage() says more
    };

    /// `connector`, `driver` and `log` must outlive the uplink; several uplinks may share them. With a server of TLS,
    /// Connector::use_workers() must have been called. `seed` is for pauses: real entropy in the daemon.
    Uplink(const UplinkOptions& options, net::Connector& connector, transport::Driver& driver, const Log& log,
           std::uint64_t seed);
    /// Closes everything at once. For an end in order, stop() comes first.
    ~Uplink();
    Uplink(const Uplink&) = delete;
    Uplink& operator=(const Uplink&) = delete;

    // ---- For the loop. Not to be called from Driver::flush(), nor while the poller runs.

    /// The local broker had no session of this bridge before the owner made one. Requires that the relay is closed:
    /// not State::open.
    void note_new_local_session() { relay_.note_new_inner_session(); }
    /// The upstream has not got the retained messages of these filters of outgoing routes. Not in State::open.
    void note_retained_owed(std::vector<std::string> filters) { relay_.note_retained_owed(std::move(filters)); }
    /// Begins to connect. Requires State::stopped.
    void start(Instant now);
    /// Handles what has come since the last turn.
    void turn(Instant now);
    bool wants_turn() const;
    /// Runs what is due. Afterwards next_deadline() is later than `now`.
    void on_time(Instant now);
    /// `never` = nothing waits for a time.
    Instant next_deadline() const;
    /// Ends both connections in order; the sessions stay. State::stopped is reached at once or in later turns, at the
    /// latest after UplinkOptions::ending_time_max.
    void stop(Instant now);
    /// On demand: there is something to send, so connect now. A caller that does not know whether the bridge is awake
    /// may call this at any time; without is_on_demand, or after stop(), the call has no effect.
    void wake(Instant now);

    // ---- For status and metrics

    State state() const { return state_; }
    Instant state_since() const { return state_since_; }
    /// In State::pausing: when the next attempt begins.
    Instant retry_at() const { return retry_at_; }
    /// The server in use or, without a connection, the one of the next attempt.
    const Server& server() const { return options_.servers[order_.current()]; }
    /// Why the last attempt or connection has ended, as a sentence part; "" = nothing has ended yet.
    const std::string& last_problem() const { return last_problem_; }
    const bridge::Relay& relay() const { return relay_; }

private:
    /// Why this side ends the connections of the relay.
    enum class Ending : std::uint8_t {
        none,       // it does not
        stop,       // stop() was called
        idle,       // idle_time has passed
        preferred,  // the preferred server can be reached again
        renewal,    // the password ends soon, and a new one is there
    };
    /// A call of Connector::connect(), and its result until the next turn.
    struct Attempt {
        std::optional<net::Connector::Ticket> ticket = {};  // under way
        std::optional<net::Connector::Outcome> outcome = {};
    };

    void enter(State state, Instant now);
    void connect(Instant now);
    void take_password(Instant now);
    void log_remark(const std::string& remark) const;
    void use_password(const Password& password, Instant made_at);
    void reach(Instant now);
    bool begin(Attempt& attempt, const Server& server);
    void cancel(Attempt& attempt);
    void take_outcome(Instant now);
    void go_on_opening(Instant now);
    void on_unreachable(bridge::RetryClass kind, std::string reason, Instant now);
    void pause(bridge::RetryClass kind, Instant now);

    void begin_probe(Instant now);
    void take_probe(Instant now);

    void begin_renewal();
    void take_renewal(Instant now);

    void serve_open(Instant now);
    void take_events(Instant now);
    void note_traffic(Instant now);
    void end_connection(Ending why, Instant now);
    void on_connection_ended(Instant now);
    void log_ended(bridge::RetryClass kind, Instant now);
    std::string text_of_end() const;
    Instant ending_deadline() const;
    Instant idle_deadline() const;
    Instant probe_deadline() const;
    Instant renewal_deadline() const;

    UplinkOptions options_;
    net::Connector& connector_;
    net::Poller& poller_;
    const Log& log_;
    RelayLog relay_log_;
    Rng rng_;
    TlsFiles tls_files_;
    PasswordMaker passwords_;
    ServerOrder order_;
    bridge::Backoff backoff_;
    bridge::Upstream upstream_;
    bridge::Relay relay_;
    Pump pump_;

    State state_ = State::stopped;
    Instant state_since_{};
    Instant retry_at_ = never;
    Attempt attempt_;                   // of State::connecting
    std::unique_ptr<Channel> opening_;  // of State::connecting, while the WebSocket request is under way
    Instant opening_deadline_ = never;
    Attempt probe_;                    // of the preferred server, in State::open
    Instant password_end_ = never;     // of the password in use
    Instant renew_at_ = never;         // when the next password is made; `never` also while it is made
    std::optional<Password> renewed_;  // for the next attempt, from Ending::renewal on
    Instant renewed_at_{};
    std::string last_problem_;
    std::string logged_tls_problem_;

    // Of one connection
    Ending ending_ = Ending::none;
    bool is_wanted_ = false;    // wake() was called while the connection ended
    bool is_accepted_ = false;  // the upstream has sent CONNACK with success
    bool is_proven_ = false;    // the upstream has answered a packet that needs a working broker
    std::string end_text_;      // of RelayEvent::Kind::ended
    int end_code_ = 0;
    Instant last_message_{};      // or the last call of wake()
    std::uint64_t messages_ = 0;  // the sum of the relay's counters, which tells whether a message has passed
};

}  // namespace ledge::uplink
