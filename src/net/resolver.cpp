// Resolver: looks up host names on a thread of its own, because the system's resolver blocks. All members but look_up_
// are used on the loop's thread only.
#include "ledge/net/resolver.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <utility>

#include "ledge/base/assert.hpp"
#include "ledge/net/post.hpp"
#include "ledge/os/look_up.hpp"

namespace ledge::net {

/// One name on its way to the system's resolver and back.
class Resolver::Question final : public os::WorkerPool::Job {
public:
    // A copy of look_up_: run() must not use the resolver, which may have ended meanwhile.
    Question(Resolver& of, std::string name) : of_(of), look_up_(of.look_up_), name_(std::move(name)) {}
    void run() override { answer_ = look_up_(name_); }
    void done() override { of_.answer(name_, answer_); }

private:
    Resolver& of_;  // used by done() only, which the pool does not call after the resolver's end
    LookUp look_up_;
    std::string name_;
    Answer answer_ = Failure{Error{}};
};

Resolver::Resolver(boost::asio::io_context& io, LookUp look_up) : io_(io), look_up_(look_up) {}

// Joining the thread would wait for the system's resolver, which may hang for half a minute.
Resolver::~Resolver() {
    if (worker_ != nullptr) worker_->leave_running();
}

std::vector<os::SocketAddress> Resolver::known(const std::string& host) {
    // RFC 6761 section 6.3: "localhost" is this machine, and no name server may be asked about it.
    if (host == "localhost") return {os::SocketAddress::loopback_ipv4(0), os::SocketAddress::loopback_ipv6(0)};
    auto addresses = os::look_up(host, os::NameKind::numeric, addresses_max);
    return addresses ? std::move(*addresses) : std::vector<os::SocketAddress>();
}

Resolver::Answer Resolver::ask_system(const std::string& name) {
    auto addresses = os::look_up(name, os::NameKind::any, addresses_max);
    if (addresses && addresses->empty()) return Failure{Error{{}, "the name {} has no addresses", name}};
    return addresses;
}

void Resolver::resolve(const std::string& name, Done done) {
    LEDGE_ASSERT(done);
    if (waiting_count_ >= waiting_max || !start()) {
        // Posted and not called, so that `done` never runs inside resolve().
        boost::asio::post(io_, [done = std::move(done)] {
            done(Failure{Error{{}, "too many name look-ups are waiting, or the system cannot start a thread"}});
        });
        return;
    }
    ++waiting_count_;
    auto& waiting = waiting_[name];
    waiting.push_back(std::move(done));
    // Only the first call for a name starts a look-up. Its answer serves all calls for this name that came before it.
    if (waiting.size() == 1) worker_->submit(std::make_unique<Question>(*this, name));
}

// The thread starts with the first name. Most brokers open no connections of their own.
bool Resolver::start() {
    if (worker_ != nullptr) return true;
    auto made = os::WorkerPool::create(post_to(io_), {.name = "resolver"});
    if (!made) return false;
    worker_ = std::move(*made);
    return true;
}

void Resolver::answer(const std::string& name, const Answer& answer) {
    // Removed before the calls: a `done` may ask for the same name again, which must start a new look-up.
    const auto waiting = waiting_.extract(name);
    if (waiting.empty()) return;
    LEDGE_ASSERT(waiting_count_ >= waiting.mapped().size());
    waiting_count_ -= waiting.mapped().size();
    for (const Done& done : waiting.mapped()) done(answer);
}

}  // namespace ledge::net
