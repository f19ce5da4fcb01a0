#include "ledge/runtime/broker_loop.hpp"

#include <algorithm>
#include <boost/asio/post.hpp>
#include <csignal>
#include <utility>

#include "event_loop.hpp"
#include "ledge/auth/authenticator.hpp"
#include "ledge/base/assert.hpp"
#include "ledge/journal/image.hpp"
#include "ledge/journal/store_reader.hpp"
#include "ledge/os/given_sockets.hpp"
#include "ledge/runtime/clock.hpp"
#include "listening.hpp"
#include "process_services.hpp"
#include "reloader.hpp"
#include "shard_host.hpp"
#include "stopping.hpp"
#include "tls_workers.hpp"

namespace ledge::runtime {

/// The parts of the loop in the order of their construction: each part uses earlier ones only. The functions here are
/// those that need several parts.
struct BrokerLoop::Parts {
    Parts(BrokerLoopOptions given, const Log& log, std::unique_ptr<net::Poller> poller,
          std::unique_ptr<storage::Store> store, const journal::StoreImage& image);
    ~Parts();
    Parts(const Parts&) = delete;
    Parts& operator=(const Parts&) = delete;

    ProcessServices::Options process_options();
    Result<bool, Error> open_listeners();
    std::optional<Error> make_loop_parts();
    void end_turn();
    bool wants_turn() const;
    void run_due();
    Instant next_deadline() const;
    void on_signal(int signal);
    void reload();
    void stop();
    bool stop_if_done();

