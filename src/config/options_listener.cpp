// The options of one listener: [listeners.NAME] and its sections [.websocket] and [.tls]. Defaults are not here: they
// are the values of a default-constructed ListenerDraft.
#include "option_rows.hpp"
#include "options.hpp"

namespace ledge::config {
namespace {

constexpr Option listener_rows[] = {
    // listener_url.cpp has the grammar of these urls.
    listener<&ListenerDraft::url>(
        "url", "", {},
        "The address where the listener accepts clients: mqtt://HOST:PORT (TCP), mqtts://HOST:PORT (TLS), "
        "ws://HOST:PORT/PATH (WebSocket), wss://HOST:PORT/PATH (WebSocket over TLS) or unix:PATH (Unix socket); for "
        "devices that speak MQTT-SN udp://HOST:PORT or serial:PATH?baud=115200 (a tty; &flow=rtscts may follow). HOST "
        "is an IPv4 address, an IPv6 address in brackets, or localhost, which means 127.0.0.1. [::] stands for every "
        "interface, 0.0.0.0 for every interface with IPv4. With port 0 the system chooses a free port. If ws:// or "
        "wss:// has no PATH, clients may ask for any path. Default: none; a broker without any configured listener "
        "has one named local at mqtt://127.0.0.1:1883."),
    // The default depends on other keys; checks.cpp computes it.
    listener<&ListenerDraft::allow_anonymous>(
        "allow_anonymous", "", {},
        "Whether clients may connect without credentials. Default: true if only this machine can reach the listener "
        "(a loopback address or a Unix socket) and [auth] has neither a password file nor tokens nor a hook; also "
        "true if TLS authenticates every client (client_certificate = \"required\", or psk_file); otherwise false."),
    listener<&ListenerDraft::connections_max>(
        "connections_max", "connections", {1, 1'000'000},
        "Clients that may be connected to the listener at once. When the listener is full, a new client takes the "
        "place of the newest client of the owner (a user, or an address) with the most connections, if the owner of "
        "the new client has fewer. Otherwise the new client is refused."),
    listener<&ListenerDraft::connections_per_second>(
        "connections_per_second", "connections", {0, 1'000'000},
        "New connections that the listener accepts in a second, on average; 0 = unlimited. Above this rate, new "
        "connections wait."),
    listener<&ListenerDraft::connections_burst>(
        "connections_burst", "connections", {0, 1'000'000},
        "New connections that the listener accepts at once after a quiet time; 0 = one second's worth of "
        "connections_per_second. Further connections wait."),
    // The header of HAProxy ("The PROXY protocol, versions 1 & 2"). Whoever may send one may claim any address.
    listener<&ListenerDraft::proxy_protocol>(
        "proxy_protocol", "", {},
        "Whether each connection begins with a header of the PROXY protocol (version 1 or 2), in which a load "
        "balancer states the address of the client. Requires proxy_from."),
    listener<&ListenerDraft::proxy_from>(
        "proxy_from", "", {},
        "The networks of the load balancers that may send a PROXY header, for example [\"10.0.0.0/8\"]. Requires "
        "proxy_protocol = true. A connection from any other address is closed."),
    // The kernel tells the user by SO_PEERCRED (unix(7)).
    listener<&ListenerDraft::peer_credentials>(
        "peer_credentials", "", {},
        "For Unix sockets only: whether the system user of the connecting process, as the kernel knows it, becomes "
        "the client's user name. The name comes from /etc/passwd, or is uid:NUMBER if the user has no entry there. "
        "Such a client needs no password, and a user name in its CONNECT is ignored."),
    listener<&ListenerDraft::user>(
        "user", "", {},
        "For udp:// and serial: only, because MQTT-SN has no passwords: the user of all devices behind the listener, "
        "whose rights they have. \"\" = the devices are anonymous, and allow_anonymous decides."),

    // A browser sends the cookies of its user with each WebSocket, whichever page asks for it. Origin names that page
    // (RFC 6455 section 10.2).
    web<&WebSocketSettings::origins>(
        "origins", "", {},
        "The web pages that may connect, as browsers name them in the Origin header: "
        "[\"https://dashboard.example\"]. [] = every page. Clients that are not browsers send no Origin and are "
        "always admitted."),
    web<&WebSocketSettings::trusted_proxies>(
        "trusted_proxies", "", {},
        "The networks of HTTP proxies whose X-Forwarded-For header is believed, so that the log shows the clients "
        "behind them. [] = no proxy."),
    // RFC 7692. Off by default, because of the memory that each client costs.
    web<&WebSocketSettings::compression>(
        "compression", "", {},
        "Whether clients may ask for compressed messages (permessage-deflate). A client that asks for them costs 50 "
        "to 90 KiB of memory; other clients cost nothing."),
    web<&WebSocketSettings::message_bytes_max>(
        "message_bytes_max", "bytes", {1024, mqtt_packet_max},
        "The largest WebSocket message in bytes, measured after decompression. One message may hold several MQTT "
        "packets. Values below max_packet_size_bytes are raised to it. A larger message ends the connection."),
    // Ping frames of RFC 6455 section 5.5.2.
    web<&WebSocketSettings::ping_interval>(
        "ping_interval_s", "s", {0, 86'400},
        "Seconds of silence after which the broker sends a WebSocket ping to the client; 0 = no pings, because "
        "MQTT's keep alive suffices. After twice this time of silence the connection is closed. Pings keep a "
        "connection open behind proxies that close silent connections."),
    // Status 431: RFC 6585 section 5.
    web<&WebSocketSettings::header_bytes_max>(
        "header_bytes_max", "bytes", {1024, 65'536},
        "The largest header of an HTTP request in bytes, cookies included. A request with a larger header is refused "
        "(status 431)."),
    web<&WebSocketSettings::handshake_timeout>(
        "handshake_timeout_s", "s", {1, 600},
        "Seconds from the opened connection to a complete HTTP request. After this time the connection is closed. "
        "The time for CONNECT, limits.connect_timeout_s, begins afterwards."),

    tls<&TlsSettings::certificate>(
        "certificate", "", {},
        "PEM file with the listener's certificate, followed by the chain of certificates above it. All files of this "
        "section are watched: a valid new file is in use for new connections within seconds."),
    tls<&TlsSettings::key>("key", "", {}, "PEM file with the private key of certificate, without a password."),
    // Server Name Indication: RFC 6066 section 3.
    tls<&TlsSettings::sni_certificates>(
        "sni_certificates", "", {},
        "PEM files with further certificates. A client that names a host (SNI) gets the certificate for that host; "
        "every other client gets certificate."),
    tls<&TlsSettings::sni_keys>("sni_keys", "", {},
                                "PEM files with the private keys of sni_certificates, in the same order."),
    tls<&TlsSettings::ca>("ca", "", {},
                          "PEM file with the certificates of the authorities that sign client certificates."),
    // Revocation lists: RFC 5280 section 5. A list that is out of date might lack a revocation.
    tls<&TlsSettings::crl>(
        "crl", "", {},
        "PEM file with the revocation lists of those authorities. While a list is out of date, no client with a "
        "certificate of its issuer is admitted."),
    tls<&TlsSettings::client_certificate>(
        "client_certificate", "", {},
        "Whether clients show a certificate that an authority in ca has signed. none: no certificate is required. "
        "optional: clients without a certificate are admitted too. required: clients without a certificate are "
        "refused."),
    // Subject alternative names: RFC 5280 section 4.2.1.6.
    tls<&TlsSettings::username_from>(
        "username_from", "", {},
        "The part of a client certificate that becomes the user name. none: no part. cn: the common name. san: the "
        "first subject alternative name; a host name comes before a URI, and a URI before an e-mail address. "
        "fingerprint: the SHA-256 digest of the certificate, 64 lower-case hexadecimal digits."),
    // Pre-shared keys: RFC 4279, and RFC 8446 section 2.2 for TLS 1.3.
    tls<&TlsSettings::psk_file>(
        "psk_file", "", {},
        "File with pre-shared keys, for a listener without certificates: one key per line, written IDENTITY:HEX, "
        "with 16 to 32 bytes. The identity becomes the user name. A listener has either this file or a certificate, "
        "never both."),
    // RFC 7301. Without a common protocol the handshake fails.
    tls<&TlsSettings::alpn>(
        "alpn", "", {},
        "The protocols that a client may ask for (ALPN), in the order of preference. A client that asks only for "
        "other protocols is refused; a client that asks for none is admitted. Default: [\"mqtt\", "
        "\"x-amzn-mqtt-ca\"], for WebSocket [\"http/1.1\"]."),
    // TLS 1.0 and 1.1 must not be used any more (RFC 8996).
    tls<&TlsSettings::minimum_version>(
        "minimum_version", "", {},
        "The oldest TLS version that clients may use. 1.3 requires a build with mbedTLS 3.6."),
    tls<&TlsSettings::ciphers>(
        "ciphers", "", {},
        "The cipher suites in the order of preference, for example [\"TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256\"]. [] "
        "= all suites with forward secrecy and authenticated encryption, ChaCha20 first where AES is slow."),
    // Seven days are the longest lifetime that TLS 1.3 allows (RFC 8446 section 4.6.1).
    tls<&TlsSettings::ticket_lifetime>(
        "ticket_lifetime_s", "s", {0, 604'800},
        "Seconds during which a client may resume its TLS session with a session ticket, at a twentieth of the cost "
        "of a handshake; 0 = no tickets. Tickets end when ca or crl changes. Listeners with psk_file issue no "
        "tickets."),
    tls<&TlsSettings::handshake_timeout>(
        "handshake_timeout_s", "s", {1, 600},
        "Seconds from the opened connection to the end of the TLS handshake. After this time the connection is "
        "closed."),
    // Without these two limits, a flood of connections could take all memory before anyone has logged in.
    tls<&TlsSettings::handshakes_max>(
        "handshakes_max", "handshakes", {1, 10'000},
        "TLS handshakes that are in progress at once; each needs about 50 KiB of memory. Further clients wait."),
    tls<&TlsSettings::handshakes_queued_max>(
        "handshakes_queued_max", "connections", {0, 100'000},
        "Clients that may wait for a TLS handshake; 0 = none may wait. When all places are taken, a client that "
        "stays silent gives way to the new one; so does the newest waiting client of the address with the most "
        "clients, if the new address has fewer. Otherwise the new connection is closed at once."),
};

}  // namespace

std::span<const Option> listener_options() { return listener_rows; }

}  // namespace ledge::config
