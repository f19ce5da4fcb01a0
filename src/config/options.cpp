// The table of options. Defaults are not here: they are what a default-constructed Config holds.
#include "options.hpp"

#include "option_rows.hpp"

#include "ledge/base/token_bucket.hpp"

namespace ledge::config {
namespace {

using session::SessionLimits;

constexpr Option table[] = {
    listener<&ListenerDraft::url>(
        "url", "", {},
        "Where to listen: mqtt://HOST:PORT, ws://HOST:PORT/PATH (WebSocket; without a path, clients may ask for any), "
        "mqtts:// and wss:// for the same over TLS, or unix:PATH. "
        "HOST is an IPv4 address, an IPv6 address in brackets or localhost, which means 127.0.0.1. [::] stands "
        "for every interface, 0.0.0.0 for every one with IPv4. Port 0 lets the system choose. Default: "
        "none; a broker without any configured listener has one named local at mqtt://127.0.0.1:1883."),
    listener<&ListenerDraft::allow_anonymous>(
        "allow_anonymous", "", {},
        "Whether clients may connect without credentials. Default: true where only this machine can connect (loopback "
        "addresses and Unix sockets) and there is no auth.password_file, or where TLS has proven who they are "
        "(client_certificate = \"required\" or "
        "psk_file), "
        "false elsewhere."),
    listener<&ListenerDraft::connections_max>("connections_max", "connections", {1, 1'000'000},
                                              "Connected clients of this listener. When it is full, a further client "
                                              "takes the place of the newest client of the user or address that has "
                                              "most of them, if that one has more; otherwise it is refused."),
    listener<&ListenerDraft::connections_per_second>(
        "connections_per_second", "connections", {0, 1'000'000},
        "New connections that the listener takes in a second; further ones wait. 0: any number."),
    listener<&ListenerDraft::connections_burst>(
        "connections_burst", "connections", {0, 1'000'000},
        "How many of them at once, after a quiet time. 0: as many as in a second."),
    listener<&ListenerDraft::proxy_protocol>(
        "proxy_protocol", "", {},
        "Whether each connection begins with a header of the PROXY protocol (version 1 or 2), in which a load "
        "balancer says whom it speaks for."),
    listener<&ListenerDraft::proxy_from>(
        "proxy_from", "", {},
        "With proxy_protocol: the networks that the load balancers are in, for example [\"10.0.0.0/8\"]. Others are "
        "closed."),

    listener<&ListenerDraft::peer_credentials>(
        "peer_credentials", "", {},
        "Of a Unix socket: whether the user whose process connects, as the kernel knows it, is the client's user name: "
        "that of /etc/passwd, or uid:NUMBER. No password is asked for then, and a name in CONNECT means nothing."),

    web<&WebSocketSettings::origins>(
        "origins", "", {},
        "The pages that may connect, as browsers name them in Origin: [\"https://dashboard.example\"]. None: any page. "
        "Clients that are no browsers send no Origin and are let in."),
    web<&WebSocketSettings::trusted_proxies>(
        "trusted_proxies", "", {},
        "Networks of HTTP proxies whose X-Forwarded-For is believed, so that the log shows the clients behind them."),
    web<&WebSocketSettings::compression>("compression", "", {},
                                         "Whether clients may ask for compressed messages (permessage-deflate). One "
                                         "that does costs 50 to 90 KiB, others nothing."),
    web<&WebSocketSettings::message_bytes_max>(
        "message_bytes_max", "bytes", {1024, mqtt_packet_max},
        "The largest WebSocket message, inflated; it may hold several packets. Not less than max_packet_size_bytes "
        "counts."),
    web<&WebSocketSettings::ping_interval>(
        "ping_interval_s", "s", {0, 86'400},
        "After how much silence the client is asked whether it is there; twice as much ends the connection. For the "
        "sake of proxies that close what is silent. 0: not at all, the keep alive of MQTT suffices."),
    web<&WebSocketSettings::header_bytes_max>("header_bytes_max", "bytes", {1024, 65'536},
                                              "The largest header of an HTTP request, cookies included."),
    web<&WebSocketSettings::handshake_timeout>(
        "handshake_timeout_s", "s", {1, 600},
        "From the opened connection to a whole HTTP request. CONNECT has limits.connect_timeout_s after it."),

    tls<&TlsSettings::certificate>(
        "certificate", "", {},
        "A file with the certificate that the listener shows, PEM, followed by the chain above it. Like all files here "
        "it is watched: a change that is right comes into service within seconds, for new connections."),
    tls<&TlsSettings::key>("key", "", {}, "The file with its key, PEM without a password."),
    tls<&TlsSettings::sni_certificates>(
        "sni_certificates", "", {},
        "Further certificates: a client that names a host (SNI) gets the one that is for it, others the one above."),
    tls<&TlsSettings::sni_keys>("sni_keys", "", {}, "Their keys, in the same order."),
    tls<&TlsSettings::ca>("ca", "", {}, "A file with the certificates of those who sign client certificates."),
    tls<&TlsSettings::crl>(
        "crl", "", {},
        "A file with their lists of revoked certificates. When one is out of date nobody of its issuer gets in."),
    tls<&TlsSettings::client_certificate>(
        "client_certificate", "", {},
        "Whether clients have to show a certificate that ca has signed. optional: those who have none get in too."),
    tls<&TlsSettings::username_from>(
        "username_from", "", {},
        "What of a client's certificate is its user name. cn: the common name. san: the first alternative name, a host "
        "name before a URI before an e-mail address. fingerprint: the SHA-256 digest of the certificate, 64 lower-case "
        "hexadecimal digits."),
    tls<&TlsSettings::psk_file>(
        "psk_file", "", {},
        "Instead of certificates: a file with a pre-shared key per line, IDENTITY:HEX, 16 to 32 bytes each. The "
        "identity is the user name. A listener has either this or a certificate, never both."),
    tls<&TlsSettings::alpn>(
        "alpn", "", {},
        "The protocols that a client may ask for (ALPN), in the order of preference. One that asks for others only is "
        "refused, one that asks for none is let in. Default: [\"mqtt\", \"x-amzn-mqtt-ca\"], for WebSocket "
        "[\"http/1.1\"]."),
    tls<&TlsSettings::minimum_version>("minimum_version", "", {},
                                       "The oldest version of TLS. 1.3 wants a build with mbedTLS 3.6."),
    tls<&TlsSettings::ciphers>(
        "ciphers", "", {},
        "Cipher suites in the order of preference, for example [\"TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256\"]. None: "
        "those with forward secrecy and authenticated encryption, ChaCha20 first where AES is slow."),
    tls<&TlsSettings::ticket_lifetime>(
        "ticket_lifetime_s", "s", {0, 604'800},
        "How long a client may come back with its session ticket, which costs a twentieth of a handshake. 0: no "
        "tickets. They end when ca or crl change; listeners with psk_file give none."),
    tls<&TlsSettings::handshake_timeout>("handshake_timeout_s", "s", {1, 600},
                                         "From the opened connection to the end of the handshake."),
    tls<&TlsSettings::handshakes_max>("handshakes_max", "handshakes", {1, 10'000},
                                      "Handshakes under way at once, some 50 KiB each; further clients wait."),
    tls<&TlsSettings::handshakes_queued_max>("handshakes_queued_max", "connections", {0, 100'000},
                                             "How many of them wait; further ones are closed at once."),

    limit<&SessionLimits::max_packet_size_bytes>(
        "max_packet_size_bytes", "bytes", {64, mqtt_packet_max},
        "The largest packet a client may send, header included. Told to MQTT 5 clients as Maximum Packet Size. A "
        "larger one is refused from its header, before the body arrives. zigbee2mqtt keeps all its devices in one "
        "message of about 3 KiB each."),
    limit<&SessionLimits::connect_packet_max_bytes>(
        "connect_packet_max_bytes", "bytes", {64, mqtt_packet_max},
        "The largest first packet (CONNECT), from peers that nobody knows yet."),
    limit<&SessionLimits::messages_per_second>(
        "messages_per_second", "messages", {0, u32_max},
        "PUBLISH packets that a client may send in a second, on average. One that sends faster is read more slowly; "
        "nothing is dropped, and its keep alive does not count meanwhile. 0: any number."),
    limit<&SessionLimits::messages_burst>("messages_burst", "messages", {0, u32_max},
                                          "How many of them at once. 0: as many as in a second."),
    limit<&SessionLimits::bytes_per_second>("bytes_per_second", "bytes",
                                            {0, static_cast<std::int64_t>(TokenBucket::per_second_max)},
                                            "The same for bytes of MQTT packets of any kind. 0: any number."),
    limit<&SessionLimits::bytes_burst>("bytes_burst", "bytes",
                                       {0, static_cast<std::int64_t>(TokenBucket::per_second_max)},
                                       "How many of them at once. 0: as many as in a second."),
    limit<&SessionLimits::user_messages_per_second>(
        "user_messages_per_second", "messages", {0, u32_max},
        "What all connections of one user name may send together, on average: they take turns, and one that comes anew "
        "finds what the others have left. The smallest value holds of the listeners through which the user is "
        "connected. Clients without a user name are not counted. 0: any number."),
    limit<&SessionLimits::user_messages_burst>("user_messages_burst", "messages", {0, u32_max},
                                               "How many of them at once. 0: as many as in a second."),
    limit<&SessionLimits::user_bytes_per_second>(
        "user_bytes_per_second", "bytes", {0, static_cast<std::int64_t>(TokenBucket::per_second_max)},
        "The same for bytes of MQTT packets of any kind but CONNECT. 0: any number."),
    limit<&SessionLimits::user_bytes_burst>("user_bytes_burst", "bytes",
                                            {0, static_cast<std::int64_t>(TokenBucket::per_second_max)},
                                            "How many of them at once. 0: as many as in a second."),
    limit<&SessionLimits::connections_per_user_max>(
        "connections_per_user_max", "connections", {0, 1'000'000},
        "Connections of one user name at a time; further ones are refused with quota exceeded. Clients without a user "
        "name are not counted. 0: any number."),
    limit<&SessionLimits::connect_timeout>("connect_timeout_s", "s", {1, 3600},
                                           "From the opened connection to a complete CONNECT."),
    limit<&SessionLimits::max_keep_alive_s>(
        "max_keep_alive_s", "s", {0, u16_max},
        "The longest keep alive. A client that asks for more, or for none, is told this one as Server Keep Alive. "
        "0: clients choose."),
    limit<&SessionLimits::client_id_bytes_max>("client_id_bytes_max", "bytes", {23, u16_max}, "The longest client id."),
    limit<&SessionLimits::maximum_qos>(
        "maximum_qos", "", {0, 2},
        "The highest QoS a client may publish with; subscriptions are granted at most this one."),
    limit<&SessionLimits::retain_available>("retain_available", "", {},
                                            "Whether clients may publish retained messages."),
    limit<&SessionLimits::wildcard_subscriptions_available>("wildcard_subscriptions_available", "", {},
                                                            "Whether topic filters may contain + and #."),
    limit<&SessionLimits::shared_subscriptions_available>("shared_subscriptions_available", "", {},
                                                          "Whether clients may subscribe to $share/GROUP/FILTER."),
    limit<&SessionLimits::subscriptions_max>(
        "subscriptions_max", "subscriptions", {1, 10'000'000},
        "Subscriptions of one session; further ones are refused with quota exceeded. The default is enough for 5,000 "
        "devices of four topics each."),
    limit<&SessionLimits::topic_levels_max>("topic_levels_max", "levels", {1, 128},
                                            "Levels of a topic name or filter."),
    limit<&SessionLimits::topic_bytes_max>("topic_bytes_max", "bytes", {1, u16_max},
                                           "The longest topic name or filter."),
    limit<&SessionLimits::topic_alias_max_in>("topic_alias_max_in", "aliases", {0, u16_max},
                                              "Topic aliases an MQTT 5 client may use towards the broker."),
    limit<&SessionLimits::topic_alias_max_out>(
        "topic_alias_max_out", "aliases", {0, u16_max},
        "Topic aliases the broker uses towards an MQTT 5 client that allows them."),
    limit<&SessionLimits::receive_maximum>("receive_maximum", "messages", {1, u16_max},
                                           "QoS 1 and 2 messages a client may have in flight towards the broker. Less "
                                           "than 65535 is told to MQTT 5 clients "
                                           "as Receive Maximum, and a client that exceeds it is disconnected (0x93). "
                                           "Many clients do, or wait for seconds: "
                                           "by default a client that is too fast is read more slowly instead."),
    limit<&SessionLimits::inflight_max>(
        "inflight_max", "messages", {1, session::inflight_ceiling},
        "QoS 1 and 2 messages in flight towards a client. An MQTT 5 client may ask for fewer with Receive Maximum."),
    limit<&SessionLimits::queue_messages_max>(
        "queue_messages_max", "messages", {0, u32_max},
        "QoS 1 and 2 messages that wait in memory behind those in flight, for each session that is not in a store: all "
        "sessions without store.path, otherwise those that end with their connection. 0: none may wait (not: any "
        "number), and overflow says what happens to a message beyond those in flight."),
    limit<&SessionLimits::queue_bytes_max>(
        "queue_bytes_max", "bytes", {0, tib},
        "The same, measured by the size of the messages; the smaller of the two limits counts. 0: none may wait."),
    limit<&SessionLimits::queue_stored_messages_max>(
        "queue_stored_messages_max", "messages", {0, u32_max},
        "QoS 1 and 2 messages that wait in the store, for each session that outlives its connection. Without "
        "store.path the key says nothing. 0: none may wait (not: any number)."),
    limit<&SessionLimits::queue_stored_bytes_max>(
        "queue_stored_bytes_max", "bytes", {0, tib},
        "The same, measured by the size of the messages; the smaller of the two limits counts. 0: none may wait."),
    limit<&SessionLimits::queue_window_messages>(
        "queue_window_messages", "messages", {1, 100'000},
        "Of the messages in the store, how many of a session are in memory too. Without store.path the key says "
        "nothing."),
    limit<&SessionLimits::queue_window_bytes>("queue_window_bytes", "bytes", {1024, u32_max},
                                              "The same, measured by their size."),
    limit<&SessionLimits::overflow>(
        "overflow", "", {},
        "What happens to a message for a full queue. drop_oldest: the oldest one makes room. drop_newest: it is not "
        "queued. refuse: nobody gets it and its publisher is told quota exceeded; an MQTT 3 publisher, who cannot be "
        "told, is disconnected if the session is not connected. spill: as drop_newest, except for a connected client "
        "whose session ends with its connection; durable and relaxed messages that its queue in memory cannot take "
        "wait in the store, and when the store cannot take them either, the client is disconnected, so that it knows "
        "of the gap."),
    limit<&SessionLimits::queue_qos0_offline>("queue_qos0_offline", "", {},
                                              "Whether QoS 0 messages are queued for sessions that are not connected."),
    limit<&SessionLimits::outbox_bytes_max>(
        "outbox_bytes_max", "bytes", {4096, tib},
        "Unsent bytes of a client that reads too slowly, from where on QoS 0 messages to it are dropped and the "
        "others wait in the queue."),
    limit<&SessionLimits::outbox_bytes_fatal>(
        "outbox_bytes_fatal", "bytes", {4096, tib},
        "Unsent bytes of a client that does not read at all, from where on it is disconnected. Not below "
        "outbox_bytes_max."),
    limit<&SessionLimits::session_expiry_max_s>(
        "session_expiry_max_s", "s", {0, u32_max},
        "How long the session of a disconnected MQTT 5 client is kept at most; the client is told when it asked for "
        "longer. 4294967295: for ever."),
    limit<&SessionLimits::session_expiry_v3_s>(
        "session_expiry_v3_s", "s", {0, u32_max},
        "The same for MQTT 3 clients that ask for a persistent session. 4294967295: for ever."),

    setting<&Config::shard, &broker::ShardOptions::sessions_max>(
        "broker", "sessions_max", "sessions", {1, 10'000'000},
        "Sessions in memory, connected or not. When they are reached, a new session takes the place of the one that is "
        "without a client for longest and holds no message, of the owner (a user, or the address of anonymous clients) "
        "with most sessions; if there is none, the new client is refused."),
    setting<&Config::shard, &broker::ShardOptions::response_information_prefix>(
        "broker", "response_information_prefix", "", {},
        "What an MQTT 5 client that asks for Response Information is told: this and its client id."),
    setting<&Config::stop_time_max>("broker", "stop_time_max_s", "s", {0, 600},
                                    "How long a stopping broker waits for clients to take their last bytes."),

    setting<&Config::shard, &broker::ShardOptions::retained, &broker::RetainedLimits::messages_max>(
        "retained", "messages_max", "messages", {0, u32_max}, "Topics with a retained message."),
    setting<&Config::shard, &broker::ShardOptions::retained, &broker::RetainedLimits::bytes_max>(
        "retained", "bytes_max", "bytes", {0, tib}, "The same, measured by the size of the messages."),
    setting<&Config::shard, &broker::ShardOptions::retained, &broker::RetainedLimits::cache_bytes_max>(
        "retained", "cache_bytes_max", "bytes", {0, tib},
        "Memory for retained messages that were read back from the store."),

    setting<&Config::shard, &broker::ShardOptions::memory_budget_bytes>(
        "memory", "budget_bytes", "bytes", {0, tib},
        "Anonymous memory (heap and stacks, not the store's mapped pages, which the kernel takes back by itself) that "
        "the broker keeps below, at least 16 MiB. From 60 % on, QoS 0 messages for clients that read too slowly are "
        "dropped. From 70 % on, an owner (a user, or the address of anonymous clients) whose sessions and "
        "subscriptions "
        "hold more than a sixteenth of the budget gets no more of them, except in place of its own old sessions; "
        "everybody else gets in. From 80 % on, memory is given back, largest owner first: what the store has too, then "
        "connections that hold most, then sessions without client and messages, at last messages that only memory has. "
        "Peers that have not logged in have an eighth of the budget. 0: half of the machine's memory, or three "
        "quarters "
        "of what its control groups allow, if that is less."),

    setting<&Config::shard, &broker::ShardOptions::share_strategy>(
        "shared_subscriptions", "strategy", "", {},
        "How the member that gets a message is chosen. round_robin: in turn. random. sticky_publisher: one publisher, "
        "one member. least_inflight: the one with the fewest unacknowledged messages."),

    setting<&Config::shard, &broker::ShardOptions::sys_interval>(
        "sys", "interval_s", "s", {0, 86'400}, "How often the $SYS topics are published. 0: not at all."),

    setting<&Config::store, &StoreSettings::path>(
        "store", "path", "", {},
        "The directory that keeps sessions and messages, of its own and made if need be, or \"none\": then nothing "
        "survives the broker."),
    setting<&Config::store, &StoreSettings::if_unusable>(
        "store", "if_unusable", "", {},
        "What the broker does at a start when the directory or the file cannot be used: read-only, of another user, no "
        "room to mend a damaged file. stop: it says why and ends. start_without: it says so as an error and serves as "
        "with path = \"none\", so nothing is kept. A store that another broker has always ends it."),
    setting<&Config::shard, &broker::ShardOptions::durability, &broker::DurabilityOptions::level>(
        "store", "durability", "", {},
        "What the broker's acknowledgement of a message means. durable: it is on stable storage, or its subscribers "
        "have acknowledged it. relaxed: it will be there after relaxed_interval_ms at most. ram: it is in memory. "
        "Without a store everything is ram."),
    setting_ms<&Config::shard, &broker::ShardOptions::durability, &broker::DurabilityOptions::journal,
               &journal::JournalOptions::commit_delay>(
        "store", "commit_delay_ms", {0, 1000},
        "How long a durable message waits for its subscribers before it is written: one that they acknowledge in time "
        "never is. Longer costs less flash and more time until the acknowledgement."),
    setting_ms<&Config::shard, &broker::ShardOptions::durability, &broker::DurabilityOptions::journal,
               &journal::JournalOptions::paced_interval>(
        "store", "retained_interval_ms", {0, 10'000},
        "A commit for nothing but a few durable updates of retained messages costs the flash most: about 20 KB, be it "
        "one "
        "or ten. After 32 of them further ones wait until there are 16 updates, or for this time; the updates are "
        "acknowledged then. 0: no such limit."),
    setting_ms<&Config::shard, &broker::ShardOptions::durability, &broker::DurabilityOptions::journal,
               &journal::JournalOptions::lazy_interval>(
        "store", "relaxed_interval_ms", {10, 600'000},
        "How long what nobody waits for stays unwritten: relaxed messages, and notes that a message is done."),
    setting<&Config::store, &StoreSettings::size_max_bytes>(
        "store", "size_max_bytes", "bytes", {1024 * 1024, tib},
        "The ceiling of the store's file, or what the disk has room for. From 60 % on, durable messages of an owner (a "
        "user, or the address of anonymous clients) whose messages take more than a quarter of it are refused; from "
        "85 % on, those of everybody, until less than 83 % are used. A file that is larger already raises it; 32-bit "
        "machines have 512 MiB at most."),
    setting<&Config::store, &StoreSettings::daily_write_budget_bytes>(
        "store", "daily_write_budget_bytes", "bytes", {0, tib},
        "Bytes a day that the flash is meant to take. A pace beyond it widens relaxed_interval_ms, up to 16 times; "
        "durable messages are written as ever, and the log says who writes most. 0: no budget."),

    setting<&Config::auth, &AuthSettings::password_file>(
        "auth", "password_file", "", {},
        "The file with users and the hashes of their passwords; `ledgemq passwd FILE USER` edits it, and what "
        "mosquitto_passwd wrote is read as it is. Then who gives a user name must prove it, everywhere. \"\": nobody "
        "has a name, and listeners let in everybody or nobody (allow_anonymous)."),
    setting<&Config::auth, &AuthSettings::acl_file>(
        "auth", "acl_file", "", {},
        "The file that says which topics clients may publish to and receive from, in the syntax of mosquitto's "
        "acl_file; with roles and groups in TOML if its name ends in .toml. What no rule grants is denied. \"\": "
        "everybody may do everything."),
    setting<&Config::auth, &AuthSettings::on_revocation>(
        "auth", "on_revocation", "", {},
        "What happens to a connected client with a subscription that has become forbidden. disconnect: its "
        "connection ends, MQTT 5 clients are told not authorized. unsubscribe: the subscription ends. Nobody receives "
        "what is forbidden either way."),
    setting<&Config::auth, &AuthSettings::explain_to_clients>(
        "auth", "explain_to_clients", "", {},
        "Whether MQTT 5 clients are told the rule that refuses something, with file and line, in the reason string. "
        "The log has it either way."),
    setting<&Config::auth, &AuthSettings::binds_sessions>(
        "auth", "bind_sessions", "", {},
        "Whether a session belongs to the user who began it: with the same client id others are refused (client "
        "identifier not valid), they neither resume nor end it. A session that was begun without a proven name "
        "becomes that of the first user who comes for it. false: whoever has the client id has the session."),
    setting<&Config::auth, &AuthSettings::login, &auth::LoginLimits::failures_max>(
        "auth", "login_failures_max", "failures", {0, 1'000'000},
        "Wrong passwords of one user name from one address (of IPv6: one network of 64 bits) within login_window_s. "
        "Then logins of this name from this address are refused for login_block_s; other names there are not. Names "
        "that no user has count together for each address. 0: any number. Peers on Unix sockets have no address."),
    setting<&Config::auth, &AuthSettings::login, &auth::LoginLimits::window>("auth", "login_window_s", "s", {1, 86'400},
                                                                             "How long a wrong password counts."),
    setting<&Config::auth, &AuthSettings::login, &auth::LoginLimits::block_time>(
        "auth", "login_block_s", "s", {1, 86'400}, "How long such logins are refused."),
    jwt<&TokenSettings::key_file>(
        "key_file", "", {},
        "The key that tokens are signed with: a public key in PEM (RSA of 2048 bits or more: RS256; EC on P-256: "
        "ES256), or any 32 to 1024 bytes that are a shared secret (HS256). With this or jwks_file a password that has "
        "the form of a token (eyJ...) is one, and counts only if its signature is right. \"\": none."),
    jwt<&TokenSettings::jwks_file>("jwks_file", "", {},
                                   "The same, several keys: a JWK Set. A token's kid chooses among them."),
    jwt<&TokenSettings::issuer>("issuer", "", {}, "Tokens have to be from this issuer (iss). \"\": from any."),
    jwt<&TokenSettings::audience>("audience", "", {},
                                  "Tokens have to be for this audience (aud). \"\": those for any are refused."),
    jwt<&TokenSettings::user_claim>("user_claim", "", {}, "The claim that is the user name."),
    jwt<&TokenSettings::roles_claim>("roles_claim", "", {},
                                     "The claim with roles of the acl_file: a text or a list of texts."),
    jwt<&TokenSettings::leeway>(
        "leeway_s", "s", {0, 600},
        "How far the clocks of broker and issuer may be apart. A connection ends when its token has, after this."),
    jwt<&TokenSettings::match_user_name>(
        "match_user_name", "", {},
        "Whether a user name that a client gives beside a token has to be the token's. false: it means nothing."),

    hook<&HookSettings::url>(
        "url", "", {},
        "Where to ask: https://HOST:PORT/PATH, http://HOST:PORT/PATH (HOST a name, an address or localhost), or "
        "\"none\". It is told user, password, "
        "client_id, address and listener as JSON by POST; 200 lets the client in, 401 and 403 do not, anything else "
        "and silence refuse it as unavailable. A body may say {\"user\": \"...\", \"roles\": [...], "
        "\"ttl_s\": N}. Users in the password_file and tokens are not asked about. With http:// the password goes as "
        "it "
        "is: only on this machine, or over a network that nobody listens to."),
    hook<&HookSettings::ca>("ca", "", {},
                            "PEM file of who signs the hook's certificate; https:// needs it. What the system trusts: "
                            "\"/etc/ssl/certs/ca-certificates.crt\". The certificate has to be valid and for HOST; "
                            "otherwise nobody gets in. "
                            "This file, certificate and key are watched."),
    hook<&HookSettings::certificate>(
        "certificate", "", {}, "PEM file of the broker's own certificate, for a hook that asks for one. \"\": none."),
    hook<&HookSettings::key>("key", "", {}, "PEM file of its key, without a password."),
    setting_ms<&Config::auth, &AuthSettings::http, &HookSettings::timeout>(
        "auth.http", "timeout_ms", {10, 9'000}, "From the question to the end of the answer."),
    hook<&HookSettings::requests_max>("requests_max", "requests", {1, 1'000},
                                      "Questions at once. Beyond it up to 1000 clients wait."),
    hook<&HookSettings::cached_max>("cached_max", "answers", {0, 1'000'000}, "Answers that are remembered."),
    hook<&HookSettings::cache_time>("cache_s", "s", {0, 86'400},
                                    "How long a yes is remembered, at most its ttl_s. SIGHUP forgets all."),
    hook<&HookSettings::cache_time_denied>("cache_denied_s", "s", {0, 86'400}, "How long a no is remembered."),
    hook<&HookSettings::idle_max>("idle_connections_max", "connections", {0, 64},
                                  "Connections to the hook that are kept for the next questions, so that TLS is not "
                                  "agreed on for each login. 0: a connection for each question."),
    hook<&HookSettings::idle_time>("idle_s", "s", {1, 3'600}, "How long such a connection is kept without a question."),

    setting<&Config::admin, &AdminSettings::url>(
        "admin", "url", "", {},
        "Where: http://HOST:PORT, https://HOST:PORT, or \"none\". Beyond this machine only with token_file or with "
        "client_certificate = \"required\" in [admin.tls]."),
    setting<&Config::admin, &AdminSettings::token_file>(
        "admin", "token_file", "", {},
        "A file with one line of at least 16 characters. With it, /metrics and /api ask for the header "
        "\"Authorization: Bearer LINE\", and are served on WebSocket listeners too."),
    admin_tls<&TlsSettings::certificate>("certificate",
                                         "A file with the certificate that is shown, PEM, followed by "
                                         "the chain above it. It and the others are watched."),
    admin_tls<&TlsSettings::key>("key", "The file with its key, PEM without a password."),
    admin_tls<&TlsSettings::ca>("ca", "A file with the certificates of those who sign client certificates."),
    admin_tls<&TlsSettings::crl>("crl", "A file with their lists of revoked certificates."),
    admin_tls<&TlsSettings::client_certificate>(
        "client_certificate",
        "Whether clients have to show a certificate that ca has signed. With one they read every page, without the "
        "token too. optional: those who have none get in, and read what the token or their address allows."),

    setting<&Config::process, &ProcessSettings::user>(
        "process", "user", "", {},
        "Started by root, the broker becomes this user for good once it listens and has read keys and certificates; "
        "the store is opened as that user. \"\": it stays who it is. Files that the user may not read cannot be read "
        "again; they are named at the start."),
    setting<&Config::process, &ProcessSettings::group>("process", "group", "", {},
                                                       "With user: the only group it is in then. \"\": the user's."),
    setting<&Config::process, &ProcessSettings::core_dumps>("process", "core_dumps", "", {},
                                                            "Whether the system may write a core dump when the broker "
                                                            "crashes: keys and passwords of waiting clients are in "
                                                            "it. false also keeps debuggers of the same user out."),

    setting<&Config::log, &LogSettings::level>("log", "level", "", {},
                                               "The least important events that are logged, to standard error."),
    setting<&Config::log, &LogSettings::format>("log", "format", "", {},
                                                "text: a line for people. json: an object on each line."),
};

struct SectionHelp {
    std::string_view section;
    std::string_view help;
};

constexpr SectionHelp sections[] = {
    {"limits",
     "What one client may do and what is kept for it. A listener may have its own: any of these keys in "
     "[listeners.NAME.limits] holds for its clients instead of the one here."},
    {"broker", "The broker as a whole."},
    {"retained", "Retained messages; what exceeds a limit is refused with quota exceeded."},
    {"memory", "What the process as a whole may use."},
    {"shared_subscriptions", "Subscriptions to $share/GROUP/FILTER: each message goes to one member of the group."},
    {"sys", "Figures of the broker under $SYS/broker."},
    {"store", "What survives a restart."},
    {"auth",
     "Who may do what. The files are watched: a change is taken over within seconds, on SIGHUP at once; with a mistake "
     "in one of them all the old ones stay."},
    {"auth.jwt",
     "JSON Web Tokens as passwords; what they may claim is in include/ledge/auth/jwt.hpp. The keys are watched."},
    {"auth.http", "A program of yours that is asked who may connect."},
    {"admin",
     "Pages for operators, by HTTP: /healthz (is it ready, is the store well), /metrics (for Prometheus), /api/v1/. "
     "WebSocket listeners serve /healthz too."},
    {"admin.tls", "How TLS is spoken there, when admin.url begins with https://."},
    {"process", "What the broker is to the system: no more than it needs."},
    {"log", "Events, each with its reason."},
    {"tls", "How TLS is spoken on a listener whose url begins with mqtts:// or wss://."},
    {"websocket", "How WebSocket is spoken on a listener whose url begins with ws://."},
};

}  // namespace

std::string Option::key() const {
    std::string key(section);
    if (!key.empty()) key += '.';
    return key += name;
}

bool Option::has_key(std::string_view key) const {
    if (section.empty()) return key == name;
    return key.size() == section.size() + 1 + name.size() && key.starts_with(section) && key[section.size()] == '.' &&
           key.ends_with(name);
}

std::span<const Option> options() { return table; }

std::string_view section_help(std::string_view section) {
    for (const SectionHelp& entry : sections) {
        if (entry.section == section) return entry.help;
    }
    return {};
}

}  // namespace ledge::config
