// ${env:NAME} and ${file:PATH} in values.
#include "references.hpp"

#include <doctest/doctest.h>

#include <cstdlib>

#include "configuration_directory.hpp"

using namespace ledge;
using namespace ledge::config;
using Lines = std::vector<std::string>;

namespace {

/// An environment variable of this process while the object lives.
class Variable {
public:
    Variable(const char* name, const char* value) : name_(name) { ::setenv(name, value, 1); }
    ~Variable() { ::unsetenv(name_); }
    Variable(const Variable&) = delete;
    Variable& operator=(const Variable&) = delete;

private:
    const char* name_;
};

}  // namespace

TEST_CASE("a reference gives a value of every type") {
    const ConfigurationDirectory directory;
    const Variable number("LEDGE_TEST_NUMBER", "77");
    const Variable size("LEDGE_TEST_SIZE", "5 MiB");
    const Variable truth("LEDGE_TEST_TRUE", "true");
    const Variable port("LEDGE_TEST_PORT", "1888");
    const Variable list("LEDGE_TEST_LIST", "http://a, http://b");
    directory.write("interval", "9\n");
    directory.write("main.toml",
                    "[limits]\ninflight_max = '${env:LEDGE_TEST_NUMBER}'\nqueue_bytes_max = '${env:LEDGE_TEST_SIZE}'\n"
                    "[sys]\ninterval_s = '${file:" +
                        (directory / "interval") +
                        "}'\n"
                        "[process]\ncore_dumps = '${env:LEDGE_TEST_TRUE}'\n"
                        "[listeners.web]\nurl = 'ws://127.0.0.1:${env:LEDGE_TEST_PORT}/mqtt'\n"
                        "[listeners.web.websocket]\norigins = '${env:LEDGE_TEST_LIST}'\n"
                        "trusted_proxies = ['10.0.0.${env:LEDGE_TEST_NUMBER}']\n"
                        "[[store.levels]]\nfilter = 'a/${env:LEDGE_TEST_NUMBER}'\nlevel = 'ram'\n");
    Sources sources;
    sources.set = {"limits.receive_maximum=${env:LEDGE_TEST_NUMBER}"};
    const Loaded loaded = directory.load_main(sources);
    CHECK(lines_of(loaded) == Lines{});
    CHECK(loaded.config.limits.inflight_max == 77);
    CHECK(loaded.config.limits.receive_maximum == 77);
    CHECK(loaded.config.limits.queue_bytes_max == 5 * 1024 * 1024);
    CHECK(loaded.config.shard.sys_interval == 9s);
    CHECK(loaded.config.process.core_dumps);
    REQUIRE(loaded.config.sockets.size() == 1);
    CHECK(loaded.config.sockets[0].url == "ws://127.0.0.1:1888/mqtt");
    CHECK(loaded.config.sockets[0].websocket.origins == TextList{"http://a", "http://b"});
    CHECK(loaded.config.sockets[0].websocket.trusted_proxies == TextList{"10.0.0.77"});
    REQUIRE(loaded.config.shard.durability.overrides.size() == 1);
    CHECK(loaded.config.shard.durability.overrides[0].filter == "a/77");
}

TEST_CASE("a wrong reference is a mistake with its place, its key and the remedy") {
    const ConfigurationDirectory directory;
    const auto complaint = [&](const std::string& value) {
        directory.write("main.toml", "[limits]\ninflight_max = '" + value + "'\n");
        const Lines lines = directory.complaints();
        REQUIRE(lines.size() == 1);
        const std::string start = "@/main.toml:2: key 'limits.inflight_max' ";
        REQUIRE(lines[0].starts_with(start));
        return lines[0].substr(start.size());
    };
    CHECK(complaint("${env:LEDGE_TEST_NONE}") ==
          "needs the environment variable LEDGE_TEST_NONE, which is not set; set it for the broker, or write the value "
          "here");
    CHECK(complaint("${file:" + (directory / "none") + "}") ==
          "needs a file: @/none cannot be opened: No such file or directory; create it, or write the value here");
    CHECK(complaint("${LEDGE_TEST}") ==
          "has ${LEDGE_TEST}, which is no reference; write ${env:NAME} or ${file:PATH}, and $${ for the characters ${");
    CHECK(complaint("${env:A B}").starts_with("has ${env:A B}, which names no environment variable"));
    CHECK(complaint("${env:}").starts_with("has ${env:}, which names no environment variable"));
    CHECK(complaint("${file:}").starts_with("has ${file:}, which is no reference"));
    CHECK(complaint("${env:A").starts_with("has ${ without the brace }"));
    const Variable empty("LEDGE_TEST_EMPTY", "");
    CHECK(complaint("${env:LEDGE_TEST_EMPTY}").starts_with("must be a whole number"));
}

