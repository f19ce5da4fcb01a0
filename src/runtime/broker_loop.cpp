#include "ledge/runtime/broker_loop.hpp"

#include <algorithm>
#include <boost/asio/post.hpp>
#include <csignal>
#include <iterator>
#include <optional>
#include <utility>

#include "broker_loop_parts.hpp"
#include "ledge/base/assert.hpp"
#include "ledge/runtime/clock.hpp"

namespace ledge::runtime {

namespace {

constexpr int handlers_per_turn_max = 128;  // Asio handlers per turn; the answers of all of them leave together

}  // namespace

// ---------------------------------------------------------------------------------------------------------------------
// Creation

BrokerLoop::Parts::Parts(BrokerLoopOptions given, const Log& log_, std::unique_ptr<net::Poller> made_poller,
                         std::unique_ptr<storage::Store> store, const journal::StoreImage& image)
    : options(std::move(given)),
      log(log_),
      clock(read_clock, store ? image.now - read_clock() : Duration::zero()),
      poller(std::move(made_poller)),
      reader(store ? store->reader() : journal::StoreReader{}),
      shard(store ? broker::Shard(options.shard, log, options.seed, image, reader)
                  : broker::Shard(options.shard, log, options.seed, clock.now())),
      driver(shard, *poller, clock, options.driver),
      process(io, options, shard, [this](int signal) { on_signal(signal); }) {
    set_policy(std::move(options.policy));
    process.watch_files(std::move(options.policy_files), clock.now());
    if (store) {
        CommitterOptions commits;
        commits.lazy_interval = options.shard.durability.journal.lazy_interval;
        commits.daily_write_budget_bytes = options.daily_write_budget_bytes;
        const broker::Beginning beginning = store->beginning();
        committer.emplace(io, std::move(store), commits, log);
        broker::StoreFigures figures;
        figures.is_used = true;
        figures.beginning = beginning;
        figures.bad_rows = image.bad_rows;
        shard.note_store(figures);
    }
    // This is the last step that may throw: after it, the destructor must run to give the descriptor back to the
    // poller.
    sockets_ready.assign(poller->descriptor());
    watch_sockets();
}

BrokerLoop::Parts::~Parts() {
    listeners.clear();
    fronts.clear();
    driver.close_all();
    if (committer) committer->finish(shard, clock.now());
    sockets_ready.release();  // the poller owns the descriptor and closes it
}

/// Asks Asio to report once when a socket of the poller is ready. serve() asks again after it has polled.
void BrokerLoop::Parts::watch_sockets() {
    are_sockets_ready = false;
    sockets_ready.async_wait(asio::posix::stream_descriptor::wait_read, [this](const boost::system::error_code& error) {
        if (!error) are_sockets_ready = true;
    });
}

Result<std::unique_ptr<BrokerLoop>, Error> BrokerLoop::create(BrokerLoopOptions options, const Log& log,
                                                              std::unique_ptr<storage::Store> store) {
    LEDGE_ASSERT(options.endpoints.size() == options.shard.listeners.size());
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
    if (parts->committer) {
        if (const std::error_code error = parts->committer->start())
            return Failure{Error{error, "cannot start the committer's thread"}};
    }
    if (const auto& problem = parts->hook_problem)
        return Failure{in_context("TLS to the authentication hook: {}", "", *problem)};
    for (std::size_t i = 0; i < parts->options.endpoints.size(); ++i) {
        auto front = parts->make_front(static_cast<std::uint16_t>(i));
        if (!front) return Failure{front.error()};
        const transport::AcceptRate rate =
            i < parts->options.fronts.size() ? parts->options.fronts[i].accept_rate : transport::AcceptRate{};
        const auto listening = parts->listen(parts->options.endpoints[i], std::move(*front), rate);
        if (!listening) return Failure{listening.error()};
    }
    if (const auto& admin = parts->options.admin) {
        auto front = parts->make_admin_front(*admin);
        if (!front) return Failure{front.error()};
        const auto listening = parts->listen(admin->endpoint, std::move(*front));
        if (!listening) return Failure{listening.error()};
    }
    return std::unique_ptr<BrokerLoop>(new BrokerLoop(std::move(parts)));
}

BrokerLoop::BrokerLoop(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}
BrokerLoop::~BrokerLoop() = default;

broker::Shard& BrokerLoop::shard() { return parts_->shard; }
bool BrokerLoop::remove_session(std::string_view client_id) {
    return parts_->shard.remove_session(client_id, parts_->clock.now());
}

void BrokerLoop::set_policy(auth::Policy policy, std::vector<std::string> files) {
    parts_->set_policy(std::move(policy));
    parts_->shard.note_reload(true);
    if (files != parts_->process.watched_files()) parts_->process.watch_files(std::move(files), parts_->clock.now());
}

void BrokerLoop::set_limits(const broker::Listeners& listeners) { parts_->shard.set_limits(listeners); }

void BrokerLoop::Parts::set_policy(auth::Policy policy) {
    std::optional<auth::HookOptions> hook = policy.hook;
    hook_problem = hook && hook->is_tls ? start_workers() : std::nullopt;
    if (hook_problem) hook.reset();  // without TLS the hook is not asked, and its logins are refused
    if (workers != nullptr) hook_carrier.use_workers(*workers);
    if (auto mistake = hook_carrier.set_options(std::move(hook))) hook_problem = std::move(mistake);
    if (hook_problem) log.error("authentication_hook_down", {{"reason", text_of(*hook_problem)}});
    shard.set_policy(std::move(policy), clock.now());
}

std::uint64_t BrokerLoop::turns() const { return parts_->turns; }

// ---------------------------------------------------------------------------------------------------------------------
// The turn

void BrokerLoop::run() {
    while (turn(Duration::max())) {
    }
}

bool BrokerLoop::turn(Duration wait_max) {
    Parts& parts = *parts_;
    if (parts.stop_if_done()) return false;
    // The order matters: the timer needs the deadlines that the last turn has changed, and serving needs the new time.
    parts.arm_timer();
    parts.wait_for_asio(wait_max);
    ++parts.turns;
    parts.serve();
    return !parts.stop_if_done();
}

void BrokerLoop::Parts::wait_for_asio(Duration wait_max) {
    clock.begin_turn();  // now() reads the machine's clock again, at its first call after the wait
    if (wait_max == Duration::max()) {
        io.run_one();
    } else {
        io.run_one_for(wait_max);
    }
    // Peers that Asio serves (WebSocket) have one handler per event. Running several of these handlers in one turn lets
    // their answers leave together. Without such peers, the extra calls would only cost system calls.
    const auto is_busy = [](const auto& front) { return front->asio_peers() > 0; };
    if (!std::any_of(fronts.begin(), fronts.end(), is_busy)) return;
    for (int i = 1; i < handlers_per_turn_max && io.poll_one() > 0; ++i) {
    }
}

/// Runs after every wait, also when a timer, a signal or a posted call has ended the wait: each of them may have left
/// bytes to write.
void BrokerLoop::Parts::serve() {
    if (are_sockets_ready) poller->poll(0);
    end_turn();
    if (are_sockets_ready) watch_sockets();
}

void BrokerLoop::Parts::end_turn() {
    if (next_deadline() <= clock.now()) run_due();
    // Logins and commits are handled after the sockets, so that their answers leave in this turn's flush.
    login_worker.serve(shard, clock.now());
    hook_carrier.serve(shard, clock.now());
    if (committer) committer->serve(shard, clock.now());
    driver.flush();
    if (process.measure_memory(clock.now())) driver.flush();  // writes to the clients that were just disconnected
}

// ---------------------------------------------------------------------------------------------------------------------
// Time

Instant BrokerLoop::Parts::next_deadline() const {
    Instant earliest =
        std::min({shard.next_deadline(), driver.next_deadline(), stop_deadline, process.next_deadline()});
    for (const auto& listener : listeners) earliest = std::min(earliest, listener->next_deadline());
    for (const auto& front : fronts) earliest = std::min(earliest, front->next_deadline());
    earliest = std::min(earliest, late_listeners.next_deadline());
    if (committer) earliest = std::min(earliest, committer->next_deadline(shard));
    return earliest;
}

void BrokerLoop::Parts::run_due() {
    const Instant now = clock.now();
    if (shard.next_deadline() <= now) shard.on_time(now);
    driver.on_time();
    for (const auto& listener : listeners) listener->on_time(now);
    for (const auto& front : fronts) front->on_time(now);
    if (late_listeners.next_deadline() <= now)
        std::ranges::move(late_listeners.try_due(now), std::back_inserter(listeners));
    process.on_time(now);
}

/// Sets the timer for the earliest deadline. Deadlines mostly move later, because each packet moves a keep alive. In
/// that case the timer stays as it is: one unneeded wake-up later is cheaper than setting the timer for each packet.
void BrokerLoop::Parts::arm_timer() {
    const Instant deadline = next_deadline();
    if (deadline >= armed_at) return;
    armed_at = deadline;
    // The shard's time differs from the machine's by clock.shift(). A deadline in the past becomes "now", because a
    // deadline such as Instant::min() minus the shift would overflow.
    timer.expires_at(to_steady(deadline == never ? never : std::max(deadline, clock.now()) - clock.shift()));
    timer.async_wait([this](const boost::system::error_code& error) {
        if (!error) armed_at = never;
    });
}

// ---------------------------------------------------------------------------------------------------------------------
// The end

void BrokerLoop::Parts::on_signal(int signal) {
    if (signal != SIGHUP) {
        log.info("stopping", {{"signal", signal}});
        return stop();
    }
    for (const auto& front : fronts) front->reload();
    process.read_configuration_again();
}

void BrokerLoop::Parts::stop() {
    if (is_stopping) {  // the second request, such as a second signal: do not wait any longer
        stop_deadline = clock.now();
        return;
    }
    is_stopping = true;
    stop_deadline = clock.now() + options.stop_time_max;
    // The listeners refer to the fronts, so they are closed first. Peers that are no links yet are closed with the
    // fronts.
    listeners.clear();
    late_listeners.clear();
    fronts.clear();
    shard.shut_down(clock.now());
    driver.flush();
}

bool BrokerLoop::Parts::stop_if_done() {
    if (is_stopped || !is_stopping) return is_stopped;
    if (driver.link_count() > 0 && clock.now() < stop_deadline) return false;
    driver.close_all();
    if (committer) committer->finish(shard, clock.now());
    is_stopped = true;
    return true;
}

void BrokerLoop::stop() { parts_->stop(); }

void BrokerLoop::request_stop() {
    asio::post(parts_->io, [parts = parts_.get()] { parts->stop(); });
}

}  // namespace ledge::runtime
