// The fronts and listeners of a BrokerLoop: those that are created at the start, and those that a reload adds. On the
// loop's thread.
#include <utility>

#include "broker_loop_parts.hpp"
#include "ledge/base/assert.hpp"
#include "ledge/net/post.hpp"
#include "ledge/transport/tls.hpp"

namespace ledge::runtime {
namespace {

constexpr int worker_niceness = 5;  // on a machine with few processors, messages go before handshakes

}  // namespace

BrokerLoop::Parts::MadeFront BrokerLoop::Parts::make_front(std::uint16_t index) {
    FrontOptions plain;
    const FrontOptions& wanted = index < options.fronts.size() ? options.fronts[index] : plain;
    std::unique_ptr<transport::Front> front;
    if (wanted.tls) {
        auto made = make_tls_front(index, wanted);
        if (!made) return made;
        front = std::move(*made);
    } else if (wanted.websocket) {
        front = transport::make_web_front(io, {wanted.websocket, index, wanted.web_limits}, options.pages, driver, log);
    } else {
        front = transport::make_plain_front(index, driver, log, wanted.peer_names);
    }
    if (wanted.proxy) front = transport::make_proxy_front(*wanted.proxy, std::move(front), driver, log);
    return front;
}

/// Starts the threads for TLS handshakes, once. Returns the reason of a failure, or nullopt.
std::optional<Error> BrokerLoop::Parts::start_workers() {
    if (workers != nullptr) return {};
    auto made = os::WorkerPool::create(
        net::post_to(io),
        {.name = "tls", .threads = os::worker_threads_for_this_machine(), .niceness = worker_niceness});
    if (!made) return Error{made.error(), "cannot start the threads for TLS handshakes"};
    workers = std::move(*made);
    return {};
}

BrokerLoop::Parts::MadeFront BrokerLoop::Parts::make_tls_front(std::uint16_t index, const FrontOptions& wanted) {
    if (auto problem = start_workers()) return Failure{std::move(*problem)};
    LEDGE_ASSERT(index < options.shard.listeners.size());
    const std::string& name = options.shard.listeners[index].name;
    auto front = wanted.websocket
                     ? transport::make_secure_web_front(io, {wanted.websocket, index, wanted.web_limits}, options.pages,
                                                        name, *wanted.tls, driver, *workers, log)
                     : transport::make_tls_front(index, name, *wanted.tls, driver, *workers, log);
    if (!front) return Failure{in_context("TLS of listener '{}': {}", name, front.error().reason)};
    return std::move(*front);
}

BrokerLoop::Parts::MadeFront BrokerLoop::Parts::make_admin_front(const AdminOptions& admin) {
    const transport::WebOptions web{std::nullopt, 0, admin.limits};
    if (!admin.tls) return transport::make_web_front(io, web, options.pages, driver, log);
    if (auto problem = start_workers()) return Failure{std::move(*problem)};
    auto front = transport::make_secure_web_front(io, web, options.pages, "admin", *admin.tls, driver, *workers, log);
    if (!front) return Failure{in_context("TLS of the admin listener: {}", "", front.error().reason)};
    return std::move(*front);
}

/// Opens the listeners of one endpoint, or puts the endpoint into late_listeners.
Result<bool, Error> BrokerLoop::Parts::listen(const transport::Endpoint& endpoint,
                                              std::unique_ptr<transport::Front> front,
                                              const transport::AcceptRate& rate) {
    LEDGE_ASSERT(front != nullptr);
    fronts.push_back(std::move(front));
    auto listener = transport::Listener::create(endpoint, *fronts.back(), driver, log, rate);
    if (!listener && transport::may_pass(listener.error())) {
        late_listeners.add(endpoint, *fronts.back(), rate, listener.error());
        return true;
    }
    if (!listener) return Failure{listener.error()};
    if (const std::error_code error = (*listener)->start())
        return Failure{Error{error, "cannot accept on {}", to_text(endpoint)}};
    listeners.push_back(std::move(*listener));
    return true;
}

Result<bool, Error> BrokerLoop::add_listener(const broker::ListenerOptions& listener,
                                             const transport::Endpoint& endpoint, FrontOptions front,
                                             bool has_other_users) {
    return parts_->add_listener(listener, endpoint, std::move(front), has_other_users);
}

Result<bool, Error> BrokerLoop::Parts::add_listener(const broker::ListenerOptions& listener,
                                                    const transport::Endpoint& endpoint, FrontOptions wanted,
                                                    bool has_other_users) {
    if (is_stopping) return Failure{Error{{}, "the broker is stopping"}};
    const std::size_t index = options.shard.listeners.size();
    const transport::AcceptRate rate = wanted.accept_rate;
    // make_front() reads the options by index, so they are added first and removed again when TLS cannot be set up.
    options.shard.listeners.push_back(listener);
    options.fronts.resize(index);
    options.fronts.push_back(std::move(wanted));
    auto front = make_front(static_cast<std::uint16_t>(index));
    if (!front) {
        options.shard.listeners.pop_back();
        options.fronts.pop_back();
        return Failure{front.error()};
    }
    // From here on, nothing fails: a listener that cannot be opened now is tried again.
    options.endpoints.push_back(endpoint);
    shard.add_listener(listener, has_other_users);
    fronts.push_back(std::move(*front));
    auto made = transport::Listener::create(endpoint, *fronts.back(), driver, log, rate);
    const std::error_code error = made ? (*made)->start() : std::error_code();
    if (made && !error) {
        log.info("listener_added", {{"listener", listener.name}, {"address", (*made)->addresses().front()}});
        listeners.push_back(std::move(*made));
    } else {
        const Error why = made ? Error{error, "cannot accept on {}", to_text(endpoint)} : made.error();
        late_listeners.add(endpoint, *fronts.back(), rate, why);
    }
    return true;
}

std::vector<std::string> BrokerLoop::addresses() const {
    std::vector<std::string> result;
    for (const auto& listener : parts_->listeners) {
        for (std::string& address : listener->addresses()) result.push_back(std::move(address));
    }
    return result;
}

transport::TlsCounters BrokerLoop::tls_counters() const {
    transport::TlsCounters sum;
    for (const auto& front : parts_->fronts) sum += front->tls_counters();
    return sum;
}

}  // namespace ledge::runtime
