// Upgrade: replaces the running broker by a new process without losing a connection attempt or an acknowledged message.
// upgrade_stages.hpp has the steps and what happens when one of them fails. serve() owns the object, which outlives the
// loops: a broker whose successor fails late serves again with a new loop. On the main thread.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "ledge/base/error.hpp"
#include "ledge/base/log.hpp"
#include "ledge/base/result.hpp"
#include "ledge/base/time.hpp"
#include "ledge/os/child_program.hpp"
#include "ledge/os/given_sockets.hpp"
#include "ledge/runtime/broker_loop.hpp"
#include "program_start.hpp"
#include "service_manager.hpp"
#include "upgrade_channel.hpp"
#include "upgrade_stages.hpp"

namespace ledge::daemon {

class HeldSignals;

class Upgrade {
public:
    /// Why the broker cannot be upgraded now, and the remedy.
    struct Obstacle {
        std::string reason;
        std::string fix;
    };
    enum class Outcome : std::uint8_t {
        stopped,      // no upgrade has ended the loop: the broker was asked to stop
        handed_over,  // the new broker serves
        serve_again,  // the new broker has failed: this one must serve again, with sockets()
        failed,       // the store cannot be opened again by this process, so the process must end with an error
    };

    /// `time_max`: of each step of the new broker. `find_obstacle` is asked at each request.
    Upgrade(ProgramStart program, Duration time_max, std::function<std::optional<Obstacle>()> find_obstacle,
            const Log& log, const ServiceManager& manager);
    ~Upgrade();
    Upgrade(const Upgrade&) = delete;
    Upgrade& operator=(const Upgrade&) = delete;

    /// Makes the loop watch the new broker, and the signals that matter for the upgrade.
    void add_to(runtime::BrokerLoopOptions& options);
    /// The loop exists and is about to run.
    void attach(runtime::BrokerLoop& loop);

    /// Starts the new broker. The error says why not; it is logged too. On the loop's thread.
    Result<bool, Error> request();

    /// Called after run(). Destroys the loop if an upgrade has ended it, and waits for the new broker.
    Outcome conclude(std::unique_ptr<runtime::BrokerLoop>& loop);
    /// True from Outcome::serve_again until attach().
    bool must_serve_again() const { return must_serve_again_; }
    /// The sockets, for the next loop. A loop that cannot be made leaves them for a further one.
    os::GivenSockets sockets() const;

private:
    class Part;
    std::optional<Error> spawn();
    void on_word(UpgradeChannel::Word word);
    void on_stop();
    void handle(UpgradeEvent event);
    void give_up(std::string_view outcome);
    UpgradeEvent await_new_broker(const HeldSignals& signals);
    UpgradeEvent event_of(UpgradeChannel::Word word);
    void remove_socket_files();

    ProgramStart program_;
    Duration time_max_;
    std::function<std::optional<Obstacle>()> find_obstacle_;
    const Log& log_;
    const ServiceManager& manager_;
    UpgradeStage stage_ = UpgradeStage::serving;
    std::string reason_;                 // why the new broker has failed; "" = as its end tells
    std::vector<os::GivenSocket> kept_;  // duplicates of the loop's sockets, from the start of the new broker on
    bool must_serve_again_ = false;
    UpgradeChannel channel_;
    std::optional<os::ChildProgram> new_broker_;
    runtime::BrokerLoop* loop_ = nullptr;
    Part* part_ = nullptr;
    std::unique_ptr<HeldSignals> held_signals_;  // while no loop handles signals
    Instant closed_at_{};                        // by read_clock()
};

}  // namespace ledge::daemon
