#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "ledge/transport/endpoint.hpp"
#include "ledge/transport/tls.hpp"
#include "tls_context.hpp"
#include "tls_gate.hpp"
#include "tls_link.hpp"
#include "tls_secrets.hpp"

namespace ledge::transport {
namespace {

class TlsFront final : public Front, private TlsGate::Owner {
public:
    TlsFront(std::uint16_t index, std::unique_ptr<TlsGate> gate, Driver& driver, const Log& log)
        : index_(index), gate_(std::move(gate)), driver_(driver), log_(log) {}

    void take(int descriptor, const sockaddr_storage& address) override { gate_->take(descriptor, address, *this); }
    void on_time(Instant now) override {
        gate_->on_time(now);
        gate_->judge_again(rest_);
        rest_.on_time(now);
    }
    Instant next_deadline() const override { return std::min(gate_->next_deadline(), rest_.next_deadline()); }
    void reload() override { gate_->reload(); }
    TlsCounters tls_counters() const override { return gate_->counters(); }

private:
    void on_secured(std::unique_ptr<TlsSession> session, const sockaddr_storage& address) override {
        const std::string text = to_text(address);
        const std::string user = session->user_name();
        std::unique_ptr<TlsLink> link = TlsLink::create(std::move(session), driver_);
        if (link == nullptr) {
            log_.warning("connection_dropped", {{"address", text}, {"reason", std::strerror(errno)}});
            return;
        }
        rest_.add(*link, driver_.now());
        driver_.adopt(std::move(link), broker::Peer{index_, text, user});  // refused: the shard has said why
    }

    std::uint16_t index_;
    std::unique_ptr<TlsGate> gate_;
    TlsRest rest_;
    Driver& driver_;
    const Log& log_;
};

}  // namespace

Result<std::unique_ptr<Front>, TlsProblem> make_tls_front(std::uint16_t index, const std::string& name,
                                                          const TlsOptions& options, Driver& driver,
                                                          WorkerPool& workers, const Log& log) {
    auto gate = TlsGate::create(options, name, driver, workers, log);
    if (!gate) return Failure{gate.error()};
    return std::unique_ptr<Front>(std::make_unique<TlsFront>(index, std::move(*gate), driver, log));
}

Result<std::vector<std::string>, TlsProblem> check_tls(const TlsOptions& options) {
    auto secrets = TlsSecrets::create();
    if (secrets == nullptr) return Failure{TlsProblem{TlsProblem::Option::other, 0, "the system gives no randomness"}};
    const auto context = TlsContext::create(options, std::move(secrets));
    if (!context) return Failure{context.error()};
    return context.value()->notes();
}

}  // namespace ledge::transport
