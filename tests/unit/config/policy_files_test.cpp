#include "policy_files.hpp"

#include <doctest/doctest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "helpers.hpp"
#include "ledge/auth/authenticator.hpp"
#include "ledge/auth/password_file.hpp"
#include "ledge/auth/password_hash.hpp"
#include "ledge/auth/rights.hpp"
#include "ledge/auth/text_file.hpp"
#include "temporary_file.hpp"

using namespace ledge;
using namespace ledge::config;
using Lines = std::vector<std::string>;

namespace {

using File = TemporaryFile;

std::string user(const std::string& name) {
    return auth::with_password("", name, auth::hash_password(as_bytes("p"), as_bytes("salt"), 1));
}

Loaded load_with(const std::string& passwords, const std::string& acl, std::vector<std::string> more = {}) {
    Sources sources;
    if (!passwords.empty()) sources.set.push_back("auth.password_file=" + passwords);
    if (!acl.empty()) sources.set.push_back("auth.acl_file=" + acl);
    for (std::string& setting : more) sources.set.push_back(std::move(setting));
    return load(sources);
}

}  // namespace

TEST_CASE("both files become the policy, with the settings beside them") {
    const File users("users", user("alice"));
    const File acl("acl", "topic a\nuser alice\ntopic b\n");
    const Loaded loaded =
        load_with(users.path(), acl.path(),
                  {"auth.login_failures_max=3", "auth.login_block_s=7", "auth.on_revocation=unsubscribe"});
    CHECK(lines_of(loaded) == Lines{});
    CHECK(loaded.notes.empty());
    REQUIRE(loaded.policy->passwords);
    CHECK(loaded.policy->passwords->find("alice") != nullptr);
    REQUIRE(loaded.policy->acl);
    CHECK(loaded.policy->acl->size() == 2);
    CHECK(loaded.policy->login.failures_max == 3);
    CHECK(loaded.policy->login.block_time == 7s);
    CHECK(loaded.policy->on_revocation == auth::Revocation::unsubscribe);
    CHECK_FALSE(loaded.config.shard.listeners[0].allow_anonymous);  // who has passwords wants them
    CHECK_FALSE(load({}).policy->passwords);
    CHECK_FALSE(load({}).policy->acl);
}

TEST_CASE("anonymous clients beside a password file only where the listener says so") {
    const File users("users", user("alice"));
    CHECK(load_with(users.path(), "", {"listeners.local.url=unix:/a", "listeners.local.allow_anonymous=true"})
              .config.shard.listeners[0]
              .allow_anonymous);
}

TEST_CASE("mistakes are told with the file and the line, of both files at once") {
    const File users("users", user("alice") + "bob:plain\n");
    const File acl("acl", "topics a\n");
    const Loaded loaded = load_with(users.path(), acl.path());
    REQUIRE(loaded.complaints.size() == 2);
    CHECK(loaded.complaints[0].line().starts_with(users.path() + ":2: the line has no hash"));
    CHECK(loaded.complaints[1].line().starts_with(acl.path() + ":1: the line begins with neither"));
    CHECK_FALSE(loaded.policy->passwords);
    CHECK_FALSE(loaded.policy->acl);
    const Loaded missing = load_with(users.path() + "-none", "");
    REQUIRE(missing.complaints.size() == 1);
    CHECK(missing.complaints[0].text.starts_with("key 'auth.password_file': the file cannot be opened"));
}

TEST_CASE("files that others may write are refused, hashes that others may read are noted, so are empty files") {
    const File open("open", user("alice"), 0602);
    const Loaded refused = load_with(open.path(), "");
    REQUIRE(refused.complaints.size() == 1);
    CHECK(refused.complaints[0].text.find("chmod o-w") != std::string::npos);
    const File shown("shown", "", 0644);
    const Loaded noted = load_with(shown.path(), shown.path());
    CHECK(noted.ok());
    REQUIRE(noted.notes.size() == 3);
    CHECK(noted.notes[0].find("has no users") != std::string::npos);
    CHECK(noted.notes[1].find("chmod o-r") != std::string::npos);
    CHECK(noted.notes[2].find("has no rules") != std::string::npos);
    REQUIRE(noted.policy->acl);  // which denies everything
    CHECK_FALSE(auth::Rights(*noted.policy->acl, {}, "c").may_receive("a"));
}

