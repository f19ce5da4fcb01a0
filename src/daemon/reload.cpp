#include "reload.hpp"

#include <utility>

#include "tls_files.hpp"
#include "words.hpp"

namespace ledge::daemon {

Reload::Reload(config::Sources sources, config::Config running, Log& log, TakePolicy take_policy)
    : sources_(std::move(sources)), running_(std::move(running)), log_(&log), take_policy_(std::move(take_policy)) {}

bool Reload::complain(const config::Loaded& loaded, std::string_view event) {
    for (const config::Complaint& complaint : loaded.complaints) log_->error(event, {{"reason", complaint.line()}});
    if (!loaded.ok()) take_policy_(std::nullopt, {});
    return !loaded.ok();
}

void Reload::take(config::Loaded& loaded) {
    log_->info("policy_loaded", {{"users", loaded.policy.passwords ? loaded.policy.passwords->size() : 0},
                                 {"token_keys", loaded.policy.tokens ? loaded.policy.tokens->keys.size() : 0},
                                 {"rules", loaded.policy.acl ? loaded.policy.acl->size() : 0}});
    for (const std::string& note : loaded.notes) log_->warning("policy_note", {{"note", note}});
    take_policy_(std::move(loaded.policy), std::move(loaded.policy_files));
}

void Reload::read_policy() {
    config::Loaded loaded = config::load_policy(running_.auth);
    check_hook_files(loaded);
    if (!complain(loaded, "policy_refused")) take(loaded);
}

void Reload::read_all() {
    config::Loaded loaded = config::load(sources_);
    check_hook_files(loaded);
    if (complain(loaded, "configuration_refused")) return;
    const auto has_policy = [](const config::AuthSettings& auth) {
        return auth.knows_users() || !auth.acl_file.empty();
    };
    const bool is_policy = has_policy(loaded.config.auth) || has_policy(running_.auth);
    running_.auth = loaded.config.auth;
    if (is_policy)
        take(loaded);
    else
        take_policy_(std::move(loaded.policy), {});
    if (loaded.config.log.level != running_.log.level) {
        running_.log.level = loaded.config.log.level;
        log_->set_threshold(running_.log.level);
        log_->warning("log_level_changed");
    }
    const std::vector<std::string> keys = config::differences(running_, loaded.config);
    if (keys.empty()) {
        log_->info("configuration_unchanged");
    } else {
        log_->warning("configuration_needs_restart", {{"keys", join(keys)}});
    }
}

}  // namespace ledge::daemon
