#include "hook_carrier.hpp"

#include <sys/random.h>

#include <algorithm>
#include <memory>
#include <utility>

#include "ledge/base/assert.hpp"
#include "ledge/broker/shard.hpp"
#include "ledge/runtime/hook_tls.hpp"

namespace ledge::runtime {
namespace {

auth::HookCache::Key random_key() {
    auth::HookCache::Key key{};
    const auto got = ::getrandom(key.data(), key.size(), 0);  // so few bytes come whole
    LEDGE_ASSERT(got == static_cast<ssize_t>(key.size()));
    return key;
}

const auth::HookQuestion& question_of(const session::LoginTask& task) {
    return std::get<auth::HookQuestion>(task.check);
}

}  // namespace

HookCarrier::HookCarrier(boost::asio::io_context& io, const Log& log) : log_(log), cache_(random_key()), client_(io) {}

transport::TlsClientOptions hook_tls(const auth::HookOptions& options) {
    transport::TlsClientOptions tls;
    tls.ca_file = options.ca_file;
    tls.certificate = {options.certificate_file, options.key_file};
    tls.alpn = {"http/1.1"};
    return tls;
}

std::string HookCarrier::set_options(std::optional<auth::HookOptions> options) {
    const bool is_same = options == options_ && !tls_files_.has_changed();
    options_ = std::move(options);
    cache_.set_options(options_.value_or(auth::HookOptions{}));
    if (is_same && (can_ask() || !options_)) return {};
    ++round_;
    failures_ = 0;
    rests_until_ = Instant{};
    if (options_) client_.set_idle_limits({options_->idle_max, options_->idle_time});
    return load_tls();
}

std::string HookCarrier::load_tls() {
    tls_.reset();
    tls_files_ = transport::FileWatch({});
    if (!options_ || !options_->is_tls) return {};
    const transport::TlsClientOptions wanted = hook_tls(*options_);
    tls_files_ = transport::FileWatch(transport::files_of(wanted));  // a change while they are read is seen later
    auto made = transport::make_tls_client(wanted);
    if (!made) return made.error().text;
    tls_ = std::move(*made);
    return {};
}

void HookCarrier::serve(broker::Shard& shard, Instant now) {
    for (Answered& answered : std::exchange(answered_, {}))
        shard.on_login_checked(answered.task.number, judge(answered, now), now);
    while (has_room(now)) {
        auto task = shard.take_login_task(auth::Carrier::hook, now);
        if (!task) return;
        if (auto known = cache_.find(question_of(*task), now)) {
            shard.on_login_checked(task->number, std::move(*known), now);
        } else if (!can_ask() || is_resting(now)) {
            const std::string_view reason = !options_    ? "there is no authentication hook any more"
                                            : !can_ask() ? "the authentication hook's TLS files are wrong"
                                                         : "the authentication hook does not answer, try later";
            shard.on_login_checked(task->number, auth::no_hook_answer(reason), now);
        } else if (auto body = auth::to_json(question_of(*task))) {
            ask(std::move(*task), std::move(*body));
        } else {
            shard.on_login_checked(task->number, auth::read_hook_answer(*options_, question_of(*task), 403, ""), now);
        }
    }
}

/// Whether the next one can be dealt with. After failures a single one is asked.
bool HookCarrier::has_room(Instant now) const {
    if (!can_ask() || is_resting(now)) return true;
    const std::uint32_t at_once = failures_ >= failures_tolerated ? 1 : options_->requests_max;
    return client_.under_way() < at_once;
}

void HookCarrier::ask(session::LoginTask task, std::string body) {
    transport::HttpPost post;
    post.to = {options_->host, options_->port, tls_};
    post.target = options_->target;
    post.body = std::move(body);
    post.timeout = options_->timeout;
    post.answer_bytes_max = auth::hook_answer_bytes_max;
    auto shared = std::make_shared<session::LoginTask>(std::move(task));
    client_.post(std::move(post), [this, shared, round = round_](transport::HttpReply answer) {
        answered_.push_back({std::move(*shared), std::move(answer), round});
    });
}

auth::LoginOutcome HookCarrier::judge(const Answered& answered, Instant now) {
    if (answered.round != round_ || !options_)
        return auth::no_hook_answer("the authentication hook has been replaced meanwhile");
    if (answered.answer.status == 0) {
        note_failure(answered.answer.error, now);
        return auth::no_hook_answer("the authentication hook does not answer: " + answered.answer.error);
    }
    note_answer();
    const auth::HookQuestion& question = question_of(answered.task);
    auth::LoginOutcome outcome =
        auth::read_hook_answer(*options_, question, answered.answer.status, answered.answer.body);
    if (outcome.code != wire::ReasonCode::server_unavailable) cache_.put(question, outcome, now);
    return outcome;
}

void HookCarrier::note_failure(const std::string& reason, Instant now) {
    if (is_resting(now) || ++failures_ < failures_tolerated) return;
    const std::uint32_t doubled = std::min(failures_ - failures_tolerated, 5U);
    rests_until_ = now + std::min<Duration>(rest_min * (1U << doubled), rest_max);
    if (failures_ == failures_tolerated)
        log_.warning("authentication_hook_down",
                     {{"host", options_->host}, {"port", options_->port}, {"reason", reason}});
}

void HookCarrier::note_answer() {
    if (failures_ >= failures_tolerated) log_.info("authentication_hook_up", {{"host", options_->host}});
    failures_ = 0;
    rests_until_ = Instant{};
}

}  // namespace ledge::runtime
