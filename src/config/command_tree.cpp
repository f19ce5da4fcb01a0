// Reads the tree of values out of CLI11's description of the command line.
#include "ledge/config/command_tree.hpp"

#include <CLI/CLI.hpp>

#include "command_line_parts.hpp"
#include "ledge/config/command_line.hpp"

namespace ledge::config {
namespace {

/// CLI11 shows the only values as "FORMAT:{text,json}", and numbers as "QOS:INT in [0 - 2]".
CommandNode::Option option_of(const CLI::Option& from) {
    CommandNode::Option option;
    for (const std::string& name : from.get_snames()) option.names.push_back("-" + name);
    for (const std::string& name : from.get_lnames()) option.names.push_back("--" + name);
    option.is_word = option.names.empty();
    if (option.is_word) option.names.push_back(from.get_name(true));
    option.help = from.get_description();
    option.is_required = from.get_required();
    const bool is_flag = from.get_items_expected_max() == 0;
    const std::string type = is_flag ? std::string() : from.get_type_name();
    option.value = option.is_word ? std::string() : type.substr(0, type.find(':'));
    const std::size_t begin = type.find('{');
    const std::size_t end = type.rfind('}');
    if (begin == std::string::npos || end == std::string::npos) return option;
    for (std::string& choice : CLI::detail::split(type.substr(begin + 1, end - begin - 1), ','))
        option.choices.push_back(std::move(choice));
    return option;
}

CommandNode node_of(const CLI::App& from) {
    CommandNode node;
    node.name = from.get_name();
    node.help = from.get_description();
    // CLI11 hands a footer down to commands that have none of their own.
    const CLI::App* const parent = from.get_parent();
    if (parent == nullptr || parent->get_footer() != from.get_footer()) node.footer = from.get_footer();
    for (const CLI::Option* option : from.get_options()) node.options.push_back(option_of(*option));
    for (const CLI::App* child : from.get_subcommands([](const CLI::App*) { return true; }))
        node.commands.push_back(node_of(*child));
    return node;
}

}  // namespace

CommandNode command_tree() {
    Command command;
    CommandDraft draft;
    CLI::App app("", "ledgemq");
    describe_command_line(app, command, draft, {}, [](std::string_view) { return true; });
    return node_of(app);
}

}  // namespace ledge::config
