// Resolver: names to addresses, beside the loop. The system's resolver has no deadline, so it has a thread of its own:
// one, whatever happens; names that come while it hangs wait for it. Starts with the first name. On the loop's thread.
#pragma once

#include <sys/socket.h>

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "ledge/base/result.hpp"

namespace boost::asio {
class io_context;
}

namespace ledge::transport {

class Resolver {
public:
    /// IPv4 and IPv6, port 0, in the order in which they should be tried; never none. The error is a sentence's end.
    using Answer = Result<std::vector<sockaddr_storage>, std::string>;
    using Done = std::function<void(const Answer&)>;
    using LookUp = Answer (*)(const std::string& name);

    static constexpr std::size_t addresses_max = 8;  // of a name; further ones are left out
    static constexpr std::size_t waiting_max = 256;  // questions

    /// `look_up` may take as long as it likes; on the thread.
    explicit Resolver(boost::asio::io_context& io, LookUp look_up = ask_system);
    /// Does not wait for a name being looked up; nobody is called.
    ~Resolver();
    Resolver(const Resolver&) = delete;
    Resolver& operator=(const Resolver&) = delete;

    /// `done` is called once, from a handler of the loop, never from here. Whoever does not want to know any more sees
    /// to that in it.
    void resolve(const std::string& name, Done done);

    /// Addresses and "localhost", which need nobody; empty: it is a name.
    static std::vector<sockaddr_storage> known(const std::string& host);
    static Answer ask_system(const std::string& name);

private:
    struct Shared;
    static void work(const std::shared_ptr<Shared>& shared, LookUp look_up);
    bool start();
    void take(const std::string& name, const Answer& answer);

    boost::asio::io_context& io_;
    LookUp look_up_;
    std::map<std::string, std::vector<Done>> waiting_;
    std::size_t waiting_count_ = 0;
    std::shared_ptr<Shared> shared_;  // with the thread; nullptr: there is none yet
};

}  // namespace ledge::transport
