#include "login_worker.hpp"

#include <boost/asio/post.hpp>
#include <utility>

#include "ledge/broker/shard.hpp"
#include "ledge/runtime/clock.hpp"

namespace ledge::runtime {
namespace {

auth::WallTime wall_time() { return std::chrono::floor<std::chrono::seconds>(read_wall_clock()); }

}  // namespace

LoginWorker::~LoginWorker() {
    if (!thread_.joinable()) return;
    {
        const std::lock_guard lock(mutex_);
        is_ending_ = true;
    }
    changed_.notify_one();
    thread_.join();
}

void LoginWorker::serve(broker::Shard& shard, Instant now) {
    if (finished_) {
        Finished finished = *std::exchange(finished_, std::nullopt);
        is_busy_ = false;
        shard.on_login_checked(finished.number, std::move(finished.outcome), now);
    }
    if (is_busy_) return;
    if (auto task = shard.take_login_task(auth::Carrier::worker, now)) submit(std::move(*task));
}

void LoginWorker::submit(session::LoginTask task) {
    is_busy_ = true;
    if (!thread_.joinable()) thread_ = std::thread([this] { work(); });
    {
        const std::lock_guard lock(mutex_);
        next_.emplace(std::move(task));
    }
    changed_.notify_one();
}

void LoginWorker::work() {
    while (true) {
        std::unique_lock lock(mutex_);
        changed_.wait(lock, [this] { return next_ || is_ending_; });
        if (is_ending_) return;
        const session::LoginTask task = std::move(*next_);
        next_.reset();
        lock.unlock();
        Finished finished{task.number, auth::carry_out(task.check, wall_time())};
        boost::asio::post(io_, [this, result = std::move(finished)]() mutable { finished_ = std::move(result); });
    }
}

}  // namespace ledge::runtime
