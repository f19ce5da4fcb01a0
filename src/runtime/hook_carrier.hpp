// HookCarrier: carries questions about logins to the authentication hook and the answers back to the shard. At most
// HookOptions::requests_max questions are under way, and a part of these places is reserved for known clients. The
// other questions wait in the shard's queue, which has a limit. A BrokerLoop owns the HookCarrier and calls it on its
// thread.
//
// If the hook cannot be reached, the HookCarrier asks nothing about unknown clients for one second and refuses their
// logins. If the hook is reached but does not answer, the question itself may be the cause. Then only its source (a
// user name at an address) is refused for one second, unless several addresses got no answer and no question got one.
// The hook is always asked about known clients; their answers show when the hook works again.
#pragma once

#include <array>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "ledge/auth/hook_cache.hpp"
#include "ledge/base/log.hpp"
#include "ledge/net/http_client.hpp"
#include "ledge/os/file_watch.hpp"
#include "ledge/session/login_queue.hpp"

namespace ledge::broker {
class Shard;
}

namespace ledge::runtime {

class HookCarrier {
public:
    static constexpr std::uint32_t failures_tolerated = 3;  // failures in a row before a pause begins
    static constexpr std::size_t silent_networks_min = 3;   // silence at this many addresses counts against the hook
    static constexpr Duration pause_time = 1s;              // short: new clients wait little after the return
    static constexpr std::size_t silent_max = 1024;  // remembered sources; when one more comes, all are forgotten

    HookCarrier(boost::asio::io_context& io, const Log& log);

    /// Sets the threads that compute TLS handshakes. Required before the first question to a hook with TLS.
    void use_workers(os::WorkerPool& workers) { client_.use_workers(workers); }

    /// Sets another hook, or none. The answers of the former hook are forgotten, and logins that it is being asked
    /// about are refused. Returns the mistake in the hook's TLS files, or nullopt. In case of a mistake no question is
    /// asked, and every login that depends on the hook is refused.
    std::optional<Error> set_options(std::optional<auth::HookOptions> options);

    /// Called once per turn. Passes the answers that have come to the shard, and asks the next questions.
    void serve(broker::Shard& shard, Instant now);

private:
    struct Answered {
        session::LoginTask task;
        net::HttpReply answer;
        std::uint64_t round = 0;
    };

    std::optional<Error> load_tls();
    bool can_ask() const { return options_ && (!options_->is_tls || tls_ != nullptr); }
    std::optional<session::LoginTask> next_task(broker::Shard& shard, Instant now);
    std::uint32_t slots_for(auth::Standing standing) const;
    bool has_slot(auth::Standing standing) const;
    std::string_view reason_to_refuse(const session::LoginTask& task, Instant now) const;
    void answer_or_ask(broker::Shard& shard, session::LoginTask task, Instant now);
    void ask(session::LoginTask task, std::string body);
    auth::LoginOutcome outcome_of(const Answered& answered, Instant now);
    bool is_paused(Instant now) const { return now < paused_until_; }
    void note_failure(const Answered& answered, Instant now);
    void note_answer(const auth::LoginSource& source);

    const Log& log_;
    auth::HookCache cache_;
    std::optional<auth::HookOptions> options_;
    os::FileWatch tls_files_{{}};                 // set_options() asks has_changed()
    std::shared_ptr<const net::TlsContext> tls_;  // nullptr = no TLS, or its files have a mistake
    std::vector<Answered> answered_;              // answers that serve() has not handled yet
    std::uint64_t round_ = 0;                     // grows when the hook changes; answers of earlier rounds are ignored
    std::uint32_t failures_ = 0;                  // failures in a row, over all sources
    std::unordered_set<NetworkId> silent_networks_;  // the addresses that got no answer during these failures
    Instant paused_until_{};
    struct Silence {
        std::uint32_t failures = 0;  // failures in a row of one source
        Instant paused_until{};
    };
    std::unordered_map<auth::LoginSource, Silence, auth::LoginSourceHash> silent_sources_;
    std::array<std::uint32_t, auth::standings> under_way_{};  // questions under way, by standing
    net::HttpClient client_;                                  // the last member, so destroyed first
};

}  // namespace ledge::runtime
