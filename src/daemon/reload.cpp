// A reload has two steps: a task reads the files on a worker's thread, and take_all() or take_policy() puts the result
// in force on the thread of the loop.
#include "reload.hpp"

#include <algorithm>
#include <functional>
#include <map>
#include <utility>

#include "bridges.hpp"
#include "join.hpp"
#include "ledge/auth/authenticator.hpp"
#include "ledge/base/assert.hpp"
#include "ledge/config/bridge_settings.hpp"
#include "ledge/config/devices_file.hpp"
#include "ledge/session/live_limits.hpp"
#include "machine_name.hpp"
#include "tls_files.hpp"
#include "wiring.hpp"

namespace ledge::daemon {

namespace {

const broker::ListenerOptions* find_listener(const config::Config& config, std::string_view name) {
    const auto& listeners = config.shard.listeners;
    const auto found = std::ranges::find(listeners, name, &broker::ListenerOptions::name);
    return found == listeners.end() ? nullptr : &*found;
}

const config::BridgeSettings* find_bridge(const config::Config& config, std::string_view name) {
    const auto found = std::ranges::find(config.bridges, name, &config::BridgeSettings::name);
    return found == config.bridges.end() ? nullptr : &*found;
}

/// Removes "listeners.NAME.limits.KEY" if "limits.KEY" is in the list too: the listener inherits that change.
std::vector<std::string> without_inherited(std::vector<std::string> keys) {
    const auto has = [all = keys](std::string_view key) { return std::ranges::find(all, key) != all.end(); };
    std::erase_if(keys, [&](const std::string& key) {
        const std::size_t at = key.find(".limits.");
        return at != std::string::npos && has(std::string_view(key).substr(at + 1));
    });
    return keys;
}

}  // namespace

class Reload::Task final : public runtime::ReloadTask {
public:
    using Load = std::function<config::Loaded()>;
    using Take = runtime::Reloaded (Reload::*)(config::Loaded);

    /// `load` runs on the worker's thread. It has a copy of what tells which files to read, because the Reload changes
    /// meanwhile.
    Task(Reload& of, Load load, Take take) : of_(of), load_(std::move(load)), take_(take) {}
    void read() override {
        loaded_ = load_();
        check_hook_files(loaded_);
        read_tokens();
        check_bridge_client_ids(loaded_, machine_name());
        config::hide_values(loaded_);
    }
    runtime::Reloaded put_in_force() override {
        of_.tokens_ = std::move(tokens_);
        return (of_.*take_)(std::move(loaded_));
    }

private:
    /// A token that cannot be read is a mistake like any other one of the configuration.
    void read_tokens() {
        auto tokens = admin_tokens(loaded_.config);
        if (tokens)
            tokens_ = std::move(*tokens);
        else
            loaded_.complaints.push_back({"", "a token of [admin]: " + text_of(tokens.error())});
    }

