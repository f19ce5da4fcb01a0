// The old broker's side of an upgrade: what the steps of upgrade_stages.hpp do.
#include "upgrade.hpp"

#include <malloc.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <utility>

#include "held_signals.hpp"
#include "ledge/base/assert.hpp"
#include "ledge/net/poller.hpp"
#include "ledge/runtime/clock.hpp"
#include "predecessor.hpp"

namespace ledge::daemon {
namespace {

using Word = UpgradeChannel::Word;

constexpr Duration end_time_max = 5s;   // for the end of a killed program; one that waits for a disk takes longer
constexpr Duration end_grace = 200ms;   // for a program that is ending by itself; clients wait meanwhile
constexpr Duration look_interval = 1s;  // of the wait for the new broker, between two looks at the time

std::string seconds_text(Duration time) { return std::to_string(time / 1s) + " s"; }

}  // namespace

// ---------------------------------------------------------------------------------------------------------------------
// The part of the loop

/// Hears the new broker and looks at the time while the old one serves or ends its connections.
class Upgrade::Part final : public runtime::LoopPart, private net::Pollable {
public:
    Part(Upgrade& upgrade, transport::Driver& driver) : upgrade_(upgrade), driver_(driver) { upgrade_.part_ = this; }
    ~Part() override {
        watch_nobody();
        upgrade_.part_ = nullptr;
    }

    void watch(int descriptor, Instant deadline) {
        LEDGE_ASSERT(watched_ == os::no_descriptor);
        if (driver_.poller().add(descriptor, *this, EPOLLIN)) watched_ = descriptor;
        deadline_ = deadline;
    }
    void watch_nobody() {
        if (watched_ != os::no_descriptor) driver_.poller().remove(watched_);
        watched_ = os::no_descriptor;
        deadline_ = never;
        has_news_ = false;
    }
    void end_deadline() { deadline_ = never; }

    void start(Instant) override {}
    void turn(Instant) override {
        if (std::exchange(has_news_, false)) upgrade_.on_word(upgrade_.channel_.hear());
    }
    bool wants_turn() const override { return has_news_; }
    void on_time(Instant) override {
        deadline_ = never;
        upgrade_.reason_ = "the new broker was not ready within " + seconds_text(upgrade_.time_max_);
        upgrade_.handle(UpgradeEvent::failed);
    }
    Instant next_deadline() const override { return deadline_; }
    void stop(Instant) override {}
    bool is_stopped() const override { return true; }

private:
    void on_ready(std::uint32_t) override { has_news_ = true; }

