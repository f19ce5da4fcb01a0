// The command line of `pub` and `sub`.
#include <doctest/doctest.h>

#include <vector>

#include "ledge/config/command_line.hpp"

using namespace ledge;
using namespace ledge::config;

namespace {

Command run_client(std::vector<const char*> arguments) {
    arguments.insert(arguments.begin(), "ledgemq");
    return parse_command_line(static_cast<int>(arguments.size()), arguments.data(), "1.2.3");
}

/// The complaint about a wrong command line; "" = it is accepted.
std::string complaint_about(const std::vector<const char*>& arguments) {
    const Command command = run_client(arguments);
    if (command.action != Command::Action::print_text) return {};
    CHECK(command.exit_code == exit_bad_configuration);
    return command.text;
}

bool complains(const std::vector<const char*>& arguments, std::string_view part) {
    return complaint_about(arguments).find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("pub takes topic, payload and the usual options") {
    const Command command = run_client({"pub", "-t", "a/b", "-m", "on", "-q", "1", "-r"});
    CHECK(command.action == Command::Action::publish);
    const cli::PublishOptions& options = command.publish;
    CHECK(options.topic == "a/b");
    CHECK(options.source == cli::PublishOptions::Source::text);
    CHECK(options.text == "on");
    CHECK(options.qos == 1);
    CHECK(options.is_retained);
    CHECK(options.repeat == 1);
    CHECK(options.connection.server.host == "127.0.0.1");
    CHECK(options.connection.server.port == 1883);
    CHECK(options.connection.is_v5);
    CHECK(options.connection.is_clean);
    CHECK(options.connection.timeout == Duration::zero());
}

TEST_CASE("each source of a payload is known, and exactly one is required") {
    using Source = cli::PublishOptions::Source;
    CHECK(run_client({"pub", "-t", "a", "-m", ""}).publish.source == Source::text);
    CHECK(run_client({"pub", "-t", "a", "-f", "-"}).publish.source == Source::file);
    CHECK(run_client({"pub", "-t", "a", "--stdin-lines"}).publish.source == Source::lines);
    CHECK(run_client({"pub", "-t", "a", "-n"}).publish.source == Source::none);
    CHECK(complains({"pub", "-t", "a"}, "requires a payload"));
    CHECK(complains({"pub", "-t", "a", "-m", "x", "-n"}, "excludes"));
    CHECK(complains({"pub", "-m", "x"}, "--topic is required"));
    CHECK(complains({"pub", "-t", "a", "--stdin-lines", "--repeat", "2"}, "--repeat"));
}

TEST_CASE("the url says where the broker is") {
    const auto server = [](const char* url) {
        return run_client({"pub", "-t", "a", "-n", "--url", url}).publish.connection.server;
    };
    CHECK(server("mqtts://broker.example").port == 8883);
    CHECK(server("mqtts://broker.example").is_tls);
    CHECK(server("ws://[::1]:8080/x").path == "/x");
    CHECK(server("ws://[::1]:8080/x").host == "::1");
    CHECK(server("wss://broker.example").path == "/mqtt");
    CHECK(server("unix:/run/mqtt.sock").unix_path == "/run/mqtt.sock");
    CHECK(complains({"pub", "-t", "a", "-n", "--url", "http://h"}, "not the address of a broker"));
    CHECK(complains({"pub", "-t", "a", "-n", "--url", "mqtt://u:p@h"}, "--url"));
}

TEST_CASE("properties belong to MQTT 5") {
    const Command command =
        run_client({"pub", "-t", "a", "-n", "--content-type", "text/plain", "--user-property", "a=1=2",
                    "--user-property", "b=", "--expiry", "0", "--response-topic", "r", "--correlation-data", "c"});
    CHECK(command.publish.content_type == "text/plain");
    CHECK(command.publish.user_properties.size() == 2);
    CHECK(command.publish.user_properties.at(0).second == "1=2");
    CHECK(command.publish.expiry_s == 0);
    CHECK_FALSE(run_client({"pub", "-t", "a", "-n"}).publish.expiry_s.has_value());
    CHECK(complains({"pub", "-t", "a", "-n", "--user-property", "a"}, "NAME=VALUE"));
    CHECK(complains({"pub", "-t", "a", "-n", "--version", "3.1.1", "--expiry", "1"}, "no properties"));
    CHECK(complains({"pub", "-t", "a", "-n", "--version", "4"}, "--version"));
}

TEST_CASE("a kept session needs a client id, and an expiry implies that the session is kept") {
    const auto connection = [](std::vector<const char*> more) {
        more.insert(more.begin(), {"sub", "-t", "a"});
        return run_client(more).subscribe.connection;
    };
    CHECK(connection({}).is_clean);
    CHECK_FALSE(connection({"--id", "x", "--session-expiry", "60"}).is_clean);
    CHECK(connection({"--id", "x", "--session-expiry", "60", "--clean"}).is_clean);
    CHECK_FALSE(connection({"--id", "x", "--no-clean", "--version", "3.1.1"}).is_clean);
    CHECK(complains({"sub", "-t", "a", "--no-clean"}, "needs a client id"));
    CHECK(
        complains({"sub", "-t", "a", "--id", "x", "--version", "3.1.1", "--session-expiry", "1"}, "no session expiry"));
    CHECK(complains({"sub", "-t", "a", "--version", "3.1.1", "--password-file", "f"}, "without a user name"));
}

TEST_CASE("sub takes several filters, a format, a count and a will") {
    const Command command = run_client({"sub", "-t", "a/#", "-t", "b", "--format", "json", "--count", "3", "--timeout",
                                        "1.5", "--will-topic", "w", "--will-payload", "gone", "--will-qos", "2"});
    CHECK(command.action == Command::Action::subscribe);
    CHECK(command.subscribe.filters == std::vector<std::string>{"a/#", "b"});
    CHECK(command.subscribe.format == cli::SubscribeOptions::Format::json);
    CHECK(command.subscribe.count == 3);
    CHECK(command.subscribe.connection.timeout == 1500ms);
    REQUIRE(command.subscribe.connection.will.has_value());
    CHECK(command.subscribe.connection.will->payload == "gone");
    CHECK(command.subscribe.connection.will->qos == 2);
    CHECK(complains({"sub", "-t", "a", "--format", "xml"}, "--format"));
    CHECK(complains({"sub", "-t", "a", "--retained-only", "--no-retained"}, "excludes"));
    CHECK(complains({"sub", "-t", "a", "--will-payload", "x"}, "requires --will-topic"));
    CHECK(complains({"sub", "-t", "a", "--count", "0"}, "--count"));
}

TEST_CASE("TLS files without TLS, and half a pair of them, are mistakes") {
    CHECK(complains({"sub", "-t", "a", "--ca", "ca.pem"}, "mqtts://"));
    CHECK(complains({"sub", "-t", "a", "--url", "mqtts://h", "--cert", "c.pem"}, "requires --key"));
    CHECK(complaint_about({"sub", "-t", "a", "--url", "mqtts://h", "--cert", "c.pem", "--key", "k"}).empty());
    CHECK(complains({"sub", "-t", "a", "--password", "x", "--password-file", "f"}, "excludes"));
}