    Reload& of_;
    Load load_;
    Take take_;
    config::Loaded loaded_;
    std::vector<admin::AdminToken> tokens_;
};

std::unique_ptr<runtime::ReloadTask> Reload::read_all() {
    if (begun_) begun_();
    return std::make_unique<Task>(
        *this, [sources = sources_] { return config::load(sources); }, &Reload::take_all);
}

std::unique_ptr<runtime::ReloadTask> Reload::read_policy() {
    return std::make_unique<Task>(
        *this,
        [settings = running_.auth, devices = config::devices_files_of(running_)] {
            return config::load_policy(settings, devices);
        },
        &Reload::take_policy);
}

Reload::Reload(config::Sources sources, config::Config running, Log& log, SetPolicy set_policy, SetLimits set_limits,
               AddListener add_listener, ChangeBridge change_bridge, SetDevices set_devices)
    : sources_(std::move(sources)),
      running_(std::move(running)),
      log_(&log),
      set_policy_(std::move(set_policy)),
      set_limits_(std::move(set_limits)),
      add_listener_(std::move(add_listener)),
      change_bridge_(std::move(change_bridge)),
      set_devices_(std::move(set_devices)) {}

bool Reload::complain(const config::Loaded& loaded, std::string_view event) {
    for (const config::Complaint& complaint : loaded.complaints) log_->error(event, {{"reason", complaint.line()}});
    // Nothing was changed so far, so the broker goes on with the former configuration.
    return !loaded.ok();
}

void Reload::put_in_force(config::Loaded& loaded) {
    log_->info("policy_loaded", {{"users", loaded.policy->passwords ? loaded.policy->passwords->size() : 0},
                                 {"token_keys", loaded.policy->tokens ? loaded.policy->tokens->keys.size() : 0},
                                 {"rules", loaded.policy->acl ? loaded.policy->acl->size() : 0}});
    for (const std::string& note : loaded.notes) log_->warning("policy_note", {{"note", note}});
    set_policy_(std::move(loaded.policy), std::move(loaded.policy_files));
}

/// A path that has changed needs a restart, so keys_for_restart() names it.
void Reload::put_devices_in_force(const config::Loaded& loaded) {
    for (const auto& [listener, path] : config::devices_files_of(running_)) {
        const auto found = loaded.devices.find(listener);
        if (found == loaded.devices.end() || found->second->files.front() != path) continue;
        set_devices_(listener, *found->second);
        log_->info("mqttsn_devices_loaded", {{"listener", listener}, {"devices", found->second->table.size()}});
    }
}

/// Puts those limits in force that may change under connected clients. The other limits keep their old value in
/// `running_`, so that keys_for_restart() names them.
void Reload::change_limits(const config::Config& wanted) {
    const config::Config before = running_;
    running_.limits = session::with_live_limits(running_.limits, wanted.limits);
    for (broker::ListenerOptions& mine : running_.shard.listeners) {
        const broker::ListenerOptions* listener = find_listener(wanted, mine.name);
        // A listener that the new configuration lacks keeps its limits: it is served until a restart.
        if (listener != nullptr) session::take_live_options(mine, *listener);
    }
    const std::vector<std::string> keys = config::differences(before, running_);
    if (keys.empty()) return;
    set_limits_(running_.shard.listeners);
    log_->info("limits_changed", {{"keys", join(without_inherited(keys))}});
}

/// Serves the listeners that are new. A listener that cannot be served is not added to `running_`, so that
/// keys_for_restart() names it.
void Reload::add_listeners(const config::Config& wanted) {
    auto& listeners = running_.shard.listeners;
    for (std::size_t i = 0; i < wanted.shard.listeners.size(); ++i) {
        const broker::ListenerOptions& listener = wanted.shard.listeners[i];
        // A listener is known by its name. If its address has changed, keys_for_restart() names the key.
        if (find_listener(running_, listener.name) != nullptr) continue;
        if (const auto added = add_listener_(wanted, i); !added) {
            log_->error("listener_not_added", {{"listener", listener.name},
                                               {"reason", text_of(added.error())},
                                               {"outcome", "the others are served as before"}});
            continue;
        }
        // Listeners and sockets stay sorted by name, at the same index.
        LEDGE_ASSERT(running_.sockets.size() == listeners.size());
        const auto place = std::ranges::lower_bound(listeners, listener.name, {}, &broker::ListenerOptions::name);
        running_.sockets.insert(running_.sockets.begin() + (place - listeners.begin()), wanted.sockets[i]);
        listeners.insert(place, listener);
    }
}

/// Adds, changes and removes bridges. Bridges whose keys are the same are not disturbed.
void Reload::change_bridges(const config::Config& wanted) {
    constexpr std::string_view prefix = "bridges.";
    std::map<std::string, std::vector<std::string>> keys;  // that have changed, by the name of the bridge
    for (const std::string& key : config::differences(running_, wanted)) {
        if (!key.starts_with(prefix)) continue;
        const std::size_t dot = key.find('.', prefix.size());
        LEDGE_ASSERT(dot != std::string::npos);  // a bridge is a section, and its name has no dot
        keys[key.substr(prefix.size(), dot - prefix.size())].push_back(key.substr(dot + 1));
    }
    for (const auto& [name, changed] : keys) change_bridge(wanted, name, changed);
}

/// A bridge that cannot be changed keeps its old values in `running_`, so that keys_for_restart() names them.
void Reload::change_bridge(const config::Config& wanted, const std::string& name,
                           const std::vector<std::string>& keys) {
    const config::BridgeSettings* const settings = find_bridge(wanted, name);
    if (const auto changed = change_bridge_(name, settings); !changed) {
        log_->error("bridge_not_changed", {{"bridge", name}, {"reason", text_of(changed.error())}});
        return;
    }
    const bool is_known = find_bridge(running_, name) != nullptr;
    std::erase_if(running_.bridges, [&name](const config::BridgeSettings& one) { return one.name == name; });
    if (settings == nullptr) return log_->info("bridge_removed", {{"bridge", name}});
    // The bridges stay sorted by name.
    running_.bridges.insert(std::ranges::lower_bound(running_.bridges, name, {}, &config::BridgeSettings::name),
                            *settings);
    if (!is_known) return log_->info("bridge_added", {{"bridge", name}});
    log_->info("bridge_changed", {{"bridge", name}, {"keys", join(keys)}});
}

/// The keys whose change needs a restart. A listener that is new or gone is one entry, "listeners.NAME". A limit that a
/// listener inherits from [limits] is not listed.
std::vector<std::string> Reload::keys_for_restart(const config::Config& wanted) const {
    constexpr std::string_view prefix = "listeners.";
    std::vector<std::string> words;
    for (std::string& key : without_inherited(config::differences(running_, wanted))) {
        const std::size_t dot = key.starts_with(prefix) ? key.find('.', prefix.size()) : std::string::npos;
        if (dot != std::string::npos) {
            const std::string_view name = std::string_view(key).substr(prefix.size(), dot - prefix.size());
            const bool is_new = find_listener(running_, name) == nullptr;
            if (is_new || find_listener(wanted, name) == nullptr) key.resize(dot);
        }
        // differences() returns sorted keys, so the keys of one listener are neighbours.
        if (words.empty() || words.back() != key) words.push_back(std::move(key));
    }
    return words;
}

runtime::Reloaded Reload::take_policy(config::Loaded loaded) {
    if (complain(loaded, "policy_refused")) return runtime::Reloaded::refused;
    put_in_force(loaded);
    put_devices_in_force(loaded);
    return runtime::Reloaded::in_force;
}

void Reload::tell(bool is_taken, const config::Loaded& loaded, std::vector<std::string> restart_keys) const {
    if (!ended_) return;
    admin::ReloadOutcome outcome;
    outcome.is_taken = is_taken;
    for (const config::Complaint& complaint : loaded.complaints) outcome.complaints.push_back(complaint.line());
    outcome.restart_keys = std::move(restart_keys);
    ended_(outcome);
}

runtime::Reloaded Reload::take_all(config::Loaded loaded) {
    if (complain(loaded, "configuration_refused")) {
        tell(false, loaded, {});
        return runtime::Reloaded::refused;
    }
    tell(true, loaded, change_all(loaded));
    return runtime::Reloaded::in_force;
}

/// Returns the keys whose change needs a restart.
std::vector<std::string> Reload::change_all(config::Loaded& loaded) {
    const auto has_policy = [](const config::AuthSettings& auth) {
        return auth.knows_users() || !auth.acl_file.empty();
    };
    const bool is_policy = has_policy(loaded.config.auth) || has_policy(running_.auth);
    // Compared before `running_` changes below.
    const bool is_same = config::differences(running_, loaded.config).empty();
    // The limits come before the policy: a new policy disconnects anonymous clients of listeners that no longer admit
    // them.
    change_limits(loaded.config);
    running_.auth = loaded.config.auth;
    // Without users and rights before and after, no event about a policy is logged.
    if (is_policy)
        put_in_force(loaded);
    else
        // The policy is still handed over, because it also has settings such as the limits of failed logins.
        set_policy_(std::move(loaded.policy), std::move(loaded.policy_files));
    put_devices_in_force(loaded);
    // Their secrets may have changed also if their paths are the same.
    running_.admin.token_file = loaded.config.admin.token_file;
    running_.admin.tokens = loaded.config.admin.tokens;
    if (set_tokens_) set_tokens_(std::exchange(tokens_, {}));
    // Logged as a warning, so that the levels debug, info and warning all show why lines appear or stop.
    if (loaded.config.log.level != running_.log.level) {
        running_.log.level = loaded.config.log.level;
        log_->set_threshold(running_.log.level);
        log_->warning("log_level_changed");
    }
    // Before keys_for_restart(), which names the listeners and bridges that could not be added.
    add_listeners(loaded.config);
    change_bridges(loaded.config);
    const std::vector<std::string> keys = keys_for_restart(loaded.config);
    if (!keys.empty())
        log_->warning("configuration_needs_restart", {{"keys", join(keys)}});
    else
        log_->info(is_same ? "configuration_unchanged" : "configuration_applied");
    return keys;
}

}  // namespace ledge::daemon