    BrokerLoopOptions options;
    const Log& log;
    EventLoop loop;
    TlsWorkers tls_workers;
    ShardHost host;
    transport::Driver driver;
    std::vector<std::unique_ptr<LoopPart>> loop_parts;
    Listening listening;
    Reloader reloader;
    ProcessServices process;
    Stopping stopping;
};

// ---------------------------------------------------------------------------------------------------------------------
// Creation

BrokerLoop::Parts::Parts(BrokerLoopOptions given, const Log& log_, std::unique_ptr<net::Poller> poller,
                         std::unique_ptr<storage::Store> store, const journal::StoreImage& image)
    : options(std::move(given)),
      log(log_),
      loop(std::move(poller), store ? image.now - read_clock() : Duration::zero()),
      tls_workers(loop.io()),
      host(loop, tls_workers, log, {options.shard, options.seed, options.daily_write_budget_bytes}, std::move(store),
           image),
      driver(host.shard(), loop.poller(), loop.clock(), options.driver),
      listening({loop.io(), tls_workers, driver, options.pages, log, options.given_sockets}),
      reloader(loop.io(), host.shard(), options.on_hang_up, options.on_policy_files),
      process(loop.io(), host.shard(), process_options()),
      stopping(options.stop_time_max) {
    if (options.policy != nullptr) host.set_policy(std::move(options.policy));
    reloader.watch_files(std::move(options.policy_files), loop.now());
}

ProcessServices::Options BrokerLoop::Parts::process_options() {
    ProcessServices::Options result{options.shard.memory_budget_bytes, options.has_unwritten_log, options.write_log,
                                    options.heartbeat_interval,        options.on_heartbeat,      {}};
    if (options.handles_signals) result.on_signal = [this](int signal) { on_signal(signal); };
    return result;
}

BrokerLoop::Parts::~Parts() {
    reloader.stop();
    listening.close();
    loop_parts.clear();  // they use the driver
    driver.close_all();
    host.finish(loop.now());
}

/// Returns the reason of a failure, or nullopt.
std::optional<Error> BrokerLoop::Parts::make_loop_parts() {
    if (options.needs_tls_workers) {
        if (auto problem = tls_workers.start()) return problem;
    }
    const LoopServices services{loop.io(), host.shard(), driver,
                                options.needs_tls_workers ? &tls_workers.pool() : nullptr, options.given_sockets};
    for (const MakeLoopPart& make : options.parts) {
        loop_parts.push_back(make(services));
        loop_parts.back()->start(loop.now());
        if (auto problem = loop_parts.back()->start_problem()) return problem;
    }
    return std::nullopt;
}

Result<std::unique_ptr<BrokerLoop>, Error> BrokerLoop::create(BrokerLoopOptions options, const Log& log,
                                                              std::unique_ptr<storage::Store> store) {
    LEDGE_ASSERT(options.endpoints.size() <= options.shard.listeners.size());
    // The poller comes first: nothing has to be undone if the system refuses to create it.
    auto poller = net::Poller::create();
    if (!poller) return Failure{poller.error()};
    journal::StoreImage image;
    if (store) {
        auto loaded = store->load();
        if (!loaded) return Failure{loaded.error()};
        image = std::move(*loaded);
    }
    std::unique_ptr<Parts> parts;
    try {
        parts = std::make_unique<Parts>(std::move(options), log, std::move(*poller), std::move(store), image);
    } catch (const boost::system::system_error& error) {  // the process has no descriptors left
        return Failure{Error{error.code(), "cannot create the event loop"}};
    }
    if (auto problem = parts->host.start()) return Failure{std::move(*problem)};
    if (const auto& problem = parts->host.hook_problem())
        return Failure{in_context("TLS to the authentication hook: {}", "", *problem)};
    if (const auto opened = parts->open_listeners(); !opened) return Failure{opened.error()};
    if (auto problem = parts->make_loop_parts()) return Failure{std::move(*problem)};
    return std::unique_ptr<BrokerLoop>(new BrokerLoop(std::move(parts)));
}

Result<bool, Error> BrokerLoop::Parts::open_listeners() {
    for (std::size_t i = 0; i < options.endpoints.size(); ++i) {
        if (options.endpoints[i].kind == transport::Endpoint::Kind::none) continue;  // of a part of the program
        const FrontOptions wanted = i < options.fronts.size() ? options.fronts[i] : FrontOptions{};
        const auto index = static_cast<std::uint16_t>(i);
        auto front = listening.make_front(index, options.shard.listeners[i].name, wanted);
        if (!front) return Failure{front.error()};
        const auto opened = listening.open(index, options.shard.listeners[i].name, options.endpoints[i],
                                           std::move(*front), wanted.accept_rate);
        if (!opened) return opened;
    }
    const auto open_admin = [&](const std::string& name, const std::optional<AdminOptions>& admin) {
        if (!admin) return Result<bool, Error>(true);
        auto front = listening.make_admin_front(*admin);
        if (!front) return Result<bool, Error>(Failure{front.error()});
        return listening.open(std::nullopt, name, admin->endpoint, std::move(*front));
    };
    const auto opened = open_admin("admin", options.admin);
    return opened ? open_admin("admin.socket", options.admin_socket) : opened;
}

BrokerLoop::BrokerLoop(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}
BrokerLoop::~BrokerLoop() = default;

// ---------------------------------------------------------------------------------------------------------------------
// The turn

void BrokerLoop::run() {
    while (turn(Duration::max())) {
    }
}

bool BrokerLoop::turn(Duration wait_max) {
    Parts& parts = *parts_;
    EventLoop& loop = parts.loop;
    if (parts.stop_if_done()) return false;
    // The order matters: the timer needs the deadlines that the last turn has changed, and serving needs the new time.
    loop.arm(parts.next_deadline());
    const bool has_work = parts.wants_turn();
    loop.wait(has_work ? Duration::zero() : wait_max);
    // Peers that Asio serves (WebSocket) have one handler per event. Running several of these handlers in one turn lets
    // their answers leave together. Without such peers, the extra calls would only cost system calls.
    // A part of the program may have work in every turn, and nobody else must wait for it.
    if (has_work || parts.listening.has_asio_peers()) loop.run_ready_handlers();
    // The rest runs after every wait, also when a timer, a signal or a posted call has ended the wait: each of them may
    // have left bytes to write.
    loop.poll_sockets();
    parts.end_turn();
    loop.end_turn();
    return !parts.stop_if_done();
}

void BrokerLoop::Parts::end_turn() {
    if (next_deadline() <= loop.now()) run_due();
    for (const auto& part : loop_parts) part->turn(loop.now());
    // Logins and commits are handled after the sockets, so that their answers leave in this turn's flush.
    host.serve(loop.now());
    driver.flush();
    if (process.measure_memory(loop.now())) driver.flush();  // writes to the clients that were just disconnected
}

bool BrokerLoop::Parts::wants_turn() const {
    return std::any_of(loop_parts.begin(), loop_parts.end(), [](const auto& part) { return part->wants_turn(); });
}

[[gnu::hot]] Instant BrokerLoop::Parts::next_deadline() const {
    Instant of_parts = never;
    for (const auto& part : loop_parts) of_parts = std::min(of_parts, part->next_deadline());
    return std::min({of_parts, host.next_deadline(), driver.next_deadline(), listening.next_deadline(),
                     reloader.next_deadline(), process.next_deadline(), stopping.deadline()});
}

void BrokerLoop::Parts::run_due() {
    const Instant now = loop.now();
    host.on_time(now);
    driver.on_time();
    listening.on_time(now);
    reloader.on_time(now);
    process.on_time(now);
    for (const auto& part : loop_parts) {
        if (part->next_deadline() <= now) part->on_time(now);
    }
}

// ---------------------------------------------------------------------------------------------------------------------
// The end

void BrokerLoop::Parts::on_signal(int signal) {
    if (signal == SIGUSR2) return options.on_upgrade_signal ? options.on_upgrade_signal() : void();
    if (signal != SIGHUP) {
        log.info("stopping", {{"signal", signal}});
        if (options.on_stop_signal) options.on_stop_signal();
        return stop();
    }
    reload();
}

void BrokerLoop::Parts::reload() {
    listening.reload();
    reloader.read_configuration();
}

void BrokerLoop::Parts::stop() {
    if (!stopping.begin(loop.now())) return;
    reloader.stop();
    listening.close();
    // Before the clients are disconnected, so that a part can end its outer connections in order.
    for (const auto& part : loop_parts) part->stop(loop.now());
    host.shard().shut_down(loop.now());
    driver.flush();
}

bool BrokerLoop::Parts::stop_if_done() {
    if (stopping.is_finished() || !stopping.is_begun()) return stopping.is_finished();
    const bool are_parts_stopped =
        std::all_of(loop_parts.begin(), loop_parts.end(), [](const auto& part) { return part->is_stopped(); });
    const bool is_over = driver.link_count() == 0 && are_parts_stopped;
    if (!is_over && loop.now() < stopping.deadline()) return false;
    loop_parts.clear();  // they use the driver
    driver.close_all();
    host.finish(loop.now());
    stopping.finish();
    return true;
}

void BrokerLoop::stop() { parts_->stop(); }

void BrokerLoop::request_stop() {
    boost::asio::post(parts_->loop.io(), [parts = parts_.get()] { parts->stop(); });
}

void BrokerLoop::request_hand_over() {
    boost::asio::post(parts_->loop.io(), [parts = parts_.get()] {
        parts->listening.keep_files();
        parts->stop();
    });
}

std::vector<os::GivenSocket> BrokerLoop::duplicate_sockets() const {
    std::vector<os::GivenSocket> duplicates;
    parts_->listening.add_duplicates(duplicates);
    for (const auto& part : parts_->loop_parts) part->add_duplicates(duplicates);
    return duplicates;
}

bool BrokerLoop::is_store_abandoned() const { return parts_->host.is_store_abandoned(); }

// ---------------------------------------------------------------------------------------------------------------------
// While it runs

broker::Shard& BrokerLoop::shard() { return parts_->host.shard(); }
Instant BrokerLoop::now() { return parts_->loop.now(); }

void BrokerLoop::reload() { parts_->reload(); }

void BrokerLoop::set_policy(std::shared_ptr<const auth::Policy> policy, std::vector<std::string> files) {
    parts_->host.set_policy(std::move(policy));
    shard().note_reload(true);
    Reloader& reloader = parts_->reloader;
    if (files != reloader.watched_files()) reloader.watch_files(std::move(files), parts_->loop.now());
}

void BrokerLoop::set_limits(const broker::Listeners& listeners) { shard().set_limits(listeners); }

Result<bool, Error> BrokerLoop::add_listener(const broker::ListenerOptions& listener,
                                             const transport::Endpoint& endpoint, FrontOptions wanted,
                                             bool has_other_users) {
    Parts& parts = *parts_;
    if (parts.stopping.is_begun()) return Failure{Error{{}, "the broker is stopping"}};
    auto& listeners = parts.options.shard.listeners;  // here as in the shard
    auto front = parts.listening.make_front(static_cast<std::uint16_t>(listeners.size()), listener.name, wanted);
    if (!front) return Failure{front.error()};
    // From here on, nothing fails: a listener that cannot be opened now is tried again.
    const std::uint16_t index = shard().add_listener(listener, has_other_users);
    LEDGE_ASSERT(index == listeners.size());
    listeners.push_back(listener);
    parts.listening.add(index, listener.name, endpoint, std::move(*front), wanted.accept_rate);
    return true;
}

std::uint16_t BrokerLoop::add_inner_listener(const broker::ListenerOptions& listener) {
    const std::uint16_t index = shard().add_inner_listener(listener);
    parts_->options.shard.listeners.push_back(listener);  // so that later listeners have the same index here and there
    return index;
}

Result<os::WorkerPool*, Error> BrokerLoop::tls_workers() {
    if (auto problem = parts_->tls_workers.start()) return Failure{std::move(*problem)};
    return &parts_->tls_workers.pool();
}

std::vector<std::string> BrokerLoop::addresses() const { return parts_->listening.addresses(); }
transport::TlsCounters BrokerLoop::tls_counters() const { return parts_->listening.tls_counters(); }
transport::TlsCounters BrokerLoop::tls_counters(std::uint16_t listener) const {
    return parts_->listening.tls_counters(listener);
}
std::uint64_t BrokerLoop::turns() const { return parts_->loop.turns(); }

}  // namespace ledge::runtime
