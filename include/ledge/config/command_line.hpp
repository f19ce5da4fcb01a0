// The command line of ledgemq.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "ledge/config/load.hpp"

namespace ledge::config {

inline constexpr int exit_ok = 0;
inline constexpr int exit_failure = 1;            // the world is wrong: a port in use, no descriptors left
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
        events,        // ledgemq events [--json]
        metrics,       // ledgemq metrics [--json]
        say,           // --help, --version, or a complaint about the command line: print `text`, end with `exit_code`
    };

    Action action = Action::serve;
    Sources sources;
    bool is_strict = false;  // check: warnings are mistakes
    std::string as_user;     // check: whose rights count; empty: those of who asks
    bool is_json = false;    // events, metrics: one JSON object a line
    std::string store_tool;  // info, verify, dump, compact, backup, restore
    std::string store_path;
    std::string store_file;        // backup: the copy that is made; restore: the copy that is read
    bool store_is_forced = false;  // restore: a store that is there is replaced
    struct Sessions {
        bool is_removal = false;  // else a list
        std::string client_id;
        std::string store;  // of a broker that is stopped; or
        std::string admin;  // the URL of the admin listener of one that runs,
        Endpoint endpoint;  // and what it stands for
        std::string token_file;
        std::string ca_file;
    };
    Sessions sessions;
    struct Passwd {
        bool is_removal = false;
        bool is_verification = false;  // neither: the password is set
        std::string file;
        std::string user;
        bool is_scram = false;         // keys for SCRAM-SHA-256 instead of a hash that mosquitto reads
        std::uint32_t iterations = 0;  // 0: as many as are usual
    };
    Passwd passwd;
    struct Explain {
        std::optional<std::string> user;
        std::string client_id;
        std::string verb;  // publish, subscribe, receive
        std::string topic;
        std::vector<std::string> roles{};  // as a token would name them
    };
    Explain explain;
    std::string text;
    int exit_code = exit_ok;
};

/// `argv` as main gets it. `version`: what --version prints after the name.
Command parse_command_line(int argc, const char* const* argv, std::string_view version);

}  // namespace ledge::config
