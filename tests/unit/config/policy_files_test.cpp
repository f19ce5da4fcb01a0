#include "policy_files.hpp"

#include <doctest/doctest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "helpers.hpp"

using namespace ledge;
using namespace ledge::config;
using Lines = std::vector<std::string>;

namespace {

class File {
public:
    File(const char* name, const std::string& text, mode_t mode = 0600)
        : path_(std::filesystem::temp_directory_path() / ("ledgemq-" + std::to_string(::getpid()) + name)) {
        std::ofstream(path_) << text;
        ::chmod(path_.c_str(), mode);
    }
    ~File() { std::filesystem::remove(path_); }
    File(const File&) = delete;
    File& operator=(const File&) = delete;
    std::string path() const { return path_.string(); }

private:
    std::filesystem::path path_;
};

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
    REQUIRE(loaded.policy.passwords);
    CHECK(loaded.policy.passwords->find("alice") != nullptr);
    REQUIRE(loaded.policy.acl);
    CHECK(loaded.policy.acl->size() == 2);
    CHECK(loaded.policy.login.failures_max == 3);
    CHECK(loaded.policy.login.block_time == 7s);
    CHECK(loaded.policy.on_revocation == auth::Revocation::unsubscribe);
    CHECK_FALSE(loaded.config.shard.listeners[0].allow_anonymous);  // who has passwords wants them
    CHECK_FALSE(load({}).policy.passwords);
    CHECK_FALSE(load({}).policy.acl);
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
    CHECK_FALSE(loaded.policy.passwords);
    CHECK_FALSE(loaded.policy.acl);
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
    REQUIRE(noted.policy.acl);  // which denies everything
    CHECK_FALSE(auth::Rights(*noted.policy.acl, {}, "c").may_receive("a"));
}
