// HookCarrier: carries questions about logins to the authentication hook and answers back to the shard. At most
// HookOptions::requests_max are under way; the others wait in the shard's queue, bounded there. A hook that does not
// answer is left alone for a while: its clients are refused at once, and one question in a while tries again. On the
// loop's thread.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "ledge/auth/hook_cache.hpp"
#include "ledge/base/log.hpp"
#include "ledge/session/login_queue.hpp"
#include "ledge/transport/file_watch.hpp"
#include "ledge/transport/http_client.hpp"

namespace ledge::broker {
class Shard;
}

namespace ledge::runtime {

class HookCarrier {
public:
    static constexpr std::uint32_t failures_tolerated = 3;  // in a row, until it is left alone
    static constexpr Duration rest_min = 1s;                // doubled with each further one
    static constexpr Duration rest_max = 30s;

    HookCarrier(boost::asio::io_context& io, const Log& log);

    /// For a hook with TLS. They outlive this, or are gone before it.
    void use_workers(transport::WorkerPool& workers) { client_.use_workers(workers); }

    /// Another hook, or none. What the old one said is forgotten; who is being asked about is refused. "" or what is
    /// wrong with its files: then nobody is asked, and nobody gets in.
    std::string set_options(std::optional<auth::HookOptions> options);

    /// Once a turn: the answers that have come, and the next questions.
    void serve(broker::Shard& shard, Instant now);

private:
    struct Answered {
        session::LoginTask task;
        transport::HttpReply answer;
        std::uint64_t round = 0;
    };

    std::string load_tls();
    bool can_ask() const { return options_ && (!options_->is_tls || tls_ != nullptr); }
    bool has_room(Instant now) const;
    bool is_resting(Instant now) const { return now < rests_until_; }
    void ask(session::LoginTask task, std::string body);
    auth::LoginOutcome judge(const Answered& answered, Instant now);
    void note_failure(const std::string& reason, Instant now);
    void note_answer();

    const Log& log_;
    auth::HookCache cache_;
    std::optional<auth::HookOptions> options_;
    transport::FileWatch tls_files_{{}};
    std::shared_ptr<const transport::TlsContext> tls_;  // nullptr: without TLS, or its files are wrong
    std::vector<Answered> answered_;                    // not yet taken
    std::uint64_t round_ = 0;                           // of the options: answers to earlier questions do not count
    std::uint32_t failures_ = 0;                        // in a row
    Instant rests_until_{};
    transport::HttpClient client_;  // last: its end calls nobody
};

}  // namespace ledge::runtime
