// Checks that concern several options together. They also make the two halves of each listener: the socket and the
// ListenerOptions.
#include "checks.hpp"

#include "assignment.hpp"
#include "ledge/base/assert.hpp"
#include "ledge/base/quote.hpp"
#include "ledge/topic/name.hpp"
#include "lines.hpp"
#include "listener_url.hpp"
#include "mqttsn.hpp"

namespace ledge::config {
namespace {

/// Checks one configuration. Adds complaints, notes and listeners to it.
class Checker {
public:
    Checker(Loaded& loaded, const std::map<std::string, std::string>& places) : loaded_(loaded), places_(places) {}

    void listener(const std::string& name, const ListenerDraft& draft) {
        const std::string prefix = "listeners." + name;
        // Independent of the url, so that a listener with a wrong url still gets these complaints.
        limits(draft.limits, prefix + ".limits.");
        if (draft.url.empty()) {
            if (!place_of(prefix + ".url").empty()) return;  // the url has a mistake, which has its complaint already
            return complain(prefix,
                            "listener '" + name + "' has no url; add url = \"mqtt://HOST:PORT\" to [" + prefix + "]");
        }
        const auto endpoint = parse_listener_url(draft.url);
        if (!endpoint) {
            return complain(prefix + ".url", "key '" + prefix + ".url': " + endpoint.error());
        }
        // The default of allow_anonymous: true for clients of this machine, unless users are configured, and for
        // clients that TLS has authenticated.
        const bool is_anonymous = draft.allow_anonymous.value_or(
            (endpoint.value().is_local && !loaded_.config.auth.knows_users()) || draft.tls.proves_clients());
        // The socket of this listener is not in the list yet, so it is not compared with itself.
        check_duplicate(name, endpoint.value());
        note_access(draft, endpoint.value(), is_anonymous);

        ListenerSocket socket;
        socket.url = draft.url;
        socket.endpoint = endpoint.value();
        socket.connections_per_second = draft.connections_per_second;
        socket.connections_burst = draft.connections_burst;
        socket.proxy_protocol = draft.proxy_protocol;
        socket.proxy_from = draft.proxy_from;
        socket.websocket = draft.websocket;
        proxy(prefix, draft, socket);
        socket.peer_credentials = draft.peer_credentials;
        // SO_PEERCRED gives the user of the peer for Unix sockets only (unix(7)).
        if (draft.peer_credentials && socket.endpoint.kind != Endpoint::Kind::unix_socket)
            complain(prefix + ".peer_credentials", "key '" + prefix +
                                                       ".peer_credentials': the kernel knows the users behind Unix "
                                                       "sockets only; remove the key, or write url = \"unix:PATH\"");
        socket.tls = draft.tls;
        socket.user = draft.user;
        socket.mqttsn = draft.mqttsn;
        socket.mode = draft.mode;
        socket.lines = draft.lines;
        check_mqttsn(prefix, draft, socket.endpoint, places_, loaded_);
        check_lines(prefix, draft, socket.endpoint, places_, loaded_);
        websocket(prefix + ".websocket.", draft.websocket, socket);
        tls({prefix + ".url", prefix + ".tls", "mqtts:// or wss", true}, socket.url, socket.endpoint, draft.tls);
        // Both lists grow together: sockets[i] serves listeners[i].
        loaded_.config.sockets.push_back(std::move(socket));
        loaded_.config.shard.listeners.push_back({name, is_anonymous, draft.connections_max, draft.limits});
        loaded_.config.shard.listeners.back().is_local =
            loaded_.config.sockets.back().endpoint.kind == Endpoint::Kind::unix_socket;
        loaded_.config.shard.listeners.back().has_descriptors =
            !loaded_.config.sockets.back().endpoint.is_for_devices();
        LEDGE_ASSERT(loaded_.config.sockets.size() == loaded_.config.shard.listeners.size());
    }

    void limits(const session::SessionLimits& limits, const std::string& prefix) {
        if (limits.outbox_bytes_fatal >= limits.outbox_bytes_max) return;
        const bool is_own =
            !place_of(prefix + "outbox_bytes_fatal").empty() || !place_of(prefix + "outbox_bytes_max").empty();
        if (!is_own) return;  // inherited from [limits], which has its own complaint
        complain_at(prefix, {"outbox_bytes_fatal", "outbox_bytes_max"},
                    "key '" + prefix + "outbox_bytes_fatal' is " + std::to_string(limits.outbox_bytes_fatal) +
                        ", below outbox_bytes_max (" + std::to_string(limits.outbox_bytes_max) +
                        "): a client would be disconnected before its messages are dropped; raise outbox_bytes_fatal");
    }

