// The parts of a BrokerLoop: private to broker_loop.cpp (creation, turns, end) and listening.cpp (fronts and
// listeners). On the loop's thread.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "committer.hpp"
#include "hook_carrier.hpp"
#include "late_listeners.hpp"
#include "ledge/broker/shard.hpp"
#include "ledge/net/poller.hpp"
#include "ledge/os/file_watch.hpp"
#include "ledge/os/worker_pool.hpp"
#include "ledge/runtime/broker_loop.hpp"
#include "ledge/transport/driver.hpp"
#include "ledge/transport/listener.hpp"
#include "ledge/transport/turn_clock.hpp"
#include "login_worker.hpp"
#include "process_services.hpp"

namespace ledge::runtime {

namespace asio = boost::asio;

struct BrokerLoop::Parts {
    /// `image` is the content of the store; it is ignored when `store` is nullptr.
    Parts(BrokerLoopOptions given, const Log& log, std::unique_ptr<net::Poller> made_poller,
          std::unique_ptr<storage::Store> store, const journal::StoreImage& image);
    ~Parts();

    using MadeFront = Result<std::unique_ptr<transport::Front>, Error>;
    MadeFront make_front(std::uint16_t index);
    MadeFront make_tls_front(std::uint16_t index, const FrontOptions& wanted);
    MadeFront make_admin_front(const AdminOptions& admin);
    std::optional<Error> start_workers();

    void set_policy(auth::Policy policy);
    void watch_sockets();
    Result<bool, Error> listen(const transport::Endpoint& endpoint, std::unique_ptr<transport::Front> front,
                               const transport::AcceptRate& rate = {});
    Result<bool, Error> add_listener(const broker::ListenerOptions& listener, const transport::Endpoint& endpoint,
                                     FrontOptions wanted, bool has_other_users);
    void on_signal(int signal);
    void stop();
    bool stop_if_done();

    void wait_for_asio(Duration wait_max);
    void serve();
    void end_turn();
    Instant next_deadline() const;
    void run_due();
    void arm_timer();

    BrokerLoopOptions options;
    const Log& log;
    asio::io_context io{1};  // 1 is a hint that one thread runs the loop; other threads may still post
    asio::posix::stream_descriptor sockets_ready{io};
    asio::steady_timer timer{io};
    transport::TurnClock clock;
    std::unique_ptr<net::Poller> poller;
    journal::StoreReader reader;
    std::optional<Committer> committer;  // empty without a store
    broker::Shard shard;
    std::unique_ptr<os::WorkerPool> workers;  // computes TLS handshakes; nullptr = TLS is not used
    LoginWorker login_worker{io};
    HookCarrier hook_carrier{io, log};
    std::optional<Error> hook_problem;  // the reason why the hook cannot be asked; nullopt = it can
    transport::Driver driver;
    std::vector<std::unique_ptr<transport::Front>> fronts;
    std::vector<std::unique_ptr<transport::Listener>> listeners;
    LateListeners late_listeners{driver, log};
    ProcessServices process;

    Instant armed_at = never;  // the instant that the timer waits for
    Instant stop_deadline = never;
    std::uint64_t turns = 0;
    bool are_sockets_ready = false;  // Asio has reported the poller; Asio watches it again after it was polled
    bool is_stopping = false;
    bool is_stopped = false;
};

}  // namespace ledge::runtime
