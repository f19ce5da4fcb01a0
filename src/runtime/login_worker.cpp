#include "login_worker.hpp"

#include <utility>

#include "ledge/base/assert.hpp"
#include "ledge/broker/shard.hpp"
#include "ledge/net/post.hpp"
#include "ledge/runtime/clock.hpp"
#include "ledge/session/login_queue.hpp"

namespace ledge::runtime {
namespace {

auth::WallTime wall_time() { return std::chrono::floor<std::chrono::seconds>(read_wall_clock()); }

}  // namespace

/// One password check: its computation on the worker, and its report on the loop's thread.
class LoginWorker::Check final : public os::WorkerPool::Job {
public:
    Check(LoginWorker& of, session::LoginTask task) : of_(of), task_(std::move(task)) {}
    void run() override { outcome_ = auth::carry_out(task_.check, wall_time()); }
    void done() override { of_.finished_.emplace(Finished{task_.number, std::move(outcome_)}); }

private:
    LoginWorker& of_;
    session::LoginTask task_;
    auth::LoginOutcome outcome_;
};

void LoginWorker::serve(broker::Shard& shard, Instant now) {
    if (finished_) {
        LEDGE_ASSERT(is_busy_);
        Finished finished = *std::exchange(finished_, std::nullopt);
        is_busy_ = false;
        shard.on_login_checked(finished.number, std::move(finished.outcome), now);
    }
    if (is_busy_) return;
    if (auto task = shard.take_login_task(auth::Carrier::worker, now)) submit(std::move(*task));
}

void LoginWorker::submit(session::LoginTask task) {
    LEDGE_ASSERT(!is_busy_ && !finished_);
    is_busy_ = true;
    auto check = std::make_unique<Check>(*this, std::move(task));
    if (worker_ == nullptr) {
        auto made = os::WorkerPool::create(net::post_to(io_), {.name = "login"});
        if (made) worker_ = std::move(*made);
    }
    if (worker_ != nullptr) return worker_->submit(std::move(check));
    // The system cannot start a thread now. The loop computes this check itself: the other clients wait for up to
    // seconds, but the login is answered. The next check tries to start the thread again.
    check->run();
    net::post_to(io_)([done = std::shared_ptr<Check>(std::move(check))] { done->done(); });
}

}  // namespace ledge::runtime
