#include "listening.hpp"

#include <algorithm>
#include <utility>

#include "ledge/base/assert.hpp"
#include "ledge/os/given_sockets.hpp"
#include "ledge/transport/proxy.hpp"
#include "ledge/transport/tls.hpp"

namespace ledge::runtime {

using transport::Listener;

// ---------------------------------------------------------------------------------------------------------------------
// Fronts

Listening::MadeFront Listening::make_front(std::uint16_t index, const std::string& name, const FrontOptions& wanted) {
    std::unique_ptr<transport::Front> front;
    if (wanted.tls) {
        auto made = make_tls_front(index, name, wanted);
        if (!made) return made;
        front = std::move(*made);
    } else if (wanted.websocket) {
        front = transport::make_web_front(services_.io, {wanted.websocket, index, wanted.web_limits}, services_.pages,
                                          services_.driver, services_.log);
    } else {
        front = transport::make_plain_front(index, services_.driver, services_.log, wanted.peer_names);
    }
    if (wanted.proxy)
        front = transport::make_proxy_front(*wanted.proxy, std::move(front), services_.driver, services_.log);
    return front;
}

Listening::MadeFront Listening::make_tls_front(std::uint16_t index, const std::string& name,
                                               const FrontOptions& wanted) {
    if (auto problem = services_.tls_workers.start()) return Failure{std::move(*problem)};
    os::WorkerPool& workers = services_.tls_workers.pool();
    auto front = wanted.websocket
                     ? transport::make_secure_web_front(services_.io, {wanted.websocket, index, wanted.web_limits},
                                                        services_.pages, name, *wanted.tls, services_.driver, workers,
                                                        services_.log)
                     : transport::make_tls_front(index, name, *wanted.tls, services_.driver, workers, services_.log);
    if (!front) return Failure{in_context("TLS of listener '{}': {}", name, front.error().reason)};
    return std::move(*front);
}

Listening::MadeFront Listening::make_admin_front(const AdminOptions& admin) {
    const transport::WebOptions web{std::nullopt, 0, admin.limits};
    if (!admin.tls)
        return transport::make_web_front(services_.io, web, services_.pages, services_.driver, services_.log);
    if (auto problem = services_.tls_workers.start()) return Failure{std::move(*problem)};
    auto front = transport::make_secure_web_front(services_.io, web, services_.pages, "admin", *admin.tls,
                                                  services_.driver, services_.tls_workers.pool(), services_.log);
    if (!front) return Failure{in_context("TLS of the admin listener: {}", "", front.error().reason)};
    return std::move(*front);
}

void Listening::reload() {
    for (const auto& front : fronts_) front->reload();
}

bool Listening::has_asio_peers() const {
    return std::any_of(fronts_.begin(), fronts_.end(), [](const auto& front) { return front->asio_peers() > 0; });
}

transport::TlsCounters Listening::tls_counters() const {
    transport::TlsCounters sum;
    for (const auto& front : fronts_) sum += front->tls_counters();
    return sum;
}

transport::TlsCounters Listening::tls_counters(std::uint16_t index) const {
    transport::TlsCounters sum;
    for (std::size_t i = 0; i < fronts_.size(); ++i) {
        if (indexes_[i] == index) sum += fronts_[i]->tls_counters();
    }
    return sum;
}

// ---------------------------------------------------------------------------------------------------------------------
// Listeners

Result<bool, Error> Listening::open(std::optional<std::uint16_t> index, const std::string& name,
                                    const transport::Endpoint& endpoint, std::unique_ptr<transport::Front> front,
                                    const transport::AcceptRate& rate) {
    LEDGE_ASSERT(front != nullptr);
    fronts_.push_back(std::move(front));
    indexes_.push_back(index);
    auto listener =
        Listener::create(endpoint, *fronts_.back(), services_.driver, services_.log, rate, {services_.given, name});
    if (!listener && transport::may_pass(listener.error())) {
        late_listeners_.add(name, endpoint, *fronts_.back(), rate, listener.error());
        return true;
    }
    if (!listener) return Failure{listener.error()};
    if (const std::error_code error = (*listener)->start())
        return Failure{Error{error, "cannot accept on {}", to_text(endpoint)}};
    listeners_.push_back({name, std::move(*listener)});
    return true;
}

void Listening::add(std::uint16_t index, const std::string& name, const transport::Endpoint& endpoint,
                    std::unique_ptr<transport::Front> front, const transport::AcceptRate& rate) {
    LEDGE_ASSERT(front != nullptr);
    fronts_.push_back(std::move(front));
    indexes_.push_back(index);
    if (needs_look_up(endpoint)) return late_listeners_.add_new(name, endpoint, *fronts_.back(), rate);
    auto made = Listener::create(endpoint, *fronts_.back(), services_.driver, services_.log, rate);
    const std::error_code error = made ? (*made)->start() : std::error_code();
    if (made && !error) {
        services_.log.info("listener_added", {{"listener", name}, {"address", (*made)->addresses().front()}});
        listeners_.push_back({name, std::move(*made)});
    } else {
        Error why = made ? Error{error, "cannot accept on {}", to_text(endpoint)} : made.error();
        late_listeners_.add(name, endpoint, *fronts_.back(), rate, std::move(why));
    }
}

// The listeners refer to the fronts, so they are closed first. Peers that are no links yet are closed with the fronts.
void Listening::close() {
    listeners_.clear();
    late_listeners_.clear();
    fronts_.clear();
    indexes_.clear();
}

void Listening::add_duplicates(std::vector<os::GivenSocket>& to) const {
    for (const Open& open : listeners_) open.listener->add_duplicates(open.name, to);
}

void Listening::keep_files() {
    for (const Open& open : listeners_) open.listener->keep_files();
}

std::vector<std::string> Listening::addresses() const {
    std::vector<std::string> result;
    for (const Open& open : listeners_) {
        for (std::string& address : open.listener->addresses()) result.push_back(std::move(address));
    }
    return result;
}

// ---------------------------------------------------------------------------------------------------------------------
// Time

void Listening::on_time(Instant now) {
    for (const Open& open : listeners_) open.listener->on_time(now);
    for (const auto& front : fronts_) front->on_time(now);
    if (late_listeners_.next_deadline() > now) return;
    for (LateListeners::Up& up : late_listeners_.try_due(now))
        listeners_.push_back({std::move(up.name), std::move(up.listener)});
}

Instant Listening::next_deadline() const {
    Instant earliest = late_listeners_.next_deadline();
    for (const Open& open : listeners_) earliest = std::min(earliest, open.listener->next_deadline());
    for (const auto& front : fronts_) earliest = std::min(earliest, front->next_deadline());
    return earliest;
}

}  // namespace ledge::runtime
