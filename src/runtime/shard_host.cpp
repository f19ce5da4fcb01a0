#include "shard_host.hpp"

#include <algorithm>
#include <utility>

#include "event_loop.hpp"
#include "ledge/broker/options.hpp"
#include "ledge/journal/image.hpp"

namespace ledge::runtime {

ShardHost::ShardHost(EventLoop& loop, TlsWorkers& tls_workers, const Log& log, const ShardHostOptions& options,
                     std::unique_ptr<storage::Store> store, const journal::StoreImage& image)
    : loop_(loop),
      tls_workers_(tls_workers),
      log_(log),
      shard_(store ? broker::Shard(options.shard, log, options.seed, image, store->reader())
                   : broker::Shard(options.shard, log, options.seed, loop.now())),
      login_worker_(loop.io()),
      hook_carrier_(loop.io(), log) {
    if (store == nullptr) return;
    CommitterOptions commits;
    commits.lazy_interval = options.shard.durability.journal.lazy_interval;
    commits.daily_write_budget_bytes = options.daily_write_budget_bytes;
    committer_.emplace(loop.io(), std::move(store), commits, log);
    shard_.note_store(committer_->start_figures(image.bad_rows));
}

std::optional<Error> ShardHost::start() {
    const std::error_code error = committer_ ? committer_->start() : std::error_code();
    if (error) return Error{error, "cannot start the committer's thread"};
    return {};
}

void ShardHost::set_policy(std::shared_ptr<const auth::Policy> policy) {
    LEDGE_ASSERT(policy != nullptr);
    std::optional<auth::HookOptions> hook = policy->hook;
    hook_problem_ = hook && hook->is_tls ? tls_workers_.start() : std::nullopt;
    if (hook_problem_) hook.reset();  // without TLS the hook is not asked, and its logins are refused
    if (tls_workers_.is_started()) hook_carrier_.use_workers(tls_workers_.pool());
    if (auto mistake = hook_carrier_.set_options(std::move(hook))) hook_problem_ = std::move(mistake);
    if (hook_problem_) log_.error("authentication_hook_down", {{"reason", text_of(*hook_problem_)}});
    shard_.set_policy(std::move(policy), loop_.now());
}

void ShardHost::serve(Instant now) {
    login_worker_.serve(shard_, now);
    hook_carrier_.serve(shard_, now);
    if (committer_) committer_->serve(shard_, now);
}

void ShardHost::on_time(Instant now) {
    if (shard_.next_deadline() <= now) shard_.on_time(now);
}

Instant ShardHost::next_deadline() const {
    return committer_ ? std::min(shard_.next_deadline(), committer_->next_deadline(shard_)) : shard_.next_deadline();
}

void ShardHost::finish(Instant now) {
    if (committer_) committer_->finish(shard_, now);
}

}  // namespace ledge::runtime
