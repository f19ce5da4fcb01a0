// LineListeners: all serial listeners with mode = "lines", as a part of the broker's loop. Each has a serial port, a
// lines::LinePort and a client of the broker (inner::InnerClient). It tells its figures below
// $SYS/broker/lines/NAME/ (line_metrics.hpp has the rows). On the loop's thread.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "ledge/base/log.hpp"
#include "ledge/lines/options.hpp"
#include "ledge/link/line_figures.hpp"
#include "ledge/link/serial_port.hpp"
#include "ledge/runtime/loop_part.hpp"

namespace ledge::link {

struct LineListenerOptions {
    std::string name;            // of the listener
    std::uint16_t listener = 0;  // index in ShardOptions::listeners of the listener that stands for the client
    std::string client_id;       // of that client; one of session/inner_clients.hpp
    SerialLine line;
    lines::Options lines;
};

class LineListeners final : public runtime::LoopPart {
public:
    /// `log` and the services must outlive the object.
    LineListeners(std::vector<LineListenerOptions> options, const runtime::LoopServices& services, const Log& log);
    ~LineListeners() override;

    void start(Instant now) override;
    void turn(Instant now) override;
    bool wants_turn() const override;
    void on_time(Instant now) override;
    Instant next_deadline() const override;
    void stop(Instant now) override;
    bool is_stopped() const override;

    /// In the order of the options.
    std::vector<LineFigures> figures() const;

private:
    class One;

    std::vector<std::unique_ptr<One>> listeners_;
};

}  // namespace ledge::link
