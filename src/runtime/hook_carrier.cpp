#include "hook_carrier.hpp"

#include <sys/random.h>

#include <algorithm>
#include <memory>
#include <numeric>
#include <utility>

#include "ledge/base/assert.hpp"
#include "ledge/broker/shard.hpp"
#include "ledge/runtime/hook_tls.hpp"
#include "ledge/session/login_queue.hpp"

namespace ledge::runtime {
namespace {

auth::HookCache::Key random_key() {
    auth::HookCache::Key key{};
    const auto got = ::getrandom(key.data(), key.size(), 0);  // getrandom(2) returns up to 256 bytes completely
    LEDGE_ASSERT(got == static_cast<ssize_t>(key.size()));
    return key;
}

const auth::HookQuestion& question_of(const session::LoginTask& task) {
    return std::get<auth::HookQuestion>(task.check);
}

}  // namespace

HookCarrier::HookCarrier(boost::asio::io_context& io, const Log& log) : log_(log), cache_(random_key()), client_(io) {}

net::TlsClientOptions hook_tls(const auth::HookOptions& options) {
    net::TlsClientOptions tls;
    tls.ca_file = options.ca_file;
    tls.certificate = {options.certificate_file, options.key_file};
    tls.alpn = {"http/1.1"};
    return tls;
}

std::optional<Error> HookCarrier::set_options(std::optional<auth::HookOptions> options) {
    // A reload of the configuration often changes nothing about the hook. Then its connections and its state stay.
    const bool is_same = options == options_ && !tls_files_.has_changed();
    options_ = std::move(options);
    cache_.set_options(options_.value_or(auth::HookOptions{}));
    if (is_same && (can_ask() || !options_)) return {};
    // Answers of the former hook say nothing about the new one, and neither do its failures.
    ++round_;
    failures_ = 0;
    silent_networks_.clear();
    silent_sources_.clear();
    paused_until_ = Instant{};
    if (options_) client_.set_idle_limits({options_->idle_max, options_->idle_time});
    return load_tls();
}

std::optional<Error> HookCarrier::load_tls() {
    tls_.reset();
    tls_files_ = os::FileWatch({});
    if (!options_ || !options_->is_tls) return {};
    const net::TlsClientOptions wanted = hook_tls(*options_);
    // The dates are noted before the files are read, so that a change during the reading is noticed later.
    tls_files_ = os::FileWatch(net::files_of(wanted));
    auto made = net::make_tls_client(wanted);
    if (!made) return made.error().reason;
    tls_ = std::move(*made);
    return {};
}

void HookCarrier::serve(broker::Shard& shard, Instant now) {
    for (Answered& answered : std::exchange(answered_, {}))
        shard.on_login_checked(answered.task.number, outcome_of(answered, now), now);
    while (auto task = next_task(shard, now)) answer_or_ask(shard, std::move(*task), now);
}

/// How many questions about clients of this standing and of worse standings may be under way together. A quarter of the
/// places is reserved for clients that are known by name; at most half of them serve suspects.
std::uint32_t HookCarrier::slots_for(auth::Standing standing) const {
    LEDGE_ASSERT(options_.has_value());
    const std::uint32_t all = options_->requests_max;
    switch (standing) {
        case auth::Standing::known:
        case auth::Standing::named: return all;
        case auth::Standing::unknown: return std::max(all - all / 4, 1U);
        case auth::Standing::suspect: break;
    }
    return std::max(all / 2, 1U);
}

bool HookCarrier::has_slot(auth::Standing standing) const {
    const auto first = under_way_.begin() + static_cast<std::ptrdiff_t>(standing);
    const bool may_all_be = client_.under_way() < options_->requests_max;
    return may_all_be && std::accumulate(first, under_way_.end(), 0U) < slots_for(standing);
}

/// The next login of the shard's queue that can be handled now: its question can be asked, or it can be refused.
std::optional<session::LoginTask> HookCarrier::next_task(broker::Shard& shard, Instant now) {
    using auth::Standing;
    const auto take = [&](session::StandingRange range) {
        return shard.take_login_task(auth::Carrier::hook, now, range);
    };
    if (!can_ask()) return take({});
    if (has_slot(Standing::named)) {
        if (auto task = take({Standing::known, Standing::named})) return task;
    }
    if (is_paused(now)) return take({Standing::unknown, Standing::suspect});
    if (!has_slot(Standing::unknown)) return std::nullopt;
    return take({Standing::unknown, has_slot(Standing::suspect) ? Standing::suspect : Standing::unknown});
}

/// The reason why a login is refused without a question; "" = the hook is to be asked.
std::string_view HookCarrier::reason_to_refuse(const session::LoginTask& task, Instant now) const {
    if (!options_) return "the authentication hook has been removed from the configuration";
    if (!can_ask()) return "the TLS files of the authentication hook have a mistake";
    if (is_paused(now) && task.standing > auth::Standing::named)
        return "the authentication hook does not answer, try later";
    const auto silent = silent_sources_.find(task.source);
    const bool is_source_paused = silent != silent_sources_.end() && now < silent->second.paused_until;
    return is_source_paused ? "the authentication hook does not answer about this name, try later" : "";
}

void HookCarrier::answer_or_ask(broker::Shard& shard, session::LoginTask task, Instant now) {
    if (auto known = cache_.find(question_of(task), now))
        return shard.on_login_checked(task.number, std::move(*known), now);
    const std::string_view reason = reason_to_refuse(task, now);
    if (!reason.empty()) return shard.on_login_checked(task.number, auth::no_hook_answer(reason), now);
    auto body = auth::to_json(question_of(task));
    if (!body)  // the password is not UTF-8 and cannot be put into JSON: treat the login as denied
        return shard.on_login_checked(task.number, auth::read_hook_answer(*options_, question_of(task), 403, ""), now);
    ask(std::move(task), std::move(*body));
}

void HookCarrier::ask(session::LoginTask task, std::string body) {
    LEDGE_ASSERT(can_ask());
    net::HttpPost post;
    post.to = {options_->host, options_->port, tls_};
    post.target = options_->target;
    post.body = std::move(body);
    post.timeout = options_->timeout;
    post.answer_bytes_max = auth::hook_answer_bytes_max;
    auto shared = std::make_shared<session::LoginTask>(std::move(task));  // std::function needs a copyable capture
    const auto standing = static_cast<std::size_t>(shared->standing);
    ++under_way_[standing];
    client_.post(std::move(post), [this, shared, standing, round = round_](net::HttpReply answer) {
        LEDGE_ASSERT(under_way_[standing] > 0);
        --under_way_[standing];
        answered_.push_back({std::move(*shared), std::move(answer), round});
    });
}

auth::LoginOutcome HookCarrier::outcome_of(const Answered& answered, Instant now) {
    if (answered.round != round_ || !options_)
        return auth::no_hook_answer("the configuration of the authentication hook has changed, try again");
    if (answered.answer.status == 0) {
        note_failure(answered, now);
        auth::LoginOutcome outcome =
            auth::no_hook_answer("the authentication hook does not answer: " + answered.answer.error);
        outcome.is_unanswered = !answered.answer.is_unreachable;
        return outcome;
    }
    note_answer(answered.task.source);
    const auth::HookQuestion& question = question_of(answered.task);
    auth::LoginOutcome outcome =
        auth::read_hook_answer(*options_, question, answered.answer.status, answered.answer.body);
    // Only a clear yes or no is remembered. An unusable answer must be asked again.
    if (outcome.code != wire::ReasonCode::server_unavailable) cache_.put(question, outcome, now);
    return outcome;
}

void HookCarrier::note_failure(const Answered& answered, Instant now) {
    if (!answered.answer.is_unreachable) {
        // The table must not grow without limit. Clearing it is harmless: each source may cause a few more questions.
        if (silent_sources_.size() >= silent_max) silent_sources_.clear();
        Silence& silence = silent_sources_[answered.task.source];
        if (++silence.failures >= failures_tolerated) silence.paused_until = now + pause_time;
        if (silent_networks_.size() < silent_networks_min) silent_networks_.insert(answered.task.source.network);
    }
    ++failures_;
    // A hook that cannot be reached has failed for everybody. Silence counts against the hook only when several
    // addresses have met it, because one client's questions may be the cause.
    const bool is_its_own = answered.answer.is_unreachable || silent_networks_.size() >= silent_networks_min;
    if (failures_ >= failures_tolerated && is_its_own) paused_until_ = now + pause_time;
    if (failures_ == failures_tolerated)
        log_.warning("authentication_hook_down",
                     {{"host", options_->host}, {"port", options_->port}, {"reason", answered.answer.error}});
}

void HookCarrier::note_answer(const auth::LoginSource& source) {
    if (failures_ >= failures_tolerated) log_.info("authentication_hook_up", {{"host", options_->host}});
    failures_ = 0;
    silent_networks_.clear();
    silent_sources_.erase(source);
    paused_until_ = Instant{};
}

}  // namespace ledge::runtime
