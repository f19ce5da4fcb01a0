// The command line of `pub` and `sub`: the options of a client, and what they mean together.
#include <CLI/CLI.hpp>
#include <chrono>
#include <map>

#include "command_line_parts.hpp"
#include "ledge/config/command_line.hpp"
#include "listener_url.hpp"

namespace ledge::config {
namespace {

constexpr const char* exit_statuses =
    "Exit status: 0 = done, 1 = not connected, or refused by the broker (the reason is told), 2 = wrong command line "
    "or file, 27 = --timeout is over, as with mosquitto_sub.\n"
    "SIGINT and SIGTERM end the command in order, with DISCONNECT.";

constexpr double seconds_max = 1e9;

Duration duration_of(double seconds) {
    return std::chrono::duration_cast<Duration>(std::chrono::duration<double>(seconds));
}

/// The address of a broker: a url of a bridge, or unix:PATH.
cli::ServerAddress server_of(const std::string& url) {
    const auto endpoint = url.starts_with("unix:") ? parse_listener_url(url) : parse_bridge_url(url);
    if (!endpoint) throw CLI::ValidationError("--url", endpoint.error());
    cli::ServerAddress server;
    server.host = endpoint->host;
    server.port = endpoint->port;
    server.is_tls = endpoint->is_tls;
    server.path = endpoint->resource;
    server.unix_path = endpoint->path;
    return server;
}

void add_connection(CLI::App& app, cli::ConnectionOptions& options, ClientDraft& draft) {
    app.add_option("--url", draft.url,
                   "The broker: mqtt://HOST:PORT, mqtts://, ws://HOST:PORT/PATH, wss:// or unix:PATH; "
                   "mqtt://127.0.0.1:1883 if not given")
        ->type_name("URL");
    app.add_option("--id", options.client_id, "The client id; the broker chooses one if not given")->type_name("ID");
    app.add_option("--user", options.user, "The user name")->type_name("NAME");
    CLI::Option* file =
        app.add_option("--password-file", options.password_file, "The file whose first line is the password")
            ->type_name("FILE");
    app.add_option("--password", options.password,
                   "The password; every user of this machine can read it in the list of processes, so prefer "
                   "--password-file")
        ->type_name("TEXT")
        ->excludes(file);
    app.add_option("--ca", options.tls.ca_file,
                   "PEM file with the authorities that sign the certificate of the broker; those of the system if not "
                   "given")
        ->type_name("FILE");
    CLI::Option* certificate =
        app.add_option("--cert", options.tls.certificate_file, "PEM file with the certificate of the client")
            ->type_name("FILE");
    CLI::Option* key = app.add_option("--key", options.tls.key_file, "PEM file with its key")->type_name("FILE");
    certificate->needs(key);
    key->needs(certificate);
    app.add_flag("--insecure", options.tls.is_insecure,
                 "Accept any certificate of the broker; only for tests, because anybody on the way can read along");
    app.add_option("--version", draft.version, "The version of MQTT: 5 or 3.1.1; 5 if not given")
        ->type_name("VERSION")
        ->check(CLI::IsMember({"5", "3.1.1"}));
    app.add_option("--keep-alive", options.keep_alive_s, "Keep Alive in seconds; 60 if not given, 0 = none")
        ->type_name("S");
    CLI::Option* clean = app.add_flag("--clean", draft.is_clean,
                                      "Discard an earlier session of the client id, which is usual without "
                                      "--no-clean and --session-expiry");
    app.add_flag("--no-clean", draft.is_kept, "Go on with an earlier session of the client id")->excludes(clean);
    app.add_option("--session-expiry", options.session_expiry_s,
                   "Seconds for which the broker keeps the session after the end (MQTT 5); implies --no-clean")
        ->type_name("S");
    app.add_option("--timeout", draft.timeout_s, "End with exit status 27 after this time")
        ->type_name("S")
        ->check(CLI::Range(0.0, seconds_max));
    app.add_flag("--verbose", options.is_verbose, "Tell on standard error what the command does");
}

void add_will(CLI::App& app, ClientDraft& draft) {
    CLI::Option* topic = app.add_option("--will-topic", draft.will_topic,
                                        "The topic of the will, which the broker publishes if the "
                                        "connection is lost")
                             ->type_name("TOPIC");
    app.add_option("--will-payload", draft.will_payload, "The payload of the will")->type_name("TEXT")->needs(topic);
    app.add_option("--will-qos", draft.will_qos, "The QoS of the will")
        ->type_name("QOS")
        ->check(CLI::Range(0, 2))
        ->needs(topic);
    app.add_flag("--will-retain", draft.will_retain, "The will becomes the retained message of its topic")
        ->needs(topic);
    app.add_option("--will-delay", draft.will_delay_s, "Seconds before the will is published (MQTT 5)")
        ->type_name("S")
        ->needs(topic);
}

/// The version and the session are settled here, because their options depend on each other.
void finish_connection(cli::ConnectionOptions& options, const ClientDraft& draft) {
    options.server = server_of(draft.url);
    options.is_v5 = draft.version == "5";
    options.timeout = duration_of(draft.timeout_s);
    options.is_clean = draft.is_clean || !(draft.is_kept || options.session_expiry_s > 0);
    if (!options.is_v5 && options.session_expiry_s > 0)
        throw CLI::ValidationError("--session-expiry", "MQTT 3.1.1 has no session expiry; use --no-clean");
    if (!options.is_clean && options.client_id.empty())
        throw CLI::ValidationError("--id", "a session that is kept needs a client id");
    const bool has_password = !options.password.empty() || !options.password_file.empty();
    // MQTT 3.1.1 forbids a password without a user name [MQTT-3.1.2-22].
    if (!options.is_v5 && has_password && options.user.empty())
        throw CLI::ValidationError("--user", "MQTT 3.1.1 has no password without a user name");
    const bool uses_tls_files = !options.tls.ca_file.empty() || !options.tls.certificate_file.empty();
    if (!options.server.is_tls && (uses_tls_files || options.tls.is_insecure))
        throw CLI::ValidationError("--url", "--ca, --cert and --insecure need mqtts:// or wss://");
    if (draft.will_topic.empty()) return;
    if (!options.is_v5 && draft.will_delay_s > 0)
        throw CLI::ValidationError("--will-delay", "MQTT 3.1.1 has no will delay");
    options.will = cli::WillChoice{draft.will_topic, draft.will_payload, static_cast<std::uint8_t>(draft.will_qos),
                                   draft.will_retain, draft.will_delay_s};
}

void add_payload(CLI::App& app, ClientDraft& draft) {
    CLI::Option* text = app.add_option("-m,--message", draft.text, "The payload")->type_name("TEXT");
    CLI::Option* file =
        app.add_option("-f,--file", draft.file, "The file that is the payload; - = standard input")->type_name("FILE");
    CLI::Option* lines =
        app.add_flag("--stdin-lines", draft.has_lines, "Publish each line of standard input as a message");
    CLI::Option* nothing = app.add_flag("-n,--null", draft.has_nothing,
                                        "An empty payload; with -r this deletes the retained message of the topic");
    text->excludes(file)->excludes(lines)->excludes(nothing);
    file->excludes(lines)->excludes(nothing);
    lines->excludes(nothing);
}

void add_message_properties(CLI::App& app, cli::PublishOptions& options, ClientDraft& draft) {
    app.add_option("--content-type", options.content_type, "The property Content Type")->type_name("TEXT");
    app.add_option("--response-topic", options.response_topic, "The property Response Topic")->type_name("TOPIC");
    app.add_option("--correlation-data", options.correlation_data, "The property Correlation Data")->type_name("TEXT");
    app.add_option("--user-property", draft.user_properties, "A User Property; may be given several times")
        ->type_name("NAME=VALUE")
        ->allow_extra_args(false);
    app.add_option("--expiry", draft.expiry_s, "Seconds for which the message is of use: Message Expiry Interval")
        ->type_name("S");
}

/// CLI11 can say "at most one of them", but not "exactly one".
void finish_payload(CLI::App& app, cli::PublishOptions& options, const ClientDraft& draft) {
    using Source = cli::PublishOptions::Source;
    options.text = draft.text;
    options.file = draft.file;
    if (app.count("--message") > 0)
        options.source = Source::text;
    else if (app.count("--file") > 0)
        options.source = Source::file;
    else if (draft.has_lines)
        options.source = Source::lines;
    else if (draft.has_nothing)
        options.source = Source::none;
    else
        throw CLI::ValidationError("pub", "requires a payload: -m TEXT, -f FILE, --stdin-lines or -n");
    if (draft.has_lines && options.repeat > 1)
        throw CLI::ValidationError("--repeat", "cannot be used with --stdin-lines, whose lines can be read once");
}

void finish_message_properties(CLI::App& app, cli::PublishOptions& options, const ClientDraft& draft) {
    for (const std::string& property : draft.user_properties) {
        const std::size_t equals = property.find('=');
        if (equals == std::string::npos) throw CLI::ValidationError("--user-property", "requires NAME=VALUE");
        options.user_properties.emplace_back(property.substr(0, equals), property.substr(equals + 1));
    }
    if (app.count("--expiry") > 0) options.expiry_s = draft.expiry_s;
    const bool has_properties = !options.content_type.empty() || !options.response_topic.empty() ||
                                !options.correlation_data.empty() || !options.user_properties.empty() ||
                                options.expiry_s.has_value();
    if (has_properties && !options.connection.is_v5)
        throw CLI::ValidationError("--version", "messages of MQTT 3.1.1 have no properties; use --version 5");
    // A text of MQTT has a length of two bytes.
    for (const std::string* text : {&options.content_type, &options.response_topic, &options.correlation_data}) {
        if (text->size() > 65'535) throw CLI::ValidationError("pub", "a property has at most 65535 bytes");
    }
    for (const auto& [name, value] : options.user_properties) {
        if (name.size() > 65'535 || value.size() > 65'535)
            throw CLI::ValidationError("--user-property", "a name and a value have at most 65535 bytes each");
    }
}

}  // namespace

void add_publish_options(CLI::App& app, Command& command, ClientDraft& draft) {
    cli::PublishOptions& options = command.publish;
    app.footer(exit_statuses);
    app.add_option("-t,--topic", options.topic, "The topic of the message")->type_name("TOPIC")->required();
    add_payload(app, draft);
    app.add_option("-q,--qos", draft.qos, "The QoS: 0, 1 or 2; 0 if not given")
        ->type_name("QOS")
        ->check(CLI::Range(0, 2));
    app.add_flag("-r,--retain", options.is_retained, "The broker keeps the message for later subscribers");
    app.add_option("--repeat", options.repeat, "Publish the message this many times")
        ->type_name("N")
        ->check(CLI::Range(std::uint64_t{1}, std::uint64_t{1'000'000'000}));
    app.add_option("--interval", draft.interval_s, "The pause between two messages of --repeat")
        ->type_name("S")
        ->check(CLI::Range(0.0, seconds_max));
    add_message_properties(app, options, draft);
    add_connection(app, options.connection, draft);
    add_will(app, draft);
    app.callback([&app, &command, &draft, &options] {
        command.action = Command::Action::publish;
        options.qos = static_cast<std::uint8_t>(draft.qos);
        options.interval = duration_of(draft.interval_s);
        finish_connection(options.connection, draft);
        finish_payload(app, options, draft);
        finish_message_properties(app, options, draft);
    });
}

void add_subscribe_options(CLI::App& app, Command& command, ClientDraft& draft) {
    using Format = cli::SubscribeOptions::Format;
    static const std::map<std::string, Format> formats = {{"text", Format::text},
                                                          {"json", Format::json},
                                                          {"payload", Format::payload},
                                                          {"hex", Format::hex},
                                                          {"raw", Format::raw}};
    cli::SubscribeOptions& options = command.subscribe;
    app.footer(exit_statuses);
    app.add_option("-t,--topic", options.filters, "The topic filter; may be given several times")
        ->type_name("FILTER")
        ->required()
        ->allow_extra_args(false);
    app.add_option("-q,--qos", draft.qos, "The largest QoS of the messages: 0, 1 or 2; 0 if not given")
        ->type_name("QOS")
        ->check(CLI::Range(0, 2));
    app.add_option("--count", options.count, "End with exit status 0 after this many messages")
        ->type_name("N")
        ->check(CLI::Range(std::uint64_t{1}, std::uint64_t{1'000'000'000'000}));
    app.add_option("--format", draft.format,
                   "text = topic and payload, payload, hex = topic and payload in hexadecimal digits, json = one "
                   "object with all that is known; one line a message. raw = the bytes of the payloads only")
        ->type_name("FORMAT")
        ->check(CLI::IsMember({"text", "json", "payload", "hex", "raw"}));
    CLI::Option* only = app.add_flag("--retained-only", options.is_retained_only,
                                     "Print retained messages only, and end when the first other message comes");
    app.add_flag("--no-retained", options.skips_retained, "Leave retained messages out")->excludes(only);
    add_connection(app, options.connection, draft);
    add_will(app, draft);
    app.callback([&command, &draft, &options] {
        command.action = Command::Action::subscribe;
        options.qos = static_cast<std::uint8_t>(draft.qos);
        options.format = formats.at(draft.format);
        finish_connection(options.connection, draft);
    });
}

}  // namespace ledge::config
