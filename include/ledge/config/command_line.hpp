// The command line of ledgemq, parsed into plain values. Used once, at the start, on the main thread.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "ledge/cli/ctl_commands.hpp"
#include "ledge/cli/options.hpp"
#include "ledge/config/settings.hpp"
#include "ledge/config/sources.hpp"

namespace ledge::config {

inline constexpr int exit_ok = 0;
inline constexpr int exit_failure = 1;            // the environment is wrong: a port in use, no descriptors left
inline constexpr int exit_bad_configuration = 2;  // the command line or the file is wrong

struct Command {
    enum class Action : std::uint8_t {
        serve,         // ledgemq [-c FILE]
        check,         // ledgemq check [FILE] [--strict] [--as USER]
        print_config,  // ledgemq --print-config
        store,         // ledgemq store TOOL PATH ...
        sessions,      // ledgemq sessions list|remove
        passwd,        // ledgemq passwd FILE USER
        explain,       // ledgemq explain [user=NAME] [client=ID] [role=NAME] publish|subscribe|receive TOPIC -c FILE
        bridge_test,   // ledgemq bridge test NAME -c FILE [--topic TOPIC]
        events,        // ledgemq events [--json]
        metrics,       // ledgemq metrics [--json]
        publish,       // ledgemq pub -t TOPIC ...
        subscribe,     // ledgemq sub -t FILTER ...
        ctl,           // ledgemq ctl COMMAND; ledgemq upgrade is one of them
        completion,    // ledgemq completion SHELL
        manual,        // ledgemq man SECTION
        print_text,    // --help, --version or a wrong command line: print `text` and end with `exit_code`
    };

    Action action = Action::serve;
    Sources sources;
    bool is_strict = false;  // check: warnings lead to exit_failure
    std::string as_user;     // check: the system user whose rights count; "" = the caller
    bool is_json = false;    // events, metrics: one JSON object per line
    std::string store_tool;  // store: info, verify, dump, compact, backup or restore
    std::string store_path;
    std::string store_file;        // backup: the copy that is written; restore: the copy that is read
    bool store_is_forced = false;  // restore: replaces an existing store, which is kept under another name
    struct Sessions {
        bool is_removal = false;  // true: remove the session of `client_id`; false: list all sessions
        std::string client_id;
        std::string store;  // directory of the store of a stopped broker
    };
    Sessions sessions;
    struct Passwd {
        bool is_removal = false;
        bool is_verification = false;  // neither: set the password
        std::string file;
        std::string user;
        bool is_scram = false;         // write keys for SCRAM-SHA-256, not a hash that mosquitto reads
        std::uint32_t iterations = 0;  // of PBKDF2; 0 = the default
    };
    Passwd passwd;
    struct Explain {
        std::optional<std::string> user;
        std::string client_id;
        std::string verb;  // publish, subscribe or receive
        std::string topic;
        std::vector<std::string> roles{};  // roles that a token would name
        std::string key{};                 // a question about a key of the configuration; then the rest is empty
    };
    Explain explain;
    struct BridgeTest {
        std::string name;   // of the bridge
        std::string topic;  // of the upstream, for a test message; "" = no message is sent
    };
    BridgeTest bridge_test;
    cli::PublishOptions publish;
    cli::SubscribeOptions subscribe;
    cli::CtlOptions ctl;
    std::string generated;  // completion: the shell; man: the section
    std::string text;
    int exit_code = exit_ok;
};

/// `argc` and `argv` as main() gets them. `version` is what --version prints after the name of the program.
Command parse_command_line(int argc, const char* const* argv, std::string_view version);

}  // namespace ledge::config
