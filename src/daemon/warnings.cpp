// Each warning names the danger and the remedy. A setting that is always wrong is a complaint of config and not here.
#include "warnings.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <string_view>

#include "ledge/runtime/memory.hpp"

namespace ledge::daemon {
namespace {

using config::Endpoint;
using config::ListenerSocket;

/// False also if there is no such file, which is the subject of other checks.
bool has_mode(const std::string& path, mode_t bits) {
    struct stat file {};
    return !path.empty() && ::stat(path.c_str(), &file) == 0 && (file.st_mode & bits) != 0;
}

/// True: other machines can reach the listener without TLS. With proxy_protocol, TLS may end at the load balancer.
bool is_unencrypted(const ListenerSocket& socket) {
    return !socket.endpoint.is_local && !socket.endpoint.is_tls && !socket.proxy_protocol;
}

void note_passwords(const config::Loaded& loaded, const ListenerSocket& socket, std::vector<std::string>& notes) {
    // Without users the broker checks no password, and bytes within this machine are on no network.
    // MQTT-SN has no passwords.
    if (!loaded.config.auth.knows_users() || socket.endpoint.is_local || socket.endpoint.is_for_devices()) return;
    if (is_unencrypted(socket))
        notes.push_back("passwords for " + socket.url + " are sent unencrypted; use " +
                        (socket.endpoint.protocol == Endpoint::Protocol::websocket ? "wss://" : "mqtts://"));
    if (loaded.config.auth.login.failures_max == 0 && !socket.tls.proves_clients())
        notes.push_back("passwords can be guessed at " + socket.url + " without limit: login_failures_max is 0");
}

/// Why the cipher suite should not be used; "" if it is safe. The name of a suite lists its parts, which tell enough.
std::string_view weakness_of(std::string_view suite) {
    const auto has = [&](std::string_view part) { return suite.find(part) != std::string_view::npos; };
    // Names as IANA registers them, for example TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256.
    if (has("NULL")) return "does not encrypt";
    if (has("RC4") || has("DES")) return "is broken";
    if (!has("GCM") && !has("CCM") && !has("CHACHA20")) return "has no authenticated encryption";
    const bool is_newer = !has("WITH");  // TLS 1.3: TLS_AES_128_GCM_SHA256
    if (!is_newer && !has("DHE") && !has("PSK"))
        return "has no forward secrecy: whoever gets the key later can decrypt recorded traffic";
    return {};
}

void note_ciphers(const ListenerSocket& socket, std::vector<std::string>& notes) {
    for (const std::string& suite : socket.tls.ciphers) {
        const std::string_view weakness = weakness_of(suite);
        if (!weakness.empty())
            notes.push_back("the cipher suite " + suite + " of " + socket.url + " " + std::string(weakness));
    }
}

/// True: the network has far more addresses than any group of proxies needs.
bool is_too_wide(const Network& network) {
    // 10.0.0.0/8 is the widest private network (RFC 1918).
    constexpr unsigned ipv4_bits_min = mapped_prefix_bits + 8;
    constexpr unsigned ipv6_bits_min = 16;
    const bool is_ipv4 =
        network.prefix_bits >= mapped_prefix_bits && std::equal(network.address.begin(), network.address.begin() + 12,
                                                                mapped_ipv4(std::array<std::uint8_t, 4>{}).begin());
    return network.prefix_bits < (is_ipv4 ? ipv4_bits_min : ipv6_bits_min);
}

void note_networks(const ListenerSocket& socket, std::vector<std::string>& notes) {
    const auto note = [&](std::string_view key, const std::vector<std::string>& texts,
                          const std::vector<Network>& networks) {
        // A text that is no network has no entry in `networks`, but such a configuration has a complaint and is not
        // used.
        for (std::size_t i = 0; i < std::min(texts.size(), networks.size()); ++i) {
            if (is_too_wide(networks[i]))
                notes.push_back(
                    std::string(key) + " of " + socket.url + " has " + texts[i] +
                    ": every host in it can claim any client address; name only the networks of the proxies");
        }
    };
    note("proxy_from", socket.proxy_from, socket.proxy_networks);
    note("websocket.trusted_proxies", socket.websocket.trusted_proxies, socket.trusted_networks);
}

/// A budget above the limit of the control groups does not protect the broker: the kernel ends the process before the
/// budget is reached.
void note_memory(std::uint64_t budget, std::vector<std::string>& notes) {
    const std::uint64_t limit = runtime::control_group_limit();
    // A tenth stays for the mapped pages of the store, which count for the group but not for the budget.
    if (limit == 0 || budget <= limit / 10 * 9) return;
    notes.push_back("memory.budget_bytes is " + std::to_string(budget) +
                    ", but the control groups allow this process " + std::to_string(limit) +
                    " bytes, store pages included: the kernel would end the broker before it " +
                    "reaches its budget; set at most " + std::to_string(runtime::usual_memory_budget(0, limit)));
}

void note_files(const config::Sources& sources, const config::Loaded& loaded, std::vector<std::string>& notes) {
    if (sources.file && has_mode(*sources.file, S_IWOTH))
        notes.push_back("every user of this machine can write the configuration " + *sources.file + "; run chmod o-w " +
                        *sources.file);
    std::vector<std::string> tokens{loaded.config.admin.token_file};
    for (const config::AdminTokenSettings& token : loaded.config.admin.tokens) tokens.push_back(token.file);
    for (const std::string& token : tokens) {
        // The token gives the right to remove sessions, so it is as secret as a password.
        if (has_mode(token, S_IROTH))
            notes.push_back("every user of this machine can read the token " + token + "; run chmod o-r " + token);
        if (has_mode(token, S_IWOTH))
            notes.push_back("every user of this machine can write the token " + token + "; run chmod o-w " + token);
    }
}

}  // namespace

void note_warnings(const config::Sources& sources, config::Loaded& loaded) {
    std::vector<std::string>& notes = loaded.notes;
    for (const ListenerSocket& socket : loaded.config.sockets) {
        note_passwords(loaded, socket, notes);
        note_ciphers(socket, notes);
        note_networks(socket, notes);
    }
    const config::Config& config = loaded.config;
    // Without TLS, whoever can see the traffic can repeat the token.
    if (config.admin.is_used() && !config.admin_endpoint.is_local && !config.admin_endpoint.is_tls)
        notes.push_back("the token for " + config.admin.url + " is sent unencrypted; use https:// with [admin.tls]");
    note_memory(config.shard.memory_budget_bytes, notes);
    note_files(sources, loaded, notes);
}

void note_account(bool is_root, config::Loaded& loaded) {
    const config::Config& config = loaded.config;
    const bool is_public = (config.admin.is_used() && !config.admin_endpoint.is_local) ||
                           std::ranges::any_of(config.sockets, [](const auto& s) { return !s.endpoint.is_local; });
    if (is_root && is_public && config.process.user.empty())
        loaded.notes.push_back(
            "the broker runs as root and other machines can reach it: a defect of the broker can give an attacker the "
            "whole machine; name a user without special rights in process.user");
}

std::vector<std::string> files_read_again(const config::Loaded& loaded) {
    std::vector<std::string> files = loaded.policy_files;
    const auto add = [&](const config::TlsSettings& tls) {
        files.insert(files.end(), {tls.certificate, tls.key, tls.ca, tls.crl, tls.psk_file});
        files.insert(files.end(), tls.sni_certificates.begin(), tls.sni_certificates.end());
        files.insert(files.end(), tls.sni_keys.begin(), tls.sni_keys.end());
    };
    for (const ListenerSocket& socket : loaded.config.sockets) add(socket.tls);
    add(loaded.config.admin.tls);
    for (const config::BridgeSettings& bridge : loaded.config.bridges)
        files.insert(files.end(), {bridge.password_file, bridge.token.key_file, bridge.tls.ca, bridge.tls.certificate,
                                   bridge.tls.key, bridge.tls.psk_file});
    std::erase(files, std::string());  // keys that are not set
    return files;
}

}  // namespace ledge::daemon
