#include <doctest/doctest.h>

#include "helpers.hpp"
#include "ledge/config/load.hpp"

namespace ledge::config {
namespace {

std::string with(std::string_view name, std::string_view file, std::string_view rights) {
    std::string text = "[[admin.tokens]]\n";
    if (!name.empty()) text += "name = '" + std::string(name) + "'\n";
    if (!file.empty()) text += "file = '" + std::string(file) + "'\n";
    if (!rights.empty()) text += "rights = '" + std::string(rights) + "'\n";
    return text;
}

}  // namespace

TEST_CASE("tokens have a name, a file and rights") {
    const Loaded loaded = load_text(with("phone", "/a", "read") + with("ctl", "/b", "act"));
    REQUIRE(loaded.ok());
    REQUIRE(loaded.config.admin.tokens.size() == 2);
    CHECK(loaded.config.admin.tokens[0].name == "phone");
    CHECK_FALSE(loaded.config.admin.tokens[0].may_act);
    CHECK(loaded.config.admin.tokens[1].file == "/b");
    CHECK(loaded.config.admin.tokens[1].may_act);
    CHECK(parse(print(loaded.config), {}).config.admin.tokens == loaded.config.admin.tokens);
    CHECK(differences(loaded.config, Config(load_text("").config)) == std::vector<std::string>{"admin.tokens"});
}

TEST_CASE("a token with a mistake is refused with the fix") {
    struct Wrong {
        std::string text;
        std::string_view words;
    };
    for (const Wrong& wrong : {Wrong{with("", "/a", "act"), "has no name"}, Wrong{with("a", "", "act"), "has no file"},
                               Wrong{with("a", "/a", ""), "has no rights; write rights"},
                               Wrong{with("a", "/a", "write"), "must be \"read\" or \"act\""},
                               Wrong{with("a b", "/a", "act"), "must be 1 to 64 letters"},
                               Wrong{with("a", "/a", "act") + with("a", "/b", "act"), "another token has: a"},
                               Wrong{with("token", "/a", "act"), "another token has: token"},
                               Wrong{"[[admin.tokens]]\nsecret = 'x'\n", "is unknown; write [[admin.tokens]]"}}) {
        const Loaded loaded = load_text(wrong.text);
        CHECK_FALSE_MESSAGE(loaded.ok(), wrong.text);
        REQUIRE_FALSE(loaded.complaints.empty());
        CHECK_MESSAGE(loaded.complaints.front().line().find(wrong.words) != std::string::npos,
                      loaded.complaints.front().line());
    }
}

TEST_CASE("a token of any right lets other machines reach the pages, and the path of the socket is bounded") {
    const std::string open = "[admin]\nurl = 'http://0.0.0.0:9883'\n";
    CHECK_FALSE(load_text(open).ok());
    CHECK(load_text(open + with("a", "/a", "read")).ok());
    CHECK(load_text("[admin]\nsocket = '/run/ledgemq/ctl.sock'\n").ok());
    CHECK_FALSE(load_text("[admin]\nsocket = '/" + std::string(120, 'x') + "'\n").ok());
}

}  // namespace ledge::config
