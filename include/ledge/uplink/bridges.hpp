// Bridges: all bridges of a broker, as a part of its loop. For each bridge it makes the session at the local broker,
// then runs the uplink, and tells its state: topics below $SYS/broker/bridges/NAME/, and figures for /metrics.
//
//     bridge              $SYS/broker/bridges/NAME/...
//     state               1 = messages flow in both directions, 0 = they do not (as Mosquitto's bridges tell it)
//     stage               a word: see name_of(BridgeStage)
//     reason              why the last connection or attempt has ended; missing as long as none has
//     server              the url of the server in use, or of the next attempt
//     queue/messages      messages that wait for the upstream
//     filters/refused     filters that a broker has refused: messages of their routes do not pass
//
// Further topics are the rows of flow_metrics.hpp. Those figures are published at most once in sys.interval_s. A figure
// that is not defined has no topic: its retained message is removed.
//
// A bridge with a priority lane has two sessions and two connections, and is told as one: it runs when both do.
//
// Bridges can be added, changed and removed while the broker runs. A bridge that changes ends its connections in order
// and begins anew with its session at the local broker, as after a restart of the broker; the other bridges go on. The
// session and the messages of a removed bridge stay, its subscriptions and its topics below $SYS end.
// On the loop's thread.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ledge/base/log.hpp"
#include "ledge/base/rng.hpp"
#include "ledge/bridge/relay_event.hpp"
#include "ledge/net/connector.hpp"
#include "ledge/runtime/loop_part.hpp"
#include "ledge/uplink/options.hpp"
#include "ledge/uplink/queue_figures.hpp"

namespace ledge::uplink {

class Bridge;
struct BridgePlan;

/// How far a bridge has come.
enum class BridgeStage : std::uint8_t {
    stopped,      // the broker stops, or the time lies outside of the windows
    preparing,    // the session at the local broker is made
    idle,         // on demand: no message waits
    pausing,      // the next attempt waits
    connecting,   // the password, the name, TCP, TLS or WebSocket
    greeting,     // the upstream has not answered CONNECT
    subscribing,  // the local broker and the upstream answer the subscriptions
    running,      // messages flow
    ending,       // the connections end
};

std::string_view name_of(BridgeStage stage);

/// What one bridge tells about itself.
struct BridgeFigures {
    std::string name;
    BridgeStage stage = BridgeStage::stopped;
    Duration in_stage{};              // since it has entered the stage
    bool is_paused = false;           // by an operator, until resume or until a reload changes the bridge
    std::string server;               // url of the server in use, or of the next attempt
    std::string degraded;             // why some messages do not pass, or soon will not; "" = all pass
    std::size_t refused_filters = 0;  // by the upstream or the local broker, when the bridge was connected last
    std::string last_problem;         // why the last connection or attempt has ended; "" = nothing has ended yet
    std::uint64_t connections = 0;    // that have come as far as BridgeStage::running
    std::size_t queue_messages = 0;   // that wait for the upstream, those under way included
    Duration oldest_unanswered{};     // age of the oldest message that the upstream has not answered; 0 = none
    bridge::RelayCounters messages;

    std::optional<Duration> connected = {};  // since messages flow on the present connection; nullopt = they do not
    QueueFigures queue;
    std::optional<Duration> round_trip_mean = {};  // to the upstream; nullopt = not measured
    std::optional<Duration> round_trip_max = {};   // of the last one to two minutes
};

class Bridges final : public runtime::LoopPart {
public:
    /// The names of the bridges differ. The priority lane of a bridge stands behind the bridge. `seed` is for pauses:
    /// real entropy in the daemon. `log` and the services must outlive the object.
    Bridges(std::vector<UplinkOptions> options, const runtime::LoopServices& services, const Log& log,
            std::uint64_t seed);
    ~Bridges() override;

    void start(Instant now) override;
    void turn(Instant now) override;
    bool wants_turn() const override;
    void on_time(Instant now) override;
    Instant next_deadline() const override;
    void stop(Instant now) override;
    bool is_stopped() const override;

    /// Adds a bridge, or changes the bridge with the name of the plan.
    void put(BridgePlan plan, Instant now);
    /// Has no effect if there is no bridge with this name.
    void remove(std::string_view name, Instant now);
    /// Call before the first bridge with TLS is added, unless the services had workers. `workers` outlives the object.
    void use_tls_workers(os::WorkerPool& workers) { connector_.use_workers(workers); }

    // For operators. False = there is no bridge with this name.
    /// A paused bridge ends its connections; its messages wait.
    bool set_paused(std::string_view name, bool is_paused, Instant now);
    /// Ends the connections in order and begins new ones. Has no effect on a bridge without a connection.
    bool reconnect(std::string_view name, Instant now);

    /// Sorted by name. Removed bridges are left out at once.
    std::vector<BridgeFigures> figures(Instant now) const;

private:
    struct Slot;
    std::unique_ptr<Bridge> make(std::vector<UplinkOptions> uplinks);
    static void leave(Slot& slot, Instant now);
    bool carry_out(Slot& slot, Instant now);
    Bridge* find(std::string_view name) const;

    runtime::LoopServices services_;
    const Log& log_;
    Rng seeds_;
    net::Connector connector_;
    std::map<std::string, std::unique_ptr<Slot>, std::less<>> slots_;  // by name
    bool is_stopping_ = false;                                         // the broker stops
};

}  // namespace ledge::uplink
