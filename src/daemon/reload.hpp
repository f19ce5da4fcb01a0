// Reload: reads the configuration again on SIGHUP, and the files with users and rights when one of them has changed.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "ledge/base/log.hpp"
#include "ledge/config/load.hpp"
#include "ledge/runtime/broker_loop.hpp"

namespace ledge::daemon {

/// Users, rights, most limits and the level of the log change at once, and new listeners are served. The log names the
/// keys whose change needs a restart. A configuration with mistakes, in whichever file, changes nothing; the log names
/// the mistakes.
class Reload {
public:
    /// Puts a policy in force that comes from these files.
    using SetPolicy = std::function<void(auth::Policy, std::vector<std::string>)>;
    using SetLimits = std::function<void(const broker::Listeners&)>;
    /// Serves one more listener, that with this index in the configuration. The error is a sentence.
    using AddListener = std::function<Result<bool, std::string>(const config::Config&, std::size_t)>;
    /// `running`: what the broker was started with. `log` outlives this; its threshold is changed.
    Reload(config::Sources sources, config::Config running, Log& log, SetPolicy set_policy, SetLimits set_limits,
           AddListener add_listener);

    /// Reads the configuration and the files it names.
    runtime::Reloaded read_all();
    /// Reads the files that hold users and rights, as the configuration in force names them.
    runtime::Reloaded read_policy();

private:
    bool complain(const config::Loaded& loaded, std::string_view event);
    void put_in_force(config::Loaded& loaded);
    void change_limits(const config::Config& wanted);
    void add_listeners(const config::Config& wanted);
    std::vector<std::string> keys_for_restart(const config::Config& wanted) const;

    config::Sources sources_;
    config::Config running_;
    Log* log_;
    SetPolicy set_policy_;
    SetLimits set_limits_;
    AddListener add_listener_;
};

}  // namespace ledge::daemon
