// Privileges, as far as a process can try them without giving up its own; tests/e2e has the rest.
#include "privileges.hpp"

#include <doctest/doctest.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

using namespace ledge::daemon;

namespace {

std::string error_of(const std::string& user, const std::string& group = "") {
    const auto account = find_account({user, group, false});
    return account.ok() ? "" : text_of(account.error());
}

/// What a child returns that does this; the test itself stays what it is.
template <class Do>
int in_a_child(Do&& act) {
    const pid_t child = ::fork();
    if (child == 0) ::_exit(act());
    int status = -1;
    ::waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

}  // namespace

TEST_CASE("an account: none is wished for, or it is there, or the reason") {
    const auto none = find_account({});
    REQUIRE(none.ok());
    CHECK_FALSE(none.value());
    CHECK(error_of("", "nogroup").find("has no effect without process.user") != std::string::npos);
    CHECK(error_of("no-such-user").find("there is no user 'no-such-user'") != std::string::npos);
    CHECK(error_of("root").find("that is root") != std::string::npos);
    CHECK(error_of("nobody", "no-such-group").find("there is no group 'no-such-group'") != std::string::npos);
    if (::geteuid() != 0) CHECK(error_of("nobody").find("only root can become 'nobody'") != std::string::npos);
}

TEST_CASE("core dumps are forbidden: by the limit and by the attribute") {
    CHECK(in_a_child([] {
              allow_core_dumps(false);
              rlimit limit{};
              ::getrlimit(RLIMIT_CORE, &limit);
              const bool is_off = limit.rlim_cur == 0 && limit.rlim_max == 0 && ::prctl(PR_GET_DUMPABLE) == 0;
              allow_core_dumps(true);
              return is_off && ::prctl(PR_GET_DUMPABLE) == 1 ? 0 : 1;
          }) == 0);
}

TEST_CASE("becoming somebody else is for good, in every way back that there is") {
    if (::geteuid() != 0) {
        MESSAGE("not root: nothing to give up");
        return;
    }
    const auto account = find_account({"nobody", "", false});
    REQUIRE((account.ok() && account.value()));
    const std::string secret =
        (std::filesystem::temp_directory_path() / ("ledgemq-secret-" + std::to_string(::getpid()))).string();
    std::ofstream(secret) << "x";
    ::chmod(secret.c_str(), 0600);
    CHECK(unreadable({secret, ""}).empty());
    CHECK(in_a_child([&] {
              forbid_new_privileges();
              if (!become(*account.value()).ok()) return 1;
              if (::getuid() == 0 || ::geteuid() == 0 || ::getgid() == 0 || ::getgroups(0, nullptr) != 0) return 2;
              if (::setuid(0) == 0 || ::seteuid(0) == 0 || ::setgid(0) == 0 || ::setresuid(0, 0, 0) == 0) return 3;
              if (::prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1) return 4;
              return unreadable({secret, ""}) == std::vector<std::string>{secret} ? 0 : 5;
          }) == 0);
    CHECK(in_a_child([&] {
              {
                  const AsUser as_user(account.value());
                  if (::geteuid() == 0 || unreadable({secret}).empty()) return 1;
              }
              return ::geteuid() == 0 && ::getegid() == 0 && unreadable({secret}).empty() ? 0 : 2;
          }) == 0);
    std::filesystem::remove(secret);
}
