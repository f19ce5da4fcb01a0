// Changes the user of the process by system calls, and checks that they had the whole effect (README).
#include "privileges.hpp"

#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <iterator>

#include "ledge/base/assert.hpp"

namespace ledge::daemon {
namespace {

constexpr std::size_t entry_bytes_max =
    64 * 1024;  // one entry of the system's databases: a user, or a group with its members

/// nullopt also if the database of users cannot be read: for the caller, such a user does not exist.
std::optional<Account> find_user(const std::string& name) {
    std::vector<char> text(entry_bytes_max);
    passwd entry{};
    passwd* found = nullptr;
    if (::getpwnam_r(name.c_str(), &entry, text.data(), text.size(), &found) != 0 || found == nullptr)
        return std::nullopt;
    return Account{name, entry.pw_uid, entry.pw_gid};
}

std::optional<gid_t> find_group(const std::string& name) {
    std::vector<char> text(entry_bytes_max);
    group entry{};
    group* found = nullptr;
    if (::getgrnam_r(name.c_str(), &entry, text.data(), text.size(), &found) != 0 || found == nullptr)
        return std::nullopt;
    return entry.gr_gid;
}

/// True: the process has only the rights of this account, and cannot become root again. The kernel is asked, because
/// the calls that changed the rights might have succeeded only in part.
bool has_only_rights_of(const Account& account) {
    // Real, effective and saved id: with root as the saved id, the process could become root again.
    std::array<uid_t, 3> users{};
    std::array<gid_t, 3> groups{};
    if (::getresuid(&users[0], &users[1], &users[2]) != 0 || ::getresgid(&groups[0], &groups[1], &groups[2]) != 0)
        return false;
    const bool is_user = std::ranges::all_of(users, [&](uid_t uid) { return uid == account.uid; });
    const bool is_group = std::ranges::all_of(groups, [&](gid_t gid) { return gid == account.gid; });
    // The last two calls try to become root again, and both must fail.
    return is_user && is_group && ::getgroups(0, nullptr) == 0 && ::setuid(0) != 0 && ::seteuid(0) != 0;
}

}  // namespace

Result<std::optional<Account>, Error> find_account(const config::ProcessSettings& settings) {
    if (settings.user.empty()) {
        if (settings.group.empty()) return std::optional<Account>();
        return Failure{Error{{}, "key 'process.group' has no effect without process.user; add process.user"}};
    }
    std::optional<Account> account = find_user(settings.user);
    if (!account) return Failure{Error{{}, "key 'process.user': there is no user '{}' on this machine", settings.user}};
    if (!settings.group.empty()) {
        // process.group replaces the main group of the user.
        const std::optional<gid_t> gid = find_group(settings.group);
        if (!gid)
            return Failure{Error{{}, "key 'process.group': there is no group '{}' on this machine", settings.group}};
        account->gid = *gid;
    }
    // A key that promises fewer rights must not silently keep all of them.
    if (account->uid == 0)
        return Failure{Error{{}, "key 'process.user': that is root; name a user without special rights"}};
    // A service manager may have changed the user already, so there is nothing to do.
    if (::geteuid() == account->uid) return std::optional<Account>();
    if (::geteuid() != 0)
        return Failure{Error{
            {}, "key 'process.user': only root can become '{}'; start as root, or leave the key out", settings.user}};
    return account;
}

AsUser::AsUser(const std::optional<Account>& account) {
    if (!account) return;
    LEDGE_ASSERT(account->uid != 0);
    is_changed_ = true;
    // Only the effective ids change, so that the destructor can change them back. The group comes first: without root's
    // rights it could not be changed.
    const bool is_done = ::setegid(account->gid) == 0 && ::seteuid(account->uid) == 0;
    // A process that goes on with the rights of root would create files that it cannot write later.
    LEDGE_ASSERT(is_done);
}

AsUser::~AsUser() {
    if (!is_changed_) return;
    // The reverse order: only root may change the group back.
    const bool is_back = ::seteuid(0) == 0 && ::setegid(0) == 0;
    LEDGE_ASSERT(is_back);
}

std::optional<Error> act_as(const std::string& user) {
    if (user.empty()) return {};
    const std::optional<Account> account = find_user(user);
    if (!account) return Error{{}, "--as: there is no user '{}' on this machine", user};
    if (::geteuid() == account->uid) return {};
    // The supplementary groups count too, because a service that runs as this user has them.
    const bool is_done = ::initgroups(user.c_str(), account->gid) == 0 &&
                         ::setresgid(account->gid, account->gid, account->gid) == 0 &&
                         ::setresuid(account->uid, account->uid, account->uid) == 0;
    if (is_done) return {};
    return Error{system_code(errno), "--as: only root can look with the rights of '{}'", user};
}

Result<bool, Error> become(const Account& account) {
    const auto fail = [&](const char* step) {
        return Failure{Error{system_code(errno), "cannot become '{}' ({})", account.user, step}};
    };
    LEDGE_ASSERT(account.uid != 0);
    // Groups first: without the user id of root they could not be changed any more.
    if (::setgroups(0, nullptr) != 0) return fail("setgroups");
    if (::setresgid(account.gid, account.gid, account.gid) != 0) return fail("setresgid");
    if (::setresuid(account.uid, account.uid, account.uid) != 0)
        return fail("setresuid");  // drops all capabilities too
    if (!has_only_rights_of(account))
        return Failure{Error{{}, "cannot become '{}': the process could still become root again", account.user}};
    return true;
}

std::vector<std::string> unreadable(const std::vector<std::string>& files) {
    std::vector<std::string> result;
    std::ranges::copy_if(files, std::back_inserter(result), [](const std::string& file) {
        // AT_EACCESS: AsUser changes only the effective ids, but faccessat() judges by the real ids without this flag.
        return !file.empty() && ::faccessat(AT_FDCWD, file.c_str(), R_OK, AT_EACCESS) != 0;
    });
    return result;
}

void forbid_new_privileges() { ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); }

void allow_core_dumps(bool is_allowed) {
    // RLIMIT_CORE does not count where the system pipes dumps to a program; the attribute counts there too.
    ::prctl(PR_SET_DUMPABLE, is_allowed ? 1 : 0, 0, 0, 0);
    if (is_allowed) return;
    // The hard limit is 0 too, so that a process without the rights of root cannot allow dumps again.
    const rlimit none{0, 0};
    ::setrlimit(RLIMIT_CORE, &none);
}

}  // namespace ledge::daemon
