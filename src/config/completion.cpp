// Completion scripts. Each finds the place first, the words of the commands so far (" ctl bridges"), and then offers
// what may stand there.
#include <algorithm>

#include "ledge/base/assert.hpp"
#include "ledge/config/command_tree.hpp"

namespace ledge::config {
namespace {

/// One command with the place of its words.
struct Placed {
    std::string place;  // "" = ledgemq alone, " ctl bridges"
    const CommandNode* node;
};

void collect(const CommandNode& node, const std::string& place, std::vector<Placed>& into) {
    into.push_back({place, &node});
    for (const CommandNode& child : node.commands) collect(child, place + " " + child.name, into);
}

std::vector<Placed> placed_in(const CommandNode& root) {
    std::vector<Placed> all;
    collect(root, {}, all);
    return all;
}

/// True for a value that is the name of a file or folder.
bool is_path(const CommandNode::Option& option) {
    const std::string& value = option.is_word ? option.names.front() : option.value;
    return value.find("FILE") != std::string::npos || value.find("PATH") != std::string::npos ||
           value.find("DIR") != std::string::npos || value == "BACKUP" || value == "TARGET";
}

bool has_path_word(const CommandNode& node) {
    return std::any_of(node.options.begin(), node.options.end(),
                       [](const CommandNode::Option& option) { return option.is_word && is_path(option); });
}

/// A text between single quotes of a shell.
std::string in_quotes(std::string_view text) {
    std::string out = "'";
    for (const char c : text) out += c == '\'' ? std::string("'\\''") : std::string(1, c);
    return out + "'";
}

std::string joined(const std::vector<std::string>& words) {
    std::string text;
    for (const std::string& word : words) text += (text.empty() ? "" : " ") + word;
    return text;
}

/// The first sentence of a help, or its first part: what fits beside a word.
std::string brief(const std::string& help) { return help.substr(0, std::min(help.find(". "), help.find("; "))); }

/// "'" " check" | " ctl bridges" ")": every place below the root as a pattern of case.
std::string place_pattern(const std::vector<Placed>& all) {
    std::string pattern;
    for (const Placed& one : all) {
        if (!one.place.empty()) pattern += (pattern.empty() ? "" : "|") + in_quotes(one.place);
    }
    return pattern;
}

/// The cases for a word behind an option that has a value. `on_choices`, `on_files` and `on_other` make the commands.
template <class OnChoices>
std::string value_cases(const std::vector<Placed>& all, OnChoices on_choices, std::string_view on_files,
                        std::string_view on_other) {
    std::string text;
    for (const Placed& one : all) {
        for (const CommandNode::Option& option : one.node->options) {
            if (option.is_word || option.value.empty()) continue;
            std::string pattern;
            for (const std::string& name : option.names)
                pattern += (pattern.empty() ? "" : "|") + in_quotes(one.place + " " + name);
            text += "        " + pattern + ") ";
            text += !option.choices.empty() ? on_choices(joined(option.choices))
                                            : std::string(is_path(option) ? on_files : on_other);
            text += "; return ;;\n";
        }
    }
    return text;
}

std::string bash_script(const CommandNode& root) {
    const std::vector<Placed> all = placed_in(root);
    std::string text =
        "# Completion of ledgemq for bash, made by `ledgemq completion bash`.\n"
        "_ledgemq() {\n"
        "    local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD-1]} place= words= i\n"
        "    for ((i = 1; i < COMP_CWORD; i++)); do\n"
        "        case \"$place ${COMP_WORDS[i]}\" in\n"
        "        " +
        place_pattern(all) +
        ") place=\"$place ${COMP_WORDS[i]}\" ;;\n"
        "        esac\n"
        "    done\n"
        "    COMPREPLY=()\n"
        "    case \"$place $previous\" in\n";
    text += value_cases(
        all,
        [](const std::string& words) { return "COMPREPLY=($(compgen -W " + in_quotes(words) + " -- \"$current\"))"; },
        "COMPREPLY=($(compgen -f -- \"$current\"))", ":");
    text += "    esac\n    case \"$place\" in\n";
    for (const Placed& one : all) {
        std::vector<std::string> words;
        for (const CommandNode& child : one.node->commands) words.push_back(child.name);
        for (const CommandNode::Option& option : one.node->options) {
            if (!option.is_word) words.push_back(option.names.back());
            if (option.is_word) words.insert(words.end(), option.choices.begin(), option.choices.end());
        }
        text += "        " + in_quotes(one.place) + ") words=" + in_quotes(joined(words));
        if (has_path_word(*one.node)) text += "; [[ $current == -* ]] || COMPREPLY=($(compgen -f -- \"$current\"))";
        text += " ;;\n";
    }
    text +=
        "    esac\n"
        "    COMPREPLY+=($(compgen -W \"$words\" -- \"$current\"))\n"
        "}\n"
        "complete -o filenames -F _ledgemq ledgemq\n";
    return text;
}

/// A list of zsh's _describe: 'name:help', where a colon in the name would need a backslash; no name has one.
std::string described(const std::vector<std::pair<std::string, std::string>>& words) {
    std::string text;
    for (const auto& [name, help] : words) text += " " + in_quotes(name + ":" + brief(help));
    return "(" + text + " )";
}

std::string zsh_script(const CommandNode& root) {
    const std::vector<Placed> all = placed_in(root);
    // $path is the search path in zsh, so the place has another name.
    std::string text =
        "#compdef ledgemq\n"
        "# Completion of ledgemq for zsh, made by `ledgemq completion zsh`.\n"
        "_ledgemq() {\n"
        "    local place= i previous=${words[CURRENT-1]}\n"
        "    local -a commands options\n"
        "    for ((i = 2; i < CURRENT; i++)); do\n"
        "        case \"$place ${words[i]}\" in\n"
        "        " +
        place_pattern(all) +
        ") place=\"$place ${words[i]}\" ;;\n"
        "        esac\n"
        "    done\n"
        "    case \"$place $previous\" in\n";
    text += value_cases(
        all, [](const std::string& words) { return "compadd -- " + words; }, "_files", "_message value");
    text += "    esac\n    case \"$place\" in\n";
    for (const Placed& one : all) {
        std::vector<std::pair<std::string, std::string>> commands;
        std::vector<std::pair<std::string, std::string>> options;
        for (const CommandNode& child : one.node->commands) commands.emplace_back(child.name, child.help);
        for (const CommandNode::Option& option : one.node->options) {
            if (!option.is_word) options.emplace_back(option.names.back(), option.help);
            if (!option.is_word) continue;
            for (const std::string& choice : option.choices) commands.emplace_back(choice, option.help);
        }
        text += "        " + in_quotes(one.place) + ")\n            commands=" + described(commands) +
                "\n            options=" + described(options) + "\n";
        if (has_path_word(*one.node)) text += "            [[ ${words[CURRENT]} == -* ]] || _files\n";
        text += "            ;;\n";
    }
    text +=
        "    esac\n"
        "    if [[ ${words[CURRENT]} == -* ]]; then\n"
        "        _describe option options\n"
        "    elif (( ${#commands} )); then\n"
        "        _describe command commands\n"
        "    fi\n"
        "}\n"
        "if [ \"$funcstack[1]\" = \"_ledgemq\" ]; then\n"
        "    _ledgemq \"$@\"\n"
        "else\n"
        "    compdef _ledgemq ledgemq\n"
        "fi\n";
    return text;
}

std::string fish_script(const CommandNode& root) {
    const std::vector<Placed> all = placed_in(root);
    std::string text =
        "# Completion of ledgemq for fish, made by `ledgemq completion fish`.\n"
        "function __ledgemq_at\n"
        "    set -l place ''\n"
        "    for word in (commandline -opc)[2..-1]\n"
        "        if contains -- \"$place $word\"";
    for (const Placed& one : all) {
        if (!one.place.empty()) text += " " + in_quotes(one.place);
    }
    text +=
        "\n"
        "            set place \"$place $word\"\n"
        "        end\n"
        "    end\n"
        "    test \"$place\" = \"$argv[1]\"\n"
        "end\n"
        "complete -c ledgemq -f\n";
    for (const Placed& one : all) {
        const std::string begin = "complete -c ledgemq -n " + in_quotes("__ledgemq_at \"" + one.place + "\"");
        for (const CommandNode& child : one.node->commands)
            text += begin + " -a " + child.name + " -d " + in_quotes(brief(child.help)) + "\n";
        if (has_path_word(*one.node)) text += begin + " -F\n";
        for (const CommandNode::Option& option : one.node->options) {
            if (option.is_word && !option.choices.empty())
                text += begin + " -a " + in_quotes(joined(option.choices)) + "\n";
            if (option.is_word) continue;
            text += begin;
            for (const std::string& name : option.names)
                text += name.starts_with("--") ? " -l " + name.substr(2) : " -s " + name.substr(1);
            if (!option.choices.empty())
                text += " -x -a " + in_quotes(joined(option.choices));
            else if (!option.value.empty())
                text += is_path(option) ? " -r -F" : " -x";
            text += " -d " + in_quotes(brief(option.help)) + "\n";
        }
    }
    return text;
}

}  // namespace

std::optional<std::string> completion_script(const CommandNode& root, std::string_view shell) {
    if (shell == "bash") return bash_script(root);
    if (shell == "zsh") return zsh_script(root);
    if (shell == "fish") return fish_script(root);
    return std::nullopt;
}

}  // namespace ledge::config
