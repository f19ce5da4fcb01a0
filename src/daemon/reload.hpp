// Reload: reads the configuration again on SIGHUP, and the files of users and rights when one of them has changed.
// Owned by serve(). The loop has the files read on a worker's thread; everything else is called on the loop's thread.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "ledge/admin/operations.hpp"
#include "ledge/admin/rights.hpp"
#include "ledge/base/log.hpp"
#include "ledge/config/load.hpp"
#include "ledge/runtime/broker_loop.hpp"

namespace ledge::daemon {

/// Users, rights, most limits and the level of the log change at once, new listeners are served, and bridges are added,
/// changed and removed. The log names the keys whose change needs a restart. If the configuration has a mistake, in
/// whichever file, nothing changes; the log names the mistakes.
class Reload {
public:
    /// Puts a policy in force. The second argument names the files that it was read from.
    using SetPolicy = std::function<void(std::shared_ptr<const auth::Policy>, std::vector<std::string>)>;
    /// Puts the limits of all listeners in force.
    using SetLimits = std::function<void(const broker::Listeners&)>;
    /// Serves one more listener, the one with this index in the configuration.
    using AddListener = std::function<Result<bool, Error>(const config::Config&, std::size_t)>;
    /// Adds or changes the bridge of this name; nullptr = removes the bridge. The error says why nothing has changed.
    using ChangeBridge = std::function<Result<bool, Error>(std::string_view name, const config::BridgeSettings*)>;
    /// Puts the devices file of a listener in force.
    using SetDevices = std::function<void(const std::string& listener, const config::Devices&)>;
    /// `running`: the configuration that the broker was started with. `log` must outlive this object, which changes its
    /// threshold.
    Reload(config::Sources sources, config::Config running, Log& log, SetPolicy set_policy, SetLimits set_limits,
           AddListener add_listener, ChangeBridge change_bridge, SetDevices set_devices);

    /// `begun` is called when the reading of the whole configuration begins, and `ended` with its outcome.
    using Begun = std::function<void()>;
    using Ended = std::function<void(const admin::ReloadOutcome&)>;
    void watch(Begun begun, Ended ended) {
        begun_ = std::move(begun);
        ended_ = std::move(ended);
    }
    /// Puts the tokens of operators in force.
    using SetTokens = std::function<void(std::vector<admin::AdminToken>)>;
    void set_tokens_by(SetTokens set_tokens) { set_tokens_ = std::move(set_tokens); }

    /// The configuration in force.
    const config::Config& running() const { return running_; }

    // The tasks refer to this object, which must outlive their put_in_force(). One task at a time.

    /// Reads the configuration and the files that it names, and puts all changes in force that need no restart.
    std::unique_ptr<runtime::ReloadTask> read_all();
    /// Reads only the files of users, rights and devices that the configuration in force names.
    std::unique_ptr<runtime::ReloadTask> read_policy();

private:
    class Task;
    runtime::Reloaded take_all(config::Loaded loaded);
    std::vector<std::string> change_all(config::Loaded& loaded);
    void tell(bool is_taken, const config::Loaded& loaded, std::vector<std::string> restart_keys) const;
    runtime::Reloaded take_policy(config::Loaded loaded);
    /// Logs every complaint. True: there was one.
    bool complain(const config::Loaded& loaded, std::string_view event);
    void put_in_force(config::Loaded& loaded);
    void put_devices_in_force(const config::Loaded& loaded);
    void change_limits(const config::Config& wanted);
    void add_listeners(const config::Config& wanted);
    void change_bridges(const config::Config& wanted);
    void change_bridge(const config::Config& wanted, const std::string& name, const std::vector<std::string>& keys);
    std::vector<std::string> keys_for_restart(const config::Config& wanted) const;

    config::Sources sources_;
    config::Config running_;  // the values in force; keys that need a restart keep their old value here
    Log* log_;
    SetPolicy set_policy_;
    SetLimits set_limits_;
    AddListener add_listener_;
    ChangeBridge change_bridge_;
    SetDevices set_devices_;
    Begun begun_;
    Ended ended_;
    SetTokens set_tokens_;
    std::vector<admin::AdminToken> tokens_;  // read by the task whose result is being put in force
};

}  // namespace ledge::daemon
