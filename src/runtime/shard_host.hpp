// ShardHost: owns the shard of a loop, and carries out what the shard cannot do itself: it commits the shard's changes
// to the store, has passwords computed, and asks the authentication hook. A BrokerLoop owns the object; on the loop's
// thread.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>

#include "committer.hpp"
#include "hook_carrier.hpp"
#include "ledge/auth/authenticator.hpp"
#include "ledge/base/error.hpp"
#include "ledge/base/log.hpp"
#include "ledge/base/time.hpp"
#include "ledge/broker/shard.hpp"
#include "ledge/storage/store.hpp"
#include "login_worker.hpp"
#include "tls_workers.hpp"

namespace ledge::runtime {

class EventLoop;

struct ShardHostOptions {
    const broker::ShardOptions& shard;  // borrowed for the constructor's call
    std::uint64_t seed = 0;
    std::uint64_t daily_write_budget_bytes = 0;  // 0 = no budget
};

class ShardHost {
public:
    /// `image` is the content of the store; it is ignored when `store` is nullptr. The hook uses `tls_workers`.
    ShardHost(EventLoop& loop, TlsWorkers& tls_workers, const Log& log, const ShardHostOptions& options,
              std::unique_ptr<storage::Store> store, const journal::StoreImage& image);
    ShardHost(const ShardHost&) = delete;
    ShardHost& operator=(const ShardHost&) = delete;

    broker::Shard& shard() { return shard_; }

    /// Starts the commit thread, if there is a store. Returns the reason of a failure, or nullopt.
    std::optional<Error> start();

    /// Puts other users, rights and another hook in force.
    void set_policy(std::shared_ptr<const auth::Policy> policy);
    /// The reason why the hook of the policy cannot be asked; nullopt = it can, or there is none.
    const std::optional<Error>& hook_problem() const { return hook_problem_; }

    /// Called once per turn, after the sockets were served: passes finished logins and commits to the shard, and begins
    /// the next ones.
    void serve(Instant now);
    void on_time(Instant now);
    /// The next instant at which on_time() or serve() must be called.
    Instant next_deadline() const;

    /// Ends the commits, after the last connection. See Committer::finish.
    void finish(Instant now);
    /// See BrokerLoop::is_store_abandoned().
    bool is_store_abandoned() const { return committer_ && committer_->is_abandoned(); }

private:
    EventLoop& loop_;
    TlsWorkers& tls_workers_;
    const Log& log_;
    std::optional<Committer> committer_;  // empty without a store
    broker::Shard shard_;
    LoginWorker login_worker_;
    HookCarrier hook_carrier_;
    std::optional<Error> hook_problem_;
};

}  // namespace ledge::runtime
