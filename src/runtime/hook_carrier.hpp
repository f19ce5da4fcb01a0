// HookCarrier: carries questions about logins to the authentication hook and answers back to the shard. At most
// HookOptions::requests_max are under way, some of them kept free for clients who are known; the others wait in the
// shard's queue, bounded there.
//
// A hook that cannot be reached is left alone for a second at a time, and strangers are refused meanwhile. One that is
// silent may be so because of what it was asked: only that source (a name at an address) is left alone, unless several
// addresses have met silence and nobody has had an answer. Known clients are always asked about: they show that the
// hook is back. On the loop's thread.
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
    static constexpr std::uint32_t failures_tolerated = 3;  // in a row, until it is left alone
    static constexpr std::size_t silent_networks_min = 3;   // of silence, until it is the hook's and not theirs
    static constexpr Duration pause_time = 1s;              // short, so that a new client gets in soon afterwards
    static constexpr std::size_t silent_max = 1024;         // sources that are remembered; more: all are forgotten

    HookCarrier(boost::asio::io_context& io, const Log& log);

    /// For a hook with TLS. They outlive this, or are gone before it.
    void use_workers(os::WorkerPool& workers) { client_.use_workers(workers); }

    /// Another hook, or none. What the old one said is forgotten; who is being asked about is refused. "" or what is
    /// wrong with its files: then nobody is asked, and nobody gets in.
    std::string set_options(std::optional<auth::HookOptions> options);

    /// Once a turn: the answers that have come, and the next questions.
    void serve(broker::Shard& shard, Instant now);

private:
    struct Answered {
        session::LoginTask task;
        net::HttpReply answer;
        std::uint64_t round = 0;
    };

    std::string load_tls();
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
    os::FileWatch tls_files_{{}};                    // asked with has_changed() when the options are set again
    std::shared_ptr<const net::TlsContext> tls_;     // nullptr: without TLS, or its files are wrong
    std::vector<Answered> answered_;                 // not yet taken
    std::uint64_t round_ = 0;                        // of the options: answers to earlier questions do not count
    std::uint32_t failures_ = 0;                     // in a row
    std::unordered_set<NetworkId> silent_networks_;  // of those failures
    Instant paused_until_{};
    struct Silence {
        std::uint32_t failures = 0;  // in a row
        Instant paused_until{};
    };
    std::unordered_map<auth::LoginSource, Silence, auth::LoginSourceHash> silent_sources_;
    std::array<std::uint32_t, auth::standings> under_way_{};  // questions, by standing
    net::HttpClient client_;                                  // last: its end calls nobody
};

}  // namespace ledge::runtime
