// Parses the command line with CLI11. No other file of the project uses that library, except those of
// command_line_parts.hpp.
#include "ledge/config/command_line.hpp"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <sstream>

#include "command_line_parts.hpp"

namespace ledge::config {
namespace {

// The address is that of default_listener_url in checks.hpp.
constexpr const char* description =
    "A compact MQTT broker (3.1, 3.1.1 and 5). Without a configuration file it listens on 127.0.0.1:1883.";
// The numbers are exit_ok, exit_failure and exit_bad_configuration of command_line.hpp.
constexpr const char* footer =
    "Exit status: 0 = stopped in order, 1 = could not run (a port in use, ...), 2 = wrong command line or "
    "configuration.\n"
    "SIGTERM and SIGINT stop the broker in order. On SIGHUP the broker reads the configuration again: new users, "
    "rights and most limits are in force at once, and the log names the keys that need a restart. On SIGUSR2, or with "
    "`ledgemq upgrade`, a new process takes over, with the program and the configuration as they are then.";

/// `check FILE`, `check -c FILE` and `-c FILE check` mean the same.
CLI::App* add_check(CLI::App& app, Command& command) {
    CLI::App* check = app.add_subcommand("check", "Check the configuration, print who may log in where, and exit");
    check->add_option("FILE", command.sources.file, "The configuration file, like -c FILE");
    check->add_flag("--strict", command.is_strict, "Exit with status 1 if there is a warning");
    check
        ->add_option("--as", command.as_user,
                     "Check with the rights of this system user, for example that of the service; requires root")
        ->type_name("USER");
    // fallthrough() lets -c, --set and the other options of the broker stand behind the subcommand too.
    check->fallthrough();
    return check;
}

/// `store info|verify|dump|compact PATH`, and backup and restore, which need two paths.
void add_store_tools(CLI::App& app, Command& command) {
    CLI::App* store = app.add_subcommand("store", "Inspect, copy, restore or compact a store");
    // `ledgemq store` alone would otherwise start a broker.
    store->require_subcommand(1);
    // Tools with one path. The name is the word that use_store_tool() in the daemon looks up.
    constexpr const char* tools[][2] = {
        {"info", "Print sizes, rows and the process that uses the store; a broker may be running"},
        {"verify", "Read every row and print what is wrong; a broker may be running"},
        {"dump", "Print every row as a line of JSON; no broker may be running"},
        {"compact", "Rewrite the file without its free pages; no broker may be running"},
    };
    for (const auto& [name, help] : tools) {
        CLI::App* tool = store->add_subcommand(name, help);
        tool->add_option("PATH", command.store_path, "The store's directory, or a file in it")->required();
        // The callback runs during parse(), so `command` must live until then.
        tool->callback([&command, tool] {
            command.action = Command::Action::store;
            command.store_tool = tool->get_name();
        });
    }
    const auto chosen = [&command](const CLI::App* tool) {
        command.action = Command::Action::store;
        command.store_tool = tool->get_name();
    };
    // backup and restore have two paths, so they are not in the table above.
    CLI::App* backup = store->add_subcommand(
        "backup",
        "Copy the state of a store at one commit, and verify the copy by reading it; a broker may be running");
    backup->add_option("PATH", command.store_path, "The store's directory")->required();
    backup->add_option("TARGET", command.store_file, "The new file; an existing file is not overwritten")->required();
    backup->callback([chosen, backup] { chosen(backup); });
    CLI::App* restore =
        store->add_subcommand("restore", "Make a store from a copy that `backup` made; no broker may be running");
    restore->add_option("BACKUP", command.store_file, "The copy")->required();
    restore->add_option("PATH", command.store_path, "The store's directory; created if it does not exist")->required();
    restore->add_flag("--force", command.store_is_forced,
                      "Replace an existing store, which is kept under another name");
    restore->callback([chosen, restore] { chosen(restore); });
}

/// `sessions list|remove`. The store of a running broker is locked; `ctl` asks a running broker.
void add_sessions(CLI::App& app, Command& command) {
    CLI::App* sessions = app.add_subcommand(
        "sessions", "List sessions, or remove one, in the store of a stopped broker (a running one: ledgemq ctl)");
    sessions->require_subcommand(1);
    // Both subcommands have the same option; only `remove` takes a client id.
    const auto add = [&](const char* name, const char* help, bool is_removal) {
        Command::Sessions& request = command.sessions;
        CLI::App* tool = sessions->add_subcommand(name, help);
        tool->add_option("--store", request.store, "The directory of the store")->type_name("DIR")->required();
        if (is_removal) tool->add_option("CLIENT_ID", request.client_id, "The client id of the session")->required();
        tool->callback([&command, is_removal] {
            command.action = Command::Action::sessions;
            command.sessions.is_removal = is_removal;
        });
    };
    add("list", "Print every session as a line of JSON", false);
    add("remove", "Remove a session with its subscriptions and waiting messages", true);
}

/// `events`: needs no configuration, so an operator can look an event up on any machine.
void add_events(CLI::App& app, Command& command) {
    CLI::App* events = app.add_subcommand("events", "Explain every event of the log: its meaning, and what to do");
    events->add_flag("--json", command.is_json, "Print one JSON object per line");
    events->callback([&command] { command.action = Command::Action::events; });
}

/// `metrics`: like `events`, it needs no configuration.
void add_metrics(CLI::App& app, Command& command) {
    CLI::App* metrics = app.add_subcommand("metrics", "Explain every metric: its Prometheus name, its $SYS topics");
    metrics->add_flag("--json", command.is_json, "One JSON object a line");
    metrics->callback([&command] { command.action = Command::Action::metrics; });
}

/// `passwd FILE USER`. The password is no argument, because every user of the machine can read the arguments.
void add_passwd(CLI::App& app, Command& command) {
    CLI::App* passwd = app.add_subcommand(
        "passwd", "Set, remove or verify a password; the password is asked for, or read from a line of standard input");
    passwd->add_option("FILE", command.passwd.file, "The password file; created if it does not exist")->required();
    passwd->add_option("USER", command.passwd.user, "The user's name")->required();
    // Without --delete and --verify the command sets the password.
    CLI::Option* remove = passwd->add_flag("--delete", command.passwd.is_removal, "Remove the user");
    passwd->add_flag("--verify", command.passwd.is_verification, "Print whether the password is right")
        ->excludes(remove);
    passwd->add_flag(
        "--scram", command.passwd.is_scram,
        "Write keys for SCRAM-SHA-256, so that the client need not send its password; mosquitto cannot read "
        "them");
    // 0 is not allowed: in Command::Passwd it stands for the default.
    passwd->add_option("--iterations", command.passwd.iterations, "Iterations of PBKDF2; fewer for slow boards")
        ->check(CLI::Range(1, 10'000'000));
    passwd->callback([&command] { command.action = Command::Action::passwd; });
}

/// words := KEY | ["user=" NAME] ["client=" ID] ["role=" NAME]... VERB TOPIC. After the verb, "user=x" is a topic.
void read_question(const std::vector<std::string>& words, Command::Explain& question) {
    std::vector<std::string> rest;
    for (const std::string& word : words) {
        if (rest.empty() && word.starts_with("user="))
            question.user = word.substr(5);
        else if (rest.empty() && word.starts_with("client="))
            question.client_id = word.substr(7);
        else if (rest.empty() && word.starts_with("role="))
            question.roles.push_back(word.substr(5));
        else
            rest.push_back(word);
    }
    // Every key of the configuration has a section, and no verb has a dot.
    if (words.size() == 1 && words[0].find('.') != std::string::npos) {
        question.key = words[0];
        return;
    }
    // "receive" is no packet of MQTT: it asks about the delivery of one message.
    const bool is_verb = !rest.empty() && (rest[0] == "publish" || rest[0] == "subscribe" || rest[0] == "receive");
    if (rest.size() != 2 || !is_verb)
        throw CLI::ValidationError("explain",
                                   "requires a key of the configuration, or [user=NAME] [client=ID] [role=NAME] "
                                   "publish|subscribe|receive TOPIC");
    question.verb = rest[0];
    question.topic = rest[1];
}

/// `explain`. CLI11 collects the words of the question, and read_question() gives them their meaning.
void add_explain(CLI::App& app, Command& command, std::vector<std::string>& words) {
    CLI::App* explain =
        app.add_subcommand("explain",
                           "Print the rule that allows or denies an action: [user=NAME] [client=ID] [role=NAME] "
                           "publish|subscribe|receive TOPIC -c FILE; or the value of a key and where it was set: "
                           "limits.inflight_max -c FILE");
    explain->add_option("QUESTION", words, "KEY, or user=NAME client=ID role=NAME publish|subscribe|receive TOPIC")
        ->required();
    explain->fallthrough();
    explain->callback([&command, &words] {
        command.action = Command::Action::explain;
        read_question(words, command.explain);
    });
}

/// `bridge test NAME`. A word between, so that further commands about bridges find a place.
void add_bridge(CLI::App& app, Command& command) {
    CLI::App* bridge = app.add_subcommand("bridge", "Test the connection of a bridge to its upstream");
    bridge->require_subcommand(1);
    bridge->fallthrough();
    CLI::App* test = bridge->add_subcommand(
        "test",
        "Connect once to each url of the bridge NAME of the configuration, and print what works and what does not; "
        "the broker may be running. Exit status 0 = at least one url works wholly, 1 = none does");
    test->add_option("NAME", command.bridge_test.name, "The name of the bridge: NAME in [bridges.NAME]")->required();
    test->add_option("--topic", command.bridge_test.topic,
                     "Publish one test message on this topic of the upstream, with QoS 1 and without RETAIN")
        ->type_name("TOPIC");
    // `-c FILE` stands behind the subcommand as a rule.
    test->fallthrough();
    test->callback([&command] { command.action = Command::Action::bridge_test; });
}

/// The options of the broker itself. load() turns most of them into assignments, like --set.
void add_options(CLI::App& app, Sources& sources, bool& print_config) {
    app.add_option("-c,--config", sources.file, "Read the configuration from FILE (TOML)")->type_name("FILE");
    // A vector takes all words behind its flag by default. allow_extra_args(false) makes this one value per flag.
    app.add_option("--listen", sources.listen,
                   "Listen at this address instead of the listeners of the file: mqtt://, mqtts://, ws://, wss:// or "
                   "udp://HOST:PORT, unix:PATH or serial:PATH")
        ->type_name("URL")
        ->allow_extra_args(false);
    app.add_option("--store", sources.store, "The directory that keeps sessions and messages, or none")
        ->type_name("DIR|none");
    app.add_option("--durability", sources.durability, "The meaning of an acknowledgement: durable, relaxed or ram")
        ->type_name("LEVEL");
    app.add_flag("--allow-anonymous", sources.allow_anonymous,
                 "Let clients connect without credentials, on every listener");
    app.add_option("--set", sources.set, "Set a configuration key, for example limits.inflight_max=200")
        ->type_name("KEY=VALUE")
        ->allow_extra_args(false);
    app.add_flag("--print-config", print_config, "Print the effective configuration as a documented file and exit");
}

/// `pub` and `sub`. Their many options are only added when the command line names them: the broker itself starts
/// without them, and so its memory does not hold what was once allocated for them.
void add_clients(CLI::App& app, Command& command, ClientDraft& draft, const Named& is_named) {
    CLI::App* publish = app.add_subcommand("pub", "Publish messages to a broker");
    if (is_named("pub")) add_publish_options(*publish, command, draft);
    CLI::App* subscribe = app.add_subcommand("sub", "Subscribe at a broker and print the messages");
    if (is_named("sub")) add_subscribe_options(*subscribe, command, draft);
}

/// `completion SHELL` and `man SECTION`, which print what is made of this description.
void add_generated(CLI::App& app, Command& command) {
    CLI::App* completion = app.add_subcommand("completion", "Print the completion script for a shell");
    completion->add_option("SHELL", command.generated, "bash, zsh or fish")
        ->required()
        ->check(CLI::IsMember({"bash", "zsh", "fish"}));
    completion->callback([&command] { command.action = Command::Action::completion; });
    CLI::App* manual = app.add_subcommand("man", "Print a manual page: ledgemq(1) or ledgemq.toml(5)");
    manual->add_option("SECTION", command.generated, "1 or 5")->required()->check(CLI::IsMember({"1", "5"}));
    manual->callback([&command] { command.action = Command::Action::manual; });
}

/// `ctl COMMAND`, of which the same holds.
void add_ctl(CLI::App& app, Command& command, CtlDraft& draft, const Named& is_named) {
    CLI::App* ctl = app.add_subcommand("ctl", "Ask and steer a running broker");
    if (is_named("ctl")) add_ctl_commands(*ctl, command, draft);
}

}  // namespace

void describe_command_line(CLI::App& app, Command& command, CommandDraft& draft, std::string_view version,
                           const Named& is_named) {
    app.description(description);
    app.footer(footer);
    // CLI11 throws for --version as for --help, so both end in the catch block of parse_command_line().
    app.set_version_flag("--version", "ledgemq " + std::string(version), "Print the version and exit");
    add_options(app, command.sources, draft.print_config);
    draft.check = add_check(app, command);
    add_events(app, command);
    add_metrics(app, command);
    add_store_tools(app, command);
    add_sessions(app, command);
    add_passwd(app, command);
    add_bridge(app, command);
    add_explain(app, command, draft.question);
    add_clients(app, command, draft.client, is_named);
    add_ctl(app, command, draft.ctl, is_named);
    add_upgrade(app, command, draft.ctl, is_named);
    add_generated(app, command);
}

Command parse_command_line(int argc, const char* const* argv, std::string_view version) {
    const auto is_named = [argc, argv](std::string_view name) {
        return std::any_of(argv, argv + argc, [name](const char* word) { return name == word; });
    };
    Command command;
    CommandDraft draft;
    CLI::App app("", "ledgemq");
    describe_command_line(app, command, draft, version, is_named);

    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        // --help and --version arrive here too. exit() returns 0 for them, and writes the text to the first stream.
        std::ostringstream out;
        std::ostringstream complaint;
        // An answer goes to standard output and a mistake to standard error, so they are kept apart here.
        const bool is_ok = app.exit(error, out, complaint) == 0;
        command.action = Command::Action::print_text;
        // main() prints the text: this module only returns values.
        command.text = is_ok ? out.str() : complaint.str();
        command.exit_code = is_ok ? exit_ok : exit_bad_configuration;
        return command;
    }
    // The other subcommands have set their action in a callback.
    if (draft.check->parsed()) {
        command.action = Command::Action::check;
    } else if (draft.print_config) {
        command.action = Command::Action::print_config;
    }
    return command;
}

}  // namespace ledge::config
