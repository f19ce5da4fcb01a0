// net reports a problem by the option that it concerns, but an operator knows only the keys of the configuration. This
// file translates settings into options, and problems into complaints that name the key and its place.
#include "tls_files.hpp"

#include "bridges.hpp"

#include <algorithm>
#include <initializer_list>

#include "ledge/auth/authenticator.hpp"
#include "ledge/net/tls_client.hpp"
#include "ledge/runtime/hook_tls.hpp"
#include "ledge/transport/tls.hpp"

namespace ledge::daemon {
namespace {

using net::TlsOptions;
using net::TlsProblem;

/// Converts an enumeration of config to one of net. Both have the same names in the same order; the assertions below
/// check the last name of each.
template <class To, class From>
constexpr To same(From value) {
    return static_cast<To>(value);
}
static_assert(same<TlsOptions::ClientCertificate>(config::ClientCertificate::required) ==
              TlsOptions::ClientCertificate::required);
static_assert(same<TlsOptions::UserName>(config::TlsUserName::fingerprint) == TlsOptions::UserName::fingerprint);
static_assert(same<TlsOptions::Version>(config::TlsVersion::tls1_3) == TlsOptions::Version::tls1_3);

/// The key that a problem is about, below [listeners.NAME.tls], [admin.tls], [auth.http] or [bridges.NAME.tls].
std::string_view key_of(const TlsProblem& problem) {
    // Certificate 0 is `certificate`; the others come from the lists for SNI, in their order.
    const bool is_first = problem.certificate == 0;
    switch (problem.option) {
        case TlsProblem::Option::certificate: return is_first ? "certificate" : "sni_certificates";
        case TlsProblem::Option::key: return is_first ? "key" : "sni_keys";
        case TlsProblem::Option::ca: return "ca";
        case TlsProblem::Option::crl: return "crl";
        case TlsProblem::Option::client_certificate: return "client_certificate";
        case TlsProblem::Option::user_name_from: return "username_from";
        case TlsProblem::Option::psk_file: return "psk_file";
        case TlsProblem::Option::alpn: return "alpn";
        case TlsProblem::Option::minimum_version: return "minimum_version";
        case TlsProblem::Option::ciphers: return "ciphers";
        case TlsProblem::Option::other: break;
    }
    return "certificate";
}

/// The place where the key was set, or else the place of the url or of the section. `owner`: "listeners.NAME",
/// "admin" or "auth.http".
std::string place_of(const config::Loaded& loaded, const std::string& owner, const std::string& key) {
    for (const std::string& wanted : {key, owner + ".url", owner}) {
        const auto found = loaded.places.find(wanted);
        if (found != loaded.places.end()) return found->second;
    }
    return {};
}

/// Reads the files of one listener and adds a complaint or notes.
void check(config::Loaded& loaded, const std::string& owner, const TlsOptions& options) {
    const auto checked = net::check_tls(options);
    if (checked) {
        loaded.notes.insert(loaded.notes.end(), checked.value().begin(), checked.value().end());
        return;
    }
    const std::string key = owner + ".tls." + std::string(key_of(checked.error()));
    loaded.complaints.push_back(
        {place_of(loaded, owner, key), "key '" + key + "': " + text_of(checked.error().reason)});
}

}  // namespace

TlsOptions tls_options(const config::TlsSettings& settings, config::Endpoint::Protocol protocol) {
    TlsOptions options;
    if (!settings.certificate.empty()) options.certificates.push_back({settings.certificate, settings.key});
    // Different numbers are a complaint of the configuration; here the shorter list counts.
    const std::size_t further = std::min(settings.sni_certificates.size(), settings.sni_keys.size());
    for (std::size_t i = 0; i < further; ++i) {
        options.certificates.push_back({settings.sni_certificates[i], settings.sni_keys[i]});
    }
    options.ca_file = settings.ca;
    options.crl_file = settings.crl;
    options.client_certificate = same<TlsOptions::ClientCertificate>(settings.client_certificate);
    options.user_name_from = same<TlsOptions::UserName>(settings.username_from);
    options.psk_file = settings.psk_file;
    options.alpn = settings.alpn;
    // Without a common protocol the handshake fails (RFC 7301 section 3.2), so the defaults name what clients of this
    // protocol ask for.
    if (options.alpn.empty() && protocol == config::Endpoint::Protocol::mqtt) {
        options.alpn = {"mqtt", "x-amzn-mqtt-ca"};  // devices made for AWS IoT ask for the second name
    } else if (options.alpn.empty()) {
        options.alpn = {"http/1.1"};
    }
    options.minimum_version = same<TlsOptions::Version>(settings.minimum_version);
    options.ciphers = settings.ciphers;
    options.ticket_lifetime = settings.ticket_lifetime;
    options.handshake_time_max = settings.handshake_timeout;
    options.handshakes_max = settings.handshakes_max;
    options.handshakes_queued_max = settings.handshakes_queued_max;
    return options;
}

void check_hook_files(config::Loaded& loaded) {
    // After an earlier complaint the options may be incomplete, and a second complaint would have the same cause.
    if (!loaded.ok() || loaded.policy == nullptr || !loaded.policy->hook || !loaded.policy->hook->is_tls) return;
    const auto checked = net::check_tls_client(runtime::hook_tls(*loaded.policy->hook));
    if (checked) {
        loaded.notes.insert(loaded.notes.end(), checked.value().begin(), checked.value().end());
        return;
    }
    const std::string key = "auth.http." + std::string(key_of(checked.error()));
    loaded.complaints.push_back(
        {place_of(loaded, "auth.http", key), "key '" + key + "': " + text_of(checked.error().reason)});
}

void check_bridge_tls_files(config::Loaded& loaded) {
    if (!loaded.ok()) return;  // as for the hook
    for (const config::BridgeSettings& settings : loaded.config.bridges) {
        if (!settings.uses_tls()) continue;
        const auto checked = net::check_tls_client(tls_client_options(settings.tls));
        if (checked) {
            loaded.notes.insert(loaded.notes.end(), checked.value().begin(), checked.value().end());
            continue;
        }
        const std::string owner = "bridges." + settings.name;
        const std::string key = owner + ".tls." + std::string(key_of(checked.error()));
        loaded.complaints.push_back(
            {place_of(loaded, owner, key), "key '" + key + "': " + text_of(checked.error().reason)});
    }
}

void check_tls_files(config::Loaded& loaded) {
    for (std::size_t i = 0; i < loaded.config.sockets.size(); ++i) {
        const config::ListenerSocket& socket = loaded.config.sockets[i];
        if (!socket.endpoint.is_tls) continue;
        check(loaded, "listeners." + loaded.config.shard.listeners[i].name,
              tls_options(socket.tls, socket.endpoint.protocol));
    }
    const config::Endpoint& admin = loaded.config.admin_endpoint;
    if (admin.is_tls) check(loaded, "admin", tls_options(loaded.config.admin.tls, admin.protocol));
}

}  // namespace ledge::daemon
