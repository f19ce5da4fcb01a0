// KeptPort: a serial port that is opened again and again. A port that is not there, or is unplugged, is tried for ever,
// with pauses of 1 to 10 s. The owner logs what happens. On the loop's thread.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <utility>

#include "ledge/base/assert.hpp"
#include "ledge/base/time.hpp"
#include "ledge/link/serial_port.hpp"

namespace ledge::link {

class KeptPort {
public:
    static constexpr Duration pause_min = 1s;  // between two attempts to open the port; doubled up to pause_max
    static constexpr Duration pause_max = 10s;

    /// The poller must outlive the object.
    KeptPort(net::Poller& poller, SerialLine line) : port_(poller, std::move(line)) {}

    /// Requires !port().is_open(). False: a later attempt is planned, and problem() says why.
    bool open(Instant now) {
        retry_at_ = never;
        if (const auto problem = port_.open()) {
            put_off(text_of(*problem), now);
            return false;
        }
        // The port works, so a later loss has another cause, and the pauses begin anew.
        ++opened_;
        pause_ = pause_min;
        problem_.clear();
        return true;
    }
    /// Closes a port that was lost, and plans to open it again. True: it was lost.
    bool close_if_lost(Instant now) {
        if (!port_.is_open() || !port_.is_lost()) return false;
        std::string reason = port_.lost_reason();
        port_.close();
        put_off(std::move(reason), now);
        return true;
    }
    /// For good: no further attempt.
    void close() {
        port_.close();
        retry_at_ = never;
    }
    /// When open() must be called again.
    Instant retry_at() const { return retry_at_; }

    SerialPort& port() { return port_; }
    const SerialPort& port() const { return port_; }
    std::string place() const { return "serial:" + port_.line().path; }
    std::uint64_t opened() const { return opened_; }
    /// Why the port is not open; "" = it is.
    const std::string& problem() const { return problem_; }
    /// True once for each new problem: a port that stays away is told once.
    bool has_new_problem() { return std::exchange(is_problem_new_, false); }

private:
    void put_off(std::string problem, Instant now) {
        LEDGE_ASSERT(!port_.is_open());
        retry_at_ = now + pause_;
        pause_ = std::min<Duration>(2 * pause_, pause_max);
        is_problem_new_ = std::exchange(problem_, std::move(problem)) != problem_;
    }

    SerialPort port_;
    Instant retry_at_ = never;
    Duration pause_ = pause_min;
    std::string problem_;
    bool is_problem_new_ = false;
    std::uint64_t opened_ = 0;
};

}  // namespace ledge::link
