// Reload: what SIGHUP does.
#pragma once

#include <functional>

#include "ledge/base/log.hpp"
#include "ledge/config/load.hpp"

namespace ledge::daemon {

/// Reads the configuration again. Users, rights and the level of the log change at once; for the rest the keys are
/// logged whose change wants a restart. A configuration with mistakes, in whichever file, changes nothing; they are
/// logged.
class Reload {
public:
    using TakePolicy = std::function<void(auth::Policy)>;
    /// `running`: what the broker was started with. `log` outlives this; its threshold is changed.
    Reload(config::Sources sources, config::Config running, Log& log, TakePolicy take_policy);

    void operator()();

private:
    config::Sources sources_;
    config::Config running_;
    Log* log_;
    TakePolicy take_policy_;
};

}  // namespace ledge::daemon