TEST_CASE("$${ stands for the characters ${, also after printing") {
    const Loaded loaded = load_text("[broker]\nresponse_information_prefix = 'a/$${env:X}$$${/$$'\n");
    CHECK(lines_of(loaded) == Lines{});
    CHECK(loaded.config.shard.response_information_prefix == "a/${env:X}$${/$$");
    CHECK(load_text(print(loaded.config)).config.shard.response_information_prefix == "a/${env:X}$${/$$");
}

TEST_CASE("a value that came from outside is not searched for references") {
    const Variable value("LEDGE_TEST_TEXT", "${env:PATH}");
    const Loaded loaded = load_set({"broker.response_information_prefix=${env:LEDGE_TEST_TEXT}"});
    CHECK(lines_of(loaded) == Lines{});
    CHECK(loaded.config.shard.response_information_prefix == "${env:PATH}");
}

TEST_CASE("no answer shows a value from outside") {
    const ConfigurationDirectory directory;
    const std::string secret = "Tq7#" + std::string(70, 'x') + "9Zk\"w";
    directory.write("secret", secret + "\r\n");
    const std::string reference = "${file:" + (directory / "secret") + "}";
    directory.write("main.toml", "[broker]\nresponse_information_prefix = '" + reference +
                                     "'\n[bridges.up]\nurls = ['mqtt://127.0.0.1:1']\nclient_id = 'a" + reference +
                                     "'\n[bridges.up.token]\nkind = 'jwt'\nkey_file = '/none'\n"
                                     "[bridges.up.token.claims]\nrole = '" +
                                     reference + "'\n");
    const Loaded loaded = directory.load_main();
    CHECK(loaded.config.shard.response_information_prefix == secret);
    const std::string printed = print(loaded);
    CHECK(printed.find("response_information_prefix = \"" + reference + "\"  # ") != std::string::npos);
    CHECK(printed.find("role = \"" + reference + "\"  # ") != std::string::npos);
    CHECK(printed.find("client_id = \"a" + reference + "\"  # ") != std::string::npos);
    CHECK(printed.find("Tq7#") == std::string::npos);
    // A value of a wrong type, a wrong word, a wrong url and the path of a file that is not there are shown in
    // complaints as a rule. A secret where a path is expected is an easy slip.
    for (const char* key : {"limits.inflight_max", "log.level", "listeners.local.url", "store.levels.1.filter",
                            "listeners.local.websocket.origins", "auth.http.url", "bridges.up.urls",
                            "auth.password_file", "auth.acl_file"}) {
        const Loaded wrong = load_set({std::string(key) + "=" + reference});
        INFO(key);
        CHECK(!wrong.ok());
        for (const std::string& line : lines_of(wrong)) CHECK_MESSAGE(line.find("Tq7#") == std::string::npos, line);
        for (const std::string& note : wrong.notes) CHECK_MESSAGE(note.find("Tq7#") == std::string::npos, note);
    }
}

TEST_CASE("parse() reads no file and no variable") {
    CHECK(complaint_about("[limits]\ninflight_max = '${env:PATH}'\n").find("is not set") != std::string::npos);
    CHECK(complaint_about("[limits]\ninflight_max = '${file:/etc/hostname}'\n").find("is not read here") !=
          std::string::npos);
    CHECK(complaint_about("include = ['/etc/hostname']\n").find("key 'include' is unknown") != std::string::npos);
}