    void memory(const Config& config) {
        // Below this budget, what the broker itself needs would leave nothing for clients.
        constexpr std::uint64_t smallest = 16 * 1024 * 1024;
        const std::uint64_t budget = config.shard.memory_budget_bytes;
        if (budget != 0 && budget < smallest)
            complain("memory.budget_bytes", "key 'memory.budget_bytes' is " + std::to_string(budget) +
                                                ": the broker itself needs a part of it; set 16 MiB (16777216) or "
                                                "more, or 0 for the default of this machine");
    }

    void store(const Config& config, bool is_durability_flag) {
        // An empty path is no directory, and not the word "none" either.
        if (config.store.path.empty()) complain("store.path", "key 'store.path' is empty; name a directory, or none");
        // Only a flag is a mistake: a file may name a durability for the day when it gets a store.
        const bool is_asked_for = config.shard.durability.level != journal::Durability::ram;
        if (config.store.is_used() || !is_asked_for || !is_durability_flag) return;
        complain("store.durability",
                 "without a store nothing is durable; name a directory with --store DIR, or leave this out");
    }

    void admin(Config& config) {
        if (!config.admin.socket.empty()) {
            const auto socket = parse_listener_url("unix:" + config.admin.socket);
            if (!socket) complain("admin.socket", "key 'admin.socket': " + socket.error());
        }
        if (!config.admin.is_used()) return;
        const auto endpoint = parse_admin_url(config.admin.url);
        if (!endpoint) return complain("admin.url", "key 'admin.url': " + endpoint.error());
        config.admin_endpoint = endpoint.value();
        tls({"admin.url", "admin.tls", "https", false}, config.admin.url, endpoint.value(), config.admin.tls);
        // Only this machine can reach such an address. Pages checks the Host header there (admin/pages.hpp).
        if (endpoint.value().is_local) return;
        // The pages list client ids and can remove sessions, so strangers must not read them.
        if (!config.admin.has_tokens() && !config.admin.tls.proves_clients()) {
            complain("admin.url",
                     "key 'admin.url': other machines can reach these pages, which requires admin.token_file (a file "
                     "with a secret line) or [[admin.tokens]], or https:// with client_certificate = \"required\" in "
                     "[admin.tls], or an address of this machine: "
                     "http://127.0.0.1:" +
                         std::to_string(endpoint.value().port));
        } else if (!endpoint.value().is_tls) {
            loaded_.notes.push_back("the token of an operator goes to " + config.admin.url +
                                    " unencrypted, so others in the network can read it; write https:// and add "
                                    "[admin.tls]");
        }
    }

    void log(const LogSettings& settings) {
        const bool is_file = settings.target == LogTarget::file;
        if (is_file && settings.file.empty())
            complain("log.target", "key 'log.target' is \"file\", but no file is named; add log.file = PATH");
        // Otherwise an operator would look for lines in a file that nobody writes.
        if (!is_file && !settings.file.empty())
            complain("log.file", "key 'log.file' has no effect; write log.target = \"file\" beside it");
        // The limit of the system for the path of a Unix socket (sockaddr_un), with a 0 at the end.
        constexpr std::size_t path_bytes_max = 107;
        if (settings.syslog_socket.empty() || settings.syslog_socket.size() > path_bytes_max)
            complain("log.syslog_socket",
                     "key 'log.syslog_socket' must be a path of 1 to 107 bytes; the usual one is /dev/log");
    }

