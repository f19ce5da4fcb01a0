// LateListeners: the endpoints that could not be opened yet, mostly because a network comes up later than the broker.
// Each endpoint is tried again with growing pauses; the other listeners are served meanwhile, also while the system
// looks up the name of a host. A BrokerLoop owns the object and calls it on the loop's thread.
//
//     waiting ──pause is over──► opening ──► open, and given to the owner
//        ▲  │                     ▲   └──not possible yet──► waiting, with a longer pause
//        │  └─host is a name──► asked ──answer──┘
//        └──────no answer─────────┘
#pragma once

#include <boost/asio/io_context.hpp>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "ledge/base/error.hpp"
#include "ledge/base/log.hpp"
#include "ledge/net/resolver.hpp"
#include "ledge/transport/listener.hpp"

namespace ledge::runtime {

class LateListeners {
public:
    static constexpr Duration pause_min = 1s;  // the pause before the next attempt; it doubles after each attempt
    static constexpr Duration pause_max = 30s;
    static_assert(pause_min <= pause_max);

    /// Asks the system's resolver, and blocks. The code of an error is of os::resolver_category().
    static net::Resolver::Answer look_up_host(const std::string& name);

    /// `look_up` is called on a thread of its own; answers come back through `io`.
    LateListeners(boost::asio::io_context& io, transport::Driver& driver, const Log& log,
                  net::Resolver::LookUp look_up = look_up_host)
        : driver_(driver), log_(log), resolver_(io, look_up) {}

    // `front` must outlive this object or clear().

    // `name` is the listener's name, for the log and for the owner.

    /// Adds an endpoint after its first attempt has failed with `problem`.
    void add(const std::string& name, const transport::Endpoint& endpoint, transport::Front& front,
             const transport::AcceptRate& rate, Error problem);
    /// Adds an endpoint that was not tried yet. The first attempt is due at once.
    void add_new(const std::string& name, const transport::Endpoint& endpoint, transport::Front& front,
                 const transport::AcceptRate& rate);
    /// Tries the endpoints whose pause is over. Returns the listeners that could be opened; they accept already.
    struct Up {
        std::string name;
        std::unique_ptr<transport::Listener> listener;
    };
    std::vector<Up> try_due(Instant now);
    /// The next instant at which try_due() must be called; `never` when no endpoint waits for its time.
    Instant next_deadline() const;
    void clear() { waiting_.clear(); }

private:
    struct Waiting {
        std::uint64_t number;  // names the endpoint to its answer
        transport::Endpoint endpoint;
        transport::Front* front;
        transport::AcceptRate rate;
        std::string name;
        bool is_new;                                  // the first attempt of a new listener is to come
        Error reason;                                 // the reason that was logged last
        Duration pause;                               // the pause after the next failure
        Instant since;                                // the first attempt
        Instant next;                                 // the next attempt; `never` while the host is looked up
        std::optional<net::Resolver::Answer> answer;  // of the look-up, for the attempt that is due
    };

    using Made = Result<std::unique_ptr<transport::Listener>, Error>;
    std::unique_ptr<transport::Listener> try_again(Waiting& waiting, Instant now);
    void ask(Waiting& waiting);
    Made open(Waiting& waiting);
    void log_success(const Waiting& waiting, const transport::Listener& listener, Instant now) const;
    void put_off(Waiting& waiting, Error reason, Instant now);

    transport::Driver& driver_;
    const Log& log_;
    std::vector<Waiting> waiting_;
    std::uint64_t last_number_ = 0;
    net::Resolver resolver_;  // the last member: its answers need the others
};

}  // namespace ledge::runtime
