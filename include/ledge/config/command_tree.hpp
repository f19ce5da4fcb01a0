// The whole command line as a tree of plain values, and what is generated from the tree: completions for shells and the
// manual page. Stateless.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace ledge::config {

struct CommandNode {
    struct Option {
        std::vector<std::string> names;  // "-t", "--topic"; of a word without a name: its word in the help
        std::string value;               // "FILE"; "" = a flag
        std::string help;
        std::vector<std::string> choices;  // the only values; empty = any
        bool is_word = false;              // a word of the command line without a name
        bool is_required = false;
    };
    std::string name;  // "pub"; of the root: "ledgemq"
    std::string help;
    std::string footer;
    std::vector<Option> options;
    std::vector<CommandNode> commands;
};

/// The tree of the command line that parse_command_line() reads.
CommandNode command_tree();

/// The completion script for "bash", "zsh" or "fish"; nullopt = another shell.
std::optional<std::string> completion_script(const CommandNode& root, std::string_view shell);

/// The manual page ledgemq(1), in the language of man(7).
std::string command_manual(const CommandNode& root, std::string_view version);
/// The manual page ledgemq.toml(5), made of the documented configuration (print() of the default configuration).
std::string configuration_manual(std::string_view documented, std::string_view version);

}  // namespace ledge::config
