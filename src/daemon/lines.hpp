// Translates the serial listeners with mode = "lines" into the options of their part of the loop, and adds this part.
#pragma once

#include "ledge/broker/options.hpp"

namespace ledge {
class Log;
}
namespace ledge::config {
struct Config;
}
namespace ledge::link {
class LineListeners;
}
namespace ledge::runtime {
struct BrokerLoopOptions;
}

namespace ledge::daemon {

/// Adds one part of the loop that serves all serial lines of text; without such a listener nothing is added. When the
/// loop has made the part, `lines` points to it. `log` and `lines` must outlive the loop. Requires that the listeners
/// in `options` begin with those of the configuration; those of serial lines become listeners for parts of the program.
void add_lines(runtime::BrokerLoopOptions& options, const config::Config& config, const Log& log,
               const link::LineListeners*& lines);

/// The listeners with the names and limits that they have in the running broker: those of the serial lines in `config`
/// become listeners for parts of the program, as add_lines() makes them.
broker::Listeners with_line_parts(broker::Listeners listeners, const config::Config& config);

}  // namespace ledge::daemon
