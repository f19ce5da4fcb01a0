#include "ledge/config/command_line.hpp"

#include <doctest/doctest.h>

#include <vector>

using namespace ledge::config;

namespace {

Command run(std::vector<const char*> arguments) {
    arguments.insert(arguments.begin(), "ledgemq");
    return parse_command_line(static_cast<int>(arguments.size()), arguments.data(), "1.2.3");
}

}  // namespace

TEST_CASE("without arguments the broker serves with embedded defaults") {
    const Command command = run({});
    CHECK(command.action == Command::Action::serve);
    CHECK_FALSE(command.sources.file.has_value());
    CHECK(command.sources.listen.empty());
    CHECK_FALSE(command.sources.allow_anonymous);
}

TEST_CASE("every flag arrives") {
    const Command command = run({"-c", "x.toml", "--listen", "unix:/a", "--listen", "unix:/b", "--store", "none",
                                 "--durability", "ram", "--allow-anonymous", "--set", "a=1", "--set", "b=c=d e"});
    CHECK(command.action == Command::Action::serve);
    CHECK(command.sources.file == "x.toml");
    CHECK(command.sources.listen == std::vector<std::string>{"unix:/a", "unix:/b"});
    CHECK(command.sources.store == "none");
    CHECK(command.sources.durability == "ram");
    CHECK(command.sources.allow_anonymous);
    CHECK(command.sources.set == std::vector<std::string>{"a=1", "b=c=d e"});
}

TEST_CASE("check takes the file before and behind the word") {
    for (const Command& command :
         {run({"check", "-c", "x.toml"}), run({"-c", "x.toml", "check"}), run({"check", "--config=x.toml"})}) {
        CHECK(command.action == Command::Action::check);
        CHECK(command.sources.file == "x.toml");
    }
    CHECK(run({"check", "x.toml", "--strict"}).sources.file == "x.toml");
    CHECK(run({"check", "x.toml", "--as", "mqtt"}).as_user == "mqtt");
    CHECK(run({"check"}).action == Command::Action::check);
}

TEST_CASE("metrics is the reference of the metrics") {
    CHECK(run({"metrics"}).action == Command::Action::metrics);
    CHECK_FALSE(run({"metrics"}).is_json);
    CHECK(run({"metrics", "--json"}).is_json);
}

TEST_CASE("events is the reference of the log") {
    CHECK(run({"events"}).action == Command::Action::events);
    CHECK_FALSE(run({"events"}).is_json);
    CHECK(run({"events", "--json"}).is_json);
}

TEST_CASE("the tools of a store take its path") {
    for (const char* tool : {"info", "verify", "dump", "compact"}) {
        const Command command = run({"store", tool, "/var/lib/ledgemq"});
        CHECK(command.action == Command::Action::store);
        CHECK(command.store_tool == tool);
        CHECK(command.store_path == "/var/lib/ledgemq");
    }
    CHECK(run({"store"}).exit_code == exit_bad_configuration);
    CHECK(run({"store", "info"}).exit_code == exit_bad_configuration);
    CHECK(run({"store", "mend", "/x"}).exit_code == exit_bad_configuration);
}

TEST_CASE("--print-config prints instead of serving") {
    const Command command = run({"--print-config", "--set", "a=1"});
    CHECK(command.action == Command::Action::print_config);
    CHECK(command.sources.set.size() == 1);
}

TEST_CASE("--help and --version are answers, not failures") {
    const Command help = run({"--help"});
    CHECK(help.action == Command::Action::print_text);
    CHECK(help.exit_code == exit_ok);
    for (const char* word :
         {"--listen", "--set", "--store", "--durability", "--allow-anonymous", "--print-config", "check", "Exit"}) {
        CHECK(help.text.find(word) != std::string::npos);
    }
    const Command version = run({"--version"});
    CHECK(version.action == Command::Action::print_text);
    CHECK(version.exit_code == exit_ok);
    CHECK(version.text == "ledgemq 1.2.3\n");
}

TEST_CASE("a wrong command line ends with status 2 and says why") {
    for (const std::vector<const char*>& arguments :
         std::vector<std::vector<const char*>>{{"--listne", "unix:/a"}, {"-c"}, {"file.toml"}, {"--set"}, {"serve"}}) {
        const Command command = run(arguments);
        CHECK(command.action == Command::Action::print_text);
        CHECK(command.exit_code == exit_bad_configuration);
        CHECK_FALSE(command.text.empty());
    }
}