TEST_CASE("rules for users that do not exist, and patterns without the client's names, are noted") {
    const File users("users", user("alice"));
    const File acl("acl", "user alice\ntopic a\nuser alcie\ntopic b\npattern read all/#\npattern read own/%u/#\n");
    const Loaded loaded = load_with(users.path(), acl.path());
    REQUIRE(loaded.notes.size() == 2);
    CHECK(loaded.notes[0] ==
          acl.path() + " has rules for the user alcie, who is not in " + users.path() + "; is the name mistyped?");
    CHECK(loaded.notes[1] == acl.path() +
                                 ":5: the line 'pattern read all/#' has neither %u nor %c, so every client has "
                                 "this right");
    const Loaded others = load_with(users.path(), acl.path(), {"auth.http.url=http://127.0.0.1:1/"});
    CHECK(others.notes.size() == 1);  // the hook may know him
}

TEST_CASE("a pattern without the client's names is noted: it is a rule for everybody") {
    const File users("users", user("alice"));
    const File acl("acl", "user alice\ntopic a\npattern read all/#\npattern deny no/#\npattern read own/%u/#\n");
    const Loaded loaded = load_with(users.path(), acl.path());
    REQUIRE(loaded.notes.size() == 1);
    CHECK(loaded.notes[0] == acl.path() +
                                 ":3: the line 'pattern read all/#' has neither %u nor %c, so every client has "
                                 "this right");
}

TEST_CASE("a byte order mark in the files is no part of the first name; a pipe is refused") {
    const File users("users", "\xEF\xBB\xBF" + user("alice"));
    const File acl("acl", "\xEF\xBB\xBFuser alice\ntopic b\n");
    const Loaded loaded = load_with(users.path(), acl.path());
    CHECK(lines_of(loaded) == Lines{});
    CHECK(loaded.notes.empty());
    REQUIRE(loaded.policy->passwords);
    CHECK(loaded.policy->passwords->find("alice") != nullptr);
    const File pipe("pipe", "");
    std::filesystem::remove(pipe.path());
    REQUIRE(::mkfifo(pipe.path().c_str(), 0600) == 0);
    CHECK(load_with("", pipe.path()).complaints[0].text ==
          "key 'auth.acl_file': the file is a pipe; name a regular file");
}

TEST_CASE("keys of tokens come from either file or both, with the settings beside them") {
    const File secret("secret", std::string(32, 's') + "\n");
    const File jwks("jwks",
                    R"({"keys":[{"kty":"OKP"},{"kty":"oct","kid":"k","k":")" + std::string(43, 'A') + R"("}]})");
    const Loaded loaded = load_with("", "",
                                    {"auth.jwt.key_file=" + secret.path(), "auth.jwt.jwks_file=" + jwks.path(),
                                     "auth.jwt.audience=a", "auth.jwt.leeway_s=5"});
    REQUIRE(lines_of(loaded) == Lines{});
    REQUIRE(loaded.policy->tokens);
    CHECK(loaded.policy->tokens->keys.size() == 2);
    CHECK(loaded.policy->tokens->audience == "a");
    CHECK(loaded.policy->tokens->leeway == std::chrono::seconds(5));
    REQUIRE(!loaded.notes.empty());
    CHECK(loaded.notes.front() ==
          jwks.path() + ": key 1 is of an unsupported kind (\"kty\"); supported are oct, RSA and EC: left out");
    CHECK_FALSE(loaded.config.shard.listeners.front().allow_anonymous);
}

TEST_CASE("a file of keys that is missing, wrong, or lets others sign tokens is a complaint") {
    const File wrong("wrong", "short");
    const File open("open", std::string(32, 's'), 0644);
    CHECK(lines_of(load_with("", "", {"auth.jwt.key_file=" + wrong.path()})) ==
          Lines{wrong.path() + ": the file has a secret of 40 bits; 256 to 8192 bits are allowed"});
    CHECK(lines_of(load_with("", "", {"auth.jwt.jwks_file=" + wrong.path()})) ==
          Lines{wrong.path() + ": the file is not a JWK Set, {\"keys\": [...]}"});
    CHECK(lines_of(load_with("", "", {"auth.jwt.key_file=" + open.path()})) ==
          Lines{open.path() +
                ": every user of this machine can read the secret in the file and so sign tokens; run chmod o-r " +
                open.path()});
    CHECK(lines_of(load_with("", "", {"auth.jwt.jwks_file=/nowhere"})).size() == 1);
}

