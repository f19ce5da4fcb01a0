#include "reloader.hpp"

#include <utility>

#include "ledge/base/assert.hpp"
#include "ledge/broker/shard.hpp"
#include "ledge/net/post.hpp"

namespace ledge::runtime {

/// One task: its reading on the worker, and its end on the loop's thread.
class Reloader::Job final : public os::WorkerPool::Job {
public:
    Job(Reloader& of, std::unique_ptr<ReloadTask> task) : of_(of), task_(std::move(task)) {}
    std::future<void> read() { return read_.get_future(); }
    void run() override {
        task_->read();
        read_.set_value();
    }
    void done() override { of_.finish(*task_); }

private:
    Reloader& of_;  // used by done() only, which the pool does not call after the Reloader's end
    std::unique_ptr<ReloadTask> task_;
    std::promise<void> read_;
};

Reloader::Reloader(boost::asio::io_context& io, broker::Shard& shard, MakeReloadTask configuration,
                   MakeReloadTask policy)
    : io_(io), shard_(shard), configuration_(std::move(configuration)), policy_(std::move(policy)) {}

// A task that is being read goes on with its own data only, so nothing is lost when it is left behind.
Reloader::~Reloader() {
    stop();
    if (worker_ == nullptr) return;
    if (read_.wait_for(finish_time_max) != std::future_status::ready) worker_->leave_running();
}

void Reloader::stop() {
    is_stopped_ = true;
    wants_configuration_ = wants_policy_ = false;
}

void Reloader::read_configuration() {
    if (is_stopped_ || !configuration_) return;
    wants_configuration_ = true;
    begin_next();
}

void Reloader::on_time(Instant now) {
    if (!files_.on_time(now) || is_stopped_ || !policy_) return;
    wants_policy_ = true;
    begin_next();
}

void Reloader::begin_next() {
    if (is_busy_) return;  // finish() calls again
    if (std::exchange(wants_configuration_, false)) return begin_configuration();
    is_configuration_ = false;
    if (std::exchange(wants_policy_, false)) submit(policy_());
}

/// The files' dates are noted before the files are read, so that a change during the reading is noticed later. If the
/// configuration is refused, the former dates are restored: the files still differ from the policy in force.
void Reloader::begin_configuration() {
    files_before_ = files_;
    files_.accept();
    is_configuration_ = true;
    is_policy_included_ = std::exchange(wants_policy_, false);
    submit(configuration_());
}

void Reloader::submit(std::unique_ptr<ReloadTask> task) {
    LEDGE_ASSERT(!is_busy_ && worker_ == nullptr && task != nullptr);
    is_busy_ = true;
    files_at_reading_ = os::FileWatch(files_.paths());
    auto job = std::make_unique<Job>(*this, std::move(task));
    read_ = job->read();
    auto made = os::WorkerPool::create(net::post_to(io_), {.name = "reload"});
    if (made) {
        worker_ = std::move(*made);
        return worker_->submit(std::move(job));
    }
    // The system cannot start a thread now. The loop reads the files itself: the clients wait, but the operator's wish
    // is met. The end is posted, as a worker would do it: nobody expects the outcome within this call.
    job->run();
    net::post_to(io_)([done = std::shared_ptr<Job>(std::move(job))] { done->done(); });
}

void Reloader::finish(ReloadTask& task) {
    LEDGE_ASSERT(is_busy_);
    is_busy_ = false;
    worker_.reset();
    if (is_stopped_) return;
    if (files_at_reading_.has_changed() && rereadings_ < rereadings_max) return drop_result();
    rereadings_ = 0;
    if (task.put_in_force() == Reloaded::refused) note_refusal();
    begin_next();
}

/// A writer changed a file during the reading, so the task may have read half of it: an empty list of rights would
/// disconnect every client. The result is dropped. A configuration is read again at once, because the operator waits
/// for it; a changed file is read again when it has settled, which on_time() reports.
void Reloader::drop_result() {
    if (is_configuration_) {
        ++rereadings_;
        files_ = files_before_;  // begin_configuration() notes the dates anew
        wants_configuration_ = true;
        wants_policy_ = wants_policy_ || is_policy_included_;
    }
    begin_next();
}

void Reloader::note_refusal() {
    shard_.note_reload(false);
    if (!is_configuration_) return;
    // A change that was noticed during the reading is read next in any case.
    if (!wants_policy_) files_ = files_before_;
    wants_policy_ = wants_policy_ || is_policy_included_;
}

}  // namespace ledge::runtime
