// Resolver: looks up the addresses of names without blocking the loop. The system's resolver has no deadline, so it
// runs on a thread of its own. There is one such thread; while it hangs, further names wait for it. The thread starts
// with the first name. Its owner (a Connector, or the runtime's LateListeners) calls it on the loop's thread.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "ledge/base/error.hpp"
#include "ledge/base/result.hpp"
#include "ledge/os/address.hpp"
#include "ledge/os/worker_pool.hpp"

namespace boost::asio {
class io_context;
}

namespace ledge::net {

class Resolver {
public:
    /// At least one address, port 0, in the order in which the addresses should be tried.
    using Answer = Result<std::vector<os::SocketAddress>, Error>;
    using Done = std::function<void(const Answer&)>;
    using LookUp = Answer (*)(const std::string& name);

    static constexpr std::size_t addresses_max = 8;  // addresses of one name; further addresses are ignored
    static constexpr std::size_t waiting_max = 256;  // calls of resolve() under way; further calls fail

    /// `look_up` is called on the resolver's thread and may block for any time. A test passes a function of its own.
    explicit Resolver(boost::asio::io_context& io, LookUp look_up = ask_system);
    /// Does not wait for a look-up that is under way. No `done` is called afterwards.
    ~Resolver();
    Resolver(const Resolver&) = delete;
    Resolver& operator=(const Resolver&) = delete;

    /// Looks up a name. `done` is called once, from a handler of the loop and never from resolve() itself.
    void resolve(const std::string& name, Done done);

    /// The addresses of a host that needs no look-up: an address, or "localhost". Returns an empty list when the host
    /// is another name.
    static std::vector<os::SocketAddress> known(const std::string& host);
    /// The usual `look_up`: asks the system's resolver and blocks.
    static Answer ask_system(const std::string& name);

private:
    class Question;
    bool start();
    void answer(const std::string& name, const Answer& answer);

    boost::asio::io_context& io_;
    LookUp look_up_;
    std::map<std::string, std::vector<Done>> waiting_;  // by name
    std::size_t waiting_count_ = 0;                     // over all names
    std::unique_ptr<os::WorkerPool> worker_;            // nullptr before the first name
};

}  // namespace ledge::net
