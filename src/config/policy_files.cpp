// Reads the files that [auth] names: passwords, rules, keys of tokens; and the address of the authentication hook.
#include "policy_files.hpp"

#include <sys/random.h>
#include <sys/stat.h>

#include <memory>
#include <utility>

#include "acl_toml.hpp"
#include "ledge/auth/authenticator.hpp"
#include "ledge/auth/text_file.hpp"
#include "ledge/base/quote.hpp"
#include "ledge/config/devices_file.hpp"
#include "ledge/os/file.hpp"
#include "listener_url.hpp"

namespace ledge::config {
namespace {

/// The text and mode of a file of [auth]. nullopt: the file cannot be used, and a complaint has been added.
std::optional<os::FileText> read_policy_file(const std::string& path, std::string_view key, Loaded& loaded) {
    // Also a file that cannot be read is watched: it is read again when it has been corrected.
    loaded.policy_files.push_back(path);
    // The size is bounded, because the whole file is in memory while it is parsed.
    auto file = os::read_regular_file(path, auth::text_file_bytes_max);
    if (!file) {
        loaded.complaints.push_back({path, "key '" + std::string(key) + "': " + text_of(file.error(), "the file")});
        return std::nullopt;
    }
    // Whoever can write the file decides who gets in, so this is a mistake and not only a note.
    if ((file->mode & S_IWOTH) != 0) {
        loaded.complaints.push_back({path,
                                     "every user of this machine can write the file and so give himself rights; "
                                     "run chmod o-w " +
                                         path});
        return std::nullopt;
    }
    return std::move(*file);
}

void complain(const std::string& path, const std::vector<auth::Problem>& problems, Loaded& loaded) {
    for (const auth::Problem& problem : problems)
        loaded.complaints.push_back({path + ":" + std::to_string(problem.line), "the line " + problem.text});
}

void load_passwords(auth::Policy& policy, Loaded& loaded) {
    const std::string& path = loaded.config.auth.password_file;
    const auto file = read_policy_file(path, "auth.password_file", loaded);
    if (!file) return;
    auto passwords = auth::PasswordFile::parse(file->text);
    if (!passwords) return complain(path, passwords.error(), loaded);
    // An empty file is allowed and admits nobody (auth/README.md).
    if (passwords->size() == 0) loaded.notes.push_back(path + " has no users: nobody can log in with a name");
    // Only a note: hashes can be attacked by guessing, but they are no passwords.
    if ((file->mode & S_IROTH) != 0)
        loaded.notes.push_back("every user of this machine can read the password hashes in " + path +
                               "; run chmod o-r " + path);
    policy.passwords = std::move(*passwords);
}

/// The name of the file tells its syntax: TOML if it ends in .toml, otherwise mosquitto's.
std::optional<auth::Acl> parse_acl(std::string_view text, const std::string& path, Loaded& loaded) {
    if (path.ends_with(".toml")) {
        auto acl = read_acl_toml(text, path);
        if (acl) return std::move(*acl);
        for (const Complaint& complaint : acl.error()) loaded.complaints.push_back(complaint);
        return std::nullopt;
    }
    auto acl = auth::Acl::parse(text, path);
    if (acl) return std::move(*acl);
    complain(path, acl.error(), loaded);
    return std::nullopt;
}

/// Notes users that have rules but cannot log in: only the password file could prove them, and it does not have them.
void note_users_of(const auth::Acl& acl, const auth::Policy& policy, Loaded& loaded) {
    const AuthSettings& auth = loaded.config.auth;
    // Such a source can prove names that the password file does not have. A reload of the policy alone has no sockets,
    // so nothing is known about listeners then.
    const bool has_others = auth.jwt.is_used() || auth.http.is_used() || loaded.config.sockets.empty() ||
                            std::ranges::any_of(loaded.config.sockets, [](const ListenerSocket& socket) {
                                return socket.peer_credentials || socket.tls.proves_clients() ||
                                       socket.tls.client_certificate != ClientCertificate::none;
                            });
    if (!policy.passwords || has_others) return;
    for (const auth::AclOwner& owner : acl.owners()) {
        if (owner.kind == auth::AclOwner::Kind::user && policy.passwords->find(owner.name) == nullptr)
            loaded.notes.push_back(acl.name() + " has rules for the user " + owner.name + ", who is not in " +
                                   auth.password_file + "; is the name mistyped?");
    }
}

/// Notes rules that are wider than they look. In mosquitto's syntax a `pattern` line is meant for rules with %u or %c;
/// a `pattern` without them is a rule for every client.
void note_patterns_of(const auth::Acl& acl, Loaded& loaded) {
    // In the TOML form such rules stand in [everybody], whose name says what they do.
    if (acl.form() != auth::Acl::Form::mosquitto) return;
    for (const auth::AclRule& rule : acl.everybody().rules.all()) {
        // A denial for every client grants nothing by mistake.
        if (rule.has_placeholders() || rule.is_denial) continue;
        loaded.notes.push_back(acl.name() + ":" + std::to_string(rule.line) + ": the line '" + acl.text_of(rule) +
                               "' has neither %u nor %c, so every client has this right");
    }
}

void load_acl(auth::Policy& policy, Loaded& loaded) {
    const std::string& path = loaded.config.auth.acl_file;
    const auto file = read_policy_file(path, "auth.acl_file", loaded);
    if (!file) return;
    auto acl = parse_acl(file->text, path, loaded);
    if (!acl) return;
    // The passwords are loaded before, because the users are compared with them.
    note_users_of(*acl, policy, loaded);
    note_patterns_of(*acl, loaded);
    // An empty file denies everything: what no rule grants is denied.
    if (acl->size() == 0) loaded.notes.push_back(path + " has no rules: nobody may publish or receive anything");
    policy.acl = std::move(*acl);
}

/// Adds the keys of one file of [auth.jwt] to `rules`. `is_set`: the file is a JWK Set.
void load_keys(const std::string& path, std::string_view key, bool is_set, auth::TokenRules& rules, Loaded& loaded) {
    // Either of key_file and jwks_file may be left out.
    if (path.empty()) return;
    auto file = read_policy_file(path, key, loaded);
    if (!file) return;
    auto keys = is_set ? auth::parse_jwks(file->text) : auth::parse_key_file(file->text);
    wipe(file->text.data(), file->text.size());  // it may hold a shared secret
    if (!keys) return loaded.complaints.push_back({path, "the file " + keys.error()});
    // Unlike a hash, a secret can be used as it is, so this is a mistake.
    if (keys->has_secrets && (file->mode & S_IROTH) != 0)
        return loaded.complaints.push_back({path,
                                            "every user of this machine can read the secret in the file and so sign "
                                            "tokens; run chmod o-r " +
                                                path});
    // A JWK Set may hold keys for other purposes; only a set without any usable key is a mistake.
    for (const std::string& note : keys->notes) loaded.notes.push_back(path + ": " + note + ": left out");
    for (auth::TokenKey& one : keys->keys) rules.keys.push_back(std::move(one));
}

void load_tokens(auth::Policy& policy, Loaded& loaded) {
    const TokenSettings& settings = loaded.config.auth.jwt;
    auth::TokenRules rules;
    rules.issuer = settings.issuer;
    rules.audience = settings.audience;
    rules.user_claim = settings.user_claim;
    rules.roles_claim = settings.roles_claim;
    // The times in tokens are in seconds (NumericDate, RFC 7519 section 2).
    rules.leeway = std::chrono::duration_cast<std::chrono::seconds>(settings.leeway);
    rules.must_match_user_name = settings.match_user_name;
    load_keys(settings.key_file, "auth.jwt.key_file", false, rules, loaded);
    load_keys(settings.jwks_file, "auth.jwt.jwks_file", true, rules, loaded);
    policy.tokens = std::move(rules);  // without a key, every token is refused
}

/// Adds a complaint about a key of [auth.http]. Its place is where the key was set, or else where the url was set.
void complain_of_hook(std::string_view name, const std::string& text, Loaded& loaded) {
    const std::string key = "auth.http." + std::string(name);
    auto place = loaded.places.find(key);
    if (place == loaded.places.end()) place = loaded.places.find("auth.http.url");
    loaded.complaints.push_back(
        {place != loaded.places.end() ? place->second : std::string(), "key '" + key + "': " + text});
}

/// Checks which files are named and who may write them. The daemon reads their content (tls_files.cpp).
void check_hook_files(const HookSettings& settings, bool is_tls, Loaded& loaded) {
    const std::pair<std::string_view, const std::string&> files[] = {
        {"ca", settings.ca}, {"certificate", settings.certificate}, {"key", settings.key}};
    for (const auto& [name, path] : files) {
        if (path.empty()) continue;
        // Without TLS the operator would believe that the hook is authenticated.
        if (!is_tls) return complain_of_hook(name, "has no effect unless the url begins with https://", loaded);
        loaded.policy_files.push_back(path);
        struct stat status {};
        // A file that is missing gets its complaint when the daemon reads it.
        if (::stat(path.c_str(), &status) == 0 && (status.st_mode & S_IWOTH) != 0)
            complain_of_hook(name, "every user of this machine can write " + path + "; run chmod o-w " + path, loaded);
    }
    if (!is_tls) return;
    if (settings.ca.empty())
        complain_of_hook("ca",
                         "https:// requires a file with the authorities that sign the hook's certificate; those that "
                         "this system trusts are in \"/etc/ssl/certs/ca-certificates.crt\"",
                         loaded);
    if (settings.certificate.empty() != settings.key.empty())
        complain_of_hook(settings.key.empty() ? "certificate" : "key", "certificate and key must both be set", loaded);
}

void load_hook(auth::Policy& policy, Loaded& loaded) {
    const HookSettings& settings = loaded.config.auth.http;
    const auto url = parse_hook_url(settings.url);
    if (!url) return complain_of_hook("url", url.error(), loaded);
    const Endpoint& endpoint = url.value();
    check_hook_files(settings, endpoint.is_tls, loaded);
    policy.hook = auth::HookOptions{.host = endpoint.host,
                                    .port = endpoint.port,
                                    .target = endpoint.resource,
                                    .is_tls = endpoint.is_tls,
                                    .ca_file = settings.ca,
                                    .certificate_file = settings.certificate,
                                    .key_file = settings.key,
                                    .timeout = settings.timeout,
                                    .requests_max = settings.requests_max,
                                    .cached_max = settings.cached_max,
                                    .cache_time = settings.cache_time,
                                    .cache_time_denied = settings.cache_time_denied,
                                    .idle_max = settings.idle_max,
                                    .idle_time = settings.idle_time};
    // Only a note: the network between broker and hook may be trusted.
    if (!endpoint.is_local && !endpoint.is_tls)
        loaded.notes.push_back("passwords go to " + settings.url +
                               " unencrypted, so others in the network can read them; use https://");
}

}  // namespace

void load_policy(Loaded& loaded) {
    // A new policy each time: the former one may still be in use by sessions.
    const auto made = std::make_shared<auth::Policy>();
    auth::Policy& policy = *made;  // a snapshot from the return of this function on
    policy.login = loaded.config.auth.login;
    policy.on_revocation = loaded.config.auth.on_revocation;
    policy.explains_to_clients = loaded.config.auth.explain_to_clients;
    // A fresh secret for the nonces of SCRAM. It must be unpredictable, so the kernel provides it.
    std::array<Byte, 32>& key = policy.nonce_key;
    if (::getrandom(key.data(), key.size(), 0) != static_cast<ssize_t>(key.size()))
        loaded.complaints.push_back({"", "the system provides no random numbers"});
    policy.binds_sessions = loaded.config.auth.binds_sessions;
    // The passwords come before the rules, which are compared with the users.
    if (!loaded.config.auth.password_file.empty()) load_passwords(policy, loaded);
    if (!loaded.config.auth.acl_file.empty()) load_acl(policy, loaded);
    if (loaded.config.auth.jwt.is_used()) load_tokens(policy, loaded);
    if (loaded.config.auth.http.is_used()) load_hook(policy, loaded);
    loaded.policy = made;
}

std::map<std::string, std::string> devices_files_of(const Config& config) {
    std::map<std::string, std::string> files;
    for (std::size_t i = 0; i < config.sockets.size(); ++i) {
        const std::string& path = config.sockets[i].mqttsn.devices_file;
        if (!path.empty()) files[config.shard.listeners[i].name] = path;
    }
    return files;
}

void load_devices(const std::map<std::string, std::string>& files, Loaded& loaded) {
    std::map<std::string, std::string> writers;  // file of counters -> the listener that writes it
    for (const auto& [listener, path] : files) {
        auto devices = std::make_shared<Devices>(read_devices_file(path));
        // The same list as for the files of [auth]: one watch, and one reading after a change.
        loaded.policy_files.insert(loaded.policy_files.end(), devices->files.begin(), devices->files.end());
        loaded.complaints.insert(loaded.complaints.end(), devices->complaints.begin(), devices->complaints.end());
        loaded.notes.insert(loaded.notes.end(), devices->notes.begin(), devices->notes.end());
        // Each listener replaces the whole file, so two of them would remove the counters of each other.
        const bool is_written = devices->ok() && devices->table.has_keys();
        const auto writer = is_written ? writers.try_emplace(devices->counters_file, listener).first : writers.end();
        if (writer != writers.end() && writer->second != listener)
            loaded.complaints.push_back(
                {path, "counters_file " + quoted(devices->counters_file) + " of the listener '" + listener +
                           "' is that of the listener '" + writer->second +
                           "', too; give each listener a devices file, a counters_file and keys of its own"});
        loaded.devices[listener] = std::move(devices);
    }
}

}  // namespace ledge::config
