// LineFigures: what one serial listener with mode = "lines" tells about itself. line_metrics.hpp has the rows that show
// it.
#pragma once

#include <cstdint>
#include <string>

#include "ledge/lines/counters.hpp"

namespace ledge::link {

struct LineFigures {
    std::string name;
    std::string place;                   // "serial:/dev/ttyUSB0"
    bool is_open = false;                // the port is open
    std::string last_problem;            // why the port is not open; "" = it is open
    std::uint64_t opened = 0;            // times that the port was opened
    std::uint64_t waiting = 0;           // publications that the broker has not got yet
    std::uint64_t commands_waiting = 0;  // commands that were not written yet, beside those in the session's queue
    lines::Counters lines;
};

}  // namespace ledge::link
