// The commands that print something and end: check, store, events, metrics and --print-config. Answers go to standard
// output, and complaints to standard error.
#include "commands.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <string>

#include "bridges.hpp"
#include "durability_table.hpp"
#include "explain.hpp"
#include "ledge/admin/metrics_reference.hpp"
#include "ledge/auth/authenticator.hpp"
#include "ledge/base/assert.hpp"
#include "ledge/base/log_events.hpp"
#include "ledge/config/command_line.hpp"
#include "ledge/config/command_tree.hpp"
#include "ledge/config/load.hpp"
#include "ledge/os/file.hpp"
#include "ledge/storage/tools.hpp"
#include "machine_name.hpp"
#include "ota.hpp"
#include "privileges.hpp"
#include "tls_files.hpp"
#include "warnings.hpp"
#include "wiring.hpp"

namespace ledge::daemon {
namespace {

void print(std::FILE* file, std::string_view text) { std::fwrite(text.data(), 1, text.size(), file); }

/// The exit status after an answer. An answer that could not be written (a full disk behind `>`) is a failure.
int answered() { return std::fflush(stdout) == 0 && std::ferror(stdout) == 0 ? config::exit_ok : config::exit_failure; }

/// Why the store's directory cannot be used with the rights of this process; "" if it can be used or created.
std::string unwritable_store(const config::Config& config) {
    if (!config.store.is_used()) return {};
    const std::filesystem::path path = config.store.path;
    // A missing directory is no mistake: the broker creates it, if it may write the directory above.
    std::error_code error;
    const std::filesystem::file_type type = std::filesystem::status(path, error).type();
    if (type == std::filesystem::file_type::not_found) {
        const std::filesystem::path parent = path.has_parent_path() ? path.parent_path() : ".";
        // To create an entry, a process must be allowed to write the directory and to search it.
        if (::access(parent.c_str(), W_OK | X_OK) == 0) return {};
        return "the directory " + path.string() + " of store.path cannot be created in " + parent.string() + ": " +
               std::strerror(errno);
    }
    // file_type::none: the status is unknown, for example because a directory above may not be searched. access() below
    // then gives the reason.
    if (type != std::filesystem::file_type::directory && type != std::filesystem::file_type::none)
        return path.string() + " of store.path is not a directory";
    if (::access(path.c_str(), R_OK | W_OK | X_OK) == 0) return {};
    return "the directory " + path.string() + " of store.path may not be read and written: " + std::strerror(errno);
}

/// Why the socket of `ledgemq ctl` cannot be made, and what to do about it; "" if its folder exists.
std::string missing_socket_folder(const config::Config& config) {
    if (config.admin.socket.empty()) return {};
    const std::filesystem::path folder = std::filesystem::path(config.admin.socket).parent_path();
    std::error_code error;
    if (std::filesystem::is_directory(folder, error)) return {};
    return "the folder " + folder.string() +
           " of admin.socket does not exist: create it (install -d -o USER), or let the service do so "
           "(RuntimeDirectory= in ledgemq.service)";
}

/// Why the log cannot go where [log] says with the present rights of this process; "" if it can.
std::string unusable_log(const config::LogSettings& log) {
    if (log.target == config::LogTarget::file) {
        const std::string directory = os::parent_of(log.file);
        // A rotation renames the file, and the broker creates a new one: this needs the right to write the directory.
        // AT_EACCESS: AsUser changes only the effective ids.
        if (::faccessat(AT_FDCWD, directory.c_str(), W_OK | X_OK, AT_EACCESS) == 0) return {};
        return "the log file " + log.file +
               " cannot be created again after a rotation, because the user of the broker "
               "may not write " +
               directory + ": " + std::strerror(errno);
    }
    if (log.target == config::LogTarget::syslog && ::access(log.syslog_socket.c_str(), F_OK) != 0)
        return "no syslog daemon listens at " + log.syslog_socket +
               " now, so the log would wait for one: " + std::strerror(errno);
    return {};
}

}  // namespace

int print_text(const config::Command& command) {
    const bool is_answer = command.exit_code == config::exit_ok;
    print(is_answer ? stdout : stderr, command.text);
    return is_answer ? answered() : command.exit_code;
}

int complain(const config::Loaded& loaded) {
    for (const config::Complaint& complaint : loaded.complaints) print(stderr, complaint.line() + "\n");
    return config::exit_bad_configuration;
}

void check_files_and_warn(const config::Sources& sources, config::Loaded& loaded) {
    // note_warnings() requires that the TLS files were checked before (warnings.hpp).
    check_tls_files(loaded);
    check_hook_files(loaded);
    check_bridge_tls_files(loaded);
    check_bridge_client_ids(loaded, machine_name());
    check_ota_directory(loaded);
    note_warnings(sources, loaded);
    note_account(::geteuid() == 0, loaded);
}

int check(const config::Command& command, const config::Loaded& loaded) {
    // serve() refuses the start without a valid account or token, so `check` must find both mistakes.
    const auto account = find_account(loaded.config.process);
    if (!account) {
        print(stderr, text_of(account.error()) + "\n");
        return config::exit_bad_configuration;
    }
    if (const auto token = admin_tokens(loaded.config); !token) {
        print(stderr, config::without_values(loaded, "a token of [admin]: " + text_of(token.error())) + "\n");
        return config::exit_bad_configuration;
    }
    // The whole answer is built first, so that a reader gets either all of it or a complaint.
    std::string out = command.sources.file.value_or("embedded configuration") + ": ok\n";
    for (std::size_t i = 0; i < loaded.config.sockets.size(); ++i) {
        const auto& listener = loaded.config.shard.listeners[i];
        const config::ListenerSocket& socket = loaded.config.sockets[i];
        out += "listener " + listener.name + ": " + socket.url;
        if (socket.mode == config::ListenerMode::lines)
            out += ", " + config::explain_lines(socket) + "\n";
        else if (socket.endpoint.is_for_devices())
            out += ", " + config::explain_devices(socket, listener.allow_anonymous) + "\n";
        else
            out += listener.allow_anonymous ? ", anonymous clients may log in\n" : ", no anonymous clients\n";
    }
    // The numbers let an operator notice a valid file that is the wrong one.
    if (loaded.policy->passwords)
        out += "users: " + std::to_string(loaded.policy->passwords->size()) + " in " +
               loaded.config.auth.password_file + "\n";
    if (loaded.policy->acl) {
        out += "rules: " + std::to_string(loaded.policy->acl->size()) + " in " + loaded.config.auth.acl_file + "\n";
        if (!loaded.config.bridges.empty()) out += "  " + rules_beside(loaded.config.bridges) + "\n";
    }
    const config::AdminSettings& admin = loaded.config.admin;
    if (admin.is_used()) {
        out += "pages: " + admin.url + (admin.has_tokens() ? ", for those who know a token" : "") +
               (admin.tls.client_certificate == config::ClientCertificate::none ? "\n"
                                                                                : ", for those with a certificate\n");
    }
    out += config::explain_bridges(loaded.config.bridges, machine_name().text);
    out += explain_ota(loaded.config.ota);
    for (const std::string& note : loaded.notes) out += "warning: " + note + "\n";
    // The files that the broker reads again while it runs are checked with the rights that it will have then.
    std::vector<std::string> unread;
    std::string unusable;
    {
        const AsUser as_user(account.value());
        if (account.value()) unread = unreadable(files_read_again(loaded));
        unusable = unusable_log(loaded.config.log);
    }
    if (!unusable.empty()) out += "warning: " + unusable + "\n";
    if (const std::string store = unwritable_store(loaded.config); !store.empty()) out += "warning: " + store + "\n";
    if (const std::string ctl = missing_socket_folder(loaded.config); !ctl.empty()) out += "warning: " + ctl + "\n";
    for (const std::string& file : unread)
        out += "warning: " + file + " can be read at the start only: the user " + account.value()->user +
               " may not read it\n";
    out += durability_table(loaded.config);
    print(stdout, out);
    // With --strict a pipeline refuses a configuration that is allowed but dangerous.
    const bool is_refused = command.is_strict && !(loaded.notes.empty() && unread.empty() && unusable.empty());
    return is_refused ? config::exit_failure : answered();
}

int use_store_tool(const config::Command& command) {
    struct Tool {
        std::string_view name;
        Result<bool, Error> (*run)(const std::string&, const storage::Print&);
    };
    constexpr Tool tools[] = {{"info", storage::print_info},
                              {"verify", storage::verify},
                              {"dump", storage::dump},
                              {"compact", storage::compact}};
    // backup and restore take two paths and so are not in the table.
    for (const Tool& tool : tools) {
        if (tool.name != command.store_tool) continue;
        const auto result = tool.run(command.store_path, [](std::string_view text) { print(stdout, text); });
        // An error means that the tool could not do its work. Damage that it has found and printed gives false.
        if (!result) return fail(text_of(result.error()));
        return result.value() ? answered() : config::exit_failure;
    }
    const auto print_answer = [](std::string_view text) { print(stdout, text); };
    const auto result =
        command.store_tool == "backup"
            ? storage::backup(command.store_path, command.store_file, print_answer)
            : storage::restore(command.store_file, command.store_path, command.store_is_forced, print_answer);
    return result ? answered() : fail(text_of(result.error()));
}

int print_events(bool is_json) {
    std::string out;
    print_log_events(is_json, out);
    print(stdout, out);
    return answered();
}

int print_metrics(bool is_json) {
    std::string out;
    admin::print_metrics(is_json, out);
    print(stdout, out);
    return answered();
}

int print_config(const config::Loaded& loaded) {
    print(stdout, config::print(loaded));
    return answered();
}

int print_completion(const std::string& shell) {
    const auto script = config::completion_script(config::command_tree(), shell);
    LEDGE_ASSERT(script.has_value());  // the command line allows the known shells only
    print(stdout, *script);
    return answered();
}

int print_manual(const std::string& section) {
    print(stdout, section == "1" ? config::command_manual(config::command_tree(), version)
                                 : config::configuration_manual(config::print(config::parse({}, {}).config), version));
    return answered();
}

int fail(std::string_view what) {
    print(stderr, "ledgemq: " + std::string(what) + "\n");
    return config::exit_failure;
}

}  // namespace ledge::daemon
