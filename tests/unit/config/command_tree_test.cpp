// What is generated from the description of the command line: completions and manual pages.
#include "ledge/config/command_tree.hpp"

#include <doctest/doctest.h>

#include <algorithm>

#include "ledge/config/load.hpp"

using namespace ledge::config;

namespace {

const CommandNode& child(const CommandNode& node, std::string_view name) {
    const auto found = std::find_if(node.commands.begin(), node.commands.end(),
                                    [&](const CommandNode& one) { return one.name == name; });
    REQUIRE(found != node.commands.end());
    return *found;
}

const CommandNode::Option& option(const CommandNode& node, std::string_view name) {
    for (const CommandNode::Option& one : node.options) {
        if (std::find(one.names.begin(), one.names.end(), name) != one.names.end()) return one;
    }
    FAIL("no option " << name);
    return node.options.front();
}

void check_helps(const CommandNode& node) {
    CHECK_MESSAGE(!node.help.empty(), node.name);
    for (const CommandNode::Option& one : node.options)
        CHECK_MESSAGE(!one.help.empty(), node.name << one.names.front());
    for (const CommandNode& below : node.commands) check_helps(below);
}

bool has(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

}  // namespace

TEST_CASE("the tree has every command with its options, and each of them has a help") {
    const CommandNode root = command_tree();
    CHECK(root.name == "ledgemq");
    check_helps(root);
    const CommandNode& sub = child(root, "sub");
    CHECK(option(sub, "-t").names == std::vector<std::string>{"-t", "--topic"});
    CHECK(option(sub, "-t").value == "FILTER");
    CHECK(option(sub, "-t").is_required);
    CHECK(option(sub, "--format").choices == std::vector<std::string>{"text", "json", "payload", "hex", "raw"});
    CHECK(option(sub, "--format").value == "FORMAT");
    CHECK(option(sub, "--insecure").value.empty());
    CHECK(option(child(child(child(root, "ctl"), "bridges"), "pause"), "NAME").is_word);
}

TEST_CASE("each shell gets a script that knows commands, options, files and the only values") {
    const CommandNode root = command_tree();
    CHECK_FALSE(completion_script(root, "tcsh").has_value());
    const std::string bash = completion_script(root, "bash").value();
    CHECK(has(bash, "' ctl bridges pause'"));
    CHECK(has(bash, "' sub --format')"));
    CHECK(has(bash, "' upgrade --socket')"));
    CHECK(has(bash, "complete -o filenames -F _ledgemq ledgemq"));
    CHECK(has(bash, "' completion') words='--help bash zsh fish'"));
    const std::string zsh = completion_script(root, "zsh").value();
    CHECK(zsh.starts_with("#compdef ledgemq\n"));
    CHECK(has(zsh, "' sub --format') compadd -- "));
    const std::string fish = completion_script(root, "fish").value();
    CHECK(has(fish, "-l format -x -a"));
    CHECK(has(fish, "-l ca -r -F"));
}

TEST_CASE("the manual pages are made of the same descriptions") {
    const std::string commands = command_manual(command_tree(), "1.2.3");
    CHECK(commands.starts_with(".TH LEDGEMQ 1 \"\" \"ledgemq 1.2.3\" \"User Commands\"\n"));
    CHECK(has(commands, ".SS \\fBledgemq ctl kick\\fR \\fICLIENT_ID\\fR\n"));
    CHECK(has(commands, "\\fB\\-t\\fR, \\fB\\-\\-topic\\fR \\fIFILTER\\fR\n"));
    CHECK(has(commands, ".SS \\fBledgemq upgrade\\fR\n"));
    const std::string file = configuration_manual(print(parse({}, {}).config), "1.2.3");
    CHECK(has(file, ".SS [limits]\n"));
    CHECK(has(file, ".SS [[bridges.cloud.routes]]\n"));
    CHECK(has(file, ".SS [[store.levels]]\n"));
    CHECK(has(file, ".TP\n\\fBinflight_max\\fR = "));
    CHECK(has(file, ".TP\n\\fBurls\\fR = "));
    // No line of the documented file is left out or left as a comment.
    CHECK_FALSE(has(file, "\n# "));
    CHECK(has(file, "Users and rights"));
}

TEST_CASE("text that means something to roff does not reach it") {
    CommandNode root;
    root.name = "x";
    root.help = ".SH evil\n'br\nback\\slash";
    const std::string page = command_manual(root, "1");
    CHECK(has(page, "\\&.SH evil\n\\&'br\nback\\eslash"));
}
