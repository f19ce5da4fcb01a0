// Gateways: all listeners for MQTT-SN devices of a broker, as a part of its loop. Each has a link (a UDP socket or a
// serial line), a mqttsn::Gateway, and an inner link to the broker for each connected device. It tells its figures
// below $SYS/broker/mqttsn/NAME/ (link_metrics.hpp has the rows). On the loop's thread.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "ledge/base/log.hpp"
#include "ledge/link/figures.hpp"
#include "ledge/link/options.hpp"
#include "ledge/runtime/loop_part.hpp"

namespace ledge::link {

class Gateways final : public runtime::LoopPart {
public:
    /// `seed` is for hashes and topic ids: real entropy in the daemon. `log` and the services must outlive the object.
    Gateways(std::vector<LinkOptions> options, const runtime::LoopServices& services, const Log& log,
             std::uint64_t seed);
    ~Gateways() override;

    void start(Instant now) override;
    std::optional<Error> start_problem() const override { return problem_; }
    void turn(Instant now) override;
    bool wants_turn() const override;
    void on_time(Instant now) override;
    Instant next_deadline() const override;
    void stop(Instant now) override;
    bool is_stopped() const override;
    void add_duplicates(std::vector<os::GivenSocket>& to) const override;

    /// Puts a devices file in force that was read again. Requires that the listener was named in the options.
    void set_devices(const std::string& listener, const mqttsn::DeviceTable& table, const std::string& counters_file);

    /// In the order of the options.
    std::vector<LinkFigures> figures() const;
    /// Where the links are, with the ports that the system has chosen: "udp://127.0.0.1:1883".
    std::vector<std::string> places() const;

private:
    class One;

    transport::Driver& driver_;
    std::vector<std::unique_ptr<One>> gateways_;
    std::optional<Error> problem_;  // of start(): a link that can never work
};

}  // namespace ledge::link