    void ota(const OtaSettings& settings) {
        constexpr std::size_t prefix_bytes_max = 64;
        // An empty path is no directory, and not the word "none" either.
        if (settings.directory.empty())
            complain("ota.directory", "key 'ota.directory' is empty; name a directory, or none");
        const std::string& prefix = settings.topic_prefix;
        const bool is_topic = topic::is_valid_topic(prefix, topic::levels_hard_max) &&
                              prefix.size() <= prefix_bytes_max && !prefix.starts_with('$') && !prefix.ends_with('/');
        if (!is_topic)
            complain("ota.topic_prefix",
                     "key 'ota.topic_prefix' must be the beginning of a topic, of up to " +
                         std::to_string(prefix_bytes_max) +
                         " bytes, without wildcards, without $ at the beginning and / at the end; for example ota or "
                         "site/ota");
    }

private:
    void proxy(const std::string& prefix, const ListenerDraft& draft, ListenerSocket& socket) {
        socket.proxy_networks = networks(prefix + ".proxy_from", draft.proxy_from);
        // The header of the PROXY protocol is believed, so only known proxies may send one.
        if (draft.proxy_protocol && draft.proxy_from.empty())
            complain(prefix + ".proxy_protocol", "key '" + prefix +
                                                     ".proxy_protocol' requires proxy_from, the networks of the "
                                                     "load balancers: without it, every peer could claim any address; "
                                                     "for example proxy_from = [\"10.0.0.0/8\"]");
        // The operator expects the address of the client in the log, but would get that of the proxy.
        if (!draft.proxy_protocol && !draft.proxy_from.empty())
            complain(prefix + ".proxy_from",
                     "key '" + prefix + ".proxy_from' has no effect without proxy_protocol = true; add proxy_protocol");
        if (draft.proxy_protocol && socket.endpoint.kind == Endpoint::Kind::unix_socket)
            complain(prefix + ".proxy_protocol", "key '" + prefix +
                                                     ".proxy_protocol': peers of a Unix socket have no address that "
                                                     "proxy_from could name; remove the key");
    }

    void websocket(const std::string& prefix, const WebSocketSettings& settings, ListenerSocket& socket) {
        socket.trusted_networks = networks(prefix + "trusted_proxies", settings.trusted_proxies);
        // A section without effect is a mistake: the operator believes that its settings protect something (README).
        if (socket.endpoint.protocol != Endpoint::Protocol::websocket && settings != WebSocketSettings{})
            complain(prefix.substr(0, prefix.find(".websocket")),
                     "[" + prefix.substr(0, prefix.size() - 1) + "] has no effect on " + socket.url +
                         ", which is not a WebSocket address; remove the section, or write ws://HOST:PORT/PATH");
        for (const std::string& origin : settings.origins) {
            // An origin is scheme, host and port (RFC 6454 section 6.2). A path would never be equal to what a browser
            // sends.
            const std::size_t scheme = origin.find("://");
            const bool is_one = scheme != std::string::npos && origin.find('/', scheme + 3) == std::string::npos;
            if (!is_one)
                complain(prefix + "origins", "key '" + prefix + "origins': " + quoted(origin) +
                                                 " is not an origin; write scheme and host, without a path: "
                                                 "\"https://dashboard.example\"");
        }
        // The paths of pages are served on WebSocket listeners too, so a url for MQTT must not use them.
        for (const std::string_view page : {"/healthz", "/metrics", "/api"}) {
            if (socket.endpoint.resource == page || socket.endpoint.resource.starts_with(std::string(page) + "/"))
                complain(prefix.substr(0, prefix.find(".websocket")) + ".url",
                         "the path " + socket.endpoint.resource +
                             " belongs to a page for operators; choose another path, such as /mqtt");
        }
    }

    /// The keys that configure TLS for one listener or for the pages, for complaints.
    struct TlsPlace {
        std::string url_key;
        std::string section;
        std::string_view schemes;  // schemes of urls with TLS
        bool may_have_psk;
    };

    /// Checks which files are named. The daemon reads their content (tls_files.cpp).
    void tls(const TlsPlace& at, const std::string& url, const Endpoint& endpoint, const TlsSettings& settings) {
        const auto complain_about = [&](std::string_view key, const std::string& what) {
            complain_at(at.section + ".", {key}, "key '" + at.section + "." + std::string(key) + "' " + what);
        };
        if (!endpoint.is_tls) {
            // Without this complaint the operator would believe that the listener is encrypted.
            if (settings != TlsSettings{})
                complain(at.url_key, "[" + at.section + "] has no effect on " + url +
                                         ", which has no TLS; remove the section, or write " + std::string(at.schemes) +
                                         "://");
            return;
        }
        // With pre-shared keys TLS needs no certificate (RFC 4279).
        const bool has_certificate = !settings.certificate.empty() || !settings.key.empty();
        if (!has_certificate && settings.psk_file.empty())
            return complain(at.url_key, url + " requires a certificate: add certificate = \"FILE\" and key = \"FILE\"" +
                                            (at.may_have_psk ? " (or psk_file)" : "") + " to [" + at.section + "]");
        if (settings.certificate.empty() && has_certificate)
            complain_about("key", "requires certificate; add certificate");
        if (settings.key.empty() && has_certificate) complain_about("certificate", "requires key; add key");
        // sni_keys[i] is the key of sni_certificates[i].
        if (settings.sni_certificates.size() != settings.sni_keys.size())
            complain_about("sni_certificates",
                           "and sni_keys name different numbers of files; name a key for each certificate");
    }

