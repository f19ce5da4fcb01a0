// The command line of `ctl`.
#include <doctest/doctest.h>

#include <cstdlib>
#include <vector>

#include "ledge/config/command_line.hpp"

using namespace ledge;
using namespace ledge::config;

namespace {

Command run_ctl(std::vector<const char*> arguments) {
    arguments.insert(arguments.begin(), {"ledgemq", "ctl"});
    return parse_command_line(static_cast<int>(arguments.size()), arguments.data(), "1.2.3");
}

/// The arguments that arrive: "client_id=x seconds=60".
std::string values_of(const Command& command) {
    CHECK(command.action == Command::Action::ctl);
    std::string text;
    for (const auto& [argument, value] : command.ctl.values)
        text += (text.empty() ? "" : " ") + std::string(argument->member) + "=" + value;
    return text;
}

bool is_refused(const std::vector<const char*>& arguments) {
    const Command command = run_ctl(arguments);
    return command.action == Command::Action::print_text && command.exit_code == exit_bad_configuration;
}

}  // namespace

TEST_CASE("each command of the table is a command of ctl") {
    for (const cli::CtlCommand& one : cli::ctl_commands()) {
        std::vector<std::string> words = {"ledgemq", "ctl"};
        const std::size_t space = one.name.find(' ');
        words.emplace_back(one.name.substr(0, space));
        if (space != std::string_view::npos) words.emplace_back(one.name.substr(space + 1));
        for (const cli::CtlArgument& argument : one.arguments) {
            if (!argument.is_required) continue;
            if (!argument.name.empty()) words.emplace_back(argument.name);
            words.emplace_back("1");
        }
        if (one.name == "ban" || one.name == "trace") words.insert(words.end(), {"--client", "x"});
        std::vector<const char*> arguments;
        for (const std::string& word : words) arguments.push_back(word.c_str());
        const Command command = parse_command_line(static_cast<int>(arguments.size()), arguments.data(), "1.2.3");
        CHECK_MESSAGE(command.action == Command::Action::ctl, one.name << ": " << command.text);
        CHECK_MESSAGE(command.ctl.command == &one, one.name);
    }
}

TEST_CASE("words and options arrive with their members") {
    CHECK(values_of(run_ctl({"kick", "meter 7"})) == "client_id=meter 7");
    CHECK(values_of(run_ctl({"retained"})).empty());
    CHECK(values_of(run_ctl({"retained", "a/#"})) == "filter=a/#");
    CHECK(values_of(run_ctl({"retained", "set", "a", "on", "--qos", "1"})) == "topic=a payload=on qos=1");
    CHECK(values_of(run_ctl({"publish", "a", "on", "--retain", "--user-property", "a=1", "--user-property", "b=2"})) ==
          "topic=a payload=on retain=true user_properties=a=1 user_properties=b=2");
    CHECK(values_of(run_ctl({"backup", "/f", "--force"})) == "file=/f force=true");
    CHECK(run_ctl({"backup", "/f", "--force"}).ctl.local("force") == "true");
    CHECK(run_ctl({"backup", "/f"}).ctl.local("force").empty());
}

TEST_CASE("upgrade is a command of ledgemq too, with the options of ctl") {
    std::vector<const char*> arguments = {"ledgemq", "upgrade", "--socket", "/s", "--json"};
    const Command command = parse_command_line(static_cast<int>(arguments.size()), arguments.data(), "1.2.3");
    CHECK(command.action == Command::Action::ctl);
    REQUIRE(command.ctl.command != nullptr);
    CHECK(command.ctl.command == run_ctl({"upgrade"}).ctl.command);
    CHECK(command.ctl.server.unix_path == "/s");
    CHECK(command.ctl.is_json);
    arguments = {"ledgemq", "upgrade", "now"};
    CHECK(parse_command_line(3, arguments.data(), "1.2.3").exit_code == exit_bad_configuration);
}

TEST_CASE("the place of the API is an option, a variable or the usual path") {
    ::unsetenv("LEDGEMQ_SOCKET");
    CHECK(run_ctl({"overview"}).ctl.server.unix_path == "/run/ledgemq/ctl.sock");
    ::setenv("LEDGEMQ_SOCKET", "/v", 1);
    CHECK(run_ctl({"overview"}).ctl.server.unix_path == "/v");
    CHECK(run_ctl({"--socket", "/s", "overview"}).ctl.server.unix_path == "/s");
    ::unsetenv("LEDGEMQ_SOCKET");
    // The options of ctl may stand behind the command too.
    const Command command = run_ctl({"overview", "--url", "https://gw:9883", "--token-file", "/t", "--json"});
    CHECK(command.ctl.server.unix_path.empty());
    CHECK(command.ctl.server.host == "gw");
    CHECK(command.ctl.server.port == 9883);
    CHECK(command.ctl.server.is_tls);
    CHECK(command.ctl.token_file == "/t");
    CHECK(command.ctl.is_json);
}

TEST_CASE("what is missing or too much is refused") {
    CHECK(is_refused({}));
    CHECK(is_refused({"nothing"}));
    CHECK(is_refused({"kick"}));
    CHECK(is_refused({"kick", "a", "b"}));
    CHECK(is_refused({"ban", "--seconds", "60"}));
    CHECK(is_refused({"trace"}));
    CHECK(is_refused({"overview", "--url", "mqtt://x"}));
    CHECK(is_refused({"overview", "--url", "http://x/path"}));
    CHECK(is_refused({"overview", "--url", "http://x", "--socket", "/s"}));
}
