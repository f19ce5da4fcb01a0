#include "ledge/uplink/password_maker.hpp"

#include <utility>

#include "ledge/base/assert.hpp"
#include "ledge/net/post.hpp"
#include "ledge/os/program.hpp"

namespace ledge::uplink {

/// One call of a slow hook. The maker outlives it: its end destroys the pool, which destroys the job.
class PasswordMaker::Making final : public os::WorkerPool::Job {
public:
    explicit Making(PasswordMaker& maker) : maker_(maker) {}
    /// On the thread. The hook and the stop do not change until the end of the call.
    void run() override { result_.emplace(maker_.hook_.make(*maker_.stop_)); }
    /// On the loop's thread.
    void done() override {
        maker_.result_ = std::move(result_);
        maker_.pool_.reset();
    }

private:
    PasswordMaker& maker_;
    std::optional<PasswordResult> result_;
};

PasswordMaker::PasswordMaker(PasswordHook hook, boost::asio::io_context& io) : hook_(std::move(hook)), io_(io) {}

PasswordMaker::~PasswordMaker() { give_up(); }

void PasswordMaker::begin() {
    LEDGE_ASSERT(is_used() && !is_busy());
    stop_ = std::make_unique<const os::ProgramStop>();
    if (!hook_.is_slow) {
        result_.emplace(hook_.make(*stop_));
        return;
    }
    auto pool = os::WorkerPool::create(net::post_to(io_), {.name = "password"});
    if (!pool) {
        result_.emplace(Failure{PasswordProblem{
            "a thread for the password cannot be started: " + pool.error().message(), bridge::RetryClass::network}});
        return;
    }
    pool_ = std::move(*pool);
    pool_->submit(std::make_unique<Making>(*this));
}

PasswordResult PasswordMaker::take() {
    LEDGE_ASSERT(is_done());
    PasswordResult result = std::move(*result_);
    result_.reset();
    return result;
}

void PasswordMaker::give_up() {
    if (pool_ != nullptr) stop_->request();
    pool_.reset();
    result_.reset();
}

}  // namespace ledge::uplink
