#include "reload.hpp"

#include <utility>

#include "words.hpp"

namespace ledge::daemon {

Reload::Reload(config::Sources sources, config::Config running, Log& log, TakePolicy take_policy)
    : sources_(std::move(sources)), running_(std::move(running)), log_(&log), take_policy_(std::move(take_policy)) {}

void Reload::operator()() {
    config::Loaded loaded = config::load(sources_);
    for (const config::Complaint& complaint : loaded.complaints) {
        log_->error("configuration_refused", {{"reason", complaint.line()}});
    }
    if (!loaded.ok()) return;
    const auto has_policy = [](const config::AuthSettings& auth) {
        return auth.knows_users() || !auth.acl_file.empty();
    };
    if (has_policy(loaded.config.auth) || has_policy(running_.auth)) {
        log_->info("policy_loaded", {{"users", loaded.policy.passwords ? loaded.policy.passwords->size() : 0},
                                     {"token_keys", loaded.policy.tokens ? loaded.policy.tokens->keys.size() : 0},
                                     {"rules", loaded.policy.acl ? loaded.policy.acl->size() : 0}});
    }
    running_.auth = loaded.config.auth;
    take_policy_(std::move(loaded.policy));
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
