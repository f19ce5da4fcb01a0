// The front for MQTT over TLS: a gate for the handshakes, and the links that come out of it. On the shard's thread.
#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "ledge/net/tls_context.hpp"
#include "ledge/net/tls_secrets.hpp"
#include "ledge/transport/tls.hpp"
#include "tls_gate.hpp"
#include "tls_link.hpp"

namespace ledge::transport {
namespace {

class TlsFront final : public Front, private TlsGate::Owner {
public:
    TlsFront(std::uint16_t index, std::unique_ptr<TlsGate> gate, Driver& driver, const Log& log)
        : index_(index), gate_(std::move(gate)), driver_(driver), log_(log) {}

    void accept(os::Descriptor socket, const os::SocketAddress& address) override {
        gate_->accept(std::move(socket), address, *this);
    }
    void on_time(Instant now) override {
        gate_->on_time(now);
        // `rest_` has all connections of this front, so the gate needs no list of its own.
        gate_->end_revoked_connections(rest_);
        rest_.on_time(now);
    }
    Instant next_deadline() const override { return std::min(gate_->next_deadline(), rest_.next_deadline()); }
    void reload() override { gate_->reload(); }
    TlsCounters tls_counters() const override { return gate_->counters(); }

private:
    void on_secured(std::unique_ptr<net::TlsSession> session, const os::SocketAddress& address) override {
        const std::string text = to_text(address);
        // Read before the session moves into the link.
        const std::string user = session->user_name();
        std::unique_ptr<TlsLink> link = TlsLink::create(std::move(session), driver_);
        if (link == nullptr) {
            log_.warning("connection_dropped", {{"address", text}, {"reason", std::strerror(errno)}});
            return;
        }
        rest_.add(*link, driver_.now());
        driver_.adopt(std::move(link), broker::Peer{index_, text, user});  // if the shard refuses, it logs the reason
    }

    std::uint16_t index_;
    std::unique_ptr<TlsGate> gate_;
    net::IdleBuffers rest_;
    Driver& driver_;
    const Log& log_;
};

}  // namespace

Result<std::unique_ptr<Front>, net::TlsProblem> make_tls_front(std::uint16_t index, const std::string& name,
                                                               const net::TlsOptions& options, Driver& driver,
                                                               os::WorkerPool& workers, const Log& log) {
    auto gate = TlsGate::create(options, name, driver, workers, log);
    if (!gate) return Failure{gate.error()};
    return std::unique_ptr<Front>(std::make_unique<TlsFront>(index, std::move(*gate), driver, log));
}

}  // namespace ledge::transport