    Upgrade& upgrade_;
    transport::Driver& driver_;
    int watched_ = os::no_descriptor;
    Instant deadline_ = never;
    bool has_news_ = false;
};

// ---------------------------------------------------------------------------------------------------------------------

Upgrade::Upgrade(ProgramStart program, Duration time_max, std::function<std::optional<Obstacle>()> find_obstacle,
                 const Log& log, const ServiceManager& manager)
    : program_(std::move(program)),
      time_max_(time_max),
      find_obstacle_(std::move(find_obstacle)),
      log_(log),
      manager_(manager) {}

Upgrade::~Upgrade() = default;

void Upgrade::add_to(runtime::BrokerLoopOptions& options) {
    options.parts.push_back([this](const runtime::LoopServices& services) -> std::unique_ptr<runtime::LoopPart> {
        return std::make_unique<Part>(*this, services.driver);
    });
    options.on_upgrade_signal = [this] { static_cast<void>(request()); };
    options.on_stop_signal = [this] { on_stop(); };
}

void Upgrade::attach(runtime::BrokerLoop& loop) {
    loop_ = &loop;
    must_serve_again_ = false;
    kept_.clear();          // the loop has the sockets
    held_signals_.reset();  // the loop handles them
}

Result<bool, Error> Upgrade::request() {
    const auto refuse = [this](const std::string& reason, const std::string& fix) {
        log_.warning("upgrade_refused", {{"reason", reason}, {"fix", fix}});
        return Failure{Error{{}, "{}; {}", reason, fix}};
    };
    if (stage_ != UpgradeStage::serving)
        return refuse("an upgrade is under way", "wait for its end, which the log tells");
    if (loop_ == nullptr) return refuse("the broker has not started yet", "wait for the event 'ready'");
    if (const auto obstacle = find_obstacle_()) return refuse(obstacle->reason, obstacle->fix);
    if (const auto problem = spawn()) return refuse(text_of(*problem), "see the reason");
    return true;
}

/// Starts the new broker with duplicates of all sockets. Returns the reason of a failure.
std::optional<Error> Upgrade::spawn() {
    LEDGE_ASSERT(part_ != nullptr && !new_broker_);
    auto ends = UpgradeChannel::create();
    if (!ends) return Error{ends.error(), "cannot make a channel to the new broker"};
    kept_ = loop_->duplicate_sockets();
    os::ChildProgram::Start start{program_.path, program_.arguments, environment_for_successor(kept_), {}};
    start.descriptors.push_back(ends.value().second.descriptor());
    for (const os::GivenSocket& one : kept_) start.descriptors.push_back(one.socket.get());
    auto started = os::ChildProgram::start(start);
    if (!started) {
        kept_.clear();
        return Error{started.error(), "cannot start {}", program_.path};
    }
    const UpgradeStep step = advance(stage_, UpgradeEvent::requested);
    LEDGE_ASSERT(step == UpgradeStep::start);
    new_broker_.emplace(std::move(*started));
    channel_ = std::move(ends.value().first);
    reason_.clear();
    part_->watch(channel_.descriptor(), loop_->now() + time_max_);
    log_.info("upgrade_started", {{"program", program_.path}, {"pid", static_cast<std::int64_t>(new_broker_->id())}});
    manager_.status("Upgrade: the new broker reads its configuration");
    return std::nullopt;
}

UpgradeEvent Upgrade::event_of(Word word) {
    switch (word) {
        case Word::prepared: return UpgradeEvent::prepared;
        case Word::serving: return UpgradeEvent::took_over;
        case Word::ended: break;
        case Word::open:
        case Word::nothing:
        case Word::nonsense: reason_ = "the new program does not speak as a broker does"; break;
    }
    return UpgradeEvent::failed;
}

void Upgrade::on_word(Word word) {
    if (word != Word::nothing) handle(event_of(word));
}

void Upgrade::on_stop() {
    reason_ = "this broker was asked to stop";
    handle(UpgradeEvent::stop);
}

/// What happens while a loop runs.
void Upgrade::handle(UpgradeEvent event) {
    switch (advance(stage_, event)) {
        case UpgradeStep::close:
            part_->end_deadline();
            manager_.status("Upgrade: handing over to the new broker");
            return loop_->request_hand_over();
        case UpgradeStep::give_up:
            if (stage_ == UpgradeStage::reopening) return give_up("this broker opens its store and listeners again");
            give_up("this broker goes on as before");
            kept_.clear();  // the loop has the sockets
            return manager_.status("Serving; an upgrade has failed, see the log");
        case UpgradeStep::end: return give_up("this broker ends");
        case UpgradeStep::start:
        case UpgradeStep::refuse:
        case UpgradeStep::open:
        case UpgradeStep::serve_again:
        case UpgradeStep::finish:
        case UpgradeStep::none: break;
    }
}

/// Ends the new broker and logs why. The sockets are needed further if the loop is ending already.
void Upgrade::give_up(std::string_view outcome) {
    if (part_ != nullptr) part_->watch_nobody();
    if (!new_broker_) return;
    const auto id = static_cast<std::int64_t>(new_broker_->id());
    // Without a reason of ours the program has closed its end of the channel, mostly because it is ending.
    const std::string ending = new_broker_->end(end_time_max, reason_.empty() ? end_grace : Duration::zero());
    if (reason_.empty()) reason_ = "the new broker " + ending + "; its own log lines say why";
    log_.error("upgrade_failed", {{"pid", id}, {"reason", std::exchange(reason_, {})}, {"outcome", outcome}});
    new_broker_.reset();
    channel_.close();
}

// ---------------------------------------------------------------------------------------------------------------------
// After the loop

Upgrade::Outcome Upgrade::conclude(std::unique_ptr<runtime::BrokerLoop>& loop) {
    if (stage_ == UpgradeStage::starting) on_stop();  // the loop was stopped without a signal
    loop_ = nullptr;
    if (stage_ == UpgradeStage::serving) return Outcome::stopped;
    if (stage_ == UpgradeStage::over) {
        remove_socket_files();
        return Outcome::stopped;
    }
    held_signals_ = std::make_unique<HeldSignals>();
    const bool is_abandoned = loop->is_store_abandoned();
    // Before the new broker loads the store: a small machine has no room for the sessions of both.
    loop.reset();
    ::malloc_trim(0);
    UpgradeStep step = advance(stage_, is_abandoned ? UpgradeEvent::abandoned : UpgradeEvent::closed);
    if (step == UpgradeStep::open) {
        closed_at_ = runtime::read_clock();
        channel_.say(Word::open);  // if it fails, the wait tells
        step = advance(stage_, await_new_broker(*held_signals_));
    }
    if (step == UpgradeStep::finish) {
        log_.info("upgrade_finished", {{"pid", static_cast<std::int64_t>(new_broker_->id())},
                                       {"pause_ms", (runtime::read_clock() - closed_at_) / 1ms}});
        return Outcome::handed_over;
    }
    if (step == UpgradeStep::serve_again) {
        give_up("this broker opens its store and listeners again");
        must_serve_again_ = true;
        return Outcome::serve_again;
    }
    LEDGE_ASSERT(step == UpgradeStep::end);
    if (is_abandoned) reason_ = "the disk did not finish a commit, so the store cannot change hands";
    give_up("this broker ends");
    remove_socket_files();
    return is_abandoned ? Outcome::failed : Outcome::stopped;
}

/// Waits until the new broker serves, or has failed, or until a signal asks for the stop.
UpgradeEvent Upgrade::await_new_broker(const HeldSignals& signals) {
    const Instant deadline = runtime::read_clock() + time_max_;
    const Duration interval = std::min(look_interval, manager_.watchdog_interval().value_or(look_interval));
    while (runtime::read_clock() < deadline) {
        std::array<pollfd, 2> watched{{{channel_.descriptor(), POLLIN, 0}, {signals.stop_descriptor(), POLLIN, 0}}};
        ::poll(watched.data(), watched.size(), static_cast<int>(interval / 1ms));
        // No loop runs, but the wait is healthy and has a bound of its own.
        if (manager_.watchdog_interval()) manager_.feed_watchdog();
        if (watched[0].revents != 0) {
            const Word word = channel_.hear();
            if (word != Word::nothing) return event_of(word);
        }
        if (watched[1].revents != 0) {
            reason_ = "this broker was asked to stop";
            return UpgradeEvent::stop;
        }
    }
    reason_ = "the new broker did not serve within " + seconds_text(time_max_);
    return UpgradeEvent::failed;
}

os::GivenSockets Upgrade::sockets() const {
    os::GivenSockets sockets(os::GivenSockets::From::former_broker);
    for (const os::GivenSocket& one : kept_) sockets.add({one.name, os::duplicate(one.socket.get()), one.is_file_ours});
    return sockets;
}

/// The loop has left the files to the new broker, which does not run any more.
void Upgrade::remove_socket_files() {
    for (const os::GivenSocket& one : kept_) {
        if (one.is_file_ours) ::unlink(os::own_address(one.socket.get()).path().c_str());
    }
    kept_.clear();
}

}  // namespace ledge::daemon
