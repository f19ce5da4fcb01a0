// Resolver: looks up the addresses of names beside the loop. The system's resolver knows no deadline, so it gets a
// thread of its own. There is one such thread: names that come while it hangs wait for it. The thread starts with the
// first name. On the loop's thread.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "ledge/base/result.hpp"
#include "ledge/os/address.hpp"
#include "ledge/os/worker_pool.hpp"

namespace boost::asio {
class io_context;
}

namespace ledge::net {

class Resolver {
public:
    /// At least one address, port 0, in the order in which the addresses should be tried. The error is a sentence.
    using Answer = Result<std::vector<os::SocketAddress>, std::string>;
    using Done = std::function<void(const Answer&)>;
    using LookUp = Answer (*)(const std::string& name);

    static constexpr std::size_t addresses_max = 8;  // of a name; further ones are left out
    static constexpr std::size_t waiting_max = 256;  // questions

    /// `look_up` is called on the resolver's thread and may take any time.
    explicit Resolver(boost::asio::io_context& io, LookUp look_up = ask_system);
    /// Does not wait for a look-up that is under way; no `done` is called any more.
    ~Resolver();
    Resolver(const Resolver&) = delete;
    Resolver& operator=(const Resolver&) = delete;

    /// `done` is called once, from a handler of the loop, never from here.
    void resolve(const std::string& name, Done done);

    /// The addresses of a host that needs no look-up: an address, or "localhost". Empty: the host is a name.
    static std::vector<os::SocketAddress> known(const std::string& host);
    static Answer ask_system(const std::string& name);

private:
    class Question;
    bool start();
    void answer(const std::string& name, const Answer& answer);

    boost::asio::io_context& io_;
    LookUp look_up_;
    std::map<std::string, std::vector<Done>> waiting_;
    std::size_t waiting_count_ = 0;
    std::unique_ptr<os::WorkerPool> worker_;  // nullptr: there was no name yet
};

}  // namespace ledge::net
