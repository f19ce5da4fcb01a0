#include "checks.hpp"

#include "listener_url.hpp"

namespace ledge::config {
namespace {

class Checker {
public:
    Checker(Loaded& loaded, const std::map<std::string, std::string>& places) : loaded_(loaded), places_(places) {}

    void listener(const std::string& name, const ListenerDraft& draft) {
        const std::string prefix = "listeners." + name;
        limits(draft.limits, prefix + ".limits.");
        if (draft.url.empty()) {
            if (!place_of(prefix + ".url").empty()) return;  // there is one, already complained about
            return complain(prefix,
                            "listener '" + name + "' has no url; add url = \"mqtt://HOST:PORT\" to [" + prefix + "]");
        }
        const auto endpoint = parse_listener_url(draft.url);
        if (!endpoint) {
            return complain(prefix + ".url", "key '" + prefix + ".url': " + endpoint.error());
        }
        const bool is_anonymous =
            draft.allow_anonymous.value_or(endpoint.value().is_local && loaded_.config.auth.password_file.empty());
        check_duplicate(name, endpoint.value());
        note_access(draft.url, endpoint.value(), is_anonymous);

        loaded_.config.sockets.push_back({draft.url, endpoint.value()});
        loaded_.config.shard.listeners.push_back({name, is_anonymous, draft.connections_max, draft.limits});
    }

    void limits(const session::SessionLimits& limits, const std::string& prefix) {
        if (limits.outbox_bytes_fatal >= limits.outbox_bytes_max) return;
        const bool is_own =
            !place_of(prefix + "outbox_bytes_fatal").empty() || !place_of(prefix + "outbox_bytes_max").empty();
        if (!is_own) return;  // inherited: said once
        complain_at(prefix, {"outbox_bytes_fatal", "outbox_bytes_max"},
                    "key '" + prefix + "outbox_bytes_fatal' is " + std::to_string(limits.outbox_bytes_fatal) +
                        ", below outbox_bytes_max (" + std::to_string(limits.outbox_bytes_max) +
                        "): a client would be disconnected before its messages are dropped; raise it");
    }

    void store(const Config& config) {
        if (config.store.path.empty()) complain("store.path", "key 'store.path' is empty; name a directory, or none");
        const std::string place = place_of("store.durability");
        const bool is_asked_for = config.shard.durability.level != session::Durability::ram;
        if (config.store.is_used() || !is_asked_for || !place.starts_with("--")) return;
        complain("store.durability",
                 "without a store nothing is durable; name a directory with --store DIR, or leave this out");
    }

private:
    void check_duplicate(const std::string& name, const Endpoint& endpoint) {
        const bool is_chosen_by_system = endpoint.kind == Endpoint::Kind::tcp && endpoint.port == 0;
        for (std::size_t i = 0; i < loaded_.config.sockets.size(); ++i) {
            if (loaded_.config.sockets[i].endpoint == endpoint && !is_chosen_by_system) {
                complain("listeners." + name + ".url", "listeners '" + loaded_.config.shard.listeners[i].name +
                                                           "' and '" + name + "' have the same address; remove one");
            }
        }
    }

    void note_access(const std::string& url, const Endpoint& endpoint, bool is_anonymous) {
        if (!is_anonymous) {
            if (loaded_.config.auth.password_file.empty())
                loaded_.notes.push_back("nobody can log in at " + url +
                                        ": there is no auth.password_file, and anonymous clients are not allowed "
                                        "there; allow_anonymous = true lets everybody in");
        } else if (!endpoint.is_local && loaded_.config.auth.acl_file.empty()) {
            loaded_.notes.push_back("everybody who reaches " + url +
                                    " can publish and subscribe to everything there: " + "allow_anonymous is true");
        } else if (!endpoint.is_local) {
            loaded_.notes.push_back("everybody who reaches " + url + " can do there what " +
                                    loaded_.config.auth.acl_file +
                                    " allows clients without a user: allow_anonymous is true");
        }
    }

    std::string place_of(const std::string& key) const {
        const auto found = places_.find(key);
        return found != places_.end() ? found->second : std::string();
    }

    void complain(const std::string& key, std::string text) {
        loaded_.complaints.push_back({place_of(key), std::move(text)});
    }

    /// At the first of the keys that was said.
    void complain_at(const std::string& prefix, std::initializer_list<std::string_view> keys, std::string text) {
        std::string place;
        for (const std::string_view key : keys) {
            if (place.empty()) place = place_of(prefix + std::string(key));
        }
        loaded_.complaints.push_back({std::move(place), std::move(text)});
    }

    Loaded& loaded_;
    const std::map<std::string, std::string>& places_;
};

}  // namespace

void check_all(Loaded& loaded, const std::map<std::string, ListenerDraft>& drafts,
               const std::map<std::string, std::string>& places) {
    Checker checker(loaded, places);
    checker.limits(loaded.config.limits, "limits.");
    checker.store(loaded.config);
    for (const auto& [name, draft] : drafts) checker.listener(name, draft);
}

}  // namespace ledge::config
