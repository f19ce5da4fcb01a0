// The options of the whole broker, the help of every section, and the table of all options. Defaults are not here: they
// are the values of a default-constructed Config.
#include "options.hpp"

#include <vector>

#include "ledge/base/token_bucket.hpp"
#include "option_rows.hpp"

namespace ledge::config {
namespace {

// The sections stand in the order of the documented file. All rows of a section must be neighbours, because print()
// begins a section whenever the name changes.
constexpr Option broker_rows[] = {
    // Sessions are limited in number, because a client can leave one behind with each new client id.
    setting<&Config::shard, &broker::ShardOptions::sessions_max>(
        "broker", "sessions_max", "sessions", {1, 10'000'000},
        "Sessions in memory, connected or not. At this limit the broker looks at the owner (a user, or the address "
        "of anonymous clients) with the most sessions: of its sessions without a client and without a message, the "
        "one that has been without a client for longest ends and makes room. If there is none, the new client is "
        "refused."),
    // Response Information in CONNACK (5.0 section 3.2.2.3.15).
    setting<&Config::shard, &broker::ShardOptions::response_information_prefix>(
        "broker", "response_information_prefix", "", {},
        "The first part of the Response Information for MQTT 5 clients that ask for it; the client id is the second "
        "part."),
    setting<&Config::stop_time_max>(
        "broker", "stop_time_max_s", "s", {0, 600},
        "Seconds for which a stopping broker waits until clients have received their last bytes; 0 = no waiting. "
        "After this time the remaining connections are closed."),

    // In this section 0 means none, whereas in most others 0 means unlimited.
    setting<&Config::shard, &broker::ShardOptions::retained, &broker::RetainedLimits::messages_max>(
        "retained", "messages_max", "messages", {0, u32_max}, "Topics that may have a retained message; 0 = none."),
    setting<&Config::shard, &broker::ShardOptions::retained, &broker::RetainedLimits::bytes_max>(
        "retained", "bytes_max", "bytes", {0, tib}, "Bytes of all retained messages together; 0 = none."),
    setting<&Config::shard, &broker::ShardOptions::retained, &broker::RetainedLimits::cache_bytes_max>(
        "retained", "cache_bytes_max", "bytes", {0, tib},
        "Bytes of retained messages that stay in memory after they were read back from the store; 0 = none."),

    // The range begins at 0 for the default; checks.cpp refuses values from 1 byte to 16 MiB.
    setting<&Config::shard, &broker::ShardOptions::memory_budget_bytes>(
        "memory", "budget_bytes", "bytes", {0, tib},
        "The budget for the anonymous memory of the process in bytes (heap and stacks, without the store's mapped "
        "pages, which the kernel reclaims by itself), at least 16 MiB. 0 = half of the machine's memory, or three "
        "quarters of what the control groups of the process allow, if that is less. From 60 % on, QoS 0 messages for "
        "clients that read too slowly are dropped. From 70 % on, an owner (a user, or the address of anonymous "
        "clients) whose sessions and subscriptions hold more than a sixteenth of the budget gets no more of them, "
        "except in place of its own old sessions; all other owners are admitted. From 80 % on, the broker frees "
        "memory, the largest owner first: messages that the store has too, then the connections that hold the most, "
        "then sessions without a client and without messages, and at last messages that only memory has. Peers that "
        "have not logged in share an eighth of the budget."),

    // The standard leaves the choice to the server (5.0 section 4.8.2).
    setting<&Config::shard, &broker::ShardOptions::share_strategy>(
        "shared_subscriptions", "strategy", "", {},
        "How the broker chooses the member of the group that gets a message. round_robin: each member in turn. "
        "random: any member. sticky_publisher: always the same member for one publisher. least_inflight: the member "
        "with the fewest unacknowledged messages."),

    // Topics below $SYS/ are a convention and not a part of the standard (5.0 section 4.7.2).
    setting<&Config::shard, &broker::ShardOptions::sys_interval>(
        "sys", "interval_s", "s", {0, 86'400},
        "Seconds between two publications of the $SYS topics; 0 = they are not published."),

    setting<&Config::store, &StoreSettings::path>(
        "store", "path", "", {},
        "The directory that keeps sessions and messages, or \"none\". The directory is for this broker alone and is "
        "created if it does not exist. With \"none\", nothing survives the end of the broker."),
    // open_store() in daemon/serve.cpp carries this out.
    setting<&Config::store, &StoreSettings::if_unusable>(
        "store", "if_unusable", "", {},
        "What the broker does at its start when it cannot use the directory or the file: they are read-only or "
        "belong to another user, or there is no room to repair a damaged file. stop: the broker logs the reason and "
        "ends. start_without: the broker logs the reason as an error and serves as with path = \"none\", so nothing "
        "is kept. If another broker uses the store, the broker always ends."),
    // levels.cpp adds [[store.levels]], which overrides this level for single topics.
    setting<&Config::shard, &broker::ShardOptions::durability, &broker::DurabilityOptions::level>(
        "store", "durability", "", {},
        "What the broker promises when it acknowledges a message. durable: the message is on stable storage, or its "
        "subscribers have acknowledged it. relaxed: the message will be on stable storage within "
        "relaxed_interval_ms. ram: the message is in memory. Without a store every message is ram."),
    setting_ms<&Config::shard, &broker::ShardOptions::durability, &broker::DurabilityOptions::journal,
               &journal::JournalOptions::commit_delay>(
        "store", "commit_delay_ms", {0, 1000},
        "Milliseconds for which a durable message waits for its subscribers before it is written; 0 = it does not "
        "wait. A message that its subscribers acknowledge within this time is never written. A longer time costs "
        "less flash, but acknowledgements come later."),
    setting_ms<&Config::shard, &broker::ShardOptions::durability, &broker::DurabilityOptions::journal,
               &journal::JournalOptions::paced_interval>(
        "store", "retained_interval_ms", {0, 10'000},
        "Milliseconds between commits that hold only a few durable updates of retained messages; 0 = unlimited. Such "
        "a commit costs the flash most: about 20 KB, for one update or for ten. After 32 such commits, further "
        "updates wait until there are 16 of them, or for this time; they are acknowledged only then."),
    setting_ms<&Config::shard, &broker::ShardOptions::durability, &broker::DurabilityOptions::journal,
               &journal::JournalOptions::lazy_interval>(
        "store", "relaxed_interval_ms", {10, 600'000},
        "Milliseconds for which records may stay unwritten when no acknowledgement waits for them: relaxed messages, "
        "and notes that a message is done."),
    setting<&Config::store, &StoreSettings::size_max_bytes>(
        "store", "size_max_bytes", "bytes", {1024 * 1024, tib},
        "The largest size of the store's file in bytes; less if the disk has no more room. From 60 % on, durable "
        "messages of an owner (a user, or the address of anonymous clients) whose messages take more than a quarter "
        "of this size are refused. From 85 % on, durable messages of all owners are refused, until less than 83 % "
        "are in use. A file that is larger already raises this value to its own size. 32-bit machines have 512 MiB "
        "at most."),
    setting<&Config::store, &StoreSettings::daily_write_budget_bytes>(
        "store", "daily_write_budget_bytes", "bytes", {0, tib},
        "Bytes per day that the broker may write to the flash; 0 = no budget. When the broker writes faster, "
        "relaxed_interval_ms is widened, up to 16 times. Durable messages are written as before, and the log says "
        "who writes most."),

    // policy_files.cpp reads the files of [auth].
    setting<&Config::auth, &AuthSettings::password_file>(
        "auth", "password_file", "", {},
        "The file with users and the hashes of their passwords. `ledgemq passwd FILE USER` edits it; a file of "
        "mosquitto_passwd works unchanged. With this file, a client that gives a user name must prove it, on every "
        "listener. \"\" = no client has a user name, and a listener admits all clients or none (allow_anonymous)."),
    setting<&Config::auth, &AuthSettings::acl_file>(
        "auth", "acl_file", "", {},
        "The file with the rules that say which topics clients may publish to and receive from, in the syntax of "
        "mosquitto's acl_file; in TOML, with roles and groups, if its name ends in .toml. The broker denies what no "
        "rule grants. \"\" = every client may publish and receive everything."),
    // Not authorized is the reason code 0x87 (5.0 section 2.4).
    setting<&Config::auth, &AuthSettings::on_revocation>(
        "auth", "on_revocation", "", {},
        "What happens to a connected client when new rules forbid one of its subscriptions. disconnect: the "
        "connection ends, and MQTT 5 clients are told not authorized. unsubscribe: the subscription ends. Either way "
        "the client no longer receives what is forbidden."),
    setting<&Config::auth, &AuthSettings::explain_to_clients>(
        "auth", "explain_to_clients", "", {},
        "Whether MQTT 5 clients are told in the reason string which rule refuses their request, with file and line. "
        "The log names the rule either way."),
    setting<&Config::auth, &AuthSettings::binds_sessions>(
        "auth", "bind_sessions", "", {},
        "Whether a session belongs to the user who began it. true: another user with the same client id is refused "
        "(client identifier not valid) and can neither resume nor end the session. A session that was begun without "
        "a proven user name goes to the first user who connects with its client id. false: every client with the "
        "client id gets the session."),
    // auth/README.md has the reason why a block concerns a name at an address.
    setting<&Config::auth, &AuthSettings::login, &auth::LoginLimits::failures_max>(
        "auth", "login_failures_max", "failures", {0, 1'000'000},
        "Wrong passwords for one user name from one address within login_window_s; 0 = unlimited. An IPv6 address "
        "counts as its network of 64 bits. At this number, logins with this user name from this address are refused "
        "for login_block_s; other user names at this address are not refused. User names that do not exist are "
        "counted together for each address. Peers on Unix sockets have no address."),
    setting<&Config::auth, &AuthSettings::login, &auth::LoginLimits::window>(
        "auth", "login_window_s", "s", {1, 86'400},
        "Seconds for which a wrong password counts for login_failures_max."),
    setting<&Config::auth, &AuthSettings::login, &auth::LoginLimits::block_time>(
        "auth", "login_block_s", "s", {1, 86'400},
        "Seconds for which logins are refused after login_failures_max wrong passwords."),

    // The sizes of keys are those that RFC 7518 requires: section 3.2 for HS256, section 3.3 for RS256.
    jwt<&TokenSettings::key_file>(
        "key_file", "", {},
        "The key that tokens are signed with: a public key in PEM (RSA of 2048 bits or more for RS256, EC on P-256 "
        "for ES256), or a shared secret of 32 to 1024 bytes (HS256). With key_file or jwks_file, a password that has "
        "the form of a token (eyJ...) is a token, and is accepted only if its signature is right. \"\" = no key."),
    // JWK Set: RFC 7517 section 5.
    jwt<&TokenSettings::jwks_file>(
        "jwks_file", "", {},
        "A JWK Set: a file with several keys that tokens are signed with. The kid of a token chooses among them. "
        "\"\" = no keys."),
    // Claims of RFC 7519: iss in section 4.1.1, aud in section 4.1.3, exp in section 4.1.4.
    jwt<&TokenSettings::issuer>("issuer", "", {}, "The issuer (iss) that tokens must name. \"\" = any issuer."),
    jwt<&TokenSettings::audience>(
        "audience", "", {},
        "The audience (aud) that tokens must name. \"\" = tokens that name any audience are refused."),
    jwt<&TokenSettings::user_claim>("user_claim", "", {}, "The claim that becomes the user name."),
    jwt<&TokenSettings::roles_claim>("roles_claim", "", {},
                                     "The claim with the roles of acl_file: a text or a list of texts."),
    jwt<&TokenSettings::leeway>(
        "leeway_s", "s", {0, 600},
        "Seconds by which the clocks of broker and issuer may differ; 0 = not at all. A connection ends this long "
        "after its token has expired."),
    jwt<&TokenSettings::match_user_name>(
        "match_user_name", "", {},
        "Whether the user name in CONNECT, if there is one, must be the user name of the token. false: the user name "
        "in CONNECT is ignored."),

    // auth/hook.hpp has the form of questions and answers.
    hook<&HookSettings::url>(
        "url", "", {},
        "The address of the hook: https://HOST:PORT/PATH, http://HOST:PORT/PATH or \"none\". HOST is a name, an "
        "address or localhost. The broker sends user, password, client_id, address and listener as JSON by POST. "
        "Status 200 admits the client, 401 and 403 refuse it; any other answer, or none, refuses it as unavailable. "
        "The body of an answer may be {\"user\": \"...\", \"roles\": [...], \"ttl_s\": N}. The hook is not asked "
        "about users of password_file and about tokens. http:// does not encrypt passwords: use it only on this "
        "machine, or over a network where nobody else can listen."),
    hook<&HookSettings::ca>(
        "ca", "", {},
        "PEM file with the certificates of the authorities that sign the hook's certificate; https:// requires it. "
        "The authorities that the system trusts are in \"/etc/ssl/certs/ca-certificates.crt\". If the hook's "
        "certificate is not valid or not for HOST, no client that the hook is asked about is admitted. The files of "
        "ca, certificate and key are watched."),
    hook<&HookSettings::certificate>(
        "certificate", "", {},
        "PEM file with the broker's own certificate, for a hook that asks for one. \"\" = none."),
    hook<&HookSettings::key>("key", "", {}, "PEM file with the private key of certificate, without a password."),
    // The only duration of [auth.http] in milliseconds, because a login waits for it.
    setting_ms<&Config::auth, &AuthSettings::http, &HookSettings::timeout>(
        "auth.http", "timeout_ms", {10, 9'000},
        "Milliseconds from a question to the end of its answer. After this time the client is refused as unavailable."),
    hook<&HookSettings::requests_max>("requests_max", "requests", {1, 1'000},
                                      "Questions to the hook at once. Above this number, up to 1000 clients wait."),
    hook<&HookSettings::cached_max>(
        "cached_max", "answers", {0, 1'000'000},
        "Answers of the hook that are remembered; 0 = none. At this limit the oldest answer is forgotten."),
    hook<&HookSettings::cache_time>(
        "cache_s", "s", {0, 86'400},
        "Seconds for which a positive answer is remembered, at most its ttl_s; 0 = not at all. SIGHUP forgets all "
        "answers."),
    hook<&HookSettings::cache_time_denied>("cache_denied_s", "s", {0, 86'400},
                                           "Seconds for which a negative answer is remembered; 0 = not at all."),
    hook<&HookSettings::idle_max>(
        "idle_connections_max", "connections", {0, 64},
        "Connections to the hook that are kept open for the next questions, so that not every login costs a TLS "
        "handshake; 0 = one connection for each question."),
    hook<&HookSettings::idle_time>("idle_s", "s", {1, 3'600},
                                   "Seconds for which an unused connection to the hook is kept open."),

    setting<&Config::admin, &AdminSettings::url>(
        "admin", "url", "", {},
        "The address of the pages: http://HOST:PORT, https://HOST:PORT or \"none\". An address that other machines "
        "can reach requires a token, or client_certificate = \"required\" in [admin.tls]."),
    // Bearer tokens: RFC 6750 section 2.1. A token of 16 random characters cannot be guessed.
    setting<&Config::admin, &AdminSettings::token_file>(
        "admin", "token_file", "", {},
        "A file with one line, the token, of at least 16 characters. With a token, /metrics and /api require the "
        "header \"Authorization: Bearer TOKEN\", and WebSocket listeners serve them too. \"\" = no token."),
    setting<&Config::admin, &AdminSettings::socket>(
        "admin", "socket", "", {},
        "The path of a Unix socket for the same pages, which `ledgemq ctl` uses: /run/ledgemq/ctl.sock. The file has "
        "mode 0660, and belongs to process.user and process.group if they are set: who may open it may do everything. "
        "\"\" = none."),
    setting<&Config::admin, &AdminSettings::body_bytes_max>(
        "admin", "body_bytes_max", "bytes", {1024, 16 * mib},
        "The largest body of a request to the API, for example of a message to publish. A larger one is refused with "
        "413."),

    // Five keys of the TLS of a listener; admin/README.md says why.
    admin_tls<&TlsSettings::certificate>(
        "certificate",
        "PEM file with the certificate of the pages, followed by the chain of certificates above it. All files of "
        "this section are watched."),
    admin_tls<&TlsSettings::key>("key", "PEM file with the private key of certificate, without a password."),
    admin_tls<&TlsSettings::ca>("ca",
                                "PEM file with the certificates of the authorities that sign client certificates."),
    admin_tls<&TlsSettings::crl>("crl", "PEM file with the revocation lists of those authorities."),
    admin_tls<&TlsSettings::client_certificate>(
        "client_certificate",
        "Whether clients show a certificate that an authority in ca has signed. A client with such a certificate may "
        "read every page, and act, without a token. none: no certificate is required. optional: clients without a "
        "certificate are admitted too, and read what the token or their address allows. required: clients without a "
        "certificate are refused."),

    setting<&Config::ota, &OtaSettings::directory>(
        "ota", "directory", "", {},
        "The directory of the images, or \"none\". A file NAME or NAME@VERSION is an image of NAME; the one that was "
        "modified last is announced. A symbolic link is no image. Put a file there under a name that begins with a "
        "dot, then rename it."),
    setting<&Config::ota, &OtaSettings::topic_prefix>(
        "ota", "topic_prefix", "", {},
        "What the topics of the server begin with: PREFIX/manifest/NAME, PREFIX/image/NAME, PREFIX/get/CLIENT_ID and "
        "PREFIX/block/CLIENT_ID."),
    setting<&Config::ota, &OtaSettings::bytes_per_second_max>(
        "ota", "bytes_per_second_max", "bytes", {0, static_cast<std::int64_t>(TokenBucket::per_second_max)},
        "Bytes of answers to all devices together in a second, on average; 0 = unlimited. Above this rate requests "
        "wait, one of each device."),
    setting<&Config::ota, &OtaSettings::device_bytes_per_second_max>(
        "ota", "device_bytes_per_second_max", "bytes", {0, static_cast<std::int64_t>(TokenBucket::per_second_max)},
        "Bytes of answers to one device in a second, on average; 0 = unlimited."),
    // A request has two bytes for the length of a block (ota/messages.hpp).
    setting<&Config::ota, &OtaSettings::block_bytes_max>(
        "ota", "block_bytes_max", "bytes", {16, u16_max},
        "The most bytes of an image in one answer. A device asks for as many as it has room for."),
    setting<&Config::ota, &OtaSettings::image_bytes_max>("ota", "image_bytes_max", "bytes", {1, u32_max},
                                                         "A larger file is no image; the log names it."),

    // daemon/privileges.hpp changes the user.
    setting<&Config::process, &ProcessSettings::user>(
        "process", "user", "", {},
        "The user that a broker started by root becomes for good once it listens and has read its keys and "
        "certificates. The broker opens the store as this user. \"\" = the broker keeps the user that started it. "
        "Files that the user may not read cannot be read again later; the broker names them at its start."),
    setting<&Config::process, &ProcessSettings::group>(
        "process", "group", "", {},
        "The only group that the broker is in after it has become user. \"\" = the main group of that user."),
    // PR_SET_DUMPABLE of prctl(2), which also decides who may trace the process.
    setting<&Config::process, &ProcessSettings::core_dumps>(
        "process", "core_dumps", "", {},
        "Whether the system may write a core dump when the broker crashes. A core dump contains keys and the "
        "passwords of waiting clients. false: debuggers of the same user are kept out too."),
    setting<&Config::process, &ProcessSettings::upgrade_time_max_s>(
        "process", "upgrade_time_max_s", "s", {1, 3600},
        "The longest time that a new broker may take in an upgrade to read its configuration, and once more to open "
        "the store. After this time the old broker goes on serving."),

    // This level may change while the broker runs (daemon/reload.cpp).
    setting<&Config::log, &LogSettings::level>("log", "level", "", {}, "The least important events that are logged."),
    setting<&Config::log, &LogSettings::format>(
        "log", "format", "", {},
        "The format of the log. text: one line for people per event. json: one JSON object per line."),
    setting<&Config::log, &LogSettings::target>(
        "log", "target", "", {},
        "Where the log goes. stderr: standard error, which the service manager keeps (under systemd with the priority "
        "of each line for the journal). file: the file of log.file. syslog: the syslog daemon of this machine. Until "
        "the event `ready`, lines go to standard error too."),
    setting<&Config::log, &LogSettings::file>(
        "log", "file", "", {},
        "The file of target = \"file\", created with mode 0640 by the user that the broker runs as. Each line goes to "
        "the file that has this name at that moment, so the file may be renamed, removed or cut at any time; "
        "config/ledgemq.logrotate is an example. If the disk is full, lines are dropped and counted, and the broker "
        "goes on."),
    setting<&Config::log, &LogSettings::facility>("log", "facility", "", {},
                                                  "The facility of the lines with target = \"syslog\"."),
    setting<&Config::log, &LogSettings::syslog_socket>(
        "log", "syslog_socket", "", {},
        "The Unix socket of the syslog daemon, for target = \"syslog\". Each line is one datagram of at most 1023 "
        "bytes; a longer line is cut. While no daemon listens, up to 256 KiB of lines wait; further lines are dropped "
        "and counted."),
};

struct SectionHelp {
    std::string_view section;
    std::string_view help;
};

// Every section of the table needs an entry: load.cpp takes a section without help for an unknown key.
constexpr SectionHelp sections[] = {
    {"limits",
     "What one client may do, and what the broker keeps for one client. A listener may have its own values: any "
     "of these keys in [listeners.NAME.limits] holds for the clients of that listener instead of the value here."},
    {"broker", "The broker as a whole."},
    {"retained",
     "Limits of retained messages. A message that exceeds one is refused with quota exceeded; an MQTT 3 "
     "publisher, which cannot be told, is disconnected."},
    {"memory", "The memory of the whole process."},
    {"shared_subscriptions", "Subscriptions to $share/GROUP/FILTER: each message goes to one member of the group."},
    {"sys", "Figures of the broker, published below $SYS/broker."},
    {"store", "What survives a restart."},
    {"auth",
     "Users and rights. The files are watched: a change is in force within seconds, or at once on SIGHUP. If one "
     "of them has a mistake, all of them stay in force as they were."},
    {"auth.jwt",
     "JSON Web Tokens as passwords. include/ledge/auth/jwt.hpp lists the claims of a token. The files with keys "
     "are watched."},
    {"auth.http", "The hook: a program of yours that the broker asks whether a client may connect."},
    {"admin",
     "Pages for operators by HTTP: /healthz (is the broker ready, is the store in order), /metrics (for "
     "Prometheus), /api/v1/ (for programs and `ledgemq ctl`). WebSocket listeners serve /healthz too."},
    {"admin.tls", "TLS of the pages, for an admin.url that begins with https://."},
    {"ota",
     "Firmware images for devices, which fetch them in blocks with requests of ten bytes: over MQTT, MQTT-SN and "
     "WebSocket, and between two naps. firmware-bridge/PROTOCOL.md describes the messages, src/ota/README.md the "
     "rights that devices need."},
    {"process", "The rights of the process: no more than the broker needs."},
    {"log", "The log: events, each with its reason."},
    {"tls", "TLS of a listener whose url begins with mqtts:// or wss://."},
    {"websocket", "WebSocket of a listener whose url begins with ws:// or wss://."},
    {"mqttsn",
     "A listener whose url begins with udp:// or serial:, for devices that speak MQTT-SN 1.2. Topics that devices know "
     "by numbers stand in the section [listeners.NAME.mqttsn.predefined_topics], each as ID = \"TOPIC\"."},
    {"lines",
     "A serial listener with mode = \"lines\", for firmware that prints lines of text: each line becomes a message, "
     "and messages on command_topic become lines."},
};

}  // namespace

std::string Option::key() const {
    std::string key(section);
    if (!key.empty()) key += '.';
    return key += name;
}

bool Option::has_key(std::string_view key) const {
    // Compared part by part, so that a search through all rows builds no texts.
    if (section.empty()) return key == name;
    return key.size() == section.size() + 1 + name.size() && key.starts_with(section) && key[section.size()] == '.' &&
           key.ends_with(name);
}

// The order is the order of the documented file: the options of listeners first.
std::span<const Option> options() {
    static const std::vector<Option> all = [] {
        std::vector<Option> rows;
        for (const std::span<const Option> part : {listener_options(), mqttsn_options(), lines_options(),
                                                   limit_options(), std::span<const Option>(broker_rows)})
            rows.insert(rows.end(), part.begin(), part.end());
        return rows;
    }();
    return all;
}

std::string_view section_help(std::string_view section) {
    for (const SectionHelp& entry : sections) {
        if (entry.section == section) return entry.help;
    }
    return {};
}

}  // namespace ledge::config
