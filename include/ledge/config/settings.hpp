// The sections of the configuration that no module of the core has option structs for: sockets, TLS, pages, process,
// log and store, as plain values. config.hpp puts them together.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "ledge/base/log.hpp"
#include "ledge/base/network.hpp"
#include "ledge/base/time.hpp"
#include "ledge/config/mqttsn_settings.hpp"
#include "ledge/lines/options.hpp"

namespace ledge::config {

/// The address and the protocol of a listener, of the admin pages or of the authentication hook. Written as
/// `mqtt://HOST:PORT`, `ws://HOST:PORT/RESOURCE`, `unix:PATH` or `http://HOST:PORT` (pages and hook only); mqtts, wss
/// and https are the same over TLS. `udp://HOST:PORT` and `serial:PATH` are for devices that speak MQTT-SN.
struct Endpoint {
    enum class Kind : std::uint8_t { tcp, unix_socket, udp, serial };
    enum class Protocol : std::uint8_t { mqtt, websocket, http, mqttsn };

    Kind kind = Kind::tcp;
    std::string host;        // tcp, udp: IPv4 or IPv6 address without brackets; of the hook also a name
    std::uint16_t port = 0;  // tcp, udp: 0 = the system chooses
    std::string path;        // unix_socket: at most 107 bytes. serial: of the tty
    bool is_local = false;   // only this machine can reach the address
    Protocol protocol = Protocol::mqtt;
    bool is_tls = false;
    std::string resource{};   // websocket: path of the requests, "/mqtt"; "" = any path. Of the hook: the path
    std::uint32_t baud = 0;   // serial
    bool has_rtscts = false;  // serial: flow control by RTS and CTS

    /// True: no socket of connections, but a link of packets, which the module link serves.
    bool is_for_devices() const { return kind == Kind::udp || kind == Kind::serial; }

    friend bool operator==(const Endpoint&, const Endpoint&) = default;
};

/// [listeners.NAME.websocket]
struct WebSocketSettings {
    std::vector<std::string> origins;          // of web pages that may connect; empty = every page
    std::vector<std::string> trusted_proxies;  // networks whose X-Forwarded-For is believed
    bool compression = false;
    std::uint64_t message_bytes_max = 2 * 1024 * 1024;
    Duration ping_interval{};  // 0 = no pings
    std::uint32_t header_bytes_max = 8 * 1024;
    Duration handshake_timeout = 10s;

    friend bool operator==(const WebSocketSettings&, const WebSocketSettings&) = default;
};

enum class ClientCertificate : std::uint8_t { none, optional, required };
enum class TlsUserName : std::uint8_t { none, common_name, subject_alternative_name, fingerprint };
enum class TlsVersion : std::uint8_t { tls1_2, tls1_3 };

/// [listeners.NAME.tls] and [admin.tls]; the latter has five of these options. Strings without another comment are
/// paths of PEM files.
struct TlsSettings {
    std::string certificate;
    std::string key;
    std::vector<std::string>
        sni_certificates;               // further certificates, chosen by the host name that the client asks for
    std::vector<std::string> sni_keys;  // the keys of sni_certificates, in the same order
    std::string ca;
    std::string crl;
    ClientCertificate client_certificate = ClientCertificate::none;
    TlsUserName username_from = TlsUserName::none;
    std::string psk_file;
    std::vector<std::string> alpn;  // empty = the default for the protocol of the url
    TlsVersion minimum_version = TlsVersion::tls1_2;
    std::vector<std::string> ciphers;  // empty = all suites with forward secrecy and authenticated encryption
    Duration ticket_lifetime = 24h;
    Duration handshake_timeout = 10s;
    std::uint32_t handshakes_max = 100;
    std::uint32_t handshakes_queued_max = 1000;