TEST_CASE("passwd names a file and a user, never a password") {
    const Command set = run({"passwd", "users", "alice"});
    CHECK(set.action == Command::Action::passwd);
    CHECK(set.passwd.file == "users");
    CHECK(set.passwd.user == "alice");
    CHECK_FALSE(set.passwd.is_removal);
    CHECK(run({"passwd", "users", "alice", "--delete"}).passwd.is_removal);
    CHECK(run({"passwd", "--verify", "users", "alice"}).passwd.is_verification);
    CHECK(run({"passwd", "users", "alice", "--iterations", "5"}).passwd.iterations == 5);
    for (const std::vector<const char*>& wrong : {std::vector<const char*>{"passwd"},
                                                  {"passwd", "users"},
                                                  {"passwd", "users", "alice", "secret"},
                                                  {"passwd", "users", "alice", "--delete", "--verify"},
                                                  {"passwd", "users", "alice", "--iterations", "0"}}) {
        const Command command = run(wrong);
        CHECK(command.action == Command::Action::print_text);
        CHECK(command.exit_code == exit_bad_configuration);
    }
}

TEST_CASE("explain takes a question and a configuration") {
    const Command command = run({"explain", "user=alice", "client=c=1", "publish", "user=x", "-c", "f.toml"});
    CHECK(command.action == Command::Action::explain);
    CHECK(command.explain.user == "alice");
    CHECK(command.explain.client_id == "c=1");
    CHECK(command.explain.verb == "publish");
    CHECK(command.explain.topic == "user=x");
    CHECK(command.sources.file == "f.toml");
    CHECK_FALSE(run({"explain", "subscribe", "#"}).explain.user);
    CHECK(run({"explain", "log.level"}).explain.key == "log.level");
    for (const std::vector<const char*>& wrong : {std::vector<const char*>{"explain"},
                                                  {"explain", "publish"},
                                                  {"explain", "fly", "a"},
                                                  {"explain", "publish", "a", "b"}}) {
        const Command refused = run(wrong);
        CHECK(refused.action == Command::Action::print_text);
        CHECK(refused.exit_code == exit_bad_configuration);
    }
}

TEST_CASE("bridge test takes a bridge, a configuration and perhaps a topic") {
    const Command command = run({"bridge", "test", "cloud", "-c", "f.toml", "--topic", "a/b"});
    CHECK(command.action == Command::Action::bridge_test);
    CHECK(command.bridge_test.name == "cloud");
    CHECK(command.bridge_test.topic == "a/b");
    CHECK(command.sources.file == "f.toml");
    CHECK(run({"-c", "f.toml", "bridge", "test", "cloud"}).bridge_test.topic.empty());
    // `bridge` alone must not start a broker.
    for (const std::vector<const char*>& wrong : {std::vector<const char*>{"bridge"},
                                                  {"bridge", "test"},
                                                  {"bridge", "fly", "cloud"},
                                                  {"bridge", "test", "cloud", "other"}}) {
        const Command refused = run(wrong);
        CHECK(refused.action == Command::Action::print_text);
        CHECK(refused.exit_code == exit_bad_configuration);
    }
}

TEST_CASE("backup and restore take their files in the order of the copy") {
    const Command backup = run({"store", "backup", "/s", "/b"});
    CHECK(backup.action == Command::Action::store);
    CHECK(backup.store_tool == "backup");
    CHECK(backup.store_path == "/s");
    CHECK(backup.store_file == "/b");
    const Command restore = run({"store", "restore", "/b", "/s", "--force"});
    CHECK(restore.store_tool == "restore");
    CHECK(restore.store_path == "/s");
    CHECK(restore.store_file == "/b");
    CHECK(restore.store_is_forced);
}

TEST_CASE("sessions are listed and removed in a store") {
    const Command list = run({"sessions", "list", "--store", "/s"});
    CHECK(list.action == Command::Action::sessions);
    CHECK_FALSE(list.sessions.is_removal);
    CHECK(list.sessions.store == "/s");
    const Command remove = run({"sessions", "remove", "--store", "/s", "x"});
    CHECK(remove.sessions.is_removal);
    CHECK(remove.sessions.client_id == "x");
    for (const Command& wrong : {run({"sessions", "list"}), run({"sessions", "remove", "--store", "/s"}),
                                 run({"sessions", "list", "--admin", "http://127.0.0.1:8080"})}) {
        CHECK(wrong.action == Command::Action::print_text);
        CHECK(wrong.exit_code == exit_bad_configuration);
    }
}
