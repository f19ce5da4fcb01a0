// The command line of `ctl`, made of the table of its commands (cli/ctl_commands.hpp).
#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdlib>
#include <map>

#include "command_line_parts.hpp"
#include "ledge/base/assert.hpp"
#include "ledge/cli/ctl_commands.hpp"
#include "ledge/config/command_line.hpp"
#include "listener_url.hpp"

namespace ledge::config {
namespace {

using Place = cli::CtlArgument::Place;

constexpr const char* socket_default = "/run/ledgemq/ctl.sock";
constexpr const char* ctl_exit_statuses =
    "Exit status: 0 = done, 1 = the broker refuses or cannot be reached (the reason is told), 2 = wrong command line "
    "or file.";

/// Where the API is: --url, --socket, the environment variable LEDGEMQ_SOCKET, or the usual path.
cli::ServerAddress ctl_server_of(const CtlDraft& draft) {
    cli::ServerAddress server;
    if (draft.url.empty()) {
        const char* const variable = std::getenv("LEDGEMQ_SOCKET");
        server.unix_path = !draft.socket.empty()                      ? draft.socket
                           : variable != nullptr && *variable != '\0' ? variable
                                                                      : socket_default;
        return server;
    }
    const auto endpoint = parse_hook_url(draft.url);
    if (!endpoint || endpoint->resource != "/")
        throw CLI::ValidationError("--url",
                                   "not the address of an admin listener; use http://HOST:PORT or "
                                   "https://HOST:PORT");
    server.host = endpoint->host;
    server.port = endpoint->port;
    server.is_tls = endpoint->is_tls;
    return server;
}

/// Adds one argument of the table. read_values() reads it after the parse.
void add_argument(CLI::App& app, const cli::CtlArgument& argument, CtlDraft& draft) {
    const std::string help(argument.help);
    if (argument.value.empty()) {
        app.add_flag(std::string(argument.name), draft.flags.emplace_back(false), help);
        return;
    }
    // A word of the command line is an option of CLI11 whose name has no dashes.
    const bool is_word = argument.name.empty();
    const std::string name(is_word ? argument.value : argument.name);
    // Into a list, CLI11 would put all words that follow.
    CLI::Option* option = argument.place == Place::property
                              ? app.add_option(name, draft.lists.emplace_back(), help)->allow_extra_args(false)
                              : app.add_option(name, draft.texts.emplace_back(), help);
    if (!is_word) option->type_name(std::string(argument.value));
    option->required(argument.is_required);
}

/// The value of each argument of `chosen` that was given.
void read_values(const CLI::App& app, const cli::CtlCommand& chosen, cli::CtlOptions& options) {
    for (const cli::CtlArgument& argument : chosen.arguments) {
        const std::string name(argument.name.empty() ? argument.value : argument.name);
        const CLI::Option* const option = app.get_option(name);
        if (option->count() == 0) continue;
        if (argument.value.empty()) {
            options.values.emplace_back(&argument, "true");
            continue;
        }
        for (const std::string& value : option->results()) options.values.emplace_back(&argument, value);
    }
}

/// What the table cannot say: at least one of several arguments.
void check_values(const cli::CtlOptions& options) {
    const auto has_one_of = [&](std::initializer_list<std::string_view> members) {
        for (const auto& [argument, value] : options.values) {
            if (std::find(members.begin(), members.end(), argument->member) != members.end()) return true;
        }
        return false;
    };
    const std::string_view name = options.command->name;
    if (name == "ban" && !has_one_of({"client_id", "user", "address"}))
        throw CLI::ValidationError("ban", "requires --client ID, --user NAME or --address ADDRESS");
    if (name == "trace" && !has_one_of({"client_id", "filter"}))
        throw CLI::ValidationError("trace", "requires --client ID or --filter FILTER");
}

void add_place(CLI::App& app, cli::CtlOptions& options, CtlDraft& draft) {
    CLI::Option* socket = app.add_option("--socket", draft.socket,
                                         "The Unix socket of the broker ([admin] socket of its configuration); the "
                                         "environment variable LEDGEMQ_SOCKET or /run/ledgemq/ctl.sock if not given")
                              ->type_name("PATH");
    app.add_option("--url", draft.url, "The admin listener instead: http://HOST:PORT or https://HOST:PORT")
        ->type_name("URL")
        ->excludes(socket);
    app.add_option("--token-file", options.token_file, "The file with a token of [[admin.tokens]]")->type_name("FILE");
    app.add_option("--ca", options.tls.ca_file,
                   "PEM file with the authorities that sign the certificate of the admin listener")
        ->type_name("FILE");
    CLI::Option* certificate =
        app.add_option("--cert", options.tls.certificate_file, "PEM file with the certificate of the client")
            ->type_name("FILE");
    CLI::Option* key = app.add_option("--key", options.tls.key_file, "PEM file with its key")->type_name("FILE");
    certificate->needs(key);
    key->needs(certificate);
    app.add_flag("--insecure", options.tls.is_insecure, "Accept any certificate of the admin listener; only for tests");
    app.add_flag("--json", options.is_json, "Print the answers of the API as they are");
}

/// Makes `app` the command `one` of the table.
void add_command(CLI::App& app, const cli::CtlCommand& one, Command& command, CtlDraft& draft) {
    for (const cli::CtlArgument& argument : one.arguments) add_argument(app, argument, draft);
    app.callback([&app, &one, &command, &draft] {
        if (!app.get_subcommands().empty()) return;  // the callback of that command has the word
        command.action = Command::Action::ctl;
        command.ctl.command = &one;
        command.ctl.server = ctl_server_of(draft);
        read_values(app, one, command.ctl);
        check_values(command.ctl);
    });
}

}  // namespace

void add_ctl_commands(CLI::App& app, Command& command, CtlDraft& draft) {
    app.footer(ctl_exit_statuses);
    app.require_subcommand(1);
    add_place(app, command.ctl, draft);
    std::map<std::string, CLI::App*> groups;
    for (const cli::CtlCommand& one : cli::ctl_commands()) {
        // "bridges pause": the group "bridges" stands before it in the table, and is a command by itself too.
        const std::size_t space = one.name.find(' ');
        CLI::App& parent = space == std::string_view::npos ? app : *groups.at(std::string(one.name.substr(0, space)));
        const std::string name(one.name.substr(space == std::string_view::npos ? 0 : space + 1));
        CLI::App* const made = parent.add_subcommand(name, std::string(one.help));
        if (space == std::string_view::npos) groups[name] = made;
        add_command(*made, one, command, draft);
        // The options of `ctl` may stand behind the command too.
        made->fallthrough();
    }
}

void add_upgrade(CLI::App& app, Command& command, CtlDraft& draft, const Named& is_named) {
    constexpr std::string_view name = "upgrade";
    const auto commands = cli::ctl_commands();
    const auto one = std::ranges::find(commands, name, &cli::CtlCommand::name);
    LEDGE_ASSERT(one != commands.end());
    CLI::App* const upgrade = app.add_subcommand(std::string(name), std::string(one->help));
    if (!is_named(name)) return;
    upgrade->footer(ctl_exit_statuses);
    add_place(*upgrade, command.ctl, draft);
    add_command(*upgrade, *one, command, draft);
}

}  // namespace ledge::config
