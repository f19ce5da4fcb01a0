// Reload: what SIGHUP does, and a changed file with users or rights.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ledge/base/log.hpp"
#include "ledge/config/load.hpp"

namespace ledge::daemon {

/// Reads the configuration again. Users, rights and the level of the log change at once; for the rest the keys are
/// logged whose change wants a restart. A configuration with mistakes, in whichever file, changes nothing; they are
/// logged.
class Reload {
public:
    /// A policy and the files it comes from; nothing: they have mistakes.
    using TakePolicy = std::function<void(std::optional<auth::Policy>, std::vector<std::string>)>;
    /// `running`: what the broker was started with. `log` outlives this; its threshold is changed.
    Reload(config::Sources sources, config::Config running, Log& log, TakePolicy take_policy);

    /// The configuration and the files it names.
    void read_all();
    /// The files that hold users and rights, as the configuration in force names them.
    void read_policy();

private:
    bool complain(const config::Loaded& loaded, std::string_view event);
    void take(config::Loaded& loaded);

    config::Sources sources_;
    config::Config running_;
    Log* log_;
    TakePolicy take_policy_;
};

}  // namespace ledge::daemon
