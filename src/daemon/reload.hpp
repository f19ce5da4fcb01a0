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

/// Reads the configuration again. Users, rights, most limits and the level of the log change at once, and new listeners
/// are served; for the rest the keys are logged whose change wants a restart. A configuration with
/// mistakes, in whichever file, changes nothing; the mistakes are logged.
class Reload {
public:
    /// A policy and the files it comes from; nothing: they have mistakes.
    using TakePolicy = std::function<void(std::optional<auth::Policy>, std::vector<std::string>)>;
    using TakeLimits = std::function<void(const broker::Listeners&)>;
    /// Serves one more listener, that with this index in the configuration. The error is a sentence.
    using AddListener = std::function<Result<bool, std::string>(const config::Config&, std::size_t)>;
    /// `running`: what the broker was started with. `log` outlives this; its threshold is changed.
    Reload(config::Sources sources, config::Config running, Log& log, TakePolicy take_policy, TakeLimits take_limits,
           AddListener add_listener);

    /// The configuration and the files it names.
    void read_all();
    /// The files that hold users and rights, as the configuration in force names them.
    void read_policy();

private:
    bool complain(const config::Loaded& loaded, std::string_view event);
    void take(config::Loaded& loaded);
    void take_limits(const config::Config& wanted);
    void add_listeners(const config::Config& wanted);
    std::vector<std::string> keys_for_restart(const config::Config& wanted) const;

    config::Sources sources_;
    config::Config running_;
    Log* log_;
    TakePolicy take_policy_;
    TakeLimits take_limits_;
    AddListener add_listener_;
};

}  // namespace ledge::daemon
