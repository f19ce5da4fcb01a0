#include "password_worker.hpp"

#include <boost/asio/post.hpp>
#include <utility>

#include "ledge/broker/shard.hpp"

namespace ledge::runtime {

PasswordWorker::~PasswordWorker() {
    if (!thread_.joinable()) return;
    {
        const std::lock_guard lock(mutex_);
        is_ending_ = true;
    }
    changed_.notify_one();
    thread_.join();
}

void PasswordWorker::serve(broker::Shard& shard, Instant now) {
    if (outcome_) {
        const Outcome outcome = *std::exchange(outcome_, std::nullopt);
        is_busy_ = false;
        shard.on_password_checked(outcome.number, outcome.is_right, now);
    }
    if (is_busy_) return;
    if (auto check = shard.take_password_check(now)) submit(std::move(*check));
}

void PasswordWorker::submit(session::PasswordCheck check) {
    is_busy_ = true;
    if (!thread_.joinable()) thread_ = std::thread([this] { work(); });
    {
        const std::lock_guard lock(mutex_);
        next_.emplace(std::move(check));
    }
    changed_.notify_one();
}

void PasswordWorker::work() {
    while (true) {
        std::unique_lock lock(mutex_);
        changed_.wait(lock, [this] { return next_ || is_ending_; });
        if (is_ending_) return;
        session::PasswordCheck check = std::move(*next_);
        next_.reset();
        lock.unlock();
        const Outcome outcome{check.number, auth::is_right(check.hash, check.password.bytes())};
        check.password.clear();
        boost::asio::post(io_, [this, outcome] { outcome_ = outcome; });
    }
}

}  // namespace ledge::runtime
