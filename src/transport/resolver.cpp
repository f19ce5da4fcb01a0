#include "resolver.hpp"

#include <netdb.h>
#include <netinet/in.h>
#include <pthread.h>

#include <algorithm>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <condition_variable>
#include <csignal>
#include <cstring>
#include <deque>
#include <mutex>
#include <system_error>
#include <thread>
#include <utility>

namespace ledge::transport {
namespace {

/// `flags` of getaddrinfo. The result is an error of it.
int ask(const std::string& name, int flags, std::vector<sockaddr_storage>& addresses) {
    addrinfo wanted{};
    wanted.ai_socktype = SOCK_STREAM;
    wanted.ai_flags = flags;
    addrinfo* found = nullptr;
    const int error = ::getaddrinfo(name.c_str(), nullptr, &wanted, &found);
    if (error != 0) return error;
    const std::unique_ptr<addrinfo, void (*)(addrinfo*)> list(found, ::freeaddrinfo);
    for (const addrinfo* one = found; one != nullptr && addresses.size() < Resolver::addresses_max;
         one = one->ai_next) {
        if (one->ai_addrlen > sizeof(sockaddr_storage)) continue;
        sockaddr_storage address{};
        std::memcpy(&address, one->ai_addr, one->ai_addrlen);
        addresses.push_back(address);
    }
    return 0;
}

}  // namespace

struct Resolver::Shared {
    std::mutex mutex;
    std::condition_variable changed;
    std::deque<std::string> names;
    boost::asio::io_context* io = nullptr;  // nullptr: nobody wants to know any more
    Resolver* owner = nullptr;              // the same, for the loop's thread
};

Resolver::Resolver(boost::asio::io_context& io, LookUp look_up) : io_(io), look_up_(look_up) {}

Resolver::~Resolver() {
    if (shared_ == nullptr) return;
    {
        const std::lock_guard lock(shared_->mutex);
        shared_->io = nullptr;
        shared_->owner = nullptr;
    }
    shared_->changed.notify_one();
}

std::vector<sockaddr_storage> Resolver::known(const std::string& host) {
    std::vector<sockaddr_storage> addresses;
    if (host == "localhost") {  // RFC 6761, 6.3
        ask("127.0.0.1", AI_NUMERICHOST, addresses);
        ask("::1", AI_NUMERICHOST, addresses);
    } else {
        ask(host, AI_NUMERICHOST, addresses);
    }
    return addresses;
}

Resolver::Answer Resolver::ask_system(const std::string& name) {
    std::vector<sockaddr_storage> addresses;
    const int error = ask(name, 0, addresses);  // AI_ADDRCONFIG would hide a name of this machine while it is offline
    if (error != 0) return Failure{"the name " + name + " is not resolved: " + ::gai_strerror(error)};
    if (addresses.empty()) return Failure{"the name " + name + " has no addresses"};
    return addresses;
}

void Resolver::resolve(const std::string& name, Done done) {
    if (waiting_count_ >= waiting_max || !start()) {
        boost::asio::post(io_, [done = std::move(done)] {
            done(Failure{std::string("too many wait for names, or there is no memory for a thread")});
        });
        return;
    }
    ++waiting_count_;
    auto& waiting = waiting_[name];
    waiting.push_back(std::move(done));
    if (waiting.size() > 1) return;  // one answer for all of them
    {
        const std::lock_guard lock(shared_->mutex);
        shared_->names.push_back(name);
    }
    shared_->changed.notify_one();
}

/// The thread is left to itself: whoever joins it may wait for half a minute.
bool Resolver::start() {
    if (shared_ != nullptr) return true;
    auto shared = std::make_shared<Shared>();
    shared->io = &io_;
    shared->owner = this;
    try {
        std::thread([shared, look_up = look_up_] { work(shared, look_up); }).detach();
    } catch (const std::system_error&) {
        return false;
    }
    shared_ = std::move(shared);
    return true;
}

void Resolver::work(const std::shared_ptr<Shared>& shared, LookUp look_up) {
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, nullptr);  // signals are for the loop
    std::unique_lock lock(shared->mutex);
    while (true) {
        shared->changed.wait(lock, [&] { return shared->io == nullptr || !shared->names.empty(); });
        if (shared->io == nullptr) return;
        std::string name = std::move(shared->names.front());
        shared->names.pop_front();
        lock.unlock();
        Answer answer = look_up(name);
        lock.lock();
        if (shared->io == nullptr) return;
        boost::asio::post(*shared->io, [shared, name = std::move(name), answer = std::move(answer)] {
            if (shared->owner != nullptr) shared->owner->take(name, answer);
        });
    }
}

void Resolver::take(const std::string& name, const Answer& answer) {
    const auto waiting = waiting_.extract(name);
    if (waiting.empty()) return;
    waiting_count_ -= waiting.mapped().size();
    for (const Done& done : waiting.mapped()) done(answer);
}

}  // namespace ledge::transport
