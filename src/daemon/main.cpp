// ledgemq, the program of the broker. main() only chooses the function for each command. It runs on the main thread.
#include <exception>

#include "bridge_test_command.hpp"
#include "client_commands.hpp"
#include "commands.hpp"
#include "explain.hpp"
#include "ledge/config/command_line.hpp"
#include "passwd.hpp"
#include "privileges.hpp"
#include "program_start.hpp"
#include "serve.hpp"
#include "sessions.hpp"
#include "tls_files.hpp"

int main(int argc, char** argv) {
    using namespace ledge;
    try {
        const config::Command command = config::parse_command_line(argc, argv, daemon::version);
        // These commands need no configuration, so a wrong configuration cannot stop them.
        if (command.action == config::Command::Action::print_text) return daemon::print_text(command);
        if (command.action == config::Command::Action::events) return daemon::print_events(command.is_json);
        if (command.action == config::Command::Action::metrics) return daemon::print_metrics(command.is_json);
        if (command.action == config::Command::Action::store) return daemon::use_store_tool(command);
        if (command.action == config::Command::Action::sessions) return daemon::use_sessions(command.sessions);
        if (command.action == config::Command::Action::publish) return daemon::publish(command.publish);
        if (command.action == config::Command::Action::subscribe) return daemon::subscribe(command.subscribe);
        if (command.action == config::Command::Action::completion) return daemon::print_completion(command.generated);
        if (command.action == config::Command::Action::manual) return daemon::print_manual(command.generated);
        if (command.action == config::Command::Action::ctl) return daemon::ctl(command.ctl);
        if (command.action == config::Command::Action::passwd) return daemon::use_passwd(command.passwd);

        // The commands below need the configuration. --as comes first, so that its files are read with the user's
        // rights.
        if (const auto problem = daemon::act_as(command.as_user)) return daemon::fail(text_of(*problem));
        config::Loaded loaded = config::load(command.sources);
        const bool is_bridge_test = command.action == config::Command::Action::bridge_test;
        // --print-config only shows values, so the certificates and keys that they name need not exist on this machine.
        // A test of a bridge needs no files of the listeners, which may be for other users only.
        if (loaded.ok() && is_bridge_test)
            daemon::check_bridge_tls_files(loaded);
        else if (loaded.ok() && command.action != config::Command::Action::print_config)
            daemon::check_files_and_warn(command.sources, loaded);
        config::hide_values(loaded);
        if (!loaded.ok()) return daemon::complain(loaded);
        if (is_bridge_test) return daemon::test_bridge(command.bridge_test, loaded.config);
        if (command.action == config::Command::Action::check) return daemon::check(command, loaded);
        if (command.action == config::Command::Action::explain) return daemon::explain(command.explain, loaded);
        if (command.action == config::Command::Action::print_config) return daemon::print_config(loaded);
        return daemon::serve(command.sources, loaded, daemon::program_start(argc, argv));
    } catch (const std::exception& error) {  // std::bad_alloc at the start; the modules throw nothing else
        return daemon::fail(error.what());
    }
}
