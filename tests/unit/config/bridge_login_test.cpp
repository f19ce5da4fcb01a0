// How bridges log in: passwords, programs that print them, and tokens.
#include <doctest/doctest.h>

#include <utility>

#include "bridge_rig.hpp"
#include "bridges.hpp"
#include "helpers.hpp"

using namespace ledge;
using namespace ledge::config;
using Lines = std::vector<std::string>;

namespace {

const std::string token_head =
    "[bridges.x]\nurls = ['mqtts://h']\nuser = 'gw'\nroutes = [{filter = 'a'}]\n"
    "[bridges.x.tls]\nca = '/ca'\n[bridges.x.token]\n";  // 7 lines

}  // namespace

TEST_CASE("a password command is a list: the whole path of a program, and its arguments") {
    const BridgeSettings bridge =
        one_bridge(bridge_text("user = 'gw'\npassword_command = ['/usr/lib/gw/token', '--site', 'a b']\n"));
    CHECK(bridge.password_command == Lines{"/usr/lib/gw/token", "--site", "a b"});
    CHECK(bridge.has_password());
    CHECK(has_note(load_text(bridge_text("user = 'gw'\npassword_command = ['/x']\n")), "unencrypted"));
    CHECK(complaint_about(bridge_text("user = 'gw'\npassword_command = ['token']\n"))
              .starts_with("test.toml:4: key 'bridges.x.password_command': \"token\" is not the whole path"));
    CHECK(complaint_about(bridge_text("user = 'gw'\npassword_command = '/x'\n")).find("must be a list of texts") !=
          std::string::npos);
    CHECK(complaint_about(bridge_text("password_command = ['/x']\n")).find("add user, or write protocol") !=
          std::string::npos);
    CHECK(complaint_about(bridge_text("user = 'gw'\npassword_file = '/f'\npassword_command = ['/x']\n"))
              .starts_with("test.toml:5: key 'bridges.x.password_command': the bridge has password_file too"));
    CHECK(explain_bridges({bridge}, "gw").find("\n  login: The password is what /usr/lib/gw/token prints") !=
          std::string::npos);
}

TEST_CASE("every key of a token is read") {
    const BridgeTokenSettings jwt =
        one_bridge(token_head +
                   "kind = 'jwt'\nalgorithm = 'RS256'\nkey_file = '/key'\nkey_id = 'k'\nissuer = 'i'\n"
                   "subject = 's'\naudience = 'a'\nlifetime_s = '2 h'\nclaims = {b = true, n = -7, "
                   "t = 'x', 'https://claims.example/list' = ['x', 'y']}\n")
            .token;
    CHECK(jwt.kind == BridgeTokenSettings::Kind::jwt);
    CHECK(jwt.algorithm == auth::TokenAlgorithm::rs256);
    CHECK(jwt.key_file == "/key");
    CHECK(jwt.key_id == "k");
    CHECK(jwt.issuer == "i");
    CHECK(jwt.subject == "s");
    CHECK(jwt.audience == "a");
    CHECK(jwt.lifetime == 2h);
    const decltype(jwt.claims) claims = {{"b", true},
                                         {"https://claims.example/list", Lines{"x", "y"}},
                                         {"n", std::int64_t{-7}},
                                         {"t", std::string("x")}};
    CHECK((jwt.claims == claims));
    const BridgeSettings sas =
        one_bridge(token_head + "kind = 'sas'\nkey_file = '/key'\nresource = 'r'\npolicy = 'p'\n");
    CHECK(sas.token.resource == "r");
    CHECK(sas.token.policy == "p");
    CHECK(sas.has_password());
    Sources sources;
    sources.set = {"bridges.x.token.claims.site=17", "bridges.x.token.claims.b=true"};
    const Loaded flags = load_text(token_head + "kind = 'jwt'\nkey_file = '/key'\n", sources);
    CHECK(lines_of(flags) == Lines{});
    CHECK((flags.config.bridges[0].token.claims == decltype(jwt.claims){{"b", true}, {"site", std::string("17")}}));
}

TEST_CASE("a token whose keys do not fit together is a mistake") {
    const auto complaint = [](const std::string& lines) { return complaint_about(token_head + lines); };
    CHECK(complaint("key_file = '/key'\n")
              .starts_with("test.toml:8: key 'bridges.x.token': the section has no effect without a kind"));
    CHECK(complaint("kind = 'jwt'\n").starts_with("test.toml:8: key 'bridges.x.token': a token is signed with a key"));
    CHECK(complaint("kind = 'sas'\nkey_file = '/key'\n").find("add resource = ") != std::string::npos);
    CHECK(complaint("kind = 'jwt'\nkey_file = '/key'\npolicy = 'p'\n")
              .starts_with("test.toml:10: key 'bridges.x.token.policy': the key has no effect with kind = \"jwt\""));
    for (const char* line : {"audience = 'a'", "subject = 'a'", "issuer = 'a'", "key_id = 'a'", "algorithm = 'HS256'"})
        CHECK(complaint("kind = 'sas'\nresource = 'r'\nkey_file = '/key'\n" + std::string(line) + "\n")
                  .find("has no effect with kind = \"sas\"") != std::string::npos);
    CHECK(complaint("kind = 'sas'\nresource = 'r'\nkey_file = '/key'\nclaims = {a = 1}\n").find("token.claims'") !=
          std::string::npos);
    CHECK(complaint("kind = 'paseto'\nkey_file = '/key'\n").find("one of none, jwt, sas") != std::string::npos);
    CHECK(complaint("kind = 'jwt'\nkey_file = '/key'\nlifetime_s = 9\n").find("use 10") != std::string::npos);
    CHECK(complaint("kind = 'jwt'\nkey_fil = '/key'\n").find("did you mean 'bridges.x.token.key_file'?") !=
          std::string::npos);
    CHECK(complaint_about("[bridges.x]\nurls = ['mqtts://h']\nuser = 'gw'\npassword_file = '/f'\n"
                          "routes = [{filter = 'a'}]\n[bridges.x.tls]\nca = '/ca'\n[bridges.x.token]\n"
                          "kind = 'jwt'\nkey_file = '/key'\n")
              .starts_with("test.toml:9: key 'bridges.x.token': the bridge has password_file too"));
    CHECK(load_text(token_head + "kind = 'none'\n").ok());
}

