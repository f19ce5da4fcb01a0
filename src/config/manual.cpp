// The manual pages, in the language of man(7).
#include <algorithm>

#include "ledge/config/command_tree.hpp"

namespace ledge::config {
namespace {

/// Text for a line of roff. A hyphen is the minus of options, a backslash begins an escape, and a line that begins with
/// a dot or an apostrophe would be a command.
std::string roff(std::string_view text) {
    std::string out;
    for (const char c : text) {
        const bool is_first = out.empty() || out.back() == '\n';
        if (is_first && (c == '.' || c == '\'')) out += "\\&";
        if (c == '\\')
            out += "\\e";
        else if (c == '-')
            out += "\\-";
        else
            out += c;
    }
    return out;
}

std::string bold(std::string_view text) { return "\\fB" + roff(text) + "\\fR"; }
std::string italic(std::string_view text) { return "\\fI" + roff(text) + "\\fR"; }

std::string title(std::string_view name, std::string_view section, std::string_view version, std::string_view kind) {
    return ".TH " + std::string(name) + " " + std::string(section) + " \"\" \"ledgemq " + std::string(version) +
           "\" \"" + std::string(kind) + "\"\n";
}

void append_option(const CommandNode::Option& option, std::string& out) {
    out += ".TP\n";
    if (option.is_word) {
        out += italic(option.names.front());
    } else {
        std::string names;
        for (const std::string& name : option.names) names += (names.empty() ? "" : ", ") + bold(name);
        out += names;
        if (!option.value.empty()) out += " " + italic(option.value);
    }
    out += "\n" + roff(option.help) + ".\n";
    if (option.choices.empty()) return;
    std::string choices;
    for (const std::string& choice : option.choices) choices += (choices.empty() ? "" : ", ") + roff(choice);
    out += "One of: " + choices + ".\n";
}

/// A command and those below it. `words`: the words before its name.
void append_command(const CommandNode& node, const std::string& words, std::string& out) {
    const std::string name = words + " " + node.name;
    std::string usage = bold(name);
    for (const CommandNode::Option& option : node.options) {
        if (!option.is_word) continue;
        const std::string word = italic(option.names.front());
        usage += option.is_required ? " " + word : " [" + word + "]";
    }
    out += ".SS " + usage + "\n" + roff(node.help) + ".\n";
    for (const CommandNode::Option& option : node.options) {
        // Every command has --help; the page says so once, among the options of ledgemq itself.
        if (option.names.back() != "--help") append_option(option, out);
    }
    if (!node.footer.empty()) out += ".PP\n" + roff(node.footer) + "\n";
    for (const CommandNode& child : node.commands) append_command(child, name, out);
}

std::vector<std::string_view> lines_of(std::string_view text) {
    std::vector<std::string_view> lines;
    while (!text.empty()) {
        const std::size_t end = std::min(text.find('\n'), text.size());
        lines.push_back(text.substr(0, end));
        text.remove_prefix(std::min(end + 1, text.size()));
    }
    return lines;
}

/// True for the line of a section: "[limits]", "[[bridges.cloud.routes]]".
bool is_section(std::string_view line) {
    const std::size_t begin = line.find_first_not_of('[');
    const std::size_t end = line.find_last_not_of(']');
    return begin > 0 && begin <= 2 && end != std::string_view::npos && end + 1 < line.size() &&
           line.find_first_not_of("abcdefghijklmnopqrstuvwxyz_.0123456789", begin) == end + 1;
}

/// The documented configuration, line by line: comments come first, and then the section or key that they explain.
class ConfigurationPage {
public:
    explicit ConfigurationPage(std::string& out) : out_(out) {}

    void read(std::string_view line) {
        // Examples of sections that do not exist in the default configuration are comments as a whole, up to the next
        // empty line.
        if (line.empty()) is_example_ = false;
        if (line.starts_with("# ") && is_section(line.substr(2))) is_example_ = true;
        const bool is_doubled = line.starts_with("# # ");
        if (!is_doubled && is_section(line)) is_example_ = false;
        if (is_doubled || (is_example_ && line.starts_with("# "))) line.remove_prefix(2);
        if (is_section(line)) return begin_section(line);
        if (line.starts_with("# ")) return add_help(line.substr(2));
        if (const std::size_t equals = line.find(" = "); equals != std::string_view::npos) return add_key(line, equals);
        // An empty line ends a text that explains no key.
        if (!help_.empty()) out_ += ".PP\n" + flush_help();
    }
    void end() {
        if (!help_.empty()) out_ += ".PP\n" + flush_help();
    }

private:
    void add_help(std::string_view line) { help_ += std::string(line) + "\n"; }

    void begin_section(std::string_view line) {
        const std::string help = flush_help();
        out_ += ".SS " + roff(line) + "\n" + help;
    }

    void add_key(std::string_view line, std::size_t equals) {
        const std::string help = flush_help();
        out_ += ".TP\n" + bold(line.substr(0, equals)) + roff(line.substr(equals)) + "\n" + help;
    }

    std::string flush_help() {
        const std::string text = roff(help_);
        help_.clear();
        return text;
    }

    std::string& out_;
    std::string help_;
    bool is_example_ = false;
};

}  // namespace

std::string command_manual(const CommandNode& root, std::string_view version) {
    std::string out = title("LEDGEMQ", "1", version, "User Commands");
    out += ".SH NAME\nledgemq \\- a compact MQTT 3.1.1 and 5 broker for gateways, and its tools\n";
    out += ".SH SYNOPSIS\n" + bold("ledgemq") + " [" + italic("OPTION") + "]...\n.br\n" + bold("ledgemq") + " " +
           italic("COMMAND") + " ...\n";
    out += ".SH DESCRIPTION\n" + roff(root.help) + "\n.SH OPTIONS\n";
    for (const CommandNode::Option& option : root.options) append_option(option, out);
    out += ".SH COMMANDS\n";
    for (const CommandNode& child : root.commands) append_command(child, root.name, out);
    out += ".SH EXIT STATUS\n" + roff(root.footer) + "\n";
    out += ".SH ENVIRONMENT\n.TP\n" + bold("LEDGEMQ_SOCKET") + "\nThe Unix socket that " + bold("ledgemq ctl") +
           " and " + bold("ledgemq upgrade") + " use without \\-\\-socket.\n";
    out += ".SH SEE ALSO\n" + bold("ledgemq.toml") + "(5)\n";
    return out;
}

std::string configuration_manual(std::string_view documented, std::string_view version) {
    std::string out = title("LEDGEMQ.TOML", "5", version, "File Formats");
    out += ".SH NAME\nledgemq.toml \\- the configuration of ledgemq\n.SH DESCRIPTION\n";
    ConfigurationPage page(out);
    bool is_head = true;
    for (const std::string_view line : lines_of(documented)) {
        if (is_head && line.empty()) {
            page.read(line);
            out += ".SH SECTIONS\n";
            is_head = false;
            continue;
        }
        page.read(line);
    }
    page.end();
    out += ".SH SEE ALSO\n" + bold("ledgemq") + "(1)\n";
    return out;
}

}  // namespace ledge::config