TEST_CASE("the hook: its url, and a word about a network in between") {
    const Loaded local = load_with("", "", {"auth.http.url=http://localhost:8000/a?b=c", "auth.http.timeout_ms=500"});
    REQUIRE(lines_of(local) == Lines{});
    REQUIRE(local.policy->hook);
    CHECK(local.policy->hook->host == "localhost");
    CHECK(local.policy->hook->port == 8000);
    CHECK(local.policy->hook->target == "/a?b=c");
    CHECK(local.policy->hook->timeout == 500ms);
    CHECK_FALSE(local.policy->hook->is_tls);
    CHECK_FALSE(local.config.shard.listeners.front().allow_anonymous);
    CHECK(local.notes.empty());
    for (const char* url : {"http://192.0.2.1:8000", "http://127.example.org/"}) {
        const Loaded far = load_with("", "", {"auth.http.url=" + std::string(url)});
        CHECK(far.policy->hook->target == "/");
        CHECK(std::ranges::any_of(far.notes, [](const auto& n) { return n.starts_with("passwords go to http://"); }));
    }
    const std::string long_label(64, 'a');
    for (const std::string& url :
         {std::string("127.0.0.1:8000"), std::string("http://"), std::string("http://127.0.0.1:0/"),
          std::string("http://127.0.0.1:8000/a b"), std::string("http://127.0.0.1:8000/#x"),
          std::string("http://u@127.0.0.1:8000/"), std::string("http://1.2.3/"), std::string("http://a..b/"),
          std::string("http://a.b./"), std::string("http://-a/"), "http://" + long_label + "/",
          std::string("http://[a]/"), std::string("ftp://a/")}) {
        INFO(url);
        const Loaded loaded = load_with("", "", {"auth.http.url=" + url});
        REQUIRE(loaded.complaints.size() == 1);
        CHECK(loaded.complaints.front().line().starts_with("--set auth.http.url: key 'auth.http.url': "));
    }
}

TEST_CASE("the hook behind https: a name, whom to trust, both of our own files or none, all of them watched") {
    const std::string url = "auth.http.url=https://Login.example.org/x";
    const File open("open-ca", "x", 0602);
    const Loaded good = load_with("", "",
                                  {url, "auth.http.ca=/a", "auth.http.certificate=/c", "auth.http.key=/k",
                                   "auth.http.idle_connections_max=9", "auth.http.idle_s=8"});
    REQUIRE(lines_of(good) == Lines{});
    const auth::HookOptions& hook = *good.policy->hook;
    CHECK((hook.is_tls && hook.port == 443 && hook.host == "Login.example.org"));
    CHECK((hook.ca_file == "/a" && hook.certificate_file == "/c" && hook.key_file == "/k"));
    CHECK((hook.idle_max == 9 && hook.idle_time == 8s));
    CHECK(good.policy_files == Lines{"/a", "/c", "/k"});
    CHECK(good.notes.empty());
    const auto only_line = [&](std::vector<std::string> more, const std::string& scheme = "https") {
        more.push_back("auth.http.url=" + scheme + "://login.example.org/x");
        const Loaded loaded = load_with("", "", std::move(more));
        return loaded.complaints.size() == 1 ? loaded.complaints.front().line() : std::string("not one complaint");
    };
    CHECK(only_line({}).starts_with("--set auth.http.url: key 'auth.http.ca': https:// requires a file"));
    CHECK(only_line({"auth.http.ca=/a", "auth.http.key=/k"}).ends_with("certificate and key must both be set"));
    CHECK(only_line({"auth.http.ca=/a"}, "http").ends_with("has no effect unless the url begins with https://"));
    CHECK(only_line({"auth.http.ca=" + open.path()}).ends_with("run chmod o-w " + open.path()));
}