    /// True: every client that is admitted has proven who it is, by a certificate or by a pre-shared key.
    bool proves_clients() const { return client_certificate == ClientCertificate::required || !psk_file.empty(); }
    friend bool operator==(const TlsSettings&, const TlsSettings&) = default;
};

/// What the devices at a serial line speak.
enum class ListenerMode : std::uint8_t {
    mqttsn,  // packets of MQTT-SN in frames
    lines,   // lines of text
};

/// The part of a listener that concerns its socket. Config::shard.listeners holds the rest, at the same index.
struct ListenerSocket {
    std::string url;  // as the operator wrote it
    Endpoint endpoint;
    std::uint32_t connections_per_second = 0;  // 0 = unlimited
    std::uint32_t connections_burst = 0;       // 0 = one second's worth
    bool proxy_protocol = false;
    std::vector<std::string> proxy_from;  // networks, as the operator wrote them
    bool peer_credentials = false;        // unix_socket: the system user of the client's process is its user name
    std::string user;                     // of all clients behind the listener; "" = each logs in
    WebSocketSettings websocket;
    ListenerMode mode = ListenerMode::mqttsn;  // of a serial line
    MqttsnSettings mqttsn;                     // used if endpoint.is_for_devices(), and not with ListenerMode::lines
    lines::Options lines;                      // used with ListenerMode::lines
    TlsSettings tls;                           // used if endpoint.is_tls
    std::vector<Network> proxy_networks;       // proxy_from, parsed
    std::vector<Network> trusted_networks;     // websocket.trusted_proxies, parsed
};

/// What `ledgemq check` says about a listener with ListenerMode::lines: the end of a sentence without its point.
std::string explain_lines(const ListenerSocket& socket);

/// [[admin.tokens]]: one token.
struct AdminTokenSettings {
    std::string name;
    std::string file;
    bool may_act = false;     // the right act; otherwise read
    bool has_rights = false;  // the rights were given

    friend bool operator==(const AdminTokenSettings&, const AdminTokenSettings&) = default;
};

/// [admin]: pages and the API for operators, on a separate listener.
struct AdminSettings {
    std::string url = "none";  // "none" = no admin listener
    std::string token_file;    // "" = no token
    std::vector<AdminTokenSettings> tokens;
    std::string socket;  // the path of a Unix socket; "" = none
    std::uint32_t body_bytes_max = 256 * 1024;
    TlsSettings tls;  // used if the url begins with https://

    bool is_used() const { return url != "none"; }
    bool has_tokens() const { return !token_file.empty() || !tokens.empty(); }
};

/// [process]: the rights of the process.
struct ProcessSettings {
    std::string user;         // the user that a broker started by root becomes; "" = the process keeps its user
    std::string group;        // "" = the main group of `user`
    bool core_dumps = false;  // the system may write the memory of the process to disk when the process crashes
    std::uint32_t upgrade_time_max_s = 60;  // of each step of a new broker; then the old broker goes on

    friend bool operator==(const ProcessSettings&, const ProcessSettings&) = default;
};

enum class LogFormat : std::uint8_t { text, json };

enum class LogTarget : std::uint8_t { standard_error, file, syslog };
/// The facilities of syslog(3) that a service may use.
enum class LogFacility : std::uint8_t { user, daemon, local0, local1, local2, local3, local4, local5, local6, local7 };

/// [log]
struct LogSettings {
    LogLevel level = LogLevel::info;
    LogFormat format = LogFormat::text;
    LogTarget target = LogTarget::standard_error;
    std::string file;                            // path; used with LogTarget::file
    LogFacility facility = LogFacility::daemon;  // used with LogTarget::syslog
    std::string syslog_socket = "/dev/log";      // path of the daemon's socket; used with LogTarget::syslog
};

/// [store], without the durability levels and the delays, which are in Config::shard.durability.
struct StoreSettings {
    /// What happens at the start when the store cannot be used.
    enum class Unusable : std::uint8_t { stop, start_without };

    std::string path = "none";  // a directory, or "none"
    Unusable if_unusable = Unusable::stop;
    std::uint64_t size_max_bytes = 1024ULL * 1024 * 1024;
    std::uint64_t daily_write_budget_bytes = 0;  // 0 = no budget

    bool is_used() const { return path != "none"; }
};

}  // namespace ledge::config