    /// The parsed networks. A wrong text is left out and causes a complaint, so the result may be shorter than `texts`.
    std::vector<Network> networks(const std::string& key, const std::vector<std::string>& texts) {
        std::vector<Network> result;
        for (const std::string& text : texts) {
            const auto network = parse_network(text);
            if (network) {
                result.push_back(network.value());
            } else {
                complain(key, "key '" + key + "': " + network.error());
            }
        }
        return result;
    }

    /// Found here, because bind() would refuse the second listener only at the start.
    void check_duplicate(const std::string& name, const Endpoint& endpoint) {
        // The system gives each listener with port 0 a port of its own, so two of them do not collide.
        const bool has_port = endpoint.kind == Endpoint::Kind::tcp || endpoint.kind == Endpoint::Kind::udp;
        const bool is_chosen_by_system = has_port && endpoint.port == 0;
        for (std::size_t i = 0; i < loaded_.config.sockets.size(); ++i) {
            const Endpoint& other = loaded_.config.sockets[i].endpoint;
            const bool is_same = other.kind == endpoint.kind && other.host == endpoint.host &&
                                 other.port == endpoint.port && other.path == endpoint.path;
            if (is_same && !is_chosen_by_system) {
                complain("listeners." + name + ".url", "listeners '" + loaded_.config.shard.listeners[i].name +
                                                           "' and '" + name + "' have the same address; remove one");
            }
        }
    }

    /// Notes for the operator: a listener where nobody can log in, and a listener where strangers can.
    void note_access(const ListenerDraft& draft, const Endpoint& endpoint, bool is_anonymous) {
        if (!draft.user.empty() && endpoint.is_for_devices()) return;  // all of them are this user
        if (draft.mode == ListenerMode::lines) return;                 // its device does not log in
        if (!is_anonymous && endpoint.is_for_devices()) {
            loaded_.notes.push_back(
                "no device can connect at " + draft.url +
                ": MQTT-SN has no passwords, and anonymous clients are not allowed there; set user, "
                "or allow_anonymous = true");
            return;
        }
        // A listener that admits nobody does no harm, so this is a note and not a complaint.
        if (!is_anonymous) {
            if (!loaded_.config.auth.knows_users())
                loaded_.notes.push_back("nobody can log in at " + draft.url +
                                        ": there is no auth.password_file, and anonymous clients are not allowed "
                                        "there; allow_anonymous = true lets everybody in");
        } else if (!endpoint.is_local) {
            // The words differ because with TLS only the owners of a key or certificate get in.
            const std::string who =
                draft.tls.proves_clients() ? "everybody with a certificate or key for " : "everybody who reaches ";
            // With rules, anonymous clients may have few rights, so the note names the file and does not say
            // "everything".
            const std::string& acl = loaded_.config.auth.acl_file;
            if (!acl.empty())
                return loaded_.notes.push_back(who + draft.url + " has the rights there that " + acl +
                                               " gives to clients without a user: allow_anonymous is true");
            loaded_.notes.push_back(who + draft.url +
                                    " can publish and subscribe to everything there: " + "allow_anonymous is true");
        }
    }

    std::string place_of(const std::string& key) const {
        const auto found = places_.find(key);
        return found != places_.end() ? found->second : std::string();
    }

    void complain(const std::string& key, std::string text) {
        loaded_.complaints.push_back({place_of(key), std::move(text)});
    }

    /// The place of the complaint is the place of the first of `keys` that was set.
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
               const std::map<std::string, std::string>& places, bool is_durability_flag) {
    Checker checker(loaded, places);
    checker.limits(loaded.config.limits, "limits.");
    checker.memory(loaded.config);
    checker.store(loaded.config, is_durability_flag);
    checker.admin(loaded.config);
    checker.log(loaded.config.log);
    checker.ota(loaded.config.ota);
    // A map is sorted by key, so the listeners of a Config are sorted by name (config.hpp).
    for (const auto& [name, draft] : drafts) checker.listener(name, draft);
}

}  // namespace ledge::config