TEST_CASE("a claim has a plain value, and a name that no other key has") {
    const auto complaint = [](const std::string& line) {
        return complaint_about(token_head + "kind = 'jwt'\nkey_file = '/key'\n[bridges.x.token.claims]\n" + line);
    };
    CHECK(complaint("iss = 'a'\n").starts_with("test.toml:11: key 'bridges.x.token.claims.iss' has a key of its own"));
    CHECK(complaint("sub = 'a'\n").find("write subject in") != std::string::npos);
    CHECK(complaint("aud = 'a'\n").find("write audience in") != std::string::npos);
    CHECK(complaint("exp = 5\n").find("is set by the bridge") != std::string::npos);
    CHECK(complaint("a = 1.5\n").find("not a number with a fraction") != std::string::npos);
    CHECK(complaint("a = [1]\n").find("must be true or false, a whole number, a text or a list") != std::string::npos);
    CHECK(complaint("a = {b = 1}\n").find("is no claim") != std::string::npos);
    std::string many;
    for (std::size_t i = 0; i <= claims_max; ++i) many += "c" + std::to_string(i) + " = 1\n";
    CHECK(complaint(many).find("is one claim too many; at most 32") != std::string::npos);
    CHECK(complaint_about(token_head + "kind = 'jwt'\nkey_file = '/key'\nclaims = 5\n").find("is a section") !=
          std::string::npos);
}

TEST_CASE("tokens are printed so that they parse back to the same, and explained in a sentence") {
    const Loaded loaded = load_text(token_head +
                                    "kind = 'jwt'\nkey_file = '/key'\nclaims = {b = true, n = -7, "
                                    "'a.b' = ['x', 'y'], t = 'q\"'}\n");
    REQUIRE(lines_of(loaded) == Lines{});
    const std::string printed = print(loaded.config);
    const Loaded again = load_text(printed);
    CHECK(lines_of(again) == Lines{});
    CHECK((again.config.bridges[0].token == loaded.config.bridges[0].token));
    CHECK(differences(loaded.config, again.config) == Lines{});
    Config changed = loaded.config;
    changed.bridges[0].token.claims.pop_back();
    changed.bridges[0].token.audience = "a";
    CHECK(differences(loaded.config, changed) == Lines{"bridges.x.token.audience", "bridges.x.token.claims.t"});
    CHECK(
        explain_bridges(loaded.config.bridges, "gw")
            .find("  login: The password is a JSON Web Token (ES256) that the bridge signs with /key. It is valid for "
                  "3600 s") != std::string::npos);
}

TEST_CASE("load() reads the key of a token") {
    const SecretFile key("short", 0600);
    const SecretFile open_key(std::string(40, 's'), 0644);
    const auto complaint = [](const std::string& file) {
        const SecretFile toml(token_head + "kind = 'jwt'\nalgorithm = 'HS256'\nkey_file = '" + file + "'\n", 0600);
        Sources sources;
        sources.file = toml.path();
        const Loaded loaded = load(sources);
        REQUIRE(loaded.complaints.size() == 1);
        CHECK(loaded.complaints[0].place == toml.path() + ":10");
        return loaded.complaints[0].text;
    };
    CHECK(complaint(key.path()).starts_with("key 'bridges.x.token.key_file': " + key.path() + " has a secret of 40"));
    CHECK(complaint(open_key.path()).find("run chmod o-r " + open_key.path()) != std::string::npos);
    CHECK(complaint("/nonexistent/key").find("/nonexistent/key cannot be opened") != std::string::npos);
}

TEST_CASE("a program that cannot be run, or that everybody can change, is a mistake") {
    CHECK(problem_of_program("/bin/sh").empty());
    CHECK(problem_of_program("/nonexistent/x") == "/nonexistent/x cannot be run: No such file or directory");
    CHECK(problem_of_program(SecretFile("#!/bin/sh\n", 0600).path()).find("cannot be run: ") != std::string::npos);
    const SecretFile open_to_all("#!/bin/sh\n", 0707);
    CHECK(problem_of_program(open_to_all.path()).find("run chmod o-w " + open_to_all.path()) != std::string::npos);
    CHECK(problem_of_program("/tmp").find("is not a program") != std::string::npos);
    const SecretFile toml(bridge_text("user = 'gw'\npassword_command = ['/nonexistent/x']\n"), 0600);
    Sources sources;
    sources.file = toml.path();
    const Loaded loaded = load(sources);
    REQUIRE(loaded.complaints.size() == 1);
    CHECK(loaded.complaints[0].line() == toml.path() +
                                             ":4: key 'bridges.x.password_command': /nonexistent/x cannot "
                                             "be run: No such file or directory");
}
