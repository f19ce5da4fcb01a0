#include "ctl_request.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <set>

using namespace ledge::cli;

namespace {

const CtlCommand& command(std::string_view name) {
    const auto all = ctl_commands();
    const auto found = std::find_if(all.begin(), all.end(), [&](const CtlCommand& one) { return one.name == name; });
    REQUIRE(found != all.end());
    return *found;
}

/// The options of a command line: `values` by the member of the argument.
CtlOptions options_for(std::string_view name, const std::vector<std::pair<std::string_view, std::string>>& values) {
    CtlOptions options;
    options.command = &command(name);
    for (const auto& [member, value] : values) {
        for (const CtlArgument& argument : options.command->arguments) {
            if (argument.member == member) options.values.emplace_back(&argument, value);
        }
    }
    REQUIRE(options.values.size() == values.size());
    return options;
}

std::string line_of(const CtlOptions& options, const std::string& after = {}) {
    const auto request = request_of(options, after);
    if (!request) return request.error();
    return request->method + " " + request->target + " " + request->body;
}

}  // namespace

TEST_CASE("words and options find their place in the request") {
    CHECK(line_of(options_for("overview", {})) == "GET /api/v1/overview ");
    CHECK(line_of(options_for("kick", {{"client_id", "a/b c"}})) == "DELETE /api/v1/clients/a%2Fb%20c/connection ");
    CHECK(line_of(options_for("clients", {{"state", "connected"}, {"user", "ä"}})) ==
          "GET /api/v1/clients?state=connected&user=%C3%A4 ");
    CHECK(line_of(options_for("clients", {}), "x=y") == "GET /api/v1/clients?after=x%3Dy ");
    CHECK(line_of(options_for("ban", {{"address", "192.0.2.7"}, {"seconds", "60"}})) ==
          R"(POST /api/v1/bans {"address":"192.0.2.7","seconds":60})");
    CHECK(
        line_of(options_for("publish",
                            {{"topic", "t"}, {"payload", "\xff"}, {"retain", "true"}, {"user_properties", "a=1=2"}})) ==
        R"(POST /api/v1/publish {"topic":"t","payload_base64":"/w==","retain":true,"user_properties":[["a","1=2"]]})");
    CHECK(line_of(options_for("retained set", {{"topic", "a/b"}, {"payload", "on"}})) ==
          R"(PUT /api/v1/retained/a%2Fb {"payload":"on"})");
}

TEST_CASE("a watched overview is another resource, and its interval means nothing otherwise") {
    CHECK(line_of(options_for("overview", {{"watch", "true"}, {"interval_s", "5"}})) ==
          "GET /api/v1/stream?interval_s=5 ");
    CHECK(line_of(options_for("overview", {{"interval_s", "5"}})) == "GET /api/v1/overview ");
}

TEST_CASE("a wrong value is told with its option") {
    CHECK(line_of(options_for("ban", {{"user", "u"}, {"seconds", "1h"}})) == "--seconds requires a whole number");
    CHECK(line_of(options_for("publish", {{"topic", "t"}, {"payload", ""}, {"user_properties", "a"}})) ==
          "--user-property requires NAME=VALUE");
}

TEST_CASE("a problem of the API becomes one sentence with what may help") {
    CHECK(problem_text(409,
                       R"({"type":"about:blank","title":"Conflict","status":409,"detail":"the client is offline"})") ==
          "the broker refuses: the client is offline [409]");
    CHECK(problem_text(400, R"({"title":"Bad Request","field":"qos"})") ==
          "the broker refuses: Bad Request (qos) [400]");
    CHECK(problem_text(401, "").find("--token-file") != std::string::npos);
    CHECK(problem_text(403, "{}").find("act") != std::string::npos);
    CHECK(problem_text(502, "<html>") == "the broker refuses: <html> [502]");
}

TEST_CASE("the table of commands is complete and its rows are whole") {
    std::set<std::string_view> names;
    for (const CtlCommand& one : ctl_commands()) {
        CHECK_MESSAGE(names.insert(one.name).second, one.name);
        CHECK_MESSAGE(!one.help.ends_with('.'), one.name);
        CHECK_MESSAGE((one.answer == CtlCommand::Answer::rows) == !one.list.empty(), one.name);
        std::size_t holes = static_cast<std::size_t>(std::count(one.path.begin(), one.path.end(), '{'));
        for (const CtlArgument& argument : one.arguments) {
            if (argument.place != CtlArgument::Place::path) continue;
            const std::string hole = "{" + std::string(argument.member) + "}";
            CHECK_MESSAGE(one.path.find(hole) != std::string_view::npos, one.name);
            CHECK_MESSAGE(argument.is_required, one.name);
            --holes;
        }
        CHECK_MESSAGE(holes == 0, one.name);
        // A group stands before its commands.
        const std::size_t space = one.name.find(' ');
        if (space != std::string_view::npos) CHECK_MESSAGE(names.contains(one.name.substr(0, space)), one.name);
    }
}
