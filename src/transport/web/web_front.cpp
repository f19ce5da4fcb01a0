// The web front. This translation unit compiles all of Beast, which takes 0.8 GB of memory and half a minute. Its parts
// are templates over the stream below them, a plain socket or TLS. On the loop's thread.
#include <algorithm>

#include "../tls/tls_gate.hpp"
#include "http_answers.hpp"
#include "http_requests.hpp"
#include "http_session.hpp"
#include "ledge/net/tls_stream.hpp"

namespace ledge::transport {

/// Closes a visitor if the limit is reached: the one that has waited longest, among those of the network with most
/// visitors. One that sends a request or gets an answer goes before one that waits for its answer.
void WebFrontState::make_room() {
    List& requesting = list_of(Visit::requesting);
    List& waiting = list_of(Visit::waiting);
    if (requesting.size() + waiting.size() < options.limits.visitors_max) return;
    List& list = requesting.empty() ? waiting : requesting;
    if (list.empty()) return;
    const auto is_largest = [this](const Visitor& v) { return networks.of(v.network) == networks.largest(); };
    const auto found = std::find_if(list.begin(), list.end(), is_largest);
    (found != list.end() ? *found : list.front()).close();
}

Duration WebFrontState::time_of(Visit visit) const {
    switch (visit) {
        case Visit::requesting: return options.limits.request_timeout;
        case Visit::waiting: return options.limits.answer_time_max;
        case Visit::streaming: return options.limits.stall_time_max;
        case Visit::quiet: return Duration::max();
        case Visit::ending: return options.limits.linger_time_max;
    }
    return Duration::zero();
}

void WebFrontState::wait(Visitor& visitor, Visit visit) {
    // A visitor that waits again gets a new deadline and a place at the end of the list. All deadlines of a list are
    // the same time away, so the list is ordered.
    forget(visitor);
    visitor.deadline = visit == Visit::quiet ? never : driver.now() + time_of(visit);
    List& list = list_of(visit);
    list.push_back(visitor);
    visitor.list = &list;
    networks.add(visitor.network);
}

void WebFrontState::forget(Visitor& visitor) {
    if (visitor.list == nullptr) return;
    visitor.list->erase(visitor.list->iterator_to(visitor));
    visitor.list = nullptr;
    networks.remove(visitor.network);
}

namespace {

class WebFront final : public Front, private TlsGate::Owner {
public:
    WebFront(asio::io_context& io, WebOptions options, const HttpHandler& handler, Driver& driver, const Log& log)
        : io_(io), state_{std::move(options), handler, driver, log} {}
    ~WebFront() override {
        for (WebFrontState::List& list : state_.lists) {
            while (!list.empty()) list.front().close();
        }
    }

    /// From now on, every peer makes a TLS handshake first.
    void set_gate(std::unique_ptr<TlsGate> gate) { gate_ = std::move(gate); }

    void accept(os::Descriptor socket, const os::SocketAddress& address) override {
        if (gate_) return gate_->accept(std::move(socket), address, *this);
        begin_session(address, peer_of(socket.get(), address),
                      [&] { return PlainStream(io_, std::move(socket), address.family()); });
    }
    void reload() override {
        if (gate_) gate_->reload();
    }

    void on_time(Instant now) override {
        for (WebFrontState::List& list : state_.lists) {
            while (!list.empty() && list.front().deadline <= now) list.front().expire();
        }
        if (!gate_) return;
        gate_->on_time(now);
        gate_->end_revoked_connections(rest_);
        rest_.on_time(now);
    }
    Instant next_deadline() const override {
        Instant earliest = gate_ ? std::min(gate_->next_deadline(), rest_.next_deadline()) : never;
        for (const WebFrontState::List& list : state_.lists) {
            if (!list.empty()) earliest = std::min(earliest, list.front().deadline);
        }
        return earliest;
    }
    std::size_t asio_peers() const override { return *state_.count; }
    TlsCounters tls_counters() const override { return gate_ ? gate_->counters() : TlsCounters{}; }

private:
    /// Names the process of a Unix socket, whose rights the file of the socket has decided.
    static ProvenPeer peer_of(int socket, const os::SocketAddress& address) {
        ProvenPeer peer;
        ucred process{};
        socklen_t size = sizeof process;
        if (address.family() == AF_UNIX && ::getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &process, &size) == 0)
            peer.process = PeerProcess{process.uid, process.pid};
        return peer;
    }

    void on_secured(std::unique_ptr<net::TlsSession> session, const os::SocketAddress& address) override {
        ProvenPeer peer{session->user_name(), session->has_peer_certificate(), {}};
        begin_session(address, std::move(peer), [&] {
            net::TlsStream stream(io_, std::move(session));
            stream.join(rest_, state_.driver.now());
            return stream;
        });
    }

    template <class Make>
    void begin_session(const os::SocketAddress& address, ProvenPeer peer, const Make& make_stream) {
        state_.make_room();
        try {
            using Session = HttpSession<decltype(make_stream())>;
            // The handlers of the session share its ownership; the session ends with the last of them.
            std::make_shared<Session>(make_stream(), address, std::move(peer), state_)->begin();
        } catch (const boost::system::system_error& error) {  // the loop cannot watch one more socket
            state_.log.warning("connection_dropped", {{"address", to_text(address)}, {"reason", error.what()}});
        }
    }

    asio::io_context& io_;
    WebFrontState state_;
    net::IdleBuffers rest_;  // used with a gate only
    // nullptr = no TLS. The last member, so that no peer comes out of the gate while the other members are destroyed.
    std::unique_ptr<TlsGate> gate_;
};

}  // namespace

std::unique_ptr<Front> make_web_front(boost::asio::io_context& io, WebOptions options, const HttpHandler& handler,
                                      Driver& driver, const Log& log) {
    return std::make_unique<WebFront>(io, std::move(options), handler, driver, log);
}

Result<std::unique_ptr<Front>, net::TlsProblem> make_secure_web_front(boost::asio::io_context& io, WebOptions options,
                                                                      const HttpHandler& handler,
                                                                      const std::string& name,
                                                                      const net::TlsOptions& tls, Driver& driver,
                                                                      os::WorkerPool& workers, const Log& log) {
    auto gate = TlsGate::create(tls, name, driver, workers, log);
    if (!gate) return Failure{gate.error()};
    auto front = std::make_unique<WebFront>(io, std::move(options), handler, driver, log);
    front->set_gate(std::move(*gate));
    return std::unique_ptr<Front>(std::move(front));
}

}  // namespace ledge::transport
