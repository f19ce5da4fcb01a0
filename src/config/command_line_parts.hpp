// The parts of the command line that stand in files of their own. Only these files and command_line.cpp see CLI11.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace CLI {
class App;
}

namespace ledge::config {

struct Command;

/// What CLI11 reads for `pub` and `sub`, before it is checked and becomes the options of the command. Lives until the
/// command line is parsed.
struct ClientDraft {
    std::string url = "mqtt://127.0.0.1:1883";
    std::string version = "5";
    double timeout_s = 0;
    double interval_s = 0;
    bool is_clean = false;
    bool is_kept = false;
    std::string will_topic;
    std::string will_payload;
    std::uint32_t will_qos = 0;
    bool will_retain = false;
    std::uint32_t will_delay_s = 0;
    std::uint32_t qos = 0;
    bool has_lines = false;
    bool has_nothing = false;
    std::string text;
    std::string file;
    std::vector<std::string> user_properties;
    std::uint32_t expiry_s = 0;
    std::string format = "text";
};

/// What CLI11 reads for `ctl`: the values of every argument of the table, before they become a request. CLI11 keeps
/// addresses of the texts, so they do not move.
struct CtlDraft {
    std::string socket;
    std::string url;
    std::deque<std::string> texts;
    std::deque<std::vector<std::string>> lists;
    std::deque<bool> flags;
};

/// True: the command line has this word.
using Named = std::function<bool(std::string_view)>;

/// What parse_command_line() needs beside the Command.
struct CommandDraft {
    bool print_config = false;
    CLI::App* check = nullptr;          // the subcommand
    std::vector<std::string> question;  // the words of `explain`
    ClientDraft client;
    CtlDraft ctl;
};

/// Makes `app` the whole command line. Its callbacks fill `command` and `draft`. The options of commands that are not
/// named are left out as far as they are many.
void describe_command_line(CLI::App& app, Command& command, CommandDraft& draft, std::string_view version,
                           const Named& is_named);

/// The commands of `ledgemq ctl`. Their callbacks fill `command` from the draft.
void add_ctl_commands(CLI::App& app, Command& command, CtlDraft& draft);
/// `ledgemq upgrade`, which is the command of the same name of `ledgemq ctl`.
void add_upgrade(CLI::App& app, Command& command, CtlDraft& draft, const Named& is_named);

/// The options of `ledgemq pub` and `ledgemq sub`. The callback of `app` fills `command` from the draft.
void add_publish_options(CLI::App& app, Command& command, ClientDraft& draft);
void add_subscribe_options(CLI::App& app, Command& command, ClientDraft& draft);

}  // namespace ledge::config
