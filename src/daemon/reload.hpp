// Reload: what SIGHUP does.
#pragma once

#include "ledge/base/log.hpp"
#include "ledge/config/load.hpp"

namespace ledge::daemon {

/// Reads the configuration again. The level of the log changes at once; for the rest the keys are logged whose change
/// wants a restart. A configuration with mistakes changes nothing; they are logged.
class Reload {
public:
    /// `running`: what the broker was started with. `log` outlives this; its threshold is changed.
    Reload(config::Sources sources, config::Config running, Log& log);

    void operator()();

private:
    config::Sources sources_;
    config::Config running_;
    Log* log_;
};

}  // namespace ledge::daemon
